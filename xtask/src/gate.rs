//! The book that the gate keeps: what passed and failed, what was not checked and why, what took how long.

use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::counts::Counts;
use crate::failure::{Failure, Result};
use crate::suites::{Program, Suites};

/// So many of the slowest programs of tests are named.
const SLOWEST: usize = 10;

struct Step {
    name: String,
    time: Duration,
    held: bool,
}

/// A run of the gate, or of the soak.
#[derive(Default)]
pub struct Gate {
    counts: Counts,
    steps: Vec<Step>,
    programs: Vec<Program>,
    unchecked: Vec<String>,
}

impl Gate {
    /// A step without tests of its own: silent if it holds, one failure if not. Gives what the step made.
    pub fn step<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Option<T> {
        let began = Instant::now();
        let result = work();
        self.steps.push(Step { name: name.to_owned(), time: began.elapsed(), held: result.is_ok() });
        match result {
            Ok(made) => Some(made),
            Err(failure) => {
                eprintln!("error: {failure}");
                self.counts += Counts::ONE_FAILED;
                None
            }
        }
    }

    /// A step that runs tests, of which there must be so many.
    ///
    /// Fewer is a failure: tests that nobody runs any more are noticed. Where no test failed, that is: one that
    /// failed may have kept others from running.
    pub fn suite(&mut self, name: &str, floor: u64, run: impl FnOnce() -> Suites) -> Suites {
        let began = Instant::now();
        let suites = run();
        let held = suites.counts.failed == 0;
        self.steps.push(Step { name: name.to_owned(), time: began.elapsed(), held });
        self.counts += suites.counts;
        let ran = suites.counts.ran() + suites.counts.skipped;
        if suites.counts.failed == 0 && ran < floor {
            self.fail(&format!("{name}: {ran} tests, but there were {floor} (xtask/floor.toml)"));
        }
        self.programs.extend(suites.programs.iter().cloned());
        self.unchecked.extend(suites.unchecked.iter().cloned());
        suites
    }

    /// Leaves steps that held out of the summary: what comes after is what was asked for.
    pub fn forget_steps_that_held(&mut self) {
        self.steps.retain(|step| !step.held);
    }

    /// Counts a failure.
    pub fn fail(&mut self, what: &str) {
        eprintln!("error: {what}");
        self.counts += Counts::ONE_FAILED;
    }

    /// Notes what could not be checked here, and why.
    pub fn not_checked(&mut self, what: impl Into<String>) {
        self.unchecked.push(what.into());
    }

    /// Prints the summary; its last line is the counts alone.
    ///
    /// # Errors
    /// If anything failed.
    pub fn finish(self) -> Result<()> {
        print!("{}", self.summary());
        if self.counts.failed == 0 { Ok(()) } else { Err(Failure::Told) }
    }

    fn summary(&self) -> String {
        let mut text = String::from("\n");
        for Step { name, time, held } in &self.steps {
            let failed = if *held { "" } else { ": FAILED" };
            let _ = writeln!(text, "{:>6} s  {name}{failed}", time.as_secs());
        }
        let mut slowest: Vec<&Program> = self.programs.iter().collect();
        slowest.sort_by_key(|program| std::cmp::Reverse(program.time));
        if !slowest.is_empty() {
            let _ = writeln!(text, "of which the slowest programs of tests:");
        }
        for program in slowest.iter().take(SLOWEST) {
            let _ = writeln!(text, "{:>6} s  {}", program.time.as_secs(), program.name);
        }
        for what in &self.unchecked {
            let _ = writeln!(text, "not checked: {what}");
        }
        let _ = writeln!(text, "{}", self.counts);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(passed: u64) -> Suites {
        Suites { counts: Counts { passed, failed: 0, skipped: 0 }, ..Suites::default() }
    }

    #[test]
    fn the_last_line_is_the_counts_alone_and_before_it_stands_what_was_not_checked() {
        let mut gate = Gate::default();
        gate.step("format", || Ok(()));
        gate.suite("tests", 3, || passed(3));
        gate.not_checked("macOS: no standard library");
        gate.not_checked("Windows: no standard library");
        let summary = gate.summary();
        let lines: Vec<_> = summary.lines().rev().take(3).collect();
        let expected = [
            "3 passed, 0 failed",
            "not checked: Windows: no standard library",
            "not checked: macOS: no standard library",
        ];
        assert_eq!(lines, expected, "{summary}");
        gate.finish().unwrap();
    }

    #[test]
    fn a_step_that_fails_counts_as_one_and_the_later_ones_still_run() {
        let mut gate = Gate::default();
        let made: Option<()> = gate.step("lints", || Err(Failure::Check("broken".to_owned())));
        assert_eq!(made, None);
        assert_eq!(gate.step("build", || Ok(7)), Some(7));
        assert!(gate.summary().ends_with("\n0 passed, 1 failed\n"), "{}", gate.summary());
        assert!(gate.finish().is_err());
    }

    #[test]
    fn fewer_tests_than_there_were_are_a_failure() {
        let mut gate = Gate::default();
        gate.suite("tests", 4, || passed(3));
        assert!(gate.summary().ends_with("\n3 passed, 1 failed\n"), "{}", gate.summary());
    }

    #[test]
    fn where_a_test_failed_the_floor_adds_no_second_failure() {
        let mut gate = Gate::default();
        gate.suite("tests", 4, || Suites { counts: Counts::ONE_FAILED, ..Suites::default() });
        assert!(gate.summary().ends_with("\n0 passed, 1 failed\n"), "{}", gate.summary());
    }

    #[test]
    fn the_slowest_programs_are_named_first() {
        let mut gate = Gate::default();
        let program = |name: &str, seconds| Program {
            name: name.to_owned(),
            counts: None,
            time: Duration::from_secs(seconds),
        };
        let programs = vec![program("quick", 1), program("slow", 9)];
        gate.suite("tests", 0, || Suites { programs, ..Suites::default() });
        let summary = gate.summary();
        assert!(summary.find("9 s  slow") < summary.find("1 s  quick"), "{summary}");
    }
}
