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
            matches!(error, CompileError::Front { end: FrontEnd::Signal(_) | FrontEnd::TimeUp, .. }),
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
            ("process = int(int(_) / int(_));", [7.0, 0.0], 2_147_483_648.0),
            ("process = int(_) + int(_);", [1e30, f32::NAN], 2_147_483_648.0),
            ("process = int(_) << int(_);", [1.0, 33.0], 2.0),
            ("t = +(1) ~ _; process = rdtable(10, float(t), int(_)) + 0*_;", [1e9, 0.0], 10.0),
            ("t = +(1) ~ _; process = rdtable(10, float(t), int(_)) + 0*_;", [-1e9, 0.0], 1.0),
        ] {
            assert_eq!(one_frame(text, tier, &values), answer, "{text} {values:?} {tier:?}");
        }
    }
}

#[test]
fn the_block_size_cannot_be_heard() {
    let text = "import(\"stdfaust.lib\"); process = ma.BS;";
    let compiled = compile(&host_compiler(), &Source::inline("bs", text), Tier::Optimised);
    let (ty, mut node) = node(&compiled);
    for block in [1, 100] {
        let mut heard = vec![vec![0.0; 100]];
        play(&ty, &mut *node, block, &[], (0, 100), &mut heard);
        assert!(heard[0].iter().all(|&sample| sample == 512.0), "blocks of {block}");
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
