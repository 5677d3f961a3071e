//! Keys that overlap on a node with one voice: the last one sounds, and the one before it after that.

use super::*;
use krach_core::graph::Rest;

/// A node with one voice that shows its frequency, and 10,000 for every time its gate has opened.
fn mono(legato: Option<bool>) -> Rig {
    let mut rig = rig(1);
    let struck = GraphNode { legato, ..node("p", "struck", &[]) };
    rig.edit(Edit::LoadGraph(graph(vec![node("out", "dac", &[]), struck], &[("p", "out")])));
    rig.settle();
    rig
}

/// Openings of the gate so far, and the frequency; 0 while the gate is shut.
fn now(rig: &mut Rig, events: &[HostEvent]) -> (u32, f32) {
    let value = last(rig, events);
    ((value / 10_000.0) as u32, value % 10_000.0)
}

#[test]
fn a_key_let_go_gives_way_to_the_last_that_is_still_held() {
    for (legato, openings) in [(Some(true), 1), (Some(false), 3)] {
        let mut rig = mono(legato);
        assert_eq!(now(&mut rig, &[on(0, 0, A3, 1)]), (1, 220.0));
        now(&mut rig, &[on(0, 0, A4, 2)]);
        assert_eq!(now(&mut rig, &[on(0, 0, A5, 3)]), (openings, 880.0), "{legato:?}");
        assert_eq!(now(&mut rig, &[off(0, 0, A5, 3)]), (openings, 440.0), "no gate opens anew");
        // A key that waits goes up: nothing is heard of it.
        assert_eq!(now(&mut rig, &[on(0, 0, A5, 4)]).1, 880.0);
        assert_eq!(now(&mut rig, &[off(0, 0, A4, 2)]).1, 880.0);
        assert_eq!(now(&mut rig, &[off(0, 0, A5, 4)]).1, 220.0);
        assert_eq!(now(&mut rig, &[off(0, 0, A3, 1)]), (0, 0.0));
        rig.render(48_000, &[333]);
        let mut ids: Vec<i32> = rig.ends.iter().map(|(_, note)| note.note_id).collect();
        ids.sort_unstable();
        assert_eq!(ids, [1, 2, 3, 4], "each ends once");
    }
}

#[test]
fn without_the_field_the_last_key_alone_counts() {
    let mut rig = mono(None);
    assert_eq!(now(&mut rig, &[on(0, 0, A3, 1)]), (1, 220.0));
    let begin = rig.rendered;
    assert_eq!(now(&mut rig, &[on(0, 0, A4, 2)]), (2, 440.0));
    assert_eq!(rig.ends, [(begin, address(0, A3, 1))]);
    assert_eq!(now(&mut rig, &[off(0, 0, A4, 2)]), (0, 0.0));
}

#[test]
fn a_key_that_waits_is_bent_held_by_the_pedal_and_cut_as_if_it_sounded() {
    let mut rig = mono(Some(true));
    now(&mut rig, &[on(0, 0, A3, 1), on(0, 1, A4, 2)]);
    // Bent an octave up while it waits.
    let range = [[101, 0], [100, 0], [6, 12]].map(|[n, value]| midi(0, [0xb0, n, value]));
    now(&mut rig, &[&range[..], &[midi(0, [0xe0, 127, 127])]].concat());
    assert_eq!(now(&mut rig, &[off(0, 1, A4, 2)]), (1, 440.0));
    // The pedal of its channel keeps a key that waits, until the pedal is up.
    let pedal = |value| midi(0, [0xb0, 64, value]);
    assert_eq!(now(&mut rig, &[pedal(127), on(0, 1, A5, 3), off(1, 0, A3, 1)]), (1, 880.0));
    assert_eq!(now(&mut rig, &[off(0, 1, A5, 3)]), (1, 440.0));
    assert_eq!(now(&mut rig, &[pedal(0)]), (0, 0.0));
    // All notes off, and a panic, leave no key that a later one would give way to.
    for all_off in [midi(0, [0xb0, 123, 0]), midi(0, [0xb0, 120, 0])] {
        now(&mut rig, &[on(0, 0, A3, 4), on(1, 0, A4, 5)]);
        hear(&mut rig, 512, &[all_off]);
        now(&mut rig, &[on(0, 0, A5, 6)]);
        assert_eq!(now(&mut rig, &[off(0, 0, A5, 6)]).1, 0.0);
    }
    now(&mut rig, &[on(0, 0, A3, 7), on(1, 0, A4, 8)]);
    rig.edit(Edit::Panic);
    now(&mut rig, &[on(0, 0, A5, 9)]);
    assert_eq!(now(&mut rig, &[off(0, 0, A5, 9)]).1, 0.0);
    rig.render(48_000, &[333]);
    assert_eq!(rig.ends.len(), 12, "each ends once: {:?}", rig.ends);
}

#[test]
fn more_keys_than_are_remembered_forget_the_oldest_and_each_ends_once() {
    let mut rig = mono(Some(true));
    let keys = 60;
    for id in 0..keys {
        hear(&mut rig, 64, &[on(0, 0, 30 + id as i16, id)]);
    }
    for id in (0..keys).rev() {
        hear(&mut rig, 64, &[off(0, 0, 30 + id as i16, id)]);
    }
    rig.render(48_000, &[333]);
    let mut ids: Vec<i32> = rig.ends.iter().map(|(_, note)| note.note_id).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..keys).collect::<Vec<_>>());
}

#[test]
fn other_voices_a_route_that_goes_and_other_code_keep_or_end_every_key() {
    let mut rig = mono(Some(true));
    now(&mut rig, &[on(0, 0, A3, 1), on(1, 1, A4, 2)]);
    // The same node with other keys: what is held stays held.
    let other = |legato| {
        let struck = GraphNode { legato, ..node("p", "struck", &[]) };
        Edit::LoadGraph(graph(vec![node("out", "dac", &[]), struck], &[("p", "out")]))
    };
    rig.edit(other(Some(false)));
    rig.settle();
    assert_eq!(now(&mut rig, &[off(0, 1, A4, 2)]).1, 220.0);
    now(&mut rig, &[on(0, 1, A4, 3)]);
    // The channel of the key that waits plays another node from now on.
    rig.edit(Edit::RouteNotes { channel: Some(0), node: Some("nobody".into()) });
    rig.settle();
    assert_eq!(now(&mut rig, &[off(0, 1, A4, 3)]).1, 0.0);
    rig.edit(Edit::RouteNotes { channel: Some(0), node: None });
    now(&mut rig, &[on(0, 0, A3, 4), on(1, 1, A4, 5)]);
    rig.edit(Edit::Graph(vec![GraphEdit::RemoveNode { id: "p".into() }]));
    rig.render(96_000, &[333]);
    let mut ids: Vec<i32> = rig.ends.iter().map(|(_, note)| note.note_id).collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3, 4, 5]);
}

#[test]
fn what_a_node_does_with_keys_is_part_of_the_session() {
    let source = || krach_core::ir::Source::Type("struck".to_owned());
    let spec = |legato| NodeSpec {
        node: krach_core::ir::NodeIr { name: "p".into(), source: source(), count: 1, ..Default::default() },
        legato,
        ..NodeSpec::default()
    };
    let mut engine = Engine::new(probes::registry());
    let set = |engine: &mut Engine, legato| {
        engine.edit(Edit::Nodes(vec![NodeEdit::Set(Box::new(spec(legato)))]), At::Now).unwrap();
        engine.session().node("p").unwrap().legato
    };
    assert_eq!(set(&mut engine, None), Some(false), "a new node goes back and begins again");
    assert_eq!(set(&mut engine, Some(Some(true))), Some(true));
    assert_eq!(set(&mut engine, None), Some(true), "one that exists keeps it");
    let saved = engine.save();
    let mut other = Engine::new(probes::registry());
    other.load(&saved).unwrap();
    assert_eq!(other.save(), saved);
    assert_eq!(other.session().node("p").unwrap().legato, Some(true));
    assert_eq!(set(&mut engine, Some(Some(false))), Some(false));
    engine.undo(At::Now).unwrap();
    assert_eq!(engine.session().node("p").unwrap().legato, Some(true));
    // Documents of before say nothing, and mean what they meant.
    let before = br#"{"nodes": [{"name": "p", "source": "struck"}]}"#;
    other.load(before).unwrap();
    assert_eq!(other.session().node("p").unwrap().legato, None);
}

#[test]
fn whether_a_node_rests_is_part_of_the_session() {
    let spec = |rest| NodeSpec {
        node: krach_core::ir::NodeIr {
            name: "p".into(),
            source: krach_core::ir::Source::Type("struck".to_owned()),
            ..Default::default()
        },
        rest,
        ..NodeSpec::default()
    };
    let mut engine = Engine::new(probes::registry());
    let rest = |engine: &Engine| engine.session().node("p").unwrap().rest;
    let set = |engine: &mut Engine, setting| {
        engine.edit(Edit::Nodes(vec![NodeEdit::Set(Box::new(spec(setting)))]), At::Now).unwrap();
        rest(engine)
    };
    assert_eq!(set(&mut engine, None), Some(Rest::Auto), "a new node rests where it can");
    let saved = engine.save();
    assert_eq!(set(&mut engine, Some(Some(Rest::Never))), Some(Rest::Never));
    assert_eq!(set(&mut engine, None), Some(Rest::Never), "one that exists keeps it");
    let never = engine.save();
    for (saved, expected) in [(saved, Rest::Auto), (never, Rest::Never)] {
        let mut other = Engine::new(probes::registry());
        other.load(&saved).unwrap();
        assert_eq!((rest(&other), other.save()), (Some(expected), saved));
    }
    engine.undo(At::Now).unwrap();
    assert_eq!(rest(&engine), Some(Rest::Auto));
    // Documents of before say nothing, and one voice sounds on as it did.
    engine.load(br#"{"nodes": [{"name": "p", "source": "struck"}]}"#).unwrap();
    assert_eq!(rest(&engine), None);
    assert_eq!(set(&mut engine, None), None, "also when it gets another source");
}
