//! Random patterns, and every operator around two of them.

use krach_patterns::{COMBINE_KINDS, Pattern, SHUFFLE_KINDS, SPLIT_KINDS, STRUCTURES, VARY_KINDS, Value};
use proptest::prelude::*;

pub fn control(value: i64) -> Pattern {
    let value = Value::Control { label: "c".into(), value: value as f64 };
    Pattern::Atom { value, span: None }
}

pub fn boxed(p: Pattern) -> Box<Pattern> {
    Box::new(p)
}

/// A unit of `n` events.
pub fn unit(value: i64, n: i64) -> Pattern {
    let children = (0..n).map(|i| control(value + 1000 * i)).collect();
    Pattern::Freeze { child: boxed(Pattern::Cat { children, span: None }), span: None }
}

pub fn factor() -> impl Strategy<Value = [i64; 2]> {
    (1..=6_i64, 1..=6_i64).prop_map(|(n, d)| [n, d])
}

pub fn offset() -> impl Strategy<Value = [i64; 2]> {
    (-9..=9_i64, 1..=7_i64).prop_map(|(n, d)| [n, d])
}

/// Patterns of numbers from a list, of every kind that may select.
pub fn numbers(from: Vec<f64>) -> BoxedStrategy<Pattern> {
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
pub fn varied(child: BoxedStrategy<Box<Pattern>>) -> BoxedStrategy<Pattern> {
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

pub fn zoomed(child: BoxedStrategy<Box<Pattern>>) -> BoxedStrategy<Pattern> {
    let pieces =
        prop::sample::select(vec![([0, 1], [1, 2]), ([1, 4], [3, 4]), ([1, 3], [1, 1]), ([0, 1], [1, 1])]);
    (pieces, child).prop_map(|((from, to), child)| Pattern::Zoom { from, to, child, span: None }).boxed()
}

pub fn shuffled(child: BoxedStrategy<Box<Pattern>>) -> BoxedStrategy<Pattern> {
    let kind = prop::sample::select(SHUFFLE_KINDS.to_vec());
    (kind, 1..6_u32, any::<u64>(), child)
        .prop_map(|(kind, n, seed, child)| Pattern::Shuffle { kind: kind.into(), n, seed, child, span: None })
        .boxed()
}

/// Patterns of numbers under everything that works on them, as a control.
pub fn values() -> BoxedStrategy<Pattern> {
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
pub fn patterns(shapes: bool) -> BoxedStrategy<Pattern> {
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
pub fn moved_units() -> BoxedStrategy<Pattern> {
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

/// Every operator that works on values, around a pattern of numbers and another.
pub fn each_operator(a: &Pattern, b: &Pattern) -> Vec<(String, Pattern)> {
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
