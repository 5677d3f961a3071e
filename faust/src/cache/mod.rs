//! Objects that were compiled before: in memory, then on disk.

mod disk;
mod entry;
mod memory;

pub(crate) use disk::Disk;
pub(crate) use memory::Memory;

use crate::object::{Object, ObjectKey};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of objects that are kept in memory.
const MEMORY: u64 = 64 << 20;
/// Bytes of objects that are kept on disk.
const DISK: u64 = 512 << 20;

/// Objects by key. All of it is safe to use from any thread and, on disk, any process.
pub struct ObjectCache {
    memory: Mutex<Memory>,
    disk: Option<Disk>,
}

impl ObjectCache {
    /// In memory only.
    pub fn in_memory() -> Self {
        Self::in_memory_of(MEMORY)
    }

    /// In memory only, with at most so many bytes.
    pub fn in_memory_of(bytes: u64) -> Self {
        Self { memory: Mutex::new(Memory::new(bytes)), disk: None }
    }

    /// In memory and in this folder, which is made if it is missing. If it cannot be used (not ours,
    /// open to others, read-only), the cache is in memory only.
    pub fn in_folder(folder: &Path) -> Self {
        Self::bounded(folder, DISK)
    }

    /// As [`Self::in_folder`], with at most so many bytes on disk.
    pub fn bounded(folder: &Path, bytes: u64) -> Self {
        Self { disk: Disk::open(folder, bytes).ok(), ..Self::in_memory() }
    }

    /// The user's cache folder for objects (`$XDG_CACHE_HOME` or `~/.cache`, on macOS
    /// `~/Library/Caches`), if the user has one.
    pub fn usual_folder() -> Option<PathBuf> {
        let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home_cache = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
        let folder = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(home_cache)))?;
        Some(folder.join("krach/faust"))
    }

    /// The object of that key.
    pub(crate) fn find(&self, key: ObjectKey) -> Option<Arc<Object>> {
        let memory = || self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(object) = memory().find(key) {
            return Some(object);
        }
        let object = Arc::new(self.disk.as_ref()?.read(key)?);
        memory().keep(object.clone());
        Some(object)
    }

    /// Keeps an object. A disk that is full or gone is no reason to fail: it is compiled again then.
    pub(crate) fn keep(&self, object: &Arc<Object>) {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).keep(object.clone());
        if let Some(disk) = &self.disk {
            let _ = disk.write(object);
        }
    }

    /// Remembers which front half was used last, for a machine on which it is missing later.
    pub(crate) fn keep_front(&self, identity: blake3::Hash) {
        if let Some(disk) = &self.disk {
            let _ = disk.write_front(identity);
        }
    }

    /// The front half that was used last.
    pub(crate) fn front(&self) -> Option<blake3::Hash> {
        self.disk.as_ref()?.read_front()
    }
}
