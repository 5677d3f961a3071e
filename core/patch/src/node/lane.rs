//! The value of a control over time: ramps in steps, gates one frame at a time.
//!
//! A ramp moves every [`STEP`] frames, counted from its start, and ends on its frame. A gate that closes and opens
//! between two frames holds each state for one frame, so that an envelope sees the edge. Both depend on frames only,
//! not on how they are cut into calls.

use krach_core::node::Change;

/// Frames for which a ramp holds a value.
const STEP: u32 = 8;
/// Gate states that can wait; what overflows keeps the last.
const WAITING: usize = 8;

/// One control's value over time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    min: f32,
    max: f32,
    gate: bool,
    from: f32,
    to: f32,
    /// Frames of the ramp, and how many of them were rendered; equal when it has ended.
    length: u32,
    done: u32,
    waiting: [f32; WAITING],
    waiting_count: usize,
}

impl Lane {
    pub fn new(min: f32, max: f32, default: f32, gate: bool) -> Self {
        Self {
            min,
            max,
            gate,
            from: default,
            to: default,
            length: 0,
            done: 0,
            waiting: [0.0; WAITING],
            waiting_count: 0,
        }
    }

    /// Goes on as `other`, within the own range.
    pub fn follow(&mut self, other: &Self) {
        let (min, max) = (self.min, self.max);
        *self = Self { min, max, gate: self.gate, ..*other };
        for value in [&mut self.from, &mut self.to].into_iter().chain(&mut self.waiting) {
            *value = value.max(min).min(max);
        }
    }

    pub fn set(&mut self, change: Change) {
        // NaN becomes the smallest value.
        let value = change.value.max(self.min).min(self.max);
        if !self.gate {
            (self.from, self.to, self.length, self.done) = (self.now(), value, change.ramp, 0);
            return;
        }
        let last = self.waiting_count.checked_sub(1).map_or(self.to, |at| self.waiting[at]);
        let same_side = (last > 0.0) == (value > 0.0);
        if self.waiting_count > 0 && (same_side || self.waiting_count == WAITING) {
            self.waiting[self.waiting_count - 1] = value;
        } else {
            self.waiting[self.waiting_count] = value;
            self.waiting_count += 1;
        }
    }

    /// Value of the last frame that was rendered.
    fn now(&self) -> f32 {
        if self.done >= self.length {
            return self.to;
        }
        let way = f64::from(self.done) / f64::from(self.length);
        (f64::from(self.from) + (f64::from(self.to) - f64::from(self.from)) * way) as f32
    }

    /// The value for the next frame, and for how many frames it holds.
    pub fn next(&self) -> (f32, u32) {
        if self.gate {
            return match self.waiting_count {
                0 => (self.to, u32::MAX),
                1 => (self.waiting[0], u32::MAX),
                _ => (self.waiting[0], 1),
            };
        }
        if self.done + 1 >= self.length {
            return (self.to, u32::MAX);
        }
        let step = self.done - self.done % STEP;
        let held = Self { done: step + 1, ..*self }.now();
        (held, (step + STEP).min(self.length - 1) - self.done)
    }

    /// `frames` were rendered, at most as many as [`Self::next`] said.
    pub fn advance(&mut self, frames: u32) {
        if !self.gate {
            self.done = self.done.saturating_add(frames).min(self.length);
        } else if self.waiting_count > 0 {
            self.to = self.waiting[0];
            self.waiting.copy_within(1..self.waiting_count, 0);
            self.waiting_count -= 1;
        }
    }

    /// Ends ramps and waiting gates at their last value.
    pub fn finish(&mut self) {
        if self.waiting_count > 0 {
            self.to = self.waiting[self.waiting_count - 1];
            self.waiting_count = 0;
        }
        self.done = self.length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(lane: &mut Lane, frames: usize, at_most: u32) -> Vec<f32> {
        let mut values = Vec::new();
        while values.len() < frames {
            let (value, hold) = lane.next();
            let now = hold.min(at_most).min((frames - values.len()) as u32);
            assert!(now > 0);
            values.extend(std::iter::repeat_n(value, now as usize));
            lane.advance(now);
        }
        values
    }

    #[test]
    fn a_ramp_arrives_on_its_frame_however_it_is_cut() {
        for ramp in [0, 1, 2, 7, 8, 9, 16, 17, 100] {
            let all = [1, 3, 1_000].map(|at_most| {
                let mut lane = Lane::new(0.0, 10.0, 2.0, false);
                lane.set(Change { value: 8.0, ramp });
                run(&mut lane, 120, at_most)
            });
            assert_eq!((&all[0], &all[0]), (&all[1], &all[2]), "ramp {ramp}");
            assert_eq!(
                all[0].iter().position(|&v| v == 8.0),
                Some((ramp as usize).saturating_sub(1)),
                "ramp {ramp}"
            );
        }
    }

    #[test]
    fn a_gate_that_closes_and_opens_at_once_is_closed_for_one_frame() {
        let mut lane = Lane::new(0.0, 1.0, 0.0, true);
        let now = |value| Change { value, ramp: 0 };
        lane.set(now(1.0));
        assert_eq!(run(&mut lane, 3, 99), [1.0, 1.0, 1.0]);
        lane.set(now(0.0));
        lane.set(now(1.0));
        assert_eq!(run(&mut lane, 3, 99), [0.0, 1.0, 1.0]);
    }

    #[test]
    fn what_follows_another_range_stays_within_its_own() {
        let mut wide = Lane::new(0.0, 100.0, 50.0, false);
        wide.set(Change { value: 90.0, ramp: 10 });
        let mut narrow = Lane::new(0.0, 60.0, 1.0, false);
        narrow.follow(&wide);
        assert_eq!(run(&mut narrow, 20, 99).last(), Some(&60.0));
    }
}
