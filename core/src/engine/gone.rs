//! What waits for its time and is for a node that goes: it goes with the node.
//!
//! What was asked for before the node goes loses what it says of the node; what is asked for after it stays, and may bring
//! a node of that name again. A recall takes nothing away: what has a time of its own waits on beside it.

use super::{Engine, Pending};
use crate::edit::Edit;
use crate::session::{Gone, Session};
use std::collections::BTreeSet;

impl Engine {
    /// The session before a change of the graph, where something waits for its time.
    pub(super) fn before_waiting(&self, changes_graph: bool) -> Option<Session> {
        (changes_graph && !self.waiting.edits.is_empty()).then(|| self.session.clone())
    }

    /// The edit of that number has made the session of `before` what it is now: what waits and was asked for before it
    /// is not done to the nodes that have gone.
    pub(super) fn withdraw_for_gone(&mut self, before: Option<&Session>, seq: u64) {
        let Some(before) = before.filter(|_| self.waiting.edits.iter().any(|p| p.seq < seq)) else { return };
        let Some(gone) = Gone::between(before, &self.session) else { return };
        // What a transition under way still does at its end is ended by other rules, which the history knows.
        let begun: BTreeSet<u64> = self.under_way().into_iter().map(|p| p.seq).collect();
        let (mut lost, mut is_other) = (BTreeSet::new(), false);
        for p in self.waiting.edits.iter_mut().filter(|p| p.seq < seq && !begun.contains(&p.seq)) {
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
        let over: BTreeSet<u64> =
            self.waiting.edits.iter().filter(begins).filter_map(Pending::number).collect();
        let is_over = |p: &Pending| p.number().is_some_and(|number| over.contains(&number));
        self.cancel_pending(|p| lost.contains(&p.seq) || is_over(p));
        if let Some(audio) = self.audio.as_mut().filter(|_| is_other) {
            audio.reschedule = true;
        }
    }
}
