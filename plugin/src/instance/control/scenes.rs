//! Scenes and macros, as the host and the window see them.

use std::collections::BTreeMap;
use std::sync::Arc;

use krach_core::edit::{At, SceneEdit, Scenes};
use krach_core::engine::MacroStatus;
use krach_core::model::MacroState;

use super::Control;
use crate::instance::HostHooks;
use crate::protocol::events::{self, Event, payloads};

/// What the host is told by itself, and what it was told last.
pub(super) struct HostView {
    pub hooks: HostHooks,
    /// The scenes whose names it was told.
    scenes: Arc<Scenes>,
    /// Macros as it knows them.
    macros: Vec<MacroStatus>,
    /// Those of the session that they were made from.
    made_from: Arc<Vec<MacroState>>,
}

impl HostView {
    pub fn new(hooks: HostHooks) -> Self {
        Self { hooks, scenes: Arc::default(), macros: Vec::new(), made_from: Arc::default() }
    }
}

impl Control {
    /// Numbers and names of the scenes, and whether each switches on its sample.
    pub(super) fn scenes(&self) -> Vec<(u8, String, bool)> {
        let scenes = self.engine.session().scenes.iter();
        scenes
            .map(|(number, scene)| (number, scene.name.clone(), self.engine.scene_is_ready(number)))
            .collect()
    }

    /// The scene that was recalled or saved last, and whether the session has changed since.
    pub(super) fn scene(&self) -> (u8, bool) {
        let session = self.engine.session();
        (session.scenes.current(), self.engine.scene_is_changed())
    }

    /// Tells the host how its scenes are called, if that is otherwise than it knows.
    pub(super) fn name_scenes(&mut self) {
        let scenes = &self.engine.session().scenes;
        if Arc::ptr_eq(scenes, &self.host.scenes) {
            return;
        }
        self.host.scenes = Arc::clone(scenes);
        let names = scenes.iter().map(|(number, scene)| (usize::from(number), scene.name.clone()));
        let names: BTreeMap<usize, String> = names.collect();
        if let Some(name) = &self.host.hooks.scene_names {
            name(names);
        }
    }

    /// Has the host show macros as what they move.
    pub(super) fn show_macros(&mut self) {
        let now = &self.engine.session().macros;
        let other = !Arc::ptr_eq(now, &self.host.made_from);
        if !other && (!self.unsettled || now.is_empty()) {
            return;
        }
        self.host.made_from = Arc::clone(now);
        let macros = self.engine.macros();
        if self.host.macros != macros {
            self.host.macros.clone_from(&macros);
            self.revision.advance();
            if let Some(show) = &self.host.hooks.show_macros {
                show(macros);
            }
        }
        if other {
            // Also where the host's own hand has taught a macro: no command has said so.
            self.state.dirty.touch();
        }
    }

    /// The session becomes a scene, as the window wants it: an old one keeps its name, and tempo and meter if it had them.
    pub(super) fn save_scene(&mut self, number: Option<u8>) {
        let scenes = &self.engine.session().scenes;
        let Some(number) = number.or_else(|| scenes.free_number()) else {
            return self.report("all 127 numbers have their scene".to_owned());
        };
        let before = scenes.get(number);
        let transport = before.is_some_and(|scene| scene.state.transport.is_some());
        let edit = SceneEdit::Save { number, name: scenes.name_for(number), transport };
        self.edit_by_window(edit.into(), At::Now);
    }

    /// A scene plays now: the host's parameter stands there, and clients hear of it.
    pub(super) fn scene_was_recalled(&mut self, number: u8, name: &str, seq: u64, late: bool) {
        // While it plays, the audio thread moves the parameter itself, in the order of what happens.
        if let Some(recalled) = self.host.hooks.scene_recalled.as_ref().filter(|_| !self.active) {
            recalled(number);
        }
        let seq = (seq != 0).then_some(seq);
        let told = payloads::Recalled { number, name: name.to_owned(), seq, late };
        self.publish(&Event::new(events::SCENES, &told));
        self.tell_of_session(None);
        self.edited();
        self.revision.advance();
    }
}
