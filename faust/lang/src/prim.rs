//! The primitives of the language: names, numbers of inputs.

/// A primitive with a fixed number of inputs and one output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is the primitive of that name")]
pub enum Prim {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,
    And,
    Or,
    Xor,
    Shl,
    Shr,
    Delay,
    Mem,
    Prefix,
    Int,
    Float,
    Pow,
    Atan2,
    Fmod,
    Remainder,
    Min,
    Max,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Exp,
    Log,
    Log10,
    Sqrt,
    Abs,
    Floor,
    Ceil,
    Rint,
    Select2,
    Select3,
    Rdtable,
    Rwtable,
    Attach,
    Enable,
    Control,
    Lowest,
    Highest,
    Assertbounds,
}

use Prim::*;

/// Word or sign, primitive, inputs.
const TABLE: &[(&str, Prim, u32)] = &[
    ("+", Add, 2),
    ("-", Sub, 2),
    ("*", Mul, 2),
    ("/", Div, 2),
    ("%", Mod, 2),
    ("<", Lt, 2),
    ("<=", Le, 2),
    (">", Gt, 2),
    (">=", Ge, 2),
    ("==", Eq, 2),
    ("!=", Ne, 2),
    ("&", And, 2),
    ("|", Or, 2),
    ("xor", Xor, 2),
    ("<<", Shl, 2),
    (">>", Shr, 2),
    ("@", Delay, 2),
    ("mem", Mem, 1),
    ("prefix", Prefix, 2),
    ("int", Int, 1),
    ("float", Float, 1),
    ("pow", Pow, 2),
    ("^", Pow, 2),
    ("atan2", Atan2, 2),
    ("fmod", Fmod, 2),
    ("remainder", Remainder, 2),
    ("min", Min, 2),
    ("max", Max, 2),
    ("sin", Sin, 1),
    ("cos", Cos, 1),
    ("tan", Tan, 1),
    ("asin", Asin, 1),
    ("acos", Acos, 1),
    ("atan", Atan, 1),
    ("exp", Exp, 1),
    ("log", Log, 1),
    ("log10", Log10, 1),
    ("sqrt", Sqrt, 1),
    ("abs", Abs, 1),
    ("floor", Floor, 1),
    ("ceil", Ceil, 1),
    ("rint", Rint, 1),
    ("select2", Select2, 3),
    ("select3", Select3, 4),
    ("rdtable", Rdtable, 3),
    ("rwtable", Rwtable, 5),
    ("attach", Attach, 2),
    ("enable", Enable, 2),
    ("control", Control, 2),
    ("lowest", Lowest, 1),
    ("highest", Highest, 1),
    ("assertbounds", Assertbounds, 3),
];

impl Prim {
    /// The primitive that is written like this.
    pub fn named(name: &str) -> Option<Self> {
        TABLE.iter().find(|(known, ..)| *known == name).map(|(_, prim, _)| *prim)
    }

    fn entry(self) -> &'static (&'static str, Prim, u32) {
        TABLE.iter().find(|(_, prim, _)| *prim == self).unwrap_or(&TABLE[0])
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        self.entry().0
    }

    /// How many signals go in.
    pub fn inputs(self) -> u32 {
        self.entry().2
    }

    /// With one argument that is one signal, that argument is the second: `-(1)` takes 1 away.
    pub fn flips(self) -> bool {
        matches!(
            self,
            Add | Sub
                | Mul
                | Div
                | Mod
                | Lt
                | Le
                | Gt
                | Ge
                | Eq
                | Ne
                | And
                | Or
                | Xor
                | Shl
                | Shr
                | Delay
                | Pow
                | Attach
                | Enable
                | Control
        )
    }
}

/// Words that are part of the grammar and no primitives.
pub const KEYWORDS: &[&str] = &[
    "with",
    "letrec",
    "where",
    "case",
    "environment",
    "library",
    "component",
    "import",
    "declare",
    "par",
    "seq",
    "sum",
    "prod",
    "inputs",
    "outputs",
    "route",
    "button",
    "checkbox",
    "hslider",
    "vslider",
    "nentry",
    "hbargraph",
    "vbargraph",
    "hgroup",
    "vgroup",
    "tgroup",
    "soundfile",
    "ffunction",
    "fconstant",
    "fvariable",
    "waveform",
];
