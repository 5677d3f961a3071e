//! Diagrams that are numbers: what a pattern, a repetition or a widget has to know.

use super::*;
use crate::hash::Map;
use crate::num::{Num, apply};
use crate::prim::Prim;
use crate::syntax::Composition;

/// Values of the parameters around, and signals whose value is known or not.
type Slots = Map<u32, Option<Num>>;
type Values = Vec<Option<Num>>;

impl Evaluator<'_> {
    /// The number in place of a diagram that is one; anything else as it is.
    pub(super) fn simple(&mut self, value: BoxId) -> Outcome<BoxId> {
        if matches!(self.boxes.node(value), Node::Compose(..))
            && let Some(number) = self.number_of(value)?
        {
            return Ok(self.boxes.number(number));
        }
        Ok(value)
    }

    /// The number that a diagram is.
    pub(super) fn number_of(&mut self, value: BoxId) -> Outcome<Option<Num>> {
        if let Some(number) = self.boxes.as_number(value) {
            return Ok(Some(number));
        }
        if self.boxes.is_live(value) {
            return Ok(None);
        }
        if let Some(known) = self.constants.get(&value) {
            return Ok(*known);
        }
        let number = match self.numbers_of(value)?.as_deref() {
            Some([number]) => Some(*number),
            _ => None,
        };
        self.constants.insert(value, number);
        Ok(number)
    }

    /// The numbers that a diagram without inputs gives.
    pub(super) fn numbers_of(&mut self, value: BoxId) -> Outcome<Option<Vec<Num>>> {
        if self.boxes.is_live(value)
            || matches!(self.boxes.node(value), Node::Closure(..) | Node::Matcher(..) | Node::Environment(_))
        {
            return Ok(None);
        }
        // A function inside that cannot be a diagram alone is no number.
        let diagram = if self.boxes.has_closure(value) { self.diagram(value)? } else { value };
        // What does not fit together is told where it is used as a signal.
        let (inputs, _) = match self.arity(diagram) {
            Ok(arity) => arity,
            Err(Stop::Raised(_)) => return Ok(None),
            Err(halt) => return Err(halt),
        };
        if inputs > 0 || self.boxes.is_live(diagram) {
            return Ok(None);
        }
        let values = self.run(diagram, &[], &mut Slots::default())?;
        Ok(values.into_iter().collect())
    }

    fn run(&mut self, id: BoxId, inputs: &[Option<Num>], slots: &mut Slots) -> Outcome<Values> {
        self.meter.spend(1 + inputs.len() as u64)?;
        Ok(match self.boxes.node(id) {
            Node::Int(value) => vec![Some(Num::Int(value))],
            Node::Real(bits) => vec![Some(Num::Real(f64::from_bits(bits)))],
            Node::Wire => inputs.to_vec(),
            Node::Cut | Node::Empty => Vec::new(),
            Node::Slot(slot) => vec![slots.get(&slot).copied().flatten()],
            Node::Symbolic(slot, body) => {
                let (first, rest) = inputs.split_first().unwrap_or((&None, &[]));
                let before = slots.insert(slot, *first);
                let values = self.deeper(|evaluator| evaluator.run(body, rest, slots))?;
                match before {
                    Some(before) => drop(slots.insert(slot, before)),
                    None => drop(slots.remove(&slot)),
                }
                values
            }
            Node::Prim(prim) => vec![known(prim, inputs)],
            Node::Route(_, outs, list) => {
                let mut values: Vec<Option<Num>> = vec![Some(Num::Int(0)); outs as usize];
                let pairs = self.boxes.items(list).to_vec();
                for pair in pairs.chunks_exact(2) {
                    let (Node::Int(from), Node::Int(to)) =
                        (self.boxes.node(pair[0]), self.boxes.node(pair[1]))
                    else {
                        continue;
                    };
                    let source = from.checked_sub(1).and_then(|from| inputs.get(from as usize)).copied();
                    let target = to.checked_sub(1).and_then(|to| values.get_mut(to as usize));
                    if let (Some(source), Some(target)) = (source, target) {
                        *target = sum(*target, source);
                    }
                }
                values
            }
            Node::Compose(how, a, b) => {
                let ((a_in, _), (b_in, _)) = (self.arity(a)?, self.arity(b)?);
                self.deeper(|evaluator| {
                    if how == Composition::Par {
                        let (left, right) = inputs.split_at((a_in as usize).min(inputs.len()));
                        let mut values = evaluator.run(a, left, slots)?;
                        values.extend(evaluator.run(b, right, slots)?);
                        return Ok(values);
                    }
                    let middle = evaluator.run(a, inputs, slots)?;
                    let count = b_in as usize;
                    let fed: Values = match how {
                        Composition::Split => middle.iter().copied().cycle().take(count).collect(),
                        Composition::Merge => (0..count)
                            .map(|at| middle.iter().copied().skip(at).step_by(count).reduce(sum).flatten())
                            .collect(),
                        _ => middle,
                    };
                    evaluator.run(b, &fed, slots)
                })?
            }
            _ => {
                let (_, outputs) = self.arity(id)?;
                vec![None; outputs as usize]
            }
        })
    }
}

fn sum(a: Option<Num>, b: Option<Num>) -> Option<Num> {
    apply(Prim::Add, &[a?, b?])
}

fn known(prim: Prim, inputs: &[Option<Num>]) -> Option<Num> {
    match (prim, inputs) {
        (Prim::Delay, [value, Some(amount)]) if amount.is_zero() => *value,
        (Prim::Attach, [value, _]) => *value,
        (Prim::Select2, [Some(choice), a, b]) => {
            if choice.int() == 0 {
                *a
            } else {
                *b
            }
        }
        (Prim::Select3, [Some(choice), a, b, c]) => match choice.int() {
            0 => *a,
            1 => *b,
            _ => *c,
        },
        (Prim::Lowest | Prim::Highest, [Some(value)]) => Some(Num::Real(value.real())),
        (_, [Some(a)]) => apply(prim, &[*a]),
        (_, [Some(a), Some(b)]) => apply(prim, &[*a, *b]),
        _ => None,
    }
}
