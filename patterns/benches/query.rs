//! How fast queries are, next to a plain recursive model over reduced fractions in the same run:
//!
//! ```text
//! cargo bench -p krach-patterns
//! ```
//!
//! *block*: `onsets` for one window after the other, as the audio thread asks for blocks of 256 frames at
//! 48 kHz and 120 bpm, 375 to a cycle. *cycle*: `onsets` of whole cycles, per event. The best of many runs
//! each, since other programs only ever make one slower. Patterns of operators on values and of changing numbers
//! follow, beside Strudel's where node and npm are here: whole cycles, one question for each. The model allocates and computes with `Ratio<i64>`,
//! as a direct reading of the definitions would.

#[path = "../tests/strudel/operators.rs"]
mod operators;

use std::collections::HashMap;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use krach_patterns::{EventBuffer, Pattern, Span, Time, builders::*, compile, euclid_hits};

/// Windows per cycle.
const BLOCKS: i64 = 375;
/// Runs of which the best counts.
const RUNS: usize = 25;

/// Nanoseconds per round, the best of [`RUNS`] times `rounds` rounds.
fn best(rounds: i64, mut round: impl FnMut(i64)) -> f64 {
    let runs = (0..RUNS as i64).map(|run| {
        let begin = Instant::now();
        (run * rounds..(run + 1) * rounds).for_each(&mut round);
        begin.elapsed().as_nanos() as f64 / rounds as f64
    });
    runs.fold(f64::INFINITY, f64::min)
}

fn main() {
    let sequence =
        |k: u32| cat((0..16).map(|i| if (i * k).is_multiple_of(3) { rest() } else { hit("gate") }).collect());
    let cases: [(&str, Pattern); 5] = [
        ("(a) hit*4", hit("gate") * 4),
        ("(b) 16 hits, swing, thin", (hit("gate") * 16).swing(0.6, 8).thin(0.3, 1)),
        ("(c) euclid 7/16, every 4", hit("gate").spread(7, 16).every(4, Pattern::rev)),
        ("(d) stack of 8 × 16", stack((1..=8).map(sequence).collect())),
        ("    of notes", stack((0..8).map(|v| cat((0..16).map(|i| note(40 + v + i)).collect())).collect())),
    ];
    println!(
        "{:<26}{:>12}{:>12}{:>9}{:>14}{:>14}{:>9}",
        "pattern", "ns/block", "model", "ratio", "M events/s", "model", "ratio"
    );
    for (name, pattern) in cases {
        let program = compile(&pattern).unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut out = EventBuffer::with_capacity(8192);
        let at = |i: i64| Time::new_raw((i << 20) / BLOCKS, 1 << 20);
        let block = best(20 * BLOCKS, |i| {
            out.clear();
            let _ = program.onsets(black_box(Span::new(at(i), at(i + 1))), 0, &mut out);
            black_box(out.as_slice());
        });
        let block_model = best(BLOCKS, |i| {
            black_box(naive(&pattern, at(i).reduced(), at(i + 1).reduced()));
        });
        let events = cycle_of(0..400, |cycle| {
            out.clear();
            let _ = program.onsets(Span::cycle(cycle), 0, &mut out);
            out.len()
        });
        let cycle = best(400, |i| {
            out.clear();
            let _ = program.onsets(black_box(Span::cycle(i % 400)), 0, &mut out);
            black_box(out.as_slice());
        });
        let events_model = cycle_of(0..20, |cycle| {
            let window = Span::cycle(cycle);
            naive(&pattern, window.begin, window.end).len()
        });
        let cycle_model = best(20, |i| {
            let window = black_box(Span::cycle(i % 20));
            black_box(naive(&pattern, window.begin, window.end));
        });
        // Events per nanosecond are thousands of millions per second.
        let (rate, rate_model) = (events / cycle * 1e3, events_model / cycle_model * 1e3);
        println!(
            "{name:<26}{block:>12.1}{block_model:>12.1}{:>8.1}x{rate:>14.1}{rate_model:>14.2}{:>8.1}x",
            block_model / block,
            rate / rate_model
        );
    }
    beside_strudel();
}

/// Ten of the operators that Strudel has too.
const OPERATORS: [&str; 10] =
    ["add", "set", "fast by", "euclid by", "every by", "ply", "chunk", "off", "segment", "arp"];

/// Nanoseconds for the onsets of a cycle, ours and Strudel's.
fn beside_strudel() {
    let theirs = strudel();
    println!("\n{:<26}{:>12}{:>12}{:>12}{:>9}", "operator", "ns/block", "ns/cycle", "Strudel", "ratio");
    for (name, pattern) in operators::operators().into_iter().filter(|(name, _)| OPERATORS.contains(name)) {
        let program = compile(&pattern).unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut out = EventBuffer::with_capacity(8192);
        let at = |i: i64| Time::new_raw((i << 20) / BLOCKS, 1 << 20);
        let block = best(20 * BLOCKS, |i| {
            out.clear();
            let _ = program.onsets(black_box(Span::new(at(i), at(i + 1))), 0, &mut out);
            black_box(out.as_slice());
        });
        let cycle = best(400, |i| {
            out.clear();
            let _ = program.onsets(black_box(Span::cycle(i % 400)), 0, &mut out);
            black_box(out.as_slice());
        });
        match theirs.get(name) {
            Some(ns) => println!("{name:<26}{block:>12.1}{cycle:>12.1}{ns:>12.0}{:>8.0}x", ns / cycle),
            None => println!("{name:<26}{block:>12.1}{cycle:>12.1}{:>12}", "not here"),
        }
    }
}

/// Strudel's times by name; none where it is not to be had.
fn strudel() -> HashMap<String, f64> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("strudel");
    let fetched = folder.join("node_modules/@strudel/core").is_dir()
        || std::fs::create_dir_all(&folder).is_ok()
            && Command::new("npm")
                .args(["install", "--no-audit", "--no-fund", "@strudel/mini@1.1.0", "@strudel/core@1.1.0"])
                .current_dir(&folder)
                .output()
                .is_ok_and(|npm| npm.status.success());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/strudel/oracle.mjs");
    let node = fetched.then(|| Command::new("node").arg(script).arg(&folder).arg("bench").output());
    let Some(Ok(node)) = node else { return HashMap::new() };
    let lines = String::from_utf8_lossy(&node.stdout).into_owned();
    let time = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        Some((line["text"].as_str()?.to_owned(), line["ns"].as_f64()?))
    };
    lines.lines().filter_map(time).collect()
}

/// Events per cycle on average.
fn cycle_of(cycles: std::ops::Range<i64>, events: impl FnMut(i64) -> usize) -> f64 {
    let count = (cycles.end - cycles.start) as f64;
    cycles.map(events).sum::<usize>() as f64 / count
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
