//! Why a request of JSON-RPC has no result: what, where, and what would work.

use serde::Serialize;
use serde_json::Value;

use crate::library::Failure;
use crate::protocol::json::to_json;

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
    pub text: Option<Box<TextPlace>>,
    /// Of a program that does not compile.
    pub failure: Option<Box<Failure>>,
    /// What would work.
    pub hint: Option<String>,
    /// What sounded before sounds on.
    pub still_playing: bool,
}

impl RpcError {
    /// An error without place and hint; what plays plays on.
    pub(super) fn new(code: i32, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            place: None,
            text: None,
            failure: None,
            hint: None,
            still_playing: true,
        }
    }

    /// With the place.
    pub(super) fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// With the place in a text.
    pub(super) fn in_text(mut self, text: TextPlace) -> Self {
        self.text = Some(Box::new(text));
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
    /// All that is wrong with a program that does not compile.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a Failure>,
}

pub(super) fn error_object(error: &RpcError) -> Value {
    let RpcError { code, message, place, text, failure, hint, still_playing } = error;
    to_json(&ErrorObject {
        code: *code,
        message,
        data: ErrorData {
            place: place.as_deref(),
            hint: hint.as_deref(),
            still_playing: *still_playing,
            text: text.as_deref().copied(),
            failure: failure.as_deref(),
        },
    })
}
