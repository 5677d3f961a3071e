//! Where an instance listens: read from the environment once, in one place, and plain data afterwards.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Most bytes of a socket path that every platform takes (`sun_path` is 104 or 108 with its end).
pub const MAX_PATH: usize = 100;

/// Name of the socket that existing clients look for in the folder for temporary files.
pub const FIXED_NAME: &str = "krach-engine.sock";

/// The addresses that an instance may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Folders for an instance's own socket; the first that works is taken.
    pub folders: Vec<PathBuf>,
    /// The name at which one live instance answers: `NOISE_SOCKET` where set, else the fixed name.
    pub contested: Option<PathBuf>,
    /// The contested name is the one to show: `NOISE_SOCKET` asked for it.
    pub named: bool,
    /// Where clients put `.dsp` files: `NOISE_DSP_DIR` where set, else `~/.krach/dsp`.
    pub dsp_folder: Option<PathBuf>,
    /// Why there is no such folder, where there should be one: sounds that need none play. Without folder and
    /// reason there are no FAUST sounds at all, not even those built in.
    pub dsp_problem: Option<&'static str>,
    /// Where `.yaml` files of patches are: `NOISE_PATCH_DIR` where set, else `~/.krach/patches`.
    pub patch_folder: Option<PathBuf>,
}

impl Addresses {
    /// No socket and no folder: an instance that no client finds and that reads no file.
    pub fn nowhere() -> Self {
        Self::default()
    }

    /// Those of an instance that a host makes. The tests of this library want no client.
    pub(crate) fn of_host() -> Self {
        if cfg!(test) { Self::nowhere() } else { Self::from_env() }
    }

    /// What the environment of this process says.
    pub fn from_env() -> Self {
        Self::from_lookup(|name| std::env::var_os(name), Path::new("/.flatpak-info").exists())
    }

    /// As [`Addresses::from_env`] from any source of variables. In a sandbox (`sandboxed`) the first
    /// folder is private to it, so that no client outside could find it: it does not work there.
    pub fn from_lookup(variable: impl Fn(&str) -> Option<OsString>, sandboxed: bool) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut folders = Vec::new();
        if let Some(runtime) = set("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute()) {
            let app = set("FLATPAK_ID");
            if !(sandboxed && app.is_some()) {
                folders.push(runtime.join("krach"));
            }
            if let Some(app) = app {
                folders.push(runtime.join("app").join(app).join("krach"));
            }
        }
        if let Some(home) = home(&set) {
            folders.push(home.join(".krach").join("run"));
        }
        let named = set("NOISE_SOCKET").map(PathBuf::from);
        let usual = || home(&set).map(|home| home.join(".krach").join("dsp"));
        let dsp_folder = set("NOISE_DSP_DIR").map(PathBuf::from).or_else(usual);
        let usual = || home(&set).map(|home| home.join(".krach").join("patches"));
        Self {
            folders,
            patch_folder: set("NOISE_PATCH_DIR").map(PathBuf::from).or_else(usual),
            dsp_problem: dsp_folder.is_none().then_some(NO_DSP_FOLDER),
            dsp_folder,
            named: named.is_some(),
            contested: Some(named.unwrap_or_else(|| temporary(&set).join(FIXED_NAME))),
        }
    }
}

#[cfg(not(windows))]
const NO_DSP_FOLDER: &str = "neither NOISE_DSP_DIR nor HOME is set, so no folder is read for .dsp files; \
    start the host with one of them set";
#[cfg(windows)]
const NO_DSP_FOLDER: &str = "neither NOISE_DSP_DIR nor USERPROFILE is set, so no folder is read for .dsp \
    files; start the host with one of them set";

/// The folder of the user, if the environment of this process names one.
pub(crate) fn home_folder() -> Option<PathBuf> {
    home(&|name| std::env::var_os(name).filter(|value| !value.is_empty()))
}

fn home(set: &impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    set(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn temporary(set: &impl Fn(&str) -> Option<OsString>) -> PathBuf {
    if cfg!(windows) {
        return PathBuf::from(r"\\.\pipe");
    }
    set("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(vars: &[(&str, &str)], sandboxed: bool) -> Addresses {
        let vars: Vec<(String, OsString)> =
            vars.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value))).collect();
        Addresses::from_lookup(
            |name| vars.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone()),
            sandboxed,
        )
    }

    #[cfg(unix)]
    #[test]
    fn the_dsp_folder_is_where_the_variable_says_or_at_home() {
        let folder = |vars: &[(&str, &str)]| addresses(vars, false).dsp_folder;
        assert_eq!(folder(&[("HOME", "/home/mo")]), Some(PathBuf::from("/home/mo/.krach/dsp")));
        assert_eq!(folder(&[("HOME", "/home/mo"), ("NOISE_DSP_DIR", "/x")]), Some(PathBuf::from("/x")));
        assert_eq!(folder(&[]), None);
        let problem = |vars: &[(&str, &str)]| addresses(vars, false).dsp_problem;
        assert_eq!(problem(&[]), Some(NO_DSP_FOLDER));
        assert_eq!((problem(&[("HOME", "/home/mo")]), problem(&[("NOISE_DSP_DIR", "/x")])), (None, None));
    }

    #[cfg(unix)]
    #[test]
    fn the_folder_for_patches_is_where_the_variable_says_or_at_home() {
        let folder = |vars: &[(&str, &str)]| addresses(vars, false).patch_folder;
        assert_eq!(folder(&[("HOME", "/home/mo")]), Some(PathBuf::from("/home/mo/.krach/patches")));
        assert_eq!(folder(&[("HOME", "/home/mo"), ("NOISE_PATCH_DIR", "/x")]), Some(PathBuf::from("/x")));
        assert_eq!(folder(&[("NOISE_PATCH_DIR", "")]), None);
    }

    #[cfg(unix)]
    #[test]
    fn the_runtime_folder_comes_first_then_the_sandbox_then_home() {
        let found = addresses(
            &[("XDG_RUNTIME_DIR", "/run/user/7"), ("FLATPAK_ID", "org.daw"), ("HOME", "/home/mo")],
            false,
        );
        let expected = ["/run/user/7/krach", "/run/user/7/app/org.daw/krach", "/home/mo/.krach/run"];
        assert_eq!(found.folders, expected.map(PathBuf::from));
        assert_eq!(found.contested, Some(PathBuf::from("/tmp/krach-engine.sock")));
    }

    #[cfg(unix)]
    #[test]
    fn inside_a_sandbox_the_private_runtime_folder_is_passed_over() {
        let found = addresses(&[("XDG_RUNTIME_DIR", "/run/user/7"), ("FLATPAK_ID", "org.daw")], true);
        assert_eq!(found.folders, [PathBuf::from("/run/user/7/app/org.daw/krach")]);
    }

    #[cfg(unix)]
    #[test]
    fn noise_socket_replaces_the_fixed_name_and_tmpdir_moves_it() {
        let named = addresses(&[("NOISE_SOCKET", "/x/noise.sock"), ("TMPDIR", "/y")], false);
        assert!(named.named);
        assert_eq!(named.contested, Some(PathBuf::from("/x/noise.sock")));
        let moved = addresses(&[("TMPDIR", "/y")], false);
        assert!(!moved.named);
        assert_eq!(moved.contested, Some(PathBuf::from("/y/krach-engine.sock")));
    }

    #[cfg(unix)]
    #[test]
    fn empty_and_relative_variables_count_as_unset() {
        let found = addresses(
            &[("XDG_RUNTIME_DIR", "run"), ("HOME", ""), ("NOISE_SOCKET", ""), ("TMPDIR", "")],
            false,
        );
        assert!(found.folders.is_empty());
        assert_eq!(found.contested, Some(PathBuf::from("/tmp/krach-engine.sock")));
    }
}
