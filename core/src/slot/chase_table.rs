//! What a continuous control was last told, further back than the audio thread looks.
//!
//! After a jump the audio thread looks for the last value of each control within
//! [`LOOK_BACK`] cycles. What was said earlier, and not again since, stands in a table that the
//! control side draws up when it sends a pattern: the events after which a label keeps silent for
//! longer than that. In most patterns there are none.

use super::target::Target;
use krach_patterns::{EventBuffer, MAX_EVENTS_PER_CYCLE, Program, Span, Time};

/// The audio thread looks so many cycles back itself.
pub const LOOK_BACK: i32 = 4;
/// A table reaches at most so many cycles into the song, or spans a period so long.
const MAX_CYCLES: u64 = 4096;
/// Events that are looked at for one table; what lies beyond is not in it.
const MAX_LOOKED_AT: usize = 16_384;
/// What is said less than this many cycles short of [`LOOK_BACK`] is in both.
const MARGIN: f64 = 1e-3;

/// Something said before a long silence.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Entry {
    /// Number of the label among those that are chased.
    label: u32,
    /// In the pattern's own cycles.
    position: f64,
    /// Index among the pattern's values.
    value: u32,
}

/// Where the labels of a pattern were told something and then nothing for a while.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChaseTable {
    /// Of this seed; under another, chance tells otherwise.
    seed: Option<u64>,
    /// By label and position.
    entries: Vec<Entry>,
    reach: Reach,
}

/// For which positions a table holds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reach {
    /// For all, as the pattern repeats after so many cycles.
    Period(f64),
    /// From cycle 0 to here.
    Until(f64),
}

impl Default for Reach {
    fn default() -> Self {
        Self::Period(1.0)
    }
}

impl ChaseTable {
    /// The table of a pattern whose values do what `targets` say, under the session's seed.
    pub fn of(program: &Program, targets: &[Target], seed: u64) -> Self {
        let period = program.period();
        // What repeats that soon is found by looking.
        if !targets.iter().any(is_chased) || period.is_some_and(|cycles| cycles <= LOOK_BACK as u64) {
            return Self::default();
        }
        let repeats = period.filter(|&cycles| cycles <= MAX_CYCLES);
        let mut scan = Scan::default();
        let mut events = EventBuffer::with_capacity(MAX_EVENTS_PER_CYCLE as usize);
        let mut cycle = 0;
        while cycle < repeats.unwrap_or(MAX_CYCLES) && scan.looked_at < MAX_LOOKED_AT {
            events.clear();
            // A buffer of that size holds every cycle of every pattern.
            if program.onsets(Span::cycle(cycle as i64), seed, &mut events).is_err() {
                break;
            }
            scan.cycle(&events, targets);
            cycle += 1;
        }
        let reach = match repeats {
            Some(period) if period == cycle => Reach::Period(period as f64),
            _ => Reach::Until(cycle as f64),
        };
        let seed = period.is_none().then_some(seed);
        Self { seed, entries: scan.finish(reach), reach }
    }

    /// Does it depend on the session's seed?
    pub fn is_of_chance(&self) -> bool {
        self.seed.is_some()
    }

    /// What a label was told last before `position` and not before `oldest` (in the pattern's cycles),
    /// as an index among the values, given that nothing was said within [`LOOK_BACK`] cycles.
    pub fn last(&self, label: u32, position: f64, oldest: f64, seed: u64) -> Option<u32> {
        if self.seed.is_some_and(|own| own != seed) {
            return None;
        }
        let first = self.entries.partition_point(|e| e.label < label);
        let after = first + self.entries[first..].partition_point(|e| e.label == label);
        let of_label = &self.entries[first..after];
        let (begin, within) = match self.reach {
            Reach::Period(period) => {
                let within = position.rem_euclid(period);
                (position - within, within)
            }
            Reach::Until(end) if (0.0..=end).contains(&position) => (0.0, position),
            Reach::Until(_) => return None,
        };
        let passed = of_label.partition_point(|e| e.position < within);
        let (found, at) = match (passed.checked_sub(1), self.reach) {
            (Some(last), _) => (of_label[last], begin + of_label[last].position),
            (None, Reach::Period(period)) => {
                let last = of_label.last()?;
                (*last, begin - period + last.position)
            }
            (None, Reach::Until(_)) => return None,
        };
        (at >= oldest).then_some(found.value)
    }
}

fn is_chased(target: &Target) -> bool {
    target.chased().is_some()
}

/// Going through a pattern from cycle 0.
#[derive(Default)]
struct Scan {
    /// First and latest of each label.
    seen: Vec<Option<(f64, Entry)>>,
    silences: Vec<Entry>,
    looked_at: usize,
}

impl Scan {
    fn cycle(&mut self, events: &EventBuffer, targets: &[Target]) {
        self.looked_at += events.len();
        let chased = events.as_slice().iter().filter_map(|event| {
            let label = targets.get(event.value as usize)?.chased()?;
            Some(Entry { label, position: cycles(event.whole.begin), value: event.value })
        });
        let mut told: Vec<Entry> = chased.collect();
        // Of several at once the last in the pattern's order counts.
        told.sort_by(|a, b| a.position.total_cmp(&b.position));
        for entry in told {
            let label = entry.label as usize;
            if self.seen.len() <= label {
                self.seen.resize(label + 1, None);
            }
            match &mut self.seen[label] {
                Some((_, latest)) => {
                    let before = std::mem::replace(latest, entry);
                    self.note(before, entry.position);
                }
                unseen => *unseen = Some((entry.position, entry)),
            }
        }
    }

    fn note(&mut self, entry: Entry, next: f64) {
        if next - entry.position > f64::from(LOOK_BACK) - MARGIN {
            self.silences.push(entry);
        }
    }

    /// The table's entries in order.
    fn finish(mut self, reach: Reach) -> Vec<Entry> {
        for (first, latest) in std::mem::take(&mut self.seen).into_iter().flatten() {
            let next = match reach {
                Reach::Period(period) => first + period,
                Reach::Until(_) => f64::INFINITY,
            };
            self.note(latest, next);
        }
        self.silences.sort_by(|a, b| a.label.cmp(&b.label).then(a.position.total_cmp(&b.position)));
        self.silences.shrink_to_fit();
        self.silences
    }
}

fn cycles(t: Time) -> f64 {
    *t.numer() as f64 / *t.denom() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::slot_pattern;
    use krach_patterns::{Pattern, Value, builders::*, compile};

    /// What the table says of each label before a position; the value, by label.
    fn said(pattern: &Pattern, position: f64, oldest: f64) -> Vec<Option<f64>> {
        let program = compile(pattern).unwrap();
        let slot = slot_pattern("s", program, 0, 7);
        (0..slot.chased)
            .map(|label| {
                let value = slot.chase.last(label, position, oldest, 7)?;
                match &slot.program.values()[value as usize] {
                    Value::Control { value, .. } => Some(*value),
                    other => panic!("{other:?}"),
                }
            })
            .collect()
    }

    const ALWAYS: f64 = f64::NEG_INFINITY;

    #[test]
    fn what_comes_again_within_four_cycles_needs_no_table() {
        for pattern in
            [control("a", 1.0), control("a", 1.0).over(4.0), control("a", 1.0).every(3, |_| rest())]
        {
            let program = compile(&pattern).unwrap();
            assert_eq!(*slot_pattern("s", program, 0, 7).chase, ChaseTable::default());
        }
        let often = compile(&(control("a", 1.0) * 8).thin(0.3, 1)).unwrap();
        let table = slot_pattern("s", often, 0, 7).chase;
        assert!(table.entries.len() <= 1 && table.is_of_chance(), "{table:?}");
    }

    #[test]
    fn a_slow_line_is_known_at_any_time_of_any_of_its_rounds() {
        // On cycles 0 and 8 of 16.
        let line = cat(vec![control("a", 1.0), control("a", 2.0)]).over(16.0);
        for (position, value) in
            [(7.9, 1.0), (5.0, 1.0), (15.0, 2.0), (16.0, 2.0), (16_000_007.5, 1.0), (-3.0, 2.0)]
        {
            assert_eq!(said(&line, position, ALWAYS), [Some(value)], "at {position}");
        }
        assert_eq!(said(&line, 7.9, 0.0), [Some(1.0)]);
        assert_eq!(said(&line, 7.9, 0.1), [None], "what was said before the song began was not said");
        assert_eq!(said(&line, 16.0, 8.0), [Some(2.0)]);
    }

    #[test]
    fn labels_are_kept_apart() {
        let line = cat(vec![control("a", 1.0), control("b", 2.0)]).over(20.0);
        assert_eq!(said(&line, 9.0, 0.0), [Some(1.0), None]);
        assert_eq!(said(&line, 19.0, 0.0), [Some(1.0), Some(2.0)]);
    }

    #[test]
    fn chance_is_known_as_far_as_it_was_thrown_and_for_its_seed_only() {
        let rare = control("a", 1.0).thin(0.9, 3);
        let program = compile(&rare).unwrap();
        let mut events = EventBuffer::with_capacity(8192);
        program.onsets(Span::new(Time::from_integer(0), Time::from_integer(200)), 7, &mut events).unwrap();
        let onsets: Vec<f64> = events.as_slice().iter().map(|e| cycles(e.whole.begin)).collect();
        let table = slot_pattern("s", program, 0, 7).chase;
        for position in 0..200 {
            let position = f64::from(position) + 0.5;
            let last = onsets.iter().rfind(|&&onset| onset < position);
            // Where looking finds it, the table need not.
            if last.is_none_or(|last| position - last > 4.0) {
                assert_eq!(table.last(0, position, 0.0, 7).is_some(), last.is_some(), "at {position}");
            }
        }
        assert_eq!(table.last(0, 150.0, 0.0, 8), None);
        assert_eq!(table.last(0, 1e6, 0.0, 7), None);
        assert_eq!(table.last(0, -10.0, ALWAYS, 7), None);
    }
}
