//! The `faust` command: where it is, which version with which libraries, and one run of it.
//!
//! A run sees a private folder with exactly the bytes of the [`Closure`], an empty environment, and
//! FAUST's own libraries. It never sees the musician's folders.

use super::child::{self, ChildLimits, End};
use super::closure::Closure;
use super::diagnostics;
use super::flags::{CLASS, FLAGS};
use super::scan::without_docs;
use crate::error::{CompileError, FrontEnd};
use std::fs::{self, DirBuilder};
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

/// Most of what the command says that is read.
const SAID_LIMIT: u64 = 64 << 10;

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
        libraries.join("stdfaust.lib").is_file().then_some(())?;
        let (identity, texts) = identity(&program, &libraries).ok()?;
        let version = version(&libraries, texts);
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
            .args(["-o", "out.bc", main.as_str()])
            .current_dir(&room.0)
            .env_clear()
            .env("HOME", &room.0)
            .env("TMPDIR", &room.0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said_file);
        let end = child::run(&mut command, limits, cancelled)
            .map_err(|error| CompileError::file(&self.program, &error))?;
        let stopped = |end| CompileError::Front { name: closure.name.clone(), end };
        match end {
            End::Code(0) => read_some(&room.0.join("out.bc"), limits.file),
            End::Cancelled => Err(CompileError::Cancelled),
            End::TimeUp => Err(stopped(FrontEnd::TimeUp)),
            End::Signal(signal) => Err(stopped(FrontEnd::Signal(signal))),
            End::Code(code) => {
                let said = String::from_utf8_lossy(&read_some(&said, SAID_LIMIT)?).into_owned();
                let text_of = |file: &str| {
                    if file == main {
                        Some(closure.text.main.clone())
                    } else {
                        closure.text.imports.get(file).cloned()
                    }
                };
                Err(diagnostics::parse(&said, &main, &text_of)
                    .map_or_else(|| stopped(FrontEnd::Silent(code)), CompileError::Program))
            }
        }
    }
}

/// Hash over the program's file (by size and time: it is many MB) and the libraries' text, and of their
/// text alone.
fn identity(program: &Path, libraries: &Path) -> std::io::Result<(blake3::Hash, blake3::Hash)> {
    let (mut hasher, mut texts) = (blake3::Hasher::new(), blake3::Hasher::new());
    let meta = fs::metadata(program)?;
    hasher.update(format!("{}:{:?}", meta.len(), meta.modified()?).as_bytes());
    let mut files: Vec<PathBuf> =
        fs::read_dir(libraries)?.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    files.retain(|path| path.extension().is_some_and(|ext| ext == "lib"));
    files.sort();
    for path in files {
        let text = blake3::hash(&fs::read(&path)?);
        for hasher in [&mut hasher, &mut texts] {
            hasher.update(path.file_name().unwrap_or_default().as_encoded_bytes());
            hasher.update(text.as_bytes());
        }
    }
    Ok((hasher.finalize(), texts.finalize()))
}

/// The number that the libraries give themselves (`version = 2, 15, 0;` with comments between), and the
/// beginning of the hash of their text.
fn version(libraries: &Path, texts: blake3::Hash) -> String {
    let text = fs::read_to_string(libraries.join("version.lib")).unwrap_or_default();
    let code: String = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let triple = code.split_once("version").and_then(|(_, rest)| rest.split_once('=')?.1.split_once(';'));
    let numbers: String = triple.map_or("", |(numbers, _)| numbers).split_whitespace().collect();
    let numbers = numbers.replace(',', ".");
    let known =
        !numbers.is_empty() && numbers.len() < 24 && numbers.chars().all(|c| c.is_ascii_digit() || c == '.');
    format!("{} ({})", if known { &numbers } else { "unnumbered" }, &texts.to_hex()[..8])
}

fn read_some(path: &Path, most: u64) -> Result<Vec<u8>, CompileError> {
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(most).read_to_end(&mut bytes))
        .map_err(|error| CompileError::file(path, &error))?;
    Ok(bytes)
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
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
