//! Nodes and routes as musicians name them: what each change does to them.

use super::Session;
use crate::edit::EditError;
use crate::graph::{RawGraph, Scrutiny};
use crate::ir::{DEFAULT_GAIN, Fault, ModuleIr, NodeIr, RouteIr, RouteKind, Source, did_you_mean};
use crate::limits::MAX_GAIN;
use crate::node::Registry;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// A node of the session. Its gain and the values of its controls are base values like any other.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its name; may contain `/`.
    pub name: String,
    /// What makes its sound.
    pub source: Source,
    /// Voices.
    pub count: u32,
    /// What one voice does with keys that overlap: goes on (true) or begins again (false), and goes back to
    /// the key that is still held; `None`: the last key alone counts.
    pub legato: Option<bool>,
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
    /// It is silent, and so are its sends.
    pub muted: bool,
    /// While any node is solo, only those and what they feed are heard.
    pub solo: bool,
    /// Fields of its document that this version does not know.
    pub other: Map<String, Value>,
}

impl Node {
    /// A node that has nothing but its source.
    pub fn of_source(source: Source) -> Self {
        Self {
            name: String::new(),
            source,
            count: 1,
            legato: None,
            num_inputs: 0,
            init: Vec::new(),
            source_text: String::new(),
            stereo: false,
            to_master: true,
            muted: false,
            solo: false,
            other: Map::new(),
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
    fn is(&self, source: &str, target: &str, port: Option<&str>) -> bool {
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
    /// Overlapping keys of one voice; as it was unless given, and `Some(false)` at first.
    pub legato: Option<Option<bool>>,
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
pub struct Foundation {
    /// The raw graph.
    pub raw: Arc<RawGraph>,
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The routes.
    pub routes: Vec<Route>,
    /// Base values by path.
    pub values: BTreeMap<String, f64>,
    /// Sections of a document that are kept.
    pub kept: ModuleIr,
}

/// Path of a node's fader.
pub fn gain_path(node: &str) -> String {
    format!("{node}_g/gain")
}

/// Path of a send's level.
pub fn level_path(source: &str, target: &str) -> String {
    format!("{source}_send_{target}/gain")
}

impl Session {
    /// Applies changes to nodes, all or none.
    pub(super) fn apply_to_nodes(
        &mut self,
        edits: &[NodeEdit],
        registry: &Registry,
    ) -> Result<(), EditError> {
        let mut next = self.clone();
        for (i, edit) in edits.iter().enumerate() {
            let place = if edits.len() == 1 { "$".to_owned() } else { format!("$[{i}]") };
            next.apply_to_node(edit).map_err(|fault| fault.within(&place))?;
        }
        next.relower(registry, None)?;
        *self = next;
        Ok(())
    }

    fn apply_to_node(&mut self, edit: &NodeEdit) -> Result<(), Fault> {
        match edit {
            NodeEdit::Set(spec) => self.set_node(spec)?,
            NodeEdit::Remove { name } => {
                let at = self.index_of(name, "$.name")?;
                self.nodes.remove(at);
                self.routes.retain(|r| r.source != *name && r.target != *name);
            }
            NodeEdit::Connect(route) => self.connect(route)?,
            NodeEdit::Disconnect { source, target, port } => {
                self.index_of(source, "$.source")?;
                self.index_of(target, "$.target")?;
                let before = self.routes.len();
                self.routes.retain(|r| !r.is(source, target, port.as_deref()));
                if self.routes.len() == before {
                    return Err(Fault::new("$", format!("{source} is not routed to {target}")));
                }
            }
            NodeEdit::Mute { name, on } => {
                let at = self.index_of(name, "$.name")?;
                self.nodes[at].muted = *on;
            }
            NodeEdit::Solo { name, on } => {
                let at = self.index_of(name, "$.name")?;
                self.nodes[at].solo = *on;
            }
        }
        Ok(())
    }

    fn index_of(&self, name: &str, place: &str) -> Result<usize, Fault> {
        self.nodes.iter().position(|n| n.name == name).ok_or_else(|| {
            let names = self.nodes.iter().map(|n| n.name.as_str());
            let hint = did_you_mean(name, names);
            Fault { hint, ..Fault::new(place, format!("there is no node {name}")) }
        })
    }

    fn set_node(&mut self, spec: &NodeSpec) -> Result<(), Fault> {
        let NodeSpec { node, gain, stereo, to_master, legato } = spec;
        let checked = NodeIr { gain: gain.unwrap_or(DEFAULT_GAIN), ..node.clone() };
        checked.check()?;
        let before = self.nodes.iter().position(|n| n.name == node.name);
        let old = before.map(|at| &self.nodes[at]);
        let new = Node {
            name: node.name.clone(),
            source: node.source.clone(),
            count: node.count,
            legato: legato.unwrap_or_else(|| old.map_or(Some(false), |n| n.legato)),
            num_inputs: node.num_inputs,
            init: node.init.clone(),
            source_text: node.source_text.clone(),
            stereo: stereo.unwrap_or_else(|| self.stays_stereo(&node.name, &node.source)),
            to_master: to_master.unwrap_or_else(|| old.is_none_or(|n| n.to_master)),
            muted: old.is_some_and(|n| n.muted),
            solo: old.is_some_and(|n| n.solo),
            other: node.other.clone(),
        };
        if new.stereo && !matches!(new.source, Source::Graph(_)) {
            let fault = Fault::new("$.stereo", "only a traced function can be played on both channels");
            return Err(fault.hint("let the program itself have two inputs and two outputs"));
        }
        if before.is_none() || gain.is_some() {
            self.values.insert(gain_path(&new.name), checked.gain);
        }
        for (control, value) in &new.init {
            self.values.insert(format!("{}/{control}", new.name), *value);
        }
        match before {
            Some(at) => self.nodes[at] = new,
            None => self.nodes.push(new),
        }
        Ok(())
    }

    /// Is a node on both channels if nobody says otherwise?
    pub fn stays_stereo(&self, name: &str, source: &Source) -> bool {
        matches!(source, Source::Graph(_)) && self.node(name).is_some_and(|n| n.stereo)
    }

    fn connect(&mut self, route: &RouteIr) -> Result<(), Fault> {
        let RouteIr { source, target, kind, level, port, other } = route;
        self.index_of(source, "$.source")?;
        self.index_of(target, "$.target")?;
        if !(0.0..=MAX_GAIN).contains(level) {
            let fault = Fault::new("$.level", format!("{level} is out of range"));
            return Err(fault.hint(format!("0 to {MAX_GAIN}")));
        }
        let new = Route {
            source: source.clone(),
            target: target.clone(),
            kind: *kind,
            port: port.clone(),
            other: other.clone(),
        };
        if *kind == RouteKind::Send {
            self.values.insert(level_path(source, target), *level);
        }
        let same = |r: &&mut Route| {
            let wire = *kind == RouteKind::Send || r.port == *port;
            r.source == *source && r.target == *target && r.kind == *kind && wire
        };
        match self.routes.iter_mut().find(same) {
            Some(old) => *old = new,
            None => self.routes.push(new),
        }
        Ok(())
    }

    /// Puts a foundation in place of what was.
    pub(super) fn become_foundation(
        &mut self,
        foundation: &Foundation,
        registry: &Registry,
    ) -> Result<(), EditError> {
        let Foundation { raw, nodes, routes, values, kept } = foundation.clone();
        let mut next = Self { raw, nodes, routes, values, kept, ..self.clone() };
        // It was right once: texts that do not compile any more keep nobody from going back to it.
        next.relower(registry, Some(Scrutiny::Document))?;
        *self = next;
        Ok(())
    }

    /// What the session's sound is made of.
    pub fn foundation(&self) -> Foundation {
        Foundation {
            raw: self.raw.clone(),
            nodes: self.nodes.clone(),
            routes: self.routes.clone(),
            values: self.values.clone(),
            kept: self.kept.clone(),
        }
    }

    /// The node of that name.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|n| n.name == name)
    }

    /// The nodes that a name stands for: the one of that name, else all of that group.
    pub fn nodes_named(&self, name: &str) -> Vec<String> {
        if self.node(name).is_some() {
            return vec![name.to_owned()];
        }
        let within = |n: &&Node| n.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
        self.nodes.iter().filter(within).map(|n| n.name.clone()).collect()
    }

    fn sends(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter().filter(|r| r.kind == RouteKind::Send)
    }

    /// Sends that nothing hears: their targets have no audio input.
    pub fn unheard_sends(&self, registry: &Registry) -> Vec<(String, String)> {
        let is_deaf = |node: &&Node| {
            let ty = registry.find(&node.type_id());
            ty.is_some_and(|ty| ty.decl().inputs.is_empty())
        };
        let heard: HashSet<&str> = self.sends().map(|r| r.target.as_str()).collect();
        let hearers = self.nodes.iter().filter(|n| heard.contains(n.name.as_str()));
        let deaf: HashSet<&str> = hearers.filter(is_deaf).map(|n| n.name.as_str()).collect();
        let sends = self.sends().filter(|r| deaf.contains(r.target.as_str()));
        sends.map(|r| (r.source.clone(), r.target.clone())).collect()
    }
}
