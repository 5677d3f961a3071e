//! The library that DAWs load: the entry points of both formats, and nothing else.
//!
//! It is a package of its own because cargo gives the file of a cdylib the same name for every set of features: in one
//! package, the plugin and the program without a DAW would each make cargo build the other anew.

use std::ffi::c_void;

use clap_sys::entry::clap_plugin_entry;

/// CLAP's entry point.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is CLAP's")]
pub static clap_entry: clap_plugin_entry = krach::clap::ENTRY;

/// VST3's entry point: the factory, whose reference the host gives back.
#[unsafe(no_mangle)]
#[allow(non_snake_case, reason = "the name is VST3's")]
pub extern "system" fn GetPluginFactory() -> *mut c_void {
    krach::vst3::plugin_factory()
}

/// What each system's loader calls around the library's life. There is nothing to prepare: no logger,
/// hook or thread outlives the instances.
mod module {
    use std::ffi::c_void;

    #[cfg(all(unix, not(target_os = "macos")))]
    #[unsafe(no_mangle)]
    #[allow(non_snake_case, reason = "the name is VST3's")]
    extern "C" fn ModuleEntry(_library: *mut c_void) -> bool {
        true
    }

    #[cfg(all(unix, not(target_os = "macos")))]
    #[unsafe(no_mangle)]
    #[allow(non_snake_case, reason = "the name is VST3's")]
    extern "C" fn ModuleExit() -> bool {
        true
    }

    #[cfg(target_os = "macos")]
    #[unsafe(no_mangle)]
    #[allow(non_snake_case, reason = "the name is VST3's")]
    extern "C" fn bundleEntry(_bundle: *mut c_void) -> bool {
        true
    }

    #[cfg(target_os = "macos")]
    #[unsafe(no_mangle)]
    #[allow(non_snake_case, reason = "the name is VST3's")]
    extern "C" fn bundleExit() -> bool {
        true
    }

    #[cfg(windows)]
    #[unsafe(no_mangle)]
    #[allow(non_snake_case, reason = "the name is VST3's")]
    extern "system" fn InitDll() -> bool {
        true
    }

    #[cfg(windows)]
    #[unsafe(no_mangle)]
    #[allow(non_snake_case, reason = "the name is VST3's")]
    extern "system" fn ExitDll() -> bool {
        true
    }
}
