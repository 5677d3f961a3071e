//! Hosts list presets without an instance: those that come with krach, and those in `~/.krach/presets`.

use std::ffi::{CString, c_char, c_void};
use std::path::Path;
use std::time::UNIX_EPOCH;

use clap_sys::factory::preset_discovery::{
    CLAP_PRESET_DISCOVERY_IS_FACTORY_CONTENT, CLAP_PRESET_DISCOVERY_IS_USER_CONTENT,
    CLAP_PRESET_DISCOVERY_LOCATION_FILE, CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN,
    clap_preset_discovery_factory, clap_preset_discovery_filetype, clap_preset_discovery_indexer,
    clap_preset_discovery_location, clap_preset_discovery_location_kind,
    clap_preset_discovery_metadata_receiver, clap_preset_discovery_provider,
    clap_preset_discovery_provider_descriptor,
};
use clap_sys::timestamp::CLAP_TIMESTAMP_UNKNOWN;
use clap_sys::universal_plugin_id::clap_universal_plugin_id;
use clap_sys::version::{CLAP_VERSION, clap_version_is_compatible};
use krach_core::ir::ModuleIr;

use super::guard;
use super::object::is;
use super::presets::{find, text};
use crate::folders;
use crate::presets::{FACTORY, examine, name_of};
use crate::shell::{CLAP_ID, CLAP_ID_FX, NAME, VENDOR};

static DESCRIPTOR: clap_preset_discovery_provider_descriptor = clap_preset_discovery_provider_descriptor {
    clap_version: CLAP_VERSION,
    id: c"io.krach.krach.sessions".as_ptr(),
    name: NAME.as_ptr(),
    vendor: VENDOR.as_ptr(),
};

pub static DISCOVERY: clap_preset_discovery_factory = clap_preset_discovery_factory {
    count: Some(count),
    get_descriptor: Some(descriptor),
    create: Some(create),
};

/// The plugins that a session is for.
static PLUGINS: [clap_universal_plugin_id; 2] = [
    clap_universal_plugin_id { abi: c"clap".as_ptr(), id: CLAP_ID.as_ptr() },
    clap_universal_plugin_id { abi: c"clap".as_ptr(), id: CLAP_ID_FX.as_ptr() },
];

unsafe extern "C" fn count(_factory: *const clap_preset_discovery_factory) -> u32 {
    1
}

unsafe extern "C" fn descriptor(
    _factory: *const clap_preset_discovery_factory,
    index: u32,
) -> *const clap_preset_discovery_provider_descriptor {
    if index == 0 { &raw const DESCRIPTOR } else { std::ptr::null() }
}

/// What stands behind a provider of the host's, from `create` to `destroy`.
struct Provider {
    vtable: clap_preset_discovery_provider,
    indexer: *const clap_preset_discovery_indexer,
}

unsafe extern "C" fn create(
    _factory: *const clap_preset_discovery_factory,
    indexer: *const clap_preset_discovery_indexer,
    id: *const c_char,
) -> *const clap_preset_discovery_provider {
    guard(std::ptr::null(), || {
        // SAFETY: null or a string of the host's; null or an indexer that lives until `destroy`.
        let meant = unsafe {
            let compatible = indexer.as_ref().is_some_and(|i| clap_version_is_compatible(i.clap_version));
            // SAFETY: a constant that ends in NUL.
            compatible && is(id, std::ffi::CStr::from_ptr(DESCRIPTOR.id))
        };
        if !meant {
            return std::ptr::null();
        }
        let provider = Box::into_raw(Box::new(Provider {
            vtable: clap_preset_discovery_provider {
                desc: &raw const DESCRIPTOR,
                provider_data: std::ptr::null_mut(),
                init: Some(init),
                destroy: Some(destroy),
                get_metadata: Some(get_metadata),
                get_extension: Some(get_extension),
            },
            indexer,
        }));
        // SAFETY: just made, and nobody else knows it yet.
        unsafe {
            (*provider).vtable.provider_data = provider.cast();
            &raw const (*provider).vtable
        }
    })
}

/// Tells the host where presets lie. The folder is told while there is one.
unsafe extern "C" fn init(provider: *const clap_preset_discovery_provider) -> bool {
    guard(false, || {
        // SAFETY: the host hands back what `create` gave it, with the indexer that it gave.
        unsafe {
            let Some(provider) = provider.as_ref().and_then(|p| p.provider_data.cast::<Provider>().as_ref())
            else {
                return false;
            };
            let indexer = provider.indexer;
            let (Some(filetype), Some(location)) = ((*indexer).declare_filetype, (*indexer).declare_location)
            else {
                return false;
            };
            // Hosts may look at what is behind the last point only.
            let file = clap_preset_discovery_filetype {
                name: c"krach session".as_ptr(),
                description: c"A session of krach, .krach.json".as_ptr(),
                file_extension: c"json".as_ptr(),
            };
            let bundled = clap_preset_discovery_location {
                flags: CLAP_PRESET_DISCOVERY_IS_FACTORY_CONTENT,
                name: c"Sessions that come with krach".as_ptr(),
                kind: CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN,
                location: std::ptr::null(),
            };
            if !filetype(indexer, &file) || !location(indexer, &bundled) {
                return false;
            }
            let Some(folder) = folders::presets().filter(|folder| folder.is_dir()) else { return true };
            let Ok(path) = CString::new(folder.to_string_lossy().into_owned()) else { return true };
            let own = clap_preset_discovery_location {
                flags: CLAP_PRESET_DISCOVERY_IS_USER_CONTENT,
                name: c"Your presets".as_ptr(),
                kind: CLAP_PRESET_DISCOVERY_LOCATION_FILE,
                location: path.as_ptr(),
            };
            // A host that declines the folder has the factory's sessions all the same.
            location(indexer, &own);
            true
        }
    })
}

unsafe extern "C" fn destroy(provider: *const clap_preset_discovery_provider) {
    guard((), || {
        // SAFETY: the host hands back what `create` gave it, for the last time.
        unsafe {
            if let Some(provider) = provider.as_ref() {
                drop(Box::from_raw(provider.provider_data.cast::<Provider>()));
            }
        }
    });
}

unsafe extern "C" fn get_extension(
    _provider: *const clap_preset_discovery_provider,
    _id: *const c_char,
) -> *const c_void {
    std::ptr::null()
}

/// Any thread of the host's that is its alone.
unsafe extern "C" fn get_metadata(
    _provider: *const clap_preset_discovery_provider,
    kind: clap_preset_discovery_location_kind,
    location: *const c_char,
    receiver: *const clap_preset_discovery_metadata_receiver,
) -> bool {
    guard(false, || {
        // SAFETY: null or a receiver that lives for this call; null or a string.
        unsafe {
            let Some(told) = receiver.as_ref().map(|functions| Receiver { functions, receiver }) else {
                return false;
            };
            if kind == CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN {
                return FACTORY.iter().all(|session| {
                    let known = examine(crate::instance::Document {
                        name: session.name.to_owned(),
                        text: session.text.to_owned(),
                    });
                    match known {
                        Ok(module) => {
                            let about = Some(session.about);
                            told.preset(session.name, Some(session.key), about, &module, None)
                        }
                        Err(why) => told.refuse(&why),
                    }
                });
            }
            let document = find(kind, location, std::ptr::null());
            match document.and_then(examine) {
                Ok(module) => {
                    let path = std::ffi::CStr::from_ptr(location).to_string_lossy().into_owned();
                    let path = Path::new(&path);
                    let changed = std::fs::metadata(path).and_then(|found| found.modified()).ok();
                    let changed = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                    told.preset(&name_of(path), None, None, &module, changed.map(|since| since.as_secs()))
                }
                Err(why) => told.refuse(&why),
            }
        }
    })
}

/// What the host gives to be told.
struct Receiver<'a> {
    functions: &'a clap_preset_discovery_metadata_receiver,
    receiver: *const clap_preset_discovery_metadata_receiver,
}

impl Receiver<'_> {
    /// Tells of a preset; false if the host wants no more.
    ///
    /// # Safety
    /// The receiver lives.
    unsafe fn preset(
        &self,
        name: &str,
        key: Option<&str>,
        about: Option<&str>,
        module: &ModuleIr,
        changed: Option<u64>,
    ) -> bool {
        let (name, key) = (text(name), key.map(text));
        let Self { functions, receiver } = *self;
        // SAFETY: the receiver lives, and the texts do for each call.
        unsafe {
            let Some(begin) = functions.begin_preset else { return false };
            if !begin(receiver, name.as_ptr(), key.as_ref().map_or(std::ptr::null(), |key| key.as_ptr())) {
                return false;
            }
            if let Some(add) = functions.add_plugin_id {
                PLUGINS.iter().for_each(|plugin| add(receiver, plugin));
            }
            if let (Some(set), Some(about)) = (functions.set_description, about) {
                set(receiver, text(about).as_ptr());
            }
            if let (Some(add), true) = (functions.add_creator, key.is_some()) {
                add(receiver, VENDOR.as_ptr());
            }
            if let (Some(set), Some(changed)) = (functions.set_timestamps, changed) {
                set(receiver, CLAP_TIMESTAMP_UNKNOWN, changed);
            }
            if let (Some(add), Some(tempo)) = (functions.add_extra_info, module.tempo) {
                add(receiver, c"Tempo".as_ptr(), text(&format!("{tempo} bpm")).as_ptr());
            }
            if let (Some(add), Some(beats)) = (functions.add_extra_info, module.meter) {
                add(receiver, c"Meter".as_ptr(), text(&format!("{beats}/4")).as_ptr());
            }
        }
        true
    }

    /// Tells why something is no preset.
    ///
    /// # Safety
    /// The receiver lives.
    unsafe fn refuse(&self, why: &str) -> bool {
        // SAFETY: as promised by the caller.
        unsafe {
            if let Some(on_error) = self.functions.on_error {
                on_error(self.receiver, 0, text(why).as_ptr());
            }
        }
        false
    }
}
