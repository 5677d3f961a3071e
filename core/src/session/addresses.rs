//! Labels as they are stored: what a node has without its code goes by its address.

use super::Session;
use crate::address::{self, Part};
use crate::edit::{Scene, SceneState};
use crate::graph::Meant;
use crate::ir::RouteKind;
use crate::model::{AutomationState, MacroState};
use crate::node::{Named, Registry, TypeStatus};
use imbl::OrdMap;
use std::sync::Arc;

impl Session {
    /// Least and largest value of a control, by label or path, for what moves it and says no range: of faders and
    /// sends from nothing to unity, since beyond that it is loud. `None` if there is none (yet).
    pub fn range_of(&self, label: &str, registry: &Registry) -> Option<(f64, f64)> {
        let controls = self.controls(registry);
        let Meant::Control { node, index, .. } = controls.find(label) else { return None };
        let control = &controls.decl(node)?.controls[index];
        match address::parse(&self.long_form(label, registry)) {
            Some((_, Part::Gain | Part::Send(_))) => Some((0.0, 1.0)),
            _ => Some((f64::from(control.min), f64::from(control.max))),
        }
    }

    /// Brings labels that were stored before the code of their nodes was known to the form in which they are stored since,
    /// also in scenes: a session does not depend on how quickly its sounds were compiled.
    pub(crate) fn settle_labels(&mut self, registry: &Registry) {
        let short = |label: &str| address::parse(label).is_none();
        let automations = self.settled_automations(registry);
        if let Some(automations) = automations {
            self.automations = automations;
        }
        if self.midi_maps.iter().any(|map| short(&map.label)) {
            let mut maps = (*self.midi_maps).clone();
            maps.iter_mut().for_each(|map| map.label = self.long_form(&map.label, registry));
            if maps != *self.midi_maps {
                self.midi_maps = maps.into();
            }
        }
        if self.macros.iter().flat_map(|state| &state.targets).any(|target| short(&target.label)) {
            let macros: Vec<MacroState> =
                self.macros.iter().map(|state| self.macro_in_long_form(state, registry)).collect();
            if macros != *self.macros {
                self.macros = macros.into();
            }
        }
        let has_short = |state: &SceneState| state.automations.values().any(|a| short(&a.label));
        let scenes = self.scenes.iter().filter(|(_, scene)| has_short(&scene.state));
        let scenes: Vec<(u8, Scene)> = scenes.map(|(number, scene)| (number, scene.clone())).collect();
        for (number, mut scene) in scenes {
            let mut within = self.clone();
            if within.recall(number, &scene.state, registry).is_err() {
                continue;
            }
            if let Some(automations) = within.settled_automations(registry) {
                scene.state = Arc::new(SceneState { automations, ..(*scene.state).clone() });
                Arc::make_mut(&mut self.scenes).put(number, scene);
            }
        }
    }

    /// The automations with their labels as they are stored now, if that is another form.
    fn settled_automations(&self, registry: &Registry) -> Option<OrdMap<String, AutomationState>> {
        let mut settled = self.automations.clone();
        for (id, automation) in &self.automations {
            let label = self.long_form(&automation.label, registry);
            if label != automation.label {
                settled.insert(id.clone(), AutomationState { label, ..automation.clone() });
            }
        }
        (!settled.ptr_eq(&self.automations)).then_some(settled)
    }

    /// A label as the musician says it: what the lowered graph calls `bass_g/gain` is `bass/@gain`. One of a node that is about
    /// to come, too; nodes of a raw graph go by their own ids.
    pub fn spoken(&self, label: &str) -> String {
        let Some((head, last)) = label.rsplit_once('/') else { return label.to_owned() };
        if self.raw.node(head).is_some() || self.node(head).is_some() {
            return label.to_owned();
        }
        match (head.strip_suffix("_g"), last) {
            (Some(node), "gain") if !node.is_empty() => return address::gain(node),
            (Some(node), "mute") if !node.is_empty() => return address::mute(node),
            _ => {}
        }
        let sends = self.routes.iter().filter(|route| route.kind == RouteKind::Send);
        let ends = sends.map(|route| (route.source.as_str(), route.target.as_str()));
        let known = ends.into_iter().find(|(from, to)| address::send_id(from, to) == head);
        match known.or_else(|| head.split_once("_send_")) {
            Some((from, to)) if last == "gain" => address::send(from, to),
            _ => label.to_owned(),
        }
    }

    /// A slot as the musician says it: what older clients call `_ctrl_bass_cutoff` is `bass/cutoff`.
    pub fn spoken_slot(&self, slot: &str) -> String {
        let Some(rest) = slot.strip_prefix("_ctrl_") else { return self.spoken(slot) };
        let owner = address::slot_owner(slot, self.nodes.iter().map(|node| &*node.name));
        let of_it = owner.and_then(|owner| Some((owner, rest.get(owner.len() + 1..)?)));
        of_it.map_or_else(|| rest.to_owned(), |(owner, control)| format!("{owner}/{control}"))
    }

    /// A label as it is stored: that of a fader, a mute or a send as its address, which no other code of the node changes.
    /// `bass/gain` and `bass/verb_send` are short for one where the node's code has no control of that name.
    pub fn long_form(&self, label: &str, registry: &Registry) -> String {
        let Some((head, last)) = label.rsplit_once('/') else { return label.to_owned() };
        if self.graph.exposed(label).is_some() && self.node(head).is_none() {
            return label.to_owned();
        }
        // As older clients and the lowered graph call them.
        let is_raw = |id: &str| self.raw.node(id).is_some() || self.node(id).is_some();
        if let Some(node) = head.strip_suffix("_g").filter(|node| self.node(node).is_some() && !is_raw(head))
        {
            match last {
                "gain" => return address::gain(node),
                "mute" => return address::mute(node),
                _ => {}
            }
        }
        let sends = || self.routes.iter().filter(|route| route.kind == RouteKind::Send);
        if last == "gain"
            && !is_raw(head)
            && let Some(route) = sends().find(|r| address::send_id(&r.source, &r.target) == head)
        {
            return address::send(&route.source, &route.target);
        }
        // Short forms, of a node whose code is known not to have such a control.
        let settled = self.node(head).is_some_and(|node| {
            let ty = registry.playing(head, &node.type_id());
            ty.is_some_and(|ty| ty.decl().control_named(last) == Named::Nothing)
                && registry.type_status(&node.type_id()) == Some(&TypeStatus::Ready)
        });
        match last.strip_suffix("_send") {
            _ if !settled => label.to_owned(),
            None if last == "gain" => address::gain(head),
            Some(target) if sends().any(|r| r.source == head && r.target == target) => {
                address::send(head, target)
            }
            _ => label.to_owned(),
        }
    }
}
