//! A pattern as a client wrote it: a tree, or a text of mini-notation.

use krach_patterns::{JsonError, MiniError, Pattern, mini};
use serde_json::value::RawValue;

use crate::protocol::error::{INVALID_PARAMS, RpcError, TextPlace};

/// Longest text of mini-notation, in bytes: spans count in 32 bits.
const MAX_NOTATION: usize = 1 << 20;

/// A pattern as a client wrote it.
pub(super) struct Written {
    /// The tree.
    pub pattern: Pattern,
    /// The text it came from, if it came from one.
    pub text: Option<String>,
}

impl Written {
    /// One of the two, and what it says.
    pub(super) fn read(pattern: Option<&RawValue>, notation: Option<String>) -> Result<Self, RpcError> {
        let quoted = |raw: &RawValue| serde_json::from_str::<String>(raw.get()).ok();
        let (tree, text, place) = match (pattern, notation) {
            (Some(raw), None) => match quoted(raw) {
                Some(text) => (None, Some(text), "params.pattern"),
                None => (Some(raw), None, "params.pattern"),
            },
            (None, Some(text)) => (None, Some(text), "params.notation"),
            (Some(_), Some(_)) => {
                let error = RpcError::new(INVALID_PARAMS, "both a pattern and a notation").at("params");
                return Err(error.hint("send one of them"));
            }
            (None, None) => {
                let error = RpcError::new(INVALID_PARAMS, "there is no pattern").at("params");
                return Err(error.hint("expected `pattern`, a tree or a text such as \"x . x .\""));
            }
        };
        if let Some(text) = text {
            if text.len() > MAX_NOTATION {
                let message = format!("notation of {} bytes, max {MAX_NOTATION}", text.len());
                return Err(RpcError::new(INVALID_PARAMS, message).at(place));
            }
            let pattern = mini(&text).map_err(|error| unread_notation(&error, place))?;
            return Ok(Self { pattern, text: Some(text) });
        }
        let json = tree.map_or("null", RawValue::get);
        let pattern = Pattern::from_json_str(json).map_err(|error| unread_tree(error, place))?;
        Ok(Self { pattern, text: None })
    }
}

fn unread_notation(error: &MiniError, place: &str) -> RpcError {
    RpcError::new(INVALID_PARAMS, error.message.clone())
        .at(place)
        .in_text(TextPlace { line: error.line(), column: error.column(), span: error.span })
        .hint(error.hint.clone())
}

fn unread_tree(error: JsonError, place: &str) -> RpcError {
    match error {
        JsonError::Shape { pointer, message } => {
            RpcError::new(INVALID_PARAMS, message).at(format!("{place}{pointer}"))
        }
        error => RpcError::new(INVALID_PARAMS, error.to_string()).at(place),
    }
}
