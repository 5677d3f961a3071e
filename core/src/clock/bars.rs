//! Where the bars are: a count of bars that goes on evenly until the host says otherwise.

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
    /// short counts as whole. Where the host jumped it is believed if it numbers its bars, or if it
    /// does not, its present signature is taken for that of the whole song.
    pub(super) fn after(&self, t: &HostTransport, here: f64, jumped: bool) -> Self {
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
        // Hosts that number no bars leave the number at 0 (or 1) all the time.
        let number = t.bar_number.map(f64::from).filter(|n| (*n > 0.0) == (start > 0.0));
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

/// Length of a bar in quarter notes.
fn length_of(t: &HostTransport) -> Option<f64> {
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

    #[test]
    fn the_count_goes_on_through_a_signature() {
        let four = Bars::of(4.0).after(&bar(8.0, None, (4, 4)), 8.5, false);
        assert_eq!(four, Bars::of(4.0), "the same bars stay what they are");
        let seven = four.after(&bar(12.0, None, (7, 8)), 12.1, false);
        assert_eq!(seven, Bars { start: 12.0, count: 3.0, length: 3.5 });
        assert!(seven.continues(&four));
        assert_eq!(seven.after(&bar(15.5, None, (7, 8)), 16.0, false), seven);
        assert_eq!((seven.count_at(15.5), seven.beats_at(5.0)), (4.0, 19.0));
    }

    #[test]
    fn a_bar_cut_short_counts_as_whole() {
        let cut = Bars::of(4.0).after(&bar(10.0, None, (4, 4)), 10.0, false);
        assert_eq!(cut, Bars { start: 10.0, count: 3.0, length: 4.0 });
        assert!(!cut.continues(&Bars::of(4.0)));
    }

    #[test]
    fn after_a_jump_the_hosts_own_number_counts_or_the_signature_from_the_start() {
        let numbered = Bars::of(4.0).after(&bar(30.0, Some(9), (3, 4)), 31.0, true);
        assert_eq!(numbered, Bars { start: 30.0, count: 9.0, length: 3.0 });
        let unnumbered = Bars::of(4.0).after(&bar(30.0, None, (3, 4)), 31.0, true);
        assert_eq!(unnumbered, Bars { start: 30.0, count: 10.0, length: 3.0 });
    }

    #[test]
    fn a_number_that_never_moves_and_a_bar_elsewhere_are_not_believed() {
        let four = Bars::of(4.0);
        assert_eq!(four.after(&bar(8.0, Some(0), (4, 4)), 9.0, false), four);
        let three = four.after(&bar(0.0, None, (3, 4)), 8.0, false);
        assert_eq!(three, Bars { start: 8.0, count: 2.0, length: 3.0 }, "the line that was passed last");
    }

    #[test]
    fn without_bar_lines_a_signature_holds_from_the_last_line_or_from_zero() {
        let t = HostTransport { bar_start: None, ..bar(0.0, None, (3, 4)) };
        assert_eq!(Bars::of(4.0).after(&t, 9.0, true), Bars::of(3.0));
        assert_eq!(Bars::of(4.0).after(&t, 9.0, false), Bars { start: 8.0, count: 2.0, length: 3.0 });
    }
}
