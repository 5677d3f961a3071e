//! Macros over the socket: what each moves, by number or name; what waits for one.

use serde_json::{Value, json};

use super::wire_client::{Client, Home, client_of};
use super::{band, capture, history, ok, refused};

fn macros(client: &mut Client) -> Value {
    ok(client, "macros", json!({}))
}

#[test]
fn a_macro_is_made_changed_named_listed_and_taken_away() {
    let home = Home::new("macros");
    let instance = home.instance();
    let mut client = client_of(&instance);
    band(&mut client);
    assert_eq!(macros(&mut client), json!({"macros": [], "learning": null}));
    // The control's range, the fader's to unity; the other way round; a curve.
    let dry = ok(&mut client, "macro", json!({"macro": 3, "label": "bass/cutoff", "dry_run": true}));
    assert_eq!(dry, json!({"macro": 3, "dry_run": true}));
    assert_eq!(macros(&mut client)["macros"], json!([]));
    let done = ok(&mut client, "macro", json!({"macro": 3, "label": "bass/cutoff", "name": "Cutoff"}));
    assert_eq!(done["macro"], 3);
    ok(&mut client, "macro", json!({"macro": "Cutoff", "label": "bass/gain", "inverse": true}));
    ok(&mut client, "macro", json!({"macro": 3, "label": "bass/@send/verb", "hi": 0.5, "curve": "s"}));
    ok(&mut client, "macro", json!({"macro": 1, "label": "nobody/yet", "lo": 2, "hi": 1, "curve": "log"}));
    let target = |label: &str, lo: f64, hi: f64, curve: &str, dormant: bool| json!({"label": label, "lo": lo, "hi": hi, "curve": curve, "dormant": dormant});
    let third = json!({"macro": 3, "name": "Cutoff", "title": "Cutoff", "unit": "", "value": 0.0, "targets": [
        target("bass/cutoff", 0.0, 20_000.0, "auto", false),
        target("bass/@gain", 1.0, 0.0, "auto", false),
        target("bass/@send/verb", 0.0, 0.5, "s", false),
    ]});
    let first = json!({"macro": 1, "name": "", "title": "nobody yet", "unit": "", "value": 0.0,
                       "targets": [target("nobody/yet", 2.0, 1.0, "log", true)]});
    assert_eq!(macros(&mut client)["macros"], json!([first, third]));
    let controls = ok(&mut client, "describe", json!({"node": "bass"}))["nodes"][0]["controls"].clone();
    let cutoff = controls.as_array().unwrap().iter().find(|c| c["name"] == "cutoff").unwrap().clone();
    assert_eq!(cutoff["macros"], json!([3]));
    // In the document, back by undo and by a load.
    let module = capture(&mut client);
    assert_eq!(module["krach"]["macros"][1]["number"], 3);
    assert_eq!(history(&mut client).0.last().map(String::as_str), Some("macro 1"));
    ok(&mut client, "unmacro", json!({"macro": "Cutoff", "label": "bass/gain"}));
    assert_eq!(macros(&mut client)["macros"][1]["targets"].as_array().unwrap().len(), 2);
    ok(&mut client, "undo", json!({}));
    assert_eq!(capture(&mut client), module);
    ok(&mut client, "unmacro", json!({"macro": 3}));
    assert_eq!(macros(&mut client)["macros"], json!([first]));
    ok(&mut client, "load", json!({"module": module}));
    assert_eq!(capture(&mut client), module);
    // All at once, in place of what it moved; a load that says nothing of macros, and clear, leave them.
    let targets = json!([{"label": "bass/freq", "lo": 20, "hi": 200}, {"label": "verb/gain"}]);
    ok(&mut client, "macro", json!({"macro": 3, "targets": targets, "name": "", "unit": "Hz"}));
    let now = macros(&mut client)["macros"][1].clone();
    assert_eq!((&now["title"], &now["unit"]), (&json!("bass freq"), &json!("Hz")));
    assert_eq!(now["targets"][1], target("verb/gain", 0.0, 16.0, "auto", false));
    ok(&mut client, "load", json!({"module": {"tempo": 99}}));
    ok(&mut client, "clear", json!({}));
    let left = macros(&mut client)["macros"].clone();
    assert_eq!(left[1]["targets"][0], target("bass/freq", 20.0, 200.0, "auto", true), "its node is gone");
    // A node and what moves it in one change.
    let node = json!({"method": "node", "params": {"name": "lead", "source": "faust:kick"}});
    let to = json!({"method": "macro", "params": {"macro": 9, "label": "lead/cutoff"}});
    let map = json!({"method": "midi_map", "params": {"channel": 0, "cc": 7, "label": "lead/cutoff"}});
    ok(&mut client, "batch", json!({"requests": [node, to, map]}));
    assert_eq!(macros(&mut client)["macros"][2]["targets"][0]["hi"], 20_000.0);
}

#[test]
fn what_no_macro_can_be_is_refused_with_place_and_hint() {
    let home = Home::new("nomacro");
    let instance = home.instance();
    let mut client = client_of(&instance);
    band(&mut client);
    ok(&mut client, "macro", json!({"macro": 2, "name": "Dirt"}));
    for (params, place, message, hint) in [
        (json!({"macro": 0, "name": "x"}), "params.macro", "there is no macro 0", "expected 1 to 64"),
        (
            json!({"macro": "Dint", "name": "x"}),
            "params.macro",
            "no macro is called Dint",
            "did you mean Dirt?",
        ),
        (
            json!({"macro": 1, "label": "bass/zorp"}),
            "params.label",
            "no control is called bass/zorp",
            "say lo and hi to map it all the same",
        ),
        (
            json!({"macro": 1, "targets": [{"label": "bass/freq"}, {"label": "x/y"}]}),
            "params.targets[1].label",
            "no control is called x/y",
            "say lo and hi to map it all the same",
        ),
        (json!({"macro": 1}), "params", "nothing to change", "give label, targets, name or unit"),
        (
            json!({"macro": 1, "label": "bass/freq", "targets": []}),
            "params",
            "label and targets",
            "give label to add one target, or targets to put all in place",
        ),
        (
            json!({"macro": 1, "name": "x", "lo": 0.2}),
            "params",
            "a range, a curve or an inverse of no control",
            "give label, the control that they are for",
        ),
        (
            json!({"macro": 300, "name": "x"}),
            "params.macro",
            "parameters not understood: expected a macro: 1 to 64, or its name",
            "",
        ),
    ] {
        let said = refused(&mut client, "macro", params);
        assert_eq!((said.0.as_str(), said.1.as_str()), (place, message));
        assert!(said.2.contains(hint), "{}", said.2);
    }
    let many: Vec<Value> = (0..17).map(|n| json!({"label": format!("n{n}/x"), "lo": 0, "hi": 1})).collect();
    let said = refused(&mut client, "macro", json!({"macro": 1, "targets": many}));
    assert_eq!(said.1, "targets: expected at most 16 targets");
    let said = refused(&mut client, "macro", json!({"macro": 1, "label": "bass/freq", "curve": "zig"}));
    assert!(said.1.contains("zig"), "{said:?}");
    ok(&mut client, "macro", json!({"macro": 2, "label": "bass/freq"}));
    let said = refused(&mut client, "unmacro", json!({"macro": 2, "label": "bass/frek"}));
    assert_eq!((said.0.as_str(), said.1.as_str()), ("params.label", "macro 2 does not move bass/frek"));
    assert!(said.2.contains("bass/freq"), "{}", said.2);
    let said = refused(&mut client, "macro_learn", json!({"macro": 1, "label": "bass/freq"}));
    assert_eq!(said.2, "give label to wait for a macro, or macro to wait for a control");
}

#[test]
fn a_macro_that_waits_gets_the_next_control_that_is_set() {
    let home = Home::new("learnmacro");
    let instance = home.instance();
    let mut client = client_of(&instance);
    band(&mut client);
    let waits = ok(&mut client, "macro_learn", json!({"macro": 5}))["learning"].clone();
    assert_eq!(waits, json!({"macro": 5}));
    ok(&mut client, "transport", json!({"tempo": 99}));
    ok(&mut client, "gain", json!({"node": "bass", "gain": 0.25}));
    let now = macros(&mut client);
    assert_eq!(now["learning"], json!(null));
    assert_eq!(now["macros"][0]["targets"][0]["label"], "bass/@gain");
    let waits =
        ok(&mut client, "macro_learn", json!({"label": "bass/cutoff", "hi": 400}))["learning"].clone();
    assert_eq!(waits, json!({"label": "bass/cutoff", "lo": 0.0, "hi": 400.0, "curve": "auto"}));
    assert_eq!(ok(&mut client, "macro_learn", json!({}))["learning"], json!(null));
}
