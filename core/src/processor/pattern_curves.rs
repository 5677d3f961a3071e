//! Continuous controls of patterns: evaluated as functions on the 32-sample grid, straight lines between.

use super::control_writes::{ControlEvent, ControlWrite};
use super::patterns::{cycles, window};
use super::renderer::Renderer;
use crate::automation::GRID;
use crate::clock::Segment;
use krach_patterns::Full;

impl Renderer {
    /// Queues the lines that the shapes of all slots draw from the grid points in `[at, until)`.
    pub(super) fn gather_shapes(&mut self, segment: &Segment, at: i64, until: i64) -> Result<(), Full> {
        for index in self.slots.drawing() {
            let mut point = self.timeline.grid_point(at);
            while point < until {
                self.gather_shapes_of(index, segment, point)?;
                point += GRID;
            }
        }
        Ok(())
    }

    /// The lines of one slot from `point` to the next point of the grid.
    fn gather_shapes_of(&mut self, index: usize, segment: &Segment, point: i64) -> Result<(), Full> {
        let Some(slot) = self.slots.get(index) else { return Ok(()) };
        let beats = segment.epoch.beats_at(point + GRID);
        let position = self.timeline.meter.count_at(beats);
        if slot.origin.is_nan() || position < slot.from {
            return Ok(());
        }
        let here = position - slot.origin;
        self.events.clear();
        // A moment is asked for as the shortest window that holds it.
        slot.pattern.program.query(window(here, here), self.seed, &mut self.events)?;
        for (number, event) in self.events.as_slice().iter().enumerate() {
            let Some(shape) = event.shape else { continue };
            let (begin, end) = (cycles(event.whole.begin), cycles(event.whole.end));
            // The window is wider than the moment: of two neighbours, the one that has it.
            if here < begin || here >= end {
                continue;
            }
            let target = slot.pattern.targets.get(event.value as usize);
            let Some((control, via)) = target.and_then(|target| self.control_of(target)) else { continue };
            let phase = shape.phase((here - begin) / (end - begin));
            let drawn = &slot.pattern.program.shapes()[shape.index as usize];
            let value = drawn.value(shape.period, phase, self.seed) as f32;
            let (slot, ramp, onset) = (index as u32, GRID as u32, f64::NAN);
            let write = ControlWrite::Pattern { value, slot, via, gate: false, ramp, onset };
            let (time, order) = ((point, segment.epoch.beats_at(point)), (index as u32, number as u32));
            self.queue.push(ControlEvent::new(&self.plan, control, time, order, write))?;
        }
        Ok(())
    }
}
