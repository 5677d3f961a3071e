//! The host's parameters: each acts on its frame, in every partition, and holds until its next change.

#[path = "host_params/macros.rs"]
mod macros;
mod support;

use krach_core::clock::{HostTransport, TransportAt};
use krach_core::engine::*;
use krach_core::processor::{ParamEvent, ParamId, ParamState, master_gain};
use support::*;

/// A change at a frame since the beginning.
type Change = (i64, ParamId, f32, f32);

/// Renders at least `frames` frames beside a host that stands still, in blocks of these sizes.
fn render(rig: &mut Rig, frames: usize, blocks: &[usize], changes: &[Change]) -> [Vec<f32>; 2] {
    let still = [TransportAt {
        offset: 0,
        transport: HostTransport { beats: Some(0.0), ..HostTransport::default() },
    }];
    let mut out = [Vec::new(), Vec::new()];
    for &n in blocks.iter().cycle() {
        let begin = rig.rendered;
        if out[0].len() >= frames {
            break;
        }
        let within = changes.iter().filter(|(at, ..)| (begin..begin + n as i64).contains(at));
        rig.params.extend(within.map(|&(at, param, value, modulation)| ParamEvent {
            offset: (at - begin) as u32,
            param,
            value,
            modulation,
        }));
        let sides = rig.block_with(n, &still);
        out.iter_mut().zip(sides).for_each(|(whole, part)| whole.extend(part));
    }
    out.map(|side| side[..frames].to_vec())
}

fn kick() -> Rig {
    let mut rig = Rig::new();
    rig.edit(Edit::LoadGraph(voice("kick", 997.0)));
    rig.edit(Edit::SetControl { label: "kick/waveform".into(), value: 2.0 });
    rig.edit(play("kick", hits("kick/gate", 2)));
    rig
}

const PARTITIONS: [&[usize]; 5] = [&[1], &[64], &[1_009], &[2_048], &[7, 2_000, 1]];

#[test]
fn free_run_takes_over_and_lets_go_on_its_frame_in_every_partition() {
    let changes = [
        (5_003, ParamId::FreeRun, 1.0, 0.0),
        (20_011, ParamId::FreeRun, 0.0, 0.0),
        (25_000, ParamId::FreeRun, 0.25, 0.5),
        (25_001, ParamId::FreeRun, 1.0, -0.75),
        (31_007, ParamId::FreeRun, 0.0, 1.0),
    ];
    let [left, right] = render(&mut kick(), 50_000, &[480], &changes);
    let first = |from: usize| left[from..].iter().position(|x| *x != 0.0).map(|at| from + at);
    assert_eq!(first(0), Some(5_003), "the first onset is the frame on which time begins");
    assert_ne!(left[20_010], 0.0);
    assert!(left[21_000..25_000].iter().all(|x| *x == 0.0), "time stands, and the gate is shut");
    assert_eq!(first(21_000), Some(25_000), "by its modulation, for a frame");
    assert!(left[26_000..31_007].iter().all(|x| *x == 0.0));
    assert_eq!(first(26_000), Some(31_007));
    for blocks in PARTITIONS {
        let other = render(&mut kick(), 50_000, blocks, &changes);
        assert_eq!(first_difference(&left, &other[0]), None, "blocks {blocks:?}");
        assert_eq!(first_difference(&right, &other[1]), None, "blocks {blocks:?}");
    }
}

#[test]
fn free_run_that_comes_as_the_host_stops_goes_on_without_a_break() {
    let at = |playing: bool, beats: f64| TransportAt {
        offset: 480,
        transport: HostTransport {
            playing,
            tempo: Some(120.0),
            beats: Some(beats),
            ..HostTransport::default()
        },
    };
    let mut rig = kick();
    let start = TransportAt { offset: 0, ..at(true, 0.0) };
    rig.params.push(ParamEvent { offset: 480, param: ParamId::FreeRun, value: 1.0, modulation: 0.0 });
    let [left, _] = rig.block_with(960, &[start, at(false, 0.02)]);
    assert!(left.iter().skip(1).all(|x| *x != 0.0), "the note goes on");
    assert!(rig.engine.link().position().free_run);
}

#[test]
fn macros_without_targets_and_scenes_reach_the_engine_on_their_frames_and_move_nothing() {
    let third = ParamId::Macro(2);
    let last = ParamId::Macro(63);
    let changes = [
        (0, ParamId::FreeRun, 1.0, 0.0),
        (100, third, 0.25, 0.0),
        (700, third, 0.25, 0.5),
        (700, last, 1.0, 0.0),
        (701, third, 0.5, -0.125),
        (1_999, ParamId::Scene, 7.0 / 127.0, 0.0),
    ];
    let plain = render(&mut kick(), 4_000, &[480], &changes[..1]);
    for blocks in [&[480][..], &[1], &[2_048], &[7, 2_000, 1]] {
        let mut rig = kick();
        for until in [100, 101, 700, 701, 702, 1_999, 2_000, 4_000] {
            let begin = rig.rendered;
            let rest = (until - begin) as usize;
            let mut sizes = blocks.iter().cycle();
            let mut left = rest;
            while left > 0 {
                let n = (*sizes.next().expect("some")).min(left);
                let part = render(&mut rig, n, &[n], &changes);
                let range = (rig.rendered - n as i64) as usize..rig.rendered as usize;
                assert_eq!(part[0], plain[0][range], "blocks {blocks:?}");
                left -= n;
            }
            for param in ParamId::all() {
                let happened = changes.iter().rfind(|(at, of, ..)| *of == param && *at < until);
                let initial = if param == ParamId::Master { 0.875 } else { 0.0 };
                let (since, _, value, modulation) = *happened.unwrap_or(&(0, param, initial, 0.0));
                let state = ParamState { value, modulation, since };
                assert_eq!(rig.processor.param(param), state, "{param:?} before {until}, blocks {blocks:?}");
            }
        }
    }
}

#[test]
fn parameters_stand_where_they_stood_after_a_load_and_a_rebuild() {
    probes::hush_probes();
    let nodes = vec![node("out", "dac", &[]), node("p", "panicky", &[])];
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::LoadGraph(graph(nodes, &[("p", "out")])));
    let changes = [
        (10, ParamId::Master, 0.0, 0.0),
        (20, ParamId::Macro(5), 0.75, 0.125),
        (30, ParamId::FreeRun, 1.0, 0.0),
        // While the engine is silent after the panic below.
        (6_100, ParamId::Master, 0.5, 0.0),
        (6_200, ParamId::Macro(5), 0.25, 0.0),
    ];
    let stand = |rig: &Rig| {
        [ParamId::Master, ParamId::Macro(5), ParamId::FreeRun].map(|param| {
            let ParamState { value, modulation, .. } = rig.processor.param(param);
            (value, modulation)
        })
    };
    render(&mut rig, 3_000, &[500], &changes);
    assert_eq!(stand(&rig), [(0.0, 0.0), (0.75, 0.125), (1.0, 0.0)]);
    let session = rig.engine.save();
    rig.engine.load(&session).expect("it was just saved");
    let [left, _] = render(&mut rig, 3_000, &[500], &changes);
    assert_eq!(stand(&rig), [(0.0, 0.0), (0.75, 0.125), (1.0, 0.0)]);
    assert!(left.iter().all(|x| *x == 0.0), "the fader stays at the bottom");
    assert!(rig.engine.link().position().free_run);
    rig.edit(Edit::SetControl { label: "p/when".into(), value: 1.0 });
    render(&mut rig, 500, &[500], &changes);
    assert!(rig.notices.iter().any(|notice| matches!(notice, Notice::Panicked { .. })));
    assert_eq!(stand(&rig), [(0.5, 0.0), (0.25, 0.0), (1.0, 0.0)]);
    rig.edit(Edit::SetControl { label: "p/when".into(), value: 0.0 });
    rig.edit(Edit::Rebuild);
    let [left, _] = render(&mut rig, 3_000, &[500], &changes);
    assert_eq!(stand(&rig), [(0.5, 0.0), (0.25, 0.0), (1.0, 0.0)]);
    assert_eq!(left[2_999], 0.125 * master_gain(0.5));
    assert!(rig.engine.link().position().free_run);
}
