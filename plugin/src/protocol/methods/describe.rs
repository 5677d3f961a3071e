//! `describe`: nodes of the session with all their controls.

use std::collections::{BTreeMap, HashMap};

use krach_core::edit::{SessionNode, gain_path};
use krach_core::graph::Rest;
use krach_core::ir::{RouteKind, Source};
use krach_core::node::{Bargraph, Bus, NodeType, Registry, SettingValue, TypeStatus, is_patch};
use krach_core::session::{Session, Writer, unfit};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::protocol::answer::{Answer, Work};
use crate::protocol::context::RequestContext;
use crate::protocol::error::RpcError;
use crate::protocol::interface::Control;
use crate::protocol::json::to_json;
use crate::protocol::method::methods;
use crate::protocol::methods::nodes::nodes_meant;
use crate::protocol::params::read_object;

methods! {
    /// what nodes are, where they lead, and every control
    Nodes "describe" Ask(read_describe) (Describe) => (Described);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Describe {
    /// A node or a group. Default: all.
    #[serde(default)]
    node: Option<String>,
}

/// `describe {node?}`: a node, the nodes of a group, or all: what they are, where they lead, and every control
/// with range, value and what moves it.
fn read_describe(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let Describe { node } = read_object(raw.map_or("{}", RawValue::get))?;
    Ok(Box::new(move |context| {
        let session = context.engine.session();
        let names = match &node {
            Some(name) => nodes_meant(name, session),
            None => Ok(session.nodes.iter().map(|node| node.name.clone()).collect()),
        };
        Answer::Now(names.map(|names| {
            let (writers, maps) =
                (session.writers(context.engine.registry()), maps_of(session, context.engine.registry()));
            let macros = context.engine.macros_by_path();
            let known: HashMap<&str, &SessionNode> =
                session.nodes.iter().map(|n| (n.name.as_str(), &**n)).collect();
            let bargraphs = context.engine.bargraphs();
            let nodes = names.iter().filter_map(|name| known.get(name.as_str()));
            let described = nodes.map(|node| {
                let bargraphs = bargraphs.get(&node.name).map(Vec::as_slice).unwrap_or_default();
                described(node, &writers, &maps, &macros, bargraphs, context)
            });
            to_json(&Described { nodes: described.collect() })
        }))
    }))
}

fn described(
    node: &SessionNode,
    writers: &BTreeMap<String, Writer>,
    maps: &Maps,
    macros: &HashMap<String, Vec<u8>>,
    bargraphs: &[(Bargraph, f32)],
    context: &RequestContext<'_>,
) -> Node {
    let (session, registry) = (context.engine.session(), context.engine.registry());
    let type_id = node.type_id();
    let playing = registry.playing(&node.name, &type_id);
    let state = match (registry.type_status(&type_id), playing) {
        (Some(TypeStatus::Ready), Some(_)) => "ready",
        (Some(TypeStatus::Failed(_)), _) => "failed",
        _ => "pending",
    };
    let kind = match node.source {
        Source::Type(_) => "type",
        Source::Graph(_) => "graph",
        Source::Text(ref text) if is_patch(text) => "patch",
        Source::Text(_) => "faust",
    };
    let controls = playing.map(|ty| {
        let controls = ty.decl().controls.iter().map(|c| {
            let path = format!("{}/{}", node.name, c.name);
            ControlNow {
                control: c.into(),
                // As it is heard: what is asked beyond the range stays in the session, for code with more room.
                value: session
                    .values
                    .get(&path)
                    .map_or(f64::from(c.default), |value| within(*value, c.min, c.max)),
                moved_by: moved_by(&path, writers),
                midi: maps.get(&path).cloned().unwrap_or_default(),
                macros: macros.get(&path).cloned().unwrap_or_default(),
                path,
            }
        });
        controls.collect()
    });
    let route = |r: &&std::sync::Arc<krach_core::edit::Route>| r.source == node.name;
    let sends = session.routes.iter().filter(route).filter(|r| r.kind == RouteKind::Send);
    let wires = session.routes.iter().filter(route).filter(|r| r.kind == RouteKind::Wire);
    Node {
        name: node.name.clone(),
        source: kind,
        type_id,
        state,
        count: node.count,
        legato: node.legato,
        rest: node.rest,
        gain: session.gain_of(&node.name),
        gain_now: context.engine.present(&gain_path(&node.name), session.gain_of(&node.name)),
        muted: node.muted,
        solo: node.solo,
        stereo: node.stereo,
        to_master: node.to_master,
        stem: node.stem,
        playing: session.slots.get(&node.name).is_some_and(|slot| slot.playing),
        sends: sends
            .map(|r| Send { target: r.target.clone(), level: session.level_of(&r.source, &r.target) })
            .collect(),
        wires: wires.map(|r| Wire { target: r.target.clone(), port: r.port.clone() }).collect(),
        controls,
        bargraphs: bargraphs
            .iter()
            .map(|(bargraph, value)| BargraphNow {
                name: bargraph.name.clone(),
                unit: bargraph.unit.clone(),
                min: bargraph.min,
                max: bargraph.max,
                value: *value,
            })
            .collect(),
        settings: playing.map(|ty| settings_now(node, ty.as_ref())),
    }
}

/// The nearest value of a range.
fn within(value: f64, min: f32, max: f32) -> f64 {
    value.min(f64::from(max)).max(f64::from(min))
}

/// The settings of the type, then those that the node has been given and the type does not take.
fn settings_now(node: &SessionNode, ty: &dyn NodeType) -> Vec<SettingNow> {
    let decl = ty.decl();
    let unfit: HashMap<String, String> =
        unfit(ty, &node.settings).into_iter().map(|(name, fault)| (name, fault.message)).collect();
    let known = decl.settings.iter().map(|setting| {
        let given = node.settings.get(&setting.name);
        SettingNow {
            name: setting.name.clone(),
            value: given.unwrap_or(&setting.default).clone(),
            given: given.is_some(),
            takes: Some(setting.takes.clone()),
            unfit: unfit.get(&setting.name).cloned(),
        }
    });
    let strange =
        node.settings.iter().filter(|(name, _)| decl.settings.iter().all(|known| known.name != *name));
    let strange = strange.map(|(name, value)| SettingNow {
        name: name.to_owned(),
        value: value.clone(),
        given: true,
        takes: None,
        unfit: unfit.get(name).cloned(),
    });
    known.chain(strange).collect()
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

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Described {
    /// Each node, in the order they were added.
    pub nodes: Vec<Node>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Node {
    /// Its name.
    pub name: String,
    /// What its source is: `type`, `graph`, `faust` or `patch`.
    pub source: &'static str,
    /// The type that plays.
    #[serde(rename = "type")]
    pub type_id: String,
    /// `ready`, `pending` (being compiled) or `failed`.
    pub state: &'static str,
    /// Voices.
    pub count: u32,
    /// What one voice does with keys that overlap: true goes on, false begins again; both go back to the key
    /// that is still held. Null: the last key alone counts.
    pub legato: Option<bool>,
    /// Whether one voice may rest when it has fallen silent: `auto` or `never`. Null: it never does.
    pub rest: Option<Rest>,
    /// Fader, linear: of a fade or a transition under way where it goes.
    pub gain: f64,
    /// Where the fader stands now.
    pub gain_now: f64,
    /// Silent.
    pub muted: bool,
    /// Heard alone.
    pub solo: bool,
    /// A traced function on one channel is played on both.
    pub stereo: bool,
    /// Heard by itself.
    pub to_master: bool,
    /// The stem where it is heard; 0 is the main output.
    pub stem: Bus,
    /// Its slot plays.
    pub playing: bool,
    /// Where it is sent, after the fader.
    pub sends: Vec<Send>,
    /// Where it is wired, before the fader.
    pub wires: Vec<Wire>,
    /// Every control; null while nobody knows them.
    pub controls: Option<Vec<ControlNow>>,
    /// The numbers that its text shows with `hbargraph` and `vbargraph`; none before it plays.
    pub bargraphs: Vec<BargraphNow>,
    /// Every setting: texts and lists beside the controls; null while nobody knows them.
    pub settings: Option<Vec<SettingNow>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SettingNow {
    /// What `node` calls it.
    pub name: String,
    /// A text or a list of texts.
    pub value: SettingValue,
    /// The node says so; else it is what the type has by itself.
    pub given: bool,
    /// What it takes, in words; null where the type does not have it.
    pub takes: Option<String>,
    /// Why it is not played, if it is not: the type was another when it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfit: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Send {
    /// The node that hears it.
    pub target: String,
    /// Linear, 0 to 16.
    pub level: f64,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Wire {
    /// The node that hears it.
    pub target: String,
    /// Its input.
    pub port: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ControlNow {
    /// What it is, and its range.
    #[serde(flatten)]
    pub control: Control,
    /// What `set` and patterns call it: `node/control`.
    pub path: String,
    /// Base value.
    pub value: f64,
    /// What moves it by itself, if anything does.
    pub moved_by: Option<Mover>,
    /// Controllers that move it.
    pub midi: Vec<Cc>,
    /// Macros that move it, by number.
    pub macros: Vec<u8>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct BargraphNow {
    /// Its name.
    pub name: String,
    /// Unit of its values; empty if it has none.
    pub unit: String,
    /// Least value that it is made for.
    pub min: f32,
    /// Largest value that it is made for.
    pub max: f32,
    /// What it shows: of several voices, of the note that began last.
    pub value: f32,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mover {
    /// An automation, by its name.
    Automation(String),
    /// A pattern, by its slot.
    Pattern(String),
}

#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Cc {
    /// 0 to 15.
    pub channel: u8,
    /// 0 to 127.
    pub cc: u8,
}
