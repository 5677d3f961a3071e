//! The raw graph: nodes, connections and exposed controls as `load_graph` brings them, and its changes.

use super::rest::Rest;
use crate::node::NodeSettings;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// How many voices its notes may have at a time, 1…64.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[schemars(range(min = 1, max = crate::limits::MAX_VOICES))]
    pub count: u32,
    /// What one voice does with keys that overlap: goes on (true) or begins again (false), and goes back to
    /// the key that is still held. Without it the last key alone counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legato: Option<bool>,
    /// Whether it may rest when it has fallen silent. Without it one voice never rests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Rest>,
    /// Its settings: those of a node of the session. The raw graph of a client has none.
    #[serde(skip)]
    pub settings: NodeSettings,
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
            rest: None,
            settings: NodeSettings::default(),
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
}

/// A change to the raw graph.
#[derive(Clone, Debug, PartialEq)]
pub enum GraphEdit {
    /// Adds a node.
    AddNode(GraphNode),
    /// Removes a node and its connections.
    RemoveNode {
        /// The node's id.
        id: String,
    },
    /// Adds a connection; adding one that exists changes nothing.
    Connect(Connection),
    /// Removes a connection; removing one that does not exist changes nothing.
    Disconnect(Connection),
    /// Names a control. The node need not exist (yet).
    ExposeControl {
        /// The label.
        label: String,
        /// The node's id.
        node_id: String,
        /// The control's name on that node.
        control_name: String,
    },
}

/// Why the raw graph cannot be as asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GraphError {
    /// No such type.
    #[error("there is no node type {0}")]
    TypeNotFound(String),
    /// The type refused to create an instance.
    #[error("the node cannot be made: {0}")]
    CreationFailed(String),
    /// Two nodes of one id.
    #[error("duplicate node id: {0}")]
    DuplicateNode(String),
    /// The connections run in a circle.
    #[error("graph contains a cycle")]
    Cycle,
    /// The node has no such port in that direction.
    #[error("unknown port '{port}' on node '{node}'")]
    UnknownPort {
        /// The port's name as given.
        port: String,
        /// The node's id.
        node: String,
    },
    /// No such node.
    #[error("unknown node: {0}")]
    UnknownNode(String),
}
