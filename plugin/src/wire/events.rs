//! Lines that nobody asked for: only for connections that subscribed to their topic.
//!
//! An event is a JSON-RPC notification, `{"jsonrpc":"2.0","method":"event","params":{"topic":T,…}}`. It comes
//! between replies, never inside one.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::answers::Topics;
use super::methods::params;
use super::news;
use super::rpc::{Answer, INVALID_PARAMS, RpcError, Work, told};
use crate::socket::{Lost, Urgency};

/// Everything that can be subscribed to.
pub(crate) const TOPICS: &[&str] = &[COMPILES, ERRORS, LOG, METERS, ONSETS, SESSION, TRANSPORT];

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
        let fields = if let Value::Object(fields) = told(fields) { fields } else { Map::new() };
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
    Event::new(LOST, &news::Lost { lines: passing + lasting, lasting }).line()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Subscribe {
    /// Names of topics.
    topics: Vec<String>,
    /// Entries of the log carry the session's digest from now on, or no more.
    #[serde(default)]
    digest: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Unsubscribe {
    /// Names of topics.
    topics: Vec<String>,
}

fn known(topics: &[String]) -> Result<Vec<&'static str>, RpcError> {
    let known = |(i, topic): (usize, &String)| {
        TOPICS.iter().copied().find(|known| known == topic).ok_or_else(|| {
            let shown: String = topic.chars().take(64).collect();
            RpcError::new(INVALID_PARAMS, format!("unknown topic: {shown}"))
                .at(format!("params.topics[{i}]"))
                .hint(format!("topics are {}", TOPICS.join(", ")))
        })
    };
    topics.iter().enumerate().map(known).collect()
}

/// `subscribe {topics, digest?}`: from now on events of these topics come on this connection; entries of the
/// log carry the session's digest if that is wanted.
pub(super) fn read_subscribe(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let Subscribe { topics, digest } = params(raw)?;
    let topics = known(&topics)?;
    Ok(Box::new(move |desk| {
        desk.connection.topics.extend(topics);
        desk.connection.digest = digest.unwrap_or(desk.connection.digest);
        Answer::with(&Topics::of(desk.connection))
    }))
}

/// `unsubscribe {topics}`: no more of these.
pub(super) fn read_unsubscribe(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let Unsubscribe { topics } = params(raw)?;
    let topics = known(&topics)?;
    Ok(Box::new(move |desk| {
        desk.connection.topics.retain(|topic| !topics.contains(topic));
        Answer::with(&Topics::of(desk.connection))
    }))
}
