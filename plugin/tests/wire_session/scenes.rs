//! Scenes over the socket.

use krach_core::processor::{Block, MidiOut, ParamEvent, ParamId, Processor, place_of_scene};
use serde_json::{Value, json};

use super::wire_client::{Client, Home, client_of};
use super::{band, capture, ok, refused};

#[test]
fn scenes_are_saved_recalled_and_told_of() {
    let home = Home::new("scenes");
    let instance = home.instance();
    let mut client = client_of(&instance);
    band(&mut client);
    let saved = ok(&mut client, "scene_save", json!({"name": "verse"}));
    assert_eq!((&saved["name"], &saved["number"]), (&json!("verse"), &json!(1)));
    ok(&mut client, "remove", json!({"node": "drums/hat"}));
    ok(&mut client, "set", json!({"values": {"bass/gain": 0.9}}));
    ok(&mut client, "play", json!({"target": "drums/kick", "pattern": "x x x x"}));
    let list = ok(&mut client, "scenes", json!({}));
    assert_eq!((&list["current"], &list["changed"]), (&json!("verse"), &json!(true)));
    ok(&mut client, "scene_save", json!({"name": "chorus", "number": 7, "transport": true}));
    let chorus = capture(&mut client);
    ok(&mut client, "scene_recall", json!({"scene": "verse"}));
    let names = |module: &Value| {
        let nodes = module["nodes"].as_array().unwrap().iter();
        nodes.map(|node| node["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let verse = capture(&mut client);
    assert_eq!(names(&verse), ["bass", "verb", "drums/kick", "drums/hat"]);
    assert_eq!(verse["nodes"][0]["gain"], 0.4);
    assert_eq!(verse["krach"]["scene"], 1);
    ok(&mut client, "scene_recall", json!({"scene": 7}));
    assert_eq!(capture(&mut client), chorus);
    // A group alone.
    ok(&mut client, "scene_recall", json!({"scene": "verse", "groups": ["drums"]}));
    let drums = capture(&mut client);
    assert_eq!(names(&drums), ["bass", "verb", "drums/kick", "drums/hat"]);
    assert_eq!(drums["nodes"][0]["gain"], 0.9);
    ok(&mut client, "undo", json!({}));
    assert_eq!(capture(&mut client), chorus);
    ok(&mut client, "scene_rename", json!({"scene": "chorus", "name": "hook"}));
    ok(&mut client, "scene_duplicate", json!({"scene": "hook", "name": "hook 2"}));
    ok(&mut client, "scene_order", json!({"order": ["hook 2", "hook", 1]}));
    let list = ok(&mut client, "scenes", json!({}));
    let shown: Vec<(u64, &str, bool)> = list["scenes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| {
            (s["number"].as_u64().unwrap(), s["name"].as_str().unwrap(), s["transport"].as_bool().unwrap())
        })
        .collect();
    assert_eq!(shown, [(2, "hook 2", true), (7, "hook", true), (1, "verse", false)]);
    for (method, params, place, says, hints) in [
        (
            "scene_recall",
            json!({"scene": "vers"}),
            "params.scene",
            "there is no scene vers",
            "did you mean verse",
        ),
        (
            "scene_recall",
            json!({"scene": 9}),
            "params.scene",
            "there is no scene 9",
            "2 (hook 2), 7 (hook), 1 (verse)",
        ),
        (
            "scene_recall",
            json!({"scene": 1, "groups": ["lead"]}),
            "params.groups[0]",
            "the scene has no lead",
            "",
        ),
        (
            "scene_recall",
            json!({"scene": 1, "beats": 1, "secs": 1}),
            "params.secs",
            "one length",
            "beats or secs",
        ),
        (
            "scene_save",
            json!({"name": "x", "number": 0}),
            "params.number",
            "0 is no number of a scene",
            "1 to 127",
        ),
        ("scene_rename", json!({"scene": 1, "name": "hook"}), "params.name", "scene 7 has the name hook", ""),
        ("scene_order", json!({"order": ["hook"]}), "params.order", "the order names each scene once", ""),
        ("scene_delete", json!({"scene": 0}), "params.scene", "there is no scene 0", ""),
    ] {
        let (at, message, hint) = refused(&mut client, method, params.clone());
        assert!(at == place && message.contains(says), "{method} {params}: {at}: {message}");
        assert!(hint.contains(hints), "{method} {params}: {hint}");
    }
    ok(&mut client, "scene_delete", json!({"scene": "hook 2"}));
    ok(&mut client, "scene_recall", json!({"scene": 1, "dry_run": true}));
    // The whole comes back with the project, and clients hear of recalls.
    let whole = capture(&mut client);
    let other_home = Home::new("scenes-other");
    let other = other_home.instance();
    let mut there = client_of(&other);
    ok(&mut there, "load", json!({"module": whole}));
    assert_eq!(capture(&mut there)["krach"]["scenes"], whole["krach"]["scenes"]);
    ok(&mut there, "clear", json!({}));
    assert_eq!(ok(&mut there, "scenes", json!({}))["scenes"].as_array().unwrap().len(), 2);
    ok(&mut there, "scene_recall", json!({"scene": "verse"}));
    assert_eq!(names(&capture(&mut there)), ["bass", "verb", "drums/kick", "drums/hat"]);
}

/// Plays a block of 256 frames; the host's parameter comes to the scene in it, if one is given.
pub fn block(processor: &mut Processor, scene: Option<u8>) {
    let (mut left, mut right) = (vec![0.0; 256], vec![0.0; 256]);
    let event = |number| ParamEvent {
        offset: 9,
        param: ParamId::Scene,
        value: place_of_scene(number),
        modulation: 0.0,
    };
    let params: Vec<ParamEvent> = scene.map(event).into_iter().collect();
    processor.process(Block {
        frames: 256,
        transport: &[],
        offline: false,
        input: [&[], &[]],
        main: [&mut left, &mut right],
        stems: &mut [],
        params: &params,
        played: &[],
        midi_out: &mut MidiOut::with_capacity(256),
    });
}

#[test]
fn who_subscribes_hears_of_each_recall_with_who_asked_for_it() {
    let home = Home::new("scenes-topic");
    let instance = home.instance();
    let mut client = client_of(&instance);
    band(&mut client);
    ok(&mut client, "scene_save", json!({"name": "verse"}));
    ok(&mut client, "remove", json!({"node": "bass"}));
    ok(&mut client, "scene_save", json!({"name": "chorus"}));
    let mut follower = client_of(&instance);
    ok(&mut follower, "subscribe", json!({"topics": ["scenes"]}));
    let mut next = || {
        let event = follower.line();
        assert_eq!((&event["method"], &event["params"]["topic"]), (&json!("event"), &json!("scenes")));
        let told = &event["params"];
        let of = |field: &str| told[field].clone();
        (of("number"), of("name"), of("seq"), of("late"))
    };
    // Before the host asks for sound, and while it plays.
    let reply = ok(&mut client, "scene_recall", json!({"scene": "verse"}));
    assert_eq!(next(), (1.into(), "verse".into(), reply["seq"].clone(), false.into()));
    assert!(reply["seq"].is_u64(), "{reply}");
    let mut processor = instance.activate(48_000.0, 256).expect("it is active");
    block(&mut processor, Some(2));
    let (number, name, seq, _) = next();
    assert_eq!((number, name, seq), (2.into(), "chorus".into(), Value::Null), "the host has asked");
    let reply = ok(&mut client, "scene_recall", json!({"scene": 1}));
    block(&mut processor, None);
    let (number, name, seq, _) = next();
    assert_eq!((number, name, seq), (1.into(), "verse".into(), reply["seq"].clone()));
    // A recall that is refused or tried only tells nothing: a save does neither.
    refused(&mut client, "scene_recall", json!({"scene": 9}));
    ok(&mut client, "scene_recall", json!({"scene": 2, "dry_run": true}));
    ok(&mut client, "scene_save", json!({"name": "bridge"}));
    let reply = ok(&mut client, "scene_recall", json!({"scene": "bridge"}));
    block(&mut processor, None);
    let (number, _, seq, _) = next();
    assert_eq!((number, seq), (3.into(), reply["seq"].clone()));
}

#[test]
fn a_scene_that_is_saved_over_keeps_its_name_and_whether_it_has_the_tempo() {
    let home = Home::new("saved-over");
    let instance = home.instance();
    let mut client = client_of(&instance);
    ok(&mut client, "scene_save", json!({"name": "verse", "transport": true}));
    ok(&mut client, "scene_save", json!({"name": "Scene 3"}));
    let third = ok(&mut client, "scene_save", json!({}));
    assert_eq!((&third["name"], &third["number"]), (&json!("Scene 4"), &json!(3)));
    let again = ok(&mut client, "scene_save", json!({"number": 1}));
    assert_eq!((&again["name"], &again["number"]), (&json!("verse"), &json!(1)));
    let with_tempo = |client: &mut Client| -> Vec<bool> {
        let scenes = ok(client, "scenes", json!({}))["scenes"].as_array().unwrap().clone();
        scenes.iter().map(|scene| scene["transport"].as_bool().unwrap()).collect()
    };
    assert_eq!(with_tempo(&mut client), [true, false, false]);
    ok(&mut client, "scene_save", json!({"number": 1, "transport": false}));
    assert_eq!(with_tempo(&mut client), [false; 3]);
    let (place, message, hint) = refused(&mut client, "scene_recall", json!({"scene": 300}));
    assert_eq!(place, "params.scene");
    assert!(format!("{message} {hint}").contains("1 to 127"), "{message}: {hint}");
}

#[test]
fn a_document_becomes_a_scene_and_the_session_stays() {
    let home = Home::new("scenes-of-documents");
    let instance = home.instance();
    let mut client = client_of(&instance);
    band(&mut client);
    ok(&mut client, "master", json!({"gain": 0.7}));
    let before = capture(&mut client);
    let text = |gain: f64| format!("freq = hslider(\"freq\", 220, 20, 2000, 1); process = freq * {gain};");
    let hum = |gain: f64| json!({"text": text(gain), "own": true});
    let verse = json!({
        "nodes": [{"name": "lead", "source": "oscillator", "gain": 0.2}, {"name": "hum", "source": "faust:hum"}],
        "sub_modules": [{"prefix": "kit", "module": {"nodes": [{"name": "kick", "source": "oscillator"}]}}],
        "patterns": [{"target": "lead", "pattern": {"op": "Silence"}}],
        "tempo": 90, "mood": "blue",
        "krach": {"version": 3, "seed": 7, "sources": {"faust:hum": hum(0.001)},
            "macros": [{"number": 1, "targets": [{"label": "lead/freq", "lo": 100, "hi": 200}]}],
            "scenes": [{"number": 9, "name": "inner", "module": {"nodes": []}}]},
    });
    let save = |name: &str, module: &Value| json!({"name": name, "module": module});
    let dry = json!({"name": "verse", "module": verse, "dry_run": true});
    assert_eq!(ok(&mut client, "scene_save", dry)["number"], 1);
    assert_eq!(capture(&mut client), before);
    let saved = ok(&mut client, "scene_save", save("verse", &verse));
    assert_eq!((&saved["name"], &saved["number"]), (&json!("verse"), &json!(1)));
    // Nothing else than scenes and their texts is another.
    let mut after = capture(&mut client);
    let scenes = after["krach"]["scenes"].take();
    assert_eq!(after["krach"]["sources"]["faust:hum"]["text"], text(0.001));
    let mut bare = before.clone();
    for document in [&mut after, &mut bare] {
        let krach = document["krach"].as_object_mut().unwrap();
        krach.retain(|key, _| !["scenes", "scene_texts", "sources", "libraries"].contains(&key.as_str()));
    }
    assert_eq!(after, bare);
    let scene = &scenes[0]["module"];
    assert_eq!(
        (&scene["tempo"], &scene["meter"], &scene["master"]),
        (&json!(90.0), &json!(4.0), &json!(0.7))
    );
    assert_eq!((&scene["nodes"][2]["name"], &scene["mood"]), (&json!("kit/kick"), &json!("blue")));
    let list = ok(&mut client, "scenes", json!({}));
    assert_eq!((&list["current"], &list["scenes"].as_array().unwrap().len()), (&Value::Null, &1));
    // What the document of a scene says makes the same scene.
    ok(&mut client, "scene_save", save("again", scene));
    assert_eq!(capture(&mut client)["krach"]["scenes"][1]["module"], *scene);
    assert_eq!(ok(&mut client, "undo", json!({}))["undone"], "save scene again");
    // Without tempo, though the document says one.
    let plain = json!({"name": "plain", "number": 5, "transport": false, "module": verse});
    ok(&mut client, "scene_save", plain);
    assert_eq!(capture(&mut client)["krach"]["scenes"][1]["module"]["tempo"], Value::Null);
    // Another text under the same name: the node keeps its own.
    let mut other = verse.clone();
    other["krach"]["sources"]["faust:hum"] = hum(0.002);
    ok(&mut client, "scene_save", save("other", &other));
    let whole = capture(&mut client);
    let id = whole["krach"]["scenes"][2]["module"]["nodes"][1]["source"].as_str().unwrap();
    assert_eq!(whole["krach"]["scene_texts"][id], text(0.002));
    assert_eq!(whole["krach"]["sources"]["faust:hum"]["text"], text(0.001));
    // What cannot be changes nothing.
    let mut wrong = verse.clone();
    wrong["routing"] = json!([{"source": "lead", "target": "hun", "kind": "send"}]);
    let mut imports = other.clone();
    imports["krach"]["sources"]["faust:hum"]["imports"] = json!({"mine.lib": "x = 1;"});
    for (params, place) in [
        (save("bad", &wrong), "params.module.routing[0].target"),
        (save("bad", &imports), "params.module.krach.sources.faust:hum"),
        (json!({"name": "bad", "number": 0, "module": verse}), "params.number"),
        (json!({"name": "verse", "number": 5, "module": verse}), "params.name"),
    ] {
        assert_eq!(refused(&mut client, "scene_save", params).0, place);
    }
    assert_eq!(capture(&mut client), whole);
    ok(&mut client, "scene_recall", json!({"scene": "verse"}));
    let now = capture(&mut client);
    assert_eq!((&now["nodes"][0]["name"], &now["tempo"]), (&json!("lead"), &json!(90.0)));
    assert_eq!((&now["krach"]["macros"], &now["krach"]["seed"]), (&before["krach"]["macros"], &json!(0)));
}
