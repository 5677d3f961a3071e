//! Programs played operation by operation against FAUST's own C++ with 64 bits: the examples that come with
//! FAUST, a share of them, and all in the soak.

#[path = "support/cpp.rs"]
mod cpp;
#[path = "support/generate.rs"]
mod generate;
#[path = "support/play.rs"]
mod play;
mod support;

use krach_faust_lang::Shelf;
use play::*;
use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use support::*;

/// Programs per executable.
const BATCH: usize = 30;
/// One example in so many is compared, unless all are wanted.
const ONE_IN: usize = 6;

/// What the C++ of each program plays, or what the command said against it. What was played before is
/// remembered under `target/`: the C++ of all examples takes minutes to compile.
fn theirs(folder: &Folder, paths: &[PathBuf]) -> Vec<Result<Vec<Vec<f64>>, String>> {
    let memory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reference-lang");
    fs::create_dir_all(&memory).expect("makes a folder");
    let places: Vec<PathBuf> = paths.iter().map(|path| memory.join(identity(path))).collect();
    let missing: Vec<PathBuf> = paths
        .iter()
        .zip(&places)
        .filter(|(_, place)| !place.exists())
        .map(|(path, _)| path.clone())
        .collect();
    let place_of: BTreeMap<&PathBuf, &PathBuf> = paths.iter().zip(&places).collect();
    let programs = each(&missing, |at, path| cpp::translate(&folder.0, path, at));
    for (path, program) in missing.iter().zip(&programs) {
        if let Err(refusal) = program {
            fs::write(place_of[path], refusal).expect("writes");
        }
    }
    let fine: Vec<&cpp::Program> = programs.iter().filter_map(|program| program.as_ref().ok()).collect();
    let batches: Vec<&[&cpp::Program]> = fine.chunks(BATCH).collect();
    each(&batches, |at, batch| {
        let sounds = cpp::sounds(&folder.0, &format!("batch{at}"), batch, FRAMES);
        for (program, sound) in batch.iter().zip(sounds) {
            let mut bytes = b"sound".to_vec();
            bytes.extend(sound.iter().flatten().flat_map(|sample| sample.to_le_bytes()));
            fs::write(place_of[&program.path], bytes).expect("writes");
        }
    });
    places
        .iter()
        .map(|place| {
            let bytes = fs::read(place).expect("was written");
            let Some(sound) = bytes.strip_prefix(b"sound") else {
                return Err(String::from_utf8_lossy(&bytes).into_owned());
            };
            let (samples, _) = sound.as_chunks::<8>();
            let samples: Vec<f64> = samples.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
            Ok(samples.chunks(FRAMES).map(<[f64]>::to_vec).collect())
        })
        .collect()
}

/// Name for what a program's C++ plays: changes with the program, its neighbours, the command and the harness.
fn identity(path: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    (path, FRAMES, cpp::HARNESS).hash(&mut hasher);
    let stamp = |path: &Path| fs::metadata(path).and_then(|meta| Ok((meta.len(), meta.modified()?))).ok();
    stamp(&Path::new(SHARE).join("stdfaust.lib")).hash(&mut hasher);
    let mut beside: Vec<PathBuf> = fs::read_dir(path.parent().expect("a folder"))
        .expect("there")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    beside.sort();
    beside.iter().for_each(|path| (path, stamp(path)).hash(&mut hasher));
    format!("{:016x}", hasher.finish())
}

#[test]
fn compiled_are_236_of_251_examples() {
    let (shelf, mut wrong, mut fine) = (Shelf::default(), Vec::new(), 0);
    for (name, path) in examples() {
        match (compiled(&shelf, &path), refused(&name)) {
            (Ok(_), None) => fine += 1,
            (Err(error), Some(reason)) if error.to_string().contains(reason) => {}
            (result, _) => {
                wrong.push(format!("{name}: {:?}", result.map(|_| ()).map_err(|error| error.to_string())))
            }
        }
    }
    println!("{fine} examples compile");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(fine, 236);
}

#[test]
fn the_examples_that_come_with_faust_sound_as_cpp_plays_them() {
    sound_as_cpp_plays(|at, name| at.is_multiple_of(ONE_IN) && !SLOW.contains(&name));
}

#[test]
#[ignore = "soak: every example"]
fn soak_every_example_that_comes_with_faust_sounds_as_cpp_plays_it() {
    sound_as_cpp_plays(|_, _| true);
}

#[test]
fn thirty_programs_by_chance_sound_as_cpp_plays_them() {
    by_chance(0..30);
}

#[test]
#[ignore = "soak: programs by chance"]
fn soak_300_programs_by_chance_sound_as_cpp_plays_them() {
    by_chance(1_000..1_300);
}

/// Where a step stands at a whole number, the order of a sum decides: the command takes terms in an order of its own.
#[test]
fn programs_whose_steps_stand_where_a_rounding_decides_are_uncertain_and_no_others() {
    let folder = Folder::new("uncertain");
    let shelf = Shelf::default();
    let allowed = |name: &str, text: &str| {
        let path = folder.0.join(format!("{name}.dsp"));
        fs::write(&path, text).expect("writes");
        let ours = played(&compiled(&shelf, &path).expect("compiles"));
        allowance(&path, &shelf, &ours)
    };
    let step = "f(x, y) = min(x, y) + (y - x) : *(4) : int; process = +(0.1), (ceil : +(3)) : f;";
    assert!(allowed("step", step) > 0.01, "{step}");
    let zero = "r = 1 : + ~ _ : *(0.1); process = (r + 0.2 - 0.2 - r) < 0.0;";
    assert!(allowed("zero", zero) > 0.01, "{zero}");
    for (name, text) in [
        ("filter", "process = + ~ *(0.9) : sin;"),
        ("whole", "n = 1 : + ~ _; process = _ * (n % 7), int(n / 2);"),
        ("steps", "process = _ * 8 : int : *(0.1);"),
    ] {
        assert!(allowed(name, text) < 1e-7, "{text}: {:e}", allowed(name, text));
    }
}

#[test]
fn programs_by_chance_in_which_a_rounding_decides_are_no_faults() {
    let uncertain = by_chance([1_210, 1_244].into_iter().chain(1_200..1_208));
    assert_eq!(uncertain, 2);
}

/// Plays programs; tells in how many of them a rounding decides.
fn by_chance(seeds: impl Iterator<Item = u64>) -> usize {
    let texts: Vec<(u64, String)> = seeds.map(|seed| (seed, generate::Writer::new(seed).program())).collect();
    let folder = Folder::new(&format!("chance{}of{}", texts[0].0, texts.len()));
    let (shelf, mut wrong) = (Shelf::default(), Vec::new());
    let (mut right, mut heard, mut refused, mut narrower, mut uncertain) = (0, 0, 0, 0, 0);
    for batch in texts.chunks(50) {
        let paths: Vec<PathBuf> = batch
            .iter()
            .map(|(seed, source)| {
                let path = folder.0.join(format!("chance{seed}.dsp"));
                fs::write(&path, source).expect("writes");
                path
            })
            .collect();
        let programs = each(&paths, |at, path| cpp::translate(&folder.0, path, at));
        let fine: Vec<&cpp::Program> = programs.iter().filter_map(|program| program.as_ref().ok()).collect();
        let mut sounds = cpp::sounds(&folder.0, "chance", &fine, FRAMES).into_iter();
        for ((seed, source), (path, program)) in batch.iter().zip(paths.iter().zip(&programs)) {
            let ours =
                compiled(&shelf, path).map(|program| played(&program)).map_err(|error| error.to_string());
            match (ours, program) {
                (Ok(ours), Ok(_)) => {
                    let theirs = sounds.next().expect("one for each program");
                    heard += usize::from(theirs.iter().flatten().any(|sample| sample.abs() > 1e-6));
                    let apart = difference(&ours, &theirs);
                    if apart <= TOLERANCE {
                        right += 1;
                    } else if allowance(path, &shelf, &theirs) >= apart {
                        uncertain += 1;
                    } else {
                        wrong.push(format!("{seed}: {apart:e} of the loudest sample\n{source}"));
                    }
                }
                (Err(_), Err(_)) => refused += 1,
                (Err(error), Ok(_)) => {
                    let _ = sounds.next();
                    wrong.push(format!("{seed}: {error}\n{source}"));
                }
                // Our intervals are narrower.
                (Ok(_), Err(error)) if error.contains("can't compute the min and max values") => {
                    narrower += 1
                }
                (Ok(_), Err(error)) => wrong.push(format!("{seed}: the command says {error}\n{source}")),
            }
        }
    }
    println!(
        "{right} programs by chance sound right, {heard} are heard, {refused} both refuse, {narrower} the command alone, \
         {uncertain} are uncertain"
    );
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(
        heard * 4 > right * 3 && (refused + narrower) * 10 < right && uncertain * 10 <= texts.len().max(20),
        "{right} right, {heard} heard, {refused} refused, {uncertain} uncertain"
    );
    uncertain
}

fn sound_as_cpp_plays(chosen: impl Fn(usize, &str) -> bool) {
    let all = examples()
        .into_iter()
        .enumerate()
        .filter(|(at, (name, _))| chosen(*at, name))
        .map(|(_, example)| example);
    let chosen: Vec<(String, PathBuf)> = all.filter(|(name, _)| refused(name).is_none()).collect();
    let folder = Folder::new("examples");
    let paths: Vec<PathBuf> = chosen.iter().map(|(_, path)| path.clone()).collect();
    let theirs = theirs(&folder, &paths);
    let shelf = Shelf::default();
    let ours = each(&paths, |at, path| match &theirs[at] {
        Ok(_) => compiled(&shelf, path).map(|program| played(&program)).map_err(|error| error.to_string()),
        Err(_) => Err("not played".to_owned()),
    });
    let (mut wrong, mut right, mut heard, mut missing) = (Vec::new(), 0, 0, 0);
    for ((name, _), (ours, theirs)) in chosen.iter().zip(ours.iter().zip(&theirs)) {
        match (ours, theirs) {
            (_, Err(_)) => missing += 1,
            (Err(error), Ok(_)) => wrong.push(format!("{name}: {error}")),
            (Ok(ours), Ok(theirs)) => {
                heard += usize::from(theirs.iter().flatten().any(|sample| sample.abs() > 1e-6));
                let apart = difference(ours, theirs);
                if apart <= TOLERANCE {
                    right += 1;
                } else {
                    wrong.push(format!("{name}: {apart:e} of the loudest sample"));
                }
            }
        }
    }
    println!(
        "{right} examples sound right, {heard} of all are heard; {missing} the command does not compile"
    );
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(right > 0 && heard * 4 > right * 3, "{right} right, {heard} heard");
}
