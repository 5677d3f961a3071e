//! What is asked for beside a recall: before audio has answered it, on the sample on which it acts, and where it is late.

use super::*;
use krach_core::automation::ShapeSpec;
use krach_core::model::{Curve, MacroState, MacroTarget};
use krach_patterns::Pattern;

fn level(node: &str, value: f64) -> Pattern {
    builders::control(&format!("{node}/level"), value)
}

fn value_of(rig: &Rig, path: &str) -> Option<f64> {
    rig.engine.session().values.get(path).copied()
}

fn steps(rig: &Rig) -> Vec<String> {
    rig.engine.history().0.into_iter().map(str::to_owned).collect()
}

fn failed(rig: &Rig) -> Vec<&Notice> {
    rig.notices.iter().filter(|notice| matches!(notice, Notice::EditFailed { .. })).collect()
}

/// The last sample of the left side, a second later.
fn later(rig: &mut Rig) -> f32 {
    rig.render(48_000, &[480])[0][47_999]
}

#[test]
fn what_is_asked_for_behind_a_recall_holds_for_the_scene_before_audio_has_answered() {
    // The session is `chorus`: drone and lead.
    let mut rig = two_scenes();
    rig.edit(set("lead/level", 0.125));
    rig.edit(recall(1));
    assert_eq!(names(&rig), ["drone", "beat"]);
    assert_eq!(rig.engine.session().scenes.current(), 1);
    // A node that only the scene has, a scene of that moment, and a step back.
    rig.edit(set("beat/level", 0.75));
    rig.edit(save(3, "third"));
    assert_eq!(rig.engine.session().scenes.get(3).expect("saved").state.nodes.len(), 2);
    rig.edit(Edit::Nodes(vec![add("high", "dc_other", 0.0)]));
    rig.settle();
    assert_eq!(names(&rig), ["drone", "beat", "high"]);
    assert_eq!(value_of(&rig, "beat/level"), Some(0.75));
    let steps = steps(&rig);
    let last = &steps[steps.len() - 5..];
    assert_eq!(last, ["set lead/level", "recall verse", "set beat/level", "save scene third", "node high"]);
    assert!(failed(&rig).is_empty(), "{:?}", rig.notices);
    // It sounds as a session that was loaded so.
    let mut plain = rig_like(&rig);
    later(&mut rig);
    later(&mut plain);
    let (with, without) = (rig.render(4_800, &[480]), plain.render(4_800, &[480]));
    let mean = |side: &[f32]| side.iter().sum::<f32>() / side.len() as f32;
    assert!((mean(&with[0]) - mean(&without[0])).abs() < 1e-3, "{} {}", mean(&with[0]), mean(&without[0]));
}

#[test]
fn a_step_back_behind_a_recall_takes_the_recall_back_and_loses_no_step() {
    let mut rig = two_scenes();
    rig.edit(set("lead/level", 0.125));
    rig.edit(recall(1));
    let (label, _) = rig.engine.undo(At::Now).unwrap().expect("a step");
    assert_eq!(label, "recall verse");
    rig.settle();
    assert_eq!(names(&rig), ["drone", "lead"]);
    assert_eq!(value_of(&rig, "lead/level"), Some(0.125));
    assert_eq!(rig.engine.history().1, steps(&rig).len() - 1);
    let level = later(&mut rig);
    let mut alone = two_scenes();
    alone.edit(set("lead/level", 0.125));
    alone.settle();
    alone.render((rig.rendered - alone.rendered - 1) as usize, &[480]);
    assert!((level - alone.render(1, &[1])[0][0]).abs() < 1e-5);
    let (label, _) = rig.engine.redo(At::Now).unwrap().expect("a step");
    assert_eq!(label, "recall verse");
    rig.settle();
    assert_eq!(names(&rig), ["drone", "beat"]);
}

#[test]
fn a_batch_with_a_recall_is_whole_and_one_step() {
    for at in [At::Now, At::Position(1.0)] {
        let mut rig = two_scenes();
        let before = steps(&rig).len();
        let batch = vec![
            recall(1),
            set("beat/level", 0.75),
            Edit::Nodes(vec![NodeEdit::Set(Box::new(NodeSpec {
                node: NodeIr {
                    name: "beat".into(),
                    source: Source::Type("dc".into()),
                    gain: 0.25,
                    ..NodeIr::default()
                },
                gain: Some(0.25),
                ..NodeSpec::default()
            }))]),
        ];
        rig.edit_at(Edit::Batch(batch), at);
        rig.render(96_000, &[480]);
        rig.settle();
        assert!(failed(&rig).is_empty(), "{at:?}: {:?}", rig.notices);
        assert_eq!(names(&rig), ["drone", "beat"], "{at:?}");
        assert_eq!(value_of(&rig, "beat/level"), Some(0.75), "{at:?}");
        assert_eq!(value_of(&rig, "beat_g/gain"), Some(0.25), "{at:?}");
        assert_eq!(steps(&rig).len(), before + 1, "{at:?}: {:?}", steps(&rig));
        rig.engine.undo(At::Now).unwrap().expect("a step");
        rig.settle();
        assert_eq!(names(&rig), ["drone", "lead"], "{at:?}");
        assert_eq!(value_of(&rig, "beat/level"), None, "{at:?}");
    }
}

#[test]
fn a_recall_that_no_block_has_answered_is_in_what_is_saved_and_what_is_activated_anew() {
    let mut rig = two_scenes();
    rig.edit(recall(1));
    rig.edit(set("beat/level", 0.75));
    let saved = rig.engine.save();
    rig.engine.deactivate();
    rig.processor = rig.engine.activate(RATE, MAX_FRAMES);
    rig.settle();
    assert_eq!(rig.engine.save(), saved);
    assert_eq!(value_of(&rig, "beat/level"), Some(0.75));
}

/// A constant under a pattern, an automation and a master: `one`, which is at 0.125, and `two`, at 0.1875.
fn patterns_and_masters() -> Rig {
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::Nodes(vec![add("a", "dc", 1.0)]));
    rig.edit(play("a", level("a", 0.125)));
    later(&mut rig);
    rig.edit(save(1, "one"));
    rig.edit(play("a", level("a", 0.25)));
    rig.edit(Setting::Master(0.75).into());
    rig.settle();
    rig.edit(save(2, "two"));
    rig.edit(Edit::Nodes(vec![add("b", "dc", 0.0)]));
    rig.settle();
    rig.edit(save(3, "three"));
    rig.settle();
    assert_eq!(later(&mut rig), 0.1875);
    rig
}

#[test]
fn a_late_recall_of_a_client_brings_patterns_and_master_too() {
    for timed in [false, true] {
        let mut rig = patterns_and_masters();
        // In one block: the second finds nothing prepared against the first.
        if timed {
            let at = rig.engine.link().position().cycles + 0.1;
            rig.edit_at(recall(2), At::Position(at));
            rig.edit_at(recall(1), At::Position(at + 1e-4));
        } else {
            rig.edit(recall(2));
            rig.edit(recall(1));
        }
        later(&mut rig);
        assert_eq!(recalled(&rig), [(2, false), (1, true)], "timed {timed}");
        assert_eq!(rig.engine.session().settings.master, 1.0, "timed {timed}");
        assert_eq!(later(&mut rig), 0.125, "timed {timed}: what is heard is what is saved");
    }
}

#[test]
fn a_late_recall_fades_as_long_as_it_was_asked_to() {
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::Nodes(vec![add("a", "dc", 0.25)]));
    rig.edit(save(1, "one"));
    rig.edit(Edit::Nodes(vec![remove("a"), add("b", "dc_other", 3.0)]));
    rig.edit(save(2, "two"));
    rig.edit(Edit::Nodes(vec![add("c", "dc", 0.0)]));
    rig.edit(save(3, "three"));
    rig.settle();
    later(&mut rig);
    rig.edit(recall(2));
    let fade = Some(Crossfade::Seconds(1.0));
    rig.edit(SceneEdit::Recall { number: 1, fade }.into());
    let out = rig.render(96_000, &[480]);
    assert_eq!(recalled(&rig), [(2, false), (1, true)]);
    let middle = out[0][24_000];
    assert!(middle > 0.45 && middle < 0.55, "half-way after half a second: {middle}");
    let most = out[0].iter().fold(0.0_f32, |most, x| most.max(*x));
    assert!(most <= 0.75 + 1e-6, "what comes in and what goes out are never both there: {most}");
    rig.edit(recall(2));
    let out = rig.render(48_000, &[480]);
    assert_eq!(out[0][13_000], 0.75, "the next one fades as the session does");
}

#[test]
fn the_sessions_crossfade_holds_for_the_next_recall() {
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::Nodes(vec![add("a", "dc", 0.25)]));
    rig.edit(save(1, "one"));
    rig.edit(Edit::Nodes(vec![remove("a"), add("b", "dc_other", 3.0)]));
    rig.edit(save(2, "two"));
    rig.settle();
    later(&mut rig);
    rig.edit(Setting::Crossfade(Crossfade::Seconds(1.0)).into());
    rig.settle();
    scene_at(&mut rig, 0, 1);
    let middle = rig.render(24_001, &[480])[0][24_000];
    assert!(middle > 0.45 && middle < 0.55, "half-way after half a second: {middle}");
}

#[test]
fn scenes_are_ready_again_after_a_timed_change_of_the_graph() {
    let mut rig = two_scenes();
    rig.edit_at(Edit::Nodes(vec![add("more", "dc", 0.0)]), At::Position(1.0));
    rig.render(144_000, &[480]);
    assert_eq!(names(&rig), ["drone", "lead", "more"]);
    scene_at(&mut rig, 100, 1);
    rig.block(480);
    rig.settle();
    assert_eq!(recalled(&rig), [(1, false)]);
}

#[test]
fn what_a_macro_moved_before_a_recall_of_the_same_block_is_not_the_scenes() {
    let mut rig = two_scenes();
    let target = MacroTarget { label: "drone/freq".into(), lo: 100.0, hi: 1_000.0, curve: Curve::Linear };
    let to = MacroState { targets: vec![target], ..MacroState::new(1) };
    rig.edit(Edit::Macro { number: 1, to: Some(Box::new(to)) });
    rig.settle();
    let param = ParamId::Macro(0);
    rig.params.push(ParamEvent { offset: 10, param, value: 1.0, modulation: 0.0 });
    scene_at(&mut rig, 20, 1);
    rig.block(64);
    rig.settle();
    assert_eq!(value_of(&rig, "drone/freq"), Some(110.0), "as the scene says");
    // What it moves behind the recall counts.
    rig.params.push(ParamEvent { offset: 30, param, value: 0.0, modulation: 0.0 });
    scene_at(&mut rig, 20, 2);
    rig.block(64);
    rig.settle();
    assert_eq!(value_of(&rig, "drone/freq"), Some(100.0));
}

#[test]
fn an_automation_of_a_scene_keeps_its_place_while_the_session_has_others() {
    let automation = |id: &str, node: &str, level: f64| Edit::SetAutomation {
        id: id.into(),
        label: format!("{node}/level"),
        shape: ShapeSpec::Ramp,
        lo: level,
        hi: level,
        period: Period::Secs(1.0),
        one_shot: false,
    };
    let clear = |id: &str| Edit::ClearAutomation { id: id.into() };
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::Nodes(vec![add("a", "dc", 1.0), add("b", "dc", 1.0), add("c", "dc", 1.0)]));
    for node in ["a", "b", "c"] {
        rig.edit(set(&format!("{node}/level"), 0.0));
    }
    rig.edit(automation("first", "b", 0.5));
    rig.edit(automation("x", "a", 0.25));
    rig.edit(clear("first"));
    rig.settle();
    rig.edit(save(1, "moved"));
    rig.settle();
    // Others come in its place.
    rig.edit(clear("x"));
    rig.edit(automation("y", "b", 0.5));
    rig.edit(automation("z", "c", 1.0));
    assert_eq!(later(&mut rig), 1.5);
    rig.edit(recall(1));
    assert_eq!(later(&mut rig), 0.25);
    rig.edit(automation("y", "b", 0.5));
    assert_eq!(later(&mut rig), 0.75);
    rig.edit(clear("x"));
    assert_eq!(later(&mut rig), 0.5, "it is cleared");
}

#[test]
fn a_scene_that_is_saved_over_while_audio_recalls_it_is_the_session_as_it_was() {
    let mut rig = two_scenes();
    scene_at(&mut rig, 0, 1);
    // Audio has recalled it; the control side has not heard of that, and something else is put in its place.
    rig.unheard(64, &[64]);
    rig.engine.edit(save(1, "verse"), At::Now).expect("saves");
    rig.engine.edit(set("drone/freq", 220.0), At::Now).expect("sets");
    rig.settle();
    assert_eq!(recalled(&rig), [(1, false)]);
    assert_eq!(names(&rig), ["drone", "beat"]);
    assert_eq!(value_of(&rig, "drone/freq"), Some(220.0));
}

#[test]
fn patterns_of_scenes_look_back_under_the_seed_of_the_session() {
    // By chance; what was said last is looked for when time jumps.
    let chance = |rig: &mut Rig| {
        let steps: Vec<Pattern> = (1..=8).map(|n| level("a", f64::from(n) / 16.0)).collect();
        rig.edit(play("a", builders::cat(steps).thin(0.995, 3)));
    };
    let heard = |seed_first: bool| {
        let mut rig = Rig::with(probes::registry());
        rig.edit(Edit::Nodes(vec![add("a", "dc", 1.0)]));
        rig.edit(save(2, "still"));
        chance(&mut rig);
        if seed_first {
            rig.edit(Setting::Seed(77).into());
        }
        rig.edit(save(1, "chance"));
        rig.edit(recall(2));
        rig.settle();
        if !seed_first {
            rig.edit(Setting::Seed(77).into());
        }
        rig.settle();
        rig.edit(recall(1));
        rig.settle();
        // A jump far ahead.
        let mut found = Vec::new();
        for beats in [401.0, 1003.0, 2005.5, 4007.0, 8009.5] {
            rig.start_beats = beats;
            rig.played = 0;
            rig.block(480);
            found.push(rig.block(480)[0][479]);
        }
        found
    };
    assert_eq!(heard(false), heard(true));
}

#[test]
fn a_scene_that_is_deleted_while_audio_recalls_it_stops_no_later_edit() {
    let mut rig = two_scenes();
    scene_at(&mut rig, 0, 1);
    rig.unheard(64, &[64]);
    rig.engine.edit(SceneEdit::Delete { number: 1 }.into(), At::Now).expect("deletes");
    rig.engine.edit(set("drone/freq", 220.0), At::Now).expect("sets");
    rig.settle();
    assert_eq!(names(&rig), ["drone", "beat"], "what is heard");
    rig.edit(Edit::Nodes(vec![remove("drone"), remove("beat"), add("a", "dc", 0.125)]));
    rig.settle();
    assert_eq!(later(&mut rig), 0.125);
}

#[test]
fn a_scene_with_a_meter_begins_its_patterns_where_the_song_is_in_that_meter() {
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::Nodes(vec![add("a", "dc", 1.0)]));
    rig.edit(set("a/level", 0.0));
    rig.edit(save(2, "still"));
    rig.edit(Setting::BeatsPerCycle(3.0).into());
    let steps: Vec<Pattern> = [0.25, 0.5, 0.75].iter().map(|value| level("a", *value)).collect();
    rig.edit(play("a", builders::cat(steps)));
    rig.settle();
    rig.edit(SceneEdit::Save { number: 1, name: "waltz".into(), transport: true }.into());
    rig.edit(Setting::BeatsPerCycle(4.0).into());
    rig.edit(recall(2));
    rig.settle();
    // Beat 400 is a third of the way in cycle 133 of three beats, and the begin of cycle 100 of four.
    (rig.start_beats, rig.played) = (399.5, 0);
    rig.block(480);
    let beat = |beats: f64| (beats * 24_000.0) as u32;
    scene_at(&mut rig, beat(0.01), 1);
    rig.block(480);
    rig.settle();
    assert_eq!(recalled(&rig).last(), Some(&(1, false)));
    let mut heard = Vec::new();
    for at in [400.5, 401.5, 402.5] {
        let now = rig.transport().beats.expect("it runs");
        heard.push(rig.render(beat(at - now) as usize, &[480])[0].pop());
    }
    assert_eq!(heard, [Some(0.5), Some(0.75), Some(0.25)]);
}

#[test]
fn automations_of_scenes_run_at_the_rate_of_the_host() {
    let rate = 24_000.0;
    let mut rig = Rig::with(probes::registry());
    rig.processor = rig.engine.activate(rate, MAX_FRAMES);
    rig.edit(Edit::Nodes(vec![add("a", "dc", 1.0)]));
    rig.edit(set("a/level", 0.0));
    rig.settle();
    rig.edit(save(2, "still"));
    rig.edit(Edit::SetAutomation {
        id: "x".into(),
        label: "a/level".into(),
        shape: ShapeSpec::Ramp,
        lo: 0.0,
        hi: 1.0,
        period: Period::Secs(1.0),
        one_shot: true,
    });
    rig.edit(save(1, "moved"));
    rig.edit(recall(2));
    rig.settle();
    rig.edit(recall(1));
    let out = rig.render(12_000, &[480]);
    assert!((out[0][11_999] - 0.5).abs() < 0.01, "half-way after half a second: {}", out[0][11_999]);
}

#[test]
fn a_scene_that_the_host_asks_for_while_nothing_plays_is_recalled_by_the_rebuild() {
    probes::hush_probes();
    for by_program in [false, true] {
        for in_the_block_of_the_fault in [false, true] {
            let mut rig = two_scenes();
            rig.edit(Edit::Nodes(vec![add("fault", "panicky", 1.0)]));
            rig.settle();
            render(&mut rig, 1_000, &[256], &[]);
            rig.notices.clear();
            rig.edit(set("fault/when", 1.0));
            if !in_the_block_of_the_fault {
                rig.block(64);
            }
            let program = HostEvent { offset: 40, what: HostEventKind::Midi([0xc0, 0, 0]) };
            match by_program {
                true => rig.played_in.push(program),
                false => scene_at(&mut rig, 40, 1),
            }
            let case = (by_program, in_the_block_of_the_fault);
            assert!(rig.block(64)[0].iter().all(|x| *x == 0.0), "{case:?}");
            assert!(rig.engine.status().poisoned, "{case:?}");
            assert_eq!(
                (rig.processor.scene(), recalled(&rig).len()),
                (1, 0),
                "the host's value stands: {case:?}"
            );
            rig.block(64);
            rig.edit(Edit::Rebuild);
            rig.block(64);
            rig.settle();
            assert_eq!(
                (names(&rig), rig.processor.scene()),
                (vec!["drone".into(), "beat".into()], 1),
                "{case:?}"
            );
            assert_eq!(recalled(&rig).len(), 1, "once: {case:?}");
            render(&mut rig, 1_000, &[256], &[]);
            assert_eq!(recalled(&rig).len(), 1, "once: {case:?}");
        }
    }
}

#[test]
fn a_pattern_from_its_own_zero_goes_on_from_there_also_where_the_scene_is_late() {
    let count = || builders::cat((1..=5).map(|k| level("a", f64::from(k) / 8.0)).collect::<Vec<_>>());
    let played = |late: bool| {
        let mut rig = Rig::with(probes::registry());
        rig.edit(Edit::Nodes(vec![add("a", "dc", 1.0)]));
        let (slot, pattern) = ("a".to_owned(), count());
        rig.edit_at(
            Edit::SetPattern { slot, pattern, from_zero: true, origin: None, swing: None },
            At::Position(0.3),
        );
        rig.render(60_000, &[480]);
        rig.edit(save(1, "count"));
        rig.edit(Edit::RemoveSlot { slot: "a".into() });
        rig.edit(save(2, "none"));
        rig.settle();
        if late {
            rig.engine.limit_scenes(0);
        }
        rig.settle();
        rig.notices.clear();
        let begin = rig.played as usize;
        let [out, _] = render(&mut rig, 600_000, &[480], &[(150_000, 1)]);
        assert_eq!(recalled(&rig), [(1, late)]);
        let state = &rig.engine.session().slots["a"];
        assert_eq!(state.origin, Some(0.3), "late: {late}");
        // From a step on that begins behind the recall.
        out[400_000 - begin..][..200_000].to_vec()
    };
    let (in_time, late) = (played(false), played(true));
    assert_eq!(first_difference(&in_time, &late), None);
    assert!(in_time.windows(2).any(|two| two[0] != two[1]), "it counts");
}

#[test]
fn a_step_back_brings_a_pattern_back_with_its_own_zero() {
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::Nodes(vec![add("a", "dc", 1.0)]));
    let pattern = builders::cat((1..=5).map(|k| level("a", f64::from(k) / 8.0)).collect::<Vec<_>>());
    let edit = Edit::SetPattern { slot: "a".into(), pattern, from_zero: true, origin: None, swing: None };
    rig.edit_at(edit, At::Position(0.3));
    rig.render(60_000, &[480]);
    let mut plain = rig_like(&rig);
    rig.edit(Edit::RemoveSlot { slot: "a".into() });
    rig.render(50_000, &[480]);
    plain.render(50_000, &[480]);
    rig.engine.undo(At::Now).expect("there is a step").expect("and it is taken");
    rig.render(100_000, &[480]);
    plain.render(100_000, &[480]);
    let (with, without) = (rig.render(400_000, &[480]), plain.render(400_000, &[480]));
    assert_eq!(first_difference(&with[0], &without[0]), None);
}

#[test]
fn what_a_macro_moves_right_before_a_recall_is_gone_with_it() {
    let mut rig = two_scenes();
    let targets =
        vec![MacroTarget { label: "drone/freq".into(), lo: 100.0, hi: 500.0, curve: Curve::Linear }];
    rig.edit(Edit::Macro { number: 1, to: Some(Box::new(MacroState { targets, ..MacroState::new(1) })) });
    rig.settle();
    rig.params.push(ParamEvent { offset: 5, param: ParamId::Macro(0), value: 0.5, modulation: 0.0 });
    scene_at(&mut rig, 10, 1);
    rig.block(64);
    rig.settle();
    assert_eq!(
        (names(&rig), value_of(&rig, "drone/freq")),
        (vec!["drone".into(), "beat".into()], Some(110.0))
    );
    // The other way round it is the macro's.
    scene_at(&mut rig, 10, 2);
    rig.params.push(ParamEvent { offset: 20, param: ParamId::Macro(0), value: 0.75, modulation: 0.0 });
    rig.block(64);
    rig.settle();
    assert_eq!(
        (names(&rig), value_of(&rig, "drone/freq")),
        (vec!["drone".into(), "lead".into()], Some(400.0))
    );
}

#[test]
fn a_pattern_that_waits_for_the_next_cycle_is_what_the_session_says_after_a_recall() {
    for (by_host, ready) in [(false, true), (true, true), (false, false), (true, false)] {
        let mut rig = Rig::with(probes::registry());
        rig.edit(Edit::Nodes(vec![add("beat", "dc", 1.0)]));
        rig.edit(save(1, "verse"));
        rig.settle();
        rig.render(10_000, &[512]);
        rig.edit(Edit::Nodes(vec![add("lead", "dc", 0.0)]));
        rig.edit(play("beat", level("beat", 0.25)));
        rig.block(64);
        if !ready {
            rig.engine.limit_scenes(0);
            rig.settle_while_playing();
        }
        match by_host {
            true => {
                scene_at(&mut rig, 0, 0);
                rig.block(64);
                scene_at(&mut rig, 9, 1);
            }
            false => drop(rig.edit(recall(1))),
        }
        rig.render(200_000, &[512]);
        rig.settle();
        assert_eq!(later(&mut rig), 1.0, "by host: {by_host}, ready: {ready}");
        assert!(!rig.engine.session().slots.contains_key("beat"), "by host: {by_host}, ready: {ready}");
        assert!(!rig.engine.scene_is_changed(), "by host: {by_host}, ready: {ready}");
        let late = rig.notices.iter().any(|notice| matches!(notice, Notice::Recalled { late: true, .. }));
        assert_eq!(late, !ready, "by host: {by_host}");
        assert!(!rig.engine.busy(), "nothing is waited for");
        // What is asked for behind the recall starts.
        rig.edit(recall(1));
        rig.edit(play("beat", level("beat", 0.25)));
        rig.render(200_000, &[512]);
        rig.settle();
        assert_eq!(later(&mut rig), 0.25, "by host: {by_host}, ready: {ready}");
    }
}

#[test]
fn a_pattern_that_waits_since_before_the_first_scene_is_cancelled_too() {
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::Nodes(vec![add("beat", "dc", 1.0)]));
    rig.settle();
    rig.render(10_000, &[512]);
    rig.edit(play("beat", level("beat", 0.25)));
    rig.edit(Edit::Hush { slot: "beat".into() });
    rig.edit(save(1, "verse"));
    rig.settle_while_playing();
    rig.edit(recall(1));
    rig.render(200_000, &[512]);
    assert!(!rig.engine.busy(), "nothing is waited for");
    assert_eq!(later(&mut rig), 1.0);
}
