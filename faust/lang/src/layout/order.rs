//! Which signals are needed, and an order in which each follows what it needs in the same sample.

use super::Layout;
use crate::eval::Outcome;
use crate::hash::Map;
use crate::signal::{Sig, SigId};

impl Layout<'_, '_, '_> {
    /// What a signal needs in the same sample.
    fn now(&self, id: SigId) -> Vec<SigId> {
        match self.source.signals.sig(id) {
            Sig::Delay(_, by) if self.is_later(by) => vec![by],
            Sig::Prefix(a, _) => vec![a],
            // Tables are filled before the first sample; their size is known.
            Sig::Table(_, _, index) => vec![index],
            Sig::Written([_, _, to, value, from]) => vec![to, value, from],
            Sig::Lowest(_) | Sig::Highest(_) => Vec::new(),
            Sig::Bounded(_, _, a) => vec![a],
            _ => self.source.signals.operands(id),
        }
    }

    /// What a signal needs in later samples.
    fn later(&self, id: SigId) -> Option<SigId> {
        match self.source.signals.sig(id) {
            Sig::Delay(a, by) if self.is_later(by) => Some(a),
            Sig::Prefix(_, b) => Some(b),
            _ => None,
        }
    }

    /// Walks from what comes out. The walk has a stack of its own: chains of signals may be long.
    pub(super) fn ordered(&mut self, outputs: &[SigId]) -> Outcome<Vec<SigId>> {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            Open,
            Done,
        }
        let (mut marks, mut order) = (Map::default(), Vec::new());
        let mut roots: Vec<SigId> = outputs.iter().rev().copied().collect();
        while let Some(root) = roots.pop() {
            let mut stack = vec![(root, false)];
            while let Some((id, left)) = stack.pop() {
                self.meter.spend(1)?;
                if left {
                    marks.insert(id, Mark::Done);
                    order.push(id);
                    continue;
                }
                match marks.get(&id) {
                    Some(Mark::Done) => continue,
                    Some(Mark::Open) => {
                        let text = "a signal needs itself in the same sample".to_owned();
                        return self.fault(id, text, "put a delay into the loop");
                    }
                    None => {}
                }
                marks.insert(id, Mark::Open);
                stack.push((id, true));
                roots.extend(self.later(id));
                let conditions = self.guards.get(&id).into_iter().flatten().flatten().copied();
                let before: Vec<SigId> = conditions.chain(self.now(id)).collect();
                stack.extend(before.into_iter().rev().map(|operand| (operand, false)));
            }
        }
        Ok(order)
    }
}
