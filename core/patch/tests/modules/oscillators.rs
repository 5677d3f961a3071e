//! Oscillators by Fourier transform: aliases, partials, pitch.

use krach_patch::harness::Harness;
use krach_patch::{C2_HZ, Value};
use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

const LENGTH: usize = 1 << 15;
/// Half-width of a partial's peak in bins, for the window below.
const PEAK: f64 = 9.0;

/// A Kaiser window with sidelobes below -150 dB.
fn window() -> Vec<f64> {
    let bessel = |x: f64| {
        let step = |(term, sum): (f64, f64), k: i32| {
            let term = term * (x / 2.0 / f64::from(k)).powi(2);
            (term, sum + term)
        };
        (1..80).fold((1.0, 1.0), step).1
    };
    let at = |i: usize| 2.0 * i as f64 / (LENGTH - 1) as f64 - 1.0;
    (0..LENGTH).map(|i| bessel(20.0 * (1.0 - at(i).powi(2)).max(0.0).sqrt()) / bessel(20.0)).collect()
}

fn spectrum(samples: &[f32]) -> Vec<f64> {
    let window = window();
    let mut bins: Vec<Complex<f64>> =
        samples.iter().zip(&window).map(|(&x, w)| Complex::new(f64::from(x) * w, 0.0)).collect();
    FftPlanner::new().plan_fft_forward(LENGTH).process(&mut bins);
    let scale = 2.0 / window.iter().sum::<f64>();
    bins[..LENGTH / 2].iter().map(|bin| bin.norm() * scale).collect()
}

/// The strongest thing up to 16 kHz that is no partial of `hz`, in dB under the strongest partial.
fn alias(samples: &[f32], hz: f64, rate: f64) -> f64 {
    let bin_hz = rate / LENGTH as f64;
    let (mut alias, mut partial) = (0.0_f64, 0.0_f64);
    for (bin, &amplitude) in spectrum(samples).iter().enumerate().take((16_000.0 / bin_hz) as usize) {
        let at = bin as f64 * bin_hz;
        if (at - (at / hz).round() * hz).abs() > PEAK * bin_hz {
            alias = alias.max(amplitude);
        } else if at > hz / 2.0 {
            partial = partial.max(amplitude);
        }
    }
    assert!(partial > 0.01, "the tone is there");
    20.0 * (alias / partial).log10()
}

/// An oscillator at a frequency, from its 1000th sample on.
fn tone(module: &str, hz: f64, rate: f64, width: f32) -> (Vec<f32>, f64) {
    let volts = (hz / C2_HZ).log2() as f32;
    let mut harness = Harness::build(module, None, None, &[], rate).unwrap();
    harness.hold("voct", volts);
    if module == "SquareOscillator" {
        harness.hold("pulse_width", width);
    }
    harness.run(1_000);
    (harness.run(LENGTH).output("out").to_vec(), C2_HZ * f64::from(volts).exp2())
}

fn worst(module: &str, width: f32) -> f64 {
    let mut worst = f64::NEG_INFINITY;
    for rate in [44_100.0, 48_000.0, 96_000.0] {
        let notes = (0..).map(|i| 61.3 * 1.31_f64.powi(i)).take_while(|&hz| hz < 4_000.0);
        for hz in notes.chain([3_951.07, 3_999.9]) {
            let (samples, exact) = tone(module, hz, rate, width);
            worst = worst.max(alias(&samples, exact, rate));
        }
    }
    println!("{module}, width {width}: worst alias {worst:.1} dB");
    worst
}

#[test]
fn a_saw_up_to_4_khz_has_aliases_below_60_db() {
    assert!(worst("SawtoothOscillator", 0.0) < -60.0);
}

#[test]
fn pulses_up_to_4_khz_have_aliases_below_60_db() {
    for width in [0.0, 0.4, -0.9] {
        assert!(worst("SquareOscillator", width) < -60.0);
    }
}

#[test]
fn the_measurement_finds_the_aliases_of_a_saw_that_is_not_band_limited() {
    let naive: Vec<f32> =
        (0..LENGTH).map(|i| (2.0 * (i as f64 * 3_951.07 / 44_100.0).fract() - 1.0) as f32).collect();
    assert!(alias(&naive, 3_951.07, 44_100.0) > -25.0);
}

#[test]
fn partials_of_saw_and_square_are_those_of_theory() {
    for (module, strength) in [
        ("SawtoothOscillator", (|k| 2.0 / (std::f64::consts::PI * k)) as fn(f64) -> f64),
        ("SquareOscillator", |k| if k % 2.0 == 1.0 { 4.0 / (std::f64::consts::PI * k) } else { 0.0 }),
    ] {
        let (samples, hz) = tone(module, 997.3, 48_000.0, 0.0);
        let spectrum = spectrum(&samples);
        for k in 1..=12 {
            let bin = (f64::from(k) * hz * LENGTH as f64 / 48_000.0) as usize;
            let found = spectrum[bin - 4..bin + 5].iter().copied().fold(0.0, f64::max);
            let expected = strength(k.into());
            // The peak may lie half a bin beside the partial: up to 0.6 dB with this window.
            assert!(
                (found - expected).abs() < 0.08 * expected + 1e-4,
                "{module}, partial {k}: {found}, not {expected}"
            );
        }
    }
}

#[test]
fn a_saw_has_no_offset_and_a_pulse_has_that_of_its_width() {
    let mean = |samples: &[f32]| samples.iter().map(|&x| f64::from(x)).sum::<f64>() / samples.len() as f64;
    let (saw, _) = tone("SawtoothOscillator", 3_000.0, 48_000.0, 0.0);
    assert!(mean(&saw).abs() < 2e-3, "{}", mean(&saw));
    let (pulse, _) = tone("SquareOscillator", 3_000.0, 48_000.0, 0.5);
    // Duty 0.75: 2 × 0.75 - 1.
    assert!((mean(&pulse) - 0.5).abs() < 2e-3, "{}", mean(&pulse));
}

#[test]
fn a_sine_is_a_sine_of_its_frequency() {
    let mut osc = Harness::new("SineOscillator").with("frequency", 440.0);
    for (at, &sample) in osc.run(48_000).output("out").iter().enumerate() {
        let turns = (at as f64 * 440.0 / 48_000.0).fract();
        assert!((f64::from(sample) - (turns * std::f64::consts::TAU).sin()).abs() < 1e-6, "{at}");
    }
}

#[test]
fn voct_and_fm_are_octaves_above_the_frequency_and_phase_mod_is_in_cycles() {
    let at = |params: f32, voct: f32, fm: f32| {
        let mut osc = Harness::new("SineOscillator").with("frequency", params);
        osc.hold("voct", voct).hold("fm", fm);
        osc.run(3_000).output("out").to_vec()
    };
    assert_eq!(at(110.0, 2.0, -1.0), at(220.0, 0.0, 0.0));
    let mut shifted = Harness::new("SineOscillator");
    let mut plain = Harness::new("SineOscillator");
    shifted.hold("phase_mod", 0.25);
    for (a, b) in shifted.run(3_000).output("out").iter().zip(plain.run(3_000).output("out").to_vec()) {
        // A quarter turn on: sin² + cos² = 1.
        assert!((a * a + b * b - 1.0).abs() < 1e-5);
    }
    // Whole cycles change nothing.
    shifted.hold("phase_mod", -3.0);
    assert_eq!(shifted.run(100).output("out"), plain.run(100).output("out"));
}

#[test]
fn a_pulse_whose_width_moves_has_no_aliases_of_the_moving() {
    // A triangle of 3 Hz at the width: sidebands 3 Hz apart around each partial, nothing between the partials.
    let mut osc = Harness::new("SquareOscillator");
    let width: Vec<f32> = (0..LENGTH + 1_000)
        .map(|at| 1.6 * ((at as f32 * 3.0 / 48_000.0).fract() - 0.5).abs() - 0.4)
        .collect();
    osc.hold("voct", 5.0).feed("pulse_width", &width);
    osc.run(1_000);
    let spectrum = spectrum(osc.run(LENGTH).output("out"));
    let hz = C2_HZ * 32.0;
    let between: f64 = spectrum
        .iter()
        .enumerate()
        .take(16_000 * LENGTH / 48_000)
        .filter(|(bin, _)| {
            let at = *bin as f64 * 48_000.0 / LENGTH as f64;
            (at - (at / hz).round() * hz).abs() > 500.0
        })
        .map(|(_, amplitude)| *amplitude)
        .fold(0.0, f64::max);
    assert!(20.0 * between.log10() < -60.0, "{:.1} dB", 20.0 * between.log10());
}

#[test]
fn the_base_is_added_to_the_pitch() {
    let mut a = Harness::new("SawtoothOscillator").with("base_voct", Value::Float(3.0));
    let mut b = Harness::new("SawtoothOscillator");
    b.hold("voct", 3.0);
    assert_eq!(a.run(2_000).output("out"), b.run(2_000).output("out"));
}
