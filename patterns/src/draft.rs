//! From the tree to a draft of the program: silence falls away, fractions are reduced, and runs of
//! `Fast`, `Slow`, `Early` and `Late` become one straight line of time each.

use crate::error::CompileErrorKind as Kind;
use crate::fraction::{Wide, add, mul, simplest, wide};
use crate::ir::{Pattern, SourceSpan};
use crate::program::MAX_EVENTS_PER_CYCLE;
use crate::shape::{Shape, ShapeKind};
use crate::validate::step;
use crate::{CompileError, Value, euclid_hits};

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

#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub nodes: Vec<DraftNode>,
    pub root: Option<usize>,
    pub leaves: Vec<Leaf>,
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
            DraftOp::Every { transform, child, .. } => transform.iter().chain(child).copied().collect(),
            DraftOp::Euclid { child, .. }
            | DraftOp::Line { child, .. }
            | DraftOp::Rev(child)
            | DraftOp::Freeze(child)
            | DraftOp::Degrade { child, .. }
            | DraftOp::Chance { child, .. }
            | DraftOp::Warp { child, .. } => vec![*child],
        }
    }

    fn renumber(&mut self, place: impl Fn(usize) -> usize) {
        match self {
            DraftOp::Leaf(_) => {}
            DraftOp::Stack(children) => children.iter_mut().for_each(|c| *c = place(*c)),
            DraftOp::Cat(children) => children.iter_mut().flatten().for_each(|c| *c = place(*c)),
            DraftOp::Every { transform, child, .. } => {
                transform.iter_mut().chain(child).for_each(|c| *c = place(*c));
            }
            DraftOp::Euclid { child, .. }
            | DraftOp::Line { child, .. }
            | DraftOp::Rev(child)
            | DraftOp::Freeze(child)
            | DraftOp::Degrade { child, .. }
            | DraftOp::Chance { child, .. }
            | DraftOp::Warp { child, .. } => *child = place(*child),
        }
    }
}

impl Draft {
    /// The draft of a validated pattern (so at most `MAX_DEPTH` deep).
    pub fn new(pattern: &Pattern) -> Result<Self, CompileError> {
        let mut draft = Self::default();
        draft.root = draft.lower(pattern, None, None)?;
        draft.sweep();
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

    fn error_at(&self, path: usize, kind: Kind) -> CompileError {
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
        Ok(match pattern {
            Pattern::Silence { .. } => None,
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
                child.and_then(|child| self.mirror(child, path))
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
                if *pulses == 0 {
                    return Ok(None);
                }
                let Some(child) = self.lower(child, Some(path), source)? else {
                    return Ok(None);
                };
                if *pulses > MAX_EVENTS_PER_CYCLE {
                    let events = u64::from(*pulses);
                    return Err(self.error_at(path, Kind::TooManyEvents { events }));
                }
                let hits = euclid_hits(*pulses, *steps, *rotation);
                let steps = *steps;
                self.push(DraftOp::Euclid { steps, hits, child }, path)
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
                // A throw is 0 or more and below 1: nothing is below 0, everything below 1.
                let (all, none) = if *invert { (1.0, 0.0) } else { (0.0, 1.0) };
                if *prob == none {
                    return Ok(None);
                }
                match self.lower(child, Some(path), source)? {
                    Some(child) if *prob != all => {
                        let (prob, seed, invert) = (*prob, *seed, *invert);
                        self.push(DraftOp::Chance { prob, seed, invert, child }, path)
                    }
                    child => child,
                }
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
    fn mirror(&mut self, child: usize, rev: usize) -> Option<usize> {
        match &self.nodes[child].op {
            DraftOp::Freeze(_) => Some(child),
            DraftOp::Leaf(leaf) if self.leaves[*leaf as usize].shape.is_none() => Some(child),
            DraftOp::Stack(layers) => {
                let layers = layers.clone();
                let path = self.nodes[child].path;
                let mirrored = layers.iter().filter_map(|&layer| self.mirror(layer, rev)).collect();
                self.push(DraftOp::Stack(mirrored), path)
            }
            _ => self.push(DraftOp::Rev(child), rev),
        }
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
        let (Some(mut factor), Some(mut offset)) = (factor, offset) else {
            return Err(self.error_at(path, Kind::ZeroDenominator));
        };
        let Some(mut child) = self.lower(child, Some(path), source)? else {
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
        self.push(DraftOp::Leaf((self.leaves.len() - 1) as u32), path)
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

fn one() -> Wide {
    Wide::from_integer(1)
}

fn zero() -> Wide {
    Wide::from_integer(0)
}
