//! FAUST text → bitcode: gather and check the text, run the `faust` command on it, read what it says.

mod bitcode;
pub(crate) mod child;
pub(crate) mod closure;
pub(crate) mod command;
mod diagnostics;
pub(crate) mod flags;
mod scan;
