//! The audio side of an instance: one block after the other, on whichever thread holds it.

use clack_host::prelude::*;
use clap_sys::audio_buffer::clap_audio_buffer;
use clap_sys::process::{
    CLAP_PROCESS_CONTINUE, CLAP_PROCESS_CONTINUE_IF_NOT_QUIET, CLAP_PROCESS_SLEEP, CLAP_PROCESS_TAIL,
    clap_process,
};

use crate::error::HostError;
use crate::events::{InputEvent, InputList, OutputEvent, OutputList};
use crate::handlers::Handlers;
use crate::instance::{AudioPort, Ports};
use crate::threads::AudioScope;
use crate::transport::BlockPlan;

/// Events that fit into one block, in either direction, without allocating; more input is grown
/// for, more output is refused and counted.
pub const EVENT_CAPACITY: usize = 4096;

/// What a plugin answers to a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Go on.
    Continue,
    /// Go on unless the output is quiet.
    ContinueIfNotQuiet,
    /// Only a tail is left.
    Tail,
    /// Nothing to do until an event or audio comes in.
    Sleep,
}

/// How much of one side's ports a host hands over: some hosts leave out what is not connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Feed {
    /// Every port with its buffers.
    #[default]
    All,
    /// Only this many ports from the first one; the count says so.
    First(usize),
    /// Ports from this one on have their channel count, but no channel array (`data32` is null).
    NullFrom(usize),
    /// Ports from this one on have a channel array full of null pointers.
    NullChannelsFrom(usize),
}

/// Buffers of one side.
struct Side {
    /// Per port, per channel, `max_frames` long.
    ports: Vec<Vec<Vec<f32>>>,
    /// Per port: pointers to the channels, rewritten before every block.
    channels: Vec<Vec<*mut f32>>,
    raw: Vec<clap_audio_buffer>,
    feed: Feed,
}

// SAFETY: the pointers point into `ports`, which this owns, and are written and used only inside
// `Processor::process`, by the one thread that holds the processor.
unsafe impl Send for Side {}

impl Side {
    fn new(ports: &[AudioPort], max_frames: usize) -> Self {
        Self {
            ports: ports.iter().map(|port| vec![vec![0.0; max_frames]; port.channels]).collect(),
            channels: ports.iter().map(|port| vec![std::ptr::null_mut(); port.channels]).collect(),
            raw: Vec::with_capacity(ports.len()),
            feed: Feed::All,
        }
    }

    /// Writes CLAP's description of the buffers as the feed wants it.
    fn describe(&mut self) {
        self.raw.clear();
        let shown = match self.feed {
            Feed::First(count) => count.min(self.ports.len()),
            _ => self.ports.len(),
        };
        for (index, port) in self.ports.iter_mut().enumerate().take(shown) {
            let no_channels = matches!(self.feed, Feed::NullChannelsFrom(first) if index >= first);
            let no_array = matches!(self.feed, Feed::NullFrom(first) if index >= first);
            let pointers = &mut self.channels[index];
            for (pointer, channel) in pointers.iter_mut().zip(port.iter_mut()) {
                *pointer = if no_channels { std::ptr::null_mut() } else { channel.as_mut_ptr() };
            }
            self.raw.push(clap_audio_buffer {
                data32: if no_array { std::ptr::null_mut() } else { pointers.as_mut_ptr() },
                data64: std::ptr::null_mut(),
                channel_count: pointers.len() as u32,
                latency: 0,
                constant_mask: 0,
            });
        }
    }
}

enum State {
    Stopped(StoppedPluginAudioProcessor<Handlers>),
    Started(StartedPluginAudioProcessor<Handlers>),
}

/// An active plugin's audio side. May be sent to another thread. While a block is processed, the
/// present thread counts as the audio thread. `process` itself neither allocates nor makes system
/// calls, so guards see only what the plugin does.
pub struct Processor {
    state: Option<State>,
    inputs: Side,
    outputs: Side,
    events_in: InputList,
    events_out: OutputList,
    sample_rate: f64,
    max_frames: usize,
    last_frames: usize,
    steady_time: bool,
}

impl Processor {
    pub(crate) fn new(
        stopped: StoppedPluginAudioProcessor<Handlers>,
        ports: &Ports,
        sample_rate: f64,
        max_frames: usize,
    ) -> Self {
        Self {
            state: Some(State::Stopped(stopped)),
            inputs: Side::new(&ports.inputs, max_frames),
            outputs: Side::new(&ports.outputs, max_frames),
            events_in: InputList::with_capacity(EVENT_CAPACITY),
            events_out: OutputList::with_capacity(EVENT_CAPACITY),
            sample_rate,
            max_frames,
            last_frames: 0,
            steady_time: true,
        }
    }

    /// Frames per second.
    pub fn sample_rate(&self) -> f64 {
        self.sample_rate
    }

    /// Longest block.
    pub fn max_frames(&self) -> usize {
        self.max_frames
    }

    /// How many audio outputs there are.
    pub fn output_count(&self) -> usize {
        self.outputs.ports.len()
    }

    /// How many audio inputs there are.
    pub fn input_count(&self) -> usize {
        self.inputs.ports.len()
    }

    /// Which ports are handed over from now on.
    pub fn feed(&mut self, inputs: Feed, outputs: Feed) {
        self.inputs.feed = inputs;
        self.outputs.feed = outputs;
    }

    /// Whether blocks carry a steady time (true at first), or -1, as hosts without one do.
    pub fn set_steady_time(&mut self, steady_time: bool) {
        self.steady_time = steady_time;
    }

    /// The channels of an audio input, each [`Self::max_frames`] long; what is written there is what
    /// the next blocks get. Empty if there is no such port.
    pub fn input_mut(&mut self, port: usize) -> &mut [Vec<f32>] {
        self.inputs.ports.get_mut(port).map_or(&mut [], Vec::as_mut_slice)
    }

    /// What the last block wrote to one channel of an output; NaN where it wrote nothing. Empty if
    /// there is no such port or channel.
    pub fn output(&self, port: usize, channel: usize) -> &[f32] {
        self.outputs
            .ports
            .get(port)
            .and_then(|port| port.get(channel))
            .map_or(&[], |samples| &samples[..self.last_frames])
    }

    /// How many channels an output has; 0 if there is no such port.
    pub fn output_channels(&self, port: usize) -> usize {
        self.outputs.ports.get(port).map_or(0, Vec::len)
    }

    /// What the plugin sent since this was cleared, in the order in which it was sent.
    pub fn sent(&self) -> &[OutputEvent] {
        &self.events_out.events
    }

    /// Forgets what was sent. Frees nothing.
    pub fn clear_sent(&mut self) {
        self.events_out.events.clear();
    }

    /// How many events were refused because [`EVENT_CAPACITY`] of them were not cleared.
    pub fn refused(&self) -> u64 {
        self.events_out.refused
    }

    /// `start_processing`; without this the first block does it.
    ///
    /// # Errors
    /// [`HostError::Activate`] if the plugin refuses.
    pub fn start(&mut self) -> Result<(), HostError> {
        let _audio = AudioScope::enter();
        self.state = match self.state.take() {
            Some(State::Stopped(stopped)) => match stopped.start_processing() {
                Ok(started) => Some(State::Started(started)),
                Err(error) => {
                    self.state = Some(State::Stopped(error.into_stopped_processor()));
                    return Err(HostError::Activate {
                        sample_rate: self.sample_rate,
                        max_frames: self.max_frames,
                        reason: "start_processing failed".to_owned(),
                    });
                }
            },
            other => other,
        };
        Ok(())
    }

    /// `stop_processing`; the next block starts again.
    pub fn stop(&mut self) {
        let _audio = AudioScope::enter();
        self.state = match self.state.take() {
            Some(State::Started(started)) => Some(State::Stopped(started.stop_processing())),
            other => other,
        };
    }

    /// `reset`: all voices and tails are cut.
    pub fn reset(&mut self) {
        let _audio = AudioScope::enter();
        match &mut self.state {
            Some(State::Started(started)) => started.reset(),
            Some(State::Stopped(stopped)) => stopped.reset(),
            None => {}
        }
    }

    /// Processes one block. Afterwards the outputs hold it; all of them were NaN before.
    ///
    /// # Errors
    /// [`HostError::BlockTooLong`]; [`HostError::Process`] if the plugin answers with an error;
    /// [`HostError::Activate`] if it refuses to start.
    pub fn process(&mut self, plan: &BlockPlan, events: &[InputEvent]) -> Result<Status, HostError> {
        if plan.frames > self.max_frames {
            return Err(HostError::BlockTooLong { frames: plan.frames, max: self.max_frames });
        }
        self.start()?;
        self.last_frames = plan.frames;
        for channel in self.outputs.ports.iter_mut().flatten() {
            channel[..plan.frames].fill(f32::NAN);
        }
        self.inputs.describe();
        self.outputs.describe();
        self.events_in.fill(&plan.changes, events);
        self.events_out.block_start = plan.start;
        let events_in = InputEvents::from_buffer(self.events_in.buffer());
        let mut events_out = OutputEvents::from_buffer(&mut self.events_out);
        let process = clap_process {
            steady_time: if self.steady_time { plan.start as i64 } else { -1 },
            frames_count: plan.frames as u32,
            transport: plan.transport.as_ref().map_or(std::ptr::null(), std::ptr::from_ref),
            audio_inputs: self.inputs.raw.as_ptr(),
            audio_outputs: self.outputs.raw.as_mut_ptr(),
            audio_inputs_count: self.inputs.raw.len() as u32,
            audio_outputs_count: self.outputs.raw.len() as u32,
            in_events: events_in.as_raw(),
            out_events: events_out.as_raw(),
        };
        let failed = HostError::Process { at: plan.start, frames: plan.frames };
        let Some(State::Started(started)) = &mut self.state else {
            return Err(failed);
        };
        let handle = started.plugin_handle();
        let Some(call) = handle.as_raw().process else {
            return Err(failed);
        };
        let _audio = AudioScope::enter();
        // SAFETY: clack's own `process` knows no null ports and no frame count apart from the
        // buffers, so the call is made here. The plugin is active and started (its state says so),
        // this thread alone holds the processor, and everything that `process` points to outlives
        // the call: buffers of at least `frames` samples per channel, or nulls as the feed wants.
        let status = unsafe { call(handle.as_raw_ptr(), &process) };
        match status {
            CLAP_PROCESS_CONTINUE => Ok(Status::Continue),
            CLAP_PROCESS_CONTINUE_IF_NOT_QUIET => Ok(Status::ContinueIfNotQuiet),
            CLAP_PROCESS_TAIL => Ok(Status::Tail),
            CLAP_PROCESS_SLEEP => Ok(Status::Sleep),
            _ => Err(failed),
        }
    }

    pub(crate) fn into_stopped(mut self) -> StoppedPluginAudioProcessor<Handlers> {
        self.stop();
        match self.state.take() {
            Some(State::Stopped(stopped)) => stopped,
            _ => unreachable!("stop leaves a stopped processor"),
        }
    }
}
