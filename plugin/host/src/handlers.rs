//! The host's side of CLAP: what plugins may ask of it, and what they were seen asking.

use std::cell::RefCell;
use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use clack_extensions::audio_ports::{AudioPortRescanFlags, HostAudioPorts, HostAudioPortsImpl};
use clack_extensions::gui::{GuiSize, HostGui, HostGuiImpl};
use clack_extensions::latency::{HostLatency, HostLatencyImpl};
use clack_extensions::log::{HostLog, HostLogImpl, LogSeverity};
use clack_extensions::note_ports::{HostNotePorts, HostNotePortsImpl, NoteDialects, NotePortRescanFlags};
use clack_extensions::params::{
    HostParams, HostParamsImplMainThread, HostParamsImplShared, ParamClearFlags, ParamRescanFlags,
};
#[cfg(unix)]
use clack_extensions::posix_fd::{FdFlags, HostPosixFd, HostPosixFdImpl};
use clack_extensions::preset_discovery::HostPresetLoadImpl;
use clack_extensions::preset_discovery::prelude::{HostPresetLoad, Location};
use clack_extensions::state::{HostState, HostStateImpl};
use clack_extensions::tail::{HostTail, HostTailImpl};
use clack_extensions::thread_check::{HostThreadCheck, HostThreadCheckImpl};
use clack_extensions::timer::{HostTimer, HostTimerImpl, TimerId};
use clack_host::prelude::*;
use clack_host::utils::ClapId;

use crate::threads::on_audio_thread;

/// What a plugin was seen asking for. Readable from any thread, at any time.
#[derive(Debug, Default)]
pub struct Observed {
    /// `host.request_restart`. Only counted: restarting is up to whoever holds the instance.
    pub restarts: AtomicU64,
    /// `host.request_process`.
    pub process_requests: AtomicU64,
    /// `host.request_callback`.
    pub callbacks: AtomicU64,
    /// `state.mark_dirty`.
    pub dirty: AtomicU64,
    /// `preset_load.loaded`.
    pub presets_loaded: AtomicU64,
    /// `params.rescan` calls.
    pub param_rescans: AtomicU64,
    /// All flags of all `params.rescan` calls, or-ed (`CLAP_PARAM_RESCAN_*`).
    pub param_rescan_flags: AtomicU32,
    /// `params.request_flush`.
    pub flush_requests: AtomicU64,
    /// `latency.changed`.
    pub latency_changes: AtomicU64,
    /// `tail.changed`.
    pub tail_changes: AtomicU64,
    /// `audio_ports.rescan` and `note_ports.rescan`.
    pub port_rescans: AtomicU64,
    /// Log lines that came from inside `process`; their text is not kept, because keeping it would
    /// allocate there.
    pub logs_on_audio_thread: AtomicU64,
    /// Calls that the specification reserves for the main thread and that came from elsewhere.
    pub wrong_thread: AtomicU64,
    logs: Mutex<Vec<(LogSeverity, String)>>,
    /// What was said of presets that were not loaded.
    preset_errors: Mutex<Vec<String>>,
    callback_due: AtomicBool,
    flush_due: AtomicBool,
    /// `gui.request_resize`: width and height in one, 0 for none.
    resize_due: AtomicU64,
    gui_closed: AtomicBool,
}

impl Observed {
    /// The log so far: severity and text.
    pub fn logs(&self) -> Vec<(LogSeverity, String)> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn take_preset_errors(&self) -> Vec<String> {
        std::mem::take(&mut *self.preset_errors.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn take_callback(&self) -> bool {
        self.callback_due.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn take_resize(&self) -> Option<(u32, u32)> {
        let size = GuiSize::unpack_from_u64(self.resize_due.swap(0, Ordering::AcqRel));
        (size.width > 0).then_some((size.width, size.height))
    }

    pub(crate) fn take_gui_closed(&self) -> bool {
        self.gui_closed.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn take_flush(&self) -> bool {
        self.flush_due.swap(false, Ordering::AcqRel)
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::AcqRel);
}

/// The thread-safe part.
pub(crate) struct HostShared {
    pub(crate) observed: Arc<Observed>,
    pub(crate) main_thread: ThreadId,
}

impl SharedHandler<'_> for HostShared {
    fn request_restart(&self) {
        count(&self.observed.restarts);
    }

    fn request_process(&self) {
        count(&self.observed.process_requests);
    }

    fn request_callback(&self) {
        count(&self.observed.callbacks);
        self.observed.callback_due.store(true, Ordering::Release);
    }
}

impl HostLogImpl for HostShared {
    fn log(&self, severity: LogSeverity, message: &str) {
        if on_audio_thread() {
            count(&self.observed.logs_on_audio_thread);
            return;
        }
        let mut logs = self.observed.logs.lock().unwrap_or_else(PoisonError::into_inner);
        // Bounded: a plugin that logs for ever must not eat the machine.
        if logs.len() < 100_000 {
            logs.push((severity, message.to_owned()));
        }
    }
}

impl HostGuiImpl for HostShared {
    fn resize_hints_changed(&self) {}

    fn request_resize(&self, new_size: GuiSize) -> Result<(), HostError> {
        self.observed.resize_due.store(new_size.pack_to_u64(), Ordering::Release);
        Ok(())
    }

    fn request_show(&self) -> Result<(), HostError> {
        Err(HostError::Message("the window is shown when its opener shows it"))
    }

    fn request_hide(&self) -> Result<(), HostError> {
        Err(HostError::Message("the window is hidden when its opener hides it"))
    }

    fn closed(&self, _was_destroyed: bool) {
        self.observed.gui_closed.store(true, Ordering::Release);
    }
}

impl HostThreadCheckImpl for HostShared {
    fn is_main_thread(&self) -> bool {
        !on_audio_thread() && std::thread::current().id() == self.main_thread
    }

    fn is_audio_thread(&self) -> bool {
        on_audio_thread()
    }
}

impl HostParamsImplShared for HostShared {
    fn request_flush(&self) {
        count(&self.observed.flush_requests);
        self.observed.flush_due.store(true, Ordering::Release);
    }
}

/// A timer of the plugin's.
pub(crate) struct Timer {
    pub(crate) id: TimerId,
    pub(crate) period: Duration,
    pub(crate) next: Instant,
}

/// The main-thread part.
pub(crate) struct HostMain<'a> {
    shared: &'a HostShared,
    pub(crate) timers: RefCell<Vec<Timer>>,
    next_timer: AtomicU32,
    #[cfg(unix)]
    pub(crate) fds: RefCell<Vec<(std::os::fd::RawFd, FdFlags)>>,
}

impl<'a> HostMain<'a> {
    pub(crate) fn new(shared: &'a HostShared) -> Self {
        Self {
            shared,
            timers: RefCell::default(),
            next_timer: AtomicU32::new(0),
            #[cfg(unix)]
            fds: RefCell::default(),
        }
    }

    /// Notes a call that must come from the main thread, and whether it did.
    fn called(&self, counter: &AtomicU64) {
        count(counter);
        if !self.shared.is_main_thread() {
            count(&self.shared.observed.wrong_thread);
        }
    }
}

impl<'a> MainThreadHandler<'a> for HostMain<'a> {}

impl HostStateImpl for HostMain<'_> {
    fn mark_dirty(&self) {
        self.called(&self.shared.observed.dirty);
    }
}

impl HostPresetLoadImpl for HostMain<'_> {
    fn on_error(
        &self,
        _location: Location,
        _load_key: Option<&CStr>,
        _os_error: i32,
        message: Option<&CStr>,
    ) {
        let why = message.map(|text| text.to_string_lossy().into_owned()).unwrap_or_default();
        self.shared.observed.preset_errors.lock().unwrap_or_else(PoisonError::into_inner).push(why);
    }

    fn loaded(&self, _location: Location, _load_key: Option<&CStr>) {
        self.called(&self.shared.observed.presets_loaded);
    }
}

impl HostParamsImplMainThread for HostMain<'_> {
    fn rescan(&self, flags: ParamRescanFlags) {
        self.called(&self.shared.observed.param_rescans);
        self.shared.observed.param_rescan_flags.fetch_or(flags.bits(), Ordering::AcqRel);
    }

    fn clear(&self, _param_id: ClapId, _flags: ParamClearFlags) {}
}

impl HostLatencyImpl for HostMain<'_> {
    fn changed(&self) {
        self.called(&self.shared.observed.latency_changes);
    }
}

impl HostAudioPortsImpl for HostMain<'_> {
    fn is_rescan_flag_supported(&self, _flag: AudioPortRescanFlags) -> bool {
        true
    }

    fn rescan(&self, _flags: AudioPortRescanFlags) {
        self.called(&self.shared.observed.port_rescans);
    }
}

impl HostNotePortsImpl for HostMain<'_> {
    fn supported_dialects(&self) -> NoteDialects {
        NoteDialects::CLAP | NoteDialects::MIDI
    }

    fn rescan(&self, _flags: NotePortRescanFlags) {
        self.called(&self.shared.observed.port_rescans);
    }
}

impl HostTimerImpl for HostMain<'_> {
    fn register_timer(&self, period_ms: u32) -> Result<TimerId, HostError> {
        let id = TimerId(self.next_timer.fetch_add(1, Ordering::AcqRel));
        // The specification lets a host round short periods up.
        let period = Duration::from_millis(u64::from(period_ms.max(10)));
        self.timers.borrow_mut().push(Timer { id, period, next: Instant::now() + period });
        Ok(id)
    }

    fn unregister_timer(&self, timer_id: TimerId) -> Result<(), HostError> {
        let mut timers = self.timers.borrow_mut();
        let before = timers.len();
        timers.retain(|timer| timer.id != timer_id);
        if timers.len() < before { Ok(()) } else { Err(HostError::Message("no such timer")) }
    }
}

#[cfg(unix)]
impl HostPosixFdImpl for HostMain<'_> {
    fn register_fd(&self, fd: std::os::fd::RawFd, flags: FdFlags) -> Result<(), HostError> {
        self.fds.borrow_mut().push((fd, flags));
        Ok(())
    }

    fn modify_fd(&self, fd: std::os::fd::RawFd, flags: FdFlags) -> Result<(), HostError> {
        match self.fds.borrow_mut().iter_mut().find(|(known, _)| *known == fd) {
            Some(entry) => entry.1 = flags,
            None => return Err(HostError::Message("no such file descriptor")),
        }
        Ok(())
    }

    fn unregister_fd(&self, fd: std::os::fd::RawFd) -> Result<(), HostError> {
        self.fds.borrow_mut().retain(|(known, _)| *known != fd);
        Ok(())
    }
}

/// The audio-thread part.
pub(crate) struct HostAudio<'a> {
    shared: &'a HostShared,
}

impl<'a> HostAudio<'a> {
    pub(crate) fn new(shared: &'a HostShared) -> Self {
        Self { shared }
    }
}

impl<'a> AudioProcessorHandler<'a> for HostAudio<'a> {}

impl HostTailImpl for HostAudio<'_> {
    fn changed(&mut self) {
        count(&self.shared.observed.tail_changes);
    }
}

/// Ties the three together for clack.
pub(crate) struct Handlers;

impl HostHandlers for Handlers {
    type Shared<'a> = HostShared;
    type MainThread<'a> = HostMain<'a>;
    type AudioProcessor<'a> = HostAudio<'a>;

    fn declare_extensions(builder: &mut HostExtensions<Self>, _shared: &Self::Shared<'_>) {
        builder
            .register::<HostLog>()
            .register::<HostThreadCheck>()
            .register::<HostState>()
            .register::<HostPresetLoad>()
            .register::<HostParams>()
            .register::<HostLatency>()
            .register::<HostTail>()
            .register::<HostAudioPorts>()
            .register::<HostNotePorts>()
            .register::<HostTimer>()
            .register::<HostGui>();
        #[cfg(unix)]
        builder.register::<HostPosixFd>();
    }
}
