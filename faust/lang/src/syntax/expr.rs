//! Expressions: operators by precedence, and what they are between.

use super::lex::Kind;
use super::parse::{Parser, Read};
use super::tree::*;
use crate::prim::{KEYWORDS, Prim};

/// An operator between two expressions.
enum Operator {
    Compose(Composition),
    Infix(Prim),
}

/// Strength of an operator and whether it groups to the right.
fn operator(word: &str) -> Option<(Operator, u8, bool)> {
    use Operator::{Compose, Infix};
    Some(match word {
        "<:" => (Compose(Composition::Split), 1, true),
        ":>" | "+>" => (Compose(Composition::Merge), 1, true),
        ":" => (Compose(Composition::Seq), 2, true),
        "," => (Compose(Composition::Par), 3, true),
        "~" => (Compose(Composition::Rec), 4, false),
        "<" | "<=" | ">" | ">=" | "==" | "!=" => (Infix(Prim::named(word)?), 5, false),
        "+" | "-" | "|" => (Infix(Prim::named(word)?), 6, false),
        "*" | "/" | "%" | "&" | "xor" | "<<" | ">>" => (Infix(Prim::named(word)?), 7, false),
        "^" => (Infix(Prim::Pow), 8, false),
        "@" => (Infix(Prim::Delay), 9, false),
        _ => return None,
    })
}

/// Weakest operator of an argument that is not `,`.
const ARGUMENT: u8 = 0;

impl Parser<'_> {
    /// Any expression, with its `with` and `letrec`.
    pub(super) fn expression(&mut self) -> Read<ExprId> {
        self.whole(true)
    }

    pub(super) fn whole(&mut self, commas: bool) -> Read<ExprId> {
        self.deeper(|parser| {
            let start = parser.here().start;
            let mut left = parser.level(ARGUMENT, commas)?;
            loop {
                if parser.eat("with") {
                    parser.expect("{")?;
                    let scope = parser.block("}")?;
                    left = parser.close_over(Expr::With(left, scope), start);
                } else if parser.eat("letrec") {
                    let (equations, locals) = parser.equations()?;
                    left = parser.close_over(Expr::Letrec { body: left, equations, locals }, start);
                } else {
                    return Ok(left);
                }
            }
        })
    }

    /// Adds an expression that began at `start` and ends here.
    pub(super) fn close_over(&mut self, expr: Expr, start: u32) -> ExprId {
        let span = Span { start, end: self.last_end() };
        self.add(expr, span)
    }

    /// Operators of at least this strength. Those that group to the right are collected first: a list of a
    /// thousand signals is no deeper than one of two.
    fn level(&mut self, least: u8, commas: bool) -> Read<ExprId> {
        let start = self.here().start;
        let mut left = self.postfix()?;
        // Operands and operators of one strength that wait for what is to the right of them.
        let mut waiting: Vec<(ExprId, u32, Composition, u8)> = Vec::new();
        let mut begin = start;
        loop {
            let word = self.word();
            let next =
                operator(word).filter(|(_, strength, _)| *strength >= least && (word != "," || commas));
            // What waits with more strength than what comes is complete.
            let coming = next.as_ref().map_or(0, |(_, strength, _)| *strength);
            while let Some((operand, from, how, strength)) = waiting.pop() {
                if strength <= coming {
                    waiting.push((operand, from, how, strength));
                    break;
                }
                left = self.close_over(Expr::Compose(how, operand, left), from);
                begin = from;
            }
            let Some((found, strength, right)) = next else { return Ok(left) };
            self.step();
            match found {
                Operator::Compose(how) if right => {
                    waiting.push((left, begin, how, strength));
                    begin = self.here().start;
                    left = self.postfix()?;
                }
                found => {
                    let next = self.deeper(|parser| parser.level(strength + 1, commas))?;
                    let expr = match found {
                        Operator::Compose(how) => Expr::Compose(how, left, next),
                        Operator::Infix(prim) => Expr::Infix(prim, left, next),
                    };
                    left = self.close_over(expr, begin);
                }
            }
        }
    }

    /// A primary with what is written behind it: arguments, access, `'`, other definitions.
    fn postfix(&mut self) -> Read<ExprId> {
        let start = self.here().start;
        let mut left = self.primary()?;
        loop {
            let expr = match self.word() {
                "(" => {
                    self.step();
                    Expr::Apply(left, self.arguments(")")?)
                }
                "." => {
                    self.step();
                    Expr::Access(left, self.identifier("a name")?)
                }
                "'" => {
                    self.step();
                    Expr::Delayed(left)
                }
                "[" => {
                    self.step();
                    Expr::Override(left, self.block("]")?)
                }
                _ => return Ok(left),
            };
            left = self.close_over(expr, start);
        }
    }

    /// Expressions between commas up to a closing bracket, which is eaten.
    pub(super) fn arguments(&mut self, close: &str) -> Read<Vec<ExprId>> {
        let mut all = vec![self.whole(false)?];
        while self.eat(",") {
            all.push(self.whole(false)?);
        }
        self.expect(close)?;
        Ok(all)
    }

    fn primary(&mut self) -> Read<ExprId> {
        let (kind, span, word) = (self.kind(), self.here(), self.word());
        let expr = match kind {
            Kind::Int | Kind::Real => {
                self.step();
                self.number(span, word, kind == Kind::Int, false)?
            }
            Kind::Sign => return self.signed(),
            Kind::Word if KEYWORDS.contains(&word) => return self.keyword(),
            Kind::Word => {
                self.step();
                match Prim::named(word) {
                    Some(prim) => Expr::Prim(prim),
                    None => Expr::Word(self.intern(word)),
                }
            }
            Kind::Text | Kind::End => return self.unexpected("an expression"),
        };
        Ok(self.add(expr, span))
    }

    fn signed(&mut self) -> Read<ExprId> {
        let (span, word) = (self.here(), self.word());
        match word {
            "_" | "!" => {
                self.step();
                Ok(self.add(if word == "_" { Expr::Wire } else { Expr::Cut }, span))
            }
            "(" => {
                self.step();
                let inner = self.expression()?;
                self.expect(")")?;
                Ok(inner)
            }
            "\\" => {
                self.step();
                self.expect("(")?;
                let mut names = vec![self.identifier("a parameter")?];
                while self.eat(",") {
                    names.push(self.identifier("a parameter")?);
                }
                self.expect(")")?;
                self.expect(".")?;
                self.expect("(")?;
                let body = self.expression()?;
                self.expect(")")?;
                Ok(self.close_over(Expr::Lambda(names, body), span.start))
            }
            "[" => self.modulation(),
            "-" | "+" => {
                self.step();
                let (kind, word, inner) = (self.kind(), self.word(), self.here());
                if matches!(kind, Kind::Int | Kind::Real) {
                    self.step();
                    let minus = self.slice(span) == "-";
                    let expr = self.number(inner, word, kind == Kind::Int, minus)?;
                    return Ok(self.add(expr, Span { start: span.start, end: inner.end }));
                }
                let value = kind == Kind::Word && !matches!(word, "with" | "letrec" | "xor" | "where");
                if self.slice(span) == "-" && value {
                    let mut left = self.primary()?;
                    while self.eat(".") {
                        let name = self.identifier("a name")?;
                        left = self.close_over(Expr::Access(left, name), inner.start);
                    }
                    // `-sin(x)`: a word of the language goes with its arguments.
                    if !matches!(self.tree.expr(left), Expr::Word(_) | Expr::Access(..)) && self.eat("(") {
                        let arguments = self.arguments(")")?;
                        left = self.close_over(Expr::Apply(left, arguments), inner.start);
                    }
                    return Ok(self.close_over(Expr::Minus(left), span.start));
                }
                let prim = if self.slice(span) == "-" { Prim::Sub } else { Prim::Add };
                Ok(self.add(Expr::Prim(prim), span))
            }
            _ => match Prim::named(word) {
                Some(prim) => {
                    self.step();
                    Ok(self.add(Expr::Prim(prim), span))
                }
                None => self.unexpected("an expression"),
            },
        }
    }

    /// A number as it is written. Whole numbers up to 4294967295 are the bits of one of 32 bits; larger ones are none.
    pub(super) fn number(&mut self, span: Span, word: &str, int: bool, minus: bool) -> Read<Expr> {
        if !int {
            let value: f64 = word.parse().unwrap_or(0.0);
            return Ok(Expr::Real(if minus { -value } else { value }));
        }
        let Ok(bits) = word.parse::<u32>() else {
            let text = format!("{word} is too large for a whole number, which has 32 bits");
            return self.fault(span, text, Some("write it with a point"));
        };
        let value = bits.cast_signed();
        Ok(Expr::Int(if minus { value.wrapping_neg() } else { value }))
    }

    fn modulation(&mut self) -> Read<ExprId> {
        let start = self.step().start;
        let mut targets = Vec::new();
        loop {
            let label = self.quoted()?;
            let circuit = if self.eat(":") { Some(self.whole(false)?) } else { None };
            targets.push(Modulator { label, circuit });
            if !self.eat(",") {
                break;
            }
        }
        self.expect("->")?;
        let body = self.expression()?;
        self.expect("]")?;
        Ok(self.close_over(Expr::Modulate(targets, body), start))
    }
}
