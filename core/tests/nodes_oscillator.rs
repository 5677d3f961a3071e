//! What the oscillator promises about pitch, level and change.

mod nodes_support;

use nodes_support::{Bench, bits};
use std::f64::consts::TAU;

const RATE: f64 = 48_000.0;

/// Turns, 0…1, of a tone of `freq` Hz after `frames` frames, in whole numbers: the frequency is a
/// dyadic fraction and the rate a whole number, so nothing rounds.
fn exact_turns(freq: f32, frames: u64, rate: u64) -> f64 {
    let scale = 1_i128 << 40;
    let scaled = (f64::from(freq) * scale as f64) as i128;
    assert_eq!(scaled as f64 / scale as f64, f64::from(freq));
    let period = i128::from(rate) * scale;
    (scaled * i128::from(frames)).rem_euclid(period) as f64 / period as f64
}

#[test]
fn after_an_hour_the_pitch_has_not_drifted() {
    let frames_per_hour = 3_600 * 48_000;
    let mut bench = Bench::oscillator(RATE, 440.1, 0.0);
    let mut out = vec![0.0; 4_096];
    let mut frame = 0_u64;
    while frame < frames_per_hour {
        bench.node.render(&krach_core::node::Transport::STANDING, 4_096, &[], &mut [&mut out]);
        frame += 4_096;
    }
    for (i, &x) in bench.mono(1_000).iter().enumerate() {
        let expected = (TAU * exact_turns(440.1, frame + i as u64, 48_000)).sin();
        assert!((f64::from(x) - expected).abs() < 1e-6, "frame {i} after an hour: {x}, not {expected}");
    }
}

#[test]
fn the_slowest_oscillator_keeps_its_period_of_100_seconds() {
    let mut bench = Bench::oscillator(1_000.0, 0.01, 0.0);
    let out = bench.mono(300_000);
    for frame in (0..300_000).step_by(997) {
        let expected = (TAU * exact_turns(0.01, frame as u64, 1_000)).sin();
        assert!((f64::from(out[frame]) - expected).abs() < 1e-6);
    }
}

#[test]
fn saw_and_square_have_no_dc() {
    for rate in [44_100.0, 48_000.0, 96_000.0] {
        for waveform in [1.0, 2.0] {
            // Whole periods, so that the mean is the DC.
            for (freq, periods) in
                [(rate as f32 / 1_000.0, 100), (rate as f32 / 12.5, 8_000), (rate as f32 / 100.0, 1_000)]
            {
                let frames = (f64::from(periods) * rate / f64::from(freq)).round() as usize;
                let out = Bench::oscillator(rate, freq, waveform).mono(frames);
                let mean = out.iter().map(|&x| f64::from(x)).sum::<f64>() / frames as f64;
                assert!(mean.abs() < 1e-5, "waveform {waveform}, {freq} Hz at {rate} Hz: DC {mean:e}");
            }
        }
    }
}

#[test]
fn a_glide_leaves_no_dc_behind_in_a_saw() {
    let mut bench = Bench::oscillator(RATE, 100.0, 1.0);
    bench.mono(1_000);
    bench.set("freq", 3_840.0, 777);
    bench.mono(1_000);
    let out = bench.mono(12_500);
    let mean = out.iter().map(|&x| f64::from(x)).sum::<f64>() / 12_500.0;
    assert!(mean.abs() < 1e-5, "DC {mean:e}");
}

#[test]
fn edges_overshoot_by_no_more_than_3_db() {
    for waveform in [1.0, 2.0] {
        for freq in [1.0, 30.0, 441.7, 3_999.0, 15_000.0] {
            let peak = Bench::oscillator(RATE, freq, waveform)
                .mono(96_000)
                .iter()
                .fold(0.0_f32, |p, x| p.max(x.abs()));
            assert!(peak > 0.5 && peak < 1.5, "waveform {waveform}, {freq} Hz: peak {peak}");
        }
    }
}

#[test]
fn an_edge_begins_to_sound_on_the_first_frame_after_it() {
    // The square falls at half its period of 1000 frames.
    let out = Bench::oscillator(RATE, 48.0, 2.0).mono(520);
    assert!((out[499] - 1.0).abs() < 1e-3 && out[501] < out[500], "{:?}", &out[498..504]);
    assert!(out[504..].iter().all(|&x| x < -0.5), "four frames on, the fall is over");
}

#[test]
fn a_pulse_is_high_for_its_width() {
    for width in [0.01_f32, 0.25, 0.5, 0.9] {
        let mut bench = Bench::oscillator(RATE, 480.0, 2.0);
        bench.set("pulse_width", width, 0);
        bench.node.reset();
        let mean = bench.mono(48_000).iter().map(|&x| f64::from(x)).sum::<f64>() / 48_000.0;
        assert!((mean - (2.0 * f64::from(width) - 1.0)).abs() < 1e-5, "width {width}: mean {mean}");
    }
}

#[test]
fn a_pulse_whose_width_moves_faster_than_its_phase_stays_in_bounds() {
    for (freq, ramp) in [(0.01, 0), (0.01, 1), (55.0, 1), (55.0, 100), (4_000.0, 1), (20_000.0, 3)] {
        let mut bench = Bench::oscillator(RATE, freq, 2.0);
        for i in 0..200 {
            bench.set("pulse_width", if i % 2 == 0 { 0.01 } else { 0.99 }, ramp);
            let out = bench.mono(37);
            assert!(out.iter().all(|x| x.abs() < 3.0), "{freq} Hz, ramp {ramp}: {out:?}");
        }
        // Whatever happened on the way, the level is not off for good.
        bench.set("pulse_width", 0.5, 0);
        bench.mono(1_000);
        assert!(bench.mono(10_000).iter().all(|x| x.abs() < 1.6), "{freq} Hz, ramp {ramp}");
    }
}

#[test]
fn an_edge_that_the_moving_width_makes_falls_between_the_frames() {
    // The phase stands almost still at ½ while the width sweeps over it from 0.99 to 0.01.
    let late = |ramp: u32| {
        let mut bench = Bench::oscillator(1_000.0, 0.01, 2.0);
        bench.set("pulse_width", 0.99, 0);
        bench.node.reset();
        bench.mono(50_000);
        bench.set("pulse_width", 0.01, ramp);
        let high: f64 = bench.mono(300).iter().map(|&x| (f64::from(x) + 1.0) / 2.0).sum();
        high - 0.49 / (0.98 / f64::from(ramp) + 1e-5)
    };
    let expected = late(100);
    for ramp in 61..140 {
        let found = late(ramp);
        assert!(
            (found - expected).abs() < 0.01,
            "ramp of {ramp} frames: {found} frames late, not {expected}"
        );
    }
}

#[test]
fn a_frequency_ramp_is_a_straight_line_that_arrives() {
    let mut bench = Bench::oscillator(RATE, 100.0, 0.0);
    bench.set("freq", 200.0, 48_000);
    let glide = bench.mono(48_000);
    // Frame n runs at 100 + 100·(n + 1)/48000 Hz: the sum is 100 + 50·48001/48000 turns by the end.
    let mut turns = 0.0;
    for (n, &x) in glide.iter().enumerate() {
        assert!((f64::from(x) - (TAU * turns).sin()).abs() < 1e-5, "frame {n}");
        turns += (100.0 + 100.0 * (n as f64 + 1.0) / 48_000.0) / RATE;
    }
    for (n, &x) in bench.mono(480).iter().enumerate() {
        let expected = (TAU * (turns + n as f64 * 200.0 / RATE)).sin();
        assert!((f64::from(x) - expected).abs() < 1e-5);
    }
}

#[test]
fn a_jump_in_frequency_keeps_the_phase() {
    let mut bench = Bench::oscillator(RATE, 200.0, 0.0);
    let before = bench.mono(1_001);
    bench.set("freq", 300.0, 0);
    let after = bench.mono(100);
    let steepest = (TAU * 300.0 / RATE) as f32 * 1.001;
    assert!((after[0] - before[1_000]).abs() < steepest);
    let start = 1_001.0 * 200.0 / RATE;
    for (n, &x) in after.iter().enumerate() {
        assert!((f64::from(x) - (TAU * (start + n as f64 * 300.0 / RATE)).sin()).abs() < 1e-5);
    }
}

#[test]
fn frequencies_beyond_half_the_rate_are_held_below_it() {
    for waveform in [0.0, 1.0, 2.0] {
        let out = Bench::oscillator(8_000.0, 20_000.0, waveform).mono(8_000);
        assert!(out.iter().all(|x| x.is_finite() && x.abs() < 2.0));
        assert!(out.iter().any(|x| x.abs() > 0.1));
    }
}

#[test]
fn a_change_of_waveform_is_a_crossfade_of_ten_milliseconds() {
    for (from, to) in [(0.0, 1.0), (1.0, 2.0), (2.0, 0.0), (1.0, 0.0), (0.0, 2.0), (2.0, 1.0)] {
        let old = Bench::oscillator(RATE, 311.7, from).mono(2_000);
        let new = Bench::oscillator(RATE, 311.7, to).mono(2_000);
        let mut bench = Bench::oscillator(RATE, 311.7, from);
        let mut out = bench.mono(1_000);
        bench.set("waveform", to, 0);
        out.extend(bench.mono(1_000));
        for n in 0..2_000 {
            let share = ((n as f32 - 999.0) / 480.0).clamp(0.0, 1.0);
            let expected = old[n] * (1.0 - share) + new[n] * share;
            assert!((out[n] - expected).abs() < 1e-5, "{from} to {to}, frame {n}: {} not {expected}", out[n]);
        }
    }
}

#[test]
fn a_waveform_change_during_a_crossfade_does_not_jump() {
    let steepest = |bench: &mut Bench, frames| {
        let out = bench.mono(frames);
        (out[0], out.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max), out[frames - 1])
    };
    let mut bench = Bench::oscillator(RATE, 20.0, 0.0);
    bench.mono(600);
    bench.set("waveform", 2.0, 0);
    let (_, _, last) = steepest(&mut bench, 200);
    bench.set("waveform", 0.0, 0);
    let (first, slope, _) = steepest(&mut bench, 300);
    assert!((first - last).abs() < 0.01, "from {last} to {first}");
    assert!(slope < 0.01, "{slope}");
}

#[test]
fn amp_jumps_take_exactly_ten_milliseconds() {
    let tone = Bench::oscillator(RATE, 440.0, 0.0).mono(1_000);
    let mut bench = Bench::oscillator(RATE, 440.0, 0.0);
    bench.set("amp", 0.25, 0);
    let out = bench.mono(1_000);
    for n in 0..1_000 {
        let amp = 1.0 - 0.75 * (((n + 1) as f64) / 480.0).min(1.0);
        assert!((f64::from(out[n]) - f64::from(tone[n]) * amp).abs() < 1e-6);
    }
    bench.set("amp", 0.0, 0);
    bench.mono(480);
    assert_eq!(bits(&bench.mono(1_000)), vec![0; 1_000], "amp 0 is exact silence");
}

#[test]
fn values_that_are_not_numbers_or_out_of_range_do_no_harm() {
    let mut bench = Bench::oscillator(RATE, 440.0, 1.0);
    let mut same = Bench::oscillator(RATE, 440.0, 1.0);
    for control in ["freq", "waveform", "amp", "pulse_width"] {
        bench.set(control, f32::NAN, 0);
    }
    bench.node.set(99, krach_core::node::Change { value: 1.0, ramp: 0 });
    assert_eq!(bits(&bench.mono(500)), bits(&same.mono(500)));
    for value in [f32::INFINITY, f32::NEG_INFINITY, -1.0, 1e30] {
        for control in ["freq", "waveform", "amp", "pulse_width"] {
            bench.set(control, value, 0);
        }
        assert!(bench.mono(2_000).iter().all(|x| x.abs() < 3.0));
    }
}

#[test]
fn after_reset_an_oscillator_is_like_new_with_its_values() {
    for waveform in [0.0, 1.0, 2.0] {
        let mut used = Bench::oscillator(RATE, 123.4, 0.0);
        used.mono(777);
        used.set("freq", 3_210.0, 5_000);
        used.set("waveform", waveform, 0);
        used.set("amp", 0.5, 0);
        used.set("pulse_width", 0.2, 0);
        used.mono(33);
        used.node.reset();
        let mut fresh = Bench::oscillator(RATE, 3_210.0, waveform);
        fresh.set("amp", 0.5, 0);
        fresh.set("pulse_width", 0.2, 0);
        fresh.node.reset();
        assert_eq!(bits(&used.mono(3_000)), bits(&fresh.mono(3_000)));
    }
}

#[test]
fn two_oscillators_play_the_same_samples() {
    let render = || Bench::oscillator(RATE, 987.6, 1.0).mono(5_000);
    assert_eq!(bits(&render()), bits(&render()));
}

#[test]
fn what_is_set_before_the_first_frame_sounds_as_if_created_with_it() {
    for waveform in [0.0, 1.0, 2.0] {
        let set = |bench: &mut Bench| {
            bench.set("freq", 3_210.0, 0);
            bench.set("waveform", waveform, 0);
            bench.set("amp", 0.5, 0);
            bench.set("pulse_width", 0.2, 0);
        };
        let (mut created, mut late) =
            (Bench::oscillator(RATE, 3_210.0, waveform), Bench::new("oscillator", RATE));
        set(&mut created);
        created.node.reset();
        late.mono(777);
        late.node.reset();
        set(&mut late);
        late.node.settle();
        assert_eq!(bits(&late.mono(2_000)), bits(&created.mono(2_000)), "{waveform}");
    }
}
