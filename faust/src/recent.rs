//! What the front half said lately. A file that is saved is compiled for whoever plays it, and checked for
//! whoever lists it; its quick code and its fast code are made of the same bitcode.

use crate::error::CompileError;
use crate::front::half::Translation;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Answers that are kept.
const MOST: usize = 64;
/// Bytes of translations that are kept.
const BYTES: usize = 16 << 20;

type Answer = Result<Translation, CompileError>;

/// The newest answers, by what was asked: the text with its imports, and the front half.
#[derive(Default)]
pub(crate) struct Recent(Mutex<VecDeque<(blake3::Hash, Answer)>>);

impl Recent {
    /// What was said to this before, or else what `ask` says.
    pub(crate) fn find_or(&self, what: blake3::Hash, ask: impl FnOnce() -> Answer) -> Answer {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, answer)) = known().iter().find(|(asked, _)| *asked == what) {
            return answer.clone();
        }
        let answer = ask();
        // Only what is wrong with the text is wrong with it the next time.
        if matches!(answer, Ok(_) | Err(CompileError::Program(_))) {
            let mut known = known();
            known.push_back((what, answer.clone()));
            let bytes = |answer: &Answer| answer.as_ref().map_or(0, Translation::bytes);
            let mut all: usize = known.iter().map(|(_, answer)| bytes(answer)).sum();
            while known.len() > MOST || all > BYTES {
                let Some((_, oldest)) = known.pop_front() else { break };
                all -= bytes(&oldest);
            }
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Diagnostic;

    fn bitcode(bytes: usize) -> Translation {
        Translation::Bitcode(vec![0; bytes].into())
    }

    fn name(number: usize) -> blake3::Hash {
        blake3::hash(&number.to_le_bytes())
    }

    #[test]
    fn bitcode_and_mistakes_are_asked_for_once_and_accidents_again() {
        let recent = Recent::default();
        let mistake = CompileError::Program(Diagnostic::new("a.dsp", "syntax error"));
        let answers = [Ok(2), Err(mistake), Err(CompileError::Cancelled), Err(CompileError::NoFaust)];
        for (number, (said, times)) in answers.into_iter().zip([1, 1, 3, 3]).enumerate() {
            let mut asked = 0;
            for _ in 0..3 {
                let answer = recent.find_or(name(number), || {
                    asked += 1;
                    said.clone().map(bitcode)
                });
                assert_eq!(answer.map(|answer| answer.bytes()), said);
            }
            assert_eq!(asked, times, "{said:?}");
        }
    }

    #[test]
    fn the_oldest_goes_when_there_are_too_many_or_too_much() {
        let recent = Recent::default();
        let ask = |number, bytes: usize| {
            let mut asked = false;
            let answer = recent.find_or(name(number), || {
                asked = true;
                Ok(bitcode(bytes))
            });
            assert!(answer.is_ok());
            asked
        };
        assert!((0..=MOST).all(|number| ask(number, 1)));
        assert!(!ask(1, 1) && ask(0, 1));
        assert!(ask(100, BYTES / 2) && ask(101, BYTES / 2));
        assert!(ask(102, BYTES / 2));
        assert!(!ask(102, 1) && !ask(101, 1));
        assert!(ask(100, 1));
        assert!(ask(103, BYTES + 1) && ask(103, BYTES + 1), "never kept, and nothing goes wrong");
    }
}
