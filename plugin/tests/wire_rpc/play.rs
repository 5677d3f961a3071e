//! What plays: `play` with trees and mini-notation, `hush`, `stop`, `query`.

use serde_json::{Value, json};

use crate::Host;
use crate::wire_client::{Home, client_of};

fn slots(client: &mut crate::wire_client::Client) -> Vec<(String, bool)> {
    let state = client.ask(r#"{"cmd":"Status"}"#);
    let slots = state["slots"].as_array().expect("slots").clone();
    slots.iter().map(|s| (s["name"].as_str().expect("a name").to_owned(), s["playing"] == true)).collect()
}

/// `(begin, value)` of the gates in what `query` answered.
fn gates(answer: &Value) -> Vec<(String, f64)> {
    let events = answer["result"]["events"].as_array().unwrap_or_else(|| panic!("{answer}"));
    events
        .iter()
        .filter(|e| e["value"]["label"] == "gate" && e["onset"] == true)
        .map(|e| {
            let begin = &e["whole"][0];
            (format!("{}/{}", begin[0], begin[1]), e["value"]["value"].as_f64().expect("a value"))
        })
        .collect()
}

#[test]
fn a_line_of_mini_notation_plays_as_its_tree_does() {
    let home = Home::new("play");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let by_text = client.call("play", json!({"free": true, "target": "a", "pattern": "A2 x(3,8)"}));
    assert_eq!(
        (&by_text["result"]["position"], &by_text["result"]["events_per_cycle"]),
        (&Value::Null, &json!(9))
    );
    let tree = serde_json::to_value(krach_patterns::mini("A2 x(3,8)").unwrap()).unwrap();
    client.call("play", json!({"free": true, "target": "b", "pattern": tree}));
    client.call("play", json!({"free": true, "target": "c", "notation": "A2 x(3,8)", "from_zero": true}));
    assert_eq!(slots(&mut client), [("a".into(), true), ("b".into(), true), ("c".into(), true)]);
    let asked: Vec<Value> = ["a", "b", "c"]
        .map(|target| {
            client.call("query", json!({"target": target, "from": 0, "to": 2}))["result"]["events"].take()
        })
        .into();
    assert_eq!(asked[0], asked[1]);
    assert_eq!(asked[0], asked[2]);
    let span = &asked[0][0]["span"];
    assert_eq!(span, &json!([0, 2]), "an event knows the piece of text it came from");
}

#[test]
fn what_is_wrong_in_a_text_is_said_with_line_column_span_and_hint() {
    let home = Home::new("notation");
    let instance = home.instance();
    let mut client = client_of(&instance);
    client.call("play", json!({"free": true, "target": "a", "pattern": "x*4"}));
    let error =
        client.call("play", json!({"free": true, "target": "a", "pattern": "x [x\n  x Hé2] x"}))["error"]
            .take();
    assert_eq!(error["code"], -32602);
    assert_eq!(error["message"], "unknown word \"Hé2\", whose é is U+00E9");
    let data = &error["data"];
    assert_eq!(data["place"], "params.pattern");
    assert_eq!((&data["line"], &data["column"], &data["span"]), (&json!(2), &json!(5), &json!([9, 13])));
    assert!(data["hint"].as_str().unwrap().starts_with("a hit is x"), "{data}");
    assert_eq!(data["still_playing"], true);
    // What reads well and cannot be played points into the text as well.
    let error =
        client.call("play", json!({"free": true, "target": "a", "notation": "A2 x*5000"}))["error"].take();
    assert_eq!(error["code"], -32000);
    assert!(error["message"].as_str().unwrap().contains("too many events per cycle"), "{error}");
    assert_eq!((&error["data"]["column"], &error["data"]["span"]), (&json!(4), &json!([3, 9])));
    // The pattern before plays on.
    let playing = client.call("query", json!({"target": "a", "from": 0}));
    assert_eq!(gates(&playing).len(), 8, "{playing}");
}

#[test]
fn what_is_wrong_in_a_tree_is_said_with_the_way_to_it() {
    let home = Home::new("tree");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let bad = json!({"op": "Fast", "factor": [2, 1], "child": {"op": "Cat", "children": [{"op": "Silence"}, {"op": "Zorp"}]}});
    let error = client.call("play", json!({"free": true, "target": "a", "pattern": bad}))["error"].take();
    assert_eq!(
        (&error["code"], &error["data"]["place"]),
        (&json!(-32602), &json!("params.pattern/child/children/1"))
    );
    assert_eq!(error["message"], "unknown op `Zorp`");
    for (params, place) in [
        (json!({"target": "a"}), "params"),
        (json!({"target": "a", "pattern": "x", "notation": "x"}), "params"),
        (json!({"target": "a", "pattern": "x", "at": "soon"}), "params.at"),
        (json!({"target": "a", "pattern": "x", "swnig": 0.6}), "params.swnig"),
        (json!({"target": "a", "pattern": "x", "swing": "much"}), "params.swing"),
        (json!({"pattern": "x"}), "params"),
    ] {
        let error = client.call("play", params.clone())["error"].take();
        assert_eq!(
            (&error["code"], &error["data"]["place"]),
            (&json!(-32602), &json!(place)),
            "{params}: {error}"
        );
    }
    assert_eq!(slots(&mut client), []);
}

#[test]
fn swing_is_the_slots_and_is_asked_for_with_the_pattern() {
    let home = Home::new("swing");
    let instance = home.instance();
    let mut client = client_of(&instance);
    client.call(
        "play",
        json!({"free": true, "target": "a", "pattern": "x*4", "swing": {"amount": 0.75, "grid": 4}}),
    );
    let swung = gates(&client.call("query", json!({"target": "a", "from": 0})));
    let begins: Vec<&str> = swung.iter().filter(|g| g.1 == 1.0).map(|g| g.0.as_str()).collect();
    assert_eq!(begins, ["0/1", "3/8", "1/2", "7/8"]);
    // The low level has it too, a play without is straight, and what cannot be is refused.
    let low = json!({"cmd": "SetPattern", "slot": "b", "pattern": krach_patterns::mini("x*4").unwrap(), "swing": 0.6});
    assert_eq!(client.ask(&low.to_string())["msg"], "pattern set on b");
    let b = gates(&client.call("query", json!({"target": "b", "from": 0})));
    assert_ne!(b, swung);
    client.call("play", json!({"free": true, "target": "b", "pattern": "x*4"}));
    let straight = gates(&client.call("query", json!({"pattern": "x*4"})));
    assert_eq!(gates(&client.call("query", json!({"target": "b", "from": 0}))), straight);
    let error =
        client.call("play", json!({"free": true, "target": "b", "pattern": "x*4", "swing": 1}))["error"]
            .take();
    assert_eq!(error["message"], "compile error: warp: amount must be in (0, 1)");
    let mut low = low;
    low["swing"] = json!({"amount": 0.6, "grid": 7});
    assert_eq!(client.ask(&low.to_string())["msg"], "compile error: warp: grid must be even and > 0");
    low["swing"] = json!([]);
    assert!(client.ask(&low.to_string())["msg"].as_str().unwrap().starts_with("compile error: swing: "));
    assert_eq!(gates(&client.call("query", json!({"target": "b", "from": 0}))), straight);
}

#[test]
fn hush_silences_a_slot_or_a_group_and_stop_all_of_them() {
    let home = Home::new("hush");
    let instance = home.instance();
    let mut client = client_of(&instance);
    for target in ["drums/kick", "drums/hat", "drumset", "bass"] {
        client.call("play", json!({"free": true, "target": target, "pattern": "x"}));
    }
    client.call("hush", json!({"target": "drums"}));
    let playing = |client: &mut _| slots(client).into_iter().filter(|s| s.1).map(|s| s.0).collect::<Vec<_>>();
    assert_eq!(playing(&mut client), ["bass", "drumset"]);
    client.call("hush", json!({"target": "bass"}));
    assert_eq!(playing(&mut client), ["drumset"]);
    assert!(
        client.call("hush", json!({"target": "nobody"}))["error"].is_null(),
        "what never played is silent"
    );
    let trial = client.call("stop", json!({"dry_run": true}));
    assert_eq!(trial["result"], json!({"dry_run": true}));
    assert_eq!(playing(&mut client), ["drumset"]);
    client.call("stop", json!({}));
    assert_eq!((playing(&mut client), slots(&mut client).len()), (vec![], 4));
}

#[test]
fn a_trial_changes_nothing_and_says_what_would_be_wrong() {
    let home = Home::new("trial");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let trial = client.call("play", json!({"free": true, "target": "a", "pattern": "x*4", "dry_run": true}));
    assert_eq!(trial["result"], json!({"dry_run": true, "events_per_cycle": 8}));
    let wrong =
        client.call("play", json!({"free": true, "target": "a", "pattern": "x*9999", "dry_run": true}));
    assert_eq!(wrong["error"]["code"], -32000);
    assert_eq!(slots(&mut client), []);
}

#[test]
fn a_new_slot_starts_at_the_next_cycle_and_at_says_otherwise() {
    let home = Home::new("starts");
    let instance = home.instance();
    let host = Host::of(&instance);
    let mut client = client_of(&instance);
    host.roll();
    crate::wire_client::until("time moves", || {
        client.ask(r#"{"cmd":"Status"}"#)["transport"]["cycles"].as_f64().unwrap() > 0.1
    });
    let first = client.call("play", json!({"free": true, "target": "a", "pattern": "x"}));
    let start = first["result"]["position"].as_f64().unwrap_or_else(|| panic!("{first}"));
    assert!(start >= 1.0 && start.fract() == 0.0, "{first}");
    client.call("sync", json!({}));
    let swap = client.call("play", json!({"free": true, "target": "a", "pattern": "x x"}));
    assert_eq!(swap["result"]["position"], Value::Null, "a slot that plays swaps in phase");
    let at_once = client.call("play", json!({"free": true, "target": "c", "pattern": "x", "at": "now"}));
    assert_eq!(at_once["result"]["position"], Value::Null, "now is now");
    let exact = client.call("play", json!({"free": true, "target": "b", "pattern": "x", "at": 1000.25}));
    assert_eq!(exact["result"]["position"], 1000.25);
    drop(host);
    instance.deactivate();
}

#[test]
fn a_query_draws_a_window_exactly_curves_too() {
    let home = Home::new("query");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let late = json!({"pattern": "<A2 C3>", "from": [-1, 3], "to": [1, 2]});
    let answer = client.call("query", late);
    let parts: Vec<&Value> =
        answer["result"]["events"].as_array().unwrap().iter().map(|e| &e["part"]).collect();
    assert_eq!(parts[0], &json!([[-1, 3], [0, 1]]), "{answer}");
    assert_eq!(answer["result"]["from"], json!([-1, 3]));
    let ramp = json!({"op": "Shape", "kind": "ramp", "lo": 0, "hi": 16, "label": "cutoff"});
    let curve = client.call("query", json!({"pattern": ramp}))["result"]["events"][0]["curve"].take();
    assert_eq!(curve, json!((0..17).map(f64::from).collect::<Vec<_>>()));
    for (params, place) in [
        (json!({"target": "nobody"}), "params.target"),
        (json!({"target": "a", "pattern": "x"}), "params"),
        (json!({"pattern": "x", "from": 0, "to": 65}), "params.to"),
        (json!({"pattern": "x", "from": 1, "to": 0}), "params.to"),
        (json!({"pattern": "x", "from": 1e300}), "params.from"),
        (json!({"pattern": "x*2000", "from": 0, "to": 64}), "params.to"),
        (json!({"pattern": "x ["}), "params.pattern"),
    ] {
        let error = client.call("query", params.clone())["error"].take();
        assert_eq!(error["data"]["place"], place, "{params}: {error}");
    }
}
