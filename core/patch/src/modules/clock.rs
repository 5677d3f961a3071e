//! ClockSequencer: pulses of bars, beats, quavers and semiquavers, by the host's time or its own.

use crate::descriptor::{Descriptor, Kind, Param, Port, Role};
use crate::module::{Io, Module};

const BPM: usize = 0;
const BEATS: usize = 1;
const QUAVERS: usize = 2;

/// Indices of the names of `sync`.
const FREE: f32 = 1.0;
const SONG: f32 = 2.0;

/// So much of a sample before its sample a pulse may lie and still be on it: more than rounding.
const TOLERANCE: f64 = 1e-6;

/// `ClockSequencer`.
pub static CLOCK: Descriptor = Descriptor {
    name: "ClockSequencer",
    about: "Pulses of one sample, on the first sample at or after their time. A beat is a quarter note, a semiquaver half a \
            quaver; all are counted from the bar's first sample. With `sync: host` they follow the DAW's position and its \
            bars through loops, jumps and changes of meter, and stop when it does; with `sync: song` its position, in bars \
            of `beats_per_bar` from position 0 on. Where there is no host, or with `sync: free`, they run at `bpm` from \
            the first sample on.",
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
        Param::new(
            "beats_per_bar",
            Kind::Int { min: 1, max: 16, default: 4 },
            "",
            "quarter notes in a bar, where the host's bars do not count or it tells none",
        ),
        Param::new(
            "quavers_per_beat",
            Kind::Int { min: 1, max: 4, default: 2 },
            "",
            "2: eighths; 3: triplets",
        ),
        Param::new(
            "sync",
            Kind::Enum { names: &["host", "free", "song"], default: 0 },
            "",
            "whose time it follows",
        ),
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
    sync: f32,
    /// The clock's own time: where it was when the tempo was set, and samples since.
    anchor: f64,
    since: u64,
    step: f64,
    /// The sample before.
    before: Option<Before>,
    /// Bars are divided otherwise than when the place of the sample before was found.
    divided: bool,
}

/// Where bars are, in quarter notes.
#[derive(Clone, Copy, PartialEq)]
struct Bars {
    /// The first sample of some bar.
    line: f64,
    /// From one to the next.
    length: f64,
}

/// Where a sample is: in which bar, counted from the line, and in which semiquaver of that.
#[derive(Clone, Copy)]
struct Place {
    bar: f64,
    semiquaver: i64,
}

/// Where the sample before was.
#[derive(Clone, Copy)]
struct Before {
    quarters: f64,
    step: f64,
    bars: Bars,
    place: Place,
}

impl Clock {
    fn new() -> Self {
        Self {
            rate: 1.0,
            bpm: 120.0,
            beats: 4,
            quavers: 2,
            sync: 0.0,
            anchor: 0.0,
            since: 0,
            step: 0.0,
            before: None,
            divided: false,
        }
    }

    fn own(&self) -> f64 {
        self.anchor + self.since as f64 * self.step
    }

    /// The place of a position; `near` is the bar that it is likely in.
    #[inline]
    fn place(&self, quarters: f64, step: f64, bars: Bars, near: f64) -> Place {
        let from_line = quarters - bars.line + TOLERANCE * step;
        let in_near = from_line - near * bars.length;
        let (bar, within) = if in_near >= 0.0 && in_near < bars.length {
            (near, in_near)
        } else {
            let bar = libm::floor(from_line / bars.length);
            (bar, from_line - bar * bars.length)
        };
        let semiquavers = (2 * self.quavers) as f64;
        // Rounding must not take it out of its bar.
        let last = (bars.length * semiquavers - 1e-9) as i64;
        Place { bar, semiquaver: ((within * semiquavers) as i64).clamp(0, last) }
    }

    /// Where the sample before was, as bars are now: if time has jumped since, or just begun, it is taken to have been just
    /// before `quarters`.
    #[inline]
    fn last_place(&self, quarters: f64, step: f64, bars: Bars) -> Place {
        let Some(before) = self.before else { return self.place(quarters - step, step, bars, 0.0) };
        // A quarter of a sample is more than rounding, and less than a jump that anyone would make.
        if (before.quarters + before.step - quarters).abs() > 0.25 * before.step {
            return self.place(quarters - step, step, bars, before.place.bar);
        }
        // Not found anew where it need not be: rounding must not take it across a border.
        if before.bars == bars && !self.divided {
            return before.place;
        }
        self.place(before.quarters, before.step, bars, before.place.bar)
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
            QUAVERS => (self.quavers, self.divided) = (value as i64, true),
            _ => self.sync = value,
        }
    }

    fn process(&mut self, io: &mut Io<'_>) {
        let own = Bars { line: 0.0, length: self.beats as f64 };
        let host = if self.sync == FREE { None } else { io.host() };
        let (quarters, step, bars, runs) = match host {
            Some(host) if self.sync == SONG => (host.quarters, host.step, own, host.playing),
            Some(host) => {
                let length = if host.meter > 0.0 { host.meter } else { own.length };
                (host.quarters, host.step, Bars { line: host.bar, length }, host.playing)
            }
            None => (self.own(), self.step, own, true),
        };
        self.since += 1;
        let mut pulses = [false; 4];
        if runs {
            let last = self.last_place(quarters, step, bars);
            let place = self.place(quarters, step, bars, last.bar);
            self.divided = false;
            let per_beat = 2 * self.quavers;
            let passes = |length: i64| place.semiquaver / length > last.semiquaver / length;
            if place.bar > last.bar {
                pulses = [true; 4];
            } else if place.bar == last.bar && place.semiquaver > last.semiquaver {
                pulses = [false, passes(per_beat), passes(2), true];
            }
            self.before = Some(Before { quarters, step, bars, place });
        } else {
            self.before = None;
        }
        for (port, pulse) in pulses.into_iter().enumerate() {
            io.set(port, f32::from(u8::from(pulse)));
        }
    }
}
