//! Whole patches against the plain model: feedback, partitions, reloads.

mod support;

use krach_patch::{ExecutionPlan, MidiEvent, ModuleGraph, Planner, Processor, Transport};
use support::{Chance, FADE, Plain, RATE, bits, render, shake};

/// Both sides by hand: plans are adopted at once.
struct Player {
    planner: Planner,
    processor: Processor,
}

impl Player {
    fn new(graph: &ModuleGraph) -> Self {
        let mut player = Self { planner: Planner::new(RATE), processor: Processor::new() };
        player.load(graph);
        player
    }

    fn load(&mut self, graph: &ModuleGraph) -> Option<Box<ExecutionPlan>> {
        let planner = &mut self.planner;
        self.processor.settled(|serial| {
            planner.settled(serial);
            true
        });
        let plan = self.planner.plan(graph).unwrap().expect("not too many fade");
        let serial = plan.serial();
        let retired = self.processor.adopt(plan).ok().expect("it follows what plays");
        self.planner.adopted(serial);
        retired
    }

    fn left(&mut self, samples: usize) -> Vec<f32> {
        let [left, _] = render(&mut self.processor, None, &[], &[64], samples);
        left
    }
}

fn sine_to_left(hz: f32) -> ModuleGraph {
    let mut graph = ModuleGraph::new();
    graph.add("osc", "SineOscillator").unwrap();
    graph.add("out", "AudioOut").unwrap();
    graph.set("osc", "frequency", hz).unwrap();
    graph.connect("osc", "out", "out", "left", 1.0).unwrap();
    graph
}

#[test]
fn a_cable_delays_by_one_sample_and_scales() {
    let mut graph = ModuleGraph::new();
    graph.add("in", "AudioIn").unwrap();
    graph.add("sum", "Sum").unwrap();
    graph.add("out", "AudioOut").unwrap();
    graph.connect("in", "left", "sum", "in", 0.5).unwrap();
    graph.connect("sum", "out", "out", "left", -1.0).unwrap();
    graph.connect("in", "right", "out", "right", 1.0).unwrap();
    let mut player = Player::new(&graph);
    let [left, right] = render(&mut player.processor, None, &[1.0, 0.25], &[64], 6);
    // Two cables to the left, one to the right.
    assert_eq!(left, [0.0, 0.0, -0.5, -0.125, 0.0, 0.0]);
    assert_eq!(right, [0.0, 1.0, 0.25, 0.0, 0.0, 0.0]);
}

#[test]
fn loops_of_one_two_and_three_modules_are_the_recursions_that_they_spell() {
    // y[t] = x[t-1] + 0.5 y[t-1], read one sample later.
    let mut graph = ModuleGraph::new();
    for (id, module) in [("in", "AudioIn"), ("a", "Sum"), ("b", "Sum"), ("c", "Sum"), ("out", "AudioOut")] {
        graph.add(id, module).unwrap();
    }
    graph.connect("in", "left", "a", "in/0", 1.0).unwrap();
    graph.connect("a", "out", "a", "in/1", 0.5).unwrap();
    graph.connect("a", "out", "out", "left", 1.0).unwrap();
    // b and c feed each other: b[t] = x[t-1] - 0.7 c[t-1], c[t] = 0.9 b[t-1] + 0.25 a[t-1].
    graph.connect("in", "right", "b", "in/0", 1.0).unwrap();
    graph.connect("c", "out", "b", "in/1", -0.7).unwrap();
    graph.connect("b", "out", "c", "in/0", 0.9).unwrap();
    graph.connect("a", "out", "c", "in/1", 0.25).unwrap();
    graph.connect("c", "out", "out", "right", 1.0).unwrap();
    let mut chance = Chance(3);
    let input: Vec<f32> = (0..1_000).map(|_| chance.number(-1.0, 1.0)).collect();
    let (mut x, mut a, mut b, mut c) = (0.0_f32, 0.0_f32, 0.0_f32, 0.0_f32);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for &now in &input {
        left.push(a);
        right.push(c);
        (a, b, c) = (x + a * 0.5, x + c * -0.7, b * 0.9 + a * 0.25);
        x = now;
    }
    for blocks in [&[64][..], &[1], &[7, 1, 130, 3], &[1_000]] {
        let mut player = Player::new(&graph);
        let [l, r] = render(&mut player.processor, None, &input, blocks, input.len());
        assert_eq!(l, left, "{blocks:?}");
        assert_eq!(r, right, "{blocks:?}");
    }
}

/// Some patches, one becoming the other at some samples, against the plain model and in other blocks, to the bit.
fn follows_the_plain_model(seed: u64, changes: usize, samples: usize, loads: usize) {
    let mut chance = Chance(seed);
    let mut graph = ModuleGraph::new();
    shake(&mut graph, &mut chance, 150);
    let mut plain = Plain::new(&graph);
    let partitions: [&[usize]; 3] = [&[64], &[1], &[13, 200, 1, 5, 64, 65]];
    let mut players: Vec<Player> = partitions.iter().map(|_| Player::new(&graph)).collect();
    let mut transport = Some(Transport::playing(-0.01, 133.0, RATE));
    for load in 0..loads {
        if load > 0 {
            shake(&mut graph, &mut chance, changes);
            plain.become_graph(&graph);
            players.iter_mut().for_each(|player| drop(player.load(&graph)));
        }
        let event = match chance.below(4) {
            0 => MidiEvent::NoteOn { note: 30.0 + chance.below(60) as f32, velocity: 0.8 },
            1 => MidiEvent::Bend(0.5),
            2 => MidiEvent::Mod(0.3),
            _ => MidiEvent::AllOff,
        };
        plain.midi(event);
        players.iter_mut().for_each(|player| player.processor.midi(event));
        // Sometimes in the middle of the fades.
        let samples = *chance.pick(&[samples, 3, FADE as usize / 2, FADE as usize, FADE as usize + 1]);
        let input: Vec<f32> = (0..samples).map(|_| chance.number(-1.0, 1.0)).collect();
        let mut expected = [Vec::new(), Vec::new()];
        for (sample, &input) in input.iter().enumerate() {
            let out = plain.step([input; 2], transport.map(|transport| transport.after(sample)));
            (0..2).for_each(|side| expected[side].push(out[side]));
        }
        for (player, blocks) in players.iter_mut().zip(partitions) {
            let got = render(&mut player.processor, transport, &input, blocks, samples);
            for side in 0..2 {
                let differs =
                    (0..samples).find(|&at| got[side][at].to_bits() != expected[side][at].to_bits());
                let what = differs.map(|at| (at, got[side][at], expected[side][at]));
                assert_eq!(what, None, "seed {seed}, load {load}, side {side}, blocks {blocks:?}");
            }
        }
        transport = transport.map(|transport| transport.after(samples));
    }
}

#[test]
fn random_patches_that_become_one_another_sound_as_the_plain_model_in_any_blocks() {
    for seed in 0..60 {
        follows_the_plain_model(seed, 4, 400, 8);
    }
}

/// Of the soak's patches, those that showed a fault once.
#[test]
fn random_patches_that_once_sounded_otherwise_sound_as_the_plain_model() {
    follows_the_plain_model(3_319, 6, 700, 14);
}

#[test]
#[ignore = "soak: some minutes"]
fn soak_random_patches_that_become_one_another_sound_as_the_plain_model() {
    for seed in 1_000..6_000 {
        follows_the_plain_model(seed, 6, 700, 14);
    }
}

/// What the test above compares is sound at all.
#[test]
fn random_patches_sound() {
    let loud: Vec<u64> = (0..60)
        .filter(|&seed| {
            let (mut chance, mut graph) = (Chance(seed), ModuleGraph::new());
            shake(&mut graph, &mut chance, 150);
            let mut player = Player::new(&graph);
            let [left, right] = render(&mut player.processor, None, &[0.5; 2_000], &[64], 2_000);
            left.iter().chain(&right).any(|sample| sample.abs() > 1e-3)
        })
        .collect();
    assert!(loud.len() > 30, "{loud:?}");
}

#[test]
fn called_one_by_one_each_sample_modules_give_the_same_bits() {
    for seed in 100..120 {
        let (mut chance, mut graph) = (Chance(seed), ModuleGraph::new());
        shake(&mut graph, &mut chance, 150);
        let mut bare = krach_patch::harness::Bare::new(&graph, RATE);
        let mut player = Player::new(&graph);
        let [left, right] = render(&mut player.processor, None, &[], &[100], 1_000);
        for (at, (left, right)) in left.iter().zip(&right).enumerate() {
            assert_eq!(
                bare.step().map(f32::to_bits),
                [left, right].map(|side| side.to_bits()),
                "seed {seed}, {at}"
            );
        }
    }
}

#[test]
fn a_new_frequency_keeps_the_phase() {
    let mut player = Player::new(&sine_to_left(440.0));
    let mut osc = krach_patch::harness::Harness::new("SineOscillator");
    let before = player.left(777);
    player.load(&sine_to_left(470.0));
    let after = player.left(500);
    let mut expected = vec![0.0];
    expected.extend_from_slice(osc.run(777).output("out"));
    expected.extend_from_slice(osc.set("frequency", 470.0).run(500).output("out"));
    assert_eq!(bits(&before), bits(&expected[..777]));
    assert_eq!(bits(&after), bits(&expected[777..1_277]));
}

#[test]
fn controls_have_addresses_and_move_between_two_samples() {
    let mut graph = sine_to_left(440.0);
    graph.add_shaped("mix", "Mixer", Some(2), None).unwrap();
    graph.add("seq", "StepSequencer").unwrap();
    graph.add("clock", "ClockSequencer").unwrap();
    graph.set("clock", "sync", "free").unwrap();
    let mut player = Player::new(&graph);
    let controls = player.planner.playing().unwrap().controls();
    let addresses: Vec<&str> = controls.iter().map(|control| control.address.as_str()).collect();
    // A list is no control.
    let expected = [
        "clock/beats_per_bar",
        "clock/bpm",
        "clock/quavers_per_beat",
        "clock/sync",
        "mix/level/0",
        "mix/level/1",
        "mix/master",
        "mix/pan/0",
        "mix/pan/1",
        "osc/frequency",
    ];
    assert_eq!(addresses, expected);
    let (sync, frequency) = (&controls[3], &controls[9]);
    assert_eq!((sync.value, sync.param.name, frequency.value), (1.0, "sync", 440.0));
    player.left(101);
    player.processor.set(frequency.module, frequency.index, 550.0);
    let moved = player.left(100);
    let mut osc = krach_patch::harness::Harness::new("SineOscillator");
    osc.run(100);
    // The cable brings the last sample from before.
    assert_eq!(bits(&moved[1..]), bits(osc.run(1).set("frequency", 550.0).run(99).output("out")));
}

#[test]
fn a_parameter_that_is_deleted_goes_back_to_its_default() {
    let mut player = Player::new(&sine_to_left(1_000.0));
    player.left(100);
    let mut graph = sine_to_left(440.0);
    graph.remove("osc");
    graph.add("osc", "SineOscillator").unwrap();
    graph.connect("osc", "out", "out", "left", 1.0).unwrap();
    player.load(&graph);
    let mut osc = krach_patch::harness::Harness::new("SineOscillator").with("frequency", 1_000.0);
    osc.run(99);
    let mut expected = osc.run(1).output("out").to_vec();
    expected.extend_from_slice(osc.set("frequency", 440.0).run(99).output("out"));
    assert_eq!(bits(&player.left(100)), bits(&expected));
}

/// After a rename, another module under the id, and another shape: the old one fades out in 5 ms and the new one in,
/// linearly, while the sine beside it does not notice. Only the way out fades: the sum of both stays the same.
#[test]
fn what_is_new_fades_in_what_is_gone_fades_out_and_the_rest_is_untouched() {
    let with = |id: &str, module: &str, channels: Option<i64>| {
        let mut graph = sine_to_left(440.0);
        graph.add("one", "Tuner").unwrap();
        graph.set("one", "octave", 1).unwrap();
        graph.add_shaped(id, module, channels, None).unwrap();
        graph.connect("one", "out", id, "in", 1.0).unwrap();
        graph.connect(id, "out", "out", "right", 1.0).unwrap();
        graph
    };
    let first = with("x", "Sum", Some(2));
    for (name, second) in [
        ("renamed", with("y", "Sum", Some(2))),
        ("another module", with("x", "Tuner", None)),
        ("another shape", with("x", "Sum", Some(3))),
    ] {
        let mut player = Player::new(&first);
        let [before, settled] = render(&mut player.processor, None, &[], &[64], 1_000);
        assert_eq!(settled[999], 1.0, "{name}");
        player.load(&second);
        let [after, fading] = render(&mut player.processor, None, &[], &[64], 500);
        let mut alone = Player::new(&sine_to_left(440.0));
        let expected = alone.left(1_500);
        assert_eq!(bits(&before), bits(&expected[..1_000]), "{name}");
        assert_eq!(bits(&after), bits(&expected[1_000..]), "{name}");
        // Both are at 1: the sum of the two fades, but for the samples that the new one's cables delay by.
        for (at, &value) in fading.iter().enumerate().take(FADE as usize) {
            assert!((0.99..=1.0 + 1e-5).contains(&value), "{name}, {at}: {value}");
        }
        assert_eq!(fading[FADE as usize + 3..], vec![1.0; 500 - FADE as usize - 3], "{name}");
    }
}

#[test]
fn a_scale_moves_in_5_ms_and_a_cable_back_before_that_turns_round_where_it_is() {
    let constant = |scale: Option<f32>| {
        let mut graph = ModuleGraph::new();
        graph.add("one", "Tuner").unwrap();
        graph.set("one", "octave", 1).unwrap();
        graph.add("out", "AudioOut").unwrap();
        if let Some(scale) = scale {
            graph.connect("one", "out", "out", "left", scale).unwrap();
        }
        graph
    };
    let mut player = Player::new(&constant(Some(1.0)));
    player.left(10);
    player.load(&constant(Some(-0.5)));
    let moved = player.left(300);
    for (at, value) in moved.iter().enumerate() {
        let expected = if at < 240 { 1.0 - 1.5 * at as f32 / 240.0 } else { -0.5 };
        assert!((value - expected).abs() < 1e-5, "{at}: {value}");
    }
    player.load(&constant(None));
    let half = player.left(120);
    assert!((half[119] + 0.25).abs() < 0.01);
    player.load(&constant(Some(-0.5)));
    let back = player.left(300);
    assert!(half.windows(2).chain(back.windows(2)).all(|pair| (pair[1] - pair[0]).abs() < 0.003));
    assert!((back[0] - half[119]).abs() < 0.005);
    assert_eq!(back[299], -0.5);
}

#[test]
fn a_node_that_comes_back_while_it_fades_is_the_same_node() {
    let without = {
        let mut graph = ModuleGraph::new();
        graph.add("out", "AudioOut").unwrap();
        graph
    };
    let mut player = Player::new(&sine_to_left(440.0));
    player.left(500);
    player.load(&without);
    player.left(100);
    player.load(&sine_to_left(440.0));
    let back = player.left(500);
    let mut steady = Player::new(&sine_to_left(440.0));
    let expected = steady.left(1_100);
    assert_eq!(bits(&back[240..]), bits(&expected[840..]));
}

#[test]
fn a_plan_fits_only_what_it_follows_and_comes_back_whole() {
    let mut player = Player::new(&sine_to_left(440.0));
    let stale = player.planner.plan(&sine_to_left(500.0)).unwrap().unwrap();
    player.load(&sine_to_left(600.0));
    let Err(unfit) = player.processor.adopt(stale) else {
        panic!("it follows the first plan, not the third")
    };
    assert_eq!(unfit.0.base(), 1);
    let mut osc = krach_patch::harness::Harness::new("SineOscillator").with("frequency", 600.0);
    assert_eq!(bits(&player.left(300)[1..]), bits(osc.run(299).output("out")));
}

#[test]
fn at_another_sample_rate_all_begins_anew() {
    let graph = sine_to_left(441.0);
    let mut player = Player::new(&graph);
    player.left(777);
    let layout = player.planner.playing().unwrap();
    let (plan, _) = krach_patch::build_patch(&graph, 44_100.0, Some(layout), 9).unwrap();
    assert!(player.processor.adopt(plan).is_ok());
    let mut osc = krach_patch::harness::Harness::build(
        "SineOscillator",
        None,
        None,
        &[("frequency", 441.0.into())],
        44_100.0,
    )
    .unwrap();
    assert_eq!(bits(&player.left(300)[1..]), bits(osc.run(299).output("out")));
}

#[test]
fn a_graph_without_exactly_one_output_is_refused() {
    let mut planner = Planner::new(RATE);
    let mut graph = ModuleGraph::new();
    assert!(planner.plan(&graph).err().unwrap().problem.contains("no AudioOut"));
    graph.add("a", "AudioOut").unwrap();
    graph.add("b", "AudioOut").unwrap();
    assert_eq!(planner.plan(&graph).err().unwrap().problem, "2 nodes are an AudioOut: a, b");
}

#[test]
fn what_leads_nowhere_does_not_run_and_goes_on_where_it_was() {
    let mut graph = sine_to_left(440.0);
    let mut player = Player::new(&graph);
    player.left(100);
    graph.disconnect("out", "left").unwrap();
    player.load(&graph);
    // It runs while its cable fades, and then it rests.
    player.left(5_000);
    graph.connect("osc", "out", "out", "left", 1.0).unwrap();
    player.load(&graph);
    let after = player.left(400);
    let mut steady = Player::new(&sine_to_left(440.0));
    let expected = steady.left(800);
    assert_eq!(bits(&after[240..]), bits(&expected[580..740]));
}

#[test]
fn a_reset_is_a_new_start() {
    let mut graphs = vec![sine_to_left(440.0)];
    for seed in 11..16 {
        let (mut chance, mut graph) = (Chance(seed), ModuleGraph::new());
        shake(&mut graph, &mut chance, 150);
        graphs.push(graph);
    }
    for graph in graphs {
        let mut player = Player::new(&graph);
        let first = render(&mut player.processor, None, &[0.5; 900], &[64], 900);
        player.processor.reset();
        let second = render(&mut player.processor, None, &[0.5; 900], &[64], 900);
        assert_eq!(first.map(|side| bits(&side)), second.map(|side| bits(&side)));
    }
}

#[test]
fn a_node_of_another_shape_is_another_node() {
    let with = |channels: i64| {
        let mut graph = ModuleGraph::new();
        graph.add("one", "Tuner").unwrap();
        graph.set("one", "octave", 1).unwrap();
        graph.add_shaped("sum", "Sum", Some(channels), None).unwrap();
        graph.add("out", "AudioOut").unwrap();
        for channel in 0..channels {
            graph.connect("one", "out", "sum", &format!("in/{channel}"), 1.0).unwrap();
        }
        graph.connect("sum", "out", "out", "left", 1.0).unwrap();
        graph
    };
    let mut player = Player::new(&with(2));
    assert_eq!(player.left(300)[299], 2.0);
    player.load(&with(3));
    assert_eq!(player.left(300)[299], 3.0);
}

/// A module need not set an output without a cable: what lay there long ago is not what a new cable brings.
#[test]
fn a_cable_from_an_output_that_had_none_begins_empty() {
    let mut graph = sine_to_left(440.0);
    graph.add("lfo", "Lfo").unwrap();
    graph.set("lfo", "rate", 0.01).unwrap();
    // The module goes on while its square has no cable.
    graph.connect("lfo", "saw", "osc", "fm", 0.1).unwrap();
    let without = graph.clone();
    graph.connect("lfo", "square", "out", "right", 1.0).unwrap();
    let mut player = Player::new(&graph);
    player.left(500);
    player.load(&without);
    player.left(500);
    let mut graph = without;
    graph.add("delay", "Delay").unwrap();
    graph.set("delay", "time_ms", 20.0).unwrap();
    graph.connect("lfo", "square", "delay", "in", 1.0).unwrap();
    graph.connect("delay", "out", "out", "right", 1.0).unwrap();
    player.load(&graph);
    let [_, right] = render(&mut player.processor, None, &[], &[64], 1_000);
    // The first sample that the delay gets is heard 960 samples and a cable later.
    assert_eq!(right[959..964], [0.0, 0.0, 0.0, 1.0, 1.0]);
}

#[test]
fn a_loop_that_dies_away_ends_at_zero_and_one_that_grows_stays_a_number() {
    let mut graph = ModuleGraph::new();
    graph.add("in", "AudioIn").unwrap();
    graph.add_shaped("dies", "Sum", Some(2), None).unwrap();
    graph.add_shaped("grows", "Sum", Some(3), None).unwrap();
    graph.add("out", "AudioOut").unwrap();
    graph.connect("in", "left", "dies", "in/0", 1.0).unwrap();
    graph.connect("dies", "out", "dies", "in/1", 0.9).unwrap();
    graph.connect("dies", "out", "out", "left", 1.0).unwrap();
    graph.connect("in", "left", "grows", "in/0", 1.0).unwrap();
    graph.connect("grows", "out", "grows", "in/1", 1.0).unwrap();
    graph.connect("grows", "out", "grows", "in/2", -0.2).unwrap();
    graph.disconnect("grows", "in/2").unwrap();
    graph.connect("grows", "out", "grows", "in/2", 1.0).unwrap();
    graph.connect("grows", "out", "out", "right", 1.0).unwrap();
    let mut player = Player::new(&graph);
    let [dies, grows] = render(&mut player.processor, None, &[1.0], &[64], 2_000);
    assert!(dies.iter().all(|sample| !sample.is_subnormal()));
    assert_eq!(dies[1_999], 0.0);
    assert!(dies[400] > 0.0);
    assert_eq!(grows[1_999], 1e6);
}
