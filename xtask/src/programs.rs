//! The programs of tests that cargo builds, run one test at a time.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::environment::without_the_callers;
use crate::failure::{Failure, Result};
use crate::workspace::{line, output};

/// A program of tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestProgram {
    /// The name of its target: `slots`, or the library's.
    pub name: String,
    file: PathBuf,
    /// The package's folder, in which cargo runs it.
    folder: PathBuf,
}

/// Builds what a `cargo test` command builds, and gives its programs.
///
/// # Errors
/// If it does not build.
pub fn build(test: &mut Command) -> Result<Vec<TestProgram>> {
    test.args(["--no-run", "--message-format", "json-render-diagnostics"]);
    println!("$ {}", line(test));
    Ok(output(test)?.lines().filter_map(program).collect())
}

/// The program of tests that a line of cargo's messages tells of, if it does.
fn program(message: &str) -> Option<TestProgram> {
    let message: Value = serde_json::from_str(message).ok()?;
    if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
        return None;
    }
    let folder = Path::new(message["manifest_path"].as_str()?).parent()?.to_owned();
    let name = message["target"]["name"].as_str()?.to_owned();
    Some(TestProgram { name, file: message["executable"].as_str()?.into(), folder })
}

impl TestProgram {
    /// The program with these arguments, as cargo starts it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.file);
        without_the_callers(&mut command);
        command.args(arguments).current_dir(&self.folder).env("CARGO_MANIFEST_DIR", &self.folder);
        command.stdin(Stdio::null());
        command
    }

    /// Names of its ignored tests that a word occurs in.
    ///
    /// # Errors
    /// If it does not list them.
    pub fn ignored(&self, word: &str) -> Result<Vec<String>> {
        let list = output(&mut self.command(&["--list", "--ignored", word]))?;
        let name = |line: &str| line.strip_suffix(": test").map(str::to_owned);
        Ok(list.lines().filter_map(name).collect())
    }
}

/// The one program among those that were built, where one was asked for.
///
/// # Errors
/// If there are none or several.
pub fn only(mut programs: Vec<TestProgram>, asked: &str) -> Result<TestProgram> {
    match (programs.pop(), programs.len()) {
        (Some(program), 0) => Ok(program),
        _ => Err(Failure::Check(format!("{asked} is not one program of tests"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_tests_are_told_from_other_artifacts() {
        let message = |test: bool, file: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/w/core/Cargo.toml","target":{{"name":"slots"}},
                "profile":{{"test":{test}}},"executable":{file}}}"#
            )
        };
        let expected =
            TestProgram { name: "slots".into(), file: "/t/slots-01".into(), folder: "/w/core".into() };
        assert_eq!(program(&message(true, "\"/t/slots-01\"")), Some(expected));
        assert_eq!(program(&message(false, "\"/t/krach-host\"")), None);
        assert_eq!(program(&message(true, "null")), None);
        assert_eq!(program(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(program("running 1 test"), None);
    }
}
