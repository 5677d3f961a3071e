//! Noise: white and pink.

use crate::descriptor::{Descriptor, Kind, Param, Port, Role};
use crate::module::{Connected, Io, Module, flush};

const WHITE: usize = 0;
const PINK: usize = 1;

/// `Noise`.
pub static NOISE: Descriptor = Descriptor {
    name: "Noise",
    about: "Noise, the same each time from the same `seed`. White has the same power in each hertz, pink in each octave.",
    role: Role::Plain,
    inputs: &[],
    outputs: &[Port::new("white", "-1…1"), Port::new("pink", "-1…1, seldom beyond ±0.5")],
    params: &[Param::new("seed", Kind::Int { min: 0, max: 65_535, default: 1 }, "", "another noise")],
    channels: None,
    length: None,
    build: |_| Box::new(Noise { seed: 1, white: White::new(1), poles: [0.0; 6], held: 0.0, pink: true }),
};

/// White noise: Marsaglia's xorshift with the triple (13, 17, 5) (*Xorshift RNGs*, 2003); its period is 2³² - 1.
pub(super) struct White(u32);

impl White {
    pub fn new(seed: u32) -> Self {
        // Never 0; and seeds that differ by one bit begin far from each other.
        Self((seed.wrapping_mul(0x9e37_79b9) ^ 0x5bf0_3635).max(1))
    }

    #[inline]
    pub fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as i32 as f32 * (1.0 / 2_147_483_648.0)
    }
}

struct Noise {
    seed: u32,
    white: White,
    poles: [f64; 6],
    held: f64,
    pink: bool,
}

impl Module for Noise {
    fn prepare(&mut self, _sample_rate: f64) {
        self.reset();
    }

    fn reset(&mut self) {
        self.white = White::new(self.seed);
        (self.poles, self.held) = ([0.0; 6], 0.0);
    }

    fn connect(&mut self, ports: Connected) {
        self.pink = ports.output(PINK);
    }

    fn set(&mut self, _param: usize, value: f32) {
        self.seed = value as u32;
        self.white = White::new(self.seed);
    }

    fn process(&mut self, io: &mut Io<'_>) {
        let white = self.white.next();
        io.set(WHITE, white);
        // Paul Kellet's filter (1999): -3 dB per octave within ±0.05 dB above 9 Hz at 44.1 kHz.
        const POLES: [(f64, f64); 6] = [
            (0.998_86, 0.055_517_9),
            (0.993_32, 0.075_075_9),
            (0.969_00, 0.153_852_0),
            (0.866_50, 0.310_485_6),
            (0.550_00, 0.532_952_2),
            (-0.761_6, -0.016_898_0),
        ];
        if self.pink {
            let white = f64::from(white);
            let mut sum = self.held + white * 0.536_2;
            for (pole, (decay, gain)) in self.poles.iter_mut().zip(POLES) {
                *pole = flush(decay * *pole + gain * white);
                sum += *pole;
            }
            self.held = white * 0.115_926;
            io.set(PINK, (sum * 0.11) as f32);
        }
    }
}
