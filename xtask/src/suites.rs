//! Runs programs of tests and adds up what they report, program by program.

use std::io::{BufRead, BufReader};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::counts::Counts;
use crate::workspace::line;

/// What a test writes to the error output, past the harness that holds its prints back, before what it cannot check.
const NOT_CHECKED: &str = "not checked: ";

/// What a run of tests came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suites {
    /// All of its tests, and a failure outside of them.
    pub counts: Counts,
    /// The programs that cargo started, in their order.
    pub programs: Vec<Program>,
    /// Tests that are left to `cargo xtask soak`.
    pub soak: u64,
    /// What tests could not check here, and why: they say so with [`NOT_CHECKED`].
    pub unchecked: Vec<String>,
    /// Examples in documentation run: what is reported belongs to no program.
    pub documents: bool,
}

/// A program of tests that cargo started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// As cargo names it: `tests/slots.rs (target/debug/deps/slots-0123)`.
    pub name: String,
    /// What it reported, if it reported anything.
    pub counts: Option<Counts>,
    /// From its start to the next program's.
    pub time: Duration,
}

impl Suites {
    /// Takes one line of cargo's or pytest's output.
    fn take(&mut self, line: &str, read: impl Fn(&str) -> Option<Counts>) {
        self.documents |= line.trim_start().starts_with("Doc-tests ");
        if let Some(name) = program(line) {
            self.documents = false;
            self.programs.push(Program { name: name.to_owned(), counts: None, time: Duration::ZERO });
        }
        if line.starts_with("test ") && line.contains(" ... ignored, soak: ") {
            self.soak += 1;
        }
        // The harness may have begun a line.
        if let Some((_, what)) = line.split_once(NOT_CHECKED) {
            self.unchecked.push(what.to_owned());
        }
        if let Some(counts) = read(line) {
            self.counts += counts;
            if let Some(program) = self.programs.last_mut().filter(|_| !self.documents) {
                *program.counts.get_or_insert_default() += counts;
            }
        }
    }

    /// Programs that reported no test: they lost them, or their summary is not understood.
    pub fn without_tests(&self) -> impl Iterator<Item = &str> {
        let empty = |program: &&Program| program.counts.is_none_or(|counts| counts.ran() == 0);
        self.programs.iter().filter(empty).map(|program| program.name.as_str())
    }
}

/// The program that cargo says it starts here. Documentation's examples are none: a crate may have none of them.
fn program(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix("Running ").filter(|name| name.ends_with(')'))
}

/// Runs a program of tests, shows what it prints while it runs, and adds up its suites.
///
/// A program that fails without a failed test (it did not compile, or died) counts as one failure.
pub fn run(command: &mut Command, read: impl Fn(&str) -> Option<Counts>) -> Suites {
    println!("$ {}", line(command));
    let (mut suites, ended_well) = match read_out(command, read) {
        Ok(read) => read,
        Err(error) => {
            eprintln!("error: `{}`: {error}", line(command));
            return Suites { counts: Counts::ONE_FAILED, ..Suites::default() };
        }
    };
    if !ended_well && suites.counts.failed == 0 {
        eprintln!("error: `{}` failed outside of a test", line(command));
        suites.counts += Counts::ONE_FAILED;
    }
    suites
}

fn read_out(command: &mut Command, read: impl Fn(&str) -> Option<Counts>) -> std::io::Result<(Suites, bool)> {
    // One pipe for both, so that cargo's lines stand where they belong between those of the programs.
    let (reader, writer) = std::io::pipe()?;
    command.env("CARGO_TERM_COLOR", "never").stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn()?;
    // The command holds our ends for writing: with them open there would be no end of the output.
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut suites = Suites::default();
    let mut began = Instant::now();
    for bytes in BufReader::new(reader).split(b'\n') {
        let bytes = bytes?;
        let text = String::from_utf8_lossy(&bytes);
        println!("{text}");
        let programs = suites.programs.len();
        suites.take(text.trim_end(), &read);
        let now = Instant::now();
        let number = if suites.programs.len() > programs { programs } else { suites.programs.len() };
        if let Some(program) = number.checked_sub(1).and_then(|last| suites.programs.get_mut(last)) {
            program.time += now - began;
        }
        began = now;
    }
    Ok((suites, child.wait()?.success()))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Suites {
        run(Command::new("sh").args(["-c", script]), Counts::of_cargo)
    }

    const fn counts(passed: u64, failed: u64) -> Counts {
        Counts { passed, failed, skipped: 0 }
    }

    #[test]
    fn the_suites_of_one_program_add_up() {
        let suites = "echo 'test result: ok. 3 passed; 0 failed; 0 ignored'\n\
                      echo 'test a ... ok'\n\
                      echo 'test result: FAILED. 1 passed; 2 failed; 0 ignored'\nexit 101";
        assert_eq!(shell(suites).counts, counts(4, 2));
    }

    #[test]
    fn what_tests_could_not_check_is_kept_wherever_it_stands_in_a_line() {
        let two = "echo 'test a ... not checked: only root can'; echo 'not checked: no card' >&2\n\
                   echo 'test result: ok. 3 passed; 0 failed; 0 ignored'";
        assert_eq!(shell(two).unchecked, ["only root can", "no card"]);
    }

    #[test]
    fn a_program_that_dies_without_a_failed_test_counts_as_one_failure() {
        let died = "echo 'test result: ok. 3 passed; 0 failed; 0 ignored'\nkill -9 $$";
        assert_eq!(shell(died).counts, counts(3, 1));
        assert_eq!(shell("exit 101").counts, Counts::ONE_FAILED);
    }

    #[test]
    fn a_program_that_is_not_there_counts_as_one_failure() {
        let mut absent = Command::new("no-such-program-anywhere");
        assert_eq!(run(&mut absent, Counts::of_cargo).counts, Counts::ONE_FAILED);
    }

    #[test]
    fn output_that_is_no_text_is_no_obstacle() {
        let bytes = "printf '\\377\\n'; echo 'test result: ok. 1 passed; 0 failed; 0 ignored'";
        assert_eq!(shell(bytes).counts, counts(1, 0));
    }

    #[test]
    fn a_program_that_lost_its_tests_or_says_nothing_is_named() {
        // Cargo names the programs on stderr, they report on stdout.
        let three = "echo '     Running tests/slots.rs (target/debug/deps/slots-01)' >&2\n\
                     echo 'test result: ok. 3 passed; 0 failed; 1 ignored'\n\
                     echo '     Running tests/lost.rs (target/debug/deps/lost-02)' >&2\n\
                     echo 'test result: ok. 0 passed; 0 failed; 2 ignored'\n\
                     echo '     Running tests/mute.rs (target/debug/deps/mute-03)' >&2\n\
                     echo '   Doc-tests krach_core' >&2";
        let suites = shell(three);
        assert_eq!(suites.counts, counts(3, 0));
        assert_eq!(suites.programs.len(), 3);
        let without: Vec<_> = suites.without_tests().collect();
        let expected =
            ["tests/lost.rs (target/debug/deps/lost-02)", "tests/mute.rs (target/debug/deps/mute-03)"];
        assert_eq!(without, expected);
    }

    #[test]
    fn examples_in_documentation_are_counted_and_belong_to_no_program() {
        let documented = "echo '     Running tests/lost.rs (target/debug/deps/lost-02)'\n\
                          echo '   Doc-tests krach_core'\n\
                          echo 'test result: ok. 2 passed; 0 failed; 0 ignored'";
        let suites = shell(documented);
        assert_eq!(suites.counts, counts(2, 0));
        assert_eq!(suites.without_tests().count(), 1);
    }

    #[test]
    fn tests_that_are_left_to_the_soak_are_counted_and_bodies_for_other_processes_are_not() {
        let ignored = "echo 'test soak_all ... ignored, soak: four minutes'\n\
                       echo 'test child ... ignored, run by another'\n\
                       echo 'test result: ok. 1 passed; 0 failed; 2 ignored'";
        assert_eq!(shell(ignored).soak, 1);
    }
}
