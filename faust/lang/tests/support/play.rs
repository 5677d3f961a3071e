//! Plays programs operation by operation and compares sounds.
#![allow(dead_code, reason = "each test program uses its part")]

use super::cpp;
use super::support::{Folders, file};
use krach_faust_lang::error::Error;
use krach_faust_lang::interpret::{Instance, Number};
use krach_faust_lang::program::Program;
use krach_faust_lang::signal::WidgetKind;
use krach_faust_lang::{Compiler, Limits, Precision, Shelf};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Samples of a sound.
pub const FRAMES: usize = 6_000;
/// Largest difference, as a share of the loudest sample: the maths libraries differ in the last bit, and FAUST
/// multiplies by 1/x where the text divides by x.
pub const TOLERANCE: f64 = 1e-9;
/// Work on each item, two at a time; the results in the order of the items.
pub fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(usize, &T) -> R + Sync) -> Vec<R> {
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

/// A file as a program in double precision.
pub fn compiled(shelf: &Shelf, path: &Path) -> Result<Program, Error> {
    let compiler =
        Compiler { shelf, limits: Limits::default(), precision: Precision::Double, cancelled: &|| false };
    compiler.compile(file(path), &mut Folders::default())
}

/// What a program plays with open gates, in double precision.
pub fn played(program: &Program) -> Vec<Vec<f64>> {
    played_as::<f64>(program)
}

/// What a program plays with open gates.
pub fn played_as<F: Number>(program: &Program) -> Vec<Vec<f64>> {
    let mut instance = Instance::<F>::new(program, 48_000);
    for (value, widget) in instance.widgets.iter_mut().zip(&program.ui.widgets) {
        match widget.kind {
            WidgetKind::Button => *value = F::from_f64(1.0),
            WidgetKind::Checkbox if widget.label == "gate" => *value = F::from_f64(1.0),
            WidgetKind::Slider(_) if widget.label == "gate" => {
                *value = F::from_f64(1f64.max(widget.range[1]).min(widget.range[2]));
            }
            _ => {}
        }
    }
    instance.controls();
    let inputs: Vec<Vec<f64>> =
        (0..program.inputs as usize).map(|channel| cpp::noise(FRAMES, channel)).collect();
    let mut sound = vec![vec![0.0; FRAMES]; program.outputs.len()];
    let zero = F::from_f64(0.0);
    let (mut given, mut got) = (vec![zero; inputs.len()], vec![zero; sound.len()]);
    for frame in 0..FRAMES {
        given.iter_mut().zip(&inputs).for_each(|(value, input)| *value = F::from_f64(input[frame]));
        instance.frame(&given, &mut got);
        sound.iter_mut().zip(&got).for_each(|(channel, value)| channel[frame] = value.to_f64());
    }
    sound
}

/// The largest difference as a share of the loudest sample; infinite if they are not of one kind.
pub fn difference(ours: &[Vec<f64>], theirs: &[Vec<f64>]) -> f64 {
    if ours.len() != theirs.len() {
        return f64::INFINITY;
    }
    let pairs = || ours.iter().flatten().zip(theirs.iter().flatten());
    let loudest = pairs().fold(0.0f64, |most, (_, b)| if b.is_finite() { most.max(b.abs()) } else { most });
    let apart = pairs().fold(0.0f64, |most, (a, b)| match (a.is_finite(), b.is_finite()) {
        (true, true) => most.max((a - b).abs()),
        (false, false) => most,
        _ => f64::INFINITY,
    });
    if apart == 0.0 { 0.0 } else { apart / loudest }
}

/// A folder for the time of a test.
pub struct Folder(pub PathBuf);

impl Folder {
    /// An empty folder.
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("krach-lang-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("makes a folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How far apart two sounds of a program may be. Some filters have poles where nothing is certain, and
/// some numbers stand where a step of `int` is: there our own program plays something else in single precision.
pub fn allowance(path: &Path, shelf: &Shelf, theirs: &[Vec<f64>]) -> f64 {
    let compiler =
        Compiler { shelf, limits: Limits::default(), precision: Precision::Single, cancelled: &|| false };
    let Ok(program) = compiler.compile(file(path), &mut Folders::default()) else { return TOLERANCE };
    let apart = difference(&played_as::<f32>(&program), theirs);
    if apart > 0.1 { f64::INFINITY } else { TOLERANCE.max(apart * 1e-6) }
}
