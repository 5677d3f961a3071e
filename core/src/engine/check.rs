//! Would an edit be accepted? Against the session as it will be when it acts.

use super::room::growth_of;
use super::{Engine, MAX_PENDING, MAX_PENDING_PLANS, acts_on_audio, sorted, touches_graph};
use crate::edit::{Edit, EditError};
use crate::graph::{GraphError, RawGraph};
use crate::limits::{MAX_AUTOMATIONS, MAX_SLOTS};
use crate::node::Role;
use crate::planner::{create, spare_key};
use crate::session::Session;
use std::collections::{BTreeSet, HashMap};

/// The edits of a batch, and of batches within, in order.
pub(super) fn flat(edit: &Edit) -> Vec<&Edit> {
    match edit {
        Edit::Batch(edits) => edits.iter().flat_map(flat).collect(),
        edit => vec![edit],
    }
}

impl Engine {
    /// Everything that can be wrong with an edit; instances that it needs are created, so that a
    /// type that refuses is an error now.
    pub(super) fn check(&mut self, edit: &Edit, due: Option<f64>) -> Result<(), EditError> {
        let edits = flat(edit);
        if let Some(due) = due {
            self.check_time(due, &edits)?;
        }
        let growth = growth_of(&self.session, &edits);
        self.room(growth, |engine| engine.after(&edits, due))?;
        let mut after = None;
        if edits.len() > 1 || edits.iter().any(|e| touches_graph(e)) {
            after = Some(self.after(&edits, due)?.graph);
        } else {
            edits.iter().try_for_each(|e| self.session.check(e, &self.registry))?;
        }
        for edit in &edits {
            if let Edit::SetPattern { pattern, swing, .. } = edit {
                krach_patterns::compile_swung(pattern, *swing)?;
            }
        }
        match after {
            Some(graph) if edits.iter().any(|e| touches_graph(e)) => self.prepare_nodes(&graph),
            _ => Ok(()),
        }
    }

    fn check_time(&self, due: f64, edits: &[&Edit]) -> Result<(), EditError> {
        if !due.is_finite() || due.abs() > 1e9 {
            return Err(EditError::Value { field: "at", expected: "a position in cycles" });
        }
        let waiting = edits.iter().filter(|e| acts_on_audio(e)).count();
        if self.pending.len() + waiting > MAX_PENDING {
            return Err(EditError::Limit { what: "edits waiting for their time", limit: MAX_PENDING });
        }
        let pending = self.pending.iter().map(|p| &p.edit);
        let plans = pending.clone().chain(edits.iter().copied()).filter(|e| touches_graph(e)).count();
        if plans > MAX_PENDING_PLANS && edits.iter().any(|e| touches_graph(e)) {
            let what = "graph edits waiting for their time";
            return Err(EditError::Limit { what, limit: MAX_PENDING_PLANS });
        }
        // Whatever the order in which they will act, there must be room for all.
        let slots = self.session.slots.keys().map(String::as_str);
        let slots: BTreeSet<&str> = slots.chain(pending.clone().filter_map(slot_set_by)).collect();
        let automations = self.session.automations.keys().map(String::as_str);
        let automations: BTreeSet<&str> = automations.chain(pending.filter_map(automation_set_by)).collect();
        let new_slots: BTreeSet<&str> = edits.iter().copied().filter_map(slot_set_by).collect();
        if !new_slots.is_subset(&slots) && slots.union(&new_slots).count() > MAX_SLOTS {
            return Err(EditError::Limit { what: "slots", limit: MAX_SLOTS });
        }
        let new: BTreeSet<&str> = edits.iter().copied().filter_map(automation_set_by).collect();
        if !new.is_subset(&automations) && automations.union(&new).count() > MAX_AUTOMATIONS {
            return Err(EditError::Limit { what: "automations", limit: MAX_AUTOMATIONS });
        }
        Ok(())
    }

    /// The session once these edits have acted.
    fn after(&self, edits: &[&Edit], due: Option<f64>) -> Result<Session, EditError> {
        let mut projected = match due {
            Some(due) => self.projected(due),
            None => self.session.clone(),
        };
        for edit in edits {
            projected.apply(edit, &self.registry)?;
        }
        Ok(projected)
    }

    /// The session with the edits that are due up to `due`.
    fn projected(&self, due: f64) -> Session {
        let mut session = self.session.clone();
        for p in sorted(&self.pending).into_iter().filter(|p| p.due <= due) {
            // One that fails is reported when its time comes.
            let _ = session.apply(&p.edit, &self.registry);
        }
        session
    }

    fn prepare_nodes(&mut self, after: &RawGraph) -> Result<(), EditError> {
        let known = self.session.graph.nodes.iter().map(|n| (n.id.as_str(), n.type_id.as_str()));
        let known: HashMap<&str, &str> = known.collect();
        let context = self.context();
        let mut created = Vec::new();
        for node in &after.nodes {
            if known.get(node.id.as_str()) == Some(&node.type_id.as_str()) {
                continue;
            }
            let Some(ty) = self.registry.find(&node.type_id) else { continue };
            if ty.decl().role == Role::Process {
                let instance = create(ty.as_ref(), &context).map_err(GraphError::CreationFailed)?;
                created.push((spare_key(&node.id, &node.type_id), instance));
            }
        }
        if self.audio.is_some() {
            self.spare.extend(created);
        }
        Ok(())
    }
}

fn slot_set_by(edit: &Edit) -> Option<&str> {
    if let Edit::SetPattern { slot, .. } = edit { Some(slot) } else { None }
}

fn automation_set_by(edit: &Edit) -> Option<&str> {
    if let Edit::SetAutomation { id, .. } = edit { Some(id) } else { None }
}
