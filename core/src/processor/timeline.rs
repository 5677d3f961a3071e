//! Where time is: the clock, the cycles that it counts, and what a jump or another meter leaves to be done.

use crate::automation::GRID;
use crate::clock::{Bars, Clock, ClockSettings, Epoch, Mode, Segment};
use crate::link::Position;

/// Cycles that lie between the meter before and the one after it, and the sample on which they play.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct MeterChange {
    /// The sample.
    pub at: i64,
    /// From here, in cycles.
    pub begin: f64,
    /// Up to here.
    pub end: f64,
}

/// Time as the renderer follows it.
pub(super) struct Timeline {
    pub clock: Clock,
    /// The session's own setting; the host's parameter adds to it.
    own_free_run: bool,
    host_free_run: bool,
    /// The cycles; the host's bars if `host_meter`.
    pub meter: Bars,
    host_meter: bool,
    /// Time jumped or stopped and the gates have not been closed yet.
    pub discontinuity: bool,
    /// What another meter brings earlier.
    pub meter_change: Option<MeterChange>,
    /// Onsets up to here, in cycles, have sounded under the meter before.
    pub sounded: f64,
    /// Time moved up to here.
    was_running: bool,
    /// Quarter notes that jumps have skipped, those that they repeat taken off.
    pub skipped: f64,
    /// The last stretch of time, and whether time moved in it.
    last: (Epoch, bool),
    /// The sample from which the grid of automations and curves counts.
    pub grid_anchor: i64,
}

impl Timeline {
    /// Stands at 0, where time has moved for `moved` quarter notes. `beats_per_cycle` counts unless a cycle is a bar of
    /// the host.
    pub fn new(
        sample_rate: f64,
        clock: ClockSettings,
        beats_per_cycle: f64,
        host_meter: bool,
        moved: f64,
    ) -> Self {
        Self {
            clock: Clock::new(sample_rate, clock),
            own_free_run: clock.free_run,
            host_free_run: false,
            meter: Bars::of(beats_per_cycle),
            host_meter,
            discontinuity: false,
            meter_change: None,
            sounded: f64::NEG_INFINITY,
            was_running: false,
            skipped: -moved,
            last: (Epoch::at(0, 0.0, 0.0, 0.0), false),
            grid_anchor: 0,
        }
    }

    /// Where the clock stands.
    pub fn position(&self) -> Position {
        Position {
            cycles: self.meter.count_at(self.clock.beats()),
            beats: self.clock.beats(),
            bar_cycles: self.clock.bar_beats() / self.meter.length,
            bar_start: self.meter.count_at(self.clock.bars().start),
            bar_count: self.clock.bars().count,
            host_meter: self.host_meter,
            beats_per_cycle: self.meter.length,
            moved: self.clock.beats() - self.skipped,
            tempo: self.clock.bpm(),
            running: self.clock.mode() != Mode::Stopped,
            free_run: self.clock.mode() == Mode::Free,
        }
    }

    /// The host's free-run parameter as the clock has it.
    pub fn host_free_run(&self) -> bool {
        self.host_free_run
    }

    /// The host's free-run parameter from the next sample on.
    pub fn set_host_free_run(&mut self, on: bool) {
        if on != std::mem::replace(&mut self.host_free_run, on) {
            self.update_clock(|_| {});
        }
    }

    /// The session's own free run from sample `at` on. The rest of the segment is void.
    pub fn set_free_run(&mut self, at: i64, on: bool) {
        self.own_free_run = on;
        self.clock.give_back(at);
        self.update_clock(|_| {});
    }

    /// The own clock's tempo from sample `at` on. The rest of the segment is void.
    pub fn set_bpm(&mut self, at: i64, bpm: f64) {
        self.clock.give_back(at);
        self.update_clock(|settings| settings.free_bpm = bpm);
    }

    /// The own clock's tempo goes on a straight line, over so many quarter notes, to `bpm` from sample `at` on; whoever
    /// draws it sets that tempo at its end. The rest of the segment is void.
    pub fn draw_tempo(&mut self, at: i64, bpm: f64, beats: f64) {
        self.clock.give_back(at);
        self.clock.draw_tempo(bpm, beats);
    }

    /// Time may have jumped where a segment begins: what it skipped is no time that has moved.
    pub fn note_jump(&mut self, segment: &Segment) {
        let running = segment.mode != Mode::Stopped;
        let position = |epoch: &Epoch, running: bool| match running {
            true => epoch.beats_at(segment.start),
            false => epoch.beats,
        };
        if segment.first && (segment.epoch.jump || segment.stopped) {
            let (epoch, ran) = &self.last;
            self.skipped += position(&segment.epoch, running) - position(epoch, *ran);
        }
        self.last = (segment.epoch, running);
    }

    /// The host is the clock from sample `at` on, or is not. The rest of the segment is void.
    pub fn set_internal(&mut self, at: i64, on: bool) {
        self.clock.give_back(at);
        self.update_clock(|settings| settings.internal = on);
    }

    fn update_clock(&mut self, change: impl FnOnce(&mut ClockSettings)) {
        let mut settings = self.clock.settings();
        change(&mut settings);
        settings.free_run = self.own_free_run || self.host_free_run;
        if settings != self.clock.settings() || self.clock.draws_tempo() {
            self.clock.set(settings);
        }
    }

    /// A cycle has so many quarter notes.
    pub fn count_beats(&mut self, beats_per_cycle: f64) {
        self.host_meter = false;
        self.set_meter(Bars::of(beats_per_cycle));
    }

    /// A cycle is a bar of the host.
    pub fn count_bars(&mut self) {
        self.host_meter = true;
        self.set_meter(self.clock.bars());
    }

    /// Other cycles: every position has another name now, and to patterns that is a jump.
    fn set_meter(&mut self, meter: Bars) {
        if meter != self.meter {
            self.meter = meter;
            self.discontinuity = true;
        }
    }

    /// Takes over the host's bars as cycles, if they are. A signature that changes at a bar line changes nothing
    /// before the line, and the cycles go on through it. A host that says so only when its next block
    /// begins is caught up with: what the new cycles bring earlier plays there, and nothing twice.
    pub fn follow_bars(&mut self, segment: &Segment) {
        let (before, bars) = (self.meter, self.clock.bars());
        if !self.host_meter || bars == before {
            return;
        }
        self.meter = bars;
        self.sounded = f64::NEG_INFINITY;
        if segment.mode == Mode::Stopped || self.discontinuity || !bars.continues(&before) {
            self.discontinuity = true;
            return;
        }
        let covered = segment.epoch.covered_before(segment.start);
        let (sounded, due) = (before.count_at(covered), bars.count_at(covered));
        let change = MeterChange { at: segment.start, begin: sounded, end: due };
        self.meter_change = (sounded < due).then_some(change);
        self.sounded = sounded;
    }

    /// Does time start with a segment in which it moves, or not?
    pub fn starts(&mut self, running: bool) -> bool {
        let stood = !std::mem::replace(&mut self.was_running, running);
        running && stood
    }

    /// Time has stood since the last sample, though no block said so: where it moves next, it starts.
    pub fn stand_still(&mut self) {
        self.was_running = false;
    }

    /// The first point of the grid at or after sample `at`.
    pub fn grid_point(&self, at: i64) -> i64 {
        let offset = (at - self.grid_anchor).rem_euclid(GRID);
        if offset == 0 { at } else { at + GRID - offset }
    }
}
