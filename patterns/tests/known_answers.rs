//! The events of 121 recorded patterns, to the fraction; and of patterns that builders, methods and the notation make,
//! here and in the Python client.

mod calls;

use std::path::PathBuf;

use krach_patterns::{Event, EventBuffer, Pattern, Program, Span, Time, Value, compile, parse_json};
use serde_json::{Value as Json, json};

const RECORDED: &str = include_str!("vectors/patterns.jsonl");

fn time(t: Time) -> Json {
    json!([t.numer(), t.denom()])
}

fn sorted(mut events: Vec<Json>) -> Vec<String> {
    events.sort_by_key(Json::to_string);
    events.iter().map(Json::to_string).collect()
}

#[test]
fn every_recorded_pattern_gives_the_events_that_were_recorded() {
    let mut held = 0;
    for (number, line) in RECORDED.lines().enumerate() {
        let recorded = parse_json(line).unwrap();
        let pattern = Pattern::from_json(&recorded["pattern"]).unwrap();
        let program = compile(&pattern).unwrap();
        let mut out = EventBuffer::with_capacity(4096);
        for (cycle, want) in recorded["cycles"].as_array().unwrap().iter().enumerate() {
            out.clear();
            program.query(Span::cycle(cycle as i64), 0, &mut out).unwrap();
            let got = out.as_slice().iter().map(|e| {
                json!({
                    "onset": e.has_onset(),
                    "part": [time(e.part.begin), time(e.part.end)],
                    "value": program.values()[e.value as usize],
                    "whole": [time(e.whole.begin), time(e.whole.end)],
                })
            });
            let got: Vec<Json> = got.collect();
            assert!(got.len() <= program.events_per_cycle() as usize, "line {number}");
            assert_eq!(
                sorted(got),
                sorted(want.as_array().unwrap().clone()),
                "line {number}, cycle {cycle}: {}",
                recorded["pattern"]
            );
        }
        held += 1;
    }
    assert_eq!(held, 121);
}

#[test]
fn onsets_are_the_recorded_events_that_begin() {
    for line in RECORDED.lines() {
        let recorded = parse_json(line).unwrap();
        let program = compile(&Pattern::from_json(&recorded["pattern"]).unwrap()).unwrap();
        let mut out = EventBuffer::with_capacity(4096);
        for (cycle, want) in recorded["cycles"].as_array().unwrap().iter().enumerate() {
            let begin = |e: &&Json| e["onset"] == true;
            let want = want.as_array().unwrap().iter().filter(begin);
            let want: Vec<Json> = want.map(|e| e["whole"][0].clone()).collect();
            // In 37 uneven pieces: none of them may lose or repeat an onset.
            out.clear();
            let at = |i: i64| Time::from_integer(cycle as i64) + Time::new(i * i, 37 * 37);
            for i in 0..37 {
                let piece = Span::new(at(i), at(i + 1));
                program.onsets(piece, 0, &mut out).unwrap();
            }
            let got = out.as_slice().iter().map(|e| time(e.whole.begin)).collect();
            assert_eq!(sorted(got), sorted(want), "{}", recorded["pattern"]);
        }
    }
}

/// The files of calls, one for each topic, with their lines.
fn calls_by_topic() -> Vec<(PathBuf, Vec<Json>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/calls");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let lines = |text: String| text.lines().map(|line| parse_json(line).unwrap()).collect();
    files.map(|path| (path.clone(), lines(std::fs::read_to_string(path).unwrap()))).collect()
}

/// `[begin, end]` of the whole, then of the part, the unit, and the label and the value of a control, or another value;
/// of a shape also the values at the beginning and the end of the whole.
fn short(program: &Program, event: &Event) -> Json {
    let time = |t: Time| t.to_string();
    let (whole, part) = (event.whole, event.part);
    let mut short = json!([time(whole.begin), time(whole.end), time(part.begin), time(part.end), event.unit]);
    let said = short.as_array_mut().unwrap();
    match &program.values()[event.value as usize] {
        Value::Control { label, value } => said.extend([json!(label), json!(value)]),
        other => said.push(json!(other)),
    }
    if let Some(at) = event.shape {
        let value = |way| program.shapes()[at.index as usize].value(at.period, at.phase(way), 0);
        said.push(json!([value(0.0), value(1.0)]));
    }
    short
}

/// What a call makes, and what that plays in cycles 0 and 1, or why it is refused.
fn answered(call: &Json) -> Json {
    let pattern = match calls::build(call) {
        Ok(pattern) => pattern,
        Err(error) => return json!({"call": call, "error": error.to_string(), "span": error.span}),
    };
    let program = match compile(&pattern) {
        Ok(program) => program,
        Err(error) => {
            let (place, span) = (&error.path, error.span);
            let error = error.to_string();
            return json!({"call": call, "pattern": pattern, "error": error, "place": place, "span": span});
        }
    };
    let mut out = EventBuffer::with_capacity(8192);
    program.query(Span::new(Time::from_integer(0), Time::from_integer(2)), 0, &mut out).unwrap();
    let mut events: Vec<Json> = out.as_slice().iter().map(|event| short(&program, event)).collect();
    events.sort_by_key(Json::to_string);
    json!({"call": call, "pattern": pattern, "events": events})
}

/// With `UPDATE_GOLDEN=1` the answers of the files are written anew.
#[test]
fn calls_make_the_patterns_that_are_written_down_for_all_clients() {
    let topics = calls_by_topic();
    assert!(topics.iter().map(|(_, lines)| lines.len()).sum::<usize>() > 600);
    for (path, lines) in topics {
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            let answered = lines.iter().map(|line| answered(&line["call"]).to_string() + "\n");
            std::fs::write(path, answered.collect::<String>()).unwrap();
            continue;
        }
        for line in lines {
            assert_eq!(answered(&line["call"]), line, "{}", path.display());
        }
    }
}
