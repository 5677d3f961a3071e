//! The host's parameters: the one way by which they reach the engine, each at its frame.
//!
//! A format hands the changes of a block over in [`Block::params`](super::Block::params), in the host's range 0…1. What each
//! parameter stands at holds until its next change, across blocks, loads and rebuilds.
//!
//! | parameter | what it does at its frame | where |
//! |---|---|---|
//! | master | the fader begins to move | `output` |
//! | free run | the clock changes hands before the host's transport is read | `Renderer::run` |
//! | panic | gates shut, tails cut, between two frames | `Renderer::act_on_params` |
//! | macros | controls get base values, and modulation on top | `macros` |
//! | scene | where its number changes, that scene is recalled | `Renderer::act_on_scene` |
//!
//! Master and macros do not cut the stretch that is rendered; scene, free run and panic end the one before their frame, so
//! that they act between two frames whatever the blocks are. What macros move asks [`Params::moves`] for the changes of
//! a stretch, as the fader does.

use super::Returns;
use super::renderer::Renderer;
use super::scene::Recall;
use super::schedule::Moment;
use crate::clock::{Mode, Segment};
use crate::limits::{MACROS, MASTER_MAX_DB, MASTER_MIN_DB, SCENES};

/// Changes kept of one block; of more, the last value of a parameter counts at the last frame kept.
pub const MAX_PARAM_EVENTS: usize = 1024;

/// A parameter of the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamId {
    /// A macro, counted from 0.
    Macro(u8),
    /// The master fader, in decibels from bottom to top: see [`master_gain`].
    Master,
    /// The scene to play: 128 steps.
    Scene,
    /// Above one half an own clock runs while the host is stopped; it adds to the session's setting.
    FreeRun,
    /// Gates shut and tails cut at this frame if the value is above one half. It has no state.
    Panic,
}

impl ParamId {
    /// How many there are.
    pub const COUNT: usize = MACROS + 4;

    /// All of them, by index.
    pub fn all() -> impl Iterator<Item = Self> {
        let macros = (0..MACROS).map(|index| Self::Macro(index as u8));
        macros.chain([Self::Master, Self::Scene, Self::FreeRun, Self::Panic])
    }

    /// Its place in tables of all parameters. A macro that is none is the last one.
    pub fn index(self) -> usize {
        match self {
            Self::Macro(index) => usize::from(index).min(MACROS - 1),
            Self::Master => MACROS,
            Self::Scene => MACROS + 1,
            Self::FreeRun => MACROS + 2,
            Self::Panic => MACROS + 3,
        }
    }

    /// It ends the stretch before its frame.
    fn cuts(self) -> bool {
        matches!(self, Self::FreeRun | Self::Panic | Self::Scene)
    }
}

/// A parameter stands somewhere else from a frame of the block on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParamEvent {
    /// Frame within the block.
    pub offset: u32,
    /// The parameter.
    pub param: ParamId,
    /// Its value, 0…1 over its range.
    pub value: f32,
    /// The host's modulation, in the same unit: added to the value, and part of no state that is saved.
    pub modulation: f32,
}

/// What a parameter stands at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParamState {
    /// Its value, 0…1 over its range.
    pub value: f32,
    /// The host's modulation, in the same unit.
    pub modulation: f32,
    /// The sample, counted since the engine began, from which it stands there.
    pub since: i64,
}

impl ParamState {
    /// Where parameters stand by themselves.
    fn initial(param: ParamId) -> Self {
        let value = if param == ParamId::Master { UNITY } else { 0.0 };
        Self { value, modulation: 0.0, since: 0 }
    }

    /// Value and modulation, within the range.
    pub fn sum(&self) -> f32 {
        let sum = self.value + self.modulation;
        if sum.is_finite() { sum.clamp(0.0, 1.0) } else { 0.0 }
    }

    fn is_on(&self) -> bool {
        self.sum() > 0.5
    }
}

/// The master's place of 0 dB. Exact in `f32`: the range is a power of two's multiple of it.
const UNITY: f32 = -MASTER_MIN_DB / (MASTER_MAX_DB - MASTER_MIN_DB);

/// Linear gain of the master at a place 0…1 of its range, which is even in decibels: 0 at the bottom, exactly 1
/// within 0.001 dB of 0 dB, so that a host which stores the default less exactly does not change the sound.
pub fn master_gain(place: f32) -> f32 {
    let db = place.clamp(0.0, 1.0) * (MASTER_MAX_DB - MASTER_MIN_DB) + MASTER_MIN_DB;
    if db <= MASTER_MIN_DB {
        0.0
    } else if db.abs() < 1e-3 || db.is_nan() {
        1.0
    } else {
        10f32.powf(db / 20.0)
    }
}

/// What the parameters stand at, and their changes of the present block.
pub(super) struct Params {
    /// By sample since the engine began.
    events: Vec<(i64, ParamEvent)>,
    /// Events before this one are part of the states.
    passed: usize,
    /// Panics before this one have acted.
    acted: usize,
    /// Scenes before this one have been recalled.
    recalled: usize,
    /// The scene that was recalled last, by whomever: its number again recalls nothing.
    scene: u8,
    /// A scene that was asked for while nothing played: it is recalled with the next block that plays.
    held: Option<u8>,
    states: [ParamState; ParamId::COUNT],
}

impl Params {
    pub fn new() -> Self {
        let mut states = [ParamState::initial(ParamId::Panic); ParamId::COUNT];
        states[ParamId::Master.index()] = ParamState::initial(ParamId::Master);
        Self {
            events: Vec::with_capacity(MAX_PARAM_EVENTS),
            passed: 0,
            acted: 0,
            recalled: 0,
            scene: 0,
            held: None,
            states,
        }
    }

    /// Takes the changes of the block of `frames` that begins at sample `begin`, sorted by offset.
    pub fn begin_block(&mut self, begin: i64, frames: usize, events: &[ParamEvent]) {
        self.pass(i64::MAX);
        self.events.clear();
        (self.passed, self.acted, self.recalled) = (0, 0, 0);
        let last = frames.saturating_sub(1) as i64;
        if let Some(number) = self.held.take() {
            self.scene = 0;
            self.insert_scene(begin, number);
        }
        for event in events {
            let at = begin + i64::from(event.offset).min(last);
            if self.events.len() < self.events.capacity() {
                self.events.push((at, *event));
            } else if let Some(kept) = self.events.iter_mut().rfind(|(_, kept)| kept.param == event.param) {
                kept.1 = *event;
            }
        }
    }

    /// All of the block has happened, whether or not it was rendered.
    pub fn end_block(&mut self) {
        self.pass(i64::MAX);
    }

    /// Nothing of the block is rendered: of the scenes that it recalls the last waits for a block that is.
    pub fn hold_scene(&mut self) {
        self.held = self.take_scene(i64::MAX).or(self.held);
    }

    /// The parameter stands there at once. A scene is not recalled by that.
    pub fn settle(&mut self, param: ParamId, value: f32, modulation: f32, since: i64) {
        self.states[param.index()] = ParamState { value, modulation, since };
    }

    /// They stand where those of another engine do.
    pub fn take_over(&mut self, old: &Self) {
        self.states = old.states.map(|state| ParamState { since: 0, ..state });
        (self.scene, self.held) = (old.scene, old.held);
    }

    /// Where a parameter stands before the changes that are still to come.
    pub fn state(&self, param: ParamId) -> ParamState {
        self.states[param.index()]
    }

    /// The changes of `[at, until)`, in order. Nothing before `at` is left.
    pub fn moves(&self, until: i64) -> impl Iterator<Item = (ParamId, ParamState)> + Clone {
        let rest = self.events[self.passed..].iter().take_while(move |(sample, _)| *sample < until);
        rest.map(|&(since, event)| {
            let ParamEvent { param, value, modulation, .. } = event;
            (param, ParamState { value, modulation, since })
        })
    }

    /// What lies before sample `until` has happened.
    pub fn pass(&mut self, until: i64) {
        while let Some(&(since, event)) = self.events.get(self.passed).filter(|(sample, _)| *sample < until) {
            self.passed += 1;
            if event.param != ParamId::Panic {
                self.settle(event.param, event.value, event.modulation, since);
            }
        }
    }

    /// The host's free run at sample `at`, of which all before has passed.
    pub fn free_run(&self, at: i64) -> bool {
        let due = self.moves(at.saturating_add(1)).filter(|(param, _)| *param == ParamId::FreeRun);
        due.last().map_or(self.state(ParamId::FreeRun), |(_, state)| state).is_on()
    }

    /// Is a panic due at sample `at`? Each counts once.
    fn take_panic(&mut self, at: i64) -> bool {
        while let Some(&(sample, event)) = self.events.get(self.acted).filter(|(sample, _)| *sample <= at) {
            self.acted += 1;
            let ParamEvent { value, modulation, .. } = event;
            if event.param == ParamId::Panic && (ParamState { value, modulation, since: sample }).is_on() {
                return true;
            }
        }
        false
    }

    /// The scene's parameter comes to that number at a sample of the block.
    fn insert_scene(&mut self, sample: i64, number: u8) {
        let value = place_of_scene(number);
        let event = ParamEvent { offset: 0, param: ParamId::Scene, value, modulation: 0.0 };
        if self.events.len() < self.events.capacity() {
            let at = self.events.partition_point(|(other, _)| *other <= sample);
            self.events.insert(at, (sample, event));
        }
    }

    /// The scene that is due at sample `at`, if its number is another than that of the last.
    fn take_scene(&mut self, at: i64) -> Option<u8> {
        let mut due = None;
        while let Some(&(_, event)) = self.events.get(self.recalled).filter(|(sample, _)| *sample <= at) {
            self.recalled += 1;
            if event.param == ParamId::Scene {
                due = Some(scene_of(event));
            }
        }
        due.filter(|number| *number != self.scene).inspect(|number| self.scene = *number)
    }

    /// That scene was recalled.
    pub fn set_scene(&mut self, number: u8) {
        self.scene = number;
    }

    /// The scene that was recalled last.
    pub fn scene(&self) -> u8 {
        self.scene
    }

    /// The scene that will be recalled at sample `at`.
    pub fn scene_due(&self, at: i64) -> Option<u8> {
        let rest = self.events.get(self.recalled..)?.iter();
        let due =
            rest.take_while(|(sample, _)| *sample <= at).filter(|(_, e)| e.param == ParamId::Scene).last();
        due.map(|(_, event)| scene_of(*event)).filter(|number| *number != 0 && *number != self.scene)
    }

    /// The first sample after `at` on which the scene's parameter changes.
    pub fn next_scene_after(&self, at: i64) -> Option<i64> {
        let mut rest = self.events.iter();
        rest.find(|(sample, event)| *sample > at && event.param == ParamId::Scene).map(|(sample, _)| *sample)
    }

    /// The first sample after `at` on which a change cuts the stretch.
    fn next_cut(&self, at: i64) -> Option<i64> {
        let mut rest = self.events[self.passed..].iter();
        rest.find(|(sample, event)| *sample > at && event.param.cuts()).map(|(sample, _)| *sample)
    }
}

/// The number of a scene that the parameter stands at.
fn scene_of(event: ParamEvent) -> u8 {
    let ParamEvent { value, modulation, .. } = event;
    scene_at((ParamState { value, modulation, since: 0 }).sum())
}

/// The number of a scene at a place 0…1 of its parameter.
pub fn scene_at(place: f32) -> u8 {
    (place.clamp(0.0, 1.0) * (SCENES - 1) as f32).round() as u8
}

/// The place of a scene's number on its parameter, 0…1.
pub fn place_of_scene(number: u8) -> f32 {
    f32::from(number) / (SCENES - 1) as f32
}

impl Renderer {
    /// A parameter stands there at once, and nothing moves.
    pub(super) fn settle_param(&mut self, param: ParamId, value: f32, modulation: f32) {
        let before = self.params.state(param);
        self.params.settle(param, value, modulation, self.timeline.clock.now());
        if param == ParamId::Scene {
            self.params.set_scene(scene_at(self.params.state(param).sum()));
        }
        if param == ParamId::Master {
            self.output.settle_fader(master_gain(self.params.state(param).sum()));
        }
        if matches!(param, ParamId::Macro(_)) && before.modulation != modulation {
            self.place_modulation();
        }
    }

    /// Parameters stand, and the fader moves on, where those of another engine do.
    pub(super) fn inherit_params(&mut self, old: &Self) {
        self.params.take_over(&old.params);
        self.output.take_over(&old.output);
        self.place_modulation();
    }

    /// A program change of a MIDI channel is a scene's number, if the session takes it.
    pub(super) fn hear_program(&mut self, sample: i64, channel: u8, program: u8) {
        // Program 127 would be the scene 128, which the parameter does not have.
        if self.programs.takes(channel) && usize::from(program) + 1 < SCENES {
            self.params.insert_scene(sample, program + 1);
        }
    }

    /// Recalls the scene that the host's parameter has come to at sample `at`. `true`: time itself changed.
    pub(super) fn act_on_scene(&mut self, at: i64, segment: &Segment, returns: &mut Returns) -> bool {
        let Some(number) = self.params.take_scene(at).filter(|number| *number != 0 && !self.retired) else {
            return false;
        };
        let running = segment.mode != Mode::Stopped;
        let beats = if running { segment.epoch.beats_at(at) } else { segment.epoch.beats };
        let position = self.timeline.meter.count_at(beats);
        let moment = Moment { at, position, running, epoch: &segment.epoch };
        let heard = self.scheduled.newest();
        self.recall(Recall { number, seq: 0, fade: None, late: false, heard }, moment, returns)
            || returns.must_wait()
    }

    /// Does what the host's parameters ask at sample `at`; returns where the stretch from there on ends, at
    /// most at `until`.
    pub(super) fn act_on_params(&mut self, at: i64, until: i64) -> i64 {
        while self.params.take_panic(at) {
            self.panic(at);
        }
        self.params.next_cut(at).map_or(until, |next| until.min(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(offset: u32, param: ParamId, value: f32) -> ParamEvent {
        ParamEvent { offset, param, value, modulation: 0.0 }
    }

    #[test]
    fn every_parameter_has_a_place_of_its_own() {
        let places: Vec<usize> = ParamId::all().map(ParamId::index).collect();
        assert_eq!(places, (0..ParamId::COUNT).collect::<Vec<_>>());
    }

    #[test]
    fn the_master_is_transparent_at_0_db_and_silent_at_the_bottom() {
        assert_eq!((UNITY, master_gain(UNITY)), (0.875, 1.0));
        assert_eq!((master_gain(0.0), master_gain(-1.0)), (0.0, 0.0));
        assert!((master_gain(1.0) - 3.981).abs() < 1e-3 && master_gain(9.0) == master_gain(1.0));
        assert!((master_gain(0.875 - 6.0206 / 96.0) - 0.5).abs() < 1e-5, "-6.02 dB is half");
        assert_eq!(master_gain(f32::NAN), 1.0);
    }

    #[test]
    fn of_too_many_changes_the_last_value_counts() {
        let mut params = Params::new();
        let mut flood: Vec<_> = (0..2000).map(|n| event(n, ParamId::Master, 0.5)).collect();
        flood.push(event(2000, ParamId::Master, 0.25));
        let room = params.events.capacity();
        params.begin_block(0, 4096, &flood);
        assert_eq!((params.events.len(), params.events.capacity()), (room, room));
        params.end_block();
        assert_eq!(params.state(ParamId::Master).value, 0.25);
    }

    #[test]
    fn states_change_where_their_changes_have_passed_and_are_never_lost() {
        let mut params = Params::new();
        let third = ParamId::Macro(2);
        params.begin_block(
            100,
            64,
            &[event(5, third, 0.5), event(9, third, 0.75), event(99, ParamId::Scene, 1.0)],
        );
        let at = |params: &Params| (params.state(third).value, params.state(third).since);
        assert_eq!(at(&params), (0.0, 0));
        params.pass(105);
        assert_eq!(at(&params), (0.0, 0));
        params.pass(106);
        assert_eq!(at(&params), (0.5, 105));
        assert_eq!(params.moves(164).map(|(_, state)| state.since).collect::<Vec<_>>(), [109, 163]);
        // The rest of the block was not rendered.
        params.begin_block(164, 64, &[]);
        assert_eq!((at(&params), params.state(ParamId::Scene).value), ((0.75, 109), 1.0));
    }

    #[test]
    fn modulation_is_added_within_the_range() {
        let at = |value, modulation| ParamState { value, modulation, since: 0 }.sum();
        assert_eq!([at(0.5, 0.25), at(0.5, -0.75), at(0.5, 0.75), at(f32::NAN, 0.0)], [0.75, 0.0, 1.0, 0.0]);
    }
}
