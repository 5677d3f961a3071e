//! `describe`: nodes of the session with all their controls.

use std::collections::BTreeMap;

use krach_core::ir::{RouteKind, Source};
use krach_core::node::{ControlKind, Standing};
use krach_core::session::{Node, Session, Writer, level_path};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::desk::Desk;
use super::methods::typed;
use super::nodes::meant;
use super::rpc::{Answer, RpcError, Work};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Describe {
    /// A node or a group; all without.
    #[serde(default)]
    node: Option<String>,
}

/// `describe {node?}`: a node, the nodes of a group, or all: what they are, where they lead, and every control
/// with range, value and what moves it.
pub(super) fn read_describe(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let Describe { node } = typed(raw.map_or("{}", RawValue::get))?;
    Ok(Box::new(move |desk| {
        let session = desk.engine.session();
        let names = match &node {
            Some(name) => meant(name, session),
            None => Ok(session.nodes.iter().map(|node| node.name.clone()).collect()),
        };
        Answer::Now(names.map(|names| {
            let writers = session.writers();
            let nodes = names.iter().filter_map(|name| session.node(name));
            json!({"nodes": nodes.map(|node| described(node, &writers, desk)).collect::<Value>()})
        }))
    }))
}

fn described(node: &Node, writers: &BTreeMap<String, Writer>, desk: &Desk<'_>) -> Value {
    let (session, registry) = (desk.engine.session(), desk.engine.registry());
    let type_id = node.type_id();
    let playing = registry.playing(&node.name, &type_id);
    let state = match (registry.standing(&type_id), playing) {
        (Some(Standing::Settled), Some(_)) => "ready",
        (Some(Standing::Failed(_)), _) => "failed",
        _ => "pending",
    };
    let kind = match node.source {
        Source::Type(_) => "type",
        Source::Graph(_) => "graph",
        Source::Faust(_) => "faust",
    };
    let controls = playing.map(|ty| {
        let controls = ty.decl().controls.iter().map(|c| {
            let path = format!("{}/{}", node.name, c.name);
            json!({
                "name": c.name, "path": path, "unit": c.unit, "min": c.min, "max": c.max, "default": c.default,
                "gate": c.kind == ControlKind::Gate,
                "value": session.values.get(&path).copied().unwrap_or(f64::from(c.default)),
                "moved_by": moved_by(&path, writers),
                "midi": midi(&path, session),
            })
        });
        controls.collect::<Value>()
    });
    let route = |r: &&krach_core::session::Route| r.source == node.name;
    let sends = session.routes.iter().filter(route).filter(|r| r.kind == RouteKind::Send);
    let wires = session.routes.iter().filter(route).filter(|r| r.kind == RouteKind::Wire);
    json!({
        "name": node.name,
        "source": kind,
        "type": type_id,
        "state": state,
        "count": node.count,
        "gain": session.gain_of(&node.name),
        "muted": node.muted,
        "solo": node.solo,
        "stereo": node.stereo,
        "to_master": node.to_master,
        "playing": session.slots.get(&node.name).is_some_and(|slot| slot.playing),
        "sends": sends.map(|r| json!({
            "target": r.target, "level": session.values.get(&level_path(&r.source, &r.target)),
        })).collect::<Value>(),
        "wires": wires.map(|r| json!({"target": r.target, "port": r.port})).collect::<Value>(),
        "controls": controls,
    })
}

fn moved_by(path: &str, writers: &BTreeMap<String, Writer>) -> Value {
    match writers.get(path) {
        Some(Writer::Automation(id)) => json!({"automation": id}),
        Some(Writer::Pattern(slot)) => json!({"pattern": slot}),
        None => Value::Null,
    }
}

fn midi(path: &str, session: &Session) -> Value {
    let maps = session.midi_maps.iter().filter(|map| session.path_of(&map.label).as_deref() == Some(path));
    maps.map(|map| json!({"channel": map.channel, "cc": map.cc})).collect()
}
