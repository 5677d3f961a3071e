//! Documents: what is read is what was written, names go where modules go, and faults have a place.

mod ir_support;

use ir_support::*;
use krach_core::ir::dsp::*;
use krach_core::ir::*;
use krach_core::node::Scale;
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(text: &str) -> ModuleIr {
    serde_json::from_str(text).expect(text)
}

/// The seed's bass into a reverb.
fn bass_into_reverb() -> ModuleIr {
    read(
        r#"{"nodes":[
            {"name":"bass","source":"faust:bass","gain":0.3,"count":1,"num_inputs":0,"init":[["cutoff",800]],"source_text":"def bass(): ..."},
            {"name":"verb","source":"faust:verb","gain":0.3,"count":1,"num_inputs":1,"init":[],"source_text":""}],
          "routing":[{"source":"bass","target":"verb","kind":"send","level":0.4,"port":"in0"}],
          "patterns":[{"target":"bass","pattern":{"op":"Silence"}}],
          "controls":[{"path":"bass/cutoff","value":1200}],
          "automations":[{"path":"bass/cutoff","shape":"sine","lo":200,"hi":2000,"bars":4}],
          "muted":[{"name":"verb","saved_gain":0.3}],
          "tempo":128}"#,
    )
}

fn kit() -> ModuleIr {
    ModuleIr {
        nodes: vec![
            NodeIr { gain: 0.8, ..of_type("kick", "faust:kick") },
            NodeIr { gain: 0.3, ..of_type("hat", "faust:hat") },
        ],
        outputs: Some(vec!["kick".into(), "hat".into()]),
        ..ModuleIr::default()
    }
}

/// The seed's kit inside a full band.
fn full_band() -> ModuleIr {
    ModuleIr {
        nodes: vec![of_type("bass", "faust:bass")],
        routing: vec![send("drums/kick", "bass", 0.3)],
        outputs: Some(vec!["bass".into()]),
        sub_modules: vec![SubModuleIr { prefix: "drums".into(), module: kit(), ..SubModuleIr::default() }],
        ..ModuleIr::default()
    }
}

fn names(module: &ModuleIr) -> Vec<&str> {
    module.nodes.iter().map(|n| n.name.as_str()).collect()
}

#[test]
fn what_other_clients_wrote_is_read_whole() {
    let module = bass_into_reverb();
    assert_eq!(module.check(), Ok(()));
    let bass = &module.nodes[0];
    assert_eq!(bass.source, Source::Type("faust:bass".into()));
    assert_eq!((bass.gain, bass.init.as_slice()), (0.3, &[("cutoff".to_owned(), 800.0)][..]));
    assert_eq!(module.routing[0], send("bass", "verb", 0.4));
    assert_eq!((module.automations[0].bars, module.muted[0].saved_gain), (4.0, 0.3));
    let old = json!({"sub_graphs": [{"prefix": "drums", "module": {"nodes": [{"name": "kick", "source": "faust:kick"}]}}]});
    let old: ModuleIr = serde_json::from_value(old).unwrap();
    assert_eq!(names(&flatten(&old)), ["drums/kick"]);
    assert!(serde_json::to_string(&old).unwrap().contains("\"sub_modules\""));
}

#[test]
fn a_source_is_a_type_a_program_or_a_graph() {
    let source = |json: Value| {
        serde_json::from_value::<NodeIr>(json!({"name": "a", "source": json})).map(|n| n.source)
    };
    assert_eq!(source(json!("oscillator")).unwrap(), Source::Type("oscillator".into()));
    assert_eq!(source(json!("patch:demo")).unwrap(), Source::Type("patch:demo".into()));
    assert_eq!(source(json!("faust:sub/my kick")).unwrap(), Source::Type("faust:sub/my kick".into()));
    assert_eq!(source(json!("process = _;")).unwrap(), Source::Text("process = _;".into()));
    let dsp = graph(&[1], &[1], vec![]);
    assert_eq!(source(serde_json::to_value(&dsp).unwrap()).unwrap(), Source::Graph(dsp.into()));
    assert!(source(json!(7)).is_err());
}

#[test]
fn a_kit_inside_a_band_keeps_its_names_under_the_prefixes() {
    let flat = flatten(&prefix_ir(&full_band(), "band"));
    assert_eq!(names(&flat), ["band/bass", "band/drums/kick", "band/drums/hat"]);
    assert_eq!(flat.routing, [send("band/drums/kick", "band/bass", 0.3)]);
    assert_eq!(flat.outputs.as_deref(), Some(&["band/bass".to_owned()][..]));
    assert_eq!(flat.check(), Ok(()));
}

#[test]
fn a_port_is_no_name_of_a_node() {
    let mut module = bass_into_reverb();
    module.routing[0].kind = RouteKind::Wire;
    module.routing[0].port = "side".into();
    assert_eq!(prefix_ir(&module, "p").routing[0].port, "side");
}

#[test]
fn the_outer_module_decides_tempo_and_what_it_leaves_open_comes_from_within() {
    let within = ModuleIr { tempo: Some(90.0), meter: Some(3.0), ..kit() };
    let outer = |tempo| ModuleIr {
        tempo,
        sub_modules: vec![SubModuleIr {
            prefix: "a".into(),
            module: within.clone(),
            ..SubModuleIr::default()
        }],
        ..ModuleIr::default()
    };
    let flat = |tempo| flatten(&outer(tempo));
    assert_eq!((flat(Some(128.0)).tempo, flat(Some(128.0)).meter), (Some(128.0), Some(3.0)));
    assert_eq!(flat(None).tempo, Some(90.0));
    assert_eq!(flat(None).outputs, None, "declared ends are those of the module that is asked");
}

#[test]
fn labels_that_are_bound_to_a_node_go_with_it() {
    let text = r#"{"nodes":[{"name":"kick","source":"faust:kick"}],"patterns":[{"target":"kick","pattern":
        {"op":"Cat","children":[{"op":"Atom","value":{"type":"Control","label":"kick/cutoff","value":1.0}},
            {"op":"Atom","value":{"type":"Control","label":"gate","value":1.0}},
            {"op":"Atom","value":{"type":"Control","label":"other/cutoff","value":1.0}}]}}]}"#;
    let json = serde_json::to_string(&prefix_ir(&read(text), "drums")).unwrap();
    for label in ["\"drums/kick/cutoff\"", "\"gate\"", "\"other/cutoff\""] {
        assert!(json.contains(label), "{label}: {json}");
    }
}

#[test]
fn every_name_of_our_own_sections_goes_under_the_prefix() {
    let krach = |p: &str| {
        let n = |name: &str| format!("{p}{name}");
        json!({"krach": {
            "version": 2, "clock_source": "external", "free_run": false, "limiter": true, "seed": 3,
            "crossfade": {"beats": 0.5},
            "raw_graph": {
                "nodes": [{"id": n("osc"), "type_id": "oscillator", "controls": {}},
                          {"id": n("amp"), "type_id": "gain", "controls": {"gain": 0.5}}],
                "connections": [
                    {"from_node": n("osc"), "from_port": "out", "to_node": n("amp"), "to_port": "in"}],
                "exposed_controls": {n("loud"): [n("amp"), "gain"]}},
            "nodes": {n("osc"): {"solo": true}},
            "slots": {n("osc"): {"hushed": true}},
            "automations": {n("lfo"): {"label": n("osc/freq"), "shape": "sine", "lo": 1.0, "hi": 2.0,
                                        "period_secs": 3.0}},
            "midi_maps": [{"channel": 0, "cc": 1, "label": n("loud"), "lo": 0.0, "hi": 1.0}],
            "macros": [{"number": 2, "name": "Pitch",
                        "targets": [{"label": n("osc/freq"), "lo": 2.0, "hi": 1.0, "curve": "log"}]}],
            "note_routes": [{"channel": 2, "node": n("osc")}],
            // Of the session, or of a type, and no names of nodes.
            "name": "bass", "osc_target": "127.0.0.1:9", "libraries": "2.80",
            "sources": {"faust:a": {"text": "process = 1;", "own": true}},
        }})
    };
    let module: ModuleIr = serde_json::from_value(krach("")).unwrap();
    let prefixed = serde_json::to_value(prefix_ir(&module, "p")).unwrap();
    let expected: ModuleIr = serde_json::from_value(krach("p/")).unwrap();
    assert_eq!(prefixed, serde_json::to_value(expected).unwrap());
}

#[test]
fn the_outer_modules_text_of_a_type_and_its_libraries_win() {
    let with = |text: &str, other: &str, libraries: Option<&str>, within: Vec<Value>| {
        json!({
            "krach": {"libraries": libraries, "sources": {
                "faust:a": {"text": text, "own": true}, other: {"text": other, "own": true}}},
            "sub_modules": within})
    };
    let within = |prefix: &str, module: Value| json!({"prefix": prefix, "module": module});
    let innermost = with("innermost", "faust:c", Some("2.70"), vec![]);
    let inner = with("inner", "faust:b", Some("2.75"), vec![within("q", innermost.clone())]);
    let last = with("last", "faust:b", None, vec![]);
    let flat = |libraries| {
        let outer =
            with("outer", "faust:d", libraries, vec![within("p", inner.clone()), within("r", last.clone())]);
        let module: ModuleIr = serde_json::from_value(outer).unwrap();
        flatten(&module).krach.unwrap()
    };
    let krach = flat(Some("2.80"));
    let texts: Vec<(&str, &str)> =
        krach.sources.iter().map(|(id, source)| (id.as_str(), source.text.as_str())).collect();
    assert_eq!(
        texts,
        [("faust:a", "outer"), ("faust:b", "faust:b"), ("faust:c", "faust:c"), ("faust:d", "faust:d")]
    );
    assert_eq!(krach.libraries.as_deref(), Some("2.80"));
    assert_eq!(flat(None).libraries.as_deref(), Some("2.75"), "the first within that has any");
}

#[test]
fn what_is_not_known_is_kept_wherever_it_stands() {
    let text = json!({"aura": 1, "nodes": [{"name": "a", "source": "gain", "colour": "red"}],
        "routing": [{"source": "a", "target": "a", "pan": 0.5}], "krach": {"glow": [1.5]},
        "sub_modules": [{"prefix": "p", "module": {"mood": "blue"}, "note": null}]});
    let module: ModuleIr = serde_json::from_value(text).unwrap();
    let again = serde_json::to_value(&module).unwrap();
    assert_eq!(again["aura"], 1);
    assert_eq!(again["nodes"][0]["colour"], "red");
    assert_eq!(again["routing"][0]["pan"], 0.5);
    assert_eq!(again["krach"]["glow"], json!([1.5]));
    assert_eq!(again["sub_modules"][0]["module"]["mood"], "blue");
    assert!(again["sub_modules"][0]["note"].is_null());
}

fn fault_of(module: Value) -> (String, Option<String>) {
    let module: ModuleIr = serde_json::from_value(module).expect("of the right shape");
    let fault = module.check().expect_err("something is wrong");
    (fault.place, fault.hint)
}

#[test]
fn a_fault_says_where_and_what_would_work() {
    let two = json!([{"name": "bass", "source": "gain"}, {"name": "verb", "source": "gain"}]);
    let with = |key: &str, value: Value| json!({"nodes": two, key: value});
    for (module, place, hint) in [
        (
            json!({"nodes": [{"name": "a", "source": "gain"}, {"name": "a", "source": "gain"}]}),
            "$.nodes[1].name",
            None,
        ),
        (json!({"nodes": [{"name": "a//b", "source": "gain"}]}), "$.nodes[0].name", Some("letters")),
        (
            json!({"nodes": [{"name": "a", "source": "gain", "count": 65}]}),
            "$.nodes[0].count",
            Some("1 to 64"),
        ),
        (json!({"nodes": [{"name": "a", "source": "gain", "gain": -1}]}), "$.nodes[0].gain", Some("0 to 16")),
        (
            with("routing", json!([{"source": "bass", "target": "vreb"}])),
            "$.routing[0].target",
            Some("did you mean verb?"),
        ),
        (
            with("routing", json!([{"source": "bass", "target": "verb", "level": 17}])),
            "$.routing[0].level",
            Some("0 to 16"),
        ),
        (
            with(
                "routing",
                json!([{"source": "bass", "target": "verb"}, {"source": "bass", "target": "verb"}]),
            ),
            "$.routing[1]",
            None,
        ),
        (with("muted", json!([{"name": "kick"}])), "$.muted[0].name", None),
        (with("outputs", json!(["base"])), "$.outputs[0]", Some("did you mean bass?")),
        (
            with("automations", json!([{"path": "bass/cutoff", "shape": "sinus", "bars": 1}])),
            "$.automations[0].shape",
            None,
        ),
        (
            with("automations", json!([{"path": "bass/x", "shape": "sine", "bars": 0}])),
            "$.automations[0].bars",
            None,
        ),
        (
            json!({"sub_modules": [{"prefix": "a", "module": {"inputs": ["gone"]}}]}),
            "$.sub_modules[0].module.inputs[0]",
            None,
        ),
    ] {
        let (at, what) = fault_of(module);
        assert_eq!(at, place);
        if let Some(hint) = hint {
            assert!(what.as_deref().unwrap_or_default().contains(hint), "{place}: {what:?}");
        }
    }
}

#[test]
fn unit_and_scale_of_a_control_are_kept_and_are_part_of_the_key_where_they_say_something() {
    let control = |more: &str| {
        let text = format!(
            r#"{{"type":"dsp_graph","inputs":[],"outputs":[{{"id":1}}],"equations":[{{"primitive":{{"name":"control"}},
            "inputs":[],"outputs":[{{"id":1}}],"params":{{"type":"control","name":"cutoff","init":800,"lo":20,"hi":20000,"step":0{more}}}}}]}}"#
        );
        serde_json::from_str::<DspGraph>(&text).expect("a graph")
    };
    let plain = control("");
    assert_eq!(control(r#","unit":"","scale":"linear""#), plain);
    let said = serde_json::to_value(&plain).expect("JSON");
    assert_eq!(said["equations"][0]["params"].get("unit"), None, "what says nothing is not written");
    let log = control(r#","unit":"Hz","scale":"log""#);
    let params = &serde_json::to_value(&log).expect("JSON")["equations"][0]["params"];
    assert_eq!((&params["unit"], &params["scale"]), (&json!("Hz"), &json!("log")));
    assert_eq!(
        serde_json::from_value::<DspGraph>(serde_json::to_value(&log).expect("JSON")).ok(),
        Some(log.clone())
    );
    let keys =
        [plain, log, control(r#","unit":"Hz""#), control(r#","scale":"exp""#)].map(|g| g.graph_key().0);
    assert!((1..4).all(|i| !keys[..i].contains(&keys[i])), "{keys:?}");
}

#[test]
fn a_graph_that_cannot_be_says_where() {
    use Primitive::*;
    let looped = |body: DspGraph, index| {
        let params = Params::Feedback {
            body_graph: Box::new(body),
            feedback_input_index: index,
            free_var_signals: vec![mono(1)],
        };
        graph(&[1], &[2], vec![equation(Feedback, &[1], 2, params)])
    };
    let inner = |e| graph(&[0, 1], &[2], vec![e]);
    let constant = |value| Params::Const { value };
    let expr = |t: &str| Params::FaustExpr { template: t.to_owned() };
    let control = |name: &str, hi| Params::Control {
        name: name.into(),
        init: 0.5,
        lo: 0.0,
        hi,
        step: 0.1,
        unit: String::new(),
        scale: Scale::Linear,
    };
    let unit = |unit: &str| Params::Control {
        name: "a".into(),
        init: 0.5,
        lo: 0.0,
        hi: 1.0,
        step: 0.1,
        unit: unit.into(),
        scale: Scale::Linear,
    };
    let cases = [
        (graph(&[1], &[3], vec![equation(Add, &[1, 2], 3, Params::No)]), "$.equations[0].inputs[1].id"),
        (graph(&[1], &[3], vec![equation(Add, &[1], 3, Params::No)]), "$.equations[0].inputs"),
        (graph(&[1], &[1], vec![equation(Abs, &[1], 1, Params::No)]), "$.equations[0].outputs[0].id"),
        (graph(&[], &[1], vec![equation(Const, &[], 1, constant(f64::NAN))]), "$.equations[0].params.value"),
        (graph(&[], &[1], vec![equation(Const, &[], 1, Params::No)]), "$.equations[0].params"),
        (graph(&[], &[9], vec![]), "$.outputs[0].id"),
        (
            graph(&[1], &[2], vec![equation(FaustExpr, &[1], 2, expr("{1}"))]),
            "$.equations[0].params.template",
        ),
        (
            graph(&[1], &[2], vec![equation(FaustExpr, &[1], 2, expr("({0}"))]),
            "$.equations[0].params.template",
        ),
        (
            graph(&[1], &[2], vec![equation(FaustExpr, &[1], 2, expr("{0}; process = 1"))]),
            "$.equations[0].params.template",
        ),
        (
            graph(&[1], &[2], vec![equation(FaustExpr, &[1], 2, expr("{0} // x"))]),
            "$.equations[0].params.template",
        ),
        (
            graph(&[], &[1], vec![equation(Control, &[], 1, control("a\"b", 1.0))]),
            "$.equations[0].params.name",
        ),
        (graph(&[], &[1], vec![equation(Control, &[], 1, control("a", 0.1))]), "$.equations[0].params"),
        (graph(&[], &[1], vec![equation(Control, &[], 1, unit("H]z"))]), "$.equations[0].params.unit"),
        (
            graph(&[], &[1], vec![equation(Control, &[], 1, unit("beats per minute!"))]),
            "$.equations[0].params.unit",
        ),
        (
            graph(
                &[],
                &[1],
                vec![equation(Control, &[], 1, control("a", 1.0)), equation(Control, &[], 2, unit("Hz"))],
            ),
            "$.equations[1].params",
        ),
        (
            graph(
                &[],
                &[1],
                vec![
                    equation(Control, &[], 1, control("a", 1.0)),
                    equation(Control, &[], 2, control("a", 2.0)),
                ],
            ),
            "$.equations[1].params",
        ),
        (
            graph(&[1], &[2], vec![equation(Rwtable, &[1, 1, 1, 1], 2, Params::Rwtable { size: 4 })]),
            "$.equations[0].inputs[0]",
        ),
        (
            graph(&[1], &[2], vec![equation(Rdtable, &[1], 2, Params::Rdtable { data: vec![] })]),
            "$.equations[0].params.data",
        ),
        (
            looped(inner(equation(Add, &[0, 7], 2, Params::No)), 0),
            "$.equations[0].params.body_graph.equations[0].inputs[1].id",
        ),
        (
            looped(inner(equation(Add, &[0, 1], 2, Params::No)), 2),
            "$.equations[0].params.feedback_input_index",
        ),
        (looped(graph(&[0], &[0], vec![]), 0), "$.equations[0].params.body_graph.inputs"),
    ];
    for (graph, place) in cases {
        assert_eq!(graph.check().expect_err(place).place, place);
    }
    let mut deep = inner(equation(Add, &[0, 1], 2, Params::No));
    for _ in 0..100 {
        deep = looped(deep, 0);
        deep.inputs.push(mono(9));
    }
    assert!(deep.check().expect_err("too deep").message.contains("32 deep"));
}

#[test]
fn keys_and_forms_are_those_of_the_vectors() {
    let text = include_str!("vectors/dsp_keys.jsonl");
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let graph: DspGraph = serde_json::from_value(case["graph"].clone()).unwrap();
        assert_eq!(graph.check(), Ok(()), "{line}");
        let form: String = canonical_bytes(&graph).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(form, case["form"].as_str().unwrap(), "{line}");
        assert_eq!(graph.graph_key().to_string(), case["key"].as_str().unwrap(), "{line}");
    }
    assert!(text.lines().count() >= 10);
}

#[test]
fn there_are_forty_one_primitives() {
    assert_eq!(Primitive::ALL.len(), 41);
    for p in Primitive::ALL {
        assert_eq!(serde_json::to_value(p).unwrap(), p.name());
    }
}

#[test]
fn braces_without_a_number_are_faust() {
    use TemplatePart::*;
    let parts = template_parts("{1} : f({0}) with { f(x) = x; }");
    assert_eq!(parts, [Input(1), Text(" : f("), Input(0), Text(") with { f(x) = x; }")]);
    assert_eq!(template_parts("{{0}}"), [Text("{"), Input(0), Text("}")]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_module_written_and_read_is_the_same(module in module()) {
        let json = serde_json::to_string(&module).unwrap();
        let again: ModuleIr = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&again, &module);
        prop_assert_eq!(serde_json::to_string(&again).unwrap(), json);
        prop_assert_eq!(module.check(), Ok(()));
    }

    #[test]
    fn a_shared_function_is_what_its_graph_is(inputs in 0..3usize, seeds in seeds()) {
        let dsp = grown(inputs, &seeds, 5, 3);
        let shared = Traced::from(dsp.clone());
        for _ in 0..2 {
            prop_assert_eq!(shared.graph_key(), dsp.graph_key());
            prop_assert_eq!(shared.to_stereo().graph_key(), dsp.to_stereo().graph_key());
            prop_assert_eq!(&*shared.to_stereo(), &dsp.to_stereo());
        }
        prop_assert_eq!(&shared, &Traced::from(dsp));
    }

    #[test]
    fn a_prefix_of_a_prefix_is_the_longer_prefix(module in module()) {
        prop_assert_eq!(prefix_ir(&prefix_ir(&module, "b"), "a"), prefix_ir(&module, "a/b"));
    }

    #[test]
    fn flat_stays_flat_and_prefixes_may_come_before_or_after(module in module()) {
        let flat = flatten(&module);
        prop_assert!(flat.sub_modules.is_empty());
        prop_assert_eq!(&flatten(&flat), &flat);
        prop_assert_eq!(prefix_ir(&flat, "p"), flatten(&prefix_ir(&module, "p")));
        prop_assert_eq!(flat.check(), Ok(()));
    }

    #[test]
    fn numbers_of_signals_are_not_the_meaning(inputs in 0..3_usize, seeds in seeds(), first in 0..1000_u64, step in 1..1000_u64) {
        let (a, b) = (grown(inputs, &seeds, 0, 1), grown(inputs, &seeds, first, step));
        prop_assert_eq!(a.check(), Ok(()));
        prop_assert_eq!(a.graph_key(), b.graph_key());
        prop_assert_eq!(a.canonicalize(), b.canonicalize());
        prop_assert_eq!(a.canonicalize().canonicalize(), a.canonicalize());
    }

    #[test]
    fn another_number_is_another_key(seeds in seeds(), x in 1e-9..1e9_f64) {
        let mut a = grown(0, &seeds, 0, 1);
        let key = a.graph_key();
        a.equations[0].params = Params::Const { value: x };
        let same = matches!(grown(0, &seeds, 0, 1).equations[0].params, Params::Const { value } if value == x);
        prop_assert!(same || a.graph_key() != key);
    }
}

#[test]
fn ids_and_labels_are_bounded_before_modules_become_one() {
    let module = |id: usize, label: usize| {
        let pattern =
            json!({"op": "Atom", "value": {"type": "Control", "label": "/".repeat(label), "value": 1.0}});
        let within = json!({
            "krach": {"version": 2, "raw_graph": {"nodes": [{"id": "i".repeat(id), "type_id": "gain"}]}},
            "patterns": [{"target": "a", "pattern": pattern}]});
        let outer = json!({"sub_modules": [{"prefix": "p", "module": within}]});
        let module: ModuleIr = serde_json::from_value(outer).unwrap();
        module.check().map_err(|fault| (fault.place, fault.message))
    };
    assert_eq!(module(1024, 2049), Ok(()));
    let (place, message) = module(1025, 1).unwrap_err();
    assert_eq!(place, "$.sub_modules[0].module.krach.raw_graph.nodes[0].id");
    assert!(message.contains("1024 bytes"), "{message}");
    let (place, message) = module(1, 2050).unwrap_err();
    assert_eq!(place, "$.sub_modules[0].module.patterns[0].pattern");
    assert!(message.contains("2049 bytes"), "{message}");
}

#[test]
fn finding_whose_labels_are_is_bounded_before_it_begins() {
    let atom =
        |label: &str| json!({"op": "Atom", "value": {"type": "Control", "label": label, "value": 1.0}});
    let nested = |module: serde_json::Value, depth: usize| {
        let within = |inner, _| json!({"sub_modules": [{"prefix": "p", "module": inner}]});
        let outer: ModuleIr = serde_json::from_value((0..depth).fold(module, within)).unwrap();
        outer.check().map_err(|fault| (fault.place, fault.message))
    };
    let labels = |label: &str, count: usize| json!({"patterns": [{"target": "a", "pattern": {"op": "Cat", "children": vec![atom(label); count]}}]});
    // Labels as they are written, in ten modules; many long ones, in one module and in twenty.
    assert_eq!(nested(labels("drums/kick/cutoff", 4_000), 10), Ok(()));
    let slashes = "/".repeat(2049);
    assert_eq!(nested(labels(&slashes, 8_000), 1), Ok(()));
    let (place, message) = nested(labels(&slashes, 8_000), 20).unwrap_err();
    assert!(
        place.ends_with(".patterns[0].pattern") && message.contains("too many modules"),
        "{place}: {message}"
    );
    // What is saved has no modules within, and is never over it.
    assert_eq!(nested(labels(&slashes, 16_000), 0), Ok(()));
}
