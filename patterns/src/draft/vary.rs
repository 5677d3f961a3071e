//! Operators whose numbers are patterns: the child once for each number that there is, and a join that plays the
//! one whose number it is now.

use super::{Datum, Draft, DraftOp, one, zero};
use crate::error::CompileErrorKind as Kind;
use crate::fraction::exactly;
use crate::ir::{Pattern, SourceSpan};
use crate::program::MAX_EVENTS_PER_CYCLE;
use crate::{CompileError, euclid_hits};
use std::collections::HashMap;

type Lowered = Result<Option<usize>, CompileError>;

/// A `Vary` on its way down, with the numbers that are decided.
struct Varied<'a> {
    pattern: &'a Pattern,
    above: Option<usize>,
    path: usize,
    source: Option<SourceSpan>,
    /// Each with the leaf it comes from.
    numbers: Vec<(f64, u32)>,
}

impl Draft {
    pub(super) fn vary(
        &mut self,
        pattern: &Pattern,
        above: Option<usize>,
        path: usize,
        source: Option<SourceSpan>,
    ) -> Lowered {
        self.vary_by(&mut Varied { pattern, above, path, source, numbers: Vec::new() })
    }

    /// Decides the next number in every way there is, and joins the ways.
    fn vary_by(&mut self, varied: &mut Varied<'_>) -> Lowered {
        let Pattern::Vary { by, .. } = varied.pattern else { return Ok(None) };
        let place = varied.numbers.len();
        let Some(next) = by.get(place) else { return self.vary_child(varied) };
        let branch = self.branch(varied.pattern, varied.above, place);
        let Some(selector) = self.lower(next, branch, varied.source)? else { return Ok(None) };
        let leaves = self.sounding(selector);
        let mut kids = Vec::with_capacity(leaves.len());
        // By the bits of the number; adding 0 makes -0 and 0 one.
        let mut made: HashMap<u64, Option<usize>> = HashMap::new();
        for &leaf in &leaves {
            let number = self.number(leaf, "Vary")?;
            let bits = (number + 0.0).to_bits();
            if let Some(kid) = made.get(&bits) {
                kids.push((leaf, *kid));
                continue;
            }
            varied.numbers.push((number, leaf));
            self.copying += u32::from(!made.is_empty());
            let kid = self.vary_by(varied);
            self.copying -= u32::from(!made.is_empty());
            varied.numbers.pop();
            let kid = kid?;
            made.insert(bits, kid);
            kids.push((leaf, kid));
        }
        self.join(selector, &kids, varied.path)
    }

    /// All numbers are decided.
    fn vary_child(&mut self, varied: &Varied<'_>) -> Lowered {
        let Pattern::Vary { kind, by, seed, transform, child, .. } = varied.pattern else { return Ok(None) };
        let (path, source) = (varied.path, varied.source);
        let (first, leaf) = varied.numbers[0];
        let at = self.places[leaf as usize];
        let place = by.len() + usize::from(transform.is_some());
        let below = self.branch(varied.pattern, varied.above, place);
        let exact = |draft: &Self| exactly(first).ok_or_else(|| draft.error_at(at, Kind::TimeTooFine));
        match kind.as_str() {
            "fast" | "slow" => {
                let factor = exact(self)?;
                if factor <= zero() {
                    return Err(self.error_at(at, Kind::FactorNotPositive));
                }
                let factor = if kind == "fast" { factor } else { factor.recip() };
                self.line_below(Some(factor), Some(zero()), child, path, below, source)
            }
            "early" => self.line_below(Some(one()), Some(exact(self)?), child, path, below, source),
            "late" => self.line_below(Some(one()), Some(-exact(self)?), child, path, below, source),
            "every" => {
                let n = (first.fract() == 0.0 && first >= 1.0 && first <= f64::from(u32::MAX))
                    .then_some(first as u32);
                let Some(n) = n else {
                    let (op, takes, given) = ("every", "whole numbers from 1 on", format!("{first}"));
                    return Err(self.error_at(at, Kind::Takes { op, takes, given }));
                };
                let branch = self.branch(varied.pattern, varied.above, by.len());
                let transform = transform.as_deref().map(|transform| self.lower(transform, branch, source));
                let transform = transform.transpose()?.flatten();
                let child = self.lower(child, below, source)?;
                if transform.is_none() && child.is_none() {
                    return Ok(None);
                }
                Ok(self.push(DraftOp::Every { n, transform, child }, path))
            }
            "chance" => {
                if !(0.0..=1.0).contains(&first) {
                    return Err(self.error_at(at, Kind::ProbabilityOutOfRange("Chance")));
                }
                self.chance(first, *seed, false, child, path, source)
            }
            _ => {
                let mut whole = [0_i64; 3];
                for (place, &(number, leaf)) in varied.numbers.iter().enumerate() {
                    if number.fract() != 0.0 || number.abs() > f64::from(u32::MAX) {
                        let place = self.places[leaf as usize];
                        let given = format!("{number}");
                        let takes = "whole numbers";
                        return Err(self.error_at(place, Kind::Takes { op: "euclid", takes, given }));
                    }
                    whole[place] = number as i64;
                }
                let [pulses, steps, rotation] = whole;
                let steps_at = self.places[varied.numbers[1].1 as usize];
                let steps = u32::try_from(steps)
                    .ok()
                    .filter(|steps| *steps > 0)
                    .ok_or_else(|| self.error_at(steps_at, Kind::EuclidNoSteps))?;
                if pulses.unsigned_abs() > u64::from(steps) {
                    return Err(self.error_at(at, Kind::EuclidTooManyPulses));
                }
                self.euclid(pulses, steps, rotation, child, path, source)
            }
        }
    }

    pub(super) fn pick(
        &mut self,
        pattern: &Pattern,
        above: Option<usize>,
        path: usize,
        source: Option<SourceSpan>,
    ) -> Lowered {
        let Pattern::Pick { index, children, .. } = pattern else { return Ok(None) };
        let branch = self.branch(pattern, above, 0);
        let Some(selector) = self.lower(index, branch, source)? else { return Ok(None) };
        let mut lowered: HashMap<usize, Option<usize>> = HashMap::new();
        let mut kids = Vec::new();
        for leaf in self.sounding(selector) {
            let number = self.number(leaf, "Pick")?;
            if number.fract() != 0.0 || number.abs() > 1e9 {
                let given = format!("{number}");
                let takes = "whole numbers as index";
                return Err(
                    self.error_at(self.places[leaf as usize], Kind::Takes { op: "Pick", takes, given })
                );
            }
            let place = (number as i64).rem_euclid(children.len() as i64) as usize;
            let kid = match lowered.get(&place) {
                Some(kid) => *kid,
                None => {
                    let branch = self.branch(pattern, above, place + 1);
                    self.lower(&children[place], branch, source)?
                }
            };
            lowered.insert(place, kid);
            kids.push((leaf, kid));
        }
        self.join(selector, &kids, path)
    }

    /// While the selector has an event of one of these leaves, its kid plays.
    fn join(&mut self, selector: usize, kids: &[(u32, Option<usize>)], path: usize) -> Lowered {
        if kids.iter().all(|(_, kid)| kid.is_none()) {
            return Ok(None);
        }
        // One number all the time.
        if let (DraftOp::Leaf(_), [(_, kid)]) = (&self.nodes[selector].op, kids) {
            return Ok(*kid);
        }
        let first = kids.iter().map(|(leaf, _)| *leaf).min().unwrap_or(0);
        let last = kids.iter().map(|(leaf, _)| *leaf).max().unwrap_or(0);
        // The table has room for the leaves between too.
        let room = (last - first + 1) as usize;
        self.count_copies(0, room.saturating_sub(kids.len()), path)?;
        let mut table = vec![None; room];
        for (leaf, kid) in kids {
            table[(leaf - first) as usize] = *kid;
        }
        Ok(self.push(DraftOp::Join { selector, first, kids: table }, path))
    }

    /// The number that a leaf says.
    fn number(&self, leaf: u32, op: &'static str) -> Result<f64, CompileError> {
        match &self.data[leaf as usize] {
            Datum::Number(number) => Ok(*number),
            other => {
                let (takes, given) = ("numbers", other.to_string());
                Err(self.error_at(self.places[leaf as usize], Kind::Takes { op, takes, given }))
            }
        }
    }

    /// The leaves that events of a node can have, in rising order.
    pub(super) fn sounding(&self, node: usize) -> Vec<u32> {
        let mut leaves = Vec::new();
        let mut pending = vec![node];
        while let Some(node) = pending.pop() {
            match &self.nodes[node].op {
                DraftOp::Leaf(leaf) => leaves.push(*leaf),
                // One kid may stand there for many numbers, and so may what is below it.
                DraftOp::Join { selector, .. } => {
                    pending.extend(self.nodes[node].op.children().iter().filter(|kid| *kid != selector));
                }
                DraftOp::Combine { leaves: made, .. } => leaves.extend(made),
                DraftOp::Split { parts, .. } => leaves.extend(parts.iter().flatten()),
                DraftOp::Arp { notes, .. } => leaves.extend(notes.iter().flatten()),
                DraftOp::Invert { turned, .. } => {
                    let notes = turned.iter().flatten().flat_map(|inversion| inversion.notes.iter());
                    leaves.extend(notes.flat_map(|note| &note.leaves));
                }
                op => pending.extend(op.children()),
            }
        }
        leaves.sort_unstable();
        leaves.dedup();
        leaves
    }

    /// Numbers and names play nothing: one that reaches the root was forgotten. Controls have become notes.
    pub(super) fn check_played(&self) -> Result<(), CompileError> {
        for leaf in self.root.map_or(Vec::new(), |root| self.sounding(root)) {
            if matches!(self.data[leaf as usize], Datum::Number(_) | Datum::Name(_)) {
                let value = self.data[leaf as usize].to_string();
                return Err(self.error_at(self.places[leaf as usize], Kind::NotPlayed { value }));
            }
        }
        Ok(())
    }

    /// With negative pulses the steps that the positive ones leave out.
    pub(super) fn euclid(
        &mut self,
        pulses: i64,
        steps: u32,
        rotation: i64,
        child: &Pattern,
        path: usize,
        source: Option<SourceSpan>,
    ) -> Lowered {
        let spread = pulses.unsigned_abs() as u32;
        let sounding = if pulses < 0 { steps - spread } else { spread };
        if sounding == 0 {
            return Ok(None);
        }
        let Some(child) = self.lower(child, Some(path), source)? else { return Ok(None) };
        if sounding > MAX_EVENTS_PER_CYCLE || (pulses < 0 && spread > MAX_EVENTS_PER_CYCLE) {
            let events = u64::from(sounding);
            return Err(self.error_at(path, Kind::TooManyEvents { events }));
        }
        self.count_copies(0, sounding.max(spread) as usize, path)?;
        let mut hits = euclid_hits(spread, steps, rotation);
        if pulses < 0 {
            let mut spared = hits.into_iter().peekable();
            hits = (0..steps).filter(|step| spared.next_if_eq(step).is_none()).collect();
        }
        Ok(self.push(DraftOp::Euclid { steps, hits, child }, path))
    }

    pub(super) fn chance(
        &mut self,
        prob: f64,
        seed: u64,
        invert: bool,
        child: &Pattern,
        path: usize,
        source: Option<SourceSpan>,
    ) -> Lowered {
        // A throw is 0 or more and below 1: nothing is below 0, everything below 1.
        let (all, none) = if invert { (1.0, 0.0) } else { (0.0, 1.0) };
        if prob == none {
            return Ok(None);
        }
        Ok(match self.lower(child, Some(path), source)? {
            Some(child) if prob != all => self.push(DraftOp::Chance { prob, seed, invert, child }, path),
            child => child,
        })
    }
}
