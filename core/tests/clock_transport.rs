//! Starts, stops, jumps: gates never stick, continuous controls are chased, time is exact anywhere.

mod clock_support;

use clock_support::probe::{FREQ, gates, held};
use clock_support::support::play;
use clock_support::*;
use krach_patterns::builders;

const RATE: f64 = 48_000.0;

#[test]
fn jumps_both_ways_close_the_gates_and_go_on_exactly() {
    let script = Script::at(RATE, 0.0, 137.0)
        .play(50_123)
        .jump(33.3)
        .play(40_001)
        .jump(1.25)
        .play(30_000)
        .jump(8.0)
        .play(40_000);
    for position in [Tells::Beats, Tells::BeatsAndSamples, Tells::FixedPoint, Tells::BeatsOnly] {
        for blocks in PARTITIONS {
            assert_exact(&script, Host::new(position), 16, blocks);
        }
    }
}

#[test]
fn a_stop_in_the_middle_of_a_hit_closes_its_gate_on_that_sample() {
    let script = Script::at(RATE, 0.0, 120.0).play(1_000).stop(5_000).jump(1000.0 / 24_000.0).play(40_000);
    for blocks in PARTITIONS {
        let (log, left) = render(&script, Host::EXACT, 4, blocks);
        let found = gates(&log);
        assert_eq!(found[..2], [Gate { sample: 0, open: true }, Gate { sample: 1000, open: false }]);
        assert!(left[1000..6000].iter().all(|x| *x == 0.0));
        assert_exact(&script, Host::EXACT, 4, blocks);
    }
}

#[test]
fn stop_and_start_elsewhere_and_start_where_it_stopped() {
    // whole samples, so that a host that counts samples can say them
    let script = Script::at(RATE, 97.0 / 30.0, 97.0)
        .stop(3_000)
        .play(60_000)
        .stop(777)
        .jump(97.0)
        .play(60_000)
        .stop(1)
        .play(60_000);
    for blocks in PARTITIONS {
        assert_exact(&script, Host::EXACT, 16, blocks);
        assert_exact(&script, Host::new(Tells::Samples), 16, blocks);
    }
}

#[test]
fn negative_positions_count_up_to_zero() {
    let script = Script::at(RATE, -7.3, 137.0).play(300_000);
    for position in [Tells::Beats, Tells::FixedPoint, Tells::Seconds, Tells::Samples] {
        // samples are whole: where a start lies between two, they say it no better
        let script = if position == Tells::Samples {
            Script::at(RATE, -8.0 * 137.0 / 60.0, 137.0).play(300_000)
        } else {
            script.clone()
        };
        for blocks in PARTITIONS {
            assert_exact(&script, Host::new(position), 16, blocks);
        }
    }
}

#[test]
fn two_hours_in_at_any_sample_rate() {
    for rate in [44_100.0, 48_000.0, 96_000.0] {
        for bpm in [120.0, 137.0, 174.5, 61.803] {
            let script = Script::at(rate, 7200.0 * bpm / 60.0, bpm).play(200_000);
            for position in [Tells::Beats, Tells::BeatsAndSamples, Tells::FixedPoint] {
                assert_exact(&script, Host::new(position), 16, &[512]);
                assert_exact(&script, Host::new(position), 7, &[1000, 3]);
            }
        }
    }
}

#[test]
fn a_jump_into_a_bass_line_has_its_frequency_and_no_gate() {
    let line = builders::cat(vec![
        builders::control("v/freq", 110.0),
        builders::control("v/freq", 220.0),
        builders::control("v/freq", 330.0),
        builders::control("v/freq", 440.0),
    ])
    .over(4.0);
    let gate = support::hits("v/gate", 4);
    let edits = [play("bass", line), play("gate", gate)];
    // one cycle each; into the middle of the second, back into the fourth, then start at bar three
    let script = Script::at(RATE, 0.0, 120.0)
        .play(10_000)
        .jump(5.1)
        .play(10_000)
        .jump(15.1)
        .play(10_000)
        .stop(1_000)
        .jump(8.5)
        .play(10_000);
    for blocks in PARTITIONS {
        let (log, _) = render_with(&script, Host::EXACT, &edits, blocks);
        assert_eq!(held(&log, FREQ, 0), Some(110.0));
        assert_eq!(held(&log, FREQ, 9_999), Some(110.0));
        assert_eq!(held(&log, FREQ, 10_000), Some(220.0));
        assert_eq!(held(&log, FREQ, 20_000), Some(440.0));
        assert_eq!(held(&log, FREQ, 31_000), Some(330.0));
        assert!(gates(&log).iter().all(|g| !(g.open && [10_000, 20_000, 31_000].contains(&g.sample))));
        assert_eq!(gates(&log), script.gates_of(4, 4.0));
    }
}

#[test]
fn what_was_said_less_than_four_cycles_ago_is_chased() {
    let slow = builders::cat(vec![
        builders::control("v/freq", 110.0),
        builders::rest(),
        builders::rest(),
        builders::rest(),
        builders::control("v/freq", 880.0),
    ])
    .over(5.0);
    let script = Script::at(RATE, 0.0, 120.0).play(5_000).jump(15.9).play(5_000).jump(39.0).play(5_000);
    let (log, _) = render_with(&script, Host::EXACT, &[play("bass", slow)], &[256]);
    assert_eq!(held(&log, FREQ, 5_000), Some(110.0), "3.98 cycles after its onset");
    assert_eq!(held(&log, FREQ, 10_000), Some(880.0), "in the last step of the second round");
}

#[test]
fn random_patterns_are_the_same_after_a_jump_back() {
    let thin = support::hits("v/gate", 16).thin(0.5, 3);
    let script = Script::at(RATE, 4.0, 120.0).play(96_000).jump(4.0).play(96_000);
    let (log, _) = render_with(&script, Host::EXACT, &[play("v", thin)], &[333]);
    let opens: Vec<i64> = gates(&log).iter().filter(|g| g.open).map(|g| g.sample).collect();
    let first: Vec<i64> = opens.iter().copied().filter(|&n| n < 96_000).collect();
    let second: Vec<i64> = opens.iter().filter(|&&n| n >= 96_000).map(|n| n - 96_000).collect();
    assert!(first.len() > 2 && first.len() < 15);
    assert_eq!(first, second);
}
