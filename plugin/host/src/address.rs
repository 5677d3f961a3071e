//! Where an instance's socket is: `NOISE_SOCKET`, or the registry of JSON files beside the sockets.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use krach_files::{Links, list, read};

use crate::error::HostError;

/// Most bytes of a registry file that are read.
const MAX_ENTRY: u64 = 64 << 10;
/// Most files of a folder that are looked at.
const MAX_FILES: usize = 4096;

/// The variable that names the socket for server and clients.
pub const SOCKET_VARIABLE: &str = "NOISE_SOCKET";

static CREATION: Mutex<()> = Mutex::new(());

/// Instances are created one at a time within a process, so that a new registry entry has one owner.
pub(crate) fn creation_turn() -> MutexGuard<'static, ()> {
    CREATION.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The folders in which sockets and their registry files may be, in the order in which plugins try
/// them: `$XDG_RUNTIME_DIR/krach`, `$XDG_RUNTIME_DIR/app/$FLATPAK_ID/krach`, `~/.krach/run`.
pub fn registry_folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(runtime) = set("XDG_RUNTIME_DIR") {
        folders.push(runtime.join("krach"));
        if let Some(flatpak) = set("FLATPAK_ID") {
            folders.push(runtime.join("app").join(flatpak).join("krach"));
        }
    }
    if let Some(home) = env::home_dir() {
        folders.push(home.join(".krach").join("run"));
    }
    folders
}

/// The registry files that were there at one moment.
pub(crate) struct Snapshot {
    known: BTreeSet<PathBuf>,
}

impl Snapshot {
    pub(crate) fn take() -> Self {
        Self { known: registry_files(&registry_folders()).into_iter().collect() }
    }

    /// Waits until `NOISE_SOCKET` exists, or until this process has a registry file that was not
    /// there before, and returns the socket. `idle` is called in between.
    pub(crate) fn wait_for_new(&self, wait: Duration, mut idle: impl FnMut()) -> Result<PathBuf, HostError> {
        let named = env::var_os(SOCKET_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folders = registry_folders();
        let end = Instant::now() + wait;
        loop {
            let found = match &named {
                Some(path) => path.exists().then(|| path.clone()),
                None => newest_of(
                    registry_files(&folders).into_iter().filter(|file| !self.known.contains(file)),
                    std::process::id(),
                ),
            };
            if let Some(socket) = found {
                return Ok(socket);
            }
            if Instant::now() >= end {
                let looked: Vec<String> = match &named {
                    Some(path) => vec![format!("{SOCKET_VARIABLE}={}", path.display())],
                    None => folders.iter().map(|folder| folder.display().to_string()).collect(),
                };
                return Err(HostError::NoSocket { waited: wait, looked: looked.join(", ") });
            }
            idle();
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn registry_files(folders: &[PathBuf]) -> Vec<PathBuf> {
    folders
        .iter()
        .filter_map(|folder| list(folder, MAX_FILES).ok())
        .flat_map(|(files, _)| files)
        .filter(|path| path.extension() == Some(OsStr::new("json")))
        .collect()
}

/// The socket beside the newest of these registry files that belongs to the process `pid` and has a
/// socket already.
fn newest_of(files: impl Iterator<Item = PathBuf>, pid: u32) -> Option<PathBuf> {
    files
        .filter(|file| owner(file) == Some(u64::from(pid)))
        .map(|file| (fs::metadata(&file).and_then(|data| data.modified()).ok(), file))
        .map(|(modified, file)| (modified, file.with_extension("sock")))
        .filter(|(_, socket)| cfg!(windows) || socket.exists())
        .max()
        .map(|(_, socket)| socket)
}

fn owner(file: &Path) -> Option<u64> {
    let text = read(file, Links::Refuse, MAX_ENTRY).ok()?;
    let entry: serde_json::Value = serde_json::from_slice(&text).ok()?;
    entry.get("pid")?.as_u64()
}

/// A private folder for one process's socket: made by [`use_private_socket`], removed when dropped.
#[derive(Debug)]
pub struct PrivateSocket {
    folder: PathBuf,
}

impl PrivateSocket {
    /// The socket's path.
    pub fn path(&self) -> PathBuf {
        self.folder.join("krach.sock")
    }
}

impl Drop for PrivateSocket {
    fn drop(&mut self) {
        // Nothing depends on it: a folder that stays behind is an empty one in the temporary folder.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Names a socket in a fresh private folder by `NOISE_SOCKET`, for a process that makes a single
/// instance and wants no client but its own to find it.
///
/// # Errors
/// [`HostError::File`] if the folder cannot be made.
///
/// # Safety
/// Sets an environment variable: no other thread of this process may be running yet.
pub unsafe fn use_private_socket() -> Result<PrivateSocket, HostError> {
    let nanos = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos());
    let folder = env::temp_dir().join(format!("krach-host-{}-{nanos:x}", std::process::id()));
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(&folder)
        .map_err(|error| HostError::File { path: folder.clone(), reason: error.to_string() })?;
    let socket = PrivateSocket { folder };
    // SAFETY: the caller vouches that no other thread is running.
    unsafe { env::set_var(SOCKET_VARIABLE, socket.path()) };
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_entry_of_this_process_that_has_a_socket_is_ours() {
        let folder = env::temp_dir().join(format!("krach-registry-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let entry = |name: &str, pid: u32, socket: bool| {
            fs::write(folder.join(format!("{name}.json")), format!("{{\"pid\":{pid}}}")).unwrap();
            if socket {
                fs::write(folder.join(format!("{name}.sock")), "").unwrap();
            }
            std::thread::sleep(Duration::from_millis(15));
        };
        entry("old", 7, true);
        entry("mine", 7, true);
        entry("unbound", 7, false);
        entry("other", 8, true);
        fs::write(folder.join("broken.json"), "{").unwrap();
        let files = || registry_files(std::slice::from_ref(&folder)).into_iter();
        assert_eq!(newest_of(files(), 7), Some(folder.join("mine.sock")));
        assert_eq!(newest_of(files(), 8), Some(folder.join("other.sock")));
        assert_eq!(newest_of(files(), 9), None);
        fs::remove_dir_all(&folder).unwrap();
    }
}
