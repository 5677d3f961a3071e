//! Laws of time, on random patterns, and the compiled queries against the plain model.

mod model;

use krach_patterns::{
    COMBINE_KINDS, Event, EventBuffer, Pattern, Program, SHUFFLE_KINDS, SPLIT_KINDS, STRUCTURES, Span, Time,
    VARY_KINDS, Value, compile,
};
use model::{Big, ModelEvent, of};
use proptest::prelude::*;

fn control(value: i64) -> Pattern {
    let value = Value::Control { label: "c".into(), value: value as f64 };
    Pattern::Atom { value, span: None }
}

fn boxed(p: Pattern) -> Box<Pattern> {
    Box::new(p)
}

/// A unit of `n` events.
fn unit(value: i64, n: i64) -> Pattern {
    let children = (0..n).map(|i| control(value + 1000 * i)).collect();
    Pattern::Freeze { child: boxed(Pattern::Cat { children, span: None }), span: None }
}

fn factor() -> impl Strategy<Value = [i64; 2]> {
    (1..=6_i64, 1..=6_i64).prop_map(|(n, d)| [n, d])
}

fn offset() -> impl Strategy<Value = [i64; 2]> {
    (-9..=9_i64, 1..=7_i64).prop_map(|(n, d)| [n, d])
}

/// Patterns of numbers from a list, of every kind that may select.
fn numbers(from: Vec<f64>) -> BoxedStrategy<Pattern> {
    let leaf = prop_oneof![
        8 => prop::sample::select(from).prop_map(|value| Pattern::Number { value, span: None }),
        1 => Just(Pattern::Silence { span: None }),
    ];
    leaf.prop_recursive(3, 8, 4, |p| {
        let list = || prop::collection::vec(p.clone(), 1..4);
        let b = || p.clone().prop_map(Box::new);
        prop_oneof![
            4 => list().prop_map(|children| Pattern::Cat { children, span: None }),
            1 => list().prop_map(|children| Pattern::Stack { children, span: None }),
            2 => (2..4_i64, b()).prop_map(|(n, child)| Pattern::Slow { factor: [n, 1], child, span: None }),
            1 => (offset(), b()).prop_map(|(offset, child)| Pattern::Late { offset, child, span: None }),
            1 => (any::<u64>(), list()).prop_map(|(seed, children)| Pattern::Choose { weights: None, seed, children, span: None }),
            1 => b().prop_map(|child| Pattern::Rev { child, span: None }),
        ]
    })
    .boxed()
}

/// The kinds of `Vary`, around a pattern.
fn varied(child: BoxedStrategy<Box<Pattern>>) -> BoxedStrategy<Pattern> {
    let every = (numbers(vec![1.0, 2.0, 3.0]), child.clone(), child.clone());
    let every = every.prop_map(|(by, transform, child)| Pattern::Vary {
        kind: "every".into(),
        by: vec![by],
        seed: 0,
        transform: Some(transform),
        child,
        span: None,
    });
    let pulses = numbers(vec![0.0, 1.0, 3.0, -1.0, -3.0]);
    let (steps, rotation) = (numbers(vec![3.0, 4.0, 5.0]), numbers(vec![0.0, 1.0, -2.0]));
    let by = prop_oneof![
        2 => numbers(vec![1.0, 2.0, 3.0, 0.5, 1.5]).prop_map(|by| ("fast", vec![by])),
        1 => numbers(vec![1.0, 2.0, 0.5, 1.5]).prop_map(|by| ("slow", vec![by])),
        1 => numbers(vec![0.0, 0.25, -0.5, 1.0]).prop_map(|by| ("early", vec![by])),
        1 => numbers(vec![0.0, 0.25, -0.5, 1.0]).prop_map(|by| ("late", vec![by])),
        1 => numbers(vec![0.0, 0.25, 0.5, 1.0]).prop_map(|by| ("chance", vec![by])),
        2 => (pulses.clone(), steps.clone()).prop_map(|(p, s)| ("euclid", vec![p, s])),
        1 => (pulses, steps, rotation).prop_map(|(p, s, r)| ("euclid", vec![p, s, r])),
    ];
    let others = (by, 0..9_u64, child).prop_map(|((kind, by), seed, child)| Pattern::Vary {
        kind: kind.into(),
        by,
        seed,
        transform: None,
        child,
        span: None,
    });
    prop_oneof![1 => every, 8 => others].boxed()
}

fn zoomed(child: BoxedStrategy<Box<Pattern>>) -> BoxedStrategy<Pattern> {
    let pieces =
        prop::sample::select(vec![([0, 1], [1, 2]), ([1, 4], [3, 4]), ([1, 3], [1, 1]), ([0, 1], [1, 1])]);
    (pieces, child).prop_map(|((from, to), child)| Pattern::Zoom { from, to, child, span: None }).boxed()
}

fn shuffled(child: BoxedStrategy<Box<Pattern>>) -> BoxedStrategy<Pattern> {
    let kind = prop::sample::select(SHUFFLE_KINDS.to_vec());
    (kind, 1..6_u32, any::<u64>(), child)
        .prop_map(|(kind, n, seed, child)| Pattern::Shuffle { kind: kind.into(), n, seed, child, span: None })
        .boxed()
}

/// Patterns of numbers under everything that works on them, as a control.
fn values() -> BoxedStrategy<Pattern> {
    let leaf = prop_oneof![
        8 => (-4..9_i32).prop_map(|n| Pattern::Number { value: f64::from(n), span: None }),
        1 => Just(Pattern::Silence { span: None }),
    ];
    let values = leaf.prop_recursive(5, 20, 3, |p| {
        let list = || prop::collection::vec(p.clone(), 1..4);
        let b = || p.clone().prop_map(Box::new);
        let kinds = prop::sample::select(COMBINE_KINDS.iter().filter(|kind| **kind != "scale").collect::<Vec<_>>());
        let structures = prop::sample::select(STRUCTURES.to_vec());
        let splits = prop::sample::select(SPLIT_KINDS.iter().filter(|kind| **kind != "ply").collect::<Vec<_>>());
        prop_oneof![
            3 => list().prop_map(|children| Pattern::Cat { children, span: None }),
            1 => list().prop_map(|children| Pattern::Stack { children, span: None }),
            1 => (factor(), b()).prop_map(|(factor, child)| Pattern::Fast { factor, child, span: None }),
            1 => (factor(), b()).prop_map(|(factor, child)| Pattern::Slow { factor, child, span: None }),
            1 => (offset(), b()).prop_map(|(offset, child)| Pattern::Late { offset, child, span: None }),
            1 => b().prop_map(|child| Pattern::Rev { child, span: None }),
            1 => (any::<u64>(), b()).prop_map(|(seed, child)| Pattern::Chance { prob: 0.5, seed, invert: false, child, span: None }),
            1 => b().prop_map(|child| Pattern::Warp { kind: "swing".into(), amount: 0.6, grid: 4, child, span: None }),
            1 => varied(b().boxed()),
            1 => zoomed(b().boxed()),
            1 => shuffled(b().boxed()),
            2 => (1..5_u32, b()).prop_map(|(n, child)| Pattern::Split { kind: "ply".into(), n, child, span: None }),
            3 => (splits, 1..4_u32, b()).prop_map(|(kind, n, child)| {
                Pattern::Split { kind: (*kind).into(), n, child, span: None }
            }),
            2 => (1..6_u32, b()).prop_map(|(n, child)| Pattern::Segment { n, child, span: None }),
            6 => (kinds, structures, b(), b()).prop_map(|(kind, structure, left, right)| {
                let (kind, structure) = ((*kind).into(), structure.into());
                Pattern::Combine { kind, structure, left, right, span: None }
            }),
        ]
    });
    values
        .prop_map(|child| Pattern::Label { label: "c".into(), plain: false, child: boxed(child), span: None })
        .boxed()
}

/// Patterns of every operator; with `shapes`, continuous controls among the leaves.
fn patterns(shapes: bool) -> BoxedStrategy<Pattern> {
    let shape = Pattern::Shape {
        kind: "sine".into(),
        lo: 0.0,
        hi: 1.0,
        label: "s".into(),
        duty: None,
        seed: None,
        table: None,
        span: None,
    };
    let leaf = prop_oneof![
        6 => (0..100_i64).prop_map(control),
        1 => Just(Pattern::Silence { span: None }),
        4 => (0..100_i64, 2..4_i64).prop_map(|(v, n)| unit(v, n)),
        3 => (0..100_i64, -5..5_i64, 1..4_i64).prop_map(|(v, quarters, cycles)| {
            let child = boxed(Pattern::Slow { factor: [cycles, 1], child: boxed(unit(v, 3)), span: None });
            Pattern::Late { offset: [quarters, 4], child, span: None }
        }),
        (if shapes { 2 } else { 1 }) => if shapes { Just(shape) } else { Just(control(7)) },
    ];
    leaf.prop_recursive(5, 24, 4, |p| {
        let list = || prop::collection::vec(p.clone(), 1..4);
        let b = || p.clone().prop_map(Box::new);
        prop_oneof![
            3 => list().prop_map(|children| Pattern::Cat { children, span: None }),
            2 => list().prop_map(|children| Pattern::Stack { children, span: None }),
            1 => (factor(), b()).prop_map(|(factor, child)| Pattern::Fast { factor, child, span: None }),
            1 => (factor(), b()).prop_map(|(factor, child)| Pattern::Slow { factor, child, span: None }),
            1 => (offset(), b()).prop_map(|(offset, child)| Pattern::Early { offset, child, span: None }),
            1 => (offset(), b()).prop_map(|(offset, child)| Pattern::Late { offset, child, span: None }),
            2 => b().prop_map(|child| Pattern::Rev { child, span: None }),
            1 => (1..4_u32, b(), b()).prop_map(|(n, transform, child)| Pattern::Every { n, transform, child, span: None }),
            1 => (0..6_u32, 0..4_u32, -9..9_i64, b()).prop_map(|(pulses, more, rotation, child)| {
                let steps = (pulses + more).max(1);
                Pattern::Euclid { pulses, steps, rotation, child, span: None }
            }),
            2 => (0..=4_u32, any::<u64>(), b()).prop_map(|(quarters, seed, child)| {
                Pattern::Degrade { prob: f64::from(quarters) / 4.0, seed, child, span: None }
            }),
            1 => (0..=4_u32, any::<u64>(), any::<bool>(), b()).prop_map(|(quarters, seed, invert, child)| {
                Pattern::Chance { prob: f64::from(quarters) / 4.0, seed, invert, child, span: None }
            }),
            2 => varied(b().boxed()),
            1 => zoomed(b().boxed()),
            1 => shuffled(b().boxed()),
            1 => (numbers(vec![0.0, 1.0, 2.0, -1.0]), list()).prop_map(|(index, children)| {
                Pattern::Pick { index: boxed(index), children, span: None }
            }),
            1 => (any::<u64>(), any::<bool>(), list()).prop_map(|(seed, weighed, children)| {
                let weights = weighed.then(|| (0..children.len()).map(|i| [1.0, 0.0, 2.5][i % 3]).collect());
                Pattern::Choose { weights, seed, children, span: None }
            }),
            2 => b().prop_map(|child| Pattern::Freeze { child, span: None }),
            1 => (prop::sample::select(vec![0.6, 0.5, 0.25, 0.66]), 1..4_u32, b()).prop_map(|(amount, half, child)| {
                Pattern::Warp { kind: "swing".into(), amount, grid: 2 * half, child, span: None }
            }),
        ]
    })
    .boxed()
}

/// Units of three events under all that moves, turns and thins them.
fn moved_units() -> BoxedStrategy<Pattern> {
    let leaf = (0..100_i64).prop_map(|v| unit(v, 3));
    leaf.prop_recursive(4, 12, 3, |p| {
        let list = || prop::collection::vec(p.clone(), 1..4);
        let b = || p.clone().prop_map(Box::new);
        prop_oneof![
            2 => list().prop_map(|children| Pattern::Cat { children, span: None }),
            1 => list().prop_map(|children| Pattern::Stack { children, span: None }),
            2 => (1..=3_i64, 1..=3_i64, b()).prop_map(|(n, d, child)| Pattern::Fast { factor: [n, d], child, span: None }),
            3 => (offset(), b()).prop_map(|(offset, child)| Pattern::Late { offset, child, span: None }),
            3 => b().prop_map(|child| Pattern::Rev { child, span: None }),
            2 => (1..4_u32, b(), b()).prop_map(|(n, transform, child)| Pattern::Every { n, transform, child, span: None }),
            1 => b().prop_map(|child| Pattern::Euclid { pulses: 3, steps: 8, rotation: 1, child, span: None }),
            3 => (any::<u64>(), b()).prop_map(|(seed, child)| Pattern::Degrade { prob: 0.5, seed, child, span: None }),
            1 => (any::<u64>(), list()).prop_map(|(seed, children)| Pattern::Choose { weights: None, seed, children, span: None }),
            1 => (any::<u64>(), b()).prop_map(|(seed, child)| Pattern::Chance { prob: 0.5, seed, invert: false, child, span: None }),
            1 => b().prop_map(|child| Pattern::Warp { kind: "swing".into(), amount: 0.6, grid: 4, child, span: None }),
        ]
    })
    .boxed()
}

fn events(program: &Program, window: Span, seed: u64) -> Vec<Event> {
    let mut out = EventBuffer::with_capacity(100_000);
    program.query(window, seed, &mut out).unwrap();
    out.as_slice().to_vec()
}

fn onsets(program: &Program, window: Span, seed: u64) -> Vec<Event> {
    let mut out = EventBuffer::with_capacity(100_000);
    program.onsets(window, seed, &mut out).unwrap();
    out.as_slice().to_vec()
}

type Key = (Big, Big, Big, Big, String);

fn keys(program: &Program, events: &[Event]) -> Vec<Key> {
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

fn model_keys(events: &[ModelEvent]) -> Vec<Key> {
    let mut keys: Vec<Key> = events.iter().map(ModelEvent::key).collect();
    keys.sort();
    keys
}

/// The same events in the same cycles, whatever their order.
fn same(a: &Pattern, b: &Pattern, seed: u64) -> Result<(), TestCaseError> {
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
fn same_onsets(a: &Pattern, b: &Pattern) -> Result<(), TestCaseError> {
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
fn merged(program: &Program, window: Span, seed: u64) -> Vec<Key> {
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
fn cut_at(mut keys: Vec<Key>, borders: &[Big]) -> Vec<Key> {
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

fn window() -> impl Strategy<Value = Span> {
    (-40_i64..40, 1..60_i64, prop::sample::select(vec![1_i64, 2, 3, 7, 12, 16, 1 << 20, 999_983])).prop_map(
        |(begin, length, d)| {
            Span::new(Time::new(begin, d.min(16)), Time::new(begin, d.min(16)) + Time::new(length, d.max(8)))
        },
    )
}

/// A query gives what the model gives, and onsets are what of it begins.
fn compared(p: &Pattern, window: Span, seed: u64) -> Result<(), TestCaseError> {
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

/// Every operator that works on values, around a pattern of numbers and another.
fn each_operator(a: &Pattern, b: &Pattern) -> Vec<(String, Pattern)> {
    let (child, other) = (|| boxed(a.clone()), || boxed(b.clone()));
    let span = None;
    let number = |value| Pattern::Number { value, span };
    let turns = |children: Vec<Pattern>| Pattern::Slow {
        factor: [children.len() as i64, 1],
        child: boxed(Pattern::Cat { children, span }),
        span,
    };
    let mut all = Vec::new();
    let mut add = |name: String, pattern| {
        let label = Pattern::Label { label: "c".into(), plain: false, child: boxed(pattern), span };
        all.push((name, label));
    };
    for kind in COMBINE_KINDS.iter().filter(|kind| **kind != "scale") {
        for structure in STRUCTURES {
            let (kind, structure) = ((*kind).to_owned(), structure.to_owned());
            let name = format!("{kind} {structure}");
            add(name, Pattern::Combine { kind, structure, left: child(), right: other(), span });
        }
    }
    for kind in SPLIT_KINDS {
        add(kind.into(), Pattern::Split { kind: kind.into(), n: 3, child: child(), span });
    }
    for kind in SHUFFLE_KINDS {
        add(kind.into(), Pattern::Shuffle { kind: kind.into(), n: 5, seed: 1, child: child(), span });
    }
    for kind in VARY_KINDS {
        let by = match kind {
            "euclid" => vec![turns(vec![number(3.0), number(-1.0)]), number(5.0)],
            "chance" => vec![turns(vec![number(0.5), number(0.25)])],
            _ => vec![turns(vec![number(2.0), number(3.0)])],
        };
        let transform = (kind == "every").then(other);
        add(
            format!("vary {kind}"),
            Pattern::Vary { kind: kind.into(), by, seed: 2, transform, child: child(), span },
        );
    }
    let index = boxed(turns(vec![number(0.0), number(1.0), number(1.0)]));
    add("pick".into(), Pattern::Pick { index, children: vec![a.clone(), b.clone()], span });
    add(
        "choose".into(),
        Pattern::Choose { weights: None, seed: 3, children: vec![a.clone(), b.clone()], span },
    );
    add("zoom".into(), Pattern::Zoom { from: [1, 5], to: [3, 4], child: child(), span });
    add("segment".into(), Pattern::Segment { n: 5, child: child(), span });
    add("tune".into(), Pattern::Tune { tuning: "19edo".into(), map: None, child: child(), span });
    add("chance".into(), Pattern::Chance { prob: 0.5, seed: 4, invert: true, child: child(), span });
    add("every".into(), Pattern::Every { n: 3, transform: other(), child: child(), span });
    add("rev".into(), Pattern::Rev { child: child(), span });
    add("warp".into(), Pattern::Warp { kind: "swing".into(), amount: 0.6, grid: 4, child: child(), span });
    add("late".into(), Pattern::Late { offset: [2, 7], child: child(), span });
    all
}

/// Onsets of the pieces of a window are those of the window.
fn partitioned(program: &Program, window: Span, cuts: Vec<i64>) -> Result<(), TestCaseError> {
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
