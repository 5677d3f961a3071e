//! A line of a client, as far as the client's thread understands it, and what is left to do on the control thread.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::protocol::context::RequestContext;

/// What running a request came to.
pub(crate) enum Outcome {
    /// The reply, without newline; empty if the client wants none.
    Reply(String),
    /// To be asked again at every tick until it says the reply.
    Later(Deferred),
}

/// Asked again and again; says the reply when it can.
pub(crate) type Deferred = Box<dyn FnMut(&mut RequestContext<'_>) -> Option<String> + Send>;

/// What to do on the control thread.
pub(crate) type Action = Box<dyn FnOnce(&mut RequestContext<'_>) -> Outcome + Send>;

/// A request that needs the engine.
pub(crate) struct Request {
    /// What to do.
    pub action: Action,
    /// The reply if it cannot be done for a fault of ours.
    pub fallback: String,
}

/// A line, understood as far as the client's thread can.
pub(crate) enum Parsed {
    /// Needs the engine.
    Request(Request),
    /// The reply is known (empty: none is wanted).
    Reply(String),
    /// The reply is known, and the client wants to go.
    Close(String),
}

/// The tags of the three families.
#[derive(Deserialize)]
pub(super) struct Tagged<'a> {
    #[serde(borrow)]
    pub cmd: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    pub kind: Option<&'a RawValue>,
    #[serde(borrow)]
    pub jsonrpc: Option<&'a RawValue>,
    /// No tag: a request of JSON-RPC that lacks its tag has it.
    #[serde(borrow)]
    pub method: Option<&'a RawValue>,
}

/// The tags of an object; `None` if the text is not a JSON object.
pub(super) fn tagged(text: &str) -> Option<Tagged<'_>> {
    // An array would do for a struct too, by position.
    if !text.trim_start().starts_with('{') {
        return None;
    }
    serde_json::from_str(text).ok()
}
