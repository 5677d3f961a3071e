//! The saved session: what comes back is what was, and what is wrong says where.

mod support;

use krach_core::automation::ShapeSpec;
use krach_core::engine::*;
use krach_core::model::{Curve, InputState, MacroState, MacroTarget, Setting, TypeSource};
use krach_core::node::Registry;
use krach_patterns::{Pattern, builders};
use serde_json::json;
use support::*;

fn engine() -> Engine {
    Engine::new(probes::registry())
}

fn rev(pattern: Pattern) -> Pattern {
    Pattern::Rev { child: Box::new(pattern), span: None }
}

/// One of everything.
fn performed() -> Rig {
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::LoadGraph(voice("lead", 330.0)));
    rig.edit(Edit::Graph(vec![
        GraphEdit::AddNode(node("bus/fx", "gain", &[("gain", 0.5)])),
        GraphEdit::AddNode(node("o", "oscillator", &[("waveform", 1.0), ("amp", 0.3)])),
        GraphEdit::Connect(wire("o", "bus/fx")),
        GraphEdit::Connect(wire("bus/fx", "out")),
    ]));
    rig.edit(set("bus/fx/gain", 0.25));
    rig.edit(play("lead", hits("lead/gate", 5)));
    rig.edit(play("hushed", hits("lead/gate", 3)));
    rig.edit(Edit::Hush { slot: "hushed".into() });
    let zero = Edit::SetPattern {
        slot: "zero".into(),
        pattern: hits("o/amp", 3),
        from_zero: true,
        origin: None,
        swing: None,
    };
    rig.edit_at(zero, At::Position(0.3));
    rig.edit(Edit::SetAutomation {
        id: "sweep".into(),
        label: "lead/freq".into(),
        shape: ShapeSpec::Pulse { duty: 0.25 },
        lo: 200.0,
        hi: 500.0,
        period: Period::Secs(0.37),
        one_shot: false,
    });
    for edit in [
        Edit::Setting(Setting::Bpm(133.0)),
        Edit::Setting(Setting::Seed(u64::MAX)),
        Edit::Setting(Setting::Name("bass".into())),
        Edit::Setting(Setting::Master(0.7)),
        Edit::Setting(Setting::Input(Some(InputState { channel: Some(1) }))),
        Edit::MidiMap { channel: 1, cc: 74, label: "lead/freq".into(), lo: 100.0, hi: 900.0 },
        Edit::Macro {
            number: 7,
            to: Some(Box::new(MacroState {
                name: "Höhe".into(),
                targets: vec![MacroTarget {
                    label: "lead/freq".into(),
                    lo: 900.0,
                    hi: 100.0,
                    curve: Curve::Log,
                }],
                ..MacroState::new(7)
            })),
        },
    ] {
        rig.edit(edit);
    }
    rig.render(50_000, &[256]);
    rig
}

#[test]
fn saved_and_loaded_and_saved_are_equal_bytes() {
    let rig = performed();
    let saved = rig.engine.save();
    let mut other = engine();
    other.load(&saved).unwrap();
    assert_eq!(String::from_utf8(other.save()).unwrap(), String::from_utf8(saved).unwrap());
    assert_eq!(other.session(), rig.engine.session());
}

#[test]
fn a_session_sounds_the_same_loaded_before_after_and_while_playing() {
    let from = performed();
    let saved = from.engine.save();
    let mut before = engine();
    before.load(&saved).unwrap();
    let mut before = Rig::of(before);
    let mut after = Rig::with(probes::registry());
    after.engine.load(&saved).unwrap();
    let mut playing = performed();
    playing
        .edit(Edit::LoadGraph(graph(vec![node("out", "dac", &[]), node("x", "dc", &[])], &[("x", "out")])));
    playing.block(256);
    playing.edit_at(set("x/level", 0.2), At::Position(2.0));
    playing.engine.load(&saved).unwrap();
    let mut over = from;
    over.engine.load(&saved).unwrap();
    let start = playing.played.max(over.played);
    let mut heard = Vec::new();
    for rig in [&mut before, &mut after, &mut playing, &mut over] {
        rig.start_beats = (start - rig.played) as f64 * rig.bpm / (60.0 * RATE);
        heard.push(rig.render(100_000, &[256]).into_iter().next().unwrap());
        rig.settle();
        assert_eq!(rig.engine.save(), saved);
    }
    assert_eq!(first_difference(&heard[0], &heard[1]), None);
    for late in &heard[2..] {
        assert_eq!(first_difference(&heard[0][960..], &late[960..]), None);
    }
}

#[test]
fn loads_on_the_heels_of_each_other_do_not_click() {
    let of = |level| {
        let mut e = engine();
        e.edit(
            Edit::LoadGraph(graph(
                vec![node("out", "dac", &[]), node("x", "dc", &[("level", level)])],
                &[("x", "out")],
            )),
            At::Now,
        )
        .unwrap();
        e.save()
    };
    // Into silence and into another sound: what leaves falls on a straight line beside it.
    for next in [0.0, 0.25] {
        let mut rig = Rig::with(probes::registry());
        rig.engine.load(&of(1.0)).unwrap();
        assert_eq!(rig.render(4_096, &[64])[0][4_095], 1.0, "the last sample before the loads");
        let mut all = Vec::new();
        for _ in 0..5 {
            rig.engine.load(&of(next)).unwrap();
            all.extend(rig.render(128, &[64]).into_iter().next().unwrap());
        }
        all.extend(rig.render(8_192, &[64]).into_iter().next().unwrap());
        for (i, x) in all[..960].iter().enumerate() {
            let expected = next as f32 + (960 - i) as f32 / 960.0;
            assert!((x - expected).abs() < 1e-6, "{x} instead of {expected} on sample {i} after the load");
        }
        // The loads behind it fade the same sound out beside itself.
        let next = next as f32;
        assert!(all[960..].iter().all(|x| (next..=2.0 * next).contains(x)));
        assert_eq!(all.last(), Some(&next));
        rig.settle();
    }
}

#[test]
fn what_is_not_understood_is_kept() {
    let mut e = engine();
    let text = r#"{"future":{"a":[1,2.5,null]},"tempo":99.0,"krach":{"version":1,"aura":"blue"}}"#;
    e.load(text.as_bytes()).unwrap();
    e.edit(Edit::Setting(Setting::Bpm(101.0)), At::Now).unwrap();
    let saved = String::from_utf8(e.save()).unwrap();
    assert!(
        saved.contains(r#""future":{"a":[1,2.5,null]}"#) && saved.contains(r#""aura":"blue""#),
        "{saved}"
    );
    assert!(saved.contains(r#""tempo":101.0"#));
}

/// A document with an unknown field wherever one may stand, each with another value.
fn marked() -> serde_json::Value {
    let silence = json!({"op": "Silence"});
    json!({
        "x": "document",
        "nodes": [{"name": "p", "source": "reed", "x": "node", "init": [["reed/other", 2.0]]},
            {"name": "q", "source": "gain"}],
        "routing": [{"source": "p", "target": "q", "x": "route"}],
        "patterns": [{"target": "p", "pattern": silence, "x": "pattern"},
            {"target": "q", "pattern": silence}],
        "controls": [{"path": "p/freq", "value": 3.0, "x": "by the end of its path"},
            {"path": "p/reed/other", "value": 2.0, "x": "what it begins with"},
            {"path": "q_g/gain", "value": 0.25, "x": "fader"},
            {"path": "p/tail", "value": 4.0}],
        "automations": [{"path": "p/pressure", "shape": "sine", "bars": 2.0, "x": "automation"},
            {"path": "q_g/gain", "shape": "sine", "bars": 2.0, "x": "automation of a fader"}],
        "muted": [{"name": "q", "saved_gain": 0.25, "x": "mute"}],
        "krach": {"x": "settings"},
        "sub_modules": [
            {"prefix": "band", "x": "entry of a module", "module": {
                "x": "module", "krach": {"x": "settings within"},
                "nodes": [{"name": "tone", "source": "gain", "x": "node within"}],
                "patterns": [{"target": "tone", "pattern": silence, "x": "pattern within"}],
                "controls": [{"path": "tone/gain", "value": 0.5, "x": "control within"}],
                "muted": [{"name": "tone", "saved_gain": 0.5, "x": "mute within"}],
                "sub_modules": [{"prefix": "plain", "module": {"sub_modules": [
                    {"prefix": "deep", "module": {"x": "module in modules"}}]}}]}},
            {"prefix": "known", "module": {"nodes": [{"name": "a", "source": "gain"}]}}]})
}

/// The values of all fields `x`, sorted.
fn marks(value: &serde_json::Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            serde_json::Value::Object(fields) => {
                found.extend(fields.get("x").and_then(|x| x.as_str()).map(str::to_owned));
                open.extend(fields.values());
            }
            serde_json::Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    found.sort();
    found
}

const REED: [&str; 6] = ["reed/freq", "reed/vel", "gate", "tail", "reed/other", "pressure"];

fn with_reed() -> Engine {
    let mut registry = probes::registry();
    registry.add(probes::pipe_named("reed", REED));
    Engine::new(registry)
}

fn saved_json(engine: &Engine) -> serde_json::Value {
    serde_json::from_slice(&engine.save()).expect("JSON")
}

#[test]
fn unknown_fields_of_every_entry_and_of_modules_within_are_kept_where_they_stood() {
    let document = marked();
    let all = marks(&document);
    assert_eq!(all.len(), 19, "{all:?}");
    let mut engine = with_reed();
    engine.load(document.to_string().as_bytes()).unwrap();
    let saved = saved_json(&engine);
    assert_eq!(marks(&saved), all);
    // Each beside what it stood beside.
    let find = |list: &str, name: &str, value: &str| {
        let entries = saved[list].as_array().unwrap();
        entries.iter().find(|e| e[name] == value).unwrap_or_else(|| panic!("{list}: {value}"))["x"].clone()
    };
    assert_eq!(find("patterns", "target", "band/tone"), "pattern within");
    assert_eq!(find("controls", "path", "p/reed/freq"), "by the end of its path");
    assert_eq!(find("controls", "path", "band/tone/gain"), "control within");
    assert_eq!(find("automations", "path", "q/@gain"), "automation of a fader");
    assert_eq!(find("muted", "name", "band/tone"), "mute within");
    let within = &saved["sub_modules"][0];
    assert_eq!((&within["prefix"], &within["x"]), (&json!("band"), &json!("entry of a module")));
    assert_eq!(within["module"]["krach"]["x"], "settings within");
    assert_eq!(within["module"]["nodes"], json!(null), "its nodes are the outer module's");
    assert_eq!(saved["sub_modules"].as_array().unwrap().len(), 1, "one without unknown fields is not there");
    // What was saved is the same again.
    let mut again = with_reed();
    again.load(&engine.save()).unwrap();
    assert_eq!(saved_json(&again), saved);
    assert_eq!(again.session(), engine.session());
    // They stay where values and patterns become others.
    for edit in [set("p/freq", 5.0), set("q_g/gain", 0.75), play("p", hits("p/gate", 3))] {
        engine.edit(edit, At::Now).unwrap();
    }
    assert_eq!(marks(&saved_json(&engine)), all);
}

#[test]
fn unknown_fields_come_with_a_load_by_edits_and_go_back_with_undo() {
    let mut engine = with_reed();
    let before = saved_json(&engine);
    let loading = |engine: &Engine, document: serde_json::Value| {
        let module = serde_json::from_value(document).unwrap();
        engine.session().loading(module, engine.registry()).unwrap()
    };
    let edit = loading(&engine, marked());
    engine.edit(edit, At::Now).unwrap();
    assert_eq!(marks(&saved_json(&engine)), marks(&marked()));
    engine.undo(At::Now).unwrap();
    assert_eq!(saved_json(&engine), before);
    engine.redo(At::Now).unwrap();
    assert_eq!(marks(&saved_json(&engine)), marks(&marked()));
    // A document that says nothing of settings leaves the unknown ones too; all else is its own.
    let edit = loading(&engine, json!({"nodes": [{"name": "p", "source": "gain", "x": "other"}]}));
    engine.edit(edit, At::Now).unwrap();
    assert_eq!(marks(&saved_json(&engine)), ["other", "settings"]);
    let edit = engine.session().clearing();
    engine.edit(edit, At::Now).unwrap();
    assert_eq!(marks(&saved_json(&engine)), ["settings"]);
}

#[test]
fn unknown_fields_of_a_control_go_along_when_its_type_says_its_path() {
    let mut engine = engine();
    engine.expect_type("faust:reed");
    let document = json!({"nodes": [{"name": "p", "source": "faust:reed"}], "controls": [
        {"path": "p/freq", "value": 3.0, "x": "short", "y": 1}, {"path": "p/reed/freq", "value": 3.0, "x": "long"}]});
    engine.load(document.to_string().as_bytes()).unwrap();
    assert_eq!(marks(&saved_json(&engine)), ["long", "short"]);
    engine.set_type(probes::pipe_named("faust:reed", REED)).unwrap();
    engine.tick();
    let saved = saved_json(&engine);
    let entry = &saved["controls"][0];
    assert_eq!((entry["path"].as_str(), entry["y"].as_i64()), (Some("p/reed/freq"), Some(1)));
    assert_eq!(saved["controls"].as_array().unwrap().len(), 1);
}

#[test]
fn unknown_fields_count_for_how_large_a_session_may_be_wherever_they_stand() {
    let mut engine = engine();
    let large = "x".repeat(40 << 20);
    let entry = |x: &str| json!({"target": "a", "pattern": {"op": "Silence"}, "x": x});
    for document in [
        json!({"patterns": [entry(&large)]}),
        json!({"sub_modules": [{"prefix": "a", "module": {"x": large}}]}),
        json!({"krach": {"x": large}}),
    ] {
        engine.load(document.to_string().as_bytes()).unwrap();
        let before = engine.save();
        engine.edit(large_slot("b", 30 << 20), At::Now).expect_err("that would be 70 MB");
        // Also while the slot that they belong to is away.
        if document.get("patterns").is_some() {
            engine.edit(Edit::RemoveSlot { slot: "a".into() }, At::Now).unwrap();
            engine.edit(large_slot("b", 30 << 20), At::Now).expect_err("they come back with the slot");
            engine.edit(play("a", hits("a/gate", 1)), At::Now).unwrap();
            assert_eq!(saved_json(&engine)["patterns"][0]["x"], json!(large));
        } else {
            assert!(engine.save() == before);
        }
    }
}

#[test]
fn a_newer_session_is_refused_untouched() {
    let mut rig = performed();
    let before = rig.engine.save();
    let newer = br#"{"krach":{"version":4,"raw_graph":"of a shape yet to come"}}"#;
    assert_eq!(rig.engine.load(newer), Err(LoadError::Newer { version: 4 }));
    assert_eq!(rig.engine.save(), before);
    rig.settle();
}

#[test]
fn a_bad_document_says_where_and_changes_nothing() {
    let mut rig = performed();
    let before = rig.engine.save();
    let place = |e: LoadError| match e {
        LoadError::Malformed { place, .. } | LoadError::Invalid { place, .. } => place,
        LoadError::Newer { .. } => panic!("it is not newer"),
    };
    for (text, wanted) in [
        (r#"{"tempo":-1}"#, "$.tempo"),
        (r#"{"meter":0}"#, "$.meter"),
        (r#"{"master":99}"#, "$.master"),
        (r#"{"krach":{"raw_graph":{"nodes":[{"id":"a","type_id":"nonsense"}]}}}"#, "$.krach.raw_graph"),
        (
            r#"{"patterns":[{"target":"a","pattern":{"op":"Slow","child":{"op":"Silence"},"factor":[0,1]}}]}"#,
            "$.patterns[0].pattern",
        ),
        (
            r#"{"krach":{"automations":{"x":{"label":"a","shape":"sine","lo":0,"hi":1,"period_secs":0}}}}"#,
            "$.krach.automations.x",
        ),
        ("{\n\"tempo\":\n[1]}", "$.tempo (line 3"),
        (r#"{"nodes":[{"name":"a"}]}"#, "$.nodes[0] (line 1"),
        (r#"{"krach":{"raw_graph":{"nodes":[{"id":7}]}}}"#, "$.krach.raw_graph.nodes[0].id"),
        ("{", "line 1"),
        ("", "line 1"),
    ] {
        let error = rig.engine.load(text.as_bytes()).expect_err(text);
        let found = place(error);
        assert!(found.starts_with(wanted), "{text}: {found}");
        assert_eq!(rig.engine.save(), before);
    }
    assert!(matches!(rig.engine.load(&[0xff, 0xfe]), Err(LoadError::Malformed { .. })));
    let deep = "[".repeat(100_000);
    assert!(matches!(rig.engine.load(deep.as_bytes()), Err(LoadError::Malformed { .. })));
    rig.settle();
}

#[test]
fn the_deepest_patterns_come_back() {
    let mut pattern = builders::control("a/level", 0.5);
    while krach_patterns::compile(&rev(pattern.clone())).is_ok() {
        pattern = rev(pattern);
    }
    let depth = krach_patterns::json_depth(&serde_json::to_string(&pattern).unwrap());
    assert!(depth >= 255, "{depth}");
    let mut e = engine();
    e.edit(play("deep", pattern.clone()), At::Now).expect("the deepest there may be");
    let mut other = engine();
    other.load(&e.save()).unwrap();
    assert_eq!(*other.session().slots["deep"].pattern, pattern);
    assert!(e.edit(play("deep", rev(pattern)), At::Now).is_err());
}

#[test]
fn four_megabytes_come_back() {
    let mut e = engine();
    for slot in 0..200 {
        let steps =
            (0..300).map(|k| builders::control(&format!("lead/control-{k}"), f64::from(k) / 7.0)).collect();
        e.edit(play(&format!("slot {slot}"), builders::cat(steps)), At::Now).unwrap();
    }
    let saved = e.save();
    assert!(saved.len() > 4 << 20, "{}", saved.len());
    let mut other = engine();
    other.load(&saved).unwrap();
    assert!(other.save() == saved);
    let mut rig = Rig::of(other);
    rig.render(10_000, &[512]);
    assert!(rig.notices.is_empty());
}

/// A document's automations are played, whoever wrote it, and ours are there for every reader.
#[test]
fn automations_over_bars_stand_in_the_list_that_every_reader_knows() {
    let doc = r#"{"nodes":[{"name":"bass","source":"oscillator","gain":0.5}],
        "automations":[{"path":"bass/freq","shape":"sine","lo":100,"hi":200,"bars":4,"colour":"blue"},
                       {"path":"bass/freq","shape":"pulse","lo":0,"hi":1,"bars":2,"duty":0.25}]}"#;
    let mut engine = Engine::new(Registry::with_builtins());
    engine.load(doc.as_bytes()).unwrap();
    let ids: Vec<&String> = engine.session().automations.keys().collect();
    assert_eq!(ids, ["bass/freq", "bass/freq-2"]);
    assert_eq!(engine.session().automations["bass/freq-2"].shape, ShapeSpec::Pulse { duty: 0.25 });
    for (id, period, one_shot) in [
        ("lfo", Period::Bars(8.0), false),
        ("once", Period::Bars(1.0), true),
        ("slow", Period::Secs(3.0), false),
    ] {
        let (id, label, shape) = (id.to_owned(), "bass/gain".to_owned(), ShapeSpec::Tri);
        let edit = Edit::SetAutomation { id, label, shape, lo: 0.0, hi: 1.0, period, one_shot };
        engine.edit(edit, At::Now).unwrap();
    }
    let saved: serde_json::Value = serde_json::from_slice(&engine.save()).unwrap();
    let list: Vec<(&str, &str, f64)> = saved["automations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| (a["path"].as_str().unwrap(), a["shape"].as_str().unwrap(), a["bars"].as_f64().unwrap()))
        .collect();
    assert_eq!(list, [("bass/freq", "sine", 4.0), ("bass/freq", "pulse", 2.0), ("bass/@gain", "tri", 8.0)]);
    assert_eq!(saved["automations"][0]["colour"], "blue", "what is not known is kept");
    let ours: Vec<&String> = saved["krach"]["automations"].as_object().unwrap().keys().collect();
    assert_eq!(ours, ["bass/freq-2", "lfo", "once", "slow"]);
    let mut again = Engine::new(Registry::with_builtins());
    again.load(&engine.save()).unwrap();
    assert_eq!(again.session().automations, engine.session().automations);
    assert_eq!(again.save(), engine.save());
    // Another program changes one in the list, and knows nothing of ours.
    let mut edited = saved.clone();
    edited["automations"][2]["hi"] = 0.5.into();
    again.load(edited.to_string().as_bytes()).unwrap();
    assert_eq!(again.session().automations["lfo"].hi, 0.5);
    assert_eq!(again.session().automations.len(), 5);
}

#[test]
fn an_automation_of_the_list_that_lacks_its_table_is_refused_at_its_place() {
    let mut engine = Engine::new(Registry::with_builtins());
    let doc = r#"{"automations":[{"path":"a/b","shape":"custom","lo":0,"hi":1,"bars":1}]}"#;
    let error = engine.load(doc.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("$.automations[0].shape: custom: needs a table"), "{error}");
}

/// A node whose text has so many bytes.
fn text_node(name: &str, bytes: usize) -> Edit {
    let text = format!("process = _; // {}", "x".repeat(bytes));
    let source = krach_core::ir::Source::of_text(&text);
    let node = krach_core::ir::NodeIr { name: name.to_owned(), source, ..Default::default() };
    Edit::Nodes(vec![NodeEdit::Set(Box::new(NodeSpec { node, ..NodeSpec::default() }))])
}

/// A slot whose pattern has so many bytes.
fn large_slot(slot: &str, bytes: usize) -> Edit {
    let osc = krach_patterns::Value::Osc { address: "a".repeat(bytes), args: Vec::new() };
    play(slot, Pattern::Atom { value: osc, span: None })
}

#[test]
fn what_could_not_be_saved_is_refused_however_it_comes_and_what_makes_room_is_not() {
    const LARGE: usize = 8_000_000;
    let mut e = engine();
    let (mut slots, mut refused) = (0, String::new());
    while slots < 20 && refused.is_empty() {
        match e.edit(large_slot(&format!("s{slots}"), LARGE), At::Now) {
            Ok(_) => slots += 1,
            Err(error) => refused = error.to_string(),
        }
    }
    assert_eq!(slots, 8, "as many as 63 MiB hold");
    assert!(refused.contains("too large to be saved (72"), "{refused}");
    let saved = e.save();
    assert!(saved.len() <= krach_core::limits::MAX_DOCUMENT, "{}", saved.len());
    let mut other = engine();
    other.load(&saved).expect("what plays can be loaded");
    assert_eq!(other.session().slots.len(), slots);
    // Each way that adds.
    let big = || "y".repeat(3_000_000);
    let source = TypeSource { text: big(), own: true, ..TypeSource::default() };
    assert!(e.room_for_source("faust:big", &source.clone().into()).is_err());
    for edit in [
        large_slot("big", 3_000_000),
        Edit::SetSources([("faust:big".to_owned(), source)].into()),
        Edit::Setting(Setting::Name(big())),
        Edit::Batch(vec![Edit::Setting(Setting::Bpm(90.0)), large_slot("big", 3_000_000)]),
        Edit::RouteNotes { channel: None, node: Some(big()) },
        Edit::MidiMap { channel: 0, cc: 1, label: big(), lo: 0.0, hi: 1.0 },
    ] {
        assert!(e.try_edit(&edit, At::Now).is_err(), "{}", e.label_of(&edit));
        assert!(e.edit(edit, At::Now).is_err());
    }
    assert!(e.save() == saved, "nothing has changed");
    // In its place, smaller, or after another is gone.
    e.edit(large_slot("s0", LARGE / 2), At::Now).expect("it makes room");
    e.edit(large_slot("small", LARGE / 4), At::Now).expect("there is room");
    assert!(e.edit(large_slot("one more", LARGE), At::Now).is_err());
    e.edit(Edit::RemoveSlot { slot: "s1".into() }, At::Now).expect("it makes room");
    e.edit(large_slot("one more", LARGE), At::Now).expect("there is room");
}

#[test]
fn edits_that_wait_for_their_time_have_their_room() {
    let mut e = engine();
    let _processor = e.activate(48_000.0, 64);
    let mut accepted = 0;
    for n in 0..12 {
        let edit = large_slot(&format!("s{n}"), 8_000_000);
        accepted += usize::from(e.edit(edit, At::Position(1e6)).is_ok());
    }
    assert_eq!(accepted, 8, "as many as 63 MiB hold");
}

#[test]
fn edits_are_counted_and_the_session_is_not_measured_for_them() {
    let mut e = engine();
    e.edit(Edit::LoadGraph(voice("lead", 330.0)), At::Now).unwrap();
    for n in 0..2_000 {
        e.edit(set("lead/freq", f64::from(n)), At::Now).unwrap();
        e.edit(play(&format!("s{}", n % 50), hits("lead/gate", 5)), At::Now).unwrap();
    }
    assert_eq!(e.measured(), 0);
}

#[test]
fn steps_that_can_be_taken_back_have_a_bound_in_bytes() {
    let mut e = engine();
    for n in 0..600 {
        e.edit(text_node("n", 1_000_000 + n), At::Now).unwrap();
    }
    let (steps, done) = e.history();
    assert_eq!(steps.len(), done);
    assert!((100..300).contains(&done), "{done} steps of a megabyte and more are remembered");
}

/// Whatever loads is saved as one module, with longer names than it had, and that loads, too.
#[test]
fn what_loads_from_modules_in_modules_is_saved_as_what_loads() {
    let values: std::collections::BTreeMap<String, f64> =
        (0..65_000).map(|n| (format!("c{n}"), 1.0)).collect();
    let mut module = json!({"krach": {"version": 2, "raw_graph": {"nodes": [
        {"id": "o", "type_id": "gain", "controls": values}]}}});
    // A path of 17 parts, 13 bytes each, is near the longest name.
    for _ in 0..17 {
        module = json!({"sub_modules": [{"prefix": "p".repeat(13), "module": module}]});
    }
    let load = |document: &[u8]| {
        let mut engine = engine();
        engine.load(document).unwrap();
        engine.save()
    };
    let saved = load(module.to_string().as_bytes());
    assert_eq!(load(&saved), saved);
    // So are ids and labels of nothing but `/`.
    let (id, label) = ("/".repeat(1000), "/".repeat(2049));
    let values: std::collections::BTreeMap<String, f64> =
        (0..2_000).map(|n| (format!("c{n}"), 1.0)).collect();
    let atom = json!({"op": "Atom", "value": {"type": "Control", "label": label, "value": 1.0}});
    let document = json!({
        "krach": {"version": 2, "raw_graph": {"nodes": [{"id": id, "type_id": "gain", "controls": values}]}},
        "patterns": [{"target": "a", "pattern": {"op": "Cat", "children": vec![atom; 2_000]}}]});
    let saved = load(document.to_string().as_bytes());
    assert_eq!(load(&saved), saved);
}
