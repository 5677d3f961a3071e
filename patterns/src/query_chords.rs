//! Chords in a query: events that begin and end together, played one after the other or turned over; and what there is
//! at a moment.

use crate::arena::{Arena, RawEvent};
use crate::chord::{MAX_CHORD, Order, Turned};
use crate::event::Full;
use crate::query::{View, Walk, each_cycle, push};
use crate::tick::Tick;

/// Events of one chord that sound at a moment, by their places on the list. They stand in the order in which the
/// child gave them.
struct Sounding {
    places: [usize; MAX_CHORD],
    count: usize,
}

/// The leaves of the notes that sound at a moment.
struct Chord {
    notes: [u32; MAX_CHORD],
    count: usize,
}

impl<T: Tick> Walk<'_, T> {
    /// At each moment the events with one whole are a chord, and its notes divide the whole.
    pub fn arp(
        &mut self,
        child: u32,
        notes: [u32; 2],
        order: Order,
        n: u32,
        view: View<T>,
    ) -> Result<(), Full> {
        self.chords(
            child,
            view,
            |_| 0,
            |walk, sounding, part| {
                let chord = walk.notes_of(sounding, notes)?;
                let event = RawEvent { part, ..walk.out[sounding.places[0]] };
                walk.play(&event, &chord, order, n, &view)
            },
        )
    }

    /// At each moment the events with one whole that were given one number are a chord, which is turned over as often.
    pub fn invert(&mut self, child: u32, leaf: u32, first: u32, view: View<T>) -> Result<(), Full> {
        let inversion = |arena: &Arena<T>, event: u32| arena.inversions[(first + event - leaf) as usize];
        let arena = self.arena;
        self.chords(
            child,
            view,
            |event| inversion(arena, event).by,
            |walk, sounding, part| {
                let mut keys = [0.0; MAX_CHORD];
                let mut notes = [(0, 0); MAX_CHORD];
                let mut count = 0;
                for place in &sounding.places[..sounding.count] {
                    let [first, last] = inversion(arena, walk.out[*place].leaf).notes;
                    for note in first..last {
                        // The compiler counted how many there can be.
                        if count == MAX_CHORD {
                            return Err(Full);
                        }
                        keys[count] = arena.pitches[note as usize].pitch;
                        notes[count] = (*place, note);
                        count += 1;
                    }
                }
                let by = inversion(arena, walk.out[sounding.places[0]].leaf).by;
                for (note, octave) in Turned::new(&keys[..count], by).notes() {
                    let (place, pitch) = notes[note];
                    let pitch = arena.pitches[pitch as usize];
                    let leaf = arena.cells[pitch.cell as usize + (octave - pitch.lowest) as usize];
                    let event = RawEvent { part, leaf, period: 0, ..walk.out[place] };
                    if Self::wanted(&event, &view) {
                        push(walk.out, event)?;
                    }
                }
                Ok(())
            },
        )
    }

    /// The chords of a child, moment by moment: the events with one whole of which `kind` says the same. They lie on the
    /// list meanwhile, and are taken out at the end.
    fn chords(
        &mut self,
        child: u32,
        view: View<T>,
        kind: impl Fn(u32) -> i32,
        mut play: impl FnMut(&mut Self, &Sounding, [T; 2]) -> Result<(), Full>,
    ) -> Result<(), Full> {
        let start = self.out.len();
        self.visit(child, View { onsets: false, ..view })?;
        let end = self.out.len();
        // Nobody else needs the period of an event without a shape.
        for (place, event) in self.out[start..].iter_mut().enumerate() {
            event.period = place as i64;
        }
        // The place makes all keys different, so that the order is the same every time.
        self.out[start..].sort_unstable_by_key(|e| (e.whole, kind(e.leaf), e.part[0], e.period));
        let mut first = start;
        while first < end {
            let RawEvent { whole, leaf, .. } = self.out[first];
            let same = |event: &RawEvent<T>| event.whole == whole && kind(event.leaf) == kind(leaf);
            let more = self.out[first..end].iter().take_while(|event| same(event)).count();
            self.chord(first..first + more, &mut play)?;
            first += more;
        }
        self.out.drain(start..end);
        Ok(())
    }

    /// The events of one chord, in the order of their beginnings: from moment to moment what sounds.
    fn chord(
        &mut self,
        events: std::ops::Range<usize>,
        play: &mut impl FnMut(&mut Self, &Sounding, [T; 2]) -> Result<(), Full>,
    ) -> Result<(), Full> {
        let mut sounding = Sounding { places: [0; MAX_CHORD], count: 0 };
        let mut next = events.start;
        let mut now = self.out[next].part[0];
        loop {
            let mut left = 0;
            for at in 0..sounding.count {
                let place = sounding.places[at];
                if self.out[place].part[1] > now {
                    sounding.places[left] = place;
                    left += 1;
                }
            }
            sounding.count = left;
            while next < events.end && self.out[next].part[0] <= now {
                // The compiler counted how many there can be.
                if sounding.count == MAX_CHORD {
                    return Err(Full);
                }
                let mut at = sounding.count;
                while at > 0 && self.out[sounding.places[at - 1]].period > self.out[next].period {
                    sounding.places[at] = sounding.places[at - 1];
                    at -= 1;
                }
                sounding.places[at] = next;
                sounding.count += 1;
                next += 1;
            }
            let begins = (next < events.end).then(|| self.out[next].part[0]);
            let ends = sounding.places[..sounding.count].iter().map(|place| self.out[*place].part[1]);
            let Some(until) = ends.chain(begins).min() else { return Ok(()) };
            if sounding.count > 0 {
                play(self, &sounding, [now, until])?;
            }
            now = until;
        }
    }

    fn notes_of(&self, sounding: &Sounding, [leaf, split]: [u32; 2]) -> Result<Chord, Full> {
        let mut chord = Chord { notes: [0; MAX_CHORD], count: 0 };
        for place in &sounding.places[..sounding.count] {
            let own = self.out[*place].leaf - leaf;
            let [first, last] = self.arena.splits[(split + own) as usize];
            for note in &self.arena.cells[first as usize..last as usize] {
                if chord.count == MAX_CHORD {
                    return Err(Full);
                }
                chord.notes[chord.count] = *note;
                chord.count += 1;
            }
        }
        Ok(chord)
    }

    /// A chord whose events have the whole and the part of `event`.
    fn play(
        &mut self,
        event: &RawEvent<T>,
        chord: &Chord,
        order: Order,
        n: u32,
        view: &View<T>,
    ) -> Result<(), Full> {
        let [begin, end] = event.whole;
        let number = |count: usize| T::from_wide(count as i128);
        let places = order.places(chord.count);
        // The lattice made room for the pieces: none of them is nothing.
        let length = (end - begin).floor_div(number(places * n as usize)).max(T::ONE);
        let mut put = |whole: [T; 2], place: usize| {
            let part = [event.part[0].max(whole[0]), event.part[1].min(whole[1])];
            let leaf = chord.notes[order.note(chord.count, place % places)];
            let piece = RawEvent { whole, part, unit: whole, leaf, period: 0, ..*event };
            if Self::wanted(&piece, view) { push(self.out, piece) } else { Ok(()) }
        };
        if order.rolls() {
            return (0..places).try_for_each(|place| put([begin + number(place) * length, end], place));
        }
        let mut place = (event.part[0] - begin).floor_div(length);
        while begin + place * length < event.part[1] {
            let from = begin + place * length;
            put([from, from + length], place.low() as usize)?;
            place = place + T::ONE;
        }
        Ok(())
    }

    /// What there is at each of some moments, held until the next.
    pub fn segment(&mut self, slot: T, child: u32, cycle: T, view: View<T>) -> Result<(), Full> {
        each_cycle(cycle, view, |number, view| {
            let base = number * cycle;
            let mut begin = base + (view.from - base).floor_div(slot) * slot;
            if view.onsets && begin < view.from {
                begin = begin + slot;
            }
            while begin < view.to {
                let start = self.out.len();
                let now =
                    View { from: begin, to: begin + T::ONE, onsets: false, within: Some(number), ..view };
                self.visit(child, now)?;
                let whole = [begin, begin + slot];
                let part = [whole[0].max(view.from), whole[1].min(view.to)];
                let mut kept = start;
                for at in start..self.out.len() {
                    let mut event = self.out[at];
                    if self.leaves[event.leaf as usize].shape.is_some() {
                        if view.onsets {
                            continue;
                        }
                        let [first, last] = event.whole;
                        let way = (begin + view.shift - first).float() / (last - first).float();
                        event.from += (event.to - event.from) * way;
                        event.to = event.from;
                    }
                    let [whole, part] = [whole, part].map(|[from, to]| [from + view.shift, to + view.shift]);
                    (event.whole, event.part, event.unit) = (whole, part, whole);
                    self.out[kept] = event;
                    kept += 1;
                }
                self.out.truncate(kept);
                begin = begin + slot;
            }
            Ok(())
        })
    }
}
