//! What can be seen of the audio thread while it plays: levels of nodes and of the output, and how long
//! blocks take.
//!
//! The audio thread measures only while somebody watches ([`Link::watch`](crate::link::Link::watch)), and
//! then fills atomics that were there from the start. Levels fall by themselves like those of a meter, so
//! that reading takes nothing away and any number of readers see the same.

mod levels;
mod load;
mod ticks;

pub use levels::Level;
pub use load::Load;

pub(crate) use levels::{Levels, OutputLevels};
pub(crate) use load::Stopwatch;

use crate::bus::Bus;
use crate::limits::BUSES;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Nodes that have a meter at a time; more go without.
pub const METERS: usize = 512;

/// Shortest time over which the rate of the counter is measured.
const CALIBRATION: Duration = Duration::from_millis(10);

/// Atomics that the audio thread fills.
#[derive(Debug)]
pub struct Telemetry {
    watchers: AtomicU32,
    /// A moment by both clocks, from which the rate of the counter follows.
    anchor: (Instant, u64),
    /// Rate of the counter, as the bits of an `f64`; 0 until somebody watches.
    ticks_per_second: AtomicU64,
    nodes: Box<[levels::Meter]>,
    buses: [[levels::Meter; 2]; BUSES],
    load: load::Shown,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            watchers: AtomicU32::new(0),
            anchor: (Instant::now(), ticks::now()),
            ticks_per_second: AtomicU64::new(0),
            nodes: (0..METERS).map(|_| levels::Meter::default()).collect(),
            buses: Default::default(),
            load: load::Shown::default(),
        }
    }
}

impl Telemetry {
    /// Level of the node with that meter, over all its channels. Silence if there is no such meter.
    pub fn node(&self, meter: u32) -> Level {
        self.nodes.get(meter as usize).map(levels::Meter::level).unwrap_or_default()
    }

    /// Level of the main output, left and right, as it goes to the host.
    pub fn output(&self) -> [Level; 2] {
        self.bus(Bus::MAIN)
    }

    /// Level of an output, left and right, as it goes to the host. Silence for a stem that the host does not
    /// take.
    pub fn bus(&self, bus: Bus) -> [Level; 2] {
        self.buses[bus.index()].each_ref().map(levels::Meter::level)
    }

    /// How much of the time blocks take.
    pub fn load(&self) -> Load {
        self.load.load()
    }

    /// Is anybody watching?
    pub fn is_watched(&self) -> bool {
        self.watchers.load(Ordering::Relaxed) > 0
    }

    /// Counts a watcher. Not for the audio thread: may sleep for a moment to measure the counter's rate.
    pub(crate) fn begin_watching(&self) {
        let (then, ticks) = self.anchor;
        if let Some(wait) = CALIBRATION.checked_sub(then.elapsed()) {
            std::thread::sleep(wait);
        }
        let passed = ticks::now().wrapping_sub(ticks) as f64;
        let rate = passed / then.elapsed().as_secs_f64();
        self.ticks_per_second.store(rate.to_bits(), Ordering::Relaxed);
        self.watchers.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end_watching(&self) {
        self.watchers.fetch_sub(1, Ordering::Relaxed);
    }

    fn ticks_per_second(&self) -> f64 {
        f64::from_bits(self.ticks_per_second.load(Ordering::Relaxed))
    }
}
