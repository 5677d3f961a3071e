//! docs/patch-modules.md and its drawings are what the descriptors and the modules say today.
//! `UPDATE_GOLDEN=1 cargo test -p krach-patch --test page` writes them anew.

#[path = "page/draw.rs"]
mod draw;
#[path = "page/responses.rs"]
mod responses;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use krach_patch::{Descriptor, Extent, Kind, Port, modules};

const HEAD: &str = "\
# Modules of patches

What [patches](patches.md) are made of. This page is written from the modules' own descriptors;
the drawings are what the modules answer, at 48 kHz.

0 V is C2 (65.406194 Hz), and 1 V is an octave. Signals are nominally within -1…1. A gate or trigger is high from 0.5 on, and a
trigger is one sample long. An input without a cable is 0.
";

fn docs() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs"))
}

fn range(kind: &Kind) -> (String, String) {
    match *kind {
        Kind::Float { min, max, default, log } => {
            (format!("{min}…{max}{}", if log { ", logarithmic" } else { "" }), default.to_string())
        }
        Kind::Int { min, max, default } => (format!("{min}…{max}, whole"), default.to_string()),
        Kind::Bool { default } => ("true, false".into(), default.to_string()),
        Kind::Enum { names, default } => (names.join(", "), names[default].into()),
        Kind::List { default, .. } => ("a list".into(), format!("[{}]", default.join(", "))),
    }
}

fn name(name: &str, indexed: bool) -> String {
    if indexed { format!("`{name}/0`…") } else { format!("`{name}`") }
}

fn ports(text: &mut String, what: &str, ports: &[Port]) {
    for port in ports {
        writeln!(text, "| {what} | {} | {} |", name(port.name, port.indexed), port.about).unwrap();
    }
}

fn section(module: &Descriptor, caption: &str) -> String {
    let mut text = format!("\n## {}\n\n{}\n\n", module.name, module.about);
    writeln!(text, "![{caption}](images/patches/{}.svg)\n", module.name).unwrap();
    writeln!(text, "*{caption}*\n\n| | | |\n|---|---|---|").unwrap();
    ports(&mut text, "in", module.inputs);
    ports(&mut text, "out", module.outputs);
    for param in module.params {
        let (range, default) = range(&param.kind);
        let unit = if param.unit.is_empty() { String::new() } else { format!(" {}", param.unit) };
        let named = name(param.name, param.indexed);
        writeln!(
            text,
            "| parameter | {named} | {range}{unit}; {default} where it is not given. {} |",
            param.about
        )
        .unwrap();
    }
    let sizes = [("channels", module.channels), ("length", module.length)];
    for (name, extent) in sizes.iter().filter_map(|(name, extent)| extent.map(|extent| (name, extent))) {
        let Extent { min, max, default } = extent;
        writeln!(text, "| size | `{name}` | {min}…{max}; {default} where it is not given |").unwrap();
    }
    text
}

/// Path under docs, and content.
fn files() -> BTreeMap<String, String> {
    let mut page = HEAD.to_owned();
    let mut files = BTreeMap::new();
    for module in modules::ALL {
        let (caption, traces) = responses::of(module.name);
        page.push_str(&section(module, &caption));
        files.insert(format!("images/patches/{}.svg", module.name), draw::svg(&traces));
    }
    files.insert("patch-modules.md".into(), page);
    files
}

#[test]
fn the_page_and_its_drawings_are_current() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut stale = Vec::new();
    for (name, content) in files() {
        let path = docs().join(&name);
        if update {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &content).unwrap();
        } else if fs::read_to_string(&path).ok() != Some(content) {
            stale.push(name);
        }
    }
    assert_eq!(stale, [""; 0], "UPDATE_GOLDEN=1 writes them anew");
}

#[test]
fn there_is_no_drawing_of_a_module_that_is_not_there() {
    let files = files();
    for entry in fs::read_dir(docs().join("images/patches")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(files.contains_key(&format!("images/patches/{name}")), "{name}");
    }
}

#[test]
fn each_drawing_shows_something_that_moves() {
    for module in modules::ALL {
        for trace in responses::of(module.name).1 {
            let first = trace.samples[0];
            assert!(trace.samples.iter().any(|sample| *sample != first), "{}: {}", module.name, trace.name);
        }
    }
}

/// What docs/patches.md shows as files are patches.
#[cfg(feature = "yaml")]
#[test]
fn the_files_on_the_patches_page_load() {
    let page = fs::read_to_string(docs().join("patches.md")).unwrap();
    let blocks: Vec<&str> =
        page.split("```yaml\n").skip(1).map(|part| part.split("```").next().unwrap()).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        if let Err(wrong) = krach_patch::yaml_to_graph(block) {
            panic!("{wrong}\n{block}");
        }
    }
}
