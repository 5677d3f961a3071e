//! What a pattern shares with the one that takes its slot: a note of both goes on to its end.
//!
//! A note is shared if the unit that plays it begins and ends at the same place in both patterns, and if both
//! have said the same in it up to now. Then it is the new pattern's note: its gate stays open, nothing
//! is set again, and the new pattern's events end it. All other notes of the old pattern end at
//! once, and none of the new one's begins late. A gate outside of units stays open if both patterns spoke to it
//! last at the same place and said the same; a note at the host goes on if both have it.

use super::midi::Sounding;
use super::note_offs::PendingNoteOff;
use super::patterns::{cycles, window};
use super::renderer::Renderer;
use super::voice_allocation::VoiceAllocator;
use crate::clock::Epoch;
use crate::slot::{BoundPattern, Target};
use crate::voice::{NOBODY, NoteKey, Voice, by_slot, by_unit};

/// Most notes of one slot that are compared; those beyond end.
const MAX_NOTES: usize = 256;
/// Most units of the new pattern that are compared with them.
const MAX_UNITS: usize = 512;
/// Both patterns are compared over so many cycles before now; of a note that began earlier, also its first cycle.
const COMPARED: f64 = 16.0;
/// Most events that are looked at on one sample, for all slots together: notes that are not compared by then end.
const MAX_EVENTS: usize = 32_768;

/// Where a note sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// On the one instance of a node: the control that is its gate, by its index in the plan.
    Gate(u32),
    /// In a voice of a node.
    Voice(u32, u32),
    /// A gate outside of units, in a voice of a node: the control by its index on the node.
    Loose(u32, u32, u32),
    /// At the host: channel and key.
    Host(u8, u8),
}

/// What has been said, of a unit as a sum and of a gate outside of units as the last.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Said {
    events: u32,
    sum: u64,
    /// Where the unit ends, or where the last was said, in cycles.
    at: f64,
}

impl Said {
    const NOTHING: Self = Self { events: 0, sum: 0, at: f64::NEG_INFINITY };

    fn add(&mut self, mark: u64, unit_end: f64) {
        *self = Self { events: self.events + 1, sum: self.sum.wrapping_add(mark), at: unit_end };
    }

    /// Events come in the order of the pattern, not of time; of those at one place the last counts.
    fn replace(&mut self, mark: u64, position: f64) {
        if position >= self.at {
            *self = Self { events: 1, sum: mark, at: position };
        }
    }
}

/// A note that sounds.
#[derive(Clone, Copy, Debug)]
struct Note {
    place: Place,
    /// Its number in the old pattern; [`NOBODY`]: it belongs to no unit.
    key: NoteKey,
    /// Where it began, in cycles.
    onset: f64,
    /// Its gate, by its index in the plan, if it belongs to no unit.
    control: u32,
    old: Said,
    new: Said,
    /// It goes on, under this number.
    successor: Option<NoteKey>,
}

/// A unit of the new pattern that begins where a note does.
#[derive(Clone, Copy, Debug)]
struct Unit {
    key: NoteKey,
    onset: f64,
    said: Said,
    taken: bool,
}

/// Room for a comparison.
#[derive(Default)]
pub(super) struct Handover {
    notes: Vec<Note>,
    units: Vec<Unit>,
    /// Gates that the new pattern may lose the ends of: number of the unit, index of the value.
    torn: Vec<(NoteKey, u32)>,
    /// Events that were looked at on this sample.
    looked_at: usize,
    sample: i64,
}

/// The pattern that comes, and where it counts from.
#[derive(Clone, Copy)]
pub(super) struct Next<'a> {
    pub pattern: &'a BoundPattern,
    pub origin: f64,
    pub from: f64,
}

/// A piece of time in cycles.
#[derive(Clone, Copy)]
struct Piece {
    begin: f64,
    end: f64,
    /// Its end belongs to it.
    closed: bool,
}

impl Handover {
    pub fn new() -> Self {
        Self {
            notes: Vec::with_capacity(MAX_NOTES),
            units: Vec::with_capacity(MAX_UNITS),
            torn: Vec::with_capacity(MAX_UNITS),
            looked_at: 0,
            sample: i64::MIN,
        }
    }

    fn clear(&mut self, sample: i64) {
        self.notes.clear();
        self.units.clear();
        self.torn.clear();
        if sample != self.sample {
            (self.looked_at, self.sample) = (0, sample);
        }
    }

    fn add(&mut self, place: Place, key: NoteKey, onset: f64, control: u32) {
        if self.notes.len() < self.notes.capacity() {
            let (old, new) = (Said::NOTHING, Said::NOTHING);
            self.notes.push(Note { place, key, onset, control, old, new, successor: None });
        }
    }

    /// The notes that began there.
    fn begun_at(&mut self, onset: f64) -> &mut [Note] {
        let first = self.notes.partition_point(|n| n.onset < onset);
        let len = self.notes[first..].partition_point(|n| n.onset == onset);
        &mut self.notes[first..first + len]
    }

    fn unit_said(&mut self, key: NoteKey, onset: f64, mark: u64, end: f64) {
        let known = self.units.iter_mut().rfind(|u| u.key == key);
        if let Some(unit) = known {
            unit.said.add(mark, end);
        } else if self.units.len() < self.units.capacity() {
            let mut said = Said::NOTHING;
            said.add(mark, end);
            self.units.push(Unit { key, onset, said, taken: false });
        }
    }

    /// Which notes go on, and under which number; none if not all that is to be compared has been (`whole`).
    fn decide(&mut self, whole: bool) {
        if !whole {
            return self.notes.iter_mut().for_each(|note| note.successor = None);
        }
        for at in 0..self.notes.len() {
            let note = self.notes[at];
            if note.successor.is_some() {
                continue;
            }
            if note.key == NOBODY {
                let same = note.old.events > 0 && note.old == note.new;
                self.notes[at].successor = same.then_some(NOBODY);
                continue;
            }
            // A unit may play several nodes.
            let before = self.notes[..at].iter().find(|n| n.key == note.key);
            self.notes[at].successor = match before {
                Some(before) => before.successor,
                None => {
                    let same = |u: &&mut Unit| !u.taken && u.onset == note.onset && u.said == note.old;
                    self.units.iter_mut().find(same).map(|unit| {
                        unit.taken = true;
                        unit.key
                    })
                }
            };
        }
    }

    fn heir_of(&self, place: Place) -> Option<NoteKey> {
        self.notes.iter().find(|n| n.place == place).and_then(|n| n.successor)
    }

    /// Is that the number of a note that goes on?
    fn goes_on(&self, key: NoteKey) -> bool {
        key != NOBODY && self.notes.iter().any(|n| n.successor == Some(key))
    }
}

/// A number for what is said, where: the same in every pattern.
fn mark(position: f64, target: &Target) -> u64 {
    let (kind, words) = match *target {
        Target::Control { label, within, name: Some(name), .. } => (7, [label.0, within.0, name.0]),
        Target::Control { label, within, value, .. } => (1, [label.0, within.0, u64::from(value.to_bits())]),
        Target::MasterGain(gain) => (2, [u64::from(gain.to_bits()), 0, 0]),
        Target::Note { channel, key, velocity, cycles } => {
            (3, [u64::from(channel) << 16 | u64::from(key) << 8 | u64::from(velocity), cycles.to_bits(), 0])
        }
        Target::Cc { channel, controller, value, .. } => {
            (4, [u64::from(channel) << 16 | u64::from(controller) << 8 | u64::from(value), 0, 0])
        }
        Target::Osc => (5, [0; 3]),
        Target::Ignored => (6, [0; 3]),
    };
    let mix = |h: u64, x: u64| {
        let h = (h ^ x).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (h ^ h >> 29).wrapping_mul(0x94d0_49bb_1331_11eb).rotate_left(31)
    };
    words.into_iter().fold(mix(kind, position.to_bits()), mix)
}

impl Renderer {
    /// Another pattern comes to a slot at sample `at`: notes of both go on, all others end. Without an epoch time
    /// stands, and nothing goes on.
    pub(super) fn hand_over(&mut self, slot: u32, next: Next<'_>, epoch: Option<&Epoch>, at: i64) {
        let mut room = std::mem::take(&mut self.handover);
        room.clear(at);
        if let Some(epoch) = epoch {
            self.list_notes(&mut room, slot);
            let whole = self.compare(&mut room, slot, next, epoch, at);
            self.compare_shapes(&mut room, next, epoch, at);
            room.decide(whole);
        }
        self.end_all_but(&room, slot, at);
        for unit in room.units.iter().filter(|u| u.taken) {
            for &(_, value) in room.torn.iter().filter(|(key, _)| *key == unit.key) {
                let (beats, serial) = (self.timeline.meter.beats_at(unit.said.at), next.pattern.serial);
                self.note_offs.remember(PendingNoteOff { beats, slot, serial, value, note: unit.key });
            }
        }
        if self.slots.get(slot as usize).is_some_and(|old| old.hushed) {
            // What the old one held goes back, but for what the notes that go on have set.
            for control in 0..self.plan.controls.len() {
                let c = &self.plan.controls[control];
                if c.pattern.is_some() && c.slot == slot && !c.open && !room.goes_on(c.note) {
                    self.write(control as u32, super::control_writes::ControlWrite::Hushed);
                }
            }
        }
        self.handover = room;
    }

    /// The notes of a slot, by onset.
    fn list_notes(&self, room: &mut Handover, slot: u32) {
        for (index, c) in (0..).zip(&self.plan.controls) {
            if c.open && c.slot == slot {
                room.add(Place::Gate(index), c.note, drawn_or(c.onset), index);
            }
        }
        for (number, node) in (0..).zip(&self.plan.nodes).filter(|(_, n)| n.voiced && !n.ghost) {
            let of_slot = |(_, v): &(u32, &Voice)| v.slot == slot && v.is_played() && !v.missed_note_off;
            for (at, voice) in (0..).zip(&node.voices).filter(of_slot) {
                if voice.note != by_slot(slot) {
                    if voice.note != NOBODY {
                        room.add(Place::Voice(number, at), voice.note, voice.onset, 0);
                    }
                    continue;
                }
                for (control, held) in (0..).zip(&voice.held) {
                    // Also where it is shut: its next opening goes to the voice that rings.
                    if held.is_some() {
                        let gate = node.controls.0 + control;
                        room.add(Place::Loose(number, at, control), NOBODY, drawn_or(voice.onset), gate);
                    }
                }
            }
        }
        for note in self.midi.sounding_of(slot) {
            room.add(Place::Host(note.channel, note.key), NOBODY, note.onset, 0);
        }
        room.notes.sort_unstable_by(|a, b| a.onset.total_cmp(&b.onset));
    }

    /// Goes through what both patterns have said by sample `at`. `false`: there was too much of it.
    fn compare(&mut self, room: &mut Handover, slot: u32, next: Next<'_>, epoch: &Epoch, at: i64) -> bool {
        let Some(first) = room.notes.first() else { return true };
        let now = self.timeline.meter.count_at(epoch.beats_at(at));
        // Where all are drawn by shapes there is nothing to compare.
        let recent = first.onset.max(now - COMPARED);
        let mut covered = f64::NEG_INFINITY;
        for number in 0..room.notes.len() {
            let begin = room.notes[number].onset;
            if begin < recent && begin >= covered {
                covered = (begin + 1.0).min(recent);
                let piece = Piece { begin, end: covered, closed: false };
                if !self.compare_piece(room, slot, next, piece, (epoch, at)) {
                    return false;
                }
            }
        }
        let mut begin = recent;
        while begin <= now {
            let closed = now - begin <= 1.0;
            let end = if closed { now } else { begin + 1.0 };
            if !self.compare_piece(room, slot, next, Piece { begin, end, closed }, (epoch, at)) {
                return false;
            }
            if closed {
                break;
            }
            begin = end;
        }
        true
    }

    /// Gates that a shape holds open go on where the new pattern's shapes hold them open.
    fn compare_shapes(&mut self, room: &mut Handover, next: Next<'_>, epoch: &Epoch, at: i64) {
        if !room.notes.iter().any(|note| note.onset == DRAWN) {
            return;
        }
        let here = self.timeline.meter.count_at(epoch.beats_at(at)) - next.origin;
        self.events.clear();
        if next.pattern.program.query(window(here, here), self.seed, &mut self.events).is_err() {
            return;
        }
        room.looked_at += self.events.len();
        for event in self.events.as_slice() {
            let Some(shape) = event.shape else { continue };
            let (begin, end) = (cycles(event.whole.begin), cycles(event.whole.end));
            let target = next.pattern.targets.get(event.value as usize);
            let Some((control, _)) = target.and_then(|target| self.control_of(target)) else { continue };
            let drawn = &next.pattern.program.shapes()[shape.index as usize];
            let phase = shape.phase((here - begin) / (end - begin));
            if here >= begin && here < end && drawn.value(shape.period, phase, self.seed) > 0.0 {
                let held = |n: &&mut Note| n.onset == DRAWN && n.control == control;
                room.notes.iter_mut().filter(held).for_each(|note| note.successor = Some(NOBODY));
            }
        }
    }

    fn compare_piece(
        &mut self,
        room: &mut Handover,
        slot: u32,
        next: Next<'_>,
        piece: Piece,
        (epoch, at): (&Epoch, i64),
    ) -> bool {
        let Some(old) = self.slots.get(slot as usize) else { return false };
        let old = Next { pattern: &old.pattern, origin: old.origin, from: f64::NEG_INFINITY };
        for (pattern, is_new) in [(old, false), (next, true)] {
            if room.looked_at > MAX_EVENTS {
                return false;
            }
            let Next { pattern: voice, origin, from } = pattern;
            self.events.clear();
            let span = window(piece.begin - origin, piece.end - origin);
            if voice.program.onsets(span, self.seed, &mut self.events).is_err() {
                return false;
            }
            room.looked_at += self.events.len();
            for event in self.events.as_slice() {
                let position = origin + cycles(event.whole.begin);
                let within = position >= piece.begin && position < piece.end;
                let beats = self.timeline.meter.beats_at(position);
                // What the new one would say now but began before its time is never said.
                if !(within || piece.closed && position == piece.end)
                    || !(has_passed(epoch, beats, at) || position < from)
                {
                    continue;
                }
                let Some(target) = voice.targets.get(event.value as usize) else { continue };
                let mark = mark(position, target);
                let (freeze, begin) = event.unit_key;
                if freeze != 0 {
                    let onset = origin + cycles(begin);
                    let notes = room.begun_at(onset);
                    if !notes.is_empty() {
                        let key = by_unit(voice.serial, freeze, (*begin.numer(), *begin.denom()));
                        let end = origin + cycles(event.unit_end);
                        if is_new {
                            room.unit_said(key, onset, mark, end);
                            let ends =
                                matches!(target, Target::Control { ends: true, value, .. } if *value > 0.0);
                            if ends && room.torn.len() < room.torn.capacity() {
                                room.torn.push((key, event.value));
                            }
                        } else {
                            notes.iter_mut().filter(|n| n.key == key).for_each(|n| n.old.add(mark, end));
                        }
                    }
                }
                match *target {
                    Target::Control { note: false, .. } => {
                        let Some((control, _)) = self.control_of(target) else { continue };
                        let loose = |n: &&mut Note| n.key == NOBODY && n.control == control;
                        for note in room.notes.iter_mut().filter(loose).filter(|n| !n.is_at_host()) {
                            let said = if is_new { &mut note.new } else { &mut note.old };
                            said.replace(mark, position);
                        }
                    }
                    Target::Note { channel, key, velocity, cycles } if is_new => {
                        let beats = cycles * self.timeline.meter.length;
                        let sounds = Sounding::of(slot, position, (channel, key, velocity), beats);
                        if self.midi.sounding_of(slot).any(|note| note.is_same(&sounds)) {
                            let place = Place::Host(sounds.channel, sounds.key);
                            let notes = room.begun_at(position).iter_mut();
                            notes.filter(|n| n.place == place).for_each(|n| n.successor = Some(NOBODY));
                        }
                    }
                    _ => {}
                }
            }
        }
        true
    }

    /// Ends the notes of a slot; those that go on belong to the pattern that comes.
    fn end_all_but(&mut self, room: &Handover, slot: u32, at: i64) {
        for control in 0..self.plan.controls.len() {
            let c = &self.plan.controls[control];
            if c.open && c.slot == slot && room.heir_of(Place::Gate(control as u32)).is_none() {
                self.write(control as u32, super::control_writes::ControlWrite::Close);
            }
        }
        // All that the unit has set, on whatever node.
        for c in self.plan.controls.iter_mut().filter(|c| c.slot == slot && c.note != NOBODY) {
            let note = room.notes.iter().find(|n| n.key == c.note);
            c.note = note.and_then(|n| n.successor).unwrap_or(c.note);
        }
        for node in 0..self.plan.nodes.len() {
            let its = |v: &Voice| v.slot == slot;
            if self.plan.nodes[node].voiced && self.plan.nodes[node].voices.iter().any(its) {
                self.with_allocator(node, |player| player.end_all_but(room, node as u32, slot));
            }
        }
        self.midi.end_notes(at, slot, |channel, key| room.heir_of(Place::Host(channel, key)).is_some());
    }
}

/// Where a gate began that a shape holds open: nowhere that could be compared.
const DRAWN: f64 = f64::INFINITY;

fn drawn_or(onset: f64) -> f64 {
    if onset.is_nan() { DRAWN } else { onset }
}

impl Note {
    fn is_at_host(&self) -> bool {
        matches!(self.place, Place::Host(..))
    }
}

/// Does what lies at that position play before sample `at`, or not at all?
fn has_passed(epoch: &Epoch, beats: f64, at: i64) -> bool {
    epoch.onset(beats).is_none_or(|sample| sample < at)
}

impl VoiceAllocator<'_> {
    fn end_all_but(&mut self, room: &Handover, node: u32, slot: u32) {
        for at in 0..self.voices.len() {
            if self.voices[at].slot != slot {
                continue;
            }
            if let Some(successor) = room.heir_of(Place::Voice(node, at as u32)) {
                self.voices[at].note = successor;
                continue;
            }
            let stays = |c: usize| room.heir_of(Place::Loose(node, at as u32, c as u32)).is_some();
            if (0..self.controls.len()).any(stays) {
                for control in (0..self.controls.len()).filter(|c| !stays(*c)) {
                    if self.voices[at].held[control].is_some_and(|value| value > 0.0) {
                        self.gate_of(at, control, 0.0);
                    }
                }
            } else {
                self.release(at);
                (self.voices[at].note, self.voices[at].slot) = (NOBODY, crate::limits::NONE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{At, Edit, Engine};
    use crate::graph::{GraphEdit, GraphNode};
    use crate::node::Registry;
    use crate::processor::{Block, MidiOut, ParamEvent, ParamId, Processor};
    use krach_patterns::builders;

    fn block(processor: &mut Processor, engine: &mut Engine) {
        let (mut left, mut right) = ([0.0; 64], [0.0; 64]);
        processor.process(Block {
            frames: 64,
            transport: &[],
            offline: false,
            input: [&[], &[]],
            main: [&mut left, &mut right],
            stems: &mut [],
            params: &[ParamEvent { offset: 0, param: ParamId::FreeRun, value: 1.0, modulation: 0.0 }],
            played: &[],
            midi_out: &mut MidiOut::with_capacity(1024),
        });
        engine.tick();
    }

    /// Slots that each hold a note and play that many events a cycle, all sent again in one batch: what was
    /// looked at for it, and how many gates are open then.
    fn sent_again(slots: usize, events: usize) -> (usize, usize) {
        let mut engine = Engine::new(Registry::with_builtins());
        let mut processor = engine.activate(48_000.0, 64);
        let mut edits = Vec::new();
        for slot in 0..slots {
            let name = format!("n{slot}");
            let nodes = vec![GraphEdit::AddNode(GraphNode::new(&name, "gain"))];
            engine.edit(Edit::Graph(nodes), At::Now).unwrap();
            let long = builders::hit(&format!("{name}/gate")).over(64.0);
            let exposed = GraphEdit::ExposeControl {
                label: format!("{name}/gate"),
                node_id: name.clone(),
                control_name: "gain".into(),
            };
            engine.edit(Edit::Graph(vec![exposed]), At::Now).unwrap();
            let pattern = long | (builders::control(&format!("{name}/mute"), 0.0) * events);
            edits.push(Edit::SetPattern { slot: name, pattern, from_zero: false, origin: None, swing: None });
        }
        engine.edit(Edit::Batch(edits.clone()), At::AtOnce).unwrap();
        for _ in 0..400 {
            block(&mut processor, &mut engine);
        }
        let open = |processor: &Processor| processor.renderer.plan.controls.iter().filter(|c| c.open).count();
        assert_eq!(open(&processor), slots);
        engine.edit(Edit::Batch(edits), At::AtOnce).unwrap();
        block(&mut processor, &mut engine);
        (processor.renderer.handover.looked_at, open(&processor))
    }

    #[test]
    fn what_one_sample_costs_is_bounded_over_all_slots_and_what_is_not_compared_ends() {
        let (looked_at, open) = sent_again(8, 16);
        assert!(looked_at > 16 && looked_at < 1000 && open == 8, "{looked_at} {open}");
        let (looked_at, open) = sent_again(100, 1000);
        // A query that has begun is looked at to its end.
        assert!(looked_at > MAX_EVENTS && looked_at <= MAX_EVENTS + 4096, "{looked_at}");
        assert!(open > 0 && open < 100, "{open}");
    }
}
