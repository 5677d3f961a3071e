//! Requests, as clients write them.

use serde_json::{Value, json};

/// A constant 1 (the high part of a pulse that lasts 99 seconds) through a gain that is shut; the
/// label `x/gate` opens it. The sound is the gate's own 10 ms ramp, so that its every move is seen.
pub fn gate_graph() -> String {
    json!({
        "type": "load_graph",
        "nodes": [
            {"id": "out", "type_id": "dac"},
            {"id": "x", "type_id": "oscillator", "controls": {"freq": 0.01, "waveform": 2, "pulse_width": 0.99}},
            {"id": "x_g", "type_id": "gain", "controls": {"gain": 0.0}},
        ],
        "connections": [wire("x", "x_g"), wire("x_g", "out")],
        "exposed_controls": {"x/gate": ["x_g", "gain"], "x/freq": ["x", "freq"]},
    })
    .to_string()
}

/// Two voices, a tone and a pulse, with labels for gate and pitch: `a/gate`, `a/freq`, `b/gate`, `b/freq`.
pub fn two_voices() -> String {
    json!({
        "type": "load_graph",
        "nodes": [
            {"id": "out", "type_id": "dac"},
            {"id": "a", "type_id": "oscillator", "controls": {"freq": 220.0}},
            {"id": "a_g", "type_id": "gain", "controls": {"gain": 0.0}},
            {"id": "b", "type_id": "oscillator", "controls": {"freq": 55.0, "waveform": 2, "amp": 0.5}},
            {"id": "b_g", "type_id": "gain", "controls": {"gain": 0.0}},
        ],
        "connections": [wire("a", "a_g"), wire("a_g", "out"), wire("b", "b_g"), wire("b_g", "out")],
        "exposed_controls": {
            "a/gate": ["a_g", "gain"], "a/freq": ["a", "freq"],
            "b/gate": ["b_g", "gain"], "b/freq": ["b", "freq"],
        },
    })
    .to_string()
}

/// A wire from the only output to the only input.
pub fn wire(from: &str, to: &str) -> Value {
    json!({"from_node": from, "from_port": "out", "to_node": to, "to_port": "in"})
}

/// A control event.
pub fn atom(label: &str, value: f64) -> Value {
    json!({"op": "Atom", "value": {"type": "Control", "label": label, "value": value}})
}

/// A sequence.
pub fn cat(children: Vec<Value>) -> Value {
    json!({"op": "Cat", "children": children})
}

/// `count` hits per cycle: the gate is up for the first half of each step.
pub fn hits(label: &str, count: usize) -> Value {
    let hit = json!({"op": "Freeze", "child": cat(vec![atom(label, 1.0), atom(label, 0.0)])});
    cat(vec![hit; count])
}

/// `SetPattern`.
pub fn play(slot: &str, pattern: &Value) -> String {
    json!({"cmd": "SetPattern", "slot": slot, "pattern": pattern}).to_string()
}

/// A request that acts at a position in cycles, or at a word.
pub fn at(time: impl Into<Value>, request: &str) -> String {
    let request: Value = serde_json::from_str(request).expect("a request is JSON");
    json!({"jsonrpc": "2.0", "id": 1, "method": "at", "params": {"at": time.into(), "request": request}})
        .to_string()
}

/// The session of most tests here: a gate that opens eight times a cycle.
pub fn gate_session(count: usize) -> Vec<String> {
    vec![gate_graph(), play("x", &hits("x/gate", count))]
}
