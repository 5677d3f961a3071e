//! Raw graphs of older clients, taken over as nodes of the session.

mod support;

use krach_core::engine::*;
use krach_core::session::Adoption;
use krach_patterns::builders;
use support::*;

/// What those clients build: a node and its fader, and another that hears it before the fader.
fn bass_and_verb(send: f64, fader: f64) -> RawGraph {
    let mut raw = graph(
        vec![
            node("out", "dac", &[]),
            node("bass", "oscillator", &[("freq", 110.0), ("gain", 0.5)]),
            node("bass_g", "gain", &[("gain", fader)]),
            node("verb", "gain", &[("gain", 0.75)]),
            node("verb_g", "gain", &[("gain", 0.5)]),
            node("bass_send_verb", "gain", &[("gain", send)]),
        ],
        &[
            ("bass", "bass_g"),
            ("bass_g", "out"),
            ("bass", "bass_send_verb"),
            ("bass_send_verb", "verb"),
            ("verb", "verb_g"),
            ("verb_g", "out"),
        ],
    );
    for (label, node, control) in [
        ("bass/freq", "bass", "freq"),
        ("bass/gain", "bass_g", "gain"),
        ("bass_send_verb/gain", "bass_send_verb", "gain"),
        ("pitch", "bass", "freq"),
    ] {
        raw.exposed_controls.insert(label.into(), (node.into(), control.into()));
    }
    raw
}

fn voices(gains: [f64; 2]) -> RawGraph {
    graph(
        vec![
            node("out", "dac", &[]),
            node("pad_v0", "oscillator", &[("freq", 220.0), ("gain", 0.5)]),
            node("pad_v1", "oscillator", &[("freq", 330.0), ("gain", 0.5)]),
            node("pad_v0_g", "gain", &[("gain", gains[0])]),
            node("pad_v1_g", "gain", &[("gain", gains[1])]),
            node("pad_sum", "gain", &[]),
            node("pad_g", "gain", &[("gain", 0.5)]),
        ],
        &[
            ("pad_v0", "pad_v0_g"),
            ("pad_v1", "pad_v1_g"),
            ("pad_v0_g", "pad_sum"),
            ("pad_v1_g", "pad_sum"),
            ("pad_sum", "pad_g"),
            ("pad_g", "out"),
        ],
    )
}

fn rig(raw: RawGraph) -> Rig {
    let mut rig = Rig::new();
    rig.edit(Edit::LoadGraph(raw));
    rig.settle();
    rig
}

fn adopt(rig: &mut Rig, names: &[&str]) -> Adoption {
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    let (edit, adoption) = rig.engine.session().adopting(&names, rig.engine.registry());
    rig.edit(edit);
    adoption
}

fn reason(raw: RawGraph, name: &str) -> String {
    let mut rig = rig(raw);
    let before = rig.engine.save();
    let adoption = adopt(&mut rig, &[name]);
    assert!(adoption.adopted.is_empty(), "{adoption:?}");
    assert_eq!(rig.engine.save(), before, "what is not adopted is as it was");
    assert_eq!(adoption.left[0].0, name);
    adoption.left[0].1.clone()
}

#[test]
fn what_is_adopted_sounds_on_as_if_nothing_had_happened() {
    let (mut adopted, mut as_it_was) = (rig(bass_and_verb(0.25, 0.5)), rig(bass_and_verb(0.25, 0.5)));
    let mut seen = Vec::new();
    for block in 0..60 {
        if block == 20 {
            let adoption = adopt(&mut adopted, &[]);
            assert_eq!(adoption.adopted, ["bass", "verb"]);
            assert!(adoption.left.is_empty(), "{adoption:?}");
            assert!(adoption.notes[0].contains("its level is 0.5 instead of 0.25"), "{adoption:?}");
        }
        let [a, _] = adopted.render(512, &[512]);
        let [b, _] = as_it_was.render(512, &[512]);
        for (i, (a, b)) in a.iter().zip(&b).enumerate() {
            assert!((a - b).abs() < 2e-6, "block {block}, frame {i}: {a} {b}");
        }
        seen.extend(a);
    }
    assert!(seen.iter().any(|x| x.abs() > 0.2));
    let session = adopted.engine.session();
    assert_eq!((session.nodes.len(), session.routes.len()), (2, 1));
    assert!(session.raw.nodes.is_empty() && session.raw.connections.is_empty());
    // A label of its own stays; those that are paths are no longer needed.
    assert_eq!(session.raw.exposed_controls.keys().collect::<Vec<_>>(), ["pitch"]);
    assert_eq!(session.path_of("pitch", adopted.engine.registry()).as_deref(), Some("bass/freq"));
    assert_eq!(session.path_of("bass/gain", adopted.engine.registry()).as_deref(), Some("bass_g/gain"));
}

#[test]
fn adopting_is_one_step_and_a_project_of_it_is_the_same_session() {
    let mut rig = rig(bass_and_verb(0.25, 0.5));
    let before = rig.engine.save();
    adopt(&mut rig, &[]);
    let after = rig.engine.save();
    rig.engine.undo(At::Now).unwrap().unwrap();
    assert_eq!(rig.engine.save(), before);
    rig.engine.redo(At::Now).unwrap().unwrap();
    assert_eq!(rig.engine.save(), after);
    let mut other = Rig::new();
    other.engine.load(&after).unwrap();
    assert_eq!(other.engine.save(), after);
}

#[test]
fn nothing_is_adopted_by_itself_and_one_end_of_a_send_alone_is_not() {
    let why = reason(bass_and_verb(0.25, 0.5), "verb");
    assert_eq!(why, "the wire from bass_send_verb to verb is none that a node of the session has");
    let why = reason(bass_and_verb(0.25, 0.5), "bass");
    assert_eq!(why, "the wire from bass to bass_send_verb is none that a node of the session has");
}

#[test]
fn a_send_that_is_heard_while_the_fader_is_down_cannot_be_one_after_the_fader() {
    let mut rig = rig(bass_and_verb(0.25, 0.0));
    let adoption = adopt(&mut rig, &[]);
    assert!(adoption.adopted.is_empty(), "{adoption:?}");
    assert_eq!(
        adoption.left[0].1,
        "its send bass_send_verb is before the fader and heard while that is down"
    );
}

#[test]
fn equal_voices_become_one_node_and_keep_its_loudness() {
    let mut rig = rig(voices([0.5, 0.5]));
    let adoption = adopt(&mut rig, &[]);
    assert_eq!(adoption.adopted, ["pad"], "{adoption:?}");
    let node = rig.engine.session().node("pad").unwrap();
    assert_eq!(node.count, 2);
    assert_eq!(node.init, [("gain".to_owned(), 0.5)], "what all voices have, and no pitch");
    assert_eq!(rig.engine.session().gain_of("pad"), 0.25);
}

#[test]
fn what_a_node_of_the_session_is_not_says_why() {
    assert_eq!(reason(voices([0.5, 0.25]), "pad"), "pad_v1 is not as loud as pad_v0");
    let mut other = voices([0.5, 0.5]);
    other.nodes[2].type_id = "gain".into();
    assert_eq!(reason(other, "pad"), "pad_v1 is not of the same type as pad_v0");
    assert_eq!(reason(voices([0.5, 0.5]), "lead"), "there is no such node");
    let mut lfo = bass_and_verb(0.25, 0.5);
    lfo.nodes.push(node("in", "adc_input", &[]));
    lfo.connections.push(wire("in", "verb"));
    let adoption = adopt(&mut rig(lfo), &[]);
    let why =
        |of: &str, to: &str| format!("the wire from {of} to {to} is none that a node of the session has");
    let left = [("verb".to_owned(), why("in", "verb")), ("bass".to_owned(), why("bass", "bass_send_verb"))];
    assert!(adoption.adopted.is_empty());
    assert_eq!(adoption.left, left, "and what it hangs on is left too");
}

#[test]
fn voices_that_a_pattern_plays_by_name_are_left() {
    let mut rig = rig(voices([0.5, 0.5]));
    rig.edit(play("pad_v0", builders::control("pad_v0/freq", 440.0)));
    let (edit, adoption) = rig.engine.session().adopting(&[], rig.engine.registry());
    assert_eq!(edit, Edit::Batch(vec![]));
    assert_eq!(adoption.left[0].1, "pad_v0/freq is played by name, and voices of a node have none");
}
