//! Listening for an instance: its own address, the contested name, and the threads of its clients.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use interprocess::local_socket::traits::{Listener as _, Stream as _};
use interprocess::local_socket::{Listener, Stream};

use super::address::{Addresses, MAX_PATH};
use super::claim::Claim;
use super::client::Client;
use super::endpoint::Endpoint;
use super::endpoint_info::EndpointInfo;
use super::folder::{FolderProblem, make_private};
use super::os::{self, WakeSource, Waker};
use super::registry::{self, Entry, sweep};
use super::{MAX_CLIENTS, Replies, Service};

/// How often the addresses are looked after: a deleted name is back well within a second.
const TEND: Duration = Duration::from_millis(250);

/// Between two tries to get what the system had not to give: descriptors, a folder.
const RETRY: Duration = Duration::from_secs(1);

/// Stack of a client's thread: parsing a pattern of the deepest legal nesting recurses.
pub(crate) const DEEP_STACK: usize = 16 << 20;

/// The running server. Dropping it ends every connection, joins every thread and removes every file.
pub(crate) struct Server {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    stop: AtomicBool,
    /// Not there while the process is out of descriptors.
    waker: OnceLock<Waker>,
    service: Arc<dyn Service>,
    standing: Mutex<Standing>,
    clients: AtomicUsize,
}

/// What the other threads may know and say about the addresses.
struct Standing {
    entry: Entry,
    entry_changed: bool,
    folder: Option<PathBuf>,
    own: Option<PathBuf>,
    contested: Option<PathBuf>,
    named: bool,
    problems: Vec<String>,
}

impl Shared {
    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.get() {
            waker.wake();
        }
    }
}

impl Server {
    /// Starts listening. Whatever fails is a text in [`Server::problem`], never an error: an instance
    /// without a socket still plays. `entry.socket` is filled in.
    pub(crate) fn start(addresses: Addresses, entry: Entry, service: Arc<dyn Service>) -> Self {
        let mut standing = Standing {
            entry,
            entry_changed: false,
            folder: None,
            own: None,
            contested: None,
            named: addresses.named,
            problems: Vec::new(),
        };
        let waker = OnceLock::new();
        let source = wake_source(&waker, &mut standing);
        let mut listening = Listening {
            own: None,
            folders: addresses.folders,
            claim: addresses.contested.map(Claim::new),
            refused: Vec::new(),
            tried: None,
        };
        if source.is_some() {
            listening.tend(&mut standing);
        }
        let stop = AtomicBool::new(false);
        let shared = Arc::new(Shared {
            stop,
            waker,
            service,
            standing: Mutex::new(standing),
            clients: AtomicUsize::new(0),
        });
        let accepting = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("krach-accept".to_owned())
            .spawn(move || accept(&accepting, listening, source))
            .map_err(|error| shared.standing().problems.push(format!("no socket: no thread: {error}")))
            .ok();
        Self { shared, thread }
    }

    /// Where clients reach this instance: the contested name if it holds it and `NOISE_SOCKET` asked for
    /// it, else its own address, else whatever there is.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.shared.standing().path()
    }

    /// The contested name, while this instance holds it.
    pub(crate) fn contested(&self) -> Option<PathBuf> {
        self.shared.standing().contested.clone()
    }

    /// What is wrong with the addresses, for the window and `Status`.
    pub(crate) fn problem(&self) -> Option<String> {
        self.announcer().problem()
    }

    /// A way to change what clients find.
    pub(crate) fn announcer(&self) -> Announcer {
        Announcer(Arc::clone(&self.shared))
    }
}

/// Changes what clients find of the instance.
pub(crate) struct Announcer(Arc<Shared>);

impl Announcer {
    /// Puts the name into the entry beside the socket.
    pub(crate) fn announce(&self, name: &str) {
        self.0.standing().rename(name);
    }

    /// Announces the first of `name`, `name-2`, `name-3`, … that no other live instance has, and says
    /// which it is.
    pub(crate) fn announce_unique(&self, name: &str) -> String {
        let mut standing = self.0.standing();
        let Some(folder) = standing.folder.clone() else { return name.to_owned() };
        let own = standing.entry.instance.clone();
        registry::one_at_a_time(&folder, || {
            let free = registry::free_name(&folder, &own, name);
            standing.rename(&free);
            free
        })
    }

    /// Puts the host's track into the entry beside the socket.
    pub(crate) fn set_track(&self, name: Option<String>, colour: Option<String>) {
        let mut standing = self.0.standing();
        if (&standing.entry.track, &standing.entry.colour) != (&name, &colour) {
            (standing.entry.track, standing.entry.colour) = (name, colour);
            standing.entry_changed = true;
            standing.write_entry();
        }
    }

    /// What is wrong with the addresses.
    pub(crate) fn problem(&self) -> Option<String> {
        self.0.standing().problem()
    }

    /// Where clients reach the instance, and how many do.
    pub(crate) fn door(&self) -> EndpointInfo {
        let standing = self.0.standing();
        EndpointInfo {
            name: standing.entry.name.clone(),
            path: standing.path(),
            clients: self.0.clients.load(Ordering::Relaxed),
            problem: standing.problem(),
        }
    }
}

impl Standing {
    fn path(&self) -> Option<PathBuf> {
        let (first, second) = match self.named {
            true => (&self.contested, &self.own),
            false => (&self.own, &self.contested),
        };
        first.as_ref().or(second.as_ref()).cloned()
    }

    fn problem(&self) -> Option<String> {
        (!self.problems.is_empty()).then(|| self.problems.join("; "))
    }

    fn rename(&mut self, name: &str) {
        if self.entry.name != name {
            name.clone_into(&mut self.entry.name);
            self.entry_changed = true;
            self.write_entry();
        }
    }

    /// Writes the entry if it has changed; what cannot be written is tried again.
    fn write_entry(&mut self) -> Option<String> {
        let folder = self.folder.as_ref().filter(|_| self.entry_changed)?;
        match self.entry.write(folder) {
            Ok(()) => {
                self.entry_changed = false;
                None
            }
            Err(error) => {
                Some(format!("clients do not find it by its name: no entry in {}: {error}", folder.display()))
            }
        }
    }
}

/// What the accepting thread waits on; `None`, and a problem that is told, if the system has none to give.
fn wake_source(waker: &OnceLock<Waker>, standing: &mut Standing) -> Option<WakeSource> {
    standing.problems.clear();
    match os::waker() {
        Ok((wake, source)) => {
            // Nobody else sets it, and it was not set.
            let _ = waker.set(wake);
            Some(source)
        }
        Err(error) => {
            let seconds = RETRY.as_secs();
            standing.problems.push(format!("no socket yet: {error}; it is tried again every {seconds} s"));
            None
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.wake();
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

/// The sockets that the accepting thread owns.
struct Listening {
    own: Option<Endpoint>,
    folders: Vec<PathBuf>,
    claim: Option<Claim>,
    refused: Vec<String>,
    /// When a folder was looked for last.
    tried: Option<Instant>,
}

impl Listening {
    /// Takes the first folder that works.
    fn open(&mut self, standing: &mut Standing) {
        self.tried = Some(Instant::now());
        self.refused.clear();
        for folder in self.folders.clone() {
            match open_in(&folder, &standing.entry.instance) {
                Ok(endpoint) => {
                    self.adopt(endpoint, &folder, standing);
                    self.refused.clear();
                    return;
                }
                Err(problem) => self.refused.push(problem.to_string()),
            }
        }
        if self.folders.is_empty() {
            self.refused.push("neither XDG_RUNTIME_DIR nor a home folder is known".to_owned());
        }
    }

    fn adopt(&mut self, endpoint: Endpoint, folder: &Path, standing: &mut Standing) {
        standing.own = Some(endpoint.path().to_owned());
        standing.folder = Some(folder.to_owned());
        endpoint.path().clone_into(&mut standing.entry.socket);
        standing.entry_changed = true;
        self.own = Some(endpoint);
    }

    /// Puts back what was deleted, takes what became free, writes the entry if it changed.
    fn tend(&mut self, standing: &mut Standing) {
        if self.own.is_none() && self.tried.is_none_or(|tried| tried.elapsed() >= RETRY) {
            self.open(standing);
        }
        if let (Some(own), Some(folder)) = (&self.own, standing.folder.clone())
            && !own.in_place()
            && let Ok(endpoint) = open_in(&folder, &standing.entry.instance)
        {
            self.adopt(endpoint, &folder, standing);
        }
        if let Some(claim) = &mut self.claim {
            claim.tend();
            standing.contested = claim.path().map(Path::to_owned);
        }
        standing.problems.clear();
        let unwritten = standing.write_entry();
        standing.problems.extend(unwritten);
        if self.own.is_none() {
            standing.problems.push(format!("no socket of its own: {}", self.refused.join(", ")));
        }
        standing.problems.extend(self.claim.as_ref().and_then(Claim::problem).map(str::to_owned));
    }

    fn listeners(&self) -> Vec<&Listener> {
        let own = self.own.as_ref().map(Endpoint::listener);
        own.into_iter().chain(self.claim.as_ref().and_then(Claim::listener)).collect()
    }

    fn close(self, standing: &Standing) {
        if let Some(folder) = &standing.folder {
            standing.entry.remove(folder);
        }
        if let Some(own) = self.own {
            own.remove();
        }
        if let Some(claim) = self.claim {
            claim.release();
        }
    }
}

fn open_in(folder: &Path, id: &str) -> Result<Endpoint, FolderProblem> {
    if cfg!(unix) && folder.join(format!("{id}.sock")).as_os_str().len() >= MAX_PATH {
        return Err(FolderProblem::TooLong(folder.to_owned()));
    }
    make_private(folder)?;
    sweep(folder);
    Endpoint::in_folder(folder, id).map_err(|error| FolderProblem::Io(folder.to_owned(), error))
}

/// A client's thread and the ways to end it.
struct Connected {
    thread: JoinHandle<()>,
    replies: Arc<Replies>,
}

/// What the accepting thread keeps of its clients.
#[derive(Default)]
struct Clients {
    connected: Vec<Connected>,
    leave: Arc<AtomicBool>,
    number: u64,
}

/// Serves until told to stop, then ends every connection and removes every file, whatever happened.
fn accept(shared: &Arc<Shared>, mut listening: Listening, mut source: Option<WakeSource>) {
    let mut clients = Clients::default();
    while !shared.stop.load(Ordering::Acquire) {
        let Some(source) = &source else {
            std::thread::park_timeout(RETRY);
            source = wake_source(&shared.waker, &mut shared.standing());
            continue;
        };
        let serving = AssertUnwindSafe(|| serve(shared, &mut listening, source, &mut clients));
        if catch_unwind(serving).is_err() {
            let _ = os::wait_wake(source, TEND);
        }
    }
    clients.leave.store(true, Ordering::Release);
    for client in clients.connected {
        client.replies.wake();
        let _ = client.thread.join();
    }
    listening.close(&shared.standing());
}

fn serve(shared: &Arc<Shared>, listening: &mut Listening, source: &WakeSource, clients: &mut Clients) {
    let mut tended: Option<Instant> = None;
    while !shared.stop.load(Ordering::Acquire) {
        if tended.is_none_or(|tended| tended.elapsed() >= TEND) {
            tended = Some(Instant::now());
            listening.tend(&mut shared.standing());
        }
        let mut troubled = os::wait_listeners(source, &listening.listeners(), TEND).is_err();
        clients.reap();
        shared.clients.store(clients.connected.len(), Ordering::Relaxed);
        for listener in listening.listeners() {
            match listener.accept() {
                Ok(stream) => {
                    clients.admit(shared, stream);
                    shared.clients.store(clients.connected.len(), Ordering::Relaxed);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => troubled = true,
            }
        }
        if troubled {
            // Out of descriptors or the like: it would be reported again at once.
            let _ = os::wait_wake(source, Duration::from_millis(50));
        }
    }
}

impl Clients {
    fn reap(&mut self) {
        for gone in self.connected.extract_if(.., |client| client.thread.is_finished()) {
            let _ = gone.thread.join();
        }
    }

    /// Gives the client a thread, unless it is another user's or one too many.
    fn admit(&mut self, shared: &Arc<Shared>, stream: Stream) {
        self.number += 1;
        let full = self.connected.len() >= MAX_CLIENTS;
        self.connected.extend(connect(shared, &self.leave, full, self.number, stream));
    }
}

fn connect(
    shared: &Arc<Shared>,
    leave: &Arc<AtomicBool>,
    full: bool,
    number: u64,
    stream: Stream,
) -> Option<Connected> {
    stream.set_nonblocking(true).ok()?;
    if !os::admit(&stream).unwrap_or(false) {
        return None;
    }
    if full {
        let _ = os::send(&stream, too_many().as_bytes());
        return None;
    }
    let (waker, wake) = os::waker().ok()?;
    let replies = Arc::new(Replies::new(waker));
    let client = Client {
        number,
        stream,
        wake,
        replies: Arc::clone(&replies),
        service: Arc::clone(&shared.service),
        stop: Arc::clone(leave),
    };
    let thread = std::thread::Builder::new()
        .name(format!("krach-client-{number}"))
        .stack_size(DEEP_STACK)
        .spawn(move || client.run())
        .ok()?;
    Some(Connected { thread, replies })
}

fn too_many() -> String {
    format!("{{\"status\":\"Error\",\"msg\":\"too many clients (the most is {MAX_CLIENTS})\"}}\n")
}
