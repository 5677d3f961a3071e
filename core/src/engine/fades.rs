//! Fades of nodes whose code is still on its way: each begins with the code, from the value that its control had, so that a
//! session does not depend on how quickly its sounds are compiled.

use super::Engine;
use crate::edit::Edit;
use crate::graph::IndexedGraph;
use crate::limits::MAX_AUTOMATIONS;
use crate::processor::{Action, TimedAction, ToAudio};
use std::collections::BTreeSet;

/// A fade that waits for its node's code.
pub(super) struct Awaiting {
    /// The fade.
    edit: Edit,
    /// The value of its control before it; that of the code without one.
    from: Option<f64>,
}

impl Engine {
    /// The value that a fade sets off from, if it has to wait for code: where there is no such value, the inner is `None`.
    pub(super) fn waits_for_code(&self, edit: &Edit) -> Option<Option<f64>> {
        let Edit::Fade { label, .. } = edit else { return None };
        let path = self.session.path_of(label, &self.registry)?;
        (!self.has_code(&path)).then(|| self.session.values.get(&path).copied())
    }

    /// Does what a control belongs to have code? What is no node of the session's has.
    fn has_code(&self, path: &str) -> bool {
        let node = path.rsplit_once('/').and_then(|(head, _)| self.session.node(head));
        node.is_none_or(|node| self.registry.playing(&node.name, &node.type_id()).is_some())
    }

    /// A fade waits. Another of the same control waits in its place.
    pub(super) fn await_code(&mut self, path: String, edit: Edit, from: Option<f64>) {
        let from = self.awaiting.remove(&path).map_or(from, |before| before.from);
        self.awaiting.insert(path, Awaiting { edit, from });
    }

    /// Fades whose code has come, by the path of their control; those that another value has overtaken are forgotten.
    pub(super) fn fades_to_begin(&mut self) -> Vec<(String, Edit, Option<f64>)> {
        if self.awaiting.is_empty() || self.scenes.is_on_its_way() {
            return Vec::new();
        }
        let (begin, rest) =
            std::mem::take(&mut self.awaiting).into_iter().partition(|(path, _)| self.has_code(path));
        let begin: std::collections::BTreeMap<String, Awaiting> = begin;
        self.awaiting = rest;
        let holds = |path: &String, edit: &Edit| match edit {
            Edit::Fade { value, .. } => self.session.values.get(path) == Some(value),
            _ => false,
        };
        let begin = begin.into_iter().map(|(path, Awaiting { edit, from })| (path, edit, from));
        begin.filter(|(path, edit, _)| holds(path, edit)).collect()
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
    pub(super) fn begin_fade(&mut self, path: String, edit: &Edit) {
        self.seq += 1;
        let seq = self.seq;
        self.ledger.actions.insert(seq);
        self.remember_unanswered(seq, edit);
        self.ledger.sets.insert(seq, path);
        self.send_action(edit, seq, None, false);
    }
}
