//! What the host saves, loads and is told.
#![cfg(unix)]

#[cfg(target_os = "linux")]
mod chunks;
mod wire_client;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use krach::instance::{HostHooks, Instance};
use krach::socket::registry::entries;
use krach::state::{Payload, StateError};
use krach_core::edit::{At, Edit};
use krach_core::model::Setting;
use wire_client::{Home, client_of, config, until};

fn playing(home: &Home) -> Instance {
    let instance = home.instance();
    let mut client = client_of(&instance);
    client.ask(r#"{"type":"load_graph","nodes":[{"id":"out","type_id":"dac"},{"id":"o","type_id":"oscillator"}],"connections":[{"from_node":"o","from_port":"out","to_node":"out","to_port":"in"}]}"#);
    client.ask(r#"{"cmd":"SetPattern","slot":"s","pattern":{"op":"Silence"}}"#);
    instance
}

#[test]
fn a_saved_session_comes_back_in_another_instance_and_saves_to_the_same_bytes() {
    let home = Home::new("roundtrip");
    let chunk = playing(&home).save_state();
    let other = home.instance();
    other.load_state(&chunk).unwrap();
    let state = client_of(&other).ask(r#"{"cmd":"Status"}"#);
    assert_eq!(state["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(state["slots"][0]["name"], "s");
    assert_eq!(other.save_state(), chunk);
}

#[test]
fn host_parameters_travel_with_the_session() {
    let home = Home::new("params");
    let params = [("m1".to_owned(), 0.25)].into();
    let chunk = playing(&home).save_state_with(params).unwrap();
    assert_eq!(home.instance().load_state_params(&chunk).unwrap()["m1"], 0.25);
}

#[test]
fn a_refused_chunk_changes_nothing_and_is_saved_back_until_the_next_edit() {
    let home = Home::new("kept");
    let instance = playing(&home);
    let before = instance.save_state();
    let nonsense = Payload::new([].into(), b"[\"not a session\"]".to_vec()).unwrap().encode().unwrap();
    for refused in [b"from the future".to_vec(), nonsense] {
        assert!(instance.load_state(&refused).is_err());
        assert_eq!(instance.save_state(), refused, "nothing of the user's is lost");
        let mut client = client_of(&instance);
        let state = client.ask(r#"{"cmd":"Status"}"#);
        assert_eq!(state["nodes"].as_array().unwrap().len(), 2, "what played plays on");
        assert!(
            state["problems"]
                .as_array()
                .unwrap()
                .iter()
                .any(|text| text.as_str().unwrap().contains("plays on"))
        );
        assert_eq!(
            client.ask(r#"{"type":"load_graph","nodes":[{"id":"a","type_id":"nope"}]}"#)["status"],
            "Error"
        );
        assert_eq!(instance.save_state(), refused, "a refused edit is none");
        client.ask(r#"{"cmd":"Hush","slot":"nobody"}"#);
        client.call("panic", serde_json::json!({}));
        assert_eq!(instance.save_state(), refused, "an edit that changes nothing is no reason to lose it");
        client.ask(r#"{"cmd":"SetBpm","bpm":121}"#);
        assert_ne!(instance.save_state(), refused);
        client.ask(r#"{"cmd":"SetBpm","bpm":120}"#);
        assert_eq!(instance.save_state(), before);
    }
    assert!(matches!(instance.load_state(b"from the future"), Err(StateError::NotOurs)));
}

#[test]
fn the_host_is_told_once_of_many_edits_and_never_of_none() {
    let home = Home::new("dirty");
    let told = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&told);
    let mark_dirty = Box::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let hooks = HostHooks { mark_dirty: Some(mark_dirty), ..HostHooks::default() };
    let instance = Instance::start_at(config(hooks), home.addresses());
    let mut client = client_of(&instance);
    for _ in 0..200 {
        client.ask(r#"{"type":"set_master_gain","gain":0.5}"#);
    }
    until("the host is told", || told.load(Ordering::Relaxed) > 0);
    std::thread::sleep(Duration::from_millis(300));
    let so_far = told.load(Ordering::Relaxed);
    assert!(so_far <= 3, "two hundred edits were {so_far} reports");
    client.ask(r#"{"type":"set_master_gain","gain":0.5}"#);
    client.ask(r#"{"cmd":"Status"}"#);
    client.ask(r#"{"cmd":"SetPattern","slot":"x","pattern":{"op":"Cat","children":[]}}"#);
    instance.load_state(&instance.save_state()).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(told.load(Ordering::Relaxed), so_far, "nothing changed since");
}

#[test]
fn two_instances_of_one_name_are_told_apart() {
    let home = Home::new("names");
    let first = home.instance();
    first.edit(Edit::Setting(Setting::Name("bass".to_owned())), At::Now).unwrap().unwrap();
    let chunk = first.save_state();
    until("the name is announced", || entries(&home.run()).iter().any(|entry| entry.name == "bass"));
    let (second, third) = (home.instance(), home.instance());
    second.load_state(&chunk).unwrap();
    third.load_state(&chunk).unwrap();
    let mut names: Vec<String> = entries(&home.run()).into_iter().map(|entry| entry.name).collect();
    names.sort();
    assert_eq!(names, ["bass", "bass-2", "bass-3"]);
    assert_eq!(client_of(&third).hello["name"], "bass-3");
    assert_eq!(client_of(&third).ask(r#"{"cmd":"Status"}"#)["name"], "bass-3");
    first.load_state(&chunk).unwrap();
    assert_eq!(client_of(&first).hello["name"], "bass", "its own name is free to itself");
}

/// A sample of the next.
#[cfg(target_os = "linux")]
#[test]
fn some_chunks_kill_nothing_and_lose_nothing() {
    chunks::run("some_chunks_kill_nothing_and_lose_nothing", 0, 250);
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "soak: a hundred thousand chunks"]
fn soak_a_hundred_thousand_chunks_kill_nothing_and_lose_nothing() {
    let name = "soak_a_hundred_thousand_chunks_kill_nothing_and_lose_nothing";
    chunks::run(name, 1_000_000, count("KRACH_CHUNKS").unwrap_or(100_000));
}

/// Sessions that no chunk could hold are not made, whoever asks, and everybody is told why.
#[test]
fn a_session_that_could_not_be_saved_is_refused_and_what_is_saved_is_the_present_one() {
    let home = Home::new("full");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let text = format!("process = _; // {}", "x".repeat(1_000_000));
    let mut nodes = 0;
    let refused = loop {
        let answer = client.call("node", serde_json::json!({"name": format!("n{nodes}"), "source": text}));
        if answer.get("error").is_some() {
            break answer;
        }
        nodes += 1;
        assert!(nodes < 70, "all were accepted");
    };
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("too large to be saved"), "{refused}");
    let chunk = instance.save_state_with([].into()).expect("what plays can be saved");
    let other = home.instance();
    other.load_state(&chunk).unwrap();
    let state = client_of(&other).call("describe", serde_json::json!({}));
    assert_eq!(state["result"]["nodes"].as_array().unwrap().len(), nodes);
    // By the older families and by the window, too.
    let name = "n".repeat(2_000_000);
    instance.edit(Edit::Setting(Setting::Name(name.clone())), At::Now).unwrap().unwrap_err();
    let slot = "s".repeat(900_000);
    let answer =
        client.ask(&format!(r#"{{"cmd":"SetPattern","slot":"{slot}","pattern":{{"op":"Silence"}}}}"#));
    assert_eq!(answer["status"], "Error", "{answer}");
    let mut follower = client_of(&instance);
    follower.call("subscribe", serde_json::json!({"topics": ["errors"]}));
    instance.view().edit(Edit::Setting(Setting::Name(name)));
    until("the window's edit is told", || {
        instance.problems().iter().any(|problem| problem.contains("too large to be saved"))
    });
    let event = follower.line()["params"].take();
    assert_eq!(event["topic"], "errors");
    assert!(event.to_string().contains("too large to be saved"), "{event}");
    assert_eq!(instance.save_state_with([].into()).as_ref(), Some(&chunk), "nothing has changed");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "soak: two thousand nodes, each of another FAUST text"]
fn soak_two_thousand_nodes_of_two_thousand_texts_arrive() {
    chunks::crowd::run(count("KRACH_CROWD").unwrap_or(2000) as usize);
}

/// How many it shall be, where the environment says so.
#[cfg(target_os = "linux")]
fn count(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|count| count.parse().ok())
}
