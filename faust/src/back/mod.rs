//! Bitcode → object → running code: checked, made safe, compiled and linked with LLVM 19.
//!
//! [`emit::Checked::read`] (verify, check, bound, harden) → [`emit::Checked::object`] (optimise, emit) →
//! [`link::Linked::new`]. A [`krach_faust_lang::program::Program`] becomes the same kind of object without bitcode ([`generate`]). One LLVM context per compile, nothing shared, any number in parallel.

mod apart;
#[cfg(test)]
mod attacks;
pub(crate) mod emit;
mod entries;
mod generate;
mod harden;
pub(crate) mod link;
mod llvm;
pub(crate) mod maths;
mod measure;
mod shape;
mod work;
