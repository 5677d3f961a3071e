//! What a slot costs per block of 256 frames at 48 kHz, the whole way from the host's transport to the
//! control that its events set; and what a slot costs that is hushed, or whose pattern is silent for a while. One core,
//! the best of many blocks of every part of a cycle; the time of the same engine without these slots is taken off.

use krach_core::clock::{HostTransport, TransportAt};
use krach_core::engine::*;
use krach_core::node::Registry;
use krach_core::processor::{Block, MidiOut, Processor};
use krach_patterns::{Pattern, builders::*};
use std::hint::black_box;
use std::time::Instant;

const RATE: f64 = 48_000.0;
const FRAMES: usize = 256;
/// Blocks of one cycle of two seconds.
const BLOCKS: usize = 375;
/// Cycles of which the best time of each block counts.
const CYCLES: usize = 40;

struct Host {
    engine: Engine,
    processor: Processor,
    played: i64,
    midi: MidiOut,
}

impl Host {
    /// A gain into the output: the cheapest graph that has a control.
    fn new() -> Self {
        let mut engine = Engine::new(Registry::with_builtins());
        let processor = engine.activate(RATE, FRAMES);
        let mut host = Self { engine, processor, played: 0, midi: MidiOut::with_capacity(4096) };
        let mut graph = RawGraph::default();
        for (id, type_id) in [("v", "gain"), ("out", "dac")] {
            graph.nodes.push(GraphNode::new(id, type_id));
        }
        let name = |s: &str| s.to_owned();
        graph.connections.push(Connection {
            from_node: name("v"),
            from_port: name("out"),
            to_node: name("out"),
            to_port: name("in"),
        });
        graph.exposed_controls.insert(name("gate"), (name("v"), name("gain")));
        host.edit(Edit::LoadGraph(graph));
        host
    }

    fn edit(&mut self, edit: Edit) {
        self.engine.edit(edit, At::Now).expect("the edit is right");
        self.engine.tick();
        while self.engine.busy() {
            self.block();
            self.engine.tick();
        }
    }

    fn block(&mut self) {
        let (mut left, mut right) = ([0.0; FRAMES], [0.0; FRAMES]);
        let transport = HostTransport {
            playing: true,
            tempo: Some(120.0),
            beats: Some(self.played as f64 / 24_000.0),
            ..HostTransport::default()
        };
        self.midi.clear();
        self.processor.process(Block {
            frames: FRAMES,
            transport: &[TransportAt { offset: 0, transport }],
            offline: false,
            input: [&[], &[]],
            main: [&mut left, &mut right],
            stems: &mut [],
            params: &[],
            played: &[],
            midi_out: &mut self.midi,
        });
        black_box((left, right));
        self.played += FRAMES as i64;
    }

    /// Plays a pattern on so many slots.
    fn play(&mut self, name: &str, count: usize, pattern: &Pattern) {
        for slot in 0..count {
            let (slot, pattern) = (format!("{name}{slot}"), pattern.clone());
            self.edit(Edit::SetPattern { slot, pattern, from_zero: false, origin: None, swing: None });
        }
    }

    /// Mean over the blocks of a cycle of the best time of each, in ns.
    fn time(&mut self) -> f64 {
        // From a cycle's beginning on.
        let cycle = (BLOCKS * FRAMES) as i64;
        self.played = (self.played + cycle - 1) / cycle * cycle;
        let mut best = vec![f64::INFINITY; BLOCKS];
        for _ in 0..CYCLES {
            for best in &mut best {
                let begin = Instant::now();
                self.block();
                *best = best.min(begin.elapsed().as_nanos() as f64);
            }
        }
        best.iter().sum::<f64>() / BLOCKS as f64
    }
}

fn main() {
    let sequence =
        |k: u32| cat((0..16).map(|i| if (i * k).is_multiple_of(3) { rest() } else { hit("gate") }).collect());
    let cases: [(&str, Pattern); 4] = [
        ("(a) hit*4", hit("gate") * 4),
        ("(b) 16 hits, swing, thin", (hit("gate") * 16).swing(0.6, 8).thin(0.3, 1)),
        ("(c) euclid 7/16, every 4", hit("gate").spread(7, 16).every(4, Pattern::rev)),
        ("(d) stack of 8 × 16", stack((1..=8).map(sequence).collect())),
    ];
    let period = FRAMES as f64 / RATE * 1e9;
    let idle = Host::new().time();
    println!("no slots: {idle:.0} ns per block of {FRAMES} frames, which last {:.1} µs", period / 1e3);
    println!("{:<28}{:>16}{:>16}{:>22}", "pattern", "ns, 1 slot", "ns/slot of 64", "64 slots, of a block");
    for (name, pattern) in cases {
        let mut host = Host::new();
        let mut slot_times = [0.0; 2];
        for (count, time) in [1, 64].into_iter().zip(&mut slot_times) {
            host.play("s", count, &pattern);
            *time = host.time() - idle;
        }
        let [one, all] = slot_times;
        println!("{name:<28}{one:>16.0}{:>16.0}{:>21.2}%", all / 64.0, 100.0 * all / period);
    }
    println!("{:<28}{:>16}{:>16}{:>22}", "silent", "ns, 1 slot", "ns/slot of 64", "of 64 beside 64 of (a)");
    // One hit in 512 cycles: what is measured lies between two of them.
    let rare = hit("gate").over(512.0).shift(256.0);
    for (name, pattern, hushed) in [
        ("(e) hushed, 16 hits", hit("gate") * 16, true),
        ("(f) a hit in 512 cycles", rare, false),
        ("(g) a rest", rest(), false),
    ] {
        let add = |host: &mut Host, count: usize| {
            host.play("q", count, &pattern);
            for slot in 0..count {
                if hushed {
                    host.edit(Edit::Hush { slot: format!("q{slot}") });
                }
            }
        };
        let alone = [1, 64].map(|count| {
            let mut host = Host::new();
            add(&mut host, count);
            host.time() - idle
        });
        let mut host = Host::new();
        host.play("s", 64, &(hit("gate") * 4));
        let playing = host.time();
        add(&mut host, 64);
        let beside = (host.time() - playing) / 64.0;
        println!("{name:<28}{:>16.1}{:>16.2}{:>22.2}", alone[0], alone[1] / 64.0, beside);
    }
}
