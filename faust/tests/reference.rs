//! Our code against FAUST's own C++, built without -ffast-math: our programs, and the examples that come
//! with FAUST: a share of them, and all in the soak.

#[path = "support/cpp.rs"]
mod cpp;
mod support;

use krach_core::node::{Change, ControlKind, NodeType};
use krach_faust::{CompileError, Source, Tier};
use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use support::*;

const FRAMES: usize = 12_000;
/// Largest difference, as a share of the loudest sample: the maths libraries differ in the last bit.
const TOLERANCE: f32 = 1e-5;
/// Programs per executable.
const BATCH: usize = 30;
/// One example in so many is compared, unless all are wanted.
const SHARE: usize = 6;

/// Examples that take the command more than a second or two: with all of them it may meet its time limit.
const SLOW: &[&str] = &[
    "SAM/virtualAnalog/virtualAnalog.dsp",
    "SAM/virtualAnalog/virtualAnalogForBrowser.dsp",
    "SAM/virtualAnalog/virtualAnalogWithEffectsForBrowser.dsp",
    "physicalModeling/fds/2dKirchhoffThinPlate.dsp",
    "physicalModeling/mi-faust/10_PluckedString/pluckedString.dsp",
    "physicalModeling/mi-faust/11_BowedString/bowedString.dsp",
    "physicalModeling/mi-faust/13_Construction/construction.dsp",
    "physicalModeling/modularInterpInstrMIDI.dsp",
    "physicalModeling/vocalBP.dsp",
    "physicalModeling/vocalBPMIDI.dsp",
    "physicalModeling/vocalFOF.dsp",
    "physicalModeling/vocalFOFMIDI.dsp",
    "smartKeyboard/vocal.dsp",
    "filtering/parametricEqLab.dsp",
    "reverb/fdnRev.dsp",
    "reverb/reverbDesigner.dsp",
    "smartKeyboard/acGuitar.dsp",
    "quantizing/quantizedChords.dsp",
];

/// Examples that FAUST's C++ plays and we refuse, with words of the reason. (What includes C++ headers of
/// its own, neither plays.)
const REFUSED: [(&str, &str); 1] = [("misc/mixer.dsp", "leaves its folder")];

/// Where single precision itself is further than that from double precision (filters with poles close to
/// the unit circle, strings and bells that feed back), two orders of the same sum differ as much. There our
/// distance from double precision is at most so many times that of FAUST's C++.
const OWN_ERROR: f32 = 2.0;

/// A folder for the time of a test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("krach-reference-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("makes a folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Work on each item, two at a time; the results in the order of the items.
fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(usize, &T) -> R + Sync) -> Vec<R> {
    let (next, done) = (Mutex::new(0..items.len()), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let at = next.lock().expect("no panic").next();
                    let Some(at) = at else { return };
                    let result = work(at, &items[at]);
                    done.lock().expect("no panic").insert(at, result);
                }
            });
        }
    });
    done.into_inner().expect("no panic").into_values().collect()
}

/// What our code plays with open gates.
fn ours(path: &Path) -> Result<Vec<Vec<f32>>, CompileError> {
    let mut compiler = host_compiler();
    // As long as the command is given for the C++.
    compiler.limits.cpu = 60;
    let compiled = compiler.compile(&Source::file(path), Tier::Optimised, &|| false)?;
    let (ty, mut node) = node(&compiled);
    for (at, control) in ty.decl().controls.iter().enumerate() {
        if control.kind == ControlKind::Gate {
            node.set(at, Change { value: 1.0, ramp: 0 });
        }
    }
    let inputs: Vec<Vec<f32>> = (0..channels(&ty.decl().inputs)).map(|at| noise(FRAMES, at)).collect();
    let mut heard = vec![vec![0.0; FRAMES]; channels(&ty.decl().outputs)];
    play(&ty, &mut *node, 512, &inputs, (0, FRAMES), &mut heard);
    Ok(heard)
}

/// The largest difference as a share of the loudest sample; infinite if they are not of one kind.
fn difference(ours: &[Vec<f32>], theirs: &[Vec<f32>]) -> f32 {
    if ours.len() != theirs.len() {
        return f32::INFINITY;
    }
    let pairs = || ours.iter().flatten().zip(theirs.iter().flatten());
    let loudest = pairs().fold(0.0f32, |most, (_, b)| if b.is_finite() { most.max(b.abs()) } else { most });
    let apart = pairs().fold(0.0f32, |most, (a, b)| match (a.is_finite(), b.is_finite()) {
        (true, true) => most.max((a - b).abs()),
        (false, false) => most,
        _ => f32::INFINITY,
    });
    if apart == 0.0 { 0.0 } else { apart / loudest }
}

/// What the C++ of each program plays, or what the command said against it. What was played before is
/// remembered under `target/`: the C++ of all examples takes minutes to compile.
fn theirs(folder: &Folder, paths: &[PathBuf], precision: &str) -> Vec<Result<Vec<Vec<f32>>, String>> {
    let memory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reference");
    fs::create_dir_all(&memory).expect("makes a folder");
    let places: Vec<PathBuf> = paths.iter().map(|path| memory.join(identity(path, precision))).collect();
    let missing: Vec<PathBuf> = paths
        .iter()
        .zip(&places)
        .filter(|(_, place)| !place.exists())
        .map(|(path, _)| path.clone())
        .collect();
    let place_of: BTreeMap<&PathBuf, &PathBuf> = paths.iter().zip(&places).collect();
    let programs = each(&missing, |at, path| cpp::translate(&folder.0, path, at, precision));
    for (path, program) in missing.iter().zip(&programs) {
        if let Err(said) = program {
            fs::write(place_of[path], said).expect("writes");
        }
    }
    let fine: Vec<&cpp::Program> = programs.iter().filter_map(|program| program.as_ref().ok()).collect();
    let batches: Vec<&[&cpp::Program]> = fine.chunks(BATCH).collect();
    each(&batches, |at, batch| {
        for (program, sound) in batch.iter().zip(cpp::sounds(&folder.0, &format!("batch{at}"), batch, FRAMES))
        {
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
            let (samples, _) = sound.as_chunks::<4>();
            let samples: Vec<f32> = samples.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
            Ok(samples.chunks(FRAMES).map(<[f32]>::to_vec).collect())
        })
        .collect()
}

/// Name for what a program's C++ plays: changes with the program, its neighbours, the command and the harness.
fn identity(path: &Path, precision: &str) -> String {
    let mut hasher = DefaultHasher::new();
    (path, FRAMES, cpp::HARNESS).hash(&mut hasher);
    if precision != "-single" {
        precision.hash(&mut hasher);
    }
    let stamp = |path: &Path| fs::metadata(path).and_then(|meta| Ok((meta.len(), meta.modified()?))).ok();
    stamp(&command().libraries().join("stdfaust.lib")).hash(&mut hasher);
    let mut beside: Vec<PathBuf> = fs::read_dir(path.parent().expect("a folder"))
        .expect("there")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    beside.sort();
    beside.iter().for_each(|path| (path, stamp(path)).hash(&mut hasher));
    format!("{:016x}", hasher.finish())
}

#[test]
fn our_programs_are_what_cpp_plays() {
    let folder = Folder::new("programs");
    let paths: Vec<PathBuf> = ["sine", "voice", "room", "bass", "additive"]
        .iter()
        .map(|name| format!("{}/tests/programs/{name}.dsp", env!("CARGO_MANIFEST_DIR")).into())
        .collect();
    for (path, theirs) in paths.iter().zip(theirs(&folder, &paths, "-single")) {
        let ours = ours(path).expect("compiles");
        assert!(is_sound(&ours), "{}", path.display());
        let apart = difference(&ours, &theirs.expect("compiles"));
        assert!(apart <= TOLERANCE, "{}: {apart} of the loudest sample", path.display());
    }
}

/// The examples that come with FAUST, by their path in its folder.
fn examples() -> Vec<(String, PathBuf)> {
    let examples = command().libraries().join("examples");
    let (mut found, mut open) = (Vec::new(), vec![examples.clone()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("faust-common is installed").filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ext| ext == "dsp") {
                let name = path.strip_prefix(&examples).expect("inside").display().to_string();
                found.push((name, path));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn the_examples_that_come_with_faust_are_what_cpp_plays() {
    are_what_cpp_plays(false);
}

#[test]
#[ignore = "soak: every example, also those that take seconds each to compile"]
fn soak_every_example_that_comes_with_faust_is_what_cpp_plays() {
    are_what_cpp_plays(true);
}

/// A share of the examples without those that are slow to compile, or everything.
fn are_what_cpp_plays(everything: bool) {
    let all = examples();
    assert!(all.len() > 200, "{}", all.len());
    let some = |at: usize, name: &str| everything || (at.is_multiple_of(SHARE) && !SLOW.contains(&name));
    let chosen: Vec<(String, PathBuf)> = all
        .into_iter()
        .enumerate()
        .filter(|(at, (name, _))| some(*at, name))
        .map(|(_, example)| example)
        .collect();
    let folder = Folder::new("examples");
    let paths: Vec<PathBuf> = chosen.iter().map(|(_, path)| path.clone()).collect();
    let single = theirs(&folder, &paths, "-single");
    let ours = each(&paths, |_, path| ours(path));
    let (mut wrong, mut compared, mut heard, mut slow, mut off) = (Vec::new(), 0, 0, 0, Vec::new());
    for (at, ((name, path), (ours, single))) in chosen.iter().zip(ours.iter().zip(&single)).enumerate() {
        let reason = REFUSED.iter().find(|(refused, _)| name.ends_with(refused)).map(|(_, reason)| reason);
        match (ours, single, reason) {
            (Ok(ours), Ok(single), None) => {
                compared += 1;
                heard += usize::from(is_sound(ours));
                if difference(ours, single) > TOLERANCE {
                    off.push((at, name, path));
                }
            }
            (Err(error), _, Some(reason)) if error.to_string().contains(reason) => {}
            (Err(_), Err(_), None) => {}
            _ if SLOW.contains(&name.as_str()) => slow += 1,
            (ours, single, _) => wrong.push(format!(
                "{name}: ours {:?}, C++ {:?}",
                ours.as_ref().map(Vec::len),
                single.as_ref().map(Vec::len)
            )),
        }
    }
    // Where single precision itself is further off: no further from double precision than C++ is.
    let paths: Vec<PathBuf> = off.iter().map(|(.., path)| (*path).clone()).collect();
    let folder = Folder::new("double");
    for ((at, name, _), double) in off.iter().zip(theirs(&folder, &paths, "-double")) {
        let (Ok(ours), Ok(single), Ok(double)) = (&ours[*at], &single[*at], &double) else {
            wrong.push(format!("{name}: {double:?}"));
            continue;
        };
        let (apart, ours, theirs) =
            (difference(ours, single), difference(ours, double), difference(single, double));
        println!("{name}: {apart:e} from C++; from double precision {ours:e}, C++ {theirs:e}");
        if ours.is_nan() || ours > OWN_ERROR * theirs {
            wrong.push(format!("{name}: {apart:e} from C++; from double precision {ours:e}, C++ {theirs:e}"));
        }
    }
    println!(
        "{compared} examples compared, {heard} of them heard, {} within single precision's own error, {slow} out of time",
        off.len()
    );
    assert!(compared > 0 && heard * 4 > compared * 3, "{compared} compared, {heard} heard");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
