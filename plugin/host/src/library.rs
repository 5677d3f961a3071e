//! A CLAP library on disk: opened, its plugins listed, closed with its last user.

use std::env;
use std::path::{Path, PathBuf};

use clack_host::prelude::PluginEntry;

use crate::error::HostError;

/// Id that is chosen where a library holds several plugins and none was named.
pub const DEFAULT_PLUGIN_ID: &str = "io.krach.krach";

const DEFAULT_FILE: &str = "krach.clap";

/// What a library says of one of its plugins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Unique id, e.g. `io.krach.krach`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Who made it.
    pub vendor: String,
    /// Its version.
    pub version: String,
}

/// An open CLAP library. Instances keep it open; it is unloaded (`dlclose`) when this and all its
/// instances are gone. glibc keeps it mapped for as long as a thread lives in which it has
/// thread-locals with destructors, and then until the next `dlclose` of anything.
#[derive(Clone)]
pub struct Library {
    entry: PluginEntry,
    path: PathBuf,
}

impl Library {
    /// Opens a `.clap` and initialises its entry.
    ///
    /// # Errors
    /// [`HostError::Load`] with the loader's own words.
    pub fn load(path: &Path) -> Result<Self, HostError> {
        let failed = |reason: String| HostError::Load { path: path.to_owned(), reason };
        if !path.exists() {
            return Err(failed("there is no such file".to_owned()));
        }
        // An absolute path: a bare file name would be searched in the loader's own path.
        let path = path.canonicalize().map_err(|error| failed(error.to_string()))?;
        // SAFETY: loading runs the library's initialisers, and nothing can vouch for what a plugin
        // does in there; whoever names the file trusts it, as with every plugin host.
        let entry = unsafe { PluginEntry::load(&path) }.map_err(|error| failed(error.to_string()))?;
        Ok(Self { entry, path })
    }

    /// Where it was loaded from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its plugins, in the library's order.
    pub fn plugins(&self) -> Vec<Descriptor> {
        let text = |text: Option<&std::ffi::CStr>| {
            text.map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
        };
        let Some(factory) = self.entry.get_plugin_factory() else {
            return Vec::new();
        };
        factory
            .plugin_descriptors()
            .map(|descriptor| Descriptor {
                id: text(descriptor.id()),
                name: text(descriptor.name()),
                vendor: text(descriptor.vendor()),
                version: text(descriptor.version()),
            })
            .collect()
    }

    /// The plugin with this id; without one, [`DEFAULT_PLUGIN_ID`] or else the first.
    ///
    /// # Errors
    /// [`HostError::NoSuchPlugin`] listing what there is.
    pub fn plugin(&self, id: Option<&str>) -> Result<Descriptor, HostError> {
        let plugins = self.plugins();
        let named = |wanted: &str| plugins.iter().find(|plugin| plugin.id == wanted).cloned();
        match id {
            Some(id) => named(id),
            None => named(DEFAULT_PLUGIN_ID).or_else(|| plugins.first().cloned()),
        }
        .ok_or_else(|| HostError::NoSuchPlugin {
            path: self.path.clone(),
            id: id.unwrap_or(DEFAULT_PLUGIN_ID).to_owned(),
            available: plugins.iter().map(|plugin| plugin.id.as_str()).collect::<Vec<_>>().join(", "),
        })
    }

    pub(crate) fn entry(&self) -> &PluginEntry {
        &self.entry
    }
}

/// The variable that names the plugin where it is not the one that the build left.
pub const PLUGIN_VARIABLE: &str = "KRACH_CLAP";

/// The file that `KRACH_CLAP` names; where that is not set, what a build leaves: `bundled/krach.clap`
/// in `$CARGO_TARGET_DIR`, in `target` of the current directory or one above it, in the target
/// directory that this executable lies in, or in `target` of the workspace that this was built from.
///
/// # Errors
/// [`HostError::NoPlugin`] with all the places that were looked in.
pub fn default_plugin() -> Result<PathBuf, HostError> {
    if let Some(named) = env::var_os(PLUGIN_VARIABLE).filter(|value| !value.is_empty()) {
        let named = PathBuf::from(named);
        let looked = format!("{PLUGIN_VARIABLE}={}", named.display());
        let name = DEFAULT_FILE.to_owned();
        return if named.exists() { Ok(named) } else { Err(HostError::NoPlugin { name, looked }) };
    }
    let mut places: Vec<PathBuf> = Vec::new();
    if let Some(target) = env::var_os("CARGO_TARGET_DIR") {
        places.push(PathBuf::from(target));
    }
    if let Ok(current) = env::current_dir() {
        places.extend(current.ancestors().map(|folder| folder.join("target")));
    }
    if let Ok(executable) = env::current_exe() {
        // target/<profile>/krach-host, target/<profile>/deps/<test>
        places.extend(executable.ancestors().skip(1).take(4).map(Path::to_owned));
    }
    places.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"));
    let candidates: Vec<PathBuf> =
        places.into_iter().map(|place| place.join("bundled").join(DEFAULT_FILE)).collect();
    candidates.iter().find(|candidate| candidate.exists()).cloned().ok_or_else(|| HostError::NoPlugin {
        name: DEFAULT_FILE.to_owned(),
        looked: candidates
            .iter()
            .map(|candidate| candidate.display().to_string())
            .collect::<Vec<_>>()
            .join(", "),
    })
}
