//! Whether a graph can play: its types, ports and order.

use super::graph::{Connection, GraphError, GraphNode, RawGraph};
use super::indexed::{IndexedGraph, Part};
use super::topology::topological;
use crate::node::{Registry, TypeStatus, comes_from_text, input_port, is_inline, output_port};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

impl RawGraph {
    /// Checks what can be wrong with the graph and returns the nodes' indices in topological order
    /// (sources first; among equals, as listed).
    ///
    /// Ports of types whose code is on its way are not known yet, and not looked at.
    ///
    /// # Errors
    /// In this order: duplicate ids, unknown types, types without code, unknown nodes, unknown ports, cycles.
    pub fn order(&self, registry: &Registry, validate: Validate<'_>) -> Result<Vec<usize>, GraphError> {
        let mut index = HashMap::with_capacity(self.nodes.len());
        for (i, node) in self.nodes.iter().enumerate() {
            if index.insert(node.id.as_str(), i).is_some() {
                return Err(GraphError::DuplicateNode(node.id.clone()));
            }
        }
        let is_validated = Validated::of(self, validate);
        for node in &self.nodes {
            check_type(node, registry, || is_validated.node(node))?;
        }
        let mut edges = Vec::with_capacity(self.connections.len());
        for c in &self.connections {
            let find = |id: &String| {
                index.get(id.as_str()).copied().ok_or_else(|| GraphError::UnknownNode(id.clone()))
            };
            let (from, to) = (find(&c.from_node)?, find(&c.to_node)?);
            let ends = [&self.nodes[from], &self.nodes[to]];
            check_ports(c, ends, registry, || is_validated.connection(c, ends[0], ends[1]))?;
            edges.push((from, to));
        }
        topological(self.nodes.len(), &edges).ok_or(GraphError::Cycle)
    }

    /// The connections that lead to ports which their nodes do not have: a type's new code may have other
    /// ports than the code before.
    pub fn missing_ports(&self, registry: &Registry) -> Vec<MissingPort> {
        let index: HashMap<&str, usize> =
            self.nodes.iter().enumerate().map(|(i, node)| (node.id.as_str(), i)).collect();
        let missing_port = |c: &Connection| {
            let (from, to) = (*index.get(c.from_node.as_str())?, *index.get(c.to_node.as_str())?);
            let missing_port = missing_port(c, [&self.nodes[from], &self.nodes[to]], registry)?;
            let node = missing_port.node.id.clone();
            Some(MissingPort { port: missing_port.port.to_owned(), node, connection: c.clone() })
        };
        self.connections.iter().filter_map(missing_port).collect()
    }
}

impl IndexedGraph {
    /// Checks types and ports of parts that were put into the graph, with the graph as it was before; the rest was
    /// right then. `document`: types that come from text may have changed since the parts were right, too.
    ///
    /// # Errors
    /// In this order: unknown types, types without code, unknown nodes, unknown ports.
    pub fn check_parts(
        &self,
        parts: &[Arc<Part>],
        before: &Self,
        registry: &Registry,
        document: bool,
    ) -> Result<(), GraphError> {
        let of_text = |node: &GraphNode| comes_from_text(&node.type_id);
        let is_new = |node: &GraphNode| before.node(&node.id).is_none_or(|b| b.type_id != node.type_id);
        let looked_at = |node: &GraphNode| if document { !of_text(node) } else { is_new(node) };
        for node in parts.iter().flat_map(|part| &part.nodes) {
            check_type(node, registry, || looked_at(node))?;
        }
        for c in parts.iter().flat_map(|part| &part.connections) {
            let find = |id: &String| self.node(id).ok_or_else(|| GraphError::UnknownNode(id.clone()));
            let ends = [find(&c.from_node)?, find(&c.to_node)?];
            check_ports(c, ends, registry, || match document {
                true => ends.iter().all(|node| looked_at(node)),
                false => ends.iter().any(|node| looked_at(node)) || !before.connections.contains(c),
            })?;
        }
        Ok(())
    }
}

/// Is there such a type, and has it code or will have it? Types without are refused where the node is is_validated.
fn check_type(
    node: &GraphNode,
    registry: &Registry,
    is_validated: impl Fn() -> bool,
) -> Result<(), GraphError> {
    match registry.type_status(&node.type_id) {
        None if comes_from_text(&node.type_id) && !is_validated() => Ok(()),
        // The session itself holds what it is made from.
        None if is_inline(&node.type_id) => Ok(()),
        None => Err(GraphError::TypeNotFound(node.type_id.clone())),
        Some(TypeStatus::Failed(why)) if registry.find(&node.type_id).is_none() && is_validated() => {
            Err(GraphError::CreationFailed(why.clone()))
        }
        Some(_) => Ok(()),
    }
}

/// Have the two ends of a connection its ports?
fn check_ports(
    c: &Connection,
    ends: [&GraphNode; 2],
    registry: &Registry,
    is_validated: impl Fn() -> bool,
) -> Result<(), GraphError> {
    if let Some(missing_port) = missing_port(c, ends, registry)
        && is_validated()
        && registry.type_status(&missing_port.node.type_id) != Some(&TypeStatus::Compiling)
    {
        let (port, node) = (missing_port.port.to_owned(), missing_port.node.id.clone());
        return Err(GraphError::UnknownPort { port, node });
    }
    Ok(())
}

fn missing_port<'a>(c: &'a Connection, ends: [&'a GraphNode; 2], registry: &Registry) -> Option<End<'a>> {
    let [from, to] = ends;
    let decl = |node: &GraphNode| registry.find(&node.type_id).map(|ty| ty.decl());
    if decl(from).is_some_and(|decl| output_port(decl, &c.from_port).is_none()) {
        return Some(End { port: &c.from_port, node: from });
    }
    let lost = decl(to).is_some_and(|decl| input_port(decl, &c.to_port).is_none());
    lost.then_some(End { port: &c.to_port, node: to })
}

/// A port that is not there.
struct End<'a> {
    port: &'a str,
    node: &'a GraphNode,
}

/// A connection that is not played, because one end of it has no such port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingPort {
    /// The connection.
    pub connection: Connection,
    /// The port that is not there.
    pub port: String,
    /// The node that lacks it.
    pub node: String,
}

/// Which part of a graph is validated against the node types of now. Types may have changed since the rest was right.
#[derive(Clone, Copy, Debug)]
pub enum Validate<'a> {
    /// All of it: it is new.
    All,
    /// What was not in this graph already.
    ChangesSince(&'a RawGraph),
    /// Types that are part of krach. Those that come from text (`family:…`) may have changed since the
    /// document was written: it plays as far as it can.
    Saved,
}

struct Validated<'a> {
    document: bool,
    nodes: HashMap<&'a str, &'a str>,
    connections: HashSet<&'a Connection>,
}

impl<'a> Validated<'a> {
    fn of(graph: &'a RawGraph, validate: Validate<'a>) -> Self {
        let document = matches!(validate, Validate::Saved);
        let known = match validate {
            Validate::All => return Self { document, nodes: HashMap::new(), connections: HashSet::new() },
            Validate::ChangesSince(before) => before,
            Validate::Saved => graph,
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
