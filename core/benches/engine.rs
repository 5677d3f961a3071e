//! Cost of the engine itself: blocks, swaps, sessions. The best of many runs, one core; CPU time is
//! what the system counted for this thread over all runs.

use krach_core::clock::{HostTransport, TransportAt};
use krach_core::engine::*;
use krach_core::node::Registry;
use krach_core::processor::{Block, MidiOut, Processor};
use krach_patterns::builders;
use std::hint::black_box;
use std::time::Instant;

const RATE: f64 = 48_000.0;
const BLOCK: usize = 256;

/// Nanoseconds of CPU that this thread has used, where the system tells.
fn cpu_time() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// Runs `prepare` and `work` in turn and prints the best time of `work`, and the CPU time per run of both.
/// Gives the best time in microseconds.
fn report<T>(name: &str, runs: usize, mut prepare: impl FnMut() -> T, mut work: impl FnMut(T)) -> f64 {
    let cpu = cpu_time();
    let mut best = f64::INFINITY;
    for _ in 0..runs {
        let given = prepare();
        let start = Instant::now();
        work(given);
        best = best.min(start.elapsed().as_nanos() as f64);
    }
    let cpu = match (cpu, cpu_time()) {
        (Some(before), Some(after)) => {
            format!("{:>9.2} µs CPU per run", (after - before) as f64 / 1e3 / runs as f64)
        }
        _ => String::new(),
    };
    println!("{name:<52} {:>10.2} µs best {cpu}", best / 1e3);
    best / 1e3
}

struct Host {
    engine: Engine,
    processor: Processor,
    played: i64,
    midi: MidiOut,
}

impl Host {
    fn new() -> Self {
        let mut engine = Engine::new(Registry::with_builtins());
        let processor = engine.activate(RATE, BLOCK);
        Self { engine, processor, played: 0, midi: MidiOut::with_capacity(16) }
    }

    fn edit(&mut self, edit: Edit) {
        self.engine.edit(edit, At::Now).expect("the edit is right");
    }

    fn block(&mut self, frames: usize) {
        let (mut left, mut right) = ([0.0; BLOCK], [0.0; BLOCK]);
        let transport = HostTransport {
            playing: true,
            tempo: Some(120.0),
            beats: Some(self.played as f64 / 24_000.0),
            ..HostTransport::default()
        };
        self.processor.process(Block {
            frames,
            transport: &[TransportAt { offset: 0, transport }],
            offline: false,
            input: [&[], &[]],
            main: [&mut left[..frames], &mut right[..frames]],
            stems: &mut [],
            params: &[],
            played: &[],
            midi_out: &mut self.midi,
        });
        black_box((left, right));
        self.played += frames as i64;
    }

    fn settle(&mut self) {
        self.engine.tick();
        while self.engine.busy() {
            self.block(BLOCK);
            self.engine.tick();
        }
    }

    /// The best of many blocks.
    fn report(&mut self, name: &str) -> f64 {
        self.settle();
        report(name, 4000, || (), |()| self.block(BLOCK))
    }
}

fn node(id: String, type_id: &str) -> GraphNode {
    GraphNode::new(&id, type_id)
}

fn wire(from: &str, to: &str) -> Connection {
    let name = |s: &str| s.to_owned();
    Connection { from_node: name(from), from_port: name("out"), to_node: name(to), to_port: name("in") }
}

/// `voices` times oscillator → gain → dac.
fn voices(voices: usize) -> RawGraph {
    let mut graph = RawGraph::default();
    graph.nodes.push(node("out".into(), "dac"));
    for v in 0..voices {
        let (osc, gain) = (format!("osc{v}"), format!("gain{v}"));
        graph.connections.extend([wire(&osc, &gain), wire(&gain, "out")]);
        graph.nodes.extend([node(osc, "oscillator"), node(gain, "gain")]);
    }
    graph
}

/// What meters and the measure of load cost the audio thread: the same blocks in turn, watched and not.
fn watched() {
    let mut host = Host::new();
    host.edit(Edit::LoadGraph(voices(8)));
    host.settle();
    let mut best = [f64::INFINITY; 2];
    for turn in 0..200 {
        let watch = (turn % 2 == 1).then(|| host.engine.link().watch());
        host.block(BLOCK);
        for _ in 0..100 {
            let start = Instant::now();
            host.block(BLOCK);
            best[turn % 2] = best[turn % 2].min(start.elapsed().as_nanos() as f64 / 1e3);
        }
        drop(watch);
    }
    let [plain, watched] = best;
    println!(
        "{:<52} {plain:>10.2} µs best, watched {watched:.2} µs: {:.2} of it",
        "16 nodes, block of 256, in turn",
        watched / plain
    );
}

/// What it costs to adopt a plan of 64 nodes, beside the time of a block of 16.
fn adoption(block: f64) {
    let mut host = Host::new();
    host.edit(Edit::LoadGraph(voices(32)));
    host.settle();
    let extra = || node("extra".into(), "gain");
    let host = std::cell::RefCell::new(host);
    let one_frame = || host.borrow_mut().block(1);
    let plain = report("one frame, 64 nodes", 2000, || (), |()| one_frame());
    let mut there = false;
    let change = || {
        there = !there;
        let edit =
            if there { GraphEdit::AddNode(extra()) } else { GraphEdit::RemoveNode { id: "extra".into() } };
        let mut host = host.borrow_mut();
        host.settle();
        host.edit(Edit::Graph(vec![edit]));
        host.engine.tick();
    };
    let adopts = report("one frame and a plan of 64 nodes adopted", 2000, change, |()| one_frame());
    let name = "adoption of 64 nodes";
    println!(
        "{name:<52} {:>10.2} µs, {:.2} of a block of 16 nodes",
        adopts - plain,
        (adopts - plain) / block
    );
}

fn sessions() {
    let mut engine = Engine::new(Registry::with_builtins());
    for slot in 0..200 {
        let steps =
            (0..300).map(|k| builders::control(&format!("lead/control-{k}"), f64::from(k) / 7.0)).collect();
        let (slot, pattern) = (format!("slot {slot}"), builders::cat(steps));
        engine
            .edit(Edit::SetPattern { slot, pattern, from_zero: false, origin: None, swing: None }, At::Now)
            .expect("it compiles");
    }
    let saved = engine.save();
    println!("a session of {:.1} MB:", saved.len() as f64 / 1e6);
    report("  save", 20, || (), |()| drop(black_box(engine.save())));
    let mut other = Engine::new(Registry::with_builtins());
    report("  load, not active", 20, || (), |()| drop(black_box(other.load(&saved))));
}

fn large_graphs() {
    let mut host = Host::new();
    host.edit(Edit::LoadGraph(voices(1000)));
    host.settle();
    let host = std::cell::RefCell::new(host);
    let mut k = 0;
    let change = || {
        host.borrow_mut().settle();
        k += 1;
        node(format!("extra{k}"), "gain")
    };
    let edit = |node| {
        let mut host = host.borrow_mut();
        host.edit(Edit::Graph(vec![GraphEdit::AddNode(node)]));
        host.engine.tick();
    };
    report("one node more among 2000: edit, plan, send", 10, change, edit);
}

fn main() {
    Host::new().report("idle, block of 256");
    let mut host = Host::new();
    host.edit(Edit::LoadGraph(voices(8)));
    let block = host.report("16 nodes, block of 256");
    for slots in [16, 256] {
        for slot in 0..slots {
            let pattern = builders::control("gain0/gain", 0.5) * 16;
            host.edit(Edit::SetPattern {
                slot: format!("s{slot}"),
                pattern,
                from_zero: false,
                origin: None,
                swing: None,
            });
        }
        host.report(&format!("16 nodes and {slots} slots of 16 steps, block of 256"));
    }
    watched();
    adoption(block);
    sessions();
    large_graphs();
}
