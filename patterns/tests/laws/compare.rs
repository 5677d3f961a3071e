//! What two patterns, a pattern and the model, or the pieces of a window play alike.

use krach_patterns::{Event, EventBuffer, Pattern, Program, Span, Time, Value, compile};
use proptest::prelude::*;

use super::model::{self, Big, ModelEvent, of};

pub fn events(program: &Program, window: Span, seed: u64) -> Vec<Event> {
    let mut out = EventBuffer::with_capacity(100_000);
    program.query(window, seed, &mut out).unwrap();
    out.as_slice().to_vec()
}

pub fn onsets(program: &Program, window: Span, seed: u64) -> Vec<Event> {
    let mut out = EventBuffer::with_capacity(100_000);
    program.onsets(window, seed, &mut out).unwrap();
    out.as_slice().to_vec()
}

pub type Key = (Big, Big, Big, Big, String);

pub fn keys(program: &Program, events: &[Event]) -> Vec<Key> {
    let mut keys: Vec<Key> = events
        .iter()
        .map(|e| {
            let Value::Control { label, value } = &program.values()[e.value as usize] else {
                panic!("only controls here");
            };
            let value = if e.shape.is_some() { label.clone() } else { format!("{label}={value}") };
            (of(e.whole.begin), of(e.whole.end), of(e.part.begin), of(e.part.end), value)
        })
        .collect();
    keys.sort();
    keys
}

pub fn model_keys(events: &[ModelEvent]) -> Vec<Key> {
    let mut keys: Vec<Key> = events.iter().map(ModelEvent::key).collect();
    keys.sort();
    keys
}

/// The same events in the same cycles, whatever their order.
pub fn same(a: &Pattern, b: &Pattern, seed: u64) -> Result<(), TestCaseError> {
    let (Ok(x), Ok(y)) = (compile(a), compile(b)) else {
        return Err(TestCaseError::reject("too many events"));
    };
    for cycle in -3..5 {
        let window = Span::cycle(cycle);
        prop_assert_eq!(keys(&x, &onsets(&x, window, seed)), keys(&y, &onsets(&y, window, seed)));
        prop_assert_eq!(merged(&x, window, seed), merged(&y, window, seed));
    }
    Ok(())
}

/// The same onsets in the same cycles, wherever queries split what goes on.
pub fn same_onsets(a: &Pattern, b: &Pattern) -> Result<(), TestCaseError> {
    let (Ok(x), Ok(y)) = (compile(a), compile(b)) else {
        return Err(TestCaseError::reject("too many events"));
    };
    let begins = |program: &Program, window| {
        let keys = keys(program, &onsets(program, window, 0)).into_iter();
        let mut begins: Vec<_> = keys.map(|(begin, end, _, _, value)| (begin, end, value)).collect();
        begins.sort();
        begins
    };
    for cycle in -3..5 {
        let window = Span::cycle(cycle);
        prop_assert_eq!(begins(&x, window), begins(&y, window));
    }
    Ok(())
}

/// Events with touching parts of one whole joined: where a query splits is not part of a meaning.
pub fn merged(program: &Program, window: Span, seed: u64) -> Vec<Key> {
    let mut out: Vec<Key> = Vec::new();
    let mut all = keys(program, &events(program, window, seed));
    all.sort_by(|a, b| (&a.0, &a.1, &a.4, &a.2).cmp(&(&b.0, &b.1, &b.4, &b.2)));
    for key in all {
        match out.last_mut() {
            Some(last) if (&last.0, &last.1, &last.4) == (&key.0, &key.1, &key.4) && last.3 == key.2 => {
                last.3 = key.3
            }
            _ => out.push(key),
        }
    }
    out
}

/// The same events, their parts cut at these places.
pub fn cut_at(mut keys: Vec<Key>, borders: &[Big]) -> Vec<Key> {
    for border in borders {
        for at in 0..keys.len() {
            if keys[at].2 < *border && *border < keys[at].3 {
                let mut rest = keys[at].clone();
                rest.2 = border.clone();
                keys[at].3 = border.clone();
                keys.push(rest);
            }
        }
    }
    keys.sort();
    keys
}

pub fn window() -> impl Strategy<Value = Span> {
    (-40_i64..40, 1..60_i64, prop::sample::select(vec![1_i64, 2, 3, 7, 12, 16, 1 << 20, 999_983])).prop_map(
        |(begin, length, d)| {
            Span::new(Time::new(begin, d.min(16)), Time::new(begin, d.min(16)) + Time::new(length, d.max(8)))
        },
    )
}

/// A query gives what the model gives, and onsets are what of it begins.
pub fn compared(p: &Pattern, window: Span, seed: u64) -> Result<(), TestCaseError> {
    let Ok(program) = compile(p) else { return Err(TestCaseError::reject("refused")) };
    let got = events(&program, window, seed);
    let (got_keys, want_keys) = (keys(&program, &got), model_keys(&model::query(p, window, seed)));
    // Where numbers are patterns, an event may be cut at borders of the numbers that change nothing.
    let borders: Vec<Big> = match ["Vary", "Pick"].iter().any(|by| format!("{p:?}").contains(by)) {
        true => got_keys.iter().chain(&want_keys).flat_map(|key| [key.2.clone(), key.3.clone()]).collect(),
        false => Vec::new(),
    };
    prop_assert_eq!(cut_at(got_keys, &borders), cut_at(want_keys, &borders));
    for e in &got {
        prop_assert_eq!(e.part.begin, e.part.begin.reduced());
        prop_assert_eq!(*e.whole.end.denom(), *e.whole.end.reduced().denom());
    }
    let beginning: Vec<Event> = got.into_iter().filter(Event::has_onset).collect();
    prop_assert_eq!(keys(&program, &onsets(&program, window, seed)), keys(&program, &beginning));
    Ok(())
}

/// Onsets of the pieces of a window are those of the window.
pub fn partitioned(program: &Program, window: Span, cuts: Vec<i64>) -> Result<(), TestCaseError> {
    let length = window.end - window.begin;
    let mut cuts: Vec<Time> = cuts.iter().map(|c| window.begin + length * Time::new(*c, 1001)).collect();
    cuts.push(window.begin);
    cuts.push(window.end);
    cuts.sort();
    let begins = |window| {
        onsets(program, window, 1)
            .iter()
            .map(|e| (e.whole.begin, e.whole.end, e.value, e.unit_key, e.unit_end))
            .collect::<Vec<_>>()
    };
    let mut pieces: Vec<_> = cuts.windows(2).flat_map(|w| begins(Span::new(w[0], w[1]))).collect();
    let mut whole = begins(window);
    pieces.sort();
    whole.sort();
    prop_assert_eq!(pieces, whole);
    Ok(())
}
