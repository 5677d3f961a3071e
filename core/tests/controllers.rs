//! Controllers from the host move the controls that they are mapped to.

mod support;

use krach_core::engine::*;
use krach_core::processor::{HostEvent, HostEventKind};
use support::*;

fn mapped() -> Rig {
    let mut rig = Rig::new();
    let mut graph = voice("dc", 0.01);
    graph.nodes[1].controls.insert("waveform".into(), 2.0);
    graph.exposed_controls.insert("level".into(), ("dc_g".into(), "gain".into()));
    rig.edit(Edit::LoadGraph(graph));
    rig.edit(Edit::MidiMap { channel: 2, cc: 74, label: "level".into(), lo: 0.0, hi: 0.5 });
    rig
}

fn cc(offset: u32, channel: u8, cc: u8, value: u8) -> HostEvent {
    HostEvent { offset, what: HostEventKind::Midi([0xb0 | channel, cc, value]) }
}

#[test]
fn a_controller_moves_its_control_from_its_sample_on_and_the_session_knows() {
    let mut rig = mapped();
    rig.block(512);
    rig.played_in = vec![cc(100, 2, 74, 127)];
    let [left, _] = rig.block(512);
    assert!(left[..100].iter().all(|x| *x == 0.0) && left[100] != 0.0);
    let level = rig.engine.status().control_values["level"];
    assert_eq!(level, 0.5);
}

#[test]
fn other_channels_and_controllers_move_nothing() {
    let mut rig = mapped();
    rig.played_in = vec![
        cc(0, 3, 74, 127),
        cc(0, 2, 73, 127),
        HostEvent { offset: 0, what: HostEventKind::Midi([0x92, 74, 127]) },
    ];
    let [left, _] = rig.block(512);
    assert!(left.iter().all(|x| *x == 0.0));
}

#[test]
fn maps_are_part_of_the_session() {
    let saved = mapped().engine.save();
    let mut engine = Engine::new(krach_core::node::Registry::with_builtins());
    engine.load(&saved).unwrap();
    let mut rig = Rig::of(engine);
    rig.played_in = vec![cc(7, 2, 74, 64)];
    let [left, _] = rig.block(64);
    assert!(left[6] == 0.0 && left[7] != 0.0);
}
