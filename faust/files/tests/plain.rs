//! Whatever lies at a path, reading it ends at once: with its bytes, or with the reason.

use krach_files::{FileError, Links, Plain, list, read, read_start, read_text, write_private};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("krach-files-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).expect("makes a folder");
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What `work` gives, or a failure if it hangs.
fn ends<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (to, from) = mpsc::channel();
    std::thread::spawn(move || to.send(work()));
    from.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("{what} hangs"))
}

#[test]
fn a_file_of_the_limit_is_read_and_one_byte_more_is_not() {
    let folder = Folder::new("limit");
    let path = folder.path("a");
    fs::write(&path, [7; 100]).expect("writes");
    assert_eq!(read(&path, Links::Refuse, 100).expect("reads"), [7; 100]);
    assert!(matches!(read(&path, Links::Refuse, 99), Err(FileError::TooLarge { size: 100, limit: 99 })));
    assert_eq!(read_start(&path, Links::Refuse, 3).expect("reads"), [7; 3]);
}

#[test]
fn eight_gibibytes_are_refused_unread() {
    let folder = Folder::new("sparse");
    let path = folder.path("a");
    fs::File::create(&path).and_then(|file| file.set_len(8 << 30)).expect("is sparse");
    assert!(
        matches!(read(&path, Links::Follow, 1 << 20), Err(FileError::TooLarge { size, .. }) if size == 8 << 30)
    );
}

#[test]
fn a_file_that_grows_after_it_was_opened_is_refused() {
    let folder = Folder::new("grows");
    let path = folder.path("a");
    fs::write(&path, "short").expect("writes");
    let plain = Plain::open(&path, Links::Refuse, 10).expect("opens");
    fs::write(&path, "as long as it likes").expect("writes");
    assert!(matches!(plain.read(), Err(FileError::TooLarge { size: 11, limit: 10 })));
}

#[cfg(unix)]
#[test]
fn fifos_sockets_devices_and_folders_are_refused_without_a_wait() {
    let folder = Folder::new("kinds");
    let fifo = folder.path("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("runs").success());
    let _socket = std::os::unix::net::UnixListener::bind(folder.path("socket")).expect("binds");
    std::os::unix::fs::symlink(&fifo, folder.path("link")).expect("links");
    for path in
        [fifo, folder.path("socket"), folder.path("link"), folder.0.clone(), Path::new("/dev/zero").into()]
    {
        let shown = path.display().to_string();
        let error = ends(&shown, move || read(&path, Links::Follow, 100)).expect_err("refuses");
        assert!(matches!(error, FileError::NotPlain), "{shown}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn a_fifo_that_takes_the_place_of_a_file_after_the_first_check_is_not_waited_for() {
    let folder = Folder::new("swap");
    let (file, fifo, path) = (folder.path("file"), folder.path("fifo"), folder.path("path"));
    fs::write(&file, "text").expect("writes");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("runs").success());
    std::os::unix::fs::symlink(&file, &path).expect("links");
    let (stop, stopped) = mpsc::channel::<()>();
    let swapping = {
        let (file, fifo, path, draft) = (file.clone(), fifo.clone(), path.clone(), folder.path("draft"));
        std::thread::spawn(move || {
            while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
                for target in [&fifo, &file] {
                    std::os::unix::fs::symlink(target, &draft).expect("links");
                    fs::rename(&draft, &path).expect("renames");
                }
            }
        })
    };
    let (read, refused) = ends("reading what changes", move || {
        let (mut read, mut refused) = (0, 0);
        // On a busy machine many reads may pass between two swaps.
        while read + refused < 5_000 || read == 0 || refused == 0 {
            match read_text(&path, Links::Follow, 100) {
                Ok(_) => read += 1,
                Err(FileError::NotPlain) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        (read, refused)
    });
    drop(stop);
    swapping.join().expect("ends");
    println!("{read} read, {refused} refused");
}

#[cfg(unix)]
#[test]
fn links_are_followed_or_refused_as_asked() {
    let folder = Folder::new("links");
    fs::write(folder.path("a"), "text").expect("writes");
    std::os::unix::fs::symlink(folder.path("a"), folder.path("link")).expect("links");
    assert_eq!(read_text(&folder.path("link"), Links::Follow, 100).expect("reads"), "text");
    assert!(matches!(read_text(&folder.path("link"), Links::Refuse, 100), Err(FileError::NotPlain)));
}

#[cfg(unix)]
#[test]
fn a_new_file_replaces_a_fifo_and_a_link_without_opening_either() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("write");
    let (fifo, link, precious) = (folder.path("fifo"), folder.path("link"), folder.path("precious"));
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("runs").success());
    fs::write(&precious, "mine").expect("writes");
    std::os::unix::fs::symlink(&precious, &link).expect("links");
    for path in [fifo, link] {
        let to = path.clone();
        ends("writing", move || write_private(&to, b"new")).expect("writes");
        assert_eq!(read(&path, Links::Refuse, 3).expect("reads"), b"new");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(fs::read(&precious).expect("there"), b"mine");
}

#[test]
fn no_more_of_a_folder_is_listed_than_asked_for() {
    let folder = Folder::new("list");
    for name in ["a", "b", "c"] {
        fs::write(folder.path(name), "").expect("writes");
    }
    let (paths, more) = list(&folder.0, 3).expect("lists");
    assert_eq!((paths.len(), more), (3, false));
    let (paths, more) = list(&folder.0, 2).expect("lists");
    assert_eq!((paths.len(), more), (2, true));
    assert!(list(&folder.path("a"), 3).is_err());
}

/// Files of the program that may open files by other means, and why.
const EXCEPTIONS: [(&str, &str); 3] = [
    ("faust/files/src/lib.rs", "does it"),
    ("plugin/src/protocol/doc_page.rs", "is a test, of a page of docs/"),
    ("plugin/host/src/performance.rs", "reads what its user names, which may be a pipe"),
];

#[test]
fn nothing_that_ships_opens_files_by_other_means() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the workspace");
    let mut open: Vec<PathBuf> =
        ["core/src", "patterns/src", "faust/src", "faust/files/src", "plugin/src", "plugin/host/src"]
            .map(|folder| root.join(folder))
            .into();
    let (mut seen, mut found) = (0, Vec::new());
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).expect("lists").map(|entry| entry.expect("an entry").path()));
            continue;
        }
        let name = path.strip_prefix(root).expect("inside").to_string_lossy().into_owned();
        let tests = name.ends_with("/attacks.rs") || name.contains("/tests");
        if !name.ends_with(".rs") || tests || EXCEPTIONS.iter().any(|(file, _)| *file == name) {
            continue;
        }
        seen += 1;
        let text = fs::read_to_string(&path).expect("reads");
        let shipped = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        for (line, text) in (1..).zip(shipped.lines()) {
            let means =
                ["File::open", "File::options", "OpenOptions::new", "fs::read(", "fs::read_to_string("];
            if means.iter().any(|word| text.contains(word)) {
                found.push(format!("{name}:{line}: {}", text.trim()));
            }
        }
    }
    assert!(seen > 100, "only {seen} files were looked at");
    assert!(found.is_empty(), "read these with krach_files:\n{}", found.join("\n"));
}
