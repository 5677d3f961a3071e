//! Clicks: jumps in a signal that should be smooth.

use super::onsets::Sound;

/// Where to look for clicks: frames `begin..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First frame.
    pub begin: usize,
    /// First frame after it.
    pub end: usize,
}

/// Smallest click that counts, as the height of a step that two samples share: -46 dBFS.
const SMALLEST_STEP: f64 = 0.005;

/// The fourth difference of two samples that stand out by 1: (1, -3, 2, 2, -3, 1).
const RESPONSE: f64 = 3.0;

/// How far a click stands out from the residual around it.
const OUTLIER: f64 = 8.0;

/// Reach of "around", in seconds to either side.
const AROUND_SECONDS: f64 = 0.005;

/// Frames next to a click that carry its own residual, to either side.
const OWN: usize = 6;

/// Frames in the window at which the sound clicks.
///
/// The rule: take the fourth difference of each channel (a steep high pass: a sine of 200 Hz comes out
/// at -125 dB, a step of two samples at +9.5 dB). A frame is an outlier where the size of that
/// residual is above what a step of two samples of -46 dBFS leaves, *and* above 8 times the RMS of the
/// residual in the 5 ms before and after it, leaving out the 6 frames on either side that carry the
/// click itself. Outliers closer than 5 ms are one click, reported at the largest.
///
/// The second condition keeps bright sounds (a saw, whose every period jumps) from counting as clicks;
/// so a click inside a bright sound that is as loud as the sound's own edges is not found. Look where
/// the sound is dark.
pub fn find(sound: &Sound, window: Window) -> Vec<usize> {
    let around = (f64::from(sound.sample_rate) * AROUND_SECONDS) as usize;
    let mut outliers: Vec<(usize, f64)> = Vec::new();
    let first = window.begin.saturating_sub(around);
    let last = (window.end + around).min(sound.frames());
    for channel in 0..sound.channels {
        let residual = residual(sound, channel, first, last);
        for frame in window.begin..window.end.min(last) {
            let at = frame - first;
            let size = residual[at].abs();
            if size > SMALLEST_STEP * RESPONSE && size > OUTLIER * surround(&residual, at, around) {
                outliers.push((frame, size));
            }
        }
    }
    outliers.sort_by_key(|&(frame, _)| frame);
    let mut clicks: Vec<(usize, f64)> = Vec::new();
    for (frame, size) in outliers {
        match clicks.last_mut() {
            Some(click) if frame - click.0 <= around => {
                if size > click.1 {
                    *click = (frame, size);
                }
            }
            _ => clicks.push((frame, size)),
        }
    }
    clicks.into_iter().map(|(frame, _)| frame).collect()
}

/// The same sound with a click at this frame: two samples of every channel raised by `step`.
pub fn plant(sound: &Sound, frame: usize, step: f32) -> Sound {
    let mut planted = sound.clone();
    let samples = planted.samples.iter_mut().skip(frame * sound.channels).take(2 * sound.channels);
    samples.for_each(|sample| *sample += step);
    planted
}

/// Fourth differences of a channel, centred, for the frames `first..last`; silence lies outside.
fn residual(sound: &Sound, channel: usize, first: usize, last: usize) -> Vec<f64> {
    let sample = |frame: isize| {
        let frame = usize::try_from(frame).ok();
        let index = frame.map(|frame| frame * sound.channels + channel);
        index.and_then(|index| sound.samples.get(index)).map_or(0.0, |&sample| f64::from(sample))
    };
    (first as isize..last as isize)
        .map(|n| sample(n - 2) - 4.0 * sample(n - 1) + 6.0 * sample(n) - 4.0 * sample(n + 1) + sample(n + 2))
        .collect()
}

/// RMS of the residual around a place, without the place itself.
fn surround(residual: &[f64], at: usize, around: usize) -> f64 {
    let before = at.saturating_sub(around)..at.saturating_sub(OWN);
    let after = (at + OWN + 1).min(residual.len())..(at + around + 1).min(residual.len());
    let count = before.len() + after.len();
    let energy: f64 = residual[before].iter().chain(&residual[after]).map(|value| value * value).sum();
    (energy / count.max(1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    const RATE: usize = 48_000;
    const ALL: Window = Window { begin: 0, end: RATE };
    /// -40 dBFS.
    const STEP: f32 = 0.01;

    /// A second of mono.
    fn sound(wave: impl Fn(f64) -> f64) -> Sound {
        let samples = (0..RATE).map(|n| wave(n as f64 / RATE as f64) as f32).collect();
        Sound { sample_rate: RATE as u32, channels: 1, samples }
    }

    /// A bass that opens at 0.2 s and shuts at 0.6 s, each in 10 ms.
    fn bass(seconds: f64) -> f64 {
        let open = ((seconds - 0.2) / 0.010).clamp(0.0, 1.0) - ((seconds - 0.6) / 0.010).clamp(0.0, 1.0);
        open * 0.5 * (0.3 + TAU * 110.0 * seconds).sin()
    }

    #[test]
    fn a_note_that_opens_and_shuts_in_ten_milliseconds_does_not_click() {
        assert!(find(&sound(bass), ALL).is_empty());
    }

    #[test]
    fn a_planted_step_is_found_wherever_it_is() {
        for frame in [100, 9_600, 9_700, 20_000, 28_800, 40_000] {
            for step in [STEP, -STEP] {
                let found = find(&plant(&sound(bass), frame, step), ALL);
                assert_eq!(found.len(), 1, "at {frame}");
                assert!(found[0].abs_diff(frame) <= 2, "{found:?} at {frame}");
            }
        }
    }

    #[test]
    fn a_note_cut_off_in_the_middle_clicks() {
        let cut = sound(|seconds| if seconds < 0.403 { bass(seconds) } else { 0.0 });
        assert_eq!(find(&cut, ALL).len(), 1);
    }

    #[test]
    fn the_edges_of_a_saw_are_no_clicks() {
        let saw = sound(|seconds| 0.3 * (2.0 * (seconds * 440.0).fract() - 1.0));
        assert!(find(&saw, Window { begin: 1_000, end: 47_000 }).is_empty());
    }

    #[test]
    fn a_step_below_what_counts_is_left_alone() {
        assert!(find(&plant(&sound(bass), 20_000, 0.004), ALL).is_empty());
    }

    #[test]
    fn what_lies_outside_of_the_window_does_not_count() {
        let planted = plant(&sound(bass), 20_000, STEP);
        assert!(find(&planted, Window { begin: 20_100, end: 30_000 }).is_empty());
        assert_eq!(find(&planted, Window { begin: 19_990, end: 20_010 }).len(), 1);
    }

    #[test]
    fn a_click_on_both_sides_is_one_click() {
        let mono = sound(bass);
        let samples = mono.samples.iter().flat_map(|&sample| [sample, sample]).collect();
        let stereo = Sound { channels: 2, samples, ..mono };
        assert_eq!(find(&plant(&stereo, 20_000, STEP), ALL).len(), 1);
    }
}
