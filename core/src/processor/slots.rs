//! The slots of an engine: which of them hold a pattern, and in which piece of time none of its events begins.

use super::control_writes::SlotSet;
use super::patterns::{FARTHEST, WINDOW, cycles};
use crate::limits::MAX_SLOTS;
use crate::slot::{BoundPattern, MAX_AHEAD};
use krach_patterns::{Event, EventBuffer, Program, Span, Time};

/// Most events per cycle that a slot expects when it looks ahead.
const EXPECTED: u32 = 64;
/// The shortest and the longest piece that is looked at ahead, in windows.
const SHORTEST: i64 = 1 << 10;
const LONGEST: i64 = WINDOW as i64;

/// A slot that plays.
pub(super) struct Slot {
    pub pattern: Box<BoundPattern>,
    pub origin: f64,
    pub from: f64,
    /// It was hushed on this sample, and what it holds is still to go.
    pub hushed: bool,
    pub quiet: Quiet,
}

impl Slot {
    pub fn new(pattern: Box<BoundPattern>, origin: f64, from: f64) -> Self {
        let quiet = Quiet::of(&pattern.program);
        Self { pattern, origin, from, hushed: false, quiet }
    }

    /// It was not hushed.
    pub fn plays(&self) -> bool {
        self.from < f64::INFINITY && !self.hushed
    }

    /// Nothing begins within `[begin, end]`, in cycles of the session, as far as is known.
    pub fn is_quiet(&self, (begin, end): (f64, f64)) -> bool {
        self.quiet.holds(begin - self.origin, end - self.origin)
    }

    /// What begins within `[begin, end]`, and perhaps more after that, if it is known.
    pub fn known(&self, (begin, end): (f64, f64)) -> Option<&[Event]> {
        let known = self.quiet.knows(begin - self.origin, end - self.origin);
        known.then_some(&self.pattern.ahead)
    }

    /// `window` has been played, and `asked` is the last of what was asked for it, if it was not known: finds out how
    /// long nothing begins after that, and what comes then.
    pub fn look_ahead(
        &mut self,
        window: Span,
        asked: Option<Option<f64>>,
        seed: u64,
        room: &mut EventBuffer,
    ) {
        let BoundPattern { program, ahead, .. } = &mut *self.pattern;
        match asked {
            Some(last) => self.quiet.look(window, window.end, last, (program, seed), (ahead, room)),
            None => {
                let end = cycles(window.end);
                let begins = || ahead.iter().map(|event| cycles(event.whole.begin));
                let last = begins().filter(|begin| *begin < end).reduce(f64::max);
                match begins().filter(|begin| *begin >= end).reduce(f64::min) {
                    Some(next) => self.quiet.reach(last, next),
                    None => self.quiet.look(window, self.quiet.known, last, (program, seed), (ahead, room)),
                }
            }
        }
    }
}

/// A piece of a pattern's own time in which none of its events begins, and what begins at its end. It holds wherever
/// time jumps and however fast it goes; another pattern or another seed of the session ends it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quiet {
    /// In cycles, both on the grid of windows.
    begin: f64,
    end: f64,
    /// What begins up to here is known.
    known: Time,
    /// How many windows are looked at ahead next.
    ahead: i64,
    most: i64,
    /// The last look brought more than one window. Where it did not, only windows without any event lead to another.
    worth: bool,
    /// What begins at once finds room to be remembered.
    few: bool,
}

impl Quiet {
    /// Nothing is known yet.
    fn of(program: &Program) -> Self {
        let share = u64::from(program.events_per_cycle().div_ceil(EXPECTED)).next_power_of_two();
        let most = (LONGEST / share as i64).clamp(SHORTEST, LONGEST);
        let known = Time::new_raw(0, 1);
        Self { begin: 0.0, end: 0.0, known, ahead: SHORTEST, most, worth: true, few: true }
    }

    /// Does the piece hold the smallest window that holds `[begin, end]`? Its ends lie on the grid, so that
    /// they need not be rounded to it.
    fn holds(&self, begin: f64, end: f64) -> bool {
        begin >= self.begin && end < self.end
    }

    /// Is all known that begins in that window?
    fn knows(&self, begin: f64, end: f64) -> bool {
        begin >= self.begin && end < cycles(self.known)
    }

    fn forget(&mut self) {
        (self.begin, self.end, self.known) = (0.0, 0.0, Time::new_raw(0, 1));
    }

    /// It begins behind the last event and ends with the next.
    fn reach(&mut self, last: Option<f64>, next: f64) {
        self.begin = last.map_or(self.begin, behind);
        self.end = (next * WINDOW).floor() / WINDOW;
    }

    /// Looks ahead from a place on the grid behind `window`, up to which nothing begins after `last`.
    fn look(
        &mut self,
        window: Span,
        from: Time,
        last: Option<f64>,
        (program, seed): (&Program, u64),
        (ahead, room): (&mut Vec<Event>, &mut EventBuffer),
    ) {
        ahead.clear();
        let begin = last.map_or(if from == window.end { cycles(window.begin) } else { self.begin }, behind);
        (self.begin, self.end, self.known) = (begin, cycles(from), from);
        let until = grid(from).saturating_add(self.ahead);
        if last.is_some() && !self.worth || until > FARTHEST as i64 {
            return;
        }
        let until = at(until);
        let span = Span { begin: from, end: until };
        room.clear();
        let next = if self.few {
            let Ok(()) = program.onsets(span, seed, room) else { return };
            room.as_slice().iter().map(|event| event.whole.begin).min()
        } else {
            let Ok(next) = program.first_onset(span, seed, room) else { return };
            next
        };
        (self.known, self.end) = (until, cycles(next.map_or(until, |next| at(grid(next)))));
        let quiet = grid(next.unwrap_or(until)) - grid(from);
        self.ahead = match next {
            None => 2 * self.ahead,
            // A few events at a time are to be remembered.
            Some(_) if self.few && room.len() < MAX_AHEAD / 4 => 2 * self.ahead,
            Some(_) if self.few && room.len() <= MAX_AHEAD => self.ahead,
            Some(_) if self.few => self.ahead / 2,
            // The next look is to reach just beyond the next onset.
            Some(_) => quiet + quiet / 8 + 1,
        };
        self.ahead = self.ahead.clamp(SHORTEST, self.most);
        if let Some(next) = next {
            self.known = remember(room.as_slice(), next, ahead).unwrap_or(until);
            self.few = !ahead.is_empty();
        }
        self.worth = quiet.max(grid(self.known) - grid(from)) > grid(window.end) - grid(window.begin);
    }
}

/// Keeps what begins from `next` on, as much as there is room for: up to where all is kept, if not all is.
fn remember(events: &[Event], next: Time, ahead: &mut Vec<Event>) -> Option<Time> {
    if !events.is_empty() && events.len() <= ahead.capacity() {
        ahead.extend_from_slice(events);
        return None;
    }
    let first = |event: &&Event| event.whole.begin == next;
    if events.iter().filter(first).count() <= ahead.capacity() {
        ahead.extend(events.iter().filter(first));
    }
    let others = events.iter().map(|event| event.whole.begin).filter(|begin| *begin != next).min();
    Some(at(grid(others.filter(|_| !ahead.is_empty()).unwrap_or(next))))
}

/// The first point of the grid that is surely behind `place`. As a float it may be off by half a window.
fn behind(place: f64) -> f64 {
    ((place * WINDOW).floor() + 2.0) / WINDOW
}

/// A point of the grid of windows.
fn at(window: i64) -> Time {
    Time::new_raw(window, 1 << 20).reduced()
}

/// The last point of the grid of windows at or before `time`.
fn grid(time: Time) -> i64 {
    (i128::from(*time.numer()) << 20).div_euclid(i128::from(*time.denom())) as i64
}

/// All slots.
pub(super) struct Slots {
    list: Vec<Option<Slot>>,
    /// Those that hold a pattern.
    held: SlotSet,
    /// Those of them whose pattern has shapes.
    drawing: SlotSet,
    /// The control side is still to be told where their patterns count from.
    unreported: SlotSet,
}

impl Slots {
    /// All empty.
    pub fn new() -> Self {
        let list = (0..MAX_SLOTS).map(|_| None).collect();
        Self { list, held: SlotSet::NONE, drawing: SlotSet::NONE, unreported: SlotSet::NONE }
    }

    /// How many there may be.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn get(&self, index: usize) -> Option<&Slot> {
        self.list.get(index)?.as_ref()
    }

    pub fn get_mut(&mut self, index: usize) -> Option<&mut Slot> {
        self.list.get_mut(index)?.as_mut()
    }

    /// Indices of those that hold a pattern, in order.
    pub fn held(&self) -> impl Iterator<Item = usize> + use<> {
        self.held.indices()
    }

    /// The same of those whose pattern has shapes.
    pub fn drawing(&self) -> impl Iterator<Item = usize> + use<> {
        self.drawing.indices()
    }

    /// The same of those whose origin the control side is to be told.
    pub fn unreported(&self) -> impl Iterator<Item = usize> + use<> {
        self.unreported.indices()
    }

    /// The control side knows where it counts from, or need not know any more.
    pub fn told(&mut self, index: usize) {
        self.unreported.remove(index);
    }

    /// Puts a pattern into a slot; gives back the one that was there.
    pub fn put(&mut self, index: usize, slot: Slot) -> Option<Slot> {
        let old = self.take(index);
        let place = self.list.get_mut(index)?;
        self.held.add(index);
        if !slot.pattern.program.shapes().is_empty() {
            self.drawing.add(index);
        }
        if slot.pattern.origin.is_none() {
            self.unreported.add(index);
        }
        *place = Some(slot);
        old
    }

    /// Empties a slot.
    pub fn take(&mut self, index: usize) -> Option<Slot> {
        for set in [&mut self.held, &mut self.drawing, &mut self.unreported] {
            set.remove(index);
        }
        self.list.get_mut(index)?.take()
    }

    /// What is known of the patterns' silence holds no more.
    pub fn forget_quiet(&mut self) {
        for index in self.held() {
            if let Some(slot) = self.get_mut(index) {
                slot.quiet.forget();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::patterns::{cycles, window};
    use super::*;
    use krach_patterns::{Pattern, builders::*, compile};

    /// Asks for cycles 3 to 7 in blocks of `block` cycles as the engine does: with windows that reach beyond the block
    /// on both sides, of which each block takes what is its own. How often it had to be asked, and which onsets came.
    fn asked(pattern: &Pattern, block: f64, seed: u64) -> (usize, Vec<Time>) {
        let mut slot = Slot::new(bound(pattern), 0.0, 0.0);
        let mut room = EventBuffer::with_capacity(10_000);
        let (mut count, mut found) = (0, Vec::new());
        for number in 0..(4.0 / block).ceil() as usize {
            let [begin, end] = [number, number + 1].map(|number| 3.0 + number as f64 * block);
            let (low, high) = (begin - 0.2 * block, end + 0.2 * block);
            if slot.is_quiet((low, high)) {
                continue;
            }
            let span = window(low, high);
            room.clear();
            let known = slot.known((low, high)).is_some();
            if !known {
                slot.pattern.program.onsets(span, seed, &mut room).unwrap();
                count += 1;
            }
            let events = slot.known((low, high)).unwrap_or(room.as_slice());
            let its = |at: &Time| (begin..end).contains(&cycles(*at)) && cycles(*at) < 7.0;
            found.extend(events.iter().map(|event| event.whole.begin).filter(its));
            let last = events.iter().map(|event| cycles(event.whole.begin)).reduce(f64::max);
            slot.look_ahead(span, (!known).then_some(last), seed, &mut room);
        }
        found.sort();
        found.dedup();
        (count, found)
    }

    fn bound(pattern: &Pattern) -> Box<BoundPattern> {
        Box::new(BoundPattern {
            program: compile(pattern).unwrap(),
            targets: Vec::new(),
            chased: 0,
            chase: Box::default(),
            ahead: Vec::with_capacity(MAX_AHEAD),
            origin: None,
            from: None,
            serial: 1,
            content: 0,
        })
    }

    /// The onsets of these cycles, each once.
    fn onsets(pattern: &Pattern, seed: u64) -> Vec<Time> {
        let mut room = EventBuffer::with_capacity(10_000);
        let program = compile(pattern).unwrap();
        program.onsets(Span::new(3.into(), 7.into()), seed, &mut room).unwrap();
        let mut all: Vec<Time> = room.as_slice().iter().map(|event| event.whole.begin).collect();
        all.sort();
        all.dedup();
        all
    }

    #[test]
    fn a_slot_is_asked_where_something_begins_and_nearly_nowhere_else() {
        let blocks = 4 * 375;
        let block = 4.0 / f64::from(blocks);
        // Blocks with an onset, and a look now and then where nothing comes for long.
        for (pattern, most) in [
            (rest(), 16),
            (hit("gate") * 4, 24),
            ((hit("gate") * 16).swing(0.6, 8).thin(0.3, 1), 50),
            (hit("gate").spread(7, 16).every(4, Pattern::rev), 50),
            (hit("gate").over(16.0), 16),
            (cat(vec![hit("gate"), rest(), rest()]).over(4.0), 20),
        ] {
            let (count, found) = asked(&pattern, block, 0);
            assert!(count <= most, "{count} of {blocks} for {pattern:?}");
            assert_eq!(found, onsets(&pattern, 0), "{pattern:?}");
        }
    }

    #[test]
    fn no_onset_is_missed_in_blocks_of_any_length() {
        let fast = (hit("gate") * 190).thin(0.5, 3) | (control("c", 1.0) * 7);
        let patterns = [
            fast,
            hit("gate").spread(5, 13).every(3, Pattern::rev).swing(0.7, 4),
            (note(220.0) * 6).thin(0.9, 1).over(0.75),
            // More than is remembered: in one look, and at once.
            cat(vec![rest(), hit("gate") * 64]).over(2.0),
            stack((0..20).map(|n| hit(&format!("n{n}/gate")) * 8).collect()),
        ];
        for pattern in &patterns {
            for block in [1.0 / 375.0, 1.0 / 97.3, 1.0 / 11.0, 1.0 / 3000.0, 0.7, 2.0] {
                let (_, found) = asked(pattern, block, 5);
                let within: Vec<Time> = onsets(pattern, 5);
                assert!(
                    within.iter().all(|onset| found.contains(onset) || cycles(*onset) > 7.0 - block),
                    "{block}"
                );
            }
        }
    }

    #[test]
    fn a_slot_that_is_empty_is_in_no_set() {
        let mut slots = Slots::new();
        for index in [3, 64, 1023] {
            slots.put(index, Slot::new(bound(&hit("gate")), 0.0, 0.0));
        }
        assert!(slots.put(MAX_SLOTS, Slot::new(bound(&rest()), 0.0, 0.0)).is_none());
        assert_eq!(slots.held().collect::<Vec<_>>(), [3, 64, 1023]);
        assert_eq!(slots.unreported().collect::<Vec<_>>(), [3, 64, 1023]);
        assert_eq!(slots.drawing().count(), 0);
        slots.told(3);
        assert!(slots.take(64).is_some());
        assert_eq!(slots.held().collect::<Vec<_>>(), [3, 1023]);
        assert_eq!(slots.unreported().collect::<Vec<_>>(), [1023]);
    }
}
