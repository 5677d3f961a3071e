//! Where the bars are: a count of bars that goes on evenly until the host says otherwise.
//!
//! The bar at zero is bar 0, whatever the host calls it. While one signature holds from there, the place
//! of a bar follows from where it begins and how long it is; behind a change of signature it follows from
//! the host's number of the bar, less its number of the bar at zero.

use super::HostTransport;
use super::reading::believable;

/// A bar line that is off the count by less than this, in bars, is on it.
const SAME_LINE: f64 = 1e-6;
/// A host whose bar does not hold its position within this many quarter notes does not know its bars.
const LOOSE: f64 = 0.01;

/// Bars of one length. Bar `count` begins at `start`; those before and after it follow from that.
///
/// With the host's bars as cycles (`meter: host`) this is what a cycle is: bar *n* of the host is
/// cycle *n*, counted from 0, so that every bar line is a whole cycle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bars {
    /// A bar line, in quarter notes.
    pub start: f64,
    /// Bars before it.
    pub count: f64,
    /// Length in quarter notes.
    pub length: f64,
}

impl Bars {
    /// Bars of that many quarter notes, the first at zero.
    pub fn of(length: f64) -> Self {
        Self { start: 0.0, count: 0.0, length }
    }

    /// A position in quarter notes as bars passed.
    pub fn count_at(&self, beats: f64) -> f64 {
        self.count + (beats - self.start) / self.length
    }

    /// Bars passed as a position in quarter notes.
    pub fn beats_at(&self, count: f64) -> f64 {
        self.start + (count - self.count) * self.length
    }

    /// Do these bars go on from `before` without a jump in the count?
    pub fn continues(&self, before: &Self) -> bool {
        (before.count_at(self.start) - self.count).abs() < SAME_LINE
    }

    /// The bars after a report at position `here`; `jumped`: the host was elsewhere, or stands.
    ///
    /// A time signature changes at a bar line, and the count goes on through it. A bar that is cut
    /// short counts as whole. A host that numbers its bars is believed. One that does not is taken, where
    /// it jumped, to have had its present signature from zero on.
    pub(super) fn after(&self, t: &HostTransport, here: f64, jumped: bool, numbering: &Numbering) -> Self {
        let length = length_of(t).unwrap_or(self.length);
        let holds = |start: &f64| *start <= here + LOOSE && here < start + length + LOOSE;
        let Some(start) = believable(t.bar_start).filter(holds) else {
            return match length == self.length {
                true => *self,
                false if jumped => Self::of(length),
                false => {
                    let count = (self.count_at(here) + SAME_LINE).floor();
                    Self { start: self.beats_at(count), count, length }
                }
            };
        };
        let number = t.bar_number.and_then(|number| numbering.count(number, start));
        let expected = self.count_at(start);
        let line = expected.round();
        let on_line = (expected - line).abs() < SAME_LINE;
        if length == self.length && on_line && number.is_none_or(|n| n == line) {
            return *self;
        }
        let count = match number {
            Some(number) => number,
            None if jumped => (start / length).round(),
            None if on_line => line,
            None => expected.ceil(),
        };
        Self { start, count, length }
    }
}

/// How the host numbers its bars.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Numbering {
    /// Its number of the bar at zero. Until that bar was seen: what it would be if the signature of the
    /// first bar that was seen held from zero on, as long as that is 0 or 1.
    first: Option<f64>,
    /// Start and number of the bar before.
    before: Option<(f64, i32)>,
    /// The bar was another and the number was not: it says nothing.
    stands: bool,
}

impl Numbering {
    /// Learns from a report.
    pub(super) fn learn(&mut self, t: &HostTransport) {
        let (Some(start), Some(number), Some(length)) = (believable(t.bar_start), t.bar_number, length_of(t))
        else {
            return;
        };
        if let Some((before, last)) = self.before
            && (start - before).abs() > SAME_LINE
        {
            self.stands = number == last;
        }
        self.before = Some((start, number));
        let passed = (start / length).round();
        let whole = (start / length - passed).abs() < SAME_LINE;
        let first = f64::from(number) - passed;
        if start.abs() < SAME_LINE || self.first.is_none() && whole && (first == 0.0 || first == 1.0) {
            self.first = Some(first);
        }
    }

    /// Bars before the one of that number; `None` where the number says nothing.
    fn count(&self, number: i32, start: f64) -> Option<f64> {
        let count = f64::from(number) - self.first.unwrap_or(0.0);
        // Hosts that number no bars leave the number at 0 (or 1) all the time.
        Some(count).filter(|count| !self.stands && (*count > 0.0) == (start > 0.0))
    }
}

/// Length of a bar in quarter notes.
pub(super) fn length_of(t: &HostTransport) -> Option<f64> {
    let (numerator, denominator) = t.time_signature.filter(|&(n, d)| n > 0 && d > 0)?;
    Some(f64::from(numerator) * 4.0 / f64::from(denominator))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(start: f64, number: Option<i32>, signature: (u32, u32)) -> HostTransport {
        HostTransport {
            playing: true,
            time_signature: Some(signature),
            bar_start: Some(start),
            bar_number: number,
            ..HostTransport::default()
        }
    }

    /// As `Bars::after`, for a host of which only this report is known.
    fn after(bars: Bars, t: &HostTransport, here: f64, jumped: bool) -> Bars {
        let mut numbering = Numbering::default();
        numbering.learn(t);
        bars.after(t, here, jumped, &numbering)
    }

    #[test]
    fn the_count_goes_on_through_a_signature() {
        let four = after(Bars::of(4.0), &bar(8.0, None, (4, 4)), 8.5, false);
        assert_eq!(four, Bars::of(4.0), "the same bars stay what they are");
        let seven = after(four, &bar(12.0, None, (7, 8)), 12.1, false);
        assert_eq!(seven, Bars { start: 12.0, count: 3.0, length: 3.5 });
        assert!(seven.continues(&four));
        assert_eq!(after(seven, &bar(15.5, None, (7, 8)), 16.0, false), seven);
        assert_eq!((seven.count_at(15.5), seven.beats_at(5.0)), (4.0, 19.0));
    }

    #[test]
    fn a_bar_cut_short_counts_as_whole() {
        let cut = after(Bars::of(4.0), &bar(10.0, None, (4, 4)), 10.0, false);
        assert_eq!(cut, Bars { start: 10.0, count: 3.0, length: 4.0 });
        assert!(!cut.continues(&Bars::of(4.0)));
    }

    #[test]
    fn after_a_jump_the_hosts_own_number_counts_or_the_signature_from_the_start() {
        let numbered = after(Bars::of(4.0), &bar(30.0, Some(9), (3, 4)), 31.0, true);
        assert_eq!(numbered, Bars { start: 30.0, count: 9.0, length: 3.0 });
        let unnumbered = after(Bars::of(4.0), &bar(30.0, None, (3, 4)), 31.0, true);
        assert_eq!(unnumbered, Bars { start: 30.0, count: 10.0, length: 3.0 });
    }

    #[test]
    fn a_number_that_never_moves_and_a_bar_elsewhere_are_not_believed() {
        let four = Bars::of(4.0);
        assert_eq!(after(four, &bar(8.0, Some(0), (4, 4)), 9.0, false), four);
        let three = after(four, &bar(0.0, None, (3, 4)), 8.0, false);
        assert_eq!(three, Bars { start: 8.0, count: 2.0, length: 3.0 }, "the line that was passed last");
    }

    #[test]
    fn without_bar_lines_a_signature_holds_from_the_last_line_or_from_zero() {
        let t = HostTransport { bar_start: None, ..bar(0.0, None, (3, 4)) };
        assert_eq!(after(Bars::of(4.0), &t, 9.0, true), Bars::of(3.0));
        assert_eq!(after(Bars::of(4.0), &t, 9.0, false), Bars { start: 8.0, count: 2.0, length: 3.0 });
    }

    #[test]
    fn a_bars_place_is_the_same_whatever_the_host_calls_it_and_wherever_it_began() {
        let bars = |first: Option<i32>, from: i32| {
            let (mut bars, mut numbering) = (Bars::of(4.0), Numbering::default());
            let mut counts = Vec::new();
            for n in from..12 {
                let start = f64::from(n) * 3.0;
                let t = bar(start, first.map(|first| first + n), (3, 4));
                numbering.learn(&t);
                bars = bars.after(&t, start, n == from, &numbering);
                counts.push(bars.count_at(start));
            }
            counts
        };
        for first in [None, Some(0), Some(1)] {
            for from in [0, 1, 2, 5] {
                let expected: Vec<f64> = (from..12).map(f64::from).collect();
                assert_eq!(bars(first, from), expected, "numbered from {first:?}, begun at bar {from}");
            }
        }
        // Elsewhere it is known from bar 0 on.
        assert_eq!(bars(Some(-2), 0)[..3], [0.0, 1.0, 2.0]);
    }

    #[test]
    fn a_number_that_stands_while_bars_pass_says_nothing_wherever_it_stands() {
        for stands in [0, 1] {
            let (mut bars, mut numbering) = (Bars::of(4.0), Numbering::default());
            for n in [1, 2, 3, 9] {
                let start = f64::from(n) * 4.0;
                let t = bar(start, Some(stands), (4, 4));
                numbering.learn(&t);
                bars = bars.after(&t, start, n != 2, &numbering);
                assert_eq!(bars.count_at(start), f64::from(n), "bar {n}, always called {stands}");
            }
        }
    }
}
