//! The nodes of a draft: what each does, and what stands below it.

use crate::chord::Order;
use crate::fraction::Wide;
use crate::ir::SourceSpan;

/// A node of the draft. Children always come before their parents.
#[derive(Debug)]
pub(crate) struct DraftNode {
    pub op: DraftOp,
    /// Index into [`paths`](super::Draft::paths).
    pub path: usize,
    /// The node above; the root points at itself.
    pub parent: usize,
}

/// What a draft node does. Nothing in a draft is silent: `None` stands for silence.
#[derive(Debug)]
pub(crate) enum DraftOp {
    /// An atom or a shape: index into [`leaves`](super::Draft::leaves).
    Leaf(u32),
    Stack(Vec<usize>),
    Cat(Vec<Option<usize>>),
    Euclid {
        steps: u32,
        hits: Vec<u32>,
        child: usize,
    },
    Every {
        n: u32,
        transform: Option<usize>,
        child: Option<usize>,
    },
    /// `child time = factor · time + offset`.
    Line {
        factor: Wide,
        offset: Wide,
        child: usize,
    },
    /// While the selector has an event of leaf `first + i`, `kids[i]` plays; one kid may stand there several times.
    Join {
        selector: usize,
        first: u32,
        kids: Vec<Option<usize>>,
    },
    /// Each event of one side meets those of the other: a leaf for each pair of leaves, or [`NO_LEAF`].
    Combine {
        structure: Structure,
        left: usize,
        right: usize,
        table: Table,
        /// The leaves in the table.
        leaves: Vec<u32>,
        /// Are there pairs that make no event?
        holes: bool,
    },
    /// Each event of leaf `first + i` becomes `parts[i]`, one after the other, equally long.
    Split {
        child: usize,
        first: u32,
        parts: Vec<Vec<u32>>,
    },
    /// All events with one whole are a chord: the notes `notes[i]` of each leaf `first + i`, `n` times in an order, or
    /// rolled within the first `1 / n`.
    Arp {
        child: usize,
        first: u32,
        notes: Vec<Vec<u32>>,
        order: Order,
        n: u32,
        /// How many notes a chord can have.
        totals: Vec<u32>,
        /// The most events that one event of the child becomes.
        each: u32,
    },
    /// All events with one whole that were given the same number are a chord, which is turned over as often: what each
    /// leaf `first + i` is, if it is one of them.
    Invert {
        child: usize,
        first: u32,
        turned: Vec<Option<Inversion>>,
        /// The most events that one event of the child becomes.
        each: u32,
    },
    /// `n` times per cycle what the child has then, held until the next.
    Segment {
        n: u32,
        child: usize,
    },
    /// Each event of leaf `first + i` becomes the notes `notes[i]`; other events stay.
    Notes {
        child: usize,
        first: u32,
        notes: Vec<Vec<NoteDraft>>,
    },
    /// `[from, to)` of each cycle of the child, in the whole cycle.
    Zoom {
        from: Wide,
        to: Wide,
        child: usize,
    },
    /// `n` pieces of each cycle in an order that chance decides.
    Shuffle {
        n: u32,
        scramble: bool,
        seed: u64,
        child: usize,
    },
    /// Each cycle one kid: the first whose share is above the throw.
    Choose {
        shares: Vec<f64>,
        seed: u64,
        kids: Vec<Option<usize>>,
    },
    Rev(usize),
    Freeze(usize),
    Degrade {
        prob: f64,
        seed: u64,
        child: usize,
    },
    Chance {
        prob: f64,
        seed: u64,
        invert: bool,
        child: usize,
    },
    /// Swing with the amount `num / den`.
    Warp {
        num: i128,
        den: i128,
        grid: u32,
        child: usize,
    },
}

/// An atom or a shape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leaf {
    /// Index into the values.
    pub value: u32,
    /// Index into the shapes.
    pub shape: Option<u32>,
    pub source: Option<SourceSpan>,
}

/// Whose events those of a combination are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Structure {
    Left,
    Right,
    Both,
}

/// The leaf that leaf `left + i` of one side and leaf `right + j` of the other make: `cells[i * width + j]`.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub left: u32,
    pub right: u32,
    pub width: u32,
    pub cells: Vec<u32>,
}

/// A note: what is said at its beginning, and after the share `gate` of it.
#[derive(Debug, Clone)]
pub(crate) struct NoteDraft {
    pub begins: Vec<u32>,
    pub ends: Vec<u32>,
    pub gate: Wide,
}

/// How often a chord is turned over, and the notes that a leaf has in it.
#[derive(Debug, Clone)]
pub(crate) struct Inversion {
    pub by: i32,
    pub notes: Vec<Octaves>,
}

/// A note and its leaf in each octave that it may come into: `leaves[i]` is `lowest + i` octaves higher.
#[derive(Debug, Clone)]
pub(crate) struct Octaves {
    pub pitch: f64,
    pub lowest: i32,
    pub leaves: Vec<u32>,
}

/// No leaf: the pair makes no event.
pub(crate) const NO_LEAF: u32 = u32::MAX;

impl DraftOp {
    pub fn children(&self) -> Vec<usize> {
        match self {
            DraftOp::Leaf(_) => Vec::new(),
            DraftOp::Stack(children) => children.clone(),
            DraftOp::Cat(children) => children.iter().flatten().copied().collect(),
            DraftOp::Choose { kids, .. } => kids.iter().flatten().copied().collect(),
            DraftOp::Join { selector, kids, .. } => {
                let mut below: Vec<usize> = kids.iter().flatten().copied().collect();
                below.push(*selector);
                below.sort_unstable();
                below.dedup();
                below
            }
            DraftOp::Combine { left, right, .. } => vec![*left, *right],
            DraftOp::Every { transform, child, .. } => transform.iter().chain(child).copied().collect(),
            DraftOp::Euclid { child, .. }
            | DraftOp::Line { child, .. }
            | DraftOp::Rev(child)
            | DraftOp::Freeze(child)
            | DraftOp::Degrade { child, .. }
            | DraftOp::Chance { child, .. }
            | DraftOp::Split { child, .. }
            | DraftOp::Arp { child, .. }
            | DraftOp::Invert { child, .. }
            | DraftOp::Segment { child, .. }
            | DraftOp::Notes { child, .. }
            | DraftOp::Zoom { child, .. }
            | DraftOp::Shuffle { child, .. }
            | DraftOp::Warp { child, .. } => vec![*child],
        }
    }

    pub(super) fn renumber(&mut self, place: impl Fn(usize) -> usize) {
        match self {
            DraftOp::Leaf(_) => {}
            DraftOp::Stack(children) => children.iter_mut().for_each(|c| *c = place(*c)),
            DraftOp::Cat(children) | DraftOp::Choose { kids: children, .. } => {
                children.iter_mut().flatten().for_each(|c| *c = place(*c));
            }
            DraftOp::Join { selector, kids, .. } => {
                *selector = place(*selector);
                kids.iter_mut().flatten().for_each(|c| *c = place(*c));
            }
            DraftOp::Every { transform, child, .. } => {
                transform.iter_mut().chain(child).for_each(|c| *c = place(*c));
            }
            DraftOp::Euclid { child, .. }
            | DraftOp::Line { child, .. }
            | DraftOp::Rev(child)
            | DraftOp::Freeze(child)
            | DraftOp::Degrade { child, .. }
            | DraftOp::Chance { child, .. }
            | DraftOp::Split { child, .. }
            | DraftOp::Arp { child, .. }
            | DraftOp::Invert { child, .. }
            | DraftOp::Segment { child, .. }
            | DraftOp::Notes { child, .. }
            | DraftOp::Zoom { child, .. }
            | DraftOp::Shuffle { child, .. }
            | DraftOp::Warp { child, .. } => *child = place(*child),
            DraftOp::Combine { left, right, .. } => (*left, *right) = (place(*left), place(*right)),
        }
    }
}
