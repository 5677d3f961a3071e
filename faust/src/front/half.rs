//! What every front half is: it translates a text with its imports to what the back half makes
//! objects of.

use super::child::ChildLimits;
use super::closure::{Closure, KnowsLibraries};
use crate::error::CompileError;
use crate::source::Standard;
use krach_faust_lang::program::Program;
use std::sync::Arc;

/// Nobody wants the result any more.
pub(crate) type IsCancelled<'a> = &'a (dyn Fn() -> bool + Sync);

/// What comes out of a front half.
#[derive(Clone, Debug)]
pub(crate) enum Translation {
    /// Of the `faust` command.
    Bitcode(Arc<[u8]>),
    /// Of the compiler of our own.
    Program(Arc<Program>),
}

impl Translation {
    /// Bytes of memory that it takes, nearly.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Bitcode(bitcode) => bitcode.len(),
            Self::Program(program) => program.bytes(),
        }
    }
}

/// Text to something that objects are made of.
pub(crate) trait FrontHalf: KnowsLibraries + Send + Sync {
    /// What, beside the source, its translations depend on: the program itself and the libraries.
    fn identity(&self, standard: Standard) -> blake3::Hash;

    /// Which libraries it knows: a number, and the beginning of a hash of their text.
    fn library_version(&self) -> &str;

    /// Translates a program.
    ///
    /// # Errors
    /// If it is wrong or too large, or `cancelled` said so.
    fn translate(
        &self,
        closure: &Closure,
        limits: ChildLimits,
        cancelled: IsCancelled<'_>,
    ) -> Result<Translation, CompileError>;
}
