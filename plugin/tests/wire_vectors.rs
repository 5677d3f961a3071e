//! The recorded conversation of existing clients, line by line over a real socket.
#![cfg(unix)]

mod wire_client;

use krach_core::limits::MAX_SLOTS;
use serde_json::Value;
use wire_client::{Home, client_of};

/// Does `reply` hold everything that `expected` holds, with the same values? Lists must be equal, save
/// the list of node types, of which there may be more.
fn holds(reply: &Value, expected: &Value) -> bool {
    match (reply, expected) {
        (Value::Object(reply), Value::Object(expected)) => {
            expected.iter().all(|(key, value)| match key.as_str() {
                "types" => is_superset(&reply[key], value),
                _ => reply.get(key).is_some_and(|found| holds(found, value)),
            })
        }
        _ => reply == expected,
    }
}

fn is_superset(found: &Value, expected: &Value) -> bool {
    let found = found.as_array().unwrap();
    expected.as_array().unwrap().iter().all(|id| found.contains(id))
}

fn conversation() -> Vec<(String, Value)> {
    include_str!("vectors/wire.jsonl")
        .lines()
        .map(|line| {
            let mut exchange: Value = serde_json::from_str(line).unwrap();
            (exchange["request"].as_str().unwrap().to_owned(), exchange["reply"].take())
        })
        .collect()
}

#[test]
fn every_recorded_request_gets_its_recorded_reply() {
    let home = Home::new("vectors");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let conversation = conversation();
    assert!(conversation.len() > 30);
    for (request, expected) in conversation {
        let reply = client.ask(&request);
        assert!(holds(&reply, &expected), "{request}\n got {reply}\nwant {expected}");
    }
}

#[test]
fn the_recorded_conversation_also_works_in_single_bytes_and_all_at_once() {
    let home = Home::new("bytes");
    let (byte_wise, at_once) = (home.instance(), home.instance());
    let mut by_byte = client_of(&byte_wise);
    for (request, expected) in conversation() {
        for byte in request.bytes().chain(*b"\n") {
            by_byte.send_raw(&[byte]);
        }
        let reply = by_byte.line();
        assert!(holds(&reply, &expected), "{request}\n got {reply}\nwant {expected}");
    }
    let mut piled = client_of(&at_once);
    let all: String = conversation().into_iter().map(|(request, _)| request + "\n").collect();
    piled.send_raw(all.as_bytes());
    for (request, expected) in conversation() {
        let reply = piled.line();
        assert!(holds(&reply, &expected), "{request}\n got {reply}\nwant {expected}");
    }
}

#[test]
fn a_failed_mutation_leaves_the_graph_as_it_was() {
    let home = Home::new("failed");
    let instance = home.instance();
    let mut client = client_of(&instance);
    for (request, _) in conversation().iter().take(9) {
        client.ask(request);
    }
    let graph = |client: &mut wire_client::Client| {
        let state = client.ask(r#"{"cmd":"Status"}"#);
        (state["nodes"].clone(), state["connections"].clone(), state["exposed_controls"].clone())
    };
    let before = graph(&mut client);
    assert_eq!(before.0.as_array().unwrap().len(), 5);
    let half_good = r#"{"type":"graph_batch","commands":[{"type":"add_node","id":"x","type_id":"gain"},
        {"type":"connect","from_node":"x","from_port":"zzz","to_node":"out","to_port":"in"}]}"#
        .replace('\n', " ");
    assert_eq!(client.ask(&half_good)["msg"], "handle_message: unknown port 'zzz' on node 'x'");
    assert_eq!(
        client.ask(r#"{"type":"load_graph","nodes":[{"id":"a","type_id":"nope"}]}"#)["status"],
        "Error"
    );
    assert_eq!(client.ask(r#"{"type":"remove_node","id":"q"}"#)["msg"], "handle_message: unknown node: q");
    assert_eq!(graph(&mut client), before);
}

#[test]
fn a_type_that_refuses_is_reported_in_its_own_words() {
    let home = Home::new("refuses");
    let instance = home.instance();
    let request = r#"{"type":"load_graph","nodes":[{"id":"a","type_id":"test:refuses"}]}"#;
    let expected = "load_graph: registry error: node creation failed: no room on the stage";
    assert_eq!(client_of(&instance).ask(request)["msg"], expected);
}

#[test]
fn a_batch_is_all_or_nothing() {
    let home = Home::new("batch");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let silence = r#"{"op":"Silence"}"#;
    let half_good = format!(
        r#"{{"cmd":"Batch","commands":[{{"cmd":"SetPattern","slot":"a","pattern":{silence}}},{{"cmd":"SetBpm","bpm":99}},{{"cmd":"SetPattern","slot":"b","pattern":{{"op":"Cat","children":[]}}}}]}}"#
    );
    assert_eq!(client.ask(&half_good)["msg"], "compile error: Cat requires at least one child");
    let state = client.ask(r#"{"cmd":"Status"}"#);
    assert_eq!(
        (&state["slots"], &state["transport"]["bpm"]),
        (&serde_json::json!([]), &serde_json::json!(120.0))
    );
    // Each pattern of this one compiles; all of them together are one more than there is room for.
    let patterns: Vec<String> = (0..=MAX_SLOTS)
        .map(|slot| format!(r#"{{"cmd":"SetPattern","slot":"s{slot}","pattern":{silence}}}"#))
        .collect();
    let too_many =
        format!(r#"{{"cmd":"Batch","commands":[{{"cmd":"SetBpm","bpm":99}},{}]}}"#, patterns.join(","));
    assert_eq!(client.ask(&too_many)["status"], "Error");
    assert_eq!(client.ask(r#"{"cmd":"Status"}"#), state, "nothing of it was done");
    assert_eq!(client.ask(r#"{"cmd":"Batch","commands":[]}"#)["msg"], "batch applied (0 commands)");
    let with_ping = format!(
        r#"{{"cmd":"Batch","commands":[{{"cmd":"Ping"}},{{"cmd":"SetPattern","slot":"a","pattern":{silence}}}]}}"#
    );
    assert_eq!(client.ask(&with_ping)["msg"], "batch applied (2 commands)");
    assert_eq!(client.ask(r#"{"cmd":"Batch","commands":[{"cmd":"Status"}]}"#)["status"], "Error");
    let unknown = r#"{"cmd":"Batch","commands":[{"cmd":"Zorp"}]}"#;
    assert_eq!(client.ask(unknown)["msg"], format!("unrecognized message: {unknown}"));
}

#[test]
fn a_tempo_that_is_none_is_ignored_but_answered() {
    let home = Home::new("tempo");
    let instance = home.instance();
    let mut client = client_of(&instance);
    assert_eq!(client.ask(r#"{"cmd":"SetBpm","bpm":-5}"#)["msg"], "bpm set to -5");
    assert_eq!(client.ask(r#"{"cmd":"SetBpm","bpm":0}"#)["msg"], "bpm set to 0");
    assert_eq!(client.ask(r#"{"cmd":"Status"}"#)["transport"]["bpm"], 120.0);
    assert_eq!(client.ask(r#"{"cmd":"SetBpm","bpm":133.25}"#)["msg"], "bpm set to 133.25");
    assert_eq!(client.ask(r#"{"cmd":"Status"}"#)["transport"]["bpm"], 133.25);
}

#[test]
fn a_hushed_slot_stays_listed() {
    let home = Home::new("hushed");
    let instance = home.instance();
    let mut client = client_of(&instance);
    client.ask(r#"{"cmd":"SetPattern","slot":"kick","pattern":{"op":"Silence"}}"#);
    client.ask(r#"{"cmd":"Hush","slot":"kick"}"#);
    let slots = client.ask(r#"{"cmd":"Status"}"#)["slots"].take();
    assert_eq!(slots, serde_json::json!([{"name": "kick", "playing": false}]));
}

#[test]
fn input_starts_on_its_channel_and_shutdown_ends_one_connection_only() {
    let home = Home::new("shutdown");
    let instance = home.instance();
    let (mut leaving, mut staying) = (client_of(&instance), client_of(&instance));
    assert_eq!(leaving.ask(r#"{"type":"start_input"}"#)["msg"], "input started (ch 0)");
    assert_eq!(leaving.ask(r#"{"type":"start_input","channel":1}"#)["msg"], "input started (ch 1)");
    assert_eq!(leaving.ask(r#"{"type":"shutdown"}"#)["msg"], "shutting down");
    assert!(leaving.is_closed());
    assert_eq!(staying.ask(r#"{"type":"ping"}"#)["status"], "Pong");
    assert_eq!(client_of(&instance).ask(r#"{"cmd":"Ping"}"#)["status"], "Pong");
}
