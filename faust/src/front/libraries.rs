//! FAUST's own libraries where a machine has them, and ours where it does not.

use super::closure::LIBRARY_LIMIT;
use super::command::version;
use krach_faust_lang::own;
use krach_files::{FileError, Links, list, read};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Folders in which FAUST's libraries are looked for after those of `FAUST_LIB_PATH`.
const USUAL: &[&str] = match cfg!(windows) {
    true => &["C:\\Program Files\\Faust\\share\\faust"],
    false => &["/usr/share/faust", "/usr/local/share/faust", "/opt/homebrew/share/faust"],
};
/// Names more folders, as for the `faust` command.
const PATH: &str = "FAUST_LIB_PATH";
/// Most libraries that are read.
const MOST: usize = 4096;

/// The libraries that a machine has. They are read once, when a text first asks for one: what is in them then counts until
/// the process ends.
#[derive(Debug, Default)]
pub struct Libraries {
    folders: Vec<PathBuf>,
    kept: OnceLock<Kept>,
}

#[derive(Debug)]
struct Kept {
    /// By name, with where it is; or why it cannot be read.
    texts: BTreeMap<String, Result<(PathBuf, Arc<str>), String>>,
    identity: blake3::Hash,
    version: String,
}

/// Which of ours there are, and what is in them.
fn own_identity() -> blake3::Hash {
    static HASH: OnceLock<blake3::Hash> = OnceLock::new();
    *HASH.get_or_init(|| {
        let mut hasher = blake3::Hasher::new();
        for text in own::names().filter_map(own::text) {
            hasher.update(text.name.as_bytes());
            hasher.update(blake3::hash(text.text.as_bytes()).as_bytes());
        }
        hasher.finalize()
    })
}

impl Libraries {
    /// Those of the folders that `FAUST_LIB_PATH` names, then of those where systems usually put them, then ours.
    pub fn find() -> Self {
        let named = std::env::var_os(PATH).unwrap_or_default();
        let named = std::env::split_paths(&named).filter(|folder| folder.is_absolute());
        Self::in_folders(named.chain(USUAL.iter().map(PathBuf::from)))
    }

    /// Those of these folders, in this order, then ours.
    pub fn in_folders(folders: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { folders: folders.into_iter().collect(), kept: OnceLock::new() }
    }

    fn kept(&self) -> &Kept {
        self.kept.get_or_init(|| {
            let mut texts = BTreeMap::new();
            for folder in &self.folders {
                for path in files(folder) {
                    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
                    if !texts.contains_key(name) {
                        texts.insert(name.to_owned(), text(&path).map(|text| (path.clone(), text)));
                    }
                }
            }
            let mut hasher = blake3::Hasher::new();
            hasher.update(own_identity().as_bytes());
            for (name, text) in &texts {
                hasher.update(name.as_bytes());
                let bytes = text.as_ref().map_or_else(|error| error.as_bytes(), |(_, text)| text.as_bytes());
                hasher.update(blake3::hash(bytes).as_bytes());
            }
            let identity = hasher.finalize();
            let number = texts.get("version.lib").and_then(|text| text.as_ref().ok());
            let version = match texts.contains_key("stdfaust.lib") {
                true => version(number.map_or("", |(_, text)| text), identity),
                false => format!("krach's own ({})", &own_identity().to_hex()[..8]),
            };
            Kept { texts, identity, version }
        })
    }

    /// The text of a library and where it is, if the machine has it.
    pub(super) fn installed(&self, name: &str) -> Result<Option<(&Path, Arc<str>)>, String> {
        match self.kept().texts.get(name) {
            None => Ok(None),
            Some(Ok((path, text))) => Ok(Some((path, Arc::clone(text)))),
            Some(Err(error)) => Err(error.clone()),
        }
    }

    /// Hash of all texts, ours included.
    pub(super) fn identity(&self) -> blake3::Hash {
        self.kept().identity
    }

    /// Hash of ours.
    pub(super) fn own_identity() -> blake3::Hash {
        own_identity()
    }

    /// Which they are: their own number, or that they are ours, and the beginning of a hash.
    pub(super) fn version(&self) -> &str {
        &self.kept().version
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok((mut files, _)) = list(folder, MOST) else { return Vec::new() };
    files.retain(|path| path.extension().is_some_and(|extension| extension == "lib"));
    files.sort();
    files
}

fn text(path: &Path) -> Result<Arc<str>, String> {
    let bytes = read(path, Links::Follow, LIBRARY_LIMIT).map_err(|error: FileError| error.to_string())?;
    String::from_utf8(bytes).map(Arc::from).map_err(|_| "it is not UTF-8 text".to_owned())
}
