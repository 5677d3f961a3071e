//! JSON-RPC methods for the session's nodes: what there is, what feeds what, how loud, and every control.

use std::collections::BTreeMap;

use krach_core::edit::{Edit, NodeEdit, NodeSpec, SessionNode, gain_path};
use krach_core::engine::Engine;
use krach_core::graph::{Meant as Means, Rest};
use krach_core::ir::{DEFAULT_PORT, NodeIr, RouteIr, RouteKind, Source, did_you_mean, shown, which_names};
use krach_core::limits::MAX_GAIN;
use krach_core::node::{Bus, Named as NamedControl, NodeDecl, NodeSettings, TypeStatus};
use krach_core::session::{Adoption, Session};
use serde::{Deserialize, Serialize};

use crate::protocol::error::{INVALID_PARAMS, REFUSED, RpcError};
use crate::protocol::method::methods;
use crate::protocol::mutation::{Mutation, Prepared, SessionPreview};
use crate::protocol::params;
use crate::protocol::params::read_object;

methods! {
    /// what an older client built as a raw graph becomes nodes of the session and sounds the same
    Session "adopt" Change(read_adopt) (Adopt) => (Adopted);
    /// adds a node, or changes the one of that name: routes, mute and values that are not given stay. Without `source`
    /// so does all else. It goes to the master, or to its stem, and wherever it is connected
    Nodes "node" Change(read_node) (Node) => ();
    /// removes it with its routes, patterns and automations
    Nodes "remove" Change(read_remove) (Named) => (Meant);
    /// a send after the fader (a mute silences it), or with `port` a wire before it. A send into a node without
    /// inputs is accepted, told as an error event, and does nothing
    Nodes "connect" Change(read_connect) (Connect) => ();
    /// takes routes away
    Nodes "disconnect" Change(read_disconnect) (Disconnect) => ();
    /// base values of controls; what moves a control by itself goes on moving it
    Nodes "set" Change(read_set) (Set) => ();
    /// the fader
    Nodes "gain" Change(read_gain) (Gain) => (Meant);
    /// silent, and so are its sends
    Nodes "mute" Change(read_mute) (Switch) => (Meant);
    /// only what is solo, what it feeds, and what feeds it through it, is heard
    Nodes "solo" Change(read_solo) (Switch) => (Meant);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Node {
    /// Its name; may contain `/` for groups.
    name: String,
    /// A type id (`faust:bass`, `oscillator`), FAUST text, the YAML of a patch, or a traced function (`dsp_graph`).
    /// Default: what an existing node has.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<serde_json::Value>"))]
    source: Option<Source>,
    /// Fader, linear, 0 to 16; 0.5 for a new node, as it was for one that exists.
    #[serde(default)]
    gain: Option<f64>,
    /// Voices, 1 to 64. Default: one; where there is no `source`, what the node has.
    #[serde(default, deserialize_with = "params::voices")]
    count: Option<u32>,
    /// What one voice does with keys that overlap: true goes on at the new pitch, false begins again; both go
    /// back to the key that is still held. False for a new node, as it was for one that exists.
    #[serde(default)]
    legato: Option<bool>,
    /// `auto`: one voice that has fallen silent rests until its next note, where its type allows it, and costs nothing.
    /// `never`: it is always rendered. `auto` for a new node, as it was for one that exists.
    #[serde(default)]
    rest: Option<Rest>,
    /// Values that its controls begin with.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<serde_json::Value>"))]
    init: Option<Init>,
    /// All its settings, by name: texts and lists that its type takes beside the controls (`types` and `describe` name
    /// them). They are part of its source: as they were for a node that keeps its source, else none; `{}` is none.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<serde_json::Value>"))]
    settings: Option<NodeSettings>,
    /// A traced function on one channel is played on both.
    #[serde(default)]
    stereo: Option<bool>,
    /// It is heard by itself, not only through what it feeds.
    #[serde(default)]
    to_master: Option<bool>,
    /// Where it is heard: 1 to 8 is a stem of that number, 0 the main output. 0 for a new node, as it was for one that
    /// exists.
    #[serde(default)]
    stem: Option<Bus>,
    /// Audio inputs, for the client that wrote it.
    #[serde(default)]
    num_inputs: Option<u32>,
    /// Text that the source was traced from, for the client that wrote it.
    #[serde(default)]
    source_text: Option<String>,
}

/// Values by name, or pairs as documents have them.
#[derive(Deserialize)]
#[serde(untagged, expecting = "values by control, as an object or as pairs")]
enum Init {
    Named(BTreeMap<String, f64>),
    Pairs(Vec<(String, f64)>),
}

impl From<Init> for Vec<(String, f64)> {
    fn from(init: Init) -> Self {
        match init {
            Init::Named(values) => values.into_iter().collect(),
            Init::Pairs(pairs) => pairs,
        }
    }
}

fn on() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Named {
    /// A node, or a group (`drums` is `drums/kick` and its kin).
    node: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Connect {
    /// The node that sounds.
    source: String,
    /// The node that hears it.
    target: String,
    /// Level of the send, linear, 0 to 16. Default: 1.
    #[serde(default)]
    level: Option<f64>,
    /// Input port: a wire straight into it, before the fader.
    #[serde(default)]
    port: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Disconnect {
    /// The node that sounds.
    source: String,
    /// The node that hears it.
    target: String,
    /// Only the wire into this port; without it all routes between the two.
    #[serde(default)]
    port: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Switch {
    /// A node or a group.
    node: String,
    /// Off again with false.
    #[serde(default = "on")]
    on: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Gain {
    /// A node or a group.
    node: String,
    /// Linear, 0 to 16.
    gain: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Set {
    /// Values by label or path (`bass/cutoff`), in the unit of each control.
    values: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Adopt {
    /// Names of nodes as the older client knows them. Default: all that are recognised.
    #[serde(default)]
    nodes: Vec<String>,
}

/// `node {name, source?, gain?, count?, legato?, rest?, init?, settings?, stereo?, to_master?, stem?, num_inputs?, source_text?}`: a
/// node, or changes to the one of that name.
fn read_node(rest: &str) -> Result<Mutation, RpcError> {
    let given: Node = read_object(rest)?;
    Ok(Mutation::new(move |session_preview| {
        let begins = given.init.is_some();
        let spec = match given.source {
            Some(_) => given.spec(NodeIr::default()),
            None => {
                let Some(stands) = session_preview.session()?.node(&given.name).map(standing) else {
                    let error = RpcError::new(REFUSED, format!("there is no node {} yet", given.name));
                    return Err(error.at("params.source").hint("give the new node a `source`"));
                };
                given.spec(stands)
            }
        };
        let edit = Edit::Nodes(vec![NodeEdit::Set(Box::new(spec))]);
        begins_with_one(&edit, begins, session_preview.engine())?;
        Ok(edit.into())
    }))
}

/// What a node is, without its fader.
fn standing(node: &SessionNode) -> NodeIr {
    NodeIr {
        name: node.name.clone(),
        source: node.source.clone(),
        count: node.count,
        num_inputs: node.num_inputs,
        init: node.init.clone(),
        source_text: node.source_text.clone(),
        other: node.other.clone(),
        ..NodeIr::default()
    }
}

impl Node {
    /// What the node is to be: what is not given is as it stands.
    fn spec(self, stands: NodeIr) -> NodeSpec {
        let keeps_values = self.source.is_none() && self.init.is_none();
        let node = NodeIr {
            name: self.name,
            source: self.source.unwrap_or(stands.source),
            count: self.count.unwrap_or(stands.count),
            num_inputs: self.num_inputs.unwrap_or(stands.num_inputs),
            init: self.init.map_or(stands.init, Vec::from),
            source_text: self.source_text.unwrap_or(stands.source_text),
            ..stands
        };
        NodeSpec {
            node,
            gain: self.gain,
            stereo: self.stereo,
            to_master: self.to_master,
            stem: self.stem,
            legato: self.legato.map(Some),
            rest: self.rest.map(Some),
            settings: self.settings,
            keeps_values,
        }
    }
}

/// Does a node begin with values of controls that each are one, as far as its code is known? Of values that are given
/// anew each must be one that there is.
fn begins_with_one(edit: &Edit, given: bool, engine: &Engine) -> Result<(), RpcError> {
    let Edit::Nodes(edits) = edit else { return Ok(()) };
    let [NodeEdit::Set(spec)] = &edits[..] else { return Ok(()) };
    let types = engine.types_of(edit);
    let known = types.first().and_then(|id| engine.registry().find(id));
    let Some(decl) = known.map(|ty| ty.decl()) else { return Ok(()) };
    let status = types.first().and_then(|id| engine.registry().type_status(id));
    let settled = status == Some(&TypeStatus::Ready);
    for (control, _) in &spec.node.init {
        let place = format!("params.init[{control:?}]");
        match decl.control_named(control) {
            NamedControl::Several(all) => {
                let error = RpcError::new(REFUSED, format!("{control} may be any of several controls"));
                let names: Vec<&str> = all.iter().map(|&at| decl.controls[at].name.as_str()).collect();
                return Err(error.at(place).hint(format!("say {}", names.join(" or "))));
            }
            NamedControl::Nothing if given && settled => {
                return Err(lacking(&spec.node.name, control, Some(decl)).at(place));
            }
            NamedControl::One(_) | NamedControl::Nothing => {}
        }
    }
    Ok(())
}

/// `remove {node}`: a node, or a whole group, with its routes, patterns and automations.
fn read_remove(rest: &str) -> Result<Mutation, RpcError> {
    let Named { node } = read_object(rest)?;
    Ok(Mutation::new(move |session_preview| {
        let registry = session_preview.engine().registry();
        let session = session_preview.session()?;
        let names = nodes_meant(&node, session)?;
        let edits = names.iter().map(|name| session.removing(name, registry)).collect();
        let edit = Edit::Batch(edits).titled(format!("remove {node}"));
        Ok(Prepared::and(edit, &Meant { nodes: names }))
    }))
}

/// `connect {source, target, level?, port?}`: a send after the fader, or with a `port` a wire straight into it.
fn read_connect(rest: &str) -> Result<Mutation, RpcError> {
    let Connect { source, target, level, port } = read_object(rest)?;
    let kind = if port.is_some() { RouteKind::Wire } else { RouteKind::Send };
    if kind == RouteKind::Wire && level.is_some() {
        let error = RpcError::new(INVALID_PARAMS, "a wire has no level").at("params.level");
        return Err(error.hint("leave `port` out for a send with a level, or `level` for a wire"));
    }
    let route = RouteIr {
        source,
        target,
        kind,
        level: level.unwrap_or(1.0),
        port: port.unwrap_or_else(|| DEFAULT_PORT.to_owned()),
        ..RouteIr::default()
    };
    Ok(Mutation::of(Edit::Nodes(vec![NodeEdit::Connect(route)])))
}

/// `disconnect {source, target, port?}`: all routes between the two, or the wire into that port.
fn read_disconnect(rest: &str) -> Result<Mutation, RpcError> {
    let Disconnect { source, target, port } = read_object(rest)?;
    Ok(Mutation::of(Edit::Nodes(vec![NodeEdit::Disconnect { source, target, port }])))
}

/// `mute {node, on?}`: a node or a group falls silent, and so do its sends.
fn read_mute(rest: &str) -> Result<Mutation, RpcError> {
    switch(rest, |name, on| NodeEdit::Mute { name, on })
}

/// `solo {node, on?}`: only what is solo, and what it feeds, is heard.
fn read_solo(rest: &str) -> Result<Mutation, RpcError> {
    switch(rest, |name, on| NodeEdit::Solo { name, on })
}

fn switch(rest: &str, edit: fn(String, bool) -> NodeEdit) -> Result<Mutation, RpcError> {
    let Switch { node, on } = read_object(rest)?;
    Ok(Mutation::new(move |session_preview| {
        let names = nodes_meant(&node, session_preview.session()?)?;
        let edits = names.iter().map(|name| edit(name.clone(), on)).collect();
        Ok(Prepared::and(Edit::Nodes(edits), &Meant { nodes: names }))
    }))
}

/// `gain {node, gain}`: the fader of a node, or of each node of a group; linear.
fn read_gain(rest: &str) -> Result<Mutation, RpcError> {
    let Gain { node, gain } = read_object(rest)?;
    if !(0.0..=MAX_GAIN).contains(&gain) {
        let error = RpcError::new(INVALID_PARAMS, format!("{} is no gain", shown(gain))).at("params.gain");
        return Err(error.hint(format!("expected a linear factor from 0 to {MAX_GAIN}")));
    }
    Ok(Mutation::new(move |session_preview| {
        let names = nodes_meant(&node, session_preview.session()?)?;
        let set = |name: &String| Edit::SetControl { label: gain_path(name), value: gain };
        let edits: Vec<Edit> = names.iter().map(set).collect();
        Ok(Prepared::and(single(edits), &Meant { nodes: names }))
    }))
}

/// `set {values: {label: value}}`: base values of controls, by label or path.
fn read_set(rest: &str) -> Result<Mutation, RpcError> {
    let Set { values } = read_object(rest)?;
    Ok(Mutation::new(move |session_preview| {
        for label in values.keys() {
            check_control(label, format!("params.values[{label:?}]"), session_preview)?;
        }
        let edits = values.into_iter().map(|(label, value)| Edit::SetControl { label, value });
        Ok(single(edits.collect()).into())
    }))
}

/// `adopt {nodes?}`: raw nodes of older clients become nodes of the session; all that are recognised unless
/// some are named.
fn read_adopt(rest: &str) -> Result<Mutation, RpcError> {
    let Adopt { nodes } = read_object(rest)?;
    Ok(Mutation::new(move |session_preview| {
        let registry = session_preview.engine().registry();
        let (edit, adoption) = session_preview.session()?.adopting(&nodes, registry);
        let Adoption { adopted, left, notes, .. } = adoption;
        let left = left.into_iter().map(|(node, why)| Left { node, why }).collect();
        Ok(Prepared::and(edit, &Adopted { adopted, left, notes }))
    }))
}

/// One edit by itself, so that a flood of it is one step of the history.
fn single(mut edits: Vec<Edit>) -> Edit {
    match edits.len() {
        1 => edits.remove(0),
        _ => Edit::Batch(edits),
    }
}

/// The nodes that a name stands for.
pub(super) fn nodes_meant(name: &str, session: &Session) -> Result<Vec<String>, RpcError> {
    let names = session.nodes_named(name);
    if names.is_empty() {
        let error = RpcError::new(REFUSED, format!("there is no node {name}")).at("params.node");
        let known = session.nodes.iter().map(|node| node.name.as_str());
        return Err(error.hint(which_names(name, "nodes", known)));
    }
    Ok(names)
}

/// Is there a control of that name? Of a node whose code is still being compiled nobody knows; then what is said of
/// it waits.
pub(super) fn check_control(
    label: &str,
    place: String,
    session_preview: &mut SessionPreview<'_>,
) -> Result<(), RpcError> {
    let registry = session_preview.engine().registry();
    let session = session_preview.session()?;
    let controls = session.controls(registry);
    let refused = |message: String| RpcError::new(REFUSED, message).at(place.clone());
    match controls.find(label) {
        Means::Control { .. } | Means::Unsure { .. } => Ok(()),
        Means::Several { paths, .. } => {
            let error = refused(format!("{label} may be any of several controls"));
            Err(error.hint(format!("say {}", paths.join(" or "))))
        }
        Means::Lacks { node, path } if session.owner_of(&node.id) == *node.id => {
            let control = path.get(node.id.len() + 1..).unwrap_or(&path);
            Err(lacking(&node.id, control, controls.decl(node)).at(place.clone()))
        }
        // What lowering adds has no name that a musician says.
        Means::Lacks { .. } | Means::Nothing => {
            let names = session.graph.exposed_controls.keys().map(String::as_str);
            let nodes: Vec<&str> = session.nodes.iter().map(|node| node.name.as_str()).collect();
            let hint = did_you_mean(label, names)
                .or_else(|| did_you_mean(label.rsplit_once('/')?.0, nodes.iter().copied()));
            let hint = hint.unwrap_or_else(|| which_names(label, "nodes", nodes));
            Err(refused(format!("no control is called {label}")).hint(hint))
        }
    }
}

/// The error of a control that a node does not have. The nearest name is that of a control, or the end of its path.
pub(super) fn lacking(node: &str, control: &str, decl: Option<&NodeDecl>) -> RpcError {
    let names = || decl.iter().flat_map(|decl| &decl.controls).map(|c| c.name.as_str());
    let ends = || names().flat_map(|name| name.match_indices('/').map(|(at, _)| &name[at + 1..]));
    let hint = did_you_mean(control, names()).or_else(|| did_you_mean(control, ends())).or_else(|| {
        let all: Vec<&str> = names().collect();
        (!all.is_empty()).then(|| format!("its controls are {}", all.join(", ")))
    });
    let hint = hint.unwrap_or_else(|| "it has no controls".to_owned());
    RpcError::new(REFUSED, format!("{node} has no control {control}")).hint(hint)
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Adopted {
    /// Nodes that the session has now.
    pub adopted: Vec<String>,
    /// What stays raw.
    pub left: Vec<Left>,
    /// What is said otherwise now, though it sounds the same.
    pub notes: Vec<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Left {
    /// Its id.
    pub node: String,
    /// The reason.
    pub why: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Meant {
    /// The nodes that were meant.
    pub nodes: Vec<String>,
}
