//! The pages of patterns, docs/patterns.md for musicians and docs/pattern-json.md for clients, tell the truth:
//! every example of trees and of mini-notation is drawn again from what the query gives, and a drawing that
//! differs by one character fails. What stands in Python is drawn again by the client's tests.

#[path = "page/check.rs"]
mod check;
#[path = "page/draw.rs"]
mod draw;

use check::{Block, blocks, check};
use krach_patterns::language::number;
use krach_patterns::{
    COMBINE_KINDS, Pattern, SHAPE_KINDS, SHUFFLE_KINDS, SPLIT_KINDS, TUNINGS, Value, compile,
};

const MUSICIANS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/patterns.md");
const TREES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/pattern-json.md");

fn page(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Every node of a pattern.
fn nodes(root: &Pattern) -> Vec<&Pattern> {
    let mut all = vec![root];
    let mut next = 0;
    while let Some(node) = all.get(next).copied() {
        all.extend(node.children());
        next += 1;
    }
    all
}

#[test]
fn every_example_on_the_page_draws_as_the_page_says() {
    for path in [MUSICIANS, TREES] {
        let report = check(&page(path));
        assert!(report.complaints.is_empty(), "{path}:\n{}", report.complaints.join("\n"));
    }
}

#[test]
fn the_page_draws_every_operator_every_shape_and_every_kind_of_value() {
    let report = check(&page(TREES));
    let json: Vec<&Pattern> = report.json.iter().flat_map(nodes).collect();
    for op in [
        "Atom", "Silence", "Cat", "Stack", "Fast", "Slow", "Early", "Late", "Rev", "Every", "Euclid",
        "Degrade", "Chance", "Freeze", "Number", "Name", "Vary", "Pick", "Choose", "Label", "Combine",
        "Split", "Zoom", "Segment", "Tune", "Shuffle", "Warp", "Shape",
    ] {
        assert!(json.iter().any(|node| node.op() == op), "no example in JSON has {op}");
    }
    for kind in SHAPE_KINDS {
        let drawn = |node: &&Pattern| matches!(node, Pattern::Shape { kind: k, .. } if k == kind);
        assert!(json.iter().any(drawn), "no example has the shape {kind}");
    }
    let values: Vec<&Value> = json
        .iter()
        .filter_map(|node| match node {
            Pattern::Atom { value, .. } => Some(value),
            _ => None,
        })
        .collect();
    assert!(values.iter().any(|v| matches!(v, Value::Note { .. })), "no example has a Note");
    assert!(values.iter().any(|v| matches!(v, Value::Cc { .. })), "no example has a Cc");
    assert!(values.iter().any(|v| matches!(v, Value::Control { .. })), "no example has a Control");
    assert!(
        values.iter().any(|v| matches!(v, Value::Osc { address, .. } if address == "/audio/set")),
        "no example has an Osc to /audio/set"
    );
}

#[test]
fn the_page_draws_every_sign_of_mini_notation() {
    let minis = check(&page(MUSICIANS)).minis;
    for sign in [
        "~", ".", "[", "<", ",", "*", "/", "!", "@", "?", "(", "#", "b", "x", " - ", " _", " ! ", " | ", "{",
        "%", "..", "(-", "*<", "?<", "(<",
    ] {
        assert!(minis.iter().any(|line| line.contains(sign)), "no drawn line has {sign}");
    }
    let number = |line: &String| line.chars().next().is_some_and(|c| c.is_ascii_digit());
    assert!(minis.iter().any(|line| number(line) && line.contains('.')), "no frequency is drawn");
}

/// What stands in backquotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn what_names_of_other_languages_are_here_is_here() {
    let page = page(MUSICIANS);
    let (_, table) = page.split_once("### Every name\n").expect("the section is there");
    let (table, _) = table.split_once("Where the same text").expect("the table ends");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once(" | "));
    let ops = [
        "Atom", "Silence", "Cat", "Stack", "Fast", "Slow", "Early", "Late", "Rev", "Every", "Euclid",
        "Degrade", "Chance", "Freeze", "Number", "Name", "Vary", "Pick", "Choose", "Label", "Combine",
        "Split", "Zoom", "Segment", "Tune", "Shuffle", "Warp", "Shape",
    ];
    let mut names = 0;
    for (there, here) in rows {
        names += quoted(&format!("`{there}")).len();
        let words = quoted(here);
        for (word, next) in words.iter().zip(words.iter().skip(1)) {
            let kinds: &[&str] = match *word {
                "Combine" => &COMBINE_KINDS,
                "Split" => &SPLIT_KINDS,
                "Shape" => &SHAPE_KINDS,
                "Shuffle" => &SHUFFLE_KINDS,
                _ => continue,
            };
            let known = kinds.contains(next) || ops.contains(next) || *next == "lo";
            assert!(known, "{there}: {word} has no {next}");
        }
        let op = |word: &&str| word.starts_with(|c: char| c.is_ascii_uppercase()) && word.len() > 1;
        for word in words.iter().filter(|word| op(word)) {
            let word = word.trim_end_matches('s');
            assert!(ops.contains(&word), "{there}: there is no {word}");
        }
        assert!(!here.contains("not there yet"), "{there}");
    }
    assert!(names >= 100, "{names}");
}

#[test]
fn every_scale_chord_and_tuning_that_the_page_names_is_known() {
    let page = page(MUSICIANS);
    let names = |begin: &str, end: &str| -> Vec<String> {
        let (_, rest) = page.split_once(begin).unwrap_or_else(|| panic!("no {begin}"));
        let (list, _) = rest.split_once(end).expect("the list ends");
        quoted(list).into_iter().map(str::to_owned).collect()
    };
    let value = |name: &str| Pattern::Name { name: name.to_owned(), span: None };
    let (scales, chords) = (names("**Scales**:", "\n\n"), names("**Chords**:", "\n\n"));
    let tunings = names("\nNames: `just`", "What lies between");
    let counts = [scales.len(), chords.len(), tunings.len()];
    assert!(counts[0] >= 60 && counts[1] >= 40 && counts[2] > 12, "{counts:?}");
    for name in scales {
        let degree = number(2.0).scale(value(&name)).control("c");
        assert!(compile(&degree).is_ok(), "no scale {name}");
    }
    for name in chords {
        assert!(compile(&value(&format!("C:{name}")).control("chord")).is_ok(), "no chord {name}");
    }
    for name in tunings.iter().map(String::as_str).chain(TUNINGS) {
        assert!(compile(&number(60.0).tuned(name, None).control("note")).is_ok(), "no tuning {name}");
        let named = name == "just" || tunings.iter().any(|known| known == name);
        assert!(named, "the page does not name {name}");
    }
}

/// The block with its `n`th drawn mark changed: a rest into a hit, a hit into a rest, a level, a digit or
/// a letter into another. `None`: no such mark.
fn misprint(block: &Block, n: usize) -> Option<String> {
    let grid = block.text.contains('|') && block.tag != "error";
    // In a block of one-line examples the drawing is what stands between the bars.
    let mut inside = false;
    let mut seen = 0;
    let mut out = String::new();
    let mut changed = false;
    for line in block.text.lines() {
        let last_bar = line.rfind('|').unwrap_or(0);
        let listed = grid && block.tag != "mini" && !line.trim_end().ends_with('|');
        for (at, c) in line.char_indices() {
            if c == '|' {
                inside = at != last_bar;
            }
            // Another time in a list of values asks another question, and may find the same answer.
            let item = line[..at].rsplit('|').next().unwrap_or("").trim_start();
            let asked = block.tag == "curve" && !item.contains(' ');
            let wrong = match c {
                _ if listed && asked => c,
                _ if listed || !grid => match c {
                    '0'..='8' => (c as u8 + 1) as char,
                    '9' => '0',
                    'a'..='y' => (c as u8 + 1) as char,
                    _ => c,
                },
                _ if !inside => c,
                '.' => 'x',
                'x' => '.',
                '▁' => '█',
                '▂'..='█' => '▁',
                'A'..='F' | '0'..='8' => (c as u8 + 1) as char,
                _ => c,
            };
            if wrong == c {
                out.push(c);
                continue;
            }
            changed |= seen == n;
            out.push(if seen == n { wrong } else { c });
            seen += 1;
        }
        inside = false;
        out.push('\n');
    }
    changed.then_some(out)
}

#[test]
fn a_misprint_in_any_drawing_of_the_page_is_found() {
    let pages = [page(MUSICIANS), page(TREES)].concat();
    let blocks = blocks(&pages).unwrap();
    let fenced = |tag: &str, name: &str, text: &str| format!("```{tag} {name}\n{text}```\n");
    // An empty block keeps a definition from being one more spelling of what follows.
    let defined: String = blocks
        .iter()
        .filter(|b| !b.name.is_empty())
        .map(|b| fenced(&b.tag, &b.name, &b.text) + &fenced("mini", "", ""))
        .collect();
    let mut tried = 0;
    let drawn = |b: &Block| !["pattern", "request", "reply"].contains(&b.tag.as_str());
    for (i, block) in blocks.iter().enumerate().filter(|(_, b)| drawn(b)) {
        let spellings = blocks[..i].iter().rev().take_while(|b| b.tag == "pattern" && block.tag != "mini");
        let above: String = spellings.map(|b| fenced("pattern", "", &b.text)).collect();
        let sheet =
            |text: &str| [&defined, &above, &fenced(&block.tag, "", text)].map(String::as_str).concat();
        assert_eq!(check(&sheet(&block.text)).complaints, [] as [String; 0]);
        let mut n = 0;
        while let Some(text) = misprint(block, n) {
            let unnoticed = check(&sheet(&text)).complaints.is_empty();
            assert!(!unnoticed, "line {}: nobody noticed\n{text}", block.line);
            n += 1;
        }
        assert!(n > 0, "line {}: a drawing without marks", block.line);
        tried += n;
    }
    assert!(tried > 1000, "only {tried} misprints");
}

/// A page of fenced blocks: `(tag, text)`.
fn sheet(blocks: &[(&str, &str)]) -> String {
    blocks.iter().map(|(tag, text)| format!("Words.\n\n```{tag}\n{text}\n```\n")).collect()
}

const X: (&str, &str) = (
    "pattern X",
    r#"{"op":"Freeze","child":{"op":"Cat","children":[
        {"op":"Atom","value":{"type":"Control","label":"gate","value":1}},
        {"op":"Atom","value":{"type":"Control","label":"gate","value":0}}]}}"#,
);

#[test]
fn a_right_sheet_passes() {
    let ramp = r#"{"op":"Shape","kind":"ramp","lo":100,"hi":200,"label":"cutoff"}"#;
    let right = sheet(&[
        X,
        ("cycle", "0 gate=1 | 1/2 gate=0"),
        ("pattern", "x . A2 ."),
        ("cycle", "|x . A2 . |x . A2 . |"),
        ("pattern", "x*2"),
        ("pattern", r#"{"op":"Fast","factor":[2,1],"child":X}"#),
        ("cycle", "0>1/4 gate=1 | 1/4>1/2 gate=0 | 1/2>3/4 gate=1 | 3/4>1 gate=0"),
        ("pattern", "<x ~>"),
        ("cycle", "-1: |. |x |\n0 gate=1 | 1/2 gate=0\nnothing\n4: 4 gate=1 | 9/2 gate=0"),
        ("mini", "x x      |x . x . |  two hits\n<A2 x>   |A2 |x |"),
        ("pattern", ramp),
        ("curve", "|▁▂▃▄▅▆▇█|\n1: 1 100 | 5/4 125"),
        ("pattern", "x(9,8)"),
        (
            "error",
            "mini-notation, character 5: 9 pulses do not fit into 8 steps\n  x(9,8)\n      ^\n(pulses,steps) or (pulses,steps,rotation), such as x(3,8)",
        ),
    ]);
    let report = check(&right);
    assert_eq!(report.complaints, [] as [String; 0]);
    assert_eq!((report.json.len(), report.minis.len()), (3, 6));
}

#[test]
fn what_stands_in_python_is_left_to_the_client() {
    let right = sheet(&[
        ("python", "krp.p(\"x\")"),
        ("cycle", "|x |"),
        ("error", "oh"),
        ("pattern", "x"),
        ("cycle", "|x |"),
    ]);
    assert_eq!(check(&right).complaints, [] as [String; 0]);
    let wrong = sheet(&[("python", "krp.p(\"x\")"), ("cycle", "|. |"), ("pattern", "x"), ("cycle", "|. |")]);
    assert_eq!(check(&wrong).complaints.len(), 1);
}

#[test]
fn a_wrong_sheet_is_named_by_line_and_reason() {
    let fast = ("pattern", r#"{"op":"Fast","factor":[2,1],"child":X}"#);
    let ramp = ("pattern", r#"{"op":"Shape","kind":"ramp","lo":0,"hi":1,"label":"cutoff"}"#);
    let kick = r#"{"op":"Atom","value":{"type":"Control","label":"kick/gate","value":1}}"#;
    for (blocks, line, says) in [
        (vec![("pattern", "x . x ."), ("cycle", "|x . . . |")], 8, "the query gives |x . x . |"),
        (vec![("pattern", "x . x ."), ("cycle", "|x . x x |")], 8, "the query gives |x . x . |"),
        (vec![("pattern", "x x x"), ("cycle", "|x . x . |")], 8, "1/3 is not on a grid of 4"),
        (vec![("pattern", "A2"), ("cycle", "|A3 |")], 8, "the query gives |A2 |"),
        (vec![("pattern", "x"), ("cycle", "0 gate=1 | 1/3 gate=0")], 8, "0 gate=1 | 1/2 gate=0"),
        (vec![("pattern", "x"), ("cycle", "0 gate=1")], 8, "0 gate=1 | 1/2 gate=0"),
        (vec![("pattern", "x"), ("cycle", "0>1 gate=1 | 1/2>1 gate=0")], 8, "0>1/2 gate=1"),
        (vec![("pattern", "x"), ("cycle", "nothing")], 8, "0 gate=1"),
        (vec![("pattern", "x"), ("cycle", "x . x .")], 8, "0 gate=1"),
        (vec![("pattern", "x"), ("cycle", "")], 8, "draws nothing"),
        (vec![("pattern", "x y"), ("cycle", "|x y |")], 3, "unknown word \"y\""),
        (vec![("pattern", "x")], 3, "no drawing"),
        (vec![("pattern", "x"), ("pattern Y", "{}"), ("cycle", "|x |")], 8, "missing field `op`"),
        (vec![("cycle", "|x |")], 3, "no pattern before"),
        (vec![("patern", "x"), ("cycle", "|x |")], 3, "unknown tag"),
        (vec![fast, ("cycle", "|x x |")], 3, "not JSON"),
        (
            vec![X, ("cycle", "|x |"), fast, ("pattern", "x x*2"), ("cycle", "|x . x . |")],
            20,
            "another than line 15",
        ),
        (vec![("pattern", "[x@1 x]"), ("error", "oh")], 8, "no error"),
        (vec![("pattern", "x(9,8)"), ("error", "oh")], 8, "the error is mini-notation"),
        (vec![("pattern", kick), ("cycle", "snare |x |")], 8, "no row for kick/gate"),
        (vec![("pattern", kick), ("cycle", "kick |. |")], 8, "the query gives kick |x |"),
        (vec![("mini", "x x   |x . |")], 4, "the query gives |x x |"),
        (vec![("mini", "x x")], 4, "no drawing"),
        (vec![ramp, ("curve", "|▁▂▃▄▅▆█▇|")], 8, "the query gives |▁▂▃▄▅▆▇█|"),
        (vec![ramp, ("curve", "0 0 | 1/2 0.4")], 8, "0 0 | 1/2 0.5"),
        (vec![("pattern", "x"), ("curve", "|▁|")], 8, "the query gives |·|"),
        (vec![ramp, ("cycle", "|. |")], 8, "draw it as a curve"),
    ] {
        let complaints = check(&sheet(&blocks)).complaints;
        let found = complaints.iter().any(|c| c.starts_with(&format!("line {line}:")) && c.contains(says));
        assert!(found, "{blocks:?}: line {line} {says:?} is not among {complaints:?}");
    }
    assert!(check("```pattern\nx\n").complaints[0].contains("not closed"));
}
