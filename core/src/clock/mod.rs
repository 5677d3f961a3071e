//! The host's transport, cut into stretches of contiguous musical time.
//!
//! Between anchors (start, jump, tempo change) position = anchor + whole samples × rate; what the
//! host says in between is only compared. A wrap of the loop inside a block is predicted and
//! confirmed by the next block.
//!
//! | question | file |
//! |---|---|
//! | where in a contiguous stretch is a sample, and which sample plays an onset? | `epoch` |
//! | what does the host say, and how finely? | `host`, `reading` |
//! | what does a report change? | `reports` |
//! | is it a jump, and what plays where it lands? | `landing` |
//! | where are the bars? | `bars` |
//! | how do small differences go away? | `drift` |

mod bars;
mod drift;
mod epoch;
mod host;
mod landing;
mod reading;
mod reports;

pub use bars::Bars;
pub use epoch::{Epoch, ONSET_TOLERANCE, Residue};
pub use host::{HostTransport, TransportAt};

use bars::Numbering;
use drift::Drift;

/// Who moves the position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nobody.
    Stopped,
    /// The host's transport.
    Host,
    /// Our own clock.
    Free,
}

/// A stretch of a block in which time is contiguous (or stands still).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// First sample, counted since activation.
    pub start: i64,
    /// One past the last sample.
    pub end: i64,
    /// Who moves the position.
    pub mode: Mode,
    /// Time within, if it moves.
    pub epoch: Epoch,
    /// This segment is the first of its epoch.
    pub first: bool,
    /// The mode changed from running to stopped at `start`.
    pub stopped: bool,
    /// A loop wrapped at `start`: the position (beats) at which the old pass ended.
    pub wrapped_at: Option<f64>,
}

/// What the session says about time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockSettings {
    /// Tempo of the own clock and of hosts that give none, in bpm.
    pub free_bpm: f64,
    /// Run while the host does not.
    pub free_run: bool,
    /// The host is not the clock at all.
    pub internal: bool,
}

impl Default for ClockSettings {
    fn default() -> Self {
        Self { free_bpm: 120.0, free_run: false, internal: false }
    }
}

/// The loop as the host announced it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Loop {
    /// Range in quarter notes.
    start: f64,
    end: f64,
    /// First sample at which the range was in force: an end that was passed before does not wrap.
    since: i64,
}

/// Turns transport reports into [`Segment`]s. One per instance, on the audio thread.
#[derive(Clone, Debug)]
pub struct Clock {
    sample_rate: f64,
    settings: ClockSettings,
    now: i64,
    block_start: i64,
    block_end: i64,
    next_report: usize,
    /// First sample at which the host may say something else.
    horizon: i64,
    mode: Mode,
    epoch: Epoch,
    first: bool,
    stopped: bool,
    wrapped_at: Option<f64>,
    /// Tempo in bpm at the sample, change per sample, as the host last announced it.
    tempo: (i64, f64, f64),
    /// (sample, seconds) and (sample, samples) of the host, from which its time goes on evenly.
    seconds: Option<(i64, f64)>,
    samples: Option<(i64, i64)>,
    looping: Option<Loop>,
    /// A wrap was predicted and the host has not said yet whether it happened.
    unconfirmed: bool,
    drift: Drift,
    /// The last report of a host that gives beats but no tempo: (sample, beats).
    untimed: Option<(i64, f64)>,
    /// The host gives neither tempo nor beats: the tempo is our own.
    own_tempo: bool,
    /// Our own tempo is on a line to another.
    drawn: bool,
    /// A position off the grid of coarse hosts was seen: this one is exact.
    fine: bool,
    /// The last report and its sample.
    heard: (i64, HostTransport),
    bars: Bars,
    /// The host has told its meter.
    has_meter: bool,
    numbering: Numbering,
}

impl Clock {
    /// A clock that stands at 0.
    pub fn new(sample_rate: f64, settings: ClockSettings) -> Self {
        let rate = settings.free_bpm / (60.0 * sample_rate);
        Self {
            sample_rate,
            settings,
            now: 0,
            block_start: 0,
            block_end: 0,
            next_report: 0,
            horizon: 0,
            mode: Mode::Stopped,
            epoch: Epoch::at(0, 0.0, rate, 0.0),
            first: false,
            stopped: false,
            wrapped_at: None,
            tempo: (0, settings.free_bpm, 0.0),
            seconds: None,
            samples: None,
            looping: None,
            unconfirmed: false,
            drift: Drift::default(),
            untimed: None,
            own_tempo: false,
            drawn: false,
            fine: false,
            heard: (0, HostTransport::default()),
            bars: Bars::of(4.0),
            has_meter: false,
            numbering: Numbering::default(),
        }
    }

    /// Samples since activation.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// Who moves the position.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Position in quarter notes at the next sample.
    pub fn beats(&self) -> f64 {
        match self.mode {
            Mode::Stopped => self.epoch.beats,
            _ => self.epoch.beats_at(self.now),
        }
    }

    /// Tempo in bpm at the next sample.
    pub fn bpm(&self) -> f64 {
        match self.mode {
            Mode::Stopped => self.tempo.1,
            _ => self.epoch.rate_at(self.now) * 60.0 * self.sample_rate,
        }
    }

    /// Length of the host's bar in quarter notes.
    pub fn bar_beats(&self) -> f64 {
        self.bars.length
    }

    /// The host's bars.
    pub fn bars(&self) -> Bars {
        self.bars
    }

    /// Has the host told its meter?
    pub fn has_meter(&self) -> bool {
        self.has_meter
    }

    /// The settings in force.
    pub fn settings(&self) -> ClockSettings {
        self.settings
    }

    /// Changes the settings from the next sample on; the position goes on where it can.
    pub fn set(&mut self, settings: ClockSettings) {
        let before = std::mem::replace(&mut self.settings, settings);
        let drawn = std::mem::take(&mut self.drawn);
        if (settings.free_bpm != before.free_bpm || drawn)
            && (self.mode == Mode::Free || self.mode == Mode::Host && self.own_tempo)
        {
            self.tempo = (self.now, settings.free_bpm, 0.0);
            let next = self.epoch.continued(self.now, self.rate_of(settings.free_bpm), 0.0);
            self.begin(next, self.mode);
        }
        if (settings.free_run, settings.internal) != (before.free_run, before.internal) {
            // Whose turn it is must not depend on when the next block begins.
            let now = self.host_by_now();
            self.report(&now);
        }
    }

    /// Our own tempo, if it counts, goes on a straight line to `bpm` over so many quarter notes, and beyond: whoever
    /// draws it sets `bpm` there.
    pub fn draw_tempo(&mut self, bpm: f64, beats: f64) {
        if self.mode == Mode::Free || self.mode == Mode::Host && self.own_tempo {
            let (from, to) = (self.epoch.rate_at(self.now), self.rate_of(bpm));
            // Over n samples a rate that changes evenly moves (from + to)/2 · n.
            let ramp = (to * to - from * from) / (2.0 * beats);
            self.tempo = (self.now, self.bpm(), ramp * 60.0 * self.sample_rate);
            let next = self.epoch.continued(self.now, from, ramp);
            self.begin(next, self.mode);
            self.drawn = true;
        }
    }

    /// Is our own tempo on a line?
    pub fn draws_tempo(&self) -> bool {
        self.drawn
    }

    /// Begins a block of that many frames.
    pub fn begin_block(&mut self, frames: usize) {
        self.block_start = self.now;
        self.block_end = self.now + frames as i64;
        self.next_report = 0;
    }

    /// The next stretch of the block, `None` at its end. `reports` is the same slice throughout the
    /// block, sorted by offset; empty if the host gives no transport.
    pub fn next_segment(&mut self, reports: &[TransportAt]) -> Option<Segment> {
        if self.now >= self.block_end {
            return None;
        }
        if reports.is_empty() && self.next_report == 0 {
            self.next_report = 1;
            self.report(&HostTransport::default());
        }
        // Of several reports for one sample the last one counts.
        let mut latest = None;
        while let Some(r) = reports.get(self.next_report) {
            if self.block_start + i64::from(r.offset) > self.now {
                break;
            }
            self.next_report += 1;
            latest = Some(&r.transport);
        }
        let next = reports.get(self.next_report).map(|r| self.block_start + i64::from(r.offset));
        self.horizon = next.map_or(self.block_end, |next| next.min(self.block_end));
        if let Some(transport) = latest {
            self.report(transport);
        }
        if self.wrap_is_due() {
            self.wrap();
        }
        let mut end = self.horizon;
        if let Some(at) = self.next_wrap() {
            end = end.min(at);
        }
        let segment = Segment {
            start: self.now,
            end,
            mode: self.mode,
            epoch: self.epoch,
            first: std::mem::take(&mut self.first),
            stopped: std::mem::take(&mut self.stopped),
            wrapped_at: self.wrapped_at.take(),
        };
        self.now = end;
        Some(segment)
    }

    /// Gives the rest of the last segment back, from `sample` on: the next segment begins there.
    pub fn give_back(&mut self, sample: i64) {
        debug_assert!(sample <= self.now && sample >= self.block_start);
        self.now = sample;
    }

    fn rate_of(&self, bpm: f64) -> f64 {
        bpm / (60.0 * self.sample_rate)
    }

    fn begin(&mut self, epoch: Epoch, mode: Mode) {
        self.epoch = epoch;
        self.mode = mode;
        self.first = true;
    }

    // --- loops -----------------------------------------------------------------------------------

    /// The sample at which the loop's end is reached, if this epoch runs towards it.
    fn next_wrap(&self) -> Option<i64> {
        let Loop { end, since, .. } = self.looping?;
        if self.mode != Mode::Host || self.epoch.beats >= end {
            return None;
        }
        Some(self.epoch.sample_of(end)).filter(|&at| at > self.epoch.start && at >= since)
    }

    fn wrap_is_due(&self) -> bool {
        self.next_wrap().is_some_and(|at| at <= self.now)
    }

    /// Where a wrap at the next sample lands, in beats: the overshoot is kept.
    fn wrapped_beats(&self) -> f64 {
        let here = self.epoch.beats_at(self.now);
        self.looping.map_or(here, |l| l.start + (here - l.end).max(0.0) % (l.end - l.start))
    }

    fn wrap(&mut self) {
        let Some(Loop { start, end, .. }) = self.looping else { return };
        let rate = self.epoch.rate_at(self.now);
        let tolerance = ONSET_TOLERANCE * rate;
        let mut next = Epoch::at(self.now, self.wrapped_beats(), rate, self.epoch.ramp);
        next.slack = self.epoch.slack;
        next.played = start - tolerance;
        next.floor = start - tolerance;
        next.residue = self.residue();
        self.begin(next, Mode::Host);
        self.wrapped_at = Some(end);
        self.unconfirmed = true;
        self.seconds = None;
        self.samples = None;
        self.untimed = None;
        self.drift = Drift::from(self.now);
    }

    /// What of the loop's end lies between the last sample of the pass and the wrap.
    fn residue(&self) -> Option<Residue> {
        let Loop { start, end, .. } = self.looping?;
        let begin = self.epoch.covered_before(self.now).max(self.epoch.played);
        let end_of_pass = end - ONSET_TOLERANCE * self.epoch.rate_at(self.now);
        (begin < end_of_pass).then_some(Residue { begin, end: end_of_pass, length: end - start })
    }
}
