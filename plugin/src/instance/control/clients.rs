//! Requests of clients: their connections, and the replies that wait.

use std::collections::HashMap;

use super::Control;
use crate::protocol::context::RequestContext;
use crate::protocol::events::log::Author;
use crate::protocol::{Action, Connection, Deferred, Outcome};
use crate::socket::ReplySlot;

/// Everyone who is connected, and what they wait for.
#[derive(Default)]
pub(super) struct Clients {
    pub connections: HashMap<u64, Connection>,
    pub deferred: Vec<DeferredReply>,
}

/// A reply that takes its time.
pub(super) struct DeferredReply {
    connection: u64,
    line: Vec<u8>,
    wait: Deferred,
    slot: ReplySlot,
}

impl Clients {
    /// A client is gone, and what it waited for with it.
    pub fn remove(&mut self, connection: u64) {
        self.connections.remove(&connection);
        self.deferred.retain(|reply| reply.connection != connection);
    }
}

impl Control {
    /// Does what a client asks; the reply follows at once or later.
    pub(super) fn request(&mut self, connection: u64, action: Action, line: Vec<u8>, slot: ReplySlot) {
        self.clients.connections.entry(connection).or_default().pushes.get_or_insert_with(|| slot.queue());
        self.tick_engine();
        let outcome = self.in_context(connection, &line, action);
        self.count_watchers();
        self.tell_of_sounds();
        match outcome {
            Outcome::Reply(line) => slot.answer(line),
            Outcome::Later(wait) => {
                slot.park();
                self.clients.deferred.push(DeferredReply { connection, line, wait, slot });
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
        let before = self.state.last_edit;
        let mut changed = false;
        let done = work(&mut RequestContext {
            engine: &mut self.engine,
            sounds: self.sounds.as_mut(),
            instance: &self.naming.id,
            problems: &self.problems,
            announcer: &self.naming.announcer,
            connection: self.clients.connections.entry(connection).or_default(),
            last_edit: &mut self.state.last_edit,
            changed: &mut changed,
            threads: &mut self.threads,
        });
        let edited = self.state.last_edit != before;
        if edited {
            self.edited();
        }
        if edited || changed {
            let seq = self.state.last_edit;
            let receipt = self.clients.connections.get(&connection).and_then(Connection::last_receipt);
            let position = receipt.filter(|receipt| edited && receipt.seq == seq).and_then(|r| r.position);
            self.committed(Author::Client { number: connection, line }, "", position);
        }
        done
    }

    /// Answers whoever waits for what has come.
    pub(super) fn answer_deferred(&mut self) {
        for mut reply in std::mem::take(&mut self.clients.deferred) {
            match self.in_context(reply.connection, &reply.line, &mut reply.wait) {
                Some(line) => reply.slot.answer(line),
                None => self.clients.deferred.push(reply),
            }
        }
    }
}
