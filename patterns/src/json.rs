//! Patterns in JSON, of any depth that a pattern may have, without trusting the stack.

use serde::de::{Deserialize, DeserializeSeed};
use serde_json::{Map, Value as Json};

use crate::fields::{Field, Fields, Key, Op};
use crate::ir::{MAX_DEPTH, Pattern, SourceSpan};

/// The deepest that JSON may nest for [`parse_json`]: a pattern of [`MAX_DEPTH`] (two levels per
/// node), twice over, so that a pattern a little too deep is still refused as a pattern.
pub const MAX_JSON_DEPTH: usize = 4 * MAX_DEPTH;

/// Why JSON is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// The text nests deeper than [`MAX_JSON_DEPTH`].
    // A text this deep holds a tree this deep: the same words.
    #[error("IR tree exceeds maximum depth of {MAX_DEPTH}")]
    TooDeep {
        /// How deep it nests.
        depth: usize,
    },
    /// The text is not JSON.
    #[error("not JSON (line {line}, column {column}): {message}")]
    Syntax {
        /// What the parser says.
        message: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// The JSON is no pattern.
    #[error("not a pattern (at {}): {message}", if .pointer.is_empty() { "/" } else { .pointer })]
    Shape {
        /// Where, as a JSON pointer such as `/children/2/child`.
        pointer: String,
        /// What is missing or wrong.
        message: String,
    },
}

/// How deep arrays and objects nest in a JSON text. Looks at brackets and strings only, in one pass
/// and without recursion, so it may be asked of anything.
pub fn json_depth(text: &str) -> usize {
    json_extent(text).depth
}

/// How much there is in a JSON text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JsonExtent {
    /// How deep arrays and objects nest.
    pub depth: usize,
    /// Commas and opening brackets outside of strings: at least as many as there are entries of arrays and
    /// objects, whatever each of them takes in memory.
    pub parts: usize,
}

/// As [`json_depth`], and counts what memory it takes to hold the text parsed.
pub fn json_extent(text: &str) -> JsonExtent {
    let (mut depth, mut extent) = (0_usize, JsonExtent::default());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                extent.depth = extent.depth.max(depth);
                extent.parts += 1;
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => extent.parts += 1,
            b'"' => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'\\' => drop(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    extent
}

/// Parses JSON that may nest as deep as [`MAX_JSON_DEPTH`], beyond `serde_json`'s own 128, having
/// measured it first.
///
/// # Errors
/// [`JsonError::TooDeep`] or [`JsonError::Syntax`].
pub fn parse_json(text: &str) -> Result<Json, JsonError> {
    let depth = json_depth(text);
    if depth > MAX_JSON_DEPTH {
        return Err(JsonError::TooDeep { depth });
    }
    let mut parser = serde_json::Deserializer::from_str(text);
    parser.disable_recursion_limit();
    let syntax = |error: serde_json::Error| JsonError::Syntax {
        message: error.to_string(),
        line: error.line(),
        column: error.column(),
    };
    let json = Json::deserialize(&mut parser).map_err(syntax)?;
    parser.end().map_err(syntax)?;
    Ok(json)
}

impl Pattern {
    /// Parses a pattern from a JSON text. Unknown fields are ignored.
    ///
    /// # Errors
    /// See [`JsonError`].
    pub fn from_json_str(text: &str) -> Result<Self, JsonError> {
        let depth = json_depth(text);
        if depth > MAX_JSON_DEPTH {
            return Err(JsonError::TooDeep { depth });
        }
        let mut parser = serde_json::Deserializer::from_str(text);
        parser.disable_recursion_limit();
        let read = Self::deserialize(&mut parser).and_then(|pattern| parser.end().map(|()| pattern));
        // What is wrong, syntax or pattern, is said best by the way through JSON.
        read.or_else(|_| Self::from_json(&parse_json(text)?))
    }

    /// Reads a pattern from JSON already parsed, without recursion.
    ///
    /// # Errors
    /// [`JsonError::Shape`] with the place.
    pub fn from_json(json: &Json) -> Result<Self, JsonError> {
        build(json)
    }
}

/// A node whose children are not read yet.
struct Open<'a> {
    node: &'a Map<String, Json>,
    op: Op,
    /// Index of the parent's frame and the part of the pointer that leads here.
    above: Option<(usize, String)>,
}

/// Two passes over one list: down, listing nodes before their children; then up, where the
/// finished children of a node are always the last on the stack.
pub(crate) fn build(root: &Json) -> Result<Pattern, JsonError> {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut pending: Vec<(&Json, Option<(usize, String)>)> = vec![(root, None)];
    while let Some((json, above)) = pending.pop() {
        let at = open.len();
        let Some(node) = json.as_object() else {
            let message = "a pattern is an object with an \"op\"".into();
            return Err(place(&open, above, message));
        };
        let op = match op_of(node) {
            Ok(op) => op,
            Err(message) => return Err(place(&open, above, message)),
        };
        open.push(Open { node, op, above });
        for &key in op.keys().iter().filter(|key| key.is_below()) {
            let lead = |tail: String| Some((at, format!("/{}{tail}", key.name())));
            match node.get(key.name()) {
                None | Some(Json::Null) if op.may_lack(key) => {}
                None => return Err(error(&open, at, missing(key))),
                Some(Json::Array(children)) if key.is_list() => {
                    for (i, child) in children.iter().enumerate() {
                        pending.push((child, lead(format!("/{i}"))));
                    }
                }
                Some(_) if key.is_list() => {
                    return Err(error(&open, at, format!("`{}` is a list of patterns", key.name())));
                }
                Some(child) => pending.push((child, lead(String::new()))),
            }
        }
    }
    // Children were pushed in order and popped from the back: the last child comes first in `open`,
    // so that going backwards over it finishes them in order.
    let mut done: Vec<Pattern> = Vec::new();
    for at in (0..open.len()).rev() {
        let node = finish(open[at].node, open[at].op, &mut done).map_err(|m| error(&open, at, m))?;
        done.push(node);
    }
    done.pop().ok_or_else(|| error(&open, 0, "no pattern".into()))
}

fn op_of(node: &Map<String, Json>) -> Result<Op, String> {
    let name = node.get(Key::Op.name()).and_then(Json::as_str).ok_or("missing field `op`")?;
    Op::of(name).ok_or_else(|| format!("unknown op `{name}`"))
}

fn missing(key: Key) -> String {
    format!("missing field `{}`", key.name())
}

/// Makes a node of its fields and of the children on top of `done`.
fn finish(node: &Map<String, Json>, op: Op, done: &mut Vec<Pattern>) -> Result<Pattern, String> {
    // A span that is not understood changes nothing, so it must not refuse a pattern either.
    let span = node.get(Key::Span.name()).and_then(|json| SourceSpan::deserialize(json).ok());
    let mut fields = Fields::default();
    // What lies below was done in order: the last is on top.
    for &key in op.keys().iter().rev() {
        let json = node.get(key.name());
        match (key, json) {
            (key, json) if key.is_list() => {
                let count = json.and_then(Json::as_array).map_or(0, Vec::len);
                fields.put_list(key, done.split_off(done.len().saturating_sub(count)));
            }
            (key, None | Some(Json::Null)) if op.may_lack(key) => {}
            (key, _) if key.is_below() => {
                if let Some(node) = done.pop() {
                    fields.put(key, node);
                }
            }
            (key, Some(json)) => {
                Field(&mut fields, key, op).deserialize(json).map_err(|e| format!("`{}`: {e}", key.name()))?
            }
            (_, None) => {}
        }
    }
    fields.node(op, span).map_err(missing)
}

fn error(open: &[Open<'_>], at: usize, message: String) -> JsonError {
    let above = open.get(at).and_then(|node| node.above.clone());
    place(open, above, message)
}

fn place(open: &[Open<'_>], above: Option<(usize, String)>, message: String) -> JsonError {
    let mut leads = Vec::new();
    let mut next = above;
    while let Some((at, lead)) = next {
        leads.push(lead);
        next = open[at].above.clone();
    }
    leads.reverse();
    JsonError::Shape { pointer: leads.concat(), message }
}
