//! The fuzz target of `patterns/fuzz`, run as a plain test on bytes that chance and the recorded
//! patterns give.

#[path = "fuzz/target.rs"]
mod target;

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.roll() % end as u64) as usize
    }
}

/// Cases of each kind: so many in every run.
const CASES: usize = 3000;
/// So many in a long one.
const SOAKED: usize = 100_000;

#[test]
fn trees_of_any_bytes_are_exact_or_refused() {
    trees(CASES);
}

#[test]
#[ignore = "soak: thirty times as many"]
fn soak_trees_of_any_bytes_are_exact_or_refused() {
    trees(SOAKED);
}

fn trees(cases: usize) {
    let mut dice = Dice(1);
    let mut events = 0;
    for _ in 0..4 * cases {
        let length = 4 + dice.below(200);
        let mut bytes: Vec<u8> = (0..length).map(|_| dice.roll() as u8).collect();
        bytes[0] = 2;
        events += target::run(&bytes);
    }
    assert!(events > cases, "{events} events show little");
}

#[test]
fn recorded_patterns_with_bytes_changed_are_patterns_or_refused() {
    changed(CASES);
}

#[test]
#[ignore = "soak: thirty times as many"]
fn soak_recorded_patterns_with_bytes_changed_are_patterns_or_refused() {
    changed(SOAKED);
}

fn changed(cases: usize) {
    let recorded = include_str!("vectors/patterns.jsonl");
    let patterns: Vec<String> = recorded
        .lines()
        .map(|line| krach_patterns::parse_json(line).expect("recorded")["pattern"].to_string())
        .filter(|text| text.len() < 4000)
        .collect();
    let mut dice = Dice(2);
    let mut events = 0;
    for _ in 0..cases {
        let mut bytes = vec![0];
        bytes.extend(patterns[dice.below(patterns.len())].as_bytes());
        // A digit into another mostly stays JSON; a cut or any byte mostly does not.
        for _ in 0..1 + dice.below(3) {
            let at = 1 + dice.below(bytes.len() - 1);
            let digit = bytes[at..].iter().position(u8::is_ascii_digit).map(|skip| at + skip);
            match (dice.below(8), digit) {
                (0, _) => bytes.truncate(at),
                (1, _) => bytes[at] = dice.roll() as u8,
                (_, Some(at)) => bytes[at] = b'0' + dice.below(10) as u8,
                _ => {}
            }
            if bytes.len() < 2 {
                break;
            }
        }
        events += target::run(&bytes);
    }
    assert!(events > cases, "{events} events show little");
}

#[test]
fn lines_of_any_signs_are_patterns_or_point_at_what_is_wrong() {
    signs(CASES);
}

#[test]
#[ignore = "soak: thirty times as many"]
fn soak_lines_of_any_signs_are_patterns_or_point_at_what_is_wrong() {
    signs(SOAKED);
}

fn signs(cases: usize) {
    const SIGNS: [&str; 42] = [
        "x",
        "A2",
        "C#4",
        "eb3",
        "60",
        "440.0",
        "~",
        ".",
        " ",
        " ",
        " ",
        "[",
        "]",
        "<",
        ">",
        ",",
        "*",
        "/",
        "!",
        "@",
        "?",
        "(3,8)",
        "(3,8,-2)",
        "2",
        "3",
        "0.3",
        "\n",
        "é",
        "H9",
        "(",
        "{",
        "}",
        "%",
        "_",
        "|",
        "-",
        "..",
        "60 .. 63",
        "*<2 3>",
        "(<3 -5>,8)",
        "?[0.2 0.8]",
        "{x A2}%<4 5>",
    ];
    let mut dice = Dice(3);
    let mut events = 0;
    for case in 0..3 * cases {
        let mut line = String::from(if case % 3 == 2 { "\u{3}" } else { "\u{1}" });
        // Words, each followed by a blank now and then, so that many lines mean something.
        for _ in 0..dice.below(14) {
            let reach = if dice.below(3) == 0 { SIGNS.len() } else { 11 };
            line.push_str(SIGNS[dice.below(reach)]);
            if dice.below(3) > 0 {
                line.push(' ');
            }
        }
        events += target::run(line.as_bytes());
    }
    assert!(events > cases, "{events} events show little");
}

#[test]
fn what_was_found_once_stays_found() {
    for found in
        [&b""[..], b"\x02", b"\x00{", b"\x01x*", b"\x01[", b"\x01<>", b"\x01()", b"\x01x@0", b"\x00null"]
    {
        target::run(found);
    }
    // What is read as JSON, with one field too many, too few, or not what it should be.
    for tree in [
        r#"{"op":"Vary","kind":"every","by":[{"op":"Number","value":2}],"child":{"op":"Silence"}}"#,
        r#"{"op":"Vary","kind":"every","by":[{"op":"Number","value":2}],"transform":null,"child":{"op":"Silence"}}"#,
        r#"{"op":"Vary","kind":"fast","by":[],"transform":{"op":"Silence"},"child":{"op":"Silence"}}"#,
        r#"{"kind":"every","transform":{"op":"Rev"},"by":[],"op":"Vary","child":{"op":"Silence"}}"#,
        r#"{"op":"Tune","tuning":"","child":{"op":"Silence"}}"#,
        r#"{"op":"Tune","tuning":"a\n1\n2","map":"1\n0\n0\n0\n9223372036854775807\n440\n1\n0","child":{"op":"Number","value":1e300}}"#,
        r#"{"op":"Tune","tuning":"a\n1\n2","map":"4096\n-5\n5\n-1000000\n1000000\n440\n1","child":{"op":"Number","value":1}}"#,
        r#"{"op":"Segment","n":0,"child":{"op":"Silence"}}"#,
        r#"{"op":"Segment","n":4096,"child":{"op":"Segment","n":4093,"child":{"op":"Number","value":1}}}"#,
        r#"{"op":"Split","kind":"rolled","n":256,"child":{"op":"Split","kind":"up","n":256,"child":{"op":"Number","value":1}}}"#,
    ] {
        target::run(&[b"\x00", tree.as_bytes()].concat());
    }
}
