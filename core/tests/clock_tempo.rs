//! Tempo: steps, ramps, and hosts that say little of either.

mod clock_support;

use clock_support::probe::gates;
use clock_support::*;

const RATE: f64 = 48_000.0;

fn steps() -> Script {
    Script::at(RATE, 0.0, 120.0)
        .play(33_333)
        .tempo(60.0)
        .play(41_001)
        .tempo(250.5)
        .play(60_000)
        .tempo(137.0)
        .play(60_000)
}

/// Counts how often each of the hits that a stretch without jumps must have sounds.
#[track_caller]
fn each_once(found: &[Gate], expected: &[Gate], most: i64) {
    let opens = |gates: &[Gate]| gates.iter().filter(|g| g.open).map(|g| g.sample).collect::<Vec<_>>();
    let (found, expected) = (opens(found), opens(expected));
    assert_eq!(found.len(), expected.len(), "{found:?}\n{expected:?}");
    for (f, e) in found.iter().zip(&expected) {
        assert!((f - e).abs() <= most, "{f} for {e}");
    }
}

#[test]
fn a_tempo_step_announced_at_its_sample_is_exact() {
    for blocks in PARTITIONS {
        for position in [Tells::Beats, Tells::BeatsAndSamples, Tells::FixedPoint, Tells::Seconds, Tells::None]
        {
            assert_exact(&steps(), Host::new(position), 16, blocks);
        }
    }
}

#[test]
fn a_tempo_step_inside_a_block_that_only_the_next_block_tells_loses_and_repeats_nothing() {
    for position in [Tells::Beats, Tells::BeatsAndSamples, Tells::FixedPoint, Tells::BeatsOnly] {
        let host = Host { announce_changes: false, ..Host::new(position) };
        for size in [64, 333, 2048] {
            let found = gates(&render(&steps(), host, 16, &[size]).0);
            let expected = steps().gates_of(16, 4.0);
            each_once(&found, &expected, size);
            // from the second block after a step all is exact again
            let settled = |g: &&Gate| {
                [33_333, 74_334, 134_334].iter().all(|&step| g.sample < step || g.sample > step + 2 * size)
            };
            let keep = |gates: &[Gate]| gates.iter().filter(settled).copied().collect::<Vec<_>>();
            assert_eq!(keep(&found), keep(&expected), "{position:?} {size}");
        }
    }
}

#[test]
fn a_jump_together_with_a_tempo_step_is_a_jump() {
    // Forwards by so little that the new tempo alone could have come there within the block.
    let script = Script::at(RATE, 0.74, 40.0).play(2_000).jump(0.867).tempo(239.0).play(40_000);
    for told in [Tells::Beats, Tells::BeatsAndSamples, Tells::FixedPoint] {
        assert_jump(&script, told);
    }
}

#[track_caller]
fn assert_jump(script: &Script, told: Tells) {
    let found = gates(&render(script, Host::new(told), 16, &[2_040]).0);
    let expected = script.gates_of(16, 4.0);
    assert!(expected.contains(&Gate { sample: 2_000, open: false }));
    near_all(&found, &expected);
}

#[track_caller]
fn near_all(found: &[Gate], expected: &[Gate]) {
    assert_eq!(found.len(), expected.len(), "{found:?}\n{expected:?}");
    assert!(found.iter().zip(expected).all(|(f, e)| f.open == e.open && (f.sample - e.sample).abs() <= 1));
}

#[test]
fn a_ramp_with_its_increment_is_exact_over_many_blocks() {
    let inc = 60.0 / 200_000.0;
    let script = Script::at(RATE, 1.0, 120.0)
        .play(10_001)
        .ramp(200_000, inc)
        .play(20_000)
        .ramp(150_000, -inc)
        .play(9_000);
    for blocks in PARTITIONS {
        for position in [Tells::Beats, Tells::BeatsAndSamples, Tells::FixedPoint] {
            assert_exact(&script, Host::new(position), 16, blocks);
        }
    }
}

#[test]
fn a_ramp_that_the_host_gives_as_steps_stays_within_the_blocks_own_error() {
    // 120 to 180 bpm in 4 s: in a block of n samples the tempo told is wrong by up to inc·n, the
    // position at its end by inc·n²/2 beats·samples per minute.
    let inc = 60.0 / 192_000.0;
    let script =
        Script::at(RATE, 0.0, 120.0).ramp(192_000, inc).play(48_000).ramp(192_000, -inc).play(48_000);
    for (size, most) in [(17, 1), (64, 1), (333, 1), (1024, 3), (2048, 8)] {
        for position in [Tells::Beats, Tells::BeatsAndSamples] {
            let host = Host { tell_inc: false, ..Host::new(position) };
            let found = gates(&render(&script, host, 16, &[size]).0);
            each_once(&found, &script.gates_of(16, 4.0), most);
        }
    }
}

#[test]
fn a_ramp_through_a_loop_wraps_where_the_integral_reaches_the_end() {
    let inc = 60.0 / 200_000.0;
    let script = Script::at(RATE, 0.0, 100.0).looping(Some((1.0, 3.0))).ramp(200_000, inc).play(60_000);
    for blocks in PARTITIONS {
        assert_exact(&script, Host::EXACT, 16, blocks);
    }
}

#[test]
fn a_tempo_that_would_fall_to_nothing_within_a_block_does_no_harm() {
    let script = Script::at(RATE, 0.0, 120.0).play(48_000);
    let (mut rig, log) = probed(RATE);
    rig.edit(support::play("v", support::hits("v/gate", 16)));
    for begin in (0..48_000).step_by(480) {
        let mut reports = Host::EXACT.reports(&script, begin, begin + 480);
        reports[0].transport.tempo_inc = if begin % 960 == 0 { -1.0 } else { f64::NAN };
        rig.block_with(480, &reports);
    }
    assert_eq!(gates(&log), script.gates_of(16, 4.0));
}

#[test]
fn a_host_without_tempo_is_measured() {
    let script = Script::at(RATE, 0.0, 137.0).play(300_000);
    let host = Host { tempo: false, ..Host::new(Tells::BeatsOnly) };
    for size in [64, 333, 2048] {
        let found = gates(&render(&script, host, 16, &[size]).0);
        let expected = script.gates_of(16, 4.0);
        each_once(&found, &expected, size);
        let later =
            |gates: &[Gate]| gates.iter().filter(|g| g.sample > 2 * size).copied().collect::<Vec<_>>();
        assert_eq!(later(&found), later(&expected), "blocks of {size}");
    }
}

#[test]
fn a_host_without_tempo_that_loops_and_changes_tempo_is_followed() {
    let script =
        Script::at(RATE, 0.0, 137.0).looping(Some((0.0, 4.0))).play(200_000).tempo(90.0).play(200_000);
    let host = Host { tempo: false, ..Host::new(Tells::BeatsOnly) };
    for size in [64, 333] {
        let found = gates(&render(&script, host, 16, &[size]).0);
        each_once(&found, &script.gates_of(16, 4.0), size);
    }
}
