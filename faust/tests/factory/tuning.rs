//! Notes are in tune, and nothing else is in them.

use crate::measure::{between_harmonics, cents_off};
use crate::sounds::{RATES, Take, VOICES, sound};

/// What moves the pitch on purpose, and rests while it is measured.
const MOVES: [&str; 6] = ["detune", "vibrato", "warble", "glide", "depth", "motion"];

#[test]
fn every_note_is_within_3_cents() {
    for name in VOICES {
        let ty = sound(name);
        for rate in RATES {
            for freq in [55.0, 110.0, 233.08, 440.0, 987.77, 1760.0, 3520.0] {
                let mut take = Take::of(name, rate, 0.8, 0.8).set(0.0, "freq", freq as f32);
                for control in MOVES {
                    take = take.set_any(&ty, 0.0, control, 0.0);
                }
                let off = cents_off(&take.play(&ty)[0], rate, freq, 0.15);
                assert!(off.abs() < 3.0, "{name}: {freq} Hz is {off:.2} cents off at {rate} Hz");
            }
        }
    }
}

#[test]
fn a_kick_ends_on_its_note_and_a_snare_has_one() {
    for rate in RATES {
        let kick = Take::of("kick", rate, 0.1, 1.6).set(0.0, "tune", 55.0).set(0.0, "decay", 3000.0);
        let off = cents_off(&kick.set(0.0, "fall", 60.0).play(&sound("kick"))[0], rate, 55.0, 1.0);
        assert!(off.abs() < 3.0, "kick: {off:.2} cents off at {rate} Hz");
        let snare = Take::of("snare", rate, 0.1, 0.8).set(0.0, "tune", 220.0).set(0.0, "decay", 1000.0);
        let snare = snare.set(0.0, "bend", 0.0).set(0.0, "snares", 0.0);
        let off = cents_off(&snare.play(&sound("snare"))[0], rate, 220.0, 0.05);
        assert!(off.abs() < 3.0, "snare: {off:.2} cents off at {rate} Hz");
    }
}

#[test]
fn a_glide_arrives() {
    for name in ["bass", "lead"] {
        let ty = sound(name);
        let take =
            Take::of(name, 48_000.0, 2.0, 2.0).set(0.0, "glide", 80.0).set_any(&ty, 0.0, "vibrato", 0.0);
        let take = take.set_any(&ty, 0.0, "detune", 0.0).set(0.0, "freq", 110.0).set(0.5, "freq", 220.0);
        let heard = take.play(&ty);
        assert!(cents_off(&heard[0], 48_000.0, 110.0, 0.1).abs() < 3.0, "{name}");
        assert!(cents_off(&heard[0], 48_000.0, 220.0, 1.5).abs() < 3.0, "{name}");
    }
}

/// What lies above half the sample rate must not come back as notes that nobody plays.
#[test]
fn high_notes_hardly_alias() {
    // Saturation makes new harmonics, and more of them come back.
    for (name, most) in [("pad", -70.0), ("keys", -80.0), ("lead", -40.0), ("bass", -40.0)] {
        let ty = sound(name);
        for freq in [441.3, 1318.51] {
            let mut take = Take::of(name, 48_000.0, 2.0, 2.0).set(0.0, "freq", freq as f32);
            for control in MOVES {
                take = take.set_any(&ty, 0.0, control, 0.0);
            }
            let take = take.set_any(&ty, 0.0, "cutoff", 12_000.0).set_any(&ty, 0.0, "sub", 0.0);
            let stray = between_harmonics(&take.play(&ty)[0][24_000..24_000 + 65_536], 48_000.0, freq);
            assert!(stray < most, "{name}: {stray:.1} dB at {freq} Hz");
        }
    }
}
