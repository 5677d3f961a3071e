//! Sixteen steps of C minor pentatonic at 120 bpm, built in code: `cargo run --example demo_synth`.

use krach_patch::{Fault, ModuleGraph};
use patches_player::{Options, play};

fn patch() -> Result<ModuleGraph, Fault> {
    let mut graph = ModuleGraph::new();
    for (id, module) in [
        ("clock", "ClockSequencer"),
        ("seq", "StepSequencer"),
        ("glide", "Glide"),
        ("lfo", "Lfo"),
        ("saw", "SawtoothOscillator"),
        ("sq", "SquareOscillator"),
        ("mix", "Sum"),
        ("env", "AdsrEnvelope"),
        ("vca", "Vca"),
        ("out", "AudioOut"),
    ] {
        graph.add(id, module)?;
    }
    graph.set("clock", "bpm", 120.0)?;
    let steps =
        ["C3", "Eb3", "F3", "G3", "-", "Bb3", "_", "C4", "G3", "-", "F3", "Eb3", "C3", "_", "Bb2", "G2"];
    graph.set("seq", "steps", steps)?;
    graph.set("glide", "glide_ms", 60.0)?;
    graph.set("lfo", "rate", 0.4)?;
    for (param, value) in [("attack", 0.005), ("decay", 0.15), ("sustain", 0.6), ("release", 0.25)] {
        graph.set("env", param, value)?;
    }
    for (from, output, to, input, scale) in [
        ("clock", "semiquaver", "seq", "clock", 1.0),
        ("seq", "pitch", "glide", "in", 1.0),
        ("seq", "trigger", "env", "trigger", 1.0),
        ("seq", "gate", "env", "gate", 1.0),
        ("glide", "out", "saw", "voct", 1.0),
        ("glide", "out", "sq", "voct", 1.0),
        ("lfo", "triangle", "sq", "pulse_width", 0.8),
        ("saw", "out", "mix", "in/0", 0.3),
        ("sq", "out", "mix", "in/1", 0.3),
        ("mix", "out", "vca", "in", 1.0),
        ("env", "out", "vca", "cv", 1.0),
        ("vca", "out", "out", "left", 1.0),
        ("vca", "out", "out", "right", 1.0),
    ] {
        graph.connect(from, output, to, input, scale)?;
    }
    Ok(graph)
}

fn main() -> Result<(), String> {
    run(&Options::read(std::env::args_os().skip(1))?)
}

/// Plays it.
pub fn run(options: &Options) -> Result<(), String> {
    let mut waits = Some(patch().map_err(|fault| fault.to_string())?);
    play(options, 8.0, |_, engine| match waits.take() {
        Some(graph) => engine.load(&graph).map_err(|fault| fault.to_string()),
        None => Ok(()),
    })
}
