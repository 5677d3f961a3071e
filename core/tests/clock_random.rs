//! Transports that nobody would think of: every gate where it belongs, none left open.

mod clock_support;

use clock_support::probe::gates;
use clock_support::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Play(i64),
    Stop(i64),
    Jump(f64),
    Tempo(f64),
    Ramp(i64, f64),
    Loop(f64, f64),
    LoopOff,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1i64..20_000).prop_map(Step::Play),
        1 => (1i64..3_000).prop_map(Step::Stop),
        2 => prop_oneof![-10.0..100.0, (-8i32..64).prop_map(|b| f64::from(b) / 2.0)].prop_map(Step::Jump),
        1 => (40.0..300.0f64).prop_map(Step::Tempo),
        1 => (2_000i64..20_000, 40.0..300.0f64).prop_map(|(n, bpm)| Step::Ramp(n, bpm)),
        2 => (-4i32..16, prop_oneof![0.005..3.0, (1i32..16).prop_map(|b| f64::from(b) / 4.0)])
            .prop_map(|(a, l)| Step::Loop(f64::from(a) / 2.0, l)),
        1 => Just(Step::LoopOff),
    ]
}

fn script(rate: f64, begin: f64, bpm: f64, steps: &[Step]) -> Script {
    let mut script = Script::at(rate, begin, bpm);
    for step in steps {
        script = match *step {
            Step::Play(n) => script.play(n),
            Step::Stop(n) => script.stop(n),
            Step::Jump(beats) => script.jump(beats),
            Step::Tempo(bpm) => script.tempo(bpm),
            Step::Ramp(n, bpm) => script.ramp_to(bpm, n),
            Step::Loop(a, l) => script.looping(Some((a, a + l))),
            Step::LoopOff => script.looping(None),
        };
    }
    script.play(3_000).stop(5_000)
}

fn anything() -> impl Strategy<Value = (Script, Vec<i64>)> {
    let rate = prop::sample::select(vec![44_100.0, 48_000.0, 96_000.0]);
    let begin = prop_oneof![Just(0.0), -8.0..8.0, 16_000.0..17_000.0];
    let blocks = prop::collection::vec(prop_oneof![1i64..40, 1i64..2049], 1..8);
    (rate, begin, 40.0..300.0f64, prop::collection::vec(step(), 1..12), blocks)
        .prop_map(|(rate, begin, bpm, steps, blocks)| (script(rate, begin, bpm, &steps), blocks))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// A host that says everything at its sample gets everything at its sample.
    #[test]
    fn told_everything_every_gate_is_on_its_sample((script, blocks) in anything(), wraps: bool) {
        let host = Host { announce_wraps: wraps, ..Host::EXACT };
        let found = gates(&render(&script, host, 16, &blocks).0);
        // A position on 1/2^31 beat might be a rounded one: an onset that close after a sample is on it.
        let (least, most) = (script.gates_of(16, 4.0), script.gates_within(1e-4, 16, 4.0));
        prop_assert_eq!(found.len(), least.len());
        for (i, f) in found.iter().enumerate() {
            prop_assert!(*f == least[i] || *f == most[i], "{f:?}, should {:?}", least[i]);
        }
    }

    /// The same in CLAP's fixed point: an onset within the rounding of a sample may fall on either side.
    #[test]
    fn fixed_point_is_no_worse((script, blocks) in anything()) {
        let found = gates(&render(&script, Host::new(Tells::FixedPoint), 16, &blocks).0);
        let expected = script.gates_of(16, 4.0);
        prop_assert_eq!(found.len(), expected.len());
        for (f, e) in found.iter().zip(&expected) {
            prop_assert!(f.open == e.open && (f.sample - e.sample).abs() <= 1, "{f:?} {e:?}");
        }
    }

    /// A host that says nothing between blocks: stops and jumps are heard late, but no gate stays
    /// open, and where time goes on nothing is lost or played twice.
    #[test]
    fn told_only_at_blocks_nothing_sticks_and_nothing_repeats((script, blocks) in anything()) {
        let host = Host { announce_changes: false, ..Host::EXACT };
        let found = gates(&render(&script, host, 16, &blocks).0);
        prop_assert!(!found.last().is_some_and(|g| g.open));
        // What is far from stops, jumps, wraps and tempo changes. After those the host's block may
        // have been played ahead at up to 300 / 40 times its tempo.
        let most = *blocks.iter().max().unwrap();
        let expected = script.gates_of(16, 4.0);
        let cuts: Vec<i64> = script.runs.iter().map(|r| r.start).chain([script.frames()]).collect();
        let settled = |g: &&Gate| cuts.iter().all(|&c| g.sample < c - most - 1 || g.sample > c + 9 * most + 1);
        let opens = |gates: &[Gate]| -> Vec<i64> {
            gates.iter().filter(|g| g.open).filter(settled).map(|g| g.sample).collect()
        };
        let (found, expected) = (opens(&found), opens(&expected));
        prop_assert!(
            found.len() == expected.len() && found.iter().zip(&expected).all(|(f, e)| (f - e).abs() <= 1),
            "{found:?}\n{expected:?}"
        );
    }
}
