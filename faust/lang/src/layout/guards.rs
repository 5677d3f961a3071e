//! `control` and `enable`: what is needed only where a condition holds is computed only there, and its state
//! stands still elsewhere.

use super::Layout;
use crate::eval::Outcome;
use crate::hash::Map;
use crate::prim::Prim;
use crate::program::{Op, Value};
use crate::signal::{Sig, SigId};
use crate::types::{Nature, Rate};
use std::collections::BTreeSet;

/// Any of these sets of conditions, all of a set together. One empty set: always.
pub(super) type Guard = BTreeSet<BTreeSet<SigId>>;

/// More alternatives than this are taken for always.
const MOST: usize = 16;

fn always() -> Guard {
    BTreeSet::from([BTreeSet::new()])
}

/// Puts alternatives together; one that asks for less makes those that ask for more needless.
fn add(to: &mut Guard, more: &Guard) -> bool {
    let before = to.clone();
    for one in more {
        if !to.iter().any(|known| known.is_subset(one)) {
            to.retain(|known| !one.is_subset(known));
            to.insert(one.clone());
        }
    }
    if to.len() > MOST {
        *to = always();
    }
    *to != before
}

impl Layout<'_, '_, '_> {
    /// For each signal the conditions under which it is needed; those that are always needed are left out.
    pub(super) fn find_guards(&mut self, outputs: &[SigId]) -> Outcome<Map<SigId, Guard>> {
        let signals = &self.source.signals;
        let mut guards: Map<SigId, Guard> = Map::default();
        if !signals.all().any(|(_, sig)| matches!(sig, Sig::Held(..))) {
            return Ok(guards);
        }
        let mut open: Vec<SigId> = outputs.to_vec();
        for output in outputs {
            guards.insert(*output, always());
        }
        while let Some(id) = open.pop() {
            let own = guards.get(&id).cloned().unwrap_or_default();
            for (at, operand) in signals.operands(id).into_iter().enumerate() {
                self.meter.spend(1 + own.len() as u64)?;
                let asked = match signals.sig(id) {
                    Sig::Held(_, when) if at == 0 => {
                        let when = self.resolved(when);
                        own.iter().map(|all| all.iter().copied().chain([when]).collect()).collect()
                    }
                    _ => own.clone(),
                };
                if add(guards.entry(operand).or_default(), &asked) {
                    open.push(operand);
                }
            }
        }
        guards.retain(|_, guard| *guard != always());
        Ok(guards)
    }

    /// The condition under which a signal is needed, as a value.
    pub(super) fn guard_of(&mut self, id: SigId) -> Outcome<Option<Value>> {
        let Some(guard) = self.guards.get(&id).cloned() else { return Ok(None) };
        if let Some(value) = self.guard_values.get(&guard) {
            return Ok(Some(*value));
        }
        let before = self.guard_now.take();
        let mut any = None;
        for all in &guard {
            let mut every = None;
            for condition in all {
                // A condition that has no value yet comes later in the order: it cannot decide about this.
                if !self.values.contains_key(condition) {
                    self.guard_now = before;
                    return Ok(None);
                }
                let truth = self.truth(*condition)?;
                every = Some(match every {
                    None => truth,
                    Some(every) => {
                        self.push(Rate::Sample, Op::Binary(Prim::And, Nature::Int, every, truth), Nature::Int)
                    }
                });
            }
            any = match (any, every) {
                (None, every) => every,
                (Some(any), Some(every)) => {
                    Some(self.push(Rate::Sample, Op::Binary(Prim::Or, Nature::Int, any, every), Nature::Int))
                }
                (any, None) => any,
            };
        }
        self.guard_now = before;
        if let Some(value) = any {
            self.guard_values.insert(guard, value);
        }
        Ok(any)
    }
}
