//! The host's master fader: a gain in front of the limiter that never clicks, and does nothing at 0 dB.

/// Length of a move in seconds.
const RAMP_SECONDS: f64 = 0.010;

/// Moves linearly from one gain to the next, counted in samples, so that the way does not depend on
/// how the host cuts blocks. Settled at 1 it leaves samples untouched to the bit.
#[derive(Clone, Debug)]
pub(super) struct Fader {
    from: f32,
    target: f32,
    /// Samples of the move that have passed; at `length` it is over.
    passed: u32,
    length: u32,
}

impl Fader {
    /// Settled at `gain`.
    pub fn new(gain: f32, sample_rate: f64) -> Self {
        let length = (RAMP_SECONDS * sample_rate).round().max(1.0) as u32;
        Self { from: gain, target: gain, passed: length, length }
    }

    /// At once, as after a reset.
    pub fn settle(&mut self, gain: f32) {
        (self.from, self.target, self.passed) = (gain, gain, self.length);
    }

    /// Goes elsewhere, from where it is now.
    pub fn set(&mut self, target: f32) {
        if target != self.target {
            self.from = self.at(self.passed);
            self.target = target;
            self.passed = 0;
        }
    }

    /// Applies the gain to a stretch of both channels.
    pub fn apply(&mut self, left: &mut [f32], right: &mut [f32]) {
        let moving = ((self.length - self.passed) as usize).min(left.len());
        for (l, r) in left.iter_mut().zip(right.iter_mut()).take(moving) {
            self.passed += 1;
            let gain = self.at(self.passed);
            *l *= gain;
            *r *= gain;
        }
        if self.target != 1.0 {
            for sample in left[moving..].iter_mut().chain(&mut right[moving..]) {
                *sample *= self.target;
            }
        }
    }

    /// Applies the gain to a stretch of both channels, in which it goes elsewhere at these frames.
    pub fn follow(&mut self, moves: impl Iterator<Item = (usize, f32)>, [left, right]: [&mut [f32]; 2]) {
        let mut done = 0;
        for (frame, gain) in moves {
            let frame = frame.clamp(done, left.len());
            self.apply(&mut left[done..frame], &mut right[done..frame]);
            self.set(gain);
            done = frame;
        }
        self.apply(&mut left[done..], &mut right[done..]);
    }

    fn at(&self, passed: u32) -> f32 {
        if passed >= self.length {
            return self.target;
        }
        self.from + (self.target - self.from) * (passed as f32 / self.length as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 48_000.0;

    fn render(gain: &mut Fader, cuts: &[usize]) -> Vec<f32> {
        let mut heard = Vec::new();
        for &frames in cuts {
            let (mut left, mut right) = (vec![1.0; frames], vec![1.0; frames]);
            gain.apply(&mut left, &mut right);
            assert_eq!(left, right);
            heard.extend(left);
        }
        heard
    }

    #[test]
    fn at_0_db_every_bit_passes() {
        let odd = [f32::MIN_POSITIVE / 4.0, -0.0, f32::NAN, 1e-30, -0.1];
        let (mut left, mut right) = (odd, odd);
        Fader::new(1.0, RATE).apply(&mut left, &mut right);
        assert_eq!(left.map(f32::to_bits), odd.map(f32::to_bits));
        assert_eq!(right.map(f32::to_bits), odd.map(f32::to_bits));
    }

    #[test]
    fn a_move_takes_10_ms_and_no_step_is_larger_than_its_share() {
        let mut gain = Fader::new(1.0, RATE);
        gain.set(0.0);
        let heard = render(&mut gain, &[1000]);
        assert_eq!((heard[479], heard[999]), (0.0, 0.0));
        assert!(heard[478] > 0.0);
        assert!((1.0 - heard[0]) <= 1.001 / 480.0);
        assert!(heard.windows(2).all(|w| (w[0] - w[1]).abs() <= 1.001 / 480.0));
    }

    #[test]
    fn a_move_sounds_the_same_however_blocks_are_cut() {
        let whole = |cuts: &[usize]| {
            let mut gain = Fader::new(1.0, RATE);
            gain.set(0.3);
            render(&mut gain, cuts)
        };
        let reference = whole(&[1024]);
        assert_eq!(whole(&[1; 1024]), reference);
        assert_eq!(whole(&[17, 463, 1, 0, 543]), reference);
    }

    #[test]
    fn a_move_begins_at_its_frame_however_the_stretch_is_cut() {
        let moves = [(0, 1.0), (40, 0.0), (40, 0.2), (63, 0.5)];
        let faded = |cuts: &[usize]| {
            let mut fader = Fader::new(1.0, RATE);
            let (mut left, mut right) = ([1.0_f32; 64], [1.0_f32; 64]);
            let mut at = 0;
            for n in cuts {
                let within = moves.iter().filter(|(frame, _)| (at..at + n).contains(frame));
                let within = within.map(|&(frame, gain)| (frame - at, gain));
                fader.follow(within, [&mut left[at..at + n], &mut right[at..at + n]]);
                at += n;
            }
            assert_eq!(left, right);
            (left.map(f32::to_bits), format!("{fader:?}"))
        };
        let whole = faded(&[64]);
        let left = whole.0.map(f32::from_bits);
        assert!(left[..40].iter().all(|&sample| sample == 1.0));
        assert!(left[40..63].windows(2).all(|w| w[1] < w[0]) && left[40] < 1.0);
        for cuts in [&[1; 64][..], &[40, 24], &[39, 1, 1, 23], &[63, 1]] {
            assert_eq!(faded(cuts), whole);
        }
    }

    #[test]
    fn a_move_that_is_overtaken_goes_on_from_where_it_is() {
        let mut gain = Fader::new(0.0, RATE);
        gain.set(1.0);
        let up = render(&mut gain, &[240]);
        gain.set(0.0);
        let down = render(&mut gain, &[481]);
        assert!((up[239] - 0.5).abs() < 1e-6);
        assert!((up[239] - down[0]).abs() < 0.6 / 480.0);
        assert_eq!(down[480], 0.0);
    }
}
