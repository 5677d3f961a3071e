//! What hosts really give: rounded beats, seconds, samples, no tempo, nothing at all.

mod clock_support;

use clock_support::probe::gates;
use clock_support::support::{RATE as SUPPORT_RATE, hits, play};
use clock_support::*;
use krach_core::clock::{HostTransport, TransportAt};
use krach_core::engine::*;
use krach_core::model::{ClockSource, Setting};

const RATE: f64 = SUPPORT_RATE;
/// What Ardour says when it plays at 137.
const ARDOUR: f64 = 137.000_000_137_530_72 / 137.0;

#[track_caller]
fn near(found: &[Gate], expected: &[Gate], most: i64) {
    assert_eq!(found.len(), expected.len());
    for (f, e) in found.iter().zip(expected) {
        assert!(f.open == e.open && (f.sample - e.sample).abs() <= most, "{f:?} for {e:?}");
    }
}

#[test]
fn beats_in_steps_of_1_1920_and_a_slightly_wrong_tempo_are_steady_from_zero() {
    let script = Script::at(RATE, 0.0, 137.0).play(1_500_000);
    for position in [Tells::Coarse, Tells::CoarseBeatsOnly] {
        let host = Host { tempo_error: ARDOUR, ..Host::new(position) };
        for blocks in [&[64][..], &[1024], &[60, 1024, 333]] {
            // An onset that falls exactly on a sample may come one early: by the host's tempo it does.
            near(&gates(&render(&script, host, 16, blocks).0), &script.gates_of(16, 4.0), 1);
        }
    }
}

#[test]
fn samples_say_what_rounded_beats_do_not_after_jumps_and_in_loops() {
    let script = Script::at(RATE, -3.0, 137.0)
        .looping(Some((2.0, 6.0)))
        .play(400_000)
        .looping(None)
        .jump(17.123_2)
        .play(200_000);
    let host = Host { tempo_error: ARDOUR, ..Host::new(Tells::Coarse) };
    let edges: Vec<i64> = script
        .runs
        .iter()
        .flat_map(|r| {
            let whole = (r.end - r.start) / 512;
            std::iter::repeat_n(512, whole as usize).chain([(r.end - r.start) % 512])
        })
        .filter(|&n| n > 0)
        .collect();
    near(&gates(&render(&script, host, 16, &edges).0), &script.gates_of(16, 4.0), 1);
    near(&gates(&render(&script, host, 16, &[333]).0), &script.gates_of(16, 4.0), 1);
}

#[test]
fn rounded_beats_alone_lose_and_repeat_nothing_in_loops() {
    let script = Script::at(RATE, 0.0, 137.0).looping(Some((2.0, 6.0))).play(500_000);
    let host = Host { tempo_error: ARDOUR, ..Host::new(Tells::CoarseBeatsOnly) };
    let step = (RATE * 60.0 / 137.0 / 1920.0).ceil() as i64;
    for blocks in PARTITIONS {
        near(&gates(&render(&script, host, 16, blocks).0), &script.gates_of(16, 4.0), step + 1);
    }
}

#[test]
fn fixed_point_positions_never_move_an_onset() {
    // Starts on musical positions, onsets on musical positions, any tempo: many fall exactly on samples.
    for bpm in [60.0, 90.0, 100.0, 120.0, 125.0, 128.0, 137.0, 140.0, 150.0, 174.0, 180.0, 240.0] {
        for start in [0.0, 1.0 / 3.0, 7.0 + 1.0 / 960.0, 1234.2, 16_439.999_479_166_666] {
            for rate in [44_100.0, 48_000.0, 96_000.0] {
                let script = Script::at(rate, start, bpm).play(120_000);
                for hits in [16, 12] {
                    assert_exact(&script, Host::new(Tells::FixedPoint), hits, &[1024]);
                }
            }
        }
    }
}

#[test]
fn seconds_alone_and_samples_alone_follow_jumps() {
    let script = Script::at(RATE, 0.0, 120.0).play(50_000).jump(32.0).play(50_000).jump(2.0).play(50_000);
    for position in [Tells::Seconds, Tells::Samples] {
        for blocks in PARTITIONS {
            assert_exact(&script, Host::new(position), 16, blocks);
        }
    }
}

#[test]
fn a_transport_that_has_a_tempo_but_no_position_counts_from_where_it_stands() {
    let script = Script::at(RATE, 0.0, 131.0).stop(500).play(80_000);
    for blocks in PARTITIONS {
        assert_exact(&script, Host::new(Tells::None), 16, blocks);
    }
}

#[test]
fn a_transport_without_tempo_and_beats_takes_ours() {
    let script = Script::at(RATE, 0.0, 120.0).play(80_000);
    for position in [Tells::Seconds, Tells::Samples, Tells::None] {
        let host = Host { tempo: false, ..Host::new(position) };
        for blocks in PARTITIONS {
            assert_exact(&script, host, 16, blocks);
        }
    }
}

#[test]
fn without_any_transport_it_idles_and_runs_free_when_told() {
    for blocks in PARTITIONS {
        let (mut rig, log) = probed(RATE);
        rig.edit(play("v", hits("v/gate", 16)));
        rig.block_with(1_000, &[]);
        assert!(gates(&log).is_empty());
        rig.edit(Edit::Setting(Setting::FreeRun(true)));
        let mut played = 0;
        for n in blocks.iter().cycle() {
            rig.block_with(*n as usize, &[]);
            played += n;
            if played > 50_000 {
                break;
            }
        }
        let opens: Vec<i64> = gates(&log).iter().filter(|g| g.open).map(|g| g.sample - 1_000).collect();
        assert_eq!(opens, (0..).map(|k| k * 6_000).take_while(|n| *n < played).collect::<Vec<_>>());
        rig.edit(Edit::Setting(Setting::FreeRun(false)));
        rig.block_with(100, &[]);
        assert!(!gates(&log).last().unwrap().open);
        let before = gates(&log).len();
        rig.block_with(2_000, &[]);
        assert_eq!(gates(&log).len(), before);
    }
}

#[test]
fn free_run_goes_on_from_where_the_host_stopped_and_back_to_the_host() {
    let script = Script::at(RATE, 0.0, 120.0).play(30_000).stop(30_000).jump(64.0).play(30_000);
    // The host's stop is a stretch of our own clock that goes on, at our own tempo of 120.
    let heard = Script::at(RATE, 0.0, 120.0).play(60_000).jump(64.0).play(30_000);
    for blocks in PARTITIONS {
        let edits = [Edit::Setting(Setting::FreeRun(true)), play("v", hits("v/gate", 16))];
        let (log, _) = render_with(&script, Host::EXACT, &edits, blocks);
        assert_eq!(gates(&log), heard.gates_of(16, 4.0), "{blocks:?}");
    }
}

#[test]
fn the_internal_source_does_not_hear_the_host_until_it_is_the_clock_again() {
    for size in [64usize, 333, 2048] {
        let (mut rig, log) = probed(RATE);
        rig.edit(Edit::Setting(Setting::Bpm(60.0)));
        rig.edit(Edit::Setting(Setting::ClockSource(ClockSource::Internal)));
        rig.edit(play("v", hits("v/gate", 16)));
        // It goes on from where the host was, cycle 10; two thirds of a cycle later the host takes
        // over, at 120 bpm and another place.
        rig.edit_at(
            Edit::Setting(Setting::ClockSource(ClockSource::External)),
            At::Position(10.0 + 2.0 / 3.0),
        );
        let host = Script::at(RATE, 40.0, 120.0).play(260_000);
        let mut at = 0i64;
        while at < 256_000 {
            rig.block_with(size, &Host::EXACT.reports(&host, at, at + size as i64));
            at += size as i64;
        }
        let opens: Vec<i64> = gates(&log).iter().filter(|g| g.open).map(|g| g.sample).collect();
        let own = (0..).map(|k| k * 12_000).take_while(|n| *n < 128_000);
        let hosts = (0..).map(|k| k * 6_000).filter(|n| *n >= 128_000).take_while(|n| *n < at);
        assert_eq!(opens, own.chain(hosts).collect::<Vec<_>>(), "blocks of {size}");
    }
}

#[test]
fn a_change_of_the_own_tempo_in_free_run_keeps_the_position() {
    let truth = Script::at(RATE, 0.0, 120.0).play(72_000).tempo(90.0).play(72_000);
    for blocks in PARTITIONS {
        let (mut rig, log) = probed(RATE);
        rig.edit(Edit::Setting(Setting::FreeRun(true)));
        rig.edit(play("v", hits("v/gate", 16)));
        rig.edit_at(Edit::Setting(Setting::Bpm(90.0)), At::Position(0.75));
        let mut at = 0;
        for n in blocks.iter().cycle() {
            let n = (*n).min(144_000 - at);
            if n == 0 {
                break;
            }
            rig.block_with(n as usize, &[]);
            at += n;
        }
        assert_eq!(gates(&log), truth.gates_of(16, 4.0));
    }
}

#[test]
fn beats_per_cycle_may_change_while_playing() {
    // From beat 6 on a cycle is three quarter notes.
    let script = Script::at(RATE, 0.0, 120.0).play(288_000);
    for size in [64, 333, 2048] {
        let (mut rig, log) = probed(RATE);
        rig.edit(play("v", hits("v/gate", 4)));
        rig.edit_at(Edit::Setting(Setting::BeatsPerCycle(3.0)), At::Position(1.5));
        let mut at = 0;
        while at < 288_000 {
            let end = (at + size).min(288_000);
            rig.block_with((end - at) as usize, &Host::EXACT.reports(&script, at, end));
            at = end;
        }
        let opens: Vec<i64> = gates(&log).iter().filter(|g| g.open).map(|g| g.sample).collect();
        let four = (0..6).map(|k| k * 24_000);
        let three = (0..8).map(|k| 144_000 + k * 18_000);
        assert_eq!(opens, four.chain(three).collect::<Vec<_>>(), "blocks of {size}");
    }
}

#[test]
fn a_time_signature_makes_the_bars_that_edits_wait_for() {
    let (mut rig, log) = probed(RATE);
    let script = Script::at(RATE, 1.0, 120.0).play(200_000);
    let block = |rig: &mut support::Rig, at: i64| {
        let mut reports = Host::EXACT.reports(&script, at, at + 250);
        reports[0].transport.time_signature = Some((3, 4));
        rig.block_with(250, &reports);
    };
    block(&mut rig, 0);
    let receipt = rig.edit_at(play("v", hits("v/gate", 4)), At::Bar);
    assert_eq!(receipt.position, Some(0.75), "the second bar of three quarters");
    for at in (250..96_000).step_by(250) {
        block(&mut rig, at);
    }
    assert_eq!(gates(&log)[0], Gate { sample: 48_000, open: true });
}

#[test]
fn a_steady_drift_is_corrected_slower_than_a_sample_per_second() {
    // The host's tempo is 137.0004 and it says 137: 0.14 samples per second.
    let script = Script::at(RATE, 0.0, 137.000_4).play(2_400_000);
    let host = Host { tempo_error: 137.0 / 137.000_4, ..Host::EXACT };
    let found = gates(&render(&script, host, 16, &[512]).0);
    near(&found, &script.gates_of(16, 4.0), 2);
    let opens: Vec<i64> = found.iter().filter(|g| g.open).map(|g| g.sample).collect();
    let step = RATE * 60.0 / 137.000_4 / 4.0;
    for pair in opens.windows(2) {
        assert!(((pair[1] - pair[0]) as f64 - step).abs() < 2.0);
    }
}

#[test]
fn numbers_that_are_none_do_no_harm() {
    let (mut rig, log) = probed(RATE);
    rig.edit(play("v", hits("v/gate", 16)));
    for bad in [f64::NAN, f64::INFINITY, -1e300, 1e300, 0.0, 1e15] {
        for which in 0..5 {
            let mut t = HostTransport {
                playing: true,
                tempo: Some(120.0),
                beats: Some(1.0),
                seconds: Some(0.5),
                samples: Some(24_000),
                loop_range: Some((0.0, 4.0)),
                time_signature: Some((0, 0)),
                ..HostTransport::default()
            };
            match which {
                0 => t.tempo = Some(bad),
                1 => t.beats = Some(bad),
                2 => t.seconds = Some(bad),
                3 => t.loop_range = Some((bad, 4.0)),
                _ => (t.samples, t.beats, t.tempo_inc) = (Some(i64::MIN), None, bad),
            }
            let [left, _] = rig.block_with(500, &[TransportAt { offset: 0, transport: t }]);
            assert!(left.iter().all(|x| x.is_finite()));
        }
    }
    let script = Script::at(RATE, 0.0, 120.0).play(30_000);
    log.lock().unwrap().clear();
    for at in (0..30_000).step_by(500) {
        rig.block_with(500, &Host::EXACT.reports(&script, at, at + 500));
    }
    let first = gates(&log).iter().find(|g| g.open).unwrap().sample;
    let opens: Vec<i64> = gates(&log).iter().filter(|g| g.open).map(|g| g.sample - first).collect();
    assert_eq!(opens, [0, 6_000, 12_000, 18_000, 24_000], "it still plays");
    assert!(rig.notices.iter().all(|n| !format!("{n:?}").contains("Panick")), "{:?}", rig.notices);
}
