//! Controls as clients see and name them: what moves them, their scales, their labels, their values as texts.

use std::sync::Arc;

use krach::instance::{HostHooks, Instance};
use serde_json::{Value, json};

use super::wire_client::{Client, Home, Voice, client_of, config};
use super::{band, capture, ok, refused};

#[test]
fn a_node_is_described_with_everything_that_moves_its_controls() {
    let home = Home::new("describe");
    let instance = home.instance();
    let mut client = client_of(&instance);
    band(&mut client);
    ok(&mut client, "play", json!({"target": "bass", "pattern": "A2 C3"}));
    ok(
        &mut client,
        "automate",
        json!({"id": "lfo", "label": "bass/cutoff", "shape": "tri", "lo": 1, "hi": 2, "secs": 1}),
    );
    ok(&mut client, "midi_map", json!({"channel": 2, "cc": 74, "label": "bass/cutoff"}));
    let bass = ok(&mut client, "describe", json!({"node": "bass"}))["nodes"][0].clone();
    assert_eq!(
        (&bass["state"], &bass["gain"], &bass["playing"]),
        (&json!("ready"), &json!(0.4), &json!(true))
    );
    assert_eq!(bass["sends"], json!([{"target": "verb", "level": 0.3}]));
    let control =
        |name: &str| bass["controls"].as_array().unwrap().iter().find(|c| c["name"] == name).unwrap().clone();
    let cutoff = control("cutoff");
    assert_eq!((&cutoff["value"], &cutoff["max"]), (&json!(800.0), &json!(20000.0)));
    assert_eq!(cutoff["moved_by"], json!({"automation": "lfo"}));
    assert_eq!(cutoff["midi"], json!([{"channel": 2, "cc": 74}]));
    assert_eq!(control("freq")["moved_by"], json!({"pattern": "bass"}));
    assert_eq!(control("gate")["gate"], true);
    assert_eq!(ok(&mut client, "describe", json!({}))["nodes"].as_array().unwrap().len(), 4);
}

#[test]
fn a_control_tells_its_scale_its_step_and_its_names_and_patterns_say_those() {
    let home = Home::new("names");
    let instance = home.instance();
    let mut client = client_of(&instance);
    ok(&mut client, "node", json!({"name": "osc", "source": "oscillator"}));
    let told = |controls: &Value, name: &str| {
        let control = controls.as_array().unwrap().iter().find(|c| c["name"] == name).unwrap().clone();
        json!([control["scale"], control["step"], control["integer"], control["labels"]])
    };
    let osc = ok(&mut client, "describe", json!({"node": "osc"}))["nodes"][0]["controls"].clone();
    let names = json!([{"name": "sine", "value": 0.0}, {"name": "saw", "value": 1.0}, {"name": "pulse", "value": 2.0}]);
    assert_eq!(told(&osc, "waveform"), json!(["linear", 1.0, true, names]));
    assert_eq!(told(&osc, "freq"), json!(["log", 0.0, false, null]));
    let said = |words: [&str; 2]| {
        let names = words.map(|word| json!({"op": "Name", "name": word}));
        json!({"op": "Label", "label": "waveform", "child": {"op": "Cat", "children": names}})
    };
    ok(&mut client, "play", json!({"target": "osc", "pattern": said(["saw", "pulse"])}));
    let (place, message, hint) =
        refused(&mut client, "play", json!({"target": "osc", "pattern": said(["saw", "pusle"])}));
    assert_eq!(place, "params.pattern");
    assert_eq!(message, "osc/waveform takes sine, saw, pulse or numbers from 0 to 2, not the name pusle");
    assert_eq!(hint, "did you mean pulse?");
}

#[test]
fn a_text_for_a_control_is_a_line_of_its_values() {
    let home = Home::new("values");
    let instance = home.instance();
    let mut client = client_of(&instance);
    ok(&mut client, "node", json!({"name": "osc", "source": "oscillator"}));
    // Label, value and piece of the text of each event of a cycle.
    let drawn = |client: &mut Client, target: &str| {
        let events = ok(client, "query", json!({"target": target, "from": 0, "to": 1}))["events"].clone();
        let drawn = |event: &Value| {
            assert!(event["unit"].is_null(), "a value is no note: {event}");
            json!([event["value"]["label"], event["value"]["value"], event["span"]])
        };
        events.as_array().unwrap().iter().map(drawn).collect::<Vec<_>>()
    };
    ok(&mut client, "play", json!({"target": "osc/waveform", "pattern": "saw <pulse sine> 0"}));
    let label = "osc/waveform";
    assert_eq!(
        drawn(&mut client, label),
        [json!([label, "saw", [0, 3]]), json!([label, "pulse", [5, 10]]), json!([label, 0.0, [17, 18]])]
    );
    // A frequency opens no gate on a slot that is its own.
    ok(&mut client, "play", json!({"target": "osc/freq", "notation": "200 400.5 [60 .. 61]"}));
    let label = "osc/freq";
    assert_eq!(
        drawn(&mut client, label),
        [
            json!([label, 200.0, [0, 3]]),
            json!([label, 400.5, [4, 9]]),
            json!([label, 60.0, [11, 19]]),
            json!([label, 61.0, [11, 19]]),
        ]
    );
    // A document has it as it was played.
    let document = capture(&mut client);
    ok(&mut client, "clear", json!({}));
    ok(&mut client, "load", json!({"module": document}));
    assert_eq!(drawn(&mut client, label).len(), 4);
    // In one batch with the node; a node of such a name plays notes, and so does a slot that is free.
    let edits = json!([
        {"method": "node", "params": {"name": "b", "source": "gain"}},
        {"method": "node", "params": {"name": "b/x", "source": "gain"}},
        {"method": "play", "params": {"target": "b/gain", "pattern": "0 [0.5 1]"}},
        {"method": "play", "params": {"target": "b/x", "pattern": "x"}},
        {"method": "play", "params": {"target": "free/slot", "pattern": "x", "free": true}},
    ]);
    ok(&mut client, "batch", json!({"requests": edits}));
    assert_eq!(drawn(&mut client, "b/gain")[0], json!(["b/gain", 0.0, [0, 1]]));
    for slot in ["b/x", "free/slot"] {
        let events = ok(&mut client, "query", json!({"target": slot, "from": 0, "to": 1}))["events"].clone();
        assert_eq!(events[0]["value"]["label"], "gate", "{slot}");
    }
    for (target, text, place, says, hint) in [
        (
            "osc/waveform",
            "saw pusle",
            "params.pattern",
            "osc/waveform takes sine, saw, pulse or numbers from 0 to 2, not the name pusle",
            "did you mean pulse?",
        ),
        ("osc/freq", "x . x", "params.pattern", "not the name x", ""),
        ("osc/freq", "400 [800", "params.pattern", "this \"[\" is not closed", "close it with \"]\""),
        ("osc", "saw pulse", "params.pattern", "unknown word \"saw\"", "a hit is x"),
        ("osc/fraq", "saw pulse", "params.target", "osc has no control fraq", "did you mean freq?"),
        ("osc/nothing", "60", "params.target", "osc has no control nothing", "its controls are"),
        ("osv", "60", "params.target", "there is no node osv to play", "did you mean osc?"),
    ] {
        let (at, message, advice) = refused(&mut client, "play", json!({"target": target, "pattern": text}));
        assert!(at == place && message.contains(says), "{target} {text}: {at} {message}");
        assert!(advice.contains(hint), "{target} {text}: {advice}");
    }
    let error =
        client.call("play", json!({"target": "osc/waveform", "pattern": "saw\n pusle"}))["error"].clone();
    assert_eq!(
        (&error["data"]["line"], &error["data"]["column"], &error["data"]["span"]),
        (&json!(2), &json!(2), &json!([5, 10])),
        "{error}"
    );
}

#[test]
fn a_control_that_is_not_there_or_one_of_several_is_told_by_name() {
    let home = Home::new("several");
    let mut config = config(HostHooks::default());
    config.registry.add(Arc::new(Voice::with("test:grouped", ["reed/midi/freq", "reed/midi/cutoff"])));
    config.registry.add(Arc::new(Voice::with("test:twins", ["a/freq", "b/freq"])));
    let instance = Instance::start_at(config, home.addresses());
    let mut client = client_of(&instance);
    ok(&mut client, "node", json!({"name": "reed", "source": "test:grouped", "init": {"cutoff": 1}}));
    ok(&mut client, "node", json!({"name": "twins", "source": "test:twins"}));
    let twins = "freq may be twins/a/freq or twins/b/freq";
    let label = json!({"op": "Label", "label": "freq", "plain": true, "child": {"op": "Number", "value": 3}});
    for (method, params, place, says, hint) in [
        (
            "play",
            json!({"target": "reed/frek", "pattern": "1"}),
            "params.target",
            "reed has no control frek",
            "freq?",
        ),
        (
            "fade",
            json!({"label": "reed/frek", "value": 1, "beats": 1}),
            "params.label",
            "reed has no control frek",
            "freq?",
        ),
        ("play", json!({"target": "twins", "pattern": "x A3"}), "params.pattern", twins, "say which"),
        ("play", json!({"target": "twins", "pattern": label}), "params.pattern", twins, "say which"),
        (
            "node",
            json!({"name": "reed", "source": "test:grouped", "init": {"cutof": 1}}),
            "params.init[\"cutof\"]",
            "reed has no control cutof",
            "did you mean cutoff?",
        ),
        (
            "node",
            json!({"name": "new", "source": "test:twins", "init": {"freq": 1}}),
            "params.init[\"freq\"]",
            "any of",
            "a/freq",
        ),
    ] {
        let (at, message, advice) = refused(&mut client, method, params.clone());
        assert!(at == place && message.contains(says), "{method} {params}: {at} {message}");
        assert!(advice.contains(hint), "{method} {params}: {advice}");
    }
    // What asks for none of the two plays, and so does what says which, and what is told to.
    for (pattern, free) in [("x", false), ("A3", true)] {
        ok(&mut client, "play", json!({"target": "twins", "pattern": pattern, "free": free}));
    }
    let label = json!({"op": "Label", "label": "a/freq", "child": {"op": "Number", "value": 3}});
    ok(&mut client, "play", json!({"target": "twins", "pattern": label}));
    // Values that a node has stay as they are where it gets another source.
    ok(&mut client, "node", json!({"name": "reed", "source": "test:twins"}));
}
