//! Laws of time, on random patterns, and the compiled queries against the plain model.

#[path = "laws/compare.rs"]
mod compare;
mod model;
#[path = "laws/random.rs"]
mod random;

use compare::{compared, events, keys, onsets, partitioned, same, same_onsets, window};
use krach_patterns::{Event, EventBuffer, Pattern, SPLIT_KINDS, STRUCTURES, Span, Time, compile};
use proptest::prelude::*;
use random::{boxed, control, each_operator, factor, moved_units, offset, patterns, values};

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_query_gives_what_the_model_gives(p in patterns(false), window in window(), seed in 0..3_u64) {
        compared(&p, window, seed)?;
    }

    #[test]
    fn onsets_are_the_events_of_a_query_that_begin(p in patterns(true), window in window(), seed in 0..3_u64) {
        let Ok(program) = compile(&p) else { return Err(TestCaseError::reject("refused")) };
        let beginning: Vec<Event> = events(&program, window, seed).into_iter().filter(Event::has_onset).collect();
        let got = onsets(&program, window, seed);
        prop_assert_eq!(keys(&program, &got), keys(&program, &beginning));
    }

    #[test]
    fn the_first_onset_is_the_first_of_the_onsets(p in patterns(true), q in values(), window in window(), seed in 0..3_u64) {
        for program in [compile(&p), compile(&q)].into_iter().flatten() {
            let expected = onsets(&program, window, seed).iter().map(|event| event.whole.begin).min();
            let first = program.first_onset(window, seed, &mut EventBuffer::with_capacity(0));
            prop_assert_eq!(first, Ok(expected));
        }
    }

    #[test]
    fn any_partition_of_a_span_gives_the_same_onsets(p in patterns(true), window in window(), cuts in prop::collection::vec(1..1000_i64, 0..8)) {
        let Ok(program) = compile(&p) else { return Err(TestCaseError::reject("refused")) };
        partitioned(&program, window, cuts)?;
    }

    #[test]
    fn any_partition_of_a_span_gives_the_same_onsets_of_values(p in values(), window in window(), cuts in prop::collection::vec(1..1000_i64, 1..8)) {
        let Ok(program) = compile(&p) else { return Err(TestCaseError::reject("refused")) };
        partitioned(&program, window, cuts)?;
    }

    #[test]
    fn the_bound_on_events_holds(p in patterns(true), cycle in -9..9_i64) {
        let Ok(program) = compile(&p) else { return Err(TestCaseError::reject("refused")) };
        prop_assert!(events(&program, Span::cycle(cycle), 0).len() <= program.events_per_cycle() as usize);
    }

    #[test]
    fn a_unit_is_whole_or_not_there_unless_its_pattern_tears(p in moved_units()) {
        let Ok(program) = compile(&p) else { return Err(TestCaseError::reject("refused")) };
        prop_assume!(!program.tears());
        let window = Span::new(Time::from_integer(-120), Time::from_integer(120));
        let mut counts = std::collections::BTreeMap::new();
        for e in onsets(&program, window, 0) {
            prop_assert!(e.unit_key.1 <= e.whole.begin && e.whole.begin < e.unit_end);
            counts.entry((e.unit_key, e.unit_end)).or_insert(Vec::new()).push(e.value);
        }
        for (((_, begin), end), values) in counts {
            if begin >= Time::from_integer(-30) && end <= Time::from_integer(30) {
                prop_assert_eq!(values.len() % 3, 0, "{}..{}: {:?}", begin, end, values);
            }
        }
    }

    #[test]
    fn after_its_period_a_pattern_begins_anew(p in patterns(true), cycle in -9..9_i64) {
        let Ok(program) = compile(&p) else { return Err(TestCaseError::reject("refused")) };
        let Some(period) = program.period().filter(|&cycles| cycles < 1 << 20) else { return Ok(()) };
        let begins = |cycle: i64| {
            let first = Time::from_integer(cycle);
            let mut begins: Vec<_> = onsets(&program, Span::cycle(cycle), 1)
                .iter()
                .map(|e| (e.whole.begin - first, e.whole.end - first, e.value))
                .collect();
            begins.sort();
            begins
        };
        prop_assert_eq!(begins(cycle), begins(cycle + period as i64));
    }

    #[test]
    fn one_number_from_either_side_or_both_is_the_same_sum(values in values(), n in -3..9_i32) {
        let Pattern::Label { child, .. } = &values else { return Ok(()) };
        let number = || boxed(Pattern::Number { value: f64::from(n), span: None });
        let sum = |left: Box<Pattern>, right, structure: &str| Pattern::Label {
            label: "c".into(),
            plain: false,
            child: boxed(Pattern::Combine { kind: "add".into(), structure: structure.into(), left, right, span: None }),
            span: None,
        };
        same_onsets(&sum(child.clone(), number(), "left"), &sum(number(), child.clone(), "right"))?;
    }

    #[test]
    fn setting_one_way_is_keeping_the_other(a in values(), b in values()) {
        let (Pattern::Label { child: a, .. }, Pattern::Label { child: b, .. }) = (&a, &b) else { return Ok(()) };
        let met = |kind: &str, structure: &str, left: &Pattern, right: &Pattern| {
            let (kind, structure) = (kind.into(), structure.into());
            let (left, right) = (boxed(left.clone()), boxed(right.clone()));
            let child = boxed(Pattern::Combine { kind, structure, left, right, span: None });
            Pattern::Label { label: "c".into(), plain: false, child, span: None }
        };
        for (structure, turned) in [("left", "right"), ("right", "left"), ("both", "both")] {
            same_onsets(&met("set", structure, a, b), &met("keep", turned, b, a))?;
        }
    }

    #[test]
    fn values_that_meet_are_those_of_the_model(p in values(), window in window(), seed in 0..3_u64) {
        compared(&p, window, seed)?;
    }

    #[test]
    fn the_bound_on_events_holds_for_values(p in values(), cycle in -9..9_i64) {
        let Ok(program) = compile(&p) else { return Err(TestCaseError::reject("refused")) };
        prop_assert!(events(&program, Span::cycle(cycle), 0).len() <= program.events_per_cycle() as usize);
    }

    #[test]
    fn fast_undoes_slow(p in patterns(true), f in factor()) {
        let slow = Pattern::Slow { factor: f, child: boxed(p.clone()), span: None };
        let both = Pattern::Fast { factor: f, child: boxed(slow), span: None };
        same(&both, &p, 0)?;
    }

    #[test]
    fn late_undoes_early(p in patterns(true), offset in offset()) {
        let early = Pattern::Early { offset, child: boxed(p.clone()), span: None };
        let both = Pattern::Late { offset, child: boxed(early), span: None };
        same(&both, &p, 0)?;
    }

    #[test]
    fn fast_factors_multiply(p in patterns(false), f in factor(), g in factor()) {
        let inner = Pattern::Fast { factor: g, child: boxed(p.clone()), span: None };
        let nested = Pattern::Fast { factor: f, child: boxed(inner), span: None };
        let product = Pattern::Fast { factor: [f[0] * g[0], f[1] * g[1]], child: boxed(p), span: None };
        same(&nested, &product, 0)?;
    }

    #[test]
    fn rev_undoes_rev_within_cycles(steps in prop::collection::vec((0..100_i64, 0..3_u8), 1..8)) {
        // Within a cycle: what reaches over its border comes back as seen from the cycle it left.
        let children = steps.iter().map(|(v, kind)| match kind {
            0 => Pattern::Silence { span: None },
            1 => control(*v),
            _ => Pattern::Freeze { child: boxed(Pattern::Cat { children: vec![control(*v), control(-*v)], span: None }), span: None },
        }).collect();
        let p = Pattern::Cat { children, span: None };
        let rev = |p| Pattern::Rev { child: boxed(p), span: None };
        same(&rev(rev(p.clone())), &p, 0)?;
    }

    #[test]
    fn one_number_all_the_time_is_the_operator_with_that_number(p in patterns(false), f in factor(), prob in 0..=4_u32) {
        let by = |value| vec![Pattern::Number { value, span: None }];
        let fixed = Pattern::Fast { factor: f, child: boxed(p.clone()), span: None };
        let kind = "fast".into();
        let value = f[0] as f64 / f[1] as f64;
        same(&Pattern::Vary { kind, by: by(value), seed: 0, transform: None, child: boxed(p.clone()), span: None }, &fixed, 0)?;
        // A sequence of the same number is looked at cycle by cycle, and means the same.
        let twice = Pattern::Cat { children: [by(value), by(value)].concat(), span: None };
        let kind = "fast".into();
        same_onsets(&Pattern::Vary { kind, by: vec![twice], seed: 0, transform: None, child: boxed(p.clone()), span: None }, &fixed)?;
        let prob = f64::from(prob) / 4.0;
        let fixed = Pattern::Chance { prob, seed: 7, invert: false, child: boxed(p.clone()), span: None };
        let kind = "chance".into();
        same(&Pattern::Vary { kind, by: by(prob), seed: 7, transform: None, child: boxed(p), span: None }, &fixed, 3)?;
    }

    #[test]
    fn picking_by_turns_is_the_one_by_turns(a in patterns(false), b in patterns(false)) {
        let number = |value| Pattern::Number { value, span: None };
        let turns = Pattern::Slow {
            factor: [2, 1],
            child: boxed(Pattern::Cat { children: vec![number(1.0), number(0.0)], span: None }),
            span: None,
        };
        let pick = Pattern::Pick { index: boxed(turns), children: vec![a.clone(), b.clone()], span: None };
        same(&pick, &Pattern::Every { n: 2, transform: boxed(b), child: boxed(a), span: None }, 0)?;
    }

    #[test]
    fn stacks_associate(a in patterns(true), b in patterns(true), c in patterns(true)) {
        let stack = |children| Pattern::Stack { children, span: None };
        let left = stack(vec![stack(vec![a.clone(), b.clone()]), c.clone()]);
        let right = stack(vec![a, stack(vec![b, c])]);
        same(&left, &right, 2)?;
    }

    #[test]
    fn a_step_of_equal_sequences_is_one_long_sequence(a in prop::collection::vec(0..100_i64, 6)) {
        let cat = |children| Pattern::Cat { children, span: None };
        let flat = cat(a.iter().map(|v| control(*v)).collect());
        let halves = cat(a.chunks(3).map(|c| cat(c.iter().map(|v| control(*v)).collect())).collect());
        let thirds = cat(a.chunks(2).map(|c| cat(c.iter().map(|v| control(*v)).collect())).collect());
        same(&flat, &halves, 0)?;
        same(&flat, &thirds, 0)?;
    }

    #[test]
    fn a_sequence_of_single_notes_is_its_own_arpeggio_and_its_own_segments(a in prop::collection::vec(-9..9_i32, 1..9), kind in 1..7_usize) {
        let children: Vec<Pattern> = a.iter().map(|n| Pattern::Number { value: f64::from(*n), span: None }).collect();
        let n = children.len() as u32;
        let sequence = Pattern::Cat { children, span: None };
        let label = |child| Pattern::Label { label: "c".into(), plain: false, child: boxed(child), span: None };
        let split = Pattern::Split { kind: SPLIT_KINDS[kind].into(), n: 1, child: boxed(sequence.clone()), span: None };
        same(&label(split), &label(sequence.clone()), 0)?;
        same(&label(Pattern::Segment { n, child: boxed(sequence.clone()), span: None }), &label(sequence), 0)?;
    }

    #[test]
    fn playing_down_is_playing_up_what_stands_the_other_way_round(a in prop::collection::vec(-9..9_i32, 1..9), cycles in 1..4_i64) {
        let arp = |kind: &str, notes: &[i32]| {
            let children = notes.iter().map(|n| Pattern::Number { value: f64::from(*n), span: None }).collect();
            let chord = Pattern::Slow { factor: [cycles, 1], child: boxed(Pattern::Stack { children, span: None }), span: None };
            let child = Pattern::Split { kind: kind.into(), n: 1, child: boxed(chord), span: None };
            Pattern::Label { label: "c".into(), plain: false, child: boxed(child), span: None }
        };
        let turned: Vec<i32> = a.iter().rev().copied().collect();
        for (one, other) in [("down", "up"), ("downup", "updown"), ("rolled_down", "rolled")] {
            same(&arp(one, &a), &arp(other, &turned), 0)?;
        }
    }

    #[test]
    fn an_inversion_is_undone_by_its_opposite_and_a_voicing_is_its_own(
        chord in prop::sample::select(vec!["C:major", "A3:m7", "Eb:sus4", "F#2:dim7"]), by in -9..9_i32, top in 30..90_i32,
    ) {
        let chord = || Pattern::Label { label: "chord".into(), plain: false, child: boxed(Pattern::Name { name: chord.into(), span: None }), span: None };
        let with = |kind: &str, left, by: i32| {
            let right = boxed(Pattern::Number { value: f64::from(by), span: None });
            Pattern::Combine { kind: kind.into(), structure: "left".into(), left: boxed(left), right, span: None }
        };
        same_onsets(&with("inv", with("inv", chord(), by), -by), &chord())?;
        let voiced = with("voicing", chord(), top);
        same_onsets(&with("voicing", with("inv", voiced.clone(), by), top), &voiced)?;
    }

    #[test]
    fn a_chord_of_several_events_is_turned_over_as_the_chord_of_one(
        keys in prop::collection::vec(0..128_i32, 1..8), by in -20..20_i32, more in -9..9_i32, structure in prop::sample::select(STRUCTURES.to_vec()),
    ) {
        let number = |n: i32| Pattern::Number { value: f64::from(n), span: None };
        let label = |label: &str, child| Pattern::Label { label: label.into(), plain: false, child: boxed(child), span: None };
        let with = |kind: &str, left, right| {
            Pattern::Combine { kind: kind.into(), structure: structure.into(), left: boxed(left), right: boxed(right), span: None }
        };
        let stack = || Pattern::Stack { children: keys.iter().map(|key| number(*key)).collect(), span: None };
        let turned = with("inv_stack", stack(), number(by));
        let named = label("chord", Pattern::Name { name: "C:m7".into(), span: None });
        let named = with("inv", named, number(by));
        let notes = Pattern::Stack { children: [60, 63, 67, 70].map(number).to_vec(), span: None };
        same_onsets(&label("note", with("inv_stack", notes, number(by))), &named)?;
        // The opposite undoes it, where the chord is no wider than an octave; twice is the sum where both go one way.
        let low: Vec<i32> = keys.iter().map(|key| key % 12).collect();
        let narrow = || Pattern::Stack { children: low.iter().map(|key| number(*key)).collect(), span: None };
        let back = with("inv_stack", with("inv_stack", narrow(), number(by)), number(-by));
        same_onsets(&label("c", back), &label("c", narrow()))?;
        if (by < 0) == (more < 0) {
            let twice = with("inv_stack", turned, number(more));
            same_onsets(&label("c", twice), &label("c", with("inv_stack", stack(), number(by + more))))?;
        }
    }

    #[test]
    fn plain_values_play_what_the_label_of_a_control_plays(values in values()) {
        let Pattern::Label { child, .. } = &values else { return Ok(()) };
        let plain = |label: &str| Pattern::Label { label: label.into(), plain: true, child: child.clone(), span: None };
        same(&plain("c"), &values, 1)?;
        let (Ok(freq), Ok(same)) = (compile(&plain("a/freq")), compile(&plain("c"))) else { return Ok(()) };
        prop_assert_eq!(freq.events_per_cycle(), same.events_per_cycle());
    }

    #[test]
    fn equal_temperament_tunes_nothing_and_every_by_one_number_is_every(p in values(), q in values(), n in 1..5_u32) {
        let Pattern::Label { child, .. } = &p else { return Ok(()) };
        // 0 added makes -0 and 0 one.
        let zero = || boxed(Pattern::Number { value: 0.0, span: None });
        let (kind, structure) = ("add".into(), "left".into());
        let plain = Pattern::Combine { kind, structure, left: child.clone(), right: zero(), span: None };
        let tuned = Pattern::Tune { tuning: "12edo".into(), map: None, child: boxed(plain.clone()), span: None };
        let label = |child| Pattern::Label { label: "c".into(), plain: false, child: boxed(child), span: None };
        same_onsets(&label(tuned), &label(plain))?;
        let by = vec![Pattern::Number { value: f64::from(n), span: None }];
        let transform = Some(boxed(q.clone()));
        let varied = Pattern::Vary { kind: "every".into(), by, seed: 0, transform, child: boxed(p.clone()), span: None };
        same(&varied, &Pattern::Every { n, transform: boxed(q), child: boxed(p), span: None }, 0)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_operator_gives_the_same_onsets_for_any_partition(a in values(), b in values(), window in window(), cuts in prop::collection::vec(1..1000_i64, 1..8)) {
        let (Pattern::Label { child: a, .. }, Pattern::Label { child: b, .. }) = (&a, &b) else { return Ok(()) };
        for (name, pattern) in each_operator(a, b) {
            let Ok(program) = compile(&pattern) else { continue };
            partitioned(&program, window, cuts.clone()).map_err(|e| TestCaseError::fail(format!("{name}: {e}")))?;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30_000, max_global_rejects: 300_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    #[ignore = "soak: thirty times as many"]
    fn soak_a_query_gives_what_the_model_gives(p in patterns(false), window in window(), seed in 0..3_u64) {
        compared(&p, window, seed)?;
    }

    #[test]
    #[ignore = "soak: thirty times as many"]
    fn soak_values_that_meet_are_those_of_the_model(p in values(), window in window(), seed in 0..3_u64) {
        compared(&p, window, seed)?;
    }

    #[test]
    #[ignore = "soak: thirty times as many"]
    fn soak_any_partition_of_a_span_gives_the_same_onsets(p in patterns(true), q in values(), window in window(), cuts in prop::collection::vec(1..1000_i64, 1..8)) {
        for p in [p, q] {
            let Ok(program) = compile(&p) else { return Err(TestCaseError::reject("refused")) };
            partitioned(&program, window, cuts.clone())?;
        }
    }

    #[test]
    #[ignore = "soak: thirty times as many"]
    fn soak_the_bound_on_events_holds(p in patterns(true), q in values(), cycle in -9..9_i64) {
        for p in [p, q] {
            let Ok(program) = compile(&p) else { return Err(TestCaseError::reject("refused")) };
            prop_assert!(events(&program, Span::cycle(cycle), 0).len() <= program.events_per_cycle() as usize);
        }
    }
}

/// What stands in the generators is all there is.
#[test]
fn each_operator_compiles_around_plain_numbers() {
    let number = |value| Pattern::Number { value, span: None };
    let (a, b) = (number(3.0), Pattern::Cat { children: vec![number(1.0), number(2.0)], span: None });
    let all = each_operator(&a, &b);
    assert!(all.len() > 55, "{}", all.len());
    for (name, pattern) in all {
        compile(&pattern).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}
