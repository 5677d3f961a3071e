//! A host has an instance load a preset.

use std::ffi::{CStr, CString, c_char};
use std::path::PathBuf;

use clap_sys::ext::preset_load::clap_plugin_preset_load;
use clap_sys::factory::preset_discovery::{
    CLAP_PRESET_DISCOVERY_LOCATION_FILE, CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN,
    clap_preset_discovery_location_kind,
};
use clap_sys::plugin::clap_plugin;

use super::guard;
use super::object::Object;
use crate::instance::{Document, Opener};
use crate::presets;

pub static LOAD: clap_plugin_preset_load = clap_plugin_preset_load { from_location: Some(from_location) };

/// Main thread. False leaves everything as it was, and the host gets the reason.
unsafe extern "C" fn from_location(
    plugin: *const clap_plugin,
    kind: clap_preset_discovery_location_kind,
    location: *const c_char,
    load_key: *const c_char,
) -> bool {
    guard(false, || {
        // SAFETY: the host hands back what `create` gave it.
        let Some(object) = (unsafe { Object::of(plugin) }) else { return false };
        let Some(core) = object.core() else { return false };
        // SAFETY: null or strings of the host's.
        let found = unsafe { find(kind, location, load_key) };
        let outcome = found.and_then(|document| core.instance.open_file(document, Opener::Host));
        // SAFETY: main thread; the host's own strings go back to it.
        unsafe {
            match &outcome {
                Ok(()) => object.host.preset_loaded(kind, location, load_key),
                Err(why) => object.host.preset_refused(kind, location, load_key, &text(why)),
            }
        }
        outcome.is_ok()
    })
}

/// The preset that a host means.
///
/// # Safety
/// Null or strings.
pub unsafe fn find(
    kind: clap_preset_discovery_location_kind,
    location: *const c_char,
    load_key: *const c_char,
) -> Result<Document, String> {
    // SAFETY: as promised by the caller.
    let said = |text: *const c_char| unsafe { (!text.is_null()).then(|| CStr::from_ptr(text)) };
    match kind {
        CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN => {
            let key = said(load_key).ok_or("which of krach's sessions is not said")?;
            presets::factory(&key.to_string_lossy())
        }
        CLAP_PRESET_DISCOVERY_LOCATION_FILE => {
            let path = said(location).and_then(path_of).ok_or("the path of the preset is not said")?;
            presets::in_file(&path)
        }
        kind => Err(format!("presets of the kind {kind} are not known")),
    }
}

#[cfg(unix)]
fn path_of(text: &CStr) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    Some(std::ffi::OsStr::from_bytes(text.to_bytes()).into())
}

#[cfg(not(unix))]
fn path_of(text: &CStr) -> Option<PathBuf> {
    Some(text.to_str().ok()?.into())
}

/// A text for the host, up to a zero byte.
pub fn text(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}
