//! What the control thread can be asked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use krach_core::edit::{At, Edit, EditError, Receipt};
use krach_core::engine::{MacroLearning, Status};
use krach_core::model::MacroTarget;
use krach_core::processor::Processor;

use super::open::{Document, Opener, Saved};
use crate::instance::Claim;
use crate::instance::track::Track;
use crate::instance::view::Snapshot;
use crate::library::LibraryEvent;
use crate::protocol::Action;
use crate::socket::ReplySlot;
use crate::state::{Purpose, StateError};

/// Host parameters by string id, normalised 0…1.
pub(super) type Params = BTreeMap<String, f64>;

/// One thing to do, and whoever waits for the answer.
pub(in crate::instance) enum Command {
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
    WindowEdit { edit: Box<Edit>, at: At },
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
    Snapshot { reply: SyncSender<Box<Snapshot>> },
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
    Library(LibraryEvent),
    /// The end.
    Stop,
}
