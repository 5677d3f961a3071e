//! Lines that end at a moment: fades of controls and of the master while time moves, however its tempo changes and
//! wherever it jumps.
//!
//! How far time has moved counts quarter notes; jumps skip and repeat none of them. A line is straight in that, is
//! announced in cells of the grid like an automation, and has its last value on the sample of the moment.

use super::automations::event;
use super::control_writes::{ControlEvent, ControlWrite};
use super::renderer::{ActiveAutomation, Renderer};
use super::schedule::Moment;
use super::timeline::Timeline;
use crate::automation::GRID;
use crate::clock::{Mode, Segment};
use crate::limits::NONE;
use krach_patterns::Full;

/// The session's master on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct MasterLine {
    /// Where it set off.
    from: f32,
    /// Where it goes.
    to: f32,
    /// Its first sample.
    start: i64,
    /// How far time had moved then, and how far it has at the end.
    span: (f64, f64),
}

/// What a line does at a sample.
enum Step {
    /// It goes to a value, so many samples long.
    To(f32, u32),
    /// It is over.
    Ends,
}

/// Value on a line from `from` to `to`.
fn along(from: f64, to: f64, (begin, end): (f64, f64), moved: f64) -> f32 {
    let share = if end > begin { ((moved - begin) / (end - begin)).clamp(0.0, 1.0) } else { 1.0 };
    (from * (1.0 - share) + to * share) as f32
}

impl ActiveAutomation {
    /// The value of a fade up to a moment, where time has moved so far.
    pub(super) fn value_on_line(&self, span: (f64, f64), moved: f64) -> f32 {
        along(self.automation.lo, self.automation.hi, span, moved)
    }
}

/// The steps of a line within `[at, until)`: `value` is that of a sample before the end, `last` the one from there on.
fn steps(
    timeline: &Timeline,
    segment: &Segment,
    (start, end): (i64, f64),
    (at, until): (i64, i64),
    (value, last): (impl Fn(f64) -> f32, f32),
    mut step: impl FnMut(i64, Step) -> Result<(), Full>,
) -> Result<(), Full> {
    let epoch = &segment.epoch;
    let end = epoch.sample_of(end + timeline.skipped);
    let mut frame = at.max(start);
    while frame < until {
        if frame > end {
            return step(frame, Step::Ends);
        }
        let into_cell = (frame - timeline.grid_anchor).rem_euclid(GRID);
        let next = (frame - into_cell + GRID).min(end.saturating_add(1));
        // A line is announced where it begins, never where a block does.
        if frame == start || into_cell == 0 {
            let moved = epoch.beats_at(next - 1) - timeline.skipped;
            let to = if next > end { last } else { value(moved) };
            step(frame, Step::To(to, (next - frame) as u32))?;
        }
        frame = next;
    }
    Ok(())
}

impl Renderer {
    /// How far time has moved where something acts.
    pub(super) fn moved_at(&self, Moment { at, running, epoch, .. }: Moment<'_>) -> f64 {
        (if running { epoch.beats_at(at) } else { epoch.beats }) - self.timeline.skipped
    }

    /// Queues what a fade up to a moment does in `[at, until)`.
    pub(super) fn gather_line(
        &mut self,
        index: usize,
        control: Option<u32>,
        segment: &Segment,
        (at, until): (i64, i64),
    ) -> Result<(), Full> {
        let Some(running) = &self.automations[index] else { return Ok(()) };
        let Some(span) = running.span.filter(|_| running.ended.is_none_or(|ended| ended >= at)) else {
            return Ok(());
        };
        let (plan, queue, number) = (&self.plan, &mut self.queue, index as u32);
        let last = running.automation.hi as f32;
        let mut ended = None;
        let bounds = (running.automation.start_frame, span.1);
        let value = |moved| running.value_on_line(span, moved);
        steps(&self.timeline, segment, bounds, (at, until), (value, last), |frame, step| {
            let write = match step {
                Step::To(value, ramp) => ControlWrite::Automation { index: number, value, ramp },
                Step::Ends => {
                    ended = Some(frame);
                    ControlWrite::AutomationEnds { index: number, arrived: Some(last) }
                }
            };
            control.map_or(Ok(()), |control| queue.push(event(plan, control, frame, number, write)))
        })?;
        if let Some(running) = &mut self.automations[index] {
            running.ended = ended;
        }
        Ok(())
    }

    /// The session's master goes on a line to `gain`, up to where time has moved so far.
    pub(super) fn draw_master(&mut self, gain: f32, end: f64, moment: Moment<'_>) {
        let begin = self.moved_at(moment);
        let from = self.output.present_master();
        self.master_line = Some(MasterLine { from, to: gain, start: moment.at, span: (begin, end) });
    }

    /// Queues what the master does in `[at, until)`.
    pub(super) fn gather_master(
        &mut self,
        segment: &Segment,
        at: i64,
        until: i64,
        running: bool,
    ) -> Result<(), Full> {
        let Some(line) = self.master_line.filter(|_| running) else { return Ok(()) };
        let MasterLine { from, to, start, span } = line;
        let (plan, queue) = (&self.plan, &mut self.queue);
        let value = |moved| along(f64::from(from), f64::from(to), span, moved);
        steps(&self.timeline, segment, (start, span.1), (at, until), (value, to), |frame, step| match step {
            Step::To(value, ramp) => {
                let write = ControlWrite::Automation { index: NONE, value, ramp };
                queue.push(event(plan, NONE, frame, NONE, write))
            }
            Step::Ends => Ok(()),
        })
    }

    /// The line of the master is over, if its end lies before sample `at`.
    pub(super) fn end_master_line(&mut self, segment: &Segment, at: i64) {
        let Some(line) = self.master_line else { return };
        let end = segment.epoch.sample_of(line.span.1 + self.timeline.skipped);
        if segment.mode != Mode::Stopped && end < at {
            self.output.own_master_is(line.to);
            self.master_line = None;
        }
    }
}

/// A move of the master as the output is told: the gain, and over how many samples if that is said.
pub(super) fn master_move(event: &ControlEvent) -> Option<(f32, Option<u32>)> {
    match event.write {
        ControlWrite::Base(gain) => Some((gain, None)),
        ControlWrite::Automation { value, ramp, .. } => Some((value, Some(ramp))),
        _ => None,
    }
}
