//! The host's notes: routed by channel, a voice each, bent, held by the pedal, choked, ended once.

#[path = "host_notes/ends.rs"]
mod ends;
#[path = "host_notes/mono.rs"]
mod mono;
#[path = "host_notes/mpe.rs"]
mod mpe;
mod support;
use krach_core::model::Setting;

use krach_core::engine::*;
use krach_core::node::{Control, DeclaredMidi, MidiInput, Registry};
use krach_core::processor::{Expression, HostEvent, HostEventKind, NoteAddress};
use krach_patterns::builders;
use support::*;

/// A4, and the octaves around it, have frequencies that add up to the bit.
const A3: i16 = 57;
const A4: i16 = 69;
const A5: i16 = 81;

fn rig(count: u32) -> Rig {
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::Setting(Setting::Limiter(false)));
    let pipe = GraphNode { count, ..node("p", "pipe", &[]) };
    rig.edit(Edit::LoadGraph(graph(vec![node("out", "dac", &[]), pipe], &[("p", "out")])));
    rig.edit(Edit::RouteNotes { channel: None, node: Some("p".into()) });
    rig.playing = false;
    rig.settle();
    rig
}

fn address(channel: i16, key: i16, note_id: i32) -> NoteAddress {
    NoteAddress { port: 0, channel, key, note_id }
}

fn at(offset: u32, what: HostEventKind) -> HostEvent {
    HostEvent { offset, what }
}

fn on(offset: u32, channel: i16, key: i16, id: i32) -> HostEvent {
    at(offset, HostEventKind::NoteOn { note: address(channel, key, id), velocity: 1.0 })
}

fn off(offset: u32, channel: i16, key: i16, id: i32) -> HostEvent {
    at(offset, HostEventKind::NoteOff(address(channel, key, id)))
}

fn midi(offset: u32, bytes: [u8; 3]) -> HostEvent {
    at(offset, HostEventKind::Midi(bytes))
}

fn hear(rig: &mut Rig, frames: usize, events: &[HostEvent]) -> Vec<f32> {
    rig.played_in = events.to_vec();
    let [left, _] = rig.block(frames);
    left
}

/// The last frame of a block with these events.
fn last(rig: &mut Rig, events: &[HostEvent]) -> f32 {
    hear(rig, 128, events)[127]
}

#[test]
fn a_note_sounds_from_its_sample_to_its_sample_also_while_time_stands_and_ends_once() {
    let mut rig = rig(4);
    let left = hear(&mut rig, 512, &[on(100, 0, A4, 7), off(300, 0, A4, 7)]);
    assert_eq!((left[99], left[100], left[299], left[300]), (0.0, 440.0, 440.0, 110.0));
    // It rings for 1000 frames, then has to be quiet for a quarter of a second.
    let begin = rig.rendered - 512;
    rig.render(48_000, &[333]);
    assert_eq!(rig.ends, [(begin + 300 + 1000 + 12_000, address(0, A4, 7))]);
}

#[test]
fn velocity_is_0_to_1_and_midi_notes_are_as_good_but_have_no_end_to_tell() {
    let mut rig = rig(4);
    let soft = at(0, HostEventKind::NoteOn { note: address(0, A4, 1), velocity: 0.25 });
    assert_eq!(last(&mut rig, &[soft]), 110.0);
    assert_eq!(last(&mut rig, &[midi(0, [0x90, A5 as u8, 127])]), 990.0);
    // A velocity of 0 is an end.
    assert_eq!(last(&mut rig, &[midi(0, [0x90, A5 as u8, 0])]), 330.0);
    rig.render(48_000, &[333]);
    assert_eq!(rig.ends, []);
}

#[test]
fn a_channel_plays_its_node_and_the_rest_play_the_omni_one() {
    let mut rig = rig(4);
    let pipes = ["p", "q"].map(|id| GraphNode { count: 2, ..node(id, "pipe", &[]) });
    let mut wanted = graph(vec![node("out", "dac", &[])], &[("p", "out"), ("q", "out")]);
    wanted.nodes.extend(pipes);
    rig.edit(Edit::LoadGraph(wanted));
    rig.edit(Edit::RouteNotes { channel: Some(3), node: Some("q".into()) });
    rig.edit(set("q/other", 10_000.0));
    rig.settle();
    assert_eq!(last(&mut rig, &[on(0, 3, A4, 1)]), 10_440.0);
    assert_eq!(last(&mut rig, &[on(0, 2, A5, 2)]), 11_320.0);
    // The route goes while the key is down: the note lets go.
    rig.edit(Edit::RouteNotes { channel: Some(3), node: None });
    assert_eq!(last(&mut rig, &[]), 880.0 + 110.0);
    rig.render(48_000, &[333]);
    assert_eq!(rig.ends.len(), 1);
    // From now on that channel is one of the rest.
    assert_eq!(last(&mut rig, &[on(0, 3, A3, 3)]), 1100.0);
}

#[test]
fn a_note_that_nobody_plays_is_over_at_once() {
    let mut rig = rig(4);
    rig.edit(Edit::RouteNotes { channel: None, node: Some("nobody".into()) });
    let begin = rig.rendered;
    assert_eq!(last(&mut rig, &[on(9, 0, A4, 5)]), 0.0);
    assert_eq!(rig.ends, [(begin + 9, address(0, A4, 5))]);
}

#[test]
fn a_stolen_note_has_ended_and_its_off_closes_nothing_else() {
    let mut rig = rig(2);
    let begin = rig.rendered;
    assert_eq!(last(&mut rig, &[on(0, 0, A3, 1), on(10, 0, A4, 2), on(20, 0, A5, 3)]), 1320.0);
    assert_eq!(rig.ends, [(begin + 20, address(0, A3, 1))]);
    assert_eq!(last(&mut rig, &[off(0, 0, A3, 1)]), 1320.0);
    assert_eq!(last(&mut rig, &[off(0, 0, -1, 2)]), 990.0);
    assert_eq!(last(&mut rig, &[off(0, -1, -1, -1)]), 330.0);
    rig.render(48_000, &[333]);
    assert_eq!(rig.ends.len(), 3);
}

#[test]
fn the_wheel_moves_what_says_so_and_then_not_the_pitch_as_well() {
    let wheel = DeclaredMidi { input: MidiInput::PitchWheel, channel: None };
    let plain = |name: &str| Control::continuous(name, -1000.0, 1000.0, 0.0);
    let bend = Control::continuous("bend", -2.0, 2.0, 0.0).midi([wheel]);
    let mut registry = Registry::with_builtins();
    registry.add(probes::summing("bends itself", vec![plain("freq"), Control::gate("gate"), bend]));
    let mut rig = Rig::with(registry);
    rig.edit(Edit::Setting(Setting::Limiter(false)));
    let nodes = vec![node("out", "dac", &[]), node("p", "bends itself", &[])];
    rig.edit(Edit::LoadGraph(graph(nodes, &[("p", "out")])));
    rig.edit(Edit::RouteNotes { channel: None, node: Some("p".into()) });
    rig.playing = false;
    rig.settle();
    // 440 Hz, a gate of 1, and the wheel.
    assert_eq!(last(&mut rig, &[on(0, 0, A4, 1), midi(9, [0xe0, 127, 127])]), 443.0);
    assert_eq!(last(&mut rig, &[off(0, 0, A4, 1), on(9, 0, A3, 2)]), 223.0, "also a note that begins bent");
    assert_eq!(last(&mut rig, &[midi(9, [0xe0, 0, 64])]), 221.0);
}

#[test]
fn bend_is_of_the_channel_two_semitones_or_what_parameter_0_says() {
    let mut rig = rig(4);
    assert_eq!(last(&mut rig, &[on(0, 0, A4, 1), on(0, 1, A5, 2)]), 1320.0);
    let semitone = |n: f64| (440.0 * libm_exp2(n / 12.0)) as f32;
    // Full up on channel 0; channel 1 stays.
    assert_eq!(last(&mut rig, &[midi(0, [0xe0, 127, 127])]), semitone(2.0) + 880.0);
    // Twelve semitones from now on.
    let range = [midi(0, [0xb0, 101, 0]), midi(0, [0xb0, 100, 0]), midi(0, [0xb0, 6, 12])];
    assert_eq!(last(&mut rig, &range), 880.0 + 880.0);
    // Full down; a note that begins is bent too.
    assert_eq!(last(&mut rig, &[midi(0, [0xe0, 0, 0]), on(1, 0, A5, 3)]), 220.0 + 880.0 + 440.0);
    assert_eq!(last(&mut rig, &[midi(0, [0xe0, 0, 64])]), 440.0 + 880.0 + 880.0);
}

#[test]
fn the_pedal_holds_what_was_let_go_on_its_channel() {
    let mut rig = rig(4);
    let pedal = |value| midi(0, [0xb0, 64, value]);
    assert_eq!(last(&mut rig, &[pedal(127), on(0, 0, A4, 1), on(0, 1, A5, 2)]), 1320.0);
    assert_eq!(last(&mut rig, &[off(0, 0, A4, 1), off(0, 1, A5, 2)]), 440.0 + 220.0);
    rig.render(2000, &[333]);
    assert_eq!(last(&mut rig, &[]), 440.0);
    assert_eq!(last(&mut rig, &[pedal(63)]), 110.0);
    // Also where the host speaks of a note by its number alone.
    rig.render(2000, &[333]);
    assert_eq!(last(&mut rig, &[pedal(127), on(0, 0, A4, 3), on(0, 1, A5, 4)]), 1320.0);
    assert_eq!(last(&mut rig, &[off(0, -1, -1, 3), off(0, -1, -1, 4)]), 440.0 + 220.0);
}

#[test]
fn a_pedal_that_is_lifted_on_a_channel_lets_go_of_that_channel_alone() {
    let pedal = |channel: u8, value| midi(0, [0xb0 | channel, 64, value]);
    // By the pedal, or with all else that "reset all controllers" puts back.
    for lift in [|channel| [0xb0 | channel, 64, 63], |channel: u8| [0xb0 | channel, 121, 0]] {
        let mut rig = rig(4);
        let held = [pedal(0, 127), pedal(5, 127), on(0, 0, A4, 1), on(0, 5, A5, 2)];
        assert_eq!(last(&mut rig, &held), 1320.0);
        assert_eq!(last(&mut rig, &[off(0, 0, A4, 1), off(0, 5, A5, 2)]), 1320.0);
        assert_eq!(last(&mut rig, &[midi(0, lift(0))]), 110.0 + 880.0);
        // Another channel's pedal, also one that was not down, is nothing to it.
        rig.render(2000, &[333]);
        assert_eq!(last(&mut rig, &[pedal(3, 127), pedal(3, 0)]), 880.0);
        assert_eq!(last(&mut rig, &[midi(0, lift(5))]), 220.0);
        rig.render(48_000, &[333]);
        assert_eq!(rig.ends.iter().map(|(_, note)| note.note_id).collect::<Vec<_>>(), [1, 2]);
    }
}

#[test]
fn all_notes_off_and_all_sound_off_are_of_their_channel() {
    for (number, at_once) in [(123, 220.0), (124, 220.0), (127, 220.0), (120, 0.0)] {
        let mut rig = rig(4);
        assert_eq!(last(&mut rig, &[on(0, 0, A4, 1), on(0, 5, A5, 2)]), 1320.0);
        let left = hear(&mut rig, 512, &[midi(0, [0xb5, number, 0])]);
        assert_eq!(left[511], 440.0 + at_once, "controller {number}");
        rig.render(48_000, &[333]);
        assert_eq!(last(&mut rig, &[]), 440.0, "controller {number}");
        assert_eq!(rig.ends.iter().map(|(_, note)| note.note_id).collect::<Vec<_>>(), [2]);
        // The pedal holds notes that all are let go of, and no sound that is cut off.
        let pedal = |value| midi(0, [0xb0, 64, value]);
        let held = if number == 120 { 0.0 } else { 440.0 };
        assert_eq!(hear(&mut rig, 512, &[pedal(127), midi(1, [0xb0, number, 0])])[511], held);
        hear(&mut rig, 512, &[pedal(0)]);
        rig.render(48_000, &[333]);
        assert_eq!(rig.ends.len(), 2, "controller {number}");
    }
}

#[test]
fn a_choke_is_over_in_5_ms() {
    let mut rig = rig(4);
    assert_eq!(last(&mut rig, &[on(0, 0, A4, 1), on(0, 0, A5, 2)]), 1320.0);
    let begin = rig.rendered;
    let choke = at(50, HostEventKind::Choke(address(0, A4, 1)));
    let left = hear(&mut rig, 512, &[choke]);
    assert_eq!(left[49], 1320.0);
    assert!(left[50..290].windows(2).all(|w| w[1] < w[0]), "it falls");
    assert_eq!(left[289], 880.0);
    assert_eq!(rig.ends, [(begin + 290, address(0, A4, 1))]);
}

#[test]
fn a_note_that_ends_with_the_last_frame_before_a_load_has_ended_after_it() {
    let mut rig = rig(4);
    last(&mut rig, &[on(0, 0, A4, 1)]);
    // Over after 240 frames, which is the end of this block: no frame of it is left to tell.
    hear(&mut rig, 240, &[at(0, HostEventKind::Choke(address(0, A4, 1)))]);
    assert_eq!(rig.ends, []);
    let (saved, begin) = (rig.engine.save(), rig.rendered);
    rig.engine.load(&saved).unwrap();
    rig.render(4_096, &[256]);
    assert_eq!(rig.ends, [(begin, address(0, A4, 1))]);
}

#[test]
fn expressions_reach_the_controls_of_their_names_on_that_note_alone() {
    let mut rig = rig(4);
    assert_eq!(last(&mut rig, &[on(0, 0, A4, 1), on(0, 0, A5, 2)]), 1320.0);
    let express = |which, value| at(0, HostEventKind::Expression { note: address(-1, -1, 2), which, value });
    assert_eq!(last(&mut rig, &[express(Expression::Tuning, -12.0)]), 880.0);
    assert_eq!(last(&mut rig, &[express(Expression::Pressure, 0.5)]), 880.5);
    // A pipe has no pan: nothing happens.
    assert_eq!(last(&mut rig, &[express(Expression::Pan, 1.0)]), 880.5);
    // MPE: the pressure of a channel is that of its notes, of those to come too.
    let mut rig = self::rig(4);
    assert_eq!(last(&mut rig, &[midi(0, [0xd3, 127, 0]), on(1, 3, A4, 1), on(1, 4, A5, 2)]), 1321.0);
    assert_eq!(last(&mut rig, &[midi(0, [0xd3, 0, 0])]), 1320.0);
    assert_eq!(last(&mut rig, &[midi(0, [0xa4, A5 as u8, 127])]), 1321.0);
}

#[test]
fn panic_reset_a_new_session_and_a_removed_node_end_every_note_once() {
    type Way = fn(&mut Rig);
    let ways: [(&str, Way); 4] = [
        ("panic", |rig| {
            rig.edit(Edit::Panic);
        }),
        ("reset", |rig| rig.processor.reset()),
        ("load", |rig| {
            let saved = rig.engine.save();
            rig.engine.load(&saved).unwrap();
        }),
        ("removed", |rig| {
            rig.edit(Edit::Graph(vec![GraphEdit::RemoveNode { id: "p".into() }]));
        }),
    ];
    for (way, act) in ways {
        let mut rig = rig(4);
        last(&mut rig, &[on(0, 0, A4, 1), on(0, 0, A5, 2), off(5, 0, A4, 1)]);
        act(&mut rig);
        rig.render(100_000, &[256]);
        let mut ids: Vec<i32> = rig.ends.iter().map(|(_, note)| note.note_id).collect();
        ids.sort_unstable();
        assert_eq!(ids, [1, 2], "{way}");
        assert_eq!(last(&mut rig, &[]), 0.0, "{way}");
    }
}

#[test]
fn notes_of_the_host_and_of_patterns_share_the_voices() {
    let mut rig = rig(2);
    (rig.playing, rig.played) = (true, 0);
    rig.edit(play("p", builders::note(1.0)));
    rig.settle();
    assert_eq!(last(&mut rig, &[on(0, 0, A4, 1)]), 441.0);
    assert_eq!(last(&mut rig, &[on(0, 0, A5, 2)]), 1320.0);
    // A stop closes the pattern's notes; keys are the player's.
    rig.playing = false;
    assert_eq!(last(&mut rig, &[]), 1320.0);
}

#[test]
fn the_next_controller_that_moves_is_mapped() {
    let mut rig = rig(1);
    assert_eq!(rig.engine.range_of("p/other"), Some((-1e9, 1e9)));
    let wanted = Learning { label: "p/other".into(), lo: 0.0, hi: 127.0 };
    rig.engine.learn(Some(wanted)).unwrap();
    rig.block(64);
    // Data entry is nothing that one learns.
    hear(&mut rig, 64, &[midi(0, [0xb0, 6, 1]), midi(0, [0xb5, 21, 9]), midi(3, [0xb5, 22, 9])]);
    rig.settle();
    let maps = &rig.engine.session().midi_maps;
    assert_eq!(
        maps.iter().map(|m| (m.channel, m.cc, m.label.as_str())).collect::<Vec<_>>(),
        [(5, 21, "p/other")]
    );
    assert!(rig.engine.learning().is_none());
    hear(&mut rig, 64, &[midi(0, [0xb5, 21, 40])]);
    assert_eq!(last(&mut rig, &[on(0, 0, A4, 1)]), 480.0);
    rig.edit(Edit::MidiUnmap { channel: 5, cc: 21, label: None });
    assert_eq!(last(&mut rig, &[midi(0, [0xb5, 21, 50])]), 480.0);
}

#[test]
fn routes_are_part_of_the_session() {
    let mut engine = Engine::new(probes::registry());
    for (channel, name) in [(Some(4), "b"), (None, "rest"), (Some(2), "a"), (Some(4), "c")] {
        engine.edit(Edit::RouteNotes { channel, node: Some(name.into()) }, At::Now).unwrap();
    }
    let saved = engine.save();
    let expected = r#""note_routes":[{"channel":2,"node":"a"},{"channel":4,"node":"c"},{"node":"rest"}]"#;
    assert!(String::from_utf8_lossy(&saved).contains(expected), "{}", String::from_utf8_lossy(&saved));
    let mut other = Engine::new(probes::registry());
    other.load(&saved).unwrap();
    assert_eq!(other.save(), saved);
    let error = engine.edit(Edit::RouteNotes { channel: Some(16), node: None }, At::Now).unwrap_err();
    assert_eq!(error.to_string(), "channel: expected a MIDI channel from 0 to 15");
}

#[test]
fn blocks_change_nothing_of_what_is_played() {
    // Notes of patterns and of the host, in and out of tune, stealing each other's voices.
    let whole = played_at_random(&[2048]);
    assert!(whole.0.iter().any(|x| *x != 0.0) && whole.1.len() > 50, "{} ends", whole.1.len());
    for blocks in [&[1, 17, 64][..], &[333], &[64, 1024, 5]] {
        let other = played_at_random(blocks);
        assert_eq!(first_difference(&whole.0, &other.0), None, "{blocks:?}");
        assert_eq!(whole.1, other.1, "{blocks:?}");
    }
}

/// The left channel, and the ends.
fn played_at_random(blocks: &[usize]) -> (Vec<f32>, Vec<(i64, NoteAddress)>) {
    let mut rig = rig(3);
    (rig.playing, rig.played) = (true, 0);
    rig.edit(set("p/tail", 3000.0));
    let tune = builders::seq([Some(builders::note(64.0)), None, Some(builders::note_with(96.0, 0.5, &[]))]);
    rig.edit(play("p", tune.fast(3.0) | builders::chord([16.0, 32.0]).fast(2.0)));
    rig.edit(play("x", builders::control("p/other", 1.0) | builders::control("p/other", 2.0).shift(0.5)));
    rig.settle();
    let (from, first) = (rig.rendered, rig.ends.len());
    rig.played = 0;
    let mut seed = 7u64;
    let mut dice = |sides: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % sides
    };
    let mut events = Vec::new();
    for id in 0..400 {
        let sample = id * 480 + dice(480) as i32;
        let (channel, key) = (dice(3) as i16, 60 + dice(12) as i16);
        let what = match dice(8) {
            0..=3 => {
                HostEventKind::NoteOn { note: address(channel, key, id), velocity: dice(5) as f64 / 4.0 }
            }
            4 => HostEventKind::NoteOff(address(channel, -1, -1)),
            5 => HostEventKind::Midi([0xe0 | channel as u8, 0, dice(128) as u8]),
            6 => HostEventKind::Midi([0xb0 | channel as u8, 64, dice(128) as u8]),
            _ => HostEventKind::Choke(address(channel, -1, id - 2)),
        };
        events.push((i64::from(sample), what));
    }
    let mut left = Vec::new();
    let mut sizes = blocks.iter().cycle();
    let mut next = 0;
    while left.len() < 240_000 {
        let begin = left.len() as i64;
        let frames = (*sizes.next().unwrap()).min(240_000 - left.len());
        while next < events.len() && events[next].0 < begin + frames as i64 {
            rig.played_in.push(at((events[next].0 - begin) as u32, events[next].1));
            next += 1;
        }
        let [block, _] = rig.block(frames);
        left.extend(block);
    }
    let ends = rig.ends[first..].iter().map(|(sample, note)| (sample - from, *note)).collect();
    (left, ends)
}

fn libm_exp2(x: f64) -> f64 {
    x.exp2()
}
