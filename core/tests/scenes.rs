//! Scenes: a recall is the whole of what was saved, on its sample, and nothing else.

#[path = "scenes/asked.rs"]
mod asked;
#[path = "scenes/budget.rs"]
mod budget;
#[path = "scenes/chance.rs"]
mod chance;
#[path = "support/counting.rs"]
mod counting;
#[path = "scenes/offline.rs"]
mod offline;
mod support;

use krach_core::edit::{NodeEdit, NodeSpec, SceneEdit};
use krach_core::engine::*;
use krach_core::ir::{NodeIr, RouteIr, RouteKind, Source};
use krach_core::model::{Crossfade, ProgramChanges, Setting};
use krach_core::processor::{HostEvent, HostEventKind, ParamEvent, ParamId, place_of_scene};
use krach_core::session::Session;
use krach_patterns::builders;
use support::*;

fn add(name: &str, type_id: &str, gain: f64) -> NodeEdit {
    let node = NodeIr { name: name.into(), source: Source::Type(type_id.into()), gain, ..NodeIr::default() };
    NodeEdit::Set(Box::new(NodeSpec { node, gain: Some(gain), ..NodeSpec::default() }))
}

fn remove(name: &str) -> NodeEdit {
    NodeEdit::Remove { name: name.into() }
}

fn save(number: u8, name: &str) -> Edit {
    SceneEdit::Save { number, name: name.into(), transport: false }.into()
}

fn recall(number: u8) -> Edit {
    SceneEdit::Recall { number, fade: None }.into()
}

/// The host's parameter comes to the scene at that frame of the next block.
fn scene_at(rig: &mut Rig, offset: u32, number: u8) {
    rig.params.push(ParamEvent {
        offset,
        param: ParamId::Scene,
        value: place_of_scene(number),
        modulation: 0.0,
    });
}

/// A drone in both scenes; `verse` has a count beside it, `chorus` a level of 0.5 and no count.
fn two_scenes() -> Rig {
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::Nodes(vec![add("drone", "oscillator", 0.25), add("beat", "dc", 0.5)]));
    rig.edit(set("drone/freq", 110.0));
    rig.edit(save(1, "verse"));
    rig.edit(Edit::Nodes(vec![remove("beat"), add("lead", "dc_other", 1.0)]));
    rig.edit(save(2, "chorus"));
    rig.settle();
    rig
}

/// Renders with recalls by the host's parameter at frames since the beginning.
fn render(rig: &mut Rig, frames: usize, blocks: &[usize], recalls: &[(i64, u8)]) -> [Vec<f32>; 2] {
    let mut out = [Vec::new(), Vec::new()];
    let origin = rig.rendered;
    for &n in blocks.iter().cycle() {
        let begin = rig.rendered - origin;
        if out[0].len() >= frames {
            break;
        }
        for &(at, number) in recalls.iter().filter(|(at, _)| (begin..begin + n as i64).contains(at)) {
            scene_at(rig, (at - begin) as u32, number);
        }
        let sides = rig.block(n);
        // The control thread is quicker than the next scene.
        rig.notices.extend(rig.engine.tick());
        out.iter_mut().zip(sides).for_each(|(whole, part)| whole.extend(part));
    }
    out.map(|side| side[..frames].to_vec())
}

fn names(rig: &Rig) -> Vec<String> {
    rig.engine.session().nodes.iter().map(|node| node.name.clone()).collect()
}

fn recalled(rig: &Rig) -> Vec<(u8, bool)> {
    let of = |notice: &Notice| match notice {
        Notice::Recalled { number, late, .. } => Some((*number, *late)),
        _ => None,
    };
    rig.notices.iter().filter_map(of).collect()
}

#[test]
fn a_scene_switches_on_its_sample_in_every_partition() {
    let recalls = [(24_000, 1), (72_001, 2), (96_000, 1)];
    let mut expected: Option<[Vec<f32>; 2]> = None;
    for blocks in [&[64][..], &[17], &[333], &[2_048], &[1, 700, 64, 2_000]] {
        let mut rig = two_scenes();
        let out = render(&mut rig, 120_000, blocks, &recalls);
        assert_eq!(recalled(&rig), [(1, false), (2, false), (1, false)], "{blocks:?}");
        // Of the drone alone, and what comes in beside it.
        let step = |at: usize| out[0][at] - out[0][at - 1];
        assert!(step(23_999).abs() < 0.01 && step(24_002).abs() < 0.05);
        match &expected {
            None => expected = Some(out),
            Some(expected) => {
                assert_eq!(first_difference(&expected[0], &out[0]), None, "{blocks:?}");
                assert_eq!(first_difference(&expected[1], &out[1]), None, "{blocks:?}");
            }
        }
        assert_eq!(names(&rig), ["drone", "beat"]);
    }
    let out = expected.expect("rendered");
    // What the scenes have beside the drone: 0.25 at first, then 0.5 from sample 24,000 on, faded over half a beat.
    let mut alone = Rig::with(probes::registry());
    alone.edit(Edit::Nodes(vec![add("drone", "oscillator", 0.25)]));
    alone.edit(set("drone/freq", 110.0));
    alone.settle();
    let skipped = two_scenes().rendered - alone.rendered;
    alone.render(skipped as usize, &[64]);
    let drone = alone.render(120_000, &[64]);
    let beside: Vec<f32> = out[0].iter().zip(&drone[0]).map(|(a, b)| a - b).collect();
    let near = |at: usize, level: f32| (beside[at] - level).abs() < 1e-6;
    assert!(near(0, 0.25) && near(23_999, 0.25), "{} {}", beside[0], beside[23_999]);
    assert!(!near(24_010, 0.25), "the change begins on the sample");
    assert!(near(24_000 + 12_001, 0.5) && near(72_000, 0.5), "{}", beside[36_001]);
    assert!(!near(72_011, 0.5) && near(85_000, 0.25));
}

#[test]
fn a_node_that_is_in_both_goes_on_to_the_bit_through_a_hundred_switches() {
    let drone = |rig: &mut Rig| rig.edit(Edit::Nodes(vec![add("count", "count", 1.0)]));
    let mut plain = Rig::with(probes::registry());
    drone(&mut plain);
    let mut rig = Rig::with(probes::registry());
    drone(&mut rig);
    rig.edit(Edit::Nodes(vec![NodeEdit::Mute { name: "count".into(), on: false }, add("a", "thru", 0.0)]));
    rig.edit(save(1, "a"));
    rig.edit(Edit::Nodes(vec![remove("a"), add("b", "thru", 0.0)]));
    rig.edit(save(2, "b"));
    rig.settle();
    plain.render(rig.rendered as usize, &[256]);
    let recalls: Vec<(i64, u8)> = (0..100).map(|n| (6_000 * n + 17, 1 + (n % 2) as u8)).collect();
    let with = render(&mut rig, 600_100, &[480], &recalls);
    let without = plain.render(600_100, &[480]);
    assert_eq!(first_difference(&with[0], &without[0]), None);
    assert_eq!(recalled(&rig).len(), 100);
    assert!(recalled(&rig).iter().all(|(_, late)| !late), "{:?}", recalled(&rig));
}

#[test]
fn a_control_that_the_scene_does_not_name_has_its_default_again_and_the_rest_of_the_session_stays() {
    let mut rig = two_scenes();
    rig.edit(recall(1));
    rig.settle();
    rig.edit(set("beat/level", 0.125));
    rig.edit(set("drone/freq", 880.0));
    rig.edit(Setting::Seed(7).into());
    rig.edit(Setting::Bpm(99.0).into());
    rig.edit(Setting::Master(0.5).into());
    rig.settle();
    assert!(rig.engine.session().scene_is_changed());
    rig.edit(recall(1));
    rig.settle();
    let session = rig.engine.session();
    assert!(!session.scene_is_changed());
    assert_eq!(session.values.get("beat/level"), None);
    assert_eq!(session.values.get("drone/freq"), Some(&110.0));
    let settings = &session.settings;
    assert_eq!((settings.seed, settings.bpm, settings.master), (7, 99.0, 1.0));
    // And so it sounds: 0.5 beside the drone.
    let mut fresh = two_scenes();
    fresh.edit(recall(1));
    fresh.settle();
    let level = |rig: &mut Rig| {
        rig.render(48_000, &[480]);
        let out = rig.render(48_000, &[480]);
        out[0].iter().map(|x| f64::from(*x)).sum::<f64>() / 48_000.0
    };
    assert!((level(&mut rig) - level(&mut fresh)).abs() < 1e-3);
}

#[test]
fn patterns_of_a_scene_begin_in_phase_and_those_that_both_have_go_on() {
    let level = |node: &str, values: &[f64]| {
        let steps = values.iter().map(|value| builders::control(&format!("{node}/level"), *value));
        builders::cat(steps.collect::<Vec<_>>())
    };
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::Nodes(vec![add("a", "dc", 1.0), add("b", "dc", 1.0)]));
    rig.edit(play("a", level("a", &[0.125, 0.25, 0.375, 0.5])));
    rig.edit(play("b", level("b", &[0.25, 0.5, 0.75])));
    rig.settle();
    rig.edit(save(1, "both"));
    rig.edit(Edit::RemoveSlot { slot: "b".into() });
    rig.settle();
    rig.edit(save(2, "one"));
    rig.settle();
    rig.edit(recall(1));
    rig.settle();
    let slots = |rig: &Rig| rig.engine.session().slots.keys().cloned().collect::<Vec<_>>();
    assert_eq!(slots(&rig), ["a", "b"]);
    // As a session that was loaded with both, once each has said a value.
    let mut plain = rig_like(&rig);
    rig.render(96_000, &[480]);
    plain.render(96_000, &[480]);
    let (with, without) = (rig.render(192_000, &[480]), plain.render(192_000, &[480]));
    assert_eq!(first_difference(&with[0], &without[0]), None);
    // The pattern that both have is not begun anew: its held value stays, the other's goes back to the base value.
    let begin = rig.played as usize;
    let out = render(&mut rig, 96_000, &[480], &[(12_000, 2)]);
    assert_eq!(recalled(&rig).last(), Some(&(2, false)));
    assert_eq!(slots(&rig), ["a"]);
    for (at, sample) in out[0].iter().enumerate().skip(12_001) {
        let step = (begin + at) % 96_000 / 24_000;
        // One sample where steps meet.
        if (begin + at) % 24_000 > 300 {
            assert_eq!(*sample, 1.0 + [0.125, 0.25, 0.375, 0.5][step], "sample {at}");
        }
    }
}

/// A rig that has loaded what another plays, at its place in time.
fn rig_like(rig: &Rig) -> Rig {
    let mut engine = Engine::new(probes::registry());
    engine.load(&rig.engine.save()).expect("it was saved");
    let mut other = Rig::of(engine);
    other.played = rig.played;
    other
}

#[test]
fn loading_a_state_recalls_nothing_and_a_value_that_is_set_again_does_neither() {
    let mut rig = two_scenes();
    rig.processor.settle_param(ParamId::Scene, place_of_scene(1), 0.0);
    render(&mut rig, 4_800, &[480], &[(100, 1), (1_000, 1)]);
    assert_eq!(recalled(&rig), []);
    assert_eq!(names(&rig), ["drone", "lead"]);
    render(&mut rig, 4_800, &[480], &[(100, 2)]);
    assert_eq!(recalled(&rig), [(2, false)]);
    // 0 is none, and so is a number without a scene.
    render(&mut rig, 4_800, &[480], &[(100, 0), (1_000, 99), (2_000, 2)]);
    assert_eq!(recalled(&rig), [(2, false), (2, false)]);
}

#[test]
fn a_recall_is_one_step_and_a_run_of_recalls_too() {
    let mut rig = two_scenes();
    let steps = |rig: &Rig| rig.engine.history().1;
    let edited = rig.engine.session().scene_is_changed();
    assert!(!edited, "just saved");
    rig.edit(set("lead/level", 0.75));
    rig.settle();
    let before = (steps(&rig), rig.engine.save());
    render(&mut rig, 48_000, &[480], &[(100, 1), (12_000, 2), (24_000, 1), (36_000, 2)]);
    assert_eq!(recalled(&rig).len(), 4);
    assert_eq!(steps(&rig), before.0 + 1);
    assert_eq!(rig.engine.session().values.get("lead/level"), None);
    let (label, _) = rig.engine.undo(At::Now).unwrap().expect("a step");
    assert_eq!(label, "recall chorus");
    rig.settle();
    assert_eq!(rig.engine.session().values.get("lead/level"), Some(&0.75));
    assert_eq!(rig.engine.save(), before.1);
    rig.engine.redo(At::Now).unwrap().expect("a step");
    rig.settle();
    assert_eq!(rig.engine.session().values.get("lead/level"), None);
    // An edit between two recalls ends the run.
    rig.edit(recall(1));
    rig.settle();
    let before = steps(&rig);
    rig.edit(set("beat/level", 0.5));
    rig.settle();
    rig.edit(recall(2));
    rig.settle();
    rig.edit(recall(1));
    rig.settle();
    assert_eq!(steps(&rig), before + 2);
    rig.engine.undo(At::Now).unwrap();
    rig.settle();
    assert_eq!(rig.engine.session().values.get("beat/level"), Some(&0.5));
}

#[test]
fn scenes_are_saved_renamed_reordered_duplicated_and_deleted_and_keep_their_numbers() {
    let mut rig = two_scenes();
    let shown = |rig: &Rig| {
        let scenes = rig.engine.session().scenes.iter();
        scenes.map(|(number, scene)| (number, scene.name.clone())).collect::<Vec<_>>()
    };
    let of = |list: &[(u8, &str)]| list.iter().map(|(n, s)| (*n, (*s).to_owned())).collect::<Vec<_>>();
    rig.edit(SceneEdit::Rename { number: 2, name: "hook".into() }.into());
    rig.edit(SceneEdit::Duplicate { number: 1, to: 9, name: "verse 2".into() }.into());
    rig.edit(SceneEdit::Order(vec![9, 2, 1]).into());
    assert_eq!(shown(&rig), of(&[(9, "verse 2"), (2, "hook"), (1, "verse")]));
    rig.edit(SceneEdit::Delete { number: 1 }.into());
    assert_eq!(shown(&rig), of(&[(9, "verse 2"), (2, "hook")]));
    rig.engine.undo(At::Now).unwrap();
    assert_eq!(shown(&rig), of(&[(9, "verse 2"), (2, "hook"), (1, "verse")]));
    for (edit, says) in [
        (recall(3), "there is no scene 3"),
        (
            SceneEdit::Save { number: 0, name: "x".into(), transport: false }.into(),
            "0 is no number of a scene",
        ),
        (SceneEdit::Save { number: 128, name: "x".into(), transport: false }.into(), "128 is no number"),
        (save(4, "hook"), "scene 2 has the name hook already"),
        (save(4, " "), "a scene's name is a text"),
        (SceneEdit::Order(vec![1, 2]).into(), "the order names each scene once"),
        (SceneEdit::Duplicate { number: 1, to: 2, name: "y".into() }.into(), "2 is the number of hook"),
    ] {
        let error = rig.engine.edit(edit, At::Now).expect_err(says).to_string();
        assert!(error.contains(says), "{error}");
    }
    rig.settle();
    rig.edit(recall(9));
    rig.settle();
    assert_eq!(names(&rig), ["drone", "beat"]);
}

#[test]
fn a_document_holds_the_scenes_and_loads_them() {
    let mut rig = two_scenes();
    rig.edit(Edit::Nodes(vec![add("verb", "thru", 0.5)]));
    let route = RouteIr {
        source: "drone".into(),
        target: "verb".into(),
        kind: RouteKind::Send,
        level: 0.25,
        ..RouteIr::default()
    };
    rig.edit(Edit::Nodes(vec![NodeEdit::Connect(route)]));
    rig.edit(play("drone", hits("gate", 2)));
    rig.edit(SceneEdit::Save { number: 5, name: "bridge".into(), transport: true }.into());
    rig.settle();
    let json = rig.engine.save();
    let mut other = Engine::new(probes::registry());
    other.load(&json).expect("it was saved");
    assert_eq!(other.session().scenes, rig.engine.session().scenes);
    assert_eq!(other.save(), json);
    // A document without scenes leaves them, where it is loaded into a session.
    let session = other.session().clone();
    let module = Session::read_module(r#"{"nodes":[{"name":"n","source":"dc"}]}"#).unwrap();
    let edit = session.loading(module, other.registry()).unwrap();
    other.edit(edit, At::Now).unwrap();
    assert_eq!(other.session().scenes.len(), 3);
    let text = String::from_utf8(json).unwrap();
    for (from, to, says) in [
        ("\"number\":5", "\"number\":200", "200 is no number of a scene"),
        ("\"number\":5", "\"number\":1", "two scenes have the number 1"),
        ("\"name\":\"bridge\"", "\"name\":\"verse\"", "scene 1 has the name verse already"),
    ] {
        let wrong = text.replacen(from, to, 1);
        assert_ne!(wrong, text, "{from}");
        let error = other.load(wrong.as_bytes()).expect_err(says).to_string();
        assert!(error.contains(says) && error.contains("$.krach.scenes["), "{error}");
    }
    assert_eq!(other.session().scenes.len(), 3);
}

#[test]
fn a_recall_of_groups_changes_these_and_nothing_else() {
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::Nodes(vec![
        add("drums/kick", "dc", 0.5),
        add("drums/hat", "dc", 0.25),
        add("bass", "dc", 0.125),
        add("verb", "thru", 1.0),
    ]));
    let send = |level: f64| RouteIr {
        source: "drums/kick".into(),
        target: "verb".into(),
        kind: RouteKind::Send,
        level,
        ..RouteIr::default()
    };
    rig.edit(Edit::Nodes(vec![NodeEdit::Connect(send(0.5))]));
    rig.edit(play("drums/kick", hits("gate", 2)));
    rig.edit(play("bass", hits("gate", 3)));
    rig.settle();
    rig.edit(save(1, "verse"));
    rig.edit(Edit::Nodes(vec![remove("drums/hat"), add("drums/clap", "dc", 1.0)]));
    rig.edit(Edit::Nodes(vec![NodeEdit::Connect(send(0.25))]));
    rig.edit(set("drums/kick/gain", 2.0));
    rig.edit(set("bass/gain", 2.0));
    rig.edit(play("drums/kick", hits("gate", 5)));
    rig.edit(play("bass", hits("gate", 7)));
    rig.settle();
    let state = rig.engine.session().scenes.get(1).unwrap().state.clone();
    let session = rig.engine.session();
    let target = session.with_groups_of(&state, &["drums".to_owned()], rig.engine.registry()).unwrap();
    let edit = Edit::Batch(session.difference(&target));
    let none = session.with_groups_of(&state, &["lead".to_owned()], rig.engine.registry());
    assert!(none.unwrap_err().to_string().contains("the scene has no lead"));
    rig.edit(edit);
    rig.settle();
    let session = rig.engine.session();
    let mut found = names(&rig);
    found.sort();
    assert_eq!(found, ["bass", "drums/hat", "drums/kick", "verb"]);
    assert_eq!(session.gain_of("drums/kick"), 0.5);
    assert_eq!(session.gain_of("bass"), 2.0);
    assert_eq!(session.level_of("drums/kick", "verb"), 0.5);
    let pattern = |slot: &str| (*session.slots.get(slot).unwrap().pattern).clone();
    assert_eq!((pattern("drums/kick"), pattern("bass")), (hits("gate", 2), hits("gate", 7)));
}

#[test]
fn a_scene_recalled_at_a_position_switches_there_with_its_own_fade() {
    let mut rig = two_scenes();
    let from = rig.engine.link().position().cycles;
    let at = (from + 0.5).ceil();
    let sample = (at * 96_000.0).round() as i64 - rig.played;
    let fade = Some(Crossfade::Seconds(0.01));
    rig.edit_at(SceneEdit::Recall { number: 1, fade }.into(), At::Position(at));
    assert_eq!(names(&rig), ["drone", "lead"], "not yet");
    let out = rig.render(sample as usize + 9_600, &[480]);
    rig.settle();
    assert_eq!(names(&rig), ["drone", "beat"]);
    assert_eq!(recalled(&rig), [(1, false)]);
    let mean = |range: std::ops::Range<usize>| {
        let frames = range.len() as f64;
        out[0][range].iter().map(|x| f64::from(*x)).sum::<f64>() / frames
    };
    let sample = sample as usize;
    // Whole periods of the drone.
    let period = 4_800;
    assert!((mean(sample - period..sample) - 0.25).abs() < 1e-3, "{}", mean(sample - period..sample));
    assert!((mean(sample + 480..sample + 480 + period) - 0.5).abs() < 1e-3);
}

#[test]
fn edits_that_audio_gets_to_after_a_recall_hold_for_what_was_recalled() {
    let mut rig = two_scenes();
    // The control side has not heard of the recall when these edits are made.
    scene_at(&mut rig, 10, 1);
    rig.process_unheard(256);
    rig.engine.edit(set("drone/freq", 440.0), At::Now).unwrap();
    rig.engine.edit(Edit::Nodes(vec![add("late", "dc", 0.0)]), At::Now).unwrap();
    rig.settle();
    assert_eq!(names(&rig), ["drone", "beat", "late"]);
    assert_eq!(rig.engine.session().values.get("drone/freq"), Some(&440.0));
    let loaded = |rig: &mut Rig| {
        let mut other = rig_like(rig);
        other.render(96_000, &[480]);
        rig.render(96_000, &[480]);
        let (a, b) = (rig.render(48_000, &[480]), other.render(48_000, &[480]));
        let power = |x: &[Vec<f32>; 2]| x[0].iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
        (power(&a), power(&b))
    };
    let (a, b) = loaded(&mut rig);
    assert!((a - b).abs() < 0.01 * a, "{a} {b}");
}

#[test]
fn scenes_are_ready_after_every_edit_and_offline_even_twice_in_a_block() {
    let mut rig = two_scenes();
    for turn in 0..20 {
        rig.edit(Edit::Nodes(vec![add(&format!("n{turn}"), "dc", 0.0)]));
        // The edit is adopted and the scene recalled in the same block.
        scene_at(&mut rig, 0, 1 + (turn % 2));
        rig.block(64);
        rig.settle();
    }
    assert_eq!(recalled(&rig).len(), 20);
    assert!(recalled(&rig).iter().all(|(_, late)| !late), "{:?}", recalled(&rig));
}

#[test]
fn a_scene_that_is_not_ready_begins_late_and_is_said_to() {
    let mut rig = two_scenes();
    // Two recalls in one block of a host in real time: the second finds nothing prepared against the first.
    scene_at(&mut rig, 10, 1);
    scene_at(&mut rig, 20, 2);
    rig.block(64);
    rig.settle();
    assert_eq!(recalled(&rig), [(1, false), (2, true)]);
    assert_eq!(names(&rig), ["drone", "lead"]);
    let (label, _) = rig.engine.undo(At::Now).unwrap().expect("a step");
    assert_eq!(label, "recall chorus");
}

#[test]
fn program_changes_recall_on_their_sample_whose_channel_is_taken() {
    let program = |rig: &mut Rig, offset: u32, channel: u8, program: u8| {
        let what = HostEventKind::Midi([0xc0 | channel, program, 0]);
        rig.played_in.push(HostEvent { offset, what });
    };
    let mut rig = two_scenes();
    program(&mut rig, 100, 3, 0);
    let by_program = rig.block(512);
    rig.settle();
    assert_eq!(recalled(&rig), [(1, false)]);
    let mut other = two_scenes();
    let by_parameter = render(&mut other, 512, &[512], &[(100, 1)]);
    assert_eq!(first_difference(&by_program[0], &by_parameter[0]), None, "on the same sample");
    // The parameter follows, so that the same number again does nothing; 127 would be the scene 128.
    scene_at(&mut rig, 0, 1);
    program(&mut rig, 10, 0, 127);
    rig.block(64);
    rig.settle();
    assert_eq!(recalled(&rig), [(1, false)]);
    for (programs, taken) in [
        (ProgramChanges::Channel(4), false),
        (ProgramChanges::Off, false),
        (ProgramChanges::Channel(3), true),
    ] {
        rig.edit(Setting::Programs(programs).into());
        rig.settle();
        program(&mut rig, 5, 3, 1);
        rig.block(64);
        rig.settle();
        assert_eq!(recalled(&rig).len(), if taken { 2 } else { 1 }, "{programs:?}");
    }
    let wrong = rig.engine.edit(Setting::Programs(ProgramChanges::Channel(16)).into(), At::Now);
    assert!(wrong.unwrap_err().to_string().contains("a MIDI channel from 0 to 15"));
}

#[test]
fn with_a_step_back_the_host_s_parameter_stands_where_the_session_does() {
    let mut rig = two_scenes();
    render(&mut rig, 4_000, &[256], &[(100, 1), (2_000, 2)]);
    assert_eq!((names(&rig), rig.processor.scene()), (vec!["drone".to_owned(), "lead".to_owned()], 2));
    rig.engine.undo(At::Now).expect("there is a step").expect("and it is taken");
    render(&mut rig, 4_000, &[256], &[]);
    // Runs of recalls by the host are one step: before them chorus had just been saved.
    assert_eq!(rig.processor.scene(), rig.engine.session().scenes.current());
    // Scenes of a file that has no current one: the number that stood there recalls again.
    let mut scenes = (*rig.engine.session().scenes).clone();
    scenes.set_current(0);
    rig.edit(SceneEdit::All(scenes.into()).into());
    render(&mut rig, 1_000, &[256], &[]);
    assert_eq!(rig.processor.scene(), 0);
    rig.notices.clear();
    render(&mut rig, 4_000, &[256], &[(100, 2)]);
    assert_eq!(recalled(&rig), [(2, false)]);
}

#[test]
fn a_scene_without_a_name_gets_the_first_that_is_free() {
    let mut rig = two_scenes();
    rig.edit(save(3, "Scene 4"));
    let scenes = &rig.engine.session().scenes;
    assert_eq!((scenes.name_for(1), scenes.name_for(4)), ("verse".to_owned(), "Scene 5".to_owned()));
    assert_eq!(scenes.name_for(5), "Scene 5");
}

#[test]
fn slots_of_scenes_count_where_there_are_no_more_numbers_for_slots() {
    let mut rig = two_scenes();
    let slots = |from: usize, count: usize| {
        let play = |n: usize| {
            let (slot, pattern) = (format!("s{n}"), builders::control("drone/freq", 110.0));
            Edit::SetPattern { slot, pattern, from_zero: false, origin: None, swing: None }
        };
        Edit::Batch((from..from + count).map(play).collect())
    };
    rig.edit(slots(0, 600));
    rig.edit(save(3, "many"));
    rig.settle();
    rig.edit(recall(1));
    rig.settle();
    let document = rig.engine.save();
    let refused = rig.engine.edit(slots(600, 600), At::Now).expect_err("1,200 in all");
    assert!(refused.to_string().contains("slots"), "{refused}");
    assert_eq!(rig.engine.save(), document);
    rig.edit(slots(600, 400));
    rig.settle();
    let session = rig.engine.session();
    assert_eq!(session.slots.len(), 400);
    // What is saved so can be loaded; more cannot.
    let document = rig.engine.save();
    rig.engine.load(&document).expect("it was saved");
    let text = String::from_utf8(document).unwrap();
    let more: Vec<String> =
        (0..100).map(|n| format!(r#"{{"target":"t{n}","pattern":{{"op":"Silence"}}}},"#)).collect();
    let text = text.replacen(r#""patterns":["#, &format!(r#""patterns":[{}"#, more.concat()), 1);
    let refused = rig.engine.load(text.as_bytes()).expect_err("1,100 in all");
    assert!(refused.to_string().contains("slots"), "{refused}");
}

#[test]
fn what_a_scene_s_document_says_and_nobody_knows_is_kept_wherever_it_stands() {
    let entry = |more: serde_json::Value| {
        let mut entry = more;
        entry["colour"] = "red".into();
        entry
    };
    let silence = serde_json::json!({"op": "Silence"});
    let module = serde_json::json!({
        "nodes": [entry(serde_json::json!({"name": "d", "source": "dc", "gain": 0.5}))],
        "patterns": [entry(serde_json::json!({"target": "d", "pattern": silence}))],
        "controls": [entry(serde_json::json!({"path": "d/freq", "value": 3.0}))],
        "muted": [entry(serde_json::json!({"name": "d", "saved_gain": 0.5}))],
        "krach": {"version": 3, "colour": "red"},
        "colour": "red",
    });
    let scene = entry(serde_json::json!({"number": 4, "name": "odd", "module": module}));
    let document = serde_json::json!({"krach": {"version": 3, "scenes": [scene]}});
    let mut engine = Engine::new(probes::registry());
    engine.load(document.to_string().as_bytes()).expect("it is a session");
    let saved: serde_json::Value = serde_json::from_slice(&engine.save()).unwrap();
    let count = |value: &serde_json::Value| value.to_string().matches("\"colour\":\"red\"").count();
    assert_eq!((count(&document), count(&saved)), (7, 7), "{saved}");
    // Another name and a step back leave them.
    engine.edit(SceneEdit::Rename { number: 4, name: "odder".into() }.into(), At::Now).unwrap();
    assert_eq!(count(&serde_json::from_slice(&engine.save()).unwrap()), 7);
}
