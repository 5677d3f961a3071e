//! The control thread: runs what the host and the clients ask, one at a time, and keeps the engine ticking
//! while something is on its way.

mod open;
mod publish;
mod scenes;

use krach_core::model::{MacroState, MacroTarget, Setting};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use krach_core::edit::{At, Edit, EditError, Receipt, Scenes};
use krach_core::engine::{Engine, MacroLearning, MacroStatus, Notice, Status};
use krach_core::link::Link;
use krach_core::processor::Processor;
use krach_core::session::label_of;

use super::dirty::Dirty;
use super::frames::Frames;
use super::osc::OscSender;
use super::service::Hello;
use super::track::Track;
use super::view::{Revision, Snapshot};
use super::{Claim, HostHooks};
use crate::library::{Library, Word};
use crate::problems::{About, Problems};
use crate::protocol::Connection;
use crate::protocol::background::Threads;
use crate::protocol::context::RequestContext;
use crate::protocol::events::log::Author;
use crate::protocol::{Action, Deferred, Outcome};
use crate::socket::{Announcer, ReplySlot};
use crate::state::{Purpose, StateError};
pub use open::{Document, Opener, Saved};

/// Between two ticks while something is on its way: the audio thread cannot wake us.
const TICK: Duration = Duration::from_millis(1);

/// Between two ticks while edits wait for their position: audio has what it needs for those that are near.
const PENDING_TICK: Duration = Duration::from_millis(10);

/// Between two ticks while a processor lives: what it reports by itself is not urgent.
const IDLE_TICK: Duration = Duration::from_millis(100);

/// Between two ticks while there are scenes and time runs: what follows a recall by the host is to be ready before the
/// next.
const SCENE_TICK: Duration = Duration::from_millis(5);

/// Between two ticks while there are scenes and time stands: only a hand recalls them then.
const STANDING_SCENE_TICK: Duration = Duration::from_millis(25);

/// Commands between two ticks.
const COMMANDS_PER_TICK: usize = 64;

/// Words of compile threads and watchers that one tick takes in.
const WORDS_PER_TICK: usize = 256;

/// Host parameters by string id, normalised 0…1.
type Params = BTreeMap<String, f64>;

/// What the control thread can be asked.
pub(super) enum Command {
    /// A client's request, and the line that it came in.
    Request { connection: u64, action: Action, line: Vec<u8>, slot: ReplySlot },
    /// A client is gone.
    Closed { connection: u64 },
    /// The host activates.
    Activate { sample_rate: f64, max_frames: usize, reply: SyncSender<Box<Processor>>, claim: Arc<Claim> },
    /// The host has dropped the processor.
    Deactivate { reply: SyncSender<()> },
    /// An edit by the host.
    Edit { edit: Box<Edit>, at: At, reply: SyncSender<Result<Receipt, EditError>>, claim: Arc<Claim> },
    /// The session in short.
    Status { reply: SyncSender<Box<Status>> },
    /// An edit by the window, which waits for no answer.
    Do { edit: Box<Edit>, at: At },
    /// The session becomes the scene of that number, or a new one, as the window wants it.
    SaveScene(Option<u8>),
    /// One target of a macro is another, or gone; without targets and a name there is no macro.
    Target { number: u8, label: String, to: Option<MacroTarget> },
    /// What waits for a macro from now on, as the window wants it.
    LearnMacro(Option<MacroLearning>),
    /// Something that went wrong elsewhere.
    Report { problem: String },
    /// What the host says of its track.
    Track(Track),
    /// What the window shows.
    Look { reply: SyncSender<Box<Snapshot>> },
    /// What went wrong lately.
    Problems { reply: SyncSender<Vec<String>> },
    /// The host saves.
    Save { params: Params, purpose: Purpose, reply: SyncSender<Option<Vec<u8>>>, claim: Arc<Claim> },
    /// The host loads.
    Load {
        chunk: Vec<u8>,
        purpose: Purpose,
        reply: SyncSender<Result<Params, StateError>>,
        claim: Arc<Claim>,
    },
    /// A file or a preset, while whoever opens it waits.
    OpenNow { document: Document, by: Opener, reply: SyncSender<Result<(), String>>, claim: Arc<Claim> },
    /// The session as a document for a file.
    Document { reply: SyncSender<Saved> },
    /// What compile threads and watchers have to say.
    Word(Word),
    /// The end.
    Stop,
}

/// How long an activation waits for the sounds of its session to be compiled: those that come later fade in
/// when they are there. What was compiled on this machine before takes a millisecond.
const COMPILE_PATIENCE: Duration = Duration::from_secs(5);

/// How a problem begins that is the control thread's own.
const TOO_LATE: &str = "the host waited too long for";

/// An activation that waits for sounds.
struct Activating {
    sample_rate: f64,
    max_frames: usize,
    reply: SyncSender<Box<Processor>>,
    claim: Arc<Claim>,
    until: Instant,
}

/// A chunk that was refused, to be saved back for as long as the session is what it was then: an edit
/// that changes nothing (a panic, a hush) is no reason to lose it.
struct RefusedChunk {
    chunk: Vec<u8>,
    session: Vec<u8>,
}

/// A reply that takes its time.
struct Waiting {
    connection: u64,
    line: Vec<u8>,
    wait: Deferred,
    slot: ReplySlot,
}

/// Everything the control thread owns.
pub(super) struct Control {
    id: String,
    engine: Engine,
    link: Arc<Link>,
    hooks: HostHooks,
    greeting: Arc<Mutex<Hello>>,
    announcer: Announcer,
    connections: HashMap<u64, Connection>,
    waiting: Vec<Waiting>,
    problems: Problems,
    sounds: Option<Library>,
    activating: Option<Activating>,
    /// What compile threads and watchers have said and no tick has taken in yet.
    words: VecDeque<Word>,
    osc: OscSender,
    threads: Threads,
    dirty: Dirty,
    frames: Frames,
    /// A chunk that was refused, to be saved back until the session is edited.
    kept: Option<RefusedChunk>,
    track: Track,
    /// What the instance is called while the session has no name.
    default_name: String,
    active: bool,
    /// Number of the last edit that the engine accepted.
    last_edit: u64,
    /// How often the session was changed.
    changes: u64,
    /// The last tick panicked: the next ones are not to be a thousand a second.
    faulty: bool,
    handled: u64,
    revision: Arc<Revision>,
    /// Where the session or its sounds may have changed since it was last asked which problems stand.
    unsettled: bool,
    /// The scenes whose names the host was told.
    named: Arc<Scenes>,
    /// Macros as the host knows them, and those of the session that they were made from.
    macros: (Vec<MacroStatus>, Arc<Vec<MacroState>>),
}

/// Whatever ends the control thread, an offline `process` must not wait for it ever after.
impl Drop for Control {
    fn drop(&mut self) {
        self.link.settled(u64::MAX);
    }
}

impl Control {
    /// Ready to run.
    pub(super) fn new(
        id: String,
        engine: Engine,
        hooks: HostHooks,
        greeting: Arc<Mutex<Hello>>,
        announcer: Announcer,
        sounds: Option<Library>,
        revision: Arc<Revision>,
    ) -> Self {
        Self {
            sounds,
            activating: None,
            words: VecDeque::new(),
            link: engine.link(),
            dirty: Dirty::new(&engine),
            frames: Frames::new(engine.link()),
            track: Track::default(),
            default_name: id.clone(),
            id,
            engine,
            hooks,
            greeting,
            announcer,
            connections: HashMap::new(),
            waiting: Vec::new(),
            problems: Problems::default(),
            osc: OscSender::default(),
            threads: Threads::default(),
            kept: None,
            active: false,
            last_edit: 0,
            changes: 0,
            faulty: false,
            handled: 0,
            revision,
            unsettled: false,
            named: Arc::default(),
            macros: Default::default(),
        }
    }

    /// Serves until [`Command::Stop`]. A panic in one command or tick is reported and survived.
    pub(super) fn run(mut self, inbox: &Receiver<Command>) {
        self.guarded(|control| {
            if let Some(sounds) = &mut control.sounds {
                sounds.start(&mut control.engine);
            }
        });
        loop {
            let mut next = match self.receive(inbox) {
                Ok(command) => Some(command),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            for handled in 1..=COMMANDS_PER_TICK {
                let Some(command) = next.take() else { break };
                if matches!(command, Command::Stop) {
                    return;
                }
                self.handled += 1;
                let changes = !matches!(command, Command::Look { .. } | Command::Status { .. });
                self.guarded(|control| control.handle(command));
                if changes {
                    self.revision.advance();
                }
                if handled < COMMANDS_PER_TICK {
                    next = inbox.try_recv().ok();
                }
            }
            self.faulty = self.guarded(Self::tick).is_none();
            self.guarded(Self::activate_when_ready);
            self.guarded(Self::show_macros);
            self.guarded(Self::settle_problems);
            self.guarded(Self::publish_pictures);
            if self.engine.settled() && self.words.is_empty() && !self.awaits_sounds() {
                self.link.settled(self.handled);
            }
            self.guarded(Self::name_scenes);
            self.guarded(Self::report_changes);
        }
    }

    fn receive(&self, inbox: &Receiver<Command>) -> Result<Command, RecvTimeoutError> {
        let idle = match (self.engine.session().scenes.is_empty(), self.link.position().running) {
            (true, _) => IDLE_TICK,
            (false, true) => SCENE_TICK,
            (false, false) => STANDING_SCENE_TICK,
        };
        let mut timeout = (self.active || self.faulty).then_some(idle);
        if self.faulty {
            // Requests are still answered at once.
        } else if !self.words.is_empty() {
            timeout = Some(Duration::ZERO);
        } else if !self.waiting.is_empty() || self.engine.in_flight() || self.engine.plays_osc() {
            timeout = Some(TICK);
        } else if self.engine.busy() {
            timeout = Some(PENDING_TICK);
        } else if let Some(due) = self.dirty.due() {
            let until = due.saturating_duration_since(Instant::now());
            timeout = Some(timeout.map_or(until, |timeout| timeout.min(until)));
        }
        let due = self.activating.as_ref().map(|activating| activating.until);
        for due in due.into_iter().chain(self.frames.due()) {
            let until = due.saturating_duration_since(Instant::now());
            timeout = Some(timeout.map_or(until, |timeout| timeout.min(until)));
        }
        match timeout {
            Some(timeout) => inbox.recv_timeout(timeout),
            None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// Does the work; a panic in it is reported, and the work's result is `None`.
    fn guarded<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let panic = match catch_unwind(AssertUnwindSafe(|| work(self))) {
            Ok(result) => return Some(result),
            Err(panic) => panic,
        };
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let what = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        self.report(format!("internal error: {what}; what played before plays on"));
        None
    }

    fn handle(&mut self, command: Command) {
        // An answer that nobody waits for any more is dropped here, on the control thread.
        match command {
            Command::Request { connection, action, line, slot } => {
                self.request(connection, action, line, slot);
            }
            Command::Closed { connection } => {
                self.connections.remove(&connection);
                self.waiting.retain(|waiting| waiting.connection != connection);
                self.count_watchers();
            }
            Command::Activate { sample_rate, max_frames, reply, claim } => {
                let until = Instant::now() + COMPILE_PATIENCE;
                self.activating = Some(Activating { sample_rate, max_frames, reply, claim, until });
                self.activate_when_ready();
            }
            Command::Deactivate { reply } => {
                self.engine.deactivate();
                self.active = false;
                self.greeting().sample_rate = None;
                let _ = reply.try_send(());
            }
            Command::Edit { edit, at, reply, claim } => {
                if !claim.take() {
                    return self.report(format!("{TOO_LATE} an edit, which was not made; try again"));
                }
                let sounds = self.sounds.as_mut();
                let ready = sounds.map_or(Ok(()), |sounds| sounds.before(&edit, &mut self.engine));
                let label = label_of(&edit);
                // What the host moves is the host's to take back.
                let outcome = ready.and_then(|()| self.engine.edit_unrecorded(*edit, at));
                if let Ok(receipt) = &outcome {
                    self.last_edit = receipt.seq;
                    self.edited();
                    self.committed(Author::Host, &label, receipt.position);
                }
                let _ = reply.try_send(outcome);
            }
            Command::Do { edit, at } => self.edit_by_window(*edit, at),
            Command::SaveScene(number) => self.save_scene(number),
            Command::Target { number, label, to } => {
                let Some(mut state) = self.engine.session().macro_of(number).cloned() else { return };
                let Some(at) = state.targets.iter().position(|target| target.label == label) else { return };
                state.targets.splice(at..=at, to);
                self.edit_by_window(Edit::Macro { number, to: Some(Box::new(state)) }, At::Now);
            }
            Command::LearnMacro(learning) => {
                if let Err(error) = self.engine.learn_macro(learning) {
                    self.report(error.to_string());
                }
            }
            Command::Report { problem } => self.report(problem),
            Command::Track(track) => self.set_track(track),
            Command::Look { reply } => {
                self.tick();
                let _ = reply.try_send(Box::new(Snapshot {
                    nodes: self.engine.nodes(),
                    free_run: self.engine.session().settings.free_run,
                    scenes: self.scenes(),
                    scene: self.scene(),
                    macros: self.engine.macros(),
                    learning: self.engine.learning_macro().cloned(),
                    poisoned: self.engine.poisoned(),
                    problems: self.problems.texts().map(str::to_owned).collect(),
                }));
            }
            Command::Status { reply } => {
                self.tick();
                let _ = reply.try_send(Box::new(self.engine.status()));
            }
            Command::Problems { reply } => {
                self.tick();
                let _ = reply.try_send(self.problems.texts().map(str::to_owned).collect());
            }
            Command::Save { params, purpose, reply, claim } => {
                let chunk = self.chunk(params, purpose);
                if !claim.take() {
                    if purpose != Purpose::Preset {
                        self.dirty.lost();
                    }
                    return self.report(format!("{TOO_LATE} the session, which was not saved; save again"));
                }
                let _ = reply.try_send(self.saved(chunk, purpose));
            }
            Command::Load { chunk, purpose, reply, claim } => {
                let outcome = match claim.take() {
                    true => self.load(chunk, purpose),
                    false => Err(self.refuse(chunk, StateError::Unanswered, purpose)),
                };
                let _ = reply.try_send(outcome);
            }
            Command::OpenNow { document, by, reply, claim } => {
                if !claim.take() {
                    return self.report(format!("{TOO_LATE} a session, which was not opened; open it again"));
                }
                let _ = reply.try_send(self.open(&document, by));
            }
            Command::Document { reply } => {
                let complete = !self.awaits_sounds();
                let _ = reply.try_send(Saved { document: self.engine.save(), complete });
            }
            Command::Word(word) => self.words.push_back(word),
            Command::Stop => {}
        }
    }

    fn edit_by_window(&mut self, edit: Edit, at: At) {
        let label = label_of(&edit);
        match self.engine.edit(edit, at) {
            Ok(receipt) => {
                self.last_edit = receipt.seq;
                self.edited();
                self.committed(Author::Window, &label, receipt.position);
            }
            Err(error) => self.report(error.to_string()),
        }
    }

    /// Is the session waiting for a sound to be compiled?
    fn awaits_sounds(&self) -> bool {
        self.sounds.as_ref().is_some_and(|sounds| sounds.awaited(&self.engine))
    }

    /// Builds the processor that the host waits for, once everything in it has its code.
    fn activate_when_ready(&mut self) {
        let awaits = self.awaits_sounds();
        let ready = |activating: &mut Activating| !awaits || Instant::now() >= activating.until;
        let Some(Activating { sample_rate, max_frames, reply, claim, .. }) = self.activating.take_if(ready)
        else {
            return;
        };
        if !claim.take() {
            return self
                .report(format!("{TOO_LATE} the start of the sound, which stays off; activate again"));
        }
        if awaits {
            let seconds = COMPILE_PATIENCE.as_secs();
            let problem = format!(
                "some sounds are still being compiled after {seconds} s; they fade in when they are there"
            );
            self.report_about(None, problem, About::Compiling);
        }
        let processor = self.engine.activate(sample_rate, max_frames);
        self.active = true;
        self.frames.activated(max_frames as f64 / sample_rate);
        self.greeting().sample_rate = Some(sample_rate);
        let _ = reply.try_send(Box::new(processor));
    }

    /// The session may use other sounds now.
    fn follow_sounds(&mut self) {
        if let Some(sounds) = &mut self.sounds {
            sounds.follow(&mut self.engine);
        }
    }

    fn request(&mut self, connection: u64, action: Action, line: Vec<u8>, slot: ReplySlot) {
        self.connections.entry(connection).or_default().pushes.get_or_insert_with(|| slot.queue());
        self.tick_engine();
        let outcome = self.in_context(connection, &line, action);
        self.count_watchers();
        self.tell_of_sounds();
        match outcome {
            Outcome::Reply(line) => slot.answer(line),
            Outcome::Later(wait) => {
                slot.park();
                self.waiting.push(Waiting { connection, line, wait, slot });
            }
        }
    }

    /// Does a client's work, and what follows from what it has changed.
    fn in_context<T>(
        &mut self,
        connection: u64,
        line: &[u8],
        work: impl FnOnce(&mut RequestContext<'_>) -> T,
    ) -> T {
        let before = self.last_edit;
        let mut changed = false;
        let done = work(&mut RequestContext {
            engine: &mut self.engine,
            sounds: self.sounds.as_mut(),
            instance: &self.id,
            problems: &self.problems,
            announcer: &self.announcer,
            connection: self.connections.entry(connection).or_default(),
            last_edit: &mut self.last_edit,
            changed: &mut changed,
            threads: &mut self.threads,
        });
        let edited = self.last_edit != before;
        if edited {
            self.edited();
        }
        if edited || changed {
            let seq = self.last_edit;
            let receipt = self.connections.get(&connection).and_then(Connection::last_receipt);
            let position = receipt.filter(|receipt| edited && receipt.seq == seq).and_then(|r| r.position);
            self.committed(Author::Client { number: connection, line }, "", position);
        }
        done
    }

    fn edited(&mut self) {
        self.unsettled = true;
        self.follow_sounds();
        self.dirty.touch();
    }

    /// Takes in what compile threads and watchers had to say by now; the tick's plan is one for all of it.
    fn hear_words(&mut self) {
        for _ in 0..WORDS_PER_TICK {
            let Some(word) = self.words.pop_front() else { return };
            self.unsettled = true;
            if let Some(sounds) = &mut self.sounds {
                sounds.hear(word, &mut self.engine);
            }
            self.dirty.touch();
        }
    }

    fn tick(&mut self) {
        self.hear_words();
        self.tell_of_sounds();
        let busy = self.engine.busy();
        self.tick_engine();
        let mut acted = busy && !self.engine.busy();
        for connection in self.connections.values_mut() {
            acted |= connection.settle(&self.engine);
        }
        if acted {
            // An edit changes the session when its time comes, not when it is asked for.
            self.edited();
            self.revision.advance();
        }
        for mut waiting in std::mem::take(&mut self.waiting) {
            match self.in_context(waiting.connection, &waiting.line, &mut waiting.wait) {
                Some(line) => waiting.slot.answer(line),
                None => self.waiting.push(waiting),
            }
        }
    }

    fn tick_engine(&mut self) {
        let waiting = self.engine.waiting();
        let notices = self.engine.tick();
        if self.engine.waiting() < waiting {
            self.tell_of_session(None);
        }
        for notice in notices {
            if let Notice::Recalled { number, name, seq, late } = &notice {
                self.scene_was_recalled(*number, name, *seq, *late);
                if !late {
                    continue;
                }
            }
            let mut failed = None;
            if let Notice::EditFailed { seq, message } = &notice {
                self.connections.values_mut().for_each(|connection| connection.failed(*seq, message));
                failed = Some(*seq);
            }
            let text = notice.to_string();
            self.report_about(failed, text, About::Notice(notice));
        }
        let due = self.engine.take_osc();
        if let Some(target) = self.engine.session().settings.osc_target.as_ref().filter(|_| !due.is_empty())
            && let Err(problem) = self.osc.send(target, &due)
        {
            self.report(problem);
        }
    }

    fn report_changes(&mut self) {
        if !self.dirty.look(&self.engine) {
            return;
        }
        self.announce();
        if let Some(mark_dirty) = &self.hooks.mark_dirty {
            mark_dirty();
        }
    }

    /// Two instances of one name could not be told apart: the later one becomes `bass-2`.
    fn take_free_name(&mut self) {
        let wanted = self.engine.session().settings.name.clone();
        if wanted.is_empty() {
            self.take_default_name();
            return self.announce();
        }
        let free = self.announcer.announce_unique(&wanted);
        if free != wanted
            && self.engine.edit_unrecorded(Edit::Setting(Setting::Name(free.clone())), At::Now).is_err()
        {
            self.report(format!("two instances are called {wanted}"));
        }
        self.announce();
    }

    /// The host has said something of its track: clients find it in the entry, and where the session has no name, its
    /// name is the instance's.
    fn set_track(&mut self, track: Track) {
        self.track = track.or(std::mem::take(&mut self.track));
        self.announcer.set_track(self.track.name.clone(), self.track.colour.clone());
        if self.engine.session().settings.name.is_empty() {
            self.take_default_name();
        }
        self.announce();
    }

    /// Chooses what the instance is called without a name of its own: as the track, else by its id.
    fn take_default_name(&mut self) {
        self.default_name = match &self.track.name {
            Some(track) => self.announcer.announce_unique(track),
            None => self.id.clone(),
        };
    }

    /// Tells clients the present name.
    fn announce(&mut self) {
        let name = &self.engine.session().settings.name;
        let shown = if name.is_empty() { self.default_name.clone() } else { name.clone() };
        self.announcer.announce(&shown);
        self.greeting().name = shown;
    }

    fn greeting(&self) -> std::sync::MutexGuard<'_, Hello> {
        self.greeting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
