//! What clients say and hear: **a line becomes an [`Ask`], the control thread runs it at its
//! [`desk::Desk`], and what comes out is one line again.**
//!
//! Three families share the socket, told apart by their tag: `cmd` ([`pattern`]) and `type` ([`audio`])
//! are fixed by clients that exist and reduce to [`low::Low`] requests; `jsonrpc` ([`rpc`]) is ours and
//! has a table of [`methods`].

pub(crate) mod answers;
mod at;
mod audio;
mod change;
mod describe;
pub(crate) mod desk;
mod engine_methods;
pub(crate) mod events;
pub(crate) mod log;
mod low;
mod methods;
mod midi;
mod modulation;
pub(crate) mod news;
mod nodes;
#[cfg(test)]
mod page;
mod pattern;
mod play;
mod query;
pub(crate) mod reply;
mod rpc;
mod session;
mod sounds;
mod state;
mod transport;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::socket::lines::{Line, MAX_LOW_LINE};
use desk::Desk;
use krach_core::limits::MAX_PARTS;

/// What running a request came to.
pub(crate) enum Outcome {
    /// The reply, without newline; empty if the client wants none.
    Reply(String),
    /// To be asked again at every tick until it says the reply.
    Later(Wait),
}

/// Asked again and again; says the reply when it can.
pub(crate) type Wait = Box<dyn FnMut(&mut Desk<'_>) -> Option<String> + Send>;

/// What to do on the control thread.
pub(crate) type Action = Box<dyn FnOnce(&mut Desk<'_>) -> Outcome + Send>;

/// A request that needs the engine.
pub(crate) struct Ask {
    /// What to do.
    pub action: Action,
    /// The reply if it cannot be done for a fault of ours.
    pub fallback: String,
}

/// A line, understood as far as the client's thread can.
pub(crate) enum Heard {
    /// Needs the engine.
    Ask(Ask),
    /// The reply is known (empty: none is wanted).
    Reply(String),
    /// The reply is known, and the client wants to go.
    Farewell(String),
}

/// The tags of the three families.
#[derive(Deserialize)]
struct Tagged<'a> {
    #[serde(borrow)]
    cmd: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    jsonrpc: Option<&'a RawValue>,
}

/// Understands a line. Never recurses on what the line holds, save for a pattern within its depth.
pub(crate) fn hear(line: &Line) -> Heard {
    let bytes = match line {
        Line::Text(bytes) => bytes,
        Line::TooLarge { bytes, max, rpc: false } => return Heard::Reply(reply::too_large(*bytes, *max)),
        Line::TooLarge { bytes, max, rpc: true } => return Heard::Reply(rpc::too_large(*bytes, *max)),
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Heard::Reply(reply::unrecognized(&String::from_utf8_lossy(bytes)));
    };
    let heard = match tagged(text) {
        Some(Tagged { jsonrpc: Some(version), .. }) => {
            let parts = krach_patterns::json_extent(text).parts;
            if parts > MAX_PARTS {
                return Heard::Reply(rpc::too_many(parts, MAX_PARTS));
            }
            return rpc::hear(text, version);
        }
        None if crate::socket::lines::mentions_rpc(bytes) => return Heard::Reply(rpc::unreadable(text)),
        _ if bytes.len() > MAX_LOW_LINE => {
            return Heard::Reply(reply::too_large(bytes.len() as u64, MAX_LOW_LINE));
        }
        Some(tags) => low::read(text, &tags),
        None => None,
    };
    match heard {
        Some(request) => request.into_heard(),
        None => Heard::Reply(reply::unrecognized(text)),
    }
}

/// What the hello line says that this engine can do: the families, and the methods of the third.
pub(crate) fn capabilities() -> Vec<String> {
    let methods = methods::names().map(|name| format!("jsonrpc:{name}"));
    ["cmd", "type", "jsonrpc"].map(str::to_owned).into_iter().chain(methods).collect()
}

/// The tags of an object; `None` if the text is not a JSON object.
fn tagged(text: &str) -> Option<Tagged<'_>> {
    // An array would do for a struct too, by position.
    if !text.trim_start().starts_with('{') {
        return None;
    }
    serde_json::from_str(text).ok()
}

/// The text of a JSON string.
fn string(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}
