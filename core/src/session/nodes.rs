//! Nodes and routes as musicians name them: what each change does to them.

use super::Session;
use super::settings::check_amount;
use crate::edit::{
    EditError, GraphState, Key, NodeEdit, NodeSpec, Route, SessionNode, gain_path, level_path, mute_path,
};
use crate::graph::{Clash, Controls, IndexedGraph, Rest, Validate};
use crate::ir::{DEFAULT_GAIN, Fault, NodeIr, RouteIr, RouteKind, Source, shown, which_names};
use crate::limits::MAX_GAIN;
use crate::node::{Bus, Registry};
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
        next.check_settings_of(edits, registry)?;
        next.relower(registry, None)?;
        next.check_names(edits, &self.graph, registry)?;
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
        mutes.filter(|_| !self.nodes.any_solo())
    }

    /// No node gives a second meaning to the path of a control. In `before` none of those did that are no others now.
    fn check_names(
        &self,
        edits: &[NodeEdit],
        before: &IndexedGraph,
        registry: &Registry,
    ) -> Result<(), Fault> {
        let set = |name: &String| {
            let is_it = |edit: &NodeEdit| matches!(edit, NodeEdit::Set(spec) if spec.node.name == *name);
            edits.iter().position(is_it)
        };
        let controls = Controls::of(&self.graph, registry);
        let mut changed = before.changed_ids(&self.graph);
        changed.extend(edits.iter().filter_map(|edit| match edit {
            NodeEdit::Set(spec) => Some(spec.node.name.clone()),
            _ => None,
        }));
        let touched = changed.iter().flat_map(|id| controls.touched_by(id));
        for clash in touched.flat_map(|node| controls.clashes_of(node)) {
            let Some(at) = set(&clash.owner).or_else(|| set(&clash.hidden)) else { continue };
            let place = if edits.len() == 1 { "$.name".to_owned() } else { format!("$[{at}].name") };
            let Clash { path, owner, hidden } = clash;
            let path = self.spoken(&path);
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
                self.known(name, "$.name")?;
                self.nodes.remove(name);
                self.routes.remove_of(name);
            }
            NodeEdit::Connect(route) => self.connect(route)?,
            NodeEdit::Disconnect { source, target, port } => {
                self.known(source, "$.source")?;
                self.known(target, "$.target")?;
                let is_it = |r: &Route| r.is(source, target, port.as_deref());
                if self.routes.remove_between(source, target, is_it) == 0 {
                    let fault = Fault::new("$", format!("{source} is not routed to {target}"));
                    let from_it = self.routes.iter().filter(|r| r.source == *source);
                    let targets = from_it.map(|r| r.target.as_str());
                    return Err(fault.hint(which_names(target, "its targets", targets)));
                }
            }
            NodeEdit::Mute { name, on } => {
                self.known(name, "$.name")?;
                self.nodes.update(name, |node| node.muted = *on);
            }
            NodeEdit::Solo { name, on } => {
                self.known(name, "$.name")?;
                self.nodes.update(name, |node| node.solo = *on);
            }
        }
        Ok(())
    }

    /// Is there a node of that name?
    fn known(&self, name: &str, place: &str) -> Result<(), Fault> {
        if self.node(name).is_some() {
            return Ok(());
        }
        let names = self.nodes.iter().map(|n| n.name.as_str());
        let fault = Fault::new(place, format!("there is no node {name}"));
        Err(fault.hint(which_names(name, "nodes", names)))
    }

    fn set_node(&mut self, spec: &NodeSpec) -> Result<(), Fault> {
        let NodeSpec { node, gain, stereo, to_master, stem, legato, rest, settings, keeps_values } = spec;
        let checked = NodeIr { gain: gain.unwrap_or(DEFAULT_GAIN), ..node.clone() };
        checked.check()?;
        settings.as_ref().map_or(Ok(()), check_amount)?;
        let old = self.nodes.get(&node.name).cloned();
        let old = old.as_deref();
        let new = SessionNode {
            name: node.name.clone(),
            source: node.source.clone(),
            settings: settings.clone().unwrap_or_else(|| {
                let same = old.filter(|old| old.source == node.source);
                same.map(|old| old.settings.clone()).unwrap_or_default()
            }),
            count: node.count,
            legato: legato.unwrap_or_else(|| old.map_or(Some(false), |n| n.legato)),
            rest: rest.unwrap_or_else(|| old.map_or(Some(Rest::Auto), |n| n.rest)),
            num_inputs: node.num_inputs,
            init: node.init.clone(),
            source_text: node.source_text.clone(),
            stereo: stereo.unwrap_or_else(|| self.stays_stereo(&node.name, &node.source)),
            to_master: to_master.unwrap_or_else(|| old.is_none_or(|n| n.to_master)),
            stem: stem.unwrap_or_else(|| old.map_or(Bus::MAIN, |n| n.stem)),
            muted: old.is_some_and(|n| n.muted),
            solo: old.is_some_and(|n| n.solo),
            other: node.other.clone(),
        };
        if new.stereo && !matches!(new.source, Source::Graph(_)) {
            let fault = Fault::new("$.stereo", "only a traced function can be played on both channels");
            return Err(fault.hint("let the program itself have two inputs and two outputs"));
        }
        if old.is_none() || gain.is_some() {
            self.values.insert(gain_path(&new.name), checked.gain);
        }
        for (control, value) in new.init.iter().filter(|_| !keeps_values) {
            self.values.insert(format!("{}/{control}", new.name), *value);
        }
        match old {
            Some(_) => drop(self.nodes.update(&node.name, |node| *node = new)),
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
        self.known(source, "$.source")?;
        self.known(target, "$.target")?;
        if !(0.0..=MAX_GAIN).contains(level) {
            let fault = Fault::new("$.level", format!("{} is out of range", shown(*level)));
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
        let same = |(_, r): &(Key, &Arc<Route>)| {
            let wire = *kind == RouteKind::Send || r.port == *port;
            r.target == *target && r.kind == *kind && wire
        };
        let before = self.routes.from(source).find(same).map(|(key, _)| key);
        match before {
            Some(key) => self.routes.replace(key, new),
            None => self.routes.push(new),
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
        next.relower(registry, Some(Validate::Saved))?;
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
        self.nodes.get(name).map(Arc::as_ref)
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

    /// Sends that nothing hears: their targets have no audio input.
    pub fn unheard_sends(&self, registry: &Registry) -> Vec<(String, String)> {
        let is_deaf = |node: &str| {
            let ty = self.node(node).and_then(|node| registry.find(&node.type_id()));
            ty.is_some_and(|ty| ty.decl().inputs.is_empty())
        };
        let sends = self.routes.iter().filter(|r| r.kind == RouteKind::Send && is_deaf(&r.target));
        sends.map(|r| (r.source.clone(), r.target.clone())).collect()
    }

    /// Sends that nothing hears, because their targets have no audio input, and that were none of these in `before`.
    pub fn newly_unheard_sends(&self, before: &IndexedGraph) -> Vec<(String, String)> {
        let (mut were, mut are) = (HashSet::new(), Vec::new());
        for (old, new) in before.changes(&self.graph) {
            were.extend(old.and_then(|part| part.unheard.as_ref()));
            are.extend(new.and_then(|part| part.unheard.as_ref()));
        }
        are.into_iter().filter(|send| !were.contains(send)).cloned().collect()
    }
}
