//! Why a pattern was refused.

use std::fmt;

use crate::draft::MAX_COPIES;
use crate::ir::{MAX_DEPTH, SourceSpan};
use crate::program::{MAX_CYCLE, MAX_EVENTS_PER_CYCLE};
use crate::shape::SHAPE_KINDS;

/// A pattern that [`crate::compile()`] refused: what is wrong, and at which node.
///
/// `Display` gives the text for the musician. Where existing clients know the text it is theirs,
/// to the letter, and the place is in [`CompileError::path`] only.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub struct CompileError {
    /// What is wrong.
    pub kind: CompileErrorKind,
    /// The way from the root to the node, such as `Fast > Cat[2] > Euclid`: `Cat[2]` means its
    /// third child.
    pub path: String,
    /// The piece of text that the node came from, or the nearest node above it that says so.
    pub span: Option<SourceSpan>,
}

/// What can be wrong with a pattern.
#[derive(Debug, Clone, PartialEq)]
pub enum CompileErrorKind {
    /// A `Cat` or `Stack` (named by the field) has no children.
    NoChildren(&'static str),
    /// A factor or offset is divided by zero.
    ZeroDenominator,
    /// A `Fast` or `Slow` factor is zero or negative.
    FactorNotPositive,
    /// A Euclidean rhythm has no steps.
    EuclidNoSteps,
    /// A Euclidean rhythm has more pulses than steps.
    EuclidTooManyPulses,
    /// A probability of the operator is not in `[0, 1]`.
    ProbabilityOutOfRange(&'static str),
    /// `Every` counts by zero.
    EveryZero,
    /// There is no such warp.
    UnknownWarp(String),
    /// A swing grid is odd or zero.
    WarpGrid,
    /// A swing amount is not in `(0, 1)`.
    WarpAmount,
    /// The tree is deeper than [`MAX_DEPTH`].
    TooDeep,
    /// There is no such shape.
    UnknownShape(String),
    /// A field of a shape is out of its range.
    ShapeField {
        /// Which field.
        field: &'static str,
        /// What it must be.
        must: &'static str,
    },
    /// A field of an atom's value is out of its range.
    ValueField {
        /// The kind of value, such as `Note`.
        value: &'static str,
        /// Which field.
        field: &'static str,
        /// What it must be.
        must: &'static str,
    },
    /// A field of an operator is out of its range.
    OperatorField {
        /// Which operator.
        op: &'static str,
        /// Which field.
        field: &'static str,
        /// What it must be.
        must: &'static str,
    },
    /// A value that an operator cannot take.
    Takes {
        /// Which operator.
        op: &'static str,
        /// What it takes.
        takes: &'static str,
        /// What it was given.
        given: String,
    },
    /// A text that is no tuning, or no map of keys: where in it, what is wrong, and what would be right.
    Tuning(String),
    /// A number or a name that no operator makes a sound of.
    NotPlayed {
        /// The number or the name.
        value: String,
    },
    /// Patterns of numbers, values that meet, notes and rhythms come to more than [`MAX_COPIES`] copies.
    TooManyCopies,
    /// Some of the times the pattern needs have no exact representation.
    TimeTooFine,
    /// More events in one cycle than [`MAX_EVENTS_PER_CYCLE`].
    TooManyEvents {
        /// How many (at most) there would be; no more than fit.
        events: u64,
    },
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use CompileErrorKind as Kind;
        let path = &self.path;
        match &self.kind {
            Kind::NoChildren(op) => write!(f, "{op} requires at least one child"),
            Kind::ZeroDenominator => f.write_str("time value has zero denominator"),
            Kind::FactorNotPositive => f.write_str("fast/slow factor must be positive"),
            Kind::EuclidNoSteps => f.write_str("euclid: steps must be > 0"),
            Kind::EuclidTooManyPulses => f.write_str("euclid: pulses must be <= steps"),
            Kind::ProbabilityOutOfRange(op) => {
                write!(f, "{}: prob must be in [0, 1]", op.to_ascii_lowercase())
            }
            Kind::EveryZero => f.write_str("every: n must be > 0"),
            Kind::UnknownWarp(kind) => write!(f, "warp: unknown warp kind: {kind}"),
            Kind::WarpGrid => f.write_str("warp: grid must be even and > 0"),
            Kind::WarpAmount => f.write_str("warp: amount must be in (0, 1)"),
            Kind::TooDeep => write!(f, "IR tree exceeds maximum depth of {MAX_DEPTH}"),
            Kind::UnknownShape(kind) => {
                write!(f, "shape: unknown shape kind: {kind} (at {path}; known are ")?;
                for (i, known) in SHAPE_KINDS.iter().enumerate() {
                    write!(f, "{}{known}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
            Kind::ShapeField { field, must } => {
                write!(f, "shape: {field} must be {must} (at {path})")
            }
            Kind::ValueField { value, field, must } => {
                write!(f, "{value}: {field} must be {must} (at {path})")
            }
            Kind::OperatorField { op, field, must } => {
                write!(f, "{op}: {field} must be {must} (at {path})")
            }
            Kind::Takes { op, takes, given } => write!(f, "{op} takes {takes}, not {given} (at {path})"),
            Kind::Tuning(what) => write!(f, "Tune: {what} (at {path})"),
            Kind::NotPlayed { value } => {
                write!(
                    f,
                    "{value} plays nothing by itself: it stands where an operator takes a value (at {path})"
                )
            }
            Kind::TooManyCopies => write!(
                f,
                "the pattern makes more than {MAX_COPIES} copies of nodes, values and notes at {path}; use fewer \
                 different numbers, shorter labels, or nest less"
            ),
            Kind::TimeTooFine => write!(
                f,
                "time cannot be represented exactly at {path}: the fractions of the nodes on the \
                 way multiply to more than 64 bits hold within {MAX_CYCLE} cycles; use factors, \
                 offsets and step counts with fewer different primes, or nest less"
            ),
            Kind::TooManyEvents { events } => write!(
                f,
                "too many events per cycle: {events} at {path} (at most {MAX_EVENTS_PER_CYCLE}); \
                 slow the pattern down or play parts of it in several slots"
            ),
        }
    }
}
