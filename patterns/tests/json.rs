//! Patterns as clients send them: lenient where they are, exact where they rely on it.

use krach_patterns::{JsonError, MAX_DEPTH, Pattern, Value, compile, json_depth, parse_json};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

fn pattern(json: &Json) -> Pattern {
    Pattern::from_json(json).unwrap()
}

fn atom() -> Json {
    json!({"op": "Atom", "value": {"type": "Control", "label": "c", "value": 1}})
}

/// `levels` of `Rev` (or another operator) around an atom, as text.
fn nested(op: &str, levels: usize) -> String {
    let (open, close) = match op {
        "Cat" => (r#"{"op":"Cat","children":["#, "]}"),
        "Every" => (r#"{"op":"Every","n":2,"transform":{"op":"Silence"},"child":"#, "}"),
        _ => (r#"{"op":"Rev","child":"#, "}"),
    };
    [open.repeat(levels), atom().to_string(), close.repeat(levels)].concat()
}

#[test]
fn each_mistake_is_answered_in_the_words_that_clients_know() {
    let silence = json!({"op": "Silence"});
    for (node, text) in [
        (json!({"op": "Cat", "children": []}), "Cat requires at least one child"),
        (json!({"op": "Stack", "children": []}), "Stack requires at least one child"),
        (json!({"op": "Fast", "factor": [1, 0], "child": silence}), "time value has zero denominator"),
        (json!({"op": "Slow", "factor": [0, 0], "child": silence}), "time value has zero denominator"),
        (json!({"op": "Late", "offset": [1, 0], "child": silence}), "time value has zero denominator"),
        (json!({"op": "Early", "offset": [0, 0], "child": silence}), "time value has zero denominator"),
        (json!({"op": "Fast", "factor": [0, 1], "child": silence}), "fast/slow factor must be positive"),
        (json!({"op": "Slow", "factor": [1, -2], "child": silence}), "fast/slow factor must be positive"),
        (json!({"op": "Euclid", "pulses": 0, "steps": 0, "child": silence}), "euclid: steps must be > 0"),
        (
            json!({"op": "Euclid", "pulses": 9, "steps": 8, "rotation": 0, "child": silence}),
            "euclid: pulses must be <= steps",
        ),
        (
            json!({"op": "Degrade", "prob": 1.5, "seed": 0, "child": silence}),
            "degrade: prob must be in [0, 1]",
        ),
        (
            json!({"op": "Degrade", "prob": -0.1, "seed": 0, "child": silence}),
            "degrade: prob must be in [0, 1]",
        ),
        (json!({"op": "Every", "n": 0, "transform": silence, "child": silence}), "every: n must be > 0"),
        (
            json!({"op": "Warp", "kind": "foo", "amount": 7, "grid": 7, "child": silence}),
            "warp: unknown warp kind: foo",
        ),
        (
            json!({"op": "Warp", "kind": "swing", "amount": 1.5, "grid": 7, "child": silence}),
            "warp: grid must be even and > 0",
        ),
        (
            json!({"op": "Warp", "kind": "swing", "amount": 0.6, "grid": 0, "child": silence}),
            "warp: grid must be even and > 0",
        ),
        (
            json!({"op": "Warp", "kind": "swing", "amount": 1, "grid": 8, "child": silence}),
            "warp: amount must be in (0, 1)",
        ),
        (
            json!({"op": "Warp", "kind": "swing", "amount": 0, "grid": 8, "child": silence}),
            "warp: amount must be in (0, 1)",
        ),
    ] {
        assert_eq!(compile(&pattern(&node)).unwrap_err().to_string(), text);
        // Also where it would never sound, and with the place.
        let hidden =
            json!({"op": "Cat", "children": [atom(), {"op": "Degrade", "prob": 1, "child": node.clone()}]});
        let error = compile(&pattern(&hidden)).unwrap_err();
        assert_eq!(error.to_string(), text);
        assert_eq!(error.path, format!("Cat[1] > Degrade > {}", node["op"].as_str().unwrap()));
    }
}

#[test]
fn our_own_mistakes_say_what_would_work() {
    let shape = |kind: &str| json!({"op": "Shape", "kind": kind, "lo": 0, "hi": 1, "label": "c"});
    let error = |json: &Json| compile(&pattern(json)).unwrap_err().to_string();
    assert!(error(&shape("wobble")).contains("unknown shape kind: wobble"));
    assert!(error(&shape("wobble")).contains("ramp_down"));
    assert!(error(&shape("custom")).contains("at least one value"));
    let note =
        json!({"op": "Atom", "value": {"type": "Note", "channel": 0, "note": 200, "velocity": 1, "dur": 1}});
    assert_eq!(error(&note), "Note: note must be 0 to 127 (at Atom)");
}

#[test]
fn a_tree_may_be_256_deep_and_no_deeper() {
    for op in ["Rev", "Cat", "Every"] {
        let deepest = Pattern::from_json_str(&nested(op, MAX_DEPTH)).unwrap();
        assert!(compile(&deepest).is_ok(), "{op}");
        let deeper = Pattern::from_json_str(&nested(op, MAX_DEPTH + 1)).unwrap();
        let error = compile(&deeper).unwrap_err();
        assert_eq!(error.to_string(), "IR tree exceeds maximum depth of 256");
        assert!(error.path.len() < 300, "{}", error.path);
    }
}

#[test]
fn the_deepest_pattern_is_read_on_a_small_stack() {
    let small = std::thread::Builder::new().stack_size(1 << 20);
    let text = nested("Cat", MAX_DEPTH);
    let work = move || {
        let pattern = Pattern::from_json_str(&text).unwrap();
        let again = serde_json::to_string(&pattern).unwrap();
        assert_eq!(Pattern::from_json_str(&again).unwrap(), pattern);
        let program = compile(&pattern).unwrap();
        let mut out = krach_patterns::EventBuffer::with_capacity(4);
        program.query(krach_patterns::Span::cycle(3), 0, &mut out).unwrap();
        assert_eq!(out.len(), 1);
    };
    small.spawn(work).unwrap().join().unwrap();
}

#[test]
fn a_million_levels_are_refused_without_being_parsed() {
    let error = Pattern::from_json_str(&nested("Rev", 1_000_000)).unwrap_err();
    assert_eq!(error, JsonError::TooDeep { depth: 1_000_002 });
    assert_eq!(error.to_string(), "IR tree exceeds maximum depth of 256");
    assert_eq!(json_depth(r#"{"a":["]]][[[\"[[["],"b":[[1]]}"#), 3);
    assert!(parse_json(&"[".repeat(5_000_000)).is_err());
}

#[test]
fn a_tree_of_a_million_levels_can_be_dropped_and_refused() {
    let deep = (0..1_000_000).fold(krach_patterns::builders::rest(), |p, _| p.rev());
    assert_eq!(compile(&deep).unwrap_err().to_string(), "IR tree exceeds maximum depth of 256");
    drop(deep);
}

#[test]
fn what_clients_leave_out_or_add_is_understood() {
    let read =
        pattern(&json!({"op": "Euclid", "pulses": 3, "steps": 8, "child": atom(), "colour": {"x": [1]}}));
    assert!(matches!(read, Pattern::Euclid { rotation: 0, span: None, .. }));
    let read = pattern(&json!({"op": "Degrade", "prob": 1, "child": atom()}));
    assert!(matches!(read, Pattern::Degrade { seed: 0, .. }));
    let note = json!({"type": "Note", "channel": 1, "note": 60, "velocity": 100, "dur": 1, "extra": null});
    let osc = json!({"op": "Atom", "value": {"type": "Osc", "address": "/a", "args": [{"Float": 3}]}});
    assert!(pattern(&osc) == pattern(&serde_json::from_str(&osc.to_string().replace('3', "3.0")).unwrap()));
    let read = pattern(&json!({"op": "Atom", "value": note, "span": [3, 9]}));
    let Pattern::Atom { value, span } = &read else { panic!() };
    assert_eq!(value, &Value::Note { channel: 1, note: 60, velocity: 100, dur: 1.0 });
    assert_eq!(*span, Some([3, 9]));
}

#[test]
fn what_is_no_pattern_is_refused_with_its_place() {
    for (json, place, says) in [
        (json!({"op": "Zorp"}), "", "unknown op `Zorp`"),
        (json!([]), "", "object"),
        (json!({"op": "Rev"}), "", "missing field `child`"),
        (json!({"op": "Cat", "children": 3}), "", "list"),
        (
            json!({"op": "Rev", "child": {"op": "Cat", "children": [atom(), {"op": "Fast", "factor": [1], "child": atom()}]}}),
            "/child/children/1",
            "`factor`",
        ),
        (json!({"op": "Every", "n": -1, "transform": atom(), "child": atom()}), "", "`n`"),
        (
            json!({"op": "Every", "n": 1, "transform": {"op": "Atom"}, "child": atom()}),
            "/transform",
            "`value`",
        ),
        (json!({"op": "Atom", "value": {"type": "Smell"}}), "", "Smell"),
    ] {
        let Err(JsonError::Shape { pointer, message }) = Pattern::from_json(&json) else { panic!("{json}") };
        assert_eq!(pointer, place, "{json}");
        assert!(message.contains(says), "{message}");
    }
    assert!(matches!(
        Pattern::from_json_str("{\"op\":\n!}"),
        Err(JsonError::Syntax { line: 2, column: 1, .. })
    ));
}

#[test]
fn every_operator_and_value_survives_being_written_and_read() {
    let control = atom();
    let osc = json!({"op": "Atom", "value": {"type": "Osc", "address": "/a", "args": [{"Float": 0.1}, {"Int": -3}, {"Str": "x"}]}});
    let cc = json!({"op": "Atom", "value": {"type": "Cc", "channel": 2, "controller": 74, "value": 127}, "span": [0, 4]});
    let shape = json!({"op": "Shape", "kind": "custom", "lo": 0.1, "hi": 9.5, "label": "cutoff", "duty": 0.3, "seed": 18446744073709551615_u64, "table": [0.1, 1.0]});
    let cat = json!({"op": "Cat", "children": [control, osc, cc, shape, {"op": "Silence"}]});
    let tree = json!({"op": "Stack", "children": [
        {"op": "Fast", "factor": [3, 2], "child": {"op": "Slow", "factor": [5, 3], "child": cat}},
        {"op": "Early", "offset": [-1, 3], "child": {"op": "Late", "offset": [1, 7], "child": control}},
        {"op": "Rev", "child": {"op": "Every", "n": 3, "transform": osc, "child": cc}},
        {"op": "Euclid", "pulses": 3, "steps": 8, "rotation": -2, "child": {"op": "Freeze", "child": control}},
        {"op": "Degrade", "prob": 0.3, "seed": 7, "child": {"op": "Warp", "kind": "swing", "amount": 0.6, "grid": 8, "child": control}},
    ]});
    let read = pattern(&tree);
    let written = serde_json::to_value(&read).unwrap();
    assert_eq!(pattern(&written), read);
    // Whole numbers where floats are meant come back as floats; nothing else changes.
    let mut want = tree.to_string().replace("\"value\":1}", "\"value\":1.0}");
    want = want.replace("\"value\":1,", "\"value\":1.0,");
    assert_eq!(written.to_string(), want);
    assert_eq!(serde_json::from_str::<Pattern>(&tree.to_string()).unwrap(), read);
}

/// JSON that is nearly a pattern: right words in wrong places.
fn nearly() -> BoxedStrategy<Json> {
    let key = || {
        prop::sample::select(vec![
            "op",
            "child",
            "children",
            "factor",
            "offset",
            "n",
            "transform",
            "pulses",
            "steps",
            "rotation",
            "prob",
            "seed",
            "kind",
            "amount",
            "grid",
            "value",
            "span",
            "lo",
            "hi",
            "label",
            "table",
            "duty",
            "type",
        ])
    };
    let word = prop::sample::select(vec![
        "Atom", "Silence", "Cat", "Stack", "Fast", "Slow", "Early", "Late", "Rev", "Every", "Euclid",
        "Degrade", "Freeze", "Warp", "Shape", "swing", "custom", "rand", "Note", "Control", "",
    ]);
    let leaf = prop_oneof![
        3 => word.prop_map(|w| json!(w)),
        2 => any::<i64>().prop_map(|n| json!(n)),
        2 => (-3..9_i64).prop_map(|n| json!(n)),
        2 => any::<f64>().prop_map(|x| json!(x)),
        1 => Just(json!([1, 2])),
        1 => (any::<i64>(), any::<i64>()).prop_map(|(n, d)| json!([n, d])),
        1 => Just(Json::Null),
        2 => Just(atom()),
    ];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        let op = prop::sample::select(vec![
            "Cat", "Stack", "Fast", "Slow", "Early", "Late", "Rev", "Every", "Euclid", "Degrade", "Freeze", "Warp", "Shape",
        ]);
        let object = prop::collection::vec((key(), inner.clone()), 0..6)
            .prop_map(|fields| Json::Object(fields.into_iter().map(|(k, v)| (k.to_string(), v)).collect()));
        let node = (op, prop::collection::vec(inner.clone(), 4), (-9..40_i64, -2..9_i64)).prop_map(|(op, kids, (n, d))| {
            json!({"op": op, "children": kids, "child": kids[0], "transform": kids[1], "factor": [n, d], "offset": [n, d],
                "n": n, "pulses": d, "steps": n, "prob": f64::from(n as i32) / 30.0, "kind": "swing", "amount": 0.3, "grid": d})
        });
        prop_oneof![1 => object, 4 => node, 1 => prop::collection::vec(inner, 0..4).prop_map(Json::Array)]
    })
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_sent_nothing_panics(json in nearly(), start in any::<i32>()) {
        let Ok(pattern) = Pattern::from_json(&json) else { return Ok(()) };
        let Ok(program) = compile(&pattern) else { return Ok(()) };
        let mut out = krach_patterns::EventBuffer::with_capacity(10_000);
        let window = krach_patterns::Span::cycle(i64::from(start));
        program.query(window, 1, &mut out).unwrap();
        for event in out.as_slice() {
            prop_assert!(event.part.begin < event.part.end);
            prop_assert!(window.begin <= event.part.begin && event.part.end <= window.end);
            prop_assert!(event.whole.begin <= event.part.begin && event.part.end <= event.whole.end);
        }
    }

    #[test]
    fn whatever_text_is_sent_nothing_panics(text in "[\\[\\]{}\",:a-z0-9\\\\. -]{0,60}") {
        let _ = Pattern::from_json_str(&text);
        let _ = krach_patterns::mini(&text);
    }

    #[test]
    fn any_line_of_mini_notation_is_a_pattern_or_an_error_within_it(text in "[xA2~.<>\\[\\]()!*/@?, 0-9é]{0,30}") {
        match krach_patterns::mini(&text) {
            Ok(pattern) => drop(compile(&pattern)),
            Err(error) => {
                prop_assert!(error.span[0] <= error.span[1] && error.span[1] <= text.len());
                prop_assert!(error.column() <= text.chars().count() + 1);
            }
        }
    }
}

#[test]
fn every_node_with_a_label_gives_it_to_be_changed() {
    let label = json!({"op": "Label", "label": "bass/note", "child": {"op": "Number", "value": 40}});
    let shape = json!({"op": "Shape", "kind": "sine", "lo": 0, "hi": 1, "label": "bass/cut"});
    for (node, name) in [(atom(), "c"), (label, "bass/note"), (shape, "bass/cut")] {
        let mut pattern = pattern(&node);
        assert_eq!(pattern.label(), Some(name));
        *pattern.label_mut().unwrap() = "drums/c".into();
        assert_eq!(pattern.label(), Some("drums/c"));
    }
    let mut parent = pattern(
        &json!({"op": "Combine", "kind": "set", "structure": "left", "left": atom(), "right": atom()}),
    );
    assert!(parent.label_mut().is_none());
    let below: Vec<_> = parent.children_mut().into_iter().filter_map(Pattern::label_mut).collect();
    assert_eq!(below.len(), 2);
}
