//! A project of two instances with scenes, macros and stems comes back in both formats: the same sound, bit for bit.

use krach_host::{
    Hosted, InputKind, Instance, Record, RenderOptions, Rendered, Stage, TimedInput, Vst3Instance,
};
use serde_json::{Value, json};

use super::krach_support::{Format, ask_all, assert_same_sound, stage_of};
use super::{SCENE, options};

/// Frames on which the host moves something.
const MACRO: u64 = 12_345;
const CHORUS: u64 = 24_001;
const AGAIN: u64 = 36_017;
const VERSE: u64 = 48_000;
const MODULATED: u64 = 60_011;
const PLAIN: u64 = 66_007;

/// The first macro's parameter.
const CUTOFF: u32 = 3428;

/// A session of two scenes: a pad at 0.25 and a bass of 0.125 on the first stem, and in the second, which does not play, a
/// bell of 0.0625 with them. A macro, Cutoff, moves the pad. All sounds are `scale` times that.
fn session(scale: f64) -> Vec<String> {
    let call = |method: &str, params: Value| {
        json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
    };
    let define = |name: &str, text: String| call("define", json!({"name": name, "text": text}));
    let node = |name: &str, stem: u8| {
        call("node", json!({"name": name, "source": format!("faust:{name}"), "gain": 1.0, "stem": stem}))
    };
    vec![
        call("limiter", json!({"on": false})),
        call("crossfade", json!({"secs": 0.01})),
        define("pad", format!("process = hslider(\"cutoff\", 0.25, 0, 1, 0.0625) * {scale:?};")),
        define("bass", format!("process = {:?};", 0.125 * scale)),
        define("bell", format!("process = {:?};", 0.0625 * scale)),
        node("pad", 0),
        node("bass", 1),
        call("macro", json!({"macro": 1, "label": "pad/cutoff", "lo": 0, "hi": 1, "name": "Cutoff"})),
        call("scene_save", json!({"name": "verse"})),
        node("bell", 0),
        call("scene_save", json!({"name": "chorus"})),
        call("scene_recall", json!({"scene": "verse"})),
    ]
}

fn performance(modulation: bool) -> RenderOptions {
    let param = |frame, id, value| TimedInput { frame, kind: InputKind::Param { id, value } };
    let add = |frame, amount| TimedInput { frame, kind: InputKind::ParamMod { id: CUTOFF, amount } };
    let mut events = vec![
        param(MACRO, CUTOFF, 0.75),
        param(CHORUS, SCENE, 2.0),
        param(AGAIN, CUTOFF, 0.5),
        param(VERSE, SCENE, 1.0),
    ];
    if modulation {
        events.extend([add(MODULATED, 0.125), add(PLAIN, 0.0)]);
    }
    RenderOptions { events, record: Record::Memory, ..options(1.5) }
}

/// Both instances at a time, a block of each in turn.
fn render<I: Hosted>(mut stages: Vec<Stage<I>>) -> Vec<(Rendered, Vec<u8>)> {
    for _ in 0..100 {
        stages.iter_mut().for_each(|stage| stage.advance().expect("a block"));
    }
    let to_the_end = |mut stage: Stage<I>| {
        stage.render_to_end().expect("it renders");
        let saved = stage.instance().save_state().expect("it saves");
        (stage.finish(), saved)
    };
    stages.into_iter().map(to_the_end).collect()
}

fn comes_back<I: Hosted>(format: Format) -> Vec<Vec<Vec<f32>>> {
    let mut first: Vec<Stage<I>> = [1.0, 0.5]
        .into_iter()
        .map(|scale| {
            let mut stage = stage_of::<I>(format, &performance(false));
            ask_all(&mut stage, &session(scale));
            // A recall acts while blocks are processed.
            (0..20).for_each(|_| stage.advance().expect("a block"));
            stage
        })
        .collect();
    let chunks: Vec<Vec<u8>> =
        first.iter_mut().map(|stage| stage.instance().save_state().expect("it saves")).collect();
    let first = render(first);
    let open = |chunk: &Vec<u8>, modulation: bool| {
        let options = RenderOptions { state: Some(chunk.clone()), ..performance(modulation) };
        let mut stage = stage_of::<I>(format, &options);
        stage.instance().idle();
        let params = stage.instance().params();
        let cutoff = params.iter().find(|param| param.name == "Cutoff").expect("the macro by its name");
        assert_eq!((cutoff.id, cutoff.automatable), (CUTOFF, true), "{format:?}");
        assert_eq!(stage.instance().save_state().expect("it saves"), *chunk, "{format:?}: the same bytes");
        stage
    };
    let again = render(chunks.iter().map(|chunk| open(chunk, false)).collect());
    let once_more = render(chunks.iter().map(|chunk| open(chunk, false)).collect());
    for (at, ((before, _), (after, saved))) in first.iter().zip(&again).enumerate() {
        let what = format!("{format:?}, instance {at}");
        assert_same_sound(&after.channels, &once_more[at].0.channels, &what);
        assert_eq!(*saved, once_more[at].1, "{what}");
        // Nodes came in while the first was made.
        let past = |rendered: &Rendered| -> Vec<Vec<f32>> {
            rendered.channels.iter().map(|channel| channel[9_600..].to_vec()).collect()
        };
        assert_same_sound(&past(after), &past(before), &what);
        let scale = [1.0_f32, 0.5][at];
        let heard = &after.channels[0];
        // What leaves at stems leaves at the main output of a VST3.
        let bass = if format == Format::Vst3 { 0.125 } else { 0.0 };
        let is = |frame: u64, level: f32| {
            assert_eq!(heard[frame as usize], (level + bass) * scale, "{what}, frame {frame}");
        };
        is(MACRO - 1, 0.25);
        is(MACRO, 0.75);
        is(CHORUS - 1, 0.75);
        assert_ne!(heard[CHORUS as usize], heard[CHORUS as usize - 1], "{what}");
        is(AGAIN - 1, 0.25 + 0.0625);
        is(AGAIN, 0.5 + 0.0625);
        is(VERSE + 480, 0.25);
        if format == Format::Clap {
            let stem = after.stems.iter().find(|stem| stem.name == "Stem 1").expect("it sounds");
            assert!(stem.channels[0].iter().all(|x| *x == 0.125 * scale), "{what}: it is in both scenes");
            // What the host adds lies on top, and goes without a trace.
            let (modulated, saved_after) = render(vec![open(&chunks[at], true)]).remove(0);
            let other = &modulated.channels[0];
            let (from, to) = (MODULATED as usize, PLAIN as usize);
            assert_eq!((other[from - 1], other[from]), (0.25 * scale, 0.375 * scale), "{what}");
            assert_eq!((other[to - 1], other[to]), (0.375 * scale, 0.25 * scale), "{what}");
            for range in [0..from, to..heard.len()] {
                let (a, b) = (&heard[range.clone()], &other[range]);
                assert!(a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits()), "{what}");
            }
            assert_eq!(saved_after, *saved, "{what}: nothing of it is saved");
        }
    }
    again.into_iter().map(|(rendered, _)| rendered.channels).collect()
}

#[test]
fn a_project_of_two_instances_with_scenes_macros_and_stems_comes_back_bit_for_bit_in_both_formats() {
    let clap = comes_back::<Instance>(Format::Clap);
    let vst3 = comes_back::<Vst3Instance>(Format::Vst3);
    for (at, (clap, vst3)) in clap.iter().zip(&vst3).enumerate() {
        let bass = 0.125 * [1.0, 0.5][at];
        // Sums of fades are rounded otherwise.
        let far = clap[0].iter().zip(&vst3[0]).position(|(a, b)| (a + bass - b).abs() > 1e-6);
        assert_eq!(far, None, "instance {at}: but for the stem both formats sound the same");
    }
}
