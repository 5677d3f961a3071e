//! Where a voice begins to sound, and how that compares with where it should.

use super::time::{Time, float};

/// Interleaved samples with their format.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// Frames per second.
    pub sample_rate: u32,
    /// Samples per frame.
    pub channels: usize,
    /// Frame after frame; full scale is ±1.
    pub samples: Vec<f32>,
}

impl Sound {
    /// Number of frames.
    pub fn frames(&self) -> usize {
        self.samples.len() / self.channels
    }

    /// The largest sample, as a factor of full scale. NaN if one sample is not a number.
    pub fn peak(&self) -> f32 {
        let samples = self.samples.iter();
        samples.fold(0.0, |peak, sample| if sample.is_nan() { f32::NAN } else { sample.abs().max(peak) })
    }

    /// The frames one by one, each with a sample per channel.
    pub fn iter(&self) -> impl Iterator<Item = &[f32]> {
        self.samples.chunks_exact(self.channels)
    }
}

/// Silence that separates two onsets, in seconds.
const SILENCE_SECONDS: f64 = 0.005;

/// The engine's tolerance for positions that are exact but for rounding, in samples.
const TOLERANCE: f64 = 1e-6;

/// Frames at which the sound leaves exact silence: not zero, after 5 ms of zeros or the beginning.
pub fn find(sound: &Sound) -> Vec<usize> {
    let needed = (f64::from(sound.sample_rate) * SILENCE_SECONDS).ceil() as usize;
    let mut silent = needed;
    let mut onsets = Vec::new();
    for (frame, samples) in sound.iter().enumerate() {
        if samples.iter().all(|&sample| sample == 0.0) {
            silent += 1;
        } else {
            if silent >= needed {
                onsets.push(frame);
            }
            silent = 0;
        }
    }
    onsets
}

/// How a voice's onsets compare with the score.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timing {
    /// Onsets in the score.
    pub expected: usize,
    /// Onsets in the sound.
    pub found: usize,
    /// Onsets of the score with one in the sound near by (and the other way round).
    pub matched: usize,
    /// Onsets before their exact time.
    pub early: usize,
    /// The largest distance from the exact time, in samples, early or late.
    pub largest_error: f64,
}

impl Timing {
    /// Compares frames with exact times in samples. Both are in the order of time.
    ///
    /// An onset belongs to the time that is nearest to it, within 10 ms.
    pub fn compare(expected: &[Time], found: &[usize], sample_rate: u32) -> Self {
        let near = f64::from(sample_rate) * 0.010;
        let mut timing = Self { expected: expected.len(), found: found.len(), ..Self::default() };
        let mut rest = found.iter().copied().peekable();
        for &time in expected {
            let error = |frame: usize| float(Time::from(frame as i128) - time);
            while rest.next_if(|&frame| error(frame) < -near).is_some() {}
            if let Some(frame) = rest.next_if(|&frame| error(frame) <= near) {
                timing.matched += 1;
                timing.early += usize::from(error(frame) < -TOLERANCE);
                timing.largest_error = timing.largest_error.max(error(frame).abs());
            }
        }
        timing
    }

    /// Every onset is there, none beside it, none early, none a whole sample late.
    pub fn holds(&self) -> bool {
        self.matched == self.expected
            && self.found == self.expected
            && self.early == 0
            && self.largest_error < 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 48_000;

    /// Two seconds of stereo silence with notes of 100 frames, heard on one side only.
    fn notes(starts: &[usize]) -> Sound {
        let mut samples = vec![0.0; 4 * RATE as usize];
        for &start in starts {
            for frame in start..start + 100 {
                samples[2 * frame + 1] = 0.1 + 1e-3 * (frame - start) as f32;
            }
        }
        Sound { sample_rate: RATE, channels: 2, samples }
    }

    fn times(list: &[(i128, i128)]) -> Vec<Time> {
        list.iter().map(|&(numer, denom)| Time::new(numer, denom)).collect()
    }

    #[test]
    fn a_note_begins_where_silence_ends() {
        assert_eq!(find(&notes(&[0, 5_000, 48_001])), [0, 5_000, 48_001]);
        assert!(find(&notes(&[])).is_empty());
    }

    #[test]
    fn a_short_gap_is_part_of_the_note() {
        assert_eq!(find(&notes(&[1_000, 1_100 + 239])), [1_000]);
        assert_eq!(find(&notes(&[1_000, 1_100 + 240])), [1_000, 1_340]);
    }

    #[test]
    fn minus_zero_is_silence() {
        let mut sound = notes(&[10]);
        sound.samples[..20].fill(-0.0);
        assert_eq!(find(&sound), [10]);
    }

    #[test]
    fn onsets_at_the_first_sample_after_their_time_hold() {
        let expected = times(&[(1_000, 1), (20_001, 2), (90_002, 3)]);
        let timing = Timing::compare(&expected, &[1_000, 10_001, 30_001], RATE);
        assert!(timing.holds(), "{timing:?}");
        assert!((timing.largest_error - 0.5).abs() < 1e-9);
    }

    #[test]
    fn one_sample_early_or_late_does_not_hold() {
        let expected = times(&[(1_000, 1)]);
        let early = Timing::compare(&expected, &[999], RATE);
        assert_eq!((early.early, early.holds()), (1, false));
        let late = Timing::compare(&expected, &[1_001], RATE);
        assert_eq!((late.early, late.holds()), (0, false));
    }

    #[test]
    fn an_onset_too_few_or_too_many_does_not_hold() {
        let expected = times(&[(1_000, 1), (5_000, 1)]);
        for found in [&[1_000][..], &[5_000], &[1_000, 3_000, 5_000], &[1_000, 5_000, 9_000], &[]] {
            assert!(!Timing::compare(&expected, found, RATE).holds(), "{found:?}");
        }
    }

    #[test]
    fn a_missing_onset_does_not_spoil_the_pairing_of_the_others() {
        let expected = times(&[(1_000, 1), (5_000, 1), (9_000, 1)]);
        let timing = Timing::compare(&expected, &[1_000, 9_000], RATE);
        assert_eq!((timing.matched, timing.largest_error), (2, 0.0));
    }
}
