//! From the tree to the nodes of the draft: silence falls away, fractions are reduced, and runs of `Fast`, `Slow`, `Early`
//! and `Late` become one straight line of time each.

use super::notes::note_controls;
use super::op::DraftOp;
use super::{Datum, Draft, FEW, MAX_CONTROLS, Step, one, zero};
use crate::error::CompileErrorKind as Kind;
use crate::fraction::{Wide, add, mul, simplest, wide};
use crate::ir::{Pattern, SourceSpan};
use crate::{CompileError, OscArg, Value};

impl Draft {
    pub(super) fn lower(
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
    pub(super) fn branch(&mut self, pattern: &Pattern, above: Option<usize>, place: usize) -> Option<usize> {
        self.paths.push(Step { above, op: pattern.op(), place: Some(place), span: pattern.span() });
        Some(self.paths.len() - 1)
    }

    pub(super) fn lower_all(
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
    pub(super) fn line_below(
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
}

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
