//! Nodes and routes: what is heard of them, what is saved of them, and how every change is taken back.

#[path = "session_nodes/gone.rs"]
mod gone;
mod ir_support;
mod support;
#[path = "session_nodes/transition_steps.rs"]
mod transition_steps;
#[path = "session_nodes/transitions.rs"]
mod transitions;

use ir_support::{module, of_type, send as route};
use krach_core::engine::*;
use krach_core::ir::*;
use krach_core::model::Setting;
use krach_core::node::Registry;
use krach_core::session::Session;
use proptest::prelude::*;
use support::*;

fn put(name: &str, type_id: &str, gain: f64, init: &[(&str, f64)]) -> NodeEdit {
    let mut node = of_type(name, type_id);
    node.init = init.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect();
    NodeEdit::Set(Box::new(NodeSpec { node, gain: Some(gain), ..NodeSpec::default() }))
}

fn send(source: &str, target: &str, level: f64) -> NodeEdit {
    NodeEdit::Connect(route(source, target, level))
}

fn wired(source: &str, target: &str, port: &str) -> NodeEdit {
    NodeEdit::Connect(RouteIr { kind: RouteKind::Wire, port: port.into(), ..route(source, target, 1.0) })
}

fn mute(name: &str, on: bool) -> NodeEdit {
    NodeEdit::Mute { name: name.into(), on }
}

fn solo(name: &str, on: bool) -> NodeEdit {
    NodeEdit::Solo { name: name.into(), on }
}

/// Half a beat at 120 bpm is 12,000 frames: after that fades are over.
fn level_of(rig: &mut Rig) -> f32 {
    let [left, right] = rig.render(30_000, &[512]);
    assert_eq!(left, right);
    *left.last().expect("some")
}

fn band() -> Rig {
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::Nodes(vec![
        put("bass", "dc", 0.5, &[("level", 0.5)]),
        put("verb", "thru", 0.5, &[]),
        send("bass", "verb", 0.5),
    ]));
    rig
}

#[test]
fn a_send_is_after_the_fader_and_the_node_still_goes_to_the_master() {
    let mut rig = band();
    // 0.25 by itself, and 0.25 · 0.5 · 0.5 through the reverb.
    assert_eq!(level_of(&mut rig), 0.3125);
    rig.edit(set("bass/gain", 1.0));
    assert_eq!(level_of(&mut rig), 0.625);
    rig.edit(set("bass_send_verb/gain", 0.0));
    assert_eq!(level_of(&mut rig), 0.5);
}

#[test]
fn a_node_may_be_heard_through_what_it_feeds_alone() {
    let mut rig = band();
    let spec = NodeSpec { node: of_type("bass", "dc"), to_master: Some(false), ..NodeSpec::default() };
    rig.edit(Edit::Nodes(vec![NodeEdit::Set(Box::new(spec))]));
    // Routes, fader and values of a node that is set again stay.
    assert_eq!(level_of(&mut rig), 0.0625);
}

#[test]
fn a_mute_silences_the_sends_and_not_the_wires_and_nothing_that_moves_the_fader_undoes_it() {
    let mut rig = band();
    rig.edit(Edit::Nodes(vec![put("tap", "thru", 1.0, &[]), wired("bass", "tap", "in")]));
    assert_eq!(level_of(&mut rig), 0.3125 + 0.5);
    rig.edit(Edit::Nodes(vec![mute("bass", true)]));
    assert_eq!(level_of(&mut rig), 0.5, "the wire is before the fader");
    rig.edit(set("bass/gain", 1.0));
    rig.edit(play("bass", krach_patterns::builders::control("bass/gain", 0.75)));
    assert_eq!(level_of(&mut rig), 0.5);
    rig.edit(Edit::Hush { slot: "bass".into() });
    rig.edit(Edit::Nodes(vec![mute("bass", false)]));
    assert_eq!(level_of(&mut rig), 0.625 + 0.5);
}

#[test]
fn mutes_and_faders_do_not_click() {
    let mut rig = band();
    let mut all = Vec::new();
    for on in [true, false, true, false] {
        rig.edit(Edit::Nodes(vec![mute("bass", on)]));
        all.extend(rig.render(700, &[64]).into_iter().next().unwrap());
        rig.edit(set("bass/gain", if on { 1.0 } else { 0.25 }));
        all.extend(rig.render(300, &[64]).into_iter().next().unwrap());
    }
    assert!(largest_step(&all[2000..]) < 0.01, "{}", largest_step(&all[2000..]));
}

/// Mutes without a solo, faders, values and patterns need no other plan; a batch of nodes needs one.
#[test]
fn what_changes_no_node_builds_no_plan_and_a_batch_of_nodes_builds_one() {
    let mut rig = band();
    rig.edit(Edit::Nodes(vec![put("hat", "dc", 1.0, &[("level", 0.125)])]));
    let all = level_of(&mut rig);
    let (_, before) = rig.engine.work();
    rig.edit(set("bass/gain", 0.25));
    rig.edit(set("bass/level", 0.25));
    rig.edit(play("bass", hits("bass/level", 2)));
    rig.edit(Edit::Hush { slot: "bass".into() });
    rig.edit(Edit::Nodes(vec![mute("bass", true), mute("hat", true)]));
    assert_eq!(level_of(&mut rig), 0.0, "both are silent, the reverb too");
    rig.edit(Edit::Nodes(vec![mute("hat", false)]));
    assert_eq!(level_of(&mut rig), 0.125);
    for (undone, level) in [("unmute hat", 0.0), ("2 changes of nodes", 0.125 + 0.25 * 0.25 * 1.25)] {
        let (label, _) = rig.engine.undo(At::Now).unwrap().unwrap();
        assert_eq!((label.as_str(), level_of(&mut rig)), (undone, level as f32));
    }
    assert_eq!(rig.engine.work().1, before, "plans");
    while rig.engine.undo(At::Now).unwrap().is_some_and(|(label, _)| label != "set bass/gain") {}
    assert_eq!(level_of(&mut rig), all);
    let (_, before) = rig.engine.work();
    let nodes = (0..50).map(|n| Edit::Nodes(vec![put(&format!("n{n}"), "dc", 0.5, &[])]));
    rig.edit(Edit::Batch(nodes.collect()));
    level_of(&mut rig);
    assert!(rig.engine.work().1 <= before + 2, "one plan, and one without what has faded");
}

#[test]
fn solo_leaves_what_the_node_feeds_and_what_feeds_it_through_it() {
    let mut rig = band();
    rig.edit(Edit::Nodes(vec![put("hat", "dc", 1.0, &[("level", 0.125)]), send("hat", "verb", 1.0)]));
    let all = level_of(&mut rig);
    rig.edit(Edit::Nodes(vec![solo("bass", true)]));
    assert_eq!(level_of(&mut rig), 0.3125, "bass, and its reverb");
    rig.edit(Edit::Nodes(vec![solo("bass", false), solo("verb", true)]));
    assert_eq!(level_of(&mut rig), (0.125 + 0.125) * 0.5, "the reverb of all, and nothing dry");
    rig.edit(Edit::Nodes(vec![solo("verb", false)]));
    assert_eq!(level_of(&mut rig), all);
}

#[test]
fn what_is_wrong_says_where_and_what_would_work_and_changes_nothing() {
    let mut rig = band();
    let before = rig.engine.save();
    let fault = |rig: &mut Rig, edits: Vec<NodeEdit>| match rig.engine.edit(Edit::Nodes(edits), At::Now) {
        Err(EditError::Fault(fault)) => (fault.place, fault.hint.unwrap_or_default()),
        other => panic!("{other:?}"),
    };
    let (place, hint) = fault(&mut rig, vec![mute("hat", true)]);
    assert_eq!((place.as_str(), hint.as_str()), ("$.name", "nodes are bass, verb"));
    let (place, hint) = fault(&mut rig, vec![put("x", "dc", 1.0, &[]), send("x", "vreb", 0.5)]);
    assert_eq!((place.as_str(), hint.as_str()), ("$[1].target", "did you mean verb?"));
    let (place, _) = fault(&mut rig, vec![send("bass", "verb", -1.0)]);
    assert_eq!(place, "$.level");
    let (place, _) = fault(&mut rig, vec![put("a/", "dc", 1.0, &[])]);
    assert_eq!(place, "$.name");
    let (place, _) = fault(&mut rig, vec![put("x", "dc", 17.0, &[])]);
    assert_eq!(place, "$.gain");
    let (place, _) = fault(
        &mut rig,
        vec![NodeEdit::Disconnect { source: "verb".into(), target: "bass".into(), port: None }],
    );
    assert_eq!(place, "$");
    for (edits, wanted) in [
        (vec![put("x", "nonsense", 1.0, &[])], GraphError::TypeNotFound("nonsense".into())),
        (vec![put("x", "refuses", 1.0, &[])], GraphError::CreationFailed("out of tubes".into())),
        (vec![put("bass_g", "dc", 1.0, &[])], GraphError::DuplicateNode("bass_g".into())),
        (
            vec![wired("bass", "verb", "side")],
            GraphError::UnknownPort { port: "side".into(), node: "verb".into() },
        ),
        (vec![put("a", "thru", 1.0, &[]), send("a", "verb", 1.0), send("verb", "a", 1.0)], GraphError::Cycle),
    ] {
        assert_eq!(rig.engine.edit(Edit::Nodes(edits), At::Now), Err(EditError::Graph(wanted)));
    }
    assert_eq!(rig.engine.save(), before);
    rig.settle();
}

#[test]
fn the_raw_graph_and_the_nodes_live_side_by_side_and_not_under_one_name() {
    let mut rig = band();
    let raw = graph(vec![node("out", "dac", &[]), node("x", "dc", &[("level", 0.5)])], &[("x", "out")]);
    rig.edit(Edit::LoadGraph(raw));
    assert_eq!(level_of(&mut rig), 0.8125);
    let taken = graph(vec![node("out", "dac", &[]), node("bass", "dc", &[])], &[("bass", "out")]);
    let error = rig.engine.edit(Edit::LoadGraph(taken), At::Now).unwrap_err();
    assert_eq!(error.to_string(), "duplicate node id: bass");
    let error = rig.engine.edit(Edit::Nodes(vec![put("x", "dc", 1.0, &[])]), At::Now).unwrap_err();
    assert_eq!(error.to_string(), "duplicate node id: x");
    rig.edit(Edit::LoadGraph(RawGraph::default()));
    assert_eq!(level_of(&mut rig), 0.3125, "the nodes stay");
}

#[test]
fn a_send_that_nothing_hears_is_accepted_and_does_nothing() {
    let mut rig = band();
    rig.edit(Edit::Nodes(vec![put("deaf", "dc", 0.0, &[]), send("bass", "deaf", 1.0)]));
    assert_eq!(level_of(&mut rig), 0.3125);
    let unheard = rig.engine.session().unheard_sends(&probes::registry());
    assert_eq!(unheard, [("bass".to_owned(), "deaf".to_owned())]);
    assert!(rig.notices.iter().any(|n| n.to_string().contains("bass → deaf")), "{:?}", rig.notices);
}

#[test]
fn captured_loaded_and_rendered_is_a_fresh_render_to_the_bit() {
    let mut rig = band();
    rig.edit(set("bass/level", 0.75));
    rig.edit(Edit::Nodes(vec![mute("verb", true), put("n/voice", "oscillator", 0.3, &[("freq", 220.0)])]));
    rig.edit(play("n/voice", hits("n/voice/amp", 3)));
    rig.render(20_000, &[512]);
    let module = rig.engine.capture();
    assert_eq!(module.nodes[0].gain, 0.5);
    assert_eq!(module.routing, [route("bass", "verb", 0.5)]);
    assert_eq!(module.muted[0].name, "verb");
    assert_eq!(module.check(), Ok(()));
    let paths: Vec<&str> = module.controls.iter().map(|c| c.path.as_str()).collect();
    assert_eq!(paths, ["bass/level"], "what a node began with is said once");
    let json = serde_json::to_vec(&module).unwrap();
    let fresh = || {
        let mut engine = Engine::new(probes::registry());
        engine.load(&json).expect("loads");
        assert_eq!(engine.save(), json);
        Rig::of(engine)
    };
    let (mut a, mut b) = (fresh(), fresh());
    let mut live = Rig::with(probes::registry());
    let edit = live.engine.session().loading(module, live.engine.registry()).expect("is right");
    live.edit(edit);
    assert_eq!(live.engine.save(), json);
    live.edit(Edit::Rebuild);
    let heard = a.render(48_000, &[512]);
    assert_eq!(first_difference(&heard[0], &b.render(48_000, &[333])[0]), None);
    assert_eq!(first_difference(&heard[0][960..], &live.render(48_000, &[512])[0][960..]), None);
    assert!(heard[0].iter().any(|x| *x != 0.0));
}

#[test]
fn a_module_is_added_under_its_name_as_often_as_one_likes() {
    let mut rig = band();
    let drums: ModuleIr = serde_json::from_str(
        r#"{"nodes":[{"name":"kick","source":"dc","gain":1.0,"init":[["level",0.25]]}],
            "patterns":[{"target":"kick","pattern":{"op":"Silence"}}],"controls":[{"path":"kick/level","value":0.125}],
            "sub_modules":[{"prefix":"top","module":{"nodes":[{"name":"hat","source":"dc","gain":0.5}]}}],
            "muted":[{"name":"kick","saved_gain":1.0}],"tempo":90}"#,
    )
    .unwrap();
    for prefix in ["a", "b"] {
        let (edit, names) =
            rig.engine.session().instantiating(&drums, prefix, rig.engine.registry()).expect("is right");
        assert_eq!(names, [format!("{prefix}/kick"), format!("{prefix}/top/hat")]);
        rig.edit(edit);
    }
    let session = rig.engine.session();
    assert_eq!(session.nodes_named("a"), ["a/kick", "a/top/hat"]);
    assert!(session.node("b/kick").unwrap().muted);
    assert_eq!(session.values["a/kick/level"], 0.125);
    assert!(session.slots.contains_key("b/kick"));
    assert_eq!(session.settings.bpm, 120.0, "the tempo is the session's");
    assert_eq!(level_of(&mut rig), 0.3125 + 0.5 + 0.5);
    let edit = rig.engine.session().removing("a/kick", rig.engine.registry());
    rig.edit(edit);
    assert!(!rig.engine.session().slots.contains_key("a/kick"));
}

#[test]
fn a_load_acts_on_its_sample_and_clearing_leaves_the_settings() {
    let mut rig = band();
    rig.edit(Edit::Setting(Setting::MidiClock(true)));
    rig.render(1_000, &[500]);
    let loud: ModuleIr =
        serde_json::from_str(r#"{"nodes":[{"name":"x","source":"dc","gain":0.25}],"tempo":99}"#).unwrap();
    let edit = rig.engine.session().loading(loud, rig.engine.registry()).unwrap();
    // Cycle 0.25 is sample 24,000.
    rig.edit_at(edit, At::Position(0.25));
    let [left, _] = rig.render(30_000, &[512]);
    assert_eq!(left[23_000 - 1], 0.3125);
    assert_ne!(left[23_000], 0.3125);
    assert_eq!(level_of(&mut rig), 0.25);
    assert_eq!((rig.engine.session().settings.bpm, rig.engine.session().settings.midi_clock), (99.0, true));
    let edit = rig.engine.session().clearing();
    rig.edit(edit);
    assert_eq!(level_of(&mut rig), 0.0);
    let session = rig.engine.session();
    assert!(session.nodes.is_empty() && session.graph.nodes.is_empty() && session.values.is_empty());
    assert!(session.settings.midi_clock);
    rig.settle();
}

#[test]
fn a_fault_of_a_document_has_its_path() {
    let mut rig = band();
    let before = rig.engine.save();
    for (text, place, what) in [
        (r#"{"nodes":[{"name":"a","source":"gian"}]}"#, "$.nodes[0].source", "there is no node type gian"),
        (r#"{"nodes":[{"name":"a","source":"dc"},{"name":"a_g","source":"dc"}]}"#, "$.nodes[1]", "duplicate"),
        (
            r#"{"sub_modules":[{"prefix":"p","module":{"nodes":[{"name":"a","source":"nope"}]}}]}"#,
            "$.sub_modules[0].module.nodes[0].source",
            "nope",
        ),
        (
            r#"{"nodes":[{"name":"a","source":"dc"}],"routing":[{"source":"a","target":"b"}]}"#,
            "$.routing[0].target",
            "no node b",
        ),
        (
            r#"{"nodes":[{"name":"a","source":{"type":"dsp_graph","inputs":[],"outputs":[{"id":3}],"equations":[]}}]}"#,
            "$.nodes[0].source.outputs[0].id",
            "before it is made",
        ),
        (r#"{"nodes":[{"name":"a","source":{"type":"dsp_graph"}}]}"#, "$.nodes[0].source", "missing field"),
    ] {
        let error = rig.engine.load(text.as_bytes()).expect_err(text);
        let (at, message) = match &error {
            LoadError::Malformed { place, message } => (place, message.clone()),
            LoadError::Invalid { place, error } => (place, error.to_string()),
            other => panic!("{other}"),
        };
        assert!(at.starts_with(place), "{text}: {at}");
        assert!(message.contains(what), "{text}: {message}");
        assert_eq!(rig.engine.save(), before);
    }
}

#[test]
fn types_that_the_session_holds_are_wanted_until_they_come() {
    let mut engine = Engine::new(Registry::with_builtins());
    let dsp = ir_support::grown(1, &[(6, 0, 0, 0, 0.0)], 4, 2);
    let key = dsp.graph_key();
    let of = |name: &str, source: Source| {
        let node = ir_support::node(name, source);
        NodeEdit::Set(Box::new(NodeSpec { node, ..NodeSpec::default() }))
    };
    let same = ir_support::grown(1, &[(6, 0, 0, 0, 0.0)], 90, 7);
    engine
        .edit(
            Edit::Nodes(vec![
                of("a", Source::Graph(dsp.into())),
                of("b", Source::Graph(same.into())),
                of("c", Source::Text("process = _;".into())),
            ]),
            At::Now,
        )
        .unwrap();
    let wanted: Vec<String> = engine.types_wanted().into_keys().collect();
    assert_eq!(wanted.len(), 2, "equal graphs are one type: {wanted:?}");
    assert_eq!(wanted[0], format!("faust:graph-{key}"));
    wanted.iter().for_each(|id| engine.expect_type(id));
    assert!(engine.types_wanted().is_empty());
    engine.set_type(probes::text_type(&wanted[0], 1, 0.5)).unwrap();
    assert_eq!(engine.session().graph.connections.iter().filter(|c| c.to_node == "a_g").count(), 1);
}

fn play_edit(slot: &str) -> Edit {
    play(slot, hits("gate", 2))
}

#[test]
fn undo_takes_back_what_was_done_last_and_redo_does_it_again() {
    let mut rig = band();
    assert_eq!(level_of(&mut rig), 0.3125);
    rig.edit(Edit::Nodes(vec![NodeEdit::Remove { name: "verb".into() }]));
    rig.edit(set("bass/level", 1.0));
    rig.edit(play_edit("bass"));
    assert_eq!(level_of(&mut rig), 0.5);
    let (labels, done) = rig.engine.history();
    assert_eq!(labels, ["3 changes of nodes", "remove verb", "set bass/level", "play bass"]);
    assert_eq!(done, 4);
    for label in ["play bass", "set bass/level", "remove verb"] {
        assert_eq!(rig.engine.undo(At::Now).unwrap().unwrap().0, label);
    }
    assert_eq!(level_of(&mut rig), 0.3125, "routes, levels and values are back");
    assert!(rig.engine.session().slots.is_empty());
    assert_eq!(rig.engine.redo(At::Now).unwrap().unwrap().0, "remove verb");
    assert_eq!(level_of(&mut rig), 0.25);
    rig.edit(set("bass/level", 0.25));
    assert!(rig.engine.redo(At::Now).unwrap().is_none(), "another way was taken");
    while rig.engine.undo(At::Now).unwrap().is_some() {}
    assert_eq!(rig.engine.save(), Engine::new(probes::registry()).save());
    assert_eq!(level_of(&mut rig), 0.0);
    rig.settle();
}

#[test]
fn every_step_of_the_history_says_what_it_did() {
    let mut rig = band();
    let map = |label: Option<&str>| Edit::MidiUnmap { channel: 0, cc: 74, label: label.map(Into::into) };
    rig.edit(Edit::Fade { label: "bass/level".into(), value: 0.75, length: FadeLength::Beats(1.0) });
    rig.edit(Edit::MidiMap { channel: 0, cc: 74, label: "bass/level".into(), lo: 0.0, hi: 1.0 });
    rig.edit(map(Some("bass/level")));
    rig.edit(Edit::MidiMap { channel: 0, cc: 74, label: "bass/level".into(), lo: 0.0, hi: 1.0 });
    rig.edit(map(None));
    rig.edit(Edit::RouteNotes { channel: None, node: Some("bass".into()) });
    rig.edit(Edit::RouteNotes { channel: None, node: None });
    let wanted = [
        "notes to no node",
        "notes to bass",
        "unmap controller 74",
        "map bass/level",
        "unmap bass/level",
        "map bass/level",
        "fade bass/level",
    ];
    for label in wanted {
        assert_eq!(rig.engine.undo(At::Now).unwrap().unwrap().0, label);
    }
}

#[test]
fn a_flood_of_one_control_is_one_step_and_what_the_host_moves_is_none() {
    let mut rig = band();
    let before = rig.engine.history().1;
    for i in 0..50 {
        rig.edit(set("bass/level", f64::from(i)));
    }
    // However slow the machine, far fewer than fifty.
    let steps = rig.engine.history().1 - before;
    assert!((1..25).contains(&steps), "{steps}");
    rig.edit(set("bass/gain", 0.5));
    rig.edit(set("bass/gain", 0.75));
    let steps = rig.engine.history().1;
    rig.engine.edit_unrecorded(set("bass/level", 3.0), At::Now).unwrap();
    rig.engine.edit_unrecorded(Edit::Setting(Setting::Master(0.5)), At::Now).unwrap();
    assert_eq!(rig.engine.history().1, steps);
    rig.edit(Edit::Panic);
    rig.edit(set("nobody/level", 1.0));
    assert_eq!(rig.engine.history().1, steps, "what changes nothing is no step");
    let saved = rig.engine.save();
    rig.engine.load(&saved).unwrap();
    assert_eq!(rig.engine.history().0.len(), 0, "a loaded session begins a new history");
}

#[test]
fn a_batch_with_a_time_is_one_step_when_it_has_acted() {
    let mut rig = band();
    let before = rig.engine.save();
    let steps = rig.engine.history().1;
    let batch = Edit::Batch(vec![
        set("bass/level", 0.125),
        Edit::Nodes(vec![mute("verb", true)]),
        play_edit("bass"),
        Edit::Setting(Setting::Master(0.5)),
    ]);
    rig.edit_at(batch, At::Position(0.125));
    assert_eq!(rig.engine.history().1, steps);
    rig.render(30_000, &[512]);
    rig.settle();
    assert_eq!(rig.engine.history().1, steps + 1);
    let after = rig.engine.save();
    rig.engine.undo(At::Now).unwrap().unwrap();
    assert_eq!(rig.engine.save(), before);
    rig.engine.redo(At::Now).unwrap().unwrap();
    assert_eq!(rig.engine.save(), after);
}

/// A session that holds the module.
fn session(module: &ModuleIr) -> Session {
    Session::of_module(module.clone(), &probes::registry()).expect("may be loaded").0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_thousand_sessions_are_written_and_read_the_same(module in module()) {
        let loaded = session(&module);
        let json = loaded.to_json();
        let (again, _) = Session::read(&json, &probes::registry()).expect("reads what it wrote");
        prop_assert_eq!(&again, &loaded);
        prop_assert_eq!(String::from_utf8(again.to_json()).unwrap(), String::from_utf8(json).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_difference_of_two_sessions_makes_one_of_the_other(a in module(), b in module()) {
        let (mut a, b) = (session(&a), session(&b));
        for edit in a.difference(&b) {
            a.apply(&edit, &probes::registry()).expect("is right");
        }
        prop_assert_eq!(&a, &b);
        prop_assert!(a.difference(&b).is_empty());
    }
}

#[test]
fn status_speaks_of_nodes_as_they_were_named() {
    let mut rig = band();
    let _watch = rig.engine.link().watch();
    rig.edit(Edit::Nodes(vec![put("lfo", "dc", 1.0, &[("level", 0.0)]), wired("lfo", "verb", "in")]));
    rig.edit(Edit::Graph(vec![GraphEdit::AddNode(node("_old_g", "gain", &[]))]));
    rig.edit(Edit::Nodes(vec![solo("verb", true), mute("lfo", true)]));
    rig.render(48_000, &[512]);
    let status = rig.engine.status();
    let ids: Vec<&str> = status.nodes.iter().map(|n| n.node.id.as_str()).collect();
    assert_eq!(ids, ["_old_g", "bass", "verb", "lfo"], "a raw graph shows its own ids");
    let flags: Vec<_> = status.nodes.iter().map(|n| (n.muted, n.solo, n.silent)).collect();
    let plain = (false, false, false);
    assert_eq!(flags, [plain, plain, (false, true, false), (true, false, true)], "bass feeds what is solo");
    assert!(status.nodes.iter().all(|n| n.meter.is_some()));
    let wires: Vec<_> = status
        .connections
        .iter()
        .map(|c| (c.from_node.as_str(), c.from_port.as_str(), c.to_node.as_str(), c.to_port.as_str()))
        .collect();
    assert_eq!(wires, [("bass", "out", "verb", "in"), ("lfo", "out", "verb", "in")]);
    assert_eq!(status.exposed_controls["verb/gain"], ("verb".to_owned(), "gain".to_owned()));
    let metered: Vec<_> = rig.engine.metered_nodes();
    assert_eq!(metered.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ids);
    // Behind the fader: verb hears 0.125 and its fader halves it.
    let verb = rig.engine.link().telemetry().node(metered[2].1.unwrap());
    assert!((verb.peak - 0.0625).abs() < 1e-3, "{verb:?}");
}

#[test]
fn what_a_notice_tells_stands_until_it_is_mended() {
    let mut rig = band();
    rig.edit(Edit::Nodes(vec![put("lfo", "dc", 1.0, &[]), send("verb", "lfo", 1.0)]));
    rig.settle();
    let unheard = Notice::SendWithoutInput { source: "verb".into(), target: "lfo".into() };
    assert!(rig.notices.contains(&unheard) && rig.engine.stands(&unheard), "{:?}", rig.notices);
    rig.edit(Edit::Nodes(vec![put("lfo", "thru", 1.0, &[])]));
    assert!(!rig.engine.stands(&unheard));
    rig.edit(Edit::Nodes(vec![put("bad", "faulty", 1.0, &[("after", 2_000.0)])]));
    rig.render(48_000, &[256]);
    let silenced = Notice::NodeFault { node: "bad".into(), silenced: true };
    assert!(rig.notices.contains(&silenced) && rig.engine.stands(&silenced), "{:?}", rig.notices);
    rig.edit(Edit::Nodes(vec![put("bad", "dc", 1.0, &[])]));
    rig.render(48_000, &[256]);
    assert!(!rig.engine.stands(&silenced));
}

#[test]
fn a_mute_that_was_taken_back_and_comes_again_with_another_change_is_there() {
    let mut rig = Rig::with(probes::registry());
    let set = |name: &str, gain: f64| {
        let node = NodeIr { name: name.into(), source: Source::Type("dc".into()), ..NodeIr::default() };
        NodeEdit::Set(Box::new(NodeSpec { node, gain: Some(gain), ..NodeSpec::default() }))
    };
    let mute = |on: bool| NodeEdit::Mute { name: "m".into(), on };
    rig.edit(Edit::Nodes(vec![set("m", 1.0), set("n", 1.0)]));
    rig.edit(Edit::Nodes(vec![mute(true), set("n", 0.5)]));
    rig.edit(Edit::Nodes(vec![mute(false)]));
    rig.edit(Edit::Nodes(vec![mute(true), set("n", 0.25)]));
    assert_eq!(rig.engine.session().values.get("m_g/mute"), Some(&1.0));
    rig.settle();
    let out = rig.render(48_000, &[480]);
    assert_eq!(out[0][47_999], 0.25, "m is silent");
}
