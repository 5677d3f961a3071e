//! Events: what comes to those who subscribed, when, and to nobody else.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use krach::instance::Instance;
use serde_json::{Value, json};

use crate::Host;
use crate::wire_client::{self, Client, Home, client_of};

/// A connection that listens, and what it said meanwhile that was not asked for.
fn listener(instance: &Instance, topics: &[&str], digest: bool) -> Client {
    let mut client = client_of(instance);
    let reply = client.call("subscribe", json!({"topics": topics, "digest": digest}));
    let got: BTreeSet<&str> =
        reply["result"]["topics"].as_array().unwrap().iter().map(|topic| topic.as_str().unwrap()).collect();
    assert_eq!(got, topics.iter().copied().collect());
    client
}

/// The next event of that topic.
fn event(client: &mut Client, topic: &str) -> Value {
    loop {
        let line = client.line();
        assert_eq!((&line["jsonrpc"], &line["method"]), (&json!("2.0"), &json!("event")), "{line}");
        assert!(line.get("id").is_none(), "an event is no request: {line}");
        if line["params"]["topic"] == topic {
            return line["params"].clone();
        }
    }
}

/// No line comes for a while.
fn is_quiet(client: &mut Client, time: Duration) -> bool {
    client.stream().set_read_timeout(Some(time)).unwrap();
    let line = client.try_line();
    client.stream().set_read_timeout(Some(wire_client::PATIENCE)).unwrap();
    line.is_err()
}

fn ok(client: &mut Client, request: &Value) {
    let reply = client.ask(&request.to_string());
    assert!(reply["status"] == "Ok" || reply["result"].is_object(), "{request}: {reply}");
}

/// `bass`, whose level is its gate, to the output.
fn bass() -> Value {
    json!({
        "type": "load_graph",
        "nodes": [{"id": "bass", "type_id": "faust:bass"}, {"id": "out", "type_id": "dac"}],
        "connections": [{"from_node": "bass", "from_port": "out", "to_node": "out", "to_port": "in"}],
        "exposed_controls": {"bass/gate": ["bass", "gate"], "bass/cutoff": ["bass", "cutoff"]},
    })
}

#[test]
fn the_transport_is_told_at_once_and_while_it_moves() {
    let home = Home::new("ev-transport");
    let instance = home.instance();
    let host = Host::of(&instance);
    let began = Instant::now();
    let mut client = listener(&instance, &["transport"], false);
    let first = event(&mut client, "transport");
    assert_eq!(first["running"], false);
    host.roll();
    let mut last = -1.0;
    let mut told = 1;
    while last < 4.0 {
        let now = event(&mut client, "transport");
        told += 1;
        if now["running"] == true {
            let cycles = now["cycles"].as_f64().unwrap();
            assert!(cycles > last, "time goes on: {now}");
            assert!((now["bars"].as_f64().unwrap() - cycles).abs() < 1e-6, "bars of four: {now}");
            assert_eq!((now["tempo"].as_f64(), now["beats_per_cycle"].as_f64()), (Some(120.0), Some(4.0)));
            last = cycles;
        }
    }
    let most = 3.0 + 30.0 * began.elapsed().as_secs_f64();
    assert!(f64::from(told) <= most, "at most thirty a second: {told} of {most}");
    drop(host);
    instance.deactivate();
}

#[test]
fn an_instance_measures_only_while_somebody_watches() {
    let home = Home::new("ev-meters");
    let instance = home.instance();
    let host = Host::of(&instance);
    let watched = || instance.link().telemetry().is_watched();
    let mut player = client_of(&instance);
    ok(&mut player, &bass());
    ok(&mut player, &json!({"type": "set_control", "label": "bass/gate", "value": 0.5}));
    assert!(!watched(), "nobody does");
    let mut client = listener(&instance, &["meters"], false);
    assert!(watched());
    for tried in 0.. {
        let meters = event(&mut client, "meters");
        assert!(tried < 300, "{meters}");
        let peak = meters["nodes"]["bass"]["peak"].as_f64().unwrap_or_default();
        assert!(peak <= 0.5, "{meters}");
        if peak == 0.5 && meters["master"][1]["peak"] == 0.5 && meters["load"]["mean"].as_f64() > Some(0.0) {
            break;
        }
    }
    let mut second = listener(&instance, &["meters", "transport"], false);
    event(&mut second, "meters");
    drop(client);
    second.send_raw(
        json!({"jsonrpc": "2.0", "id": 5, "method": "unsubscribe", "params": {"topics": ["meters"]}})
            .to_string()
            .as_bytes(),
    );
    second.send_raw(b"\n");
    while second.line()["id"] != 5 {}
    wire_client::until("nobody watches any more", || !watched());
    // The transport is still told: it has been told since, and no meters with it.
    host.roll();
    for _ in 0..5 {
        assert_eq!(second.line()["params"]["topic"], "transport");
    }
    drop(host);
    instance.deactivate();
}

#[test]
fn an_onset_has_the_name_that_a_pattern_calls_a_value_by() {
    let home = Home::new("ev-names");
    let instance = home.instance();
    let host = Host::of(&instance);
    let mut player = client_of(&instance);
    let osc = json!({"jsonrpc": "2.0", "id": 1, "method": "node", "params": {"name": "osc", "source": "oscillator"}});
    ok(&mut player, &osc);
    let play = json!({"jsonrpc": "2.0", "id": 1, "method": "play",
        "params": {"target": "osc/waveform", "pattern": "saw [pulse 0]", "at": "now"}});
    ok(&mut player, &play);
    let mut client = listener(&instance, &["onsets"], false);
    host.roll();
    let mut named = std::collections::BTreeSet::new();
    while named.len() < 3 {
        let event = event(&mut client, "onsets");
        for onset in event["onsets"].as_array().unwrap() {
            let [value] = onset["values"].as_array().unwrap().as_slice() else { panic!("{onset}") };
            assert_eq!((&onset["slot"], &value["label"]), (&json!("osc/waveform"), &json!("osc/waveform")));
            named.insert(format!("{} {}", value["value"], onset["span"]));
        }
    }
    let named: Vec<String> = named.into_iter().collect();
    assert_eq!(named, ["\"pulse\" [5,10]", "\"saw\" [0,3]", "0.0 [11,12]"]);
    drop(host);
    instance.deactivate();
}

#[test]
fn each_onset_is_told_once_with_its_slot_position_and_place_in_the_text() {
    let home = Home::new("ev-onsets");
    let instance = home.instance();
    let host = Host::of(&instance);
    let mut player = client_of(&instance);
    ok(&mut player, &bass());
    let play = |at: &str| {
        json!({"jsonrpc": "2.0", "id": 1, "method": "play",
            "params": {"free": true, "target": "bass", "pattern": "x . x <x ~>", "at": at}})
    };
    ok(&mut player, &play("now"));
    let mut client = listener(&instance, &["onsets"], false);
    host.roll();
    let mut onsets = Vec::new();
    let mut last = 0.0;
    while last < 9.0 {
        let event = event(&mut client, "onsets");
        assert_eq!(event["more"], 0);
        for onset in event["onsets"].as_array().unwrap() {
            assert_eq!(onset["slot"], "bass");
            last = onset["position"].as_f64().unwrap();
            let values = onset["values"].as_array().unwrap();
            assert!(values.iter().any(|v| v["label"] == "gate" && v["value"] == 1.0), "{onset}");
            onsets.push((last, onset["span"][0].as_u64().unwrap()));
        }
    }
    // Every other fourth step rests. The first picture after the start may be missing what came before it.
    let expected: Vec<(f64, u64)> = (0..20)
        .flat_map(|cycle| {
            let x = f64::from(cycle);
            let fourth = (cycle % 2 == 0).then_some((x + 0.75, 7));
            [(x, 0), (x + 0.5, 4)].into_iter().chain(fourth)
        })
        .collect();
    let from = expected.iter().position(|e| *e == onsets[0]).expect("an onset of the pattern");
    assert!(from < 12, "told from the start on: {onsets:?}");
    assert_eq!(onsets, expected[from..from + onsets.len()]);
    // What does not play begins nothing.
    ok(&mut player, &json!({"cmd": "HushAll"}));
    while !is_quiet(&mut client, Duration::from_millis(400)) {}
    drop(host);
    instance.deactivate();
}

#[test]
fn a_slot_that_waits_for_the_next_cycle_begins_nothing_before_it() {
    let home = Home::new("ev-waits");
    let instance = home.instance();
    let host = Host::of(&instance);
    let mut player = client_of(&instance);
    let mut client = listener(&instance, &["onsets", "transport"], false);
    host.roll();
    while event(&mut client, "transport")["running"] != true {}
    for round in 0..4 {
        let slot = format!("s{round}");
        let play = json!({"jsonrpc": "2.0", "id": 1, "method": "play",
            "params": {"free": true, "target": slot, "pattern": "x*16"}});
        let start = player.ask(&play.to_string())["result"]["position"].as_f64().expect("it waits");
        loop {
            let event = event(&mut client, "onsets");
            let first = event["onsets"].as_array().unwrap().iter().find(|o| o["slot"] == slot.as_str());
            if let Some(first) = first {
                assert!(first["position"].as_f64().unwrap() >= start, "{first} begins before {start}");
                break;
            }
        }
    }
    drop(host);
    instance.deactivate();
}

#[test]
fn a_change_of_the_session_says_whose_it_is_and_what_can_be_undone() {
    let home = Home::new("ev-session");
    let instance = home.instance();
    let host = Host::of(&instance);
    let (mut one, mut two) = (client_of(&instance), client_of(&instance));
    let mut client = listener(&instance, &["session"], false);
    ok(&mut one, &bass());
    let first = event(&mut client, "session");
    assert_eq!(
        (&first["label"], &first["undo"], &first["redo"]),
        (&json!("load graph"), &json!("load graph"), &Value::Null)
    );
    ok(&mut two, &json!({"cmd": "SetBpm", "bpm": 90}));
    let second = event(&mut client, "session");
    assert_eq!(second["undo"], "tempo 90");
    assert!(first["client"].is_u64() && second["client"].is_u64() && first["client"] != second["client"]);
    assert!(second["revision"].as_u64() > first["revision"].as_u64());
    assert!(second["seq"].as_u64() > first["seq"].as_u64());
    // What is asked, refused or only tried changes nothing.
    assert_eq!(
        one.ask(r#"{"cmd":"SetPattern","slot":"a","pattern":{"op":"Cat","children":[]}}"#)["status"],
        "Error"
    );
    one.call("play", json!({"free": true, "target": "a", "pattern": "x", "dry_run": true}));
    one.ask(r#"{"cmd":"Status"}"#);
    assert!(is_quiet(&mut client, Duration::from_millis(200)));
    // One that has a time is told when it is accepted, and again when it acts. Undo would cancel it until then.
    let timed = one.call("at", json!({"at": 0.5, "request": {"cmd": "SetBpm", "bpm": 70}}));
    assert_eq!(timed["result"]["position"], 0.5);
    assert_eq!(event(&mut client, "session")["undo"], "tempo 70");
    host.roll();
    let acted = event(&mut client, "session");
    assert_eq!((&acted["undo"], &acted["client"]), (&json!("tempo 70"), &Value::Null));
    drop(host);
    instance.deactivate();
}

#[test]
fn what_the_host_moves_is_told_and_no_step_and_a_loaded_project_starts_anew() {
    use krach_core::edit::{At, Edit};
    use krach_core::model::Setting;
    let home = Home::new("ev-host");
    let instance = home.instance();
    let mut client = listener(&instance, &["session", "log"], false);
    let mut player = client_of(&instance);
    ok(&mut player, &json!({"cmd": "SetBpm", "bpm": 90}));
    assert_eq!(event(&mut client, "session")["undo"], "tempo 90");
    for gain in [0.1, 0.2, 0.3] {
        instance.edit(Edit::Setting(Setting::Master(gain)), At::Now).unwrap().unwrap();
        let entry = event(&mut client, "log");
        assert_eq!(
            (&entry["family"], &entry["method"], &entry["client"]),
            (&json!("host"), &json!("master gain"), &Value::Null)
        );
        assert_eq!(event(&mut client, "session")["undo"], "tempo 90");
    }
    let chunk = instance.save_state();
    instance.load_state(&chunk).unwrap();
    let entry = event(&mut client, "log");
    assert_eq!((&entry["family"], &entry["method"]), (&json!("host"), &json!("load")));
    let session = event(&mut client, "session");
    assert_eq!((&session["undo"], &session["redo"]), (&Value::Null, &Value::Null));
}

#[test]
fn who_follows_the_log_has_the_same_session_after_each_entry() {
    let (home, replica_home) = (Home::new("ev-log"), Home::new("ev-replica"));
    let (instance, replica) = (home.instance(), replica_home.instance());
    let mut log = listener(&instance, &["log"], true);
    let mut plain = listener(&instance, &["log"], false);
    let mut copy = client_of(&replica);
    let mut copied = listener(&replica, &["log"], true);
    let mut clients = [client_of(&instance), client_of(&instance), client_of(&instance)];
    let rpc =
        |method: &str, params: Value| json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let requests = [
        bass(),
        json!({"type": "set_control", "label": "bass/cutoff", "value": 700}),
        json!({"cmd": "SetPattern", "slot": "bass", "pattern": {"op": "Atom", "value": {"type": "Control", "label": "cutoff", "value": 9.5}}}),
        json!({"cmd": "Hush", "slot": "nobody"}),
        json!({"cmd": "SetPattern", "slot": "bad", "pattern": {"op": "Cat", "children": []}}),
        rpc("play", json!({"free": true, "target": "kick", "pattern": "x . [x x]", "swing": 0.6})),
        rpc("play", json!({"free": true, "target": "kick", "pattern": "x . [x"})),
        rpc("play", json!({"free": true, "target": "kick", "pattern": "x", "dry_run": true})),
        json!({"cmd": "Batch", "commands": [{"cmd": "SetBpm", "bpm": 70}, {"cmd": "SetBeatsPerCycle", "beats": 3}]}),
        rpc("automate", json!({"label": "bass/cutoff", "shape": "sine", "lo": 1, "hi": 2, "bars": 4})),
        rpc("at", json!({"request": {"type": "remove_node", "id": "nobody"}})),
        rpc("midi_map", json!({"channel": 0, "cc": 3, "label": "bass/cutoff", "lo": 0, "hi": 1})),
        rpc("transport", json!({"seed": 5, "tempo": 99})),
        rpc("status", json!({})),
        json!({"type": "graph_batch", "commands": [{"type": "add_node", "id": "k", "type_id": "faust:kick"}, {"type": "remove_node", "id": "bass"}]}),
        json!({"cmd": "HushAll"}),
    ];
    // A request that changes something is one entry, before its reply or right after; others are none.
    let refused = [4, 6, 7, 10, 13];
    let (mut last, mut authors) = (0, BTreeSet::new());
    for (i, request) in requests.iter().enumerate() {
        clients[i % 3].ask(&request.to_string());
        if refused.contains(&i) {
            continue;
        }
        let mut entry = event(&mut log, "log");
        let seq = entry["seq"].as_u64().unwrap();
        assert!(seq > last, "in the order in which they were accepted");
        last = seq;
        authors.insert(entry["client"].as_u64().unwrap());
        let digest = entry["digest"].take();
        assert_eq!(digest.as_str().map(str::len), Some(64), "request {i}: {entry}");
        let mut undigested = event(&mut plain, "log");
        assert!(undigested.get("digest").is_none());
        undigested["digest"] = Value::Null;
        assert_eq!(undigested, entry);
        // The follower says it again, as it was said.
        let mut again = entry["params"].clone();
        let method = entry["method"].clone();
        match entry["family"].as_str() {
            Some("jsonrpc") => again = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": again}),
            Some(family) => again[family] = method,
            None => panic!("{entry}"),
        }
        ok(&mut copy, &again);
        assert_eq!(event(&mut copied, "log")["digest"], digest, "request {i}: {request}");
    }
    assert_eq!(authors.len(), 3);
}

#[test]
fn a_client_that_did_not_subscribe_hears_its_replies_and_nothing_else() {
    let home = Home::new("ev-silent");
    let instance = home.instance();
    let host = Host::of(&instance);
    let topics = ["compiles", "errors", "log", "meters", "onsets", "session", "transport"];
    let mut loud = listener(&instance, &topics, true);
    host.roll();
    let mut client = client_of(&instance);
    ok(&mut client, &bass());
    client.call("play", json!({"free": true, "target": "bass", "pattern": "x*8"}));
    for number in 0..200 {
        let reply = client.ask(&json!({"jsonrpc": "2.0", "id": number, "method": "sync"}).to_string());
        assert_eq!(reply["id"], number);
        assert_eq!(client.ask(r#"{"cmd":"Ping"}"#), json!({"status": "Pong"}));
    }
    assert!(is_quiet(&mut client, Duration::from_millis(300)));
    for topic in ["onsets", "transport", "meters"] {
        event(&mut loud, topic);
    }
    drop(host);
    instance.deactivate();
}

#[test]
fn a_subscriber_that_does_not_read_holds_nobody_up_and_misses_nothing_of_the_log() {
    const REQUESTS: usize = 6000;
    let home = Home::new("ev-slow");
    let instance = home.instance();
    let host = Host::of(&instance);
    host.roll();
    let mut slow = listener(&instance, &["log", "transport", "onsets"], false);
    let mut client = client_of(&instance);
    client.call("play", json!({"free": true, "target": "a", "pattern": "x*32"}));
    // More than any socket holds: 12 MB.
    let padding = "x".repeat(2000);
    for number in 0..REQUESTS {
        let reply =
            client.ask(&json!({"cmd": "SetBpm", "bpm": 60 + number % 60, "pad": padding}).to_string());
        assert_eq!(reply["status"], "Ok");
    }
    assert_eq!(event(&mut slow, "log")["method"], "play");
    let mut last = 0;
    for number in 0..REQUESTS {
        let entry = event(&mut slow, "log");
        assert_eq!(entry["params"]["bpm"], 60 + number % 60, "entry {number}");
        let seq = entry["seq"].as_u64().unwrap();
        assert!(last == 0 || seq == last + 1);
        last = seq;
    }
    // And it is up to date again.
    let position = client.call("sync", json!({}))["result"]["position"].as_f64().unwrap();
    while event(&mut slow, "transport")["cycles"].as_f64().unwrap() < position {}
    drop(host);
    instance.deactivate();
}

#[test]
fn a_topic_that_is_none_is_refused_by_its_place() {
    let home = Home::new("ev-topic");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let reply = client.call("subscribe", json!({"topics": ["errors", "weather"]}));
    assert_eq!(reply["error"]["code"], -32602);
    assert_eq!(reply["error"]["data"]["place"], "params.topics[1]");
    assert!(reply["error"]["data"]["hint"].as_str().unwrap().contains("transport"), "{reply}");
    // Nothing was subscribed to.
    let reply = client.call("subscribe", json!({"topics": []}));
    assert_eq!(reply["result"]["topics"], json!([]));
}
