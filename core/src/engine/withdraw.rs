//! Undo of what waits for its time: it is cancelled, and redo asks for it again.

use super::history::Undoable;
use super::{Engine, Pending, sorted};
use crate::edit::{At, Edit, EditError, Receipt};

/// What was cancelled before its time.
pub(super) struct Withdrawn {
    /// What it is called.
    pub label: String,
    edit: Edit,
    due: f64,
    /// Steps of the history that were done then.
    done: usize,
}

impl Engine {
    /// The number of the newest unit that waits and was asked for after the last step.
    pub(super) fn to_withdraw(&self) -> Option<u64> {
        let unit = |p: &Pending| match p.undoable {
            Undoable::Part(number) => Some(number),
            _ => None,
        };
        self.waiting
            .edits
            .iter()
            .filter_map(unit)
            .max()
            .filter(|number| *number > self.undo.history.last_asked())
    }

    pub(super) fn label_of_waiting(&self, number: u64) -> String {
        let title = self.undo.titles.get(&number).cloned();
        let first = self.waiting.edits.iter().find(|p| p.undoable == Undoable::Part(number));
        title.or_else(|| first.map(|p| self.label_of(&p.edit))).unwrap_or_default()
    }

    /// A unit that waits does not act.
    pub(super) fn withdraw(&mut self, number: u64) -> (String, Receipt) {
        let label = self.label_of_waiting(number);
        let parts: Vec<Pending> = sorted(&self.waiting.edits)
            .into_iter()
            .filter(|p| p.undoable == Undoable::Part(number))
            .cloned()
            .collect();
        let transitions: Vec<u64> = parts.iter().filter_map(Pending::number).collect();
        let due = parts.first().map_or(0.0, |p| p.due);
        let edits = parts.into_iter().map(|p| p.edit).collect();
        let is_its = |p: &Pending| {
            p.undoable == Undoable::Part(number)
                || p.number().is_some_and(|number| transitions.contains(&number))
        };
        self.cancel_pending(is_its);
        self.undo.history.seal();
        let edit = Edit::Batch(edits).titled(label.clone());
        self.undo.withdrawn.push(Withdrawn {
            label: label.clone(),
            edit,
            due,
            done: self.undo.history.done(),
        });
        (label, Receipt { seq: self.seq, first: self.seq, position: None })
    }

    /// What redo asks for again.
    pub(super) fn to_ask_again(&self) -> Option<&Withdrawn> {
        self.undo.withdrawn.last().filter(|withdrawn| withdrawn.done == self.undo.history.done())
    }

    /// What was cancelled waits for its time again; where that has passed it acts now.
    pub(super) fn ask_again(&mut self) -> Result<(String, Receipt), EditError> {
        let Some(withdrawn) = self.undo.withdrawn.pop() else {
            return Err(EditError::Value { field: "redo", expected: "a step" });
        };
        let (label, edit, due) = (withdrawn.label.clone(), withdrawn.edit.clone(), withdrawn.due);
        let passed = self.audio.is_none() || due <= self.link.position().cycles;
        let at = if passed { At::AtOnce } else { At::Position(due) };
        let mut rest = std::mem::take(&mut self.undo.withdrawn);
        // Those that were undone before it follow it.
        let undone = self.undo.history.take_undone();
        let receipt = self.edit_as(edit, at, Undoable::Step);
        self.undo.history.put_undone(undone);
        if receipt.is_err() {
            rest.push(withdrawn);
        }
        self.undo.withdrawn = rest;
        Ok((label, receipt?))
    }
}
