//! Where the project and its build results are, and how its programs are run.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::environment::without_the_callers;
use crate::failure::{Failure, Result};

/// Folders of the checkout in which the task runs.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The folder of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder, wherever the user put it (`CARGO_TARGET_DIR`, `build.target-dir`).
    pub target: PathBuf,
    /// Names of its packages.
    packages: Vec<String>,
}

/// `cargo metadata`, as far as it is read here.
#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
}

/// This package, which runs: Windows does not let its program be deleted.
const OURSELVES: &str = env!("CARGO_PKG_NAME");

impl Workspace {
    /// Asks cargo.
    ///
    /// # Errors
    /// If cargo cannot read the workspace.
    pub fn find() -> Result<Self> {
        let here = env::current_dir().map_err(|source| Failure::file("find", Path::new("."), source))?;
        let workspace = Self::at(&checkout(env::var_os("CARGO_MANIFEST_DIR"), here))?;
        workspace.settle()?;
        Ok(workspace)
    }

    /// The workspace that a folder belongs to.
    fn at(folder: &Path) -> Result<Self> {
        let mut command = cargo();
        command.args(["metadata", "--format-version", "1", "--no-deps"]).current_dir(folder);
        let text = output(&mut command)?;
        let metadata: Metadata = serde_json::from_str(&text)
            .map_err(|error| Failure::Check(format!("`cargo metadata` is not understood: {error}")))?;
        let packages = metadata.packages.into_iter().map(|package| package.name).collect();
        Ok(Self { root: metadata.workspace_root, target: metadata.target_directory, packages })
    }

    /// The same packages in other folders.
    pub fn elsewhere(&self, root: PathBuf, target: PathBuf) -> Self {
        Self { root, target, packages: self.packages.clone() }
    }

    /// The workspace in which a test runs.
    #[cfg(test)]
    pub fn of_tests() -> Self {
        let folder = env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it for its tests");
        Self::at(Path::new(&folder)).expect("the workspace of a test can be read")
    }

    /// Has the packages of the workspace built anew where the target folder came from another checkout: cargo takes
    /// what a copied target folder holds for fresh, and its programs read and write the files of the first.
    fn settle(&self) -> Result<()> {
        let file = self.target.join("checkout");
        let here = self.root.to_string_lossy();
        match fs::read_to_string(&file) {
            Ok(there) if there == here => return Ok(()),
            Ok(there) => {
                println!(
                    "{} was built in {there}: the project's own packages are built anew",
                    self.target.display()
                );
                for profile in ["dev", "release"] {
                    let mut clean = self.cargo(["clean", "--quiet", "--profile", profile]);
                    for package in self.packages.iter().filter(|name| *name != OURSELVES) {
                        clean.args(["--package", package]);
                    }
                    run(clean.env("CARGO_TARGET_DIR", &self.target))?;
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(Failure::file("read", &file, source)),
        }
        fs::create_dir_all(&self.target).map_err(|source| Failure::file("create", &self.target, source))?;
        fs::write(&file, &*here).map_err(|source| Failure::file("write", &file, source))
    }

    /// All files of the checkout, as paths in its root; without what is built and what git keeps.
    ///
    /// # Errors
    /// If a folder cannot be read.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        let (mut files, mut open) = (Vec::new(), vec![self.root.clone()]);
        while let Some(folder) = open.pop() {
            let unreadable = |source| Failure::file("list", &folder, source);
            for entry in fs::read_dir(&folder).map_err(unreadable)? {
                let path = entry.map_err(unreadable)?.path();
                let name = path.file_name().unwrap_or_default();
                if path == self.target
                    || [".git", "target", "__pycache__", ".pytest_cache"].iter().any(|no| name == *no)
                {
                    continue;
                }
                if path.is_dir() {
                    open.push(path);
                } else if let Ok(inside) = path.strip_prefix(&self.root) {
                    files.push(inside.to_owned());
                }
            }
        }
        files.sort();
        Ok(files)
    }

    /// Folder of the finished plugin bundles.
    pub fn bundled(&self) -> PathBuf {
        self.target.join("bundled")
    }

    /// A cargo command that runs in the root of the workspace, and sees no variables that reach into tests.
    pub fn cargo<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut command = cargo();
        command.args(arguments).current_dir(&self.root);
        without_the_callers(&mut command);
        command
    }
}

/// The folder of the checkout that this run is for. Where this program was built says nothing of it: in a copy of
/// a checkout, cargo takes a copied target folder for fresh. Cargo names the package's folder when it starts us.
fn checkout(package: Option<OsString>, here: PathBuf) -> PathBuf {
    package.map_or(here, PathBuf::from)
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
        let workspace = Workspace::of_tests();
        assert!(workspace.root.join("xtask/Cargo.toml").is_file());
        assert!(workspace.target.is_absolute());
        assert!(workspace.packages.iter().any(|name| name == "krach-core"));
    }

    #[test]
    fn a_copied_checkout_is_the_one_that_is_worked_on() {
        // Cargo names the folder of the package that it runs; the program itself may lie anywhere.
        let here = || PathBuf::from("/somewhere");
        assert_eq!(checkout(Some("/copy/xtask".into()), here()), Path::new("/copy/xtask"));
        assert_eq!(checkout(None, here()), Path::new("/somewhere"));
    }

    #[test]
    fn what_another_checkout_built_is_built_anew() {
        // A workspace of one package, built, copied with its target folder, and settled in the copy.
        let folder = env::temp_dir().join(format!("krach-checkout-{}", std::process::id()));
        let (first, copy) = (folder.join("first"), folder.join("copy"));
        fs::create_dir_all(first.join("src")).unwrap();
        let manifest = "[package]\nname = \"tiny\"\nedition = \"2024\"\n[profile.release]\n[workspace]\n";
        fs::write(first.join("Cargo.toml"), manifest).unwrap();
        let main = "fn main() { println!(\"{}\", env!(\"CARGO_MANIFEST_DIR\")); }";
        fs::write(first.join("src/main.rs"), main).unwrap();
        let at = |folder: &Path| {
            let mut command = cargo();
            command.args(["metadata", "--format-version", "1", "--no-deps"]).current_dir(folder);
            command.env("CARGO_TARGET_DIR", folder.join("target"));
            let metadata: Metadata = serde_json::from_str(&output(&mut command).unwrap()).unwrap();
            let packages = metadata.packages.into_iter().map(|package| package.name).collect();
            Workspace { root: metadata.workspace_root, target: metadata.target_directory, packages }
        };
        let says = |workspace: &Workspace| {
            let mut run = workspace.cargo(["run", "--quiet", "--offline"]);
            output(run.env("CARGO_TARGET_DIR", &workspace.target)).unwrap()
        };
        let original = at(&first);
        original.settle().unwrap();
        assert_eq!(says(&original).trim(), original.root.to_string_lossy());
        assert!(Command::new("cp").arg("-a").arg(&first).arg(&copy).status().unwrap().success());
        let copied = at(&copy);
        assert_eq!(says(&copied).trim(), original.root.to_string_lossy(), "cargo takes it for fresh");
        copied.settle().unwrap();
        assert_eq!(says(&copied).trim(), copied.root.to_string_lossy());
        fs::remove_dir_all(folder).unwrap();
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
