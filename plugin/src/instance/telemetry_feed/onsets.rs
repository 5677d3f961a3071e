//! What patterns begin between two pictures: computed from the session's patterns and the position that audio
//! has told. The audio thread does nothing for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use krach_core::engine::Engine;
use krach_core::link::Position;
use krach_core::model::SlotState;
use krach_core::node::is_gate_label;
use krach_patterns::{
    Event, EventBuffer, MAX_CYCLE, Pattern, Program, Span, Swing, Time, Value, compile_swung,
};

use crate::protocol::events::payloads::Onset;

/// Most onsets of a picture; of more only the number is told.
const MAX_ONSETS: usize = 256;
/// Room for the events of one slot between two pictures.
const MAX_EVENTS: usize = 4096;
/// Blocks and changes of tempo that may lie between a position and the count of blocks read with it.
const LEEWAY: f64 = 2.0;
/// Times are fractions of a cycle with this denominator.
const PARTS: i64 = 1 << 20;

/// A slot's pattern, ready to be asked.
struct Ready {
    pattern: Arc<Pattern>,
    swing: Option<Swing>,
    program: Program,
    /// Number of the last start that is past.
    begun: u64,
}

impl Ready {
    /// Where the slot begins to play between two positions. A start counts once: where time is set back, the
    /// slot plays on.
    fn begin(&mut self, start: Option<(u64, f64)>, from: f64, to: f64) -> f64 {
        let Some((number, due)) = start.filter(|(number, _)| *number != self.begun) else { return from };
        if due <= to {
            self.begun = number;
        }
        due.max(from)
    }
}

/// Follows the position.
#[derive(Default)]
pub(super) struct Onsets {
    /// Where the last picture ended, in cycles.
    at: Option<f64>,
    /// Blocks until then.
    blocks: u64,
    ready: BTreeMap<String, Ready>,
    room: Option<EventBuffer>,
}

impl Onsets {
    /// The onsets from the last position to this one, in their order, and how many more there were. A block
    /// lasts `longest` seconds at most; what is further away than the blocks since then reach is a jump.
    pub(super) fn follow(
        &mut self,
        position: &Position,
        blocks: u64,
        longest: f64,
        engine: &Engine,
    ) -> (Vec<Onset>, usize) {
        let passed = blocks.saturating_sub(std::mem::replace(&mut self.blocks, blocks)) as f64;
        let before = std::mem::replace(&mut self.at, position.running.then_some(position.cycles));
        let (Some(from), true) = (before, position.running) else { return Default::default() };
        let to = position.cycles;
        let cycles_per_second = position.tempo / 60.0 / position.beats_per_cycle.max(1e-6);
        let reach = LEEWAY * (passed + LEEWAY) * longest * cycles_per_second;
        if to <= from || to - from > reach {
            return Default::default();
        }
        let session = engine.session();
        self.ready.retain(|slot, _| session.slots.contains_key(slot));
        let room = self.room.get_or_insert_with(|| EventBuffer::with_capacity(MAX_EVENTS));
        let mut found: Vec<Onset> = Vec::new();
        let mut more = 0;
        for (slot, state) in session.slots.iter().filter(|(_, state)| state.playing) {
            let origin = if state.from_zero { state.origin } else { Some(0.0) };
            // One that has not begun yet plays nothing.
            let (Some(origin), Some(ready)) = (origin, ready(&mut self.ready, slot, state)) else { continue };
            let begin = ready.begin(engine.last_start(slot), from, to);
            let Some(window) = window(begin - origin, to - origin) else { continue };
            room.clear();
            if ready.program.onsets(window, session.settings.seed, room).is_err() {
                more += MAX_EVENTS;
                continue;
            }
            gather(slot, origin, &ready.program, room.as_slice(), &mut found);
        }
        found.sort_by(|a, b| a.position.total_cmp(&b.position));
        more += found.len().saturating_sub(MAX_ONSETS);
        found.truncate(MAX_ONSETS);
        (found, more)
    }
}

/// The slot's pattern, compiled if it is another than before.
fn ready<'a>(known: &'a mut BTreeMap<String, Ready>, slot: &str, state: &SlotState) -> Option<&'a mut Ready> {
    let same = |r: &Ready| Arc::ptr_eq(&r.pattern, &state.pattern) && r.swing == state.swing;
    if !known.get(slot).is_some_and(same) {
        let program = compile_swung(&state.pattern, state.swing).ok()?;
        let begun = known.get(slot).map_or(0, |ready| ready.begun);
        let ready = Ready { pattern: Arc::clone(&state.pattern), swing: state.swing, program, begun };
        known.insert(slot.to_owned(), ready);
    }
    known.get_mut(slot)
}

/// Neighbouring windows share their border, so that every onset is in one of them.
fn window(from: f64, to: f64) -> Option<Span> {
    let furthest = MAX_CYCLE as f64 - 1.0;
    let time = |x: f64| Time::new((x * PARTS as f64).floor() as i64, PARTS);
    let within = from.abs() < furthest && to.abs() < furthest;
    (within && from < to).then(|| Span::new(time(from), time(to))).filter(|span| span.begin < span.end)
}

/// What a note sets as it begins is one onset; each note of a chord is its own. The end of a gate begins
/// nothing.
fn gather(slot: &str, origin: f64, program: &Program, events: &[Event], found: &mut Vec<Onset>) {
    let mut groups: BTreeMap<(Time, u32), Vec<&Event>> = BTreeMap::new();
    for event in events.iter().filter(|event| !closes(&program.values()[event.value as usize])) {
        groups.entry((event.whole.begin, event.unit)).or_default().push(event);
    }
    for ((time, _), events) in groups {
        found.push(Onset {
            slot: slot.to_owned(),
            position: origin + *time.numer() as f64 / *time.denom() as f64,
            values: events.iter().map(|event| program.values()[event.value as usize].clone()).collect(),
            span: events.iter().find_map(|event| event.source),
        });
    }
}

fn closes(value: &Value) -> bool {
    matches!(value, Value::Control { label, value } if *value <= 0.0 && is_gate_label(label))
}
