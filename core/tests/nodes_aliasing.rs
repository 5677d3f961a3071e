//! What folds back below the audible limit is inaudible: for saw and pulse, notes up to 4 kHz.

mod nodes_support;

use nodes_support::Bench;
use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

const LENGTH: usize = 1 << 16;
/// Half-width of a partial's peak in bins, for the window below.
const PEAK: f64 = 8.0;
/// Aliases count up to here.
const AUDIBLE: f64 = 16_000.0;
const LIMIT_DB: f64 = -60.0;
const RATES: [f64; 3] = [44_100.0, 48_000.0, 96_000.0];

/// Kaiser window, sidelobes below -150 dB.
fn window() -> Vec<f64> {
    let bessel = |x: f64| {
        (1..80)
            .fold((1.0, 1.0), |(t, s), k| {
                let t: f64 = t * (x / 2.0 / f64::from(k)).powi(2);
                (t, s + t)
            })
            .1
    };
    let beta = 20.0;
    (0..LENGTH)
        .map(|i| {
            let x = 2.0 * i as f64 / (LENGTH - 1) as f64 - 1.0;
            bessel(beta * (1.0 - x * x).max(0.0).sqrt()) / bessel(beta)
        })
        .collect()
}

/// Amplitudes of partials by frequency bin, 1 for a sine of amplitude 1.
fn spectrum(samples: &[f32], window: &[f64], planner: &mut FftPlanner<f64>) -> Vec<f64> {
    let mut bins: Vec<Complex<f64>> =
        samples.iter().zip(window).map(|(&x, w)| Complex::new(f64::from(x) * w, 0.0)).collect();
    planner.plan_fft_forward(LENGTH).process(&mut bins);
    let scale = 2.0 / window.iter().sum::<f64>();
    bins[..LENGTH / 2].iter().map(|bin| bin.norm() * scale).collect()
}

/// The strongest thing up to 16 kHz that is not a partial of `freq`, and the strongest partial.
fn alias_and_partial(spectrum: &[f64], freq: f64, rate: f64) -> (f64, f64) {
    let bin_hz = rate / LENGTH as f64;
    let mut alias: f64 = 0.0;
    let mut partial: f64 = 0.0;
    for (bin, &amplitude) in spectrum.iter().enumerate().take((AUDIBLE / bin_hz) as usize) {
        let hz = bin as f64 * bin_hz;
        let off = (hz - (hz / freq).round() * freq).abs() / bin_hz;
        if off > PEAK {
            alias = alias.max(amplitude);
        } else if hz > freq / 2.0 {
            partial = partial.max(amplitude);
        }
    }
    (alias, partial)
}

/// Notes from 55 Hz to 4 kHz, a little more than a whole tone apart, off any simple ratio to the rate.
fn notes() -> impl Iterator<Item = f32> {
    (0..).map(|i| 55.0 * 1.1237_f32.powi(i)).take_while(|&f| f < 4_000.0).chain([3_951.07, 3_999.3, 4_000.0])
}

/// The worst alias over all notes in dB below the strongest partial, with its note.
fn worst(rate: f64, prepare: impl Fn(&mut Bench)) -> (f64, f32) {
    let window = window();
    let mut planner = FftPlanner::new();
    notes()
        .map(|freq| {
            let mut bench = Bench::new("oscillator", rate);
            prepare(&mut bench);
            bench.set("freq", freq, 0);
            bench.node.reset();
            let samples = bench.mono(LENGTH);
            let (alias, partial) =
                alias_and_partial(&spectrum(&samples, &window, &mut planner), f64::from(freq), rate);
            assert!(partial > 0.01, "the tone itself is there");
            (20.0 * (alias / partial).log10(), freq)
        })
        .fold((f64::NEG_INFINITY, 0.0), |a, b| if b.0 > a.0 { b } else { a })
}

#[test]
fn a_saw_up_to_4_khz_aliases_below_60_db() {
    for rate in RATES {
        let (db, freq) = worst(rate, |bench| bench.set("waveform", 1.0, 0));
        println!("saw at {rate} Hz: worst alias {db:.1} dB, note {freq} Hz");
        assert!(db < LIMIT_DB);
    }
}

#[test]
fn pulses_of_any_width_up_to_4_khz_alias_below_60_db() {
    for rate in RATES {
        for width in [0.5, 0.37, 0.25, 0.1, 0.03, 0.01, 0.99] {
            let (db, freq) = worst(rate, |bench| {
                bench.set("waveform", 2.0, 0);
                bench.set("pulse_width", width, 0);
            });
            println!("pulse {width} at {rate} Hz: worst alias {db:.1} dB, note {freq} Hz");
            assert!(db < LIMIT_DB);
        }
    }
}

#[test]
fn a_sine_is_pure_to_120_db() {
    let window = window();
    let mut planner = FftPlanner::new();
    for rate in RATES {
        let mut worst = 0.0;
        for freq in notes() {
            let spectrum = spectrum(&Bench::oscillator(rate, freq, 0.0).mono(LENGTH), &window, &mut planner);
            let tone = f64::from(freq) * LENGTH as f64 / rate;
            let others = spectrum.iter().enumerate().filter(|(bin, _)| (*bin as f64 - tone).abs() > PEAK);
            worst = others.map(|(_, &amplitude)| amplitude).fold(worst, f64::max);
        }
        println!("sine at {rate} Hz: worst other than it {:.1} dB", 20.0 * worst.log10());
        assert!(20.0 * worst.log10() < -120.0);
    }
}

#[test]
fn the_measurement_sees_the_aliases_of_a_naive_saw() {
    let (rate, freq) = (44_100.0, 3_951.07_f64);
    let naive: Vec<f32> =
        (0..LENGTH).map(|i| (2.0 * (i as f64 * freq / rate).fract() - 1.0) as f32).collect();
    let (alias, partial) =
        alias_and_partial(&spectrum(&naive, &window(), &mut FftPlanner::new()), freq, rate);
    assert!(20.0 * (alias / partial).log10() > -25.0);
}

#[test]
fn partials_of_a_saw_have_the_strength_of_theory() {
    let (rate, freq) = (48_000.0, 997.3);
    let mut bench = Bench::oscillator(rate, freq, 1.0);
    let spectrum = spectrum(&bench.mono(LENGTH), &window(), &mut FftPlanner::new());
    for k in 1..=16_usize {
        let bin = k as f64 * f64::from(freq) * LENGTH as f64 / rate;
        let found = spectrum[bin as usize - 4..bin as usize + 5].iter().copied().fold(0.0, f64::max);
        let theory = 2.0 / (std::f64::consts::PI * k as f64);
        let db = 20.0 * (found / theory).log10();
        // The peak may lie half a bin beside the partial: up to 0.6 dB with this window.
        assert!(db.abs() < 0.7, "partial {k}: {db:.2} dB from theory");
    }
}
