//! The `transport` method, and OSC messages on a real socket.
#![cfg(unix)]

mod wire_client;

use std::net::UdpSocket;
use std::time::Duration;

use krach_core::clock::{HostTransport, TransportAt};
use krach_core::processor::{Block, MidiOut, Processor};
use serde_json::{Value, json};
use wire_client::{Client, Home, PATIENCE, client_of};

fn transport(client: &mut Client, params: Value) -> Value {
    client.call("transport", params)
}

/// Plays `blocks` blocks of 256 frames at 120 bpm from sample `at` on.
fn play(processor: &mut Processor, at: &mut i64, blocks: usize) {
    let (mut left, mut right) = (vec![0.0; 256], vec![0.0; 256]);
    let mut midi_out = MidiOut::with_capacity(256);
    for _ in 0..blocks {
        let transport = HostTransport {
            playing: true,
            tempo: Some(120.0),
            beats: Some(*at as f64 / 24_000.0),
            time_signature: Some((3, 4)),
            bar_start: Some((*at / 72_000) as f64 * 3.0),
            ..HostTransport::default()
        };
        processor.process(Block {
            frames: 256,
            transport: &[TransportAt { offset: 0, transport }],
            offline: false,
            input: [&[], &[]],
            main: [&mut left, &mut right],
            stems: &mut [],
            params: &[],
            played: &[],
            midi_out: &mut midi_out,
        });
        *at += 256;
    }
}

#[test]
fn what_is_given_is_set_and_all_of_it_is_answered() {
    let home = Home::new("transport");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let asked = transport(&mut client, json!({}))["result"].clone();
    let settings = |answer: &Value| {
        let mut settings = answer.clone();
        settings.as_object_mut().unwrap().remove("position").expect("with the position");
        settings
    };
    let initial = json!({"tempo": 120.0, "meter": 4.0, "beats_per_cycle": 4.0, "free_run": false, "seed": 0,
        "clock": "external", "midi_clock": false, "programs": "omni", "start": "restart", "osc_target": null});
    assert_eq!(settings(&asked), initial);
    let changed = transport(
        &mut client,
        json!({"tempo": 93.5, "meter": 3, "free_run": true, "seed": 5, "clock": "internal",
            "midi_clock": true, "programs": 9, "start": "continue", "osc_target": "localhost:57120"}),
    );
    let expected = json!({"tempo": 93.5, "meter": 3.0, "beats_per_cycle": 3.0, "free_run": true, "seed": 5,
        "clock": "internal", "midi_clock": true, "programs": 9, "start": "continue", "osc_target": "127.0.0.1:57120"});
    assert_eq!(settings(&changed["result"]), expected);
    let host = transport(&mut client, json!({"meter": "host", "osc_target": null}));
    assert_eq!((&host["result"]["meter"], &host["result"]["osc_target"]), (&json!("host"), &Value::Null));
    assert_eq!(host["result"]["tempo"], 93.5, "what is not given stays");
}

#[test]
fn one_wrong_value_and_nothing_is_set() {
    let home = Home::new("wrong");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let before = transport(&mut client, json!({}))["result"].clone();
    for (wrong, code, place) in [
        (json!({"seed": 3, "tempo": -1}), -32602, "params.tempo"),
        (json!({"seed": 3, "tempo": 1e9}), -32602, "params.tempo"),
        (json!({"seed": 3, "tempo": 1e-9}), -32602, "params.tempo"),
        (json!({"seed": 3, "meter": 0}), -32602, "params.meter"),
        (json!({"seed": 3, "meter": 1e-9}), -32602, "params.meter"),
        (json!({"seed": 3, "meter": 5000}), -32602, "params.meter"),
        (json!({"seed": 3, "meter": "song"}), -32602, "params.meter"),
        (json!({"seed": 3, "temop": 90}), -32602, "params.temop"),
        (json!({"seed": 3, "osc_target": "example.org:9000"}), -32000, "params.osc_target"),
        (json!({"seed": 3, "osc_target": "127.0.0.1"}), -32000, "params.osc_target"),
        (json!({"seed": 3, "osc_target": "127.0.0.1:0"}), -32000, "params.osc_target"),
    ] {
        let error = &transport(&mut client, wrong.clone())["error"];
        assert_eq!(
            (&error["code"], &error["data"]["place"]),
            (&json!(code), &json!(place)),
            "{wrong}: {error}"
        );
        assert_eq!(transport(&mut client, json!({}))["result"], before, "{wrong}");
    }
}

#[test]
fn the_host_meter_counts_its_bars_and_at_takes_a_transport_too() {
    let home = Home::new("bars");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let mut processor = instance.activate(48_000.0, 256).expect("the engine answers");
    transport(&mut client, json!({"meter": "host"}));
    let mut at = 0;
    play(&mut processor, &mut at, 72_000 * 2 / 256 + 1);
    let now = &transport(&mut client, json!({}))["result"];
    assert_eq!((&now["meter"], &now["beats_per_cycle"]), (&json!("host"), &json!(3.0)));
    let cycles = at as f64 / 72_000.0;
    assert!((now["position"]["cycles"].as_f64().unwrap() - cycles).abs() < 1e-9, "{now}");
    assert_eq!(now["position"]["bar"], json!({"start": 0.0, "cycles": 1.0}));
    let request = json!({"method": "transport", "params": {"seed": 9}});
    let timed = client.call("at", json!({"at": "bar", "request": request}));
    assert_eq!(timed["result"]["position"], 3.0, "{timed}");
    assert_eq!(timed["result"]["reply"]["msg"], "transport set");
    assert_eq!(transport(&mut client, json!({}))["result"]["seed"], 0, "not yet");
    play(&mut processor, &mut at, 72_000 / 256 + 1);
    assert_eq!(client.call("sync", json!({"timeout": 10}))["result"]["synced"], true);
    assert_eq!(transport(&mut client, json!({}))["result"]["seed"], 9);
    drop(processor);
    instance.deactivate();
}

#[test]
fn patterns_send_osc_to_other_programs_in_order() {
    let home = Home::new("osc");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let ear = UdpSocket::bind("127.0.0.1:0").unwrap();
    ear.set_read_timeout(Some(PATIENCE)).unwrap();
    let port = ear.local_addr().unwrap().port();
    let mut processor = instance.activate(48_000.0, 256).expect("the engine answers");
    transport(&mut client, json!({"osc_target": format!("127.0.0.1:{port}")}));
    let atom = |n: i64| json!({"op": "Atom", "value": {"type": "Osc", "address": "/light", "args": [{"Int": n}, {"Str": "red"}]}});
    let pattern = json!({"op": "Cat", "children": (0..16).map(atom).collect::<Vec<_>>()});
    let reply = client.ask(&json!({"cmd": "SetPattern", "slot": "x", "pattern": pattern}).to_string());
    assert_eq!(reply["status"], "Ok", "{reply}");
    let mut at = 0;
    play(&mut processor, &mut at, 96_000 / 256);
    let mut bytes = [0; 256];
    for n in 0..16_u8 {
        let length = ear.recv(&mut bytes).expect("a message comes");
        let expected = [b"/light\0\0,is\0\0\0\0".as_slice(), &[n], b"red\0"].concat();
        assert_eq!(&bytes[..length], expected);
    }
    // Without a target nothing leaves.
    transport(&mut client, json!({"osc_target": null}));
    play(&mut processor, &mut at, 96_000 / 256);
    client.call("sync", json!({}));
    ear.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert!(ear.recv(&mut bytes).is_err());
    drop(processor);
    instance.deactivate();
}
