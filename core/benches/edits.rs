//! What an edit costs the control thread in sessions of 10 to 2,046 nodes, from the edit until audio has all that
//! follows from it. Median of many, so that other work on the machine counts little. Words on the command
//! line take only the edits of these names.

use krach_core::clock::{HostTransport, TransportAt};
use krach_core::engine::*;
use krach_core::ir::{RouteIr, RouteKind, Source};
use krach_core::limits::MAX_NODES;
use krach_core::node::Registry;
use krach_core::processor::{Block, MidiOut, Processor};
use krach_patterns::builders;
use std::time::{Duration, Instant};

const RATE: f64 = 48_000.0;
const BLOCK: usize = 256;
/// The last is as many as there may be, less the one that `node` brings: each has a fader, and there are a master and an
/// output, which makes 4,096 nodes of the lowered graph.
const SIZES: [usize; 4] = [10, 100, 1_000, MAX_NODES / 2 - 2];

struct Host {
    engine: Engine,
    processor: Processor,
    midi: MidiOut,
}

impl Host {
    fn with_nodes(nodes: usize) -> Self {
        let mut engine = Engine::new(Registry::with_builtins());
        let batch = (0..nodes).map(|n| Edit::Nodes(vec![set(&format!("n{n}"))])).collect();
        engine.edit(Edit::Batch(batch), At::Now).expect("nodes");
        let processor = engine.activate(RATE, BLOCK);
        Self { engine, processor, midi: MidiOut::with_capacity(16) }
    }

    fn block(&mut self) {
        let (mut left, mut right) = ([0.0; BLOCK], [0.0; BLOCK]);
        let transport = HostTransport::default();
        self.processor.process(Block {
            frames: BLOCK,
            transport: &[TransportAt { offset: 0, transport }],
            offline: false,
            input: [&[], &[]],
            main: [&mut left, &mut right],
            stems: &mut [],
            params: &[],
            played: &[],
            midi_out: &mut self.midi,
        });
    }

    fn settle(&mut self) {
        self.engine.tick();
        while self.engine.busy() {
            self.block();
            self.engine.tick();
        }
    }

    /// Time of the control thread for one edit, without that of audio.
    fn time(&mut self, edit: Edit) -> Duration {
        let start = Instant::now();
        self.engine.edit(edit, At::Now).expect("the edit is right");
        self.engine.tick();
        let mut spent = start.elapsed();
        while self.engine.busy() {
            self.block();
            let start = Instant::now();
            self.engine.tick();
            spent += start.elapsed();
        }
        spent
    }
}

fn set(name: &str) -> NodeEdit {
    let node = krach_core::ir::NodeIr {
        name: name.to_owned(),
        source: Source::Type("gain".to_owned()),
        ..Default::default()
    };
    NodeEdit::Set(Box::new(NodeSpec { node, ..NodeSpec::default() }))
}

fn send(to: usize) -> NodeEdit {
    NodeEdit::Connect(RouteIr {
        source: "n0".into(),
        target: format!("n{to}"),
        kind: RouteKind::Send,
        level: 0.5,
        port: String::new(),
        other: Default::default(),
    })
}

/// Makes the edit number `n`.
type Make = fn(usize) -> Edit;

/// Medians of the times of edits that are made in turn, in microseconds, by size and by edit. The sessions take turns, too:
/// what else the machine does meanwhile, and what it does to the caches, is the same to all.
fn medians(hosts: &mut [Host], count: usize, edits: &[(&str, Make)]) -> Vec<Vec<f64>> {
    let mut times = vec![vec![Vec::with_capacity(count); edits.len()]; hosts.len()];
    for n in 0..count {
        for (host, times) in hosts.iter_mut().zip(&mut times) {
            for (times, (_, edit)) in times.iter_mut().zip(edits) {
                host.settle();
                times.push(host.time(edit(n)).as_nanos() as f64 / 1e3);
            }
        }
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[count / 2]
    };
    times.iter_mut().map(|of_size| of_size.iter_mut().map(median).collect()).collect()
}

fn main() {
    let play: Make = |n| Edit::SetPattern {
        slot: "n1".into(),
        pattern: builders::control("gain", n as f64 / 1e3),
        from_zero: false,
        origin: None,
        swing: None,
    };
    let mute: Make = |n| Edit::Nodes(vec![NodeEdit::Mute { name: "n3".into(), on: n % 2 == 0 }]);
    let node: Make = |n| Edit::Nodes(vec![set(&format!("more{n}"))]);
    let remove: Make = |n| Edit::Nodes(vec![NodeEdit::Remove { name: format!("more{n}") }]);
    let connect: Make = |_| Edit::Nodes(vec![send(5)]);
    let disconnect: Make =
        |_| Edit::Nodes(vec![NodeEdit::Disconnect { source: "n0".into(), target: "n5".into(), port: None }]);
    let value: Make = |n| Edit::SetControl { label: "n2/gain".into(), value: n as f64 / 1e3 };
    let gain: Make = |n| Edit::SetControl { label: "n4_g/gain".into(), value: n as f64 / 1e3 };
    // Edits that need no plan, and those that need one, each beside the one that takes it back.
    let rounds: [(usize, &[(&str, Make)]); 6] = [
        (200, &[("set", value)]),
        (200, &[("gain", gain)]),
        (200, &[("play", play)]),
        (100, &[("mute", mute)]),
        (60, &[("node", node), ("remove", remove)]),
        (60, &[("connect", connect), ("disconnect", disconnect)]),
    ];
    let mut hosts: Vec<Host> = SIZES.iter().map(|&nodes| Host::with_nodes(nodes)).collect();
    println!("µs of the control thread, median; in brackets the ratio to {} nodes", SIZES[0]);
    print!("{:<12}", "nodes");
    SIZES.iter().for_each(|nodes| print!("{nodes:>20}"));
    println!();
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    for (count, edits) in rounds {
        if !asked.is_empty() && edits.iter().all(|(name, _)| asked.iter().all(|word| word != name)) {
            continue;
        }
        let times = medians(&mut hosts, count, edits);
        for (row, (name, _)) in edits.iter().enumerate() {
            print!("{name:<12}");
            for of_size in &times {
                let ratio = format!("({:.2})", of_size[row] / times[0][row]);
                print!("{:>11.1} {ratio:>8}", of_size[row]);
            }
            println!();
        }
    }
    drop(hosts);
    if !asked.is_empty() {
        return;
    }
    for count in [250, 1_000] {
        let mut host = Host::with_nodes(1);
        let start = Instant::now();
        for n in 0..count {
            host.time(Edit::Nodes(vec![set(&format!("one{n}"))]));
        }
        let each = start.elapsed().as_secs_f64() * 1e6 / count as f64;
        println!("{count} nodes one by one, with audio: {each:.0} µs each");
    }
    let batch = (0..1_000).map(|n| Edit::Nodes(vec![set(&format!("b{n}"))])).collect();
    let mut host = Host::with_nodes(1);
    println!("a batch of 1,000 nodes: {:.0} µs", host.time(Edit::Batch(batch)).as_nanos() as f64 / 1e3);
}
