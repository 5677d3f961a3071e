//! The compiler of our own in the place of the `faust` command: what the sounds of `dsp/` play, what texts find, what they
//! are told.

use crate::sounds::{Take, all, source};
use crate::support::{compile, host_compiler, is_sound, node, own_compiler};
use krach_core::node::{Control, DeclaredMidi, MidiInput, NodeType};
use krach_faust::{
    CompileError, Compiled, Compiler, Diagnostic, FaustType, Libraries, Source, Standard, Tier,
};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Most that two translations of one text are apart in double precision, as a share of the loudest sample: what comes out has 32 bits.
const TOLERANCE: f32 = 1e-6;

/// A compiler on a machine without the command and without libraries.
pub fn alone() -> Compiler {
    own_compiler(Libraries::in_folders([]))
}

fn take(name: &str) -> Take {
    let take = Take::of(name, 48_000.0, 0.2, 0.5);
    if take.inputs.is_empty() {
        take.set(0.31, "gate", 1.0).set(0.4, "gate", 0.0)
    } else {
        take.set(0.11, "mix", 0.7)
    }
}

/// The largest difference as a share of the loudest sample.
fn apart(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    assert_eq!(a.len(), b.len());
    let pairs = || a.iter().flatten().zip(b.iter().flatten());
    let loudest = pairs().fold(0.0f32, |most, (_, b)| most.max(b.abs()));
    pairs().fold(0.0f32, |most, (a, b)| if (a - b).abs() <= most { most } else { (a - b).abs() }) / loudest
}

#[test]
fn every_sound_of_ours_plays_what_the_command_makes_of_it() {
    let (ours, theirs) = (alone(), host_compiler());
    let mut most = ("", 0.0);
    for name in all() {
        let play = |compiler: &Compiler, standard| {
            let text = Source { double: true, standard, ..source(name) };
            let ty = FaustType::new(compile(compiler, &text, Tier::Quick).object).expect("described");
            (ty.decl().controls.clone(), take(name).play(&ty))
        };
        let (own_controls, own) = play(&ours, Standard::Own);
        let (controls, sound) = play(&theirs, Standard::Installed);
        assert!(is_sound(&own), "{name} is silent or broken");
        let told = |control: &Control| format!("{control:?}");
        assert_eq!(
            own_controls.iter().map(told).collect::<Vec<_>>(),
            controls.iter().map(told).collect::<Vec<_>>(),
            "{name}"
        );
        let apart = apart(&own, &sound);
        if apart > most.1 {
            most = (name, apart);
        }
        assert!(apart <= TOLERANCE, "{name}: {apart:e} of the loudest sample");
    }
    println!("{} is furthest apart: {:e} of its loudest sample", most.0, most.1);
}

fn compiled(compiler: &Compiler, text: &str, folders: Vec<PathBuf>) -> Result<Compiled, CompileError> {
    compiler.compile(&Source { folders, ..Source::inline("x", text) }, Tier::Quick, &|| false)
}

/// What a program of one output plays first.
fn first(compiled: &Compiled) -> f32 {
    let (ty, mut node) = node(compiled);
    let mut heard = vec![vec![0.0]];
    crate::support::play(&ty, &mut *node, 1, &[], (0, 1), &mut heard);
    heard[0][0]
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("krach-front-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("makes a folder");
        for (name, text) in files {
            fs::write(path.join(name), text).expect("writes");
        }
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_name_is_looked_for_in_the_texts_folders_then_in_the_machines_libraries_then_in_ours() {
    let near = Folder::new("near", &[("a.lib", "x = 1;"), ("maths.lib", "PI = 5; SR = 1;")]);
    let far =
        Folder::new("far", &[("a.lib", "x = 2;"), ("b.lib", "x = 3;"), ("maths.lib", "PI = 4; SR = 1;")]);
    let further = Folder::new("further", &[("b.lib", "x = 6;"), ("c.lib", "x = 7;")]);
    let known = || Libraries::in_folders([far.0.clone(), further.0.clone()]);
    let compiler = own_compiler(known());
    let text = |library: &str, name: &str| format!("process = library(\"{library}\").{name};");
    let value =
        |library, name, folders| first(&compiled(&compiler, &text(library, name), folders).expect(library));
    assert_eq!(value("a.lib", "x", vec![near.0.clone()]), 1.0);
    assert_eq!(value("a.lib", "x", vec![]), 2.0);
    assert_eq!(value("b.lib", "x", vec![near.0.clone()]), 3.0);
    assert_eq!(value("c.lib", "x", vec![near.0.clone()]), 7.0);
    // What our library imports is looked for in the same places.
    assert_eq!(value("stdfaust.lib", "ma.PI", vec![near.0.clone()]), 5.0);
    assert_eq!(value("stdfaust.lib", "ma.PI", vec![]), 4.0);
    assert_eq!(value("stdfaust.lib", "ro.cross(1)(8)", vec![]), 8.0);
    // A sound of ours finds ours only, wherever it is compiled.
    let ours = Source { standard: Standard::Own, ..Source::inline("x", &text("stdfaust.lib", "ma.PI")) };
    let own = compile(&compiler, &ours, Tier::Quick);
    assert_eq!(first(&own), std::f32::consts::PI);
    assert_eq!(own.object.key(), compile(&alone(), &ours, Tier::Quick).object.key());
    // What a machine's libraries say is a part of what an object is made of.
    let pi = text("stdfaust.lib", "ma.PI");
    let (here, there) = (compiled(&compiler, &pi, vec![]), compiled(&alone(), &pi, vec![]));
    assert_ne!(here.expect("compiles").object.key(), there.expect("compiles").object.key());
}

#[test]
fn an_error_is_at_the_musicians_own_text_and_names_the_library() {
    let near = Folder::new("errors", &[("mine.lib", "twice(x) = x * unknown;")]);
    let told = |text: &str| match compiled(&alone(), text, vec![near.0.clone()]) {
        Err(CompileError::Program(diagnostic)) => diagnostic,
        other => panic!("{text}: {other:?}"),
    };
    let own = told("import(\"stdfaust.lib\");\nprocess = fi.lowpas(3, 1000);");
    let Diagnostic { file, line, column, text, hint, .. } = own;
    assert_eq!((file.as_str(), line, column), ("x.dsp", Some(2), Some(11)));
    assert!(
        text.contains("lowpas") && hint.as_deref().is_some_and(|hint| hint.contains("lowpass")),
        "{text}"
    );
    let Diagnostic { file, line, column, text, .. } = told("process = 1\n  : library(\"mine.lib\").twice;");
    assert_eq!((file.as_str(), line, column), ("x.dsp", Some(2), Some(5)));
    assert_eq!(text, "`unknown` is not defined (found at mine.lib:1:16)");
    // Each fault has its own place, and the bytes of the text that it is about.
    let both = told("process = a\n  + bb;");
    let hint = |name: &str| Some(format!("say what it is ({name} = ...;), or import the file that does"));
    let second = Diagnostic {
        line: Some(2),
        column: Some(5),
        span: Some([16, 18]),
        hint: hint("bb"),
        ..Diagnostic::new("x.dsp", "`bb` is not defined")
    };
    let first = Diagnostic {
        line: Some(1),
        column: Some(11),
        span: Some([10, 11]),
        hint: hint("a"),
        further: [second].into(),
        ..Diagnostic::new("x.dsp", "`a` is not defined")
    };
    assert_eq!(both, first);
    assert_eq!(
        both.to_string(),
        "x.dsp:1:11: `a` is not defined (say what it is (a = ...;), or import the file that does)\n\
         x.dsp:2:5: `bb` is not defined (say what it is (bb = ...;), or import the file that does)"
    );
    // An import is refused where it stands, before anything is compiled.
    let Diagnostic { line, column, text, .. } = told("import(\"none.lib\");\nprocess = 1;");
    assert_eq!((line, column, text.as_str()), (Some(1), Some(8), "there is no file none.lib"));
}

/// Texts as users and their editors write them, and the controls that they have.
const AS_WRITTEN: [(&str, &[&str]); 6] = [
    ("\u{feff}process = button(\"a\");", &["a"]),
    ("import(\"stdfaust.lib\");\r\nprocess =\r\n  button(\"a\") * os.osc(1);\r\n", &["a"]),
    (
        "process = hslider(\"max\", 1, 0, 2, 1) + exp(button(\"exp\")) + abs(checkbox(\"abs\")) + nentry(\"with\", 1, 0, 2, 1);",
        &["abs", "exp", "max", "with"],
    ),
    ("process = par(i, 2, button(\"a%2i 50%\")) :> _;", &["a_0_50_", "a_1_50_"]),
    ("process = button(\"a%d\") + button(\"\") + button(\"\u{e9}\");", &["control", "a_d", "\u{e9}"]),
    (
        "declare options \"[nvoices:8][midi:on]\"; process = hslider(\"f[midi:ctrl 41]\", 0, 0, 1, 0.1) : hbargraph(\"v\", 0, 1); effect = _;",
        &["f"],
    ),
];

/// Texts that are refused, and words of the reason.
const NOT_AS_MEANT: [(&str, &str); 5] = [
    ("", "there is no `process`"),
    ("\u{feff}\r\n// nothing yet\n", "there is no `process`"),
    (
        "import(\"stdfaust.lib\"); process = @(int(hslider(\"time\", 0.5, 0, 20000, 0.001) * ma.SR));",
        "this delay may become",
    ),
    ("process = @(int(hslider(\"n\", 0, 0, 3000000000.0, 1)));", "this delay may become 2147483"),
    ("process = @(int(hslider(\"n\", 0, 0, 300000000, 1)));", "this delay may become 300000000 samples long"),
];

#[test]
fn texts_as_users_write_them_are_sounds_and_what_cannot_be_meant_is_refused() {
    for (text, controls) in AS_WRITTEN {
        let compiled = compiled(&alone(), text, vec![]).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        let (ty, _) = node(&compiled);
        let found: Vec<&str> = ty.decl().controls.iter().map(|control| control.name.as_str()).collect();
        assert_eq!(found, controls, "{text:?}");
    }
    for (text, reason) in NOT_AS_MEANT {
        let error = compiled(&alone(), text, vec![]).expect_err(text).to_string();
        assert!(error.contains(reason), "{text:?}: {error}");
    }
}

#[test]
fn both_front_halves_say_which_controller_moves_a_control() {
    let text = "process = hslider(\"a[midi:ctrl 41][midi:ctrl 7 16]\", 0, 0, 1, 0.1) + hslider(\"b[midi:pitchwheel]\", 0, -2, 2, 0.1);";
    let said = |compiler: &Compiler| {
        let (ty, _) = node(&compiled(compiler, text, vec![]).expect("compiles"));
        ty.decl().controls.iter().map(|control| control.midi.clone()).collect::<Vec<_>>()
    };
    let midi = |input, channel| DeclaredMidi { input, channel };
    let wanted = vec![
        vec![midi(MidiInput::Controller(41), None), midi(MidiInput::Controller(7), Some(15))],
        vec![midi(MidiInput::PitchWheel, None)],
    ];
    assert_eq!([said(&alone()), said(&host_compiler())], [wanted.clone(), wanted]);
}

#[test]
fn a_compile_that_nobody_wants_ends_within_so_many_steps() {
    let asked = AtomicUsize::new(0);
    let after = |times| {
        asked.store(0, Ordering::Relaxed);
        let text = "import(\"stdfaust.lib\");\nprocess = par(i, 500, os.osc(i + 1)) :> _;";
        let cancelled = || asked.fetch_add(1, Ordering::Relaxed) >= times;
        alone().compile(&Source::inline("x", text), Tier::Quick, &cancelled)
    };
    assert!(after(usize::MAX).is_ok());
    let all = asked.load(Ordering::Relaxed);
    assert!(all > 10, "asked {all} times");
    for times in [0, 1, 5, all - 1] {
        assert_eq!(after(times).err(), Some(CompileError::Cancelled), "{times}");
        assert!(asked.load(Ordering::Relaxed) <= times + 3, "{times}");
    }
}

#[test]
fn what_one_front_half_made_is_not_taken_for_what_the_other_would() {
    let text = "process = +(0.1) ~ _;";
    let own = compiled(&alone(), text, vec![]).expect("compiles");
    let theirs = compiled(&host_compiler(), text, vec![]).expect("compiles");
    assert_ne!(own.object.key(), theirs.object.key());
}
