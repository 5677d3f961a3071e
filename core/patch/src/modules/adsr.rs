//! AdsrEnvelope: attack, decay, sustain, release.

use crate::descriptor::{Descriptor, Kind, Param, Port, Role};
use crate::module::{Connected, Edge, Io, Module, is_high};

const TRIGGER: usize = 0;
const GATE: usize = 1;

const ATTACK: usize = 0;
const DECAY: usize = 1;
const SUSTAIN: usize = 2;
const RELEASE: usize = 3;

/// Natural logarithm of 1000: decay and release have done 99.9 % of their way in their time.
const LN_1000: f64 = 6.907_755_278_982_137;
/// -100 dB: a release that has come here has ended.
const END: f64 = 1e-5;

/// `AdsrEnvelope`.
pub static ADSR: Descriptor = Descriptor {
    name: "AdsrEnvelope",
    about: "An envelope. An edge at `trigger` or `gate` begins the attack, from where the level is; a straight line up \
            to 1, so long from 0. Decay and release go 99.9 % of their way in their time, exponentially. A gate below \
            0.5 releases from any stage. Without a cable at `gate` the release follows the attack.",
    role: Role::Plain,
    inputs: &[Port::new("trigger", "an edge begins the attack"), Port::new("gate", "held while high")],
    outputs: &[Port::new("out", "level, 0…1")],
    params: &[
        Param::new("attack", Kind::log(0.001, 10.0, 0.01), "s", "from 0 to 1"),
        Param::new("decay", Kind::log(0.001, 10.0, 0.1), "s", "from 1 to the sustain level"),
        Param::new("sustain", Kind::float(0.0, 1.0, 0.7), "", "level while the gate is held"),
        Param::new("release", Kind::log(0.001, 10.0, 0.3), "s", "to 0"),
    ],
    channels: None,
    length: None,
    build: |_| Box::new(Adsr::new()),
};

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Rest,
    Attack,
    Decay,
    Release,
}

struct Adsr {
    rate: f64,
    params: [f64; 4],
    /// Per sample: step of the attack, factors of decay and release.
    rise: f64,
    decay: f64,
    release: f64,
    stage: Stage,
    level: f64,
    trigger: Edge,
    gate: Edge,
    gated: bool,
}

impl Adsr {
    fn new() -> Self {
        Self {
            rate: 1.0,
            params: [0.01, 0.1, 0.7, 0.3],
            rise: 0.0,
            decay: 0.0,
            release: 0.0,
            stage: Stage::Rest,
            level: 0.0,
            trigger: Edge::default(),
            gate: Edge::default(),
            gated: false,
        }
    }

    fn time(&mut self) {
        self.rise = 1.0 / (self.params[ATTACK] * self.rate);
        self.decay = libm::exp(-LN_1000 / (self.params[DECAY] * self.rate));
        self.release = libm::exp(-LN_1000 / (self.params[RELEASE] * self.rate));
    }
}

impl Module for Adsr {
    fn prepare(&mut self, sample_rate: f64) {
        self.rate = sample_rate;
        self.time();
        self.reset();
    }

    fn reset(&mut self) {
        (self.stage, self.level) = (Stage::Rest, 0.0);
        (self.trigger, self.gate) = (Edge::default(), Edge::default());
    }

    fn connect(&mut self, ports: Connected) {
        self.gated = ports.input(GATE);
    }

    fn set(&mut self, param: usize, value: f32) {
        self.params[param] = value.into();
        self.time();
    }

    fn process(&mut self, io: &mut Io<'_>) {
        let gate = io.input(GATE);
        // Both are looked at on every sample.
        let begins = self.trigger.rises(io.input(TRIGGER)) | self.gate.rises(gate);
        if begins {
            self.stage = Stage::Attack;
        }
        if self.gated && !is_high(gate) && self.stage != Stage::Rest {
            self.stage = Stage::Release;
        }
        match self.stage {
            Stage::Rest => {}
            Stage::Attack => {
                self.level += self.rise;
                if self.level >= 1.0 {
                    self.level = 1.0;
                    self.stage = if self.gated { Stage::Decay } else { Stage::Release };
                }
            }
            Stage::Decay => {
                let sustain = self.params[SUSTAIN];
                self.level = sustain + (self.level - sustain) * self.decay;
                if (self.level - sustain).abs() < 1e-12 {
                    self.level = sustain;
                }
            }
            Stage::Release => {
                self.level *= self.release;
                if self.level < END {
                    (self.level, self.stage) = (0.0, Stage::Rest);
                }
            }
        }
        io.set(0, self.level as f32);
    }
}
