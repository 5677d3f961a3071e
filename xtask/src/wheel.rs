//! `wheel`: the Python client as musicians install it, alone and with the plugin.

use std::fs;
use std::path::{Path, PathBuf};

use crate::bundle::bundle;
use crate::failure::{Failure, Result};
use crate::python::{self, CLIENT};
use crate::workspace::{Workspace, run};

/// The host that the wheel of this system carries.
const HOST: &str = if cfg!(windows) { "krach-host.exe" } else { "krach-host" };

/// Builds the plugin and `krach-host`, and lays two wheels and the extension for VS Code into `target/wheels`.
///
/// One wheel is the client alone. The other one carries what was built: whoever installs it needs no Rust.
///
/// # Errors
/// If something cannot be built.
pub fn wheel(workspace: &Workspace) -> Result<()> {
    let bundles = bundle(workspace)?;
    run(&mut workspace.cargo(["build", "--release", "--package", "krach-host", "--bin", "krach-host"]))?;
    let interpreter = python::interpreter(workspace, CLIENT)?;
    let folder = workspace.target.join("wheels");
    empty(&folder)?;
    let backend = || {
        let mut hatchling = python::module(workspace, CLIENT, &interpreter, "hatchling");
        hatchling.args(["build", "--target", "wheel", "--directory"]).arg(&folder);
        hatchling
    };
    run(&mut backend())?;
    let mut carrying = backend();
    carrying.env("KRACH_WHEEL_BUNDLED", bundles.clap.parent().unwrap_or(&bundles.clap));
    run(carrying.env("KRACH_WHEEL_HOST", workspace.target.join("release").join(HOST)))?;
    let mut pack = std::process::Command::new(&interpreter);
    run(pack.arg(workspace.root.join("editors/vscode/pack.py")).arg(&folder))?;
    for each in made(&folder)? {
        println!("wheel: {}", each.display());
    }
    Ok(())
}

/// Makes a folder that has nothing of an earlier version in it.
fn empty(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        fs::remove_dir_all(folder).map_err(|source| Failure::file("remove", folder, source))?;
    }
    fs::create_dir_all(folder).map_err(|source| Failure::file("create", folder, source))
}

/// What lies in a folder, by name.
fn made(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let entries = entries.map_err(|source| Failure::file("read", folder, source))?;
    let mut made: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    made.sort();
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_version_left_is_not_among_what_was_made() {
        let folder = std::env::temp_dir().join(format!("krach-wheels-{}", std::process::id()));
        empty(&folder).unwrap();
        fs::write(folder.join("krach_plugin-0.0.9-py3-none-any.whl"), "").unwrap();
        empty(&folder).unwrap();
        for name in ["krach_plugin-0.1.0-py3-none-any.whl", "krach-live-0.1.0.vsix"] {
            fs::write(folder.join(name), "").unwrap();
        }
        let names: Vec<_> =
            made(&folder).unwrap().iter().map(|path| path.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["krach-live-0.1.0.vsix", "krach_plugin-0.1.0-py3-none-any.whl"]);
        fs::remove_dir_all(&folder).unwrap();
    }
}
