//! Steps that can be taken back, as edits act.

use super::check::gathered;
use super::withdraw::Withdrawn;
use super::{Engine, Receipt};
use crate::edit::{At, Edit, EditError};
use crate::session::{CoalesceKey, History, Session, coalesce_key, label_of};
use std::collections::BTreeMap;
use std::time::Instant;

/// Whether an edit is a step of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undoable {
    /// It is, or joins one.
    Step,
    /// A part of the batch that began with this edit: all of it is one step.
    Part(u64),
    /// Not undoable: an undo or redo itself, or a host edit.
    No,
}

/// What undo and redo go along.
#[derive(Default)]
pub(super) struct Undo {
    pub history: History,
    /// Names of edits that wait for their time, by their number.
    pub titles: BTreeMap<u64, String>,
    /// What undo has cancelled before its time, the newest last.
    pub withdrawn: Vec<Withdrawn>,
}

impl Engine {
    /// As [`Engine::edit`], for what the host moves: no step of the history.
    ///
    /// # Errors
    /// As [`Engine::edit`].
    pub fn edit_unrecorded(&mut self, edit: Edit, at: At) -> Result<Receipt, EditError> {
        self.edit_as(edit, at, Undoable::No)
    }

    pub(super) fn edit_as(&mut self, edit: Edit, at: At, undoable: Undoable) -> Result<Receipt, EditError> {
        let (due, relative) = self.resolve(at);
        self.keep_playing(&edit);
        let key = coalesce_key(&edit);
        let label =
            if undoable == Undoable::Step && due.is_none() { self.label_of(&edit) } else { String::new() };
        let title = match &edit {
            Edit::Titled { title, .. } if due.is_some() => Some(title.clone()),
            _ => None,
        };
        let edit = self.returning(gathered(edit.untitled(), &self.session));
        let after = self.check(&edit, due)?;
        let first = self.seq + 1;
        if let Some(title) = title {
            let pending = &self.waiting.edits;
            self.undo
                .titles
                .retain(|number, _| pending.iter().any(|p| p.undoable == Undoable::Part(*number)));
            self.undo.titles.insert(first, title);
        }
        let learned = (self.learn.by_macro.is_some() && undoable == Undoable::Step).then(|| edit.clone());
        let part = if undoable == Undoable::Step { Undoable::Part(first) } else { undoable };
        if matches!(&edit, Edit::Scene(edit) if edit.is_recall()) && self.scene_is_changed() {
            self.undo.history.seal();
        }
        let now = Instant::now();
        if undoable == Undoable::Step {
            self.undo.withdrawn.clear();
            self.undo.history.asked(first);
        }
        let step = undoable == Undoable::Step && due.is_none();
        let before = (step && !self.undo.history.joins(key.as_ref(), now)).then(|| self.goal());
        let is_transition = matches!(edit, Edit::Transition { .. });
        let growth = self.session.growth(&edit) + self.listening_growth_of(&edit);
        let committed = match after {
            Some(after) => self.commit_one(edit, None, relative, part, Some(after)),
            None => self.commit(edit, due, relative, part),
        };
        // Also where it failed half-way: what is counted too much is found when the session is measured.
        self.grow(growth);
        if step {
            let outcome = self.outcome();
            let after = outcome.as_ref().unwrap_or(&self.session);
            match before {
                Some(before) if is_transition => {
                    self.undo.history.record_transition(first, label, before, after)
                }
                before => drop(self.undo.history.record(label, key, before, after, now)),
            }
        }
        let position = committed?;
        if let Some(edit) = learned {
            self.learn_from(&edit);
        }
        Ok(Receipt { seq: self.seq, first: first.min(self.seq), position })
    }

    /// Would the edit be accepted? Changes nothing.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn try_edit(&mut self, edit: &Edit, at: At) -> Result<(), EditError> {
        let (due, _) = self.resolve(at);
        self.check(edit, due).map(drop)
    }

    /// The session before an edit that is about to act, if a step needs it.
    pub(super) fn before_step(&self, undoable: Undoable) -> Option<Session> {
        let Undoable::Part(batch) = undoable else { return None };
        let joins = self.undo.history.joins(Some(&CoalesceKey::Batch(batch)), Instant::now());
        (!joins).then(|| self.goal())
    }

    /// The session as the history knows it: as it is once the transitions under way have ended.
    pub(super) fn goal(&self) -> Session {
        self.outcome().unwrap_or_else(|| self.session.clone())
    }

    /// Is the session another one than the scene that was recalled or saved last? Transitions under way count as
    /// ended.
    pub fn scene_is_changed(&self) -> bool {
        self.outcome().as_ref().unwrap_or(&self.session).scene_is_changed()
    }

    /// An edit that had a time has acted.
    pub(super) fn note_step(&mut self, edit: &Edit, undoable: Undoable, before: Option<Session>) {
        let Undoable::Part(batch) = undoable else { return };
        let key = Some(CoalesceKey::Batch(batch));
        self.undo.history.asked(batch);
        let label = self.undo.titles.get(&batch).cloned().unwrap_or_else(|| self.label_of(edit));
        let outcome = self.outcome();
        let after = outcome.as_ref().unwrap_or(&self.session);
        self.undo.history.record(label, key, before, after, Instant::now());
    }

    /// What an edit does, in a few words.
    pub fn label_of(&self, edit: &Edit) -> String {
        match edit {
            Edit::Scene(edit) => edit.label(|number| self.name_of_scene(number)),
            edit => label_of(edit, &self.session),
        }
    }

    /// Takes the last step back, or cancels what was asked for after it and waits for its time; tells what it was. `None` if
    /// there is none.
    ///
    /// # Errors
    /// What stands in the way, such as a type that is gone. Then nothing has changed.
    pub fn undo(&mut self, at: At) -> Result<Option<(String, Receipt)>, EditError> {
        if let Some(number) = self.to_withdraw().filter(|_| self.resolve(at).0.is_none()) {
            return Ok(Some(self.withdraw(number)));
        }
        let Some((label, edit)) = self.undo.history.undo() else { return Ok(None) };
        let label = label.to_owned();
        let number = self.undo.history.transition_to_undo();
        let receipt = self.step(edit, at, number)?;
        self.undo.history.went_back();
        Ok(Some((label, receipt)))
    }

    /// Does again what was taken back last; tells what it is. `None` if there is nothing.
    ///
    /// # Errors
    /// As [`Engine::undo`].
    pub fn redo(&mut self, at: At) -> Result<Option<(String, Receipt)>, EditError> {
        if self.to_ask_again().is_some() {
            return self.ask_again().map(Some);
        }
        let Some((label, edit)) = self.undo.history.redo() else { return Ok(None) };
        let label = label.to_owned();
        let receipt = self.step(edit, at, None)?;
        self.undo.history.went_forward();
        Ok(Some((label, receipt)))
    }

    /// Goes a step back or forward. Transitions under way go on beside it, but for what would not leave the session as the
    /// step does, and for that of `number`.
    fn step(&mut self, edit: Edit, at: At, number: Option<u64>) -> Result<Receipt, EditError> {
        let outcome = self.outcome().filter(|_| self.resolve(at).0.is_none());
        let Some(mut wanted) = outcome else { return self.edit_as(edit, at, Undoable::No) };
        wanted.apply(&edit, &self.registry)?;
        let void = self.ends_against(&wanted, number);
        let edit = self.beside_transitions(edit, &void);
        let rest = self.outcome_of(&edit, None, &void).difference(&wanted);
        let rest = self.beside_transitions(Edit::Batch(rest), &void);
        let edit = match rest.parts() {
            Some([]) => edit,
            _ => Edit::Batch(vec![edit, rest]),
        };
        self.try_edit(&edit, at)?;
        self.cancel(|p| void.contains(&p.seq));
        self.edit_as(edit, at, Undoable::No)
    }

    /// What undo would take back, and what redo would do, without doing it.
    pub fn next_steps(&self) -> (Option<String>, Option<String>) {
        let waits = self.to_withdraw().map(|number| self.label_of_waiting(number));
        let again = self.to_ask_again().map(|withdrawn| withdrawn.label.clone());
        let (undo, redo) = (self.undo.history.undo(), self.undo.history.redo());
        let label = |step: Option<(&str, Edit)>| step.map(|(label, _)| label.to_owned());
        (waits.or_else(|| label(undo)), again.or_else(|| label(redo)))
    }

    /// Labels of all steps, oldest first, and how many of them are done.
    pub fn history(&self) -> (Vec<&str>, usize) {
        self.undo.history.list()
    }
}
