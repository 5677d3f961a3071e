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
use serde_json::json;
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

/// Goes back to the start and on to the end again.
fn there_and_back(client: &mut Client, empty: &ModuleIr) {
    let last = capture(client);
    while !client.call("undo", json!({}))["result"]["undone"].is_null() {}
    let first = capture(client);
    assert!(first == *empty, "is {}", text(&first));
    while !client.call("redo", json!({}))["result"]["redone"].is_null() {}
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
