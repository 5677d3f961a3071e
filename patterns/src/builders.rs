//! The verbs that compose patterns.
//!
//! Labels `gate`, `freq`, `vel` and parameter names without a `/` are *unbound*: they belong to the
//! node that the pattern is played on.
//!
//! ```
//! use krach_patterns::builders::{chord, hit, note, seq};
//!
//! let beat = hit("gate") * 4 | hit("gate").spread(3, 8);
//! let tune = seq([Some(note("A2")), None, Some(note(52)), Some(note(110.0))]).swing(0.6, 8);
//! let pad = chord(["A3", "C4", "E4"]).over(2.0).every(4, |p| p.rev());
//! let song = beat + tune + pad;
//! assert!(krach_patterns::compile(&song).is_ok());
//! ```

use std::ops::{Add, BitOr, Mul};

use crate::pitch::{PitchError, midi_to_hz, parse_pitch};
use crate::{Fraction, Pattern, Value};

/// The largest denominator that a float becomes a fraction with.
pub const MAX_DENOMINATOR: i64 = 256;

/// A pitch: a name, a MIDI key (whole number) or a frequency in Hz (float).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pitch {
    /// Frequency in Hz.
    pub hz: f64,
}

impl From<i32> for Pitch {
    /// A MIDI key: 60 is C4.
    fn from(key: i32) -> Self {
        let hz = midi_to_hz(f64::from(key));
        Self { hz }
    }
}

impl From<f64> for Pitch {
    /// A frequency in Hz.
    fn from(hz: f64) -> Self {
        Self { hz }
    }
}

impl From<&str> for Pitch {
    /// A name such as `A2`.
    ///
    /// # Panics
    /// If it is no pitch. For names that are not written in the program, use [`Pitch::named`].
    fn from(name: &str) -> Self {
        match Self::named(name) {
            Ok(pitch) => pitch,
            Err(error) => panic!("{error}"),
        }
    }
}

impl Pitch {
    /// A name such as `A2`, `C#4` or `eb3`.
    ///
    /// # Errors
    /// If it is no pitch.
    pub fn named(name: &str) -> Result<Self, PitchError> {
        let hz = midi_to_hz(f64::from(parse_pitch(name)?));
        Ok(Self { hz })
    }
}

fn boxed(pattern: Pattern) -> Box<Pattern> {
    Box::new(pattern)
}

/// A control takes a value once per cycle.
pub fn control(label: &str, value: f64) -> Pattern {
    let label = label.into();
    Pattern::Atom { value: Value::Control { label, value }, span: None }
}

/// Nothing for a cycle.
pub fn rest() -> Pattern {
    Pattern::Silence { span: None }
}

/// All patterns within one cycle, one after the other.
pub fn cat(children: Vec<Pattern>) -> Pattern {
    Pattern::Cat { children, span: None }
}

/// All patterns at once.
pub fn stack(children: Vec<Pattern>) -> Pattern {
    Pattern::Stack { children, span: None }
}

/// Each cycle becomes one indivisible unit.
pub fn freeze(child: Pattern) -> Pattern {
    Pattern::Freeze { child: boxed(child), span: None }
}

/// The gate opens and closes: `Freeze(Cat[label = 1, label = 0])`. Usually the label is `gate`.
pub fn hit(label: &str) -> Pattern {
    freeze(cat(vec![control(label, 1.0), control(label, 0.0)]))
}

/// A note: frequency and open gate, then, after half the step, the gate closes.
pub fn note(pitch: impl Into<Pitch>) -> Pattern {
    note_with(pitch, 1.0, &[])
}

/// A note with a velocity in `[0, 1]` and further parameters by name.
///
/// `Freeze(Cat[Stack[freq, (vel if not 1), params…, gate = 1], gate = 0])`.
pub fn note_with(pitch: impl Into<Pitch>, vel: f64, params: &[(&str, f64)]) -> Pattern {
    let mut start = vec![control("freq", pitch.into().hz)];
    if vel != 1.0 {
        start.push(control("vel", vel));
    }
    start.extend(params.iter().map(|(name, value)| control(name, *value)));
    start.push(control("gate", 1.0));
    freeze(cat(vec![stack(start), control("gate", 0.0)]))
}

/// Several notes as one unit: `Freeze(Stack[note…])`. Each note still gets its own voice.
pub fn chord<P: Into<Pitch>>(pitches: impl IntoIterator<Item = P>) -> Pattern {
    freeze(stack(pitches.into_iter().map(note).collect()))
}

/// One step after the other; `None` is a rest.
pub fn seq(steps: impl IntoIterator<Item = Option<Pattern>>) -> Pattern {
    cat(steps.into_iter().map(|step| step.unwrap_or_else(rest)).collect())
}

/// The nearest fraction to `x` with a denominator up to [`MAX_DENOMINATOR`]; `[0, 1]` for what is
/// no number. Continued fractions, the last step shortened to fit, as Python's `limit_denominator`.
pub fn fraction(x: f64) -> Fraction {
    if !x.is_finite() || x.abs() >= 1e15 {
        let whole = if x.is_nan() { 0.0 } else { x };
        return [whole as i64, 1];
    }
    let sign = if x < 0.0 { -1 } else { 1 };
    let x = x.abs();
    let (mut n0, mut d0, mut n1, mut d1) = (0_i64, 1_i64, 1_i64, 0_i64);
    let mut rest = x;
    let nearer = |a: (i64, i64), b: (i64, i64)| {
        let off = |(n, d): (i64, i64)| (n as f64 / d as f64 - x).abs();
        if off(b) <= off(a) { b } else { a }
    };
    let (n, d) = loop {
        let a = rest.floor() as i64;
        if d1 > 0 && d0 + a.saturating_mul(d1) > MAX_DENOMINATOR {
            let k = (MAX_DENOMINATOR - d0) / d1;
            break nearer((n0 + k * n1, d0 + k * d1), (n1, d1));
        }
        (n0, d0, n1, d1) = (n1, d1, n0 + a * n1, d0 + a * d1);
        let part = rest - a as f64;
        if part < 1e-9 {
            break (n1, d1);
        }
        rest = 1.0 / part;
    };
    [sign * n, d]
}

impl Pattern {
    /// Stretched over `cycles` cycles; below 1, as often as fits: `over(0.5)` plays it twice.
    #[must_use]
    pub fn over(self, cycles: f64) -> Pattern {
        let [n, d] = fraction(cycles);
        let child = boxed(self);
        if cycles < 1.0 {
            let factor = [d, n];
            Pattern::Fast { factor, child, span: None }
        } else {
            let factor = [n, d];
            Pattern::Slow { factor, child, span: None }
        }
    }

    /// `factor` times as fast.
    #[must_use]
    pub fn fast(self, factor: f64) -> Pattern {
        let (factor, child) = (fraction(factor), boxed(self));
        Pattern::Fast { factor, child, span: None }
    }

    /// Later by so many cycles; a negative number is sooner.
    #[must_use]
    pub fn shift(self, cycles: f64) -> Pattern {
        let (offset, child) = (fraction(cycles.abs()), boxed(self));
        if cycles < 0.0 {
            Pattern::Early { offset, child, span: None }
        } else {
            Pattern::Late { offset, child, span: None }
        }
    }

    /// On `pulses` of `steps` steps, spread as evenly as can be.
    #[must_use]
    pub fn spread(self, pulses: u32, steps: u32) -> Pattern {
        self.spread_rotated(pulses, steps, 0)
    }

    /// [`Pattern::spread`], the row rotated left.
    #[must_use]
    pub fn spread_rotated(self, pulses: u32, steps: u32, rotation: i64) -> Pattern {
        Pattern::Euclid { pulses, steps, rotation, child: boxed(self), span: None }
    }

    /// Drops units with probability `prob`; the same ones for the same seed.
    #[must_use]
    pub fn thin(self, prob: f64, seed: u64) -> Pattern {
        Pattern::Degrade { prob, seed, child: boxed(self), span: None }
    }

    /// Swing: of each pair of `grid` steps the first takes `amount` (0.5 is straight).
    #[must_use]
    pub fn swing(self, amount: f64, grid: u32) -> Pattern {
        Pattern::Warp { kind: "swing".into(), amount, grid, child: boxed(self), span: None }
    }

    /// Each cycle mirrored.
    #[must_use]
    pub fn rev(self) -> Pattern {
        let child = boxed(self);
        Pattern::Rev { child, span: None }
    }

    /// Every `n`th cycle is changed, beginning with cycle 0.
    #[must_use]
    pub fn every(self, n: u32, change: impl FnOnce(Pattern) -> Pattern) -> Pattern {
        Pattern::Every { n, transform: boxed(change(self.clone())), child: boxed(self), span: None }
    }

    /// The children, if the node is a bare `Cat` (`want_cat`) or `Stack`; else the node itself.
    fn flat(mut self, want_cat: bool) -> Vec<Pattern> {
        match (&mut self, want_cat) {
            (Pattern::Cat { children, .. }, true) | (Pattern::Stack { children, .. }, false) => {
                std::mem::take(children)
            }
            _ => vec![self],
        }
    }
}

/// `a + b`: one after the other; sequences of sequences become one.
impl Add for Pattern {
    type Output = Pattern;
    fn add(self, other: Pattern) -> Pattern {
        let mut children = self.flat(true);
        children.append(&mut other.flat(true));
        cat(children)
    }
}

/// `a | b`: both at once; stacks of stacks become one.
impl BitOr for Pattern {
    type Output = Pattern;
    fn bitor(self, other: Pattern) -> Pattern {
        let mut children = self.flat(false);
        children.append(&mut other.flat(false));
        stack(children)
    }
}

/// `p * n`: n copies within one cycle.
impl Mul<usize> for Pattern {
    type Output = Pattern;
    fn mul(self, n: usize) -> Pattern {
        cat(vec![self; n])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_become_fractions_with_denominators_up_to_256() {
        for (x, want) in [
            (0.5, [1, 2]),
            (1.0 / 3.0, [1, 3]),
            (0.1, [1, 10]),
            (1.5, [3, 2]),
            (4.0, [4, 1]),
            (-0.75, [-3, 4]),
            (0.0, [0, 1]),
            (std::f64::consts::PI, [355, 113]),
            (0.001, [0, 1]),
            (0.003, [1, 256]),
            (0.998, [255, 256]),
            (f64::NAN, [0, 1]),
        ] {
            assert_eq!(fraction(x), want, "{x}");
        }
    }

    #[test]
    fn the_nearest_fraction_is_found_by_trying_all() {
        for i in 1..500 {
            let x = f64::from(i) * 0.006_180_339_887;
            let [n, d] = fraction(x);
            let best = (1..=MAX_DENOMINATOR)
                .map(|d| ((x * d as f64).round() / d as f64 - x).abs())
                .fold(f64::MAX, f64::min);
            assert!(((n as f64 / d as f64) - x).abs() <= best + 1e-12, "{x}: {n}/{d}");
        }
    }

    #[test]
    fn a_plus_b_flattens_and_copies_do_not() {
        let abc = hit("a") + hit("b") + hit("c");
        assert!(matches!(&abc, Pattern::Cat { children, .. } if children.len() == 3));
        let stacked = hit("a") | (hit("b") | hit("c"));
        assert!(matches!(&stacked, Pattern::Stack { children, .. } if children.len() == 3));
        let four = (hit("a") + hit("b")) * 4;
        assert!(matches!(&four, Pattern::Cat { children, .. } if children.len() == 4));
    }

    #[test]
    fn a_note_says_what_it_needs_and_no_more() {
        let json = serde_json::to_value(note_with("A2", 0.5, &[("cutoff", 800.0)])).unwrap();
        let start = &json["child"]["children"][0]["children"];
        let labels: Vec<&str> =
            start.as_array().unwrap().iter().map(|c| c["value"]["label"].as_str().unwrap()).collect();
        assert_eq!(labels, ["freq", "vel", "cutoff", "gate"]);
        assert_eq!(start[0]["value"]["value"], 110.0);
        assert_eq!(json["child"]["children"][1]["value"]["value"], 0.0);
        let plain = serde_json::to_value(note(45)).unwrap();
        assert_eq!(plain["child"]["children"][0]["children"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn over_and_shift_choose_their_direction() {
        assert_eq!(hit("g").over(2.0).op(), "Slow");
        let fast = hit("g").over(0.25);
        assert!(matches!(&fast, Pattern::Fast { factor: [4, 1], .. }));
        assert_eq!(hit("g").shift(0.25).op(), "Late");
        assert!(matches!(hit("g").shift(-0.25), Pattern::Early { offset: [1, 4], .. }));
    }
}
