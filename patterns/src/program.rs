//! The compiled pattern and its two questions: what lies in a window, and what begins in it?

use crate::arena::{Arena, RawEvent};
use crate::draft::Leaf;
use crate::event::{Event, EventBuffer, Full, ShapeRef};
use crate::ir::SourceSpan;
use crate::query::Walk;
use crate::shape::Shape;
use crate::tick::Tick;
use crate::{Span, Time, Value};

/// The most events per cycle that a pattern may have; above, [`crate::compile()`] refuses it.
pub const MAX_EVENTS_PER_CYCLE: u32 = 4096;

/// Queries reach from `-MAX_CYCLE` to `MAX_CYCLE` cycles (at 2 s per cycle, 136 years); windows are
/// cut to that.
pub const MAX_CYCLE: i64 = 1 << 31;

/// A compiled pattern: immutable, to be shared between threads.
#[derive(Debug)]
pub struct Program {
    pub(crate) body: Body,
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) values: Vec<Value>,
    pub(crate) units: Vec<u32>,
    pub(crate) shapes: Vec<Shape>,
    pub(crate) events_per_cycle: u32,
    pub(crate) period: Option<u64>,
    pub(crate) tears: bool,
}

/// Compiled on the control thread, queried on the audio thread.
const _: fn() = || {
    fn crosses_threads<T: Send + Sync>() {}
    crosses_threads::<Program>();
    crosses_threads::<EventBuffer>();
};

/// The arena, in the narrowest ticks that hold it.
#[derive(Debug)]
pub(crate) enum Body {
    Silent,
    Narrow(Arena<i64>),
    Wide(Arena<i128>),
}

impl Program {
    pub(crate) fn silent() -> Self {
        Self {
            body: Body::Silent,
            leaves: Vec::new(),
            values: Vec::new(),
            units: Vec::new(),
            shapes: Vec::new(),
            events_per_cycle: 0,
            period: Some(1),
            tears: false,
        }
    }

    /// The values that events point at with [`Event::value`].
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The piece of text that the value of this index came from, if the pattern was written as one.
    pub fn source_of(&self, value: usize) -> Option<SourceSpan> {
        self.leaves.iter().find(|leaf| leaf.value as usize == value)?.source
    }

    /// For each of [`Program::values`], which `Freeze` of the pattern holds it, counted from 1: the
    /// innermost. 0: none.
    pub fn units(&self) -> &[u32] {
        &self.units
    }

    /// The shapes that events point at with [`ShapeRef::index`].
    pub fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    /// How many events a query of one cycle gives at most: at most [`MAX_EVENTS_PER_CYCLE`].
    pub fn events_per_cycle(&self) -> u32 {
        self.events_per_cycle
    }

    /// After so many cycles, 1 or more, the same onsets come again, so many cycles later; `None` if chance
    /// decides, or if it takes more than 64 bits count.
    pub fn period(&self) -> Option<u64> {
        self.period
    }

    /// May a unit lose its end? One that reaches over a border at which an operator above goes another
    /// way (a step of `Cat` or `Euclid`, a cycle of `Every` or of an outer `Freeze`) does.
    pub fn tears(&self) -> bool {
        self.tears
    }

    /// Appends all events whose part intersects the window, in query order, cycle by cycle.
    ///
    /// `seed` is the session's; it is added to the seed of every `Degrade`. Allocates nothing.
    ///
    /// # Errors
    /// [`Full`] if `out` has no room for all of them; then it is left as it was.
    pub fn query(&self, window: Span, seed: u64, out: &mut EventBuffer) -> Result<(), Full> {
        self.answer(window, seed, false, out)
    }

    /// Appends the events that begin in the window (those of [`Program::query`] that have an onset),
    /// looking only where events begin: in most short windows none does, and that is known at once.
    ///
    /// # Errors
    /// As for [`Program::query`].
    pub fn onsets(&self, window: Span, seed: u64, out: &mut EventBuffer) -> Result<(), Full> {
        self.answer(window, seed, true, out)
    }

    /// Where the first event of [`Program::onsets`] begins; `None`: none does in the window.
    ///
    /// # Errors
    /// [`Full`] if the room that `room` has for its work is too small. Its events stay as they are.
    pub fn first_onset(&self, window: Span, seed: u64, room: &mut EventBuffer) -> Result<Option<Time>, Full> {
        match &self.body {
            Body::Silent => Ok(None),
            Body::Narrow(arena) => self.first_in(arena, &mut room.narrow, window, seed),
            Body::Wide(arena) => self.first_in(arena, &mut room.wide, window, seed),
        }
    }

    fn first_in<T: Tick>(
        &self,
        arena: &Arena<T>,
        work: &mut Vec<RawEvent<T>>,
        window: Span,
        seed: u64,
    ) -> Result<Option<Time>, Full> {
        for piece in pieces(window) {
            let (from, to) = (arena.grid.ceil(piece.begin), arena.grid.ceil(piece.end));
            if from < to {
                work.clear();
                Walk { arena, leaves: &self.leaves, seed, out: work }.run(from, to, true)?;
                if let Some(first) = work.iter().map(|raw| raw.whole[0]).min() {
                    return Ok(Some(arena.grid.time(first)));
                }
            }
        }
        Ok(None)
    }

    fn answer(&self, window: Span, seed: u64, onsets: bool, out: &mut EventBuffer) -> Result<(), Full> {
        let before = out.events.len();
        let mut narrow = std::mem::take(&mut out.narrow);
        let mut wide = std::mem::take(&mut out.wide);
        let answered = match &self.body {
            Body::Silent => Ok(()),
            Body::Narrow(arena) => self.collect(arena, &mut narrow, window, seed, onsets, out),
            Body::Wide(arena) => self.collect(arena, &mut wide, window, seed, onsets, out),
        };
        out.narrow = narrow;
        out.wide = wide;
        if answered.is_err() {
            out.events.truncate(before);
        }
        answered
    }

    fn collect<T: Tick>(
        &self,
        arena: &Arena<T>,
        work: &mut Vec<RawEvent<T>>,
        window: Span,
        seed: u64,
        onsets: bool,
        out: &mut EventBuffer,
    ) -> Result<(), Full> {
        let first = out.events.len();
        out.units.clear();
        for piece in pieces(window) {
            let from = if onsets { arena.grid.ceil(piece.begin) } else { arena.grid.floor(piece.begin) };
            let to = arena.grid.ceil(piece.end);
            if from < to {
                work.clear();
                let mut walk = Walk { arena, leaves: &self.leaves, seed, out: work };
                walk.run(from, to, onsets)?;
                for raw in work.iter() {
                    if out.events.len() >= out.capacity {
                        return Err(Full);
                    }
                    let mut event = self.event(arena, raw, piece, [from, to], onsets);
                    if raw.freeze != 0 {
                        event.unit = out.units.number(event.unit_key, &out.events[first..]);
                    }
                    out.events.push(event);
                }
            }
        }
        Ok(())
    }

    /// From ticks back to fractions. Where the part ends with the rounded window, it really ends
    /// with the exact one.
    fn event<T: Tick>(
        &self,
        arena: &Arena<T>,
        raw: &RawEvent<T>,
        window: Span,
        [from, to]: [T; 2],
        onsets: bool,
    ) -> Event {
        let grid = &arena.grid;
        let leaf = &self.leaves[raw.leaf as usize];
        let whole = Span { begin: grid.time(raw.whole[0]), end: grid.time(raw.whole[1]) };
        let part = Span {
            begin: if raw.part[0] <= from && !onsets {
                window.begin
            } else if raw.part[0] == raw.whole[0] {
                whole.begin
            } else {
                grid.time(raw.part[0])
            },
            end: if raw.part[1] >= to {
                window.end
            } else if raw.part[1] == raw.whole[1] {
                whole.end
            } else {
                grid.time(raw.part[1])
            },
        };
        let [unit_begin, unit_end] = match raw.freeze {
            0 => [Time::new_raw(0, 1); 2],
            _ => raw.inner.map(|tick| match () {
                () if tick == raw.whole[0] => whole.begin,
                () if tick == raw.whole[1] => whole.end,
                () => grid.time(tick),
            }),
        };
        Event {
            whole,
            part,
            value: leaf.value,
            unit: 0,
            unit_key: (raw.freeze, unit_begin),
            unit_end,
            shape: leaf.shape.map(|index| ShapeRef { index, period: raw.period, from: raw.from, to: raw.to }),
            source: leaf.source,
        }
    }
}

/// A window as far as patterns are exact, cut at whole cycles.
fn pieces(window: Span) -> impl Iterator<Item = Span> {
    let last = Time::from_integer(MAX_CYCLE);
    let mut begin = if floor(window.begin) < -MAX_CYCLE { -last } else { window.begin };
    let end = if floor(window.end) >= MAX_CYCLE { last } else { window.end };
    std::iter::from_fn(move || {
        let next = (begin < end).then(|| floor(begin) + 1)?;
        let piece = Span { begin, end: if floor(end) < next { end } else { Time::from_integer(next) } };
        begin = piece.end;
        Some(piece)
    })
}

fn floor(time: Time) -> i64 {
    time.numer().div_euclid(*time.denom())
}
