//! A control of a node type: its range, how its values lie in it, and what some of them are called.

use crate::symbol::Symbol;
use std::fmt::Write;

/// What a control's value means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlKind {
    /// Holds a level; chased after a jump; may be ramped.
    Continuous,
    /// Opens (> 0) and closes (0) a note; closed at stops and jumps, never chased.
    Gate,
}

/// How the values of a control are spread over its way.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Evenly.
    #[default]
    Linear,
    /// Evenly in the logarithm: an octave is as long everywhere. Where a range reaches 0, evenly.
    Log,
    /// Evenly in the exponential: most of the way is near the end of larger values.
    Exp,
}

/// The name of one of a control's values.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// The name, e.g. `saw`.
    pub name: String,
    /// The value.
    pub value: f32,
    symbol: Symbol,
}

/// What the host sends that moves a control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MidiInput {
    /// A controller, 0…127.
    Controller(u8),
    /// The pitch wheel.
    PitchWheel,
}

/// What of the host's MIDI moves a control because its type says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeclaredMidi {
    /// What.
    pub input: MidiInput,
    /// On which channel, 0…15; `None`: on any.
    pub channel: Option<u8>,
}

/// A control of a node type.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    /// Name within the node, e.g. `freq`; may contain `/`.
    pub name: String,
    /// Unit for display, e.g. `Hz`; may be empty.
    pub unit: String,
    /// Smallest value; values are clamped into `min..=max` on the audio thread.
    pub min: f32,
    /// Largest value.
    pub max: f32,
    /// Value of a fresh node.
    pub default: f32,
    /// What the value means.
    pub kind: ControlKind,
    /// How values are spread for what moves the control over a way: a controller of the host.
    pub scale: Scale,
    /// Distance of neighbouring values, counted from `min`; 0: any value. What sets the control by number is not rounded.
    pub step: f32,
    /// Only whole numbers mean something.
    pub integer: bool,
    /// The names that its values have, by rising value; made by [`Control::labels`].
    pub labels: Vec<Label>,
    /// What of the host's MIDI moves it where the session says nothing else.
    pub midi: Vec<DeclaredMidi>,
}

/// Most names that a control's values have.
pub const MAX_LABELS: usize = 256;

impl Control {
    /// A level without a unit, spread evenly, of any value in the range.
    ///
    /// ```
    /// use krach_core::node::{Control, Scale};
    /// let cutoff = Control::continuous("cutoff", 20.0, 20_000.0, 800.0).unit("Hz").scale(Scale::Log);
    /// assert_eq!(cutoff.along(20.0, 20_000.0, 1.0 / 3.0).round(), 200.0);
    /// ```
    pub fn continuous(name: &str, min: f32, max: f32, default: f32) -> Self {
        Self {
            name: name.to_owned(),
            unit: String::new(),
            min,
            max,
            default,
            kind: ControlKind::Continuous,
            scale: Scale::Linear,
            step: 0.0,
            integer: false,
            labels: Vec::new(),
            midi: Vec::new(),
        }
    }

    /// A gate, closed in a fresh node.
    pub fn gate(name: &str) -> Self {
        let kind = ControlKind::Gate;
        Self { kind, step: 1.0, integer: true, ..Self::continuous(name, 0.0, 1.0, 0.0) }
    }

    /// With a unit.
    #[must_use]
    pub fn unit(self, unit: &str) -> Self {
        Self { unit: unit.to_owned(), ..self }
    }

    /// With values spread otherwise.
    #[must_use]
    pub fn scale(self, scale: Scale) -> Self {
        Self { scale, ..self }
    }

    /// With a step. A whole one from a whole `min` makes whole values.
    #[must_use]
    pub fn step(self, step: f32) -> Self {
        let step = if step.is_finite() && step > 0.0 { step } else { 0.0 };
        let integer = step >= 1.0 && step.fract() == 0.0 && self.min.fract() == 0.0;
        Self { step, integer, ..self }
    }

    /// Moved by the host's MIDI.
    #[must_use]
    pub fn midi(self, midi: impl IntoIterator<Item = DeclaredMidi>) -> Self {
        Self { midi: midi.into_iter().collect(), ..self }
    }

    /// The value for a position of the pitch wheel, 0…16383. Where the range reaches below 0 and above, the middle
    /// of the wheel is 0, else the middle of the range; each half is even. Does not allocate.
    pub fn at_wheel(&self, position: u16) -> f32 {
        let (min, max) = (f64::from(self.min), f64::from(self.max));
        let middle = if min <= 0.0 && max >= 0.0 { 0.0 } else { f64::midpoint(min, max) };
        let away = f64::from(position.min(16_383)) - 8192.0;
        let value = if away < 0.0 {
            middle + (middle - min) * (away / 8192.0)
        } else {
            middle + (max - middle) * (away / 8191.0)
        };
        value as f32
    }

    /// With names for values: up to [`MAX_LABELS`] whose values are in the range; of one name the first counts.
    #[must_use]
    pub fn labels<'a>(mut self, labels: impl IntoIterator<Item = (&'a str, f32)>) -> Self {
        for (name, value) in labels {
            let fits = (self.min..=self.max).contains(&value) && !name.is_empty();
            if fits && self.labels.len() < MAX_LABELS && self.value_of(name).is_none() {
                self.labels.push(Label { name: name.to_owned(), value, symbol: Symbol::of(name) });
            }
        }
        self.labels.sort_by(|a, b| a.value.total_cmp(&b.value));
        self
    }

    /// The value of that name.
    pub fn value_of(&self, name: &str) -> Option<f32> {
        self.labels.iter().find(|label| label.name == name).map(|label| label.value)
    }

    /// The value of the name that has this symbol. Neither allocates nor hashes.
    pub fn value_of_symbol(&self, name: Symbol) -> Option<f32> {
        self.labels.iter().find(|label| label.symbol == name).map(|label| label.value)
    }

    /// The value after that share (0 to 1) of the way from `lo` to `hi`, as the control's scale spreads them: one that has
    /// a name, where values have names; on the grid of the step, where there is one. Names and whole values have
    /// equal shares of the way. Does not allocate.
    pub fn along(&self, lo: f64, hi: f64, share: f64) -> f64 {
        self.along_as(self.scale, lo, hi, share)
    }

    /// The same as another scale would spread the values.
    pub fn along_as(&self, scale: Scale, lo: f64, hi: f64, share: f64) -> f64 {
        let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
        let (low, high) = (lo.min(hi), lo.max(hi));
        let first = self.labels.partition_point(|label| f64::from(label.value) < low);
        let after = self.labels.partition_point(|label| f64::from(label.value) <= high);
        if first < after {
            let at = nth(share, after - first);
            let at = if lo <= hi { first + at } else { after - 1 - at };
            return f64::from(self.labels[at].value);
        }
        let value = match scale {
            // The ends are met to the bit.
            _ if share <= 0.0 => lo,
            _ if share >= 1.0 => hi,
            Scale::Log if low > 0.0 => lo * (hi / lo).powf(share),
            Scale::Exp if lo <= hi => hi + (share + (1.0 - share) * (lo - hi).exp()).ln(),
            Scale::Exp => lo + ((1.0 - share) + share * (hi - lo).exp()).ln(),
            _ => lo + (hi - lo) * share,
        };
        let (step, origin) = (f64::from(self.step), f64::from(self.min));
        if step <= 0.0 {
            return value;
        }
        let on_grid = |number: f64| origin + number * step;
        if self.integer && scale == Scale::Linear {
            let (first, last) = (((low - origin) / step).ceil(), ((high - origin) / step).floor());
            if last < first {
                return value;
            }
            let at = nth(share, (last - first) as usize + 1) as f64;
            return on_grid(if lo <= hi { first + at } else { last - at });
        }
        on_grid(((value - origin) / step).round()).clamp(low, high)
    }

    /// What it takes, for the musician: `numbers from 20 to 20000 Hz`, `sine, saw, pulse or numbers from 0 to 2`.
    pub fn takes(&self) -> String {
        let mut takes = String::new();
        for label in self.labels.iter().take(16) {
            let _ = write!(takes, "{}{}", if takes.is_empty() { "" } else { ", " }, label.name);
        }
        let more = if self.labels.len() > 16 { ", …" } else { "" };
        let or = if takes.is_empty() { "" } else { " or " };
        let space = if self.unit.is_empty() { "" } else { " " };
        format!("{takes}{more}{or}numbers from {} to {}{space}{}", self.min, self.max, self.unit)
    }
}

/// Which of `count` that share falls into.
fn nth(share: f64, count: usize) -> usize {
    ((share * count as f64) as usize).min(count.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_reached_and_the_middle_is_where_the_scale_has_it() {
        let plain = Control::continuous("c", 1.0, 100.0, 1.0);
        assert_eq!(plain.along(1.0, 100.0, 0.5), 50.5);
        let log = plain.clone().scale(Scale::Log);
        assert!((log.along(1.0, 100.0, 0.5) - 10.0).abs() < 1e-12);
        assert!((log.along(100.0, 1.0, 0.25) - 100.0_f64.powf(0.75)).abs() < 1e-12);
        assert_eq!(log.along(0.0, 100.0, 0.5), 50.0, "there is no logarithm of 0");
        assert_eq!(log.along(-4.0, 4.0, 0.75), 2.0);
        let exp = plain.clone().scale(Scale::Exp);
        let middle = (0.5 * (1.0_f64.exp() + 3.0_f64.exp())).ln();
        assert!((exp.along(1.0, 3.0, 0.5) - middle).abs() < 1e-12);
        assert!((exp.along(3.0, 1.0, 0.5) - middle).abs() < 1e-12);
        assert!(
            (exp.along(0.0, 20_000.0, 0.5) - (20_000.0 + 0.5_f64.ln())).abs() < 1e-9,
            "it does not overflow"
        );
        for control in [&plain, &log, &exp, &plain.clone().step(0.1)] {
            for (lo, hi) in [(1.0, 100.0), (100.0, 1.0), (7.25, 7.25), (2.5, 3.5)] {
                assert!((control.along(lo, hi, 0.0) - lo).abs() < 0.051, "{control:?}");
                assert!((control.along(lo, hi, 1.0) - hi).abs() < 0.051, "{control:?}");
                assert_eq!(control.along(lo, hi, f64::NAN), control.along(lo, hi, 0.0));
                assert_eq!(control.along(lo, hi, 7.0), control.along(lo, hi, 1.0));
            }
        }
    }

    #[test]
    fn steps_whole_numbers_and_names_are_kept_to() {
        let grid = Control::continuous("c", 0.5, 10.0, 1.0).step(0.25);
        assert!(!grid.integer);
        for n in 0..=127 {
            let value = grid.along(0.5, 9.1, f64::from(n) / 127.0);
            assert!(((value - 0.5) / 0.25).fract() == 0.0 || value == 9.1, "{value}");
        }
        let whole = Control::continuous("c", -2.0, 2.0, 0.0).step(1.0);
        assert!(whole.integer);
        let counts = |control: &Control, lo: f64, hi: f64| {
            let mut values: Vec<(f64, u32)> = Vec::new();
            for n in 0..1000 {
                let value = control.along(lo, hi, f64::from(n) / 999.0);
                match values.last_mut() {
                    Some((last, count)) if *last == value => *count += 1,
                    _ => values.push((value, 1)),
                }
            }
            values
        };
        assert_eq!(counts(&whole, -2.0, 2.0), [(-2.0, 200), (-1.0, 200), (0.0, 200), (1.0, 200), (2.0, 200)]);
        assert_eq!(counts(&whole, 1.5, -0.5), [(1.0, 500), (0.0, 500)]);
        let by_two = Control::continuous("c", 1.0, 9.0, 0.0).step(2.0);
        assert_eq!(counts(&by_two, 1.0, 5.0).iter().map(|c| c.0).collect::<Vec<_>>(), [1.0, 3.0, 5.0]);
        let named = Control::continuous("c", 0.0, 5.0, 0.0).labels([("c", 5.0), ("a", 0.0), ("b", 0.5)]);
        assert_eq!(counts(&named, 0.0, 5.0).iter().map(|c| c.0).collect::<Vec<_>>(), [0.0, 0.5, 5.0]);
        assert_eq!(counts(&named, 1.0, 0.0), [(0.5, 500), (0.0, 500)]);
        assert_eq!(counts(&named, 1.0, 3.0).len(), 1000, "there is no name between them");
    }

    #[test]
    fn a_name_has_one_value_within_the_range() {
        let control = Control::continuous("wave", 0.0, 2.0, 0.0).labels([
            ("sine", 0.0),
            ("saw", 1.0),
            ("saw", 2.0),
            ("far", 3.0),
            ("", 1.0),
            ("nan", f32::NAN),
        ]);
        assert_eq!(control.labels.len(), 2);
        assert_eq!((control.value_of("saw"), control.value_of("far")), (Some(1.0), None));
        assert_eq!(control.value_of_symbol(Symbol::of("saw")), Some(1.0));
        assert_eq!(control.value_of_symbol(Symbol::of("far")), None);
        assert_eq!(control.takes(), "sine, saw or numbers from 0 to 2");
        let cutoff = Control::continuous("c", 20.0, 20_000.0, 800.0).unit("Hz");
        assert_eq!(cutoff.takes(), "numbers from 20 to 20000 Hz");
        let many: Vec<String> = (0..300).map(|n| format!("n{n}")).collect();
        let full = Control::continuous("c", 0.0, 300.0, 0.0);
        let full = full.labels((0..).zip(&many).map(|(n, name)| (name.as_str(), n as f32)));
        assert_eq!(full.labels.len(), MAX_LABELS);
    }
}
