//! The tree of one text. Expressions lie in one list and name each other by place.

use crate::prim::Prim;
use std::collections::HashMap;

/// Bytes `start..end` of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// First byte after it.
    pub end: u32,
}

/// Place of an expression in [`Syntax::exprs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExprId(pub u32);

/// Place of an identifier in [`Syntax::words`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WordId(pub u32);

/// Place of a block of definitions in [`Syntax::scopes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScopeId(pub u32);

/// The five compositions of diagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Composition {
    /// `a : b`
    Seq,
    /// `a , b`
    Par,
    /// `a <: b`
    Split,
    /// `a :> b`
    Merge,
    /// `a ~ b`
    Rec,
}

impl Composition {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Seq => ":",
            Self::Par => ",",
            Self::Split => "<:",
            Self::Merge => ":>",
            Self::Rec => "~",
        }
    }
}

/// The four iterations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Iteration {
    /// `par(i, n, e)`
    Par,
    /// `seq(i, n, e)`
    Seq,
    /// `sum(i, n, e)`
    Sum,
    /// `prod(i, n, e)`
    Prod,
}

/// Widgets with a range and a first value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SliderKind {
    /// `hslider`
    Horizontal,
    /// `vslider`
    Vertical,
    /// `nentry`
    Number,
}

/// How a group lays out what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupKind {
    /// `hgroup`
    Horizontal,
    /// `vgroup`
    Vertical,
    /// `tgroup`
    Tab,
}

/// A foreign function, constant or variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Names for single, double and quad precision; one stands for all.
    pub names: Vec<Box<str>>,
    /// The result is a whole number.
    pub int: bool,
    /// For each argument, whether it is a whole number.
    pub args: Vec<bool>,
}

/// One target of a widget modulation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modulator {
    /// Label of the widgets.
    pub label: Box<str>,
    /// What is put behind them; multiplication if nothing is written.
    pub circuit: Option<ExprId>,
}

/// One `pattern, pattern => body`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What the arguments must look like.
    pub patterns: Vec<ExprId>,
    /// What comes out.
    pub body: ExprId,
}

/// What is written.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A whole number.
    Int(i32),
    /// A number with a point.
    Real(f64),
    /// An identifier.
    Word(WordId),
    /// `_`
    Wire,
    /// `!`
    Cut,
    /// A primitive by name or sign.
    Prim(Prim),
    /// `a + b` and its like.
    Infix(Prim, ExprId, ExprId),
    /// `-a`
    Minus(ExprId),
    /// `a'`
    Delayed(ExprId),
    /// `a : b` and its like.
    Compose(Composition, ExprId, ExprId),
    /// `f(a, b)`
    Apply(ExprId, Vec<ExprId>),
    /// `a.b`
    Access(ExprId, WordId),
    /// `a[b = …;]`
    Override(ExprId, ScopeId),
    /// `a with { … }`
    With(ExprId, ScopeId),
    /// `a letrec { 'x = …; where … }`
    Letrec {
        /// What uses the recursion.
        body: ExprId,
        /// Names and what they are next.
        equations: Vec<(WordId, ExprId)>,
        /// The definitions after `where`.
        locals: Option<ScopeId>,
    },
    /// `\(x, y).(a)`
    Lambda(Vec<WordId>, ExprId),
    /// `case { … }`
    Case(Vec<Rule>),
    /// `environment { … }`
    Environment(ScopeId),
    /// `library("x.lib")`
    Library(Box<str>),
    /// `component("x.dsp")`
    Component(Box<str>),
    /// `par(i, n, a)` and its like.
    Iterate(Iteration, WordId, ExprId, ExprId),
    /// `inputs(a)`
    Inputs(ExprId),
    /// `outputs(a)`
    Outputs(ExprId),
    /// `route(ins, outs, pairs)`
    Route(ExprId, ExprId, Option<ExprId>),
    /// `button("x")`
    Button(Box<str>),
    /// `checkbox("x")`
    Checkbox(Box<str>),
    /// `hslider("x", init, min, max, step)` and its like.
    Slider(SliderKind, Box<str>, [ExprId; 4]),
    /// `hbargraph("x", min, max)`; whether it is horizontal.
    Bargraph(bool, Box<str>, [ExprId; 2]),
    /// `hgroup("x", a)` and its like.
    Group(GroupKind, Box<str>, ExprId),
    /// `soundfile("x", n)`
    Soundfile(Box<str>, ExprId),
    /// `ffunction(…)`
    Function(Foreign),
    /// `fconstant(…)`
    Constant(Foreign),
    /// `fvariable(…)`
    Variable(Foreign),
    /// `waveform{…}`
    Waveform(Vec<Expr>),
    /// `["x": f -> a]`
    Modulate(Vec<Modulator>, ExprId),
    /// Something that could not be read; there is an error about it.
    Broken,
}

/// What a name stands for in a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Definition {
    /// `x = a;`
    Plain(ExprId),
    /// `f(x, y) = a;` with different plain names.
    Lambda(Vec<WordId>, ExprId),
    /// Rules with patterns.
    Case(Vec<Rule>),
}

/// A block of definitions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// By name, with the span of its first rule.
    pub definitions: HashMap<WordId, (Definition, Span)>,
    /// Names in the order of the text.
    pub order: Vec<WordId>,
    /// Files whose definitions belong here as well.
    pub imports: Vec<(Box<str>, Span)>,
}

/// A text that was read.
#[derive(Clone, Debug, Default)]
pub struct Syntax {
    /// Every expression.
    pub exprs: Vec<Expr>,
    /// Where each is written.
    pub spans: Vec<Span>,
    /// Every identifier.
    pub words: Vec<Box<str>>,
    /// Every block of definitions.
    pub scopes: Vec<Scope>,
    /// What `declare` says about the whole text: key and value.
    pub declarations: Vec<(Box<str>, Box<str>)>,
    /// What is wrong with the text.
    pub faults: Vec<crate::error::Fault>,
}

impl Syntax {
    /// The scope of the whole text.
    pub const TOP: ScopeId = ScopeId(0);

    /// An expression.
    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize]
    }

    /// Where it is written.
    pub fn span(&self, id: ExprId) -> Span {
        self.spans[id.0 as usize]
    }

    /// A block of definitions.
    pub fn scope(&self, id: ScopeId) -> &Scope {
        &self.scopes[id.0 as usize]
    }

    /// An identifier.
    pub fn word(&self, id: WordId) -> &str {
        &self.words[id.0 as usize]
    }
}
