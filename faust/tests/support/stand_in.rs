//! Commands that stand in for `faust`: scripts that do what no text makes it do.

use super::command;
use krach_faust::{Compiler, CpuLevel, FaustCommand, ObjectCache};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// A script in the place of the command, with FAUST's own libraries beside it. It runs in the folder of the
/// compile; in it `$LOG` is a file that stays, and `$FAUST` the real command.
pub struct StandIn(PathBuf);

impl StandIn {
    pub fn new(name: &str, script: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("krach-stand-in-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let this = Self(folder.canonicalize().unwrap_or(folder));
        fs::create_dir_all(this.0.join("bin")).expect("makes a folder");
        fs::create_dir_all(this.0.join("share")).expect("makes a folder");
        symlink(command().libraries(), this.0.join("share/faust")).expect("links");
        let real = command().libraries().parent().and_then(Path::parent).expect("a prefix").join("bin/faust");
        let head = format!("#!/bin/sh\nLOG={}\nFAUST={}\n", this.log().display(), real.display());
        let program = this.0.join("bin/faust");
        let draft = this.0.join("draft");
        fs::write(&draft, head + script).expect("writes");
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o755)).expect("may be run");
        // Another process writes it: a file that is open for writing, here or in a child that another thread
        // is just starting, cannot be run. Where children are not waited for, the status is an error.
        let _ = std::process::Command::new("cp").arg("-p").arg(&draft).arg(&program).status();
        assert!(program.is_file(), "was copied");
        this
    }

    fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// What scripts wrote to `$LOG`.
    pub fn logged(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    pub fn command(&self) -> FaustCommand {
        FaustCommand::at(&self.0.join("bin/faust")).expect("stands in")
    }

    pub fn compiler(&self) -> Compiler {
        let cpu = CpuLevel::host().expect("a CPU of at least x86-64-v2");
        Compiler::for_cpu(self.command().into(), ObjectCache::in_memory(), cpu)
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
