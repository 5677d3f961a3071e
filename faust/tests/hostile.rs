//! Programs that mean harm, or do it by mistake: each is an error in time, and the process lives.

mod support;

use krach_core::node::NodeType;
use krach_faust::{
    Budget, ChildLimits, CompileError, Compiler, CpuLevel, FrontEnd, ObjectCache, Source, Tier,
};
use std::time::{Duration, Instant};
use support::*;

fn refusal(text: &str) -> CompileError {
    let mut compiler = host_compiler();
    compiler.limits =
        ChildLimits { wall: Duration::from_secs(3), cpu: 2, memory: 512 << 20, ..ChildLimits::default() };
    let started = Instant::now();
    let error = compiler
        .compile(&Source::inline("bad", text), Tier::Quick, &|| false)
        .map(|_| ())
        .expect_err(&format!("refuses {text}"));
    assert!(started.elapsed() < Duration::from_secs(6), "{text}: {:?}", started.elapsed());
    error
}

#[test]
fn what_crashes_the_front_half_is_an_error() {
    for text in ["process = (-2147483647-1)%(-1);", "process = seq(i,20000,sin);"] {
        let error = refusal(text);
        assert!(
            matches!(error, CompileError::Front { end: FrontEnd::Signal(_) | FrontEnd::CpuTime(2) | FrontEnd::WallTime(_), .. }),
            "{text}: {error}"
        );
    }
}

#[test]
fn what_never_ends_is_stopped() {
    for text in
        ["process = par(i,10000000,_);", "process = sum(i,100000,_*i);", "o=\\(x).(x(x)); process=o(o);"]
    {
        let error = refusal(text);
        assert!(matches!(error, CompileError::Front { .. } | CompileError::Program(_)), "{text}: {error}");
    }
}

#[test]
fn what_reaches_outside_is_refused_at_its_line() {
    for text in [
        "\nprocess = ffunction(float system(float),<stdlib.h>,\"\");",
        "\nimport(\"http://example.org/a.lib\"); process = _;",
        "\nimport(\"/etc/passwd\"); process = _;",
        "\nprocess = component(\"../../secret.dsp\");",
        "\nl = library(\"file:///etc/passwd\"); process = _;",
        "\nprocess = 0, 0 : soundfile(\"s[url:{'/etc/passwd'}]\", 1);",
        "\nprocess = fvariable(int environ, <unistd.h>);",
        // FAUST ends a comment at a carriage return.
        "\n// a comment\rimport(\"http://example.org/a.lib\"); process = _;",
        "\n// a comment\rprocess = ffunction(float system(float),<stdlib.h>,\"\");",
    ] {
        match refusal(text) {
            CompileError::Program(diagnostic) => assert_eq!(diagnostic.line, Some(2), "{diagnostic}"),
            other => panic!("{text}: {other}"),
        }
    }
}

#[test]
fn a_gigabyte_of_delay_or_table_is_too_much_before_any_of_it_exists() {
    for text in ["process = @(300000000);", "process = rdtable(300000000, 1.0, int(_));"] {
        let error = refusal(text);
        assert!(matches!(error, CompileError::TooLarge { .. }), "{text}: {error}");
    }
}

#[test]
fn a_maths_function_that_is_declared_wrongly_is_refused() {
    for (name, arguments) in [
        ("float copysignf", "float"),
        ("float atan2f", "float"),
        ("float sinf", "float, float"),
        ("int floorf", "int"),
        ("float ldexpf", "float, float"),
        ("int sinf", "float"),
    ] {
        let inputs = arguments.split(',').map(|_| "_").collect::<Vec<_>>().join(",");
        let text = format!("process = {inputs} : ffunction({name} ({arguments}), <math.h>, \"\");");
        let error = refusal(&text);
        assert!(
            matches!(&error, CompileError::Code(what) if what.contains("foreign function")),
            "{text}: {error}"
        );
    }
}

#[test]
fn tables_that_take_hours_to_fill_are_refused() {
    let error = refusal("process = rdtable(16000000, seq(i, 40, sin)(+(0.1) ~ _), int(_));");
    assert!(matches!(error, CompileError::TooLarge { what: "steps to fill its tables", .. }), "{error}");
}

#[test]
fn thousands_of_controls_and_endless_groups_are_refused() {
    let mut compiler = host_compiler();
    compiler.budget.controls = 200;
    let many = |count: u32| {
        let text = format!("process = par(i, {count}, hslider(\"a%i\", i, 0, 10000, 1)) :> _;");
        compiler.compile(&Source::inline("many", &text), Tier::Quick, &|| false).map(|_| ())
    };
    assert_eq!(many(200), Ok(()));
    assert!(matches!(many(201), Err(CompileError::TooLarge { what: "controls", .. })));
    refusal("g(0) = hslider(\"a\", 0, 0, 1, 0.1); g(n) = vgroup(\"g%n\", g(n - 1)); process = g(200);");
}

#[test]
fn one_block_of_too_many_instructions_is_refused_in_time() {
    // 60 000 products of 60 000 numbers: one block of half a million instructions.
    let error = refusal("process = _ <: par(i, 30000, *(i + 0.5) : sin : *(i + 0.1)) :> _;");
    assert!(matches!(error, CompileError::TooLarge { .. } | CompileError::Front { .. }), "{error}");
}

#[test]
fn a_pipe_is_not_waited_for() {
    let path = std::env::temp_dir().join(format!("krach-pipe-{}.dsp", std::process::id()));
    assert!(std::process::Command::new("mkfifo").arg(&path).status().expect("runs").success());
    let started = Instant::now();
    let result = host_compiler().compile(&Source::file(&path), Tier::Quick, &|| false).map(|_| ());
    std::fs::remove_file(&path).expect("removes");
    assert!(matches!(result, Err(CompileError::File { .. })), "{result:?}");
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[test]
fn mistakes_are_told_with_their_place() {
    let place = |text: &str| match refusal(text) {
        CompileError::Program(diagnostic) => diagnostic,
        other => panic!("{text}: {other}"),
    };
    let symbol = place("import(\"stdfaust.lib\");\nprocess = 1 + os.nonsense(2) + foo;");
    assert_eq!(symbol.line, Some(2), "{symbol}");
    assert!(symbol.hint.is_some());
    let syntax = place("a = 1;\nprocess = _ _;");
    assert_eq!((syntax.file.as_str(), syntax.line), ("bad.dsp", Some(2)), "{syntax}");
    let missing = place("import(\"nope.lib\"); process = _;");
    assert_eq!((missing.line, missing.column), (Some(1), Some(8)), "{missing}");
}

#[test]
fn text_that_is_not_utf8_is_an_error_with_its_line() {
    let path = std::env::temp_dir().join(format!("krach-latin-{}.dsp", std::process::id()));
    std::fs::write(&path, b"// a\n// \xe9\nprocess = _;").expect("writes");
    let result = host_compiler().compile(&Source::file(&path), Tier::Quick, &|| false);
    std::fs::remove_file(&path).expect("removes");
    match result {
        Err(CompileError::Program(diagnostic)) => assert_eq!(diagnostic.line, Some(2)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_link_out_of_the_folder_is_not_followed() {
    let folder = std::env::temp_dir().join(format!("krach-link-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("makes");
    std::os::unix::fs::symlink("/etc/passwd", folder.join("a.lib")).expect("links");
    let mut source = Source::inline("bad", "import(\"a.lib\"); process = _;");
    source.folders = vec![folder.clone()];
    let result = host_compiler().compile(&source, Tier::Quick, &|| false);
    std::fs::remove_dir_all(&folder).expect("removes");
    match result {
        Err(CompileError::Program(diagnostic)) => assert!(diagnostic.text.contains("no file a.lib")),
        other => panic!("{other:?}"),
    }
}

/// One frame of a program with these values on its inputs.
fn one_frame(text: &str, tier: Tier, values: &[f32]) -> f32 {
    let compiled = compile(&host_compiler(), &Source::inline("edge", text), tier);
    let (ty, mut node) = node(&compiled);
    assert_eq!(channels(&ty.decl().inputs), values.len());
    let inputs: Vec<Vec<f32>> = values.iter().map(|&value| vec![value]).collect();
    let mut heard = vec![vec![f32::NAN]];
    play(&ty, &mut *node, 1, &inputs, (0, 1), &mut heard);
    heard[0][0]
}

#[test]
fn integer_arithmetic_has_an_answer_for_everything() {
    let least = -2_147_483_648.0;
    for tier in [Tier::Quick, Tier::Optimised] {
        for (text, values, answer) in [
            ("process = int(_) % int(_);", [7.0, 0.0], 0.0),
            ("process = int(_) % int(_);", [7.0, 4.0], 3.0),
            ("process = int(_) % int(_);", [least, -1.0], 0.0),
            ("process = int(int(_) / int(_));", [7.0, 0.0], 2_147_483_520.0),
            ("process = int(_) + 0*_;", [1e30, 0.0], 2_147_483_520.0),
            ("process = int(_) + 0*_;", [f32::NAN, 0.0], least),
            ("process = int(_) + 0*_;", [f32::NEG_INFINITY, 0.0], least),
            ("process = int(_) + int(_);", [-2.9, 3.9], 1.0),
            ("process = int(_) << int(_);", [1.0, 33.0], 2.0),
            ("process = int(_) << int(_);", [1.0, -1.0], least),
            ("process = int(_) >> int(_);", [least, 63.0], -1.0),
            ("process = abs(int(_)) + 0*_;", [least, 0.0], least),
            ("process = (int(_) * int(_)) & 255;", [65537.0, 65537.0], 1.0),
            ("process = (0-int(_)) + int(_);", [least, 0.0], least),
            ("process = @(_, min(9, max(0, int(_))));", [3.0, 1e30], 0.0),
            ("process = @(_, int(_) & 15);", [3.0, -16.0], 3.0),
            ("t = +(1) ~ _; process = rdtable(10, float(t), int(_)) + 0*_;", [1e9, 0.0], 10.0),
            ("t = +(1) ~ _; process = rdtable(10, float(t), int(_)) + 0*_;", [-1e9, 0.0], 1.0),
        ] {
            assert_eq!(one_frame(text, tier, &values), answer, "{text} {values:?} {tier:?}");
        }
    }
}

#[test]
fn every_primitive_of_the_language_is_there() {
    for (text, values, answer) in [
        ("acos(_) + 0*_", [0.5, 0.0], 0.5f32.acos()),
        ("asin(_) + 0*_", [0.5, 0.0], 0.5f32.asin()),
        ("atan(_) + 0*_", [0.5, 0.0], 0.5f32.atan()),
        ("atan2(_, _)", [0.5, -2.0], 0.5f32.atan2(-2.0)),
        ("cos(_) + 0*_", [0.5, 0.0], 0.5f32.cos()),
        ("sin(_) + 0*_", [0.5, 0.0], 0.5f32.sin()),
        ("tan(_) + 0*_", [0.5, 0.0], 0.5f32.tan()),
        ("exp(_) + 0*_", [0.5, 0.0], 0.5f32.exp()),
        ("log(_) + 0*_", [0.5, 0.0], 0.5f32.ln()),
        ("log10(_) + 0*_", [0.5, 0.0], 0.5f32.log10()),
        ("pow(_, _)", [0.5, 2.5], 0.5f32.powf(2.5)),
        ("pow(_, 3) + 0*_", [0.5, 0.0], 0.125),
        ("pow(int(_), 3) + 0*_", [5.0, 0.0], 125.0),
        ("sqrt(_) + 0*_", [2.0, 0.0], 2f32.sqrt()),
        ("abs(_) + 0*_", [-0.5, 0.0], 0.5),
        ("abs(int(_)) + 0*_", [-5.0, 0.0], 5.0),
        ("min(_, _)", [-0.5, 0.5], -0.5),
        ("max(_, _)", [-0.5, 0.5], 0.5),
        ("min(int(_), int(_))", [-5.0, 5.0], -5.0),
        ("max(int(_), int(_))", [-5.0, 5.0], 5.0),
        ("fmod(_, _)", [5.5, 2.0], 1.5),
        ("remainder(_, _)", [5.5, 2.0], -0.5),
        ("floor(_) + 0*_", [-0.5, 0.0], -1.0),
        ("ceil(_) + 0*_", [0.5, 0.0], 1.0),
        ("rint(_) + 0*_", [2.5, 0.0], 2.0),
        ("xor(int(_), int(_))", [5.0, 3.0], 6.0),
        ("int(_) & int(_)", [5.0, 3.0], 1.0),
        ("int(_) | int(_)", [5.0, 3.0], 7.0),
        ("_ <= _", [1.0, 1.0], 1.0),
        ("_ % _", [5.5, 2.0], 1.5),
        ("select2(_, 3, 4) + 0*_", [1.0, 0.0], 4.0),
        ("select3(_, 3, 4, 5) + 0*_", [2.0, 0.0], 5.0),
        ("attach(_, _)", [1.0, 2.0], 1.0),
        ("prefix(2, _) + 0*_", [1.0, 0.0], 2.0),
        ("(waveform {1.5, 2.5} : !, _) + 0*_ + 0*_", [0.0, 0.0], 1.5),
    ] {
        let heard = one_frame(&format!("process = {text};"), Tier::Optimised, &values);
        assert!((heard - answer).abs() <= 1e-6 * answer.abs(), "{text} {values:?}: {heard}, not {answer}");
    }
}

#[test]
fn the_block_size_cannot_be_heard() {
    for (text, answer) in [
        ("import(\"stdfaust.lib\"); process = ma.BS;", 512.0),
        ("process = fvariable(int count, <math.h>) > 300;", 1.0),
        ("process = 300 < fvariable(int count, <math.h>);", 1.0),
        ("process = select2(fvariable(int count, <math.h>) == 512, 3, 7);", 7.0),
        ("t = +(1) ~ _; process = select2(t < fvariable(int count, <math.h>), 3, 7);", 7.0),
        ("process = enable(5, fvariable(int count, <math.h>) > 300);", 5.0),
    ] {
        let compiled = compile(&host_compiler(), &Source::inline("bs", text), Tier::Optimised);
        let (ty, mut node) = node(&compiled);
        for block in [1, 100] {
            let mut heard = vec![vec![0.0; 100]];
            play(&ty, &mut *node, block, &[], (0, 100), &mut heard);
            assert!(heard[0].iter().all(|&sample| sample == answer), "{text} in blocks of {block}");
        }
    }
}

#[test]
fn a_program_above_the_optimising_limits_still_sounds() {
    let mut compiler =
        Compiler::for_cpu(Some(command()), ObjectCache::in_memory(), CpuLevel::host().expect("a level"));
    compiler.budget = Budget { optimised_instructions: 10, ..Budget::default() };
    let heard = perform(&compile(&compiler, &program("sine"), Tier::Optimised), 1000, 100);
    assert!(is_sound(&heard));
    compiler.budget = Budget { instructions: 10, ..Budget::default() };
    let error = compiler.compile(&program("voice"), Tier::Quick, &|| false).map(|_| ());
    assert!(matches!(error, Err(CompileError::TooLarge { what: "instructions", .. })), "{error:?}");
}
