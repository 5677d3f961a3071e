//! MIDI clock to the host: 24 ticks per quarter note while time moves, and where it starts, goes on and
//! stops, each at its sample.
//!
//! A receiver can be sent to sixteenths only. Where time lands in between, it is told the next
//! sixteenth at once (song position) and goes on when that comes; ticks never pause meanwhile.

use super::midi::{Midi, MidiRequest, MidiVoices};
use super::renderer::Renderer;
use crate::clock::{Epoch, ONSET_TOLERANCE, Segment};
use krach_patterns::Full;

const TICK: u8 = 0xf8;
const START: u8 = 0xfa;
const CONTINUE: u8 = 0xfb;
/// Also what a receiver is told when the engine falls silent.
pub(super) const STOP: u8 = 0xfc;
const SONG_POSITION: u8 = 0xf2;
/// Ticks per quarter note.
const PER_BEAT: f64 = 24.0;
/// Ticks per sixteenth, the unit of song positions.
const PER_SIXTEENTH: f64 = 6.0;
/// The furthest song position there is: 14 bits.
const FURTHEST: f64 = 16_383.0;

/// What the receiver knows.
#[derive(Debug, Default)]
pub(super) struct MidiClock {
    pub on: bool,
    /// Time jumped, stopped or started, or the clock was switched, and the receiver has not been told.
    pub moved: bool,
    /// The receiver was told to run, or to where it will.
    pub told: bool,
    /// The tick with which it runs.
    pub begin: f64,
}

impl MidiClock {
    /// Asks for the ticks of `[at, until)`.
    pub fn collect(&self, midi: &mut MidiVoices, epoch: &Epoch, (at, until): (i64, i64)) -> Result<(), Full> {
        if !self.on {
            return Ok(());
        }
        let fastest = epoch.rate_at(at).max(epoch.rate_at(until));
        let margin = 2.0 * (ONSET_TOLERANCE * fastest + epoch.slack);
        let mut low = epoch.beats_at(at - 1) - margin;
        if at == epoch.start && epoch.floor.is_finite() {
            low = low.min(epoch.floor);
        }
        for tick in ticks(low, epoch.beats_at(until - 1) + margin) {
            let beats = tick / PER_BEAT;
            let Some(sample) = epoch.onset(beats).filter(|&n| n >= at && n < until) else { continue };
            let first = tick == self.begin;
            let start = if tick == 0.0 { START } else { CONTINUE };
            for (order, status) in first.then_some(start).into_iter().chain([TICK]).enumerate() {
                // Before the notes of the same sample: they belong to the step that it begins.
                let order = (0, order as u32);
                let what = Midi::Realtime(status);
                midi.request(MidiRequest {
                    sample,
                    beats: f64::NEG_INFINITY,
                    order,
                    slot: 0,
                    onset: f64::NAN,
                    midi: what,
                })?;
            }
        }
        Ok(())
    }

    /// Tells the receiver where time is now, at sample `at`.
    fn land(&mut self, midi: &mut MidiVoices, epoch: &Epoch, at: i64, running: bool) {
        if std::mem::take(&mut self.told) {
            if let Some(left) = epoch.residue.filter(|_| running && self.on && at == epoch.start) {
                // Ticks between the last sample of a loop's pass and its end.
                for tick in ticks(left.begin, left.end) {
                    let beats = tick / PER_BEAT;
                    if beats > left.begin && beats < left.end {
                        midi.say(at, [TICK, 0, 0]);
                    }
                }
            }
            midi.say(at, [STOP, 0, 0]);
        }
        if !(self.on && running) {
            return;
        }
        let here = (epoch.beats_at(at) * PER_BEAT / PER_SIXTEENTH).floor().max(0.0);
        let plays = |sixteenth: &f64| {
            epoch.onset(sixteenth * PER_SIXTEENTH / PER_BEAT).is_some_and(|sample| sample >= at)
        };
        let sixteenth = if plays(&here) { here } else { here + 1.0 };
        self.begin = sixteenth * PER_SIXTEENTH;
        if sixteenth > 0.0 && sixteenth <= FURTHEST {
            let number = sixteenth as u16;
            midi.say(at, [SONG_POSITION, (number & 0x7f) as u8, (number >> 7) as u8]);
        }
        self.told = true;
    }
}

/// The ticks in `[low, high]` quarter notes.
fn ticks(low: f64, high: f64) -> impl Iterator<Item = f64> {
    let (first, last) = ((low * PER_BEAT).ceil(), (high * PER_BEAT).floor());
    let count = if first <= last { (last - first) as u64 + 1 } else { 0 };
    (0..count).map(move |n| first + n as f64)
}

impl Renderer {
    /// Tells of a start, a stop or a jump that came before sample `at`.
    pub(super) fn tell_midi_clock(&mut self, segment: &Segment, at: i64, running: bool) {
        if std::mem::take(&mut self.midi_clock.moved) {
            self.midi_clock.land(&mut self.midi, &segment.epoch, at, running && !self.retired);
        }
    }

    /// Another engine spoke to the receiver before.
    pub(super) fn inherit_midi_clock(&mut self, old: &mut Self) {
        self.midi_clock.told |= std::mem::take(&mut old.midi_clock.told);
        self.midi_clock.moved |= self.midi_clock.told;
        old.midi_clock.on = false;
    }

    /// A receiver runs that has to be told if no more comes. Asked once.
    pub(super) fn midi_clock_told(&mut self) -> bool {
        std::mem::take(&mut self.midi_clock.told)
    }

    pub(super) fn set_midi_clock(&mut self, on: bool) {
        if on != self.midi_clock.on {
            self.midi_clock.on = on;
            self.midi_clock.moved = true;
        }
    }
}
