//! Numbers and their functions: the same bits on every machine.

use crate::prim::Prim;

/// A number with a point, of 32 or 64 bits.
pub trait Number: Copy + std::fmt::Debug + PartialOrd {
    /// Rounded.
    fn from_f64(value: f64) -> Self;
    /// Exact.
    fn to_f64(self) -> f64;
    /// Rounded.
    fn from_i32(value: i32) -> Self;
    /// Towards zero, held between the smallest whole number of 32 bits and the largest that this width knows; what is no
    /// number is the smallest.
    fn to_i32(self) -> i32;
    /// A primitive.
    fn unary(self, prim: Prim) -> Self;
    /// A primitive.
    fn binary(self, prim: Prim, other: Self) -> Self;
    /// A function of C by its name.
    fn named(self, name: &str) -> Self;
    /// A function of C by its name.
    fn named_two(self, name: &str, other: Self) -> Self;
    /// Times two to this power.
    fn scaled(self, power: i32) -> Self;
    /// A function of C that gives a whole number.
    fn whole_of(self, name: &str) -> i32;

    /// Compares.
    fn compare(self, prim: Prim, other: Self) -> bool {
        match prim {
            Prim::Lt => self < other,
            Prim::Le => self <= other,
            Prim::Gt => self > other,
            Prim::Ge => self >= other,
            Prim::Eq => self == other,
            _ => self != other,
        }
    }
}

/// Functions of whole numbers. Sums and products wrap; a division by 0 gives 0.
pub(super) fn whole(prim: Prim, a: i32, b: i32) -> i32 {
    use Prim::*;
    match prim {
        Add => a.wrapping_add(b),
        Sub => a.wrapping_sub(b),
        Mul => a.wrapping_mul(b),
        Mod | Div if b == 0 => 0,
        Mod => a.wrapping_rem(b),
        Div => a.wrapping_div(b),
        And => a & b,
        Or => a | b,
        Xor => a ^ b,
        Shl => a.wrapping_shl(b as u32),
        Shr => a.wrapping_shr(b as u32),
        Min => a.min(b),
        Max => a.max(b),
        Lt => i32::from(a < b),
        Le => i32::from(a <= b),
        Gt => i32::from(a > b),
        Ge => i32::from(a >= b),
        Eq => i32::from(a == b),
        _ => i32::from(a != b),
    }
}

macro_rules! number {
    ($ty:ident, one($($c1:ident => $f1:path),*), two($($c2:ident => $f2:path),*), $scalbn:path, $ilogb:path, $largest:literal) => {
        impl Number for $ty {
            fn from_f64(value: f64) -> Self {
                value as $ty
            }
            fn to_f64(self) -> f64 {
                self as f64
            }
            fn from_i32(value: i32) -> Self {
                value as $ty
            }
            fn to_i32(self) -> i32 {
                if self.is_nan() { i32::MIN } else { self.clamp(-2_147_483_648.0, $largest) as i32 }
            }
            fn unary(self, prim: Prim) -> Self {
                match prim {
                    Prim::Abs => self.abs(),
                    Prim::Floor => self.floor(),
                    Prim::Ceil => self.ceil(),
                    Prim::Sqrt => self.sqrt(),
                    _ => self.named(prim.name()),
                }
            }
            fn binary(self, prim: Prim, other: Self) -> Self {
                match prim {
                    Prim::Add => self + other,
                    Prim::Sub => self - other,
                    Prim::Mul => self * other,
                    Prim::Div => self / other,
                    // As `std::min` and `std::max` treat what is no number.
                    Prim::Min => if other < self { other } else { self },
                    Prim::Max => if self < other { other } else { self },
                    Prim::Mod => self.named_two("fmod", other),
                    _ => self.named_two(prim.name(), other),
                }
            }
            fn named(self, name: &str) -> Self {
                match name {
                    $(stringify!($c1) => $f1(self),)*
                    "fabs" => self.abs(),
                    "floor" => self.floor(),
                    "ceil" => self.ceil(),
                    "trunc" => self.trunc(),
                    "sqrt" => self.sqrt(),
                    _ => self,
                }
            }
            fn named_two(self, name: &str, other: Self) -> Self {
                match name {
                    $(stringify!($c2) => $f2(self, other),)*
                    "copysign" => self.copysign(other),
                    "fmin" => self.min(other),
                    "fmax" => self.max(other),
                    _ => self,
                }
            }
            fn scaled(self, power: i32) -> Self {
                $scalbn(self, power)
            }
            fn whole_of(self, name: &str) -> i32 {
                match name {
                    "isnan" => i32::from(self.is_nan()),
                    "isinf" => i32::from(self.is_infinite()),
                    _ => $ilogb(self),
                }
            }
        }
    };
}

number!(
    f32,
    one(sin => pxfm::f_sinf, cos => pxfm::f_cosf, tan => pxfm::f_tanf, asin => pxfm::f_asinf, acos => pxfm::f_acosf,
        atan => pxfm::f_atanf, sinh => pxfm::f_sinhf, cosh => pxfm::f_coshf, tanh => pxfm::f_tanhf,
        asinh => pxfm::f_asinhf, acosh => pxfm::f_acoshf, atanh => pxfm::f_atanhf, exp => pxfm::f_expf,
        exp2 => pxfm::f_exp2f, exp10 => pxfm::f_exp10f, expm1 => pxfm::f_expm1f, log => pxfm::f_logf,
        log2 => pxfm::f_log2f, log10 => pxfm::f_log10f, log1p => pxfm::f_log1pf, cbrt => pxfm::f_cbrtf,
        erf => pxfm::f_erff, erfc => pxfm::f_erfcf, rint => libm::rintf, round => libm::roundf,
        tgamma => libm::tgammaf, lgamma => libm::lgammaf),
    two(pow => pxfm::f_powf, atan2 => pxfm::f_atan2f, hypot => pxfm::f_hypotf, fmod => libm::fmodf,
        remainder => libm::remainderf),
    libm::scalbnf, libm::ilogbf, 2_147_483_520.0
);

number!(
    f64,
    one(sin => libm::sin, cos => libm::cos, tan => libm::tan, asin => libm::asin, acos => libm::acos,
        atan => libm::atan, sinh => libm::sinh, cosh => libm::cosh, tanh => libm::tanh, asinh => libm::asinh,
        acosh => libm::acosh, atanh => libm::atanh, exp => libm::exp, exp2 => libm::exp2, exp10 => libm::exp10,
        expm1 => libm::expm1, log => libm::log, log2 => libm::log2, log10 => libm::log10, log1p => libm::log1p,
        cbrt => libm::cbrt, erf => libm::erf, erfc => libm::erfc, rint => libm::rint, round => libm::round,
        tgamma => libm::tgamma, lgamma => libm::lgamma),
    two(pow => libm::pow, atan2 => libm::atan2, hypot => libm::hypot, fmod => libm::fmod,
        remainder => libm::remainder),
    libm::scalbn, libm::ilogb, 2_147_483_647.0
);
