//! What is wrong, where, and what would work.

use crate::syntax::Span;
use std::fmt;

/// Most faults of one text that are told.
pub const MOST_FAULTS: usize = 20;

/// What is wrong at a place of one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where in the text.
    pub span: Span,
    /// What is wrong.
    pub text: String,
    /// What would work, if there is an idea.
    pub hint: Option<String>,
}

impl Fault {
    /// A fault without a hint.
    pub fn new(span: Span, text: impl Into<String>) -> Self {
        Self { span, text: text.into(), hint: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A place in a text, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The text's name.
    pub file: String,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
    /// Number of characters, at least 1, on that line.
    pub length: u32,
    /// The line itself.
    pub source: String,
    /// `[start, end)` in bytes of the text.
    pub span: [u32; 2],
}

impl Place {
    /// Place of a span in a text.
    pub fn of(file: &str, text: &str, span: Span) -> Self {
        let mut start = (span.start as usize).min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let from = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let to = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let mut end = (span.end as usize).clamp(start, to);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let line = text[..from].matches('\n').count() as u32 + 1;
        Self {
            file: file.to_owned(),
            line,
            column: text[from..start].chars().count() as u32 + 1,
            length: (text[start..end].chars().count() as u32).max(1),
            source: text[from..to].trim_end().chars().take(LONGEST_LINE).collect(),
            span: [start as u32, end as u32],
        }
    }
}

/// Most characters of a line that an error shows.
const LONGEST_LINE: usize = 200;

/// A fault with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where it is; a limit of the whole program has no place.
    pub place: Option<Place>,
    /// The place in the text that was asked for which led there, if that is another.
    pub via: Option<Place>,
    /// What is wrong.
    pub text: String,
    /// What would work, if there is an idea.
    pub hint: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Place { file, line, column, .. }) = &self.place {
            write!(f, "{file}:{line}:{column}: ")?;
        }
        f.write_str(&self.text)?;
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        if let Some(Place { file, line, column, .. }) = &self.via {
            write!(f, " (used at {file}:{line}:{column})")?;
        }
        if let Some(Place { source, column, length, .. }) = &self.place {
            let space = " ".repeat(*column as usize - 1);
            let room = LONGEST_LINE.saturating_sub(*column as usize - 1).max(1);
            write!(f, "\n  {source}\n  {space}{}", "^".repeat((*length as usize).min(room)))?;
        }
        Ok(())
    }
}

/// Why there is no program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is wrong; at least one diagnostic, in the order in which they were found.
    Text(Vec<Diagnostic>),
    /// Nobody wants the program any more.
    Cancelled,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(all) => {
                for (at, one) in all.iter().enumerate() {
                    write!(f, "{}{one}", if at == 0 { "" } else { "\n" })?;
                }
                Ok(())
            }
            Self::Cancelled => f.write_str("cancelled: a newer version took its place"),
        }
    }
}
