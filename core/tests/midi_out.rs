//! Notes and controllers to the host: each at its sample, and no note without its end.

mod support;
use krach_core::model::Setting;

use krach_core::engine::*;
use krach_patterns::{Pattern, Value};
use support::*;

const ON: u8 = 0x90;
const OFF: u8 = 0x80;

/// Frames of one cycle at 120 bpm.
const CYCLE: usize = 96_000;

fn note(key: u8, dur: f64) -> Pattern {
    Pattern::Atom { value: Value::Note { channel: 0, note: key, velocity: 100, dur }, span: None }
}

fn seq(children: Vec<Pattern>) -> Pattern {
    Pattern::Cat { children, span: None }
}

fn seconds(s: f64) -> usize {
    (s * RATE) as usize
}

/// Notes that sound after all that was sent.
fn sounding(sent: &[(i64, [u8; 3])]) -> Vec<u8> {
    let mut keys = Vec::new();
    for (_, [status, key, _]) in sent {
        match *status & 0xf0 {
            ON => {
                assert!(!keys.contains(key), "{key} begins twice without an end");
                keys.push(*key);
            }
            OFF => keys.retain(|k| k != key),
            _ => {}
        }
    }
    keys
}

#[test]
fn notes_begin_and_end_on_their_samples() {
    let mut rig = Rig::new();
    rig.edit(play("lead", seq(vec![note(60, 0.25), note(64, 0.125)])));
    rig.render(seconds(2.0), &[256]);
    let sent: Vec<_> = rig.midi.iter().map(|(at, b)| (*at, b[0], b[1])).collect();
    let expected = [(0, ON, 60), (24_000, OFF, 60), (48_000, ON, 64), (60_000, OFF, 64)];
    assert_eq!(sent, expected);
}

#[test]
fn what_is_sent_does_not_depend_on_the_blocks() {
    let render = |blocks: &[usize]| {
        let mut rig = Rig::new();
        rig.bpm = 133.7;
        rig.edit(play("a", seq((0..7).map(|k| note(60 + k, 0.21)).collect())));
        let sweep = seq((0..16)
            .map(|value| Pattern::Atom { value: Value::Cc { channel: 3, controller: 74, value }, span: None })
            .collect());
        rig.edit(play("b", sweep));
        rig.edit_at(Edit::Hush { slot: "a".into() }, At::Position(0.77));
        rig.render(seconds(2.5), blocks);
        rig.midi
    };
    let reference = render(&[256]);
    assert!(reference.len() > 30);
    for blocks in [&[1usize][..], &[17], &[2048], &[5, 1000, 2, 77]] {
        assert_eq!(render(blocks), reference, "blocks {blocks:?}");
    }
}

#[test]
fn stop_jump_hush_swap_load_and_panic_end_what_sounds() {
    let long = || seq(vec![note(50, 8.0)]);
    type Act = fn(&mut Rig);
    let act: [(&str, Act); 7] = [
        ("stop", |rig| rig.playing = false),
        ("jump", |rig| rig.start_beats += 1.7),
        ("hush", |rig| {
            rig.edit(Edit::Hush { slot: "a".into() });
        }),
        ("hush all", |rig| {
            rig.edit(Edit::HushAll);
        }),
        ("swap", |rig| {
            rig.edit(play("a", Pattern::Silence { span: None }));
        }),
        ("load", |rig| {
            rig.engine.load(&Engine::new(krach_core::node::Registry::with_builtins()).save()).unwrap();
        }),
        ("panic", |rig| {
            rig.edit(Edit::Panic);
        }),
    ];
    for (name, act) in act {
        let mut rig = Rig::new();
        rig.edit(play("a", long()));
        rig.render(5_000, &[333]);
        assert_eq!(sounding(&rig.midi), [50], "before {name}");
        act(&mut rig);
        rig.block(64);
        let last = rig.midi.last().copied().unwrap();
        assert_eq!((sounding(&rig.midi), last.1[0]), (vec![], OFF), "{name}");
        assert_eq!(last.0, rig.rendered - 64, "{name} at once");
    }
}

#[test]
fn random_patterns_and_jumps_leave_no_note_behind() {
    let mut rig = Rig::new();
    let mut state = 7u64;
    let mut random = move |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    for _ in 0..400 {
        match random(5) {
            0 => rig.start_beats = random(64) as f64 * 0.37 - rig.played as f64 * rig.bpm / (60.0 * RATE),
            1 => rig.playing = !rig.playing,
            2 => {
                let slot = format!("s{}", random(4));
                let notes = (0..1 + random(6)).map(|_| note(random(128) as u8, random(100) as f64 * 0.01));
                let pattern = seq(notes.collect()).fast(16.0).thin(0.3, random(9));
                rig.edit(play(&slot, pattern));
            }
            3 => {
                rig.edit(Edit::Hush { slot: format!("s{}", random(4)) });
            }
            _ => {}
        }
        let frames = 1 + random(3000) as usize;
        rig.block(frames);
    }
    rig.playing = false;
    rig.block(16);
    let begun = rig.midi.iter().filter(|(_, b)| b[0] & 0xf0 == ON).count();
    assert!(begun > 100, "{begun} notes");
    assert_eq!(sounding(&rig.midi), Vec::<u8>::new());
    assert!(rig.midi.is_sorted_by_key(|(at, _)| *at));
}

#[test]
fn after_a_panic_every_channel_of_the_host_is_silenced_once() {
    probes::hush_probes();
    let mut rig = Rig::with(probes::registry());
    let nodes = vec![node("out", "dac", &[]), node("p", "panicky", &[])];
    rig.edit(Edit::LoadGraph(graph(nodes, &[("p", "out")])));
    rig.settle();
    rig.played = 0;
    rig.edit(play("lead", seq(vec![note(60, 1.0)])));
    rig.edit_at(set("p/when", 1.0), At::Position(0.3));
    // The panic comes in the middle of a block, behind a note that begins in it.
    rig.edit(play("late", seq(vec![note(70, 0.5); 4])));
    rig.render(CYCLE * 3 / 10 - 100, &[100]);
    assert_eq!(sounding(&rig.midi), [60, 70]);
    rig.midi.clear();
    let begin = rig.rendered;
    let [left, _] = rig.block(512);
    assert!(left.iter().all(|x| *x == 0.0));
    let all_notes_off: Vec<_> = (0..16).map(|channel| (begin, [0xb0 | channel, 123, 0])).collect();
    assert_eq!(rig.midi, all_notes_off, "whatever was played in that block is not");
    rig.render(2_000, &[512]);
    assert_eq!(rig.midi.len(), 16, "nothing more until it is rebuilt");
    assert!(rig.notices.iter().any(|n| matches!(n, Notice::Panicked { .. })));
}

#[test]
fn after_a_panic_in_a_reset_the_next_block_silences_the_host_also_if_it_is_rebuilt_by_then() {
    probes::hush_probes();
    for rebuilt in [false, true] {
        let mut rig = Rig::with(probes::registry());
        let nodes = vec![node("out", "dac", &[]), node("p", "panicky", &[])];
        rig.edit(Edit::LoadGraph(graph(nodes, &[("p", "out")])));
        rig.edit(Edit::Setting(Setting::MidiClock(true)));
        rig.settle();
        rig.played = 0;
        rig.edit(play("lead", seq(vec![note(60, 1.0)])));
        rig.edit(set("p/when", 3.0));
        rig.render(5_000, &[100]);
        assert_eq!(sounding(&rig.midi), [60]);
        rig.midi.clear();
        rig.processor.reset();
        let begin = rig.rendered;
        if rebuilt {
            rig.notices.extend(rig.engine.tick());
            rig.edit(set("p/when", 0.0));
            rig.edit(Edit::Rebuild);
        }
        rig.render(1_000, &[500]);
        let mut expected: Vec<_> = (0..16).map(|channel| (begin, [0xb0 | channel, 123, 0])).collect();
        expected.push((begin, [0xfc, 0, 0]));
        assert_eq!(rig.midi[..17], expected);
        assert_eq!(rig.midi.len() > 17, rebuilt, "the clock of the new engine follows, or nothing");
        assert!(rig.notices.iter().any(|n| matches!(n, Notice::Panicked { .. })));
    }
}
