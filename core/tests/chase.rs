//! After a jump every continuous control has the value that its pattern told it last, however long ago;
//! gates, triggers and notes are never told again.

mod clock_support;

use clock_support::probe::{FREQ, gates, held};
use clock_support::support::{Rig, play, probes};
use clock_support::*;
use krach_core::engine::*;
use krach_core::model::Setting;
use krach_patterns::{EventBuffer, Pattern, Span, Value, builders, compile};

const RATE: f64 = 48_000.0;

fn freq(hz: f64) -> Pattern {
    builders::control("v/freq", hz)
}

/// What a pattern told `v/freq` last before a position in cycles, since the song began: by asking for all
/// of it.
fn told_last(pattern: &Pattern, position: f64, seed: u64) -> Option<f32> {
    let program = compile(pattern).unwrap();
    let mut out = EventBuffer::with_capacity(4096);
    let mut last = None;
    for cycle in 0..=position as i64 {
        out.clear();
        program.onsets(Span::cycle(cycle), seed, &mut out).unwrap();
        for event in out.as_slice() {
            let at = *event.whole.begin.numer() as f64 / *event.whole.begin.denom() as f64;
            let Value::Control { value, .. } = &program.values()[event.value as usize] else { continue };
            if at < position && last.is_none_or(|(then, _)| at >= then) {
                last = Some((at, *value as f32));
            }
        }
    }
    last.map(|(_, value)| value)
}

#[test]
fn what_was_said_many_cycles_ago_and_not_since_is_chased() {
    // On cycles 0 and 32 of every 64.
    let line = builders::cat(vec![freq(110.0), freq(220.0)]).over(64.0);
    let cycles = [31.9, 33.0, 63.99, 64_007.5, 10.0, 0.5];
    let mut script = Script::at(RATE, 4.0, 120.0).play(5_000);
    for cycle in cycles {
        script = script.jump(4.0 * cycle).play(5_000);
    }
    for blocks in PARTITIONS {
        let (log, _) = render_with(&script, Host::EXACT, &[play("bass", line.clone())], blocks);
        let found: Vec<_> = (0..=cycles.len()).map(|n| held(&log, FREQ, 5_000 * n as i64)).collect();
        let expected = [110.0, 110.0, 220.0, 220.0, 110.0, 110.0, 110.0].map(Some);
        assert_eq!(found, expected, "blocks of {blocks:?}");
    }
}

#[test]
fn wherever_one_lands_the_control_is_where_playing_would_have_brought_it() {
    let mut state = 11_u64;
    let mut random = move |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    let mut far = 0;
    for _ in 0..150 {
        let values = builders::cat((0..1 + random(3)).map(|_| freq(100.0 + random(900) as f64)).collect());
        let sparse = |p: Pattern, kind: u64, n: u64| match kind {
            0 => p.over(n as f64),
            1 => builders::rest().every(n as u32, |_| p),
            2 => p.thin(0.6 + 0.03 * n as f64 / 4.0, n),
            _ => p.shift(n as f64 / 3.0),
        };
        let mut pattern = values;
        for _ in 0..1 + random(3) {
            pattern = sparse(pattern, random(4), 2 + random(40));
        }
        let seed = random(3);
        let mut script = Script::at(RATE, 0.0, 120.0).play(100);
        let landings: Vec<f64> = (0..4).map(|_| random(40_000) as f64 / 100.0).collect();
        for landing in &landings {
            script = script.jump(4.0 * landing).play(100);
        }
        let edits = [Edit::Setting(Setting::Seed(seed)), play("v", pattern.clone())];
        let (log, _) = render_with(&script, Host::EXACT, &edits, &[256]);
        for (n, &landing) in landings.iter().enumerate() {
            let Some(expected) = told_last(&pattern, landing, seed) else { continue };
            let near = told_last(&pattern, landing + 1e-3, seed);
            if near != Some(expected) {
                continue; // told anew within these hundred samples
            }
            assert_eq!(held(&log, FREQ, 100 * (n as i64 + 2) - 1), Some(expected), "{landing}: {pattern:?}");
            let period = compile(&pattern).unwrap().period();
            far += usize::from(period.is_none_or(|cycles| cycles > 4));
        }
    }
    assert!(far > 200, "{far} landings that need the table");
}

#[test]
fn under_a_new_seed_what_chance_said_last_is_another_thing() {
    let rare = builders::cat((0..8).map(|n| freq(100.0 + f64::from(n))).collect()).over(8.0).thin(0.85, 3);
    let landing = |seed| {
        (20..200)
            .map(f64::from)
            .find(|&c| {
                let quiet = |seed| told_last(&rare, c, seed) == told_last(&rare, c - 5.0, seed);
                quiet(0) && quiet(seed) && told_last(&rare, c, 0) != told_last(&rare, c, seed)
            })
            .expect("somewhere they differ")
    };
    for timed in [false, true] {
        let (mut rig, log) = probed(RATE);
        rig.edit(play("v", rare.clone()));
        rig.block(64);
        let at = if timed { At::Position(0.1) } else { At::Now };
        rig.edit_at(Edit::Setting(Setting::Seed(77)), at);
        rig.render(48_000, &[512]);
        rig.start_beats = 4.0 * landing(77) - rig.played as f64 / 24_000.0;
        let jumped = rig.rendered;
        rig.block(64);
        assert_eq!(held(&log, FREQ, jumped + 63), told_last(&rare, landing(77), 77), "timed: {timed}");
        assert!(!rig.engine.busy());
    }
}

#[test]
fn before_the_song_began_nothing_was_said() {
    let late = builders::rest().every(50, |_| freq(700.0)).shift(-40.0);
    // On cycles 10, 60, …, and -40.
    let script = Script::at(RATE, 0.0, 120.0).play(100).jump(4.0 * 9.0).play(100).jump(4.0 * 30.0).play(100);
    let (log, _) = render_with(&script, Host::EXACT, &[play("v", late)], &[64]);
    assert_ne!(held(&log, FREQ, 199), Some(700.0));
    assert_eq!(held(&log, FREQ, 299), Some(700.0));
}

#[test]
fn gates_and_notes_are_not_told_again_and_controllers_are() {
    let cc = |value| Pattern::Atom { value: Value::Cc { channel: 2, controller: 74, value }, span: None };
    let long =
        Pattern::Atom { value: Value::Note { channel: 0, note: 60, velocity: 9, dur: 90.0 }, span: None };
    let rare = |p: Pattern| builders::rest().every(64, |_| p);
    let (mut rig, log) = probed(RATE);
    rig.edit(play("v", rare(builders::control("v/gate", 1.0))));
    rig.edit(play("m", rare(builders::stack(vec![cc(99), long]))));
    rig.edit(play("n", builders::cat(vec![cc(1), cc(2)])));
    rig.block(480);
    assert_eq!(gates(&log), [Gate { sample: 0, open: true }]);
    rig.midi.clear();
    rig.start_beats = 4.0 * 40.75;
    rig.block(480);
    let expected = [(480, [0x80, 60, 0]), (480, [0xb2, 74, 99]), (480, [0xb2, 74, 2])];
    assert_eq!(rig.midi, expected, "the note ends, the controller comes back, by slots in order");
    assert_eq!(gates(&log).last(), Some(&Gate { sample: 480, open: false }));
}

#[test]
fn a_retired_engine_tells_nothing_and_a_hushed_slot_neither() {
    let mut rig = Rig::with(probes::registry());
    let cc = Pattern::Atom { value: Value::Cc { channel: 0, controller: 1, value: 5 }, span: None };
    rig.edit(play("m", cc.over(16.0)));
    rig.block(480);
    rig.edit(Edit::Hush { slot: "m".into() });
    rig.midi.clear();
    rig.start_beats = 4.0 * 9.0;
    rig.block(480);
    assert_eq!(rig.midi, []);
}
