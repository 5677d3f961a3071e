//! FAUST text to a typed, scheduled program. See `docs/faust-lang.md`.
#![forbid(unsafe_code)]

mod compile;
pub mod error;
pub mod eval;
mod hash;
mod meter;
pub mod num;
mod options;
pub mod prim;
pub mod syntax;
mod texts;

pub use compile::{Compiler, Evaluated};
pub use meter::{Halt, Meter};
pub use options::{Limits, Precision};
pub use texts::{Shelf, Text, Texts};
