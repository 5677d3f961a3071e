//! Meters: peak and RMS with the ballistics of a programme meter, counted in samples, so that they do not
//! depend on the size of blocks.

use super::{METERS, Telemetry};
use crate::limits::{BUSES, NONE};
use std::sync::atomic::{AtomicU32, Ordering};

/// A peak falls by 20 dB in this many seconds (IEC 60268-10, type I).
const PEAK_FALL: f32 = 1.7;
/// Time constant of the RMS in seconds.
const RMS_TIME: f32 = 0.3;
/// What lies below −120 dB is shown as silence.
const FLOOR: f32 = 1e-6;

/// A level, linear: 1 is full scale.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Level {
    /// Highest sample of late, falling by 20 dB in 1.7 s.
    pub peak: f32,
    /// Root of the mean square over about 0.3 s.
    pub rms: f32,
}

/// A level as the audio thread publishes it: the bits of two `f32`.
#[derive(Debug, Default)]
pub(super) struct Meter {
    peak: AtomicU32,
    rms: AtomicU32,
}

impl Meter {
    pub fn level(&self) -> Level {
        Level {
            peak: f32::from_bits(self.peak.load(Ordering::Relaxed)),
            rms: f32::from_bits(self.rms.load(Ordering::Relaxed)),
        }
    }

    fn show(&self, level: Level) {
        self.peak.store(level.peak.to_bits(), Ordering::Relaxed);
        self.rms.store(level.rms.to_bits(), Ordering::Relaxed);
    }
}

/// What one meter has seen of a block, and where it stands.
#[derive(Clone, Copy, Default)]
struct Needle {
    /// Highest sample of the block so far.
    peak: f32,
    /// Sum of squares of the block so far, per channel.
    squares: f32,
    /// Falling peak and mean square up to the block before.
    shown: [f32; 2],
}

impl Needle {
    fn add(&mut self, samples: &[f32], share: f32) {
        let (peak, squares) = measure(samples);
        self.peak = self.peak.max(peak);
        self.squares += squares * share;
    }

    /// The block is over.
    fn settle(&mut self, frames: f32, fall: f32, follow: f32) -> Level {
        let [peak, square] = &mut self.shown;
        *peak = self.peak.max(*peak * fall);
        *square += (self.squares / frames - *square) * follow;
        if *peak < FLOOR {
            *peak = 0.0;
        }
        if *square < FLOOR * FLOOR {
            *square = 0.0;
        }
        let level = Level { peak: *peak, rms: square.sqrt() };
        (self.peak, self.squares) = (0.0, 0.0);
        level
    }
}

/// How much a needle falls, and how far it follows, in a block of that length.
fn ballistics(frames: usize, rate: f64) -> (f32, f32) {
    let seconds = frames as f32 / rate as f32;
    let fall = (-seconds * (10.0f32.ln() / PEAK_FALL)).exp();
    (fall, -(-seconds / RMS_TIME).exp_m1())
}

/// The audio thread's side of the nodes' meters. Everything is allocated beforehand.
pub(crate) struct Levels {
    /// Somebody watches: measured once per block.
    pub on: bool,
    needles: Box<[Needle]>,
    /// Meters from here on have never moved since somebody watches.
    used: usize,
}

impl Levels {
    pub fn new() -> Self {
        Self { on: false, needles: vec![Needle::default(); METERS].into(), used: 0 }
    }

    /// A block begins. Whoever begins to watch sees nothing of old.
    pub fn begin(&mut self, watched: bool, telemetry: &Telemetry) {
        if watched && !self.on {
            self.needles.fill(Needle::default());
            self.used = 0;
            telemetry.nodes.iter().for_each(|meter| meter.show(Level::default()));
        }
        self.on = watched;
    }

    /// A stretch of a node's channels.
    #[inline]
    pub fn add<'a>(&mut self, meter: u32, channels: impl ExactSizeIterator<Item = &'a [f32]>) {
        if !self.on || meter == NONE {
            return;
        }
        let Some(needle) = self.needles.get_mut(meter as usize) else { return };
        self.used = self.used.max(meter as usize + 1);
        let share = 1.0 / channels.len().max(1) as f32;
        channels.for_each(|channel| needle.add(channel, share));
    }

    /// The block of `frames` is over.
    pub fn publish(&mut self, frames: usize, rate: f64, telemetry: &Telemetry) {
        if !self.on || frames == 0 {
            return;
        }
        let (fall, follow) = ballistics(frames, rate);
        for (needle, meter) in self.needles[..self.used].iter_mut().zip(&telemetry.nodes) {
            meter.show(needle.settle(frames as f32, fall, follow));
        }
    }
}

/// The audio thread's side of the output's meters.
#[derive(Default)]
pub(crate) struct OutputLevels {
    on: bool,
    needles: [[Needle; 2]; BUSES],
}

impl OutputLevels {
    /// A whole block as it goes to the host, bus by bus.
    pub fn publish<'a>(
        &mut self,
        buses: impl Iterator<Item = [&'a [f32]; 2]>,
        frames: usize,
        rate: f64,
        telemetry: &Telemetry,
    ) {
        let watched = telemetry.is_watched();
        if watched && !self.on {
            self.needles = Default::default();
        }
        self.on = watched;
        if !watched || frames == 0 {
            return;
        }
        let (fall, follow) = ballistics(frames, rate);
        for ((needles, meters), sides) in self.needles.iter_mut().zip(&telemetry.buses).zip(buses) {
            for ((needle, meter), side) in needles.iter_mut().zip(meters).zip(sides) {
                needle.add(side, 1.0);
                meter.show(needle.settle(frames as f32, fall, follow));
            }
        }
    }
}

/// Highest magnitude, and sum of squares. In eight lanes, so that it runs as fast as memory.
fn measure(samples: &[f32]) -> (f32, f32) {
    let (mut peaks, mut squares) = ([0.0f32; 8], [0.0f32; 8]);
    let eights = samples.chunks_exact(8);
    let rest = eights.remainder();
    for eight in eights {
        for lane in 0..8 {
            let x = eight[lane].abs();
            peaks[lane] = if x > peaks[lane] { x } else { peaks[lane] };
            squares[lane] += x * x;
        }
    }
    for (lane, x) in rest.iter().enumerate() {
        peaks[lane] = peaks[lane].max(x.abs());
        squares[lane] += x * x;
    }
    (peaks.into_iter().fold(0.0, f32::max), squares.into_iter().sum())
}
