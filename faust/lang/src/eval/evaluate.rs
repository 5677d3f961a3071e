//! The evaluator: expressions in environments to boxes.

use super::env::{Frame, Frames};
use super::files::{Def, Files, TableId};
use super::*;
use crate::hash::Map;
use crate::meter::Meter;
use crate::num::Num;
use crate::options::Precision;
use crate::prim::Prim;
use crate::syntax::{Composition, Definition, Expr, Rule, ScopeId, Span, Syntax};
use crate::texts::{Shelf, Text, Texts};
use std::sync::Arc;

/// A function of the text.
pub(super) enum Func {
    /// With plain parameters.
    Lambda { params: Vec<Sym>, body: Code },
    /// With rules.
    Case { file: FileId, rules: Arc<[Rule]> },
}

/// What was found out about an expression in an environment.
enum Memo {
    /// It is being evaluated.
    Open,
    /// Its value.
    Done(BoxId),
    /// What is wrong with it: whoever else asks is told at once.
    Wrong(Vec<Raised>),
}

/// A program as a diagram.
pub struct Diagram<'a> {
    /// Everything that the evaluator made.
    pub evaluator: Evaluator<'a>,
    /// The diagram.
    pub root: BoxId,
    /// Its inputs.
    pub inputs: u32,
    /// Its outputs.
    pub outputs: u32,
}

/// Evaluates.
pub struct Evaluator<'a> {
    pub(crate) files: Files<'a>,
    pub(crate) names: Names,
    pub(crate) boxes: Boxes,
    pub(crate) meter: Meter<'a>,
    pub(super) frames: Frames,
    pub(super) funcs: Vec<Func>,
    /// By the right side, and whether it belongs to a definition: that of `f(x) = \(y).(…)` is two functions.
    func_ids: Map<(Code, bool), FuncId>,
    memo: Map<(Code, Env), Memo>,
    pub(crate) origins: Map<BoxId, Origin>,
    pub(super) arities: Map<BoxId, Result<(u32, u32), Vec<Raised>>>,
    pub(super) diagrams: Map<BoxId, BoxId>,
    pub(super) constants: Map<BoxId, Option<Num>>,
    pub(super) patterns: Map<(FuncId, Env), Arc<[super::patterns::Prepared]>>,
    pub(super) slots: u32,
    /// The expression of the first text that is being evaluated.
    pub(super) site: Option<Code>,
    /// The expression that is being evaluated.
    pub(super) at: Option<Code>,
}

impl<'a> Evaluator<'a> {
    /// Nothing is read yet.
    pub fn new(
        texts: &'a mut (dyn Texts + Send),
        shelf: &'a Shelf,
        precision: Precision,
        meter: Meter<'a>,
    ) -> Self {
        Self {
            files: Files::new(texts, shelf, precision),
            names: Names::default(),
            boxes: Boxes::default(),
            meter,
            frames: Frames::default(),
            funcs: Vec::new(),
            func_ids: Map::default(),
            memo: Map::default(),
            origins: Map::default(),
            arities: Map::default(),
            diagrams: Map::default(),
            constants: Map::default(),
            patterns: Map::default(),
            slots: 0,
            site: None,
            at: None,
        }
    }

    /// `process` of a text as a diagram with its numbers of inputs and outputs.
    pub fn process(&mut self, text: Text) -> Outcome<(BoxId, u32, u32)> {
        let file = self.files.add(text, &mut self.names, &mut self.meter)?;
        let table = self.files.table(file, Syntax::TOP, &mut self.names, &mut self.meter)?;
        let name = self.names.intern("process");
        let Some(def) = self.files.tables.get(table, name) else {
            let fault = Fault::new(Span::default(), "there is no `process`");
            let fault = fault.hint("a program is what its text calls process: process = ...;");
            return Err(Stop::Raised(vec![Raised::in_text(file, fault)]));
        };
        let env = self.frames.push(Frame::Scope(Frames::ROOT, table));
        let value = self.define(def, env)?;
        let root = self.diagram(value)?;
        let (inputs, outputs) = self.arity(root)?;
        if outputs == 0 {
            let (_, span) = self.files.definition(def);
            let fault = Fault::new(span, "`process` has no output").hint("nothing of it would be heard");
            return Err(Stop::Raised(vec![Raised::in_text(def.file, fault)]));
        }
        Ok((root, inputs, outputs))
    }

    /// A fault at an expression.
    pub(super) fn raise<T>(&self, code: Code, text: impl Into<String>) -> Outcome<T> {
        self.raise_fault(code, Fault::new(self.files.span(code), text))
    }

    pub(super) fn raise_fault<T>(&self, code: Code, fault: Fault) -> Outcome<T> {
        Err(Stop::Raised(vec![Raised { file: code.file, fault, via: self.site }]))
    }

    /// Is there room for one more box?
    pub(super) fn room(&self) -> Outcome<()> {
        if self.boxes.count() > self.meter.limits.boxes as usize
            || self.frames.count() > self.meter.limits.boxes as usize
        {
            let text = format!("the program has more than {} diagrams", self.meter.limits.boxes);
            return Err(Stop::limit(text, "look for a huge par, seq, sum or prod"));
        }
        Ok(())
    }

    /// Work one level deeper.
    pub(super) fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        self.meter.enter()?;
        self.room()?;
        let result = work(self);
        self.meter.leave();
        result
    }

    /// The value of a definition.
    pub(super) fn define(&mut self, def: Def, env: Env) -> Outcome<BoxId> {
        let (definition, _) = self.files.definition(def);
        let body = match definition {
            Definition::Plain(expr) => return self.eval(Code { file: def.file, expr: *expr }, env),
            Definition::Lambda(_, body) => *body,
            Definition::Case(rules) => rules[0].body,
        };
        // The right side names the function: two functions do not share one.
        let func = self.func((Code { file: def.file, expr: body }, true), |evaluator| {
            match evaluator.files.definition(def).0 {
                Definition::Lambda(params, body) => {
                    let params = params.iter().map(|word| evaluator.files.sym(def.file, *word)).collect();
                    Func::Lambda { params, body: Code { file: def.file, expr: *body } }
                }
                Definition::Case(rules) => Func::Case { file: def.file, rules: rules.as_slice().into() },
                Definition::Plain(_) => Func::Case { file: def.file, rules: Arc::new([]) },
            }
        });
        Ok(self.function(func, env))
    }

    fn func(&mut self, key: (Code, bool), make: impl FnOnce(&Self) -> Func) -> FuncId {
        if let Some(id) = self.func_ids.get(&key) {
            return *id;
        }
        let id = FuncId(self.funcs.len() as u32);
        let func = make(self);
        self.funcs.push(func);
        self.func_ids.insert(key, id);
        id
    }

    /// A function as a value, without arguments so far.
    fn function(&mut self, func: FuncId, env: Env) -> BoxId {
        let empty = self.boxes.list(&[]);
        self.boxes.add(match self.funcs[func.0 as usize] {
            Func::Lambda { .. } => Node::Closure(func, env, 0),
            Func::Case { .. } => Node::Matcher(func, env, empty),
        })
    }

    /// The value of an expression.
    pub(super) fn eval(&mut self, code: Code, env: Env) -> Outcome<BoxId> {
        // What is found at once needs no memory.
        match self.files.expr(code) {
            Expr::Int(value) => return Ok(self.boxes.add(Node::Int(*value))),
            Expr::Real(value) => return Ok(self.boxes.add(Node::Real(value.to_bits()))),
            Expr::Wire => return Ok(self.boxes.add(Node::Wire)),
            Expr::Cut => return Ok(self.boxes.add(Node::Cut)),
            Expr::Prim(prim) => return Ok(self.boxes.add(Node::Prim(*prim))),
            _ => {}
        }
        match self.memo.get(&(code, env)) {
            Some(Memo::Done(value)) => return Ok(*value),
            Some(Memo::Wrong(faults)) => return Err(Stop::Raised(faults.clone())),
            Some(Memo::Open) => {
                let text = format!("`{}` uses itself without an end", self.files.snippet(code));
                let fault = Fault::new(self.files.span(code), text);
                return self.raise_fault(
                    code,
                    fault.hint("signals that use themselves are written with ~ or letrec"),
                );
            }
            None => {}
        }
        let (site, before) = (self.site, self.at.replace(code));
        if code.file == FileId(0) {
            self.site = Some(code);
        }
        self.memo.insert((code, env), Memo::Open);
        let result = self.deeper(|evaluator| evaluator.eval_now(code, env));
        match &result {
            Ok(value) => {
                self.memo.insert((code, env), Memo::Done(*value));
                self.origins.entry(*value).or_insert(Origin { code, via: self.site });
            }
            Err(Stop::Raised(faults)) => {
                self.memo.insert((code, env), Memo::Wrong(faults.clone()));
            }
            Err(Stop::Halted(_)) => {}
        }
        (self.site, self.at) = (site, before);
        result
    }

    /// The values of two expressions that do not need one another.
    fn both(&mut self, a: Code, b: Code, env: Env) -> Outcome<(BoxId, BoxId)> {
        let first = self.eval(a, env);
        together(first, || self.eval(b, env))
    }

    fn table_of(&mut self, file: FileId, scope: ScopeId) -> Outcome<TableId> {
        self.files.table(file, scope, &mut self.names, &mut self.meter)
    }

    /// The environment with a block of the same text inside.
    fn scope_in(&mut self, code: Code, scope: ScopeId, env: Env) -> Outcome<Env> {
        let table = self.table_of(code.file, scope)?;
        Ok(self.frames.push(Frame::Scope(env, table)))
    }

    /// The environment of a text that an expression names.
    pub(super) fn text_env(&mut self, name: &str, code: Code) -> Outcome<(Env, FileId, TableId)> {
        let from = (code.file, self.files.span(code));
        let file = self.files.load(name, from, &mut self.names, &mut self.meter)?;
        let table = self.table_of(file, Syntax::TOP)?;
        Ok((self.frames.push(Frame::Scope(Frames::ROOT, table)), file, table))
    }

    fn eval_now(&mut self, code: Code, env: Env) -> Outcome<BoxId> {
        let at = |expr| Code { file: code.file, expr };
        let syntax = Arc::clone(&self.files.file(code.file).syntax);
        match syntax.expr(code.expr) {
            Expr::Int(_) | Expr::Real(_) | Expr::Wire | Expr::Cut | Expr::Prim(_) => self.eval(code, env),
            Expr::Word(word) => self.word(code, *word, env),
            Expr::Infix(prim, a, b) => {
                let (a, b) = self.both(at(*a), at(*b), env)?;
                let prim = self.boxes.add(Node::Prim(*prim));
                let both = self.compose(Composition::Par, a, b);
                Ok(self.compose(Composition::Seq, both, prim))
            }
            Expr::Minus(a) => self.negative(at(*a), env),
            Expr::Delayed(a) => {
                let (a, mem) = (self.eval(at(*a), env)?, self.boxes.add(Node::Prim(Prim::Mem)));
                Ok(self.compose(Composition::Seq, a, mem))
            }
            Expr::Compose(how, a, b) => {
                let (a, b) = self.both(at(*a), at(*b), env)?;
                Ok(self.compose(*how, a, b))
            }
            Expr::Apply(function, args) => {
                let mut found = self.eval(at(*function), env).map(|function| (function, Vec::new()));
                for arg in args {
                    let all = together(found, || self.eval(at(*arg), env));
                    found = all.map(|((function, mut values), value)| {
                        values.push(value);
                        (function, values)
                    });
                }
                let (function, values) = found?;
                self.apply(code, function, &values)
            }
            Expr::Access(a, word) => {
                let inner = self.environment(at(*a), env)?;
                self.word(code, *word, inner)
            }
            Expr::Override(a, scope) => {
                let table = self.table_of(code.file, *scope)?;
                self.replaced(at(*a), table, env)
            }
            Expr::With(a, scope) => {
                let inner = self.scope_in(code, *scope, env)?;
                self.eval(at(*a), inner)
            }
            Expr::Letrec { body, equations, locals } => self.letrec(code, env, *body, equations, *locals),
            Expr::Lambda(params, body) => {
                let (params, body) = (params.clone(), at(*body));
                let func = self.func((code, false), |evaluator| {
                    let params = params.iter().map(|word| evaluator.files.sym(code.file, *word)).collect();
                    Func::Lambda { params, body }
                });
                Ok(self.function(func, env))
            }
            Expr::Case(rules) => {
                let rules = rules.as_slice().into();
                let func = self.func((code, false), |_| Func::Case { file: code.file, rules });
                Ok(self.function(func, env))
            }
            Expr::Environment(scope) => {
                let inner = self.scope_in(code, *scope, env)?;
                Ok(self.boxes.add(Node::Environment(inner)))
            }
            Expr::Library(name) => {
                let (inner, ..) = self.text_env(name, code)?;
                Ok(self.boxes.add(Node::Environment(inner)))
            }
            Expr::Component(name) => {
                let (inner, file, _) = self.text_env(name, code)?;
                self.process_of(code, inner, file)
            }
            Expr::Iterate(how, word, count, body) => {
                let name = self.files.sym(code.file, *word);
                self.iterate(*how, name, at(*count), at(*body), env)
            }
            Expr::Inputs(a) | Expr::Outputs(a) => {
                let value = self.eval(at(*a), env)?;
                let diagram = self.diagram(value)?;
                let (inputs, outputs) = self.arity(diagram)?;
                let count = if matches!(syntax.expr(code.expr), Expr::Inputs(_)) { inputs } else { outputs };
                Ok(self.boxes.add(Node::Int(count as i32)))
            }
            Expr::Route(ins, outs, pairs) => self.route(code, (*ins, *outs, *pairs), env),
            Expr::Button(label) => {
                let label = self.label(label, env)?;
                Ok(self.boxes.add(Node::Button(label)))
            }
            Expr::Checkbox(label) => {
                let label = self.label(label, env)?;
                Ok(self.boxes.add(Node::Checkbox(label)))
            }
            Expr::Slider(kind, label, range) => {
                let (label, range) = (self.label(label, env)?, self.range(code, range, env)?);
                Ok(self.boxes.add(Node::Slider(*kind, label, range)))
            }
            Expr::Bargraph(horizontal, label, range) => {
                let (label, range) = (self.label(label, env)?, self.range(code, range, env)?);
                Ok(self.boxes.add(Node::Bargraph(*horizontal, label, range)))
            }
            Expr::Group(kind, label, body) => {
                let (label, body) = (self.label(label, env)?, self.eval(at(*body), env)?);
                let group = self.boxes.add(Node::Group(*kind, label, body));
                Ok(group)
            }
            Expr::Soundfile(..) => self.raise(code, "soundfile: programs cannot read sound files"),
            Expr::Function(foreign) => self.foreign(code, foreign),
            Expr::Constant(foreign) if matches!(&*foreign.names[0], "fSamplingFreq" | "fSamplingRate") => {
                Ok(self.boxes.add(Node::SampleRate))
            }
            // The length of a block: the same for every host, so that the sound is the same for each.
            Expr::Variable(foreign) if &*foreign.names[0] == "count" => Ok(self.boxes.add(Node::Int(512))),
            Expr::Constant(foreign) | Expr::Variable(foreign) => {
                let name = &foreign.names[0];
                self.raise(code, format!("`{name}` is a variable of C, which programs cannot read"))
            }
            Expr::Waveform(values) => {
                self.meter.spend(values.len() as u64)?;
                let mut items = Vec::with_capacity(values.len());
                for value in values {
                    items.push(self.boxes.add(match value {
                        Expr::Int(value) => Node::Int(*value),
                        Expr::Real(value) => Node::Real(value.to_bits()),
                        _ => Node::Int(0),
                    }));
                }
                let list = self.boxes.list(&items);
                Ok(self.boxes.add(Node::Waveform(list)))
            }
            Expr::Modulate(targets, body) => self.modulate(code, targets, at(*body), env),
            Expr::Broken => self.raise(code, "this could not be read"),
        }
    }
}
