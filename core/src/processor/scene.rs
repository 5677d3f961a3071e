//! Scenes on the audio thread: each waits, whole, for the sample on which it is recalled.
//!
//! What depends on the graph that plays is a plan, prepared against it (`Plan::scenes`). All else a scene puts in place is
//! its parts: they wait here until they are recalled, whatever plans come and go meanwhile.

use super::control_writes::SlotSet;
use super::renderer::{ActiveAutomation, MAX_FADES, Renderer};
use super::{Returns, schedule::Moment};
use crate::automation::Automation;
use crate::limits::{MAX_AUTOMATIONS, SCENES};
use crate::model::Crossfade;
use crate::plan::{Plan, Pool};
use crate::processor::{Action, FromAudio, Garbage};
use crate::slot::BoundPattern;
use crate::symbol::Symbol;

/// Patterns that wait for the start of their slots and are given back with the recall; more follow it.
const MAX_STARTS: usize = 64;

/// What a scene puts in place beside its graph.
pub struct SceneParts {
    /// The scene's number.
    pub number: u8,
    /// Number of these parts.
    pub id: u64,
    /// Patterns of slots that play.
    pub slots: Vec<SceneSlot>,
    /// Automations.
    pub automations: Vec<SceneAutomation>,
    /// Master gain, linear.
    pub master: f32,
    /// Tempo and meter, if they are part of the scene.
    pub transport: [Option<Action>; 2],
    /// What it replaced, to be freed. With room for all that it may be.
    garbage: Vec<Garbage>,
    /// The plan that played before.
    old: Option<Box<Plan>>,
}

/// The pattern of a slot.
pub struct SceneSlot {
    /// Index of the slot.
    pub slot: u32,
    /// Tells equal patterns from others.
    pub content: u64,
    /// The pattern; it moves into the slot, unless that plays an equal one.
    pub pattern: Option<Box<BoundPattern>>,
}

/// An automation.
pub struct SceneAutomation {
    /// Its index.
    pub index: u32,
    /// Tells equal automations from others.
    pub content: u64,
    /// The control.
    pub target: Symbol,
    /// Its number.
    pub serial: u64,
    /// Bars per period, if it counts bars.
    pub bars: Option<f64>,
    /// The course; it moves into its place, unless an equal one is there.
    pub automation: Option<Box<Automation>>,
    /// An equal one went on.
    pub kept: bool,
}

impl SceneParts {
    /// Parts that have not been recalled.
    pub fn new(
        (number, id): (u8, u64),
        slots: Vec<SceneSlot>,
        automations: Vec<SceneAutomation>,
        master: f32,
        transport: [Option<Action>; 2],
    ) -> Self {
        // A slot gives back one pattern, as does each place of an automation or a fade; and what waited for its start.
        let room = slots.len() + MAX_AUTOMATIONS + MAX_FADES + MAX_STARTS + 8;
        Self {
            number,
            id,
            slots,
            automations,
            master,
            transport,
            garbage: Vec::with_capacity(room),
            old: None,
        }
    }
}

/// Why, and how, a scene is recalled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recall {
    /// The scene, 1 to 127.
    pub number: u8,
    /// The edit that asked for it; 0: the host did.
    pub seq: u64,
    /// Length of the crossfade; that of the session without it.
    pub fade: Option<Crossfade>,
    /// Its time had passed.
    pub late: bool,
    /// Edits up to that number were asked for before it: what of them waits for the start of a slot does not act.
    pub heard: u64,
}

/// The parts of all scenes, and the number of the last recall that found its scene not ready.
pub(super) struct Scenes {
    parts: Vec<Option<Box<SceneParts>>>,
    missed: Option<Recall>,
    pub pool: Pool,
}

impl Scenes {
    pub fn new() -> Self {
        Self { parts: (0..SCENES).map(|_| None).collect(), missed: None, pool: Pool::new() }
    }

    /// Puts parts in place; gives back those that they replace.
    pub fn put(&mut self, mut parts: Box<SceneParts>) -> Option<Box<SceneParts>> {
        match self.parts.get_mut(usize::from(parts.number)) {
            None => Some(parts),
            Some(Some(old)) => {
                std::mem::swap(old, &mut parts);
                Some(parts)
            }
            Some(place) => {
                *place = Some(parts);
                None
            }
        }
    }

    /// What was asked for and not ready, once there is room to tell it.
    pub fn report_missed(&mut self, returns: &mut Returns) {
        if let Some(recall) = self.missed
            && returns.try_send(FromAudio::Missed(recall))
        {
            self.missed = None;
        }
    }

    /// Nobody hears of what was missed. Was anything?
    pub fn forget_missed(&mut self) -> bool {
        self.missed.take().is_some()
    }

    fn part(&self, number: u8) -> Option<&SceneParts> {
        self.parts.get(usize::from(number))?.as_deref()
    }
}

impl Renderer {
    /// Can that scene be recalled on this sample?
    pub(super) fn scene_is_ready(&self, number: u8) -> bool {
        let parts = self.scenes.part(number).map(|parts| parts.id);
        let plan = self.plan.scenes.iter().find(|scene| scene.number == number);
        plan.is_some_and(|scene| {
            Some(scene.parts) == parts
                && scene.plan.base == self.plan.generation
                && scene.plan.has_voices(&self.scenes.pool)
        })
    }

    /// Makes of what plays what the scene holds, on this sample. Where it is not ready, the control side hears of it
    /// and nothing changes. `true`: time itself changed.
    pub(super) fn recall(&mut self, recall: Recall, moment: Moment<'_>, returns: &mut Returns) -> bool {
        let number = recall.number;
        self.params.set_scene(number);
        // Of two the newer counts.
        if !self.scenes.forget_missed() {
            returns.expect_heed();
        }
        if !returns.has_room() {
            self.scenes.missed = Some(recall);
            return false;
        }
        if !self.scene_is_ready(number) {
            returns.send(FromAudio::Missed(recall));
            return false;
        }
        let at = self.plan.scenes.iter().position(|scene| scene.number == number);
        let Some(mut parts) = self.scenes.parts.get_mut(usize::from(number)).and_then(Option::take) else {
            return false;
        };
        let Some(at) = at else { return false };
        let mut plan = self.plan.scenes.swap_remove(at).plan;
        self.end_automations_but(&mut parts, moment.at);
        self.scheduled.cancel_starts(recall.heard, &mut parts.garbage);
        // What controllers and macros have set until now is undone.
        self.forget_moves();
        let kept = self.hush_all_but(&parts);
        plan.seq = self.plan.seq;
        (plan.crossfade, plan.fade) = (self.plan.crossfade, recall.fade);
        let generation = plan.generation;
        parts.old = Some(self.exchange(plan));
        self.master_line = None;
        self.output.set_own_master(parts.master);
        let mut changed = false;
        let changes_time = parts.transport.iter().any(Option::is_some);
        let beats = match moment.running {
            true => moment.epoch.beats_at(moment.at),
            false => moment.epoch.beats,
        };
        for index in 0..parts.transport.len() {
            if let Some(action) = parts.transport[index].take() {
                let (garbage, time) = self.act(action, moment);
                changed |= time;
                parts.garbage.extend(garbage);
            }
        }
        // In cycles of the scene's own meter.
        let position = if changes_time { self.timeline.meter.count_at(beats) } else { moment.position };
        let moment = Moment { position, ..moment };
        for scene in parts.automations.iter_mut().filter(|scene| !scene.kept) {
            if let Some(mut automation) = scene.automation.take() {
                automation.start_frame = moment.at;
                let running = ActiveAutomation::new(automation, scene.target, scene.serial, scene.bars);
                let running = running.with_content(scene.content);
                parts.garbage.extend(self.automate(scene.index, running).map(Garbage::Automation));
            }
        }
        for scene in &mut parts.slots {
            if kept.has(scene.slot) {
                continue;
            }
            if let Some(pattern) = scene.pattern.take() {
                parts.garbage.extend(self.start_slot(scene.slot, pattern, moment).map(Garbage::Slot));
            }
        }
        self.let_hushed_go(moment.at, returns);
        self.hushing = false;
        let position = if moment.running { moment.position } else { f64::NAN };
        returns.send(FromAudio::Recalled { recall, generation, position, parts });
        changed
    }

    /// Ends all fades, and all automations that the scene does not have just so.
    fn end_automations_but(&mut self, parts: &mut SceneParts, at: i64) {
        for index in self.automations_in_use() {
            let Some(running) = self.automations.get(index).and_then(Option::as_ref) else { continue };
            let content = running.content;
            // One that has arrived by now begins anew, told or not.
            let arrived = running.done || running.last().is_some_and(|last| last < at);
            let same = parts.automations.iter_mut().find(|scene| {
                scene.index as usize == index && scene.content == content && content != 0 && !arrived
            });
            match same {
                Some(scene) => scene.kept = true,
                None => {
                    let ended = self.clear_automation(index as u32);
                    parts.garbage.extend(ended.map(Garbage::Automation));
                }
            }
        }
    }

    /// Hushes all slots but those that play what the scene plays there; those are told.
    fn hush_all_but(&mut self, parts: &SceneParts) -> SlotSet {
        let mut kept = SlotSet::NONE;
        for scene in &parts.slots {
            let slot = self.slots.get(scene.slot as usize);
            if slot.is_some_and(|s| s.plays() && scene.content != 0 && s.pattern.content == scene.content) {
                kept.add(scene.slot as usize);
            }
        }
        for index in self.slots.held().filter(|index| !kept.has(*index as u32)) {
            self.hush(index);
        }
        kept
    }
}

impl SceneParts {
    /// The slots whose patterns moved into them.
    pub fn begun(&self) -> impl Iterator<Item = u32> {
        self.slots.iter().filter(|scene| scene.pattern.is_none()).map(|scene| scene.slot)
    }

    /// Numbers of the patterns and automations that were not needed.
    pub fn unused(&self) -> (impl Iterator<Item = u64>, impl Iterator<Item = u64>) {
        let slots =
            self.slots.iter().filter_map(|scene| scene.pattern.as_ref()).map(|pattern| pattern.serial);
        let automations = self.automations.iter().filter(|scene| scene.automation.is_some());
        (slots, automations.map(|scene| scene.serial))
    }

    /// The plan that played before, and all else that is to be freed.
    pub fn take_old(&mut self) -> (Option<Box<Plan>>, Vec<Garbage>) {
        (self.old.take(), std::mem::take(&mut self.garbage))
    }
}
