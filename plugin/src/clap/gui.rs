//! The window as a CLAP host opens it. nice-plug has a table for this, too; it panics where the host has no
//! `clap.gui` of its own or calls from another thread, and a panic there ends the host.

use std::error::Error;
use std::ffi::{CStr, c_char};
use std::sync::Arc;

use clap_sys::ext::gui::{
    CLAP_WINDOW_API_COCOA, CLAP_WINDOW_API_WIN32, CLAP_WINDOW_API_X11, clap_gui_resize_hints,
    clap_plugin_gui, clap_window,
};
use clap_sys::plugin::clap_plugin;
use nice_plug::context::PluginApi;
use nice_plug::context::gui::{GuiContext, GuiContextInner};
use nice_plug::editor::dpi::{NativeSize, Size};
use nice_plug::editor::{HostCallbacks, HostMainThreadCaller, HostMethods, ParentWindowHandle};
use nice_plug::params::internals::ParamPtr;
use nice_plug::plugin::PluginState;

use super::extensions::core;
use super::guard;
use super::host::{Host, request};
use super::process::ParamEvents;
use crate::editor::{KrachEditor, Slot};

/// The windowing system that windows are made with here.
const API: &CStr = if cfg!(target_os = "macos") {
    CLAP_WINDOW_API_COCOA
} else if cfg!(target_os = "windows") {
    CLAP_WINDOW_API_WIN32
} else {
    CLAP_WINDOW_API_X11
};

/// The window of one instance.
pub struct Gui {
    slot: Slot,
    host: Arc<Host>,
    events: Arc<ParamEvents>,
}

impl Gui {
    /// Nothing is opened.
    pub fn new(editor: Option<KrachEditor>, host: Arc<Host>, events: Arc<ParamEvents>) -> Self {
        Self { slot: Slot::new(editor), host, events }
    }

    fn create(&self) -> bool {
        let context = GuiContext::new(Arc::new(Context {
            events: Arc::clone(&self.events),
            host: Arc::clone(&self.host),
        }));
        let callbacks = HostMethods {
            callbacks: Box::new(Callbacks(Arc::clone(&self.host))),
            main_thread_caller: Box::new(MainThread(Arc::clone(&self.host))),
        };
        self.slot.open(None, context, callbacks)
    }

    /// Closes the window, if it is open. Main thread.
    pub fn close(&self) {
        self.slot.close();
    }

    /// The window's thread wants something of the host.
    pub fn on_main_thread(&self) {
        self.slot.on_main_thread();
    }
}

/// How the window changes parameters.
struct Context {
    events: Arc<ParamEvents>,
    host: Arc<Host>,
}

impl GuiContextInner for Context {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Clap
    }

    unsafe fn raw_begin_set_parameter(&self, param: ParamPtr) {
        self.events.begin_gesture(param);
    }

    unsafe fn raw_set_parameter_normalized(&self, param: ParamPtr, normalized: f32) {
        self.events.set_by_window(param, normalized);
    }

    unsafe fn raw_end_set_parameter(&self, param: ParamPtr) {
        self.events.end_gesture(param);
        // A host that does not process asks for it.
        self.host.post(request::FLUSH_PARAMS);
    }

    /// The state goes another way; see [`crate::instance`].
    fn get_state(&self) -> PluginState {
        PluginState { version: String::new(), params: Default::default(), fields: Default::default() }
    }

    fn set_state(&self, _state: PluginState) {}

    fn request_restart(&self) {}
}

/// What the window asks of the host, on the main thread.
struct Callbacks(Arc<Host>);

impl HostCallbacks for Callbacks {
    fn request_resize(&mut self, new_size: Size, scale_factor: f64) -> Result<(), Box<dyn Error>> {
        let size = NativeSize::<u32>::from_size(new_size, scale_factor);
        if self.0.request_resize(size.width, size.height) { Ok(()) } else { Err("the host refuses".into()) }
    }

    fn destroyed(&mut self) {
        self.0.gui_closed();
    }
}

struct MainThread(Arc<Host>);

impl HostMainThreadCaller for MainThread {
    fn call_main_thread(&mut self) {
        self.0.post(request::WINDOW);
    }
}

/// What the host calls.
pub static GUI: clap_plugin_gui = clap_plugin_gui {
    is_api_supported: Some(is_api_supported),
    get_preferred_api: Some(get_preferred_api),
    create: Some(create),
    destroy: Some(destroy),
    set_scale: Some(set_scale),
    get_size: Some(get_size),
    can_resize: Some(can_resize),
    get_resize_hints: Some(get_resize_hints),
    adjust_size: Some(adjust_size),
    set_size: Some(set_size),
    set_parent: Some(set_parent),
    set_transient: Some(set_transient),
    suggest_title: Some(suggest_title),
    show: Some(show),
    hide: Some(hide),
};

/// Does `what` with the instance's window; `fallback` without one, or if it panics.
///
/// # Safety
/// `plugin` is null or one of ours.
unsafe fn with<T: Copy>(plugin: *const clap_plugin, fallback: T, what: impl FnOnce(&Gui) -> T) -> T {
    // SAFETY: passed on.
    guard(fallback, || unsafe { core(plugin) }.map_or(fallback, |core| what(&core.gui)))
}

unsafe extern "C" fn is_api_supported(_: *const clap_plugin, api: *const c_char, floating: bool) -> bool {
    // SAFETY: null or a string of the host's.
    !floating && !api.is_null() && unsafe { CStr::from_ptr(api) } == API
}

unsafe extern "C" fn get_preferred_api(
    _: *const clap_plugin,
    api: *mut *const c_char,
    floating: *mut bool,
) -> bool {
    if api.is_null() || floating.is_null() {
        return false;
    }
    // SAFETY: the host's room for both, not null.
    unsafe {
        *api = API.as_ptr();
        *floating = false;
    }
    true
}

unsafe extern "C" fn create(plugin: *const clap_plugin, api: *const c_char, floating: bool) -> bool {
    // SAFETY: the host hands back what `create` gave it, and a string.
    unsafe { is_api_supported(plugin, api, floating) && with(plugin, false, Gui::create) }
}

unsafe extern "C" fn destroy(plugin: *const clap_plugin) {
    // SAFETY: the host hands back what `create` gave it.
    unsafe { with(plugin, (), Gui::close) }
}

unsafe extern "C" fn set_scale(plugin: *const clap_plugin, scale: f64) -> bool {
    // SAFETY: the host hands back what `create` gave it.
    unsafe { with(plugin, false, |gui| gui.slot.set_scale(scale)) }
}

unsafe extern "C" fn get_size(plugin: *const clap_plugin, width: *mut u32, height: *mut u32) -> bool {
    // SAFETY: the host hands back what `create` gave it.
    let size = unsafe { with(plugin, None, |gui| gui.slot.size()) };
    let Some(size) = size.filter(|_| !width.is_null() && !height.is_null()) else { return false };
    // SAFETY: the host's room for both, not null.
    unsafe { (*width, *height) = (size.width, size.height) };
    true
}

unsafe extern "C" fn can_resize(plugin: *const clap_plugin) -> bool {
    // SAFETY: the host hands back what `create` gave it.
    unsafe { with(plugin, false, |gui| gui.slot.is_usable()) }
}

unsafe extern "C" fn get_resize_hints(_: *const clap_plugin, hints: *mut clap_gui_resize_hints) -> bool {
    if hints.is_null() {
        return false;
    }
    let free = clap_gui_resize_hints {
        can_resize_horizontally: true,
        can_resize_vertically: true,
        preserve_aspect_ratio: false,
        aspect_ratio_width: 1,
        aspect_ratio_height: 1,
    };
    // SAFETY: the host's room for hints, not null.
    unsafe { hints.write(free) };
    true
}

unsafe extern "C" fn adjust_size(plugin: *const clap_plugin, width: *mut u32, height: *mut u32) -> bool {
    if width.is_null() || height.is_null() {
        return false;
    }
    // SAFETY: the host's numbers, not null.
    let asked = unsafe { NativeSize::new(*width, *height) };
    // SAFETY: the host hands back what `create` gave it.
    let Some(size) = (unsafe { with(plugin, None, |gui| gui.slot.adjust(asked)) }) else { return false };
    // SAFETY: the host's room for both, not null.
    unsafe { (*width, *height) = (size.width, size.height) };
    true
}

unsafe extern "C" fn set_size(plugin: *const clap_plugin, width: u32, height: u32) -> bool {
    // SAFETY: the host hands back what `create` gave it.
    unsafe { with(plugin, false, |gui| gui.slot.set_size(NativeSize { width, height })) }
}

unsafe extern "C" fn set_parent(plugin: *const clap_plugin, window: *const clap_window) -> bool {
    guard(false, || {
        // SAFETY: null, or the host's, with the handle that its own field names.
        let Some(parent) = (unsafe { window.as_ref().and_then(|window| parent(window)) }) else {
            return false;
        };
        // SAFETY: the host hands back what `create` gave it.
        unsafe { with(plugin, false, |gui| gui.slot.set_parent(parent)) }
    })
}

/// # Safety
/// `window.api` is null or a string, and the handle is of that system.
unsafe fn parent(window: &clap_window) -> Option<ParentWindowHandle> {
    // SAFETY: as promised by the caller.
    if window.api.is_null() || unsafe { CStr::from_ptr(window.api) } != API {
        return None;
    }
    // SAFETY: the handle is of the system that was just compared.
    unsafe {
        if cfg!(target_os = "macos") {
            std::ptr::NonNull::new(window.specific.cocoa).map(ParentWindowHandle::AppKitNsView)
        } else if cfg!(target_os = "windows") {
            let window = window.specific.win32 as isize;
            std::num::NonZeroIsize::new(window).map(ParentWindowHandle::Win32Hwnd)
        } else {
            let window = window.specific.x11 as std::ffi::c_ulong;
            (window != 0).then_some(ParentWindowHandle::XlibWindow(window))
        }
    }
}

/// Only for floating windows, of which there are none.
unsafe extern "C" fn set_transient(_: *const clap_plugin, _: *const clap_window) -> bool {
    false
}

/// Only for floating windows, of which there are none.
unsafe extern "C" fn suggest_title(_: *const clap_plugin, _: *const c_char) {}

unsafe extern "C" fn show(plugin: *const clap_plugin) -> bool {
    // SAFETY: the host hands back what `create` gave it.
    unsafe { with(plugin, false, |gui| gui.slot.show()) }
}

unsafe extern "C" fn hide(plugin: *const clap_plugin) -> bool {
    // SAFETY: the host hands back what `create` gave it.
    unsafe { with(plugin, false, |gui| gui.slot.hide()) }
}
