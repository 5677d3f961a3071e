//! Would an edit be accepted? Against the session as it will be when it acts.

use super::named::unnamed;
use super::room::growth_of;
use super::{Engine, MAX_PENDING, MAX_PENDING_PLANS, acts_on_audio, sorted, touches_graph};
use crate::edit::{Edit, EditError, NodeEdit};
use crate::graph::{GraphError, GraphNode, IndexedGraph};
use crate::limits::{MAX_AUTOMATIONS, MAX_SLOTS};
use crate::node::Role;
use crate::planner::{InstanceKey, create};
use crate::session::{Extent, Session};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// The edits of a batch, and of batches within, in order.
pub(super) fn flat(edit: &Edit) -> Vec<&Edit> {
    match edit {
        Edit::Batch(edits) | Edit::Titled { edits, .. } | Edit::Transition { edits, .. } => {
            edits.iter().flat_map(flat).collect()
        }
        edit => vec![edit],
    }
}

/// The edit with changes of nodes that follow each other in a batch as one: the graph is made once for all of them. Only
/// where each alone is right if all together are: new nodes and routes, or removals.
pub(super) fn gathered(edit: Edit, session: &Session) -> Edit {
    let Edit::Batch(edits) = edit else { return edit };
    let mut all: Vec<Edit> = Vec::new();
    // Names of the nodes that the last of `all` brings, if it only adds.
    let mut brought: HashSet<String> = HashSet::new();
    let mut open = edits;
    open.reverse();
    while let Some(edit) = open.pop() {
        let more = match edit {
            Edit::Batch(edits) => {
                open.extend(edits.into_iter().rev());
                continue;
            }
            Edit::Nodes(more) => more,
            edit => {
                all.push(edit);
                brought.clear();
                continue;
            }
        };
        let names = added(&more, session);
        let joins = match (all.last(), &names) {
            (Some(Edit::Nodes(edits)), None) => is_removal(edits) && is_removal(&more),
            (Some(Edit::Nodes(edits)), Some(names)) => {
                !is_removal(edits) && !brought.is_empty() && names.is_disjoint(&brought)
            }
            _ => false,
        };
        match all.last_mut() {
            Some(Edit::Nodes(edits)) if joins => edits.extend(more),
            _ => {
                all.push(Edit::Nodes(more));
                brought.clear();
            }
        }
        brought.extend(names.into_iter().flatten());
    }
    match all.len() {
        1 => all.remove(0),
        _ => Edit::Batch(all),
    }
}

/// Names of the nodes that changes add, each new; `None` if they do more than add nodes and routes.
fn added(edits: &[NodeEdit], session: &Session) -> Option<HashSet<String>> {
    let mut names = HashSet::new();
    for edit in edits {
        match edit {
            NodeEdit::Set(spec) if session.node(&spec.node.name).is_none() => {
                if !names.insert(spec.node.name.clone()) {
                    return None;
                }
            }
            NodeEdit::Connect(_) => {}
            _ => return None,
        }
    }
    Some(names)
}

fn is_removal(edits: &[NodeEdit]) -> bool {
    edits.iter().all(|edit| matches!(edit, NodeEdit::Remove { .. } | NodeEdit::Disconnect { .. }))
}

impl Engine {
    /// Everything that can be wrong with an edit; instances that it needs are created, so that a
    /// type that refuses is an error now. The session as one edit of the graph makes it at once is given back.
    pub(super) fn check(&mut self, edit: &Edit, due: Option<f64>) -> Result<Option<Session>, EditError> {
        // One of a single edit too is taken apart when it begins.
        let over_time = matches!(edit, Edit::Transition { .. });
        if let Edit::Transition { length, edits } = edit {
            self.check_transition(*length, edits)?;
        }
        let edits = flat(edit);
        if let Some(due) = due {
            self.check_time(due, &edits)?;
        }
        if due.is_some() || !self.session.scenes.is_empty() {
            self.check_numbers(&edits)?;
        }
        let listening: Extent = edits.iter().map(|edit| self.listening_growth_of(edit)).sum();
        let growth = growth_of(&self.session, &edits) + listening;
        self.room(growth, |engine| engine.after(&edits, due))?;
        let mut after = None;
        if edits.len() > 1 || edits.iter().any(|e| touches_graph(e)) {
            after = Some(self.after(&edits, due)?);
        } else {
            edits.iter().try_for_each(|e| self.session.check(e, &self.registry))?;
        }
        for edit in &edits {
            if let Edit::SetPattern { slot, pattern, swing, .. } = edit {
                let program = krach_patterns::compile_swung(pattern, *swing)?;
                let session = after.as_ref().unwrap_or(&self.session);
                if let Some(fault) = unnamed(&program, slot, &session.controls(&self.registry)) {
                    return Err(fault.into());
                }
            }
        }
        let graph = edits.iter().any(|e| touches_graph(e));
        if let Some(after) = after.as_ref().filter(|_| graph)
            && !Arc::ptr_eq(&after.graph, &self.session.graph)
        {
            self.prepare_nodes(&after.graph)?;
        }
        Ok(after.filter(|_| graph && edits.len() == 1 && due.is_none() && !over_time))
    }

    fn check_time(&self, due: f64, edits: &[&Edit]) -> Result<(), EditError> {
        if !due.is_finite() || due.abs() > 1e9 {
            return Err(EditError::Value { field: "at", expected: "a position in cycles" });
        }
        let waiting = edits.iter().filter(|e| acts_on_audio(e)).count();
        if self.waiting.edits.len() + waiting > MAX_PENDING {
            return Err(EditError::Limit { what: "edits waiting for their time", limit: MAX_PENDING });
        }
        let pending = self.waiting.edits.iter().filter(|p| !p.is_end()).map(|p| &p.edit);
        let plans = pending.chain(edits.iter().copied()).filter(|e| touches_graph(e)).count();
        if plans > MAX_PENDING_PLANS && edits.iter().any(|e| touches_graph(e)) {
            let what = "graph edits waiting for their time";
            return Err(EditError::Limit { what, limit: MAX_PENDING_PLANS });
        }
        Ok(())
    }

    /// Is there a number for each slot and automation? Whatever the order in which edits will act, and whichever scene is
    /// recalled.
    fn check_numbers(&self, edits: &[&Edit]) -> Result<(), EditError> {
        let known = |edit: &&Edit| {
            slot_set_by(edit).is_none_or(|slot| self.session.slots.contains_key(slot))
                && automation_set_by(edit).is_none_or(|id| self.session.automations.contains_key(id))
        };
        if edits.iter().all(known) {
            return Ok(());
        }
        let pending = self.waiting.edits.iter().map(|p| &p.edit);
        let scenes = || self.session.scenes.iter().map(|(_, scene)| &scene.state);
        let slots = scenes().flat_map(|state| state.slots.keys()).chain(self.session.slots.keys());
        let slots = slots.map(String::as_str).chain(pending.clone().filter_map(slot_set_by));
        let slots: BTreeSet<&str> = slots.collect();
        let automations = scenes().flat_map(|state| state.automations.keys());
        let automations = automations.chain(self.session.automations.keys()).map(String::as_str);
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
    pub(super) fn projected(&self, due: f64) -> Session {
        let mut session = self.session.clone();
        for p in sorted(&self.waiting.edits).into_iter().filter(|p| p.due <= due) {
            // One that fails is reported when its time comes.
            let _ = session.apply(&p.edit, &self.registry);
        }
        session
    }

    fn prepare_nodes(&mut self, after: &IndexedGraph) -> Result<(), EditError> {
        let before = Arc::clone(&self.session.graph);
        let context = self.context();
        let mut created = Vec::new();
        let changed = before.changes(after).filter_map(|(_, new)| new);
        for node in changed.flat_map(|part| &part.nodes) {
            let same = |known: &GraphNode| known.type_id == node.type_id && known.settings == node.settings;
            if before.node(&node.id).is_some_and(same) || self.registry.find(&node.type_id).is_none() {
                continue;
            }
            let ty = self.registry.playing_with(&node.id, &node.type_id, &node.settings);
            let Some(ty) = ty else { continue };
            if ty.decl().role == Role::Process {
                let instance = create(ty.as_ref(), &context)
                    .map_err(|why| GraphError::CreationFailed(why.to_string()))?;
                created.push((InstanceKey::of(&node.id, ty.as_ref()), instance));
            }
        }
        if self.audio.is_some() {
            self.plans.prepared.extend(created);
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
