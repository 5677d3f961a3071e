//! Continuous controls of patterns: evaluated as functions on the 32-sample grid, straight lines between.

use super::controls::{ControlEvent, Write, enqueue};
use super::patterns::{cycles, window};
use super::renderer::Renderer;
use crate::automation::GRID;
use crate::clock::Segment;

impl Renderer {
    /// Queues the lines that the shapes of all slots draw from the grid points in `[at, until)`.
    /// `false`: no room.
    pub(super) fn gather_shapes(&mut self, segment: &Segment, at: i64, until: i64) -> bool {
        for index in 0..self.used_slots {
            let shapes = |slot: &super::renderer::Slot| !slot.voice.program.shapes().is_empty();
            if !self.slots[index].as_ref().is_some_and(shapes) {
                continue;
            }
            let offset = (at - self.grid_anchor).rem_euclid(GRID);
            let mut point = if offset == 0 { at } else { at + GRID - offset };
            while point < until {
                if !self.gather_shapes_of(index, segment, point) {
                    return false;
                }
                point += GRID;
            }
        }
        true
    }

    /// The lines of one slot from `point` to the next point of the grid.
    fn gather_shapes_of(&mut self, index: usize, segment: &Segment, point: i64) -> bool {
        let Some(slot) = &self.slots[index] else { return true };
        let beats = segment.epoch.beats_at(point + GRID);
        let position = self.meter.count_at(beats);
        if slot.origin.is_nan() || position < slot.from {
            return true;
        }
        let here = position - slot.origin;
        self.events.clear();
        // A moment is asked for as the shortest window that holds it.
        if slot.voice.program.query(window(here, here), self.seed, &mut self.events).is_err() {
            return false;
        }
        for (number, event) in self.events.as_slice().iter().enumerate() {
            let Some(shape) = event.shape else { continue };
            let (begin, end) = (cycles(event.whole.begin), cycles(event.whole.end));
            // The window is wider than the moment: of two neighbours, the one that has it.
            if here < begin || here >= end {
                continue;
            }
            let target = slot.voice.targets.get(event.value as usize);
            let Some((control, via)) = target.and_then(|target| self.control_of(target)) else { continue };
            let phase = shape.phase((here - begin) / (end - begin));
            let drawn = &slot.voice.program.shapes()[shape.index as usize];
            let value = drawn.value(shape.period, phase, self.seed) as f32;
            let (slot, ramp, onset) = (index as u32, GRID as u32, f64::NAN);
            let write = Write::Pattern { value, slot, via, gate: false, ramp, onset };
            let (time, order) = ((point, segment.epoch.beats_at(point)), (index as u32, number as u32));
            if !enqueue(&mut self.queue, ControlEvent::new(&self.plan, control, time, order, write)) {
                return false;
            }
        }
        true
    }
}
