//! FAUST text → what the back half makes objects of: gather and check the text, then translate it with the compiler of our own,
//! or run the `faust` command on it and read what it says.

mod bitcode;
pub(crate) mod child;
pub(crate) mod closure;
pub(crate) mod command;
mod diagnostics;
pub(crate) mod flags;
pub(crate) mod half;
pub(crate) mod libraries;
pub(crate) mod own;
mod scan;
