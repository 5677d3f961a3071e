//! Our own library: each of its functions plays what FAUST's function of that name plays, and so do the sounds that
//! come with krach.

#[path = "support/cpp.rs"]
mod cpp;
#[path = "support/play.rs"]
mod play;
mod support;

use krach_faust_lang::interpret::Instance;
use krach_faust_lang::own::{self, Own};
use krach_faust_lang::program::Program;
use krach_faust_lang::syntax::{Syntax, parse};
use krach_faust_lang::{Compiler, Limits, Precision, Shelf, Texts};
use play::{Folder, TOLERANCE, difference, each};
use std::collections::BTreeSet;
use std::path::Path;
use support::{Folders, file, text};

/// A line of `calls.txt`.
struct Call {
    expression: &'static str,
    /// `None` where FAUST's own function cannot be played.
    tolerance: Option<f64>,
}

fn calls() -> Vec<Call> {
    let lines = include_str!("calls.txt").lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (expression, note) = line.split_once(" ## ").unwrap_or((line, "1e-9"));
            let number = note.split(' ').next().unwrap_or_default();
            Call { expression, tolerance: (number != "ours").then(|| number.parse().expect("a number")) }
        })
        .collect()
}

fn compile(
    shelf: &Shelf,
    source: &str,
    precision: Precision,
    texts: &mut (dyn Texts + Send),
) -> Result<Program, String> {
    let compiler = Compiler { shelf, limits: Limits::default(), precision, cancelled: &|| false };
    let source = format!("import(\"stdfaust.lib\");\nprocess = {source};\n");
    compiler.compile(text(&source), texts).map_err(|error| error.to_string())
}

/// What a program plays to noise between -1 and 1, with open gates.
fn sound(program: &Program, frames: usize) -> Vec<Vec<f64>> {
    let mut instance = Instance::<f64>::new(program, 48_000);
    for (value, widget) in instance.widgets.iter_mut().zip(&program.ui.widgets) {
        if widget.label == "gate" {
            *value = 1.0;
        }
    }
    instance.controls();
    let inputs: Vec<_> = (0..program.inputs as usize).map(|channel| cpp::noise(frames, channel)).collect();
    let mut sound = vec![Vec::new(); program.outputs.len()];
    let mut got = vec![0.0; sound.len()];
    for frame in 0..frames {
        let given: Vec<f64> = inputs.iter().map(|input| input[frame] * 4.0).collect();
        instance.frame(&given, &mut got);
        sound.iter_mut().zip(&got).for_each(|(channel, value)| channel.push(*value));
    }
    sound
}

#[test]
fn each_function_plays_what_fausts_function_of_that_name_plays() {
    let (calls, shelf) = (calls(), Shelf::default());
    let results = each(&calls, |_, call| {
        let ours = compile(&shelf, call.expression, Precision::Double, &mut Own)?;
        compile(&shelf, call.expression, Precision::Single, &mut Own)?;
        let Some(tolerance) = call.tolerance else { return Ok(false) };
        let theirs = compile(&shelf, call.expression, Precision::Double, &mut Folders::default())?;
        let (ours, theirs) = (sound(&ours, 6_000), sound(&theirs, 6_000));
        match difference(&ours, &theirs) {
            apart if apart <= tolerance => Ok(theirs.iter().flatten().any(|sample| *sample != 0.0)),
            apart => Err(format!("{apart:e} of the loudest sample apart")),
        }
    });
    let wrong: Vec<String> = calls
        .iter()
        .zip(&results)
        .filter_map(|(call, result)| {
            result.as_ref().err().map(|error| format!("{}: {error}", call.expression))
        })
        .collect();
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    let heard = results.iter().filter(|result| matches!(result, Ok(true))).count();
    println!("{} calls play what FAUST's do, {heard} of them are heard", calls.len());
    assert!(heard + 3 > calls.len(), "{heard} of {}", calls.len());
}

/// The functions of a library that are for programs, and whether a comment stands above each.
fn functions(library: &str) -> Vec<(String, bool)> {
    let whole = own::text(library).expect("is ours").text;
    let syntax = parse(&whole, Precision::Double);
    assert!(syntax.faults.is_empty(), "{library}: {:?}", syntax.faults);
    let scope = syntax.scope(Syntax::TOP);
    let mut all = Vec::new();
    for word in &scope.order {
        let name = syntax.word(*word);
        let start = scope.definitions[word].1.start as usize;
        let line = whole[start..].lines().next().unwrap_or_default();
        if name.starts_with('_') || line.contains("= library(") {
            continue;
        }
        let above = whole[..start].rsplit("\n\n").next().unwrap_or_default();
        all.push((name.to_owned(), above.lines().any(|line| line.starts_with("//"))));
    }
    all
}

#[test]
fn each_function_is_in_the_list_and_says_what_it_does() {
    let index = own::text("stdfaust.lib").expect("is ours").text;
    let called: BTreeSet<&str> = calls()
        .iter()
        .flat_map(|call| call.expression.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')))
        .collect();
    let (mut count, mut missing) = (0, Vec::new());
    for library in own::names().filter(|name| *name != "stdfaust.lib") {
        let line = index.lines().find(|line| line.contains(&format!("\"{library}\"")));
        let prefix = line.and_then(|line| line.split(' ').next()).expect("is in the index");
        for (name, is_told) in functions(library) {
            count += 1;
            let name = format!("{prefix}.{name}");
            let is_called = called.iter().any(|call| {
                *call == name || call.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.'))
            });
            if !is_called || !is_told {
                missing.push(format!("{name}: in the list {is_called}, a comment {is_told}"));
            }
        }
    }
    println!("{count} functions");
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(count > 250, "{count} functions");
}

#[test]
fn factory_sounds_are_the_same_with_our_library_as_with_fausts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dsp");
    let mut sounds: Vec<_> = std::fs::read_dir(folder)
        .expect("sounds")
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "dsp"))
        .collect();
    sounds.sort();
    assert_eq!(sounds.len(), 16);
    let shelf = Shelf::default();
    let limits = Limits::default();
    let compiler = Compiler { shelf: &shelf, limits, precision: Precision::Double, cancelled: &|| false };
    let apart = each(&sounds, |_, path| {
        let ours = compiler.compile(file(path), &mut Own).expect("compiles with ours");
        let theirs = compiler.compile(file(path), &mut Folders::default()).expect("compiles with FAUST's");
        // The echoes of the delay begin after 18,000 frames.
        let (ours, theirs) = (sound(&ours, 20_000), sound(&theirs, 20_000));
        assert!(theirs.iter().flatten().any(|sample| sample.abs() > 1e-3), "{}", path.display());
        difference(&ours, &theirs)
    });
    for (path, apart) in sounds.iter().zip(&apart) {
        assert!(*apart <= TOLERANCE, "{}: {apart:e} of the loudest sample", path.display());
    }
}

#[test]
fn what_only_faust_has_is_told_with_what_to_do() {
    let shelf = Shelf::default();
    let refusal = |source: &str| {
        let error = compile(&shelf, source, Precision::Single, &mut Own).expect_err("is refused");
        error.lines().next().unwrap_or_default().to_owned()
    };
    for (source, words) in [
        (
            "pm.guitar",
            &["there is no `guitar` in krach's own physmodels.lib", "put physmodels.lib beside your sounds"]
                [..],
        ),
        ("fi.lowpas(3, 1000)", &["krach's own filters.lib", "did you mean `lowpass`?", "Or install FAUST's"]),
        ("dm.zita_rev1", &["there is no file demos.lib", "one of FAUST's own libraries", "faust-common"]),
        ("library(\"mine.lib\").x", &["there is no file mine.lib", "it is looked for beside the text"]),
    ] {
        let told = refusal(source);
        assert!(words.iter().all(|word| told.contains(word)), "{source}: {told}");
    }
    // A name that is missing from another text is told as before.
    let folder = Folder::new("own");
    let path = folder.0.join("near.dsp");
    std::fs::write(&path, "a = environment { b = 1; };\nprocess = a.c;\n").expect("writes");
    let error = compiler_error(&shelf, &path);
    assert!(error.contains("there is no `c` in that environment") && !error.contains("FAUST"), "{error}");
}

fn compiler_error(shelf: &Shelf, path: &Path) -> String {
    let limits = Limits::default();
    let compiler = Compiler { shelf, limits, precision: Precision::Single, cancelled: &|| false };
    compiler.compile(file(path), &mut Own).expect_err("is refused").to_string()
}
