//! The grammar of mini-notation, by recursive descent.

use super::MiniError;
use super::steps::{Step, sequence, total};
use crate::builders::{cat, fraction, hit, note, rest, stack};
use crate::{Pattern, SourceSpan, midi_to_hz, parse_pitch};

/// How deep brackets may nest.
const MAX_NESTING: usize = 40;
/// How many nodes one line may make, `!` included.
const MAX_NODES: usize = 1 << 16;

const TOO_FINE: &str = "the lengths of these steps have no common measure that is coarse enough";

const WORDS: &str = "a hit is x, a note A2 or C#4, a MIDI key 60, a frequency 440.0, a rest ~ or .";

pub(super) struct Parser<'a> {
    text: &'a str,
    at: usize,
    nesting: usize,
    /// How many `?` there were: each gets a seed of its own.
    chances: u64,
}

type Parsed<T> = Result<T, MiniError>;

impl<'a> Parser<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, nesting: 0, chances: 0 }
    }

    pub fn line(mut self) -> Parsed<Pattern> {
        // A byte order mark says nothing of the music. Places count from the beginning of the text all the same.
        self.eat('\u{feff}');
        let layers = self.layers()?;
        match self.peek() {
            None => {
                let layers = layers.into_iter().map(|steps| self.sequence(steps));
                let pattern = Self::both(layers.collect::<Parsed<_>>()?);
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

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    fn spaces(&mut self) {
        while let Some(c) = self.peek()
            && c.is_whitespace()
        {
            self.at += c.len_utf8();
        }
    }

    fn error(&self, message: impl Into<String>, hint: &str) -> MiniError {
        self.error_at(self.at, message, hint)
    }

    fn error_at(&self, at: usize, message: impl Into<String>, hint: &str) -> MiniError {
        let span = [at, at + word_at(&self.text[at..])];
        MiniError { text: self.text.into(), span, message: message.into(), hint: hint.into() }
    }

    fn span(&self, start: usize) -> SourceSpan {
        [start as u32, self.at as u32]
    }

    /// Sequences separated by `,`, up to the end or a closing bracket.
    fn layers(&mut self) -> Parsed<Vec<Vec<Step>>> {
        let mut layers = vec![Vec::new()];
        let mut nodes = 0;
        loop {
            self.spaces();
            match self.peek() {
                None | Some(']' | '>' | ')') => return Ok(layers),
                Some(',') => {
                    self.eat(',');
                    layers.push(Vec::new());
                }
                Some(_) => {
                    let start = self.at;
                    if let Some(steps) = self.range()? {
                        nodes += steps.iter().map(|step| step.size).sum::<usize>();
                        if let Some(layer) = layers.last_mut() {
                            layer.extend(steps);
                        }
                        continue;
                    }
                    let (step, times) = self.step()?;
                    nodes += step.size * times;
                    if nodes > MAX_NODES {
                        let message = format!("more than {MAX_NODES} steps");
                        return Err(self.error_at(start, message, "repeat fewer times"));
                    }
                    if let Some(layer) = layers.last_mut() {
                        layer.extend(std::iter::repeat_n(step, times));
                    }
                }
            }
        }
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
        let (mut pattern, mut size) = self.element()?;
        let (mut weight, mut times) = ([1, 1], 1_usize);
        loop {
            match self.peek() {
                Some('*') => {
                    self.eat('*');
                    let factor = fraction(self.positive("how many times faster, such as x*2")?);
                    let child = Box::new(pattern);
                    let span = Some(self.span(start));
                    pattern = Pattern::Fast { factor, child, span };
                    size += 1;
                }
                Some('/') => {
                    self.eat('/');
                    let factor = fraction(self.positive("how many times slower, such as x/2")?);
                    let child = Box::new(pattern);
                    let span = Some(self.span(start));
                    pattern = Pattern::Slow { factor, child, span };
                    size += 1;
                }
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
                    weight = fraction(length);
                    if weight[0] < 1 || length > 1024.0 {
                        let hint = "such as x@3, x@1.5 or x@0.5";
                        return Err(self.error_at(number, "a step is 1/256 to 1024 long", hint));
                    }
                }
                Some('?') => {
                    self.eat('?');
                    let number = self.at;
                    let prob = match self.peek() {
                        Some(c) if c.is_ascii_digit() => self.number("a probability")?,
                        _ => 0.5,
                    };
                    if !(0.0..=1.0).contains(&prob) {
                        let message = "a probability is between 0 and 1";
                        return Err(self.error_at(number, message, "such as x?0.3"));
                    }
                    let seed = self.chances;
                    self.chances += 1;
                    let child = Box::new(pattern);
                    let span = Some(self.span(start));
                    pattern = Pattern::Chance { prob, seed, invert: false, child, span };
                    size += 1;
                }
                Some('(') => {
                    pattern = self.euclid(start, pattern)?;
                    size += 1;
                }
                _ => {
                    self.apart(start)?;
                    let step = Step { pattern, weight, size, at: start };
                    return Ok((step, times));
                }
            }
        }
    }

    /// Between two words or numbers stands a blank, a sign or a bracket. Hits may follow one another.
    fn apart(&self, start: usize) -> Parsed<()> {
        let written = &self.text[start..self.at];
        match (written.chars().next_back(), self.peek()) {
            (Some('x'), Some('x')) => Ok(()),
            (Some(last), Some(next)) if last.is_alphanumeric() && next.is_alphanumeric() => {
                let message = format!("\"{written}\" goes on without a blank");
                Err(self.error(message, "put a blank between two steps"))
            }
            _ => Ok(()),
        }
    }

    /// `60 .. 63`: the keys from one to the other, each a step; `None` if no such thing stands here.
    fn range(&mut self) -> Parsed<Option<Vec<Step>>> {
        let start = self.at;
        let rest = &self.text[start..];
        let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let first = digits(rest);
        let Some(after) = rest[first..].trim_start().strip_prefix("..") else { return Ok(None) };
        let after = after.trim_start();
        if first == 0 || digits(after) == 0 {
            return Ok(None);
        }
        let from = self.whole("a key")?;
        self.spaces();
        self.at += "..".len();
        self.spaces();
        let second = self.at;
        let to = self.whole("a key")?;
        for (key, at) in [(from, start), (to, second)] {
            if key > 127 {
                return Err(self.error_at(at, format!("{key} is no note"), "MIDI keys go from 0 to 127"));
            }
        }
        self.apart(second)?;
        if let Some(c @ ('*' | '/' | '!' | '@' | '?' | '(')) = self.peek() {
            let hint = "put the range into brackets, such as [60 .. 63]*2";
            return Err(self.error(format!("\"{c}\" cannot follow a range"), hint));
        }
        let span = self.span(start);
        let key = |key: u32| {
            let pattern = note(key as i32).with_span(span);
            Step { pattern, weight: [1, 1], size: 6, at: start }
        };
        Ok(Some(if from <= to {
            (from..=to).map(key).collect()
        } else {
            (to..=from).rev().map(key).collect()
        }))
    }

    fn euclid(&mut self, start: usize, child: Pattern) -> Parsed<Pattern> {
        const FORM: &str = "(pulses,steps) or (pulses,steps,rotation), such as x(3,8)";
        let open = self.at;
        self.eat('(');
        self.spaces();
        let pulses = self.whole(FORM)?;
        self.spaces();
        if !self.eat(',') {
            return Err(self.error("here should be a comma and the number of steps", FORM));
        }
        self.spaces();
        let number = self.at;
        let steps = self.whole(FORM)?;
        if steps == 0 || pulses > steps {
            let message = format!("{pulses} pulses do not fit into {steps} steps");
            return Err(self.error_at(number, message, FORM));
        }
        self.spaces();
        let mut rotation = 0;
        if self.eat(',') {
            self.spaces();
            let sign = if self.eat('-') { -1 } else { 1 };
            rotation = sign * i64::from(self.whole(FORM)?);
            self.spaces();
        }
        if !self.eat(')') {
            return Err(self.error_at(open, "this \"(\" is not closed", FORM));
        }
        Ok(Pattern::Euclid { pulses, steps, rotation, child: Box::new(child), span: Some(self.span(start)) })
    }

    /// A word, a rest or a bracket; with the number of its nodes.
    fn element(&mut self) -> Parsed<(Pattern, usize)> {
        let start = self.at;
        match self.peek() {
            Some('~') => {
                self.eat('~');
                Ok((rest().with_span(self.span(start)), 1))
            }
            Some('.') => {
                self.eat('.');
                match self.peek() {
                    Some(c) if c.is_ascii_digit() => {
                        Err(self.error_at(start, "a number begins with a digit", "write 0.5, not .5"))
                    }
                    _ => Ok((rest().with_span(self.span(start)), 1)),
                }
            }
            Some('x') => {
                self.eat('x');
                Ok((hit("gate").with_span(self.span(start)), 4))
            }
            Some(open @ ('[' | '<')) => self.bracket(open),
            Some(c) if c.is_alphanumeric() => self.word(),
            Some('-') if self.text[self.at + 1..].starts_with(|c: char| c.is_ascii_digit()) => {
                let hint = "MIDI keys go from 0 to 127, frequencies are above 0";
                Err(self.error("there are no negative notes", hint))
            }
            Some(c @ ('*' | '/' | '!' | '@' | '?' | '(')) => {
                let hint = "it follows a step without a space, such as x*2";
                Err(self.error(format!("\"{c}\" has nothing before it"), hint))
            }
            Some(c) => Err(self.error(format!("\"{c}\" means nothing here"), WORDS)),
            None => Err(self.error("here should be a step", WORDS)),
        }
    }

    fn bracket(&mut self, open: char) -> Parsed<(Pattern, usize)> {
        let start = self.at;
        let close = if open == '[' { ']' } else { '>' };
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
        let size = layers.iter().flatten().map(|s| s.size + 2).sum::<usize>() + 2;
        let patterns = layers.into_iter().map(|steps| match open {
            '[' => self.sequence(steps),
            _ => self.turns(steps),
        });
        let pattern = Self::both(patterns.collect::<Parsed<_>>()?);
        Ok(match pattern.span() {
            // A single word in brackets keeps its own place.
            Some(_) => (pattern, size),
            None => (pattern.with_span(self.span(start)), size),
        })
    }

    fn column(&self, at: usize) -> usize {
        let before = &self.text[..at];
        before[before.rfind('\n').map_or(0, |line| line + 1)..].chars().count() + 1
    }

    fn sequence(&self, steps: Vec<Step>) -> Parsed<Pattern> {
        sequence(steps).map_err(|at| self.error_at(at, TOO_FINE, "use lengths with fewer digits"))
    }

    /// One step per cycle, in turn, each going on where it stopped; a weight is a number of cycles.
    fn turns(&self, mut steps: Vec<Step>) -> Parsed<Pattern> {
        let too_fine = |at| self.error_at(at, TOO_FINE, "use lengths with fewer digits");
        let Some(cycles) = total(&steps) else {
            return Err(too_fine(steps.first().map_or(self.at, |step| step.at)));
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

    fn word(&mut self) -> Parsed<(Pattern, usize)> {
        let start = self.at;
        if self.peek().is_some_and(|c| c.is_ascii_digit()) {
            let number = self.number("a note")?;
            let digits = &self.text[start..self.at];
            let hz = if digits.contains('.') { number } else { midi_to_hz(number) };
            let fits = if digits.contains('.') { hz > 0.0 } else { number <= 127.0 };
            if !fits {
                let hint = "MIDI keys go from 0 to 127; a frequency has a point, such as 440.0";
                return Err(self.error_at(start, format!("{digits} is no note"), hint));
            }
            return Ok((note(hz).with_span(self.span(start)), 6));
        }
        while let Some(c) = self.peek()
            && (c.is_alphanumeric() || c == '#' || c == '-')
        {
            self.at += c.len_utf8();
        }
        let word = &self.text[start..self.at];
        match parse_pitch(word) {
            Ok(key) => {
                let pattern = note(i32::from(key)).with_span(self.span(start));
                Ok((pattern, 6))
            }
            Err(_) => Err(self.error_at(start, format!("unknown word \"{word}\""), WORDS)),
        }
    }

    /// Digits, and with a point more digits.
    fn number(&mut self, what: &str) -> Parsed<f64> {
        let start = self.at;
        self.digits();
        if self.text[self.at..].starts_with('.')
            && self.text[self.at + 1..].starts_with(|c: char| c.is_ascii_digit())
        {
            self.at += 1;
            self.digits();
        }
        let number = self.text[start..self.at].parse::<f64>();
        number.map_err(|_| self.error_at(start, "here should be a number", what))
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn positive(&mut self, what: &str) -> Parsed<f64> {
        let start = self.at;
        let number = self.number(what)?;
        if fraction(number)[0] > 0 && number <= 1e9 {
            Ok(number)
        } else {
            let hint = "a factor is at least 1/256";
            Err(self.error_at(start, format!("{number} is no factor"), hint))
        }
    }

    fn whole(&mut self, what: &str) -> Parsed<u32> {
        let start = self.at;
        self.digits();
        let number = self.text[start..self.at].parse::<u32>();
        number.map_err(|_| self.error_at(start, "here should be a whole number", what))
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
