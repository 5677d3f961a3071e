//! The engine as a host and a client see it: edits in, samples out.

mod support;

use krach_core::engine::*;
use krach_core::processor::{HostParam, ParamEvent};
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

fn fader(offset: u32, value: f32) -> ParamEvent {
    ParamEvent { offset, param: HostParam::Master, value }
}

/// A sine into the master.
fn tone() -> RawGraph {
    graph(vec![node("osc", "oscillator", &[]), node("out", "dac", &[])], &[("osc", "out")])
}

#[test]
fn nothing_comes_after_the_limiter_neither_the_hosts_fader_nor_an_engine_that_leaves() {
    let mut rig = Rig::new();
    rig.edit(Edit::LoadGraph(tone()));
    rig.edit(Edit::SetMasterGain(1.9));
    let quiet = rig.render(9_600, &[333]);
    let peak = |sides: &[Vec<f32>; 2]| sides.iter().flatten().fold(0.0_f32, |peak, x| peak.max(x.abs()));
    assert!((1.8..=1.9).contains(&peak(&quiet)), "{}", peak(&quiet));
    // +12 dB, the most that the host's parameter has.
    rig.params.push(fader(100, 3.98));
    let mut sides = rig.render(9_600, &[333]);
    assert_eq!(peak(&sides), 2.0);
    let session = rig.engine.save();
    rig.engine.load(&session).unwrap();
    sides = rig.render(4_800, &[333]);
    assert_eq!(peak(&sides), 2.0, "while two engines sound");
}

#[test]
fn the_hosts_fader_and_panic_act_on_their_frames_in_every_partition() {
    let changes = [
        (1_000, HostParam::Master, 0.5_f32),
        (1_200, HostParam::Master, 4.0),
        (20_011, HostParam::Panic, 1.0),
        (30_000, HostParam::Panic, 0.0),
        (40_960, HostParam::Master, 0.0),
    ];
    let render = |blocks: &[usize]| {
        let mut rig = Rig::new();
        rig.edit(Edit::LoadGraph(voice("kick", 997.0)));
        rig.edit(Edit::SetControl { label: "kick/waveform".into(), value: 2.0 });
        rig.edit(play("kick", hits("kick/gate", 2)));
        let mut out = [Vec::new(), Vec::new()];
        for n in blocks.iter().cycle() {
            let begin = rig.rendered;
            if begin >= 60_000 {
                break;
            }
            let within = changes.iter().filter(|(at, ..)| (begin..begin + *n as i64).contains(at));
            let event = |&(at, param, value): &(i64, HostParam, f32)| ParamEvent {
                offset: (at - begin) as u32,
                param,
                value,
            };
            rig.params.extend(within.map(event));
            let sides = rig.block(*n);
            out.iter_mut().zip(sides).for_each(|(whole, part)| whole.extend(part));
        }
        out.map(|side| side[..60_000].to_vec())
    };
    let [left, right] = render(&[480]);
    assert!(left[20_000..20_011].iter().all(|x| *x != 0.0), "the gate is open up to the frame of the panic");
    assert!(left[21_000..40_000].iter().all(|x| *x == 0.0), "and shut from there on");
    for blocks in [&[1_usize][..], &[64], &[1_009], &[2_048], &[7, 2_000, 1]] {
        let other = render(blocks);
        assert_eq!(first_difference(&left, &other[0]), None, "blocks {blocks:?}");
        assert_eq!(first_difference(&right, &other[1]), None, "blocks {blocks:?}");
    }
}
