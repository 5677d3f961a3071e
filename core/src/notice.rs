//! What the engine tells without being asked, and what `Status` tells.

use crate::graph::{Clash, Connection, GraphNode, MissingPort};
use crate::link::Position;
use crate::model::Settings;
use std::collections::BTreeMap;

/// Something that happened by itself, for logs, events and Status.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Notice {
    /// An edit acted after its time.
    Late {
        /// The edit.
        seq: u64,
        /// Position it had, in cycles.
        position: f64,
    },
    /// An accepted edit could not be carried out when its time came.
    EditFailed {
        /// The edit.
        seq: u64,
        /// Why, for the musician.
        message: String,
    },
    /// A node produced NaN or inf.
    NodeFault {
        /// The node's id.
        node: String,
        /// It is silenced until replaced or rebuilt.
        silenced: bool,
    },
    /// A connection is not played.
    MissingPort(MissingPort),
    /// A setting of a node is not played: its type does not take it.
    Unfit {
        /// The node.
        node: String,
        /// The setting.
        setting: String,
        /// Why, for the musician.
        why: String,
    },
    /// A send leads to a node without audio inputs.
    SendWithoutInput {
        /// The node that sends.
        source: String,
        /// The node that does not hear it.
        target: String,
    },
    /// A label has lost its control, or may mean several, or a value has lost its name, since its node has other code.
    Unnamed {
        /// Who says it, for the musician.
        of: String,
        /// The label, or the name of a value and the label that it is for.
        label: String,
        /// What is missing.
        missing: Missing,
    },
    /// Two controls have one path.
    Clash(Clash),
    /// A scene was recalled.
    Recalled {
        /// Its number.
        number: u8,
        /// Its name.
        name: String,
        /// The edit that asked for it; 0: the host's parameter did.
        seq: u64,
        /// It was not ready on its sample, and began as soon as it could.
        late: bool,
    },
    /// The engine panicked and is silent until rebuilt.
    Panicked {
        /// The panic's message.
        message: String,
    },
}

/// What a label lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A control of that node.
    Control(String),
    /// A choice among the controls of these paths.
    Choice(Vec<String>),
    /// A value of that name: the control of this path has none.
    Value(String),
}

impl std::fmt::Display for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Late { seq, position } => {
                write!(f, "edit {seq} for cycle {position} acted late")
            }
            Self::EditFailed { seq, message } => write!(f, "edit {seq} failed: {message}; all else plays on"),
            Self::NodeFault { node, silenced: false } => {
                write!(f, "node '{node}' produced NaN or infinity; it was faded out and reset")
            }
            Self::NodeFault { node, silenced: true } => {
                write!(
                    f,
                    "node '{node}' keeps producing NaN or infinity and is silenced; replace it or rebuild"
                )
            }
            Self::MissingPort(MissingPort { connection: c, port, node }) => write!(
                f,
                "{}.{} → {}.{} is not played: node '{node}' has no port '{port}' in its present code; the rest plays on",
                c.from_node, c.from_port, c.to_node, c.to_port
            ),
            Self::Unfit { node, setting, why } => {
                write!(f, "the setting {setting} of node '{node}' is not played: {why}; the rest plays on")
            }
            Self::SendWithoutInput { source, target } => {
                write!(f, "the send {source} → {target} does nothing: {target} has no audio input")
            }
            Self::Unnamed { of, label, missing: Missing::Control(node) } => {
                write!(f, "{of} names {label}, which node '{node}' does not have in its present code")
            }
            Self::Unnamed { of, label, missing: Missing::Choice(paths) } => {
                write!(f, "{of} names {label}, which may be {}: say which", paths.join(" or "))
            }
            Self::Unnamed { of, label, missing: Missing::Value(path) } => {
                write!(
                    f,
                    "{of} names {label}, which {path} does not take in its present code; it stays where it is"
                )
            }
            Self::Clash(Clash { path, owner, hidden }) => write!(
                f,
                "{path} is a control of node '{owner}' and one of node '{hidden}': it means that of '{owner}', the \
                 other is not reached; call one of the nodes otherwise"
            ),
            Self::Recalled { number, name, late: false, .. } => write!(f, "scene {number} ({name}) plays"),
            Self::Recalled { number, name, late: true, .. } => {
                write!(f, "scene {number} ({name}) was not ready on its sample and began late")
            }
            Self::Panicked { message } => {
                write!(f, "the engine stopped ({message}); rebuild it or restart the plugin")
            }
        }
    }
}

/// A pattern slot, for Status.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct SlotStatus {
    /// Slot name.
    pub name: String,
    /// Not hushed.
    pub playing: bool,
}

/// A node as a musician knows it, for Status and the window.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeStatus {
    /// Its name, its type and its voices.
    pub node: GraphNode,
    /// Muted.
    pub muted: bool,
    /// Heard alone.
    pub solo: bool,
    /// Muted, or not among those that are solo.
    pub silent: bool,
    /// It produced NaN or infinity too often, and audio does not render it any more.
    pub silenced: bool,
    /// Number of its meter, for [`Telemetry::node`](crate::telemetry::Telemetry::node). Nodes that audio does not
    /// render (yet), or that are too many, have none.
    pub meter: Option<u32>,
}

/// What `Status` tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// The nodes by the names that musicians gave: those of a raw graph, then those of the session.
    pub nodes: Vec<NodeStatus>,
    /// Connections between these.
    pub connections: Vec<Connection>,
    /// Label → (node, control).
    pub exposed_controls: BTreeMap<String, (String, String)>,
    /// Base values by label.
    pub control_values: BTreeMap<String, f64>,
    /// All slots ever set, hushed ones too.
    pub slots: Vec<SlotStatus>,
    /// The session's settings; the MIDI clock is on as well where the host's environment asks for it.
    pub settings: Settings,
    /// Quarter notes per cycle: those of the settings, or of the host's bar.
    pub meter: f64,
    /// Where the clock stands.
    pub position: Position,
    /// The engine panicked and is silent.
    pub poisoned: bool,
    /// Names of silenced nodes.
    pub silenced: Vec<String>,
}
