//! Mini-notation: a pattern as a line of text.
//!
//! | text | means |
//! |---|---|
//! | `x` | a hit (the gate opens and closes) |
//! | `A2` `C#4` `eb3` | a note by name |
//! | `60` `440.0` | a note by MIDI key, or by frequency in Hz (with a point) |
//! | `~`, `.` or `-` | a rest |
//! | `a _ b`, `a ! b` | a goes on for one step more; a once more |
//! | `a b \| c` | each cycle one of them, at random |
//! | `{a b, c d e}`, `{a b c}%4` | all with as many steps per cycle as the first; with four |
//! | `a b c` | steps of equal length within one cycle |
//! | `[a b]` | a sequence within one step |
//! | `a b, c d e` | both at once (in the whole line, in `[ ]` and in `< >`) |
//! | `<a b>` | one per cycle, in turn |
//! | `a*2` `a/2` | twice as fast, half as fast; fractions as `1.5` |
//! | `a!3` `a!` `a!0` | three steps of it; two; none |
//! | `a@3` `a@1.5` | a step three times, one and a half times as long as the others |
//! | `60 .. 63` | the keys from 60 to 63, one step each |
//! | `a?` `a?0.2` | left out with probability 0.5; 0.2 |
//! | `a(3,8)` `a(3,8,2)` `a(-3,8)` | on 3 of 8 steps, spread evenly; rotated left by 2; on the other 5 |
//! | `a*<2 3>` `a?[0.2 0.8]` `a(<3 5>,8)` | numbers may be patterns in brackets |
//!
//! ```
//! use krach_patterns::{compile, mini};
//!
//! assert!(compile(&mini("A2 . <C3 E3>(3,8) [x x]*2").unwrap()).is_ok());
//!
//! let error = mini("x [x H2").unwrap_err();
//! assert_eq!(error.column(), 6);
//! ```

mod args;
mod parse;
pub(crate) mod steps;
mod words;

use std::fmt;

use crate::Pattern;

/// Reads a line of mini-notation. Every node gets the span of text that it came from.
///
/// # Errors
/// [`MiniError`]: what is wrong, at which character, and what would work.
pub fn mini(text: &str) -> Result<Pattern, MiniError> {
    parse::Parser::new(text, parse::Words::Notes).line()
}

/// Reads a line of mini-notation whose words are numbers and names, for operators that take them: `0 2 <4 -1>`,
/// `minor`, `C:minor`.
///
/// # Errors
/// As for [`mini`].
pub fn mini_values(text: &str) -> Result<Pattern, MiniError> {
    parse::Parser::new(text, parse::Words::Values).line()
}

/// What is wrong with mini-notation. `Display` shows the line with a mark below the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct MiniError {
    /// The whole text.
    pub text: String,
    /// Where: `[start, end)` in bytes, within the text; empty at its end.
    pub span: [usize; 2],
    /// What is wrong.
    pub message: String,
    /// What would work.
    pub hint: String,
}

impl MiniError {
    /// The line of the place, from 1.
    pub fn line(&self) -> usize {
        self.before().matches('\n').count() + 1
    }

    /// The place within its line, in characters, from 1.
    pub fn column(&self) -> usize {
        let before = self.before();
        before[before.rfind('\n').map_or(0, |at| at + 1)..].chars().count() + 1
    }

    fn before(&self) -> &str {
        self.text.get(..self.span[0]).unwrap_or("")
    }
}

impl fmt::Display for MiniError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = (self.line(), self.column());
        match self.text.contains('\n') {
            true => writeln!(f, "mini-notation, line {line}, character {column}: {}", self.message)?,
            false => writeln!(f, "mini-notation, character {column}: {}", self.message)?,
        }
        let shown = self.text.split('\n').nth(line - 1).unwrap_or("");
        let shown: String = shown.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        writeln!(f, "  {shown}")?;
        writeln!(f, "  {:>column$}", "^")?;
        write!(f, "{}", self.hint)
    }
}
