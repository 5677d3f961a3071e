//! Mini-notation, operators, scales and voicings beside Strudel's, where both agree by intent. Strudel is fetched by npm into `target/`
//! and is no part of what we build.

#[path = "strudel/operators.rs"]
mod operators;

use std::path::{Path, PathBuf};
use std::process::Command;

use krach_patterns::builders::cat;
use krach_patterns::language::{name, number};
use krach_patterns::{EventBuffer, Pattern, Span, Time, Value, compile, mini};
use operators::operators;

const TEXTS: usize = 400;
/// So many of them must be compared: ours refuses some that are too dense.
const COMPARED: usize = 300;
/// Onsets are asked for in these cycles.
const CYCLES: i64 = 4;

/// A folder in which node finds Strudel.
fn strudel() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("strudel");
    std::fs::create_dir_all(&folder).expect("target can be written");
    if !folder.join("node_modules/@strudel/tonal").is_dir() {
        let packages = ["@strudel/mini@1.1.0", "@strudel/core@1.1.0", "@strudel/tonal@1.1.0"];
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

/// What node prints for that mode of the oracle, line by line; `None` where node and npm are not here.
fn strudel_says(mode: &str) -> Option<Vec<serde_json::Value>> {
    let there = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !(there("node") && there("npm")) {
        eprintln!("skipped: node and npm are not here");
        return None;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/strudel/oracle.mjs");
    let node = Command::new("node").arg(script).arg(strudel()).arg(mode).output();
    let node = node.expect("node is installed");
    assert!(node.status.success(), "{}", String::from_utf8_lossy(&node.stderr));
    let lines = String::from_utf8(node.stdout).expect("JSON");
    Some(lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect())
}

/// `(begin, number)` of each event in eight cycles, in ten thousandths, sorted.
fn numbers(pattern: &Pattern) -> Vec<(Time, i64)> {
    let program = compile(pattern).unwrap_or_else(|e| panic!("{e}"));
    let mut out = EventBuffer::with_capacity(10_000);
    for cycle in 0..8 {
        program.onsets(Span::cycle(cycle), 0, &mut out).expect("there is room");
    }
    let events = out.as_slice().iter().map(|e| match &program.values()[e.value as usize] {
        Value::Control { value, .. } => (e.whole.begin, (value * 1e4).round() as i64),
        other => panic!("{other:?}"),
    });
    let mut events: Vec<_> = events.collect();
    events.sort();
    events
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
    let Some(lines) = strudel_says(&TEXTS.to_string()) else { return };
    let (mut texts, mut events) = (0, 0);
    let mut differ = Vec::new();
    for line in lines {
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

#[test]
fn operators_that_strudel_has_are_all_asked_for() {
    let script = include_str!("strudel/operators.mjs");
    let theirs = script.lines().filter_map(|line| line.trim().strip_prefix('\'')?.split_once("': "));
    let theirs: Vec<&str> = theirs.map(|(name, _)| name).collect();
    let ours: Vec<&str> = operators().iter().map(|(name, _)| *name).collect();
    assert_eq!(ours, theirs);
    let events: usize = operators().iter().map(|(_, pattern)| numbers(pattern).len()).sum();
    assert!(events > 500, "{events}");
}

#[test]
#[ignore = "soak: fetches Strudel by npm"]
fn soak_operators_play_as_those_of_strudel() {
    let Some(lines) = strudel_says("operators") else { return };
    let ours = operators();
    assert_eq!(lines.len(), ours.len());
    let mut differ = Vec::new();
    for (line, (name, pattern)) in lines.iter().zip(&ours) {
        assert_eq!(line["text"], *name);
        let theirs = line["events"].as_array().expect("a list").iter().map(|e| {
            let number = (e[1].as_f64().expect("a number") * 1e4).round() as i64;
            (fraction(e[0].as_str().expect("a fraction")), number)
        });
        let mut theirs: Vec<_> = theirs.collect();
        theirs.sort();
        let ours = numbers(pattern);
        if ours != theirs {
            differ.push(format!("{name}\n  ours   {ours:?}\n  theirs {theirs:?}"));
        }
    }
    assert!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ.join("\n"));
}

/// What tonal.json lists, and the keys that ours plays for it: for the degrees of each scale in half steps from -12 on, and
/// for each chord below each top note.
fn keys_of_scales_and_chords() -> Vec<(String, Vec<i64>)> {
    let list: serde_json::Value = serde_json::from_str(include_str!("strudel/tonal.json")).expect("JSON");
    let texts = |key: &str| list[key].as_array().expect("a list").clone();
    let keys = |pattern: Pattern| -> Vec<i64> {
        let first = numbers(&pattern.control("c")).into_iter().filter(|(at, _)| *at < Time::from_integer(1));
        first.map(|(_, key)| key / 10_000).collect()
    };
    let mut all = Vec::new();
    for scale in texts("scales") {
        let scale = scale[0].as_str().expect("a name");
        let degrees = cat((0..64).map(|i| number(f64::from(i) / 2.0 - 12.0)).collect());
        all.push((scale.to_owned(), keys(degrees.scale(name(&format!("C4:{scale}"))))));
    }
    for chord in texts("chords") {
        let chord = chord[0].as_str().expect("a name");
        for top in texts("tops") {
            let top = top.as_str().expect("a note");
            let voiced = name(chord).control("chord").voicing(name(top));
            let program = compile(&voiced).unwrap_or_else(|e| panic!("{e}"));
            let notes = program.values().iter().filter_map(|value| match value {
                Value::Control { label, value } if label == "freq" => Some(*value),
                _ => None,
            });
            let mut keys: Vec<i64> =
                notes.map(|hz| (69.0 + 12.0 * (hz / 440.0).log2()).round() as i64).collect();
            keys.sort_unstable();
            all.push((format!("{chord} below {top}"), keys));
        }
    }
    all
}

#[test]
fn scales_and_chords_of_the_list_are_ours() {
    let ours = keys_of_scales_and_chords();
    let (chords, scales): (Vec<_>, Vec<_>) = ours.iter().partition(|(text, _)| text.contains("below"));
    assert!(scales.len() > 70 && chords.len() == 216, "{} {}", scales.len(), chords.len());
    assert!(scales.iter().all(|(_, keys)| keys.len() == 64 && keys[24] == 60 && keys[23] == 60));
    assert_eq!(ours.last(), Some(&("B:dim below D6".to_owned(), vec![77, 83, 86])));
}

#[test]
#[ignore = "soak: fetches Strudel by npm"]
fn soak_scales_and_voicings_are_those_of_strudel() {
    let Some(lines) = strudel_says("tonal") else { return };
    let theirs = lines.iter().map(|line| {
        let keys = line["keys"].as_array().expect("a list").iter().map(|key| key.as_i64().expect("a key"));
        (line["text"].as_str().expect("a text").to_owned(), keys.collect::<Vec<_>>())
    });
    let ours = keys_of_scales_and_chords();
    assert_eq!(lines.len(), ours.len());
    let differ = ours.into_iter().zip(theirs).filter(|(ours, theirs)| ours != theirs);
    let differ: Vec<String> =
        differ.map(|(ours, theirs)| format!("ours {ours:?}\n  theirs {theirs:?}")).collect();
    assert!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ.join("\n"));
}
