//! From the tree to a draft of the program: silence falls away, fractions are reduced, and runs of
//! `Fast`, `Slow`, `Early` and `Late` become one straight line of time each.

mod chords;
mod combine;
mod invert;
mod notes;
mod segment;
mod tune;
mod vary;

use notes::note_controls;

use crate::chord::Order;
use crate::error::CompileErrorKind as Kind;
use crate::fraction::{Wide, add, mul, simplest, wide};
use crate::ir::{Pattern, SourceSpan};
use crate::shape::{Shape, ShapeKind};
use crate::validate::step;
use crate::{CompileError, EventBuffer, OscArg, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// A node of the draft. Children always come before their parents.
#[derive(Debug)]
pub(crate) struct DraftNode {
    pub op: DraftOp,
    /// Index into [`Draft::paths`].
    pub path: usize,
    /// The node above; the root points at itself.
    pub parent: usize,
}

/// What a draft node does. Nothing in a draft is silent: `None` stands for silence.
#[derive(Debug)]
pub(crate) enum DraftOp {
    /// An atom or a shape: index into [`Draft::leaves`].
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

/// What a leaf says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Datum {
    /// A value or a shape: it plays.
    Played,
    /// A number or a name: an operator takes it.
    Number(f64),
    Name(Arc<str>),
    /// Controls with what they are given.
    Controls(Vec<Control>),
}

/// A label, shared by all that carry it, and what it is given.
pub(crate) type Control = (Arc<str>, Given);

/// What an event gives to a control.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Given {
    /// Numbers, at least one; of a pitch there may be several, a chord.
    Numbers(Vec<f64>),
    /// One of the names that the control's values have.
    Name(Arc<str>),
}

impl Given {
    /// How many notes it makes at least.
    pub fn count(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Name(_) => 1,
        }
    }

    /// Its numbers; a name has none.
    pub fn numbers(&self) -> &[f64] {
        match self {
            Self::Numbers(numbers) => numbers,
            Self::Name(_) => &[],
        }
    }

    /// See [`Self::numbers`].
    pub fn numbers_mut(&mut self) -> &mut [f64] {
        match self {
            Self::Numbers(numbers) => numbers,
            Self::Name(_) => &mut [],
        }
    }

    /// What it gives to one note of a chord: what is given once is given to every note.
    pub fn of_note(&self, note: usize) -> Self {
        match self {
            Self::Numbers(numbers) => Self::Numbers(vec![numbers[note % numbers.len()]]),
            name => name.clone(),
        }
    }
}

impl std::fmt::Display for Datum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Datum::Played => f.write_str("what plays"),
            Datum::Number(number) => write!(f, "the number {number}"),
            Datum::Name(name) => write!(f, "the name {name}"),
            Datum::Controls(controls) => {
                let labels: Vec<&str> = controls.iter().take(8).map(|(label, _)| &**label).collect();
                let more = if controls.len() > 8 { ", …" } else { "" };
                write!(f, "the controls {}{more}", labels.join(", "))
            }
        }
    }
}

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

    fn renumber(&mut self, place: impl Fn(usize) -> usize) {
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

    fn lower(
        &mut self,
        pattern: &Pattern,
        above: Option<usize>,
        source: Option<SourceSpan>,
    ) -> Result<Option<usize>, CompileError> {
        let source = pattern.span().or(source);
        let path = self.paths.len();
        self.paths.push(Step { above, op: pattern.op(), place: None, span: pattern.span() });
        if self.copying > 0 {
            self.count_copies(1, carried(pattern), path)?;
        }
        Ok(match pattern {
            Pattern::Silence { .. } => None,
            Pattern::Number { value, .. } => self.datum(Datum::Number(*value), source, path),
            Pattern::Name { name, .. } => self.datum(Datum::Name(name.as_str().into()), source, path),
            Pattern::Vary { .. } => self.vary(pattern, above, path, source)?,
            Pattern::Pick { .. } => self.pick(pattern, above, path, source)?,
            Pattern::Choose { weights, seed, children, .. } => {
                let kids = self.lower_all(pattern, children, path, source)?;
                if kids.iter().all(Option::is_none) {
                    return Ok(None);
                }
                let shares = shares(weights.as_deref(), kids.len());
                self.push(DraftOp::Choose { shares, seed: *seed, kids }, path)
            }
            Pattern::Atom { value, .. } => {
                let value = self.value(value);
                self.leaf(value, None, source, path)
            }
            Pattern::Shape { .. } => {
                let shape = self.shape(pattern);
                let Pattern::Shape { label, lo, .. } = pattern else {
                    return Ok(None);
                };
                let value = self.value(&Value::Control { label: label.clone(), value: *lo });
                self.leaf(value, shape, source, path)
            }
            Pattern::Cat { children, .. } => {
                let children = self.lower_all(pattern, children, path, source)?;
                if children.iter().all(Option::is_none) {
                    return Ok(None);
                }
                self.push(DraftOp::Cat(children), path)
            }
            Pattern::Stack { children, .. } => {
                let children = self.lower_all(pattern, children, path, source)?;
                let mut children: Vec<usize> = children.into_iter().flatten().collect();
                match children.len() {
                    0 | 1 => children.pop(),
                    _ => self.push(DraftOp::Stack(children), path),
                }
            }
            Pattern::Fast { factor, child, .. } => {
                self.line(wide(*factor), Some(zero()), child, path, source)?
            }
            Pattern::Slow { factor, child, .. } => {
                let factor = wide(*factor).map(|f| f.recip());
                self.line(factor, Some(zero()), child, path, source)?
            }
            Pattern::Early { offset, child, .. } => {
                self.line(Some(one()), wide(*offset), child, path, source)?
            }
            Pattern::Late { offset, child, .. } => {
                let offset = wide(*offset).map(|o| -o);
                self.line(Some(one()), offset, child, path, source)?
            }
            Pattern::Rev { child, .. } => {
                let child = self.lower(child, Some(path), source)?;
                child.map(|child| self.mirror(child, path)).transpose()?.flatten()
            }
            Pattern::Label { .. } => self.label(pattern, path, source)?,
            Pattern::Combine { .. } => self.combine(pattern, above, path, source)?,
            Pattern::Split { .. } => self.split(pattern, path, source)?,
            Pattern::Segment { n, child, .. } => self.segment(*n, child, path, source)?,
            Pattern::Tune { .. } => self.tune(pattern, path, source)?,
            Pattern::Zoom { from, to, child, .. } => {
                let (Some(from), Some(to)) = (wide(*from), wide(*to)) else {
                    return Err(self.error_at(path, Kind::ZeroDenominator));
                };
                let Some(child) = self.lower(child, Some(path), source)? else { return Ok(None) };
                if (from, to) == (zero(), one()) {
                    return Ok(Some(child));
                }
                self.push(DraftOp::Zoom { from, to, child }, path)
            }
            Pattern::Shuffle { kind, n, seed, child, .. } => {
                let Some(child) = self.lower(child, Some(path), source)? else { return Ok(None) };
                if *n == 1 {
                    return Ok(Some(child));
                }
                let (n, scramble, seed) = (*n, kind == "scramble", *seed);
                self.push(DraftOp::Shuffle { n, scramble, seed, child }, path)
            }
            Pattern::Freeze { .. } if self.valued > 0 && note_controls(pattern).is_some() => {
                let controls = note_controls(pattern).unwrap_or_default();
                if controls.len() > MAX_CONTROLS {
                    let (op, takes, given) = ("an operator on values", FEW, controls.len().to_string());
                    return Err(self.error_at(path, Kind::Takes { op, takes, given }));
                }
                if self.copying > 0 {
                    let bytes = controls.iter().map(|(label, _)| label.len()).sum();
                    self.count_copies(controls.len(), bytes, path)?;
                }
                self.datum(Datum::Controls(controls), source, path)
            }
            Pattern::Freeze { child, .. } => {
                let first = self.values.len();
                let child = self.lower(child, Some(path), source)?;
                self.freezes += 1;
                let number = self.freezes;
                self.units[first..].iter_mut().filter(|unit| **unit == 0).for_each(|unit| *unit = number);
                child.and_then(|child| self.push(DraftOp::Freeze(child), path))
            }
            Pattern::Every { n, transform, child, .. } => {
                let branch = self.branch(pattern, above, 0);
                let transform = self.lower(transform, branch, source)?;
                let branch = self.branch(pattern, above, 1);
                let child = self.lower(child, branch, source)?;
                if transform.is_none() && child.is_none() {
                    return Ok(None);
                }
                let n = *n;
                self.push(DraftOp::Every { n, transform, child }, path)
            }
            Pattern::Euclid { pulses, steps, rotation, child, .. } => {
                self.euclid(i64::from(*pulses), *steps, *rotation, child, path, source)?
            }
            Pattern::Degrade { prob, seed, child, .. } => {
                // The hash gives 0.0 to 0.9999: nothing is below 0, everything below 1.
                if *prob == 1.0 {
                    return Ok(None);
                }
                match self.lower(child, Some(path), source)? {
                    Some(child) if *prob > 0.0 => {
                        let (prob, seed) = (*prob, *seed);
                        self.push(DraftOp::Degrade { prob, seed, child }, path)
                    }
                    child => child,
                }
            }
            Pattern::Chance { prob, seed, invert, child, .. } => {
                self.chance(*prob, *seed, *invert, child, path, source)?
            }
            Pattern::Warp { amount, grid, child, .. } => {
                let Some(child) = self.lower(child, Some(path), source)? else {
                    return Ok(None);
                };
                let Some((num, den)) = simplest(*amount) else {
                    return Err(self.error_at(path, Kind::TimeTooFine));
                };
                if (num, den) == (1, 2) {
                    return Ok(Some(child));
                }
                let (num, den, grid) = (i128::from(num), i128::from(den), *grid);
                let op = DraftOp::Warp { num, den, grid, child };
                self.push(op, path)
            }
        })
    }

    /// The path into one of several children.
    fn branch(&mut self, pattern: &Pattern, above: Option<usize>, place: usize) -> Option<usize> {
        self.paths.push(Step { above, op: pattern.op(), place: Some(place), span: pattern.span() });
        Some(self.paths.len() - 1)
    }

    fn lower_all(
        &mut self,
        pattern: &Pattern,
        children: &[Pattern],
        path: usize,
        source: Option<SourceSpan>,
    ) -> Result<Vec<Option<usize>>, CompileError> {
        let above = self.paths[path].above;
        let mut lowered = Vec::with_capacity(children.len());
        for (place, child) in children.iter().enumerate() {
            let branch = self.branch(pattern, above, place);
            lowered.push(self.lower(child, branch, source)?);
        }
        Ok(lowered)
    }

    /// A node mirrored. Layers are mirrored one by one, so that a long unit in one of them does not
    /// make all look far around; an atom or a unit fills its cycle and is its own mirror image.
    fn mirror(&mut self, child: usize, rev: usize) -> Result<Option<usize>, CompileError> {
        Ok(match &self.nodes[child].op {
            DraftOp::Freeze(_) => Some(child),
            DraftOp::Leaf(leaf) if self.leaves[*leaf as usize].shape.is_none() => Some(child),
            DraftOp::Stack(layers) => {
                let layers = layers.clone();
                let path = self.nodes[child].path;
                let mut mirrored = Vec::with_capacity(layers.len());
                for layer in layers {
                    self.count_copies(1, 0, rev)?;
                    mirrored.extend(self.mirror(layer, rev)?);
                }
                self.push(DraftOp::Stack(mirrored), path)
            }
            _ => self.push(DraftOp::Rev(child), rev),
        })
    }

    /// Counts what is about to be copied: things, and what they carry besides, [`SMALL`] for one more.
    fn count_copies(&mut self, things: usize, carried: usize, path: usize) -> Result<(), CompileError> {
        self.copied = self.copied.saturating_add(things).saturating_add(carried / SMALL);
        if self.copied > MAX_COPIES {
            return Err(self.error_at(path, Kind::TooManyCopies));
        }
        Ok(())
    }

    /// `child time = factor · time + offset`, joined with such a line right below.
    fn line(
        &mut self,
        factor: Option<Wide>,
        offset: Option<Wide>,
        child: &Pattern,
        path: usize,
        source: Option<SourceSpan>,
    ) -> Result<Option<usize>, CompileError> {
        self.line_below(factor, offset, child, path, Some(path), source)
    }

    /// The same with the way into the child given.
    fn line_below(
        &mut self,
        factor: Option<Wide>,
        offset: Option<Wide>,
        child: &Pattern,
        path: usize,
        below: Option<usize>,
        source: Option<SourceSpan>,
    ) -> Result<Option<usize>, CompileError> {
        let (Some(mut factor), Some(mut offset)) = (factor, offset) else {
            return Err(self.error_at(path, Kind::ZeroDenominator));
        };
        let Some(mut child) = self.lower(child, below, source)? else {
            return Ok(None);
        };
        if let DraftOp::Line { factor: f, offset: o, child: below } = &self.nodes[child].op {
            let joined = (|| Some((mul(&factor, f)?, add(&mul(f, &offset)?, o)?)))();
            let Some(joined) = joined else {
                return Err(self.error(child, Kind::TimeTooFine));
            };
            (factor, offset) = joined;
            child = *below;
        }
        if factor == one() && offset == zero() {
            return Ok(Some(child));
        }
        let line = DraftOp::Line { factor, offset, child };
        Ok(self.push(line, path))
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

/// The bytes of text and the numbers that a node has by itself.
fn carried(pattern: &Pattern) -> usize {
    let string = |arg: &OscArg| if let OscArg::Str(text) = arg { text.len() } else { 0 };
    match pattern {
        Pattern::Atom { value: Value::Control { label, .. }, .. } | Pattern::Label { label, .. } => {
            label.len()
        }
        Pattern::Atom { value: Value::Osc { address, args }, .. } => {
            address.len() + args.iter().map(|arg| 1 + string(arg)).sum::<usize>()
        }
        Pattern::Name { name, .. } => name.len(),
        Pattern::Tune { tuning, map, .. } => tuning.len() + map.as_ref().map_or(0, String::len),
        Pattern::Shape { label, table, .. } => label.len() + table.as_ref().map_or(0, Vec::len),
        _ => 0,
    }
}

/// Where the share of each kid ends, of a throw in `[0, 1)`.
fn shares(weights: Option<&[f64]>, kids: usize) -> Vec<f64> {
    let weight = |kid: usize| weights.map_or(1.0, |weights| weights[kid]);
    let sum: f64 = (0..kids).map(weight).sum();
    let mut end = 0.0;
    let mut shares: Vec<f64> = (0..kids)
        .map(|kid| {
            end += weight(kid);
            end / sum
        })
        .collect();
    // Rounding must not leave a throw without a kid; kids of no weight at the end have no share.
    let last = (0..kids).rev().find(|kid| weight(*kid) > 0.0).unwrap_or(0);
    shares[last..].fill(1.0);
    shares
}

fn one() -> Wide {
    Wide::from_integer(1)
}

fn zero() -> Wide {
    Wide::from_integer(0)
}
