//! How a value gets from here to there without a click: linearly, counted in frames.

/// Length of the ramp that hides a jump, in seconds.
pub const DECLICK_SECONDS: f64 = 0.010;

/// [`DECLICK_SECONDS`] in whole frames, at least 1.
pub fn declick_frames(sample_rate: f64) -> u32 {
    ((sample_rate * DECLICK_SECONDS).round() as u32).max(1)
}

/// A value that moves on a straight line and then rests.
///
/// Every frame's value is computed from the frame's number on the ramp, never summed up, so that the
/// last one is the target itself and cutting a stretch in two changes nothing.
#[derive(Clone, Copy, Debug)]
pub struct Ramp {
    from: f64,
    target: f64,
    present: f64,
    per_frame: f64,
    frame: u32,
    frames: u32,
}

impl Ramp {
    /// At rest at `value`.
    pub fn resting(value: f64) -> Self {
        Self { from: value, target: value, present: value, per_frame: 0.0, frame: 0, frames: 0 }
    }

    /// Sets off from the present value; the next frame is one step along, frame number `frames` has
    /// the target. 0 frames: is there at once.
    pub fn go(&mut self, target: f64, frames: u32) {
        if frames == 0 || (self.at_rest() && self.present == target) {
            *self = Self::resting(target);
        } else {
            *self = Self {
                from: self.present,
                target,
                present: self.present,
                per_frame: (target - self.present) / f64::from(frames),
                frame: 0,
                frames,
            };
        }
    }

    /// Jumps to the end of a ramp that is under way.
    pub fn finish(&mut self) {
        *self = Self::resting(self.target);
    }

    /// The next frame's value.
    #[inline]
    pub fn advance(&mut self) -> f64 {
        if self.frame < self.frames {
            self.frame += 1;
            self.present = if self.frame == self.frames {
                self.target
            } else {
                self.from + self.per_frame * f64::from(self.frame)
            };
        }
        self.present
    }

    /// The value of the last frame that was asked for.
    #[inline]
    pub fn present(&self) -> f64 {
        self.present
    }

    /// Where it goes, or where it is.
    pub fn target(&self) -> f64 {
        self.target
    }

    /// Has it arrived?
    #[inline]
    pub fn at_rest(&self) -> bool {
        self.frame == self.frames
    }

    /// How many of the next `frames` frames are all on the ramp, or all at rest.
    #[inline]
    pub fn uniform(&self, frames: usize) -> usize {
        if self.at_rest() { frames } else { frames.min((self.frames - self.frame) as usize) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_frame_is_one_step_along_and_the_last_is_the_target() {
        let mut ramp = Ramp::resting(0.0);
        ramp.go(0.3, 3);
        assert_eq!(
            [ramp.advance(), ramp.advance(), ramp.advance()].map(|v| (v * 1e9).round()),
            [1e8, 2e8, 3e8]
        );
        assert_eq!(ramp.present(), 0.3);
        assert!(ramp.at_rest());
        assert_eq!(ramp.advance(), 0.3);
    }

    #[test]
    fn a_ramp_that_is_overtaken_goes_on_from_where_it_is() {
        let mut ramp = Ramp::resting(0.0);
        ramp.go(1.0, 4);
        ramp.advance();
        ramp.advance();
        ramp.go(0.0, 2);
        assert_eq!([ramp.advance(), ramp.advance()], [0.25, 0.0]);
    }

    #[test]
    fn ten_milliseconds_are_441_frames_at_44100() {
        assert_eq!(declick_frames(44_100.0), 441);
        assert_eq!(declick_frames(48_000.0), 480);
        assert_eq!(declick_frames(22_050.0), 221);
    }
}
