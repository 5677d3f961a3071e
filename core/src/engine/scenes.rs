//! Scenes at hand: each is prepared, whole, against the plan that plays.

use super::bind_pattern::slot_pattern;
use super::dispatch::content_of_automation;
use super::recalls::Asked;
use super::{AudioLink, Engine};
use crate::edit::{Edit, EditError, SceneState, SceneTransport};
use crate::graph::IndexedGraph;
use crate::limits::NONE;
use crate::model::{Crossfade, Values};
use crate::node::{CreateContext, RegistryState};
use crate::plan::ScenePlan;
use crate::planner::{self, PlanShadow, Stock};
use crate::processor::{Action, SceneAutomation, SceneParts, SceneSlot, TimedAction, ToAudio, chunk_of};
use crate::session::Session;
use crate::slot::content_of;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// Most nodes, faders and sends of scenes that are prepared with a plan: each costs the control thread some microseconds
/// whenever the graph changes. A scene that is beyond them begins when it is ready.
const MAX_PREPARED: usize = 4096;
/// Most bytes of memory that scenes take to be ready: voices, buffers and plans. A scene that is beyond them begins when
/// it is ready.
const MAX_MEMORY: usize = 512 << 20;

/// What is known of scenes on the audio thread.
#[derive(Default)]
pub(super) struct SceneBook {
    pub(super) stock: Stock,
    /// Most bytes that they take; [`MAX_MEMORY`] without.
    limit: Option<usize>,
    /// Voices wait that no scene needs; they go once audio has all plans that were sent.
    unused: bool,
    /// Plans of scenes that audio may have, by their number.
    pub(super) plans: BTreeMap<u64, Prepared>,
    /// Parts that audio has, by their number.
    pub(super) parts: BTreeMap<u64, Parts>,
    /// Those that were sent last, by scene.
    newest: BTreeMap<u8, u64>,
    /// Graphs of scenes, by scene.
    lowered: BTreeMap<u8, Lowered>,
    next_parts: u64,
    /// Scenes by use, the latest first.
    recent: Vec<u8>,
    /// Scenes that are prepared against the plan that was sent last.
    ready: BTreeSet<u8>,
    /// Edits that audio has not answered: after a recall they hold for what was recalled.
    pub unanswered: BTreeMap<u64, Edit>,
    /// Recalls that were asked for and that audio has not answered, the oldest first.
    pub on_their_way: VecDeque<Asked>,
    /// The next plan brings a scene that was recalled late.
    pub late: Option<Late>,
}

/// A recall that was late, with the length of its crossfade if that is not the session's.
#[derive(Clone, Copy)]
pub(super) struct Late(pub Option<Crossfade>);

/// A plan that makes the graph of a scene of its base.
pub(super) struct Prepared {
    base: u64,
    pub shadow: Arc<PlanShadow>,
    /// Numbers in the pool of the voices that it takes.
    pub pool: Vec<u32>,
}

/// Parts as they were sent.
pub(super) struct Parts {
    pub state: Arc<SceneState>,
    /// The seed under which its patterns look back.
    seed: u64,
    /// Slots by name: index and number of the pattern.
    pub slots: BTreeMap<String, (u32, u64)>,
    /// Automations by id.
    pub automations: BTreeMap<String, u64>,
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
        self.unused = false;
        self.plans.clear();
        self.parts.clear();
        self.newest.clear();
        self.ready.clear();
        self.unanswered.clear();
        self.on_their_way.clear();
        self.late = None;
    }

    /// Audio plays a plan for which no scene is prepared.
    pub fn unprepared(&mut self) {
        self.ready.clear();
    }

    /// Parts of a scene that audio does not have any more.
    pub fn forget_parts(&mut self, id: u64) {
        self.parts.remove(&id);
    }

    /// The plan of that number plays: scenes that were prepared against those before it are of no use.
    pub fn adopted(&mut self, generation: u64) {
        self.plans.retain(|_, prepared| prepared.base >= generation);
    }

    /// Is a recall on its way that audio has not answered?
    pub fn is_on_its_way(&self) -> bool {
        !self.on_their_way.is_empty()
    }

    /// A plan that holds all edits up to that number was adopted.
    pub fn planned(&mut self, seq: u64) {
        if let Some(asked) = self.on_their_way.front_mut() {
            asked.resets.retain(|_, (_, other)| *other > seq);
            asked.removed.retain(|_, other| *other > seq);
        }
    }

    pub(super) fn used(&mut self, number: u8) {
        self.recent.retain(|other| *other != number);
        self.recent.insert(0, number);
    }
}

impl Engine {
    /// Is the scene ready to be recalled on the sample?
    pub fn scene_is_ready(&self, number: u8) -> bool {
        self.scenes.ready.contains(&number)
    }

    /// Scenes are prepared in so many bytes of memory from the next change on; without a word, in 512 MB.
    pub fn limit_scenes(&mut self, bytes: usize) {
        self.scenes.limit = Some(bytes);
        self.scenes_changed();
    }

    /// Bytes of memory that scenes which are ready take.
    pub fn scene_memory(&self) -> usize {
        self.scenes.stock.bytes().0
    }

    /// Voices that no scene needs any more can go once audio has all plans that were sent.
    pub(super) fn drop_unused_voices(&mut self) {
        if self.scenes.unused
            && let Some(audio) = &mut self.audio
            && audio.sent.is_empty()
        {
            self.scenes.unused = false;
            audio.dirty = true;
        }
    }

    /// The scenes that there are have changed, or what they are made of.
    pub(super) fn scenes_changed(&mut self) {
        let numbers = self.session.scenes.iter().map(|(number, _)| number);
        self.link.publish_scenes(numbers);
        if let Some(audio) = &mut self.audio {
            audio.dirty = true;
        }
    }

    /// Patterns of scenes look back under the seed.
    pub(super) fn seed_changed(&mut self) {
        if let Some(audio) = self.audio.as_mut().filter(|_| !self.session.scenes.is_empty()) {
            audio.dirty = true;
        }
    }

    /// Plans of the scenes against `base`, which is about to be sent; what else they need is sent ahead of it.
    pub(super) fn prepare_scenes(&mut self, audio: &mut AudioLink, base: &PlanShadow) -> Vec<ScenePlan> {
        // Those that there were when the recall was asked for that audio gets to next.
        let asked = self.scenes.on_their_way.front();
        let scenes = Arc::clone(&asked.map_or(&self.session, |asked| &asked.before).scenes);
        self.scenes.ready.clear();
        let known = |number: &u8| scenes.get(*number).is_some();
        self.scenes.recent.retain(known);
        // Parts of scenes that are no more come back from audio, in exchange for none.
        let gone = self.scenes.newest.keys().copied().filter(|number| scenes.get(*number).is_none());
        for number in gone.collect::<Vec<u8>>() {
            self.scenes.newest.remove(&number);
            let none = SceneParts::new((number, 0), Vec::new(), Vec::new(), 1.0, [None, None]);
            audio.backlog.push_back(ToAudio::Scene(Box::new(none)));
        }
        self.scenes.lowered.retain(|number, _| scenes.get(*number).is_some());
        if scenes.is_empty() && self.scenes.stock.is_empty() {
            return Vec::new();
        }
        let rest = scenes.iter().map(|(number, _)| number).filter(|n| !self.scenes.recent.contains(n));
        let order: Vec<u8> = self.scenes.recent.iter().copied().chain(rest).collect();
        self.scenes.stock.begin_round(self.scenes.limit.unwrap_or(MAX_MEMORY));
        let mut plans = Vec::with_capacity(order.len());
        let mut nodes = 0;
        for number in order {
            let Some(scene) = scenes.get(number) else { continue };
            if self.lower_scene(number, &scene.state).is_err() {
                continue;
            }
            let own = self.scenes.lowered.get(&number).map_or(0, |lowered| lowered.graph.amounts().nodes);
            if nodes + own > MAX_PREPARED {
                continue;
            }
            self.scenes.stock.begin_scene();
            let plan = self.plan_scene(audio, base, number);
            let ready = plan.and_then(|plan| Some((plan, self.parts_of(audio, number, &scene.state)?)));
            let Some((plan, parts)) = ready else {
                // All of it, or nothing: what it would take is for others.
                self.scenes.stock.give_back();
                continue;
            };
            nodes += own;
            self.scenes.ready.insert(number);
            plans.push(ScenePlan { number, parts, plan });
        }
        let idle = audio.sent.is_empty();
        let voices = self.scenes.stock.changes(idle);
        self.scenes.unused = self.scenes.stock.has_unused();
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

    fn plan_scene(
        &mut self,
        audio: &AudioLink,
        base: &PlanShadow,
        number: u8,
    ) -> Option<Box<crate::plan::Plan>> {
        let lowered = self.scenes.lowered.get(&number)?;
        self.plans.generation += 1;
        let context =
            CreateContext { sample_rate: audio.sample_rate, max_frames: chunk_of(audio.max_frames) };
        let request = planner::Request {
            graph: &lowered.graph,
            values: &lowered.values,
            resets: &lowered.resets,
            removed: &BTreeSet::new(),
            registry: &self.registry,
            context,
            prepared: &mut HashMap::new(),
            stock: Some(&mut self.scenes.stock),
            scene: true,
            next_uid: &mut self.plans.next_uid,
            crossfade: self.session.settings.crossfade,
            frames: chunk_of(audio.max_frames),
        };
        // What refuses now is said when the scene is recalled: then it is an edit like any other.
        let built = planner::build(base, self.plans.generation, request);
        self.plans.next_uid = self.plans.next_uid.max(self.scenes.stock.last_uid());
        let (mut plan, shadow) = built.ok()?;
        self.scenes.stock.add(plan.memory()).ok()?;
        for node in &mut plan.nodes {
            node.meter = self.plans.meters.of(node.uid).unwrap_or(NONE);
        }
        let pool = plan.nodes.iter().map(|node| node.pool).filter(|pool| *pool != NONE).collect();
        let prepared = Prepared { base: base.generation, shadow: Arc::new(shadow), pool };
        self.scenes.plans.insert(self.plans.generation, prepared);
        Some(Box::new(plan))
    }

    /// The number of the scene's parts; they are sent if audio does not have them. `None`: there is no room for them.
    fn parts_of(&mut self, audio: &mut AudioLink, number: u8, state: &Arc<SceneState>) -> Option<u64> {
        let seed = self.session.settings.seed;
        let newest = self.scenes.newest.get(&number).copied();
        let known = newest.and_then(|id| self.scenes.parts.get(&id));
        if known.is_some_and(|known| Arc::ptr_eq(&known.state, state) && known.seed == seed) {
            return newest;
        }
        let (mut slots, mut names) = (Vec::new(), BTreeMap::new());
        for (name, slot) in state.slots.iter().filter(|(_, slot)| slot.playing) {
            let index = self.slot_of(name)?;
            let program = krach_patterns::compile_swung(&slot.pattern, slot.swing).ok()?;
            let serial = self.next_serial();
            let mut pattern = slot_pattern(name, program, serial, seed);
            self.prepare_osc(serial, &pattern.program);
            pattern.content = content_of(&slot.pattern, slot.swing, slot.from_zero);
            pattern.origin = if slot.from_zero { slot.origin } else { Some(0.0) };
            names.insert(name.clone(), (index, serial));
            slots.push(SceneSlot { slot: index, content: pattern.content, pattern: Some(Box::new(pattern)) });
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
        let known = Parts { state: Arc::clone(state), seed, slots: names, automations: ids };
        self.scenes.parts.insert(id, known);
        self.scenes.newest.insert(number, id);
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
            let (actions, graphs) = (&self.ledger.actions, &self.ledger.graphs);
            self.scenes.unanswered.retain(|seq, _| actions.contains(seq) || graphs.contains(seq));
        }
    }

    /// The current scene is another without a recall, as after a step back or with the scenes of a file: the host's
    /// parameter stands at its number from now on, so that any other number recalls.
    pub(super) fn send_current_scene(&mut self) {
        if self.is_listening() {
            let action = Action::CurrentScene(self.session.scenes.current());
            self.send(ToAudio::Edit(TimedAction::now(action)));
        }
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
