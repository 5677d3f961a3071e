//! The grammar of mini-notation, by recursive descent: sequences, brackets and what follows a step. Words are in
//! `words.rs`, numbers that may be patterns in `args.rs`.

use super::MiniError;
use super::steps::{Step, sequence, total};
use crate::builders::{cat, fraction, rest, stack};
use crate::{Pattern, SourceSpan};

/// How deep brackets may nest.
const MAX_NESTING: usize = 40;
/// How many nodes one line may make, `!` included.
pub(super) const MAX_NODES: usize = 1 << 16;

const TOO_FINE: &str = "the lengths of these steps have no common measure that is coarse enough";

pub(super) type Parsed<T> = Result<T, MiniError>;

/// What a word stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    /// A hit or a note.
    Notes,
    /// A number or a name.
    Values,
}

pub(super) struct Parser<'a> {
    pub text: &'a str,
    pub at: usize,
    pub words: Words,
    nesting: usize,
    /// How many `?` and `|` there were: each gets a seed of its own.
    pub chances: u64,
}

/// What stands between two brackets: sequences at once, or sequences of which chance takes one per cycle.
struct Layers {
    sequences: Vec<Vec<Step>>,
    /// The place of the first `|`.
    choice: Option<usize>,
}

impl<'a> Parser<'a> {
    pub fn new(text: &'a str, words: Words) -> Self {
        Self { text, at: 0, words, nesting: 0, chances: 0 }
    }

    pub fn line(mut self) -> Parsed<Pattern> {
        // A byte order mark says nothing of the music. Places count from the beginning of the text all the same.
        self.eat('\u{feff}');
        let layers = self.layers()?;
        match self.peek() {
            None => {
                let pattern = self.together(layers)?;
                Ok(match pattern.span() {
                    Some(_) => pattern,
                    None => pattern.with_span(self.span(0)),
                })
            }
            Some(close) => {
                Err(self.error(format!("\"{close}\" closes nothing"), "remove it, or open a bracket before"))
            }
        }
    }

    pub fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    /// The character after the next one.
    pub fn peek_second(&self) -> Option<char> {
        self.text[self.at..].chars().nth(1)
    }

    pub fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    pub fn spaces(&mut self) {
        while let Some(c) = self.peek()
            && c.is_whitespace()
        {
            self.at += c.len_utf8();
        }
    }

    pub fn error(&self, message: impl Into<String>, hint: &str) -> MiniError {
        self.error_at(self.at, message, hint)
    }

    pub fn error_at(&self, at: usize, message: impl Into<String>, hint: &str) -> MiniError {
        let span = [at, at + word_at(&self.text[at..])];
        MiniError { text: self.text.into(), span, message: message.into(), hint: hint.into() }
    }

    pub fn span(&self, start: usize) -> SourceSpan {
        [start as u32, self.at as u32]
    }

    fn column(&self, at: usize) -> usize {
        let before = &self.text[..at];
        before[before.rfind('\n').map_or(0, |line| line + 1)..].chars().count() + 1
    }

    /// Sequences separated by `,` or `|`, up to the end or a closing bracket.
    fn layers(&mut self) -> Parsed<Layers> {
        let mut layers = Layers { sequences: vec![Vec::new()], choice: None };
        let mut nodes = 0;
        loop {
            self.spaces();
            let start = self.at;
            match self.peek() {
                None | Some(']' | '>' | ')' | '}') => return Ok(layers),
                Some(sign @ (',' | '|')) => {
                    let several = layers.sequences.len() > 1;
                    if several && (sign == '|') != layers.choice.is_some() {
                        let hint = "put one of them into brackets of its own, such as [a | b], c";
                        return Err(self.error("\",\" and \"|\" stand side by side", hint));
                    }
                    if sign == '|' {
                        layers.choice.get_or_insert(start);
                    }
                    self.eat(sign);
                    layers.sequences.push(Vec::new());
                }
                Some(_) => {
                    let steps = layers.sequences.last_mut().expect("there is always one");
                    let more = self.steps(steps)?;
                    nodes += more;
                    if nodes > MAX_NODES {
                        let message = format!("more than {MAX_NODES} steps");
                        return Err(self.error_at(start, message, "repeat fewer times"));
                    }
                }
            }
        }
    }

    /// The next step or steps onto the end of a sequence. How many nodes they are.
    fn steps(&mut self, steps: &mut Vec<Step>) -> Parsed<usize> {
        let start = self.at;
        match self.peek() {
            Some('_') => {
                self.eat('_');
                self.apart(start)?;
                let Some(held) = steps.last_mut() else {
                    let hint = "_ makes the step before it one longer, such as x _ A2";
                    return Err(self.error_at(start, "there is no step before this \"_\"", hint));
                };
                held.weight[0] += held.weight[1];
                return Ok(0);
            }
            Some('!') if !steps.is_empty() => {
                self.eat('!');
                if self.peek().is_some_and(|c| !c.is_whitespace() && !"!,|])>}".contains(c)) {
                    let hint = "! by itself is the step before it once more; x!3 is written without a blank";
                    return Err(self.error("this follows a \"!\" that stands by itself", hint));
                }
                let again = steps.last().cloned();
                let size = again.as_ref().map_or(0, |step| step.size);
                steps.extend(again);
                return Ok(size);
            }
            _ => {}
        }
        if let Some(range) = self.range()? {
            let size = range.iter().map(|step| step.size).sum();
            steps.extend(range);
            return Ok(size);
        }
        let (step, times) = self.step()?;
        let size = step.size.saturating_mul(times);
        if size <= MAX_NODES {
            steps.extend(std::iter::repeat_n(step, times));
        }
        Ok(size)
    }

    /// Layers as one pattern.
    fn together(&mut self, layers: Layers) -> Parsed<Pattern> {
        let Layers { sequences, choice } = layers;
        let patterns = sequences.into_iter().map(|steps| self.sequence(steps));
        let patterns = patterns.collect::<Parsed<Vec<_>>>()?;
        Ok(match choice {
            Some(_) => {
                let seed = self.chances;
                self.chances += 1;
                Pattern::Choose { weights: None, seed, children: patterns, span: None }
            }
            None => Self::both(patterns),
        })
    }

    fn both(mut layers: Vec<Pattern>) -> Pattern {
        match layers.len() {
            0 => rest(),
            1 => layers.remove(0),
            _ => stack(layers),
        }
    }

    /// A step with all that follows it without a space, and how often it is repeated.
    fn step(&mut self) -> Parsed<(Step, usize)> {
        let start = self.at;
        let (pattern, size) = self.element()?;
        let mut step = Step { pattern, weight: [1, 1], size, at: start };
        let mut times = 1_usize;
        loop {
            match self.peek() {
                Some(sign @ ('*' | '/' | '?' | '(')) => self.applied(sign, start, &mut step)?,
                Some('!') => {
                    self.eat('!');
                    let more = match self.peek() {
                        Some(c) if c.is_ascii_digit() => self.whole("how many times")?,
                        _ => 2,
                    };
                    // `x!3!2` is four steps: each sign adds to the step it follows. No step is none with any sign.
                    times = match (times, more) {
                        (0, _) | (_, 0) => 0,
                        (times, more) => times.saturating_add(more as usize - 1).min(MAX_NODES + 1),
                    };
                }
                Some('@') => {
                    self.eat('@');
                    let number = self.at;
                    let length = self.number("how long the step is, such as x@3 or x@1.5")?;
                    step.weight = fraction(length);
                    if step.weight[0] < 1 || length > 1024.0 {
                        let hint = "such as x@3, x@1.5 or x@0.5";
                        return Err(self.error_at(number, "a step is 1/256 to 1024 long", hint));
                    }
                }
                Some('%') => {
                    let hint = "such as {A2 B2 C3}%4; a part is written with a point, such as 0.25";
                    return Err(self.error("\"%\" follows { } only", hint));
                }
                _ => {
                    self.apart(start)?;
                    return Ok((step, times));
                }
            }
        }
    }

    /// Between two words or numbers stands a blank, a sign or a bracket. Hits may follow one another.
    pub fn apart(&self, start: usize) -> Parsed<()> {
        let written = &self.text[start..self.at];
        let in_word = |c: char| c.is_alphanumeric() || c == '_';
        // A sign of a number, not a rest.
        let minus = self.peek() == Some('-')
            && self.peek_second().is_some_and(|c| match self.words {
                Words::Notes => c.is_ascii_digit(),
                Words::Values => c.is_alphanumeric(),
            });
        match (written.chars().next_back(), self.peek()) {
            (Some('x'), Some('x')) if self.words == Words::Notes => Ok(()),
            (Some(last), Some(next)) if minus || in_word(last) && in_word(next) => {
                let message = format!("\"{written}\" goes on without a blank");
                Err(self.error(message, "put a blank between two steps"))
            }
            _ => Ok(()),
        }
    }

    /// What stands between brackets; with the number of its nodes.
    pub fn bracket(&mut self, open: char) -> Parsed<(Pattern, usize)> {
        let start = self.at;
        let close = match open {
            '[' => ']',
            '<' => '>',
            _ => '}',
        };
        self.eat(open);
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            let message = format!("brackets nest deeper than {MAX_NESTING}");
            return Err(self.error_at(start, message, "make several patterns of it"));
        }
        let layers = self.layers()?;
        if !self.eat(close) {
            return Err(match self.peek() {
                Some(other) => self.error(
                    format!("\"{other}\" cannot close the \"{open}\" at character {}", self.column(start)),
                    &format!("close it with \"{close}\" first"),
                ),
                None => self.error_at(
                    start,
                    format!("this \"{open}\" is not closed"),
                    &format!("close it with \"{close}\""),
                ),
            });
        }
        self.nesting -= 1;
        if let (Some(at), '<' | '{') = (layers.choice, open) {
            let hint = "put the choice into [ ] of its own, such as <[a | b] c>";
            return Err(self.error_at(at, format!("\"|\" cannot stand between {open} and {close}"), hint));
        }
        let size = layers.sequences.iter().flatten().map(|s| s.size + 2).sum::<usize>() + 2;
        let (pattern, size) = match open {
            '[' => (self.together(layers)?, size),
            '<' => {
                let turns = layers.sequences.into_iter().map(|steps| self.turns(steps));
                (Self::both(turns.collect::<Parsed<_>>()?), size)
            }
            _ => self.polymeter(layers.sequences, size, start)?,
        };
        Ok(match pattern.span() {
            // A single word in brackets keeps its own place.
            Some(_) => (pattern, size),
            None => (pattern.with_span(self.span(start)), size),
        })
    }

    pub fn sequence(&self, steps: Vec<Step>) -> Parsed<Pattern> {
        sequence(steps).map_err(|at| self.too_fine(at))
    }

    pub fn too_fine(&self, at: usize) -> MiniError {
        self.error_at(at, TOO_FINE, "use lengths with fewer digits")
    }

    /// One step per cycle, in turn, each going on where it stopped; a weight is a number of cycles.
    fn turns(&self, mut steps: Vec<Step>) -> Parsed<Pattern> {
        let Some(cycles) = total(&steps) else {
            return Err(self.too_fine(steps.first().map_or(self.at, |step| step.at)));
        };
        if cycles == [1, 1] || steps.is_empty() {
            return self.sequence(steps);
        }
        let child = match steps.len() {
            1 => cat(vec![steps.remove(0).pattern]),
            _ => self.sequence(steps)?,
        };
        Ok(Pattern::Slow { factor: cycles, child: Box::new(child), span: None })
    }
}

/// Length in bytes of the word or sign that a text begins with.
fn word_at(text: &str) -> usize {
    let in_word = |c: char| c.is_alphanumeric() || matches!(c, '#' | '.');
    match text.chars().next() {
        Some(c) if c.is_alphanumeric() => text.find(|c| !in_word(c)).unwrap_or(text.len()),
        Some(c) => c.len_utf8(),
        None => 0,
    }
}
