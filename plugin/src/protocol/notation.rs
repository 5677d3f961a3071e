//! A pattern as a client wrote it: a tree, or a text of mini-notation.

use krach_core::ir::{did_you_mean, shown};
use krach_patterns::{JsonError, MiniError, Pattern, Swing, mini, mini_values};
use serde_json::value::RawValue;

use crate::protocol::error::{INVALID_PARAMS, REFUSED, RpcError, TextPlace};

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
        match Source::read(pattern, notation)? {
            Source::Tree(pattern) => Ok(Self { pattern, text: None }),
            Source::Text(text) => Ok(Self { pattern: text.notes()?, text: Some(text.text) }),
        }
    }
}

/// A pattern as a client wrote it; of a text it is not known yet what its words are.
pub(super) enum Source {
    /// A tree.
    Tree(Pattern),
    /// A text.
    Text(Text),
}

/// A text of mini-notation.
pub(super) struct Text {
    /// The text.
    pub text: String,
    /// The parameter that it stands in.
    place: &'static str,
}

impl Text {
    /// The text as hits and notes.
    pub(super) fn notes(&self) -> Result<Pattern, RpcError> {
        mini(&self.text).map_err(|error| unread_notation(&error, self.place))
    }

    /// The text as values of a control, numbers and names.
    pub(super) fn values_of(&self, control: &str) -> Result<Pattern, RpcError> {
        let values = mini_values(&self.text).map_err(|error| unread_notation(&error, self.place))?;
        Ok(values.plain(control))
    }
}

impl Source {
    /// One of the two.
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
                let error = RpcError::new(INVALID_PARAMS, message).at(place);
                return Err(error.hint("play parts of it in several slots"));
            }
            return Ok(Self::Text(Text { text, place }));
        }
        let json = tree.map_or("null", RawValue::get);
        Pattern::from_json_str(json).map(Self::Tree).map_err(|error| unread_tree(error, place))
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
            let hint = tree_hint(&message);
            RpcError::new(INVALID_PARAMS, message).at(format!("{place}{pointer}")).hint(hint)
        }
        error @ JsonError::TooDeep { .. } => {
            let error = RpcError::new(INVALID_PARAMS, error.to_string()).at(place);
            error.hint("nest less, or write it as mini-notation")
        }
        error @ JsonError::Syntax { .. } => {
            let error = RpcError::new(INVALID_PARAMS, error.to_string()).at(place);
            error.hint("expected a tree, or a text such as \"x . x .\"")
        }
    }
}

/// What would be right where a tree is none.
fn tree_hint(message: &str) -> String {
    let name = message.split('`').nth(1).unwrap_or_default();
    if message.starts_with("unknown op") {
        let near = did_you_mean(name, krach_patterns::op_names());
        return near.unwrap_or_else(|| {
            let known: Vec<&str> = krach_patterns::op_names().collect();
            format!("operators are {}", known.join(", "))
        });
    }
    if message.starts_with("missing field") {
        return format!("give `{name}`; docs/pattern-json.md draws every operator with its fields");
    }
    "docs/pattern-json.md draws every operator with its fields".to_owned()
}

/// A swing that can be, or why it cannot.
pub(super) fn checked_swing(swing: Option<Swing>) -> Result<Option<Swing>, RpcError> {
    let Some(Swing { amount, grid }) = swing else { return Ok(None) };
    let refused =
        |what: &str| RpcError::new(REFUSED, format!("compile error: warp: {what}")).at("params.swing");
    if !(amount > 0.0 && amount < 1.0) {
        let hint = match amount {
            percent if (10.0..100.0).contains(&percent) => {
                format!("it is a share and not a percentage: did you mean {}?", shown(percent / 100.0))
            }
            _ => "expected the share of the first of two eighths, between 0 and 1, such as 0.6".to_owned(),
        };
        return Err(refused("amount must be in (0, 1)").hint(hint));
    }
    if grid == 0 || grid % 2 != 0 {
        let hint = "expected how many steps a cycle has, an even number such as 8 or 16";
        return Err(refused("grid must be even and > 0").hint(hint));
    }
    Ok(swing)
}
