//! Reading texts: everything that comes with FAUST, errors with their places, damaged texts.

mod support;

use krach_faust_lang::error::Error;
use krach_faust_lang::syntax::{Syntax, parse};
use krach_faust_lang::{Compiler, Limits, Precision, Shelf};
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::*;

fn read(text: &str) -> Syntax {
    parse(text, Precision::Single)
}

#[test]
fn all_44_libraries_and_251_examples_parse() {
    let (libraries, examples) = (libraries(), examples());
    let mut wrong = Vec::new();
    for path in libraries.iter().chain(examples.iter().map(|(_, path)| path)) {
        let bytes = fs::read(path).expect("reads");
        let text = String::from_utf8_lossy(&bytes);
        let faults = read(&text).faults;
        if let Some(fault) = faults.first() {
            let place = krach_faust_lang::error::Place::of(&path.display().to_string(), &text, fault.span);
            wrong.push(format!("{}:{}:{}: {}", place.file, place.line, place.column, fault.text));
        }
    }
    println!(
        "{} libraries, {} examples, {} of them with errors",
        libraries.len(),
        examples.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!((libraries.len(), examples.len()), (44, 251));
}

/// A text, the place of its fault as `line:column`, and what the fault says.
const FAULTS: &[(&str, &str, &str)] = &[
    ("process = ;", "1:11", "expected an expression, found `;`"),
    ("process = 1", "1:11", "expected `;`, found the end of the text"),
    ("a = 1\nprocess = a;", "1:5", "expected `;`, found `process`"),
    ("process = (1, 2;", "1:16", "expected `)`, found `;`"),
    ("process = sin(1;", "1:16", "expected `)`, found `;`"),
    ("process = + ) 3;", "1:13", "expected `;`, found `)`"),
    ("process = hslider(\"a\", 0, 1, 0.1);", "1:24", "`hslider` takes 4 values here, not 3"),
    ("process = hbargraph(\"a\", 0);", "1:26", "`hbargraph` takes 2 values here, not 1"),
    ("process = hslider(a, 0, 0, 1, 0.1);", "1:19", "expected a text between quotes, found `a`"),
    ("process = button(\"a);", "1:18", "this text has no end"),
    ("process = 1; /* no end", "1:14", "this comment has no end"),
    ("<mdoc>\nprocess = 1;", "1:1", "this <mdoc> section has no end"),
    ("sin = 1;", "1:1", "`sin` is a word of the language and cannot be the name of a definition"),
    ("f(x) = 1; f(x, y) = 2;", "1:11", "this rule of `f` has 2 parameters, the first has 1"),
    ("x = 1;\nx = 2;", "2:1", "`x` is defined twice"),
    ("x(1) = 1;\nx = 2;", "2:1", "`x` is defined twice"),
    ("process = case { };", "1:11", "this case has no rule"),
    ("process = case { (1) => 2; (1, 2) => 3; };", "1:28", "this rule has 2 parameters, the first has 1"),
    ("process = \\(x) x;", "1:16", "expected `.`, found `x`"),
    ("process = \\(1).(x);", "1:13", "expected a parameter, found `1`"),
    ("process = par(i, 3);", "1:19", "expected `,`, found `)`"),
    ("process = par(3, i, _);", "1:15", "expected the name of the index, found `3`"),
    ("process = a.1;", "1:12", "expected `;`, found `.1`"),
    ("process = a . ;", "1:15", "expected a name, found `;`"),
    ("process = _ with { x = 1 };", "1:24", "expected `;`, found `}`"),
    ("process = _ with ( x = 1; );", "1:18", "expected `{`, found `(`"),
    ("process = x letrec { x = 1; };", "1:22", "expected `}`, found `x`"),
    ("process = waveform{1, a};", "1:23", "expected a number, found `a`"),
    ("process = waveform{};", "1:20", "expected a number, found `}`"),
    ("import \"a.lib\";", "1:8", "expected `(`, found a text"),
    ("import(a);", "1:8", "expected a text between quotes, found `a`"),
    ("declare name;", "1:13", "expected a text between quotes, found `;`"),
    ("process = é;", "1:11", "'é' is no part of the language"),
    ("process = 3 # 4;", "1:13", "'#' is no part of the language"),
    (
        "process = ffunction(double f(float), <m.h>, \"\");",
        "1:21",
        "expected `int` or `float`, found `double`",
    ),
    ("process = fconstant(int x, <math.h);", "1:28", "expected the name of a header, as <math.h>, found `<`"),
    ("process = if (1) 2;", "1:18", "expected `;`, found `2`"),
    ("= 3;", "1:1", "expected the name of a definition, found `=`"),
    ("process = _ : : _;", "1:15", "expected an expression, found `:`"),
    ("process = [\"a\": *(2) _];", "1:22", "expected `->`, found `_`"),
];

#[test]
fn each_of_40_mistakes_is_told_at_its_character() {
    assert_eq!(FAULTS.len(), 40);
    for (text, place, told) in FAULTS {
        let faults = read(text).faults;
        let fault = faults.first().unwrap_or_else(|| panic!("{text}: no fault"));
        let found = krach_faust_lang::error::Place::of("x", text, fault.span);
        assert_eq!(
            (format!("{}:{}", found.line, found.column).as_str(), fault.text.as_str()),
            (*place, *told),
            "{text}"
        );
    }
}

#[test]
fn all_errors_of_a_text_are_told_and_what_is_whole_is_read() {
    let text =
        "a = 1;\nb = (2;\nc = 3 +;\nd = _ with { x = ; y = 4; z = ); };\ne = 5\nf = 6;\nprocess = a;\n";
    let syntax = read(text);
    let lines: Vec<u32> = syntax
        .faults
        .iter()
        .map(|fault| krach_faust_lang::error::Place::of("x", text, fault.span).line)
        .collect();
    assert_eq!(lines, [2, 3, 4, 4, 5]);
    let names: Vec<&str> = syntax.scope(Syntax::TOP).order.iter().map(|word| syntax.word(*word)).collect();
    assert_eq!(names, ["a", "d", "f", "process"]);
}

#[test]
fn byte_order_marks_returns_and_odd_comments_are_white_space() {
    for text in [
        "\u{feff}process = 1;",
        "process = 1;\r\n",
        "process/* * */= // x\r\n 1;",
        "<mdoc>\n$;;$ (</mdoc>process = 1;",
    ] {
        let syntax = read(text);
        assert!(syntax.faults.is_empty(), "{text:?}: {:?}", syntax.faults);
        assert_eq!(syntax.scope(Syntax::TOP).order.len(), 1);
    }
}

#[test]
fn nested_without_end_is_a_fault_and_long_is_not() {
    for open in
        ["(", "\\(x).(", "sin(", "par(i,1,", "1-(", "a[b=", "_ with { a = ", "environment { a = ", "[\"a\":"]
    {
        let text = format!("process = {}", open.repeat(100_000));
        let faults = read(&text).faults;
        assert!(faults.iter().any(|fault| fault.text.contains("deep in each other")), "{open}: {faults:?}");
    }
    for sign in [",", ":", "+", "~", "<:", "@"] {
        let text = format!("process = {};", vec!["_"; 50_000].join(sign));
        assert!(read(&text).faults.is_empty(), "{sign}");
    }
}

#[test]
fn precisions_are_chosen() {
    let text = "singleprecision a = 1; doubleprecision quadprecision a = 2; process = a;";
    for (precision, start) in [(Precision::Single, 16), (Precision::Double, 53)] {
        let syntax = parse(text, precision);
        assert!(syntax.faults.is_empty());
        let (_, span) =
            syntax.scope(Syntax::TOP).definitions.values().find(|(_, span)| span.start < 60).expect("a");
        assert_eq!(span.start, start, "{precision:?}");
    }
}

#[test]
fn damaged_texts_are_read_to_their_end() {
    let mut random = Random(1);
    let corpus: Vec<Vec<u8>> = examples().iter().map(|(_, path)| fs::read(path).expect("reads")).collect();
    let (mut texts, mut faulty) = (0, 0);
    for text in corpus.iter().filter(|text| text.len() < 20_000) {
        for _ in 0..4 {
            let damaged = random.damage(text, &corpus);
            texts += 1;
            faulty += usize::from(!read(&String::from_utf8_lossy(&damaged)).faults.is_empty());
        }
    }
    println!("{texts} damaged texts, {faulty} of them with errors");
    assert!(faulty * 2 > texts);
}

/// What is said of a text with our own library, if it is no program.
fn refused(source: &str) -> Option<Error> {
    let (limits, precision) = (Limits::default(), Precision::Single);
    let compiler = Compiler { shelf: &Shelf::default(), limits, precision, cancelled: &|| false };
    compiler.compile(text(source), &mut krach_faust_lang::own::Own).err()
}

#[test]
fn mistakes_that_do_not_follow_from_one_another_are_told_together_and_each_once() {
    for (source, places) in [
        ("process = a + b, f(c, 1) : d;", "11 15 18 20 28"),
        ("process = a + a;", "11 15"),
        ("x = a; process = x + x, x;", "5"),
        // What is wrong below is looked at once, not once for each of the ways that lead there.
        ("f(0) = a; f(n) = f(n - 1) + f(n - 1); process = f(60);", "8"),
        ("f(0) = (1, 2) : sin; f(n) = f(n - 1) + f(n - 1); process = f(60);", "8"),
        ("process = ((1, 2) : sin) + (cos : (1, 2, 3)) * a;", "48"),
        ("process = ((1, 2) : sin) + (_ : (!, _));", "12 29"),
        ("process = f(1) with { f(x) = x + a + b; };", "34 38"),
        ("process = 1 +; x = ); y = ];", "14 20 27"),
    ] {
        let Some(Error::Text(told)) = refused(source) else { panic!("{source}") };
        let columns = told.iter().filter_map(|one| one.place.as_ref()).map(|place| place.column.to_string());
        assert_eq!(columns.collect::<Vec<_>>().join(" "), places, "{source}: {told:?}");
    }
    // Once: that takes no more steps than are asked about a few times.
    let asked = AtomicUsize::new(0);
    let cancelled = || asked.fetch_add(1, Ordering::Relaxed) > 1_000;
    let (limits, precision) = (Limits::default(), Precision::Single);
    let compiler = Compiler { shelf: &Shelf::default(), limits, precision, cancelled: &cancelled };
    for wrong in ["a", "((1, 2) : sin)"] {
        let shared = format!("f(0) = {wrong}; f(n) = f(n - 1) + f(n - 1); process = f(60);");
        assert!(compiler.compile(text(&shared), &mut krach_faust_lang::own::Own).is_err());
    }
    assert!(asked.load(Ordering::Relaxed) < 10, "asked {asked:?} times");
    let many: String = (0..50).map(|n| format!("unknown{n}, ")).collect();
    let Some(Error::Text(told)) = refused(&format!("process = {many} 1;")) else { panic!("compiles") };
    assert_eq!(told.len(), krach_faust_lang::error::MOST_FAULTS);
}

/// The page of mistakes: each text with what is said of it.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/faust-mistakes.md");

#[test]
fn each_mistake_of_the_page_is_told_as_it_says() {
    let page = fs::read_to_string(PAGE).expect("is there");
    let told = |source: &str| refused(source).map_or_else(String::new, |error| format!("{error}\n"));
    let (mut written, mut mistakes, mut wrong) = (String::new(), 0, Vec::new());
    let mut parts = page.split("```faust\n");
    written.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (source, rest) = part.split_once("\n```\n```error\n").expect("a text and its message");
        let (message, rest) = rest.split_once("```\n").expect("a message with an end");
        let now = told(source);
        mistakes += usize::from(!now.is_empty());
        if now != message {
            wrong.push(format!("{source}\n  is told:\n{now}  the page says:\n{message}"));
        }
        written.push_str(&format!("```faust\n{source}\n```\n```error\n{now}```\n{rest}"));
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(PAGE, written).expect("our own file");
        return;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(mistakes >= 60 && mistakes == page.matches("\n## ").count(), "{mistakes} mistakes");
}
