//! Boxes that are made of others: compositions, iterations, recursions by name, routes.

use super::env::Frame;
use super::*;
use crate::num::Num;
use crate::prim::Prim;
use crate::syntax::{Composition, Foreign, Iteration, ScopeId, WordId};

impl Evaluator<'_> {
    /// Two boxes composed.
    pub(super) fn compose(&mut self, how: Composition, a: BoxId, b: BoxId) -> BoxId {
        let made = self.boxes.add(Node::Compose(how, a, b));
        if let Some(code) = self.at {
            self.origins.entry(made).or_insert(Origin { code, via: self.site });
        }
        made
    }

    /// Boxes side by side; the list groups to the right.
    pub(super) fn parallel(&mut self, items: &[BoxId]) -> BoxId {
        let Some((last, rest)) = items.split_last() else { return self.boxes.add(Node::Empty) };
        rest.iter().rev().fold(*last, |all, item| self.compose(Composition::Par, *item, all))
    }

    /// `-a`
    pub(super) fn negative(&mut self, code: Code, env: Env) -> Outcome<BoxId> {
        let value = self.eval(code, env)?;
        match self.number_of(value)? {
            Some(Num::Int(value)) => Ok(self.boxes.add(Node::Int(value.wrapping_neg()))),
            Some(Num::Real(value)) => Ok(self.boxes.number(Num::Real(-value))),
            None => {
                let (zero, minus) = (self.boxes.add(Node::Int(0)), self.boxes.add(Node::Prim(Prim::Sub)));
                let both = self.compose(Composition::Par, zero, value);
                Ok(self.compose(Composition::Seq, both, minus))
            }
        }
    }

    /// The number that an expression has to be.
    pub(super) fn known(&mut self, code: Code, env: Env, what: &str) -> Outcome<Num> {
        let value = self.eval(code, env)?;
        let diagram = self.diagram(value)?;
        match self.number_of(diagram)? {
            Some(number) => Ok(number),
            None => {
                let text = format!(
                    "`{}`: {what} must be known when the program is compiled",
                    self.files.snippet(code)
                );
                let fault = Fault::new(self.files.span(code), text);
                self.raise_fault(
                    code,
                    fault.hint("it may not depend on a signal, a widget or the sampling rate"),
                )
            }
        }
    }

    pub(super) fn iterate(
        &mut self,
        how: Iteration,
        name: Sym,
        count: Code,
        body: Code,
        env: Env,
    ) -> Outcome<BoxId> {
        let times = self.known(count, env, "the number of repetitions")?.int();
        let mut items = Vec::new();
        // As the command does it, a count below 0 is one repetition, with this number.
        let indices = match how {
            _ if times >= 0 => 0..times,
            Iteration::Par | Iteration::Seq => times.saturating_sub(1)..times,
            Iteration::Sum | Iteration::Prod => 0..1,
        };
        for index in indices {
            self.meter.spend(1)?;
            self.room()?;
            let index = self.boxes.add(Node::Int(index));
            let inner = self.frames.push(Frame::Bind(env, name, index));
            items.push(self.eval(body, inner)?);
        }
        let Some((first, rest)) = items.split_first() else {
            if how != Iteration::Seq {
                return Ok(self.boxes.add(Node::Empty));
            }
            // None behind one another: what would go into the first goes on.
            let index = self.boxes.add(Node::Int(0));
            let inner = self.frames.push(Frame::Bind(env, name, index));
            let value = self.eval(body, inner)?;
            let diagram = self.diagram(value)?;
            let (inputs, _) = self.arity(diagram)?;
            let wire = self.boxes.add(Node::Wire);
            return Ok(self.parallel(&vec![wire; inputs as usize]));
        };
        let prim = |evaluator: &mut Self, prim| {
            let prim = evaluator.boxes.add(Node::Prim(prim));
            rest.iter().fold(*first, |all, item| {
                let both = evaluator.compose(Composition::Par, all, *item);
                evaluator.compose(Composition::Seq, both, prim)
            })
        };
        Ok(match how {
            Iteration::Par => self.parallel(&items),
            Iteration::Seq => {
                let (last, before) = items.split_last().unwrap_or((first, &[]));
                before.iter().rev().fold(*last, |all, item| self.compose(Composition::Seq, *item, all))
            }
            Iteration::Sum => prim(self, Prim::Add),
            Iteration::Prod => prim(self, Prim::Mul),
        })
    }

    /// `body letrec { 'x = …; 'y = …; where … }`: the equations' right sides see what the names were one
    /// sample before, the body sees what they are now.
    pub(super) fn letrec(
        &mut self,
        code: Code,
        env: Env,
        body: ExprId,
        equations: &[(WordId, ExprId)],
        locals: Option<ScopeId>,
    ) -> Outcome<BoxId> {
        let mut slots = Vec::new();
        let mut inner = env;
        for (word, _) in equations {
            let (slot, name) = (self.slots, self.files.sym(code.file, *word));
            self.slots += 1;
            slots.push(slot);
            let value = self.boxes.add(Node::Slot(slot));
            inner = self.frames.push(Frame::Bind(inner, name, value));
        }
        if let Some(scope) = locals {
            let table = self.files.table(code.file, scope, &mut self.names, &mut self.meter)?;
            inner = self.frames.push(Frame::Scope(inner, table));
        }
        let mut rights = Vec::new();
        for (_, right) in equations {
            rights.push(self.eval(Code { file: code.file, expr: *right }, inner)?);
        }
        let rights = self.parallel(&rights);
        let next = slots.iter().rev().fold(rights, |all, slot| self.boxes.add(Node::Symbolic(*slot, all)));
        let wires = vec![self.boxes.add(Node::Wire); slots.len()];
        let back = self.parallel(&wires);
        let recursion = if slots.is_empty() { next } else { self.compose(Composition::Rec, next, back) };
        let cut = self.boxes.add(Node::Cut);
        let mut outer = env;
        for (at, (word, _)) in equations.iter().enumerate() {
            let mut choice = vec![cut; slots.len()];
            choice[at] = wires[at];
            let choice = self.parallel(&choice);
            let value = self.compose(Composition::Seq, recursion, choice);
            let name = self.files.sym(code.file, *word);
            outer = self.frames.push(Frame::Bind(outer, name, value));
        }
        self.eval(Code { file: code.file, expr: body }, outer)
    }

    pub(super) fn route(
        &mut self,
        code: Code,
        (ins, outs, pairs): (ExprId, ExprId, Option<ExprId>),
        env: Env,
    ) -> Outcome<BoxId> {
        const MOST: i32 = 65_536;
        let at = |expr| Code { file: code.file, expr };
        let mut sides = [0; 2];
        for (side, expr) in sides.iter_mut().zip([ins, outs]) {
            let count = self.known(at(expr), env, "the size of a route")?.int();
            if !(0..=MOST).contains(&count) {
                return self
                    .raise(at(expr), format!("a route has 0 to {MOST} signals on each side, not {count}"));
            }
            *side = count as u32;
        }
        let mut all = Vec::new();
        if let Some(pairs) = pairs {
            let value = self.eval(at(pairs), env)?;
            let diagram = self.diagram(value)?;
            let Some(numbers) = self.numbers_of(diagram)? else {
                return self
                    .raise(at(pairs), "the pairs of a route must be known when the program is compiled");
            };
            if numbers.len() % 2 == 1 {
                return self.raise(
                    at(pairs),
                    format!("a route takes pairs of numbers, not {} numbers", numbers.len()),
                );
            }
            for number in numbers {
                all.push(self.boxes.add(Node::Int(number.int())));
            }
        }
        let list = self.boxes.list(&all);
        Ok(self.boxes.add(Node::Route(sides[0], sides[1], list)))
    }

    /// The numbers of a widget: all must be known, and what a widget begins with must lie in its range.
    pub(super) fn range(&mut self, code: Code, range: &[ExprId], env: Env) -> Outcome<List> {
        let (mut all, mut numbers) = (Vec::new(), Vec::new());
        for expr in range {
            let value =
                self.known(Code { file: code.file, expr: *expr }, env, "a number of a widget")?.real();
            numbers.push(value);
            all.push(self.boxes.number(Num::Real(value)));
        }
        let wrong = match numbers[..] {
            _ if numbers.iter().any(|number| !(*number as f32).is_finite()) => {
                Some("a number of this widget is larger than numbers of 32 bits can be".to_owned())
            }
            [_, least, most, _] if least > most => {
                Some(format!("this widget's least value {least} is above its most {most}"))
            }
            [first, least, most, _] if !(least..=most).contains(&first) => {
                Some(format!("this widget begins with {first}, which is not between {least} and {most}"))
            }
            _ => None,
        };
        if let Some(text) = wrong {
            let fault = Fault::new(self.files.span(code), text);
            let hint = "the order is: first value, least, most, step; whole numbers end at 2147483647";
            return self.raise_fault(code, fault.hint(hint));
        }
        Ok(self.boxes.list(&all))
    }

    pub(super) fn foreign(&mut self, code: Code, foreign: &Foreign) -> Outcome<BoxId> {
        let name = foreign.names.get(1).unwrap_or(&foreign.names[0]);
        let Some(at) = super::foreign::find(&foreign.names) else {
            let fault = Fault::new(
                self.files.span(code),
                format!("`{name}` is a function of C that programs cannot call"),
            );
            return self.raise_fault(code, fault.hint("the maths functions of C can be called"));
        };
        let known = super::foreign::FUNCTIONS[at];
        if foreign.args != known.args || foreign.int != known.int {
            return self.raise(code, format!("`{name}` of C takes or gives other numbers than it says here"));
        }
        Ok(self.boxes.add(Node::Foreign(ForeignId(at as u32))))
    }
}
