//! Patterns as a MIDI file: what they play over some bars, on a grid of ticks, a track for each slot.
//!
//! | a pattern plays | the file has |
//! |---|---|
//! | a MIDI note or controller | the same, on its channel |
//! | a gate that opens and closes, with `freq` and `vel` beside it | a note on channel 1, on the nearest key; key 60 without `freq` |
//! | other controls, shapes, OSC | nothing |

use std::collections::{BTreeMap, HashSet};

use krach_core::node::is_gate_label;
use krach_patterns::{EventBuffer, Program, Span, Time, Value};
use midly::num::{u4, u7, u15, u24, u28};
use midly::{Format, Header, MetaMessage, MidiMessage, Smf, Timing, Track, TrackEvent, TrackEventKind};

/// Ticks of a quarter note.
pub const TICKS: u16 = 960;
/// Most notes and controllers of a file.
const MAX_EVENTS: usize = 200_000;
/// Most events of one cycle.
const CYCLE: usize = 2 * krach_patterns::MAX_EVENTS_PER_CYCLE as usize;
/// A note without a pitch.
const UNPITCHED: u8 = 60;
/// How far a pitch may be from its key, in semitones, to be that key's.
const IN_TUNE: f64 = 0.01;

/// A slot that is frozen.
pub struct Take {
    /// Its name, which the track gets.
    pub slot: String,
    /// What it plays.
    pub program: Program,
    /// Where in the song the pattern's cycle 0 is, in cycles.
    pub origin: f64,
}

/// The time that is frozen.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// Where it begins, in cycles of the song.
    pub from: f64,
    /// How long it is, in cycles.
    pub cycles: f64,
    /// Quarter notes of a cycle.
    pub beats_per_cycle: f64,
    /// Quarter notes of a bar.
    pub bar_beats: f64,
    /// Quarter notes in a minute.
    pub tempo: f64,
    /// The session's seed.
    pub seed: u64,
}

/// A file, and what is in it.
#[derive(Debug)]
pub struct Frozen {
    /// The file.
    pub bytes: Vec<u8>,
    /// How many notes it has.
    pub notes: usize,
    /// How many of them are not in tune with their keys.
    pub detuned: usize,
    /// The slots that have a track: those that play notes or controllers there.
    pub slots: Vec<String>,
}

/// More notes than a file may have.
#[derive(Debug, PartialEq, Eq)]
pub struct TooMuch;

/// A message at a tick. Of one tick, ends come before controllers, and these before beginnings.
type Message = (u64, u8, u4, MidiMessage);

/// What these slots play in that time.
///
/// # Errors
/// If that is too much for a file.
pub fn freeze(takes: &[Take], stretch: &Stretch) -> Result<Frozen, TooMuch> {
    let end = stretch.ticks(stretch.cycles);
    let mut all = Vec::new();
    let (mut notes, mut detuned, mut slots) = (0, 0, Vec::new());
    let mut room = MAX_EVENTS;
    for take in takes {
        let mut played = Played { stretch, end, messages: Vec::new(), notes: 0, detuned: 0 };
        played.read(take, &mut room)?;
        if !played.messages.is_empty() {
            (notes, detuned) = (notes + played.notes, detuned + played.detuned);
            slots.push(take.slot.clone());
            all.push(played.messages);
        }
    }
    let named: Vec<Track<'_>> = slots
        .iter()
        .zip(&mut all)
        .map(|(slot, messages)| {
            messages.sort_by_key(|(tick, order, ..)| (*tick, *order));
            track(slot, messages, end)
        })
        .collect();
    let mut tracks = vec![conductor(stretch, end)];
    tracks.extend(named);
    let header = Header::new(Format::Parallel, Timing::Metrical(u15::new(TICKS)));
    let mut bytes = Vec::new();
    // A vector takes whatever is written.
    let _ = Smf { header, tracks }.write_std(&mut bytes);
    Ok(Frozen { bytes, notes, detuned, slots })
}

impl Stretch {
    /// So many cycles, in ticks.
    fn ticks(&self, cycles: f64) -> u64 {
        (cycles * self.beats_per_cycle * f64::from(TICKS)).round() as u64
    }

    /// The tick of an onset so many cycles after the beginning, if it is one of the stretch.
    fn tick_of(&self, cycles: f64) -> Option<u64> {
        let tick = (cycles * self.beats_per_cycle * f64::from(TICKS)).round();
        (tick >= 0.0 && tick < self.ticks(self.cycles) as f64).then_some(tick as u64)
    }
}

/// What one slot plays.
struct Played<'a> {
    stretch: &'a Stretch,
    /// The tick where the stretch ends; what sounds beyond ends there.
    end: u64,
    messages: Vec<Message>,
    notes: usize,
    detuned: usize,
}

/// A note as its parts have come so far.
#[derive(Default)]
struct Sounding {
    hz: Option<f64>,
    velocity: Option<f64>,
    open: Option<Open>,
    /// The tick where its unit ends, if that is where it ends without a closing.
    end: Option<u64>,
}

/// A note that has begun: when, its key and how far off it is, its velocity.
type Open = (u64, (u8, f64), u8);

/// A part of a note: its tick, whether it is the gate, whose it is, its name and value, and the tick where its unit ends.
type Part = (u64, bool, (String, Unit), String, f64, Option<u64>);

/// A unit of a pattern: the number of the place that made it, and its onset. Without one, all share one.
type Unit = (u32, i64, i64);

impl Played<'_> {
    fn read(&mut self, take: &Take, room: &mut usize) -> Result<(), TooMuch> {
        let mut events = EventBuffer::with_capacity(CYCLE);
        // The smallest window that holds the stretch; whether an onset lies in that, its tick says.
        let begin = self.stretch.from - take.origin;
        let (mut parts, mut at): (Vec<Part>, Time) = (Vec::new(), parts_of((begin * PARTS).floor()));
        let to = parts_of(((begin + self.stretch.cycles) * PARTS).floor() + 1.0);
        let seed = self.stretch.seed;
        let closes = torn(&take.program);
        while at < to {
            let next = to.min(at.floor() + Time::from_integer(1));
            events.clear();
            take.program.onsets(Span::new(at, next), seed, &mut events).map_err(|_| TooMuch)?;
            for event in events.as_slice() {
                let begin = float(event.whole.begin) + take.origin - self.stretch.from;
                let Some(tick) = self.stretch.tick_of(begin) else { continue };
                match &take.program.values()[event.value as usize] {
                    Value::Note { channel, note, velocity, dur } => {
                        let until = self.stretch.ticks(begin + dur);
                        *room = room.checked_sub(1).ok_or(TooMuch)?;
                        self.note(*channel, (tick, until), *note, *velocity);
                    }
                    Value::Cc { channel, controller, value } => {
                        *room = room.checked_sub(1).ok_or(TooMuch)?;
                        let (controller, value) = (u7::new(*controller), u7::new(*value));
                        let message = MidiMessage::Controller { controller, value };
                        self.messages.push((tick, 1, u4::new(*channel), message));
                    }
                    Value::Control { label, value } => {
                        let (number, onset) = event.unit_key;
                        let unit: Unit = match number {
                            0 => (0, 0, 1),
                            _ => (number, *onset.numer(), *onset.denom()),
                        };
                        // What a note has is there before it opens.
                        let (of, name) = label.rsplit_once('/').unwrap_or(("", label));
                        if is_gate_label(label) || matches!(name, "freq" | "vel") {
                            *room = room.checked_sub(1).ok_or(TooMuch)?;
                            let end = float(event.unit_end) + take.origin - self.stretch.from;
                            let held_by = &take.program.units()[event.value as usize];
                            let end = closes.contains(held_by).then(|| self.stretch.ticks(end));
                            let whose = (of.to_owned(), unit);
                            parts.push((tick, is_gate_label(label), whose, name.to_owned(), *value, end));
                        }
                    }
                    _ => {}
                }
            }
            at = next;
        }
        parts.sort_by_key(|part| (part.0, part.1));
        let mut sounding: BTreeMap<(String, Unit), Sounding> = BTreeMap::new();
        for (tick, is_gate, of, name, value, end) in parts {
            let note = sounding.entry(of).or_default();
            match (is_gate, name.as_str()) {
                (true, _) => {
                    let now = (tick, note.key(), note.velocity());
                    note.end = end;
                    if let Some(open) = std::mem::replace(&mut note.open, (value > 0.0).then_some(now)) {
                        self.pitched(open, tick);
                    }
                }
                (false, "freq") => note.hz = Some(value),
                _ => note.velocity = Some(value),
            }
        }
        // A note that was not closed ends with the stretch; one whose closing was torn off, with its unit.
        for (open, end) in sounding.into_values().filter_map(|note| note.open.zip(Some(note.end))) {
            self.pitched(open, end.unwrap_or(self.end));
        }
        Ok(())
    }

    fn pitched(&mut self, (begin, (key, off), velocity): Open, end: u64) {
        self.detuned += usize::from(off.abs() > IN_TUNE);
        self.note(0, (begin, end), key, velocity);
    }

    fn note(&mut self, channel: u8, (begin, end): (u64, u64), key: u8, velocity: u8) {
        let (key, channel) = (u7::new(key), u4::new(channel));
        // A note lasts a tick at least, and velocity 0 would end it.
        let end = end.min(self.end).max(begin + 1);
        let vel = u7::new(velocity.max(1));
        self.messages.push((begin, 2, channel, MidiMessage::NoteOn { key, vel }));
        self.messages.push((end, 0, channel, MidiMessage::NoteOff { key, vel: u7::new(0) }));
        self.notes += 1;
    }
}

/// Units that close a gate, where the pattern may tear that off: as the engine has it, their notes end with them.
fn torn(program: &Program) -> HashSet<u32> {
    let closing = |(value, unit): (&Value, &u32)| match value {
        Value::Control { label, value } if *unit != 0 && *value <= 0.0 && is_gate_label(label) => Some(*unit),
        _ => None,
    };
    let units = program.values().iter().zip(program.units());
    if program.tears() { units.filter_map(closing).collect() } else { HashSet::new() }
}

impl Sounding {
    /// The nearest key, and how far the pitch is above it, in semitones.
    fn key(&self) -> (u8, f64) {
        let Some(hz) = self.hz.filter(|hz| *hz > 0.0) else { return (UNPITCHED, 0.0) };
        let pitch = 69.0 + 12.0 * (hz / 440.0).log2();
        let key = pitch.round().clamp(0.0, 127.0);
        (key as u8, pitch - key)
    }

    fn velocity(&self) -> u8 {
        (self.velocity.unwrap_or(1.0) * 127.0).round().clamp(1.0, 127.0) as u8
    }
}

/// Times are asked for in so many parts of a cycle.
const PARTS: f64 = (1_u64 << 20) as f64;

fn parts_of(count: f64) -> Time {
    Time::new(count as i64, 1 << 20)
}

fn float(t: Time) -> f64 {
    *t.numer() as f64 / *t.denom() as f64
}

/// The track that says tempo and meter.
fn conductor(stretch: &Stretch, end: u64) -> Track<'static> {
    let tempo = (60e6 / stretch.tempo).round().clamp(1.0, f64::from((1 << 24) - 1)) as u32;
    let mut track = vec![meta(0, MetaMessage::Tempo(u24::new(tempo)))];
    // Quarters, eighths, or sixteenths, as far as they come to a bar.
    let unit = (0..3).find(|unit| (stretch.bar_beats * f64::from(1 << unit)).fract() == 0.0);
    if let Some(unit) = unit {
        let count = (stretch.bar_beats * f64::from(1 << unit)).clamp(1.0, 255.0) as u8;
        track.push(meta(0, MetaMessage::TimeSignature(count, 2 + unit as u8, 24, 8)));
    }
    track.push(meta(end as u32, MetaMessage::EndOfTrack));
    track
}

fn track<'a>(name: &'a str, messages: &[Message], end: u64) -> Track<'a> {
    let mut track = vec![meta(0, MetaMessage::TrackName(name.as_bytes()))];
    let mut at = 0;
    for &(tick, _, channel, message) in messages {
        let kind = TrackEventKind::Midi { channel, message };
        track.push(TrackEvent { delta: u28::new((tick - at) as u32), kind });
        at = tick;
    }
    track.push(meta(end.max(at).saturating_sub(at) as u32, MetaMessage::EndOfTrack));
    track
}

fn meta(delta: u32, message: MetaMessage<'_>) -> TrackEvent<'_> {
    TrackEvent { delta: u28::new(delta), kind: TrackEventKind::Meta(message) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use krach_patterns::{builders, compile};

    fn stretch(from: f64, cycles: f64) -> Stretch {
        Stretch { from, cycles, beats_per_cycle: 4.0, bar_beats: 3.5, tempo: 120.0, seed: 0 }
    }

    fn take(pattern: &krach_patterns::Pattern, origin: f64) -> Take {
        Take { slot: "a".into(), program: compile(pattern).expect("it is one"), origin }
    }

    /// Tick, order and message of the only track, its end among them.
    fn messages(frozen: &Frozen) -> Vec<(u32, String)> {
        let smf = Smf::parse(&frozen.bytes).expect("it is MIDI");
        let mut at = 0;
        let told = smf.tracks[1].iter().map(|event| {
            at += event.delta.as_int();
            (at, format!("{:?}", event.kind))
        });
        told.filter(|(_, what)| !what.contains("TrackName")).collect()
    }

    fn on(tick: u32, key: u8, velocity: u8) -> (u32, String) {
        (
            tick,
            format!("Midi {{ channel: u4(0), message: NoteOn {{ key: u7({key}), vel: u7({velocity}) }} }}"),
        )
    }

    fn off(tick: u32, key: u8) -> (u32, String) {
        (tick, format!("Midi {{ channel: u4(0), message: NoteOff {{ key: u7({key}), vel: u7(0) }} }}"))
    }

    fn end(tick: u32) -> (u32, String) {
        (tick, "Meta(EndOfTrack)".to_owned())
    }

    #[test]
    fn a_stretch_begins_at_tick_0_and_what_sounds_beyond_its_end_ends_there() {
        // From half a cycle on to the end of the first, of a note a cycle, three cycles into the song.
        let note = builders::note_with(69, 0.5, &[]).over(0.5).shift(0.3);
        let frozen = freeze(&[take(&note, 3.0)], &stretch(3.5, 0.5)).expect("it is not too much");
        // Onsets at 0.3 and 0.8; the gates close at 0.55 and 1.05.
        assert_eq!(messages(&frozen), [on(1_152, 69, 64), off(1_920, 69), end(1_920)]);
        assert_eq!((frozen.notes, frozen.detuned), (1, 0));
    }

    #[test]
    fn files_of_bars_that_end_between_two_ticks_of_a_clock_have_each_onset_once() {
        // A note a bar of 4/3 cycles: the third begins at 8/3, which no binary fraction is.
        let bars = builders::note_with(69, 0.5, &[]).over(4.0 / 3.0);
        let part = |from: f64, count: f64| {
            let bar = 4.0 / 3.0;
            let stretch =
                Stretch { beats_per_cycle: 3.0, bar_beats: 4.0, ..stretch(from * bar, count * bar) };
            messages(&freeze(&[take(&bars, 0.0)], &stretch).expect("it is not too much"))
        };
        let one = [on(0, 69, 64), off(1_920, 69), on(3_840, 69, 64), off(5_760, 69), end(7_680)];
        for from in [0.0, 1.0, 2.0, 3.0, 1_000.0, 1_001.0] {
            assert_eq!(part(from, 2.0), one, "{from}");
        }
    }

    #[test]
    fn a_note_whose_closing_the_pattern_tears_off_ends_with_its_unit() {
        // The gate would close beyond its half of the cycle.
        let long = builders::note_with(69, 0.5, &[]).over(2.0);
        let torn = builders::seq([Some(long), None]);
        let frozen = freeze(&[take(&torn, 0.0)], &stretch(0.0, 2.0)).expect("it is not too much");
        let until =
            messages(&frozen).into_iter().find(|(_, what)| what.contains("NoteOff")).expect("it ends").0;
        assert!(until <= 3_840, "{until}");
    }

    #[test]
    fn a_pitch_beside_its_key_is_counted_and_a_hit_has_a_key_of_its_own() {
        let two = builders::seq([Some(builders::note(445.0)), Some(builders::hit("gate"))]);
        let frozen = freeze(&[take(&two, 0.0)], &stretch(0.0, 1.0)).expect("it is not too much");
        let notes =
            [on(0, 69, 127), off(960, 69), on(1_920, UNPITCHED, 127), off(2_880, UNPITCHED), end(3_840)];
        assert_eq!(messages(&frozen), notes);
        assert_eq!((frozen.notes, frozen.detuned), (2, 1));
    }

    #[test]
    fn tempo_and_meter_stand_at_the_begin_and_a_slot_without_notes_has_no_track() {
        let control = builders::control("cutoff", 800.0);
        let frozen = freeze(&[take(&control, 0.0)], &stretch(0.0, 2.0)).expect("it is not too much");
        assert!(frozen.slots.is_empty());
        let smf = Smf::parse(&frozen.bytes).expect("it is MIDI");
        let told: Vec<_> = smf.tracks[0].iter().map(|event| (event.delta.as_int(), event.kind)).collect();
        let meta = TrackEventKind::Meta;
        assert_eq!(
            told,
            [
                (0, meta(MetaMessage::Tempo(u24::new(500_000)))),
                (0, meta(MetaMessage::TimeSignature(7, 3, 24, 8))),
                (7_680, meta(MetaMessage::EndOfTrack)),
            ]
        );
        assert_eq!(smf.tracks.len(), 1);
    }

    #[test]
    fn a_file_has_bounds() {
        let many = krach_patterns::Pattern::Fast {
            factor: [2_000, 1],
            child: Box::new(builders::hit("gate")),
            span: None,
        };
        assert_eq!(freeze(&[take(&many, 0.0)], &stretch(0.0, 64.0)).map(|frozen| frozen.notes), Err(TooMuch));
    }
}
