//! Filter: a state-variable filter with four outputs.

use krach_dsp::sine::sine;

use crate::descriptor::{Descriptor, Kind, Param, Port, Role};
use crate::module::{Io, Module, flush};
use crate::notes::exp2;

const IN: usize = 0;
const CUTOFF_IN: usize = 1;
const RESONANCE_IN: usize = 2;
const CUTOFF: usize = 0;
const RESONANCE: usize = 1;

/// Highest cutoff in cycles per sample: the filter's tangent grows beyond all bounds at ½.
const HIGHEST: f64 = 0.48;

/// `Filter`.
pub static FILTER: Descriptor = Descriptor {
    name: "Filter",
    about: "A state-variable filter of 12 dB per octave. At `resonance` 1 it sings by itself, just so; with `saturate` \
            its state is limited softly, and what sings stays within bounds.",
    role: Role::Plain,
    inputs: &[
        Port::new("in", "signal"),
        Port::new("cutoff", "added to the cutoff, in octaves"),
        Port::new("resonance", "added to the resonance"),
    ],
    outputs: &[
        Port::new("low", "below the cutoff"),
        Port::new("high", "above it"),
        Port::new("band", "around it, with a peak of 1 / (2 - 2 × resonance)"),
        Port::new("notch", "all but around it"),
    ],
    params: &[
        Param::new("cutoff", Kind::log(20.0, 20_000.0, 1_000.0), "Hz", "corner frequency"),
        Param::new("resonance", Kind::float(0.0, 1.0, 0.0), "", "0: Q = ½"),
        Param::new("saturate", Kind::Bool { default: false }, "", "limits the state softly"),
    ],
    channels: None,
    length: None,
    build: |_| Box::new(Filter::new()),
};

/// Simper, *Linear Trapezoidal Integrated SVF* (2013), after Zavalishin, *The Art of VA Filter Design* (2012).
struct Filter {
    rate: f64,
    hz: f64,
    octaves: f32,
    g: f64,
    resonance: f64,
    saturate: bool,
    states: [f64; 2],
}

impl Filter {
    fn new() -> Self {
        Self {
            rate: 1.0,
            hz: 1_000.0,
            octaves: f32::NAN,
            g: 0.0,
            resonance: 0.0,
            saturate: false,
            states: [0.0; 2],
        }
    }
}

/// tan(π × `cycles`) for 0…0.48, with a relative error below 1e-5.
fn tangent(cycles: f64) -> f64 {
    let half_turns = (cycles * 2_147_483_648.0) as u32;
    f64::from(sine(half_turns)) / f64::from(sine(half_turns.wrapping_add(1 << 30)))
}

/// x for small x, ±1.5 at most: x - 4x³/27 up to ±1.5, whose slope there is 0.
#[inline]
fn soft(x: f64) -> f64 {
    let x = x.clamp(-1.5, 1.5);
    x - x * x * x * (4.0 / 27.0)
}

impl Module for Filter {
    fn prepare(&mut self, sample_rate: f64) {
        self.rate = sample_rate;
        self.reset();
    }

    fn reset(&mut self) {
        self.states = [0.0; 2];
        self.octaves = f32::NAN;
    }

    fn set(&mut self, param: usize, value: f32) {
        match param {
            CUTOFF => {
                self.hz = value.into();
                self.octaves = f32::NAN;
            }
            RESONANCE => self.resonance = value.into(),
            _ => self.saturate = value == 1.0,
        }
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_>) {
        let octaves = io.input(CUTOFF_IN);
        if octaves != self.octaves {
            self.octaves = octaves;
            self.g = tangent((self.hz * exp2(octaves.into()) / self.rate).clamp(1e-6, HIGHEST));
        }
        let k = 2.0 - 2.0 * (self.resonance + f64::from(io.input(RESONANCE_IN))).clamp(0.0, 1.0);
        let (g, [band, low]) = (self.g, self.states);
        let input = f64::from(io.input(IN));
        let a1 = 1.0 / (1.0 + g * (g + k));
        let high = (input - low) * a1 * g;
        let v1 = a1 * band + high;
        let v2 = low + g * v1;
        let mut states = [2.0 * v1 - band, 2.0 * v2 - low];
        if self.saturate {
            states = states.map(soft);
        }
        self.states = states.map(flush);
        let out_high = input - k * v1 - v2;
        io.set(0, v2 as f32);
        io.set(1, out_high as f32);
        io.set(2, v1 as f32);
        io.set(3, (v2 + out_high) as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tangent_is_within_1e_5() {
        for i in 1..480 {
            let cycles = f64::from(i) / 1_000.0;
            let error = (tangent(cycles) / libm::tan(std::f64::consts::PI * cycles) - 1.0).abs();
            assert!(error < 1e-5, "{cycles}: {error:e}");
        }
    }
}
