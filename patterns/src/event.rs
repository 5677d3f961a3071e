//! What a query answers with, and the buffer it writes into.

use crate::arena::RawEvent;
use crate::ir::SourceSpan;
use crate::program::MAX_EVENTS_PER_CYCLE;
use crate::{Span, Time};

/// One event of a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// The event's own extent.
    pub whole: Span,
    /// The piece of `whole` that this event stands for: what the window and the steps it sits in
    /// left of it.
    pub part: Span,
    /// Index into [`crate::Program::values`].
    pub value: u32,
    /// Which unit the event belongs to, counted from 1 within this query in order of appearance:
    /// the innermost `Freeze` around it. 0: none.
    pub unit: u32,
    /// The same unit, but the same in every query of this program: the `Freeze` node (0: none) and
    /// the onset of the unit. A gate that opens in one block and closes in a later one has the
    /// same key in both.
    pub unit_key: (u32, Time),
    /// Where that unit ends; 0 without one.
    pub unit_end: Time,
    /// For a continuous control: its shape and where in it the event lies. Such an event has no onset.
    pub shape: Option<ShapeRef>,
    /// The piece of text that the event came from.
    pub source: Option<SourceSpan>,
}

impl Event {
    /// Does the event begin in the window? Shapes never do: they only go on.
    pub fn has_onset(&self) -> bool {
        self.shape.is_none() && self.whole.begin == self.part.begin
    }
}

/// Where in its shape an event lies.
///
/// The phase goes in a straight line from `from` at `whole.begin` to `to` at `whole.end`,
/// whatever the window, so a value depends on the position alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShapeRef {
    /// Index into [`crate::Program::shapes`].
    pub index: u32,
    /// The period's number, for shapes that differ from period to period (`rand`).
    pub period: i64,
    /// Phase at the beginning of the whole, in `[0, 1]`.
    pub from: f64,
    /// Phase at the end of the whole, in `[0, 1]`; below `from` when time runs backwards.
    pub to: f64,
}

impl ShapeRef {
    /// The phase at `part` of the way from `whole.begin` (0.0) to `whole.end` (1.0).
    pub fn phase(&self, part: f64) -> f64 {
        self.from + (self.to - self.from) * part
    }
}

/// The buffer had no room; the query added nothing to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the event buffer is full: query a shorter window or give it more room")]
pub struct Full;

/// A fixed amount of room for the events of queries, allocated once.
///
/// It also holds the room that a query works in, which is why it takes about 1 MB more than its events.
#[derive(Debug)]
pub struct EventBuffer {
    pub(crate) events: Vec<Event>,
    pub(crate) capacity: usize,
    pub(crate) narrow: Vec<RawEvent<i64>>,
    pub(crate) wide: Vec<RawEvent<i128>>,
    pub(crate) units: Units,
}

/// The units that a query has met, by key: a hash table with open addressing, so that numbering
/// them takes the same time for the first unit and the four-thousandth.
#[derive(Debug)]
pub(crate) struct Units {
    /// `(query, unit's first event)`; entries of earlier queries count as empty.
    slots: Vec<(u32, u32)>,
    query: u32,
    met: u32,
}

impl Units {
    fn with_capacity(events: usize) -> Self {
        let size = (2 * events).next_power_of_two().max(2);
        Self { slots: vec![(0, 0); size], query: 0, met: 0 }
    }

    /// A new query: no units yet.
    pub fn clear(&mut self) {
        self.met = 0;
        self.query = self.query.wrapping_add(1);
        if self.query == 0 {
            self.slots.fill((0, 0));
            self.query = 1;
        }
    }

    /// The number of the unit with this key, whose next event will be the one after `events`.
    pub fn number(&mut self, key: (u32, Time), events: &[Event]) -> u32 {
        if let Some(last) = events.last()
            && last.unit_key == key
        {
            return last.unit;
        }
        let (num, den) = (*key.1.numer() as u64, *key.1.denom() as u64);
        let hash = crate::shape::hash(u64::from(key.0), crate::shape::hash(num, den));
        let mask = self.slots.len() - 1;
        let mut at = (hash >> 32) as usize & mask;
        // At most half of the slots are taken, so this ends.
        loop {
            let (query, event) = self.slots[at];
            if query != self.query {
                self.met += 1;
                self.slots[at] = (self.query, events.len() as u32);
                return self.met;
            }
            if let Some(event) = events.get(event as usize)
                && event.unit_key == key
            {
                return event.unit;
            }
            at = (at + 1) & mask;
        }
    }
}

impl EventBuffer {
    /// Room for `capacity` events.
    pub fn with_capacity(capacity: usize) -> Self {
        // One cycle's events are the most a query works on at once.
        let work = MAX_EVENTS_PER_CYCLE as usize;
        Self {
            events: Vec::with_capacity(capacity),
            capacity,
            narrow: Vec::with_capacity(work),
            wide: Vec::with_capacity(work),
            units: Units::with_capacity(capacity),
        }
    }

    /// Forgets all events; keeps the room.
    pub fn clear(&mut self) {
        self.events.clear();
    }

    /// The events so far, in query order.
    pub fn as_slice(&self) -> &[Event] {
        &self.events
    }

    /// How many events it holds.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// How many events it has room for.
    pub fn capacity(&self) -> usize {
        self.capacity
    }
}
