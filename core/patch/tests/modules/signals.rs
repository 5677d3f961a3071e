//! What signals pass through.

use krach_patch::harness::Harness;

const RATE: f64 = 48_000.0;

/// Gain of an output at a frequency, measured with a sine after it has settled.
fn gain(filter: &mut Harness, output: &str, hz: f64) -> f64 {
    let samples = 48_000;
    let wave: Vec<f32> =
        (0..2 * samples).map(|at| (at as f64 * hz / RATE * std::f64::consts::TAU).sin() as f32).collect();
    filter.feed("in", &wave);
    filter.run(samples);
    let (mut re, mut im) = (0.0, 0.0);
    for (at, &value) in filter.run(samples).output(output).iter().enumerate() {
        let angle = (at + samples) as f64 * hz / RATE * std::f64::consts::TAU;
        re += f64::from(value) * angle.cos();
        im += f64::from(value) * angle.sin();
    }
    2.0 * re.hypot(im) / samples as f64
}

/// The four transfer functions at a frequency, by the bilinear transform: s = j tan(π f/r) / tan(π fc/r).
fn expected(output: &str, hz: f64, cutoff: f64, resonance: f64) -> f64 {
    let warp = |hz: f64| (std::f64::consts::PI * hz / RATE).tan();
    let w = warp(hz) / warp(cutoff);
    let k = 2.0 - 2.0 * resonance;
    let denominator = (1.0 - w * w).hypot(k * w);
    match output {
        "low" => 1.0 / denominator,
        "high" => w * w / denominator,
        "band" => w / denominator,
        _ => (1.0 - w * w).abs() / denominator,
    }
}

#[test]
fn the_filter_has_the_responses_of_theory() {
    for (cutoff, resonance) in [(1_000.0, 0.0), (1_000.0, 0.8), (9_000.0, 0.5), (60.0, 0.3)] {
        for output in ["low", "high", "band", "notch"] {
            for hz in [50.0, 400.0, 1_000.0, 3_000.0, 12_000.0] {
                let mut filter = Harness::new("Filter").with("cutoff", cutoff).with("resonance", resonance);
                let found = gain(&mut filter, output, hz);
                let theory = expected(output, hz, cutoff.into(), resonance.into());
                assert!(
                    (found - theory).abs() < 2e-3 * theory.max(0.1),
                    "{output} of {cutoff} Hz, {resonance}, at {hz} Hz: {found}, not {theory}"
                );
            }
        }
    }
}

#[test]
fn the_filters_cutoff_moves_by_octaves() {
    let mut moved = Harness::new("Filter").with("cutoff", 500.0);
    moved.hold("cutoff", 2.0);
    let mut there = Harness::new("Filter").with("cutoff", 2_000.0);
    let wave: Vec<f32> = (0..500).map(|at| ((at * 37) % 100) as f32 / 50.0 - 1.0).collect();
    let a = moved.feed("in", &wave).run(500).output("low").to_vec();
    for (a, b) in a.iter().zip(there.feed("in", &wave).run(500).output("low")) {
        assert!((a - b).abs() < 1e-4);
    }
}

#[test]
fn a_filter_that_sings_and_is_saturated_stays_within_bounds_and_sings_its_cutoff() {
    let mut filter =
        Harness::new("Filter").with("resonance", 1.0).with("saturate", true).with("cutoff", 480.0);
    // One second of its own note, which makes it louder and louder where nothing limits it.
    let note: Vec<f32> =
        (0..48_000).map(|at| (at as f64 * 0.01 * std::f64::consts::TAU).sin() as f32).collect();
    filter.feed("in", &note);
    let out = filter.run(96_000).output("band").to_vec();
    assert!(out.iter().all(|sample| sample.abs() < 2.0));
    let late = &out[48_000..];
    let crossings = late.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
    assert!(late.iter().any(|sample| sample.abs() > 1e-3));
    assert!((475..=485).contains(&crossings), "{crossings}");
}

#[test]
fn a_delay_is_exact_and_feeds_back() {
    let mut delay = Harness::new("Delay").with("time_ms", 10.0).with("feedback", 0.5);
    delay.feed("in", &[1.0]);
    let out = delay.run(2_000).output("out").to_vec();
    let sounds: Vec<(usize, f32)> =
        out.iter().copied().enumerate().filter(|(_, sample)| *sample != 0.0).collect();
    assert_eq!(sounds, [(480, 1.0), (960, 0.5), (1_440, 0.25), (1_920, 0.125)]);
    let mut trimmed = Harness::new("Delay").with("time_ms", 10.0).with("trim", 7.0);
    trimmed.hold("time", 1.0).feed("in", &[1.0]);
    assert_eq!(trimmed.run(2_000).output("out").iter().position(|sample| *sample != 0.0), Some(953));
}

#[test]
fn a_delay_between_two_samples_interpolates_and_a_new_time_is_approached_without_a_jump() {
    let mut delay = Harness::new("Delay").with("time_ms", 1.0 + 1.0 / 192.0);
    delay.feed("in", &[1.0]);
    let out = delay.run(100).output("out").to_vec();
    assert!((out[48] - 0.75).abs() < 1e-3 && (out[49] - 0.25).abs() < 1e-3, "{:?}", &out[46..52]);
    let mut delay = Harness::new("Delay").with("time_ms", 20.0);
    let wave: Vec<f32> = (0..60_000).map(|at| (at as f32 * 0.02).sin()).collect();
    delay.feed("in", &wave);
    delay.run(5_000);
    let bent = delay.set("time_ms", 40.0).run(20_000).output("out").to_vec();
    assert!(bent.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.04));
    // It has arrived: 1920 samples late.
    let there = delay.run(100).output("out").to_vec();
    assert_eq!(there[..], wave[25_000 - 1_920..25_100 - 1_920]);
}

#[test]
fn sums_and_products_are_what_they_say() {
    let mut sum = Harness::build("Sum", Some(3), None, &[], RATE).unwrap();
    sum.feed("in", &[1.0, 2.0]).feed("in/1", &[0.5, 0.25]).feed("in/2", &[-1.0, 0.0]);
    assert_eq!(sum.run(2).output("out"), [0.5, 2.25]);
    let mut vca = Harness::new("Vca");
    vca.feed("in", &[1.0, -2.0]).feed("cv", &[0.5, 0.25]);
    assert_eq!(vca.run(2).output("out"), [0.5, -0.5]);
}

#[test]
fn a_mixer_keeps_the_power_and_moves_in_10_ms() {
    let mut mixer = Harness::build("Mixer", Some(2), None, &[("level/1", 0.5.into())], RATE).unwrap();
    mixer.hold("in/0", 1.0);
    let half = std::f32::consts::FRAC_1_SQRT_2;
    mixer.run(2);
    assert!((mixer.output("left")[1] - half).abs() < 1e-6 && (mixer.output("right")[1] - half).abs() < 1e-6);
    mixer.set("pan/0", -1.0).run(480);
    let left = mixer.output("left").to_vec();
    for (at, value) in left.iter().enumerate() {
        assert!((value - (half + (1.0 - half) * (at + 1) as f32 / 480.0)).abs() < 1e-5, "{at}");
    }
    assert!(mixer.output("right")[479].abs() < 1e-6);
    mixer.set("master", 0.5).hold("in/1", 1.0).run(481);
    assert!((mixer.output("left")[480] - (0.5 + 0.25 * half)).abs() < 1e-6);
}

#[test]
fn white_noise_is_even_and_pink_noise_falls_by_3_db_an_octave() {
    let mut noise = Harness::new("Noise").with("seed", 7);
    noise.run(200_000);
    let white = noise.output("white");
    let mean = white.iter().sum::<f32>() / 200_000.0;
    let power = white.iter().map(|sample| sample * sample).sum::<f32>() / 200_000.0;
    assert!(mean.abs() < 5e-3, "{mean}");
    // Even between -1 and 1: a third.
    assert!((power - 1.0 / 3.0).abs() < 5e-3, "{power}");
    // Power in octaves, by filters of one octave each.
    let octave = |samples: &[f32], hz: f32| {
        let mut filter = Harness::new("Filter").with("cutoff", hz).with("resonance", 0.65);
        filter.feed("in", samples).run(200_000);
        filter.output("band").iter().map(|sample| f64::from(sample * sample)).sum::<f64>()
    };
    let pink = noise.output("pink").to_vec();
    for (low, high) in [(200.0, 800.0), (800.0, 3_200.0)] {
        let ratio = octave(&pink, high) / octave(&pink, low);
        assert!((0.7..1.4).contains(&ratio), "pink, {low} to {high} Hz: {ratio}");
        let ratio = octave(white, high) / octave(white, low);
        assert!((3.0..5.5).contains(&ratio), "white, {low} to {high} Hz: {ratio}");
    }
    assert_ne!(
        Harness::new("Noise").run(10).output("white"),
        Harness::new("Noise").with("seed", 2).run(10).output("white")
    );
}
