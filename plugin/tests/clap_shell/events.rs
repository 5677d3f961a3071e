//! What comes with a block acts on its frame, also where the block has none.

use super::*;
use krach_core::model::{InputState, Setting};

/// The sidechain through a gain that controller 7 of the first channel moves, 0 at first.
fn gain_on_a_controller() -> Vec<u8> {
    chunk(vec![
        graph(json!({
            "nodes": [
                {"id": "adc_in", "type_id": "adc_input"},
                {"id": "gate", "type_id": "gain", "controls": {"gain": 0.0}},
                {"id": "out", "type_id": "dac"},
            ],
            "connections": [
                {"from_node": "adc_in", "from_port": "out", "to_node": "gate", "to_port": "in"},
                {"from_node": "gate", "from_port": "out", "to_node": "out", "to_port": "in"},
            ],
            "exposed_controls": {"gate/gain": ["gate", "gain"]},
        })),
        Edit::Setting(Setting::Input(Some(InputState { channel: None }))),
        Edit::MidiMap { channel: 0, cc: 7, label: "gate/gain".into(), lo: 0.0, hi: 1.0 },
    ])
}

#[test]
fn an_automated_panic_acts_on_its_frame_whatever_the_blocks() {
    let _turn = alone();
    let host = Host::new();
    let song = |sizes: &[usize], panics: &[u32]| {
        let (plugin, mut block) = playing(&host, &sine(), 1024);
        let panic = plugin.param("Panic");
        let on_and_off = |&time: &u32| [Event::value(time, panic, 1.0), Event::value(time + 1, panic, 0.0)];
        let events: Vec<_> = panics.iter().flat_map(on_and_off).collect();
        let sound = render(&plugin, &mut block, 4096, sizes, &events);
        plugin.destroy();
        sound
    };
    let plain = song(&[1024], &[]);
    let cut = song(&[1024], &[701]);
    assert_eq!(cut[..701], plain[..701]);
    assert_ne!(cut[701..760], plain[701..760], "the sine begins anew");
    for sizes in [&[17][..], &[1], &[333, 64, 1000], &[701, 1, 1]] {
        assert_eq!(song(sizes, &[701]), cut, "blocks of {sizes:?}");
    }
    let twice = song(&[1024], &[701, 900]);
    assert_eq!(twice[..900], cut[..900]);
    assert_ne!(twice[900..960], cut[900..960], "each acts");
    assert_eq!(song(&[100], &[701, 900]), twice);
}

#[test]
fn the_panic_switch_goes_back_and_the_host_is_told_on_its_frame() {
    let _turn = alone();
    let host = Host::new();
    let (plugin, mut block) = playing(&host, &sine(), 64);
    let panic = plugin.param("Panic");
    host.heard.callbacks.store(0, Ordering::SeqCst);
    for (value, told) in [(1.0, true), (1.0, true), (0.0, false), (0.0, false), (1.0, true)] {
        block.events = vec![Event::value(3, panic, value), Event::note_on(5, 60)];
        block.render(&plugin, true);
        let expected: &[_] = if told { &[(3, panic, 0.0)] } else { &[] };
        assert_eq!((&block.sent.values[..], plugin.value(panic)), (expected, 0.0));
        assert_eq!(block.sent.ends, [(5, 60)], "a note that nothing plays");
        assert!(block.sent.frames.is_sorted(), "{:?}", block.sent.frames);
    }
    assert_eq!(host.heard.callbacks.load(Ordering::SeqCst), 0, "the main thread has no part in it");
    plugin.deactivate();
    assert_eq!(plugin.flush(&[Event::value(0, panic, 1.0)]), [(0, panic, 0.0)]);
    assert_eq!(plugin.flush(&[Event::value(0, panic, 0.0)]), []);
    assert_eq!(plugin.value(panic), 0.0);
    plugin.destroy();
}

#[test]
fn a_panic_that_comes_by_a_flush_between_blocks_acts_on_the_next_frame() {
    let _turn = alone();
    let host = Host::new();
    let song = |flush: bool| {
        let (plugin, mut block) = playing(&host, &sine(), 700);
        let panic = plugin.param("Panic");
        let mut sound = render(&plugin, &mut block, 700, &[700], &[]);
        let events = [Event::value(0, panic, 1.0)];
        if flush {
            plugin.flush(&events);
        }
        sound.extend(render(&plugin, &mut block, 700, &[700], if flush { &[] } else { &events }));
        plugin.destroy();
        sound
    };
    assert_eq!(song(true), song(false));
}

#[test]
fn what_comes_with_a_block_without_frames_acts_on_the_next_frame() {
    let _turn = alone();
    let host = Host::new();
    let open = Event::midi(0, [0xb0, 7, 127]);
    let (plugin, mut block) = playing(&host, &gain_on_a_controller(), 64);
    block.input.iter_mut().for_each(|side| side.fill(1.0));
    // A block that is longer than was agreed is as good as one without frames.
    for (frames, status) in [(0, CLAP_PROCESS_CONTINUE), (65, CLAP_PROCESS_ERROR)] {
        let mut rendered = |frames: u32, events: &[Event], status| {
            block.frames = frames;
            block.events = events.to_vec();
            block.input.iter_mut().for_each(|side| side.resize(65, 1.0));
            block.output.iter_mut().for_each(|side| side.resize(65, 0.0));
            assert_eq!(block.render(&plugin, true), status);
            (block.main().to_vec(), block.sent.ends.clone())
        };
        let at_once = rendered(64, &[open.clone(), Event::note_on(0, 61)], CLAP_PROCESS_CONTINUE);
        assert!(at_once.0[63] > 0.0 && at_once.1 == [(0, 61)]);
        rendered(64, &[Event::midi(0, [0xb0, 7, 0])], CLAP_PROCESS_CONTINUE);
        for _ in 0..100 {
            rendered(64, &[], CLAP_PROCESS_CONTINUE);
        }
        // Two such blocks in a row; the order stays.
        rendered(frames, &[Event::midi(0, [0xb0, 7, 3]), Event::note_on(9, 61)], status);
        let (_, ends) = rendered(frames, std::slice::from_ref(&open), status);
        assert_eq!(ends, []);
        let later = rendered(64, &[], CLAP_PROCESS_CONTINUE);
        assert_eq!(later, at_once, "as if it had come with the next block, {frames} frames");
        assert_eq!(rendered(64, &[], CLAP_PROCESS_CONTINUE).1, [], "once");
        rendered(64, &[Event::midi(0, [0xb0, 7, 0])], CLAP_PROCESS_CONTINUE);
        for _ in 0..100 {
            rendered(64, &[], CLAP_PROCESS_CONTINUE);
        }
    }
    plugin.destroy();
}

#[test]
fn parameters_that_come_with_a_block_without_frames_count() {
    let _turn = alone();
    let host = Host::new();
    let song = |frames: &[u32]| {
        let (plugin, mut block) = playing(&host, &sine(), 512);
        let (master, panic) = (plugin.param("Master"), plugin.param("Panic"));
        block.render(&plugin, true);
        for (number, &frames) in frames.iter().enumerate() {
            block.frames = frames;
            block.events.clear();
            if number == 0 {
                block.events = vec![Event::value(0, master, 0.5), Event::value(0, panic, 1.0)];
            }
            block.render(&plugin, true);
            let told: &[_] = if number == 0 { &[(0, panic, 0.0)] } else { &[] };
            assert_eq!(block.sent.values, told);
        }
        assert_eq!(plugin.value(master), 0.5);
        plugin.destroy();
        block.main().to_vec()
    };
    let expected = song(&[512]);
    assert_eq!(song(&[0, 512]), expected);
    // Hosts may send any number of them.
    assert_eq!(song(&[&[0; 3000][..], &[512]].concat()), expected);
}

#[test]
fn a_panic_in_a_flood_of_changes_is_late_rather_than_lost() {
    let _turn = alone();
    let host = Host::new();
    let song = |flood: usize, late: bool| {
        let (plugin, mut block) = playing(&host, &sine(), 64);
        let (master, panic) = (plugin.param("Master"), plugin.param("Panic"));
        let asked = Event::value(63, panic, 1.0);
        block.events = (0..flood).map(|n| Event::value(9, master, [0.875, 0.8][n % 2])).collect();
        block.events.extend((flood > 0).then(|| Event::value(9, master, 0.875)));
        block.events.extend((!late).then(|| asked.clone()));
        block.render(&plugin, true);
        block.events = late.then(|| Event::value(0, panic, 1.0)).into_iter().collect();
        block.render(&plugin, true);
        let sound = block.main().to_vec();
        plugin.destroy();
        sound
    };
    assert_eq!(song(5_000, false), song(0, true));
    assert_ne!(song(0, false), song(0, true), "with room it acts on its frame");
}

#[test]
fn events_that_a_host_does_not_sort_never_go_back_in_time() {
    let _turn = alone();
    let host = Host::new();
    let (plugin, mut block) = playing(&host, &sine(), 64);
    let unsorted = [(10, 61), (5, 62), (20, 63), (99, 64), (0, 65)];
    block.events = unsorted.map(|(time, key)| Event::note_on(time, key)).to_vec();
    block.render(&plugin, true);
    let mut ends = block.sent.ends.clone();
    ends.sort_by_key(|&(_, key)| key);
    assert_eq!(ends, [(10, 61), (10, 62), (20, 63), (63, 64), (63, 65)]);
    plugin.destroy();
}
