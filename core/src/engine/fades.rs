//! Fades whose control is not there yet: of a node whose code is still on its way, and of a plan that audio has not taken up.
//! Each begins behind the plan that brings its control, from the value that this had, so that a session does not depend on how
//! quickly its sounds are compiled, or on how soon audio looks at what was sent.

use super::Engine;
use crate::edit::Edit;
use crate::graph::IndexedGraph;
use crate::limits::MAX_AUTOMATIONS;
use crate::processor::{Action, TimedAction, ToAudio};
use std::collections::{BTreeMap, BTreeSet};

/// A fade that waits for its node's code, or that was sent and not answered.
pub(super) struct Awaiting {
    /// The fade.
    edit: Edit,
    /// The value of its control before it; that of the code without one.
    from: Option<f64>,
    /// With which number it was sent.
    sent: Option<u64>,
}

impl Awaiting {
    /// Was it sent, and waits for an answer?
    pub(super) const fn was_sent(&self) -> bool {
        self.sent.is_some()
    }
}

impl Engine {
    /// The value that a fade sets off from, and whether it has to wait for code. `None`: the edit is no fade of a control.
    pub(super) fn sets_off_from(&self, edit: &Edit) -> Option<(Option<f64>, bool)> {
        let Edit::Fade { label, .. } = edit else { return None };
        let path = self.session.path_of(label, &self.registry)?;
        Some((self.session.values.get(&path).copied(), !self.has_code(&path)))
    }

    /// Does what a control belongs to have code? A fader and a send are their node's; what is no node of the session's has.
    fn has_code(&self, path: &str) -> bool {
        let Some((head, _)) = path.rsplit_once('/') else { return true };
        let node = self.session.node(head).or_else(|| self.session.node(&self.session.owner_of(head)));
        node.is_none_or(|node| self.registry.playing(&node.name, &node.type_id()).is_some())
    }

    /// A fade waits. Another of the same control waits in its place.
    pub(super) fn await_code(&mut self, path: String, edit: Edit, from: Option<f64>) {
        self.await_plan(path, edit, from, None);
    }

    /// A fade was sent, behind a plan that audio may not have taken up: one that is built in its place has the fade behind it.
    pub(super) fn await_plan(&mut self, path: String, edit: Edit, from: Option<f64>, sent: Option<u64>) {
        let from = self.waiting.fades.remove(&path).map_or(from, |before| before.from);
        self.waiting.fades.insert(path, Awaiting { edit, from, sent });
    }

    /// Audio has answered what was sent with that number.
    pub(super) fn fade_is_heard(&mut self, seq: u64) {
        self.waiting.fades.retain(|_, fade| fade.sent != Some(seq));
    }

    /// Fades that begin behind the next plan, by the path of their control: their code has come, or what was sent before
    /// them is planned anew. Those that another value has overtaken are forgotten.
    pub(super) fn fades_to_begin(&mut self) -> Vec<(String, Edit, Option<f64>)> {
        if self.waiting.fades.is_empty() || self.scenes.is_on_its_way() {
            return Vec::new();
        }
        let holds = |path: &String, edit: &Edit| match edit {
            Edit::Fade { value, .. } => self.session.values.get(path) == Some(value),
            _ => false,
        };
        let all = std::mem::take(&mut self.waiting.fades)
            .into_iter()
            .filter(|(path, fade)| holds(path, &fade.edit));
        let (begin, rest): (BTreeMap<_, _>, BTreeMap<_, _>) =
            all.partition(
                |(path, fade)| if fade.sent.is_some() { self.is_planned(path) } else { self.has_code(path) },
            );
        self.waiting.fades = rest;
        begin.into_iter().map(|(path, Awaiting { edit, from, .. })| (path, edit, from)).collect()
    }

    /// Does the next plan say a value of the control? It brings the node, or sets the control anew.
    fn is_planned(&self, path: &str) -> bool {
        let Some(audio) = &self.audio else { return false };
        let head = path.rsplit_once('/').map_or(path, |(head, _)| head);
        audio.dirty && (self.ledger.resets.contains_key(path) || audio.base.live().all(|(_, id)| id != head))
    }

    /// Where controls are in a plan whose fades begin behind it, or later.
    pub(super) fn before_fades(&self, begin: &[(String, Edit, Option<f64>)]) -> Vec<(String, Option<f64>)> {
        let waiting = self.waiting.fades.iter().filter(|(_, fade)| fade.sent.is_none());
        let waiting = waiting.map(|(path, fade)| (path.clone(), fade.from));
        begin.iter().map(|(path, _, from)| (path.clone(), *from)).chain(waiting).collect()
    }

    /// Fades of nodes that were removed have nothing to do with new ones of their names.
    pub(super) fn end_fades_of_new_nodes(&mut self, before: &IndexedGraph) {
        if self.ledger.fading.is_empty() {
            return;
        }
        let graph = &self.session.graph;
        let is_new = |path: &str| {
            let id = path.rsplit_once('/').map_or(path, |(id, _)| id);
            graph.node(id).is_some() && before.node(id).is_none()
        };
        let paths = self.ledger.fading.values().map(|(path, _)| path).filter(|path| is_new(path));
        let paths: BTreeSet<String> = paths.cloned().collect();
        self.ledger.fading.retain(|_, (path, _)| !paths.contains(path));
        for path in paths {
            if let Some(index) = self.ledger.fades.of(&path) {
                self.ledger.fades.free(&path);
                let action = Action::ClearAutomation(MAX_AUTOMATIONS as u32 + index);
                self.send(ToAudio::Edit(TimedAction::now(action)));
            }
        }
    }

    /// A fade begins, behind the plan that brought its node.
    pub(super) fn begin_fade(&mut self, path: String, edit: Edit, from: Option<f64>) {
        self.seq += 1;
        let seq = self.seq;
        self.ledger.actions.insert(seq);
        self.remember_unanswered(seq, &edit);
        self.ledger.sets.insert(seq, path.clone());
        self.send_action(&edit, seq, None, false);
        self.await_plan(path, edit, from, Some(seq));
    }
}
