//! A folder of sounds, watched once for all instances of this process: **what changed in it is looked up,
//! told to whoever listens, and checked in the background, so that every file's error is known.**
//!
//! Where the system does not watch folders, or there is none yet, it is looked at every second instead.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use krach_faust::{
    CompileError, Delivery, FaustType, Interface, JobKey, JobKind, Outcome, ProgramText, Source, Workers,
};
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::compile::{Failure, program_name, workers};
use super::listing::{Listing, name_of, patch_of, path_of, reads};
use super::patches::read_patch;

/// A change is looked at when nothing else has changed for so long: who writes a file may write on…
const QUIET: Duration = Duration::from_millis(15);
/// …a file that was renamed into its place is whole, and only others may follow it…
const QUIET_RENAMED: Duration = Duration::from_millis(5);
/// …or so long after the first.
const PATIENCE: Duration = Duration::from_millis(150);
/// Between looks at a folder that is not watched.
const UNWATCHED: Duration = Duration::from_secs(1);
/// Between looks at a folder that is: network drives keep some changes to themselves.
const WATCHED: Duration = Duration::from_secs(5);

/// What listeners are told. They must return at once.
#[derive(Clone, Debug)]
pub(super) enum FolderEvent {
    /// These files, by their path in the folder, are new, changed or gone.
    Changed(Arc<BTreeSet<String>>),
    /// The sound of that name was checked.
    Checked(String),
}

impl Contents {
    /// How the files end, and what they are.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Sounds => (".dsp", "sounds"),
            Self::Patches => (".yaml", "patches"),
        }
    }
}

type Listener = Box<dyn Fn(FolderEvent) + Send + Sync>;

/// What a check found.
#[derive(Clone)]
pub(super) struct Checked {
    /// What it was made of.
    pub text: Arc<ProgramText>,
    /// Its ports and controls.
    pub interface: Arc<Interface>,
}

/// What the files of a folder are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Contents {
    /// FAUST programs, and what they import. They are compiled by the workers.
    Sounds,
    /// Patches. They are read at once, on the folder's own thread.
    Patches,
}

/// A watched folder. All instances of a process that name it have the same one.
pub(super) struct Folder {
    shared: Arc<Shared>,
    signals: Sender<Signal>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    path: PathBuf,
    contents: Contents,
    /// Whose the checks are.
    owner: u64,
    signals: Sender<Signal>,
    /// One look at a time.
    looking: Mutex<()>,
    state: Mutex<State>,
    listeners: Mutex<BTreeMap<u64, Listener>>,
}

#[derive(Default)]
struct State {
    listing: Arc<Listing>,
    problem: Option<String>,
    /// Why it is not watched, which the next look does not change.
    unwatched: Option<String>,
    checks: BTreeMap<String, Result<Checked, CompileError>>,
    /// What is wrong with patches, by name.
    faults: BTreeMap<String, Option<Failure>>,
    to_check: BTreeSet<String>,
}

enum Signal {
    /// The system says that these have changed, and whether they came by renaming.
    Touched(Vec<PathBuf>, bool),
    /// There is something to check.
    Check,
    Stop,
}

/// A number that no other owner of compile jobs in this process has.
pub(super) fn new_owner() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

static FOLDERS: Mutex<BTreeMap<(Contents, PathBuf), Weak<Folder>>> = Mutex::new(BTreeMap::new());

impl Folder {
    /// The folder at `path`, looked at and watched. That it cannot be is no error: see [`Folder::problem`].
    pub(super) fn open(path: &Path, contents: Contents) -> Arc<Self> {
        let mut folders = FOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (contents, path.to_owned());
        if let Some(folder) = folders.get(&key).and_then(Weak::upgrade) {
            return folder;
        }
        folders.retain(|_, folder| folder.strong_count() > 0);
        let (signals, inbox) = mpsc::channel();
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            contents,
            owner: new_owner(),
            signals: signals.clone(),
            looking: Mutex::default(),
            state: Mutex::default(),
            listeners: Mutex::default(),
        });
        shared.rescan(&BTreeSet::new());
        let watched = shared.clone();
        let thread = std::thread::Builder::new()
            .name("krach-sounds".to_owned())
            .spawn(move || Watch { shared: watched, watcher: None, workers: None }.run(&inbox));
        if let Err(error) = &thread {
            shared.state().unwatched = Some(format!("{}: no thread to watch it: {error}", path.display()));
        }
        let folder = Arc::new(Self { shared, signals, thread: thread.ok() });
        folders.insert(key, Arc::downgrade(&folder));
        folder
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.shared.path
    }

    /// What is in it, as of the last look.
    pub(super) fn listing(&self) -> Arc<Listing> {
        self.shared.state().listing.clone()
    }

    /// Looks now. What has changed is told to all listeners.
    pub(super) fn rescan(&self) {
        self.shared.rescan(&BTreeSet::new());
    }

    /// Why it is not listed, or not watched, for the musician.
    pub(super) fn problem(&self) -> Option<String> {
        let state = self.shared.state();
        state.problem.clone().or_else(|| state.unwatched.clone())
    }

    /// What the last check of a sound found; `None` if it has not been checked yet.
    pub(super) fn check(&self, name: &str) -> Option<Result<Checked, CompileError>> {
        self.shared.state().checks.get(name).cloned()
    }

    /// What is wrong with the patch of that name, as of the last look, if anything is.
    pub(super) fn fault(&self, name: &str) -> Option<Failure> {
        self.shared.state().faults.get(name).cloned().flatten()
    }

    /// From now on `listener` is told the news, until [`Folder::leave`] with the number.
    pub(super) fn listen(&self, listener: Listener) -> u64 {
        let number = new_owner();
        self.shared.listeners().insert(number, listener);
        number
    }

    /// The end of [`Folder::listen`].
    pub(super) fn leave(&self, number: u64) {
        self.shared.listeners().remove(&number);
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = self.signals.send(Signal::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listeners(&self) -> MutexGuard<'_, BTreeMap<u64, Listener>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, news: &FolderEvent) {
        self.listeners().values().for_each(|listener| listener(news.clone()));
    }

    /// Reads the folder, tells what has changed since the last time, and has it checked. Files that the
    /// system says were `touched` count as changed: their time may be as it was.
    fn rescan(&self, touched: &BTreeSet<String>) {
        let _one_at_a_time = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let read = Listing::read(&self.path);
        let mut state = self.state();
        let before = state.listing.clone();
        let now = match read {
            Ok(listing) => {
                state.problem = listing.cut.then(|| {
                    format!("{}: there are too many files; not all of them are listed", self.path.display())
                });
                listing
            }
            Err(error) => {
                let folder = self.path.display();
                state.problem = Some(match error.kind() {
                    ErrorKind::NotFound => {
                        let (ending, what) = self.contents.words();
                        format!("{folder} is not there yet: {ending} files put there are {what}")
                    }
                    _ => format!("{folder}: {error}; no {} are listed from there", self.contents.words().1),
                });
                Listing::default()
            }
        };
        let mut changed = now.changes(&before);
        let is_file = |file: &&String| now.stamp(file).is_some() || before.stamp(file).is_some();
        changed.extend(touched.iter().filter(is_file).cloned());
        if changed.is_empty() {
            return;
        }
        state.listing = Arc::new(now);
        if self.contents == Contents::Patches {
            let names = changed.iter().filter_map(|file| patch_of(file));
            state.to_check.extend(names.map(str::to_owned));
            drop(state);
            self.tell(&FolderEvent::Changed(Arc::new(changed)));
            let _ = self.signals.send(Signal::Check);
            return;
        }
        let stale = state.stale(&changed);
        for name in &stale {
            state.checks.remove(name);
        }
        state.to_check.extend(stale);
        drop(state);
        self.tell(&FolderEvent::Changed(Arc::new(changed)));
        let _ = self.signals.send(Signal::Check);
    }

    /// Reads the patches that have changed.
    fn read_patches(&self, names: BTreeSet<String>) {
        for name in names {
            let fault = read_patch(&self.path, &name);
            self.state().faults.insert(name.clone(), fault);
            self.tell(&FolderEvent::Checked(name));
        }
    }

    fn checked(&self, name: &str, found: Result<Checked, CompileError>) {
        if matches!(found, Err(CompileError::Cancelled)) {
            return;
        }
        self.state().checks.insert(name.to_owned(), found);
        self.tell(&FolderEvent::Checked(name.to_owned()));
    }
}

impl State {
    /// The sounds whose check says nothing any more.
    fn stale(&self, changed: &BTreeSet<String>) -> BTreeSet<String> {
        let mut stale: BTreeSet<String> =
            changed.iter().filter_map(|file| name_of(file)).map(str::to_owned).collect();
        // What failed for want of a file may find it now.
        let libraries = changed.iter().any(|file| name_of(file).is_none());
        for (name, check) in &self.checks {
            let concerned = match check {
                Ok(Checked { text, .. }) => {
                    changed.iter().any(|file| reads(text.imports.keys().chain(&text.standard), file))
                }
                Err(_) => libraries,
            };
            if concerned {
                stale.insert(name.clone());
            }
        }
        stale
    }
}

/// The thread of a folder.
struct Watch {
    shared: Arc<Shared>,
    watcher: Option<Watching>,
    workers: Option<Arc<Workers>>,
}

/// The system's watcher, which has a thread of its own that nobody joins.
struct Watching {
    watcher: Option<RecommendedWatcher>,
    /// Closed when that thread lets go of what it tells changes to, the last thing that it does.
    ended: Receiver<()>,
}

impl Drop for Watching {
    /// Waits for the thread, or it could still run when the host unloads the library.
    fn drop(&mut self) {
        self.watcher = None;
        let _ = self.ended.recv_timeout(super::compile::PATIENCE);
    }
}

impl Watch {
    fn run(mut self, inbox: &Receiver<Signal>) {
        self.watch();
        loop {
            let pause = if self.watcher.is_some() { WATCHED } else { UNWATCHED };
            match inbox.recv_timeout(pause) {
                Ok(Signal::Check) => self.check(),
                Ok(Signal::Touched(paths, renamed)) => {
                    let mut touched = BTreeSet::new();
                    self.note(paths, &mut touched);
                    if !self.gather(inbox, &mut touched, renamed) {
                        break;
                    }
                    self.shared.rescan(&touched);
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.shared.rescan(&BTreeSet::new());
                    self.check();
                }
                Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => break,
            }
            if !self.shared.path.is_dir() {
                self.watcher = None;
            } else if self.watcher.is_none() {
                self.watch();
                self.shared.rescan(&BTreeSet::new());
            }
        }
        self.watcher = None;
        if let Some(workers) = self.workers {
            workers.cancel_owner(self.shared.owner);
            Workers::leave(workers, super::compile::PATIENCE);
        }
    }

    /// Waits until nothing changes any more; `false` at the end of it all.
    fn gather(
        &mut self,
        inbox: &Receiver<Signal>,
        touched: &mut BTreeSet<String>,
        mut renamed: bool,
    ) -> bool {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            match inbox.recv_timeout(if renamed { QUIET_RENAMED } else { QUIET }) {
                Ok(Signal::Touched(paths, again)) => {
                    self.note(paths, touched);
                    renamed = again;
                }
                Ok(Signal::Check) => self.check(),
                Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
                Err(RecvTimeoutError::Timeout) => return true,
            }
        }
        true
    }

    fn note(&self, paths: Vec<PathBuf>, touched: &mut BTreeSet<String>) {
        for path in paths {
            let Ok(inside) = path.strip_prefix(&self.shared.path) else { continue };
            let parts: Option<Vec<&str>> = inside.iter().map(|part| part.to_str()).collect();
            touched.extend(parts.map(|parts| parts.join("/")));
        }
    }

    fn watch(&mut self) {
        if !self.shared.path.is_dir() {
            return;
        }
        let signals = self.shared.signals.clone();
        let (running, ended) = mpsc::channel::<()>();
        let heard = move |event: notify::Result<notify::Event>| {
            let _held = &running;
            let Ok(event) = event else { return };
            let closed = EventKind::Access(AccessKind::Close(AccessMode::Write));
            // That somebody reads changes nothing; we read ourselves.
            if !event.kind.is_access() || event.kind == closed {
                let renamed = matches!(event.kind, EventKind::Modify(ModifyKind::Name(_)));
                let _ = signals.send(Signal::Touched(event.paths, renamed));
            }
        };
        let watching = notify::recommended_watcher(heard).and_then(|mut watcher| {
            watcher.watch(&self.shared.path, RecursiveMode::Recursive)?;
            Ok(watcher)
        });
        match watching {
            Ok(watcher) => {
                self.watcher = Some(Watching { watcher: Some(watcher), ended });
                self.shared.state().unwatched = None;
            }
            Err(error) => {
                let why = format!(
                    "{}: cannot be watched ({error}); it is looked at every second",
                    self.shared.path.display()
                );
                self.shared.state().unwatched = Some(why);
            }
        }
    }

    /// Has everything checked that is waiting for it.
    fn check(&mut self) {
        let mut state = self.shared.state();
        let (names, listing) = (std::mem::take(&mut state.to_check), state.listing.clone());
        drop(state);
        if self.shared.contents == Contents::Patches {
            return self.shared.read_patches(names);
        }
        let there: Vec<String> = names.into_iter().filter(|name| listing.has(name)).collect();
        if there.is_empty() {
            return;
        }
        if self.workers.is_none() {
            // That nothing can be compiled is told where something is to be played.
            self.workers = workers().ok();
        }
        let Some(workers) = &self.workers else {
            // The next look tries again.
            self.shared.state().to_check.extend(there);
            return;
        };
        for name in there {
            let source = source_of(&self.shared.path, &name);
            let key = JobKey { owner: self.shared.owner, node: name.clone() };
            let shared = Arc::downgrade(&self.shared);
            let heed = move |outcome: Outcome| -> Delivery {
                let found = outcome.result.and_then(|compiled| {
                    let interface = FaustType::new(compiled.object)?.interface().clone();
                    Ok(Checked { text: compiled.text, interface: Arc::new(interface) })
                });
                let (shared, name) = (shared.clone(), name.clone());
                Box::new(move || {
                    if let Some(shared) = shared.upgrade() {
                        shared.checked(&name, found);
                    }
                })
            };
            workers.submit_for(JobKind::Check, key, source, Box::new(heed));
        }
    }
}

/// The sound of that name in a folder, to be compiled.
pub(super) fn source_of(folder: &Path, name: &str) -> Source {
    let mut source = Source::file(path_of(folder, &super::listing::file_of(name)));
    source.name = program_name(name);
    source.folders.push(folder.to_owned());
    source
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The folder's verdict on a sound, once it is `good` or not.
    fn until(folder: &Folder, name: &str, good: bool) -> Option<CompileError> {
        let since = Instant::now();
        loop {
            match folder.check(name) {
                Some(Ok(_)) if good => return None,
                Some(Err(error)) if !good => return Some(error),
                verdict => {
                    let verdict = verdict.map(|verdict| verdict.map(drop));
                    assert!(since.elapsed() < Duration::from_secs(60), "it stays {verdict:?}");
                }
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_sound_that_nothing_plays_is_checked_again_when_only_what_it_imports_changes() {
        let place = std::env::temp_dir().join(format!("krach-verdicts-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&place);
        std::fs::create_dir(&place).unwrap();
        let write = |file: &str, text: &str| std::fs::write(place.join(file), text).unwrap();
        write("level.lib", "level = 0.5;");
        write("unplayed.dsp", "import(\"level.lib\"); process = level;");
        let folder = Folder::open(&place, Contents::Sounds);
        until(&folder, "unplayed", true);
        write("level.lib", "level = nonsense;");
        let error = until(&folder, "unplayed", false);
        assert!(error.is_some_and(|error| error.to_string().contains("nonsense")));
        write("level.lib", "level = 0.25;");
        until(&folder, "unplayed", true);
        let _ = std::fs::remove_dir_all(&place);
    }
}
