//! What patterns and automations do within a stretch, each at its sample.

use super::control_writes::{ControlEvent, ControlWrite};
use super::midi::{Midi, MidiRequest};
use super::note_offs::PendingNoteOff;
use super::renderer::Renderer;
use super::slots::Slot;
use crate::clock::{Epoch, ONSET_TOLERANCE, Residue, Segment};
use crate::limits::NONE;
use crate::slot::Target;
use crate::symbol::Symbol;
use crate::voice::by_unit;
use krach_patterns::{Event, Full, Span, Time};

/// Most cycles that are asked for at once: a stretch with more is halved.
const MOST_CYCLES: f64 = 64.0;
/// Windows are asked for in these fractions of a cycle, rounded outwards.
pub(super) const WINDOW: f64 = (1i64 << 20) as f64;
/// Patterns are exact up to 2^31 cycles from zero, here in windows; beyond nothing plays.
pub(super) const FARTHEST: f64 = (1i64 << 51) as f64;
/// Most labels of one slot that are chased.
pub const MAX_CHASED: usize = 64;

/// The smallest window of pattern time that holds `[begin, end]` in cycles.
pub(super) fn window(begin: f64, end: f64) -> Span {
    let at = |x: f64| Time::new_raw(x.clamp(-FARTHEST, FARTHEST) as i64, 1 << 20).reduced();
    Span { begin: at((begin * WINDOW).floor()), end: at((end * WINDOW).floor() + 1.0) }
}

pub(super) fn cycles(t: Time) -> f64 {
    *t.numer() as f64 / *t.denom() as f64
}

impl Renderer {
    /// Queues the onsets of all slots in `[at, until)`.
    pub(super) fn gather_patterns(&mut self, segment: &Segment, at: i64, until: i64) -> Result<(), Full> {
        let epoch = &segment.epoch;
        let fastest = epoch.rate_at(at).max(epoch.rate_at(until));
        let margin = 2.0 * (ONSET_TOLERANCE * fastest + epoch.slack);
        let mut low = epoch.beats_at(at - 1) - margin;
        let high = epoch.beats_at(until - 1) + margin;
        if at == epoch.start && epoch.floor.is_finite() {
            low = low.min(epoch.floor);
        }
        let meter = self.timeline.meter;
        let counts =
            |(low, high): (f64, f64)| (low < high).then(|| (meter.count_at(low), meter.count_at(high)));
        let present = counts((low, high));
        let residue = epoch.residue.filter(|_| at == epoch.start);
        let change = self.timeline.meter_change.filter(|change| change.at == at);
        let change = change.map(|change| (meter.beats_at(change.begin), meter.beats_at(change.end)));
        let here = |beats: f64| epoch.onset(beats).filter(|&n| n >= at && n < until).map(|n| (n, beats));
        for slot in self.slots.held() {
            if let Some(Residue { begin, end, length }) = residue {
                // By its time in the new pass it comes before all that the new pass plays.
                let left = |beats: f64| (beats > begin && beats < end).then_some((at, beats - length));
                self.gather_slot(slot, counts((begin, end)), true, left)?;
            }
            self.start_from_zero(slot, epoch, at);
            if let Some((begin, end)) = change {
                let left = |beats: f64| (beats > begin && beats <= end).then_some((at, beats));
                self.gather_slot(slot, counts((begin, end)), false, left)?;
            }
            self.gather_slot(slot, present, false, here)?;
        }
        Ok(())
    }

    /// A slot that was to begin at zero wherever time starts begins here.
    fn start_from_zero(&mut self, slot: usize, epoch: &Epoch, at: i64) {
        if let Some(slot) = self.slots.get_mut(slot).filter(|slot| slot.origin.is_nan()) {
            slot.origin = self.timeline.meter.count_at(epoch.beats_at(at));
            slot.from = slot.from.max(slot.origin);
        }
    }

    /// Queues what of a slot begins in `[begin, end]`, in cycles, and has a place.
    fn gather_slot(
        &mut self,
        index: usize,
        counts: Option<(f64, f64)>,
        missed_note_off: bool,
        place: impl Fn(f64) -> Option<(i64, f64)>,
    ) -> Result<(), Full> {
        let (Some(slot), Some((begin, end))) = (self.slots.get_mut(index), counts) else { return Ok(()) };
        if slot.is_quiet((begin, end)) || end < slot.from || slot.origin.is_nan() {
            return Ok(());
        }
        if end - begin > MOST_CYCLES {
            return Err(Full);
        }
        let span = window(begin - slot.origin, end - slot.origin);
        let known = slot.known((begin, end)).is_some();
        let mut asked = None;
        if !known {
            self.events.clear();
            slot.pattern.program.onsets(span, self.seed, &mut self.events)?;
            asked =
                Some(self.events.as_slice().iter().map(|event| cycles(event.whole.begin)).reduce(f64::max));
        }
        self.queue_events(index, known, missed_note_off, place)?;
        if let Some(slot) = self.slots.get_mut(index) {
            slot.look_ahead(span, asked, self.seed, &mut self.events);
        }
        Ok(())
    }

    /// Queues the events of a slot that have a place: those that it knows, or those that were asked for.
    fn queue_events(
        &mut self,
        index: usize,
        known: bool,
        missed_note_off: bool,
        place: impl Fn(f64) -> Option<(i64, f64)>,
    ) -> Result<(), Full> {
        let Some(slot) = self.slots.get(index) else { return Ok(()) };
        let events = if known { &slot.pattern.ahead } else { self.events.as_slice() };
        let meter = self.timeline.meter;
        for (number, event) in events.iter().enumerate() {
            let position = slot.origin + cycles(event.whole.begin);
            if position < slot.from || position <= self.timeline.sounded {
                continue;
            }
            let Some((sample, beats)) = place(meter.beats_at(position)) else { continue };
            let order = (index as u32, number as u32);
            if let Some(midi) = self.midi_of(index as u32, event) {
                let (slot, onset) = (index as u32, position);
                let request = MidiRequest { sample, beats, order, slot, onset, midi };
                if !self.retired {
                    self.midi.request(request)?;
                }
                continue;
            }
            let Some((control, write)) = self.target(index as u32, event, missed_note_off) else { continue };
            if let Some(note_off) = self.note_off_of(index as u32, event, &write) {
                self.note_offs.begin(note_off)?;
            }
            let event = ControlEvent::new(&self.plan, control, (sample, beats), order, write);
            self.queue.push(event)?;
        }
        Ok(())
    }

    fn target(&self, slot: u32, event: &Event, missed_note_off: bool) -> Option<(u32, ControlWrite)> {
        let Slot { pattern, origin, .. } = self.slots.get(slot as usize)?;
        match *pattern.targets.get(event.value as usize)? {
            target @ Target::Control { value, name, gate, note, .. } => {
                let (control, via) = self.control_of(&target)?;
                let value = self.value_of(control, value, name)?;
                let (freeze, begin) = event.unit_key;
                let write = if note {
                    let onset = origin + cycles(begin);
                    let note = by_unit(pattern.serial, freeze, (*begin.numer(), *begin.denom()));
                    ControlWrite::Note { value, slot, via, gate, note, onset, missed_note_off }
                } else {
                    let onset = origin + cycles(event.whole.begin);
                    ControlWrite::Pattern { value, slot, via, gate, ramp: 0, onset }
                };
                Some((control, write))
            }
            Target::MasterGain(gain) => Some((NONE, ControlWrite::Base(gain))),
            Target::Note { .. } | Target::Cc { .. } | Target::Osc | Target::Ignored => None,
        }
    }

    /// Where the note that an event opens is over, if its pattern may not say so itself.
    fn note_off_of(&self, slot: u32, event: &Event, write: &ControlWrite) -> Option<PendingNoteOff> {
        let ControlWrite::Note { value, note, .. } = *write else { return None };
        let playing = self.slots.get(slot as usize)?;
        let Target::Control { ends: true, .. } = playing.pattern.targets.get(event.value as usize)? else {
            return None;
        };
        let beats = self.timeline.meter.beats_at(playing.origin + cycles(event.unit_end));
        let (serial, value_index) = (playing.pattern.serial, event.value);
        (value > 0.0).then_some(PendingNoteOff { beats, slot, serial, value: value_index, note })
    }

    /// Where a label leads: exactly there, or else within the slot's node, by its own name, as a part of a
    /// note, or by the other name that it may have there.
    pub(super) fn control_of(&self, target: &Target) -> Option<(u32, Symbol)> {
        let Target::Control { label, within, part, or, .. } = target else { return None };
        let find = |symbol: &Symbol| self.plan.control(*symbol).map(|control| (control, *symbol));
        find(label).or_else(|| find(within)).or_else(|| find(part)).or_else(|| find(or))
    }

    /// The value that is set: the number, or what the control means by the name; `None`: it has no such name.
    pub(super) fn value_of(&self, control: u32, value: f32, name: Option<Symbol>) -> Option<f32> {
        match name {
            None => Some(value),
            Some(name) => self.plan.declared(control)?.value_of_symbol(name),
        }
    }

    fn midi_of(&self, slot: u32, event: &Event) -> Option<Midi> {
        let pattern = &self.slots.get(slot as usize)?.pattern;
        match *pattern.targets.get(event.value as usize)? {
            Target::Note { channel, key, velocity, cycles } => {
                Some(Midi::Note { channel, key, velocity, beats: cycles * self.timeline.meter.length })
            }
            Target::Cc { channel, controller, value, .. } => Some(Midi::Cc { channel, controller, value }),
            Target::Osc => Some(Midi::Osc { serial: pattern.serial, value: event.value }),
            _ => None,
        }
    }
}
