//! Plays programs operation by operation and compares sounds.
#![allow(dead_code, reason = "each test program uses its part")]

use super::cpp;
use super::support::{Folders, file};
use krach_faust_lang::error::Error;
use krach_faust_lang::interpret::{Instance, Number};
use krach_faust_lang::prim::Prim;
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

/// How far apart two sounds of a program may be. Some filters have poles where nothing is certain: there our own
/// program plays something else in single precision. Some numbers stand where a step is, and the last bit decides on which
/// side: there it plays something else when sums and products are off by that.
pub fn allowance(path: &Path, shelf: &Shelf, theirs: &[Vec<f64>]) -> f64 {
    let compiler = |precision| Compiler { shelf, limits: Limits::default(), precision, cancelled: &|| false };
    let program = |precision| compiler(precision).compile(file(path), &mut Folders::default());
    let (Ok(single), Ok(double)) = (program(Precision::Single), program(Precision::Double)) else {
        return TOLERANCE;
    };
    let apart = difference(&played_as::<f32>(&single), theirs);
    if apart > 0.1 {
        return f64::INFINITY;
    }
    let ours = played(&double);
    let off = [
        played_as::<Off<1>>(&double),
        played_as::<Off<2>>(&double),
        played_as::<Off<3>>(&double),
        played_as::<Off<4>>(&double),
    ];
    let off = off.iter().map(|sound| difference(sound, &ours)).fold(0.0, f64::max);
    TOLERANCE.max(apart * 1e-6).max(2.0 * off)
}

/// A number whose sums and products are off by the last bit or not, as chance wants it.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Off<const SEED: u64>(f64);

impl<const SEED: u64> Number for Off<SEED> {
    fn from_f64(value: f64) -> Self {
        Self(value)
    }
    fn to_f64(self) -> f64 {
        self.0
    }
    fn from_i32(value: i32) -> Self {
        Self(value.into())
    }
    fn to_i32(self) -> i32 {
        self.0.to_i32()
    }
    fn unary(self, prim: Prim) -> Self {
        Self(self.0.unary(prim))
    }
    fn binary(self, prim: Prim, other: Self) -> Self {
        let (a, b, rounded) = (self.0, other.0, self.0.binary(prim, other.0));
        // Sums of small whole numbers and simple fractions are the same in any order; another sum that comes out even
        // need not do so in another order.
        let coarse = |x: f64| x.abs() < 4_294_967_296.0 && (x * 1_048_576.0).fract() == 0.0;
        let is_even = match prim {
            Prim::Add | Prim::Sub => coarse(a) && coarse(b),
            Prim::Mul => a.mul_add(b, -rounded) == 0.0,
            Prim::Div => rounded.mul_add(-b, a) == 0.0,
            _ => true,
        };
        if is_even || !rounded.is_finite() {
            return Self(rounded);
        }
        let chance = (rounded.to_bits() ^ SEED).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 62;
        Self(match chance {
            0 => rounded.next_up(),
            1 => rounded.next_down(),
            _ => rounded,
        })
    }
    fn named(self, name: &str) -> Self {
        Self(self.0.named(name))
    }
    fn named_two(self, name: &str, other: Self) -> Self {
        Self(self.0.named_two(name, other.0))
    }
    fn scaled(self, power: i32) -> Self {
        Self(self.0.scaled(power))
    }
    fn whole_of(self, name: &str) -> i32 {
        self.0.whole_of(name)
    }
}
