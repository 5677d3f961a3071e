//! Text to tokens. Comments and `<mdoc>` sections are white space.

use super::tree::Span;
use crate::error::Fault;

/// What a token is; its text is that of its span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An identifier or keyword.
    Word,
    /// A whole number.
    Int,
    /// A number with a point or an exponent.
    Real,
    /// `"…"`
    Text,
    /// A sign.
    Sign,
    /// The end of the text; the last token.
    End,
}

/// A token.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it is.
    pub span: Span,
}

/// Signs, longest first.
const SIGNS: &[&str] = &[
    "<:", ":>", "+>", "->", "=>", "<<", ">>", "<=", ">=", "==", "!=", "~", ",", ":", "+", "-", "*", "/", "%",
    "<", ">", "&", "|", "^", "@", "'", "!", "=", ";", "(", ")", "{", "}", "[", "]", "\\", ".", "_",
];

/// All tokens of a text and what could not be read.
pub fn lex(text: &str) -> (Vec<Token>, Vec<Fault>) {
    let mut lexer = Lexer { text, at: 0, tokens: Vec::with_capacity(text.len() / 4), faults: Vec::new() };
    if text.starts_with('\u{feff}') {
        lexer.at = '\u{feff}'.len_utf8();
    }
    while lexer.at < text.len() {
        lexer.one();
    }
    lexer.push(Kind::End, text.len(), text.len());
    (lexer.tokens, lexer.faults)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
    faults: Vec<Fault>,
}

fn span(start: usize, end: usize) -> Span {
    Span { start: start as u32, end: end as u32 }
}

impl Lexer<'_> {
    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        self.tokens.push(Token { kind, span: span(start, end) });
        self.at = end;
    }

    /// Skips to behind `end`, or to the end of the text with a fault.
    fn skip(&mut self, start: usize, begin: &str, end: &str, what: &str) {
        match self.text[start + begin.len()..].find(end) {
            Some(length) => self.at = start + begin.len() + length + end.len(),
            None => {
                let fault = Fault::new(span(start, start + begin.len()), format!("this {what} has no end"));
                self.faults.push(fault.hint(format!("close it with {end}")));
                self.at = self.text.len();
            }
        }
    }

    fn one(&mut self) {
        let (start, rest) = (self.at, &self.text[self.at..]);
        let bytes = rest.as_bytes();
        let first = bytes[0];
        if first.is_ascii_whitespace() || first == 0x0b {
            self.at += 1;
        } else if rest.starts_with("//") {
            self.at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            self.skip(start, "/*", "*/", "comment");
        } else if rest.starts_with("<mdoc>") {
            self.skip(start, "<mdoc>", "</mdoc>", "<mdoc> section");
        } else if first == b'"' {
            match rest[1..].find('"') {
                Some(length) => self.push(Kind::Text, start, start + length + 2),
                None => {
                    let line = rest.find('\n').unwrap_or(rest.len());
                    let fault = Fault::new(span(start, start + line), "this text has no end");
                    self.faults.push(fault.hint("close it with \""));
                    self.push(Kind::Text, start, start + line);
                }
            }
        } else if first.is_ascii_digit() || (first == b'.' && bytes.get(1).is_some_and(u8::is_ascii_digit)) {
            self.number(start, bytes);
        } else if first.is_ascii_alphabetic() || first == b'_' {
            let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
            let length = bytes.iter().take_while(|byte| word(byte)).count();
            let kind = if &rest[..length] == "_" { Kind::Sign } else { Kind::Word };
            self.push(kind, start, start + length);
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            self.push(Kind::Sign, start, start + sign.len());
        } else {
            let strange = rest.chars().next().unwrap_or(' ');
            let end = start + strange.len_utf8();
            // One fault for a row of them.
            match self.faults.last_mut().filter(|fault| fault.span.end as usize == start) {
                Some(fault) => fault.span.end = end as u32,
                None => {
                    let text = format!("{strange:?} is no part of the language");
                    let hint = "letters outside a-z, A-Z belong into texts and comments";
                    self.faults.push(Fault::new(span(start, end), text).hint(hint));
                }
            }
            self.at = end;
        }
    }

    fn number(&mut self, start: usize, bytes: &[u8]) {
        let digits =
            |from: usize| bytes[from.min(bytes.len())..].iter().take_while(|b| b.is_ascii_digit()).count();
        let (mut end, mut kind) = (digits(0), Kind::Int);
        if bytes.get(end) == Some(&b'.') {
            kind = Kind::Real;
            end += 1;
            end += digits(end);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(end + 1 + sign);
            if exponent > 0 {
                kind = Kind::Real;
                end += 1 + sign + exponent;
            }
        }
        // The suffix f of C.
        if bytes.get(end) == Some(&b'f')
            && !bytes.get(end + 1).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
        {
            self.push(Kind::Real, start, start + end);
            self.at += 1;
            return;
        }
        self.push(kind, start, start + end);
    }
}
