//! A folder that only its user can enter, or a reason why there is none.

use std::io;
use std::path::{Path, PathBuf};

/// Why a folder cannot hold the socket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderProblem {
    /// The system refuses it.
    #[error("{}: {error}", .0.display(), error = .1)]
    Io(PathBuf, io::Error),
    /// Something else is there.
    #[error("{} is not a folder (links are not followed)", .0.display())]
    NotAFolder(PathBuf),
    /// It, or a folder above it, is somebody else's.
    #[error("{} belongs to another user", .0.display())]
    NotOurs(PathBuf),
    /// A socket in it would have too long a path.
    #[error("{} is too long for a socket path (under {} bytes)", .0.display(), super::address::MAX_PATH)]
    TooLong(PathBuf),
}

/// Makes sure that `folder` exists, is ours, is no link, and that nobody else can enter it. Up to two
/// missing folders are made, each 0700; the process's umask is never touched.
#[cfg(unix)]
pub(crate) fn make_private(folder: &Path) -> Result<(), FolderProblem> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    let failed = |error| FolderProblem::Io(folder.to_owned(), error);
    if let Some(parent) = folder.parent() {
        if !parent.exists() {
            make(parent)?;
        }
        let above = std::fs::metadata(parent).map_err(|e| FolderProblem::Io(parent.to_owned(), e))?;
        if above.uid() != super::os::own_uid() {
            return Err(FolderProblem::NotOurs(parent.to_owned()));
        }
    }
    make(folder)?;
    let found = std::fs::symlink_metadata(folder).map_err(failed)?;
    if !found.is_dir() {
        return Err(FolderProblem::NotAFolder(folder.to_owned()));
    }
    if found.uid() != super::os::own_uid() {
        return Err(FolderProblem::NotOurs(folder.to_owned()));
    }
    if found.mode() & 0o777 != 0o700 {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).map_err(failed)?;
    }
    Ok(())
}

#[cfg(unix)]
fn make(folder: &Path) -> Result<(), FolderProblem> {
    use std::os::unix::fs::DirBuilderExt;
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(FolderProblem::Io(folder.to_owned(), error))
        }
        _ => Ok(()),
    }
}

/// Makes sure that `folder` exists. What is in the user's profile is the user's by its inherited ACL.
#[cfg(windows)]
pub(crate) fn make_private(folder: &Path) -> Result<(), FolderProblem> {
    std::fs::create_dir_all(folder).map_err(|error| FolderProblem::Io(folder.to_owned(), error))?;
    if !folder.is_dir() {
        return Err(FolderProblem::NotAFolder(folder.to_owned()));
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn temp(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("krach-folder-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        path
    }

    #[test]
    fn a_folder_that_was_open_to_all_is_closed() {
        let base = temp("open");
        let folder = base.join("run");
        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
        make_private(&folder).unwrap();
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        std::fs::remove_dir_all(base).unwrap();
    }

    #[test]
    fn a_link_in_place_of_the_folder_is_refused() {
        let base = temp("link");
        std::fs::create_dir(base.join("elsewhere")).unwrap();
        symlink(base.join("elsewhere"), base.join("run")).unwrap();
        assert!(matches!(make_private(&base.join("run")), Err(FolderProblem::NotAFolder(_))));
        std::fs::remove_dir_all(base).unwrap();
    }

    #[test]
    fn a_file_in_place_of_the_folder_is_refused() {
        let base = temp("file");
        std::fs::write(base.join("run"), b"").unwrap();
        assert!(matches!(make_private(&base.join("run")), Err(FolderProblem::NotAFolder(_))));
        std::fs::remove_dir_all(base).unwrap();
    }

    #[test]
    fn two_missing_folders_are_made_and_three_are_not() {
        let base = temp("deep");
        make_private(&base.join(".krach/run")).unwrap();
        assert_eq!(std::fs::metadata(base.join(".krach")).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(make_private(&base.join("a/b/c")).is_err());
        std::fs::remove_dir_all(base).unwrap();
    }
}
