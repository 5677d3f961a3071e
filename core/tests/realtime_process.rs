//! In `process` nothing allocates or frees, whatever floods in.

#[path = "support/counting.rs"]
mod counting;
mod support;
use krach_core::model::{Curve, MacroState, MacroTarget, Setting};

use krach_core::automation::ShapeSpec;
use krach_core::clock::{HostTransport, TransportAt};
use krach_core::edit::SceneEdit;
use krach_core::engine::*;
use krach_core::processor::{Block, HostEvent, HostEventKind, MidiOut, ParamEvent, ParamId, place_of_scene};
use krach_patterns::builders;
use std::hint::black_box;
use support::*;

/// Calls to the allocator in one block, with what the host plays and moves in it.
fn calls_in(rig: &mut Rig, frames: usize, reports: &[TransportAt], midi: &mut MidiOut) -> usize {
    let (mut left, mut right) = ([0.0; MAX_FRAMES], [0.0; MAX_FRAMES]);
    let (params, played) = (std::mem::take(&mut rig.params), std::mem::take(&mut rig.played_in));
    let before = counting::calls();
    rig.processor.process(Block {
        frames,
        transport: reports,
        offline: false,
        input: [&[], &[]],
        main: [&mut left[..frames], &mut right[..frames]],
        stems: &mut [],
        params: &params,
        played: &played,
        midi_out: midi,
    });
    let calls = counting::calls() - before;
    black_box((left, right));
    calls
}

/// Plays blocks while `control` edits in between; `tick` says after which blocks the control side listens.
fn flood(mut control: impl FnMut(&mut Rig, usize), tick: impl Fn(usize) -> bool) {
    let mut rig = Rig::with(probes::registry());
    let mut watch = None;
    rig.engine.edit(Edit::LoadGraph(small(0)), At::Now).unwrap();
    let mut midi = MidiOut::with_capacity(64);
    let mut total = 0;
    for block in 0..200 {
        control(&mut rig, block);
        if block % 40 == 20 {
            watch = watch.is_none().then(|| rig.engine.link().watch());
        }
        // Stops and jumps among it.
        rig.playing = block % 97 != 96;
        rig.start_beats += if block % 61 == 60 { 3.3 } else { 0.0 };
        let frames = [256, 64, 1, 2048, 333][block % 5];
        let reports = [TransportAt { offset: 0, transport: rig.transport() }];
        total += calls_in(&mut rig, frames, &reports, &mut midi);
        rig.played += frames as i64;
        if tick(block) {
            let notices = rig.engine.tick();
            assert!(notices.iter().all(|n| !matches!(n, Notice::Panicked { .. })), "{notices:?}");
        }
    }
    assert_eq!(total, 0);
}

fn small(k: usize) -> RawGraph {
    let ty = ["dc", "dc_other", "oscillator", "faulty"][k % 4];
    let wires: &[(&str, &str)] = if k.is_multiple_of(2) {
        &[("a", "t"), ("t", "u"), ("u", "out"), ("o", "g"), ("g", "out")]
    } else {
        &[("a", "u"), ("u", "t"), ("t", "out"), ("o", "g"), ("g", "out")]
    };
    let controls: &[(&str, f64)] = if k % 4 == 3 { &[("after", 100.0)] } else { &[] };
    graph(
        vec![
            node("out", "dac", &[]),
            node("a", ty, controls),
            node("t", "thru", &[]),
            node("u", "thru", &[]),
            node("o", "oscillator", &[("amp", 0.1)]),
            node("g", "gain", &[]),
        ],
        wires,
    )
}

fn automation(id: usize, one_shot: bool) -> Edit {
    Edit::SetAutomation {
        id: format!("auto{id}"),
        label: "g/gain".into(),
        shape: ShapeSpec::Custom { table: vec![0.0, 1.0, 0.5] },
        lo: 0.0,
        hi: 1.0,
        period: Period::Secs(0.01),
        one_shot,
    }
}

#[test]
fn the_guard_is_live() {
    let before = counting::calls();
    drop(black_box(vec![1, 2, 3]));
    assert_eq!(counting::calls() - before, 2);
    // And it watches `process`: a panic in there allocates.
    probes::hush_probes();
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::LoadGraph(graph(vec![node("p", "panicky", &[])], &[])));
    rig.edit(set("p/when", 1.0));
    assert!(calls_in(&mut rig, 64, &[], &mut MidiOut::with_capacity(1)) > 0);
}

#[test]
fn swaps_and_overtaken_plans() {
    let swap = |rig: &mut Rig, block: usize| {
        for k in 0..1 + block % 4 {
            rig.engine.edit(Edit::LoadGraph(small(block + k)), At::Now).unwrap();
        }
    };
    flood(swap, |_| true);
    flood(swap, |block| block % 7 == 0);
}

#[test]
fn tempos_that_change_and_glide() {
    // Time goes on through every change: the host is where it would be, only faster or slower.
    let mut changes = 0;
    let control = |rig: &mut Rig, block: usize| {
        if block == 0 {
            for (slot, n) in [("s", 7), ("t", 50)] {
                rig.engine.edit(play(slot, hits("g/gain", n)), At::Now).unwrap();
            }
        }
        if block.is_multiple_of(3) {
            let bpm = [61.0, 240.5, 133.0, 97.7][block / 3 % 4];
            rig.start_beats += rig.played as f64 * (rig.bpm - bpm) / (60.0 * RATE);
            rig.bpm = bpm;
            changes += 1;
        }
        // And the own tempo, which counts while the host stands.
        let _ = rig.engine.edit(Edit::Setting(Setting::Bpm(60.0 + block as f64)), At::Now);
        let _ = rig.engine.edit(Edit::Setting(Setting::FreeRun(block % 20 < 10)), At::Now);
    };
    flood(control, |_| true);
    assert_eq!(changes, 67);
    // Within a block, and gliding.
    let mut rig = Rig::with(probes::registry());
    rig.engine.edit(Edit::LoadGraph(small(0)), At::Now).unwrap();
    rig.engine.edit(play("s", hits("g/gain", 50)), At::Now).unwrap();
    rig.block(64);
    let (mut midi, mut beats, mut total) = (MidiOut::with_capacity(64), 0.0, 0);
    for block in 0..100 {
        let mut reports = Vec::new();
        for (n, offset) in [0, 17, 200].into_iter().enumerate() {
            let (bpm, inc) = (90.0 + 10.0 * ((block + n) % 5) as f64, 0.01 * ((block + n) % 3) as f64);
            let transport = HostTransport {
                playing: true,
                tempo: Some(bpm),
                tempo_inc: inc,
                beats: Some(beats),
                ..HostTransport::default()
            };
            reports.push(TransportAt { offset, transport });
            let frames = f64::from([17, 183, 56][n]);
            beats += (bpm * frames + inc * frames * frames / 2.0) / (60.0 * RATE);
        }
        total += calls_in(&mut rig, 256, &reports, &mut midi);
        rig.engine.tick();
    }
    assert_eq!(total, 0);
}

#[test]
fn transitions_that_follow_and_cancel_each_other() {
    let control = |rig: &mut Rig, block: usize| {
        let length = FadeLength::Beats([0.01, 0.3, 2.0][block % 3]);
        let edits = vec![
            set("g/gain", (block % 5) as f64 / 4.0),
            Edit::Setting(Setting::Bpm(60.0 + block as f64)),
            Edit::Setting(Setting::Master(1.0 - (block % 3) as f64 / 4.0)),
            play("s", hits("g/gain", 1 + block % 7)),
        ];
        let at = [At::Now, At::Cycle, At::Position(block as f64 / 3.0)][block % 3];
        rig.engine.edit(Edit::Transition { edits, length }, at).unwrap();
        let _ = rig.engine.edit(Edit::Setting(Setting::FreeRun(block % 20 < 10)), At::Now);
        match block % 7 {
            3 => drop(rig.engine.edit(play("s", hits("g/gain", 2)), At::Now)),
            5 => drop(rig.engine.undo(At::Now)),
            _ => {}
        }
    };
    flood(control, |_| true);
    flood(control, |block| block % 7 == 0);
}

#[test]
fn slots_and_automations() {
    let control = |rig: &mut Rig, block: usize| {
        for k in 0..20 {
            let slot = format!("s{}", (block + k) % 30);
            let edit = match (block + k) % 6 {
                0 => Edit::Hush { slot },
                1 if k == 1 => Edit::HushAll,
                2 => automation(k, block.is_multiple_of(2)),
                3 => Edit::ClearAutomation { id: format!("auto{}", k + 1) },
                _ => play(&slot, hits("g/gain", 1 + k % 7)),
            };
            let at = if k % 3 == 0 { At::Cycle } else { At::Now };
            let _ = rig.engine.edit(edit, at);
        }
    };
    flood(control, |_| true);
    flood(control, |block| block % 11 == 0);
}

#[test]
fn macros_that_move_are_modulated_and_have_other_targets() {
    let control =
        |rig: &mut Rig, block: usize| {
            let label = |n: usize| ["o/freq", "g/gain", "a/level", "nobody/x", "o/amp"][n % 5].to_owned();
            for k in 0..4 {
                let number = 1 + ((block + 7 * k) % 64) as u8;
                let target = |n| MacroTarget { label: label(n), lo: 0.1, hi: 1.0, curve: Curve::S };
                let targets = (block..block + k).map(target).collect();
                let to = Some(Box::new(MacroState { targets, ..MacroState::new(number) }));
                let at = if k == 3 { At::Cycle } else { At::Now };
                let _ =
                    rig.engine.edit(Edit::Macro { number, to: to.filter(|_| !block.is_multiple_of(5)) }, at);
            }
            let _ = rig.engine.edit(automation(block % 3, false), At::Now);
            if block.is_multiple_of(9) {
                let _ = rig.engine.edit(Edit::LoadGraph(small(block)), At::Now);
            }
            let _ = rig.engine.learn_macro(block.is_multiple_of(4).then_some(MacroLearning::Control(
                MacroTarget { label: "o/freq".into(), lo: 20.0, hi: 2000.0, curve: Curve::Auto },
            )));
            rig.params.extend((0..900_u32).map(|n| ParamEvent {
                offset: n / 4,
                param: ParamId::Macro(((n as usize + block) % 64) as u8),
                value: (n % 97) as f32 / 97.0,
                modulation: if n % 3 == 0 { (n % 13) as f32 / 26.0 - 0.25 } else { 0.0 },
            }));
        };
    flood(control, |_| true);
    flood(control, |block| block % 7 == 0);
}

#[test]
fn torn_notes_jumps_and_tables_of_chance() {
    let control = |rig: &mut Rig, block: usize| {
        let rare = builders::cat((0..6).map(|n| builders::control("o/freq", 200.0 + f64::from(n))).collect());
        let torn = hits("g/gate", 9).shift(0.3).every(2, krach_patterns::Pattern::rev).spread(5, 8);
        if block == 0 {
            let expose = |label: &str| GraphEdit::ExposeControl {
                label: label.to_owned(),
                node_id: "g".to_owned(),
                control_name: "gain".to_owned(),
            };
            rig.engine.edit(Edit::Graph(vec![expose("g/gate")]), At::Now).unwrap();
        }
        let pattern = match block % 3 {
            0 => rare.over(9.0).thin(0.7, block as u64),
            1 => rare.over(70.0),
            _ => torn.fast(8.0),
        };
        let _ = rig.engine.edit(play(&format!("s{}", block % 7), pattern), At::Now);
        let at = if block.is_multiple_of(2) { At::Now } else { At::Cycle };
        let _ = rig.engine.edit(Edit::Setting(Setting::Seed(block as u64 % 5)), at);
        rig.start_beats += if block % 2 == 1 { 40.0 * (block % 9) as f64 - 150.0 } else { 0.0 };
    };
    flood(control, |_| true);
    flood(control, |block| block % 7 == 0);
}

#[test]
fn timed_edits_of_every_kind() {
    let control = |rig: &mut Rig, block: usize| {
        let here = rig.transport().beats.unwrap() / 4.0;
        for k in 0..12 {
            let at = At::Position(here + [0.0, 0.001, 0.01, 0.3][k % 4]);
            let edit = match (block + k) % 7 {
                0 => Edit::LoadGraph(small(block)),
                1 => play("s", hits("g/gain", 4)),
                2 => automation(k, true),
                3 => Edit::Setting(Setting::Bpm(100.0 + k as f64)),
                4 => Edit::Setting(Setting::Master(0.5)),
                5 => Edit::Panic,
                _ => set("o/freq", 300.0 + k as f64),
            };
            let _ = rig.engine.edit(edit, at);
        }
    };
    flood(control, |_| true);
    flood(control, |block| block % 5 == 0);
}

#[test]
fn whole_sessions() {
    let mut saved = Vec::new();
    flood(
        move |rig, block| {
            let _ = rig.engine.edit(play(&format!("s{}", block % 9), hits("g/gain", 3)), At::Now);
            if block % 10 == 0 {
                saved = rig.engine.save();
            }
            if block % 3 == 0 {
                rig.engine.load(&saved).unwrap();
            } else if block % 7 == 0 {
                rig.engine.edit(Edit::Rebuild, At::Now).unwrap();
            }
        },
        |block| block % 2 == 0,
    );
}

#[test]
fn rings_that_are_full() {
    flood(
        |rig, block| {
            if block % 50 == 0 {
                for k in 0..3_000 {
                    let edit = if k % 40 == 0 {
                        Edit::LoadGraph(small(k / 40))
                    } else {
                        play("s", hits("g/gain", 2))
                    };
                    rig.engine.edit(edit, At::Now).unwrap();
                }
            }
        },
        // The way back is full most of the time.
        |block| block % 45 == 44,
    );
}

#[test]
fn midi_clock_osc_and_bars_that_change() {
    let osc = |n: i64| krach_patterns::Pattern::Atom {
        value: krach_patterns::Value::Osc {
            address: "/light".into(),
            args: vec![krach_patterns::OscArg::Int(n)],
        },
        span: None,
    };
    let flooded = |rig: &mut Rig, block: usize| {
        if block == 0 {
            rig.engine.edit(Edit::Setting(Setting::OscTarget(Some("127.0.0.1:9".into()))), At::Now).unwrap();
        }
        if block.is_multiple_of(20) {
            let on = !(block / 20).is_multiple_of(3);
            rig.engine.edit(Edit::Setting(Setting::MidiClock(on)), At::Now).unwrap();
            let meter = if on {
                Edit::Setting(Setting::HostMeter)
            } else {
                Edit::Setting(Setting::BeatsPerCycle(0.5))
            };
            rig.engine.edit(meter, At::Now).unwrap();
            let children = (0..500).map(|n| osc(n + block as i64)).collect();
            rig.engine
                .edit(play("x", krach_patterns::Pattern::Cat { children, span: None }), At::Now)
                .unwrap();
        }
        if block.is_multiple_of(13) {
            let saved = rig.engine.save();
            rig.engine.load(&saved).unwrap();
        }
    };
    flood(flooded, |_| true);
    flood(flooded, |block| block % 50 == 49);
}

#[test]
fn keys_that_overlap_zones_the_fader_and_panic() {
    let flooded = |rig: &mut Rig, block: usize| {
        if block == 0 {
            let nodes = vec![
                node("out", "dac", &[]),
                GraphNode { legato: Some(true), ..node("m", "pipe", &[]) },
                GraphNode { legato: Some(false), ..node("n", "struck", &[]) },
                GraphNode { count: 8, ..node("p", "pipe", &[]) },
            ];
            let wires = [("m", "out"), ("n", "out"), ("p", "out")];
            rig.engine.edit(Edit::LoadGraph(graph(nodes, &wires)), At::Now).unwrap();
            for (channel, name) in [(Some(1), "m"), (Some(2), "n"), (None, "p")] {
                rig.engine.edit(Edit::RouteNotes { channel, node: Some(name.into()) }, At::Now).unwrap();
            }
        }
        if block.is_multiple_of(50) {
            // Other code below held keys, and a session of its own.
            let legato = Some(block.is_multiple_of(100));
            let (id, ty) = ("m", ["pipe", "pipe_better"][block / 50 % 2]);
            let remove = GraphEdit::RemoveNode { id: id.into() };
            let add = GraphEdit::AddNode(GraphNode { legato, ..node(id, ty, &[]) });
            let wires = GraphEdit::Connect(wire(id, "out"));
            rig.engine.edit(Edit::Graph(vec![remove, add, wires]), At::Now).unwrap();
        }
        let dice = |sides: usize, salt: usize| (block * 7919 + salt * 104_729) % 1_000_003 % sides;
        for n in 0..40 {
            let (channel, key) = (dice(4, n) as u8, 30 + dice(70, n + 50) as u8);
            let bytes = match dice(10, n + 100) {
                0..=3 => [0x90 | channel, key, 100],
                4 | 5 => [0x80 | channel, key, 0],
                6 => [0xe0 | channel, 0, key],
                7 => [0xb0 | channel, 64, key],
                8 => [0xb0 | channel, [120, 121, 123, 74][dice(4, n)], key],
                _ => [0xb0, [101, 100, 6][n % 3], [0, 6, 3][n % 3]],
            };
            rig.played_in.push(HostEvent { offset: 0, what: HostEventKind::Midi(bytes) });
        }
        rig.params.extend((0..2000).map(|n| ParamEvent {
            offset: 0,
            param: if n % 500 == 499 { ParamId::Panic } else { ParamId::Master },
            value: n as f32 / 1000.0,
            modulation: 0.0,
        }));
    };
    flood(flooded, |_| true);
    flood(flooded, |block| block % 50 == 49);
}

#[test]
fn scenes_that_are_ready_and_scenes_that_are_not() {
    let recalls = std::cell::Cell::new((0, 0));
    flood(
        |rig, block| {
            let edit = |rig: &mut Rig, edit: Edit| {
                rig.engine.edit(edit, At::AtOnce).unwrap();
            };
            if block < 8 && block % 2 == 0 {
                let number = 1 + block as u8 / 2;
                edit(rig, Edit::LoadGraph(small(block / 2)));
                edit(rig, automation(block % 3, false));
                let pattern =
                    if block % 4 == 0 { hits("g/gain", 3) } else { builders::control("g/gain", 0.5) * 9 };
                edit(rig, play("o", pattern));
                edit(rig, play(&format!("s{block}"), builders::control("g/mute", 0.0) * 4));
                let transport = number == 2;
                edit(rig, SceneEdit::Save { number, name: format!("scene {number}"), transport }.into());
                return;
            }
            let value = place_of_scene(1 + (block % 4) as u8);
            let offset = [0, 17, 0, 1000, 5][block % 5];
            rig.params.push(ParamEvent { offset, param: ParamId::Scene, value, modulation: 0.0 });
            if block % 9 == 4 {
                // Two in a block: the second is not ready.
                let value = place_of_scene(1 + (block / 9 % 4) as u8);
                rig.params.push(ParamEvent { offset: 1_900, param: ParamId::Scene, value, modulation: 0.0 });
            }
            match block % 11 {
                2 => edit(rig, SceneEdit::Recall { number: 1 + (block % 3) as u8, fade: None }.into()),
                3 => edit(
                    rig,
                    Edit::Fade { label: "g/gain".into(), value: 0.5, length: FadeLength::Beats(1.0) },
                ),
                5 => edit(rig, automation(block % 3, block % 2 == 0)),
                7 => edit(rig, Edit::LoadGraph(small(block % 4))),
                8 => {
                    edit(rig, SceneEdit::Save { number: 3, name: "scene 3".into(), transport: false }.into())
                }
                _ => {}
            }
            for notice in rig.engine.tick() {
                if let Notice::Recalled { late, .. } = notice {
                    let (on_time, came_late) = recalls.get();
                    recalls.set((on_time + i32::from(!late), came_late + i32::from(late)));
                }
            }
        },
        |block| block % 3 == 2,
    );
    let (on_time, late) = recalls.get();
    assert!(on_time > 50 && late > 5, "{on_time} {late}");
}
