//! Session methods over the socket: nodes, documents, history; each all or nothing, each can be tried.
#![cfg(unix)]

#[path = "wire_session/files.rs"]
mod files;
#[path = "wire_session/freeze.rs"]
mod freeze;
#[path = "wire_session/macros.rs"]
mod macros;
#[path = "wire_session/scenes.rs"]
mod scenes;
mod wire_client;

use std::sync::Arc;
use std::time::Duration;

use krach::instance::{HostHooks, Instance};
use serde_json::{Value, json};
use wire_client::{Client, Home, Voice, client_of, config};

/// The result of a call that must work.
fn ok(client: &mut Client, method: &str, params: Value) -> Value {
    let reply = client.call(method, params.clone());
    assert!(reply["error"].is_null(), "{method} {params}: {reply}");
    reply["result"].clone()
}

/// Place and hint of a refusal, which must have changed nothing.
fn refused(client: &mut Client, method: &str, params: Value) -> (String, String, String) {
    let before = capture(client);
    let reply = client.call(method, params.clone());
    let error = &reply["error"];
    assert!(!error.is_null(), "{method} {params}: {reply}");
    assert_eq!(error["data"]["still_playing"], true, "{reply}");
    assert_eq!(capture(client), before, "{method} {params}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&error["data"]["place"]), text(&error["message"]), text(&error["data"]["hint"]))
}

fn capture(client: &mut Client) -> Value {
    ok(client, "capture", json!({}))["module"].clone()
}

fn history(client: &mut Client) -> (Vec<String>, u64) {
    let history = ok(client, "history", json!({}));
    let steps = history["steps"].as_array().unwrap().iter().map(|s| s.as_str().unwrap().to_owned());
    (steps.collect(), history["done"].as_u64().unwrap())
}

/// Bass into a reverb, and a group of drums.
fn band(client: &mut Client) {
    ok(client, "node", json!({"name": "bass", "source": "faust:bass", "gain": 0.4, "init": {"cutoff": 800}}));
    ok(client, "node", json!({"name": "verb", "source": "gain", "gain": 0.5}));
    ok(client, "connect", json!({"source": "bass", "target": "verb", "level": 0.3}));
    for drum in ["drums/kick", "drums/hat"] {
        ok(client, "node", json!({"name": drum, "source": "faust:kick"}));
        ok(client, "play", json!({"target": drum, "pattern": "x . x ."}));
    }
}

#[test]
fn a_band_is_captured_cleared_loaded_and_is_the_same() {
    let home = Home::new("band");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let empty = capture(&mut client);
    band(&mut client);
    let full = capture(&mut client);
    let names: Vec<&str> =
        full["nodes"].as_array().unwrap().iter().map(|n| n["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["bass", "verb", "drums/kick", "drums/hat"]);
    assert_eq!(full["routing"][0]["level"], 0.3);
    ok(&mut client, "clear", json!({}));
    assert_eq!(capture(&mut client), empty);
    ok(&mut client, "load", json!({"module": full}));
    assert_eq!(capture(&mut client), full);
    // Another instance, whose name is its own.
    let other_home = Home::new("other");
    let other = other_home.instance();
    let mut there = client_of(&other);
    ok(&mut there, "load", json!({"module": full}));
    assert_eq!(capture(&mut there), full);
}

#[test]
fn every_change_is_a_step_back_and_a_step_on() {
    let home = Home::new("steps");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let changes = [
        ("node", json!({"name": "bass", "source": "faust:bass"})),
        ("node", json!({"name": "verb", "source": "gain"})),
        ("connect", json!({"source": "bass", "target": "verb", "level": 0.5})),
        ("set", json!({"values": {"bass/cutoff": 500}})),
        ("gain", json!({"node": "bass", "gain": 0.25})),
        ("mute", json!({"node": "bass"})),
        ("solo", json!({"node": "verb"})),
        ("play", json!({"target": "bass", "pattern": "A2 ~ C3"})),
        ("automate", json!({"label": "bass/cutoff", "shape": "sine", "lo": 100, "hi": 900, "bars": 4})),
        ("midi_map", json!({"channel": 0, "cc": 1, "label": "bass/cutoff"})),
        ("midi_route", json!({"channel": "omni", "node": "bass"})),
        ("transport", json!({"tempo": 100, "seed": 3})),
        ("master", json!({"gain": 0.5})),
        ("crossfade", json!({"secs": 0.1})),
        ("input", json!({"on": true, "channel": 0})),
        ("limiter", json!({"on": false})),
        ("name", json!({"name": "low"})),
        ("disconnect", json!({"source": "bass", "target": "verb"})),
        ("hush", json!({"target": "bass"})),
        ("clear_automation", json!({"id": "bass/cutoff"})),
        ("midi_unmap", json!({"channel": 0, "cc": 1})),
        (
            "instantiate",
            json!({"prefix": "b", "module": {"nodes": [{"name": "kick", "source": "faust:kick"}]}}),
        ),
        ("remove", json!({"node": "bass"})),
        (
            "batch",
            json!({"requests": [
                {"method": "node", "params": {"name": "x", "source": "gain"}},
                {"method": "gain", "params": {"node": "x", "gain": 0.1}},
            ]}),
        ),
        ("clear", json!({})),
    ];
    let mut states = vec![capture(&mut client)];
    for (method, params) in &changes {
        // Trying it says the same and changes nothing.
        let mut tried = params.clone();
        tried["dry_run"] = true.into();
        let before = (capture(&mut client), history(&mut client));
        let said = ok(&mut client, method, tried);
        assert_eq!((capture(&mut client), history(&mut client)), before, "{method}");
        assert!(*method == "transport" || said["dry_run"] == true, "{method}: {said}");
        ok(&mut client, method, params.clone());
        states.push(capture(&mut client));
        assert_ne!(states[states.len() - 2], states[states.len() - 1], "{method} {params} does something");
    }
    assert_eq!(history(&mut client).1, changes.len() as u64, "{:?}", history(&mut client));
    for state in states.iter().rev().skip(1) {
        assert!(ok(&mut client, "undo", json!({}))["undone"].is_string());
        assert_eq!(capture(&mut client), *state);
    }
    assert!(ok(&mut client, "undo", json!({}))["undone"].is_null(), "there is nothing before the start");
    for state in &states[1..] {
        assert!(ok(&mut client, "redo", json!({}))["redone"].is_string());
        assert_eq!(capture(&mut client), *state);
    }
    assert!(ok(&mut client, "redo", json!({}))["redone"].is_null());
}

#[test]
fn what_is_wrong_says_where_and_what_would_work() {
    let home = Home::new("wrong");
    let instance = home.instance();
    let mut client = client_of(&instance);
    band(&mut client);
    for (method, params, place, message, hint) in [
        (
            "node",
            json!({"name": "a", "source": "faust:bas"}),
            "params.source",
            "faust:bas",
            "did you mean faust:bass?",
        ),
        ("node", json!({"name": "a/", "source": "gain"}), "params.name", "is not a name", "letters"),
        ("node", json!({"name": "a", "source": "gain", "count": 65}), "params.count", "", "64"),
        ("node", json!({"name": "a", "source": "gain", "gian": 1}), "params.gian", "unknown field", ""),
        ("node", json!({"name": "a", "source": {"type": "dsp_graph"}}), "params.source", "missing field", ""),
        (
            "connect",
            json!({"source": "bas", "target": "verb"}),
            "params.source",
            "no node bas",
            "did you mean bass?",
        ),
        ("connect", json!({"source": "bass", "target": "verb", "level": -1}), "params.level", "", "0 to 16"),
        (
            "connect",
            json!({"source": "bass", "target": "verb", "port": "in", "level": 1}),
            "params.level",
            "a wire has no level",
            "leave",
        ),
        ("connect", json!({"source": "verb", "target": "verb"}), "", "cycle", ""),
        ("connect", json!({"source": "bass", "target": "verb", "port": "side"}), "verb", "unknown port", ""),
        ("disconnect", json!({"source": "verb", "target": "bass"}), "params", "is not routed", ""),
        ("remove", json!({"node": "drum"}), "params.node", "no node drum", ""),
        ("mute", json!({"node": "bess"}), "params.node", "no node bess", "did you mean bass?"),
        ("gain", json!({"node": "bass", "gain": 17}), "params.gain", "17", "0 to 16"),
        (
            "set",
            json!({"values": {"bass/cutof": 1}}),
            "params.values[\"bass/cutof\"]",
            "no control",
            "did you mean cutoff?",
        ),
        ("set", json!({"values": {"bess/cutoff": 1}}), "params.values[\"bess/cutoff\"]", "no control", ""),
        (
            "play",
            json!({"target": "bas", "pattern": "x"}),
            "params.target",
            "no node bas",
            "did you mean bass?",
        ),
        (
            "play",
            json!({"target": "bas", "pattern": "x", "dry_run": true}),
            "params.target",
            "no node bas",
            "",
        ),
        ("play", json!({"target": "zither", "pattern": "A2"}), "params.target", "no node zither", "free"),
        (
            "fade",
            json!({"label": "bass/cutof", "value": 1, "secs": 1}),
            "params.label",
            "no control",
            "did you mean cutoff?",
        ),
        (
            "automate",
            json!({"label": "bass/cutof", "shape": "tri", "lo": 0, "hi": 1, "secs": 1}),
            "params.label",
            "no control",
            "did you mean cutoff?",
        ),
        (
            "automate",
            json!({"label": "bess/cutoff", "shape": "tri", "lo": 0, "hi": 1, "secs": 1}),
            "params.label",
            "no control",
            "did you mean bass?",
        ),
        (
            "set",
            json!({"values": {"bass/cutoff": "loud"}}),
            "params.values.bass/cutoff",
            "not understood",
            "",
        ),
        (
            "load",
            json!({"module": {"nodes": [{"name": "a"}]}}),
            "params.module",
            "missing field `source`",
            "",
        ),
        (
            "load",
            json!({"module": {"nodes": [{"name": "a", "source": "gain"}, {"name": "a", "source": "gain"}]}}),
            "params.module.nodes[1]",
            "",
            "",
        ),
        (
            "load",
            json!({"module": {"routing": [{"source": "a", "target": "b"}]}}),
            "params.module.routing[0].source",
            "",
            "",
        ),
        (
            "load",
            json!({"module": {"krach": {"version": 99}}}),
            "params.module.krach.version",
            "newer",
            "update",
        ),
        ("instantiate", json!({"prefix": "", "module": {}}), "params.prefix", "is not a name", ""),
        (
            "instantiate",
            json!({"prefix": "drums", "module": {"nodes": [{"name": "kick", "source": "gain"}]}}),
            "params.prefix",
            "already",
            "another prefix",
        ),
        ("crossfade", json!({}), "params", "one length", "beats or secs"),
        (
            "batch",
            json!({"requests": [{"method": "gain", "params": {"node": "bass", "gain": 1}}, {"method": "gain", "params": {"node": "bess", "gain": 1}}]}),
            "params.requests[1].params.node",
            "no node bess",
            "did you mean bass?",
        ),
        (
            "batch",
            json!({"requests": [{"method": "capture"}]}),
            "params.requests[0].method",
            "cannot be part",
            "",
        ),
        (
            "batch",
            json!({"requests": [{"method": "clear", "params": {"at": 4}}]}),
            "params.requests[0].params.at",
            "whole batch",
            "",
        ),
        ("undo", json!({"at": "later"}), "params.at", "not a time", ""),
        ("clear", json!({"dry_run": 1}), "params.dry_run", "", ""),
        ("describe", json!({"node": "bess"}), "params.node", "no node", "did you mean bass?"),
    ] {
        let (at, text, help) = refused(&mut client, method, params.clone());
        assert!(at.starts_with(place), "{method} {params}: place {at}");
        assert!(text.contains(message), "{method} {params}: {text}");
        assert!(help.contains(hint), "{method} {params}: {help}");
        // Of a document the place says where; what would work there is known in part only.
        assert!(method == "load" || !help.is_empty(), "{method} {params}: {text}: what would work?");
    }
}

#[test]
fn a_group_is_meant_by_its_name() {
    let home = Home::new("group");
    let instance = home.instance();
    let mut client = client_of(&instance);
    band(&mut client);
    let drums = json!(["drums/kick", "drums/hat"]);
    assert_eq!(ok(&mut client, "mute", json!({"node": "drums"}))["nodes"], drums);
    assert_eq!(ok(&mut client, "gain", json!({"node": "drums", "gain": 0.125}))["nodes"], drums);
    let captured = capture(&mut client);
    assert_eq!(captured["muted"].as_array().unwrap().len(), 2);
    assert_eq!(ok(&mut client, "remove", json!({"node": "drums"}))["nodes"], drums);
    let captured = capture(&mut client);
    assert_eq!(captured["nodes"].as_array().unwrap().len(), 2);
    assert!(captured["patterns"].is_null(), "a node's pattern goes with it: {captured}");
}

#[test]
fn a_slot_that_is_no_node_is_a_control_one_of_whole_labels_one_that_waits_for_its_node_or_free() {
    let home = Home::new("slots");
    let instance = home.instance();
    let mut client = client_of(&instance);
    band(&mut client);
    let note =
        json!({"op": "Atom", "value": {"type": "Note", "channel": 0, "note": 60, "velocity": 90, "dur": 1}});
    let whole = json!({"op": "Atom", "value": {"type": "Control", "label": "bass/cutoff", "value": 900}});
    let lost = json!({"op": "Atom", "value": {"type": "Control", "label": "cutoff", "value": 900}});
    for params in [
        json!({"target": "bass/cutoff", "pattern": whole}),
        json!({"target": "host", "pattern": note}),
        json!({"target": "sweep", "pattern": whole}),
        json!({"target": "nobody", "pattern": "x", "free": true}),
        // There by now.
        json!({"target": "nobody", "pattern": "x x"}),
    ] {
        ok(&mut client, "play", params);
    }
    let play = |client: &mut Client, params: Value| client.call("play", params)["error"].is_null();
    assert!(!play(&mut client, json!({"target": "other", "pattern": lost})));
    // A node that comes at a time is played at a time.
    assert!(!play(&mut client, json!({"target": "later", "pattern": "x", "at": 9})));
    ok(&mut client, "node", json!({"name": "later", "source": "faust:kick", "at": 8}));
    assert!(play(&mut client, json!({"target": "later", "pattern": "x", "at": 9})));
    // Older families accept what they accepted.
    let set = json!({"cmd": "SetPattern", "slot": "zither", "pattern": lost});
    assert_eq!(client.ask(&set.to_string())["status"], "Ok");
}

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

#[test]
fn a_load_keeps_what_is_equal_and_cannot_be_told_not_to() {
    let home = Home::new("keep");
    let instance = home.instance();
    let mut client = client_of(&instance);
    band(&mut client);
    let mut module = capture(&mut client);
    let (steps, before) = (history(&mut client).1, module.clone());
    ok(&mut client, "load", json!({"module": module, "keep": true}));
    assert_eq!(capture(&mut client), before);
    module["nodes"][0]["gain"] = json!(0.25);
    ok(&mut client, "load", json!({"module": module, "keep": true}));
    assert_eq!(capture(&mut client), module);
    assert!(history(&mut client).1 - steps <= 2, "one step each");
    let (place, message, hint) = refused(&mut client, "load", json!({"module": module, "keep": false}));
    assert_eq!((place.as_str(), message.as_str()), ("params.keep", "a load keeps what is equal"));
    assert_eq!(hint, "clear first to begin anew");
}

#[test]
fn a_flood_of_one_control_is_one_step_and_a_loaded_project_begins_a_new_history() {
    let home = Home::new("flood");
    let instance = home.instance();
    let mut client = client_of(&instance);
    band(&mut client);
    let steps = history(&mut client).1;
    for i in 0..100 {
        ok(&mut client, "set", json!({"values": {"bass/cutoff": i}}));
    }
    let after = history(&mut client).1 - steps;
    assert!((1..=4).contains(&after), "{after} steps for a hundred values");
    std::thread::sleep(Duration::from_millis(350));
    ok(&mut client, "set", json!({"values": {"bass/cutoff": 7}}));
    assert_eq!(history(&mut client).1, steps + after + 1);
    let chunk = instance.save_state();
    instance.load_state(&chunk).expect("loads what it saved");
    assert_eq!(history(&mut client), (vec![], 0));
}

#[test]
fn a_batch_of_a_thousand_is_one_step() {
    let home = Home::new("thousand");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let mut requests = Vec::new();
    for i in 0..250 {
        requests.push(json!({"method": "node", "params": {"name": format!("n{i}"), "source": "gain"}}));
        requests.push(json!({"method": "gain", "params": {"node": format!("n{i}"), "gain": 0.01}}));
        requests.push(
            json!({"method": "play", "params": {"target": format!("n{}", i % 50), "pattern": "x . x x"}}),
        );
        requests.push(
            json!({"method": "connect", "params": {"source": format!("n{i}"), "target": "n0", "level": 0.1}}),
        );
    }
    // A node does not feed itself.
    requests.remove(3);
    let done = ok(&mut client, "batch", json!({"requests": requests}));
    assert_eq!(done["results"].as_array().unwrap().len(), 999);
    assert_eq!(history(&mut client).1, 1);
    assert_eq!(capture(&mut client)["nodes"].as_array().unwrap().len(), 250);
    ok(&mut client, "undo", json!({}));
    assert!(capture(&mut client)["nodes"].is_null());
}

#[test]
fn an_older_clients_graph_is_adopted() {
    let home = Home::new("adopt");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let graph = json!({"type": "load_graph",
        "nodes": [{"id": "out", "type_id": "dac"}, {"id": "bass", "type_id": "faust:bass"},
                  {"id": "bass_g", "type_id": "gain", "controls": {"gain": 0.5}}, {"id": "odd", "type_id": "gain"}],
        "connections": [
            {"from_node": "bass", "from_port": "out", "to_node": "bass_g", "to_port": "in"},
            {"from_node": "bass_g", "from_port": "out", "to_node": "out", "to_port": "in"},
            {"from_node": "odd", "from_port": "out", "to_node": "out", "to_port": "in"}],
        "exposed_controls": {"bass/gain": ["bass_g", "gain"]}});
    assert_eq!(client.ask(&graph.to_string())["msg"], "graph loaded");
    let done = ok(&mut client, "adopt", json!({"nodes": ["bass", "odd"]}));
    assert_eq!(done["adopted"], json!(["bass"]));
    assert_eq!(done["left"], json!([{"node": "odd", "why": "it has no fader odd_g"}]));
    let captured = capture(&mut client);
    assert_eq!((&captured["nodes"][0]["name"], &captured["nodes"][0]["gain"]), (&json!("bass"), &json!(0.5)));
}

#[test]
fn a_level_set_beyond_its_range_is_told_and_saved_as_it_is_heard() {
    let home = Home::new("loud");
    let instance = home.instance();
    let mut client = client_of(&instance);
    band(&mut client);
    let set = |value: f64| json!({"type": "set_control", "label": "bass_send_verb/gain", "value": value});
    for (value, heard) in [(20.0, 16.0), (-3.0, 0.0), (0.25, 0.25)] {
        let reply = client.ask(&set(value).to_string());
        assert_eq!(reply["status"], "Ok", "{reply}");
        let bass = ok(&mut client, "describe", json!({"node": "bass"}))["nodes"][0].clone();
        assert_eq!(bass["sends"], json!([{"target": "verb", "level": heard}]));
        let module = capture(&mut client);
        assert_eq!(module["routing"][0]["level"], heard);
        ok(&mut client, "load", json!({"module": module}));
        assert_eq!(capture(&mut client)["routing"][0]["level"], heard);
    }
}
