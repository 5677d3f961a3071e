//! Notes and controllers to the host: each at its sample, and no note without its end.

use super::MidiOut;
use crate::clock::Epoch;

/// Most notes that sound at the host at once; one more ends the oldest.
pub const MAX_SOUNDING: usize = 512;

/// What a pattern asks of the MIDI output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Midi {
    /// A note of some length in quarter notes.
    Note { channel: u8, key: u8, velocity: u8, beats: f64 },
    /// A controller.
    Cc { channel: u8, controller: u8, value: u8 },
}

/// A pattern's event for the MIDI output.
#[derive(Clone, Copy, Debug)]
pub struct MidiRequest {
    /// Sample since activation.
    pub sample: i64,
    /// Exact time in beats, and order among equals.
    pub beats: f64,
    pub order: (u32, u32),
    /// The slot that asks.
    pub slot: u32,
    pub midi: Midi,
}

#[derive(Clone, Copy, Debug)]
struct Sounding {
    channel: u8,
    key: u8,
    slot: u32,
    /// Where it ends, in beats of the epoch that plays.
    end: f64,
}

/// The notes that sound at the host.
pub struct MidiVoices {
    sounding: Vec<Sounding>,
}

const NOTE_ON: u8 = 0x90;
const NOTE_OFF: u8 = 0x80;
const CONTROL_CHANGE: u8 = 0xb0;

impl MidiVoices {
    /// None sounds.
    pub fn new() -> Self {
        Self { sounding: Vec::with_capacity(MAX_SOUNDING) }
    }

    /// Ends the notes that `which` selects at frame `offset` of the block.
    pub fn end(&mut self, offset: u32, out: &mut MidiOut, mut which: impl FnMut(u32) -> bool) {
        self.sounding.retain(|note| {
            // One that finds no room sounds on and is tried again: better late than never.
            let over = which(note.slot) && out.push_end(offset, [NOTE_OFF | note.channel, note.key, 0]);
            !over
        });
    }

    /// The sooner of `until` and the first sample at which a note ends.
    pub fn next_end(&self, epoch: &Epoch, at: i64, until: i64) -> i64 {
        let ends = self.sounding.iter().map(|note| epoch.sample_of(note.end));
        ends.filter(|&sample| sample > at).fold(until, i64::min)
    }

    /// Ends the notes whose time is over at sample `at`.
    pub fn end_due(&mut self, epoch: &Epoch, at: i64, offset: u32, out: &mut MidiOut) {
        self.sounding.retain(|note| {
            let over = epoch.sample_of(note.end) <= at;
            !(over && out.push_end(offset, [NOTE_OFF | note.channel, note.key, 0]))
        });
    }

    /// Does what a pattern asks, at frame `offset` of the block.
    pub fn play(&mut self, request: &MidiRequest, offset: u32, out: &mut MidiOut) {
        match request.midi {
            Midi::Cc { channel, controller, value } => {
                out.push(offset, [CONTROL_CHANGE | (channel & 15), controller & 127, value & 127]);
            }
            Midi::Note { channel, key, velocity, beats } => {
                let (channel, key) = (channel & 15, key & 127);
                self.end_same(channel, key, offset, out);
                if self.sounding.len() == MAX_SOUNDING {
                    let oldest = self.sounding.remove(0);
                    out.push_end(offset, [NOTE_OFF | oldest.channel, oldest.key, 0]);
                }
                // A velocity of 0 would be an end: the softest note there is has 1.
                if out.push(offset, [NOTE_ON | channel, key, velocity.clamp(1, 127)]) {
                    let end = request.beats + beats.max(0.0);
                    self.sounding.push(Sounding { channel, key, slot: request.slot, end });
                }
            }
        }
    }

    /// A key that is struck again ends first.
    fn end_same(&mut self, channel: u8, key: u8, offset: u32, out: &mut MidiOut) {
        self.sounding.retain(|note| {
            let same = note.channel == channel && note.key == key;
            !(same && out.push_end(offset, [NOTE_OFF | channel, key, 0]))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 1.0 / 24_000.0;

    fn note(key: u8, at: f64, beats: f64) -> MidiRequest {
        let midi = Midi::Note { channel: 0, key, velocity: 100, beats };
        MidiRequest { sample: 0, beats: at, order: (0, 0), slot: 0, midi }
    }

    #[test]
    fn a_note_ends_at_the_first_sample_at_or_after_its_length() {
        let (mut voices, mut out) = (MidiVoices::new(), MidiOut::with_capacity(16));
        let epoch = Epoch::at(0, 0.0, RATE, 0.0);
        voices.play(&note(60, 0.0, 0.5), 0, &mut out);
        assert_eq!(voices.next_end(&epoch, 0, 48_000), 12_000);
        voices.end_due(&epoch, 11_999, 9, &mut out);
        assert_eq!(out.events().len(), 1);
        voices.end_due(&epoch, 12_000, 10, &mut out);
        assert_eq!(out.events()[1].bytes, [0x80, 60, 0]);
    }

    #[test]
    fn a_key_struck_again_ends_before_it_begins() {
        let (mut voices, mut out) = (MidiVoices::new(), MidiOut::with_capacity(16));
        voices.play(&note(60, 0.0, 4.0), 0, &mut out);
        voices.play(&note(60, 1.0, 4.0), 5, &mut out);
        let status: Vec<u8> = out.events().iter().map(|e| e.bytes[0]).collect();
        assert_eq!(status, [0x90, 0x80, 0x90]);
    }

    #[test]
    fn a_full_output_refuses_beginnings_and_keeps_room_for_ends() {
        let (mut voices, mut out) = (MidiVoices::new(), MidiOut::with_capacity(8));
        for key in 0..40 {
            voices.play(&note(key, 0.0, 1.0), 0, &mut out);
        }
        voices.end(3, &mut out, |_| true);
        let begun = out.events().iter().filter(|e| e.bytes[0] == 0x90).count();
        let ended = out.events().iter().filter(|e| e.bytes[0] == 0x80).count();
        assert!(begun > 0 && begun == ended, "{begun} {ended}");
    }
}
