//! Arithmetic on numbers that are known at compile time.

use crate::prim::Prim;

/// A number: whole, or with a point.
#[derive(Clone, Copy, Debug)]
pub enum Num {
    /// 32 bits, wraps.
    Int(i32),
    /// 64 bits, whatever the program computes with.
    Real(f64),
}

impl PartialEq for Num {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Real(a), Self::Real(b)) => a.to_bits() == b.to_bits(),
            _ => false,
        }
    }
}

impl Num {
    /// As a number with a point.
    pub fn real(self) -> f64 {
        match self {
            Self::Int(value) => f64::from(value),
            Self::Real(value) => value,
        }
    }

    /// As a whole number: towards zero, held inside 32 bits.
    pub fn int(self) -> i32 {
        match self {
            Self::Int(value) => value,
            // `as` saturates; not a number becomes the smallest, as when the program computes it.
            Self::Real(value) if value.is_nan() => i32::MIN,
            Self::Real(value) => value as i32,
        }
    }

    /// Zero of either kind.
    pub fn is_zero(self) -> bool {
        self.real() == 0.0
    }
}

/// Applies a primitive of one or two inputs to numbers. `None`: it has no value that is known now.
pub fn apply(prim: Prim, args: &[Num]) -> Option<Num> {
    match *args {
        [a] => unary(prim, a),
        [a, b] => binary(prim, a, b),
        _ => None,
    }
}

fn unary(prim: Prim, a: Num) -> Option<Num> {
    use Prim::*;
    let x = a.real();
    let value = match prim {
        Int => return Some(Num::Int(a.int())),
        Float => x,
        Abs => match a {
            Num::Int(value) => return Some(Num::Int(value.wrapping_abs())),
            Num::Real(value) => value.abs(),
        },
        Sin => libm::sin(x),
        Cos => libm::cos(x),
        Tan => libm::tan(x),
        Asin => libm::asin(x),
        Acos => libm::acos(x),
        Atan => libm::atan(x),
        Exp => libm::exp(x),
        Log => libm::log(x),
        Log10 => libm::log10(x),
        Sqrt => libm::sqrt(x),
        Floor => x.floor(),
        Ceil => x.ceil(),
        Rint => libm::rint(x),
        _ => return None,
    };
    value.is_finite().then_some(Num::Real(value))
}

fn binary(prim: Prim, a: Num, b: Num) -> Option<Num> {
    use Prim::*;
    if let (Num::Int(a), Num::Int(b)) = (a, b) {
        return Some(Num::Int(match prim {
            Add => a.wrapping_add(b),
            Sub => a.wrapping_sub(b),
            Mul => a.wrapping_mul(b),
            Div if b != 0 && a.wrapping_rem(b) == 0 => a.wrapping_div(b),
            Mod if b != 0 => a.wrapping_rem(b),
            Mod => 0,
            And => a & b,
            Or => a | b,
            Xor => a ^ b,
            Shl => a.wrapping_shl(b as u32),
            Shr => a.wrapping_shr(b as u32),
            Min => a.min(b),
            Max => a.max(b),
            Pow if b >= 0 => power(a, b),
            Lt => i32::from(a < b),
            Le => i32::from(a <= b),
            Gt => i32::from(a > b),
            Ge => i32::from(a >= b),
            Eq => i32::from(a == b),
            Ne => i32::from(a != b),
            _ => return reals(prim, f64::from(a), f64::from(b)),
        }));
    }
    match prim {
        And | Or | Xor | Shl | Shr => binary(prim, Num::Int(a.int()), Num::Int(b.int())),
        _ => reals(prim, a.real(), b.real()),
    }
}

fn power(base: i32, exponent: i32) -> i32 {
    base.wrapping_pow(exponent as u32)
}

fn reals(prim: Prim, a: f64, b: f64) -> Option<Num> {
    use Prim::*;
    let truth = |value: bool| Some(Num::Int(i32::from(value)));
    let value = match prim {
        Add => a + b,
        Sub => a - b,
        Mul => a * b,
        Div if b != 0.0 => a / b,
        Mod | Fmod if b != 0.0 => libm::fmod(a, b),
        Remainder if b != 0.0 => libm::remainder(a, b),
        Min => {
            if b < a {
                b
            } else {
                a
            }
        }
        Max => {
            if a < b {
                b
            } else {
                a
            }
        }
        Pow => libm::pow(a, b),
        Atan2 => libm::atan2(a, b),
        Lt => return truth(a < b),
        Le => return truth(a <= b),
        Gt => return truth(a > b),
        Ge => return truth(a >= b),
        Eq => return truth(a == b),
        Ne => return truth(a != b),
        _ => return None,
    };
    value.is_finite().then_some(Num::Real(value))
}
