//! Lfo: slow waves, in step with a sync input if it has one.

use krach_dsp::sine::sine;

use crate::descriptor::{Descriptor, Kind, Param, Port, Role};
use crate::module::{Connected, Edge, Io, Module};
use crate::notes::exp2;

use super::noise::White;

const SYNC: usize = 0;
const RATE_IN: usize = 1;
const RATE: usize = 0;

const SINE: usize = 0;
const TRIANGLE: usize = 1;
const SAW: usize = 2;
const SQUARE: usize = 3;
const RANDOM: usize = 4;

const TURN: f64 = 18_446_744_073_709_551_616.0;

/// `Lfo`.
pub static LFO: Descriptor = Descriptor {
    name: "Lfo",
    about: "A low-frequency oscillator. All its waves have one phase; an edge at `sync` begins it anew. Sine and triangle \
            begin at the middle and rise, the saw rises from the bottom, the square begins high, `random` has a new \
            value in each cycle.",
    role: Role::Plain,
    inputs: &[
        Port::new("sync", "an edge begins the cycle anew"),
        Port::new("rate", "added to the rate, in octaves"),
    ],
    outputs: &[
        Port::new("sine", "-1…1, or 0…1"),
        Port::new("triangle", "-1…1, or 0…1"),
        Port::new("saw", "-1…1, or 0…1"),
        Port::new("square", "-1…1, or 0…1"),
        Port::new("random", "-1…1, or 0…1"),
    ],
    params: &[
        Param::new("rate", Kind::log(0.01, 20.0, 1.0), "Hz", "cycles per second"),
        Param::new("polarity", Kind::Enum { names: &["bipolar", "unipolar"], default: 0 }, "", "-1…1 or 0…1"),
    ],
    channels: None,
    length: None,
    build: |_| Box::new(Lfo::new()),
};

struct Lfo {
    hz: f64,
    rate: f64,
    octaves: f32,
    step: u64,
    phase: u64,
    sync: Edge,
    noise: White,
    random: f32,
    unipolar: bool,
    ports: Connected,
}

impl Lfo {
    fn new() -> Self {
        Self {
            hz: 1.0,
            rate: 1.0,
            octaves: f32::NAN,
            step: 0,
            phase: 0,
            sync: Edge::default(),
            noise: White::new(1),
            random: 0.0,
            unipolar: false,
            ports: Connected::ALL,
        }
    }

    #[inline]
    fn give(&self, io: &mut Io<'_>, port: usize, value: f32) {
        io.set(port, if self.unipolar { 0.5 + 0.5 * value } else { value });
    }
}

impl Module for Lfo {
    fn prepare(&mut self, sample_rate: f64) {
        self.rate = sample_rate;
        self.reset();
    }

    fn reset(&mut self) {
        (self.phase, self.octaves) = (0, f32::NAN);
        self.sync = Edge::default();
        self.noise = White::new(1);
        self.random = self.noise.next();
    }

    fn connect(&mut self, ports: Connected) {
        self.ports = ports;
    }

    fn set(&mut self, param: usize, value: f32) {
        if param == RATE {
            self.hz = value.into();
            self.octaves = f32::NAN;
        } else {
            self.unipolar = value == 1.0;
        }
    }

    fn process(&mut self, io: &mut Io<'_>) {
        if self.sync.rises(io.input(SYNC)) {
            self.phase = 0;
            self.random = self.noise.next();
        }
        let turns = (self.phase >> 40) as i32 as f32 * (1.0 / 16_777_216.0);
        if self.ports.output(SINE) {
            self.give(io, SINE, sine((self.phase >> 32) as u32));
        }
        if self.ports.output(TRIANGLE) {
            // From the middle up to 1, down to -1, up to the middle.
            let quarter = turns + 0.25;
            let quarter = if quarter >= 1.0 { quarter - 1.0 } else { quarter };
            self.give(io, TRIANGLE, 1.0 - (4.0 * quarter - 2.0).abs());
        }
        if self.ports.output(SAW) {
            self.give(io, SAW, 2.0 * turns - 1.0);
        }
        if self.ports.output(SQUARE) {
            self.give(io, SQUARE, if turns < 0.5 { 1.0 } else { -1.0 });
        }
        if self.ports.output(RANDOM) {
            self.give(io, RANDOM, self.random);
        }
        let octaves = io.input(RATE_IN);
        if octaves != self.octaves {
            self.octaves = octaves;
            self.step = ((self.hz * exp2(octaves.into()) / self.rate).min(0.49) * TURN) as i64 as u64;
        }
        let before = self.phase;
        self.phase = before.wrapping_add(self.step);
        if self.phase < before {
            self.random = self.noise.next();
        }
    }
}
