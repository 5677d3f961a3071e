//! What a pattern costs: how many events a cycle can hold at most.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::draft::{Draft, DraftOp, NoteDraft};
use crate::fraction::gcd;
use crate::lattice::{Bounds, rev_reach, stretch};

/// The windows that reach a node: so long, beginning at multiples of `step`; in the node's ticks.
#[derive(Debug, Clone, Copy)]
struct Windows {
    length: i128,
    step: i128,
    /// Are they to be followed into the steps of a cycle? What was there before joins counts whole cycles, which
    /// clients see in the number of events of their patterns.
    tight: bool,
}

/// Windows that may begin at any tick.
fn anywhere(length: i128) -> Windows {
    Windows { length, step: 1, tight: true }
}

/// Windows of so many ticks, one after the other.
fn in_a_row(length: i128) -> Windows {
    Windows { length, step: length, tight: false }
}

/// Events and, of those, continuous shapes.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    events: u128,
    shapes: u128,
    /// Events that lie on the list meanwhile, and are taken out: of one node at a time.
    held: u128,
}

impl Count {
    fn plus(self, other: Self) -> Self {
        Self {
            events: self.events.saturating_add(other.events),
            shapes: self.shapes.saturating_add(other.shapes),
            held: self.held.max(other.held),
        }
    }

    fn times(self, n: u128) -> Self {
        let [events, shapes] = [self.events, self.shapes].map(|count| count.saturating_mul(n));
        Self { events, shapes, ..self }
    }

    fn max(self, other: Self) -> Self {
        Self {
            events: self.events.max(other.events),
            shapes: self.shapes.max(other.shapes),
            held: self.held.max(other.held),
        }
    }

    /// So many more events lie below on the list.
    fn above(self, events: u128) -> Self {
        Self { held: self.held.saturating_add(events), ..self }
    }
}

/// The most events that a query of one cycle (or a piece of one) can give, and can have in hand at once.
///
/// Exact for everything built from atoms, `Cat`, `Stack`, `Euclid` and whole factors; an upper bound
/// where windows fall askew of cycles. The work of a query is at most this times the depth.
pub(crate) fn events_per_cycle(draft: &Draft, bounds: &[Bounds], root: usize) -> (u128, u128) {
    let cycle = bounds[root].cycle;
    let whole = in_a_row(cycle);
    let count = Counter { draft, bounds, counted: RefCell::default() }.count(root, whole);
    (count.events, count.events.saturating_add(count.held))
}

/// The node to blame if there are more than `limit`: from the root down to the last one that holds more
/// in a cycle of its own.
pub(crate) fn densest(draft: &Draft, bounds: &[Bounds], root: usize, limit: u128) -> usize {
    let mut at = root;
    loop {
        let children = draft.nodes[at].op.children().into_iter();
        let counted = children.map(|child| (events_per_cycle(draft, bounds, child).1, child));
        match counted.max_by_key(|(events, _)| *events).filter(|(events, _)| *events > limit) {
            Some((_, child)) => at = child,
            None => return at,
        }
    }
}

struct Counter<'a> {
    draft: &'a Draft,
    bounds: &'a [Bounds],
    /// What is known already. A node below joins is asked several times by each of them.
    counted: RefCell<HashMap<(usize, i128, i128, bool), Count>>,
}

impl Counter<'_> {
    /// Recursion is bounded: a draft is at most `MAX_DEPTH` deep.
    fn count(&self, node: usize, windows: Windows) -> Count {
        let key = (node, windows.length, windows.step, windows.tight);
        if let Some(known) = self.counted.borrow().get(&key) {
            return *known;
        }
        let count = self.count_anew(node, windows);
        self.counted.borrow_mut().insert(key, count);
        count
    }

    fn count_anew(&self, node: usize, windows: Windows) -> Count {
        let here = &self.bounds[node];
        let cycle = here.cycle;
        let touched = touched(windows, cycle);
        if windows.tight
            && windows.length < cycle
            && let Some(count) = self.within_a_cycle(node, windows, touched)
        {
            return count;
        }
        match &self.draft.nodes[node].op {
            DraftOp::Leaf(leaf) => Count {
                events: touched,
                held: 0,
                shapes: match self.draft.leaves[*leaf as usize].shape {
                    Some(_) => touched,
                    None => 0,
                },
            },
            DraftOp::Stack(children) => self.sum(children.iter().copied(), windows),
            DraftOp::Cat(children) => {
                self.sum_cycles(children.iter().flatten().copied(), windows).times(touched)
            }
            DraftOp::Euclid { hits, child, .. } => {
                self.sum_cycles([*child], windows).times(hits.len() as u128).times(touched)
            }
            DraftOp::Every { transform, child, .. } => {
                let branch = |node: &Option<usize>| self.sum_cycles(node.iter().copied(), windows);
                branch(transform).max(branch(child)).times(touched)
            }
            DraftOp::Combine { left, right, .. } => {
                let instant = anywhere(1);
                let tight = Windows { tight: true, ..windows };
                let (l, r) = (self.count(*left, tight), self.count(*right, tight));
                // Of two events that meet, one begins while the other goes on.
                let met = l
                    .times(self.count(*right, instant).events)
                    .plus(r.times(self.count(*left, instant).events));
                Count { held: l.held.max(r.held), ..met }.above(l.events.saturating_add(r.events))
            }
            DraftOp::Split { child, parts, .. } => {
                let most = parts.iter().map(Vec::len).max().unwrap_or(0) as u128;
                let below = self.count(*child, Windows { tight: true, ..windows });
                below.times(most.max(1)).above(below.events)
            }
            DraftOp::Arp { child, each, .. } | DraftOp::Invert { child, each, .. } => {
                let below = self.count(*child, Windows { tight: true, ..windows });
                below.times(u128::from(*each).max(1)).above(below.events)
            }
            DraftOp::Segment { n, child } => {
                let slot = cycle / i128::from(*n);
                self.count(*child, anywhere(1)).times(self::touched(windows, slot))
            }
            DraftOp::Notes { child, notes, .. } => {
                let size = |notes: &Vec<NoteDraft>| {
                    notes.iter().map(|note| note.begins.len() + note.ends.len()).sum()
                };
                let most = notes.iter().map(size).max().unwrap_or(0_usize) as u128;
                let below = self.count(*child, Windows { tight: true, ..windows });
                below.times(most.max(1)).above(below.events)
            }
            DraftOp::Zoom { from, child, .. } => {
                let below = self.bounds[*child].cycle;
                let within = (from.numer() % from.denom()) * (below / from.denom());
                let piece = Windows { length: cycle, step: gcd(below, within), tight: windows.tight };
                self.count(*child, piece).times(touched)
            }
            DraftOp::Shuffle { n, child, .. } => {
                let slot = cycle / i128::from(*n);
                let piece = Windows { tight: windows.tight, ..in_a_row(slot) };
                self.count(*child, piece).times(u128::from(*n)).times(touched)
            }
            DraftOp::Choose { kids, .. } => {
                let counts = kids.iter().flatten().map(|&kid| self.sum_cycles([kid], windows));
                counts.fold(Count::default(), Count::max).times(touched)
            }
            DraftOp::Join { selector, .. } => {
                let selected = self.count(*selector, Windows { tight: true, ..windows });
                let layers = self.count(*selector, anywhere(1)).events;
                // A window may be cut anywhere, and what stands across a cut is met on both sides.
                let (moved, instant) = (anywhere(windows.length), anywhere(1));
                let kids = self.draft.nodes[node].op.children().into_iter().filter(|kid| kid != selector);
                let (mut sum, mut most, mut across) = (Count::default(), Count::default(), Count::default());
                // What an event of the selector opens is no longer than the event.
                let longest = self.bounds[*selector].extent.min(windows.length);
                let opened = anywhere(longest);
                for kid in kids {
                    sum = sum.plus(self.count(kid, moved));
                    most = most.max(self.count(kid, opened));
                    across = across.max(self.count(kid, instant));
                }
                let cut = sum.times(layers).plus(across.times(selected.events));
                let each = most.times(selected.events);
                Count {
                    events: cut.events.min(each.events),
                    shapes: cut.shapes.min(each.shapes),
                    held: cut.held.max(each.held).max(selected.held),
                }
                .above(selected.events)
            }
            DraftOp::Line { offset, child, .. } => {
                let ticks = self.bounds[*child].cycle;
                // The constant matters only modulo the child's cycle.
                let within = (offset.numer() % offset.denom()) * (ticks / offset.denom());
                let step = gcd(windows.step, within);
                self.count(*child, Windows { step, ..windows })
            }
            DraftOp::Rev(child) => {
                let reach = rev_reach(here);
                let looks = 1 + ((reach + cycle - 1) / cycle) as u128;
                let expanded = Windows { length: cycle + reach, ..in_a_row(cycle) };
                self.count(*child, expanded).times(looks).times(touched)
            }
            DraftOp::Freeze(child) => self.sum_cycles([*child], windows).times(touched),
            DraftOp::Degrade { child, .. } | DraftOp::Chance { child, .. } => self.count(*child, windows),
            DraftOp::Warp { num, den, grid, child } => {
                let inside = warped(windows, cycle, *num, *den);
                let mut count = self.count(*child, inside);
                // Swing breaks each shape at every step of its grid.
                let pieces = u128::from(*grid).saturating_mul(touched).saturating_add(1);
                let split = count.shapes.saturating_mul(pieces);
                count.events = count.events.saturating_add(split);
                count.shapes = count.shapes.saturating_add(split);
                count
            }
        }
    }

    /// For windows shorter than a cycle: what of the cycle's steps one of them can touch.
    fn within_a_cycle(&self, node: usize, windows: Windows, touched: u128) -> Option<Count> {
        let cycle = self.bounds[node].cycle;
        // Steps begin where the cycle is divided, so windows begin in a step as they do in the cycle.
        let piece = |length: i128| Windows {
            length: windows.length.min(length),
            step: gcd(windows.step, length),
            ..windows
        };
        let most = |kids: &mut dyn Iterator<Item = usize>, piece| {
            kids.map(|kid| self.count(kid, piece)).fold(Count::default(), Count::max)
        };
        let steps = |count: usize| {
            let slot = cycle / count as i128;
            (slot, self::touched(windows, slot))
        };
        Some(match &self.draft.nodes[node].op {
            DraftOp::Cat(children) => {
                let (slot, met) = steps(children.len());
                most(&mut children.iter().flatten().copied(), piece(slot)).times(met)
            }
            DraftOp::Euclid { steps: all, child, .. } => {
                let (slot, met) = steps(*all as usize);
                self.count(*child, piece(slot)).times(met)
            }
            DraftOp::Every { .. } | DraftOp::Choose { .. } | DraftOp::Freeze(_) => {
                let kids = self.draft.nodes[node].op.children();
                most(&mut kids.into_iter(), piece(cycle)).times(touched)
            }
            // Bare events are looked for in the mirrored window alone.
            DraftOp::Rev(child) if self.bounds[node].unit.is_none() => {
                self.count(*child, anywhere(windows.length)).times(touched)
            }
            _ => return None,
        })
    }

    fn sum(&self, nodes: impl IntoIterator<Item = usize>, windows: Windows) -> Count {
        nodes.into_iter().fold(Count::default(), |sum, node| sum.plus(self.count(node, windows)))
    }

    /// Each node over one whole cycle of its own.
    fn sum_cycles(&self, nodes: impl IntoIterator<Item = usize>, windows: Windows) -> Count {
        nodes.into_iter().fold(Count::default(), |sum, node| {
            let cycle = self.bounds[node].cycle;
            let whole = Windows { tight: windows.tight, ..in_a_row(cycle) };
            sum.plus(self.count(node, whole))
        })
    }
}

/// How many cycles one window can touch: the latest it can begin within a cycle, plus its length.
fn touched(windows: Windows, cycle: i128) -> u128 {
    let latest = cycle - gcd(cycle, windows.step);
    ((latest + windows.length + cycle - 1) / cycle) as u128
}

/// What of the windows a swing lets through to its child, rounded outwards.
fn warped(windows: Windows, cycle: i128, num: i128, den: i128) -> Windows {
    let stretch = stretch(den);
    if windows.length % cycle == 0 && windows.step % cycle == 0 {
        return Windows { length: windows.length / stretch, step: windows.step / stretch, ..windows };
    }
    let flattest = (2 * num.min(den - num) / gcd(2, den)).max(1);
    Windows { length: windows.length / flattest + 2, step: 1, ..windows }
}
