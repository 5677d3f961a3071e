//! Between the two threads: what overtakes what, what waits, and that everything comes to rest.

mod support;
use krach_core::model::Setting;

use krach_core::clock::TransportAt;
use krach_core::engine::*;
use support::*;

fn dc(level: f64) -> RawGraph {
    graph(vec![node("out", "dac", &[]), node("a", "dc", &[("level", level)])], &[("a", "out")])
}

fn rig() -> Rig {
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::LoadGraph(dc(0.5)));
    rig.render(1024, &[256]);
    rig.settle();
    rig
}

/// The same session in a fresh engine.
fn fresh(rig: &Rig) -> Rig {
    let mut engine = Engine::new(probes::registry());
    engine.load(&rig.engine.save()).expect("what was saved can be loaded");
    let mut fresh = Rig::of(engine);
    fresh.played = rig.played;
    fresh
}

fn same_sound(rig: &mut Rig) {
    rig.settle();
    rig.render(3 * 48_000, &[512]);
    rig.settle();
    let mut other = fresh(rig);
    let (a, b) = (rig.render(4_096, &[256]), other.render(4_096, &[256]));
    assert_eq!(first_difference(&a[0], &b[0]), None);
}

#[test]
fn of_many_graphs_between_two_blocks_only_the_newest_is_heard() {
    let mut rig = rig();
    let mut last = None;
    for k in 0..50 {
        last = Some(rig.edit(Edit::LoadGraph(dc(f64::from(k) / 100.0))));
    }
    assert!(!rig.engine.is_done(last.unwrap()));
    assert_eq!(rig.block(256)[0][255], 0.49);
    assert!(rig.engine.is_done(last.unwrap()));
    rig.settle();
}

#[test]
fn a_host_that_does_not_call_for_a_while_finds_the_right_state() {
    for edits in [3_000, 40_000] {
        let mut rig = rig();
        for k in 0..edits {
            let edit = match k % 5 {
                0 if k < 10_000 => Edit::LoadGraph(dc(f64::from(k % 100) / 100.0)),
                1 => Edit::Setting(Setting::Master(f64::from(k % 10) / 10.0)),
                2 => play(&format!("s{}", k % 7), hits("none/gate", 2)),
                _ => set("a/level", f64::from(k % 1000) / 1000.0),
            };
            rig.engine.edit(edit, At::Now).unwrap();
            if k % 100 == 0 {
                rig.engine.tick();
            }
        }
        same_sound(&mut rig);
    }
}

#[test]
fn returns_that_nobody_takes_lose_nothing() {
    let mut rig = rig();
    for k in 0..20 {
        for i in 0..400 {
            rig.engine.edit(set("a/level", f64::from(k * 400 + i) / 10_000.0), At::Now).unwrap();
        }
        rig.engine.edit(Edit::LoadGraph(dc(0.25)), At::Now).unwrap();
        // Blocks without a tick in between: the ring back fills up.
        for _ in 0..10 {
            let reports = [TransportAt { offset: 0, transport: rig.transport() }];
            let engine = std::mem::replace(&mut rig.engine, Engine::new(probes::registry()));
            rig.block_with(64, &reports);
            rig.engine = engine;
        }
    }
    same_sound(&mut rig);
}

#[test]
fn graph_then_set_then_pattern_at_one_position_act_in_that_order() {
    let mut rig = rig();
    let at = At::Position(1.0);
    let mut next = dc(0.5);
    next.nodes.push(node("b", "dc", &[("level", 0.0)]));
    next.connections.push(wire("b", "out"));
    rig.edit_at(Edit::LoadGraph(next), at);
    rig.edit_at(set("b/level", 0.125), at);
    let last = rig.edit_at(play("b", krach_patterns::builders::control("level", 0.25)), at);
    // Meanwhile other things happen at once.
    for k in 0..30 {
        rig.edit(set("a/level", f64::from(k) / 64.0));
        rig.edit(Edit::Graph(vec![GraphEdit::AddNode(node(&format!("x{k}"), "dc", &[]))]));
        rig.block(777);
    }
    rig.render(96_000 - rig.played as usize, &[256]);
    assert_eq!(rig.engine.session().values.get("b/level"), None);
    rig.render(1_000, &[256]);
    assert!(rig.engine.is_done(last));
    assert_eq!(rig.block(64)[0][63], 0.5 + 0.25, "load_graph says 0.5");
    // The set was heard between the graph and the pattern: it is the base.
    rig.edit(Edit::Hush { slot: "b".into() });
    assert_eq!(rig.block(64)[0][63], 0.5 + 0.125);
    assert!(rig.notices.is_empty(), "{:?}", rig.notices);
}

#[test]
fn timed_graphs_survive_immediate_ones_that_race_with_them() {
    // The control side learns of adoptions only now and then.
    let mut rig = rig();
    for k in 0..12 {
        rig.edit_at(
            Edit::Graph(vec![GraphEdit::AddNode(node(&format!("t{k}"), "dc", &[]))]),
            At::Position(0.1 + f64::from(k) * 0.02),
        );
    }
    for k in 0..40 {
        rig.unheard(1_000, &[1_000]);
        // Sent before the returns of that block are read.
        let node = GraphEdit::AddNode(node(&format!("n{k}"), "dc", &[]));
        let receipt = rig.engine.edit(Edit::Graph(vec![node]), At::Now).unwrap();
        rig.engine.edit(Edit::Setting(Setting::Seed(k)), At::Now).unwrap();
        rig.render(30, &[10]);
        assert!(rig.engine.is_done(receipt), "node {k} is there at once");
    }
    rig.settle();
    assert_eq!(rig.engine.status().nodes.len(), 2 + 12 + 40);
    same_sound(&mut rig);
}

#[test]
fn an_edit_that_became_impossible_fails_at_its_time_and_is_said() {
    let mut rig = rig();
    rig.edit(Edit::Graph(vec![GraphEdit::AddNode(node("b", "thru", &[]))]));
    let receipt = rig.edit_at(Edit::Graph(vec![GraphEdit::Connect(wire("a", "b"))]), At::Position(0.5));
    rig.edit(Edit::Graph(vec![GraphEdit::RemoveNode { id: "b".into() }]));
    rig.render(40_000, &[256]);
    assert!(!rig.engine.is_done(receipt));
    rig.render(10_000, &[256]);
    assert!(rig.engine.is_done(receipt));
    let failed = |n: &Notice| matches!(n, Notice::EditFailed { seq, .. } if *seq == receipt.seq);
    assert_eq!(rig.notices.iter().filter(|n| failed(n)).count(), 1);
    rig.settle();
}

#[test]
fn what_comes_too_late_acts_at_once_and_is_said() {
    let mut rig = rig();
    let receipt = rig.edit_at(set("a/level", 0.75), At::Position(0.001));
    assert_eq!(rig.block(256)[0][0], 0.75);
    assert!(rig.notices.iter().any(|n| matches!(n, Notice::Late { seq, .. } if *seq == receipt.seq)));
}

#[test]
fn next_cycle_comes_with_a_stop_a_jump_or_a_loop() {
    for how in ["stop", "jump", "loop"] {
        let mut rig = rig();
        let set = rig.edit_at(set("a/level", 0.75), At::Cycle);
        let graph = Edit::Graph(vec![GraphEdit::AddNode(node("n", "dc", &[]))]);
        let graph = rig.edit_at(graph, At::Bar);
        assert_eq!((set.position, graph.position), (Some(1.0), Some(1.0)));
        rig.block(256);
        assert!(!rig.engine.is_done(set), "{how}");
        match how {
            "stop" => rig.playing = false,
            "jump" => rig.start_beats = 40.3,
            _ => {
                rig.start_beats = 40.0 - rig.transport().beats.unwrap();
                let mut transport = rig.transport();
                transport.loop_range = Some((39.0, 40.01));
                rig.block_with(1024, &[TransportAt { offset: 0, transport }]);
            }
        }
        rig.render(512, &[256]);
        assert!(rig.engine.is_done(graph), "{how}");
        assert_eq!(rig.engine.session().values["a/level"], 0.75, "{how}");
    }
}

#[test]
fn a_pattern_for_the_next_cycle_plays_in_a_loop_that_never_reaches_it() {
    let mut rig = rig();
    let looped = |rig: &Rig| {
        let mut transport = rig.transport();
        transport.beats = Some(transport.beats.unwrap() % 4.0);
        transport.loop_range = Some((0.0, 4.0));
        [TransportAt { offset: 0, transport }]
    };
    rig.edit(play("s", krach_patterns::builders::control("a/level", 0.0625)));
    let mut heard = 0;
    while rig.played < 300_000 {
        let reports = looped(&rig);
        heard += rig.block_with(256, &reports)[0].iter().filter(|x| **x == 0.0625).count();
    }
    assert!(heard > 190_000, "{heard}");
}

#[test]
fn edits_that_wait_survive_deactivation() {
    let mut rig = rig();
    let graph =
        Edit::Graph(vec![GraphEdit::AddNode(node("n", "dc", &[])), GraphEdit::Connect(wire("n", "out"))]);
    rig.edit_at(graph, At::Position(0.5));
    let last = rig.edit_at(set("n/level", 0.25), At::Position(0.5));
    rig.engine.deactivate();
    assert!(!rig.engine.is_done(last));
    let while_off = rig.edit_at(Edit::Setting(Setting::Master(0.5)), At::Position(0.5));
    rig.processor = rig.engine.activate(RATE, MAX_FRAMES);
    rig.render(80_000, &[256]);
    assert!(rig.engine.is_done(while_off));
    assert_eq!(rig.block(64)[0][63], 0.5 * (0.5 + 0.25));
}

#[test]
fn a_batch_is_all_or_nothing() {
    let mut rig = rig();
    let before = rig.engine.save();
    let good = || {
        vec![
            set("a/level", 0.1),
            Edit::Graph(vec![GraphEdit::AddNode(node("n", "dc", &[]))]),
            play("s", hits("n/gate", 2)),
        ]
    };
    let bad = [
        Edit::Graph(vec![GraphEdit::AddNode(node("z", "refuses", &[]))]),
        Edit::Graph(vec![GraphEdit::AddNode(node("n", "dc", &[]))]),
        Edit::Graph(vec![GraphEdit::Connect(wire("n", "n"))]),
        Edit::Setting(Setting::Master(-1.0)),
        set("a/level", f64::NAN),
        Edit::Graph(vec![GraphEdit::AddNode(node("q", "dc", &[("level", f64::INFINITY)]))]),
    ];
    for wrong in bad {
        for at in [At::Now, At::Position(0.5)] {
            let mut edits = good();
            edits.push(wrong.clone());
            assert!(rig.engine.edit(Edit::Batch(edits), at).is_err(), "{wrong:?}");
            assert!(rig.engine.save() == before && !rig.engine.busy());
        }
    }
    assert_eq!(rig.engine.edit(good()[1].clone(), At::Now).unwrap().seq, 2, "numbers rise by one");
    let receipt = rig.edit_at(Edit::Batch(vec![set("n/level", 0.5), Edit::Panic]), At::Position(0.2));
    rig.render(30_000, &[256]);
    assert!(rig.engine.is_done(receipt));
}

#[test]
fn there_is_an_end_to_what_may_wait() {
    let mut rig = rig();
    let edit = |k: usize| set("a/level", k as f64 / 4096.0);
    for k in 0..4096 {
        rig.engine.edit(edit(k), At::Position(0.5)).unwrap();
    }
    assert!(matches!(rig.engine.edit(edit(0), At::Position(0.5)), Err(EditError::Limit { .. })));
    rig.render(60_000, &[256]);
    assert_eq!(rig.engine.session().values["a/level"], 4095.0 / 4096.0);
    rig.settle();
    for k in 0..64 {
        rig.edit_at(
            Edit::Graph(vec![GraphEdit::AddNode(node(&format!("n{k}"), "dc", &[]))]),
            At::Position(9.0),
        );
    }
    let more = Edit::Graph(vec![GraphEdit::AddNode(node("more", "dc", &[]))]);
    assert!(rig.engine.edit(more.clone(), At::Position(1.0)).is_err());
    assert!(rig.engine.edit(Edit::Batch(vec![set("a/level", 1.0); 5000]), At::Position(1.0)).is_err());
    assert!(rig.engine.edit(more, At::Now).is_ok());
}

#[test]
fn names_come_and_go_without_end() {
    let mut rig = rig();
    for k in 0..3000 {
        let id = format!("a{k}");
        rig.edit(Edit::SetAutomation {
            id: id.clone(),
            label: "a/level".into(),
            shape: krach_core::automation::ShapeSpec::Ramp,
            lo: 0.0,
            hi: 1.0,
            period: Period::Secs(1.0),
            one_shot: false,
        });
        rig.edit(Edit::ClearAutomation { id });
        if k % 50 == 0 {
            rig.block(32);
        }
    }
    rig.settle();
    assert!(rig.notices.is_empty(), "{:?}", rig.notices);
    assert_eq!(rig.block(64)[0][63], 0.5);
}

#[test]
fn offline_a_block_waits_for_more_than_the_ring_holds() {
    let mut rig = rig();
    rig.offline = true;
    let link = rig.engine.link();
    let count = link.submitted();
    let (tell, told) = std::sync::mpsc::channel();
    let mut engine = std::mem::replace(&mut rig.engine, Engine::new(probes::registry()));
    let control = std::thread::spawn(move || {
        for k in 0..1_900 {
            engine.edit(set("a/level", f64::from(k) / 8192.0), At::Now).unwrap();
            if k % 100 == 0 {
                engine.edit(Edit::LoadGraph(dc(f64::from(k) / 8192.0)), At::Now).unwrap();
            }
        }
        while !engine.settled() {
            engine.tick();
            std::thread::yield_now();
        }
        link.settled(count);
        tell.send(engine).unwrap();
    });
    let [left, _] = rig.block(256);
    rig.engine = told.recv().unwrap();
    control.join().unwrap();
    assert_eq!(rig.engine.link().offline_timeouts(), 0);
    assert_eq!(left[255], 1899.0 / 8192.0);
}

#[test]
fn a_timed_pattern_plays_before_its_beginning_once_time_has_jumped_back() {
    use krach_patterns::builders::{cat, control};
    let mut rig = rig();
    let halves = cat(vec![control("a/level", 0.0625), control("a/level", 0.125)]);
    rig.edit_at(play("s", halves), At::Position(0.5));
    let before = 48_000 - rig.played as usize;
    assert!(rig.render(before, &[256])[0].iter().all(|x| *x == 0.5));
    assert!(rig.render(12_000, &[256])[0].iter().all(|x| *x == 0.125));
    rig.start_beats = 0.4 - rig.played as f64 / 24_000.0;
    assert!(rig.render(12_000, &[256])[0].iter().all(|x| *x == 0.0625));
}

/// Blocks of a host that loops over the first cycle, until `frames` have played; what sounds.
fn looped(rig: &mut Rig, frames: i64, blocks: &[usize]) -> Vec<f32> {
    let mut left = Vec::new();
    let mut sizes = blocks.iter().cycle();
    while rig.played < frames {
        let n = (*sizes.next().unwrap()).min((frames - rig.played) as usize);
        let mut transport = rig.transport();
        transport.beats = Some(transport.beats.unwrap() % 4.0);
        transport.loop_range = Some((0.0, 4.0));
        left.extend(rig.block_with(n, &[TransportAt { offset: 0, transport }]).into_iter().next().unwrap());
    }
    left
}

#[test]
fn an_edit_at_the_end_of_a_loop_acts_where_the_loop_wraps() {
    for blocks in [&[256][..], &[333], &[2048]] {
        let mut rig = rig();
        let from = rig.played as usize;
        let level = rig.edit_at(set("a/level", 0.25), At::Position(1.0));
        let added = GraphEdit::AddNode(node("n", "dc", &[]));
        let graph = rig.edit_at(Edit::Graph(vec![added]), At::Position(1.0));
        let beyond = rig.edit_at(set("a/level", 0.75), At::Position(1.01));
        let left = looped(&mut rig, 200_000, blocks);
        let wrap = 96_000 - from;
        assert!(left[..wrap].iter().all(|x| *x == 0.5), "{blocks:?}");
        assert!(left[wrap..].iter().all(|x| *x == 0.25), "{blocks:?}");
        assert!(rig.engine.is_done(level) && rig.engine.is_done(graph), "{blocks:?}");
        assert!(!rig.engine.is_done(beyond), "the loop never gets there");
    }
}

#[test]
fn an_edit_at_the_end_of_a_loop_acts_where_a_late_host_lands() {
    // The block ends with the loop; the host lands 5 ms inside the next pass.
    for late in [0.0, 240.0] {
        let mut rig = rig();
        rig.edit_at(set("a/level", 0.25), At::Position(1.0));
        let before = looped(&mut rig, 96_000, &[240]);
        assert!(before.iter().all(|x| *x == 0.5));
        rig.start_beats += late / 24_000.0;
        let after = looped(&mut rig, 96_000 + 2_400, &[240]);
        assert!(after.iter().all(|x| *x == 0.25), "{late} frames late");
    }
}

#[test]
fn what_is_for_the_next_line_acts_at_once_if_it_arrives_after_the_transport_has_stopped() {
    for graph in [false, true] {
        let mut rig = rig();
        rig.render(20_000, &[256]);
        // More than the ring holds: what comes last waits on the control side while the host stops.
        for k in 0..3_000 {
            rig.engine.edit(set("a/level", f64::from(k % 2)), At::Now).unwrap();
        }
        let edit = match graph {
            true => Edit::LoadGraph(dc(0.25)),
            false => set("a/level", 0.25),
        };
        let receipt = rig.engine.edit(edit, At::Cycle).unwrap();
        assert_eq!(receipt.position, Some(1.0));
        rig.playing = false;
        rig.process_unheard(64);
        rig.engine.tick();
        rig.render(4_096, &[256]);
        assert!(rig.engine.is_done(receipt), "a graph: {graph}");
        assert_eq!(rig.block(64)[0][63], 0.25);
    }
}

#[test]
fn a_timed_edit_waits_for_the_plan_before_it_that_has_to_be_built_anew() {
    let mut rig = rig();
    let at = At::Position(0.5);
    let new =
        Edit::Graph(vec![GraphEdit::AddNode(node("b", "dc", &[])), GraphEdit::Connect(wire("b", "out"))]);
    rig.edit_at(new, at);
    rig.edit_at(set("b/level", 0.125), at);
    let last = rig.edit_at(set("a/level", 0.25), at);
    rig.settle_while_playing();
    // Audio adopts a plan, and before the control side hears of that it sends another, and the timed
    // one after it: both follow a plan that does not play any more.
    for id in ["x", "y"] {
        let node = GraphEdit::AddNode(node(id, "dc", &[]));
        rig.engine.edit(Edit::Graph(vec![node]), At::Now).unwrap();
        rig.engine.edit(Edit::Setting(Setting::Seed(1)), At::Now).unwrap();
        rig.process_unheard(64);
    }
    // The time passes unheard: nothing acts before its plan.
    let [left, _] = rig.unheard(50_000, &[500]);
    assert!(left.iter().all(|x| *x == 0.5), "{:?}", left.iter().find(|x| **x != 0.5));
    rig.settle();
    assert!(rig.engine.is_done(last));
    assert_eq!(rig.render(1_000, &[250])[0][999], 0.25 + 0.125);
    let failed = |n: &Notice| matches!(n, Notice::EditFailed { .. });
    assert!(!rig.notices.iter().any(failed), "{:?}", rig.notices);
    let late: Vec<u64> = rig
        .notices
        .iter()
        .filter_map(|n| if let Notice::Late { seq, .. } = n { Some(*seq) } else { None })
        .collect();
    assert_eq!(late, [last.seq - 2, last.seq - 1, last.seq], "late, in the order of the edits");
}

#[test]
fn the_next_line_is_the_one_after_if_the_nearest_is_too_near_to_be_reached() {
    // 20 ms is the least that an edit needs: 960 frames.
    for (before, expected) in [(480, 2.0), (950, 2.0), (970, 1.0), (24_000, 1.0)] {
        for at in [At::Cycle, At::Bar] {
            let mut rig = rig();
            rig.render((96_000 - before - rig.played) as usize, &[256]);
            let receipt = rig.edit_at(set("a/level", 0.25), at);
            assert_eq!(receipt.position, Some(expected), "{at:?} {before} frames before a line");
            let acts = (expected * 96_000.0) as usize - rig.played as usize;
            let [left, _] = rig.render(acts + 1_000, &[256]);
            assert!(left[..acts].iter().all(|x| *x == 0.5) && left[acts] == 0.25);
            assert!(rig.notices.is_empty(), "{:?}", rig.notices);
        }
    }
}

/// One edit of each kind, which waits for that position.
fn ask_for_all_kinds(rig: &mut Rig, at: f64) {
    let automation = Edit::SetAutomation {
        id: "move".into(),
        label: "a/level".into(),
        shape: krach_core::automation::ShapeSpec::Ramp,
        lo: 0.0,
        hi: 1.0,
        period: Period::Bars(1.0),
        one_shot: false,
    };
    let added =
        Edit::Graph(vec![GraphEdit::AddNode(node("n", "dc", &[])), GraphEdit::Connect(wire("n", "out"))]);
    let all = [
        set("a/level", 0.25),
        added,
        play("s", hits("a/level", 2)),
        automation,
        Edit::Fade { label: "a/level".into(), value: 0.125, length: FadeLength::Beats(1.0) },
        Edit::Setting(Setting::Seed(9)),
        SceneEdit::Recall { number: 1, fade: None }.into(),
        Edit::HushAll,
    ];
    for edit in all {
        rig.edit_at(edit, At::Position(at));
    }
}

#[test]
fn what_is_cancelled_never_acts() {
    let mut rig = rig();
    rig.edit(SceneEdit::Save { number: 1, name: "x".into(), transport: false }.into());
    rig.edit(play("kept", hits("a/level", 3)));
    rig.settle_while_playing();
    let before = (rig.engine.save(), rig.engine.history().0.len());
    for turn in 0..3 {
        ask_for_all_kinds(&mut rig, 1.0 + f64::from(turn));
        rig.settle_while_playing();
        let last = rig.engine.last_waiting();
        // What is asked for after it stays; it sets what is set already, which is no step.
        let later = rig.edit_at(set("a/level", 0.5), At::Position(1.5 + f64::from(turn)));
        rig.engine.cancel_waiting(last, At::Position(1.0 + f64::from(turn)));
        assert_eq!(rig.engine.waiting(), 1);
        rig.render((153_600 + 96_000 * i64::from(turn) - rig.played) as usize, &[256, 77]);
        assert!(rig.engine.is_done(later), "{turn}");
        assert_eq!(rig.engine.history().0.len(), before.1, "{:?}", rig.engine.history());
        assert!(rig.notices.is_empty(), "{:?}", rig.notices);
    }
    assert!(rig.engine.save() == before.0, "the session is what it was");
    same_sound(&mut rig);
}

#[test]
fn what_is_cancelled_too_late_is_not_heard_on() {
    // The block in which it acts has been rendered, and the control side does not know yet.
    let mut rig = rig();
    for turn in 0..2 {
        let before = rig.engine.save();
        let cycle = rig.played / 96_000 + 1;
        rig.render((96_000 * cycle - 128 - rig.played) as usize, &[256]);
        let at = At::Position(cycle as f64);
        let edit = match turn {
            0 => play("s", hits("a/level", 2)),
            _ => Edit::Graph(vec![
                GraphEdit::AddNode(node("n", "dc", &[])),
                GraphEdit::Connect(wire("n", "out")),
            ]),
        };
        rig.edit_at(edit, at);
        rig.process_unheard(256);
        rig.engine.cancel_waiting(u64::MAX, At::Now);
        assert_eq!(rig.engine.waiting(), 0);
        rig.settle();
        assert!(rig.engine.save() == before, "{turn}");
        same_sound(&mut rig);
    }
}

#[test]
fn a_pattern_that_plays_is_known_when_the_one_that_was_to_follow_is_cancelled() {
    let mut rig = rig();
    let from_zero = |n| Edit::SetPattern {
        slot: "s".into(),
        pattern: hits("a/level", n),
        from_zero: true,
        origin: None,
        swing: None,
    };
    rig.edit_at(from_zero(3), At::Position(0.5));
    rig.edit_at(from_zero(5), At::Position(7.0));
    rig.render(96_000, &[256]);
    rig.engine.cancel_waiting(rig.engine.last_waiting(), At::Position(7.0));
    let saved = String::from_utf8(rig.engine.save()).expect("it is text");
    assert!(saved.contains("\"origin\":0.5"), "{saved}");
    same_sound(&mut rig);
}

#[test]
fn cancelled_edits_are_gone_without_a_processor_and_leave_room() {
    let mut rig = rig();
    let ask = |rig: &mut Rig| {
        for k in 0..MAX_PENDING {
            rig.edit_at(set("a/level", k as f64 / 1e4), At::Position(1000.0));
        }
    };
    for _ in 0..2 {
        ask(&mut rig);
        assert!(rig.engine.edit(set("a/level", 0.1), At::Position(1000.0)).is_err());
        rig.engine.cancel_waiting(u64::MAX, At::Now);
        rig.settle();
    }
    rig.engine.deactivate();
    ask(&mut rig);
    rig.engine.cancel_waiting(u64::MAX, At::Now);
    rig.processor = rig.engine.activate(RATE, MAX_FRAMES);
    assert_eq!((rig.engine.waiting(), rig.engine.last_waiting()), (0, 0));
    rig.settle();
}

#[test]
fn a_fade_beyond_the_range_goes_to_the_limit_in_its_time() {
    for (target, from) in [(1e30, 1.0), (-1e30, 8.0)] {
        let mut rig = Rig::with(probes::registry());
        let nodes = vec![
            node("out", "dac", &[]),
            node("a", "dc", &[("level", 0.0625)]),
            node("g", "gain", &[("gain", from)]),
        ];
        rig.edit(Edit::Setting(Setting::Limiter(false)));
        rig.edit(Edit::LoadGraph(graph(nodes, &[("a", "g"), ("g", "out")])));
        rig.render(2048, &[256]);
        let begin = rig.block(64)[0][63];
        rig.edit(Edit::Fade { label: "g/gain".into(), value: target, length: FadeLength::Beats(2.0) });
        let on_its_way = rig.render(24_000, &[256])[0][23_999];
        let end = rig.render(48_000, &[256])[0][47_999];
        let half = (begin + end) / 2.0;
        assert!((on_its_way - half).abs() < 0.02 * (end - begin).abs(), "{begin} {on_its_way} {end}");
        assert_eq!(rig.block(64)[0][63], end);
        same_sound(&mut rig);
    }
}
