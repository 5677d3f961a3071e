//! The plugin as an effect: what the host sends in goes out at the main output, as long as no node takes it.
//!
//! It joins the main output between the session's master, which is none of its own, and the host's fader. At rest it
//! passes to the bit; a change is a crossfade with what the nodes give.

use krach_dsp::ramp::Ramp;

/// What passes by the nodes.
#[derive(Clone, Debug)]
pub(super) struct Through {
    /// The plugin is an effect.
    on: bool,
    /// Another engine has taken over.
    over: bool,
    gain: Ramp,
    /// Frames of a change.
    frames: u32,
}

impl Through {
    /// Nothing passes; a change takes so many frames.
    pub fn new(frames: u32) -> Self {
        Self { on: false, over: false, gain: Ramp::resting(0.0), frames }
    }

    /// Is the plugin an effect?
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// The plugin is an effect from now on; `taken`: a node takes the input.
    pub fn begin(&mut self, taken: bool) {
        if !self.on {
            self.on = true;
            self.gain = Ramp::resting(gain(taken));
        }
    }

    /// Nothing passes any more: another engine has taken over.
    pub fn end(&mut self) {
        self.over = true;
    }

    /// From the next frame on a node takes the input, or none does.
    pub fn follow(&mut self, taken: bool) {
        if self.gain.target() != gain(taken) {
            self.gain.go(gain(taken), self.frames);
        }
    }

    /// Adds what comes in to both sides; the input may lack sides.
    pub fn add(&mut self, input: [&[f32]; 2], mut sides: [&mut [f32]; 2]) {
        if !self.on || self.over {
            return;
        }
        let frames = sides[0].len();
        let mut at = 0;
        while at < frames {
            // However a ramp is cut, at rest the bits pass from the same frame on.
            let n = self.gain.uniform(frames - at);
            if !self.gain.at_rest() {
                for frame in at..at + n {
                    let gain = self.gain.advance() as f32;
                    for (side, from) in sides.iter_mut().zip(input) {
                        side[frame] += gain * finite(from.get(frame).copied().unwrap_or(0.0));
                    }
                }
            } else if self.gain.present() != 0.0 {
                for (side, from) in sides.iter_mut().zip(input) {
                    pass(from.get(at..).unwrap_or(&[]), &mut side[at..at + n]);
                }
            }
            at += n;
        }
    }
}

fn gain(taken: bool) -> f64 {
    if taken { 0.0 } else { 1.0 }
}

fn finite(x: f32) -> f32 {
    if x.is_finite() { x } else { 0.0 }
}

/// Where nothing else is, the very bits: no sum keeps the sign of a zero.
fn pass(from: &[f32], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        let from = finite(*from);
        *to = if *to == 0.0 { from } else { *to + from };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(through: &mut Through, input: &[f32]) -> Vec<f32> {
        let (mut left, mut right) = (vec![0.0; input.len()], vec![0.0; input.len()]);
        through.add([input, input], [&mut left, &mut right]);
        assert_eq!(bits(&left), bits(&right));
        left
    }

    fn bits(samples: &[f32]) -> Vec<u32> {
        samples.iter().map(|x| x.to_bits()).collect()
    }

    #[test]
    fn every_bit_passes_until_a_node_takes_the_input() {
        let odd = [0.25, -0.0, f32::MIN_POSITIVE / 4.0, 1e-30, -1.5];
        let mut through = Through::new(4);
        assert_eq!(bits(&passed(&mut through, &odd)), [0; 5], "an instrument lets nothing pass");
        through.begin(false);
        through.follow(false);
        assert_eq!(bits(&passed(&mut through, &odd)), bits(&odd));
        assert_eq!(passed(&mut through, &[f32::NAN, f32::INFINITY, 0.5]), [0.0, 0.0, 0.5]);
        through.follow(true);
        assert_eq!(passed(&mut through, &[1.0; 6]), [0.75, 0.5, 0.25, 0.0, 0.0, 0.0]);
        // Taken back while it is under way.
        through.follow(false);
        assert_eq!(passed(&mut through, &[1.0; 2]), [0.25, 0.5]);
        through.follow(true);
        assert_eq!(passed(&mut through, &[1.0; 5]), [0.375, 0.25, 0.125, 0.0, 0.0]);
        let mut taken = Through::new(4);
        taken.begin(true);
        taken.follow(true);
        assert_eq!(passed(&mut taken, &[1.0; 2]), [0.0; 2]);
    }

    #[test]
    fn a_change_ends_on_its_frame_however_it_is_cut() {
        let odd = [-0.0; 8];
        let cut = |cuts: &[usize]| {
            let mut through = Through::new(4);
            through.begin(true);
            through.follow(false);
            let parts: Vec<Vec<f32>> = cuts.iter().map(|n| passed(&mut through, &odd[..*n])).collect();
            bits(&parts.concat())
        };
        let whole = cut(&[8]);
        // A sum has no sign of a zero; what passes has.
        assert_eq!(whole, bits(&[0.0, 0.0, 0.0, 0.0, -0.0, -0.0, -0.0, -0.0]));
        assert_eq!(cut(&[1; 8]), whole);
        assert_eq!(cut(&[3, 2, 3]), whole);
    }

    #[test]
    fn a_missing_side_is_silent() {
        let mut through = Through::new(4);
        through.begin(false);
        let (mut left, mut right) = ([0.5; 3], [0.5; 3]);
        through.add([&[1.0; 3], &[]], [&mut left, &mut right]);
        through.follow(true);
        through.add([&[], &[]], [&mut left, &mut right]);
        assert_eq!((left, right), ([1.5; 3], [0.5; 3]));
    }
}
