//! Offline the control side is waited for, however slow it is: the same performance is the same sound each time.

use super::*;
use krach_core::clock::{HostTransport, TransportAt};
use krach_core::processor::{Block, MidiOut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Renders two seconds in blocks of that length while a control thread looks in every so often. Timed recalls and
/// changes of all kinds stand close to each other; the host recalls in between.
fn bounce(frames: usize, pause: Duration) -> (Vec<f32>, Vec<Notice>) {
    let mut rig = two_scenes();
    rig.edit(Setting::Crossfade(Crossfade::Seconds(0.01)).into());
    rig.settle();
    let from = rig.engine.link().position().cycles;
    let at = |cycles: f64| At::Position(from + cycles);
    rig.edit_at(recall(1), at(0.1));
    rig.edit_at(Edit::Nodes(vec![add("x", "dc_other", 0.25)]), at(0.1001));
    rig.edit_at(recall(2), at(0.1002));
    rig.edit_at(play("lead", builders::control("lead/level", 0.5)), at(0.1002));
    rig.edit_at(Edit::Nodes(vec![add("y", "dc", 0.125)]), at(0.3));
    rig.edit_at(recall(1), at(0.3));
    rig.edit_at(set("beat/level", 0.75), at(0.3));
    rig.edit_at(Edit::Nodes(vec![remove("beat")]), at(0.5));
    rig.edit_at(recall(2), at(0.500_01));
    rig.edit_at(recall(1), at(0.500_02));
    let origin = rig.played;
    let Rig { mut engine, mut processor, notices: mut heard, .. } = rig;
    let over = AtomicBool::new(false);
    let mut out = Vec::new();
    std::thread::scope(|scope| {
        let control = scope.spawn(|| {
            let mut notices = Vec::new();
            while !over.load(Ordering::Acquire) {
                notices.extend(engine.tick());
                std::thread::sleep(pause);
            }
            notices.extend(engine.tick());
            notices
        });
        while out.len() < 72_000 {
            let played = origin + out.len() as i64;
            let beats = played as f64 * 120.0 / (60.0 * RATE);
            let transport = HostTransport {
                playing: true,
                tempo: Some(120.0),
                beats: Some(beats),
                seconds: Some(played as f64 / RATE),
                time_signature: Some((4, 4)),
                ..HostTransport::default()
            };
            let mut sides = [vec![0.0; frames], vec![0.0; frames]];
            let [left, right] = &mut sides;
            // The host recalls on samples of its own, one of them beside a timed change.
            let recalls = [(28_801, 2_u8), (60_000, 2), (60_001, 1)];
            let begin = out.len();
            let due = recalls.iter().filter(|(at, _)| (begin..begin + frames).contains(at));
            let params: Vec<ParamEvent> = due
                .map(|(at, number)| ParamEvent {
                    offset: (at - begin) as u32,
                    param: ParamId::Scene,
                    value: place_of_scene(*number),
                    modulation: 0.0,
                })
                .collect();
            processor.process(Block {
                frames,
                transport: &[TransportAt { offset: 0, transport }],
                offline: true,
                input: [&[], &[]],
                main: [left, right],
                stems: &mut [],
                params: &params,
                played: &[],
                midi_out: &mut MidiOut::with_capacity(64),
            });
            out.extend_from_slice(&sides[0]);
        }
        over.store(true, Ordering::Release);
        heard.extend(control.join().expect("the control thread"));
    });
    out.truncate(72_000);
    (out, heard)
}

#[test]
fn a_bounce_with_recalls_beside_changes_is_the_same_however_slow_the_control_side_is() {
    let late = |notices: &[Notice]| {
        let late = |n: &&Notice| matches!(n, Notice::Recalled { late: true, .. } | Notice::Late { .. });
        notices.iter().filter(late).cloned().collect::<Vec<_>>()
    };
    let (expected, notices) = bounce(480, Duration::from_micros(20));
    assert!(late(&notices).is_empty(), "{:?}", late(&notices));
    for (frames, pause) in [(480, 5_000), (64, 300), (2_048, 2_000), (333, 1_000)] {
        let (out, notices) = bounce(frames, Duration::from_micros(pause));
        assert!(late(&notices).is_empty(), "{frames}: {:?}", late(&notices));
        assert_eq!(first_difference(&expected, &out), None, "blocks of {frames}, {pause} µs");
    }
}
