//! Objects in a folder that only the user can enter, shared by any number of processes.
//!
//! A file is written under a name of its own and renamed into place, so that it is there whole or not
//! at all; reading checks owner, mode, key and checksum; the files used longest ago go first.

use super::entry;
use crate::object::{Object, ObjectKey};
use krach_files::{Links, Plain, list, write_private};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// Largest file that is read.
const FILE_LIMIT: u64 = 64 << 20;
/// Age at which a file that was never renamed into place is litter of a process that died.
const LITTER_AGE: Duration = Duration::from_secs(3600);
const FRONT: &str = "front";
/// Most files that are looked at to make room; the next time looks at others.
const MAX_FILES: usize = 100_000;

pub(crate) struct Disk {
    folder: PathBuf,
    limit: u64,
}

fn ours(meta: &fs::Metadata) -> bool {
    // SAFETY: has no requirements and cannot fail.
    let user = unsafe { libc::geteuid() };
    meta.uid() == user && meta.mode() & 0o022 == 0
}

impl Disk {
    pub(crate) fn open(folder: &Path, limit: u64) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let meta = fs::symlink_metadata(folder)?;
        if !meta.is_dir() || !ours(&meta) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "not a folder of ours alone"));
        }
        Ok(Self { folder: folder.to_owned(), limit })
    }

    fn path(&self, key: ObjectKey) -> PathBuf {
        self.folder.join(format!("{}.object", blake3::Hash::from_bytes(key.0).to_hex()))
    }

    /// The bytes of a regular file of ours.
    fn bytes(&self, path: &Path) -> Option<(Plain, Vec<u8>)> {
        let plain = Plain::open(path, Links::Refuse, FILE_LIMIT).ok()?;
        if !ours(plain.metadata()) {
            return None;
        }
        let bytes = plain.read().ok()?;
        Some((plain, bytes))
    }

    /// The object, if it is there and whole. What is damaged is removed, so that it is written anew.
    pub(crate) fn read(&self, key: ObjectKey) -> Option<Object> {
        let path = self.path(key);
        let found =
            self.bytes(&path).and_then(|(plain, bytes)| Some((plain, entry::from_bytes(&bytes, key)?)));
        let Some((plain, object)) = found else {
            let _ = fs::remove_file(&path);
            return None;
        };
        // The time of the last use decides who goes first.
        let _ = plain.file().set_modified(SystemTime::now());
        Some(object)
    }

    pub(crate) fn write(&self, object: &Object) -> io::Result<()> {
        self.put(&self.path(object.key), &entry::to_bytes(object))?;
        self.shrink()
    }

    pub(crate) fn write_front(&self, identity: blake3::Hash) -> io::Result<()> {
        if self.read_front() == Some(identity) {
            return Ok(());
        }
        self.put(&self.folder.join(FRONT), identity.as_bytes())
    }

    pub(crate) fn read_front(&self) -> Option<blake3::Hash> {
        let (_, bytes) = self.bytes(&self.folder.join(FRONT))?;
        Some(blake3::Hash::from_bytes(bytes.try_into().ok()?))
    }

    fn put(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let draft = self.folder.join(format!("{}-{number}.draft", std::process::id()));
        let written = write_private(&draft, bytes).and_then(|()| fs::rename(&draft, path));
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written
    }

    /// Removes the objects used longest ago until the rest fits, and litter.
    fn shrink(&self) -> io::Result<()> {
        let now = SystemTime::now();
        let mut objects = Vec::new();
        let mut total = 0;
        for path in list(&self.folder, MAX_FILES)?.0 {
            // Another process may have removed it since.
            let Ok(meta) = fs::symlink_metadata(&path) else { continue };
            let used = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            match path.extension().and_then(|ext| ext.to_str()) {
                Some("object") => {
                    total += meta.len();
                    objects.push((used, meta.len(), path));
                }
                Some("draft") if now.duration_since(used).is_ok_and(|age| age > LITTER_AGE) => {
                    let _ = fs::remove_file(path);
                }
                _ => {}
            }
        }
        objects.sort();
        for (_, size, path) in objects {
            if total <= self.limit {
                break;
            }
            let _ = fs::remove_file(path);
            total -= size;
        }
        Ok(())
    }
}
