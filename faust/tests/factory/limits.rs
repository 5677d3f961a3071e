//! Whatever is turned, and however far: finite, bounded, and usable again.

use crate::measure::{decibels, peak};
use crate::sounds::{Take, all, is_effect, sound};
use krach_core::node::{Control, ControlKind, NodeType};

/// The loudest that anything may get: +6 dBFS for a note, +12 for an effect that is fed at -6.
fn loudest(name: &str) -> f64 {
    if is_effect(name) { 12.0 } else { 6.0 }
}

fn turned(ty: &krach_faust::FaustType) -> impl Iterator<Item = &Control> {
    ty.decl().controls.iter().filter(|control| control.kind != ControlKind::Gate && control.name != "vel")
}

fn holds(name: &'static str, take: &Take, what: &str) {
    let heard = take.play(&sound(name));
    assert!(heard.iter().flatten().all(|sample| sample.is_finite()), "{name}, {what}: not finite");
    let loud = decibels(peak(&heard));
    assert!(loud < loudest(name), "{name}, {what}: {loud:.1} dBFS");
}

/// A few notes, or the programme.
fn music(name: &'static str, rate: f64, seconds: f64) -> Take {
    let mut take = Take::of(name, rate, seconds * 0.8, seconds);
    if !is_effect(name) {
        for start in [0.13, 0.25, 0.26, 0.5] {
            take = take.set(start * seconds, "gate", 0.0).set(start * seconds, "gate", 1.0);
        }
    }
    take
}

#[test]
fn every_control_may_be_at_either_end() {
    for name in all() {
        let ty = sound(name);
        for control in turned(&ty) {
            for end in [control.min, control.max] {
                for rate in [22_050.0, 48_000.0, 192_000.0] {
                    let take = music(name, rate, 0.6).set(0.0, &control.name, end);
                    holds(name, &take, &format!("{} at {end}, {rate} Hz", control.name));
                }
            }
        }
    }
}

#[test]
fn all_controls_may_be_anywhere_and_move_at_once() {
    let mut seed = 1u32;
    let mut chance = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(seed >> 8) / f64::from(1 << 24)
    };
    for name in all() {
        let ty = sound(name);
        for round in 0..24 {
            let mut take = music(name, 48_000.0, 1.2);
            for step in 0..8 {
                for control in turned(&ty) {
                    // Ends are where things break: half of the values are one.
                    let value = match chance() {
                        x if x < 0.25 => control.min,
                        x if x < 0.5 => control.max,
                        _ => control.min + (control.max - control.min) * chance() as f32,
                    };
                    if step == 0 || chance() < 0.3 {
                        take = take.set(0.15 * f64::from(step), &control.name, value);
                    }
                }
            }
            holds(name, &take, &format!("round {round}"));
        }
    }
}

/// Long tones at the frequencies that a room or an echo likes best, at their longest.
#[test]
fn nothing_builds_up_for_ever() {
    let worst = [
        ("reverb", &[("decay", 30.0), ("damping", 18_000.0), ("lowcut", 20.0)][..]),
        ("delay", &[("feedback", 0.98), ("tone", 18_000.0), ("time", 0.01), ("lowcut", 20.0)][..]),
        ("chorus", &[("feedback", 0.9), ("depth", 0.0), ("delay", 5.0), ("mix", 1.0)][..]),
    ];
    for (name, settings) in worst {
        for freq in [50.0, 100.0, 200.0, 1000.0] {
            let mut take = Take::new(48_000.0, 20.0);
            let tone = |at: usize| (std::f64::consts::TAU * freq * at as f64 / 48_000.0).sin() as f32 * 0.5;
            take.inputs = vec![(0..take.frames()).map(tone).collect(); 2];
            for (control, value) in settings {
                take = take.set(0.0, control, *value);
            }
            holds(name, &take, &format!("{freq} Hz for 20 s"));
        }
    }
}

/// A blast of +40 dBFS leaves no effect deaf or screaming.
#[test]
fn an_effect_recovers_from_a_blast() {
    for name in crate::sounds::EFFECTS {
        let mut take = Take::new(48_000.0, 24.0);
        take.inputs = vec![(0..take.frames()).map(|at| if at < 4800 { 100.0 } else { 0.0 }).collect(); 2];
        let heard = take.play(&sound(name));
        let left: Vec<Vec<f32>> = heard.iter().map(|channel| channel[48_000 * 23..].to_vec()).collect();
        assert!(decibels(peak(&left)) < -90.0, "{name}: {:.1} dBFS", decibels(peak(&left)));
    }
}
