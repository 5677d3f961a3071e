//! The raw graph: nodes, connections and exposed controls as `load_graph` brings them.

use crate::edit::{GraphEdit, GraphError};
use crate::node::{NodeDecl, Port, Registry, Standing};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A node of the raw graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct GraphNode {
    /// Unique id; may contain `/`.
    pub id: String,
    /// Type id, e.g. `oscillator`.
    pub type_id: String,
    /// Values that differ from the type's defaults; names the type does not have are kept and unused.
    #[serde(default)]
    pub controls: BTreeMap<String, f64>,
    /// How many voices its notes may have at a time, 1…[`MAX_VOICES`](crate::limits::MAX_VOICES).
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[schemars(range(min = 1, max = crate::limits::MAX_VOICES))]
    pub count: u32,
    /// What one voice does with keys that overlap: goes on (true) or begins again (false), and goes back to
    /// the key that is still held. Without it the last key alone counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legato: Option<bool>,
}

impl GraphNode {
    /// A node of that id and type with one voice and no values of its own.
    pub fn new(id: &str, type_id: &str) -> Self {
        Self {
            id: id.to_owned(),
            type_id: type_id.to_owned(),
            controls: BTreeMap::new(),
            count: 1,
            legato: None,
        }
    }
}

fn one() -> u32 {
    1
}

fn is_one(count: &u32) -> bool {
    *count == 1
}

/// A wire from an output port to an input port.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Connection {
    /// Source node id.
    pub from_node: String,
    /// Output port name.
    pub from_port: String,
    /// Target node id.
    pub to_node: String,
    /// Input port name.
    pub to_port: String,
}

/// The section of the session that `load_graph` replaces.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RawGraph {
    /// Nodes in the order they were added.
    #[serde(default)]
    pub nodes: Vec<GraphNode>,
    /// Connections in the order they were added.
    #[serde(default)]
    pub connections: Vec<Connection>,
    /// Label → (node id, control name).
    #[serde(default)]
    pub exposed_controls: BTreeMap<String, (String, String)>,
}

impl RawGraph {
    /// The node of that id.
    pub fn node(&self, id: &str) -> Option<&GraphNode> {
        self.nodes.iter().find(|n| n.id == id)
    }

    /// Applies one change.
    ///
    /// # Errors
    /// Duplicate or unknown node ids. Types, ports and cycles are checked by [`RawGraph::order`].
    pub fn apply(&mut self, edit: &GraphEdit) -> Result<(), GraphError> {
        match edit {
            GraphEdit::AddNode(node) => {
                if self.node(&node.id).is_some() {
                    return Err(GraphError::DuplicateNode(node.id.clone()));
                }
                self.nodes.push(node.clone());
            }
            GraphEdit::RemoveNode { id } => {
                let at = self.nodes.iter().position(|n| n.id == *id);
                self.nodes.remove(at.ok_or_else(|| GraphError::UnknownNode(id.clone()))?);
                self.connections.retain(|c| c.from_node != *id && c.to_node != *id);
            }
            GraphEdit::Connect(connection) => {
                self.known(connection)?;
                if !self.connections.contains(connection) {
                    self.connections.push(connection.clone());
                }
            }
            GraphEdit::Disconnect(connection) => {
                self.known(connection)?;
                self.connections.retain(|c| c != connection);
            }
            GraphEdit::ExposeControl { label, node_id, control_name } => {
                self.exposed_controls.insert(label.clone(), (node_id.clone(), control_name.clone()));
            }
        }
        Ok(())
    }

    fn known(&self, c: &Connection) -> Result<(), GraphError> {
        for id in [&c.from_node, &c.to_node] {
            if self.node(id).is_none() {
                return Err(GraphError::UnknownNode(id.clone()));
            }
        }
        Ok(())
    }

    /// Checks what can be wrong with the graph and returns the nodes' indices in topological order
    /// (sources first; among equals, as listed).
    ///
    /// Ports of types whose code is on its way are not known yet, and not looked at.
    ///
    /// # Errors
    /// In this order: duplicate ids, unknown types, types without code, unknown nodes, unknown ports, cycles.
    pub fn order(&self, registry: &Registry, scrutiny: Scrutiny<'_>) -> Result<Vec<usize>, GraphError> {
        let mut index = HashMap::with_capacity(self.nodes.len());
        for (i, node) in self.nodes.iter().enumerate() {
            if index.insert(node.id.as_str(), i).is_some() {
                return Err(GraphError::DuplicateNode(node.id.clone()));
            }
        }
        let scrutinised = Scrutinised::of(self, scrutiny);
        for node in &self.nodes {
            match registry.standing(&node.type_id) {
                None if comes_from_text(&node.type_id) && !scrutinised.node(node) => {}
                // The session itself holds what it is made from.
                None if crate::session::is_inline(&node.type_id) => {}
                None => return Err(GraphError::TypeNotFound(node.type_id.clone())),
                Some(Standing::Failed(why))
                    if registry.find(&node.type_id).is_none() && scrutinised.node(node) =>
                {
                    return Err(GraphError::CreationFailed(why.clone()));
                }
                Some(_) => {}
            }
        }
        let mut edges = Vec::with_capacity(self.connections.len());
        for c in &self.connections {
            let find = |id: &String| {
                index.get(id.as_str()).copied().ok_or_else(|| GraphError::UnknownNode(id.clone()))
            };
            let (from, to) = (find(&c.from_node)?, find(&c.to_node)?);
            if let Some(misfit) = self.misfit(c, from, to, registry)
                && scrutinised.connection(c, &self.nodes[from], &self.nodes[to])
                && registry.standing(&self.nodes[misfit.node].type_id) != Some(&Standing::Expected)
            {
                let (port, node) = (misfit.port.to_owned(), self.nodes[misfit.node].id.clone());
                return Err(GraphError::UnknownPort { port, node });
            }
            edges.push((from, to));
        }
        topological(self.nodes.len(), &edges).ok_or(GraphError::Cycle)
    }

    /// The connections that lead to ports which their nodes do not have: a type's new code may have other
    /// ports than the code before.
    pub fn misfits(&self, registry: &Registry) -> Vec<Misfit> {
        let index: HashMap<&str, usize> =
            self.nodes.iter().enumerate().map(|(i, node)| (node.id.as_str(), i)).collect();
        let misfit = |c: &Connection| {
            let (from, to) = (*index.get(c.from_node.as_str())?, *index.get(c.to_node.as_str())?);
            let misfit = self.misfit(c, from, to, registry)?;
            let node = self.nodes[misfit.node].id.clone();
            Some(Misfit { port: misfit.port.to_owned(), node, connection: c.clone() })
        };
        self.connections.iter().filter_map(misfit).collect()
    }

    fn misfit<'a>(&self, c: &'a Connection, from: usize, to: usize, registry: &Registry) -> Option<End<'a>> {
        let decl = |node: usize| registry.find(&self.nodes[node].type_id).map(|ty| ty.decl());
        if decl(from).is_some_and(|decl| output_port(decl, &c.from_port).is_none()) {
            return Some(End { port: &c.from_port, node: from });
        }
        let lost = decl(to).is_some_and(|decl| input_port(decl, &c.to_port).is_none());
        lost.then_some(End { port: &c.to_port, node: to })
    }
}

/// A port that is not there.
struct End<'a> {
    port: &'a str,
    node: usize,
}

/// A connection that is not played, because one end of it has no such port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The connection.
    pub connection: Connection,
    /// The port that is not there.
    pub port: String,
    /// The node that lacks it.
    pub node: String,
}

/// What of a graph is held to the types as they are now. Types may have changed since the rest was right.
#[derive(Clone, Copy, Debug)]
pub enum Scrutiny<'a> {
    /// All of it: it is new.
    All,
    /// What was not in this graph already.
    Since(&'a RawGraph),
    /// Types that are part of krach. Those that come from text (`faust:…`) may have changed since the
    /// document was written: it plays as far as it can.
    Document,
}

struct Scrutinised<'a> {
    document: bool,
    nodes: HashMap<&'a str, &'a str>,
    connections: HashSet<&'a Connection>,
}

impl<'a> Scrutinised<'a> {
    fn of(graph: &'a RawGraph, scrutiny: Scrutiny<'a>) -> Self {
        let document = matches!(scrutiny, Scrutiny::Document);
        let known = match scrutiny {
            Scrutiny::All => return Self { document, nodes: HashMap::new(), connections: HashSet::new() },
            Scrutiny::Since(before) => before,
            Scrutiny::Document => graph,
        };
        Self {
            document,
            nodes: known.nodes.iter().map(|n| (n.id.as_str(), n.type_id.as_str())).collect(),
            connections: known.connections.iter().collect(),
        }
    }

    fn node(&self, node: &GraphNode) -> bool {
        if self.document {
            return !comes_from_text(&node.type_id);
        }
        self.nodes.get(node.id.as_str()) != Some(&node.type_id.as_str())
    }

    fn connection(&self, c: &Connection, from: &GraphNode, to: &GraphNode) -> bool {
        if self.document {
            return self.node(from) && self.node(to);
        }
        !self.connections.contains(c) || self.node(from) || self.node(to)
    }
}

/// Types with a family in front (`faust:bass`) are made from text, which may change.
pub fn comes_from_text(type_id: &str) -> bool {
    type_id.contains(':')
}

/// Index of an output port by name; a single port also answers to `out0`.
pub fn output_port(decl: &NodeDecl, name: &str) -> Option<usize> {
    port(&decl.outputs, name, "out0")
}

/// Index of an input port by name; a single port also answers to `in0`.
pub fn input_port(decl: &NodeDecl, name: &str) -> Option<usize> {
    port(&decl.inputs, name, "in0")
}

fn port(ports: &[Port], name: &str, alias: &str) -> Option<usize> {
    let found = ports.iter().position(|p| p.name == name);
    found.or_else(|| (ports.len() == 1 && name == alias).then_some(0))
}

/// Kahn's algorithm, taking the lowest index first. `None` if there is a cycle.
pub fn topological(nodes: usize, edges: &[(usize, usize)]) -> Option<Vec<usize>> {
    let mut incoming = vec![0usize; nodes];
    let mut outgoing = vec![Vec::new(); nodes];
    for &(from, to) in edges {
        incoming[to] += 1;
        outgoing[from].push(to);
    }
    let mut ready: std::collections::BinaryHeap<_> =
        (0..nodes).filter(|&n| incoming[n] == 0).map(std::cmp::Reverse).collect();
    let mut order = Vec::with_capacity(nodes);
    while let Some(std::cmp::Reverse(n)) = ready.pop() {
        order.push(n);
        for &to in &outgoing[n] {
            incoming[to] -= 1;
            if incoming[to] == 0 {
                ready.push(std::cmp::Reverse(to));
            }
        }
    }
    (order.len() == nodes).then_some(order)
}
