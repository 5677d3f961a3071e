//! What a request finds on the control thread: the engine, what is known of the instance, and what its
//! own connection has been promised.

use krach_core::edit::{At, Edit, EditError, Receipt};
use krach_core::engine::Engine;
use krach_core::node::is_inline;

use crate::library::Library;
use crate::problems::Problems;
use crate::protocol::background::Threads;
use crate::protocol::connection::Connection;
use crate::socket::Announcer;

/// Goes a step along the history; tells what it was.
pub(crate) type HistoryStep = fn(&mut Engine, At) -> Result<Option<(String, Receipt)>, EditError>;

/// The place where requests are run.
pub(crate) struct RequestContext<'a> {
    /// The engine.
    pub engine: &'a mut Engine,
    /// FAUST sounds, where there are any.
    pub sounds: Option<&'a mut Library>,
    /// The instance's id.
    pub instance: &'a str,
    /// What went wrong lately, newest last, for the musician.
    pub problems: &'a Problems,
    /// What the socket server says of itself.
    pub announcer: &'a Announcer,
    /// The connection that asks.
    pub connection: &'a mut Connection,
    /// Number of the last edit that was accepted, whoever asked for it.
    pub last_edit: &'a mut u64,
    /// Set if the session was changed otherwise than by an edit.
    pub changed: &'a mut bool,
    /// The threads that requests have work done on.
    pub threads: &'a mut Threads,
}

impl RequestContext<'_> {
    /// Hands an edit to the engine and remembers whose it is.
    pub(crate) fn edit(&mut self, edit: Edit, at: At) -> Result<Receipt, EditError> {
        if let Some(sounds) = &mut self.sounds {
            sounds.prepare_edit(&edit, self.engine)?;
        }
        let receipt = self.engine.edit(edit, at)?;
        self.accepted(receipt);
        Ok(receipt)
    }

    /// Would the edit be accepted? Nothing is changed.
    pub(crate) fn try_edit(&mut self, edit: &Edit, at: At) -> Result<(), EditError> {
        if let Some(sounds) = &mut self.sounds {
            sounds.prepare_edit(edit, self.engine)?;
        }
        self.engine.try_edit(edit, at)
    }

    /// Goes a step along the history.
    pub(crate) fn step(&mut self, go: HistoryStep, at: At) -> Result<Option<(String, Receipt)>, EditError> {
        let gone = go(self.engine, at)?;
        if let Some((_, receipt)) = &gone {
            self.accepted(*receipt);
        }
        Ok(gone)
    }

    fn accepted(&mut self, receipt: Receipt) {
        *self.last_edit = receipt.seq;
        self.connection.promise(receipt);
    }

    /// The types that graphs may use now, sorted; a sound whose file was written a moment ago is among them.
    pub(crate) fn type_ids(&mut self) -> Vec<String> {
        if let Some(sounds) = &mut self.sounds {
            sounds.rescan(self.engine);
        }
        self.engine.type_ids()
    }

    /// Those of them that have a name: without what stands in single nodes.
    pub(crate) fn named_type_ids(&mut self) -> Vec<String> {
        let mut ids = self.type_ids();
        ids.retain(|id| !is_inline(id));
        ids
    }
}
