//! How many signals go in and come out, and what does not fit together.

use super::*;
use crate::syntax::{Composition, Expr};

/// Most signals on a side of a diagram.
const MOST: u32 = 1 << 20;

impl Evaluator<'_> {
    /// Inputs and outputs of a diagram.
    pub(crate) fn arity(&mut self, id: BoxId) -> Outcome<(u32, u32)> {
        if let Some(known) = self.arities.get(&id) {
            return known.clone().map_err(Stop::Raised);
        }
        let found = self.arity_now(id);
        match &found {
            Ok(arity) => drop(self.arities.insert(id, Ok(*arity))),
            Err(Stop::Raised(faults)) => drop(self.arities.insert(id, Err(faults.clone()))),
            Err(Stop::Halted(_)) => {}
        }
        found
    }

    fn arity_now(&mut self, id: BoxId) -> Outcome<(u32, u32)> {
        let found = match self.boxes.node(id) {
            Node::Wire | Node::Bargraph(..) => (1, 1),
            Node::Cut => (1, 0),
            Node::Empty => (0, 0),
            Node::Prim(prim) => (prim.inputs(), 1),
            Node::Foreign(foreign) => (foreign::FUNCTIONS[foreign.0 as usize].args.len() as u32, 1),
            Node::Waveform(_) => (0, 2),
            Node::Route(ins, outs, _) => (ins, outs),
            Node::Symbolic(_, body) => {
                let (inputs, outputs) = self.deeper(|evaluator| evaluator.arity(body))?;
                (inputs + 1, outputs)
            }
            Node::Group(_, _, body) => self.deeper(|evaluator| evaluator.arity(body))?,
            Node::Compose(how, a, b) => {
                let (a_arity, b_arity) = self.deeper(|evaluator| {
                    let first = evaluator.arity(a);
                    together(first, || evaluator.arity(b))
                })?;
                self.composed(id, how, (a, a_arity), (b, b_arity))?
            }
            Node::Closure(..) | Node::Matcher(..) | Node::Environment(_) => {
                let made = self.diagram(id)?;
                self.arity(made)?
            }
            _ => (0, 1),
        };
        if found.0 > MOST || found.1 > MOST {
            return Err(Stop::limit(
                format!("a diagram has more than {MOST} signals on a side"),
                "make it smaller",
            ));
        }
        Ok(found)
    }

    fn composed(
        &mut self,
        id: BoxId,
        how: Composition,
        (a, (a_in, a_out)): (BoxId, (u32, u32)),
        (b, (b_in, b_out)): (BoxId, (u32, u32)),
    ) -> Outcome<(u32, u32)> {
        let divides = |few: u32, many: u32| few > 0 && many > 0 && many.is_multiple_of(few);
        let (fits, result, rule) = match how {
            Composition::Par => return Ok((a_in + b_in, a_out + b_out)),
            Composition::Seq => (
                a_out == b_in,
                (a_in, b_out),
                "as many signals must go in on the right as come out on the left",
            ),
            Composition::Split => (
                divides(a_out, b_in),
                (a_in, b_out),
                "the inputs on the right must be a multiple of the outputs on the left",
            ),
            Composition::Merge => (
                divides(b_in, a_out),
                (a_in, b_out),
                "the outputs on the left must be a multiple of the inputs on the right",
            ),
            Composition::Rec => (
                a_in >= b_out && a_out >= b_in,
                (a_in.saturating_sub(b_out), a_out),
                "the left side needs at least as many outputs as the right has inputs, and as many inputs as it has outputs",
            ),
        };
        if fits {
            return Ok(result);
        }
        let counts = |inputs: u32, outputs: u32| {
            let many =
                |count: u32, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
            match how {
                Composition::Rec => (
                    format!("{}, {}", many(a_in, "input"), many(a_out, "output")),
                    format!("{}, {}", many(b_in, "input"), many(b_out, "output")),
                ),
                _ => (many(outputs, "output"), many(inputs, "input")),
            }
        };
        let (left, right) = counts(b_in, a_out);
        let origin =
            self.origins.get(&id).or_else(|| self.origins.get(&a)).or_else(|| self.origins.get(&b)).copied();
        let Some(origin) = origin.or(self.at.map(|code| Origin { code, via: self.site })) else {
            return Err(Stop::limit(format!("({left}) {} ({right}) does not fit", how.symbol()), rule));
        };
        let at = |expr: ExprId| Code { file: origin.code.file, expr };
        let text = match *self.files.expr(origin.code) {
            Expr::Compose(written, x, y) if written == how => {
                let (x, y) = (self.files.snippet(at(x)), self.files.snippet(at(y)));
                format!("({left}) {} ({right}): `{x}` {} `{y}`", how.symbol(), how.symbol())
            }
            Expr::Infix(prim, x, y) => {
                let sides = [x, y].map(|side| self.files.snippet(at(side)));
                format!(
                    "`{}` takes {b_in} signals, `{}` and `{}` give {a_out}",
                    prim.name(),
                    sides[0],
                    sides[1]
                )
            }
            _ => format!("({left}) {} ({right}): `{}`", how.symbol(), self.files.snippet(origin.code)),
        };
        let fault = Fault::new(self.files.span(origin.code), text).hint(rule);
        Err(Stop::Raised(vec![Raised { file: origin.code.file, fault, via: origin.via }]))
    }
}
