//! The patterns and the sends that the comments recommend, played by the engine.

use crate::book::pattern;
use crate::measure::{decibels, peak};
use crate::sounds::{EFFECTS, all, instruments, sound};
use crate::support;
use krach_core::engine::Edit;
use krach_core::graph::{GraphNode, Rest};
use krach_core::model::Setting;
use krach_core::node::{Change, CreateContext, Node, NodeType, Registry, Transport};
use krach_faust::{Compiler, FaustType, Source, Tier};
use krach_patterns::{EventBuffer, Span, Time, Value};
use rig::{Rig, graph, node, play, wire};

#[path = "../../../core/tests/support/mod.rs"]
mod rig;

/// Frames per cycle: 120 bpm at 48 kHz.
const CYCLE: usize = 96_000;
const VOICES: u32 = 4;

fn registry() -> Registry {
    let mut registry = Registry::with_builtins();
    all().for_each(|name| registry.add(sound(name)));
    registry
}

/// The sound as a node `n`, wired to the master without its limiter, playing its pattern from the beginning.
fn playing(name: &'static str) -> Rig {
    let mut rig = Rig::with(registry());
    rig.edit(Edit::Setting(Setting::Limiter(false)));
    let n = GraphNode { count: VOICES, ..node("n", &format!("faust:{name}"), &[]) };
    rig.edit(Edit::LoadGraph(graph(vec![node("out", "dac", &[]), n], &[("n", "out")])));
    rig.settle();
    rig.played = 0;
    rig.edit(play("n", krach_patterns::mini(&pattern(name)).expect("is a pattern")));
    rig
}

/// When gates open in the first two cycles, in frames.
fn onsets(name: &str) -> Vec<usize> {
    let program =
        krach_patterns::compile(&krach_patterns::mini(&pattern(name)).expect("a pattern")).expect("compiles");
    let mut events = EventBuffer::with_capacity(1000);
    let window = Span { begin: Time::from_integer(0), end: Time::from_integer(2) };
    program.onsets(window, 0, &mut events).expect("fits");
    let opens = |value: &Value| matches!(value, Value::Control { label, value } if &**label == "gate" && *value > 0.0);
    let mut frames: Vec<usize> = (events.as_slice().iter())
        .filter(|event| opens(&program.values()[event.value as usize]))
        .map(|event| (event.whole.begin * Time::from_integer(CYCLE as i64)).ceil().to_integer() as usize)
        .collect();
    frames.sort_unstable();
    frames.dedup();
    frames
}

#[test]
fn every_pattern_in_a_comment_sounds_from_its_first_note_on_whatever_the_blocks() {
    for name in instruments() {
        let [left, right] = playing(name).render(2 * CYCLE, &[512]);
        let first = onsets(name)[0];
        let heard = left.iter().position(|&sample| sample != 0.0).unwrap_or(usize::MAX);
        assert!((first..first + 10).contains(&heard), "{name}: heard from {heard} on, begins at {first}");
        for onset in onsets(name) {
            // The pad takes its time.
            let stretch = [left[onset..(onset + 12_000).min(2 * CYCLE)].to_vec()];
            assert!(decibels(peak(&stretch)) > -40.0, "{name}: nothing to hear at {onset}");
        }
        let loud = decibels(peak(&[left.clone(), right.clone()]));
        assert!((-20.0..6.0).contains(&loud), "{name}: {loud:.1} dBFS");
        let other = playing(name).render(2 * CYCLE, &[1, 17, 333, 2048, 64]);
        for (side, again) in [(&left, &other[0]), (&right, &other[1])] {
            assert_eq!(rig::first_difference(side, again), None, "{name}");
        }
    }
}

#[test]
fn a_hushed_pattern_rings_out_in_every_voice() {
    for name in instruments() {
        let mut rig = playing(name);
        rig.render(CYCLE * 5 / 8, &[512]);
        rig.edit(Edit::HushAll);
        rig.render(CYCLE * 6, &[2048]);
        let left = rig.render(CYCLE / 4, &[2048]);
        assert!(decibels(peak(&left)) < -90.0, "{name}: {:.1} dBFS", decibels(peak(&left)));
    }
}

/// Bass into each effect at a quarter, beside its own way to the master: what comes is more than the bass, and comes to an end.
#[test]
fn an_effect_as_a_send_adds_to_what_it_is_fed_with() {
    let heard = |effect: Option<&str>| {
        let mut rig = Rig::with(registry());
        rig.edit(Edit::Setting(Setting::Limiter(false)));
        let mut all =
            graph(vec![node("out", "dac", &[]), node("bass", "faust:bass", &[])], &[("bass", "out")]);
        if let Some(effect) = effect {
            let level = node("bass_send_fx", "gain", &[("gain", 0.25)]);
            all.nodes.extend([level, node("fx", &format!("faust:{effect}"), &[])]);
            all.connections.extend([
                wire("bass", "bass_send_fx"),
                wire("bass_send_fx", "fx"),
                wire("fx", "out"),
            ]);
        }
        rig.edit(Edit::LoadGraph(all));
        rig.settle();
        rig.played = 0;
        rig.edit(play("bass", krach_patterns::mini(&pattern("bass")).expect("is a pattern")));
        let sound = rig.render(CYCLE, &[512]);
        rig.edit(Edit::HushAll);
        rig.render(8 * CYCLE / 2, &[2048]);
        (sound, decibels(peak(&rig.render(4800, &[2048]))))
    };
    let (plain, _) = heard(None);
    for effect in EFFECTS {
        let (wet, left) = heard(Some(effect));
        let added: Vec<f32> = wet[0].iter().zip(&plain[0]).map(|(a, b)| a - b).collect();
        let added = decibels(peak(&[added]));
        assert!((-40.0..0.0).contains(&added), "{effect} adds {added:.1} dBFS");
        assert!(left < -90.0, "{effect}: {left:.1} dBFS after 8 s");
    }
}

/// Two plays from the beginning, between them a stop of an odd length: the host never resets.
fn twice(mut rig: Rig, offline: bool) -> [[Vec<f32>; 2]; 2] {
    rig.offline = offline;
    let mut play = || {
        (rig.playing, rig.played) = (true, 0);
        let sound = rig.render(CYCLE, &[512]);
        rig.playing = false;
        rig.render(if offline { 12_345 } else { 5 * CYCLE + 77 }, &[2048]);
        sound
    };
    [play(), play()]
}

#[test]
fn every_sound_is_exported_alike_each_time_from_the_same_place() {
    for (name, offline) in all().flat_map(|name| [(name, true), (name, false)]) {
        let effect = EFFECTS.contains(&name);
        let source = if effect { "bass" } else { name };
        let mut rig = Rig::with(registry());
        rig.edit(Edit::Setting(Setting::Limiter(false)));
        let mut all = graph(
            vec![node("out", "dac", &[]), node("n", &format!("faust:{source}"), &[])],
            &[("n", if effect { "fx" } else { "out" })],
        );
        if effect {
            all.nodes.push(node("fx", &format!("faust:{name}"), &[]));
            all.connections.push(wire("fx", "out"));
        }
        rig.edit(Edit::LoadGraph(all));
        rig.playing = false;
        rig.settle();
        // Generators and LFOs run while time stands.
        rig.render(1_234, &[512]);
        rig.edit(play("n", krach_patterns::mini(&pattern(source)).expect("is a pattern")));
        let [first, second] = twice(rig, offline);
        assert!(decibels(peak(&first[0..1])) > -40.0, "{name}: nothing to hear");
        for (once, again) in first.iter().zip(&second) {
            // Without the host's word that it is offline, what rings may take 5 ms to fade.
            let from = if offline { 0 } else { 240 };
            let differs = rig::first_difference(&once[from..], &again[from..]);
            assert_eq!(differs, None, "{name}, offline: {offline}");
        }
    }
}

/// Sixteen seconds of two short notes, the second six seconds after the first has let go; one voice.
fn one_voice(name: &'static str, rest: Option<Rest>, first: bool, blocks: &[usize]) -> Vec<f32> {
    let mut rig = Rig::with(registry());
    rig.edit(Edit::Setting(Setting::Limiter(false)));
    let n = GraphNode { rest, ..node("n", &format!("faust:{name}"), &[]) };
    rig.edit(Edit::LoadGraph(graph(vec![node("out", "dac", &[]), n], &[("n", "out")])));
    rig.settle();
    rig.played = 0;
    let note = |hz| krach_patterns::builders::note(hz);
    let silence = krach_patterns::builders::rest;
    let before = if first { note(330.0) } else { silence() };
    let cycles = [before, silence(), silence(), silence(), silence(), silence(), note(220.0), silence()];
    rig.edit(play("n", krach_patterns::language::turns(cycles.to_vec())));
    rig.render(8 * CYCLE, blocks)[0].clone()
}

/// Every sound of one voice is asleep twelve seconds after its note, and begins anew: its next note is that of a node that was
/// reset, to the bit, in every partition.
#[test]
fn the_first_note_after_a_rest_is_that_of_a_sound_that_was_reset() {
    for name in instruments() {
        let ty = sound(name);
        assert!(ty.rests(), "{name} is played by its gate");
        let context = CreateContext { sample_rate: 48_000.0, max_frames: CYCLE };
        let mut new = ty.create(&context).expect("it can be created");
        new.reset();
        let set = |new: &mut Box<dyn Node>, control: &str, value| {
            let index = ty.decl().control_named(control).one();
            index.into_iter().for_each(|at| new.set(at, Change { value, ramp: 0 }));
        };
        set(&mut new, "freq", 220.0);
        set(&mut new, "gate", 1.0);
        let channels: usize = ty.decl().outputs.iter().map(|port| port.channels).sum();
        let mut first = vec![vec![0.0; CYCLE / 2]; channels];
        let mut slices: Vec<&mut [f32]> = first.iter_mut().map(|side| &mut side[..]).collect();
        new.render(&Transport::STANDING, CYCLE / 2, &[], &mut slices);
        let rested = one_voice(name, Some(Rest::Auto), true, &[512]);
        assert!(rested[..CYCLE].iter().any(|x| *x != 0.0), "{name} is silent");
        let silent = rested[5 * CYCLE..6 * CYCLE].iter().all(|x| x.to_bits() == 0);
        assert!(silent, "{name} does not rest ten seconds after its note");
        let second = &rested[6 * CYCLE..][..CYCLE / 2];
        assert_eq!(rig::first_difference(&first[0], second), None, "{name}");
        let other = one_voice(name, Some(Rest::Auto), true, &[17, 2_048, 333]);
        assert_eq!(rig::first_difference(&rested, &other), None, "{name}");
        let unplayed = one_voice(name, Some(Rest::Auto), false, &[2_048]);
        assert_eq!(rig::first_difference(&rested[6 * CYCLE..], &unplayed[6 * CYCLE..]), None, "{name}");
        // Who is not asked to rest sounds as before.
        let never = one_voice(name, Some(Rest::Never), true, &[512]);
        assert_eq!(rig::first_difference(&rested[..CYCLE / 2], &never[..CYCLE / 2]), None, "{name}");
    }
}

/// A program without gates rests only where that changes nothing: a filter that has rung out to exact zeros does, what counts
/// frames or sounds by itself does not.
#[test]
fn what_has_no_gates_is_still_only_while_nothing_in_it_changes() {
    is_still_only_while_nothing_changes(&support::host_compiler());
    is_still_only_while_nothing_changes(&crate::front::alone());
}

fn is_still_only_while_nothing_changes(compiler: &Compiler) {
    let still = |text: &str, inputs: usize| {
        let source = Source::inline("still", text);
        let compiled = support::compile(compiler, &source, Tier::Quick);
        let ty = FaustType::new(compiled.object).expect("described");
        assert!(!ty.rests());
        let mut node = ty.create(&CreateContext { sample_rate: 48_000.0, max_frames: 512 }).expect("created");
        let (zeros, mut out) = ([0.0; 512], [0.0; 512]);
        let mut click = [0.0; 512];
        click[3] = 1.0;
        let mut run = |node: &mut Box<dyn Node>, input: &[f32]| {
            node.render(&Transport::STANDING, 512, &[input][..inputs], &mut [&mut out]);
            out.to_vec()
        };
        support::flushed(|| {
            let mut reached = None;
            for block in 0..200 {
                run(&mut node, if block == 0 { &click } else { &zeros });
                if node.is_still() {
                    reached = Some(block);
                    break;
                }
            }
            if reached.is_some() {
                // Rendered all the same, it stays so, and zeros come.
                assert!(run(&mut node, &zeros).iter().all(|x| *x == 0.0) && node.is_still());
                run(&mut node, &click);
                assert_eq!(node.is_still(), inputs == 0, "something came in");
                (0..200).for_each(|_| drop(run(&mut node, &zeros)));
                assert!(node.is_still());
                node.set(0, Change { value: 0.5, ramp: 0 });
                assert_eq!(node.is_still(), ty.decl().controls.is_empty(), "something was set");
            }
            reached.is_some()
        })
    };
    let gain = "g = hslider(\"g\", 1, 0, 2, 0.01);";
    assert!(still(&format!("{gain} process = *(g);"), 1));
    assert!(still(&format!("{gain} process = *(g) : + ~ *(0.5);"), 1), "it rings out to nothing");
    assert!(!still(&format!("{gain} process = *(g) : @(30000);"), 1), "it holds back what came in");
    assert!(!still(&format!("{gain} process = *(g) : + ~ *(1);"), 1), "it goes on");
    assert!(!still(&format!("{gain} process = g * (+(0.001) ~ _) : > (1000);"), 0), "it counts");
    assert!(still(&format!("{gain} process = g * 0;"), 0));
}
