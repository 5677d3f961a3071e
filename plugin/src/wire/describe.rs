//! `describe`: nodes of the session with all their controls.

use std::collections::{BTreeMap, HashMap};

use krach_core::edit::SessionNode;
use krach_core::ir::{RouteKind, Source};
use krach_core::node::{Registry, Standing};
use krach_core::session::{Session, Writer};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answers::{self, Cc, ControlNow, Described, Mover, Send, Wire};
use super::desk::Desk;
use super::methods::typed;
use super::nodes::meant;
use super::rpc::{Answer, RpcError, Work, told};

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
            let (writers, maps) =
                (session.writers(desk.engine.registry()), maps_of(session, desk.engine.registry()));
            let known: HashMap<&str, &SessionNode> =
                session.nodes.iter().map(|n| (n.name.as_str(), &**n)).collect();
            let nodes = names.iter().filter_map(|name| known.get(name.as_str()));
            told(&Described { nodes: nodes.map(|node| described(node, &writers, &maps, desk)).collect() })
        }))
    }))
}

fn described(
    node: &SessionNode,
    writers: &BTreeMap<String, Writer>,
    maps: &Maps,
    desk: &Desk<'_>,
) -> answers::Node {
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
            ControlNow {
                control: c.into(),
                value: session.values.get(&path).copied().unwrap_or(f64::from(c.default)),
                moved_by: moved_by(&path, writers),
                midi: maps.get(&path).cloned().unwrap_or_default(),
                path,
            }
        });
        controls.collect()
    });
    let route = |r: &&std::sync::Arc<krach_core::edit::Route>| r.source == node.name;
    let sends = session.routes.iter().filter(route).filter(|r| r.kind == RouteKind::Send);
    let wires = session.routes.iter().filter(route).filter(|r| r.kind == RouteKind::Wire);
    answers::Node {
        name: node.name.clone(),
        source: kind,
        type_id,
        state,
        count: node.count,
        legato: node.legato,
        rest: node.rest,
        gain: session.gain_of(&node.name),
        muted: node.muted,
        solo: node.solo,
        stereo: node.stereo,
        to_master: node.to_master,
        playing: session.slots.get(&node.name).is_some_and(|slot| slot.playing),
        sends: sends
            .map(|r| Send { target: r.target.clone(), level: session.level_of(&r.source, &r.target) })
            .collect(),
        wires: wires.map(|r| Wire { target: r.target.clone(), port: r.port.clone() }).collect(),
        controls,
    }
}

fn moved_by(path: &str, writers: &BTreeMap<String, Writer>) -> Option<Mover> {
    writers.get(path).map(|writer| match writer {
        Writer::Automation(id) => Mover::Automation(id.clone()),
        Writer::Pattern(slot) => Mover::Pattern(slot.clone()),
    })
}

/// What moves each control from outside, by path.
type Maps = HashMap<String, Vec<Cc>>;

fn maps_of(session: &Session, registry: &Registry) -> Maps {
    let mut maps = Maps::new();
    for map in session.midi_maps.iter() {
        if let Some(path) = session.path_of(&map.label, registry) {
            maps.entry(path).or_default().push(Cc { channel: map.channel, cc: map.cc });
        }
    }
    maps
}
