//! How our threads reach the host: most of its functions may only be called on its main thread, so
//! requests are noted and the host is asked to call `on_main_thread`.
//!
//! Some hosts never do. Where the host has timers, one of them serves requests from `init` on, until the
//! host has answered a request by `on_main_thread`.

use std::ffi::{CStr, c_char};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use clap_sys::ext::gui::{CLAP_EXT_GUI, clap_host_gui};
use clap_sys::ext::params::{CLAP_EXT_PARAMS, clap_host_params, clap_param_rescan_flags};
use clap_sys::ext::preset_load::{CLAP_EXT_PRESET_LOAD, CLAP_EXT_PRESET_LOAD_COMPAT, clap_host_preset_load};
use clap_sys::ext::remote_controls::{
    CLAP_EXT_REMOTE_CONTROLS, CLAP_EXT_REMOTE_CONTROLS_COMPAT, clap_host_remote_controls,
};
use clap_sys::ext::state::{CLAP_EXT_STATE, clap_host_state};
use clap_sys::ext::timer_support::{CLAP_EXT_TIMER_SUPPORT, clap_host_timer_support};
use clap_sys::ext::track_info::{
    CLAP_EXT_TRACK_INFO, CLAP_EXT_TRACK_INFO_COMPAT, CLAP_TRACK_INFO_HAS_TRACK_COLOR,
    CLAP_TRACK_INFO_HAS_TRACK_NAME, clap_host_track_info, clap_track_info,
};
use clap_sys::host::clap_host;
use clap_sys::id::{CLAP_INVALID_ID, clap_id};

use crate::instance::Track;

/// Period of the timer, in milliseconds.
const TIMER_PERIOD: u32 = 100;

/// Things to do on the host's main thread, as bits.
pub mod request {
    /// Tell the host that the session is no longer what it saved.
    pub const MARK_DIRTY: u32 = 1 << 0;
    /// Tell the host that names, units or values of parameters have changed.
    pub const RESCAN_PARAMS: u32 = 1 << 1;
    /// The window's thread wants something of the host.
    pub const WINDOW: u32 = 1 << 2;
    /// The window has changed a parameter, of which a host that does not process hears by a flush.
    pub const FLUSH_PARAMS: u32 = 1 << 3;
    /// Nothing: shows whether the host calls `on_main_thread`.
    pub const PROBE: u32 = 1 << 4;
}

/// The host of one instance.
pub struct Host {
    raw: NonNull<clap_host>,
    /// False from `destroy` on. Held while another thread calls the host, so that it cannot go.
    alive: Mutex<bool>,
    pending: AtomicU32,
    extensions: OnceLock<Extensions>,
    /// The timer that serves requests, or [`CLAP_INVALID_ID`]. Main thread.
    timer: AtomicU32,
}

struct Extensions {
    state: Option<NonNull<clap_host_state>>,
    params: Option<NonNull<clap_host_params>>,
    gui: Option<NonNull<clap_host_gui>>,
    timer: Option<NonNull<clap_host_timer_support>>,
    track: Option<NonNull<clap_host_track_info>>,
    preset: Option<NonNull<clap_host_preset_load>>,
    remote_controls: Option<NonNull<clap_host_remote_controls>>,
}

// SAFETY: the host's struct is constant and lives until `destroy`; from our own threads only
// `request_callback`, which CLAP allows on any thread, is called, and only while `alive` is held.
unsafe impl Send for Host {}
// SAFETY: as above; all fields are atomics, locks and constants.
unsafe impl Sync for Host {}

// SAFETY: pointers to the host's constant tables.
unsafe impl Send for Extensions {}
// SAFETY: as above.
unsafe impl Sync for Extensions {}

impl Host {
    /// Before `init`: calls nothing. `None` if null.
    ///
    /// # Safety
    /// `raw` is null or stays valid until [`Host::gone`].
    pub unsafe fn new(raw: *const clap_host) -> Option<Self> {
        let raw = NonNull::new(raw.cast_mut())?;
        let (alive, pending) = (Mutex::new(true), AtomicU32::new(0));
        let timer = AtomicU32::new(CLAP_INVALID_ID);
        Some(Self { raw, alive, pending, extensions: OnceLock::new(), timer })
    }

    /// For nice-plug.
    pub fn raw(&self) -> *const clap_host {
        self.raw.as_ptr()
    }

    /// Name and version, as far as the host tells them.
    pub fn name(&self) -> Option<String> {
        let read = |text: *const std::ffi::c_char| {
            // SAFETY: the host's strings are null or end in NUL, and live as long as it does.
            (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
        };
        // SAFETY: valid until `gone`.
        let host = unsafe { self.raw.as_ref() };
        let version = read(host.version).filter(|version| !version.is_empty());
        let name = read(host.name).filter(|name| !name.is_empty())?;
        Some(version.map_or(name.clone(), |version| format!("{name} {version}")))
    }

    /// Looks up what the host can do. Main thread, in `init`: not allowed earlier.
    pub fn query(&self) {
        self.extensions.get_or_init(|| Extensions {
            state: self.extension(CLAP_EXT_STATE),
            params: self.extension(CLAP_EXT_PARAMS),
            gui: self.extension(CLAP_EXT_GUI),
            timer: self.extension(CLAP_EXT_TIMER_SUPPORT),
            remote_controls: self
                .extension(CLAP_EXT_REMOTE_CONTROLS)
                .or_else(|| self.extension(CLAP_EXT_REMOTE_CONTROLS_COMPAT)),
            track: self.extension(CLAP_EXT_TRACK_INFO).or_else(|| self.extension(CLAP_EXT_TRACK_INFO_COMPAT)),
            preset: self
                .extension(CLAP_EXT_PRESET_LOAD)
                .or_else(|| self.extension(CLAP_EXT_PRESET_LOAD_COMPAT)),
        });
    }

    /// `T` must be the type of the extension `id`.
    fn extension<T>(&self, id: &CStr) -> Option<NonNull<T>> {
        // SAFETY: valid until `gone`; main thread, after `init` began.
        let table = unsafe { self.raw.as_ref().get_extension?(self.raw.as_ptr(), id.as_ptr()) };
        NonNull::new(table.cast_mut().cast())
    }

    /// Notes a request and asks for the main thread. For our own threads: may wait for another of
    /// them, never for the host's. Does nothing once the host is gone.
    pub fn post(&self, request: u32) {
        let alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        if *alive {
            self.note(request);
        }
    }

    fn note(&self, request: u32) {
        let before = self.pending.fetch_or(request, Ordering::AcqRel);
        if before & request != request {
            // SAFETY: the host is alive (see the caller); any thread may call this.
            unsafe {
                if let Some(request_callback) = self.raw.as_ref().request_callback {
                    request_callback(self.raw.as_ptr());
                }
            }
        }
    }

    /// The requests noted since the last call.
    pub fn take_requests(&self) -> u32 {
        self.pending.swap(0, Ordering::AcqRel)
    }

    /// Starts the timer, if the host has timers, and asks for the main thread: a host that answers needs no
    /// timer. Main thread, at the end of `init`.
    pub fn start_timer(&self) {
        let Some(timers) = self.extensions.get().and_then(|extensions| extensions.timer) else { return };
        let mut id: clap_id = CLAP_INVALID_ID;
        // SAFETY: the host's tables live as long as the host; main thread, and room for an id.
        let started = unsafe {
            timers
                .as_ref()
                .register_timer
                .is_some_and(|register| register(self.raw.as_ptr(), TIMER_PERIOD, &mut id))
        };
        if started && id != CLAP_INVALID_ID {
            self.timer.store(id, Ordering::Release);
            self.post(request::PROBE);
        }
    }

    /// Is this our timer?
    pub fn is_timer(&self, id: clap_id) -> bool {
        id != CLAP_INVALID_ID && id == self.timer.load(Ordering::Acquire)
    }

    /// Ends the timer, if it runs. Main thread.
    pub fn stop_timer(&self) {
        let id = self.timer.swap(CLAP_INVALID_ID, Ordering::AcqRel);
        let Some(timers) = self.extensions.get().and_then(|extensions| extensions.timer) else { return };
        if id == CLAP_INVALID_ID {
            return;
        }
        // SAFETY: the host's tables live as long as the host; main thread, and an id that it gave.
        unsafe {
            if let Some(unregister) = timers.as_ref().unregister_timer {
                unregister(self.raw.as_ptr(), id);
            }
        }
    }

    /// The track that the plugin is on; `None` if the host does not say. Main thread.
    pub fn track(&self) -> Option<Track> {
        let track = self.extensions.get()?.track?;
        let mut info = std::mem::MaybeUninit::<clap_track_info>::zeroed();
        // SAFETY: the host's tables live as long as the host; main thread; room for an info, in which every bit
        // pattern of zeros is a value.
        let info = unsafe {
            if !track.as_ref().get.is_some_and(|get| get(self.raw.as_ptr(), info.as_mut_ptr())) {
                return None;
            }
            info.assume_init()
        };
        let bytes: Vec<u8> = info.name.iter().map(|&c| c as u8).take_while(|&c| c != 0).collect();
        let name = String::from_utf8_lossy(&bytes);
        let has = |flag| info.flags & flag != 0;
        let colour = [info.color.red, info.color.green, info.color.blue];
        Some(Track::new(
            has(CLAP_TRACK_INFO_HAS_TRACK_NAME).then_some(&*name),
            has(CLAP_TRACK_INFO_HAS_TRACK_COLOR).then_some(colour),
        ))
    }

    /// A preset was loaded.
    ///
    /// # Safety
    /// Main thread; the host's strings, or null.
    pub unsafe fn preset_loaded(&self, kind: u32, location: *const c_char, load_key: *const c_char) {
        let Some(presets) = self.extensions.get().and_then(|extensions| extensions.preset) else { return };
        // SAFETY: the host's tables live as long as the host; as promised by the caller.
        unsafe {
            if let Some(loaded) = presets.as_ref().loaded {
                loaded(self.raw.as_ptr(), kind, location, load_key);
            }
        }
    }

    /// A preset was not loaded, and why.
    ///
    /// # Safety
    /// Main thread; the host's strings, or null.
    pub unsafe fn preset_refused(
        &self,
        kind: u32,
        location: *const c_char,
        load_key: *const c_char,
        why: &CStr,
    ) {
        let Some(presets) = self.extensions.get().and_then(|extensions| extensions.preset) else { return };
        // SAFETY: the host's tables live as long as the host; as promised by the caller.
        unsafe {
            if let Some(on_error) = presets.as_ref().on_error {
                on_error(self.raw.as_ptr(), kind, location, load_key, 0, why.as_ptr());
            }
        }
    }

    /// Main thread.
    pub fn mark_dirty(&self) {
        let Some(state) = self.extensions.get().and_then(|extensions| extensions.state) else {
            return;
        };
        // SAFETY: the host's tables live as long as the host; main thread.
        unsafe {
            if let Some(mark_dirty) = state.as_ref().mark_dirty {
                mark_dirty(self.raw.as_ptr());
            }
        }
    }

    /// Main thread. INFO, TEXT and VALUES are legal while active.
    pub fn rescan_params(&self, what: clap_param_rescan_flags) {
        let Some(params) = self.extensions.get().and_then(|extensions| extensions.params) else {
            return;
        };
        // SAFETY: the host's tables live as long as the host; main thread.
        unsafe {
            if let Some(rescan) = params.as_ref().rescan {
                rescan(self.raw.as_ptr(), what);
            }
        }
    }

    /// The pages of remote controls are others. Main thread.
    pub fn remote_controls_changed(&self) {
        let Some(pages) = self.extensions.get().and_then(|extensions| extensions.remote_controls) else {
            return;
        };
        // SAFETY: the host's tables live as long as the host; main thread.
        unsafe {
            if let Some(changed) = pages.as_ref().changed {
                changed(self.raw.as_ptr());
            }
        }
    }

    /// Has the host flush parameters, if it does not process. Main thread.
    pub fn flush_params(&self) {
        let Some(params) = self.extensions.get().and_then(|extensions| extensions.params) else {
            return;
        };
        // SAFETY: the host's tables live as long as the host.
        unsafe {
            if let Some(request_flush) = params.as_ref().request_flush {
                request_flush(self.raw.as_ptr());
            }
        }
    }

    /// Asks for another size of the window's parent; false if the host refuses or cannot.
    pub fn request_resize(&self, width: u32, height: u32) -> bool {
        let Some(gui) = self.extensions.get().and_then(|extensions| extensions.gui) else { return false };
        // SAFETY: the host's tables live as long as the host; any thread may call this.
        unsafe { gui.as_ref().request_resize.is_some_and(|resize| resize(self.raw.as_ptr(), width, height)) }
    }

    /// Tells that the window is gone by itself.
    pub fn gui_closed(&self) {
        let Some(gui) = self.extensions.get().and_then(|extensions| extensions.gui) else { return };
        // SAFETY: the host's tables live as long as the host; any thread may call this.
        unsafe {
            if let Some(closed) = gui.as_ref().closed {
                closed(self.raw.as_ptr(), true);
            }
        }
    }

    /// No thread calls the host after this. Main thread, in `destroy`.
    pub fn gone(&self) {
        *self.alive.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }
}
