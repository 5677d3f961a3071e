//! How many tests passed, failed and were skipped, read from what the test programs print.

use std::fmt;
use std::ops::AddAssign;

/// Results of any number of test suites.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that ran and held.
    pub passed: u64,
    /// Tests that ran and did not hold, and steps that failed as a whole.
    pub failed: u64,
    /// Tests of pytest that were skipped, or failed as expected. An ignored test of cargo is a body for another
    /// process or belongs to `cargo xtask soak`: it is not counted here.
    pub skipped: u64,
}

impl Counts {
    /// A step that failed without telling how many tests it stands for.
    pub const ONE_FAILED: Self = Self { passed: 0, failed: 1, skipped: 0 };

    /// Tests that ran.
    pub const fn ran(self) -> u64 {
        self.passed + self.failed
    }

    /// Counts of one suite, if this is the line with which cargo's test harness sums it up.
    pub fn of_cargo(line: &str) -> Option<Self> {
        let counts = line.strip_prefix("test result: ")?;
        // "ok. 5 passed; 0 failed; 1 ignored; …"
        let counts = counts.split_once(". ")?.1;
        let mut parts = counts.split("; ");
        let passed = parts.next()?.strip_suffix(" passed")?.parse().ok()?;
        let failed = parts.next()?.strip_suffix(" failed")?.parse().ok()?;
        Some(Self { passed, failed, skipped: 0 })
    }

    /// Counts of a run, if this is the last line of pytest: `== 1 failed, 4 passed in 0.12s ==`, with or
    /// without its frame. A test that could not be set up (`error`) has failed, and so has one that passed
    /// though it was expected to fail.
    pub fn of_pytest(line: &str) -> Option<Self> {
        let line = line.trim_matches(['=', ' ']);
        let (list, time) = line.rsplit_once(" in ")?;
        if !time.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        let mut counts = Self::default();
        for part in list.split(", ") {
            let (number, what) = part.split_once(' ')?;
            let number: u64 = number.parse().ok()?;
            match what {
                "passed" => counts.passed += number,
                "failed" | "error" | "errors" | "xpassed" => counts.failed += number,
                "skipped" | "xfailed" => counts.skipped += number,
                _ => {}
            }
        }
        Some(counts)
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.passed += more.passed;
        self.failed += more.failed;
        self.skipped += more.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        match self.skipped {
            0 => Ok(()),
            skipped => write!(f, ", {skipped} skipped"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn counts(passed: u64, failed: u64, skipped: u64) -> Option<Counts> {
        Some(Counts { passed, failed, skipped })
    }

    #[test]
    fn cargos_summary_of_a_suite_is_read() {
        let good = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out";
        let bad = "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(Counts::of_cargo(good), counts(12, 0, 0));
        assert_eq!(Counts::of_cargo(bad), counts(3, 2, 0));
    }

    #[test]
    fn other_lines_of_cargo_are_no_summary() {
        for line in ["running 3 tests", "test a_test ... ok", "test result: unknown", ""] {
            assert_eq!(Counts::of_cargo(line), None, "{line}");
        }
    }

    #[test]
    fn pytests_last_line_is_read_with_and_without_its_frame() {
        assert_eq!(Counts::of_pytest("4 passed in 0.12s"), counts(4, 0, 0));
        let framed = "==== 1 failed, 4 passed, 2 skipped, 1 error in 61.20s (0:01:01) ====";
        assert_eq!(Counts::of_pytest(framed), counts(4, 2, 2));
        assert_eq!(Counts::of_pytest("no tests ran in 0.01s"), None);
        assert_eq!(Counts::of_pytest("FAILED test_a.py::test_b - found 3 in list"), None);
    }

    #[test]
    fn what_pytest_skips_or_expects_to_fail_is_counted_and_deselected_tests_are_not() {
        let line = "3 passed, 2 skipped, 1 xfailed, 4 deselected, 1 warning in 0.5s";
        assert_eq!(Counts::of_pytest(line), counts(3, 0, 3));
        assert_eq!(Counts::of_pytest("3 passed, 1 xpassed in 0.5s"), counts(3, 1, 0));
    }

    #[test]
    fn suites_add_up_and_the_skipped_are_named_where_there_are_any() {
        let mut all = Counts { passed: 2, failed: 0, skipped: 0 };
        all += Counts { passed: 3, failed: 1, skipped: 0 };
        assert_eq!(all.to_string(), "5 passed, 1 failed");
        all += Counts { passed: 0, failed: 0, skipped: 2 };
        assert_eq!(all.to_string(), "5 passed, 1 failed, 2 skipped");
    }
}
