//! Every note of the host gets its end: after a panic, while nothing plays, and where there is no room.

use super::*;
use krach_core::processor::{HostEvents, MAX_PLAYED, MidiOut};

fn ids(rig: &Rig) -> Vec<i32> {
    let mut ids: Vec<i32> = rig.ends.iter().map(|(_, note)| note.note_id).collect();
    ids.sort_unstable();
    ids
}

/// Channel 0 plays `p`, channel 1 plays `x`, which panics when it is told to.
fn rig_that_panics() -> Rig {
    probes::hush_probes();
    let mut rig = rig(4);
    let pipe = GraphNode { count: 4, ..node("p", "pipe", &[]) };
    let panicky = GraphNode { count: 4, ..node("x", "panicky", &[]) };
    let nodes = vec![node("out", "dac", &[]), pipe, panicky];
    rig.edit(Edit::LoadGraph(graph(nodes, &[("p", "out"), ("x", "out")])));
    rig.edit(Edit::RouteNotes { channel: Some(1), node: Some("x".into()) });
    rig.settle();
    // This one has ended before.
    last(&mut rig, &[on(0, 0, A5, 9), at(1, HostEventKind::Choke(address(0, A5, 9)))]);
    hear(&mut rig, 300, &[]);
    assert_eq!(std::mem::take(&mut rig.ends).len(), 1);
    last(&mut rig, &[on(0, 0, A4, 1), on(0, 1, A4, 2), on(3, 0, A3, 3), off(5, 0, A3, 3), on(7, 1, A5, 4)]);
    assert_eq!(rig.ends, []);
    rig
}

fn rebuild(rig: &mut Rig) {
    rig.notices.extend(rig.engine.tick());
    rig.edit(set("x/when", 0.0));
    rig.edit(Edit::Rebuild);
}

#[test]
fn after_a_panic_every_note_ends_once_and_those_that_begin_then_end_at_once() {
    let mut rig = rig_that_panics();
    rig.edit(set("x/when", 1.0));
    // One begins in the block of the panic and does not end before it.
    let begin = rig.rendered;
    assert_eq!(last(&mut rig, &[on(100, 0, A5, 5)]), 0.0);
    assert_eq!(ids(&rig), [1, 2, 3, 4, 5]);
    assert!(rig.ends.iter().all(|(at, _)| *at == begin + 127), "{:?}", rig.ends);
    rig.ends.clear();
    let begin = rig.rendered;
    last(&mut rig, &[on(9, 0, A4, 6), off(20, 0, A4, 6), on(30, 1, A4, 7)]);
    assert_eq!(rig.ends, [(begin + 9, address(0, A4, 6)), (begin + 30, address(1, A4, 7))]);
    rig.ends.clear();
    rebuild(&mut rig);
    assert_eq!(last(&mut rig, &[on(0, 0, A4, 1)]), 440.0);
    assert_eq!(rig.ends, [], "the same note, again, sounds");
    last(&mut rig, &[off(0, 0, A4, 1)]);
    rig.render(48_000, &[333]);
    assert_eq!(ids(&rig), [1]);
}

#[test]
fn after_a_panic_in_a_reset_every_note_ends_with_the_next_block_rebuilt_or_not() {
    for rebuilt in [false, true] {
        let mut rig = rig_that_panics();
        rig.edit(set("x/when", 3.0));
        last(&mut rig, &[]);
        rig.processor.reset();
        let begin = rig.rendered;
        if rebuilt {
            rebuild(&mut rig);
        }
        let heard = last(&mut rig, &[on(64, 0, A4, 1)]);
        assert_eq!(heard, if rebuilt { 440.0 } else { 0.0 });
        let at_once: Vec<_> = rig.ends.iter().filter(|(at, _)| *at == begin).collect();
        assert_eq!(at_once.len(), 4, "{:?}", rig.ends);
        rig.render(48_000, &[333]);
        // The fifth is the new one, which sounds on or was refused.
        let expected: &[i32] = if rebuilt { &[1, 2, 3, 4] } else { &[1, 1, 2, 3, 4] };
        assert_eq!(ids(&rig), expected, "rebuilt: {rebuilt}");
    }
}

#[test]
fn a_note_among_too_many_events_ends_though_it_has_not_begun() {
    let mut rig = rig(4);
    let mut events = vec![midi(0, [0xd0, 1, 0]); MAX_PLAYED];
    events.push(on(0, 0, A4, 1));
    let begin = rig.rendered;
    assert_eq!(last(&mut rig, &events), 0.0);
    last(&mut rig, &[]);
    assert_eq!(rig.ends, [(begin + 128, address(0, A4, 1))]);
}

#[test]
fn a_note_on_a_sample_with_too_many_events_ends_though_it_has_not_begun() {
    let mut rig = rig(4);
    // Six nodes that play: each end concerns all of them, and one sample has room for 16384.
    let pipes: Vec<String> = (0..6).map(|n| format!("p{n}")).collect();
    let mut nodes = vec![node("out", "dac", &[])];
    nodes.extend(pipes.iter().map(|id| GraphNode { count: 1, ..node(id, "pipe", &[]) }));
    let wires: Vec<_> = pipes.iter().map(|id| (id.as_str(), "out")).collect();
    rig.edit(Edit::LoadGraph(graph(nodes, &wires)));
    for (channel, id) in (0..).zip(&pipes) {
        rig.edit(Edit::RouteNotes { channel: Some(channel), node: Some(id.as_str().into()) });
    }
    rig.settle();
    let begin = rig.rendered;
    let mut events = vec![on(5, 0, A4, 1)];
    events.extend((0..3_000).map(|_| off(5, 3, A3, -1)));
    events.push(on(5, 1, A4, 2));
    events.push(on(6, 2, A5, 3));
    assert_eq!(last(&mut rig, &events), 1320.0);
    assert_eq!(rig.ends, [(begin + 5, address(1, A4, 2))]);
}

#[test]
fn an_end_among_too_many_events_is_heard() {
    let mut rig = rig(4);
    assert_eq!(last(&mut rig, &[on(0, 0, A4, 1)]), 440.0);
    let mut events = vec![midi(0, [0xd0, 0, 0]); MAX_PLAYED];
    events.push(off(0, 0, A4, 1));
    assert_eq!(last(&mut rig, &events), 110.0);
}

#[test]
fn the_list_of_a_block_has_room_for_ends_and_each_note_that_it_refuses_ends_once() {
    let mut list = HostEvents::new();
    for key in 0..MAX_PLAYED + 3 {
        list.push(0, on(0, 0, A4, key as i32).what);
    }
    // Each of these ends notes; the last does not.
    let ends = [
        off(0, 0, A4, 1).what,
        HostEventKind::Choke(address(0, A4, 2)),
        HostEventKind::Midi([0x80, 60, 0]),
        HostEventKind::Midi([0x93, 60, 0]),
        HostEventKind::Midi([0xb0, 64, 0]),
        HostEventKind::Midi([0xb0, 123, 0]),
    ];
    ends.iter().chain([&HostEventKind::Midi([0xb0, 64, 127])]).for_each(|what| list.push(1, *what));
    let held = list.as_slice();
    assert_eq!(held.len(), MAX_PLAYED + ends.len());
    assert!(held[MAX_PLAYED..].iter().map(|event| event.what).eq(ends));
    // The next block begins before there was room for all of the ends.
    let refused = |list: &mut HostEvents| {
        let mut out = MidiOut::with_capacity(2);
        list.end_refused(63, &mut out);
        out.ends().iter().map(|end| (end.offset, end.note.note_id)).collect::<Vec<_>>()
    };
    let first = MAX_PLAYED as i32;
    assert_eq!(refused(&mut list), [(63, first + 2), (63, first + 1)]);
    list.clear();
    list.push(7, on(0, 0, A4, 1).what);
    assert_eq!(refused(&mut list), [(63, first)]);
    // Without an engine what came is refused.
    list.refuse_all();
    assert_eq!((list.as_slice().len(), refused(&mut list)), (0, vec![(63, 1)]));
    assert_eq!(refused(&mut list), []);
}
