//! Walking the arena: which events lie in a window of ticks.
//!
//! A walk goes down with the window cut to what each child can see, skips children outside it, and
//! leaves events on the list on the way. It recurses at most as deep as the pattern nests
//! (`MAX_DEPTH`), allocates nothing, and does not fail but by running out of room.

use crate::Time;
use crate::arena::{Arena, Bend, NONE, Op, RawEvent};
use crate::chance;
use crate::draft::{Leaf, Structure};
use crate::event::Full;
use crate::query_values::Pairs;
use crate::tick::{Grid, Tick};
use crate::unit::{self, Turn};
use crate::warp;

/// Adds an event if there is room: the list never grows beyond what was allocated.
#[inline]
pub(crate) fn push<T: Tick>(out: &mut Vec<RawEvent<T>>, event: RawEvent<T>) -> Result<(), Full> {
    if out.len() == out.capacity() {
        return Err(Full);
    }
    out.push(event);
    Ok(())
}

/// A window in a node's own ticks, on the way down.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<T> {
    pub from: T,
    pub to: T,
    /// What to add to the node's ticks to get those in which events are written down.
    pub shift: T,
    /// Only events that begin in the window (and no shapes)?
    pub onsets: bool,
    /// The number of the cycle that the window lies in, where that is known from above: it saves
    /// the division (half the time of a query of short steps).
    pub within: Option<T>,
}

impl<T: Tick> View<T> {
    /// The same window as a child sees it whose ticks are `by` ahead.
    #[inline]
    fn moved(self, by: T) -> Self {
        Self {
            from: self.from + by,
            to: self.to + by,
            shift: self.shift - by,
            onsets: self.onsets,
            within: None,
        }
    }

    /// What of the window lies in the cycle `[from, to)` with this number.
    #[inline]
    fn cut(self, from: T, to: T, number: T) -> Self {
        Self { from: self.from.max(from), to: self.to.min(to), within: Some(number), ..self }
    }

    /// What of the window lies in a step `[begin, begin + slot)` of cycle `number`, as the child in
    /// it sees it: that cycle, compressed.
    #[inline]
    fn step(self, begin: T, slot: T, number: T) -> Self {
        let by = number * slot - begin;
        Self {
            from: self.from.max(begin) + by,
            to: self.to.min(begin + slot) + by,
            shift: self.shift - by,
            onsets: self.onsets,
            within: Some(number),
        }
    }
}

pub(crate) struct Walk<'a, T> {
    pub arena: &'a Arena<T>,
    pub leaves: &'a [Leaf],
    pub seed: u64,
    pub out: &'a mut Vec<RawEvent<T>>,
}

impl<T: Tick> Walk<'_, T> {
    /// All events in `[from, to)`, in the root's ticks, onto the list.
    pub fn run(&mut self, from: T, to: T, onsets: bool) -> Result<(), Full> {
        let view = View { from, to, shift: T::ZERO, onsets, within: None };
        self.visit(self.arena.root, view)
    }

    pub fn visit(&mut self, index: u32, view: View<T>) -> Result<(), Full> {
        if index == NONE || view.from >= view.to {
            return Ok(());
        }
        let node = &self.arena.nodes[index as usize];
        let cycle = node.cycle;
        match node.op {
            Op::Atom { leaf } => self.atom(leaf, cycle, view),
            Op::Shape { .. } if view.onsets => Ok(()),
            Op::Shape { leaf } => self.atom(leaf, cycle, view),
            Op::Stack { first, len } => {
                for kid in first..first + len {
                    self.visit(self.arena.kids[kid as usize], view)?;
                }
                Ok(())
            }
            Op::Cat { first, slot } => self.cat(first, slot, cycle, view),
            Op::Euclid { first, len, slot, child } => {
                let hits = &self.arena.hits[first as usize..(first + len) as usize];
                self.euclid(hits, slot, child, cycle, view)
            }
            Op::Every { n, transform, child } => each_cycle(cycle, view, |number, view| {
                let divisible = number.modulo(n) == T::ZERO;
                self.visit(if divisible { transform } else { child }, view)
            }),
            Op::Join { selector, first, leaf } => self.join(selector, first, leaf, view),
            Op::Combine { structure, sides, leaves, width, cell } => {
                let pairs = Pairs { sides, leaves, width, cell };
                match structure {
                    Structure::Left => self.combine(&pairs, 0, view),
                    Structure::Right => self.combine(&pairs, 1, view),
                    Structure::Both => self.meet(&pairs, view),
                }
            }
            Op::Split { child, leaf, split } => self.split(child, leaf, split, view),
            Op::Arp { child, leaf, split, order, n } => self.arp(child, [leaf, split], order, n, view),
            Op::Invert { child, leaf, first } => self.invert(child, leaf, first, view),
            Op::Segment { slot, child } => self.segment(slot, child, cycle, view),
            Op::Notes { child, leaf, split, len } => self.notes(child, [leaf, split, len], view),
            Op::Zoom { step, shift, child } => {
                each_cycle(cycle, view, |number, view| self.visit(child, view.moved(number * step + shift)))
            }
            Op::Shuffle { n, slot, scramble, seed, child } => each_cycle(cycle, view, |number, view| {
                let order = chance::order(seed, self.seed, number.low(), n as usize, scramble);
                let base = number * cycle;
                let mut place = (view.from - base).floor_div(slot);
                let mut begin = base + place * slot;
                while begin < view.to {
                    let piece = T::from_wide(i128::from(order[place.low() as usize]));
                    let by = (piece - place) * slot;
                    let (from, to) = (view.from.max(begin), view.to.min(begin + slot));
                    // It stays within its cycle.
                    let within = Some(number);
                    self.visit(child, View { within, ..View { from, to, ..view }.moved(by) })?;
                    place = place + T::ONE;
                    begin = begin + slot;
                }
                Ok(())
            }),
            Op::Choose { first, len, share, seed } => each_cycle(cycle, view, |number, view| {
                let throw = chance::throw(seed, self.seed, number.low() as u64, 0);
                let ends = &self.arena.shares[share as usize..(share + len) as usize];
                // The last share ends at 1, above every throw.
                let kid = ends.partition_point(|&end| end <= throw);
                self.visit(self.arena.kids[first as usize + kid], view)
            }),
            Op::Line { shift, child } => self.visit(child, view.moved(shift)),
            Op::Rev { child, frozen, reach } => self.rev(child, frozen, reach, cycle, view),
            Op::Freeze { child } => each_cycle(cycle, view, |number, view| {
                let start = self.out.len();
                self.visit(child, view)?;
                let begin = number * cycle + view.shift;
                unit::freeze(&mut self.out[start..], index, begin, begin + cycle);
                Ok(())
            }),
            Op::Degrade { prob, seed, child } => {
                let start = self.out.len();
                self.visit(child, view)?;
                let seed = seed.wrapping_add(self.seed);
                unit::degrade(self.out, start, prob, seed, view.shift, &Grid::new(cycle));
                Ok(())
            }
            Op::Chance { prob, seed, invert, child } => {
                let start = self.out.len();
                self.visit(child, view)?;
                let throw = |time: Time| chance::at(seed, self.seed, time);
                let keep = |time| (throw(time) < prob) == invert;
                unit::keep(self.out, start, view.shift, &Grid::new(cycle), keep);
                Ok(())
            }
            Op::Warp { ref bend, child } => self.warp(bend, child, view),
        }
    }

    /// One event per cycle, filling it.
    #[inline]
    fn atom(&mut self, leaf: u32, cycle: T, view: View<T>) -> Result<(), Full> {
        let mut number = match view.within {
            Some(number) => number,
            None => view.from.floor_div(cycle),
        };
        let mut begin = number * cycle;
        if view.onsets && begin < view.from {
            number = number + T::ONE;
            begin = begin + cycle;
        }
        while begin < view.to {
            let end = begin + cycle;
            let whole = [begin + view.shift, end + view.shift];
            let part = [begin.max(view.from) + view.shift, end.min(view.to) + view.shift];
            push(
                self.out,
                RawEvent {
                    whole,
                    part,
                    unit: whole,
                    inner: [T::ZERO; 2],
                    freeze: 0,
                    leaf,
                    period: number.low(),
                    from: 0.0,
                    to: 1.0,
                },
            )?;
            number = number + T::ONE;
            begin = end;
        }
        Ok(())
    }

    /// Only the steps that the window touches are looked at: their numbers follow from its ends.
    fn cat(&mut self, first: u32, slot: T, cycle: T, view: View<T>) -> Result<(), Full> {
        each_cycle(cycle, view, |number, view| {
            let base = number * cycle;
            let mut step = (view.from - base).floor_div(slot);
            let mut begin = base + step * slot;
            while begin < view.to {
                let kid = self.arena.kids[first as usize + step.low() as usize];
                if kid != NONE {
                    self.visit(kid, view.step(begin, slot, number))?;
                }
                step = step + T::ONE;
                begin = begin + slot;
            }
            Ok(())
        })
    }

    fn euclid(&mut self, hits: &[u32], slot: T, child: u32, cycle: T, view: View<T>) -> Result<(), Full> {
        each_cycle(cycle, view, |number, view| {
            let base = number * cycle;
            let step = (view.from - base).floor_div(slot).low();
            let next = hits.partition_point(|&hit| i64::from(hit) < step);
            for &hit in &hits[next..] {
                let begin = base + T::from_wide(i128::from(hit)) * slot;
                if begin >= view.to {
                    break;
                }
                self.visit(child, view.step(begin, slot, number))?;
            }
            Ok(())
        })
    }

    /// Each event of the selector opens a window on the kid of its leaf. The events of the selector lie on the list
    /// meanwhile, below those of the kids, and are taken out at the end.
    fn join(&mut self, selector: u32, first: u32, leaf: u32, view: View<T>) -> Result<(), Full> {
        let start = self.out.len();
        self.visit(selector, View { onsets: false, ..view })?;
        let end = self.out.len();
        for at in start..end {
            let RawEvent { part: [from, to], leaf: met, .. } = self.out[at];
            let kid = self.arena.kids[(first + met - leaf) as usize];
            let (from, to) = (from - view.shift, to - view.shift);
            self.visit(kid, View { from, to, ..view })?;
        }
        self.out.drain(start..end);
        Ok(())
    }

    fn rev(&mut self, child: u32, frozen: bool, reach: T, cycle: T, view: View<T>) -> Result<(), Full> {
        let leaves = self.leaves;
        each_cycle(cycle, view, |number, view| {
            // A unit is mirrored as a whole in the cycle it begins in. One that reaches beyond that cycle
            // stands before it then: what stands here may have begun in a later one.
            let mut turned = number;
            let last = number + reach.ceil_div(cycle);
            while turned <= last {
                let begin = turned * cycle;
                let end = begin + cycle;
                let start = self.out.len();
                // A unit keeps its inner order, so where in it the window falls is not known before it
                // is placed: look at all units of the cycle. Without units, at the mirrored window.
                let (from, to) = if frozen {
                    (begin, end + reach)
                } else {
                    (begin + end - view.to, begin + end - view.from)
                };
                let all = View { from, to, shift: T::ZERO, onsets: false, within: None };
                self.visit(child, all)?;
                let turn = Turn { cycle: [begin, end], window: [view.from, view.to], onsets: view.onsets };
                let is_shape = |leaf: u32| leaves[leaf as usize].shape.is_some();
                unit::mirror(self.out, start, &turn, is_shape);
                translate(&mut self.out[start..], view.shift);
                turned = turned + T::ONE;
            }
            Ok(())
        })
    }

    fn warp(&mut self, bend: &Bend<T>, child: u32, view: View<T>) -> Result<(), Full> {
        let start = self.out.len();
        let inside = View {
            from: bend.undo(view.from, view.onsets),
            to: bend.undo(view.to, true),
            shift: T::ZERO,
            onsets: view.onsets,
            within: None,
        };
        self.visit(child, inside)?;
        let leaves = self.leaves;
        warp::bend(bend, self.out, start, |leaf| leaves[leaf as usize].shape.is_some())?;
        // The child's window was rounded outwards: what it saw too much is cut off.
        unit::retain(self.out, start, |event| {
            event.part = [event.part[0].max(view.from), event.part[1].min(view.to)];
            event.part[0] < event.part[1]
        });
        translate(&mut self.out[start..], view.shift);
        Ok(())
    }
}

fn translate<T: Tick>(events: &mut [RawEvent<T>], by: T) {
    if by != T::ZERO {
        for event in events {
            event.translate(by);
        }
    }
}

/// Splits a window at cycle borders.
#[inline]
pub(crate) fn each_cycle<T: Tick>(
    cycle: T,
    view: View<T>,
    mut visit: impl FnMut(T, View<T>) -> Result<(), Full>,
) -> Result<(), Full> {
    if let Some(number) = view.within {
        return visit(number, view);
    }
    let mut number = view.from.floor_div(cycle);
    let mut begin = number * cycle;
    while begin < view.to {
        let end = begin + cycle;
        visit(number, view.cut(begin, end, number))?;
        number = number + T::ONE;
        begin = end;
    }
    Ok(())
}
