//! The engine as a host and a client see it: edits in, samples out.

mod support;

use krach_core::engine::*;
use support::*;

#[test]
fn four_hits_per_cycle_sound_on_their_samples() {
    let mut rig = Rig::new();
    rig.edit(Edit::LoadGraph(voice("kick", 997.0)));
    // A square is never zero, so that the first sample of a hit can be told from silence.
    rig.edit(Edit::SetControl { label: "kick/waveform".into(), value: 2.0 });
    rig.edit(play("kick", hits("kick/gate", 4)));
    let [left, right] = rig.render(192_000, &[256]);
    assert_eq!(onsets(&left), (0..8).map(|k| k * 24_000).collect::<Vec<_>>());
    assert_eq!(left, right);
}

#[test]
fn any_block_partition_gives_the_same_samples_to_the_bit() {
    let render = |blocks: &[usize]| {
        let mut rig = Rig::new();
        rig.bpm = 137.0;
        rig.edit(Edit::LoadGraph(voice("kick", 997.0)));
        rig.edit(play("kick", hits("kick/gate", 7)));
        rig.edit(Edit::SetAutomation {
            id: "a".into(),
            label: "kick/freq".into(),
            shape: krach_core::automation::ShapeSpec::Sine,
            lo: 300.0,
            hi: 900.0,
            period: Period::Secs(0.7),
            one_shot: false,
        });
        rig.edit_at(play("kick", hits("kick/gate", 5)), At::Position(0.61));
        let mut next = voice("kick", 555.0);
        next.nodes.push(node("b", "oscillator", &[("waveform", 1.0), ("amp", 0.1)]));
        next.connections.push(wire("b", "out"));
        rig.edit_at(Edit::LoadGraph(next), At::Position(0.8));
        rig.edit_at(Edit::SetMasterGain(0.5), At::Position(1.111));
        rig.render(200_000, blocks)
    };
    let reference = render(&[256]);
    for blocks in [&[1usize][..], &[17], &[64], &[333], &[2048], &[5, 1000, 2, 77, 1, 512]] {
        let other = render(blocks);
        for side in 0..2 {
            let differs = (0..reference[side].len())
                .find(|&i| reference[side][i].to_bits() != other[side][i].to_bits());
            assert_eq!(differs, None, "blocks {blocks:?}");
        }
    }
}

#[test]
fn an_edit_that_waits_is_done_when_its_position_has_passed() {
    let mut rig = Rig::new();
    rig.edit(Edit::LoadGraph(voice("kick", 997.0)));
    let receipt = rig.edit_at(play("kick", hits("kick/gate", 1)), At::Position(0.25));
    assert_eq!(receipt.position, Some(0.25));
    rig.render(23_900, &[256]);
    assert!(!rig.engine.is_done(receipt));
    rig.render(24_000 + 256, &[256]);
    assert!(rig.engine.is_done(receipt));
}
