//! What a switch of scenes costs: the audio thread's block in which it happens beside one in which nothing does, and the
//! control thread's work until all scenes are ready again. Each is played a hundred times; median and worst.

use krach_core::clock::{HostTransport, TransportAt};
use krach_core::edit::SceneEdit;
use krach_core::engine::*;
use krach_core::ir::{NodeIr, Source};
use krach_core::node::Registry;
use krach_core::processor::{Block, MidiOut, ParamEvent, ParamId, Processor, place_of_scene};
use krach_patterns::builders;
use std::time::{Duration, Instant};

const BLOCK: usize = 64;
const SWITCHES: usize = 100;

struct Host {
    engine: Engine,
    processor: Processor,
    midi: MidiOut,
    beats: f64,
}

impl Host {
    /// Scenes of so many nodes each, of which every second is in all of them.
    fn with(scenes: u8, nodes: usize) -> Self {
        let mut engine = Engine::new(Registry::with_builtins());
        for number in 1..=scenes {
            let set = |n: usize| {
                let of = if n.is_multiple_of(2) { "both".to_owned() } else { format!("s{number}") };
                let name = format!("{of}/n{n}");
                let node = NodeIr { name, source: Source::Type("oscillator".into()), ..NodeIr::default() };
                NodeEdit::Set(Box::new(NodeSpec { node, ..NodeSpec::default() }))
            };
            let old: Vec<NodeEdit> =
                engine.session().nodes.iter().map(|n| NodeEdit::Remove { name: n.name.clone() }).collect();
            engine
                .edit(
                    Edit::Batch(vec![Edit::Nodes(old), Edit::Nodes((0..nodes).map(set).collect())]),
                    At::Now,
                )
                .expect("nodes");
            for n in 0..nodes.min(8) {
                let of = if n.is_multiple_of(2) { "both".to_owned() } else { format!("s{number}") };
                let slot = format!("{of}/n{n}");
                let pattern = builders::control("amp", 0.01 * f64::from(number)) * 4;
                engine
                    .edit(
                        Edit::SetPattern { slot, pattern, from_zero: false, origin: None, swing: None },
                        At::Now,
                    )
                    .expect("a pattern");
            }
            let name = format!("scene {number}");
            engine.edit(SceneEdit::Save { number, name, transport: false }.into(), At::Now).expect("a scene");
        }
        let processor = engine.activate(48_000.0, BLOCK);
        Self { engine, processor, midi: MidiOut::with_capacity(16), beats: 0.0 }
    }

    fn block(&mut self, scene: Option<u8>) -> Duration {
        let (mut left, mut right) = ([0.0; BLOCK], [0.0; BLOCK]);
        let transport = HostTransport {
            playing: true,
            tempo: Some(120.0),
            beats: Some(self.beats),
            ..HostTransport::default()
        };
        self.beats += BLOCK as f64 / 24_000.0;
        let event = scene.map(|number| ParamEvent {
            offset: 0,
            param: ParamId::Scene,
            value: place_of_scene(number),
            modulation: 0.0,
        });
        let start = Instant::now();
        self.processor.process(Block {
            frames: BLOCK,
            transport: &[TransportAt { offset: 0, transport }],
            offline: false,
            input: [&[], &[]],
            main: [&mut left, &mut right],
            stems: &mut [],
            params: event.as_slice(),
            played: &[],
            midi_out: &mut self.midi,
        });
        start.elapsed()
    }

    fn settle(&mut self) {
        for _ in 0..2_000 {
            self.engine.tick();
            if !self.engine.busy() {
                return;
            }
            self.block(None);
        }
    }
}

fn shown(mut times: Vec<f64>) -> String {
    times.sort_by(f64::total_cmp);
    format!("{:>8.1} (worst {:>7.1})", times[times.len() / 2], times[times.len() - 1])
}

fn main() {
    println!("µs, median (worst), of {SWITCHES} switches; blocks of {BLOCK} frames");
    for (scenes, nodes) in [(2, 8), (2, 16), (2, 32), (8, 32), (100, 16)] {
        let mut host = Host::with(scenes, nodes);
        host.settle();
        let (mut plain, mut switch, mut control) = (Vec::new(), Vec::new(), Vec::new());
        let mut late = 0;
        for turn in 0..SWITCHES {
            plain.push(host.block(None).as_nanos() as f64 / 1e3);
            let number = 1 + (turn % usize::from(scenes)) as u8;
            switch.push(host.block(Some(number)).as_nanos() as f64 / 1e3);
            let start = Instant::now();
            let notices = host.engine.tick();
            control.push(start.elapsed().as_nanos() as f64 / 1e3);
            late += notices.iter().filter(|n| matches!(n, Notice::Recalled { late: true, .. })).count();
            host.settle();
        }
        println!(
            "{scenes:>3} scenes of {nodes:>2} nodes: block {}, with a switch {}, control side {}, late {late}",
            shown(plain),
            shown(switch),
            shown(control)
        );
    }
}
