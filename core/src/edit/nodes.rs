//! Nodes and routes as musicians name them, and the changes to them.

use super::{Nodes, Routes};
pub use crate::address::{fader_id, gain_path, level_path, mute_path, send_id};
use crate::bus::Bus;
use crate::graph::{RawGraph, Rest};
use crate::ir::{ModuleIr, NodeIr, RouteIr, RouteKind, Source};
use crate::model::Values;
use crate::node::{NodeSettings, TRACED, inline_family};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A node of the session. Its gain and the values of its controls are base values like any other.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionNode {
    /// Its name; may contain `/`.
    pub name: String,
    /// What makes its sound.
    pub source: Source,
    /// Texts and lists beside its source.
    pub settings: NodeSettings,
    /// Voices.
    pub count: u32,
    /// What one voice does with keys that overlap: goes on (true) or begins again (false), and goes back to
    /// the key that is still held; `None`: the last key alone counts.
    pub legato: Option<bool>,
    /// Whether it may rest when it has fallen silent; `None`, as in documents of before: not with one voice.
    pub rest: Option<Rest>,
    /// Audio inputs, as the writer counted them.
    pub num_inputs: u32,
    /// Values that controls began with.
    pub init: Vec<(String, f64)>,
    /// Text of the function that the source was traced from, for the client that wrote it.
    pub source_text: String,
    /// A traced function on one channel is played on both.
    pub stereo: bool,
    /// It is heard by itself, not only through what it feeds.
    pub to_master: bool,
    /// Where it leaves then.
    pub stem: Bus,
    /// It is silent, and so are its sends.
    pub muted: bool,
    /// While any node is solo, only those and what they feed are heard.
    pub solo: bool,
    /// Fields of its document that this version does not know.
    pub other: Map<String, Value>,
}

impl SessionNode {
    /// A node that has nothing but its source.
    pub fn of_source(source: Source) -> Self {
        Self {
            name: String::new(),
            source,
            settings: NodeSettings::default(),
            count: 1,
            legato: None,
            rest: None,
            num_inputs: 0,
            init: Vec::new(),
            source_text: String::new(),
            stereo: false,
            to_master: true,
            stem: Bus::MAIN,
            muted: false,
            solo: false,
            other: Map::new(),
        }
    }
}

impl SessionNode {
    /// The type that plays it. Those of equal meaning have one type.
    pub fn type_id(&self) -> String {
        match &self.source {
            Source::Type(id) => id.clone(),
            Source::Graph(graph) if self.stereo => format!("{TRACED}{}", graph.to_stereo().graph_key()),
            Source::Graph(graph) => format!("{TRACED}{}", graph.graph_key()),
            Source::Text(text) => {
                format!("{}{}", inline_family(text), &blake3::hash(text.as_bytes()).to_hex()[..32])
            }
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

/// A route from a node to another. The level of a send is a base value like any other.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The node that sounds.
    pub source: String,
    /// The node that hears it.
    pub target: String,
    /// How.
    pub kind: RouteKind,
    /// Input port that a wire leads to.
    pub port: String,
    /// Fields of its document that this version does not know.
    pub other: Map<String, Value>,
}

impl Route {
    /// Does it lead from one node to the other, and, where a port is given, is it a wire to that?
    pub(crate) fn is(&self, source: &str, target: &str, port: Option<&str>) -> bool {
        let ends = self.source == source && self.target == target;
        ends && port.is_none_or(|port| self.kind == RouteKind::Wire && self.port == port)
    }
}

/// What a node is to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeSpec {
    /// Name, source, voices and values; its gain counts if `gain` is set.
    pub node: NodeIr,
    /// The fader, where it is given: one that exists keeps its own.
    pub gain: Option<f64>,
    /// On both channels; as it was unless given.
    pub stereo: Option<bool>,
    /// Heard by itself; as it was unless given, and yes at first.
    pub to_master: Option<bool>,
    /// Where it leaves; as it was unless given, and the main output at first.
    pub stem: Option<Bus>,
    /// Overlapping keys of one voice; as it was unless given, and `Some(false)` at first.
    pub legato: Option<Option<bool>>,
    /// Rest; as it was unless given, and [`Rest::Auto`] at first.
    pub rest: Option<Option<Rest>>,
    /// All its settings; as they were unless given, and none with another source.
    pub settings: Option<NodeSettings>,
    /// What its controls begin with is what it was: none of them is set.
    pub keeps_values: bool,
}

/// A change to the session's nodes.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeEdit {
    /// Adds a node, or gives the one of that name another source: its routes, its mute and the values of
    /// controls that are not given stay.
    Set(Box<NodeSpec>),
    /// Removes a node and its routes.
    Remove {
        /// Its name.
        name: String,
    },
    /// Adds a route, or changes it.
    Connect(RouteIr),
    /// Removes routes.
    Disconnect {
        /// The node that sounds.
        source: String,
        /// The node that hears it.
        target: String,
        /// Of a wire: its port. Otherwise all routes between the two.
        port: Option<String>,
    },
    /// Silences a node, or lets it sound again.
    Mute {
        /// Its name.
        name: String,
        /// Silent.
        on: bool,
    },
    /// Lets only this node and what it feeds be heard.
    Solo {
        /// Its name.
        name: String,
        /// Solo.
        on: bool,
    },
}

/// All that sound is made of, to be put in place at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GraphState {
    /// The raw graph.
    pub raw: Arc<RawGraph>,
    /// The nodes.
    pub nodes: Nodes,
    /// The routes.
    pub routes: Routes,
    /// Base values by path.
    pub values: Values,
    /// Sections of a document that are kept.
    pub kept: Arc<ModuleIr>,
}
