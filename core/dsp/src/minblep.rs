//! The band-limited step: what an edge between two samples sounds like below half the sample rate.
//!
//! A Kaiser-windowed sinc, made minimum-phase through its cepstrum and integrated (Brandt, *Hard Sync
//! Without Aliasing*, ICMC 2001). Minimum phase, because then an edge begins to sound on the first
//! sample after it. Only `libm` and basic arithmetic are used: the table is the same on every machine.

use std::f64::consts::{PI, TAU};
use std::sync::OnceLock;

/// Frames from an edge until its step has settled.
pub const SPAN: usize = 32;
/// Positions of an edge between two frames that the table knows; linear in between (error -85 dB of
/// the step's height, spread over the spectrum).
const PHASES: usize = 64;
/// Half-amplitude point in cycles per frame. Flat up to 0.40, below -85 dB from 0.58 on: what folds
/// back at 44.1 kHz lands above 18.4 kHz.
const CUTOFF: f64 = 0.49;
/// Kaiser's β: 90 dB.
const KAISER_BETA: f64 = 8.96;
/// Length of the Fourier transforms; 16 times the impulse, so that the cepstrum does not fold much.
const TRANSFORM: usize = 16 * SPAN * PHASES;
/// Floor under the magnitude, -130 dB, where the logarithm would meet the zeros of the stop band.
const FLOOR: f64 = 3e-7;

/// The table.
pub struct MinBlep {
    /// Row `p`, entry `k`: the step minus its final value, `k + p/PHASES` frames after the edge.
    rows: Vec<[f32; SPAN]>,
    /// By how many frames the step comes late, as heard at low frequencies: its first moment.
    delay: f64,
}

impl MinBlep {
    /// The one table. Built by the first caller (some ms): call it on the control side.
    pub fn shared() -> &'static Self {
        static TABLE: OnceLock<MinBlep> = OnceLock::new();
        TABLE.get_or_init(Self::build)
    }

    /// By how many frames a step comes late, as heard at low frequencies.
    pub fn delay(&self) -> f64 {
        self.delay
    }

    /// Adds `height` × (band-limited step - ideal step) to the frames `out`, for an edge that lies
    /// `since` frames, 0…1, before the first of them.
    #[inline]
    pub fn add(&self, out: &mut [f32; SPAN], since: f64, height: f32) {
        let position = since * PHASES as f64;
        let row = (position as usize).min(PHASES - 1);
        let along = (position - row as f64) as f32;
        let (near, far) = (height * (1.0 - along), height * along);
        let (a, b) = (&self.rows[row], &self.rows[row + 1]);
        for k in 0..SPAN {
            out[k] += near * a[k] + far * b[k];
        }
    }

    fn build() -> Self {
        let step = integrate(&minimum_phase(&windowed_sinc()));
        let rows: Vec<[f32; SPAN]> =
            (0..=PHASES).map(|p| std::array::from_fn(|k| (step[k * PHASES + p] - 1.0) as f32)).collect();
        // What the oscillator adds up for an edge anywhere between two frames, on average: the rows are
        // read linearly, so the trapezoid rule is exact.
        let sums: Vec<f64> = rows.iter().map(|row| -row.iter().map(|&v| f64::from(v)).sum::<f64>()).collect();
        let inner: f64 = sums[1..PHASES].iter().sum();
        let delay = (inner + (sums[0] + sums[PHASES]) / 2.0) / PHASES as f64;
        Self { rows, delay }
    }
}

/// A low-pass impulse of `SPAN` frames, `PHASES` values per frame.
fn windowed_sinc() -> Vec<f64> {
    let middle = (SPAN * PHASES / 2) as f64;
    (0..=SPAN * PHASES)
        .map(|i| {
            let offset = i as f64 - middle;
            let x = TAU * CUTOFF * offset / PHASES as f64;
            let sinc = if offset == 0.0 { 1.0 } else { libm::sin(x) / x };
            let edge = offset / middle;
            sinc * bessel_i0(KAISER_BETA * libm::sqrt(1.0 - edge * edge)) / bessel_i0(KAISER_BETA)
        })
        .collect()
}

/// Modified Bessel function of order 0, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..60 {
        term *= (x / 2.0 / f64::from(k)) * (x / 2.0 / f64::from(k));
        sum += term;
    }
    sum
}

/// The impulse with the same spectrum whose energy comes as early as possible (Oppenheim & Schafer,
/// *Discrete-Time Signal Processing*, homomorphic filtering), same length.
fn minimum_phase(impulse: &[f64]) -> Vec<f64> {
    let mut signal = vec![[0.0; 2]; TRANSFORM];
    for (to, &from) in signal.iter_mut().zip(impulse) {
        to[0] = from;
    }
    transform(&mut signal);
    let peak = libm::hypot(signal[0][0], signal[0][1]);
    for bin in &mut signal {
        *bin = [libm::log((libm::hypot(bin[0], bin[1]) / peak).max(FLOOR)), 0.0];
    }
    // The spectrum is even, so the forward transform does for the inverse, but for the scale.
    transform(&mut signal);
    for (i, bin) in signal.iter_mut().enumerate() {
        let fold = match i {
            0 => 1.0,
            _ if i < TRANSFORM / 2 => 2.0,
            _ if i == TRANSFORM / 2 => 1.0,
            _ => 0.0,
        };
        *bin = [bin[0] * fold / TRANSFORM as f64, 0.0];
    }
    transform(&mut signal);
    for bin in &mut signal {
        let magnitude = libm::exp(bin[0]);
        // Conjugated: the forward transform of the conjugate is the conjugate of the inverse.
        *bin = [magnitude * libm::cos(bin[1]), -magnitude * libm::sin(bin[1])];
    }
    transform(&mut signal);
    signal[..impulse.len()].iter().map(|bin| bin[0]).collect()
}

/// The running integral (trapezoid rule), 0 at the edge and 1 at the end.
fn integrate(impulse: &[f64]) -> Vec<f64> {
    let mut sum = 0.0;
    let mut step = vec![0.0];
    for pair in impulse.windows(2) {
        sum += (pair[0] + pair[1]) / 2.0;
        step.push(sum);
    }
    step.iter().map(|value| value / sum).collect()
}

/// Fourier transform in place, radix 2; the length is a power of two.
fn transform(signal: &mut [[f64; 2]]) {
    let length = signal.len();
    let bits = length.trailing_zeros();
    for i in 0..length {
        let j = i.reverse_bits() >> (usize::BITS - bits);
        if i < j {
            signal.swap(i, j);
        }
    }
    let twiddles: Vec<[f64; 2]> = (0..length / 2)
        .map(|i| {
            let angle = -2.0 * PI * i as f64 / length as f64;
            [libm::cos(angle), libm::sin(angle)]
        })
        .collect();
    let mut half = 1;
    while half < length {
        let stride = length / (2 * half);
        for block in signal.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for (i, (a, b)) in low.iter_mut().zip(high).enumerate() {
                let w = twiddles[i * stride];
                let turned = [b[0] * w[0] - b[1] * w[1], b[0] * w[1] + b[1] * w[0]];
                *b = [a[0] - turned[0], a[1] - turned[1]];
                *a = [a[0] + turned[0], a[1] + turned[1]];
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gain of the table at `frequency` cycles per frame: the transform of its slope.
    fn response(frequency: f64) -> f64 {
        let table = MinBlep::shared();
        let step: Vec<f64> =
            (0..SPAN * PHASES).map(|i| f64::from(table.rows[i % PHASES][i / PHASES])).collect();
        let (mut re, mut im) = (0.0, 0.0);
        for (i, pair) in step.windows(2).enumerate() {
            let angle = TAU * frequency * (i as f64 + 0.5) / PHASES as f64;
            re += (pair[1] - pair[0]) * angle.cos();
            im -= (pair[1] - pair[0]) * angle.sin();
        }
        re.hypot(im)
    }

    #[test]
    fn the_step_passes_the_audible_and_stops_what_would_fold_into_it() {
        for i in 0..=40 {
            let gain = response(f64::from(i) / 100.0);
            assert!((gain - 1.0).abs() < 0.002, "gain {gain} at {i} % of the sample rate");
        }
        for i in 58..400 {
            let gain = response(f64::from(i) / 100.0);
            assert!(
                gain < 10_f64.powf(-80.0 / 20.0),
                "{} dB at {i} % of the sample rate",
                20.0 * gain.log10()
            );
        }
    }

    #[test]
    fn the_step_starts_at_nothing_and_settles() {
        let table = MinBlep::shared();
        assert_eq!(table.rows[0][0], -1.0);
        assert_eq!(table.rows[PHASES][SPAN - 1], 0.0);
        assert!(table.delay() > 0.5 && table.delay() < 4.0, "delay {} frames", table.delay());
    }
}
