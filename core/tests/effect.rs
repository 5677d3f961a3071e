//! The plugin as an effect: what comes in goes out, as long as no node takes it.

mod support;

use krach_core::engine::*;
use krach_core::ir::{NodeIr, RouteIr, Source};
use krach_core::model::Setting;
use krach_core::node::Bus;
use krach_core::processor::{ParamEvent, ParamId};
use support::*;

/// 5 ms at 48 kHz.
const CHANGE: usize = 240;

fn effect() -> Rig {
    let mut rig = Rig::with(probes::registry());
    rig.processor.pass_input_through();
    rig.stems = vec![[Vec::new(), Vec::new()]; 2];
    rig
}

/// What comes in at frame `at` of the whole, left and right: never the same twice, and zeros of both signs.
fn comes_in(at: usize) -> [f32; 2] {
    let noise = |x: usize| (x.wrapping_mul(2_654_435_761) >> 7 & 0xffff) as f32 / 65_536.0 - 0.5;
    match at % 97 {
        0 => [0.0, -0.0],
        1 => [-0.0, 1e-30],
        _ => [noise(at), noise(at + 1_000_003)],
    }
}

/// Renders so many frames of that input; left and right, and whether the stems were silent.
fn through(
    rig: &mut Rig,
    frames: usize,
    blocks: &[usize],
    from: impl Fn(usize) -> [f32; 2],
) -> [Vec<f32>; 2] {
    let mut out = [Vec::new(), Vec::new()];
    let mut sizes = blocks.iter().cycle();
    while out[0].len() < frames {
        let n = (*sizes.next().expect("some")).min(frames - out[0].len());
        let begin = rig.rendered as usize;
        rig.input = std::array::from_fn(|side| (begin..begin + n).map(|at| from(at)[side]).collect());
        let block = rig.block(n);
        out.iter_mut().zip(block).for_each(|(whole, part)| whole.extend(part));
        assert!(rig.stems.iter().flatten().flatten().all(|x| *x == 0.0), "what passes is on no stem");
    }
    out
}

fn bits(side: &[f32]) -> Vec<u32> {
    side.iter().map(|x| x.to_bits()).collect()
}

fn spec(name: &str, type_id: &str) -> NodeSpec {
    let node = NodeIr { name: name.into(), source: Source::Type(type_id.into()), ..NodeIr::default() };
    NodeSpec { node, gain: Some(1.0), ..NodeSpec::default() }
}

fn put(spec: NodeSpec) -> Edit {
    Edit::Nodes(vec![NodeEdit::Set(Box::new(spec))])
}

fn remove(name: &str) -> Edit {
    Edit::Nodes(vec![NodeEdit::Remove { name: name.into() }])
}

#[test]
fn what_comes_in_goes_out_bit_for_bit_whatever_else_the_engine_does() {
    for blocks in [&[512][..], &[1], &[7, 2_000, 1]] {
        let mut rig = effect();
        let mut out = through(&mut rig, 3_000, blocks, comes_in);
        let mut more = |rig: &mut Rig, frames| {
            let part = through(rig, frames, blocks, comes_in);
            out.iter_mut().zip(part).for_each(|(whole, part)| whole.extend(part));
        };
        // The session's own master is none of its, nor are a start, a stop, a jump, a panic or a load.
        rig.edit(Edit::Setting(Setting::Master(0.25)));
        more(&mut rig, 2_000);
        rig.playing = false;
        more(&mut rig, 2_000);
        (rig.playing, rig.start_beats) = (true, 17.3);
        more(&mut rig, 2_000);
        rig.params.push(ParamEvent { offset: 0, param: ParamId::Panic, value: 1.0, modulation: 0.0 });
        more(&mut rig, 2_000);
        let saved = rig.engine.save();
        rig.engine.load(&saved).expect("it was just saved");
        more(&mut rig, 3_000);
        for (side, heard) in out.iter().enumerate() {
            let expected: Vec<f32> = (0..heard.len()).map(|at| comes_in(at)[side]).collect();
            let other = bits(heard).iter().zip(bits(&expected)).position(|(x, y)| *x != y);
            assert_eq!(other, None, "side {side}, blocks {blocks:?}");
        }
    }
}

#[test]
fn an_instrument_lets_nothing_pass_and_its_input_is_off_until_it_is_asked_for() {
    let mut rig = Rig::with(probes::registry());
    assert!(through(&mut rig, 2_000, &[256], comes_in).iter().flatten().all(|x| *x == 0.0));
    rig.edit(put(spec("in", "adc_input")));
    assert!(through(&mut rig, 2_000, &[256], comes_in).iter().flatten().all(|x| *x == 0.0));
}

#[test]
fn the_hosts_fader_moves_what_passes_and_the_limiter_is_last() {
    let mut rig = effect();
    rig.params.push(ParamEvent { offset: 0, param: ParamId::Master, value: 0.8, modulation: 0.0 });
    let out = through(&mut rig, 2_000, &[256], |_| [0.5, -0.25]);
    let gain = krach_core::processor::master_gain(0.8);
    assert_eq!([out[0][1_999], out[1][1_999]], [0.5 * gain, -0.25 * gain]);
    let mut loud = effect();
    let out = through(&mut loud, 2_000, &[256], |_| [8.0, 8.0]);
    assert!(out.iter().flatten().all(|x| *x <= 2.0), "+6 dBFS and no more");
}

/// A node that gives the same takes over, and gives back: what goes out stays what comes in.
#[test]
fn a_node_takes_the_input_in_a_crossfade_of_5_ms_and_gives_it_back_in_one() {
    let with = |to_master| NodeSpec { to_master: Some(to_master), ..spec("in", "adc_input") };
    let send = || {
        NodeEdit::Connect(RouteIr {
            source: "in".into(),
            target: "verb".into(),
            level: 1.0,
            ..RouteIr::default()
        })
    };
    let changes: Vec<Edit> = vec![
        put(with(true)),
        remove("in"),
        put(with(false)),
        put(with(true)),
        put(with(false)),
        // Through another node, after the fader.
        Edit::Nodes(vec![NodeEdit::Set(Box::new(spec("verb", "gain"))), send()]),
        Edit::Nodes(vec![NodeEdit::Remove { name: "verb".into() }]),
        Edit::Nodes(vec![NodeEdit::Set(Box::new(spec("verb", "gain"))), send()]),
        Edit::Nodes(vec![NodeEdit::Disconnect { source: "in".into(), target: "verb".into(), port: None }]),
        put(with(true)),
    ];
    let played = |blocks: &[usize]| {
        let mut rig = effect();
        let mut out = through(&mut rig, 1_000, blocks, comes_in);
        for edit in &changes {
            rig.edit(edit.clone());
            let part = through(&mut rig, 30_000, blocks, comes_in);
            out.iter_mut().zip(part).for_each(|(whole, part)| whole.extend(part));
        }
        out
    };
    let whole = played(&[512]);
    for (side, heard) in whole.iter().enumerate() {
        for (at, x) in heard.iter().enumerate() {
            let expected = comes_in(at)[side];
            assert!((x - expected).abs() < 1e-5, "change {}, frame {at}: {x}, not {expected}", at / 30_000);
        }
    }
    for blocks in [&[64][..], &[1_009], &[7, 2_000, 1]] {
        for (expected, found) in whole.iter().zip(played(blocks)) {
            assert_eq!(first_difference(expected, &found), None, "blocks {blocks:?}");
        }
    }
}

#[test]
fn the_change_is_over_after_5_ms_and_acts_on_its_frame() {
    let quiet = || NodeSpec { gain: Some(0.25), ..spec("in", "adc_input") };
    let played = |blocks: &[usize]| {
        let mut rig = effect();
        through(&mut rig, 4_800, blocks, |_| [0.5, 0.5]);
        // Beat 1 of 120 bpm is frame 24,000, beat 2 is frame 48,000; a cycle has four.
        rig.edit_at(put(quiet()), At::Position(0.25));
        rig.edit_at(remove("in"), At::Position(0.5));
        through(&mut rig, 67_200, blocks, |_| [0.5, 0.5])
    };
    let whole = played(&[512]);
    let at = |frame: usize| whole[0][frame - 4_800];
    assert_eq!((at(23_999), at(24_000 + CHANGE), at(47_999)), (0.5, 0.125, 0.125));
    assert!(at(24_000) < 0.5 && at(24_000 + CHANGE - 2) > 0.125);
    assert!(at(48_000) > 0.125 && at(48_000 + CHANGE - 2) < 0.5 && at(48_000 + CHANGE) == 0.5);
    assert!(largest_step(&whole[0]) < 0.375 / CHANGE as f32 * 1.01, "{}", largest_step(&whole[0]));
    for blocks in [&[1][..], &[1_009], &[7, 2_000, 1]] {
        assert_eq!(first_difference(&whole[0], &played(blocks)[0]), None, "blocks {blocks:?}");
    }
}

#[test]
fn a_node_that_is_muted_or_silent_while_another_is_solo_or_on_a_stem_has_the_input_all_the_same() {
    let level = |rig: &mut Rig| {
        let mut out = [0.0; 2];
        for _ in 0..60 {
            rig.input = [vec![0.5; 512], vec![0.5; 512]];
            out = rig.block(512).map(|side| *side.last().expect("some"));
        }
        assert_eq!(out[0], out[1]);
        (out[0], *rig.stems[1][0].last().expect("some"))
    };
    let mut rig = effect();
    rig.edit(put(NodeSpec { gain: Some(0.5), ..spec("in", "adc_input") }));
    rig.edit(put(spec("other", "dc")));
    rig.edit(set("other/level", 0.125));
    assert_eq!(level(&mut rig), (0.375, 0.0));
    rig.edit(Edit::Nodes(vec![NodeEdit::Mute { name: "in".into(), on: true }]));
    assert_eq!(level(&mut rig), (0.125, 0.0));
    rig.edit(Edit::Nodes(vec![NodeEdit::Mute { name: "in".into(), on: false }]));
    rig.edit(Edit::Nodes(vec![NodeEdit::Solo { name: "other".into(), on: true }]));
    assert_eq!(level(&mut rig), (0.125, 0.0));
    rig.edit(Edit::Nodes(vec![NodeEdit::Solo { name: "other".into(), on: false }]));
    rig.edit(put(NodeSpec { gain: Some(0.5), stem: Bus::stem(2), ..spec("in", "adc_input") }));
    assert_eq!(level(&mut rig), (0.125, 0.25));
    rig.edit(remove("in"));
    assert_eq!(level(&mut rig), (0.625, 0.0));
    // A raw graph takes it as soon as a wire leads away from its input.
    let raw = |wires: &[(&str, &str)]| {
        Edit::LoadGraph(graph(vec![node("i", "adc_input", &[]), node("o", "gain", &[("gain", 0.25)])], wires))
    };
    rig.edit(raw(&[]));
    assert_eq!(level(&mut rig).0, 0.625);
    rig.edit(raw(&[("i", "o")]));
    assert_eq!(level(&mut rig).0, 0.125);
}

#[test]
fn a_session_that_is_loaded_takes_the_input_or_leaves_it_without_a_gap() {
    let taken = {
        let mut rig = effect();
        rig.edit(put(NodeSpec { gain: Some(0.5), ..spec("in", "adc_input") }));
        rig.engine.save()
    };
    let mut rig = effect();
    let empty = rig.engine.save();
    let mut out = through(&mut rig, 2_000, &[480], |_| [0.5, 0.5]);
    for document in [&taken, &empty, &taken, &empty] {
        rig.engine.load(document).expect("it was just saved");
        let part = through(&mut rig, 4_000, &[480], |_| [0.5, 0.5]);
        // An engine that is replaced fades out in 20 ms; what passes is there, or gone, within 5.
        assert!(part[0][1_200..].iter().all(|x| *x == if document == &empty { 0.5 } else { 0.25 }));
        assert!(
            part[0].iter().all(|x| (0.24..0.76).contains(x)),
            "{:?}",
            part[0].iter().copied().reduce(f32::min)
        );
        out[0].extend(&part[0]);
    }
}
