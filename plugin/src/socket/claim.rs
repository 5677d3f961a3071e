//! The one name that several instances want and one may have: held from the moment it is free until
//! its holder goes, put back when somebody deletes it.
//!
//! Whoever holds the lock file beside the name may bind it, and nobody else of ours touches it. The
//! system lets go of the lock when its process dies. A lock file can be deleted too, so before a socket
//! is removed it is knocked at: one that answers is never unlinked.

use std::path::{Path, PathBuf};

use interprocess::local_socket::Listener;

use super::endpoint::Endpoint;

/// A wish to answer at a path.
#[derive(Debug)]
pub(crate) struct Claim {
    path: PathBuf,
    held: Option<Held>,
    problem: Option<String>,
}

#[derive(Debug)]
struct Held {
    endpoint: Endpoint,
    lock: NameLock,
}

impl Claim {
    /// A claim that is not yet tended.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, held: None, problem: None }
    }

    /// Takes the name if it is free, puts it back if it was deleted, gives it up if another engine
    /// has put itself in its place. Quick: meant to be called several times a second.
    pub(crate) fn tend(&mut self) {
        let lock = match self.held.take() {
            Some(held) if held.endpoint.in_place() => {
                self.held = Some(held);
                return;
            }
            Some(Held { endpoint, lock }) => {
                drop(endpoint);
                Some(lock)
            }
            None => None,
        };
        match take(&self.path, lock) {
            Ok(held) => {
                self.held = held;
                self.problem = None;
            }
            Err(problem) => self.problem = Some(problem),
        }
    }

    /// Where clients of the name arrive, while we hold it.
    pub(crate) fn listener(&self) -> Option<&Listener> {
        self.held.as_ref().map(|held| held.endpoint.listener())
    }

    /// The path, while we hold it.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.held.as_ref().map(|held| held.endpoint.path())
    }

    /// Why nobody of ours can have the name. `None` while we or another instance of ours has it.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Lets the next one have it.
    pub(crate) fn release(mut self) {
        if let Some(Held { endpoint, lock }) = self.held.take() {
            endpoint.remove();
            lock.release();
        }
    }
}

#[cfg(unix)]
use unix::{NameLock, take};

#[cfg(unix)]
mod unix {
    use super::Held;
    use crate::socket::endpoint::{Endpoint, FileIdentity, Probe, probe};
    use rustix::fs::{FileType, FlockOperation, Mode, OFlags, flock, fstat, lstat, open};
    use rustix::io::Errno;
    use std::os::fd::OwnedFd;
    use std::path::{Path, PathBuf};

    /// An exclusive lock on the file `<name>.lock`, let go when dropped or when the process dies.
    #[derive(Debug)]
    pub(super) struct NameLock {
        file: OwnedFd,
        path: PathBuf,
    }

    impl NameLock {
        /// `None` if another has it.
        fn try_take(name: &Path) -> Result<Option<Self>, Errno> {
            let mut path = name.as_os_str().to_owned();
            path.push(".lock");
            let path = PathBuf::from(path);
            // The folder is everybody's: what lies there may be a FIFO or a device, which is not waited for.
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
            // A holder that goes deletes the file before it lets go of the lock, so the file that we
            // locked may no longer be the one that the next will find.
            for _ in 0..8 {
                let file = open(&path, flags, Mode::RUSR | Mode::WUSR)?;
                let found = fstat(&file)?;
                if found.st_uid != crate::socket::os::own_uid() {
                    return Err(Errno::PERM);
                }
                if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
                    return Err(Errno::INVAL);
                }
                match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                    Err(Errno::WOULDBLOCK) => return Ok(None),
                    other => other?,
                }
                let lock = Self { file, path: path.clone() };
                if lock.in_place() {
                    return Ok(Some(lock));
                }
            }
            Ok(None)
        }

        fn in_place(&self) -> bool {
            match (fstat(&self.file), lstat(&self.path)) {
                (Ok(ours), Ok(there)) => (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino),
                _ => false,
            }
        }

        /// Deletes the file, then lets go.
        pub(super) fn release(self) {
            if self.in_place() {
                let _ = std::fs::remove_file(&self.path);
            }
        }
    }

    /// Binds `path` if that is ours to do; `Ok(None)` while another instance has it.
    pub(super) fn take(path: &Path, lock: Option<NameLock>) -> Result<Option<Held>, String> {
        let shown = path.display();
        let lock = match lock {
            Some(lock) => lock,
            None => match NameLock::try_take(path) {
                Ok(Some(lock)) => lock,
                Ok(None) => return Ok(None),
                Err(Errno::PERM | Errno::ACCESS) => {
                    return Err(format!("{shown}: its lock file belongs to another user"));
                }
                // A link, a socket, a FIFO, a device, a folder.
                Err(Errno::INVAL | Errno::LOOP | Errno::NXIO | Errno::ISDIR) => {
                    return Err(format!(
                        "{shown}: its lock file {shown}.lock is not a plain file; remove it"
                    ));
                }
                Err(error) => return Err(format!("{shown}: cannot make its lock file: {error}")),
            },
        };
        match bind(path) {
            Ok(endpoint) => Ok(Some(Held { endpoint, lock })),
            Err(problem) => {
                lock.release();
                Err(problem)
            }
        }
    }

    fn bind(path: &Path) -> Result<Endpoint, String> {
        let shown = path.display();
        match probe(path).map_err(|error| format!("{shown}: {error}"))? {
            Probe::Missing => {}
            Probe::Live => return Err(format!("{shown}: another engine answers there")),
            Probe::NotASocket => return Err(format!("{shown} is not a socket; it was left alone")),
            Probe::Foreign => return Err(format!("{shown} belongs to another user")),
            Probe::Dead(file) => {
                if FileIdentity::at(path).is_ok_and(|now| now == file) {
                    let _ = std::fs::remove_file(path);
                }
            }
        }
        Endpoint::at(path).map_err(|error| format!("{shown}: {error}"))
    }
}

#[cfg(windows)]
use windows::{NameLock, take};

#[cfg(windows)]
mod windows {
    use super::{Endpoint, Held};
    use std::io::ErrorKind;
    use std::path::Path;

    /// The first instance of a pipe is its own lock.
    #[derive(Debug)]
    pub(super) struct NameLock;

    impl NameLock {
        pub(super) fn release(self) {}
    }

    /// Creates the pipe; `Ok(None)` while another process has it.
    pub(super) fn take(path: &Path, lock: Option<NameLock>) -> Result<Option<Held>, String> {
        match Endpoint::at(path) {
            Ok(endpoint) => Ok(Some(Held { endpoint, lock: lock.unwrap_or(NameLock) })),
            Err(error) if matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::PermissionDenied) => {
                Ok(None)
            }
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }
}
