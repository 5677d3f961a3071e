//! How fine the ticks must be, and the proof that no query can overflow.
//!
//! Every time a pattern makes (onsets, ends, step borders, unit borders) is a multiple of one
//! tick. [`need`] finds the coarsest tick from the leaves up; [`Lattice::new`] hands it down again:
//! inside a `Fast 3` a cycle has a third of the ticks, inside a step of a `Cat` of five a fifth.
//! Ticks last equally long throughout, so a query only adds and compares integers; the window
//! alone is not made of ticks, and is rounded to them once, at the root, where the exact window
//! cuts the parts afterwards.
//!
//! For every node the lattice bounds the largest tick that a query within [`MAX_CYCLE`] can meet.
//! If eight times the largest fits into `i64`, so does every intermediate result of `query.rs`,
//! and the program is *narrow*. If it only fits into `i128`, the program is *wide*; then
//! `check_paths` proves for every leaf on its own that the results, reduced, still fit the
//! `Ratio<i64>` of the answer. Anything else is refused.

use crate::CompileError;
use crate::draft::{Draft, DraftOp};
use crate::error::CompileErrorKind::TimeTooFine;
use crate::fraction::{LIMIT, gcd, lcm};
use crate::program::MAX_CYCLE;

/// What is known of one node, in ticks of its own time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bounds {
    /// Ticks per cycle.
    pub cycle: i128,
    /// No query reaches a tick beyond ±`far`.
    pub far: i128,
    /// Wholes and units reach at most this far beyond the window.
    pub extent: i128,
    /// The longest unit, if there are any.
    pub unit: Option<i128>,
    /// Every unit lies within one cycle.
    pub aligned: bool,
}

#[derive(Debug)]
pub(crate) struct Lattice {
    pub bounds: Vec<Bounds>,
    /// Do all ticks fit into `i64`?
    pub narrow: bool,
}

/// Ticks per cycle of a node whose children need `child` ticks in theirs.
fn need(op: &DraftOp, child: i128) -> Option<i128> {
    let limit = |ticks: i128| (ticks <= LIMIT).then_some(ticks);
    match op {
        DraftOp::Cat(children) => limit(child.checked_mul(children.len() as i128)?),
        DraftOp::Euclid { steps, .. } => limit(child.checked_mul(i128::from(*steps))?),
        DraftOp::Split { parts, .. } => parts
            .iter()
            .filter(|part| !part.is_empty())
            .try_fold(1, |all, part| lcm(all, part.len() as i128))
            .and_then(|finer| limit(child.checked_mul(finer)?)),
        DraftOp::Notes { notes, .. } => notes
            .iter()
            .flatten()
            .try_fold(1, |all, note| lcm(all, *note.gate.denom()))
            .and_then(|finer| limit(child.checked_mul(finer)?)),
        DraftOp::Shuffle { n, .. } | DraftOp::Segment { n, .. } => lcm(child, i128::from(*n)),
        DraftOp::Arp { order, n, totals, .. } => totals
            .iter()
            .try_fold(1, |all, total| {
                let places = order.places(*total as usize) as i128;
                lcm(all, places.checked_mul(i128::from(*n))?)
            })
            .and_then(|finer| limit(child.checked_mul(finer)?)),
        DraftOp::Zoom { from, to, .. } => {
            let (a, b) = (*(to - from).numer(), *(to - from).denom());
            let child = lcm(child, *from.denom())?;
            let ticks = a.checked_mul(child)?;
            limit(ticks / gcd(ticks, b))
        }
        DraftOp::Line { factor, offset, .. } => {
            let (a, b) = (*factor.numer(), *factor.denom());
            let child = lcm(child, *offset.denom())?;
            let ticks = a.checked_mul(child)?;
            limit(ticks / gcd(ticks, b))
        }
        DraftOp::Warp { den, grid, .. } => {
            let child = lcm(child, i128::from(*grid))?;
            limit(child.checked_mul(stretch(*den))?)
        }
        _ => Some(child),
    }
}

/// How many ticks of a swing one tick of its child takes on average.
pub(crate) fn stretch(den: i128) -> i128 {
    den / gcd(2, den)
}

/// Ticks per cycle of the child of a node that has `cycle` itself.
fn child_cycle(op: &DraftOp, cycle: i128) -> Option<i128> {
    match op {
        DraftOp::Cat(children) => Some(cycle / children.len() as i128),
        DraftOp::Euclid { steps, .. } => Some(cycle / i128::from(*steps)),
        DraftOp::Line { factor, .. } => {
            let ticks = cycle.checked_mul(*factor.denom())? / factor.numer();
            (ticks <= LIMIT).then_some(ticks)
        }
        DraftOp::Zoom { from, to, .. } => {
            let ticks = cycle.checked_mul(*(to - from).denom())? / (to - from).numer();
            (ticks <= LIMIT).then_some(ticks)
        }
        DraftOp::Warp { den, .. } => Some(cycle / stretch(*den)),
        _ => Some(cycle),
    }
}

/// The constant of a `Line` in ticks of its child: exact, since the lattice made room for it.
pub(crate) fn line_shift(offset: &crate::fraction::Wide, child_cycle: i128) -> Option<i128> {
    offset.numer().checked_mul(child_cycle / offset.denom()).filter(|shift| shift.abs() <= 1 << 100)
}

impl Lattice {
    pub fn new(draft: &Draft, root: usize) -> Result<Self, CompileError> {
        let nodes = &draft.nodes;
        let too_fine = |node: usize| draft.error(node, TimeTooFine);
        let mut bounds = vec![Bounds::default(); nodes.len()];

        // Up: how many ticks each node needs.
        let mut needs = vec![1_i128; nodes.len()];
        for (i, node) in nodes.iter().enumerate() {
            let mut child = 1;
            for below in node.op.children() {
                child = lcm(child, needs[below]).ok_or_else(|| too_fine(i))?;
            }
            needs[i] = need(&node.op, child).ok_or_else(|| too_fine(i))?;
        }

        // Down: how many it gets.
        bounds[root].cycle = needs[root];
        for (i, node) in nodes.iter().enumerate().rev() {
            let cycle = child_cycle(&node.op, bounds[i].cycle).ok_or_else(|| too_fine(i))?;
            for below in node.op.children() {
                bounds[below].cycle = cycle;
            }
        }

        // Up: how far wholes and units reach.
        for (i, node) in nodes.iter().enumerate() {
            let below: Vec<Bounds> = node.op.children().iter().map(|&c| bounds[c]).collect();
            bounds[i] = reach(&node.op, bounds[i], &below).ok_or_else(|| too_fine(i))?;
        }

        // Down: how far from zero a query can get.
        bounds[root].far = (i128::from(MAX_CYCLE) + 1) * bounds[root].cycle;
        let mut largest = 0;
        for (i, node) in nodes.iter().enumerate().rev() {
            let here = bounds[i];
            let far = child_far(&node.op, &here, &bounds).ok_or_else(|| too_fine(i))?;
            for below in node.op.children() {
                bounds[below].far = far;
            }
            if far / here.cycle > LIMIT || far > 1 << 110 {
                return Err(too_fine(i));
            }
            largest = largest.max(here.far + far + 2 * here.extent + 2 * here.cycle);
        }
        let narrow = largest <= (1 << 62) / 8;
        let lattice = Self { bounds, narrow };
        if !narrow {
            lattice.check_paths(draft, root)?;
        }
        Ok(lattice)
    }

    /// Does a unit reach over a border at which an operator above goes another way?
    pub fn tears(&self, draft: &Draft) -> bool {
        let crosses = |node: usize| self.bounds[node].unit.is_some() && !self.bounds[node].aligned;
        draft.nodes.iter().any(|node| {
            // The borders of a join are anywhere.
            if let DraftOp::Join { kids, .. } = &node.op {
                return kids.iter().flatten().any(|&kid| self.bounds[kid].unit.is_some());
            }
            // So are those of pieces; and what makes notes of events makes them of pieces of events too.
            if let DraftOp::Zoom { child, .. } | DraftOp::Shuffle { child, .. } = &node.op {
                return self.bounds[*child].unit.is_some();
            }
            if let DraftOp::Notes { notes, .. } = &node.op {
                return notes.iter().flatten().any(|note| !note.ends.is_empty());
            }
            let turns = matches!(
                node.op,
                DraftOp::Cat(_)
                    | DraftOp::Euclid { .. }
                    | DraftOp::Every { .. }
                    | DraftOp::Choose { .. }
                    | DraftOp::Freeze(_)
            );
            turns && node.op.children().into_iter().any(crosses)
        })
    }

    /// For each leaf on its own: do the fractions of its events fit `Ratio<i64>`, in the answer and
    /// in each `Degrade` above (which hashes them)?
    fn check_paths(&self, draft: &Draft, root: usize) -> Result<(), CompileError> {
        for (leaf, node) in draft.nodes.iter().enumerate() {
            if !matches!(node.op, DraftOp::Leaf(_)) {
                continue;
            }
            let mut ticks = 1;
            let mut at = leaf;
            // To blame: the node that divides time most.
            let mut finest = (0, leaf);
            loop {
                let node = &draft.nodes[at];
                let finer = need(&node.op, ticks).ok_or_else(|| draft.error(at, TimeTooFine))?;
                if finer / ticks > finest.0 {
                    finest = (finer / ticks, at);
                }
                ticks = finer;
                let here = &self.bounds[at];
                let cycles = (here.far + 2 * here.extent) / here.cycle + 2;
                let escapes =
                    at == root || matches!(node.op, DraftOp::Degrade { .. } | DraftOp::Chance { .. });
                let fits = cycles.checked_mul(ticks).is_some_and(|n| n <= i128::from(i64::MAX));
                if escapes && !fits {
                    return Err(draft.error(finest.1, TimeTooFine));
                }
                if at == root {
                    break;
                }
                at = node.parent;
            }
        }
        Ok(())
    }
}

/// `extent`, `unit` and `aligned` of a node, from those of its children.
fn reach(op: &DraftOp, own: Bounds, below: &[Bounds]) -> Option<Bounds> {
    let mut here = Bounds {
        extent: below.iter().map(|b| b.extent).max().unwrap_or(0),
        unit: below.iter().filter_map(|b| b.unit).max(),
        aligned: below.iter().all(|b| b.unit.is_none() || b.aligned),
        ..own
    };
    match op {
        DraftOp::Leaf(_) => here.extent = here.cycle,
        DraftOp::Freeze(_) => {
            here.extent = here.extent.max(here.cycle);
            here.unit = Some(here.cycle);
            here.aligned = true;
        }
        DraftOp::Line { factor, offset, .. } => {
            here.aligned &= *factor.denom() == 1 && *offset.denom() == 1;
        }
        DraftOp::Zoom { .. } | DraftOp::Shuffle { .. } => here.aligned &= here.unit.is_none(),
        DraftOp::Rev(_) => {
            let overhang = rev_reach(&here);
            here.extent = here.extent + 2 * here.cycle + 3 * overhang;
        }
        DraftOp::Warp { num, den, .. } => {
            // A length grows at most by the steeper of the two lines.
            let steepest = 2 * num.max(&(den - num)) / gcd(2, *den);
            here.extent = here.extent.checked_mul(steepest)?;
            here.unit = match here.unit {
                Some(unit) => Some(unit.checked_mul(steepest)?),
                None => None,
            };
        }
        _ => {}
    }
    (here.extent <= 1 << 110).then_some(here)
}

/// How far beyond its cycle a unit under a `Rev` may reach.
pub(crate) fn rev_reach(here: &Bounds) -> i128 {
    match here.unit {
        Some(unit) if !here.aligned => unit,
        _ => 0,
    }
}

fn child_far(op: &DraftOp, here: &Bounds, bounds: &[Bounds]) -> Option<i128> {
    match op {
        DraftOp::Line { offset, child, .. } => {
            Some(here.far + line_shift(offset, bounds[*child].cycle)?.abs())
        }
        DraftOp::Zoom { from, child, .. } => {
            let below = bounds[*child].cycle;
            let cycles = here.far / here.cycle + 2;
            cycles.checked_mul(below)?.checked_add(line_shift(from, below)?)?.checked_add(here.cycle)
        }
        DraftOp::Rev(_) => Some(here.far + 2 * (here.cycle + rev_reach(here))),
        _ => Some(here.far + here.cycle),
    }
}
