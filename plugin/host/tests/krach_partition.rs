//! A performance sounds the same to the bit into whatever blocks the host cuts time.

mod krach_support;

use std::path::Path;
use std::sync::OnceLock;

use krach_host::transport::Blocks;
use krach_host::{Length, Performance, RenderOptions, Rendered, Step, render_performance};
use krach_support::session::{at, hits, play, two_voices};
use krach_support::{Dice, ask_all, assert_same_sound, home, plugin, stage};
use serde_json::json;

/// The performance that `cargo xtask demo` plays, with its last bar.
fn demo(blocks: Blocks) -> Rendered {
    home::enter();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dsp/demo/performance.jsonl");
    let mut performance = Performance::load(&path).expect("the demo is there");
    // Tests of a process share one folder for sounds; what is saved at a bar, `cargo xtask demo` compares.
    performance.steps.retain(|step| !matches!(step, Step::Save { .. }));
    let rendered = render_performance(&RenderOptions {
        plugin: Some(plugin()),
        performance,
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

/// What the demo leaves out: automations, chance, swaps and controls between two
/// frames, a loop, a jump, a stop, a ramp of the tempo, and the sidechain.
fn restless(blocks: Blocks) -> Rendered {
    home::enter();
    let automation = |id: &str, label: &str, shape: &str, period: f64| {
        json!({"type": "set_automation", "id": id, "label": label, "shape": shape,
               "lo": 0.1, "hi": 0.9, "period_secs": period})
        .to_string()
    };
    let sync = || "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sync\"}".to_owned();
    let chance = json!({"op": "Degrade", "prob": 0.3, "seed": 1, "child": hits("a/gate", 13)});
    let side = json!({"type": "graph_batch", "commands": [
        {"type": "add_node", "id": "side", "type_id": "adc_input"},
        {"type": "connect", "from_node": "side", "from_port": "out", "to_node": "out", "to_port": "in"},
    ]});
    let faster = json!({"type": "graph_batch", "commands": [
        {"type": "remove_node", "id": "b"},
        {"type": "add_node", "id": "b", "type_id": "oscillator", "controls": {"freq": 81.0, "waveform": 1}},
        {"type": "connect", "from_node": "b", "from_port": "out", "to_node": "b_g", "to_port": "in"},
    ]});
    let lines = [
        at(0, &two_voices()),
        at(0, &play("a", &chance)),
        at(0, &play("b", &hits("b/gate", 7))),
        sync(),
        at(0.137, &automation("fast", "b/gate", "tri", 0.0123)),
        at(0.291, &side.to_string()),
        at(0.333, &json!({"type": "start_input"}).to_string()),
        at(0.4171, &json!({"type": "set_control", "label": "a/freq", "value": 777.7}).to_string()),
        "{\"host\":\"tempo\",\"bpm\":171,\"ramp_seconds\":0.77,\"at\":1.9}".to_owned(),
        sync(),
        at(0.871, &automation("slow", "a/gate", "sine", 0.71)),
        at(1.013, &faster.to_string()),
        at(1.2, &json!({"type": "clear_automation", "id": "fast"}).to_string()),
        at(1.31, &json!({"cmd": "Hush", "slot": "a"}).to_string()),
        "{\"host\":\"jump\",\"to\":8.7,\"at\":5.91}".to_owned(),
        "{\"host\":\"loop\",\"start\":8.5,\"end\":10.2}".to_owned(),
        sync(),
        "{\"host\":\"stop\",\"at_seconds\":5.0001}".to_owned(),
        "{\"host\":\"play\",\"at_seconds\":5.3777}".to_owned(),
    ];
    let noise = |seed| {
        let mut dice = Dice(seed);
        (0..8 * 48_000).map(|_| dice.below(2001) as f32 / 5000.0 - 0.2).collect::<Vec<f32>>()
    };
    let rendered = render_performance(&RenderOptions {
        plugin: Some(plugin()),
        performance: Performance::parse(&lines.join("\n")).expect("lines of JSON"),
        length: Length::Seconds(8.0),
        sidechain: Some(vec![noise(1), noise(2)]),
        blocks: blocks.clone(),
        ..RenderOptions::default()
    })
    .expect("it renders");
    let refused: Vec<_> = rendered.refused().collect();
    assert!(refused.is_empty(), "{blocks:?}: {refused:?}");
    rendered
}

#[test]
fn automations_swaps_and_a_restless_transport_sound_the_same_in_any_blocks() {
    let reference = restless(Blocks::Fixed(256));
    assert!(reference.peak() > 0.3, "{}", reference.peak());
    for frames in [1, 17, 64, 333, 2048] {
        let other = restless(Blocks::Fixed(frames));
        assert_same_sound(&other.channels, &reference.channels, &format!("blocks of {frames}"));
    }
    for seed in [30, 31] {
        let other = restless(Blocks::random(seed));
        assert_same_sound(&other.channels, &reference.channels, &format!("random blocks, seed {seed}"));
    }
}

/// A project with two patches: one plays by itself, one by patterns and an automation.
fn patches() -> Vec<u8> {
    home::enter();
    let options = RenderOptions { plugin: Some(plugin()), ..RenderOptions::default() };
    let mut stage = stage(&options);
    let call = |method: &str, params: serde_json::Value| {
        json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
    };
    ask_all(
        &mut stage,
        &[
            call("node", json!({"name": "synth", "source": "patch:demo_synth", "gain": 0.5})),
            call("node", json!({"name": "pluck", "source": "patch:pluck", "gain": 0.5, "count": 4})),
            call("play", json!({"target": "pluck", "pattern": "[A3,C4] E4*3 . <G4 B3>"})),
            call(
                "automate",
                json!({"label": "synth/@gain", "shape": "tri", "lo": 0.2, "hi": 0.6, "secs": 0.37}),
            ),
        ],
    );
    stage.instance().save_state().expect("it saves")
}

#[test]
fn patches_sound_the_same_in_any_blocks_live_and_offline() {
    let state = patches();
    let render = |blocks: Blocks, realtime: bool| {
        let rendered = render_performance(&RenderOptions {
            plugin: Some(plugin()),
            length: Length::Seconds(3.0),
            blocks,
            realtime,
            state: Some(state.clone()),
            ..RenderOptions::default()
        });
        rendered.expect("it renders")
    };
    let reference = render(Blocks::Fixed(256), false);
    assert!(reference.peak() > 0.1, "{}", reference.peak());
    for blocks in [Blocks::Fixed(1), Blocks::Fixed(64), Blocks::Fixed(2048), Blocks::random(41)] {
        let other = render(blocks.clone(), false);
        assert_same_sound(&other.channels, &reference.channels, &format!("{blocks:?}"));
    }
    let live = render(Blocks::Fixed(256), true);
    assert_same_sound(&live.channels, &reference.channels, "live");
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
