//! How long the steps of a compile take, and what the code costs to run: quick tier and O2.

#[path = "../tests/support/mod.rs"]
mod support;

use krach_core::node::{CreateContext, NodeType};
use krach_faust::{Compiled, FaustType, Tier};
use std::time::Instant;
use support::*;

const RUNS: usize = 5;

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn nanoseconds_per_frame(compiled: &Compiled) -> f64 {
    let (ty, mut node) = node(compiled);
    let frames = 48_000;
    let inputs: Vec<Vec<f32>> = (0..channels(&ty.decl().inputs)).map(|at| noise(frames, at)).collect();
    let mut heard = vec![vec![0.0; frames]; channels(&ty.decl().outputs)];
    let runs = (0..RUNS).map(|_| {
        let started = Instant::now();
        play(&ty, &mut *node, 512, &inputs, (0, frames), &mut heard);
        started.elapsed().as_secs_f64() * 1e9 / frames as f64
    });
    median(runs.collect())
}

fn main() {
    println!(
        "| program | front ms | quick ms | O2 ms | link + create ms | quick ns/frame | O2 ns/frame | state B | code B |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for name in PROGRAMS {
        let run = |tier| {
            let all: Vec<Compiled> =
                (0..RUNS).map(|_| compile(&host_compiler(), &program(name), tier)).collect();
            let ms = |of: &dyn Fn(&Compiled) -> f64| median(all.iter().map(of).collect());
            let front = ms(&|compiled| compiled.timings.front.as_secs_f64() * 1e3);
            let back = ms(&|compiled| compiled.timings.back.as_secs_f64() * 1e3);
            (front, back, all[0].clone())
        };
        let (front, quick_ms, quick) = run(Tier::Quick);
        let (_, optimised_ms, optimised) = run(Tier::Optimised);
        let links = (0..RUNS).map(|_| {
            let started = Instant::now();
            let ty = FaustType::new(optimised.object.clone()).expect("described");
            ty.create(&CreateContext { sample_rate: RATE, max_frames: 512 }).expect("creates");
            started.elapsed().as_secs_f64() * 1e3
        });
        println!(
            "| {name} | {front:.0} | {quick_ms:.1} | {optimised_ms:.1} | {:.2} | {:.1} | {:.1} | {} | {} |",
            median(links.collect()),
            nanoseconds_per_frame(&quick),
            nanoseconds_per_frame(&optimised),
            optimised.object.state_size(),
            optimised.object.code_size(),
        );
    }
}
