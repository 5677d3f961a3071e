//! Notes and controllers to the host: each at its sample, and no note without its end.

use super::MidiOut;
use crate::clock::Epoch;
use krach_patterns::Full;

/// Most notes that sound at the host at once; one more ends the oldest.
pub const MAX_SOUNDING: usize = 512;
/// Messages of one block.
pub const MIDI_MESSAGES: usize = 4096;

/// What a pattern asks of the MIDI output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Midi {
    /// A note of some length in quarter notes.
    Note {
        /// 0…15.
        channel: u8,
        /// 0…127.
        key: u8,
        /// 1…127.
        velocity: u8,
        /// Length in quarter notes.
        beats: f64,
    },
    /// A controller.
    Cc {
        /// 0…15.
        channel: u8,
        /// 0…127.
        controller: u8,
        /// 0…127.
        value: u8,
    },
    /// A message of one byte.
    Realtime(u8),
    /// An OSC message, by the pattern that plays it and its value.
    Osc {
        /// Number of the pattern.
        serial: u64,
        /// Index of the value.
        value: u32,
    },
}

/// An OSC message that is due.
#[derive(Clone, Copy, Debug)]
pub struct OscDue {
    /// Sample since activation.
    pub sample: i64,
    /// Number of the pattern.
    pub serial: u64,
    /// Index of the value.
    pub value: u32,
}

/// A pattern's event for the MIDI output.
#[derive(Clone, Copy, Debug)]
pub struct MidiRequest {
    /// Sample since activation.
    pub sample: i64,
    /// Exact time in beats.
    pub beats: f64,
    /// Order among equals.
    pub order: (u32, u32),
    /// The slot that asks.
    pub slot: u32,
    /// Where it is in its pattern, in cycles.
    pub onset: f64,
    /// What it asks.
    pub midi: Midi,
}

/// A note that sounds at the host.
#[derive(Clone, Copy, Debug)]
pub struct Sounding {
    /// 0…15.
    pub channel: u8,
    /// 0…127.
    pub key: u8,
    velocity: u8,
    slot: u32,
    /// Where it began in its pattern, in cycles.
    pub onset: f64,
    /// Its length in quarter notes.
    beats: f64,
    /// Where it ends, in beats of the epoch that plays.
    end: f64,
}

impl Sounding {
    /// A note of that channel, key and velocity, of that length in quarter notes, that has begun nowhere yet.
    pub fn of(slot: u32, onset: f64, (channel, key, velocity): (u8, u8, u8), beats: f64) -> Self {
        // A velocity of 0 would be an end: the softest note there is has 1.
        let (channel, key, velocity) = (channel & 15, key & 127, velocity.clamp(1, 127));
        Self { channel, key, velocity, slot, onset, beats, end: f64::NAN }
    }

    /// The same note, begun at the same place?
    pub fn is_same(&self, other: &Self) -> bool {
        let what = |n: &Self| (n.slot, n.channel, n.key, n.velocity, n.onset.to_bits(), n.beats.to_bits());
        what(self) == what(other)
    }
}

/// The notes that sound at the host, what patterns ask of the next stretch, and what is to be sent.
pub struct MidiVoices {
    sounding: Vec<Sounding>,
    queue: Vec<MidiRequest>,
    /// (sample since activation, message), in order.
    out: Vec<(i64, [u8; 3])>,
    /// In order; what finds no room is lost.
    osc: Vec<OscDue>,
}

const NOTE_ON: u8 = 0x90;
const NOTE_OFF: u8 = 0x80;
const CONTROL_CHANGE: u8 = 0xb0;
/// Requests of one stretch; a stretch with more is halved.
const MAX_REQUESTS: usize = 4096;

impl MidiVoices {
    /// None sounds.
    pub fn new() -> Self {
        Self {
            sounding: Vec::with_capacity(MAX_SOUNDING),
            queue: Vec::with_capacity(MAX_REQUESTS),
            out: Vec::with_capacity(MIDI_MESSAGES),
            osc: Vec::with_capacity(MAX_REQUESTS),
        }
    }

    /// Forgets what was asked of the next stretch.
    pub fn clear_requests(&mut self) {
        self.queue.clear();
    }

    /// Asks something of the next stretch.
    pub fn request(&mut self, request: MidiRequest) -> Result<(), Full> {
        if self.queue.len() == self.queue.capacity() {
            return Err(Full);
        }
        self.queue.push(request);
        Ok(())
    }

    /// The notes of a slot that sound.
    pub fn sounding_of(&self, slot: u32) -> impl Iterator<Item = &Sounding> {
        self.sounding.iter().filter(move |note| note.slot == slot)
    }

    /// Ends the notes of a slot but those whose channel and key `stays` selects.
    pub fn end_notes(&mut self, sample: i64, slot: u32, stays: impl Fn(u8, u8) -> bool) {
        self.end_where(sample, |note| note.slot == slot && !stays(note.channel, note.key));
    }

    /// Ends the notes of the slots that `which` selects.
    pub fn end(&mut self, sample: i64, mut which: impl FnMut(u32) -> bool) {
        self.end_where(sample, |note| which(note.slot));
    }

    /// Sends a message at a sample that is not before any sent yet.
    pub fn say(&mut self, sample: i64, bytes: [u8; 3]) {
        if self.out.len() < self.out.capacity() {
            self.out.push((sample, bytes));
        }
    }

    /// Sends a controller's value at a sample that is not before any sent yet, if there is room for it.
    pub fn control_change(&mut self, sample: i64, channel: u8, controller: u8, value: u8) {
        // The second half of the room is for ends.
        if self.out.len() < self.out.capacity() / 2 {
            self.out.push((sample, [CONTROL_CHANGE | (channel & 15), controller & 127, value & 127]));
        }
    }

    /// Takes the OSC messages that have come due, in order.
    pub fn osc_due(&mut self) -> std::vec::Drain<'_, OscDue> {
        self.osc.drain(..)
    }

    /// Ends what `old` left sounding.
    pub fn take_over(&mut self, old: &mut Self, sample: i64) {
        for note in old.sounding.drain(..) {
            if self.out.len() < self.out.capacity() {
                self.out.push((sample, [NOTE_OFF | note.channel, note.key, 0]));
            }
        }
    }

    /// Does what was asked of `[at, until)` and ends what is over by then, each at its sample; an
    /// end comes before a beginning on the same sample.
    pub fn play(&mut self, epoch: &Epoch, at: i64, until: i64) {
        let mut queue = std::mem::take(&mut self.queue);
        queue.sort_unstable_by(|a, b| {
            a.sample.cmp(&b.sample).then(a.beats.total_cmp(&b.beats)).then(a.order.cmp(&b.order))
        });
        for request in &queue {
            self.end_due(epoch, at, request.sample + 1);
            self.start(request);
        }
        self.end_due(epoch, at, until);
        queue.clear();
        self.queue = queue;
    }

    /// Hands over what is to be sent, as frames of the block that began at `begin`.
    pub fn flush(&mut self, begin: i64, block: &mut MidiOut) {
        for (sample, bytes) in self.out.drain(..) {
            block.push((sample - begin).max(0) as u32, bytes);
        }
    }

    /// Ends the notes whose time is over before `until`, the sooner the first.
    fn end_due(&mut self, epoch: &Epoch, at: i64, until: i64) {
        loop {
            let ends = self.sounding.iter().map(|note| epoch.sample_of(note.end).max(at));
            let Some(sample) = ends.min().filter(|&sample| sample < until) else { return };
            let before = self.sounding.len();
            self.end_where(sample, |note| epoch.sample_of(note.end).max(at) <= sample);
            if self.sounding.len() == before {
                return; // no room to say so: in the next stretch
            }
        }
    }

    fn end_where(&mut self, sample: i64, mut over: impl FnMut(&Sounding) -> bool) {
        let out = &mut self.out;
        self.sounding.retain(|note| {
            if !over(note) || out.len() == out.capacity() {
                return true; // without room it sounds on and is tried again
            }
            out.push((sample, [NOTE_OFF | note.channel, note.key, 0]));
            false
        });
    }

    fn start(&mut self, request: &MidiRequest) {
        // The second half of the room is for ends.
        let room = self.out.len() < self.out.capacity() / 2;
        let sample = request.sample;
        match request.midi {
            Midi::Cc { channel, controller, value } => {
                self.control_change(sample, channel, controller, value);
            }
            Midi::Note { channel, key, velocity, beats } if room => {
                let note = Sounding::of(request.slot, request.onset, (channel, key, velocity), beats);
                let Sounding { channel, key, velocity, .. } = note;
                // A key that is struck again ends first.
                self.end_where(sample, |note| note.channel == channel && note.key == key);
                if self.sounding.len() == MAX_SOUNDING {
                    let oldest = self.sounding.remove(0);
                    self.out.push((sample, [NOTE_OFF | oldest.channel, oldest.key, 0]));
                }
                self.out.push((sample, [NOTE_ON | channel, key, velocity]));
                self.sounding.push(Sounding { end: request.beats + beats.max(0.0), ..note });
            }
            Midi::Realtime(status) if room => self.out.push((sample, [status, 0, 0])),
            Midi::Osc { serial, value } if self.osc.len() < self.osc.capacity() => {
                self.osc.push(OscDue { sample, serial, value });
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 1.0 / 24_000.0;

    fn epoch() -> Epoch {
        Epoch::at(0, 0.0, RATE, 0.0)
    }

    fn note(key: u8, at: f64, beats: f64) -> MidiRequest {
        let midi = Midi::Note { channel: 0, key, velocity: 100, beats };
        let (sample, order) = (epoch().sample_of(at), (0, u32::from(key)));
        MidiRequest { sample, beats: at, order, slot: 0, onset: at, midi }
    }

    fn sent(voices: &mut MidiVoices) -> Vec<(u32, u8, u8)> {
        let mut out = MidiOut::with_capacity(MIDI_MESSAGES);
        voices.flush(0, &mut out);
        out.events().iter().map(|e| (e.offset, e.bytes[0], e.bytes[1])).collect()
    }

    #[test]
    fn a_note_ends_at_the_first_sample_at_or_after_its_length() {
        let mut voices = MidiVoices::new();
        voices.request(note(60, 0.0, 0.5)).expect("there is room");
        voices.play(&epoch(), 0, 11_999);
        assert_eq!(sent(&mut voices), [(0, 0x90, 60)]);
        voices.play(&epoch(), 11_999, 12_001);
        assert_eq!(sent(&mut voices), [(12_000, 0x80, 60)]);
    }

    #[test]
    fn a_note_shorter_than_the_stretch_ends_within_it_and_in_order() {
        let mut voices = MidiVoices::new();
        for (key, at) in [(60, 0.0), (61, 0.25), (62, 0.5)] {
            voices.request(note(key, at, 0.25)).expect("there is room");
        }
        voices.play(&epoch(), 0, 48_000);
        let expected = [
            (0, 0x90, 60),
            (6_000, 0x80, 60),
            (6_000, 0x90, 61),
            (12_000, 0x80, 61),
            (12_000, 0x90, 62),
            (18_000, 0x80, 62),
        ];
        assert_eq!(sent(&mut voices), expected);
    }

    #[test]
    fn a_key_struck_again_ends_before_it_begins() {
        let mut voices = MidiVoices::new();
        voices.request(note(60, 0.0, 4.0)).expect("there is room");
        voices.request(note(60, 1.0, 4.0)).expect("there is room");
        voices.play(&epoch(), 0, 30_000);
        assert_eq!(sent(&mut voices), [(0, 0x90, 60), (24_000, 0x80, 60), (24_000, 0x90, 60)]);
    }

    #[test]
    fn a_full_output_refuses_beginnings_and_keeps_room_for_ends() {
        let mut voices = MidiVoices::new();
        for round in 0..MAX_REQUESTS {
            voices.request(note((round % 128) as u8, round as f64 * 1e-3, 1.0)).expect("there is room");
        }
        voices.play(&epoch(), 0, 24);
        voices.end(24, |_| true);
        let sent = sent(&mut voices);
        let count = |status| sent.iter().filter(|(_, s, _)| *s == status).count();
        assert!(count(0x90) > 100 && count(0x90) == count(0x80), "{} {}", count(0x90), count(0x80));
    }
}
