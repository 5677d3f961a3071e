//! FAUST sounds through the plugin: files become sounds at once, change under the sound, and nothing
//! that is wrong with one is ever heard.

mod krach_support;
#[path = "krach_faust/recalled.rs"]
mod recalled;

use krach_host::transport::{Blocks, Script};
use krach_host::{Length, RenderOptions, Stage};
use krach_support::chunk::document;
use krach_support::elsewhere::{elsewhere, is_elsewhere};
use krach_support::session::{atom, cat, hits, play};
use krach_support::sounds::{ask, failure, folder, graph, save_by_renaming, sound_stage, types, write};
use krach_support::{ask_all, assert_same_sound};
use serde_json::json;

fn options(blocks: Blocks) -> RenderOptions {
    RenderOptions {
        script: Script::playing(120.0),
        blocks,
        length: Length::Seconds(8.0),
        ..RenderOptions::default()
    }
}

/// Renders so many beats more; the left side of what was added.
fn beats(stage: &mut Stage, count: f64) -> Vec<f32> {
    let from = stage.recorded(0, 0).len();
    let frames = (count * 24_000.0) as usize;
    while stage.recorded(0, 0).len() < from + frames {
        stage.advance().expect("it renders");
    }
    stage.recorded(0, 0)[from..].to_vec()
}

fn level(samples: &[f32]) -> f32 {
    samples[samples.len() - 1]
}

/// A sound whose output is a constant.
fn constant(value: f64) -> String {
    format!("process = hslider(\"level[unit:dB]\", {value}, 0, 1, 0.001);\n")
}

#[test]
fn a_file_is_listed_at_once_sounds_on_use_and_follows_every_kind_of_save() {
    let mut stage = sound_stage(&options(Blocks::Fixed(256)));
    assert!(types(&mut stage).contains(&"faust:kick".to_owned()), "what is built in is listed");
    write("saved.dsp", &constant(0.25));
    write("saved sub/in here.dsp", &constant(0.125));
    let listed = types(&mut stage);
    assert!(listed.contains(&"faust:saved".to_owned()), "{listed:?}");
    assert!(listed.contains(&"faust:saved sub/in here".to_owned()), "{listed:?}");
    ask_all(&mut stage, &[graph(&["saved", "saved sub/in here"]).to_string()]);
    assert_eq!(level(&beats(&mut stage, 1.0)), 0.375);
    write("saved.dsp", &constant(0.5));
    types(&mut stage);
    assert_eq!(level(&beats(&mut stage, 1.0)), 0.625);
    save_by_renaming("saved.dsp", &constant(0.0625));
    types(&mut stage);
    assert_eq!(level(&beats(&mut stage, 1.0)), 0.1875);
    // The value that was set stays whatever the new default is.
    ask_all(&mut stage, &[json!({"type": "set_control", "label": "saved/level", "value": 0.75}).to_string()]);
    write("saved.dsp", &constant(0.5));
    types(&mut stage);
    assert_eq!(level(&beats(&mut stage, 1.0)), 0.875);
}

#[test]
fn the_system_tells_of_a_save_without_anybody_asking() {
    let realtime = RenderOptions { realtime: true, ..options(Blocks::Fixed(256)) };
    let mut stage = sound_stage(&realtime);
    write("told.dsp", &constant(0.25));
    types(&mut stage);
    ask_all(&mut stage, &[graph(&["told"]).to_string()]);
    let mut wait_for = |expected: f32| {
        let since = std::time::Instant::now();
        while level(&beats(&mut stage, 0.1)) != expected {
            assert!(since.elapsed().as_secs() < 20, "{expected} was not heard");
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    };
    wait_for(0.25);
    save_by_renaming("told.dsp", &constant(0.5));
    wait_for(0.5);
    write("told.dsp", &constant(0.125));
    wait_for(0.125);
}

#[test]
fn a_change_of_an_import_and_of_what_it_imports_is_heard() {
    write("lib/half.lib", "import(\"lib/number.lib\"); half(x) = x * number;");
    write("lib/number.lib", "number = 0.5;");
    write("imports.dsp", "import(\"lib/half.lib\"); process = half(0.5);");
    let mut stage = sound_stage(&options(Blocks::Fixed(256)));
    types(&mut stage);
    ask_all(&mut stage, &[graph(&["imports"]).to_string()]);
    assert_eq!(level(&beats(&mut stage, 1.0)), 0.25);
    write("lib/number.lib", "number = 0.25;");
    types(&mut stage);
    assert_eq!(level(&beats(&mut stage, 1.0)), 0.125);
    // The file beside the program is found before the one at the top.
    write("sub/imports2.dsp", "import(\"near.lib\"); process = near;");
    write("near.lib", "near = 0.5;");
    types(&mut stage);
    ask_all(&mut stage, &[graph(&["sub/imports2"]).to_string()]);
    assert_eq!(level(&beats(&mut stage, 1.0)), 0.5);
    write("sub/near.lib", "near = 0.75;");
    types(&mut stage);
    assert_eq!(level(&beats(&mut stage, 1.0)), 0.75);
}

#[test]
fn a_file_of_the_same_name_is_in_place_of_what_is_built_in_and_its_loss_is_not_heard() {
    let mut stage = sound_stage(&options(Blocks::Fixed(256)));
    ask_all(&mut stage, &[graph(&["clap"]).to_string()]);
    beats(&mut stage, 1.0);
    write("clap.dsp", &constant(0.5));
    types(&mut stage);
    assert_eq!(level(&beats(&mut stage, 1.0)), 0.5);
    std::fs::remove_file(folder().join("clap.dsp")).expect("ours");
    types(&mut stage);
    assert_eq!(level(&beats(&mut stage, 1.0)), 0.5, "what plays, plays on");
}

#[test]
fn a_broken_file_is_named_with_its_place_and_the_old_sound_plays_on_to_the_bit() {
    let good = "import(\"stdfaust.lib\"); process = os.osc(331) * hslider(\"level\", 0.5, 0, 1, 0.01);\n";
    let perform = |breaks: bool, name: &str| {
        write(&format!("{name}.dsp"), good);
        let mut stage = sound_stage(&options(Blocks::Fixed(256)));
        types(&mut stage);
        ask_all(&mut stage, &[graph(&[name]).to_string()]);
        let mut heard = beats(&mut stage, 1.0);
        for broken in [
            "process = os.osc(331) * ;\n",
            "import(\"stdfaust.lib\");\nprocess = nonsense;\n",
            "\u{0}\u{1}\u{2}",
        ] {
            if breaks {
                write(&format!("{name}.dsp"), broken);
            }
            types(&mut stage);
            heard.extend(beats(&mut stage, 1.0));
        }
        if breaks {
            write(&format!("{name}.dsp"), "import(\"stdfaust.lib\");\nprocess = nonsense;\n");
            types(&mut stage);
            heard.extend(beats(&mut stage, 1.0));
            let failure = failure(&mut stage, &format!("faust:{name}")).expect("it is told");
            assert_eq!(failure["file"], format!("{name}.dsp"));
            assert_eq!((failure["line"].as_u64(), failure["column"].as_u64()), (Some(2), Some(11)));
            assert!(failure["text"].as_str().is_some_and(|text| text.contains("nonsense")), "{failure}");
            let state = ask(&mut stage, &json!({"cmd": "Status"}));
            let problems = state["problems"].to_string();
            assert!(problems.contains("what played before plays on"), "{problems}");
            write(&format!("{name}.dsp"), good);
            types(&mut stage);
            heard.extend(beats(&mut stage, 1.0));
            assert!(self::failure(&mut stage, &format!("faust:{name}")).is_none(), "mended");
        } else {
            heard.extend(beats(&mut stage, 2.0));
        }
        heard
    };
    let (untouched, broken) = (perform(false, "whole"), perform(true, "breaks"));
    assert!(untouched.iter().any(|x| x.abs() > 0.4));
    assert_same_sound(&[broken], &[untouched], "broken and mended");
}

#[test]
fn a_file_that_nothing_plays_is_checked_and_a_graph_that_asks_for_it_is_refused_with_the_reason() {
    write("checked.dsp", "import(\"stdfaust.lib\");\n\nprocess = missing : _;\n");
    let mut stage = sound_stage(&options(Blocks::Fixed(256)));
    types(&mut stage);
    let since = std::time::Instant::now();
    while failure(&mut stage, "faust:checked").is_none() {
        assert!(since.elapsed().as_secs() < 20, "it was never checked");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    // The system may still be telling of the file, which is then on its way to be checked again.
    let mut refused = ask(&mut stage, &graph(&["checked"]));
    while refused["status"] == "Ok" {
        assert!(since.elapsed().as_secs() < 20, "it was never refused");
        std::thread::sleep(std::time::Duration::from_millis(5));
        refused = ask(&mut stage, &graph(&["checked"]));
    }
    let message = refused["msg"].as_str().expect("a text");
    assert!(
        message.starts_with("load_graph: registry error: node creation failed: checked.dsp:3:11: "),
        "{message}"
    );
    // Mended and asked for in one breath, before anybody could have noticed.
    write("checked.dsp", &constant(0.5));
    ask_all(&mut stage, &[graph(&["checked"]).to_string()]);
    assert_eq!(level(&beats(&mut stage, 1.0)), 0.5);
}

#[test]
fn a_client_may_use_a_file_at_once_and_redefine_it_at_once() {
    let mut stage = sound_stage(&options(Blocks::Fixed(256)));
    write("redefined.dsp", &constant(0.25));
    // Without asking for the list first.
    ask_all(&mut stage, &[graph(&["redefined"]).to_string()]);
    assert_eq!(level(&beats(&mut stage, 1.0)), 0.25);
    // The new text has an input, and the graph uses it at once.
    write("redefined.dsp", "process = _ * 0.5;\n");
    let mut wired = graph(&["redefined"]);
    wired["nodes"].as_array_mut().unwrap().push(json!({"id": "dc", "type_id": "oscillator",
        "controls": {"freq": 0.01, "waveform": 2, "pulse_width": 0.99}}));
    let wires = wired["connections"].as_array_mut().unwrap();
    wires.push(krach_support::session::wire("dc", "redefined"));
    ask_all(&mut stage, &[wired.to_string()]);
    assert!((level(&beats(&mut stage, 1.0)) - 0.5).abs() < 1e-3);
    // A port that the new text does not have is told, not played, and does no harm.
    write("redefined.dsp", &constant(0.75));
    ask_all(&mut stage, &[wired.to_string()]);
    assert_eq!(level(&beats(&mut stage, 1.0)), 0.75);
    let problems = ask(&mut stage, &json!({"cmd": "Status"}))["problems"].to_string();
    assert!(problems.contains("dc.out → redefined.in is not played"), "{problems}");
}

/// The text of a sound in what is saved now, if it is there.
fn saved_text(stage: &mut Stage, type_id: &str) -> Option<String> {
    let saved = document(&stage.instance().save_state().expect("a chunk"));
    saved["krach"]["sources"][type_id]["text"].as_str().map(str::to_owned)
}

#[test]
fn a_save_has_the_texts_of_sounds_that_are_still_compiling_and_none_that_do_not_compile() {
    let mut stage = sound_stage(&options(Blocks::Fixed(256)));
    // Texts that no cache has, and that take a while.
    let own = format!("own = {};\n", std::process::id());
    let text =
        "import(\"stdfaust.lib\"); import(\"early.lib\"); process = par(i, 16, os.osc(own + i)) :> _;\n";
    write("early.lib", &own);
    write("early.dsp", text);
    ask_all(&mut stage, &[graph(&["early"]).to_string()]);
    assert_eq!(saved_text(&mut stage, "faust:early").as_deref(), Some(text));
    let saved = document(&stage.instance().save_state().unwrap());
    assert_eq!(saved["krach"]["sources"]["faust:early"]["imports"]["early.lib"], own);
    // What came with krach, too.
    rpc(&mut stage, "node", json!({"name": "k", "source": "faust:kick"}));
    assert!(saved_text(&mut stage, "faust:kick").is_some());
    // A text that is none is no part of the project: its file counts once it is mended.
    write("late.dsp", &format!("process = nothing{};\n", std::process::id()));
    // It may be known by now that it does not compile: then the node is refused.
    rpc(&mut stage, "node", json!({"name": "late", "source": "faust:late"}));
    let since = std::time::Instant::now();
    while failure(&mut stage, "faust:late").is_none() {
        assert!(since.elapsed().as_secs() < 60, "it was never refused");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    // The folder's check is known before the compile of whoever plays it has ended, which takes the text out.
    while saved_text(&mut stage, "faust:late").is_some() {
        assert!(since.elapsed().as_secs() < 60, "a text that is none stays in the project");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(saved_text(&mut stage, "faust:early").as_deref(), Some(text));
}

#[test]
fn sounds_are_the_same_in_blocks_of_any_size() {
    let perform = |blocks: Blocks| {
        let mut stage = sound_stage(&options(blocks));
        let pitch = cat([55.0, 82.5, 110.0, 41.25].map(|pitch| atom("bass/freq", pitch)).to_vec());
        let mut graph = graph(&["kick", "hat", "bass", "pad", "reverb"]);
        graph["connections"].as_array_mut().unwrap().push(krach_support::session::wire("pad", "reverb"));
        ask_all(
            &mut stage,
            &[
                graph.to_string(),
                play("kick", &hits("kick/gate", 4)),
                play("hat", &hits("hat/gate", 7)),
                play("bass", &hits("bass/gate", 3)),
                play("pitch", &pitch),
                play("pad", &hits("pad/gate", 1)),
            ],
        );
        stage.render_to_end().expect("it renders");
        [0, 1].map(|channel| stage.recorded(0, channel)[..384_000].to_vec())
    };
    let reference = perform(Blocks::Fixed(256));
    assert!(reference[0].iter().any(|x| x.abs() > 0.1), "it sounds");
    for blocks in [Blocks::Fixed(64), Blocks::Fixed(333), Blocks::Fixed(2048), Blocks::Fixed(17)] {
        let what = format!("{blocks:?}");
        assert_same_sound(&perform(blocks), &reference, &what);
    }
}

fn rpc(stage: &mut Stage, method: &str, params: serde_json::Value) -> serde_json::Value {
    ask(stage, &json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
}

#[test]
fn a_text_can_be_tried_and_given_and_taken_back() {
    let mut stage = sound_stage(&options(Blocks::Fixed(256)));
    let good = "import(\"own.lib\"); process = own * hslider(\"cut[unit:Hz][scale:log][style:knob]\", 440, 20, 2000, 1);";
    let text = json!({"name": "given", "text": good, "imports": {"own.lib": "own = 0.001;"}});
    let tried = rpc(&mut stage, "compile", text.clone());
    let cut = &tried["result"]["controls"][0];
    assert_eq!(
        (cut["name"].as_str(), cut["unit"].as_str(), cut["scale"].as_str(), cut["style"].as_str()),
        (Some("cut"), Some("Hz"), Some("log"), Some("knob")),
        "{tried}"
    );
    assert_eq!(
        (cut["min"].as_f64(), cut["max"].as_f64(), cut["default"].as_f64()),
        (Some(20.0), Some(2000.0), Some(440.0))
    );
    assert!(tried["result"]["ms"]["front"].as_f64().is_some_and(|ms| ms > 0.0), "{tried}");
    assert!(!types(&mut stage).contains(&"faust:given".to_owned()), "trying is not giving");

    let wrong = rpc(&mut stage, "compile", json!({"text": "process = 1;\nprocess = nonsense;\n"}));
    assert_eq!(wrong["error"]["code"], -32000, "{wrong}");
    let data = &wrong["error"]["data"];
    assert_eq!(
        (&data["still_playing"], &data["line"], &data["span"]),
        (&json!(true), &json!(2), &json!([13, 20]))
    );
    // All that is wrong comes with its own place, as in events and in the status.
    let two = "process = a\n  + bb;";
    let wrong = rpc(&mut stage, "compile", json!({"name": "sub/two", "text": two}));
    let failure = &wrong["error"]["data"]["failure"];
    assert_eq!(
        (&failure["type"], &failure["file"]),
        (&json!("faust:sub/two"), &json!("sub/two.dsp")),
        "{wrong}"
    );
    assert_eq!((&failure["text"], &failure["span"]), (&json!("`a` is not defined"), &json!([10, 11])));
    let further = json!({
        "file": "sub/two.dsp",
        "line": 2,
        "column": 5,
        "span": [16, 18],
        "text": "`bb` is not defined",
        "hint": "say what it is (bb = ...;), or import the file that does",
    });
    assert_eq!(failure["further"], json!([further]));
    assert_eq!(wrong["error"]["message"].as_str().map(|text| text.lines().count()), Some(2), "{wrong}");
    let patch = "nodes:\n  osc: {module: SinOscillator}\n  out: {module: Out}\n";
    let wrong = rpc(&mut stage, "compile", json!({"name": "patch:two", "text": patch}));
    let failure = &wrong["error"]["data"]["failure"];
    assert_eq!((&failure["line"], &failure["further"][0]["line"]), (&json!(2), &json!(3)), "{wrong}");

    let given = rpc(&mut stage, "define", text);
    assert_eq!(given["result"]["type"], "faust:given", "{given}");
    ask_all(&mut stage, &[graph(&["given"]).to_string()]);
    assert!((level(&beats(&mut stage, 1.0)) - 0.44).abs() < 1e-6);
    let refused = rpc(&mut stage, "define", json!({"name": "given", "text": "process = ;"}));
    assert!(
        refused["error"]["data"]["place"].as_str().is_some_and(|place| place.starts_with("given.dsp:1")),
        "{refused}"
    );
    assert!((level(&beats(&mut stage, 1.0)) - 0.44).abs() < 1e-6, "all or nothing");
    let source = rpc(&mut stage, "source", json!({"type": "faust:given"}));
    assert_eq!(source["result"]["origin"], "session");
    assert_eq!(source["result"]["text"], good);
    assert_eq!(source["result"]["imports"]["own.lib"], "own = 0.001;");
    let refused = rpc(&mut stage, "define", json!({"name": "given", "text": null}));
    assert!(refused["error"]["message"].as_str().is_some_and(|text| text.contains("is used")), "{refused}");
    // A file of that name, saved now, has the word.
    write("given.dsp", &constant(0.125));
    types(&mut stage);
    assert_eq!(level(&beats(&mut stage, 1.0)), 0.125);
    assert_eq!(rpc(&mut stage, "source", json!({"type": "faust:given"}))["result"]["origin"], "file");
}

#[test]
fn what_there_is_is_told_with_its_controls() {
    write("told of.dsp", &constant(0.5));
    write("told broken.dsp", "process = ;");
    let mut stage = sound_stage(&options(Blocks::Fixed(256)));
    let all = rpc(&mut stage, "types", json!({}));
    let of = |id: &str| {
        let all = all["result"]["types"].as_array().expect("a list");
        all.iter().find(|ty| ty["type"] == id).unwrap_or_else(|| panic!("{id} in {all:?}")).clone()
    };
    let oscillator = of("oscillator");
    assert_eq!((&oscillator["origin"], &oscillator["state"]), (&json!("builtin"), &json!("ready")));
    let bass = of("faust:bass");
    assert_eq!(bass["origin"], "factory");
    let freq = bass["controls"]
        .as_array()
        .expect("compiled")
        .iter()
        .find(|c| c["name"] == "freq")
        .expect("freq")
        .clone();
    assert_eq!((&freq["unit"], &freq["scale"]), (&json!("Hz"), &json!("log")), "{freq}");
    let told = of("faust:told of");
    assert_eq!((&told["origin"], &told["controls"][0]["unit"]), (&json!("file"), &json!("dB")));
    let broken = of("faust:told broken");
    assert_eq!((&broken["state"], &broken["failure"]["line"]), (&json!("failed"), &json!(1)), "{broken}");
    let unknown = rpc(&mut stage, "types", json!({"type": "faust:nobody"}));
    assert_eq!(unknown["error"]["data"]["place"], "params.type", "{unknown}");
}

#[test]
fn events_come_to_those_who_want_them_and_to_nobody_else() {
    write("events.dsp", &constant(0.5));
    let mut stage = sound_stage(&options(Blocks::Fixed(256)));
    let socket = stage.instance().socket().expect("it listens").to_owned();
    let mut listener = krach_host::Client::connect(&socket).expect("a second client");
    // First, while nothing is told that could come before the reply.
    let unknown =
        json!({"jsonrpc": "2.0", "id": 2, "method": "subscribe", "params": {"topics": ["weather"]}});
    assert_eq!(listener.request(&unknown.to_string()).expect("a reply")["error"]["code"], -32602);
    let wanted = json!({"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": {"topics": ["compiles", "errors"]}});
    assert_eq!(
        listener.request(&wanted.to_string()).expect("a reply")["result"]["topics"],
        json!(["compiles", "errors"])
    );
    types(&mut stage);
    ask_all(&mut stage, &[graph(&["events"]).to_string()]);
    beats(&mut stage, 0.5);
    let mut next = |topic: &str, about: &str| loop {
        let line = listener.poll().expect("connected");
        let Some(line) = line else {
            std::thread::sleep(std::time::Duration::from_millis(1));
            continue;
        };
        let event: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(event["method"], "event", "{line}");
        if event["params"]["topic"] == topic && event["params"]["type"] == about {
            return event["params"].clone();
        }
    };
    let compiled = next("compiles", "faust:events");
    assert!(compiled["ms"]["gather"].is_number() && compiled["cached"].is_boolean(), "{compiled}");
    write("events.dsp", "\nprocess = ;\n");
    types(&mut stage);
    let failed = next("errors", "faust:events");
    assert_eq!((&failed["file"], &failed["line"]), (&json!("events.dsp"), &json!(2)), "{failed}");
    assert_eq!(failed["still_playing"], true);
    // The other client, which asked for nothing, has had a reply for each request and no line more.
    assert_eq!(ask(&mut stage, &json!({"cmd": "Ping"})), json!({"status": "Pong"}));
    assert!(stage.client().expect("open").poll().expect("open").is_none());
}

#[test]
fn a_control_is_played_by_the_names_of_its_values_and_a_name_that_new_code_loses_is_an_event() {
    let menu =
        |entries: &str| format!("process = nentry(\"level[style:menu{{{entries}}}]\", 0.25, 0, 1, 0.125);");
    write("named.dsp", &menu("'low':0.25;'high':0.75"));
    let mut stage = sound_stage(&options(Blocks::Fixed(256)));
    let socket = stage.instance().socket().expect("it listens").to_owned();
    let mut listener = krach_host::Client::connect(&socket).expect("a second client");
    let wanted = json!({"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": {"topics": ["errors"]}});
    listener.request(&wanted.to_string()).expect("a reply");
    types(&mut stage);
    ask_all(&mut stage, &[graph(&["named"]).to_string()]);
    let rpc = |stage: &mut Stage, method: &str, params: serde_json::Value| {
        ask(stage, &json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
    };
    // Before its code is there, nobody knows what a control takes.
    let is_ready = |stage: &mut Stage| {
        let told = rpc(stage, "types", json!({}));
        let mut types = told["result"]["types"].as_array().expect("a list").iter();
        types.any(|ty| ty["type"] == "faust:named" && ty["state"] == "ready")
    };
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !is_ready(&mut stage) {
        assert!(std::time::Instant::now() < until, "it was never compiled");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let unknown = rpc(&mut stage, "play", json!({"target": "named/level", "pattern": "low hihg"}));
    let error = &unknown["error"];
    assert_eq!(error["message"], "named/level takes low, high or numbers from 0 to 1, not the name hihg");
    assert_eq!((&error["data"]["hint"], &error["data"]["column"]), (&json!("did you mean high?"), &json!(5)));
    let played = rpc(
        &mut stage,
        "play",
        json!({"target": "named/level", "pattern": "low high 0.5 <high low>", "at": 1}),
    );
    assert!(played["error"].is_null(), "{played}");
    let sound = beats(&mut stage, 7.25);
    let at = |beat: f64| sound[(beat * 24_000.0) as usize];
    assert_eq!([at(4.9), at(5.9), at(6.9), at(7.2)], [0.25, 0.75, 0.5, 0.25]);
    let drawn = rpc(&mut stage, "query", json!({"target": "named/level", "from": 1, "to": 2}));
    let values: Vec<_> = drawn["result"]["events"].as_array().expect("events").iter().collect();
    let values: Vec<_> = values.iter().map(|event| event["value"]["value"].clone()).collect();
    assert_eq!(values, [json!("low"), json!("high"), json!(0.5), json!("low")]);
    // Other values for the names, and one of them gone: what it played stays where it is.
    write("named.dsp", &menu("'low':0.125;'mid':0.5"));
    types(&mut stage);
    let sound = &beats(&mut stage, 4.75)[18_000..];
    let at = |beat: f64| sound[(beat * 24_000.0) as usize];
    assert_eq!([at(0.9), at(1.9), at(2.9), at(3.9)], [0.125, 0.125, 0.5, 0.5]);
    let lost = "the pattern of named/level names high for named/level, which named/level does not take in its present \
                code; it stays where it is";
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        assert!(std::time::Instant::now() < until, "nobody was told");
        let Some(line) = listener.poll().expect("connected") else {
            std::thread::sleep(std::time::Duration::from_millis(1));
            continue;
        };
        if line.contains(lost) {
            break;
        }
    }
}

#[test]
fn two_instances_may_have_other_texts_under_one_name() {
    let mut one = sound_stage(&options(Blocks::Fixed(256)));
    let mut other = sound_stage(&options(Blocks::Fixed(256)));
    write("shared.dsp", &constant(0.5));
    for stage in [&mut one, &mut other] {
        types(stage);
        ask_all(stage, &[graph(&["shared"]).to_string()]);
    }
    assert_eq!((level(&beats(&mut one, 1.0)), level(&beats(&mut other, 1.0))), (0.5, 0.5));
    let own = rpc(&mut other, "define", json!({"name": "shared", "text": constant(0.25)}));
    assert!(own.get("error").is_none(), "{own}");
    hear(&mut other, 0.25);
    assert_eq!((level(&beats(&mut one, 1.0)), level(&beats(&mut other, 1.0))), (0.5, 0.25));
    write("shared.dsp", &constant(0.75));
    for stage in [&mut one, &mut other] {
        types(stage);
        assert_eq!(level(&beats(stage, 1.0)), 0.75, "whoever was last has the word");
    }
}

/// Plays on until that level is heard.
fn hear(stage: &mut Stage, wanted: f32) {
    let since = std::time::Instant::now();
    while level(&beats(stage, 0.1)) != wanted {
        assert!(since.elapsed().as_secs() < 60, "{wanted} was not heard");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn what_the_system_tells_late_of_a_save_does_not_overtake_the_text_that_was_defined_after_it() {
    let mut stage =
        sound_stage(&RenderOptions { length: Length::Seconds(900.0), ..options(Blocks::Fixed(256)) });
    write("overtaken.dsp", &constant(0.5));
    types(&mut stage);
    ask_all(&mut stage, &[graph(&["overtaken"]).to_string()]);
    let origin = |stage: &mut Stage| {
        rpc(stage, "source", json!({"type": "faust:overtaken"}))["result"]["origin"].clone()
    };
    for round in 0..12_u64 {
        write("overtaken.dsp", &constant(0.5 + round as f64 / 64.0));
        // The system tells of it after some milliseconds.
        std::thread::sleep(std::time::Duration::from_millis(3 * round));
        let own = 0.25 + round as f64 / 64.0;
        let defined = rpc(&mut stage, "define", json!({"name": "overtaken", "text": constant(own)}));
        assert!(defined.get("error").is_none(), "{defined}");
        hear(&mut stage, own as f32);
        std::thread::sleep(std::time::Duration::from_millis(60));
        assert_eq!(origin(&mut stage), "session", "round {round}");
        assert_eq!(level(&beats(&mut stage, 0.1)), own as f32, "round {round}");
    }
    // A save after it has the word, also if all that the system tells without reading is as it was.
    let path = folder().join("overtaken.dsp");
    let modified = std::fs::metadata(&path).and_then(|meta| meta.modified()).expect("it is there");
    write("overtaken.dsp", &constant(0.125));
    let file = std::fs::File::options().write(true).open(&path).expect("our own file");
    file.set_modified(modified).expect("our own file");
    hear(&mut stage, 0.125);
    assert_eq!(origin(&mut stage), "file");
}

#[test]
fn a_folder_full_of_rubbish_is_no_obstacle() {
    let mut dice = krach_support::Dice(3);
    for number in 0..20 {
        let bytes: Vec<u8> = (0..1 + dice.below(5000)).map(|_| dice.roll() as u8).collect();
        std::fs::write(folder().join(format!("rubbish{number}.dsp")), bytes).expect("our own file");
    }
    std::os::unix::fs::symlink("/nowhere", folder().join("dangling.dsp")).expect("our own link");
    std::os::unix::fs::symlink(folder(), folder().join("circle")).expect("our own link");
    write("among rubbish.dsp", &constant(0.5));
    let mut stage = sound_stage(&options(Blocks::Fixed(256)));
    types(&mut stage);
    ask_all(&mut stage, &[graph(&["among rubbish"]).to_string()]);
    assert_eq!(level(&beats(&mut stage, 1.0)), 0.5);
    let since = std::time::Instant::now();
    while (0..20).any(|number| failure(&mut stage, &format!("faust:rubbish{number}")).is_none()) {
        assert!(since.elapsed().as_secs() < 60, "not every file was told of");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn an_instance_that_goes_while_it_compiles_leaves_nothing_behind() {
    if !is_elsewhere() {
        return elsewhere("an_instance_that_goes_while_it_compiles_leaves_nothing_behind", &[]);
    }
    let count = |what: &str| std::fs::read_dir(what).expect("a folder of the system's").count();
    let library = {
        folder();
        krach_host::Library::load(&krach_support::plugin()).expect("loads")
    };
    let now = || (count("/proc/self/task"), count("/proc/self/fd"));
    let before = now();
    let mut left = Vec::new();
    for turn in 0..6 {
        // Endless in the front half, or long in the back half.
        write("endless.dsp", &format!("process = par(i, 10000000, _); // {turn}"));
        write(
            "long.dsp",
            &format!(
                "import(\"stdfaust.lib\"); process = sum(i, 60, os.osc(100 + i + {turn}) : fi.lowpass(6, 900));"
            ),
        );
        let mut instance =
            krach_host::Instance::create_with_socket(&library, None, std::time::Duration::from_secs(10))
                .expect("opens its socket");
        let mut client = krach_host::Client::connect(instance.socket().expect("there")).expect("connects");
        client.request(&json!({"type": "list_nodes", "reply_port": 0}).to_string()).expect("a reply");
        client.request(&graph(&["endless", "long"]).to_string()).expect("a reply");
        std::thread::sleep(std::time::Duration::from_millis(60 * turn));
        instance.idle();
        drop(client);
        let began = std::time::Instant::now();
        drop(instance);
        println!("gone after {:?}", began.elapsed());
        let children: Vec<_> = std::fs::read_dir("/proc")
            .expect("a folder of the system's")
            .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join("stat")).ok())
            .filter(|stat| {
                let after = stat.rsplit(')').next().unwrap_or_default();
                after.split_whitespace().nth(1) == Some(&std::process::id().to_string())
            })
            .collect();
        assert!(children.is_empty(), "a child is left: {children:?}");
        let names = std::fs::read_dir(std::env::temp_dir()).expect("our own folder");
        let litter: Vec<_> = names
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.starts_with("krach-faust"))
            .collect();
        assert!(litter.is_empty(), "{litter:?}");
        // A thread that has done its last thing is in the system's list for a moment yet.
        let since = std::time::Instant::now();
        while now() != before && since.elapsed().as_secs() < 10 {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        left.push(now());
    }
    assert!(left.iter().all(|now| *now == before), "threads and files: {before:?}, after each: {left:?}");
}
