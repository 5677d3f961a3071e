//! Patterns of every operator, mostly small, some that multiply.

use serde_json::{Value, json};

use super::make::Dice;

/// A tree of at most that depth.
pub fn pattern(dice: &mut Dice, depth: usize) -> Value {
    if depth == 0 || dice.below(4) == 0 {
        return leaf(dice);
    }
    let at = depth - 1;
    let child = pattern(dice, at);
    match dice.below(22) {
        0 => json!({"op": "Cat", "children": [child, pattern(dice, at)]}),
        1 => json!({"op": "Stack", "children": [child, {"op": "Silence"}]}),
        2 => {
            let op = *dice.one(&["Fast", "Slow"]);
            json!({"op": op, "factor": [dice.size(5000), 1 + dice.below(9)], "child": child})
        }
        3 => {
            let op = *dice.one(&["Early", "Late"]);
            json!({"op": op, "offset": [dice.size(5000), 1 + dice.below(9)], "child": child})
        }
        4 => json!({"op": "Every", "n": dice.below(5), "transform": pattern(dice, at), "child": child}),
        5 => {
            json!({"op": "Euclid", "pulses": dice.size(5000), "steps": dice.size(9000), "rotation": 1, "child": child})
        }
        6 => json!({"op": dice.one(&["Freeze", "Rev"]), "child": child}),
        7 => {
            json!({"op": "Warp", "kind": "swing", "amount": 0.6, "grid": 2 * dice.below(40), "child": child})
        }
        8 => {
            let op = *dice.one(&["Degrade", "Chance"]);
            json!({"op": op, "prob": 0.5, "seed": dice.below(9), "child": child})
        }
        9 => {
            let kinds = ["fast", "slow", "early", "late", "chance", "euclid", "every"];
            let mut by: Vec<_> = (0..1 + dice.below(3)).map(|_| numbers(dice)).collect();
            if dice.below(4) == 0 {
                by[0] = pattern(dice, at);
            }
            let kind = *dice.one(&kinds);
            let transform = (kind == "every").then(|| pattern(dice, at));
            json!({"op": "Vary", "kind": kind, "by": by, "seed": 1, "transform": transform, "child": child})
        }
        10 => json!({"op": "Pick", "index": numbers(dice), "children": [child, pattern(dice, at)]}),
        11 => {
            let mut choose = json!({"op": "Choose", "seed": 3, "children": [child, pattern(dice, at)]});
            if dice.below(2) == 0 {
                choose["weights"] = json!([dice.size(1000), 1]);
            }
            choose
        }
        12 | 13 => json!({"op": "Label", "label": label(dice), "child": child}),
        14 | 15 => {
            let kinds = ["add", "sub", "mul", "div", "mod", "set", "keep", "mask", "scale", "inv", "voicing"];
            json!({"op": "Combine", "kind": dice.one(&kinds), "structure": dice.one(&["left", "right", "both"]),
                "left": child, "right": pattern(dice, at)})
        }
        16 => {
            let kind = *dice.one(&["ply", "up", "down", "updown", "converge", "rolled"]);
            json!({"op": "Split", "kind": kind, "n": dice.size(300), "child": child})
        }
        17 => {
            let (from, size) = (dice.below(8), 1 + dice.below(8));
            json!({"op": "Zoom", "from": [from, 16], "to": [from + size, 16], "child": child})
        }
        18 => {
            let kind = *dice.one(&["shuffle", "scramble"]);
            json!({"op": "Shuffle", "kind": kind, "n": dice.size(70), "seed": 5, "child": child})
        }
        19 => json!({"op": "Segment", "n": dice.size(5000), "child": child}),
        20 => {
            let text = format!("long\n{}\n{}", dice.size(5000), "3/2\n".repeat(dice.size(20_000)));
            let tuning = *dice.one(&["19edo", "just", &text]);
            json!({"op": "Tune", "tuning": tuning, "map": null, "child": child})
        }
        _ => json!({"op": "Label", "label": "chord", "child": {"op": "Name", "name": "C:m7"}}),
    }
}

fn leaf(dice: &mut Dice) -> Value {
    match dice.below(6) {
        0 => numbers(dice),
        1 => json!({"op": "Name", "name": dice.one(&["C:minor", "bd", "C:m7", ""])}),
        2 => {
            let kind = *dice.one(&["sine", "saw", "tri", "square", "rand", "custom"]);
            json!({"op": "Shape", "kind": kind, "lo": 0, "hi": 1, "label": label(dice), "table": [0, dice.size(9)]})
        }
        3 => match dice.below(3) {
            0 => {
                json!({"op": "Atom", "value": {"type": "Note", "channel": 0, "note": 60, "velocity": 99, "dur": 0.5}})
            }
            1 => json!({"op": "Atom", "value": {"type": "Cc", "channel": 0, "controller": 1, "value": 99}}),
            _ => json!({"op": "Atom", "value": {"type": "Osc", "address": "/a",
                "args": [{"Str": "x".repeat(dice.size(10_000))}]}}),
        },
        _ => json!({"op": "Atom", "value": {"type": "Control", "label": label(dice), "value": 1}}),
    }
}

/// A pattern of numbers, sometimes of thousands.
fn numbers(dice: &mut Dice) -> Value {
    let number = |dice: &mut Dice| {
        let value = *dice.one(&[0.0, 1.0, 0.5, 3.0, -2.0, 64.0, 1e9, -1e300]);
        json!({"op": "Number", "value": value})
    };
    match dice.below(3) {
        0 => number(dice),
        _ => {
            json!({"op": "Cat", "children": (0..1 + dice.size(3000)).map(|_| number(dice)).collect::<Vec<_>>()})
        }
    }
}

/// A name of a control, sometimes as long as one may be, or longer.
fn label(dice: &mut Dice) -> String {
    match dice.below(8) {
        0 => "l".repeat(1 + dice.size(2100)),
        _ => (*dice.one(&["gate", "bass/freq", "freq", "drums/kick/gate", "note", "chord", "legato"]))
            .to_owned(),
    }
}

/// The operators that the document's schema knows are all made.
#[test]
fn patterns_of_every_operator_are_made() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/module.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut known = std::collections::BTreeSet::new();
    named(&schema, &mut known);
    let mut made = std::collections::BTreeSet::new();
    for number in 0..3000 {
        ops(&pattern(&mut Dice::new(number), 4), &mut made);
    }
    assert!(known.len() > 20, "{known:?}");
    assert_eq!(known.difference(&made).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// What `op` may be, wherever the schema says so.
fn named(schema: &Value, into: &mut std::collections::BTreeSet<String>) {
    if let Some(op) = schema.pointer("/properties/op/const").and_then(Value::as_str) {
        into.insert(op.to_owned());
    }
    inner(schema).for_each(|value| named(value, into));
}

fn ops(pattern: &Value, into: &mut std::collections::BTreeSet<String>) {
    if let Some(op) = pattern.get("op").and_then(Value::as_str) {
        into.insert(op.to_owned());
    }
    inner(pattern).for_each(|value| ops(value, into));
}

fn inner(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(list) => Box::new(list.iter()),
        Value::Object(map) => Box::new(map.values()),
        _ => Box::new(std::iter::empty()),
    }
}
