//! Whatever lies at a path, reading it ends at once: with its bytes, or with the reason.

use krach_files::{
    Existing, FileError, Links, Plain, SaveError, list, make_folder, read, read_start, read_text, save,
    write_private,
};
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

/// What is in a folder: name and content.
fn contents(folder: &Folder) -> Vec<(String, String)> {
    let (paths, _) = list(&folder.0, 100).expect("lists");
    let content = |path: &PathBuf| fs::read_to_string(path).unwrap_or_else(|_| "no file".to_owned());
    let name = |path: &PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
    let mut all: Vec<_> = paths.iter().map(|path| (name(path), content(path))).collect();
    all.sort();
    all
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(name, content)| ((*name).to_owned(), (*content).to_owned())).collect()
}

#[test]
fn a_file_is_saved_whole_and_an_old_one_is_kept_or_stays() {
    let folder = Folder::new("save");
    let path = folder.path("a");
    assert_eq!(save(&path, b"1", Existing::Refuse).expect("saves"), None);
    assert!(matches!(save(&path, b"2", Existing::Refuse), Err(SaveError::Exists)));
    assert_eq!(contents(&folder), pairs(&[("a", "1")]));
    for (n, kept) in [("2", "1"), ("3", "2")] {
        let bak = save(&path, n.as_bytes(), Existing::Keep).expect("saves");
        assert_eq!(bak, Some(folder.path("a.bak")));
        assert_eq!(contents(&folder), pairs(&[("a", n), ("a.bak", kept)]));
    }
    // No folder, no file: nothing is left of the try.
    assert!(matches!(save(&folder.path("no/a"), b"1", Existing::Keep), Err(SaveError::Io(_))));
    make_folder(&folder.path("no/deep")).expect("makes folders");
    save(&folder.path("no/deep/a"), b"1", Existing::Refuse).expect("saves");
    assert_eq!(list(&folder.path("no/deep"), 9).expect("lists").0.len(), 1);
}

#[cfg(unix)]
#[test]
fn nothing_is_saved_over_links_fifos_and_folders_nor_through_them() {
    let folder = Folder::new("saveover");
    let precious = folder.path("precious");
    fs::write(&precious, "mine").expect("writes");
    for kind in ["link", "fifo", "folder", "lost link"] {
        for at in [kind.to_owned(), format!("{kind}.bak")] {
            let path = folder.path(kind);
            let there = folder.path(&at);
            if at != kind {
                fs::write(&path, "old").expect("writes");
            }
            match kind {
                "link" => std::os::unix::fs::symlink(&precious, &there).expect("links"),
                "lost link" => std::os::unix::fs::symlink(folder.path("none"), &there).expect("links"),
                "folder" => fs::create_dir(&there).expect("makes"),
                _ => assert!(
                    std::process::Command::new("mkfifo").arg(&there).status().expect("runs").success()
                ),
            }
            let before = fs::read_dir(&folder.0).expect("lists").count();
            let to = path.clone();
            let done = ends("saving", move || save(&to, b"new", Existing::Keep));
            assert!(matches!(done, Err(SaveError::NotPlain)), "{at}: {done:?}");
            assert_eq!(fs::read_dir(&folder.0).expect("lists").count(), before, "{at}: nothing is left");
            if at != kind {
                assert_eq!(fs::read(&path).expect("there"), b"old");
                fs::remove_file(&path).expect("removes");
            }
            match kind {
                "folder" => fs::remove_dir(&there),
                _ => fs::remove_file(&there),
            }
            .expect("removes");
        }
    }
    assert_eq!(fs::read(&precious).expect("there"), b"mine");
    assert!(!folder.path("none").exists());
}

/// Whoever reads while others save sees one whole file or another.
#[test]
fn a_reader_never_sees_half_a_file_nor_none() {
    let folder = Folder::new("half");
    let path = folder.path("a");
    let whole = |n: u8| vec![n; 300_000];
    save(&path, &whole(0), Existing::Keep).expect("saves");
    let (to, writing) = (path.clone(), std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true)));
    let on = std::sync::Arc::clone(&writing);
    let saving = std::thread::spawn(move || {
        for n in 1..60 {
            save(&to, &whole(n), Existing::Keep).expect("saves");
        }
        on.store(false, std::sync::atomic::Ordering::Release);
    });
    let mut seen = std::collections::BTreeSet::new();
    while writing.load(std::sync::atomic::Ordering::Acquire) {
        let bytes = fs::read(&path).expect("it is always there");
        assert_eq!(bytes.len(), 300_000, "half a file");
        assert!(bytes.iter().all(|byte| *byte == bytes[0]), "two files in one");
        seen.insert(bytes[0]);
    }
    saving.join().expect("ends");
    assert_eq!(fs::read(&path).expect("there")[0], 59);
    assert_eq!(fs::read(folder.path("a.bak")).expect("there")[0], 58);
    println!("{} of 60 seen", seen.len());
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

/// Folders of the sources of all that a musician runs.
const SHIPS: [&str; 11] = [
    "core/src",
    "core/dsp/src",
    "core/patch/src",
    "core/patch/player/src",
    "patterns/src",
    "faust/src",
    "faust/files/src",
    "faust/lang/src",
    "plugin/src",
    "plugin/bundle/src",
    "plugin/host/src",
];

/// Files of the program that may open files by other means, and why.
const EXCEPTIONS: [(&str, &str); 3] = [
    ("faust/files/src/lib.rs", "does it"),
    ("plugin/src/protocol/doc_page.rs", "is a test, of a page of docs/"),
    ("plugin/host/src/performance.rs", "reads what its user names, which may be a pipe"),
];

#[test]
fn nothing_that_ships_opens_files_by_other_means() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the workspace");
    let mut open: Vec<PathBuf> = SHIPS.map(|folder| root.join(folder)).into();
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
