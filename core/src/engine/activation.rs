//! Whole engines: for activation, after a load, after a fault.

use super::bind_pattern::slot_pattern;
use super::dispatch::{Changes, input_of};
use super::macros::macro_targets;
use super::{AudioLink, Engine, Pending, touches_graph};
use crate::edit::{At, Edit};
use crate::model::ClockSource;
use crate::notice::Notice;
use crate::plan::Plan;
use crate::planner::PlanShadow;
use crate::processor::{
    Action, ActiveAutomation, ControllerMap, NoteRoute, Processor, RETURNS, Renderer, RendererSettings,
    TO_AUDIO, TimedAction, ToAudio,
};
use crate::session::Session;
use crate::slot::content_of;
use crate::symbol::Symbol;
use rtrb::RingBuffer;
use std::collections::VecDeque;
use std::sync::Arc;

impl Engine {
    /// Builds a processor that already has the whole session: for activate. Replaces any earlier one.
    pub fn activate(&mut self, sample_rate: f64, max_frames: usize) -> Processor {
        let (to, messages) = RingBuffer::new(TO_AUDIO);
        let (returns, from) = RingBuffer::new(RETURNS);
        self.plans.prepared.clear();
        self.forget_answers();
        self.form = Some((sample_rate, max_frames));
        self.audio = Some(AudioLink {
            to,
            from,
            backlog: VecDeque::new(),
            sample_rate,
            max_frames,
            base: Arc::default(),
            sent: Vec::new(),
            dirty: false,
            reschedule: false,
            poisoned: false,
            replacing: None,
            heeded: 0,
        });
        self.link.publish_heeded(0);
        self.link.publish_standstill();
        let renderer = self.build_renderer();
        self.resend_pending();
        Processor::new(messages, returns, self.link.clone(), renderer)
    }

    /// The processor is gone.
    pub fn deactivate(&mut self) {
        self.audio = None;
        self.form = None;
        self.plans.prepared.clear();
        self.link.publish_standstill();
        self.forget_answers();
    }

    /// Nobody will answer what was sent: it is in the session, and with it in the next engine.
    pub(super) fn forget_answers(&mut self) {
        self.ledger.actions.clear();
        self.ledger.cancelled.clear();
        self.ledger.graphs.clear();
        self.waiting.starting.clear();
        self.ledger.starts.clear();
        self.ledger.sets.clear();
        self.waiting.fades.retain(|_, fade| !fade.was_sent());
        self.ledger.leaving.clear();
        self.scenes.on_their_way.clear();
    }

    fn build_renderer(&mut self) -> Box<Renderer> {
        self.take_types_in();
        let mut audio = self.audio.take().expect("only called while active");
        self.scenes.forget();
        self.ledger.resets.clear();
        self.ledger.removed.clear();
        self.told.silenced.clear();
        self.plans.meters.retain(std::iter::empty());
        audio.sent.clear();
        // Scenes are prepared against the plan that this engine begins with, by the one that follows it.
        (audio.dirty, audio.reschedule) = (!self.session.scenes.is_empty(), false);
        let session = self.session.clone();
        let empty = PlanShadow::empty(self.plans.generation);
        let (plan, shadow) = match self.build(&audio, &empty, &session, &Changes::default()) {
            Ok((mut plan, shadow)) => {
                plan.begin_at_rest();
                (plan, shadow)
            }
            Err(error) => {
                self.told.notices.push(Notice::EditFailed { seq: self.seq, message: error.to_string() });
                (Plan::empty(empty.generation), empty)
            }
        };
        audio.base = Arc::new(shadow);
        self.plans.prepared.clear();
        self.tell_misfits(|_| true);
        self.tell_clashes();
        let set = &session.settings;
        let settings = RendererSettings {
            sample_rate: audio.sample_rate,
            max_frames: audio.max_frames,
            clock: crate::clock::ClockSettings {
                free_bpm: set.bpm,
                free_run: set.free_run,
                internal: set.clock_source == ClockSource::Internal,
            },
            beats_per_cycle: set.beats_per_cycle,
            host_meter: set.host_meter,
            midi_clock: set.midi_clock || self.midi_clock_always,
            programs: set.programs,
            start: set.start,
            master: set.master as f32,
            limiter: set.limiter,
            input: input_of(set.input),
            seed: set.seed,
            moved: self.link.position().moved,
        };
        self.audio = Some(audio);
        let mut renderer = Box::new(Renderer::new(&settings, Box::new(plan)));
        self.ledger.slots.clear();
        self.ledger.slot_serials.clear();
        self.outbox.packets.clear();
        self.ledger.automations.clear();
        self.ledger.fades.clear();
        self.ledger.fading.clear();
        self.waiting.fades.clear();
        self.ledger.drawn.clear();
        self.ledger.in_effect.clear();
        for (name, slot) in &session.slots {
            let Some(index) = self.slot_of(name) else { continue };
            if slot.playing
                && let Some(program) = self
                    .programs
                    .remove(name)
                    .or_else(|| krach_patterns::compile_swung(&slot.pattern, slot.swing).ok())
            {
                let mut pattern = slot_pattern(name, program, self.next_serial(), session.settings.seed);
                self.prepare_osc(pattern.serial, &pattern.program);
                self.ledger.slot_serials.insert(name.clone(), pattern.serial);
                pattern.content = content_of(&slot.pattern, slot.swing, slot.from_zero);
                pattern.origin = if slot.from_zero { slot.origin } else { Some(0.0) };
                renderer.place_slot(index as usize, Box::new(pattern));
            }
        }
        for (id, a) in &session.automations {
            let edit = Edit::SetAutomation {
                id: id.clone(),
                label: a.label.clone(),
                shape: a.shape.clone(),
                lo: a.lo,
                hi: a.hi,
                period: a.period,
                one_shot: a.one_shot,
            };
            let action = self.action(&edit, 0, None);
            if let Some(Action::Automate { index, target, automation, serial, bars, content }) = action {
                renderer.place_automation(
                    index as usize,
                    ActiveAutomation::new(automation, target, serial, bars).with_content(content),
                );
            }
        }
        for r in &session.note_routes {
            renderer.route_notes(NoteRoute { channel: r.channel, node: Some(Symbol::of(&r.node)) });
        }
        renderer.learn(self.learn.controller.is_some());
        for m in session.midi_maps.iter() {
            let target = Symbol::of(&m.label);
            renderer.map_controller(ControllerMap {
                channel: m.channel,
                cc: m.cc,
                target,
                lo: m.lo,
                hi: m.hi,
            });
        }
        renderer.learn_macro(self.learning_macro_by_audio());
        for m in session.macros.iter() {
            renderer.put_macro(m.number - 1, &mut macro_targets(Some(m)));
        }
        renderer
    }

    /// Sends a whole engine made from the session; what was on its way to the old one is void.
    pub(super) fn replace(&mut self) {
        if self.audio.is_none() {
            return;
        }
        let renderer = self.build_renderer();
        let seq = self.seq;
        self.forget_answers();
        self.ledger.actions.insert(seq);
        let audio = self.audio.as_mut().expect("checked above");
        audio.poisoned = false;
        audio.replacing = Some(seq);
        audio.backlog.clear();
        audio.backlog.push_back(ToAudio::Replace { seq, renderer });
        audio.push_backlog();
        self.resend_pending();
    }

    /// The session as it will be when an edit with that time acts, if others act before.
    pub fn session_at(&self, at: At) -> Option<Session> {
        let (due, _) = self.resolve(at);
        due.filter(|due| self.waiting.edits.iter().any(|p| p.due <= *due)).map(|due| self.projected(due))
    }

    /// The number of the last edit that waits for a position; 0 if none does.
    pub fn last_waiting(&self) -> u64 {
        self.waiting.edits.last().map_or(0, |p| p.seq)
    }

    /// Edits up to that number that wait for a position do not act, if that is the time or later. Without a time: all
    /// of them.
    pub fn cancel_waiting(&mut self, until: u64, at: At) {
        let (from, _) = self.resolve(at);
        self.cancel_pending(|p| p.seq <= until && from.is_none_or(|from| p.due >= from));
    }

    /// These edits, which wait for a position, do not act.
    pub(super) fn cancel_pending(&mut self, is_it: impl Fn(&Pending) -> bool) {
        let (gone, left): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waiting.edits).into_iter().partition(|p| is_it(p));
        self.waiting.edits = left;
        if gone.is_empty() || !self.is_listening() {
            return;
        }
        let (plans, actions): (Vec<_>, Vec<_>) = gone.iter().partition(|p| p.is_plan());
        let mut numbers: Vec<u64> = actions.iter().map(|p| p.seq).collect();
        numbers.sort_unstable();
        self.ledger.cancelled.extend(&numbers);
        self.send(ToAudio::Edit(TimedAction::now(Action::CancelAll(Box::new(numbers)))));
        if let Some(audio) = self.audio.as_mut().filter(|_| !plans.is_empty()) {
            audio.reschedule = true;
        }
        for Pending { edit, .. } in actions {
            if let Edit::SetAutomation { id, .. } | Edit::ClearAutomation { id } = edit {
                self.free_automation(id);
            }
        }
        self.flush();
    }

    fn resend_pending(&mut self) {
        if !self.is_listening() {
            return;
        }
        for pending in self.waiting.edits.clone() {
            let Pending { seq, due, relative, edit, .. } = &pending;
            if pending.is_end() {
                self.send_end(&pending);
            } else if touches_graph(edit) {
                if let Some(audio) = &mut self.audio {
                    audio.reschedule = true;
                }
            } else {
                self.send_action(edit, *seq, Some(*due), *relative);
            }
        }
        self.flush();
    }
}
