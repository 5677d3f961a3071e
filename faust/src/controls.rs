//! How control changes reach a program: ramps in steps, gates one frame at a time.
//!
//! FAUST reads its controls once per call of `compute`, so that a change needs a call of its own. A ramp
//! moves every [`STEP`] frames counted from its start, and ends on its frame to the sample; a gate
//! that opens and closes between two frames holds each state for one frame. Both depend on frames
//! only, never on how they are cut into calls.

use krach_core::node::Change;

/// Frames for which a ramp holds a value: 6 kHz of steps at 48 kHz, which programs smooth anyway.
const STEP: u32 = 8;
/// Gate states that can wait; what overflows keeps the last.
const WAITING: usize = 8;

/// The value of one control over time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ParamRamp {
    min: f32,
    max: f32,
    gate: bool,
    /// What the program has been told.
    told: f32,
    from: f32,
    to: f32,
    /// Frames of the ramp, and how many of them were rendered; equal when it has ended.
    length: u32,
    done: u32,
    waiting: [f32; WAITING],
    waiting_count: usize,
}

impl ParamRamp {
    pub(crate) fn new(min: f32, max: f32, default: f32, gate: bool) -> Self {
        Self {
            min,
            max,
            gate,
            told: default,
            from: default,
            to: default,
            length: 0,
            done: 0,
            waiting: [0.0; WAITING],
            waiting_count: 0,
        }
    }

    pub(crate) fn set(&mut self, change: Change) {
        // NaN becomes the smallest value.
        let value = change.value.max(self.min).min(self.max);
        if self.gate {
            let last = self.waiting_count.checked_sub(1).map_or(self.to, |at| self.waiting[at]);
            let same_side = (last > 0.0) == (value > 0.0);
            if self.waiting_count > 0 && (same_side || self.waiting_count == WAITING) {
                self.waiting[self.waiting_count - 1] = value;
            } else {
                self.waiting[self.waiting_count] = value;
                self.waiting_count += 1;
            }
            return;
        }
        self.from = self.now();
        self.to = value;
        self.length = change.ramp;
        self.done = 0;
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
    pub(crate) fn next(&self) -> (f32, u32) {
        if self.gate {
            return match self.waiting_count {
                0 => (self.to, u32::MAX),
                1 => (self.waiting[0], u32::MAX),
                _ => (self.waiting[0], 1),
            };
        }
        if self.done >= self.length {
            return (self.to, u32::MAX);
        }
        let step = self.done - self.done % STEP;
        let last = self.length - 1;
        if self.done == last {
            return (self.to, u32::MAX);
        }
        let held = Self { done: step + 1, ..*self }.now();
        (held, (step + STEP).min(last) - self.done)
    }

    /// `frames` were rendered, at most as many as [`Self::next`] said.
    pub(crate) fn advance(&mut self, frames: u32) {
        if self.gate {
            if self.waiting_count > 0 {
                self.to = self.waiting[0];
                self.waiting.copy_within(1..self.waiting_count, 0);
                self.waiting_count -= 1;
            }
            return;
        }
        self.done = self.done.saturating_add(frames).min(self.length);
    }

    /// Will the next frames have other values than the last?
    pub(crate) fn moves(&self) -> bool {
        self.waiting_count > 0 || self.done < self.length
    }

    /// Ends ramps and waiting gates at their last value.
    pub(crate) fn finish(&mut self) {
        if self.waiting_count > 0 {
            self.to = self.waiting[self.waiting_count - 1];
            self.waiting_count = 0;
        }
        self.done = self.length;
    }

    /// Whether the program has yet to be told `value`; from now on it has been.
    pub(crate) fn is_news(&mut self, value: f32) -> bool {
        let news = self.told.to_bits() != value.to_bits();
        self.told = value;
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(ramp: &mut ParamRamp, frames: u32, at_most: u32) -> Vec<f32> {
        let mut heard = Vec::new();
        while (heard.len() as u32) < frames {
            let (value, hold) = ramp.next();
            let now = hold.min(at_most).min(frames - heard.len() as u32);
            assert!(now > 0);
            heard.extend(std::iter::repeat_n(value, now as usize));
            ramp.advance(now);
        }
        heard
    }

    #[test]
    fn a_ramp_arrives_on_its_frame_however_it_is_cut() {
        for ramp in [1, 2, 7, 8, 9, 16, 17, 100] {
            let heard = [1, 3, 1000].map(|at_most| {
                let mut moving = ParamRamp::new(0.0, 10.0, 2.0, false);
                moving.set(Change { value: 8.0, ramp });
                run(&mut moving, 120, at_most)
            });
            assert_eq!(heard[0], heard[1]);
            assert_eq!(heard[0], heard[2]);
            let arrival = heard[0].iter().position(|&v| v == 8.0);
            assert_eq!(arrival, Some(ramp as usize - 1), "ramp {ramp}");
            assert!(heard[0].is_sorted());
        }
    }

    #[test]
    fn a_gate_that_closes_and_opens_at_once_is_closed_for_one_frame() {
        let mut ramp = ParamRamp::new(0.0, 1.0, 0.0, true);
        let now = |value| Change { value, ramp: 0 };
        ramp.set(now(1.0));
        assert_eq!(run(&mut ramp, 3, 99), [1.0, 1.0, 1.0]);
        ramp.set(now(0.0));
        ramp.set(now(1.0));
        assert_eq!(run(&mut ramp, 3, 99), [0.0, 1.0, 1.0]);
        ramp.set(now(0.0));
        ramp.set(now(1.0));
        ramp.set(now(0.0));
        assert_eq!(run(&mut ramp, 4, 1), [0.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn values_stay_in_range_and_nan_is_the_smallest() {
        let mut ramp = ParamRamp::new(1.0, 2.0, 1.0, false);
        for (value, heard) in [(5.0, 2.0), (-5.0, 1.0), (f32::NAN, 1.0)] {
            ramp.set(Change { value, ramp: 0 });
            assert_eq!(run(&mut ramp, 1, 1), [heard]);
        }
    }
}
