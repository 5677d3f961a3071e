//! Nodes that go wrong: heard for at most 10 ms, named, and never the host's problem.

mod support;
use krach_core::model::{InputState, Setting};

use krach_core::engine::*;
use support::*;

fn faulty(after: f64) -> RawGraph {
    let nodes = vec![
        node("out", "dac", &[]),
        node("bad", "faulty", &[("after", after)]),
        node("good", "dc", &[("level", 0.25)]),
    ];
    graph(nodes, &[("bad", "out"), ("good", "out")])
}

fn rig(graph: RawGraph) -> Rig {
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::LoadGraph(graph));
    rig
}

fn faults(rig: &Rig) -> Vec<bool> {
    let silenced = |n: &Notice| match n {
        Notice::NodeFault { node, silenced } if node == "bad" => Some(*silenced),
        _ => None,
    };
    rig.notices.iter().filter_map(silenced).collect()
}

#[test]
fn a_fault_is_faded_within_ten_milliseconds_then_the_node_starts_afresh() {
    // Twice in a while, bars apart: a bar is 96 000 frames.
    let mut rig = rig(faulty(60_000.0));
    let [left, right] = rig.render(62_000, &[256]);
    assert_eq!(left, right);
    assert!(left.iter().all(|x| x.is_finite()));
    let fault = 59_999;
    assert_eq!(left[fault - 1], 0.75);
    assert!(largest_step(&left[fault - 10..fault + 239]) < 0.5 / 200.0);
    assert_eq!(left[fault + 240], 0.75, "reset, it plays again");
    assert!(left[fault + 239] < 0.26);
    assert_eq!(faults(&rig), [false]);
}

#[test]
fn the_third_fault_within_a_bar_silences_and_names_the_node() {
    let mut rig = rig(faulty(5_000.0));
    let [left, _] = rig.render(40_000, &[256]);
    assert_eq!(faults(&rig), [false, false, true]);
    assert_eq!(rig.engine.status().silenced, ["bad"]);
    assert!(left[17_000..].iter().all(|x| *x == 0.25), "all else plays on");
    // A node of another type in its place is heard, and not named.
    rig.edit(Edit::LoadGraph(graph(
        vec![node("out", "dac", &[]), node("bad", "dc", &[("level", 0.5)]), node("good", "dc", &[])],
        &[("bad", "out"), ("good", "out")],
    )));
    rig.render(40_000, &[256]);
    assert_eq!(rig.block(64)[0][0], 0.75);
    assert!(rig.engine.status().silenced.is_empty());
}

#[test]
fn three_faults_in_more_than_a_bar_do_not_silence() {
    let mut rig = rig(faulty(50_000.0));
    rig.render(400_000, &[512]);
    assert_eq!(faults(&rig), [false; 7]);
}

#[test]
fn faults_sound_the_same_in_any_partition() {
    let render = |blocks: &[usize]| {
        let mut rig = rig(faulty(0.0));
        rig.edit_at(set("bad/after", 777.0), At::Position(0.05));
        rig.edit_at(set("bad/level", 0.125), At::Position(0.0586));
        rig.render(12_000, blocks).into_iter().next().unwrap()
    };
    let reference = render(&[256]);
    assert!(reference.contains(&0.25), "it was silenced");
    for blocks in [&[1usize][..], &[17], &[64], &[333], &[2048]] {
        assert_eq!(first_difference(&reference, &render(blocks)), None, "{blocks:?}");
    }
}

#[test]
fn a_panic_is_silence_and_a_notice_and_a_rebuild_brings_the_sound_back() {
    probes::hush_probes();
    for when in ["render", "set", "reset", "host reset", "succeed"] {
        let nodes = |ty: &str| vec![node("out", "dac", &[]), node("p", ty, &[])];
        let mut rig = rig(graph(nodes("panicky"), &[("p", "out")]));
        rig.render(2_000, &[256]);
        assert_eq!(rig.block(64)[0][0], 0.125);
        let pending = rig.edit_at(Edit::Setting(Setting::Master(0.5)), At::Position(40.0));
        match when {
            "render" => drop(rig.edit(set("p/when", 1.0))),
            "set" => drop(rig.edit(set("p/when", 2.0))),
            "reset" | "host reset" => drop(rig.edit(set("p/when", 3.0))),
            _ => drop(rig.edit(Edit::LoadGraph(graph(nodes("panicky_heir"), &[("p", "out")])))),
        }
        if when == "reset" {
            rig.edit(Edit::Panic);
        } else if when == "host reset" {
            rig.block(64);
            rig.processor.reset();
        }
        let [left, _] = rig.block(256);
        assert!(left.iter().all(|x| *x == 0.0), "{when}");
        let panicked = |n: &Notice| matches!(n, Notice::Panicked { message } if message.contains("hurts"));
        assert_eq!(rig.notices.iter().filter(|n| panicked(n)).count(), 1, "{when}: {:?}", rig.notices);
        assert!(rig.engine.status().poisoned);
        // Edits are still accepted, and part of the session.
        for k in 0..3000 {
            rig.edit(set("p/when", f64::from(k % 2) * 9.0));
        }
        rig.edit_at(Edit::Setting(Setting::Seed(5)), At::Position(41.0));
        let last = rig.edit(Edit::LoadGraph(graph(nodes("dc"), &[("p", "out")])));
        assert!(rig.block(64)[0].iter().all(|x| *x == 0.0));
        assert!(rig.engine.is_done(last) && !rig.engine.is_done(pending));
        rig.edit(Edit::Rebuild);
        assert_eq!(rig.block(64)[0][0], 1.0, "{when}");
        assert!(!rig.engine.status().poisoned);
        // What waited for its time still does.
        rig.start_beats += 158.0;
        rig.render(200_000, &[512]);
        assert!(rig.engine.is_done(pending), "{when}");
        assert_eq!(rig.engine.session().settings.seed, 5);
        rig.settle();
    }
}

#[test]
fn a_panic_on_the_way_out_does_not_stop_what_comes() {
    probes::hush_probes();
    let mut rig = rig(graph(vec![node("out", "dac", &[]), node("p", "panicky", &[])], &[("p", "out")]));
    rig.block(256);
    rig.edit(set("p/when", 1.0));
    // Before the control side learns of the panic a rebuild is on its way.
    let engine = std::mem::replace(&mut rig.engine, Engine::new(probes::registry()));
    rig.block(64);
    rig.engine = engine;
    rig.engine.edit(Edit::Graph(vec![GraphEdit::RemoveNode { id: "p".into() }]), At::Now).unwrap();
    rig.engine.edit(Edit::Rebuild, At::Now).unwrap();
    rig.engine.tick();
    assert!(!rig.engine.status().poisoned);
    rig.edit(Edit::Graph(vec![
        GraphEdit::AddNode(node("a", "dc", &[])),
        GraphEdit::Connect(wire("a", "out")),
    ]));
    rig.render(4_000, &[256]);
    assert_eq!(rig.block(64)[0][0], 1.0);
    rig.settle();
}

#[test]
fn what_is_no_number_in_the_hosts_input_is_silence_to_the_graph_and_nobodys_fault() {
    let odd = [0.5, f32::NAN, f32::INFINITY, -0.25, f32::NEG_INFINITY, -f32::NAN, 0.125, 0.0];
    let good = |x: f32| if x.is_finite() { x } else { 0.0 };
    for (channel, sides) in [(None, [0, 1]), (Some(1), [1, 1])] {
        let nodes = vec![node("out", "dac", &[]), node("in", "adc_input", &[]), node("bad", "gain", &[])];
        let mut rig = rig(graph(nodes, &[("in", "bad"), ("bad", "out")]));
        rig.edit(Edit::Setting(Setting::Limiter(false)));
        rig.edit(Edit::Setting(Setting::Input(Some(InputState { channel }))));
        rig.render(2_000, &[256]);
        rig.input = [0, 3].map(|from| (0..256).map(|i| odd[(from + i) % odd.len()]).collect());
        for _ in 0..3 {
            let out = rig.block(256);
            for (side, from) in sides.into_iter().enumerate() {
                let expected: Vec<f32> = rig.input[from].iter().copied().map(good).collect();
                assert_eq!(out[side], expected, "side {side}, {channel:?}");
            }
        }
        assert!(rig.notices.is_empty(), "{:?}", rig.notices);
    }
}

#[test]
fn the_safety_limiter_passes_to_the_bit_what_is_not_too_loud() {
    let mut rig =
        rig(graph(vec![node("out", "dac", &[]), node("a", "dc", &[("level", 1.999)])], &[("a", "out")]));
    rig.render(1_000, &[256]);
    assert!(rig.block(256)[0].iter().all(|x| x.to_bits() == 1.999_f32.to_bits()));
    rig.edit(set("a/level", 50.0));
    assert!(rig.block(256)[0].iter().all(|x| *x == 2.0));
    rig.edit(Edit::Setting(Setting::Limiter(false)));
    rig.render(480_000, &[2048]);
    assert_eq!(rig.block(256)[0][255], 50.0);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_caller_s_floating_point_mode_comes_back() {
    use std::hint::black_box;
    let tiny = || black_box(black_box(f32::MIN_POSITIVE) * black_box(0.5)) > 0.0;
    assert!(tiny());
    let mut rig = rig(graph(vec![node("out", "dac", &[]), node("p", "panicky", &[])], &[("p", "out")]));
    rig.block(256);
    assert!(tiny());
    probes::hush_probes();
    rig.edit(set("p/when", 1.0));
    rig.block(256);
    assert!(tiny(), "after a panic too");
}

#[test]
fn a_panic_that_no_probe_means_is_reported_though_those_of_probes_are_not() {
    use std::cell::RefCell;
    thread_local! {
        static REPORTED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }
    probes::hush_probes();
    let before = std::panic::take_hook();
    std::panic::set_hook(probes::hushing(Box::new(move |info| {
        let message = probes::message_of(info).to_owned();
        REPORTED.with_borrow_mut(|reported| reported.push(message));
        before(info);
    })));
    let mut rig = rig(graph(vec![node("out", "dac", &[]), node("p", "panicky", &[])], &[("p", "out")]));
    rig.edit(set("p/when", 1.0));
    rig.block(256);
    assert!(rig.engine.status().poisoned);
    let unmeant = std::panic::catch_unwind(|| panic!("{} differs, and it hurts much", "what is tested"));
    assert!(unmeant.is_err());
    assert_eq!(REPORTED.take(), ["what is tested differs, and it hurts much"]);
}
