//! Who writes a control: base value, pattern, automation or fade; each gives it back to the one below.

mod support;
use krach_core::model::Setting;

use krach_core::automation::ShapeSpec;
use krach_core::clock::{HostTransport, TransportAt};
use krach_core::engine::*;
use krach_patterns::{OscArg, Pattern, Value, builders};
use support::*;

/// Frames per cycle, and per quarter note.
const CYCLE: usize = 96_000;
const BEAT: usize = 24_000;

/// A constant, `a/level`, straight to the master.
fn constant() -> Rig {
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::Setting(Setting::Limiter(false)));
    let mut wanted = graph(vec![node("out", "dac", &[]), node("a", "level", &[])], &[("a", "out")]);
    wanted.nodes.push(node("b", "level", &[]));
    wanted.exposed_controls.insert("knob".into(), ("a".into(), "level".into()));
    rig.edit(Edit::LoadGraph(wanted));
    rig.settle();
    rig.played = 0;
    rig
}

fn fade(value: f64, length: FadeLength) -> Edit {
    Edit::Fade { label: "knob".into(), value, length }
}

fn ramp(period: Period, one_shot: bool) -> Edit {
    let (id, label) = ("lfo".into(), "knob".into());
    Edit::SetAutomation { id, label, shape: ShapeSpec::Ramp, lo: 10.0, hi: 20.0, period, one_shot }
}

fn hold(value: f64) -> Edit {
    play("x", builders::control("knob", value))
}

fn base(rig: &Rig) -> f64 {
    rig.engine.status().control_values["knob"]
}

fn next(rig: &mut Rig) -> f32 {
    rig.block(1)[0][0]
}

#[test]
fn a_fade_arrives_on_its_sample_and_stays() {
    for (length, frames) in [
        (FadeLength::Secs(0.25), 12_000),
        (FadeLength::Beats(1.0), BEAT),
        (FadeLength::Cycles(0.5), CYCLE / 2),
    ] {
        let mut rig = constant();
        rig.edit(set("knob", 2.0));
        rig.block(64);
        rig.edit(fade(6.0, length));
        assert_eq!(base(&rig), 6.0, "the session is where it goes");
        let [left, _] = rig.render(frames + 500, &[333]);
        assert_eq!(left[0], 2.0);
        assert!((left[frames / 2] - 4.0).abs() < 1e-3, "{}", left[frames / 2]);
        assert!(left[frames - 1] < 6.0 && left[frames] == 6.0, "{} {}", left[frames - 1], left[frames]);
        assert!(left[frames..].iter().all(|x| *x == 6.0));
        rig.settle();
        assert_eq!(base(&rig), 6.0);
        assert_eq!(next(&mut rig), 6.0);
    }
}

#[test]
fn a_fade_goes_on_from_where_another_is_and_ends_where_a_value_is_set() {
    let mut rig = constant();
    rig.edit(fade(16.0, FadeLength::Secs(1.0)));
    let [left, _] = rig.render(BEAT, &[512]);
    rig.edit(fade(0.0, FadeLength::Secs(1.0)));
    let [back, _] = rig.render(BEAT, &[512]);
    assert!((back[0] - left[BEAT - 1]).abs() < 1e-3 && (left[BEAT - 1] - 8.0).abs() < 1e-2);
    rig.edit(set("knob", 3.0));
    let [left, _] = rig.render(2 * CYCLE, &[512]);
    assert!(left.iter().all(|x| *x == 3.0));
    rig.settle();
    assert_eq!(base(&rig), 3.0);
    // Twenty thousand of them leave nothing behind that would be in the way.
    for value in 0..2000 {
        rig.edit(fade(f64::from(value), FadeLength::Secs(0.001)));
        rig.block(16);
    }
    rig.render(2000, &[512]);
    rig.settle();
    assert_eq!((next(&mut rig), base(&rig)), (1999.0, 1999.0));
}

#[test]
fn each_writer_gives_the_control_back_to_the_one_below() {
    let secs = Period::Secs(1e6);
    let mut rig = constant();
    rig.edit(set("knob", 1.0));
    assert_eq!(next(&mut rig), 1.0);
    rig.edit(hold(2.0));
    rig.settle();
    rig.render(CYCLE, &[512]);
    assert_eq!(next(&mut rig), 2.0);
    rig.edit(set("knob", 3.0));
    assert_eq!(next(&mut rig), 2.0, "a pattern holds it");
    rig.edit(ramp(secs, false));
    assert!((next(&mut rig) - 10.0).abs() < 1e-3);
    rig.edit(fade(30.0, FadeLength::Secs(0.01)));
    rig.render(1000, &[512]);
    assert!((next(&mut rig) - 10.0).abs() < 1e-3, "the automation has it again");
    rig.edit(Edit::ClearAutomation { id: "lfo".into() });
    assert_eq!(next(&mut rig), 2.0);
    rig.edit(Edit::Hush { slot: "x".into() });
    assert_eq!(next(&mut rig), 30.0, "where the fade went");
    rig.settle();
    assert_eq!(base(&rig), 30.0);
}

#[test]
fn on_one_sample_the_automation_has_the_last_word_then_the_pattern() {
    let mut rig = constant();
    let at = At::Position(1.0);
    rig.edit_at(ramp(Period::Secs(1e6), false), at);
    rig.edit_at(set("knob", 5.0), at);
    rig.edit(hold(7.0));
    rig.settle();
    rig.render(CYCLE, &[300]);
    assert!((next(&mut rig) - 10.0).abs() < 1e-3);
    rig.edit(Edit::ClearAutomation { id: "lfo".into() });
    assert_eq!(next(&mut rig), 7.0);
    rig.edit(Edit::HushAll);
    assert_eq!(next(&mut rig), 5.0);
}

#[test]
fn what_has_a_control_keeps_it_through_jumps_loops_and_plans() {
    type Way = fn(&mut Rig);
    let ways: [(&str, Way); 3] = [
        ("a jump", |rig| rig.start_beats += 400.0),
        ("a stop and a start", |rig| {
            rig.playing = false;
            rig.block(64);
            rig.playing = true;
        }),
        ("a plan", |rig| {
            let id = format!("n{}", rig.rendered);
            rig.edit(Edit::Graph(vec![GraphEdit::AddNode(node(&id, "level", &[]))]));
            rig.settle();
        }),
    ];
    // A start has 240 frames for what rang before.
    let after = |rig: &mut Rig| rig.block(256)[0][255];
    for (way, change) in ways {
        let mut rig = constant();
        rig.edit(set("knob", 1.0));
        rig.block(64);
        change(&mut rig);
        assert_eq!(after(&mut rig), 1.0, "{way}: base");
        rig.edit(hold(2.0));
        rig.render(2 * CYCLE, &[512]);
        change(&mut rig);
        assert_eq!(after(&mut rig), 2.0, "{way}: pattern");
        rig.edit(fade(8.0, FadeLength::Secs(0.5)));
        rig.block(12_000 - 64);
        change(&mut rig);
        let now = after(&mut rig);
        assert!(now > 4.0 && now < 7.0, "{way}: fade, {now}");
        rig.render(24_000, &[512]);
        rig.edit(ramp(Period::Secs(1e6), false));
        change(&mut rig);
        assert!((after(&mut rig) - 10.0).abs() < 1e-2, "{way}: automation");
        rig.edit(Edit::ClearAutomation { id: "lfo".into() });
        rig.edit(Edit::HushAll);
        assert_eq!(after(&mut rig), 8.0, "{way}: the fade's end is the base");
    }
}

#[test]
fn an_automation_over_bars_is_where_the_song_is() {
    let mut rig = constant();
    // Two bars of 4/4; begun in the middle of nowhere.
    rig.render(1000, &[333]);
    rig.edit(ramp(Period::Bars(2.0), false));
    let at = |beats: f64| (10.0 + 10.0 * (beats / 8.0).rem_euclid(1.0)) as f32;
    let close = |rig: &mut Rig, beats: f64| {
        let now = rig.block(64)[0][63];
        assert!((now - at(beats)).abs() < 2e-2, "{now} instead of {}", at(beats));
    };
    rig.render(BEAT - 1000 - 64, &[333]);
    close(&mut rig, 1.0);
    rig.render(5 * BEAT - 64, &[512]);
    close(&mut rig, 6.0);
    // A jump: it is where the song is.
    rig.start_beats += 17.0;
    rig.block(256);
    close(&mut rig, 6.0 + 17.0);
    // While time stands, so does it.
    rig.playing = false;
    let before = next(&mut rig);
    rig.render(CYCLE, &[512]);
    assert_eq!(next(&mut rig), before);
    // Saved with its bars.
    let saved = String::from_utf8(rig.engine.save()).unwrap();
    assert!(saved.contains(r#""hi":20.0,"bars":2.0"#) && !saved.contains("period_secs"), "{saved}");
    let mut other = Engine::new(probes::registry());
    other.load(saved.as_bytes()).unwrap();
    assert_eq!(other.save(), saved.as_bytes());
}

#[test]
fn one_drawn_once_over_bars_arrives_on_the_bar_and_stays() {
    for way in 0..2 {
        let mut rig = constant();
        rig.edit_at(ramp(Period::Bars(1.0), true), At::Position(1.0));
        rig.settle_while_playing();
        rig.render(CYCLE - rig.played as usize, &[333]);
        if way == 0 {
            let [left, _] = rig.render(2 * CYCLE, &[333]);
            assert!((left[CYCLE / 2] - 15.0).abs() < 1e-2);
            assert!(left[CYCLE - 40] < 20.0 && left[CYCLE..].iter().all(|x| *x == 20.0));
        } else {
            // A jump beyond its end is its end.
            rig.render(BEAT, &[333]);
            rig.start_beats += 40.0;
            assert_eq!(rig.block(512)[0][511], 20.0);
        }
        rig.settle();
        assert_eq!(base(&rig), 20.0);
        assert!(rig.engine.session().automations.is_empty());
    }
}

#[test]
fn automations_over_bars_do_not_hear_of_blocks() {
    let sound = |blocks: &[usize]| {
        let mut rig = constant();
        rig.edit_at(ramp(Period::Bars(1.0 / 3.0), false), At::Position(0.25));
        rig.edit_at(fade(3.0, FadeLength::Beats(0.7)), At::Position(0.1));
        let once = Edit::SetAutomation {
            id: "once".into(),
            label: "b/level".into(),
            shape: ShapeSpec::Sine,
            lo: 0.0,
            hi: 5.0,
            period: Period::Bars(0.37),
            one_shot: true,
        };
        rig.edit_at(once, At::Position(0.2));
        rig.edit(Edit::Graph(vec![GraphEdit::Connect(wire("b", "out"))]));
        rig.render(CYCLE, blocks)
    };
    let whole = sound(&[2048]);
    for blocks in [&[1][..], &[17, 64], &[333]] {
        assert_eq!(first_difference(&whole[0], &sound(blocks)[0]), None, "{blocks:?}");
    }
}

#[test]
fn a_pattern_lets_go_of_a_control_when_its_label_leads_elsewhere() {
    let mut rig = constant();
    rig.edit(set("a/level", 1.0));
    rig.edit(hold(2.0));
    rig.render(2 * CYCLE, &[512]);
    assert_eq!(next(&mut rig), 2.0);
    rig.edit(Edit::Graph(vec![GraphEdit::ExposeControl {
        label: "knob".into(),
        node_id: "b".into(),
        control_name: "level".into(),
    }]));
    rig.settle();
    assert_eq!(next(&mut rig), 1.0, "no hush was needed");
    rig.edit(set("a/level", 4.0));
    assert_eq!(next(&mut rig), 4.0);
}

#[test]
fn a_position_in_bars_is_in_the_host_s_bars() {
    let mut rig = constant();
    rig.block(64);
    // The host's bar has four quarter notes, a cycle three.
    rig.edit(Edit::Setting(Setting::BeatsPerCycle(3.0)));
    let hush = || Edit::Hush { slot: "x".into() };
    // The meter counts from the moment it was asked for.
    assert_eq!(rig.edit_at(hush(), At::Bar).position, Some(4.0 / 3.0));
    assert_eq!(rig.edit_at(hush(), At::Cycle).position, Some(1.0));
    assert_eq!(rig.edit_at(hush(), At::Bars(3.0)).position, Some(4.0));
    rig.block(64);
    assert_eq!(rig.edit_at(hush(), At::Bar).position, Some(4.0 / 3.0));
    rig.edit(Edit::Setting(Setting::HostMeter));
    assert_eq!(rig.edit_at(hush(), At::Bar).position, Some(1.0));
    assert_eq!(rig.edit_at(hush(), At::Bars(3.0)).position, Some(3.0));
    rig.block(64);
    assert_eq!(rig.edit_at(hush(), At::Bars(3.0)).position, Some(3.0));
    rig.edit(Edit::Setting(Setting::BeatsPerCycle(8.0)));
    assert_eq!(rig.edit_at(hush(), At::Bars(3.0)).position, Some(1.5));
}

#[test]
fn a_position_in_bars_is_counted_as_the_host_counts() {
    // The host plays in the bar that it calls 7, counted from 0; its song has a bar of 3/4 before, so
    // that the bar begins at 27 quarter notes.
    let tell = |beats: f64| HostTransport {
        playing: true,
        tempo: Some(120.0),
        beats: Some(beats),
        time_signature: Some((4, 4)),
        bar_start: Some(27.0),
        bar_number: Some(7),
        ..HostTransport::default()
    };
    let mut rig = constant();
    rig.block_with(BEAT / 16, &[TransportAt { offset: 0, transport: tell(28.0) }]);
    let hush = || Edit::Hush { slot: "x".into() };
    let position = |rig: &mut Rig, at| rig.edit_at(hush(), at).position;
    assert_eq!(position(&mut rig, At::Bars(8.0)), Some(31.0 / 4.0));
    assert_eq!(position(&mut rig, At::Bars(9.5)), Some(37.0 / 4.0));
    assert_eq!(position(&mut rig, At::Bar), Some(31.0 / 4.0));
    rig.edit(Edit::Setting(Setting::BeatsPerCycle(3.0)));
    assert_eq!(position(&mut rig, At::Bars(8.0)), Some(31.0 / 3.0));
    rig.edit(Edit::Setting(Setting::HostMeter));
    assert_eq!(position(&mut rig, At::Bars(8.0)), Some(8.0));
    // And there it acts: the next bar line is three quarter notes from 28.
    rig.edit_at(set("a/level", 1.0), At::Bars(8.0));
    let mut left = Vec::new();
    for block in 0..60 {
        let transport = tell(28.0 + (BEAT / 16 + 1_500 * block) as f64 / BEAT as f64);
        left.extend(
            rig.block_with(1_500, &[TransportAt { offset: 0, transport }]).into_iter().next().unwrap(),
        );
    }
    let line = 3 * BEAT - BEAT / 16;
    assert_eq!(left.iter().position(|x| *x != 0.0), Some(line));
}

#[test]
fn the_masters_gain_changes_on_its_sample_in_any_partition() {
    let gain = |gain: f64| {
        let value = Value::Osc { address: "/audio/gain".into(), args: vec![OscArg::Float(gain)] };
        Pattern::Atom { value, span: None }
    };
    let sound = |blocks: &[usize]| {
        let mut rig = constant();
        rig.edit(set("knob", 1.0));
        // Seven a cycle: most lie between two samples.
        let gains = [0.5, 0.25, 0.75, 0.0, 1.0, 0.125, 0.5].map(gain);
        rig.edit_at(play("x", builders::cat(gains.to_vec())), At::Position(1.0));
        rig.edit_at(Edit::Setting(Setting::Master(2.0)), At::Position(0.777));
        rig.render(2 * CYCLE, blocks)
    };
    let whole = sound(&[256]);
    for blocks in [&[1][..], &[64], &[333], &[2048], &[17, 1000]] {
        assert_eq!(first_difference(&whole[0], &sound(blocks)[0]), None, "{blocks:?}");
    }
    // The first sample of a change is the first of its ramp.
    let changes: Vec<usize> = (1..whole[0].len())
        .filter(|&i| whole[0][i] != whole[0][i - 1] && (i < 2 || whole[0][i - 1] == whole[0][i - 2]))
        .collect();
    let steps = (0..7).map(|step| CYCLE + (step * CYCLE).div_ceil(7));
    let expected: Vec<usize> = std::iter::once((0.777 * CYCLE as f64) as usize).chain(steps).collect();
    assert_eq!(changes, expected);
}

#[test]
fn plans_that_could_not_be_given_back_hold_nothing_up() {
    let mut rig = constant();
    rig.block(64);
    for (k, at) in [1.0, 1.1, 1.2, 1.3].into_iter().enumerate() {
        let add = GraphEdit::AddNode(node(&format!("n{k}"), "level", &[]));
        rig.edit_at(Edit::Graph(vec![add]), At::Position(at));
    }
    rig.block(64);
    // Audio's way back fills up while the control side does not listen.
    for _ in 0..2 {
        for value in 0..1020 {
            rig.engine.edit(set("b/level", f64::from(value)), At::Now).unwrap();
        }
        rig.process_unheard(64);
    }
    for _ in 0..5 {
        rig.engine.edit(set("b/level", 1.0), At::Now).unwrap();
    }
    rig.process_unheard(64);
    let add = GraphEdit::AddNode(node("now", "level", &[]));
    rig.engine.edit(Edit::Graph(vec![add]), At::Now).unwrap();
    // An action takes the plans along.
    rig.engine.edit(set("b/level", 2.0), At::Now).unwrap();
    for _ in 0..4 {
        rig.process_unheard(64);
    }
    rig.edit_at(set("knob", 9.0), At::Position(1.4));
    rig.render(2 * CYCLE, &[512]);
    assert_eq!(next(&mut rig), 9.0);
    rig.settle();
    assert_eq!(rig.engine.session().graph.nodes.len(), 3 + 5);
}
