//! Ports and widgets as the command describes them, for the examples that come with FAUST.

mod support;

use krach_faust_lang::{Compiler, Limits, Precision, Shelf};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use support::*;

/// One example in so many is compared, unless all are wanted.
const ONE_IN: usize = 12;

/// What is compared of an item: everything that says what it is, no names that the command makes up.
fn plain(item: &Value) -> Value {
    let mut made = serde_json::Map::new();
    for key in ["type", "label", "meta"] {
        if let Some(value) = item.get(key) {
            made.insert(key.to_owned(), value.clone());
        }
    }
    // The command gives a bargraph without a label an address of its memory.
    if made
        .get("label")
        .and_then(Value::as_str)
        .is_some_and(|label| label.len() > 6 && label.starts_with("0x"))
    {
        made.insert("label".to_owned(), json!("0x00"));
    }
    for key in ["init", "min", "max", "step"] {
        if let Some(value) = item.get(key).and_then(Value::as_f64) {
            // The command prints 6 digits.
            made.insert(key.to_owned(), json!(format!("{value:.4e}")));
        }
    }
    if let Some(items) = item.get("items").and_then(Value::as_array) {
        made.insert("items".to_owned(), items.iter().map(plain).collect());
    }
    Value::Object(made)
}

/// The first place where two descriptions differ.
fn difference(ours: &Value, theirs: &Value, place: &str) -> Option<String> {
    let items = |value: &Value| value.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    let (mine, other) = (items(ours), items(theirs));
    for (at, (a, b)) in mine.iter().zip(&other).enumerate() {
        if let Some(found) = difference(a, b, &format!("{place}/{at}")) {
            return Some(found);
        }
    }
    let without = |value: &Value| {
        let mut value = value.clone();
        if let Some(map) = value.as_object_mut() {
            map.remove("items");
        }
        value
    };
    let (a, b) = (without(ours), without(theirs));
    (a != b || mine.len() != other.len())
        .then(|| format!("{place}: {a} with {} items, not {b} with {}", mine.len(), other.len()))
}

/// The outermost groups.
fn tops(value: &Value) -> Value {
    let items: Vec<Value> = value["ui"].as_array().into_iter().flatten().map(plain).collect();
    json!({ "items": items })
}

fn described(shelf: &Shelf, path: &Path) -> Value {
    let compiler =
        Compiler { shelf, limits: Limits::default(), precision: Precision::Double, cancelled: &|| false };
    let program = compiler.compile(file(path), &mut Folders::default()).expect("compiles");
    let name = path.file_stem().expect("a name").to_string_lossy();
    serde_json::from_str(&program.describe(&name)).expect("is JSON")
}

/// What the command says about a text, or `None` if it does not compile it.
fn theirs(folder: &Path, path: &Path) -> Option<Value> {
    let out = Command::new("timeout")
        .args(["20", "faust", "-double", "-json", "-O"])
        .arg(folder)
        .arg(path)
        .args(["-o", "x.cpp"])
        .current_dir(path.parent().expect("a folder"))
        .output()
        .expect("runs");
    let name = format!("{}.json", path.file_name().expect("a name").to_string_lossy());
    let text = std::fs::read_to_string(folder.join(name)).ok().filter(|_| out.status.success())?;
    serde_json::from_str(&text).ok()
}

fn are_as_the_command_says(chosen: impl Fn(usize, &str) -> bool) {
    let folder = std::env::temp_dir().join(format!("krach-lang-interface-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("makes a folder");
    let (shelf, mut wrong, mut same, mut missing) = (Shelf::default(), Vec::new(), 0, 0);
    for (at, (name, path)) in examples().into_iter().filter(|(name, _)| refused(name).is_none()).enumerate() {
        if !chosen(at, &name) {
            continue;
        }
        let Some(theirs) = theirs(&folder, &path) else {
            missing += 1;
            continue;
        };
        let ours = described(&shelf, &path);
        let counts = |value: &Value| [value["inputs"].as_u64(), value["outputs"].as_u64()];
        if counts(&ours) != counts(&theirs) {
            wrong.push(format!("{name}: {:?}, not {:?}", counts(&ours), counts(&theirs)));
            continue;
        }
        match difference(&tops(&ours), &tops(&theirs), "") {
            None => same += 1,
            Some(found) => wrong.push(format!("{name}: {found}")),
        }
    }
    std::fs::remove_dir_all(&folder).expect("is there");
    println!("{same} descriptions are the command's, {missing} it does not give in time");
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(same > 0);
}

#[test]
fn ports_and_widgets_of_the_examples_are_those_that_the_command_describes() {
    are_as_the_command_says(|at, name| at.is_multiple_of(ONE_IN) && !SLOW.contains(&name));
}

#[test]
#[ignore = "soak: every example"]
fn soak_ports_and_widgets_of_every_example_are_those_that_the_command_describes() {
    are_as_the_command_says(|_, _| true);
}

/// Which widgets there are and what the program is called, where that is not plain to see.
const HIDDEN: &[&str] = &[
    "e = environment { declare name \"inner\"; f = button(\"b\"); }; process = e.f;",
    "e = environment { declare name \"inner\"; }; process = button(\"b\");",
    "e = environment { declare name \"inner\"; f = button(\"b\"); }; declare name \"outer\"; process = e.f;",
    "declare name \"outer\"; e = environment { declare name \"inner\"; f = button(\"b\"); }; process = e.f;",
    "declare process name \"w\"; process = button(\"b\");",
    "process = _ * 0, button(\"x\") : attach;",
    "process = _, (button(\"x\"), (checkbox(\"y\") : hbargraph(\"z\", 0, 1)) :> _) : attach;",
    "process = attach(_, attach(1, button(\"q\"))), attach(1, int(hslider(\"x\", 0, 0, 1, 0.1)));",
    "process = attach(button(\"x\"), button(\"y\")) * 0, _ * (button(\"z\") - button(\"z\"));",
    "process = attach(0, rwtable(10, 0.0, int(button(\"x\")), 1, int(button(\"y\"))));",
    "process = attach(1, button(\"x\") @ 3), attach(1, (button(\"y\") : !, 1)), prefix(1, button(\"z\"));",
    "process = rdtable(10, attach(1, button(\"x\")), 0), select2(0, button(\"y\"), button(\"z\"));",
    "process = lowest(button(\"x\")), control(button(\"y\"), button(\"z\")), enable(0, button(\"q\"));",
    "process = attach(1, button(\"x\") : (+ ~ _)), min(button(\"y\"), 0);",
    "process = hslider(\"a\", 0, 0, 1, 0.1) : hbargraph(\"z\", 0, 1) : !, 1;",
];

#[test]
fn names_and_widgets_of_15_short_texts_are_those_that_the_command_describes() {
    assert_eq!(HIDDEN.len(), 15);
    let folder = std::env::temp_dir().join(format!("krach-lang-hidden-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("makes a folder");
    let wrong: Vec<String> = HIDDEN
        .iter()
        .filter_map(|source| {
            let path = folder.join("short.dsp");
            std::fs::write(&path, source).expect("writes");
            let theirs = theirs(&folder, &path).expect("the command compiles it");
            difference(&tops(&described(&Shelf::default(), &path)), &tops(&theirs), "")
                .map(|found| format!("{source}\n  {found}"))
        })
        .collect();
    std::fs::remove_dir_all(&folder).expect("is there");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A label, and what becomes of it where `i` is 3 and `half` 0.5.
const LABELS: &[(&str, &str)] = &[
    ("a", "a"),
    ("a%i", "a3"),
    ("a%2i", "a 3"),
    ("a%{i}b", "a3b"),
    ("a%3{i}b", "a  3b"),
    ("%half", "0.5"),
    ("100%", "100%"),
    ("%x %", "%x %"),
    ("%ib", "%ib"),
    ("%{i", "%{i"),
    ("max", "max"),
    ("exp[unit:Hz]", "exp"),
    ("[1]a [style:knob] b", "a  b"),
    ("a[open", "a"),
    ("h:x/v:y/../z", "z"),
    ("x/y", "x/y"),
    ("/abs", "abs"),
    ("\u{e9}t\u{e9}", "\u{e9}t\u{e9}"),
];

#[test]
fn labels_hold_the_values_of_names_and_no_metadata() {
    let wrong: Vec<String> = LABELS
        .iter()
        .filter_map(|(written, wanted)| {
            let source =
                format!("process = hslider(\"{written}\", 0, 0, 1, 0.1) with {{ i = 3; half = 0.5; }};");
            let shelf = Shelf::default();
            let compiler = Compiler {
                shelf: &shelf,
                limits: Limits::default(),
                precision: Precision::Single,
                cancelled: &|| false,
            };
            let program = compiler.compile(text(&source), &mut Folders::default()).expect("compiles");
            let label = &program.ui.widgets[0].label;
            (label != wanted).then(|| format!("{written}: {label:?}, not {wanted:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn groups_are_in_the_order_of_their_labels_and_hold_only_what_is_used() {
    let source = "declare name \"N\"; process = hgroup(\"b\", vgroup(\"v\", button(\"../x\")) + hslider(\"/t:w/y[unit:Hz]\", 1, 0, 2, 0.5)) \
        + vgroup(\"a\", checkbox(\"k\") : hbargraph(\"m\", -1, 1)) + (button(\"never\") : ! : 0);";
    let shelf = Shelf::default();
    let compiler = Compiler {
        shelf: &shelf,
        limits: Limits::default(),
        precision: Precision::Single,
        cancelled: &|| false,
    };
    let program = compiler.compile(text(source), &mut Folders::default()).expect("compiles");
    let found: Value = serde_json::from_str(&program.describe("x")).expect("is JSON");
    let wanted = json!({
        "name": "N", "inputs": 0, "outputs": 1, "double": false, "meta": [{"name": "N"}],
        "ui": [{"type": "vgroup", "label": "N", "items": [
            {"type": "vgroup", "label": "a", "items": [
                {"type": "checkbox", "label": "k", "index": 8},
                {"type": "hbargraph", "label": "m", "index": 12, "min": -1.0, "max": 1.0}]},
            {"type": "hgroup", "label": "b", "items": [{"type": "button", "label": "x", "index": 0}]},
            {"type": "tgroup", "label": "w", "items": [
                {"type": "hslider", "label": "y", "index": 4, "meta": [{"unit": "Hz"}], "init": 1.0, "min": 0.0, "max": 2.0, "step": 0.5}]}]}]
    });
    assert_eq!(found, wanted);
}

/// A text as editors and musicians write it, and the labels of its widgets.
const AS_WRITTEN: &[(&str, &[&str])] = &[
    ("\u{feff}process = button(\"a\");", &["a"]),
    ("import(\"stdfaust.lib\");\r\nprocess =\r\n  button(\"a\") * os.osc(1);\r\n", &["a"]),
    ("process = button(\"a\");\r", &["a"]),
    // Words of the language and names of primitives are labels like any other.
    (
        "process = hslider(\"max\", 1, 0, 2, 1), button(\"exp\"), checkbox(\"abs\"), nentry(\"process\", 1, 0, 2, 1), button(\"with\");",
        &["max", "exp", "abs", "process", "with"],
    ),
    ("process = par(i, 3, button(\"a%2i b%i 100%\"));", &["a 0 b0 100%", "a 1 b1 100%", "a 2 b2 100%"]),
    (
        "process = button(\"50%\"), button(\"a%d\"), button(\"\"), button(\"\u{e9} \u{fc}\"), button(\"a\\b\"), button(\"x]\");",
        &["50%", "a%d", "", "\u{e9} \u{fc}", "a\\b", "x]"],
    ),
    (
        "declare options \"[nvoices:8][midi:on]\"; process = hslider(\"f[midi:ctrl 41]\", 0, 0, 1, 0.1) : hbargraph(\"v[unit:dB]\", 0, 1); effect = _;",
        &["f", "v"],
    ),
];

#[test]
fn texts_are_read_as_editors_and_musicians_write_them() {
    for (source, labels) in AS_WRITTEN {
        let compiler = Compiler {
            shelf: &Shelf::default(),
            limits: Limits::default(),
            precision: Precision::Single,
            cancelled: &|| false,
        };
        let program = compiler.compile(text(source), &mut krach_faust_lang::own::Own);
        let program = program.unwrap_or_else(|error| panic!("{source:?}: {error}"));
        let found: Vec<&str> = program.ui.widgets.iter().map(|widget| widget.label.as_str()).collect();
        assert_eq!(found, *labels, "{source:?}");
        let described = program.describe("x");
        assert!(serde_json::from_str::<serde_json::Value>(&described).is_ok(), "{described}");
    }
}
