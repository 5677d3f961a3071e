//! The raw graph: nodes, connections and exposed controls as `load_graph` brings them.

use crate::edit::{GraphEdit, GraphError};
use crate::node::{NodeDecl, Port, Registry};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// A node of the raw graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GraphNode {
    /// Unique id; may contain `/`.
    pub id: String,
    /// Type id, e.g. `oscillator`.
    pub type_id: String,
    /// Values that differ from the type's defaults; names the type does not have are kept and unused.
    #[serde(default)]
    pub controls: BTreeMap<String, f64>,
}

/// A wire from an output port to an input port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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

    /// Checks everything that can be wrong with the graph and returns the nodes' indices in
    /// topological order (sources first; among equals, as listed).
    ///
    /// # Errors
    /// In this order: duplicate ids, unknown types, unknown nodes, unknown ports, cycles.
    pub fn order(&self, registry: &Registry) -> Result<Vec<usize>, GraphError> {
        let mut index = HashMap::with_capacity(self.nodes.len());
        for (i, node) in self.nodes.iter().enumerate() {
            if index.insert(node.id.as_str(), i).is_some() {
                return Err(GraphError::DuplicateNode(node.id.clone()));
            }
        }
        let mut decls = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let ty = registry.find(&node.type_id);
            decls.push(ty.ok_or_else(|| GraphError::TypeNotFound(node.type_id.clone()))?.decl());
        }
        let mut edges = Vec::with_capacity(self.connections.len());
        for c in &self.connections {
            let find = |id: &String| {
                index.get(id.as_str()).copied().ok_or_else(|| GraphError::UnknownNode(id.clone()))
            };
            let (from, to) = (find(&c.from_node)?, find(&c.to_node)?);
            let unknown = |port: &str, node: &str| GraphError::UnknownPort {
                port: port.to_owned(),
                node: node.to_owned(),
            };
            output_port(decls[from], &c.from_port).ok_or_else(|| unknown(&c.from_port, &c.from_node))?;
            input_port(decls[to], &c.to_port).ok_or_else(|| unknown(&c.to_port, &c.to_node))?;
            edges.push((from, to));
        }
        topological(self.nodes.len(), &edges).ok_or(GraphError::Cycle)
    }
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
