//! The safety limiter behind the master: nothing beyond +6 dBFS, nothing that is not a number.
//!
//! Below its threshold, at rest, samples pass to the bit. It has no look-ahead and so no delay: a
//! sample that is too loud is brought down to the threshold itself, both sides alike, and the
//! reduction then fades with a time constant of 100 ms until it is below -100 dB, where it ends.

/// +6 dBFS, as a sample value.
pub const THRESHOLD: f32 = 2.0;
/// Time in which the reduction falls to 1/e, in seconds.
const RELEASE_SECONDS: f64 = 0.1;
/// A reduction below this is none.
const SNAP: f32 = 1e-5;

/// A stereo limiter. Allocates nothing; the output does not depend on the partition into calls.
#[derive(Clone, Debug)]
pub struct Limiter {
    enabled: bool,
    /// 1 - gain; exactly 0 at rest. Kept rather than the gain: near 1 that could not move in `f32`.
    reduction: f32,
    release: f32,
}

impl Limiter {
    /// A limiter at rest, switched on, for a sample rate in Hz.
    pub fn new(sample_rate: f64) -> Self {
        let release = libm::exp(-1.0 / (RELEASE_SECONDS * sample_rate)) as f32;
        Self { enabled: true, reduction: 0.0, release }
    }

    /// Forgets the reduction; stays on or off.
    pub fn reset(&mut self) {
        self.reduction = 0.0;
    }

    /// Switches it on or off. Off, nothing is brought down any more, and a reduction that is still
    /// there fades as always, so that no switching clicks. Not-numbers are kept out in any case.
    pub fn set_enabled(&mut self, enabled: bool) {
        self.enabled = enabled;
    }

    /// Is it on?
    pub fn enabled(&self) -> bool {
        self.enabled
    }

    /// The present gain, 0…1; exactly 1 at rest.
    pub fn gain(&self) -> f32 {
        1.0 - self.reduction
    }

    /// Limits the frames that both sides have, in place.
    pub fn process(&mut self, left: &mut [f32], right: &mut [f32]) {
        for (l, r) in left.iter_mut().zip(right) {
            *l = number(*l);
            *r = number(*r);
            let peak = if self.enabled { l.abs().max(r.abs()) } else { 0.0 };
            if peak <= THRESHOLD && self.reduction == 0.0 {
                continue;
            }
            self.release();
            let mut gain = 1.0 - self.reduction;
            if peak * gain > THRESHOLD {
                gain = THRESHOLD / peak;
                self.reduction = 1.0 - gain;
            }
            if self.reduction > 0.0 {
                *l *= gain;
                *r *= gain;
            }
            if self.enabled {
                // The division above rounds.
                *l = l.clamp(-THRESHOLD, THRESHOLD);
                *r = r.clamp(-THRESHOLD, THRESHOLD);
            }
        }
    }

    fn release(&mut self) {
        self.reduction *= self.release;
        if self.reduction < SNAP {
            self.reduction = 0.0;
        }
    }
}

/// The sample, or silence for what is not a finite number.
#[inline]
fn number(x: f32) -> f32 {
    if x.is_finite() { x } else { 0.0 }
}
