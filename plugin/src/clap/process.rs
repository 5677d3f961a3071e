//! One block on the audio thread: read what the host says, let the engine fill the channels, apply
//! the master fader, hand MIDI out.
//!
//! nice-plug's `process` is bypassed: it would split the block at transport events and derive wrong
//! positions for the pieces, keep notes in a queue that may grow, and need every port to be there.
//! Of nice-plug only the parameters' getters and setters (atomic loads and stores) and
//! `handle_out_events` (pops a preallocated lock-free queue) run here: none allocates, locks or makes
//! a system call.
//!
//! A parameter's change acts at the start of its block, as CLAP allows, except the master, which
//! moves from its event's frame on.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use clap_sys::events::{clap_input_events, clap_output_events};
use clap_sys::process::{CLAP_PROCESS_CONTINUE, CLAP_PROCESS_ERROR, clap_process, clap_process_status};
use krach_core::processor::{Block, MidiEvent, MidiOut, Processor};
use nice_plug::prelude::{Param, ParamPtr};
use nice_plug::wrapper::clap::Wrapper;

use super::buffers::{self, Buffers, Channels};
use super::events::{self, Event};
use super::gain::MasterGain;
use super::host::{Host, request};
use super::transport::Transports;
use crate::params::KrachParams;
use crate::ports::STEMS;
use crate::shell::Shell;

/// MIDI messages that one block may bring.
const MIDI_IN: usize = 2048;
/// MIDI messages that one block may send.
const MIDI_OUT: usize = 4096;

/// Moves of the master fader kept of one block; more change the last one.
const MASTER_MOVES: usize = 256;

/// The parameters of one instance as events change them; shared by the audio and the main thread.
pub struct ParamEvents {
    wrapper: Arc<Wrapper<Shell>>,
    params: Arc<KrachParams>,
    /// Sorted by id.
    slots: Vec<Slot>,
    master: u32,
    panic: u32,
    /// Where the panic switch stands: only its way up counts.
    panicking: AtomicBool,
}

/// One parameter, with what CLAP calls it.
struct Slot {
    id: u32,
    name: String,
    param: ParamPtr,
    stepped: bool,
    /// End of the host's range: 1, or the number of steps.
    steps: f64,
    /// The host's present modulation, normalised, as the bits of an `f32`.
    modulation: AtomicU32,
}

impl ParamEvents {
    /// For the parameters that `wrapper` keeps.
    pub fn new(wrapper: Arc<Wrapper<Shell>>, params: Arc<KrachParams>) -> Self {
        let id_of = |param: ParamPtr| wrapper.param_ptr_to_hash[&param];
        let slot = |(name, param): (String, ParamPtr)| Slot {
            id: id_of(param),
            name,
            param,
            // SAFETY: points into `params`.
            stepped: unsafe { param.step_count() }.is_some(),
            // SAFETY: points into `params`.
            steps: unsafe { param.step_count() }.unwrap_or(1) as f64,
            modulation: AtomicU32::new(0),
        };
        let mut slots: Vec<Slot> = params.entries().map(slot).collect();
        slots.sort_by_key(|slot| slot.id);
        let (master, panic) = (id_of(params.master.as_ptr()), id_of(params.panic.as_ptr()));
        Self { wrapper, params, slots, master, panic, panicking: AtomicBool::new(false) }
    }

    fn slot(&self, id: u32) -> Option<&Slot> {
        self.slots.binary_search_by_key(&id, |slot| slot.id).ok().map(|index| &self.slots[index])
    }

    /// A parameter's value in the host's range, without modulation: that is what CLAP asks for.
    pub fn value(&self, id: u32) -> Option<f64> {
        self.slot(id).map(|slot| {
            let value = slot.base() * slot.steps;
            // A step is a whole number; as a share of the range an `f32` only nearly holds it.
            if slot.stepped { value.round() } else { value }
        })
    }

    /// Values to be saved: normalised 0…1 by string id, without modulation, and without `panic`, which
    /// is a moment and not a state.
    pub fn save(&self) -> BTreeMap<String, f64> {
        let saved = self.slots.iter().filter(|slot| slot.id != self.panic);
        saved.map(|slot| (slot.name.clone(), slot.base())).collect()
    }

    /// Takes saved values; unknown ids and `panic` are ignored, missing ones keep their value.
    pub fn load(&self, values: &BTreeMap<String, f64>) {
        for slot in self.slots.iter().filter(|slot| slot.id != self.panic) {
            if let Some(&value) = values.get(&slot.name) {
                slot.set(value);
            }
        }
    }

    /// Does what an event asks of a parameter. True if the master may have moved.
    fn handle(&self, event: &Event, host: &Host) -> bool {
        let (id, slot) = match *event {
            Event::Value { id, .. } | Event::Modulation { id, .. } => (id, self.slot(id)),
            Event::Transport(_) | Event::Midi(_) => return false,
        };
        let Some(slot) = slot else { return false };
        match *event {
            Event::Value { value, .. } => slot.set(value / slot.steps),
            Event::Modulation { amount, .. } => slot.modulate(amount / slot.steps),
            Event::Transport(_) | Event::Midi(_) => {}
        }
        if id == self.panic {
            let on = self.params.panic.value();
            if on && !self.panicking.swap(on, Ordering::AcqRel) {
                host.post_from_process(request::PANIC);
            } else if !on {
                self.panicking.store(false, Ordering::Release);
            }
        }
        id == self.master
    }

    /// Events that the host sends while it does not process, and what the editor wants to tell it.
    ///
    /// # Safety
    /// Both are null or the host's, valid for this call.
    pub unsafe fn flush(
        &self,
        host: &Host,
        input: *const clap_input_events,
        output: *const clap_output_events,
    ) {
        // SAFETY: as promised by the caller.
        unsafe {
            events::read(input, 0, |_, event| {
                self.handle(&event, host);
            });
            self.write(output);
        }
    }

    /// # Safety
    /// `output` is null or the host's, valid for this call.
    unsafe fn write(&self, output: *const clap_output_events) {
        // SAFETY: as promised by the caller.
        unsafe {
            if let Some(output) = output.as_ref() {
                self.wrapper.handle_out_events(output, 0);
            }
        }
    }
}

impl Slot {
    /// The value without modulation, normalised.
    fn base(&self) -> f64 {
        // SAFETY: the parameter lives as long as the `ParamEvents` that own this slot.
        f64::from(unsafe { self.param.unmodulated_normalized_value() })
    }

    /// Sets the value, normalised; ignored unless finite.
    ///
    /// nice-plug forgets a new base value if modulation holds the sum at an end of the range, so the
    /// modulation is taken off meanwhile.
    fn set(&self, value: f64) {
        if value.is_finite() {
            let modulation = f32::from_bits(self.modulation.load(Ordering::Relaxed));
            // SAFETY: the parameter lives as long as the `ParamEvents` that own this slot. These
            // functions are kept for nice-plug's wrappers, in whose place this shim stands.
            unsafe {
                self.param._internal_modulate_value(0.0);
                self.param._internal_set_normalized_value(value as f32);
                self.param._internal_modulate_value(modulation);
            }
        }
    }

    /// Sets the modulation, normalised; ignored unless finite.
    fn modulate(&self, amount: f64) {
        if amount.is_finite() {
            self.modulation.store((amount as f32).to_bits(), Ordering::Relaxed);
            // SAFETY: as in `set`.
            unsafe { self.param._internal_modulate_value(amount as f32) };
        }
    }
}

/// Everything that the audio thread owns while the plugin is active.
pub struct AudioSide {
    /// `None` if the engine could not be built in time: silence until the next activation.
    processor: Option<Processor>,
    buffers: Buffers,
    transports: Transports,
    master: MasterGain,
    /// Frames and gains that the master goes to in this block.
    moves: Vec<(u32, f32)>,
    midi_in: Vec<MidiEvent>,
    midi: MidiOut,
    /// Our own code panicked: silence until the next activation.
    poisoned: bool,
}

impl AudioSide {
    /// Allocates all that a block may need.
    pub fn new(processor: Option<Processor>, sample_rate: f64, max_frames: usize, gain: f32) -> Self {
        Self {
            processor,
            buffers: Buffers::new(max_frames),
            transports: Transports::new(),
            master: MasterGain::new(gain, sample_rate),
            moves: Vec::with_capacity(MASTER_MOVES),
            midi_in: Vec::with_capacity(MIDI_IN),
            midi: MidiOut::with_capacity(MIDI_OUT),
            poisoned: false,
        }
    }

    /// Forgets all signal state.
    pub fn reset(&mut self, params: &ParamEvents) {
        self.master.settle(params.params.master_gain());
        if let Some(processor) = &mut self.processor {
            processor.reset();
        }
    }

    /// Renders one block.
    ///
    /// # Safety
    /// `process` is the host's, valid for this call.
    pub unsafe fn process(
        &mut self,
        process: &clap_process,
        params: &ParamEvents,
        host: &Host,
        offline: bool,
    ) -> clap_process_status {
        if !self.poisoned {
            // SAFETY: passed on.
            let block = AssertUnwindSafe(|| unsafe { self.block(process, params, host, offline) });
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
        host: &Host,
        offline: bool,
    ) -> clap_process_status {
        // SAFETY: the host's promise, passed on by the caller.
        let Some(channels) = (unsafe { self.buffers.bind(process) }) else {
            // More frames than agreed: nothing sensible can be rendered, but values must not be lost.
            // SAFETY: as above.
            unsafe {
                buffers::silence(process);
                params.flush(host, process.in_events, process.out_events);
            }
            return CLAP_PROCESS_ERROR;
        };
        let Channels { mut main, stems, sidechain } = channels;
        let frames = main[0].len();
        let last = (frames as u32).saturating_sub(1);

        // SAFETY: null or valid for this call.
        self.transports.begin(unsafe { process.transport.as_ref() });
        self.moves.clear();
        self.midi_in.clear();
        keep_move(&mut self.moves, 0, params.params.master_gain());
        let on_event = |frame, event| match event {
            Event::Transport(transport) => self.transports.push(frame, &transport),
            Event::Midi(bytes) if self.midi_in.len() < self.midi_in.capacity() => {
                self.midi_in.push(MidiEvent { offset: frame, bytes });
            }
            event if params.handle(&event, host) => {
                keep_move(&mut self.moves, frame, params.params.master_gain());
            }
            _ => {}
        };
        // SAFETY: null or valid for this call.
        unsafe { events::read(process.in_events, last, on_event) };

        self.midi.clear();
        if let Some(processor) = &mut self.processor {
            let [left, right] = &mut main;
            // A binding of its own, as short-lived as the borrow of `main`: a block has one lifetime.
            let mut stems: [[&mut [f32]; 2]; STEMS] = stems;
            processor.process(Block {
                frames,
                transport: self.transports.as_slice(),
                offline,
                input: sidechain,
                main: [left, right],
                stems: &mut stems,
                free_run: Some(params.params.free_run.value()),
                midi_in: &self.midi_in,
                midi_out: &mut self.midi,
            });
        } else {
            main.iter_mut().for_each(|channel| channel.fill(0.0));
            stems.into_iter().flatten().for_each(|channel| channel.fill(0.0));
        }
        let [left, right] = &mut main;
        self.master.apply_moves(&self.moves, left, right);

        // SAFETY: null or valid for this call.
        unsafe {
            params.write(process.out_events);
            events::write_midi(process.out_events, last, self.midi.events());
        }
        CLAP_PROCESS_CONTINUE
    }
}

/// Notes that the master goes to `gain` from `frame` on. Does not allocate.
fn keep_move(moves: &mut Vec<(u32, f32)>, frame: u32, gain: f32) {
    if moves.len() < moves.capacity() {
        moves.push((frame, gain));
    } else if let Some(last) = moves.last_mut() {
        last.1 = gain;
    }
}
