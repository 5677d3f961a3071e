//! Which notes sound when patterns replace one another, by a plain model: lists of units, one after the other.

use super::*;
use krach_patterns::{EventBuffer, Span, Time};
use std::collections::BTreeMap;

/// Cycles of each round.
const CYCLES: usize = 4;

/// A unit: where it begins and ends, and what it says: where, at which place in the pattern, what.
#[derive(Clone, Debug)]
struct Unit {
    begin: f64,
    end: f64,
    says: Vec<(f64, usize, String, f64)>,
}

fn units(pattern: &Pattern) -> Vec<Unit> {
    let program = compile(pattern).unwrap();
    let mut out = EventBuffer::with_capacity(1 << 16);
    let window = Span::new(Time::from_integer(0), Time::from_integer(CYCLES as i64));
    program.onsets(window, 0, &mut out).unwrap();
    let float = |t: Time| *t.numer() as f64 / *t.denom() as f64;
    let mut units: BTreeMap<(u32, Time), Unit> = BTreeMap::new();
    for (place, event) in out.as_slice().iter().enumerate() {
        let Value::Control { label, value } = &program.values()[event.value as usize] else { continue };
        let (begin, end) = (float(event.unit_key.1), float(event.unit_end));
        let unit = units.entry(event.unit_key).or_insert(Unit { begin, end, says: Vec::new() });
        unit.says.push((float(event.whole.begin), place, label.clone(), *value));
    }
    units.into_values().collect()
}

fn frame(cycles: f64) -> usize {
    (cycles * CYCLE as f64 - 1e-6).ceil() as usize
}

impl Unit {
    fn said_before(&self, before: usize) -> Vec<(f64, &str, f64)> {
        let said = self.says.iter().filter(|(at, ..)| frame(*at) < before);
        let mut said: Vec<_> = said.map(|(at, _, label, value)| (*at, label.as_str(), *value)).collect();
        said.sort_by(|a, b| a.partial_cmp(b).unwrap());
        said
    }

    /// The same as another, as far as it has been heard.
    fn is_same(&self, other: &Self, before: usize) -> bool {
        (self.begin, self.end) == (other.begin, other.end)
            && self.said_before(before) == other.said_before(before)
    }
}

/// A note that holds a voice.
struct Held {
    /// Of the pattern that plays now.
    unit: usize,
    hz: f64,
}

/// What came of the notes of a replaced pattern.
#[derive(Default)]
struct Seen {
    shared: usize,
    ended: usize,
    not_begun: usize,
    stolen: usize,
}

/// The sum of the frequencies that sound on each frame, and the frames on which it may change.
fn model(song: &[(usize, Pattern)], voices: usize, seen: &mut Seen) -> (Vec<f32>, Vec<usize>) {
    let (mut held, mut sums, mut borders): (Vec<Held>, Vec<f32>, Vec<usize>) = Default::default();
    let mut playing: Vec<Unit> = Vec::new();
    for (number, (from, pattern)) in song.iter().enumerate() {
        let until = song.get(number + 1).map_or(CYCLES * CYCLE, |next| next.0);
        let next = units(pattern);
        let mut taken = vec![false; next.len()];
        let before = held.len();
        held.retain_mut(|note| {
            let same = |at: &usize| !taken[*at] && playing[note.unit].is_same(&next[*at], *from);
            let heir = (0..next.len()).find(same).filter(|at| frame(next[*at].end) > *from);
            if let Some(heir) = heir {
                taken[heir] = true;
                note.unit = heir;
            }
            heir.is_some()
        });
        // One that has said it already closes here.
        held.retain(|note| {
            let closed = |(at, _, label, value): &&(f64, usize, String, f64)| {
                label == "gate" && *value == 0.0 && frame(*at) < *from
            };
            !next[note.unit].says.iter().any(|said| closed(&said))
        });
        seen.shared += held.len();
        seen.ended += before - held.len();
        playing = next;
        // All that opens or closes from here on: where, in which order, which unit, what.
        let mut turns: Vec<(f64, usize, usize, Option<f64>)> = Vec::new();
        for (at, unit) in playing.iter().enumerate() {
            let mut closes = false;
            for (when, place, label, value) in &unit.says {
                if label == "gate" && *value > 0.0 {
                    let same_place = |s: &&(f64, usize, String, f64)| s.2 == "freq" && s.0 == *when;
                    let freq = unit.says.iter().find(same_place).map(|said| said.3);
                    turns.push((*when, *place, at, freq));
                    seen.not_begun += usize::from(frame(*when) < *from && !taken[at]);
                } else if label == "gate" {
                    closes = true;
                    turns.push((*when, *place, at, None));
                }
            }
            if !closes {
                turns.push((unit.end, usize::MAX, at, None));
            }
        }
        turns.retain(|(when, ..)| (*from..until).contains(&frame(*when)));
        turns.sort_by(|a, b| (a.0, a.1).partial_cmp(&(b.0, b.1)).unwrap());
        let mut turns = turns.into_iter().peekable();
        borders.push(*from);
        for now in *from..until {
            while let Some((.., unit, opens)) = turns.next_if(|turn| frame(turn.0) == now) {
                borders.push(now);
                held.retain(|note| note.unit != unit);
                if let Some(hz) = opens {
                    if held.len() == voices {
                        held.remove(0);
                        seen.stolen += 1;
                    }
                    held.push(Held { unit, hz });
                }
            }
            sums.push(held.iter().map(|note| note.hz as f32).sum());
        }
    }
    (sums, borders)
}

/// A host's key that is held beside the pattern's notes.
fn key(rig: &mut Rig) {
    use krach_core::processor::{HostEvent, HostEventKind, NoteAddress};
    let note = NoteAddress { port: 0, channel: 0, key: 69, note_id: 1 };
    rig.edit(Edit::RouteNotes { channel: None, node: Some("many".into()) });
    rig.played_in = vec![HostEvent { offset: 0, what: HostEventKind::NoteOn { note, velocity: 1.0 } }];
}

/// Patterns in place of one another, at random; so many rounds, with so many voices.
fn held_to_the_model(seed: u64, rounds: usize, voices: u32) -> Seen {
    let mut dice = Dice(seed);
    let (mut seen, mut played) = (Seen::default(), 0);
    for round in 0..rounds {
        // Some of the pattern is in the one that comes.
        let mut parts = [(); 3].map(|()| dice.pattern("many", 3, true));
        let mut song = Vec::new();
        let mut at = 0;
        for _ in 0..2 + dice.below(3) {
            let [a, b, _] = parts.clone();
            let pattern = match round % 3 {
                0 => a | b,
                1 => builders::cat(vec![a, b]),
                _ => a,
            };
            song.push((at, pattern));
            at += 64 * (1 + dice.below(26) as usize);
            parts.rotate_left(1);
            if round % 3 < 2 {
                parts.swap(0, 2);
            }
        }
        song.retain(|(at, _)| *at < CYCLES * CYCLE);
        if !song.iter().all(|(_, p)| compile(p).is_ok_and(|p| p.events_per_cycle() < 60)) {
            continue;
        }
        let beside = voices == 24 && round % 2 == 0;
        let mut rig = rig_with(voices);
        rig.edit(set("many/tail", 0.0));
        rig.settle();
        rig.playing = true;
        rig.played = 0;
        rig.edit(play("many", song[0].1.clone()));
        if beside {
            key(&mut rig);
        }
        let mut heard: Vec<f32> = Vec::new();
        for (number, (at, pattern)) in song.iter().enumerate() {
            let when = if round % 2 == 0 { At::Now } else { At::Position(*at as f64 / CYCLE as f64) };
            if number > 0 {
                rig.edit_at(play("many", pattern.clone()), when);
            }
            let until = song.get(number + 1).map_or(CYCLES * CYCLE, |next| next.0);
            heard.extend(rig.render(until - at, &[64])[0].iter());
        }
        let (expected, borders) = model(&song, voices as usize, &mut seen);
        let held = if beside { 440.0 } else { 0.0 };
        for (frame, (heard, expected)) in heard.iter().zip(&expected).enumerate() {
            if !borders.iter().any(|border| frame.abs_diff(*border) < 2) {
                assert_eq!(
                    *heard,
                    expected + held,
                    "{voices} voices, round {round}, frame {frame}: {song:?}"
                );
            }
        }
        played += usize::from(expected.iter().any(|x| *x != 0.0));
    }
    assert!(played > rounds / 2, "{played} of {rounds}");
    seen
}

#[test]
fn units_of_both_patterns_go_on_those_of_the_old_end_and_none_of_the_new_begins_late() {
    let Seen { shared, ended, not_begun, stolen } = held_to_the_model(3, 400, 24);
    assert!(shared > 100 && ended > 100 && not_begun > 100 && stolen == 0, "{shared} {ended} {not_begun}");
}

#[test]
fn where_notes_steal_each_others_voices_those_go_on_that_have_one() {
    for (voices, rounds) in [(1, 200), (2, 200), (3, 200)] {
        let Seen { shared, ended, not_begun, stolen } = held_to_the_model(4, rounds, voices);
        assert!(shared > 20 && ended > 20 && stolen > 100, "{voices}: {shared} {ended} {not_begun} {stolen}");
    }
}
