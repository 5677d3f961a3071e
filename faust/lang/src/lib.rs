//! FAUST text to a typed, scheduled program. See `docs/faust-lang.md`.
#![forbid(unsafe_code)]

pub mod error;
mod options;
pub mod prim;
pub mod syntax;

pub use options::{Limits, Precision};
