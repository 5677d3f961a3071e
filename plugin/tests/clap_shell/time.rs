//! The host's time, told and untold.

use super::*;
use krach_core::model::Setting;

/// First frame of a block in which the gate is open, if any.
fn opening(block: &Block) -> Option<usize> {
    block.main().iter().position(|sample| *sample != 0.0)
}

#[test]
fn an_onset_falls_on_the_frame_that_the_host_says() {
    let _turn = alone();
    let host = Host::new();
    for distance in [0, 1, 100, 511] {
        let (plugin, mut block) = playing(&host, &gated_input(), 512);
        block.input.iter_mut().for_each(|side| side.fill(1.0));
        block.transport = Some(rolling(2.0 - f64::from(distance) / BEAT, 120.0));
        block.render(&plugin, true);
        assert_eq!(opening(&block), Some(distance as usize));
        plugin.destroy();
    }
}

#[test]
fn a_transport_event_inside_a_block_counts_from_its_frame_on() {
    let _turn = alone();
    let host = Host::new();
    let (plugin, mut block) = playing(&host, &gated_input(), 512);
    block.input.iter_mut().for_each(|side| side.fill(1.0));
    block.transport = Some(rolling(0.0, 120.0));
    block.events = vec![Event::transport(64, rolling(2.0 - 50.0 / BEAT, 120.0))];
    block.render(&plugin, true);
    assert_eq!(opening(&block), Some(114), "50 frames after the jump at frame 64");
    plugin.destroy();

    // The tempo rises by 120 bpm over 100 frames from frame 0 on: a mean of 180, then 240.
    let (plugin, mut block) = playing(&host, &gated_input(), 512);
    block.input.iter_mut().for_each(|side| side.fill(1.0));
    let rising =
        clap_sys::events::clap_event_transport { tempo_inc: 1.2, ..rolling(2.0 - 350.0 / BEAT, 120.0) };
    block.transport = Some(rising);
    let (steady, at) = (rolling(2.0 - 200.0 / BEAT, 240.0), 100);
    block.events = vec![Event::transport(at, steady)];
    block.render(&plugin, true);
    assert_eq!(opening(&block), Some(200), "100 frames at double tempo after frame 100");
    plugin.destroy();
}

#[test]
fn without_a_transport_time_stands_still_until_free_run_is_switched_on() {
    let _turn = alone();
    let host = Host::new();
    let (plugin, mut block) = playing(&host, &gated_input(), 512);
    block.input.iter_mut().for_each(|side| side.fill(1.0));
    let second_half = |plugin: &Plugin, block: &mut Block, events: &[Event]| {
        render(plugin, block, 3 * BEAT as usize, &[512], events).last() == Some(&1.0)
    };
    assert!(!second_half(&plugin, &mut block, &[]));
    let free = plugin.param("Free Run");
    assert!(second_half(&plugin, &mut block, &[Event::value(0, free, 1.0)]), "3 beats on, the gate is open");
    plugin.destroy();
}

#[test]
fn midi_clock_reaches_the_host_each_message_on_its_frame() {
    let _turn = alone();
    let host = Host::new();
    let (plugin, mut block) = playing(&host, &chunk(vec![Edit::Setting(Setting::MidiClock(true))]), 2048);
    block.transport = Some(rolling(0.0, 120.0));
    block.render(&plugin, true);
    let tick = |frame| (frame, [0xf8, 0, 0]);
    assert_eq!(block.sent.midi, [(0, [0xfa, 0, 0]), tick(0), tick(1000), tick(2000)]);
    // A jump to the ninth quarter note, 32 sixteenths on.
    block.transport = Some(rolling(8.0, 120.0));
    block.render(&plugin, true);
    let jumped = [(0, [0xfc, 0, 0]), (0, [0xf2, 32, 0]), (0, [0xfb, 0, 0]), tick(0), tick(1000), tick(2000)];
    assert_eq!(block.sent.midi, jumped);
    plugin.destroy();
}
