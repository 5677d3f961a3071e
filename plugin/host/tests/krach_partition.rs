//! A performance sounds the same to the bit into whatever blocks the host cuts time.

mod krach_support;

use std::path::Path;
use std::sync::OnceLock;

use krach_host::transport::Blocks;
use krach_host::{Length, Performance, RenderOptions, Rendered, render_performance};
use krach_support::{assert_same_sound, home, plugin};

/// The performance that `cargo xtask demo` plays, with its last bar.
fn demo(blocks: Blocks) -> Rendered {
    home::enter();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dsp/demo/performance.jsonl");
    let rendered = render_performance(&RenderOptions {
        plugin: Some(plugin()),
        performance: Performance::load(&path).expect("the demo is there"),
        length: Length::Bars(16.0),
        blocks: blocks.clone(),
        ..RenderOptions::default()
    })
    .expect("the demo renders");
    // Once, the demo makes a mistake on purpose.
    let refused: Vec<_> = rendered.refused().map(|reply| reply.reply["msg"].as_str()).collect();
    assert_eq!(refused, [Some("compile error: euclid: pulses must be <= steps")], "{blocks:?}");
    rendered
}

/// In the blocks of most hosts; rendered once for all tests.
fn reference() -> &'static Rendered {
    static REFERENCE: OnceLock<Rendered> = OnceLock::new();
    REFERENCE.get_or_init(|| demo(Blocks::Fixed(256)))
}

#[track_caller]
fn assert_same_in(blocks: Blocks) {
    let rendered = demo(blocks.clone());
    let expected = reference();
    assert_same_sound(&rendered.channels, &expected.channels, &format!("{blocks:?}"));
    for (stem, other) in rendered.stems.iter().zip(&expected.stems) {
        assert_same_sound(&stem.channels, &other.channels, &format!("{blocks:?}, {}", stem.name));
    }
    assert_eq!(rendered.midi_out, expected.midi_out, "{blocks:?}: MIDI");
}

#[test]
fn the_demo_is_music_and_not_silence() {
    let rendered = reference();
    assert!(rendered.seconds() > 27.0, "sixteen bars: {} s", rendered.seconds());
    assert!(rendered.channels.iter().flatten().all(|sample| sample.is_finite()));
    // Every bar sounds, and the first (the hat alone) is not what the others are.
    let bar = rendered.frames / 16;
    let mut energies = rendered.channels[0]
        .chunks_exact(bar)
        .map(|bar| bar.iter().map(|sample| f64::from(*sample) * f64::from(*sample)).sum::<f64>());
    let first = energies.next().expect("a bar");
    assert!(first > 0.0, "the first bar is silent");
    assert!(energies.any(|energy| energy > 4.0 * first), "nothing comes in after the first bar");
}

#[test]
fn the_demo_twice_is_the_same_demo() {
    assert_same_in(Blocks::Fixed(256));
}

#[test]
fn the_demo_in_blocks_of_one_frame() {
    assert_same_in(Blocks::Fixed(1));
}

#[test]
fn the_demo_in_blocks_of_17_and_64() {
    assert_same_in(Blocks::Fixed(17));
    assert_same_in(Blocks::Fixed(64));
}

#[test]
fn the_demo_in_blocks_of_333_and_2048() {
    assert_same_in(Blocks::Fixed(333));
    assert_same_in(Blocks::Fixed(2048));
}

#[test]
fn the_demo_in_random_blocks() {
    assert_same_in(Blocks::random(20));
    assert_same_in(Blocks::Random { seed: 21, min: 1, max: 5000 });
}
