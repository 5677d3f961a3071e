//! Lines of every size, depth and kind of damage: each gets one reply, and the next line is heard.
#![cfg(unix)]

mod wire_client;

use serde_json::json;
use wire_client::{Client, Home, client_of};

const MEBIBYTE: usize = 1 << 20;

fn still_answers(client: &mut Client) {
    assert_eq!(client.ask(r#"{"cmd":"Ping"}"#)["status"], "Pong");
}

/// A Ping of exactly that many bytes.
fn ping_of(bytes: usize) -> String {
    let frame = r#"{"cmd":"Ping","pad":""}"#.len();
    format!(r#"{{"cmd":"Ping","pad":"{}"}}"#, "x".repeat(bytes - frame))
}

/// A pattern of `depth` operators above a silence.
fn nested(depth: usize) -> String {
    let operator = r#"{"op":"Cat","children":["#;
    format!("{}{}{}", operator.repeat(depth), r#"{"op":"Silence"}"#, "]}".repeat(depth))
}

fn set_pattern(pattern: &str) -> String {
    format!(r#"{{"cmd":"SetPattern","slot":"x","pattern":{pattern}}}"#)
}

#[test]
fn a_line_of_one_mebibyte_is_read_and_one_byte_more_is_told_its_length() {
    let home = Home::new("mebibyte");
    let instance = home.instance();
    let mut client = client_of(&instance);
    assert_eq!(client.ask(&ping_of(MEBIBYTE))["status"], "Pong");
    let refused = client.ask(&ping_of(MEBIBYTE + 1));
    assert_eq!(refused, json!({"status": "Error", "msg": "message too large (1048577 bytes, max 1048576)"}));
    let refused = client.ask(&ping_of(5 * MEBIBYTE));
    assert_eq!(refused["msg"], "message too large (5242880 bytes, max 1048576)");
    still_answers(&mut client);
}

#[test]
fn mentioning_json_rpc_does_not_lengthen_a_low_level_line() {
    let home = Home::new("mention");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let mention = format!(r#"{{"cmd":"Ping","x":{{"jsonrpc":1}},"pad":"{}"}}"#, "x".repeat(2 * MEBIBYTE));
    let expected = format!("message too large ({} bytes, max 1048576)", mention.len());
    assert_eq!(client.ask(&mention)["msg"], expected);
    still_answers(&mut client);
}

#[test]
fn a_line_of_more_entries_than_memory_is_for_is_refused_before_it_is_parsed() {
    let home = Home::new("entries");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let batch = |count: usize| {
        let requests = vec![r#"{"method":"clear"}"#; count].join(",");
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"batch","params":{{"requests":[{requests}]}}}}"#)
    };
    let refused = client.ask(&batch(1_100_000));
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("message too large (2200005 entries"), "{message}");
    still_answers(&mut client);
}

#[test]
fn a_json_rpc_line_may_be_larger() {
    let home = Home::new("rpc-size");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let pad = "x".repeat(3 * MEBIBYTE);
    assert_eq!(client.call("sync", json!({"pad": pad}))["result"]["synced"], true);
}

#[test]
fn the_deepest_legal_pattern_is_accepted_and_a_deeper_one_says_so() {
    let home = Home::new("deep");
    let instance = home.instance();
    let mut client = client_of(&instance);
    assert_eq!(client.ask(&set_pattern(&nested(255)))["msg"], "pattern set on x");
    let in_batch = format!(r#"{{"cmd":"Batch","commands":[{}]}}"#, set_pattern(&nested(255)));
    assert_eq!(client.ask(&in_batch)["msg"], "batch applied (1 commands)");
    let timed = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"at","params":{{"at":"now","request":{}}}}}"#,
        set_pattern(&nested(255))
    );
    assert_eq!(client.ask(&timed)["result"]["reply"]["msg"], "pattern set on x");
    for depth in [257, 300, 1000, 20_000] {
        let refused = client.ask(&set_pattern(&nested(depth)));
        assert_eq!(refused["msg"], "compile error: IR tree exceeds maximum depth of 256", "{depth} levels");
    }
    still_answers(&mut client);
}

#[test]
fn nesting_bombs_of_every_kind_are_only_messages_that_are_not_understood() {
    let home = Home::new("bombs");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000));
    for bomb in [
        deep("[", "]"),
        "[".repeat(900_000),
        format!(r#"{{"x":{}}}"#, deep("[", "]")),
        format!(r#"{{"cmd":{}}}"#, deep("[", "]")),
        format!(r#"{{"type":"load_graph","nodes":{}}}"#, deep("[", "]")),
        format!(r#"{{"type":"set_control","label":"a","value":{}}}"#, deep("[", "]")),
        format!(r#"{{"cmd":"Batch","commands":{}}}"#, deep("[", "]")),
    ] {
        let reply = client.ask(&bomb);
        assert!(reply["msg"].as_str().unwrap().starts_with("unrecognized message: "), "{reply}");
        assert!(reply.to_string().len() < 4096);
    }
    // What is ignored may nest as it likes.
    assert_eq!(client.ask(&format!(r#"{{"cmd":"Ping","extra":{}}}"#, deep("[", "]")))["status"], "Pong");
    for bomb in [
        format!(r#"{{"jsonrpc":"2.0","id":{},"method":"sync"}}"#, deep("[", "]")),
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"sync","params":{}}}"#, deep("[", "]")),
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"at","params":{{"at":{},"request":{{}}}}}}"#,
            deep("[", "]")
        ),
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"at","params":{{"request":{}}}}}"#, deep("[", "]")),
    ] {
        let reply = client.ask(&bomb);
        assert!(reply["error"]["code"].as_i64().unwrap() <= -32600, "{reply}");
    }
    still_answers(&mut client);
}

#[test]
fn what_is_not_understood_is_quoted() {
    let home = Home::new("garbage");
    let instance = home.instance();
    let mut client = client_of(&instance);
    for garbage in [
        "hello",
        "{",
        "{}",
        "[]",
        "null",
        "17",
        "\"cmd\"",
        r#"{"cmd":17}"#,
        r#"{"cmd":"ping"}"#,
        r#"["Ping"]"#,
        r#"{"cmd":"Ping"} x"#,
        r#"{"cmd":"SetBpm"}"#,
        r#"{"cmd":"SetBpm","bpm":1e999}"#,
        r#"{"type":"PING"}"#,
        r#"{"type":"list_nodes","reply_port":65536}"#,
        r#"{"type":"list_nodes","reply_port":-1}"#,
        r#"{"type":"set_automation","id":"a","label":"b","shape":"zigzag","lo":0,"hi":1,"period_secs":1}"#,
        r#"{"type":"midi_map","channel":300,"cc":1,"label":"a","lo":0,"hi":1}"#,
        r#"{"type":"graph_batch","commands":[{"type":"ping"}]}"#,
    ] {
        assert_eq!(client.ask(garbage)["msg"], format!("unrecognized message: {garbage}"));
    }
    let long = "x".repeat(100_000);
    let reply = client.ask(&long);
    assert!(reply["msg"].as_str().unwrap().starts_with("unrecognized message: xxx"));
    assert!(reply.to_string().len() < 2048, "the quote is bounded");
}

#[test]
fn damaged_utf8_is_answered_like_any_other_nonsense() {
    let home = Home::new("utf8");
    let instance = home.instance();
    let mut client = client_of(&instance);
    client.send_raw(b"{\"cmd\":\"Hush\",\"slot\":\"\xff\xfe\"}\n");
    let reply = client.line();
    assert!(reply["msg"].as_str().unwrap().starts_with("unrecognized message: "), "{reply}");
    client.send_raw("{\"cmd\":\"Hush\",\"slot\":\"b\u{00e4}ss\"}\n".as_bytes());
    assert_eq!(client.line()["msg"], "b\u{00e4}ss hushed");
}

#[test]
fn blank_lines_and_carriage_returns_get_no_reply_of_their_own() {
    let home = Home::new("blank");
    let instance = home.instance();
    let mut client = client_of(&instance);
    client.send_raw(b"\n\r\n   \n{\"cmd\":\"Ping\"}\r\n\n{\"cmd\":\"HushAll\"}\n");
    assert_eq!(client.line()["status"], "Pong");
    assert_eq!(client.line()["msg"], "all slots hushed");
}
