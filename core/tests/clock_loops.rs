//! Loops: each onset of each pass once and on its sample, however the host wraps.

mod clock_support;

use clock_support::probe::{FREQ, gates, held};
use clock_support::support::play;
use clock_support::*;
use krach_core::clock::TransportAt;
use krach_core::engine::At;
use krach_patterns::builders;

const RATE: f64 = 48_000.0;

/// One cycle at 137 bpm: its end lies between two samples.
fn odd_loop() -> Script {
    Script::at(RATE, 1.0, 137.0).looping(Some((2.0, 6.0))).play(500_000)
}

#[test]
fn a_wrap_inside_a_block_is_foreseen() {
    for blocks in PARTITIONS {
        for host in [Tells::Beats, Tells::BeatsAndSamples, Tells::FixedPoint, Tells::BeatsOnly] {
            assert_exact(&odd_loop(), Host::new(host), 16, blocks);
        }
    }
}

#[test]
fn a_wrap_may_be_announced_by_an_event_or_by_a_block_that_ends_there() {
    let script = odd_loop();
    let announced = Host { announce_wraps: true, ..Host::EXACT };
    let edges: Vec<i64> = script.runs.iter().flat_map(|r| split(r.end - r.start, 512)).collect();
    for blocks in PARTITIONS {
        assert_exact(&script, announced, 16, blocks);
    }
    assert_exact(&script, Host::EXACT, 16, &edges);
    // and by a host that never says what its loop is
    let silent = Host { tell_loop: false, ..Host::EXACT };
    let (found, expected) = (gates(&render(&script, silent, 16, &edges).0), script.gates_of(16, 4.0));
    assert_eq!(found, expected);
}

fn split(mut frames: i64, most: i64) -> Vec<i64> {
    let mut parts = Vec::new();
    while frames > 0 {
        parts.push(frames.min(most));
        frames -= parts.last().unwrap();
    }
    parts
}

#[test]
fn a_host_that_lands_exactly_on_the_start_is_followed() {
    let script = Script::at(RATE, 1.0, 137.0).drop_overshoot().looping(Some((2.0, 6.0))).play(500_000);
    // Told by an event or at a block's edge it is exact; else what lies between the wrap and the
    // next report may come up to a sample early, for the host only said afterwards that it dropped it.
    assert_exact(&script, Host { announce_wraps: true, ..Host::EXACT }, 16, &[333]);
    for blocks in PARTITIONS {
        let (log, _) = render(&script, Host::EXACT, 16, blocks);
        let (found, expected) = (gates(&log), script.gates_of(16, 4.0));
        assert_eq!(found.len(), expected.len());
        for (f, e) in found.iter().zip(&expected) {
            assert_eq!(f.open, e.open);
            assert!((f.sample - e.sample).abs() <= 1, "{f:?} {e:?}");
        }
    }
}

#[test]
fn loops_shorter_than_a_block_and_loops_of_a_few_samples_keep_time() {
    for length in [0.02, 0.26, 0.000_3, 0.000_05] {
        let script = Script::at(RATE, 4.0, 133.0).looping(Some((4.0, 4.0 + length))).play(20_000);
        for blocks in PARTITIONS {
            assert_exact(&script, Host::EXACT, 64, blocks);
        }
    }
}

#[test]
fn a_loop_shorter_than_a_sample_does_not_hang() {
    let script = Script::at(RATE, 4.0, 120.0).looping(Some((4.0, 4.000_03))).straight(10_000);
    let (log, _) = render(&script, Host::EXACT, 64, &[333]);
    assert!(!gates(&log).is_empty());
}

#[test]
fn a_wrap_exactly_on_a_block_edge_is_no_different() {
    // 120 bpm: a cycle is 96000 samples, 375 blocks of 256.
    let script = Script::at(RATE, 0.0, 120.0).looping(Some((0.0, 4.0))).play(400_000);
    assert_exact(&script, Host::EXACT, 7, &[256]);
    assert_exact(&script, Host::EXACT, 7, &[96_000 / 64]);
    assert_exact(&script, Host { announce_wraps: true, ..Host::EXACT }, 7, &[256]);
}

#[test]
fn a_loop_that_does_not_begin_on_a_hit_plays_nothing_from_before_it() {
    // The start lies a third of a sample after a hit, the end two thirds after another: the wrap
    // lands two thirds after the first, within a sample of it.
    let third = 120.0 / (60.0 * RATE) / 3.0;
    let script = Script::at(RATE, 1.5, 120.0).looping(Some((1.0 + third, 3.0 + 2.0 * third))).play(200_000);
    for blocks in PARTITIONS {
        assert_exact(&script, Host::EXACT, 4, blocks);
    }
}

#[test]
fn a_host_that_goes_on_past_the_end_is_followed_and_no_gate_stays_open() {
    let script = Script::at(RATE, 3.0, 120.0).looping(Some((0.0, 4.0))).straight(96_100);
    let (log, _) = render(&script, Host::EXACT, 16, &[333]);
    let found = gates(&log);
    let expected = script.gates_of(16, 4.0);
    // Before the end, and from the block after it, everything is as the host says.
    let block_after = 24_000 / 333 * 333 + 333;
    let outside = |s: i64| s < 24_000 || s > block_after;
    let opens = |gates: &[Gate]| -> Vec<i64> {
        gates.iter().filter(|g| g.open && outside(g.sample)).map(|g| g.sample).collect()
    };
    assert_eq!(opens(&found), opens(&expected));
    assert!(found.iter().any(|g| !g.open && g.sample == block_after), "the jump closes the gates");
    assert!(found.windows(2).all(|w| w[0].open != w[1].open));
}

#[test]
fn a_host_that_says_at_the_edge_that_it_runs_on_is_believed() {
    let script = Script::at(RATE, 3.0, 120.0).looping(Some((0.0, 4.0))).straight(96_000);
    assert_exact(&script, Host::EXACT, 16, &[240]);
}

/// Two cycles of a loop whose wrap the host makes `late` samples after its end, landing `land` beats
/// after its start.
fn late_wrap(late: i64, land: f64) -> Script {
    Script::at(RATE, 3.0, 120.0).looping(Some((0.0, 4.0))).straight(24_000 + late).jump(land).straight(72_000)
}

#[test]
fn a_host_that_wraps_only_at_the_end_of_the_block_repeats_and_loses_nothing() {
    // The loop ends inside a block; the host goes on until the block is over.
    let edge = 24_000 / 333 * 333 + 333;
    for land in [0.0, 1.0 / 24_000.0, 0.013] {
        let script = late_wrap(edge - 24_000, land);
        let found = gates(&render(&script, Host::EXACT, 16, &[333]).0);
        let opens: Vec<i64> = found.iter().filter(|g| g.open).map(|g| g.sample).collect();
        // hits every 6000 samples up to the end, its downbeat where we foresaw it, the rest as the host plays on
        let shift = edge - (land * 24_000.0).round() as i64;
        let expected: Vec<i64> = (0..5)
            .map(|k| k * 6000)
            .chain((1..13).map(|k| k * 6000 + shift))
            .filter(|&n| n < script.frames())
            .collect();
        assert_eq!(opens, expected, "landing at {land}");
        let downbeat = found.iter().position(|g| g.sample == 24_000 && g.open).unwrap();
        assert_eq!(found[downbeat + 1].sample, shift + 3000, "the hit lasts as long as every other");
    }
}

#[test]
fn a_jump_in_the_block_in_which_the_loop_ends_closes_the_gate_that_the_foreseen_wrap_has_opened() {
    // One hit to a cycle, open for two quarter notes: the downbeat is foreseen, and then the host is
    // elsewhere within the loop.
    let edge = 24_000 / 333 * 333 + 333;
    let script = late_wrap(edge - 24_000, 1.0);
    let found = gates(&render(&script, Host::EXACT, 1, &[333]).0);
    assert_eq!(found, [Gate { sample: 24_000, open: true }, Gate { sample: edge, open: false }]);
}

#[test]
fn a_wrap_that_lands_ten_milliseconds_late_plays_its_downbeat_on_landing() {
    // The block ends with the loop: the host lands 9.9 ms inside.
    for late in [0, 1, 200, 475] {
        let land = f64::from(late) / 24_000.0;
        let script = late_wrap(0, land);
        let found = gates(&render(&script, Host::EXACT, 16, &[240]).0);
        let opens: Vec<i64> = found.iter().filter(|g| g.open).map(|g| g.sample).collect();
        let expected: Vec<i64> = (0..5)
            .map(|k| k * 6000)
            .chain((1..13).map(|k| 24_000 - i64::from(late) + k * 6000))
            .filter(|&n| n < 96_000)
            .collect();
        assert_eq!(opens, expected, "{late} samples late");
    }
    // Later than that it is a jump, and gates are not chased.
    let script = late_wrap(0, 500.0 / 24_000.0);
    let found = gates(&render(&script, Host::EXACT, 16, &[240]).0);
    assert!(found.iter().all(|g| !(g.open && g.sample == 24_000)));
}

#[test]
fn a_hit_between_the_last_sample_of_a_pass_and_its_end_plays_where_a_late_host_lands() {
    // Two to a cycle: the hit at 4.0 lies 0.6 samples after the last sample of the pass, the loop's end 0.3
    // samples after the hit. The loop begins where there is no hit.
    let sample = 1.0 / 24_000.0;
    let (start, end) = (0.5, 4.0 + 0.3 * sample);
    for late in [0.0, 1.0, 240.0, 470.0] {
        let script = Script::at(RATE, 3.0 + 0.4 * sample, 120.0)
            .looping(Some((start, end)))
            .straight(24_000)
            .jump(start + late * sample)
            .straight(72_000);
        let (log, _) = render(&script, Host::EXACT, 2, &[240]);
        let opens: Vec<i64> = gates(&log).iter().filter(|g| g.open).map(|g| g.sample).collect();
        let second = 24_000 + ((2.0 - start) * 24_000.0 - late) as i64;
        assert_eq!(opens, [24_000, second], "{late} samples late");
    }
    // Without the loop the host has jumped, and nothing of before plays.
    let script = Script::at(RATE, 3.0 + 0.4 * sample, 120.0).straight(24_000).jump(start).straight(24_000);
    let (log, _) = render(&script, Host::EXACT, 2, &[240]);
    assert!(gates(&log).iter().all(|g| !g.open));
}

#[test]
fn a_loop_end_that_is_dragged_behind_the_playhead_does_not_wrap() {
    let script = Script::at(RATE, 0.0, 120.0)
        .looping(Some((0.0, 8.0)))
        .play(60_000)
        .looping(Some((0.0, 2.0)))
        .straight(96_000);
    let mut host = Host::EXACT;
    assert_exact(&script, host, 16, &[250]);
    host.announce_changes = false;
    assert_exact(&script, host, 16, &[333]);
}

#[test]
fn a_loop_switched_off_at_its_last_sample_does_not_wrap() {
    let script =
        Script::at(RATE, 3.0, 120.0).looping(Some((0.0, 4.0))).play(23_999).looping(None).play(60_000);
    assert_exact(&script, Host::EXACT, 16, &[333]);
}

#[test]
fn a_bass_line_is_chased_from_before_the_loop() {
    // Four notes a cycle; the loop begins in the second half of note two.
    let line = builders::seq([110.0, 220.0, 330.0, 440.0].map(|f| Some(builders::control("v/freq", f))));
    let script = Script::at(RATE, 0.0, 120.0).looping(Some((1.5, 4.0))).play(200_000);
    let (log, _) = render_with(&script, Host::EXACT, &[play("v", line)], &[333]);
    for (sample, freq) in [(0, 110.0), (24_000, 220.0), (95_999, 440.0), (96_000, 220.0), (108_000, 330.0)] {
        assert_eq!(held(&log, FREQ, sample), Some(freq), "at {sample}");
    }
}

#[test]
fn a_pattern_set_within_a_pass_plays_from_the_start_of_the_next() {
    let script = Script::at(RATE, 0.0, 120.0).looping(Some((0.0, 4.0))).play(192_000);
    let (mut rig, log) = probed(RATE);
    for block in 0..750 {
        if block == 100 {
            rig.edit_at(play("v", support::hits("v/gate", 16)), At::Position(0.55));
        }
        let (begin, end) = (block * 256, block * 256 + 256);
        rig.block_with(256, &Host::EXACT.reports(&script, begin, end));
    }
    let opens: Vec<i64> = gates(&log).iter().filter(|g| g.open).map(|g| g.sample).collect();
    let expected: Vec<i64> = (0..32).map(|k| k * 6000).filter(|&n| n >= 52_800).collect();
    assert_eq!(opens, expected);
}

#[test]
fn two_reports_for_one_sample_are_one_report() {
    // A CLAP host may give the wrap in the block's transport and again as an event at its first frame.
    let script = odd_loop();
    let (mut rig, log) = probed(RATE);
    rig.edit(play("v", support::hits("v/gate", 16)));
    let mut begin = 0;
    for run in &script.runs {
        for frames in split(run.end - run.start, 400) {
            let at = |transport| TransportAt { offset: 0, transport };
            let now = Host::EXACT.tells(&script, begin);
            let mut stale = now;
            stale.beats = now.beats.map(|b| b + 0.4);
            rig.block_with(frames as usize, &[at(stale), at(now)]);
            begin += frames;
        }
    }
    assert_eq!(gates(&log), script.gates_of(16, 4.0));
}
