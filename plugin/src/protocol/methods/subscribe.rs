//! `subscribe` and `unsubscribe`: which events come on a connection.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::protocol::answer::{Answer, Work};
use crate::protocol::connection::Connection;
use crate::protocol::error::{INVALID_PARAMS, RpcError};
use crate::protocol::events::TOPICS;
use crate::protocol::method::methods;
use crate::protocol::params::read_params;

methods! {
    /// [events](#events) on this connection
    Events "subscribe" Ask(read_subscribe) (Subscribe) => (Topics);
    /// no more of these
    Events "unsubscribe" Ask(read_unsubscribe) (Unsubscribe) => (Topics);
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
fn read_subscribe(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let Subscribe { topics, digest } = read_params(raw)?;
    let topics = known(&topics)?;
    Ok(Box::new(move |context| {
        context.connection.topics.extend(topics);
        context.connection.digest = digest.unwrap_or(context.connection.digest);
        Answer::with(&Topics::of(context.connection))
    }))
}

/// `unsubscribe {topics}`: no more of these.
fn read_unsubscribe(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let Unsubscribe { topics } = read_params(raw)?;
    let topics = known(&topics)?;
    Ok(Box::new(move |context| {
        context.connection.topics.retain(|topic| !topics.contains(topic));
        Answer::with(&Topics::of(context.connection))
    }))
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Topics {
    /// All that the connection has now.
    pub topics: Vec<&'static str>,
}

impl Topics {
    pub(super) fn of(connection: &Connection) -> Self {
        Self { topics: connection.topics.iter().copied().collect() }
    }
}
