//! Functions of C that programs may call.

/// A function: its name without suffix, whether its result and each argument is a whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Name in double precision.
    pub name: &'static str,
    /// The result is a whole number.
    pub int: bool,
    /// For each argument, whether it is one.
    pub args: &'static [bool],
}

const fn real(name: &'static str, args: &'static [bool]) -> Function {
    Function { name, int: false, args }
}

const ONE: &[bool] = &[false];
const TWO: &[bool] = &[false, false];

/// All of them.
pub const FUNCTIONS: &[Function] = &[
    real("sinh", ONE),
    real("cosh", ONE),
    real("tanh", ONE),
    real("asinh", ONE),
    real("acosh", ONE),
    real("atanh", ONE),
    real("sin", ONE),
    real("cos", ONE),
    real("tan", ONE),
    real("asin", ONE),
    real("acos", ONE),
    real("atan", ONE),
    real("exp", ONE),
    real("exp2", ONE),
    real("exp10", ONE),
    real("expm1", ONE),
    real("log", ONE),
    real("log2", ONE),
    real("log10", ONE),
    real("log1p", ONE),
    real("sqrt", ONE),
    real("cbrt", ONE),
    real("erf", ONE),
    real("erfc", ONE),
    real("tgamma", ONE),
    real("lgamma", ONE),
    real("fabs", ONE),
    real("floor", ONE),
    real("ceil", ONE),
    real("rint", ONE),
    real("round", ONE),
    real("trunc", ONE),
    real("pow", TWO),
    real("atan2", TWO),
    real("fmod", TWO),
    real("remainder", TWO),
    real("hypot", TWO),
    real("copysign", TWO),
    real("fmin", TWO),
    real("fmax", TWO),
    real("ldexp", &[false, true]),
    real("scalbn", &[false, true]),
    Function { name: "ilogb", int: true, args: ONE },
    Function { name: "isnan", int: true, args: ONE },
    Function { name: "isinf", int: true, args: ONE },
    Function { name: "abs", int: true, args: &[true] },
];

/// The function that a text means by these names: single, double and quad precision, or one for all.
pub fn find(names: &[Box<str>]) -> Option<usize> {
    let named = |name: &str| FUNCTIONS.iter().position(|function| function.name == name);
    match names {
        [only] => named(only).or_else(|| only.strip_suffix('f').and_then(named)),
        [_, double, ..] => named(double),
        [] => None,
    }
}
