//! `oscillator`: sine, saw and pulse, band-limited, with a phase that stays exact for hours.
//!
//! | port | channels | |
//! |---|---|---|
//! | out `out` | 1 | ±`amp`; saw and pulse overshoot their edges by up to 42 % (+3 dB) |
//!
//! | control | range | default | |
//! |---|---|---|---|
//! | `freq` | 0.01…20000 Hz | 440 | at once, or ramped linearly in Hz; above 0.49 × sample rate it stays there |
//! | `waveform` | 0, 1, 2 | 0 | `sine`, `saw` (rising), `pulse`; other values round; crossfaded in 10 ms |
//! | `amp` | 0…1 | 1 | linear factor; jumps take 10 ms |
//! | `pulse_width` | 0.01…0.99 | 0.5 | part of the period that the pulse is high; jumps take 10 ms |
//!
//! The sine is in phase with the accumulator. Saw and pulse are the exact waveform through the
//! minimum-phase low-pass of [`MinBlep`]: an edge begins to sound on the first frame after it, and low
//! frequencies come [`MinBlep::delay`] (2.4) frames late. Saw and pulse of width ½ have no DC; a
//! pulse of width w has its mean 2w - 1.

use super::super::contract::{Change, CreateContext, CreateError, Node, NodeDecl, NodeType, Port, Role};
use super::super::control::{Control, Scale};
use super::super::transport::Transport;
use super::{code_key, within};
use krach_dsp::edges::{CHUNK, Edges};
use krach_dsp::lag::Lag;
use krach_dsp::minblep::{MinBlep, SPAN};
use krach_dsp::pulse::{Pulse, TURN, signed, threshold};
use krach_dsp::ramp::{Ramp, declick_frames};
use krach_dsp::sine::sine;
use std::any::Any;

const FREQ: usize = 0;
const WAVEFORM: usize = 1;
const AMP: usize = 2;
const PULSE_WIDTH: usize = 3;

const SINE: usize = 0;
const SAW: usize = 1;
const PULSE: usize = 2;

const WAVEFORMS: [(&str, f32); 3] = [("sine", 0.0), ("saw", 1.0), ("pulse", 2.0)];

const FREQ_RANGE: (f32, f32) = (0.01, 20_000.0);
const FREQ_DEFAULT: f32 = 440.0;
const WIDTH_RANGE: (f32, f32) = (0.01, 0.99);
/// Highest frequency in cycles per frame.
const NYQUIST_SHARE: f64 = 0.49;

/// The type `oscillator`.
pub(super) struct OscillatorType {
    decl: NodeDecl,
}

impl OscillatorType {
    pub(super) fn new() -> Self {
        let decl = NodeDecl {
            type_id: "oscillator".to_owned(),
            inputs: Vec::new(),
            outputs: vec![Port::mono("out")],
            controls: vec![
                Control::continuous("freq", FREQ_RANGE.0, FREQ_RANGE.1, FREQ_DEFAULT)
                    .unit("Hz")
                    .scale(Scale::Log),
                Control::continuous("waveform", 0.0, 2.0, 0.0).step(1.0).labels(WAVEFORMS),
                Control::continuous("amp", 0.0, 1.0, 1.0),
                Control::continuous("pulse_width", WIDTH_RANGE.0, WIDTH_RANGE.1, 0.5),
            ],
            settings: Vec::new(),
            role: Role::Process,
        };
        Self { decl }
    }
}

impl NodeType for OscillatorType {
    fn decl(&self) -> &NodeDecl {
        &self.decl
    }

    fn code_key(&self) -> u64 {
        const { code_key("krach.oscillator", 1) }
    }

    fn create(&self, ctx: &CreateContext) -> Result<Box<dyn Node>, CreateError> {
        let rate = ctx.sample_rate;
        if !(rate.is_finite() && rate > 0.0) {
            return Err(CreateError(format!("oscillator: no sound at a sample rate of {rate} Hz")));
        }
        Ok(Box::new(Oscillator::new(rate)))
    }
}

struct Oscillator {
    table: &'static MinBlep,
    sample_rate: f64,
    declick: u32,
    freq: Ramp,
    width: Ramp,
    amp: Ramp,
    /// How much of sine, saw and pulse sounds; sums to 1.
    mix: [Ramp; 3],
    /// Phase of the next frame, in 2⁻⁶⁴ turns.
    phase: u64,
    /// What the phase advanced by to get there, below half a turn.
    step: u64,
    /// The pulse on the frame before the next.
    pulse: Pulse,
    lag: Lag,
    saw_edges: Edges,
    pulse_edges: Edges,
    /// It has rendered since it was created or reset: a jump would click.
    begun: bool,
}

/// What is known of a chunk's frames before they become samples.
struct Trace {
    phase: [u32; CHUNK],
    /// Turns that the saw's ramp is late by.
    lag: [f32; CHUNK],
    high: [bool; CHUNK],
}

impl Oscillator {
    fn new(sample_rate: f64) -> Self {
        let table = MinBlep::shared();
        let mut oscillator = Self {
            table,
            sample_rate,
            declick: declick_frames(sample_rate),
            freq: Ramp::resting(f64::from(FREQ_DEFAULT)),
            width: Ramp::resting(0.5),
            amp: Ramp::resting(1.0),
            mix: [1.0, 0.0, 0.0].map(Ramp::resting),
            phase: 0,
            step: 0,
            pulse: Pulse::new(false, 0.5),
            lag: Lag::new(table.delay()),
            saw_edges: Edges::new(),
            pulse_edges: Edges::new(),
            begun: false,
        };
        oscillator.reset();
        oscillator
    }

    /// What the phase advances by in one frame at `freq` Hz.
    #[inline]
    fn step_at(&self, freq: f64) -> u64 {
        // Below half a turn, hence a positive `i64`, to which the conversion is one instruction.
        ((freq / self.sample_rate).min(NYQUIST_SHARE) * TURN) as i64 as u64
    }

    fn sounds(&self, waveform: usize) -> bool {
        !(self.mix[waveform].at_rest() && self.mix[waveform].present() == 0.0)
    }

    /// Makes a waveform as if it had run at the present frequency and width before the next frame.
    fn prime(&mut self, waveform: usize) {
        let edges = if waveform == SAW { &mut self.saw_edges } else { &mut self.pulse_edges };
        edges.clear();
        let width = self.width.present();
        let threshold = threshold(width);
        let mut phase = self.phase.wrapping_sub(self.step.wrapping_mul(SPAN as u64));
        self.pulse = Pulse::new(phase.wrapping_sub(self.step) < threshold, width);
        for frame in 0..SPAN {
            match waveform {
                SAW => self.saw_arrives(phase, frame),
                _ => self.pulse_arrives(phase, width, threshold, frame),
            }
            phase = phase.wrapping_add(self.step);
        }
        let edges = if waveform == SAW { &mut self.saw_edges } else { &mut self.pulse_edges };
        edges.pass(SPAN);
    }

    /// The saw's edge, if there was one on the way to `phase`.
    #[inline]
    fn saw_arrives(&mut self, phase: u64, frame: usize) {
        if phase < self.step {
            let since = signed(phase) / signed(self.step);
            self.saw_edges.add(self.table, frame, since, -2.0);
        }
    }

    /// The pulse's edges on the way to `phase`.
    #[inline]
    fn pulse_arrives(&mut self, phase: u64, width: f64, threshold: u64, frame: usize) {
        let (edges, table) = (&mut self.pulse_edges, self.table);
        self.pulse.arrive(phase, self.step, width, threshold, |since, height| {
            edges.add(table, frame, since, height);
        });
    }

    /// Runs the phase over `frames` ≤ [`CHUNK`] frames and collects the edges met.
    fn trace(&mut self, frames: usize, trace: &mut Trace) {
        let saw = self.sounds(SAW);
        let pulse = self.sounds(PULSE);
        let mut width_threshold = threshold(self.width.present());
        for frame in 0..frames {
            let phase = self.phase;
            trace.phase[frame] = (phase >> 32) as u32;
            if saw {
                trace.lag[frame] = self.lag.turns();
                self.saw_arrives(phase, frame);
            }
            if !self.width.at_rest() {
                width_threshold = threshold(self.width.advance());
            }
            if pulse {
                self.pulse_arrives(phase, self.width.present(), width_threshold, frame);
                trace.high[frame] = self.pulse.high();
            }
            if !self.freq.at_rest() {
                let freq = self.freq.advance();
                self.step = self.step_at(freq);
                self.lag.disturb();
            }
            self.lag.advance(signed(self.step) / TURN);
            self.phase = phase.wrapping_add(self.step);
        }
    }

    /// Turns a chunk's trace into samples: `out` = the sum of the waveforms that sound.
    fn shape(&mut self, trace: &Trace, out: &mut [f32]) {
        let frames = out.len();
        let mut wave = [0.0; CHUNK];
        let mut first = true;
        for waveform in [SINE, SAW, PULSE] {
            if !self.sounds(waveform) {
                continue;
            }
            let wave = &mut wave[..frames];
            match waveform {
                SINE => {
                    for (y, &phase) in wave.iter_mut().zip(&trace.phase) {
                        *y = sine(phase);
                    }
                }
                SAW => {
                    let edges = self.saw_edges.chunk().iter();
                    let ramp = trace.phase.iter().zip(&trace.lag);
                    for ((y, (&phase, &lag)), edge) in wave.iter_mut().zip(ramp).zip(edges) {
                        let turns = (phase >> 8) as i32 as f32 * (1.0 / 16_777_216.0);
                        *y = 2.0 * (turns - lag) - 1.0 + edge;
                    }
                    self.saw_edges.pass(frames);
                }
                _ => {
                    let edges = self.pulse_edges.chunk().iter();
                    for ((y, &high), edge) in wave.iter_mut().zip(&trace.high).zip(edges) {
                        *y = (if high { 1.0 } else { -1.0 }) + edge;
                    }
                    self.pulse_edges.pass(frames);
                }
            }
            if self.mix[waveform].at_rest() && self.mix[waveform].present() == 1.0 {
                out.copy_from_slice(wave);
            } else {
                if first {
                    out.fill(0.0);
                }
                for (y, x) in out.iter_mut().zip(wave) {
                    *y += *x * self.mix[waveform].advance() as f32;
                }
            }
            first = false;
        }
    }

    fn choose(&mut self, waveform: usize) {
        if self.mix[waveform].target() == 1.0 {
            return;
        }
        if waveform != SINE && !self.sounds(waveform) {
            self.prime(waveform);
        }
        for (i, share) in self.mix.iter_mut().enumerate() {
            share.go(if i == waveform { 1.0 } else { 0.0 }, self.declick);
        }
    }
}

impl Node for Oscillator {
    fn reset(&mut self) {
        for ramp in [&mut self.freq, &mut self.width, &mut self.amp].into_iter().chain(&mut self.mix) {
            ramp.finish();
        }
        self.phase = 0;
        self.step = self.step_at(self.freq.present());
        self.lag.settle(signed(self.step) / TURN);
        self.prime(SAW);
        self.prime(PULSE);
        self.begun = false;
    }

    fn set(&mut self, control: usize, change: Change) {
        let smooth = if change.ramp == 0 { self.declick } else { change.ramp };
        match control {
            FREQ => {
                if let Some(freq) = within(change, FREQ_RANGE.0, FREQ_RANGE.1) {
                    // A jump is a ramp of one frame: the phase goes on, so nothing clicks.
                    self.freq.go(freq, change.ramp.max(1));
                }
            }
            WAVEFORM => {
                if let Some(waveform) = within(change, 0.0, 2.0) {
                    self.choose(waveform.round() as usize);
                }
            }
            AMP => {
                if let Some(amp) = within(change, 0.0, 1.0) {
                    self.amp.go(amp, smooth);
                }
            }
            PULSE_WIDTH => {
                if let Some(width) = within(change, WIDTH_RANGE.0, WIDTH_RANGE.1) {
                    self.width.go(width, smooth);
                }
            }
            _ => {}
        }
    }

    fn settle(&mut self) {
        if !self.begun {
            self.reset();
        }
    }

    fn render(&mut self, _: &Transport, frames: usize, _inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
        let Some(out) = outputs.first_mut() else { return };
        self.begun = true;
        let mut trace = Trace { phase: [0; CHUNK], lag: [0.0; CHUNK], high: [false; CHUNK] };
        let mut rest = &mut out[..frames];
        while !rest.is_empty() {
            // Each chunk is on a ramp or at rest as a whole: which arithmetic a frame meets depends on
            // the frame alone.
            let frames = self.mix.iter().fold(rest.len().min(CHUNK), |frames, share| share.uniform(frames));
            let frames = self.amp.uniform(frames);
            let (chunk, later) = std::mem::take(&mut rest).split_at_mut(frames);
            self.trace(frames, &mut trace);
            self.shape(&trace, chunk);
            if !self.amp.at_rest() {
                chunk.iter_mut().for_each(|y| *y *= self.amp.advance() as f32);
            } else if self.amp.present() == 0.0 {
                chunk.fill(0.0);
            } else if self.amp.present() != 1.0 {
                let amp = self.amp.present() as f32;
                chunk.iter_mut().for_each(|y| *y *= amp);
            }
            rest = later;
        }
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
