//! Performances by chance against a model: what a session holds after recalls, edits, macros, loads and steps back, and that
//! it sounds as if it had been loaded, without a click, a note that stays, or a call of the allocator.

use super::support::probes;
use super::support::{Rig, first_difference, hits, play, set};
use super::{add, counting, names, recall, remove, save};
use krach_core::automation::ShapeSpec;
use krach_core::clock::{HostTransport, TransportAt};
use krach_core::edit::{NodeEdit, SceneEdit};
use krach_core::engine::*;
use krach_core::ir::{RouteIr, RouteKind};
use krach_core::model::{Crossfade, Curve, MacroState, MacroTarget, Period, Setting};
use krach_core::node::*;
use krach_core::processor::{HostEvent, HostEventKind, ParamEvent, ParamId, place_of_scene};
use krach_core::session::Session;
use krach_patterns::{Pattern, Value, builders};
use std::any::Any;
use std::sync::Arc;

/// Most that a node's own sound moves in a frame.
const SLOPE: f32 = 1.0 / 480.0;

/// More than all fades together move in a frame, and less than what breaks off.
const CLICK: f32 = 0.006;

/// A constant that never jumps: after a reset it begins at 0, and it goes to its level by [`SLOPE`]. With a gate it goes
/// there while that is open, and to 0 again.
struct SmoothType(NodeDecl, u64);

struct Smooth {
    level: f32,
    gate: bool,
    now: f32,
}

impl NodeType for SmoothType {
    fn decl(&self) -> &NodeDecl {
        &self.0
    }
    fn code_key(&self) -> u64 {
        self.1
    }
    fn create(&self, _: &CreateContext) -> Result<Box<dyn Node>, CreateError> {
        Ok(Box::new(Smooth { level: 0.5, gate: self.0.controls.len() == 1, now: 0.0 }))
    }
}

impl Node for Smooth {
    fn reset(&mut self) {
        self.now = 0.0;
    }
    fn set(&mut self, control: usize, change: Change) {
        match control {
            0 => self.level = change.value,
            _ => self.gate = change.value > 0.0,
        }
    }
    fn render(&mut self, _: &Transport, _: usize, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
        let to = if self.gate { self.level } else { 0.0 };
        for (at, x) in outputs[0].iter_mut().enumerate() {
            self.now += (to - self.now).clamp(-SLOPE, SLOPE);
            *x = self.now + inputs.first().map_or(0.0, |input| input[at]);
        }
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// `smooth` and `smooth_other`, `swell` with a gate, and `pass` with an input.
fn registry() -> Registry {
    let mut registry = probes::registry();
    let level = || Control::continuous("level", 0.0, 1.0, 0.5);
    let types = [
        ("smooth", vec![level()], 0),
        ("smooth_other", vec![level()], 0),
        ("swell", vec![level(), Control::gate("gate")], 0),
        ("pass", vec![level()], 1),
    ];
    for (key, (name, controls, inputs)) in (0xc1_1c4..).zip(types) {
        let decl = NodeDecl {
            type_id: name.into(),
            inputs: (0..inputs).map(|_| Port::mono("in")).collect(),
            outputs: vec![Port::mono("out")],
            controls,
            settings: Vec::new(),
            role: Role::Process,
        };
        registry.add(Arc::new(SmoothType(decl, key)));
    }
    registry
}

/// Numbers by chance.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn of<T: Copy>(&mut self, choice: &[T]) -> T {
        choice[self.roll(choice.len() as u64) as usize]
    }

    fn name(&mut self) -> &'static str {
        self.of(&["a", "b", "c", "g/d"])
    }

    fn value(&mut self) -> f64 {
        self.roll(9) as f64 / 16.0
    }

    /// A control or a fader.
    fn label(&mut self) -> String {
        format!("{}/{}", self.name(), self.of(&["level", "level", "@gain"]))
    }

    fn pattern(&mut self) -> Pattern {
        match self.roll(4) {
            0 | 1 => {
                let steps = (0..1 + self.roll(3)).map(|_| builders::control("level", self.value()));
                builders::cat(steps.collect::<Vec<_>>())
            }
            2 => hits("gate", 1 + self.roll(4) as usize),
            _ => {
                let note = 40 + self.roll(40) as u8;
                let value = Value::Note { channel: 0, note, velocity: 90, dur: 0.25 };
                Pattern::Atom { value, span: None } * (1 + self.roll(4) as usize)
            }
        }
    }

    fn edit(&mut self) -> Edit {
        let name = self.name();
        match self.roll(23) {
            0..=2 => {
                let ty = self.of(&["smooth", "smooth_other", "swell", "swell", "pass"]);
                Edit::Nodes(vec![add(name, ty, self.value())])
            }
            3 => Edit::Nodes(vec![remove(name)]),
            4 => Edit::Nodes(vec![NodeEdit::Mute { name: name.into(), on: self.roll(2) == 0 }]),
            5 => Edit::Nodes(vec![NodeEdit::Solo { name: name.into(), on: self.roll(3) == 0 }]),
            6 | 7 => set(&format!("{name}/level"), self.value()),
            8 | 9 => play(name, self.pattern()),
            10 => Edit::RemoveSlot { slot: name.into() },
            11 => Edit::Setting(Setting::Master(self.value())),
            12 => SceneEdit::Delete { number: 1 + self.roll(4) as u8 }.into(),
            13 | 16 => {
                let number = 1 + self.roll(3) as u8;
                let targets = (0..1 + self.roll(3)).map(|_| {
                    let (lo, hi) = (self.value(), self.value());
                    MacroTarget { label: self.label(), lo, hi, curve: self.of(&[Curve::Auto, Curve::S]) }
                });
                let to = MacroState { targets: targets.collect(), ..MacroState::new(number) };
                Edit::Macro { number, to: (self.roll(4) != 0).then(|| Box::new(to)) }
            }
            14 => {
                let (source, target) = (name.to_owned(), self.name().to_owned());
                let level = self.value();
                let route = RouteIr { source, target, kind: RouteKind::Send, level, ..RouteIr::default() };
                Edit::Nodes(vec![NodeEdit::Connect(route)])
            }
            // In phase with the bars, so that one that is loaded is where one is that plays.
            17 | 18 => Edit::SetAutomation {
                id: name.to_owned(),
                label: format!("{name}/level"),
                shape: if self.roll(2) == 0 { ShapeSpec::Sine } else { ShapeSpec::Tri },
                lo: self.value(),
                hi: self.value(),
                period: Period::Bars(self.of(&[1.0, 2.0])),
                one_shot: false,
            },
            19 => Edit::ClearAutomation { id: name.to_owned() },
            15 => Edit::RouteNotes { channel: None, node: Some(name.to_owned()) },
            _ => {
                let number = 1 + self.roll(4) as u8;
                save(number, &format!("scene {number}"))
            }
        }
    }
}

/// What makes two changes one step of the history.
#[derive(PartialEq)]
enum Touch {
    Control(String),
    Recall,
}

/// What a performance has done.
#[derive(Debug, Default)]
struct Count {
    recalls: usize,
    moves: usize,
    jumps: usize,
    loads: usize,
    steps_back: usize,
    notes: usize,
    compared: usize,
    largest: f32,
}

struct Performance {
    rig: Rig,
    registry: Registry,
    dice: Dice,
    model: Session,
    /// Where the macros stand, as the host has moved them.
    macros: [f32; 3],
    /// The session before and after each step, and how many of them are done.
    steps: Vec<(Session, Session)>,
    done: usize,
    touch: Option<Touch>,
    /// Sessions that were saved, to be loaded later.
    saved: Vec<Vec<u8>>,
    /// The host loops between these quarter notes.
    cycle: Option<(f64, f64)>,
    last: f32,
    count: Count,
}

impl Performance {
    fn new(seed: u64) -> Self {
        let mut rig = Rig::with(registry());
        rig.counter = counting::calls;
        rig.edit(Setting::Limiter(false).into());
        rig.settle();
        let model = rig.engine.session().clone();
        let mut performance = Self {
            rig,
            registry: registry(),
            dice: Dice(seed),
            model,
            macros: [0.0; 3],
            steps: Vec::new(),
            done: 0,
            touch: None,
            saved: Vec::new(),
            cycle: None,
            last: 0.0,
            count: Count::default(),
        };
        performance.engine_load(performance.rig.engine.save());
        performance.begin();
        performance
    }

    /// Two scenes and two macros.
    fn begin(&mut self) {
        let target =
            |label: &str| MacroTarget { label: label.into(), lo: 0.125, hi: 0.5, curve: Curve::Auto };
        let aim = |number, label| {
            let state = MacroState { targets: vec![target(label)], ..MacroState::new(number) };
            Edit::Macro { number, to: Some(Box::new(state)) }
        };
        let edits = [
            Edit::Nodes(vec![add("a", "smooth", 0.5), add("b", "swell", 0.5)]),
            play("b", hits("gate", 4)),
            aim(1, "a/level"),
            aim(2, "b/@gain"),
            save(1, "scene 1"),
            Edit::Nodes(vec![remove("a"), add("c", "smooth_other", 0.25)]),
            save(2, "scene 2"),
        ];
        for edit in edits {
            self.rig.engine.edit(edit.clone(), At::AtOnce).expect("it is right");
            assert!(self.apply(&edit));
        }
        self.rest("the beginning");
    }

    /// A block of the host, in whose sound nothing breaks off.
    fn block(&mut self, frames: usize, what: &str) {
        let transport = HostTransport { loop_range: self.cycle, ..self.rig.transport() };
        let [left, right] = self.rig.block_with(frames, &[TransportAt { offset: 0, transport }]);
        assert_eq!(self.rig.counted, 0, "{what}: calls of the allocator");
        assert_eq!(first_difference(&left, &right), None, "{what}");
        for x in left {
            self.count.largest = self.count.largest.max((x - self.last).abs());
            assert!((x - self.last).abs() < CLICK, "{what}: from {} to {x}", self.last);
            self.last = x;
        }
        if let Some((begin, end)) = self.cycle
            && self.beats() >= end
        {
            self.rig.start_beats -= end - begin;
        }
    }

    fn blocks(&mut self, frames: usize, what: &str) {
        let end = self.rig.rendered + frames as i64;
        while self.rig.rendered < end {
            let size = self.dice.of(&[1, 17, 64, 333, 480, 2_048]);
            self.block(size.min((end - self.rig.rendered) as usize), what);
        }
    }

    /// Blocks until nothing is on its way.
    fn rest(&mut self, what: &str) {
        for _ in 0..2_000 {
            if !self.rig.engine.busy() {
                return;
            }
            self.block(256, what);
        }
        panic!("{what}: the engine does not come to rest");
    }

    fn beats(&self) -> f64 {
        self.rig.transport().beats.expect("it has some")
    }

    fn jump_to(&mut self, beats: f64) {
        self.rig.start_beats += beats - self.beats();
    }

    fn move_param(&mut self, offset: u32, param: ParamId, value: f32, modulation: f32) {
        self.rig.params.push(ParamEvent { offset, param, value, modulation });
    }

    fn midi(&mut self, offset: u32, bytes: [u8; 3]) {
        self.rig.played_in.push(HostEvent { offset, what: HostEventKind::Midi(bytes) });
    }

    /// The model's step from `before` to what it is now.
    fn record(&mut self, touch: Option<Touch>, before: Session) {
        let joins = touch.is_some() && self.touch == touch && self.done == self.steps.len();
        if joins {
            self.steps.last_mut().expect("one that it joins").1 = self.model.clone();
        } else if !before.difference(&self.model).is_empty() || !self.model.difference(&before).is_empty() {
            self.steps.truncate(self.done);
            self.steps.push((before, self.model.clone()));
            (self.done, self.touch) = (self.done + 1, touch);
        }
    }

    /// An edit of the model; was it taken?
    fn apply(&mut self, edit: &Edit) -> bool {
        let recalls = matches!(edit, Edit::Scene(edit) if edit.is_recall());
        let touch = match edit {
            Edit::SetControl { label, .. } => Some(Touch::Control(label.clone())),
            Edit::Setting(Setting::Master(_)) => Some(Touch::Control(String::new())),
            _ => recalls.then_some(Touch::Recall),
        };
        let before = self.model.clone();
        let taken = self.model.apply(edit, &self.registry).is_ok();
        if taken {
            if recalls && before.scene_is_changed() {
                self.touch = None;
            }
            self.record(touch, before);
        }
        taken
    }

    fn edit(&mut self, what: &str) {
        let edit = self.dice.edit();
        // How soon after each other changes of one control are one step is a matter of time.
        let label = match &edit {
            Edit::SetControl { label, .. } => Some(label.clone()),
            Edit::Setting(Setting::Master(_)) => Some(String::new()),
            _ => None,
        };
        if label.is_some() && self.touch == label.map(Touch::Control) {
            return;
        }
        let taken = self.rig.engine.edit(edit.clone(), At::AtOnce).is_ok();
        assert_eq!(self.apply(&edit), taken, "{what}: {edit:?}");
    }

    fn recall(&mut self) {
        let number = 1 + self.dice.roll(4) as u8;
        let edit: Edit = match self.dice.roll(4) {
            0 => SceneEdit::Recall { number, fade: Some(Crossfade::Seconds(0.005)) }.into(),
            _ => recall(number),
        };
        let offset = self.dice.roll(16) as u32;
        match self.dice.roll(3) {
            0 => drop(self.rig.engine.edit(edit.clone(), At::Now)),
            // A value that is set again recalls nothing: 0 comes between.
            1 => {
                self.move_param(offset, ParamId::Scene, place_of_scene(0), 0.0);
                self.move_param(offset + 5, ParamId::Scene, place_of_scene(number), 0.0);
            }
            _ => {
                self.move_param(offset, ParamId::Scene, place_of_scene(0), 0.0);
                self.midi(offset + 7, [0xc0, number - 1, 0]);
            }
        }
        self.count.recalls += usize::from(self.apply(&edit));
    }

    /// A macro moves what it moves, from the weakest of those who write.
    fn move_macro(&mut self) {
        let at = self.dice.roll(3) as usize;
        let value = self.dice.roll(33) as f32 / 32.0;
        let modulation = self.dice.of(&[0.0, 0.0, 0.25, -0.5]);
        let offset = self.dice.roll(60) as u32;
        self.move_param(offset, ParamId::Macro(at as u8), value, modulation);
        if std::mem::replace(&mut self.macros[at], value) == value {
            return;
        }
        let targets =
            self.model.macro_of(1 + at as u8).map(|state| state.targets.clone()).unwrap_or_default();
        let linear = Control::continuous("level", 0.0, 1.0, 0.5);
        for MacroTarget { label, lo, hi, curve } in targets {
            if let Some(path) = self.model.path_of(&label, &self.registry) {
                let value = curve.along(&linear, lo, hi, f64::from(value)) as f32;
                self.model.values.insert(path, value.to_string().parse().expect("a number"));
                self.count.moves += 1;
            }
        }
    }

    fn step_back_or_forth(&mut self, what: &str) {
        // A pattern that comes back starts at the next cycle.
        self.rig.playing = true;
        if self.dice.roll(3) > 0 {
            let step = self.rig.engine.undo(At::AtOnce).expect("it was so before");
            assert_eq!(step.is_some(), self.done > 0, "{what}: {step:?}");
            if step.is_some() {
                self.done -= 1;
                let (before, after) = &self.steps[self.done];
                let edit = Edit::Batch(after.difference(before));
                self.model.apply(&edit, &self.registry).expect("it was so before");
                (self.touch, self.count.steps_back) = (None, self.count.steps_back + 1);
            }
        } else {
            let step = self.rig.engine.redo(At::AtOnce).expect("it was so before");
            assert_eq!(step.is_some(), self.done < self.steps.len(), "{what}: {step:?}");
            if step.is_some() {
                let (before, after) = &self.steps[self.done];
                let edit = Edit::Batch(before.difference(after));
                self.model.apply(&edit, &self.registry).expect("it was so before");
                (self.touch, self.done) = (None, self.done + 1);
            }
        }
        self.rest(what);
    }

    /// The host goes elsewhere, loops, stops or starts.
    fn transport(&mut self) {
        let beats = self.dice.roll(256) as f64 / 8.0;
        match self.dice.roll(4) {
            0 => self.jump_to(beats),
            1 => {
                self.cycle = Some((beats, beats + 0.5 + self.dice.roll(8) as f64 / 4.0));
                self.jump_to(beats);
            }
            2 => self.cycle = None,
            _ => self.rig.playing = !self.rig.playing,
        }
        self.count.jumps += 1;
    }

    fn engine_load(&mut self, document: Vec<u8>) {
        self.rig.engine.load(&document).expect("it was saved");
        let mut other = Engine::new(registry());
        other.load(&document).expect("it was saved");
        self.model = other.session().clone();
        (self.steps, self.done, self.touch) = (Vec::new(), 0, None);
    }

    fn load(&mut self, what: &str) {
        let document = match self.saved.len() as u64 {
            0 => return,
            n => self.saved[self.dice.roll(n) as usize].clone(),
        };
        self.engine_load(document);
        self.count.loads += 1;
        self.rest(what);
    }

    /// Keys of the host: some go down, some up.
    fn keys(&mut self) {
        for _ in 0..1 + self.dice.roll(4) {
            let (key, on) = (60 + self.dice.roll(5) as u8, self.dice.roll(2) == 0);
            let offset = self.dice.roll(64) as u32;
            self.midi(offset, [if on { 0x90 } else { 0x80 }, key, 80]);
            self.count.notes += usize::from(on);
        }
    }

    fn text(session: &Session) -> String {
        String::from_utf8(session.to_json()).expect("text")
    }

    /// What would be saved now is a session.
    fn is_loadable(&mut self, what: &str) {
        let saved = self.rig.engine.save();
        let mut other = Engine::new(registry());
        other.load(&saved).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(String::from_utf8(other.save()), String::from_utf8(saved.clone()), "{what}");
        if self.dice.roll(8) == 0 {
            if self.saved.len() == 8 {
                let oldest = self.dice.roll(8) as usize;
                self.saved.swap_remove(oldest);
            }
            self.saved.push(saved);
        }
    }

    fn act(&mut self, what: &str) {
        match self.dice.roll(20) {
            0..=6 => self.edit(what),
            7..=10 => self.recall(),
            11..=13 => self.move_macro(),
            14 | 15 => self.step_back_or_forth(what),
            16 => self.transport(),
            17 => self.keys(),
            18 if self.dice.roll(3) == 0 => self.load(what),
            _ => {}
        }
        self.is_loadable(what);
        for _ in 0..4 {
            self.block(64, what);
            self.is_loadable(what);
        }
        let more = self.dice.of(&[0, 0, 100, 3_000, 9_000]);
        self.blocks(more, what);
        assert_eq!(Self::text(self.rig.engine.session()), Self::text(&self.model), "{what}");
        let notices = std::mem::take(&mut self.rig.notices);
        let wrong = |notice: &&Notice| match notice {
            Notice::Recalled { late, .. } => *late,
            Notice::EditFailed { .. } | Notice::Panicked { .. } | Notice::NodeFault { .. } => true,
            _ => false,
        };
        let wrong: Vec<&Notice> = notices.iter().filter(wrong).collect();
        assert!(wrong.is_empty(), "{what}: {wrong:?}");
    }

    /// All keys are up and nothing is modulated: now it sounds as the same session that was loaded, playing and standing, and
    /// of the notes that it sent none is on.
    fn compare(&mut self, what: &str) {
        for key in 60..65 {
            self.midi(0, [0x80, key, 0]);
        }
        for at in 0..3 {
            self.move_param(0, ParamId::Macro(at as u8), self.macros[at], 0.0);
        }
        (self.cycle, self.rig.playing) = (None, true);
        self.block(64, what);
        self.rest(what);
        self.blocks(48_000, what);
        let mut engine = Engine::new(registry());
        engine.load(&self.rig.engine.save()).expect("it was saved");
        let mut fresh = Rig::of(engine);
        (fresh.played, fresh.start_beats) = (self.rig.played, self.rig.start_beats);
        // All values have been said once more.
        self.blocks(144_000, what);
        fresh.render(144_000, &[480]);
        for playing in [true, false] {
            (self.rig.playing, fresh.playing) = (playing, playing);
            if !playing {
                self.blocks(9_600, what);
                fresh.render(9_600, &[480]);
            }
            let (a, b) = (self.rig.render(4_800, &[480]), fresh.render(4_800, &[480]));
            let far = a[0].iter().zip(&b[0]).position(|(a, b)| (a - b).abs() > 1e-5);
            let nodes = names(&self.rig);
            assert_eq!(far, None, "{what}, {playing}, {nodes:?}: {:?}", far.map(|at| (a[0][at], b[0][at])));
            self.last = a[0][4_799];
            self.count.compared += 1;
        }
        let mut on = [0_i32; 128];
        for (_, [status, key, velocity]) in self.rig.midi.drain(..) {
            match status & 0xf0 {
                0x90 if velocity > 0 => on[usize::from(key)] += 1,
                0x80 | 0x90 => on[usize::from(key)] = 0,
                _ => {}
            }
        }
        assert_eq!(on, [0; 128], "{what}: notes that were sent are on");
        self.rig.ends.clear();
        self.rig.playing = true;
    }
}

/// Performs at least so many frames of music; tells what was done.
fn perform(seed: u64, frames: i64) -> Count {
    let mut performance = Performance::new(seed);
    for number in 0.. {
        let what = format!("number {number} of seed {seed}");
        performance.act(&what);
        if number % 60 == 59 {
            performance.compare(&what);
            if performance.rig.rendered >= frames {
                break;
            }
        }
    }
    performance.count
}

#[test]
fn performances_by_chance_leave_what_they_say_and_sound_as_sessions_that_were_loaded() {
    let counts: Vec<Count> = (0..6).map(|seed| perform(seed, 48_000 * 15)).collect();
    println!("{counts:#?}");
    let all = |of: fn(&Count) -> usize| counts.iter().map(of).sum::<usize>();
    assert!(all(|c| c.recalls) > 50 && all(|c| c.moves) > 20 && all(|c| c.steps_back) > 20, "{counts:?}");
    assert!(all(|c| c.loads) > 2 && all(|c| c.jumps) > 10 && all(|c| c.notes) > 10, "{counts:?}");
}

#[test]
#[ignore = "soak: ten minutes of music"]
fn soak_ten_minutes_of_performances_by_chance() {
    for seed in 100..110 {
        println!("{seed}: {:?}", perform(seed, 48_000 * 60));
    }
}
