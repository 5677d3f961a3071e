//! Macros: each moves its controls on its sample; what the host adds on top leaves no trace.

use super::support::*;
use super::{PARTITIONS, render};
use krach_core::automation::ShapeSpec;
use krach_core::edit::{NodeEdit, NodeSpec};
use krach_core::engine::*;
use krach_core::ir::{NodeIr, RouteIr, RouteKind, Source};
use krach_core::model::{Curve, MacroState, MacroTarget, Setting};
use krach_core::node::{Control, Registry, Scale};
use krach_core::processor::{ParamEvent, ParamId};
use krach_patterns::{Pattern, builders};

const THIRD: ParamId = ParamId::Macro(2);
const LAST: ParamId = ParamId::Macro(63);

fn target(label: &str, lo: f64, hi: f64) -> MacroTarget {
    MacroTarget { label: label.into(), lo, hi, curve: Curve::Auto }
}

fn moves(number: u8, targets: &[MacroTarget]) -> Edit {
    let state = MacroState { targets: targets.to_vec(), ..MacroState::new(number) };
    Edit::Macro { number, to: Some(Box::new(state)) }
}

/// A node of the session that is heard through its fader; `verb` hears it through a send.
fn node_edit(name: &str, type_id: &str) -> NodeEdit {
    let node = NodeIr { name: name.into(), source: Source::Type(type_id.into()), ..NodeIr::default() };
    NodeEdit::Set(Box::new(NodeSpec { node, gain: Some(1.0), ..NodeSpec::default() }))
}

/// Two constants, `a/level` and `b/level`, straight to the output.
fn constants() -> Rig {
    with_registry(probes::registry())
}

fn with_registry(registry: Registry) -> Rig {
    let mut rig = Rig::with(registry);
    rig.edit(Edit::Setting(Setting::Limiter(false)));
    let nodes = vec![node("out", "dac", &[]), node("a", "level", &[]), node("b", "level", &[])];
    rig.edit(Edit::LoadGraph(graph(nodes, &[("a", "out"), ("b", "out")])));
    rig.settle();
    (rig.played, rig.rendered) = (0, 0);
    rig
}

fn value(rig: &Rig, path: &str) -> Option<f64> {
    rig.engine.session().values.get(path).copied()
}

#[test]
fn a_macro_moves_all_its_controls_on_its_sample_in_every_partition() {
    let changes = [
        (100, THIRD, 0.5, 0.0),
        (100, LAST, 1.0, 0.0),
        // Of several on one sample the last counts.
        (1_003, THIRD, 0.1, 0.0),
        (1_003, THIRD, 0.75, 0.0),
        (1_004, THIRD, 0.25, 0.0),
        (2_999, THIRD, 1.0, 0.0),
    ];
    let rig = || {
        let mut rig = constants();
        rig.edit(moves(3, &[target("a/level", 0.0, 2.0), target("b/level", 0.5, -0.5)]));
        rig.edit(moves(64, &[target("b/level", 0.0, 0.125)]));
        rig.edit(set("a/level", 0.25));
        rig
    };
    let mut whole = rig();
    let [left, _] = render(&mut whole, 4_000, &[480], &changes);
    let expected = |at: i64| match at {
        ..100 => 0.25,
        // Of two macros on one sample the one that the host lists last.
        100..1_003 => 1.0 + 0.125,
        1_003 => 1.5 - 0.25,
        1_004..2_999 => 0.5 + 0.25,
        _ => 2.0 - 0.5,
    };
    for (at, sample) in (0..).zip(&left) {
        assert_eq!(*sample, expected(at), "sample {at}");
    }
    whole.engine.tick();
    assert_eq!((value(&whole, "a/level"), value(&whole, "b/level")), (Some(2.0), Some(-0.5)));
    for blocks in PARTITIONS {
        let other = render(&mut rig(), 4_000, blocks, &changes);
        assert_eq!(first_difference(&left, &other[0]), None, "blocks {blocks:?}");
    }
}

#[test]
fn the_last_to_write_a_base_value_counts_and_a_macro_that_stands_writes_nothing() {
    let mut rig = constants();
    rig.edit(moves(3, &[target("a/level", 0.0, 2.0)]));
    // It does not move a control where it comes to it, nor where it stands.
    rig.edit(set("a/level", 0.25));
    let next = |rig: &mut Rig, changes: &[(ParamId, f32)]| {
        let at = rig.rendered;
        let changes: Vec<_> = changes.iter().map(|(param, value)| (at, *param, *value, 0.0)).collect();
        render(rig, 512, &[512], &changes)[0][511]
    };
    assert_eq!(next(&mut rig, &[]), 0.25);
    assert_eq!(next(&mut rig, &[(THIRD, 0.5)]), 1.0);
    rig.edit(set("a/level", 0.75));
    assert_eq!(next(&mut rig, &[(THIRD, 0.5)]), 0.75, "where it stands already");
    let saved = rig.engine.save();
    assert_eq!(next(&mut rig, &[(THIRD, 0.25)]), 0.5);
    // A load says what the control stands at; the macro's value holds, and moves it when it changes.
    rig.engine.load(&saved).expect("it was just saved");
    for _ in 0..20 {
        next(&mut rig, &[]);
    }
    assert_eq!(next(&mut rig, &[]), 0.75);
    assert_eq!(next(&mut rig, &[(THIRD, 0.25)]), 0.75);
    assert_eq!(next(&mut rig, &[(THIRD, 1.0)]), 2.0);
    // A pattern is stronger than a base value, which it gives back.
    rig.edit_at(play("x", builders::control("a/level", 0.125)), At::AtOnce);
    rig.playing = true;
    let reports = |rig: &Rig| [krach_core::clock::TransportAt { offset: 0, transport: rig.transport() }];
    let running = reports(&rig);
    rig.block_with(64, &running);
    assert_eq!(next(&mut rig, &[(THIRD, 0.0)]), 0.125);
    rig.edit(Edit::Hush { slot: "x".into() });
    assert_eq!(next(&mut rig, &[]), 0.0, "the macro's value is the base by now");
    // What settles does not move.
    rig.edit(set("a/level", 0.375));
    rig.processor.settle_param(THIRD, 0.875, 0.0);
    assert_eq!(next(&mut rig, &[]), 0.375);
    assert_eq!(next(&mut rig, &[(THIRD, 0.875)]), 0.375, "it stands there");
}

#[test]
fn modulation_lies_on_top_of_whoever_writes_and_leaves_no_trace() {
    let run = |modulated: bool, before: &dyn Fn(&mut Rig)| {
        let mut rig = constants();
        rig.edit(moves(3, &[target("a/level", 0.0, 2.0)]));
        rig.edit(moves(4, &[target("a/level", 0.0, 1.0)]));
        rig.edit(set("a/level", 0.75));
        before(&mut rig);
        let amount = |modulation: f32| if modulated { modulation } else { 0.0 };
        let changes = [
            (10, THIRD, 0.25, 0.0),
            (1_000, THIRD, 0.25, amount(0.5)),
            (1_500, ParamId::Macro(3), 0.0, amount(0.25)),
            (2_000, THIRD, 0.25, amount(-1.0)),
            (3_000, THIRD, 0.25, 0.0),
            (3_100, ParamId::Macro(3), 0.0, 0.0),
        ];
        let [left, _] = render(&mut rig, 5_000, &[333], &changes);
        let saved = rig.engine.save();
        for blocks in PARTITIONS.iter().filter(|_| modulated) {
            let mut other = constants();
            other.edit(moves(3, &[target("a/level", 0.0, 2.0)]));
            other.edit(moves(4, &[target("a/level", 0.0, 1.0)]));
            other.edit(set("a/level", 0.75));
            before(&mut other);
            let [cut, _] = render(&mut other, 5_000, blocks, &changes);
            assert_eq!(first_difference(&left, &cut), None, "blocks {blocks:?}");
        }
        (left, saved)
    };
    let (plain, saved) = run(false, &|_| ());
    let (heard, kept) = run(true, &|_| ());
    for (at, (sample, plain)) in (0..).zip(heard.iter().zip(&plain)) {
        let top = match at {
            1_000..1_500 => 1.0,
            1_500..2_000 => 1.25,
            2_000..3_000 => -0.5 + 0.25,
            3_000..3_100 => 0.25,
            _ => 0.0,
        };
        assert_eq!((*sample, *plain), (plain + top, if at < 10 { 0.75 } else { 0.5 }), "sample {at}");
    }
    assert_eq!(saved, kept, "it is part of no state");
    // On top of an automation, too, which goes on by itself.
    let lfo = |rig: &mut Rig| {
        let (id, label, shape) = ("lfo".into(), "a/level".into(), ShapeSpec::Sine);
        let period = Period::Secs(0.05);
        let (lo, hi) = (1.0, 3.0);
        rig.edit(Edit::SetAutomation { id, label, shape, lo, hi, period, one_shot: false });
    };
    let (plain, saved) = run(false, &lfo);
    let (heard, kept) = run(true, &lfo);
    let top = |at: usize| heard[at] - plain[at];
    assert!((top(1_400) - 1.0).abs() < 1e-5 && (top(1_900) - 1.25).abs() < 1e-5, "{}", top(1_400));
    assert!(heard[..1_000] == plain[..1_000] && heard[3_200..] == plain[3_200..]);
    assert_ne!(plain[3_200], plain[4_000], "it moves");
    assert_eq!(saved, kept);
    // A macro that is taken away, or a target that is, takes its modulation along.
    let mut rig = constants();
    rig.edit(moves(3, &[target("a/level", 0.0, 2.0)]));
    rig.edit(set("a/level", 0.75));
    assert_eq!(render(&mut rig, 64, &[64], &[(0, THIRD, 0.0, 0.25)])[0][63], 1.25);
    rig.edit(moves(3, &[target("b/level", 0.0, 2.0)]));
    assert_eq!(render(&mut rig, 64, &[64], &[])[0][63], 0.75 + 0.5);
    rig.edit(Edit::Macro { number: 3, to: None });
    assert_eq!(render(&mut rig, 64, &[64], &[])[0][63], 0.75);
}

/// A type whose control is spread over octaves.
fn octaves() -> Registry {
    let mut registry = probes::registry();
    let scaled = probes::scaled(
        "octaves",
        Control::continuous("cutoff", 20.0, 20_000.0, 800.0).unit("Hz").scale(Scale::Log),
    );
    registry.add(scaled);
    registry
}

#[test]
fn curves_names_and_ranges_are_those_of_the_target_or_the_control_s_own() {
    let mut rig = with_registry(octaves());
    let named = probes::named_values("named", &[("low", 0.0), ("mid", 1.0), ("high", 4.0)]);
    rig.engine.set_type(named).expect("it is a type");
    rig.edit(Edit::Graph(vec![
        GraphEdit::AddNode(node("o", "octaves", &[])),
        GraphEdit::AddNode(node("n", "named", &[])),
    ]));
    rig.settle();
    let mut place = 0.0;
    let mut at = |curve: Curve, label: &str, (lo, hi): (f64, f64), share: f32| {
        let to = MacroTarget { label: label.into(), lo, hi, curve };
        rig.edit(moves(3, &[to]));
        // Never where it stands already.
        place = if place == 0.0 { 0.001 } else { 0.0 };
        let now = rig.rendered;
        render(&mut rig, 64, &[64], &[(now, THIRD, place, 0.0), (now + 1, THIRD, share, 0.0)]);
        rig.engine.tick();
        value(&rig, label).expect("it was moved")
    };
    let cutoff = (20.0, 20_000.0);
    let half = 64.0 / 127.0;
    assert!((at(Curve::Auto, "o/cutoff", cutoff, half) - 650.0).abs() < 1.0, "as by a controller");
    assert!((at(Curve::Linear, "o/cutoff", cutoff, half) - 10_088.7).abs() < 0.1);
    assert!((at(Curve::Auto, "o/cutoff", (20_000.0, 20.0), 0.25) - 3556.56).abs() < 0.01, "the other way");
    assert!((at(Curve::S, "o/cutoff", cutoff, 0.25) - 20.0 * 1000_f64.powf(0.15625)).abs() < 1e-3);
    assert!((at(Curve::Log, "a/level", (1.0, 4.0), 0.5) - 2.0).abs() < 1e-6);
    assert!((at(Curve::Exp, "a/level", (0.0, 1.0), 0.5) - 0.62011).abs() < 1e-4);
    assert_eq!(at(Curve::Linear, "a/level", (0.0, 1.0), 0.5), 0.5);
    let names = [0.1, 0.5, 0.9].map(|share| at(Curve::Linear, "n/level", (0.0, 4.0), share));
    assert_eq!(names, [0.0, 1.0, 4.0], "values that have names");
}

#[test]
fn modulation_of_octaves_multiplies() {
    let mut rig = with_registry(octaves());
    rig.edit(Edit::Graph(vec![
        GraphEdit::AddNode(node("o", "octaves", &[("cutoff", 100.0)])),
        GraphEdit::Connect(wire("o", "out")),
    ]));
    rig.settle();
    rig.edit(moves(3, &[target("o/cutoff", 20.0, 20_480.0)]));
    let now = rig.rendered;
    // A tenth of ten octaves; the control stands elsewhere than the macro.
    let [left, _] = render(
        &mut rig,
        256,
        &[64],
        &[(now + 50, THIRD, 0.0, 0.1), (now + 99, THIRD, 0.0, 0.2), (now + 200, THIRD, 0.0, 0.0)],
    );
    assert_eq!((left[49], left[200], value(&rig, "o/cutoff")), (100.0, 100.0, Some(100.0)));
    assert!((left[50] - 200.0).abs() < 1e-3 && (left[99] - 400.0).abs() < 1e-3, "{} {}", left[50], left[99]);
}

#[test]
fn faders_and_sends_are_moved_by_their_addresses() {
    let mut rig = Rig::with(probes::registry());
    let route = RouteIr {
        source: "bass".into(),
        target: "verb".into(),
        kind: RouteKind::Send,
        level: 0.0,
        ..RouteIr::default()
    };
    rig.edit(Edit::Nodes(vec![node_edit("bass", "dc"), node_edit("verb", "thru"), NodeEdit::Connect(route)]));
    rig.settle();
    assert_eq!(
        rig.engine.range_of("bass/@gain"),
        Some((0.0, 1.0)),
        "unity is the most that is not asked for"
    );
    assert_eq!(rig.engine.range_of("bass/@send/verb"), Some((0.0, 1.0)));
    // Short for the addresses, as which they are stored.
    rig.edit(moves(3, &[target("bass/gain", 1.0, 0.0), target("bass/verb_send", 0.0, 0.5)]));
    let labels = |rig: &Rig| -> Vec<String> {
        rig.engine.session().macros[0].targets.iter().map(|target| target.label.clone()).collect()
    };
    assert_eq!(labels(&rig), ["bass/@gain", "bass/@send/verb"]);
    let now = rig.rendered;
    let [left, _] = render(&mut rig, 2_000, &[256], &[(now + 300, THIRD, 0.5, 0.0)]);
    assert_eq!(left[299], 1.0);
    assert!(left[300] != 1.0, "it sets off on its sample, without a click");
    assert!(largest_step(&left) < 0.01);
    assert_eq!(left[1_999], 0.5 + 0.5 * 0.25);
    rig.engine.tick();
    assert_eq!(
        (rig.engine.session().gain_of("bass"), rig.engine.session().level_of("bass", "verb")),
        (0.5, 0.25)
    );
}

#[test]
fn a_macro_whose_control_goes_sleeps_named_and_wakes_with_it() {
    let mut rig = constants();
    rig.edit(moves(3, &[target("a/level", 0.0, 2.0), target("b/level", 0.0, 1.0)]));
    let remove = |id: &str| Edit::Graph(vec![GraphEdit::RemoveNode { id: id.into() }]);
    let add = |type_id: &str| {
        Edit::Graph(vec![GraphEdit::AddNode(node("a", type_id, &[])), GraphEdit::Connect(wire("a", "out"))])
    };
    let awake = |rig: &Rig| rig.engine.macros()[0].awake.clone();
    assert_eq!(awake(&rig), [true, true]);
    let now = rig.rendered;
    render(&mut rig, 64, &[64], &[(now, THIRD, 0.25, 0.125)]);
    rig.edit(remove("a"));
    rig.settle();
    assert_eq!(awake(&rig), [false, true]);
    let now = rig.rendered;
    let [left, _] = render(&mut rig, 64, &[64], &[(now, THIRD, 0.5, 0.125)]);
    assert_eq!(left[63], 0.5 + 0.125, "the other is moved");
    // It wakes: what the host adds is there at once, its value when it changes.
    rig.edit(add("level"));
    rig.settle();
    assert_eq!(awake(&rig), [true, true]);
    assert_eq!(render(&mut rig, 512, &[64], &[])[0][511], 0.25 + 0.625);
    let now = rig.rendered;
    assert_eq!(render(&mut rig, 64, &[64], &[(now, THIRD, 0.25, 0.0)])[0][63], 0.5 + 0.25);
    // Other code of the node's type that lacks the control is told, and stands until it is back.
    let told =
        |rig: &Rig| rig.notices.iter().filter(|n| n.to_string().contains("macro 3 names x/level")).count();
    let mut engine = Engine::new(probes::registry());
    engine
        .set_type(probes::scaled("faust:x", Control::continuous("level", 0.0, 1.0, 0.0)))
        .expect("it is a type");
    let mut rig = Rig::of(engine);
    rig.edit(Edit::Graph(vec![GraphEdit::AddNode(node("x", "faust:x", &[]))]));
    rig.edit(moves(3, &[target("x/level", 0.0, 2.0)]));
    rig.engine
        .set_type(probes::scaled("faust:x", Control::continuous("other", 0.0, 1.0, 0.0)))
        .expect("it is a type");
    rig.settle();
    rig.block(64);
    assert_eq!(told(&rig), 1, "{:?}", rig.notices);
    assert!(rig.notices.iter().all(|notice| rig.engine.stands(notice)));
    rig.engine
        .set_type(probes::scaled("faust:x", Control::continuous("level", 0.0, 1.0, 0.0)))
        .expect("it is a type");
    rig.settle();
    assert!(!rig.notices.iter().any(|notice| rig.engine.stands(notice)));
    assert_eq!(awake(&rig), [true]);
}

#[test]
fn all_macros_with_all_their_targets_move_on_one_sample() {
    let mut registry = probes::registry();
    let names: Vec<String> = (0..64 * 16).map(|n| format!("c{n}")).collect();
    let controls = names.iter().map(|name| Control::continuous(name, 0.0, 1.0, 0.0));
    registry.add(probes::summing("sum", controls.collect()));
    let mut rig = with_registry(registry);
    rig.edit(Edit::Graph(vec![
        GraphEdit::AddNode(node("s", "sum", &[])),
        GraphEdit::Connect(wire("s", "out")),
    ]));
    rig.settle();
    for number in 1..=64_u8 {
        let targets: Vec<_> = (0..16)
            .map(|n| target(&format!("s/c{}", (usize::from(number) - 1) * 16 + n), 0.0, 1.0))
            .collect();
        rig.edit(moves(number, &targets));
    }
    rig.settle();
    let now = rig.rendered;
    let all: Vec<_> = (0..64).map(|n| (now + 7, ParamId::Macro(n), 1.0 / 1024.0, 0.0)).collect();
    let [left, _] = render(&mut rig, 64, &[64], &all);
    assert_eq!((left[6], left[7], left[63]), (0.0, 1.0, 1.0));
    for _ in 0..4 {
        rig.block(64);
    }
    assert!(names.iter().all(|name| value(&rig, &format!("s/{name}")) == Some(1.0 / 1024.0)));
    // A flood of one sample after the other: each block has room for some thousand changes, the last of which counts.
    let now = rig.rendered;
    let flood: Vec<_> =
        (0..1_024).map(|n| (now + n, ParamId::Macro((n % 64) as u8), n as f32 / 1024.0, 0.0)).collect();
    let [left, _] = render(&mut rig, 2_048, &[2_048], &flood);
    let last = |number: i64| f64::from((960 + number) as f32 / 1024.0);
    let sum: f64 = (0..64).map(|number| 16.0 * last(number)).sum();
    assert!((f64::from(left[2_047]) - sum).abs() < 0.01, "{} {sum}", left[2_047]);
    let full = MacroState { targets: vec![target("a", 0.0, 1.0); 17], ..MacroState::new(1) };
    let refused = rig.engine.edit(Edit::Macro { number: 1, to: Some(Box::new(full)) }, At::Now);
    assert_eq!(refused.unwrap_err().to_string(), "targets: expected at most 16 targets");
    let refused = rig.engine.edit(moves(65, &[]), At::Now);
    assert_eq!(refused.unwrap_err().to_string(), "number: expected the number of a macro, from 1 to 64");
}

#[test]
fn macros_are_part_of_the_document_and_of_undo_and_stay_where_nothing_is_said_of_them() {
    let mut rig = constants();
    let state = MacroState {
        number: 3,
        name: "Cutoff".into(),
        unit: "Hz".into(),
        targets: vec![
            MacroTarget { curve: Curve::S, ..target("a/level", 2.0, 0.5) },
            target("b/level", 0.0, 1.0),
        ],
    };
    rig.edit(Edit::Macro { number: 3, to: Some(Box::new(state.clone())) });
    rig.edit(moves(1, &[target("nobody/yet", 0.0, 1.0)]));
    let numbers = |rig: &Rig| rig.engine.session().macros.iter().map(|m| m.number).collect::<Vec<_>>();
    assert_eq!(numbers(&rig), [1, 3]);
    // Undo, redo.
    rig.edit(Edit::Macro { number: 3, to: None });
    assert_eq!(numbers(&rig), [1]);
    let (label, _) = rig.engine.undo(At::Now).expect("nothing is in the way").expect("there is a step");
    assert_eq!((label.as_str(), numbers(&rig)), ("unmacro 3", vec![1, 3]));
    assert_eq!(rig.engine.session().macro_of(3), Some(&state));
    rig.engine.redo(At::Now).expect("nothing is in the way");
    assert_eq!(numbers(&rig), [1]);
    rig.engine.undo(At::Now).expect("nothing is in the way");
    let now = rig.rendered;
    let [left, _] = render(&mut rig, 64, &[64], &[(now + 9, THIRD, 0.0, 0.0), (now + 10, THIRD, 1.0, 0.0)]);
    assert_eq!((left[9], left[10]), (0.0, 0.5 + 1.0), "what was taken back moves again");
    // The document, there and back.
    let saved = rig.engine.save();
    let mut other = Rig::with(probes::registry());
    other.engine.load(&saved).expect("it was just saved");
    assert_eq!(other.engine.save(), saved);
    assert_eq!(other.engine.session().macro_of(3), Some(&state));
    let [left, _] = render(&mut other, 4_000, &[512], &[(3_000, THIRD, 0.5, 0.0)]);
    assert_eq!(left[3_999], 1.25 + 0.5);
    // What is loaded into a session and says nothing of macros leaves them; so does clearing.
    let foreign = krach_core::ir::ModuleIr::default();
    let edit = rig.engine.session().loading(foreign, rig.engine.registry()).expect("it is a module");
    rig.edit(edit);
    assert_eq!(numbers(&rig), [1, 3]);
    let silent = br#"{"krach": {"seed": 7}}"#;
    let module = krach_core::session::Session::read_module(std::str::from_utf8(silent).unwrap()).unwrap();
    let edit = rig.engine.session().loading(module, rig.engine.registry()).expect("it is a module");
    rig.edit(edit);
    assert_eq!((numbers(&rig), rig.engine.session().settings.seed), (vec![1, 3], 7));
    rig.edit(rig.engine.session().clearing());
    assert_eq!(numbers(&rig), [1, 3]);
    // A state of the host is the whole.
    rig.engine.load(silent).expect("it is a document");
    assert!(numbers(&rig).is_empty());
    for (bad, place) in [
        (r#"{"krach": {"macros": [{"number": 1}, {"number": 0}]}}"#, "$.krach.macros[1]"),
        (r#"{"krach": {"macros": [{"number": 65}]}}"#, "$.krach.macros[0]"),
        (
            r#"{"krach": {"macros": [{"number": 1, "targets": [{"label": "", "lo": 0, "hi": 1}]}]}}"#,
            "$.krach.macros[0]",
        ),
        (
            r#"{"krach": {"macros": [{"number": 1, "targets": [{"label": "a", "lo": 0, "hi": 1, "curve": "zig"}]}]}}"#,
            "curve",
        ),
    ] {
        let error = rig.engine.load(bad.as_bytes()).expect_err(bad).to_string();
        assert!(error.contains(place), "{error}");
    }
}

#[test]
fn edits_of_macros_have_a_time() {
    let mut rig = constants();
    rig.edit(moves(3, &[target("a/level", 0.0, 1.0)]));
    // At 120 bpm a cycle has 96 000 samples.
    rig.edit_at(moves(3, &[target("b/level", 0.0, 2.0)]), At::Position(1.0 / 96.0));
    let mut moved = Vec::new();
    for at in [0.25_f32, 0.5, 0.75, 1.0] {
        rig.params.push(krach_core::processor::ParamEvent {
            offset: 0,
            param: THIRD,
            value: at,
            modulation: 0.0,
        });
        moved.push(rig.block(500)[0][499]);
    }
    assert_eq!(moved, [0.25, 0.5, 0.5 + 1.5, 0.5 + 2.0]);
    let labels = |rig: &Rig| rig.engine.session().macros[0].targets[0].label.clone();
    assert_eq!(labels(&rig), "b/level");
}

#[test]
fn a_value_that_a_macro_set_is_saved_also_if_the_macro_is_gone_meanwhile() {
    let mut rig = constants();
    rig.edit(moves(3, &[target("a/level", 0.0, 1.0)]));
    rig.settle();
    rig.params.push(krach_core::processor::ParamEvent {
        offset: 0,
        param: THIRD,
        value: 0.5,
        modulation: 0.0,
    });
    rig.process_unheard(64);
    rig.engine.edit(Edit::Macro { number: 3, to: None }, At::Now).expect("it is one");
    assert_eq!(rig.block(64)[0][63], 0.5);
    assert_eq!(value(&rig, "a/level"), Some(0.5));
}

#[test]
fn a_control_waits_for_a_macro_and_a_macro_for_a_control() {
    let mut rig = constants();
    rig.edit(moves(4, &[target("b/level", 0.0, 1.0)]));
    let learn = |rig: &mut Rig, learning| rig.engine.learn_macro(learning).expect("it is right");
    let push = |rig: &mut Rig, param, value, modulation| {
        rig.params.push(krach_core::processor::ParamEvent { offset: 3, param, value, modulation });
        rig.block(64);
        rig.block(64);
    };
    learn(&mut rig, Some(MacroLearning::Control(target("a/level", 0.0, 2.0))));
    push(&mut rig, THIRD, 0.0, 0.5);
    assert!(rig.engine.learning_macro().is_some(), "modulation is no hand on a knob");
    push(&mut rig, ParamId::Macro(3), 0.5, 0.0);
    assert_eq!(rig.engine.learning_macro(), None);
    let targets = |rig: &Rig, number| rig.engine.session().macro_of(number).map(|m| m.targets.clone());
    assert_eq!(targets(&rig, 4), Some(vec![target("b/level", 0.0, 1.0), target("a/level", 0.0, 2.0)]));
    push(&mut rig, THIRD, 0.25, 0.0);
    assert_eq!(targets(&rig, 3), None, "one at a time");
    // A macro waits for the next control that is set; what is unknown is none.
    learn(&mut rig, Some(MacroLearning::Macro(3)));
    rig.edit(Edit::Setting(Setting::Master(0.5)));
    rig.edit(set("nobody/level", 0.5));
    assert_eq!(targets(&rig, 3), None);
    rig.edit(set("a/level", 0.5));
    let own = rig.engine.range_of("a/level").expect("it is known");
    assert_eq!(targets(&rig, 3), Some(vec![target("a/level", own.0, own.1)]));
    rig.edit(set("b/level", 0.75));
    assert_eq!(targets(&rig, 3).map(|targets| targets.len()), Some(1));
    // It is a step of its own.
    let (label, _) = rig.engine.undo(At::Now).expect("nothing is in the way").expect("there is a step");
    assert_eq!(label, "set b/level");
    let (label, _) = rig.engine.undo(At::Now).expect("nothing is in the way").expect("there is a step");
    assert_eq!((label.as_str(), targets(&rig, 3)), ("macro 3", None));
    let wrong = MacroLearning::Control(target("a/level", f64::NAN, 2.0));
    assert!(
        rig.engine.learn_macro(Some(wrong)).is_err()
            && rig.engine.learn_macro(Some(MacroLearning::Macro(0))).is_err()
    );
}

#[test]
fn the_host_sees_what_a_macro_moves() {
    let mut rig = with_registry(octaves());
    rig.edit(Edit::Nodes(vec![node_edit("bass", "octaves")]));
    rig.settle();
    rig.edit(moves(1, &[target("bass/cutoff", 20.0, 20_000.0)]));
    rig.edit(moves(2, &[target("bass/@gain", 0.0, 1.0)]));
    rig.edit(moves(3, &[target("gone/x", 0.0, 1.0), target("bass/cutoff", 100.0, 200.0)]));
    let named = MacroState { name: "Dirt".into(), unit: "%".into(), ..MacroState::new(4) };
    rig.edit(Edit::Macro { number: 4, to: Some(Box::new(named)) });
    let shown = rig.engine.macros();
    let of = |n: usize| (shown[n].title.as_str(), shown[n].unit.as_str(), shown[n].awake.as_slice());
    assert_eq!(of(0), ("bass cutoff", "Hz", &[true][..]));
    assert_eq!(of(1), ("bass gain", "", &[true][..]));
    assert_eq!(of(2), ("gone x", "Hz", &[false, true][..]));
    assert_eq!(of(3), ("Dirt", "%", &[][..]));
    let way = shown[0].way.as_ref().expect("its control is known");
    assert!((way.value(0.5) - 632.456).abs() < 1e-3 && (way.share(632.456) - 0.5).abs() < 1e-6);
    assert_eq!(shown[2].way.as_ref().map(|way| way.lo), Some(100.0), "of the first that there is");
    assert_eq!(rig.engine.macros_by_path()["bass/cutoff"], [1, 3]);
}

#[test]
fn of_several_that_move_a_control_in_a_block_the_session_has_the_last() {
    let mut rig = constants();
    rig.edit(moves(3, &[target("a/level", 0.0, 2.0)]));
    rig.edit(moves(64, &[target("a/level", 0.0, 1.0)]));
    // The one with the higher number moves first.
    render(&mut rig, 512, &[512], &[(10, LAST, 0.25, 0.0), (300, THIRD, 0.75, 0.0)]);
    rig.engine.tick();
    assert_eq!(value(&rig, "a/level"), Some(1.5));
    let at = rig.rendered;
    render(&mut rig, 512, &[512], &[(at + 10, THIRD, 0.25, 0.0), (at + 300, LAST, 1.0, 0.0)]);
    rig.engine.tick();
    assert_eq!(value(&rig, "a/level"), Some(1.0));
}

#[test]
fn a_range_beyond_that_of_the_control_leaves_a_session_that_can_be_loaded() {
    let mut rig = constants();
    rig.edit(moves(3, &[target("a/level", -1e300, 1e300), target("b/level", -1.7e308, 1.7e308)]));
    render(&mut rig, 512, &[512], &[(10, THIRD, 1.0, 0.0)]);
    rig.engine.tick();
    for path in ["a/level", "b/level"] {
        assert!(value(&rig, path).is_some_and(f64::is_finite), "{path}: {:?}", value(&rig, path));
    }
    let saved = rig.engine.save();
    rig.engine.load(&saved).expect("it was just saved");
}

#[test]
fn modulation_of_what_a_shape_draws_goes_on_with_its_line() {
    let run = |amount: f32| {
        let mut rig = constants();
        rig.edit(moves(3, &[target("a/level", 0.0, 1.0)]));
        let ramp =
            serde_json::json!({"op": "Shape", "kind": "ramp", "lo": 0.0, "hi": 1.0, "label": "a/level"});
        rig.edit_at(play("x", Pattern::from_json(&ramp).unwrap()), At::AtOnce);
        rig.playing = true;
        let mut sound = rig.render(20_000, &[256])[0].clone();
        for n in 0..100 {
            let modulation = amount * (n % 2) as f32;
            rig.params.push(ParamEvent { offset: 1, param: THIRD, value: 0.0, modulation });
            sound.extend(rig.block(37)[0].iter());
        }
        sound
    };
    let (plain, modulated) = (run(0.0), run(1e-7));
    assert!(plain[23_699] > 0.05, "it sounds");
    let steps =
        |sound: &[f32]| sound[20_000..23_699].windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
    // A jump to the line's end would be up to 32 steps at once.
    assert!(steps(&modulated) < 3.0 * steps(&plain), "{} beside {}", steps(&modulated), steps(&plain));
}
