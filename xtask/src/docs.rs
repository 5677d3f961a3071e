//! `docs`: the pages of `docs/` as a site, with the sound and the picture of every recipe.

use std::path::Path;
use std::process::Command;

use crate::bundle::bundle;
use crate::environment::without_the_callers;
use crate::failure::Result;
use crate::python::{self, DOCS};
use crate::setup::{Need, setup};
use crate::workspace::{Workspace, run};

/// The host that renders the recipes.
pub const HOST: &str = if cfg!(windows) { "krach-host.exe" } else { "krach-host" };

/// Builds the plugin and `krach-host`, and the site into `target/docs`.
///
/// # Errors
/// If something cannot be built, a page has a mistake, or a link leads nowhere.
pub fn docs(workspace: &Workspace) -> Result<()> {
    setup(&[Need::Plugin])?;
    bundle(workspace)?;
    run(&mut workspace.cargo(["build", "--release", "--package", "krach-host", "--bin", "krach-host"]))?;
    site(workspace, &workspace.target.join("release").join(HOST))
}

/// Builds the site with a bundle that is there.
///
/// # Errors
/// If a page has a mistake, a recipe does not play, or a link leads nowhere.
pub fn site(workspace: &Workspace, host: &Path) -> Result<()> {
    let interpreter = python::interpreter(workspace, DOCS)?;
    let mut build = Command::new(interpreter);
    without_the_callers(&mut build);
    build.arg(workspace.root.join("docs/site/build.py")).arg(&workspace.target);
    build.env("CARGO_TARGET_DIR", &workspace.target).env("KRACH_HOST", host);
    run(&mut build)
}
