//! Texts to diagrams: everything that comes with FAUST, laws, mistakes, texts that have no end.

mod support;

use krach_faust_lang::error::Error;
use krach_faust_lang::{Compiler, Evaluated, Limits, Precision, Shelf, Text};
use std::sync::atomic::{AtomicU64, Ordering};
use support::*;

fn evaluate(shelf: &Shelf, text: Text) -> Result<Evaluated, Error> {
    Compiler { shelf, limits: Limits::default(), precision: Precision::Single, cancelled: &|| false }
        .evaluate(text, &mut Folders::default())
}

fn mistake(source: &str) -> String {
    match evaluate(&Shelf::default(), text(source)) {
        Ok(found) => panic!("{source}: {found:?}"),
        Err(error) => error.to_string().lines().next().unwrap_or_default().to_owned(),
    }
}

#[test]
fn evaluated_are_236_of_251_examples_and_all_227_that_the_command_compiles_without_headers() {
    let shelf = Shelf::default();
    let (mut wrong, mut fine, mut refusals, mut most) = (Vec::new(), 0, 0, 0);
    for (name, path) in examples() {
        match (evaluate(&shelf, file(&path)), refused(&name)) {
            (Ok(found), None) => {
                fine += 1;
                most = most.max(found.steps);
            }
            (Err(error), Some(reason)) if error.to_string().contains(reason) => refusals += 1,
            (result, reason) => {
                wrong.push(format!("{name}: {:?}, {reason:?}", result.map_err(|error| error.to_string())))
            }
        }
    }
    println!("{fine} examples evaluate, {refusals} are refused by name; {most} steps at most");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!((fine, refusals), (236, 15));
}

/// A text, the place of its mistake, and what it says.
const MISTAKES: &[(&str, &str)] = &[
    (
        "process = foo;",
        "x.dsp:1:11: `foo` is not defined; say what it is (foo = ...;), or import the file that does",
    ),
    ("lowpass = _; process = lowpas;", "x.dsp:1:24: `lowpas` is not defined; did you mean `lowpass`?"),
    ("process = os.osc(440);", "x.dsp:1:11: `os` is not defined; import(\"stdfaust.lib\"); defines it"),
    ("a = 1;", "x.dsp:1:1: there is no `process`; a program is what its text calls process: process = ...;"),
    (
        "process = (_, sin) : ondemand;",
        "x.dsp:1:22: `ondemand` is not defined; what changes the rate within a program is not supported",
    ),
    ("process = par(i, 0, _);", "x.dsp:1:1: `process` has no output; nothing of it would be heard"),
    (
        "process = @(4294967296);",
        "x.dsp:1:13: 4294967296 is too large for a whole number, which has 32 bits; write it with a point",
    ),
    (
        "process = hslider(\"time\", 0.5, 0, 2147483648, 1);",
        "x.dsp:1:11: this widget's least value 0 is above its most -2147483648; the order is: first value, least, most, step; whole numbers end at 2147483647",
    ),
    (
        "process = nentry(\"n\", 5, 0, 1, 1);",
        "x.dsp:1:11: this widget begins with 5, which is not between 0 and 1; the order is: first value, least, most, step; whole numbers end at 2147483647",
    ),
    (
        "process = vslider(\"v\", 0, 0, 1e40, 1);",
        "x.dsp:1:11: a number of this widget is larger than numbers of 32 bits can be; the order is: first value, least, most, step; whole numbers end at 2147483647",
    ),
    ("", "x.dsp:1:1: there is no `process`; a program is what its text calls process: process = ...;"),
    (
        "x = x; process = x;",
        "x.dsp:1:5: `x` uses itself without an end; signals that use themselves are written with ~ or letrec",
    ),
    (
        "x = y; y = x + 1; process = x;",
        "x.dsp:1:5: `y` uses itself without an end; signals that use themselves are written with ~ or letrec",
    ),
    ("process = sin(1, 2);", "x.dsp:1:11: `sin` takes 1 signals, 2 are given"),
    ("process = (1, 2)(3);", "x.dsp:1:11: `1, 2` takes 0 signals, 1 are given"),
    (
        "process = _, _ : sin;",
        "x.dsp:1:11: (2 outputs) : (1 input): `_, _` : `sin`; as many signals must go in on the right as come out on the left",
    ),
    (
        "process = _ <: 1;",
        "x.dsp:1:11: (1 output) <: (0 inputs): `_` <: `1`; the inputs on the right must be a multiple of the outputs on the left",
    ),
    (
        "process = _, _, _ :> _, _;",
        "x.dsp:1:11: (3 outputs) :> (2 inputs): `_, _, _` :> `_, _`; the outputs on the left must be a multiple of the inputs on the right",
    ),
    (
        "process = sin ~ (_, _);",
        "x.dsp:1:11: (1 input, 1 output) ~ (2 inputs, 2 outputs): `sin` ~ `_, _`; the left side needs at least as many outputs as the right has inputs, and as many inputs as it has outputs",
    ),
    (
        "process = (1, 2) + 3;",
        "x.dsp:1:11: `+` takes 2 signals, `1, 2` and `3` give 3; as many signals must go in on the right as come out on the left",
    ),
    (
        "f(0) = 1; process = f(2);",
        "x.dsp:1:21: no rule of the case fits `f(2)`: the arguments are (2); a last rule with a plain name fits everything",
    ),
    (
        "process = par(i, _, 1);",
        "x.dsp:1:18: `_`: the number of repetitions must be known when the program is compiled; it may not depend on a signal, a widget or the sampling rate",
    ),
    (
        "process = hslider(\"a\", _, 0, 1, 0.1);",
        "x.dsp:1:24: `_`: a number of a widget must be known when the program is compiled; it may not depend on a signal, a widget or the sampling rate",
    ),
    (
        "e = environment { a = 1; }; process = e;",
        "x.dsp:1:5: `environment { a = 1; }` is an environment, not a signal; take one of its definitions with a dot",
    ),
    (
        "e = environment { abc = 1; }; process = e.abd;",
        "x.dsp:1:41: `e.abd`: there is no `abd` in that environment; did you mean `abc`?",
    ),
    ("process = _.a;", "x.dsp:1:11: `_` is a signal or a function, not an environment"),
    (
        "import(\"none.lib\"); process = 1;",
        "x.dsp:1:1: there is no file none.lib; it is looked for beside the text and in the folders for libraries",
    ),
    (
        "import(\"maths.lib\"); PI = 3; process = PI;",
        "x.dsp:1:22: `PI` is defined in /usr/share/faust/maths.lib as well; give one of the two another name",
    ),
    ("process = soundfile(\"a\", 2);", "x.dsp:1:11: soundfile: programs cannot read sound files"),
    (
        "process = ffunction(float system(float), <stdlib.h>, \"\");",
        "x.dsp:1:11: `system` is a function of C that programs cannot call; the maths functions of C can be called",
    ),
    (
        "process = ffunction(float sinh(int), <math.h>, \"\");",
        "x.dsp:1:11: `sinh` of C takes or gives other numbers than it says here",
    ),
    (
        "process = fvariable(int environ, <unistd.h>);",
        "x.dsp:1:11: `environ` is a variable of C, which programs cannot read",
    ),
    ("process = route(2, 2, 1, 2, 3);", "x.dsp:1:23: a route takes pairs of numbers, not 3 numbers"),
    ("process = [\"a\" -> button(\"b\")];", "x.dsp:1:11: there is no widget \"a\" in `button(\"b\")`"),
    ("e = environment { a = 1; }; process = e(3);", "x.dsp:1:39: an environment takes no arguments"),
    (
        "import(\"stdfaust.lib\"); process = fi.lowpas(3, 100);",
        "x.dsp:1:35: `fi.lowpas`: there is no `lowpas` in /usr/share/faust/filters.lib; did you mean `lowpass`?",
    ),
    (
        "import(\"stdfaust.lib\");\nprocess = ba.selectn(2, _);",
        "/usr/share/faust/basics.lib:1049:19: (2 outputs) : (3 inputs): `S(left, offset), S(right, offset+left)` : `sel(i, offset+left)`; as many signals must go in on the right as come out on the left (used at x.dsp:2:11)",
    ),
];

#[test]
fn each_of_37_mistakes_names_its_place_and_what_would_work() {
    assert_eq!(MISTAKES.len(), 37);
    let wrong: Vec<String> = MISTAKES
        .iter()
        .filter(|(source, told)| mistake(source) != *told)
        .map(|(source, told)| format!("{source}\n  is     {}\n  not    {told}", mistake(source)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_error_shows_its_line_with_a_caret_and_the_line_that_led_there() {
    let source = "import(\"stdfaust.lib\");\n\tx = 1;\nprocess = x : ba.selectn(2, _); // \u{e9}";
    let error = evaluate(&Shelf::default(), text(source)).expect_err("is refused").to_string();
    let lines: Vec<&str> = error.lines().collect();
    assert!(lines[0].ends_with("(used at x.dsp:3:15)"), "{error}");
    assert_eq!(lines[1].trim(), "S(n,offset) = S(left, offset), S(right, offset+left) : sel(i, offset+left)");
    let caret = lines[2].find('^').expect("a caret");
    assert_eq!(&lines[1][caret..caret + 15], "S(left, offset)", "{error}");
}

#[test]
fn mistakes_of_a_file_that_is_imported_are_told_in_that_file_and_all_at_once() {
    let own = [("b.lib".to_owned(), "f = (1;\ng = 2 +;\n".to_owned())].into();
    let compiler = Compiler {
        shelf: &Shelf::default(),
        limits: Limits::default(),
        precision: Precision::Single,
        cancelled: &|| false,
    };
    let error = compiler
        .evaluate(text("import(\"b.lib\"); process = f;"), &mut Folders { own })
        .expect_err("is refused");
    let Error::Text(all) = error else { panic!("{error}") };
    let places: Vec<String> = all
        .iter()
        .map(|one| one.place.as_ref().map_or(String::new(), |at| format!("{}:{}", at.file, at.line)))
        .collect();
    assert_eq!(places, ["b.lib:1", "b.lib:2"]);
}

#[test]
fn imports_may_go_round_in_a_circle() {
    let own = [
        ("a.lib".to_owned(), "import(\"b.lib\"); import(\"a.lib\"); a = b + 1;".to_owned()),
        ("b.lib".to_owned(), "import(\"a.lib\"); b = 1; c = a;".to_owned()),
    ];
    let compiler = Compiler {
        shelf: &Shelf::default(),
        limits: Limits::default(),
        precision: Precision::Single,
        cancelled: &|| false,
    };
    let found =
        compiler.evaluate(text("import(\"a.lib\"); process = a, c;"), &mut Folders { own: own.into() });
    assert_eq!(found.map(|found| found.outputs), Ok(2));
}

/// Texts that have no end or are too much, with words of what is told.
const HOSTILE: &[(&str, &str)] = &[
    ("f(x) = f(x + 1); process = f(0);", "deep into each other"),
    ("f(x) = f(x, x); process = f(_);", "uses itself"),
    ("f(x) = f(\\(y).(x)); process = f(_);", "deep into each other"),
    ("f(x) = 1 + f(sin(x)); process = f;", "deep into each other"),
    ("f(0) = 0; f(n) = f(n - 1) + f(n - 2); process = f(1000000);", "deep into each other"),
    ("f(x, y) = f(x); process = f(1);", "deep into each other"),
    ("f(0) = _; f(n) = f(n - 1) <: _, _ : +; process = f(700);", ""),
    ("f(0) = _; f(n) = f(n - 1), f(n - 1); process = f(40);", "more than 1048576 signals"),
    ("process = par(i, 100000000, _);", "more than 200000 diagrams"),
    ("process = par(i, 30000, par(j, 30000, i * j));", "more than 200000 diagrams"),
    ("process = seq(i, 10000, sin);", "deep into each other"),
    ("process = sum(i, 10000, _);", "deep into each other"),
    ("process = route(100000, 1);", "0 to 65536 signals"),
    ("process = \\(x).(x(x))(\\(x).(x(x)));", "uses itself"),
    ("process = \\(x).(x(x, 1))(\\(x).(\\(y).(x(x, y + 1))));", "deep into each other"),
    ("e = environment { e = e; a = e.e; }; process = e.a.a.a;", "uses itself"),
    ("process = component(\"x.dsp\");", "uses itself"),
    ("f = case { (x) => f(x : sin); }; process = f;", "deep into each other"),
    ("f = case { (x, y) => f(y); }; process = f(1);", "deep into each other"),
    ("x = y with { y = x; }; process = x;", "uses itself"),
    (
        "f(n) = letrec_(n) with { letrec_(n) = f(n + 1) letrec { 'x = x; }; }; process = f(0);",
        "deep into each other",
    ),
    ("process = hslider(\"%x\", 0, 0, 1, 0.1) with { x = x; };", "uses itself"),
];

#[test]
fn texts_without_an_end_are_an_error_within_their_fuel() {
    let (shelf, mut wrong) = (Shelf::default(), Vec::new());
    let limits = Limits { boxes: 200_000, ..Limits::default() };
    for (source, told) in HOSTILE {
        let own = [("x.dsp".to_owned(), (*source).to_owned())].into();
        let compiler = Compiler { shelf: &shelf, limits, precision: Precision::Single, cancelled: &|| false };
        match compiler.evaluate(text(source), &mut Folders { own }) {
            Ok(_) if told.is_empty() => {}
            Err(error) if !told.is_empty() && error.to_string().contains(told) => {}
            result => wrong.push(format!("{source}: {:?}", result.map_err(|error| error.to_string()))),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn who_is_asked_to_stop_stops_within_a_few_thousand_steps() {
    let asked = AtomicU64::new(0);
    let cancelled = || asked.fetch_add(1, Ordering::Relaxed) >= 9;
    let compiler = Compiler {
        shelf: &Shelf::default(),
        limits: Limits::default(),
        precision: Precision::Single,
        cancelled: &cancelled,
    };
    let found =
        compiler.evaluate(text("process = par(i, 30000, par(j, 30000, i * j));"), &mut Folders::default());
    assert_eq!(found, Err(Error::Cancelled));
    assert_eq!(asked.load(Ordering::Relaxed), 10, "it went on after it was told");
}

#[test]
fn limits_are_told_with_their_numbers() {
    let with = |limits| {
        let compiler =
            Compiler { shelf: &Shelf::default(), limits, precision: Precision::Single, cancelled: &|| false };
        let source = "import(\"stdfaust.lib\"); process = dm.zita_rev1;";
        compiler.evaluate(text(source), &mut Folders::default()).expect_err("is refused").to_string()
    };
    let all = Limits::default();
    assert!(with(Limits { fuel: 1_000, ..all }).starts_with("the program takes more than 1000 steps"));
    assert!(with(Limits { boxes: 100, ..all }).starts_with("the program has more than 100 diagrams"));
    assert!(with(Limits { depth: 10, ..all }).starts_with("definitions go more than 10 deep"));
    assert!(with(Limits { files: 5, ..all }).starts_with("the program draws in more than 5 files"));
    assert!(with(Limits { text: 10_000, ..all }).contains("or 10000 bytes"));
}

#[test]
fn texts_are_read_once_and_dropped_when_there_are_too_many() {
    let shelf = Shelf::default();
    for _ in 0..2 {
        evaluate(&shelf, text("import(\"stdfaust.lib\"); process = os.osc(440);")).expect("evaluates");
    }
    let few = shelf.count();
    assert!((2..=60).contains(&few), "{few}");
    for number in 0..200 {
        let long = format!("process = {number}; /* {} */", "x".repeat(100_000));
        evaluate(&shelf, text(&long)).expect("evaluates");
    }
    assert!(shelf.count() < 100, "{}", shelf.count());
}

#[test]
fn damaged_texts_evaluate_or_are_refused() {
    let mut random = Random(7);
    let corpus: Vec<Vec<u8>> = examples()
        .iter()
        .map(|(_, path)| std::fs::read(path).expect("reads"))
        .filter(|text| text.len() < 3_000)
        .collect();
    let (shelf, mut fine, mut refused) = (Shelf::default(), 0, 0);
    for source in &corpus {
        let damaged = random.damage(source, &corpus);
        let limits = Limits { fuel: 300_000, ..Limits::default() };
        let compiler = Compiler { shelf: &shelf, limits, precision: Precision::Single, cancelled: &|| false };
        match compiler.evaluate(text(&String::from_utf8_lossy(&damaged)), &mut Folders::default()) {
            Ok(found) => fine += usize::from(found.steps <= 300_000),
            Err(error) => refused += usize::from(!error.to_string().contains("panicked")),
        }
    }
    println!("{fine} damaged texts evaluate, {refused} are refused");
    assert_eq!(fine + refused, corpus.len());
    assert!(fine > 10 && refused > 10, "{fine}, {refused}");
}
