//! No gate outlives its note, whatever a pattern does to notes: ten thousand random ones.

mod clock_support;

use clock_support::probe::gates;
use clock_support::support::{RATE, Rig, node, play, probes, wire};
use clock_support::{Gate, Host, Script, render_with};
use krach_core::engine::*;
use krach_core::model::Setting;
use krach_patterns::{EventBuffer, Pattern, Span, Time, Value, builders, compile, mini};

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    /// Notes, hits and chords under whatever moves, thins and turns them.
    fn pattern(&mut self, depth: u64) -> Pattern {
        if depth == 0 || self.below(6) == 0 {
            return match self.below(4) {
                0 => builders::rest(),
                1 => builders::hit("v/gate"),
                2 => builders::note(48 + self.below(24) as i32),
                _ => builders::chord([48, 52, 55]),
            };
        }
        let below = |dice: &mut Self| dice.pattern(depth - 1);
        let some =
            |dice: &mut Self| (0..1 + dice.below(3)).map(|_| dice.pattern(depth - 1)).collect::<Vec<_>>();
        match self.below(10) {
            0 | 1 => builders::cat(some(self)),
            2 => builders::stack(some(self)),
            3 => below(self).thin(0.5, self.below(9)),
            4 => below(self).rev(),
            5 => below(self).shift(self.below(16) as f64 / 8.0 - 1.0),
            6 => below(self).over([0.5, 2.0, 3.0, 1.5][self.below(4) as usize]),
            7 => {
                let n = 2 + self.below(3) as u32;
                below(self).every(n, if self.below(2) == 0 { Pattern::rev } else { |_| builders::rest() })
            }
            8 => below(self).spread(3, 8),
            _ => below(self).swing(0.6, 4),
        }
    }
}

/// A note of a pattern: when it opens and when it is over, in cycles.
fn notes(pattern: &Pattern, cycles: i64) -> Vec<(f64, f64)> {
    let program = compile(pattern).unwrap();
    let mut out = EventBuffer::with_capacity(1 << 16);
    program.onsets(Span::new(Time::from_integer(0), Time::from_integer(cycles)), 0, &mut out).unwrap();
    let float = |t: Time| *t.numer() as f64 / *t.denom() as f64;
    let opens = |value: u32| {
        matches!(&program.values()[value as usize],
            Value::Control { label, value } if label.ends_with("gate") && *value > 0.0)
    };
    let opening = out.as_slice().iter().filter(|e| opens(e.value));
    opening.map(|e| (float(e.whole.begin), float(e.unit_end))).collect()
}

/// Stretches in which some note is on.
fn held(notes: &[(f64, f64)], at: f64) -> bool {
    notes.iter().any(|(begin, end)| *begin <= at && at < *end)
}

#[test]
fn of_ten_thousand_random_patterns_none_leaves_a_gate_open() {
    const CYCLES: i64 = 6;
    let mut dice = Dice(5);
    let (mut played, mut torn) = (0, 0);
    let mut rig = Rig::with(probes::registry());
    // So that a cycle is 960 frames.
    rig.bpm = 12_000.0;
    let graph = RawGraph {
        nodes: vec![node("out", "dac", &[]), GraphNode { count: 3, ..node("v", "pipe", &[]) }],
        connections: vec![wire("v", "out")],
        exposed_controls: Default::default(),
    };
    rig.edit(Edit::Setting(Setting::Limiter(false)));
    rig.edit(Edit::LoadGraph(graph));
    rig.edit(clock_support::support::set("v/tail", 0.0));
    rig.settle();
    for number in 0..10_000 {
        let pattern = dice.pattern(4);
        let Ok(program) = compile(&pattern) else { continue };
        if program.events_per_cycle() > 200 {
            continue;
        }
        torn += usize::from(program.tears());
        let all = notes(&pattern, CYCLES);
        (rig.playing, rig.start_beats, rig.played) = (false, 0.0, 0);
        rig.block(16);
        rig.edit(play("v", pattern.clone()));
        rig.playing = true;
        rig.played = 0;
        let [left, _] = rig.render(960 * CYCLES as usize, &[333, 64]);
        // A node sounds only while some note is on: what began before cycle 0 is not heard of.
        for (frame, sample) in left.iter().enumerate() {
            // Ends come at the first frame at or after them, and a voice takes a frame to fall silent.
            let near = (-3..2).map(|off| (frame as f64 + f64::from(off)) / 960.0);
            let stuck = *sample != 0.0 && !near.into_iter().any(|cycle| held(&all, cycle));
            assert!(!stuck, "{number}, frame {frame}: {pattern:?}");
        }
        played += usize::from(left.iter().any(|x| *x != 0.0));
        rig.edit(Edit::Hush { slot: "v".into() });
        rig.block(16);
        assert_eq!(rig.block(16)[0], [0.0; 16], "{number}, hushed: {pattern:?}");
    }
    assert!(played > 5_000 && torn > 1_500, "{played} played, {torn} may be torn");
}

#[test]
fn a_note_that_lasts_over_its_step_is_over_where_it_ends() {
    // Every other cycle, in the second half: the end of the note falls into the next cycle's step.
    let line = mini("~ x/2").unwrap();
    let edits = [play("v", line)];
    let script = Script::at(RATE, 0.0, 120.0).play(400_000);
    for blocks in clock_support::PARTITIONS {
        let (log, _) = render_with(&script, Host::EXACT, &edits, blocks);
        let found = gates(&log);
        let open = |sample, open| Gate { sample, open };
        assert_eq!(
            found,
            [open(48_000, true), open(144_000, false), open(240_000, true), open(336_000, false)],
            "{blocks:?}"
        );
    }
}

#[test]
fn an_end_that_chance_or_every_dropped_is_made_up_for() {
    // On at 3/4, its end at 1 1/4 lies in a cycle that is silent.
    let odd = builders::hit("v/gate").shift(0.75).every(2, |_| builders::rest());
    let script = Script::at(RATE, 0.0, 120.0).play(500_000);
    for blocks in clock_support::PARTITIONS {
        let (log, _) = render_with(&script, Host::EXACT, &[play("v", odd.clone())], blocks);
        // On in cycles 1, 3, …; the unit that began at 1 3/4 is over at 2 3/4.
        let opens: Vec<i64> = gates(&log).iter().filter(|g| g.open).map(|g| g.sample).collect();
        let shuts: Vec<i64> = gates(&log).iter().filter(|g| !g.open).map(|g| g.sample).collect();
        assert_eq!(opens, [168_000, 360_000], "{blocks:?}");
        assert_eq!(
            shuts.iter().filter(|&&n| n > 168_000).collect::<Vec<_>>(),
            [&264_000, &456_000],
            "{blocks:?}"
        );
    }
}
