//! The caller's environment, of which tests must see no more than what they are built for.

use std::env;
use std::process::Command;

/// What begins so chooses the plugin under test, makes golden tests into writers, or changes which tests run.
const PREFIXES: &[&str] =
    &["KRACH_", "NOISE_", "PATTERN_ENGINE_", "UPDATE_GOLDEN", "PROPTEST_", "RUST_TEST_", "PYTEST_"];

/// How many tests run at once does not change what they say.
const ALLOWED: &[&str] = &["RUST_TEST_THREADS"];

/// Does a variable of this name reach into the tests?
fn reaches_in(name: &str) -> bool {
    !ALLOWED.contains(&name) && PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Keeps the caller's variables that reach into tests from a program and from what it starts.
pub fn without_the_callers(command: &mut Command) -> &mut Command {
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(reaches_in) {
            command.env_remove(name);
        }
    }
    command
}

/// Names those variables, for a person who has set them on purpose.
pub fn name_the_callers() {
    for (name, _) in env::vars_os() {
        if let Some(name) = name.to_str().filter(|name| reaches_in(name)) {
            println!("{name} is set and does not reach the tests");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_the_tests_is_kept_from_them() {
        let these = [
            "KRACH_CLAP",
            "KRACH_VST3",
            "KRACH_WRITE_DOCS",
            "KRACH_FAUST",
            "KRACH_GUARD_CASE",
            "UPDATE_GOLDEN",
            "NOISE_SOCKET",
            "NOISE_DSP_DIR",
            "PATTERN_ENGINE_MIDI_CLOCK",
            "PROPTEST_CASES",
            "RUST_TEST_SHUFFLE",
            "PYTEST_ADDOPTS",
        ];
        for name in these {
            assert!(reaches_in(name), "{name}");
        }
        for name in ["PATH", "HOME", "TMPDIR", "CARGO_TARGET_DIR", "RUST_TEST_THREADS", "RUSTFLAGS"] {
            assert!(!reaches_in(name), "{name}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_program_that_is_started_does_not_see_them() {
        // A process of its own has them set: a test must not change its own environment.
        const APART: &str = "XTASK_TEST_ENVIRONMENT";
        if env::var_os(APART).is_none() {
            let mut again = Command::new(env::current_exe().unwrap());
            again.args(["--exact", "environment::tests::a_program_that_is_started_does_not_see_them"]);
            again.env(APART, "1").env("KRACH_CLAP", "/other.clap").env("UPDATE_GOLDEN", "1");
            let output = again.output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success() && text.contains("1 passed"), "{text}");
            return;
        }
        let seen = without_the_callers(&mut Command::new("env")).output().unwrap();
        let seen = String::from_utf8_lossy(&seen.stdout).into_owned();
        assert!(seen.contains(APART), "{seen}");
        assert!(!seen.contains("KRACH_CLAP") && !seen.contains("UPDATE_GOLDEN"), "{seen}");
    }
}
