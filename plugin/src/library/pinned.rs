//! The session's own text of a sound or a patch: was a file that would take its place saved since it came?
//!
//! The system tells of a save some milliseconds after it. What it tells late of a save that was before the text came is
//! none.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use krach_core::model::TypeSource;
use krach_files::{Links, read};

use super::listing::{Stamp, path_of};

/// Bytes of a file whose contents are compared; of a longer one its stamp counts alone.
const MAX_COMPARED: u64 = 1 << 20;

/// A version of a file. Two saves within one tick of the system's clock have the same stamp; their bytes tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    stamp: Stamp,
    crc32: Option<u32>,
}

impl Version {
    /// Of the file that is there now.
    fn of(path: &Path) -> Option<Self> {
        let stamp = Stamp::of(path)?;
        let bytes = read(path, Links::Follow, MAX_COMPARED).ok();
        Some(Self { stamp, crc32: bytes.map(|bytes| crc32fast::hash(&bytes)) })
    }
}

/// The session's own text of a type, while that is what plays.
#[derive(Clone, Debug)]
pub(super) struct Pinned {
    /// The text.
    pub source: Arc<TypeSource>,
    /// The files that would take its place, as they were when it came. `None`: there was none.
    files: BTreeMap<String, Option<Version>>,
}

impl Pinned {
    /// A text that comes now. `file` is that of its type, in `folder`.
    pub(super) fn new(source: Arc<TypeSource>, folder: Option<&Path>, file: &str) -> Self {
        let mut files = BTreeMap::new();
        if let Some(folder) = folder {
            // A program's imports are looked for beside it and in the folder.
            let beside = file.rsplit_once('/').map(|(place, _)| place);
            let imports = source.imports.keys().flat_map(|import| {
                beside.map(|place| format!("{place}/{import}")).into_iter().chain([import.clone()])
            });
            for file in imports.chain([file.to_owned()]) {
                let version = Version::of(&path_of(folder, &file));
                files.insert(file, version);
            }
        }
        Self { source, files }
    }

    /// Is that file of `folder` another than when the text came?
    pub(super) fn is_older_than(&self, folder: &Path, file: &str) -> bool {
        self.files.get(file).is_none_or(|then| *then != Version::of(&path_of(folder, file)))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_takes_the_place_of_a_text_if_it_was_saved_after_it_came() {
        let folder = std::env::temp_dir().join(format!("krach-pinned-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("sub")).unwrap();
        let write = |file: &str, text: &str| fs::write(path_of(&folder, file), text).unwrap();
        let same_time = |file: &str, text: &str| {
            let path = path_of(&folder, file);
            let modified = fs::metadata(&path).unwrap().modified().unwrap();
            fs::write(&path, text).unwrap();
            fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        };
        write("sub/kick.dsp", "process = 1;");
        write("root.lib", "r = 1;");
        write("sub/beside.lib", "b = 1;");
        let imports = ["root.lib", "beside.lib"].map(|name| (name.to_owned(), String::new())).into();
        let source = Arc::new(TypeSource { imports, ..TypeSource::default() });
        let pinned = Pinned::new(source, Some(&folder), "sub/kick.dsp");
        let files = ["sub/kick.dsp", "root.lib", "sub/beside.lib"];
        assert!(files.iter().all(|file| !pinned.is_older_than(&folder, file)));
        assert!(pinned.is_older_than(&folder, "another.lib"), "nothing is known of it");
        for file in files {
            // Same length, same time, same inode.
            let text = fs::read_to_string(path_of(&folder, file)).unwrap();
            same_time(file, &text.replace('1', "2"));
            assert!(pinned.is_older_than(&folder, file), "{file}");
            same_time(file, &text);
            assert!(!pinned.is_older_than(&folder, file), "{file}");
            fs::remove_file(path_of(&folder, file)).unwrap();
            assert!(pinned.is_older_than(&folder, file), "{file} is gone");
        }
        write("beside.lib", "b = 1;");
        assert!(pinned.is_older_than(&folder, "beside.lib"), "a new file");
        fs::remove_dir_all(folder).unwrap();
    }
}
