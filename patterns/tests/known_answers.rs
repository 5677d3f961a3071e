//! The events of 121 recorded patterns, to the fraction.

use krach_patterns::{EventBuffer, Pattern, Span, Time, compile, parse_json};
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
