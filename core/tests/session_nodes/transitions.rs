//! Transitions: what goes on a line, what is done at the end, what ends a part of one, and that it is one step.

use super::*;
use krach_core::model::ClockSource;
use krach_patterns::{Pattern, builders};

const BLOCKS: [&[usize]; 4] = [&[512], &[1, 31, 700], &[2048, 33], &[97]];
/// Samples of a beat at 120.
pub const BEAT: usize = 24_000;

pub fn transition(beats: f64, edits: Vec<Edit>) -> Edit {
    Edit::Transition { edits, length: FadeLength::Beats(beats) }
}

pub fn nodes(edits: Vec<NodeEdit>) -> Edit {
    Edit::Nodes(edits)
}

pub fn removal(name: &str) -> NodeEdit {
    NodeEdit::Remove { name: name.into() }
}

pub fn level(value: f64) -> Pattern {
    builders::control("level", value)
}

/// One node alone: its level at half, its fader at a half.
fn alone() -> Rig {
    let mut rig = Rig::with(probes::registry());
    rig.edit(nodes(vec![put("bass", "dc", 0.5, &[("level", 0.5)])]));
    rig
}

pub fn gain_of(rig: &Rig, name: &str) -> f64 {
    rig.engine.session().values[&gain_path(name)]
}

/// All kinds of parts at once, from beat 4 to beat 12.
fn every_part() -> Vec<Edit> {
    vec![
        set("bass/gain", 1.0),
        set("bass_send_verb/gain", 0.0),
        nodes(vec![put("pad", "dc", 0.25, &[("level", 0.25)])]),
        play("pad", level(0.125)),
        nodes(vec![removal("hat")]),
        Edit::RemoveSlot { slot: "hat".into() },
        play("bass", level(0.25)),
        Edit::Setting(Setting::Master(0.5)),
    ]
}

pub fn whole_band() -> Rig {
    let mut rig = band();
    rig.edit(nodes(vec![put("hat", "dc", 0.5, &[("level", 0.125)])]));
    rig.edit(play("hat", level(0.0625)));
    rig.edit(play("bass", level(0.5)));
    rig
}

#[test]
fn all_parts_go_on_lines_and_arrive_on_the_sample_in_every_partition() {
    let mut heard: Vec<[Vec<f32>; 2]> = Vec::new();
    for blocks in BLOCKS {
        let mut rig = whole_band();
        rig.edit_at(transition(8.0, every_part()), At::Position(1.0));
        let out = rig.render(14 * BEAT, blocks);
        rig.settle();
        assert_eq!(rig.notices, [], "{blocks:?}");
        let session = rig.engine.session();
        assert!(session.node("hat").is_none() && session.node("pad").is_some());
        assert!(!session.slots.contains_key("hat"));
        assert_eq!((gain_of(&rig, "bass"), session.settings.master), (1.0, 0.5));
        heard.push(out);
    }
    let [left, _] = &heard[0];
    for other in &heard[1..] {
        assert_eq!(first_difference(left, &other[0]), None);
    }
    let (begin, end) = (4 * BEAT, 12 * BEAT);
    // Bass by itself and through the reverb, and the hat.
    let before = 0.5 * 0.5 + 0.5 * 0.5 * 0.5 * 0.5 + 0.0625 * 0.5;
    assert_eq!(left[begin - 1], before);
    let at = |share: f32| {
        let bass = 0.5 * (0.5 + 0.5 * share);
        let through = bass * 0.5 * (1.0 - share) * 0.5;
        let hat = 0.0625 * 0.5 * (1.0 - share);
        (bass + through + hat + 0.125 * 0.25 * share) * (1.0 - 0.5 * share)
    };
    for share in [0.1, 0.25, 0.5, 0.75, 0.99] {
        let now = left[begin + (share * (end - begin) as f32) as usize];
        assert!((now - at(share)).abs() < 1e-5, "{share}: {now} and not {}", at(share));
    }
    assert!((left[end - 1] - left[end - 2]).abs() > 0.0, "it moves up to its end");
    // The bass has its new level there, the pad is in, the hat is out.
    let after = (0.25 + 0.125 * 0.25) * 0.5;
    assert!(left[end..].iter().all(|x| *x == after), "{} and not {after}", left[end]);
}

#[test]
fn a_transition_of_now_lasts_as_long_as_it_says() {
    let mut rig = alone();
    rig.render(1_000, &[100]);
    rig.edit(transition(2.0, vec![set("bass/gain", 1.0), nodes(vec![put("pad", "dc", 0.5, &[])])]));
    let [left, _] = rig.render(3 * BEAT, &[100]);
    let arrived = left.iter().position(|x| *x == 1.0).expect("it arrives");
    assert_eq!(arrived, 2 * BEAT);
    assert!(left[0] < 0.2501, "the pad comes from nothing: {}", left[0]);
    assert!(left[..arrived].windows(2).all(|w| w[1] >= w[0]));
    assert_eq!(gain_of(&rig, "pad"), 0.5);
}

#[test]
fn the_own_tempo_goes_on_a_line_and_patterns_change_where_it_arrives() {
    let mut heard: Vec<Vec<f32>> = Vec::new();
    for blocks in BLOCKS {
        let mut rig = Rig::with(Registry::with_builtins());
        rig.edit(Edit::LoadGraph(voice("kick", 1000.0)));
        rig.edit(Edit::Setting(Setting::ClockSource(ClockSource::Internal)));
        rig.edit_at(
            transition(4.0, vec![Edit::Setting(Setting::Bpm(60.0)), play("kick", hits("kick/gate", 4))]),
            At::Position(1.0),
        );
        let [left, _] = rig.render(4 * BEAT + 64_000, blocks);
        let on_the_way = rig.engine.link().position();
        // From 120 to 60 over four beats is at 90 on the average: 128000 samples. Half of the time is at 105.
        assert!((on_the_way.tempo - 90.0).abs() < 0.1, "{on_the_way:?}");
        assert!((on_the_way.beats - 4.0 - 105.0 / 60.0 * 4.0 / 3.0).abs() < 0.01, "{on_the_way:?}");
        let [rest, _] = rig.render(64_000 + 4 * 48_000, blocks);
        rig.settle();
        assert_eq!(rig.engine.link().position().tempo, 60.0);
        assert_eq!(rig.engine.session().settings.bpm, 60.0);
        assert!(left.iter().all(|x| *x == 0.0), "the pattern is one of the end");
        let begun = onsets(&rest);
        assert_eq!(begun, [64_000, 112_000, 160_000, 208_000], "{blocks:?}");
        heard.push(rest);
    }
    assert!(heard.iter().all(|other| first_difference(&heard[0], other).is_none()));
}

#[test]
fn a_tempo_that_is_set_again_on_its_way_is_that_tempo() {
    for bpm in [120.0, 90.0] {
        let mut rig = alone();
        rig.edit(Edit::Setting(Setting::ClockSource(ClockSource::Internal)));
        rig.edit(transition(4.0, vec![Edit::Setting(Setting::Bpm(60.0))]));
        rig.render(BEAT, &[512]);
        assert!(rig.engine.link().position().tempo < 119.0);
        rig.edit(Edit::Setting(Setting::Bpm(bpm)));
        for _ in 0..4 {
            rig.render(4 * BEAT, &[512]);
            assert_eq!(rig.engine.link().position().tempo, bpm);
        }
    }
}

#[test]
fn jumps_and_stops_of_time_change_nothing_of_what_is_left() {
    let run = |jumps: bool| {
        let mut rig = whole_band();
        rig.edit_at(transition(8.0, every_part()), At::Position(1.0));
        let mut heard = rig.render(6 * BEAT, &[512])[0].clone();
        if jumps {
            rig.start_beats -= 4.0;
        }
        heard.extend(rig.render(2 * BEAT, &[512])[0].iter());
        if jumps {
            rig.start_beats += 99.0;
            rig.playing = false;
            let standing = rig.render(BEAT, &[512])[0].clone();
            assert!(standing[600..].windows(2).all(|w| w[0] == w[1]), "it stands where time stands");
            rig.playing = true;
            rig.start_beats += 12.0;
        }
        heard.extend(rig.render(6 * BEAT, &[512])[0].iter());
        rig.settle();
        (heard, rig.engine.session().node("hat").is_none())
    };
    let (straight, there) = run(false);
    let (jumping, also) = run(true);
    assert!(there && also);
    let end = 12 * BEAT;
    assert!((straight[end - 1] - jumping[end - 1]).abs() < 1e-4);
    assert_eq!(first_difference(&straight[end + 64..], &jumping[end + 64..]), None);
    assert_ne!(straight[end - 1], straight[end + 64]);
}

#[test]
fn what_is_set_again_ends_its_part_and_the_rest_goes_on() {
    let mut rig = whole_band();
    rig.edit(transition(4.0, every_part()));
    rig.render(BEAT, &[512]);
    rig.edit(set("bass/gain", 0.25));
    rig.edit(play("bass", level(0.5)));
    // The fader of a node that goes: it stays.
    rig.edit(set("hat/gain", 1.0));
    let [left, _] = rig.render(2 * BEAT, &[512]);
    assert!(left.windows(2).any(|w| w[0] != w[1]), "the rest goes on");
    let [left, _] = rig.render(4 * BEAT, &[512]);
    rig.settle();
    let session = rig.engine.session();
    assert!(session.node("hat").is_some() && session.slots["hat"].playing);
    assert_eq!(rig.engine.waiting(), 0);
    let after = (0.5 * 0.25 + 0.0625 + 0.125 * 0.25) * 0.5;
    assert_eq!(*left.last().expect("some"), after);
}

#[test]
fn another_transition_of_the_same_takes_over() {
    let mut rig = whole_band();
    rig.edit(transition(4.0, vec![nodes(vec![removal("hat")]), play("bass", level(0.25))]));
    rig.render(BEAT, &[512]);
    rig.edit(transition(8.0, vec![set("hat/gain", 0.75), play("bass", level(0.0))]));
    rig.render(4 * BEAT, &[512]);
    assert!(rig.engine.session().node("hat").is_some(), "it goes no more");
    rig.render(6 * BEAT, &[512]);
    rig.settle();
    assert_eq!((gain_of(&rig, "hat"), rig.engine.waiting()), (0.75, 0));
    assert_eq!(level_of(&mut rig), 0.0625 * 0.75);
}

#[test]
fn it_is_one_step_while_it_lasts_and_afterwards() {
    for (at, wait) in [(At::Now, 2), (At::Now, 12), (At::Position(1.0), 6), (At::Position(1.0), 16)] {
        let mut rig = whole_band();
        let all = level_of(&mut rig);
        let (begun, before) = (rig.engine.history().1, rig.engine.capture());
        rig.edit_at(transition(8.0, every_part()), at);
        rig.render(wait * BEAT, &[512]);
        let (labels, done) = rig.engine.history();
        assert_eq!((done, labels[done - 1]), (begun + 1, "transition: set bass/gain and 7 more"), "{at:?}");
        let changed = rig.engine.capture();
        assert_ne!(changed, before);
        rig.engine.undo(At::Now).expect("it can be").expect("a step");
        assert_eq!(rig.engine.capture(), before, "{at:?}, {wait}");
        rig.render(12 * BEAT, &[512]);
        rig.settle();
        assert_eq!(rig.engine.waiting(), 0, "nothing is left of it");
        assert_eq!((rig.engine.capture() == before, level_of(&mut rig)), (true, all));
        rig.engine.redo(At::Now).expect("it can be").expect("a step");
        rig.settle();
        assert!(rig.engine.session().node("hat").is_none());
        assert_eq!(level_of(&mut rig), (0.25 + 0.125 * 0.25) * 0.5);
    }
}

#[test]
fn a_transition_that_cannot_be_changes_nothing() {
    let mut rig = whole_band();
    let (before, all) = (rig.engine.capture(), level_of(&mut rig));
    let length = |length| Edit::Transition { edits: every_part(), length };
    for wrong in [
        transition(0.0, every_part()),
        transition(f64::NAN, every_part()),
        length(FadeLength::Secs(1.0)),
        transition(4.0, vec![set("bass/gain", 1.0), nodes(vec![removal("nobody")])]),
        transition(4.0, (0..300).map(|n| set(&format!("bass/x{n}"), 1.0)).collect()),
    ] {
        for at in [At::Now, At::Position(90.0)] {
            assert!(rig.engine.edit(wrong.clone(), at).is_err(), "{wrong:?}");
        }
    }
    assert_eq!((rig.engine.capture(), rig.engine.waiting()), (before, 0));
    assert_eq!(level_of(&mut rig), all);
}

#[test]
fn a_whole_new_engine_arrives_and_does_what_was_to_be_done() {
    let mut rig = whole_band();
    rig.edit(transition(8.0, every_part()));
    rig.render(4 * BEAT, &[512]);
    rig.edit(Edit::Rebuild);
    rig.render(2 * BEAT, &[512]);
    assert!(rig.engine.session().node("hat").is_some());
    rig.render(4 * BEAT, &[512]);
    rig.settle();
    assert!(rig.engine.session().node("hat").is_none());
    assert_eq!(level_of(&mut rig), (0.25 + 0.125 * 0.25) * 0.5);
}

#[test]
fn a_node_that_goes_and_comes_is_replaced_and_goes_no_more() {
    let mut rig = whole_band();
    let again =
        vec![nodes(vec![removal("bass")]), nodes(vec![put("bass", "dc_other", 1.0, &[("level", 0.75)])])];
    rig.edit(transition(4.0, again));
    rig.render(8 * BEAT, &[512]);
    rig.settle();
    let session = rig.engine.session();
    assert_eq!(session.node("bass").map(SessionNode::type_id).as_deref(), Some("dc_other"));
    assert_eq!(gain_of(&rig, "bass"), 1.0);
}

#[test]
fn a_recall_ends_what_is_left_whoever_asks_for_it() {
    use krach_core::edit::SceneEdit;
    use krach_core::processor::{ParamEvent, ParamId, place_of_scene};
    for by_host in [false, true] {
        let mut rig = whole_band();
        rig.edit(SceneEdit::Save { number: 1, name: "whole".into(), transport: false }.into());
        rig.settle();
        let gain = gain_of(&rig, "hat");
        rig.edit(transition(8.0, every_part()));
        rig.render(2 * BEAT, &[512]);
        if by_host {
            let value = place_of_scene(0);
            rig.params.push(ParamEvent { offset: 0, param: ParamId::Scene, value, modulation: 0.0 });
            rig.block(64);
            let value = place_of_scene(1);
            rig.params.push(ParamEvent { offset: 9, param: ParamId::Scene, value, modulation: 0.0 });
        } else {
            rig.edit(SceneEdit::Recall { number: 1, fade: None }.into());
        }
        rig.render(12 * BEAT, &[512]);
        rig.settle();
        let session = rig.engine.session();
        assert!(session.node("hat").is_some() && session.node("pad").is_none(), "by host: {by_host}");
        assert!(session.slots.contains_key("hat"), "by host: {by_host}");
        assert_eq!(gain_of(&rig, "hat"), gain, "by host: {by_host}");
        assert!(!rig.engine.scene_is_changed(), "it is the scene; by host: {by_host}");
    }
}
