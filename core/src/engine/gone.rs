//! What waits for its time and is for a node that goes: it goes with the node.
//!
//! What was asked for before the node goes loses what it says of the node; what is asked for after it stays, and may bring
//! a node of that name again. A recall takes nothing away: what has a time of its own waits on beside it.

use super::{Engine, Pending};
use crate::address::{self, Part, slot_owner};
use crate::edit::{Edit, NodeEdit, fader_id};
use crate::session::Session;
use std::collections::BTreeSet;

/// Nodes that have gone, and those that are there.
struct Gone {
    gone: BTreeSet<String>,
    here: BTreeSet<String>,
}

impl Gone {
    fn names(&self) -> impl Iterator<Item = &str> {
        self.gone.iter().chain(&self.here).map(String::as_str)
    }

    fn has(&self, node: &str) -> bool {
        self.gone.contains(node)
    }

    fn has_slot(&self, slot: &str) -> bool {
        slot_owner(slot, self.names()).is_some_and(|node| self.has(node))
    }

    /// Is it a control, a fader or a send of one of them, or a send into one?
    fn has_label(&self, label: &str) -> bool {
        if let Some((node, part)) = address::parse(label) {
            return self.has(node) || matches!(part, Part::Send(target) if self.has(target));
        }
        let Some((head, _)) = label.rsplit_once('/') else { return false };
        if self.here.contains(head) {
            return false;
        }
        // As the lowered graph calls its fader and its sends.
        let added = |node: &String| {
            head == fader_id(node)
                || head.strip_prefix(node.as_str()).is_some_and(|rest| rest.starts_with("_send_"))
                || head.strip_suffix(node.as_str()).is_some_and(|rest| rest.ends_with("_send_"))
        };
        self.gone.iter().any(added) || self.has_slot(label)
    }

    /// The edit without what it does to them; `None` if that is all.
    fn without(&self, edit: &Edit) -> Option<Edit> {
        let all = |edits: &[Edit]| -> Option<Vec<Edit>> {
            let left: Vec<Edit> = edits.iter().filter_map(|edit| self.without(edit)).collect();
            (!left.is_empty()).then_some(left)
        };
        match edit {
            Edit::SetPattern { slot, .. } | Edit::Hush { slot } | Edit::RemoveSlot { slot } => {
                (!self.has_slot(slot)).then(|| edit.clone())
            }
            Edit::SetControl { label, .. } | Edit::Fade { label, .. } | Edit::SetAutomation { label, .. } => {
                (!self.has_label(label)).then(|| edit.clone())
            }
            Edit::Nodes(edits) => {
                let left: Vec<NodeEdit> = edits.iter().filter(|edit| !self.is_of(edit)).cloned().collect();
                (!left.is_empty()).then_some(Edit::Nodes(left))
            }
            Edit::Batch(edits) => all(edits).map(Edit::Batch),
            Edit::Titled { title, edits } => {
                all(edits).map(|edits| Edit::Titled { title: title.clone(), edits })
            }
            Edit::Transition { edits, length } => {
                all(edits).map(|edits| Edit::Transition { edits, length: *length })
            }
            edit => Some(edit.clone()),
        }
    }

    fn is_of(&self, edit: &NodeEdit) -> bool {
        match edit {
            NodeEdit::Set(spec) => self.has(&spec.node.name),
            NodeEdit::Remove { name } | NodeEdit::Mute { name, .. } | NodeEdit::Solo { name, .. } => {
                self.has(name)
            }
            NodeEdit::Connect(route) => self.has(&route.source) || self.has(&route.target),
            NodeEdit::Disconnect { source, target, .. } => self.has(source) || self.has(target),
        }
    }
}

impl Engine {
    /// The session before a change of the graph, where something waits for its time.
    pub(super) fn before_waiting(&self, changes_graph: bool) -> Option<Session> {
        (changes_graph && !self.pending.is_empty()).then(|| self.session.clone())
    }

    /// The edit of that number has made the session of `before` what it is now: what waits and was asked for before it
    /// is not done to the nodes that have gone.
    pub(super) fn withdraw_for_gone(&mut self, before: Option<&Session>, seq: u64) {
        let Some(before) = before.filter(|before| !before.nodes.ptr_eq(&self.session.nodes)) else { return };
        if self.pending.iter().all(|p| p.seq >= seq) {
            return;
        }
        let names = |session: &Session| session.nodes.iter().map(|node| node.name.clone()).collect();
        let (there, here): (BTreeSet<String>, BTreeSet<String>) = (names(before), names(&self.session));
        let gone = Gone { gone: there.difference(&here).cloned().collect(), here };
        if gone.gone.is_empty() {
            return;
        }
        // What a transition under way still does at its end is ended by other rules, which the history knows.
        let begun: BTreeSet<u64> = self.under_way().into_iter().map(|p| p.seq).collect();
        let (mut lost, mut is_other) = (BTreeSet::new(), false);
        for p in self.pending.iter_mut().filter(|p| p.seq < seq && !begun.contains(&p.seq)) {
            match gone.without(&p.edit) {
                None => drop(lost.insert(p.seq)),
                Some(left) if left != p.edit => {
                    p.edit = left;
                    is_other = true;
                }
                Some(_) => {}
            }
        }
        // A transition of which nothing is left does not begin.
        let begins = |p: &&Pending| lost.contains(&p.seq) && matches!(p.edit, Edit::Transition { .. });
        let over: BTreeSet<u64> = self.pending.iter().filter(begins).filter_map(Pending::number).collect();
        let is_over = |p: &Pending| p.number().is_some_and(|number| over.contains(&number));
        self.cancel_pending(|p| lost.contains(&p.seq) || is_over(p));
        if let Some(audio) = self.audio.as_mut().filter(|_| is_other) {
            audio.reschedule = true;
        }
    }
}
