//! A folder in which a test program's sockets, registry files and fixed name are, and nobody else's.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The folder; removed when dropped.
pub struct Home {
    folder: PathBuf,
}

impl Home {
    /// Makes a fresh folder and points the environment of this process at it.
    ///
    /// # Safety
    /// Sets environment variables: no plugin may be loaded yet, and no thread of this process may read
    /// the environment other than through Rust's standard library.
    pub unsafe fn new() -> Self {
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // Short, because a socket's path has to be.
        let folder = std::env::temp_dir().join(format!("krach-t-{}-{number}", std::process::id()));
        // A process of the same number that died may have left one.
        let _ = std::fs::remove_dir_all(&folder);
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder).expect("a folder of our own");
        let home = Self { folder };
        for (name, value) in home.variables() {
            // SAFETY: the caller vouches that nobody else reads the environment now.
            unsafe { std::env::set_var(name, value) };
        }
        // SAFETY: as above.
        unsafe { std::env::remove_var("NOISE_SOCKET") };
        // SAFETY: as above.
        unsafe { std::env::remove_var("FLATPAK_ID") };
        home
    }

    /// What makes another process use this folder.
    pub fn variables(&self) -> [(&'static str, PathBuf); 4] {
        [
            ("XDG_RUNTIME_DIR", self.folder.clone()),
            ("HOME", self.folder.clone()),
            ("USERPROFILE", self.folder.clone()),
            ("TMPDIR", self.folder.clone()),
        ]
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The folder of the sockets and their registry files.
    pub fn registry(&self) -> PathBuf {
        self.folder.join("krach")
    }

    /// The name that instances contend for.
    pub fn fixed_name(&self) -> PathBuf {
        self.folder.join("krach-engine.sock")
    }

    /// Every file of an instance that is there now: sockets, registry files, locks.
    pub fn files(&self) -> Vec<PathBuf> {
        let inside = |folder: &Path| -> Vec<PathBuf> {
            let entries = std::fs::read_dir(folder).into_iter().flatten();
            entries.filter_map(Result::ok).map(|entry| entry.path()).collect()
        };
        let mut files = inside(&self.registry());
        files.extend(inside(&self.folder).into_iter().filter(|path| !path.is_dir()));
        files.sort();
        files
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// One folder for all tests of this process, which the usual harness runs on several threads; every
/// test enters before it loads the plugin. Removed when the process ends.
pub fn enter() -> &'static Home {
    static HOME: OnceLock<Home> = OnceLock::new();
    #[cfg(unix)]
    extern "C" fn leave() {
        if let Some(home) = HOME.get() {
            let _ = std::fs::remove_dir_all(home.path());
        }
    }
    HOME.get_or_init(|| {
        // SAFETY: every test comes by here before it loads a plugin, and waits here while another
        // does; until then only the standard library, which locks, reads the environment.
        let home = unsafe { Home::new() };
        #[cfg(unix)]
        // SAFETY: registers a function that neither panics nor unwinds.
        unsafe {
            libc::atexit(leave)
        };
        home
    })
}
