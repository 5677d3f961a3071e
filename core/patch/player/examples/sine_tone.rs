//! 440 Hz, built in code: `cargo run --example sine_tone` (`-o out.wav` where there is no sound card).

use krach_patch::{Fault, ModuleGraph};
use patches_player::{Options, play};

fn patch() -> Result<ModuleGraph, Fault> {
    let mut graph = ModuleGraph::new();
    graph.add("osc", "SineOscillator")?;
    graph.set("osc", "frequency", 440.0)?;
    graph.add("out", "AudioOut")?;
    graph.connect("osc", "out", "out", "left", 0.5)?;
    graph.connect("osc", "out", "out", "right", 0.5)?;
    Ok(graph)
}

fn main() -> Result<(), String> {
    run(&Options::read(std::env::args_os().skip(1))?)
}

/// Plays it.
pub fn run(options: &Options) -> Result<(), String> {
    let graph = patch().map_err(|fault| fault.to_string())?;
    let mut waits = Some(graph);
    play(options, 2.0, |_, engine| match waits.take() {
        Some(graph) => engine.load(&graph).map_err(|fault| fault.to_string()),
        None => Ok(()),
    })
}
