//! What has fallen silent rests: on its frame in every partition, unheard, and its next note begins as after a reset.

use super::support::{Rig, first_difference, graph, node, play, set, wire};
use krach_core::engine::*;
use krach_core::graph::Rest;
use krach_core::model::{InputState, Setting};
use krach_core::node::*;
use krach_patterns::language::turns;
use krach_patterns::{Pattern, builders};
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Frames per cycle.
const CYCLE: usize = 96_000;
/// Frames of silence before a rest: a quarter of a second.
const QUIET: usize = 12_000;
/// -90 dB.
const LEVEL: f32 = 3.162_277_7e-5;

/// A bell that each gate strikes when it opens. It gets louder with its age, so that a note tells how long ago the bell was
/// new; what comes in goes out beside it.
struct BellType {
    decl: NodeDecl,
    rendered: Arc<AtomicI64>,
    /// Other code takes over whole.
    better: u64,
}

struct Bell {
    ring: f32,
    age: u32,
    freq: f32,
    open: [bool; 3],
    rendered: Arc<AtomicI64>,
}

impl BellType {
    fn new(type_id: &str, inputs: usize, gates: usize) -> Self {
        let gates = (0..gates).map(|n| Control::gate(["gate", "snare/gate", "hat/gate"][n]));
        let freq = Control::continuous("freq", 0.0, 10.0, 1.0);
        let decl = NodeDecl {
            type_id: type_id.into(),
            inputs: (0..inputs).map(|_| Port::mono("in")).collect(),
            outputs: vec![Port::mono("out")],
            controls: std::iter::once(freq).chain(gates).collect(),
            settings: Vec::new(),
            role: Role::Process,
        };
        Self { decl, rendered: Arc::default(), better: 0 }
    }
}

impl NodeType for BellType {
    fn decl(&self) -> &NodeDecl {
        &self.decl
    }
    fn code_key(&self) -> u64 {
        0xbe11 + (self.better << 32) + self.decl.inputs.len() as u64 * 16 + self.decl.controls.len() as u64
    }
    fn rests(&self) -> bool {
        true
    }
    fn create(&self, _: &CreateContext) -> Result<Box<dyn Node>, CreateError> {
        let rendered = self.rendered.clone();
        Ok(Box::new(Bell { ring: 0.0, age: 0, freq: 1.0, open: [false; 3], rendered }))
    }
}

impl Node for Bell {
    fn reset(&mut self) {
        (self.ring, self.age) = (0.0, 0);
    }
    fn succeed(&mut self, before: &mut dyn Node) -> Succession {
        let Some(before) = before.as_any().downcast_mut::<Self>() else { return Succession::None };
        (self.ring, self.age, self.freq, self.open) = (before.ring, before.age, before.freq, before.open);
        Succession::Whole
    }
    fn set(&mut self, control: usize, change: Change) {
        if control == 0 {
            self.freq = change.value;
            return;
        }
        let opens = change.value > 0.0;
        if opens && !std::mem::replace(&mut self.open[control - 1], opens) {
            self.ring = 0.5;
        }
        self.open[control - 1] = opens;
    }
    fn render(&mut self, _: &Transport, frames: usize, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
        self.rendered.fetch_add(frames as i64, Ordering::Relaxed);
        for (at, x) in outputs[0].iter_mut().enumerate() {
            self.ring *= 0.999;
            *x = self.ring * self.freq * (1.0 + self.age as f32 * 1e-6)
                + inputs.first().map_or(0.0, |i| i[at]);
            self.age += 1;
        }
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// A bell `b` alone before the master, and how many frames it has rendered.
fn bell(rest: Option<Rest>, inputs: usize, gates: usize) -> (Rig, Arc<AtomicI64>) {
    let ty = BellType::new("bell", inputs, gates);
    let rendered = ty.rendered.clone();
    let mut registry = Registry::with_builtins();
    registry.add(Arc::new(ty));
    let mut rig = Rig::with(registry);
    rig.edit(Edit::Setting(Setting::Limiter(false)));
    let b = GraphNode { rest, ..node("b", "bell", &[]) };
    let mut all = graph(vec![node("out", "dac", &[]), b], &[("b", "out")]);
    if inputs > 0 {
        all.nodes.push(node("side", "adc_input", &[]));
        all.connections.push(wire("side", "b"));
    }
    rig.edit(Edit::LoadGraph(all));
    rig.settle();
    rig.played = 0;
    (rig, rendered)
}

/// A short note at a sixteenth of one cycle of eight, and no other.
fn at(cycle: usize, sixteenth: usize, hz: f64) -> Pattern {
    let steps = builders::seq((0..16).map(|step| (step == sixteenth).then(|| builders::note(hz))));
    turns((0..8).map(|n| if n == cycle { steps.clone() } else { builders::rest() }).collect())
}

/// What comes out while the bell is struck in cycle 0 and cycle 2.
fn two_notes(rest: Option<Rest>, blocks: &[usize]) -> (Vec<f32>, i64) {
    let (mut rig, rendered) = bell(rest, 0, 1);
    let settled = rendered.load(Ordering::Relaxed);
    let note = |hz| builders::note(hz);
    let silence = builders::rest;
    let pattern = turns(vec![note(1.0), silence(), note(2.0), silence()]);
    rig.edit(play("b", pattern));
    let [left, _] = rig.render(3 * CYCLE, blocks);
    (left, rendered.load(Ordering::Relaxed) - settled)
}

#[test]
fn one_voice_rests_on_its_frame_and_its_next_note_begins_as_after_a_reset() {
    let (reference, rendered) = two_notes(Some(Rest::Auto), &[512]);
    // A note sounds for half a cycle, longer than the bell rings: it rests a quarter of a second after its gate has shut,
    // in which nothing has been heard. The second note, three cycles on, does the same.
    let loud = reference[..CYCLE].iter().rposition(|x| x.abs() > LEVEL).unwrap();
    assert!(loud < CYCLE / 2, "the bell has rung out before its gate shuts");
    assert_eq!(rendered as usize, 2 * (CYCLE / 2 + QUIET), "and it is rendered no frame longer");
    // A bell that was reset, and struck.
    let context = CreateContext { sample_rate: super::RATE, max_frames: CYCLE };
    let mut new = BellType::new("bell", 0, 1).create(&context).unwrap();
    new.reset();
    new.set(0, Change { value: 2.0, ramp: 0 });
    new.set(1, Change { value: 1.0, ramp: 0 });
    let mut first = vec![0.0; CYCLE];
    new.render(&Transport::STANDING, CYCLE, &[], &mut [&mut first]);
    let heard = CYCLE / 2 + QUIET;
    assert_eq!(first_difference(&first[..heard], &reference[2 * CYCLE..][..heard]), None);
    assert!(reference[2 * CYCLE..][heard..].iter().all(|x| x.to_bits() == 0));
    for blocks in [&[1][..], &[17], &[2_048], &[7, 2_000, 1]] {
        let (other, frames) = two_notes(Some(Rest::Auto), blocks);
        assert_eq!((first_difference(&other, &reference), frames), (None, rendered), "{blocks:?}");
    }
}

#[test]
fn what_never_rests_is_always_rendered_and_so_is_what_does_not_say() {
    let (rested, _) = two_notes(Some(Rest::Auto), &[512]);
    for rest in [Some(Rest::Never), None] {
        let (left, rendered) = two_notes(rest, &[512]);
        assert_eq!(rendered as usize, 3 * CYCLE);
        assert_eq!(first_difference(&left[..CYCLE / 2], &rested[..CYCLE / 2]), None);
        assert!(left[2 * CYCLE] > rested[2 * CYCLE], "it is as old as it is");
    }
}

#[test]
fn a_gate_wakes_it_whoever_opens_it_also_for_no_time_at_all() {
    // One gate is a note of the one voice; of several each is a thing of its own.
    for gates in [1, 3] {
        let (mut rig, rendered) = bell(Some(Rest::Auto), 0, gates);
        rig.render(QUIET + 64, &[64]);
        assert_eq!(rendered.load(Ordering::Relaxed), QUIET as i64, "{gates} gates");
        rig.edit(set("b/gate", 1.0));
        let [left, _] = rig.block(64);
        assert_eq!(left[0], 0.5 * 0.999, "it is new");
        // Held open it does not rest, though it is silent.
        rig.render(2 * CYCLE, &[2_048]);
        let before = rendered.load(Ordering::Relaxed);
        rig.render(CYCLE, &[2_048]);
        assert_eq!(rendered.load(Ordering::Relaxed) - before, CYCLE as i64);
        rig.edit(set("b/gate", 0.0));
        rig.render(CYCLE, &[2_048]);
        assert_eq!(rendered.load(Ordering::Relaxed) - before, (CYCLE + QUIET) as i64);
        // Open and shut on one frame.
        rig.edit(Edit::Batch(vec![set("b/gate", 1.0), set("b/gate", 0.0)]));
        let [left, _] = rig.block(64);
        assert_eq!(left[0], 0.5 * 0.999, "{gates} gates");
        // What it is told in its sleep counts when it wakes.
        rig.render(CYCLE, &[2_048]);
        rig.edit(set("b/freq", 3.0));
        rig.render(CYCLE, &[2_048]);
        rig.edit(set("b/gate", 1.0));
        let [left, _] = rig.block(64);
        assert_eq!(left[0], 1.5 * 0.999, "{gates} gates");
    }
}

#[test]
fn the_first_frame_that_is_not_zero_wakes_it_and_what_comes_in_keeps_it_awake() {
    for blocks in [&[512][..], &[1], &[333]] {
        let (mut rig, rendered) = bell(Some(Rest::Auto), 1, 1);
        rig.edit(Edit::Setting(Setting::Input(Some(InputState { channel: None }))));
        rig.render(QUIET + 1000, &[64]);
        let asleep = rendered.load(Ordering::Relaxed);
        assert_eq!(asleep, QUIET as i64);
        // A click, 777 frames on; then as much silence as it takes.
        let mut heard = Vec::new();
        for &size in blocks.iter().cycle() {
            let begin = heard.len();
            if begin >= 2 * QUIET {
                break;
            }
            let samples: Vec<f32> =
                (begin..begin + size).map(|at| if at == 777 { 0.25 } else { 0.0 }).collect();
            rig.input = [samples.clone(), samples];
            heard.extend(rig.block(size)[0].clone());
        }
        assert_eq!(heard.iter().position(|x| *x != 0.0), Some(777), "{blocks:?}");
        assert_eq!((heard[777], heard[778]), (0.25, 0.0));
        assert_eq!(rendered.load(Ordering::Relaxed) - asleep, 1 + QUIET as i64, "{blocks:?}");
    }
}

#[test]
fn a_start_from_standstill_and_a_new_setting_find_it_awake() {
    let (mut rig, rendered) = bell(Some(Rest::Auto), 0, 1);
    rig.edit(Edit::Setting(Setting::Start(Start::Restart)));
    rig.render(CYCLE, &[512]);
    assert_eq!(rendered.load(Ordering::Relaxed), QUIET as i64);
    rig.playing = false;
    rig.render(512, &[512]);
    rig.playing = true;
    rig.render(CYCLE, &[512]);
    assert_eq!(rendered.load(Ordering::Relaxed), 2 * QUIET as i64, "it counts from the start");
    let again = GraphNode { rest: Some(Rest::Never), ..node("b", "bell", &[]) };
    rig.edit(Edit::LoadGraph(graph(vec![node("out", "dac", &[]), again], &[("b", "out")])));
    rig.settle();
    let before = rendered.load(Ordering::Relaxed);
    rig.render(CYCLE, &[512]);
    assert_eq!(rendered.load(Ordering::Relaxed) - before, CYCLE as i64);
}

/// When better code comes depends on the machine: it is not heard, also where it comes to a node that rests or is about to.
#[test]
fn better_code_wakes_nothing() {
    let play = |better: &[usize]| {
        let (mut rig, _) = bell(Some(Rest::Auto), 0, 1);
        rig.edit(play("s", super::support::hits("b/gate", 1)));
        let mut heard = Vec::new();
        for at in (0..3 * CYCLE).step_by(1_000) {
            if let Some(key) = better.iter().position(|when| *when == at) {
                let ty = BellType { better: 1 + key as u64, ..BellType::new("bell", 0, 1) };
                rig.engine.set_type(Arc::new(ty)).expect("plays");
                rig.notices.extend(rig.engine.tick());
            }
            heard.extend_from_slice(&rig.render(1_000, &[250])[0]);
        }
        heard
    };
    let expected = play(&[]);
    assert!(expected.iter().any(|x| *x > 0.1), "it rings");
    // While it rings, on its way to its rest, at rest, and right before the next note.
    for better in [&[3_000][..], &[15_000], &[60_000], &[90_000], &[95_000, 190_000]] {
        assert_eq!(first_difference(&expected, &play(better)), None, "{better:?}");
    }
}

/// Through faders, sends and sums, under mutes, fades and new code: what rests sounds as what never does.
#[test]
fn nothing_of_a_rest_is_heard_behind_it() {
    let session = |rest: Rest, blocks: &[usize]| {
        let mut registry = super::support::probes::registry();
        registry.add(Arc::new(Blip::type_of("blip", 1)));
        registry.add(Arc::new(Blip::type_of("other", 2)));
        let mut rig = Rig::with(registry);
        rig.edit(Edit::Setting(Setting::Limiter(false)));
        let blip = |id: &str, ty: &str| GraphNode { rest: Some(rest), ..node(id, ty, &[]) };
        let mut all = graph(
            vec![node("out", "dac", &[]), blip("a", "blip"), blip("b", "blip"), blip("c", "other")],
            &[("a_g", "out"), ("b_g", "out"), ("bus", "out"), ("c", "bus")],
        );
        for name in ["a", "b"] {
            all.nodes.push(node(&format!("{name}_g"), "gain", &[("gain", 0.75)]));
            all.connections.push(wire(name, &format!("{name}_g")));
            all.nodes.push(node(&format!("{name}_s"), "gain", &[("gain", 0.3)]));
            all.connections.push(wire(&format!("{name}_g"), &format!("{name}_s")));
            all.connections.push(wire(&format!("{name}_s"), "bus"));
        }
        all.nodes.push(node("bus", "gain", &[("gain", 0.5)]));
        rig.edit(Edit::LoadGraph(all.clone()));
        for (slot, cycle, sixteenth) in [("a", 0, 2), ("b", 1, 5), ("c", 2, 9)] {
            rig.edit(play(slot, at(cycle, sixteenth, 1.0)));
        }
        let mut left = rig.render(CYCLE, blocks)[0].clone();
        rig.edit_at(set("b_g/mute", 1.0), At::Position(1.0625));
        rig.edit_at(set("b_g/gain", 0.25), At::Position(1.25));
        rig.edit_at(set("b_g/mute", 0.0), At::Position(1.375));
        left.extend(rig.render(CYCLE, blocks)[0].iter());
        // Other code under a node that rests, and a wire that goes.
        all.nodes[1].type_id = "other".into();
        all.connections.retain(|c| c.from_node != "b_s");
        rig.edit_at(Edit::LoadGraph(all.clone()), At::Position(2.25));
        left.extend(rig.render(7 * CYCLE, blocks)[0].iter());
        left
    };
    let never = session(Rest::Never, &[512]);
    assert!(never.iter().filter(|x| **x != 0.0).count() > 250);
    for blocks in [&[512][..], &[17], &[2_048, 1, 63]] {
        assert_eq!(first_difference(&session(Rest::Auto, blocks), &never), None, "{blocks:?}");
        assert_eq!(first_difference(&session(Rest::Never, blocks), &never), None, "{blocks:?}");
    }
}

/// A gate that opens makes a hundred frames of a level, and then exact zeros: nothing is cut off by a rest.
struct Blip {
    level: f32,
    left: u32,
    open: bool,
}

struct BlipType(NodeDecl, f32);

impl Blip {
    fn type_of(type_id: &str, level: u32) -> BlipType {
        let decl = NodeDecl {
            type_id: type_id.into(),
            inputs: vec![],
            outputs: vec![Port::mono("out")],
            controls: vec![Control::gate("gate"), Control::continuous("freq", 0.0, 10.0, 1.0)],
            settings: Vec::new(),
            role: Role::Process,
        };
        BlipType(decl, level as f32 * 0.25)
    }
}

impl NodeType for BlipType {
    fn decl(&self) -> &NodeDecl {
        &self.0
    }
    fn code_key(&self) -> u64 {
        0xb119 + u64::from(self.1.to_bits())
    }
    fn rests(&self) -> bool {
        true
    }
    fn create(&self, _: &CreateContext) -> Result<Box<dyn Node>, CreateError> {
        Ok(Box::new(Blip { level: self.1, left: 0, open: false }))
    }
}

impl Node for Blip {
    fn reset(&mut self) {
        self.left = 0;
    }
    fn set(&mut self, control: usize, change: Change) {
        if control == 0 {
            let opens = change.value > 0.0;
            if opens && !self.open {
                self.left = 100;
            }
            self.open = opens;
        }
    }
    fn render(&mut self, _: &Transport, _: usize, _: &[&[f32]], outputs: &mut [&mut [f32]]) {
        for x in outputs[0].iter_mut() {
            *x = if self.left > 0 { self.level } else { 0.0 };
            self.left = self.left.saturating_sub(1);
        }
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
