//! Why a program did not become sound, in words for the musician.

use std::fmt;
use std::path::PathBuf;

/// What is wrong with the text of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostic {
    /// File that it is about, as the musician named it.
    pub file: String,
    /// Line, counted from 1, if known.
    pub line: Option<u32>,
    /// Column in characters, counted from 1, if known.
    pub column: Option<u32>,
    /// `[start, end)` in bytes of that file, if known.
    pub span: Option<[u32; 2]>,
    /// What is wrong.
    pub text: String,
    /// What would work, if we have an idea.
    pub hint: Option<String>,
    /// What else is wrong, in the order in which it was found. These have no further ones themselves.
    pub further: Box<[Self]>,
}

impl Diagnostic {
    /// Without a place and a hint.
    pub fn new(file: impl Into<String>, text: impl Into<String>) -> Self {
        Self { file: file.into(), text: text.into(), ..Self::default() }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        for place in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{place}")?;
        }
        write!(f, ": {}", self.text)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        self.further.iter().try_for_each(|other| write!(f, "\n{other}"))
    }
}

/// How the `faust` command ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrontEnd {
    /// It took more than so many seconds of processor time.
    CpuTime(u64),
    /// It took longer than so many seconds on the clock.
    WallTime(u64),
    /// It wrote a file of more than so many bytes.
    FileSize(u64),
    /// It died of this signal: a crash, or the limit on memory.
    Signal(i32),
    /// It ended by itself with this code and said nothing that we understand.
    Silent(i32),
    /// It ended well and left no bitcode, or the beginning of it.
    NoOutput,
    /// It ended without bitcode, and the host collected its exit status before we could.
    Unknown,
}

/// Why a compile failed. Whatever sounded before goes on sounding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// The text is wrong, or asks for something that programs may not do.
    Program(Diagnostic),
    /// The program needs more than a program may have.
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much it asks for.
        size: u64,
        /// How much there may be.
        limit: u64,
    },
    /// The `faust` command stopped without an answer.
    Front {
        /// Program that was being compiled.
        name: String,
        /// How it ended.
        end: FrontEnd,
        /// The last thing that it wrote to its standard error, shortened; empty if it wrote nothing.
        said: String,
    },
    /// There is no room on the disk for the files of the `faust` command.
    DiskFull(PathBuf),
    /// The `faust` command is to compile, there is none, and the program was never compiled on this machine.
    NoFaust,
    /// The code that came out of the front half is not what FAUST makes.
    Code(String),
    /// A file could not be read or written.
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: String,
    },
    /// A newer version took its place, or nobody wants it any more.
    Cancelled,
}

impl CompileError {
    pub(crate) fn file(path: impl Into<PathBuf>, error: &std::io::Error) -> Self {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded => Self::DiskFull(path.into()),
            _ => Self::File { path: path.into(), error: error.to_string() },
        }
    }
}

impl fmt::Display for FrontEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CpuTime(seconds) => write!(
                f,
                "took more than {seconds} s of processor time and was stopped: look for a definition that refers to itself, or a huge par, seq or sum"
            ),
            Self::WallTime(seconds) => write!(
                f,
                "did not end within {seconds} s and was stopped, though it used less processor time than it may: the machine is busy, or the command waits for something"
            ),
            Self::FileSize(bytes) => {
                write!(f, "wrote a file of more than {bytes} bytes and was stopped: look for a huge par, seq or sum")
            }
            Self::Signal(signal) => write!(
                f,
                "crashed or ran out of memory (signal {signal}): look for a huge par, seq or sum, or constant arithmetic such as a division by zero"
            ),
            Self::Silent(code) => write!(f, "gave up without a reason (code {code})"),
            Self::NoOutput => f.write_str("ended without an error, but what it wrote is no whole bitcode"),
            Self::Unknown => f.write_str(
                "ended without bitcode, and why is not known since the host takes the exit status of every child process: it crashed, or took more time, memory or disk than it may",
            ),
        }
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program(diagnostic) => diagnostic.fmt(f),
            Self::TooLarge { what, size, limit } => {
                write!(f, "the program has {size} {what}; {limit} is the most: shorten delays, tables or voices")
            }
            Self::Front { name, end, said } => {
                write!(f, "{name}: the faust command {end}")?;
                if said.is_empty() { Ok(()) } else { write!(f, "; it wrote: {said}") }
            }
            Self::DiskFull(path) => write!(
                f,
                "the disk is full, so {} could not be written: make room there, or start the host with TMPDIR set to a folder on another disk",
                path.display()
            ),
            Self::NoFaust => f.write_str(
                "no faust command was found, which KRACH_FAUST asks for, and this program is not in the object cache: start the host without KRACH_FAUST, the session stays as it is until then",
            ),
            Self::Code(what) => write!(f, "the compiled program cannot be used: {what}"),
            Self::File { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Cancelled => f.write_str("cancelled: a newer version took its place"),
        }
    }
}

/// The error of code that is not of the kind that FAUST writes.
pub(crate) fn strange(what: impl Into<String>) -> CompileError {
    CompileError::Code(what.into())
}
