//! What a [`crate::Stage`] and the guards need of an instance, whatever its format.

use std::path::Path;
use std::time::Duration;

use crate::error::HostError;
use crate::events::{InputEvent, OutputEvent};
use crate::instance::{Instance, Ports};
use crate::library::Library;
use crate::params::Param;
use crate::processor::Processor;
use crate::transport::BlockPlan;

/// One plugin instance, as its main thread calls it while a processor may be running.
pub trait MainThread {
    /// The instance, if it is one of CLAP's: only there the host has a window.
    fn clap(&mut self) -> Option<&mut Instance> {
        None
    }

    /// The socket that was waited for.
    fn socket(&self) -> Option<&Path>;

    /// All ports as they are now.
    fn ports(&mut self) -> Ports;

    /// Tells the plugin whether it renders offline; in VST3 that acts at the next activation.
    ///
    /// # Errors
    /// If it does not care or refuses.
    fn set_offline(&mut self, offline: bool) -> Result<(), HostError>;

    /// The plugin's state chunk.
    ///
    /// # Errors
    /// If the plugin has none to give.
    fn save_state(&mut self) -> Result<Vec<u8>, HostError>;

    /// Gives the plugin a state chunk.
    ///
    /// # Errors
    /// If the plugin refuses it.
    fn load_state(&mut self, chunk: &[u8]) -> Result<(), HostError>;

    /// All parameters in the plugin's order. Their plain values are the same numbers in every format.
    fn params(&mut self) -> Vec<Param>;

    /// The plain value of a parameter, if there is one with this id.
    fn param_value(&mut self, id: u32) -> Option<f64>;

    /// What a host's main loop does between events. Never waits.
    fn idle(&mut self);
}

/// One plugin instance and its life. Dropping it destroys it.
pub trait Hosted: MainThread + Sized {
    /// Its audio side.
    type Processor: Playing + 'static;

    /// Loads the plugin at `path` and makes an instance of the one with that id, or of the default
    /// one. With `socket`, waits that long for the instance's socket.
    ///
    /// # Errors
    /// [`HostError::Load`], [`HostError::NoSuchPlugin`], [`HostError::Create`], [`HostError::NoSocket`].
    fn open(path: &Path, id: Option<&str>, socket: Option<Duration>) -> Result<Self, HostError>;

    /// Prepares the plugin to process blocks of up to `max_frames` frames (at least 1).
    ///
    /// # Errors
    /// [`HostError::Activate`].
    fn activate(&mut self, sample_rate: f64, max_frames: usize) -> Result<Self::Processor, HostError>;

    /// Takes the processor back.
    fn deactivate(&mut self, processor: Self::Processor);
}

/// The audio side of an active instance, on whichever thread holds it.
pub trait Playing: Send {
    /// Starts to process, where the format has that apart from activation; the first block does it, too.
    ///
    /// # Errors
    /// [`HostError::Activate`] if the plugin refuses.
    fn start(&mut self) -> Result<(), HostError> {
        Ok(())
    }

    /// How many channels an output has; 0 if there is no such port.
    fn output_channels(&self, port: usize) -> usize;

    /// The channels of an audio input; what is written there is what the next blocks get. Empty if
    /// there is no such port.
    fn input_mut(&mut self, port: usize) -> &mut [Vec<f32>];

    /// Processes one block. Afterwards the outputs hold it; all of them were NaN before.
    ///
    /// # Errors
    /// [`HostError::BlockTooLong`]; [`HostError::Process`] if the plugin answers with an error.
    fn process(&mut self, plan: &BlockPlan, events: &[InputEvent]) -> Result<(), HostError>;

    /// What the last block wrote to one channel of an output. Empty if there is no such port or channel.
    fn output(&self, port: usize, channel: usize) -> &[f32];

    /// What the plugin sent since this was cleared, in the order in which it was sent.
    fn sent(&self) -> &[OutputEvent];

    /// Forgets what was sent. Frees nothing.
    fn clear_sent(&mut self);
}

impl MainThread for Instance {
    fn clap(&mut self) -> Option<&mut Instance> {
        Some(self)
    }

    fn socket(&self) -> Option<&Path> {
        self.socket()
    }

    fn ports(&mut self) -> Ports {
        self.ports()
    }

    fn set_offline(&mut self, offline: bool) -> Result<(), HostError> {
        self.set_offline(offline)
    }

    fn save_state(&mut self) -> Result<Vec<u8>, HostError> {
        self.save_state()
    }

    fn load_state(&mut self, chunk: &[u8]) -> Result<(), HostError> {
        self.load_state(chunk)
    }

    fn params(&mut self) -> Vec<Param> {
        self.params()
    }

    fn param_value(&mut self, id: u32) -> Option<f64> {
        self.param_value(id)
    }

    fn idle(&mut self) {
        self.idle();
    }
}

impl Hosted for Instance {
    type Processor = Processor;

    fn open(path: &Path, id: Option<&str>, socket: Option<Duration>) -> Result<Self, HostError> {
        let library = Library::load(path)?;
        match socket {
            Some(wait) => Self::create_with_socket(&library, id, wait),
            None => Self::create(&library, id),
        }
    }

    fn activate(&mut self, sample_rate: f64, max_frames: usize) -> Result<Processor, HostError> {
        self.activate(sample_rate, max_frames)
    }

    fn deactivate(&mut self, processor: Processor) {
        self.deactivate(processor);
    }
}

impl Playing for Processor {
    fn start(&mut self) -> Result<(), HostError> {
        self.start()
    }

    fn output_channels(&self, port: usize) -> usize {
        self.output_channels(port)
    }

    fn input_mut(&mut self, port: usize) -> &mut [Vec<f32>] {
        self.input_mut(port)
    }

    fn process(&mut self, plan: &BlockPlan, events: &[InputEvent]) -> Result<(), HostError> {
        self.process(plan, events).map(drop)
    }

    fn output(&self, port: usize, channel: usize) -> &[f32] {
        self.output(port, channel)
    }

    fn sent(&self) -> &[OutputEvent] {
        self.sent()
    }

    fn clear_sent(&mut self) {
        self.clear_sent();
    }
}
