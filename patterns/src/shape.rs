//! Continuous controls: a value as a function of the phase.

use std::f64::consts::TAU;
use std::str::FromStr;

/// The names of all shapes, as the `kind` of a `Shape` node spells them.
pub const SHAPE_KINDS: [&str; 9] =
    ["sine", "tri", "ramp", "ramp_down", "square", "exp", "pulse", "custom", "rand"];

/// How a shape runs through its period. Each goes from 0 to 1 before it is scaled to `[lo, hi]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShapeKind {
    /// `0.5 + 0.5·sin(2πp)`: starts in the middle, rising.
    Sine,
    /// Up to 1 at half the period, and down again.
    Tri,
    /// From 0 up to 1.
    Ramp,
    /// From 1 down to 0.
    RampDown,
    /// 1 in the first half, 0 in the second.
    Square,
    /// `p²`: rises slowly, then fast.
    Exp,
    /// 1 for the first `duty` of the period, 0 for the rest.
    Pulse,
    /// `table`, evenly spread over the period, in straight lines, the last going back to the first.
    Custom,
    /// Value noise: a random value per period, smoothly led into the next one's.
    Rand,
}

impl FromStr for ShapeKind {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Ok(match name {
            "sine" => Self::Sine,
            "tri" => Self::Tri,
            "ramp" => Self::Ramp,
            "ramp_down" => Self::RampDown,
            "square" => Self::Square,
            "exp" => Self::Exp,
            "pulse" => Self::Pulse,
            "custom" => Self::Custom,
            "rand" => Self::Rand,
            _ => return Err(()),
        })
    }
}

/// A compiled shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// How it runs.
    pub kind: ShapeKind,
    /// Value at 0.
    pub lo: f64,
    /// Value at 1. Below `lo` turns the shape over.
    pub hi: f64,
    /// For [`ShapeKind::Pulse`]: the part of the period at 1, in `[0, 1]`.
    pub duty: f64,
    /// For [`ShapeKind::Rand`]: added to the session's seed, wrapping.
    pub seed: u64,
    /// For [`ShapeKind::Custom`]: at least one value.
    pub table: Vec<f64>,
}

/// `H(a, b)` of the pattern semantics: the one hash behind everything random.
#[inline]
pub(crate) fn hash(a: u64, b: u64) -> u64 {
    a.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(b).wrapping_mul(1_442_695_040_888_963_407)
}

impl Shape {
    /// The value at `phase` in `[0, 1]` of period number `period`, in `[lo, hi]` (for a custom
    /// table: as far beyond as its values lie outside `[0, 1]`).
    ///
    /// Allocates nothing. `session_seed` is the seed of the whole session; only `rand` uses it.
    pub fn value(&self, period: i64, phase: f64, session_seed: u64) -> f64 {
        let unit = match self.kind {
            ShapeKind::Sine => 0.5 + 0.5 * sine(phase),
            ShapeKind::Tri => 1.0 - (2.0 * phase - 1.0).abs(),
            ShapeKind::Ramp => phase,
            ShapeKind::RampDown => 1.0 - phase,
            ShapeKind::Square => f64::from(phase < 0.5),
            ShapeKind::Exp => phase * phase,
            ShapeKind::Pulse => f64::from(phase < self.duty),
            ShapeKind::Custom => self.lookup(phase),
            ShapeKind::Rand => {
                let seed = self.seed.wrapping_add(session_seed);
                let (a, b) = (noise(seed, period), noise(seed, period.wrapping_add(1)));
                // smoothstep: the curve has no corners where one period meets the next
                a + (b - a) * (phase * phase * (3.0 - 2.0 * phase))
            }
        };
        self.lo + (self.hi - self.lo) * unit
    }

    fn lookup(&self, phase: f64) -> f64 {
        let n = self.table.len();
        if n == 0 {
            return 0.0;
        }
        let at = phase.clamp(0.0, 1.0) * n as f64;
        let i = (at as usize).min(n - 1);
        let (a, b) = (self.table[i], self.table[(i + 1) % n]);
        a + (b - a) * (at - i as f64)
    }
}

/// Taylor series from the last term to the first: each is the one before it times -x² / (n (n - 1)).
const SINE: [f64; 8] = series(17);
const COSINE: [f64; 8] = series(16);

const fn series(last: u32) -> [f64; 8] {
    let mut terms = [0.0; 8];
    let mut place = 0;
    while place < 8 {
        let n = last - 2 * place as u32;
        terms[place] = 1.0 / (n * (n - 1)) as f64;
        place += 1;
    }
    terms
}

/// `sin(2πp)` for a phase in `[0, 1]`: exact at the quarters, and the same to the bit on every machine and in the Python
/// client, which has the same sums in the same order (`python/src/krach/pattern/shape.py`).
///
/// Around the nearest quarter the Taylor series of sine or cosine. What is left out of it is less than 3e-18.
fn sine(phase: f64) -> f64 {
    let quarter = (4.0 * phase + 0.5).floor();
    // The difference is exact: both are multiples of the phase's last bit, and it is the smaller one.
    let x = TAU * (phase - 0.25 * quarter);
    let is_cosine = quarter as i64 & 1 == 1;
    let square = x * x;
    let terms = if is_cosine { &COSINE } else { &SINE };
    let sum = terms.iter().fold(1.0, |sum, term| 1.0 - sum * (square * term));
    let value = if is_cosine { sum } else { x * sum };
    if quarter as i64 & 2 == 0 { value } else { -value }
}

/// A value in `[0, 1)` for a period: the top 53 bits of the hash, which are its best.
fn noise(seed: u64, period: i64) -> f64 {
    let mut h = hash(seed, hash(period as u64, 1));
    // The multiplicative hash alone leaves neighbouring periods correlated in the high bits.
    h ^= h >> 32;
    h = hash(h, seed);
    h ^= h >> 29;
    (h >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(kind: &str) -> Shape {
        Shape {
            kind: kind.parse().unwrap(),
            lo: 200.0,
            hi: 400.0,
            duty: 0.25,
            seed: 3,
            table: vec![0.0, 1.0, 0.5, 0.5],
        }
    }

    #[test]
    fn each_shape_passes_through_its_landmarks() {
        for (kind, landmarks) in [
            ("sine", [(0.0, 300.0), (0.25, 400.0), (0.5, 300.0), (0.75, 200.0)]),
            ("tri", [(0.0, 200.0), (0.25, 300.0), (0.5, 400.0), (0.75, 300.0)]),
            ("ramp", [(0.0, 200.0), (0.25, 250.0), (0.5, 300.0), (1.0, 400.0)]),
            ("ramp_down", [(0.0, 400.0), (0.25, 350.0), (0.5, 300.0), (1.0, 200.0)]),
            ("square", [(0.0, 400.0), (0.49, 400.0), (0.5, 200.0), (0.99, 200.0)]),
            ("exp", [(0.0, 200.0), (0.5, 250.0), (1.0, 400.0), (0.1, 202.0)]),
            ("pulse", [(0.0, 400.0), (0.24, 400.0), (0.25, 200.0), (0.9, 200.0)]),
            ("custom", [(0.0, 200.0), (0.25, 400.0), (0.375, 350.0), (0.875, 250.0)]),
        ] {
            for (phase, value) in landmarks {
                let got = shape(kind).value(0, phase, 0);
                assert!((got - value).abs() < 1e-9, "{kind} at {phase}: {got} != {value}");
            }
        }
    }

    #[test]
    fn a_sine_is_exact_at_the_quarters_and_next_to_the_nearest_number_elsewhere() {
        let quarters = [0.0, 0.25, 0.5, 0.75, 1.0].map(sine);
        assert_eq!(quarters, [0.0, 1.0, 0.0, -1.0, 0.0]);
        for step in 0..=4000 {
            let phase = f64::from(step) / 4000.0;
            // The system's sine has the same angle only where the product with 2π is rounded alike.
            let (got, near) = (sine(phase), (TAU * phase).sin());
            assert!((got - near).abs() < 1e-15, "{phase}: {got} is not {near}");
            assert!(got.abs() <= 1.0, "{phase}: {got}");
        }
    }

    #[test]
    fn noise_joins_its_periods_and_follows_both_seeds() {
        let rand = shape("rand");
        for period in -50..50 {
            assert!((rand.value(period, 1.0, 7) - rand.value(period + 1, 0.0, 7)).abs() < 1e-9);
            assert!((200.0..400.0).contains(&rand.value(period, 0.3, 7)));
        }
        let other = Shape { seed: 4, ..rand.clone() };
        assert_eq!(rand.value(9, 0.5, 1), other.value(9, 0.5, 0));
        assert_ne!(rand.value(9, 0.5, 0), other.value(9, 0.5, 0));
    }

    #[test]
    fn noise_is_spread_evenly_and_forgets_its_neighbour() {
        let values: Vec<f64> = (0..4000).map(|p| noise(0, p)).collect();
        let mean = values.iter().sum::<f64>() / 4000.0;
        let correlation = values.windows(2).map(|w| (w[0] - 0.5) * (w[1] - 0.5)).sum::<f64>() / 4000.0 * 12.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        assert!(correlation.abs() < 0.06, "{correlation}");
    }
}
