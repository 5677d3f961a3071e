//! Is the host somewhere else than we are, and what plays where it landed.

use super::reading::Reading;
use super::{Clock, Epoch, HostTransport, Loop, ONSET_TOLERANCE};

/// A difference by samples or seconds above this many samples is a jump.
const JUMP_SAMPLES: f64 = 1.0;
/// A difference by beats above this many beats plus [`JUMP_BEATS_SAMPLES`] is a jump (Ardour rounds to 1/1920).
pub(super) const JUMP_BEATS: f64 = 1.0 / 960.0;
const JUMP_BEATS_SAMPLES: f64 = 2.0;
/// Onsets at most this long before the landing point of a late wrap play there, in seconds.
const LATE_LANDING: f64 = 0.010;

impl Clock {
    /// The largest difference in beats that is no jump.
    pub(super) fn near(&self, rate: f64) -> f64 {
        JUMP_BEATS + JUMP_BEATS_SAMPLES * rate
    }

    /// Is the host's position `at` further from `expected` than rounding explains?
    pub(super) fn is_jump(&self, t: &HostTransport, at: f64, expected: f64, rate: f64) -> bool {
        let difference = (at - expected).abs();
        if difference > self.near(rate) {
            return true;
        }
        if self.unconfirmed || difference <= JUMP_SAMPLES * rate {
            return false;
        }
        // Within the rounding of beats: the finer clocks decide, where the host has them.
        self.off_by_samples(t).is_some_and(|off| off.abs() > JUMP_SAMPLES + 0.01)
    }

    /// Did the tempo change from ours to `rate` somewhere since the last report, and is that all
    /// why the host is at `at`? Then time went on, only the host did not say when; its finer clocks
    /// went on too.
    pub(super) fn tempo_explains(&self, t: &HostTransport, at: f64, rate: f64) -> bool {
        let leapt = self.off_by_samples(t).is_some_and(|off| off.abs() > JUMP_SAMPLES + 0.01);
        if leapt || self.unconfirmed || self.wrap_is_due() {
            return false;
        }
        let frames = (self.now - self.heard.0) as f64;
        let most = frames * (rate - self.epoch.rate_at(self.now));
        let moved = at - self.epoch.beats_at(self.now);
        let near = self.near(rate);
        moved >= most.min(0.0) - near && moved <= most.max(0.0) + near
    }

    /// The epoch after a jump to `at`: nothing that sounded in this pass of a loop repeats, and
    /// what a late wrap skipped within the last 10 ms plays at the landing sample.
    pub(super) fn landing(&mut self, at: Reading, rate: f64, ramp: f64) -> Epoch {
        let beats = at.beats;
        let mut next = Epoch::at(self.now, beats, rate, ramp);
        let Some(Loop { start, end, .. }) = self.looping else { return next };
        let late = beats - LATE_LANDING * self.sample_rate * rate;
        let tolerance = ONSET_TOLERANCE * rate;
        if beats < start - tolerance || beats >= end {
            return next;
        }
        let covered = self.epoch.covered_before(self.now);
        if self.unconfirmed {
            // We wrapped at the loop's end, the host elsewhere: what came since has sounded. Unless
            // the host is far ahead nothing is lost either, and what sounds sounds on.
            next.played = covered.max(self.epoch.played);
            next.floor = late.max(next.played);
            next.jump = next.played < late;
        } else if self.epoch.beats < end && covered >= end - 2.0 * rate - at.grain {
            next.played = start - tolerance;
            next.floor = late.max(next.played);
            next.residue = self.residue();
            self.wrapped_at = Some(end);
        }
        next
    }
}
