//! Bars are the host's: edits wait for its bar lines, and with its meter every bar is one cycle.

mod support;
use krach_core::model::Setting;

use krach_core::clock::{HostTransport, TransportAt};
use krach_core::engine::*;
use krach_patterns::{Pattern, Value};
use support::*;

const BEAT: i64 = 24_000;

/// A song at 120 bpm: bars of some quarter notes each from a position in quarter notes on.
#[derive(Clone, Copy)]
struct Song {
    first: f64,
    change: f64,
    then: f64,
    /// What it calls the bar at zero, if it numbers its bars.
    first_number: Option<i32>,
}

/// Two bars of 4/4, then 3/4.
const FOUR_THREE: Song = Song { first: 4.0, change: 8.0, then: 3.0, first_number: None };

impl Song {
    fn tells(&self, beats: f64) -> HostTransport {
        let (from, before, bar) = match beats < self.change {
            true => (0.0, 0.0, self.first),
            false => (self.change, (self.change / self.first).ceil(), self.then),
        };
        let passed = ((beats - from) / bar).floor();
        HostTransport {
            playing: true,
            tempo: Some(120.0),
            beats: Some(beats),
            time_signature: Some(((bar * 2.0) as u32, 8)),
            bar_start: Some(from + passed * bar),
            bar_number: self.first_number.map(|first| first + (before + passed) as i32),
            ..HostTransport::default()
        }
    }

    /// Plays from `start` quarter notes on. `exact`: the host tells of the change where it happens,
    /// not where its next block begins.
    fn play(&self, rig: &mut Rig, start: f64, frames: i64, blocks: &[i64], exact: bool) {
        let begin = rig.rendered;
        let change = begin + ((self.change - start) * BEAT as f64) as i64;
        let mut sizes = blocks.iter().cycle();
        while rig.rendered < begin + frames {
            let at = rig.rendered;
            let end = (at + sizes.next().unwrap()).min(begin + frames);
            let tell = |sample: i64| TransportAt {
                offset: (sample - at) as u32,
                transport: self.tells(start + (sample - begin) as f64 / BEAT as f64),
            };
            let mut reports = vec![tell(at)];
            if exact && change > at && change < end {
                reports.push(tell(change));
            }
            rig.block_with((end - at) as usize, &reports);
        }
    }
}

/// That many notes per cycle, keys rising from 0 and over.
fn scale(notes: u32) -> Pattern {
    let note = |key: u32| Value::Note { channel: 0, note: (key % 128) as u8, velocity: 100, dur: 0.0 };
    let children = (0..notes).map(|key| Pattern::Atom { value: note(key), span: None }).collect();
    Pattern::Cat { children, span: None }
}

fn note_ons(rig: &Rig) -> Vec<(i64, u8)> {
    rig.midi.iter().filter(|(_, m)| m[0] == 0x90).map(|(at, m)| (*at, m[1])).collect()
}

#[test]
fn an_edit_waits_for_the_hosts_bar_line_after_the_signature_changed() {
    for first_number in [None, Some(0), Some(1)] {
        let mut rig = Rig::new();
        let song = Song { first_number, ..FOUR_THREE };
        song.play(&mut rig, 0.0, 9 * BEAT, &[512], true);
        // Bars begin at 8, 11, 14…: 11 is the next, and no multiple of 3.
        let receipt = rig.edit_at(play("a", scale(4)), At::Bar);
        assert_eq!(receipt.position, Some(11.0 / 4.0), "cycles of four quarter notes");
        let position = rig.engine.link().position();
        assert_eq!((position.bar_start, position.bar_cycles), (2.0, 0.75));
        song.play(&mut rig, 9.0, 3 * BEAT, &[512], true);
        assert_eq!(note_ons(&rig).first().map(|n| n.0), Some(11 * BEAT));
    }
}

#[test]
fn a_bar_that_begins_off_the_grid_is_waited_for_where_it_is() {
    let mut rig = Rig::new();
    let odd = Song { first: 4.0, change: 1.0, then: 4.0, first_number: None };
    odd.play(&mut rig, 1.0, BEAT, &[256], false);
    assert_eq!(rig.edit_at(Edit::HushAll, At::Bar).position, Some(1.25));
}

#[test]
fn with_the_hosts_meter_every_bar_is_one_cycle_through_a_change_of_signature() {
    let expected: Vec<i64> =
        (0..8).map(|n| n * BEAT).chain((0..12).map(|n| 8 * BEAT + n * BEAT * 3 / 4)).collect();
    for first_number in [None, Some(0), Some(1)] {
        for blocks in [&[64][..], &[17], &[333], &[2048], &[5, 1000, 2, 77]] {
            let mut rig = Rig::new();
            rig.edit(Edit::Setting(Setting::HostMeter));
            rig.edit(play("a", scale(4)));
            Song { first_number, ..FOUR_THREE }.play(&mut rig, 0.0, 17 * BEAT, blocks, true);
            let found: Vec<i64> = note_ons(&rig).iter().map(|n| n.0).collect();
            assert_eq!(found, expected, "blocks {blocks:?}, numbered from {first_number:?}");
            assert_eq!(rig.engine.link().position().cycles, 5.0);
        }
    }
}

#[test]
fn a_change_that_the_host_tells_late_loses_and_repeats_no_note() {
    for (first, then) in [(4.0, 3.0), (3.0, 4.0)] {
        let song = Song { first, change: 2.0 * first, then, first_number: None };
        let frames = (2.0 * first + then) as i64 * BEAT;
        for blocks in [&[1900][..], &[1999], &[2048], &[700]] {
            let mut rig = Rig::new();
            rig.edit(Edit::Setting(Setting::HostMeter));
            rig.edit(play("a", scale(128)));
            song.play(&mut rig, 0.0, frames, blocks, false);
            let keys: Vec<u8> = note_ons(&rig).iter().map(|n| n.1).collect();
            let expected: Vec<u8> = (0..3 * 128).map(|n| (n % 128) as u8).collect();
            assert_eq!(keys, expected, "{first} to {then} quarter notes in blocks of {blocks:?}");
        }
    }
}

#[test]
fn after_a_change_of_signature_a_jump_back_plays_what_has_sounded_before() {
    // The host says nothing of its bars but the signature, which is changed for the whole song.
    let tell = |beats: f64, numerator: u32| HostTransport {
        playing: true,
        tempo: Some(120.0),
        beats: Some(beats),
        time_signature: Some((numerator, 4)),
        ..HostTransport::default()
    };
    let mut rig = Rig::new();
    rig.edit(Edit::Setting(Setting::HostMeter));
    rig.edit(play("a", scale(4)));
    let play = |rig: &mut Rig, from: f64, beats: i64, numerator: u32| {
        for block in 0..beats * 48 {
            let transport = tell(from + block as f64 / 48.0, numerator);
            rig.block_with(500, &[TransportAt { offset: 0, transport }]);
        }
    };
    play(&mut rig, 0.0, 8, 4);
    play(&mut rig, 8.0, 3, 3);
    let begin = rig.rendered;
    rig.midi.clear();
    // Bars go on from where the signature changed: bar lines lie at 2 and 5.
    play(&mut rig, 2.0, 6, 3);
    let expected: Vec<(i64, u8)> = (0..8).map(|n| (begin + n * BEAT * 3 / 4, n as u8 % 4)).collect();
    assert_eq!(note_ons(&rig), expected);
}

#[test]
fn a_held_note_sounds_on_through_a_change_of_signature() {
    let mut rig = Rig::new();
    rig.edit(Edit::Setting(Setting::HostMeter));
    let long = Value::Note { channel: 0, note: 60, velocity: 100, dur: 3.0 };
    let once = Pattern::Slow {
        factor: (8, 1).into(),
        child: Box::new(Pattern::Atom { value: long, span: None }),
        span: None,
    };
    rig.edit(play("a", once));
    FOUR_THREE.play(&mut rig, 0.0, 10 * BEAT, &[2048], false);
    let sent: Vec<u8> = rig.midi.iter().map(|(_, m)| m[0]).collect();
    assert_eq!(sent, [0x90], "it began and has not ended");
}

#[test]
fn a_jump_lands_in_the_bar_that_the_host_names() {
    for first_number in [0, 1] {
        let mut rig = Rig::new();
        rig.edit(Edit::Setting(Setting::HostMeter));
        let song = Song { first_number: Some(first_number), ..FOUR_THREE };
        song.play(&mut rig, 0.0, BEAT, &[512], true);
        song.play(&mut rig, 14.0, 0, &[512], true);
        song.play(&mut rig, 14.0, 3 * BEAT / 2, &[512], true);
        // Bars 0 and 1 of 4/4, then bars of three: 14 begins bar 4.
        assert_eq!(rig.engine.link().position().cycles, 4.5);
    }
}

#[test]
fn the_hosts_meter_is_saved_and_ends_with_a_meter_of_ones_own() {
    let mut rig = Rig::new();
    rig.edit(Edit::Setting(Setting::HostMeter));
    FOUR_THREE.play(&mut rig, 0.0, 9 * BEAT, &[512], true);
    assert_eq!((rig.engine.status().settings.host_meter, rig.engine.status().meter), (true, 3.0));
    let saved = rig.engine.save();
    let mut again = Rig::new();
    again.engine.load(&saved).unwrap();
    assert!(again.engine.session().settings.host_meter);
    assert_eq!(again.engine.save(), saved);
    FOUR_THREE.play(&mut again, 0.0, 11 * BEAT, &[512], true);
    assert_eq!(again.engine.link().position().cycles, 3.0);
    again.edit(Edit::Setting(Setting::BeatsPerCycle(2.0)));
    FOUR_THREE.play(&mut again, 11.0, BEAT, &[512], true);
    assert_eq!(
        (again.engine.status().settings.host_meter, again.engine.link().position().cycles),
        (false, 6.0)
    );
}

#[test]
fn a_loop_in_the_hosts_meter_plays_the_same_bars_again_whatever_the_blocks() {
    // 4/4 up to 8, then a loop over two bars of 3/4.
    let position = |sample: i64| match sample as f64 / BEAT as f64 {
        x if x < 14.0 => x,
        x => 8.0 + (x - 8.0) % 6.0,
    };
    let expected: Vec<i64> =
        (0..8).map(|n| n * BEAT).chain((0..24).map(|n| 8 * BEAT + n * BEAT * 3 / 4)).collect();
    for first_number in [None, Some(0), Some(1)] {
        for blocks in [&[64i64][..], &[500], &[1920], &[96, 1824]] {
            let mut rig = Rig::new();
            rig.edit(Edit::Setting(Setting::HostMeter));
            rig.edit(play("a", scale(4)));
            let song = Song { first_number, ..FOUR_THREE };
            let mut sizes = blocks.iter().cycle();
            while rig.rendered < 26 * BEAT {
                let size = (*sizes.next().unwrap()).min(26 * BEAT - rig.rendered);
                let mut transport = song.tells(position(rig.rendered));
                transport.loop_range = Some((8.0, 14.0));
                rig.block_with(size as usize, &[TransportAt { offset: 0, transport }]);
            }
            let found: Vec<(i64, u8)> = note_ons(&rig);
            let samples: Vec<i64> = found.iter().map(|n| n.0).collect();
            assert_eq!(samples, expected, "blocks {blocks:?}, numbered from {first_number:?}");
            assert!(found.iter().enumerate().all(|(n, (_, key))| n as u8 % 4 == *key));
        }
    }
}

#[test]
fn a_bar_is_the_same_bar_whatever_the_host_calls_it_and_however_time_came_there() {
    // What was played, where the host stood, and what looped before: from, for so many quarter notes.
    let ways: [&[(f64, i64)]; 5] =
        [&[], &[(0.0, 9)], &[(16.0, 6)], &[(40.0, 1), (4.0, 5)], &[(8.0, 4), (8.0, 4), (8.0, 2)]];
    let mut reference = None;
    for first_number in [None, Some(0), Some(1)] {
        for (way, stands) in ways.iter().flat_map(|way| [(way, false), (way, true)]) {
            let mut rig = Rig::with(probes::registry());
            let song = Song { first: 4.0, change: 1e6, then: 4.0, first_number };
            rig.edit(Edit::Setting(Setting::HostMeter));
            rig.edit(Edit::LoadGraph(graph(
                vec![node("out", "dac", &[]), node("l", "level", &[])],
                &[("l", "out")],
            )));
            let automate = Edit::SetAutomation {
                id: "a".into(),
                label: "l/level".into(),
                shape: krach_core::automation::ShapeSpec::Ramp,
                lo: 0.0,
                hi: 1.0,
                period: Period::Bars(3.0),
                one_shot: false,
            };
            rig.edit(automate);
            // `<x . .>`: once in three bars.
            let hit = Value::Note { channel: 0, note: 60, velocity: 100, dur: 0.0 };
            let child = Box::new(Pattern::Atom { value: hit, span: None });
            rig.edit(play("a", Pattern::Slow { factor: (3, 1).into(), child, span: None }));
            for &(from, beats) in *way {
                song.play(&mut rig, from, beats * BEAT, &[512], true);
                if stands {
                    let transport = HostTransport { playing: false, ..song.tells(from + beats as f64) };
                    rig.block_with(512, &[TransportAt { offset: 0, transport }]);
                }
            }
            let begin = rig.rendered;
            let mut levels = Vec::new();
            for beat in 0..28 {
                song.play(&mut rig, f64::from(beat), BEAT - 512, &[512], true);
                let transport = song.tells(f64::from(beat) + (BEAT - 512) as f64 / BEAT as f64);
                levels.push(rig.block_with(512, &[TransportAt { offset: 0, transport }])[0][511]);
            }
            let onsets: Vec<(i64, u8)> =
                note_ons(&rig).into_iter().filter(|n| n.0 >= begin).map(|n| (n.0 - begin, n.1)).collect();
            let found = (onsets, levels);
            let expected = reference.get_or_insert_with(|| found.clone());
            assert_eq!(found, *expected, "numbered from {first_number:?}, after {way:?}, stands: {stands}");
            assert_eq!(found.0, [(0, 60), (12 * BEAT, 60), (24 * BEAT, 60)]);
        }
    }
}
