//! Lines that nobody asked for: only for connections that subscribed to their topic.
//!
//! An event is a JSON-RPC notification, `{"jsonrpc":"2.0","method":"event","params":{"topic":T,…}}`. It comes
//! between replies, never inside one.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::methods::params;
use super::rpc::{Answer, INVALID_PARAMS, RpcError, Work};

/// Everything that can be subscribed to.
pub(crate) const TOPICS: &[&str] = &["compiles", "errors"];

/// Something that happened.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// One of [`TOPICS`].
    pub topic: &'static str,
    /// A newer event of the same key replaces this one if it has not left yet.
    pub key: Option<String>,
    /// What happened: the fields beside `topic`.
    pub fields: Map<String, Value>,
}

impl Event {
    /// An event with these fields, an object, that is sent whatever comes after it.
    pub(crate) fn new(topic: &'static str, fields: Value) -> Self {
        let fields = if let Value::Object(fields) = fields { fields } else { Map::new() };
        Self { topic, key: None, fields }
    }

    /// The line, without newline.
    pub(crate) fn line(&self) -> String {
        let mut params = self.fields.clone();
        params.insert("topic".to_owned(), self.topic.into());
        json!({"jsonrpc": "2.0", "method": "event", "params": params}).to_string()
    }
}

/// The line that says how many a client has missed by not reading.
pub(crate) fn lost(lines: u64) -> String {
    json!({"jsonrpc": "2.0", "method": "event", "params": {"topic": "lost", "lines": lines}}).to_string()
}

#[derive(Deserialize)]
struct Topics {
    topics: Vec<String>,
}

fn topics(raw: Option<&RawValue>) -> Result<Vec<&'static str>, RpcError> {
    let Topics { topics } = params(raw)?;
    let known = |topic: &String| {
        TOPICS.iter().copied().find(|known| known == topic).ok_or_else(|| {
            let shown: String = topic.chars().take(64).collect();
            RpcError::new(INVALID_PARAMS, format!("unknown topic: {shown}"))
                .at("params.topics")
                .hint(format!("topics are {}", TOPICS.join(", ")))
        })
    };
    topics.iter().map(known).collect()
}

/// `subscribe {topics}`: from now on events of these topics come on this connection.
pub(super) fn read_subscribe(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let topics = topics(raw)?;
    Ok(Box::new(move |desk| {
        desk.connection.topics.extend(topics);
        Answer::Now(Ok(json!({"topics": desk.connection.topics})))
    }))
}

/// `unsubscribe {topics}`: no more of these.
pub(super) fn read_unsubscribe(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let topics = topics(raw)?;
    Ok(Box::new(move |desk| {
        desk.connection.topics.retain(|topic| !topics.contains(topic));
        Answer::Now(Ok(json!({"topics": desk.connection.topics})))
    }))
}
