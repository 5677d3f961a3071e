//! The atomics that the audio thread, the control thread and the host's main thread share.

use crate::limits::MACROS;
use crate::telemetry::Telemetry;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// Where the clock stands, as last published by the audio thread.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Position {
    /// Position in cycles at the end of the last block.
    pub cycles: f64,
    /// The same in quarter notes.
    pub beats: f64,
    /// Length of the host's bar in cycles.
    pub bar_cycles: f64,
    /// A bar line of the host, in cycles.
    pub bar_start: f64,
    /// Bars of the host before it.
    pub bar_count: f64,
    /// A cycle is a bar of the host.
    pub host_meter: bool,
    /// Quarter notes per cycle.
    pub beats_per_cycle: f64,
    /// Quarter notes for which time has moved in all: jumps and loops skip and repeat none of them.
    pub moved: f64,
    /// Tempo in beats per minute.
    pub tempo: f64,
    /// The clock moves (host playing, or free run).
    pub running: bool,
    /// The clock that moves is our own.
    pub free_run: bool,
}

/// Shared by one instance's threads; never locked.
#[derive(Debug, Default)]
pub struct Link {
    submitted: AtomicU64,
    settled: AtomicU64,
    cycles: AtomicU64,
    beats: AtomicU64,
    bar_cycles: AtomicU64,
    bar_count: AtomicU64,
    host_meter: AtomicBool,
    bar_start: AtomicU64,
    beats_per_cycle: AtomicU64,
    moved: AtomicU64,
    tempo: AtomicU64,
    running: AtomicBool,
    free_run: AtomicBool,
    blocks: AtomicU64,
    rendered: AtomicU64,
    offline_timeouts: AtomicU64,
    /// Messages of the audio thread that the control thread has answered with a plan.
    heeded: AtomicU64,
    /// Numbers of the scenes there are, a bit each.
    scenes: [AtomicU64; 2],
    version: AtomicU64,
    macros: MacroValues,
    telemetry: Telemetry,
}

/// Where the host's macros stand, without modulation, as the bits of an `f32`.
#[derive(Debug)]
struct MacroValues([AtomicU32; MACROS]);

impl Default for MacroValues {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU32::new(0)))
    }
}

impl Position {
    /// The same moment under another meter: quarter notes per cycle, or the host's bars as cycles.
    pub fn under(self, beats_per_cycle: f64, host_meter: bool) -> Self {
        let bar_beats = self.bar_cycles * self.beats_per_cycle;
        // A bar line in quarter notes.
        let line = self.beats + (self.bar_start - self.cycles) * self.beats_per_cycle;
        if host_meter == self.host_meter && (host_meter || beats_per_cycle == self.beats_per_cycle) {
            self
        } else if host_meter && bar_beats > 0.0 {
            Self {
                cycles: self.bar_count + (self.beats - line) / bar_beats,
                bar_start: self.bar_count,
                bar_cycles: 1.0,
                beats_per_cycle: bar_beats,
                host_meter,
                ..self
            }
        } else {
            Self {
                cycles: self.beats / beats_per_cycle,
                bar_start: line / beats_per_cycle,
                bar_cycles: bar_beats / beats_per_cycle,
                beats_per_cycle,
                host_meter,
                ..self
            }
        }
    }
}

impl Link {
    /// Counts a command before it is queued for the control thread.
    pub fn submitted(&self) -> u64 {
        self.submitted.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// How many commands were ever queued.
    pub fn submitted_count(&self) -> u64 {
        self.submitted.load(Ordering::Acquire)
    }

    /// The control thread has handled the first `count` commands and sent audio what follows from them.
    pub fn settled(&self, count: u64) {
        self.settled.store(count, Ordering::Release);
    }

    /// How many commands have been handled to the end.
    pub fn settled_count(&self) -> u64 {
        self.settled.load(Ordering::Acquire)
    }

    /// The control thread has answered that many messages of the audio thread that asked for a plan.
    pub(crate) fn publish_heeded(&self, count: u64) {
        self.heeded.store(count, Ordering::Release);
    }

    /// How many there were.
    pub(crate) fn heeded(&self) -> u64 {
        self.heeded.load(Ordering::Acquire)
    }

    /// Blocks processed so far: tells the control side whether the host calls `process` at all.
    pub fn blocks(&self) -> u64 {
        self.blocks.load(Ordering::Acquire)
    }

    /// Samples rendered so far, also while time stands.
    pub fn rendered(&self) -> u64 {
        self.rendered.load(Ordering::Acquire)
    }

    /// Called by the audio thread at the end of each block: it has so many samples.
    pub(crate) fn count_rendered(&self, frames: usize) {
        self.rendered.fetch_add(frames as u64, Ordering::AcqRel);
    }

    /// These are the numbers of all scenes.
    pub(crate) fn publish_scenes(&self, numbers: impl Iterator<Item = u8>) {
        let all = numbers.fold(0_u128, |all, number| all | 1 << (number & 127));
        self.scenes[0].store(all as u64, Ordering::Release);
        self.scenes[1].store((all >> 64) as u64, Ordering::Release);
    }

    /// Is there a scene of that number?
    pub(crate) fn has_scene(&self, number: u8) -> bool {
        let bits = self.scenes[usize::from(number >> 6 & 1)].load(Ordering::Acquire);
        bits & 1 << (number & 63) != 0
    }

    /// Offline blocks that went on although edits were still due.
    pub fn offline_timeouts(&self) -> u64 {
        self.offline_timeouts.load(Ordering::Relaxed)
    }

    pub(crate) fn count_offline_timeout(&self) {
        self.offline_timeouts.fetch_add(1, Ordering::Relaxed);
    }

    /// Called by the audio thread at the end of each block; readers retry while it writes.
    pub(crate) fn publish(&self, p: Position) {
        let v = self.version.load(Ordering::Relaxed);
        self.version.store(v.wrapping_add(1), Ordering::Release);
        std::sync::atomic::fence(Ordering::Release);
        self.cycles.store(p.cycles.to_bits(), Ordering::Relaxed);
        self.beats.store(p.beats.to_bits(), Ordering::Relaxed);
        self.bar_count.store(p.bar_count.to_bits(), Ordering::Relaxed);
        self.host_meter.store(p.host_meter, Ordering::Relaxed);
        self.bar_cycles.store(p.bar_cycles.to_bits(), Ordering::Relaxed);
        self.bar_start.store(p.bar_start.to_bits(), Ordering::Relaxed);
        self.beats_per_cycle.store(p.beats_per_cycle.to_bits(), Ordering::Relaxed);
        self.moved.store(p.moved.to_bits(), Ordering::Relaxed);
        self.tempo.store(p.tempo.to_bits(), Ordering::Relaxed);
        self.running.store(p.running, Ordering::Relaxed);
        self.free_run.store(p.free_run, Ordering::Relaxed);
        self.version.store(v.wrapping_add(2), Ordering::Release);
        self.blocks.fetch_add(1, Ordering::AcqRel);
    }

    /// Called by the audio thread at the end of each block.
    pub(crate) fn publish_macros(&self, value: impl Fn(u8) -> f32) {
        for (number, place) in self.macros.0.iter().enumerate() {
            place.store(value(number as u8).to_bits(), Ordering::Relaxed);
        }
    }

    /// Where a macro of the host, counted from 0, stood at the end of the last block, 0…1, without modulation.
    pub fn macro_value(&self, index: u8) -> f32 {
        self.macros.0.get(usize::from(index)).map_or(0.0, |v| f32::from_bits(v.load(Ordering::Relaxed)))
    }

    /// Nobody calls `process`: the clock stands. Called by the control side, only then.
    pub(crate) fn publish_standstill(&self) {
        self.running.store(false, Ordering::Release);
    }

    /// What can be seen of the audio thread while somebody watches.
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Has the audio thread measure until the returned [`Watch`] is dropped. Not for the audio thread: may
    /// sleep for up to 10 ms.
    pub fn watch(self: &Arc<Self>) -> Watch {
        self.telemetry.begin_watching();
        Watch(self.clone())
    }

    /// The position of one block, never a mix of two.
    pub fn position(&self) -> Position {
        loop {
            let before = self.version.load(Ordering::Acquire);
            let p = Position {
                cycles: f64::from_bits(self.cycles.load(Ordering::Relaxed)),
                beats: f64::from_bits(self.beats.load(Ordering::Relaxed)),
                bar_count: f64::from_bits(self.bar_count.load(Ordering::Relaxed)),
                host_meter: self.host_meter.load(Ordering::Relaxed),
                bar_cycles: f64::from_bits(self.bar_cycles.load(Ordering::Relaxed)),
                bar_start: f64::from_bits(self.bar_start.load(Ordering::Relaxed)),
                beats_per_cycle: f64::from_bits(self.beats_per_cycle.load(Ordering::Relaxed)),
                moved: f64::from_bits(self.moved.load(Ordering::Relaxed)),
                tempo: f64::from_bits(self.tempo.load(Ordering::Relaxed)),
                running: self.running.load(Ordering::Relaxed),
                free_run: self.free_run.load(Ordering::Relaxed),
            };
            std::sync::atomic::fence(Ordering::Acquire);
            if before.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == before {
                return p;
            }
            std::hint::spin_loop();
        }
    }
}

/// While one of these lives, the audio thread fills the [`Telemetry`].
#[derive(Debug)]
pub struct Watch(Arc<Link>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.telemetry.end_watching();
    }
}
