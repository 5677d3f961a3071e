//! Scenes of the session: what is saved in one, and what a recall puts in place.

use super::{Added, Session};
use crate::address::is_within;
use crate::edit::{EditError, Scene, SceneEdit, SceneState, SceneTransport};
use crate::graph::Validate;
use crate::ir::{Fault, which_names};
use crate::limits::{MAX_AUTOMATIONS, MAX_SLOTS};
use crate::model::SlotState;
use crate::node::Registry;
use imbl::OrdMap;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

impl Session {
    /// What a scene saved now would hold.
    pub fn scene_state(&self, transport: bool) -> SceneState {
        let settings = &self.settings;
        SceneState {
            raw: Arc::clone(&self.raw),
            nodes: self.nodes.clone(),
            routes: self.routes.clone(),
            values: self.values.clone(),
            slots: self.slots.clone(),
            automations: self.automations.clone(),
            master: settings.master,
            transport: transport.then_some(SceneTransport {
                bpm: settings.bpm,
                beats_per_cycle: settings.beats_per_cycle,
                host_meter: settings.host_meter,
            }),
        }
    }

    /// Carries out a change to the scenes, or a recall.
    pub(super) fn apply_to_scenes(&mut self, edit: &SceneEdit, registry: &Registry) -> Result<(), EditError> {
        edit.check(&self.scenes)?;
        match edit {
            SceneEdit::Save { number, name, transport } => {
                let scene = Scene::new(name.clone(), self.scene_state(*transport));
                let scenes = Arc::make_mut(&mut self.scenes);
                scenes.put(*number, scene);
                scenes.set_current(*number);
                Ok(())
            }
            SceneEdit::Recall { number, .. } => {
                let state = Arc::clone(&self.scenes.known(*number, "$.scene")?.state);
                self.recall(*number, &state, registry)
            }
            edit => {
                Arc::make_mut(&mut self.scenes).apply(edit);
                Ok(())
            }
        }
    }

    /// The session becomes what a scene holds. What is no part of a scene stays: texts of types, the name, the clock,
    /// seed, limiter, MIDI maps and the scenes themselves.
    ///
    /// # Errors
    /// If the graph cannot be so any more. Then nothing has changed.
    pub fn recall(&mut self, number: u8, state: &SceneState, registry: &Registry) -> Result<(), EditError> {
        let mut next = Self {
            raw: Arc::clone(&state.raw),
            nodes: state.nodes.clone(),
            routes: state.routes.clone(),
            values: state.values.clone(),
            slots: state.slots.clone(),
            automations: state.automations.clone(),
            ..self.clone()
        };
        next.settings.master = state.master;
        if let Some(transport) = state.transport {
            let SceneTransport { bpm, beats_per_cycle, host_meter } = transport;
            let settings = &mut next.settings;
            (settings.bpm, settings.beats_per_cycle, settings.host_meter) =
                (bpm, beats_per_cycle, host_meter);
        }
        // It was right once: texts that do not compile any more keep nobody from going back to it.
        next.relower(registry, Some(Validate::Saved))?;
        Arc::make_mut(&mut next.scenes).set_current(number);
        *self = next;
        Ok(())
    }

    /// The session with these groups as a scene has them, and all else as it is: nodes of those names and within them,
    /// their values, what they send, their patterns and automations.
    ///
    /// # Errors
    /// If the scene has none of a group, or the graph cannot be so.
    pub fn with_groups_of(
        &self,
        state: &SceneState,
        groups: &[String],
        registry: &Registry,
    ) -> Result<Self, EditError> {
        let within = |name: &str| groups.iter().any(|group| is_within(name, group));
        for (at, group) in groups.iter().enumerate() {
            if !state.nodes.iter().any(|node| is_within(&node.name, group)) {
                let names = state.nodes.iter().map(|node| node.name.as_str());
                let fault = Fault::new(format!("$.groups[{at}]"), format!("the scene has no {group}"));
                return Err(fault.hint(which_names(group, "its nodes", names)).into());
            }
        }
        let mut next = self.clone();
        let gone: Vec<String> =
            self.nodes.iter().map(|node| node.name.clone()).filter(|name| within(name)).collect();
        for name in gone.iter().filter(|name| state.nodes.get(name).is_none()) {
            next.nodes.remove(name);
            next.routes.remove_of(name);
        }
        for node in state.nodes.iter().filter(|node| within(&node.name)) {
            if !next.nodes.update(&node.name, |old| *old = (**node).clone()) {
                next.nodes.push((**node).clone());
            }
        }
        for name in &gone {
            let targets: Vec<String> =
                next.routes.from(name).map(|(_, route)| route.target.clone()).collect();
            for target in &targets {
                next.routes.remove_between(name, target, |_| true);
            }
        }
        let routes = state.routes.iter().filter(|route| within(&route.source));
        for route in routes.filter(|route| next.nodes.get(&route.target).is_some()).collect::<Vec<_>>() {
            next.routes.push((**route).clone());
        }
        // Of a fader or a send it is the node's.
        let own = |added: &HashMap<String, Added<'_>>, path: &str| {
            let id = path.rsplit_once('/').map_or(path, |(node, _)| node);
            match added.get(id) {
                Some(Added::Fader(name) | Added::Send(name)) => within(name),
                Some(Added::Output(_)) => false,
                None => within(id),
            }
        };
        let ours = self.added();
        let kept = self.values.iter().filter(|(path, _)| !own(&ours, path));
        next.values = kept.map(|(path, value)| (path.clone(), *value)).collect();
        let mut scene = self.clone();
        scene.recall(0, state, registry)?;
        let theirs = scene.added();
        let values = scene.values.iter().filter(|(path, _)| own(&theirs, path));
        next.values.extend(values.map(|(path, value)| (path.clone(), *value)));
        let slot = |name: &str| within(name);
        let kept = self.slots.iter().filter(|(name, _)| !slot(name));
        next.slots = kept.map(|(name, slot)| (name.clone(), slot.clone())).collect();
        next.slots.extend(
            state
                .slots
                .iter()
                .filter(|(name, _)| slot(name))
                .map(|(name, slot)| (name.clone(), slot.clone())),
        );
        let kept = self.automations.iter().filter(|(_, automation)| !own(&ours, &automation.label));
        next.automations = kept.map(|(id, automation)| (id.clone(), automation.clone())).collect();
        let automations = state.automations.iter().filter(|(_, automation)| own(&theirs, &automation.label));
        next.automations.extend(automations.map(|(id, automation)| (id.clone(), automation.clone())));
        next.relower(registry, None)?;
        Ok(next)
    }

    /// Is there a number on the audio thread for each slot and automation, of the session and of all scenes?
    ///
    /// # Errors
    /// If they have more in all than it knows.
    pub(super) fn check_numbers(&self) -> Result<(), EditError> {
        let states = || self.scenes.iter().map(|(_, scene)| &scene.state);
        let slots: BTreeSet<&String> =
            states().flat_map(|s| s.slots.keys()).chain(self.slots.keys()).collect();
        if slots.len() > MAX_SLOTS {
            return Err(EditError::Limit {
                what: "slots, of the session and of its scenes,",
                limit: MAX_SLOTS,
            });
        }
        let automations = states().flat_map(|s| s.automations.keys()).chain(self.automations.keys());
        let automations: BTreeSet<&String> = automations.collect();
        if automations.len() > MAX_AUTOMATIONS {
            let what = "automations, of the session and of its scenes,";
            return Err(EditError::Limit { what, limit: MAX_AUTOMATIONS });
        }
        Ok(())
    }

    /// Is the session another one than its current scene? Without a current scene it is not.
    pub fn scene_is_changed(&self) -> bool {
        let Some(scene) = self.scenes.get(self.scenes.current()) else { return false };
        let SceneState { raw, nodes, routes, values, slots, automations, master, transport } = &*scene.state;
        let settings = &self.settings;
        let transport = transport.is_none_or(|t| {
            (t.bpm, t.beats_per_cycle, t.host_meter)
                == (settings.bpm, settings.beats_per_cycle, settings.host_meter)
        });
        let same = (Arc::ptr_eq(&self.raw, raw) || self.raw == *raw)
            && self.nodes == *nodes
            && self.routes == *routes
            && (self.values.ptr_eq(values) || self.values == *values)
            && same_slots(&self.slots, slots)
            && (self.automations.ptr_eq(automations) || self.automations == *automations)
            && settings.master == *master
            && transport;
        !same
    }
}

/// Do both play the same? Where a pattern that counts from its own zero began is found anew each time.
fn same_slots(a: &OrdMap<String, SlotState>, b: &OrdMap<String, SlotState>) -> bool {
    let same = |a: &SlotState, b: &SlotState| {
        (Arc::ptr_eq(&a.pattern, &b.pattern) || a.pattern == b.pattern)
            && (a.swing, a.playing, a.from_zero) == (b.swing, b.playing, b.from_zero)
    };
    a.ptr_eq(b) || a.len() == b.len() && a.iter().zip(b).all(|((x, a), (y, b))| x == y && same(a, b))
}
