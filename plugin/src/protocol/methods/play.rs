//! JSON-RPC methods for what plays: `play`, `hush`, `stop`.

use krach_core::edit::Edit;
use krach_core::graph::Meant;
use krach_core::ir::did_you_mean;
use krach_core::session::{Session, visit_labels};
use krach_patterns::Swing;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::protocol::error::{REFUSED, RpcError};
use crate::protocol::method::methods;
use crate::protocol::mutation::{Mutation, Prepared, SessionPreview};
use crate::protocol::notation::{Written, checked_swing};
use crate::protocol::params::read_object;
use crate::protocol::refusal::refused_pattern;

methods! {
    /// [plays a pattern](#play)
    Patterns "play" Change(read_play) (Play<'_>) => (Played);
    /// the slot, or every slot of that group, falls silent and stays listed
    Patterns "hush" Change(read_hush) (Hush) => ();
    /// all slots fall silent and stay listed
    Patterns "stop" Change(read_stop) (Stop) => ();
}

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
fn read_play(rest: &str) -> Result<Mutation, RpcError> {
    let Play { target, pattern, notation, swing, from_zero, free } = read_object(rest)?;
    let written = Written::read(pattern, notation)?;
    let swing = checked_swing(swing)?;
    let program = krach_patterns::compile_swung(&written.pattern, swing)
        .map_err(|error| refused_pattern(&error, written.text.as_deref()))?;
    let events = program.events_per_cycle();
    drop(program);
    let edit = Edit::SetPattern { slot: target, pattern: written.pattern, from_zero, swing };
    let change = Mutation::new(move |session_preview| {
        if !free {
            means_something(&edit, session_preview)?;
        }
        Ok(Prepared::and(edit, &Played { events_per_cycle: events }))
    });
    Ok(change.written(written.text))
}

/// Is a pattern for a node that is there, or will be, or that has another code on its way; for a slot that is there;
/// for a control; or one whose labels all mean something wherever it is?
fn means_something(edit: &Edit, session_preview: &mut SessionPreview<'_>) -> Result<(), RpcError> {
    let Edit::SetPattern { slot, pattern, .. } = edit else { return Ok(()) };
    let engine = session_preview.engine();
    let session = session_preview.session()?;
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
fn read_hush(rest: &str) -> Result<Mutation, RpcError> {
    let Hush { target } = read_object(rest)?;
    Ok(Mutation::new(move |session_preview| Ok(hush(target, session_preview.session()?).into())))
}

/// `stop {at?, dry_run?}`: all slots fall silent and stay listed.
fn read_stop(rest: &str) -> Result<Mutation, RpcError> {
    let Stop {} = read_object(rest)?;
    Ok(Mutation::of(Edit::HushAll))
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

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Played {
    /// Events that a cycle of it has at most.
    pub events_per_cycle: u32,
}
