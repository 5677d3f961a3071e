//! The voices of a node: its instances, who plays each, and which of them a new note gets.
//!
//! A node owns as many instances as its `count` says. What a note sets (frequency, velocity, gate and
//! what else is in its unit) goes to the voice that plays it and is kept there until another note
//! takes the voice; everything else goes to all of them.

use crate::limits::NONE;
use crate::node::Node;

/// A released voice that stays below this level (linear; -90 dB) for [`QUIET_TIME`] has ended.
pub const QUIET_LEVEL: f32 = 3.162_277_7e-5;
/// Seconds below [`QUIET_LEVEL`] after which a released voice has ended.
pub const QUIET_TIME: f64 = 0.25;
/// A voice that sounds on this many seconds after its release is cut.
pub const LONGEST_TAIL: f64 = 60.0;
/// Seconds in which a voice is cut.
pub const CUT_TIME: f64 = 0.005;

/// Where a voice is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nobody plays it; it makes no sound.
    Free,
    /// A note holds it.
    Held,
    /// Its gate is closed: it rings on.
    Released {
        /// Frames since the release.
        age: u64,
        /// Frames since it was last heard.
        quiet: u64,
    },
    /// It fades to nothing.
    Cut {
        /// Frames that are left.
        left: u32,
    },
}

/// Who plays a voice: units of patterns, plain gates, base values and automations each have a number
/// of their own; notes of the host are told apart by [`HostNote`].
pub type NoteKey = u64;
/// Nobody.
pub const NOBODY: NoteKey = 0;
/// The base value of a gate.
pub const BY_BASE: NoteKey = 1;
/// An automation of a gate.
pub const BY_AUTOMATION: NoteKey = 2;
/// The host.
pub const BY_HOST: NoteKey = 3;

/// The key of a slot's gates that belong to no unit.
pub const fn by_slot(slot: u32) -> NoteKey {
    1 << 32 | slot as u64
}

/// The key of a unit: the pattern's number, its `Freeze`, and where the unit begins, as a fraction.
pub fn by_unit(serial: u64, freeze: u32, begin: (i64, i64)) -> NoteKey {
    let mix = |h: u64, x: u64| (h ^ x).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let key = mix(mix(mix(mix(serial, u64::from(freeze)), begin.0 as u64), begin.1 as u64), 0x5851_f42d);
    // The small numbers and those of slots are taken.
    key | 1 << 63
}

/// A note of the host, as it will be spoken of later. -1 in a question matches all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HostNote {
    /// Port of the plugin.
    pub port: i16,
    /// 0…15.
    pub channel: i16,
    /// 0…127.
    pub key: i16,
    /// The host's number for it; -1 if it has none.
    pub note_id: i32,
    /// It came as a CLAP note: the host wants to hear of its end.
    pub wants_end: bool,
    /// Its note-off has come while the channel's pedal was down.
    pub sustained: bool,
    /// Its own tuning, in semitones.
    pub tuning: f64,
    /// The channel's bend, in semitones.
    pub bend: f64,
}

impl HostNote {
    /// Frequency in Hz: equal temperament on A4 = 440 Hz, tuned and bent.
    pub fn frequency(&self) -> f32 {
        let semitones = f64::from(self.key) - 69.0 + self.tuning + self.bend;
        (440.0 * libm::exp2(semitones / 12.0)) as f32
    }
}

/// A key of the host that is held while another sounds in its voice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeldKey {
    /// The note.
    pub note: HostNote,
    /// Its pressure, if anything was said of it.
    pub pressure: Option<f32>,
    /// Its brightness, likewise.
    pub brightness: Option<f32>,
}

/// Most keys that wait behind the one that sounds.
pub const MAX_KEYS: usize = 32;

/// A voice's last good samples and its faults.
#[derive(Default)]
pub struct Health {
    /// Last good sample of each output channel.
    pub last: Vec<f32>,
    /// Frames of the fade-out after a fault that are still to come.
    pub fading: u32,
    /// Samples (since activation) of the last faults, latest first.
    pub faults: [Option<i64>; 2],
    /// Not rendered any more.
    pub silenced: bool,
}

/// How far the one instance of a node is from its rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repose {
    /// Frames since a gate was open, something came in, or it was heard.
    pub quiet: u64,
    /// It rests: it is not rendered, and begins anew when it wakes.
    pub asleep: bool,
}

/// One instance of a node and the note that plays it.
pub struct Voice {
    /// The instance; `None` until an adoption moves it here.
    pub instance: Option<Box<dyn Node>>,
    /// What was heard of it last and whether it can be trusted.
    pub health: Health,
    /// Where it is in its life.
    pub phase: Phase,
    /// How far it is from its rest.
    pub repose: Repose,
    /// Who plays it.
    pub note: NoteKey,
    /// The slot whose note it is, or [`NONE`].
    pub slot: u32,
    /// Where its note began in its pattern, in cycles.
    pub onset: f64,
    /// Time has left the place where its note ends: the next end of its slot is meant.
    pub missed_note_off: bool,
    /// The host's note.
    pub host: Option<HostNote>,
    /// Keys that are held while it sounds, the last one last; with room only where the node goes back to them.
    pub keys: Vec<HeldKey>,
    /// Notes are numbered as they begin.
    pub started: u64,
    /// How many of its gates are open.
    pub open: u32,
    /// What its note has set, by control of the node.
    pub held: Vec<Option<f32>>,
}

impl Voice {
    /// A voice that nobody plays, for a node with so many controls and output channels.
    pub fn new(controls: usize, channels: usize) -> Self {
        Self {
            instance: None,
            health: Health { last: vec![0.0; channels], ..Health::default() },
            phase: Phase::Free,
            repose: Repose::default(),
            note: NOBODY,
            slot: NONE,
            onset: f64::NAN,
            missed_note_off: false,
            host: None,
            keys: Vec::new(),
            started: 0,
            open: 0,
            held: vec![None; controls],
        }
    }

    /// Plays it a note that goes on, and may be spoken to?
    pub fn is_played(&self) -> bool {
        matches!(self.phase, Phase::Held | Phase::Released { .. })
    }

    /// It rests no more: as after a reset.
    pub fn wake(&mut self) {
        if std::mem::take(&mut self.repose).asleep
            && let Some(instance) = &mut self.instance
        {
            instance.reset();
        }
    }

    /// The note lets go: it rings on.
    pub fn release(&mut self) {
        if self.phase == Phase::Held {
            self.phase = Phase::Released { age: 0, quiet: 0 };
        }
    }

    /// The host's notes that it plays, and those that wait.
    pub fn hosts(&self) -> impl Iterator<Item = &HostNote> {
        self.host.iter().chain(self.keys.iter().map(|key| &key.note))
    }

    /// It plays none of them any more.
    pub fn take_hosts(&mut self) -> impl Iterator<Item = HostNote> {
        self.host.take().into_iter().chain(self.keys.drain(..).map(|key| key.note))
    }

    /// Takes over the note, but not the sound, of another voice.
    pub fn inherit(&mut self, other: &mut Self) {
        self.phase = other.phase;
        (self.note, self.slot, self.started, self.open) = (other.note, other.slot, other.started, other.open);
        (self.onset, self.missed_note_off) = (other.onset, other.missed_note_off);
        self.host = other.host.take();
        if self.keys.capacity() >= other.keys.len() {
            self.keys.append(&mut other.keys);
        }
    }
}

/// The voice for a new note, of `limit`: a free one, or else the one that was released longest ago,
/// or else the one that has been held longest. More than `limit` may sound where there were more
/// before; they ring out.
pub fn allocate(voices: &[Voice], limit: usize) -> usize {
    let sounding = voices.iter().filter(|v| v.phase != Phase::Free).count();
    let free = voices.iter().position(|v| v.phase == Phase::Free);
    if let Some(free) = free.filter(|_| sounding < limit) {
        return free;
    }
    let age = |v: &Voice| match v.phase {
        Phase::Free => (3, 0, 0),
        Phase::Cut { left } => (0, u64::from(left), v.started),
        Phase::Released { age, .. } => (1, u64::MAX - age, v.started),
        Phase::Held => (2, 0, v.started),
    };
    let oldest = voices.iter().enumerate().min_by_key(|(_, v)| age(v));
    oldest.map_or(0, |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voices(phases: &[(Phase, u64)]) -> Vec<Voice> {
        let voice = |&(phase, started)| Voice { phase, started, ..Voice::new(0, 1) };
        phases.iter().map(voice).collect()
    }

    fn released(age: u64) -> Phase {
        Phase::Released { age, quiet: 0 }
    }

    #[test]
    fn a_free_voice_comes_first_then_the_oldest_released_then_the_oldest() {
        use Phase::{Free, Held};
        assert_eq!(allocate(&voices(&[(Held, 1), (released(9), 2), (Free, 0)]), 3), 2);
        assert_eq!(allocate(&voices(&[(Held, 1), (released(9), 3), (released(70), 2)]), 3), 2);
        assert_eq!(allocate(&voices(&[(Held, 5), (Held, 1), (Held, 3)]), 3), 1);
        // Fewer voices than there are instances.
        assert_eq!(allocate(&voices(&[(Held, 5), (Held, 1), (Free, 0)]), 2), 1);
    }

    #[test]
    fn keys_of_units_differ_by_each_part_and_from_all_others() {
        let key = by_unit(4, 2, (1, 3));
        for other in
            [by_unit(5, 2, (1, 3)), by_unit(4, 3, (1, 3)), by_unit(4, 2, (2, 3)), by_unit(4, 2, (1, 2))]
        {
            assert_ne!(key, other);
        }
        assert!(key > by_slot(u32::MAX) && by_slot(0) > BY_HOST);
    }

    #[test]
    fn frequencies_are_those_of_the_keys() {
        let mut note = HostNote {
            port: 0,
            channel: 0,
            key: 69,
            note_id: -1,
            wants_end: false,
            sustained: false,
            tuning: 0.0,
            bend: 0.0,
        };
        assert_eq!(note.frequency(), 440.0);
        (note.tuning, note.bend) = (-14.0, 2.0);
        assert_eq!(note.frequency(), 220.0);
    }
}
