//! Where the project and its build results are, and how its programs are run.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Failure, Result};

/// Folders of the checkout in which the task runs.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The folder of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder, wherever the user put it (`CARGO_TARGET_DIR`, `build.target-dir`).
    pub target: PathBuf,
}

impl Workspace {
    /// Asks cargo.
    ///
    /// # Errors
    /// If cargo cannot read the workspace.
    pub fn find() -> Result<Self> {
        let mut command = cargo();
        command.args(["metadata", "--format-version", "1", "--no-deps"]);
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        let text = output(&mut command)?;
        let folders = |key: &str| -> Option<PathBuf> {
            let metadata: serde_json::Value = serde_json::from_str(&text).ok()?;
            Some(PathBuf::from(metadata.get(key)?.as_str()?))
        };
        match (folders("workspace_root"), folders("target_directory")) {
            (Some(root), Some(target)) => Ok(Self { root, target }),
            _ => Err(Failure::Check(
                "`cargo metadata` names no workspace_root and target_directory".to_owned(),
            )),
        }
    }

    /// Folder of the finished plugin bundles.
    pub fn bundled(&self) -> PathBuf {
        self.target.join("bundled")
    }

    /// A cargo command that runs in the root of the workspace.
    pub fn cargo<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut command = cargo();
        command.args(arguments).current_dir(&self.root);
        command
    }
}

/// The cargo that runs this task.
fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
}

/// A command line as a person would type it.
pub fn line(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let mut line = match program.file_stem() {
        Some(name) if program.is_absolute() => name.to_string_lossy().into_owned(),
        _ => program.to_string_lossy().into_owned(),
    };
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

/// Runs a command with its output on our terminal.
///
/// # Errors
/// If it cannot start or reports failure.
pub fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", line(command));
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(ended(command, &format!("ended with {status}"))),
        Err(source) => Err(ended(command, &format!("could not start: {source}"))),
    }
}

/// Runs a command and returns what it printed; its complaints stay on our terminal.
///
/// # Errors
/// If it cannot start or reports failure.
pub fn output(command: &mut Command) -> Result<String> {
    command.stderr(std::process::Stdio::inherit());
    match command.output() {
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(output) => Err(ended(command, &format!("ended with {}", output.status))),
        Err(source) => Err(ended(command, &format!("could not start: {source}"))),
    }
}

/// Whether a program can be found on the search path.
pub fn on_path(program: &str) -> bool {
    let Some(path) = env::var_os("PATH") else { return false };
    let file = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&path).any(|folder| folder.join(&file).is_file())
}

fn ended(command: &Command, how: &str) -> Failure {
    Failure::Program { line: line(command), ended: how.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_the_one_that_holds_this_package() {
        let workspace = Workspace::find().unwrap();
        assert!(workspace.root.join("xtask/Cargo.toml").is_file());
        assert!(workspace.target.is_absolute());
    }

    #[test]
    fn a_failing_program_is_named_with_its_arguments() {
        let mut command = cargo();
        command.args(["no-such-subcommand-of-cargo"]).stderr(std::process::Stdio::null());
        let text = run(&mut command).unwrap_err().to_string();
        assert!(text.starts_with("`cargo no-such-subcommand-of-cargo` ended with"), "{text}");
    }

    #[test]
    fn programs_are_looked_up_on_the_search_path() {
        assert!(on_path("cargo"));
        assert!(!on_path("no-such-program-anywhere"));
    }
}
