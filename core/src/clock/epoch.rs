//! A stretch of contiguous time: samples to beats and back.

/// How far before its sample's instant, in samples, an onset may lie and still count as on it.
pub const ONSET_TOLERANCE: f64 = 1e-6;

/// The end of a loop pass that lies between its last sample and the wrap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Residue {
    /// Onsets after this position in quarter notes…
    pub begin: f64,
    /// …and before this one are left over.
    pub end: f64,
    /// Length of the loop in quarter notes: by so much they come before the new pass.
    pub length: f64,
}

/// Samples run from `start`; position = `beats` + elapsed · rate (+ ramp). Everything a block needs
/// to place an onset follows from the epoch alone, never from where a block begins: that is what
/// makes sound independent of the block partition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// First sample, in samples since activation.
    pub start: i64,
    /// Position at `start` in quarter notes.
    pub beats: f64,
    /// Quarter notes per sample at `start`.
    pub rate: f64,
    /// Change of `rate` per sample (tempo ramps).
    pub ramp: f64,
    /// Onsets before `start`'s position but after this one (beats) were not played yet and play at `start`.
    pub floor: f64,
    /// Onsets up to here (beats) have sounded, or lie before the loop, and do not play.
    pub played: f64,
    /// Uncertainty of `beats`, added to the tolerance.
    pub slack: f64,
    /// What is left over from before a wrap plays at `start`.
    pub residue: Option<Residue>,
    /// Position is discontinuous with what was before.
    pub jump: bool,
}

impl Epoch {
    /// An epoch that begins from nothing: a start or a jump.
    pub fn at(start: i64, beats: f64, rate: f64, ramp: f64) -> Self {
        Self {
            start,
            beats,
            rate,
            ramp,
            floor: f64::INFINITY,
            played: f64::NEG_INFINITY,
            slack: 0.0,
            residue: None,
            jump: true,
        }
    }

    /// An epoch that goes on from `self` at `start` with another rate, at the same position. One of
    /// which nothing sounded yet only changes its rate: it stays the start or the jump that it was.
    pub fn continued(&self, start: i64, rate: f64, ramp: f64) -> Self {
        if start == self.start {
            return Self { rate, ramp, ..*self };
        }
        let covered = self.covered_before(start);
        Self {
            start,
            beats: self.beats_at(start),
            rate,
            ramp,
            floor: covered,
            played: covered.max(self.played),
            slack: self.slack,
            residue: None,
            jump: false,
        }
    }

    /// Position of a sample in quarter notes.
    pub fn beats_at(&self, sample: i64) -> f64 {
        let n = (sample - self.start) as f64;
        // The integral of a tempo that changes linearly: beats + rate·n + ramp·n²/2.
        self.beats + n * (self.rate + 0.5 * self.ramp * n)
    }

    /// Quarter notes per sample at a sample.
    pub fn rate_at(&self, sample: i64) -> f64 {
        self.rate + self.ramp * (sample - self.start) as f64
    }

    /// The first sample at or after a position, not looking at where the epoch starts.
    pub fn sample_of(&self, beats: f64) -> i64 {
        let distance = beats - self.beats;
        let (n, rate) = if self.ramp == 0.0 {
            (distance / self.rate, self.rate)
        } else {
            // Root of ramp/2·n² + rate·n − distance = 0 in the form that stays accurate for small ramps.
            let root = self.rate * self.rate + 2.0 * self.ramp * distance;
            if root <= 0.0 {
                return i64::MAX; // a falling tempo that never gets there
            }
            (2.0 * distance / (self.rate + root.sqrt()), root.sqrt())
        };
        let tolerance = ONSET_TOLERANCE + self.slack / rate;
        if !n.is_finite() || n.abs() > 9e15 {
            return if n > 0.0 { i64::MAX } else { i64::MIN };
        }
        self.start.saturating_add((n - tolerance).ceil() as i64)
    }

    /// The sample at which an onset plays in this epoch, or `None` if it does not: it sounded
    /// already, or lies before the start.
    pub fn onset(&self, beats: f64) -> Option<i64> {
        if beats <= self.played {
            return None;
        }
        let sample = self.sample_of(beats);
        if sample >= self.start {
            Some(sample)
        } else if beats > self.floor {
            Some(self.start)
        } else {
            None
        }
    }

    /// Onsets up to this position (beats, inclusive) play before `sample`.
    pub fn covered_before(&self, sample: i64) -> f64 {
        let last = sample - 1;
        self.beats_at(last) + ONSET_TOLERANCE * self.rate_at(last) + self.slack
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_120: f64 = 120.0 / (60.0 * 48_000.0);

    #[test]
    fn an_onset_plays_at_the_first_sample_at_or_after_its_time() {
        let e = Epoch::at(0, 0.0, RATE_120, 0.0);
        assert_eq!(e.onset(0.0), Some(0));
        assert_eq!(e.onset(1.0), Some(24_000));
        assert_eq!(e.onset(1.0 + 0.1 * RATE_120), Some(24_001));
        assert_eq!(e.onset(1.0 + 1e-7 * RATE_120), Some(24_000));
    }

    #[test]
    fn a_tempo_change_between_two_samples_loses_and_repeats_nothing() {
        // At any rates, the onsets between the last sample before the change and the first after
        // it belong to exactly one epoch.
        for (r1, r2) in [(1.0, 3.0), (3.0, 1.0), (1.0, 1.0 + 1e-9)] {
            let a = Epoch::at(0, 0.0, RATE_120 * r1, 0.0);
            let b = a.continued(1000, RATE_120 * r2, 0.0);
            for k in -300..300 {
                let beats = a.beats_at(1000) + f64::from(k) * 0.01 * RATE_120;
                let before = a.onset(beats).is_some_and(|n| n < 1000);
                let after = b.onset(beats).is_some();
                assert!(before != after, "ratio {r1}:{r2}, offset {k}");
            }
        }
    }

    #[test]
    fn a_ramp_reaches_each_beat_at_the_root_of_its_integral() {
        let ramp = RATE_120 / 480_000.0;
        let e = Epoch::at(77, 3.0, RATE_120, ramp);
        for n in [0i64, 1, 1000, 96_000, 480_000] {
            let beats = e.beats_at(77 + n);
            assert_eq!(e.sample_of(beats), 77 + n);
        }
    }

    #[test]
    fn two_hours_in_an_onset_is_as_exact_as_the_first() {
        let bpm = 137.0;
        let rate = bpm / (60.0 * 48_000.0);
        let e = Epoch::at(0, 0.0, rate, 0.0);
        for beat in (0..16_440i128).step_by(13) {
            // exact: ceil(beat · 48000 · 60 / 137)
            let exact = (beat * 2_880_000 + 136) / 137;
            assert_eq!(i128::from(e.onset(beat as f64).unwrap()), exact);
        }
    }
}
