//! The draft of a program: the nodes, leaves and values that stand between the tree and what plays.

mod chords;
mod combine;
mod datum;
mod invert;
mod lower;
mod notes;
mod op;
mod segment;
mod tune;
mod vary;

pub(crate) use datum::{Control, Datum, Given};
pub(crate) use op::{DraftNode, DraftOp, Inversion, Leaf, NO_LEAF, NoteDraft, Octaves, Structure, Table};

use crate::error::CompileErrorKind as Kind;
use crate::fraction::Wide;
use crate::ir::{Pattern, SourceSpan};
use crate::shape::{Shape, ShapeKind};
use crate::validate::step;
use crate::{CompileError, EventBuffer, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// The most copies that a draft may make of what is in the tree once: nodes below a `Vary`, pairs of values, notes,
/// layers that are mirrored. What such a copy carries counts too: see [`SMALL`].
pub(crate) const MAX_COPIES: usize = 1 << 16;

/// So many bytes of text, numbers of a table or entries of a list count as one copy more.
const SMALL: usize = 64;

/// The most controls of one event.
pub(super) const MAX_CONTROLS: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub nodes: Vec<DraftNode>,
    pub root: Option<usize>,
    pub leaves: Vec<Leaf>,
    /// What each leaf says.
    pub data: Vec<Datum>,
    /// Where each leaf is: a path.
    pub places: Vec<usize>,
    /// How many copies are being made one inside the other, and how many there are so far.
    copying: u32,
    copied: usize,
    /// Those of before the notes, which have the whole limit for themselves.
    copied_before: usize,
    /// The values of shapes below a `Segment`, by the node below it and how many there are per cycle. The tree stays
    /// where it is meanwhile.
    sampled: HashMap<(*const Pattern, u32), Arc<Pattern>>,
    /// Room for the answers that such values come from.
    answers: Option<EventBuffer>,
    /// How many operators above take values: finished notes below them are taken apart into controls.
    valued: u32,
    pub values: Vec<Value>,
    /// The innermost `Freeze` around each value, numbered from 1; 0: none.
    pub units: Vec<u32>,
    /// How many `Freeze`s there were so far.
    freezes: u32,
    pub shapes: Vec<Shape>,
    paths: Vec<Step>,
}

/// One step of the way to a node, put into words only when something is wrong there.
#[derive(Debug, Clone, Copy)]
struct Step {
    /// The step above.
    above: Option<usize>,
    op: &'static str,
    /// Which of several children the way enters.
    place: Option<usize>,
    span: Option<SourceSpan>,
}

impl Draft {
    /// The draft of a validated pattern (so at most `MAX_DEPTH` deep).
    pub fn new(pattern: &Pattern) -> Result<Self, CompileError> {
        Self::below(pattern, 0, 0, None)
    }

    /// The draft of a pattern that another draft takes apart by itself, `copied` copies into its making: what it is made
    /// of counts among them.
    fn below(
        pattern: &Pattern,
        copying: u32,
        copied: usize,
        answers: Option<EventBuffer>,
    ) -> Result<Self, CompileError> {
        let mut draft = Self { copying, copied, answers, ..Self::default() };
        draft.root = draft.lower(pattern, None, None)?;
        draft.root = draft.root.map(|root| draft.notes(root)).transpose()?;
        draft.sweep();
        draft.check_played()?;
        for node in 0..draft.nodes.len() {
            for child in draft.nodes[node].op.children() {
                draft.nodes[child].parent = node;
            }
        }
        Ok(draft)
    }

    /// Removes the nodes that joining and mirroring left behind; the others keep their order.
    fn sweep(&mut self) {
        let mut live = vec![false; self.nodes.len()];
        if let Some(root) = self.root {
            live[root] = true;
        }
        for node in (0..live.len()).rev() {
            if live[node] {
                self.nodes[node].op.children().into_iter().for_each(|child| live[child] = true);
            }
        }
        let mut kept = 0;
        let places: Vec<usize> = live
            .iter()
            .map(|&live| {
                kept += usize::from(live);
                kept.saturating_sub(1)
            })
            .collect();
        let mut alive = live.iter();
        self.nodes.retain(|_| alive.next() == Some(&true));
        for node in &mut self.nodes {
            node.op.renumber(|child| places[child]);
        }
        self.root = self.root.map(|root| places[root]);
    }

    /// The error of `kind` at a node.
    pub fn error(&self, node: usize, kind: Kind) -> CompileError {
        self.error_at(self.nodes[node].path, kind)
    }

    pub(super) fn error_at(&self, path: usize, kind: Kind) -> CompileError {
        let mut steps = Vec::new();
        let mut nearest = None;
        let mut at = Some(path);
        while let Some(i) = at {
            let Step { above, op, place, span } = self.paths[i];
            steps.push(step(op, place));
            nearest = nearest.or(span);
            at = above;
        }
        steps.reverse();
        if steps.len() > 12 {
            steps.splice(8..steps.len() - 3, ["…".to_owned()]);
        }
        CompileError { kind, path: steps.join(" > "), span: nearest }
    }

    fn push(&mut self, op: DraftOp, path: usize) -> Option<usize> {
        let parent = self.nodes.len();
        self.nodes.push(DraftNode { op, path, parent });
        Some(parent)
    }

    /// Counts what is about to be copied: things, and what they carry besides, [`SMALL`] for one more.
    fn count_copies(&mut self, things: usize, carried: usize, path: usize) -> Result<(), CompileError> {
        self.copied = self.copied.saturating_add(things).saturating_add(carried / SMALL);
        if self.copied > MAX_COPIES {
            return Err(self.error_at(path, Kind::TooManyCopies));
        }
        Ok(())
    }

    fn value(&mut self, value: &Value) -> u32 {
        let mut value = value.clone();
        if let Value::Control { value, .. } = &mut value {
            *value = f64::from(*value as f32);
        }
        self.values.push(value);
        self.units.push(0);
        (self.values.len() - 1) as u32
    }

    fn leaf(
        &mut self,
        value: u32,
        shape: Option<u32>,
        source: Option<SourceSpan>,
        path: usize,
    ) -> Option<usize> {
        self.leaves.push(Leaf { value, shape, source });
        self.data.push(Datum::Played);
        self.places.push(path);
        self.push(DraftOp::Leaf((self.leaves.len() - 1) as u32), path)
    }

    fn datum(&mut self, datum: Datum, source: Option<SourceSpan>, path: usize) -> Option<usize> {
        let leaf = self.leaf(NO_VALUE, None, source, path);
        if let Some(last) = self.data.last_mut() {
            *last = datum;
        }
        leaf
    }

    fn shape(&mut self, node: &Pattern) -> Option<u32> {
        let Pattern::Shape { kind, lo, hi, duty, seed, table, .. } = node else {
            return None;
        };
        self.shapes.push(Shape {
            kind: kind.parse::<ShapeKind>().ok()?,
            lo: *lo,
            hi: *hi,
            duty: duty.unwrap_or(0.5),
            seed: seed.unwrap_or(0),
            table: table.clone().unwrap_or_default(),
        });
        Some((self.shapes.len() - 1) as u32)
    }
}

/// The value of a leaf that plays nothing.
pub(crate) const NO_VALUE: u32 = u32::MAX;

/// What an operator on values takes of a note.
pub(super) const FEW: &str = "up to 256 controls of one event";

fn one() -> Wide {
    Wide::from_integer(1)
}

fn zero() -> Wide {
    Wide::from_integer(0)
}
