//! What a request finds on the control thread: the engine, what is known of the instance, and what its
//! own connection has been promised.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use krach_core::edit::{At, Edit, EditError, Receipt};
use krach_core::engine::Engine;
use krach_core::node::is_inline;

use crate::library::Library;
use crate::problems::Problems;
use crate::socket::{Announcer, Replies};
use crate::wire::events::Event;

/// Receipts that a connection keeps in mind; beyond, the oldest two become one that covers both.
const MAX_PENDING: usize = 1024;

/// Failures that a connection is told of at its next `sync`.
const MAX_FAILURES: usize = 64;

/// Goes a step along the history; tells what it was.
pub(crate) type Go = fn(&mut Engine, At) -> Result<Option<(String, Receipt)>, EditError>;

/// The place where requests are run.
pub(crate) struct Desk<'a> {
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
}

impl Desk<'_> {
    /// Hands an edit to the engine and remembers whose it is.
    pub(crate) fn edit(&mut self, edit: Edit, at: At) -> Result<Receipt, EditError> {
        if let Some(sounds) = &mut self.sounds {
            sounds.before(&edit, self.engine)?;
        }
        let receipt = self.engine.edit(edit, at)?;
        self.accepted(receipt);
        Ok(receipt)
    }

    /// Would the edit be accepted? Nothing is changed.
    pub(crate) fn try_edit(&mut self, edit: &Edit, at: At) -> Result<(), EditError> {
        if let Some(sounds) = &mut self.sounds {
            sounds.before(edit, self.engine)?;
        }
        self.engine.try_edit(edit, at)
    }

    /// Goes a step along the history.
    pub(crate) fn step(&mut self, go: Go, at: At) -> Result<Option<(String, Receipt)>, EditError> {
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
            sounds.look(self.engine);
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

/// An accepted edit that could not be carried out in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Number of the edit.
    pub seq: u64,
    /// Why, for the musician.
    pub message: String,
}

/// The edits of one connection that are on their way.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    pending: VecDeque<Receipt>,
    failures: VecDeque<Failure>,
    last: u64,
    /// What it has subscribed to.
    pub topics: BTreeSet<&'static str>,
    /// Entries of the log carry the session's digest.
    pub digest: bool,
    /// Where events go.
    pub pushes: Option<Arc<Replies>>,
}

impl Connection {
    fn promise(&mut self, receipt: Receipt) {
        if self.pending.len() == MAX_PENDING
            && let Some(oldest) = self.pending.pop_front()
            && let Some(next) = self.pending.front_mut()
        {
            next.first = oldest.first;
        }
        self.last = receipt.seq;
        self.pending.push_back(receipt);
    }

    /// Notes that an edit failed, if it is one of this connection's.
    pub(crate) fn failed(&mut self, seq: u64, message: &str) {
        if !self.pending.iter().any(|receipt| (receipt.first..=receipt.seq).contains(&seq)) {
            return;
        }
        if self.failures.len() == MAX_FAILURES {
            self.failures.pop_front();
        }
        self.failures.push_back(Failure { seq, message: message.to_owned() });
    }

    /// Forgets what has been adopted or has failed; true if there was any.
    pub(crate) fn settle(&mut self, engine: &Engine) -> bool {
        let before = self.pending.len();
        self.pending.retain(|receipt| !engine.is_done(*receipt));
        self.pending.len() < before
    }

    /// Sends the line of an event if the client wants such events.
    pub(crate) fn send(&self, event: &Event, line: &str) {
        if let Some(pushes) = self.pushes.as_ref().filter(|_| self.topics.contains(event.topic)) {
            pushes.push(event.urgency(), line);
        }
    }

    /// The last edit that was accepted and has not acted yet.
    pub(crate) fn last_receipt(&self) -> Option<&Receipt> {
        self.pending.back()
    }

    /// Number of the last edit.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Are all edits up to that number adopted, or have they failed?
    pub(crate) fn is_done(&self, last: u64) -> bool {
        self.pending.iter().all(|receipt| receipt.seq > last)
    }

    /// The failures up to that number, told once.
    pub(crate) fn take_failures(&mut self, last: u64) -> Vec<Failure> {
        let (told, kept): (Vec<_>, Vec<_>) = self.failures.drain(..).partition(|failure| failure.seq <= last);
        self.failures = kept.into();
        told
    }
}
