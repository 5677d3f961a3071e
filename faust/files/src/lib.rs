//! Reads and writes files in folders that other programs can write to: **a plain file of a bounded size, or
//! an error; never a wait.**
//!
//! Opening a FIFO waits until somebody opens its other end, a device may do anything, and a file of any
//! length fills the memory of whoever reads it to its end. So the kind is checked before and after the file
//! is opened, the file is opened without waiting, and no more than a limit is read.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// What a symbolic link at the path means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// The file that it leads to.
    Follow,
    /// An error.
    Refuse,
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// What the system said.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A folder, a FIFO, a socket, a device, or a link where links are refused.
    #[error("is not a plain file")]
    NotPlain,
    /// It is longer than its limit.
    #[error("has {size} bytes; {limit} is the most")]
    TooLarge {
        /// Bytes that it has: one more than the limit if it grew while it was read.
        size: u64,
        /// Bytes that it may have.
        limit: u64,
    },
    /// It is not UTF-8; the number of bytes that are.
    #[error("is not UTF-8 text after {0} bytes")]
    NotText(usize),
}

impl From<FileError> for io::Error {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Io(error) => error,
            other => Self::new(io::ErrorKind::InvalidData, other.to_string()),
        }
    }
}

/// A plain file that is open for reading.
#[derive(Debug)]
pub struct Plain {
    file: File,
    meta: Metadata,
    limit: u64,
}

impl Plain {
    /// Opens a plain file of at most `limit` bytes.
    ///
    /// # Errors
    /// If there is none, if it is anything but a plain file, or if it is longer.
    pub fn open(path: &Path, links: Links, limit: u64) -> Result<Self, FileError> {
        // Opening some devices does something. What takes their place between the two checks is the
        // second check's.
        let found = match links {
            Links::Follow => fs::metadata(path)?,
            Links::Refuse => fs::symlink_metadata(path)?,
        };
        if !found.is_file() {
            return Err(FileError::NotPlain);
        }
        let file = open_without_waiting(path, links)?;
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(FileError::NotPlain);
        }
        if meta.len() > limit {
            return Err(FileError::TooLarge { size: meta.len(), limit });
        }
        Ok(Self { file, meta, limit })
    }

    /// What the system says of it.
    pub fn metadata(&self) -> &Metadata {
        &self.meta
    }

    /// The open file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Reads it to its end.
    ///
    /// # Errors
    /// If the system fails, or if the file has grown beyond its limit.
    pub fn read(&self) -> Result<Vec<u8>, FileError> {
        let mut bytes = Vec::with_capacity(self.meta.len() as usize);
        (&self.file).take(self.limit.saturating_add(1)).read_to_end(&mut bytes)?;
        let size = bytes.len() as u64;
        if size > self.limit {
            return Err(FileError::TooLarge { size, limit: self.limit });
        }
        Ok(bytes)
    }
}

/// The bytes of a plain file of at most `limit` bytes.
///
/// # Errors
/// If there is none, if it is anything but a plain file, or if it is longer.
pub fn read(path: &Path, links: Links, limit: u64) -> Result<Vec<u8>, FileError> {
    Plain::open(path, links, limit)?.read()
}

/// The text of a plain file of at most `limit` bytes.
///
/// # Errors
/// As [`read`], and if it is not UTF-8.
pub fn read_text(path: &Path, links: Links, limit: u64) -> Result<String, FileError> {
    String::from_utf8(read(path, links, limit)?)
        .map_err(|error| FileError::NotText(error.utf8_error().valid_up_to()))
}

/// The first `most` bytes of a plain file of any length.
///
/// # Errors
/// If there is none, or if it is anything but a plain file.
pub fn read_start(path: &Path, links: Links, most: u64) -> Result<Vec<u8>, FileError> {
    let plain = Plain::open(path, links, u64::MAX)?;
    let mut bytes = Vec::new();
    plain.file().take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Makes a new file that only its user can read and write, in place of whatever is at the path: what is
/// there is removed, not opened.
///
/// # Errors
/// What the system says. Nothing is left at the path then.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(bytes));
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}

/// What becomes of a file that is there when another is saved under its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing is saved.
    Refuse,
    /// It goes to its name with `.bak` behind it, in place of an older one.
    Keep,
}

/// Why a file was not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// What the system said.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Something lies there that is no plain file: a folder, a FIFO, a socket, a device, a link.
    #[error("is not a plain file")]
    NotPlain,
    /// There is such a file.
    #[error("exists")]
    Exists,
}

/// Saves a file whole or not at all: it is written beside its place, brought to the disk, and renamed. At every
/// moment there is the old file, or the new one, at the path. Gives the path that the old one has now, if there was one.
///
/// # Errors
/// If there is a file already and it is to stay, if something else lies there or at the old one's new path, or what the
/// system says. Everything is as it was then, but for a `.bak` that may have been renewed.
pub fn save(path: &Path, bytes: &[u8], existing: Existing) -> Result<Option<PathBuf>, SaveError> {
    let old = plain_or_nothing(path)?;
    if old && existing == Existing::Refuse {
        return Err(SaveError::Exists);
    }
    let draft = Draft::new(path)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let mut file = options.open(&draft.0)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    let kept = match old {
        true => Some(keep(path)?),
        false => None,
    };
    if existing == Existing::Refuse {
        // A link is refused by the system where a file has come meanwhile; a rename is not.
        match fs::hard_link(&draft.0, path) {
            Ok(()) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(SaveError::Exists),
            // Some file systems have no such links.
            Err(_) if plain_or_nothing(path)? => return Err(SaveError::Exists),
            Err(_) => {}
        }
    }
    fs::rename(&draft.0, path)?;
    Ok(kept)
}

/// Is there a plain file?
fn plain_or_nothing(path: &Path) -> Result<bool, SaveError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Ok(true),
        Ok(_) => Err(SaveError::NotPlain),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Gives a file a second name, with `.bak` behind it, in place of what has that name.
fn keep(path: &Path) -> Result<PathBuf, SaveError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".bak");
    let kept = PathBuf::from(name);
    plain_or_nothing(&kept)?;
    let draft = Draft::new(&kept)?;
    if fs::hard_link(path, &draft.0).is_err() {
        // No links here: a copy. What has taken the file's place meanwhile is not waited for.
        let old = read(path, Links::Refuse, u64::MAX).map_err(io::Error::from)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).open(&draft.0)?.write_all(&old)?;
    }
    fs::rename(&draft.0, &kept)?;
    Ok(kept)
}

/// A name beside a file's that nobody has, removed in the end if it is still there.
struct Draft(PathBuf);

impl Draft {
    fn new(path: &Path) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let mut draft = std::ffi::OsString::from(".");
        draft.push(name);
        draft.push(format!(".{}-{number}.part", std::process::id()));
        let draft = path.with_file_name(draft);
        // Of a process of this number that was killed.
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(Self(draft)),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Makes a folder, and those above it that are missing, for their user alone.
///
/// # Errors
/// What the system says.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// The paths of what is in a folder, in no order: at most `most` of them, and whether there are more.
///
/// # Errors
/// If it cannot be listed. Opening a folder never waits: the system refuses what is none.
pub fn list(folder: &Path, most: usize) -> io::Result<(Vec<PathBuf>, bool)> {
    let mut entries = fs::read_dir(folder)?;
    let paths = entries.by_ref().take(most).filter_map(Result::ok).map(|entry| entry.path()).collect();
    Ok((paths, entries.next().is_some()))
}

#[cfg(unix)]
fn open_without_waiting(path: &Path, links: Links) -> Result<File, FileError> {
    use std::os::unix::fs::OpenOptionsExt;
    let follow = match links {
        Links::Follow => 0,
        Links::Refuse => libc::O_NOFOLLOW,
    };
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY | follow;
    let refused = |error: io::Error| match error.raw_os_error() {
        Some(libc::ELOOP) if links == Links::Refuse => FileError::NotPlain,
        // A socket.
        Some(libc::ENXIO) => FileError::NotPlain,
        _ => error.into(),
    };
    OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(refused)
}

#[cfg(not(unix))]
fn open_without_waiting(path: &Path, _links: Links) -> Result<File, FileError> {
    // Pipes are not in folders here, and links were looked for before.
    Ok(File::open(path)?)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::ffi::CString;
    use std::os::unix::ffi::OsStrExt;

    /// The checks around it refuse a FIFO before: here it is opened as if it had come between them.
    #[test]
    fn the_open_itself_waits_for_nobody() {
        let path = std::env::temp_dir().join(format!("krach-files-open-{}", std::process::id()));
        let name = CString::new(path.as_os_str().as_bytes()).expect("no zero byte");
        // SAFETY: a string that ends with a zero byte.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        let (to, from) = std::sync::mpsc::channel();
        let fifo = path.clone();
        std::thread::spawn(move || to.send(open_without_waiting(&fifo, Links::Refuse).is_ok()));
        let opened = from.recv_timeout(std::time::Duration::from_secs(60));
        let _ = fs::remove_file(&path);
        assert_eq!(opened, Ok(true), "it hangs");
    }
}
