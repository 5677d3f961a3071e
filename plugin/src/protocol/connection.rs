//! What one connection was promised, and what it wants to be told.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use krach_core::edit::Receipt;
use krach_core::engine::Engine;

use crate::protocol::events::Event;
use crate::socket::Replies;

/// Receipts that a connection keeps in mind; beyond, the oldest two become one that covers both.
const MAX_PENDING: usize = 1024;

/// Failures that a connection is told of at its next `sync`.
const MAX_FAILURES: usize = 64;

/// An accepted edit that could not be carried out in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FailedPromise {
    /// Number of the edit.
    pub seq: u64,
    /// Why, for the musician.
    pub message: String,
}

/// The edits of one connection that are on their way.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    pending: VecDeque<Receipt>,
    failures: VecDeque<FailedPromise>,
    last: u64,
    /// What it has subscribed to.
    pub topics: BTreeSet<&'static str>,
    /// Entries of the log carry the session's digest.
    pub digest: bool,
    /// Where events go.
    pub pushes: Option<Arc<Replies>>,
}

impl Connection {
    pub(super) fn promise(&mut self, receipt: Receipt) {
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
        self.failures.push_back(FailedPromise { seq, message: message.to_owned() });
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
    pub(crate) fn take_failures(&mut self, last: u64) -> Vec<FailedPromise> {
        let (told, kept): (Vec<_>, Vec<_>) = self.failures.drain(..).partition(|failure| failure.seq <= last);
        self.failures = kept.into();
        told
    }
}
