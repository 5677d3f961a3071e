//! Changing the graph while it sounds: what stays stays to the bit, what changes never clicks.

mod support;
use krach_core::model::Setting;

use krach_core::engine::*;
use support::*;

fn rig(graph: RawGraph) -> Rig {
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::LoadGraph(graph));
    rig.render(2048, &[256]);
    rig.settle();
    rig
}

fn two_counts() -> RawGraph {
    graph(vec![node("out", "dac", &[]), node("a", "count", &[])], &[("a", "out")])
}

#[test]
fn an_unrelated_change_leaves_the_others_untouched_to_the_bit() {
    let mut plain = rig(two_counts());
    let mut changed = rig(two_counts());
    changed.edit(Edit::Graph(vec![
        GraphEdit::AddNode(node("b", "oscillator", &[])),
        GraphEdit::AddNode(node("g", "gain", &[("gain", 0.0)])),
        GraphEdit::Connect(wire("b", "g")),
        GraphEdit::Connect(wire("g", "out")),
    ]));
    let (a, _) = (plain.render(20_000, &[256]), ());
    let b = changed.render(20_000, &[256]);
    assert_eq!(first_difference(&a[0], &b[0]), None);
    changed.edit(Edit::Graph(vec![GraphEdit::RemoveNode { id: "b".into() }]));
    let (a, b) = (plain.render(60_000, &[256]), changed.render(60_000, &[256]));
    assert_eq!(first_difference(&a[0], &b[0]), None);
}

#[test]
fn a_replaced_node_crossfades_on_a_straight_line_over_half_a_beat() {
    let with = |ty: &str| graph(vec![node("out", "dac", &[]), node("a", ty, &[])], &[("a", "out")]);
    let mut rig = rig(with("dc"));
    rig.edit(Edit::LoadGraph(with("dc_other")));
    let [left, _] = rig.render(14_000, &[256]);
    for (i, x) in left.iter().enumerate() {
        // 120 bpm: half a beat is 12 000 frames. From 1 (never set: the type's own) to 0.25.
        let along = ((i + 1) as f32 / 12_000.0).min(1.0);
        assert!((x - (1.0 - 0.75 * along)).abs() < 1e-5, "{i}: {x}");
    }
    rig.settle();
    assert_eq!(rig.engine.status().nodes.len(), 2);
}

#[test]
fn a_control_that_was_set_keeps_its_value_through_a_replacement() {
    let with = |ty: &str| graph(vec![node("out", "dac", &[]), node("a", ty, &[])], &[("a", "out")]);
    let mut rig = rig(with("dc"));
    rig.edit(set("a/level", 0.5));
    rig.block(256);
    rig.edit(Edit::LoadGraph(with("dc_other")));
    let [left, _] = rig.render(20_000, &[256]);
    assert!(left.iter().all(|x| (x - 0.5).abs() < 1e-6));
    // What load_graph says itself wins.
    let mut explicit = with("dc_other");
    explicit.nodes[1].controls.insert("level".into(), 0.75);
    rig.edit(Edit::LoadGraph(explicit));
    let [left, _] = rig.render(1_000, &[256]);
    assert!(left.iter().all(|x| *x == 0.75));
}

#[test]
fn a_successor_that_takes_over_whole_needs_no_fade() {
    let with = |ty: &str| graph(vec![node("out", "dac", &[]), node("a", ty, &[])], &[("a", "out")]);
    let mut plain = rig(with("count"));
    let mut changed = rig(with("count"));
    changed.edit(Edit::LoadGraph(with("count_better")));
    let (a, b) = (plain.render(30_000, &[256]), changed.render(30_000, &[256]));
    assert_eq!(first_difference(&a[0], &b[0]), None);
}

#[test]
fn a_whole_successor_goes_on_at_the_gain_that_a_fade_has_reached() {
    let nodes = |ty: &str| vec![node("out", "dac", &[]), node("a", ty, &[])];
    let mut rig = rig(graph(nodes("count"), &[("a", "out")]));
    rig.render(40_000, &[256]);
    rig.edit(Edit::Graph(vec![GraphEdit::Disconnect(wire("a", "out"))]));
    rig.render(4_096, &[256]);
    let [before, _] = rig.render(256, &[256]);
    rig.edit(Edit::LoadGraph(graph(nodes("count_better"), &[("a", "out")])));
    let [after, _] = rig.render(20_000, &[256]);
    let whole: Vec<f32> = before.iter().chain(&after).copied().collect();
    assert!(largest_step(&whole) < 2e-5, "{}", largest_step(&whole));
    rig.settle();
}

#[test]
fn a_new_node_fades_in_within_five_milliseconds() {
    let mut rig = rig(graph(vec![node("out", "dac", &[])], &[]));
    rig.edit(Edit::Graph(vec![
        GraphEdit::AddNode(node("a", "dc", &[])),
        GraphEdit::Connect(wire("a", "out")),
    ]));
    let [left, _] = rig.render(480, &[64]);
    assert!(largest_step(&left) < 1.0 / 239.0);
    assert!(left[0] < 0.01 && left[240..].iter().all(|x| *x == 1.0));
}

#[test]
fn a_new_graph_with_a_new_master_neither_clicks_nor_doubles() {
    let mut rig = rig(graph(vec![node("out", "dac", &[]), node("a", "dc", &[])], &[("a", "out")]));
    rig.edit(Edit::LoadGraph(graph(vec![node("main", "dac", &[]), node("a", "dc", &[])], &[("a", "main")])));
    let [left, _] = rig.render(14_000, &[256]);
    assert!(left.iter().all(|x| (x - 1.0).abs() < 1e-5), "the same sound through another master");
    rig.edit(Edit::LoadGraph(graph(vec![node("main", "dac", &[])], &[])));
    let [left, _] = rig.render(14_000, &[256]);
    assert!(largest_step(&left) < 2e-4 && left[13_000] == 0.0);
}

/// The checker itself: a jump is seen.
#[test]
fn a_planted_step_is_found() {
    let mut rig = rig(graph(vec![node("out", "dac", &[]), node("a", "dc", &[])], &[("a", "out")]));
    rig.edit_at(set("a/level", 0.5), At::Position(0.2));
    assert!(largest_step(&rig.render(30_000, &[256])[0]) > 0.4);
}

#[test]
fn fades_that_are_overtaken_go_on_from_where_they_are() {
    let with = |ty: &str| graph(vec![node("out", "dac", &[]), node("a", ty, &[])], &[("a", "out")]);
    let mut rig = rig(with("dc"));
    let mut all = Vec::new();
    for k in 0..40 {
        rig.edit(match k % 4 {
            0 => Edit::LoadGraph(with("dc_other")),
            1 => Edit::Graph(vec![GraphEdit::Disconnect(wire("a", "out"))]),
            2 => Edit::Graph(vec![GraphEdit::Connect(wire("a", "out"))]),
            _ => Edit::LoadGraph(with("dc")),
        });
        all.extend(rig.render(700 + 911 * (k % 3), &[64]).into_iter().next().unwrap());
    }
    // Up to three instances fade at a time, each by at most 1/12 000 per frame.
    assert!(largest_step(&all) < 6.0 / 12_000.0, "{}", largest_step(&all));
    rig.settle();
    rig.render(30_000, &[512]);
    assert_eq!(rig.block(64)[0][63], 1.0);
}

#[test]
fn the_gains_of_fades_that_overtake_each_other_add_up() {
    let with = |ty: &str| graph(vec![node("out", "dac", &[]), node("a", ty, &[])], &[("a", "out")]);
    let mut load = with("dc");
    load.nodes[1].controls.insert("level".into(), 0.5);
    let mut rig = rig(load);
    // Each node has the same level: whatever the fades do, their sum is that level.
    for k in 0..40 {
        rig.edit(Edit::LoadGraph(with(if k % 2 == 0 { "dc_other" } else { "dc" })));
        rig.edit(set("a/level", 0.5));
        let [left, _] = rig.render(1_500 + 911 * (k % 5), &[64]);
        let wrong = left.iter().position(|x| (x - 0.5).abs() > 0.5 / 64.0);
        assert_eq!(wrong, None, "{k}: {:?}", wrong.map(|at| left[at]));
    }
    rig.settle();
    assert_eq!(rig.block(64)[0][63], 0.5);
}

#[test]
fn a_whole_successor_in_the_middle_of_a_fade_changes_no_bit_of_it() {
    let with = |ty: &str| graph(vec![node("out", "dac", &[]), node("a", ty, &[])], &[("a", "out")]);
    let fade = |better: bool| {
        let mut rig = rig(with("dc"));
        rig.edit(Edit::LoadGraph(with("count")));
        let mut all = rig.render(4_096, &[256])[0].clone();
        if better {
            rig.edit(Edit::LoadGraph(with("count_better")));
        }
        all.extend(&rig.render(20_000, &[256])[0]);
        all
    };
    assert_eq!(first_difference(&fade(false), &fade(true)), None);
}

#[test]
fn a_node_removed_and_added_again_fades_and_starts_from_its_defaults() {
    let mut rig = rig(graph(vec![node("out", "dac", &[]), node("a", "dc", &[])], &[("a", "out")]));
    rig.edit(set("a/level", 0.5));
    rig.render(512, &[256]);
    // Both edits before audio runs: still a removal and a new node.
    rig.edit(Edit::Graph(vec![GraphEdit::RemoveNode { id: "a".into() }]));
    rig.edit(Edit::Graph(vec![
        GraphEdit::AddNode(node("a", "dc", &[])),
        GraphEdit::Connect(wire("a", "out")),
    ]));
    let [left, _] = rig.render(20_000, &[256]);
    assert!(largest_step(&left) < 1e-4, "{}", largest_step(&left));
    assert_eq!(left[19_999], 1.0);
    rig.settle();
}

fn reversed(blocks: &[usize]) -> Vec<f32> {
    let nodes = || {
        vec![node("out", "dac", &[]), node("src", "dc", &[]), node("a", "thru", &[]), node("b", "thru", &[])]
    };
    let mut rig = rig(graph(nodes(), &[("src", "a"), ("a", "b"), ("b", "out")]));
    rig.edit_at(
        Edit::LoadGraph(graph(nodes(), &[("src", "a"), ("src", "b"), ("b", "a"), ("b", "out")])),
        At::Position(0.2),
    );
    let out = rig.render(60_000, blocks);
    rig.settle();
    out.into_iter().next().unwrap()
}

#[test]
fn a_wire_turned_round_does_not_click() {
    let left = reversed(&[256]);
    assert!(largest_step(&left) < 1.2 / 240.0, "{}", largest_step(&left));
    assert!((left[59_999] - 1.0).abs() < 1e-6);
    for blocks in [&[1usize][..], &[17], &[64, 999]] {
        assert_eq!(first_difference(&left, &reversed(blocks)), None, "{blocks:?}");
    }
}

#[test]
fn wires_elsewhere_fade_as_ever_while_another_is_turned_round() {
    let nodes = || {
        vec![node("out", "dac", &[]), node("far", "dc", &[]), node("a", "thru", &[]), node("b", "thru", &[])]
    };
    let mut rig = rig(graph(nodes(), &[("far", "out"), ("a", "b"), ("b", "out")]));
    rig.edit(Edit::LoadGraph(graph(nodes(), &[("b", "a"), ("a", "out")])));
    let [left, _] = rig.render(14_000, &[256]);
    assert!((left[5_999] - 0.5).abs() < 1e-4, "half way through half a beat: {}", left[5_999]);
}

#[test]
fn a_turn_that_is_turned_back_at_once_does_not_click() {
    let nodes = || {
        vec![node("out", "dac", &[]), node("src", "dc", &[]), node("a", "thru", &[]), node("b", "thru", &[])]
    };
    let there = || graph(nodes(), &[("src", "a"), ("a", "b"), ("b", "out")]);
    let back = || graph(nodes(), &[("src", "b"), ("b", "a"), ("a", "out")]);
    let mut rig = rig(there());
    let mut all = Vec::new();
    for k in 0..20 {
        rig.edit(Edit::LoadGraph(if k % 2 == 0 { back() } else { there() }));
        all.extend(rig.render(64 + 100 * (k % 4), &[64]).into_iter().next().unwrap());
    }
    assert!(largest_step(&all) < 6.0 / 240.0, "{}", largest_step(&all));
    rig.settle();
    assert!((rig.render(30_000, &[512])[0][29_999] - 1.0).abs() < 1e-6);
}

#[test]
fn ghosts_are_gone_after_the_fade_and_the_engine_rests() {
    let with = |ty: &str| graph(vec![node("out", "dac", &[]), node("a", ty, &[])], &[("a", "out")]);
    let mut rig = rig(with("dc"));
    // Changes that arrive while fades end, at every distance.
    for gap in [1usize, 46, 47, 48, 49, 60] {
        rig.edit(Edit::LoadGraph(with("dc_other")));
        rig.render(256 * gap, &[256]);
        rig.edit(Edit::LoadGraph(with("dc")));
        assert!(rig.settle() < 120);
    }
}

#[test]
fn ghosts_go_even_if_the_next_plan_was_sent_before_the_end_of_their_fade_was_known() {
    let with = |ty: &str| graph(vec![node("out", "dac", &[]), node("a", ty, &[])], &[("a", "out")]);
    let mut rig = rig(with("dc"));
    rig.edit(Edit::LoadGraph(with("dc_other")));
    rig.render(11_000, &[500]);
    rig.unheard(2_000, &[500]);
    let node = GraphEdit::AddNode(node("n", "dc", &[]));
    rig.engine.edit(Edit::Graph(vec![node]), At::Now).unwrap();
    rig.engine.edit(Edit::Setting(Setting::Seed(1)), At::Now).unwrap();
    rig.unheard(500, &[500]);
    assert!(rig.settle() < 10);
}

/// A control of a node without voices that a pattern's gate has opened: 1 while it is open, else 0.
fn open_gate() -> Rig {
    let mut wanted =
        graph(vec![node("out", "dac", &[]), node("a", "dc", &[("level", 0.0)])], &[("a", "out")]);
    wanted.exposed_controls.insert("a/gate".into(), ("a".into(), "level".into()));
    let mut rig = rig(wanted);
    rig.played = 0;
    rig.edit(play("s", hits("a/gate", 1)));
    assert_eq!(rig.render(1_000, &[64])[0][999], 1.0, "half a cycle long");
    rig
}

#[test]
fn a_gate_that_is_open_while_the_graph_changes_closes_at_a_stop_and_at_a_jump() {
    let mut replaced = RawGraph::clone(&open_gate().engine.session().graph);
    replaced.nodes.iter_mut().find(|n| n.id == "a").unwrap().type_id = "dc_other".into();
    let expose = |label: &str| GraphEdit::ExposeControl {
        label: label.into(),
        node_id: "a".into(),
        control_name: "level".into(),
    };
    let changes = [
        Edit::Graph(vec![GraphEdit::AddNode(node("x", "dc", &[]))]),
        Edit::Graph(vec![
            GraphEdit::RemoveNode { id: "out".into() },
            GraphEdit::AddNode(node("out", "dac", &[])),
            GraphEdit::Connect(wire("a", "out")),
        ]),
        Edit::Graph(vec![expose("another name")]),
        Edit::LoadGraph(replaced),
    ];
    for change in changes {
        for how in ["stop", "jump"] {
            let mut rig = open_gate();
            rig.edit(change.clone());
            // Longer than half a beat: what fades has faded.
            let [before, _] = rig.render(14_000, &[64]);
            assert_eq!(before[13_999], 1.0, "{change:?}");
            match how {
                "stop" => rig.playing = false,
                _ => rig.start_beats += 0.3,
            }
            let [after, _] = rig.render(1_000, &[64]);
            assert_eq!(after, [0.0; 1_000], "{how} after {change:?}");
        }
    }
}
