//! A pattern that is sent again where its notes share few voices, with each other and with keys of the host.

use super::*;
use krach_core::processor::{HostEvent, HostEventKind, NoteAddress};

/// Three voices for a node that needs more, and two nodes with one voice that go back to keys that are held: the
/// pipe at the new pitch, the counter with its gate opened anew.
fn shared() -> Rig {
    let mut rig = rig_with(3);
    let alone = |id: &str, ty: &str, legato| GraphNode { legato: Some(legato), ..node(id, ty, &[]) };
    let many = GraphNode { count: 3, ..node("many", "pipe", &[]) };
    let nodes = vec![
        node("out", "dac", &[]),
        many,
        alone("one", "pipe", true),
        alone("struck", "struck", false),
        node("plain", "dc", &[("level", 0.0)]),
        node("pan", "gain", &[("gain", 1e-3)]),
    ];
    let wires = [("many", "out"), ("one", "pan"), ("struck", "pan"), ("plain", "pan"), ("pan", "out")];
    let mut graph = graph(nodes, &wires);
    graph.exposed_controls.insert("plain/gate".into(), ("plain".into(), "level".into()));
    rig.edit(Edit::LoadGraph(graph));
    for (channel, slot) in (0..).zip(&SLOTS[..3]) {
        rig.edit(Edit::RouteNotes { channel: Some(channel), node: Some((*slot).into()) });
    }
    rig.settle();
    rig.played = 0;
    rig
}

/// A key of the first four goes down or up on one of the three channels.
fn press(dice: &mut Dice, down: &mut Vec<(i16, i16)>, block: usize) -> HostEvent {
    let (channel, key) = (dice.below(3) as i16, 57 + 12 * dice.below(4) as i16);
    let note = NoteAddress { port: 0, channel, key, note_id: -1 };
    let offset = dice.below(block as u64) as u32;
    let what = match down.iter().position(|is| *is == (channel, key)) {
        Some(at) => {
            down.remove(at);
            HostEventKind::NoteOff(note)
        }
        None => {
            down.push((channel, key));
            HostEventKind::NoteOn { note, velocity: 1.0 }
        }
    };
    HostEvent { offset, what }
}

#[test]
fn beside_keys_that_share_its_few_voices_it_is_not_heard() {
    for (seed, keys) in [(63, false), (64, true)] {
        let mut dice = Dice(seed);
        let (mut sounding, mut pressed) = (0, 0);
        for round in 0..54 {
            let patterns = dice.patterns();
            let (way, again) = WAYS[round % WAYS.len()];
            let block = [64, 100, 333][round / WAYS.len() % 3];
            let mut rigs = [shared(), shared()];
            for rig in &mut rigs {
                plays(&patterns).into_iter().for_each(|edit| {
                    rig.edit(edit);
                });
            }
            let mut down = Vec::new();
            for at in 0..30 {
                let sent = at > 0 && dice.below(3) == 0;
                let presses = if keys { dice.below(4) } else { 0 };
                let mut played: Vec<HostEvent> =
                    (0..presses).map(|_| press(&mut dice, &mut down, block)).collect();
                // Each key once in a block, in the order of time.
                played.sort_by_key(|event| event.offset);
                pressed += played.len();
                let [once, often] = &mut rigs;
                if sent {
                    again(often, &patterns);
                }
                let [left, heard] = [once, often].map(|rig| {
                    rig.played_in = played.clone();
                    rig.block(block)[0].clone()
                });
                let differs = first_difference(&left, &heard).map(|at| (at, left[at], heard[at]));
                assert_eq!(differs, None, "{way}, round {round}, block {at} of {block}: {patterns:?}");
                sounding += usize::from(sent && left.iter().any(|x| *x != 0.0));
            }
            let [once, often] = &rigs;
            assert_eq!((&once.midi, &once.ends), (&often.midi, &often.ends), "{way}, round {round}");
        }
        assert!(sounding > 150 && (pressed > 1000) == keys, "{sounding} {pressed}");
    }
}

#[test]
fn a_note_that_has_taken_the_voice_of_a_key_goes_on_or_ends_and_the_key_does_not_come_back() {
    for same in [true, false] {
        let mut rig = shared();
        rig.edit(set("one/tail", 0.0));
        let long = || builders::note(8.0).shift(0.1).over(4.0);
        rig.edit(play("one", long()));
        let note = NoteAddress { port: 0, channel: 1, key: 69, note_id: 1 };
        rig.played_in = vec![HostEvent { offset: 0, what: HostEventKind::NoteOn { note, velocity: 1.0 } }];
        assert_eq!(rig.block(64)[0][63], 440.0 * 1e-3);
        assert_eq!(*rig.render(CYCLE, &[64])[0].last().unwrap(), 8.0 * 1e-3);
        rig.edit(play("one", if same { long() } else { builders::rest() }));
        let expected = if same { 8.0 * 1e-3 } else { 0.0 };
        assert_eq!(*rig.render(CYCLE / 4, &[64])[0].last().unwrap(), expected);
        assert_eq!(rig.render(2 * CYCLE, &[64])[0][2 * CYCLE - 1], 0.0);
    }
}
