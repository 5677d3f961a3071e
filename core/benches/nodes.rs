//! Cost of the built-in nodes in nanoseconds per frame: the best of many runs, one core.

use krach_core::limiter::Limiter;
use krach_core::node::{Change, CreateContext, Node, builtin_types};
use std::hint::black_box;
use std::time::Instant;

const BLOCK: usize = 256;
const BLOCKS: usize = 400;
const RUNS: usize = 25;
const RATE: f64 = 48_000.0;

/// Prints the best of [`RUNS`] runs of [`BLOCKS`] blocks.
fn report(name: &str, mut block: impl FnMut()) {
    let best = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..BLOCKS {
                block();
            }
            start.elapsed().as_nanos() as f64 / (BLOCK * BLOCKS) as f64
        })
        .fold(f64::INFINITY, f64::min);
    println!("{name:<36} {best:>7.2} ns/frame");
}

fn create(type_id: &str) -> Box<dyn Node> {
    let ty = builtin_types().into_iter().find(|ty| ty.decl().type_id == type_id).expect("a built-in type");
    ty.create(&CreateContext { sample_rate: RATE, max_frames: BLOCK }).expect("it can be created")
}

fn oscillator(name: &str, freq: f32, waveform: f32, each_block: Option<(usize, [f32; 2])>) {
    let mut node = create("oscillator");
    node.set(0, Change { value: freq, ramp: 0 });
    node.set(1, Change { value: waveform, ramp: 0 });
    node.reset();
    let mut out = [0.0; BLOCK];
    let mut odd = false;
    report(name, || {
        if let Some((control, values)) = each_block {
            odd = !odd;
            node.set(control, Change { value: values[usize::from(odd)], ramp: BLOCK as u32 });
        }
        node.render(&krach_core::node::Transport::STANDING, BLOCK, &[], &mut [&mut out]);
        black_box(&out);
    });
}

fn gain(name: &str, values: [f32; 2]) {
    let mut node = create("gain");
    let input = [0.5; BLOCK];
    let (mut left, mut right) = ([0.0; BLOCK], [0.0; BLOCK]);
    let mut odd = false;
    node.set(0, Change { value: values[0], ramp: 0 });
    node.reset();
    report(name, || {
        odd = !odd;
        node.set(0, Change { value: values[usize::from(odd)], ramp: BLOCK as u32 });
        node.render(
            &krach_core::node::Transport::STANDING,
            BLOCK,
            &[black_box(&input), &input],
            &mut [&mut left, &mut right],
        );
        black_box((&left, &right));
    });
}

fn limiter(name: &str, level: f32) {
    let mut limiter = Limiter::new(RATE);
    let (mut left, mut right) = ([0.0; BLOCK], [0.0; BLOCK]);
    report(name, || {
        left.fill(level);
        right.fill(-level);
        limiter.process(black_box(&mut left), &mut right);
        black_box((&left, &right));
    });
}

fn main() {
    for (waveform, name) in [(0.0, "sine"), (1.0, "saw"), (2.0, "square")] {
        for freq in [55.0, 440.0, 4_000.0, 20_000.0] {
            oscillator(&format!("oscillator {name} {freq} Hz"), freq, waveform, None);
        }
        oscillator(&format!("oscillator {name} freq ramp"), 440.0, waveform, Some((0, [220.0, 440.0])));
    }
    oscillator("oscillator square width ramp", 440.0, 2.0, Some((3, [0.2, 0.8])));
    oscillator("oscillator saw amp ramp", 440.0, 1.0, Some((2, [0.2, 0.8])));
    oscillator("oscillator saw/square crossfade", 440.0, 1.0, Some((1, [2.0, 1.0])));
    gain("gain at rest, 1", [1.0; 2]);
    gain("gain at rest, 0.5", [0.5; 2]);
    gain("gain ramp", [0.2, 0.8]);
    limiter("limiter at rest", 0.5);
    limiter("limiter at work", 3.0);
}
