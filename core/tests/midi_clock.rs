//! MIDI clock: 24 ticks per quarter note, and start, continue and stop, each at its sample.

mod clock_support;

use clock_support::support::{Rig, play};
use clock_support::*;
use krach_core::engine::*;
use krach_core::model::Setting;
use krach_patterns::{Pattern, Value};

const RATE: f64 = 48_000.0;
const TICK: u8 = 0xf8;
const START: u8 = 0xfa;
const CONTINUE: u8 = 0xfb;
const STOP: u8 = 0xfc;
const SONG_POSITION: u8 = 0xf2;

type Sent = Vec<(i64, [u8; 3])>;

fn clocked() -> Rig {
    let mut rig = Rig::new();
    rig.edit(Edit::Setting(Setting::MidiClock(true)));
    rig
}

fn perform(rig: &mut Rig, script: &Script, host: Host, blocks: &[i64]) -> Sent {
    let mut sizes = blocks.iter().cycle();
    let mut at = 0;
    while at < script.frames() {
        let end = (at + sizes.next().unwrap()).min(script.frames());
        rig.block_with((end - at) as usize, &host.reports(script, at, end));
        at = end;
    }
    std::mem::take(&mut rig.midi)
}

fn at(sent: &Sent, status: u8) -> Vec<i64> {
    sent.iter().filter(|(_, m)| m[0] == status).map(|(at, _)| *at).collect()
}

#[test]
fn from_the_top_it_starts_and_ticks_24_times_per_beat() {
    let sent = perform(&mut clocked(), &Script::at(RATE, 0.0, 120.0).play(48_000), Host::EXACT, &[333]);
    assert_eq!(sent[..2], [(0, [START, 0, 0]), (0, [TICK, 0, 0])]);
    assert_eq!(at(&sent, TICK), (0..48).map(|n| n * 1000).collect::<Vec<_>>());
    assert_eq!(sent.len(), 49);
}

#[test]
fn elsewhere_it_goes_on_at_the_next_sixteenth_and_stop_stops() {
    let script = Script::at(RATE, 1.1, 120.0).play(12_000).stop(5_000);
    let sent = perform(&mut clocked(), &script, Host::EXACT, &[256]);
    // 1.1 lies in the fifth sixteenth; the next is number 5, at 1.25.
    assert_eq!(sent[0], (0, [SONG_POSITION, 5, 0]));
    let goes_on = sent.iter().position(|(_, m)| m[0] == CONTINUE).unwrap();
    assert_eq!(sent[goes_on], (3_600, [CONTINUE, 0, 0]));
    assert_eq!(sent[goes_on + 1], (3_600, [TICK, 0, 0]));
    assert_eq!(at(&sent, STOP), [12_000]);
    assert!(at(&sent, TICK).iter().all(|&n| n < 12_000), "nothing ticks while time stands still");
    assert!(at(&sent, START).is_empty());
}

#[test]
fn a_far_position_is_told_in_two_times_seven_bits() {
    let sent = perform(&mut clocked(), &Script::at(RATE, 100.0, 120.0).play(100), Host::EXACT, &[64]);
    assert_eq!(sent[..3], [(0, [SONG_POSITION, 16, 3]), (0, [CONTINUE, 0, 0]), (0, [TICK, 0, 0])]);
}

#[test]
fn before_the_top_it_waits_and_starts_at_the_top() {
    let sent = perform(&mut clocked(), &Script::at(RATE, -0.5, 120.0).play(20_000), Host::EXACT, &[64]);
    assert_eq!(
        (at(&sent, START), at(&sent, SONG_POSITION), at(&sent, CONTINUE)),
        (vec![12_000], vec![], vec![])
    );
}

#[test]
fn tempo_changes_loops_and_blocks_neither_lose_nor_repeat_a_tick() {
    let script = Script::at(RATE, 0.0, 120.0)
        .play(10_007)
        .tempo(171.3)
        .play(30_011)
        .tempo(63.7)
        .play(50_021)
        .looping(Some((2.0, 4.0)))
        .tempo(137.0)
        .play(200_000);
    let reference = perform(&mut clocked(), &script, Host::EXACT, &[256]);
    for blocks in PARTITIONS {
        assert_eq!(perform(&mut clocked(), &script, Host::EXACT, blocks), reference, "blocks {blocks:?}");
    }
    // What lies under the ticks: the quarter notes that were played, loop passes and all.
    let mut position = -1.0 / 24.0;
    for &sample in &at(&reference, TICK) {
        let here = script.run_at(sample).beats_at(sample);
        let next = position + 1.0 / 24.0;
        let next = if next > 4.0 - 1e-9 { next - 2.0 } else { next };
        let rate = script.run_at(sample).bpm / (60.0 * RATE);
        let late = here - next;
        assert!((-1e-9..rate * 1.001).contains(&late), "tick at {sample}: {here} is not {next}");
        position = next;
    }
    assert!(position > 2.0 && at(&reference, TICK).len() > 250, "{}", at(&reference, TICK).len());
    let wraps = at(&reference, STOP);
    assert_eq!(
        (wraps.len(), at(&reference, CONTINUE), at(&reference, SONG_POSITION)),
        (wraps.len(), wraps.clone(), wraps)
    );
}

#[test]
fn a_jump_stops_says_where_and_goes_on() {
    let script = Script::at(RATE, 0.0, 120.0).play(10_000).jump(16.0).play(10_000).jump(0.0).play(3_000);
    let sent = perform(&mut clocked(), &script, Host::EXACT, &[512]);
    let there: Vec<[u8; 3]> = sent.iter().filter(|(at, _)| *at == 10_000).map(|(_, m)| *m).collect();
    assert_eq!(there, [[STOP, 0, 0], [SONG_POSITION, 64, 0], [CONTINUE, 0, 0], [TICK, 0, 0]]);
    let back: Vec<[u8; 3]> = sent.iter().filter(|(at, _)| *at == 20_000).map(|(_, m)| *m).collect();
    assert_eq!(back, [[STOP, 0, 0], [START, 0, 0], [TICK, 0, 0]]);
}

#[test]
fn a_tick_comes_before_the_notes_of_its_sample_and_other_cycles_do_not_disturb_it() {
    let mut rig = clocked();
    let note = Value::Note { channel: 0, note: 60, velocity: 100, dur: 0.1 };
    rig.edit(play("a", Pattern::Atom { value: note, span: None }));
    rig.edit_at(Edit::Setting(Setting::BeatsPerCycle(3.0)), At::Position(0.25));
    let sent = perform(&mut rig, &Script::at(RATE, 0.0, 120.0).play(48_000), Host::EXACT, &[512]);
    assert_eq!(sent[..3].iter().map(|s| s.1[0]).collect::<Vec<_>>(), [START, TICK, 0x90]);
    assert_eq!(at(&sent, TICK).len(), 48);
    assert!(at(&sent, STOP).is_empty());
}

#[test]
fn switching_it_off_or_on_midway_tells_the_receiver() {
    let mut rig = Rig::new();
    let script = Script::at(RATE, 0.0, 120.0).play(48_000);
    rig.edit_at(Edit::Setting(Setting::MidiClock(true)), At::Position(0.125));
    rig.edit_at(Edit::Setting(Setting::MidiClock(false)), At::Position(0.25));
    let sent = perform(&mut rig, &script, Host::EXACT, &[512]);
    assert_eq!(sent[..2], [(12_000, [SONG_POSITION, 2, 0]), (12_000, [CONTINUE, 0, 0])]);
    assert_eq!(at(&sent, TICK), (12..24).map(|n| n * 1000).collect::<Vec<_>>());
    assert_eq!(sent.last(), Some(&(24_000, [STOP, 0, 0])));
}

#[test]
fn a_load_while_playing_sends_the_receiver_where_the_song_is() {
    let mut rig = clocked();
    let saved = rig.engine.save();
    let script = Script::at(RATE, 0.0, 120.0).play(48_000);
    rig.block_with(10_000 / 10, &Host::EXACT.reports(&script, 0, 1_000));
    rig.engine.load(&saved).unwrap();
    rig.midi.clear();
    rig.block_with(2_000, &Host::EXACT.reports(&script, 1_000, 3_000));
    let heads: Vec<u8> = rig.midi.iter().filter(|(at, _)| *at == 1_000).map(|(_, m)| m[0]).collect();
    assert_eq!(heads, [STOP, SONG_POSITION, TICK]);
    // and a session without it says goodbye
    let silent = Engine::new(krach_core::node::Registry::with_builtins()).save();
    rig.engine.load(&silent).unwrap();
    rig.midi.clear();
    rig.block_with(1_000, &Host::EXACT.reports(&script, 3_000, 4_000));
    assert_eq!(rig.midi, [(3_000, [STOP, 0, 0])]);
}

#[test]
fn the_environment_may_ask_for_it_whatever_the_session_says() {
    let mut engine = Engine::new(krach_core::node::Registry::with_builtins());
    engine.always_send_midi_clock();
    let mut rig = Rig::of(engine);
    rig.edit(Edit::Setting(Setting::MidiClock(false)));
    let sent = perform(&mut rig, &Script::at(RATE, 0.0, 120.0).play(2_000), Host::EXACT, &[512]);
    assert_eq!(at(&sent, TICK), [0, 1000]);
    assert!(!rig.engine.session().settings.midi_clock, "it is not the session's");
}

#[test]
fn a_tick_between_the_last_sample_of_a_pass_and_its_end_belongs_to_that_pass() {
    // At 137 bpm quarter note 4 lies 0.2 samples before the loop's end, and both before sample 84088.
    let script = Script::at(RATE, 0.0, 137.0).looping(Some((2.0, 4.000_01))).play(100_000);
    for blocks in PARTITIONS {
        let sent = perform(&mut clocked(), &script, Host::EXACT, blocks);
        let wrap: Vec<u8> = sent.iter().filter(|(at, _)| *at == 84_088).map(|(_, m)| m[0]).collect();
        assert_eq!(wrap, [TICK, STOP, SONG_POSITION, CONTINUE, TICK], "blocks {blocks:?}");
    }
}

#[test]
fn an_engine_that_falls_silent_stops_the_receiver() {
    support::probes::hush_probes();
    let mut rig = Rig::with(support::probes::registry());
    rig.edit(Edit::Setting(Setting::MidiClock(true)));
    rig.block(512);
    assert_eq!(rig.midi[0].1[0], START);
    let nodes = vec![support::node("p", "panicky", &[("when", 1.0)]), support::node("out", "dac", &[])];
    rig.edit(Edit::LoadGraph(support::graph(nodes, &[("p", "out")])));
    rig.midi.clear();
    for _ in 0..4 {
        rig.block(512);
    }
    assert!(rig.notices.iter().any(|n| matches!(n, Notice::Panicked { .. })));
    let stops = rig.midi.iter().filter(|(_, m)| m[0] == STOP).count();
    assert_eq!(stops, 1);
    assert_eq!(rig.midi.last().unwrap().1[0], STOP, "and nothing after");
}
