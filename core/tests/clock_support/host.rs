//! A host that follows a script and tells of it in one of the ways hosts have.

use super::probe::{Log, PositionType, Positions, ProbeType};
use super::script::{Begins, Script};
use super::support::{Rig, node, wire};
use krach_core::clock::{HostTransport, TransportAt};
use krach_core::engine::*;
use krach_core::node::Registry;
use std::sync::Arc;

/// How a host tells its position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tells {
    /// Quarter notes and seconds as f64.
    Beats,
    /// Quarter notes, seconds and samples (VST3).
    BeatsAndSamples,
    /// Quarter notes and seconds with 31 fractional bits (CLAP).
    FixedPoint,
    /// Quarter notes rounded to the nearest 1/1920, and samples (Ardour).
    Coarse,
    /// The same, rounded down, without anything else.
    CoarseBeatsOnly,
    /// Quarter notes alone.
    BeatsOnly,
    /// Seconds alone.
    Seconds,
    /// Samples alone.
    Samples,
    /// Nothing.
    None,
}

/// A way of telling.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    pub position: Tells,
    pub tempo: bool,
    /// Factor on the tempo that it tells.
    pub tempo_error: f64,
    /// Wraps of the loop come as transport events.
    pub announce_wraps: bool,
    /// Everything else does.
    pub announce_changes: bool,
    /// The loop's range is told.
    pub tell_loop: bool,
    /// Tempo ramps are told, else only the present tempo.
    pub tell_inc: bool,
}

impl Host {
    pub const fn new(position: Tells) -> Self {
        Self {
            position,
            tempo: true,
            tempo_error: 1.0,
            announce_wraps: false,
            announce_changes: true,
            tell_loop: true,
            tell_inc: true,
        }
    }

    pub const EXACT: Self = Self::new(Tells::Beats);

    /// What it says of a sample.
    pub fn tells(&self, script: &Script, sample: i64) -> HostTransport {
        let run = script.run_at(sample);
        let n = (sample - run.start) as f64;
        let beats = run.beats_at(sample);
        let seconds = if run.playing { run.seconds + n / script.rate } else { run.seconds };
        let samples = Some((seconds * script.rate).round() as i64);
        let fixed = |x: f64| (x * 2f64.powi(31)).round() / 2f64.powi(31);
        let none = (None, None, None);
        let (beats, seconds, samples) = match self.position {
            Tells::Beats => (Some(beats), Some(seconds), None),
            Tells::BeatsAndSamples => (Some(beats), Some(seconds), samples),
            Tells::FixedPoint => (Some(fixed(beats)), Some(fixed(seconds)), None),
            Tells::Coarse => (Some((beats * 1920.0).round() / 1920.0), None, samples),
            Tells::CoarseBeatsOnly => (Some((beats * 1920.0).floor() / 1920.0), None, None),
            Tells::BeatsOnly => (Some(beats), None, None),
            Tells::Seconds => (None, Some(seconds), None),
            Tells::Samples => (None, None, samples),
            Tells::None => none,
        };
        let inc = if run.playing { run.inc } else { 0.0 };
        HostTransport {
            playing: run.playing,
            tempo: self.tempo.then_some((run.bpm + inc * n) * self.tempo_error),
            tempo_inc: if self.tell_inc { inc } else { 0.0 },
            beats,
            seconds,
            samples,
            loop_range: run.loop_range.filter(|_| self.tell_loop),
            time_signature: Some((4, 4)),
            bar_start: None,
            bar_number: None,
        }
    }

    /// The reports of a block.
    pub fn reports(&self, script: &Script, begin: i64, end: i64) -> Vec<TransportAt> {
        let mut at = vec![begin];
        for run in script.runs.iter().filter(|r| r.start > begin && r.start < end) {
            let told = match run.begins {
                Begins::Wrapped => self.announce_wraps,
                _ => self.announce_changes,
            };
            if told {
                at.push(run.start);
            }
        }
        at.iter()
            .map(|&sample| TransportAt {
                offset: (sample - begin) as u32,
                transport: self.tells(script, sample),
            })
            .collect()
    }
}

/// A rig with one probe `v`, and its log.
pub fn probed(rate: f64) -> (Rig, Log) {
    let (rig, log, _) = located(rate);
    (rig, log)
}

/// The same with a node that notes where its frames are.
fn located(rate: f64) -> (Rig, Log, Positions) {
    let (log, positions) = (Log::default(), Positions::default());
    let mut registry = Registry::with_builtins();
    registry.add(Arc::new(ProbeType::new(log.clone())));
    registry.add(Arc::new(PositionType::new(positions.clone())));
    let mut rig = Rig::with(registry);
    rig.processor = rig.engine.activate(rate, super::support::MAX_FRAMES);
    let graph = RawGraph {
        nodes: vec![node("out", "dac", &[]), node("v", "probe", &[]), node("p", "position", &[])],
        connections: vec![wire("v", "out"), wire("p", "out")],
        exposed_controls: Default::default(),
    };
    rig.edit(Edit::LoadGraph(graph));
    (rig, log, positions)
}

/// Plays `hits` hits per cycle under the script, in blocks of the sizes given over and over; the
/// log and the left channel.
pub fn render(script: &Script, host: Host, hits: u32, blocks: &[i64]) -> (Log, Vec<f32>) {
    let edits = [super::support::play("v", super::support::hits("v/gate", hits as usize))];
    render_with(script, host, &edits, blocks)
}

/// The same with edits of one's own.
pub fn render_with(script: &Script, host: Host, edits: &[Edit], blocks: &[i64]) -> (Log, Vec<f32>) {
    let (mut rig, log) = probed(script.rate);
    let left = run(&mut rig, script, host, edits, blocks);
    (log, left)
}

/// Where each frame is while a host follows the script.
pub fn positions(script: &Script, host: Host, blocks: &[i64]) -> Vec<(f64, bool)> {
    let (mut rig, _, positions) = located(script.rate);
    run(&mut rig, script, host, &[], blocks);
    let positions = positions.lock().unwrap();
    positions.clone()
}

fn run(rig: &mut Rig, script: &Script, host: Host, edits: &[Edit], blocks: &[i64]) -> Vec<f32> {
    for edit in edits {
        rig.edit(edit.clone());
    }
    let mut left = Vec::new();
    let mut begin = 0;
    for size in blocks.iter().cycle() {
        if begin >= script.frames() {
            break;
        }
        let end = (begin + size).min(script.frames());
        let reports = host.reports(script, begin, end);
        let [l, _] = rig.block_with((end - begin) as usize, &reports);
        left.extend(l);
        begin = end;
    }
    left
}

/// The gates that sound are those of the script, each on its sample.
#[track_caller]
pub fn assert_exact(script: &Script, host: Host, hits: u32, blocks: &[i64]) {
    let (log, _) = render(script, host, hits, blocks);
    let (found, expected) = (super::probe::gates(&log), script.gates_of(hits, 4.0));
    assert!(expected.len() > 2, "the script says nothing");
    let differs = (0..found.len().max(expected.len())).find(|&i| found.get(i) != expected.get(i));
    if let Some(i) = differs {
        let around = i.saturating_sub(2)..i + 4;
        let some = |all: &[super::Gate]| all.get(around.start..around.end.min(all.len())).map(<[_]>::to_vec);
        panic!(
            "{host:?}, blocks {blocks:?}: gate {i}\n sounds {:?}\n should {:?}",
            some(&found),
            some(&expected)
        );
    }
}

/// Block sizes that hosts use, and some that none does.
pub const PARTITIONS: [&[i64]; 6] = [&[256], &[17], &[64], &[333], &[2048], &[5, 1000, 2, 77, 1, 512]];
