//! Values in a query: events that meet, that are divided, and that become notes. What comes of which leaves is in the
//! tables of the arena.

use crate::arena::{RawEvent, Voice};
use crate::draft::NO_LEAF;
use crate::event::Full;
use crate::query::{View, Walk, push};
use crate::tick::Tick;

/// The sides of a `Combine` and where its table is.
pub(crate) struct Pairs {
    pub sides: [u32; 2],
    /// The first leaf of each side.
    pub leaves: [u32; 2],
    pub width: u32,
    pub cell: u32,
}

impl<T: Tick> Walk<'_, T> {
    /// What a leaf of the left and one of the right make.
    fn met(&self, pairs: &Pairs, left: u32, right: u32) -> u32 {
        let [l, r] = [left - pairs.leaves[0], right - pairs.leaves[1]];
        self.arena.cells[(pairs.cell + l * pairs.width + r) as usize]
    }

    /// Only what begins in the window?
    pub fn wanted(event: &RawEvent<T>, view: &View<T>) -> bool {
        event.part[0] < event.part[1] && (!view.onsets || event.part[0] == event.whole[0])
    }

    /// The events of the first side, each cut into pieces by those of the other: a piece has the whole of its event.
    pub fn combine(&mut self, pairs: &Pairs, first: usize, view: View<T>) -> Result<(), Full> {
        let start = self.out.len();
        self.visit(pairs.sides[first], view)?;
        let end = self.out.len();
        for at in start..end {
            let event = self.out[at];
            let [from, to] = event.part.map(|tick| tick - view.shift);
            let met = self.out.len();
            self.visit(pairs.sides[1 - first], View { from, to, onsets: false, ..view })?;
            let mut kept = met;
            for other in met..self.out.len() {
                let RawEvent { part, leaf: other, .. } = self.out[other];
                let leaf = match first {
                    0 => self.met(pairs, event.leaf, other),
                    _ => self.met(pairs, other, event.leaf),
                };
                let piece = RawEvent { part, leaf, ..event };
                if leaf != NO_LEAF && Self::wanted(&piece, &view) {
                    self.out[kept] = piece;
                    kept += 1;
                }
            }
            self.out.truncate(kept);
        }
        self.out.drain(start..end);
        Ok(())
    }

    /// What is common to an event of the left and one of the right.
    pub fn meet(&mut self, pairs: &Pairs, view: View<T>) -> Result<(), Full> {
        let start = self.out.len();
        self.visit(pairs.sides[0], View { onsets: false, ..view })?;
        let middle = self.out.len();
        self.visit(pairs.sides[1], View { onsets: false, ..view })?;
        let end = self.out.len();
        for at in start..middle {
            for other in middle..end {
                let (left, right) = (self.out[at], self.out[other]);
                let common = |a: [T; 2], b: [T; 2]| [a[0].max(b[0]), a[1].min(b[1])];
                let leaf = self.met(pairs, left.leaf, right.leaf);
                let whole = common(left.whole, right.whole);
                let part = common(left.part, right.part);
                let event = RawEvent { whole, part, unit: whole, leaf, ..left };
                if leaf != NO_LEAF && Self::wanted(&event, &view) {
                    push(self.out, event)?;
                }
            }
        }
        self.out.drain(start..end);
        Ok(())
    }

    /// Each event as its parts, one after the other.
    pub fn split(&mut self, child: u32, leaf: u32, split: u32, view: View<T>) -> Result<(), Full> {
        let start = self.out.len();
        self.visit(child, View { onsets: false, ..view })?;
        let end = self.out.len();
        for at in start..end {
            let event = self.out[at];
            let [first, last] = self.arena.splits[(split + event.leaf - leaf) as usize];
            let count = T::from_wide(i128::from(last - first));
            let mut begin = event.whole[0];
            // The lattice made room for the parts.
            let length = (event.whole[1] - begin).floor_div(count);
            for cell in first..last {
                let whole = [begin, begin + length];
                let part = [begin.max(event.part[0]), whole[1].min(event.part[1])];
                let leaf = self.arena.cells[cell as usize];
                let piece = RawEvent { whole, part, unit: whole, leaf, ..event };
                if Self::wanted(&piece, &view) {
                    push(self.out, piece)?;
                }
                begin = whole[1];
            }
        }
        self.out.drain(start..end);
        Ok(())
    }

    /// Each event as the notes of its leaf; events of other leaves stay.
    pub fn notes(&mut self, child: u32, [leaf, split, len]: [u32; 3], view: View<T>) -> Result<(), Full> {
        let start = self.out.len();
        self.visit(child, View { onsets: false, ..view })?;
        let end = self.out.len();
        for at in start..end {
            let event = self.out[at];
            let own = event.leaf.wrapping_sub(leaf);
            let [first, last] = if own < len { self.arena.splits[(split + own) as usize] } else { [0, 0] };
            if first == last {
                let shape = self.leaves[event.leaf as usize].shape.is_some();
                if Self::wanted(&event, &view) && !(shape && view.onsets) {
                    push(self.out, event)?;
                }
                continue;
            }
            for voice in first..last {
                let voice = self.arena.voices[voice as usize];
                self.note(&event, &voice, &view)?;
            }
        }
        self.out.drain(start..end);
        Ok(())
    }

    fn note(&mut self, event: &RawEvent<T>, voice: &Voice<T>, view: &View<T>) -> Result<(), Full> {
        let [begin, end] = event.whole;
        // The lattice made room for the border.
        let border = begin + (end - begin).floor_div(voice.den) * voice.num;
        let (sounding, silent) = match voice.freeze {
            // Without a gate nothing ends.
            0 => ([begin, end], [end, end]),
            _ => ([begin, border], [border, end]),
        };
        for ([first, last], whole) in [(voice.begins, sounding), (voice.ends, silent)] {
            for cell in first..last {
                let part = [whole[0].max(event.part[0]), whole[1].min(event.part[1])];
                let leaf = self.arena.cells[cell as usize];
                let mut said = RawEvent { whole, part, leaf, unit: event.whole, ..*event };
                if voice.freeze != 0 {
                    (said.freeze, said.inner) = (voice.freeze, event.whole);
                }
                if Self::wanted(&said, view) {
                    push(self.out, said)?;
                }
            }
        }
        Ok(())
    }
}
