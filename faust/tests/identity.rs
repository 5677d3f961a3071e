//! One program, one sound: whatever the effort, the CPU level and the block size, to the bit.

mod support;

use krach_faust::{CpuLevel, Source, Tier};
use support::*;

/// Frames that are compared; a little more than half a second.
const FRAMES: usize = 26_000;

fn one_sound(name: &str) {
    is_one_sound(&program(name));
}

fn is_one_sound(source: &Source) {
    let name = &source.name;
    let levels = CpuLevel::of_host();
    let quick = compile(&compiler(levels[0]), source, Tier::Quick);
    let reference = perform(&quick, FRAMES, 512);
    assert!(is_sound(&reference), "{name} is silent or broken");
    for block in [1, 17] {
        assert!(
            bits(&perform(&quick, FRAMES, block)) == bits(&reference),
            "{name}: quick in blocks of {block}"
        );
    }
    for level in levels {
        let optimised = compile(&compiler(level), source, Tier::Optimised);
        for block in [1, 17, 512] {
            let heard = perform(&optimised, FRAMES, block);
            assert!(bits(&heard) == bits(&reference), "{name}: optimised for {level:?} in blocks of {block}");
        }
    }
}

#[test]
fn a_sine_is_one_sound() {
    one_sound("sine");
}

#[test]
fn a_voice_is_one_sound() {
    one_sound("voice");
}

#[test]
fn a_room_is_one_sound() {
    one_sound("room");
}

#[test]
fn a_bass_with_effects_is_one_sound() {
    one_sound("bass");
}

#[test]
fn sixteen_additive_voices_are_one_sound() {
    one_sound("additive");
}

#[test]
fn a_big_program_is_one_sound() {
    one_sound("big");
}

#[test]
fn in_double_precision_too_it_is_one_sound() {
    for name in ["voice", "room", "bass", "additive"] {
        is_one_sound(&Source { double: true, ..program(name) });
    }
}

/// A program of the compiler of our own: the interpreter's samples, whatever the tier, the CPU level and the block size.
fn is_what_it_means(program: &krach_faust_lang::program::Program, name: &str) -> Vec<Vec<f32>> {
    const FRAMES: usize = 6_000;
    let reference = own::interpreted(program, FRAMES);
    let levels = CpuLevel::of_host();
    let quick = [1, 17, 512].map(|block| (levels[0], Tier::Quick, block));
    let optimised =
        levels.iter().flat_map(|level| [1, 17, 512].map(|block| (*level, Tier::Optimised, block)));
    for (level, tier, block) in quick.into_iter().chain(optimised) {
        let heard = own::emitted(program, (level, tier), block, FRAMES).expect("is emitted");
        let parts = own::parts_at(&heard, &reference);
        let at = parts.unwrap_or_default();
        let frame = |sound: &[Vec<f32>]| sound.iter().map(|channel| channel[at]).collect::<Vec<_>>();
        assert!(
            parts.is_none(),
            "{name}: {tier:?} for {level:?} in blocks of {block}: {:?} for {:?} at {at}",
            frame(&heard),
            frame(&reference)
        );
    }
    reference
}

#[test]
fn what_is_emitted_of_our_own_programs_is_what_they_mean() {
    let shelf = krach_faust_lang::Shelf::default();
    for name in PROGRAMS {
        for precision in [krach_faust_lang::Precision::Single, krach_faust_lang::Precision::Double] {
            let path = format!("{}/tests/programs/{name}.dsp", env!("CARGO_MANIFEST_DIR"));
            let program = own::program_of(&shelf, path.as_ref(), precision).expect("compiles");
            assert!(is_sound(&is_what_it_means(&program, name)), "{name} is silent or broken");
        }
    }
}

/// One text for each kind of operation and of state.
const KINDS: &[(&str, &str)] = &[
    (
        "whole numbers",
        "n = 1 : + ~ _; k = n - 5; process = (n * 715827883) % k, n / (k % 3), n << k, n >> k, (0 - n * 715827882) >> k, (n & 5) | (k xor 3), abs(k * 715827882), min(n, k), max(n % 7, 3) : par(i, 9, *(0.001));",
    ),
    (
        "compare",
        "process(x, y) = x < y, x <= y, x > y, x >= y, x == y, x != y, (int(x * 9) < int(y * 9)), (int(x * 9) == int(y * 9));",
    ),
    (
        "maths",
        "process(x, y) = sin(x), cos(x), tan(x), asin(x), acos(x), atan(x), atan2(x, y), exp(x), log(abs(x)), log10(abs(x)), sqrt(abs(y)), pow(abs(x), y), fmod(x, y), remainder(x, y), floor(x * 9), ceil(x * 9), rint(x * 9), abs(x), min(x, y), max(x, y), x / y, x % y;",
    ),
    (
        "no numbers",
        "process(x) = min(sqrt(x - 9), x), max(sqrt(x - 9), x), int(x / 0 * 1e9), int(sqrt(x - 9)), int(x * 1e12);",
    ),
    (
        "lines",
        "process(x, y) = x', x@1, x@2, x@7, x@9, x@1000, x@(min(90, int(abs(y) * 100))), x@(int(y * 40) & 3), (x : (+ : @(2)) ~ *(0.5));",
    ),
    (
        "tables",
        "n = 1 : + ~ _; process(x) = rdtable(9, sin(n), n % 11 - 1), rdtable(8, n, n % 9), (waveform{1, -2.5, 3} : !, _), (waveform{1, 2, 3} : !, _), rdtable(waveform{4, 5, 6}, n % 5);",
    ),
    (
        "own tables",
        "n = 1 : + ~ _; process(x) = rwtable(5, 0.5, n % 7 - 1, x, n % 6), rwtable(5, n, n % 3, n * 2, n % 6), rwtable(16, sin(n * 0.1), n & 3, x, n % 19);",
    ),
    ("first", "process(x) = prefix(0.5, x), prefix(3, int(x * 9)), (x : prefix(0.25) : + ~ *(0.5));"),
    (
        "enable",
        "n = 1 : + ~ _; g = (n % 7) < 3; process(x) = enable(x + (n : sin), g), control((x : + ~ *(0.5)), g), enable(x@3, g) + control(x@20, g), control(hslider(\"a\", 0.3, 0, 1, 0.1) * x, button(\"gate\"));",
    ),
    (
        "controls",
        "process(x) = x * hslider(\"gain\", 0.5, 0, 1, 0.01) * button(\"gate\") + (nentry(\"n\", 3, 0, 9, 1) / 10 : sin) : hbargraph(\"level\", 0, 1);",
    ),
    (
        "rate",
        "ma = environment { SR = fconstant(int fSamplingFreq, <math.h>); }; process(x) = x * sin(1000.0 / ma.SR), rdtable(4, ma.SR, 1);",
    ),
];

#[test]
fn every_kind_of_operation_is_emitted_as_the_interpreter_does_it() {
    let shelf = krach_faust_lang::Shelf::default();
    for (name, text) in KINDS {
        for precision in [krach_faust_lang::Precision::Single, krach_faust_lang::Precision::Double] {
            let text = krach_faust_lang::Text { name: "x.dsp".into(), text: (*text).into() };
            let program =
                own::program_from(&shelf, text, precision).unwrap_or_else(|error| panic!("{name}: {error}"));
            is_what_it_means(&program, name);
        }
    }
}

/// Examples of FAUST that are large, and take LLVM seconds each.
const LARGE: &[&str] = &[
    "virtualAnalog",
    "fds/",
    "mi-faust/1",
    "modularInterp",
    "vocal",
    "parametricEqLab",
    "fdnRev",
    "reverbDesigner",
];

/// Examples that come with FAUST: quick and optimised code play what the interpreter plays, to the bit.
fn examples_are_what_they_mean(chosen: impl Fn(usize, &str) -> bool) {
    let root = command().libraries().join("examples");
    let (mut found, mut open) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("faust-common is installed").filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ext| ext == "dsp") {
                found.push(path);
            }
        }
    }
    found.sort();
    let shelf = krach_faust_lang::Shelf::default();
    let host = CpuLevel::host().expect("a level");
    let (mut same, mut heard, mut refused, mut wrong) = (0, 0, 0, Vec::new());
    for (at, path) in found.iter().enumerate() {
        let name = path.strip_prefix(&root).expect("inside").display().to_string();
        if !chosen(at, &name) {
            continue;
        }
        let Ok(program) = own::program_of(&shelf, path, krach_faust_lang::Precision::Single) else {
            refused += 1;
            continue;
        };
        const FRAMES: usize = 3_000;
        let reference = own::interpreted(&program, FRAMES);
        heard += usize::from(is_sound(&reference));
        let before = wrong.len();
        for (tier, block) in [(Tier::Quick, 64), (Tier::Optimised, 479)] {
            match own::emitted(&program, (host, tier), block, FRAMES) {
                Err(error) => wrong.push(format!("{name}: {tier:?}: {error}")),
                Ok(sound) => {
                    let parts = own::parts_at(&sound, &reference);
                    wrong.extend(parts.map(|at| format!("{name}: {tier:?} differs at frame {at}")));
                }
            }
        }
        same += usize::from(wrong.len() == before);
    }
    println!("{same} examples are the same to the bit, {heard} of all are heard, {refused} are refused");
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(same > 0 && heard * 4 > same * 3, "{same} the same, {heard} heard");
}

#[test]
fn what_is_emitted_of_examples_that_come_with_faust_is_what_they_mean() {
    examples_are_what_they_mean(|at, name| {
        at.is_multiple_of(6) && !LARGE.iter().any(|large| name.contains(large))
    });
}

#[test]
#[ignore = "soak: every example"]
fn soak_what_is_emitted_of_every_example_that_comes_with_faust_is_what_they_mean() {
    examples_are_what_they_mean(|_, _| true);
}
