//! One instance of a plugin, seen from the main thread.

use std::ffi::CString;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clack_extensions::audio_ports::{AudioPortFlags, AudioPortInfoBuffer, PluginAudioPorts};
use clack_extensions::latency::PluginLatency;
use clack_extensions::note_ports::{NotePortInfoBuffer, PluginNotePorts};
#[cfg(unix)]
use clack_extensions::posix_fd::{FdFlags, PluginPosixFd};
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::PluginState;
use clack_extensions::timer::{PluginTimer, TimerId};
use clack_host::extensions::{Extension, PluginExtensionSide};
use clack_host::prelude::*;

use crate::address;
use crate::error::HostError;
use crate::handlers::{Handlers, HostAudio, HostMain, HostShared, Observed};
use crate::library::Library;
use crate::processor::Processor;

/// An audio port as the plugin declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioPort {
    /// Stable id.
    pub id: u32,
    /// Name for people.
    pub name: String,
    /// Number of channels.
    pub channels: usize,
    /// Whether it is the main port of its side.
    pub main: bool,
}

/// All ports of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// Audio inputs.
    pub inputs: Vec<AudioPort>,
    /// Audio outputs.
    pub outputs: Vec<AudioPort>,
    /// Names of the note inputs.
    pub note_inputs: Vec<String>,
    /// Names of the note outputs.
    pub note_outputs: Vec<String>,
}

/// One plugin instance. It lives on the thread that made it, which is the main thread in CLAP's
/// sense; the [`Processor`] that [`Self::activate`] returns may go to another thread. Dropping it
/// destroys the plugin's instance; give the processor back with [`Self::deactivate`] first.
pub struct Instance {
    pub(crate) plugin: PluginInstance<Handlers>,
    observed: Arc<Observed>,
    id: String,
    socket: Option<PathBuf>,
    _library: Library,
    _main_thread_only: PhantomData<*const ()>,
}

impl Instance {
    /// Makes an instance of the library's plugin with this id (see [`Library::plugin`]).
    ///
    /// # Errors
    /// [`HostError::NoSuchPlugin`], or [`HostError::Create`] when the plugin refuses.
    pub fn create(library: &Library, id: Option<&str>) -> Result<Self, HostError> {
        let _turn = address::creation_turn();
        Self::create_now(library, id)
    }

    /// The same, and waits for the instance's socket: at `NOISE_SOCKET` where that is set, else the
    /// one that is new in the registry with this process's id. Creations take turns within one
    /// process, so that this finds its own.
    ///
    /// # Errors
    /// As [`Self::create`], and [`HostError::NoSocket`] if there is none after `wait`.
    pub fn create_with_socket(
        library: &Library,
        id: Option<&str>,
        wait: Duration,
    ) -> Result<Self, HostError> {
        let _turn = address::creation_turn();
        let before = address::Snapshot::take();
        let mut instance = Self::create_now(library, id)?;
        instance.socket = Some(before.wait_for_new(wait, || instance.idle())?);
        Ok(instance)
    }

    fn create_now(library: &Library, id: Option<&str>) -> Result<Self, HostError> {
        let descriptor = library.plugin(id)?;
        let failed = |reason: String| HostError::Create { id: descriptor.id.clone(), reason };
        let host = HostInfo::new("krach-host", "krach", "", env!("CARGO_PKG_VERSION"))
            .map_err(|error| failed(error.to_string()))?;
        let raw_id = CString::new(descriptor.id.clone()).map_err(|error| failed(error.to_string()))?;
        let observed = Arc::new(Observed::default());
        let shared = HostShared { observed: Arc::clone(&observed), main_thread: std::thread::current().id() };
        let plugin = PluginInstance::<Handlers>::new(
            move |()| shared,
            |shared| HostMain::new(shared),
            library.entry(),
            &raw_id,
            &host,
        )
        .map_err(|error| failed(error.to_string()))?;
        Ok(Self {
            plugin,
            observed,
            id: descriptor.id,
            socket: None,
            _library: library.clone(),
            _main_thread_only: PhantomData,
        })
    }

    /// The plugin's id.
    pub fn plugin_id(&self) -> &str {
        &self.id
    }

    /// The socket that [`Self::create_with_socket`] found.
    pub fn socket(&self) -> Option<&Path> {
        self.socket.as_deref()
    }

    /// What the plugin was seen asking of its host.
    pub fn observed(&self) -> &Arc<Observed> {
        &self.observed
    }

    /// All ports as they are now.
    pub fn ports(&mut self) -> Ports {
        let audio = self.extension::<PluginAudioPorts>();
        let notes = self.extension::<PluginNotePorts>();
        let handle = self.plugin.plugin_handle();
        let audio_side = |input: bool| {
            let Some(audio) = audio else {
                return Vec::new();
            };
            let mut buffer = AudioPortInfoBuffer::new();
            (0..audio.count(&handle, input))
                .filter_map(|index| {
                    let info = audio.get(&handle, index, input, &mut buffer)?;
                    Some(AudioPort {
                        id: info.id.get(),
                        name: String::from_utf8_lossy(info.name).into_owned(),
                        channels: info.channel_count as usize,
                        main: info.flags.contains(AudioPortFlags::IS_MAIN),
                    })
                })
                .collect()
        };
        let note_side = |input: bool| {
            let Some(notes) = notes else {
                return Vec::new();
            };
            let mut buffer = NotePortInfoBuffer::new();
            (0..notes.count(&handle, input))
                .filter_map(|index| {
                    let info = notes.get(&handle, index, input, &mut buffer)?;
                    Some(String::from_utf8_lossy(info.name).into_owned())
                })
                .collect()
        };
        Ports {
            inputs: audio_side(true),
            outputs: audio_side(false),
            note_inputs: note_side(true),
            note_outputs: note_side(false),
        }
    }

    /// Latency that the plugin reports, in frames; 0 without the extension.
    pub fn latency(&mut self) -> u32 {
        let latency = self.extension::<PluginLatency>();
        let handle = self.plugin.plugin_handle();
        latency.map_or(0, |latency| latency.get(&handle))
    }

    /// Tells the plugin whether it renders offline (where it may take its time) or in realtime.
    ///
    /// # Errors
    /// [`HostError::NoExtension`] if it does not care or refuses.
    pub fn set_offline(&mut self, offline: bool) -> Result<(), HostError> {
        let missing = HostError::NoExtension { extension: "clap.render" };
        let render = self.extension::<PluginRender>().ok_or(missing)?;
        let mode = if offline { RenderMode::Offline } else { RenderMode::Realtime };
        render
            .set(&self.plugin.plugin_handle(), mode)
            .map_err(|_| HostError::NoExtension { extension: "clap.render" })
    }

    /// The plugin's state chunk. Also while a processor is running.
    ///
    /// # Errors
    /// [`HostError::NoExtension`] or [`HostError::State`].
    pub fn save_state(&mut self) -> Result<Vec<u8>, HostError> {
        let state =
            self.extension::<PluginState>().ok_or(HostError::NoExtension { extension: "clap.state" })?;
        let mut chunk = Vec::new();
        match state.save(&self.plugin.plugin_handle(), &mut chunk) {
            Ok(()) => Ok(chunk),
            Err(_) => Err(HostError::State { action: "save", bytes: chunk.len() }),
        }
    }

    /// Gives the plugin a state chunk. Also while a processor is running.
    ///
    /// # Errors
    /// [`HostError::NoExtension`] or, if the plugin refused it, [`HostError::State`].
    pub fn load_state(&mut self, chunk: &[u8]) -> Result<(), HostError> {
        let state =
            self.extension::<PluginState>().ok_or(HostError::NoExtension { extension: "clap.state" })?;
        let mut reader = chunk;
        state
            .load(&self.plugin.plugin_handle(), &mut reader)
            .map_err(|_| HostError::State { action: "load", bytes: chunk.len() })
    }

    /// Prepares the plugin to process blocks of up to `max_frames` frames (at least 1).
    ///
    /// # Errors
    /// [`HostError::Activate`] if the plugin refuses or is active already.
    pub fn activate(&mut self, sample_rate: f64, max_frames: usize) -> Result<Processor, HostError> {
        let failed = |reason: String| HostError::Activate { sample_rate, max_frames, reason };
        let ports = self.ports();
        let max = u32::try_from(max_frames.max(1)).map_err(|error| failed(error.to_string()))?;
        let configuration =
            PluginAudioConfiguration { sample_rate, min_frames_count: 1, max_frames_count: max };
        let stopped = self
            .plugin
            .activate(|shared, _| HostAudio::new(shared), configuration)
            .map_err(|error| failed(error.to_string()))?;
        Ok(Processor::new(stopped, &ports, sample_rate, max_frames.max(1)))
    }

    /// Takes the processor back, stopping it first if it runs.
    pub fn deactivate(&mut self, processor: Processor) {
        self.plugin.deactivate(processor.into_stopped());
    }

    /// Whether the plugin is active.
    pub fn is_active(&self) -> bool {
        self.plugin.is_active()
    }

    /// What a host's main loop does between events: the callback and the parameter flush that the
    /// plugin asked for, due timers, file descriptors that are ready. Call it often; it never waits.
    pub fn idle(&mut self) {
        if self.observed.take_callback() {
            self.plugin.call_on_main_thread_callback();
        }
        // An active plugin gets its flush by the next block.
        if self.observed.take_flush() && !self.is_active() {
            // Fails only for a plugin without parameters, which then has nothing to flush.
            let _ = self.flush_params(&[]);
        }
        self.run_timers();
        #[cfg(unix)]
        self.poll_descriptors();
    }

    /// [`Self::idle`] in a loop until `done` or for at most this long. Whether it was done.
    pub fn idle_until(&mut self, limit: Duration, mut done: impl FnMut(&mut Self) -> bool) -> bool {
        let end = Instant::now() + limit;
        loop {
            self.idle();
            if done(self) {
                return true;
            }
            if Instant::now() >= end {
                return false;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn run_timers(&mut self) {
        let now = Instant::now();
        let due: Vec<TimerId> = self.plugin.access_handler(|main| {
            let mut timers = main.timers.borrow_mut();
            let due = timers.iter_mut().filter(|timer| timer.next <= now);
            due.map(|timer| {
                timer.next = now + timer.period;
                timer.id
            })
            .collect()
        });
        if due.is_empty() {
            return;
        }
        if let Some(timers) = self.extension::<PluginTimer>() {
            let handle = self.plugin.plugin_handle();
            for id in due {
                timers.on_timer(&handle, id);
            }
        }
    }

    #[cfg(unix)]
    fn poll_descriptors(&mut self) {
        let mut polled: Vec<libc::pollfd> = self.plugin.access_handler(|main| {
            let registered = main.fds.borrow();
            let events = |flags: FdFlags| {
                let read = if flags.contains(FdFlags::READ) { libc::POLLIN } else { 0 };
                let write = if flags.contains(FdFlags::WRITE) { libc::POLLOUT } else { 0 };
                read | write
            };
            registered
                .iter()
                .map(|&(fd, flags)| libc::pollfd { fd, events: events(flags), revents: 0 })
                .collect()
        });
        if polled.is_empty() {
            return;
        }
        // SAFETY: `polled` is a valid array of that many pollfd; a timeout of 0 returns at once.
        let ready = unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, 0) };
        let Some(posix_fd) = self.extension::<PluginPosixFd>().filter(|_| ready > 0) else {
            return;
        };
        let handle = self.plugin.plugin_handle();
        for entry in polled.iter().filter(|entry| entry.revents != 0) {
            let mut flags = FdFlags::empty();
            flags.set(FdFlags::READ, entry.revents & libc::POLLIN != 0);
            flags.set(FdFlags::WRITE, entry.revents & libc::POLLOUT != 0);
            flags.set(FdFlags::ERROR, entry.revents & (libc::POLLERR | libc::POLLHUP) != 0);
            posix_fd.on_fd(&handle, entry.fd, flags);
        }
    }

    pub(crate) fn extension<E: Extension<ExtensionSide = PluginExtensionSide>>(&self) -> Option<E> {
        self.plugin.plugin_shared_handle().get_extension()
    }
}
