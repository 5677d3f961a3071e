//! Between which numbers a signal lies. Never too narrow; as narrow as delays and tables need.

use crate::num::{Num, apply};
use crate::prim::Prim;

/// All numbers from `low` to `high`; none if `low` is larger.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The least.
    pub low: f64,
    /// The largest.
    pub high: f64,
}

impl Interval {
    /// No number.
    pub const NONE: Self = Self { low: f64::INFINITY, high: f64::NEG_INFINITY };
    /// Every number.
    pub const ALL: Self = Self { low: f64::NEG_INFINITY, high: f64::INFINITY };
    /// Every whole number.
    pub const INT: Self = Self { low: i32::MIN as f64, high: i32::MAX as f64 };
    /// False and true.
    pub const TRUTH: Self = Self { low: 0.0, high: 1.0 };

    /// From the less to the larger; every number if one is none.
    pub fn new(low: f64, high: f64) -> Self {
        if low.is_nan() || high.is_nan() {
            Self::ALL
        } else {
            Self { low: low.min(high), high: low.max(high) }
        }
    }

    /// One number.
    pub fn one(value: f64) -> Self {
        Self::new(value, value)
    }

    /// There is no number in it.
    pub fn is_none(self) -> bool {
        self.low > self.high
    }

    /// What is in one or both.
    pub fn join(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    fn map(self, value: impl Fn(f64) -> f64) -> Self {
        Self::new(value(self.low), value(self.high))
    }

    /// The hull of a function that is monotonic in each argument.
    fn corners(self, other: Self, value: impl Fn(f64, f64) -> f64) -> Self {
        let all = [
            value(self.low, other.low),
            value(self.low, other.high),
            value(self.high, other.low),
            value(self.high, other.high),
        ];
        if all.iter().any(|value| value.is_nan()) {
            return Self::ALL;
        }
        Self {
            low: all.iter().copied().fold(f64::INFINITY, f64::min),
            high: all.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        }
    }

    /// Held inside 32 bits; what may wrap may be any whole number.
    pub fn wrapped(self) -> Self {
        if self.is_none() || (self.low >= Self::INT.low && self.high <= Self::INT.high) {
            self
        } else {
            Self::INT
        }
    }
}

/// What a function of one signal gives.
pub fn unary(prim: Prim, a: Interval) -> Interval {
    if a.is_none() {
        return a;
    }
    match prim {
        Prim::Int => Interval::new(
            a.low.trunc().clamp(Interval::INT.low, Interval::INT.high),
            a.high.trunc().clamp(Interval::INT.low, Interval::INT.high),
        ),
        Prim::Float => a,
        Prim::Abs if a.low <= 0.0 && a.high >= 0.0 => Interval::new(0.0, a.high.max(-a.low)),
        Prim::Abs => a.map(f64::abs),
        Prim::Floor => a.map(f64::floor),
        Prim::Ceil => a.map(f64::ceil),
        Prim::Rint => a.map(libm::rint),
        Prim::Sin | Prim::Cos => Interval::new(-1.0, 1.0),
        Prim::Asin | Prim::Atan => Interval::new(-1.6, 1.6),
        Prim::Acos => Interval::new(0.0, 3.2),
        Prim::Exp => a.map(libm::exp),
        Prim::Sqrt if a.low >= 0.0 => a.map(f64::sqrt),
        Prim::Log if a.low > 0.0 => a.map(libm::log),
        Prim::Log10 if a.low > 0.0 => a.map(libm::log10),
        _ => Interval::ALL,
    }
}

/// What a function of two signals gives; `int` if both are whole numbers.
pub fn binary(prim: Prim, a: Interval, b: Interval, int: bool) -> Interval {
    if a.is_none() || b.is_none() {
        return Interval::NONE;
    }
    let known = |a: f64, b: f64| apply(prim, &[Num::Real(a), Num::Real(b)]).map_or(f64::NAN, Num::real);
    let found = match prim {
        Prim::Add => Interval::new(a.low + b.low, a.high + b.high),
        Prim::Sub => Interval::new(a.low - b.high, a.high - b.low),
        // Zero times what may be infinite is anything here.
        Prim::Mul => a.corners(b, |a, b| if a == 0.0 || b == 0.0 { 0.0 } else { a * b }),
        Prim::Div if b.low > 0.0 || b.high < 0.0 => a.corners(b, |a, b| if a == 0.0 { 0.0 } else { a / b }),
        Prim::Min => Interval { low: a.low.min(b.low), high: a.high.min(b.high) },
        Prim::Max => Interval { low: a.low.max(b.low), high: a.high.max(b.high) },
        Prim::Mod | Prim::Fmod => {
            let size = b.low.abs().max(b.high.abs()) - if int { 1.0 } else { 0.0 };
            let size = if int && size < 0.0 { 0.0 } else { size };
            Interval::new(
                if a.low >= 0.0 { 0.0 } else { (-size).max(a.low) },
                if a.high <= 0.0 { 0.0 } else { size.min(a.high) },
            )
        }
        Prim::Pow if a.low > 0.0 => a.corners(b, known),
        Prim::Lt | Prim::Le | Prim::Gt | Prim::Ge | Prim::Eq | Prim::Ne => Interval::TRUTH,
        // A mask that is not negative.
        Prim::And if a.low >= 0.0 && b.low >= 0.0 => Interval::new(0.0, a.high.min(b.high)),
        Prim::And if a.low >= 0.0 => Interval::new(0.0, a.high),
        Prim::And if b.low >= 0.0 => Interval::new(0.0, b.high),
        Prim::Or | Prim::Xor if a.low >= 0.0 && b.low >= 0.0 => {
            let most = a.high.max(b.high).min(Interval::INT.high) as u32;
            Interval::new(0.0, f64::from(most.checked_add(1).map_or(u32::MAX, u32::next_power_of_two) - 1))
        }
        Prim::Shr if a.low >= 0.0 => Interval::new(0.0, a.high),
        Prim::Shl if a.low >= 0.0 && b.low == b.high && (0.0..31.0).contains(&b.low) => {
            a.map(|a| a * f64::from(1u32 << b.low as u32))
        }
        Prim::And | Prim::Or | Prim::Xor | Prim::Shl | Prim::Shr => Interval::INT,
        Prim::Atan2 => Interval::new(-3.2, 3.2),
        _ => Interval::ALL,
    };
    if int { found.wrapped() } else { found }
}
