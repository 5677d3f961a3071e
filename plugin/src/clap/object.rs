//! One instance as the host calls it, and when what of it lives.
//!
//! | host calls | what comes or goes |
//! |---|---|
//! | `create_plugin` | this struct: no thread, no file, no engine |
//! | `init` | nice-plug's parameters (with its idle worker thread), the [`Instance`] |
//! | `activate` … `deactivate` | the [`AudioSide`] with the engine's processor |
//! | `destroy` | everything: audio side, instance (joins its threads), nice-plug (joins its worker) |
//!
//! nice-plug's worker is shared by all instances and dies of tasks that outlive their instance. We
//! never post one, so it only ever waits, and ends with the last instance. No logger, panic hook or exit hook is installed, so that nothing of ours can run once
//! `destroy` has returned and the host may unload the library.

use std::ffi::{CStr, c_char, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, TryLockError};
use std::time::{Duration, Instant};

use clap_sys::ext::params::{CLAP_PARAM_RESCAN_INFO, CLAP_PARAM_RESCAN_TEXT, CLAP_PARAM_RESCAN_VALUES};
use clap_sys::host::clap_host;
use clap_sys::plugin::{clap_plugin, clap_plugin_descriptor};
use clap_sys::process::{CLAP_PROCESS_ERROR, clap_process, clap_process_status};
use krach_core::node::Registry;
use nice_plug::wrapper::clap::Wrapper;

use super::gui::Gui;
use super::host::{Host, request};
use super::process::{AudioSide, ParamEvents};
use super::{extensions, guard};
use crate::editor::KrachEditor;
use crate::instance::{HostHooks, Instance, InstanceConfig};
use crate::params::KrachParams;
use crate::ports::Kind;
use crate::shell::{Clap, Shell};
use crate::socket::Addresses;
use crate::state::{Purpose, ReadError};

/// How long the main thread waits for a block that the host left running where it may not.
const PATIENCE: Duration = Duration::from_secs(1);

/// What stands behind a `clap_plugin`.
pub struct Object {
    vtable: clap_plugin,
    /// Which plugin it is.
    pub kind: Kind,
    /// Requests to the host.
    pub host: Arc<Host>,
    /// The host renders to a file and may wait for us.
    pub offline: AtomicBool,
    /// The audio thread's, while active. The audio thread only ever tries the lock, which is one
    /// atomic exchange; the main thread polls it. They meet only if the host breaks CLAP's rules.
    audio: Mutex<Option<AudioSide>>,
    /// From `init` on.
    core: OnceLock<Core>,
}

/// What `init` brings to life.
pub struct Core {
    /// The window. Dropped first: it shows the instance.
    pub gui: Gui,
    /// The engine, its control thread and its socket. Dropped next: it joins its threads, which
    /// may use all that follows.
    pub instance: Instance,
    /// The parameters.
    pub params: Arc<KrachParams>,
    /// What events do to the parameters.
    pub events: Arc<ParamEvents>,
    /// nice-plug's side.
    pub wrapper: Arc<Wrapper<Shell>>,
}

impl Core {
    /// The chunk for the host: session and parameters. `None` if there is none.
    pub fn save(&self, purpose: Purpose) -> Option<Vec<u8>> {
        self.instance.save_state_for(self.events.values.save(), purpose)
    }

    /// Session and parameters from a chunk; false, and nothing changes, if it is refused. The
    /// instance keeps a refused chunk and saves it back until the session is edited.
    pub fn load(&self, chunk: Result<Vec<u8>, ReadError>, purpose: Purpose) -> bool {
        let Some(values) = self.instance.load_read(chunk, purpose) else { return false };
        self.events.values.load(&values);
        true
    }
}

impl Object {
    /// A new instance for the host, which frees it by `destroy`. Null if `host` is null.
    ///
    /// # Safety
    /// `host` is null or stays valid until `destroy`; `desc` is constant.
    pub unsafe fn create(
        host: *const clap_host,
        desc: &'static clap_plugin_descriptor,
        kind: Kind,
    ) -> *const clap_plugin {
        // SAFETY: as promised by the caller.
        let Some(host) = (unsafe { Host::new(host) }) else { return std::ptr::null() };
        let object = Box::into_raw(Box::new(Self {
            vtable: clap_plugin {
                desc,
                plugin_data: std::ptr::null_mut(),
                init: Some(init),
                destroy: Some(destroy),
                activate: Some(activate),
                deactivate: Some(deactivate),
                start_processing: Some(start_processing),
                stop_processing: Some(stop_processing),
                reset: Some(reset),
                process: Some(process),
                get_extension: Some(extensions::get),
                on_main_thread: Some(on_main_thread),
            },
            kind,
            host: Arc::new(host),
            offline: AtomicBool::new(false),
            audio: Mutex::new(None),
            core: OnceLock::new(),
        }));
        // SAFETY: just made, and nobody else knows it yet. The pointer handed out is not derived from
        // a reference, so that `destroy` may free what it points into.
        unsafe {
            (*object).vtable.plugin_data = object.cast();
            &raw const (*object).vtable
        }
    }

    /// The instance behind a pointer of the host's.
    ///
    /// # Safety
    /// `plugin` is null or came from [`Object::create`] and is not destroyed before the reference ends.
    pub unsafe fn of<'a>(plugin: *const clap_plugin) -> Option<&'a Self> {
        // SAFETY: as promised by the caller; `plugin_data` is set once, in `create`.
        unsafe { plugin.as_ref().and_then(|plugin| plugin.plugin_data.cast::<Self>().as_ref()) }
    }

    /// From `init` on.
    pub fn core(&self) -> Option<&Core> {
        self.core.get()
    }

    fn init(&self) -> bool {
        if self.core.get().is_some() {
            return false;
        }
        self.host.query();
        let params = Arc::new(KrachParams::default());
        // SAFETY: the host is valid until `destroy`, which drops the wrapper.
        let make = || unsafe { Wrapper::<Shell>::new(self.host.raw()) };
        let wrapper = Shell::<Clap>::made_with(&params, make);

        let post = |what: u32| -> Box<dyn Fn() + Send + Sync> {
            let host = self.host.clone();
            Box::new(move || host.post(what))
        };
        params.labels.listen(post(request::RESCAN_PARAMS));
        let events = Arc::new(ParamEvents::new(wrapper.clone(), params.clone()));
        let (labels, told, flush) = (params.labels.clone(), events.clone(), post(request::FLUSH_PARAMS));
        let shown = labels.clone();
        let show_macros = Box::new(move |macros| _ = shown.show(macros));
        let config = InstanceConfig {
            format: "clap",
            host: self.host.name(),
            registry: Registry::with_builtins(),
            hooks: HostHooks {
                mark_dirty: Some(post(request::MARK_DIRTY)),
                scene_recalled: Some(Box::new(move |number| {
                    if told.scene_recalled(number) {
                        flush();
                    }
                })),
                scene_names: Some(Box::new(move |names| {
                    labels.set_scenes(names);
                })),
                show_macros: Some(show_macros),
            },
        };
        let instance = Instance::start_at(config, Addresses::of_host());
        params.view.set(Some(instance.view().clone()));
        let gui = Gui::new(KrachEditor::new(params.clone()), self.host.clone(), events.clone());
        let ready = self.core.set(Core { gui, instance, params, events, wrapper }).is_ok();
        self.host.start_timer();
        self.follow_track();
        ready
    }

    /// Asks the host for its track. Main thread, from `init` on.
    pub fn follow_track(&self) {
        if let (Some(core), Some(track)) = (self.core(), self.host.track()) {
            core.instance.set_track(track);
        }
    }

    fn activate(&self, sample_rate: f64, max_frames: u32) -> bool {
        let Some(core) = self.core() else { return false };
        let sensible = sample_rate.is_finite() && sample_rate > 0.0;
        if !sensible || !(1..=crate::ports::MAX_BLOCK as u32).contains(&max_frames) {
            return false;
        }
        self.deactivate();
        let max_frames = max_frames as usize;
        let processor = core.instance.activate(sample_rate, max_frames);
        let side = AudioSide::new(processor, max_frames, &core.events.values, self.kind);
        match self.wait_for_audio() {
            Some(mut audio) => *audio = Some(side),
            None => return false,
        }
        true
    }

    /// Nothing happens if it is not active.
    fn deactivate(&self) {
        let Some(mut audio) = self.wait_for_audio() else { return };
        let side = audio.take();
        drop(audio);
        if side.is_some() {
            drop(side);
            if let Some(core) = self.core() {
                core.instance.deactivate();
            }
        }
    }

    /// The audio side for the main thread; `None` if a block still runs after [`PATIENCE`].
    fn wait_for_audio(&self) -> Option<MutexGuard<'_, Option<AudioSide>>> {
        let since = Instant::now();
        loop {
            match self.try_audio() {
                None if since.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(1)),
                audio => return audio,
            }
        }
    }

    /// Never waits. Poison is of no account: panics are caught before they reach the guard, and a
    /// panicked audio side keeps silent by itself.
    pub fn try_audio(&self) -> Option<MutexGuard<'_, Option<AudioSide>>> {
        match self.audio.try_lock() {
            Ok(audio) => Some(audio),
            Err(TryLockError::Poisoned(audio)) => Some(audio.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// The host answers a request.
    fn on_main_thread(&self) {
        if self.serve() {
            self.host.stop_timer();
        }
    }

    /// The host's timer has come round.
    pub fn on_timer(&self, id: u32) {
        if self.host.is_timer(id) {
            self.serve();
        }
    }

    /// Does what was asked for on the host's main thread; false if nothing was.
    fn serve(&self) -> bool {
        let requests = self.host.take_requests();
        if requests & request::RESCAN_PARAMS != 0 {
            self.host
                .rescan_params(CLAP_PARAM_RESCAN_INFO | CLAP_PARAM_RESCAN_TEXT | CLAP_PARAM_RESCAN_VALUES);
            if self.core().is_some_and(|core| core.params.labels.take_pages_changed()) {
                self.host.remote_controls_changed();
            }
        }
        if requests & request::WINDOW != 0
            && let Some(core) = self.core()
        {
            core.gui.on_main_thread();
        }
        if requests & request::FLUSH_PARAMS != 0 {
            self.host.flush_params();
        }
        if requests & request::MARK_DIRTY != 0 {
            self.host.mark_dirty();
        }
        requests != 0
    }
}

unsafe extern "C" fn init(plugin: *const clap_plugin) -> bool {
    // SAFETY: the host hands back what `create` gave it.
    guard(false, || unsafe { Object::of(plugin) }.is_some_and(Object::init))
}

unsafe extern "C" fn destroy(plugin: *const clap_plugin) {
    guard((), || {
        // SAFETY: the host hands back what `create` gave it, for the last time.
        let Some(object) = (unsafe { Object::of(plugin) }) else { return };
        if let Some(core) = object.core() {
            core.gui.close();
        }
        object.host.stop_timer();
        object.deactivate();
        let still_running = object.wait_for_audio().is_none();
        object.host.gone();
        let object: *const Object = object;
        if still_running {
            // The host destroys us inside a block that does not end: rather lose memory than free it.
            return;
        }
        // SAFETY: made by `Box::into_raw` in `create`; the host does not use it again.
        drop(unsafe { Box::from_raw(object.cast_mut()) });
    });
}

unsafe extern "C" fn activate(plugin: *const clap_plugin, sample_rate: f64, _min: u32, max: u32) -> bool {
    // SAFETY: the host hands back what `create` gave it.
    guard(false, || unsafe { Object::of(plugin) }.is_some_and(|object| object.activate(sample_rate, max)))
}

unsafe extern "C" fn deactivate(plugin: *const clap_plugin) {
    // SAFETY: the host hands back what `create` gave it.
    guard((), || unsafe { Object::of(plugin) }.into_iter().for_each(Object::deactivate));
}

unsafe extern "C" fn start_processing(plugin: *const clap_plugin) -> bool {
    guard(false, || {
        // SAFETY: the host hands back what `create` gave it.
        let audio = unsafe { Object::of(plugin) }.and_then(Object::try_audio);
        audio.is_some_and(|mut audio| audio.as_mut().map(AudioSide::resume).is_some())
    })
}

unsafe extern "C" fn stop_processing(_plugin: *const clap_plugin) {}

unsafe extern "C" fn reset(plugin: *const clap_plugin) {
    guard((), || {
        // SAFETY: the host hands back what `create` gave it.
        let Some(object) = (unsafe { Object::of(plugin) }) else { return };
        if let (Some(mut audio), Some(core)) = (object.try_audio(), object.core())
            && let Some(side) = audio.as_mut()
        {
            side.reset(&core.events);
        }
    });
}

unsafe extern "C" fn process(
    plugin: *const clap_plugin,
    process: *const clap_process,
) -> clap_process_status {
    guard(CLAP_PROCESS_ERROR, || {
        // SAFETY: the host hands back what `create` gave it, and a block that is null or valid for this call.
        let (Some(object), Some(block)) = (unsafe { (Object::of(plugin), process.as_ref()) }) else {
            return CLAP_PROCESS_ERROR;
        };
        let offline = object.offline.load(Ordering::Relaxed);
        match (object.try_audio(), object.core()) {
            (Some(mut audio), Some(core)) => match audio.as_mut() {
                // SAFETY: as above.
                Some(side) => unsafe { side.process(block, &core.events, offline) },
                None => CLAP_PROCESS_ERROR,
            },
            _ => CLAP_PROCESS_ERROR,
        }
    })
}

unsafe extern "C" fn on_main_thread(plugin: *const clap_plugin) {
    // SAFETY: the host hands back what `create` gave it.
    guard((), || unsafe { Object::of(plugin) }.into_iter().for_each(Object::on_main_thread));
}

/// Compares an id of the host's.
///
/// # Safety
/// `id` is null or ends in NUL.
pub unsafe fn is(id: *const c_char, known: &CStr) -> bool {
    // SAFETY: as promised by the caller.
    !id.is_null() && unsafe { CStr::from_ptr(id) } == known
}

/// A table of ours as the host wants it.
pub fn table<T>(table: &'static T) -> *const c_void {
    std::ptr::from_ref(table).cast()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{MacroLabel, host_id};
    use clap_sys::ext::params::{CLAP_EXT_PARAMS, clap_host_params, clap_param_info};
    use clap_sys::ext::remote_controls::{
        CLAP_EXT_REMOTE_CONTROLS, clap_host_remote_controls, clap_plugin_remote_controls,
        clap_remote_controls_page,
    };
    use clap_sys::id::CLAP_INVALID_ID;
    use clap_sys::plugin::clap_plugin_descriptor;
    use clap_sys::version::CLAP_VERSION;
    use std::sync::atomic::AtomicU32;

    /// Calls of the host that this test looks at.
    #[derive(Default)]
    struct Heard {
        callbacks: AtomicU32,
        rescanned: AtomicU32,
        pages: AtomicU32,
    }

    unsafe extern "C" fn extension(_: *const clap_host, id: *const c_char) -> *const c_void {
        static PARAMS: clap_host_params =
            clap_host_params { rescan: Some(rescan), clear: None, request_flush: None };
        static PAGES: clap_host_remote_controls =
            clap_host_remote_controls { changed: Some(pages_changed), suggest_page: None };
        // SAFETY: a string of the plugin's.
        unsafe {
            match (is(id, CLAP_EXT_PARAMS), is(id, CLAP_EXT_REMOTE_CONTROLS)) {
                (true, _) => table(&PARAMS),
                (_, true) => table(&PAGES),
                _ => std::ptr::null(),
            }
        }
    }

    unsafe extern "C" fn pages_changed(host: *const clap_host) {
        heard(host).pages.fetch_add(1, Ordering::SeqCst);
    }

    /// Names and parameters of the pages of remote controls.
    fn pages(plugin: *const clap_plugin) -> Vec<(String, [u32; 8])> {
        // SAFETY: CLAP's calls on a plugin that lives; zero is a value of each field of a page.
        unsafe {
            let table = (*plugin).get_extension.unwrap()(plugin, CLAP_EXT_REMOTE_CONTROLS.as_ptr());
            let controls = &*table.cast::<clap_plugin_remote_controls>();
            let mut page: clap_remote_controls_page = std::mem::zeroed();
            let count = controls.count.unwrap()(plugin);
            assert!(!controls.get.unwrap()(plugin, count, &mut page));
            assert!(!controls.get.unwrap()(plugin, 0, std::ptr::null_mut()));
            let page = |index| {
                assert!(controls.get.unwrap()(plugin, index, &mut page));
                let name = CStr::from_ptr(page.page_name.as_ptr()).to_str().unwrap().to_owned();
                (name, page.param_ids)
            };
            (0..count).map(page).collect()
        }
    }

    unsafe extern "C" fn rescan(host: *const clap_host, what: u32) {
        heard(host).rescanned.fetch_or(what, Ordering::SeqCst);
    }

    unsafe extern "C" fn callback(host: *const clap_host) {
        heard(host).callbacks.fetch_add(1, Ordering::SeqCst);
    }

    fn heard<'a>(host: *const clap_host) -> &'a Heard {
        // SAFETY: the test's own, which outlives its plugin.
        unsafe { &*(*host).host_data.cast::<Heard>() }
    }

    fn name_of_macro_1(plugin: *const clap_plugin) -> String {
        // SAFETY: CLAP's calls on a plugin that lives; zero is a value of each field of an info.
        unsafe {
            let table = (*plugin).get_extension.unwrap()(plugin, CLAP_EXT_PARAMS.as_ptr());
            let params = &*table.cast::<clap_sys::ext::params::clap_plugin_params>();
            let mut info: clap_param_info = std::mem::zeroed();
            assert!(params.get_info.unwrap()(plugin, 0, &mut info));
            CStr::from_ptr(info.name.as_ptr()).to_str().unwrap().to_owned()
        }
    }

    #[test]
    fn a_macro_that_is_named_anew_is_rescanned_on_the_main_thread() {
        // SAFETY: zero is a value of each field.
        static DESC: clap_plugin_descriptor = unsafe { std::mem::zeroed() };
        let seen = Heard::default();
        let host = clap_host {
            clap_version: CLAP_VERSION,
            host_data: (&raw const seen).cast_mut().cast(),
            name: std::ptr::null(),
            vendor: std::ptr::null(),
            url: std::ptr::null(),
            version: std::ptr::null(),
            get_extension: Some(extension),
            request_restart: None,
            request_process: None,
            request_callback: Some(callback),
        };
        // SAFETY: the host outlives the plugin, which is destroyed below.
        unsafe {
            let plugin = Object::create(&host, &DESC, Kind::Instrument);
            assert!((*plugin).init.unwrap()(plugin));
            assert_eq!(name_of_macro_1(plugin), "Macro 1");
            let labels = Object::of(plugin).unwrap().core().unwrap().params.labels.clone();
            let label = |name: &str| {
                let label = MacroLabel { name: name.into(), unit: "Hz".into(), way: None };
                labels.set_macros([(0, label)].into())
            };
            std::thread::scope(|threads| {
                threads.spawn(|| {
                    assert!(label("Cutoff"));
                    assert!(label("Resonance"));
                });
            });
            assert_eq!(seen.callbacks.load(Ordering::SeqCst), 1, "two changes, one request");
            assert_eq!(seen.rescanned.load(Ordering::SeqCst), 0, "not on the thread that made them");
            (*plugin).on_main_thread.unwrap()(plugin);
            let names_texts_values =
                CLAP_PARAM_RESCAN_INFO | CLAP_PARAM_RESCAN_TEXT | CLAP_PARAM_RESCAN_VALUES;
            assert_eq!(seen.rescanned.load(Ordering::SeqCst), names_texts_values);
            assert_eq!(name_of_macro_1(plugin), "Resonance");
            assert_eq!(seen.pages.load(Ordering::SeqCst), 1, "its page is new");
            let ids = |first| {
                let mut ids = [CLAP_INVALID_ID; 8];
                ids[0] = host_id(first);
                ids
            };
            assert_eq!(pages(plugin), [("Macros 1".to_owned(), ids("m1"))]);
            // Another name: the pages are what they were.
            assert!(label("Cutoff"));
            (*plugin).on_main_thread.unwrap()(plugin);
            assert_eq!(seen.pages.load(Ordering::SeqCst), 1);
            labels.set_macros((7..17).map(|index| (index, MacroLabel::unmapped(index))).collect());
            (*plugin).on_main_thread.unwrap()(plugin);
            assert_eq!(seen.pages.load(Ordering::SeqCst), 2);
            let eight = std::array::from_fn(|n| host_id(&format!("m{}", n + 8)));
            let mut two = ids("m16");
            two[1] = host_id("m17");
            assert_eq!(pages(plugin), [("Macros 1".to_owned(), eight), ("Macros 2".to_owned(), two)]);
            let before = seen.callbacks.load(Ordering::SeqCst);
            (*plugin).destroy.unwrap()(plugin);
            labels.set_macros(Default::default());
            assert_eq!(seen.callbacks.load(Ordering::SeqCst), before, "nobody calls a host that is gone");
        }
    }
}
