//! `test`: everything that has to hold, in one run, with one line at the end.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use crate::bundle::bundle;
use crate::counts::Counts;
use crate::docs;
use crate::environment::name_the_callers;
use crate::failure::{Failure, Result};
use crate::gate::Gate;
use crate::licences;
use crate::python::{self, CLIENT, HOSTS};
use crate::setup::{EVERYTHING, setup};
use crate::suites::{self, Suites};
use crate::validate;
use crate::workspace::{Workspace, output, run};

/// The feature of the program without a DAW, which is checked and tested, too: its tests start it.
pub const STANDALONE: &str = "krach-plugin/standalone";
/// Not part of the workspace, since what drives them needs a nightly compiler; they are compiled all the same.
const FUZZ: [&str; 2] = ["patterns/fuzz/Cargo.toml", "core/patch/fuzz/Cargo.toml"];

/// Systems whose own code is compiled where rustup has their standard library.
const ELSEWHERE: [(&str, &str, bool); 2] = [
    ("macOS", "aarch64-apple-darwin", cfg!(target_os = "macos")),
    ("Windows", "x86_64-pc-windows-msvc", cfg!(windows)),
];

/// So many tests there are at least.
#[derive(Deserialize)]
struct Floor {
    cargo: u64,
    client: u64,
    hosts: u64,
}

/// Sets up, checks the form, bundles, runs every test, and prints `N passed, N failed` last.
///
/// A step that fails does not keep the later ones from running; it counts as one failure.
///
/// # Errors
/// If anything failed. The counts are printed in any case.
pub fn test(workspace: &Workspace) -> Result<()> {
    let mut gate = Gate::default();
    name_the_callers();
    gate.step("setup", || setup(EVERYTHING));
    form(workspace, &mut gate);
    // The tests of the plugin load the bundle as a host does.
    if let Some(bundles) = gate.step("bundle", || bundle(workspace)) {
        for validator in validate::VALIDATORS {
            if validator.is_here() {
                gate.step(validator.program, || validator.run(&bundles));
            } else {
                gate.not_checked(validator.missing());
            }
        }
    }
    let floor =
        gate.step("floor", || floor(&workspace.root)).unwrap_or(Floor { cargo: 0, client: 0, hosts: 0 });
    let mut tests = workspace.cargo(["test", "--workspace", "--no-fail-fast", "--locked"]);
    tests.args(["--features", STANDALONE]);
    let ran = gate.suite("tests", floor.cargo, || suites::run(&mut tests, Counts::of_cargo));
    look_for_lost_tests(&mut gate, &ran);
    for (name, folder, floor) in [("client", CLIENT, floor.client), ("hosts", HOSTS, floor.hosts)] {
        let Some(interpreter) = gate.step("Python", || python::interpreter(workspace, folder)) else {
            continue;
        };
        if name == "client" {
            gate.step("lints of the client", || python::lints(workspace, &interpreter));
        }
        let mut pytest = python::pytest(workspace, folder, &interpreter, "not soak");
        gate.suite(name, floor, || suites::run(&mut pytest, Counts::of_pytest));
    }
    // By the host that the tests were run with.
    let host = workspace.target.join("debug").join(docs::HOST);
    gate.step("documentation site", || docs::site(workspace, &host));
    if ran.soak > 0 {
        gate.not_checked(format!("{} tests that take longer than a minute (`cargo xtask soak`)", ran.soak));
    }
    gate.not_checked(
        "known faults of packages (advisories): their list is not fetched by each run (`cargo xtask audit`)",
    );
    gate.not_checked(
        "undefined behaviour by Miri: `unsafe` stands only where C, the host or the processor's registers are \
         called, which Miri cannot run",
    );
    gate.finish()
}

/// Format, lints, documentation, licences: what can be told without running anything.
fn form(workspace: &Workspace, gate: &mut Gate) {
    gate.step("format", || {
        run(&mut workspace.cargo(["fmt", "--all", "--check"]))?;
        FUZZ.iter().try_for_each(|manifest| {
            run(&mut workspace.cargo(["fmt", "--check", "--manifest-path", manifest]))
        })
    });
    gate.step("licences", || licences::check(workspace));
    gate.step("lints", || {
        let mut all = workspace.cargo(["clippy", "--workspace", "--all-targets", "--locked"]);
        run(all.args(["--features", STANDALONE, "--", "-D", "warnings"]))?;
        // The plugin as it is shipped.
        let mut plugin = workspace.cargo(["clippy", "--package", "krach-plugin", "--locked"]);
        run(plugin.args(["--", "-D", "warnings"]))
    });
    gate.step("documentation", || {
        let mut doc = workspace.cargo(["doc", "--workspace", "--no-deps", "--document-private-items"]);
        // Private items are documented, too, so that links to them lead somewhere.
        run(doc.arg("--locked").env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links"))
    });
    gate.step("fuzz targets", || {
        FUZZ.iter().try_for_each(|manifest| {
            let mut check =
                workspace.cargo(["check", "--locked", "--manifest-path", manifest, "--target-dir"]);
            // Only compiled: the C++ that drives them need not be built, and is said to be somewhere else.
            run(check.arg(&workspace.target).env("CUSTOM_LIBFUZZER_PATH", "/nowhere/libfuzzer.a"))
        })
    });
    for (system, target, is_here) in ELSEWHERE {
        match has_std(target) {
            _ if is_here => {}
            true => {
                gate.step(system, || {
                    let mut check = workspace.cargo(["check", "--workspace", "--all-targets", "--locked"]);
                    run(check.args(["--target", target]))
                });
            }
            false => gate.not_checked(format!(
                "code for {system}: the standard library of {target} is not installed (`rustup target add {target}`)"
            )),
        }
    }
}

/// Is the standard library of a target installed?
fn has_std(target: &str) -> bool {
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--print", "target-libdir", "--target", target]);
    output(&mut rustc).is_ok_and(|folder| Path::new(folder.trim()).is_dir())
}

/// Each program that cargo starts has tests: one that reports none has lost them.
fn look_for_lost_tests(gate: &mut Gate, ran: &Suites) {
    for program in ran.without_tests() {
        let what = format!("{program} reports no test");
        // Some programs are Linux's alone, and empty elsewhere.
        if cfg!(all(target_os = "linux", target_env = "gnu")) {
            gate.fail(&what);
        } else {
            gate.not_checked(what);
        }
    }
}

/// The floor of this system: the numbers are Linux's.
fn floor(root: &Path) -> Result<Floor> {
    let path = root.join("xtask/floor.toml");
    let text = fs::read_to_string(&path).map_err(|source| Failure::file("read", &path, source))?;
    let floor: Floor = basic_toml::from_str(&text).map_err(|error| Failure::Content {
        path,
        line: None,
        problem: error.to_string(),
    })?;
    let is_linux = cfg!(all(target_os = "linux", target_env = "gnu"));
    Ok(if is_linux { floor } else { Floor { cargo: 1, client: 1, hosts: 1 } })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_is_read_and_is_no_empty_one() {
        let floor = floor(&Workspace::of_tests().root).unwrap();
        assert!(floor.cargo > 0 && floor.client > 0 && floor.hosts > 0);
    }

    #[test]
    fn the_standard_library_of_this_system_is_there_and_of_an_unknown_one_is_not() {
        let mut rustc = Command::new("rustc");
        let host = output(rustc.args(["--print", "host-tuple"])).unwrap();
        assert!(has_std(host.trim()));
        assert!(!has_std("m68k-unknown-none"));
    }
}
