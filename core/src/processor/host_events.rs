//! What the host plays in a block, gathered before the block is rendered. The list is bounded: a note that
//! finds no room gets its end, and what ends notes has room of its own.

use super::MidiOut;
use crate::voice::HostNote;

/// Entries of one block beside those that end notes; more are lost.
pub const MAX_PLAYED: usize = 4096;
/// Most events of a block, with those that end notes.
const MOST: usize = 2 * MAX_PLAYED;

/// Something that the host plays, at a frame of the block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HostEvent {
    /// Frame within the block.
    pub offset: u32,
    /// What it is.
    pub what: HostEventKind,
}

/// What the host plays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HostEventKind {
    /// A MIDI message: notes, bend, pressure, controllers.
    Midi([u8; 3]),
    /// A note begins; its end is told with [`NoteEnd`].
    NoteOn {
        /// Which; no field is -1 but, perhaps, the id.
        note: NoteAddress,
        /// 0…1.
        velocity: f64,
    },
    /// Notes let go.
    NoteOff(NoteAddress),
    /// Notes are cut off.
    Choke(NoteAddress),
    /// Something about notes that sound.
    Expression {
        /// Which notes.
        note: NoteAddress,
        /// What of them.
        which: Expression,
        /// Its value.
        value: f64,
    },
}

/// Notes of the host; -1 matches all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoteAddress {
    /// Port of the plugin.
    pub port: i16,
    /// 0…15.
    pub channel: i16,
    /// 0…127.
    pub key: i16,
    /// The host's number for the note.
    pub note_id: i32,
}

impl NoteAddress {
    /// All notes.
    pub(super) const ALL: Self = Self { port: -1, channel: -1, key: -1, note_id: -1 };

    pub(super) fn matches(&self, note: &HostNote) -> bool {
        let same = |a: i16, b: i16| a < 0 || a == b;
        let id = self.note_id < 0 || note.note_id < 0 || self.note_id == note.note_id;
        same(self.port, note.port) && same(self.channel, note.channel) && same(self.key, note.key) && id
    }
}

/// An expression of single notes, in CLAP's units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expression {
    /// Linear gain, 0…4.
    Volume,
    /// 0 left, ½ middle, 1 right.
    Pan,
    /// 0…1.
    Vibrato,
    /// 0…1.
    Expression,
    /// 0…1.
    Brightness,
    /// 0…1.
    Pressure,
    /// Semitones, -120…120.
    Tuning,
}

/// A CLAP note of the host has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoteEnd {
    /// Frame within the block.
    pub offset: u32,
    /// The note.
    pub note: NoteAddress,
}
/// Events of one block in order, and notes that wait for their end since no engine got them.
pub struct HostEvents {
    events: Vec<HostEvent>,
    /// Events among them that end no note.
    others: usize,
    refused: Vec<NoteAddress>,
}

impl Default for HostEvents {
    fn default() -> Self {
        Self::new()
    }
}

impl HostEvents {
    /// Allocates all that it will ever need.
    pub fn new() -> Self {
        Self { events: Vec::with_capacity(MOST), others: 0, refused: Vec::with_capacity(MOST) }
    }

    /// A block begins. Notes that wait for their end go on waiting.
    pub fn clear(&mut self) {
        self.events.clear();
        self.others = 0;
    }

    /// Adds an event; frames rise. Without room a note that would begin is refused, anything else is lost.
    pub fn push(&mut self, offset: u32, what: HostEventKind) {
        let ends = ends_notes(&what);
        if self.events.len() < MOST && (ends || self.others < MAX_PLAYED) {
            self.others += usize::from(!ends);
            self.events.push(HostEvent { offset, what });
        } else if let HostEventKind::NoteOn { note, .. } = what {
            self.refuse(note);
        }
    }

    /// All of it acts on the first frame of a later block.
    pub fn wait(&mut self) {
        self.events.iter_mut().for_each(|event| event.offset = 0);
    }

    /// The events in order.
    pub fn as_slice(&self) -> &[HostEvent] {
        &self.events
    }

    /// There is no engine for this block: its notes are refused.
    pub fn refuse_all(&mut self) {
        while let Some(event) = self.events.pop() {
            if let HostEventKind::NoteOn { note, .. } = event.what {
                self.refuse(note);
            }
        }
        self.others = 0;
    }

    /// Ends the refused notes at the last frame of a block, which is behind their beginnings; what finds no
    /// room ends in a later block.
    pub fn end_refused(&mut self, last: u32, out: &mut MidiOut) {
        while let Some(&note) = self.refused.last() {
            if !out.push_end(NoteEnd { offset: last, note }) {
                break;
            }
            self.refused.pop();
        }
    }

    fn refuse(&mut self, note: NoteAddress) {
        if self.refused.len() < MOST {
            self.refused.push(note);
        }
    }
}

/// Note-offs, chokes, a pedal that goes up, and the controllers that end all notes.
fn ends_notes(what: &HostEventKind) -> bool {
    match *what {
        HostEventKind::NoteOff(_) | HostEventKind::Choke(_) => true,
        HostEventKind::Midi([status, first, second]) => match status & 0xf0 {
            0x80 => true,
            0x90 => second == 0,
            0xb0 => first >= 120 || first == 64 && second < 64,
            _ => false,
        },
        HostEventKind::NoteOn { .. } | HostEventKind::Expression { .. } => false,
    }
}
