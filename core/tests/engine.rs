//! The engine as a host and a client see it: edits in, samples out.

mod support;
use krach_core::model::Setting;

use krach_core::engine::*;
use krach_core::processor::{ParamEvent, ParamId};
use krach_patterns::{OscArg, Pattern, Value, builders};
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
        rig.edit_at(Edit::Setting(Setting::Master(0.5)), At::Position(1.111));
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
    ParamEvent { offset, param: ParamId::Master, value, modulation: 0.0 }
}

/// A sine into the master.
fn tone() -> RawGraph {
    graph(vec![node("osc", "oscillator", &[]), node("out", "dac", &[])], &[("osc", "out")])
}

#[test]
fn nothing_comes_after_the_limiter_neither_the_hosts_fader_nor_an_engine_that_leaves() {
    let mut rig = Rig::new();
    rig.edit(Edit::LoadGraph(tone()));
    rig.edit(Edit::Setting(Setting::Master(1.9)));
    let quiet = rig.render(9_600, &[333]);
    let peak = |sides: &[Vec<f32>; 2]| sides.iter().flatten().fold(0.0_f32, |peak, x| peak.max(x.abs()));
    assert!((1.8..=1.9).contains(&peak(&quiet)), "{}", peak(&quiet));
    // +12 dB, the most that the host's parameter has.
    rig.params.push(fader(100, 1.0));
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
        (1_000, ParamId::Master, 0.8_f32),
        (1_200, ParamId::Master, 1.0),
        (20_011, ParamId::Panic, 1.0),
        (30_000, ParamId::Panic, 0.0),
        (40_960, ParamId::Master, 0.0),
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
            let event = |&(at, param, value): &(i64, ParamId, f32)| ParamEvent {
                offset: (at - begin) as u32,
                param,
                value,
                modulation: 0.0,
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

/// Things that remember: a generator, a counter, an automation over seconds and one over bars, a control that
/// a pattern sets late, a master that a pattern moves late, a gate.
fn remembering() -> Rig {
    let mut rig = Rig::with(probes::registry());
    let osc = |id| node(id, "oscillator", &[("amp", 0.2), ("waveform", 1.0)]);
    let gains = ["g", "h"].map(|id| node(id, "gain", &[("gain", 0.5)]));
    let mut nodes = vec![node("out", "dac", &[]), osc("a"), osc("b"), node("c", "count", &[])];
    nodes.extend(gains);
    nodes.push(node("p", "pipe", &[("freq", 0.1)]));
    rig.edit(Edit::LoadGraph(graph(
        nodes,
        &[("a", "g"), ("b", "h"), ("g", "out"), ("h", "out"), ("c", "out"), ("p", "out")],
    )));
    for (id, label, period) in [
        ("s", "a/freq", Period::Secs(0.731)),
        ("t", "b/amp", Period::Secs(3.3)),
        ("u", "g/gain", Period::Bars(1.5)),
    ] {
        rig.edit(Edit::SetAutomation {
            id: id.into(),
            label: label.into(),
            shape: krach_core::automation::ShapeSpec::Sine,
            lo: 0.1,
            hi: 0.9,
            period,
            one_shot: false,
        });
    }
    rig.edit(play("x", builders::control("h/gain", 0.125).shift(0.5)));
    let quieter = Value::Osc { address: "/audio/gain".into(), args: vec![OscArg::Float(0.75)] };
    rig.edit(play("y", Pattern::Atom { value: quieter, span: None }.shift(0.5)));
    rig.edit(play("p", hits("p/gate", 3)));
    rig.playing = false;
    rig.settle();
    rig
}

/// Plays the first cycles; the host stops and stands for a while.
fn export(rig: &mut Rig, blocks: &[usize]) -> [Vec<f32>; 2] {
    (rig.playing, rig.played) = (true, 0);
    let out = rig.render(150_000, blocks);
    rig.playing = false;
    rig.render(12_345, blocks);
    out
}

#[test]
fn a_start_from_standstill_sounds_the_same_each_time_whatever_the_blocks() {
    let mut offline = remembering();
    offline.offline = true;
    let reference = export(&mut offline, &[512]);
    for blocks in [&[512][..], &[333], &[64, 2048, 1]] {
        let again = export(&mut offline, blocks);
        assert_eq!(first_difference(&reference[0], &again[0]), None, "offline, blocks {blocks:?}");
    }
    // Offline always, also for a session that goes on elsewhere.
    offline.edit(Edit::Setting(Setting::Start(Start::Continue)));
    let again = export(&mut offline, &[512]);
    assert_eq!(first_difference(&reference[0], &again[0]), None, "offline");
    let mut live = remembering();
    live.render(777, &[256]);
    for blocks in [&[512][..], &[333], &[64, 2048, 1]] {
        (live.playing, live.played) = (true, 0);
        let out = live.render(150_000, blocks);
        // What rang has 5 ms to fade.
        assert_eq!(first_difference(&reference[0][240..], &out[0][240..]), None, "live, blocks {blocks:?}");
        live.playing = false;
        live.render(12_345, blocks);
    }
    let mut goes_on = remembering();
    goes_on.edit(Edit::Setting(Setting::Start(Start::Continue)));
    let first = export(&mut goes_on, &[512]);
    let second = export(&mut goes_on, &[512]);
    assert!(first_difference(&first[0][240..], &second[0][240..]).is_some());
}

#[test]
fn a_host_that_resets_or_resumes_and_then_plays_starts_from_standstill_without_a_block_that_stands() {
    use krach_core::processor::Processor;
    let mut rig = remembering();
    rig.offline = true;
    let mut again = |how: fn(&mut Processor)| {
        how(&mut rig.processor);
        (rig.playing, rig.played) = (true, 0);
        rig.render(100_000, &[512])
    };
    let reference = again(|_| ());
    for (name, how) in [("reset", Processor::reset as fn(&mut Processor)), ("resume", Processor::resume)] {
        let out = again(how);
        assert_eq!(first_difference(&reference[0], &out[0]), None, "{name}");
    }
}

#[test]
fn a_note_that_lasts_over_a_resume_sounds_on() {
    let mut rig = Rig::with(probes::registry());
    let nodes = vec![node("out", "dac", &[]), node("l", "dc", &[("level", 0.0)])];
    rig.edit(Edit::LoadGraph(graph(nodes, &[("l", "out")])));
    rig.edit(play("l", builders::control("l/level", 0.5)));
    rig.settle();
    assert_eq!(rig.render(24_000, &[512])[0][23_999], 0.5);
    rig.processor.resume();
    assert_eq!(rig.render(2_048, &[512])[0][2_047], 0.5);
}

#[test]
fn what_rings_fades_in_5_ms_where_time_starts() {
    let mut rig = Rig::new();
    rig.edit(Edit::LoadGraph(graph(
        vec![node("osc", "oscillator", &[("freq", 20.0), ("amp", 0.5)]), node("out", "dac", &[])],
        &[("osc", "out")],
    )));
    rig.playing = false;
    // Over the first 10 ms it fades in; at 3/4 of a period a sine is at its lowest.
    let [before, _] = rig.render(2400 + 1800, &[300]);
    rig.playing = true;
    let [after, _] = rig.render(2400, &[300]);
    let last = before[before.len() - 1];
    assert!(last < -0.49, "{last}");
    let sine = |frame: usize| 0.5 * (std::f32::consts::TAU * 20.0 * frame as f32 / 48_000.0).sin();
    assert!((after[0] - last).abs() < 0.01, "no step: {last}, then {}", after[0]);
    assert!(largest_step(&after[..250]) < 0.01);
    for (frame, sample) in after.iter().enumerate().skip(240) {
        assert!((sample - sine(frame)).abs() < 1e-3, "as after a reset, {frame} frames on");
    }
    // The host says that it renders: what rang is cut.
    rig.playing = false;
    rig.render(1800, &[300]);
    (rig.playing, rig.offline) = (true, true);
    let [after, _] = rig.render(300, &[300]);
    assert!(after.iter().enumerate().all(|(frame, x)| (x - sine(frame)).abs() < 1e-3));
}

#[test]
fn free_run_is_no_standstill_and_neither_is_a_jump() {
    let count = graph(vec![node("out", "dac", &[]), node("c", "count", &[])], &[("c", "out")]);
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::LoadGraph(count));
    rig.edit(Edit::Setting(Setting::FreeRun(true)));
    rig.playing = false;
    rig.settle();
    // A start has 240 frames for what rang before.
    let at = |rig: &mut Rig| (rig.block(256)[0][255] * 1_048_576.0).round() as i64;
    let begun = at(&mut rig);
    rig.playing = true;
    assert_eq!(at(&mut rig), begun + 256, "the host takes over from free run");
    rig.start_beats = 100.0;
    assert_eq!(at(&mut rig), begun + 512, "a jump");
    rig.playing = false;
    assert_eq!(at(&mut rig), begun + 768, "free run takes over");
    rig.edit(Edit::Setting(Setting::FreeRun(false)));
    assert_eq!(at(&mut rig), begun + 1024, "it stops");
    rig.playing = true;
    assert_eq!(at(&mut rig), 255, "and starts again");
}

#[test]
fn new_sessions_restart_documents_of_before_go_on_and_the_choice_can_be_undone() {
    let mut engine = Engine::new(probes::registry());
    assert_eq!(engine.session().settings.start, Start::Restart);
    let saved = engine.save();
    engine.edit(Edit::Setting(Setting::Start(Start::Continue)), At::Now).unwrap();
    assert_eq!(
        (engine.session().settings.start, engine.status().settings.start),
        (Start::Continue, Start::Continue)
    );
    let goes_on = engine.save();
    engine.undo(At::Now).unwrap();
    assert_eq!(engine.session().settings.start, Start::Restart);
    for (document, start) in [
        (&saved[..], Start::Restart),
        (&goes_on, Start::Continue),
        (br#"{"nodes": []}"#, Start::Continue),
        (br#"{"krach": {"start": "restart"}}"#, Start::Restart),
    ] {
        engine.load(document).unwrap();
        assert_eq!(engine.session().settings.start, start);
    }
    assert!(engine.load(br#"{"krach": {"start": "over"}}"#).is_err());
}
