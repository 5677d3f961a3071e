//! What cannot be exact, or would cost too much, is refused by name; all else is exact, up to the
//! last cycle.

mod model;

use std::time::Duration;

use krach_patterns::{
    CompileErrorKind, Event, EventBuffer, MAX_CYCLE, MAX_EVENTS_PER_CYCLE, MAX_LABEL, Pattern, Program, Span,
    Time, builders::*, compile,
};
use model::of;
use proptest::{prelude::*, strategy::ValueTree};

fn fast(factor: [i64; 2], child: Pattern) -> Pattern {
    Pattern::Fast { factor, child: Box::new(child), span: None }
}

fn slow(factor: [i64; 2], child: Pattern) -> Pattern {
    Pattern::Slow { factor, child: Box::new(child), span: None }
}

fn late(offset: [i64; 2], child: Pattern) -> Pattern {
    Pattern::Late { offset, child: Box::new(child), span: None }
}

fn atom() -> Pattern {
    control("c", 1.0)
}

fn refusal(p: &Pattern) -> (CompileErrorKind, String, String) {
    let error = compile(p).expect_err("should be refused");
    (error.kind.clone(), error.path.clone(), error.to_string())
}

fn events(program: &Program, window: Span) -> Vec<Event> {
    let mut out = EventBuffer::with_capacity(100_000);
    program.query(window, 0, &mut out).unwrap();
    out.as_slice().to_vec()
}

/// Windows as the engine asks for them, near zero and at both ends of time.
fn engine_windows() -> Vec<Span> {
    let mut windows = Vec::new();
    for cycle in [0, -1, MAX_CYCLE - 1, 1 - MAX_CYCLE] {
        for (begin, length) in [(0_i64, 2621_i64), (1_047_000, 3000)] {
            let at = |n: i64| Time::new((cycle << 20) + n, 1 << 20);
            windows.push(Span::new(at(begin), at(begin + length)));
        }
    }
    windows
}

fn agrees_with_the_model(p: &Pattern, program: &Program) -> Result<(), TestCaseError> {
    let end = Time::from_integer(MAX_CYCLE);
    for window in engine_windows() {
        let window = Span::new(window.begin.max(-end), window.end.min(end));
        let mut got: Vec<_> = events(program, window)
            .iter()
            .map(|e| (of(e.whole.begin), of(e.whole.end), of(e.part.begin), of(e.part.end)))
            .collect();
        let mut want: Vec<_> = model::query(p, window, 0)
            .into_iter()
            .map(|e| (e.whole.0, e.whole.1, e.part.0, e.part.1))
            .collect();
        got.sort();
        want.sort();
        prop_assert_eq!(got, want);
    }
    Ok(())
}

#[test]
fn ten_thirds_twenty_times_over_is_refused_by_name_and_ten_times_is_exact_when_slow() {
    let nested =
        |n: usize, wrap: fn([i64; 2], Pattern) -> Pattern| (0..n).fold(atom(), |p, _| wrap([10, 3], p));
    let (kind, path, text) = refusal(&nested(20, fast));
    assert!(matches!(kind, CompileErrorKind::TimeTooFine | CompileErrorKind::TooManyEvents { .. }));
    assert!(path.starts_with("Fast > Fast"), "{path}");
    assert!(text.contains(&path), "{text}");
    assert!(refusal(&nested(20, slow)).1.starts_with("Slow"));
    for n in [1, 3, 5, 8, 10] {
        let p = nested(n, slow);
        agrees_with_the_model(&p, &compile(&p).unwrap()).unwrap();
    }
    let p = nested(6, fast);
    agrees_with_the_model(&p, &compile(&p).unwrap()).unwrap();
}

#[test]
fn the_offending_node_is_named_by_its_path() {
    let fine = late([1, 1 << 40], atom());
    let p = fast([3, 2], cat(vec![atom(), rest(), late([1, 3], cat(vec![fine])).spread(3, 8)]));
    let (kind, path, text) = refusal(&p);
    assert_eq!(kind, CompileErrorKind::TimeTooFine);
    assert!(path.starts_with("Fast > Cat[2] > Euclid > Late > Cat[0]"), "{path}");
    assert!(text.starts_with(&format!("time cannot be represented exactly at {path}")), "{text}");
    let every = atom().every(2, |_| late([1, (1 << 62) + 1], atom()));
    assert_eq!(refusal(&every).1, "Every[transform] > Late");
}

#[test]
fn the_number_of_events_per_cycle_is_bounded_and_named() {
    let (kind, path, text) = refusal(&fast([5000, 1], atom()));
    assert_eq!(kind, CompileErrorKind::TooManyEvents { events: 5000 });
    assert_eq!(path, "Fast");
    assert!(text.contains("5000") && text.contains("4096"), "{text}");
    let most = compile(&fast([4096, 1], atom())).unwrap();
    assert_eq!(most.events_per_cycle(), MAX_EVENTS_PER_CYCLE);
    assert_eq!(events(&most, Span::cycle(-7)).len(), 4096);
    assert_eq!(compile(&(hit("gate") * 4)).unwrap().events_per_cycle(), 8);
    assert!(matches!(refusal(&(hit("gate") * 2049)).0, CompileErrorKind::TooManyEvents { events: 4098 }));
    // A pattern that is slowed down still sounds all at once.
    let crowd = slow([1000, 1], stack(vec![atom(); 4097]));
    assert!(matches!(refusal(&crowd).0, CompileErrorKind::TooManyEvents { events: 4097 }));
    let never = fast([5000, 1], atom().every(1_000_000, |_| rest()));
    assert!(matches!(refusal(&never).0, CompileErrorKind::TooManyEvents { .. }));
    assert!(matches!(
        refusal(&atom().spread(5000, 1 << 20)).0,
        CompileErrorKind::TooManyEvents { events: 5000 }
    ));
    assert!(matches!(
        refusal(&(0..7).fold(atom(), |p, _| p.fast(9.0))).0,
        CompileErrorKind::TooManyEvents { events: 4_782_969 }
    ));
}

fn number(value: f64) -> Pattern {
    Pattern::Number { value, span: None }
}

fn vary(kind: &str, by: Vec<Pattern>, child: Pattern) -> Pattern {
    let transform = (kind == "every").then(|| Box::new(atom()));
    Pattern::Vary { kind: kind.into(), by, seed: 0, transform, child: Box::new(child), span: None }
}

#[test]
fn a_varied_number_is_held_to_what_the_operator_takes() {
    let name = || Pattern::Name { name: "minor".into(), span: None };
    let turns = |value| cat(vec![number(1.0), number(value)]);
    for (pattern, path, says) in [
        (vary("fast", vec![turns(0.0)], atom()), "Vary[0] > Cat[1] > Number", "factor must be positive"),
        (vary("slow", vec![turns(-1.0)], atom()), "Vary[0] > Cat[1] > Number", "factor must be positive"),
        (vary("fast", vec![name()], atom()), "Vary[0] > Name", "Vary takes numbers, not the name minor"),
        (vary("fast", vec![atom()], atom()), "Vary[0] > Atom", "Vary takes numbers, not what plays"),
        (vary("chance", vec![turns(1.5)], atom()), "Vary[0] > Cat[1] > Number", "prob must be in [0, 1]"),
        (vary("late", vec![turns(1e300)], atom()), "Vary[0] > Cat[1] > Number", "represented exactly"),
        (
            vary("euclid", vec![turns(9.0), number(8.0)], atom()),
            "Vary[0] > Cat[1] > Number",
            "pulses must be <=",
        ),
        (vary("euclid", vec![turns(0.5), number(8.0)], atom()), "Vary[0] > Cat[1] > Number", "whole numbers"),
        (
            vary("euclid", vec![number(0.0), turns(0.0)], atom()),
            "Vary[1] > Cat[1] > Number",
            "steps must be > 0",
        ),
        (vary("euclid", vec![number(1.0)], atom()), "Vary", "by must be pulses, steps"),
        (vary("fast", vec![], atom()), "Vary", "by must be one pattern"),
        (vary("every", vec![turns(0.0)], atom()), "Vary[0] > Cat[1] > Number", "whole numbers from 1 on"),
        (vary("every", vec![turns(1.5)], atom()), "Vary[0] > Cat[1] > Number", "whole numbers from 1 on"),
        (vary("every", vec![turns(2.0)], number(1.0)), "Vary[2] > Number", "plays nothing"),
        (vary("swirl", vec![number(1.0)], atom()), "Vary", "kind must be fast, slow"),
        (vary("fast", vec![number(f64::NAN)], atom()), "Vary[0] > Number", "value must be a finite number"),
        (
            vary("fast", vec![turns(2.0)], cat(vec![number(1.0)])),
            "Vary[1] > Cat[0] > Number",
            "plays nothing",
        ),
        (
            vary("fast", vec![turns(2.0)], vary("fast", vec![turns(5000.0)], atom())),
            "Vary > Vary > Fast",
            "events",
        ),
    ] {
        let error = compile(&pattern).expect_err(says);
        assert!(error.to_string().contains(says), "{error}");
        assert!(
            error.path.starts_with("Vary") && (says == "events" || error.path == path),
            "{says}: {}",
            error.path
        );
    }
}

#[test]
fn copies_within_copies_are_counted_before_they_are_made() {
    let turns = || cat((1..=16).map(|n| number(f64::from(n))).collect());
    let nested = (0..12).fold(atom(), |p, _| vary("late", vec![turns()], p));
    assert!(matches!(refusal(&nested).0, CompileErrorKind::TooManyCopies), "{:?}", refusal(&nested));
    let fine = (0..2).fold(atom(), |p, _| vary("late", vec![turns()], p));
    agrees_with_the_model(&fine, &compile(&fine).unwrap()).unwrap();
}

fn label(label: String, child: Pattern) -> Pattern {
    Pattern::Label { label, plain: false, child: Box::new(child), span: None }
}

#[test]
fn labels_and_names_are_as_long_as_paths() {
    let text = |bytes: usize| "x".repeat(bytes);
    let name = |bytes| Pattern::Name { name: text(bytes), span: None };
    let shape = |bytes| Pattern::Shape {
        kind: "sine".into(),
        lo: 0.0,
        hi: 1.0,
        label: text(bytes),
        duty: None,
        seed: None,
        table: None,
        span: None,
    };
    let cases: [(&str, &dyn Fn(usize) -> Pattern); 4] = [
        ("Label", &|n| label(text(n), number(1.0))),
        ("Name", &|n| Pattern::Pick {
            index: Box::new(number(0.0)),
            children: vec![atom(), name(n)],
            span: None,
        }),
        ("Control", &|n| control(&text(n), 1.0)),
        ("shape", &|n| shape(n)),
    ];
    for (what, make) in cases {
        assert!(compile(&make(MAX_LABEL)).is_ok(), "{what}");
        let (_, _, text) = refusal(&make(MAX_LABEL + 1));
        assert!(text.starts_with(what) && text.contains("at most 2049 bytes"), "{text}");
    }
}

#[test]
fn an_event_has_up_to_256_controls() {
    let wide = |n: usize| {
        let mut level: Vec<Pattern> = (0..n).map(|i| label(format!("c{i}"), number(1.0))).collect();
        while level.len() > 1 {
            let mut rest = level.into_iter();
            level = Vec::new();
            while let Some(left) = rest.next() {
                let Some(right) = rest.next() else {
                    level.push(left);
                    break;
                };
                level.push(Pattern::Combine {
                    kind: "add".into(),
                    structure: "left".into(),
                    left: Box::new(left),
                    right: Box::new(right),
                    span: None,
                });
            }
        }
        level.remove(0)
    };
    assert!(!refusal(&wide(256)).2.contains("controls"), "{}", refusal(&wide(256)).2);
    assert!(refusal(&wide(257)).2.contains("up to 256 controls"), "{}", refusal(&wide(257)).2);
}

#[test]
fn each_note_counts_with_a_pitch_or_without() {
    let notes = |n: usize| label("c".into(), cat((0..n).map(|_| number(1.0)).collect()));
    let count = |n| compile(&notes(n)).err().map(|error| error.kind);
    assert_eq!(count(70_000), Some(CompileErrorKind::TooManyCopies));
    assert_eq!(count(60_000), Some(CompileErrorKind::TooManyEvents { events: 120_000 }));
}

#[test]
fn what_is_silent_costs_nothing_however_fast() {
    let huge = i64::MAX;
    let silent = fast([huge, 1], fast([huge, 1], stack(vec![rest(), cat(vec![rest(); 10_000])])));
    let program = compile(&(silent | atom())).unwrap();
    assert_eq!(program.events_per_cycle(), 1);
    for silent in [
        rest().spread(1 << 31, 1 << 31),
        atom().thin(1.0, 0),
        atom().spread(0, 9),
        rest().swing(0.123_456_789, 2),
    ] {
        assert_eq!(compile(&silent).unwrap().events_per_cycle(), 0);
    }
}

#[test]
fn blocks_of_the_densest_patterns_stay_cheap() {
    let dense = compile(&fast([4096, 1], atom())).unwrap();
    let crowd = compile(&slow([100, 1], stack(vec![atom(); 4096]))).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for program in [&dense, &crowd] {
            let mut out = EventBuffer::with_capacity(8192);
            for i in 0..2000 {
                out.clear();
                program.onsets(Span::new(Time::new(i, 400), Time::new(i + 1, 400)), 0, &mut out).unwrap();
            }
        }
        tell.send(()).expect("somebody waits");
    });
    // A guard against a query that looks at each hit once for each other.
    told.recv_timeout(Duration::from_secs(60)).expect("it ends");
}

#[test]
fn nothing_panics_beyond_the_last_cycle() {
    let program = compile(&(late([1, 3], hit("gate")) * 5)).unwrap();
    let ends = [i64::MIN + 1, -MAX_CYCLE - 1, -MAX_CYCLE, 0, MAX_CYCLE, MAX_CYCLE + 1, i64::MAX];
    for a in ends {
        for b in [a.saturating_sub(1), a, a.saturating_add(1)] {
            let window = Span::new(Time::from_integer(a), Time::from_integer(b));
            let mut out = EventBuffer::with_capacity(100);
            program.query(window, 0, &mut out).unwrap();
            program.onsets(window, 0, &mut out).unwrap();
        }
    }
    let tiny = Span::new(Time::new(i64::MAX - 1, i64::MAX), Time::new(i64::MAX, i64::MAX - 1));
    assert_eq!(events(&program, tiny).len(), 2);
    let backwards = Span::new(Time::from_integer(1), Time::from_integer(0));
    assert!(events(&program, backwards).is_empty());
}

#[test]
fn layers_within_layers_are_mirrored_and_shifted_as_one() {
    let inner = stack(vec![hit("a"), stack(vec![late([1, 3], hit("b")), atom() * 3]), hit("c") * 2]);
    for p in [inner.clone().rev(), late([1, 4], late([-1, 4], inner.clone().rev())), inner.rev().rev()] {
        agrees_with_the_model(&p, &compile(&p).unwrap()).unwrap();
    }
}

#[test]
fn a_full_buffer_is_left_as_it_was() {
    let program = compile(&fast([10, 1], atom())).unwrap();
    let mut out = EventBuffer::with_capacity(15);
    program.query(Span::cycle(0), 0, &mut out).unwrap();
    let before = out.as_slice().to_vec();
    assert!(program.query(Span::cycle(1), 0, &mut out).is_err());
    assert!(program.onsets(Span::new(Time::from_integer(1), Time::from_integer(3)), 0, &mut out).is_err());
    assert_eq!(out.as_slice(), before);
}

/// Trees whose fractions are near what 64 bits hold.
fn fine_patterns() -> BoxedStrategy<Pattern> {
    let number = || {
        prop_oneof![
            2 => 1..12_i64,
            1 => prop::sample::select(vec![97_i64, 1009, 65_537, 999_983, (1 << 31) - 1, 1 << 31, (1 << 62) + 1, i64::MAX]),
            1 => 1..i64::MAX,
        ]
    };
    let leaf = prop_oneof![5 => Just(atom()), 1 => Just(rest())];
    leaf.prop_recursive(6, 16, 3, move |p| {
        let b = || p.clone().prop_map(Box::new);
        prop_oneof![
            prop::collection::vec(p.clone(), 1..4).prop_map(cat),
            prop::collection::vec(p.clone(), 1..4).prop_map(stack),
            (number(), number(), p.clone()).prop_map(|(n, d, p)| if n / d > 20 {
                slow([n, d], p)
            } else {
                fast([n, d], p)
            }),
            (number(), number(), p.clone()).prop_map(|(n, d, p)| slow([n.max(d), n.min(d)], p)),
            (number(), number(), any::<bool>(), p.clone())
                .prop_map(|(n, d, back, p)| late([if back { -n } else { n }, d], p)),
            (1..9_u32, prop::sample::select(vec![9_u32, 16, 1009, u32::MAX]), any::<i64>(), b()).prop_map(
                |(pulses, steps, rotation, child)| Pattern::Euclid {
                    pulses,
                    steps: steps.min(5000),
                    rotation,
                    child,
                    span: None
                }
            ),
            (prop::sample::select(vec![1_u32, 2, 3, u32::MAX]), b(), b())
                .prop_map(|(n, transform, child)| Pattern::Every { n, transform, child, span: None }),
            (
                prop::sample::select(vec![0.6, 0.99, 0.01, 0.37]),
                prop::sample::select(vec![2_u32, 8, 1014]),
                p.clone()
            )
                .prop_map(|(amount, grid, p)| p.swing(amount, grid)),
            (number(), number(), p.clone()).prop_map(|(n, d, p)| vary(
                "late",
                vec![cat(vec![
                    Pattern::Number { value: (n % 100) as f64 / 12.0, span: None },
                    Pattern::Number { value: (d % 100) as f64, span: None },
                ])],
                p
            )),
            p.clone().prop_map(Pattern::rev),
            p.prop_map(|p| p.thin(0.3, 9)),
        ]
    })
    .boxed()
}

#[test]
fn of_the_fine_patterns_many_are_exact_and_many_refused() {
    // Otherwise the law below would hold for want of cases.
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = fine_patterns();
    let draws = (0..400).map(|_| strategy.new_tree(&mut runner).unwrap().current());
    let sounding = draws.filter(|p| compile(p).map_or(true, |program| !program.values().is_empty()));
    let (exact, refused): (Vec<_>, Vec<_>) = sounding.partition(|p| compile(p).is_ok());
    assert!(exact.len() > 80 && refused.len() > 30, "{} exact, {} refused", exact.len(), refused.len());
    let deep = exact.iter().filter(|p| !p.children().is_empty()).count();
    assert!(deep > 40, "{deep} of the exact ones are more than an atom");
}

#[test]
fn the_deepest_query_needs_little_stack() {
    // Host audio threads may have as little as 256 KiB, and the engine needs some of it.
    let chain = (0..256).fold(atom(), |p, i| match i % 5 {
        4 => p.thin(0.001, i),
        0 => p.rev(),
        1 => freeze(p),
        2 => p.every(2, |_| rest()),
        _ => cat(vec![p]),
    });
    let program = compile(&chain).unwrap();
    let query = move || {
        let mut out = EventBuffer::with_capacity(64);
        program.query(Span::cycle(2), 0, &mut out).unwrap();
        program.onsets(Span::cycle(3), 0, &mut out).unwrap();
        out.len()
    };
    let small = std::thread::Builder::new().stack_size(160 << 10);
    assert!(small.spawn(query).unwrap().join().unwrap() > 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn near_the_limit_a_pattern_is_refused_by_name_or_exact(p in fine_patterns()) {
        match compile(&p) {
            Ok(program) => agrees_with_the_model(&p, &program)?,
            Err(error) => {
                let named = matches!(error.kind, CompileErrorKind::TimeTooFine | CompileErrorKind::TooManyEvents { .. });
                prop_assert!(named);
                prop_assert!(!error.path.is_empty());
            }
        }
    }
}

#[test]
fn a_number_that_stands_many_times_costs_what_it_costs_once() {
    // Eight times the same in each of thirty brackets: 8^30 ways to the one hit.
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let text = (0..30).fold("x".to_owned(), |text, _| format!("[{text}]*<1 1 1 1 1 1 1 1>"));
        let pattern = krach_patterns::mini(&text).expect("it reads");
        tell.send(compile(&pattern).map(|program| program.events_per_cycle())).expect("somebody waits");
    });
    // A guard against a compiler that goes all the ways.
    let compiled = told.recv_timeout(Duration::from_secs(60)).expect("it ends");
    assert!(compiled.is_ok(), "{compiled:?}");
}
