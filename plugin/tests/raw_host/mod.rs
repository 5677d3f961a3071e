//! The smallest CLAP host: calls the plugin through its `clap_entry`, as C would, and can break every
//! rule. Instances of one test program put their sockets into a folder of their own.

#![allow(dead_code, reason = "each test program uses its part")]

pub mod block;
pub mod presets;
pub mod vst3;

use block::{Event, Sent, input_list};

use std::ffi::{CStr, c_char, c_void};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use clap_sys::color::clap_color;
use clap_sys::ext::params::{CLAP_EXT_PARAMS, clap_host_params, clap_plugin_params};
use clap_sys::ext::preset_load::CLAP_EXT_PRESET_LOAD;
use clap_sys::ext::state::{CLAP_EXT_STATE, clap_host_state, clap_plugin_state};
use clap_sys::ext::state_context::{CLAP_EXT_STATE_CONTEXT, clap_plugin_state_context};
use clap_sys::ext::timer_support::{
    CLAP_EXT_TIMER_SUPPORT, clap_host_timer_support, clap_plugin_timer_support,
};
use clap_sys::ext::track_info::{
    CLAP_EXT_TRACK_INFO, CLAP_TRACK_INFO_HAS_TRACK_COLOR, CLAP_TRACK_INFO_HAS_TRACK_NAME,
    clap_host_track_info, clap_plugin_track_info, clap_track_info,
};
use clap_sys::factory::plugin_factory::{CLAP_PLUGIN_FACTORY_ID, clap_plugin_factory};
use clap_sys::host::clap_host;
use clap_sys::plugin::clap_plugin;
use clap_sys::process::{clap_process, clap_process_status};
use clap_sys::stream::{clap_istream, clap_ostream};
use clap_sys::string_sizes::CLAP_NAME_SIZE;
use clap_sys::version::CLAP_VERSION;
use krach::ports::Kind;

/// Tests of one program take turns: they count threads and files, which all instances share.
pub fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    static FOLDERS: Once = Once::new();
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    FOLDERS.call_once(|| {
        std::fs::create_dir_all(run_folder()).expect("a folder for sockets");
        for name in ["XDG_RUNTIME_DIR", "TMPDIR", "HOME"] {
            // SAFETY: no test has started an instance, and so no thread that reads the environment
            // behind the standard library's back.
            unsafe { std::env::set_var(name, run_folder()) };
        }
        // SAFETY: as above.
        unsafe { std::env::remove_var("NOISE_SOCKET") };
    });
    turn
}

/// Where this program's sockets are.
pub fn run_folder() -> PathBuf {
    PathBuf::from(format!("/tmp/krach-shell-{}", std::process::id()))
}

/// What the host counts of the plugin's calls.
#[derive(Default)]
pub struct Heard {
    pub callbacks: AtomicU32,
    pub dirty: AtomicU32,
    pub rescans: Mutex<Vec<u32>>,
    /// The host has timers.
    pub has_timers: AtomicBool,
    /// Those that run.
    pub timers: Mutex<Vec<u32>>,
    /// Timers that were ever started.
    pub started: AtomicU32,
    /// Name and colour of the track; a host without it has no such extension.
    pub track: Mutex<Option<(String, [u8; 3])>>,
    /// What was said of presets: that they were loaded, or why not.
    pub presets: Mutex<Vec<Result<String, String>>>,
}

/// A host, at a fixed place in memory.
pub struct Host {
    raw: Box<clap_host>,
    pub heard: Box<Heard>,
}

impl Host {
    pub fn new() -> Self {
        let heard = Box::<Heard>::default();
        let raw = Box::new(clap_host {
            clap_version: CLAP_VERSION,
            host_data: (&raw const *heard).cast_mut().cast(),
            name: c"Raw Host".as_ptr(),
            vendor: c"".as_ptr(),
            url: c"".as_ptr(),
            version: c"1".as_ptr(),
            get_extension: Some(host_extension),
            request_restart: Some(nothing),
            request_process: Some(nothing),
            request_callback: Some(host_callback),
        });
        Self { raw, heard }
    }

    /// A host that has timers.
    pub fn with_timers() -> Self {
        let host = Self::new();
        host.heard.has_timers.store(true, Ordering::SeqCst);
        host
    }

    /// A host whose plugin is on a track.
    pub fn with_track(name: &str, colour: [u8; 3]) -> Self {
        let host = Self::new();
        *host.heard.track.lock().unwrap() = Some((name.to_owned(), colour));
        host
    }

    /// The track is called otherwise now.
    pub fn rename_track(&self, plugin: &Plugin, name: &str) {
        if let Some(track) = self.heard.track.lock().unwrap().as_mut() {
            name.clone_into(&mut track.0);
        }
        let listener = plugin.extension::<clap_plugin_track_info>(CLAP_EXT_TRACK_INFO).expect("it listens");
        // SAFETY: CLAP's call.
        unsafe { listener.changed.unwrap()(plugin.raw) };
    }

    /// Lets each timer that runs come round once.
    pub fn run_timers(&self, plugin: &Plugin) {
        let running = self.heard.timers.lock().unwrap().clone();
        let timer = plugin.extension::<clap_plugin_timer_support>(CLAP_EXT_TIMER_SUPPORT).expect("timers");
        for id in running {
            // SAFETY: CLAP's call.
            unsafe { timer.on_timer.unwrap()(plugin.raw, id) };
        }
    }

    /// Creates the instrument of this very program, without `init`.
    pub fn create(&self) -> Plugin {
        self.create_kind(Kind::Instrument)
    }

    /// Creates one of the two plugins of this very program, without `init`.
    pub fn create_kind(&self, kind: Kind) -> Plugin {
        self.create_at(&krach::clap::ENTRY, u32::from(kind == Kind::Effect))
    }

    /// Creates the first plugin of an entry, without `init`.
    pub fn create_from(&self, entry: &clap_sys::entry::clap_plugin_entry) -> Plugin {
        self.create_at(entry, 0)
    }

    fn create_at(&self, entry: &clap_sys::entry::clap_plugin_entry, index: u32) -> Plugin {
        // SAFETY: CLAP's calls in CLAP's order.
        unsafe {
            assert!(entry.init.unwrap()(c"/nowhere".as_ptr()));
            let factory = entry.get_factory.unwrap()(CLAP_PLUGIN_FACTORY_ID.as_ptr());
            let factory = factory.cast::<clap_plugin_factory>();
            let desc = (*factory).get_plugin_descriptor.unwrap()(factory, index);
            let raw = (*factory).create_plugin.unwrap()(factory, &raw const *self.raw, (*desc).id);
            assert!(!raw.is_null());
            Plugin { raw }
        }
    }

    /// Creates and initialises the instrument.
    pub fn instance(&self) -> Plugin {
        let plugin = self.create();
        assert!(plugin.init());
        plugin
    }

    /// Waits until the plugin has asked for the main thread, and gives it. False after 5 s.
    pub fn main_thread(&self, plugin: &Plugin) -> bool {
        for _ in 0..5000 {
            if self.heard.callbacks.swap(0, Ordering::SeqCst) > 0 {
                plugin.on_main_thread();
                return true;
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        false
    }
}

unsafe extern "C" fn nothing(_: *const clap_host) {}

fn heard<'a>(host: *const clap_host) -> &'a Heard {
    // SAFETY: set by `Host::new`; tests destroy their plugins before the host goes.
    unsafe { &*(*host).host_data.cast::<Heard>() }
}

unsafe extern "C" fn host_callback(host: *const clap_host) {
    heard(host).callbacks.fetch_add(1, Ordering::SeqCst);
}

unsafe extern "C" fn host_dirty(host: *const clap_host) {
    heard(host).dirty.fetch_add(1, Ordering::SeqCst);
}

unsafe extern "C" fn host_rescan(host: *const clap_host, flags: u32) {
    heard(host).rescans.lock().unwrap().push(flags);
}

unsafe extern "C" fn start_timer(host: *const clap_host, _period: u32, id: *mut u32) -> bool {
    let number = 40 + heard(host).started.fetch_add(1, Ordering::SeqCst);
    heard(host).timers.lock().unwrap().push(number);
    // SAFETY: the plugin's room for an id.
    unsafe { id.write(number) };
    true
}

unsafe extern "C" fn stop_timer(host: *const clap_host, id: u32) -> bool {
    let mut timers = heard(host).timers.lock().unwrap();
    let before = timers.len();
    timers.retain(|&timer| timer != id);
    timers.len() < before
}

static HOST_TIMERS: clap_host_timer_support =
    clap_host_timer_support { register_timer: Some(start_timer), unregister_timer: Some(stop_timer) };
static HOST_STATE: clap_host_state = clap_host_state { mark_dirty: Some(host_dirty) };
static HOST_PARAMS: clap_host_params =
    clap_host_params { rescan: Some(host_rescan), clear: None, request_flush: Some(nothing) };

unsafe extern "C" fn track(host: *const clap_host, info: *mut clap_track_info) -> bool {
    let track = heard(host).track.lock().unwrap();
    let Some((name, [red, green, blue])) = track.clone() else { return false };
    let mut text = [0; CLAP_NAME_SIZE];
    text.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from as c_char);
    let filled = clap_track_info {
        flags: CLAP_TRACK_INFO_HAS_TRACK_NAME | CLAP_TRACK_INFO_HAS_TRACK_COLOR,
        name: text,
        color: clap_color { alpha: 255, red, green, blue },
        audio_channel_count: 0,
        audio_port_type: std::ptr::null(),
    };
    // SAFETY: the plugin's room for an info.
    unsafe { info.write(filled) };
    true
}

static HOST_TRACK: clap_host_track_info = clap_host_track_info { get: Some(track) };

unsafe extern "C" fn host_extension(host: *const clap_host, id: *const c_char) -> *const c_void {
    // SAFETY: a string of the plugin's.
    match unsafe { CStr::from_ptr(id) } {
        id if id == CLAP_EXT_STATE => (&raw const HOST_STATE).cast(),
        id if id == CLAP_EXT_PARAMS => (&raw const HOST_PARAMS).cast(),
        id if id == CLAP_EXT_PRESET_LOAD => (&raw const presets::HOST_PRESETS).cast(),
        id if id == CLAP_EXT_TIMER_SUPPORT && heard(host).has_timers.load(Ordering::SeqCst) => {
            (&raw const HOST_TIMERS).cast()
        }
        id if id == CLAP_EXT_TRACK_INFO && heard(host).track.lock().unwrap().is_some() => {
            (&raw const HOST_TRACK).cast()
        }
        _ => std::ptr::null(),
    }
}

/// An instance. A test that fails destroys it too, so that it does not call a host that is gone.
pub struct Plugin {
    pub raw: *const clap_plugin,
}

macro_rules! call {
    ($self:ident.$name:ident $(, $argument:expr)*) => {
        // SAFETY: the plugin must stand every call that CLAP allows, and the tests' forbidden ones.
        unsafe { (*$self.raw).$name.unwrap()($self.raw $(, $argument)*) }
    };
}

impl Drop for Plugin {
    fn drop(&mut self) {
        call!(self.destroy)
    }
}

impl Plugin {
    pub fn init(&self) -> bool {
        call!(self.init)
    }
    /// By hand, so that tests see what is left after it.
    pub fn destroy(self) {
        drop(self);
    }
    pub fn activate(&self, rate: f64, max: u32) -> bool {
        call!(self.activate, rate, 1, max)
    }
    pub fn deactivate(&self) {
        call!(self.deactivate)
    }
    pub fn start(&self) -> bool {
        call!(self.start_processing)
    }
    pub fn stop(&self) {
        call!(self.stop_processing)
    }
    pub fn reset(&self) {
        call!(self.reset)
    }
    pub fn on_main_thread(&self) {
        call!(self.on_main_thread)
    }
    pub fn process(&self, process: *const clap_process) -> clap_process_status {
        call!(self.process, process)
    }
    /// `T` must be the extension's type.
    pub fn extension<T>(&self, id: &CStr) -> Option<&'static T> {
        let table = call!(self.get_extension, id.as_ptr());
        // SAFETY: constant tables of the plugin, of the type that the id names.
        unsafe { table.cast::<T>().as_ref() }
    }
    pub fn params(&self) -> &'static clap_plugin_params {
        self.extension(CLAP_EXT_PARAMS).expect("parameters")
    }

    /// Number of the parameter that is called `name`.
    pub fn param(&self, name: &str) -> u32 {
        self.named(name).unwrap_or_else(|| panic!("no parameter {name}"))
    }

    /// The parameter that is called so now.
    pub fn named(&self, name: &str) -> Option<u32> {
        let params = self.params();
        // SAFETY: CLAP's calls; an info is numbers and text, for which zero is a value.
        unsafe {
            for index in 0..params.count.unwrap()(self.raw) {
                let mut info = std::mem::zeroed();
                assert!(params.get_info.unwrap()(self.raw, index, &mut info));
                if CStr::from_ptr(info.name.as_ptr()).to_str() == Ok(name) {
                    return Some(info.id);
                }
            }
        }
        None
    }

    pub fn value(&self, id: u32) -> f64 {
        let mut value = f64::NAN;
        // SAFETY: CLAP's call.
        assert!(unsafe { self.params().get_value.unwrap()(self.raw, id, &mut value) });
        value
    }

    pub fn text(&self, id: u32, value: f64) -> String {
        let mut text = [0 as c_char; 256];
        // SAFETY: CLAP's call, with room for 256 bytes.
        unsafe {
            assert!(self.params().value_to_text.unwrap()(self.raw, id, value, text.as_mut_ptr(), 256));
            CStr::from_ptr(text.as_ptr()).to_str().unwrap().to_owned()
        }
    }

    /// Events outside `process`. Returns the values that come back: frame, parameter, value.
    pub fn flush(&self, events: &[Event]) -> Vec<(u32, u32, f64)> {
        let events = events.to_vec();
        let list = input_list(&events);
        let mut sent = Sent::default();
        // SAFETY: CLAP's call; the lists live as long.
        unsafe { self.params().flush.unwrap()(self.raw, &list, &sent.list()) }
        sent.values
    }

    /// All parameters with value and text.
    pub fn all_values(&self) -> Vec<(u32, f64, String)> {
        let params = self.params();
        // SAFETY: CLAP's calls; an info is numbers and text, for which zero is a value.
        unsafe {
            let info = |index| {
                let mut info: clap_sys::ext::params::clap_param_info = std::mem::zeroed();
                assert!(params.get_info.unwrap()(self.raw, index, &mut info));
                info.id
            };
            let ids = (0..params.count.unwrap()(self.raw)).map(info);
            ids.map(|id| (id, self.value(id), self.text(id, self.value(id)))).collect()
        }
    }

    pub fn save(&self) -> Option<Vec<u8>> {
        let state = self.extension::<clap_plugin_state>(CLAP_EXT_STATE)?;
        // SAFETY: CLAP's call.
        Self::saved(|stream| unsafe { state.save.unwrap()(self.raw, stream) })
    }

    /// For a preset, a copy or a project.
    pub fn save_for(&self, context: u32) -> Option<Vec<u8>> {
        let state = self.extension::<clap_plugin_state_context>(CLAP_EXT_STATE_CONTEXT)?;
        // SAFETY: CLAP's call.
        Self::saved(|stream| unsafe { state.save.unwrap()(self.raw, stream, context) })
    }

    fn saved(save: impl FnOnce(*const clap_ostream) -> bool) -> Option<Vec<u8>> {
        unsafe extern "C" fn write(stream: *const clap_ostream, from: *const c_void, size: u64) -> i64 {
            let size = size.min(1000);
            // SAFETY: `ctx` is the vector below; `size` bytes are readable.
            unsafe {
                let bytes = &mut *(*stream).ctx.cast::<Vec<u8>>();
                bytes.extend(std::slice::from_raw_parts(from.cast::<u8>(), size as usize));
            }
            size as i64
        }
        let mut bytes = Vec::<u8>::new();
        let stream = clap_ostream { ctx: (&raw mut bytes).cast(), write: Some(write) };
        save(&raw const stream).then_some(bytes)
    }

    pub fn load(&self, bytes: &[u8]) -> bool {
        let state = self.extension::<clap_plugin_state>(CLAP_EXT_STATE).expect("state");
        // SAFETY: CLAP's call.
        Self::loaded(bytes, |stream| unsafe { state.load.unwrap()(self.raw, stream) })
    }

    /// Of a preset, a copy or a project.
    pub fn load_for(&self, bytes: &[u8], context: u32) -> bool {
        let state = self.extension::<clap_plugin_state_context>(CLAP_EXT_STATE_CONTEXT).expect("contexts");
        // SAFETY: CLAP's call.
        Self::loaded(bytes, |stream| unsafe { state.load.unwrap()(self.raw, stream, context) })
    }

    fn loaded(bytes: &[u8], load: impl FnOnce(*const clap_istream) -> bool) -> bool {
        unsafe extern "C" fn read(stream: *const clap_istream, to: *mut c_void, size: u64) -> i64 {
            // SAFETY: `ctx` is the slice below; `size` bytes are writable.
            unsafe {
                let rest = &mut *(*stream).ctx.cast::<&[u8]>();
                let count = rest.len().min(size as usize).min(1000);
                std::ptr::copy_nonoverlapping(rest.as_ptr(), to.cast(), count);
                *rest = &rest[count..];
                count as i64
            }
        }
        let mut rest = bytes;
        let stream = clap_istream { ctx: (&raw mut rest).cast(), read: Some(read) };
        load(&raw const stream)
    }
}

/// Names of this process's threads that an instance has to do with.
pub fn our_threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let name = |task: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(task.ok()?.path().join("comm")).ok()
    };
    let ours = |name: &String| name.starts_with("krach") || name.starts_with("bg-worker");
    let mut names: Vec<String> =
        tasks.filter_map(name).filter(ours).map(|name| name.trim().to_owned()).collect();
    names.sort();
    names
}
