//! Presets: what a library offers without an instance, and one loaded by an instance.

use std::ffi::{CStr, CString};
use std::path::{Path, PathBuf};

use clack_extensions::preset_discovery::prelude::*;
use clack_extensions::preset_discovery::provider::Provider;
use clack_host::prelude::{HostError as Refused, HostInfo};
use serde::Deserialize;

use crate::error::HostError;
use crate::instance::Instance;
use crate::library::Library;

/// Files of a folder that are looked at.
const MAX_FILES: usize = 4096;

/// Where a preset lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the library, under this key.
    Bundled(String),
    /// In a file.
    File(PathBuf),
}

/// A preset that a library offers.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// Its name.
    pub name: String,
    /// What it is, if that is said.
    pub about: String,
    /// Ids of the plugins that it is for.
    pub plugins: Vec<String>,
    /// Quarter notes per minute, if that is said.
    pub tempo: Option<f64>,
    /// Quarter notes per bar, if that is said.
    pub meter: Option<u16>,
    /// Where it lies.
    pub place: Place,
}

/// What a library offers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Presets {
    /// The presets, in the library's order.
    pub presets: Vec<Preset>,
    /// What was looked at and is none, and why.
    pub errors: Vec<String>,
}

/// What the library says of where to look.
#[derive(Default)]
struct Indexer {
    endings: Vec<String>,
    folders: Vec<PathBuf>,
    bundled: bool,
}

impl IndexerImpl for Indexer {
    fn declare_filetype(&mut self, file_type: FileType) -> Result<(), Refused> {
        self.endings.extend(file_type.file_extension.map(|ending| ending.to_string_lossy().into_owned()));
        Ok(())
    }

    fn declare_location(&mut self, location: LocationInfo) -> Result<(), Refused> {
        match location.location {
            Location::Plugin => self.bundled = true,
            Location::File { path } => self.folders.push(path_of(path)),
        }
        Ok(())
    }

    fn declare_soundpack(&mut self, _soundpack: Soundpack) -> Result<(), Refused> {
        Ok(())
    }
}

/// Takes in what a provider says of one place.
struct Receiver<'a> {
    file: Option<&'a Path>,
    found: &'a mut Presets,
}

impl Receiver<'_> {
    fn last(&mut self) -> Option<&mut Preset> {
        self.found.presets.last_mut()
    }
}

impl MetadataReceiverImpl for Receiver<'_> {
    fn on_error(&mut self, _error_code: i32, error_message: Option<&CStr>) {
        let said = error_message.map(|text| text.to_string_lossy().into_owned()).unwrap_or_default();
        self.found.errors.push(match self.file {
            Some(file) => format!("{}: {said}", file.display()),
            None => said,
        });
    }

    fn begin_preset(&mut self, name: Option<&CStr>, load_key: Option<&CStr>) -> Result<(), Refused> {
        let text = |text: Option<&CStr>| text.map(|t| t.to_string_lossy().into_owned()).unwrap_or_default();
        let place = match self.file {
            Some(file) => Place::File(file.to_owned()),
            None => Place::Bundled(text(load_key)),
        };
        let (name, about, plugins) = (text(name), String::new(), Vec::new());
        self.found.presets.push(Preset { name, about, plugins, tempo: None, meter: None, place });
        Ok(())
    }

    fn add_plugin_id(&mut self, plugin_id: UniversalPluginId) {
        let id = plugin_id.id.to_string_lossy().into_owned();
        self.last().into_iter().for_each(|preset| preset.plugins.push(id.clone()));
    }

    fn set_soundpack_id(&mut self, _soundpack_id: &CStr) {}

    fn set_flags(&mut self, _flags: Flags) {}

    fn add_creator(&mut self, _creator: &CStr) {}

    fn set_description(&mut self, description: &CStr) {
        let about = description.to_string_lossy().into_owned();
        self.last().into_iter().for_each(|preset| preset.about.clone_from(&about));
    }

    fn set_timestamps(&mut self, _creation: Option<Timestamp>, _modification: Option<Timestamp>) {}

    fn add_feature(&mut self, _feature: &CStr) {}

    fn add_extra_info(&mut self, key: &CStr, value: &CStr) {
        if key == c"Tempo" {
            let tempo = value.to_string_lossy().trim_end_matches(" bpm").parse().ok();
            self.last().into_iter().for_each(|preset| preset.tempo = tempo);
        } else if key == c"Meter" {
            let beats = value.to_string_lossy().split_once('/').and_then(|(beats, _)| beats.parse().ok());
            self.last().into_iter().for_each(|preset| preset.meter = beats);
        }
    }
}

impl Library {
    /// The presets of all providers of the library.
    ///
    /// # Errors
    /// If it has none, or one of them cannot be made.
    pub fn presets(&self) -> Result<Presets, HostError> {
        let failed = |reason: String| HostError::Presets { path: self.path().to_owned(), reason };
        let factory: PresetDiscoveryFactory =
            self.entry().get_factory().ok_or_else(|| failed("it has no factory for presets".to_owned()))?;
        let host = HostInfo::new("krach-host", "krach", "", env!("CARGO_PKG_VERSION"))
            .map_err(|error| failed(error.to_string()))?;
        let mut found = Presets::default();
        for descriptor in factory.provider_descriptors() {
            let id = descriptor.id().ok_or_else(|| failed("a provider has no id".to_owned()))?;
            let mut provider = Provider::instantiate(Indexer::default(), self.entry(), id, &host)
                .map_err(|error| failed(error.to_string()))?;
            if provider.indexer().bundled {
                let mut receiver = Receiver { file: None, found: &mut found };
                provider.get_metadata(Location::Plugin, &mut receiver);
            }
            for file in files(provider.indexer()) {
                let Ok(path) = CString::new(file.to_string_lossy().into_owned()) else { continue };
                let mut receiver = Receiver { file: Some(&file), found: &mut found };
                provider.get_metadata(Location::File { path: &path }, &mut receiver);
            }
        }
        Ok(found)
    }
}

/// Tempo and quarter notes per cycle of a session's document, as far as a host's transport has such.
pub fn time_of(document: &str) -> (Option<f64>, Option<u16>) {
    #[derive(Default, Deserialize)]
    struct Said {
        tempo: Option<f64>,
        meter: Option<f64>,
    }
    let Said { tempo, meter } = serde_json::from_str(document).unwrap_or_default();
    let meter = meter.filter(|beats| beats.fract() == 0.0 && (1.0..=64.0).contains(beats));
    (tempo.filter(|tempo| (1.0..=1000.0).contains(tempo)), meter.map(|beats| beats as u16))
}

/// The files in the folders that were named, by the endings that were named.
fn files(indexer: &Indexer) -> Vec<PathBuf> {
    let listed = indexer.folders.iter().flat_map(|folder| {
        let (paths, _) = krach_files::list(folder, MAX_FILES).unwrap_or_default();
        paths
    });
    let known = |path: &PathBuf| {
        let ending = path.extension().map(|ending| ending.to_string_lossy().into_owned());
        ending.is_some_and(|ending| indexer.endings.contains(&ending))
    };
    let mut files: Vec<PathBuf> = listed.filter(known).collect();
    files.sort();
    files
}

#[cfg(unix)]
fn path_of(text: &CStr) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::OsStr::from_bytes(text.to_bytes()).into()
}

#[cfg(not(unix))]
fn path_of(text: &CStr) -> PathBuf {
    text.to_string_lossy().into_owned().into()
}

impl Instance {
    /// Has the plugin load a preset. Also while a processor is running.
    ///
    /// # Errors
    /// [`HostError::NoExtension`], or [`HostError::Preset`] with the reason that the plugin gave.
    pub fn load_preset(&mut self, place: &Place) -> Result<(), HostError> {
        let missing = HostError::NoExtension { extension: "clap.preset-load" };
        let presets = self.extension::<PluginPresetLoad>().ok_or(missing)?;
        let text = |text: &str| CString::new(text).unwrap_or_default();
        let (path, key) = match place {
            Place::Bundled(key) => (None, Some(text(key))),
            Place::File(path) => (Some(text(&path.to_string_lossy())), None),
        };
        let location = path.as_deref().map_or(Location::Plugin, |path| Location::File { path });
        self.observed().take_preset_errors();
        let loaded = presets.load_from_location(&self.plugin.plugin_handle(), location, key.as_deref());
        let errors = self.observed().take_preset_errors();
        if loaded.is_ok() {
            return Ok(());
        }
        let what = match place {
            Place::Bundled(key) => key.clone(),
            Place::File(path) => path.display().to_string(),
        };
        let reason = if errors.is_empty() { "it does not say why".to_owned() } else { errors.join("; ") };
        Err(HostError::Preset { what, reason })
    }
}
