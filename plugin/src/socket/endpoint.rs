//! A listening socket together with the file that leads to it.

use std::io;
use std::path::{Path, PathBuf};

use interprocess::local_socket::{
    GenericFilePath, Listener, ListenerNonblockingMode, ListenerOptions, ToFsName,
};

/// Listening at a path. Dropping it closes the socket but leaves the file: see [`Endpoint::remove`].
#[derive(Debug)]
pub(crate) struct Endpoint {
    listener: Listener,
    path: PathBuf,
    #[cfg(unix)]
    file: FileIdentity,
}

impl Endpoint {
    /// The listening socket; accepting from it never blocks.
    pub(crate) fn listener(&self) -> &Listener {
        &self.listener
    }

    /// The path that clients connect to.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

fn listen(path: &Path) -> io::Result<Listener> {
    let options = ListenerOptions::new()
        .name(path.to_fs_name::<GenericFilePath>()?)
        .nonblocking(ListenerNonblockingMode::Both)
        .reclaim_name(false);
    secured(options)?.create_sync()
}

#[cfg(unix)]
#[allow(clippy::unnecessary_wraps)]
fn secured(options: ListenerOptions<'_>) -> io::Result<ListenerOptions<'_>> {
    Ok(options)
}

/// Only the user who owns the pipe, and the system, may open it.
#[cfg(windows)]
fn secured(options: ListenerOptions<'_>) -> io::Result<ListenerOptions<'_>> {
    use interprocess::os::windows::local_socket::ListenerOptionsExt;
    use interprocess::os::windows::security_descriptor::SecurityDescriptor;
    let owner_only = widestring::u16cstr!("D:P(A;;GA;;;OW)(A;;GA;;;SY)");
    Ok(options.security_descriptor(SecurityDescriptor::deserialize(owner_only)?))
}

#[cfg(unix)]
pub(crate) use unix::{FileIdentity, Probe, probe};

#[cfg(unix)]
mod unix {
    use super::{Endpoint, listen};
    use interprocess::ConnectWaitMode;
    use interprocess::local_socket::{ConnectOptions, GenericFilePath, ToFsName};
    use std::io;
    use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
    use std::path::Path;

    /// Tells a file from any other that is or was at the same path. The time of the last change is
    /// part of it since some file systems use inode numbers again at once.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct FileIdentity {
        device: u64,
        inode: u64,
        changed: (i64, i64),
    }

    impl FileIdentity {
        /// Of whatever is at that path, links not followed.
        pub(crate) fn at(path: &Path) -> io::Result<Self> {
            let found = std::fs::symlink_metadata(path)?;
            Ok(Self { device: found.dev(), inode: found.ino(), changed: (found.ctime(), found.ctime_nsec()) })
        }
    }

    impl Endpoint {
        /// Listens at `folder/<id>.sock`. The file is made under another name and moved there when it
        /// already listens, so that nobody who sweeps the dead can take it for one of them. Replaces
        /// whatever is there: ids are random, so it can only be this instance's own.
        pub(crate) fn in_folder(folder: &Path, id: &str) -> io::Result<Self> {
            let birth = folder.join(format!("{id}.new"));
            let path = folder.join(format!("{id}.sock"));
            let listener = listen(&birth)?;
            let placed = close_to_others(&birth).and_then(|()| std::fs::rename(&birth, &path));
            if let Err(error) = placed {
                let _ = std::fs::remove_file(&birth);
                return Err(error);
            }
            let file = FileIdentity::at(&path)?;
            Ok(Self { listener, path, file })
        }

        /// Listens at `path`, where nothing may be yet.
        pub(crate) fn at(path: &Path) -> io::Result<Self> {
            let listener = listen(path)?;
            close_to_others(path)?;
            let file = FileIdentity::at(path)?;
            Ok(Self { listener, path: path.to_owned(), file })
        }

        /// Does the path still lead here?
        pub(crate) fn in_place(&self) -> bool {
            FileIdentity::at(&self.path).is_ok_and(|now| now == self.file)
        }

        /// Closes the socket and removes its file, unless another has taken its place.
        pub(crate) fn remove(self) {
            if self.in_place() {
                let _ = std::fs::remove_file(&self.path);
            }
        }
    }

    fn close_to_others(path: &Path) -> io::Result<()> {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
    }

    /// What is at a path where somebody may be listening.
    #[derive(Debug, PartialEq, Eq)]
    pub(crate) enum Probe {
        /// Nothing.
        Missing,
        /// A socket of ours at which somebody listens.
        Live,
        /// A socket of ours that nobody listens at any more.
        Dead(FileIdentity),
        /// Not a socket.
        NotASocket,
        /// Another user's.
        Foreign,
    }

    /// Looks, and knocks without waiting.
    pub(crate) fn probe(path: &Path) -> io::Result<Probe> {
        let found = match std::fs::symlink_metadata(path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Probe::Missing),
            Err(error) => return Err(error),
        };
        if found.uid() != crate::socket::os::own_uid() {
            return Ok(Probe::Foreign);
        }
        if !found.file_type().is_socket() {
            return Ok(Probe::NotASocket);
        }
        let identity = FileIdentity::at(path)?;
        let knock = ConnectOptions::new()
            .name(path.to_fs_name::<GenericFilePath>()?)
            .wait_mode(ConnectWaitMode::Deferred)
            .connect_sync();
        match knock {
            // A full backlog (would block) is somebody too.
            Ok(_) => Ok(Probe::Live),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Probe::Live),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(Probe::Dead(identity)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Probe::Missing),
            Err(error) => Err(error),
        }
    }
}

#[cfg(windows)]
impl Endpoint {
    /// Listens at the pipe `krach-<id>`; the folder holds only the entry that names it.
    pub(crate) fn in_folder(_folder: &Path, id: &str) -> io::Result<Self> {
        Self::at(&PathBuf::from(format!(r"\\.\pipe\krach-{id}")))
    }

    /// Listens at `path`; the system sees to it that only one process can.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        Ok(Self { listener: listen(path)?, path: path.to_owned() })
    }

    /// A pipe has no file that could be taken away.
    pub(crate) fn in_place(&self) -> bool {
        true
    }

    /// Closes the pipe.
    pub(crate) fn remove(self) {}
}
