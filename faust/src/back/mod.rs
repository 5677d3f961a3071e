//! Bitcode → object → running code: checked, made safe, compiled and linked with LLVM 19.
//!
//! [`emit::Checked::read`] (verify, check, bound, harden) → [`emit::Checked::object`] (optimise, emit) →
//! [`link::Linked::new`]. One LLVM context per compile, nothing shared, any number in parallel.

mod apart;
#[cfg(test)]
mod attacks;
pub(crate) mod emit;
mod entries;
mod harden;
pub(crate) mod link;
mod llvm;
pub(crate) mod maths;
mod measure;
mod shape;
mod work;
