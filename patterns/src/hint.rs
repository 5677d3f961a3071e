//! What would work instead of a pattern that does not compile.

use crate::error::{CompileError, CompileErrorKind as Kind};
use crate::program::MAX_EVENTS_PER_CYCLE;
use crate::shape::SHAPE_KINDS;

impl CompileError {
    /// What would work.
    pub fn hint(&self) -> String {
        let hint = match &self.kind {
            Kind::NoChildren(_) => "give it a child; {\"op\": \"Silence\"} is a rest",
            Kind::ZeroDenominator => "a time is [numerator, denominator], and the denominator is not 0",
            Kind::FactorNotPositive => "expected a factor above 0; `Rev` plays backwards",
            Kind::EuclidNoSteps => "expected at least one step, such as 3 pulses in 8 steps",
            Kind::EuclidTooManyPulses => "expected at most as many pulses as steps, such as 3 in 8",
            Kind::ProbabilityOutOfRange(_) => "expected a share from 0 to 1, such as 0.25",
            Kind::EveryZero => "expected at least 1: every n-th cycle",
            Kind::UnknownWarp(_) => "the one warp is swing",
            Kind::WarpGrid => "expected how many steps a cycle has, an even number such as 8 or 16",
            Kind::WarpAmount => "expected the share of the first of two steps, between 0 and 1, such as 0.6",
            Kind::TooDeep => "nest less, or play parts of it in several slots",
            Kind::UnknownShape(_) => return format!("shapes are {}", SHAPE_KINDS.join(", ")),
            Kind::ShapeField { field, must } | Kind::ValueField { field, must, .. } => {
                return format!("{field} must be {must}");
            }
            Kind::OperatorField { field, must, .. } => return format!("{field} must be {must}"),
            Kind::Takes { takes, .. } => return format!("give it {takes}"),
            Kind::Tuning(_) => "docs/patterns.md says what a tuning is",
            Kind::NotPlayed { .. } => "a hit is x, a note A2, a value of a control `cutoff: 0.5`",
            Kind::TooManyCopies => "use fewer different numbers, shorter labels, or nest less",
            Kind::TimeTooFine => "use factors and step counts with fewer different primes, or nest less",
            Kind::TooManyEvents { .. } => {
                return format!(
                    "at most {MAX_EVENTS_PER_CYCLE} a cycle: slow it down, or play parts in several slots"
                );
            }
        };
        hint.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use crate::{Pattern, compile};

    #[test]
    fn a_pattern_that_does_not_compile_says_what_would_work() {
        let hit = r#"{"op":"Silence"}"#;
        for (tree, hint) in [
            (r#"{"op":"Cat","children":[]}"#.to_owned(), "a rest"),
            (format!(r#"{{"op":"Fast","factor":[0,1],"child":{hit}}}"#), "above 0"),
            (format!(r#"{{"op":"Euclid","pulses":9,"steps":8,"rotation":0,"child":{hit}}}"#), "3 in 8"),
            (format!(r#"{{"op":"Degrade","prob":2.0,"seed":0,"child":{hit}}}"#), "0 to 1"),
            (
                format!(r#"{{"op":"Choose","children":[{hit},{hit}],"weights":[1e308,1e308],"seed":0}}"#),
                "weights must be small enough to be added",
            ),
            (
                format!(r#"{{"op":"Choose","children":[{hit},{hit}],"weights":[0.0,0.0],"seed":0}}"#),
                "weights must be more than 0 together",
            ),
        ] {
            let error = compile(&Pattern::from_json_str(&tree).expect("a pattern")).expect_err(&tree);
            assert!(error.hint().contains(hint), "{tree}: {}", error.hint());
        }
    }
}
