//! Statements: definitions, imports, declarations; and going on after an error.

use super::lex::{Kind, Token, lex};
use super::rules::RawRule;
use super::tree::*;
use crate::error::{Fault, MOST_FAULTS};
use crate::options::Precision;
use crate::prim::{KEYWORDS, Prim};
use std::collections::HashMap;

/// How deep expressions may stand in each other.
const DEPTH: u32 = 256;
/// Longest text.
const LONGEST: usize = 16 << 20;

/// Reads a text; of definitions for one precision those for `precision`. What is wrong with it is in
/// [`Syntax::faults`], and what could be read is there anyhow.
pub fn parse(text: &str, precision: Precision) -> Syntax {
    let mut parser = Parser::new(text, precision);
    if text.len() <= LONGEST {
        parser.text();
    }
    parser.tree.faults.sort_by_key(|fault| fault.span.start);
    parser.tree.faults.truncate(MOST_FAULTS);
    parser.tree
}

/// Names of recursive signals and what they are next.
pub(super) type Equations = Vec<(WordId, ExprId)>;

/// A fault was recorded; the statement cannot be read further.
pub(super) struct Stop;
pub(super) type Read<T> = Result<T, Stop>;

pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    words: HashMap<&'a str, WordId>,
    pub(super) tree: Syntax,
    depth: u32,
    precision: Precision,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, precision: Precision) -> Self {
        let mut tree = Syntax::default();
        tree.scopes.push(Scope::default());
        let (tokens, faults) = if text.len() <= LONGEST {
            lex(text)
        } else {
            let text = format!("the text has {} bytes; {LONGEST} is the most", text.len());
            (Vec::new(), vec![Fault::new(Span::default(), text)])
        };
        tree.faults = faults;
        Self { text, tokens, at: 0, words: HashMap::new(), tree, depth: 0, precision }
    }

    pub(super) fn token(&self) -> Token {
        self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    pub(super) fn kind(&self) -> Kind {
        self.token().kind
    }

    pub(super) fn here(&self) -> Span {
        self.token().span
    }

    pub(super) fn slice(&self, span: Span) -> &'a str {
        &self.text[span.start as usize..span.end as usize]
    }

    /// Text of the token, empty for labels so that no label looks like a sign.
    pub(super) fn word(&self) -> &'a str {
        if self.kind() == Kind::Text { "" } else { self.slice(self.here()) }
    }

    /// Text of the token after this.
    pub(super) fn next_word(&self) -> &'a str {
        match self.tokens.get(self.at + 1) {
            Some(token) if token.kind != Kind::Text => self.slice(token.span),
            _ => "",
        }
    }

    pub(super) fn step(&mut self) -> Span {
        let span = self.here();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        span
    }

    /// Steps over every token that begins before `end`.
    pub(super) fn step_to(&mut self, end: u32) {
        while self.here().start < end && self.kind() != Kind::End {
            self.step();
        }
    }

    pub(super) fn last_end(&self) -> u32 {
        self.at.checked_sub(1).map_or(0, |at| self.tokens[at].span.end)
    }

    pub(super) fn eat(&mut self, sign: &str) -> bool {
        let found = self.word() == sign && self.kind() != Kind::End;
        if found {
            self.step();
        }
        found
    }

    pub(super) fn expect(&mut self, sign: &str) -> Read<Span> {
        if self.word() == sign && self.kind() != Kind::End {
            return Ok(self.step());
        }
        let after = Span { start: self.last_end().saturating_sub(1), end: self.last_end() };
        let gap = &self.text[after.end as usize..self.here().start as usize];
        let ends = matches!(self.word(), "" | "}") || gap.contains('\n');
        let span = if sign == ";" && self.at > 0 && ends { after } else { self.here() };
        let text = format!("expected `{sign}`, found {}", self.found());
        let hint = (sign == ";").then_some("every definition ends with a semicolon");
        self.fault(span, text, hint)
    }

    /// The token for people.
    pub(super) fn found(&self) -> String {
        match self.kind() {
            Kind::End => "the end of the text".into(),
            Kind::Text => "a text".into(),
            _ => format!("`{}`", self.word().chars().take(40).collect::<String>()),
        }
    }

    pub(super) fn fault<T>(&mut self, span: Span, text: String, hint: Option<&str>) -> Read<T> {
        let mut fault = Fault::new(span, text);
        fault.hint = hint.map(str::to_owned);
        self.tree.faults.push(fault);
        Err(Stop)
    }

    pub(super) fn unexpected<T>(&mut self, wanted: &str) -> Read<T> {
        let text = format!("expected {wanted}, found {}", self.found());
        self.fault(self.here(), text, None)
    }

    /// One level deeper, or a fault.
    pub(super) fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth >= DEPTH {
            let text = format!("expressions stand more than {DEPTH} deep in each other");
            return self.fault(self.here(), text, Some("give parts of it names"));
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        result
    }

    pub(super) fn add(&mut self, expr: Expr, span: Span) -> ExprId {
        self.tree.exprs.push(expr);
        self.tree.spans.push(span);
        ExprId(self.tree.exprs.len() as u32 - 1)
    }

    pub(super) fn intern(&mut self, word: &'a str) -> WordId {
        if let Some(id) = self.words.get(word) {
            return *id;
        }
        let id = WordId(self.tree.words.len() as u32);
        self.tree.words.push(word.into());
        self.words.insert(word, id);
        id
    }

    /// A word that is no keyword.
    pub(super) fn identifier(&mut self, wanted: &str) -> Read<WordId> {
        let word = self.word();
        if self.kind() == Kind::Word && !KEYWORDS.contains(&word) && Prim::named(word).is_none() {
            self.step();
            return Ok(self.intern(word));
        }
        if self.kind() == Kind::Word {
            let text = format!("`{word}` is a word of the language and cannot be {wanted}");
            return self.fault(self.here(), text, Some("take another name"));
        }
        self.unexpected(wanted)
    }

    /// A text between quotes.
    pub(super) fn quoted(&mut self) -> Read<Box<str>> {
        if self.kind() != Kind::Text {
            return self.unexpected("a text between quotes");
        }
        let span = self.step();
        Ok(self.slice(span).trim_matches('"').into())
    }

    fn text(&mut self) {
        let mut rules = Vec::new();
        while self.kind() != Kind::End {
            let before = self.at;
            if self.statement(Syntax::TOP, &mut rules).is_err() {
                self.recover(before, false);
            }
        }
        self.close(Syntax::TOP, rules);
    }

    /// To behind the next `;` that ends a statement, or before the `}` of the block.
    fn recover(&mut self, before: usize, inner: bool) {
        if self.at == before && !(inner && self.word() == "}") {
            self.step();
        }
        let mut depth = 0;
        while self.kind() != Kind::End {
            match self.word() {
                "{" => depth += 1,
                "}" if depth == 0 && inner => return,
                "}" => depth = (depth - 1).max(0),
                ";" if depth == 0 => {
                    self.step();
                    return;
                }
                // A missing semicolon: the next definition begins a line.
                _ if depth == 0
                    && !inner
                    && self.begins_a_line()
                    && matches!(self.next_word(), "=" | "(") =>
                {
                    return;
                }
                _ => {}
            }
            self.step();
        }
    }

    fn begins_a_line(&self) -> bool {
        let start = self.here().start as usize;
        self.kind() == Kind::Word && (start == 0 || self.text.as_bytes()[start - 1] == b'\n')
    }

    /// A block of definitions up to its closing bracket, which is eaten.
    pub(super) fn block(&mut self, close: &str) -> Read<ScopeId> {
        let id = ScopeId(self.tree.scopes.len() as u32);
        self.tree.scopes.push(Scope::default());
        let mut rules = Vec::new();
        self.definitions(id, &mut rules, close)?;
        self.close(id, rules);
        Ok(id)
    }

    fn definitions(&mut self, id: ScopeId, rules: &mut Vec<RawRule>, close: &str) -> Read<()> {
        loop {
            if self.eat(close) {
                return Ok(());
            }
            if self.kind() == Kind::End {
                return self.expect(close).map(|_| ());
            }
            let before = self.at;
            if self.statement(id, rules).is_err() {
                self.recover(before, true);
                if close == "]" && self.word() == "}" {
                    return Err(Stop);
                }
            }
        }
    }

    /// What comes between the braces of `letrec`.
    pub(super) fn equations(&mut self) -> Read<(Equations, Option<ScopeId>)> {
        self.expect("{")?;
        let mut equations = Vec::new();
        while self.eat("'") {
            let name = self.identifier("the name of a recursive signal")?;
            self.expect("=")?;
            let expr = self.expression()?;
            self.expect(";")?;
            equations.push((name, expr));
        }
        let locals = if self.eat("where") { Some(self.block("}")?) } else { None };
        if locals.is_none() {
            self.expect("}")?;
        }
        Ok((equations, locals))
    }

    fn statement(&mut self, scope: ScopeId, rules: &mut Vec<RawRule>) -> Read<()> {
        match self.word() {
            "import" => {
                let start = self.step();
                self.expect("(")?;
                let name = self.quoted()?;
                let span = Span { start: start.start, end: self.here().end };
                self.expect(")")?;
                self.expect(";")?;
                self.tree.scopes[scope.0 as usize].imports.push((name, span));
                Ok(())
            }
            "declare" => self.declaration(),
            "singleprecision" | "doubleprecision" | "quadprecision" | "fixedpointprecision"
                if !matches!(self.next_word(), "=" | "(") =>
            {
                let mut wanted = false;
                while self.kind() == Kind::Word {
                    match self.word() {
                        "singleprecision" => wanted |= self.precision == Precision::Single,
                        "doubleprecision" => wanted |= self.precision == Precision::Double,
                        "quadprecision" | "fixedpointprecision" => {}
                        _ => break,
                    }
                    self.step();
                }
                self.definition(rules, wanted)
            }
            _ => self.definition(rules, true),
        }
    }

    /// One in a block says something about the whole text as well.
    fn declaration(&mut self) -> Read<()> {
        self.step();
        if self.kind() != Kind::Word {
            return self.unexpected("a key");
        }
        let key = self.step();
        // With two words it is about the function of that name.
        let about = self.kind() == Kind::Word;
        if about {
            self.step();
        }
        let value = self.quoted()?;
        self.expect(";")?;
        if !about {
            let key = self.slice(key).into();
            self.tree.declarations.push((key, value));
        }
        Ok(())
    }

    fn definition(&mut self, rules: &mut Vec<RawRule>, wanted: bool) -> Read<()> {
        let span = self.here();
        let name = self.identifier("the name of a definition")?;
        let mut patterns = None;
        if self.eat("(") {
            patterns = Some(self.arguments(")")?);
        }
        self.expect("=")?;
        let body = self.expression()?;
        self.expect(";")?;
        if wanted {
            rules.push(RawRule { name, patterns, body, span });
        }
        Ok(())
    }
}
