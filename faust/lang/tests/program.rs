//! Texts to programs, played operation by operation: laws of the language, hard cases, what is simplified, what is
//! too much, states that are found again, damaged texts.

#[path = "support/generate.rs"]
mod generate;
#[path = "support/laws.rs"]
mod laws;
mod support;

use krach_faust_lang::error::Error;
use krach_faust_lang::interpret::Instance;
use krach_faust_lang::prim::Prim;
use krach_faust_lang::program::{Op, Program};
use krach_faust_lang::{Compiler, Limits, Precision, Shelf};
use laws::{LAWS, SAMPLES};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use support::*;

fn compile_with(limits: Limits, source: &str) -> Result<Program, Error> {
    Compiler { shelf: &Shelf::default(), limits, precision: Precision::Double, cancelled: &|| false }
        .compile(text(source), &mut Folders::default())
}

fn compile(source: &str) -> Program {
    compile_with(Limits::default(), source).unwrap_or_else(|error| panic!("{source}: {error}"))
}

fn refusal(limits: Limits, source: &str) -> String {
    match compile_with(limits, source) {
        Ok(_) => panic!("{source}: is compiled"),
        Err(error) => error.to_string().lines().next().unwrap_or_default().to_owned(),
    }
}

/// So many samples of each output; the inputs count: 1, 2, 3… in the first, 11, 12… in the second.
fn play(source: &str, frames: usize) -> Vec<Vec<f64>> {
    let program = match compile_with(Limits::default(), source) {
        Ok(program) => program,
        Err(error) => {
            println!("{error}");
            return Vec::new();
        }
    };
    let mut instance = Instance::<f64>::new(&program, 48_000);
    let mut sound = vec![vec![0.0; frames]; program.outputs.len()];
    let mut values = vec![0.0; program.outputs.len()];
    for frame in 0..frames {
        let inputs: Vec<f64> =
            (0..program.inputs).map(|at| f64::from(at * 10) + frame as f64 + 1.0).collect();
        instance.frame(&inputs, &mut values);
        sound.iter_mut().zip(&values).for_each(|(channel, value)| channel[frame] = *value);
    }
    sound
}

#[test]
fn each_of_53_laws_holds_to_the_bit() {
    assert_eq!(LAWS.len(), 53);
    let bits = |sound: Vec<Vec<f64>>| -> Vec<Vec<u64>> {
        sound.into_iter().map(|channel| channel.into_iter().map(f64::to_bits).collect()).collect()
    };
    let wrong: Vec<String> = LAWS
        .iter()
        .filter_map(|(a, b)| {
            let (left, right) = (play(a, 9), play(b, 9));
            (left.is_empty() || bits(left.clone()) != bits(right.clone()))
                .then(|| format!("{a}\n  {left:?}\n{b}\n  {right:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_of_22_hard_cases_gives_the_samples_that_the_language_says() {
    assert_eq!(SAMPLES.len(), 22);
    let wrong: Vec<String> = SAMPLES
        .iter()
        .filter_map(|(source, wanted)| {
            let sound = play(source, 4);
            let same = !sound.is_empty()
                && sound[0].iter().zip(*wanted).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()));
            (!same).then(|| format!("{source}: {sound:?}, not {wanted:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An expression in which `h` lies between -3 and 5 and `k` between 1 and 2, and where it lies.
const INTERVALS: &[(&str, f64, f64)] = &[
    ("h + k", -2.0, 7.0),
    ("h - k", -5.0, 4.0),
    ("h * k", -6.0, 10.0),
    ("h / k", -3.0, 5.0),
    ("h @ 3", -3.0, 5.0),
    ("k @ 3", 0.0, 2.0),
    ("min(h, 2)", -3.0, 2.0),
    ("max(h, 2)", 2.0, 5.0),
    ("abs(h)", 0.0, 5.0),
    ("int(h * 1.5)", -4.0, 7.0),
    ("int(_) % 7", -6.0, 6.0),
    ("int(_) & 15", 0.0, 15.0),
    ("int(k) << 3", 8.0, 16.0),
    ("h > 2", 0.0, 1.0),
    ("sin(_)", -1.0, 1.0),
    ("select2(_, k, 4)", 1.0, 4.0),
    ("floor(h * 0.3)", -1.0, 1.0),
    ("_ - floor(_)", f64::NEG_INFINITY, f64::INFINITY),
    ("\\(x).(x - floor(x))", 0.0, 1.0),
    ("int(_) + 2147483647", -2147483648.0, 2147483647.0),
    ("rdtable(waveform{3, -2, 9}, int(_))", -2.0, 9.0),
    ("assertbounds(0, 10, _)", 0.0, 10.0),
    ("2 ^ h", 0.125, 32.0),
];

#[test]
fn intervals_are_as_narrow_as_delays_need_them() {
    let wrong: Vec<String> = INTERVALS
        .iter()
        .filter_map(|(expression, low, high)| {
            let source = format!(
                "h = hslider(\"h\", 0, -3, 5, 1); k = hslider(\"k\", 1, 1, 2, 1); e = {expression}; process = (e : lowest), (e : highest);"
            );
            let sound = play(&source, 1);
            let found: Vec<f64> = sound.iter().map(|channel| channel[0]).collect();
            (found != [*low, *high]).then(|| format!("{expression}: {found:?}, not {low} to {high}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_value_leaves_its_interval_in_150_programs_by_chance() {
    let mut bounded = 0;
    for seed in 0..150 {
        let source = generate::Writer::new(seed).program().replace("process = ", "body = ");
        let sound = play(&format!("{source}process = body :> _ <: _, lowest, highest;"), 200);
        assert_eq!(sound.len(), 3, "{source}");
        bounded += usize::from(sound[1][0].is_finite() || sound[2][0].is_finite());
        for frame in sound[0].iter().enumerate().filter(|(_, value)| !value.is_nan()) {
            let (low, high) = (sound[1][frame.0], sound[2][frame.0]);
            assert!(
                low <= *frame.1 && *frame.1 <= high,
                "{seed}: {} is not in {low} to {high}\n{source}",
                frame.1
            );
        }
    }
    println!("{bounded} programs have bounds");
    assert!(bounded > 30, "{bounded}");
}

/// A text, and how many operations it has: constant, for controls, for samples.
const SIZES: &[(&str, [usize; 3])] = &[
    ("process = _;", [0, 0, 1]),
    ("process = _ * 1 + 0 : @(0);", [0, 0, 1]),
    ("process = (1 + 2) * 3 - 9;", [1, 0, 0]),
    ("process = _ <: sin, sin :> _;", [0, 0, 3]),
    ("process = _ : mem : mem : mem;", [1, 0, 3]),
    ("process = hslider(\"a\", 0, 0, 1, 0.1) * 2 : sin;", [1, 3, 0]),
    ("process = _ * sin(hslider(\"a\", 0, 0, 1, 0.1) * 2);", [1, 3, 2]),
    ("process = fconstant(int fSamplingFreq, <math.h>) / 2 * _;", [4, 0, 2]),
    ("process = + ~ _;", [1, 0, 4]),
    ("process = _, (_ : sin : !);", [0, 0, 1]),
    ("process = _ <: -;", [1, 0, 0]),
    ("process = _ <: /;", [1, 0, 0]),
    ("process = 0 / _, (_ : int : &(0)), (_ <: *(1.0), /(1) : -);", [2, 0, 0]),
];

#[test]
fn what_is_known_is_computed_once_and_what_is_not_needed_never() {
    let mut wrong = Vec::new();
    for (source, sizes) in SIZES {
        let program = compile(source);
        let found =
            [program.controls, program.samples - program.controls, program.steps.len() - program.samples];
        if found != *sizes {
            wrong.push(format!("{source}: {found:?}, not {sizes:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A text that is too much or cannot be laid out, and what is told.
const TOO_MUCH: &[(&str, &str)] = &[
    (
        "process = _, _ : @;",
        "x.dsp:1:11: this delay has no longest length; hold its length with min(longest, ...)",
    ),
    (
        "process = @(int(hslider(\"t\", 0, 0, 20000, 0.1) * 48000));",
        "x.dsp:1:11: this delay may become 960000000 samples long; 268435456 is the most; hold its length with min(longest, ...)",
    ),
    (
        "process = @(int(hslider(\"time\", 0.5, 0, 20000, 0.001) * 192000));",
        "x.dsp:1:11: this delay may become 2147483647 samples long; 268435456 is the most; hold its length with min(longest, ...)",
    ),
    (
        "process = @(4000000000);",
        "x.dsp:1:11: this delay is -294967296 samples long at most; a delay is 0 or more: what comes later is not known yet",
    ),
    (
        "process = _ <: @(100), @(100000000);",
        "x.dsp:1:24: delays and tables take 800000000 bytes for one voice, 67108864 is the most; a delay of 100000000 samples takes the most of it; make it shorter",
    ),
    (
        "process = rdtable(int(_), 1, 2);",
        "x.dsp:1:11: the size of a table must be known when the program is compiled; it may not depend on a signal, a widget or the sampling rate",
    ),
    (
        "process = rdtable(0, 1, 2);",
        "x.dsp:1:11: a table has 1 to 67108864 entries, not 0; give it another size",
    ),
    (
        "process = rdtable(100, _, int(_));",
        "x.dsp:1:11: a table of 100 entries is filled from an input or a widget; a table is filled before the program has any of them",
    ),
    (
        "process = rdtable(100, hslider(\"a\", 0, 0, 1, 0.1), int(_));",
        "x.dsp:1:11: a table of 100 entries is filled from an input or a widget; a table is filled before the program has any of them",
    ),
    (
        "process = rdtable(60000000, sin(1 : + ~ _), int(_));",
        "x.dsp:1:29: tables take 480000000 bytes, 67108864 is the most; this one has 60000000 entries; make it smaller",
    ),
    (
        "process = rdtable(8000000, (1 : + ~ _) : seq(i, 200, sin), int(_));",
        "operations to fill the tables, 1000000000 is the most",
    ),
    ("process = par(i, 65, _);", "the program has 65 inputs; 64 is the most; end some of them with !"),
    ("process = par(i, 65, i);", "the program has 65 outputs; 64 is the most; add some of them with :>"),
    (
        "process = par(i, 70, par(j, 70, hslider(\"a%i %j\", 0, 0, 1, 0.1))) :> _;",
        "the program has 4900 widgets; 4096 is the most; look for a huge par, seq or sum",
    ),
    (
        "f(0) = button(\"a\"); f(n) = hgroup(\"%n\", f(n - 1)); process = f(61);",
        "the program has 61 groups in each other; 60 is the most; take some groups away",
    ),
    ("f(0) = _; f(n) = f(n - 1) <: sin, cos : *; process = f(24);", ""),
    ("f(0) = _; f(n) = f(n - 1) <: f(n - 1), f(n - 1) : *; process = f(12);", ""),
];

#[test]
fn each_of_15_programs_that_are_too_much_is_told_with_what_asks_for_it() {
    assert_eq!(TOO_MUCH.iter().filter(|(_, told)| !told.is_empty()).count(), 15);
    let mut wrong = Vec::new();
    for (source, told) in TOO_MUCH {
        if told.is_empty() {
            compile(source);
        } else {
            let found = refusal(Limits::default(), source);
            if !found.contains(told) {
                wrong.push(format!("{source}\n  is  {found}\n  not {told}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let few = Limits { signals: 100, ..Limits::default() };
    assert!(refusal(few, "process = seq(i, 200, sin);").starts_with("the program has more than 100 signals"));
    let few = Limits { steps: 100, ..Limits::default() };
    assert!(
        refusal(few, "process = seq(i, 200, sin);").contains("operations for one sample; 100 is the most")
    );
}

#[test]
fn what_changes_less_often_than_every_sample_divides_once() {
    let per_sample = |source: &str| {
        let program = compile(source);
        let steps = &program.steps[program.samples..];
        let of = |prim| steps.iter().filter(|step| matches!(step.op, Op::Binary(p, ..) if p == prim)).count();
        (of(Prim::Div), of(Prim::Mul))
    };
    let slow = "c = hslider(\"c\", 2, 1, 3, 0.1); sr = fconstant(int fSamplingFreq, <math.h>);";
    for (source, divisions, products) in [
        ("process = _ / 3;", 0, 1),
        ("process = _ / c, _ / c, _ / sr;", 0, 3),
        ("process = _ / (c * sr);", 0, 1),
        ("process = c / sr;", 0, 0),
        ("process = _, _ : /;", 1, 0),
        ("process = c / _;", 1, 0),
        // By a quotient of what is slow: 1 by that is a product, once for all that is divided by it.
        ("process(x, y) = x / (c / y), y / (c / y);", 0, 3),
        ("process = c / (sr / _);", 0, 2),
        ("process(x, y) = x / (2 / (sr / y)), y / (2 / (sr / y));", 1, 3),
        ("process(x, y) = x / (x / y);", 2, 0),
        // The inverse of such a number is not as exact as the number.
        ("process = _ / 1e-320;", 1, 0),
        // Whole numbers divide as whole numbers.
        ("process = int(_) & 7 : int : / (3);", 0, 1),
    ] {
        assert_eq!(per_sample(&format!("{slow} {source}")), (divisions, products), "{source}");
    }
    // Not more than the last bit of a quotient is lost, and powers of two lose nothing.
    let sound = play("process = _ <: /(3), /(4), /(0.125);", 1000);
    for (frame, ((third, quarter), eighth)) in sound[0].iter().zip(&sound[1]).zip(&sound[2]).enumerate() {
        let x = frame as f64 + 1.0;
        assert!((third - x / 3.0).abs() <= f64::EPSILON * x / 3.0, "{frame}");
        assert_eq!((*quarter, *eighth), (x / 4.0, x * 8.0));
    }
    assert_eq!(play("process = 0 * _ / 1e-320;", 1), [[0.0]]);
    // A divisor that is a quotient by 0, or of what is endless.
    let edges = play("process = _ - 1 : \\(x).(1 / (2 / x), 3 / (4 / (5 / x)));", 2);
    assert_eq!((edges[0][0], edges[0][1]), (0.0, 0.5));
    assert_eq!((edges[1][0], edges[1][1]), (f64::INFINITY, 3.75));
}

#[test]
fn long_chains_of_signals_are_no_deep_stack() {
    let limits = Limits { depth: 400, ..Limits::default() };
    // Propagation goes as deep as the text; typing and layout walk a chain of 100,000 signals.
    let source = "f(0) = sin; f(n) = f(n - 1) : f(n - 1); process = f(16);";
    let program = compile_with(limits, source).expect("compiles");
    assert_eq!(program.steps.len(), (1 << 16) + 1);
}

#[test]
fn every_stage_stops_when_it_is_asked() {
    let source = "f(0) = sin; f(n) = f(n - 1) : f(n - 1); process = f(16);";
    let asked = AtomicU64::new(0);
    let run = |stop: u64| {
        asked.store(0, Ordering::Relaxed);
        let cancelled = || asked.fetch_add(1, Ordering::Relaxed) >= stop;
        let compiler = Compiler {
            shelf: &Shelf::default(),
            limits: Limits::default(),
            precision: Precision::Double,
            cancelled: &cancelled,
        };
        compiler.compile(text(source), &mut Folders::default()).map(|_| ())
    };
    assert_eq!(run(u64::MAX), Ok(()));
    let whole = asked.load(Ordering::Relaxed);
    assert!(whole > 100, "{whole}");
    for stop in (0..whole).step_by(7) {
        assert_eq!(run(stop), Err(Error::Cancelled));
        assert_eq!(asked.load(Ordering::Relaxed), stop + 1, "it went on after it was told");
    }
}

fn keys(source: &str) -> BTreeSet<u64> {
    let program = compile(source);
    let all: Vec<u64> = program.lines.iter().map(|line| line.key).collect();
    let keys: BTreeSet<u64> = all.iter().copied().collect();
    assert_eq!(keys.len(), all.len(), "{source}: two lines have one key");
    keys
}

#[test]
fn states_that_an_edit_does_not_touch_keep_their_keys() {
    let head = "import(\"stdfaust.lib\"); f = hslider(\"freq\", 440, 20, 2000, 1); ";
    let plain = keys(&format!("{head} process = os.sawtooth(f);"));
    let filtered = keys(&format!("{head} process = os.sawtooth(f) : fi.lowpass(3, 800) : *(0.5);"));
    assert!(
        !plain.is_empty() && plain.is_subset(&filtered),
        "an oscillator keeps its state when a filter follows"
    );
    let dry = keys(&format!(
        "{head} process = no.noise : dm.freeverb_demo_(0.3) with {{ dm = environment {{ freeverb_demo_(g) = _ <: *(g), re.mono_freeverb(0.5, 0.5, 0.5, 23) :> _; }}; }};"
    ));
    let wet = keys(&format!(
        "{head} process = no.noise : dm.freeverb_demo_(0.9) with {{ dm = environment {{ freeverb_demo_(g) = _ <: *(g), re.mono_freeverb(0.5, 0.5, 0.5, 23) :> _; }}; }};"
    ));
    assert_eq!(dry, wet, "a reverb keeps its tail when the dry gain changes");
    // Two loops that are alike and written in two ways.
    assert_eq!(keys("process = (1 : + ~ _), (x letrec { 'x = x + 1; });").len(), 2);
    let other = keys(&format!("{head} process = os.sawtooth(f * 2);"));
    assert_ne!(plain, other);
    keys(&format!(
        "{head} process = (no.noise : fi.pole(0.5)), (no.noise * 2 : fi.pole(0.5)), (_ : fi.pole(0.5));"
    ));
}

#[test]
fn a_program_is_the_same_each_time_it_is_compiled() {
    for (_, path) in examples().into_iter().filter(|(name, _)| refused(name).is_none()).step_by(9) {
        let shelf = Shelf::default();
        let compiler = Compiler {
            shelf: &shelf,
            limits: Limits::default(),
            precision: Precision::Single,
            cancelled: &|| false,
        };
        let one = || compiler.compile(file(&path), &mut Folders::default()).expect("compiles");
        assert!(one() == one(), "{}", path.display());
    }
}

#[test]
fn operands_are_computed_before_what_takes_them_and_follow_no_faster_rate() {
    for (_, path) in examples().into_iter().filter(|(name, _)| refused(name).is_none()).step_by(5) {
        let shelf = Shelf::default();
        let compiler = Compiler {
            shelf: &shelf,
            limits: Limits::default(),
            precision: Precision::Single,
            cancelled: &|| false,
        };
        let program = compiler.compile(file(&path), &mut Folders::default()).expect("compiles");
        let mut written = BTreeSet::new();
        for (at, step) in program.steps.iter().enumerate() {
            let _ = step.op.map(|value| {
                assert!((value.0 as usize) < at, "{}: step {at} takes {value:?}", path.display());
                value
            });
            match step.op {
                Op::Write(line, value) => {
                    assert!(written.insert(line));
                    // It waits for nothing but its value and the last who reads.
                    let mut steps = program.steps[..at].iter().enumerate();
                    let before = steps.rfind(|(_, step)| !matches!(step.op, Op::Write(..)));
                    let (before, last) = before.expect("its value");
                    let reads = matches!(last.op, Op::Read(from, _) | Op::ReadNow(from, ..) if from == line);
                    let known = [Some(value.0), step.when.map(|when| when.0)].contains(&Some(before as u32));
                    assert!(reads || known || before < program.samples, "{}: {at}", path.display());
                }
                Op::Read(line, _) | Op::ReadNow(line, ..) => assert!(!written.contains(&line)),
                _ => {}
            }
        }
        assert_eq!(written.len(), program.lines.len());
    }
}

#[test]
fn damaged_texts_compile_or_are_refused() {
    let mut random = Random(3);
    let corpus: Vec<Vec<u8>> = LAWS
        .iter()
        .flat_map(|(a, b)| [a.as_bytes().to_vec(), b.as_bytes().to_vec()])
        .chain(SAMPLES.iter().map(|(source, _)| source.as_bytes().to_vec()))
        .collect();
    let (shelf, mut fine, mut refusals) = (Shelf::default(), 0, 0);
    for round in 0..1_500 {
        let damaged = random.damage(&corpus[round % corpus.len()], &corpus);
        let limits =
            Limits { fuel: 300_000, state: 1 << 20, tables: 1 << 20, filling: 100_000, ..Limits::default() };
        let compiler = Compiler { shelf: &shelf, limits, precision: Precision::Double, cancelled: &|| false };
        match compiler.compile(text(&String::from_utf8_lossy(&damaged)), &mut Folders::default()) {
            Ok(program) => {
                fine += 1;
                let mut instance = Instance::<f64>::new(&program, 44_100);
                let mut values = vec![0.0; program.outputs.len()];
                for _ in 0..8 {
                    instance.frame(&vec![f64::NAN; program.inputs as usize], &mut values);
                }
            }
            Err(error) => {
                refusals += 1;
                assert!(!error.to_string().contains("panicked"), "{}", String::from_utf8_lossy(&damaged));
            }
        }
    }
    println!("{fine} damaged texts compile and play, {refusals} are refused");
    assert!(fine > 30 && refusals > 100, "{fine}, {refusals}");
}
