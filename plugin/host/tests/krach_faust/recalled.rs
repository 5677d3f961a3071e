//! A project on another machine: without its files, without a cache, without the command.

use krach_host::RenderOptions;
use krach_host::transport::Blocks;
use serde_json::json;

use super::krach_support::ask_all;
use super::krach_support::elsewhere::{elsewhere, is_elsewhere};
use super::krach_support::session::{hits, play};
use super::krach_support::sounds::{failure, folder, graph, sound_stage, types, write};
use super::{beats, options, rpc};

const STATE: &str = "KRACH_TEST_STATE";
const SOUND: &str = "KRACH_TEST_SOUND";

fn bytes_of(samples: &[f32]) -> Vec<u8> {
    samples.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// Bass from a file with an import, a built-in kick, an own text; half a second each.
#[test]
fn a_project_sounds_the_same_where_there_is_no_file_no_cache_and_of_what_is_built_in_no_command() {
    write(
        "recalled/part.lib",
        "part(f) = os.sawtooth(f) : fi.lowpass(2, 900) with { os = library(\"oscillators.lib\"); fi = library(\"filters.lib\"); };",
    );
    write(
        "recalled.dsp",
        "import(\"recalled/part.lib\"); process = part(hslider(\"freq\", 55, 20, 2000, 0.1)) * 0.3;",
    );
    let mut stage = sound_stage(&options(Blocks::Fixed(256)));
    types(&mut stage);
    let own = rpc(&mut stage, "define", json!({"name": "mine", "text": "process = 0.1;"}));
    assert!(own.get("error").is_none(), "{own}");
    ask_all(
        &mut stage,
        &[
            graph(&["recalled", "kick", "mine"]).to_string(),
            json!({"type": "set_control", "label": "recalled/freq", "value": 82.5}).to_string(),
            play("kick", &hits("kick/gate", 4)),
        ],
    );
    beats(&mut stage, 1.0);
    let state = stage.instance().save_state().expect("it saves");
    drop(stage);
    let fresh = RenderOptions { state: Some(state.clone()), ..options(Blocks::Fixed(256)) };
    let mut again = sound_stage(&fresh);
    let sound = beats(&mut again, 4.0);
    assert!(sound.iter().any(|x| x.abs() > 0.2));
    assert!(sound[0] != 0.0, "the first sample is right");
    assert!(again.instance().save_state().expect("it saves") == state, "and nothing is added or lost");
    drop(again);

    let place = folder().join("../elsewhere");
    std::fs::create_dir_all(&place).expect("our own folder");
    let (chunk, heard) = (place.join("state"), place.join("sound"));
    std::fs::write(&chunk, &state).expect("our own file");
    let variables = [(STATE, chunk.as_os_str()), (SOUND, heard.as_os_str())];
    elsewhere("recalled::recalled_with_the_faust_command", &variables);
    assert!(std::fs::read(&heard).expect("rendered") == bytes_of(&sound), "another sound elsewhere");
    let none = [variables[0], ("KRACH_FAUST", std::ffi::OsStr::new("none"))];
    elsewhere("recalled::recalled_without_the_faust_command", &none);
}

#[test]
#[ignore = "run by a_project_sounds_the_same_where_there_is_no_file_no_cache_and_of_what_is_built_in_no_command"]
fn recalled_with_the_faust_command() {
    assert!(is_elsewhere(), "a body for another process");
    let state = std::fs::read(std::env::var_os(STATE).expect("given")).expect("readable");
    let mut stage = sound_stage(&RenderOptions { state: Some(state), ..options(Blocks::Fixed(256)) });
    let sound = beats(&mut stage, 4.0);
    std::fs::write(std::env::var_os(SOUND).expect("given"), bytes_of(&sound)).expect("our own file");
}

#[test]
#[ignore = "run by a_project_sounds_the_same_where_there_is_no_file_no_cache_and_of_what_is_built_in_no_command"]
fn recalled_without_the_faust_command() {
    assert!(is_elsewhere(), "a body for another process");
    let state = std::fs::read(std::env::var_os(STATE).expect("given")).expect("readable");
    let given = RenderOptions { state: Some(state.clone()), ..options(Blocks::Fixed(256)) };
    let mut stage = sound_stage(&given);
    let sound = beats(&mut stage, 4.0);
    assert!(sound.iter().any(|x| x.abs() > 0.1), "what is built in sounds");
    for id in ["faust:recalled", "faust:mine"] {
        let failure = failure(&mut stage, id).expect("it says what it lacks");
        assert!(failure["text"].as_str().is_some_and(|text| text.contains("no faust command")), "{failure}");
    }
    assert!(failure(&mut stage, "faust:kick").is_none());
    assert!(stage.instance().save_state().expect("it saves") == state, "nothing is lost");
}
