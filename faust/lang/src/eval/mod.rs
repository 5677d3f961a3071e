//! Syntax with its environments to diagrams.
//!
//! Definitions are evaluated where they are used, once for each environment. Functions stay values until
//! they have their arguments; what is left of them at the end becomes a diagram whose first inputs are the
//! parameters.

mod apply;
mod arity;
mod boxes;
mod compose;
mod constant;
mod diagram;
mod env;
mod evaluate;
mod files;
pub mod foreign;
mod labels;
mod modulate;
mod names;
mod patterns;
mod scope;

pub use boxes::{BoxId, Boxes, ForeignId, FuncId, List, Node};
pub use env::Env;
pub use evaluate::{Diagram, Evaluator};
pub use files::{File, FileId, Files};
pub use names::{Names, Sym};

use crate::error::{Diagnostic, Fault, MOST_FAULTS, Place};
use crate::meter::Halt;
use crate::syntax::ExprId;

/// An expression of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code {
    /// Its text.
    pub file: FileId,
    /// Its place there.
    pub expr: ExprId,
}

/// Where a box comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The expression.
    pub code: Code,
    /// The expression of the first text that led there.
    pub via: Option<Code>,
}

/// A fault and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raised {
    /// The text.
    pub file: FileId,
    /// The fault.
    pub fault: Fault,
    /// The expression of the first text that led there.
    pub via: Option<Code>,
}

impl Raised {
    fn in_text(file: FileId, fault: Fault) -> Self {
        Self { file, fault, via: None }
    }

    /// For people.
    pub fn diagnostic(&self, files: &[File]) -> Diagnostic {
        let at = &files[self.file.0 as usize];
        let via = self.via.filter(|via| via.file != self.file).map(|via| {
            let file = &files[via.file.0 as usize];
            Place::of(&file.name, &file.text, file.syntax.span(via.expr))
        });
        Diagnostic {
            place: Some(Place::of(&at.name, &at.text, self.fault.span)),
            via,
            text: self.fault.text.clone(),
            hint: self.fault.hint.clone(),
        }
    }
}

/// Why a stage stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The text is wrong.
    Raised(Vec<Raised>),
    /// A limit, or nobody wants the result.
    Halted(Halt),
}

impl Stop {
    pub(crate) fn limit(text: String, hint: &'static str) -> Self {
        Self::Halted(Halt::Limit(text, hint))
    }
}

/// Two results that do not need one another; or what is wrong with either, each fault once.
pub(super) fn together<A, B>(a: Outcome<A>, b: impl FnOnce() -> Outcome<B>) -> Outcome<(A, B)> {
    let mut faults = match a {
        Ok(a) => return Ok((a, b()?)),
        Err(Stop::Raised(faults)) => faults,
        Err(halt) => return Err(halt),
    };
    if faults.len() < MOST_FAULTS {
        match b() {
            Err(Stop::Halted(Halt::Cancelled)) => return Err(Stop::Halted(Halt::Cancelled)),
            Err(Stop::Raised(more)) => {
                for one in more {
                    let is = |known: &Raised| (known.file, &known.fault) == (one.file, &one.fault);
                    if faults.len() < MOST_FAULTS && !faults.iter().any(is) {
                        faults.push(one);
                    }
                }
            }
            // What is wrong already is told, whatever the limit says of the rest.
            Ok(_) | Err(Stop::Halted(_)) => {}
        }
    }
    Err(Stop::Raised(faults))
}

impl From<Halt> for Stop {
    fn from(halt: Halt) -> Self {
        Self::Halted(halt)
    }
}

/// A stage's result.
pub type Outcome<T> = Result<T, Stop>;
