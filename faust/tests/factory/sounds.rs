//! Which sounds there are, and how a test plays them.

use crate::support;
use krach_core::node::{Change, CreateContext, NodeType};
use krach_faust::{FaustType, Source, Standard, Tier};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

pub const DRUMS: [&str; 4] = ["kick", "snare", "hat", "clap"];
pub const VOICES: [&str; 6] = ["bass", "lead", "pad", "pluck", "keys", "bell"];
pub const EFFECTS: [&str; 6] = ["reverb", "delay", "filter", "drive", "chorus", "compressor"];
pub const RATES: [f64; 3] = [44_100.0, 48_000.0, 96_000.0];

pub fn folder() -> String {
    format!("{}/../dsp", env!("CARGO_MANIFEST_DIR"))
}

/// As the plugin compiles it: with our own library alone.
pub fn source(name: &str) -> Source {
    Source { standard: Standard::Own, ..Source::file(format!("{}/{name}.dsp", folder())) }
}

pub fn instruments() -> impl Iterator<Item = &'static str> {
    DRUMS.into_iter().chain(VOICES)
}

pub fn all() -> impl Iterator<Item = &'static str> {
    instruments().chain(EFFECTS)
}

pub fn is_effect(name: &str) -> bool {
    EFFECTS.contains(&name)
}

/// The sound's type, optimised for this machine; compiled once for all tests.
pub fn sound(name: &'static str) -> Arc<FaustType> {
    type Slot = Arc<OnceLock<Arc<FaustType>>>;
    static SOUNDS: Mutex<BTreeMap<&str, Slot>> = Mutex::new(BTreeMap::new());
    let slot = SOUNDS.lock().expect("no test fails in here").entry(name).or_default().clone();
    slot.get_or_init(|| {
        let compiled = support::compile(&support::host_compiler(), &source(name), Tier::Optimised);
        Arc::new(FaustType::new(compiled.object).expect("described"))
    })
    .clone()
}

/// What is done to a sound while it plays.
#[derive(Clone)]
pub struct Take {
    pub rate: f64,
    pub seconds: f64,
    pub block: usize,
    pub inputs: Vec<Vec<f32>>,
    /// Frame, control, value; in the order in which they are made where the frame is the same.
    pub changes: Vec<(usize, String, f32)>,
}

impl Take {
    pub fn new(rate: f64, seconds: f64) -> Self {
        Self { rate, seconds, block: 512, inputs: Vec::new(), changes: Vec::new() }
    }

    /// A take of what this sound is for: a note at full strength whose gate is open for `held` seconds, or for
    /// effects the programme of that length.
    pub fn of(name: &str, rate: f64, held: f64, seconds: f64) -> Self {
        let take = Self::new(rate, seconds);
        if is_effect(name) {
            let frames = take.frames();
            return Self { inputs: programme(rate, held, frames), ..take };
        }
        take.set(0.0, "vel", 1.0).set(0.0, "gate", 1.0).set(held, "gate", 0.0)
    }

    pub fn frames(&self) -> usize {
        (self.seconds * self.rate).round() as usize
    }

    pub fn set(mut self, seconds: f64, control: &str, value: f32) -> Self {
        self.changes.push(((seconds * self.rate).round() as usize, control.to_owned(), value));
        self
    }

    /// Sets a control if the sound has it.
    pub fn set_any(self, ty: &FaustType, seconds: f64, control: &str, value: f32) -> Self {
        let has = ty.decl().controls.iter().any(|c| c.name == control);
        if has { self.set(seconds, control, value) } else { self }
    }

    pub fn play(&self, ty: &FaustType) -> Vec<Vec<f32>> {
        let ctx = CreateContext { sample_rate: self.rate, max_frames: 4096 };
        let mut node = ty.create(&ctx).expect("can be created");
        let frames = self.frames();
        let mut heard = vec![vec![f32::NAN; frames]; support::channels(&ty.decl().outputs)];
        let mut changes = self.changes.clone();
        changes.sort_by_key(|(frame, ..)| *frame);
        let mut now = 0;
        for (frame, control, value) in changes {
            let frame = frame.min(frames);
            support::play(ty, &mut *node, self.block, &self.inputs, (now, frame), &mut heard);
            now = frame;
            let index = ty.decl().controls.iter().position(|c| c.name == control);
            let index = index.unwrap_or_else(|| panic!("{}: no control {control}", ty.decl().type_id));
            node.set(index, Change { value, ramp: 0 });
        }
        support::play(ty, &mut *node, self.block, &self.inputs, (now, frames), &mut heard);
        heard
    }
}

/// What effects are measured with: partials spread evenly from 60 Hz to 12 kHz, softer towards the top, different
/// in each ear, peaking at -6 dBFS for `held` seconds; then silence. The same at every sample rate.
pub fn programme(rate: f64, held: f64, frames: usize) -> Vec<Vec<f32>> {
    type Made = BTreeMap<(u64, u64, usize), Vec<Vec<f32>>>;
    static MADE: Mutex<Made> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().expect("no test fails in here");
    made.entry((rate.to_bits(), held.to_bits(), frames))
        .or_insert_with(|| compose(rate, held, frames))
        .clone()
}

fn compose(rate: f64, held: f64, frames: usize) -> Vec<Vec<f32>> {
    const PARTIALS: usize = 64;
    (0..2)
        .map(|ear| {
            let mut sound = vec![0.0f64; frames];
            for partial in 0..PARTIALS {
                let place = (partial as f64 + 0.3 * ear as f64) / (PARTIALS - 1) as f64;
                let (sin, cos) =
                    (std::f64::consts::TAU * 60.0 * 200f64.powf(place.min(1.0)) / rate).sin_cos();
                let (mut y, mut x) = ((partial * partial) as f64 * 1.7 + ear as f64).sin_cos();
                for sample in &mut sound {
                    *sample += y * (1.0 - 0.7 * place);
                    (x, y) = (x * cos - y * sin, x * sin + y * cos);
                }
            }
            let end = (held * rate) as usize;
            let edge = 0.005 * rate;
            for (at, sample) in sound.iter_mut().enumerate() {
                let left = end.saturating_sub(at) as f64;
                *sample *= (at as f64 / edge).min(left / edge).clamp(0.0, 1.0);
            }
            // 15.6 is the highest that these partials add up to, in the first second.
            sound.iter().map(|sample| (sample * 0.5 / 15.6) as f32).collect()
        })
        .collect()
}

#[test]
fn the_folder_has_these_sounds_and_no_other() {
    let mut found: Vec<String> = std::fs::read_dir(folder())
        .expect("is there")
        .filter_map(|entry| entry.expect("can be read").file_name().into_string().ok())
        .filter_map(|file| file.strip_suffix(".dsp").map(str::to_owned))
        .collect();
    found.sort();
    let mut named: Vec<&str> = all().collect();
    named.sort_unstable();
    assert_eq!(found, named);
}

#[test]
fn the_programme_peaks_at_minus_6_dbfs() {
    for rate in RATES {
        let sound = programme(rate, 1.0, rate as usize * 2);
        let peak = crate::measure::decibels(crate::measure::peak(&sound));
        assert!((-6.5..=-5.5).contains(&peak), "{peak} dBFS at {rate} Hz");
    }
}
