//! One block on the audio thread: read what the host says, have the [`BlockProcessor`] fill the channels, hand
//! MIDI out. Neither allocates, locks nor makes a system call.
//!
//! A parameter's change acts on its point's frame. Without frames everything waits for the next block's first.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use krach_core::processor::{ParamId, Processor, place_of_scene};

use super::buffers::{self, Buffers, Channels};
use super::com::Steinberg::Vst::{ProcessData, ProcessModes_, SymbolicSampleSizes_};
use super::com::Steinberg::{int32, kInvalidArgument, kResultFalse, kResultOk, tresult};
use super::events;
use super::midi::Controller;
use super::object::Object;
use super::played::Played;
use super::transport::Transport;
use super::view::Desk;
use crate::block::{BlockProcessor, Surroundings};
use crate::param_values::ParamValues;
use crate::ports::Kind;

/// Everything that the audio thread owns while the plugin is active.
pub struct AudioSide {
    block: BlockProcessor,
    values: Arc<ParamValues>,
    buffers: Buffers,
    transport: Transport,
    /// What the host plays in this block.
    played: Played,
    /// No frame has been rendered since the activation or the last reset.
    first: bool,
    /// Our own code panicked: silence until the next activation.
    poisoned: bool,
}

impl AudioSide {
    /// Allocates all that a block may need.
    pub fn new(
        processor: Option<Processor>,
        values: Arc<ParamValues>,
        max_frames: usize,
        kind: Kind,
    ) -> Self {
        Self {
            block: BlockProcessor::new(processor, &values, kind).without_stems(),
            values,
            buffers: Buffers::new(max_frames),
            transport: Transport::default(),
            played: Played::new(),
            first: true,
            poisoned: false,
        }
    }

    /// Forgets all signal state.
    pub fn reset(&mut self) {
        self.first = true;
        self.block.reset(&self.values);
    }

    /// Gates shut, tails cut.
    pub fn panic(&mut self) {
        self.block.panic();
    }

    /// # Safety
    /// `data` is the host's, of 32-bit samples, valid for this call.
    unsafe fn block(&mut self, data: &ProcessData, around: &Around<'_>) -> tresult {
        // No outputs is how hosts hand over parameters while they render nothing.
        let no_outputs = data.numOutputs <= 0 || data.outputs.is_null();
        let frames = if no_outputs { 0 } else { usize::try_from(data.numSamples).unwrap_or(0) };
        let last = u32::try_from(frames).unwrap_or(u32::MAX).saturating_sub(1);
        self.block.begin(&self.values);
        self.played.clear();
        // SAFETY: null or valid for this call.
        unsafe { events::read(data.inputEvents, last, |frame, what| self.played.event(frame, what)) };
        // SAFETY: passed on.
        let panicked = unsafe { self.hear_parameters(data, last) };
        self.played.sorted().for_each(|(frame, what)| self.block.hear(frame, what));
        let result = if frames == 0 {
            self.block.skip();
            kResultOk
        } else {
            // SAFETY: passed on.
            unsafe { self.render(data, frames, around.offline) }
        };
        let moved = if frames > 0 { self.block.scene_moved(&self.values) } else { None };
        // SAFETY: null or valid for this call.
        unsafe {
            events::write_midi(data.outputEvents, last, self.block.midi_out());
            if let Some(frame) = panicked
                && !events::write_change(data.outputParameterChanges, self.values.panic_id(), frame, 0.0)
            {
                around.desk.panic_is_over();
            }
            if let Some(number) = moved {
                let (id, value) = (self.values.scene_id(), f64::from(place_of_scene(number)));
                if !events::write_change(data.outputParameterChanges, id, last, value) {
                    around.desk.tell_scene(number);
                }
            }
        }
        result
    }

    /// # Safety
    /// `data` is the host's, of 32-bit samples, valid for this call.
    unsafe fn render(&mut self, data: &ProcessData, frames: usize, offline: bool) -> tresult {
        // SAFETY: passed on.
        let Some(Channels { main, stems, input }) = (unsafe { self.buffers.bind(data, frames) }) else {
            // More frames than agreed: nothing sensible can be rendered.
            self.block.skip();
            // SAFETY: passed on.
            unsafe { buffers::silence(data) };
            return kResultFalse;
        };
        self.first = false;
        // SAFETY: null or valid for this call.
        self.transport.begin(unsafe { data.processContext.as_ref() });
        let around = Surroundings { transport: self.transport.as_slice(), offline, sidechain: input };
        self.block.render(&around, main, stems);
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
                    // Some hosts send all parameters at the start: that must not end what begins there.
                    let stands = self.first && controller.ends_by_default(value);
                    if value.is_finite() && !stands {
                        self.played.point(frame, controller, value);
                    }
                    return;
                }
                let Some(standing) = self.values.set(id, value) else { return };
                self.block.change(frame, standing);
                if standing.param == ParamId::Panic {
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

#[cfg(test)]
mod tests {
    use krach_core::processor::{HostEventKind, MAX_PLAYED};

    use super::super::com::ComWrapper;
    use super::super::com::Steinberg::Vst::{
        AudioBusBuffers, AudioBusBuffers__type0, IEventList, IParameterChanges,
    };
    use super::super::events::tests::{Lists, Points, note_at};
    use super::super::view::Gui;
    use super::*;

    const FRAMES: usize = 64;

    fn side() -> AudioSide {
        AudioSide::new(None, Arc::new(ParamValues::new(Arc::default())), FRAMES, Kind::Instrument)
    }

    fn controller(number: i16) -> Controller {
        Controller::of(0, number).expect("it has a parameter")
    }

    /// Hands over points of controllers, and key 60 at the first frame. What is played, in order.
    fn played(
        side: &mut AudioSide,
        frames: usize,
        points: &[(i16, Vec<(i32, f64)>)],
    ) -> Vec<(u32, HostEventKind)> {
        let queue = |(number, points): &(i16, Vec<(i32, f64)>)| {
            ComWrapper::new(Points(controller(*number).id(), points.clone()))
                .to_com_ptr()
                .expect("it has this")
        };
        let lists = Lists { events: vec![note_at(60, 0)], queues: points.iter().map(queue).collect() };
        let lists = ComWrapper::new(lists);
        let events = lists.to_com_ptr::<IEventList>().expect("it has this interface");
        let changes = lists.to_com_ptr::<IParameterChanges>().expect("it has this interface");
        let mut memory = [[9.0_f32; FRAMES]; 2];
        let mut channels = memory.each_mut().map(|channel| channel.as_mut_ptr());
        let __field0 = AudioBusBuffers__type0 { channelBuffers32: channels.as_mut_ptr() };
        let mut bus = AudioBusBuffers { numChannels: 2, silenceFlags: 0, __field0 };
        // SAFETY: all fields are numbers and pointers, for which zero is a value.
        let zero: ProcessData = unsafe { std::mem::zeroed() };
        let data = ProcessData {
            numSamples: frames as i32,
            numOutputs: 1,
            outputs: &mut bus,
            inputEvents: events.as_ptr(),
            inputParameterChanges: changes.as_ptr(),
            ..zero
        };
        let gui = Gui::new(&side.values);
        // SAFETY: everything lives as long.
        let result = unsafe { side.block(&data, &Around { offline: false, desk: gui.desk() }) };
        assert_eq!(result, kResultOk);
        side.played.sorted().collect()
    }

    fn is_note(what: HostEventKind) -> bool {
        matches!(what, HostEventKind::NoteOn { .. })
    }

    #[test]
    fn dense_controllers_take_no_place_of_a_note_and_their_last_values_count() {
        let dense = |last: f64| {
            let mut points: Vec<_> = (0..5000).map(|n| (n / 100, 0.5)).collect();
            points.push((60, last));
            points
        };
        let found = played(&mut side(), FRAMES, &[(1, dense(1.0)), (7, dense(0.0)), (64, vec![(61, 0.0)])]);
        assert!(found.len() <= MAX_PLAYED && found.len() > 4000, "{}", found.len());
        assert!(found.is_sorted_by_key(|&(frame, _)| frame));
        assert_eq!(found.iter().filter(|&&(_, what)| is_note(what)).count(), 1, "the note is lost");
        let last = |number: u8| {
            let of = |&(_, what): &(u32, HostEventKind)| matches!(what, HostEventKind::Midi([0xb0, n, _]) if n == number);
            found.iter().copied().rfind(of)
        };
        assert_eq!(last(1), Some((60, HostEventKind::Midi([0xb0, 1, 127]))));
        assert_eq!(last(7), Some((60, HostEventKind::Midi([0xb0, 7, 0]))));
        assert_eq!(last(64), Some((61, HostEventKind::Midi([0xb0, 64, 0]))));
    }

    #[test]
    fn controllers_of_a_frame_act_before_its_notes() {
        let found = played(&mut side(), FRAMES, &[(1, vec![(0, 0.5), (1, 1.0)]), (64, vec![(0, 1.0)])]);
        let kinds: Vec<_> = found.iter().map(|&(frame, what)| (frame, is_note(what))).collect();
        assert_eq!(kinds, [(0, false), (0, false), (0, true), (1, false)]);
    }

    #[test]
    fn a_host_that_sends_all_parameters_at_the_start_ends_nothing() {
        let ends = |value: f64| [120, 121, 123].map(|number| (number, vec![(5, value)]));
        let count = |side: &mut AudioSide, frames, value| played(side, frames, &ends(value)).len() - 1;
        let mut side = side();
        assert_eq!(count(&mut side, 0, 0.0), 0, "before the first frame");
        assert_eq!(count(&mut side, FRAMES, 0.0), 0, "in the first block");
        assert_eq!(count(&mut side, FRAMES, 0.0), 3, "later they are meant");
        side.reset();
        assert_eq!(count(&mut side, FRAMES, 0.0), 0, "after a reset");
        side.reset();
        assert_eq!(count(&mut side, FRAMES, 1.0), 3, "no default is meant from the start");
    }
}
