//! Every method is answered as docs/protocol.schema.json says; the client holds each line to it.

use std::collections::BTreeSet;
use std::process::Command;

use krach::instance::{HostHooks, Instance, InstanceConfig};
use krach::socket::Addresses;
use krach_core::node::Registry;
use serde_json::{Value, json};

use crate::wire_client::{Client, Home, client_of, config, schema, until};

/// Each method with parameters that work, in an order in which they do.
fn requests(home: &Home) -> Vec<(&'static str, Value)> {
    let file = home.path().join("schema.krach.json");
    let midi = home.path().join("schema.mid");
    let set = json!({"type": "set_control", "label": "bass/cutoff", "value": 500});
    vec![
        ("capture", json!({})),
        ("node", json!({"name": "bass", "source": "faust:bass", "gain": 0.5})),
        ("node", json!({"name": "verb", "source": "gain"})),
        ("connect", json!({"source": "bass", "target": "verb", "level": 0.3})),
        ("play", json!({"target": "bass", "pattern": "A2 x"})),
        ("query", json!({"target": "bass", "from": 0})),
        ("set", json!({"values": {"bass/cutoff": 700}})),
        ("gain", json!({"node": "bass", "gain": 0.4})),
        ("mute", json!({"node": "bass"})),
        ("solo", json!({"node": "verb"})),
        ("fade", json!({"label": "bass/cutoff", "value": 100, "secs": 1})),
        ("automate", json!({"label": "bass/cutoff", "shape": "sine", "lo": 0, "hi": 1, "bars": 2})),
        ("midi_map", json!({"channel": 0, "cc": 1, "label": "bass/cutoff"})),
        ("midi_route", json!({"channel": "omni", "node": "bass"})),
        ("midi_learn", json!({"label": "bass/freq"})),
        ("midi_list", json!({})),
        ("describe", json!({})),
        ("midi_unmap", json!({"channel": 0, "cc": 1})),
        ("clear_automation", json!({"id": "bass/cutoff"})),
        ("at", json!({"at": 4, "request": set})),
        ("transport", json!({"tempo": 90})),
        ("master", json!({"gain": 0.9})),
        ("crossfade", json!({"beats": 1})),
        ("input", json!({"on": true})),
        ("limiter", json!({"on": true})),
        ("name", json!({"name": "schema"})),
        ("panic", json!({})),
        ("rebuild", json!({})),
        ("status", json!({})),
        ("types", json!({"type": "oscillator"})),
        ("subscribe", json!({"topics": ["errors"]})),
        ("unsubscribe", json!({"topics": ["errors"]})),
        ("adopt", json!({})),
        ("batch", json!({"requests": [{"method": "mute", "params": {"node": "verb"}}]})),
        (
            "transition",
            json!({"requests": [{"method": "gain", "params": {"node": "bass", "gain": 0.2}}], "beats": 1}),
        ),
        ("macro", json!({"macro": 1, "label": "bass/cutoff"})),
        ("macro_learn", json!({"macro": 2})),
        ("macros", json!({})),
        ("unmacro", json!({"macro": 1})),
        ("scene_save", json!({"name": "verse"})),
        ("scene_duplicate", json!({"scene": "verse", "name": "again"})),
        ("scene_rename", json!({"scene": 2, "name": "chorus"})),
        ("scene_order", json!({"order": [2, "verse"]})),
        ("scenes", json!({})),
        ("scene_recall", json!({"scene": "verse", "secs": 0.5})),
        ("scene_delete", json!({"scene": 2})),
        ("freeze", json!({"bars": 1, "path": midi, "overwrite": true})),
        ("undo", json!({})),
        ("redo", json!({})),
        ("history", json!({})),
        ("hush", json!({"target": "bass"})),
        ("stop", json!({})),
        ("disconnect", json!({"source": "bass", "target": "verb"})),
        ("remove", json!({"node": "verb"})),
        ("instantiate", json!({"module": {"nodes": [{"name": "a", "source": "gain"}]}, "prefix": "kit"})),
        ("load", json!({"module": {"nodes": [{"name": "a", "source": "gain"}]}})),
        ("save_file", json!({"file": file})),
        ("open_file", json!({"file": file})),
        ("session_files", json!({})),
        ("clear", json!({})),
    ]
}

/// Methods that need sounds.
const SOUNDS: [&str; 3] = ["compile", "define", "source"];

#[test]
fn every_method_is_answered_as_the_schema_says() {
    let home = Home::new("schema");
    let instance = home.instance();
    let mut client = client_of(&instance);
    for (method, params) in requests(&home) {
        let reply = client.call(method, params.clone());
        assert!(reply["error"].is_null(), "{method} {params}: {reply}");
        let is_change = reply["result"].get("seq").is_some() && method != "at" && method != "rebuild";
        if is_change {
            let mut trial = params;
            trial["dry_run"] = true.into();
            client.call(method, trial);
        }
    }
    // No sounds here: what needs them is refused, and answered where there are some.
    for method in SOUNDS {
        let reply = client.call(method, json!({"name": "a", "text": "process = 0;", "type": "faust:a"}));
        assert!(reply["error"]["data"]["still_playing"] == true, "{method}: {reply}");
    }
    // Nobody plays here: what is waited for does not come.
    let reply = client.call("limiter", json!({"on": true, "at": 1000}));
    assert!(reply["error"].is_null(), "{reply}");
    let reply = client.call("sync", json!({"timeout": 0}));
    assert!(reply["error"]["data"]["still_playing"] == true, "{reply}");
    let calls: BTreeSet<String> = requests(&home).iter().map(|(method, _)| (*method).to_owned()).collect();
    let offered: BTreeSet<String> = client.hello["capabilities"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|name| name.as_str().unwrap().strip_prefix("jsonrpc:").map(str::to_owned))
        .collect();
    let elsewhere = SOUNDS.into_iter().chain(["sync"]).map(str::to_owned);
    assert_eq!(calls.iter().cloned().chain(elsewhere).collect::<BTreeSet<_>>(), offered);
    for method in &offered {
        for part in ["params", "result"] {
            assert!(schema::names().any(|name| name == format!("{method}.{part}")), "{method}.{part}");
        }
    }
    for method in calls {
        assert!(client.watcher.seen.contains(&format!("{method}.result")), "{method}");
    }
}

#[test]
fn what_is_not_as_the_schema_says_is_noticed() {
    let accepted = json!({"position": null, "seq": 7});
    assert!(schema::faults("node.result", &accepted).is_empty());
    for wrong in [
        json!({"position": null}),
        json!({"position": "now", "seq": 7}),
        json!({"position": null, "seq": 7, "x": 1}),
    ] {
        assert!(!schema::faults("node.result", &wrong).is_empty(), "{wrong}");
    }
    let onset =
        json!({"slot": "a", "position": 1.0, "values": [{"type": "Control", "label": "gate", "value": 1.0}]});
    let event = |onset: &Value| json!({"topic": "onsets", "onsets": [onset], "more": 0});
    assert!(schema::faults("event.onsets", &event(&onset)).is_empty());
    for (field, value) in [("slot", json!(1)), ("values", json!([{"type": "Zorp"}])), ("more", json!(0))] {
        let mut wrong = onset.clone();
        wrong[field] = value;
        assert!(!schema::faults("event.onsets", &event(&wrong)).is_empty(), "{wrong}");
    }
}

/// The process in which sounds are compiled has a cache of its own.
const APART: &str = "KRACH_TEST_APART";

#[test]
fn methods_of_sounds_are_answered_as_the_schema_says() {
    if std::env::var_os(APART).is_some() {
        return sounds_are_answered();
    }
    let home = Home::new("cache");
    let name = "schema::methods_of_sounds_are_answered_as_the_schema_says";
    let mut apart = Command::new(std::env::current_exe().unwrap());
    apart.args(["--exact", name, "--nocapture"]).env(APART, "1").env("XDG_CACHE_HOME", home.path());
    let output = apart.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// The reply, past the events before it.
fn answered(client: &mut Client, method: &str, params: Value) -> Value {
    let mut line = client.call(method, params);
    while line.get("id").is_none() {
        line = client.line();
    }
    line
}

fn sounds_are_answered() {
    let home = Home::new("sounds");
    let dsp_folder = Some(home.path().join("dsp"));
    let addresses = Addresses { dsp_folder, ..home.addresses() };
    // A stand-in for a type that breaks is no type to be listed.
    let config = InstanceConfig { registry: Registry::with_builtins(), ..config(HostHooks::default()) };
    let instance = Instance::start_at(config, addresses);
    let mut client = client_of(&instance);
    let text = "process = hslider(\"level[unit:dB]\", 0, 0, 1, 0.1);";
    for (method, params) in [
        // Nothing is on its way yet.
        ("sync", json!({})),
        ("subscribe", json!({"topics": ["compiles", "errors"]})),
        ("compile", json!({"text": text})),
        ("define", json!({"name": "mine", "text": text})),
        ("source", json!({"type": "faust:mine"})),
        ("node", json!({"name": "a", "source": "faust:mine"})),
        ("types", json!({})),
        ("describe", json!({})),
        ("define", json!({"name": "kick", "text": text})),
        // The one that is built in again.
        ("define", json!({"name": "kick"})),
        ("node", json!({"name": "b", "source": "process = ;"})),
    ] {
        let reply = answered(&mut client, method, params);
        assert!(reply["error"].is_null(), "{method}: {reply}");
    }
    let broken = answered(&mut client, "compile", json!({"text": "process = ;"}));
    assert_eq!(broken["error"]["data"]["place"], "program.dsp:1:11", "{broken}");
    let told = ["event.compiles", "event.errors"];
    until("what was compiled, and what was not, is told", || {
        answered(&mut client, "status", json!({}));
        told.iter().all(|seen| client.watcher.seen.contains(*seen))
    });
    for seen in ["compile.result", "define.result", "source.result", "sync.result", "types.result", "error"] {
        assert!(client.watcher.seen.contains(seen), "{seen}");
    }
}
