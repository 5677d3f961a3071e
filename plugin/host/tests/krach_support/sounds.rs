//! A folder of sounds of the test's own process, and the requests that play them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use krach_host::{RenderOptions, Stage};
use serde_json::{Value, json};

use super::session::wire;
use super::{home, stage};

/// The folder in which this process's instances look for sounds. All tests of a process share it: each
/// has names of its own.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = home::enter().path().join("dsp");
        fs::create_dir_all(&folder).expect("our own folder");
        // SAFETY: tests come by here before they load a plugin, one at a time; until then only the
        // standard library, which locks, reads the environment.
        unsafe { std::env::set_var("NOISE_DSP_DIR", &folder) };
        folder
    })
}

/// Writes a sound, or anything that one imports, as editors do that write in place.
pub fn write(file: &str, text: &str) {
    let path = folder().join(file);
    fs::create_dir_all(path.parent().expect("in the folder")).expect("our own folder");
    fs::write(path, text).expect("our own file");
}

/// The same as editors do that write elsewhere and rename.
pub fn save_by_renaming(file: &str, text: &str) {
    let draft = folder().join(format!(".{file}.draft"));
    fs::write(&draft, text).expect("our own file");
    fs::rename(draft, folder().join(file)).expect("our own file");
}

/// A stage with sounds.
pub fn sound_stage(options: &RenderOptions) -> Stage {
    folder();
    stage(options)
}

/// The types that are listed now. Asking makes the plugin look into the folder.
pub fn types(stage: &mut Stage) -> Vec<String> {
    let reply = ask(stage, &json!({"type": "list_nodes", "reply_port": 0}));
    let types = reply["types"].as_array().expect("a list");
    types.iter().map(|id| id.as_str().expect("text").to_owned()).collect()
}

/// One request and its reply.
pub fn ask(stage: &mut Stage, request: &Value) -> Value {
    stage.client().expect("opened with a connection").request(&request.to_string()).expect("a reply")
}

/// A graph in which sounds go straight to the master, each node named as its type without the family.
pub fn graph(sounds: &[&str]) -> Value {
    let node = |sound: &&str| json!({"id": sound, "type_id": format!("faust:{sound}")});
    let mut nodes: Vec<Value> = sounds.iter().map(node).collect();
    nodes.push(json!({"id": "out", "type_id": "dac"}));
    let wires: Vec<Value> = sounds.iter().map(|sound| wire(sound, "out")).collect();
    json!({"type": "load_graph", "nodes": nodes, "connections": wires})
}

/// What is wrong with a sound, by the State object.
pub fn failure(stage: &mut Stage, type_id: &str) -> Option<Value> {
    let state = ask(stage, &json!({"cmd": "Status"}));
    let failures = state["sounds"]["failures"].as_array().expect("a list").clone();
    failures.into_iter().find(|failure| failure["type"] == type_id)
}
