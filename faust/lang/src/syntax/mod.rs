//! Text to syntax: tokens, a tree with spans, and every error of the text.

mod expr;
mod foreign;
mod keyword;
mod lex;
mod parse;
mod rules;
mod tree;

pub use parse::parse;
pub use tree::{
    Composition, Definition, Expr, ExprId, Foreign, GroupKind, Iteration, Modulator, Rule, Scope, ScopeId,
    SliderKind, Span, Syntax, WordId,
};
