//! Who writes a control: base ← pattern ← automation, each giving back to the one before.

mod support;
use krach_core::model::Setting;

use krach_core::automation::ShapeSpec;
use krach_core::engine::*;
use krach_patterns::{OscArg, Pattern, Value, builders};
use support::*;

fn rig() -> Rig {
    let mut rig = Rig::with(probes::registry());
    let nodes =
        vec![node("out", "dac", &[]), node("a", "dc", &[("level", 0.5)]), node("b", "dc", &[("level", 0.0)])];
    rig.edit(Edit::LoadGraph(graph(nodes, &[("a", "out"), ("b", "out")])));
    rig.render(1024, &[256]);
    rig
}

fn now(rig: &mut Rig) -> f32 {
    rig.block(64)[0][63]
}

fn automation(label: &str, shape: ShapeSpec, seconds: f64, one_shot: bool) -> Edit {
    Edit::SetAutomation {
        id: "auto".into(),
        label: label.into(),
        shape,
        lo: 0.125,
        hi: 0.3,
        period: Period::Secs(seconds),
        one_shot,
    }
}

fn osc(address: &str, args: Vec<OscArg>) -> Pattern {
    Pattern::Atom { value: Value::Osc { address: address.into(), args }, span: None }
}

#[test]
fn a_pattern_owns_a_control_until_it_is_hushed() {
    let mut rig = rig();
    rig.edit(play("s", builders::control("a/level", 0.25)));
    rig.render(96_000, &[256]);
    assert_eq!(now(&mut rig), 0.25);
    rig.edit(set("a/level", 0.75));
    assert_eq!(now(&mut rig), 0.25, "the base waits underneath");
    rig.edit(Edit::Hush { slot: "s".into() });
    assert_eq!(now(&mut rig), 0.75);
    rig.edit(Edit::Hush { slot: "s".into() });
    rig.edit(Edit::Hush { slot: "never heard of".into() });
    rig.edit(Edit::HushAll);
    rig.settle();
}

#[test]
fn an_automation_owns_a_control_until_it_is_cleared() {
    let mut rig = rig();
    rig.edit(play("s", builders::control("a/level", 0.25)));
    rig.render(96_000, &[256]);
    rig.edit(automation("a/level", ShapeSpec::Square, 1000.0, false));
    assert_eq!(now(&mut rig), 0.3);
    rig.edit(set("a/level", 0.75));
    assert_eq!(now(&mut rig), 0.3);
    rig.edit(Edit::HushAll);
    assert_eq!(now(&mut rig), 0.3);
    rig.edit(Edit::ClearAutomation { id: "auto".into() });
    assert_eq!(now(&mut rig), 0.75);
    rig.edit(Edit::ClearAutomation { id: "auto".into() });
    rig.settle();
}

#[test]
fn a_one_shot_arrives_exactly_and_becomes_the_base_of_audio_and_session() {
    let mut rig = rig();
    rig.edit(automation("a/level", ShapeSpec::Ramp, 0.05, true));
    let [left, _] = rig.render(4_800, &[100]);
    assert!(left[0] < 0.13 && left[2_399] < 0.3);
    assert!(left[2_400..].iter().all(|x| *x == 0.3));
    rig.settle();
    assert_eq!(rig.engine.session().values["a/level"], 0.3);
    assert!(rig.engine.session().automations.is_empty());
    // A set after the arrival but before its report is newer, on both sides.
    rig.edit(automation("a/level", ShapeSpec::Ramp, 0.05, true));
    let engine = std::mem::replace(&mut rig.engine, Engine::new(probes::registry()));
    rig.render(2_600, &[256]);
    rig.engine = engine;
    rig.engine.edit(set("a/level", 0.0625), At::Now).unwrap();
    rig.block(64);
    assert_eq!(now(&mut rig), 0.0625);
    assert_eq!(rig.engine.session().values["a/level"], 0.0625);
}

#[test]
fn the_arrival_of_an_old_one_shot_does_not_end_its_successor() {
    let mut rig = rig();
    rig.edit(automation("a/level", ShapeSpec::Ramp, 0.05, true));
    let engine = std::mem::replace(&mut rig.engine, Engine::new(probes::registry()));
    rig.render(2_600, &[256]);
    rig.engine = engine;
    rig.engine.edit(automation("a/level", ShapeSpec::Square, 1000.0, false), At::Now).unwrap();
    rig.render(512, &[256]);
    assert_eq!(rig.engine.session().automations.len(), 1);
    assert_eq!(now(&mut rig), 0.3);
    rig.edit(Edit::ClearAutomation { id: "auto".into() });
    assert_eq!(now(&mut rig), 0.3, "where the one-shot had arrived");
    assert_eq!(rig.engine.session().values["a/level"], 0.3);
}

#[test]
fn an_automation_follows_its_label() {
    let mut rig = rig();
    let expose = |node: &str| {
        Edit::Graph(vec![GraphEdit::ExposeControl {
            label: "lead".into(),
            node_id: node.into(),
            control_name: "level".into(),
        }])
    };
    rig.edit(set("a/level", 0.0));
    rig.edit(expose("a"));
    rig.edit(automation("lead", ShapeSpec::Square, 1000.0, false));
    assert_eq!(now(&mut rig), 0.3);
    rig.edit(expose("b"));
    rig.render(256, &[64]);
    assert_eq!(now(&mut rig), 0.3, "one of the two, not both");
    rig.edit(set("b/level", 0.5));
    rig.edit(Edit::ClearAutomation { id: "auto".into() });
    assert_eq!(now(&mut rig), 0.5);
}

#[test]
fn unknown_labels_are_accepted_and_an_exposed_label_wins_over_a_path() {
    let mut rig = rig();
    rig.edit(set("nobody/knows", 3.0));
    rig.edit(set("nobody", 3.0));
    assert_eq!(now(&mut rig), 0.5);
    rig.edit(Edit::Graph(vec![GraphEdit::ExposeControl {
        label: "a/level".into(),
        node_id: "b".into(),
        control_name: "level".into(),
    }]));
    rig.edit(set("a/level", 0.25));
    assert_eq!(now(&mut rig), 0.75);
    assert_eq!(rig.engine.status().control_values["a/level"], 0.25);
    // And is still two controls after a reload.
    let mut engine = Engine::new(probes::registry());
    engine.load(&rig.engine.save()).unwrap();
    assert!(engine.save() == rig.engine.save());
    assert_eq!(now(&mut Rig::of(engine)), 0.75);
}

#[test]
fn patterns_set_controls_and_the_master_by_osc_too() {
    let mut rig = rig();
    let values = builders::stack(vec![
        osc("/audio/set", vec![OscArg::Str("b/level".into()), OscArg::Int(1)]),
        osc("/audio/gain", vec![OscArg::Float(0.5)]),
        osc("/elsewhere", vec![OscArg::Int(1)]),
    ]);
    rig.edit(play("s", values));
    rig.render(192_000, &[256]);
    assert_eq!(now(&mut rig), 0.75);
}

#[test]
fn the_master_gain_is_declicked_and_a_panic_cuts_what_sounds() {
    let mut rig = rig();
    rig.edit(Edit::Setting(Setting::Master(0.0)));
    let [left, _] = rig.render(1_000, &[64]);
    assert!(largest_step(&left) < 0.51 / 480.0 && left[480..].iter().all(|x| *x == 0.0));
    rig.edit(Edit::Setting(Setting::Master(1.0)));
    rig.edit(play("a", hits("a/gate", 1)));
    rig.edit(Edit::Graph(vec![
        GraphEdit::AddNode(node("c", "count", &[])),
        GraphEdit::Connect(wire("c", "out")),
    ]));
    rig.render(100_000, &[256]);
    assert!(now(&mut rig) > 0.55);
    rig.edit(Edit::Panic);
    assert!(now(&mut rig) < 0.501);
}

#[test]
fn a_pattern_that_counts_from_its_own_zero_is_saved_with_where_it_began() {
    let mut rig = rig();
    let pattern =
        builders::cat(vec![builders::control("b/level", 0.25), builders::control("b/level", 0.0625)]);
    rig.edit_at(
        Edit::SetPattern {
            slot: "s".into(),
            pattern: pattern.clone(),
            from_zero: true,
            origin: None,
            swing: None,
        },
        At::Position(0.3),
    );
    rig.render(60_000, &[256]);
    assert_eq!(rig.engine.session().slots["s"].origin, Some(0.3));
    // Put in place while time stands still, it begins where time starts.
    let mut other = self::rig();
    other.playing = false;
    other.render(512, &[256]);
    other.edit(Edit::SetPattern { slot: "s".into(), pattern, from_zero: true, origin: None, swing: None });
    other.render(512, &[256]);
    other.playing = true;
    let start = other.transport().beats.unwrap() / 4.0;
    other.render(512, &[256]);
    assert_eq!(other.engine.session().slots["s"].origin, Some(start));
}

#[test]
fn a_gate_whose_label_moves_to_another_node_is_closed_by_a_stop() {
    let mut rig = Rig::new();
    let mut graph = voice("p", 997.0);
    graph.exposed_controls = [("lead/gate".to_owned(), ("p_g".to_owned(), "gain".to_owned()))].into();
    rig.edit(Edit::LoadGraph(graph));
    rig.edit(play("lead", hits("lead/gate", 1)));
    rig.render(4_800, &[256]);
    let expose = |node: &str| GraphEdit::ExposeControl {
        label: "lead/gate".into(),
        node_id: node.into(),
        control_name: "gain".into(),
    };
    rig.edit(Edit::Graph(vec![GraphEdit::AddNode(node("q_g", "gain", &[("gain", 0.0)])), expose("q_g")]));
    rig.render(512, &[256]);
    rig.playing = false;
    rig.render(1_024, &[256]);
    let [left, _] = rig.render(4_800, &[256]);
    assert!(left.iter().all(|x| *x == 0.0), "nothing sounds after the stop");
}

#[test]
fn a_value_set_back_to_the_default_stays_through_a_plan_that_was_made_before() {
    let mut rig = Rig::new();
    rig.edit(Edit::LoadGraph(voice("p", 0.01)));
    let set = |value| Edit::SetControl { label: "p/waveform".into(), value };
    rig.edit(set(2.0));
    rig.block(256);
    let add = Edit::Graph(vec![GraphEdit::AddNode(node("x", "gain", &[]))]);
    rig.edit_at(add, At::Position(0.05));
    // The default is 0, a sine.
    rig.edit(set(0.0));
    rig.edit(Edit::SetControl { label: "p_g/gain".into(), value: 1.0 });
    rig.render(12_000, &[256]);
    let [left, _] = rig.render(256, &[256]);
    assert!(left.iter().all(|x| x.abs() < 0.9), "a sine near its beginning, not a square: {}", left[0]);
}

#[test]
fn a_one_shot_that_is_started_again_at_its_end_runs_again() {
    let mut rig = Rig::new();
    let mut graph = voice("p", 0.01);
    graph.nodes[1].controls.insert("waveform".into(), 2.0);
    rig.edit(Edit::LoadGraph(graph));
    let fade = |lo, hi, secs| Edit::SetAutomation {
        id: "x".into(),
        label: "p_g/gain".into(),
        shape: krach_core::automation::ShapeSpec::Ramp,
        lo,
        hi,
        period: Period::Secs(secs),
        one_shot: true,
    };
    rig.block(64);
    rig.edit(fade(0.0, 0.1, 0.01));
    // Due while the first has arrived and the control side does not know yet.
    rig.edit_at(fade(0.5, 0.5, 1.0), At::Position(1_500.0 / 96_000.0));
    rig.block(2_048);
    let [left, _] = rig.render(2_048, &[256]);
    let [unit, _] = {
        rig.edit(Edit::ClearAutomation { id: "x".into() });
        rig.edit(Edit::SetControl { label: "p_g/gain".into(), value: 1.0 });
        rig.render(2_048, &[256])
    };
    assert!((left[2_047] / unit[2_047] - 0.5).abs() < 0.01, "{} of {}", left[2_047], unit[2_047]);
}

#[test]
fn tempos_and_meters_beyond_reason_are_ignored() {
    let mut rig = Rig::new();
    for bpm in [1e9, 1e-9, f64::NAN, -3.0] {
        rig.edit(Edit::Setting(Setting::Bpm(bpm)));
    }
    for beats in [1e-9, 1e9, 0.0, f64::INFINITY] {
        rig.edit(Edit::Setting(Setting::BeatsPerCycle(beats)));
    }
    let status = rig.engine.status();
    assert_eq!((status.settings.bpm, status.meter), (120.0, 4.0));
}

#[test]
fn a_value_that_comes_before_the_first_sample_sounds_as_if_created_with_it_however_quick_the_control_side_is()
{
    let sound = |gain: f64, then: &[Edit], quick: bool| {
        let mut rig = Rig::with(probes::registry());
        let nodes = vec![
            node("out", "dac", &[]),
            node("a", "dc", &[("level", 0.5)]),
            node("fader", "gain", &[("gain", gain)]),
            node("tone", "oscillator", &[("amp", gain)]),
        ];
        let wires = [("a", "fader"), ("fader", "out"), ("tone", "out")];
        rig.engine.edit(Edit::LoadGraph(graph(nodes, &wires)), At::Now).unwrap();
        if quick {
            // The plan is on its way before the value is.
            rig.engine.tick();
        }
        for edit in then {
            rig.engine.edit(edit.clone(), At::Now).unwrap();
        }
        rig.engine.tick();
        rig.render(4_000, &[64])[0].clone()
    };
    let set = |label: &str| Edit::SetControl { label: label.into(), value: 0.25 };
    let created = sound(0.25, &[], false);
    for quick in [false, true] {
        let late = sound(0.75, &[set("fader/gain"), set("tone/amp")], quick);
        assert_eq!(first_difference(&created, &late), None, "quick: {quick}");
    }
}
