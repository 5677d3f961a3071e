//! What a pattern costs: how many events a cycle can hold at most.

use crate::draft::{Draft, DraftOp};
use crate::fraction::gcd;
use crate::lattice::{Bounds, rev_reach, stretch};

/// The windows that reach a node: so long, beginning at multiples of `step`; in the node's ticks.
#[derive(Debug, Clone, Copy)]
struct Windows {
    length: i128,
    step: i128,
}

/// Events and, of those, continuous shapes.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    events: u128,
    shapes: u128,
}

impl Count {
    fn plus(self, other: Self) -> Self {
        Self {
            events: self.events.saturating_add(other.events),
            shapes: self.shapes.saturating_add(other.shapes),
        }
    }

    fn times(self, n: u128) -> Self {
        Self { events: self.events.saturating_mul(n), shapes: self.shapes.saturating_mul(n) }
    }

    fn max(self, other: Self) -> Self {
        Self { events: self.events.max(other.events), shapes: self.shapes.max(other.shapes) }
    }
}

/// The most events that a query of one cycle (or a piece of one) can have in hand at once.
///
/// Exact for everything built from atoms, `Cat`, `Stack`, `Euclid` and whole factors; an upper bound
/// where windows fall askew of cycles. The work of a query is at most this times the depth.
pub(crate) fn events_per_cycle(draft: &Draft, bounds: &[Bounds], root: usize) -> u128 {
    let cycle = bounds[root].cycle;
    let whole = Windows { length: cycle, step: cycle };
    Counter { draft, bounds }.count(root, whole).events
}

/// The node to blame if there are more than `limit`: from the root down to the last one that holds more
/// in a cycle of its own.
pub(crate) fn densest(draft: &Draft, bounds: &[Bounds], root: usize, limit: u128) -> usize {
    let mut at = root;
    loop {
        let children = draft.nodes[at].op.children().into_iter();
        let counted = children.map(|child| (events_per_cycle(draft, bounds, child), child));
        match counted.max_by_key(|(events, _)| *events).filter(|(events, _)| *events > limit) {
            Some((_, child)) => at = child,
            None => return at,
        }
    }
}

struct Counter<'a> {
    draft: &'a Draft,
    bounds: &'a [Bounds],
}

impl Counter<'_> {
    /// Recursion is bounded: a draft is at most `MAX_DEPTH` deep.
    fn count(&self, node: usize, windows: Windows) -> Count {
        let here = &self.bounds[node];
        let cycle = here.cycle;
        let touched = touched(windows, cycle);
        match &self.draft.nodes[node].op {
            DraftOp::Leaf(leaf) => Count {
                events: touched,
                shapes: match self.draft.leaves[*leaf as usize].shape {
                    Some(_) => touched,
                    None => 0,
                },
            },
            DraftOp::Stack(children) => self.sum(children.iter().copied(), windows),
            DraftOp::Cat(children) => self.sum_cycles(children.iter().flatten().copied()).times(touched),
            DraftOp::Euclid { hits, child, .. } => {
                self.sum_cycles([*child]).times(hits.len() as u128).times(touched)
            }
            DraftOp::Every { transform, child, .. } => {
                let branch = |node: &Option<usize>| self.sum_cycles(node.iter().copied());
                branch(transform).max(branch(child)).times(touched)
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
                let expanded = Windows { length: cycle + reach, step: cycle };
                self.count(*child, expanded).times(looks).times(touched)
            }
            DraftOp::Freeze(child) => self.sum_cycles([*child]).times(touched),
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

    fn sum(&self, nodes: impl IntoIterator<Item = usize>, windows: Windows) -> Count {
        nodes.into_iter().fold(Count::default(), |sum, node| sum.plus(self.count(node, windows)))
    }

    /// Each node over one whole cycle of its own.
    fn sum_cycles(&self, nodes: impl IntoIterator<Item = usize>) -> Count {
        nodes.into_iter().fold(Count::default(), |sum, node| {
            let cycle = self.bounds[node].cycle;
            let whole = Windows { length: cycle, step: cycle };
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
        return Windows { length: windows.length / stretch, step: windows.step / stretch };
    }
    let flattest = (2 * num.min(den - num) / gcd(2, den)).max(1);
    Windows { length: windows.length / flattest + 2, step: 1 }
}
