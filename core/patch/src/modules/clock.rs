//! ClockSequencer: pulses of bars, beats, quavers and semiquavers, by the host's time or its own.

use crate::descriptor::{Descriptor, Kind, Param, Port, Role};
use crate::module::{Io, Module};

const BPM: usize = 0;
const BEATS: usize = 1;
const QUAVERS: usize = 2;

/// `ClockSequencer`.
pub static CLOCK: Descriptor = Descriptor {
    name: "ClockSequencer",
    about: "Pulses of one sample, on the first sample at or after their time. A beat is a quarter note, a semiquaver half a \
            quaver. With `sync: host` they follow the DAW's position through loops and jumps, and stop when it does; \
            where there is no host, or with `sync: free`, they run at `bpm` from the first sample on.",
    role: Role::Plain,
    inputs: &[],
    outputs: &[
        Port::new("bar", "1 on a bar's first sample"),
        Port::new("beat", "1 on a beat's first sample"),
        Port::new("quaver", "1 on a quaver's first sample"),
        Port::new("semiquaver", "1 on a semiquaver's first sample"),
    ],
    params: &[
        Param::new(
            "bpm",
            Kind::float(1.0, 300.0, 120.0),
            "1/min",
            "quarter notes per minute, if it runs free",
        ),
        Param::new("beats_per_bar", Kind::Int { min: 1, max: 16, default: 4 }, "", "quarter notes in a bar"),
        Param::new(
            "quavers_per_beat",
            Kind::Int { min: 1, max: 4, default: 2 },
            "",
            "2: eighths; 3: triplets",
        ),
        Param::new("sync", Kind::Enum { names: &["host", "free"], default: 0 }, "", "whose time it follows"),
    ],
    channels: None,
    length: None,
    build: |_| Box::new(Clock::new()),
};

struct Clock {
    rate: f64,
    bpm: f64,
    beats: i64,
    quavers: i64,
    free: bool,
    /// The clock's own time: where it was when the tempo was set, and samples since.
    anchor: f64,
    since: u64,
    step: f64,
    /// The sample before.
    before: Option<Before>,
}

/// Where the sample before was, in quarter notes.
#[derive(Clone, Copy)]
struct Before {
    quarters: f64,
    /// Where bars were counted from.
    bar: f64,
    step: f64,
    /// The semiquaver that it lay in, counted from there.
    semiquaver: i64,
}

impl Clock {
    fn new() -> Self {
        Self {
            rate: 1.0,
            bpm: 120.0,
            beats: 4,
            quavers: 2,
            free: false,
            anchor: 0.0,
            since: 0,
            step: 0.0,
            before: None,
        }
    }

    /// In which semiquaver the sample before lay, as bars are counted at `now`: if time has jumped since, or just
    /// begun, it is taken to have been just before `now`.
    #[inline]
    fn last_semiquaver(&self, now: Before) -> i64 {
        if let Some(before) = self.before {
            let moved = before.quarters + before.bar - now.bar;
            // A quarter of a sample is more than rounding, and less than a jump that anyone would make.
            if (moved + before.step - now.quarters).abs() <= 0.25 * before.step {
                // Not computed anew where it need not be: rounding must not take it across a border.
                return if before.bar == now.bar { before.semiquaver } else { self.semiquaver(moved) };
            }
        }
        self.semiquaver(now.quarters - now.step)
    }

    fn own(&self) -> f64 {
        self.anchor + self.since as f64 * self.step
    }

    /// In which semiquaver a position lies.
    #[inline]
    fn semiquaver(&self, quarters: f64) -> i64 {
        let semiquavers = quarters * (2 * self.quavers) as f64;
        let whole = semiquavers as i64;
        // The conversion goes towards 0.
        whole - i64::from(whole as f64 > semiquavers)
    }
}

impl Module for Clock {
    fn prepare(&mut self, sample_rate: f64) {
        self.rate = sample_rate;
        self.step = self.bpm / 60.0 / sample_rate;
        self.reset();
    }

    fn reset(&mut self) {
        (self.anchor, self.since, self.before) = (0.0, 0, None);
    }

    fn set(&mut self, param: usize, value: f32) {
        match param {
            BPM => {
                self.bpm = value.into();
                (self.anchor, self.since) = (self.own(), 0);
                self.step = self.bpm / 60.0 / self.rate;
            }
            BEATS => self.beats = value as i64,
            QUAVERS => {
                self.quavers = value as i64;
                if let Some(before) = self.before {
                    let semiquaver = self.semiquaver(before.quarters);
                    self.before = Some(Before { semiquaver, ..before });
                }
            }
            _ => self.free = value == 1.0,
        }
    }

    fn process(&mut self, io: &mut Io<'_>) {
        let host = if self.free { None } else { io.host() };
        let (quarters, bar, step, runs) = match host {
            Some(host) => (host.quarters, host.bar, host.step, host.playing),
            None => (self.own(), 0.0, self.step, true),
        };
        self.since += 1;
        let mut pulses = [false; 4];
        if runs {
            let index = self.semiquaver(quarters);
            let now = Before { quarters, bar, step, semiquaver: index };
            let last = self.last_semiquaver(now);
            if index > last {
                let per_beat = 2 * self.quavers;
                let passes = |length: i64| index.div_euclid(length) > last.div_euclid(length);
                pulses = [passes(per_beat * self.beats), passes(per_beat), passes(2), true];
            }
            self.before = Some(now);
        } else {
            self.before = None;
        }
        for (port, pulse) in pulses.into_iter().enumerate() {
            io.set(port, f32::from(u8::from(pulse)));
        }
    }
}
