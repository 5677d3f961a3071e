//! Session methods over the socket: nodes, documents, history; each all or nothing, each can be tried.
#![cfg(unix)]

#[path = "wire_session/controls.rs"]
mod controls;
#[path = "wire_session/files.rs"]
mod files;
#[path = "wire_session/freeze.rs"]
mod freeze;
#[path = "wire_session/macros.rs"]
mod macros;
#[path = "wire_session/refusals.rs"]
mod refusals;
#[path = "wire_session/scenes.rs"]
mod scenes;
mod wire_client;

use std::time::Duration;

use serde_json::{Value, json};
use wire_client::{Client, Home, client_of};

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

/// Blocks of sound while time runs, and more until the last step is that one: what came late to audio acts late.
fn play_on(client: &mut Client, processor: &mut krach_core::processor::Processor, blocks: u32, last: &str) {
    for _ in 0..blocks {
        scenes::block(processor, None);
    }
    let until = std::time::Instant::now() + Duration::from_secs(30);
    while history(client).0.last().is_none_or(|step| step != last) {
        assert!(std::time::Instant::now() < until, "{last} has not acted: {:?}", history(client));
        scenes::block(processor, None);
    }
}

/// Where time is, in cycles.
fn now(client: &mut Client) -> f64 {
    ok(client, "transport", json!({}))["position"]["cycles"].as_f64().unwrap()
}

fn nodes(client: &mut Client) -> Vec<String> {
    let module = capture(client);
    let nodes = module["nodes"].as_array().cloned().unwrap_or_default();
    nodes.iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_waits_for_its_time_does_not_act_once_the_session_begins_anew() {
    let home = Home::new("anew");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let mut processor = instance.activate(48_000.0, 256).expect("it is active");
    ok(&mut client, "transport", json!({"free_run": true}));
    let file = home.path().join("empty.krach.json");
    ok(&mut client, "save_file", json!({"file": file}));
    let module = capture(&mut client);
    let anew = [
        ("clear", json!({})),
        ("load", json!({"module": module})),
        ("open_file", json!({"file": file})),
        ("batch", json!({"requests": [{"method": "clear"}, {"method": "limiter", "params": {"on": true}}]})),
    ];
    scenes::block(&mut processor, None);
    let mut turn = 0;
    for (method, params) in anew {
        // With something to take away, and with nothing.
        for full in [true, false] {
            turn += 1;
            if full {
                ok(&mut client, "node", json!({"name": "bass", "source": "faust:bass"}));
            }
            let at = now(&mut client) + 0.1;
            ok(&mut client, "play", json!({"target": "bass", "pattern": "A2", "at": at, "free": true}));
            ok(&mut client, "node", json!({"name": "kick", "source": "faust:kick", "at": at}));
            let mut tried = params.clone();
            tried["dry_run"] = true.into();
            ok(&mut client, method, tried);
            ok(&mut client, method, params.clone());
            let steps = history(&mut client);
            let name = json!({"name": format!("later {turn}"), "source": "gain", "at": at + 0.05});
            ok(&mut client, "node", name);
            play_on(&mut client, &mut processor, 80, &format!("node later {turn}"));
            let after = history(&mut client);
            assert_eq!(after.1, steps.1 + 1, "{method} {full}: {after:?}");
            assert_eq!(after.0[..steps.0.len()], steps.0, "{method} {full}");
            assert_eq!(nodes(&mut client), [format!("later {turn}")], "{method} {full}");
            ok(&mut client, "clear", json!({}));
        }
    }
}

#[test]
fn a_clear_with_a_time_leaves_nothing_of_what_has_acted_until_then_and_ends_what_waits() {
    let home = Home::new("clear-at");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let mut processor = instance.activate(48_000.0, 256).expect("it is active");
    ok(&mut client, "transport", json!({"free_run": true}));
    for (name, at) in [("early", 0.05), ("with", 0.1), ("late", 0.12)] {
        ok(&mut client, "node", json!({"name": name, "source": "faust:bass", "at": at}));
        ok(&mut client, "play", json!({"target": name, "pattern": "A2", "at": at}));
    }
    ok(&mut client, "clear", json!({"at": 0.1}));
    ok(&mut client, "node", json!({"name": "after", "source": "faust:kick", "at": 0.15}));
    play_on(&mut client, &mut processor, 80, "node after");
    assert_eq!(nodes(&mut client), ["after"]);
    let steps = ["free run on", "node early", "play early", "clear", "node after"];
    assert_eq!(history(&mut client).0, steps);
}

#[test]
fn a_number_that_is_far_out_of_range_is_refused_with_the_range_that_it_has() {
    let home = Home::new("far-out");
    let instance = home.instance();
    let mut client = client_of(&instance);
    band(&mut client);
    let map = |channel: Value, cc: Value| json!({"channel": channel, "cc": cc, "label": "bass/cutoff"});
    for (method, params, place, hint) in [
        ("scene_save", json!({"name": "x", "number": 300}), "params.number", "expected 1 to 127"),
        ("scene_save", json!({"name": "x", "number": -1}), "params.number", "expected 1 to 127"),
        ("midi_map", map(300.into(), 1.into()), "params.channel", "expected a MIDI channel from 0 to 15"),
        ("midi_map", map(0.into(), 1e9.into()), "params.cc", "expected a controller from 0 to 127"),
        ("midi_map", map(Value::Null, 1.into()), "params.channel", "expected a MIDI channel from 0 to 15"),
        ("node", json!({"name": "bass", "count": 1_u64 << 40}), "params.count", "expected 1 to 64"),
    ] {
        let (at, message, told) = refused(&mut client, method, params);
        assert_eq!((at.as_str(), told.as_str()), (place, hint), "{message}");
    }
}

#[test]
fn a_value_beyond_the_range_is_told_as_the_nearest_one() {
    let home = Home::new("beyond");
    let instance = home.instance();
    let mut client = client_of(&instance);
    ok(&mut client, "node", json!({"name": "osc", "source": "oscillator", "init": {"freq": 1e30}}));
    let freq = |client: &mut Client| {
        let node = ok(client, "describe", json!({"node": "osc"}))["nodes"][0].clone();
        node["controls"].as_array().unwrap().iter().find(|c| c["name"] == "freq").unwrap().clone()
    };
    let told = freq(&mut client);
    assert_eq!(told["value"], told["max"]);
    ok(&mut client, "fade", json!({"label": "osc/freq", "value": -1e30, "secs": 0.1}));
    assert_eq!(freq(&mut client)["value"], told["min"]);
    ok(&mut client, "set", json!({"values": {"osc/freq": 1e9}}));
    assert_eq!(freq(&mut client)["value"], told["max"]);
    ok(&mut client, "set", json!({"values": {"osc/freq": 440}}));
    assert_eq!(freq(&mut client)["value"], 440.0);
}
