//! Recalls: what is asked for now is the session at once, as any edit is; what audio has done of it is heard here.

use super::history::Undoable;
use super::scenes::{Late, Parts};
use super::{Engine, Pending};
use crate::edit::{At, Edit, EditError, SceneEdit, SceneState};
use crate::model::Crossfade;
use crate::notice::Notice;
use crate::processor::{Action, Recall, SceneParts, TimedAction, ToAudio};
use crate::session::{CoalesceKey, Session};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

/// A recall that audio has not answered. The session is the scene already.
pub(super) struct Asked {
    seq: u64,
    /// What plays until then, and what its next plan has to know: see `SentLedger::resets` and `SentLedger::removed`.
    pub before: Session,
    pub resets: BTreeMap<String, (f64, u64)>,
    pub removed: BTreeMap<String, u64>,
}

impl Asked {
    /// Number of the last edit before it.
    pub fn before_it(&self) -> u64 {
        self.seq - 1
    }
}

impl Engine {
    /// Recalls a scene now: the session is the scene, audio plays it from the next sample on.
    pub(super) fn recall_now(&mut self, edit: &Edit, number: u8) -> Result<(), EditError> {
        let state = Arc::clone(&self.session.scenes.known(number, "$.scene")?.state);
        let mut after = self.session.clone();
        after.recall(number, &state, &self.registry)?;
        if !self.scene_is_ready(number) {
            self.scenes.used(number);
            if let Some(audio) = &mut self.audio {
                audio.dirty = true;
            }
        }
        // What was asked for before goes first, and the scene is prepared for what plays then.
        self.flush();
        self.seq += 1;
        let seq = self.seq;
        self.ledger.actions.insert(seq);
        // Silent slots that were to start do not; what is asked for from now on starts anew.
        self.waiting.starting.clear();
        let before = std::mem::replace(&mut self.session, after);
        self.tell_graph_since(&before.graph);
        let (resets, removed) =
            (std::mem::take(&mut self.ledger.resets), std::mem::take(&mut self.ledger.removed));
        self.scenes.on_their_way.push_back(Asked { seq, before, resets, removed });
        self.send_action(edit, seq, None, false);
        Ok(())
    }

    /// Does what audio has told about the time before the recalls that are on their way to it.
    pub(super) fn as_heard<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let Some(mut asked) = self.scenes.on_their_way.pop_front() else { return work(self) };
        self.exchange_with(&mut asked);
        let done = work(self);
        self.exchange_with(&mut asked);
        self.scenes.on_their_way.push_front(asked);
        done
    }

    fn exchange_with(&mut self, asked: &mut Asked) {
        std::mem::swap(&mut self.session, &mut asked.before);
        std::mem::swap(&mut self.ledger.resets, &mut asked.resets);
        std::mem::swap(&mut self.ledger.removed, &mut asked.removed);
    }

    /// Audio has recalled a scene: the session is that now, and what was asked for after it holds for that.
    pub(super) fn recalled(&mut self, recall: Recall, generation: u64, mut parts: Box<SceneParts>) {
        let (old, garbage) = parts.take_old();
        drop(old);
        garbage.iter().for_each(|garbage| self.forget_osc_of(Some(garbage)));
        drop(garbage);
        self.forget_unused(&parts);
        let pending = self.take_pending(recall.seq);
        let (Some(prepared), Some(known)) =
            (self.scenes.plans.remove(&generation), self.scenes.parts.remove(&parts.id))
        else {
            return; // of an engine that was replaced
        };
        self.forget_starts(recall.heard);
        self.scenes.stock.taken(|number| prepared.pool.contains(&number));
        self.scenes.used(recall.number);
        self.base_is(prepared.shadow);
        let asked = self.scenes.on_their_way.iter().position(|asked| asked.seq == recall.seq);
        match asked {
            // The session is the scene since it was asked for. Those before it came too late for their own turn.
            Some(at) => {
                self.scenes.on_their_way.drain(..=at);
                self.take_parts_over(&known, &parts);
            }
            // A recall that is on its way follows: what this one makes is not the session any more.
            None if !self.scenes.on_their_way.is_empty() => {
                let before = self.scenes.on_their_way.front().map_or(0, |asked| asked.seq);
                self.as_heard(|engine| engine.become_scene(recall, &known, &parts, before));
            }
            None => {
                let now = Instant::now();
                let undoable = pending.map_or(Undoable::Step, |pending| self.batch_of(&pending));
                let step = self.before_recall(undoable, now);
                self.become_scene(recall, &known, &parts, u64::MAX);
                self.note_recall(recall.number, undoable, step, now);
            }
        }
        self.tell_recalled(recall.number, recall.seq, recall.late);
        if let Some(audio) = &mut self.audio {
            (audio.dirty, audio.reschedule) = (true, true);
        }
    }

    /// Patterns and automations of parts that audio did not need, or does not have any more.
    pub(super) fn forget_unused(&mut self, parts: &SceneParts) {
        let (slots, automations) = parts.unused();
        slots.for_each(|serial| drop(self.outbox.packets.remove(&serial)));
        automations.for_each(|serial| drop(self.ledger.drawn.remove(&serial)));
    }

    /// The session is what audio has recalled, and what edits below the number `until` make of that.
    fn become_scene(&mut self, recall: Recall, known: &Parts, parts: &SceneParts, until: u64) {
        self.cancel(|_| true);
        self.ledger.resets.clear();
        self.ledger.removed.clear();
        let graph = Arc::clone(&self.session.graph);
        if let Err(error) = self.session.recall(recall.number, &known.state, &self.registry) {
            self.told.notices.push(Notice::EditFailed { seq: recall.seq, message: error.to_string() });
        }
        self.tell_graph_since(&graph);
        self.take_parts_over(known, parts);
        self.forget_answered();
        for (seq, edit) in self.scenes.unanswered.clone().range(..until) {
            let values = self.session.values.clone();
            let graph = Arc::clone(&self.session.graph);
            if let Err(error) = self.session.apply(edit, &self.registry) {
                self.told.notices.push(Notice::EditFailed { seq: *seq, message: error.to_string() });
                continue;
            }
            if self.ledger.graphs.contains(seq) {
                self.note_graph_change(edit, &values, &graph, *seq);
            }
        }
    }

    /// Slots and automations that audio has now are those of the scene, but for what edits that audio gets to after the
    /// recall have sent.
    fn take_parts_over(&mut self, known: &Parts, parts: &SceneParts) {
        self.forget_answered();
        let (mut slots, mut automations) = (BTreeSet::new(), BTreeSet::new());
        for edit in self.scenes.unanswered.values() {
            match edit {
                Edit::SetPattern { slot, .. } => drop(slots.insert(slot.clone())),
                Edit::SetAutomation { id, .. } | Edit::ClearAutomation { id } => {
                    automations.insert(id.clone());
                }
                _ => {}
            }
        }
        let begun: BTreeSet<u32> = parts.begun().collect();
        self.ledger.slot_serials.retain(|name, _| known.slots.contains_key(name) || slots.contains(name));
        for (name, (index, serial)) in &known.slots {
            if begun.contains(index) && !slots.contains(name) {
                self.ledger.slot_serials.insert(name.clone(), *serial);
            }
        }
        let sets = |id: &String| known.automations.contains_key(id) || automations.contains(id);
        let gone: Vec<String> = self.ledger.in_effect.keys().filter(|id| !sets(id)).cloned().collect();
        for id in gone {
            self.forget_in_effect(&id);
            self.free_automation(&id);
        }
        for (id, serial) in known.automations.iter().filter(|(id, _)| !automations.contains(*id)) {
            let kept = parts.automations.iter().any(|scene| scene.serial == *serial && scene.kept);
            if !kept {
                self.ledger.in_effect.insert(id.clone(), *serial);
            }
        }
        // Fades have ended; what they were on the way to is the scene's to say. Those that follow begin anew.
        let fades = self.scenes.unanswered.values().filter_map(|edit| match edit {
            Edit::Fade { label, .. } => {
                Some(self.session.path_of(label, &self.registry).unwrap_or_else(|| label.clone()))
            }
            _ => None,
        });
        let fades: BTreeSet<String> = fades.collect();
        let ended = self.ledger.fading.values().map(|(path, _)| path).filter(|path| !fades.contains(*path));
        ended.for_each(|path| self.ledger.fades.free(path));
        self.ledger.fading.retain(|_, (path, _)| fades.contains(path));
        self.waiting.started.retain(|slot, _| self.session.slots.contains_key(slot));
    }

    /// A scene was to be recalled, and was not ready: it begins as soon as it can, whole.
    pub(super) fn missed(&mut self, recall: Recall) {
        let pending = self.take_pending(recall.seq);
        self.scenes.used(recall.number);
        let asked = self.scenes.on_their_way.iter().position(|asked| asked.seq == recall.seq);
        if let Some(at) = asked {
            return self.come_late(recall, at);
        }
        if self.scenes.is_on_its_way() {
            return; // The one that follows takes its place.
        }
        let number = recall.number;
        let Some(state) = self.session.scenes.get(number).map(|scene| Arc::clone(&scene.state)) else {
            if recall.seq != 0 {
                let message = format!("there is no scene {number}");
                self.told.notices.push(Notice::EditFailed { seq: recall.seq, message });
            }
            return;
        };
        for seq in self.forget_starts(recall.heard) {
            self.send(ToAudio::Edit(TimedAction::now(Action::Cancel { seq })));
        }
        let now = Instant::now();
        let undoable = pending.map_or(Undoable::Step, |pending| self.batch_of(&pending));
        let step = self.before_recall(undoable, now);
        self.cancel(|_| true);
        match self.target_of(number, &state).and_then(|target| self.make(&target, recall.fade)) {
            Ok(()) => {
                self.note_recall(number, undoable, step, now);
                self.tell_recalled(number, recall.seq, true);
            }
            Err(error) => {
                self.told.notices.push(Notice::EditFailed { seq: recall.seq, message: error.to_string() });
            }
        }
    }

    /// What was done to slots that had not started yet is not done; the numbers of those edits.
    fn forget_starts(&mut self, heard: u64) -> BTreeSet<u64> {
        self.waiting.starting.retain(|_, (seq, _)| *seq > heard);
        let later = self.ledger.starts.split_off(&(heard + 1));
        let starts = std::mem::replace(&mut self.ledger.starts, later);
        for seq in &starts {
            self.scenes.unanswered.remove(seq);
            self.ledger.actions.remove(seq);
        }
        starts
    }

    /// What a late recall makes of the session: what audio gets to after it holds.
    fn target_of(&mut self, number: u8, state: &SceneState) -> Result<Session, EditError> {
        self.forget_answered();
        let mut target = self.session.clone();
        target.recall(number, state, &self.registry)?;
        for edit in self.scenes.unanswered.values() {
            // One that does not fit the scene is none any more.
            let _ = target.apply(edit, &self.registry);
        }
        Ok(target)
    }

    /// A recall that is the session already has been missed: audio gets what there is between what it plays and the
    /// session.
    fn come_late(&mut self, recall: Recall, at: usize) {
        for seq in self.forget_starts(recall.heard) {
            self.send(ToAudio::Edit(TimedAction::now(Action::Cancel { seq })));
        }
        let mut asked = self.scenes.on_their_way.drain(..=at);
        let Some(first) = asked.next() else { return };
        drop(asked);
        if let Some(next) = self.scenes.on_their_way.front_mut() {
            // Another one follows and takes its place.
            next.before = first.before;
            next.resets.extend(first.resets);
            next.removed.extend(first.removed);
            return;
        }
        let target = std::mem::replace(&mut self.session, first.before);
        self.ledger.resets.extend(first.resets);
        self.ledger.removed.extend(first.removed);
        let made = self.make(&target, recall.fade);
        self.session = target;
        if made.is_err() {
            self.replace();
        }
        self.tell_recalled(recall.number, recall.seq, true);
    }

    /// Makes another session of this one, at once and as no step.
    fn make(&mut self, target: &Session, fade: Option<Crossfade>) -> Result<(), EditError> {
        let edit = Edit::Batch(self.session.difference(target));
        // What was to be planned without that crossfade is on its way.
        self.flush();
        self.scenes.late = Some(Late(fade));
        self.in_hand.at_once = true;
        let made = self.edit_as(edit, At::AtOnce, Undoable::No);
        self.in_hand.at_once = false;
        if !self.audio.as_ref().is_some_and(|audio| audio.dirty) {
            self.scenes.late = None; // no plan was needed
        }
        made.map(drop)
    }

    fn take_pending(&mut self, seq: u64) -> Option<Pending> {
        let at = self.waiting.edits.iter().position(|pending| pending.seq == seq)?;
        Some(self.waiting.edits.remove(at))
    }

    /// How a timed recall is undoable: as a part of its batch if it has others, else as a recall.
    fn batch_of(&self, pending: &Pending) -> Undoable {
        let Undoable::Part(batch) = pending.undoable else { return pending.undoable };
        let begun = self.undo.history.joins(Some(&CoalesceKey::Batch(batch)), Instant::now());
        let goes_on = self.waiting.edits.iter().any(|other| other.undoable == pending.undoable);
        if begun || goes_on { pending.undoable } else { Undoable::Step }
    }

    /// The session before a recall, if that is a step of its own: recalls without a change between them are one.
    fn before_recall(&mut self, undoable: Undoable, now: Instant) -> Option<Session> {
        if let Undoable::Part(_) = undoable {
            return self.before_step(undoable);
        }
        if self.scene_is_changed() {
            self.undo.history.seal();
        }
        (!self.undo.history.joins(Some(&CoalesceKey::Recall), now)).then(|| self.goal())
    }

    fn note_recall(&mut self, number: u8, undoable: Undoable, before: Option<Session>, now: Instant) {
        let edit = Edit::from(SceneEdit::Recall { number, fade: None });
        match undoable {
            Undoable::Part(_) => self.note_step(&edit, undoable, before),
            Undoable::Step => {
                self.undo.history.asked(self.seq);
                let label = self.label_of(&edit);
                self.undo.history.record(label, Some(CoalesceKey::Recall), before, &self.session, now);
            }
            Undoable::No => {}
        }
    }

    pub(super) fn tell_recalled(&mut self, number: u8, seq: u64, late: bool) {
        self.told.notices.push(Notice::Recalled { number, name: self.name_of_scene(number), seq, late });
    }

    pub(super) fn name_of_scene(&self, number: u8) -> String {
        self.session.scenes.get(number).map_or_else(String::new, |scene| scene.name.clone())
    }
}
