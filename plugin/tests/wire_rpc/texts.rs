//! What a FAUST text says of itself, over the socket.

use std::process::Command;

use krach::instance::{HostHooks, Instance, InstanceConfig};
use krach::socket::Addresses;
use krach_core::node::Registry;
use serde_json::{Value, json};

use crate::Host;
use crate::wire_client::{Client, Home, client_of, config, until};

/// The process in which texts are compiled has a cache of its own.
const APART: &str = "KRACH_TEST_APART";

/// Runs a test of this file in a process of its own.
fn apart(name: &str, test: fn()) {
    if std::env::var_os(APART).is_some() {
        return test();
    }
    let home = Home::new("cache");
    let mut apart = Command::new(std::env::current_exe().unwrap());
    apart.args(["--exact", &format!("texts::{name}"), "--nocapture"]);
    let output = apart.env(APART, "1").env("XDG_CACHE_HOME", home.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// An instance that compiles texts.
fn instance(home: &Home) -> Instance {
    let addresses = Addresses { dsp_folder: Some(home.path().join("dsp")), ..home.addresses() };
    // A stand-in for a type that breaks would break what comes of a compile.
    let config = InstanceConfig { registry: Registry::with_builtins(), ..config(HostHooks::default()) };
    Instance::start_at(config, addresses)
}

fn node(client: &mut Client, name: &str) -> Value {
    client.call("describe", json!({"node": name}))["result"]["nodes"][0].clone()
}

#[test]
fn describe_and_the_meters_tell_what_bargraphs_show() {
    apart("describe_and_the_meters_tell_what_bargraphs_show", bargraphs_are_told);
}

fn bargraphs_are_told() {
    let home = Home::new("bargraphs");
    let instance = instance(&home);
    let mut client = client_of(&instance);
    let text = "process = hslider(\"level\", 0.25, 0, 1, 0.01) <: attach(_, vbargraph(\"h:seen/out[unit:dB]\", -60, 6)), hgroup(\"more\", hbargraph(\"out\", 0, 1));";
    let reply = client.call("node", json!({"name": "seen", "source": text}));
    assert!(reply["error"].is_null(), "{reply}");
    assert_eq!(node(&mut client, "seen")["bargraphs"], json!([]), "no host has asked for a block");
    let host = Host::of(&instance);
    let told = |value: f64| {
        json!([
            {"name": "more/out", "unit": "", "min": 0.0, "max": 1.0, "value": value},
            {"name": "seen/out", "unit": "dB", "min": -60.0, "max": 6.0, "value": value}
        ])
    };
    until("the text plays", || node(&mut client, "seen")["bargraphs"][0]["value"] == 0.25);
    assert_eq!(node(&mut client, "seen")["bargraphs"], told(0.25));
    let reply = client.call("set", json!({"values": {"seen/level": 0.5}}));
    assert!(reply["error"].is_null(), "{reply}");
    until("the value is heard", || node(&mut client, "seen")["bargraphs"] == told(0.5));
    let mut listener = client_of(&instance);
    listener.call("subscribe", json!({"topics": ["meters"]}));
    let meters = loop {
        let line = listener.line();
        if line["params"]["topic"] == "meters" {
            break line["params"].clone();
        }
    };
    assert_eq!(meters["bargraphs"], json!({"seen/more/out": 0.5, "seen/seen/out": 0.5}));
    drop(host);
    instance.deactivate();
}
