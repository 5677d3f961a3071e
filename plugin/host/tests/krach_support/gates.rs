//! What the gate of [`super::session::gate_graph`] was heard to do.

use krach_host::Rendered;

/// Frames on which a gate begins to open: the sound rises and did not rise on the frame before.
pub fn opens(samples: &[f32]) -> Vec<u64> {
    turns(samples, |before, now| now > before)
}

/// Frames on which it begins to close.
pub fn closes(samples: &[f32]) -> Vec<u64> {
    turns(samples, |before, now| now < before)
}

fn turns(samples: &[f32], moves: impl Fn(f32, f32) -> bool) -> Vec<u64> {
    let (mut before, mut moved, mut found) = (0.0, false, Vec::new());
    for (frame, &sample) in samples.iter().enumerate() {
        let now = moves(before, sample);
        if now && !moved {
            found.push(frame as u64);
        }
        (before, moved) = (sample, now);
    }
    found
}

/// Frames on which `count` onsets per cycle of four quarter notes have to sound, from the transport's
/// own account.
pub fn expected(rendered: &Rendered, count: usize) -> Vec<u64> {
    let step = 4.0 / count as f64;
    let mut frames = rendered.transport.onset_frames_every(-64.0, step, 256.0);
    frames.retain(|frame| *frame < rendered.frames as u64);
    frames
}

/// Panics unless the gate opened on exactly the frames of `count` onsets per cycle.
#[track_caller]
pub fn assert_opens_where_the_transport_was(rendered: &Rendered, count: usize, what: &str) {
    let (found, expected) = (opens(&rendered.channels[0]), expected(rendered, count));
    let missing: Vec<_> = expected.iter().filter(|frame| !found.contains(frame)).collect();
    let surplus: Vec<_> = found.iter().filter(|frame| !expected.contains(frame)).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "{what}: of {} onsets these did not sound {missing:?} and these should not have {surplus:?}",
        expected.len()
    );
    assert!(expected.len() >= 4, "{what}: only {} onsets, which shows nothing", expected.len());
    assert_eq!(rendered.channels[0], rendered.channels[1], "{what}: the gate is mono");
}

/// Panics unless the gate is shut, to the bit, on these frames.
#[track_caller]
pub fn assert_shut(rendered: &Rendered, frames: std::ops::Range<u64>, what: &str) {
    let open = frames.clone().find(|frame| rendered.channels[0][*frame as usize] != 0.0);
    assert_eq!(open, None, "{what}: the gate is open between {frames:?}");
}
