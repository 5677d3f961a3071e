//! What is to be compiled.

use std::path::PathBuf;

/// Where the text of a program is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// Here.
    Inline(String),
    /// In this file, read when the compile starts.
    File(PathBuf),
}

/// A FAUST program and where its imports may come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Name for messages and for the node type (`faust:<name>`): letters, digits, `_`, `-`.
    pub name: String,
    /// The program.
    pub text: Text,
    /// Folders in which `import`, `library` and `component` look, in this order, after the folder of
    /// the file itself and before FAUST's own libraries. Nothing outside them is ever read.
    pub folders: Vec<PathBuf>,
}

impl Source {
    /// A program given as text, with FAUST's own libraries only.
    pub fn inline(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: Text::Inline(text.to_owned()), folders: Vec::new() }
    }

    /// A program in a file; its name is the file's.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        Self { name, text: Text::File(path), folders: Vec::new() }
    }
}
