//! What is to be compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Where the text of a program is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// Here.
    Inline(String),
    /// In this file, read when the compile starts.
    File(PathBuf),
}

/// Which standard libraries a program is compiled with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Standard {
    /// FAUST's where the machine has them; what it does not have is ours.
    #[default]
    Installed,
    /// Ours only, so that it sounds the same on every machine.
    Own,
}

/// A FAUST program and where its imports may come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Name for messages and for the node type (`faust:<name>`): letters, digits, `_`, `-`.
    pub name: String,
    /// The program.
    pub text: Text,
    /// Folders in which `import`, `library` and `component` look, in this order, after the folder of
    /// the file itself and before FAUST's own libraries. Nothing outside them is ever read.
    pub folders: Vec<PathBuf>,
    /// Files that imports find before any folder is looked into: text by the path that names them.
    pub imports: BTreeMap<String, String>,
    /// Compute in 64 bits. Ports stay at 32.
    pub double: bool,
    /// Which standard libraries it is compiled with.
    pub standard: Standard,
}

/// A program with all that it reads, as it was compiled: given back as [`Source::inline`] with
/// [`Source::imports`], it compiles to the same object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramText {
    /// The program.
    pub main: String,
    /// What it imports, and what that imports, beyond FAUST's own libraries.
    pub imports: BTreeMap<String, String>,
    /// Which of FAUST's own libraries it names.
    pub standard: BTreeSet<String>,
}

impl Default for Text {
    fn default() -> Self {
        Self::Inline(String::new())
    }
}

impl Source {
    /// A program given as text, with FAUST's own libraries only.
    pub fn inline(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: Text::Inline(text.to_owned()), ..Self::default() }
    }

    /// A program in a file; its name is the file's.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        Self { name, text: Text::File(path), ..Self::default() }
    }
}
