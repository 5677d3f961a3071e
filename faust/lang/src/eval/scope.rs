//! What names mean, and environments with some of their definitions replaced.

use super::env::Meaning;
use super::files::TableId;
use super::*;
use crate::own;
use crate::syntax::{Expr, Syntax, WordId};
use std::sync::Arc;

impl Evaluator<'_> {
    /// The value of a name.
    pub(super) fn word(&mut self, code: Code, word: WordId, env: Env) -> Outcome<BoxId> {
        let name = self.files.sym(code.file, word);
        match self.meaning(name, env)? {
            Some(Meaning::Value(value)) => Ok(value),
            Some(Meaning::Definition(def, env)) => self.define(def, env),
            None => self.unknown(code, name, env),
        }
    }

    fn meaning(&mut self, name: Sym, env: Env) -> Outcome<Option<Meaning>> {
        let (meaning, steps) = self.frames.look_up(&self.files.tables, name, env);
        self.meter.spend(steps)?;
        Ok(meaning)
    }

    fn unknown<T>(&mut self, code: Code, name: Sym, env: Env) -> Outcome<T> {
        let word = self.names.text(name);
        let tables = self.frames.tables(env);
        let known =
            tables.iter().flat_map(|table| self.files.tables.names(*table)).map(|sym| self.names.text(sym));
        let like = names::similar(word, known);
        let owner = tables.first().map(|table| self.files.tables.owner(*table));
        let owner = owner.filter(|(_, scope)| *scope == Syntax::TOP);
        let place = owner.map_or("that environment", |(file, _)| &self.files.file(file).name);
        let is_access = matches!(self.files.expr(code), Expr::Access(..));
        let ours = own::import_of(place).filter(|_| is_access);
        let text = match (is_access, ours) {
            (true, Some(library)) => format!(
                "`{}`: there is no `{word}` in krach's own {library}, which is a part of FAUST's",
                self.files.snippet(code)
            ),
            (true, None) => format!("`{}`: there is no `{word}` in {place}", self.files.snippet(code)),
            (false, _) => format!("`{word}` is not defined"),
        };
        let remedy = ours.map(own::remedy);
        let mut fault = Fault::new(self.files.span(code), text);
        fault.hint = match (like, word) {
            (Some(like), _) => {
                let otherwise = remedy.map_or_else(String::new, |remedy| format!(" Or {remedy}"));
                Some(format!("did you mean `{like}`?{otherwise}"))
            }
            (None, _) if remedy.is_some() => remedy,
            (
                None,
                "ma" | "ba" | "os" | "fi" | "en" | "de" | "no" | "ef" | "si" | "re" | "sp" | "co" | "pm"
                | "an" | "ro",
            ) => Some("import(\"stdfaust.lib\"); defines it".into()),
            (None, "ondemand" | "upsampling" | "downsampling") => {
                Some("what changes the rate within a program is not supported".into())
            }
            _ if is_access => Some(format!("look at the names that {place} has")),
            _ => Some(format!("say what it is ({word} = ...;), or import the file that does")),
        };
        self.raise_fault(code, fault)
    }

    /// The environment that an expression stands for.
    pub(super) fn environment(&mut self, code: Code, env: Env) -> Outcome<Env> {
        // A component has definitions beside its `process`.
        let syntax = Arc::clone(&self.files.file(code.file).syntax);
        if let Expr::Component(name) = syntax.expr(code.expr) {
            return Ok(self.text_env(name, code)?.0);
        }
        let value = self.eval(code, env)?;
        match self.boxes.node(value) {
            Node::Environment(inner) => Ok(inner),
            _ => {
                let text =
                    format!("`{}` is a signal or a function, not an environment", self.files.snippet(code));
                self.raise(code, text)
            }
        }
    }

    /// `process` of a component.
    pub(super) fn process_of(&mut self, code: Code, env: Env, file: FileId) -> Outcome<BoxId> {
        let name = self.names.intern("process");
        match self.meaning(name, env)? {
            Some(Meaning::Definition(def, env)) => self.define(def, env),
            Some(Meaning::Value(value)) => Ok(value),
            None => self.raise(code, format!("there is no `process` in {}", self.files.file(file).name)),
        }
    }

    /// An expression with some of the definitions that it is made of replaced.
    pub(super) fn replaced(&mut self, code: Code, table: TableId, env: Env) -> Outcome<BoxId> {
        let syntax = Arc::clone(&self.files.file(code.file).syntax);
        let found = match syntax.expr(code.expr) {
            Expr::Component(name) => {
                let (inner, file, _) = self.text_env(name, code)?;
                let inner = self.frames.replace(inner, table, env).unwrap_or(inner);
                return self.process_of(code, inner, file);
            }
            Expr::Word(word) => self.meaning(self.files.sym(code.file, *word), env)?,
            Expr::Access(a, word) => {
                let inner = self.environment(Code { file: code.file, expr: *a }, env)?;
                self.meaning(self.files.sym(code.file, *word), inner)?
            }
            _ => None,
        };
        let value = self.eval(code, env)?;
        let replaced = match (self.boxes.node(value), found) {
            (Node::Environment(inner), _) => {
                self.frames.replace(inner, table, env).map(|inner| self.boxes.add(Node::Environment(inner)))
            }
            (Node::Closure(func, inner, bound), _) => self
                .frames
                .replace(inner, table, env)
                .map(|inner| self.boxes.add(Node::Closure(func, inner, bound))),
            (Node::Matcher(func, inner, args), _) => self
                .frames
                .replace(inner, table, env)
                .map(|inner| self.boxes.add(Node::Matcher(func, inner, args))),
            (_, Some(Meaning::Definition(def, inner))) => match self.frames.replace(inner, table, env) {
                Some(inner) => Some(self.define(def, inner)?),
                None => None,
            },
            _ => None,
        };
        Ok(replaced.unwrap_or(value))
    }
}
