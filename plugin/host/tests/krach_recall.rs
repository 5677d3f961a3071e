//! Projects that hold their sounds themselves: traced functions and texts in the session's nodes are
//! compiled without any client, come back as the same sound, and nothing that is wrong with one loses
//! another.

mod krach_support;

use krach_host::transport::{Blocks, Script};
use krach_host::{Length, RenderOptions, Stage};
use krach_support::assert_same_sound;
use krach_support::chunk::{document, node, of_document, stored};
use krach_support::sounds::{ask, sound_stage, types, write};
use serde_json::{Value, json};

/// The documents that clients wrote.
const DOCUMENTS: [&str; 4] = ["bass_into_reverb", "drums", "full_band", "older_client"];

fn options(seconds: f64) -> RenderOptions {
    RenderOptions {
        script: Script::playing(128.0),
        blocks: Blocks::Fixed(256),
        length: Length::Seconds(seconds),
        ..RenderOptions::default()
    }
}

/// A stage with that state, and a connection.
fn recalled(chunk: &[u8], options: &RenderOptions) -> Stage {
    sound_stage(&RenderOptions { state: Some(chunk.to_vec()), ..options.clone() })
}

fn sound_of(chunk: &[u8], options: &RenderOptions) -> Vec<Vec<f32>> {
    let mut stage = recalled(chunk, options);
    stage.render_to_end().expect("it renders");
    stage.finish().channels
}

fn peak(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |most, x| most.max(x.abs()))
}

/// What the socket says is wrong with sounds.
fn failures(stage: &mut Stage) -> Vec<Value> {
    let state = ask(stage, &json!({"cmd": "Status"}));
    state["sounds"]["failures"].as_array().expect("a list").clone()
}

/// A traced function without inputs that is a constant.
fn constant(value: f64) -> Value {
    let signal = json!({"id": 0, "channels": 1, "precision": "float"});
    json!({"type": "dsp_graph", "precision": "float", "inputs": [], "outputs": [signal], "equations": [
        {"primitive": {"name": "const", "stateful": false}, "inputs": [], "outputs": [signal],
         "params": {"type": "const", "value": value}}]})
}

/// The same with FAUST text in it.
fn templated(template: &str) -> Value {
    let mut graph = constant(0.0);
    graph["equations"][0]["primitive"]["name"] = "faust_expr".into();
    graph["equations"][0]["params"] = json!({"type": "faust_expr", "template": template});
    graph
}

#[test]
fn documents_of_clients_sound_and_come_back_as_the_same_sound_and_the_same_bytes() {
    for name in DOCUMENTS {
        let mut first = recalled(&of_document(&stored(name)), &options(2.0));
        assert_eq!(failures(&mut first), Vec::<Value>::new(), "{name}");
        let saved = first.instance().save_state().expect("saves");
        first.render_to_end().expect("it renders");
        assert_eq!(first.instance().save_state().expect("saves"), saved, "{name}: playing changes nothing");
        let heard = first.finish().channels;
        assert!(peak(&heard[0]) > 0.05, "{name}: {}", peak(&heard[0]));
        let mut again = recalled(&saved, &options(2.0));
        assert_eq!(document(&again.instance().save_state().expect("saves")), document(&saved), "{name}");
        assert_eq!(again.instance().save_state().expect("saves"), saved, "{name}");
        again.render_to_end().expect("it renders");
        assert_same_sound(&again.finish().channels, &heard, name);
    }
}

#[test]
fn the_first_block_after_activation_is_right_at_any_rate_offline_and_not() {
    let level = 0.25;
    let chunk = of_document(&json!({"nodes": [node("dc", &constant(level), 1.0)], "krach": {"version": 2,
        "limiter": false, "clock_source": "external", "free_run": false, "seed": 0, "crossfade": {"beats": 0.5}}}));
    for (sample_rate, realtime) in [(44_100.0, false), (48_000.0, true), (192_000.0, false)] {
        let short = RenderOptions { sample_rate, realtime, ..options(0.02) };
        let heard = sound_of(&chunk, &short);
        assert_eq!(heard[0][0], level as f32, "{sample_rate}");
        assert!(heard.iter().flatten().all(|x| *x == level as f32), "{sample_rate}");
    }
}

#[test]
fn nodes_of_one_meaning_share_one_type_that_is_told_and_not_listed_among_names() {
    let graph = constant(0.125);
    let mut renamed = graph.clone();
    for place in ["/outputs/0/id", "/equations/0/outputs/0/id"] {
        *renamed.pointer_mut(place).expect("there") = 7.into();
    }
    let nodes = [node("a", &graph, 1.0), node("b", &renamed, 1.0), node("c", &json!("process = 0.5;"), 1.0)];
    let mut stage = recalled(&of_document(&json!({"nodes": nodes})), &options(1.0));
    let named = types(&mut stage);
    assert!(named.iter().all(|id| !id.starts_with("faust:graph-") && !id.starts_with("faust:text-")));
    let told = ask(&mut stage, &json!({"jsonrpc": "2.0", "id": 1, "method": "types"}));
    let told = told["result"]["types"].as_array().expect("a list");
    let own: Vec<&Value> = told.iter().filter(|ty| ty["origin"] == "node").collect();
    assert_eq!(own.len(), 2, "{own:?}");
    assert_eq!((&own[0]["nodes"], &own[1]["nodes"]), (&json!(["a", "b"]), &json!(["c"])));
    assert!(own.iter().all(|ty| ty["state"] == "ready"));
    let text = json!({"jsonrpc": "2.0", "id": 1, "method": "source", "params": {"type": own[0]["type"]}});
    let text = ask(&mut stage, &text);
    assert!(text["result"]["text"].as_str().expect("text").contains("sig0 = 0.125;"), "{text}");
    stage.render_to_end().expect("it renders");
    assert_eq!(stage.finish().channels[0][40_000], 0.75);
}

#[test]
fn what_does_not_compile_is_told_with_its_node_and_its_place_and_the_rest_sounds_and_is_kept() {
    let nodes = [
        node("good", &constant(0.25), 1.0),
        node("traced", &templated("nonsense"), 1.0),
        node("written", &json!("process =\n  more_nonsense;"), 1.0),
    ];
    let mut stage = recalled(&of_document(&json!({"nodes": nodes})), &options(1.0));
    let told = failures(&mut stage);
    assert_eq!(told.len(), 2, "{told:?}");
    let of = |node: &str| told.iter().find(|f| f["nodes"] == json!([node])).expect("told").clone();
    assert_eq!(of("traced")["place"], "$.equations[0]");
    assert!(of("traced")["text"].as_str().expect("text").contains("nonsense"), "{told:?}");
    assert_eq!((&of("written")["line"], &of("written")["file"]), (&json!(2), &Value::Null), "{told:?}");
    let problems = ask(&mut stage, &json!({"cmd": "Status"}))["problems"].to_string();
    assert!(problems.contains("traced: $.equations[0]: "), "{problems}");
    let saved = document(&stage.instance().save_state().expect("saves"));
    for (at, node) in nodes.iter().enumerate() {
        assert_eq!(saved["nodes"][at]["source"], node["source"]);
    }
    stage.render_to_end().expect("it renders");
    assert_eq!(stage.finish().channels[0][40_000], 0.25);
}

#[test]
fn what_a_text_imports_is_in_the_project_and_plays_until_the_file_is_saved_again() {
    write("recall half.lib", "import(\"recall number.lib\"); half = number / 2;");
    write("recall number.lib", "number = 0.5;");
    let text = "import(\"recall half.lib\"); process = half;";
    let mut stage = recalled(&of_document(&json!({"nodes": [node("n", &json!(text), 1.0)]})), &options(4.0));
    let last = |stage: &mut Stage| {
        let until = stage.recorded(0, 0).len() + 24_000;
        while stage.recorded(0, 0).len() < until {
            stage.advance().expect("it renders");
        }
        *stage.recorded(0, 0).last().expect("some")
    };
    assert_eq!(last(&mut stage), 0.25);
    let chunk = stage.instance().save_state().expect("saves");
    let sources = document(&chunk)["krach"]["sources"].clone();
    let (_, source) = sources.as_object().expect("an object").iter().next().expect("one");
    assert_eq!(source["imports"]["recall number.lib"], "number = 0.5;", "{sources}");
    // A change of a file reaches who plays it.
    write("recall number.lib", "number = 0.25;");
    types(&mut stage);
    assert_eq!(last(&mut stage), 0.125);
    drop(stage);
    // The project has its own, and would have without the files.
    let mut stage = recalled(&chunk, &options(4.0));
    assert_eq!(last(&mut stage), 0.25);
    assert_eq!(stage.instance().save_state().expect("saves"), chunk);
    write("recall number.lib", "number = 0.75;");
    types(&mut stage);
    assert_eq!(last(&mut stage), 0.375);
}

#[test]
fn a_load_while_playing_brings_such_nodes_in_and_forgets_the_types_of_those_that_went() {
    let first = of_document(&json!({"nodes": [node("n", &constant(0.25), 1.0)]}));
    let second = of_document(&json!({"nodes": [node("n", &constant(0.5), 1.0)]}));
    let mut stage = recalled(&first, &options(3.0));
    let kinds = |stage: &mut Stage| {
        let told = ask(stage, &json!({"jsonrpc": "2.0", "id": 1, "method": "types"}));
        let told = told["result"]["types"].as_array().expect("a list").clone();
        told.iter().filter(|ty| ty["origin"] == "node").count()
    };
    while stage.player().frame() < 48_000 {
        stage.advance().expect("it renders");
    }
    stage.instance().load_state(&second).expect("loads");
    stage.render_to_end().expect("it renders");
    assert_eq!(kinds(&mut stage), 1);
    let heard = stage.finish().channels;
    assert_eq!((heard[0][40_000], heard[0][140_000]), (0.25, 0.5));
}
