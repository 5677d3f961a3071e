//! Continuous controls of patterns: functions of the position, not steps.

mod support;

use krach_core::engine::*;
use krach_patterns::Pattern;
use support::*;

fn shape(kind: &str, label: &str, lo: f64, hi: f64) -> Pattern {
    let json = serde_json::json!({"op": "Shape", "kind": kind, "lo": lo, "hi": hi, "label": label});
    Pattern::from_json(&json).unwrap()
}

/// A square wave that never crosses zero within the test: `gain` can be read off the samples.
fn rig() -> Rig {
    let mut rig = Rig::new();
    rig.edit(Edit::LoadGraph(voice("dc", 0.01)));
    rig.edit(Edit::SetControl { label: "dc/waveform".into(), value: 2.0 });
    rig
}

#[test]
fn a_ramp_over_one_cycle_is_a_straight_line_in_the_sound() {
    let mut rig = rig();
    rig.edit(play("dc", shape("ramp", "dc_g/gain", 0.0, 1.0)));
    let [left, _] = rig.render(96_000, &[256]);
    let level = left[20_000] / (20_000.0 / 96_000.0);
    for at in (1_000..95_000).step_by(977) {
        let expected = level * at as f32 / 96_000.0;
        assert!((left[at] - expected).abs() < 2e-4 * level, "{at}: {} for {expected}", left[at]);
    }
}

#[test]
fn shapes_sound_the_same_in_any_blocks_through_tempo_and_loops() {
    let render = |blocks: &[usize]| {
        let mut rig = rig();
        rig.bpm = 171.3;
        let fast = Pattern::from_json(&serde_json::json!({"op": "Fast", "factor": [7, 3],
            "child": {"op": "Shape", "kind": "rand", "lo": 0.1, "hi": 0.9, "label": "dc_g/gain", "seed": 5}}))
        .unwrap();
        rig.edit(play("dc", fast));
        rig.edit_at(play("dc", shape("sine", "dc_g/gain", 0.2, 0.6)), At::Position(0.8));
        rig.edit_at(Edit::Hush { slot: "dc".into() }, At::Position(1.9));
        rig.render(140_000, blocks)
    };
    let reference = render(&[256]);
    assert!(reference[0].iter().any(|x| *x != 0.0));
    for blocks in [&[1usize][..], &[17], &[64], &[2048], &[5, 1000, 2, 77]] {
        let other = render(blocks);
        assert!(
            other
                .iter()
                .zip(&reference)
                .all(|(a, b)| a.iter().zip(b).all(|(x, y)| x.to_bits() == y.to_bits())),
            "{blocks:?}"
        );
    }
}
