//! Answers worked out by hand, where nothing was recorded: swing, units, shapes, values, cycles
//! before zero, fine fractions.

use krach_patterns::{Event, EventBuffer, OscArg, Pattern, Program, Span, Time, Value, builders::*, compile};

fn query(program: &Program, cycle: i64) -> Vec<Event> {
    let mut out = EventBuffer::with_capacity(4096);
    program.query(Span::cycle(cycle), 0, &mut out).unwrap();
    out.as_slice().to_vec()
}

fn at(n: i64, d: i64) -> Time {
    Time::new(n, d)
}

/// Numbers as steps of a sequence.
fn steps(values: impl IntoIterator<Item = i64>) -> Pattern {
    cat(values.into_iter().map(|v| control("c", v as f64)).collect())
}

/// `(whole.begin, value)` of all events in a cycle, in time order.
fn begins(pattern: &Pattern, cycle: i64) -> Vec<(Time, f64)> {
    let program = compile(pattern).unwrap();
    let mut events: Vec<(Time, f64)> = query(&program, cycle)
        .iter()
        .map(|e| match &program.values()[e.value as usize] {
            Value::Control { value, .. } => (e.whole.begin, *value),
            other => panic!("{other:?}"),
        })
        .collect();
    events.sort_by(|a, b| a.partial_cmp(b).unwrap());
    events
}

#[test]
fn swing_gives_the_first_of_two_steps_its_amount_of_the_pair() {
    // Eight steps, pairs of 1/4; 0.6 of a pair is 3/20.
    let swung = steps(0..8).swing(0.6, 8);
    let program = compile(&swung).unwrap();
    for cycle in [-1, 0, 7] {
        for (i, e) in query(&program, cycle).iter().enumerate() {
            let pair = at(cycle, 1) + at(i as i64 / 2, 4);
            let (begin, end) =
                if i % 2 == 0 { (pair, pair + at(3, 20)) } else { (pair + at(3, 20), pair + at(1, 4)) };
            assert_eq!((e.whole.begin, e.whole.end), (begin, end), "step {i} of cycle {cycle}");
            assert!(e.has_onset());
        }
    }
}

#[test]
fn swing_moves_what_lies_between_the_steps_too() {
    // Sixteen steps under a grid of eight: the halves of a stretched step are stretched alike.
    let swung = begins(&steps(0..16).swing(2.0 / 3.0, 8), 0);
    let want = [at(0, 1), at(1, 12), at(1, 6), at(5, 24), at(1, 4)];
    assert_eq!(swung.iter().map(|e| e.0).take(5).collect::<Vec<_>>(), want);
}

#[test]
fn swing_at_one_half_is_straight_and_below_it_drags_the_other_way() {
    assert_eq!(begins(&steps(0..4).swing(0.5, 4), 2), begins(&steps(0..4), 2));
    let early: Vec<Time> = begins(&steps(0..4).swing(0.25, 4), 0).iter().map(|e| e.0).collect();
    assert_eq!(early, [at(0, 1), at(1, 8), at(1, 2), at(5, 8)]);
}

#[test]
fn a_whole_longer_than_a_cycle_is_bent_at_both_ends() {
    // Late by 1/8 under swing 3/4 on two steps: each end stands in the first half, at 1.5 times 1/8.
    let program = compile(&steps([1]).shift(0.125).swing(0.75, 2)).unwrap();
    let events = query(&program, 0);
    assert_eq!(events[1].whole, Span::new(at(3, 16), at(19, 16)));
    assert_eq!(events[0].whole, Span::new(at(-13, 16), at(3, 16)));
    assert!(!events[0].has_onset());
    assert_eq!(events[0].part, Span::new(at(0, 1), at(3, 16)));
}

#[test]
fn reversing_moves_hits_but_their_gates_still_open_before_they_close() {
    let hit = |v: i64| freeze(steps([v, -v]));
    let pattern = cat(vec![hit(1), hit(2), rest(), rest()]).rev();
    let want = [(at(1, 2), 2.0), (at(5, 8), -2.0), (at(3, 4), 1.0), (at(7, 8), -1.0)];
    assert_eq!(begins(&pattern, 0), want);
    let earlier = want.map(|(t, v)| (t - at(3, 1), v));
    assert_eq!(begins(&pattern, -3), earlier);
}

#[test]
fn without_units_reversing_turns_the_inside_over_as_well() {
    let pattern = cat(vec![steps([1, -1]), steps([2, -2])]).rev();
    let want = [(at(0, 1), -2.0), (at(1, 4), 2.0), (at(1, 2), -1.0), (at(3, 4), 1.0)];
    assert_eq!(begins(&pattern, 0), want);
}

#[test]
fn a_chord_reversed_stays_a_chord_and_its_notes_stay_in_time() {
    let chord = freeze(stack(vec![freeze(steps([1, -1])), freeze(steps([2, 3, 4]))]));
    let pattern = cat(vec![chord, rest()]).rev();
    let want = [(at(1, 2), 1.0), (at(1, 2), 2.0), (at(2, 3), 3.0), (at(3, 4), -1.0), (at(5, 6), 4.0)];
    assert_eq!(begins(&pattern, 0), want);
}

#[test]
fn a_unit_across_the_border_is_mirrored_as_a_whole_in_the_cycle_it_begins_in() {
    // Units on [1/4, 5/4) and [5/4, 9/4); mirrored in cycles 0 and 1 they stand on [-1/4, 3/4) and [3/4, 7/4).
    let pattern = freeze(steps([1, 2])).shift(0.25).rev();
    let program = compile(&pattern).unwrap();
    let events = query(&program, 0);
    let parts: Vec<(Time, Time, bool)> =
        events.iter().map(|e| (e.part.begin, e.part.end, e.has_onset())).collect();
    let mut sorted = parts.clone();
    sorted.sort();
    assert_eq!(sorted, [(at(0, 1), at(1, 4), false), (at(1, 4), at(3, 4), true), (at(3, 4), at(1, 1), true)]);
}

#[test]
fn a_long_pad_does_not_make_its_reversed_neighbours_dear() {
    let pad = freeze(steps([1, 2])).over(8.0);
    let program = compile(&(steps(0..64) | pad).rev()).unwrap();
    assert!(program.events_per_cycle() < 150, "{}", program.events_per_cycle());
    // The pad's unit on [8, 16) is mirrored in cycle 8 and stands on [1, 9): its first half lies before 5.
    let sounding = |cycle: i64| {
        let long = |e: &&Event| e.whole.end - e.whole.begin == at(4, 1);
        query(&program, cycle).iter().filter(long).map(|e| e.whole.begin).collect::<Vec<_>>()
    };
    assert_eq!(sounding(0), [at(-3, 1)]);
    assert_eq!(sounding(1), [at(1, 1)]);
    assert_eq!(sounding(6), [at(5, 1)]);
}

#[test]
fn thinning_keeps_or_drops_a_unit_whole_by_the_hash_of_its_onset() {
    // Computed from the definition of H for seed 5, seed 7, probability 1/2, eight onsets per cycle.
    let hit = |v: i64| freeze(steps([v, -v - 100]));
    let kept = |seed: u64, cycle: i64| {
        let pattern = cat((0..8).map(hit).collect()).thin(0.5, seed);
        let events = begins(&pattern, cycle);
        let (on, off): (Vec<_>, Vec<_>) = events.into_iter().partition(|e: &(Time, f64)| e.1 >= 0.0);
        let on: Vec<i64> = on.iter().map(|e| e.1 as i64).collect();
        let off: Vec<i64> = off.iter().map(|e| -e.1 as i64 - 100).collect();
        assert_eq!(on, off, "a gate opened without closing");
        on
    };
    assert_eq!(kept(5, 0), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(kept(5, -1), [0, 2, 4, 6, 7]);
    assert_eq!(kept(5, -2), [2, 4, 6]);
    assert_eq!(kept(7, 0), [0, 4, 6]);
    assert_eq!(kept(7, 1), [2, 4, 6]);
    assert_eq!(kept(7, -2), [0, 1, 3, 5, 7]);
}

#[test]
fn the_session_seed_is_added_to_the_seed_of_a_pattern_and_wraps() {
    let kept = |own: u64, session: u64| {
        let program = compile(&steps(0..8).thin(0.5, own)).unwrap();
        let mut out = EventBuffer::with_capacity(64);
        program.query(Span::new(at(0, 1), at(8, 1)), session, &mut out).unwrap();
        out.as_slice().iter().map(|e| e.whole.begin).collect::<Vec<_>>()
    };
    assert_eq!(kept(5, 0), kept(2, 3));
    assert_eq!(kept(5, 0), kept(u64::MAX, 6));
    assert_ne!(kept(5, 0), kept(5, 1));
}

#[test]
fn a_period_is_as_long_as_the_slowest_wheels_together_take() {
    let period = |p: &Pattern| compile(p).unwrap().period();
    let line = |factor: [i64; 2]| Pattern::Fast { factor, child: Box::new(steps([1, 2])), span: None };
    assert_eq!(period(&steps([1, 2])), Some(1));
    assert_eq!(period(&line([3, 1])), Some(1));
    assert_eq!(period(&line([2, 3])), Some(3));
    assert_eq!(period(&steps([1]).over(6.0).every(4, |p| p.rev())), Some(12));
    assert_eq!(period(&cat(vec![steps([1]).over(3.0), steps([2]).over(2.0)]).shift(0.3)), Some(6));
    assert_eq!(period(&steps([1]).every(4, |_| rest()).over(2.5)), Some(10));
    assert_eq!(period(&steps([1]).thin(0.5, 1)), None);
    assert_eq!(period(&rest()), Some(1));
}

#[test]
fn before_zero_every_counts_on() {
    let pattern = steps([1]).every(3, |_| steps([9]));
    let values: Vec<f64> = (-4..4).map(|c| begins(&pattern, c)[0].1).collect();
    assert_eq!(values, [1.0, 9.0, 1.0, 1.0, 9.0, 1.0, 1.0, 9.0]);
}

#[test]
fn before_zero_slow_patterns_go_on_from_where_they_would_have_come() {
    let pattern = steps(0..3).over(3.0);
    let values: Vec<(Time, f64)> = (-3..1).flat_map(|c| begins(&pattern, c)).collect();
    assert_eq!(values, [(at(-3, 1), 0.0), (at(-2, 1), 1.0), (at(-1, 1), 2.0), (at(0, 1), 0.0)]);
}

#[test]
fn fine_fractions_stay_exact() {
    // 1009, 1013 and 1019 are primes: thirty-one bits of denominator.
    let late = Pattern::Late { offset: [1, 1019], child: Box::new(steps([1])), span: None };
    let mut inner = vec![rest(); 1012];
    inner.push(late);
    let mut outer = vec![rest(); 1008];
    outer.push(cat(inner));
    let program = compile(&cat(outer)).unwrap();
    for cycle in [0, -1, (1 << 31) - 1] {
        let events = query(&program, cycle);
        let slot = at(cycle, 1) + at(1008, 1009) + at(1012, 1009 * 1013);
        let onset = slot + at(1, 1009 * 1013 * 1019);
        assert_eq!(events.len(), 2);
        assert_eq!(events[1].whole.begin, onset);
        assert_eq!(events[0].whole.end, onset);
        assert_eq!(events[0].part, Span::new(slot, onset));
        assert!(events[1].has_onset() && !events[0].has_onset());
    }
}

#[test]
fn a_window_that_ends_between_two_ticks_cuts_the_part_exactly() {
    let program = compile(&steps([1, 2])).unwrap();
    let window = Span::new(at(1, 3), at(3, 5));
    let mut out = EventBuffer::with_capacity(8);
    program.query(window, 0, &mut out).unwrap();
    let [a, b] = out.as_slice() else { panic!("two events") };
    assert_eq!((a.whole, a.part), (Span::new(at(0, 1), at(1, 2)), Span::new(at(1, 3), at(1, 2))));
    assert_eq!((b.whole, b.part), (Span::new(at(1, 2), at(1, 1)), Span::new(at(1, 2), at(3, 5))));
}

#[test]
fn a_query_of_several_cycles_splits_at_their_borders() {
    let program = compile(&steps([1]).over(3.0)).unwrap();
    let mut out = EventBuffer::with_capacity(8);
    program.query(Span::new(at(-1, 2), at(2, 1)), 0, &mut out).unwrap();
    let parts: Vec<(Time, Time)> = out.as_slice().iter().map(|e| (e.part.begin, e.part.end)).collect();
    assert_eq!(parts, [(at(-1, 2), at(0, 1)), (at(0, 1), at(1, 1)), (at(1, 1), at(2, 1))]);
}

#[test]
fn controllers_and_osc_messages_pass_through_unchanged() {
    let values = [
        Value::Cc { channel: 3, controller: 74, value: 127 },
        Value::Osc {
            address: "/audio/set".into(),
            args: vec![OscArg::Str("bass/cutoff".into()), OscArg::Float(0.1), OscArg::Int(-7)],
        },
        Value::Note { channel: 9, note: 36, velocity: 100, dur: 0.1 },
    ];
    let children = values.iter().map(|v| Pattern::Atom { value: v.clone(), span: None }).collect();
    let program = compile(&cat(children)).unwrap();
    let events = query(&program, 0);
    for (i, value) in values.iter().enumerate() {
        assert_eq!(&program.values()[events[i].value as usize], value);
        assert_eq!(events[i].whole, Span::new(at(i as i64, 3), at(i as i64 + 1, 3)));
    }
}

#[test]
fn each_unit_has_a_number_in_a_query_and_a_key_across_queries() {
    let program = compile(&(cat(vec![hit("gate"), chord([60, 64]), control("c", 1.0)]))).unwrap();
    let events = query(&program, 5);
    let units: Vec<u32> = events.iter().map(|e| e.unit).collect();
    // The hit's two events; each note of the chord with two at its start and one at its end; no unit.
    assert_eq!(units, [1, 1, 2, 2, 2, 3, 3, 3, 0]);
    let mut out = EventBuffer::with_capacity(16);
    program.onsets(Span::new(at(31, 6), at(16, 3)), 0, &mut out).unwrap();
    let [off] = out.as_slice() else { panic!("the hit's gate closes alone") };
    assert_eq!((off.unit, off.unit_key), (1, events[0].unit_key));
    assert_ne!(events[2].unit_key, events[5].unit_key);
    assert_ne!(events[0].unit_key, query(&program, 6)[0].unit_key);
}

#[test]
fn events_know_the_piece_of_text_they_came_from() {
    let named = cat(vec![hit("a").with_span([2, 5]), control("b", 1.0).with_span([6, 7]), control("c", 0.0)]);
    let program = compile(&named.with_span([0, 9])).unwrap();
    let sources: Vec<_> = query(&program, 0).iter().map(|e| e.source.unwrap()).collect();
    assert_eq!(sources, [[2, 5], [2, 5], [6, 7], [0, 9]]);
}

fn shape(kind: &str) -> Pattern {
    Pattern::Shape {
        kind: kind.into(),
        lo: 100.0,
        hi: 200.0,
        label: "cutoff".into(),
        duty: None,
        seed: Some(4),
        table: None,
        span: None,
    }
}

/// The value of a shape at a time, from whatever event covers it.
fn value_at(program: &Program, window: Span, t: Time) -> f64 {
    let mut out = EventBuffer::with_capacity(64);
    program.query(window, 0, &mut out).unwrap();
    let event = out.as_slice().iter().find(|e| e.part.begin <= t && t < e.part.end).unwrap();
    let shape = event.shape.unwrap();
    let way = (t - event.whole.begin) / (event.whole.end - event.whole.begin);
    let phase = shape.phase(*way.numer() as f64 / *way.denom() as f64);
    program.shapes()[shape.index as usize].value(shape.period, phase, 0)
}

#[test]
fn a_shape_is_a_span_without_an_onset_that_names_its_control() {
    let program = compile(&shape("ramp").over(4.0)).unwrap();
    let events = query(&program, 1);
    let [event] = events.as_slice() else { panic!("one span") };
    assert_eq!(event.whole, Span::new(at(0, 1), at(4, 1)));
    assert_eq!(event.part, Span::cycle(1));
    assert!(!event.has_onset());
    assert!(!query(&program, 0)[0].has_onset());
    assert!(
        matches!(&program.values()[event.value as usize], Value::Control { label, .. } if label == "cutoff")
    );
    let mut out = EventBuffer::with_capacity(4);
    program.onsets(Span::new(at(0, 1), at(9, 1)), 0, &mut out).unwrap();
    assert!(out.is_empty());
    assert_eq!(value_at(&program, Span::cycle(1), at(3, 2)), 137.5);
}

#[test]
fn a_shape_runs_backwards_under_rev_and_bends_under_swing() {
    let reversed = compile(&shape("ramp").rev()).unwrap();
    assert_eq!(value_at(&reversed, Span::cycle(0), at(1, 4)), 175.0);
    let swung = compile(&shape("ramp").swing(0.75, 2)).unwrap();
    for (t, value) in [(at(3, 8), 125.0), (at(3, 4), 150.0), (at(7, 8), 175.0)] {
        assert!((value_at(&swung, Span::cycle(0), t) - value).abs() < 1e-9);
    }
    let both = compile(&shape("ramp").swing(0.75, 2).rev()).unwrap();
    assert!((value_at(&both, Span::cycle(0), at(5, 8)) - 125.0).abs() < 1e-9);
}

#[test]
fn a_shape_has_the_same_value_at_a_time_whatever_the_window() {
    for kind in ["sine", "rand", "tri"] {
        let program = compile(&shape(kind).fast(1.5).swing(0.6, 4).rev().over(3.0)).unwrap();
        for i in 0..50 {
            let t = at(i * 7, 100);
            let cycle = i * 7 / 100;
            let wide = value_at(&program, Span::cycle(cycle), t);
            let tight = value_at(&program, Span::new(t, t + at(1, 1000)), t);
            assert_eq!(wide.to_bits(), tight.to_bits(), "{kind} at {t}");
        }
    }
}

#[test]
fn noise_goes_on_smoothly_from_period_to_period() {
    let program = compile(&shape("rand").fast(4.0)).unwrap();
    let near = |i: i64| value_at(&program, Span::cycle(0), at(i, 4000));
    let jumps = (0..3999).map(|i| (near(i + 1) - near(i)).abs()).fold(0.0, f64::max);
    assert!(jumps < 0.2, "{jumps}");
    assert!((0..4).any(|i| (near(i * 1000) - near(i * 1000 + 500)).abs() > 5.0));
}
