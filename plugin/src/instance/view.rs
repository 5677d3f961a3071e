//! What a window may see and ask of an instance, from a thread of its own: questions are posted, and
//! nobody is ever kept waiting for an answer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};

use krach_core::edit::{At, Edit};
use krach_core::engine::{MacroLearning, MacroStatus, NodeStatus};
use krach_core::link::Link;
use krach_core::model::MacroTarget;

use super::control::{Command, Document, Opener, Saved};
use crate::socket::{Announcer, EndpointInfo};

/// The session and its troubles at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The nodes by the names that musicians gave.
    pub nodes: Vec<NodeStatus>,
    /// The session's own free run is on.
    pub free_run: bool,
    /// Numbers and names of the scenes, as they are shown, and whether each switches on its sample.
    pub scenes: Vec<(u8, String, bool)>,
    /// Number of the scene that was recalled or saved last, or 0; and whether the session has changed since.
    pub scene: (u8, bool),
    /// What the host's macros move.
    pub macros: Vec<MacroStatus>,
    /// What waits for a macro, or the macro that waits.
    pub learning: Option<MacroLearning>,
    /// The engine panicked and is silent.
    pub poisoned: bool,
    /// What is wrong, and what went wrong lately, newest last.
    pub problems: Vec<String>,
}

/// A window's side of an instance.
pub struct View {
    commands: Mutex<Sender<Command>>,
    link: Arc<Link>,
    announcer: Announcer,
    trouble: Option<String>,
    revision: Arc<Revision>,
}

/// Counts what may have changed the answer to [`View::ask`].
#[derive(Debug, Default)]
pub(super) struct Revision(AtomicU64);

impl Revision {
    /// Something may have changed.
    pub fn advance(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

impl View {
    pub(super) fn new(
        commands: Sender<Command>,
        link: Arc<Link>,
        announcer: Announcer,
        trouble: Option<String>,
        revision: Arc<Revision>,
    ) -> Self {
        Self { commands: Mutex::new(commands), link, announcer, trouble, revision }
    }

    /// Atomics shared with the audio thread.
    pub fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// A number that rises when the session, or what is known of it, may have changed.
    pub fn revision(&self) -> u64 {
        self.revision.0.load(Ordering::Acquire)
    }

    /// Asks for the session as it is. The answer comes when the control thread gets to it; if the
    /// instance ends first, the channel does.
    pub fn ask(&self) -> Receiver<Box<Snapshot>> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.send(Command::Snapshot { reply });
        answer
    }

    /// Hands an edit to the engine. What is wrong with it becomes one of the problems.
    pub fn edit(&self, edit: Edit) {
        self.send(Command::WindowEdit { edit: Box::new(edit), at: At::Now });
    }

    /// The session as it is becomes the scene of that number, or a new one.
    pub fn save_scene(&self, number: Option<u8>) {
        self.send(Command::SaveScene(number));
    }

    /// The session becomes that of a file. What came of it comes when the control thread gets to it.
    pub fn open(&self, document: Document) -> Receiver<Result<(), String>> {
        let (reply, answer) = mpsc::sync_channel(1);
        let claim = Arc::default();
        self.send(Command::OpenNow { document, by: Opener::Window, reply, claim });
        answer
    }

    /// Asks for the session as a document for a file.
    pub fn document(&self) -> Receiver<Saved> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.send(Command::Document { reply });
        answer
    }

    /// One target of a macro is another, or gone.
    pub fn change_target(&self, number: u8, label: String, to: Option<MacroTarget>) {
        self.send(Command::Target { number, label, to });
    }

    /// Has a macro wait for the next control that is set, or nothing.
    pub fn learn_macro(&self, learning: Option<MacroLearning>) {
        self.send(Command::LearnMacro(learning));
    }

    /// Notes a problem for `Status` and the window.
    pub fn report(&self, problem: String) {
        self.send(Command::Report { problem });
    }

    /// Where clients reach the instance, now.
    pub fn door(&self) -> EndpointInfo {
        let mut door = self.announcer.door();
        door.problem = self.trouble.clone().or(door.problem);
        door
    }

    fn send(&self, command: Command) {
        self.link.submitted();
        // Nobody receives any more: the instance is on its way out, and the window with it.
        let _ = self.commands.lock().unwrap_or_else(PoisonError::into_inner).send(command);
    }
}
