//! The audio side of a VST3 instance: one block after the other, on whichever thread holds it.

use vst3::Steinberg::Vst::Event_::EventTypes_::{
    kLegacyMIDICCOutEvent, kNoteOffEvent, kNoteOnEvent, kPolyPressureEvent,
};
use vst3::Steinberg::Vst::{
    AudioBusBuffers, AudioBusBuffers__type0, Event, IAudioProcessor, IAudioProcessorTrait, IEventList,
    IMidiMapping, IMidiMappingTrait, IParameterChanges, NoteOffEvent, NoteOnEvent, PolyPressureEvent,
    ProcessData, SymbolicSampleSizes_,
};
use vst3::Steinberg::{int32, kResultOk};
use vst3::{ComPtr, ComWrapper};

use super::context;
use super::lists::{Changes, Events};
use crate::error::HostError;
use crate::events::{InputEvent, InputKind, OutputEvent, OutputKind};
use crate::hosted::Playing;
use crate::instance::{AudioPort, Ports};
use crate::processor::EVENT_CAPACITY;
use crate::threads::AudioScope;
use crate::transport::BlockPlan;

/// Parameters that may change in one block, and points that each may have.
const CHANGES: (usize, usize) = (256, 512);
/// The same of what the plugin changes.
const CHANGES_OUT: (usize, usize) = (8, 512);
/// Controllers of a channel, channel pressure and bend included.
const CONTROLLERS: usize = 130;

/// Buffers of one side.
struct Side {
    /// Per bus, per channel, `max_frames` long.
    buses: Vec<Vec<Vec<f32>>>,
    /// Per bus: pointers to the channels.
    channels: Vec<Vec<*mut f32>>,
    raw: Vec<AudioBusBuffers>,
}

impl Side {
    fn new(ports: &[AudioPort], max_frames: usize) -> Self {
        let buses: Vec<Vec<Vec<f32>>> =
            ports.iter().map(|port| vec![vec![0.0; max_frames]; port.channels]).collect();
        let channels = buses.iter().map(|bus| vec![std::ptr::null_mut(); bus.len()]).collect();
        Self { raw: Vec::with_capacity(buses.len()), buses, channels }
    }

    fn describe(&mut self) {
        self.raw.clear();
        for (bus, pointers) in self.buses.iter_mut().zip(&mut self.channels) {
            for (pointer, channel) in pointers.iter_mut().zip(bus) {
                *pointer = channel.as_mut_ptr();
            }
            self.raw.push(AudioBusBuffers {
                numChannels: pointers.len() as int32,
                silenceFlags: 0,
                __field0: AudioBusBuffers__type0 { channelBuffers32: pointers.as_mut_ptr() },
            });
        }
    }
}

/// An active plugin's audio side. While a block is processed, the present thread counts as the audio
/// thread. `process` itself neither allocates nor makes system calls.
pub struct Vst3Processor {
    processor: ComPtr<IAudioProcessor>,
    inputs: Side,
    outputs: Side,
    /// Id and number of steps of each parameter that has some, sorted: the format's values are shares
    /// of the range.
    steps: Vec<(u32, f64)>,
    events_in: (ComWrapper<Events>, ComPtr<IEventList>),
    events_out: (ComWrapper<Events>, ComPtr<IEventList>),
    changes: (ComWrapper<Changes>, ComPtr<IParameterChanges>),
    changes_out: (ComWrapper<Changes>, ComPtr<IParameterChanges>),
    /// Per channel: the parameter that stands for each controller.
    controllers: Vec<[Option<u32>; CONTROLLERS]>,
    sent: Vec<OutputEvent>,
    mode: int32,
    sample_rate: f64,
    max_frames: usize,
    last_frames: usize,
}

// SAFETY: VST3 allows `process` on another thread than the main one; the lists and buffers are ours and
// used by the one thread that holds this.
unsafe impl Send for Vst3Processor {}

/// What the instance knows when it makes a processor.
pub(super) struct Setup {
    pub ports: Ports,
    pub steps: Vec<(u32, f64)>,
    pub mode: int32,
    pub sample_rate: f64,
    pub max_frames: usize,
}

impl Vst3Processor {
    pub(super) fn new(processor: ComPtr<IAudioProcessor>, setup: Setup) -> Self {
        let Setup { ports, mut steps, mode, sample_rate, max_frames } = setup;
        steps.sort_by_key(|(id, _)| *id);
        let events = || {
            let events = ComWrapper::new(Events::with_capacity(EVENT_CAPACITY));
            let pointer = events.to_com_ptr().expect("it has this interface");
            (events, pointer)
        };
        let changes = |(parameters, points)| {
            let changes = ComWrapper::new(Changes::with_capacity(parameters, points));
            let pointer = changes.to_com_ptr().expect("it has this interface");
            (changes, pointer)
        };
        Self {
            controllers: controllers(&processor),
            processor,
            inputs: Side::new(&ports.inputs, max_frames),
            outputs: Side::new(&ports.outputs, max_frames),
            steps,
            events_in: events(),
            events_out: events(),
            changes: changes(CHANGES),
            changes_out: changes(CHANGES_OUT),
            sent: Vec::with_capacity(EVENT_CAPACITY),
            mode,
            sample_rate,
            max_frames,
            last_frames: 0,
        }
    }

    /// What the format cannot say (modulation, controllers that the plugin has no parameter for) is left out.
    fn hear(&self, event: &InputEvent) {
        match event.kind {
            InputKind::Param { id, value } => {
                self.changes.0.push(id, event.offset, value / steps_of(&self.steps, id));
            }
            InputKind::Midi([status, first, second]) if status >= 0xb0 => {
                let share = |value: u8| f64::from(value) / 127.0;
                let (number, value) = match status & 0xf0 {
                    0xb0 => (usize::from(first), share(second)),
                    0xd0 => (128, share(first)),
                    0xe0 => (129, f64::from(u16::from(second) << 7 | u16::from(first)) / 16_383.0),
                    _ => return,
                };
                let known = self.controllers.get(usize::from(status & 0xf)).and_then(|all| all.get(number));
                if let Some(id) = known.copied().flatten() {
                    self.changes.0.push(id, event.offset, value);
                }
            }
            kind => {
                if let Some(mut heard) = note(kind) {
                    heard.sampleOffset = event.offset as int32;
                    self.events_in.0.push(heard);
                }
            }
        }
    }

    fn collect(&mut self, block_start: u64) {
        let Self { steps, sent, .. } = self;
        self.changes_out.0.each(|id, offset, value| {
            let offset = u32::try_from(offset).unwrap_or(0);
            if sent.len() < sent.capacity() {
                let kind = OutputKind::Param { id, value: value * steps_of(steps, id) };
                sent.push(OutputEvent { frame: block_start + u64::from(offset), offset, kind });
            }
        });
        self.events_out.0.each(|event| {
            let offset = u32::try_from(event.sampleOffset).unwrap_or(0);
            if sent.len() < sent.capacity() {
                sent.push(OutputEvent { frame: block_start + u64::from(offset), offset, kind: told(event) });
            }
        });
    }
}

impl Playing for Vst3Processor {
    fn output_channels(&self, port: usize) -> usize {
        self.outputs.buses.get(port).map_or(0, Vec::len)
    }

    fn input_mut(&mut self, port: usize) -> &mut [Vec<f32>] {
        self.inputs.buses.get_mut(port).map_or(&mut [], Vec::as_mut_slice)
    }

    fn process(&mut self, plan: &BlockPlan, events: &[InputEvent]) -> Result<(), HostError> {
        if plan.frames > self.max_frames {
            return Err(HostError::BlockTooLong { frames: plan.frames, max: self.max_frames });
        }
        self.last_frames = plan.frames;
        for channel in self.outputs.buses.iter_mut().flatten() {
            channel[..plan.frames].fill(f32::NAN);
        }
        self.inputs.describe();
        self.outputs.describe();
        self.events_in.0.clear();
        self.events_out.0.clear();
        self.changes.0.clear();
        self.changes_out.0.clear();
        events.iter().for_each(|event| self.hear(event));
        let told = plan.told.as_ref();
        let mut context =
            told.map(|(report, moment)| context::tell(report, moment, plan.start, self.sample_rate));
        let mut data = ProcessData {
            processMode: self.mode,
            symbolicSampleSize: SymbolicSampleSizes_::kSample32 as int32,
            numSamples: plan.frames as int32,
            numInputs: self.inputs.raw.len() as int32,
            numOutputs: self.outputs.raw.len() as int32,
            inputs: self.inputs.raw.as_mut_ptr(),
            outputs: self.outputs.raw.as_mut_ptr(),
            inputParameterChanges: self.changes.1.as_ptr(),
            outputParameterChanges: self.changes_out.1.as_ptr(),
            inputEvents: self.events_in.1.as_ptr(),
            outputEvents: self.events_out.1.as_ptr(),
            processContext: context.as_mut().map_or(std::ptr::null_mut(), std::ptr::from_mut),
        };
        let result = {
            let _audio = AudioScope::enter();
            // SAFETY: the plugin is active and processing; this thread alone holds the processor, and
            // everything that `data` points to outlives the call.
            unsafe { self.processor.process(&mut data) }
        };
        self.collect(plan.start);
        if result == kResultOk {
            Ok(())
        } else {
            Err(HostError::Process { at: plan.start, frames: plan.frames })
        }
    }

    fn output(&self, port: usize, channel: usize) -> &[f32] {
        let bus = self.outputs.buses.get(port);
        bus.and_then(|bus| bus.get(channel)).map_or(&[], |samples| &samples[..self.last_frames])
    }

    fn sent(&self) -> &[OutputEvent] {
        &self.sent
    }

    fn clear_sent(&mut self) {
        self.sent.clear();
    }
}

/// Steps of a parameter's range; 1 if it has none.
fn steps_of(steps: &[(u32, f64)], id: u32) -> f64 {
    steps.binary_search_by_key(&id, |(id, _)| *id).map_or(1.0, |index| steps[index].1)
}

/// Per channel: the parameter that stands for each controller, as the plugin says.
fn controllers(processor: &ComPtr<IAudioProcessor>) -> Vec<[Option<u32>; CONTROLLERS]> {
    let Some(mapping) = processor.cast::<IMidiMapping>() else { return Vec::new() };
    let parameter = |channel: i16, number: usize| {
        let mut id = 0;
        // SAFETY: an initialised plugin, and room for an id.
        let found = unsafe { mapping.getMidiControllerAssignment(0, channel, number as i16, &mut id) };
        (found == kResultOk).then_some(id)
    };
    (0..16).map(|channel| std::array::from_fn(|number| parameter(channel, number))).collect()
}

fn zero() -> Event {
    // SAFETY: all fields are numbers and pointers, for which zero is a value.
    unsafe { std::mem::zeroed() }
}

/// A note of the host's, in VST3's words.
fn note(kind: InputKind) -> Option<Event> {
    let mut event = zero();
    let share = |value: u8| f64::from(value) / 127.0;
    match kind {
        InputKind::NoteOn { channel, key, velocity } => {
            event.r#type = kNoteOnEvent as u16;
            event.__field0.noteOn = NoteOnEvent {
                channel: channel as i16,
                pitch: key as i16,
                tuning: 0.0,
                velocity: velocity as f32,
                length: 0,
                noteId: -1,
            };
        }
        InputKind::NoteOff { channel, key, velocity } => {
            event.r#type = kNoteOffEvent as u16;
            event.__field0.noteOff = NoteOffEvent {
                channel: channel as i16,
                pitch: key as i16,
                velocity: velocity as f32,
                noteId: -1,
                tuning: 0.0,
            };
        }
        InputKind::NoteChoke { channel, key } => {
            return note(InputKind::NoteOff { channel, key, velocity: 1.0 });
        }
        InputKind::Midi([status, key, value]) => {
            let (channel, key) = (u16::from(status & 0xf), u16::from(key));
            return match status & 0xf0 {
                0x90 if value > 0 => note(InputKind::NoteOn { channel, key, velocity: share(value) }),
                0x80 | 0x90 => note(InputKind::NoteOff { channel, key, velocity: share(value) }),
                0xa0 => {
                    event.r#type = kPolyPressureEvent as u16;
                    event.__field0.polyPressure = PolyPressureEvent {
                        channel: channel as i16,
                        pitch: key as i16,
                        pressure: share(value) as f32,
                        noteId: -1,
                    };
                    Some(event)
                }
                _ => None,
            };
        }
        InputKind::NumberedNoteOn { .. }
        | InputKind::NumberedNoteOff { .. }
        | InputKind::NumberedChoke { .. }
        | InputKind::Expression { .. }
        | InputKind::Param { .. }
        | InputKind::ParamMod { .. } => return None,
    }
    Some(event)
}

/// What the plugin sent; controllers and the like as the MIDI that they stand for.
fn told(event: &Event) -> OutputKind {
    let kind = u32::from(event.r#type);
    // SAFETY: the union's variant is the one that the type names.
    unsafe {
        if kind == kNoteOnEvent as u32 {
            let note = event.__field0.noteOn;
            OutputKind::NoteOn { channel: note.channel, key: note.pitch, velocity: f64::from(note.velocity) }
        } else if kind == kNoteOffEvent as u32 {
            let note = event.__field0.noteOff;
            OutputKind::NoteOff { channel: note.channel, key: note.pitch, velocity: f64::from(note.velocity) }
        } else if kind == kLegacyMIDICCOutEvent as u32 {
            let controller = event.__field0.midiCCOut;
            let channel = controller.channel as u8 & 0xf;
            let (value, value2) = (controller.value as u8, controller.value2 as u8);
            OutputKind::Midi(match controller.controlNumber {
                128 => [0xd0 | channel, value, 0],
                129 => [0xe0 | channel, value, value2],
                130 => [0xc0 | channel, value, 0],
                number => [0xb0 | channel, number, value],
            })
        } else {
            OutputKind::Other { space: 0, event_type: event.r#type }
        }
    }
}
