//! Prints the events of patterns, cycle by cycle:
//!
//! ```text
//! cargo run --release -p krach-patterns --example query -- --cycles 4 < patterns.jsonl
//! ```
//!
//! Each line of the input is an object with a `pattern`, a tree or a text of mini-notation; each line of the output has its `cycles`:
//! for every cycle a list of `{"onset","part","value","whole"}`, times as `[numerator, denominator]`.
//! A pattern that is refused gives `{"error": …}`. `--from N` begins at cycle N, `--seed S` sets the
//! session's seed.

use std::io::{self, BufRead, Write};

use krach_patterns::{Event, EventBuffer, Pattern, Program, Span, Time, compile, mini, parse_json};
use serde_json::{Value as Json, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut cycles, mut from, mut seed) = (4_i64, 0_i64, 0_u64);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let value = args.next().ok_or_else(|| format!("{arg} needs a value"))?;
        match arg.as_str() {
            "--cycles" => cycles = value.parse()?,
            "--from" => from = value.parse()?,
            "--seed" => seed = value.parse()?,
            _ => return Err(format!("unknown option {arg}: --cycles, --from or --seed").into()),
        }
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let line = line?;
        if !line.trim().is_empty() {
            let answer =
                answer(&line, from, cycles, seed).unwrap_or_else(|e| json!({"error": e.to_string()}));
            writeln!(out, "{answer}")?;
        }
    }
    out.flush()?;
    Ok(())
}

/// One line of the output for one of the input.
pub fn answer(line: &str, from: i64, cycles: i64, seed: u64) -> Result<Json, Box<dyn std::error::Error>> {
    let request = parse_json(line)?;
    let pattern = match request.get("pattern").ok_or("no \"pattern\" in this line")? {
        Json::String(text) => mini(text)?,
        tree => Pattern::from_json(tree)?,
    };
    let program = compile(&pattern)?;
    let mut buffer = EventBuffer::with_capacity(program.events_per_cycle() as usize);
    let mut answer = Vec::new();
    for cycle in from..from.saturating_add(cycles) {
        buffer.clear();
        program.query(Span::cycle(cycle), seed, &mut buffer)?;
        let events: Vec<Json> = buffer.as_slice().iter().map(|e| event(&program, e)).collect();
        answer.push(events);
    }
    Ok(json!({"cycles": answer}))
}

fn event(program: &Program, event: &Event) -> Json {
    let time = |t: Time| json!([t.numer(), t.denom()]);
    let span = |s: Span| json!([time(s.begin), time(s.end)]);
    json!({
        "onset": event.has_onset(),
        "part": span(event.part),
        "value": program.values()[event.value as usize],
        "whole": span(event.whole),
    })
}
