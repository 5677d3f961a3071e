//! Builds the texts of the sounds of `dsp/` in, and the sessions of `dsp/sessions`. The sounds are compiled when they are first
//! played.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo says where"));
    let folder =
        PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where")).join("../dsp");
    fs::write(out.join("factory.rs"), factory(&folder)).expect("cargo's folder can be written to");
    let sessions = sessions(&folder.join("sessions"));
    fs::write(out.join("sessions.rs"), sessions).expect("cargo's folder can be written to");
}

/// The table of the sounds, as Rust.
fn factory(folder: &Path) -> String {
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut sounds: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "dsp"))
        .collect();
    sounds.sort();
    let mut table = String::from("&[\n");
    for sound in sounds {
        println!("cargo:rerun-if-changed={}", sound.display());
        let name = sound.file_stem().expect("has a name").to_str().expect("is UTF-8").to_owned();
        let sound = sound.canonicalize().expect("was just read");
        writeln!(table, "    Factory {{ name: {name:?}, text: include_str!({sound:?}) }},")
            .expect("memory can be written to");
    }
    table + "]\n"
}

/// The table of the sessions, as Rust: what they are called and what they are is said in the table of their README.
fn sessions(folder: &Path) -> String {
    println!("cargo:rerun-if-changed={}", folder.display());
    let page = folder.join("README.md");
    let text = fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
    let mut keys = Vec::new();
    let mut table = String::from("&[\n");
    for row in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [key, name, about] = cells[..] else { panic!("{}: {row}", page.display()) };
        let key = key.trim_matches('`');
        let file = folder.join(format!("{key}.krach.json"));
        println!("cargo:rerun-if-changed={}", file.display());
        let file = file.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        writeln!(
            table,
            "    FactorySession {{ key: {key:?}, name: {name:?}, about: {about:?}, text: include_str!({file:?}) }},"
        )
        .expect("memory can be written to");
        keys.push(key.to_owned());
    }
    let there = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for file in there.filter_map(|entry| entry.ok()?.file_name().into_string().ok()) {
        if let Some(key) = file.strip_suffix(".krach.json") {
            assert!(keys.iter().any(|known| known == key), "{}: no row for {file}", page.display());
        }
    }
    table + "]\n"
}
