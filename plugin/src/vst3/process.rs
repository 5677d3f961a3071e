//! One block on the audio thread: read what the host says, have the [`Renderer`] fill the channels, hand
//! MIDI out. Neither allocates, locks nor makes a system call.
//!
//! A parameter's change acts at the start of its block, except the master, which moves from its point
//! on, and panic, which acts at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use krach_core::processor::{HostParam, Processor};

use super::buffers::{self, Buffers, Channels};
use super::com::Steinberg::Vst::{ProcessData, ProcessModes_, SymbolicSampleSizes_};
use super::com::Steinberg::{int32, kInvalidArgument, kResultFalse, kResultOk, tresult};
use super::events;
use super::object::Object;
use super::transport::Transport;
use crate::render::{Renderer, Surroundings};
use crate::values::Values;

/// Everything that the audio thread owns while the plugin is active.
pub struct AudioSide {
    renderer: Renderer,
    values: Arc<Values>,
    buffers: Buffers,
    transport: Transport,
    /// Our own code panicked: silence until the next activation.
    poisoned: bool,
}

impl AudioSide {
    /// Allocates all that a block may need.
    pub fn new(processor: Option<Processor>, values: Arc<Values>, max_frames: usize) -> Self {
        Self {
            renderer: Renderer::new(processor, values.params().master_gain()),
            values,
            buffers: Buffers::new(max_frames),
            transport: Transport::default(),
            poisoned: false,
        }
    }

    /// Forgets all signal state.
    pub fn reset(&mut self) {
        self.renderer.reset(self.values.params().master_gain());
    }

    /// Gates shut, tails cut.
    pub fn panic(&mut self) {
        self.renderer.panic();
    }

    /// # Safety
    /// `data` is the host's, of 32-bit samples, valid for this call.
    unsafe fn block(&mut self, data: &ProcessData, offline: bool) -> tresult {
        let frames = usize::try_from(data.numSamples).unwrap_or(0);
        // No frames, or no outputs, is how hosts hand over parameters while they render nothing.
        if frames == 0 || data.numOutputs <= 0 || data.outputs.is_null() {
            // SAFETY: passed on.
            unsafe { self.hear_parameters(data, 0) };
            return kResultOk;
        }
        let last = u32::try_from(frames - 1).unwrap_or(u32::MAX);
        self.renderer.begin(self.values.params().master_gain());
        // SAFETY: passed on.
        unsafe { self.hear_parameters(data, last) };
        // SAFETY: passed on.
        let Some(Channels { main, stems }) = (unsafe { self.buffers.bind(data, frames) }) else {
            // More frames than agreed: nothing sensible can be rendered.
            // SAFETY: passed on.
            unsafe { buffers::silence(data) };
            return kResultFalse;
        };
        // SAFETY: null or valid for this call.
        self.transport.begin(unsafe { data.processContext.as_ref() });
        // SAFETY: null or valid for this call.
        unsafe { events::read(data.inputEvents, last, |frame, what| self.renderer.hear(frame, what)) };
        let around = Surroundings {
            transport: self.transport.as_slice(),
            offline,
            free_run: self.values.params().free_run.value(),
            sidechain: [&[]; 2],
        };
        self.renderer.render(&around, main, stems);
        // SAFETY: null or valid for this call.
        unsafe { events::write_midi(data.outputEvents, last, self.renderer.midi_out()) };
        kResultOk
    }

    /// # Safety
    /// `data` is the host's, valid for this call.
    unsafe fn hear_parameters(&mut self, data: &ProcessData, last: u32) {
        // SAFETY: null or valid for this call.
        unsafe {
            events::read_changes(data.inputParameterChanges, last, |id, frame, value| {
                let change = self.values.set(id, value);
                if change.master {
                    let gain = self.values.params().master_gain();
                    self.renderer.change(frame, HostParam::Master, gain);
                }
                if change.panic {
                    self.renderer.panic();
                }
            });
        }
    }
}

/// `IAudioProcessor::process`.
///
/// # Safety
/// `data` is null or the host's, valid for this call.
pub unsafe fn process(object: &Object, data: *mut ProcessData) -> tresult {
    // SAFETY: as promised by the caller.
    let Some(data) = (unsafe { data.as_ref() }) else { return kInvalidArgument };
    if data.symbolicSampleSize != SymbolicSampleSizes_::kSample32 as int32 {
        return kInvalidArgument;
    }
    object.count_block();
    // A host that goes offline may say so here before it sets up anew.
    let offline =
        object.offline.load(Ordering::Relaxed) || data.processMode == ProcessModes_::kOffline as int32;
    let mut audio = object.try_audio();
    let side = audio.as_mut().and_then(|audio| audio.as_mut()).filter(|side| !side.poisoned);
    let done = side.and_then(|side| {
        // SAFETY: passed on.
        let block = catch_unwind(AssertUnwindSafe(|| unsafe { side.block(data, offline) }));
        side.poisoned = block.is_err();
        block.ok()
    });
    done.unwrap_or_else(|| {
        // SAFETY: passed on.
        unsafe { buffers::silence(data) };
        kResultFalse
    })
}
