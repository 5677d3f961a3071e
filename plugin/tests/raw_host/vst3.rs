//! The smallest VST3 host: makes the instrument through its factory, as C++ would, and can call in any
//! order.

#![allow(clippy::unnecessary_cast, reason = "VST3's constants are signed on Windows and unsigned elsewhere")]

use std::cell::{Cell, RefCell};

use krach::ports::Kind;

use nice_plug::wrapper::vst3::vst3::Steinberg::Vst::ChannelContext::IInfoListenerTrait;
use nice_plug::wrapper::vst3::vst3::Steinberg::Vst::*;
use nice_plug::wrapper::vst3::vst3::Steinberg::*;
use nice_plug::wrapper::vst3::vst3::{Class, ComPtr, ComWrapper};

/// What the plugin asks of the host's window side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Asked {
    Begin(u32),
    Perform(u32, f64),
    End(u32),
    Dirty(bool),
    Restart(i32),
}

/// The component handler.
#[derive(Default)]
struct Handler(RefCell<Vec<Asked>>);

impl Class for Handler {
    type Interfaces = (IComponentHandler, IComponentHandler2);
}

impl Handler {
    fn note(&self, asked: Asked) -> tresult {
        self.0.borrow_mut().push(asked);
        kResultOk
    }
}

impl IComponentHandlerTrait for Handler {
    unsafe fn beginEdit(&self, id: ParamID) -> tresult {
        self.note(Asked::Begin(id))
    }
    unsafe fn performEdit(&self, id: ParamID, value: ParamValue) -> tresult {
        self.note(Asked::Perform(id, value))
    }
    unsafe fn endEdit(&self, id: ParamID) -> tresult {
        self.note(Asked::End(id))
    }
    unsafe fn restartComponent(&self, flags: int32) -> tresult {
        self.note(Asked::Restart(flags))
    }
}

impl IComponentHandler2Trait for Handler {
    unsafe fn setDirty(&self, state: TBool) -> tresult {
        self.note(Asked::Dirty(state != 0))
    }
    unsafe fn requestOpenEditor(&self, _name: FIDString) -> tresult {
        kNotImplemented
    }
    unsafe fn startGroupEdit(&self) -> tresult {
        kNotImplemented
    }
    unsafe fn finishGroupEdit(&self) -> tresult {
        kNotImplemented
    }
}

/// What the host says of the track; what is `None` is not in the list.
struct TrackInfo {
    name: Option<String>,
    colour: Option<i64>,
}

impl Class for TrackInfo {
    type Interfaces = (IAttributeList,);
}

/// Is it that key?
///
/// # Safety
/// Both are strings that end in NUL.
unsafe fn is(id: IAttributeList_::AttrID, key: *const std::ffi::c_char) -> bool {
    // SAFETY: as promised by the caller.
    unsafe { std::ffi::CStr::from_ptr(id) == std::ffi::CStr::from_ptr(key) }
}

impl IAttributeListTrait for TrackInfo {
    unsafe fn setInt(&self, _: IAttributeList_::AttrID, _: int64) -> tresult {
        kNotImplemented
    }
    unsafe fn getInt(&self, id: IAttributeList_::AttrID, value: *mut int64) -> tresult {
        // SAFETY: the plugin's key, and its room for a number.
        unsafe {
            match self.colour.filter(|_| is(id, ChannelContext::kChannelColorKey)) {
                Some(colour) => value.write(colour),
                None => return kResultFalse,
            }
        }
        kResultOk
    }
    unsafe fn setFloat(&self, _: IAttributeList_::AttrID, _: f64) -> tresult {
        kNotImplemented
    }
    unsafe fn getFloat(&self, _: IAttributeList_::AttrID, _: *mut f64) -> tresult {
        kNotImplemented
    }
    unsafe fn setString(&self, _: IAttributeList_::AttrID, _: *const TChar) -> tresult {
        kNotImplemented
    }
    unsafe fn getString(&self, id: IAttributeList_::AttrID, to: *mut TChar, bytes: uint32) -> tresult {
        // SAFETY: the plugin's key.
        let asked = unsafe { is(id, ChannelContext::kChannelNameKey) };
        let Some(name) = self.name.as_ref().filter(|_| asked) else { return kResultFalse };
        let room = bytes as usize / size_of::<TChar>();
        for (at, unit) in name.encode_utf16().take(room - 1).chain([0]).enumerate() {
            // SAFETY: within the room that the plugin has told.
            unsafe { to.add(at).write(unit as TChar) };
        }
        kResultOk
    }
    unsafe fn setBinary(&self, _: IAttributeList_::AttrID, _: *const std::ffi::c_void, _: uint32) -> tresult {
        kNotImplemented
    }
    unsafe fn getBinary(
        &self,
        _: IAttributeList_::AttrID,
        _: *mut *const std::ffi::c_void,
        _: *mut uint32,
    ) -> tresult {
        kNotImplemented
    }
}

/// Points of one parameter.
struct Points {
    id: Cell<ParamID>,
    points: RefCell<Vec<(int32, ParamValue)>>,
}

impl Class for Points {
    type Interfaces = (IParamValueQueue,);
}

impl IParamValueQueueTrait for Points {
    unsafe fn getParameterId(&self) -> ParamID {
        self.id.get()
    }
    unsafe fn getPointCount(&self) -> int32 {
        self.points.borrow().len() as int32
    }
    unsafe fn getPoint(&self, index: int32, offset: *mut int32, value: *mut ParamValue) -> tresult {
        // SAFETY: the plugin's room for both.
        unsafe { (*offset, *value) = self.points.borrow()[index as usize] };
        kResultOk
    }
    unsafe fn addPoint(&self, offset: int32, value: ParamValue, _index: *mut int32) -> tresult {
        self.points.borrow_mut().push((offset, value));
        kResultOk
    }
}

/// Points of parameters, and events, that come or go with a block.
#[derive(Default)]
struct Lists {
    queues: RefCell<Vec<(ComWrapper<Points>, ComPtr<IParamValueQueue>)>>,
    events: RefCell<Vec<Event>>,
}

impl Class for Lists {
    type Interfaces = (IParameterChanges, IEventList);
}

impl Lists {
    fn queue(&self, id: ParamID) -> usize {
        let mut queues = self.queues.borrow_mut();
        let known = queues.iter().position(|(queue, _)| queue.id.get() == id);
        known.unwrap_or_else(|| {
            let queue = ComWrapper::new(Points { id: Cell::new(id), points: RefCell::default() });
            let pointer = queue.to_com_ptr().expect("it has this interface");
            queues.push((queue, pointer));
            queues.len() - 1
        })
    }
}

impl IParameterChangesTrait for Lists {
    unsafe fn getParameterCount(&self) -> int32 {
        self.queues.borrow().len() as int32
    }
    unsafe fn getParameterData(&self, index: int32) -> *mut IParamValueQueue {
        self.queues.borrow()[index as usize].1.as_ptr()
    }
    unsafe fn addParameterData(&self, id: *const ParamID, index: *mut int32) -> *mut IParamValueQueue {
        // SAFETY: the plugin's pointers.
        let at = unsafe {
            let at = self.queue(*id);
            *index = at as int32;
            at
        };
        self.queues.borrow()[at].1.as_ptr()
    }
}

impl IEventListTrait for Lists {
    unsafe fn getEventCount(&self) -> int32 {
        self.events.borrow().len() as int32
    }
    unsafe fn getEvent(&self, index: int32, event: *mut Event) -> tresult {
        // SAFETY: the plugin's room for an event.
        unsafe { event.write(self.events.borrow()[index as usize]) };
        kResultOk
    }
    unsafe fn addEvent(&self, event: *mut Event) -> tresult {
        // SAFETY: the plugin's event.
        self.events.borrow_mut().push(unsafe { event.read() });
        kResultOk
    }
}

/// A state in memory.
#[derive(Default)]
struct Memory {
    bytes: RefCell<Vec<u8>>,
    at: Cell<usize>,
}

impl Class for Memory {
    type Interfaces = (IBStream,);
}

impl IBStreamTrait for Memory {
    unsafe fn read(&self, to: *mut std::ffi::c_void, count: int32, read: *mut int32) -> tresult {
        let bytes = self.bytes.borrow();
        let rest = &bytes[self.at.get()..];
        let count = rest.len().min(count as usize);
        // SAFETY: the plugin's room for so many bytes.
        unsafe {
            std::ptr::copy_nonoverlapping(rest.as_ptr(), to.cast(), count);
            if let Some(read) = read.as_mut() {
                *read = count as int32;
            }
        }
        self.at.set(self.at.get() + count);
        kResultOk
    }
    unsafe fn write(&self, from: *mut std::ffi::c_void, count: int32, written: *mut int32) -> tresult {
        // SAFETY: the plugin's bytes.
        unsafe {
            self.bytes.borrow_mut().extend(std::slice::from_raw_parts(from.cast::<u8>(), count as usize));
            if let Some(written) = written.as_mut() {
                *written = count;
            }
        }
        kResultOk
    }
    unsafe fn seek(&self, _: int64, _: int32, _: *mut int64) -> tresult {
        kNotImplemented
    }
    unsafe fn tell(&self, _: *mut int64) -> tresult {
        kNotImplemented
    }
}

/// What a block brings: frame, what.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    /// A parameter's normalised value.
    Value(u32, f64),
    NoteOn(i16),
    NoteOff(i16),
}

/// What a block is rendered with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// As it should be.
    Whole,
    /// Without outputs, as hosts hand over parameters.
    NoOutputs,
    /// Without a list for changes that come out.
    NoChangesOut,
}

/// An initialised instance.
pub struct Vst3 {
    pub component: ComPtr<IComponent>,
    pub processor: ComPtr<IAudioProcessor>,
    pub controller: ComPtr<IEditController>,
    handler: ComWrapper<Handler>,
    /// What comes in with the next block, in the memory of what comes out, if anything.
    pub input: Option<[Vec<f32>; 2]>,
    /// What came out of the last block: parameter, frame, value.
    pub changes_out: Vec<(u32, int32, f64)>,
}

impl Vst3 {
    pub fn new() -> Self {
        Self::of(Kind::Instrument)
    }

    /// One of the two plugins.
    pub fn of(kind: Kind) -> Self {
        let class = match kind {
            Kind::Instrument => krach::shell::VST3_CLASS_ID,
            Kind::Effect => krach::shell::VST3_CLASS_ID_FX,
        };
        // SAFETY: VST3's calls in VST3's order; the factory outlives the call.
        unsafe {
            let factory = ComPtr::from_raw_unchecked(krach::vst3::plugin_factory().cast::<IPluginFactory>());
            let mut component = std::ptr::null_mut();
            let id = class.map(|byte| byte as std::ffi::c_char);
            let made = factory.createInstance(id.as_ptr(), IComponent_iid.as_ptr(), &mut component);
            assert_eq!(made, kResultOk);
            let component = ComPtr::from_raw_unchecked(component.cast::<IComponent>());
            assert_eq!(component.initialize(std::ptr::null_mut()), kResultOk);
            let handler = ComWrapper::new(Handler::default());
            let controller = component.cast::<IEditController>().expect("one object is both");
            let listener = handler.to_com_ptr::<IComponentHandler>().expect("it has this interface");
            assert_eq!(controller.setComponentHandler(listener.as_ptr()), kResultOk);
            let processor = component.cast::<IAudioProcessor>().expect("it processes");
            Self { component, processor, controller, handler, input: None, changes_out: Vec::new() }
        }
    }

    /// The host says something of the track: false if the plugin does not listen.
    pub fn track(&self, name: Option<&str>, colour: Option<i64>) -> bool {
        let info = ComWrapper::new(TrackInfo { name: name.map(str::to_owned), colour });
        let list = info.to_com_ptr::<IAttributeList>().expect("it has this interface");
        let listener = self.component.cast::<ChannelContext::IInfoListener>().expect("it listens");
        // SAFETY: VST3's call.
        unsafe { listener.setChannelContextInfos(list.as_ptr()) == kResultOk }
    }

    pub fn set_up(&self, rate: f64, max: i32) -> bool {
        let mut setup = ProcessSetup {
            processMode: ProcessModes_::kRealtime as int32,
            symbolicSampleSize: SymbolicSampleSizes_::kSample32 as int32,
            maxSamplesPerBlock: max,
            sampleRate: rate,
        };
        // SAFETY: VST3's call.
        unsafe { self.processor.setupProcessing(&mut setup) == kResultOk }
    }

    pub fn active(&self, on: bool) -> bool {
        // SAFETY: VST3's call.
        unsafe { self.component.setActive(on.into()) == kResultOk }
    }

    pub fn processing(&self, on: bool) {
        // SAFETY: VST3's call.
        unsafe { self.processor.setProcessing(on.into()) };
    }

    /// What the plugin asked since the last call.
    pub fn asked(&self) -> Vec<Asked> {
        self.handler.0.take()
    }

    pub fn value(&self, id: u32) -> f64 {
        // SAFETY: VST3's call.
        unsafe { self.controller.getParamNormalized(id) }
    }

    pub fn set(&self, id: u32, value: f64) -> bool {
        // SAFETY: VST3's call.
        unsafe { self.controller.setParamNormalized(id, value) == kResultOk }
    }

    /// What the plugin says of its parameters.
    pub fn infos(&self) -> Vec<ParameterInfo> {
        // SAFETY: VST3's calls; an info is numbers and text, for which zero is a value.
        unsafe {
            let info = |index| {
                let mut info: ParameterInfo = std::mem::zeroed();
                assert_eq!(self.controller.getParameterInfo(index, &mut info), kResultOk);
                info
            };
            (0..self.controller.getParameterCount()).map(info).collect()
        }
    }

    /// All parameters with value and text.
    pub fn all_values(&self) -> Vec<(u32, f64, String)> {
        let text = |id, value| {
            let mut text: String128 = [0; 128];
            // SAFETY: VST3's call, and room for a text.
            unsafe { assert_eq!(self.controller.getParamStringByValue(id, value, &mut text), kResultOk) };
            wide(&text)
        };
        let row = |info: &ParameterInfo| (info.id, self.value(info.id), text(info.id, self.value(info.id)));
        self.infos().iter().map(row).collect()
    }

    /// The parameter that stands for a MIDI controller.
    pub fn controller_id(&self, bus: i32, channel: i16, number: i16) -> Option<u32> {
        let mapping = self.component.cast::<IMidiMapping>().expect("it maps MIDI");
        let mut id = 0;
        // SAFETY: VST3's call, and room for an id.
        let found = unsafe { mapping.getMidiControllerAssignment(bus, channel, number, &mut id) };
        (found == kResultOk).then_some(id)
    }

    pub fn save(&self) -> Option<Vec<u8>> {
        let memory = ComWrapper::new(Memory::default());
        let stream = memory.to_com_ptr::<IBStream>().expect("it has this interface");
        // SAFETY: VST3's call.
        (unsafe { self.component.getState(stream.as_ptr()) } == kResultOk).then(|| memory.bytes.take())
    }

    pub fn load(&self, chunk: &[u8]) -> bool {
        let memory = ComWrapper::new(Memory { bytes: RefCell::new(chunk.to_vec()), at: Cell::new(0) });
        let stream = memory.to_com_ptr::<IBStream>().expect("it has this interface");
        // SAFETY: VST3's call.
        unsafe { self.component.setState(stream.as_ptr()) == kResultOk }
    }

    /// Renders a block of so many frames; `None` if the plugin refuses it.
    pub fn render(&mut self, frames: usize, input: &[(i32, Input)], shape: Shape) -> Option<[Vec<f32>; 2]> {
        let (into, out) = (ComWrapper::new(Lists::default()), ComWrapper::new(Lists::default()));
        for &(frame, what) in input {
            let on = |kind: u32, field: Event__type0| {
                // SAFETY: all fields are numbers and pointers, for which zero is a value.
                let zero: Event = unsafe { std::mem::zeroed() };
                let event = Event { sampleOffset: frame, r#type: kind as u16, __field0: field, ..zero };
                into.events.borrow_mut().push(event);
            };
            match what {
                Input::Value(id, value) => {
                    let queue = into.queue(id);
                    into.queues.borrow()[queue].0.points.borrow_mut().push((frame, value));
                }
                Input::NoteOn(pitch) => on(
                    Event_::EventTypes_::kNoteOnEvent as u32,
                    Event__type0 {
                        noteOn: NoteOnEvent {
                            channel: 0,
                            pitch,
                            tuning: 0.0,
                            velocity: 1.0,
                            length: 0,
                            noteId: -1,
                        },
                    },
                ),
                Input::NoteOff(pitch) => on(
                    Event_::EventTypes_::kNoteOffEvent as u32,
                    Event__type0 {
                        noteOff: NoteOffEvent { channel: 0, pitch, velocity: 0.0, noteId: -1, tuning: 0.0 },
                    },
                ),
            }
        }
        let comes_in = self.input.take();
        let inputs = comes_in.is_some();
        let mut sound = comes_in.unwrap_or_else(|| [vec![9.0_f32; frames], vec![9.0_f32; frames]]);
        let mut channels = sound.each_mut().map(|channel| channel.as_mut_ptr());
        let mut bus = AudioBusBuffers {
            numChannels: 2,
            silenceFlags: 0,
            __field0: AudioBusBuffers__type0 { channelBuffers32: channels.as_mut_ptr() },
        };
        let outputs = shape != Shape::NoOutputs;
        let changes_in = into.to_com_ptr::<IParameterChanges>().expect("it has this interface");
        let events_in = into.to_com_ptr::<IEventList>().expect("it has this interface");
        let changes_out = out.to_com_ptr::<IParameterChanges>().expect("it has this interface");
        let events_out = out.to_com_ptr::<IEventList>().expect("it has this interface");
        let no_changes = shape == Shape::NoChangesOut;
        let mut data = ProcessData {
            processMode: ProcessModes_::kRealtime as int32,
            symbolicSampleSize: SymbolicSampleSizes_::kSample32 as int32,
            numSamples: frames as int32,
            numInputs: inputs.into(),
            numOutputs: outputs.into(),
            inputs: if inputs { &raw mut bus } else { std::ptr::null_mut() },
            outputs: if outputs { &raw mut bus } else { std::ptr::null_mut() },
            inputParameterChanges: changes_in.as_ptr(),
            outputParameterChanges: if no_changes { std::ptr::null_mut() } else { changes_out.as_ptr() },
            inputEvents: events_in.as_ptr(),
            outputEvents: events_out.as_ptr(),
            processContext: std::ptr::null_mut(),
        };
        // SAFETY: VST3's call; everything that `data` points to outlives it.
        let done = unsafe { self.processor.process(&mut data) } == kResultOk;
        let points = |(queue, _): &(ComWrapper<Points>, _)| -> Vec<(u32, int32, f64)> {
            queue.points.borrow().iter().map(|&(frame, value)| (queue.id.get(), frame, value)).collect()
        };
        self.changes_out = out.queues.borrow().iter().flat_map(points).collect();
        done.then_some(sound)
    }
}

impl Drop for Vst3 {
    fn drop(&mut self) {
        // SAFETY: VST3's order; the references follow.
        unsafe {
            self.controller.setComponentHandler(std::ptr::null_mut());
            self.component.terminate();
        }
    }
}

/// A text of the plugin's.
pub fn wide(text: &[TChar]) -> String {
    let units: Vec<u16> = text.iter().map(|&unit| unit as u16).take_while(|&unit| unit != 0).collect();
    String::from_utf16_lossy(&units)
}
