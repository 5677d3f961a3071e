//! How the host's position and ours part slowly, and how they come together again.

use super::reading::Reading;
use super::{Clock, Mode};

/// Errors below this many beats are rounding of a coarse host's numbers, not drift: half of
/// Ardour's 1/1920, so that any way of rounding lies inside.
const COARSE_BEATS: f64 = 1.0 / 3840.0;
/// The same in samples, added.
const COARSE_SAMPLES: f64 = 1.0;
/// Mean errors of an exact host below this many samples are no drift.
const FINE_SAMPLES: f64 = 0.25;
/// Fastest correction of a steady drift, in samples per second.
const SPEED: f64 = 0.9;
/// Over this many seconds the error is averaged before it counts as drift.
const WINDOW: f64 = 2.0;
/// An exact host that is off by more samples than [`STEP`] twice, equally, was moved by so little
/// that it is no jump.
const STEP: f64 = 1.0;
/// Two errors are equal within this many samples.
const EQUAL: f64 = 0.1;

/// Averages the host's position against ours.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Drift {
    sum: f64,
    frames: f64,
    since: i64,
    last: Option<f64>,
}

impl Drift {
    /// Nothing seen yet at `sample`.
    pub fn from(sample: i64) -> Self {
        Self { since: sample, ..Self::default() }
    }
}

impl Clock {
    /// A small steady drift is corrected by rate, slower than [`SPEED`]; a step of an exact host
    /// that is too small for a jump is taken over with nothing lost or repeated.
    pub(super) fn follow_drift(&mut self, reading: Reading, bpm: f64, ramp: f64) {
        let here = self.epoch.rate_at(self.now);
        let error = (reading.beats - self.epoch.beats_at(self.now)) / here;
        let exact = reading.grain == 0.0;
        let last = self.drift.last.replace(error);
        if exact && error.abs() > STEP && last.is_some_and(|l| (l - error).abs() < EQUAL) {
            let mut next = self.epoch.continued(self.now, here, self.epoch.ramp);
            next.beats = reading.beats;
            self.drift = Drift::from(self.now);
            self.begin(next, Mode::Host);
            return;
        }
        let frames = (self.now - self.drift.since) as f64;
        self.drift.since = self.now;
        self.drift.sum += error * frames;
        self.drift.frames += frames;
        if self.drift.frames < WINDOW * self.sample_rate || ramp != 0.0 {
            return;
        }
        let mean = self.drift.sum / self.drift.frames;
        self.drift = Drift { last: Some(error), ..Drift::from(self.now) };
        let nominal = self.rate_of(bpm);
        let rounding = if exact { FINE_SAMPLES } else { COARSE_SAMPLES + COARSE_BEATS / nominal };
        let speed = if mean.abs() > rounding { (mean / WINDOW).clamp(-SPEED, SPEED) } else { 0.0 };
        let rate = nominal * (1.0 + speed / self.sample_rate);
        if (rate / self.epoch.rate - 1.0).abs() > 1e-12 {
            self.begin(self.epoch.continued(self.now, rate, 0.0), Mode::Host);
        }
    }
}
