//! What the session becomes once the transitions under way have ended, and what takes of their ends back.
//!
//! The history, captures and scenes know the session so: a step never brings back what a transition is taking out, and
//! nothing that is saved meanwhile holds a fader half-way down. A step back or forward lets the others go on to their end.

use super::check::flat;
use super::transitions::What;
use super::{Engine, Pending, sorted};
use crate::address::{is_within, slot_owner};
use crate::edit::{Edit, EditError, NodeEdit, SceneEdit, gain_path, level_path};
use crate::ir::DEFAULT_GAIN;
use crate::processor::{Action, TimedAction, ToAudio};
use crate::session::Session;
use std::collections::BTreeSet;

/// Is it the change at an end that an edit cancels?
type Cancels = Box<dyn Fn(&What) -> bool>;

impl Engine {
    /// An edit acts: what transitions were to do in the end to what it changes is not done.
    pub(super) fn end_transitions_by(&mut self, edit: &Edit, number: Option<u64>) {
        if self.waiting.edits.iter().all(|p| p.transition.is_none()) {
            return;
        }
        if let Some(ends) = self.ended_by(edit) {
            self.cancel(|p| p.number() != number && p.end().is_some_and(&*ends));
        }
    }

    /// Which changes at the end of transitions an edit cancels; `None`: it is about none.
    fn ended_by(&self, edit: &Edit) -> Option<Cancels> {
        let names: Vec<String> = self.session.nodes.iter().map(|node| node.name.clone()).collect();
        let plays =
            move |slot: &str, node: &str| slot_owner(slot, names.iter().map(String::as_str)) == Some(node);
        let changed = move |edit: &NodeEdit, what: &What| match (edit, what) {
            (NodeEdit::Set(spec), What::Node(node)) => spec.node.name == *node,
            (NodeEdit::Remove { name }, What::Node(node)) => name == node,
            (NodeEdit::Remove { name }, What::Route(from, to)) => name == from || name == to,
            (NodeEdit::Remove { name }, What::Slot(slot)) => plays(slot, name),
            (NodeEdit::Connect(route), What::Route(from, to)) => route.source == *from && route.target == *to,
            (NodeEdit::Disconnect { source, target, .. }, What::Route(from, to)) => {
                source == from && target == to
            }
            _ => false,
        };
        let ends: Cancels = match edit {
            Edit::SetPattern { slot, .. } | Edit::Hush { slot } | Edit::RemoveSlot { slot } => {
                let slot = slot.clone();
                Box::new(move |what| *what == What::Slot(slot.clone()))
            }
            Edit::HushAll => Box::new(|what| matches!(what, What::Slot(_))),
            Edit::SetControl { label, .. } | Edit::Fade { label, .. } => {
                let path = self.session.path_of(label, &self.registry)?;
                Box::new(move |what| match what {
                    What::Node(node) => gain_path(node) == path,
                    What::Route(from, to) => level_path(from, to) == path,
                    What::Slot(_) => false,
                })
            }
            Edit::Nodes(edits) => {
                let edits = edits.clone();
                Box::new(move |what| edits.iter().any(|edit| changed(edit, what)))
            }
            Edit::EndTransitions(None) | Edit::Scene(SceneEdit::Recall { .. }) => Box::new(|_| true),
            Edit::EndTransitions(Some(groups)) => {
                let groups = groups.clone();
                let within = move |name: &str| groups.iter().any(|group| is_within(name, group));
                let names: Vec<String> = self.session.nodes.iter().map(|node| node.name.clone()).collect();
                Box::new(move |what| match what {
                    What::Node(name) | What::Route(name, _) => within(name),
                    What::Slot(slot) => {
                        within(slot_owner(slot, names.iter().map(String::as_str)).unwrap_or(slot))
                    }
                })
            }
            _ => return None,
        };
        Some(ends)
    }

    /// Ends of the transitions that have begun, in the order in which they come.
    pub(super) fn under_way(&self) -> Vec<&Pending> {
        if !self.waiting.edits.iter().any(Pending::is_end) {
            return Vec::new();
        }
        let waits = |p: &Pending| matches!(p.edit, Edit::Transition { .. }).then(|| p.number()).flatten();
        let waiting: BTreeSet<u64> = self.waiting.edits.iter().filter_map(waits).collect();
        let begun = |p: &&Pending| p.number().is_some_and(|number| !waiting.contains(&number));
        sorted(&self.waiting.edits).into_iter().filter(|p| p.is_end()).filter(begun).collect()
    }

    /// The session once the transitions under way have ended; `None` if that is the session.
    pub(super) fn outcome(&self) -> Option<Session> {
        let ends = self.under_way();
        (!ends.is_empty()).then(|| self.ended(&self.session, &ends))
    }

    /// The session once an edit of now, which is of the transition of that number or of none, has been done and the
    /// transitions under way have ended, but for the ends in `void`.
    pub(super) fn outcome_of(&self, edit: &Edit, number: Option<u64>, void: &[u64]) -> Session {
        let cancelled: Vec<_> = flat(edit).into_iter().filter_map(|edit| self.ended_by(edit)).collect();
        let is_cancelled = |p: &Pending| p.end().is_some_and(|end| cancelled.iter().any(|ends| ends(end)));
        let is_own = |p: &Pending| number.is_some() && p.number() == number;
        let goes_on = |p: &&Pending| !void.contains(&p.seq) && (is_own(p) || !is_cancelled(p));
        let ends: Vec<&Pending> = self.under_way().into_iter().filter(goes_on).collect();
        let mut after = self.session.clone();
        for edit in flat(edit) {
            // What cannot be is reported where it acts.
            let _ = after.apply(edit, &self.registry);
        }
        self.ended(&after, &ends)
    }

    /// The ends under way that would make another session of this one, and those of the transition of `number`.
    pub(super) fn ends_against(&self, session: &Session, number: Option<u64>) -> Vec<u64> {
        let against =
            |p: &&Pending| p.number() == number || !self.ended(session, &[p]).difference(session).is_empty();
        self.under_way().into_iter().filter(against).map(|p| p.seq).collect()
    }

    fn ended(&self, session: &Session, ends: &[&Pending]) -> Session {
        let mut ended = session.clone();
        for Pending { edit, .. } in ends {
            let _ = ended.apply(edit, &self.registry);
        }
        ended
    }

    /// A scene is saved: it holds what the transitions under way become.
    pub(super) fn save_scene(&mut self, edit: &Edit) -> Result<(), EditError> {
        match self.outcome() {
            None => self.session.apply(edit, &self.registry),
            Some(mut outcome) => {
                outcome.apply(edit, &self.registry)?;
                self.session.scenes = outcome.scenes;
                Ok(())
            }
        }
    }

    /// Does a node go at the end of a transition?
    fn is_leaving(&self, name: &str) -> bool {
        let leaves = |p: &Pending| matches!(p.end(), Some(What::Node(node)) if node == name);
        self.under_way().into_iter().any(leaves)
    }

    /// A node that is set while a transition takes it out is one that comes: where no fader is given it is the default,
    /// and not the 0 that the old one is on its way to.
    pub(super) fn returning(&self, edit: Edit) -> Edit {
        if self.under_way().is_empty() {
            return edit;
        }
        let all = |edits: Vec<Edit>| edits.into_iter().map(|edit| self.returning(edit)).collect();
        match edit {
            Edit::Nodes(mut edits) => {
                for edit in &mut edits {
                    if let NodeEdit::Set(spec) = edit
                        && spec.gain.is_none()
                        && self.is_leaving(&spec.node.name)
                    {
                        spec.gain = Some(DEFAULT_GAIN);
                    }
                }
                Edit::Nodes(edits)
            }
            Edit::Batch(edits) => Edit::Batch(all(edits)),
            Edit::Titled { title, edits } => Edit::Titled { title, edits: all(edits) },
            Edit::Transition { edits, length } => Edit::Transition { edits: all(edits), length },
            edit => edit,
        }
    }

    /// A step back or forward beside transitions: nodes and routes that these are taking out go on to their end, but for
    /// the ends of these numbers.
    pub(super) fn beside_transitions(&self, edit: Edit, void: &[u64]) -> Edit {
        let ends: Vec<&Pending> = self.under_way().into_iter().filter(|p| !void.contains(&p.seq)).collect();
        match edit {
            Edit::Batch(edits) if !ends.is_empty() => {
                Edit::Batch(edits.into_iter().map(|edit| self.beside_transitions(edit, void)).collect())
            }
            Edit::ReplaceGraph(mut state) => {
                // Nodes first: a route needs both of its.
                for end in &ends {
                    if let Some(What::Node(name)) = end.end() {
                        self.session.keep_node(&mut state, name);
                    }
                }
                for end in &ends {
                    if let Some(What::Route(from, to)) = end.end() {
                        self.session.keep_routes(&mut state, from, to);
                    }
                }
                Edit::ReplaceGraph(state)
            }
            edit => edit,
        }
    }

    /// Cancels ends of transitions under way. Those that have not begun stay whole.
    pub(super) fn cancel(&mut self, which: impl Fn(&Pending) -> bool) {
        let gone: Vec<u64> = self.under_way().into_iter().filter(|p| which(p)).map(|p| p.seq).collect();
        self.waiting.edits.retain(|p| !gone.contains(&p.seq));
        for seq in gone {
            self.send(ToAudio::Edit(TimedAction::now(Action::Cancel { seq })));
        }
    }
}
