//! Runs test cases in processes of their own.

use std::env;
use std::panic::catch_unwind;
use std::process::{Command, exit};

/// A test case: its name and what it does; it fails by panicking.
pub type Case = (&'static str, fn());

const VARIABLE: &str = "KRACH_GUARD_CASE";

/// The `main` of a test program with `harness = false`: runs each case in a fresh process of the
/// same program, one after the other, and exits with 0 if all of them held. Understands a name (or
/// part of one) as a filter, `--exact`, `--list` and `--nocapture`, as the usual harness does.
pub fn run_cases(cases: &[Case]) {
    if let Ok(wanted) = env::var(VARIABLE) {
        run_here(cases, &wanted);
    }
    let arguments: Vec<String> = env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let filters: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let chosen = cases.iter().filter(|(name, _)| {
        filters.is_empty()
            || filters
                .iter()
                .any(|filter| if has("--exact") { name == filter } else { name.contains(filter.as_str()) })
    });
    if has("--list") {
        chosen.for_each(|(name, _)| println!("{name}: test"));
        return;
    }
    let program = env::current_exe().expect("a program has a path");
    let (mut held, mut failed) = (0, Vec::new());
    for (name, _) in chosen {
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
    println!("\ntest result: {held} passed; {} failed", failed.len());
    if !failed.is_empty() {
        exit(101);
    }
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
