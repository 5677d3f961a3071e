//! The audio thread queries patterns: it must never allocate or free.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use krach_patterns::{EventBuffer, Pattern, Program, Span, Time, builders::*, compile, mini, mini_values};

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

fn count() {
    // During a thread's end the counter may be gone; nothing is measured then.
    let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
}

// SAFETY: every call is handed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
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
    ]);
    vec![compile(&everything).unwrap(), compile(&wide).unwrap(), compile(&values).unwrap()]
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
