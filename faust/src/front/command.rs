//! The `faust` command: where it is, which version with which libraries, and one run of it.
//!
//! A run sees a private folder with exactly the bytes of the [`Closure`], an empty environment, and
//! FAUST's own libraries. It never sees the musician's folders.

use super::bitcode;
use super::child::{self, ChildLimits, End};
use super::closure::{Closure, KnowsLibraries, LIBRARY_LIMIT, has_library};
use super::diagnostics;
use super::flags::{CLASS, FLAGS};
use super::half::{FrontHalf, IsCancelled, Translation};
use super::scan::without_docs;
use crate::error::{CompileError, FrontEnd};
use crate::source::Standard;
use krach_files::{FileError, Links, list, read, read_start, read_text};
use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The file of bitcode that the command makes in its folder.
const OUTPUT: &str = "out.bc";
/// Most of what the command says that is read.
const SAID_LIMIT: u64 = 64 << 10;
/// Most characters of it that are passed on where we do not understand it.
const SAID_SHOWN: usize = 200;
/// Most files in FAUST's folder of libraries.
const MAX_LIBRARIES: usize = 4096;
/// Bytes that a disk must have room for, or it is full.
const ROOM: usize = 64 << 10;

/// An installed `faust` command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaustCommand {
    program: PathBuf,
    libraries: PathBuf,
    version: String,
    identity: blake3::Hash,
}

impl FaustCommand {
    /// The command of that name on the path, or where systems usually put it (hosts started from a
    /// desktop often have a short path).
    pub fn find() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let usual = ["/usr/local/bin", "/usr/bin", "/opt/homebrew/bin"].map(PathBuf::from);
        std::env::split_paths(&path)
            .filter(|folder| folder.is_absolute())
            .chain(usual)
            .map(|folder| folder.join("faust"))
            .find_map(|program| Self::at(&program))
    }

    /// The command in this file, if it is one: its libraries are in `../share/faust`.
    pub fn at(program: &Path) -> Option<Self> {
        let program = program.canonicalize().ok()?;
        let libraries = program.parent()?.parent()?.join("share/faust").canonicalize().ok()?;
        (program.is_file() && libraries.join("stdfaust.lib").is_file()).then_some(())?;
        let (identity, texts) = identity(&program, &libraries).ok()?;
        let number = read_text(&libraries.join("version.lib"), Links::Follow, LIBRARY_LIMIT);
        let version = version(&number.unwrap_or_default(), texts);
        Some(Self { program, libraries, version, identity })
    }

    /// Folder of FAUST's own libraries.
    pub fn libraries(&self) -> &Path {
        &self.libraries
    }

    /// Which libraries these are: their own number, and the beginning of a hash of their text, as in
    /// `2.15.0 (9f3a61c2)`.
    pub fn library_version(&self) -> &str {
        &self.version
    }

    /// Hash of the program and the text of its libraries: what, beside the source, the bitcode
    /// depends on.
    pub(crate) fn identity(&self) -> blake3::Hash {
        self.identity
    }

    /// Compiles to LLVM bitcode.
    pub(crate) fn bitcode(
        &self,
        closure: &Closure,
        limits: ChildLimits,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Vec<u8>, CompileError> {
        let room = PrivateFolder::new()?;
        let main = format!("{}.dsp", closure.name);
        room.write(&main, &without_docs(&closure.text.main))?;
        for (path, text) in &closure.text.imports {
            room.write(&format!("imports/{path}"), &without_docs(text))?;
        }
        let said = room.0.join("said");
        let said_file = fs::File::create(&said).map_err(|error| CompileError::file(&said, &error))?;
        let mut command = Command::new(&self.program);
        let precision = |flag| if flag == "-single" && closure.double { "-double" } else { flag };
        command
            .args(FLAGS.map(precision))
            .args([CLASS, "-I", "imports", "-I"])
            .arg(&self.libraries)
            .args(["-o", OUTPUT, main.as_str()])
            .current_dir(&room.0)
            .env_clear()
            .env("HOME", &room.0)
            .env("TMPDIR", &room.0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said_file);
        let end = child::run(&mut command, limits, cancelled)
            .map_err(|error| CompileError::file(&self.program, &error))?;
        let said = read_start(&said, Links::Refuse, SAID_LIMIT).map_err(|error| told(&said, error))?;
        let said = String::from_utf8_lossy(&said);
        let stopped =
            |end| Err(CompileError::Front { name: closure.name.clone(), end, said: shortened(&said) });
        // What ends for want of disk may say anything, or nothing.
        let failed = |end| match room.is_full() {
            true => Err(CompileError::DiskFull(room.0.clone())),
            false => stopped(end),
        };
        let complaint = || {
            let text_of = |file: &str| match file == main {
                true => Some(closure.text.main.clone()),
                false => closure.text.imports.get(file).cloned(),
            };
            diagnostics::parse(&said, &main, &text_of).map(CompileError::Program)
        };
        // A file may pass the limit before the limit is set (see `child`): then its size is the reason.
        let made = |otherwise| match room.bitcode(limits.file) {
            Err(FileError::TooLarge { limit, .. }) => stopped(FrontEnd::FileSize(limit)),
            Err(error) => Err(told(&room.0.join(OUTPUT), error)),
            Ok(made) => made.map_or_else(|| failed(otherwise), Ok),
        };
        match end {
            End::Code(0) => made(FrontEnd::NoOutput),
            // Nobody knows how it ended. What complained has failed; what is whole is an answer, since it is
            // the last thing that the command writes.
            End::Unknown => match complaint() {
                Some(error) => Err(error),
                None => made(FrontEnd::Unknown),
            },
            End::Code(code) => complaint().map_or_else(|| failed(FrontEnd::Silent(code)), Err),
            End::Signal(signal) => failed(FrontEnd::Signal(signal)),
            End::CpuTime => stopped(FrontEnd::CpuTime(limits.cpu)),
            End::WallTime => stopped(FrontEnd::WallTime(limits.wall.as_secs())),
            End::FileSize => stopped(FrontEnd::FileSize(limits.file)),
            End::Cancelled => Err(CompileError::Cancelled),
        }
    }
}

impl KnowsLibraries for FaustCommand {
    fn has_library(&self, name: &str, _standard: Standard) -> Result<bool, CompileError> {
        has_library(&self.libraries, name)
    }

    fn imported(&self, _standard: Standard) -> Vec<&'static str> {
        Vec::new()
    }
}

impl FrontHalf for FaustCommand {
    fn identity(&self, _standard: Standard) -> blake3::Hash {
        self.identity
    }

    fn library_version(&self) -> &str {
        &self.version
    }

    fn translate(
        &self,
        closure: &Closure,
        limits: ChildLimits,
        cancelled: IsCancelled<'_>,
    ) -> Result<Translation, CompileError> {
        self.bitcode(closure, limits, cancelled).map(|bitcode| Translation::Bitcode(Arc::from(bitcode)))
    }
}

/// Hash over the program's file (by size and time: it is many MB) and the libraries' text, and of their
/// text alone.
fn identity(program: &Path, libraries: &Path) -> std::io::Result<(blake3::Hash, blake3::Hash)> {
    let (mut hasher, mut texts) = (blake3::Hasher::new(), blake3::Hasher::new());
    let meta = fs::metadata(program)?;
    hasher.update(format!("{}:{:?}", meta.len(), meta.modified()?).as_bytes());
    let (mut files, _) = list(libraries, MAX_LIBRARIES)?;
    files.retain(|path| path.extension().is_some_and(|ext| ext == "lib"));
    files.sort();
    for path in files {
        let text = match read(&path, Links::Follow, LIBRARY_LIMIT) {
            Ok(text) => blake3::hash(&text),
            Err(FileError::Io(error)) => return Err(error),
            // Programs that import it are refused.
            Err(unusable) => blake3::hash(unusable.to_string().as_bytes()),
        };
        for hasher in [&mut hasher, &mut texts] {
            hasher.update(path.file_name().unwrap_or_default().as_encoded_bytes());
            hasher.update(text.as_bytes());
        }
    }
    Ok((hasher.finalize(), texts.finalize()))
}

/// The number that the libraries give themselves (`version = 2, 15, 0;` with comments between, in the text of
/// `version.lib`), and the beginning of the hash of their text.
pub(super) fn version(text: &str, texts: blake3::Hash) -> String {
    let code: String = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let triple = code.split_once("version").and_then(|(_, rest)| rest.split_once('=')?.1.split_once(';'));
    let numbers: String = triple.map_or("", |(numbers, _)| numbers).split_whitespace().collect();
    let numbers = numbers.replace(',', ".");
    let known =
        !numbers.is_empty() && numbers.len() < 24 && numbers.chars().all(|c| c.is_ascii_digit() || c == '.');
    format!("{} ({})", if known { &numbers } else { "unnumbered" }, &texts.to_hex()[..8])
}

fn told(path: &Path, error: FileError) -> CompileError {
    CompileError::file(path, &error.into())
}

/// The end of what the command wrote, as one line.
fn shortened(said: &str) -> String {
    let words: Vec<&str> = said.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().rev().nth(SAID_SHOWN - 1) {
        Some((start, _)) if start > 0 => format!("…{}", &line[start..]),
        _ => line,
    }
}

/// A folder that only we can enter, gone when dropped.
struct PrivateFolder(PathBuf);

impl PrivateFolder {
    fn new() -> Result<Self, CompileError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut last = None;
        for _ in 0..16 {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            let name = format!("krach-faust-{}-{number}-{:x}", std::process::id(), now.as_nanos());
            let path = std::env::temp_dir().join(name);
            // Fails if anything of that name exists, links included.
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) => last = Some(CompileError::file(path, &error)),
            }
        }
        Err(last.unwrap_or(CompileError::Cancelled))
    }

    fn write(&self, name: &str, text: &str) -> Result<(), CompileError> {
        let path = self.0.join(name);
        path.parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| CompileError::file(path, &error))
    }

    /// What the command made; `None` if that is nothing, or not all of it.
    fn bitcode(&self, limit: u64) -> Result<Option<Vec<u8>>, FileError> {
        match read(&self.0.join(OUTPUT), Links::Refuse, limit) {
            Ok(bytes) => Ok(bitcode::is_whole(&bytes).then_some(bytes)),
            Err(FileError::Io(error)) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Is there no room left beside what the command wrote?
    fn is_full(&self) -> bool {
        let probe = self.0.join("probe");
        let written = krach_files::write_private(&probe, &vec![0; ROOM]);
        let _ = fs::remove_file(probe);
        written.is_err_and(|error| matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
