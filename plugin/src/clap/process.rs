//! One block on the audio thread: read what the host says, have the [`BlockProcessor`] fill the channels, hand
//! MIDI out.
//!
//! nice-plug's `process` is bypassed: it would split the block at transport events and derive wrong
//! positions for the pieces, keep notes in a queue that may grow, and need every port to be there.
//! Of nice-plug only the parameters' getters and setters (atomic loads and stores) and
//! `handle_out_events` (pops a preallocated lock-free queue) run here: none allocates, locks or makes
//! a system call.
//!
//! A parameter's change acts on its event's frame. Without frames everything waits for the next block's first.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use clap_sys::events::{
    CLAP_CORE_EVENT_SPACE_ID, CLAP_EVENT_PARAM_GESTURE_BEGIN, CLAP_EVENT_PARAM_GESTURE_END,
    CLAP_EVENT_PARAM_VALUE, clap_event_header, clap_event_param_gesture, clap_event_param_value,
    clap_input_events, clap_output_events,
};
use clap_sys::process::{CLAP_PROCESS_CONTINUE, CLAP_PROCESS_ERROR, clap_process, clap_process_status};
use crossbeam_queue::ArrayQueue;
use krach_core::processor::{MidiOut, ParamId, Processor};
use nice_plug::prelude::ParamPtr;
use nice_plug::wrapper::clap::Wrapper;

use super::buffers::{self, Buffers, Channels};
use super::events::{self, Event, Fallen};
use super::transport::Transports;
use crate::block::{BlockProcessor, Surroundings};
use crate::param_values::{ParamValues, Standing};
use crate::params::KrachParams;
use crate::ports::Kind;
use crate::shell::Shell;

/// Gestures that wait for the host to hear of them.
const GESTURES: usize = 256;

/// The parameters of one instance as events change them; shared by the audio and the main thread.
pub struct ParamEvents {
    wrapper: Arc<Wrapper<Shell>>,
    /// What they stand at.
    pub values: ParamValues,
    /// What the host is to hear of what the window, clients and the session moved.
    gestures: ArrayQueue<Gesture>,
}

/// What the host is to hear of a parameter.
#[derive(Clone, Copy)]
enum Gesture {
    Begin(u32),
    Value(u32, f64),
    End(u32),
    /// All three in one, so that none finds room without the others.
    Jump(u32, f64),
}

impl ParamEvents {
    /// For the parameters that `wrapper` keeps.
    pub fn new(wrapper: Arc<Wrapper<Shell>>, params: Arc<KrachParams>) -> Self {
        Self { wrapper, values: ParamValues::new(params), gestures: ArrayQueue::new(GESTURES) }
    }

    /// A parameter's value in the host's range, without modulation: that is what CLAP asks for.
    pub fn value(&self, id: u32) -> Option<f64> {
        self.values.get(id).map(|value| match self.values.steps(id) {
            // A step is a whole number; as a share of the range an `f32` only nearly holds it.
            Some(steps) => (value * steps as f64).round(),
            None => value,
        })
    }

    /// Does what an event asks of a parameter, and says where that stands now.
    fn handle(&self, event: &Event) -> Option<Standing> {
        let normalised = |id: u32, value: f64| value / self.values.steps(id).unwrap_or(1) as f64;
        match *event {
            Event::Value { id, value } => self.values.set(id, normalised(id, value)),
            Event::Modulation { id, amount } => self.values.modulate(id, normalised(id, amount)),
            Event::Transport(_) | Event::Played(_) => None,
        }
    }

    /// Events that the host sends while it does not process, and what the editor wants to tell it. True if
    /// panic was asked for; the host is told that its switch is back.
    ///
    /// # Safety
    /// Both are null or the host's, valid for this call.
    pub unsafe fn flush(&self, input: *const clap_input_events, output: *const clap_output_events) -> bool {
        let mut panic = false;
        // SAFETY: as promised by the caller.
        unsafe {
            events::read(input, 0, |_, event| panic |= self.handle(&event) == Some(Standing::PANIC));
            self.write(output);
            events::write(output, 0, &MidiOut::default(), panic.then_some(self.fallen(0)));
        }
        panic
    }

    /// The panic switch is back on this frame.
    fn fallen(&self, frame: u32) -> Fallen {
        Fallen { frame, id: self.values.panic_id() }
    }

    fn tell(&self, param: ParamPtr, gesture: impl FnOnce(u32) -> Gesture) {
        if let Some(id) = self.values.id_of(param) {
            // Without room the host has not listened for hundreds of them; it reads values when it does.
            let _ = self.gestures.push(gesture(id));
        }
    }

    /// The window begins to move a parameter.
    pub fn begin_gesture(&self, param: ParamPtr) {
        self.tell(param, Gesture::Begin);
    }

    /// The window sets a parameter, normalised.
    pub fn set_by_window(&self, param: ParamPtr, value: f32) {
        if let Some(id) = self.values.id_of(param) {
            let value = f64::from(value);
            self.values.set(id, value);
            let steps = self.values.steps(id).unwrap_or(1) as f64;
            self.tell(param, |id| Gesture::Value(id, value * steps));
        }
    }

    /// A scene was recalled: its parameter stands there, and the host is to hear of it. False if it stands there already.
    pub fn scene_recalled(&self, number: u8) -> bool {
        let moved = self.values.scene_recalled(number).is_some();
        if moved {
            self.tell_scene(number);
        }
        moved
    }

    /// The host is to hear of the scene. For the audio thread, too: neither allocates nor waits.
    fn tell_scene(&self, number: u8) {
        let _ = self.gestures.push(Gesture::Jump(self.values.scene_id(), f64::from(number)));
    }

    /// The window lets go of a parameter.
    pub fn end_gesture(&self, param: ParamPtr) {
        self.tell(param, Gesture::End);
    }

    /// # Safety
    /// `output` is null or the host's, valid for this call.
    unsafe fn write(&self, output: *const clap_output_events) {
        // SAFETY: as promised by the caller.
        unsafe {
            if let Some(output) = output.as_ref() {
                self.wrapper.handle_out_events(output, 0);
                while let Some(gesture) = self.gestures.pop() {
                    gesture.write(output);
                }
            }
        }
    }
}

impl Gesture {
    /// # Safety
    /// `list` is the host's, valid for this call.
    unsafe fn write(self, list: &clap_output_events) {
        let header = |size: usize, type_| clap_event_header {
            size: size as u32,
            time: 0,
            space_id: CLAP_CORE_EVENT_SPACE_ID,
            type_,
            flags: 0,
        };
        let Some(try_push) = list.try_push else { return };
        let gesture = |param_id, type_| clap_event_param_gesture {
            header: header(size_of::<clap_event_param_gesture>(), type_),
            param_id,
        };
        // SAFETY: the host copies the event; each pointer is to the whole of one.
        unsafe {
            match self {
                Self::Begin(id) => {
                    let event = gesture(id, CLAP_EVENT_PARAM_GESTURE_BEGIN);
                    try_push(list, (&raw const event).cast())
                }
                Self::End(id) => {
                    let event = gesture(id, CLAP_EVENT_PARAM_GESTURE_END);
                    try_push(list, (&raw const event).cast())
                }
                Self::Jump(id, value) => {
                    Self::Begin(id).write(list);
                    Self::Value(id, value).write(list);
                    Self::End(id).write(list);
                    true
                }
                Self::Value(param_id, value) => {
                    let event = clap_event_param_value {
                        header: header(size_of::<clap_event_param_value>(), CLAP_EVENT_PARAM_VALUE),
                        param_id,
                        cookie: std::ptr::null_mut(),
                        note_id: -1,
                        port_index: -1,
                        channel: -1,
                        key: -1,
                        value,
                    };
                    try_push(list, (&raw const event).cast())
                }
            }
        };
    }
}

/// Everything that the audio thread owns while the plugin is active.
pub struct AudioSide {
    block: BlockProcessor,
    buffers: Buffers,
    transports: Transports,
    /// Our own code panicked: silence until the next activation.
    poisoned: bool,
}

impl AudioSide {
    /// Allocates all that a block may need.
    pub fn new(processor: Option<Processor>, max_frames: usize, values: &ParamValues, kind: Kind) -> Self {
        Self {
            block: BlockProcessor::new(processor, values, kind),
            buffers: Buffers::new(max_frames),
            transports: Transports::new(),
            poisoned: false,
        }
    }

    /// Gates shut, tails cut.
    pub fn panic(&mut self) {
        self.block.panic();
    }

    /// Blocks come again after a time without any.
    pub fn resume(&mut self) {
        self.block.resume();
    }

    /// Forgets all signal state.
    pub fn reset(&mut self, params: &ParamEvents) {
        self.block.reset(&params.values);
    }

    /// Renders one block.
    ///
    /// # Safety
    /// `process` is the host's, valid for this call.
    pub unsafe fn process(
        &mut self,
        process: &clap_process,
        params: &ParamEvents,
        offline: bool,
    ) -> clap_process_status {
        if !self.poisoned {
            // SAFETY: passed on.
            let block = AssertUnwindSafe(|| unsafe { self.block(process, params, offline) });
            match catch_unwind(block) {
                Ok(status) => return status,
                Err(_) => self.poisoned = true,
            }
        }
        // SAFETY: passed on.
        unsafe { buffers::silence(process) };
        CLAP_PROCESS_CONTINUE
    }

    /// # Safety
    /// `process` is the host's, valid for this call.
    unsafe fn block(
        &mut self,
        process: &clap_process,
        params: &ParamEvents,
        offline: bool,
    ) -> clap_process_status {
        // SAFETY: the host's promise, passed on by the caller.
        let channels = unsafe { self.buffers.bind(process) };
        let frames = channels.as_ref().map_or(0, |channels| channels.main[0].len());
        let last = (frames as u32).saturating_sub(1);

        // SAFETY: null or valid for this call.
        self.transports.begin(unsafe { process.transport.as_ref() });
        self.block.begin(&params.values);
        let mut fallen = None;
        let on_event = |frame, event| match event {
            Event::Transport(transport) => self.transports.push(frame, &transport),
            Event::Played(what) => self.block.hear(frame, what),
            event => {
                let Some(standing) = params.handle(&event) else { return };
                self.block.change(frame, standing);
                if standing.param == ParamId::Panic {
                    fallen = Some(params.fallen(frame));
                }
            }
        };
        // SAFETY: null or valid for this call.
        unsafe { events::read(process.in_events, last, on_event) };

        let status = match channels {
            Some(Channels { main, stems, sidechain }) if frames > 0 => {
                let around = Surroundings { transport: self.transports.as_slice(), offline, sidechain };
                self.block.render(&around, main, stems);
                if let Some(number) = self.block.scene_moved(&params.values) {
                    params.tell_scene(number);
                }
                CLAP_PROCESS_CONTINUE
            }
            Some(_) => {
                self.block.skip();
                CLAP_PROCESS_CONTINUE
            }
            None => {
                // More frames than agreed: nothing sensible can be rendered.
                self.block.skip();
                // SAFETY: as above.
                unsafe { buffers::silence(process) };
                CLAP_PROCESS_ERROR
            }
        };
        // SAFETY: null or valid for this call.
        unsafe {
            params.write(process.out_events);
            events::write(process.out_events, last, self.block.notes_out(), fallen);
        }
        status
    }
}
