//! Bitcode → object → running code: checked, made safe, compiled and linked with LLVM 19.
//!
//! [`emit::Checked::read`] (verify, bound, harden) → [`emit::Checked::object`] (optimise, emit) →
//! [`link::Linked::new`]. One LLVM context per compile, nothing shared, any number in parallel.

mod budget;
pub(crate) mod emit;
mod harden;
pub(crate) mod link;
mod llvm;
pub(crate) mod maths;

pub use budget::Budget;
