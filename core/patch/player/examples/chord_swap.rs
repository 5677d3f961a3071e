//! One second of C4 and E4, then C4 and F4: C4 keeps its phase. `cargo run --example chord_swap`.

use krach_patch::{Fault, ModuleGraph};
use patches_player::{Options, play};

const C4: f32 = 261.625_58;
const E4: f32 = 329.627_56;
const F4: f32 = 349.228_24;

/// C4 and another note, which is a node of its own name.
fn chord(name: &str, hz: f32) -> Result<ModuleGraph, Fault> {
    let mut graph = ModuleGraph::new();
    graph.add("mix", "Sum")?;
    graph.add("out", "AudioOut")?;
    for (id, hz, input) in [("c", C4, "in/0"), (name, hz, "in/1")] {
        graph.add(id, "SineOscillator")?;
        graph.set(id, "frequency", hz)?;
        graph.connect(id, "out", "mix", input, 0.3)?;
    }
    graph.connect("mix", "out", "out", "left", 1.0)?;
    graph.connect("mix", "out", "out", "right", 1.0)?;
    Ok(graph)
}

fn main() -> Result<(), String> {
    run(&Options::read(std::env::args_os().skip(1))?)
}

/// Plays it.
pub fn run(options: &Options) -> Result<(), String> {
    let told = |fault: Fault| fault.to_string();
    let (first, second) = (chord("e", E4).map_err(told)?, chord("f", F4).map_err(told)?);
    let mut score = vec![(1.0, second), (0.0, first)];
    play(options, 2.0, |seconds, engine| {
        if let Some((_, graph)) = score.pop_if(|(at, _)| seconds >= *at) {
            engine.load(&graph).map_err(told)?;
        }
        Ok(())
    })
}
