//! A pattern that is sent again while the transport loops and jumps.

use super::*;
use krach_core::clock::TransportAt;

/// A block of a host that loops: where it is beyond the loop's end as the block begins, it has wrapped.
fn looped(rig: &mut Rig, frames: usize, (begin, end): (f64, f64)) -> Vec<f32> {
    while rig.transport().beats.is_some_and(|beats| beats >= end) {
        rig.start_beats -= end - begin;
    }
    let mut transport = rig.transport();
    transport.loop_range = Some((begin, end));
    rig.block_with(frames, &[TransportAt { offset: 0, transport }])[0].clone()
}

/// The same messages; of different keys that end on one frame the order says nothing.
#[track_caller]
fn assert_same_notes(rigs: &[Rig; 2], what: &str) {
    let [once, often] = rigs.each_ref().map(|rig| {
        let mut sent = rig.midi.clone();
        sent.sort_by_key(|(frame, [status, key, _])| (*frame, *key, status & 15));
        sent
    });
    let differs = once.iter().zip(&often).find(|(a, b)| a != b);
    assert_eq!((differs, once.len()), (None, often.len()), "{what}");
}

#[test]
fn within_a_loop_that_wraps_inside_blocks_it_is_not_heard() {
    let mut dice = Dice(61);
    let (mut sounding, mut wraps) = (0, 0.0);
    for round in 0..72 {
        let patterns = dice.patterns();
        let (way, again) = WAYS[round % WAYS.len()];
        let block = [64, 100, 333][round / WAYS.len() % 3];
        // Shorter than a cycle, longer than two; its ends on the patterns' grid in every second round.
        let fine = if round % 2 == 0 { 8.0 } else { 7.3 };
        let begin = dice.below(16) as f64 / fine;
        let range = (begin, begin + (3 + dice.below(70)) as f64 / fine);
        let mut rigs = [rig(), rig()];
        for rig in &mut rigs {
            plays(&patterns).into_iter().for_each(|edit| {
                rig.edit(edit);
            });
        }
        for at in 0..60 {
            let sent = at > 0 && dice.below(3) == 0;
            let [once, often] = &mut rigs;
            if sent {
                again(often, &patterns);
            }
            let [left, heard] = [once, often].map(|rig| looped(rig, block, range));
            let differs = first_difference(&left, &heard).map(|at| (at, left[at], heard[at]));
            assert_eq!(differs, None, "{way}, round {round}, block {at} of {block}, {range:?}: {patterns:?}");
            sounding += usize::from(sent && left.iter().any(|x| *x != 0.0));
        }
        assert_same_notes(&rigs, &format!("{way}, round {round}, {range:?}: {patterns:?}"));
        wraps -= rigs[0].start_beats / (range.1 - range.0);
    }
    assert!(sounding > 400 && wraps > 200.0, "{sounding} {wraps}");
}

#[test]
fn before_and_after_jumps_it_is_not_heard() {
    let mut dice = Dice(62);
    let (mut sounding, mut jumps) = (0, 0);
    for round in 0..72 {
        let patterns = dice.patterns();
        let (way, again) = WAYS[round % WAYS.len()];
        let block = [64, 100, 333][round / WAYS.len() % 3];
        let mut rigs = [rig(), rig()];
        for rig in &mut rigs {
            plays(&patterns).into_iter().for_each(|edit| {
                rig.edit(edit);
            });
        }
        for at in 0..40 {
            let jumps_now = at > 0 && dice.below(6) == 0;
            let by = dice.below(400) as f64 / 7.0 - 24.0;
            let stops = dice.below(12) == 0;
            let sent = at > 0 && dice.below(3) == 0;
            let [once, often] = &mut rigs;
            if sent && at % 2 == 0 {
                again(often, &patterns);
            }
            for rig in [&mut *once, &mut *often] {
                if jumps_now {
                    rig.start_beats += by;
                }
                rig.playing = !stops;
            }
            // The edit comes before the jump is known, or with it.
            if sent && at % 2 == 1 {
                again(often, &patterns);
            }
            let [left, heard] = [once, often].map(|rig| rig.block(block)[0].clone());
            let differs = first_difference(&left, &heard).map(|at| (at, left[at], heard[at]));
            assert_eq!(differs, None, "{way}, round {round}, block {at} of {block}: {patterns:?}");
            sounding += usize::from(sent && left.iter().any(|x| *x != 0.0));
            jumps += usize::from(jumps_now);
        }
        assert_same_notes(&rigs, &format!("{way}, round {round}: {patterns:?}"));
    }
    assert!(sounding > 400 && jumps > 300, "{sounding} {jumps}");
}
