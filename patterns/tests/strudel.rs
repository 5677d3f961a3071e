//! Mini-notation beside Strudel's, on texts in which both agree by intent. Strudel is fetched by npm into `target/`
//! and is no part of what we build.

use std::path::{Path, PathBuf};
use std::process::Command;

use krach_patterns::{EventBuffer, Span, Time, Value, compile, mini};

const TEXTS: usize = 400;
/// So many of them must be compared: ours refuses some that are too dense.
const COMPARED: usize = 300;
/// Onsets are asked for in these cycles.
const CYCLES: i64 = 4;

/// A folder in which node finds Strudel.
fn strudel() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("strudel");
    std::fs::create_dir_all(&folder).expect("target can be written");
    if !folder.join("node_modules/@strudel/mini").is_dir() {
        let packages = ["@strudel/mini@1.1.0", "@strudel/core@1.1.0"];
        let npm = Command::new("npm")
            .args(["install", "--no-audit", "--no-fund"])
            .args(packages)
            .current_dir(&folder)
            .output();
        let npm = npm.expect("npm is installed");
        assert!(npm.status.success(), "{}", String::from_utf8_lossy(&npm.stderr));
    }
    folder
}

/// `(begin, key)` of each note, sorted.
fn ours(text: &str) -> Option<Vec<(Time, i64)>> {
    let program = compile(&mini(text).unwrap_or_else(|e| panic!("{text}: {e}"))).ok()?;
    let mut out = EventBuffer::with_capacity(100_000);
    program
        .onsets(Span::new(Time::from_integer(0), Time::from_integer(CYCLES)), 0, &mut out)
        .expect("there is room");
    let notes = out.as_slice().iter().filter_map(|e| match &program.values()[e.value as usize] {
        Value::Control { label, value } if label == "freq" => {
            let key = (69.0 + 12.0 * (value / 440.0).log2()).round() as i64;
            Some((e.whole.begin, key))
        }
        _ => None,
    });
    let mut notes: Vec<_> = notes.collect();
    notes.sort();
    Some(notes)
}

fn fraction(text: &str) -> Time {
    let (num, den) = text.split_once('/').unwrap_or((text, "1"));
    Time::new(num.parse().expect("a number"), den.parse().expect("a number"))
}

#[test]
fn onsets_are_listed_in_order_with_their_keys() {
    let third = Time::new(1, 3);
    let first: Vec<_> = ours("A4 [A2,C5] ~").expect("it compiles").into_iter().take(3).collect();
    assert_eq!(first, [(Time::from_integer(0), 69), (third, 45), (third, 72)]);
}

#[test]
#[ignore = "soak: fetches Strudel by npm"]
fn soak_three_hundred_texts_play_as_strudel_plays_them() {
    let there = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !(there("node") && there("npm")) {
        eprintln!("skipped: node and npm are not here");
        return;
    }
    let folder = strudel();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/strudel/oracle.mjs");
    let node = Command::new("node")
        .arg(script)
        .arg(&folder)
        .arg(TEXTS.to_string())
        .output()
        .expect("node is installed");
    assert!(node.status.success(), "{}", String::from_utf8_lossy(&node.stderr));
    let lines = String::from_utf8(node.stdout).expect("JSON");
    let (mut texts, mut events) = (0, 0);
    let mut differ = Vec::new();
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let text = line["text"].as_str().expect("a text");
        let theirs = line["events"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|e| (fraction(e[0].as_str().expect("a fraction")), e[1].as_i64().expect("a key")));
        let mut theirs: Vec<_> = theirs.collect();
        theirs.sort();
        let Some(ours) = ours(text) else { continue };
        texts += 1;
        events += theirs.len();
        if ours != theirs {
            differ.push(format!("{text}\n  ours   {ours:?}\n  theirs {theirs:?}"));
        }
    }
    differ.sort_by_key(String::len);
    assert!(differ.is_empty(), "{} of {texts} differ:\n{}", differ.len(), differ.join("\n"));
    assert!(texts >= COMPARED && events > 3000, "{texts} texts, {events} events");
}
