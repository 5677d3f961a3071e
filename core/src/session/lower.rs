//! Nodes and routes → the graph that is planned.
//!
//! ```text
//! bass ── bass_g ─┬─────────────────────────── _master     bass/gain is the gain of bass_g, but for a bass with a `gain`
//!                 │                                        (or _stem1…_stem8)
//!                 └─ bass_send_verb ── verb …              after the fader, with a level of its own
//! lfo ───────────────────────────────── verb.depth         a wire: before the fader, straight into a port
//! ```
//! Raw nodes stand beside them as they are; an id that both want is an error.

use super::circles::has_circle;
use super::{Session, check_ids, check_labels, check_node};
use crate::edit::{
    EditError, Key, Nodes, Route, Routes, SessionNode, fader_id, gain_path, mute_path, send_id,
};
use crate::graph::{Connection, GraphError, GraphNode, IndexedGraph, Part, PartKey, RawGraph, Validate};
use crate::ir::{RouteKind, Source};
use crate::limits::MAX_CONNECTIONS;
use crate::model::Values;
use crate::node::{Bus, INPUT_TYPE, NodeDecl, Registry, RegistryState, output_type};
use imbl::ordmap::DiffItem;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Id of the output that session nodes lead to.
pub fn output_id(bus: Bus) -> String {
    match bus.index() {
        0 => "_master".to_owned(),
        stem => format!("_stem{stem}"),
    }
}

/// Who is heard, of nodes that may be muted or solo.
struct Hearing<'a> {
    silent: BTreeSet<&'a str>,
    off_master: BTreeSet<&'a str>,
}

fn hearing<'a>(nodes: &'a Nodes, routes: &'a Routes) -> Hearing<'a> {
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

/// Where the parts of a session stand in its graph: the raw graph, the outputs, the nodes, the routes.
const RAW: PartKey = (0, 0);
const OUTPUT: u8 = 1;
const NODE: u8 = 2;
const ROUTE: u8 = 3;

/// What the graph of a session was made from: what has changed since is lowered anew, and nothing else.
#[derive(Clone, Debug, Default)]
pub(super) struct Basis {
    raw: Arc<RawGraph>,
    nodes: Nodes,
    routes: Routes,
    /// Base values up to which all are where they belong.
    values: Values,
    registry: Option<RegistryState>,
}

impl PartialEq for Basis {
    /// How a graph was made is no part of what a session is.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// The graph that nodes, routes and the raw graph come to, and the mutes of the faders in it.
///
/// Types that have no code yet are taken to have ports `in` and `out`.
pub fn lower(
    raw: &RawGraph,
    nodes: &Nodes,
    routes: &Routes,
    registry: &Registry,
) -> (IndexedGraph, BTreeMap<String, f64>) {
    let mut graph = IndexedGraph::default();
    let mut mutes = BTreeMap::new();
    // An id that two parts want is found when the whole is checked.
    let _ = graph.insert(RAW, Arc::new(raw.clone().into()));
    if nodes.is_empty() {
        return (graph, mutes);
    }
    for bus in nodes.outputs() {
        let _ = graph.insert((OUTPUT, bus.index() as Key), output_part(bus));
    }
    let hearing = hearing(nodes, routes);
    for (key, node) in nodes.entries() {
        let heard = !hearing.off_master.contains(node.name.as_str());
        let _ = graph.insert((NODE, key), node_part(node, heard, registry));
        if hearing.silent.contains(node.name.as_str()) {
            mutes.insert(mute_path(&node.name), 1.0);
        }
    }
    for (key, route) in routes.entries() {
        // More than may be is refused; how much more does not matter.
        if graph.amounts().connections > MAX_CONNECTIONS {
            break;
        }
        let part = route_part(route, nodes, registry);
        let _ = graph.insert((ROUTE, key), part);
    }
    (graph, mutes)
}

fn output_part(bus: Bus) -> Arc<Part> {
    let node = GraphNode::new(&output_id(bus), &output_type(bus));
    Arc::new(Part { nodes: vec![Arc::new(node)], ..Part::default() })
}

fn node_part(node: &SessionNode, heard: bool, registry: &Registry) -> Arc<Part> {
    let type_id = node.type_id();
    let decl = registry.playing(&node.name, &type_id).map(|ty| ty.decl());
    let gain = fader_id(&node.name);
    let mut part = Part::default();
    for port in outputs(decl) {
        part.connections.push(wire(&node.name, &port, &gain, "in"));
    }
    if heard {
        part.connections.push(wire(&gain, "out", &output_id(node.stem), "in"));
    }
    part.takes_input = node.to_master && is_input(node);
    // A control of the node's own has its path; the fader is `bass_g/gain` then.
    if decl.is_none_or(|decl| decl.control_at("gain").is_none()) {
        let fader = (gain.clone(), "gain".to_owned());
        part.exposed.push((format!("{}/gain", node.name), fader));
    }
    let (count, legato, rest) = (node.count, node.legato, node.rest);
    let settings = node.settings.clone();
    let own = GraphNode { count, legato, rest, settings, ..GraphNode::new(&node.name, &type_id) };
    part.nodes = vec![Arc::new(own), Arc::new(GraphNode::new(&gain, "gain"))];
    Arc::new(part)
}

fn route_part(route: &Route, nodes: &Nodes, registry: &Registry) -> Arc<Part> {
    let Route { source, target, kind, port, .. } = route;
    let type_of = |node: &str| nodes.get(node).map(|node| node.type_id());
    let decl = |node: &str| registry.playing(node, &type_of(node)?).map(|ty| ty.decl());
    let takes_input = nodes.get(source).is_some_and(|node| is_input(node));
    let mut part = Part { takes_input, ..Part::default() };
    match kind {
        RouteKind::Send => {
            let send = send_id(source, target);
            part.connections.push(wire(&fader_id(source), "out", &send, "in"));
            if let Some(port) = first_input(decl(target)) {
                part.connections.push(wire(&send, "out", target, &port));
            }
            part.nodes.push(Arc::new(GraphNode::new(&send, "gain")));
            let code = type_of(target).and_then(|type_id| registry.find(&type_id));
            if code.is_some_and(|ty| ty.decl().inputs.is_empty()) {
                part.unheard = Some((source.clone(), target.clone()));
            }
        }
        RouteKind::Wire => {
            part.connections
                .extend(outputs(decl(source)).iter().map(|from| wire(source, from, target, port)));
        }
    }
    Arc::new(part)
}

/// Does it give what the host sends in?
fn is_input(node: &SessionNode) -> bool {
    matches!(&node.source, Source::Type(id) if id == INPUT_TYPE)
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

/// A graph of which only some parts were lowered anew.
struct Relowered {
    graph: IndexedGraph,
    /// Names of the session's nodes that are new, others, or gone.
    nodes: BTreeSet<String>,
}

impl Session {
    /// Makes the graph anew from nodes, routes and the raw graph. A type's code may have other ports than
    /// was thought. What was in the graph already is not looked at again unless asked for.
    ///
    /// # Errors
    /// What is wrong with it; then nothing has changed.
    pub fn relower(&mut self, registry: &Registry, validate: Option<Validate<'_>>) -> Result<(), EditError> {
        let document = matches!(validate, Some(Validate::Saved));
        if (validate.is_none() || document)
            && let Some(relowered) = self.relowered(registry, document)?
        {
            let mut ids = self.graph.changed_ids(&relowered.graph);
            ids.extend(relowered.nodes.iter().cloned());
            let paths = self.values_since_basis();
            for node in self.mutes_since_basis() {
                self.place_mute(&node);
            }
            relowered.nodes.iter().for_each(|name| self.place_mute(name));
            self.put_graph(relowered.graph, registry);
            self.settle(ids.iter(), paths, registry);
            relowered.nodes.iter().for_each(|name| self.settle_init(name, registry));
            self.basis.values = self.values.clone();
            return Ok(());
        }
        let (graph, mutes) = lower(&self.raw, &self.nodes, &self.routes, registry);
        let before = Arc::clone(&self.graph);
        self.check_graph(&graph, registry, validate.unwrap_or(Validate::ChangesSince(&before)))?;
        // The mute of a node that is gone is no value of another node of its fader's name.
        for node in self.basis.nodes.changes(&self.nodes).filter_map(|change| change.old) {
            self.values.remove(&mute_path(&node.name));
        }
        self.put_graph(graph, registry);
        self.place_mutes(&mutes);
        self.settle_values(registry);
        Ok(())
    }

    /// The graph with those parts lowered anew that have changed since it was made; `None` if that may be any.
    ///
    /// # Errors
    /// What is wrong with them.
    fn relowered(&self, registry: &Registry, document: bool) -> Result<Option<Relowered>, EditError> {
        let basis = &self.basis;
        let Some(types) = basis.registry.and_then(|then| registry.changed_since(then)) else {
            return Ok(None);
        };
        // Wires of the raw graph may close a circle with any others; who is solo silences any others.
        let anywhere = !Arc::ptr_eq(&basis.raw, &self.raw)
            || !self.raw.connections.is_empty()
            || basis.nodes.any_solo()
            || self.nodes.any_solo();
        if anywhere || basis.nodes.is_empty() || self.nodes.is_empty() {
            return Ok(None);
        }
        let (mut nodes, mut routes) = (BTreeSet::new(), BTreeSet::new());
        let mut names = BTreeSet::new();
        for change in basis.nodes.changes(&self.nodes) {
            nodes.insert(change.key);
            names.extend([change.old, change.new].into_iter().flatten().map(|node| node.name.clone()));
        }
        if !types.is_empty() {
            let of_types = |part: &Part| part.nodes.first().filter(|n| types.contains(&*n.type_id)).cloned();
            let parts = self.graph.parts().filter(|((kind, _), _)| *kind == NODE);
            for ((_, key), node) in parts.filter_map(|(key, part)| Some((key, of_types(part)?))) {
                nodes.insert(key);
                names.insert(node.id.clone());
            }
        }
        routes.extend(basis.routes.changes(&self.routes).map(|change| change.key));
        // Their wires go by the ports of both ends.
        for name in &names {
            let (from, to) = (self.routes.from(name), self.routes.to(name));
            routes.extend(from.chain(to).map(|(key, _)| key));
        }
        let (then, now): (Vec<Bus>, Vec<Bus>) =
            (basis.nodes.outputs().collect(), self.nodes.outputs().collect());
        let outputs = Bus::all().filter(|bus| then.contains(bus) != now.contains(bus));
        let outputs = outputs.map(|bus| (OUTPUT, bus.index() as Key));
        let keys = nodes.iter().map(|key| (NODE, *key)).chain(routes.iter().map(|key| (ROUTE, *key)));
        let keys: Vec<PartKey> = outputs.chain(keys).collect();
        let mut graph = (*self.graph).clone();
        keys.iter().for_each(|key| graph.remove(*key));
        let mut parts = Vec::with_capacity(keys.len());
        let mut twice = None;
        for key in keys {
            let part = match key {
                (OUTPUT, at) => now.iter().find(|bus| bus.index() as Key == at).map(|bus| output_part(*bus)),
                (NODE, at) => self.nodes.at(at).map(|node| node_part(node, node.to_master, registry)),
                (_, at) => self.routes.at(at).map(|route| route_part(route, &self.nodes, registry)),
            };
            let Some(part) = part else { continue };
            // What comes to the same is the same.
            let part = self.graph.part(key).filter(|old| ***old == *part).cloned().unwrap_or(part);
            if let Err(id) = graph.insert(key, Arc::clone(&part)) {
                twice.get_or_insert(id);
            }
            parts.push(part);
        }
        self.check_amounts(graph.amounts())?;
        check_ids(parts.iter().flat_map(|part| &part.nodes).map(Arc::as_ref))?;
        check_labels(parts.iter().flat_map(|part| &part.exposed).map(|(label, (n, c))| (label, n, c)))?;
        if let Some(id) = twice {
            return Err(GraphError::DuplicateNode(id).into());
        }
        graph.check_parts(&parts, &self.graph, registry, document)?;
        // From a node without an output, and to one without an input, nothing leads.
        let wires = |key: PartKey| graph.part(key).map_or(&[][..], |part| &part.connections);
        let leads = |key: Key, route: &Route| {
            let source = self.nodes.key(&route.source).map_or(&[][..], |key| wires((NODE, key)));
            source.iter().any(|c| c.from_node == route.source)
                && wires((ROUTE, key)).iter().any(|c| c.to_node == route.target)
        };
        if has_circle(&self.routes, &routes, leads) {
            return Err(GraphError::Cycle.into());
        }
        parts.iter().flat_map(|part| &part.nodes).try_for_each(|node| check_node(node, registry))?;
        Ok(Some(Relowered { graph, nodes: names }))
    }

    /// Takes a graph that was made of the session as it is.
    pub(super) fn put_graph(&mut self, graph: IndexedGraph, registry: &Registry) {
        self.graph = Arc::new(graph);
        self.basis = Basis {
            raw: Arc::clone(&self.raw),
            nodes: self.nodes.clone(),
            routes: self.routes.clone(),
            values: self.values.clone(),
            registry: Some(registry.state()),
        };
    }

    /// Paths of base values that were set since the graph was made.
    fn values_since_basis(&self) -> BTreeSet<String> {
        let set = self.basis.values.diff(&self.values).filter_map(|item| match item {
            DiffItem::Add(path, _) | DiffItem::Update { new: (path, _), .. } => Some(path.clone()),
            DiffItem::Remove(..) => None,
        });
        set.collect()
    }

    /// Nodes whose mutes were placed, or taken away, since the graph was made. Neither needs another graph.
    fn mutes_since_basis(&self) -> Vec<String> {
        let path = |item| match item {
            DiffItem::Add(path, _) | DiffItem::Remove(path, _) | DiffItem::Update { new: (path, _), .. } => {
                let path: &String = path;
                path.strip_suffix("_g/mute").map(str::to_owned)
            }
        };
        self.basis.values.diff(&self.values).filter_map(path).collect()
    }

    /// The mute of a node's fader, while no node is solo.
    fn place_mute(&mut self, node: &str) {
        match self.nodes.get(node).is_some_and(|node| node.muted) {
            true => drop(self.values.insert(mute_path(node), 1.0)),
            false => drop(self.values.remove(&mute_path(node))),
        }
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
