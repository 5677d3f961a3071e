//! Functions of FAUST's libraries with plain numbers for their parameters: what the command compiles compiles here,
//! and sounds as its C++ does; what it refuses is an error here or sounds.

#[path = "support/cpp.rs"]
mod cpp;
#[path = "support/play.rs"]
mod play;
mod support;

use krach_faust_lang::syntax::{Definition, Syntax, parse};
use krach_faust_lang::{Precision, Shelf};
use play::*;
use std::fs;
use std::path::{Path, PathBuf};
use support::*;

/// One program in so many is compared, unless all are wanted.
const ONE_IN: usize = 80;
/// Always compared: its last bus has a count below 0.
const ALWAYS: &str = "ho.iDecoder(2, 2, 2, 2, 2, 2)";
/// What stands for every parameter.
const NUMBERS: [&str; 2] = ["2", "0.3"];
/// Programs per executable.
const BATCH: usize = 40;

/// What is refused on purpose, where the command makes a program of it: words of the reason.
const BY_RULE: [&str; 2] = ["is a function of C that programs cannot call", "is the most"];
/// `%` of two known numbers: the command takes their whole parts, when it compiles only.
const ELSE: [&str; 1] = ["ro.crossn1(0.3)"];

/// A program for each function of each library and each number.
fn programs() -> Vec<(String, String)> {
    let index = fs::read_to_string(Path::new(SHARE).join("stdfaust.lib")).expect("reads");
    let mut all = Vec::new();
    for line in index.lines() {
        let Some((prefix, rest)) = line.split_once(" = library(\"") else {
            continue;
        };
        let file = rest.split('"').next().unwrap_or_default();
        let text = fs::read_to_string(Path::new(SHARE).join(file)).expect("reads");
        let syntax = parse(&text, Precision::Double);
        let scope = syntax.scope(Syntax::TOP);
        for word in &scope.order {
            let params = match &scope.definitions[word].0 {
                Definition::Plain(_) => 0,
                Definition::Lambda(params, _) => params.len(),
                Definition::Case(rules) => rules[0].patterns.len(),
            };
            let name = syntax.word(*word);
            for number in if params == 0 { &NUMBERS[..1] } else { &NUMBERS[..] } {
                let args = if params == 0 {
                    String::new()
                } else {
                    format!("({})", vec![*number; params].join(", "))
                };
                let source = format!("import(\"stdfaust.lib\");\nprocess = {prefix}.{name}{args};\n");
                all.push((format!("{prefix}.{name}{args}"), source));
            }
        }
    }
    all
}

#[test]
fn a_sample_of_the_libraries_functions_sounds_as_cpp_plays_them() {
    sound_as_cpp_plays(ONE_IN, 7);
}

#[test]
#[ignore = "soak: every function"]
fn soak_every_function_of_the_libraries_sounds_as_cpp_plays_it() {
    sound_as_cpp_plays(1, 0);
}

fn sound_as_cpp_plays(one_in: usize, first: usize) {
    let all = programs();
    assert!(all.len() > 1_000, "{}", all.len());
    let is_chosen = |(at, (name, _)): &(usize, (String, String))| {
        (*at >= first && (at - first).is_multiple_of(one_in)) || name == ALWAYS
    };
    let chosen: Vec<(String, String)> =
        all.into_iter().enumerate().filter(is_chosen).map(|(_, program)| program).collect();
    assert!(chosen.iter().any(|(name, _)| name == ALWAYS));
    let folder = Folder::new(&format!("libraries{one_in}"));
    let shelf = Shelf::default();
    let (mut wrong, mut refused) = (Vec::new(), 0);
    let (mut right, mut silent, mut uncertain, mut by_rule, mut alone) = (0, 0, 0, 0, 0);
    for (number, batch) in chosen.chunks(BATCH).enumerate() {
        let paths: Vec<PathBuf> = (0..batch.len())
            .map(|at| {
                let path = folder.0.join(format!("function{number}x{at}.dsp"));
                fs::write(&path, &batch[at].1).expect("writes");
                path
            })
            .collect();
        let ours = each(&paths, |_, path| compiled(&shelf, path).map_err(|error| error.to_string()));
        let theirs = each(&paths, |at, path| cpp::translate(&folder.0, path, at));
        let fine: Vec<&cpp::Program> = theirs.iter().filter_map(|program| program.as_ref().ok()).collect();
        let mut sounds = cpp::sounds(&folder.0, "functions", &fine, FRAMES).into_iter();
        for (at, (name, _)) in batch.iter().enumerate() {
            match (&ours[at], &theirs[at]) {
                (Ok(program), Ok(_)) => {
                    let theirs = sounds.next().expect("one for each program");
                    let apart = difference(&played(program), &theirs);
                    silent += usize::from(theirs.iter().flatten().all(|sample| *sample == 0.0));
                    if apart <= TOLERANCE {
                        right += 1;
                    } else if ELSE.contains(&name.as_str()) || allowance(&paths[at], &shelf, &theirs) >= apart
                    {
                        uncertain += 1;
                    } else {
                        wrong.push(format!("{name}: {apart:e} of the loudest sample"));
                    }
                }
                (Err(_), Err(_)) => refused += 1,
                (Err(error), Ok(_)) => {
                    let _ = sounds.next();
                    match BY_RULE.iter().any(|reason| error.contains(reason)) {
                        true => by_rule += 1,
                        false => wrong.push(format!("{name}: {}", error.lines().next().unwrap_or_default())),
                    }
                }
                (Ok(_), Err(error)) => {
                    let reason = error.lines().find(|line| line.contains("ERROR")).unwrap_or_default();
                    println!("{name} is refused by the command alone: {reason}");
                    alone += 1;
                }
            }
        }
    }
    println!(
        "{right} functions sound right, {silent} of them are silent, {uncertain} are uncertain; {refused} both refuse, \
         {by_rule} ours by rule, {alone} the command alone"
    );
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(right > refused && silent * 2 < right, "{right} right, {refused} refused, {silent} silent");
    assert!((uncertain + by_rule) * 8 < right, "{uncertain} uncertain, {by_rule} by rule");
    assert!(alone * 8 < right, "{alone} refused by the command alone");
}
