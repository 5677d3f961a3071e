//! The host's block size is no sound: to the bit, under everything a transport can do.

mod clock_support;

use clock_support::support::{hits, play};
use clock_support::*;
use krach_core::automation::ShapeSpec;
use krach_core::engine::*;

fn edits() -> Vec<Edit> {
    vec![
        play("v", hits("v/gate", 13)),
        Edit::SetAutomation {
            id: "a".into(),
            label: "v/freq".into(),
            shape: ShapeSpec::Sine,
            lo: 300.0,
            hi: 900.0,
            period: Period::Secs(0.37),
            one_shot: false,
        },
    ]
}

fn scripts(rate: f64) -> Vec<(&'static str, Script)> {
    let inc = 50.0 / 90_000.0;
    vec![
        ("plain", Script::at(rate, 0.0, 137.0).play(60_000)),
        ("two hours in", Script::at(rate, 16_440.3, 137.0).play(60_000)),
        ("preroll", Script::at(rate, -2.1, 91.0).play(90_000)),
        ("jumps", Script::at(rate, 0.7, 137.0).play(20_011).jump(50.0).play(30_000).jump(3.0).play(20_000)),
        ("stops", Script::at(rate, 0.7, 137.0).stop(500).play(20_011).stop(3_001).play(30_000).stop(10_000)),
        (
            "steps",
            Script::at(rate, 0.7, 137.0).play(20_011).tempo(77.7).play(30_000).tempo(180.0).play(20_000),
        ),
        ("ramps", Script::at(rate, 0.7, 100.0).play(9_011).ramp(90_000, inc).ramp(50_000, -inc).play(5_000)),
        ("loop", Script::at(rate, 0.7, 137.0).looping(Some((0.5, 1.9))).play(120_000)),
        ("tiny loop", Script::at(rate, 0.61, 137.0).looping(Some((0.61, 0.621))).play(20_000)),
        (
            "loop in a ramp",
            Script::at(rate, 0.7, 100.0).looping(Some((0.5, 1.9))).ramp(90_000, inc).play(40_000),
        ),
    ]
}

#[test]
fn any_partition_is_the_same_to_the_bit_under_every_script() {
    for rate in [44_100.0, 48_000.0, 96_000.0] {
        for (name, script) in scripts(rate) {
            for told in [Tells::Beats, Tells::BeatsAndSamples] {
                // a host whose samples are whole can only say whole samples
                if told == Tells::BeatsAndSamples && !["plain", "steps", "ramps"].contains(&name) {
                    continue;
                }
                let reference = render_with(&script, Host::new(told), &edits(), &[512]).1;
                assert!(reference.iter().any(|x| *x != 0.0), "{name}");
                for blocks in [&[1][..], &[17], &[64], &[333], &[2048], &[5, 1000, 2, 77, 1, 512]] {
                    let other = render_with(&script, Host::new(told), &edits(), blocks).1;
                    let differs =
                        (0..reference.len()).find(|&i| reference[i].to_bits() != other[i].to_bits());
                    assert_eq!(differs, None, "{name} at {rate}, {told:?}, blocks {blocks:?}");
                }
            }
        }
    }
}

#[test]
fn announced_or_foreseen_a_wrap_sounds_the_same() {
    let script = Script::at(48_000.0, 0.7, 137.0).looping(Some((0.5, 1.9))).play(120_000);
    let foreseen = render_with(&script, Host::EXACT, &edits(), &[512]).1;
    let announced = Host { announce_wraps: true, ..Host::EXACT };
    for blocks in PARTITIONS {
        assert_eq!(render_with(&script, announced, &edits(), blocks).1, foreseen);
    }
}

/// A node is told where each of its frames is: as the script has it, through everything a transport does, and to the bit in
/// every partition.
#[test]
fn a_node_knows_the_position_of_each_of_its_frames() {
    for rate in [44_100.0, 48_000.0] {
        for (name, script) in scripts(rate) {
            for announce_wraps in [false, true] {
                let host = Host { announce_wraps, ..Host::EXACT };
                let reference = positions(&script, host, &[512]);
                assert_eq!(reference.len() as i64, script.frames(), "{name}");
                for (sample, &(beats, running)) in (0..).zip(&reference) {
                    let run = script.run_at(sample);
                    assert_eq!(running, run.playing, "{name} at {sample}");
                    let should = run.beats_at(sample);
                    assert!((beats - should).abs() < 1e-8, "{name} at {sample}: {beats}, should {should}");
                }
                let bits =
                    |all: &[(f64, bool)]| all.iter().map(|(beats, _)| beats.to_bits()).collect::<Vec<_>>();
                for blocks in PARTITIONS {
                    let other = positions(&script, host, blocks);
                    assert!(bits(&other) == bits(&reference), "{name} in blocks of {blocks:?}");
                }
            }
        }
    }
}
