//! How fast queries are, next to a plain recursive model over reduced fractions in the same run:
//!
//! ```text
//! cargo bench -p krach-patterns
//! ```
//!
//! *block*: `onsets` for windows of 1/400 cycle one after the other, as the audio thread asks (2048
//! frames at 48 kHz are 1/47 of a two-second cycle, 240 frames 1/400). *cycle*: `onsets` of whole
//! cycles, per event. The model allocates and computes with `Ratio<i64>`, as a direct reading of
//! the definitions would.

use std::hint::black_box;
use std::time::Instant;

use krach_patterns::{EventBuffer, Pattern, Span, Time, builders::*, compile, euclid_hits};

/// Windows per cycle, as blocks of about 5 ms cut a two-second cycle.
const BLOCKS: i64 = 400;

fn main() {
    let sequence =
        |k: u32| cat((0..16).map(|i| if (i * k).is_multiple_of(3) { rest() } else { hit("gate") }).collect());
    let cases: [(&str, Pattern); 5] = [
        ("hit*4", hit("gate") * 4),
        ("16 hits, swing, thin", (hit("gate") * 16).swing(0.6, 8).thin(0.3, 1)),
        ("euclid 7/16, every 4 rev", hit("gate").spread(7, 16).every(4, Pattern::rev)),
        ("stack of 8 × 16", stack((1..=8).map(sequence).collect())),
        (
            "stack of 8 × 16 notes",
            stack((0..8).map(|v| cat((0..16).map(|i| note(40 + v + i)).collect())).collect()),
        ),
    ];
    println!(
        "{:<26}{:>12}{:>12}{:>9}{:>14}{:>14}{:>9}",
        "pattern", "ns/block", "model", "ratio", "M events/s", "model", "ratio"
    );
    for (name, pattern) in cases {
        let program = compile(&pattern).unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut out = EventBuffer::with_capacity(8192);

        let mut blocks = |rounds: i64, model: bool| {
            let mut events = 0;
            let begin = Instant::now();
            for i in 0..rounds {
                let at = |i: i64| Time::new_raw((i << 20) / BLOCKS, 1 << 20);
                let window = Span::new(at(i), at(i + 1));
                if model {
                    events += black_box(naive(&pattern, window.begin.reduced(), window.end.reduced())).len();
                } else {
                    out.clear();
                    let _ = program.onsets(black_box(window), 0, &mut out);
                    events += black_box(out.as_slice()).len();
                }
            }
            black_box(events);
            begin.elapsed().as_nanos() as f64 / rounds as f64
        };
        blocks(40_000, false);
        let block = blocks(400_000, false);
        let block_model = blocks(4_000, true);

        let mut cycles = |rounds: i64, model: bool| {
            let mut events = 0;
            let begin = Instant::now();
            for cycle in 0..rounds {
                let window = black_box(Span::cycle(cycle));
                if model {
                    events += black_box(naive(&pattern, window.begin, window.end)).len();
                } else {
                    out.clear();
                    let _ = program.onsets(window, 0, &mut out);
                    events += black_box(out.as_slice()).len();
                }
            }
            events as f64 / begin.elapsed().as_secs_f64() / 1e6
        };
        cycles(500, false);
        let rate = cycles(5_000, false);
        let rate_model = cycles(200, true);
        println!(
            "{name:<26}{block:>12.1}{block_model:>12.1}{:>8.1}x{rate:>14.1}{rate_model:>14.2}{:>8.1}x",
            block_model / block,
            rate / rate_model
        );
    }
}

#[derive(Clone, Copy)]
struct Plain {
    whole: (Time, Time),
    part: (Time, Time),
    unit: (Time, Time),
    frozen: bool,
}

fn pieces(a: Time, b: Time) -> impl Iterator<Item = (Time, Time, Time)> {
    let first = a.floor().to_integer();
    let last = b.ceil().to_integer();
    (first..last).map(move |c| {
        let (lo, hi) = (Time::from_integer(c), Time::from_integer(c + 1));
        (lo, a.max(lo), b.min(hi))
    })
}

fn map(events: Vec<Plain>, f: impl Fn(Time) -> Time) -> Vec<Plain> {
    let two = |(a, b)| (f(a), f(b));
    events
        .into_iter()
        .map(|e| Plain { whole: two(e.whole), part: two(e.part), unit: two(e.unit), frozen: e.frozen })
        .collect()
}

/// The definitions, word by word, for the operators of the cases above.
fn naive(p: &Pattern, a: Time, b: Time) -> Vec<Plain> {
    let one = Time::from_integer(1);
    match p {
        Pattern::Atom { .. } => pieces(a, b)
            .map(|(c, x, y)| Plain { whole: (c, c + one), part: (x, y), unit: (c, c + one), frozen: false })
            .collect(),
        Pattern::Stack { children, .. } => children.iter().flat_map(|c| naive(c, a, b)).collect(),
        Pattern::Cat { children, .. } => {
            let steps: Vec<(usize, &Pattern)> = children.iter().enumerate().collect();
            step(&steps, children.len(), a, b)
        }
        Pattern::Euclid { pulses, steps, rotation, child, .. } => {
            let hits: Vec<(usize, &Pattern)> = euclid_hits(*pulses, *steps, *rotation)
                .iter()
                .map(|&h| (h as usize, child.as_ref()))
                .collect();
            step(&hits, *steps as usize, a, b)
        }
        Pattern::Freeze { child, .. } => pieces(a, b)
            .flat_map(|(c, x, y)| {
                let mut events = naive(child, x, y);
                events.iter_mut().for_each(|e| (e.unit, e.frozen) = ((c, c + one), true));
                events
            })
            .collect(),
        Pattern::Every { n, transform, child, .. } => pieces(a, b)
            .flat_map(|(c, x, y)| {
                naive(if c.to_integer() % i64::from(*n) == 0 { transform } else { child }, x, y)
            })
            .collect(),
        Pattern::Degrade { prob, seed, child, .. } => {
            let mut events = naive(child, a, b);
            events.retain(|e| {
                let h = |a: u64, b: u64| {
                    a.wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(b)
                        .wrapping_mul(1_442_695_040_888_963_407)
                };
                let h = h(*seed, h(*e.unit.0.numer() as u64, *e.unit.0.denom() as u64));
                (h % 10_000) as f64 / 10_000.0 >= *prob
            });
            events
        }
        Pattern::Rev { child, .. } => pieces(a, b)
            .flat_map(|(c, x, y)| {
                let axis = c + c + one;
                let mut events: Vec<Plain> = naive(child, c, c + one)
                    .into_iter()
                    .flat_map(|e| map(vec![e], |t| t + axis - e.unit.0 - e.unit.1))
                    .collect();
                events.iter_mut().for_each(|e| e.part = (e.part.0.max(x), e.part.1.min(y)));
                events.retain(|e| e.part.0 < e.part.1);
                events
            })
            .collect(),
        Pattern::Warp { amount, grid, child, .. } => {
            let amount = Time::new((amount * 100.0).round() as i64, 100);
            let (pair, half) = (Time::new(2, i64::from(*grid)), Time::new(1, 2));
            let two = Time::from_integer(2);
            let bend = |t: Time| {
                let number = (t / pair).floor();
                let x = t / pair - number;
                let y = if x < half { x * two * amount } else { amount + (x - half) * two * (one - amount) };
                (number + y) * pair
            };
            let unbend = |t: Time| {
                let number = (t / pair).floor();
                let y = t / pair - number;
                let x = if y < amount {
                    y / (two * amount)
                } else {
                    half + (y - amount) / (two * (one - amount))
                };
                (number + x) * pair
            };
            map(naive(child, unbend(a), unbend(b)), bend)
        }
        _ => Vec::new(),
    }
}

fn step(steps: &[(usize, &Pattern)], n: usize, a: Time, b: Time) -> Vec<Plain> {
    let n = Time::from_integer(n as i64);
    let mut all = Vec::new();
    for (c, x, y) in pieces(a, b) {
        for (i, step) in steps {
            let lo = c + Time::from_integer(*i as i64) / n;
            let hi = c + Time::from_integer(*i as i64 + 1) / n;
            let (x, y) = (x.max(lo), y.min(hi));
            if x < y {
                let events = naive(step, (x - lo) * n + c, (y - lo) * n + c);
                all.append(&mut map(events, |t| (t - c) / n + lo));
            }
        }
    }
    all
}
