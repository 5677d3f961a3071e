//! Projects that hold their sounds themselves: traced functions and texts in the session's nodes are
//! compiled without any client, come back as the same sound, and nothing that is wrong with one loses
//! another.

mod krach_support;
#[path = "krach_recall/project.rs"]
mod project;

use krach_host::transport::{Blocks, Script};
use krach_host::{InputKind, Length, RenderOptions, Stage, TimedInput};
use krach_support::chunk::{document, node, of_document, stored};
use krach_support::elsewhere::{elsewhere, is_elsewhere};
use krach_support::sounds::{ask, folder, sound_stage, types, write};
use krach_support::{Dice, Format, assert_same_sound, render_in};
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

/// A session with the scenes `one`, which plays, and `two`: constants of 0.25 and of 0.75.
fn two_scenes() -> Vec<u8> {
    let one = json!([node("a", &constant(0.25), 1.0)]);
    let two = json!([node("b", &constant(0.75), 1.0)]);
    of_document(&json!({"nodes": one, "krach": {"version": 3, "limiter": false, "clock_source": "external",
        "free_run": false, "seed": 0, "crossfade": {"seconds": 0.01}, "scene": 1, "scenes": [
            {"number": 1, "name": "one", "module": {"nodes": one}},
            {"number": 2, "name": "two", "module": {"nodes": two}}]}}))
}

/// The host's parameter comes to these scenes at these frames.
fn scene_events(changes: &[(u64, u8)]) -> Vec<TimedInput> {
    let id = SCENE;
    let event =
        |&(frame, number)| TimedInput { frame, kind: InputKind::Param { id, value: f64::from(number) } };
    changes.iter().map(event).collect()
}

/// nice-plug's hash of `scene`: projects hold it.
const SCENE: u32 = 109_254_796;

#[test]
fn automation_of_the_scene_switches_on_its_sample_in_both_formats_and_every_partition() {
    let changes = [(24_001, 2), (48_000, 1), (72_333, 2)];
    let mut heard: Option<Vec<Vec<f32>>> = None;
    for format in Format::ALL {
        for blocks in [Blocks::Fixed(64), Blocks::Fixed(333), Blocks::Fixed(2048), Blocks::Fixed(17)] {
            let options = RenderOptions {
                state: Some(two_scenes()),
                events: scene_events(&changes),
                blocks,
                ..options(2.0)
            };
            let rendered = render_in(format, &options, &[]).channels;
            let left = &rendered[0];
            let mut level = 0.25;
            for (from, number) in changes {
                let at = from as usize;
                assert_eq!(left[at - 1], level, "{format:?}, before {at}");
                assert_ne!(left[at], level, "{format:?}, at {at}");
                level = if number == 1 { 0.25 } else { 0.75 };
                assert_eq!(left[at + 480], level, "{format:?}, after {at}");
            }
            match &heard {
                None => heard = Some(rendered),
                Some(heard) => assert_same_sound(&rendered, heard, &format!("{format:?}")),
            }
        }
    }
}

#[test]
fn a_project_with_scenes_comes_back_without_recalling_and_a_recall_by_a_client_moves_the_hosts_parameter() {
    let mut stage = recalled(&two_scenes(), &options(1.0));
    let call = |stage: &mut Stage, method: &str, params: Value| {
        let answer = ask(stage, &json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}));
        assert!(answer["error"].is_null(), "{answer}");
        answer["result"].clone()
    };
    for _ in 0..20 {
        stage.advance().expect("a block");
    }
    assert_eq!(stage.instance().param_text(SCENE, 2.0).as_deref(), Some("two"));
    call(&mut stage, "scene_recall", json!({"scene": "two"}));
    for _ in 0..20 {
        stage.advance().expect("a block");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert_eq!(stage.instance().param_value(SCENE), Some(2.0), "the host's parameter follows");
    assert_eq!(call(&mut stage, "scenes", json!({}))["current"], "two");
    // What plays is not what the scene was saved as: the project holds both.
    call(&mut stage, "node", json!({"name": "c", "source": constant(0.125), "gain": 1.0}));
    let saved = stage.instance().save_state().expect("saves");
    let mut again = recalled(&saved, &options(0.5));
    assert_eq!(again.instance().param_value(SCENE), Some(2.0));
    let list = call(&mut again, "scenes", json!({}));
    assert_eq!((&list["current"], &list["changed"]), (&json!("two"), &json!(true)));
    again.render_to_end().expect("it renders");
    let heard = again.finish().channels;
    assert!(heard[0].iter().all(|x| *x == 0.875), "{:?}", &heard[0][..4]);
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

/// All kinds of sources in one project: built in, traced, a text, a text that imports.
fn mixed() -> Value {
    let mut document = stored("bass_into_reverb");
    let drums = stored("drums");
    let text = "import(\"elsewhere.lib\"); process = level;";
    let nodes = document["nodes"].as_array_mut().expect("a list");
    nodes.extend(drums["nodes"].as_array().expect("a list")[..2].iter().cloned());
    nodes.push(node("text", &json!("process = 0.0625;"), 1.0));
    nodes.push(node("imports", &json!(text), 1.0));
    let patterns = document["patterns"].as_array_mut().expect("a list");
    patterns.extend(drums["patterns"].as_array().expect("a list").iter().cloned());
    document
}

const CHUNK: &str = "KRACH_TEST_CHUNK";
const SOUND: &str = "KRACH_TEST_SOUND";
const CACHE: &str = "XDG_CACHE_HOME";

/// The file that a variable names.
fn given(variable: &str) -> std::path::PathBuf {
    std::env::var_os(variable).expect("given").into()
}

fn bytes_of(sound: &[Vec<f32>]) -> Vec<u8> {
    sound.iter().flatten().flat_map(|x| x.to_le_bytes()).collect()
}

fn at_44100() -> RenderOptions {
    RenderOptions { sample_rate: 44_100.0, ..options(2.0) }
}

#[test]
fn a_project_is_the_same_sound_on_a_machine_with_no_file_no_cache_and_another_rate_and_loses_nothing_without_faust()
 {
    write("elsewhere.lib", "level = 0.03125;");
    let mut stage = recalled(&of_document(&mixed()), &options(2.0));
    assert_eq!(failures(&mut stage), Vec::<Value>::new());
    let chunk = stage.instance().save_state().expect("saves");
    drop(stage);
    let (at_48000, at_44100) = (sound_of(&chunk, &options(2.0)), sound_of(&chunk, &at_44100()));
    assert!(peak(&at_48000[0]) > 0.1 && peak(&at_44100[0]) > 0.1);
    let place = folder().join("../elsewhere");
    std::fs::create_dir_all(&place).expect("our own folder");
    let (state, sound, cache) = (place.join("chunk"), place.join("sound"), place.join("cache"));
    std::fs::write(&state, &chunk).expect("our own file");
    let variables = [(CHUNK, state.as_os_str()), (SOUND, sound.as_os_str()), (CACHE, cache.as_os_str())];
    elsewhere("recalled_with_faust", &variables);
    let heard = std::fs::read(&sound).expect("rendered");
    assert!(heard == [bytes_of(&at_48000), bytes_of(&at_44100)].concat(), "another sound elsewhere");
    // Where the faust command is to compile and is gone, what it compiled there before still plays there.
    let front = |which| ("KRACH_FAUST", std::ffi::OsStr::new(which));
    let (none, of_command) = (front("none"), place.join("cache of the command"));
    let [chunk_of, sound_of, _] = variables;
    let cache_of = (CACHE, of_command.as_os_str());
    elsewhere("recalled_with_faust", &[chunk_of, sound_of, cache_of, front("command")]);
    let heard = std::fs::read(&sound).expect("rendered");
    elsewhere("recalled_with_faust", &[chunk_of, sound_of, cache_of, none]);
    assert!(std::fs::read(&sound).expect("rendered") == heard, "another sound from the cache");
    let empty = place.join("empty cache");
    elsewhere("recalled_without_faust", &[variables[0], (CACHE, empty.as_os_str()), none]);
}

#[test]
#[ignore = "run by a_project_is_the_same_sound_on_a_machine_with_no_file_no_cache_and_another_rate_and_loses_nothing_without_faust"]
fn recalled_with_faust() {
    assert!(is_elsewhere(), "a body for another process");
    let chunk = std::fs::read(given(CHUNK)).expect("readable");
    let sound = [sound_of(&chunk, &options(2.0)), sound_of(&chunk, &at_44100())].concat();
    std::fs::write(given(SOUND), bytes_of(&sound)).expect("our own file");
}

#[test]
#[ignore = "run by a_project_is_the_same_sound_on_a_machine_with_no_file_no_cache_and_another_rate_and_loses_nothing_without_faust"]
fn recalled_without_faust() {
    assert!(is_elsewhere(), "a body for another process");
    let chunk = std::fs::read(given(CHUNK)).expect("readable");
    let mut stage = recalled(&chunk, &options(2.0));
    let lacks = failures(&mut stage);
    for name in ["text", "imports"] {
        let failure = lacks.iter().find(|failure| failure["nodes"] == json!([name])).expect("it says so");
        assert!(failure["text"].as_str().is_some_and(|text| text.contains("no faust command")), "{failure}");
    }
    assert_eq!(lacks.len(), 2, "what is built in and traced functions lack nothing: {lacks:?}");
    assert!(stage.instance().save_state().expect("saves") == chunk, "nothing is lost");
    stage.render_to_end().expect("it renders");
    assert!(peak(&stage.finish().channels[0]) > 0.1, "what is built in sounds");
}

/// A traced function at random: sums, products and the like of phasors, constants, controls and noise.
fn traced(dice: &mut Dice, inputs: usize) -> Value {
    let precision = ["float", "double"][dice.below(2)];
    let signal = |id: usize| json!({"id": id, "channels": 1, "precision": precision});
    let mut equations: Vec<Value> = Vec::new();
    let mut next = inputs;
    let mut make = |name: &str, from: &[usize], params: Value| {
        let from: Vec<Value> = from.iter().map(|id| signal(*id)).collect();
        equations.push(json!({"primitive": {"name": name, "stateful": false}, "inputs": from,
            "outputs": [signal(next)], "params": params}));
        next += 1;
        next - 1
    };
    let no = || json!({"type": "no"});
    let rate = make("sr", &[], no());
    let freq = make(
        "control",
        &[],
        json!({"type": "control", "name": "freq", "init": 110.0 + dice.below(400) as f64,
        "lo": 20.0, "hi": 2000.0, "step": 0.01}),
    );
    let step = make("div", &[freq, rate], no());
    let body = json!({"type": "dsp_graph", "precision": precision, "inputs": [signal(0), signal(1)],
        "outputs": [signal(4)], "equations": [
            {"primitive": {"name": "add"}, "inputs": [signal(0), signal(1)], "outputs": [signal(2)]},
            {"primitive": {"name": "floor"}, "inputs": [signal(2)], "outputs": [signal(3)]},
            {"primitive": {"name": "sub"}, "inputs": [signal(2), signal(3)], "outputs": [signal(4)]}]});
    let phase = make(
        "feedback",
        &[step],
        json!({"type": "feedback", "body_graph": body, "feedback_input_index": 0,
        "free_var_signals": [signal(step)]}),
    );
    let noise = make("faust_expr", &[], json!({"type": "faust_expr", "template": "no.noise"}));
    let mut pool: Vec<usize> = (0..inputs).chain([phase, noise]).collect();
    for _ in 0..2 + dice.below(6) {
        let (a, b) = (pool[dice.below(pool.len())], pool[dice.below(pool.len())]);
        let made = match dice.below(6) {
            0 => make("sin", &[a], no()),
            1 => make("mul", &[a, b], no()),
            2 => make("sub", &[a, b], no()),
            3 => make("mem", &[a], no()),
            4 => make("min", &[a, b], no()),
            _ => make("const", &[], json!({"type": "const", "value": dice.below(1000) as f64 / 777.0})),
        };
        pool.push(made);
    }
    let all = pool.iter().skip(1).fold(pool[0], |sum, id| make("add", &[sum, *id], no()));
    let level = make("const", &[], json!({"type": "const", "value": 0.05}));
    let out = make("mul", &[all, level], no());
    let ends: Vec<Value> = (0..inputs).map(signal).collect();
    json!({"type": "dsp_graph", "precision": precision, "inputs": ends, "outputs": [signal(out)],
        "equations": equations})
}

fn session(dice: &mut Dice) -> Value {
    let names = ["a", "grp/b", "grp/c", "d"];
    let nodes: Vec<Value> = names
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let mut node = node(name, &traced(dice, at.min(2)), (1 + dice.below(100)) as f64 / 100.0);
            // Of several voices none sounds without a note.
            node["count"] = if at == 0 { 1 } else { 1 + dice.below(3) }.into();
            node
        })
        .collect();
    let hits = krach_support::session::hits("freq", 1 + dice.below(5));
    let level = dice.below(90) as f64 / 100.0;
    json!({"nodes": nodes, "tempo": 60.0 + dice.below(100) as f64,
        "routing": [{"source": "a", "target": "grp/b", "kind": "send", "level": level},
                    {"source": "grp/b", "target": "grp/c", "kind": "wire", "port": format!("in{}", dice.below(2))}],
        "patterns": [{"target": names[dice.below(4)], "pattern": hits}],
        "controls": [{"path": "d/freq", "value": 300.0 + level}],
        "muted": if dice.below(2) == 0 { json!([{"name": "d", "saved_gain": level}]) } else { json!([]) }})
}

#[test]
fn sessions_of_any_traced_functions_come_back_as_the_same_sound_and_the_same_bytes() {
    let mut dice = Dice(20);
    for turn in 0..16 {
        let document = session(&mut dice);
        let mut first = recalled(&of_document(&document), &options(0.5));
        assert_eq!(failures(&mut first), Vec::<Value>::new(), "{turn}: {document}");
        let saved = first.instance().save_state().expect("saves");
        first.render_to_end().expect("it renders");
        let problems = ask(&mut first, &json!({"cmd": "Status"}))["problems"].to_string();
        let heard = first.finish().channels;
        assert!(peak(&heard[0]) > 0.0, "{turn}: {problems}: {document}");
        let mut again = recalled(&saved, &RenderOptions { blocks: Blocks::Fixed(333), ..options(0.5) });
        assert!(again.instance().save_state().expect("saves") == saved, "{turn}: {document}");
        again.render_to_end().expect("it renders");
        let again = again.finish().channels;
        let frames = heard[0].len().min(again[0].len());
        let cut = |sound: &[Vec<f32>]| sound.iter().map(|side| side[..frames].to_vec()).collect::<Vec<_>>();
        assert_same_sound(&cut(&again), &cut(&heard), &format!("{turn}: {document}"));
    }
}

fn rpc(stage: &mut Stage, method: &str, params: &Value) -> Value {
    ask(stage, &json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
}

/// Renders so many frames more; the left side of what was added.
fn more(stage: &mut Stage, frames: usize) -> Vec<f32> {
    let from = stage.recorded(0, 0).len();
    while stage.recorded(0, 0).len() < from + frames {
        stage.advance().expect("it renders");
    }
    stage.recorded(0, 0)[from..].to_vec()
}

#[test]
fn a_module_of_traced_functions_sounds_through_the_socket_and_what_is_captured_is_what_was_loaded() {
    for name in DOCUMENTS {
        let mut stage = sound_stage(&options(4.0));
        let module = stored(name);
        let loaded = rpc(&mut stage, "load", &json!({"module": module}));
        assert!(loaded.get("error").is_none(), "{name}: {loaded}");
        let heard = more(&mut stage, 96_000);
        assert!(peak(&heard) > 0.05, "{name}: {}", peak(&heard));
        let captured = rpc(&mut stage, "capture", &json!({}))["result"]["module"].clone();
        let mut other = sound_stage(&options(4.0));
        rpc(&mut other, "load", &json!({"module": captured}));
        more(&mut other, 4_800);
        assert_eq!(rpc(&mut other, "capture", &json!({}))["result"]["module"], captured, "{name}");
    }
}

#[test]
fn a_node_that_is_given_another_function_plays_the_old_one_until_the_new_one_is_compiled() {
    let mut stage = sound_stage(&options(20.0));
    let set = |stage: &mut Stage, source: Value| {
        rpc(stage, "node", &json!({"name": "n", "source": source, "gain": 1.0}))
    };
    assert!(set(&mut stage, constant(0.25)).get("error").is_none());
    more(&mut stage, 48_000);
    for (turn, level) in [(1, 0.5), (2, 0.125), (3, 0.75)] {
        let before = *stage.recorded(0, 0).last().expect("some");
        // One that does not compile: the old one plays on, to the bit.
        let bad = set(&mut stage, templated(&format!("nonsense{turn}")));
        assert!(bad.get("error").is_none(), "nobody knows yet: {bad}");
        assert!(more(&mut stage, 24_000).iter().all(|x| *x == before), "{turn}");
        let told = failures(&mut stage);
        assert_eq!((&told[0]["nodes"], &told[0]["place"]), (&json!(["n"]), &json!("$.equations[0]")));
        // Who asks for it again is told at once, and the session stays.
        let again = set(&mut stage, templated(&format!("nonsense{turn}")));
        let error = &again["error"];
        assert!(error["message"].as_str().is_some_and(|m| m.contains("nonsense")), "{again}");
        assert!(error.to_string().contains("source.equations[0]"), "{again}");
        // One that does comes in by the usual fade, and never drops below either.
        assert!(set(&mut stage, constant(level)).get("error").is_none());
        let heard = more(&mut stage, 48_000);
        let (low, high) = (before.min(level as f32), before.max(level as f32));
        assert!(heard.iter().all(|x| (low - 1e-6..=high + 1e-6).contains(x)), "{turn}: a hole, or too much");
        assert_eq!(heard[47_999], level as f32);
        assert_eq!(failures(&mut stage), Vec::<Value>::new());
    }
    // Back to the start, past what did not compile.
    for _ in 0..6 {
        let undone = rpc(&mut stage, "undo", &json!({}));
        assert!(undone.get("error").is_none(), "{undone}");
    }
    assert_eq!(more(&mut stage, 48_000)[47_999], 0.25);
}

#[test]
fn a_project_knows_which_libraries_of_faust_it_was_made_with_and_says_if_they_are_others() {
    let nodes = [node("n", &templated("no.noise"), 1.0)];
    let mut stage = recalled(&of_document(&json!({"nodes": nodes})), &options(1.0));
    let saved = document(&stage.instance().save_state().expect("saves"));
    let ours = saved["krach"]["libraries"].as_str().expect("they are named").to_owned();
    assert!(ours.chars().filter(|c| *c == '.').count() == 2 && ours.ends_with(')'), "{ours}");
    let problems = |stage: &mut Stage| ask(stage, &json!({"cmd": "Status"}))["problems"].to_string();
    assert_eq!(problems(&mut stage), "[]");
    drop(stage);
    let mut other = saved.clone();
    other["krach"]["libraries"] = "1.2.3 (00112233)".into();
    let chunk = of_document(&other);
    let mut stage = recalled(&chunk, &options(1.0));
    let told = problems(&mut stage);
    assert!(told.contains("libraries 1.2.3 (00112233)") && told.contains(&ours), "{told}");
    assert_eq!(
        document(&stage.instance().save_state().expect("saves")),
        document(&chunk),
        "what it was is kept"
    );
    // What needs none of them says nothing of them.
    let plain = [node("n", &json!("process = 0.5;"), 1.0), node("k", &json!("faust:kick"), 1.0)];
    let mut stage = recalled(&of_document(&json!({"nodes": plain})), &options(1.0));
    assert_eq!(document(&stage.instance().save_state().expect("saves"))["krach"]["libraries"], Value::Null);
}
