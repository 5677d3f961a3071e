//! Delay: up to two seconds, with feedback.

use crate::descriptor::{Descriptor, Kind, Param, Port, Role};
use crate::module::{Io, Module};
use crate::notes::exp2;

const IN: usize = 0;
const TIME_IN: usize = 1;
const TIME: usize = 0;
const TRIM: usize = 1;
const GLIDE: usize = 2;

const LONGEST_MS: f32 = 2_000.0;

/// `Delay`.
pub static DELAY: Descriptor = Descriptor {
    name: "Delay",
    about: "What came in some time ago, with feedback. A time that changes is approached in `glide_ms` and bends the \
            pitch on the way, as tape does.",
    role: Role::Plain,
    inputs: &[Port::new("in", "signal"), Port::new("time", "added to the time, in octaves: 1 doubles it")],
    outputs: &[Port::new("out", "the delayed signal alone")],
    params: &[
        Param::new(
            "time_ms",
            Kind::log(1.0, LONGEST_MS, 250.0),
            "ms",
            "delay, 2000 ms at most with the cable",
        ),
        Param::new(
            "trim",
            Kind::float(0.0, 64.0, 0.0),
            "samples",
            "taken off the delay: what the cables and filters of a loop around it add",
        ),
        Param::new(
            "glide_ms",
            Kind::float(0.0, 1_000.0, 100.0),
            "ms",
            "time for 99 % of the way to a new time",
        ),
        Param::new("feedback", Kind::float(0.0, 0.99, 0.0), "", "part of the output that goes in again"),
    ],
    channels: None,
    length: None,
    build: |_| {
        Box::new(Delay {
            rate: 1.0,
            ms: 250.0,
            trim: 0.0,
            glide: 100.0,
            feedback: 0.0,
            buffer: Vec::new(),
            write: 0,
            samples: f64::NAN,
            slew: 0.0,
            octaves: f32::NAN,
            target: 0.0,
        })
    },
};

struct Delay {
    rate: f64,
    ms: f64,
    trim: f64,
    glide: f64,
    feedback: f32,
    /// Its length is a power of two.
    buffer: Vec<f32>,
    write: usize,
    /// The delay now and where it goes to, in samples.
    samples: f64,
    slew: f64,
    octaves: f32,
    target: f64,
}

impl Delay {
    fn time(&mut self) {
        let samples = self.glide * self.rate / 1_000.0;
        self.slew = if samples > 0.0 { libm::exp(libm::log(0.01) / samples) } else { 0.0 };
    }
}

impl Module for Delay {
    fn prepare(&mut self, sample_rate: f64) {
        self.rate = sample_rate;
        let longest = (f64::from(LONGEST_MS) / 1_000.0 * sample_rate) as usize + 4;
        self.buffer = vec![0.0; longest.next_power_of_two()];
        self.time();
        self.reset();
    }

    fn reset(&mut self) {
        self.buffer.fill(0.0);
        (self.write, self.samples, self.octaves) = (0, f64::NAN, f32::NAN);
    }

    fn set(&mut self, param: usize, value: f32) {
        match param {
            TIME => self.ms = value.into(),
            TRIM => self.trim = value.into(),
            GLIDE => {
                self.glide = value.into();
                self.time();
            }
            _ => self.feedback = value,
        }
        self.octaves = f32::NAN;
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_>) {
        let octaves = io.input(TIME_IN);
        if octaves != self.octaves {
            self.octaves = octaves;
            let ms = (self.ms * exp2(octaves.into())).clamp(0.0, LONGEST_MS.into());
            self.target = (ms / 1_000.0 * self.rate - self.trim).max(1.0);
        }
        if self.samples.is_nan() {
            self.samples = self.target;
        } else if self.samples != self.target {
            let way = (self.samples - self.target) * self.slew;
            // A thousandth of a sample: nearer nothing is heard.
            self.samples = if way.abs() < 1e-3 { self.target } else { self.target + way };
        }
        let mask = self.buffer.len() - 1;
        let whole = self.samples as usize;
        let along = (self.samples - whole as f64) as f32;
        let near = self.buffer[self.write.wrapping_sub(whole) & mask];
        let far = self.buffer[self.write.wrapping_sub(whole + 1) & mask];
        let out = if along == 0.0 { near } else { near + (far - near) * along };
        let next = io.input(IN) + out * self.feedback;
        self.buffer[self.write & mask] = if next.abs() < 1e-20 { 0.0 } else { next };
        self.write = self.write.wrapping_add(1);
        io.set(0, out);
    }
}
