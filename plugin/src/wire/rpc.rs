//! JSON-RPC 2.0: one request object per line, ids, error objects, notifications. Batches (arrays) are not
//! offered: a line is a request.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::desk::Desk;
use super::{Action, Ask, Heard, Outcome, Wait, methods, string};

/// The line is not JSON.
pub(super) const PARSE_ERROR: i32 = -32700;
/// The line is JSON but not a request.
pub(super) const INVALID_REQUEST: i32 = -32600;
/// There is no such method.
pub(super) const METHOD_NOT_FOUND: i32 = -32601;
/// The parameters do not fit the method.
pub(super) const INVALID_PARAMS: i32 = -32602;
/// A fault of ours.
pub(super) const INTERNAL: i32 = -32603;
/// The engine refused the edit.
pub(super) const REFUSED: i32 = -32000;
/// It took longer than the client wanted to wait.
pub(super) const TIMED_OUT: i32 = -32001;

/// Why a request has no result.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RpcError {
    /// One of the codes above.
    pub code: i32,
    /// What is wrong.
    pub message: String,
    /// Where: a JSON path, or the way to a node of a pattern.
    pub place: Option<String>,
    /// Where in a text of the client's.
    pub text: Option<TextPlace>,
    /// What would work.
    pub hint: Option<String>,
    /// What sounded before sounds on.
    pub still_playing: bool,
}

/// A place in a text that a client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct TextPlace {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// `[start, end)` in bytes.
    pub span: [usize; 2],
}

impl TextPlace {
    /// The place of a span in a text; one beyond the text is at its end.
    pub(super) fn of(text: &str, [start, end]: [usize; 2]) -> Self {
        let before = text.get(..start).unwrap_or(text);
        let line_begin = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_begin..].chars().count() + 1,
            span: [start, end],
        }
    }
}

impl RpcError {
    /// An error without place and hint; what plays plays on.
    pub(super) fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), place: None, text: None, hint: None, still_playing: true }
    }

    /// With the place.
    pub(super) fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// With the place in a text.
    pub(super) fn in_text(mut self, text: TextPlace) -> Self {
        self.text = Some(text);
        self
    }

    /// As a part of a larger request: places in `from` are in `to`.
    pub(super) fn within(mut self, from: &str, to: &str) -> Self {
        if let Some(rest) = self.place.as_deref().and_then(|place| place.strip_prefix(from)) {
            self.place = Some(format!("{to}{rest}"));
        }
        self
    }

    /// With what would work, unless it says so already.
    pub(super) fn or_hint(mut self, hint: impl FnOnce() -> Option<String>) -> Self {
        self.hint = self.hint.or_else(hint);
        self
    }

    /// With what would work.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// What a method came to.
pub(super) enum Answer {
    /// At once.
    Now(Result<Value, RpcError>),
    /// When it can: asked at every tick.
    Later(Question),
}

impl Answer {
    /// At once, and so.
    pub(super) fn with(result: &impl Serialize) -> Self {
        Self::Now(Ok(told(result)))
    }
}

/// An answer as JSON.
pub(super) fn told(result: &impl Serialize) -> Value {
    // Nothing that methods answer can fail here: names of fields are texts.
    serde_json::to_value(result).unwrap_or_default()
}

/// Asked again and again; answers when it can.
pub(super) type Question = Box<dyn FnMut(&mut Desk<'_>) -> Option<Result<Value, RpcError>> + Send>;

/// A method's work on the control thread.
pub(super) type Work = Box<dyn FnOnce(&mut Desk<'_>) -> Answer + Send>;

#[derive(Deserialize)]
struct Request<'a> {
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

/// Why a request has no result, as JSON-RPC has it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ErrorObject<'a> {
    /// A number for the kind of fault.
    code: i32,
    /// What is wrong, for the musician.
    message: &'a str,
    /// Where, and what would work.
    data: ErrorData<'a>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ErrorData<'a> {
    /// A JSON path such as `params.node`, the way to a node of a pattern, or a file with line and column.
    place: Option<&'a str>,
    /// What would work.
    hint: Option<&'a str>,
    /// What sounded before sounds on.
    still_playing: bool,
    /// Where a text of the client's is at fault.
    #[serde(flatten)]
    text: Option<TextPlace>,
}

fn error_object(error: &RpcError) -> Value {
    let RpcError { code, message, place, text, hint, still_playing } = error;
    told(&ErrorObject {
        code: *code,
        message,
        data: ErrorData {
            place: place.as_deref(),
            hint: hint.as_deref(),
            still_playing: *still_playing,
            text: *text,
        },
    })
}

fn refuse(id: Value, error: &RpcError) -> Heard {
    Heard::Reply(json!({"jsonrpc": "2.0", "id": id, "error": error_object(error)}).to_string())
}

/// Understands a line that carries the `jsonrpc` tag.
pub(super) fn hear(text: &str, version: &RawValue) -> Heard {
    let Ok(request) = serde_json::from_str::<Request<'_>>(text) else {
        return refuse(Value::Null, &RpcError::new(INVALID_REQUEST, "a field appears twice"));
    };
    let id = match read_id(request.id) {
        Ok(id) => id,
        Err(error) => return refuse(Value::Null, &error),
    };
    let invalid = |message: &str, place: &str| {
        refuse(id.0.clone().unwrap_or(Value::Null), &RpcError::new(INVALID_REQUEST, message).at(place))
    };
    if string(version).as_deref() != Some("2.0") {
        return invalid("only version \"2.0\" is spoken here", "jsonrpc");
    }
    let Some(method) = request.method.and_then(string) else {
        return invalid("the name of a method is missing", "method");
    };
    match methods::read(&method, request.params) {
        Ok(work) => Heard::Ask(ask(id, work)),
        Err(error) => Heard::Reply(id.reply(Err(error))),
    }
}

/// An `id` of null is an id; none at all makes the request a notification.
fn present<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(d).map(Some)
}

fn read_id(raw: Option<&RawValue>) -> Result<Id, RpcError> {
    let Some(raw) = raw else { return Ok(Id(None)) };
    match serde_json::from_str(raw.get()) {
        Ok(id @ (Value::String(_) | Value::Number(_) | Value::Null)) => Ok(Id(Some(id))),
        _ => Err(RpcError::new(INVALID_REQUEST, "an id is a string, a number or null").at("id")),
    }
}

fn ask(id: Id, work: Work) -> Ask {
    let fault = RpcError::new(INTERNAL, "internal error: the request was dropped");
    let fallback = id.reply(Err(fault));
    let action: Action = Box::new(move |desk| match work(desk) {
        Answer::Now(answer) => Outcome::Reply(id.reply(answer)),
        Answer::Later(mut wait) => {
            let wait: Wait = Box::new(move |desk| wait(desk).map(|answer| id.reply(answer)));
            Outcome::Later(wait)
        }
    });
    Ask { action, fallback }
}

/// A line that mentions JSON-RPC but is not JSON.
pub(super) fn unreadable(text: &str) -> String {
    let why = match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => "a request is one object, with each field once".to_owned(),
        Err(error) => error.to_string(),
    };
    let error = RpcError::new(PARSE_ERROR, format!("not understood: {why}"));
    json!({"jsonrpc": "2.0", "id": null, "error": error_object(&error)}).to_string()
}

/// A line of too many entries, whatever its length: parsed, each may take some hundred bytes.
pub(super) fn too_many(parts: usize, max: usize) -> String {
    let message = format!("message too large ({parts} entries in lists and objects, max {max})");
    let error = RpcError::new(INVALID_REQUEST, message);
    json!({"jsonrpc": "2.0", "id": null, "error": error_object(&error)}).to_string()
}

/// A line beyond the limit.
pub(super) fn too_large(bytes: u64, max: usize) -> String {
    let error = RpcError::new(INVALID_REQUEST, format!("message too large ({bytes} bytes, max {max})"));
    json!({"jsonrpc": "2.0", "id": null, "error": error_object(&error)}).to_string()
}
