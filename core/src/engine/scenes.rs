//! Scenes on their way: each is prepared, whole, against the plan that plays, and what a recall has done becomes session.

use super::send::content_of_automation;
use super::targets::slot_pattern;
use super::{Audio, Engine};
use crate::edit::{At, Edit, EditError, SceneEdit, SceneState, SceneTransport};
use crate::graph::IndexedGraph;
use crate::limits::NONE;
use crate::model::Values;
use crate::node::{CreateContext, RegistryState};
use crate::notice::Notice;
use crate::plan::ScenePlan;
use crate::planner::{self, Shape, Stock};
use crate::processor::{
    Action, Recall, SceneAutomation, SceneParts, SceneSlot, TimedAction, ToAudio, chunk_of,
};
use crate::session::{Session, Touch};
use crate::slot::content_of;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

/// Most nodes, faders and sends of scenes that are prepared with a plan: each costs the control thread some microseconds
/// whenever the graph changes. Scenes beyond them begin when they are ready.
const MAX_PREPARED: usize = 4096;

/// What is known of scenes on the audio thread.
#[derive(Default)]
pub(super) struct SceneBook {
    stock: Stock,
    /// Plans of scenes that audio may have, by their number.
    plans: BTreeMap<u64, Prepared>,
    /// Parts that audio has, by scene.
    parts: BTreeMap<u8, Parts>,
    /// Graphs of scenes, by scene.
    lowered: BTreeMap<u8, Lowered>,
    next_parts: u64,
    /// Scenes by use, the latest first.
    recent: Vec<u8>,
    /// Scenes that are prepared against the plan that was sent last.
    ready: BTreeSet<u8>,
    /// Edits that audio has not answered: after a recall they hold for what was recalled.
    pub unanswered: BTreeMap<u64, Edit>,
}

/// A plan that makes the graph of a scene of its base.
struct Prepared {
    base: u64,
    shape: Arc<Shape>,
    /// Numbers in the pool of the voices that it takes.
    pool: Vec<u32>,
}

/// Parts as they were sent.
struct Parts {
    id: u64,
    state: Arc<SceneState>,
    /// Slots by name: index and number of the pattern.
    slots: BTreeMap<String, (u32, u64)>,
    /// Automations by id.
    automations: BTreeMap<String, u64>,
}

/// The graph of a scene.
struct Lowered {
    state: Arc<SceneState>,
    registry: RegistryState,
    graph: Arc<IndexedGraph>,
    values: Values,
    /// All controls with the values that the scene gives them.
    resets: BTreeMap<String, f64>,
}

impl SceneBook {
    /// Audio has nothing any more: its engine is another.
    pub fn forget(&mut self) {
        self.stock = Stock::default();
        self.plans.clear();
        self.parts.clear();
        self.ready.clear();
        self.unanswered.clear();
    }

    /// The plan of that number plays: scenes that were prepared against those before it are of no use.
    pub fn adopted(&mut self, generation: u64) {
        self.plans.retain(|_, prepared| prepared.base >= generation);
    }

    fn used(&mut self, number: u8) {
        self.recent.retain(|other| *other != number);
        self.recent.insert(0, number);
    }
}

impl Engine {
    /// Is the scene ready to be recalled on the sample?
    pub fn scene_is_ready(&self, number: u8) -> bool {
        self.scenes.ready.contains(&number)
    }

    /// The scenes that there are have changed, or what they are made of.
    pub(super) fn scenes_changed(&mut self) {
        let numbers = self.session.scenes.iter().map(|(number, _)| number);
        self.link.publish_scenes(numbers);
        if let Some(audio) = &mut self.audio {
            audio.dirty = true;
        }
    }

    /// Plans of the scenes against `base`, which is about to be sent; what else they need is sent ahead of it.
    pub(super) fn prepare_scenes(&mut self, audio: &mut Audio, base: &Shape) -> Vec<ScenePlan> {
        let scenes = Arc::clone(&self.session.scenes);
        self.scenes.ready.clear();
        let known = |number: &u8| scenes.get(*number).is_some();
        self.scenes.recent.retain(known);
        self.scenes.parts.retain(|number, _| scenes.get(*number).is_some());
        self.scenes.lowered.retain(|number, _| scenes.get(*number).is_some());
        if scenes.is_empty() && self.scenes.stock.is_empty() {
            return Vec::new();
        }
        let rest = scenes.iter().map(|(number, _)| number).filter(|n| !self.scenes.recent.contains(n));
        let order: Vec<u8> = self.scenes.recent.iter().copied().chain(rest).collect();
        self.scenes.stock.begin_round();
        let mut plans = Vec::with_capacity(order.len());
        let mut nodes = 0;
        for number in order {
            let Some(scene) = scenes.get(number) else { continue };
            if self.lower_scene(number, &scene.state).is_err() {
                continue;
            }
            nodes += self.scenes.lowered.get(&number).map_or(0, |lowered| lowered.graph.amounts().nodes);
            if nodes > MAX_PREPARED {
                break;
            }
            let Some(plan) = self.plan_scene(audio, base, number) else { continue };
            let Some(parts) = self.parts_of(audio, number, &scene.state) else { continue };
            self.scenes.ready.insert(number);
            plans.push(ScenePlan { number, parts, plan });
        }
        let idle = audio.sent.is_empty();
        let voices = self.scenes.stock.changes(idle);
        if !voices.is_empty() {
            audio.backlog.push_back(ToAudio::Voices(voices));
        }
        plans
    }

    /// Sees to it that the graph of a scene is known.
    fn lower_scene(&mut self, number: u8, state: &Arc<SceneState>) -> Result<(), EditError> {
        let registry = self.registry.state();
        let known = self.scenes.lowered.get(&number);
        if known.is_some_and(|known| Arc::ptr_eq(&known.state, state) && known.registry == registry) {
            return Ok(());
        }
        self.scenes.lowered.remove(&number);
        let mut after = self.session.clone();
        after.recall(number, state, &self.registry)?;
        let resets = all_values(&after, &self.registry);
        let (graph, values) = (Arc::clone(&after.graph), after.values.clone());
        let lowered = Lowered { state: Arc::clone(state), registry, graph, values, resets };
        self.scenes.lowered.insert(number, lowered);
        Ok(())
    }

    fn plan_scene(&mut self, audio: &Audio, base: &Shape, number: u8) -> Option<Box<crate::plan::Plan>> {
        let lowered = self.scenes.lowered.get(&number)?;
        self.generation += 1;
        let context =
            CreateContext { sample_rate: audio.sample_rate, max_frames: chunk_of(audio.max_frames) };
        let request = planner::Request {
            graph: &lowered.graph,
            values: &lowered.values,
            resets: &lowered.resets,
            removed: &BTreeSet::new(),
            registry: &self.registry,
            context,
            spare: &mut HashMap::new(),
            stock: Some(&mut self.scenes.stock),
            next_uid: &mut self.next_uid,
            crossfade: self.session.settings.crossfade,
            frames: chunk_of(audio.max_frames),
        };
        // What refuses now is said when the scene is recalled: then it is an edit like any other.
        let built = planner::build(base, self.generation, request);
        self.next_uid = self.next_uid.max(self.scenes.stock.last_uid());
        let (mut plan, shape) = built.ok()?;
        for node in &mut plan.nodes {
            node.meter = self.meters.of(node.uid).unwrap_or(NONE);
        }
        let pool = plan.nodes.iter().map(|node| node.pool).filter(|pool| *pool != NONE).collect();
        let prepared = Prepared { base: base.generation, shape: Arc::new(shape), pool };
        self.scenes.plans.insert(self.generation, prepared);
        Some(Box::new(plan))
    }

    /// The number of the scene's parts; they are sent if audio does not have them. `None`: there is no room for them.
    fn parts_of(&mut self, audio: &mut Audio, number: u8, state: &Arc<SceneState>) -> Option<u64> {
        let known = self.scenes.parts.get(&number).filter(|known| Arc::ptr_eq(&known.state, state));
        if let Some(known) = known {
            return Some(known.id);
        }
        let (mut slots, mut names) = (Vec::new(), BTreeMap::new());
        for (name, slot) in state.slots.iter().filter(|(_, slot)| slot.playing) {
            let index = self.slot_of(name)?;
            let program = krach_patterns::compile_swung(&slot.pattern, slot.swing).ok()?;
            let serial = self.next_serial();
            let mut voice = slot_pattern(name, program, serial, self.session.settings.seed);
            self.prepare_osc(serial, &voice.program);
            voice.content = content_of(&slot.pattern, slot.swing, slot.from_zero);
            voice.origin = if slot.from_zero { slot.origin } else { Some(0.0) };
            names.insert(name.clone(), (index, serial));
            slots.push(SceneSlot { slot: index, content: voice.content, voice: Some(Box::new(voice)) });
        }
        let (mut automations, mut ids) = (Vec::new(), BTreeMap::new());
        for (id, automation) in &state.automations {
            let edit = Edit::from((id.as_str(), automation));
            // It has a time, which is not known: only then it is in effect.
            let Some(Action::Automate { index, target, automation, serial, bars, .. }) =
                self.action(&edit, 0, Some(f64::INFINITY))
            else {
                return None;
            };
            let content = content_of_automation(&edit);
            ids.insert(id.clone(), serial);
            let automation = Some(automation);
            automations.push(SceneAutomation {
                index,
                content,
                target,
                serial,
                bars,
                automation,
                kept: false,
            });
        }
        let transport = match state.transport {
            None => [None, None],
            Some(SceneTransport { bpm, host_meter: true, .. }) => {
                [Some(Action::Bpm(bpm)), Some(Action::HostMeter)]
            }
            Some(SceneTransport { bpm, beats_per_cycle, .. }) => {
                [Some(Action::Bpm(bpm)), Some(Action::BeatsPerCycle(beats_per_cycle))]
            }
        };
        self.scenes.next_parts += 1;
        let id = self.scenes.next_parts;
        let parts = SceneParts::new((number, id), slots, automations, state.master as f32, transport);
        audio.backlog.push_back(ToAudio::Scene(Box::new(parts)));
        let known = Parts { id, state: Arc::clone(state), slots: names, automations: ids };
        self.scenes.parts.insert(number, known);
        Some(id)
    }

    /// Does a scene use that type?
    pub(super) fn scenes_use(&self, type_id: &str) -> bool {
        self.session.scenes.iter().any(|(_, scene)| scene.types.contains_key(type_id))
    }

    /// Remembers an edit that audio has not answered, in case it recalls a scene before it gets to it.
    pub(super) fn remember_unanswered(&mut self, seq: u64, edit: &Edit) {
        if !self.session.scenes.is_empty() {
            self.scenes.unanswered.insert(seq, edit.clone());
        }
    }

    /// Forgets edits that audio has answered.
    pub(super) fn forget_answered(&mut self) {
        if !self.scenes.unanswered.is_empty() {
            let (actions, graphs) = (&self.actions, &self.graphs);
            self.scenes.unanswered.retain(|seq, _| actions.contains(seq) || graphs.contains(seq));
        }
    }

    /// Audio has recalled a scene: the session is that now, and what was asked for after it holds for that.
    pub(super) fn recalled(&mut self, recall: Recall, generation: u64, mut parts: Box<SceneParts>) {
        let (old, garbage) = parts.take_old();
        drop(old);
        garbage.iter().for_each(|garbage| self.forget_osc_of(Some(garbage)));
        drop(garbage);
        let number = recall.number;
        let pending = self.pending.iter().position(|p| p.seq == recall.seq && recall.seq != 0);
        pending.map(|at| self.pending.remove(at));
        let (Some(prepared), Some(known)) =
            (self.scenes.plans.remove(&generation), self.scenes.parts.remove(&number))
        else {
            return; // of an engine that was replaced
        };
        self.scenes.stock.taken(|number| prepared.pool.contains(&number));
        self.scenes.used(number);
        self.base_is(prepared.shape);
        self.resets.clear();
        self.removed.clear();
        let now = Instant::now();
        let before = self.begin_recall_step(now);
        let graph = Arc::clone(&self.session.graph);
        if let Err(error) = self.session.recall(number, &known.state, &self.registry) {
            self.notices.push(Notice::EditFailed { seq: recall.seq, message: error.to_string() });
        }
        self.tell_graph_since(&graph);
        self.take_parts_over(&known, &parts);
        self.apply_again();
        self.end_recall_step(number, before, now);
        self.tell_recalled(number, recall.seq, false);
        if let Some(audio) = &mut self.audio {
            (audio.dirty, audio.reschedule) = (true, true);
        }
    }

    /// Slots and automations that audio has now are those of the scene.
    fn take_parts_over(&mut self, known: &Parts, parts: &SceneParts) {
        let begun: BTreeSet<u32> = parts.begun().collect();
        self.slot_serials.retain(|name, _| known.slots.contains_key(name));
        for (name, (index, serial)) in &known.slots {
            if begun.contains(index) {
                self.slot_serials.insert(name.clone(), *serial);
            }
        }
        let gone: Vec<String> =
            self.in_effect.keys().filter(|id| !known.automations.contains_key(*id)).cloned().collect();
        for id in gone {
            self.forget_in_effect(&id);
            self.free_automation(&id);
        }
        for (id, serial) in &known.automations {
            let kept = parts.automations.iter().any(|scene| scene.serial == *serial && scene.kept);
            if !kept {
                self.in_effect.insert(id.clone(), *serial);
            }
        }
        // Fades have ended; what they were on the way to is the scene's to say.
        self.fading.clear();
        self.fades.clear();
        self.started.retain(|slot, _| self.session.slots.contains_key(slot));
    }

    /// Edits that audio gets to after the recall.
    fn apply_again(&mut self) {
        self.forget_answered();
        for (seq, edit) in self.scenes.unanswered.clone() {
            let values = self.session.values.clone();
            let graph = Arc::clone(&self.session.graph);
            if let Err(error) = self.session.apply(&edit, &self.registry) {
                self.notices.push(Notice::EditFailed { seq, message: error.to_string() });
                continue;
            }
            if self.graphs.contains(&seq) {
                self.note_graph_change(&edit, &values, &graph);
            }
        }
    }

    /// A scene was to be recalled, and was not ready: it begins as soon as it can.
    pub(super) fn missed(&mut self, recall: Recall) {
        let at = self.pending.iter().position(|p| p.seq == recall.seq && recall.seq != 0);
        at.map(|at| self.pending.remove(at));
        let number = recall.number;
        self.scenes.used(number);
        let Some(state) = self.session.scenes.get(number).map(|scene| Arc::clone(&scene.state)) else {
            if recall.seq != 0 {
                let message = format!("there is no scene {number}");
                self.notices.push(Notice::EditFailed { seq: recall.seq, message });
            }
            return;
        };
        let now = Instant::now();
        let before = self.begin_recall_step(now);
        let mut target = self.session.clone();
        let outcome = target.recall(number, &state, &self.registry).and_then(|()| {
            let edit = Edit::Batch(self.session.difference(&target));
            self.at_once = true;
            let outcome = self.edit_as(edit, At::AtOnce, super::history::Recorded::No);
            self.at_once = false;
            outcome
        });
        match outcome {
            Ok(_) => {
                self.end_recall_step(number, before, now);
                self.tell_recalled(number, recall.seq, true);
            }
            Err(error) => {
                self.notices.push(Notice::EditFailed { seq: recall.seq, message: error.to_string() });
            }
        }
    }

    /// The session before a recall, if that is a step of its own: recalls without a change between them are one.
    fn begin_recall_step(&mut self, now: Instant) -> Option<Session> {
        if self.session.scene_is_changed() {
            self.history.seal();
        }
        (!self.history.joins(Some(&Touch::Recall), now)).then(|| self.session.clone())
    }

    fn end_recall_step(&mut self, number: u8, before: Option<Session>, now: Instant) {
        let name = self.session.scenes.get(number).map_or_else(String::new, |scene| scene.name.clone());
        self.history.record(format!("recall {name}"), Some(Touch::Recall), before, &self.session, now);
    }

    pub(super) fn tell_recalled(&mut self, number: u8, seq: u64, late: bool) {
        let name = self.session.scenes.get(number).map_or_else(String::new, |scene| scene.name.clone());
        self.notices.push(Notice::Recalled { number, name, seq, late });
    }

    /// The current scene is another without a recall, as after a step back or with the scenes of a file: the host's
    /// parameter stands at its number from now on, so that any other number recalls.
    pub(super) fn send_current_scene(&mut self) {
        if self.hears() {
            let action = Action::CurrentScene(self.session.scenes.current());
            self.send(ToAudio::Edit(TimedAction { seq: 0, due: None, relative: false, action }));
        }
    }

    /// The edit that recalls a scene on the audio thread; before that the session's plans are on their way.
    pub(super) fn send_recall(&mut self, edit: &Edit, seq: u64) {
        if let Edit::Scene(SceneEdit::Recall { number, .. }) = edit
            && !self.scene_is_ready(*number)
        {
            self.scenes.used(*number);
            if let Some(audio) = &mut self.audio {
                audio.dirty = true;
            }
        }
        self.flush();
        self.send_action(edit, seq, None, false);
    }
}

/// All controls of the session's graph with their values.
fn all_values(session: &Session, registry: &crate::node::Registry) -> BTreeMap<String, f64> {
    let mut all = BTreeMap::new();
    for node in &session.graph.nodes {
        let Some(ty) = registry.playing(&node.id, &node.type_id) else { continue };
        for control in &ty.decl().controls {
            let path = format!("{}/{}", node.id, control.name);
            let value = session.values.get(&path).copied().unwrap_or(f64::from(control.default));
            all.insert(path, value);
        }
    }
    all
}
