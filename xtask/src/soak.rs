//! `soak`: the tests that take longer than a minute, one after the other.
//!
//! Such a test is ignored with a reason that begins `soak: `, and its name begins `soak_`, by which it is chosen
//! here; in Python it has the marker `soak`. `ignored.rs` holds the sources to that.

use crate::bundle::bundle;
use crate::counts::Counts;
use crate::environment::name_the_callers;
use crate::failure::Result;
use crate::gate::Gate;
use crate::programs::{self, TestProgram};
use crate::python::{self, CLIENT, Folder, HOSTS};
use crate::setup::{EVERYTHING, setup};
use crate::suites;
use crate::test::STANDALONE;
use crate::workspace::Workspace;
use std::path::PathBuf;

/// What the names of these tests begin with.
pub const PREFIX: &str = "soak_";

/// A test of the soak.
enum Soak {
    Rust(TestProgram, String),
    /// Folder and interpreter, and pytest's name for it.
    Python(Folder, PathBuf, String),
}

/// Builds everything in which there are such tests, and runs those in whose names all the words occur.
///
/// # Errors
/// If a test fails, something does not build, or no test is of that name.
pub fn soak(workspace: &Workspace, words: &[String]) -> Result<()> {
    let mut gate = Gate::default();
    name_the_callers();
    gate.step("setup", || setup(EVERYTHING));
    gate.step("bundle", || bundle(workspace));
    let mut tests = workspace.cargo(["test", "--workspace", "--locked", "--features", STANDALONE]);
    let programs = gate.step("build", || programs::build(&mut tests)).unwrap_or_default();
    let mut all = Vec::new();
    for program in programs {
        let names = gate.step(&format!("list {}", program.name), || program.ignored(PREFIX));
        all.extend(names.unwrap_or_default().into_iter().map(|name| Soak::Rust(program.clone(), name)));
    }
    for (name, folder) in [("client", CLIENT), ("hosts", HOSTS)] {
        let Some(interpreter) = gate.step("Python", || python::interpreter(workspace, folder)) else {
            continue;
        };
        let names =
            gate.step(&format!("list {name}"), || python::list(workspace, folder, &interpreter, "soak"));
        let soak = |name| Soak::Python(folder, interpreter.clone(), name);
        all.extend(names.unwrap_or_default().into_iter().map(soak));
    }
    gate.forget_steps_that_held();
    all.retain(|soak| words.iter().all(|word| soak.name().contains(word)));
    if all.is_empty() {
        gate.fail(&format!("soak: no test is named so: {}", words.join(" ")));
    }
    let count = all.len();
    for (at, soak) in all.iter().enumerate() {
        println!("\nsoak: {} of {count}: {}", at + 1, soak.name());
        gate.suite(&soak.name(), 1, || match soak {
            Soak::Rust(program, name) => {
                let mut command = program.command(&["--exact", name, "--ignored", "--nocapture"]);
                suites::run(&mut command, Counts::of_cargo)
            }
            Soak::Python(folder, interpreter, name) => {
                let mut pytest = python::pytest(workspace, *folder, interpreter, "soak");
                suites::run(pytest.args(["-s", name]), Counts::of_pytest)
            }
        });
    }
    gate.finish()
}

impl Soak {
    fn name(&self) -> String {
        match self {
            Self::Rust(program, name) => format!("{}: {name}", program.name),
            Self::Python(_, _, name) => name.clone(),
        }
    }
}
