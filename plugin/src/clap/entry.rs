//! Which plugins the library holds. Everything the host asks while it scans is a constant: no thread,
//! file, allocation or engine comes into being before `init` of an instance.

use std::ffi::{CStr, c_char, c_void};

use clap_sys::entry::clap_plugin_entry;
use clap_sys::factory::plugin_factory::{CLAP_PLUGIN_FACTORY_ID, clap_plugin_factory};
use clap_sys::factory::preset_discovery::{
    CLAP_PRESET_DISCOVERY_FACTORY_ID, CLAP_PRESET_DISCOVERY_FACTORY_ID_COMPAT,
};
use clap_sys::host::clap_host;
use clap_sys::plugin::{clap_plugin, clap_plugin_descriptor};
use clap_sys::plugin_features::{
    CLAP_PLUGIN_FEATURE_AUDIO_EFFECT, CLAP_PLUGIN_FEATURE_INSTRUMENT, CLAP_PLUGIN_FEATURE_STEREO,
    CLAP_PLUGIN_FEATURE_SYNTHESIZER,
};
use clap_sys::version::{CLAP_VERSION, clap_version_is_compatible};

use super::guard;
use super::object::{Object, is, table};
use super::preset_discovery::DISCOVERY;
use crate::ports::Kind;
use crate::shell::{CLAP_ID, CLAP_ID_FX, DESCRIPTION, NAME, NAME_FX, VENDOR};

const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");

/// Constant pointers in a constant.
struct Constant<T>(T);

// SAFETY: only ever read, and so is all that it points to.
unsafe impl<T> Sync for Constant<T> {}

static FEATURES: Constant<[*const c_char; 4]> = Constant([
    CLAP_PLUGIN_FEATURE_INSTRUMENT.as_ptr(),
    CLAP_PLUGIN_FEATURE_SYNTHESIZER.as_ptr(),
    CLAP_PLUGIN_FEATURE_STEREO.as_ptr(),
    std::ptr::null(),
]);

const INSTRUMENT_DESCRIPTOR: clap_plugin_descriptor = clap_plugin_descriptor {
    clap_version: CLAP_VERSION,
    id: CLAP_ID.as_ptr(),
    name: NAME.as_ptr(),
    vendor: VENDOR.as_ptr(),
    url: c"".as_ptr(),
    manual_url: c"".as_ptr(),
    support_url: c"".as_ptr(),
    version: VERSION.as_ptr().cast(),
    description: DESCRIPTION.as_ptr(),
    features: (&raw const FEATURES.0).cast(),
};

static INSTRUMENT: clap_plugin_descriptor = INSTRUMENT_DESCRIPTOR;

static FEATURES_FX: Constant<[*const c_char; 3]> = Constant([
    CLAP_PLUGIN_FEATURE_AUDIO_EFFECT.as_ptr(),
    CLAP_PLUGIN_FEATURE_STEREO.as_ptr(),
    std::ptr::null(),
]);

static EFFECT: clap_plugin_descriptor = clap_plugin_descriptor {
    id: CLAP_ID_FX.as_ptr(),
    name: NAME_FX.as_ptr(),
    features: (&raw const FEATURES_FX.0).cast(),
    ..INSTRUMENT_DESCRIPTOR
};

/// The plugins of the library, in the order in which hosts list them.
static PLUGINS: [(&clap_plugin_descriptor, &CStr, Kind); 2] =
    [(&INSTRUMENT, CLAP_ID, Kind::Instrument), (&EFFECT, CLAP_ID_FX, Kind::Effect)];

static FACTORY: clap_plugin_factory = clap_plugin_factory {
    get_plugin_count: Some(get_plugin_count),
    get_plugin_descriptor: Some(get_plugin_descriptor),
    create_plugin: Some(create_plugin),
};

/// What the library exports for CLAP.
pub const ENTRY: clap_plugin_entry = clap_plugin_entry {
    clap_version: CLAP_VERSION,
    init: Some(init),
    deinit: Some(deinit),
    get_factory: Some(get_factory),
};

unsafe extern "C" fn init(_path: *const c_char) -> bool {
    true
}

unsafe extern "C" fn deinit() {}

unsafe extern "C" fn get_factory(id: *const c_char) -> *const c_void {
    // SAFETY: null or a string of the host's.
    let known = |name| unsafe { is(id, name) };
    if known(CLAP_PLUGIN_FACTORY_ID) {
        table(&FACTORY)
    } else if known(CLAP_PRESET_DISCOVERY_FACTORY_ID) || known(CLAP_PRESET_DISCOVERY_FACTORY_ID_COMPAT) {
        table(&DISCOVERY)
    } else {
        std::ptr::null()
    }
}

unsafe extern "C" fn get_plugin_count(_factory: *const clap_plugin_factory) -> u32 {
    PLUGINS.len() as u32
}

unsafe extern "C" fn get_plugin_descriptor(
    _factory: *const clap_plugin_factory,
    index: u32,
) -> *const clap_plugin_descriptor {
    PLUGINS.get(index as usize).map_or(std::ptr::null(), |(descriptor, ..)| std::ptr::from_ref(*descriptor))
}

unsafe extern "C" fn create_plugin(
    _factory: *const clap_plugin_factory,
    host: *const clap_host,
    id: *const c_char,
) -> *const clap_plugin {
    guard(std::ptr::null(), || {
        // SAFETY: null or a string of the host's; null or a host that lives until `destroy`.
        unsafe {
            let compatible = host.as_ref().is_some_and(|host| clap_version_is_compatible(host.clap_version));
            match PLUGINS.iter().find(|(_, known, _)| is(id, known)) {
                Some((descriptor, _, kind)) if compatible => Object::create(host, descriptor, *kind),
                _ => std::ptr::null(),
            }
        }
    })
}
