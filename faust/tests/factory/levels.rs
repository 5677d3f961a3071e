//! Loudness: how loud, for how long, and how it follows the player.

use crate::measure::{decibels, mean, octaves, peak};
use crate::sounds::{EFFECTS, RATES, Take, VOICES, all, instruments, sound};

#[test]
fn at_its_defaults_every_sound_peaks_between_minus_12_and_minus_3_dbfs() {
    for name in all() {
        for rate in RATES.into_iter().chain([88_200.0, 192_000.0]) {
            let heard = Take::of(name, rate, 1.0, 2.0).play(&sound(name));
            let peak = decibels(peak(&heard));
            assert!((-12.0..=-3.0).contains(&peak), "{name} peaks at {peak:.1} dBFS at {rate} Hz");
        }
    }
}

#[test]
fn no_sound_has_a_constant_part_above_minus_60_dbfs() {
    for name in all() {
        let heard = Take::of(name, 48_000.0, 1.0, 2.0).play(&sound(name));
        for channel in heard {
            let constant = decibels(mean(&channel).abs());
            assert!(constant < -60.0, "{name}: {constant:.1} dBFS");
        }
    }
}

#[test]
fn every_sound_falls_below_minus_90_dbfs_within_8_s_of_its_end() {
    for name in all() {
        let heard = Take::of(name, 48_000.0, 0.5, 9.0).play(&sound(name));
        let left: Vec<Vec<f32>> = heard.iter().map(|channel| channel[48_000 * 17 / 2..].to_vec()).collect();
        let left = decibels(peak(&left));
        assert!(left < -90.0, "{name}: {left:.1} dBFS");
    }
}

#[test]
fn a_softer_note_is_softer_and_one_without_strength_is_silent() {
    for name in instruments() {
        let peak =
            |vel| decibels(peak(&Take::of(name, 48_000.0, 0.5, 1.0).set(0.0, "vel", vel).play(&sound(name))));
        let [full, half, quarter, none] = [1.0, 0.5, 0.25, 0.0].map(peak);
        assert!(
            half < full - 3.0 && half > full - 20.0,
            "{name}: {half:.1} of {full:.1} dBFS at half strength"
        );
        assert!(quarter < half - 3.0, "{name}: {quarter:.1} dBFS at a quarter");
        assert!(none < -90.0, "{name}: {none:.1} dBFS");
    }
}

/// Strength belongs to the start of a note: what a pattern sets for the next one must not bend this one.
#[test]
fn strength_that_changes_within_a_note_waits_for_the_next() {
    for name in instruments() {
        let note = Take::of(name, 48_000.0, 0.5, 0.6);
        let plain = note.play(&sound(name));
        assert!(note.set(0.1, "vel", 0.1).play(&sound(name)) == plain, "{name}");
    }
}

#[test]
fn sounds_are_the_same_at_every_sample_rate() {
    for name in all() {
        let loose = ["snare", "hat", "clap", "reverb"].contains(&name);
        let bands = |rate| {
            let heard = Take::of(name, rate, 1.0, 2.0).play(&sound(name));
            octaves(&heard[0], rate)
        };
        let usual = bands(48_000.0);
        let loudest = usual.iter().copied().fold(f64::MIN, f64::max);
        for rate in [44_100.0, 96_000.0] {
            for (octave, (a, b)) in bands(rate).iter().zip(&usual).enumerate() {
                let middle = 62.5 * f64::from(1 << octave);
                // Noise differs, and its bursts are short; a room's resonances lie a little elsewhere; what keeps
                // steps from aliasing takes some of the top.
                let tolerance = match octave {
                    _ if loose => 3.0,
                    7 => 2.5,
                    _ => 1.5,
                };
                assert!(
                    *b < loudest - 30.0 || (a - b).abs() < tolerance,
                    "{name} at {rate} Hz: {a:.1} for {b:.1} dB around {middle} Hz"
                );
            }
        }
    }
}

#[test]
fn pad_keys_bell_and_effects_differ_between_the_ears() {
    for name in EFFECTS.into_iter().chain(VOICES.into_iter().filter(|n| ["pad", "keys", "bell"].contains(n)))
    {
        let heard = Take::of(name, 48_000.0, 0.5, 1.0).play(&sound(name));
        assert_eq!(heard.len(), 2, "{name}");
        let difference: Vec<f32> = heard[0].iter().zip(&heard[1]).map(|(l, r)| l - r).collect();
        assert!(decibels(peak(&[difference])) > -30.0, "{name}");
    }
}

/// Effects between two equal sides must not turn one of them over or lose it.
#[test]
fn effects_keep_what_is_in_the_middle() {
    for name in EFFECTS {
        let mut take = Take::of(name, 48_000.0, 1.0, 3.0);
        take.inputs[1] = take.inputs[0].clone();
        let heard = take.play(&sound(name));
        let middle: Vec<f32> = heard[0].iter().zip(&heard[1]).map(|(l, r)| (l + r) / 2.0).collect();
        assert!(decibels(peak(&[middle])) > -15.0, "{name}");
    }
}
