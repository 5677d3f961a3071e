//! `run`: krach with a window and a sound card, without a DAW.

use crate::failure::Result;
use crate::setup::{Need, setup};
use crate::workspace::{Workspace, run};

/// Builds the program and runs it with the arguments given. It ends with its window, or by Ctrl-C.
///
/// # Errors
/// If a package is missing and cannot be installed, the build fails, or the program reports failure.
pub fn standalone(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    setup(&[Need::Plugin, Need::Window, Need::Sound])?;
    let mut command = workspace.cargo(["run", "--release", "--package", "krach-plugin"]);
    command.args(["--features", "standalone", "--bin", "krach-standalone", "--"]).args(arguments);
    // Here they are the musician's own: where the socket and the sounds are.
    command.envs(std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("NOISE_")));
    run(&mut command)
}
