//! The control thread: runs what the host and the clients ask, one at a time, and keeps the engine ticking
//! while something is on its way.

mod activation;
mod clients;
mod command;
mod naming;
mod open;
mod publish;
mod scenes;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use krach_core::edit::{At, Edit};
use krach_core::engine::{Engine, Notice};
use krach_core::link::Link;

use super::HostHooks;
use super::osc::OscSender;
use super::service::Hello;
use super::telemetry_feed::TelemetryFeed;
use super::view::{Revision, Snapshot};
use crate::library::{Library, LibraryEvent};
use crate::problems::{About, Problems};
use crate::protocol::background::Threads;
use crate::protocol::events::log::Author;
use crate::socket::Announcer;
use crate::state::{Purpose, StateError};
use activation::{Activating, COMPILE_PATIENCE};
use clients::Clients;
pub(super) use command::Command;
use naming::Naming;
use open::StateKeeper;
pub use open::{Document, Opener, Saved};
use scenes::HostView;

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

/// Events of compile threads and watchers that one tick takes in.
const EVENTS_PER_TICK: usize = 256;

/// How a problem begins that is the control thread's own.
const TOO_LATE: &str = "the host waited too long for";

/// Everything the control thread owns.
pub(super) struct Control {
    engine: Engine,
    link: Arc<Link>,
    sounds: Option<Library>,
    /// What compile threads and watchers have said and no tick has taken in yet.
    events: VecDeque<LibraryEvent>,
    clients: Clients,
    state: StateKeeper,
    naming: Naming,
    host: HostView,
    activating: Option<Activating>,
    osc: OscSender,
    threads: Threads,
    feed: TelemetryFeed,
    problems: Problems,
    /// Where the session or its sounds may have changed since it was last asked which problems stand.
    unsettled: bool,
    active: bool,
    /// How often the session was changed.
    changes: u64,
    /// The last tick panicked: the next ones are not to be a thousand a second.
    faulty: bool,
    /// Commands so far.
    handled: u64,
    revision: Arc<Revision>,
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
            link: engine.link(),
            sounds,
            events: VecDeque::new(),
            clients: Clients::default(),
            state: StateKeeper::new(&engine),
            naming: Naming::new(id, greeting, announcer),
            host: HostView::new(hooks),
            activating: None,
            osc: OscSender::default(),
            threads: Threads::default(),
            feed: TelemetryFeed::new(engine.link()),
            problems: Problems::default(),
            unsettled: false,
            active: false,
            changes: 0,
            faulty: false,
            handled: 0,
            revision,
            engine,
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
                let changes = !matches!(command, Command::Snapshot { .. } | Command::Status { .. });
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
            self.guarded(Self::publish_telemetry);
            if self.engine.settled() && self.events.is_empty() && !self.awaits_sounds() {
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
        } else if !self.events.is_empty() {
            timeout = Some(Duration::ZERO);
        } else if !self.clients.deferred.is_empty() || self.engine.in_flight() || self.engine.plays_osc() {
            timeout = Some(TICK);
        } else if self.engine.busy() {
            timeout = Some(PENDING_TICK);
        } else if let Some(due) = self.state.dirty.due() {
            let until = due.saturating_duration_since(Instant::now());
            timeout = Some(timeout.map_or(until, |timeout| timeout.min(until)));
        }
        let due = self.activating.as_ref().map(|activating| activating.until);
        for due in due.into_iter().chain(self.feed.due()) {
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
                self.clients.remove(connection);
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
                self.naming.hello().sample_rate = None;
                let _ = reply.try_send(());
            }
            Command::Edit { edit, at, reply, claim } => {
                if !claim.take() {
                    return self.report(format!("{TOO_LATE} an edit, which was not made; try again"));
                }
                let sounds = self.sounds.as_mut();
                let ready = sounds.map_or(Ok(()), |sounds| sounds.prepare_edit(&edit, &mut self.engine));
                let label = self.engine.label_of(&edit);
                // What the host moves is the host's to take back.
                let outcome = ready.and_then(|()| self.engine.edit_unrecorded(*edit, at));
                if let Ok(receipt) = &outcome {
                    self.state.last_edit = receipt.seq;
                    self.edited();
                    self.committed(Author::Host, &label, receipt.position);
                }
                let _ = reply.try_send(outcome);
            }
            Command::WindowEdit { edit, at } => self.edit_by_window(*edit, at),
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
            Command::Snapshot { reply } => {
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
                        self.state.dirty.lost();
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
            Command::Library(event) => self.events.push_back(event),
            Command::Stop => {}
        }
    }

    fn edit_by_window(&mut self, edit: Edit, at: At) {
        let label = self.engine.label_of(&edit);
        match self.engine.edit(edit, at) {
            Ok(receipt) => {
                self.state.last_edit = receipt.seq;
                self.edited();
                self.committed(Author::Window, &label, receipt.position);
            }
            Err(error) => self.report(error.to_string()),
        }
    }

    /// The session may use other sounds now.
    fn follow_sounds(&mut self) {
        if let Some(sounds) = &mut self.sounds {
            sounds.sync_with_session(&mut self.engine);
        }
    }

    fn edited(&mut self) {
        self.unsettled = true;
        self.follow_sounds();
        self.state.dirty.touch();
    }

    /// Takes in what compile threads and watchers had to say by now; the tick's plan is one for all of it.
    fn handle_events(&mut self) {
        for _ in 0..EVENTS_PER_TICK {
            let Some(event) = self.events.pop_front() else { return };
            self.unsettled = true;
            if let Some(sounds) = &mut self.sounds {
                sounds.handle(event, &mut self.engine);
            }
            self.state.dirty.touch();
        }
    }

    fn tick(&mut self) {
        self.handle_events();
        self.tell_of_sounds();
        let busy = self.engine.busy();
        self.tick_engine();
        let mut acted = busy && !self.engine.busy();
        for connection in self.clients.connections.values_mut() {
            acted |= connection.settle(&self.engine);
        }
        if acted {
            // An edit changes the session when its time comes, not when it is asked for.
            self.edited();
            self.revision.advance();
        }
        self.answer_deferred();
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
                self.clients.connections.values_mut().for_each(|connection| connection.failed(*seq, message));
                failed = Some(*seq);
            }
            let text = notice.to_string();
            match notice {
                // That something was late is history: whoever listens is told.
                Notice::Late { .. } | Notice::Recalled { .. } => self.tell_problem(failed, text),
                Notice::EditFailed { .. } | Notice::NodeFault { silenced: false, .. } => {
                    self.report_about(failed, text, About::Past);
                }
                notice => self.report_about(failed, text, About::Notice(notice)),
            }
        }
        let due = self.engine.take_osc();
        if let Some(target) = self.engine.session().settings.osc_target.as_ref().filter(|_| !due.is_empty())
            && let Err(problem) = self.osc.send(target, &due)
        {
            self.report(problem);
        }
    }

    fn report_changes(&mut self) {
        if !self.state.dirty.look(&self.engine) {
            return;
        }
        self.announce();
        if let Some(mark_dirty) = &self.host.hooks.mark_dirty {
            mark_dirty();
        }
    }
}
