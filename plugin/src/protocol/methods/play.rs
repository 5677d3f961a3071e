//! JSON-RPC methods for what plays: `play`, `hush`, `stop`.

use krach_core::edit::Edit;
use krach_core::graph::Meant;
use krach_core::ir::did_you_mean;
use krach_core::session::{Session, visit_labels};
use krach_patterns::{Pattern, Swing};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::protocol::error::{REFUSED, RpcError};
use crate::protocol::method::methods;
use crate::protocol::methods::nodes::lacking;
use crate::protocol::mutation::{Mutation, Prepared, SessionPreview};
use crate::protocol::notation::{Source, checked_swing};
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
    /// The slot: a node, whose controls the labels without `/` are, or a control.
    target: String,
    /// A tree, or a text of mini-notation: of notes, or of the values of a control.
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

/// `play {target, pattern | notation, swing?, from_zero?, free?, at?, dry_run?}`: a pattern on the slot of a node or of a
/// control. `pattern` is a tree or, as `notation` always is, a text of mini-notation: of notes for a node, of values for a
/// control.
fn read_play(rest: &str) -> Result<Mutation, RpcError> {
    let Play { target, pattern, notation, swing, from_zero, free } = read_object(rest)?;
    let source = Source::read(pattern, notation)?;
    let swing = checked_swing(swing)?;
    let (text, notes) = match source {
        Source::Tree(pattern) => (None, Ok(pattern)),
        Source::Text(text) => {
            let notes = text.notes();
            (Some(text), notes)
        }
    };
    let written = text.as_ref().map(|text| text.text.clone());
    let notes = notes.and_then(|pattern| counted(pattern, swing, written.as_deref()));
    // What the words of a text are is known when the target is.
    let notes = if text.is_some() { notes } else { Ok(notes?) };
    let shown = written.clone();
    let change = Mutation::new(move |session_preview| {
        let slot = slot_of(&target, session_preview)?;
        let (pattern, events_per_cycle) = match (slot, text) {
            (Slot::Control, Some(text)) => counted(text.values_of(&target)?, swing, shown.as_deref())?,
            // Its words are meant for a control.
            (Slot::NoControl(error), Some(_)) if !free => return Err(error),
            (Slot::NoControl(error) | Slot::Nothing(error), _) if !free => {
                let (pattern, events) = notes?;
                if !means_something(&target, &pattern, session_preview)? {
                    return Err(error);
                }
                (pattern, events)
            }
            _ => notes?,
        };
        if !free {
            means_one_each(&target, &pattern, session_preview)?;
        }
        let edit = Edit::SetPattern { slot: target, pattern, from_zero, origin: None, swing };
        Ok(Prepared::and(edit, &Played { events_per_cycle }))
    });
    Ok(change.written(written))
}

/// A pattern that compiles, with the most events of a cycle.
fn counted(pattern: Pattern, swing: Option<Swing>, text: Option<&str>) -> Result<(Pattern, u32), RpcError> {
    let program =
        krach_patterns::compile_swung(&pattern, swing).map_err(|error| refused_pattern(&error, text))?;
    let events = program.events_per_cycle();
    Ok((pattern, events))
}

/// What a slot is named as.
enum Slot {
    /// A node that is there, or will be; or a slot that is there.
    Notes,
    /// A control.
    Control,
    /// A control that its node does not have, or one of several.
    NoControl(RpcError),
    /// Nothing that is there.
    Nothing(RpcError),
}

fn slot_of(name: &str, session_preview: &mut SessionPreview<'_>) -> Result<Slot, RpcError> {
    let engine = session_preview.engine();
    let session = session_preview.session()?;
    let is_node = session.graph.node(name).is_some() && session.owner_of(name) == name;
    if is_node || engine.awaits_node(name) {
        return Ok(Slot::Notes);
    }
    let controls = session.controls(engine.registry());
    let meant = controls.find(name);
    if matches!(meant, Meant::Control { .. } | Meant::Unsure { .. }) {
        return Ok(Slot::Control);
    }
    if session.slots.contains_key(name) {
        return Ok(Slot::Notes);
    }
    if let Meant::Several { paths, .. } = meant {
        let error = RpcError::new(REFUSED, format!("{name} may be {}", paths.join(" or ")));
        return Ok(Slot::NoControl(error.at("params.target").hint("say which")));
    }
    if let Meant::Lacks { node, path } = &meant {
        let control = path.get(node.id.len() + 1..).unwrap_or(path);
        let error = lacking(&node.id, control, controls.decl(node)).at("params.target");
        return Ok(Slot::NoControl(error));
    }
    let nodes = session.nodes.iter().map(|node| &*node.name);
    let names = nodes.chain(session.raw.nodes.iter().map(|node| &*node.id));
    let hint = did_you_mean(name, names).unwrap_or_else(|| "say free to play it all the same".to_owned());
    let error = RpcError::new(REFUSED, format!("there is no node {name} to play"));
    Ok(Slot::Nothing(error.at("params.target").hint(hint)))
}

/// Refuses a pattern that names a control of which there are several: it would move none of them.
fn means_one_each(
    slot: &str,
    pattern: &Pattern,
    session_preview: &mut SessionPreview<'_>,
) -> Result<(), RpcError> {
    let engine = session_preview.engine();
    let controls = session_preview.session()?.controls(engine.registry());
    let mut several = None;
    visit_labels(pattern, &mut |label| {
        if let Meant::Several { paths, .. } = controls.of_pattern(slot, label) {
            several.get_or_insert_with(|| format!("{label} may be {}", paths.join(" or ")));
        }
    });
    match several {
        None => Ok(()),
        Some(message) => {
            let hint = "say which in the pattern, or free to play it all the same";
            Err(RpcError::new(REFUSED, message).at("params.pattern").hint(hint))
        }
    }
}

/// Does each label of a pattern mean something, whatever its slot is?
fn means_something(
    slot: &str,
    pattern: &Pattern,
    session_preview: &mut SessionPreview<'_>,
) -> Result<bool, RpcError> {
    let engine = session_preview.engine();
    let controls = session_preview.session()?.controls(engine.registry());
    let mut lost = false;
    visit_labels(pattern, &mut |label| lost |= controls.of_pattern(slot, label) == Meant::Nothing);
    Ok(!lost)
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
