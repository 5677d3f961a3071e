//! What each transport report means for the position.

use super::bars::length_of;
use super::drift::Drift;
use super::reading::{Reading, believable};
use super::{Clock, Epoch, HostTransport, Loop, Mode};
use crate::limits::TEMPO_RANGE;

/// At a tempo change or a wrap the host's position is preferred to ours where they differ by more
/// samples than this.
const EXACT: f64 = 0.001;
/// A wrap lands this many samples from where it was predicted where the host drops the overshoot.
const OVERSHOOT: f64 = 1.0;
/// Tempo of a host that gives beats only: beats that moved faster than this many bpm jumped.
const FASTEST: f64 = 2000.0;
/// Half a step of CLAP's fixed-point positions with 31 fractional bits.
const FIXED_POINT: f64 = 1.0 / (1u64 << 32) as f64;

impl Clock {
    pub(super) fn report(&mut self, t: &HostTransport) {
        if t.playing && !self.settings.internal {
            self.host_plays(t);
        } else if self.settings.free_run || self.settings.internal {
            self.looping = None;
            self.run_free();
        } else {
            self.looping = None;
            self.stop(believable(t.beats));
        }
        // While the clock is our own, the host's bars are those of another place.
        let own = HostTransport { bar_start: None, bar_number: None, ..*t };
        let bars = if self.mode == Mode::Free { &own } else { t };
        let jumped = self.mode == Mode::Stopped || self.first && self.epoch.jump;
        self.numbering.learn(t);
        self.has_meter |= length_of(t).is_some();
        self.bars = self.bars.after(bars, self.beats(), jumped, &self.numbering);
        self.heard = (self.now, *t);
    }

    fn run_free(&mut self) {
        let rate = self.rate_of(self.settings.free_bpm);
        self.drawn &= self.mode == Mode::Free;
        match self.mode {
            Mode::Free => {}
            Mode::Host => self.begin(self.epoch.continued(self.now, rate, 0.0), Mode::Free),
            Mode::Stopped => self.begin(Epoch::at(self.now, self.epoch.beats, rate, 0.0), Mode::Free),
        }
        self.unconfirmed = false;
    }

    fn stop(&mut self, beats: Option<f64>) {
        let here = self.beats();
        let rate = self.epoch.rate_at(self.now);
        if self.mode != Mode::Stopped {
            self.stopped = true;
            self.first = true;
        }
        self.drawn = false;
        self.mode = Mode::Stopped;
        self.unconfirmed = false;
        self.epoch = Epoch::at(self.now, beats.unwrap_or(here), rate, 0.0);
    }

    fn host_plays(&mut self, t: &HostTransport) {
        let tempo = t.tempo.filter(|bpm| TEMPO_RANGE.contains(bpm));
        let untimed = tempo.is_none() && believable(t.beats).is_some();
        self.own_tempo = tempo.is_none() && !untimed;
        self.drawn &= self.mode == Mode::Host && self.own_tempo;
        let expected_bpm = self.tempo.1 + self.tempo.2 * (self.now - self.tempo.0) as f64;
        let bpm = tempo.unwrap_or(match self.mode {
            Mode::Host if untimed || self.drawn => expected_bpm,
            _ => self.settings.free_bpm,
        });
        let inc = match tempo {
            Some(bpm) => self.ramp_of(bpm, t.tempo_inc),
            None if self.drawn => self.tempo.2,
            None => 0.0,
        };
        let (rate, ramp) = (self.rate_of(bpm), self.rate_of(inc));
        let reading = self.read(t, bpm);
        let range = reading.and_then(|_| self.loop_of(t));
        if self.mode != Mode::Host {
            self.tempo = (self.now, bpm, inc);
            self.looping = range;
            let next = match reading {
                Some(reading) => Epoch::at(self.now, reading.beats, rate, ramp),
                None if self.mode == Mode::Free => self.epoch.continued(self.now, rate, ramp),
                None => Epoch::at(self.now, self.beats(), rate, ramp),
            };
            self.anchor(t, next, reading);
            return;
        }
        let changed = (bpm - expected_bpm).abs() > 1e-9 * bpm || inc != self.tempo.2;
        let Some(reading) = reading else {
            self.looping = None;
            self.unconfirmed = false;
            if changed {
                self.tempo = (self.now, bpm, inc);
                self.begin(self.epoch.continued(self.now, rate, ramp), Mode::Host);
            }
            return;
        };
        if untimed {
            self.follow_untimed(t, reading);
            self.looping = range;
            return;
        }
        let explained = self.settle_wrap(t, reading, rate, range.is_some())
            || changed && self.tempo_explains(t, reading.beats, rate);
        if !explained && self.is_jump(t, reading.beats, self.epoch.beats_at(self.now), rate) {
            self.tempo = (self.now, bpm, inc);
            let landing = self.landing(reading, rate, ramp);
            self.looping = range;
            self.anchor(t, landing, Some(reading));
            return;
        }
        self.looping = range;
        let confirmed = std::mem::take(&mut self.unconfirmed);
        self.seconds = self.seconds.or(t.seconds.map(|s| (self.now, s)));
        self.samples = self.samples.or(t.samples.map(|s| (self.now, s)));
        let ours = self.epoch.beats_at(self.now);
        let mut beats = reading.nearest(ours);
        if confirmed && (reading.beats - ours).abs() <= (OVERSHOOT + EXACT) * rate {
            beats = reading.beats;
        }
        let off = (beats - ours).abs() > EXACT * rate;
        if changed || confirmed && off {
            self.tempo = (self.now, bpm, inc);
            let mut next = self.epoch.continued(self.now, rate, ramp);
            if off {
                next.beats = beats;
            }
            self.drift = Drift::from(self.now);
            self.begin(next, Mode::Host);
        } else {
            self.follow_drift(reading, bpm, inc);
        }
    }

    /// The loop in force from this report on.
    fn loop_of(&self, t: &HostTransport) -> Option<Loop> {
        let (start, end) = t.loop_range.filter(|(a, b)| a.is_finite() && b.is_finite() && a < b)?;
        let known = self.looping.filter(|l| (l.start, l.end) == (start, end) && self.mode == Mode::Host);
        Some(known.unwrap_or(Loop { start, end, since: self.now }))
    }

    /// The tempo's change per sample as far as it can be believed: it must not stop time
    /// before the host can say more.
    fn ramp_of(&self, bpm: f64, inc: f64) -> f64 {
        let last = bpm + inc * (self.horizon - self.now) as f64;
        if inc.is_finite() && TEMPO_RANGE.contains(&last) { inc } else { 0.0 }
    }

    /// A wrap that is due at this very sample happens, or the host says that it runs on. `false`:
    /// neither, or none is due.
    fn settle_wrap(&mut self, t: &HostTransport, reading: Reading, rate: f64, looping: bool) -> bool {
        if !looping || !self.wrap_is_due() {
            return false;
        }
        let here = self.epoch.beats_at(self.now);
        let wrapped = self.wrapped_beats();
        let near = self.near(rate);
        let (to_here, to_wrapped) = ((reading.beats - here).abs(), (reading.beats - wrapped).abs());
        if to_wrapped <= near && to_wrapped <= to_here {
            self.wrap();
            return true;
        }
        if !self.is_jump(t, reading.beats, here, rate) {
            let end = self.looping.map_or(here, |l| l.end);
            let mut on = self.epoch.continued(self.now, self.epoch.rate_at(self.now), self.epoch.ramp);
            on.beats = on.beats.max(end);
            self.begin(on, Mode::Host);
            return true;
        }
        false
    }

    fn anchor(&mut self, t: &HostTransport, mut epoch: Epoch, at: Option<Reading>) {
        if t.samples.is_none() && at.is_some() {
            epoch.slack = FIXED_POINT;
        }
        self.seconds = believable(t.seconds).map(|s| (self.now, s));
        self.samples = t.samples.map(|s| (self.now, s));
        self.unconfirmed = false;
        self.untimed = at.map(|r| (self.now, r.beats));
        self.drift = Drift::from(self.now);
        self.begin(epoch, Mode::Host);
    }

    /// A host that gives beats but no tempo: the tempo is how far it came.
    fn follow_untimed(&mut self, t: &HostTransport, reading: Reading) {
        let at = reading.beats;
        let rate = self.epoch.rate_at(self.now);
        let error = (at - self.epoch.beats_at(self.now)) / rate;
        let frames = (self.now - self.heard.0) as f64;
        let last = believable(self.heard.1.beats).filter(|_| frames > 0.0 && self.untimed.is_some());
        let moved = last.map_or(0.0, |then| at - then);
        let jumped = match last {
            Some(_) => moved < 0.0 || moved > self.rate_of(FASTEST) * frames + self.near(rate),
            None => self.is_jump(t, at, self.epoch.beats_at(self.now), rate),
        };
        if jumped {
            let landing = self.landing(reading, rate, 0.0);
            self.anchor(t, landing, Some(reading));
            return;
        }
        self.unconfirmed = false;
        let Some((since, then)) = self.untimed else {
            self.untimed = Some((self.now, at));
            return;
        };
        if error.abs() <= EXACT || moved <= 0.0 {
            return;
        }
        // A small error: the tempo is the same and the longer the distance, the better it is known.
        let small = error.abs() < OVERSHOOT && self.now > since;
        let measured = if small { (at - then) / (self.now - since) as f64 } else { moved / frames };
        if !small {
            self.untimed = Some((self.heard.0, at - moved));
        }
        let mut next = self.epoch.continued(self.now, measured, 0.0);
        next.beats = at;
        self.tempo = (self.now, measured * 60.0 * self.sample_rate, 0.0);
        self.begin(next, Mode::Host);
    }
}
