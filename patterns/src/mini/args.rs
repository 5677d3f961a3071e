//! Signs that take numbers. A number may be a pattern in brackets: `x*<2 3>`, `x(<3 5>,8)`, `x?[0.2 0.8]`, `{a b c}%<3 4>`.

use super::parse::{Parsed, Parser, Words};
use super::steps::{Step, total};
use crate::builders::{fraction, stack};
use crate::{Pattern, SourceSpan};

/// What a number in this place must be: checked for each number of a pattern, so that the error has its place.
#[derive(Clone, Copy)]
enum Must {
    Factor,
    Probability,
    Whole,
    Steps,
}

/// A number, or a pattern of numbers with the number of its nodes.
enum Argument {
    Fixed(f64),
    Varied(Pattern, usize),
}

const EUCLID: &str = "(pulses,steps) or (pulses,steps,rotation), such as x(3,8)";

impl Parser<'_> {
    /// Puts around a step what the sign after it says.
    pub fn applied(&mut self, sign: char, start: usize, step: &mut Step) -> Parsed<()> {
        self.eat(sign);
        let child = Box::new(std::mem::replace(&mut step.pattern, Pattern::Silence { span: None }));
        step.size += 1;
        let (kind, by) = match sign {
            '?' => match self.probability()? {
                (Argument::Fixed(prob), seed) => {
                    let span = Some(self.span(start));
                    step.pattern = Pattern::Chance { prob, seed, invert: false, child, span };
                    return Ok(());
                }
                (Argument::Varied(by, size), seed) => {
                    step.size += size;
                    let (span, kind) = (Some(self.span(start)), "chance".to_owned());
                    step.pattern = Pattern::Vary { kind, by: vec![by], seed, transform: None, child, span };
                    return Ok(());
                }
            },
            '(' => {
                step.pattern = self.euclid(start, child, &mut step.size)?;
                return Ok(());
            }
            '*' => ("fast", self.argument(Must::Factor, "how many times faster, such as x*2")?),
            _ => ("slow", self.argument(Must::Factor, "how many times slower, such as x/2")?),
        };
        let span = Some(self.span(start));
        step.pattern = match by {
            Argument::Fixed(number) if kind == "fast" => {
                Pattern::Fast { factor: fraction(number), child, span }
            }
            Argument::Fixed(number) => Pattern::Slow { factor: fraction(number), child, span },
            Argument::Varied(by, size) => {
                step.size += size;
                Pattern::Vary { kind: kind.to_owned(), by: vec![by], seed: 0, transform: None, child, span }
            }
        };
        Ok(())
    }

    /// A probability and the seed of its sign.
    fn probability(&mut self) -> Parsed<(Argument, u64)> {
        let seed = self.chances;
        self.chances += 1;
        let prob = match self.peek() {
            Some(c) if c.is_ascii_digit() || "[<{".contains(c) => {
                self.argument(Must::Probability, "a probability, such as x?0.3")?
            }
            _ => Argument::Fixed(0.5),
        };
        Ok((prob, seed))
    }

    fn euclid(&mut self, start: usize, child: Box<Pattern>, size: &mut usize) -> Parsed<Pattern> {
        let open = self.at - 1;
        self.spaces();
        let pulses = self.argument(Must::Whole, EUCLID)?;
        self.spaces();
        if !self.eat(',') {
            return Err(self.error("here should be a comma and the number of steps", EUCLID));
        }
        self.spaces();
        let number = self.at;
        let steps = self.argument(Must::Steps, EUCLID)?;
        if let (Argument::Fixed(pulses), Argument::Fixed(steps)) = (&pulses, &steps)
            && pulses.abs() > *steps
        {
            let message = format!("{pulses} pulses do not fit into {steps} steps");
            return Err(self.error_at(number, message, EUCLID));
        }
        self.spaces();
        let mut rotation = Argument::Fixed(0.0);
        let mut turned = false;
        if self.eat(',') {
            self.spaces();
            rotation = self.argument(Must::Whole, EUCLID)?;
            turned = true;
            self.spaces();
        }
        if !self.eat(')') {
            return Err(match self.peek() {
                Some(_) => self.error("here should be a \")\"", EUCLID),
                None => self.error_at(open, "this \"(\" is not closed", EUCLID),
            });
        }
        let span = Some(self.span(start));
        if let (Argument::Fixed(pulses), Argument::Fixed(steps), Argument::Fixed(rotation)) =
            (&pulses, &steps, &rotation)
            && *pulses >= 0.0
        {
            let (pulses, steps, rotation) = (*pulses as u32, *steps as u32, *rotation as i64);
            return Ok(Pattern::Euclid { pulses, steps, rotation, child, span });
        }
        let mut by = Vec::new();
        for argument in [Some(pulses), Some(steps), turned.then_some(rotation)].into_iter().flatten() {
            *size += 1;
            by.push(match argument {
                Argument::Fixed(value) => Pattern::Number { value, span: None },
                Argument::Varied(pattern, more) => {
                    *size += more;
                    pattern
                }
            });
        }
        Ok(Pattern::Vary { kind: "euclid".to_owned(), by, seed: 0, transform: None, child, span })
    }

    /// `{a b c, d e}%4`: each layer with so many steps per cycle, without `%` as many as the first has.
    pub fn polymeter(
        &mut self,
        layers: Vec<Vec<Step>>,
        mut size: usize,
        start: usize,
    ) -> Parsed<(Pattern, usize)> {
        let mut base = match self.eat('%') {
            true => Some(self.argument(Must::Factor, "how many steps per cycle, such as {A2 B2 C3}%4")?),
            false => None,
        };
        let mut metered = Vec::new();
        for steps in layers.into_iter().filter(|steps| !steps.is_empty()) {
            let place = steps[0].at;
            let length = total(&steps).ok_or_else(|| self.too_fine(place))?;
            let base = base.get_or_insert(Argument::Fixed(length[0] as f64 / length[1] as f64));
            let child = Box::new(self.sequence(steps)?);
            let span = Some(self.span(start));
            metered.push(match base {
                Argument::Fixed(base) => match scaled(*base, length) {
                    [1, 1] => *child,
                    factor => Pattern::Fast { factor, child, span },
                },
                Argument::Varied(base, more) => {
                    size += *more + 1;
                    let mut by = base.clone();
                    each_number(&mut by, &mut |value, _| {
                        let [n, d] = scaled(*value, length);
                        *value = n as f64 / d as f64;
                        Ok(())
                    })?;
                    Pattern::Vary {
                        kind: "fast".to_owned(),
                        by: vec![by],
                        seed: 0,
                        transform: None,
                        child,
                        span,
                    }
                }
            });
        }
        let pattern = match metered.len() {
            0 => Pattern::Silence { span: None },
            1 => metered.remove(0),
            _ => stack(metered),
        };
        Ok((pattern, size))
    }

    /// A number, or a pattern of numbers in brackets.
    fn argument(&mut self, must: Must, what: &str) -> Parsed<Argument> {
        let start = self.at;
        let Some(open @ ('[' | '<' | '{')) = self.peek() else {
            let negative = matches!(must, Must::Whole) && self.eat('-');
            let number = match must {
                Must::Whole | Must::Steps => f64::from(self.whole(what)?),
                _ => self.number(what)?,
            };
            let number = if negative { -number } else { number };
            self.check(number, must, start)?;
            return Ok(Argument::Fixed(number));
        };
        let words = std::mem::replace(&mut self.words, Words::Values);
        let read = self.bracket(open);
        self.words = words;
        let (mut pattern, size) = read?;
        each_number(&mut pattern, &mut |value, span| {
            self.check(*value, must, span.map_or(start, |[at, _]| at as usize))
        })?;
        if let Some([at, _]) = name_in(&pattern) {
            return Err(self.error_at(at as usize, "a name cannot stand here", what));
        }
        Ok(Argument::Varied(pattern, size))
    }

    fn check(&self, number: f64, must: Must, at: usize) -> Parsed<()> {
        let (fits, message, hint) = match must {
            Must::Factor => (
                fraction(number)[0] > 0 && number <= 1e9,
                format!("{number} is no factor"),
                "a factor is 1/256 to 1000000000",
            ),
            Must::Probability => (
                (0.0..=1.0).contains(&number),
                "a probability is between 0 and 1".to_owned(),
                "such as x?0.3",
            ),
            Must::Whole => (
                number.fract() == 0.0 && number.abs() <= f64::from(u32::MAX),
                format!("{number} is no whole number"),
                EUCLID,
            ),
            Must::Steps => (
                number.fract() == 0.0 && number >= 1.0 && number <= f64::from(u32::MAX),
                format!("{number} is no number of steps: there is at least one, so nothing fits into it"),
                EUCLID,
            ),
        };
        if fits { Ok(()) } else { Err(self.error_at(at, message, hint)) }
    }
}

/// How much faster a sequence of `length` steps is played with `base` steps per cycle.
fn scaled(base: f64, length: [i64; 2]) -> [i64; 2] {
    let [n, d] = fraction(base);
    let (n, d) = (i128::from(n) * i128::from(length[1]), i128::from(d) * i128::from(length[0]));
    let common = crate::fraction::gcd(n, d).max(1);
    let fits = |x: i128| i64::try_from(x / common).unwrap_or(i64::MAX);
    [fits(n), fits(d)]
}

/// Hands each number of a pattern with its place to `change`.
fn each_number(
    pattern: &mut Pattern,
    change: &mut dyn FnMut(&mut f64, Option<SourceSpan>) -> Parsed<()>,
) -> Parsed<()> {
    if let Pattern::Number { value, span } = pattern {
        change(value, *span)?;
    }
    // The numbers of an argument within the argument are its own.
    let children = match pattern {
        Pattern::Vary { child, .. } => vec![child.as_mut()],
        other => other.children_mut(),
    };
    children.into_iter().try_for_each(|child| each_number(child, change))
}

/// The place of a name in a pattern.
fn name_in(pattern: &Pattern) -> Option<SourceSpan> {
    match pattern {
        Pattern::Name { span, .. } => *span,
        other => other.children().into_iter().find_map(name_in),
    }
}
