//! On the audio thread nothing allocates or frees: not while a patch plays, not while one becomes another.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use krach_patch::{MidiEvent, ModuleGraph, PatchEngine, PatchPlayer, Transport};
use support::{Chance, RATE, shake};

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

fn play(player: &mut PatchPlayer, transport: Transport, left: &mut [f32], right: &mut [f32]) -> usize {
    let input = [0.25; 512];
    let input = &input[..left.len()];
    allocations(|| player.render(Some(transport), [input, input], [left, right]))
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(vec![1, 2, 3]))), 2);
}

#[test]
fn five_hundred_saves_are_adopted_without_an_allocation_and_the_last_one_plays() {
    let (mut chance, mut graph) = (Chance(42), ModuleGraph::new());
    shake(&mut graph, &mut chance, 120);
    let (mut engine, mut player) = PatchEngine::new(RATE);
    let (mut left, mut right) = (vec![0.0; 512], vec![0.0; 512]);
    let (mut calls, mut up_to_date) = (0, 0);
    let mut transport = Transport::playing(0.0, 120.0, RATE);
    for save in 0..500 {
        shake(&mut graph, &mut chance, 6);
        engine.load(&graph).unwrap();
        // Sometimes two saves at a time, sometimes no sound for a while.
        if save % 7 == 0 {
            continue;
        }
        engine.midi(MidiEvent::NoteOn { note: 40.0 + (save % 40) as f32, velocity: 1.0 });
        for _ in 0..=chance.below(3) {
            let frames = 1 + chance.below(512);
            calls += play(&mut player, transport, &mut left[..frames], &mut right[..frames]);
            transport = transport.after(frames);
            engine.poll();
        }
        up_to_date += usize::from(engine.is_up_to_date());
    }
    for _ in 0..4 {
        calls += play(&mut player, transport, &mut left, &mut right);
        engine.poll();
    }
    assert_eq!(calls, 0);
    assert!(engine.is_up_to_date());
    assert!(up_to_date > 100, "{up_to_date}");
    let layout = engine.planner().playing().unwrap();
    assert!(graph.nodes().all(|(id, _)| layout.module(id).is_some()));
    // What plays now is the last graph: everything that faded is gone, and no module is kept.
    assert!(player.processor().is_settled());
}

#[cfg(feature = "node")]
#[test]
fn a_node_renders_is_set_reset_and_succeeds_five_hundred_times_without_an_allocation() {
    use krach_core::node::{Change, CreateContext, Node, NodeType, Succession};
    use krach_patch::node::{PatchType, Versions};

    let context = CreateContext { sample_rate: RATE, max_frames: 512 };
    let (mut chance, mut graph) = (Chance(42), ModuleGraph::new());
    shake(&mut graph, &mut chance, 120);
    graph.add("keys", "MidiIn").unwrap();
    let versions = std::sync::Arc::default();
    let make = |graph: &ModuleGraph, versions: &std::sync::Arc<Versions>| {
        let ty = PatchType::new("patch:it", graph.clone(), versions).unwrap();
        let node = ty.create(&context).unwrap();
        (ty, node)
    };
    let (_, mut node): (PatchType, Box<dyn Node>) = make(&graph, &versions);
    let (mut left, mut right, input) = (vec![0.0; 512], vec![0.0; 512], vec![0.25; 512]);
    let (mut calls, mut whole) = (0, 0);
    let mut transport =
        krach_core::node::Transport { running: true, step: 1e-4, ..krach_core::node::Transport::STANDING };
    for save in 0..500 {
        shake(&mut graph, &mut chance, 6);
        let (ty, mut next) = make(&graph, &versions);
        calls += allocations(|| whole += usize::from(next.succeed(node.as_mut()) == Succession::Whole));
        // The old one goes home.
        node = next;
        let count = ty.decl().controls.len();
        for _ in 0..=chance.below(3) {
            let frames = 1 + chance.below(512);
            let (index, value, ramp) =
                (chance.below(count), chance.number(0.0, 4.0), chance.below(3) as u32 * 90);
            let inputs: &[&[f32]] =
                if ty.decl().inputs.is_empty() { &[] } else { &[&input[..frames], &input[..frames]] };
            calls += allocations(|| {
                node.set(index, Change { value, ramp });
                // The gate, among them.
                node.set(4, Change { value: (save % 2) as f32, ramp: 0 });
                node.render(&transport, frames, inputs, &mut [&mut left[..frames], &mut right[..frames]]);
                if save % 50 == 0 {
                    node.reset();
                }
            });
            transport = transport.after(frames);
        }
    }
    assert_eq!(calls, 0);
    assert!(whole > 400, "{whole}");
}

#[test]
fn while_the_audio_thread_does_not_run_the_last_save_wins_and_nothing_piles_up() {
    let mut graph = ModuleGraph::new();
    graph.add("osc", "SineOscillator").unwrap();
    graph.add("out", "AudioOut").unwrap();
    graph.connect("osc", "out", "out", "left", 1.0).unwrap();
    let (mut engine, mut player) = PatchEngine::new(RATE);
    for save in 0..100 {
        graph.set("osc", "frequency", 100.0 + save as f32).unwrap();
        engine.load(&graph).unwrap();
        engine.poll();
    }
    assert!(engine.planner().in_flight() <= 4);
    let (mut left, mut right) = (vec![0.0; 64], vec![0.0; 64]);
    for _ in 0..6 {
        assert_eq!(play(&mut player, Transport::playing(0.0, 120.0, RATE), &mut left, &mut right), 0);
        engine.poll();
    }
    assert!(engine.is_up_to_date());
    let mut osc = krach_patch::harness::Harness::new("SineOscillator").with("frequency", 199.0);
    // The slope at the zero crossings tells the frequency; its phase is that of all the saves.
    let step = |samples: &[f32]| {
        samples
            .windows(3)
            .map(|w| ((w[0] + w[2]) / (2.0 * w[1])).acos())
            .filter(|w| w.is_finite())
            .fold(0.0, f32::max)
    };
    assert!((step(&left) - step(osc.run(64).output("out"))).abs() < 1e-3);
}

#[test]
fn a_graph_that_is_refused_changes_nothing() {
    let mut graph = ModuleGraph::new();
    graph.add("osc", "SineOscillator").unwrap();
    graph.add("out", "AudioOut").unwrap();
    graph.connect("osc", "out", "out", "left", 1.0).unwrap();
    let (mut engine, mut player) = PatchEngine::new(RATE);
    engine.load(&graph).unwrap();
    let (mut left, mut right) = (vec![0.0; 64], vec![0.0; 64]);
    play(&mut player, Transport::playing(0.0, 120.0, RATE), &mut left, &mut right);
    engine.poll();
    let mut bad = graph.clone();
    bad.add("second", "AudioOut").unwrap();
    assert!(engine.load(&bad).is_err());
    engine.poll();
    assert!(engine.is_up_to_date());
    play(&mut player, Transport::playing(0.0, 120.0, RATE), &mut left, &mut right);
    let mut osc = krach_patch::harness::Harness::new("SineOscillator");
    osc.run(63);
    assert_eq!(left, osc.run(64).output("out"));
}
