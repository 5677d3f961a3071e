//! The 41 primitives: their names, how many inputs each takes, and which of them remember.

use serde::{Deserialize, Serialize};

/// How many inputs a primitive takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// Just so many.
    Exactly(usize),
    /// As many as its body or text asks for.
    Any,
}

macro_rules! primitives {
    ($($name:ident $text:literal $arity:expr, $doc:literal;)*) => {
        /// How a signal is made of others.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
        )]
        pub enum Primitive {
            $(
                #[doc = $doc]
                #[serde(rename = $text)]
                $name,
            )*
        }

        impl Primitive {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name in documents.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// How many inputs it takes.
            pub fn arity(self) -> Arity {
                use Arity::*;
                match self {
                    $(Self::$name => $arity,)*
                }
            }
        }
    };
}

primitives! {
    Add "add" Exactly(2), "a + b";
    Sub "sub" Exactly(2), "a - b";
    Mul "mul" Exactly(2), "a · b";
    Div "div" Exactly(2), "a / b";
    Mod "mod" Exactly(2), "The remainder of a / b, with the sign of a.";
    Const "const" Exactly(0), "A number.";
    Mem "mem" Exactly(1), "The sample before; 0 at first.";
    Delay "delay" Exactly(2), "(signal, n): the sample n before, n without its fraction; 0 at first.";
    Feedback "feedback" Any, "A loop through one sample of delay.";
    Sr "sr" Exactly(0), "The sample rate in Hz.";
    Rwtable "rwtable" Exactly(4), "(init, write index, value, read index): a table that is written, then read, each sample.";
    Rdtable "rdtable" Exactly(1), "(read index): an entry of a table.";
    Sin "sin" Exactly(1), "Sine of an angle in radians.";
    Cos "cos" Exactly(1), "Cosine of an angle in radians.";
    Tan "tan" Exactly(1), "Tangent of an angle in radians.";
    Asin "asin" Exactly(1), "Arc sine in radians.";
    Acos "acos" Exactly(1), "Arc cosine in radians.";
    Atan "atan" Exactly(1), "Arc tangent in radians.";
    Exp "exp" Exactly(1), "e to the power of a.";
    Log "log" Exactly(1), "Natural logarithm.";
    Log10 "log10" Exactly(1), "Logarithm to base 10.";
    Sqrt "sqrt" Exactly(1), "Square root.";
    Abs "abs" Exactly(1), "Without its sign.";
    Floor "floor" Exactly(1), "The nearest whole number below.";
    Ceil "ceil" Exactly(1), "The nearest whole number above.";
    Round "round" Exactly(1), "The nearest whole number; of two, the even one.";
    Min "min" Exactly(2), "The smaller.";
    Max "max" Exactly(2), "The larger.";
    Pow "pow" Exactly(2), "a to the power of b.";
    Fmod "fmod" Exactly(2), "The remainder of a / b, with the sign of a.";
    Remainder "remainder" Exactly(2), "a less the nearest whole multiple of b.";
    Atan2 "atan2" Exactly(2), "(y, x): the angle of the point, in radians.";
    Gt "gt" Exactly(2), "1 where a > b, else 0.";
    Lt "lt" Exactly(2), "1 where a < b, else 0.";
    Ge "ge" Exactly(2), "1 where a ≥ b, else 0.";
    Le "le" Exactly(2), "1 where a ≤ b, else 0.";
    Eq "eq" Exactly(2), "1 where a = b, else 0.";
    Ne "ne" Exactly(2), "1 where a ≠ b, else 0.";
    Select2 "select2" Exactly(3), "(selector, when zero, when one), by the selector without its fraction.";
    Control "control" Exactly(0), "A control of the node; smoothed unless its name says gate or trig.";
    FaustExpr "faust_expr" Any, "FAUST text with the inputs in their places.";
}

impl Primitive {
    /// Does its output depend on more than its inputs of this sample? (`faust_expr` may, and does not say.)
    pub fn is_stateful(self) -> bool {
        matches!(self, Self::Mem | Self::Delay | Self::Feedback | Self::Rwtable | Self::Rdtable)
    }

    /// Does it need parameters, of the kind that has its name?
    pub fn has_params(self) -> bool {
        use Primitive::*;
        matches!(self, Const | FaustExpr | Control | Feedback | Rwtable | Rdtable)
    }
}
