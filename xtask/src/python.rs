//! Tests in Python: hosts that others wrote, with the bundle in them, and the client.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::environment::without_the_callers;
use crate::failure::{Failure, Result};
use crate::workspace::{Workspace, line, run};

/// Tests of one folder, in a virtual environment of their own.
#[derive(Clone, Copy)]
pub struct Folder {
    /// The folder; its `requirements.txt` pins all of the packages that the tests need.
    path: &'static str,
    /// Name of the virtual environment under the target folder.
    venv: &'static str,
}

/// Hosts that others wrote.
pub const HOSTS: Folder = Folder { path: "tests/hosts", venv: "venv-hosts" };
/// The client.
pub const CLIENT: Folder = Folder { path: "python", venv: "venv-client" };
/// The documentation site.
pub const DOCS: Folder = Folder { path: "docs/site", venv: "venv-docs" };

/// pytest's status where no test was chosen.
const NONE_CHOSEN: i32 = 5;

/// Python in a virtual environment under the target folder that holds exactly the pinned packages.
///
/// # Errors
/// If there is no Python, or a package cannot be installed.
pub fn interpreter(workspace: &Workspace, folder: Folder) -> Result<PathBuf> {
    let venv = workspace.target.join(folder.venv);
    let interpreter = venv.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if !interpreter.is_file() {
        let system = if cfg!(windows) { "python" } else { "python3" };
        run(Command::new(system).args(["-m", "venv"]).arg(&venv))?;
    }
    let pins = workspace.root.join(folder.path).join("requirements.txt");
    // Without what they want in turn: that is pinned, too, and `check` says where something is missing.
    let mut install = Command::new(&interpreter);
    run(install.args(["-m", "pip", "install", "--quiet", "--no-deps", "--requirement"]).arg(pins))?;
    run(Command::new(&interpreter).args(["-m", "pip", "--quiet", "check"]))?;
    Ok(interpreter)
}

/// pytest in the folder, for the tests that a marker expression chooses (`soak`, `not soak`).
pub fn pytest(workspace: &Workspace, folder: Folder, interpreter: &Path, chosen: &str) -> Command {
    let mut pytest = module(workspace, folder, interpreter, "pytest");
    pytest.args(["--strict-markers", "-m", chosen]);
    // The bundle is there, wherever the target folder is.
    pytest.env("CARGO_TARGET_DIR", &workspace.target);
    pytest
}

/// Form, lints and types of the client.
///
/// # Errors
/// If one of them does not hold.
pub fn lints(workspace: &Workspace, interpreter: &Path) -> Result<()> {
    let module = |name: &str| module(workspace, CLIENT, interpreter, name);
    // What builds the documentation site is held to the same.
    let both = ["--quiet", "--config", "pyproject.toml", ".", "../docs/site"];
    run(module("ruff").args(["format", "--check"]).args(both))?;
    run(module("ruff").arg("check").args(both))?;
    // The packages are those of the environment, whatever Python is first on the path.
    run(module("basedpyright").args(["--level", "error", "--pythonpath"]).arg(interpreter))
}

/// A Python program that runs in the folder.
pub fn module(workspace: &Workspace, folder: Folder, interpreter: &Path, name: &str) -> Command {
    let mut command = Command::new(interpreter);
    without_the_callers(&mut command);
    command.args(["-m", name]).current_dir(workspace.root.join(folder.path));
    command
}

/// Names of the tests that a marker expression chooses.
///
/// # Errors
/// If they cannot be collected.
pub fn list(workspace: &Workspace, folder: Folder, interpreter: &Path, chosen: &str) -> Result<Vec<String>> {
    let mut pytest = pytest(workspace, folder, interpreter, chosen);
    pytest.args(["--collect-only", "--quiet"]);
    let failed = |command: &Command, ended| Failure::Program { line: line(command), ended };
    let output = pytest.output().map_err(|error| failed(&pytest, format!("could not start: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    match output.status.code() {
        Some(0 | NONE_CHOSEN) => Ok(names(&text)),
        _ => Err(failed(&pytest, format!("ended with {}\n{text}", output.status))),
    }
}

/// Of what `--collect-only` prints, the lines that name a test.
fn names(list: &str) -> Vec<String> {
    list.lines().filter(|line| line.contains("::")).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_of_a_collection_are_named() {
        let list = "test_a.py::test_long[1]\ntest_a.py::test_long[2]\n\n2/3 tests collected (1 deselected) in 0.03s\n";
        assert_eq!(names(list), ["test_a.py::test_long[1]", "test_a.py::test_long[2]"]);
        assert_eq!(names("\nno tests collected (3 deselected) in 0.01s\n"), [""; 0]);
    }

    #[test]
    fn every_package_is_pinned() {
        for (folder, needs) in [(HOSTS, "pytest=="), (CLIENT, "pytest=="), (DOCS, "Sphinx==")] {
            let pins = Workspace::of_tests().root.join(folder.path).join("requirements.txt");
            let pins = std::fs::read_to_string(pins).unwrap();
            let packages: Vec<_> = pins.lines().filter(|line| !line.starts_with('#')).collect();
            assert!(packages.iter().any(|line| line.starts_with(needs)), "{pins}");
            for line in packages {
                let (_, version) = line.split_once("==").unwrap_or_else(|| panic!("{line} is not pinned"));
                assert!(version.starts_with(|first: char| first.is_ascii_digit()), "{line}");
            }
        }
    }
}
