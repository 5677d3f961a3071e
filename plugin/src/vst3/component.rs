//! `IComponent`, and `IAudioProcessor` but for the block itself: buses (nice-plug's), activation, state.

use std::sync::atomic::Ordering;

use super::com::Steinberg::Vst::IProcessContextRequirements_::Flags_::{
    kNeedBarPositionMusic, kNeedCycleMusic, kNeedProjectTimeMusic, kNeedTempo, kNeedTimeSignature,
    kNeedTransportState,
};
use super::com::Steinberg::Vst::SpeakerArr::kStereo;
use super::com::Steinberg::Vst::{
    BusDirection, BusDirections_, BusInfo, BusInfo_, BusTypes_, IAudioProcessorTrait, IComponentTrait,
    IProcessContextRequirementsTrait, IoMode, MediaType, MediaTypes_, ProcessData, ProcessModes_,
    ProcessSetup, RoutingInfo, SpeakerArrangement, SymbolicSampleSizes_, kInfiniteTail,
};
use super::com::Steinberg::{
    FUnknown, IBStream, IPluginBaseTrait, TBool, TUID, int32, kInternalError, kInvalidArgument, kNoInterface,
    kResultFalse, kResultOk, tresult, uint32,
};
use super::controller::copy_text;
use super::object::Object;
use super::{guard, ok, process, stream};
use crate::ports;
use crate::ports::Kind;
use crate::state::MAX_READ;

impl IPluginBaseTrait for Object {
    unsafe fn initialize(&self, context: *mut FUnknown) -> tresult {
        // SAFETY: the host's context, or null.
        guard(kInternalError, || ok(unsafe { Object::initialize(self, context) }))
    }

    unsafe fn terminate(&self) -> tresult {
        guard(kInternalError, || {
            Object::terminate(self);
            kResultOk
        })
    }
}

impl Object {
    /// Is that the audio input of the effect? It is ours: nice-plug has the instrument's buses.
    fn is_input_bus(&self, media: MediaType, direction: BusDirection, index: int32) -> bool {
        let audio_in = (MediaTypes_::kAudio as int32, BusDirections_::kInput as int32);
        self.kind == Kind::Effect && index == 0 && (media, direction) == audio_in
    }
}

impl IComponentTrait for Object {
    /// The controller is this very object.
    unsafe fn getControllerClassId(&self, _class: *mut TUID) -> tresult {
        kNoInterface
    }

    unsafe fn setIoMode(&self, _mode: IoMode) -> tresult {
        kResultOk
    }

    unsafe fn getBusCount(&self, media: MediaType, direction: BusDirection) -> int32 {
        if self.is_input_bus(media, direction, 0) {
            return 1;
        }
        // SAFETY: passed on.
        guard(0, || unsafe { self.nice.getBusCount(media, direction) })
    }

    unsafe fn getBusInfo(
        &self,
        media: MediaType,
        direction: BusDirection,
        index: int32,
        bus: *mut BusInfo,
    ) -> tresult {
        guard(kInternalError, || {
            if self.is_input_bus(media, direction, index) && !bus.is_null() {
                let mut info = BusInfo {
                    mediaType: media,
                    direction,
                    channelCount: ports::CHANNELS as int32,
                    name: [0; 128],
                    busType: BusTypes_::kMain as int32,
                    flags: BusInfo_::BusFlags_::kDefaultActive as uint32,
                };
                let name = ports::port(0, true, Kind::Effect).map_or("", |port| port.name);
                copy_text(name, &mut info.name);
                // SAFETY: the host's room for an info, not null.
                unsafe { bus.write(info) };
                return kResultOk;
            }
            // SAFETY: passed on.
            let told = unsafe { self.nice.getBusInfo(media, direction, index, bus) };
            let is_input = direction == BusDirections_::kInput as int32;
            if told == kResultOk
                && media == MediaTypes_::kAudio as int32
                && let Some(port) = ports::port(index as usize, is_input, Kind::Instrument)
            {
                // nice-plug names the main output after the main input.
                // SAFETY: filled in just now.
                copy_text(port.name, unsafe { &mut (*bus).name });
            }
            told
        })
    }

    unsafe fn getRoutingInfo(&self, from: *mut RoutingInfo, to: *mut RoutingInfo) -> tresult {
        // SAFETY: passed on.
        guard(kInternalError, || unsafe { self.nice.getRoutingInfo(from, to) })
    }

    unsafe fn activateBus(
        &self,
        media: MediaType,
        direction: BusDirection,
        index: int32,
        state: TBool,
    ) -> tresult {
        if self.is_input_bus(media, direction, index) {
            return kResultOk;
        }
        // SAFETY: passed on.
        guard(kInternalError, || unsafe { self.nice.activateBus(media, direction, index, state) })
    }

    unsafe fn setActive(&self, state: TBool) -> tresult {
        guard(kInternalError, || {
            if state != 0 {
                return ok(self.activate());
            }
            self.deactivate();
            kResultOk
        })
    }

    /// False leaves everything as it was; the instance keeps the bytes and saves them back.
    unsafe fn setState(&self, state: *mut IBStream) -> tresult {
        guard(kInternalError, || {
            // SAFETY: the host's stream, or null.
            ok(self.load(unsafe { stream::read_all(state, MAX_READ) }))
        })
    }

    unsafe fn getState(&self, state: *mut IBStream) -> tresult {
        guard(kInternalError, || {
            let Some(chunk) = self.save() else { return kInternalError };
            // SAFETY: the host's stream, or null.
            ok(unsafe { stream::write_all(state, &chunk) })
        })
    }
}

impl IAudioProcessorTrait for Object {
    unsafe fn setBusArrangements(
        &self,
        inputs: *mut SpeakerArrangement,
        input_count: int32,
        outputs: *mut SpeakerArrangement,
        output_count: int32,
    ) -> tresult {
        guard(kInternalError, || {
            // nice-plug refuses a null list even of no buses, which some hosts give for our inputs, and
            // reads a first output whether there is one or not.
            if output_count != 1 || outputs.is_null() {
                return kResultFalse;
            }
            if self.kind == Kind::Effect {
                // SAFETY: the host's array of that many arrangements, where it is not null.
                let stereo = input_count == 1 && !inputs.is_null() && unsafe { inputs.read() } == kStereo;
                let mut none = 0;
                if !stereo {
                    return kResultFalse;
                }
                // SAFETY: the host's array; `none` is not read. nice-plug knows of no input.
                return unsafe { self.nice.setBusArrangements(&raw mut none, 0, outputs, output_count) };
            }
            let mut none = 0;
            let inputs = if inputs.is_null() && input_count == 0 { &raw mut none } else { inputs };
            // SAFETY: the host's arrays of that many arrangements; `none` is not read.
            unsafe { self.nice.setBusArrangements(inputs, input_count, outputs, output_count) }
        })
    }

    unsafe fn getBusArrangement(
        &self,
        direction: BusDirection,
        index: i32,
        arrangement: *mut SpeakerArrangement,
    ) -> tresult {
        if self.is_input_bus(MediaTypes_::kAudio as int32, direction, index) && !arrangement.is_null() {
            // SAFETY: the host's room for an arrangement, not null.
            unsafe { arrangement.write(kStereo) };
            return kResultOk;
        }
        // SAFETY: passed on.
        guard(kInternalError, || unsafe { self.nice.getBusArrangement(direction, index, arrangement) })
    }

    unsafe fn canProcessSampleSize(&self, size: int32) -> tresult {
        ok(size == SymbolicSampleSizes_::kSample32 as int32)
    }

    unsafe fn getLatencySamples(&self) -> uint32 {
        0
    }

    unsafe fn setupProcessing(&self, setup: *mut ProcessSetup) -> tresult {
        guard(kInternalError, || {
            // SAFETY: null or the host's, valid for this call.
            let Some(asked) = (unsafe { setup.as_ref() }) else { return kInvalidArgument };
            let fits = asked.symbolicSampleSize == SymbolicSampleSizes_::kSample32 as int32;
            if !fits || !self.set_up(asked.sampleRate, asked.maxSamplesPerBlock) {
                return kResultFalse;
            }
            self.offline.store(asked.processMode == ProcessModes_::kOffline as int32, Ordering::Relaxed);
            // The window learns the sample rate from it.
            // SAFETY: passed on.
            unsafe { self.nice.setupProcessing(setup) }
        })
    }

    unsafe fn setProcessing(&self, state: TBool) -> tresult {
        guard(kInternalError, || {
            self.set_processing(state != 0);
            // The window asks it whether parameters reach us by `process`.
            // SAFETY: passed on.
            unsafe { self.nice.setProcessing(state) }
        })
    }

    unsafe fn process(&self, data: *mut ProcessData) -> tresult {
        // SAFETY: null or the host's, valid for this call.
        guard(kInternalError, || unsafe { process::process(self, data) })
    }

    /// For ever: patterns play without input, and what they play rings on.
    unsafe fn getTailSamples(&self) -> uint32 {
        kInfiniteTail
    }
}

impl IProcessContextRequirementsTrait for Object {
    unsafe fn getProcessContextRequirements(&self) -> uint32 {
        let needed = kNeedProjectTimeMusic
            | kNeedBarPositionMusic
            | kNeedCycleMusic
            | kNeedTimeSignature
            | kNeedTempo
            | kNeedTransportState;
        needed as uint32
    }
}
