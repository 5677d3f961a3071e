//! Sessions as files: which file a name means, and what may be wrong with it. All are called `NAME.krach.json`.

use std::path::{Path, PathBuf};

use krach_core::ir::did_you_mean;
use krach_core::limits::TEMPO_RANGE;
use krach_files::{Existing, FileError, Links, SaveError};

use crate::folders;
use crate::state::MAX_BYTES;

/// How the names of all session files end.
pub const SUFFIX: &str = ".krach.json";

/// Longest name, in bytes, without its ending: with that of a draft it is a name for every file system.
const MAX_NAME: usize = 180;

/// Files of a folder that are looked through for a name.
const MAX_LISTED: usize = 4096;

/// Why there is no such file, or why it was not read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}; {hint}")]
pub struct FileFault {
    /// What is wrong.
    pub message: String,
    /// What would work.
    pub hint: String,
}

impl FileFault {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

/// The file that a text means: an absolute path, or a name in `~/.krach/sessions`.
///
/// # Errors
/// If it can be neither.
pub fn path_of(text: &str) -> Result<PathBuf, FileFault> {
    path_in(text, folders::sessions().as_deref())
}

fn path_in(text: &str, folder: Option<&Path>) -> Result<PathBuf, FileFault> {
    let expected =
        format!("expected a name like song, for ~/.krach/sessions/song{SUFFIX}, or an absolute path");
    let refuse = |message: &str| Err(FileFault::new(message, expected.clone()));
    if text.chars().any(char::is_control) {
        return refuse("the name has a control character in it");
    }
    let path = Path::new(text);
    if path.is_absolute() {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let stem = name.strip_suffix(SUFFIX).unwrap_or_default();
        return match stem {
            "" => Err(FileFault::new(
                format!("{text} is not the path of a session"),
                format!("its name has to end in {SUFFIX}"),
            )),
            stem if stem.len() > MAX_NAME => refuse("the name is too long"),
            _ => Ok(path.to_owned()),
        };
    }
    let name = text.strip_suffix(SUFFIX).unwrap_or(text);
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', ':']) {
        return refuse(&format!("{text:?} is no name of a session"));
    }
    if name.len() > MAX_NAME {
        return refuse("the name is too long");
    }
    let Some(folder) = folder else {
        return Err(FileFault::new(
            "there is no home folder, so no folder for sessions",
            "give an absolute path",
        ));
    };
    Ok(folder.join(format!("{name}{SUFFIX}")))
}

/// Names of the sessions in a folder, sorted.
pub fn names_in(folder: &Path) -> Vec<String> {
    let (paths, _) = krach_files::list(folder, MAX_LISTED).unwrap_or_default();
    let name = |path: &PathBuf| Some(path.file_name()?.to_str()?.strip_suffix(SUFFIX)?.to_owned());
    let mut names: Vec<String> =
        paths.iter().filter_map(name).filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

/// The text of a session file.
///
/// # Errors
/// If there is none, or it is anything but a plain file of text of a bounded size.
pub fn read(path: &Path) -> Result<String, FileFault> {
    krach_files::read_text(path, Links::Follow, MAX_BYTES as u64).map_err(|error| {
        let shown = path.display();
        match error {
            FileError::Io(error) if error.kind() == std::io::ErrorKind::NotFound => {
                FileFault::new(format!("there is no file {shown}"), others(path))
            }
            FileError::Io(error) => FileFault::new(format!("{shown}: {error}"), "can you read it?"),
            FileError::NotPlain => {
                FileFault::new(format!("{shown} is not a plain file"), "give the path of a file")
            }
            error => {
                FileFault::new(format!("{shown} {error}"), format!("is it a session, saved as {SUFFIX}?"))
            }
        }
    })
}

/// Tempo, and quarter notes per cycle as a bar of the transport, that a document says, as far as they can be. Whether the
/// rest is in order is not looked at.
pub fn time_of(text: &str) -> (Option<f64>, Option<u32>) {
    #[derive(Default, serde::Deserialize)]
    struct Said {
        tempo: Option<f64>,
        meter: Option<f64>,
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    let Said { tempo, meter } = <Said as serde::Deserialize>::deserialize(&mut reader).unwrap_or_default();
    let meter = meter.filter(|beats| beats.fract() == 0.0 && (1.0..=64.0).contains(beats));
    (tempo.filter(|tempo| TEMPO_RANGE.contains(tempo)), meter.map(|beats| beats as u32))
}

/// What there is instead of a file.
fn others(path: &Path) -> String {
    let names = path.parent().map(names_in).unwrap_or_default();
    let wanted = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let wanted = wanted.strip_suffix(SUFFIX).unwrap_or(wanted);
    let near = did_you_mean(wanted, names.iter().map(String::as_str));
    near.unwrap_or_else(|| match names.as_slice() {
        [] => "there are no sessions in that folder".to_owned(),
        names => {
            let shown: Vec<&str> = names.iter().take(8).map(String::as_str).collect();
            let more = if names.len() > shown.len() { "…" } else { "" };
            format!("sessions in that folder: {}{more}", shown.join(", "))
        }
    })
}

/// Writes a session file, whole or not at all. An old one is kept with `.bak` behind its name, or refused without
/// `overwrite`. Gives the path that the old one has now.
///
/// # Errors
/// Why nothing was written.
pub fn write(path: &Path, document: &[u8], overwrite: bool) -> Result<Option<PathBuf>, FileFault> {
    if let Some(folder) = path.parent().filter(|folder| folders::sessions().as_deref() == Some(*folder)) {
        krach_files::make_folder(folder).map_err(|error| {
            FileFault::new(
                format!("{}: {error}", folder.display()),
                "make the folder, or give an absolute path",
            )
        })?;
    }
    replace(path, document, overwrite)
}

/// Writes a file of any kind so.
///
/// # Errors
/// Why nothing was written.
pub fn replace(path: &Path, bytes: &[u8], overwrite: bool) -> Result<Option<PathBuf>, FileFault> {
    let shown = path.display();
    let existing = if overwrite { Existing::Keep } else { Existing::Refuse };
    krach_files::save(path, bytes, existing).map_err(|error| match error {
        SaveError::Exists => FileFault::new(
            format!("there is a file {shown}"),
            "with `overwrite` it is kept as .bak; or take another name",
        ),
        SaveError::NotPlain => FileFault::new(
            format!("what lies at {shown}, or at the .bak beside it, is not a plain file"),
            "links are not followed: take another name, or the path that the link leads to",
        ),
        SaveError::Io(error) => FileFault::new(
            format!("{shown}: {error}"),
            "is the folder there, may you write into it, is there room?",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lie_in_the_folder_and_absolute_paths_are_sessions() {
        let home = Path::new("/home/mo/.krach/sessions");
        let path = |text: &str| path_in(text, Some(home)).map(|path| path.to_string_lossy().into_owned());
        let song = Ok("/home/mo/.krach/sessions/song.krach.json".to_owned());
        assert_eq!(path("song"), song);
        assert_eq!(path("song.krach.json"), song);
        assert_eq!(path("two words"), Ok("/home/mo/.krach/sessions/two words.krach.json".to_owned()));
        #[cfg(unix)]
        assert_eq!(path("/tmp/x.krach.json"), Ok("/tmp/x.krach.json".to_owned()));
        let long = "x".repeat(MAX_NAME + 1);
        for wrong in [
            "",
            ".",
            "..",
            ".krach.json",
            "a/b",
            "../x",
            "~/x",
            "a\\b",
            "c:x",
            "a\nb",
            "/etc/passwd",
            "/tmp/.krach.json",
            "/tmp/x.json",
            "/",
            &long,
            &format!("/{long}.krach.json"),
        ] {
            let fault = path(wrong).expect_err(wrong);
            assert!(!fault.message.is_empty() && !fault.hint.is_empty(), "{wrong}: {fault}");
        }
        assert!(path_in("song", None).unwrap_err().hint.contains("absolute"));
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is() {
        let folder = std::env::temp_dir().join(format!("krach-session-file-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        let at = |name: &str| folder.join(format!("{name}{SUFFIX}"));
        assert!(read(&at("sung")).unwrap_err().hint.contains("no sessions"));
        assert_eq!(write(&at("song"), b"{}", false), Ok(None));
        assert_eq!(write(&at("other"), b"{}", false), Ok(None));
        assert_eq!(read(&at("sung")).unwrap_err().hint, "did you mean song?");
        assert_eq!(read(&at("elephant")).unwrap_err().hint, "sessions in that folder: other, song");
        assert!(write(&at("song"), b"[]", false).unwrap_err().hint.contains("overwrite"));
        assert_eq!(read(&at("song")).as_deref(), Ok("{}"));
        assert_eq!(write(&at("song"), b"[]", true), Ok(Some(folder.join("song.krach.json.bak"))));
        assert_eq!(read(&at("song")).as_deref(), Ok("[]"));
        assert!(read(&folder).unwrap_err().message.contains("not a plain file"));
        std::fs::write(at("song"), [0xff]).unwrap();
        assert!(read(&at("song")).unwrap_err().message.contains("UTF-8"));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
