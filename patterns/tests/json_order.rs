//! Keys may stand in any order: what is read straight from the text and what goes through JSON are
//! the same pattern, and the same mistakes.

use krach_patterns::{MAX_DEPTH, OscArg, Pattern, Value, builders, compile};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value as Json, json};

/// Through `Deserialize`, however deep the text.
fn read(text: &str) -> Result<Pattern, serde_json::Error> {
    let mut parser = serde_json::Deserializer::from_str(text);
    parser.disable_recursion_limit();
    Pattern::deserialize(&mut parser)
}

/// The same JSON with the keys of every object in an order that `dice` decides, now and then with a
/// key nobody knows, or one given twice of which the last counts.
fn shuffled(json: &Json, dice: &mut impl FnMut(usize) -> usize) -> String {
    match json {
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| shuffled(item, dice)).collect();
            format!("[{}]", items.join(","))
        }
        Json::Object(node) => {
            let mut entries: Vec<String> =
                node.iter().map(|(key, value)| format!("{}:{}", json!(key), shuffled(value, dice))).collect();
            for i in (1..entries.len()).rev() {
                entries.swap(i, dice(i + 1));
            }
            let tagged = node.contains_key("op") || node.contains_key("type");
            if tagged && dice(4) == 0 {
                entries.insert(dice(entries.len() + 1), r#""colour":{"op":[{"deep":null}]}"#.to_owned());
            }
            if tagged && dice(4) == 0 {
                let again = entries[dice(entries.len())].clone();
                entries.insert(0, again);
            }
            format!("{{{}}}", entries.join(","))
        }
        leaf => leaf.to_string(),
    }
}

/// The same JSON with the tag of every object first, or last.
fn tag_at(json: &Json, first: bool) -> String {
    let write = |json: &Json| tag_at(json, first);
    match json {
        Json::Array(items) => format!("[{}]", items.iter().map(write).collect::<Vec<_>>().join(",")),
        Json::Object(node) => {
            let is_tag = |key: &str| key == "op" || key == "type";
            let (tags, rest): (Vec<_>, Vec<_>) = node.iter().partition(|(key, _)| is_tag(key));
            let order = if first { [tags, rest].concat() } else { [rest, tags].concat() };
            let entries = order.iter().map(|(key, value)| format!("{}:{}", json!(key), write(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
        leaf => leaf.to_string(),
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let float = || -1e6..1e6_f64;
    let arg = prop_oneof![
        float().prop_map(OscArg::Float),
        any::<i64>().prop_map(OscArg::Int),
        "[a-z\"é\\\\]{0,4}".prop_map(OscArg::Str),
    ];
    prop_oneof![
        (any::<[u8; 3]>(), float()).prop_map(|([channel, note, velocity], dur)| Value::Note {
            channel,
            note,
            velocity,
            dur
        }),
        any::<[u8; 3]>().prop_map(|[channel, controller, value]| Value::Cc { channel, controller, value }),
        ("[a-z/\"]{0,6}", prop::collection::vec(arg, 0..3))
            .prop_map(|(address, args)| Value::Osc { address, args }),
        ("[a-z/\\\\\n]{0,6}", float()).prop_map(|(label, value)| Value::Control { label, value }),
    ]
}

fn any_pattern() -> BoxedStrategy<Pattern> {
    let span = || prop::option::of(any::<[u32; 2]>());
    let leaf = prop_oneof![
        4 => (any_value(), span()).prop_map(|(value, span)| Pattern::Atom { value, span }),
        1 => span().prop_map(|span| Pattern::Silence { span }),
        1 => (-9.0..9.0_f64, span()).prop_map(|(value, span)| Pattern::Number { value, span }),
        1 => ("[a-z:\"]{0,5}", span()).prop_map(|(name, span)| Pattern::Name { name, span }),
        1 => (
            "[a-z]{0,5}", "[a-z/]{0,5}", prop::option::of(0.0..1.0_f64), prop::option::of(any::<u64>()),
            prop::option::of(prop::collection::vec(-9.0..9.0_f64, 0..3)), span(),
        )
            .prop_map(|(kind, label, duty, seed, table, span)| Pattern::Shape {
                kind, lo: 0.1, hi: -7.5, label, duty, seed, table, span,
            }),
    ];
    leaf.prop_recursive(6, 40, 4, move |inner| {
        let kids = prop::collection::vec(inner.clone(), 0..4);
        (0..22_u8, kids, inner.clone(), inner, any::<[i64; 2]>(), any::<[u32; 2]>(), 0.0..1.0_f64, span())
            .prop_map(|(op, children, a, b, pair, [n, steps], prob, span)| {
                let child = Box::new(a);
                match op {
                    0 => Pattern::Cat { children, span },
                    1 => Pattern::Stack { children, span },
                    2 => Pattern::Fast { factor: pair, child, span },
                    3 => Pattern::Slow { factor: pair, child, span },
                    4 => Pattern::Early { offset: pair, child, span },
                    5 => Pattern::Late { offset: pair, child, span },
                    6 => Pattern::Rev { child, span },
                    7 => Pattern::Every { n, transform: Box::new(b), child, span },
                    8 => Pattern::Euclid { pulses: n, steps, rotation: pair[0], child, span },
                    9 => Pattern::Degrade { prob, seed: pair[1] as u64, child, span },
                    10 => Pattern::Freeze { child, span },
                    12 => {
                        let by = children;
                        let (seed, transform) = (pair[1] as u64, n.is_multiple_of(2).then(|| Box::new(b)));
                        Pattern::Vary { kind: "every".into(), by, seed, transform, child, span }
                    }
                    13 => Pattern::Pick { index: child, children, span },
                    14 => {
                        let weights = (n.is_multiple_of(2)).then(|| vec![prob; children.len()]);
                        Pattern::Choose { weights, seed: pair[0] as u64, children, span }
                    }
                    15 => Pattern::Label { label: "a/b".into(), plain: span.is_some(), child, span },
                    16 => {
                        let (kind, structure) = ("add".into(), "both".into());
                        Pattern::Combine { kind, structure, left: child, right: Box::new(b), span }
                    }
                    17 => Pattern::Split { kind: "ply".into(), n, child, span },
                    18 => Pattern::Zoom { from: pair, to: [pair[1], pair[0]], child, span },
                    19 => Pattern::Shuffle { kind: "shuffle".into(), n, seed: pair[0] as u64, child, span },
                    20 => Pattern::Segment { n, child, span },
                    21 => {
                        let map = n.is_multiple_of(2).then(|| "! a\n0\n".to_owned());
                        Pattern::Tune { tuning: "19edo".into(), map, child, span }
                    }
                    11 => Pattern::Chance {
                        prob,
                        seed: pair[0] as u64,
                        invert: n.is_multiple_of(2),
                        child,
                        span,
                    },
                    _ => Pattern::Warp { kind: "swing".into(), amount: prob, grid: n, child, span },
                }
            })
    })
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_keys_changes_nothing(pattern in any_pattern(), seed in any::<u64>()) {
        let json = serde_json::to_value(&pattern).unwrap();
        let written = serde_json::to_string(&pattern).unwrap();
        let mut state = seed;
        let mut dice = |sides: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % sides
        };
        prop_assert_eq!(&Pattern::from_json(&json).unwrap(), &pattern);
        for text in [written, tag_at(&json, true), tag_at(&json, false), shuffled(&json, &mut dice)] {
            prop_assert_eq!(&read(&text).unwrap(), &pattern, "{}", &text);
            prop_assert_eq!(&Pattern::from_json_str(&text).unwrap(), &pattern, "{}", &text);
        }
    }
}

#[test]
fn op_is_what_we_write_first() {
    let text = serde_json::to_string(&builders::control("a", 0.5).rev().with_span([1, 2])).unwrap();
    assert!(text.starts_with(r#"{"op":"Rev","child":{"op":"Atom","value":{"type":"Control","#), "{text}");
}

#[test]
fn a_mistake_is_found_at_the_same_place_wherever_op_stands() {
    let atom = json!({"op": "Atom", "value": {"type": "Control", "label": "c", "value": 1}});
    for (json, place, says) in [
        (json!({"op": "Zorp"}), "/", "unknown op `Zorp`"),
        (json!({"op": 3}), "/", "`op`"),
        (json!({"n": 3}), "/", "missing field `op`"),
        (json!([]), "/", "object"),
        (json!({"op": "Rev"}), "/", "missing field `child`"),
        (json!({"op": "Rev", "child": [1]}), "/child", "object"),
        (json!({"op": "Cat", "children": 3}), "/", "`children`"),
        (
            json!({"op": "Cat", "children": [atom, {"op": "Cat", "children": [3]}]}),
            "/children/1/children/0",
            "object",
        ),
        (
            json!({"op": "Rev", "child": {"op": "Cat", "children": [atom, {"op": "Fast", "factor": [1], "child": atom}]}}),
            "/child/children/1",
            "`factor`",
        ),
        (json!({"op": "Every", "n": -1, "transform": atom, "child": atom}), "/", "`n`"),
        (json!({"op": "Every", "n": 1, "transform": {"op": "Atom"}, "child": atom}), "/transform", "`value`"),
        (json!({"op": "Freeze", "child": {"op": "Atom", "value": {"type": "Smell"}}}), "/child", "`Smell`"),
        (json!({"op": "Atom", "value": {"type": "Note", "channel": 900}}), "/", "`channel`"),
        (json!({"op": "Atom", "value": {"type": "Cc", "channel": 9}}), "/", "missing field `controller`"),
        (json!({"op": "Atom", "value": {"label": "x"}}), "/", "missing field `type`"),
    ] {
        let wanted = format!("not a pattern (at {place}): ");
        for text in [tag_at(&json, true), tag_at(&json, false)] {
            let straight = read(&text).unwrap_err();
            assert!(straight.line() == 1, "{text}: {straight}");
            for error in [straight.to_string(), Pattern::from_json_str(&text).unwrap_err().to_string()] {
                assert!(error.starts_with(&wanted) && error.contains(says), "{text}: {error}");
                assert_eq!(error.matches("not a pattern").count(), 1, "{error}");
            }
        }
    }
}

#[test]
fn a_node_cannot_be_two_things() {
    let both = r#"{"op":"Rev","child":{"op":"Silence"},"op":"Freeze"}"#;
    assert!(read(both).unwrap_err().to_string().contains("`op` is both Rev and Freeze"));
    let both = r#"{"type":"Cc","type":"Note"}"#;
    let error = serde_json::from_str::<Value>(both).unwrap_err().to_string();
    assert!(error.contains("`type` is both Cc and Note"), "{error}");
}

#[test]
fn a_span_that_is_not_understood_refuses_nothing() {
    for span in [
        "3",
        "null",
        "\"x\"",
        "[]",
        "[1]",
        "[1,2,3]",
        "[1,-2]",
        "[1,4294967296]",
        "[1.5,2]",
        "{\"a\":[1]}",
        "[[1],2]",
    ] {
        for text in [
            format!(r#"{{"op":"Silence","span":{span}}}"#),
            format!(r#"{{"span":{span},"op":"Silence"}}"#),
            format!(r#"{{"n":1,"span":{span},"op":"Silence"}}"#),
        ] {
            assert_eq!(read(&text).unwrap(), Pattern::Silence { span: None }, "{text}");
        }
    }
    let spanned = read(r#"{"span":[0,4294967295],"op":"Silence"}"#).unwrap();
    assert_eq!(spanned, Pattern::Silence { span: Some([0, u32::MAX]) });
    let spanned = read(r#"{"span":[3,4],"child":{"op":"Silence"},"op":"Rev"}"#).unwrap();
    assert_eq!(spanned.span(), Some([3, 4]));
}

/// `levels` of `Rev` around silence, `op` first or last as `first` says at each level.
fn tower(levels: usize, first: impl Fn(usize) -> bool) -> String {
    let (mut open, mut close) = (String::new(), String::new());
    for level in 0..levels {
        if first(level) {
            open.push_str(r#"{"op":"Rev","child":"#);
            close.insert(0, '}');
        } else {
            open.push_str(r#"{"child":"#);
            close.insert_str(0, r#","op":"Rev"}"#);
        }
    }
    [open, r#"{"op":"Silence"}"#.to_owned(), close].concat()
}

#[test]
fn towers_of_any_order_are_read_on_a_small_stack_and_refused_as_patterns_when_too_deep() {
    let work = || {
        let orders: [fn(usize) -> bool; 4] =
            [|_| true, |_| false, |level| level % 2 == 0, |level| level < 200];
        for first in orders {
            for levels in [MAX_DEPTH, MAX_DEPTH + 1, 2 * MAX_DEPTH, 4 * MAX_DEPTH - 1] {
                let text = tower(levels, first);
                let pattern = Pattern::from_json_str(&text).unwrap();
                let mut depth = 0;
                let mut at = &pattern;
                while let Pattern::Rev { child, .. } = at {
                    (at, depth) = (child, depth + 1);
                }
                assert_eq!(depth, levels);
                // Refused sooner or later, in the same words.
                let refused = match read(&text) {
                    Ok(same) => compile(&same).err().map(|error| error.to_string()),
                    Err(error) => Some(error.to_string()),
                };
                let too_deep = "IR tree exceeds maximum depth of 256";
                assert_eq!(refused.is_some(), levels > MAX_DEPTH);
                assert!(refused.is_none_or(|text| text.starts_with(too_deep)));
            }
            let wrong = tower(MAX_DEPTH, first).replace("Silence", "Zorp");
            let place = format!("(at {}): unknown op `Zorp`", "/child".repeat(MAX_DEPTH));
            assert!(read(&wrong).unwrap_err().to_string().contains(&place));
        }
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(work).unwrap().join().unwrap();
}

#[test]
fn a_bomb_in_a_field_nobody_knows_goes_off_nowhere() {
    let bomb = ["[".repeat(1000), "]".repeat(1000)].concat();
    for text in [
        format!(r#"{{"colour":{bomb},"op":"Silence"}}"#),
        format!(r#"{{"op":"Silence","child":{bomb}}}"#),
        format!(r#"{{"child":{bomb},"op":"Silence"}}"#),
        format!(r#"{{"op":"Silence","span":{bomb}}}"#),
    ] {
        assert_eq!(Pattern::from_json_str(&text).unwrap(), builders::rest(), "{}", &text[..30]);
    }
}
