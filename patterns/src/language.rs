//! The language of live coders as methods: what is an operator of its own, and what is put together from operators.
//!
//! ```
//! use krach_patterns::{compile, mini_values as v};
//!
//! let tune = v("0 2 <4 7>").unwrap().scale(v("C:minor").unwrap()).control("note");
//! let tune = tune.set(v("<400 800>").unwrap().control("cutoff"));
//! let song = tune.clone().superimpose(|p| p.transpose(12.0)).often(0, |p| p.ply(2)).chunk(4, |p| p.rev());
//! compile(&song).unwrap();
//! ```

use crate::builders::{cat, fraction, rest, stack};
use crate::mini::steps::weighted;
use crate::{Fraction, Pattern};

fn boxed(pattern: Pattern) -> Box<Pattern> {
    Box::new(pattern)
}

/// A number for operators that take one.
pub fn number(value: f64) -> Pattern {
    Pattern::Number { value, span: None }
}

/// A name for operators that take one.
pub fn name(name: &str) -> Pattern {
    Pattern::Name { name: name.into(), span: None }
}

/// Each cycle a whole number from 0 to below `n` at random (`irand`).
pub fn irand(n: u32, seed: u64) -> Pattern {
    choose((0..n.max(1)).map(|i| number(f64::from(i))).collect(), None, seed)
}

/// A fraction in its lowest terms.
fn lowest([n, d]: Fraction) -> Fraction {
    let mut common = (n, d);
    while common.1 != 0 {
        common = (common.1, common.0 % common.1);
    }
    [n / common.0, d / common.0]
}

fn vary(kind: &str, by: Pattern, transform: Option<Pattern>, child: Pattern) -> Pattern {
    let (kind, transform) = (kind.into(), transform.map(boxed));
    Pattern::Vary { kind, by: vec![by], seed: 0, transform, child: boxed(child), span: None }
}

/// One pattern per cycle, in turn, each going on where it stopped.
pub fn turns(patterns: Vec<Pattern>) -> Pattern {
    let factor = [patterns.len() as i64, 1];
    Pattern::Slow { factor, child: boxed(cat(patterns)), span: None }
}

/// Sequences of different lengths in one cycle (`timecat`); `None` if the lengths have no common measure that is
/// coarse enough, or one is not above 0.
pub fn timecat(steps: Vec<(f64, Pattern)>) -> Option<Pattern> {
    let steps = steps.into_iter().map(|(length, pattern)| (pattern, fraction(length)));
    let steps: Vec<(Pattern, Fraction)> = steps.collect();
    steps.iter().all(|(_, [n, _])| *n > 0).then(|| weighted(steps)).flatten()
}

/// Parts of a song, each for so many cycles, over and over: each goes on where it stopped.
pub fn arrange(parts: Vec<(u32, Pattern)>) -> Option<Pattern> {
    let cycles = parts.iter().map(|(cycles, _)| i64::from(*cycles)).sum::<i64>();
    let part = |(cycles, part): (u32, Pattern)| (f64::from(cycles), part.fast(f64::from(cycles)));
    let song = timecat(parts.into_iter().map(part).collect())?;
    Some(Pattern::Slow { factor: [cycles, 1], child: boxed(song), span: None })
}

/// Each cycle one of them at random (`randcat`); with weights in proportion to them (`wchoose`).
pub fn choose(children: Vec<Pattern>, weights: Option<Vec<f64>>, seed: u64) -> Pattern {
    Pattern::Choose { weights, seed, children, span: None }
}

impl Pattern {
    /// The numbers become a control: `note`, `cutoff`, `bass/cutoff`, …
    #[must_use]
    pub fn control(self, label: &str) -> Pattern {
        Pattern::Label { label: label.into(), plain: false, child: boxed(self), span: None }
    }

    /// Numbers and names as the values of a control, each of them one event, whatever the control's name: `freq` opens
    /// no gate.
    #[must_use]
    pub fn plain(self, label: &str) -> Pattern {
        Pattern::Label { label: label.into(), plain: true, child: boxed(self), span: None }
    }

    /// An operation on the values of two patterns, with the events of this one (`left`), of the other (`right`), or
    /// with what is common to both (`both`).
    #[must_use]
    pub fn combine(self, kind: &str, structure: &str, other: Pattern) -> Pattern {
        let (kind, structure) = (kind.into(), structure.into());
        Pattern::Combine { kind, structure, left: boxed(self), right: boxed(other), span: None }
    }

    /// The other's controls as well; of one that both have, the other's value.
    #[must_use]
    pub fn set(self, other: Pattern) -> Pattern {
        self.combine("set", "left", other)
    }

    /// Plays while the other is not 0.
    #[must_use]
    pub fn mask(self, other: Pattern) -> Pattern {
        self.combine("mask", "left", other)
    }

    /// The values of this at the events of the other that are not 0 (`struct`).
    #[must_use]
    pub fn structured(self, other: Pattern) -> Pattern {
        self.combine("mask", "right", other)
    }

    /// Numbers and notes as degrees of a scale that the other names.
    #[must_use]
    pub fn scale(self, names: Pattern) -> Pattern {
        self.combine("scale", "left", names)
    }

    /// Notes higher by so many semitones.
    #[must_use]
    pub fn transpose(self, semitones: f64) -> Pattern {
        self.combine("add", "left", number(semitones))
    }

    /// Numbers as degrees of the scales that the other names, played as notes (`degree`): 0 is the root.
    #[must_use]
    pub fn degree(self, names: Pattern) -> Pattern {
        self.scale(names).control("note")
    }

    /// The lowest notes of chords an octave up, as many as the other says, or with a negative number the highest down.
    #[must_use]
    pub fn inv(self, by: Pattern) -> Pattern {
        self.combine("inv", "left", by)
    }

    /// The same of what begins and ends together, as one chord: of notes with commas between them, and of layers.
    #[must_use]
    pub fn inv_stack(self, by: Pattern) -> Pattern {
        self.combine("inv_stack", "left", by)
    }

    /// The notes of chords in the octave that ends with the note that the other says, such as `C5`.
    #[must_use]
    pub fn voicing(self, top: Pattern) -> Pattern {
        self.combine("voicing", "left", top)
    }

    /// Notes in a tuning: a name such as `19edo` or the text of a Scala file, perhaps with that of a keyboard mapping.
    #[must_use]
    pub fn tuned(self, tuning: &str, map: Option<&str>) -> Pattern {
        let (tuning, map) = (tuning.into(), map.map(Into::into));
        Pattern::Tune { tuning, map, child: boxed(self), span: None }
    }

    /// `n` times per cycle what there is then, held until the next.
    #[must_use]
    pub fn segment(self, n: u32) -> Pattern {
        Pattern::Segment { n, child: boxed(self), span: None }
    }

    /// Changed in cycles divisible by the number that the other has then.
    #[must_use]
    pub fn every_by(self, n: Pattern, change: impl FnOnce(Pattern) -> Pattern) -> Pattern {
        vary("every", n, Some(change(self.clone())), self)
    }

    /// Faster by the number that the other has then.
    #[must_use]
    pub fn fast_by(self, factor: Pattern) -> Pattern {
        vary("fast", factor, None, self)
    }

    /// Slower by the number that the other has then.
    #[must_use]
    pub fn slow_by(self, factor: Pattern) -> Pattern {
        vary("slow", factor, None, self)
    }

    /// Sooner by the cycles that the other says then.
    #[must_use]
    pub fn early_by(self, cycles: Pattern) -> Pattern {
        vary("early", cycles, None, self)
    }

    /// Later by the cycles that the other says then.
    #[must_use]
    pub fn late_by(self, cycles: Pattern) -> Pattern {
        vary("late", cycles, None, self)
    }

    /// Each event `n` times within itself.
    #[must_use]
    pub fn ply(self, n: u32) -> Pattern {
        Pattern::Split { kind: "ply".into(), n, child: boxed(self), span: None }
    }

    /// The notes of each chord one after the other: `up`, `down`, `updown`, `downup`, `converge` or `diverge`. What
    /// begins and ends together is a chord.
    #[must_use]
    pub fn arp(self, kind: &str) -> Pattern {
        Pattern::Split { kind: kind.into(), n: 1, child: boxed(self), span: None }
    }

    /// The notes of each chord begin one after the other within the first `1/n` of it (`rolled`).
    #[must_use]
    pub fn rolled(self, n: u32) -> Pattern {
        Pattern::Split { kind: "rolled".into(), n, child: boxed(self), span: None }
    }

    /// The piece of each cycle fills the cycle.
    #[must_use]
    pub fn zoom(self, from: f64, to: f64) -> Pattern {
        Pattern::Zoom { from: fraction(from), to: fraction(to), child: boxed(self), span: None }
    }

    /// Each cycle in the piece from `from` to `to` of it, the rest silent; `None` for a piece that is none.
    #[must_use]
    pub fn compress(self, from: f64, to: f64) -> Option<Pattern> {
        if !(0.0 <= from && from < to && to <= 1.0) {
            return None;
        }
        let steps = [(from, rest()), (to - from, self), (1.0 - to, rest())];
        timecat(steps.into_iter().filter(|(length, _)| *length > 0.0).collect())
    }

    /// The first part of each cycle, over and over until the cycle ends (`linger`); for a negative part the last. The
    /// last time may be cut short. `None` for a part that is none: 0, or more than the cycle.
    #[must_use]
    pub fn linger(self, part: f64) -> Option<Pattern> {
        let [n, d] = fraction(part.abs());
        if n < 1 || n > d {
            return None;
        }
        let begin = if part < 0.0 { d - n } else { 0 };
        let piece = |length| {
            let (from, to) = ([begin, d], [begin + length, d]);
            (
                Pattern::Zoom { from: lowest(from), to: lowest(to), child: boxed(self.clone()), span: None },
                [length, 1],
            )
        };
        let mut pieces = vec![piece(n); (d / n) as usize];
        if d % n > 0 {
            pieces.push(piece(d % n));
        }
        weighted(pieces)
    }

    /// Each cycle `n` times, every time `1/n` further in (`iter`).
    #[must_use]
    pub fn iter(self, n: u32) -> Pattern {
        let n = i64::from(n.max(1));
        let further = |i| Pattern::Early { offset: [i, n], child: boxed(self.clone()), span: None };
        turns((0..n).map(further).collect())
    }

    /// One cycle forwards, the next backwards.
    #[must_use]
    pub fn palindrome(self) -> Pattern {
        let transform = boxed(self.clone());
        Pattern::Every { n: 2, transform, child: boxed(self.rev()), span: None }
    }

    /// Changed while the other is not 0 (`when`); it takes 0 and 1.
    #[must_use]
    pub fn when(self, index: Pattern, change: impl FnOnce(Pattern) -> Pattern) -> Pattern {
        let children = vec![self.clone(), change(self)];
        Pattern::Pick { index: boxed(index), children, span: None }
    }

    /// Each cycle `n` times, every time another of its `n` pieces changed, from the first to the last.
    #[must_use]
    pub fn chunk(self, n: u32, change: impl FnOnce(Pattern) -> Pattern) -> Pattern {
        let n = n.max(1);
        let changed = change(self.clone());
        let piece = |i: u32| cat((0..n).map(|k| number(f64::from(u8::from(k == i)))).collect());
        turns((0..n).map(|i| self.clone().when(piece(i), |_| changed.clone())).collect())
    }

    /// As it is and changed, at once.
    #[must_use]
    pub fn superimpose(self, change: impl FnOnce(Pattern) -> Pattern) -> Pattern {
        stack(vec![self.clone(), change(self)])
    }

    /// As it is and, later by so many cycles, changed.
    #[must_use]
    pub fn off(self, cycles: f64, change: impl FnOnce(Pattern) -> Pattern) -> Pattern {
        stack(vec![self.clone(), change(self.shift(cycles))])
    }

    /// As it is on one side and changed on the other: `label` is 0 and 1.
    #[must_use]
    pub fn jux(self, label: &str, change: impl FnOnce(Pattern) -> Pattern) -> Pattern {
        let side = |pattern: Pattern, side| pattern.set(number(side).control(label));
        stack(vec![side(self.clone(), 0.0), side(change(self), 1.0)])
    }

    /// `n` times, each later by so many cycles and with `label` times `factor` (`echo`, `stut`). A value that says
    /// nothing of `label` counts as 1.
    #[must_use]
    pub fn echo(self, n: u32, cycles: f64, label: &str, factor: f64) -> Pattern {
        let [num, den] = fraction(cycles);
        let one = |i: u32| {
            let level = number(factor.powi(i as i32)).control(label);
            // What 64 bits do not hold is refused where it is compiled.
            let offset = [num.saturating_mul(i64::from(i)), den];
            let late = Pattern::Late { offset, child: boxed(self.clone()), span: None };
            late.combine("mul", "left", level)
        };
        stack((0..n.max(1)).map(one).collect())
    }

    /// Pieces of each cycle in another order, each once.
    #[must_use]
    pub fn shuffle(self, n: u32, seed: u64) -> Pattern {
        Pattern::Shuffle { kind: "shuffle".into(), n, seed, child: boxed(self), span: None }
    }

    /// Any piece of the cycle for each place.
    #[must_use]
    pub fn scramble(self, n: u32, seed: u64) -> Pattern {
        Pattern::Shuffle { kind: "scramble".into(), n, seed, child: boxed(self), span: None }
    }

    /// Changes each event with a probability (`sometimesBy`).
    #[must_use]
    pub fn sometimes_by(self, prob: f64, seed: u64, change: impl FnOnce(Pattern) -> Pattern) -> Pattern {
        let part = |invert| {
            let child = boxed(self.clone());
            Pattern::Chance { prob, seed, invert, child, span: None }
        };
        stack(vec![part(false), change(part(true))])
    }

    /// Changes every other event, by chance.
    #[must_use]
    pub fn sometimes(self, seed: u64, change: impl FnOnce(Pattern) -> Pattern) -> Pattern {
        self.sometimes_by(0.5, seed, change)
    }

    /// Changes one event of ten (`almostNever`).
    #[must_use]
    pub fn almost_never(self, seed: u64, change: impl FnOnce(Pattern) -> Pattern) -> Pattern {
        self.sometimes_by(0.1, seed, change)
    }

    /// Changes one event of four.
    #[must_use]
    pub fn rarely(self, seed: u64, change: impl FnOnce(Pattern) -> Pattern) -> Pattern {
        self.sometimes_by(0.25, seed, change)
    }

    /// Changes three events of four.
    #[must_use]
    pub fn often(self, seed: u64, change: impl FnOnce(Pattern) -> Pattern) -> Pattern {
        self.sometimes_by(0.75, seed, change)
    }

    /// Changes nine events of ten (`almostAlways`).
    #[must_use]
    pub fn almost_always(self, seed: u64, change: impl FnOnce(Pattern) -> Pattern) -> Pattern {
        self.sometimes_by(0.9, seed, change)
    }

    /// Faster, and `label` (a playback speed) higher by the same factor.
    #[must_use]
    pub fn hurry(self, factor: f64, label: &str) -> Pattern {
        self.fast(factor).combine("mul", "left", number(factor).control(label))
    }

    /// The bounds of a shape; anything else stays as it is.
    #[must_use]
    pub fn range(mut self, low: f64, high: f64) -> Pattern {
        if let Pattern::Shape { lo, hi, .. } = &mut self {
            (*lo, *hi) = (low, high);
        } else {
            let children = self.children_mut();
            for child in children {
                *child = std::mem::replace(child, rest()).range(low, high);
            }
        }
        self
    }
}
