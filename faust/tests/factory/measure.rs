//! What can be told of a sound by measuring.

use std::f64::consts::{PI, TAU};

pub fn decibels(level: f64) -> f64 {
    20.0 * level.max(1e-12).log10()
}

pub fn peak(sound: &[Vec<f32>]) -> f64 {
    sound.iter().flatten().fold(0.0, |most, sample| f64::from(sample.abs()).max(most))
}

pub fn mean(channel: &[f32]) -> f64 {
    channel.iter().map(|&sample| f64::from(sample)).sum::<f64>() / channel.len() as f64
}

/// Distance between neighbouring samples, the largest of a stretch; `from` counts from its sample before.
pub fn largest_step(channel: &[f32], from: usize, to: usize) -> f64 {
    (from.max(1)..to.min(channel.len()))
        .map(|at| f64::from((channel[at] - channel[at - 1]).abs()))
        .fold(0.0, f64::max)
}

/// Phase in turns of the partial at `freq` in a window that starts at `start`.
fn phase(channel: &[f32], rate: f64, freq: f64, start: usize, length: usize) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (at, sample) in channel[start..start + length].iter().enumerate() {
        let window = 0.5 - 0.5 * (TAU * at as f64 / length as f64).cos();
        let turn = TAU * freq * (start + at) as f64 / rate;
        re += window * f64::from(*sample) * turn.cos();
        im -= window * f64::from(*sample) * turn.sin();
    }
    im.atan2(re) / TAU
}

/// By how many cents the partial next to `freq` is off, measured from `from` seconds on over 0.35 s: by how its phase
/// drifts, first over a short while, which tells it within 50 Hz, then over a long one.
pub fn cents_off(channel: &[f32], rate: f64, freq: f64, from: f64) -> f64 {
    let length = (0.25 * rate) as usize;
    let start = (from * rate) as usize;
    let drift = |hop: f64, expected: f64| {
        let frames = (hop * rate) as usize;
        let moved =
            phase(channel, rate, freq, start + frames, length) - phase(channel, rate, freq, start, length);
        let seconds = frames as f64 / rate;
        let turns = expected * seconds;
        (moved - turns - (moved - turns).round() + turns) / seconds
    };
    let coarse = drift(0.01, 0.0);
    let fine = drift(0.1, coarse);
    1200.0 * ((freq + fine) / freq).log2()
}

/// Energy in octaves around 62.5 Hz to 8 kHz, in dB.
pub fn octaves(channel: &[f32], rate: f64) -> Vec<f64> {
    let size = channel.len().next_power_of_two();
    let mut re: Vec<f64> = channel.iter().map(|&sample| f64::from(sample)).collect();
    re.resize(size, 0.0);
    let mut im = vec![0.0; size];
    fourier(&mut re, &mut im);
    let bin = rate / size as f64;
    (0..8)
        .map(|octave| {
            let middle = 62.5 * f64::from(1 << octave);
            let from = (middle / 2f64.sqrt() / bin) as usize;
            let to = (middle * 2f64.sqrt() / bin) as usize;
            let energy: f64 = (from..to).map(|at| re[at] * re[at] + im[at] * im[at]).sum();
            10.0 * (energy / rate / rate).max(1e-20).log10()
        })
        .collect()
}

/// The loudest of what is more than 30 Hz from every harmonic of `freq`, between 40 Hz and 10 kHz, in dB below the loudest of all.
/// The sound should be steady.
pub fn between_harmonics(channel: &[f32], rate: f64, freq: f64) -> f64 {
    let size = channel.len();
    assert!(size.is_power_of_two());
    // Blackman-Harris: what leaks from a harmonic is 92 dB down.
    let window = |at: usize| {
        let turn = TAU * at as f64 / size as f64;
        0.35875 - 0.48829 * turn.cos() + 0.14128 * (2.0 * turn).cos() - 0.01168 * (3.0 * turn).cos()
    };
    let mut re: Vec<f64> = channel.iter().enumerate().map(|(at, &x)| f64::from(x) * window(at)).collect();
    let mut im = vec![0.0; size];
    fourier(&mut re, &mut im);
    let level = |at: usize| re[at].hypot(im[at]);
    let hertz = |at: usize| at as f64 * rate / size as f64;
    let stray = |at: &usize| {
        (40.0..10_000.0).contains(&hertz(*at)) && {
            let off = hertz(*at) % freq;
            off.min(freq - off) > 30.0
        }
    };
    let loudest = (0..size / 2).map(level).fold(0.0, f64::max);
    let other = (0..size / 2).filter(stray).map(level).fold(0.0, f64::max);
    decibels(other / loudest)
}

/// Radix-2 transform in place.
fn fourier(re: &mut [f64], im: &mut [f64]) {
    let size = re.len();
    let shift = usize::BITS - size.trailing_zeros();
    for at in 0..size {
        let other = if shift == usize::BITS { 0 } else { at.reverse_bits() >> shift };
        if other > at {
            re.swap(at, other);
            im.swap(at, other);
        }
    }
    let mut half = 1;
    while half < size {
        for k in 0..half {
            let (sin, cos) = (-PI * k as f64 / half as f64).sin_cos();
            for a in (k..size).step_by(2 * half) {
                let b = a + half;
                let (x, y) = (re[b] * cos - im[b] * sin, re[b] * sin + im[b] * cos);
                (re[b], im[b]) = (re[a] - x, im[a] - y);
                re[a] += x;
                im[a] += y;
            }
        }
        half *= 2;
    }
}

#[test]
fn a_sine_that_is_two_cents_sharp_is_heard_so() {
    for (rate, freq) in [(44_100.0, 55.0), (48_000.0, 440.0), (96_000.0, 3520.0)] {
        let off = 2f64.powf(2.0 / 1200.0) * freq;
        let sine: Vec<f32> =
            (0..rate as usize).map(|at| (TAU * off * at as f64 / rate).sin() as f32).collect();
        assert!((cents_off(&sine, rate, freq, 0.1) - 2.0).abs() < 0.05);
    }
}

#[test]
fn energy_is_in_the_octave_that_has_it() {
    let sine: Vec<f32> =
        (0..48_000).map(|at| (TAU * 1000.0 * f64::from(at) / 48_000.0).sin() as f32).collect();
    let octaves = octaves(&sine, 48_000.0);
    let loudest = octaves.iter().cloned().fold(f64::MIN, f64::max);
    assert!(octaves[4] == loudest && octaves.iter().filter(|&&octave| octave > loudest - 30.0).count() == 1);
}
