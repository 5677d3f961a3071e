//! SineOscillator, SawtoothOscillator, SquareOscillator: phases that stay exact for hours, edges without aliases.

use krach_dsp::edges::{CHUNK, Edges};
use krach_dsp::lag::Lag;
use krach_dsp::minblep::MinBlep;
use krach_dsp::pulse::{Pulse, TURN, signed, threshold};
use krach_dsp::sine::sine;

use crate::descriptor::{Descriptor, Kind, Param, Port, Role};
use crate::module::{Connected, Io, Module};
use crate::notes::{C2_HZ, exp2};

const OUT: usize = 0;
const VOCT: usize = 0;
const FM: usize = 1;
const PHASE_MOD: usize = 2;
const PULSE_WIDTH: usize = 2;

/// Highest frequency in cycles per sample.
const HIGHEST: f64 = 0.49;

const VOCT_PORT: Port = Port::new("voct", "pitch in octaves");
const FM_PORT: Port = Port::new("fm", "added to the pitch, in octaves");

/// `SineOscillator`.
pub static SINE: Descriptor = Descriptor {
    name: "SineOscillator",
    about: "A sine. Alone it has its `frequency`; with a cable at `voct`, `frequency` is what 0 V plays.",
    role: Role::Plain,
    inputs: &[VOCT_PORT, FM_PORT, Port::new("phase_mod", "added to the phase, in cycles")],
    outputs: &[Port::new("out", "-1…1")],
    params: &[Param::new("frequency", Kind::log(0.01, 20_000.0, 440.0), "Hz", "at 0 V")],
    channels: None,
    length: None,
    build: |_| Box::new(Sine { pitch: Pitch::new(), phase: 0, modulated: false }),
};

/// `SawtoothOscillator`.
pub static SAWTOOTH: Descriptor = Descriptor {
    name: "SawtoothOscillator",
    about: "A rising saw, band-limited: for notes up to 4 kHz, aliases up to 16 kHz stay below -60 dB.",
    role: Role::Plain,
    inputs: &[VOCT_PORT, FM_PORT],
    outputs: &[Port::new("out", "-1…1; edges overshoot by up to 3 dB")],
    params: &[BASE_VOCT],
    channels: None,
    length: None,
    build: |_| Box::new(Saw::new()),
};

/// `SquareOscillator`.
pub static SQUARE: Descriptor = Descriptor {
    name: "SquareOscillator",
    about: "A pulse, band-limited as the saw. Its duty cycle is 0.5 + 0.5 × `pulse_width`, within 0.01…0.99.",
    role: Role::Plain,
    inputs: &[VOCT_PORT, FM_PORT, Port::new("pulse_width", "-1…1; 0 is a square")],
    outputs: &[Port::new("out", "-1…1; edges overshoot by up to 3 dB")],
    params: &[BASE_VOCT],
    channels: None,
    length: None,
    build: |_| Box::new(Square::new()),
};

const BASE_VOCT: Param =
    Param::new("base_voct", Kind::float(-4.0, 8.0, 0.0), "V", "added to `voct`; 0 V is C2, 65.406194 Hz");

/// What the phase advances by per sample, computed anew only when the pitch has changed.
struct Pitch {
    /// Frequency at 0 V, in cycles per sample.
    base: f64,
    base_hz: f64,
    rate: f64,
    /// Octaves above the base at which `step` was computed.
    octaves: f32,
    /// In 2⁻⁶⁴ turns.
    step: u64,
}

impl Pitch {
    fn new() -> Self {
        Self { base: 0.0, base_hz: C2_HZ, rate: 1.0, octaves: f32::NAN, step: 0 }
    }

    fn tune(&mut self, base_hz: f64) {
        self.base_hz = base_hz;
        self.base = base_hz / self.rate;
        self.octaves = f32::NAN;
    }

    fn prepare(&mut self, rate: f64) {
        self.rate = rate;
        self.tune(self.base_hz);
    }

    /// Is this pitch another one than on the sample before? Then the step is computed.
    #[inline(always)]
    fn moves(&mut self, octaves: f32) -> bool {
        if octaves == self.octaves {
            return false;
        }
        self.octaves = octaves;
        let turns = self.base * exp2(f64::from(octaves));
        self.step = (turns.min(HIGHEST) * TURN) as i64 as u64;
        true
    }
}

struct Sine {
    pitch: Pitch,
    /// Of the next sample, in 2⁻⁶⁴ turns.
    phase: u64,
    modulated: bool,
}

impl Module for Sine {
    fn prepare(&mut self, sample_rate: f64) {
        self.pitch.prepare(sample_rate);
        self.reset();
    }

    fn reset(&mut self) {
        self.phase = 0;
    }

    fn connect(&mut self, ports: Connected) {
        self.modulated = ports.input(PHASE_MOD);
    }

    fn set(&mut self, _param: usize, value: f32) {
        self.pitch.tune(value.into());
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_>) {
        let mut phase = (self.phase >> 32) as u32;
        if self.modulated {
            // Cycles into 2⁻³² turns; the cast takes whole cycles out.
            phase = phase.wrapping_add((f64::from(io.input(PHASE_MOD)) * 4_294_967_296.0) as i64 as u32);
        }
        io.set(OUT, sine(phase));
        self.pitch.moves(io.input(VOCT) + io.input(FM));
        self.phase = self.phase.wrapping_add(self.pitch.step);
    }
}

/// Band-limited edges that are still to sound.
struct Tail {
    table: &'static MinBlep,
    edges: Edges,
    at: usize,
}

impl Tail {
    fn new() -> Self {
        Self { table: MinBlep::shared(), edges: Edges::new(), at: 0 }
    }

    fn clear(&mut self) {
        self.edges.clear();
        self.at = 0;
    }

    #[inline(always)]
    fn add(&mut self, since: f64, height: f32) {
        self.edges.add(self.table, self.at, since, height);
    }

    /// What the edges add to this sample.
    #[inline(always)]
    fn next(&mut self) -> f32 {
        let value = self.edges.chunk()[self.at];
        self.at += 1;
        if self.at == CHUNK {
            self.edges.pass(CHUNK);
            self.at = 0;
        }
        value
    }
}

/// The base frequency for a `base_voct`.
fn base_hz(volts: f32) -> f64 {
    C2_HZ * exp2(volts.into())
}

struct Saw {
    pitch: Pitch,
    phase: u64,
    /// What the phase advanced by to get there.
    step: u64,
    lag: Lag,
    tail: Tail,
}

impl Saw {
    fn new() -> Self {
        let tail = Tail::new();
        Self { pitch: Pitch::new(), phase: 0, step: 0, lag: Lag::new(tail.table.delay()), tail }
    }
}

impl Module for Saw {
    fn prepare(&mut self, sample_rate: f64) {
        self.pitch.prepare(sample_rate);
        self.reset();
    }

    fn reset(&mut self) {
        (self.phase, self.step) = (0, 0);
        self.pitch.octaves = f32::NAN;
        self.lag.settle(0.0);
        self.tail.clear();
    }

    fn set(&mut self, _param: usize, value: f32) {
        self.pitch.tune(base_hz(value));
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_>) {
        if self.phase < self.step {
            self.tail.add(signed(self.phase) / signed(self.step), -2.0);
        }
        // 24 bits of the phase, which a float holds exactly.
        let turns = (self.phase >> 40) as i32 as f32 * (1.0 / 16_777_216.0);
        io.set(OUT, 2.0 * (turns - self.lag.turns()) - 1.0 + self.tail.next());
        if self.pitch.moves(io.input(VOCT) + io.input(FM)) {
            self.step = self.pitch.step;
            self.lag.disturb();
        }
        self.lag.advance(signed(self.step) / TURN);
        self.phase = self.phase.wrapping_add(self.step);
    }
}

struct Square {
    pitch: Pitch,
    phase: u64,
    /// What the phase advanced by to get there.
    step: u64,
    /// `pulse_width` on the sample before, its duty cycle, and that as a phase.
    set_width: f32,
    width: f64,
    threshold: u64,
    pulse: Pulse,
    tail: Tail,
}

impl Square {
    fn new() -> Self {
        Self {
            pitch: Pitch::new(),
            phase: 0,
            step: 0,
            set_width: 0.0,
            width: 0.5,
            threshold: threshold(0.5),
            pulse: Pulse::new(true, 0.5),
            tail: Tail::new(),
        }
    }

    /// The duty cycle of this sample.
    #[inline(always)]
    fn widen(&mut self, width: f32) {
        if width != self.set_width {
            self.set_width = width;
            self.width = (0.5 + 0.5 * f64::from(width)).clamp(0.01, 0.99);
            self.threshold = threshold(self.width);
        }
    }
}

impl Module for Square {
    fn prepare(&mut self, sample_rate: f64) {
        self.pitch.prepare(sample_rate);
        self.reset();
    }

    fn reset(&mut self) {
        (self.phase, self.step) = (0, 0);
        self.pitch.octaves = f32::NAN;
        self.pulse = Pulse::new(true, self.width);
        self.tail.clear();
    }

    fn set(&mut self, _param: usize, value: f32) {
        self.pitch.tune(base_hz(value));
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_>) {
        self.widen(io.input(PULSE_WIDTH));
        let tail = &mut self.tail;
        self.pulse.arrive(self.phase, self.step, self.width, self.threshold, |since, height| {
            tail.add(since, height)
        });
        io.set(OUT, if self.pulse.high() { 1.0 } else { -1.0 } + self.tail.next());
        self.pitch.moves(io.input(VOCT) + io.input(FM));
        self.step = self.pitch.step;
        self.phase = self.phase.wrapping_add(self.step);
    }
}
