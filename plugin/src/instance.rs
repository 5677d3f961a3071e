//! One plugin instance behind the host's shell: **it owns the engine on a control thread of its own,
//! serves clients over its socket, and hands the shell processors and state.**
//!
//! The host's threads speak to it by questions that are answered within a bounded time; dropping it joins
//! every thread and removes every file, whatever its clients are doing.

mod control;
mod dirty;
mod osc;
pub(crate) mod readings;
mod service;
mod telemetry_feed;
mod track;
mod view;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use krach_core::edit::{At, Edit, EditError, Receipt};
use krach_core::engine::{Engine, MacroStatus, Status};
use krach_core::link::Link;
use krach_core::node::Registry;
use krach_core::processor::Processor;

use crate::library::Library;
pub use crate::socket::EndpointInfo;
use crate::socket::registry::Entry;
use crate::socket::{Addresses, Server};
use crate::state::{Purpose, ReadError, StateError};
use control::{Command, Control};
pub use control::{Document, Opener, Saved};
use service::{ClientService, Hello};
pub use track::Track;
use view::Revision;
pub use view::{Snapshot, View};

/// How long a question of the host may take before it goes on without an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Longest name of an instance, in characters.
pub use crate::socket::registry::MAX_NAME;

/// Stack of the control thread: compiling a pattern of the deepest legal nesting recurses.
const CONTROL_STACK: usize = 16 << 20;

/// What an instance is made from.
pub struct InstanceConfig {
    /// Plugin format, e.g. `clap`.
    pub format: &'static str,
    /// Name of the host, if it said.
    pub host: Option<String>,
    /// Where the engine finds node types.
    pub registry: Registry,
    /// How the instance reaches the host.
    pub hooks: HostHooks,
}

/// Takes the names of the scenes, by number.
pub type NameScenes = dyn Fn(BTreeMap<usize, String>) + Send + Sync;

/// Called from the control thread; must return soon and may be called at any time until the instance is
/// dropped.
#[derive(Default)]
pub struct HostHooks {
    /// The session differs from what was saved or loaded last.
    pub mark_dirty: Option<Box<dyn Fn() + Send + Sync>>,
    /// The scene of that number was recalled: the host's parameter is to stand there.
    pub scene_recalled: Option<Box<dyn Fn(u8) + Send + Sync>>,
    /// These are the names of the scenes, by number.
    pub scene_names: Option<Box<NameScenes>>,
    /// Macros move other controls, or are shown otherwise.
    pub show_macros: Option<Box<dyn Fn(Vec<MacroStatus>) + Send + Sync>>,
}

/// A running instance.
pub struct Instance {
    id: String,
    commands: Sender<Command>,
    link: Arc<Link>,
    /// Where no control thread could be started, the session is what was loaded last.
    unread: Mutex<Option<Vec<u8>>>,
    /// How long a question of the host may take.
    patience: Duration,
    view: Arc<View>,
    /// `None` once it is closed.
    server: Mutex<Option<Server>>,
    control: Option<JoinHandle<()>>,
    trouble: Option<String>,
}

impl Instance {
    /// Starts the control thread and the socket server at the addresses that the environment names.
    /// Socket trouble is a text in [`Instance::socket_problem`], never an error.
    pub fn start(config: InstanceConfig) -> Self {
        Self::start_with(config, Addresses::from_env(), wants_midi_clock(|name| std::env::var_os(name)))
    }

    /// As [`Instance::start`], at the given addresses.
    pub fn start_at(config: InstanceConfig, addresses: Addresses) -> Self {
        Self::start_with(config, addresses, wants_midi_clock(|name| std::env::var_os(name)))
    }

    fn start_with(config: InstanceConfig, addresses: Addresses, midi_clock: bool) -> Self {
        let InstanceConfig { format, host, registry, hooks } = config;
        let id = new_id();
        let mut engine = Engine::new(registry);
        if midi_clock {
            engine.always_send_midi_clock();
        }
        let link = engine.link();
        let (commands, inbox) = mpsc::channel();
        let greeting = Arc::new(Mutex::new(Hello { name: id.clone(), sample_rate: None }));
        let front = ClientService {
            id: id.clone(),
            commands: Mutex::new(commands.clone()),
            link: Arc::clone(&link),
            greeting: Arc::clone(&greeting),
            dsp_folder: addresses.dsp_folder.clone(),
        };
        let entry = Entry {
            instance: id.clone(),
            name: id.clone(),
            pid: std::process::id(),
            format: format.to_owned(),
            host,
            track: None,
            colour: None,
            socket: PathBuf::new(),
            started: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        };
        let (place, problem) = (addresses.dsp_folder.clone(), addresses.dsp_problem);
        let patches = addresses.patch_folder.clone();
        let server = Server::start(addresses, entry, Arc::new(front));
        let sounds = (place.is_some() || problem.is_some()).then(|| {
            let (commands, link) = (Mutex::new(commands.clone()), Arc::clone(&link));
            let post = move |event| {
                link.submitted();
                let commands = commands.lock().unwrap_or_else(PoisonError::into_inner);
                // If nobody receives, the instance is going.
                let _ = commands.send(Command::Library(event));
            };
            Library::new(
                place.as_deref().ok_or(problem.unwrap_or_default()),
                patches.as_deref(),
                Arc::new(post),
            )
        });
        let revision = Arc::new(Revision::default());
        let seen = Arc::clone(&revision);
        let control = Control::new(id.clone(), engine, hooks, greeting, server.announcer(), sounds, seen);
        let spawned = std::thread::Builder::new()
            .name("krach-control".to_owned())
            .stack_size(CONTROL_STACK)
            .spawn(move || control.run(&inbox));
        let (control, trouble) = match spawned {
            Ok(thread) => (Some(thread), None),
            Err(error) => (None, Some(format!("no control thread: {error}; this instance stays silent"))),
        };
        let (asked, announcer) = (commands.clone(), server.announcer());
        let view = Arc::new(View::new(asked, Arc::clone(&link), announcer, trouble.clone(), revision));
        Self {
            id,
            commands,
            link,
            unread: Mutex::default(),
            patience: PATIENCE,
            view,
            server: Mutex::new(Some(server)),
            control,
            trouble,
        }
    }

    /// The instance's id: random, never saved.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where clients reach this instance, if anywhere.
    pub fn socket_path(&self) -> Option<PathBuf> {
        self.server().as_ref().and_then(Server::path)
    }

    /// The name that instances contend for, while this one holds it.
    pub fn contested_path(&self) -> Option<PathBuf> {
        self.server().as_ref().and_then(Server::contested)
    }

    /// What is wrong with the socket, for the window.
    pub fn socket_problem(&self) -> Option<String> {
        self.trouble.clone().or_else(|| self.server().as_ref().and_then(Server::problem))
    }

    fn server(&self) -> MutexGuard<'_, Option<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the connections of all clients and removes every file. Does not wait for the control thread.
    pub fn close(&self) {
        let server = self.server().take();
        drop(server);
    }

    /// What a window may see and ask, from any thread, also when the instance is gone.
    pub fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// Atomics shared with the audio thread.
    pub fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// A processor that plays the whole session, at `sample_rate` Hz in blocks of at most `max_frames`.
    /// `None` if the control thread does not come to it within ten seconds: the instance stays as it is then.
    pub fn activate(&self, sample_rate: f64, max_frames: usize) -> Option<Processor> {
        self.ask_for_change(|reply, claim| Command::Activate { sample_rate, max_frames, reply, claim })
            .map(|boxed| *boxed)
    }

    /// The processor is gone (dropped by the caller, off the audio thread).
    pub fn deactivate(&self) {
        self.ask(|reply| Command::Deactivate { reply });
    }

    /// Hands an edit of the host's (a parameter, a panic button) to the engine. `None` if the control
    /// thread does not come to it within ten seconds: the edit is not made then.
    pub fn edit(&self, edit: Edit, at: At) -> Option<Result<Receipt, EditError>> {
        self.ask_for_change(|reply, claim| Command::Edit { edit: Box::new(edit), at, reply, claim })
    }

    /// What the host says of its track: an instance without a name of its own is called as the track is.
    pub fn set_track(&self, track: Track) {
        self.link.submitted();
        // If nobody receives, the instance is going.
        let _ = self.commands.send(Command::Track(track));
    }

    /// The session in short. `None` if the control thread does not answer.
    pub fn status(&self) -> Option<Status> {
        self.ask(|reply| Command::Status { reply }).map(|boxed| *boxed)
    }

    /// What went wrong lately, newest last, for the window.
    pub fn problems(&self) -> Vec<String> {
        self.ask(|reply| Command::Problems { reply }).unwrap_or_default()
    }

    /// The chunk that the host is to store, without host parameters; empty if there is none.
    pub fn save_state(&self) -> Vec<u8> {
        self.save_state_with(BTreeMap::new()).unwrap_or_default()
    }

    /// The chunk that the host is to store, with host parameters by string id, normalised 0…1. A chunk
    /// that was refused at load is given back verbatim until the session is edited. `None` if the session as
    /// it is now cannot be given: the control thread is busy for longer than ten seconds. The host has to be
    /// told so; an older session would be a lie.
    pub fn save_state_with(&self, params: BTreeMap<String, f64>) -> Option<Vec<u8>> {
        self.save_state_for(params, Purpose::Project)
    }

    /// As [`Instance::save_state_with`], for that purpose.
    pub fn save_state_for(&self, params: BTreeMap<String, f64>, purpose: Purpose) -> Option<Vec<u8>> {
        if self.control.is_none() {
            return self.unread.lock().unwrap_or_else(PoisonError::into_inner).clone();
        }
        self.ask_for_change(|reply, claim| Command::Save { params, purpose, reply, claim }).flatten()
    }

    /// Replaces the session by the one in the chunk. A load that the control thread does not come to within ten
    /// seconds is given up and never acts; one that has begun is waited for.
    ///
    /// # Errors
    /// Why the chunk was refused. The session is untouched, and the chunk is kept: [`Instance::save_state`]
    /// gives it back until the next edit.
    pub fn load_state(&self, chunk: &[u8]) -> Result<(), StateError> {
        self.load_state_params(chunk).map(drop)
    }

    /// As [`Instance::load_state`], and gives the host parameters that the chunk carries.
    ///
    /// # Errors
    /// As [`Instance::load_state`].
    pub fn load_state_params(&self, chunk: &[u8]) -> Result<BTreeMap<String, f64>, StateError> {
        self.load_state_for(chunk, Purpose::Project)
    }

    /// As [`Instance::load_state_params`], for that purpose. A preset leaves the instance its name, and one that is
    /// refused is not kept.
    ///
    /// # Errors
    /// As [`Instance::load_state`].
    pub fn load_state_for(
        &self,
        chunk: &[u8],
        purpose: Purpose,
    ) -> Result<BTreeMap<String, f64>, StateError> {
        if self.control.is_none() && purpose != Purpose::Preset {
            *self.unread.lock().unwrap_or_else(PoisonError::into_inner) = Some(chunk.to_vec());
        }
        self.ask_for_change(|reply, claim| Command::Load { chunk: chunk.to_vec(), purpose, reply, claim })
            .unwrap_or(Err(StateError::Unanswered))
    }

    /// As [`Instance::load_state_for`], with what came of reading the host's stream: where that failed, it is told
    /// as a problem. `None` if nothing was loaded.
    pub(crate) fn load_read(
        &self,
        chunk: Result<Vec<u8>, ReadError>,
        purpose: Purpose,
    ) -> Option<BTreeMap<String, f64>> {
        match chunk {
            Ok(chunk) => self.load_state_for(&chunk, purpose).ok(),
            Err(error) => {
                self.view().report(error.to_string());
                None
            }
        }
    }

    /// The session becomes that of a file or a preset, as a step of the history; the instance's name stays.
    ///
    /// # Errors
    /// What is wrong with it, or that the control thread did not come to it. Nothing has changed then.
    pub fn open_file(&self, document: Document, by: Opener) -> Result<(), String> {
        self.ask_for_change(|reply, claim| Command::OpenNow { document, by, reply, claim })
            .unwrap_or_else(|| Err(StateError::Unanswered.to_string()))
    }

    /// Asks the control thread for what has consequences. `None` if it is given up: the control thread does not
    /// begin with it after that. What it has begun with is waited for to its end.
    fn ask_for_change<T>(&self, question: impl FnOnce(SyncSender<T>, Arc<Claim>) -> Command) -> Option<T> {
        self.control.as_ref()?;
        let (reply, answer) = mpsc::sync_channel(1);
        let claim = Arc::new(Claim::default());
        self.link.submitted();
        self.commands.send(question(reply, Arc::clone(&claim))).ok()?;
        match answer.recv_timeout(self.patience) {
            Ok(done) => Some(done),
            Err(_) if claim.take() => None,
            Err(_) => answer.recv().ok(),
        }
    }

    /// Asks the control thread and waits, within its patience.
    fn ask<T>(&self, question: impl FnOnce(SyncSender<T>) -> Command) -> Option<T> {
        self.control.as_ref()?;
        let (reply, answer) = mpsc::sync_channel(1);
        self.link.submitted();
        self.commands.send(question(reply)).ok()?;
        answer.recv_timeout(self.patience).ok()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // Clients first: after that nobody asks the control thread anything.
        self.close();
        self.link.submitted();
        let _ = self.commands.send(Command::Stop);
        if let Some(control) = self.control.take() {
            let _ = control.join();
        }
    }
}

/// Who decides what becomes of a question: the one who answers it, or the one who gives up.
#[derive(Default)]
struct Claim(AtomicBool);

impl Claim {
    /// True for whoever comes first.
    fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

/// Does the environment ask for MIDI clock whatever sessions say?
fn wants_midi_clock(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> bool {
    ["PATTERN_ENGINE_MIDI_CLOCK", "NOISE_MIDI_CLOCK"]
        .iter()
        .any(|name| variable(name).is_some_and(|v| v == "1"))
}

/// Twelve random hexadecimal digits. Should the system have none to give, time and address will do: an
/// id is a name, not a secret.
fn new_id() -> String {
    let mut bytes = [0_u8; 6];
    if getrandom::fill(&mut bytes).is_err() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
        let mixed = now ^ u64::from(std::process::id()).rotate_left(32) ^ (&raw const bytes as u64);
        bytes.copy_from_slice(&mixed.to_le_bytes()[..6]);
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
impl Instance {
    /// An instance of the tests: with the built-in types alone, and nowhere to be found.
    pub(crate) fn of_tests(hooks: HostHooks) -> Self {
        let registry = krach_core::node::Registry::with_builtins();
        let config = InstanceConfig { format: "test", host: None, registry, hooks };
        Self::start_at(config, Addresses::nowhere())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use krach_core::model::Setting;

    #[test]
    fn midi_clock_is_on_by_either_name_and_only_by_1() {
        let set = |known: &'static str, value: &'static str| {
            wants_midi_clock(move |name| (name == known).then(|| value.into()))
        };
        assert!(set("PATTERN_ENGINE_MIDI_CLOCK", "1") && set("NOISE_MIDI_CLOCK", "1"));
        assert!(!set("NOISE_MIDI_CLOCK", "0") && !set("NOISE_MIDI_CLOCK", "") && !set("OTHER", "1"));
    }

    fn instance(mark_dirty: impl Fn() + Send + Sync + 'static) -> Instance {
        let hooks = HostHooks { mark_dirty: Some(Box::new(mark_dirty)), ..HostHooks::default() };
        Instance::of_tests(hooks)
    }

    fn bpm(chunk: &[u8]) -> f64 {
        let payload = crate::state::Payload::decode(chunk).unwrap();
        let session: serde_json::Value = serde_json::from_slice(payload.session()).unwrap();
        session["tempo"].as_f64().unwrap()
    }

    #[test]
    fn a_save_is_the_present_session_or_none_and_a_late_one_is_told() {
        let (busy, is_busy) = mpsc::channel();
        let (go_on, wait) = mpsc::channel::<()>();
        let (busy, wait) = (Mutex::new(busy), Mutex::new(wait));
        // The control thread asks the host, which takes its time.
        let mut instance = instance(move || {
            let _ = busy.lock().unwrap().send(());
            let _ = wait.lock().unwrap().recv();
        });
        assert_eq!(bpm(&instance.save_state()), 120.0);
        instance.edit(Edit::Setting(Setting::Bpm(99.0)), At::Now).unwrap().unwrap();
        is_busy.recv().unwrap();
        let patience = std::mem::replace(&mut instance.patience, Duration::from_millis(20));
        assert_eq!(instance.save_state_with(BTreeMap::new()), None, "an older session is none");
        assert_eq!(instance.save_state_with(BTreeMap::new()), None);
        instance.patience = patience;
        // The host is asked once more: what it was not given is not saved.
        go_on.send(()).unwrap();
        is_busy.recv().unwrap();
        drop(go_on);
        assert_eq!(bpm(&instance.save_state()), 99.0);
        let problems = instance.problems();
        assert!(problems.iter().any(|text| text.contains("was not saved")), "{problems:?}");
    }

    #[test]
    fn what_was_given_up_does_not_act_later() {
        let (busy, is_busy) = mpsc::channel();
        let (go_on, wait) = mpsc::channel::<()>();
        let (busy, wait) = (Mutex::new(busy), Mutex::new(wait));
        let mut instance = instance(move || {
            let _ = busy.lock().unwrap().send(());
            let _ = wait.lock().unwrap().recv();
        });
        instance.edit(Edit::Setting(Setting::Bpm(77.0)), At::Now).unwrap().unwrap();
        let other = instance.save_state();
        instance.edit(Edit::Setting(Setting::Bpm(99.0)), At::Now).unwrap().unwrap();
        is_busy.recv().unwrap();
        let patience = std::mem::replace(&mut instance.patience, Duration::from_millis(20));
        assert!(instance.edit(Edit::Setting(Setting::Bpm(55.0)), At::Now).is_none());
        assert!(instance.activate(48_000.0, 64).is_none());
        assert_eq!(instance.load_state(&other), Err(StateError::Unanswered));
        instance.patience = patience;
        drop(go_on);
        assert_eq!(instance.status().unwrap().settings.bpm, 99.0, "what played plays on");
        assert_eq!(instance.save_state(), other, "what was not loaded is saved back");
        let problems = instance.problems();
        for what in ["an edit", "the start of the sound", "was not loaded"] {
            assert!(problems.iter().any(|text| text.contains(what)), "{what}: {problems:?}");
        }
        assert!(instance.activate(48_000.0, 64).is_some(), "the next one is served");
        instance.deactivate();
        instance.load_state(&other).unwrap();
        assert_eq!(instance.status().unwrap().settings.bpm, 77.0);
    }

    #[test]
    fn what_has_begun_is_waited_for() {
        let mut instance = instance(|| {});
        instance.patience = Duration::ZERO;
        let done = instance.ask_for_change(|reply, claim| {
            assert!(claim.take(), "it begins");
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(50));
                reply.send(7).unwrap();
            });
            Command::Report { problem: "busy".to_owned() }
        });
        assert_eq!(done, Some(7));
    }

    #[test]
    fn without_a_control_thread_what_was_loaded_is_saved_back() {
        let mut instance = instance(|| {});
        instance.commands.send(Command::Stop).unwrap();
        instance.control.take().unwrap().join().unwrap();
        assert_eq!(instance.save_state_with(BTreeMap::new()), None);
        assert!(instance.load_state(b"whatever it is").is_err());
        assert_eq!(instance.save_state(), b"whatever it is");
    }
}
