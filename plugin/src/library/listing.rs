//! What is in a folder of sounds: which files, and whether they are as they were.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use krach_files::list;

/// Folders within folders.
const MAX_DEPTH: usize = 8;
/// Files and folders that are looked at; a folder with more is somebody's home by mistake.
const MAX_ENTRIES: usize = 20_000;

/// A version of a file, as far as the system tells without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl Stamp {
    /// Of the file that is there now.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let meta = fs::metadata(path).ok()?;
        meta.is_file().then(|| Self::from(&meta))
    }

    fn from(meta: &fs::Metadata) -> Self {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(meta);
        #[cfg(not(unix))]
        let inode = 0;
        Self { modified: meta.modified().ok(), length: meta.len(), inode }
    }
}

/// The files of a folder by their path in it, with `/` between its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    files: BTreeMap<String, Stamp>,
    /// There was more than is looked at.
    pub cut: bool,
}

impl Listing {
    /// What is there now.
    ///
    /// # Errors
    /// If the folder is not there or cannot be read. Folders within it that cannot be read are left out.
    pub(super) fn read(folder: &Path) -> io::Result<Self> {
        let mut listing = Self::default();
        let (mut left, mut seen) = (MAX_ENTRIES, BTreeSet::new());
        seen.extend(folder.canonicalize());
        let mut open = vec![(folder.to_owned(), String::new(), 0)];
        while let Some((path, prefix, depth)) = open.pop() {
            let (entries, more) = match list(&path, left) {
                Ok(entries) => entries,
                Err(error) if depth == 0 => return Err(error),
                Err(_) => continue,
            };
            left -= entries.len();
            listing.cut |= more;
            for inside in entries {
                let Some(name) = inside.file_name().and_then(|name| name.to_str()) else { continue };
                // Hidden files are what editors write on the way to the real one.
                if name.starts_with('.') {
                    continue;
                }
                let name = format!("{prefix}{name}");
                let Ok(meta) = fs::metadata(&inside) else { continue };
                if meta.is_dir() {
                    // Links may lead in circles.
                    if depth < MAX_DEPTH && inside.canonicalize().is_ok_and(|real| seen.insert(real)) {
                        open.push((inside, format!("{name}/"), depth + 1));
                    }
                } else if meta.is_file() {
                    listing.files.insert(name, Stamp::from(&meta));
                }
            }
        }
        Ok(listing)
    }

    /// The names of the sounds: `bass` for `bass.dsp`, `sub/kick` for `sub/kick.dsp`.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().filter_map(|file| name_of(file))
    }

    /// The names of the patches: `acid` for `acid.yaml`, `sub/acid` for `sub/acid.yaml`.
    pub(super) fn patches(&self) -> impl Iterator<Item = &str> {
        self.files.keys().filter_map(|file| patch_of(file))
    }

    /// Is there a sound of that name?
    pub(super) fn has(&self, name: &str) -> bool {
        self.files.contains_key(&file_of(name))
    }

    /// The version of a file.
    pub(super) fn stamp(&self, file: &str) -> Option<Stamp> {
        self.files.get(file).copied()
    }

    /// The files that are not as in `before`: new, changed or gone.
    pub(super) fn changes(&self, before: &Self) -> BTreeSet<String> {
        let differs = |(file, stamp): &(&String, &Stamp)| before.files.get(*file) != Some(*stamp);
        let gone = before.files.keys().filter(|file| !self.files.contains_key(*file));
        self.files.iter().filter(differs).map(|(file, _)| file).chain(gone).cloned().collect()
    }
}

/// The sound that a file is, if it is one.
pub(super) fn name_of(file: &str) -> Option<&str> {
    file.strip_suffix(".dsp").filter(|name| !name.is_empty() && !name.ends_with('/'))
}

/// The patch that a file is, if it is one.
pub(super) fn patch_of(file: &str) -> Option<&str> {
    file.strip_suffix(".yaml").filter(|name| !name.is_empty() && !name.ends_with('/'))
}

/// The file of a patch, in its folder.
pub(super) fn patch_file(name: &str) -> String {
    format!("{name}.yaml")
}

/// Why a path that is there is no sound: what it is instead of a plain file. `None` if there is nothing.
pub(super) fn why_no_file(path: &Path) -> Option<String> {
    let meta = fs::metadata(path);
    let what = match (&meta, fs::symlink_metadata(path)) {
        (Ok(meta), _) if meta.is_file() => return None,
        (Ok(meta), _) if meta.is_dir() => "a folder",
        (Ok(_), _) => "no plain file, but a pipe, a socket or a device",
        (Err(_), Ok(_)) => "a link that leads nowhere",
        (Err(_), Err(error)) if error.kind() == io::ErrorKind::NotFound => return None,
        (Err(_), Err(error)) => return Some(format!("{} cannot be read: {error}", path.display())),
    };
    Some(format!("{} is {what}; a sound is a plain file with a program in it", path.display()))
}

/// The file of a sound, in its folder.
pub(super) fn file_of(name: &str) -> String {
    format!("{name}.dsp")
}

/// Where a file of the folder is.
pub(super) fn path_of(folder: &Path, file: &str) -> PathBuf {
    let mut path = folder.to_owned();
    path.extend(file.split('/'));
    path
}

/// Might a program that names its imports so read that file? Imports are looked for beside the program
/// and in the folder itself, so that the end of the file's path decides.
pub(super) fn reads<'a>(mut imports: impl Iterator<Item = &'a String>, file: &str) -> bool {
    imports.any(|import| {
        file.strip_suffix(import.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("krach-listing-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("sub/deep")).unwrap();
        path
    }

    #[cfg(unix)]
    #[test]
    fn what_lies_in_the_place_of_a_file_and_is_none_is_said() {
        let folder = folder("why");
        let at = |file: &str| path_of(&folder, file);
        fs::write(at("good.dsp"), "process = _;").unwrap();
        fs::create_dir(at("trap.dsp")).unwrap();
        std::os::unix::fs::symlink("nowhere", at("lost.dsp")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("pipe.dsp")).unwrap();
        assert_eq!((why_no_file(&at("good.dsp")), why_no_file(&at("gone.dsp"))), (None, None));
        for (file, what) in [("trap", "a folder"), ("lost", "leads nowhere"), ("pipe", "no plain file")] {
            let why = why_no_file(&at(&file_of(file))).expect(file);
            assert!(why.contains(what) && why.contains("a sound is a plain file"), "{why}");
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn sounds_are_named_by_their_place_and_hidden_files_are_none() {
        let folder = folder("names");
        for file in
            ["bass.dsp", "sub/kick.dsp", "sub/deep/x.dsp", ".hidden.dsp", "a.lib", "sub/.dsp", "b.dsp~"]
        {
            fs::write(path_of(&folder, file), "process = _;").unwrap();
        }
        fs::create_dir(folder.join("trap.dsp")).unwrap();
        let listing = Listing::read(&folder).unwrap();
        assert_eq!(listing.names().collect::<Vec<_>>(), ["bass", "sub/deep/x", "sub/kick"]);
        assert!(listing.has("sub/kick") && !listing.has("kick"));
        fs::remove_dir_all(&folder).unwrap();
        assert!(Listing::read(&folder).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_in_circles_end() {
        let folder = folder("circles");
        fs::write(folder.join("a.dsp"), "").unwrap();
        std::os::unix::fs::symlink(&folder, folder.join("sub/again")).unwrap();
        std::os::unix::fs::symlink(folder.join("sub"), folder.join("sub/deep/up")).unwrap();
        let listing = Listing::read(&folder).unwrap();
        assert_eq!(listing.names().collect::<Vec<_>>(), ["a"]);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_new_a_changed_and_a_lost_file_are_changes() {
        let folder = folder("changes");
        for file in ["same.dsp", "changed.dsp", "gone.dsp"] {
            fs::write(folder.join(file), "process = _;").unwrap();
        }
        let before = Listing::read(&folder).unwrap();
        fs::remove_file(folder.join("gone.dsp")).unwrap();
        fs::write(folder.join("changed.dsp"), "process = _ * 2;").unwrap();
        fs::write(folder.join("new.lib"), "").unwrap();
        let changes = Listing::read(&folder).unwrap().changes(&before);
        assert_eq!(
            changes.iter().map(String::as_str).collect::<Vec<_>>(),
            ["changed.dsp", "gone.dsp", "new.lib"]
        );
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn an_import_is_the_file_whose_path_ends_so() {
        let imports = ["a.lib".to_owned(), "lib/b.lib".to_owned()];
        for (file, reads_it) in
            [("a.lib", true), ("sub/a.lib", true), ("ba.lib", false), ("b.lib", false), ("x/lib/b.lib", true)]
        {
            assert_eq!(reads(imports.iter(), file), reads_it, "{file}");
        }
    }
}
