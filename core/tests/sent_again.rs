//! A pattern that replaces another in its slot: what both play at that moment goes on, in each way in which one is
//! replaced. The same pattern sent again is not heard at all.

#[path = "sent_again/beside.rs"]
mod beside;
#[path = "sent_again/limits.rs"]
mod limits;
#[path = "sent_again/oracle.rs"]
mod oracle;
mod support;
#[path = "sent_again/transport.rs"]
mod transport;
use krach_core::model::Setting;

use krach_core::engine::*;
use krach_patterns::{Pattern, Value, builders, compile};
use support::*;

/// Frames of a cycle, at the tempo of these tests.
const CYCLE: usize = 960;
/// The slots, each on the node of its name.
const SLOTS: [&str; 4] = ["many", "one", "struck", "plain"];

/// A node with voices, one with a single voice, one that counts how often its gate opens, and one without
/// voices; all on the master, each beside the other in the sum.
fn rig() -> Rig {
    rig_with(24)
}

/// The same with so many voices instead of 24.
fn rig_with(voices: u32) -> Rig {
    let mut rig = Rig::with(probes::registry());
    rig.bpm = 12_000.0;
    rig.edit(Edit::Setting(Setting::Limiter(false)));
    let many = GraphNode { count: voices, ..node("many", "pipe", &[]) };
    let nodes = vec![
        node("out", "dac", &[]),
        many,
        node("one", "pipe", &[]),
        node("struck", "struck", &[]),
        node("plain", "dc", &[("level", 0.0)]),
        node("pan", "gain", &[("gain", 1e-3)]),
    ];
    let wires = [("many", "out"), ("one", "pan"), ("struck", "pan"), ("plain", "pan"), ("pan", "out")];
    let mut graph = graph(nodes, &wires);
    graph.exposed_controls.insert("plain/gate".into(), ("plain".into(), "level".into()));
    rig.edit(Edit::LoadGraph(graph));
    rig.settle();
    rig.played = 0;
    rig
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn leaf(&mut self, slot: &str, only_notes: bool) -> Pattern {
        let hz = f64::from(1_u32 << self.below(10));
        match self.below(if only_notes { 4 } else { 9 }) {
            0 => builders::rest(),
            1 => builders::chord([hz, hz + 1.0, 2.0 * hz]),
            2 | 3 => builders::note(hz),
            4 => builders::note_with(hz, 0.5, &[("other", hz)]),
            5 => builders::hit(&format!("{slot}/gate")),
            // A unit that leaves its gate open.
            6 => builders::freeze(builders::control(&format!("{slot}/gate"), hz)),
            // Gates outside of units.
            7 => {
                let gate = |value| builders::control(&format!("{slot}/gate"), value);
                builders::cat(vec![gate(1.0), gate(0.0)])
            }
            _ => {
                let (note, dur) = (40 + self.below(30) as u8, [0.1, 0.75, 3.0][self.below(3) as usize]);
                Pattern::Atom { value: Value::Note { channel: 1, note, velocity: 90, dur }, span: None }
            }
        }
    }

    fn pattern(&mut self, slot: &str, depth: u64, only_notes: bool) -> Pattern {
        if depth == 0 || self.below(6) == 0 {
            return self.leaf(slot, only_notes);
        }
        let below = |dice: &mut Self| dice.pattern(slot, depth - 1, only_notes);
        let some = |dice: &mut Self| (0..1 + dice.below(3)).map(|_| below(dice)).collect::<Vec<_>>();
        match self.below(11) {
            0 | 1 => builders::cat(some(self)),
            2 => builders::stack(some(self)),
            3 => below(self).thin(0.5, self.below(9)),
            4 => below(self).rev(),
            5 => below(self).shift(self.below(16) as f64 / 8.0 - 1.0),
            6 | 7 => below(self).over([0.5, 2.0, 3.0, 20.0][self.below(4) as usize]),
            8 => below(self).every(2 + self.below(3) as u32, Pattern::rev),
            9 => below(self).spread(3, 8),
            _ => below(self).swing(0.6, 4),
        }
    }

    /// Patterns for all slots, none of them too dense.
    fn patterns(&mut self) -> Vec<(&'static str, Pattern)> {
        let mut pattern = |slot| loop {
            let pattern = self.pattern(slot, 4, false);
            if compile(&pattern).is_ok_and(|p| p.events_per_cycle() < 200) {
                return (slot, pattern);
            }
        };
        SLOTS.into_iter().map(&mut pattern).collect()
    }
}

fn plays(patterns: &[(&str, Pattern)]) -> Vec<Edit> {
    patterns.iter().map(|(slot, pattern)| play(slot, pattern.clone())).collect()
}

/// A way to send patterns again that play already.
type Way = fn(&mut Rig, &[(&str, Pattern)]);

/// Each way in which a pattern is replaced by the same one.
const WAYS: [(&str, Way); 9] = [
    ("play", |rig, patterns| {
        plays(patterns).into_iter().for_each(|edit| {
            rig.edit(edit);
        })
    }),
    ("play twice", |rig, patterns| {
        for edit in plays(patterns).into_iter().chain(plays(patterns)) {
            rig.edit(edit);
        }
    }),
    ("batch", |rig, patterns| {
        rig.edit(Edit::Batch(plays(patterns)));
    }),
    ("at a position", |rig, patterns| {
        let position = rig.engine.link().position().cycles + 0.35;
        plays(patterns).into_iter().for_each(|edit| {
            rig.edit_at(edit, At::Position(position));
        });
    }),
    ("at the bar", |rig, patterns| {
        plays(patterns).into_iter().for_each(|edit| {
            rig.edit_at(edit, At::Bar);
        });
    }),
    ("hush and play at a position", |rig, patterns| {
        let position = rig.engine.link().position().cycles + 0.3;
        for edit in plays(patterns) {
            let Edit::SetPattern { slot, .. } = &edit else { unreachable!() };
            rig.edit_at(Edit::Hush { slot: slot.clone() }, At::Position(position));
            rig.edit_at(edit, At::Position(position));
        }
    }),
    ("remove and play in a batch with a time", |rig, patterns| {
        let position = rig.engine.link().position().cycles + 0.4;
        let removed = patterns.iter().map(|(slot, _)| Edit::RemoveSlot { slot: (*slot).into() });
        let edits = removed.chain(plays(patterns)).collect();
        rig.edit_at(Edit::Batch(edits), At::Position(position));
    }),
    ("undo and redo of a rest more", |rig, patterns| {
        for (slot, pattern) in patterns {
            rig.edit(play(slot, builders::rest() | pattern.clone()));
        }
        for _ in 0..2 {
            patterns.iter().for_each(|_| drop(rig.engine.undo(At::Now).unwrap().unwrap()));
            patterns.iter().for_each(|_| drop(rig.engine.redo(At::Now).unwrap().unwrap()));
        }
        patterns.iter().for_each(|_| drop(rig.engine.undo(At::Now).unwrap().unwrap()));
    }),
    ("a whole block of settings", |rig, patterns| {
        rig.edit(Edit::Setting(Setting::Bpm(120.0)));
        rig.edit(Edit::Setting(Setting::BeatsPerCycle(4.0)));
        rig.edit(Edit::Setting(Setting::Seed(0)));
        plays(patterns).into_iter().for_each(|edit| {
            rig.edit(edit);
        });
        rig.edit(Edit::Setting(Setting::Start(Start::Restart)));
    }),
];

#[test]
fn the_same_pattern_sent_again_in_any_way_at_any_time_is_not_heard() {
    let mut dice = Dice(15);
    let mut sounding = 0;
    for round in 0..108 {
        let patterns = dice.patterns();
        let (way, again) = WAYS[round % WAYS.len()];
        let block = [64, 100, 333][round / WAYS.len() % 3];
        let mut rigs = [rig(), rig()];
        for rig in &mut rigs {
            plays(&patterns).into_iter().for_each(|edit| {
                rig.edit(edit);
            });
        }
        for at in 0..30 {
            let sent = at > 0 && dice.below(3) == 0;
            let [once, often] = &mut rigs;
            if sent {
                again(often, &patterns);
            }
            let [left, heard] = [once, often].map(|rig| rig.block(block)[0].clone());
            let differs = first_difference(&left, &heard);
            let values = differs.map(|at| (left[at], heard[at]));
            assert_eq!(values, None, "{way}, round {round}, block {at} of {block}: {patterns:?}");
            sounding += usize::from(sent && left.iter().any(|x| *x != 0.0));
        }
        let [once, often] = &rigs;
        assert_eq!(once.midi, often.midi, "{way}, round {round}: {patterns:?}");
    }
    assert!(sounding > 300, "{sounding}");
}

#[test]
fn a_hush_and_another_pattern_on_one_sample_give_controls_back_and_without_the_hush_they_are_held() {
    for hushed in [false, true] {
        let mut rig = rig();
        let level = |value| builders::control("plain/gate", value);
        rig.edit(play("x", builders::control("pan/gain", 0.5) | level(0.25)));
        rig.edit(set("pan/gain", 1.0));
        rig.settle_while_playing();
        if hushed {
            rig.edit_at(Edit::HushAll, At::Position(0.5));
        }
        rig.edit_at(play("x", level(0.25) | builders::rest()), At::Position(0.5));
        rig.render(CYCLE / 2, &[64]);
        let [left, _] = rig.render(CYCLE, &[64]);
        // The gate that both hold is open, behind a gain that the old one alone has set.
        let expected = if hushed { 0.25 } else { 0.125 };
        assert_eq!(left[CYCLE - 1], expected, "hushed: {hushed}");
    }
}

#[test]
fn a_tempo_between_a_hush_and_a_pattern_of_its_position_loses_no_note() {
    let mut rigs = [rig(), rig()];
    for (number, rig) in rigs.iter_mut().enumerate() {
        let long = builders::note(8.0).over(3.0);
        rig.edit(play("many", long.clone()));
        rig.edit(play("plain", builders::hit("plain/gate").over(3.0)));
        rig.settle_while_playing();
        for edit in [
            Edit::Hush { slot: "many".into() },
            Edit::HushAll,
            Edit::Setting(Setting::Bpm(90.0)),
            Edit::Setting(Setting::FreeRun(true)),
            Edit::Setting(Setting::ClockSource(ClockSource::External)),
            play("plain", builders::hit("plain/gate").over(3.0)),
            play("many", long),
        ] {
            if number == 1
                || matches!(edit, Edit::Setting(Setting::Bpm(_)) | Edit::Setting(Setting::FreeRun(_)))
            {
                rig.edit_at(edit, At::Position(0.5));
            }
        }
    }
    let [once, often] = rigs.map(|mut rig| rig.render(2 * CYCLE, &[100])[0].clone());
    assert!(once[CYCLE] > 8.0);
    assert_eq!(first_difference(&once, &often), None);
}

#[test]
fn what_a_note_has_set_on_another_node_stays_over_a_hush_and_the_same_pattern() {
    for slot in ["many", "one", "plain"] {
        let mut rig = rig();
        let gate = if slot == "plain" { "plain/gate" } else { "gate" };
        let start = vec![
            builders::control("freq", 8.0),
            builders::control("pan/gain", 0.5),
            builders::control(gate, 1.0),
        ];
        let end = builders::control(gate, 0.0);
        let note = builders::freeze(builders::cat(vec![builders::stack(start), end])).over(4.0);
        rig.edit(play(slot, note.clone()));
        rig.render(CYCLE, &[64]);
        let before = *rig.block(64)[0].last().unwrap();
        rig.edit_at(Edit::Hush { slot: slot.into() }, At::Position(1.25));
        rig.edit_at(play(slot, note), At::Position(1.25));
        let after = *rig.render(CYCLE / 2, &[64])[0].last().unwrap();
        assert!(before > 0.0);
        assert_eq!(before, after, "{slot}");
    }
}

#[test]
fn a_gate_that_its_unit_leaves_open_stays_open_behind_the_unit() {
    for slot in ["many", "one", "plain"] {
        let gate = if slot == "plain" { "plain/gate" } else { "gate" };
        let opens = vec![builders::control("freq", 8.0), builders::control(gate, 1.0)];
        let opens = builders::freeze(builders::stack(opens));
        let rests = || builders::rest();
        let song = builders::cat(vec![opens, rests(), rests(), rests()]).over(4.0);
        let mut rigs = [rig(), rig()];
        for rig in &mut rigs {
            rig.edit(play(slot, song.clone()));
            rig.settle_while_playing();
            rig.render(2 * CYCLE, &[64]);
        }
        rigs[1].edit_at(play(slot, song), At::AtOnce);
        let [once, often] = rigs.map(|mut rig| rig.render(CYCLE, &[64])[0].clone());
        assert!(once.iter().all(|x| *x > 0.0), "{slot}");
        assert_eq!(first_difference(&once, &often), None, "{slot}");
    }
}

#[test]
fn two_gates_outside_of_units_in_one_voice_and_one_that_a_shape_holds_go_on() {
    let two = |rig: &mut Rig| {
        let node = GraphNode { count: 4, ..node("many", "pipe", &[]) };
        let mut graph = graph(vec![support::node("out", "dac", &[]), node], &[("many", "out")]);
        graph.exposed_controls.insert("many/trig".into(), ("many".into(), "other".into()));
        rig.edit(Edit::LoadGraph(graph));
        rig.settle();
        (rig.played, rig.rendered) = (0, 0);
    };
    let control = builders::control;
    let trig = builders::cat(vec![control("many/trig", 0.0), control("many/trig", 1.0)]);
    let shape = Pattern::Shape {
        kind: "sine".into(),
        lo: 0.5,
        hi: 1.0,
        label: "many/gate".into(),
        duty: None,
        seed: None,
        table: None,
        span: None,
    };
    for pattern in [control("many/gate", 1.0).over(4.0) | trig, shape] {
        let mut rigs = [rig(), rig()];
        rigs.iter_mut().for_each(two);
        for rig in &mut rigs {
            rig.edit(play("many", pattern.clone()));
        }
        let mut heard = 0;
        for at in 0..30 {
            let [once, often] = &mut rigs;
            if at % 4 == 3 {
                often.edit(play("many", pattern.clone()));
            }
            let [left, again] = [once, often].map(|rig| rig.block(100)[0].clone());
            assert_eq!(first_difference(&left, &again), None, "block {at}: {pattern:?}");
            heard += usize::from(left.iter().all(|x| *x > 0.0));
        }
        assert!(heard > 5, "{heard}");
    }
}
