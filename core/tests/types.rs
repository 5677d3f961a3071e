//! Types whose code comes, is replaced and goes while the engine plays.

#[path = "types/settings.rs"]
mod settings;
mod support;

use krach_core::automation::ShapeSpec;
use krach_core::edit::SceneEdit;
use krach_core::engine::*;
use krach_core::ir::{NodeIr, Source};
use krach_core::model::{Curve, FadeLength, MacroState, MacroTarget, Period, TypeSource};
use support::probes::{counting_type, following_type, registry, text_type, text_type_that_refuses};
use support::*;

const BASS: &str = "faust:bass";

fn bass() -> RawGraph {
    let mut graph = graph(vec![node("out", "dac", &[]), node("bass", BASS, &[])], &[("bass", "out")]);
    let exposed = ("bass".to_owned(), "level".to_owned());
    graph.exposed_controls.insert("bass/level".into(), exposed);
    graph
}

/// A rig that plays `bass`, whose type has this code.
fn playing(level: f32) -> Rig {
    let mut rig = Rig::with(registry());
    rig.engine.set_type(text_type(BASS, 0, level)).expect("plays");
    rig.edit(Edit::LoadGraph(bass()));
    rig.render(2048, &[256]);
    rig.settle();
    rig
}

fn messages(rig: &mut Rig) -> Vec<String> {
    rig.notices.extend(rig.engine.tick());
    rig.notices.drain(..).map(|notice| notice.to_string()).collect()
}

#[test]
fn a_graph_may_use_a_type_whose_code_is_on_its_way_and_sounds_when_it_is_there() {
    let mut rig = Rig::with(registry());
    let refused = rig.engine.edit(Edit::LoadGraph(bass()), At::Now).unwrap_err();
    assert_eq!(refused.to_string(), "there is no node type faust:bass");
    rig.engine.expect_type(BASS);
    assert!(rig.engine.type_ids().contains(&BASS.to_owned()), "it is listed at once");
    let mut graph = bass();
    // Nobody knows its ports yet.
    graph.nodes.push(node("osc", "oscillator", &[]));
    graph.connections.push(Connection { to_port: "sidechain".into(), ..wire("osc", "bass") });
    rig.edit(Edit::LoadGraph(graph));
    rig.edit(set("bass/level", 0.5));
    let [left, _] = rig.render(4096, &[256]);
    assert!(left.iter().all(|x| *x == 0.0), "silent without code");
    assert!(messages(&mut rig).is_empty());

    rig.engine.set_type(text_type(BASS, 1, 0.25)).expect("plays");
    let told = messages(&mut rig);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("osc.out → bass.sidechain is not played"), "{told:?}");
    let [left, _] = rig.render(2048, &[256]);
    // As any new node: 5 ms, to the value that was set while it was silent.
    for (i, x) in left.iter().enumerate() {
        let along = ((i + 1) as f32 / 240.0).min(1.0);
        assert!((x - 0.5 * along).abs() < 1e-5, "{i}: {x}");
    }
}

#[test]
fn other_code_crossfades_under_the_sound_and_controls_keep_their_values() {
    let mut rig = playing(1.0);
    rig.engine.set_type(text_type(BASS, 0, 0.25)).expect("plays");
    rig.engine.tick();
    let [left, _] = rig.render(14_000, &[256]);
    for (i, x) in left.iter().enumerate() {
        let along = ((i + 1) as f32 / 12_000.0).min(1.0);
        assert!((x - (1.0 - 0.75 * along)).abs() < 1e-5, "{i}: {x}");
    }
    rig.edit(set("bass/level", 0.75));
    rig.render(1024, &[256]);
    rig.settle();
    rig.engine.set_type(text_type(BASS, 0, 0.125)).expect("plays");
    rig.engine.tick();
    let [left, _] = rig.render(14_000, &[256]);
    assert!(left.iter().all(|x| (x - 0.75).abs() < 1e-6), "set by hand: it stays");
}

#[test]
fn the_same_code_again_changes_nothing_to_the_bit() {
    let mut rig = Rig::with(registry());
    rig.engine.set_type(counting_type(BASS, 1, false)).expect("plays");
    rig.edit(Edit::LoadGraph(bass()));
    rig.render(512, &[256]);
    rig.settle();
    rig.engine.expect_type(BASS);
    rig.engine.set_type(counting_type(BASS, 1, false)).expect("plays");
    let [left, _] = rig.render(4096, &[256]);
    assert!(left.windows(2).all(|w| ((w[1] - w[0]) * 1_048_576.0 - 1.0).abs() < 1e-3));
}

#[test]
fn better_code_takes_over_whole_without_a_seam() {
    let mut rig = Rig::with(registry());
    rig.engine.set_type(counting_type(BASS, 1, false)).expect("plays");
    rig.edit(Edit::LoadGraph(bass()));
    rig.render(512, &[256]);
    rig.settle();
    rig.engine.set_type(counting_type(BASS, 2, true)).expect("plays");
    let [left, _] = rig.render(20_000, &[256]);
    assert!(left.windows(2).all(|w| ((w[1] - w[0]) * 1_048_576.0 - 1.0).abs() < 1e-3));
}

#[test]
fn code_that_the_engine_cannot_play_is_refused_and_the_old_code_plays_on() {
    let mut rig = playing(1.0);
    let refused = rig.engine.set_type(text_type_that_refuses(BASS)).unwrap_err();
    assert!(refused.to_string().contains("out of tubes"), "{refused}");
    let refused = rig.engine.set_type(text_type(BASS, 100, 1.0)).unwrap_err();
    assert!(refused.to_string().contains("more than 32 channels"), "{refused}");
    rig.engine.expect_type(BASS);
    rig.engine.fail_type(BASS, "bass.dsp:3:5: syntax error");
    let [left, _] = rig.render(20_000, &[256]);
    assert!(left.iter().all(|x| *x == 1.0));
    // Old code is code: graphs may use it.
    rig.edit(Edit::LoadGraph(bass()));
}

#[test]
fn a_type_that_failed_without_code_is_refused_with_the_reason_but_does_not_block_other_edits() {
    let mut rig = Rig::with(registry());
    rig.engine.expect_type(BASS);
    rig.edit(Edit::LoadGraph(bass()));
    rig.engine.fail_type(BASS, "bass.dsp:3:5: syntax error");
    let refused = rig.engine.edit(Edit::LoadGraph(bass()), At::Now).unwrap_err();
    assert_eq!(refused.to_string(), "the node cannot be made: bass.dsp:3:5: syntax error");
    // It is in the graph already: what has nothing to do with it goes on.
    rig.edit(Edit::Graph(vec![
        GraphEdit::AddNode(node("dc", "dc", &[])),
        GraphEdit::Connect(wire("dc", "out")),
    ]));
    let [left, _] = rig.render(2048, &[256]);
    assert_eq!(left[2047], 1.0);
    rig.engine.set_type(text_type(BASS, 0, 0.5)).expect("plays");
    assert_eq!(rig.render(2048, &[256])[0][2047], 1.5, "mended");
}

#[test]
fn a_wire_that_the_new_code_has_no_port_for_is_told_and_the_rest_can_be_edited() {
    let mut rig = Rig::with(registry());
    rig.engine.set_type(text_type(BASS, 1, 1.0)).expect("plays");
    let mut wired = bass();
    wired.nodes.push(node("dc", "dc", &[]));
    wired.connections.push(wire("dc", "bass"));
    rig.edit(Edit::LoadGraph(wired.clone()));
    rig.render(512, &[256]);
    messages(&mut rig);
    rig.engine.set_type(text_type(BASS, 0, 0.5)).expect("plays");
    assert!(messages(&mut rig)[0].contains("node 'bass' has no port 'in'"));
    rig.edit(Edit::Graph(vec![GraphEdit::AddNode(node("other", "dc", &[]))]));
    // But nobody may ask for such a wire anew, unless other code is on its way.
    let load = || Edit::LoadGraph(wired.clone());
    assert_eq!(rig.engine.edit(load(), At::Now).unwrap_err().to_string(), "unknown port 'in' on node 'bass'");
    rig.engine.expect_type(BASS);
    rig.edit(load());
    rig.engine.set_type(text_type(BASS, 1, 2.0)).expect("plays");
    assert!(messages(&mut rig).is_empty());
}

#[test]
fn an_edit_that_waits_for_its_time_is_built_with_the_code_that_came_meanwhile() {
    let mut rig = Rig::with(registry());
    rig.engine.expect_type(BASS);
    rig.edit_at(Edit::LoadGraph(bass()), At::Position(0.25));
    rig.render(2048, &[256]);
    rig.engine.set_type(text_type(BASS, 0, 0.5)).expect("plays");
    let [left, _] = rig.render(48_000, &[256]);
    assert_eq!(left[24_000 - 2048 - 1], 0.0);
    assert_eq!(left[24_000 - 2048 + 240], 0.5);
    assert!(!rig.engine.remove_type(BASS), "a node has it");
    rig.edit(Edit::LoadGraph(RawGraph::default()));
    assert!(rig.engine.remove_type(BASS));
}

#[test]
fn texts_of_used_types_are_saved_and_a_document_plays_as_far_as_its_types_allow() {
    let mut rig = playing(1.0);
    let source = |text: &str| TypeSource { text: text.into(), ..TypeSource::default() };
    rig.engine.set_source(BASS, Some(source("process = 1;").into()));
    rig.engine.set_source("faust:unused", Some(source("process = 2;").into()));
    rig.engine.set_source("faust:own", Some(TypeSource { own: true, ..source("process = 3;") }.into()));
    let saved = rig.engine.save();
    let text = String::from_utf8(saved.clone()).unwrap();
    assert!(text.contains("process = 1;") && text.contains("process = 3;") && !text.contains("process = 2;"));

    let mut fresh = Engine::new(registry());
    fresh.load(&saved).expect("plays as far as it can");
    assert_eq!(fresh.types_in_use().into_iter().collect::<Vec<_>>(), ["dac", BASS]);
    assert_eq!(fresh.save(), saved, "and nothing is lost");
    let mut fresh = Engine::new(registry());
    fresh.set_type(text_type(BASS, 0, 0.5)).expect("plays");
    fresh.load(&saved).expect("loads");
    assert_eq!(Rig::of(fresh).render(512, &[256])[0][0], 0.5, "the first sample is right");
}

fn becomes(source: Source) -> Edit {
    let node = NodeIr { name: "lead".into(), source, ..NodeIr::default() };
    let spec = NodeSpec { node, gain: Some(1.0), ..NodeSpec::default() };
    Edit::Nodes(vec![NodeEdit::Set(Box::new(spec))])
}

fn text(text: &str) -> Source {
    Source::Text(text.into())
}

/// The type of a node with that text, once the session has it.
fn wanted(rig: &Rig) -> String {
    let wanted: Vec<String> = rig.engine.types_wanted().into_keys().collect();
    assert_eq!(wanted.len(), 1, "{wanted:?}");
    wanted[0].clone()
}

fn is_counting(samples: &[f32]) -> bool {
    samples.windows(2).all(|w| ((w[1] - w[0]) * 1_048_576.0 - 1.0).abs() < 1e-3)
}

#[test]
fn a_node_that_gets_a_source_without_code_goes_on_as_it_was_until_the_code_is_there() {
    let mut rig = Rig::with(registry());
    rig.edit(becomes(text("process = 1;")));
    let first = wanted(&rig);
    rig.engine.set_type(counting_type(&first, 1, false)).expect("plays");
    rig.render(12_000, &[256]);
    rig.settle();
    rig.edit(becomes(text("process = 2;")));
    let second = wanted(&rig);
    assert_ne!(first, second);
    rig.engine.expect_type(&second);
    assert!(rig.engine.remove_type(&first), "nothing uses it any more");
    assert!(is_counting(&rig.render(20_000, &[256])[0]), "not a sample of it is missing");
    // It does not compile; the next one does.
    rig.engine.fail_type(&second, "line 1: nonsense");
    rig.edit(set("lead/gain", 1.0));
    assert!(is_counting(&rig.render(20_000, &[256])[0]));
    rig.edit(becomes(text("process = 3;")));
    let third = wanted(&rig);
    rig.engine.expect_type(&third);
    assert!(rig.engine.remove_type(&second));
    assert!(is_counting(&rig.render(2_000, &[256])[0]));
    rig.engine.set_type(text_type(&third, 0, 0.25)).expect("plays");
    let [left, _] = rig.render(30_000, &[256]);
    assert_eq!(left[29_999], 0.25);
}

#[test]
fn an_edit_that_waits_for_its_time_keeps_the_old_sound_if_the_code_is_not_there_by_then() {
    let mut rig = Rig::with(registry());
    rig.edit(becomes(text("process = 1;")));
    let first = wanted(&rig);
    rig.engine.set_type(counting_type(&first, 1, false)).expect("plays");
    rig.render(12_000, &[256]);
    rig.settle();
    let receipt = rig.edit_at(becomes(text("process = 2;")), At::Position(0.25));
    let second = wanted(&rig);
    rig.engine.expect_type(&second);
    assert!(is_counting(&rig.render(30_000, &[256])[0]));
    assert!(rig.engine.is_done(receipt));
    // A new engine, as after another sample rate, has it too.
    rig.edit(Edit::Rebuild);
    rig.render(8_192, &[256]);
    let [left, _] = rig.render(1_024, &[256]);
    assert!(left[0] > 0.0 && is_counting(&left));
    rig.engine.set_type(text_type(&second, 0, 0.25)).expect("plays");
    assert_eq!(rig.render(30_000, &[256])[0][29_999], 0.25);
}

#[test]
fn undo_goes_back_past_a_source_that_never_compiled() {
    let mut rig = Rig::with(registry());
    rig.edit(becomes(text("process = 1;")));
    rig.engine.set_type(text_type(&wanted(&rig), 0, 0.5)).expect("plays");
    rig.edit(becomes(text("nonsense")));
    let bad = wanted(&rig);
    rig.engine.expect_type(&bad);
    rig.engine.fail_type(&bad, "nonsense");
    let other = NodeIr { name: "other".into(), source: text("nonsense"), ..NodeIr::default() };
    let spec = NodeSpec { node: other, ..NodeSpec::default() };
    let refused = rig.engine.edit(Edit::Nodes(vec![NodeEdit::Set(Box::new(spec))]), At::Now).unwrap_err();
    assert!(refused.to_string().contains("nonsense"), "{refused}");
    rig.edit(becomes(Source::Type("dc".into())));
    for played in ["node lead", "node lead"] {
        let undone = rig.engine.undo(At::Now).expect("possible").expect("there is something");
        assert_eq!(undone.0, played);
    }
    let [left, _] = rig.render(30_000, &[256]);
    assert_eq!(left[29_999], 0.5);
}

#[test]
fn better_code_takes_over_in_the_middle_of_an_automation_to_the_bit() {
    for period in [Period::Secs(0.7), Period::Bars(1.0)] {
        for swap in [256, 1024, 2560, 5120, 5376] {
            let perform = |swaps: bool| {
                let mut rig = Rig::with(registry());
                rig.engine.set_type(following_type(BASS, 1)).expect("plays");
                rig.edit(Edit::LoadGraph(bass()));
                rig.edit(Edit::SetAutomation {
                    id: "a".into(),
                    label: "bass/level".into(),
                    shape: krach_core::automation::ShapeSpec::Sine,
                    lo: 0.1,
                    hi: 0.9,
                    period,
                    one_shot: false,
                });
                let mut heard = rig.render(swap, &[256])[0].clone();
                if swaps {
                    rig.engine.set_type(following_type(BASS, 2)).expect("plays");
                }
                heard.extend(rig.render(6_000, &[256])[0].iter());
                heard
            };
            let (with, without) = (perform(true), perform(false));
            assert_eq!(first_difference(&with, &without), None, "{period:?}, at {swap}");
        }
    }
}

#[test]
fn code_that_comes_between_two_ticks_is_one_lowering_and_one_plan() {
    const TYPES: usize = 300;
    let mut rig = Rig::with(registry());
    let id = |n: usize| format!("faust:t{n}");
    let mut nodes = vec![node("out", "dac", &[])];
    for n in 0..TYPES {
        rig.engine.expect_type(&id(n));
        nodes.push(node(&format!("n{n}"), &id(n), &[]));
    }
    let names: Vec<String> = (0..TYPES).map(|n| format!("n{n}")).collect();
    let wires: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "out")).collect();
    rig.edit(Edit::LoadGraph(graph(nodes, &wires)));
    rig.render(1024, &[256]);
    rig.settle();
    let (lowered, plans) = rig.engine.work();
    for n in 0..TYPES {
        rig.engine.set_type(text_type(&id(n), 0, 0.001)).expect("plays");
    }
    rig.engine.tick();
    assert_eq!(rig.engine.work(), (lowered + 1, plans + 1), "{TYPES} types came");
    rig.engine.tick();
    assert_eq!(rig.engine.work(), (lowered + 1, plans + 1), "nothing came since");
    let [left, _] = rig.render(4096, &[256]);
    assert!((left[4095] - 0.001 * TYPES as f32).abs() < 1e-3, "all of them sound: {}", left[4095]);
}

#[test]
fn labels_are_stored_in_one_form_whether_the_code_was_there_or_came_later() {
    let session = |late: bool| {
        let mut rig = Rig::with(registry());
        match late {
            true => rig.engine.expect_type(BASS),
            false => rig.engine.set_type(text_type(BASS, 1, 0.25)).expect("plays"),
        }
        let node = NodeIr { name: "bass".into(), source: Source::Type(BASS.into()), ..NodeIr::default() };
        let spec = NodeSpec { node, gain: Some(0.5), ..NodeSpec::default() };
        rig.edit(Edit::Nodes(vec![NodeEdit::Set(Box::new(spec))]));
        let target =
            |label: &str| MacroTarget { label: label.to_owned(), lo: 0.0, hi: 1.0, curve: Curve::Auto };
        let targets = vec![target("bass/gain"), target("bass/level")];
        rig.edit(Edit::Macro { number: 1, to: Some(Box::new(MacroState { targets, ..MacroState::new(1) })) });
        rig.edit(Edit::MidiMap { channel: 0, cc: 7, label: "bass/gain".into(), lo: 0.0, hi: 1.0 });
        rig.edit(Edit::SetAutomation {
            id: "swell".into(),
            label: "bass/gain".into(),
            shape: ShapeSpec::Sine,
            lo: 0.0,
            hi: 0.5,
            period: Period::Bars(2.0),
            one_shot: false,
        });
        rig.edit(SceneEdit::Save { number: 1, name: "verse".into(), transport: false }.into());
        rig.settle();
        if late {
            assert_eq!(rig.engine.session().midi_maps[0].label, "bass/gain", "nobody knows its controls");
            rig.engine.set_type(text_type(BASS, 1, 0.25)).expect("plays");
            rig.settle();
        }
        assert!(!rig.engine.session().scene_is_changed(), "late: {late}");
        assert_eq!(rig.engine.session().automations["swell"].label, "bass/@gain", "late: {late}");
        String::from_utf8(rig.engine.save()).expect("text")
    };
    assert_eq!(session(true), session(false));
}

#[test]
fn a_fade_is_heard_as_one_whether_the_code_was_there_or_came_later() {
    let play = |late: bool, blocks: &[usize]| {
        let mut rig = Rig::with(registry());
        match late {
            true => rig.engine.expect_type(BASS),
            false => rig.engine.set_type(following_type(BASS, 1)).expect("plays"),
        }
        let node = NodeIr { name: "bass".into(), source: Source::Type(BASS.into()), ..NodeIr::default() };
        let spec = NodeSpec { node, gain: Some(1.0), ..NodeSpec::default() };
        rig.edit(Edit::Nodes(vec![NodeEdit::Set(Box::new(spec))]));
        rig.edit(set("bass/level", 0.25));
        let fade =
            |value, secs| Edit::Fade { label: "bass/level".into(), value, length: FadeLength::Secs(secs) };
        rig.edit(fade(0.9, 3.0));
        rig.edit(fade(0.75, 0.5));
        if late {
            assert_eq!(rig.engine.session().values["bass/level"], 0.75, "what is saved is where it goes");
            rig.engine.set_type(following_type(BASS, 1)).expect("plays");
            rig.notices.extend(rig.engine.tick());
        }
        let [left, _] = rig.render(48_000, blocks);
        rig.settle();
        assert_eq!(rig.engine.session().values["bass/level"], 0.75);
        left
    };
    let heard = play(false, &[256]);
    assert!(
        (heard[12_000] - 0.5).abs() < 0.01 && (heard[47_999] - 0.75).abs() < 1e-4,
        "it fades: {}",
        heard[12_000]
    );
    assert_eq!(first_difference(&heard, &play(true, &[256])), None);
    assert_eq!(first_difference(&heard, &play(true, &[17, 333])), None);
}

/// A fade is the same whether audio has taken up its node before it, and whatever is planned behind it.
#[test]
fn a_fade_of_what_audio_has_not_seen_yet_begins_where_its_control_is() {
    let tone = |name: &str, gain| {
        let node = NodeIr { name: name.into(), source: Source::Type("dc".into()), ..NodeIr::default() };
        Edit::Nodes(vec![NodeEdit::Set(Box::new(NodeSpec { node, gain: Some(gain), ..NodeSpec::default() }))])
    };
    let fade = |label: &str, value| Edit::Fade { label: label.into(), value, length: FadeLength::Secs(1.0) };
    let bass = || {
        let node = NodeIr { name: "bass".into(), source: Source::Type(BASS.into()), ..NodeIr::default() };
        Edit::Nodes(vec![NodeEdit::Set(Box::new(NodeSpec { node, gain: Some(0.0), ..NodeSpec::default() }))])
    };
    for label in ["tone/gain", "tone/level"] {
        let heard = |then: &str, seen: bool| {
            let mut rig = Rig::with(registry());
            rig.engine.expect_type(BASS);
            rig.edit(tone("tone", 1.0));
            rig.edit(set(label, 0.0));
            if seen {
                rig.settle();
            }
            if then == "set_up" {
                rig.edit(tone("tone", 1.0));
                rig.edit(set(label, 0.0));
            }
            rig.edit(fade(label, 1.0));
            match then {
                "another" => drop(rig.edit(tone("other", 0.0))),
                "code" => {
                    rig.edit(bass());
                    rig.engine.set_type(following_type(BASS, 1)).expect("plays");
                    rig.notices.extend(rig.engine.tick());
                }
                _ => {}
            }
            let [left, _] = rig.render(60_000, &[256]);
            rig.settle();
            left
        };
        let alone = heard("nothing", true);
        assert!(
            (alone[24_000] - 0.5).abs() < 0.02 && (alone[59_999] - 1.0).abs() < 1e-4,
            "{label}: {}",
            alone[24_000]
        );
        for then in ["nothing", "another", "code", "set_up"] {
            for seen in [false, true] {
                let left = heard(then, seen);
                let far = left.iter().zip(&alone).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(
                    far < 0.02,
                    "{label}, {then}, seen {seen}: {far} apart, {} in the middle",
                    left[24_000]
                );
            }
        }
    }
}

#[test]
fn a_fader_whose_node_has_no_code_yet_fades_with_the_code() {
    let play = |late: bool, between: bool| {
        let mut rig = Rig::with(registry());
        match late {
            true => rig.engine.expect_type(BASS),
            false => rig.engine.set_type(following_type(BASS, 1)).expect("plays"),
        }
        let node = NodeIr { name: "bass".into(), source: Source::Type(BASS.into()), ..NodeIr::default() };
        let spec = NodeSpec { node, gain: Some(0.25), ..NodeSpec::default() };
        rig.edit(Edit::Nodes(vec![NodeEdit::Set(Box::new(spec))]));
        rig.edit(set("bass/level", 1.0));
        rig.edit(Edit::Fade { label: "bass/gain".into(), value: 0.75, length: FadeLength::Secs(0.5) });
        if between {
            let node =
                NodeIr { name: "other".into(), source: Source::Type("dc".into()), ..NodeIr::default() };
            let spec = NodeSpec { node, gain: Some(0.0), ..NodeSpec::default() };
            rig.edit(Edit::Nodes(vec![NodeEdit::Set(Box::new(spec))]));
            if late {
                rig.render(4096, &[256]);
                rig.settle();
            }
        }
        if late {
            rig.engine.set_type(following_type(BASS, 1)).expect("plays");
            rig.notices.extend(rig.engine.tick());
        }
        let [left, _] = rig.render(48_000, &[256]);
        rig.settle();
        assert_eq!(rig.engine.session().values["bass_g/gain"], 0.75);
        left
    };
    let heard = play(false, false);
    assert!((heard[12_000] - 0.5).abs() < 0.01 && (heard[47_999] - 0.75).abs() < 1e-4, "{}", heard[12_000]);
    for (late, between) in [(true, false), (false, true), (true, true)] {
        let other = play(late, between);
        let far = heard.iter().zip(&other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(far < 0.02, "late {late}, between {between}: {far} apart, {}", other[12_000]);
    }
}

#[test]
fn a_fade_that_waits_for_its_code_is_overtaken_by_what_comes_later() {
    for over in ["set", "undo", "remove"] {
        let mut rig = Rig::with(registry());
        rig.engine.expect_type(BASS);
        let add = || {
            let node = NodeIr { name: "bass".into(), source: Source::Type(BASS.into()), ..NodeIr::default() };
            let spec = NodeSpec { node, gain: Some(1.0), ..NodeSpec::default() };
            Edit::Nodes(vec![NodeEdit::Set(Box::new(spec))])
        };
        rig.edit(add());
        rig.edit(set("bass/level", 0.25));
        let length = FadeLength::Secs(1.0);
        rig.edit(Edit::Fade { label: "bass/level".into(), value: 0.75, length });
        let level = match over {
            "set" => {
                rig.edit(set("bass/level", 0.5));
                0.5
            }
            "undo" => {
                rig.engine.undo(At::Now).expect("there is a step").expect("and it is taken");
                0.25
            }
            _ => {
                rig.edit(Edit::Nodes(vec![NodeEdit::Remove { name: "bass".into() }]));
                rig.edit(add());
                0.0
            }
        };
        rig.engine.set_type(following_type(BASS, 1)).expect("plays");
        let [left, _] = rig.render(48_000, &[256]);
        assert!((left[47_999] - level).abs() < 1e-4, "{over}: {}", left[47_999]);
        assert!((left[12_000] - level).abs() < 1e-4, "{over}: {}", left[12_000]);
    }
}

#[test]
fn a_fade_leaves_no_value_to_a_node_that_came_back_meanwhile() {
    let mut rig = Rig::with(registry());
    rig.engine.set_type(following_type(BASS, 1)).expect("plays");
    let add = || {
        let node = NodeIr { name: "bass".into(), source: Source::Type(BASS.into()), ..NodeIr::default() };
        let spec = NodeSpec { node, gain: Some(1.0), ..NodeSpec::default() };
        Edit::Nodes(vec![NodeEdit::Set(Box::new(spec))])
    };
    rig.edit(add());
    let length = FadeLength::Secs(0.5);
    rig.edit(Edit::Fade { label: "bass/level".into(), value: 0.75, length });
    rig.render(4_800, &[256]);
    rig.edit(Edit::Nodes(vec![NodeEdit::Remove { name: "bass".into() }]));
    rig.render(4_800, &[256]);
    rig.edit(add());
    let [left, _] = rig.render(48_000, &[256]);
    rig.settle();
    assert_eq!(rig.engine.session().values.get("bass/level"), None, "nobody has set one");
    assert_eq!(left[47_999], 0.0, "it is as a new one");
}
