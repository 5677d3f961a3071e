//! The audio thread queries patterns: it must never allocate or free. Compiling takes memory, in bounds.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use krach_patterns::{
    EventBuffer, MAX_LABEL, Pattern, Program, Span, Time, Value, builders::*, compile, mini, mini_values,
};

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

fn take(bytes: usize) {
    let _ = BYTES.try_with(|taken| taken.set(taken.get() + bytes));
}

fn count() {
    // During a thread's end the counter may be gone; nothing is measured then.
    let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
}

// SAFETY: every call is handed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        take(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        count();
        // SAFETY: `ptr` came from `System.alloc` with this layout.
        unsafe { System.dealloc(ptr, layout) }
    }
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        take(size.saturating_sub(layout.size()));
        // SAFETY: `ptr` came from `System.alloc` with this layout.
        unsafe { System.realloc(ptr, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(run: impl FnOnce()) -> usize {
    let before = CALLS.get();
    run();
    CALLS.get() - before
}

fn shape() -> Pattern {
    Pattern::Shape {
        kind: "rand".into(),
        lo: 0.0,
        hi: 1.0,
        label: "cutoff".into(),
        duty: None,
        seed: None,
        table: None,
        span: None,
    }
}

fn sine() -> Pattern {
    Pattern::Shape {
        kind: "sine".into(),
        lo: 0.0,
        hi: 1.0,
        label: String::new(),
        duty: None,
        seed: None,
        table: None,
        span: None,
    }
}

fn programs() -> Vec<Program> {
    let late = |n: i64, p| Pattern::Late { offset: [1, n], child: Box::new(p), span: None };
    let everything = stack(vec![
        (hit("gate") * 16).swing(0.6, 8).thin(0.3, 1),
        mini("x(<3 -5>,[8 9],<0 1>) {A2 B2 C3}%<4 5>? [A2 | B2 | ~]*<2 3> x?[0.2 0.8]").unwrap(),
        mini("x(5,16) <A2@3 [C3,E3]>? [x x]*3!2").unwrap(),
        chord([60, 64, 67]).shift(0.25).rev().every(3, |p| p.fast(2.0)),
        shape().swing(0.75, 4).rev().over(3.0),
        Pattern::Fast { factor: [5, 1], child: Box::new(rest()), span: None },
    ]);
    // Denominators that need the wide ticks.
    let wide = stack([1009, 1013, 1019, 1021].map(|n| late(n, hit("gate"))).to_vec());
    let v = |text: &str| mini_values(text).unwrap();
    let tune = v("0 2 <4 7>").scale(v("C:minor")).control("note").set(v("<400 800>").control("cutoff"));
    let values = stack(vec![
        tune.superimpose(|p| p.transpose(12.0)).often(0, |p| p.ply(2)).shuffle(3, 1),
        v("<C:m7 F:maj7>")
            .control("chord")
            .set(v("0.75 0.3").control("legato"))
            .arp("updown")
            .zoom(0.25, 0.75),
        v("1 2").combine("add", "both", v("10 20 30")).control("a").scramble(5, 2),
        v("1 2").structured(v("x(<3 5>,8)")).control("b").iter(4),
        v("[0,2,<4 6>]").segment(3).scale(v("C:minor")).arp("converge").tuned("just", None).control("note"),
        v("<C:m7 F:maj7>").control("chord").inv(v("<0 1>")).voicing(v("C5")).rolled(3),
        v("1").every_by(v("<2 3>"), |p| p.ply(3)).control("c"),
    ]);
    let stepped = stack(vec![shape().over(3.0).segment(16), values]);
    let turned = stack(vec![
        v("[0,4,7] [2,<5 4>]").thin(0.3, 1).inv_stack(v("<0 1 -3>")).arp("down").control("note"),
        v("[0,4,7]").inv_stack(v("[2,-3] <0 1>")).control("a"),
        v("200 <400 saw>").plain("osc/freq"),
    ]);
    [everything, wide, stepped, turned].iter().map(|pattern| compile(pattern).unwrap()).collect()
}

#[test]
fn queries_allocate_nothing_not_even_when_the_buffer_is_full() {
    for program in programs() {
        let mut out = EventBuffer::with_capacity(4096);
        let mut tiny = EventBuffer::with_capacity(3);
        let mut events = 0;
        let mut refused = 0;
        let calls = allocations(|| {
            for i in -800..800_i64 {
                let window = Span::new(Time::new(i * 2621, 1 << 20), Time::new((i + 1) * 2621, 1 << 20));
                out.clear();
                program.onsets(window, 7, &mut out).unwrap();
                program.first_onset(window, 7, &mut out).unwrap();
                program.query(window, 7, &mut out).unwrap();
                events += out.len();
                tiny.clear();
                refused += usize::from(program.query(Span::cycle(i), 7, &mut tiny).is_err());
            }
            out.clear();
            program.query(Span::new(Time::new(-5, 2), Time::new(7, 2)), 0, &mut out).unwrap();
            events += out.len();
        });
        assert!(events > 1000 && refused > 0, "{events} {refused}");
        assert_eq!(calls, 0);
    }
}

#[test]
fn the_guard_itself_counts() {
    assert!(allocations(|| drop(std::hint::black_box(vec![1_u8; 100]))) >= 2);
}

fn number(value: usize) -> Pattern {
    Pattern::Number { value: value as f64, span: None }
}

fn numbers(n: usize) -> Pattern {
    cat((1..=n).map(number).collect())
}

fn name() -> Pattern {
    Pattern::Name { name: "n".repeat(MAX_LABEL), span: None }
}

fn label(label: &str, child: Pattern) -> Pattern {
    Pattern::Label { label: label.into(), plain: false, child: Box::new(child), span: None }
}

fn combine(kind: &str, left: Pattern, right: Pattern) -> Pattern {
    let (left, right) = (Box::new(left), Box::new(right));
    Pattern::Combine { kind: kind.into(), structure: "left".into(), left, right, span: None }
}

fn vary(kind: &str, by: Pattern, child: Pattern) -> Pattern {
    Pattern::Vary {
        kind: kind.into(),
        by: vec![by],
        seed: 0,
        transform: None,
        child: Box::new(child),
        span: None,
    }
}

/// Leaves that sound, far from each other: those of a selector lie between.
fn apart(selector: Pattern) -> Pattern {
    stack(vec![number(1), vary("fast", selector, number(1)), number(1)])
}

#[test]
fn what_a_pattern_multiplies_is_bounded_before_it_takes_memory() {
    let long = "l".repeat(MAX_LABEL);
    let same = |n: usize| cat((0..n).map(|_| number(2)).collect());
    let rests = cat((0..20_000).map(|_| rest()).collect());
    let Pattern::Cat { children, .. } = &rests else { panic!("a Cat") };
    let pick = Pattern::Pick { index: Box::new(number(0)), children: children.clone(), span: None };
    let osc = Pattern::Atom { value: Value::Osc { address: "/a".repeat(500), args: Vec::new() }, span: None };
    let euclids = (0..10_000).map(|_| control("c", 1.0).spread(4096, 5000)).collect();
    let mirrored = (0..200).fold(stack((0..4000).map(|_| numbers(2)).collect()), |p, _| p.rev());
    // Compiled or refused; never with more memory than that many MiB.
    let cases = [
        ("one label for many numbers", 40, label(&long, numbers(40_000))),
        ("names that meet names", 20, combine("set", numbers(250), cat((0..250).map(|_| name()).collect()))),
        (
            "labels that meet labels",
            20,
            combine("keep", label(&long, numbers(250)), label(&long, numbers(250))),
        ),
        ("notes without pitch, of a long label", 20, label(&long, numbers(10_000))),
        ("a label in each copy", 60, vary("fast", numbers(40_000), control(&long, 1.0))),
        ("a name in each copy", 60, vary("fast", numbers(40_000), name())),
        (
            "a shape in each copy",
            60,
            vary(
                "fast",
                numbers(40_000),
                Pattern::Shape {
                    kind: "custom".into(),
                    lo: 0.0,
                    hi: 1.0,
                    label: long.clone(),
                    duty: None,
                    seed: None,
                    table: Some(vec![0.5; 1000]),
                    span: None,
                },
            ),
        ),
        ("an OSC message in each copy", 60, vary("fast", numbers(40_000), osc)),
        ("a table with wide gaps", 20, combine("add", apart(same(6000)), apart(same(6000)))),
        ("a join with wide gaps", 100, (0..120).fold(same(60_000), |p, _| apart(p))),
        ("rhythms", 40, cat(euclids)),
        ("layers mirrored again and again", 60, mirrored),
        (
            "the values of a shape in each copy",
            60,
            vary(
                "fast",
                numbers(40_000),
                label("c", Pattern::Segment { n: 900, child: Box::new(sine()), span: None }),
            ),
        ),
        (
            "values of shapes within values of shapes",
            60,
            label(
                "c",
                (0..30).fold(sine(), |child, _| {
                    let child = Box::new(vary("fast", numbers(6), child));
                    Pattern::Segment { n: 16, child, span: None }
                }),
            ),
        ),
        (
            "many shapes",
            150,
            cat((0..2000)
                .map(|_| label("c", Pattern::Segment { n: 16, child: Box::new(sine()), span: None }))
                .collect()),
        ),
        (
            "a tuning in each copy",
            60,
            vary(
                "fast",
                numbers(40_000),
                Pattern::Tune {
                    tuning: format!("a\n4000\n{}", "3/2\n".repeat(4000)),
                    map: None,
                    child: Box::new(label("note", number(60))),
                    span: None,
                },
            ),
        ),
        (
            "chords one after the other",
            60,
            (0..20)
                .fold(stack((0..40).map(number).collect()), |p, _| p.arp("up"))
                .superimpose(|p| p.arp("down")),
        ),
        ("a list to pick from in each copy", 40, vary("fast", numbers(2000), pick)),
    ];
    let mut over = Vec::new();
    for (what, most, pattern) in cases {
        let before = BYTES.get();
        let compiled = compile(&pattern);
        let mib = (BYTES.get() - before) >> 20;
        println!(
            "{what}: {mib} MiB, {:?}",
            compiled.err().map(|error| error.to_string().chars().take(60).collect::<String>())
        );
        if mib > most {
            over.push(format!("{what}: {mib} of {most} MiB"));
        }
    }
    assert!(over.is_empty(), "{over:#?}");
}
