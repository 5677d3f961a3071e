//! Lines that nobody asked for: only for connections that subscribed to their topic.
//!
//! An event is a JSON-RPC notification, `{"jsonrpc":"2.0","method":"event","params":{"topic":T,…}}`. It comes
//! between replies, never inside one.

pub(crate) mod log;
pub(crate) mod payloads;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::protocol::json::to_json;
use crate::socket::{Lost, Urgency};

/// Everything that can be subscribed to.
pub(crate) const TOPICS: &[&str] = &[COMPILES, ERRORS, LOG, METERS, ONSETS, SCENES, SESSION, TRANSPORT];

/// A sound has new code.
pub(crate) const COMPILES: &str = "compiles";
/// Something went wrong.
pub(crate) const ERRORS: &str = "errors";
/// Every request that changed the session, in the order in which they did.
pub(crate) const LOG: &str = "log";
/// What a client has missed; comes to all that do not read, and cannot be subscribed to.
pub(crate) const LOST: &str = "lost";
/// Levels, many times a second.
pub(crate) const METERS: &str = "meters";
/// What patterns begin, as it begins.
pub(crate) const ONSETS: &str = "onsets";
/// A scene was recalled.
pub(crate) const SCENES: &str = "scenes";
/// The session is another.
pub(crate) const SESSION: &str = "session";
/// Where time is, many times a second.
pub(crate) const TRANSPORT: &str = "transport";

/// Something that happened.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// One of [`TOPICS`].
    pub topic: &'static str,
    /// What happened: the fields beside `topic`.
    pub fields: Map<String, Value>,
}

impl Event {
    /// An event with these fields, a struct.
    pub(crate) fn new(topic: &'static str, fields: &impl Serialize) -> Self {
        let fields = if let Value::Object(fields) = to_json(fields) { fields } else { Map::new() };
        Self { topic, fields }
    }

    /// How much it matters that it arrives: of pictures the newest does.
    pub(crate) fn urgency(&self) -> Urgency<'static> {
        match self.topic {
            METERS | SESSION | TRANSPORT => Urgency::Newest(self.topic),
            ONSETS => Urgency::Passing,
            _ => Urgency::Lasting,
        }
    }

    /// The line, without newline.
    pub(crate) fn line(&self) -> String {
        let mut params = self.fields.clone();
        params.insert("topic".to_owned(), self.topic.into());
        json!({"jsonrpc": "2.0", "method": "event", "params": params}).to_string()
    }
}

/// The line that says how much a client has missed by not reading.
pub(crate) fn lost(Lost { passing, lasting }: Lost) -> String {
    Event::new(LOST, &payloads::Lost { lines: passing + lasting, lasting }).line()
}
