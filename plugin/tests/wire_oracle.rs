//! Thousands of requests at random, about half of them wrong, against a model of the session that shares
//! nothing with it: one client asked after each, then three at once, followed through the log.
#![cfg(unix)]

#[path = "wire_oracle/dice.rs"]
mod dice;
#[path = "wire_oracle/model.rs"]
mod model;
mod wire_client;

use dice::{Dice, accepted, line};
use krach_core::ir::ModuleIr;
use model::Model;
use serde_json::{Value, json};
use wire_client::{Client, Home, client_of};

fn capture(client: &mut Client) -> ModuleIr {
    let reply = client.call("capture", json!({}));
    serde_json::from_value(reply["result"]["module"].clone()).expect("a document")
}

/// The model's document, as the engine would write it.
fn expected(model: &Model, name: &str) -> ModuleIr {
    let mut document = model.document();
    document["krach"]["name"] = name.into();
    serde_json::from_value(document).expect("a document")
}

fn text(module: &ModuleIr) -> String {
    serde_json::to_string_pretty(module).expect("text")
}

/// Steps until there are no more.
fn step(client: &mut Client, method: &str, told: &str) {
    loop {
        let reply = client.call(method, json!({}));
        assert!(reply["error"].is_null(), "{method}: {reply}");
        if reply["result"][told].is_null() {
            return;
        }
    }
}

/// Goes back to the start and on to the end again.
fn there_and_back(client: &mut Client, empty: &ModuleIr) {
    let last = capture(client);
    step(client, "undo", "undone");
    let first = capture(client);
    assert!(first == *empty, "is {}", text(&first));
    step(client, "redo", "redone");
    let again = capture(client);
    assert!(again == last, "is {}\nwas {}", text(&again), text(&last));
}

#[test]
fn every_request_does_what_the_model_does_and_is_refused_where_it_refuses() {
    for seed in [7, 8, 9] {
        let home = Home::new("oracle");
        let instance = home.instance();
        let mut client = client_of(&instance);
        let empty = capture(&mut client);
        let name = empty.krach.as_ref().expect("ours").name.clone();
        let (mut model, mut dice) = (Model::default(), Dice::new(seed));
        let (mut done, mut refused) = (0, 0);
        for number in 0..2000 {
            let request = dice.request();
            let reply = client.ask(&line(&request, number));
            let before = model.clone();
            let outcome = model.apply(request.0, request.1, &request.2);
            let fine = accepted(&reply) == outcome.is_ok();
            assert!(fine, "{number}: {request:?}\n{reply}\n{outcome:?}\n{:#}", before.document());
            *if outcome.is_ok() { &mut done } else { &mut refused } += 1;
            let (is, ought) = (capture(&mut client), expected(&model, &name));
            assert!(is == ought, "{number}: {request:?}\nis {}\nought {}", text(&is), text(&ought));
        }
        assert!(done > 600 && refused > 600, "{done} done, {refused} refused");
        there_and_back(&mut client, &empty);
    }
}

/// One entry of the log, as far as it matters here.
struct Entry {
    family: String,
    method: String,
    params: Value,
    digest: String,
}

/// The session's log, until the client that is waited for has had its say.
fn followed(mut client: Client, last: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    loop {
        let event = client.line()["params"].take();
        assert_eq!(event["topic"], "log", "nothing is lost: {event}");
        let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
        let entry = Entry {
            family: text("family"),
            method: text("method"),
            params: event["params"].clone(),
            digest: text("digest"),
        };
        if entry.method == "name" && entry.params["name"] == last {
            return entries;
        }
        entries.push(entry);
    }
}

#[test]
fn three_clients_at_once_are_one_order_of_requests_that_the_log_tells() {
    const EACH: u64 = 3400;
    let home = Home::new("three");
    let instance = home.instance();
    let mut follower = client_of(&instance);
    let empty = capture(&mut follower);
    let name = empty.krach.as_ref().expect("ours").name.clone();
    follower.call("subscribe", json!({"topics": ["log"], "digest": true}));
    let follower = std::thread::spawn(move || followed(follower, "the end"));
    let clients: Vec<_> = (0..3)
        .map(|number| {
            let mut client = client_of(&instance);
            std::thread::spawn(move || {
                let mut dice = Dice::new(100 + number);
                let requests = (0..EACH).map(|id| {
                    let request = dice.request();
                    let fine = accepted(&client.ask(&line(&request, id)));
                    // Nothing to clear is nothing to tell.
                    (fine && request.1 != "clear", !fine)
                });
                requests.fold((0, 0), |(done, refused), (fine, bad)| {
                    (done + u64::from(fine), refused + u64::from(bad))
                })
            })
        })
        .collect();
    let counts: Vec<(u64, u64)> = clients.into_iter().map(|client| client.join().expect("ends")).collect();
    let (done, refused) = counts.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let mut client = client_of(&instance);
    client.call("name", json!({"name": "the end"}));
    let entries = follower.join().expect("ends");
    let told = entries.iter().filter(|entry| entry.method != "clear").count() as u64;
    assert_eq!(told, done, "each request that was accepted is told, once");
    assert!(done > EACH && refused > EACH, "{done} done, {refused} refused");
    let mut model = Model::default();
    for (number, Entry { family, method, params, digest }) in entries.iter().enumerate() {
        let outcome = model.apply(family, method, params);
        assert!(outcome.is_ok(), "{number}: {method} {params}: {outcome:?}");
        let ought = expected(&model, &name);
        let ours = blake3::hash(&serde_json::to_vec(&ought).expect("JSON")).to_hex();
        assert_eq!(*digest, ours.as_str(), "{number}: {method} {params}\nought {}", text(&ought));
    }
    there_and_back(&mut client, &empty);
}
