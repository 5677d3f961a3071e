//! Nodes and routes as musicians name them: what each change does to them.

use super::Session;
use crate::edit::{
    EditError, GraphState, NodeEdit, NodeSpec, Route, SessionNode, gain_path, level_path, mute_path,
};
use crate::graph::{Clash, Controls, Scrutiny};
use crate::ir::{DEFAULT_GAIN, Fault, NodeIr, RouteIr, RouteKind, Source, did_you_mean};
use crate::limits::MAX_GAIN;
use crate::node::Registry;
use std::collections::HashSet;
use std::sync::Arc;

impl Session {
    /// Applies changes to nodes, all or none.
    pub(super) fn apply_to_nodes(
        &mut self,
        edits: &[NodeEdit],
        registry: &Registry,
    ) -> Result<(), EditError> {
        if let Some(mutes) = self.plain_mutes(edits) {
            for (path, value) in mutes {
                match value {
                    Some(value) => drop(self.values.insert(path, value)),
                    None => drop(self.values.remove(&path)),
                }
            }
            for edit in edits {
                self.apply_to_node(edit)?;
            }
            return Ok(());
        }
        let mut next = self.clone();
        for (i, edit) in edits.iter().enumerate() {
            let place = if edits.len() == 1 { "$".to_owned() } else { format!("$[{i}]") };
            next.apply_to_node(edit).map_err(|fault| fault.within(&place))?;
        }
        next.relower(registry, None)?;
        next.check_names(edits, registry)?;
        *self = next;
        Ok(())
    }

    /// Base values that edits set (`None`: have no more) if they do nothing but mute nodes of the session, none of which
    /// is solo: then they change nothing else.
    pub fn plain_mutes(&self, edits: &[NodeEdit]) -> Option<Vec<(String, Option<f64>)>> {
        let mute = |edit: &NodeEdit| match edit {
            NodeEdit::Mute { name, on } => self.node(name).map(|_| (mute_path(name), on.then_some(1.0))),
            _ => None,
        };
        let mutes: Option<Vec<_>> = edits.iter().map(mute).collect();
        mutes.filter(|_| !self.nodes.iter().any(|n| n.solo))
    }

    /// No node gives a second meaning to the path of a control.
    fn check_names(&self, edits: &[NodeEdit], registry: &Registry) -> Result<(), Fault> {
        let set = |name: &String| {
            let is_it = |edit: &NodeEdit| matches!(edit, NodeEdit::Set(spec) if spec.node.name == *name);
            edits.iter().position(is_it)
        };
        for clash in Controls::of(&self.graph, registry).clashes() {
            let Some(at) = set(&clash.owner).or_else(|| set(&clash.hidden)) else { continue };
            let place = if edits.len() == 1 { "$.name".to_owned() } else { format!("$[{at}].name") };
            let Clash { path, owner, hidden } = clash;
            let fault =
                Fault::new(place, format!("{path} would be a control of {owner} and one of {hidden}"));
            return Err(fault.hint("call one of the nodes otherwise"));
        }
        Ok(())
    }

    fn apply_to_node(&mut self, edit: &NodeEdit) -> Result<(), Fault> {
        match edit {
            NodeEdit::Set(spec) => self.set_node(spec)?,
            NodeEdit::Remove { name } => {
                let at = self.index_of(name, "$.name")?;
                self.nodes.remove(at);
                Arc::make_mut(&mut self.routes).retain(|r| r.source != *name && r.target != *name);
            }
            NodeEdit::Connect(route) => self.connect(route)?,
            NodeEdit::Disconnect { source, target, port } => {
                self.index_of(source, "$.source")?;
                self.index_of(target, "$.target")?;
                let before = self.routes.len();
                Arc::make_mut(&mut self.routes).retain(|r| !r.is(source, target, port.as_deref()));
                if self.routes.len() == before {
                    return Err(Fault::new("$", format!("{source} is not routed to {target}")));
                }
            }
            NodeEdit::Mute { name, on } => {
                let at = self.index_of(name, "$.name")?;
                self.node_mut(at).muted = *on;
            }
            NodeEdit::Solo { name, on } => {
                let at = self.index_of(name, "$.name")?;
                self.node_mut(at).solo = *on;
            }
        }
        Ok(())
    }

    pub(super) fn node_mut(&mut self, at: usize) -> &mut SessionNode {
        Arc::make_mut(&mut self.nodes[at])
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
        let old = before.map(|at| Arc::clone(&self.nodes[at]));
        let old = old.as_deref();
        let new = SessionNode {
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
            Some(at) => *self.node_mut(at) = new,
            None => self.nodes.push_back(Arc::new(new)),
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
        let same = |r: &Arc<Route>| {
            let wire = *kind == RouteKind::Send || r.port == *port;
            r.source == *source && r.target == *target && r.kind == *kind && wire
        };
        let routes = Arc::make_mut(&mut self.routes);
        match routes.iter().position(same) {
            Some(at) => routes[at] = Arc::new(new),
            None => routes.push(Arc::new(new)),
        }
        Ok(())
    }

    /// Puts a foundation in place of what was.
    pub(super) fn become_foundation(
        &mut self,
        foundation: &GraphState,
        registry: &Registry,
    ) -> Result<(), EditError> {
        let GraphState { raw, nodes, routes, values, kept } = foundation.clone();
        let mut next = Self { raw, nodes, routes, values, kept, ..self.clone() };
        // It was right once: texts that do not compile any more keep nobody from going back to it.
        next.relower(registry, Some(Scrutiny::Document))?;
        *self = next;
        Ok(())
    }

    /// What the session's sound is made of.
    pub fn foundation(&self) -> GraphState {
        GraphState {
            raw: self.raw.clone(),
            nodes: self.nodes.clone(),
            routes: self.routes.clone(),
            values: self.values.clone(),
            kept: self.kept.clone(),
        }
    }

    /// The node of that name.
    pub fn node(&self, name: &str) -> Option<&SessionNode> {
        self.nodes.iter().find(|n| n.name == name).map(Arc::as_ref)
    }

    /// The nodes that a name stands for: the one of that name, else all of that group.
    pub fn nodes_named(&self, name: &str) -> Vec<String> {
        if self.node(name).is_some() {
            return vec![name.to_owned()];
        }
        let within =
            |n: &&Arc<SessionNode>| n.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
        self.nodes.iter().filter(within).map(|n| n.name.clone()).collect()
    }

    fn sends(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter().map(Arc::as_ref).filter(|r| r.kind == RouteKind::Send)
    }

    /// Sends that nothing hears: their targets have no audio input.
    pub fn unheard_sends(&self, registry: &Registry) -> Vec<(String, String)> {
        let is_deaf = |node: &&Arc<SessionNode>| {
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
