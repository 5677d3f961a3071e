//! What automations and fades do within a stretch: by seconds, or in phase with the host's bars.

use super::control_writes::{ControlEvent, ControlWrite};
use super::renderer::{ActiveAutomation, Renderer};
use crate::automation::GRID;
use crate::clock::Segment;
use krach_patterns::Full;

impl Renderer {
    /// Queues what automations do in `[at, until)`.
    pub(super) fn gather_automations(
        &mut self,
        segment: &Segment,
        at: i64,
        until: i64,
        running: bool,
    ) -> Result<(), Full> {
        self.automations_in_use().try_for_each(|index| {
            let Some(automation) = &self.automations[index] else { return Ok(()) };
            let control = self.plan.find(automation.target, automation.path);
            if automation.span.is_some() {
                return if running { self.gather_line(index, control, segment, (at, until)) } else { Ok(()) };
            }
            let Some(control) = control else { return Ok(()) };
            match automation.bars {
                None => self.gather_seconds(index, control, at, until),
                Some(_) if running => self.gather_bars(index, control, segment, (at, until)),
                Some(_) => Ok(()),
            }
        })
    }

    fn gather_seconds(&mut self, index: usize, control: u32, at: i64, until: i64) -> Result<(), Full> {
        let Some(running) = &self.automations[index] else { return Ok(()) };
        let automation = &running.automation;
        let (last, index) = (automation.end_frame(), index as u32);
        let mut frame = at.max(automation.start_frame);
        while frame < until {
            let line = automation.segment(self.timeline.grid_anchor, frame);
            // A line is announced where it begins, never where a block does.
            let begins =
                frame == line.begin || frame == automation.start_frame || frame == self.timeline.grid_anchor;
            let write = if last.is_some_and(|last| frame == last + 1) {
                Some(ControlWrite::AutomationEnds { index, arrived: Some(line.to) })
            } else if begins && last.is_none_or(|last| frame <= last) {
                let change = line.change_at(frame);
                Some(ControlWrite::Automation { index, value: change.value, ramp: change.ramp })
            } else {
                None
            };
            if let Some(write) = write {
                self.queue.push(event(&self.plan, control, frame, index, write))?;
            }
            frame = line.end;
        }
        Ok(())
    }

    fn gather_bars(
        &mut self,
        index: usize,
        control: u32,
        segment: &Segment,
        (at, until): (i64, i64),
    ) -> Result<(), Full> {
        let bars = self.timeline.clock.bars();
        let epoch = &segment.epoch;
        let Some(running) = &mut self.automations[index] else { return Ok(()) };
        if running.ended.is_some_and(|ended| ended < at) {
            return Ok(());
        }
        if running.begun.is_nan() {
            running.begun = bars.count_at(epoch.beats_at(at));
        }
        let running: &ActiveAutomation = running;
        let period = running.bars.unwrap_or(1.0);
        let end = running.automation.one_shot.then(|| epoch.sample_of(bars.beats_at(running.begun + period)));
        let number = index as u32;
        let rest = running.value_over_bars(f64::INFINITY);
        let ends = ControlWrite::AutomationEnds { index: number, arrived: Some(rest) };
        let mut ended = None;
        let mut point = self.timeline.grid_point(at);
        while point < until && ended.is_none() {
            let write = match end {
                // Time has jumped beyond the end.
                Some(end) if point > end => {
                    ended = Some(point);
                    ends
                }
                Some(end) if point + GRID > end => {
                    ControlWrite::Automation { index: number, value: rest, ramp: (end - point + 1) as u32 }
                }
                _ => {
                    let count = bars.count_at(epoch.beats_at(point + GRID));
                    let value = running.value_over_bars(count);
                    ControlWrite::Automation { index: number, value, ramp: GRID as u32 }
                }
            };
            self.queue.push(event(&self.plan, control, point, number, write))?;
            point += GRID;
        }
        if let Some(over) = end.map(|end| end + 1).filter(|over| (at..until).contains(over))
            && ended.is_none_or(|ended| ended > over)
        {
            self.queue.push(event(&self.plan, control, over, number, ends))?;
            ended = Some(over);
        }
        if let Some(running) = &mut self.automations[index] {
            running.ended = ended;
        }
        Ok(())
    }
}

impl ActiveAutomation {
    /// The value of one over bars where so many have passed.
    pub(super) fn value_over_bars(&self, count: f64) -> f32 {
        let (automation, period) = (&self.automation, self.bars.unwrap_or(1.0));
        let share = if automation.one_shot {
            let phase = ((count - self.begun) / period).max(0.0);
            if phase < 1.0 { automation.shape.value_once(phase) } else { automation.shape.end() }
        } else {
            let phase = (count / period).rem_euclid(1.0);
            automation.shape.value(if phase < 1.0 { phase } else { 0.0 })
        };
        (automation.lo * (1.0 - share) + automation.hi * share) as f32
    }
}

/// After the patterns of the same sample.
pub(super) fn event(
    plan: &crate::plan::Plan,
    control: u32,
    frame: i64,
    index: u32,
    write: ControlWrite,
) -> ControlEvent {
    ControlEvent::new(plan, control, (frame, f64::INFINITY), (u32::MAX, index), write)
}
