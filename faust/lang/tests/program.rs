//! Texts to programs, played operation by operation: laws of the language, hard cases, what is simplified, what is
//! too much, states that are found again, damaged texts.

mod support;

use krach_faust_lang::error::Error;
use krach_faust_lang::interpret::Instance;
use krach_faust_lang::program::{Op, Program};
use krach_faust_lang::{Compiler, Limits, Precision, Shelf};
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

/// Two texts that are the same program.
const LAWS: &[(&str, &str)] = &[
    ("process = (sin, cos), tan;", "process = sin, (cos, tan);"),
    ("process = (sin : cos) : tan;", "process = sin : (cos : tan);"),
    ("process = par(i, 3, *(i + 1));", "process = *(1), *(2), *(3);"),
    ("process = seq(i, 3, +(i));", "process = +(0) : +(1) : +(2);"),
    ("process = sum(i, 3, *(i));", "process = *(0), *(1), *(2) :> _;"),
    ("process = prod(i, 3, +(i));", "process = +(0) * +(1) * +(2);"),
    (
        "f = case { (0) => 10; (1) => 20; (n) => n; }; process = f(0), f(1), f(2);",
        "f(n) = select2(n == 0, select2(n == 1, n, 20), 10); process = f(0), f(1), f(2);",
    ),
    (
        "process = -(1), /(2), %(3), <(4), <<(1), ^(2), @(1);",
        "process = (_, 1 : -), (_, 2 : /), (_, 3 : %), (_, 4 : <), (_, 1 : <<), (_, 2 : pow), (_, 1 : @);",
    ),
    (
        "process = min(2), max(2), fmod(7), atan2(1), prefix(1);",
        "process = (2, _ : min), (2, _ : max), (7, _ : fmod), (1, _ : atan2), (1, _ : prefix);",
    ),
    ("process = \\(x, y).(x - y);", "process = -;"),
    ("f(x) = \\(y).(x - y); process = f(3)(1);", "process = 2;"),
    ("f(x, y) = x - y; process = f(3);", "process = 3 - _;"),
    ("f(x) = g with { g(y) = x - y; }; process = f(3, 1);", "process = 2;"),
    ("x = 1; f(x) = x + y with { y = x * 2; x = 5; }; process = f(3);", "process = 5 + 10;"),
    ("f(x) = x with { g = x; }; process = f(1) with { g = 2; };", "process = 1;"),
    ("e = environment { a = b; b = 1; }; process = e[b = 2;].a, e.a;", "process = 2, 1;"),
    ("e = environment { a = b; b = 1; }; f = e[b = c;] with { c = 7; }; process = f.a;", "process = 7;"),
    ("e(n) = environment { a = n; }; process = e(3).a;", "process = 3;"),
    ("e = environment { f = environment { g(x) = x + k; k = 1; }; }; process = e.f.g(2);", "process = 3;"),
    ("fact(0) = 1; fact(n) = n * fact(n - 1); process = fact(5);", "process = 120;"),
    ("fib(0) = 0; fib(1) = 1; fib(n) = fib(n - 1) + fib(n - 2); process = fib(30);", "process = 832040;"),
    ("count((x, xs)) = 1 + count(xs); count(x) = 1; process = count((1, 2, 3, 4));", "process = 4;"),
    (
        "take(1, (x, xs)) = x; take(1, x) = x; take(n, (x, xs)) = take(n - 1, xs); process = take(3, (5, 6, 7, 8));",
        "process = 7;",
    ),
    (
        "same(x, x) = 1; same(x, y) = 0; process = same(2, 2), same(2, 3), same(_, _ : +), same(sin, sin);",
        "process = 1, 0, (! , ! : 0), 1;",
    ),
    ("swap((x, y)) = y, x; process = swap((1, 2));", "process = 2, 1;"),
    ("after(x : y) = y; process = after(sin : cos);", "process = cos;"),
    (
        "map(f, (x, xs)) = f(x), map(f, xs); map(f, x) = f(x); process = map(\\(x).(x * x), (1, 2, 3));",
        "process = 1, 4, 9;",
    ),
    (
        "process = inputs(\\(x, y).(x)), outputs((_, _)), inputs(+), outputs(par(i, 5, _));",
        "process = 2, 2, 2, 5;",
    ),
    ("process = outputs(case { (x, y) => x, y, x; });", "process = 3;"),
    ("process = route(2, 2, 1, 2, 2, 1);", "process = _, _ <: !, _, _, !;"),
    ("process = route(2, 1, 1, 1, 2, 1);", "process = +;"),
    ("process = route(1, 2, (1, 2), (1, 1));", "process = _ <: _, _;"),
    ("process = _, _ <: _, _, _, _ :> _, _;", "process = *(2), *(2);"),
    ("process = x letrec { 'x = x + 1; };", "process = 1 : + ~ _;"),
    ("process = x, y letrec { 'x = y + 1; 'y = x * 2; };", "process = (\\(x, y).(y + 1, x * 2)) ~ (_, _);"),
    ("process = x letrec { 'x = a + 1; where a = x * 2; };", "process = (\\(x).(x * 2 + 1)) ~ _;"),
    (
        "process = x + y letrec { 'x = x + y letrec { 'y = y + 1; }; 'y = 2; };",
        "process = (\\(x).(x + (\\(y).(y + 1) ~ _)) ~ _) + 2;",
    ),
    ("process = _'' + _@3;", "process = @(2) + @(3);"),
    ("process = _ : mem : @(2);", "process = @(3);"),
    ("process = [\"a\": 3 -> hslider(\"a\", 0, 0, 1, 0.1) + 1];", "process = 4;"),
    ("process = [\"a\": +(2) -> hslider(\"a[unit:Hz]\", 1, 0, 1, 0.1) * 2];", "process = 6;"),
    ("process = [\"a\" -> hslider(\"a\", 3, 0, 9, 0.1) + 1];", "process = *(3) + 1;"),
    (
        "process = [\"a\", \"b\": - -> hslider(\"a\", 3, 0, 9, 1) + hslider(\"b\", 5, 0, 9, 1)];",
        "process = \\(x, y).(3 * x + (5 - y));",
    ),
    ("process = waveform{1, 2, 3} : !, _;", "process = 1 + ((+(1) ~ %(3)) - 1) % 3;"),
    ("process = select3(1, 5, 6, 7), select2(0, 5, 6);", "process = 6, 5;"),
    (
        "process = 7 / 2, 6 / 2, 7 % 3, -7 % 3, int(-2.7), 2 ^ 3, 2 ^ 0.5;",
        "process = 3.5, 3, 1, -1, -2, 8, sqrt(2);",
    ),
    (
        "process = lowest(hslider(\"a\", 0, -3, 5, 1)), highest(hslider(\"a\", 0, -3, 5, 1));",
        "process = -3, 5;",
    ),
    ("process = assertbounds(0, 1, _);", "process = _;"),
    ("singleprecision x = 1; doubleprecision x = 2; process = x;", "process = 2;"),
    ("process = -sin(1), -a.b with { a = environment { b = 2; }; };", "process = 0 - sin(1), -2;"),
];

#[test]
fn each_of_50_laws_holds_to_the_bit() {
    assert_eq!(LAWS.len(), 50);
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

/// A text and the first samples of its first output.
const SAMPLES: &[(&str, &[f64])] = &[
    ("process = + ~ _;", &[1.0, 3.0, 6.0, 10.0]),
    ("process = _ : + ~ *(0.5);", &[1.0, 2.5, 4.25, 6.125]),
    ("process = _@2;", &[0.0, 0.0, 1.0, 2.0]),
    ("process = \\(x).(x @ (1 - (x > 2)));", &[0.0, 1.0, 3.0, 4.0]),
    ("process = prefix(7, _);", &[7.0, 1.0, 2.0, 3.0]),
    ("process = 1 - 1';", &[1.0, 0.0, 0.0, 0.0]),
    ("process = rdtable(3, (+(1) ~ _), int(_));", &[2.0, 3.0, 3.0, 3.0]),
    ("process = rdtable(waveform{4, 5, 6}, int(_) - 2);", &[4.0, 4.0, 5.0, 6.0]),
    ("process = rwtable(4, 0.5, int(_) % 2, _, 1);", &[11.0, 11.0, 13.0, 13.0]),
    ("process = rwtable(4, 0.5, 3, _, 2);", &[0.5, 0.5, 0.5, 0.5]),
    ("process = hslider(\"a\", 3, 0, 9, 1) : hbargraph(\"b\", 0, 9);", &[3.0, 3.0, 3.0, 3.0]),
    ("process = attach(_, _ : vbargraph(\"b\", 0, 1)) ;", &[1.0, 2.0, 3.0, 4.0]),
    ("process = control(_, int(_) % 2);", &[1.0, 1.0, 3.0, 3.0]),
    ("process = enable(_, int(_) % 2);", &[1.0, 1.0, 3.0, 3.0]),
    ("process = \\(x).(control(+(1) ~ _, int(x) % 2));", &[1.0, 1.0, 2.0, 2.0]),
    ("process = \\(x).(control(x@1, int(x) % 2));", &[0.0, 0.0, 2.0, 2.0]),
    ("process = \\(x).(control(prefix(9, x), x > 1));", &[0.0, 9.0, 2.0, 3.0]),
    ("process = ffunction(float exp2(float), <math.h>, \"\");", &[2.0, 4.0, 8.0, 16.0]),
    ("process = 2147483647 + 1, 0;", &[-2147483648.0; 4]),
    ("process = int(_) << 1 | 1;", &[3.0, 5.0, 7.0, 9.0]),
    ("process = _ % 0, 1 : +;", &[f64::NAN; 4]),
    ("process = int(_) % 0;", &[0.0; 4]),
];

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
    ("process = _, (_ : sin : !) ;", [0, 0, 1]),
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
    ("f(0) = _; f(n) = f(n - 1) <: sin, cos : *; process = f(24);", ""),
    ("f(0) = _; f(n) = f(n - 1) <: f(n - 1), f(n - 1) : *; process = f(12);", ""),
];

#[test]
fn each_of_14_programs_that_are_too_much_is_told_with_what_asks_for_it() {
    assert_eq!(TOO_MUCH.len(), 14);
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
                Op::Write(line, _) => assert!(written.insert(line)),
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
