//! A pattern for each operator of the language and each of its kinds, all of which move one control.

use std::collections::BTreeSet;

use krach_host::transport::Blocks;
use krach_patterns::language::{choose, name, number};
use krach_patterns::{COMBINE_KINDS, Pattern, SHAPE_KINDS, SHUFFLE_KINDS, SPLIT_KINDS, STRUCTURES};
use krach_patterns::{EventBuffer, Program, Span, Time, Value, builders, compile, mini_values};
use num_traits::ToPrimitive;
use serde_json::{Value as Json, json};

use super::krach_support::ask_all;
use super::krach_support::session::{at, play, wire};
use super::krach_support::sounds::{sound_stage, types, write};
use super::{RATE, frame_of, model, options};

/// The control that the patterns move.
const LABEL: &str = "op/level";

/// A pattern, and whether the slow model knows its operators.
struct Played {
    pattern: Pattern,
    modelled: bool,
}

fn v(text: &str) -> Pattern {
    mini_values(text).unwrap_or_else(|e| panic!("{e}"))
}

/// A pattern of numbers that the model knows.
fn numbers(pattern: Pattern) -> Played {
    Played { pattern: pattern.control(LABEL), modelled: true }
}

/// Numbers that only the crate's own query knows.
fn beyond(pattern: Pattern) -> Played {
    Played { modelled: false, ..numbers(pattern) }
}

fn notes(pattern: Pattern) -> Played {
    Played { pattern: pattern.control("note"), modelled: false }
}

fn vary(kind: &str, by: &str, child: &str) -> Pattern {
    let by = by.split('/').map(v).collect();
    let transform = (kind == "every").then(|| Box::new(v("9 8 7")));
    Pattern::Vary { kind: kind.into(), by, seed: 4, transform, child: Box::new(v(child)), span: None }
}

fn shape(kind: &str) -> Pattern {
    let table = (kind == "custom").then(|| vec![0.1, 0.9, 0.4]);
    let duty = (kind == "pulse").then_some(0.3);
    let (kind, label) = (kind.into(), LABEL.into());
    Pattern::Shape { kind, lo: 2.0, hi: 9.0, label, duty, seed: Some(3), table, span: None }
}

/// All of them.
fn all() -> Vec<Played> {
    let line = || v("1 2 <3 4> [5 6]");
    let boxed = |text: &str| Box::new(v(text));
    let atom = |value| builders::control(LABEL, value);
    let warp = |p: Pattern| Pattern::Warp {
        kind: "swing".into(),
        amount: 0.66,
        grid: 8,
        child: Box::new(p),
        span: None,
    };
    let mut all = vec![
        Played {
            pattern: builders::cat(vec![atom(1.0), builders::rest(), atom(2.0), atom(3.0)]),
            modelled: true,
        },
        numbers(builders::stack(vec![v("1 ~ ~ 2"), v("~ <3 4> 5 ~")])),
        numbers(Pattern::Fast { factor: [7, 3], child: Box::new(line()), span: None }),
        numbers(Pattern::Slow { factor: [5, 2], child: boxed("1 2 3 4 5 6"), span: None }),
        numbers(Pattern::Early { offset: [3, 7], child: Box::new(line()), span: None }),
        numbers(Pattern::Late { offset: [5, 3], child: Box::new(line()), span: None }),
        numbers(line().rev()),
        numbers(v("1 2 3").every(3, |p| p.rev().fast(2.0))),
        numbers(v("<1 2 [3 4]>").spread_rotated(5, 13, 4)),
        numbers(line().fast(4.0).thin(0.4, 11)),
        numbers(Pattern::Chance {
            prob: 0.4,
            seed: 2,
            invert: false,
            child: boxed("[1 2 3 4]*4"),
            span: None,
        }),
        numbers(Pattern::Chance {
            prob: 0.4,
            seed: 2,
            invert: true,
            child: boxed("[1 2 3 4]*4"),
            span: None,
        }),
        numbers(vary("fast", "<2 3>", "1 2")),
        numbers(vary("slow", "2 <0.5 3>", "1 2 3 4")),
        numbers(vary("early", "0.25 <0.5 0>", "1 2 3 4")),
        numbers(vary("late", "<0.25 0.5>", "1 2 3 4")),
        numbers(vary("chance", "0.2 0.8", "[1 2 3 4]*4")),
        numbers(vary("euclid", "<3 -5>/8/<0 2>", "<1 2 3>")),
        numbers(vary("every", "<2 3>", "1 2 3 4")),
        numbers(Pattern::Pick {
            index: boxed("0 <1 2> 5"),
            children: vec![v("1 2 3"), v("4 [5 6]"), v("7*5")],
            span: None,
        }),
        numbers(choose(vec![v("1 2"), v("3 4 5"), v("6*4")], Some(vec![1.0, 2.0, 1.5]), 7).fast(3.0)),
        numbers(line().zoom(0.25, 0.875)),
        numbers(v("1 2 <3 4> 5 6").segment(7)),
        numbers(builders::freeze(line()).rev().thin(0.3, 6).fast(2.0)),
        numbers(warp(line().fast(2.0))),
        beyond(v("0 <2 3> 4 6").scale(name("C4:minor"))),
        notes(v("0 2 <4 7> ~").scale(v("<A2:minor C3:dorian>"))),
        notes(v("60 [64 67] 61")).with(|p| p.tuned("19edo", None)),
        Played { pattern: shape("tri").segment(8), modelled: false },
    ];
    for structure in STRUCTURES {
        for kind in COMBINE_KINDS.into_iter().filter(|kind| *kind != "scale") {
            let right = if kind == "mask" { "1 0 1" } else { "3 2 <1 4> 5 7" };
            all.push(numbers(line().combine(kind, structure, v(right))));
        }
    }
    for kind in SPLIT_KINDS {
        let child = boxed(if kind == "ply" { "1 [2 3] 4" } else { "[1,4,2] <[5,6] [7,8,9,3]>" });
        all.push(numbers(Pattern::Split { kind: kind.into(), n: 2, child, span: None }));
    }
    for kind in SHUFFLE_KINDS {
        let child = boxed("1 2 3 <4 5>");
        all.push(numbers(Pattern::Shuffle { kind: kind.into(), n: 4, seed: 5, child, span: None }));
    }
    all.extend(SHAPE_KINDS.map(|kind| Played { pattern: shape(kind).over(1.5), modelled: false }));
    all.push(numbers(number(3.0).fast(2.0).combine("mul", "both", v("1 2"))));
    all
}

impl Played {
    fn with(self, change: impl FnOnce(Pattern) -> Pattern) -> Self {
        Self { pattern: change(self.pattern), ..self }
    }
}

/// Operators and their kinds that the schema of the language lists and none of the patterns has.
fn missing(patterns: &[Played]) -> Vec<String> {
    let schema: Json =
        serde_json::from_str(include_str!("../../../../docs/module.schema.json")).expect("it is JSON");
    let pattern = &schema["$defs"]["Pattern"];
    let list = |json: &Json| json.as_array().cloned().unwrap_or_else(|| panic!("no list: {json}"));
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    for op in list(&pattern["properties"]["op"]["enum"]) {
        wanted.insert(op.as_str().expect("a name").to_owned());
    }
    for case in list(&pattern["allOf"]) {
        let op = &case["if"]["properties"]["op"]["const"];
        for (field, has) in case["then"]["properties"].as_object().into_iter().flatten() {
            for name in has["enum"].as_array().into_iter().flatten().filter_map(Json::as_str) {
                wanted.insert(format!("{} {field} {name}", op.as_str().expect("a name")));
            }
        }
    }
    assert!(wanted.len() > 28 + 40, "the schema lists {wanted:?}");
    for played in patterns {
        let mut pending = vec![serde_json::to_value(&played.pattern).expect("patterns are JSON")];
        while let Some(node) = pending.pop() {
            match node {
                Json::Array(nodes) => pending.extend(nodes),
                Json::Object(fields) => {
                    if let Some(op) = fields.get("op").and_then(Json::as_str) {
                        wanted.remove(op);
                        for (field, has) in &fields {
                            wanted.remove(&format!("{op} {field} {}", has.as_str().unwrap_or_default()));
                        }
                    }
                    pending.extend(fields.into_iter().map(|(_, below)| below));
                }
                _ => {}
            }
        }
    }
    wanted.into_iter().collect()
}

/// Cycles for which each pattern plays.
const EACH: i64 = 4;
/// A cycle is 49,442.06 frames long.
const UNEVEN: u32 = 233;

/// What begins in a window: (frame, label, value), in the order of time.
fn said(program: &Program, window: Span) -> Vec<(i64, String, f64)> {
    let mut out = EventBuffer::with_capacity(1 << 14);
    program.onsets(window, 0, &mut out).expect("room");
    let mut said = Vec::new();
    for event in out.as_slice() {
        let Value::Control { label, value } = &program.values()[event.value as usize] else {
            panic!("{event:?}")
        };
        said.push((frame_of(&model::of(event.whole.begin), UNEVEN), label.clone(), *value));
    }
    said.sort_by_key(|said| said.0);
    said
}

/// The smallest and the largest value that a shape has near a frame.
fn drawn(program: &Program, frame: i64, out: &mut EventBuffer) -> Option<(f64, f64)> {
    let mut bounds: Option<(f64, f64)> = None;
    for near in -80..=80 {
        let at = Time::new((frame + near) * i64::from(UNEVEN), 240 * RATE as i64);
        out.clear();
        program.query(Span::new(at, at + Time::new(1, 1 << 20)), 0, out).expect("room");
        for event in out.as_slice() {
            let Some(shape) = event.shape else { continue };
            let part = (at - event.whole.begin) / (event.whole.end - event.whole.begin);
            let phase = shape.phase(part.to_f64().expect("a part"));
            let value = program.shapes()[shape.index as usize].value(shape.period, phase, 0);
            let (least, most) = bounds.unwrap_or((value, value));
            bounds = Some((least.min(value), most.max(value)));
        }
    }
    bounds
}

#[test]
fn every_operator_moves_a_control_as_the_model_says_from_its_frame_on() {
    let played = all();
    assert_eq!(missing(&played), Vec::<String>::new());
    write(
        "op.dsp",
        "process = (hslider(\"level\", 0, -1000, 1000, 0.0001)
        + (hslider(\"gate\", 0, 0, 1, 1) > 0.5) * hslider(\"freq\", 0, 0, 2000, 0.0001)) / 1000;",
    );
    let graph = json!({"type": "load_graph", "nodes": [
        {"id": "op", "type_id": "faust:op"}, {"id": "out", "type_id": "dac"},
    ], "connections": [wire("op", "out")]});
    let mut requests = vec![graph.to_string()];
    // The sound fades in where the transport starts: nothing plays there.
    for (number, played) in (1..).zip(&played) {
        let tree = serde_json::to_value(&played.pattern).expect("patterns are JSON");
        requests.push(at(number * EACH, &play("op", &tree)));
    }
    let seconds = frame_of(&model::int((played.len() as i64 + 1) * EACH), UNEVEN) as f64 / RATE as f64;
    for blocks in [Blocks::Fixed(256), Blocks::Random { seed: 8, min: 1, max: 3000 }] {
        let mut stage = sound_stage(&options(UNEVEN, blocks.clone(), seconds));
        types(&mut stage);
        ask_all(&mut stage, &requests);
        stage.render_to_end().expect("it renders");
        let rendered = stage.finish();
        let heard = &rendered.channels[0];
        let mut room = EventBuffer::with_capacity(1 << 10);
        for (number, Played { pattern, modelled }) in (1..).zip(&played) {
            let window =
                Span::new(Time::from_integer(number * EACH), Time::from_integer((number + 1) * EACH));
            let program = compile(pattern).unwrap_or_else(|e| panic!("{e}: {pattern:?}"));
            let said = said(&program, window);
            if *modelled {
                let events =
                    model::query(pattern, window, 0).into_iter().filter(model::ModelEvent::has_onset);
                let mut model: Vec<_> = events.map(|e| (frame_of(&e.whole.0, UNEVEN), e.value)).collect();
                model.sort();
                let mut found: Vec<_> = said
                    .iter()
                    .map(|(at, label, value)| (*at, format!("{label}={}", f64::from(*value as f32))))
                    .collect();
                found.sort();
                assert_eq!(found, model, "{pattern:?}");
            }
            let [first, last] = [window.begin, window.end].map(|at| frame_of(&model::of(at), UNEVEN));
            let (mut level, mut gate, mut freq) = (None, 0.0, 0.0);
            let (mut next, mut moved) = (said.iter().peekable(), 0);
            for frame in first..last.min(heard.len() as i64) {
                while let Some((_, label, value)) = next.next_if(|said| said.0 == frame) {
                    moved += 1;
                    match label.as_str() {
                        "freq" => freq = *value,
                        "gate" => gate = *value,
                        _ => level = Some(*value),
                    }
                }
                let found = f64::from(heard[frame as usize]) * 1000.0;
                if said.is_empty() {
                    if (frame - first) % 997 == 100 {
                        let (least, most) = drawn(&program, frame, &mut room).expect("a shape");
                        let within = least - 1e-3 <= found && found <= most + 1e-3;
                        assert!(within, "frame {frame}: {found}, not {least} to {most}: {pattern:?}");
                        moved += 1;
                    }
                } else if let Some(level) = level {
                    let expected = level + gate * freq;
                    let same = (found - expected).abs() < 1e-6 * expected.abs().max(1.0);
                    assert!(same, "{blocks:?}, frame {frame}: {found} for {expected}: {pattern:?}");
                }
            }
            assert!(moved > 7, "{moved} events show little: {pattern:?}");
        }
    }
}
