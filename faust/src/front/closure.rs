//! A program with everything it imports, as text: what is hashed is what is checked is what is compiled.

use super::scan::scan;
use crate::error::{CompileError, Diagnostic};
use crate::source::{ProgramText, Source, Standard, Text};
use krach_files::{FileError, Links, Plain, read};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Most bytes of one file.
const FILE_LIMIT: u64 = 1 << 20;
/// Most bytes of one of FAUST's own libraries; the largest has 350 000.
pub(super) const LIBRARY_LIMIT: u64 = 16 << 20;
/// Most bytes of a program with its imports, FAUST's own libraries aside.
const TOTAL_LIMIT: u64 = 8 << 20;
/// Most files likewise.
const FILES_LIMIT: u64 = 256;

/// A program and its imports. FAUST's own libraries are not part of it: they are named in
/// [`ProgramText::standard`], and their content counts through the identity of the `faust` command.
#[derive(Clone, Debug)]
pub(crate) struct Closure {
    /// Name of the program.
    pub(crate) name: String,
    /// Text of the program and of what it imports, by the path that names it.
    pub(crate) text: ProgramText,
    /// It computes in 64 bits.
    pub(crate) double: bool,
    /// Which standard libraries it gets.
    pub(crate) standard: Standard,
}

impl Closure {
    /// Hash of every byte that the front half will read outside FAUST's own libraries.
    pub(crate) fn hash(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        let mut part = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        part(self.name.as_bytes());
        if self.double {
            part(b"\0double");
        }
        part(self.text.main.as_bytes());
        for (path, text) in &self.text.imports {
            part(path.as_bytes());
            part(text.as_bytes());
        }
        hasher.finalize()
    }
}

/// Knows FAUST's libraries, which are no part of a closure.
pub(crate) trait KnowsLibraries {
    /// Whether there is a library of this name.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    fn has_library(&self, name: &str, standard: Standard) -> Result<bool, CompileError>;

    /// The names that libraries import: texts of these names that lie beside a program come before libraries.
    fn imported(&self, standard: Standard) -> Vec<&'static str>;
}

/// Reads a program and, transitively, what it imports from its folders. What is in none of them is a library, if
/// `known` says so; without it, all are.
///
/// # Errors
/// If a file is missing, too large or not text, or if any of them asks for what programs may not do.
pub(crate) fn gather(
    source: &Source,
    known: Option<&dyn KnowsLibraries>,
    may_call: fn(&str) -> bool,
) -> Result<Closure, CompileError> {
    let name = checked_name(&source.name)?;
    let mut folders: Vec<PathBuf> = Vec::new();
    let main = match &source.text {
        Text::Inline(text) => text.clone(),
        Text::File(path) => {
            folders.extend(path.parent().map(Path::to_path_buf));
            read_text(path)?
        }
    };
    folders.extend(source.folders.iter().cloned());
    let mut total = limit("bytes of text", main.len() as u64, TOTAL_LIMIT)?;
    let mut open = vec![(format!("{name}.dsp"), main.clone())];
    let mut gathered = ProgramText { main, ..ProgramText::default() };
    let given = |name: &str| {
        let read = || Some(read_text(&folders.iter().find_map(|folder| inside(folder, name))?));
        source.imports.get(name).cloned().map(Ok).or_else(read)
    };
    while let Some((file, text)) = open.pop() {
        let imports = scan(&text, may_call).map_err(|refusal| {
            CompileError::Program(Diagnostic {
                line: Some(refusal.line),
                column: Some(refusal.column),
                hint: Some(refusal.hint.to_owned()),
                ..Diagnostic::new(file.clone(), refusal.text)
            })
        })?;
        for import in imports {
            if gathered.imports.contains_key(&import.path) || gathered.standard.contains(&import.path) {
                continue;
            }
            let is_known =
                || known.map_or(Ok(true), |known| known.has_library(&import.path, source.standard));
            let mut found: Vec<(String, String)> = Vec::new();
            if let Some(text) = given(&import.path) {
                found.push((import.path, text?));
            } else if is_known()? {
                // What libraries import is looked for in the same places as what the text imports.
                if gathered.standard.is_empty() {
                    let names = known.map_or_else(Vec::new, |known| known.imported(source.standard));
                    for name in names {
                        if !gathered.imports.contains_key(name)
                            && let Some(text) = given(name)
                        {
                            found.push((name.to_owned(), text?));
                        }
                    }
                }
                gathered.standard.insert(import.path);
            } else {
                return Err(CompileError::Program(Diagnostic {
                    line: Some(import.line),
                    column: Some(import.column),
                    hint: Some("it is looked for beside the program, then in FAUST's libraries".to_owned()),
                    ..Diagnostic::new(file, format!("there is no file {}", import.path))
                }));
            }
            for (path, text) in found {
                total = limit("bytes of text", total + text.len() as u64, TOTAL_LIMIT)?;
                limit("imported files", gathered.imports.len() as u64 + 1, FILES_LIMIT)?;
                gathered.imports.insert(path.clone(), text.clone());
                open.push((path, text));
            }
        }
    }
    Ok(Closure { name, text: gathered, double: source.double, standard: source.standard })
}

/// What has that name in the folder, unless it is a folder or a link leads out of this one.
fn inside(folder: &Path, name: &str) -> Option<PathBuf> {
    let path = folder.join(name).canonicalize().ok()?;
    (path.starts_with(folder.canonicalize().ok()?) && !path.is_dir()).then_some(path)
}

/// Is there such a library, for the `faust` command to read?
pub(super) fn has_library(folder: &Path, name: &str) -> Result<bool, CompileError> {
    let path = folder.join(name);
    match Plain::open(&path, Links::Follow, LIBRARY_LIMIT) {
        Ok(_) => Ok(true),
        Err(FileError::Io(error)) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(unreadable(&path, error)),
    }
}

fn unreadable(path: &Path, error: FileError) -> CompileError {
    match error {
        FileError::TooLarge { size, limit } => {
            CompileError::TooLarge { what: "bytes in one file", size, limit }
        }
        FileError::Io(error) => CompileError::file(path, &error),
        other => CompileError::File { path: path.to_owned(), error: other.to_string() },
    }
}

fn read_text(path: &Path) -> Result<String, CompileError> {
    let bytes = read(path, Links::Follow, FILE_LIMIT).map_err(|error| unreadable(path, error))?;
    String::from_utf8(bytes).map_err(|error| {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        CompileError::Program(Diagnostic {
            line: Some(before.iter().filter(|&&byte| byte == b'\n').count() as u32 + 1),
            hint: Some("save it as UTF-8".to_owned()),
            ..Diagnostic::new(file, "is not UTF-8 text")
        })
    })
}

fn checked_name(name: &str) -> Result<String, CompileError> {
    let fits = (1..=64).contains(&name.len())
        && !name.starts_with('-')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if fits {
        return Ok(name.to_owned());
    }
    Err(CompileError::Program(Diagnostic {
        hint: Some("1 to 64 letters, digits, _ and -, not starting with -".to_owned()),
        ..Diagnostic::new(name, "is not a name for a program")
    }))
}

fn limit(what: &'static str, size: u64, limit: u64) -> Result<u64, CompileError> {
    if size > limit { Err(CompileError::TooLarge { what, size, limit }) } else { Ok(size) }
}
