//! Nodes and routes → the graph that is planned.
//!
//! ```text
//! bass ── bass_g ─┬─────────────────────────── _master     bass/gain is the gain of bass_g, but for a bass with a `gain`
//!                 └─ bass_send_verb ── verb …              after the fader, with a level of its own
//! lfo ───────────────────────────────── verb.depth         a wire: before the fader, straight into a port
//! ```
//! Raw nodes stand beside them as they are; an id that both want is an error.

use super::Session;
use crate::edit::{EditError, Nodes, Route, SessionNode, fader_id, gain_path, mute_path, send_id};
use crate::graph::{Connection, GraphNode, RawGraph, Scrutiny};
use crate::ir::{RouteKind, Source};
use crate::limits::MAX_CONNECTIONS;
use crate::node::{INLINE, NodeDecl, Registry};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Id of the master that session nodes lead to.
pub const MASTER: &str = "_master";
impl SessionNode {
    /// The type that plays it. Those of equal meaning have one type.
    pub fn type_id(&self) -> String {
        match &self.source {
            Source::Type(id) => id.clone(),
            Source::Graph(graph) if self.stereo => format!("{}{}", INLINE[0], graph.to_stereo().graph_key()),
            Source::Graph(graph) => format!("{}{}", INLINE[0], graph.graph_key()),
            Source::Faust(text) => format!("{}{}", INLINE[1], &blake3::hash(text.as_bytes()).to_hex()[..32]),
        }
    }

    /// The source as it is played: a function on both channels is another function.
    pub fn played_source(&self) -> Source {
        match &self.source {
            Source::Graph(graph) if self.stereo => Source::Graph(graph.to_stereo()),
            source => source.clone(),
        }
    }
}

/// Who is heard, of nodes that may be muted or solo.
struct Hearing<'a> {
    silent: BTreeSet<&'a str>,
    off_master: BTreeSet<&'a str>,
}

fn hearing<'a>(nodes: &'a Nodes, routes: &'a [Arc<Route>]) -> Hearing<'a> {
    let mut silent: BTreeSet<&str> = nodes.iter().filter(|n| n.muted).map(|n| n.name.as_str()).collect();
    let mut off_master: BTreeSet<&str> =
        nodes.iter().filter(|n| !n.to_master).map(|n| n.name.as_str()).collect();
    let solo: BTreeSet<&str> = nodes.iter().filter(|n| n.solo).map(|n| n.name.as_str()).collect();
    if !solo.is_empty() {
        let reach = |from: fn(&Route) -> &str, to: fn(&Route) -> &str| {
            let mut reached = solo.clone();
            loop {
                let more: Vec<&str> = routes
                    .iter()
                    .filter(|r| reached.contains(from(r)) && !reached.contains(to(r)))
                    .map(|r| to(r))
                    .collect();
                if more.is_empty() {
                    return reached;
                }
                reached.extend(more);
            }
        };
        let fed = reach(|r| &r.source, |r| &r.target);
        let feeding = reach(|r| &r.target, |r| &r.source);
        for node in nodes {
            let name = node.name.as_str();
            match (fed.contains(name), feeding.contains(name)) {
                (true, _) => {}
                // What a solo node lives on sounds through it alone.
                (false, true) => drop(off_master.insert(name)),
                (false, false) => drop(silent.insert(name)),
            }
        }
    }
    Hearing { silent, off_master }
}

/// The graph that nodes, routes and the raw graph come to, and the mutes of the faders in it.
///
/// Types that have no code yet are taken to have ports `in` and `out`.
pub fn lower(
    raw: &RawGraph,
    nodes: &Nodes,
    routes: &[Arc<Route>],
    registry: &Registry,
) -> (RawGraph, BTreeMap<String, f64>) {
    let mut graph = raw.clone();
    let mut mutes = BTreeMap::new();
    if nodes.is_empty() {
        return (graph, mutes);
    }
    let types: HashMap<&str, String> = nodes.iter().map(|n| (n.name.as_str(), n.type_id())).collect();
    let decl = |node: &str| registry.playing(node, types.get(node)?).map(|ty| ty.decl());
    let hearing = hearing(nodes, routes);
    graph.nodes.push(plain(MASTER, "dac"));
    for node in nodes {
        let gain = fader_id(&node.name);
        graph.nodes.push(GraphNode {
            count: node.count,
            legato: node.legato,
            ..plain(&node.name, &types[node.name.as_str()])
        });
        graph.nodes.push(plain(&gain, "gain"));
        for port in outputs(decl(&node.name)) {
            graph.connections.push(wire(&node.name, &port, &gain, "in"));
        }
        if !hearing.off_master.contains(node.name.as_str()) {
            graph.connections.push(wire(&gain, "out", MASTER, "in"));
        }
        // A control of the node's own has its path; the fader is `bass_g/gain` then.
        if decl(&node.name).is_none_or(|decl| decl.control_at("gain").is_none()) {
            let fader = (gain.clone(), "gain".to_owned());
            graph.exposed_controls.insert(format!("{}/gain", node.name), fader);
        }
        if hearing.silent.contains(node.name.as_str()) {
            mutes.insert(format!("{gain}/mute"), 1.0);
        }
    }
    for route in routes {
        // More than may be is refused; how much more does not matter.
        if graph.connections.len() > MAX_CONNECTIONS {
            break;
        }
        let Route { source, target, kind, port, .. } = &**route;
        match kind {
            RouteKind::Send => {
                let send = send_id(source, target);
                graph.nodes.push(plain(&send, "gain"));
                graph.connections.push(wire(&fader_id(source), "out", &send, "in"));
                if let Some(port) = first_input(decl(target)) {
                    graph.connections.push(wire(&send, "out", target, &port));
                }
            }
            RouteKind::Wire => {
                for from in outputs(decl(source)) {
                    graph.connections.push(wire(source, &from, target, port));
                }
            }
        }
    }
    (graph, mutes)
}

fn plain(id: &str, type_id: &str) -> GraphNode {
    GraphNode::new(id, type_id)
}

fn wire(from_node: &str, from_port: &str, to_node: &str, to_port: &str) -> Connection {
    Connection {
        from_node: from_node.to_owned(),
        from_port: from_port.to_owned(),
        to_node: to_node.to_owned(),
        to_port: to_port.to_owned(),
    }
}

fn outputs(decl: Option<&NodeDecl>) -> Vec<String> {
    decl.map_or_else(|| vec!["out".to_owned()], |d| d.outputs.iter().map(|p| p.name.clone()).collect())
}

fn first_input(decl: Option<&NodeDecl>) -> Option<String> {
    decl.map_or_else(|| Some("in".to_owned()), |d| d.inputs.first().map(|p| p.name.clone()))
}

impl Session {
    /// Makes the graph anew from nodes, routes and the raw graph. A type's code may have other ports than
    /// was thought. What was in the graph already is not looked at again unless asked for.
    ///
    /// # Errors
    /// What is wrong with it; then nothing has changed.
    pub fn relower(&mut self, registry: &Registry, scrutiny: Option<Scrutiny<'_>>) -> Result<(), EditError> {
        let before = std::mem::take(&mut self.graph);
        let (graph, mutes) = lower(&self.raw, &self.nodes, &self.routes, registry);
        if let Err(error) = self.check_graph(&graph, registry, scrutiny.unwrap_or(Scrutiny::Since(&before))) {
            self.graph = before;
            return Err(error);
        }
        self.graph = Arc::new(graph.into());
        self.place_mutes(&mutes);
        self.settle_values(registry);
        Ok(())
    }

    pub(super) fn place_mutes(&mut self, mutes: &BTreeMap<String, f64>) {
        for node in self.nodes.iter() {
            self.values.remove(&mute_path(&node.name));
        }
        self.values.extend(mutes.iter().map(|(path, value)| (path.clone(), *value)));
    }

    /// Paths of base values that stand elsewhere in a document: faders, levels, mutes.
    pub(super) fn values_kept_by_nodes(&self) -> BTreeSet<String> {
        let faders = self.nodes.iter().flat_map(|n| [gain_path(&n.name), mute_path(&n.name)]);
        let sends = self.routes.iter().filter(|r| r.kind == RouteKind::Send);
        faders.chain(sends.map(|r| crate::edit::level_path(&r.source, &r.target))).collect()
    }

    /// The value that a control has when nobody says otherwise.
    pub fn default_of(&self, path: &str, registry: &Registry) -> Option<f64> {
        let controls = self.controls(registry);
        let (node, index) = controls.at(path)?;
        Some(f64::from(controls.decl(node)?.controls[index].default))
    }
}
