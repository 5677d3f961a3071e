//! One instance of a VST3 plugin, seen from the main thread.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::ThreadId;
use std::time::Duration;

use vst3::Steinberg::Vst::{
    BusDirections_, BusInfo, BusTypes_, IAudioProcessor, IAudioProcessorTrait, IComponent, IComponentHandler,
    IComponentHandler2, IComponentHandler2Trait, IComponentHandlerTrait, IComponentTrait, IEditController,
    IEditControllerTrait, IHostApplication, IHostApplicationTrait, MediaTypes_, ParamID, ParamValue,
    ParameterInfo,
    ParameterInfo_::ParameterFlags_::{kCanAutomate, kIsHidden},
    ProcessModes_, ProcessSetup, String128, SymbolicSampleSizes_,
};
use vst3::Steinberg::{
    FIDString, FUnknown, IBStream, IPluginBaseTrait, TBool, TUID, int32, kInvalidArgument, kNotImplemented,
    kResultFalse, kResultOk, tresult,
};
use vst3::{Class, ComPtr, ComWrapper};

use super::module::Vst3Library;
use super::processor::{Setup, Vst3Processor};
use super::stream::Memory;
use crate::address;
use crate::error::HostError;
use crate::hosted::{Hosted, MainThread};
use crate::instance::{AudioPort, Ports};
use crate::params::Param;

/// One plugin instance. It lives on the thread that made it; the [`Vst3Processor`] that
/// [`Hosted::activate`] returns may go to another. Dropping it destroys the plugin's instance; give the
/// processor back first.
pub struct Vst3Instance {
    component: ComPtr<IComponent>,
    processor: ComPtr<IAudioProcessor>,
    pub(super) controller: ComPtr<IEditController>,
    #[cfg(target_os = "linux")]
    pub(super) open: Option<super::window::Open>,
    handler: ComWrapper<Host>,
    offline: bool,
    socket: Option<PathBuf>,
    id: String,
    _library: Vst3Library,
    _main_thread_only: PhantomData<*const ()>,
}

/// What the plugin's window did to a parameter, as the host heard it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gesture {
    /// It takes hold of it.
    Begin(u32),
    /// It sets it, as a share of the range.
    Perform(u32, f64),
    /// It lets go of it.
    End(u32),
}

/// The host's side: its name, and what the plugin was heard asking.
#[derive(Default)]
struct Host {
    restarts: Cell<i32>,
    dirty: Cell<u64>,
    gestures: RefCell<Vec<Gesture>>,
    /// The thread that made it.
    thread: Option<ThreadId>,
    wrong_thread: AtomicU64,
}

impl Host {
    fn hear(&self, gesture: Gesture) -> tresult {
        // Not a cell: that is what another thread must not touch.
        if self.thread != Some(std::thread::current().id()) {
            self.wrong_thread.fetch_add(1, Ordering::AcqRel);
            return kResultFalse;
        }
        self.gestures.borrow_mut().push(gesture);
        kResultOk
    }
}

impl Class for Host {
    type Interfaces = (IHostApplication, IComponentHandler, IComponentHandler2);
}

impl IHostApplicationTrait for Host {
    unsafe fn getName(&self, name: *mut String128) -> tresult {
        if name.is_null() {
            return kInvalidArgument;
        }
        let mut told: String128 = [0; 128];
        for (to, unit) in told.iter_mut().zip("krach-host".encode_utf16()) {
            *to = unit as _;
        }
        // SAFETY: the plugin's room for a name.
        unsafe { name.write(told) };
        kResultOk
    }

    unsafe fn createInstance(&self, _: *mut TUID, _: *mut TUID, _: *mut *mut std::ffi::c_void) -> tresult {
        kNotImplemented
    }
}

impl IComponentHandlerTrait for Host {
    unsafe fn beginEdit(&self, id: ParamID) -> tresult {
        self.hear(Gesture::Begin(id))
    }

    unsafe fn performEdit(&self, id: ParamID, value: ParamValue) -> tresult {
        self.hear(Gesture::Perform(id, value))
    }

    unsafe fn endEdit(&self, id: ParamID) -> tresult {
        self.hear(Gesture::End(id))
    }

    unsafe fn restartComponent(&self, flags: int32) -> tresult {
        self.restarts.set(self.restarts.get() | flags);
        kResultOk
    }
}

impl IComponentHandler2Trait for Host {
    unsafe fn setDirty(&self, state: TBool) -> tresult {
        if self.thread != Some(std::thread::current().id()) {
            self.wrong_thread.fetch_add(1, Ordering::AcqRel);
            return kResultFalse;
        }
        self.dirty.set(self.dirty.get() + u64::from(state != 0));
        kResultOk
    }

    unsafe fn requestOpenEditor(&self, _: FIDString) -> tresult {
        kNotImplemented
    }

    unsafe fn startGroupEdit(&self) -> tresult {
        kNotImplemented
    }

    unsafe fn finishGroupEdit(&self) -> tresult {
        kNotImplemented
    }
}

impl Vst3Instance {
    /// Makes an instance of the library's class with this id, or of its first, and initialises it.
    ///
    /// # Errors
    /// [`HostError::NoSuchPlugin`], or [`HostError::Create`] when the plugin refuses.
    pub fn create(library: &Vst3Library, id: Option<&str>) -> Result<Self, HostError> {
        let _turn = address::creation_turn();
        Self::create_now(library, id)
    }

    /// The same, and waits for the instance's socket, as [`crate::Instance::create_with_socket`] does.
    ///
    /// # Errors
    /// As [`Self::create`], and [`HostError::NoSocket`] if there is none after `wait`.
    pub fn create_with_socket(
        library: &Vst3Library,
        id: Option<&str>,
        wait: Duration,
    ) -> Result<Self, HostError> {
        let _turn = address::creation_turn();
        let before = address::Snapshot::take();
        let mut instance = Self::create_now(library, id)?;
        instance.socket = Some(before.wait_for_new(wait, || ())?);
        Ok(instance)
    }

    fn create_now(library: &Vst3Library, id: Option<&str>) -> Result<Self, HostError> {
        let (descriptor, component) = library.create(id)?;
        let failed =
            |reason: &str| HostError::Create { id: descriptor.id.clone(), reason: reason.to_owned() };
        let handler = ComWrapper::new(Host { thread: Some(std::thread::current().id()), ..Host::default() });
        let context = handler.to_com_ptr::<IHostApplication>().ok_or_else(|| failed("no host"))?;
        // SAFETY: VST3's order: initialise before anything else. The context outlives the plugin.
        if unsafe { component.initialize(context.upcast::<FUnknown>().as_ptr()) } != kResultOk {
            return Err(failed("it does not initialise"));
        }
        let processor = component.cast::<IAudioProcessor>().ok_or_else(|| failed("it processes no audio"))?;
        let controller = component
            .cast::<IEditController>()
            .ok_or_else(|| failed("its controller is a class of its own, which this host does not take"))?;
        let listener = handler.to_com_ptr::<IComponentHandler>().ok_or_else(|| failed("no host"))?;
        // SAFETY: the plugin takes a reference of its own.
        unsafe { controller.setComponentHandler(listener.as_ptr()) };
        Ok(Self {
            component,
            processor,
            controller,
            #[cfg(target_os = "linux")]
            open: None,
            handler,
            offline: false,
            socket: None,
            id: descriptor.id,
            _library: library.clone(),
            _main_thread_only: PhantomData,
        })
    }

    /// The plugin's class id.
    pub fn plugin_id(&self) -> &str {
        &self.id
    }

    /// All flags of `restartComponent` so far.
    pub fn restarts(&self) -> i32 {
        self.handler.restarts.get()
    }

    /// How often the plugin has said that its state has changed.
    pub fn dirty(&self) -> u64 {
        self.handler.dirty.get()
    }

    /// What the window has done to parameters since the last call.
    pub fn take_gestures(&self) -> Vec<Gesture> {
        self.handler.gestures.take()
    }

    /// Calls that came from another thread than VST3 allows.
    pub fn wrong_thread(&self) -> u64 {
        self.handler.wrong_thread.load(Ordering::Acquire)
    }

    /// Latency that the plugin reports, in frames.
    pub fn latency(&self) -> u32 {
        // SAFETY: an initialised plugin.
        unsafe { self.processor.getLatencySamples() }
    }

    /// Tail that the plugin reports, in frames; `u32::MAX` is for ever.
    pub fn tail(&self) -> u32 {
        // SAFETY: an initialised plugin.
        unsafe { self.processor.getTailSamples() }
    }

    /// Sets a parameter as a knob of the host's window does, by the controller alone; plain value.
    pub fn set_param(&mut self, id: u32, value: f64) -> bool {
        let steps = self.infos().iter().find(|info| info.id == id).map_or(1, |info| info.stepCount.max(1));
        // SAFETY: an initialised plugin.
        unsafe { self.controller.setParamNormalized(id, value / f64::from(steps)) == kResultOk }
    }

    /// How the plugin writes this plain value of a parameter.
    pub fn param_text(&mut self, id: u32, value: f64) -> Option<String> {
        let steps = self.infos().iter().find(|info| info.id == id)?.stepCount.max(1);
        let mut text: String128 = [0; 128];
        let share = value / f64::from(steps);
        // SAFETY: an initialised plugin, and room for a text.
        let told = unsafe { self.controller.getParamStringByValue(id, share, &mut text) };
        (told == kResultOk).then(|| wide(&text))
    }

    fn infos(&self) -> Vec<ParameterInfo> {
        // SAFETY: an initialised plugin; infos are numbers and text, for which zero is a value.
        unsafe {
            (0..self.controller.getParameterCount())
                .filter_map(|index| {
                    let mut info: ParameterInfo = std::mem::zeroed();
                    (self.controller.getParameterInfo(index, &mut info) == kResultOk).then_some(info)
                })
                .collect()
        }
    }

    fn buses(&self, media: i32, direction: i32) -> Vec<BusInfo> {
        // SAFETY: an initialised plugin; infos are numbers and text, for which zero is a value.
        unsafe {
            (0..self.component.getBusCount(media, direction))
                .filter_map(|index| {
                    let mut info: BusInfo = std::mem::zeroed();
                    (self.component.getBusInfo(media, direction, index, &mut info) == kResultOk)
                        .then_some(info)
                })
                .collect()
        }
    }
}

impl Drop for Vst3Instance {
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        crate::window::Windowed::destroy_window(self);
        // SAFETY: VST3's order: the handler goes, then the plugin ends; its references follow.
        unsafe {
            self.controller.setComponentHandler(std::ptr::null_mut());
            self.component.terminate();
        }
    }
}

impl MainThread for Vst3Instance {
    fn socket(&self) -> Option<&Path> {
        self.socket.as_deref()
    }

    fn ports(&mut self) -> Ports {
        let audio = |direction| -> Vec<AudioPort> {
            let buses = self.buses(MediaTypes_::kAudio as i32, direction);
            buses
                .iter()
                .zip(0..)
                .map(|(bus, id)| AudioPort {
                    id,
                    name: wide(&bus.name),
                    channels: usize::try_from(bus.channelCount).unwrap_or(0),
                    main: bus.busType == BusTypes_::kMain as i32,
                })
                .collect()
        };
        let notes = |direction| -> Vec<String> {
            let buses = self.buses(MediaTypes_::kEvent as i32, direction);
            buses.iter().map(|bus| wide(&bus.name)).collect()
        };
        let (input, output) = (BusDirections_::kInput as i32, BusDirections_::kOutput as i32);
        Ports {
            inputs: audio(input),
            outputs: audio(output),
            note_inputs: notes(input),
            note_outputs: notes(output),
        }
    }

    fn set_offline(&mut self, offline: bool) -> Result<(), HostError> {
        self.offline = offline;
        Ok(())
    }

    fn save_state(&mut self) -> Result<Vec<u8>, HostError> {
        let memory = ComWrapper::new(Memory::default());
        let stream = memory.as_com_ref::<IBStream>().expect("it has this interface");
        // SAFETY: an initialised plugin; the stream outlives the call.
        let result = unsafe { self.component.getState(stream.as_ptr()) };
        let bytes = memory.bytes();
        if result == kResultOk {
            Ok(bytes)
        } else {
            Err(HostError::State { action: "save", bytes: bytes.len() })
        }
    }

    fn load_state(&mut self, chunk: &[u8]) -> Result<(), HostError> {
        let stream = ComWrapper::new(Memory::of(chunk));
        let stream = stream.as_com_ref::<IBStream>().expect("it has this interface");
        // SAFETY: an initialised plugin; the stream outlives the call.
        let result = unsafe { self.component.setState(stream.as_ptr()) };
        if result == kResultOk {
            Ok(())
        } else {
            Err(HostError::State { action: "load", bytes: chunk.len() })
        }
    }

    fn params(&mut self) -> Vec<Param> {
        let param = |info: &ParameterInfo| {
            let max = f64::from(info.stepCount.max(1));
            Param {
                id: info.id,
                name: wide(&info.title),
                module: String::new(),
                min: 0.0,
                max,
                default: info.defaultNormalizedValue * max,
                stepped: info.stepCount > 0,
                automatable: info.flags & kCanAutomate as i32 != 0,
                modulatable: false,
                hidden: info.flags & kIsHidden as i32 != 0,
            }
        };
        self.infos().iter().map(param).collect()
    }

    fn param_value(&mut self, id: u32) -> Option<f64> {
        let info = self.infos().into_iter().find(|info| info.id == id)?;
        // SAFETY: an initialised plugin.
        let share = unsafe { self.controller.getParamNormalized(id) };
        Some(if info.stepCount > 0 { (share * f64::from(info.stepCount)).round() } else { share })
    }

    fn idle(&mut self) {
        #[cfg(target_os = "linux")]
        self.run_timers();
    }
}

impl Hosted for Vst3Instance {
    type Processor = Vst3Processor;

    fn open(path: &Path, id: Option<&str>, socket: Option<Duration>) -> Result<Self, HostError> {
        let library = Vst3Library::load(path)?;
        match socket {
            Some(wait) => Self::create_with_socket(&library, id, wait),
            None => Self::create(&library, id),
        }
    }

    fn activate(&mut self, sample_rate: f64, max_frames: usize) -> Result<Vst3Processor, HostError> {
        let max_frames = max_frames.max(1);
        let failed =
            |reason: &str| HostError::Activate { sample_rate, max_frames, reason: reason.to_owned() };
        let ports = self.ports();
        let mode = if self.offline { ProcessModes_::kOffline } else { ProcessModes_::kRealtime } as int32;
        let mut setup = ProcessSetup {
            processMode: mode,
            symbolicSampleSize: SymbolicSampleSizes_::kSample32 as int32,
            maxSamplesPerBlock: i32::try_from(max_frames).map_err(|error| failed(&error.to_string()))?,
            sampleRate: sample_rate,
        };
        // SAFETY: VST3's order: set up, activate buses, activate, process.
        unsafe {
            if self.processor.setupProcessing(&mut setup) != kResultOk {
                return Err(failed("setupProcessing fails"));
            }
            for media in [MediaTypes_::kAudio as i32, MediaTypes_::kEvent as i32] {
                for direction in [BusDirections_::kInput as i32, BusDirections_::kOutput as i32] {
                    for index in 0..self.component.getBusCount(media, direction) {
                        self.component.activateBus(media, direction, index, 1);
                    }
                }
            }
            if self.component.setActive(1) != kResultOk {
                return Err(failed("setActive fails"));
            }
            self.processor.setProcessing(1);
        }
        let infos = self.infos();
        let stepped = infos.iter().filter(|info| info.stepCount > 0);
        let steps = stepped.map(|info| (info.id, f64::from(info.stepCount))).collect();
        Ok(Vst3Processor::new(self.processor.clone(), Setup { ports, steps, mode, sample_rate, max_frames }))
    }

    fn deactivate(&mut self, processor: Vst3Processor) {
        drop(processor);
        // SAFETY: an active plugin whose processor is gone.
        unsafe {
            self.processor.setProcessing(0);
            self.component.setActive(0);
        }
    }
}

fn wide(text: &[vst3::Steinberg::Vst::TChar]) -> String {
    let units: Vec<u16> = text.iter().map(|&unit| unit as u16).take_while(|&unit| unit != 0).collect();
    String::from_utf16_lossy(&units)
}
