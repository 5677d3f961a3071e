//! Controllers from the host move the controls that they are mapped to.

mod support;

use krach_core::engine::*;
use krach_core::model::{Curve, MacroState, MacroTarget};
use krach_core::node::{Control, DeclaredMidi, MidiInput, Registry};
use krach_core::processor::{HostEvent, HostEventKind, ParamEvent, ParamId};
use support::*;

fn mapped() -> Rig {
    let mut rig = Rig::new();
    let mut graph = voice("dc", 0.01);
    graph.nodes[1].controls.insert("waveform".into(), 2.0);
    graph.exposed_controls.insert("level".into(), ("dc_g".into(), "gain".into()));
    rig.edit(Edit::LoadGraph(graph));
    rig.edit(Edit::MidiMap { channel: 2, cc: 74, label: "level".into(), lo: 0.0, hi: 0.5 });
    rig
}

fn cc(offset: u32, channel: u8, cc: u8, value: u8) -> HostEvent {
    HostEvent { offset, what: HostEventKind::Midi([0xb0 | channel, cc, value]) }
}

/// The shortest decimal number of a value.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().expect("a number")
}

#[test]
fn a_controller_moves_its_control_from_its_sample_on_and_the_session_knows() {
    let mut rig = mapped();
    rig.block(512);
    rig.played_in = vec![cc(100, 2, 74, 127)];
    let [left, _] = rig.block(512);
    assert!(left[..100].iter().all(|x| *x == 0.0) && left[100] != 0.0);
    let level = rig.engine.status().control_values["level"];
    assert_eq!(level, 0.5);
}

#[test]
fn other_channels_and_controllers_move_nothing() {
    let mut rig = mapped();
    rig.played_in = vec![
        cc(0, 3, 74, 127),
        cc(0, 2, 73, 127),
        HostEvent { offset: 0, what: HostEventKind::Midi([0x92, 74, 127]) },
    ];
    let [left, _] = rig.block(512);
    assert!(left.iter().all(|x| *x == 0.0));
}

#[test]
fn maps_are_part_of_the_session() {
    let saved = mapped().engine.save();
    let mut engine = Engine::new(krach_core::node::Registry::with_builtins());
    engine.load(&saved).unwrap();
    let mut rig = Rig::of(engine);
    rig.played_in = vec![cc(7, 2, 74, 64)];
    let [left, _] = rig.block(64);
    assert!(left[6] == 0.0 && left[7] != 0.0);
}

/// Where controllers, macros and one-shots arrive they leave values, which no edit brings: there is room for them from the start.
#[test]
fn what_controllers_and_macros_move_and_automations_leave_can_be_saved() {
    let mut rig = Rig::new();
    // As many maps as make more than the half MiB that a chunk has beyond a document.
    let id = |n: usize| format!("{n:0>1000}");
    let nodes = (0..1000).map(|n| node(&id(n), "gain", &[])).collect();
    rig.edit(Edit::LoadGraph(RawGraph { nodes, ..RawGraph::default() }));
    for n in 0..500 {
        let label = format!("{}/gain", id(n));
        let (channel, cc) = ((n % 16) as u8, (n / 16) as u8);
        rig.edit(Edit::MidiMap { channel, cc, label, lo: 0.0, hi: 1.0 });
    }
    let target = |n| MacroTarget { label: format!("{}/gain", id(n)), lo: 0.0, hi: 1.0, curve: Curve::Auto };
    for number in 1..=50 {
        let targets = (0..10).map(|n| target(490 + 10 * usize::from(number) + n)).collect();
        let state = MacroState { targets, ..MacroState::new(number) };
        rig.edit(Edit::Macro { number, to: Some(Box::new(state)) });
    }
    let osc = |bytes| krach_patterns::Value::Osc { address: "a".repeat(bytes), args: Vec::new() };
    let fill = |bytes| krach_patterns::Pattern::Atom { value: osc(bytes), span: None };
    let mut bytes = 16 << 20;
    let mut slot = 0;
    while bytes > 1000 {
        slot += 1;
        let pattern = fill(bytes);
        let edit = Edit::SetPattern {
            slot: format!("s{slot}"),
            pattern,
            from_zero: false,
            origin: None,
            swing: None,
        };
        if rig.engine.edit(edit, At::Now).is_err() {
            bytes /= 2;
        }
    }
    let before = rig.engine.save().len();
    rig.played_in = (0..500).map(|n| cc(0, (n % 16) as u8, (n / 16) as u8, 100)).collect();
    rig.block(512);
    let event = |n| ParamEvent { offset: 5, param: ParamId::Macro(n), value: 0.7, modulation: 0.0 };
    rig.params = (0..50).map(event).collect();
    rig.block(512);
    let after = rig.engine.save().len();
    assert!(after > before + 1_000_000, "{before} {after}: all have moved");
    assert!(after <= krach_core::limits::MAX_DOCUMENT, "{after}");
}

/// The way of a controller is that of its control: octaves, names, whole numbers.
#[test]
fn a_controller_follows_the_scale_and_the_names_of_its_control() {
    let mut rig = Rig::new();
    rig.edit(Edit::LoadGraph(voice("o", 100.0)));
    for (number, label, lo, hi) in [
        (1, "o/freq", 20.0, 20_480.0),
        (2, "o/waveform", 0.0, 2.0),
        (3, "o/waveform", 2.0, 1.0),
        (4, "o/amp", 0.0, 1.0),
    ] {
        rig.edit(Edit::MidiMap { channel: 0, cc: number, label: label.into(), lo, hi });
    }
    let mut moved = |number: u8, value: u8, label: &str| {
        rig.played_in = vec![cc(0, 0, number, value)];
        rig.block(64);
        rig.engine.tick();
        rig.engine.session().values.get(label).copied().expect("it was moved")
    };
    assert_eq!([moved(1, 0, "o/freq"), moved(1, 127, "o/freq")], [20.0, 20_480.0]);
    let middle = moved(1, 64, "o/freq");
    assert!((middle - 20.0 * 1024f64.powf(64.0 / 127.0)).abs() < 1e-3, "{middle}");
    let waves: Vec<f64> = [0, 42, 43, 84, 85, 127].map(|value| moved(2, value, "o/waveform")).to_vec();
    assert_eq!(waves, [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]);
    let waves: Vec<f64> = [0, 63, 64, 127].map(|value| moved(3, value, "o/waveform")).to_vec();
    assert_eq!(waves, [2.0, 2.0, 1.0, 1.0]);
    assert_eq!(moved(4, 64, "o/amp"), shortest((64.0_f64 / 127.0) as f32));
}

/// A session of nodes `a` and `b` whose controls say what moves them.
fn declared() -> Rig {
    let says = |input, channel| [DeclaredMidi { input, channel }];
    let mut registry = Registry::with_builtins();
    registry.add(probes::summing(
        "listening",
        vec![
            Control::continuous("cut", 0.0, 0.5, 0.0).midi(says(MidiInput::Controller(41), None)),
            Control::continuous("third", 0.0, 0.25, 0.0).midi(says(MidiInput::Controller(42), Some(2))),
            Control::continuous("bend", -0.25, 0.125, 0.0).midi(says(MidiInput::PitchWheel, None)),
            Control::continuous("deaf", 0.0, 1.0, 0.0),
        ],
    ));
    let mut rig = Rig::with(registry);
    let nodes = vec![node("a", "listening", &[]), node("b", "listening", &[]), node("out", "dac", &[])];
    rig.edit(Edit::LoadGraph(graph(nodes, &[("a", "out"), ("b", "out")])));
    rig.block(512);
    rig
}

fn wheel(offset: u32, position: u16) -> HostEvent {
    let bytes = [0xe5, (position & 127) as u8, (position >> 7) as u8];
    HostEvent { offset, what: HostEventKind::Midi(bytes) }
}

/// What `a/…` is in the session after these events.
fn values_after(rig: &mut Rig, events: Vec<HostEvent>) -> [Option<f64>; 4] {
    rig.played_in = events;
    rig.block(512);
    rig.engine.tick();
    ["a/cut", "a/third", "a/bend", "b/cut"].map(|path| rig.engine.session().values.get(path).copied())
}

#[test]
fn a_controller_or_the_wheel_moves_what_says_so_from_its_sample_on_and_the_session_knows() {
    let mut rig = declared();
    rig.played_in = vec![cc(100, 9, 41, 127)];
    let [left, _] = rig.block(512);
    assert!(left[..100].iter().all(|x| *x == 0.0) && left[100] == 1.0, "both nodes, at once");
    let after = values_after(&mut rig, vec![cc(0, 1, 42, 127), cc(3, 2, 42, 127), wheel(5, 0)]);
    assert_eq!(after, [Some(0.5), Some(0.25), Some(-0.25), Some(0.5)]);
    let middle = values_after(&mut rig, vec![wheel(0, 8192), cc(0, 1, 42, 0)]);
    assert_eq!(middle[1..3], [Some(0.25), Some(0.0)], "another channel moves nothing");
    assert_eq!(values_after(&mut rig, vec![wheel(0, 16_383)])[2], Some(0.125));
}

#[test]
fn what_the_session_maps_wins_over_what_a_control_says() {
    let map = |channel, cc, label: &str| Edit::MidiMap { channel, cc, label: label.into(), lo: 0.0, hi: 1.0 };
    // The controller has been given another control: on that channel it moves that one alone.
    let mut rig = declared();
    rig.edit(map(3, 41, "a/deaf"));
    assert_eq!(values_after(&mut rig, vec![cc(0, 3, 41, 127)]), [None; 4]);
    assert_eq!(rig.engine.session().values.get("a/deaf"), Some(&1.0));
    assert_eq!(values_after(&mut rig, vec![cc(0, 4, 41, 127)]), [Some(0.5), None, None, Some(0.5)]);
    // The control has been given another controller: it moves with that one alone.
    let mut rig = declared();
    rig.edit(map(0, 7, "a/cut"));
    assert_eq!(values_after(&mut rig, vec![cc(0, 4, 41, 127)]), [None, None, None, Some(0.5)]);
    assert_eq!(values_after(&mut rig, vec![cc(0, 0, 7, 64)])[0], Some(shortest((64.0_f64 / 127.0) as f32)));
}

#[test]
fn what_controls_that_listen_leave_can_be_saved() {
    let mut registry = Registry::with_builtins();
    let says = |n: u8| [DeclaredMidi { input: MidiInput::Controller(n), channel: None }];
    let controls = (0..100).map(|n| Control::continuous(&format!("{n:0>400}"), 0.0, 1.0, 0.0).midi(says(n)));
    registry.add(probes::summing("listening", controls.collect()));
    let mut rig = Rig::with(registry);
    let long = |n: usize| format!("{n:0>900}");
    let nodes = (0..10).map(|n| node(&long(n), "listening", &[])).collect();
    rig.edit(Edit::LoadGraph(RawGraph { nodes, ..RawGraph::default() }));
    let osc = |bytes| krach_patterns::Value::Osc { address: "a".repeat(bytes), args: Vec::new() };
    let fill = |bytes| krach_patterns::Pattern::Atom { value: osc(bytes), span: None };
    let (mut bytes, mut slot) = (16 << 20, 0);
    while bytes > 1000 {
        slot += 1;
        let edit = Edit::SetPattern {
            slot: format!("s{slot}"),
            pattern: fill(bytes),
            from_zero: false,
            origin: None,
            swing: None,
        };
        if rig.engine.edit(edit, At::Now).is_err() {
            bytes /= 2;
        }
    }
    let before = rig.engine.save().len();
    for first in [0, 50] {
        rig.played_in = (first..first + 50).map(|n| cc(0, 0, n, 100)).collect();
        rig.block(512);
        rig.engine.tick();
    }
    let after = rig.engine.save().len();
    assert!(after > before + 500_000, "{before} {after}: most have moved");
    assert!(after <= krach_core::limits::MAX_DOCUMENT, "{after}");
}
