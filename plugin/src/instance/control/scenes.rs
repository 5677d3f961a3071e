//! Scenes, as the host and the window see them.

use std::collections::BTreeMap;
use std::sync::Arc;

use krach_core::edit::{At, SceneEdit};

use super::Control;
use crate::protocol::events::{self, Event, payloads};

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
        if Arc::ptr_eq(scenes, &self.named) {
            return;
        }
        self.named = Arc::clone(scenes);
        let names = scenes.iter().map(|(number, scene)| (usize::from(number), scene.name.clone()));
        let names: BTreeMap<usize, String> = names.collect();
        if let Some(name) = &self.hooks.scene_names {
            name(names);
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
        if let Some(recalled) = self.hooks.scene_recalled.as_ref().filter(|_| !self.active) {
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
