//! The patterns and the sends that the comments recommend, played by the engine.

use crate::book::pattern;
use crate::measure::{decibels, peak};
use crate::sounds::{EFFECTS, all, instruments, sound};
use krach_core::engine::Edit;
use krach_core::graph::GraphNode;
use krach_core::node::Registry;
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
    rig.edit(Edit::SetLimiter(false));
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
        rig.edit(Edit::SetLimiter(false));
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
        rig.edit(Edit::SetLimiter(false));
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
