//! No gate outlives its note: a unit that was torn (its end fell where its pattern goes another way, or
//! chance dropped it) is over where it was to end.
//!
//! What closes a gate is the pattern's own event, if it comes. These endings close only what the same
//! note still holds open.

use super::control_writes::{ControlEvent, ControlWrite};
use super::renderer::Renderer;
use crate::clock::{Epoch, Segment};
use crate::voice::NoteKey;
use krach_patterns::Full;

/// Most notes whose ends are remembered; the oldest is forgotten for one more.
const MAX_ENDINGS: usize = 1024;

/// An open gate and where its note is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct PendingNoteOff {
    /// End of the unit in beats.
    pub beats: f64,
    /// The slot that plays it.
    pub slot: u32,
    /// Number of the pattern.
    pub serial: u64,
    /// Index of the value that opened it.
    pub value: u32,
    /// The note.
    pub note: NoteKey,
}

/// The notes that are to end.
pub(super) struct NoteOffs {
    due: Vec<PendingNoteOff>,
    /// Those that begin in the stretch that is being gathered.
    new: Vec<PendingNoteOff>,
}

impl NoteOffs {
    pub fn new() -> Self {
        Self { due: Vec::with_capacity(MAX_ENDINGS), new: Vec::with_capacity(MAX_ENDINGS) }
    }

    /// Time is elsewhere, where nothing of this ends.
    pub fn forget(&mut self) {
        self.due.clear();
    }

    /// Before a stretch is gathered, maybe for the second time.
    pub fn clear_new(&mut self) {
        self.new.clear();
    }

    /// A note begins in this stretch.
    pub fn begin(&mut self, note_off: PendingNoteOff) -> Result<(), Full> {
        if self.new.len() == self.new.capacity() {
            return Err(Full);
        }
        self.new.push(note_off);
        Ok(())
    }

    /// After a stretch up to `until` has been gathered: what is over goes, what began is remembered.
    pub fn settle(&mut self, epoch: &Epoch, until: i64) {
        self.due.retain(|e| epoch.sample_of(e.beats) >= until);
        let due = &mut self.due;
        for note_off in self.new.drain(..).filter(|e| epoch.sample_of(e.beats) >= until) {
            push(due, note_off);
        }
    }

    /// A note that sounds ends there.
    pub fn remember(&mut self, note_off: PendingNoteOff) {
        push(&mut self.due, note_off);
    }
}

fn push(due: &mut Vec<PendingNoteOff>, note_off: PendingNoteOff) {
    if due.len() == MAX_ENDINGS {
        due.remove(0);
    }
    due.push(note_off);
}

impl Renderer {
    /// Queues the endings in `[at, until)`.
    pub(super) fn gather_endings(&mut self, segment: &Segment, at: i64, until: i64) -> Result<(), Full> {
        for note_off in self.note_offs.due.iter().chain(&self.note_offs.new) {
            let &PendingNoteOff { beats, slot, serial, value, note } = note_off;
            let sample = segment.epoch.sample_of(beats).max(at);
            let playing = self.slots.get(slot as usize);
            let Some(pattern) = playing.map(|s| &s.pattern).filter(|v| v.serial == serial && sample < until)
            else {
                continue;
            };
            let control = pattern.targets.get(value as usize).and_then(|target| self.control_of(target));
            if let Some((control, _)) = control {
                // After the pattern's own events of that time.
                let (time, order) = ((sample, beats), (slot, u32::MAX));
                let event = ControlEvent::new(&self.plan, control, time, order, ControlWrite::Over { note });
                self.queue.push(event)?;
            }
        }
        Ok(())
    }
}
