//! What begins with a word of the grammar: iterations, widgets, `case`, environments.

use super::lex::Kind;
use super::parse::{Parser, Read};
use super::tree::*;

impl Parser<'_> {
    /// So many arguments, after the opening bracket and up to the closing one.
    fn exactly<const N: usize>(&mut self, of: &str) -> Read<[ExprId; N]> {
        let start = self.here();
        let all = self.arguments(")")?;
        let count = all.len();
        match all.try_into() {
            Ok(all) => Ok(all),
            Err(_) => {
                let span = Span { start: start.start, end: self.last_end() };
                self.fault(span, format!("`{of}` takes {N} values here, not {count}"), None)
            }
        }
    }

    pub(super) fn keyword(&mut self) -> Read<ExprId> {
        let word = self.word();
        if matches!(word, "with" | "letrec" | "where" | "import" | "declare") {
            return self.unexpected("an expression");
        }
        let start = self.step().start;
        let expr = match word {
            "case" => Expr::Case(self.cases(start)?),
            "environment" => {
                self.expect("{")?;
                Expr::Environment(self.block("}")?)
            }
            "waveform" => Expr::Waveform(self.waveform()?),
            _ => {
                self.expect("(")?;
                self.called(word)?
            }
        };
        Ok(self.close_over(expr, start))
    }

    fn cases(&mut self, start: u32) -> Read<Vec<Rule>> {
        self.expect("{")?;
        let mut rules: Vec<Rule> = Vec::new();
        while !self.eat("}") {
            let begin = self.here().start;
            self.expect("(")?;
            let patterns = self.arguments(")")?;
            self.expect("=>")?;
            let body = self.expression()?;
            self.expect(";")?;
            if let Some(first) = rules.first().filter(|first| first.patterns.len() != patterns.len()) {
                let text = format!(
                    "this rule has {} parameters, the first has {}",
                    patterns.len(),
                    first.patterns.len()
                );
                return self.fault(Span { start: begin, end: self.last_end() }, text, None);
            }
            rules.push(Rule { patterns, body });
        }
        if rules.is_empty() {
            let span = Span { start, end: self.last_end() };
            return self.fault(span, "this case has no rule".into(), None);
        }
        Ok(rules)
    }

    fn waveform(&mut self) -> Read<Vec<Expr>> {
        self.expect("{")?;
        let mut all = Vec::new();
        loop {
            let minus = self.eat("-");
            if !minus {
                self.eat("+");
            }
            let (kind, span, word) = (self.kind(), self.here(), self.word());
            if !matches!(kind, Kind::Int | Kind::Real) {
                return self.unexpected("a number");
            }
            self.step();
            all.push(self.number(span, word, kind == Kind::Int, minus)?);
            if self.eat("}") {
                return Ok(all);
            }
            self.expect(",")?;
        }
    }

    /// What looks like a call of a word of the grammar; the opening bracket is eaten.
    fn called(&mut self, word: &str) -> Read<Expr> {
        Ok(match word {
            "par" | "seq" | "sum" | "prod" => {
                let how = match word {
                    "par" => Iteration::Par,
                    "seq" => Iteration::Seq,
                    "sum" => Iteration::Sum,
                    _ => Iteration::Prod,
                };
                let index = self.identifier("the name of the index")?;
                self.expect(",")?;
                let count = self.whole(false)?;
                self.expect(",")?;
                let body = self.expression()?;
                self.expect(")")?;
                Expr::Iterate(how, index, count, body)
            }
            "inputs" | "outputs" => {
                let inner = self.expression()?;
                self.expect(")")?;
                if word == "inputs" { Expr::Inputs(inner) } else { Expr::Outputs(inner) }
            }
            "library" | "component" => {
                let name = self.quoted()?;
                self.expect(")")?;
                if word == "library" { Expr::Library(name) } else { Expr::Component(name) }
            }
            "route" => {
                let ins = self.whole(false)?;
                self.expect(",")?;
                let outs = self.whole(false)?;
                let pairs = if self.eat(",") { Some(self.expression()?) } else { None };
                self.expect(")")?;
                Expr::Route(ins, outs, pairs)
            }
            "button" | "checkbox" => {
                let label = self.quoted()?;
                self.expect(")")?;
                if word == "button" { Expr::Button(label) } else { Expr::Checkbox(label) }
            }
            "ffunction" => Expr::Function(self.function()?),
            "fconstant" => Expr::Constant(self.variable()?),
            "fvariable" => Expr::Variable(self.variable()?),
            _ => {
                let label = self.quoted()?;
                self.expect(",")?;
                match word {
                    "hslider" => Expr::Slider(SliderKind::Horizontal, label, self.exactly(word)?),
                    "vslider" => Expr::Slider(SliderKind::Vertical, label, self.exactly(word)?),
                    "nentry" => Expr::Slider(SliderKind::Number, label, self.exactly(word)?),
                    "hbargraph" | "vbargraph" => {
                        Expr::Bargraph(word == "hbargraph", label, self.exactly(word)?)
                    }
                    "soundfile" => {
                        let [count] = self.exactly(word)?;
                        Expr::Soundfile(label, count)
                    }
                    _ => {
                        let inner = self.expression()?;
                        self.expect(")")?;
                        let kind = match word {
                            "hgroup" => GroupKind::Horizontal,
                            "vgroup" => GroupKind::Vertical,
                            _ => GroupKind::Tab,
                        };
                        Expr::Group(kind, label, inner)
                    }
                }
            }
        })
    }
}
