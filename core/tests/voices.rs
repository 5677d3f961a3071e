//! Notes of patterns have voices: one each, stolen in order, ringing out, whatever the blocks.

#[path = "voices/bargraphs.rs"]
mod bargraphs;
#[path = "voices/rest.rs"]
mod rest;
mod support;
use krach_core::model::Setting;

use krach_core::engine::*;
use krach_patterns::{Pattern, builders};
use support::*;

/// Frames per cycle.
const CYCLE: usize = 96_000;

/// A pipe of so many voices, wired to the master without its limiter.
fn pipes(count: u32) -> Rig {
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::Setting(Setting::Limiter(false)));
    rig.edit(Edit::LoadGraph(pipe_graph(count)));
    rig.settle();
    rig.played = 0;
    rig
}

fn pipe_graph(count: u32) -> RawGraph {
    let pipe = GraphNode { count, ..node("p", "pipe", &[]) };
    graph(vec![node("out", "dac", &[]), pipe], &[("p", "out")])
}

/// A note of that frequency that sounds for the first half of its step.
fn note(hz: f64) -> Pattern {
    builders::note(hz)
}

fn seq(notes: &[f64]) -> Pattern {
    builders::seq(notes.iter().map(|hz| Some(note(*hz))))
}

#[test]
fn the_notes_of_a_chord_have_a_voice_each() {
    let mut rig = pipes(4);
    rig.edit(play("p", builders::chord([1.0, 2.0, 4.0])));
    let [left, _] = rig.render(CYCLE, &[512]);
    assert_eq!(left[..48_000], vec![7.0; 48_000]);
    // The tails: a quarter, for a thousand frames.
    assert_eq!(left[48_000..49_000], vec![1.75; 1000]);
    assert_eq!(left[49_000..], vec![0.0; CYCLE - 49_000]);
}

#[test]
fn one_voice_plays_the_last_note_of_a_chord_and_its_end_alone_closes_it() {
    let mut rig = pipes(1);
    let long = builders::note(1.0).over(2.0);
    // The long note closes in the middle of cycle 1, when the second note of that cycle sounds.
    rig.edit(play("p", long | seq(&[2.0, 4.0])));
    let [left, _] = rig.render(2 * CYCLE, &[512]);
    assert_eq!(left[0], 2.0);
    assert_eq!(left[CYCLE + 48_000..CYCLE + 72_000], vec![4.0; 24_000]);
}

#[test]
fn what_a_note_does_not_say_is_as_it_is_for_all() {
    for count in [1, 2] {
        let mut rig = pipes(count);
        let soft = builders::note_with(8.0, 0.25, &[("other", 100.0)]);
        rig.edit(set("p/other", 1.0));
        rig.edit(play("p", builders::seq([Some(soft), Some(note(8.0))])));
        let [left, _] = rig.render(CYCLE, &[512]);
        assert_eq!((left[0], left[48_000]), (102.0, 9.0), "{count} voices");
    }
}

#[test]
fn the_oldest_released_voice_is_stolen_before_one_that_is_held() {
    let mut rig = pipes(2);
    rig.edit(set("p/tail", 90_000.0));
    // 1 is held through the cycle; 2, 4 and 8 take turns on the other voice.
    rig.edit(play("p", builders::note(1.0).over(2.0) | seq(&[2.0, 4.0, 8.0, 16.0])));
    let [left, _] = rig.render(CYCLE, &[512]);
    assert_eq!(left[0], 3.0);
    assert_eq!(left[12_000], 1.0 + 0.5);
    assert_eq!(left[24_000], 5.0);
    assert_eq!(left[48_000], 9.0);
    // Without one that is released, the oldest goes.
    let mut rig = pipes(2);
    rig.edit(play("p", builders::chord([1.0, 2.0, 4.0, 8.0])));
    assert_eq!(rig.block(64)[0][0], 12.0);
}

#[test]
fn what_is_set_outside_of_notes_reaches_all_voices_at_its_sample() {
    let mut rig = pipes(4);
    rig.edit(play("p", builders::chord([1.0, 2.0])));
    rig.edit(play(
        "x",
        builders::cat(vec![builders::control("p/other", 8.0), builders::control("p/other", 16.0)]).fast(4.0),
    ));
    let [left, _] = rig.render(48_000, &[300]);
    assert_eq!((left[0], left[11_999], left[12_000]), (19.0, 19.0, 35.0));
    rig.edit(Edit::Hush { slot: "x".into() });
    rig.edit(set("p/other", 32.0));
    rig.played = 0;
    assert_eq!(rig.render(1100, &[300])[0][1099], 67.0);
}

#[test]
fn a_hush_closes_the_notes_and_lets_them_ring_at_their_pitch() {
    let mut rig = pipes(4);
    rig.edit(play("p", builders::chord([4.0, 8.0])));
    rig.block(1000);
    rig.edit(Edit::Hush { slot: "p".into() });
    let [left, _] = rig.render(2000, &[77]);
    assert_eq!(left[..1000], vec![3.0; 1000]);
    assert_eq!(left[1000..], vec![0.0; 1000]);
}

#[test]
fn another_count_cuts_nothing_that_sounds() {
    for (before, after) in [(4, 8), (8, 3), (3, 1), (1, 4)] {
        let mut rig = pipes(before);
        let chord: Vec<f64> = (0..before).map(|v| f64::from(1 << v)).collect();
        rig.edit(play("p", builders::chord(chord)));
        let all = rig.block(1000)[0][999];
        rig.edit(Edit::LoadGraph(pipe_graph(after)));
        let [left, _] = rig.render(47_000, &[512]);
        assert!(left.iter().all(|x| *x == all), "{before} to {after}");
        assert_eq!(rig.block(100)[0][0], 0.25 * all);
        // And from then on there are as many as were asked for.
        rig.render(CYCLE - 48_100, &[512]);
        let chord = builders::chord((0..10).map(|v| f64::from(1 << v)));
        rig.edit(play("p", chord));
        rig.settle();
        let newest: f32 = (0..10).rev().take(after as usize).map(|v| (1 << v) as f32).sum();
        assert_eq!(rig.render(CYCLE, &[512])[0][20_000], newest, "{before} to {after}");
    }
}

#[test]
fn what_sounds_without_a_note_sounds_on_when_its_node_gets_voices_and_makes_room_for_notes() {
    let of = |count, id: &str| GraphNode { count, ..node(id, "count", &[]) };
    let with = |count| graph(vec![node("out", "dac", &[]), of(count, "a")], &[("a", "out")]);
    let mut plain = Rig::with(probes::registry());
    let mut changed = Rig::with(probes::registry());
    for rig in [&mut plain, &mut changed] {
        rig.edit(Edit::LoadGraph(with(1)));
        rig.settle();
        rig.render(1_000, &[256]);
    }
    assert_eq!(plain.rendered, changed.rendered);
    changed.edit(Edit::LoadGraph(with(4)));
    let (a, b) = (plain.render(10_000, &[256]), changed.render(10_000, &[256]));
    assert!(a[0].iter().all(|x| *x > 0.0));
    assert_eq!(first_difference(&a[0], &b[0]), None);
    changed.edit(Edit::LoadGraph(with(1)));
    let (a, b) = (plain.render(10_000, &[256]), changed.render(10_000, &[256]));
    assert_eq!(first_difference(&a[0], &b[0]), None);
}

#[test]
fn a_new_type_under_a_held_chord_goes_on_with_its_notes() {
    let mut rig = pipes(4);
    rig.edit(play("p", builders::chord([1.0, 2.0])));
    rig.edit(set("p/other", 0.0));
    rig.block(1000);
    let mut graph = pipe_graph(4);
    graph.nodes[1].type_id = "pipe_better".into();
    rig.edit(Edit::LoadGraph(graph));
    let [left, _] = rig.render(40_000, &[512]);
    assert_eq!(left[39_000], 3.0);
    rig.render(7_000, &[512]);
    assert_eq!(rig.block(64)[0][10], 0.75);
}

#[test]
fn counts_are_from_1_to_64_and_saved() {
    let mut engine = Engine::new(probes::registry());
    for count in [0, 65, 4000] {
        let error = engine.edit(Edit::LoadGraph(pipe_graph(count)), At::Now).unwrap_err().to_string();
        assert_eq!(error, "count: expected a number of voices from 1 to 64");
    }
    engine.edit(Edit::LoadGraph(pipe_graph(64)), At::Now).unwrap();
    let saved = String::from_utf8(engine.save()).unwrap();
    assert_eq!(saved.matches("\"count\":64").count(), 1, "{saved}");
    assert_eq!(saved.matches("\"count\"").count(), 1, "one voice is not worth a word");
    let mut other = Engine::new(probes::registry());
    other.load(saved.as_bytes()).unwrap();
    assert_eq!(other.save(), saved.as_bytes());
}

#[test]
fn a_velocity_goes_to_gain_where_there_is_no_vel_and_an_exposed_label_wins() {
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::Setting(Setting::Limiter(false)));
    let mut wanted = graph(
        vec![node("out", "dac", &[]), node("one", "dc", &[]), node("g", "gain", &[("gain", 0.0)])],
        &[("one", "g"), ("g", "out")],
    );
    rig.edit(Edit::LoadGraph(wanted.clone()));
    rig.edit(play("g", builders::control("vel", 0.5)));
    assert_eq!(rig.render(2000, &[512])[0][1999], 0.5);
    wanted.exposed_controls.insert("vel".into(), ("one".into(), "level".into()));
    rig.edit(Edit::LoadGraph(wanted));
    rig.edit(Edit::HushAll);
    rig.edit(set("g/gain", 1.0));
    rig.edit(play("g", builders::control("vel", 0.25)));
    rig.settle();
    rig.render(CYCLE, &[512]);
    assert_eq!(rig.block(64)[0][10], 0.25);
}

#[test]
fn a_value_for_a_path_reaches_it_although_a_label_of_that_name_leads_elsewhere() {
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::Setting(Setting::Limiter(false)));
    let mut wanted = graph(
        vec![node("out", "dac", &[]), node("a", "dc", &[]), node("b", "dc", &[])],
        &[("a", "out"), ("b", "out")],
    );
    // "a/level" is the name of b's level, and "mine" that of a's.
    wanted.exposed_controls.insert("a/level".into(), ("b".into(), "level".into()));
    wanted.exposed_controls.insert("mine".into(), ("a".into(), "level".into()));
    rig.edit(Edit::LoadGraph(wanted));
    rig.settle();
    rig.edit(set("mine", 4.0));
    rig.settle();
    assert_eq!(rig.block(64)[0][63], 5.0);
    rig.edit(set("a/level", 8.0));
    rig.settle();
    assert_eq!(rig.block(64)[0][63], 12.0);
    let saved = rig.engine.save();
    let mut fresh = Engine::new(probes::registry());
    fresh.load(&saved).unwrap();
    assert_eq!(Rig::of(fresh).block(64)[0][63], 12.0);
}
