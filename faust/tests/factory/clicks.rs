//! Nothing clicks: neither a note that starts in the middle of another nor a control that jumps.

use crate::measure::{decibels, largest_step, peak};
use crate::sounds::{EFFECTS, Take, all, instruments, sound};
use krach_core::node::{ControlKind, NodeType};

const RATE: f64 = 48_000.0;

/// Controls that may jump because of what they are.
const JUMPS: [(&str, &str, &str); 3] = [
    ("delay", "time", "the tape runs at another speed until it is there, and what it plays is higher"),
    ("pluck", "freq", "the string is stopped at another place while it rings"),
    (
        "keys",
        "freq",
        "eight octaves higher the steps are larger, and an instant later the tine has died away",
    ),
];

#[test]
fn a_note_that_starts_within_another_does_not_click() {
    let starts = [0.137, 0.2011, 0.31, 0.4507];
    for name in instruments() {
        let ty = sound(name);
        let strengths = [1.0, 0.4, 1.0, 0.7];
        let notes = [330.0, 110.0, 440.0, 220.0];
        let mut take = Take::new(RATE, 0.7).set(0.0, "vel", 1.0).set(0.0, "gate", 1.0);
        for ((start, strength), note) in starts.into_iter().zip(strengths).zip(notes) {
            take = take.set_any(&ty, start, "freq", note).set(start, "vel", strength);
            take = take.set(start, "gate", 0.0).set(start, "gate", 1.0);
        }
        let heard = take.play(&ty);
        for ((start, strength), note) in starts.into_iter().zip(strengths).zip(notes) {
            let fresh = Take::new(RATE, 0.1).set_any(&ty, 0.0, "freq", note).set(0.0, "vel", strength);
            let fresh = fresh.set(0.0, "gate", 1.0).play(&ty);
            for (channel, fresh) in heard.iter().zip(&fresh) {
                let at = (start * RATE).round() as usize;
                let before = largest_step(channel, at - 960, at);
                let own = largest_step(fresh, 0, 960);
                let first = largest_step(channel, at, at + 2);
                assert!(first < 1.3 * before + 0.02, "{name} at {start} s: {first:.3} after {before:.3}");
                let after = largest_step(channel, at, at + 480);
                let usual = 1.3 * (before + own) + 0.02;
                assert!(after < usual, "{name} at {start} s: {after:.3}, usually {usual:.3}");
            }
        }
    }
}

#[test]
fn an_open_gate_that_opens_again_changes_nothing() {
    for name in instruments() {
        let take = Take::new(RATE, 0.3).set(0.0, "gate", 1.0);
        assert!(take.play(&sound(name)) == take.clone().set(0.1, "gate", 0.7).play(&sound(name)), "{name}");
    }
}

/// Controls jump over their whole range while a steady tone plays: the steps from sample to sample stay what they are
/// before and after.
#[test]
fn a_control_that_jumps_does_not_click() {
    let mut clicks = Vec::new();
    for name in all() {
        let ty = sound(name);
        let tone = |at: usize| (std::f64::consts::TAU * 220.0 * at as f64 / RATE).sin() as f32 * 0.4;
        let effect = EFFECTS.contains(&name);
        for control in &ty.decl().controls {
            if control.kind == ControlKind::Gate || JUMPS.iter().any(|j| (j.0, j.1) == (name, &*control.name))
            {
                continue;
            }
            let mut take = Take::new(RATE, 2.0);
            if effect {
                take.inputs = vec![(0..take.frames()).map(tone).collect(); 2];
            } else {
                take = take.set(0.0, "vel", 1.0).set(0.0, "gate", 1.0);
                // Long enough to be heard at the jump.
                take = take.set_any(&ty, 0.0, "decay", longest(&ty)).set_any(&ty, 0.0, "attack", 1.0);
            }
            for (from, to) in [(control.min, control.max), (control.max, control.min)] {
                let heard = take.clone().set(0.0, &control.name, from).set(1.0, &control.name, to).play(&ty);
                for channel in &heard {
                    let jump = largest_step(channel, 47_990, 49_500);
                    let usual =
                        largest_step(channel, 24_000, 47_990).max(largest_step(channel, 60_000, 96_000));
                    if jump > 1.4 * usual + 0.012 {
                        let what = format!("{name}: {} from {from} to {to}", control.name);
                        clicks.push(format!("{what} makes a step of {jump:.3}, usually {usual:.3}"));
                    }
                }
            }
        }
    }
    assert!(clicks.is_empty(), "{}", clicks.join("\n"));
}

fn longest(ty: &krach_faust::FaustType) -> f32 {
    ty.decl().controls.iter().find(|control| control.name == "decay").map_or(0.0, |control| control.max)
}

/// With no dry sound, no room and nothing turned up, an effect whose `mix` is 0 is not there.
#[test]
fn an_effect_without_mix_is_a_wire() {
    for name in EFFECTS {
        let take = Take::of(name, RATE, 0.5, 0.6).set(0.0, "mix", 0.0);
        let heard = take.play(&sound(name));
        for (heard, sent) in heard.iter().zip(&take.inputs) {
            let off: Vec<f32> = heard.iter().zip(sent).map(|(a, b)| a - b).collect();
            assert!(decibels(peak(&[off])) < -120.0, "{name}");
        }
    }
}
