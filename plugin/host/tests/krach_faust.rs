//! FAUST sounds through the plugin: files become sounds at once, change under the sound, and nothing
//! that is wrong with one is ever heard.

mod krach_support;

use krach_host::transport::{Blocks, Script};
use krach_host::{Length, RenderOptions, Stage};
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
