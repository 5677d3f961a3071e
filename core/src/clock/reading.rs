//! What a report says about the position, and how finely.

use super::{Clock, HostTransport, Mode};

/// Coarse hosts give multiples of 1/1920 beat (Ardour), rounded down, up or to the nearest.
const GRID: f64 = 1920.0;
/// Closer than this to the grid, in its steps, is on it: fixed-point numbers are off by less.
const ON_GRID: f64 = 1e-5;
/// Seconds that are off by more than this are another place, in seconds.
const SAME_PLACE: f64 = 0.010;

/// A position in quarter notes and how far the host's true one may lie from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reading {
    pub beats: f64,
    pub grain: f64,
}

impl Reading {
    /// The position nearest to `ours` that the reading allows.
    pub fn nearest(&self, ours: f64) -> f64 {
        ours.clamp(self.beats - self.grain, self.beats + self.grain)
    }
}

/// Beyond this, in quarter notes, sample and pattern arithmetic is not exact.
pub(super) fn believable(x: Option<f64>) -> Option<f64> {
    x.filter(|v| v.is_finite() && v.abs() < 1e9)
}

impl Clock {
    /// Position by beats; where the host has none, by seconds or samples from where it was.
    pub(super) fn read(&mut self, t: &HostTransport, bpm: f64) -> Option<Reading> {
        let seconds = believable(t.samples.map(|n| n as f64 / self.sample_rate).or(t.seconds));
        let absolute = seconds.map(|s| s * bpm / 60.0);
        let Some(beats) = believable(t.beats) else {
            let absolute = absolute?;
            if self.mode == Mode::Host
                && let Some(off) = self.off_by_samples(t)
                && off.abs() < SAME_PLACE * self.sample_rate
            {
                // After a tempo change seconds × tempo is another position; the distance is not.
                let ours = self.epoch.beats_at(self.now);
                return Some(Reading { beats: ours + off * self.epoch.rate_at(self.now), grain: 0.0 });
            }
            return Some(Reading { beats: absolute, grain: 0.0 });
        };
        let steps = beats * GRID;
        self.fine |= (steps - steps.round()).abs() > ON_GRID;
        if self.fine {
            return Some(Reading { beats, grain: 0.0 });
        }
        let step = 1.0 / GRID;
        // While the tempo was the same from the song's start, the seconds say what the beats round;
        // samples are rounded themselves.
        let half = 0.5 * self.rate_of(bpm);
        Some(match absolute.map(|a| (a, (a - beats).abs())) {
            Some((_, off)) if off <= half * (1.0 + ON_GRID) => Reading { beats, grain: half },
            Some((seconds, off)) if off <= step => Reading { beats: seconds, grain: 0.0 },
            _ => Reading { beats, grain: step },
        })
    }

    /// By how many samples the host moved further than time did since the anchor, by the finest
    /// clock that it has beside beats.
    pub(super) fn off_by_samples(&self, t: &HostTransport) -> Option<f64> {
        if let (Some((since, then)), Some(now)) = (self.samples, t.samples) {
            return Some((now.saturating_sub(then)).saturating_sub(self.now - since) as f64);
        }
        let ((since, then), now) = (self.seconds?, believable(t.seconds)?);
        Some((now - then) * self.sample_rate - (self.now - since) as f64)
    }

    /// What the host would say at the next sample, going by its last report.
    pub(super) fn host_by_now(&self) -> HostTransport {
        let (since, mut t) = self.heard;
        if !t.playing || since == self.now {
            return t;
        }
        let n = (self.now - since) as f64;
        let bpm = t.tempo.unwrap_or(self.tempo.1);
        let moved = n * self.rate_of(bpm + 0.5 * t.tempo_inc * n);
        t.beats = t.beats.map(|b| b + moved);
        t.seconds = t.seconds.map(|s| s + n / self.sample_rate);
        t.samples = t.samples.map(|s| s.saturating_add(self.now - since));
        t.tempo = t.tempo.map(|bpm| bpm + t.tempo_inc * n);
        if let (Some(beats), Some((start, end))) = (t.beats, t.loop_range)
            && start < end
            && beats >= end
            && beats - moved < end
        {
            t.beats = Some(start + (beats - end) % (end - start));
            (t.seconds, t.samples) = (None, None);
        }
        t
    }
}
