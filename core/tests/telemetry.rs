//! Meters and load: what somebody who watches sees of the audio thread.

mod support;

use krach_core::engine::*;
use krach_core::telemetry::{Level, METERS};
use support::*;

/// A sine of full scale through a gain of a half.
fn halved() -> RawGraph {
    graph(
        vec![
            node("out", "dac", &[]),
            node("sine", "oscillator", &[("freq", 1000.0), ("amp", 1.0)]),
            node("half", "gain", &[("gain", 0.5)]),
            node("idle", "oscillator", &[("amp", 0.0)]),
        ],
        &[("sine", "half"), ("half", "out"), ("idle", "out")],
    )
}

fn meter(rig: &Rig, node: &str) -> Option<u32> {
    rig.engine.nodes().iter().find(|known| known.node.id == node)?.meter
}

fn meters(rig: &Rig) -> usize {
    rig.engine.nodes().iter().filter(|node| node.meter.is_some()).count()
}

fn level(rig: &Rig, node: &str) -> Level {
    let meter = meter(rig, node).unwrap_or_else(|| panic!("{node} has no meter"));
    rig.engine.link().telemetry().node(meter)
}

fn near(level: f32, want: f32) -> bool {
    (level - want).abs() < 0.02 * want
}

fn play(rig: &mut Rig, frames: usize, blocks: &[usize]) {
    let mut done = 0;
    for n in blocks.iter().cycle() {
        if done >= frames {
            return;
        }
        rig.block(*n);
        done += n;
    }
}

#[test]
fn a_sine_shows_its_peak_and_its_rms_at_every_node() {
    let mut rig = Rig::new();
    let _watch = rig.engine.link().watch();
    rig.edit(Edit::LoadGraph(halved()));
    play(&mut rig, 96_000, &[256]);
    for (node, peak) in [("sine", 1.0), ("half", 0.5), ("out", 0.5)] {
        let level = level(&rig, node);
        assert!(near(level.peak, peak) && near(level.rms, peak / 2f32.sqrt()), "{node}: {level:?}");
    }
    assert_eq!(level(&rig, "idle"), Level::default());
    for side in rig.engine.link().telemetry().output() {
        assert!(near(side.peak, 0.5) && near(side.rms, 0.3535), "{side:?}");
    }
}

#[test]
fn a_level_does_not_depend_on_the_size_of_blocks() {
    let shown = |blocks: &[usize]| {
        let mut rig = Rig::new();
        let _watch = rig.engine.link().watch();
        rig.edit(Edit::LoadGraph(halved()));
        play(&mut rig, 24_000, blocks);
        rig.edit(set("sine/amp", 0.0));
        play(&mut rig, 24_000, blocks);
        level(&rig, "sine")
    };
    let (small, large) = (shown(&[16]), shown(&[1500]));
    // Half a second of falling, known to within a block.
    assert!((small.peak / large.peak - 1.0).abs() < 0.1, "{small:?} {large:?}");
    assert!((small.rms / large.rms - 1.0).abs() < 0.1, "{small:?} {large:?}");
}

#[test]
fn a_peak_falls_by_twenty_decibels_in_1_7_seconds() {
    let mut rig = Rig::new();
    let _watch = rig.engine.link().watch();
    rig.edit(Edit::LoadGraph(halved()));
    play(&mut rig, 48_000, &[480]);
    rig.edit(set("sine/amp", 0.0));
    play(&mut rig, 4_800, &[480]);
    let before = level(&rig, "sine").peak;
    play(&mut rig, 81_600, &[480]);
    let fallen = 20.0 * (before / level(&rig, "sine").peak).log10();
    assert!((fallen - 20.0).abs() < 0.1, "{fallen} dB");
    play(&mut rig, 960_000, &[480]);
    assert_eq!(level(&rig, "sine"), Level::default(), "at last it is silence");
}

#[test]
fn nothing_is_measured_while_nobody_watches_and_nothing_old_is_shown_after() {
    let mut rig = Rig::new();
    rig.edit(Edit::LoadGraph(halved()));
    let link = rig.engine.link();
    play(&mut rig, 48_000, &[256]);
    assert_eq!(level(&rig, "sine"), Level::default());
    assert_eq!(link.telemetry().load(), Default::default());

    let watch = link.watch();
    play(&mut rig, 48_000, &[256]);
    assert!(level(&rig, "sine").peak > 0.9 && link.telemetry().load().worst > 0.0);
    let second = link.watch();
    drop(watch);
    assert!(link.telemetry().is_watched(), "another still watches");
    drop(second);
    assert!(!link.telemetry().is_watched());

    rig.edit(set("sine/amp", 0.0));
    play(&mut rig, 48_000, &[256]);
    assert!(level(&rig, "sine").peak > 0.9, "frozen, since nobody looks");
    let _watch = link.watch();
    play(&mut rig, 256, &[256]);
    assert_eq!(level(&rig, "sine"), Level::default());
}

#[test]
fn watching_changes_no_sample() {
    let render = |watched: bool| {
        let mut rig = Rig::new();
        let link = rig.engine.link();
        let _watch = watched.then(|| link.watch());
        rig.edit(Edit::LoadGraph(halved()));
        rig.render(20_000, &[333, 64])
    };
    let (with, without) = (render(true), render(false));
    for side in 0..2 {
        assert_eq!(first_difference(&with[side], &without[side]), None);
    }
}

#[test]
fn the_load_is_a_share_of_the_time_a_block_lasts() {
    let mut rig = Rig::new();
    let link = rig.engine.link();
    let _watch = link.watch();
    rig.edit(Edit::LoadGraph(halved()));
    let start = std::time::Instant::now();
    play(&mut rig, 48_000, &[64]);
    let share = start.elapsed().as_secs_f32();
    let load = link.telemetry().load();
    // The rig does more than the engine, so that its time is above; by another clock, hence the double. Of a second
    // all blocks are in the mean.
    assert!(load.mean > 0.0 && load.mean <= share * 2.0, "{load:?}, the rig took {share}");
    assert!(load.worst >= load.mean, "{load:?}");
}

#[test]
fn the_load_offline_is_that_of_the_work_and_not_of_the_waiting() {
    let mut rig = Rig::new();
    let link = rig.engine.link();
    let _watch = link.watch();
    rig.edit(Edit::LoadGraph(halved()));
    rig.settle();
    rig.offline = true;
    let count = link.submitted();
    let settles = std::thread::spawn({
        let link = rig.engine.link();
        move || {
            std::thread::sleep(std::time::Duration::from_millis(200));
            link.settled(count);
        }
    });
    let waits = std::time::Instant::now();
    rig.block(64);
    let waited = waits.elapsed().as_secs_f32();
    settles.join().unwrap();
    // The block lasts 1.3 ms and has waited for a hundred times as long.
    assert!(waited > 0.15, "{waited}");
    let load = link.telemetry().load();
    let lasts = 64.0 / 48_000.0;
    assert!(load.worst > 0.0 && load.worst < 0.5 * waited / lasts, "{load:?} in {waited} s");
    assert_eq!(load.overruns, 0, "offline nobody waits for a block");
}

#[test]
fn a_node_keeps_its_meter_while_others_come_and_go() {
    let mut rig = Rig::new();
    let _watch = rig.engine.link().watch();
    rig.edit(Edit::LoadGraph(halved()));
    rig.settle();
    let before = meter(&rig, "sine");
    assert!(before.is_some());
    // More than there are meters, over time.
    for k in 0..2 * METERS {
        let id = format!("extra{k}");
        rig.edit(Edit::Graph(vec![GraphEdit::AddNode(node(&id, "gain", &[]))]));
        if k % 64 == 0 {
            rig.settle();
            assert!(meter(&rig, &id).is_some(), "{id}");
        }
        rig.edit(Edit::Graph(vec![GraphEdit::RemoveNode { id }]));
        if k % 64 == 0 {
            rig.settle();
        }
    }
    rig.settle();
    assert_eq!(meter(&rig, "sine"), before);
    play(&mut rig, 4_800, &[480]);
    assert!(level(&rig, "sine").peak > 0.9);
}

#[test]
fn a_node_too_many_goes_without_a_meter_and_sounds() {
    let mut rig = Rig::new();
    let _watch = rig.engine.link().watch();
    let ids: Vec<String> = (0..METERS + 10).map(|k| format!("n{k}")).collect();
    let mut nodes = vec![node("out", "dac", &[])];
    nodes.extend(ids.iter().map(|id| node(id, "oscillator", &[("amp", 0.001)])));
    let wires: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "out")).collect();
    rig.edit(Edit::LoadGraph(graph(nodes, &wires)));
    rig.settle();
    assert_eq!(meters(&rig), METERS);
    play(&mut rig, 9_600, &[480]);
    // All of them in phase.
    let peak = rig.engine.link().telemetry().output()[0].peak;
    assert!(near(peak, 0.001 * ids.len() as f32), "{peak}");
}

#[test]
fn a_load_and_a_rebuild_keep_the_meters_moving() {
    let mut rig = Rig::new();
    let _watch = rig.engine.link().watch();
    rig.edit(Edit::LoadGraph(halved()));
    play(&mut rig, 24_000, &[256]);
    let saved = rig.engine.save();
    rig.engine.load(&saved).unwrap();
    play(&mut rig, 24_000, &[256]);
    assert!(level(&rig, "half").peak > 0.45);
    rig.edit(Edit::Rebuild);
    play(&mut rig, 24_000, &[256]);
    assert!(level(&rig, "half").peak > 0.45);
    rig.engine.deactivate();
    assert!(meters(&rig) == 0, "nobody renders");
}
