//! Labels with values in them: `%i`, `%2i`, `%{i}`.

use super::*;
use crate::num::Num;

/// A label is made longer than this by nothing.
const LONGEST: usize = 4096;
/// Widest number.
const WIDEST: usize = 64;

impl Evaluator<'_> {
    /// A label with the values of the names in it. What is no name of a number stays as it is.
    pub(super) fn label(&mut self, text: &str, env: Env) -> Outcome<Sym> {
        if !text.contains('%') {
            return Ok(self.names.intern(text));
        }
        let mut made = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('%') {
            made.push_str(&rest[..at]);
            rest = &rest[at..];
            match self.value_in(&rest[1..], env)? {
                Some((value, length)) => {
                    made.push_str(&value);
                    rest = &rest[1 + length..];
                }
                None => {
                    made.push('%');
                    rest = &rest[1..];
                }
            }
        }
        made.push_str(rest);
        made.truncate((0..=LONGEST.min(made.len())).rev().find(|at| made.is_char_boundary(*at)).unwrap_or(0));
        Ok(self.names.intern(&made))
    }

    /// The value of the name that is written here, and how many bytes it takes.
    fn value_in(&mut self, text: &str, env: Env) -> Outcome<Option<(String, usize)>> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let width = text[..digits].parse::<usize>().unwrap_or(0).min(WIDEST);
        let braced = text[digits..].starts_with('{');
        let start = digits + usize::from(braced);
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let length = text[start..].bytes().take_while(word).count();
        let end = start + length;
        if length == 0 || (braced && !text[end..].starts_with('}')) {
            return Ok(None);
        }
        let Some(name) = self.names.known(&text[start..end]) else { return Ok(None) };
        let (meaning, steps) = self.frames.look_up(&self.files.tables, name, env);
        self.meter.spend(steps)?;
        let value = match meaning {
            Some(super::env::Meaning::Value(value)) => value,
            Some(super::env::Meaning::Definition(def, env)) => self.define(def, env)?,
            None => return Ok(None),
        };
        let written = match self.number_of(value)? {
            Some(Num::Int(value)) => value.to_string(),
            Some(Num::Real(value)) => format!("{value}"),
            None => return Ok(None),
        };
        Ok(Some((format!("{written:>width$}"), end + usize::from(braced))))
    }
}
