//! Edits without what they do to nodes that have gone.

use super::Session;
use crate::address::{self, Part, slot_owner};
use crate::edit::{Edit, NodeEdit, fader_id};
use std::collections::BTreeSet;

/// Nodes that have gone, and those that are there.
#[derive(Debug)]
pub struct Gone {
    gone: BTreeSet<String>,
    here: BTreeSet<String>,
}

impl Gone {
    /// The nodes that one session has and another has not; `None` if there are none.
    pub fn between(before: &Session, after: &Session) -> Option<Self> {
        if before.nodes.ptr_eq(&after.nodes) {
            return None;
        }
        let names = |session: &Session| session.nodes.iter().map(|node| node.name.clone()).collect();
        let (there, here): (BTreeSet<String>, BTreeSet<String>) = (names(before), names(after));
        let gone: BTreeSet<String> = there.difference(&here).cloned().collect();
        (!gone.is_empty()).then_some(Self { gone, here })
    }

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
    pub fn without(&self, edit: &Edit) -> Option<Edit> {
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
