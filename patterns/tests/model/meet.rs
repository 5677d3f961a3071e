//! Operators by which values meet: variations, combinations, chords.

use super::*;

pub(super) fn number(event: &ModelEvent) -> f64 {
    event.value.parse().unwrap()
}

/// The tests vary by multiples of a twelfth.
pub(super) fn twelfths(number: f64) -> Big {
    Big::new(((number * 12.0).round() as i64).into(), 12.into())
}

#[allow(clippy::too_many_arguments)] // the fields of a node and of a question
pub(super) fn vary(
    kind: &str,
    by: &[Pattern],
    numbers: &mut Vec<f64>,
    own: u64,
    transform: Option<&Pattern>,
    child: &Pattern,
    from: &Big,
    to: &Big,
    seed: u64,
) -> Vec<ModelEvent> {
    if let Some(Pattern::Number { value, .. }) = by.get(numbers.len()) {
        numbers.push(*value);
        let all = vary(kind, by, numbers, own, transform, child, from, to, seed);
        numbers.pop();
        return all;
    }
    if let Some(next) = by.get(numbers.len()) {
        let mut all = Vec::new();
        for event in go(next, from, to, seed) {
            numbers.push(number(&event));
            let (from, to) = &event.part;
            all.append(&mut vary(kind, by, numbers, own, transform, child, from, to, seed));
            numbers.pop();
        }
        return all;
    }
    let first = twelfths(numbers[0]);
    match kind {
        "fast" => line(child, first, int(0), from, to, seed),
        "slow" => line(child, first.recip(), int(0), from, to, seed),
        "early" => line(child, int(1), first, from, to, seed),
        "late" => line(child, int(1), -first, from, to, seed),
        "chance" => thrown(go(child, from, to, seed), numbers[0], own, false, seed),
        "every" => {
            let each = cycles(from, to).into_iter().flat_map(|(c, (a, b))| {
                let divisible = (c / int(numbers[0] as i64)).is_integer();
                go(transform.filter(|_| divisible).unwrap_or(child), &a, &b, seed)
            });
            each.collect()
        }
        _ => {
            let rotation = numbers.get(2).map_or(0, |r| *r as i64);
            let row = bjorklund(numbers[0].abs() as u32, numbers[1] as u32, rotation);
            let steps: Vec<Option<&Pattern>> =
                row.into_iter().map(|on| (on != (numbers[0] < 0.0)).then_some(child)).collect();
            steps_in(&steps, from, to, seed)
        }
    }
}

/// Values that meet: the tests combine numbers.
pub(super) fn combine(
    (kind, structure): (&str, &str),
    [left, right]: [&Pattern; 2],
    from: &Big,
    to: &Big,
    seed: u64,
) -> Vec<ModelEvent> {
    let meet = |l: &ModelEvent, r: &ModelEvent| {
        let (a, b) = (number(l), number(r));
        match kind {
            "add" => Some(a + b),
            "sub" => Some(a - b),
            "mul" => Some(a * b),
            "div" => Some(a / b),
            "mod" => Some(a - b * (a / b).floor()),
            "set" => Some(b),
            "keep" => Some(a),
            "mask" => (b != 0.0).then_some(a),
            // Turned over no time, a note is as it was: -0 stays -0.
            "inv" => Some(if b == 0.0 { a } else { a + 12.0 * b }),
            "voicing" => Some(b - (b - a).rem_euclid(12.0)),
            other => panic!("{other} is not in the model"),
        }
    };
    let mut all = Vec::new();
    let mut add = |value: Option<f64>, event: ModelEvent| {
        let value = value.map(|value| ModelEvent { value: value.to_string(), ..event });
        all.extend(value);
    };
    match structure {
        "left" => {
            for l in go(left, from, to, seed) {
                for r in go(right, &l.part.0, &l.part.1, seed) {
                    add(meet(&l, &r), ModelEvent { part: r.part, ..l.clone() });
                }
            }
        }
        "right" => {
            for r in go(right, from, to, seed) {
                for l in go(left, &r.part.0, &r.part.1, seed) {
                    add(meet(&l, &r), ModelEvent { part: l.part, ..r.clone() });
                }
            }
        }
        _ => {
            let rights = go(right, from, to, seed);
            for l in go(left, from, to, seed) {
                for r in &rights {
                    let mut event = l.clone();
                    if cut(&mut event, &r.part) {
                        let (a, b) = (l.whole.clone(), r.whole.clone());
                        event.whole = (a.0.max(b.0), a.1.min(b.1));
                        event.unit = event.whole.clone();
                        add(meet(&l, r), event);
                    }
                }
            }
        }
    }
    all
}

/// What begins and ends together and has met one number is a chord, whose lowest note goes up as often: what is said
/// here of the moment between two borders.
pub(super) fn inv_stack(
    structure: &str,
    [left, right]: [&Pattern; 2],
    from: &Big,
    to: &Big,
    seed: u64,
) -> Vec<ModelEvent> {
    let meeting = |kind: &str| combine((kind, structure), [left, right], from, to, seed);
    // The same events twice: with the numbers of the left, and with those of the right.
    let events: Vec<(ModelEvent, f64)> =
        meeting("keep").into_iter().zip(meeting("set").iter().map(number)).collect();
    let mut chords: Vec<(Stretch, f64)> = events.iter().map(|(e, by)| (e.whole.clone(), *by)).collect();
    chords.sort_by(|a, b| a.partial_cmp(b).unwrap());
    chords.dedup();
    let mut all = Vec::new();
    for chord in chords {
        let same: Vec<&ModelEvent> =
            events.iter().filter(|(e, by)| (&e.whole, by) == (&chord.0, &chord.1)).map(|(e, _)| e).collect();
        let borders: std::collections::BTreeSet<&Big> =
            same.iter().flat_map(|e| [&e.part.0, &e.part.1]).collect();
        let borders: Vec<&Big> = borders.into_iter().collect();
        for pair in borders.windows(2) {
            let there = same.iter().filter(|e| &e.part.0 <= pair[0] && pair[1] <= &e.part.1);
            let mut notes: Vec<(f64, &ModelEvent)> = there.map(|e| (number(e), *e)).collect();
            for _ in 0..chord.1.abs() as usize {
                let notes = notes.iter_mut().map(|(note, _)| note);
                // Of equal ones the first is the lowest, and the last the highest.
                match chord.1 > 0.0 {
                    true => {
                        notes.min_by(|a, b| a.partial_cmp(b).unwrap()).into_iter().for_each(|n| *n += 12.0)
                    }
                    false => {
                        notes.max_by(|a, b| a.partial_cmp(b).unwrap()).into_iter().for_each(|n| *n -= 12.0)
                    }
                }
            }
            // From the lowest to the highest.
            notes.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap());
            for (note, event) in notes {
                let part = (pair[0].clone(), pair[1].clone());
                all.push(ModelEvent { part, value: note.to_string(), ..event.clone() });
            }
        }
    }
    all
}
