//! Macros: parameters of the host, each of which moves controls, faders and sends of the session.

use crate::limits::{MACRO_TARGETS, MACROS, MAX_ID, MAX_NAME};
use crate::node::{Control, Scale};
use serde::{Deserialize, Serialize};

/// How the values of a target lie on the way of its macro.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Curve {
    /// As the control's own scale spreads them.
    #[default]
    Auto,
    /// Evenly.
    Linear,
    /// Evenly in the logarithm; where the range reaches 0, evenly.
    Log,
    /// Evenly in the exponential.
    Exp,
    /// As the control's own scale spreads them, slowly at both ends.
    S,
}

impl Curve {
    /// The scale by which a control's values lie on the way.
    fn scale(self, control: &Control) -> Scale {
        match self {
            Self::Auto | Self::S => control.scale,
            Self::Linear => Scale::Linear,
            Self::Log => Scale::Log,
            Self::Exp => Scale::Exp,
        }
    }

    /// The value of a control after that share (0 to 1) of the way from `lo` to `hi`. Names, steps and whole
    /// numbers of the control are kept to. Does not allocate.
    pub fn along(self, control: &Control, lo: f64, hi: f64, share: f64) -> f64 {
        let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
        let share = if self == Self::S { share * share * (3.0 - 2.0 * share) } else { share };
        control.along_as(self.scale(control), lo, hi, share)
    }

    /// Equal parts of the way are equal factors: what is added on it multiplies.
    pub fn is_by_factors(self, control: &Control, lo: f64, hi: f64) -> bool {
        let free = control.labels.is_empty() && control.step <= 0.0;
        free && self.scale(control) == Scale::Log && lo.min(hi) > 0.0
    }
}

/// A control, a fader or a send that a macro moves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MacroTarget {
    /// The control, by label or path; a fader (`bass/@gain`) or a send (`bass/@send/verb`) by its address.
    pub label: String,
    /// Value where the macro is at 0.
    pub lo: f64,
    /// Value where the macro is at 1; below `lo` where it goes the other way.
    pub hi: f64,
    /// How the values between lie on the way.
    #[serde(default, skip_serializing_if = "is_default")]
    pub curve: Curve,
}

/// A macro that moves something, or has a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MacroState {
    /// 1 to 64.
    #[schemars(range(min = 1, max = MACROS))]
    pub number: u8,
    /// What the host calls it; without one it is called as its first target.
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: String,
    /// Unit in the host; without one that of its first target.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unit: String,
    /// What it moves.
    #[serde(default, skip_serializing_if = "is_default")]
    pub targets: Vec<MacroTarget>,
}

impl MacroState {
    /// A macro that moves nothing.
    pub fn new(number: u8) -> Self {
        Self { number, name: String::new(), unit: String::new(), targets: Vec::new() }
    }

    /// Adds a target, or puts it in place of the one of the same label.
    pub fn aim(&mut self, target: MacroTarget) {
        match self.targets.iter_mut().find(|known| known.label == target.label) {
            Some(known) => *known = target,
            None => self.targets.push(target),
        }
    }

    /// Whether all is in its range.
    ///
    /// # Errors
    /// The field's name, and what it takes.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        check_number(self.number)?;
        if self.name.len() > MAX_NAME || self.unit.len() > MAX_NAME {
            return Err(("name, unit", "texts of at most 256 bytes"));
        }
        if self.name.chars().chain(self.unit.chars()).any(char::is_control) {
            return Err(("name, unit", "texts without line breaks and other control characters"));
        }
        if self.targets.len() > MACRO_TARGETS {
            return Err(("targets", "at most 16 targets"));
        }
        for target in &self.targets {
            if target.label.is_empty() || target.label.len() > MAX_ID {
                return Err(("label", "a label of 1 to 1024 bytes"));
            }
            if !(target.lo.is_finite() && target.hi.is_finite()) {
                return Err(("lo, hi", "finite numbers"));
            }
        }
        Ok(())
    }
}

/// Is there a macro of that number?
///
/// # Errors
/// The field's name, and what it takes.
pub fn check_number(number: u8) -> Result<(), (&'static str, &'static str)> {
    match (1..=MACROS).contains(&usize::from(number)) {
        true => Ok(()),
        false => Err(("number", "the number of a macro, from 1 to 64")),
    }
}

/// The way of a target, with its control: what the value of a macro means, and back.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    /// The control as its type declares it.
    pub control: Control,
    /// Value at 0.
    pub lo: f64,
    /// Value at 1.
    pub hi: f64,
    /// How values lie between them.
    pub curve: Curve,
}

impl Way {
    /// The value where the macro is at `share`.
    pub fn value(&self, share: f64) -> f64 {
        self.curve.along(&self.control, self.lo, self.hi, share)
    }

    /// Where on the way a value lies: the middle of the part that has it, or else of what is next on the way.
    pub fn share(&self, value: f64) -> f64 {
        let rises = self.value(0.0) <= self.value(1.0);
        let before = |share: f64, value: f64| match rises {
            true => self.value(share) < value,
            false => self.value(share) > value,
        };
        let free = self.control.labels.is_empty() && self.control.step <= 0.0;
        if free && !before(0.0, value) {
            return 0.0;
        }
        let first = first_after(|share| before(share, value));
        let there = self.value(first);
        let last = first_after(|share| self.value(share) == there || before(share, there));
        0.5 * (first + last)
    }
}

/// The first place from 0 to 1 that is not before something; 1 if all are.
fn first_after(before: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    if !before(low) {
        return low;
    }
    for _ in 0..52 {
        let middle = 0.5 * (low + high);
        if before(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cutoff() -> Control {
        Control::continuous("cutoff", 20.0, 20_000.0, 800.0).scale(Scale::Log)
    }

    #[test]
    fn a_curve_is_the_control_s_own_unless_it_says_another() {
        let at = |curve: Curve, share| curve.along(&cutoff(), 20.0, 20_000.0, share);
        assert!((at(Curve::Auto, 64.0 / 127.0) - 650.0).abs() < 1.0);
        assert_eq!(at(Curve::Linear, 0.5), 10_010.0);
        assert!((at(Curve::Log, 0.5) - 632.455_532).abs() < 1e-6);
        assert!(at(Curve::Exp, 0.5) > 19_990.0);
        assert!((at(Curve::S, 0.5) - 632.455_532).abs() < 1e-6);
        assert!((at(Curve::S, 0.25) - 20.0 * 1000_f64.powf(0.156_25)).abs() < 1e-6);
        for curve in [Curve::Auto, Curve::Linear, Curve::Log, Curve::Exp, Curve::S] {
            assert!((at(curve, 0.0) - 20.0).abs() < 1e-9 && (at(curve, 1.0) - 20_000.0).abs() < 1e-9);
            assert_eq!((at(curve, -1.0), at(curve, f64::NAN)), (at(curve, 0.0), at(curve, 0.0)));
        }
    }

    #[test]
    fn what_is_added_multiplies_on_a_way_of_octaves_alone() {
        let by_factors = |curve: Curve, control: &Control, lo| curve.is_by_factors(control, lo, 100.0);
        assert!(by_factors(Curve::Auto, &cutoff(), 20.0) && by_factors(Curve::S, &cutoff(), 20.0));
        assert!(!by_factors(Curve::Linear, &cutoff(), 20.0) && !by_factors(Curve::Auto, &cutoff(), 0.0));
        assert!(!by_factors(Curve::Auto, &cutoff().step(1.0), 20.0));
        let plain = Control::continuous("level", 0.0, 1.0, 0.0);
        assert!(!by_factors(Curve::Auto, &plain, 0.5) && by_factors(Curve::Log, &plain, 0.5));
    }

    #[test]
    fn names_are_found_in_the_middle_of_their_part() {
        let control = Control::continuous("wave", 0.0, 2.0, 0.0).labels([("a", 0.0), ("b", 1.0), ("c", 2.0)]);
        for (lo, hi, shares) in [(0.0, 2.0, [1.0, 3.0, 5.0]), (2.0, 0.0, [5.0, 3.0, 1.0])] {
            let way = Way { control: control.clone(), lo, hi, curve: Curve::Auto };
            for (value, sixths) in [0.0, 1.0, 2.0].into_iter().zip(shares) {
                assert!((way.share(value) - sixths / 6.0).abs() < 1e-9, "{value}: {}", way.share(value));
            }
        }
    }

    #[test]
    fn a_value_is_found_again_on_the_way() {
        for (lo, hi) in [(20.0, 20_000.0), (20_000.0, 20.0), (100.0, 200.0)] {
            for curve in [Curve::Auto, Curve::Linear, Curve::S] {
                let way = Way { control: cutoff(), lo, hi, curve };
                for share in [0.0, 0.1, 0.5, 0.77, 1.0] {
                    assert!((way.share(way.value(share)) - share).abs() < 1e-6, "{way:?} {share}");
                }
                assert_eq!(way.share(-1.0), if lo < hi { 0.0 } else { 1.0 });
            }
        }
    }
}
