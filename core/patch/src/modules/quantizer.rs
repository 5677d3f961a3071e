//! Quantizer: to the nearest note of a scale.

use crate::descriptor::{Descriptor, Entries, Kind, Param, Port, Role};
use crate::module::{Io, Module};
use crate::notes::Step;

/// `Quantizer`.
pub static QUANTIZER: Descriptor = Descriptor {
    name: "Quantizer",
    about: "The note of the scale that is nearest to the pitch; halfway it is the lower one. An empty scale has all twelve.",
    role: Role::Plain,
    inputs: &[Port::new("in", "pitch in octaves")],
    outputs: &[
        Port::new("out", "pitch in octaves"),
        Port::new("trigger", "one sample long, when the note changes"),
    ],
    params: &[Param::new(
        "scale",
        Kind::List { entries: Entries::PitchClasses, default: &[] },
        "",
        "pitch classes: [C, Eb, F, G, Bb]",
    )],
    channels: None,
    length: None,
    build: |_| {
        Box::new(Quantizer { scale: Vec::new(), allowed: [true; 12], input: 0.0, note: 0, known: false })
    },
};

struct Quantizer {
    scale: Vec<Step>,
    allowed: [bool; 12],
    input: f32,
    /// In semitones above C2.
    note: i32,
    known: bool,
}

impl Quantizer {
    fn nearest(&self, semitones: f32) -> i32 {
        let middle = libm::floorf(semitones) as i32;
        let mut best = (f32::INFINITY, middle);
        for note in middle - 12..=middle + 13 {
            let away = (note as f32 - semitones).abs();
            // Upwards through the notes: of two that are equally far the lower one stays.
            if self.allowed[note.rem_euclid(12) as usize] && away < best.0 {
                best = (away, note);
            }
        }
        best.1
    }
}

impl Module for Quantizer {
    fn prepare(&mut self, _sample_rate: f64) {
        self.reset();
    }

    fn reset(&mut self) {
        self.known = false;
    }

    fn set_list(&mut self, _param: usize, list: &mut Vec<Step>) {
        std::mem::swap(&mut self.scale, list);
        self.allowed = [self.scale.is_empty(); 12];
        for step in &self.scale {
            if let Step::Note(class) = step {
                self.allowed[(*class as i32).rem_euclid(12) as usize] = true;
            }
        }
        // The note is looked for again, and is a change only if it is another one.
        self.input = f32::NAN;
    }

    fn process(&mut self, io: &mut Io<'_>) {
        let input = io.input(0);
        let mut changed = false;
        if !self.known || input != self.input {
            self.input = input;
            let note = self.nearest(input.clamp(-100.0, 100.0) * 12.0);
            changed = !self.known || note != self.note;
            (self.note, self.known) = (note, true);
        }
        io.set(0, self.note as f32 / 12.0);
        io.set(1, f32::from(u8::from(changed)));
    }
}
