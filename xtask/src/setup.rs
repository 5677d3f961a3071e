//! `setup`: what the system must have before anything is built.

use std::process::Command;

use crate::apt::apt_get;
use crate::failure::Result;
use crate::workspace::{on_path, output};

/// What a package is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Building and playing the plugin.
    Plugin,
    /// A display for the window.
    Window,
    /// Sound cards and MIDI ports, for the program without a DAW.
    Sound,
    /// Testing.
    Tests,
}

/// A Debian package that the build needs, and what for.
struct Package {
    name: &'static str,
    reason: &'static str,
    need: Need,
}

/// Everything that a Debian or Ubuntu system needs beyond Rust itself.
const PACKAGES: &[Package] = &[
    Package {
        name: "gcc",
        reason: "links the plugin and compiles the C sources of zstd",
        need: Need::Plugin,
    },
    Package { name: "libc6-dev", reason: "headers and start files for gcc", need: Need::Plugin },
    Package {
        name: "g++",
        reason: "LLVM is C++; and compiles the C++ of FAUST, which our compiler is compared with",
        need: Need::Plugin,
    },
    Package {
        name: "faust",
        reason: "the command and the libraries that our FAUST compiler is compared with",
        need: Need::Tests,
    },
    Package {
        name: "llvm-19-dev",
        reason: "back half of the FAUST compiler, linked statically",
        need: Need::Plugin,
    },
    Package { name: "libzstd-dev", reason: "LLVM links it", need: Need::Plugin },
    Package { name: "zlib1g-dev", reason: "LLVM links it", need: Need::Plugin },
    Package { name: "libegl1", reason: "the window draws with OpenGL", need: Need::Window },
    Package { name: "libgl1", reason: "the window draws with OpenGL", need: Need::Window },
    Package { name: "libx11-xcb1", reason: "the window speaks to the display", need: Need::Window },
    Package { name: "libxcursor1", reason: "the window's pointer", need: Need::Window },
    Package { name: "libxkbcommon-x11-0", reason: "the window's keys", need: Need::Window },
    Package { name: "libasound2-dev", reason: "speaks to sound cards and MIDI ports", need: Need::Sound },
    Package { name: "libjack-jackd2-dev", reason: "speaks to a JACK server", need: Need::Sound },
    Package { name: "pkg-config", reason: "finds those two", need: Need::Sound },
    Package { name: "python3-venv", reason: "hosts that are run from Python", need: Need::Tests },
    Package { name: "vim", reason: "the plugin for Vim is tested in it", need: Need::Tests },
    Package { name: "neovim", reason: "the plugin for Vim is tested in it, too", need: Need::Tests },
    Package { name: "emacs-nox", reason: "the lines for Emacs are tested in it", need: Need::Tests },
    Package { name: "xvfb", reason: "the display on which the window is tested", need: Need::Tests },
    Package {
        name: "jackd2",
        reason: "the server in which the program without a DAW is tested",
        need: Need::Tests,
    },
    Package { name: "openbox", reason: "the window manager that hosts want there", need: Need::Tests },
    Package { name: "xsettingsd", reason: "the desktop's settings that hosts look for", need: Need::Tests },
    Package {
        name: "libgl1-mesa-dri",
        reason: "OpenGL without a graphics card; and another LLVM, beside which ours is tested",
        need: Need::Tests,
    },
];

/// What other systems need, in the words of their own tools.
const ELSEWHERE: &str = "\
Besides Rust (https://rustup.rs) the build needs a C++ compiler and linker, LLVM 19 with its static libraries (and
zstd, zlib, libxml2, ncurses and z3, which those want); the tests want the `faust` command as well:
  macOS    xcode-select --install; brew install llvm@19
  Windows  Visual Studio Build Tools with \"Desktop development with C++\", LLVM 19
  Fedora   dnf install gcc-c++ llvm19-devel llvm19-static
  Arch     pacman -S gcc llvm19";

/// What the tests need: all but a sound card.
pub const EVERYTHING: &[Need] = &[Need::Plugin, Need::Window, Need::Sound, Need::Tests];

/// Installs what is missing, or says what is needed where there is no apt.
///
/// # Errors
/// If a package could not be installed.
pub fn setup(needs: &[Need]) -> Result<()> {
    if !cfg!(target_os = "linux") || !on_path("dpkg-query") || !on_path("apt-get") {
        println!("{ELSEWHERE}");
        return Ok(());
    }
    let wanted = PACKAGES.iter().filter(|package| needs.contains(&package.need));
    let count = wanted.clone().count();
    let missing = missing(wanted, &installed()?);
    if missing.is_empty() {
        println!("setup: all {count} Debian packages are there");
        return Ok(());
    }
    for package in &missing {
        println!("setup: {} is missing ({})", package.name, package.reason);
    }
    apt_get(&["update"])?;
    let mut install = vec!["install", "--yes", "--no-install-recommends"];
    install.extend(missing.iter().map(|package| package.name));
    apt_get(&install)
}

/// `dpkg-query`'s list: one line `status name` per package that dpkg knows.
fn installed() -> Result<String> {
    let mut command = Command::new("dpkg-query");
    command.args(["--show", "--showformat", "${db:Status-Abbrev} ${Package}\n"]);
    output(&mut command)
}

/// Those packages that the list does not report as installed (`ii`).
fn missing<'a>(packages: impl Iterator<Item = &'a Package>, list: &str) -> Vec<&'a Package> {
    let is_installed = |name: &str| {
        list.lines().any(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some("ii") && words.next() == Some(name)
        })
    };
    packages.filter(|package| !is_installed(package.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: &[Package] = &[
        Package { name: "gcc", reason: "", need: Need::Plugin },
        Package { name: "libc6-dev", reason: "", need: Need::Plugin },
        Package { name: "zip", reason: "", need: Need::Plugin },
    ];

    fn names(list: &str) -> Vec<&'static str> {
        missing(WANTED.iter(), list).iter().map(|package| package.name).collect()
    }

    #[test]
    fn nothing_is_missing_when_all_is_installed() {
        assert!(names("ii  gcc\nii  libc6-dev\nii  zip\nii  vim\n").is_empty());
    }

    #[test]
    fn a_package_of_a_similar_name_does_not_count() {
        assert_eq!(names("ii  gcc-12\nii  libc6-dev\nii  zip-doc\n"), ["gcc", "zip"]);
    }

    #[test]
    fn a_package_that_was_removed_or_half_installed_is_missing() {
        assert_eq!(names("rc  gcc\niU  libc6-dev\nii  zip\n"), ["gcc", "libc6-dev"]);
    }

    #[test]
    fn the_plugin_is_built_and_played_without_the_faust_command() {
        let faust = PACKAGES.iter().find(|package| package.name == "faust");
        assert_eq!(faust.map(|package| package.need), Some(Need::Tests));
    }

    #[test]
    fn every_package_has_a_reason() {
        assert!(PACKAGES.iter().all(|package| !package.reason.is_empty()));
    }
}
