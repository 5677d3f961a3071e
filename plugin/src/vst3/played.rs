//! What the host plays in one block, in the order in which it acts. Nothing here allocates but
//! [`Played::new`].
//!
//! Notes and other events have the room to themselves; points of controllers get what is left, of which each
//! controller has a place, so that its last value counts however many there are.

use krach_core::processor::{HostEventKind, MAX_PLAYED};

use super::midi::{COUNT, Controller};

/// Events and points of one block. Events are to be noted before points.
pub struct Played {
    /// Frame, place within the frame, what.
    list: Vec<(u32, usize, HostEventKind)>,
    /// The controller whose point was noted last, and where it is in the list.
    last: Option<(Controller, usize)>,
}

impl Played {
    /// With room for a block.
    pub fn new() -> Self {
        Self { list: Vec::with_capacity(MAX_PLAYED), last: None }
    }

    /// A block begins.
    pub fn clear(&mut self) {
        self.list.clear();
        self.last = None;
    }

    /// Notes an event; frames rise. Without room it is lost.
    pub fn event(&mut self, frame: u32, what: HostEventKind) {
        if self.list.len() < self.list.capacity() {
            // After all points of its frame.
            self.list.push((frame, MAX_PLAYED + self.list.len(), what));
        }
    }

    /// Notes a point of a controller, which acts before the events of its frame. Points of one controller come
    /// one after the other, and their frames rise. Where room runs out, a controller's last point replaces the one
    /// before it.
    pub fn point(&mut self, frame: u32, controller: Controller, value: f64) {
        let what = HostEventKind::Midi(controller.message(value));
        let place = self.list.len();
        match self.last {
            Some((before, at)) if before == controller && place + COUNT >= self.list.capacity() => {
                let (_, place, _) = self.list[at];
                self.list[at] = (frame, place, what);
            }
            _ if place < self.list.capacity() => {
                self.list.push((frame, place, what));
                self.last = Some((controller, place));
            }
            _ => {}
        }
    }

    /// All of it, in the order in which it acts.
    pub fn sorted(&mut self) -> impl Iterator<Item = (u32, HostEventKind)> {
        self.list.sort_unstable_by_key(|&(frame, place, _)| (frame, place));
        self.list.iter().map(|&(frame, _, what)| (frame, what))
    }
}
