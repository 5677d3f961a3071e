//! FAUST programs as node types.
//!
//! A [`Source`] is gathered with its imports, refused if it asks for what programs may not do,
//! translated by the compiler of our own or by the `faust` command in a bounded child process ([`Front`]), compiled to
//! an [`Object`] with LLVM, kept in a cache, and linked into a [`FaustType`] that `krach-core` can play.

mod back;
mod budget;
mod cache;
mod compiler;
mod controls;
mod cpu;
mod error;
mod front;
mod interface;
mod lower;
mod node;
mod object;
mod program;
mod recent;
mod source;
mod stillness;
mod workers;

pub use budget::Budget;
pub use cache::ObjectCache;
pub use compiler::{Compiled, Compiler, FindCommand, Front, Timings, read_program};
pub use cpu::{CpuLevel, Tier};
pub use error::{CompileError, Diagnostic, FrontEnd};
pub use front::child::ChildLimits;
pub use front::command::FaustCommand;
pub use front::libraries::Libraries;
pub use interface::{Interface, Style, Widget};
pub use lower::{Lowered, lower};
pub use node::{FaustType, Ready};
pub use object::{Object, ObjectKey};
pub use source::{ProgramText, Source, Standard, Text};
pub use workers::{Delivery, JobKey, JobKind, OnOutcome, Outcome, Workers};
