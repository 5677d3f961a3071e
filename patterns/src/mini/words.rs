//! The words of mini-notation: hits, notes, rests, numbers, names and ranges.

use super::parse::{Parsed, Parser, Words};
use super::steps::Step;
use crate::builders::{hit, note, rest};
use crate::{Pattern, midi_to_hz, parse_pitch};

const NOTES: &str = "a hit is x, a note A2 or C#4, a MIDI key 60, a frequency 440.0, a rest ~ or .";
const VALUES: &str = "a value is a number such as 3 or -0.5, or a name such as minor; a rest is ~ or .";

impl Parser<'_> {
    /// What may stand as a step.
    fn hint(&self) -> &'static str {
        match self.words {
            Words::Notes => NOTES,
            Words::Values => VALUES,
        }
    }

    /// A word, a rest or a bracket; with the number of its nodes.
    pub fn element(&mut self) -> Parsed<(Pattern, usize)> {
        let start = self.at;
        let digit_follows = self.peek_second().is_some_and(|c| c.is_ascii_digit());
        match self.peek() {
            Some('.') if digit_follows => {
                Err(self.error("a number begins with a digit", "write 0.5, not .5"))
            }
            Some('-') if digit_follows && self.words == Words::Notes => {
                let hint = "MIDI keys go from 0 to 127, frequencies are above 0";
                Err(self.error("there are no negative notes", hint))
            }
            Some('-') if digit_follows => self.word(),
            // Two points between values are meant as a range.
            Some('.') if self.words == Words::Values && self.peek_second() == Some('.') => {
                Err(self
                    .error("\"..\" stands between two whole numbers", "such as 0 .. 7; two rests are ~ ~"))
            }
            Some(sign @ ('~' | '.' | '-')) => {
                self.eat(sign);
                Ok((rest().with_span(self.span(start)), 1))
            }
            Some('x') if self.words == Words::Notes => {
                self.eat('x');
                Ok((hit("gate").with_span(self.span(start)), 4))
            }
            Some(open @ ('[' | '<' | '{')) => self.bracket(open),
            Some(c) if c.is_alphanumeric() => self.word(),
            Some(c @ ('*' | '/' | '!' | '@' | '?' | '(' | '%')) => {
                let hint = "it follows a step without a space, such as x*2";
                Err(self.error(format!("\"{c}\" has nothing before it"), hint))
            }
            Some(c) => {
                let code = if c.is_ascii() { String::new() } else { format!(" (U+{:04X})", u32::from(c)) };
                Err(self.error(format!("\"{c}\"{code} means nothing here"), self.hint()))
            }
            None => Err(self.error("here should be a step", self.hint())),
        }
    }

    fn word(&mut self) -> Parsed<(Pattern, usize)> {
        let start = self.at;
        let begins_number = |c: char| c.is_ascii_digit() || c == '-';
        match (self.words, self.peek().is_some_and(begins_number)) {
            (Words::Notes, true) => {
                let hz = self.key_or_frequency()?;
                Ok((note(hz).with_span(self.span(start)), 6))
            }
            (Words::Values, true) => {
                let sign = if self.eat('-') { -1.0 } else { 1.0 };
                let value = sign * self.number("a number, such as 3 or -0.5")?;
                Ok((Pattern::Number { value, span: Some(self.span(start)) }, 1))
            }
            (Words::Notes, false) => {
                self.take_while(|c| c.is_alphanumeric() || c == '#' || c == '-');
                let word = &self.text[start..self.at];
                let key = parse_pitch(word);
                let key = key.map_err(|_| {
                    // Letters of other alphabets look like these.
                    let other = word.chars().find(|c| !c.is_ascii());
                    let code =
                        other.map_or(String::new(), |c| format!(", whose {c} is U+{:04X}", u32::from(c)));
                    self.error_at(start, format!("unknown word \"{word}\"{code}"), self.hint())
                })?;
                Ok((note(i32::from(key)).with_span(self.span(start)), 6))
            }
            (Words::Values, false) => {
                // A name may have parts, such as C:minor or bd:3.
                self.take_while(|c| c.is_alphanumeric() || matches!(c, '#' | '_' | ':'));
                let name = self.text[start..self.at].to_owned();
                Ok((Pattern::Name { name, span: Some(self.span(start)) }, 1))
            }
        }
    }

    fn key_or_frequency(&mut self) -> Parsed<f64> {
        let start = self.at;
        let number = self.number("a note")?;
        let digits = &self.text[start..self.at];
        let is_frequency = digits.contains('.');
        let hz = if is_frequency { number } else { midi_to_hz(number) };
        let fits = if is_frequency { hz > 0.0 } else { number <= 127.0 };
        if !fits {
            let hint = "MIDI keys go from 0 to 127; a frequency has a point, such as 440.0";
            return Err(self.error_at(start, format!("{digits} is no note"), hint));
        }
        Ok(hz)
    }

    fn take_while(&mut self, is_in: impl Fn(char) -> bool) {
        while let Some(c) = self.peek()
            && is_in(c)
        {
            self.at += c.len_utf8();
        }
    }

    /// `60 .. 63`: the numbers from one to the other, each a step; `None` if no such thing stands here.
    pub fn range(&mut self) -> Parsed<Option<Vec<Step>>> {
        let start = self.at;
        let rest = &self.text[start..];
        let first = self.length_of_number(rest);
        let Some(after) = rest[first..].trim_start().strip_prefix("..") else { return Ok(None) };
        let after = after.trim_start();
        let second = self.text.len() - after.len();
        let last = self.length_of_number(after);
        if first == 0 || last == 0 {
            return Ok(None);
        }
        for (at, length) in [(start, first), (second, last)] {
            if self.text[at..at + length].contains('.') {
                let hint = "such as 60 .. 67; two rests are ~ ~";
                return Err(self.error_at(at, "the ends of a range are whole numbers", hint));
            }
        }
        let from = self.bound()?;
        self.spaces();
        self.at += "..".len();
        self.spaces();
        let to = self.bound()?;
        let reach = from.abs_diff(to);
        if reach > MAX_RANGE {
            let message = format!("{} steps are too many", reach + 1);
            return Err(self.error_at(second, message, "a range has at most 1024 steps"));
        }
        for (key, at) in [(from, start), (to, second)] {
            if self.words == Words::Notes && key > 127 {
                return Err(self.error_at(at, format!("{key} is no note"), "MIDI keys go from 0 to 127"));
            }
        }
        self.apart(second)?;
        if let Some(c @ ('*' | '/' | '!' | '@' | '?' | '(')) = self.peek() {
            let hint = "put the range into brackets, such as [60 .. 63]*2";
            return Err(self.error(format!("\"{c}\" cannot follow a range"), hint));
        }
        let rest = self.text[self.at..].trim_start();
        if rest.strip_prefix("..").is_some_and(|third| self.length_of_number(third.trim_start()) > 0) {
            let hint = "put the range into brackets, such as [60 .. 63] ~ ~ 65";
            return Err(self.error_at(self.text.len() - rest.len(), "a range has two ends", hint));
        }
        let span = self.span(start);
        let step = |number: i32| {
            let (pattern, size) = match self.words {
                Words::Notes => (note(number).with_span(span), 6),
                Words::Values => (Pattern::Number { value: f64::from(number), span: Some(span) }, 1),
            };
            Step { pattern, weight: [1, 1], size, at: start }
        };
        Ok(Some(match from <= to {
            true => (from..=to).map(step).collect(),
            false => (to..=from).rev().map(step).collect(),
        }))
    }

    /// How long the number is that a text begins with, its sign included where values have one.
    fn length_of_number(&self, text: &str) -> usize {
        let signed = if self.words == Words::Values { text.strip_prefix('-').unwrap_or(text) } else { text };
        let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let whole = digits(signed);
        let decimals = signed[whole..].strip_prefix('.').map_or(0, digits);
        match (whole, decimals) {
            (0, _) => 0,
            (_, 0) => text.len() - signed.len() + whole,
            _ => text.len() - signed.len() + whole + 1 + decimals,
        }
    }

    /// A whole number with a sign.
    fn bound(&mut self) -> Parsed<i32> {
        let start = self.at;
        let negative = self.eat('-');
        let number = i32::try_from(self.whole("a whole number")?);
        let number = number.map_err(|_| self.error_at(start, TOO_LARGE, "such as 0 .. 7"))?;
        Ok(if negative { -number } else { number })
    }

    /// Digits, and with a point more digits.
    pub fn number(&mut self, what: &str) -> Parsed<f64> {
        let start = self.at;
        self.take_while(|c| c.is_ascii_digit());
        if self.text[self.at..].starts_with('.')
            && self.text[self.at + 1..].starts_with(|c: char| c.is_ascii_digit())
        {
            self.at += 1;
            self.take_while(|c| c.is_ascii_digit());
        }
        match self.text[start..self.at].parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) => Err(self.error_at(start, TOO_LARGE, what)),
            Err(_) => Err(self.error_at(start, "here should be a number", what)),
        }
    }

    pub fn whole(&mut self, what: &str) -> Parsed<u32> {
        let start = self.at;
        self.take_while(|c| c.is_ascii_digit());
        let digits = &self.text[start..self.at];
        let mut after = self.text[self.at..].chars();
        let has_point = after.next() == Some('.') && after.next().is_some_and(|c| c.is_ascii_digit());
        match digits.parse::<u32>() {
            Ok(number) if !has_point => Ok(number),
            Err(_) if !digits.is_empty() && !has_point => Err(self.error_at(start, TOO_LARGE, what)),
            _ => Err(self.error_at(start, "here should be a whole number", what)),
        }
    }
}

const TOO_LARGE: &str = "this number is too large";

/// How far the ends of a range may be apart.
const MAX_RANGE: u32 = 1023;
