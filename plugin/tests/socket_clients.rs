//! Several clients, and clients that misbehave: none of them holds up another, or the instance.
#![cfg(unix)]

mod wire_client;

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use krach::instance::Instance;
use wire_client::{Client, Home, client_of, until};

const PING: &[u8] = b"{\"cmd\":\"Ping\"}\n";

/// A fresh client is answered: it waits no longer than it has patience.
fn answers(instance: &Instance) {
    let mut client = client_of(instance);
    assert_eq!(client.ask(r#"{"cmd":"Status"}"#)["status"], "State");
}

#[test]
fn a_client_is_greeted_before_it_says_anything() {
    let home = Home::new("hello");
    let instance = home.instance();
    let hello = client_of(&instance).hello;
    assert_eq!((&hello["protocol"], &hello["engine"]), (&1.into(), &"krach-engine".into()));
    assert_eq!(hello["version"], env!("CARGO_PKG_VERSION"));
    assert!(hello["sample_rate"].is_null() && hello["name"].is_string());
    assert!(hello["capabilities"].as_array().unwrap().contains(&"jsonrpc:sync".into()));
    let processor = instance.activate(44_100.0, 64);
    assert!(processor.is_some());
    assert_eq!(client_of(&instance).hello["sample_rate"], 44_100.0);
    drop(processor);
    instance.deactivate();
    assert!(client_of(&instance).hello["sample_rate"].is_null());
}

#[test]
fn two_clients_talk_at_once_and_each_hears_its_own_answers() {
    let home = Home::new("two");
    let instance = home.instance();
    std::thread::scope(|scope| {
        for name in ["a", "b"] {
            let mut client = client_of(&instance);
            scope.spawn(move || {
                for i in 0..500 {
                    let reply = client.ask(&format!(r#"{{"cmd":"Hush","slot":"{name}{i}"}}"#));
                    assert_eq!(reply["msg"], format!("{name}{i} hushed"));
                }
            });
        }
    });
    let (mut one, mut other) = (client_of(&instance), client_of(&instance));
    one.ask(r#"{"type":"set_master_gain","gain":0.25}"#);
    assert_eq!(other.ask(r#"{"cmd":"Status"}"#)["transport"]["master"], 0.25);
}

#[test]
fn a_client_that_never_reads_is_let_go_and_disturbs_nobody() {
    let home = Home::new("deaf");
    let instance = home.instance();
    let mut deaf = UnixStream::connect(instance.socket_path().unwrap()).unwrap();
    deaf.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    let burst = PING.repeat(1000);
    let (mut sent, start) = (0, Instant::now());
    let end = loop {
        match deaf.write_all(&burst) {
            Ok(()) => sent += 1000,
            Err(error) => break error.kind(),
        }
        if sent % 100_000 == 0 {
            answers(&instance);
        }
        assert!(start.elapsed() < Duration::from_secs(60), "still connected after {sent} requests");
    };
    assert!(matches!(end, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{end:?}");
    assert!(sent > 100_000, "a modest pile of unread replies is fine, only {sent} went through");
    answers(&instance);
}

#[test]
fn a_client_may_send_a_thousand_requests_before_it_reads_the_first_answer() {
    let home = Home::new("pipeline");
    let instance = home.instance();
    let mut client = client_of(&instance);
    for bpm in 1..=1000 {
        client.send_raw(format!("{{\"cmd\":\"SetBpm\",\"bpm\":{bpm}}}\n").as_bytes());
    }
    for bpm in 1..=1000 {
        assert_eq!(client.line()["msg"], format!("bpm set to {bpm}"));
    }
    assert_eq!(client.ask(r#"{"cmd":"Status"}"#)["transport"]["bpm"], 1000.0);
}

#[test]
fn a_client_that_dies_in_the_middle_of_a_line_takes_nothing_with_it() {
    let home = Home::new("midline");
    let instance = home.instance();
    for _ in 0..20 {
        let mut client = client_of(&instance);
        client.send_raw(br#"{"cmd":"SetBpm","bpm":99"#);
    }
    let mut client = client_of(&instance);
    assert_eq!(client.ask(r#"{"cmd":"Status"}"#)["transport"]["bpm"], 120.0);
}

#[test]
fn what_a_client_said_before_it_left_still_counts() {
    let home = Home::new("farewell");
    let instance = home.instance();
    {
        let mut client = client_of(&instance);
        for bpm in 1..=500 {
            client.send_raw(format!("{{\"cmd\":\"SetBpm\",\"bpm\":{bpm}}}\n").as_bytes());
        }
    }
    let mut client = client_of(&instance);
    until("the last word is heard", || client.ask(r#"{"cmd":"Status"}"#)["transport"]["bpm"] == 500.0);
}

#[test]
fn a_client_that_closes_its_sending_side_still_gets_its_answers() {
    let home = Home::new("half");
    let instance = home.instance();
    let mut client = client_of(&instance);
    client.send_raw(&PING.repeat(200));
    client.stream().shutdown(Shutdown::Write).unwrap();
    for _ in 0..200 {
        assert_eq!(client.line()["status"], "Pong");
    }
    assert!(client.is_closed(), "and then the connection ends");
}

#[test]
fn a_client_that_waits_for_what_never_comes_and_leaves_is_forgotten() {
    let home = Home::new("waiter");
    let instance = home.instance();
    let processor = instance.activate(48_000.0, 64);
    let mut client = client_of(&instance);
    client.ask(r#"{"jsonrpc":"2.0","id":1,"method":"at","params":{"at":1000,"request":{"cmd":"HushAll"}}}"#);
    client.send_raw(b"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"sync\"}\n");
    let stream = client.stream().try_clone().unwrap();
    drop(client);
    // Half closed: it might still read. Fully closed: nobody waits any more.
    stream.shutdown(Shutdown::Both).unwrap();
    drop(stream);
    answers(&instance);
    drop(processor);
}

#[test]
fn floods_from_many_clients_leave_room_for_one_more() {
    let home = Home::new("flood");
    let instance = home.instance();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let pattern = r#"{"op":"Fast","factor":[4,1],"child":{"op":"Atom","value":{"type":"Control","label":"a","value":1}}}"#;
    let line = format!("{{\"cmd\":\"SetPattern\",\"slot\":\"f\",\"pattern\":{pattern}}}\n").repeat(50);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let path = instance.socket_path().unwrap();
            let (stop, line) = (&stop, &line);
            scope.spawn(move || {
                let mut stream = UnixStream::connect(path).unwrap();
                let mut sink = stream.try_clone().unwrap();
                let reader = std::thread::spawn(move || std::io::copy(&mut sink, &mut std::io::sink()));
                while !stop.load(std::sync::atomic::Ordering::Acquire) {
                    stream.write_all(line.as_bytes()).unwrap();
                }
                stream.shutdown(Shutdown::Both).unwrap();
                let _ = reader.join().unwrap();
            });
        }
        for _ in 0..10 {
            answers(&instance);
            std::thread::sleep(Duration::from_millis(30));
        }
        stop.store(true, std::sync::atomic::Ordering::Release);
    });
}

#[test]
fn one_client_too_many_is_told_so_and_a_place_becomes_free_again() {
    let home = Home::new("many");
    let instance = home.instance();
    let path = instance.socket_path().unwrap();
    let mut clients: Vec<Client> = (0..krach::socket::MAX_CLIENTS).map(|_| Client::connect(&path)).collect();
    let mut refused = Client::connect(&path);
    assert_eq!(refused.hello["status"], "Error");
    assert_eq!(refused.hello["msg"], "too many clients (the most is 64)");
    assert!(refused.is_closed());
    for client in &mut clients {
        assert_eq!(client.ask(r#"{"type":"ping"}"#)["status"], "Pong");
    }
    clients.truncate(10);
    until("a place is free", || Client::try_connect(&path).is_ok_and(|client| client.hello["protocol"] == 1));
}

#[test]
fn nothing_unasked_is_ever_said_to_a_client() {
    let home = Home::new("quiet");
    let instance = home.instance();
    let (quiet, mut busy) = (client_of(&instance), client_of(&instance));
    for i in 0..50 {
        busy.ask(&format!(r#"{{"type":"set_control","label":"x","value":{i}}}"#));
    }
    quiet.stream().set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let error = quiet.stream().read(&mut [0; 1]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
}

#[test]
fn a_panic_inside_a_request_is_answered_reported_and_survived() {
    let home = Home::new("panic");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let reply = client.ask(r#"{"type":"add_node","id":"d","type_id":"test:panics"}"#);
    assert_eq!(reply["status"], "Error");
    assert!(reply["msg"].as_str().unwrap().starts_with("internal error"), "{reply}");
    let by_rpc = r#"{"jsonrpc":"2.0","id":5,"method":"at","params":{"request":{"type":"add_node","id":"d","type_id":"test:panics"}}}"#;
    let reply = client.ask(by_rpc);
    assert_eq!((&reply["id"], &reply["error"]["code"]), (&5.into(), &(-32603).into()));
    let state = client.ask(r#"{"cmd":"Status"}"#);
    assert_eq!(state["nodes"], serde_json::json!([]));
    assert!(state["problems"][0].as_str().unwrap().contains("the drummer fell off the stage"), "{state}");
    assert!(instance.problems()[0].contains("the drummer"));
    assert_eq!(client.ask(r#"{"type":"add_node","id":"d","type_id":"dac"}"#)["msg"], "ok");
}

/// One answer may be longer than all that a client may leave unread.
#[test]
fn a_client_that_reads_gets_answers_of_any_length() {
    let home = Home::new("long");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let text = format!("process = _; // {}", "x".repeat(900_000));
    for n in 0..20 {
        let made = client.call("node", serde_json::json!({"name": format!("n{n}"), "source": text}));
        assert!(made.get("result").is_some(), "{made}");
    }
    for _ in 0..3 {
        let captured = client.call("capture", serde_json::json!({}));
        assert!(captured.to_string().len() > 17_000_000);
    }
    answers(&instance);
}
