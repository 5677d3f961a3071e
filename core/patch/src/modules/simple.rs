//! Sum, Vca, Tuner: modules without a memory.

use crate::descriptor::{Descriptor, Extent, Kind, MAX_CHANNELS, Param, Port, Role};
use crate::module::{Io, Module};

/// `Sum`.
pub static SUM: Descriptor = Descriptor {
    name: "Sum",
    about: "The sum of its inputs. How much of each is the scale of its cable.",
    role: Role::Plain,
    inputs: &[Port::indexed("in", "what is added")],
    outputs: &[Port::new("out", "the sum")],
    params: &[],
    channels: Some(Extent { min: 1, max: MAX_CHANNELS, default: 2 }),
    length: None,
    build: |shape| Box::new(Sum { channels: shape.channels.into() }),
};

/// `Vca`.
pub static VCA: Descriptor = Descriptor {
    name: "Vca",
    about: "`in` × `cv`.",
    role: Role::Plain,
    inputs: &[Port::new("in", "signal"), Port::new("cv", "linear gain")],
    outputs: &[Port::new("out", "the product")],
    params: &[],
    channels: None,
    length: None,
    build: |_| Box::new(Vca),
};

/// `Tuner`.
pub static TUNER: Descriptor = Descriptor {
    name: "Tuner",
    about: "Transposes a pitch. Without a cable it is a constant.",
    role: Role::Plain,
    inputs: &[Port::new("in", "pitch in octaves")],
    outputs: &[Port::new("out", "pitch in octaves")],
    params: &[
        Param::new("octave", Kind::Int { min: -8, max: 8, default: 0 }, "octaves", "added"),
        Param::new("semitone", Kind::Int { min: -12, max: 12, default: 0 }, "semitones", "added"),
        Param::new("cent", Kind::float(-100.0, 100.0, 0.0), "cents", "added"),
    ],
    channels: None,
    length: None,
    build: |_| Box::new(Tuner { parts: [0.0; 3], offset: 0.0 }),
};

struct Sum {
    channels: usize,
}

impl Module for Sum {
    fn prepare(&mut self, _sample_rate: f64) {}

    fn reset(&mut self) {}

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_>) {
        let sum = (0..self.channels).fold(0.0, |sum, port| sum + io.input(port));
        io.set(0, sum);
    }
}

struct Vca;

impl Module for Vca {
    fn prepare(&mut self, _sample_rate: f64) {}

    fn reset(&mut self) {}

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_>) {
        let value = io.input(0) * io.input(1);
        io.set(0, value);
    }
}

struct Tuner {
    parts: [f32; 3],
    offset: f32,
}

impl Module for Tuner {
    fn prepare(&mut self, _sample_rate: f64) {}

    fn reset(&mut self) {}

    fn set(&mut self, param: usize, value: f32) {
        self.parts[param] = value;
        let [octaves, semitones, cents] = self.parts;
        self.offset = octaves + (semitones + cents / 100.0) / 12.0;
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_>) {
        let value = io.input(0) + self.offset;
        io.set(0, value);
    }
}
