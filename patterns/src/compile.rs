//! From a pattern to a program: **validate, draft, lattice, count, assemble.**

use crate::arena::{Arena, Bend, Inversion, NONE, Node, Op, Pitch, Voice};
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
    assembled(Draft::new(pattern)?)
}

/// The program of a draft.
pub(crate) fn assembled(draft: Draft) -> Result<Program, CompileError> {
    let Some(root) = draft.root else {
        return Ok(Program::silent());
    };
    let lattice = Lattice::new(&draft, root)?;
    let (events, in_hand) = count::events_per_cycle(&draft, &lattice.bounds, root);
    if in_hand > u128::from(MAX_EVENTS_PER_CYCLE) {
        let densest = count::densest(&draft, &lattice.bounds, root, u128::from(MAX_EVENTS_PER_CYCLE));
        let events = u64::try_from(in_hand).unwrap_or(u64::MAX);
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
    let mut shares = Vec::new();
    let (mut cells, mut splits, mut voices) = (Vec::new(), Vec::new(), Vec::new());
    let (mut inversions, mut pitches) = (Vec::new(), Vec::new());
    // The units of notes have numbers above those of the `Freeze` nodes.
    let mut unit = draft.nodes.len() as u32;
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
            DraftOp::Join { selector, first: leaf, kids: below } => {
                let first = kids.len() as u32;
                kids.extend(below.iter().map(silent_or));
                Op::Join { selector: *selector as u32, first, leaf: *leaf }
            }
            DraftOp::Combine { structure, left, right, table, .. } => {
                let cell = cells.len() as u32;
                cells.extend_from_slice(&table.cells);
                Op::Combine {
                    structure: *structure,
                    sides: [*left as u32, *right as u32],
                    leaves: [table.left, table.right],
                    width: table.width,
                    cell,
                }
            }
            DraftOp::Split { child, first, parts } => {
                let split = splits.len() as u32;
                for part in parts {
                    let begin = cells.len() as u32;
                    cells.extend_from_slice(part);
                    splits.push([begin, cells.len() as u32]);
                }
                Op::Split { child: *child as u32, leaf: *first, split }
            }
            DraftOp::Arp { child, first, notes, order, n, .. } => {
                let split = splits.len() as u32;
                for notes in notes {
                    let begin = cells.len() as u32;
                    cells.extend_from_slice(notes);
                    splits.push([begin, cells.len() as u32]);
                }
                Op::Arp { child: *child as u32, leaf: *first, split, order: *order, n: *n }
            }
            DraftOp::Invert { child, first: leaf, turned, .. } => {
                let first = inversions.len() as u32;
                for inversion in turned {
                    let begin = pitches.len() as u32;
                    for note in inversion.iter().flat_map(|inversion| &inversion.notes) {
                        let cell = cells.len() as u32;
                        cells.extend_from_slice(&note.leaves);
                        pitches.push(Pitch { pitch: note.pitch, lowest: note.lowest, cell });
                    }
                    let by = inversion.as_ref().map_or(0, |inversion| inversion.by);
                    inversions.push(Inversion { by, notes: [begin, pitches.len() as u32] });
                }
                Op::Invert { child: *child as u32, leaf: *leaf, first }
            }
            DraftOp::Segment { n, child } => {
                Op::Segment { slot: T::from_wide(bounds.cycle / i128::from(*n)), child: *child as u32 }
            }
            DraftOp::Notes { child, first, notes } => {
                let split = splits.len() as u32;
                for notes in notes {
                    let begin = voices.len() as u32;
                    for note in notes {
                        let mut put = |leaves: &[u32]| {
                            let begin = cells.len() as u32;
                            cells.extend_from_slice(leaves);
                            [begin, cells.len() as u32]
                        };
                        let (begins, ends) = (put(&note.begins), put(&note.ends));
                        unit += 1;
                        voices.push(Voice {
                            begins,
                            ends,
                            num: T::from_wide(*note.gate.numer()),
                            den: T::from_wide(*note.gate.denom()),
                            freeze: if note.ends.is_empty() { 0 } else { unit },
                        });
                    }
                    splits.push([begin, voices.len() as u32]);
                }
                let len = notes.len() as u32;
                Op::Notes { child: *child as u32, leaf: *first, split, len }
            }
            DraftOp::Zoom { from, child, .. } => {
                let below = lattice.bounds[*child].cycle;
                Op::Zoom {
                    step: T::from_wide(below - bounds.cycle),
                    // The lattice computed the same constant without overflow.
                    shift: T::from_wide(line_shift(from, below).unwrap_or(0)),
                    child: *child as u32,
                }
            }
            DraftOp::Shuffle { n, scramble, seed, child } => Op::Shuffle {
                n: *n,
                slot: T::from_wide(bounds.cycle / i128::from(*n)),
                scramble: *scramble,
                seed: *seed,
                child: *child as u32,
            },
            DraftOp::Choose { shares: ends, seed, kids: below } => {
                let (first, share, len) = (kids.len() as u32, shares.len() as u32, below.len() as u32);
                kids.extend(below.iter().map(silent_or));
                shares.extend_from_slice(ends);
                Op::Choose { first, len, share, seed: *seed }
            }
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
    Arena {
        nodes,
        kids,
        hits,
        shares,
        cells,
        splits,
        voices,
        inversions,
        pitches,
        grid: Grid::new(T::from_wide(lattice.bounds[root].cycle)),
        root: root as u32,
    }
}
