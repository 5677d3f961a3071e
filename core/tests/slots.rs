//! Slots: what a pattern's place in time and its swing do to the samples on which it sounds.

mod support;
use krach_core::model::Setting;

use krach_core::engine::*;
use krach_core::node::Registry;
use krach_patterns::{Pattern, Swing, builders};
use support::{RATE, Rig, graph, hits, node, onsets, play, probes, voice};

/// Frames of one cycle at 120 bpm.
const CYCLE: usize = 96_000;

fn rig() -> Rig {
    let mut rig = Rig::new();
    rig.edit(Edit::LoadGraph(voice("v", 440.0)));
    rig.settle();
    rig.played = 0;
    rig
}

fn swung(slot: &str, pattern: Pattern, amount: f64, grid: u32) -> Edit {
    let swing = Some(Swing { amount, grid });
    Edit::SetPattern { slot: slot.into(), pattern, from_zero: false, origin: None, swing }
}

/// The frames on which gates open, from the engine's own transport at zero.
fn heard(rig: &mut Rig, cycles: usize) -> Vec<usize> {
    onsets(&rig.render(cycles * CYCLE, &[333])[0])
}

#[test]
fn a_slot_swings_what_is_played_on_it() {
    let mut rig = rig();
    rig.edit(swung("s", hits("v/gate", 4), 0.75, 4));
    // Pairs of half a cycle; the second step begins after three quarters of the pair. An oscillator at
    // phase 0 and a gain that opens in a line are not heard on the very first sample.
    let pair = CYCLE / 2;
    let expected: Vec<usize> = (0..4).flat_map(|p| [p * pair, p * pair + pair * 3 / 4]).collect();
    let found = heard(&mut rig, 2);
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(&expected) {
        assert!(found >= expected && *found <= expected + 2, "{found} for {expected}");
    }
}

#[test]
fn a_new_swing_comes_in_phase_and_none_is_straight() {
    let mut rig = rig();
    rig.edit(play("s", hits("v/gate", 4)));
    let straight = heard(&mut rig, 1);
    rig.edit(swung("s", hits("v/gate", 4), 2.0 / 3.0, 4));
    let bent = heard(&mut rig, 1);
    rig.edit(play("s", hits("v/gate", 4)));
    let again = heard(&mut rig, 1);
    let near = |found: &[usize], expected: [usize; 4]| {
        found.len() == 4 && found.iter().zip(expected).all(|(f, e)| f.abs_diff(e) <= 2)
    };
    assert!(near(&straight, [0, 24_000, 48_000, 72_000]), "{straight:?}");
    assert!(near(&bent, [0, 32_000, 48_000, 80_000]), "{bent:?}");
    assert!(near(&again, [0, 24_000, 48_000, 72_000]), "{again:?}");
}

#[test]
fn a_silent_slot_starts_at_the_next_cycle_or_at_once_or_at_the_bar_in_phase() {
    for (at, first) in
        [(At::Now, 96_000), (At::AtOnce, 36_000), (At::Bar, 96_000), (At::Position(0.9), 96_000)]
    {
        let mut rig = rig();
        rig.render(30_000, &[333]);
        rig.edit_at(play("s", hits("v/gate", 8)), at);
        let found = onsets(&rig.render(90_000, &[333])[0]);
        // Hits are 12,000 frames apart from the song's beginning on.
        let expected: Vec<usize> = (first..120_000).step_by(12_000).map(|n| n - 30_000).collect();
        let near =
            found.len() == expected.len() && found.iter().zip(&expected).all(|(f, e)| f.abs_diff(*e) <= 2);
        assert!(near, "{at:?}: {found:?} for {expected:?}");
    }
}

#[test]
fn a_slot_that_waits_for_the_next_cycle_is_swapped_and_hushed_at_it() {
    for hushed in [false, true] {
        let mut rig = rig();
        rig.render(30_000, &[333]);
        rig.edit(play("s", hits("v/gate", 8)));
        rig.edit_at(play("s", hits("v/gate", 2)), At::AtOnce);
        if hushed {
            rig.edit_at(Edit::Hush { slot: "s".into() }, At::AtOnce);
        }
        let found = onsets(&rig.render(CYCLE + 60_000, &[333])[0]);
        assert_eq!(found.len(), if hushed { 0 } else { 2 }, "{found:?}");
    }
}

#[test]
fn another_seed_counts_at_once_also_where_nothing_was_to_begin() {
    let sparse = || (builders::hit("v/gate") * 64).thin(0.95, 3);
    let rendered = |edits: [(usize, u64); 2]| {
        let mut rig = rig();
        rig.edit_at(play("s", sparse()), At::AtOnce);
        for (frames, seed) in edits {
            rig.render(frames, &[256]);
            rig.edit_at(Edit::Setting(Setting::Seed(seed)), At::AtOnce);
        }
        onsets(&rig.render(4 * CYCLE, &[256])[0])
    };
    let mut differ = 0;
    for seed in 1..9 {
        let (from_the_first, changed) =
            (rendered([(0, seed), (CYCLE, seed)]), rendered([(0, 0), (CYCLE, seed)]));
        assert_eq!(changed, from_the_first, "seed {seed}");
        differ += usize::from(changed != rendered([(0, 0), (CYCLE, 0)]));
    }
    assert!(differ > 6, "{differ}");
}

#[test]
fn swing_is_saved_with_the_pattern_and_sounds_the_same_when_loaded() {
    let mut rig = rig();
    rig.edit(swung("s", hits("v/gate", 8), 0.6, 16));
    rig.edit(swung("t", hits("v/freq", 8), 0.6, 8));
    let saved = rig.engine.save();
    let document: serde_json::Value = serde_json::from_slice(&saved).unwrap();
    let swings: Vec<_> =
        document["patterns"].as_array().unwrap().iter().map(|p| p["swing"].clone()).collect();
    assert_eq!(swings, [serde_json::json!({"amount": 0.6, "grid": 16}), serde_json::json!(0.6)]);
    let mut engine = Engine::new(Registry::with_builtins());
    engine.load(&saved).unwrap();
    assert_eq!(engine.save(), saved);
    let mut loaded = Rig::of(engine);
    rig.render(4096, &[256]);
    let mut fresh = Rig::of(std::mem::replace(&mut rig.engine, Engine::new(Registry::new())));
    let (a, b) = (fresh.render(CYCLE, &[256]), loaded.render(CYCLE, &[777]));
    assert_eq!(support::first_difference(&a[0], &b[0]), None);
    assert!(onsets(&a[0]).len() == 8, "at {RATE} Hz");
}

#[test]
fn a_swing_that_cannot_be_is_refused_and_what_played_plays_on() {
    let mut rig = rig();
    rig.edit(play("s", hits("v/gate", 4)));
    let before = rig.engine.save();
    for (amount, grid, says) in [
        (1.0, 8, "warp: amount must be in (0, 1)"),
        (f64::NAN, 8, "warp: amount must be in (0, 1)"),
        (0.6, 7, "warp: grid must be even and > 0"),
        (0.6, 0, "warp: grid must be even and > 0"),
    ] {
        let error = rig.engine.edit(swung("s", hits("v/gate", 4), amount, grid), At::Now).unwrap_err();
        assert_eq!(error.to_string(), says);
    }
    assert_eq!(rig.engine.save(), before);
    let document =
        String::from_utf8(before).unwrap().replace("\"target\":\"s\"", "\"swing\":3,\"target\":\"s\"");
    let error = rig.engine.load(document.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("$.patterns[0].pattern") && error.contains("warp: amount"), "{error}");
    assert_eq!(heard(&mut rig, 1).len(), 4);
}

#[test]
fn a_pattern_that_replaces_another_within_its_note_closes_the_notes_gate() {
    let new = [builders::rest(), hits("b/gate", 3), builders::control("b/level", 0.0), hits("a/gate", 2)];
    for pattern in new {
        for blocks in [&[64][..], &[333], &[2048]] {
            let mut wanted = graph(
                vec![node("out", "dac", &[]), node("a", "dc", &[("level", 0.0)]), node("b", "dc", &[])],
                &[("a", "out")],
            );
            wanted.exposed_controls.insert("a/gate".into(), ("a".into(), "level".into()));
            let mut rig = Rig::with(probes::registry());
            rig.edit(Edit::LoadGraph(wanted));
            rig.settle();
            rig.played = 0;
            // Open for half a cycle, were it not replaced after a tenth.
            rig.edit(play("s", hits("a/gate", 1)));
            rig.edit_at(play("s", pattern.clone()), At::Position(0.1));
            let [left, _] = rig.render(CYCLE / 2, blocks);
            let replaced = CYCLE / 10;
            assert!(left[1_000..replaced].iter().all(|x| *x == 1.0), "{pattern:?}");
            assert!(left[replaced..].iter().all(|x| *x == 0.0), "{pattern:?} in blocks of {blocks:?}");
        }
    }
}
