//! Patterns in JSON, of any depth that a pattern may have, without trusting the stack.

use std::fmt;

use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value as Json};

use crate::ir::{Fraction, MAX_DEPTH, Pattern, SourceSpan};

/// The deepest that JSON may nest for [`parse_json`]: a pattern of [`MAX_DEPTH`] (two levels per
/// node), twice over, so that a pattern a little too deep is still refused as a pattern.
pub const MAX_JSON_DEPTH: usize = 4 * MAX_DEPTH;

/// Why JSON is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JsonError {
    /// The text nests deeper than [`MAX_JSON_DEPTH`].
    TooDeep {
        /// How deep it nests.
        depth: usize,
    },
    /// The text is not JSON.
    Syntax {
        /// What the parser says.
        message: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// The JSON is no pattern.
    Shape {
        /// Where, as a JSON pointer such as `/children/2/child`.
        pointer: String,
        /// What is missing or wrong.
        message: String,
    },
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A text this deep holds a tree this deep: the same words.
            JsonError::TooDeep { .. } => {
                write!(f, "IR tree exceeds maximum depth of {MAX_DEPTH}")
            }
            JsonError::Syntax { message, line, column } => {
                write!(f, "not JSON (line {line}, column {column}): {message}")
            }
            JsonError::Shape { pointer, message } => {
                let place = if pointer.is_empty() { "/" } else { pointer };
                write!(f, "not a pattern (at {place}): {message}")
            }
        }
    }
}

impl std::error::Error for JsonError {}

/// How deep arrays and objects nest in a JSON text. Looks at brackets and strings only, in one pass
/// and without recursion, so it may be asked of anything.
pub fn json_depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
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
    deepest
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
        Self::from_json(&parse_json(text)?)
    }

    /// Reads a pattern from JSON already parsed, without recursion.
    ///
    /// # Errors
    /// [`JsonError::Shape`] with the place.
    pub fn from_json(json: &Json) -> Result<Self, JsonError> {
        build(json)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        Self::from_json(&json).map_err(de::Error::custom)
    }
}

/// A node whose children are not read yet.
struct Open<'a> {
    node: &'a Map<String, Json>,
    /// Index of the parent's frame and the part of the pointer that leads here.
    above: Option<(usize, String)>,
}

/// Two passes over one list: down, listing nodes before their children; then up, where the
/// finished children of a node are always the last on the stack.
fn build(root: &Json) -> Result<Pattern, JsonError> {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut pending: Vec<(&Json, Option<(usize, String)>)> = vec![(root, None)];
    while let Some((json, above)) = pending.pop() {
        let at = open.len();
        let Some(node) = json.as_object() else {
            let message = "a pattern is an object with an \"op\"".into();
            return Err(place(&open, above, message));
        };
        let names = match child_fields(node) {
            Ok(names) => names,
            Err(message) => return Err(place(&open, above, message)),
        };
        open.push(Open { node, above });
        for &name in names {
            let lead = |tail: String| Some((at, format!("/{name}{tail}")));
            match node.get(name) {
                None => return Err(error(&open, at, format!("missing field `{name}`"))),
                Some(Json::Array(children)) if name == "children" => {
                    for (i, child) in children.iter().enumerate() {
                        pending.push((child, lead(format!("/{i}"))));
                    }
                }
                Some(_) if name == "children" => {
                    return Err(error(&open, at, "`children` is a list of patterns".into()));
                }
                Some(child) => pending.push((child, lead(String::new()))),
            }
        }
    }
    // Children were pushed in order and popped from the back: the last child comes first in `open`,
    // so that going backwards over it finishes them in order.
    let mut done: Vec<Pattern> = Vec::new();
    for at in (0..open.len()).rev() {
        let node = finish(open[at].node, &mut done).map_err(|m| error(&open, at, m))?;
        done.push(node);
    }
    done.pop().ok_or_else(|| error(&open, 0, "no pattern".into()))
}

fn child_fields(node: &Map<String, Json>) -> Result<&'static [&'static str], String> {
    let op = node.get("op").and_then(Json::as_str);
    Ok(match op.ok_or("missing field `op`")? {
        "Atom" | "Silence" | "Shape" => &[],
        "Cat" | "Stack" => &["children"],
        "Every" => &["transform", "child"],
        "Fast" | "Slow" | "Early" | "Late" | "Rev" | "Euclid" | "Degrade" | "Freeze" | "Warp" => &["child"],
        unknown => return Err(format!("unknown op `{unknown}`")),
    })
}

fn field<'de, T: Deserialize<'de>>(node: &'de Map<String, Json>, name: &str) -> Result<T, String> {
    let json = node.get(name).ok_or_else(|| format!("missing field `{name}`"))?;
    T::deserialize(json).map_err(|e| format!("`{name}`: {e}"))
}

fn optional<'de, T: Deserialize<'de>>(node: &'de Map<String, Json>, name: &str) -> Result<Option<T>, String> {
    match node.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(json) => Some(T::deserialize(json)).transpose().map_err(|e| format!("`{name}`: {e}")),
    }
}

/// Makes a node of its fields and of the children on top of `done`.
fn finish(node: &Map<String, Json>, done: &mut Vec<Pattern>) -> Result<Pattern, String> {
    // A span that is not understood changes nothing, so it must not refuse a pattern either.
    let span: Option<SourceSpan> = optional(node, "span").unwrap_or(None);
    let mut child = || done.pop().map(Box::new).ok_or("missing field `child`");
    let factor = || field::<Fraction>(node, "factor");
    let offset = || field::<Fraction>(node, "offset");
    Ok(match node.get("op").and_then(Json::as_str).unwrap_or("") {
        "Atom" => Pattern::Atom { value: field(node, "value")?, span },
        "Silence" => Pattern::Silence { span },
        "Shape" => Pattern::Shape {
            kind: field(node, "kind")?,
            lo: field(node, "lo")?,
            hi: field(node, "hi")?,
            label: field(node, "label")?,
            duty: optional(node, "duty")?,
            seed: optional(node, "seed")?,
            table: optional(node, "table")?,
            span,
        },
        op @ ("Cat" | "Stack") => {
            let count = node.get("children").and_then(Json::as_array).map_or(0, Vec::len);
            let children = done.split_off(done.len().saturating_sub(count));
            if op == "Cat" { Pattern::Cat { children, span } } else { Pattern::Stack { children, span } }
        }
        "Fast" => Pattern::Fast { factor: factor()?, child: child()?, span },
        "Slow" => Pattern::Slow { factor: factor()?, child: child()?, span },
        "Early" => Pattern::Early { offset: offset()?, child: child()?, span },
        "Late" => Pattern::Late { offset: offset()?, child: child()?, span },
        "Rev" => Pattern::Rev { child: child()?, span },
        "Freeze" => Pattern::Freeze { child: child()?, span },
        "Every" => {
            let (child, transform) = (child()?, child()?);
            Pattern::Every { n: field(node, "n")?, transform, child, span }
        }
        "Euclid" => Pattern::Euclid {
            pulses: field(node, "pulses")?,
            steps: field(node, "steps")?,
            rotation: optional(node, "rotation")?.unwrap_or(0),
            child: child()?,
            span,
        },
        "Degrade" => Pattern::Degrade {
            prob: field(node, "prob")?,
            seed: optional(node, "seed")?.unwrap_or(0),
            child: child()?,
            span,
        },
        "Warp" => Pattern::Warp {
            kind: field(node, "kind")?,
            amount: field(node, "amount")?,
            grid: field(node, "grid")?,
            child: child()?,
            span,
        },
        unknown => return Err(format!("unknown op `{unknown}`")),
    })
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
