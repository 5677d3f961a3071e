//! Time in cycles, as exact fractions.

use num_rational::Ratio;

/// A point in time, in cycles. Always exact; never a float.
pub type Time = Ratio<i64>;

/// A half-open stretch of time `[begin, end)`, in cycles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// First moment that belongs to the span.
    pub begin: Time,
    /// First moment after the span.
    pub end: Time,
}

impl Span {
    /// `[begin, end)`.
    pub fn new(begin: Time, end: Time) -> Self {
        Self { begin, end }
    }

    /// Cycle number `cycle`: `[cycle, cycle + 1)`.
    ///
    /// # Panics
    /// Never for a cycle below `i64::MAX`, which itself has no end.
    pub fn cycle(cycle: i64) -> Self {
        Self { begin: Time::from_integer(cycle), end: Time::from_integer(cycle + 1) }
    }
}
