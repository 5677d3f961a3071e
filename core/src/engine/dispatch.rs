//! What goes to audio: actions in the order of the edits, plans when the graph changed.

use super::audio_link::{AudioLink, SentPlan};
use super::bind_pattern::slot_pattern;
use super::ledger::SentAutomation;
use super::macros::macro_targets;
use super::meters::MeterBook;
use super::pending::{Pending, sorted};
use super::{Engine, touches_graph};
use crate::automation::{Automation, Waveform};
use crate::edit::{Edit, SceneEdit};
use crate::model::{ClockSource, Crossfade, InputState, MidiMapState, Period, Setting};
use crate::node::{CreateContext, Node};
use crate::notice::Notice;
use crate::plan::Plan;
use crate::planner::{self, InstanceKey, PlanError, PlanShadow};
use crate::processor::{Action, ControllerMap, InputRoute, NoteRoute, TimedAction, ToAudio, chunk_of};
use crate::session::Session;
use crate::slot::content_of;
use crate::symbol::Symbol;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Messages that may wait on this side for room in the ring; more and audio gets the whole session anew.
const MAX_BACKLOG: usize = 16_384;
/// Plans on their way; while there are more, changes of the graph gather.
const MAX_IN_FLIGHT: usize = 128;
/// Automations remembered beyond this many are looked through for those that nothing refers to.
const MAX_DRAWN: usize = 8192;

impl Engine {
    pub(super) fn send_action(&mut self, edit: &Edit, seq: u64, due: Option<f64>, relative: bool) {
        self.send_edit(edit, seq, due, relative, false);
    }

    /// What is done to a slot that was silent waits for the cycle with which it starts.
    pub(super) fn send_start(&mut self, edit: &Edit, seq: u64, due: f64) {
        self.send_edit(edit, seq, Some(due), true, true);
    }

    fn send_edit(&mut self, edit: &Edit, seq: u64, due: Option<f64>, relative: bool, starts: bool) {
        if self.audio.is_none() {
            return;
        }
        if let Some(action) = self.action(edit, seq, due) {
            self.send(ToAudio::Edit(TimedAction { seq, due, relative, starts, moved: None, action }));
            if let Edit::Setting(Setting::Seed(seed)) = edit {
                self.send_tables(*seed, seq, due, relative);
            }
        } else {
            // Nothing to do on the audio thread (hushing what never was).
            self.ledger.actions.remove(&seq);
            self.ledger.sets.remove(&seq);
            self.waiting.edits.retain(|p| p.seq != seq);
        }
    }

    pub(super) fn action(&mut self, edit: &Edit, seq: u64, due: Option<f64>) -> Option<Action> {
        Some(match edit {
            Edit::SetPattern { slot, pattern, from_zero, origin, swing } => {
                let index = self.slot_of(slot)?;
                let program = krach_patterns::compile_swung(pattern, *swing).ok()?;
                let mut bound = slot_pattern(slot, program, self.next_serial(), self.session.settings.seed);
                self.prepare_osc(bound.serial, &bound.program);
                // One that waits for its position is the slot's when audio says that it has acted.
                if self.waiting.edits.iter().all(|p| p.seq != seq) {
                    self.ledger.slot_serials.insert(slot.clone(), bound.serial);
                }
                bound.content = content_of(pattern, *swing, *from_zero);
                bound.origin = if *from_zero { *origin } else { Some(0.0) };
                // Without a time it is in phase at once, and the past has passed anyway.
                bound.from = if due.is_some() { None } else { Some(f64::NEG_INFINITY) };
                Action::Slot { slot: index, pattern: Box::new(bound) }
            }
            // What is unknown now may be there by then.
            Edit::Hush { slot } | Edit::RemoveSlot { slot } if due.is_some() => {
                Action::Hush(self.slot_of(slot)?)
            }
            Edit::Hush { slot } | Edit::RemoveSlot { slot } => Action::Hush(self.ledger.slots.of(slot)?),
            Edit::HushAll => Action::HushAll,
            Edit::Setting(setting) => self.setting_action(setting)?,
            Edit::SetControl { label, value } => {
                // What the label stands for by then is known by the plan that plays then.
                let (control, path) = match due {
                    Some(_) => (Symbol::of(label), false),
                    None => (Symbol::of(&self.session.path_of(label, &self.registry)?), true),
                };
                Action::Set { control, path, value: *value as f32 }
            }
            Edit::Nodes(_) => {
                let (path, value) = self.mute_by(edit)?;
                Action::Set { control: Symbol::of(&path), path: true, value: value as f32 }
            }
            Edit::SetAutomation { id, label, shape, lo, hi, period, one_shot } => {
                let rate = self.context().sample_rate;
                let (secs, bars) = match *period {
                    Period::Secs(secs) => (secs, None),
                    Period::Bars(bars) => (1.0, Some(bars)),
                };
                let automation = Automation {
                    shape: shape.build().ok()?,
                    lo: *lo,
                    hi: *hi,
                    period_frames: (secs * rate).max(1.0),
                    one_shot: *one_shot,
                    start_frame: 0,
                };
                let index = self.automation_of(id)?;
                let serial = self.next_serial();
                let share = automation.shape.end();
                let end = lo * (1.0 - share) + hi * share;
                self.ledger
                    .drawn
                    .insert(serial, SentAutomation { id: id.clone(), label: label.clone(), end, seq });
                self.forget_drawn();
                if due.is_none() {
                    self.ledger.in_effect.insert(id.clone(), serial);
                }
                // By label: it goes where the label leads, in this plan and in those to come.
                let target = Symbol::of(label);
                let content = content_of_automation(edit);
                Action::Automate { index, target, automation: Box::new(automation), serial, bars, content }
            }
            Edit::Fade { label, value, length } => {
                let path = self.session.path_of(label, &self.registry);
                let name = path.as_ref().unwrap_or(label);
                let fading = &self.ledger.fading;
                let index =
                    self.ledger.fades.assign(name, |known| fading.values().any(|(path, _)| path == known));
                // What the label stands for by then is known by the plan that plays then.
                let (control, path) = match (due, &path) {
                    (None, Some(path)) => (Symbol::of(path), true),
                    (None, None) => return None,
                    (Some(_), _) => (Symbol::of(label), false),
                };
                let Some(index) = index else {
                    // More fades than there is room for: at least it arrives.
                    return Some(Action::Set { control, path, value: *value as f32 });
                };
                let name = name.clone();
                let serial = self.next_serial();
                self.ledger.fading.insert(serial, (name, *value));
                let line = Box::new(Automation {
                    shape: Waveform::Ramp,
                    lo: *value,
                    hi: *value,
                    period_frames: 1.0,
                    one_shot: true,
                    start_frame: 0,
                });
                Action::Fade { index, control, path, length: *length, line, serial }
            }
            Edit::MasterLine { gain, moved } => Action::MasterLine { gain: *gain as f32, moved: *moved },
            Edit::TempoLine { bpm, moved } => Action::TempoLine { bpm: *bpm, moved: *moved },
            // It begins, and the parts of it that follow act.
            Edit::Transition { .. } | Edit::EndTransitions(_) => Action::AtTime,
            Edit::ClearAutomation { id } if due.is_some() => Action::ClearAutomation(self.automation_of(id)?),
            Edit::ClearAutomation { id } => {
                let index = self.ledger.automations.of(id)?;
                self.forget_in_effect(id);
                self.free_automation(id);
                Action::ClearAutomation(index)
            }
            Edit::MidiMap { channel, cc, label, lo, hi } => {
                let target = Symbol::of(label);
                Action::Map(ControllerMap { channel: *channel, cc: *cc, target, lo: *lo, hi: *hi })
            }
            Edit::MidiUnmap { channel, cc, label } => {
                let target = label.as_deref().map(Symbol::of);
                Action::Unmap { channel: *channel, cc: *cc, target }
            }
            Edit::RouteNotes { channel, node } => {
                let node = node.as_deref().map(Symbol::of);
                Action::RouteNotes(NoteRoute { channel: *channel, node })
            }
            Edit::Macro { number, to } => {
                let index = number.checked_sub(1)?;
                Action::Macro { index, targets: Box::new(macro_targets(to.as_deref())) }
            }
            Edit::MidiMaps(maps) => Action::Maps(Box::new(maps.iter().map(controller_map).collect())),
            Edit::Scene(SceneEdit::Recall { number, fade }) => {
                Action::Recall { number: *number, fade: *fade }
            }
            Edit::Panic => Action::Panic,
            _ => return None,
        })
    }

    /// What a setting's new value is to the audio thread; `None` where it changes nothing.
    fn setting_action(&self, setting: &Setting) -> Option<Action> {
        Some(match setting {
            setting if !setting.acts() => return None,
            Setting::Bpm(bpm) => Action::Bpm(*bpm),
            Setting::BeatsPerCycle(beats) => Action::BeatsPerCycle(*beats),
            Setting::HostMeter => Action::HostMeter,
            Setting::MidiClock(on) => Action::MidiClock(*on || self.midi_clock_always),
            // Only the control side sends; audio says when.
            Setting::OscTarget(_) => Action::AtTime,
            Setting::ClockSource(source) => Action::Internal(*source == ClockSource::Internal),
            Setting::Start(start) => Action::Start(*start),
            Setting::Programs(programs) => Action::Programs(*programs),
            Setting::FreeRun(on) => Action::FreeRun(*on),
            Setting::Master(gain) => Action::MasterGain(*gain as f32),
            Setting::Limiter(on) => Action::Limiter(*on),
            Setting::Input(input) => Action::Input(input_of(*input)),
            Setting::Crossfade(length) => Action::Crossfade(*length),
            Setting::Seed(seed) => Action::Seed(*seed),
            Setting::Name(_) => return None,
        })
    }

    /// What patterns of chance said last is another thing under another seed.
    fn send_tables(&mut self, seed: u64, seq: u64, due: Option<f64>, relative: bool) {
        let slots: Vec<_> = self.session.slots.iter().filter(|(_, slot)| slot.playing).collect();
        let mut tables = Vec::new();
        for (name, slot) in slots {
            let (Some(index), Some(&serial)) =
                (self.ledger.slots.of(name), self.ledger.slot_serials.get(name))
            else {
                continue;
            };
            let program = krach_patterns::compile_swung(&slot.pattern, slot.swing);
            if let Some(program) = program.ok().filter(|program| program.period().is_none()) {
                let table = slot_pattern(name, program, serial, seed).chase;
                tables.push(Action::Chase { slot: index, serial, table });
            }
        }
        for action in tables {
            self.send(ToAudio::Edit(TimedAction { seq, due, relative, starts: false, moved: None, action }));
        }
    }

    pub(super) fn next_serial(&mut self) -> u64 {
        self.ledger.serial += 1;
        self.ledger.serial
    }

    /// The number of a slot; `None` if all are taken.
    pub(super) fn slot_of(&mut self, name: &str) -> Option<u32> {
        let (session, pending) = (&self.session, &self.waiting.edits);
        let of_scene = |known: &str| session.scenes.iter().any(|(_, s)| s.state.slots.contains_key(known));
        self.ledger.slots.assign(name, |known| {
            session.slots.contains_key(known)
                || of_scene(known)
                || pending.iter().any(|p| match &p.edit {
                    Edit::SetPattern { slot, .. } | Edit::Hush { slot } => slot == known,
                    _ => false,
                })
        })
    }

    fn automation_of(&mut self, id: &str) -> Option<u32> {
        let (session, pending) = (&self.session, &self.waiting.edits);
        let of_scene =
            |known: &str| session.scenes.iter().any(|(_, s)| s.state.automations.contains_key(known));
        self.ledger.automations.assign(id, |known| {
            session.automations.contains_key(known)
                || of_scene(known)
                || pending.iter().any(|p| match &p.edit {
                    Edit::SetAutomation { id, .. } | Edit::ClearAutomation { id } => id == known,
                    _ => false,
                })
        })
    }

    /// The automation of that name is none any more, as far as the session goes.
    pub(super) fn forget_in_effect(&mut self, id: &str) {
        if let Some(serial) = self.ledger.in_effect.remove(id) {
            self.ledger.drawn.remove(&serial);
        }
    }

    /// Forgets automations that nothing refers to any more.
    fn forget_drawn(&mut self) {
        if self.ledger.drawn.len() > MAX_DRAWN {
            let (in_effect, pending) = (&self.ledger.in_effect, &self.waiting.edits);
            self.ledger.drawn.retain(|serial, d| {
                in_effect.get(&d.id) == Some(serial) || pending.iter().any(|p| p.seq == d.seq)
            });
        }
    }

    pub(super) fn send(&mut self, message: ToAudio) {
        let Some(audio) = &mut self.audio else { return };
        audio.backlog.push_back(message);
        audio.push_backlog();
        if audio.backlog.len() > MAX_BACKLOG {
            // The host does not call us: what it will need is the session as it is then.
            self.replace();
        }
    }

    /// Builds and sends the plans that the session and the pending graph edits ask for.
    pub(super) fn flush(&mut self) {
        let can = |a: &mut AudioLink| -> bool {
            let room = a.backlog.is_empty() && a.sent.len() < MAX_IN_FLIGHT;
            !a.poisoned && (a.dirty || a.reschedule) && room
        };
        if !self.audio.as_mut().is_some_and(can) {
            return;
        }
        self.take_types_in();
        let begin = self.fades_to_begin();
        self.send_plans(&begin);
        for (path, edit, from) in begin {
            self.begin_fade(path, edit, from);
        }
    }

    /// Sends plans of the session and of what waits, in which controls whose fades begin behind them are where those set
    /// off.
    fn send_plans(&mut self, begin: &[(String, Edit, Option<f64>)]) {
        let Some(mut audio) = self.audio.take() else { return };
        for sent in audio.sent.iter_mut().filter(|s| s.pending.is_some()) {
            sent.dropped = true;
        }
        audio.backlog.push_back(ToAudio::DropScheduled);
        let on_its_way = audio.sent.iter().rev().find(|s| s.pending.is_none());
        let mut chain = on_its_way.map_or(&audio.base, |s| &s.shadow).clone();
        // Until audio has answered a recall, what it plays is what was before that.
        let (session, resets, removed, seq) = match self.scenes.on_their_way.front() {
            None => (&self.session, &self.ledger.resets, &self.ledger.removed, self.seq),
            Some(asked) => (&asked.before, &asked.resets, &asked.removed, asked.before_it()),
        };
        let mut session = session.clone();
        let mut resets: BTreeMap<String, f64> =
            resets.iter().map(|(path, (value, _))| (path.clone(), *value)).collect();
        for (path, from) in self.before_fades(begin) {
            if let Some(reset) = resets.get_mut(&path) {
                *reset = from.or_else(|| session.default_of(&path, &self.registry)).unwrap_or(*reset);
            }
            match from {
                Some(from) => drop(session.values.insert(path, from)),
                None => drop(session.values.remove(&path)),
            }
        }
        if audio.dirty {
            let base = Arc::clone(&audio.base);
            let removed = removed.keys().cloned().collect();
            let late = self.scenes.late.take();
            let changes = Changes { resets, removed, scene: late.is_some() };
            let fade = late.and_then(|late| late.0);
            let timing = Timing { seq, fade, ..Timing::default() };
            if let Some(shadow) = self.send_plan(&mut audio, &base, &session, &changes, &timing) {
                chain = shadow;
            }
        }
        if self.waiting.edits.iter().any(Pending::is_plan) {
            self.send_scheduled(&mut audio, chain, session);
        }
        // What is not in a plan by now never will be.
        self.plans.prepared.clear();
        (audio.dirty, audio.reschedule) = (false, false);
        audio.push_backlog();
        self.audio = Some(audio);
    }

    /// One plan for each pending graph edit, each building on the one before.
    fn send_scheduled(&mut self, audio: &mut AudioLink, mut chain: Arc<PlanShadow>, mut session: Session) {
        let matters = |e: &Edit| {
            let sets = matches!(e, Edit::SetControl { .. } | Edit::Fade { .. } | Edit::Scene(_));
            touches_graph(e) || sets || matches!(e, Edit::Setting(Setting::Crossfade(_)))
        };
        let pending: Vec<(Timing, Edit)> = sorted(&self.waiting.edits)
            .into_iter()
            .filter(|p| matters(&p.edit) && !p.is_end())
            .map(|p| {
                (Timing { seq: p.seq, due: Some(p.due), relative: p.relative, fade: None }, p.edit.clone())
            })
            .collect();
        for (timed, edit) in pending {
            if !touches_graph(&edit) {
                let _ = session.apply(&edit, &self.registry);
                continue;
            }
            let before = session.values.clone();
            let mut sent = None;
            if session.apply(&edit, &self.registry).is_ok() {
                let changed = |(path, value): &(&String, &f64)| before.get(*path) != Some(*value);
                let resets = session.values.iter().filter(changed).map(|(p, v)| (p.clone(), *v)).collect();
                let changes = Changes { resets, removed: BTreeSet::new(), scene: false };
                sent = self.send_plan(audio, &chain, &session, &changes, &timed);
            }
            match sent {
                Some(shadow) => chain = shadow,
                // When its time comes it is tried, and what is wrong is said.
                None => audio.backlog.push_back(ToAudio::Edit(TimedAction {
                    seq: timed.seq,
                    due: timed.due,
                    relative: timed.relative,
                    starts: false,
                    moved: None,
                    action: Action::AtTime,
                })),
            }
        }
    }

    /// Builds a plan to follow `base` and sends it; a failure is a notice, and what plays goes on.
    fn send_plan(
        &mut self,
        audio: &mut AudioLink,
        base: &PlanShadow,
        session: &Session,
        changes: &Changes,
        timing: &Timing,
    ) -> Option<Arc<PlanShadow>> {
        let Timing { seq, due, relative, fade } = *timing;
        let now = due.is_none();
        match self.build(audio, base, session, changes) {
            Ok((mut plan, shadow)) => {
                (plan.seq, plan.due, plan.relative, plan.fade) = (seq, due, relative, fade);
                if now {
                    plan.scenes = self.prepare_scenes(audio, &shadow);
                }
                let (shadow, pending) = (Arc::new(shadow), due.map(|_| seq));
                audio.sent.push(SentPlan { shadow: shadow.clone(), seq, pending, dropped: false });
                audio.backlog.push_back(ToAudio::Plan(Box::new(plan)));
                Some(shadow)
            }
            Err(error) => {
                self.told.notices.push(Notice::EditFailed { seq, message: error.to_string() });
                if now {
                    self.ledger.graphs.retain(|s| *s > seq);
                }
                None
            }
        }
    }

    pub(super) fn build(
        &mut self,
        audio: &AudioLink,
        base: &PlanShadow,
        session: &Session,
        changes: &Changes,
    ) -> Result<(Plan, PlanShadow), PlanError> {
        self.plans.generation += 1;
        let context =
            CreateContext { sample_rate: audio.sample_rate, max_frames: chunk_of(audio.max_frames) };
        let (mut plan, shadow) = planner::build(
            base,
            self.plans.generation,
            planner::Request {
                graph: &session.graph,
                values: &session.values,
                resets: &changes.resets,
                removed: &changes.removed,
                registry: &self.registry,
                context,
                prepared: &mut self.plans.prepared,
                stock: None,
                scene: changes.scene,
                next_uid: &mut self.plans.next_uid,
                crossfade: session.settings.crossfade,
                frames: chunk_of(audio.max_frames),
            },
        )?;
        self.plans.meters.assign(&mut plan);
        Ok((plan, shadow))
    }
}

/// What plans are made with.
#[derive(Default)]
pub(super) struct Planning {
    /// Number of the newest plan.
    pub generation: u64,
    /// Source of uids of nodes.
    pub next_uid: u64,
    pub meters: MeterBook,
    /// Instances that were created ahead.
    pub prepared: HashMap<InstanceKey, Box<dyn Node>>,
}

/// What a new plan must know beyond graph and values.
#[derive(Default)]
pub(super) struct Changes {
    /// Base values that are set anew although the control lives on.
    pub resets: BTreeMap<String, f64>,
    /// Nodes that were removed since the base.
    pub removed: BTreeSet<String>,
    /// It is a scene: what it brings comes in as what it replaces goes out.
    pub scene: bool,
}

/// When a plan is for.
#[derive(Default)]
struct Timing {
    /// The last edit in it.
    seq: u64,
    /// Position in cycles; `None`: now.
    due: Option<f64>,
    relative: bool,
    /// Length of the crossfade, if it is not the session's.
    fade: Option<Crossfade>,
}

/// A number that equal automations of one id have in common.
pub(super) fn content_of_automation(edit: &Edit) -> u64 {
    let Edit::SetAutomation { label, shape, lo, hi, period, one_shot, .. } = edit else { return 0 };
    let text = serde_json::to_vec(&(label, shape, lo, hi, period, one_shot)).unwrap_or_default();
    let [a, b, c, d, e, f, g, h, ..] = *blake3::hash(&text).as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h]) | 1
}

/// A mapping as audio knows it.
pub(super) fn controller_map(m: &MidiMapState) -> ControllerMap {
    ControllerMap { channel: m.channel, cc: m.cc, target: Symbol::of(&m.label), lo: m.lo, hi: m.hi }
}

/// What the plugin's input becomes for `adc_input` nodes.
pub(super) fn input_of(input: Option<InputState>) -> InputRoute {
    let Some(input) = input else { return InputRoute::default() };
    input.channel.map_or(InputRoute::Stereo, InputRoute::Channel)
}
