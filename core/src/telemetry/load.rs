//! How much of the time that a block lasts its making takes.

use super::{Telemetry, ticks};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Seconds of audio over which means and worst blocks are gathered; shown is this window and the one before.
const WINDOW: f64 = 1.0;

/// Time taken by blocks as a share of the time they last: 1 is all of it, and more is a dropout.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Load {
    /// Over the last one to two seconds of audio.
    pub mean: f32,
    /// The worst block of the last one to two seconds of audio.
    pub worst: f32,
    /// Blocks that took longer than they last, since somebody watches. Offline there are none: nobody waits for a
    /// block.
    pub overruns: u64,
}

/// A load as the audio thread publishes it.
#[derive(Debug, Default)]
pub(super) struct Shown {
    mean: AtomicU32,
    worst: AtomicU32,
    overruns: AtomicU64,
}

impl Shown {
    pub fn load(&self) -> Load {
        Load {
            mean: f32::from_bits(self.mean.load(Ordering::Relaxed)),
            worst: f32::from_bits(self.worst.load(Ordering::Relaxed)),
            overruns: self.overruns.load(Ordering::Relaxed),
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Window {
    busy: f64,
    lasted: f64,
    worst: f64,
}

/// The audio thread's side.
#[derive(Default)]
pub(crate) struct Stopwatch {
    on: bool,
    begun: Option<u64>,
    /// When the block began to wait, and ticks that it has waited.
    paused: Option<u64>,
    waited: u64,
    /// The block is rendered offline.
    offline: bool,
    now: Window,
    before: Window,
    overruns: u64,
}

impl Stopwatch {
    /// A block begins.
    pub fn begin(&mut self, watched: bool, offline: bool) {
        if watched && !self.on {
            *self = Self::default();
        }
        (self.on, self.offline, self.paused, self.waited) = (watched, offline, None, 0);
        self.begun = watched.then(ticks::now);
    }

    /// The block waits for the control thread, as offline blocks may: that time is not the block's work.
    pub fn pause(&mut self) {
        self.paused = self.on.then(ticks::now);
    }

    /// The block waits no longer.
    pub fn go_on(&mut self) {
        if let Some(paused) = self.paused.take() {
            self.waited += (ticks::now().wrapping_sub(paused) as i64).max(0) as u64;
        }
    }

    /// The block is over.
    pub fn end(&mut self, frames: usize, rate: f64, telemetry: &Telemetry) {
        let Some(begun) = self.begun.take() else { return };
        let per_second = telemetry.ticks_per_second();
        if frames == 0 || per_second <= 0.0 {
            return;
        }
        // A counter that another core has a little earlier must not give centuries.
        let ticks = (ticks::now().wrapping_sub(begun).wrapping_sub(self.waited) as i64).max(0);
        self.count(ticks as f64 / per_second, frames as f64 / rate);
        let shown = &telemetry.load;
        let (busy, lasted) = (self.now.busy + self.before.busy, self.now.lasted + self.before.lasted);
        shown.mean.store(((busy / lasted) as f32).to_bits(), Ordering::Relaxed);
        shown.worst.store((self.now.worst.max(self.before.worst) as f32).to_bits(), Ordering::Relaxed);
        shown.overruns.store(self.overruns, Ordering::Relaxed);
    }

    /// A block of `lasts` seconds took `busy` seconds.
    fn count(&mut self, busy: f64, lasts: f64) {
        if self.now.lasted >= WINDOW {
            self.before = std::mem::take(&mut self.now);
        }
        let share = busy / lasts;
        self.now.busy += busy;
        self.now.lasted += lasts;
        self.now.worst = self.now.worst.max(share);
        self.overruns += u64::from(share > 1.0 && !self.offline);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_block_is_remembered_for_one_to_two_seconds() {
        let mut watch = Stopwatch::default();
        let worst = |watch: &Stopwatch| watch.now.worst.max(watch.before.worst);
        watch.count(0.009, 0.01);
        let mut seconds = 0.0;
        while worst(&watch) > 0.5 {
            watch.count(0.001, 0.01);
            seconds += 0.01;
            assert!(seconds < 3.0);
        }
        assert!((1.0..=2.1).contains(&seconds), "{seconds}");
    }

    #[test]
    fn only_blocks_that_last_too_long_are_overruns() {
        let mut watch = Stopwatch::default();
        for busy in [0.001, 0.011, 0.0099] {
            watch.count(busy, 0.01);
        }
        assert_eq!(watch.overruns, 1);
    }
}
