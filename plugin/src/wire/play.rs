//! JSON-RPC methods for what plays: `play`, `hush`, `stop`.

use krach_core::edit::Edit;
use krach_core::graph::Meant;
use krach_core::ir::did_you_mean;
use krach_core::session::{Session, visit_labels};
use krach_patterns::{CompileError, JsonError, MiniError, Pattern, Swing, mini};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answers::Played;
use super::change::{Change, Ground, Made, fields};
use super::methods::typed;
use super::rpc::{INVALID_PARAMS, REFUSED, RpcError, TextPlace};

/// Longest text of mini-notation, in bytes: spans count in 32 bits.
const MAX_NOTATION: usize = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Play<'a> {
    /// The slot: a node, whose controls the labels without `/` are.
    target: String,
    /// A tree, or a text of mini-notation.
    #[serde(borrow, default)]
    #[cfg_attr(test, schemars(with = "Option<serde_json::Value>"))]
    pattern: Option<&'a RawValue>,
    /// Always a text of mini-notation.
    #[serde(default)]
    notation: Option<String>,
    /// Share of the first of two eighths, or `{"amount": 0.6, "grid": 16}`.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<serde_json::Value>"))]
    swing: Option<Swing>,
    /// The pattern's cycle 0 is where it comes in.
    #[serde(default)]
    from_zero: bool,
    /// The slot may be no node: what labels of its own mean is nobody's then.
    #[serde(default)]
    free: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Hush {
    /// A slot or a group.
    target: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Stop {}

/// `play {target, pattern | notation, swing?, from_zero?, free?, at?, dry_run?}`: a pattern on a node's slot.
/// `pattern` is a tree or, as `notation` always is, a text of mini-notation.
pub(super) fn read_play(rest: &str) -> Result<Change, RpcError> {
    let Play { target, pattern, notation, swing, from_zero, free } = typed(rest)?;
    let written = Written::read(pattern, notation)?;
    let program = krach_patterns::compile_swung(&written.pattern, swing)
        .map_err(|error| refused_pattern(&error, written.text.as_deref()))?;
    let events = program.events_per_cycle();
    drop(program);
    let edit = Edit::SetPattern { slot: target, pattern: written.pattern, from_zero, swing };
    let change = Change::new(move |ground| {
        if !free {
            means_something(&edit, ground)?;
        }
        Ok(Made::and(edit, &Played { events_per_cycle: events }))
    });
    Ok(change.written(written.text))
}

/// Is a pattern for a node that is there, or will be, or that has another code on its way; for a slot that is there;
/// for a control; or one whose labels all mean something wherever it is?
fn means_something(edit: &Edit, ground: &mut Ground<'_>) -> Result<(), RpcError> {
    let Edit::SetPattern { slot, pattern, .. } = edit else { return Ok(()) };
    let engine = ground.engine();
    let session = ground.session()?;
    if session.graph.node(slot).is_some() || session.slots.contains_key(slot) || engine.awaits_node(slot) {
        return Ok(());
    }
    let controls = session.controls(engine.registry());
    if matches!(controls.find(slot), Meant::Control { .. } | Meant::Unsure { .. }) {
        return Ok(());
    }
    let mut lost = false;
    visit_labels(pattern, &mut |label| lost |= controls.of_pattern(slot, label) == Meant::Nothing);
    if !lost {
        return Ok(());
    }
    let nodes = session.nodes.iter().map(|node| &*node.name);
    let names = nodes.chain(session.raw.nodes.iter().map(|node| &*node.id));
    let hint = did_you_mean(slot, names).unwrap_or_else(|| "say free to play it all the same".to_owned());
    let error = RpcError::new(REFUSED, format!("there is no node {slot} to play"));
    Err(error.at("params.target").hint(hint))
}

/// `hush {target, at?, dry_run?}`: the slot, or all slots of that group, fall silent and stay listed.
pub(super) fn read_hush(rest: &str) -> Result<Change, RpcError> {
    let Hush { target } = fields(rest)?;
    Ok(Change::new(move |ground| Ok(hush(target, ground.session()?).into())))
}

/// `stop {at?, dry_run?}`: all slots fall silent and stay listed.
pub(super) fn read_stop(rest: &str) -> Result<Change, RpcError> {
    let Stop {} = fields(rest)?;
    Ok(Change::of(Edit::HushAll))
}

/// A name means the slot of that name, else all slots of the group: `drums` is `drums/kick` and its kin.
fn hush(target: String, session: &Session) -> Edit {
    let slots = &session.slots;
    let within = |slot: &&String| slot.strip_prefix(&target).is_some_and(|rest| rest.starts_with('/'));
    let group: Vec<Edit> =
        slots.keys().filter(within).map(|slot| Edit::Hush { slot: slot.clone() }).collect();
    if slots.contains_key(&target) || group.is_empty() {
        Edit::Hush { slot: target }
    } else {
        Edit::Batch(group)
    }
}

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

/// A pattern that was read and does not compile: where in the tree, and in the text if there is one.
pub(super) fn refused_pattern(error: &CompileError, text: Option<&str>) -> RpcError {
    let answer = RpcError::new(REFUSED, format!("compile error: {error}")).at(error.path.clone());
    match (text, error.span) {
        (Some(text), Some(span)) => answer.in_text(TextPlace::of(text, span.map(|at| at as usize))),
        _ => answer,
    }
}
