//! Notes of the host that wait for their end. Each gets one, whatever becomes of the engine: the list
//! lies beside it, since a panic takes the voices that play the notes with it.

use super::MidiOut;
use super::host_events::{MAX_PLAYED, NoteAddress, NoteEnd};

/// Most notes that an engine has at a time: all that one block can begin, beside those that sound.
pub(super) const MAX_OPEN: usize = 2 * MAX_PLAYED;

/// The list, and what a panic has left of an earlier one.
pub(super) struct OpenNotes {
    /// Notes that the engine has.
    open: Vec<NoteAddress>,
    /// Notes that no engine has.
    lost: Vec<NoteAddress>,
    /// Those that end now, sorted.
    note_off: Vec<NoteAddress>,
}

impl OpenNotes {
    pub fn new() -> Self {
        Self {
            open: Vec::with_capacity(MAX_OPEN),
            lost: Vec::with_capacity(2 * MAX_OPEN),
            note_off: Vec::with_capacity(MAX_OPEN),
        }
    }

    /// A note begins. `false`: the engine must not get it, since it or the list has no room.
    pub fn begin(&mut self, note: NoteAddress, engine_has_room: bool) -> bool {
        let room = engine_has_room && self.open.len() < MAX_OPEN;
        if room {
            self.open.push(note);
        } else {
            self.lose_one(note);
        }
        room
    }

    /// The engine has ended these.
    pub fn ended(&mut self, ends: &[NoteEnd]) {
        let key = |note: &NoteAddress| (note.port, note.channel, note.key, note.note_id);
        // Both lists are sorted and walked once: a block may end thousands of thousands that are open.
        for ends in ends.chunks(MAX_OPEN) {
            let Self { open, note_off, .. } = self;
            note_off.clear();
            note_off.extend(ends.iter().map(|end| end.note));
            note_off.sort_unstable_by_key(key);
            open.sort_unstable_by_key(key);
            let mut next = 0;
            open.retain(|note| {
                next += note_off[next..].iter().take_while(|ended| key(ended) < key(note)).count();
                let ended = note_off.get(next) == Some(note);
                next += usize::from(ended);
                !ended
            });
        }
    }

    /// The engine is gone with all that it had.
    pub fn lose(&mut self) {
        while let Some(note) = self.open.pop() {
            self.lose_one(note);
        }
    }

    fn lose_one(&mut self, note: NoteAddress) {
        if self.lost.len() < self.lost.capacity() {
            self.lost.push(note);
        }
    }

    /// Ends what is lost at that frame; what finds no room ends in a later block.
    pub fn end_lost(&mut self, offset: u32, out: &mut MidiOut) {
        while let Some(&note) = self.lost.last() {
            if !out.push_end(NoteEnd { offset, note }) {
                break;
            }
            self.lost.pop();
        }
    }

    /// Ends a note for which there is no engine.
    pub fn refuse(&mut self, offset: u32, note: NoteAddress, out: &mut MidiOut) {
        if !out.push_end(NoteEnd { offset, note }) {
            self.lose_one(note);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_closes_one_note_whatever_the_order_and_one_that_is_not_open_closes_none() {
        let note = |key, note_id| NoteAddress { port: 0, channel: 0, key, note_id };
        let end = |key, note_id| NoteEnd { offset: 0, note: note(key, note_id) };
        let mut notes = OpenNotes::new();
        for (key, id) in [(5, -1), (3, 7), (5, -1), (4, 2), (3, 7), (3, 7), (9, 1)] {
            assert!(notes.begin(note(key, id), true));
        }
        notes.ended(&[end(9, 1), end(3, 7), end(8, 1), end(5, -1), end(3, 7), end(1, 1), end(9, 2)]);
        notes.open.sort_unstable_by_key(|note| note.key);
        assert_eq!(notes.open, [note(3, 7), note(4, 2), note(5, -1)]);
        notes.ended(&[end(5, -1), end(5, -1), end(4, 2), end(3, 7)]);
        assert_eq!(notes.open, []);
    }

    #[test]
    fn what_finds_no_room_ends_in_a_later_block() {
        let note = |key| NoteAddress { port: 0, channel: 0, key, note_id: -1 };
        let mut notes = OpenNotes::new();
        assert!((0..5).all(|key| notes.begin(note(key), true)));
        notes.lose();
        let mut out = MidiOut::with_capacity(2);
        let mut keys = Vec::new();
        for expected in [2, 2, 2, 0] {
            notes.end_lost(7, &mut out);
            if keys.is_empty() {
                // While there is no engine the host begins another.
                notes.refuse(9, note(5), &mut out);
            }
            assert_eq!(out.ends().len(), expected);
            assert!(out.ends().iter().all(|end| end.offset == 7));
            keys.extend(out.ends().iter().map(|end| end.note.key));
            out.clear();
        }
        keys.sort_unstable();
        assert_eq!(keys, [0, 1, 2, 3, 4, 5]);
    }
}
