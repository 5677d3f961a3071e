//! What a host does with presets: has them listed by the library, and loaded by an instance.

use std::ffi::{CStr, CString, c_char};

use clap_sys::ext::preset_load::{CLAP_EXT_PRESET_LOAD, clap_host_preset_load, clap_plugin_preset_load};
use clap_sys::factory::preset_discovery::*;
use clap_sys::host::clap_host;
use clap_sys::timestamp::clap_timestamp;
use clap_sys::universal_plugin_id::clap_universal_plugin_id;
use clap_sys::version::CLAP_VERSION;

use super::{Plugin, heard};

pub static HOST_PRESETS: clap_host_preset_load =
    clap_host_preset_load { on_error: Some(on_error), loaded: Some(loaded) };

fn said(text: *const c_char) -> String {
    // SAFETY: null or a string.
    if text.is_null() { String::new() } else { unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned() }
}

unsafe extern "C" fn on_error(
    host: *const clap_host,
    _: u32,
    location: *const c_char,
    key: *const c_char,
    _: i32,
    why: *const c_char,
) {
    let told = format!("{}{}: {}", said(location), said(key), said(why));
    heard(host).presets.lock().unwrap().push(Err(told));
}

unsafe extern "C" fn loaded(host: *const clap_host, _: u32, location: *const c_char, key: *const c_char) {
    heard(host).presets.lock().unwrap().push(Ok(said(location) + &said(key)));
}

impl Plugin {
    /// Has it load the session of that key that came with it.
    pub fn load_bundled(&self, key: &str) -> bool {
        let key = CString::new(key).unwrap();
        self.load_location(CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN, std::ptr::null(), key.as_ptr())
    }

    /// Has it load a preset from a file.
    pub fn load_file(&self, path: &std::path::Path) -> bool {
        let path = CString::new(path.to_str().unwrap()).unwrap();
        self.load_location(CLAP_PRESET_DISCOVERY_LOCATION_FILE, path.as_ptr(), std::ptr::null())
    }

    pub fn load_location(&self, kind: u32, location: *const c_char, key: *const c_char) -> bool {
        let presets =
            self.extension::<clap_plugin_preset_load>(CLAP_EXT_PRESET_LOAD).expect("it loads presets");
        // SAFETY: CLAP's call.
        unsafe { presets.from_location.unwrap()(self.raw, kind, location, key) }
    }
}

/// A preset as the library told it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    pub key: String,
    pub plugins: Vec<String>,
    pub about: String,
    pub extra: Vec<String>,
    pub changed: u64,
}

/// What the library told.
#[derive(Default)]
pub struct Presets {
    pub endings: Vec<String>,
    /// Kind, flags and place.
    pub places: Vec<(u32, u32, String)>,
    pub listed: Vec<Listed>,
    pub errors: Vec<String>,
}

impl Presets {
    /// All that the library of this very program has.
    pub fn look() -> Self {
        let mut all = Box::<Self>::default();
        let to: *mut Self = &raw mut *all;
        let indexer = clap_preset_discovery_indexer {
            clap_version: CLAP_VERSION,
            name: c"Raw Host".as_ptr(),
            vendor: c"".as_ptr(),
            url: c"".as_ptr(),
            version: c"1".as_ptr(),
            indexer_data: to.cast(),
            declare_filetype: Some(filetype),
            declare_location: Some(location),
            declare_soundpack: None,
            get_extension: None,
        };
        let receiver = clap_preset_discovery_metadata_receiver {
            receiver_data: to.cast(),
            on_error: Some(error),
            begin_preset: Some(begin),
            add_plugin_id: Some(plugin_id),
            set_soundpack_id: None,
            set_flags: None,
            add_creator: None,
            set_description: Some(description),
            set_timestamps: Some(timestamps),
            add_feature: None,
            add_extra_info: Some(extra),
        };
        // SAFETY: CLAP's calls in CLAP's order.
        unsafe {
            let factory = krach::clap::ENTRY.get_factory.unwrap()(CLAP_PRESET_DISCOVERY_FACTORY_ID.as_ptr());
            let factory = factory.cast::<clap_preset_discovery_factory>();
            assert_eq!((*factory).count.unwrap()(factory), 1);
            let desc = (*factory).get_descriptor.unwrap()(factory, 0);
            assert!((*factory).get_descriptor.unwrap()(factory, 1).is_null());
            assert!((*factory).create.unwrap()(factory, &indexer, c"another".as_ptr()).is_null());
            let provider = (*factory).create.unwrap()(factory, &indexer, (*desc).id);
            assert!((*provider).init.unwrap()(provider));
            let get = (*provider).get_metadata.unwrap();
            for (kind, _, place) in (*to).places.clone() {
                if kind == CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN {
                    assert!(get(provider, kind, std::ptr::null(), &receiver));
                    continue;
                }
                let mut files: Vec<_> =
                    std::fs::read_dir(place).unwrap().map(|file| file.unwrap().path()).collect();
                files.sort();
                for file in files {
                    let ending =
                        file.extension().map(|e| e.to_string_lossy().into_owned()).unwrap_or_default();
                    if (*to).endings.contains(&ending) {
                        let path = CString::new(file.to_str().unwrap()).unwrap();
                        get(provider, kind, path.as_ptr(), &receiver);
                    }
                }
            }
            (*provider).destroy.unwrap()(provider);
        }
        *all
    }
}

unsafe fn of_indexer<'a>(indexer: *const clap_preset_discovery_indexer) -> &'a mut Presets {
    // SAFETY: made in `look`.
    unsafe { &mut *(*indexer).indexer_data.cast() }
}

unsafe fn of_receiver<'a>(receiver: *const clap_preset_discovery_metadata_receiver) -> &'a mut Presets {
    // SAFETY: made in `look`.
    unsafe { &mut *(*receiver).receiver_data.cast() }
}

unsafe extern "C" fn filetype(
    indexer: *const clap_preset_discovery_indexer,
    file: *const clap_preset_discovery_filetype,
) -> bool {
    // SAFETY: the plugin's file type.
    unsafe { of_indexer(indexer).endings.push(said((*file).file_extension)) };
    true
}

unsafe extern "C" fn location(
    indexer: *const clap_preset_discovery_indexer,
    place: *const clap_preset_discovery_location,
) -> bool {
    // SAFETY: the plugin's place.
    unsafe { of_indexer(indexer).places.push(((*place).kind, (*place).flags, said((*place).location))) };
    true
}

unsafe extern "C" fn error(
    receiver: *const clap_preset_discovery_metadata_receiver,
    _: i32,
    why: *const c_char,
) {
    // SAFETY: as above.
    unsafe { of_receiver(receiver) }.errors.push(said(why));
}

unsafe extern "C" fn begin(
    receiver: *const clap_preset_discovery_metadata_receiver,
    name: *const c_char,
    key: *const c_char,
) -> bool {
    let preset = Listed { name: said(name), key: said(key), ..Listed::default() };
    // SAFETY: as above.
    unsafe { of_receiver(receiver) }.listed.push(preset);
    true
}

unsafe fn last<'a>(receiver: *const clap_preset_discovery_metadata_receiver) -> &'a mut Listed {
    // SAFETY: as above; a preset was begun.
    unsafe { of_receiver(receiver) }.listed.last_mut().expect("a preset was begun")
}

unsafe extern "C" fn plugin_id(
    receiver: *const clap_preset_discovery_metadata_receiver,
    id: *const clap_universal_plugin_id,
) {
    // SAFETY: as above.
    unsafe { last(receiver).plugins.push(format!("{}:{}", said((*id).abi), said((*id).id))) };
}

unsafe extern "C" fn description(
    receiver: *const clap_preset_discovery_metadata_receiver,
    text: *const c_char,
) {
    // SAFETY: as above.
    unsafe { last(receiver).about = said(text) };
}

unsafe extern "C" fn timestamps(
    receiver: *const clap_preset_discovery_metadata_receiver,
    _: clap_timestamp,
    changed: clap_timestamp,
) {
    // SAFETY: as above.
    unsafe { last(receiver).changed = changed };
}

unsafe extern "C" fn extra(
    receiver: *const clap_preset_discovery_metadata_receiver,
    key: *const c_char,
    value: *const c_char,
) {
    // SAFETY: as above.
    unsafe { last(receiver).extra.push(format!("{}: {}", said(key), said(value))) };
}
