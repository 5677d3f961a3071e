//! Functions, `case` and diagrams with arguments.

use super::env::Frame;
use super::evaluate::Func;
use super::*;
use crate::prim::Prim;
use crate::syntax::Composition;

impl Evaluator<'_> {
    /// A value with arguments.
    pub(super) fn apply(&mut self, code: Code, function: BoxId, args: &[BoxId]) -> Outcome<BoxId> {
        let (mut function, mut rest) = (function, args);
        while let Some((first, others)) = rest.split_first() {
            self.meter.spend(1)?;
            match self.boxes.node(function) {
                Node::Closure(func, env, bound) => {
                    let arg = self.simple(*first)?;
                    function = self.bind(func, env, bound, arg)?;
                    rest = others;
                }
                Node::Matcher(func, env, list) => {
                    let mut all = self.boxes.items(list).to_vec();
                    all.push(self.simple(*first)?);
                    function = self.matched(code, func, env, &all)?;
                    rest = others;
                }
                Node::Environment(_) => {
                    return self.raise(code, "an environment takes no arguments");
                }
                _ => return self.fed(code, function, rest),
            }
        }
        Ok(function)
    }

    /// A function with one more parameter known.
    pub(super) fn bind(&mut self, func: FuncId, env: Env, bound: u32, arg: BoxId) -> Outcome<BoxId> {
        let Func::Lambda { params, body } = &self.funcs[func.0 as usize] else { return Ok(arg) };
        let (name, last, body) = (params[bound as usize], params.len() as u32 == bound + 1, *body);
        let inner = self.frames.push(Frame::Bind(env, name, arg));
        if last { self.eval(body, inner) } else { Ok(self.boxes.add(Node::Closure(func, inner, bound + 1))) }
    }

    /// A `case` with these arguments: its result if they are all there.
    pub(super) fn matched(&mut self, code: Code, func: FuncId, env: Env, args: &[BoxId]) -> Outcome<BoxId> {
        let Func::Case { file, rules } = &self.funcs[func.0 as usize] else { return Ok(args[0]) };
        let (file, rules) = (*file, std::sync::Arc::clone(rules));
        if rules.first().is_some_and(|rule| args.len() < rule.patterns.len()) {
            let list = self.boxes.list(args);
            return Ok(self.boxes.add(Node::Matcher(func, env, list)));
        }
        match self.first_match(func, env, file, &rules, args)? {
            Some((body, inner)) => self.eval(body, inner),
            None => {
                let shown: Vec<String> = args.iter().map(|arg| self.shown(*arg)).collect();
                let text = format!(
                    "no rule of the case fits `{}`: the arguments are ({})",
                    self.files.snippet(code),
                    shown.join(", ")
                );
                let fault = Fault::new(self.files.span(code), text);
                self.raise_fault(code, fault.hint("a last rule with a plain name fits everything"))
            }
        }
    }

    /// A diagram with signals on its first inputs.
    fn fed(&mut self, code: Code, function: BoxId, args: &[BoxId]) -> Outcome<BoxId> {
        let diagram = self.diagram(function)?;
        let (inputs, _) = self.arity(diagram)?;
        let mut given = 0;
        let mut single = false;
        for arg in args {
            let arg = self.diagram(*arg)?;
            let (_, outputs) = self.arity(arg)?;
            given += outputs;
            single = args.len() == 1 && outputs == 1;
        }
        if given > inputs {
            let shown = match self.files.expr(code) {
                crate::syntax::Expr::Apply(function, _) => {
                    self.files.snippet(Code { file: code.file, expr: *function })
                }
                _ => self.files.snippet(code),
            };
            return self.raise(code, format!("`{shown}` takes {inputs} signals, {given} are given"));
        }
        let wire = self.boxes.add(Node::Wire);
        let mut items = args.to_vec();
        items.extend(std::iter::repeat_n(wire, (inputs - given) as usize));
        let flips = single && matches!(self.boxes.node(function), Node::Prim(prim) if Prim::flips(prim));
        if flips {
            items.swap(0, 1);
        }
        let all = self.parallel(&items);
        Ok(self.compose(Composition::Seq, all, function))
    }

    /// A value in few words.
    pub(super) fn shown(&self, value: BoxId) -> String {
        match (self.boxes.as_number(value), self.origins.get(&value)) {
            (Some(crate::num::Num::Int(number)), _) => number.to_string(),
            (Some(number), _) => format!("{:?}", number.real()),
            (None, Some(origin)) => self.files.snippet(origin.code),
            (None, None) => match self.boxes.node(value) {
                Node::Wire => "_".into(),
                Node::Cut => "!".into(),
                Node::Prim(prim) => prim.name().into(),
                Node::Slot(_) => "a signal".into(),
                _ => "...".into(),
            },
        }
    }
}
