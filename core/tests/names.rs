//! What a label means: one rule for values, patterns, notes of the host, automations, fades, maps, and what nodes begin
//! with.

mod support;

use krach_core::automation::ShapeSpec;
use krach_core::edit::{NodeEdit, NodeSpec};
use krach_core::engine::*;
use krach_core::ir::{NodeIr, Source};
use krach_core::model::{MidiMapState, Setting};
use krach_core::processor::{HostEvent, HostEventKind, NoteAddress};
use krach_patterns::builders;
use support::*;

const GROUPED: [&str; 6] =
    ["reed/midi/freq", "reed/midi/gain", "reed/midi/gate", "tail", "reed/other", "pressure"];

/// A session with a node `p` of that type and voices, without the limiter.
fn with_node(type_id: &str, count: u32, init: &[(&str, f64)]) -> Rig {
    let mut registry = probes::registry();
    registry.add(probes::pipe_named("reed", GROUPED));
    registry.add(probes::sum_named("double", ["a/cut", "b/cut"]));
    registry.add(probes::sum_named("deep", ["filter/cut", "filter/res"]));
    registry.add(probes::sum_named("flat", ["cut", "gain"]));
    let mut rig = Rig::with(registry);
    rig.edit(Edit::Setting(Setting::Limiter(false)));
    rig.edit(add("p", type_id, count, init));
    rig.edit(set("p_g/gain", 1.0));
    rig.settle();
    rig.played = 0;
    rig
}

fn add(name: &str, type_id: &str, count: u32, init: &[(&str, f64)]) -> Edit {
    let init = init.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    let (name, source) = (name.to_owned(), Source::Type(type_id.into()));
    let node = NodeIr { name, source, count, init, ..NodeIr::default() };
    Edit::Nodes(vec![NodeEdit::Set(Box::new(NodeSpec { node, gain: Some(1.0), ..NodeSpec::default() }))])
}

fn last(rig: &mut Rig, frames: usize) -> f32 {
    *rig.render(frames, &[64]).map(|side| side.last().copied().unwrap())[..].first().unwrap()
}

#[test]
fn patterns_find_controls_in_groups_with_one_voice_and_with_several() {
    for count in [1, 4] {
        let mut rig = with_node("reed", count, &[]);
        rig.edit(play("p", builders::note_with(8.0, 0.5, &[("other", 3.0)]).over(2.0)));
        assert_eq!(last(&mut rig, 640), 8.0 * 0.5 + 3.0, "{count} voices");
        // A longer end of the path.
        let mut rig = with_node("reed", count, &[]);
        rig.edit(play("p", builders::note_with(8.0, 1.0, &[("midi/gain", 0.25)]).over(2.0)));
        assert_eq!(last(&mut rig, 64), 8.0 * 0.25, "{count} voices");
    }
}

#[test]
fn notes_of_the_host_play_the_controls_that_patterns_play() {
    let mut rig = with_node("reed", 4, &[]);
    rig.edit(Edit::RouteNotes { channel: None, node: Some("p".into()) });
    rig.block(64);
    let note = NoteAddress { port: 0, channel: 0, key: 69, note_id: 1 };
    rig.played_in.push(HostEvent { offset: 0, what: HostEventKind::NoteOn { note, velocity: 0.5 } });
    assert_eq!(last(&mut rig, 64), 220.0);
    // Of several that end so, none: `freq` of a node with two is not guessed.
    let mut rig = with_node("reed", 4, &[]);
    let names = ["a/freq", "vel", "gate", "tail", "b/freq", "pressure"];
    rig.engine.set_type(probes::pipe_named("reed", names)).unwrap();
    rig.edit(Edit::RouteNotes { channel: None, node: Some("p".into()) });
    rig.edit(set("p/a/freq", 2.0));
    rig.settle();
    rig.played_in.push(HostEvent { offset: 0, what: HostEventKind::NoteOn { note, velocity: 1.0 } });
    assert_eq!(last(&mut rig, 64), 2.0);
}

#[test]
fn what_a_node_begins_with_values_fades_automations_and_maps_find_them_too_and_are_saved_by_path() {
    let mut rig = with_node("reed", 1, &[("freq", 3.0), ("gate", 1.0)]);
    assert_eq!(last(&mut rig, 64), 3.0);
    assert_eq!(rig.engine.session().values["p/reed/midi/freq"], 3.0);
    assert!(!rig.engine.session().values.contains_key("p/freq"));
    rig.edit(set("p/freq", 4.0));
    assert_eq!(last(&mut rig, 64), 4.0);
    let later = rig.engine.link().position().cycles + 0.01;
    rig.edit_at(set("p/midi/freq", 5.0), At::Position(later));
    assert_eq!(last(&mut rig, 2048), 5.0);
    assert_eq!(rig.engine.session().values["p/reed/midi/freq"], 5.0);
    rig.edit(Edit::Fade { label: "p/freq".into(), value: 7.0, length: FadeLength::Secs(0.01) });
    assert_eq!(last(&mut rig, 2048), 7.0);
    assert_eq!(rig.engine.session().values["p/reed/midi/freq"], 7.0);
    rig.edit(Edit::MidiMap { channel: 0, cc: 1, label: "p/freq".into(), lo: 0.0, hi: 127.0 });
    rig.block(64);
    rig.played_in.push(HostEvent { offset: 0, what: HostEventKind::Midi([0xb0, 1, 99]) });
    assert_eq!(last(&mut rig, 2048), 99.0);
    assert_eq!(rig.engine.session().values["p/reed/midi/freq"], 99.0);
    assert_eq!(rig.engine.range_of("p/freq"), Some((-1e9, 1e9)));
    let (shape, period) = (ShapeSpec::Square, Period::Secs(100.0));
    let (id, label) = ("move".to_owned(), "p/freq".to_owned());
    rig.edit(Edit::SetAutomation { id, label, shape, lo: 11.0, hi: 11.0, period, one_shot: false });
    assert_eq!(last(&mut rig, 64), 11.0);
    // What was saved sounds the same, and goes with its node.
    let saved = rig.engine.save();
    let mut loaded = Engine::new(rig.engine.registry().clone());
    loaded.load(&saved).unwrap();
    assert_eq!(loaded.save(), saved);
    assert_eq!(last(&mut Rig::of(loaded), 64), 11.0);
    let edit = rig.engine.session().removing("p", rig.engine.registry());
    rig.edit(edit);
    assert!(rig.engine.session().automations.is_empty());
}

#[test]
fn what_is_said_of_a_type_that_is_still_compiled_waits_for_it() {
    let mut registry = probes::registry();
    registry.expect("reed");
    let mut rig = Rig::with(registry);
    rig.edit(Edit::Setting(Setting::Limiter(false)));
    rig.edit(add("p", "reed", 1, &[("freq", 3.0)]));
    rig.edit(set("p/gate", 1.0));
    rig.edit(play("p", builders::control("other", 2.0)));
    let automate = |label: &str| Edit::SetAutomation {
        id: label.into(),
        label: label.into(),
        shape: ShapeSpec::Square,
        lo: 0.5,
        hi: 0.5,
        period: Period::Secs(100.0),
        one_shot: false,
    };
    rig.edit(automate("p/midi/gain"));
    rig.edit(automate("p/gian"));
    rig.settle();
    assert_eq!(rig.block(64)[0], [0.0; 64]);
    rig.engine.set_type(probes::pipe_named("reed", GROUPED)).unwrap();
    rig.settle();
    rig.render(48_000, &[512]);
    assert_eq!(last(&mut rig, 96_000), 3.0 * 0.5 + 2.0);
    let told: Vec<String> = rig.notices.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["the automation p/gian names p/gian, which node 'p' does not have in its present code"]
    );
}

#[test]
fn the_end_of_two_paths_is_none_and_each_path_is_its_own() {
    let mut rig = with_node("double", 1, &[]);
    rig.edit(set("p/cut", 8.0));
    rig.edit_at(play("p", builders::control("cut", 16.0) * 64), At::AtOnce);
    assert_eq!(last(&mut rig, 2048), 0.0);
    rig.edit(set("p/a/cut", 1.0));
    rig.edit(play("p", builders::control("b/cut", 2.0) * 64));
    assert_eq!(last(&mut rig, 2048), 3.0);
    let controls = rig.engine.session().controls(rig.engine.registry());
    let paths = vec!["p/a/cut".to_owned(), "p/b/cut".to_owned()];
    assert!(matches!(controls.find("p/cut"), Meant::Several { paths: found, .. } if found == paths));
}

#[test]
fn the_own_gain_of_a_node_has_its_path_and_else_the_fader() {
    let mut rig = with_node("flat", 1, &[("cut", 1.0)]);
    rig.edit(set("p/gain", 2.0));
    assert_eq!(last(&mut rig, 2048), 3.0);
    let mut rig = with_node("dc", 1, &[]);
    rig.edit(set("p/gain", 0.5));
    assert_eq!(last(&mut rig, 2048), 0.5);
    // One in a group stands behind it: `p/gain` is the fader, and notes set their own.
    let mut rig = with_node("reed", 1, &[("freq", 8.0), ("gate", 1.0)]);
    rig.edit(set("p/gain", 0.5));
    rig.edit(set("p/midi/gain", 0.5));
    assert_eq!(last(&mut rig, 2048), 2.0);
}

#[test]
fn a_path_of_two_controls_is_that_of_the_longest_name_and_is_told() {
    // As older clients may have it.
    let mut rig = with_node("dc", 1, &[]);
    rig.edit(set("p_g/gain", 0.0));
    let nodes = vec![node("out", "dac", &[]), node("synth", "deep", &[]), node("synth/filter", "flat", &[])];
    rig.edit(Edit::LoadGraph(graph(nodes, &[("synth", "out"), ("synth/filter", "out")])));
    rig.settle();
    rig.render(2048, &[64]);
    let told: Vec<String> = rig.notices.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["synth/filter/cut is a control of node 'synth/filter' and one of node 'synth': it means that of \
          'synth/filter', the other is not reached; call one of the nodes otherwise"]
    );
    // One control moves, and not two.
    rig.edit(set("synth/filter/cut", 1.0));
    assert_eq!(last(&mut rig, 64), 1.0);
    rig.edit_at(set("synth/filter/cut", 2.0), At::Position(rig.engine.link().position().cycles + 0.01));
    assert_eq!(last(&mut rig, 2048), 2.0);
    rig.edit_at(play("synth", builders::control("filter/cut", 4.0) * 64), At::AtOnce);
    assert_eq!(last(&mut rig, 2048), 4.0);
    // The other of `synth` keeps its path, and lives on through plans.
    rig.edit(set("synth/filter/res", 8.0));
    assert_eq!(last(&mut rig, 64), 12.0);
    rig.edit(Edit::Graph(vec![GraphEdit::AddNode(node("more", "dc", &[]))]));
    assert_eq!(last(&mut rig, 2048), 12.0);
    assert_eq!(rig.notices.len(), 1, "{:?}", rig.notices);
    // Saved and loaded, it is told again, and sounds the same.
    let mut loaded = Engine::new(rig.engine.registry().clone());
    loaded.load(&rig.engine.save()).unwrap();
    let mut loaded = Rig::of(loaded);
    assert_eq!(last(&mut loaded, 64), 12.0);
    assert_eq!(loaded.notices.iter().filter(|n| matches!(n, Notice::Clash(_))).count(), 1);
}

#[test]
fn a_node_that_would_give_a_path_a_second_meaning_is_refused_and_one_that_comes_to_do_so_is_told() {
    for (first, second) in
        [(("synth", "deep"), ("synth/filter", "flat")), (("synth/filter", "flat"), ("synth", "deep"))]
    {
        let mut rig = with_node("dc", 1, &[]);
        rig.edit(add(first.0, first.1, 1, &[]));
        let before = rig.engine.save();
        let error = rig.engine.edit(add(second.0, second.1, 1, &[]), At::Now).unwrap_err();
        let EditError::Fault(fault) = error else { panic!("{error:?}") };
        assert_eq!(fault.place, "$.name");
        assert_eq!(fault.message, "synth/filter/cut would be a control of synth/filter and one of synth");
        assert_eq!(rig.engine.save(), before);
        // Of other controls, both may be.
        rig.edit(add(second.0, "dc", 1, &[]));
        rig.settle();
        assert_eq!(rig.notices, []);
        // Its code becomes such.
        let other = if second.1 == "flat" { ["cut", "x"] } else { ["filter/cut", "x"] };
        rig.engine.set_type(probes::sum_named("dc", other)).unwrap();
        rig.settle();
        assert!(matches!(&rig.notices[..], [Notice::Clash(_)]), "{:?}", rig.notices);
    }
}

#[test]
fn code_that_takes_a_control_away_or_brings_another_of_its_name_is_told_by_who_names_it() {
    let mut rig = with_node("deep", 1, &[]);
    rig.edit(play("p", builders::control("cut", 1.0)));
    rig.edit(play("hushed", builders::control("p/cut", 1.0)));
    rig.edit(Edit::Hush { slot: "hushed".into() });
    rig.edit(Edit::MidiMap { channel: 2, cc: 7, label: "p/res".into(), lo: 0.0, hi: 1.0 });
    let automation = Edit::SetAutomation {
        id: "wave".into(),
        label: "p/filter/res".into(),
        shape: ShapeSpec::Square,
        lo: 0.5,
        hi: 0.5,
        period: Period::Secs(100.0),
        one_shot: false,
    };
    rig.edit(automation);
    rig.settle();
    let mut told = |names: [&str; 2]| {
        rig.engine.set_type(probes::sum_named("deep", names)).unwrap();
        rig.settle();
        let mut told: Vec<String> = rig.notices.drain(..).map(|n| n.to_string()).collect();
        told.sort();
        told
    };
    assert_eq!(
        told(["filter/cut", "other/cut"]),
        [
            "controller 7 of channel 2 names p/res, which node 'p' does not have in its present code",
            "the automation wave names p/filter/res, which node 'p' does not have in its present code",
            "the pattern of p names cut, which may be p/filter/cut or p/other/cut: say which",
        ]
    );
    // What was told is not told again, and what is right again is told when it is lost again.
    assert_eq!(told(["filter/cut", "third/cut"]), [""; 0]);
    assert_eq!(told(["filter/cut", "filter/res"]), [""; 0]);
    assert_eq!(told(["x/cut", "filter/res"]), [""; 0]);
    let maps = rig.engine.session().midi_maps.iter().map(|m: &MidiMapState| m.label.as_str());
    assert_eq!(maps.collect::<Vec<_>>(), ["p/res"]);
}

/// Renders the level under a pattern of names, in blocks of that size.
fn levels(rig: &mut Rig, frames: usize, blocks: &[usize]) -> Vec<f32> {
    let [left, _] = rig.render(frames, blocks);
    left
}

fn names_on(label: &str, words: &str) -> krach_patterns::Pattern {
    krach_patterns::mini_values(words).unwrap().control(label)
}

fn named_rig(names: &[(&str, f32)]) -> Rig {
    let mut registry = probes::registry();
    registry.add(probes::named_values("box", names));
    let mut rig = Rig::with(registry);
    rig.edit(Edit::Setting(Setting::Limiter(false)));
    rig.edit(Edit::LoadGraph(graph(vec![node("b", "box", &[]), node("out", "dac", &[])], &[("b", "out")])));
    rig
}

#[test]
fn a_pattern_says_the_values_of_a_control_by_their_names() {
    let rendered = [&[480][..], &[1], &[7, 2_000, 1]].map(|blocks| {
        let mut rig = named_rig(&[("low", 0.25), ("high", 0.75)]);
        rig.edit(play("b", names_on("level", "low high 0.5 high")));
        levels(&mut rig, 96_000, blocks)
    });
    assert_eq!(first_difference(&rendered[0], &rendered[1]), None);
    assert_eq!(first_difference(&rendered[0], &rendered[2]), None);
    let at = |quarter: usize| rendered[0][quarter * 24_000 + 12_000];
    assert_eq!([at(0), at(1), at(2), at(3)], [0.25, 0.75, 0.5, 0.75]);
    // What was said before a jump is said again by its name.
    let mut rig = named_rig(&[("low", 0.25), ("high", 0.75)]);
    rig.edit(play("b", names_on("b/level", "<low high>")));
    levels(&mut rig, 96_000 + 48_000, &[480]);
    (rig.start_beats, rig.played) = (2.0, 0);
    assert_eq!(levels(&mut rig, 4_800, &[480])[4_000], 0.25);
    (rig.start_beats, rig.played) = (30.0, 0);
    assert_eq!(levels(&mut rig, 4_800, &[480])[4_000], 0.75);
}

#[test]
fn a_name_that_a_control_does_not_have_is_refused_with_what_it_takes() {
    let mut rig = named_rig(&[("low", 0.25), ("high", 0.75)]);
    rig.edit(Edit::LoadGraph(graph(
        vec![node("b", "box", &[]), node("o", "oscillator", &[]), node("out", "dac", &[])],
        &[("b", "out"), ("o", "out")],
    )));
    let refused = |rig: &mut Rig, slot: &str, pattern| match rig.engine.edit(play(slot, pattern), At::Now) {
        Err(EditError::Fault(fault)) => (fault.place, fault.message, fault.hint),
        other => panic!("{other:?}"),
    };
    let (place, message, hint) = refused(&mut rig, "b", names_on("level", "low hihg"));
    assert_eq!(place, "$.pattern");
    assert_eq!(message, "b/level takes low, high or numbers from 0 to 4, not the name hihg");
    assert_eq!(hint.as_deref(), Some("did you mean high?"));
    let (_, message, hint) = refused(&mut rig, "o", names_on("amp", "high"));
    assert_eq!((message.as_str(), hint), ("o/amp takes numbers from 0 to 1, not the name high", None));
    assert!(rig.engine.session().slots.is_empty());
    rig.edit(play("o", names_on("waveform", "saw pulse")));
    // A node that is not there yet: whether it has the name is asked when it plays.
    rig.edit(play("later", names_on("level", "low")));
    // In one batch with the node that has the name.
    let batch = |name: &str| {
        let nodes = vec![node("c", "box", &[]), node("out", "dac", &[])];
        Edit::Batch(vec![Edit::LoadGraph(graph(nodes, &[("c", "out")])), play("c", names_on("level", name))])
    };
    assert!(matches!(rig.engine.edit(batch("lwo"), At::Now), Err(EditError::Fault(_))));
    assert!(rig.engine.edit(batch("low"), At::Now).is_ok());
}

#[test]
fn a_name_means_what_the_present_code_means_by_it() {
    let mut rig = named_rig(&[("low", 0.25), ("high", 0.75)]);
    rig.edit(play("b", names_on("level", "low high")));
    let before = levels(&mut rig, 96_000, &[480]);
    assert_eq!([before[24_000], before[72_000]], [0.25, 0.75]);
    rig.engine.set_type(probes::named_values("box", &[("low", 3.0)])).unwrap();
    let after = levels(&mut rig, 2 * 96_000, &[480]);
    // `high` says nothing now: the level stays where `low` has put it.
    assert_eq!([after[96_000 + 24_000], after[96_000 + 72_000]], [3.0, 3.0]);
}

#[test]
fn code_that_takes_a_name_away_from_a_pattern_that_plays_gives_a_notice() {
    let mut rig = named_rig(&[("low", 0.25), ("high", 0.75)]);
    rig.edit(play("b", names_on("level", "low high")));
    rig.edit(play("b/level", krach_patterns::mini_values("<high 3>").unwrap().plain("b/level")));
    rig.edit(play("hushed", names_on("b/level", "high")));
    rig.edit(Edit::Hush { slot: "hushed".into() });
    rig.settle();
    let mut notices_of = |names: &[(&str, f32)]| {
        rig.engine.set_type(probes::named_values("box", names)).unwrap();
        rig.settle();
        let notices: Vec<Notice> = rig.notices.drain(..).collect();
        let mut texts: Vec<String> = notices.iter().map(ToString::to_string).collect();
        texts.sort();
        (texts, notices.iter().all(|notice| rig.engine.stands(notice)))
    };
    let lost = [
        "the pattern of b names high for level, which b/level does not take in its present code; it stays where it is",
        "the pattern of b/level names high for b/level, which b/level does not take in its present code; it stays where \
         it is",
    ];
    assert_eq!(notices_of(&[("low", 3.0)]), (lost.map(String::from).to_vec(), true));
    // What is lost gives one notice; what comes back and is lost again gives another.
    assert_eq!(notices_of(&[("low", 2.0)]).0, [""; 0]);
    assert_eq!(notices_of(&[("low", 2.0), ("high", 1.0)]).0, [""; 0]);
    assert_eq!(notices_of(&[("high", 1.0)]).0.len(), 1);
    let lost = Notice::Unnamed {
        of: "the pattern of b".into(),
        label: "high for level".into(),
        missing: Missing::Value("b/level".into()),
    };
    assert!(!rig.engine.stands(&lost), "it is there again");
    // Code that comes late, without the name that was played meanwhile.
    let mut rig = named_rig(&[("low", 0.25)]);
    rig.engine.expect_type("late");
    rig.edit(add("n", "late", 1, &[]));
    rig.edit(play("n", names_on("level", "low hgih")));
    rig.settle();
    assert!(rig.notices.is_empty(), "{:?}", rig.notices);
    rig.engine.set_type(probes::named_values("late", &[("low", 0.5), ("high", 1.0)])).unwrap();
    rig.settle();
    let texts: Vec<String> = rig.notices.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(
        texts[0].starts_with("the pattern of n names hgih for level, which n/level does not take"),
        "{texts:?}"
    );
}

/// A node `p` of that type, sent into `verb` at a quarter.
fn sent(type_id: &str) -> Rig {
    let mut rig = with_node(type_id, 1, &[]);
    let route = krach_core::ir::RouteIr {
        source: "p".into(),
        target: "verb".into(),
        level: 0.25,
        ..krach_core::ir::RouteIr::default()
    };
    rig.edit(add("verb", "thru", 1, &[]));
    rig.edit(Edit::Nodes(vec![NodeEdit::Connect(route)]));
    rig.settle();
    rig
}

fn automate(rig: &mut Rig, label: &str, value: f64) -> String {
    rig.edit(Edit::SetAutomation {
        id: "a".into(),
        label: label.into(),
        shape: ShapeSpec::Sine,
        lo: value,
        hi: value,
        period: Period::Secs(1.0),
        one_shot: false,
    });
    rig.engine.session().automations["a"].label.clone()
}

#[test]
fn fader_mute_and_sends_have_addresses_that_no_code_changes() {
    // One without a `gain`, and one with its own.
    for type_id in ["dc", "flat"] {
        let mut rig = sent(type_id);
        rig.edit(set("p/@gain", 0.5));
        rig.edit(set("p/@send/verb", 0.75));
        let session = rig.engine.session();
        assert_eq!((session.gain_of("p"), session.level_of("p", "verb")), (0.5, 0.75), "{type_id}");
        // In a pattern of the node's slot and of another, by a controller, by an automation, by a fade.
        let faded = |rig: &mut Rig| {
            // A pattern comes in with the next cycle.
            rig.edit(set("verb/@gain", 0.0));
            rig.render(96_000, &[480]);
            last(rig, 480)
        };
        let whole = {
            rig.edit(set("p/@gain", 1.0));
            if type_id == "flat" {
                rig.edit(set("p/cut", 1.0));
            }
            faded(&mut rig)
        };
        assert_eq!(whole, 1.0, "{type_id}");
        for (slot, label) in [("p", "@gain"), ("p", "p/@gain"), ("verb", "p/@gain")] {
            rig.edit(play(slot, builders::control(label, 0.25)));
            assert_eq!(faded(&mut rig), whole * 0.25, "{type_id} {slot} {label}");
            rig.edit(Edit::RemoveSlot { slot: slot.into() });
            assert_eq!(faded(&mut rig), whole, "{type_id} {slot} {label}");
        }
        assert_eq!(automate(&mut rig, "p/@gain", 0.125), "p/@gain");
        assert_eq!(faded(&mut rig), whole * 0.125);
        rig.edit(Edit::ClearAutomation { id: "a".into() });
        rig.edit(Edit::MidiMap { channel: 0, cc: 7, label: "p/@gain".into(), lo: 0.0, hi: 1.0 });
        rig.played_in = vec![HostEvent { offset: 0, what: HostEventKind::Midi([0xb0, 7, 0]) }];
        assert_eq!(faded(&mut rig), 0.0);
        assert_eq!(rig.engine.session().gain_of("p"), 0.0);
        rig.edit(set("p/@gain", 1.0));
        rig.edit(set("p/@mute", 1.0));
        assert_eq!(faded(&mut rig), 0.0, "{type_id} muted");
    }
}

#[test]
fn what_is_stored_is_the_long_form_and_other_code_does_not_take_it_away() {
    let mut rig = sent("dc");
    for (said, stored) in [
        ("p/gain", "p/@gain"),
        ("p_g/gain", "p/@gain"),
        ("p_g/mute", "p/@mute"),
        ("p/verb_send", "p/@send/verb"),
        ("p_send_verb/gain", "p/@send/verb"),
        ("p/level", "p/level"),
        ("p/other_send", "p/other_send"),
        ("nobody/gain", "nobody/gain"),
    ] {
        assert_eq!(automate(&mut rig, said, 0.5), stored, "{said}");
        rig.edit(Edit::MidiMap { channel: 0, cc: 7, label: said.into(), lo: 0.0, hi: 1.0 });
        let maps = &rig.engine.session().midi_maps;
        assert_eq!(maps.iter().map(|map| map.label.as_str()).collect::<Vec<_>>(), [stored]);
        rig.edit(Edit::MidiUnmap { channel: 0, cc: 7, label: Some(said.into()) });
        assert!(rig.engine.session().midi_maps.is_empty(), "{said}");
    }
    // Of a type that has a gain of its own the short form is that.
    let mut own = sent("flat");
    assert_eq!(automate(&mut own, "p/gain", 0.5), "p/gain");
    assert_eq!(automate(&mut own, "p_g/gain", 0.5), "p/@gain");
    // What moves a node or its sends goes with it.
    let mut gone = sent("dc");
    for (id, label) in [("x", "p/gain"), ("y", "p/verb_send"), ("z", "verb/gain")] {
        automate(&mut gone, label, 0.5);
        let state = gone.engine.session().automations["a"].clone();
        gone.edit(Edit::from((id, &state)));
    }
    gone.edit(Edit::ClearAutomation { id: "a".into() });
    let removal = gone.engine.session().removing("verb", gone.engine.registry());
    gone.edit(removal);
    assert_eq!(gone.engine.session().automations.keys().collect::<Vec<_>>(), ["x"]);
    // In the batch that brings the node.
    let mut fresh = with_node("dc", 1, &[]);
    let automation = Edit::SetAutomation {
        id: "a".into(),
        label: "q/gain".into(),
        shape: ShapeSpec::Sine,
        lo: 0.5,
        hi: 0.5,
        period: Period::Secs(1.0),
        one_shot: false,
    };
    fresh.edit(Edit::Batch(vec![add("q", "dc", 1, &[]), automation]));
    assert_eq!(fresh.engine.session().automations["a"].label, "q/@gain");
    // Code with a gain of its own: the fader is still what moves.
    automate(&mut rig, "p/gain", 0.5);
    rig.edit(set("verb/@gain", 0.0));
    rig.engine.set_type(probes::sum_named("dc", ["level", "gain"])).unwrap();
    rig.edit(set("p/level", 1.0));
    rig.edit(set("p/gain", 0.0));
    rig.render(96_000, &[480]);
    assert_eq!(last(&mut rig, 480), 0.5);
    // Documents of before.
    let before = br#"{"nodes": [{"name": "p", "source": "dc"}], "krach": {
        "automations": {"a": {"label": "p_g/gain", "shape": "sine", "lo": 0, "hi": 1, "period_secs": 1}},
        "midi_maps": [{"channel": 0, "cc": 7, "label": "p/gain", "lo": 0, "hi": 1}]}}"#;
    rig = with_node("dc", 1, &[]);
    rig.engine.load(before).unwrap();
    assert_eq!(rig.engine.session().automations["a"].label, "p/@gain");
    assert_eq!(rig.engine.session().midi_maps[0].label, "p/@gain");
}

#[test]
fn no_control_and_no_node_takes_an_address() {
    let mut rig = with_node("dc", 1, &[]);
    for name in ["@gain", "filter/@cut"] {
        let error = rig.engine.set_type(probes::sum_named("odd", ["cut", name])).unwrap_err();
        assert_eq!(error.to_string(), format!("odd cannot have the control {name}"));
    }
    for name in ["p/@gain", "a/@mute", "a/b/@send/c"] {
        assert!(
            matches!(rig.engine.edit(add(name, "dc", 1, &[]), At::Now), Err(EditError::Fault(_))),
            "{name}"
        );
    }
    rig.edit(add("p/@pan", "dc", 1, &[]));
}
