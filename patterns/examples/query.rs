//! Prints the events of patterns, cycle by cycle:
//!
//! ```text
//! cargo run --release -p krach-patterns --example query -- --cycles 4 < patterns.jsonl
//! ```
//!
//! Each line of the input is an object with a `pattern`, a tree or a text of mini-notation; each line of the output has its `cycles`:
//! for every cycle a list of `{"onset","part","value","whole"}`, times as `[numerator, denominator]`.
//! `--from N` begins at cycle N, `--seed S` sets the session's seed.
//!
//! With a `window`, `[[n, d], [n, d]]`, the answer has the `events` in it, each also with its `unit`, the `span` of text
//! it came from and, of a shape, the `values` at the beginning and at the end of its whole; `seed` is the session's. With
//! a `notation` instead of a pattern the answer has the `pattern` that the text means; `"values":true` reads its words
//! as numbers and names. What is refused gives `{"error": …}` with the `place` and the `span`. Each line is answered at
//! once.

use std::error::Error;
use std::io::{self, BufRead, Write};

use krach_patterns::{
    CompileError, Event, EventBuffer, MiniError, Pattern, Program, Span, Time, compile, mini, mini_values,
    parse_json,
};
use serde_json::{Value as Json, json};

type Answer = Result<Json, Box<dyn Error>>;

fn main() -> Result<(), Box<dyn Error>> {
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
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let line = line?;
        if !line.trim().is_empty() {
            let answer = answer(&line, from, cycles, seed).unwrap_or_else(|e| refusal(e.as_ref()));
            writeln!(out, "{answer}")?;
            out.flush()?;
        }
    }
    Ok(())
}

fn refusal(error: &(dyn Error + 'static)) -> Json {
    let mut refusal = json!({"error": error.to_string()});
    if let Some(CompileError { path, span, .. }) = error.downcast_ref() {
        refusal["place"] = json!(path);
        refusal["span"] = json!(span);
    }
    if let Some(MiniError { span, .. }) = error.downcast_ref() {
        refusal["span"] = json!(span);
    }
    refusal
}

/// One line of the output for one of the input.
pub fn answer(line: &str, from: i64, cycles: i64, seed: u64) -> Answer {
    let request = parse_json(line)?;
    if let Some(text) = request.get("notation").and_then(Json::as_str) {
        let pattern = if request["values"] == true { mini_values(text)? } else { mini(text)? };
        return Ok(json!({"pattern": pattern}));
    }
    let pattern = match request.get("pattern").ok_or("no \"pattern\" in this line")? {
        Json::String(text) => mini(text)?,
        tree => Pattern::from_json(tree)?,
    };
    let program = compile(&pattern)?;
    if let Some(window) = request.get("window") {
        let seed = request.get("seed").and_then(Json::as_u64).unwrap_or(seed);
        return in_window(&program, serde_json::from_value(window.clone())?, seed);
    }
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

fn in_window(program: &Program, [begin, end]: [[i64; 2]; 2], seed: u64) -> Answer {
    let time =
        |[n, d]: [i64; 2]| if d > 0 { Ok(Time::new(n, d)) } else { Err("a time has a denominator above 0") };
    let window = Span::new(time(begin)?, time(end)?);
    let cycles = (window.end.ceil() - window.begin.floor()).to_integer().max(1) as usize;
    let mut buffer = EventBuffer::with_capacity(cycles * program.events_per_cycle() as usize);
    program.query(window, seed, &mut buffer)?;
    let detailed = buffer.as_slice().iter().map(|e| {
        let mut detailed = event(program, e);
        detailed["unit"] = json!(e.unit);
        detailed["span"] = json!(e.source);
        if let Some(at) = e.shape {
            let shape = &program.shapes()[at.index as usize];
            detailed["values"] = json!([0.0, 1.0].map(|way| shape.value(at.period, at.phase(way), seed)));
        }
        detailed
    });
    let events: Vec<Json> = detailed.collect();
    Ok(json!({"events": events}))
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
