//! Glide: portamento.

use crate::descriptor::{Descriptor, Kind, Param, Port, Role};
use crate::module::{Io, Module};

/// `Glide`.
pub static GLIDE: Descriptor = Descriptor {
    name: "Glide",
    about: "Follows its input exponentially: 99 % of the way in the glide time, from 0 at the start.",
    role: Role::Plain,
    inputs: &[Port::new("in", "where to")],
    outputs: &[Port::new("out", "on the way there")],
    params: &[Param::new("glide_ms", Kind::float(0.0, 10_000.0, 100.0), "ms", "time for 99 % of the way")],
    channels: None,
    length: None,
    build: |_| Box::new(Glide { rate: 1.0, ms: 100.0, left: 0.0, value: 0.0 }),
};

struct Glide {
    rate: f64,
    ms: f64,
    /// What is left of the way after a sample.
    left: f64,
    value: f64,
}

impl Glide {
    fn time(&mut self) {
        let samples = self.ms * self.rate / 1_000.0;
        self.left = if samples > 0.0 { libm::exp(libm::log(0.01) / samples) } else { 0.0 };
    }
}

impl Module for Glide {
    fn prepare(&mut self, sample_rate: f64) {
        self.rate = sample_rate;
        self.time();
        self.reset();
    }

    fn reset(&mut self) {
        self.value = 0.0;
    }

    fn set(&mut self, _param: usize, value: f32) {
        self.ms = value.into();
        self.time();
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_>) {
        let target = f64::from(io.input(0));
        let way = (self.value - target) * self.left;
        // A billionth of an octave or of full scale: nearer nothing is heard.
        self.value = if way.abs() < 1e-9 { target } else { target + way };
        io.set(0, self.value as f32);
    }
}
