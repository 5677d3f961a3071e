//! JSON-RPC 2.0: one request object per line, ids, error objects, notifications. Batches (arrays) are not
//! offered: a line is a request.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::protocol::answer::{Answer, Work};
use crate::protocol::error::{INTERNAL, INVALID_REQUEST, PARSE_ERROR, RpcError, error_object};
use crate::protocol::json::string;
use crate::protocol::request::{Action, Deferred, Outcome, Parsed, Request};
use crate::protocol::table;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<&'a RawValue>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

/// Whom the answer is for.
#[derive(Clone)]
struct Id(Option<Value>);

impl Id {
    /// The reply line; nothing for a notification.
    fn reply(&self, answer: Result<Value, RpcError>) -> String {
        let Some(id) = &self.0 else { return String::new() };
        match answer {
            Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            Err(error) => json!({"jsonrpc": "2.0", "id": id, "error": error_object(&error)}),
        }
        .to_string()
    }
}

fn refuse(id: Value, error: &RpcError) -> Parsed {
    Parsed::Reply(json!({"jsonrpc": "2.0", "id": id, "error": error_object(error)}).to_string())
}

/// Understands a line that carries the `jsonrpc` tag.
pub(super) fn parse(text: &str, version: &RawValue) -> Parsed {
    let Ok(request) = serde_json::from_str::<Envelope<'_>>(text) else {
        return refuse(
            Value::Null,
            &RpcError::new(INVALID_REQUEST, "a field appears twice").hint("give each field once"),
        );
    };
    let id = match read_id(request.id) {
        Ok(id) => id,
        Err(error) => return refuse(Value::Null, &error),
    };
    let invalid = |message: &str, place: &str, hint: &str| {
        let error = RpcError::new(INVALID_REQUEST, message).at(place).hint(hint);
        refuse(id.0.clone().unwrap_or(Value::Null), &error)
    };
    if string(version).as_deref() != Some("2.0") {
        return invalid("only version \"2.0\" is spoken here", "jsonrpc", "say \"jsonrpc\": \"2.0\"");
    }
    let Some(method) = request.method.and_then(string) else {
        return invalid("the name of a method is missing", "method", "such as \"method\": \"status\"");
    };
    match table::read(&method, request.params) {
        Ok(work) => Parsed::Request(ask(id, work)),
        Err(error) => Parsed::Reply(id.reply(Err(error))),
    }
}

/// A request that lacks the tag, but has a method.
pub(super) fn without_version(text: &str) -> Parsed {
    let envelope = serde_json::from_str::<Envelope<'_>>(text).ok();
    let id = envelope.and_then(|envelope| read_id(envelope.id).ok()).and_then(|id| id.0);
    let error = RpcError::new(INVALID_REQUEST, "the version of JSON-RPC is missing").at("jsonrpc");
    refuse(id.unwrap_or(Value::Null), &error.hint("add \"jsonrpc\": \"2.0\""))
}

/// An `id` of null is an id; none at all makes the request a notification.
fn present<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(d).map(Some)
}

fn read_id(raw: Option<&RawValue>) -> Result<Id, RpcError> {
    let Some(raw) = raw else { return Ok(Id(None)) };
    match serde_json::from_str(raw.get()) {
        Ok(id @ (Value::String(_) | Value::Number(_) | Value::Null)) => Ok(Id(Some(id))),
        _ => Err(RpcError::new(INVALID_REQUEST, "an id is a string, a number or null")
            .at("id")
            .hint("such as \"id\": 1; without an id there is no answer")),
    }
}

fn ask(id: Id, work: Work) -> Request {
    let fault = RpcError::new(INTERNAL, "internal error: the request was dropped");
    let fallback = id.reply(Err(fault));
    let action: Action = Box::new(move |context| match work(context) {
        Answer::Now(answer) => Outcome::Reply(id.reply(answer)),
        Answer::Later(mut wait) => {
            let wait: Deferred = Box::new(move |context| wait(context).map(|answer| id.reply(answer)));
            Outcome::Later(wait)
        }
    });
    Request { action, fallback }
}

/// A line that mentions JSON-RPC but is not JSON.
pub(super) fn unreadable(text: &str) -> String {
    let why = match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => "a request is one object, with each field once".to_owned(),
        Err(error) => error.to_string(),
    };
    let error = RpcError::new(PARSE_ERROR, format!("not understood: {why}"))
        .hint("a request is one JSON object on one line");
    json!({"jsonrpc": "2.0", "id": null, "error": error_object(&error)}).to_string()
}

/// A line of too many entries, whatever its length: parsed, each may take some hundred bytes.
pub(super) fn too_many(parts: usize, max: usize) -> String {
    let message = format!("message too large ({parts} entries in lists and objects, max {max})");
    let error = RpcError::new(INVALID_REQUEST, message).hint("send it in parts");
    json!({"jsonrpc": "2.0", "id": null, "error": error_object(&error)}).to_string()
}

/// A line beyond the limit.
pub(super) fn too_large(bytes: u64, max: usize) -> String {
    let error = RpcError::new(INVALID_REQUEST, format!("message too large ({bytes} bytes, max {max})"))
        .hint("send it in parts");
    json!({"jsonrpc": "2.0", "id": null, "error": error_object(&error)}).to_string()
}
