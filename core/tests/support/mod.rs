//! An engine and its processor, driven as a host would: the control side between blocks, time exact.
#![allow(dead_code)]

pub mod probes;

use krach_core::clock::{HostTransport, TransportAt};
use krach_core::engine::*;
use krach_core::node::Registry;
use krach_core::processor::{Block, HostEvent, MidiOut, NoteAddress, ParamEvent, Processor};
use krach_patterns::{Pattern, builders};

pub const RATE: f64 = 48_000.0;
pub const MAX_FRAMES: usize = 2048;

/// A host that plays from `beats` at a constant tempo.
pub struct Rig {
    pub engine: Engine,
    pub processor: Processor,
    pub bpm: f64,
    pub playing: bool,
    pub start_beats: f64,
    pub played: i64,
    pub offline: bool,
    pub notices: Vec<Notice>,
    pub input: [Vec<f32>; 2],
    /// Frames rendered so far, and the MIDI sent in them.
    pub rendered: i64,
    pub midi: Vec<(i64, [u8; 3])>,
    /// The last block's stems, as many as the host takes.
    pub stems: Vec<[Vec<f32>; 2]>,
    /// Changes of the host's parameters in the next block.
    pub params: Vec<ParamEvent>,
    /// What the host plays in the next block.
    pub played_in: Vec<HostEvent>,
    /// Notes that have ended: frame and note.
    pub ends: Vec<(i64, NoteAddress)>,
    /// Counts something of this thread, such as calls of the allocator.
    pub counter: fn() -> usize,
    /// What it has counted within `process`.
    pub counted: usize,
}

impl Rig {
    pub fn new() -> Self {
        Self::with(Registry::with_builtins())
    }

    pub fn with(registry: Registry) -> Self {
        Self::of(Engine::new(registry))
    }

    pub fn of(mut engine: Engine) -> Self {
        let processor = engine.activate(RATE, MAX_FRAMES);
        Self {
            engine,
            processor,
            bpm: 120.0,
            playing: true,
            start_beats: 0.0,
            played: 0,
            offline: false,
            notices: Vec::new(),
            input: [Vec::new(), Vec::new()],
            rendered: 0,
            midi: Vec::new(),
            stems: Vec::new(),
            params: Vec::new(),
            played_in: Vec::new(),
            ends: Vec::new(),
            counter: || 0,
            counted: 0,
        }
    }

    pub fn edit(&mut self, edit: Edit) -> Receipt {
        self.edit_at(edit, At::Now)
    }

    pub fn edit_at(&mut self, edit: Edit, at: At) -> Receipt {
        let receipt = self.engine.edit(edit, at).expect("the edit is right");
        self.notices.extend(self.engine.tick());
        receipt
    }

    pub fn transport(&self) -> HostTransport {
        let beats = self.start_beats + self.played as f64 * self.bpm / (60.0 * RATE);
        HostTransport {
            playing: self.playing,
            tempo: Some(self.bpm),
            beats: Some(beats),
            seconds: Some(self.played as f64 / RATE),
            time_signature: Some((4, 4)),
            ..HostTransport::default()
        }
    }

    /// One block with the transport given.
    pub fn block_with(&mut self, frames: usize, reports: &[TransportAt]) -> [Vec<f32>; 2] {
        let mut left = vec![0.0; frames];
        let mut right = vec![0.0; frames];
        let mut midi = MidiOut::with_capacity(4096);
        // Hosts hand over what was there before.
        self.stems.iter_mut().flatten().for_each(|side| *side = vec![9.0; frames]);
        let mut stems: Vec<[&mut [f32]; 2]> =
            self.stems.iter_mut().map(|stem| stem.each_mut().map(|side| &mut side[..])).collect();
        let [a, b] = &self.input;
        let (params, played) = (std::mem::take(&mut self.params), std::mem::take(&mut self.played_in));
        let before = (self.counter)();
        self.processor.process(Block {
            frames,
            transport: reports,
            offline: self.offline,
            input: [&a[..a.len().min(frames)], &b[..b.len().min(frames)]],
            main: [&mut left, &mut right],
            stems: &mut stems,
            params: &params,
            played: &played,
            midi_out: &mut midi,
        });
        self.counted += (self.counter)() - before;
        let begin = self.rendered;
        self.midi.extend(midi.events().iter().map(|e| (begin + i64::from(e.offset), e.bytes)));
        assert!(midi.ends().iter().all(|e| (e.offset as usize) < frames), "an end beyond its block");
        self.ends.extend(midi.ends().iter().map(|e| (begin + i64::from(e.offset), e.note)));
        self.rendered += frames as i64;
        self.played += frames as i64;
        self.notices.extend(self.engine.tick());
        [left, right]
    }

    pub fn block(&mut self, frames: usize) -> [Vec<f32>; 2] {
        let reports = [TransportAt { offset: 0, transport: self.transport() }];
        self.block_with(frames, &reports)
    }

    /// `frames` frames in blocks of the sizes given, over and over.
    pub fn render(&mut self, frames: usize, blocks: &[usize]) -> [Vec<f32>; 2] {
        let mut out = [Vec::with_capacity(frames), Vec::with_capacity(frames)];
        let mut sizes = blocks.iter().cycle();
        while out[0].len() < frames {
            let n = (*sizes.next().expect("some")).min(frames - out[0].len());
            let [l, r] = self.block(n);
            out[0].extend(l);
            out[1].extend(r);
        }
        out
    }
}

pub fn node(id: &str, type_id: &str, controls: &[(&str, f64)]) -> GraphNode {
    let controls = controls.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect();
    GraphNode { controls, ..GraphNode::new(id, type_id) }
}

pub fn wire(from: &str, to: &str) -> Connection {
    Connection { from_node: from.into(), from_port: "out".into(), to_node: to.into(), to_port: "in".into() }
}

/// osc → osc_g → out, gain 0, `gate` opening the gain.
pub fn voice(name: &str, freq: f64) -> RawGraph {
    let gain = format!("{name}_g");
    RawGraph {
        nodes: vec![
            node("out", "dac", &[]),
            node(name, "oscillator", &[("freq", freq)]),
            node(&gain, "gain", &[("gain", 0.0)]),
        ],
        connections: vec![wire(name, &gain), wire(&gain, "out")],
        exposed_controls: [
            (format!("{name}/gate"), (gain.clone(), "gain".to_owned())),
            (format!("{name}/freq"), (name.to_owned(), "freq".to_owned())),
        ]
        .into(),
    }
}

pub fn play(slot: &str, pattern: Pattern) -> Edit {
    Edit::SetPattern { slot: slot.into(), pattern, from_zero: false, origin: None, swing: None }
}

pub fn hits(label: &str, n: usize) -> Pattern {
    builders::hit(label) * n
}

/// Samples at which exact silence ends.
pub fn onsets(samples: &[f32]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut silent = 1000;
    for (i, x) in samples.iter().enumerate() {
        if *x == 0.0 {
            silent += 1;
        } else {
            if silent >= 100 {
                found.push(i);
            }
            silent = 0;
        }
    }
    found
}

/// Nodes and wires as a graph, nothing exposed.
pub fn graph(nodes: Vec<GraphNode>, wires: &[(&str, &str)]) -> RawGraph {
    let connections = wires.iter().map(|(a, b)| wire(a, b)).collect();
    RawGraph { nodes, connections, exposed_controls: Default::default() }
}

/// The largest difference between neighbours.
pub fn largest_step(samples: &[f32]) -> f32 {
    samples.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max)
}

/// The first sample that differs in its bits.
pub fn first_difference(a: &[f32], b: &[f32]) -> Option<usize> {
    assert_eq!(a.len(), b.len());
    (0..a.len()).find(|&i| a[i].to_bits() != b[i].to_bits())
}

pub fn set(label: &str, value: f64) -> Edit {
    Edit::SetControl { label: label.into(), value }
}

impl Rig {
    /// A stretch of blocks in which the control side does not listen.
    pub fn unheard(&mut self, frames: usize, blocks: &[usize]) -> [Vec<f32>; 2] {
        let engine = std::mem::replace(&mut self.engine, Engine::new(Registry::new()));
        let out = self.render(frames, blocks);
        self.engine = engine;
        out
    }

    /// A block after which the control side does not listen.
    pub fn process_unheard(&mut self, frames: usize) {
        let engine = std::mem::replace(&mut self.engine, Engine::new(Registry::new()));
        self.block(frames);
        self.engine = engine;
    }

    /// A few blocks: what was sent has been heard, what waits for its time still waits.
    pub fn settle_while_playing(&mut self) {
        for _ in 0..4 {
            self.block(64);
        }
    }

    /// Blocks until nothing is in flight; how many it took.
    pub fn settle(&mut self) -> usize {
        for blocks in 0..2000 {
            if !self.engine.busy() {
                return blocks;
            }
            self.block(256);
        }
        panic!("the engine does not come to rest");
    }
}
