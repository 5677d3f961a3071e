//! What can go wrong in a task, in words that say what to do next.

use std::io;
use std::path::{Path, PathBuf};

/// Result of a task.
pub type Result<T> = std::result::Result<T, Failure>;

/// Why a task stopped.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A program that the task ran did not succeed.
    #[error("`{line}` {ended}")]
    Program {
        /// The command line, for a person to repeat.
        line: String,
        /// How it ended: an exit status, or why it could not start.
        ended: String,
    },
    /// A file could not be read, written or moved.
    #[error("cannot {verb} {}: {source}", path.display())]
    File {
        /// What was tried, as a verb: `read`, `write`, `copy`.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// A file is there but does not hold what it should.
    #[error("{}{}: {problem}", path.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
    Content {
        /// The file.
        path: PathBuf,
        /// Line number from 1, where there is one.
        line: Option<usize>,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// Something that the task checks does not hold.
    #[error("{0}")]
    Check(String),
    /// The command line was not understood.
    #[error("{0}")]
    Usage(String),
    /// Something failed, and the task's output has said so already.
    #[error("see above")]
    Told,
}

impl Failure {
    /// A file operation that failed.
    pub fn file(verb: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File { verb, path: path.to_owned(), source }
    }
}
