//! A patch as a node keeps the contract of nodes: partitions, resets, successions, time, notes.

mod support;

use std::sync::Arc;

use krach_core::node::{
    Change, ControlKind, CreateContext, Node, NodeSettings, NodeType, Scale, SettingValue, Succession,
    Transport,
};
use krach_patch::factory::PATCHES;
use krach_patch::node::{PatchType, Versions};
use krach_patch::{ModuleGraph, yaml_to_graph};
use support::{Chance, FADE, Plain, RATE, bits, shake};

const CONTEXT: CreateContext = CreateContext { sample_rate: RATE, max_frames: 4_096 };

/// A node with the names of its controls.
struct Bench {
    ty: Arc<PatchType>,
    node: Box<dyn Node>,
    transport: Transport,
    versions: Arc<Versions>,
}

fn graph_of(text: &str) -> ModuleGraph {
    yaml_to_graph(text).unwrap_or_else(|faults| panic!("{faults}"))
}

fn running(beats: f64, bpm: f64) -> Transport {
    Transport { running: true, anchor: beats, step: bpm / 60.0 / RATE, ..Transport::STANDING }
}

impl Bench {
    fn new(graph: ModuleGraph) -> Self {
        let versions = Arc::new(Versions::default());
        let ty = Arc::new(PatchType::new("patch:it", graph, &versions).unwrap());
        let node = ty.create(&CONTEXT).unwrap();
        Self { ty, node, transport: running(0.0, 120.0), versions }
    }

    fn index(&self, name: &str) -> usize {
        self.ty.decl().control_at(name).unwrap_or_else(|| panic!("no control {name}"))
    }

    fn set(&mut self, name: &str, value: f32, ramp: u32) -> &mut Self {
        let index = self.index(name);
        self.node.set(index, Change { value, ramp });
        self
    }

    fn render(&mut self, input: &[f32], blocks: &[usize], frames: usize) -> [Vec<f32>; 2] {
        let (mut left, mut right) = (vec![f32::NAN; frames], vec![f32::NAN; frames]);
        let (mut at, mut block) = (0, 0);
        while at < frames {
            let end = frames.min(at + blocks[block % blocks.len()]);
            let part: Vec<f32> = (at..end).map(|frame| input.get(frame).copied().unwrap_or(0.0)).collect();
            let ins: &[&[f32]] = if self.ty.decl().inputs.is_empty() { &[] } else { &[&part, &part] };
            self.node.render(&self.transport, end - at, ins, &mut [&mut left[at..end], &mut right[at..end]]);
            self.transport = self.transport.after(end - at);
            (at, block) = (end, block + 1);
        }
        [left, right]
    }

    fn left(&mut self, frames: usize) -> Vec<f32> {
        let [left, _] = self.render(&[], &[64], frames);
        left
    }

    /// Another version takes the place of the node, as when a file is saved: what was never set has the new default.
    fn become_graph(&mut self, graph: ModuleGraph) -> Succession {
        let ty = Arc::new(PatchType::new("patch:it", graph, &self.versions).unwrap());
        let mut node = ty.create(&CONTEXT).unwrap();
        let done = node.succeed(self.node.as_mut());
        if done == Succession::Whole {
            // The engine may render the old one on for a while, and set it.
            self.node.set(0, Change { value: 1.0, ramp: 10 });
            let ins: &[&[f32]] =
                if self.ty.decl().inputs.is_empty() { &[] } else { &[&[1.0; 70], &[1.0; 70]] };
            let (mut left, mut right) = ([f32::NAN; 70], [f32::NAN; 70]);
            self.node.render(&self.transport, 70, ins, &mut [&mut left, &mut right]);
            assert_eq!((left, right), ([0.0; 70], [0.0; 70]));
        }
        for (index, control) in ty.decl().controls.iter().enumerate() {
            let before = self.ty.decl().control_at(&control.name);
            if before.is_some_and(|at| self.ty.decl().controls[at].default != control.default) {
                node.set(index, Change { value: control.default, ramp: 0 });
            }
        }
        (self.ty, self.node) = (ty, node);
        done
    }
}

fn both(sides: [Vec<f32>; 2]) -> [Vec<u32>; 2] {
    sides.map(|side| bits(&side))
}

/// Controls by chance at some frames, time that loops, and an input.
fn performance(graph: &ModuleGraph, seed: u64, blocks: &[usize]) -> Vec<[Vec<u32>; 2]> {
    let (mut bench, mut chance) = (Bench::new(graph.clone()), Chance(seed));
    let mut all = Vec::new();
    for _ in 0..12 {
        for _ in 0..chance.below(5) {
            let controls = &bench.ty.decl().controls;
            if controls.is_empty() {
                continue;
            }
            let index = chance.below(controls.len());
            let control = &controls[index];
            let value = chance.number(control.min, control.max);
            let ramp = [0, 1, 7, 100, 3_000][chance.below(5)];
            let change = match control.kind {
                ControlKind::Gate => Change { value: value.round(), ramp: 0 },
                ControlKind::Continuous => Change { value, ramp },
            };
            bench.node.set(index, change);
        }
        if chance.below(4) == 0 {
            bench.transport = running(chance.below(16) as f64 * 0.25, 90.0 + chance.below(80) as f64);
        }
        let frames = 1 + chance.below(900);
        let input: Vec<f32> = (0..frames).map(|_| chance.number(-1.0, 1.0)).collect();
        all.push(both(bench.render(&input, blocks, frames)));
    }
    all
}

#[test]
fn each_patch_that_comes_along_sounds_the_same_in_any_cuts() {
    for (name, text) in PATCHES {
        let graph = graph_of(text);
        let whole = performance(&graph, 7, &[4_096]);
        for blocks in [&[1][..], &[17], &[64], &[333, 1, 2]] {
            assert!(performance(&graph, 7, blocks) == whole, "{name} in blocks of {blocks:?}");
        }
    }
}

#[test]
fn random_patches_sound_the_same_in_any_cuts() {
    for seed in 0..30 {
        let mut graph = ModuleGraph::new();
        shake(&mut graph, &mut Chance(seed), 150);
        let whole = performance(&graph, seed, &[4_096]);
        for blocks in [&[1][..], &[13, 200, 5, 64, 65]] {
            assert!(performance(&graph, seed, blocks) == whole, "seed {seed} in blocks of {blocks:?}");
        }
    }
}

#[test]
fn after_a_reset_a_patch_is_as_if_just_made_with_the_controls_it_has() {
    for (name, text) in PATCHES {
        let (mut used, mut fresh) = (Bench::new(graph_of(text)), Bench::new(graph_of(text)));
        let mut chance = Chance(3);
        for index in 0..used.ty.decl().controls.len() {
            let control = used.ty.decl().controls[index].clone();
            used.node.set(index, Change { value: chance.number(control.min, control.max), ramp: 5_000 });
        }
        used.render(&[0.5; 500], &[64], 3_000);
        for index in 0..used.ty.decl().controls.len() {
            let control = &used.ty.decl().controls[index];
            // A gate that stays open is a note from the first frame on.
            let value =
                if control.kind == ControlKind::Gate { 1.0 } else { chance.number(control.min, control.max) };
            used.node.set(index, Change { value, ramp: 0 });
            fresh.node.set(index, Change { value, ramp: 0 });
        }
        used.node.reset();
        used.transport = fresh.transport;
        let input: Vec<f32> = (0..4_000).map(|_| chance.number(-1.0, 1.0)).collect();
        let [a, b] = [&mut used, &mut fresh].map(|bench| both(bench.render(&input, &[64], 4_000)));
        assert!(a == b, "{name}");
    }
}

/// The plain model of patches is what a node plays, through saves of all kinds.
#[test]
fn patches_that_become_one_another_sound_as_the_plain_model() {
    for seed in 0..40 {
        let mut chance = Chance(seed);
        let mut graph = ModuleGraph::new();
        shake(&mut graph, &mut chance, 150);
        let (mut bench, mut plain) = (Bench::new(graph.clone()), Plain::new(&graph));
        for load in 0..8 {
            if load > 0 {
                shake(&mut graph, &mut chance, 4);
                let alike = bench.become_graph(graph.clone()) == Succession::Whole;
                if !alike {
                    // Nothing but ways out survives: the engine fades from one to the other.
                    break;
                }
                plain.become_graph(&graph);
            }
            // The fades have ended when the next one comes.
            let frames = [FADE as usize, 300, 700][chance.below(3)];
            let input: Vec<f32> = (0..frames).map(|_| chance.number(-1.0, 1.0)).collect();
            let host = krach_patch::Transport {
                frames: bench.transport.frames,
                ..krach_patch::Transport::playing(0.0, 120.0, RATE)
            };
            let expected: Vec<[f32; 2]> =
                (0..frames).map(|at| plain.step([input[at]; 2], Some(host.after(at)))).collect();
            let input = if bench.ty.decl().inputs.is_empty() { vec![] } else { input };
            let got = bench.render(&input, &[64], frames);
            for side in 0..2 {
                let differs = (0..frames).find(|&at| got[side][at].to_bits() != expected[at][side].to_bits());
                let what = differs.map(|at| (at, got[side][at], expected[at][side]));
                assert_eq!(what, None, "seed {seed}, load {load}, side {side}");
            }
        }
    }
}

const SINE: &str = "
nodes:
  osc: {module: SineOscillator, params: {frequency: 300.0}}
  out: {module: AudioOut}
cables:
  - {from: osc, output: out, to: out, input: left}
";

fn with_second(octave: i32) -> ModuleGraph {
    let mut graph = graph_of(SINE);
    graph.add("second", "Tuner").unwrap();
    graph.set("second", "octave", octave).unwrap();
    graph.connect("second", "out", "out", "right", 1.0).unwrap();
    graph
}

#[test]
fn a_save_goes_on_whole_what_survives_keeps_its_state_and_what_is_new_fades_in_5_ms() {
    let (mut bench, mut steady) = (Bench::new(graph_of(SINE)), Bench::new(graph_of(SINE)));
    // The phase, and a control that was set, go on.
    for bench in [&mut bench, &mut steady] {
        bench.set("osc/frequency", 555.0, 0).left(1_001);
    }
    assert_eq!(bench.become_graph(with_second(1)), Succession::Whole);
    let [left, right] = bench.render(&[], &[64], 1_000);
    assert_eq!(bits(&left), bits(&steady.left(1_000)));
    assert!(right[..FADE as usize].windows(2).all(|pair| pair[0] <= pair[1] && pair[1] - pair[0] < 0.005));
    assert_eq!((right[0], right[FADE as usize + 2]), (0.0, 1.0));
    // And gone again, to the bit.
    assert_eq!(bench.become_graph(graph_of(SINE)), Succession::Whole);
    let [left, right] = bench.render(&[], &[64], 1_000);
    assert_eq!(bits(&left), bits(&steady.left(1_000)));
    assert_eq!((right[0], right[FADE as usize]), (1.0, 0.0));
}

#[test]
fn a_save_during_a_fade_waits_for_its_end_and_is_then_what_plays() {
    for gap in [0, 1, 100, FADE as usize - 1] {
        let (mut bench, mut steady) = (Bench::new(graph_of(SINE)), Bench::new(graph_of(SINE)));
        bench.left(333);
        steady.left(333);
        let (one, mut two) = (with_second(1), with_second(2));
        two.add("third", "Lfo").unwrap();
        assert_eq!(bench.become_graph(one.clone()), Succession::Whole);
        let first = bench.left(gap);
        // Two more: the one in the middle is never played.
        assert_eq!(bench.become_graph(graph_of(SINE)), Succession::Whole);
        assert_eq!(bench.become_graph(two), Succession::Whole);
        let [second, right] = bench.render(&[], &[64], 1_000);
        let left: Vec<f32> = first.into_iter().chain(second).collect();
        assert_eq!(bits(&left), bits(&steady.left(gap + 1_000)), "gap {gap}");
        assert_eq!(right[999], 2.0, "gap {gap}");
        // And further, from what plays by now.
        assert_eq!(bench.become_graph(one), Succession::Whole);
        let [_, right] = bench.render(&[], &[64], 1_000);
        assert_eq!(right[999], 1.0, "gap {gap}");
    }
}

#[test]
fn a_node_of_another_kind_or_patch_is_no_predecessor() {
    let mut bench = Bench::new(graph_of(SINE));
    bench.left(10);
    // Nothing survives but the way out.
    let mut other = ModuleGraph::new();
    other.add("lfo", "Lfo").unwrap();
    other.add("out", "AudioOut").unwrap();
    assert_eq!(bench.become_graph(other), Succession::None);
    let mut stranger = Bench::new(graph_of(SINE));
    let mut node = bench.ty.create(&CONTEXT).unwrap();
    assert_eq!(node.succeed(stranger.node.as_mut()), Succession::None);
    // At another rate, modules are others.
    let mut first = Bench::new(graph_of(SINE));
    let ty = PatchType::new("patch:it", with_second(1), &first.versions).unwrap();
    let mut node = ty.create(&CreateContext { sample_rate: 44_100.0, ..CONTEXT }).unwrap();
    assert_eq!(node.succeed(first.node.as_mut()), Succession::None);
}

#[test]
fn parameters_are_controls_with_ranges_units_and_names() {
    let bench = Bench::new(graph_of(
        "
nodes:
  in: {module: MidiIn}
  lfo: {module: Lfo, params: {rate: 3.0}}
  filter: {module: Filter}
  clock: {module: ClockSequencer}
  seq: {module: StepSequencer, params: {steps: [C3]}}
  out: {module: AudioOut}
",
    ));
    let decl = bench.ty.decl();
    let names: Vec<&str> = decl.controls.iter().map(|control| control.name.as_str()).collect();
    assert_eq!(names[..6], ["freq", "vel", "mod", "bend", "gate", "clock/beats_per_bar"]);
    // A list is no control.
    assert!(!names.iter().any(|name| name.starts_with("seq/")));
    let rate = &decl.controls[bench.index("lfo/rate")];
    assert_eq!((rate.default, rate.unit.as_str(), rate.scale), (3.0, "Hz", Scale::Log));
    let sync = &decl.controls[bench.index("clock/sync")];
    assert_eq!((sync.value_of("free"), sync.min, sync.max, sync.integer), (Some(1.0), 0.0, 2.0, true));
    assert_eq!(decl.gate(), Some(4));
    assert_eq!(decl.velocity(), Some(1));
    assert!(decl.inputs.is_empty());
}

#[test]
fn notes_are_played_by_freq_vel_and_gate() {
    let text = "
nodes:
  in: {module: MidiIn}
  out: {module: AudioOut}
cables:
  - {from: in, output: pitch, to: out, input: left}
  - {from: in, output: gate, to: out, input: right}
";
    let mut bench = Bench::new(graph_of(text));
    let [pitch, gate] = bench.render(&[], &[64], 10);
    assert_eq!((pitch[9], gate[9]), (0.0, 0.0));
    // The gate comes first, and all that is due on the frame belongs to the note.
    bench.set("gate", 1.0, 0).set("freq", 130.812_4, 0);
    let [pitch, gate] = bench.render(&[], &[64], 10);
    assert_eq!((gate[0], gate[1]), (0.0, 1.0));
    assert!((pitch[1] - 1.0).abs() < 1e-6, "{}", pitch[1]);
    // Another pitch without an onset; then a new onset on the same frame: the gate is shut for one.
    bench.set("freq", 261.624_8, 0);
    let [pitch, gate] = bench.render(&[], &[64], 10);
    assert!((pitch[9] - 2.0).abs() < 1e-6 && gate[1..] == [1.0; 9]);
    bench.set("gate", 0.0, 0).set("gate", 1.0, 0);
    let [_, gate] = bench.render(&[], &[64], 6);
    assert_eq!(gate, [1.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
    bench.set("gate", 0.0, 0);
    let [_, gate] = bench.render(&[], &[64], 3);
    assert_eq!(gate, [1.0, 0.0, 0.0]);
}

/// A step sounds on the frame that the host's time says, each once, through loops within a bar and jumps.
#[test]
fn a_clock_follows_the_hosts_time_through_loops_and_jumps() {
    let text = "
nodes:
  clock: {module: ClockSequencer}
  out: {module: AudioOut}
cables:
  - {from: clock, output: semiquaver, to: out, input: left}
";
    for block in [1, 64, 1_000] {
        let mut bench = Bench::new(graph_of(text));
        // 120 bpm: a semiquaver is 6000 frames. The loop goes from 0.5 to 1.25 quarters: three semiquavers.
        let mut pulses = Vec::new();
        let mut at = 0;
        for pass in 0..4 {
            let from = if pass == 0 { 0.0 } else { 0.5 };
            bench.transport = running(from, 120.0);
            let frames = ((1.25 - from) * 24_000.0) as usize;
            let [left, _] = bench.render(&[], &[block], frames);
            pulses.extend((0..frames).filter(|&frame| left[frame] == 1.0).map(|frame| at + frame));
            at += frames;
        }
        // Each one sample after its time: the cable.
        let expected: Vec<usize> = (0..14).map(|step| step * 6_000 + 1).collect();
        assert_eq!(pulses, expected, "blocks of {block}");
        // Time that stands is silent.
        bench.transport = Transport::STANDING;
        assert_eq!(bench.left(30_000)[1..], vec![0.0; 29_999]);
    }
}

#[test]
fn a_patch_that_only_keys_make_sound_rests_and_what_has_a_time_of_its_own_does_not() {
    let rests = |text: &str| Bench::new(graph_of(text)).ty.rests();
    let find = |name: &str| krach_patch::factory::find(name).unwrap();
    assert!(!rests(SINE) && !rests(find("acid")) && !rests(find("rotor")));
    assert!(rests(
        "nodes: {in: {module: MidiIn}, osc: {module: SawtoothOscillator}, out: {module: AudioOut}}"
    ));
    assert!(!rests("nodes: {in: {module: MidiIn}, lfo: {module: Lfo}, out: {module: AudioOut}}"));
}

fn list(name: &str, entries: &[&str]) -> NodeSettings {
    let list = entries.iter().map(|entry| (*entry).to_owned()).collect();
    [(name.to_owned(), SettingValue::List(list))].into_iter().collect()
}

const STEPS: &str = "
nodes:
  clock: {module: ClockSequencer}
  seq: {module: StepSequencer, length: 4, params: {steps: [C3, C4, C5, C6]}}
  scale: {module: Quantizer, params: {scale: [C, Eb]}}
  out: {module: AudioOut}
cables:
  - {from: clock, output: semiquaver, to: seq, input: clock}
  - {from: seq, output: pitch, to: out, input: left}
  - {from: seq, output: trigger, to: out, input: right}
";

#[test]
fn lists_are_settings_with_what_the_text_says_and_what_is_allowed() {
    let bench = Bench::new(graph_of(STEPS));
    let settings = &bench.ty.decl().settings;
    let names: Vec<&str> = settings.iter().map(|setting| setting.name.as_str()).collect();
    assert_eq!(names, ["scale/scale", "seq/steps"]);
    assert_eq!(settings[0].default, SettingValue::List(vec!["C".into(), "Eb".into()]));
    assert!(settings[1].takes.contains("up to 4 strings"), "{}", settings[1].takes);
    let wrong = |name: &str, value: SettingValue| bench.ty.check_setting(name, &value).unwrap_err();
    let of = |entries: &[&str]| SettingValue::List(entries.iter().map(|e| (*e).to_owned()).collect());
    let fault = wrong("seq/steps", of(&["C3", "-", "H3"]));
    assert_eq!((fault.entry, fault.problem.as_str()), (Some(2), "found `H3`"));
    assert!(fault.hint.contains("a note like `C3`"), "{}", fault.hint);
    let fault = wrong("seq/steps", of(&["C3"; 5]));
    assert_eq!((fault.entry, fault.problem.as_str()), (None, "5 entries where 4 are allowed"));
    let fault = wrong("seq/steps", SettingValue::Text("C3".into()));
    assert_eq!((fault.entry, fault.problem.as_str()), (None, "found the string `C3`"));
    assert!(fault.hint.contains("a list of up to 4 strings"), "{}", fault.hint);
    wrong("clock/bpm", of(&["C3"]));
    wrong("nobody/steps", of(&[]));
    assert!(bench.ty.check_setting("seq/steps", &of(&["C3", "_", "-"])).is_ok());
}

/// The steps change under the sound: the sequencer goes on where it is, and the clock does not notice.
#[test]
fn other_steps_are_played_from_the_next_clock_on_and_all_else_goes_on_to_the_bit() {
    let (mut bench, mut steady) = (Bench::new(graph_of(STEPS)), Bench::new(graph_of(STEPS)));
    // A semiquaver is 6000 frames: in the second step.
    assert_eq!(bits(&bench.left(9_000)), bits(&steady.left(9_000)));
    let settled = bench.ty.with_settings(&list("seq/steps", &["G3", "G4", "G5", "G6"])).unwrap();
    assert_ne!(settled.code_key(), bench.ty.code_key());
    assert_eq!(settled.decl().controls, bench.ty.decl().controls);
    let mut node = settled.create(&CONTEXT).unwrap();
    assert_eq!(node.succeed(bench.node.as_mut()), Succession::Whole);
    bench.node = node;
    let ([left, right], [before, triggers]) =
        (bench.render(&[], &[64], 15_000), steady.render(&[], &[64], 15_000));
    assert_eq!(bits(&right), bits(&triggers), "each step once, where it was");
    // What sounds is held up to the next clock, a cable and a sample later; a fifth above it from there on.
    let next = 3_000 + 1 + 1;
    assert_eq!(left[..next], before[..next]);
    for at in next..15_000 {
        assert!((left[at] - before[at] - 7.0 / 12.0).abs() < 1e-6, "{at}: {} {}", left[at], before[at]);
    }
    // The same settings as the text has them are the same code.
    let same = steady.ty.with_settings(&list("seq/steps", &["C3", "C4", "C5", "C6"])).unwrap();
    assert_eq!(same.code_key(), steady.ty.code_key());
    // What the patch does not take counts for nothing.
    let unfit = steady.ty.with_settings(&list("seq/steps", &["H3"])).unwrap();
    assert_eq!(unfit.code_key(), steady.ty.code_key());
}
