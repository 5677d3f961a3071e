//! What an edit costs the control thread in sessions of 10 to 1,000 nodes, from the edit until audio has all that
//! follows from it. Median of many, so that other work on the machine counts little.

use krach_core::clock::{HostTransport, TransportAt};
use krach_core::engine::*;
use krach_core::ir::{RouteIr, RouteKind, Source};
use krach_core::node::Registry;
use krach_core::processor::{Block, MidiOut, Processor};
use krach_patterns::builders;
use std::time::{Duration, Instant};

const RATE: f64 = 48_000.0;
const BLOCK: usize = 256;
const SIZES: [usize; 3] = [10, 100, 1_000];

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

/// Median of the times of edits, in microseconds.
fn median(host: &mut Host, count: usize, mut edit: impl FnMut(usize) -> Edit) -> f64 {
    let mut times: Vec<f64> = (0..count)
        .map(|n| {
            host.settle();
            host.time(edit(n)).as_nanos() as f64 / 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[count / 2]
}

fn main() {
    type Make = fn(usize) -> Edit;
    let play: Make = |n| Edit::SetPattern {
        slot: "n1".into(),
        pattern: builders::control("gain", n as f64 / 1e3),
        from_zero: false,
        origin: None,
        swing: None,
    };
    let mute: Make = |n| Edit::Nodes(vec![NodeEdit::Mute { name: "n3".into(), on: n % 2 == 0 }]);
    // Another node each time, and each twice: added, removed.
    let node: Make = |n| match n % 2 {
        0 => Edit::Nodes(vec![set(&format!("more{n}"))]),
        _ => Edit::Nodes(vec![NodeEdit::Remove { name: format!("more{}", n - 1) }]),
    };
    let connect: Make = |n| match n % 2 {
        0 => Edit::Nodes(vec![send(5)]),
        _ => Edit::Nodes(vec![NodeEdit::Disconnect { source: "n0".into(), target: "n5".into(), port: None }]),
    };
    let edits: [(&str, usize, Make); 6] = [
        ("set", 200, |n| Edit::SetControl { label: "n2/gain".into(), value: n as f64 / 1e3 }),
        ("gain", 200, |n| Edit::SetControl { label: "n4_g/gain".into(), value: n as f64 / 1e3 }),
        ("play", 200, play),
        ("mute", 40, mute),
        ("node, remove", 40, node),
        ("connect, disconnect", 40, connect),
    ];
    let mut hosts: Vec<Host> = SIZES.iter().map(|&nodes| Host::with_nodes(nodes)).collect();
    println!("µs of the control thread, median, at {SIZES:?} nodes:");
    for (name, count, make) in edits {
        let times: Vec<f64> = hosts.iter_mut().map(|host| median(host, count, make)).collect();
        let columns: Vec<String> = times.iter().map(|time| format!("{time:>10.1}")).collect();
        println!("{name:<24}{}   1,000 against 10: {:.2}", columns.join(""), times[2] / times[0]);
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
