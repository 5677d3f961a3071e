//! JSON-RPC 2.0 over the socket, and edits that have a time.
#![cfg(unix)]

#[path = "wire_rpc/events.rs"]
mod events;
#[path = "wire_rpc/page.rs"]
mod page;
#[path = "wire_rpc/patches.rs"]
mod patches;
#[path = "wire_rpc/play.rs"]
mod play;
#[path = "wire_rpc/schema.rs"]
mod schema;
#[path = "wire_rpc/texts.rs"]
mod texts;
mod wire_client;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use krach::instance::Instance;
use krach_core::clock::{HostTransport, TransportAt};
use krach_core::processor::{Block, MidiOut};
use serde_json::{Value, json};
use wire_client::{Home, client_of};

/// A host that plays at 120 bpm, as fast as it can or not at all.
struct Host {
    rolling: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Host {
    fn of(instance: &Instance) -> Self {
        const FRAMES: usize = 256;
        let mut processor = instance.activate(48_000.0, FRAMES).expect("the engine answers");
        let (rolling, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (roll, end) = (Arc::clone(&rolling), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let (mut left, mut right) = (vec![0.0; FRAMES], vec![0.0; FRAMES]);
            let mut midi_out = MidiOut::with_capacity(64);
            let mut samples = 0_i64;
            while !end.load(Ordering::Acquire) {
                let playing = roll.load(Ordering::Acquire);
                let transport = HostTransport {
                    playing,
                    tempo: Some(120.0),
                    beats: Some(samples as f64 / 24_000.0),
                    seconds: Some(samples as f64 / 48_000.0),
                    samples: Some(samples),
                    time_signature: Some((4, 4)),
                    ..HostTransport::default()
                };
                midi_out.clear();
                processor.process(Block {
                    frames: FRAMES,
                    transport: &[TransportAt { offset: 0, transport }],
                    offline: false,
                    input: [&[], &[]],
                    main: [&mut left, &mut right],
                    stems: &mut [],
                    params: &[],
                    played: &[],
                    midi_out: &mut midi_out,
                });
                if playing {
                    samples += FRAMES as i64;
                }
                std::thread::sleep(Duration::from_micros(200));
            }
        });
        Self { rolling, stop, thread: Some(thread) }
    }

    fn roll(&self) {
        self.rolling.store(true, Ordering::Release);
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let _ = self.thread.take().unwrap().join();
    }
}

fn hush(slot: &str) -> Value {
    json!({"cmd": "Hush", "slot": slot})
}

#[test]
fn a_timed_edit_is_accepted_at_once_with_its_position() {
    let home = Home::new("at");
    let instance = home.instance();
    let host = Host::of(&instance);
    let mut client = client_of(&instance);
    let timed = client.call("at", json!({"at": {"cycles": 8}, "request": hush("kick")}));
    assert_eq!(timed["id"], 1);
    assert_eq!(timed["jsonrpc"], "2.0");
    assert_eq!(timed["result"]["reply"], json!({"status": "Ok", "msg": "kick hushed"}));
    assert_eq!(timed["result"]["position"], 8.0);
    let next =
        client.call("at", json!({"at": 9.5, "request": {"type": "set_control", "label": "a", "value": 1}}));
    assert_eq!(next["result"]["reply"]["msg"], "ok");
    assert_eq!(next["result"]["position"], 9.5);
    assert!(next["result"]["seq"].as_u64() > timed["result"]["seq"].as_u64());
    let now = client.call("at", json!({"request": hush("kick")}));
    assert_eq!(now["result"]["position"], Value::Null);
    drop(host);
    instance.deactivate();
}

#[test]
fn sync_waits_for_the_edits_of_its_connection_and_holds_back_later_replies_only() {
    let home = Home::new("sync");
    let instance = home.instance();
    let host = Host::of(&instance);
    let (mut client, mut other) = (client_of(&instance), client_of(&instance));
    let timed = client.call("at", json!({"at": 1, "request": {"cmd": "SetBeatsPerCycle", "beats": 4}}));
    assert_eq!(timed["result"]["position"], 1.0);
    client.send_raw(b"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"sync\"}\n");
    client.send_raw(b"{\"cmd\":\"SetBpm\",\"bpm\":77}\n{\"cmd\":\"Ping\"}\n");
    // The transport stands: the sync waits, what came after it is done but not yet answered.
    wire_client::until("the later edit is done", || {
        other.ask(r#"{"cmd":"Status"}"#)["transport"]["bpm"] == 77.0
    });
    client.stream().set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert!(client.try_line().is_err(), "nothing is answered before its turn");
    client.stream().set_read_timeout(Some(wire_client::PATIENCE)).unwrap();
    assert_eq!(other.call("sync", json!({}))["result"]["synced"], true, "another connection is not held up");
    host.roll();
    let synced = client.line();
    assert_eq!((&synced["id"], &synced["result"]["synced"]), (&json!(7), &json!(true)));
    assert!(synced["result"]["position"].as_f64().unwrap() >= 1.0, "{synced}");
    assert_eq!(client.line()["msg"], "bpm set to 77");
    assert_eq!(client.line()["status"], "Pong");
    drop(host);
    instance.deactivate();
}

#[test]
fn sync_can_be_told_to_give_up() {
    let home = Home::new("timeout");
    let instance = home.instance();
    let host = Host::of(&instance);
    let mut client = client_of(&instance);
    client.call("at", json!({"at": 100, "request": {"cmd": "SetBpm", "bpm": 99}}));
    let late = client.call("sync", json!({"timeout": 0.05}));
    assert_eq!(late["error"]["code"], -32001, "{late}");
    assert!(late["error"]["data"]["hint"].is_string());
    drop(host);
    instance.deactivate();
}

#[test]
fn an_idle_connection_is_in_sync_at_once() {
    let home = Home::new("idle");
    let instance = home.instance();
    let mut client = client_of(&instance);
    client.ask(r#"{"cmd":"SetPattern","slot":"a","pattern":{"op":"Silence"}}"#);
    let by_position = client.call("sync", json!([1]));
    assert_eq!(by_position["error"]["code"], -32602, "parameters are an object: {by_position}");
    assert_eq!(client.call("sync", Value::Null)["result"]["synced"], true, "null is none");
    let synced = client.ask(r#"{"jsonrpc":"2.0","id":"x","method":"sync"}"#);
    assert_eq!((&synced["id"], &synced["result"]["synced"]), (&json!("x"), &json!(true)));
    assert_eq!(synced["result"]["failed"], json!([]));
}

#[test]
fn a_refused_edit_says_what_where_and_what_would_work() {
    let home = Home::new("refused");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let pattern = json!({"op": "Fast", "factor": [2, 1], "child": {"op": "Cat", "children": []}});
    let request = json!({"cmd": "SetPattern", "slot": "a", "pattern": pattern});
    let error = client.call("at", json!({"at": "now", "request": request}))["error"].take();
    assert_eq!(error["code"], -32000);
    assert_eq!(error["message"], "compile error: Cat requires at least one child");
    assert_eq!(error["data"]["place"], "Fast > Cat");
    assert_eq!(error["data"]["still_playing"], true);
    let request = json!({"type": "add_node", "id": "a", "type_id": "oscilator"});
    let error = client.call("at", json!({"at": "now", "request": request}))["error"].take();
    assert_eq!(error["message"], "handle_message: registry error: node type not found: oscilator");
    assert_eq!(error["data"]["hint"], "did you mean oscillator?");
    let request = json!({"cmd": "SetClockSource", "source": "zz"});
    let error = client.call("at", json!({"request": request}))["error"].take();
    assert!(error["message"].as_str().unwrap().starts_with("unknown clock source"));
}

#[test]
fn what_musicians_get_wrong_says_what_would_work() {
    let home = Home::new("hints");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let mut wrong = |method: &str, params: Value| {
        let error = client.call(method, params)["error"].take();
        (error["message"].as_str().unwrap().to_owned(), error["data"].clone())
    };
    let play = |field: &str, value: Value| json!({"target": "a", "free": true, "pattern": "x", field: value});
    let (_, data) = wrong("play", play("swing", json!(58)));
    assert_eq!(
        (&data["place"], &data["hint"]),
        (&json!("params.swing"), &json!("it is a share and not a percentage: did you mean 0.58?"))
    );
    for swing in [json!(2), json!(-1), json!(1), json!({"amount": 3})] {
        let (message, data) = wrong("play", play("swing", swing));
        assert_eq!(message, "compile error: warp: amount must be in (0, 1)");
        assert!(data["hint"].as_str().unwrap().contains("between 0 and 1"), "{data}");
    }
    let (message, data) = wrong("play", play("pattern", json!({"op": "Ply", "child": {"op": "Silence"}})));
    assert_eq!((message.as_str(), &data["place"]), ("unknown op `Ply`", &json!("params.pattern")));
    assert!(data["hint"].as_str().unwrap().contains("Split"), "{data}");
    let (_, data) = wrong("play", play("pattern", json!({"op": "Slwo", "child": {"op": "Silence"}})));
    assert_eq!(data["hint"], "did you mean Slow?");
    let (message, data) = wrong("gain", json!({"node": "a", "gain": 1e308}));
    assert_eq!(message, "1e308 is no gain");
    assert!(data["hint"].is_string());
    // A request that lacks its tag is one of this family all the same.
    let reply = client.ask(r#"{"id":7,"method":"status"}"#);
    assert_eq!((&reply["id"], &reply["error"]["code"]), (&json!(7), &json!(-32600)), "{reply}");
    assert_eq!(reply["error"]["data"]["hint"], "add \"jsonrpc\": \"2.0\"");
    assert_eq!(client.ask(r#"{"nonsense":1}"#)["status"], "Error", "and what is of no family is not");
}

#[test]
fn what_cannot_have_a_time_or_is_none_is_an_invalid_parameter() {
    let home = Home::new("params");
    let instance = home.instance();
    let mut client = client_of(&instance);
    for params in [
        json!({"at": "soon", "request": hush("a")}),
        json!({"at": {"beats": 3}, "request": hush("a")}),
        json!({"at": 1}),
        json!({"at": 1, "request": {"cmd": "Zorp"}}),
        json!({"at": 1, "request": {"cmd": "Status"}}),
        json!({"at": 1, "request": {"cmd": "Ping"}}),
        json!({"at": 1, "request": {"jsonrpc": "2.0", "method": "sync"}}),
        json!(["now", hush("a")]),
    ] {
        let reply = client.call("at", params.clone());
        assert_eq!(reply["error"]["code"], -32602, "{params}: {reply}");
        assert_eq!(reply["id"], 1);
    }
}

#[test]
fn an_unknown_method_names_the_nearest() {
    let home = Home::new("unknown");
    let instance = home.instance();
    let error = client_of(&instance).call("snyc", json!({}))["error"].take();
    assert_eq!(error["code"], -32601);
    let hint = error["data"]["hint"].as_str().unwrap();
    assert!(
        hint.starts_with("did you mean \"sync\"?") && hint.contains("known methods: adopt, at, "),
        "{hint}"
    );
}

#[test]
fn requests_that_are_none_get_the_codes_of_the_standard() {
    let home = Home::new("codes");
    let instance = home.instance();
    let mut client = client_of(&instance);
    for (line, code) in [
        (r#"{"jsonrpc":"2.0","id":1,"method":"#, -32700),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"sync"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":[1],"method":"sync"}"#, -32600),
    ] {
        assert_eq!(client.ask(line)["error"]["code"], code, "{line}");
    }
    let null = client.ask(r#"{"jsonrpc":"2.0","id":null,"method":"sync"}"#);
    assert_eq!((&null["id"], &null["result"]["synced"]), (&Value::Null, &json!(true)));
}

#[test]
fn a_notification_is_done_but_not_answered() {
    let home = Home::new("notify");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let request = json!({"cmd": "SetBpm", "bpm": 88});
    let notification = json!({"jsonrpc": "2.0", "method": "at", "params": {"request": request}});
    client.send_raw(format!("{notification}\n").as_bytes());
    client.send_raw(b"{\"jsonrpc\":\"2.0\",\"method\":\"nonsense\"}\n");
    client.send_raw(b"{\"jsonrpc\":\"2.0\",\"method\":\"sync\"}\n");
    let state = client.ask(r#"{"cmd":"Status"}"#);
    assert_eq!(state["status"], "State", "the next line is the next answer");
    assert_eq!(state["transport"]["bpm"], 88.0);
}

#[test]
fn status_by_json_rpc_is_the_state_object() {
    let home = Home::new("status");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let state = client.ask(r#"{"cmd":"Status"}"#);
    assert_eq!(client.call("status", json!({}))["result"], state);
    assert_eq!(state["instance"], instance.id());
}

#[test]
fn a_shutdown_behind_a_waiting_sync_is_answered() {
    let home = Home::new("farewell");
    let instance = home.instance();
    let host = Host::of(&instance);
    let mut client = client_of(&instance);
    client.call("at", json!({"at": 1, "request": hush("kick")}));
    // The transport stands: the sync would wait for ever.
    client.send_raw(b"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"sync\"}\n{\"type\":\"shutdown\"}\n");
    let waited = client.line();
    assert_eq!(waited["id"], 7, "{waited}");
    assert!(waited["error"]["code"].is_i64(), "{waited}");
    let goodbye = client.line();
    assert_eq!(goodbye["msg"], "shutting down");
    drop(host);
    instance.deactivate();
}

#[test]
fn notes_are_routed_and_controllers_mapped_unmapped_and_learned() {
    let home = Home::new("midi");
    let instance = home.instance();
    let mut client = client_of(&instance);
    client.ask(
        r#"{"type":"load_graph","nodes":[{"id":"out","type_id":"dac"},{"id":"o","type_id":"oscillator","count":4}],
           "connections":[{"from_node":"o","from_port":"out","to_node":"out","to_port":"in"}]}"#
            .replace('\n', "")
            .as_str(),
    );
    assert_eq!(
        client.call("midi_route", json!({"channel": "omni", "node": "o"}))["result"]["position"],
        Value::Null
    );
    client.call("midi_route", json!({"channel": 2, "node": "bass"}));
    let wrong = client.call("midi_route", json!({"channel": 16, "node": "bass"}));
    assert_eq!(
        (wrong["error"]["code"].clone(), wrong["error"]["data"]["place"].clone()),
        (json!(-32602), json!("params.channel"))
    );
    // Over the control's own range.
    client.call("midi_map", json!({"channel": 0, "cc": 74, "label": "o/amp"}));
    let wrong = client.call("midi_map", json!({"channel": 0, "cc": 74, "label": "nobody/amp"}));
    assert_eq!(wrong["error"]["data"]["place"], "params.label");
    let wrong = client.call("midi_map", json!({"channel": 0, "cc": 128, "label": "o/amp"}));
    assert_eq!(wrong["error"]["message"], "cc: expected a controller from 0 to 127");
    let learning = client.call("midi_learn", json!({"label": "o/freq", "hi": 1000.0}));
    assert_eq!(
        learning["result"]["learning"],
        json!({"label": "o/freq", "lo": f64::from(0.01_f32), "hi": 1000.0})
    );
    let list = client.call("midi_list", json!({}));
    let expected = json!([{"channel": 2, "node": "bass"}, {"channel": "omni", "node": "o"}]);
    assert_eq!(list["result"]["routes"], expected);
    let map = json!({"channel": 0, "cc": 74, "label": "o/amp", "lo": 0.0, "hi": 1.0});
    assert_eq!(list["result"]["maps"], json!([map]));
    client.call("midi_unmap", json!({"channel": 0, "cc": 74}));
    client.call("midi_route", json!({"channel": 2, "node": null}));
    let list = client.call("midi_learn", json!({"label": null}));
    let left = json!({"routes": [{"channel": "omni", "node": "o"}], "maps": [], "learning": null});
    assert_eq!(list["result"], left);
}

#[test]
fn controls_fade_and_move_over_bars() {
    let home = Home::new("modulation");
    let instance = home.instance();
    let mut client = client_of(&instance);
    client.ask(r#"{"type":"load_graph","nodes":[{"id":"o","type_id":"oscillator"}],"exposed_controls":{"amp":["o","amp"]}}"#);
    assert!(
        client.call("fade", json!({"label": "amp", "value": 0.25, "cycles": 2}))["result"]["seq"].is_u64()
    );
    assert_eq!(client.ask(r#"{"cmd":"Status"}"#)["control_values"]["amp"], 0.25);
    for wrong in
        [json!({"label": "amp", "value": 1}), json!({"label": "amp", "value": 1, "secs": 1, "beats": 1})]
    {
        let answer = client.call("fade", wrong);
        assert_eq!(answer["error"]["data"]["hint"], "give secs, beats or cycles, and one of them");
    }
    let refused = client.call("fade", json!({"label": "amp", "value": 1, "secs": -1}));
    assert_eq!(refused["error"]["message"], "length: expected a number from 0 to 1000000");
    let moved = json!({"label": "amp", "shape": "tri", "lo": 0, "hi": 1, "bars": 4});
    assert!(client.call("automate", moved)["result"]["seq"].is_u64());
    let timed = client.call("clear_automation", json!({"id": "amp", "at": {"bars": 8}}));
    // No host has said anything: its bars have four quarter notes, like the cycles.
    assert_eq!(timed["result"]["position"], 8.0);
    let wrong = client.call("automate", json!({"label": "amp", "shape": "zig", "lo": 0, "hi": 1, "bars": 4}));
    assert_eq!(wrong["error"]["data"]["place"], "params.shape");
}
