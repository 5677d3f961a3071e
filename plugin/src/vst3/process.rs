//! One block on the audio thread: read what the host says, have the [`Renderer`] fill the channels, hand
//! MIDI out. Neither allocates, locks nor makes a system call.
//!
//! A parameter's change acts at the start of its block, except master, panic and MIDI controllers, which act
//! on their point's frame. Without frames everything waits for the next block's first.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use krach_core::processor::{HostEventKind, HostParam, MAX_PLAYED, Processor};

use super::buffers::{self, Buffers, Channels};
use super::com::Steinberg::Vst::{ProcessData, ProcessModes_, SymbolicSampleSizes_};
use super::com::Steinberg::{int32, kInvalidArgument, kResultFalse, kResultOk, tresult};
use super::events;
use super::midi::Controller;
use super::object::Object;
use super::transport::Transport;
use super::view::Desk;
use crate::render::{Renderer, Surroundings};
use crate::values::Values;

/// Everything that the audio thread owns while the plugin is active.
pub struct AudioSide {
    renderer: Renderer,
    values: Arc<Values>,
    buffers: Buffers,
    transport: Transport,
    /// What the host plays in this block: frame, place in the order that it came in, what.
    played: Vec<(u32, usize, HostEventKind)>,
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
            played: Vec::with_capacity(MAX_PLAYED),
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
    unsafe fn block(&mut self, data: &ProcessData, around: &Around<'_>) -> tresult {
        // No outputs is how hosts hand over parameters while they render nothing.
        let no_outputs = data.numOutputs <= 0 || data.outputs.is_null();
        let frames = if no_outputs { 0 } else { usize::try_from(data.numSamples).unwrap_or(0) };
        let last = u32::try_from(frames).unwrap_or(u32::MAX).saturating_sub(1);
        self.renderer.begin(self.values.params().master_gain());
        self.played.clear();
        // SAFETY: passed on.
        let panicked = unsafe { self.hear_parameters(data, last) };
        // SAFETY: null or valid for this call.
        unsafe {
            events::read(data.inputEvents, last, |frame, what| play(&mut self.played, frame, what));
        }
        // Controllers come one parameter after the other; those of a frame act before its notes.
        self.played.sort_unstable_by_key(|&(frame, place, _)| (frame, place));
        self.played.iter().for_each(|&(frame, _, what)| self.renderer.hear(frame, what));
        let result = if frames == 0 {
            self.renderer.skip();
            kResultOk
        } else {
            // SAFETY: passed on.
            unsafe { self.render(data, frames, around.offline) }
        };
        // SAFETY: null or valid for this call.
        unsafe {
            events::write_midi(data.outputEvents, last, self.renderer.midi_out());
            if let Some(frame) = panicked
                && !events::write_change(data.outputParameterChanges, self.values.panic_id(), frame, 0.0)
            {
                around.desk.panic_is_over();
            }
        }
        result
    }

    /// # Safety
    /// `data` is the host's, of 32-bit samples, valid for this call.
    unsafe fn render(&mut self, data: &ProcessData, frames: usize, offline: bool) -> tresult {
        // SAFETY: passed on.
        let Some(Channels { main, stems }) = (unsafe { self.buffers.bind(data, frames) }) else {
            // More frames than agreed: nothing sensible can be rendered.
            self.renderer.skip();
            // SAFETY: passed on.
            unsafe { buffers::silence(data) };
            return kResultFalse;
        };
        // SAFETY: null or valid for this call.
        self.transport.begin(unsafe { data.processContext.as_ref() });
        let around = Surroundings {
            transport: self.transport.as_slice(),
            offline,
            free_run: self.values.params().free_run.value(),
            sidechain: [&[]; 2],
        };
        self.renderer.render(&around, main, stems);
        kResultOk
    }

    /// Takes the changes of parameters. Returns the frame of the last panic, if there is one.
    ///
    /// # Safety
    /// `data` is the host's, valid for this call.
    unsafe fn hear_parameters(&mut self, data: &ProcessData, last: u32) -> Option<u32> {
        let mut panicked = None;
        // SAFETY: null or valid for this call.
        unsafe {
            events::read_changes(data.inputParameterChanges, last, |id, frame, value| {
                if let Some(controller) = Controller::with_id(id) {
                    if value.is_finite() {
                        play(&mut self.played, frame, HostEventKind::Midi(controller.message(value)));
                    }
                    return;
                }
                let change = self.values.set(id, value);
                if change.master {
                    let gain = self.values.params().master_gain();
                    self.renderer.change(frame, HostParam::Master, gain);
                }
                if change.panic {
                    self.renderer.change(frame, HostParam::Panic, 1.0);
                    panicked = panicked.max(Some(frame));
                }
            });
        }
        panicked
    }
}

/// What a block is told beside its data.
struct Around<'a> {
    offline: bool,
    desk: &'a Desk,
}

/// Notes something that the host plays. Without room it is lost.
fn play(played: &mut Vec<(u32, usize, HostEventKind)>, frame: u32, what: HostEventKind) {
    if played.len() < played.capacity() {
        played.push((frame, played.len(), what));
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
    let around = Around { offline, desk: object.gui.desk() };
    let done = side.and_then(|side| {
        // SAFETY: passed on.
        let block = catch_unwind(AssertUnwindSafe(|| unsafe { side.block(data, &around) }));
        side.poisoned = block.is_err();
        block.ok()
    });
    done.unwrap_or_else(|| {
        // SAFETY: passed on.
        unsafe { buffers::silence(data) };
        kResultFalse
    })
}
