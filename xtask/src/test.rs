//! `test`: everything that has to hold, in one run, with one line at the end.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::bundle::bundle;
use crate::counts::Counts;
use crate::failure::{Failure, Result};
use crate::setup::{EVERYTHING, setup};
use crate::standalone;
use crate::workspace::{Workspace, line, on_path, run};

/// What the tests in `tests/hosts` want from PyPI.
const HOSTS: &[&str] = &["pytest", "pedalboard==0.9.26", "dawdreamer==0.9.0", "python-xlib==0.33", "pillow"];

/// Sets up, checks the form, bundles, runs every test, and prints `N passed, N failed` last.
///
/// A step that fails does not keep the later ones from running; it counts as one failure.
///
/// # Errors
/// If anything failed. The counts are printed in any case.
pub fn test(workspace: &Workspace) -> Result<()> {
    let mut all = Counts::default();
    all += step(setup(EVERYTHING));
    all += step(run(&mut workspace.cargo(["fmt", "--all", "--check"])));
    all +=
        step(run(&mut workspace.cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])));
    if on_path("cargo-deny") {
        all += step(run(&mut workspace.cargo(["deny", "check"])));
    } else {
        println!("cargo-deny is not installed: licences and advisories were not checked");
    }
    // The tests of the plugin load the bundle as a host does.
    all += step(bundle(workspace).map(drop));
    // So do they start the program without a DAW, which a test of the whole workspace does not build.
    all += step(run(&mut workspace.cargo(standalone::BUILD)));
    let mut tests = workspace.cargo(["test", "--workspace", "--no-fail-fast"]);
    all += suite(&mut tests, Counts::of_cargo);
    let python = workspace.root.join("python");
    if python.is_dir() {
        let client = format!("--editable={}", python.display());
        all += python_tests(workspace, "venv", &[&client, "pytest"], &python);
    }
    // Hosts that others wrote, with the bundle in them.
    all += python_tests(workspace, "venv-hosts", HOSTS, &workspace.root.join("tests/hosts"));
    println!("{all}");
    if all.failed == 0 { Ok(()) } else { Err(Failure::Told) }
}

/// Writes the JSON Schema of documents as the types give it: the test that holds the file to them does.
///
/// # Errors
/// If the test fails or cannot be built.
pub fn schema(workspace: &Workspace) -> Result<()> {
    let mut test =
        workspace.cargo(["test", "--package", "krach-core", "--test", "ir_schema", "--", "committed"]);
    run(test.env("UPDATE_GOLDEN", "1"))
}

/// Runs pytest on a folder, in a virtual environment under `target/` that has these packages.
fn python_tests(workspace: &Workspace, venv: &str, packages: &[&str], folder: &Path) -> Counts {
    let venv = workspace.target.join(venv);
    let interpreter = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
    let interpreter = venv.join(interpreter);
    if !interpreter.is_file() {
        let system = if cfg!(windows) { "python" } else { "python3" };
        let made = step(run(Command::new(system).args(["-m", "venv"]).arg(&venv)));
        if made.failed > 0 {
            return made;
        }
    }
    let mut install = Command::new(&interpreter);
    install.args(["-m", "pip", "install", "--quiet"]).args(packages);
    let installed = step(run(&mut install));
    if installed.failed > 0 {
        return installed;
    }
    let mut pytest = Command::new(&interpreter);
    suite(pytest.args(["-m", "pytest"]).arg(folder), Counts::of_pytest)
}

/// A step without tests of its own: silent if it holds, one failure if not.
fn step(result: Result<()>) -> Counts {
    match result {
        Ok(()) => Counts::default(),
        Err(failure) => {
            eprintln!("error: {failure}");
            Counts::ONE_FAILED
        }
    }
}

/// Runs a program of tests, shows what it prints while it runs, and adds up its suites.
///
/// A program that fails without a failed test (it did not compile, or died) counts as one failure.
fn suite(command: &mut Command, read: impl Fn(&str) -> Option<Counts>) -> Counts {
    println!("$ {}", line(command));
    let counted = counted(command, read);
    let (mut counts, ended_well) = match counted {
        Ok(counted) => counted,
        Err(error) => {
            eprintln!("error: `{}`: {error}", line(command));
            return Counts::ONE_FAILED;
        }
    };
    if !ended_well && counts.failed == 0 {
        eprintln!("error: `{}` failed outside of a test", line(command));
        counts += Counts::ONE_FAILED;
    }
    counts
}

fn counted(command: &mut Command, read: impl Fn(&str) -> Option<Counts>) -> std::io::Result<(Counts, bool)> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut counts = Counts::default();
    if let Some(stdout) = child.stdout.take() {
        for bytes in BufReader::new(stdout).split(b'\n') {
            let bytes = bytes?;
            let text = String::from_utf8_lossy(&bytes);
            println!("{text}");
            counts += read(text.trim_end()).unwrap_or_default();
        }
    }
    Ok((counts, child.wait()?.success()))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Counts {
        suite(Command::new("sh").args(["-c", script]), Counts::of_cargo)
    }

    #[test]
    fn the_suites_of_one_program_add_up() {
        let suites = "echo 'test result: ok. 3 passed; 0 failed; 0 ignored'\n\
                      echo 'test a ... ok'\n\
                      echo 'test result: FAILED. 1 passed; 2 failed; 0 ignored'\nexit 101";
        assert_eq!(shell(suites), Counts { passed: 4, failed: 2 });
    }

    #[test]
    fn a_program_that_dies_without_a_failed_test_counts_as_one_failure() {
        let died = "echo 'test result: ok. 3 passed; 0 failed; 0 ignored'\nkill -9 $$";
        assert_eq!(shell(died), Counts { passed: 3, failed: 1 });
        assert_eq!(shell("exit 101"), Counts::ONE_FAILED);
    }

    #[test]
    fn a_program_that_is_not_there_counts_as_one_failure() {
        let mut absent = Command::new("no-such-program-anywhere");
        assert_eq!(suite(&mut absent, Counts::of_cargo), Counts::ONE_FAILED);
    }

    #[test]
    fn output_that_is_no_text_is_no_obstacle() {
        let bytes = "printf '\\377\\n'; echo 'test result: ok. 1 passed; 0 failed; 0 ignored'";
        assert_eq!(shell(bytes), Counts { passed: 1, failed: 0 });
    }
}
