//! What a patch costs, in nanoseconds per sample on one core, beside the same modules called one by one for each
//! sample through a trait object, in the same run:
//!
//! ```text
//! cargo bench -p krach-patch --bench patch
//! ```
//!
//! The best of many short runs each, since other programs only ever make one slower.

use std::cell::Cell;
use std::hint::black_box;
use std::time::Instant;

use krach_patch::harness::Bare;
use krach_patch::{ModuleGraph, Planner, Processor, factory, modules, yaml_to_graph};

const RATE: f64 = 48_000.0;
const BLOCK: usize = 256;
const BLOCKS: usize = 4;
const RUNS: usize = 600;

fn best(mut round: impl FnMut()) -> f64 {
    let runs = (0..RUNS).map(|_| {
        let begin = Instant::now();
        round();
        begin.elapsed().as_nanos() as f64
    });
    runs.fold(f64::INFINITY, f64::min)
}

fn planned(graph: &ModuleGraph) -> f64 {
    let mut processor = Processor::new();
    let plan = Planner::new(RATE).plan(graph).unwrap().unwrap();
    assert!(processor.adopt(plan).is_ok());
    let (mut left, mut right) = ([0.0; BLOCK], [0.0; BLOCK]);
    let input = [0.0; BLOCK];
    best(|| {
        for _ in 0..BLOCKS {
            processor.render(None, [&input, &input], [&mut left, &mut right]);
            black_box(&left);
        }
    }) / (BLOCK * BLOCKS) as f64
}

/// Two buffers that change places: on each sample each module reads one and writes the other.
fn called_one_by_one(graph: &ModuleGraph) -> f64 {
    let mut bare = Bare::new(graph, RATE);
    let sum = Cell::new(0.0);
    best(|| {
        for _ in 0..BLOCK * BLOCKS {
            let [left, right] = bare.step();
            sum.set(sum.get() + left + right);
        }
        black_box(sum.get());
    }) / (BLOCK * BLOCKS) as f64
}

/// `count` copies of a patch into one AudioOut.
fn times(graph: &ModuleGraph, count: usize) -> ModuleGraph {
    let mut all = ModuleGraph::new();
    all.add("out", "AudioOut").unwrap();
    for side in ["left", "right"] {
        all.add_shaped(side, "Sum", Some(count as i64), None).unwrap();
        all.connect(side, "out", "out", side, 1.0 / count as f32).unwrap();
    }
    for copy in 0..count {
        let id = |id: &str| format!("{id}{copy}");
        for (name, node) in graph.nodes().filter(|(name, _)| *name != "out") {
            all.copy(&id(name), node).unwrap();
        }
        for cable in graph.cables() {
            let (to, input) = if cable.to == "out" {
                (cable.input.clone(), format!("in/{copy}"))
            } else {
                (id(cable.to), cable.input.clone())
            };
            all.connect(&id(cable.from), &cable.output, &to, &input, cable.scale).unwrap();
        }
    }
    all
}

/// Adoption of a plan, every node of which survives, in microseconds.
fn adoption(graph: &ModuleGraph) -> f64 {
    let mut planner = Planner::new(RATE);
    let mut processor = Processor::new();
    let mut least = f64::INFINITY;
    for _ in 0..400 {
        let plan = planner.plan(graph).unwrap().unwrap();
        let serial = plan.serial();
        let begin = Instant::now();
        let retired = processor.adopt(plan);
        let time = begin.elapsed().as_nanos() as f64 / 1_000.0;
        least = least.min(time);
        assert!(retired.is_ok());
        planner.adopted(serial);
    }
    least
}

fn main() {
    let demo = yaml_to_graph(factory::find("demo_synth").unwrap()).unwrap();
    let eight = times(&demo, 8);
    let fifty = times(&demo, 5);
    let silent = {
        let mut graph = times(&demo, 8);
        graph.disconnect("out", "left").unwrap();
        graph.disconnect("out", "right").unwrap();
        graph
    };
    println!("{:<34}{:>12}{:>14}{:>9}", "patch", "ns/sample", "one by one", "share");
    for (name, graph) in [("demo_synth", &demo), ("eight times demo_synth", &eight)] {
        let (planned, bare) = (planned(graph), called_one_by_one(graph));
        println!("{name:<34}{planned:>12.1}{bare:>14.1}{:>8.0} %", 100.0 * planned / bare);
    }
    for (name, text) in factory::PATCHES {
        let graph = yaml_to_graph(text).unwrap();
        println!("{name:<34}{:>12.1}", planned(&graph));
    }
    for module in modules::ALL.iter().filter(|module| !module.outputs.is_empty()) {
        let mut graph = ModuleGraph::new();
        graph.add("it", module.name).unwrap();
        graph.add("out", "AudioOut").unwrap();
        graph.connect("it", module.outputs[0].name, "out", "left", 1.0).unwrap();
        println!("{:<34}{:>12.1}", format!("{} alone", module.name), planned(&graph));
    }
    println!("{:<34}{:>12.1}", "eight times, connected to nothing", planned(&silent));
    println!("{:<34}{:>12.2} µs", format!("adopting {} modules", fifty.nodes().count()), adoption(&fifty));
}
