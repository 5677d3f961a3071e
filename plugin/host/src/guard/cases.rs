//! Runs test cases in processes of their own.

use std::env;
use std::panic::catch_unwind;
use std::process::{Command, exit};

/// A test case: its name and what it does; it fails by panicking.
pub type Case = (&'static str, fn());

const VARIABLE: &str = "KRACH_GUARD_CASE";

/// Cases whose name begins so run with `--ignored` only: they take long (`cargo xtask soak`).
const SOAK: &str = "soak_";

/// The `main` of a test program with `harness = false`: runs each case in a fresh process of the
/// same program, one after the other, and exits with 0 if all of them held. Understands a name (or
/// part of one) as a filter, `--exact`, `--ignored`, `--include-ignored`, `--list` and `--nocapture`, as the
/// usual harness does, and sums up in its words.
pub fn run_cases(cases: &[Case]) {
    if let Ok(wanted) = env::var(VARIABLE) {
        run_here(cases, &wanted);
    }
    let arguments: Vec<String> = env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let choice = Choice::of(cases, &arguments);
    if has("--list") {
        choice.run.iter().chain(&choice.ignored).for_each(|(name, _)| println!("{name}: test"));
        return;
    }
    let program = env::current_exe().expect("a program has a path");
    let (mut held, mut failed) = (0, Vec::new());
    for (name, _) in &choice.run {
        let output = Command::new(&program).env(VARIABLE, name).output();
        let output = output.expect("the same program starts again");
        let good = output.status.success();
        println!("test {name} ... {}", if good { "ok" } else { "FAILED" });
        if !good || has("--nocapture") {
            print!("{}", String::from_utf8_lossy(&output.stdout));
            print!("{}", String::from_utf8_lossy(&output.stderr));
        }
        if good {
            held += 1;
        } else {
            println!("({})", output.status);
            failed.push(*name);
        }
    }
    let left = cases.len() - choice.run.len() - choice.ignored.len();
    println!("\n{}", summary(held, failed.len(), choice.ignored.len(), left));
    if !failed.is_empty() {
        exit(101);
    }
}

/// Which of the cases the arguments ask for.
struct Choice {
    run: Vec<Case>,
    /// Asked for by name, but only run with `--ignored`.
    ignored: Vec<Case>,
}

impl Choice {
    fn of(cases: &[Case], arguments: &[String]) -> Self {
        let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
        let filters: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
        let is_named = |name: &str| {
            let fits = |filter: &str| if has("--exact") { name == filter } else { name.contains(filter) };
            filters.is_empty() || filters.iter().any(|filter| fits(filter))
        };
        let named = cases.iter().copied().filter(|(name, _)| is_named(name));
        let (soak, usual): (Vec<Case>, Vec<Case>) = named.partition(|(name, _)| name.starts_with(SOAK));
        if has("--ignored") {
            Self { run: soak, ignored: Vec::new() }
        } else if has("--include-ignored") {
            Self { run: [usual, soak].concat(), ignored: Vec::new() }
        } else {
            Self { run: usual, ignored: soak }
        }
    }
}

/// The last line, as the usual harness writes it, so that `cargo xtask test` counts these cases too.
fn summary(held: usize, failed: usize, ignored: usize, left: usize) -> String {
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    format!(
        "test result: {verdict}. {held} passed; {failed} failed; {ignored} ignored; 0 measured; {left} filtered out"
    )
}

fn run_here(cases: &[Case], wanted: &str) -> ! {
    let Some((_, case)) = cases.iter().find(|(name, _)| *name == wanted) else {
        eprintln!("no case {wanted}");
        exit(2);
    };
    let code = if catch_unwind(case).is_ok() { 0 } else { 101 };
    // SAFETY: ends the process at once, without destructors: a guarded thread may still be spinning
    // in the plugin, and exit handlers have no business with it.
    unsafe { libc::_exit(code) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASES: &[Case] = &[("one", || ()), ("soak_one", || ()), ("two", || ())];

    fn chosen(arguments: &[&str]) -> (Vec<&'static str>, Vec<&'static str>) {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let Choice { run, ignored } = Choice::of(CASES, &arguments);
        let names = |cases: Vec<Case>| cases.iter().map(|(name, _)| *name).collect();
        (names(run), names(ignored))
    }

    #[test]
    fn the_last_line_is_the_usual_harnesss() {
        // `cargo xtask test` reads this line: `Counts::of_cargo`.
        let line = "test result: ok. 9 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out";
        assert_eq!(summary(9, 0, 1, 2), line);
        let line = "test result: FAILED. 8 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(summary(8, 1, 0, 0), line);
    }

    #[test]
    fn long_cases_wait_for_a_run_of_the_ignored_ones() {
        assert_eq!(chosen(&[]), (vec!["one", "two"], vec!["soak_one"]));
        assert_eq!(chosen(&["--ignored", "soak"]), (vec!["soak_one"], vec![]));
        assert_eq!(chosen(&["--include-ignored"]).0, ["one", "two", "soak_one"]);
        assert_eq!(chosen(&["--exact", "one"]), (vec!["one"], vec![]));
        assert_eq!(chosen(&["one"]), (vec!["one"], vec!["soak_one"]));
    }
}
