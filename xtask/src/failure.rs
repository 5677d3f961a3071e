//! What can go wrong in a task, in words that say what to do next.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Result of a task.
pub type Result<T> = std::result::Result<T, Failure>;

/// Why a task stopped.
#[derive(Debug)]
pub enum Failure {
    /// A program that the task ran did not succeed.
    Program {
        /// The command line, for a person to repeat.
        line: String,
        /// How it ended: an exit status, or why it could not start.
        ended: String,
    },
    /// A file could not be read, written or moved.
    File {
        /// What was tried, as a verb: `read`, `write`, `copy`.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// A file is there but does not hold what it should.
    Content {
        /// The file.
        path: PathBuf,
        /// Line number from 1, where there is one.
        line: Option<usize>,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// Something that the task checks does not hold.
    Check(String),
    /// The command line was not understood.
    Usage(String),
    /// Something failed, and the task's output has said so already.
    Told,
}

impl Failure {
    /// A file operation that failed.
    pub fn file(verb: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File { verb, path: path.to_owned(), source }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program { line, ended } => write!(f, "`{line}` {ended}"),
            Self::File { verb, path, source } => {
                write!(f, "cannot {verb} {}: {source}", path.display())
            }
            Self::Content { path, line: Some(line), problem } => {
                write!(f, "{}:{line}: {problem}", path.display())
            }
            Self::Content { path, line: None, problem } => {
                write!(f, "{}: {problem}", path.display())
            }
            Self::Check(what) | Self::Usage(what) => f.write_str(what),
            Self::Told => f.write_str("see above"),
        }
    }
}

impl std::error::Error for Failure {}
