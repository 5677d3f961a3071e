//! What comes back from audio: answers are counted, garbage is freed, pending edits become session.

use super::audio_link::SentPlan;
use super::{Engine, touches_graph};
use crate::edit::Edit;
use crate::graph::Controls;
use crate::limits::MAX_AUTOMATIONS;
use crate::model::Setting;
use crate::notice::Notice;
use crate::planner::PlanShadow;
use crate::processor::{Action, FromAudio, TimedAction, ToAudio};
use crate::symbol::Symbol;
use std::sync::Arc;

impl Engine {
    /// Drains what audio sent, frees what it retired, sends what is due. Call every 1–2 ms while
    /// [`Engine::busy`], and after edits.
    pub fn tick(&mut self) -> Vec<Notice> {
        while let Some(returned) = self.audio.as_mut().and_then(|a| a.from.pop().ok()) {
            self.returned(returned);
        }
        if let Some(audio) = &mut self.audio {
            audio.push_backlog();
        }
        self.forget_answered();
        self.take_types_in();
        self.drop_unused_voices();
        self.flush();
        if let Some(audio) = self.audio.as_ref().filter(|_| self.settled()) {
            self.link.publish_heeded(audio.heeded);
        }
        std::mem::take(&mut self.told.notices)
    }

    fn returned(&mut self, returned: FromAudio) {
        let asks = match &returned {
            FromAudio::Adopted { timed, .. } => *timed,
            FromAudio::Recalled { .. } | FromAudio::Missed(_) => true,
            _ => false,
        };
        if let Some(audio) = self.audio.as_mut().filter(|_| asks) {
            audio.heeded += 1;
        }
        match returned {
            FromAudio::Adopted { generation, late, old, .. } => {
                drop(old);
                self.adopted(generation, late);
            }
            FromAudio::Stale(plan) => {
                let Some(audio) = &mut self.audio else { return };
                let newer = |s: &SentPlan| s.pending.is_none() && s.shadow.generation > plan.generation;
                let overtaken = audio.sent.iter().any(newer);
                let at = audio.sent.iter().position(|s| s.shadow.generation == plan.generation);
                let Some(sent) = at.map(|at| audio.sent.remove(at)) else { return };
                match sent.pending {
                    // Nothing newer is on its way that would contain its edits.
                    None if !overtaken => audio.dirty = true,
                    // It built on a plan that does not play: it and those after it are built anew.
                    Some(_) if !sent.dropped => audio.reschedule = true,
                    _ => {}
                }
            }
            FromAudio::Faded { generation } => {
                let Some(audio) = &mut self.audio else { return };
                if audio.base.generation == generation && audio.base.has_ghosts() {
                    Arc::make_mut(&mut audio.base).settle();
                    audio.dirty = true;
                }
            }
            FromAudio::Applied { seq, late, serial, garbage, .. } => {
                self.forget_osc_of(garbage.as_ref());
                drop(garbage);
                self.ledger.actions.remove(&seq);
                self.fade_is_heard(seq);
                self.ledger.starts.remove(&seq);
                if self.ledger.cancelled.remove(&seq) {
                    // It was cancelled, too late: audio has more than the session.
                    self.replace();
                }
                self.ledger.sets.remove(&seq);
                self.ledger.leaving.remove(&seq);
                if !self.waiting.starting.is_empty() {
                    self.waiting.starting.retain(|_, (waiting, _)| *waiting != seq);
                }
                if let Some(serial) = serial
                    && let Some(Edit::SetPattern { slot, .. }) =
                        self.waiting.edits.iter().find(|p| p.seq == seq).map(|p| &p.edit)
                {
                    self.ledger.slot_serials.insert(slot.clone(), serial);
                }
                if self.commit_due(seq, late)
                    && let Some(audio) = &mut self.audio
                {
                    // Without a plan of its own.
                    audio.dirty = true;
                }
            }
            FromAudio::Recalled { recall, generation, parts, .. } => self.recalled(recall, generation, parts),
            FromAudio::Missed(recall) => self.missed(recall),
            FromAudio::Voices(voices) => drop(voices),
            FromAudio::Scene(parts) => {
                self.scenes.forget_parts(parts.id);
                self.forget_unused(&parts);
            }
            FromAudio::Hushed(garbage) => self.forget_osc_of(Some(&garbage)),
            FromAudio::Replaced { seq, old } => {
                drop(old);
                self.ledger.actions.retain(|s| *s > seq);
                self.ledger.graphs.retain(|s| *s > seq);
                if let Some(audio) = &mut self.audio
                    && audio.replacing == Some(seq)
                {
                    audio.replacing = None;
                }
            }
            FromAudio::AutomationDone { serial, base } => {
                self.as_heard(|engine| engine.automation_done(serial, base));
            }
            FromAudio::Origin { serial, position } => {
                self.as_heard(|engine| engine.note_origin(serial, position));
            }
            FromAudio::Learned { channel, cc } => self.learned(channel, cc),
            FromAudio::MacroLearned { index } => self.learned_macro(index + 1),
            FromAudio::Moved { target, value } => self.as_heard(|engine| engine.moved(target, value)),
            FromAudio::Unheard { seq, action } => self.unheard(seq, &action),
            FromAudio::Osc { sample, serial, value } => self.osc_is_due(sample, serial, value),
            FromAudio::NodeFault { uid, silenced } => {
                let id = self.audio.as_ref().and_then(|a| a.base.id_of(uid)).map(str::to_owned);
                if let Some(node) = id {
                    if silenced {
                        self.told.silenced.insert(uid, node.clone());
                    }
                    let node = self.session.owner_of(&node);
                    self.told.notices.push(Notice::NodeFault { node, silenced });
                }
            }
            FromAudio::Panicked(payload) => {
                let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
                let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
                let message = text.unwrap_or_else(|| "panic".to_owned());
                self.told.notices.push(Notice::Panicked { message });
                if let Some(audio) = &mut self.audio
                    && audio.replacing.is_none()
                {
                    audio.poisoned = true;
                    audio.sent.clear();
                    audio.backlog.clear();
                    self.forget_answers();
                }
            }
        }
    }

    fn adopted(&mut self, generation: u64, late: bool) {
        let Some(audio) = &mut self.audio else { return };
        let Some(at) = audio.sent.iter().position(|s| s.shadow.generation == generation) else {
            return; // of an engine that was replaced
        };
        let sent = audio.sent.remove(at);
        self.base_is(sent.shadow);
        match sent.pending {
            Some(seq) => {
                // One that was cancelled too late is planned away.
                let cancelled = self.waiting.edits.iter().all(|p| p.seq != seq);
                self.commit_due(seq, late);
                self.scenes.unprepared();
                let changes = cancelled || !self.session.scenes.is_empty();
                if let Some(audio) = self.audio.as_mut().filter(|_| changes) {
                    audio.dirty = true;
                }
            }
            None => {
                self.scenes.planned(sent.seq);
                self.ledger.removed.retain(|_, seq| *seq > sent.seq);
                self.ledger.resets.retain(|_, (_, seq)| *seq > sent.seq);
                self.ledger.graphs.retain(|seq| *seq > sent.seq);
            }
        }
    }

    /// Audio gives an action back that it has not done.
    fn unheard(&mut self, seq: u64, action: &Action) {
        self.ledger.actions.remove(&seq);
        self.fade_is_heard(seq);
        self.ledger.cancelled.remove(&seq);
        self.ledger.starts.remove(&seq);
        self.waiting.starting.retain(|_, (waiting, _)| *waiting != seq);
        self.forget_osc_unheard(action);
        match action {
            Action::Fade { serial, .. } => {
                if let Some((name, _)) = self.ledger.fading.remove(serial)
                    && self.ledger.fading.values().all(|(other, _)| *other != name)
                {
                    self.ledger.fades.free(&name);
                }
            }
            Action::Automate { serial, .. } => drop(self.ledger.drawn.remove(serial)),
            _ => {}
        }
    }

    /// That plan plays now.
    pub(super) fn base_is(&mut self, shadow: Arc<PlanShadow>) {
        let Some(audio) = &mut self.audio else { return };
        audio.base = shadow;
        let (base, on_their_way) = (&audio.base, &audio.sent);
        self.told.silenced.retain(|uid, _| base.has_live(*uid));
        self.plans.meters.retain(base.uids().chain(on_their_way.iter().flat_map(|s| s.shadow.uids())));
        self.scenes.adopted(base.generation);
    }

    /// A pending edit has acted: now it is part of the session. `true` if that changed the graph.
    fn commit_due(&mut self, seq: u64, late: bool) -> bool {
        let Some(at) = self.waiting.edits.iter().position(|p| p.seq == seq) else { return false };
        let pending = self.waiting.edits.remove(at);
        if late {
            self.told.notices.push(Notice::Late { seq, position: pending.due });
        }
        let number = pending.transition.as_ref().map(|of| of.number);
        if let (Edit::Transition { .. }, Some(number)) = (&pending.edit, number) {
            self.transition_begins(number, &pending.edit, pending.undoable);
            return false;
        }
        // A recall that is on its way follows: it makes the session another, and is the step.
        let step = !self.scenes.is_on_its_way();
        let before = if step { self.before_step(pending.undoable) } else { None };
        if !pending.is_end() {
            self.end_transitions_by(&pending.edit, number);
        }
        let planned_now = pending.is_end() && touches_graph(&pending.edit);
        let there = self.before_waiting(touches_graph(&pending.edit));
        let line = self.line_of(&pending.edit);
        let applied = self.as_heard(|engine| match planned_now {
            true => {
                let applied = engine.apply_to_graph(&pending.edit, None);
                // What it noted has that number: the plan that follows has done it.
                engine.seq += 1;
                applied
            }
            false => engine.session.apply(&pending.edit, &engine.registry),
        });
        if let Err(e) = applied {
            // The end of a transition takes out what may have gone by then.
            if pending.is_end() {
                return false;
            }
            self.told.notices.push(Notice::EditFailed { seq, message: e.to_string() });
            return false;
        }
        self.note_line(&pending.edit, line);
        match &pending.edit {
            Edit::Setting(Setting::Seed(_)) => self.seed_changed(),
            Edit::SetAutomation { id, .. } => {
                let own = self.ledger.drawn.iter().rfind(|(_, d)| d.seq == seq && d.id == *id);
                if let Some((&serial, _)) = own {
                    self.ledger.in_effect.insert(id.clone(), serial);
                }
            }
            Edit::ClearAutomation { id } => {
                self.forget_in_effect(id);
                self.free_automation(id);
            }
            _ => {}
        }
        if step {
            self.note_step(&pending.edit, pending.undoable, before);
        }
        self.withdraw_for_gone(there.as_ref(), seq);
        touches_graph(&pending.edit)
    }

    /// Where a pattern that counts from its own zero began.
    fn note_origin(&mut self, serial: u64, position: f64) {
        let Some((slot, _)) = self.ledger.slot_serials.iter().find(|(_, s)| **s == serial) else { return };
        if let Some(state) = self.session.slots.get_mut(slot)
            && state.from_zero
        {
            state.origin = Some(position);
        }
    }

    /// A one-shot has arrived: its last value is the base value now.
    fn automation_done(&mut self, serial: u64, base: Option<f32>) {
        if let Some((path, target)) = self.ledger.fading.remove(&serial) {
            return self.fade_done(serial, path, target, base);
        }
        let Some(done) = self.ledger.drawn.remove(&serial) else { return };
        if let Some(path) = self.session.path_of(&done.label, &self.registry) {
            let exact = base.is_none_or(|b| b.to_bits() == (done.end as f32).to_bits());
            let value = base.filter(|_| !exact).map_or(done.end, decimal);
            if !self.is_overtaken(&path) {
                self.session.values.insert(path, value);
            }
        }
        // The session may have another of that name by now.
        if self.ledger.in_effect.get(&done.id) != Some(&serial) {
            return;
        }
        self.ledger.in_effect.remove(&done.id);
        self.session.automations.remove(&done.id);
        if let Some(index) = self.ledger.automations.of(&done.id) {
            let action = Action::ClearArrived { index, serial };
            self.send(ToAudio::Edit(TimedAction::now(action)));
            self.free_automation(&done.id);
        }
    }

    /// A fade has arrived, unless another value has come in between.
    fn fade_done(&mut self, serial: u64, name: String, target: f64, base: Option<f32>) {
        // Those that it overtook have not arrived anywhere.
        self.ledger.fading.retain(|other, (path, _)| *path != name || *other > serial);
        let path = self.session.path_of(&name, &self.registry);
        // Also by another of its names.
        let is_it = |other: &String| {
            *other == name || path.is_some() && self.session.path_of(other, &self.registry) == path
        };
        let newer = self.ledger.fading.iter().any(|(other, (path, _))| *other > serial && is_it(path));
        if let Some(path) = path
            && let Some(base) = base
            && !newer
            // Else what it moved has gone meanwhile, and has come back without a value.
            && self.session.values.contains_key(&path)
            && !self.is_overtaken(&path)
        {
            let exact = base.to_bits() == (target as f32).to_bits();
            self.session.values.insert(path, if exact { target } else { decimal(base) });
        }
        if let Some(index) = self.ledger.fades.of(&name) {
            let index = MAX_AUTOMATIONS as u32 + index;
            let action = Action::ClearArrived { index, serial };
            self.send(ToAudio::Edit(TimedAction::now(action)));
            if !newer {
                self.ledger.fades.free(&name);
            }
        }
    }

    /// The automation's number is free, unless an edit that waits, or a scene, means it.
    pub(super) fn free_automation(&mut self, id: &str) {
        let waits = self.waiting.edits.iter().any(|p| match &p.edit {
            Edit::SetAutomation { id: i, .. } | Edit::ClearAutomation { id: i } => i == id,
            _ => false,
        });
        let mut scenes = self.session.scenes.iter();
        let in_scene = scenes.any(|(_, scene)| scene.state.automations.contains_key(id));
        if !waits && !in_scene && !self.session.automations.contains_key(id) {
            self.ledger.automations.free(id);
        }
    }

    /// A newer value of the control is on its way to audio.
    fn is_overtaken(&self, path: &str) -> bool {
        self.ledger.resets.contains_key(path) || self.ledger.sets.values().any(|p| p == path)
    }

    /// The path of a control that the host moves because its type says so.
    fn declared_path(&self, target: Symbol) -> Option<String> {
        let controls = Controls::of(&self.session.graph, &self.registry);
        self.session.graph.nodes.iter().find_map(|node| {
            let mut listening = controls.decl(node)?.listening();
            let found = listening.find(|control| Symbol::control(&node.id, &control.name) == target);
            found.map(|control| format!("{}/{}", node.id, control.name))
        })
    }

    /// A controller or a macro has set a base value: last writer wins, so the session has it too.
    fn moved(&mut self, target: Symbol, value: f32) {
        let labels = self.session.labels_moved_from_outside().chain(self.ledger.leaving.values().flatten());
        let path =
            labels.filter(|l| Symbol::of(l) == target).find_map(|l| self.session.path_of(l, &self.registry));
        let path = path.or_else(|| self.declared_path(target));
        if let Some(path) = path
            && !self.is_overtaken(&path)
        {
            self.session.values.insert(path, decimal(value));
        }
    }
}

/// The shortest decimal number that is this value on the audio thread: 0.6, and not 0.6000000238418579.
fn decimal(value: f32) -> f64 {
    let short = value.to_string().parse().unwrap_or(f64::NAN);
    if (short as f32).to_bits() == value.to_bits() { short } else { f64::from(value) }
}

#[cfg(test)]
mod tests {
    use crate::automation::ShapeSpec;
    use crate::engine::*;
    use crate::node::Registry;
    use crate::processor::{Block, MidiOut, Processor};

    fn block(processor: &mut Processor) {
        let (mut left, mut right) = ([0.0; 64], [0.0; 64]);
        processor.process(Block {
            frames: 64,
            transport: &[],
            offline: false,
            input: [&[], &[]],
            main: [&mut left, &mut right],
            stems: &mut [],
            params: &[],
            played: &[],
            midi_out: &mut MidiOut::with_capacity(16),
        });
    }

    #[test]
    fn what_is_known_of_automations_and_fades_does_not_grow() {
        let mut engine = Engine::new(Registry::with_builtins());
        let mut processor = engine.activate(48_000.0, 64);
        let edit = |engine: &mut Engine, edit| {
            engine.edit(edit, At::Now).unwrap();
        };
        edit(&mut engine, Edit::Graph(vec![GraphEdit::AddNode(GraphNode::new("a", "gain"))]));
        for turn in 0..3000 {
            let id = format!("automation {turn}");
            let period = Period::Secs(if turn % 2 == 0 { 1e-3 } else { 10.0 });
            let set = Edit::SetAutomation {
                id: id.clone(),
                label: "a/gain".into(),
                shape: ShapeSpec::Ramp,
                lo: 0.0,
                hi: 1.0,
                period,
                one_shot: turn % 3 == 0,
            };
            edit(&mut engine, set);
            let length = FadeLength::Secs(1e-3 * f64::from(turn % 3));
            edit(&mut engine, Edit::Fade { label: "a/gain".into(), value: f64::from(turn % 7), length });
            block(&mut processor);
            edit(&mut engine, Edit::ClearAutomation { id });
            block(&mut processor);
            engine.tick();
        }
        for _ in 0..20 {
            block(&mut processor);
            engine.tick();
        }
        let left = (engine.ledger.drawn.len(), engine.ledger.in_effect.len(), engine.ledger.fading.len());
        assert_eq!(left, (0, 0, 0));
        assert_eq!(engine.ledger.fades.of("a/gain"), None);
    }
}
