//! A CLAP plugin to test the host with: a click on every quarter note of the transport.
//!
//! It believes the transport it is told, frame by frame, and nothing else: no memory between blocks,
//! no prediction. Ports: a stereo main output (the clicks), one stereo stem (the stereo sidechain
//! input, passed through), note input and output (notes and MIDI are sent back as they came).
//! Behind the variable `NOISE_SOCKET` it serves the little protocol of `socket.rs`.

mod audio;
mod main_thread;
mod socket;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use clack_extensions::audio_ports::PluginAudioPorts;
use clack_extensions::note_ports::PluginNotePorts;
use clack_extensions::params::PluginParams;
use clack_extensions::render::PluginRender;
use clack_extensions::state::PluginState;
use clack_extensions::timer::PluginTimer;
use clack_plugin::prelude::*;

/// Height of the clicks, 0–1.
pub(crate) const LEVEL: ClapId = ClapId::new(1);
/// What `process` does that it must not: 0 nothing, 1 allocate, 2 a system call, 3 fail.
pub(crate) const MISBEHAVE: ClapId = ClapId::new(2);
/// How often the timer has come round; read only.
pub(crate) const TICKS: ClapId = ClapId::new(3);

/// A change of level at a position.
pub(crate) struct Edit {
    pub(crate) beats: f64,
    pub(crate) level: f64,
}

/// What both threads see.
pub(crate) struct Values {
    pub(crate) level: AtomicF64,
    pub(crate) misbehave: AtomicF64,
    pub(crate) ticks: AtomicF64,
    pub(crate) edits: Mutex<Vec<Edit>>,
}

/// An `f64` in an atomic.
#[derive(Default)]
pub(crate) struct AtomicF64(AtomicU64);

impl AtomicF64 {
    pub(crate) fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Acquire))
    }

    pub(crate) fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Release);
    }
}

pub(crate) struct Shared<'a> {
    pub(crate) values: Arc<Values>,
    pub(crate) host: HostSharedHandle<'a>,
    _server: Option<socket::Server>,
}

impl<'a> PluginShared<'a> for Shared<'a> {}

pub(crate) struct Clicker;

impl Plugin for Clicker {
    type AudioProcessor<'a> = audio::Audio<'a>;
    type Shared<'a> = Shared<'a>;
    type MainThread<'a> = main_thread::MainThread<'a>;

    fn declare_extensions(builder: &mut PluginExtensions<Self>, _shared: Option<&Shared<'_>>) {
        builder
            .register::<PluginAudioPorts>()
            .register::<PluginNotePorts>()
            .register::<PluginParams>()
            .register::<PluginRender>()
            .register::<PluginState>()
            .register::<PluginTimer>();
    }
}

impl DefaultPluginFactory for Clicker {
    fn get_descriptor() -> PluginDescriptor {
        PluginDescriptor::new("io.krach.test.clicker", "Clicker")
    }

    fn new_shared(host: HostSharedHandle<'_>) -> Result<Shared<'_>, PluginError> {
        let values = Arc::new(Values {
            level: AtomicF64::default(),
            misbehave: AtomicF64::default(),
            ticks: AtomicF64::default(),
            edits: Mutex::default(),
        });
        values.level.set(1.0);
        Ok(Shared { _server: socket::Server::start(&values), values, host })
    }

    fn new_main_thread<'a>(
        host: HostMainThreadHandle<'a>,
        shared: &'a Shared<'a>,
    ) -> Result<main_thread::MainThread<'a>, PluginError> {
        Ok(main_thread::MainThread::new(host, shared))
    }
}

clack_export_entry!(SinglePluginEntry<Clicker>);
