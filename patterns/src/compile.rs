//! From a pattern to a program: **validate, draft, lattice, count, assemble.**

use crate::arena::{Arena, Bend, NONE, Node, Op};
use crate::draft::{Draft, DraftOp};
use crate::error::CompileErrorKind as Kind;
use crate::fraction::gcd;
use crate::lattice::{Lattice, line_shift, rev_reach};
use crate::period::period;
use crate::program::{Body, MAX_EVENTS_PER_CYCLE, Program};
use crate::tick::{Grid, Tick};
use crate::{CompileError, Pattern, count, validate::validate};

/// Compiles a pattern, or says what is wrong with it and where.
///
/// # Errors
/// A field out of range, a tree deeper than [`crate::MAX_DEPTH`], more events per cycle than
/// [`MAX_EVENTS_PER_CYCLE`], or times that have no exact representation.
pub fn compile(pattern: &Pattern) -> Result<Program, CompileError> {
    validate(pattern)?;
    let draft = Draft::new(pattern)?;
    let Some(root) = draft.root else {
        return Ok(Program::silent());
    };
    let lattice = Lattice::new(&draft, root)?;
    let events = count::events_per_cycle(&draft, &lattice.bounds, root);
    if events > u128::from(MAX_EVENTS_PER_CYCLE) {
        let densest = count::densest(&draft, &lattice.bounds, root, u128::from(MAX_EVENTS_PER_CYCLE));
        let events = u64::try_from(events).unwrap_or(u64::MAX);
        return Err(draft.error(densest, Kind::TooManyEvents { events }));
    }
    let body = if lattice.narrow {
        Body::Narrow(assemble(&draft, &lattice, root))
    } else {
        Body::Wide(assemble(&draft, &lattice, root))
    };
    let period = period(&draft, root);
    let tears = lattice.tears(&draft);
    Ok(Program {
        body,
        leaves: draft.leaves,
        values: draft.values,
        units: draft.units,
        shapes: draft.shapes,
        events_per_cycle: events as u32,
        period,
        tears,
    })
}

/// Lays the draft out flat, in ticks. Node numbers stay as they are.
fn assemble<T: Tick>(draft: &Draft, lattice: &Lattice, root: usize) -> Arena<T> {
    let mut kids = Vec::new();
    let mut hits = Vec::new();
    let silent_or = |child: &Option<usize>| child.map_or(NONE, |c| c as u32);
    let nodes = draft.nodes.iter().enumerate().map(|(i, node)| {
        let bounds = lattice.bounds[i];
        let cycle = T::from_wide(bounds.cycle);
        let op = match &node.op {
            DraftOp::Leaf(leaf) => match draft.leaves[*leaf as usize].shape {
                None => Op::Atom { leaf: *leaf },
                Some(_) => Op::Shape { leaf: *leaf },
            },
            DraftOp::Stack(children) => {
                let first = kids.len() as u32;
                kids.extend(children.iter().map(|&c| c as u32));
                let len = children.len() as u32;
                Op::Stack { first, len }
            }
            DraftOp::Cat(children) => {
                let first = kids.len() as u32;
                kids.extend(children.iter().map(silent_or));
                let slot = T::from_wide(bounds.cycle / children.len() as i128);
                Op::Cat { first, slot }
            }
            DraftOp::Euclid { steps, hits: sounding, child } => {
                let first = hits.len() as u32;
                hits.extend_from_slice(sounding);
                Op::Euclid {
                    first,
                    len: sounding.len() as u32,
                    slot: T::from_wide(bounds.cycle / i128::from(*steps)),
                    child: *child as u32,
                }
            }
            DraftOp::Every { n, transform, child } => Op::Every {
                n: T::from_wide(i128::from(*n)),
                transform: silent_or(transform),
                child: silent_or(child),
            },
            DraftOp::Line { offset, child, .. } => {
                // The lattice computed the same constant without overflow.
                let shift = line_shift(offset, lattice.bounds[*child].cycle).unwrap_or(0);
                Op::Line { shift: T::from_wide(shift), child: *child as u32 }
            }
            DraftOp::Rev(child) => Op::Rev {
                child: *child as u32,
                frozen: bounds.unit.is_some(),
                reach: T::from_wide(rev_reach(&bounds)),
            },
            DraftOp::Freeze(child) => Op::Freeze { child: *child as u32 },
            DraftOp::Degrade { prob, seed, child } => {
                Op::Degrade { prob: *prob, seed: *seed, child: *child as u32 }
            }
            DraftOp::Chance { prob, seed, invert, child } => {
                Op::Chance { prob: *prob, seed: *seed, invert: *invert, child: *child as u32 }
            }
            DraftOp::Warp { num, den, grid, child } => {
                let halves = gcd(2, *den);
                let step = lattice.bounds[*child].cycle / i128::from(*grid);
                Op::Warp {
                    bend: Bend {
                        step: T::from_wide(step),
                        first: T::from_wide(2 * num / halves),
                        second: T::from_wide(2 * (den - num) / halves),
                    },
                    child: *child as u32,
                }
            }
        };
        Node { op, cycle }
    });
    let nodes = nodes.collect();
    Arena { nodes, kids, hits, grid: Grid::new(T::from_wide(lattice.bounds[root].cycle)), root: root as u32 }
}
