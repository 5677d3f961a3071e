//! FAUST text to a typed, scheduled program. See `docs/faust-lang.md`.
#![forbid(unsafe_code)]

mod compile;
mod describe;
pub mod error;
pub mod eval;
mod hash;
pub mod interpret;
mod layout;
mod meter;
pub mod num;
mod options;
pub mod own;
pub mod prim;
pub mod program;
pub mod signal;
pub mod syntax;
mod texts;
pub mod types;

pub use compile::{Compiler, Counted, Evaluated};
pub use meter::{Halt, Meter};
pub use options::{Limits, Precision};
pub use texts::{Shelf, Text, Texts};
