//! Sessions that come in one piece: from a host's project, or from a file. Which parts of one are a preset.

use krach_core::edit::{At, Edit};
use krach_core::engine::Engine;
use krach_core::model::Setting;
use krach_core::session::Session;

use super::Control;
use super::command::Params;
use crate::instance::dirty::Dirty;
use crate::protocol::events::log::Author;
use crate::state::{Payload, Purpose, StateError};

/// The text of a session file.
pub struct Document {
    /// What it is called, for errors and for the history.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// The session as a document, to be written into a file.
pub struct Saved {
    /// Its bytes.
    pub document: Vec<u8>,
    /// False while a sound is being compiled: the texts that it imports are not in it.
    pub complete: bool,
}

/// Who opens a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opener {
    /// The host: a preset.
    Host,
    /// The window, or the command line of the program without a DAW.
    Window,
}

/// What the host has of the session, and what of it is not to be lost.
pub(super) struct StateKeeper {
    /// What has changed since the host saved.
    pub dirty: Dirty,
    /// A chunk that was refused, to be saved back until the session is edited.
    refused: Option<RefusedChunk>,
    /// Number of the last edit that the engine accepted.
    pub last_edit: u64,
}

impl StateKeeper {
    pub fn new(engine: &Engine) -> Self {
        Self { dirty: Dirty::new(engine), refused: None, last_edit: 0 }
    }
}

/// A chunk that was refused, to be saved back for as long as the session is what it was then: an edit
/// that changes nothing (a panic, a hush) is no reason to lose it.
struct RefusedChunk {
    chunk: Vec<u8>,
    session: Vec<u8>,
}

impl Control {
    /// The session becomes that of a file, as one step of the history; the instance's name stays.
    ///
    /// # Errors
    /// What is wrong with the file. Nothing has changed then.
    pub(super) fn open(&mut self, document: &Document, by: Opener) -> Result<(), String> {
        let Document { name, text } = document;
        let told = |error: &dyn std::fmt::Display| format!("{name}: {error}; what played before plays on");
        let module = Session::read_module(text).map_err(|error| told(&error))?;
        let edit = self.engine.session().opening(module, self.engine.registry()).map_err(|e| told(&e))?;
        let before = self.engine.last_waiting();
        if matches!(&edit, Edit::Batch(edits) if edits.is_empty()) {
            self.engine.cancel_waiting(before, At::Now);
            return Ok(());
        }
        let edit = edit.titled(format!("open {name}"));
        if let Some(sounds) = &mut self.sounds {
            sounds.prepare_edit(&edit, &mut self.engine).map_err(|error| told(&error))?;
        }
        let receipt = self.engine.edit(edit, At::Now).map_err(|error| told(&error))?;
        self.engine.cancel_waiting(before, At::Now);
        self.state.last_edit = receipt.seq;
        self.edited();
        let author = match by {
            Opener::Host => Author::Host,
            Opener::Window => Author::Window,
        };
        self.committed(author, "open", receipt.position);
        Ok(())
    }

    /// The chunk of the session as it is. A preset's has no name: it is the instance's.
    pub(super) fn chunk(&mut self, params: Params, purpose: Purpose) -> Result<Vec<u8>, StateError> {
        if purpose == Purpose::Preset {
            // What sounds, whatever project was refused.
            let mut nameless = self.engine.session().clone();
            nameless.settings.name.clear();
            return Payload::new(params, nameless.to_json()).and_then(|payload| payload.encode());
        }
        let session = self.engine.save();
        match &self.state.refused {
            Some(kept) if kept.session == session => return Ok(kept.chunk.clone()),
            _ => self.state.refused = None,
        }
        Payload::new(params, session).and_then(|payload| payload.encode())
    }

    /// The host gets the chunk, or hears that there is none.
    pub(super) fn saved(&mut self, chunk: Result<Vec<u8>, StateError>, purpose: Purpose) -> Option<Vec<u8>> {
        match chunk {
            Ok(chunk) => {
                // Only what goes into the project is what the host knows.
                if self.state.refused.is_none() && purpose == Purpose::Project {
                    self.announce();
                    self.state.dirty.settle(&self.engine);
                }
                Some(chunk)
            }
            Err(error) => {
                if purpose != Purpose::Preset {
                    self.state.dirty.lost();
                }
                self.report(format!("the session was not saved: {error}"));
                None
            }
        }
    }

    /// The session of a chunk, in place of this one. A preset leaves the instance its name.
    pub(super) fn load(&mut self, chunk: Vec<u8>, purpose: Purpose) -> Result<Params, StateError> {
        let loaded = Payload::decode(&chunk).and_then(|payload| {
            let own = self.engine.session().settings.name.clone();
            let mut receipt = self.engine.load(payload.session())?;
            if purpose == Purpose::Preset {
                let name = Edit::Setting(Setting::Name(own));
                receipt = self.engine.edit_unrecorded(name, At::Now).unwrap_or(receipt);
            }
            self.state.last_edit = receipt.seq;
            Ok(payload.params)
        });
        match loaded {
            Ok(params) => {
                self.state.refused = None;
                self.unsettled = true;
                self.follow_sounds();
                self.take_free_name();
                match purpose {
                    Purpose::Preset => self.state.dirty.touch(),
                    Purpose::Project | Purpose::Duplicate => self.state.dirty.settle(&self.engine),
                }
                self.committed(Author::Host, "load", None);
                Ok(params)
            }
            Err(error) => Err(self.refuse(chunk, error, purpose)),
        }
    }

    /// Keeps a chunk that is not loaded, to save it back: a project's. A preset that is not loaded leaves the project
    /// what it was.
    pub(super) fn refuse(&mut self, chunk: Vec<u8>, error: StateError, purpose: Purpose) -> StateError {
        self.report(error.to_string());
        if purpose != Purpose::Preset {
            self.state.refused = Some(RefusedChunk { chunk, session: self.engine.save() });
        }
        error
    }
}
