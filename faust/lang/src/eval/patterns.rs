//! Which rule of a `case` fits.

use super::env::Frame;
use super::*;
use crate::hash::Map;
use crate::syntax::{Expr, Rule};
use std::sync::Arc;

/// A rule whose patterns are boxes with variables.
pub(super) struct Prepared {
    patterns: Vec<BoxId>,
    variables: Vec<Sym>,
}

impl Evaluator<'_> {
    /// The first rule that fits: its body and where that is evaluated.
    pub(super) fn first_match(
        &mut self,
        func: FuncId,
        env: Env,
        file: FileId,
        rules: &[Rule],
        args: &[BoxId],
    ) -> Outcome<Option<(Code, Env)>> {
        let prepared = self.prepared(func, env, file, rules)?;
        for (rule, ready) in rules.iter().zip(prepared.iter()) {
            let mut found = Map::default();
            let mut fits = true;
            for (pattern, arg) in ready.patterns.iter().zip(args) {
                fits = fits && self.fits(*pattern, *arg, &mut found)?;
            }
            if fits {
                let mut inner = env;
                for name in &ready.variables {
                    if let Some(value) = found.get(name) {
                        inner = self.frames.push(Frame::Bind(inner, *name, *value));
                    }
                }
                return Ok(Some((Code { file, expr: rule.body }, inner)));
            }
        }
        Ok(None)
    }

    /// Every name in a pattern is a variable; the rest is evaluated once.
    fn prepared(&mut self, func: FuncId, env: Env, file: FileId, rules: &[Rule]) -> Outcome<Arc<[Prepared]>> {
        if let Some(ready) = self.patterns.get(&(func, env)) {
            return Ok(Arc::clone(ready));
        }
        let mut all = Vec::new();
        for rule in rules {
            let (mut variables, mut open) = (Vec::new(), rule.patterns.clone());
            let syntax = Arc::clone(&self.files.file(file).syntax);
            while let Some(expr) = open.pop() {
                self.meter.spend(1)?;
                match syntax.expr(expr) {
                    Expr::Word(word) => {
                        let name = self.files.sym(file, *word);
                        if !variables.contains(&name) {
                            variables.push(name);
                        }
                    }
                    Expr::Infix(_, a, b) | Expr::Compose(_, a, b) => open.extend([*a, *b]),
                    Expr::Minus(a) | Expr::Delayed(a) | Expr::Group(_, _, a) => open.push(*a),
                    Expr::Apply(a, args) => {
                        open.push(*a);
                        open.extend(args);
                    }
                    _ => {}
                }
            }
            let mut inner = env;
            for name in &variables {
                let value = self.boxes.add(Node::Var(*name));
                inner = self.frames.push(Frame::Bind(inner, *name, value));
            }
            let mut patterns = Vec::new();
            for pattern in &rule.patterns {
                let value = self.eval(Code { file, expr: *pattern }, inner)?;
                patterns.push(self.simple(value)?);
            }
            all.push(Prepared { patterns, variables });
        }
        let ready: Arc<[Prepared]> = all.into();
        self.patterns.insert((func, env), Arc::clone(&ready));
        Ok(ready)
    }

    /// Does a value fit a pattern? A variable that comes twice stands for the same value each time.
    fn fits(&mut self, pattern: BoxId, value: BoxId, found: &mut Map<Sym, BoxId>) -> Outcome<bool> {
        let value = self.simple(value)?;
        if let Node::Var(name) = self.boxes.node(pattern) {
            return Ok(*found.entry(name).or_insert(value) == value);
        }
        if pattern == value {
            return Ok(true);
        }
        match (self.boxes.node(pattern), self.boxes.node(value)) {
            (Node::Compose(how, a, b), Node::Compose(is, x, y)) if how == is => {
                self.deeper(|evaluator| Ok(evaluator.fits(a, x, found)? && evaluator.fits(b, y, found)?))
            }
            (Node::Group(kind, label, a), Node::Group(is, of, x)) if kind == is && label == of => {
                self.deeper(|evaluator| evaluator.fits(a, x, found))
            }
            _ => Ok(false),
        }
    }
}
