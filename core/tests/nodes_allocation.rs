//! On the audio thread nothing allocates or frees.

mod nodes_support;

use krach_core::automation::{Automation, ShapeSpec};
use krach_core::limiter::Limiter;
use krach_core::node::Change;
use nodes_support::{Bench, MAX_FRAMES, find};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, which counts this thread's calls.
struct Counting;

fn count() {
    CALLS.with(|calls| calls.set(calls.get() + 1));
}

// SAFETY: every call goes to the system's allocator unchanged; counting touches only a constant-initialised
// thread-local without a destructor, which itself never allocates.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as the caller promised.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `work` allocated or freed.
fn allocations(work: impl FnOnce()) -> usize {
    let before = CALLS.get();
    work();
    CALLS.get() - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(vec![1, 2, 3]))), 2);
}

#[test]
fn nodes_render_set_and_reset_without_allocating() {
    for type_id in ["oscillator", "gain", "adc_input", "dac"] {
        let mut bench = Bench::new(type_id, 48_000.0);
        let channels = |ports: &[krach_core::node::Port]| ports.iter().map(|p| p.channels).sum::<usize>();
        let input = vec![0.5; MAX_FRAMES];
        let inputs = vec![&input[..]; channels(&bench.decl.inputs)];
        let mut buffers = vec![vec![0.0; MAX_FRAMES]; channels(&bench.decl.outputs)];
        let mut outputs: Vec<&mut [f32]> = buffers.iter_mut().map(Vec::as_mut_slice).collect();
        let controls = bench.decl.controls.clone();
        let calls = allocations(|| {
            for round in 0..20_u32 {
                for (index, control) in controls.iter().enumerate() {
                    let value = if round % 2 == 0 { control.max } else { control.min };
                    bench.node.set(index, Change { value, ramp: round % 3 * 100 });
                }
                bench.node.render(&krach_core::node::Transport::STANDING, MAX_FRAMES, &inputs, &mut outputs);
                if round % 5 == 4 {
                    bench.node.reset();
                }
            }
        });
        assert_eq!(calls, 0, "{type_id}");
    }
}

#[test]
fn limiter_and_automation_work_without_allocating() {
    let mut limiter = Limiter::new(48_000.0);
    let (mut left, mut right) = (vec![3.0; 1_000], vec![f32::NAN; 1_000]);
    let shape = ShapeSpec::Custom { table: vec![0.0, 1.0, 0.5] }.build().expect("a good table");
    let automation =
        Automation { shape, lo: 0.0, hi: 1.0, period_frames: 500.0, one_shot: true, start_frame: 3 };
    let calls = allocations(|| {
        limiter.set_enabled(true);
        limiter.process(&mut left, &mut right);
        limiter.reset();
        for frame in 0..1_000 {
            black_box(automation.segment(0, frame).change_at(frame));
        }
    });
    assert_eq!(calls, 0);
}

#[test]
fn a_second_oscillator_shares_the_tables_of_the_first() {
    let ty = find("oscillator");
    let ctx = krach_core::node::CreateContext { sample_rate: 48_000.0, max_frames: 64 };
    let first = ty.create(&ctx).expect("it can be created");
    let calls = allocations(|| drop(black_box(ty.create(&ctx))));
    assert_eq!(calls, 2, "the box, and its end");
    drop(first);
}
