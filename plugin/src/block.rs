//! One block, once the format has said what it is: the engine fills the channels. The same for every
//! format; nothing here allocates, locks or makes a system call but [`BlockProcessor::new`].

use krach_core::clock::TransportAt;
use krach_core::processor::{
    Block, HostEventKind, HostEvents, HostParam, MAX_PARAM_EVENTS, MidiEvent, MidiOut, ParamEvent, Processor,
};

use crate::ports::STEMS;

/// MIDI messages that one block may send.
const MIDI_OUT: usize = 4096;

/// Everything that renders, while the plugin is active.
pub struct BlockProcessor {
    /// `None` if the engine could not be built in time: silence until the next activation.
    processor: Option<Processor>,
    /// Changes of parameters in this block, sorted by frame.
    params: Vec<ParamEvent>,
    played: HostEvents,
    midi_out: MidiOut,
    /// The block before had no frames: what came with it acts on the first frame of the next that has.
    waiting: bool,
    /// Panic was asked for between blocks.
    panic: bool,
}

/// What the format knows of a block beside its events.
pub struct Surroundings<'a> {
    /// The host's transport at offsets into the block, sorted; empty if the host gives none.
    pub transport: &'a [TransportAt],
    /// The host renders offline.
    pub offline: bool,
    /// The host's free-run parameter.
    pub free_run: bool,
    /// Sidechain, left and right; empty slices where there is none.
    pub sidechain: [&'a [f32]; 2],
}

impl BlockProcessor {
    /// Allocates all that a block may need; the master stands at `gain`.
    pub fn new(mut processor: Option<Processor>, gain: f32) -> Self {
        if let Some(processor) = &mut processor {
            processor.settle_param(HostParam::Master, gain);
        }
        Self {
            processor,
            params: Vec::with_capacity(MAX_PARAM_EVENTS),
            played: HostEvents::new(),
            midi_out: MidiOut::with_capacity(MIDI_OUT),
            waiting: false,
            panic: false,
        }
    }

    /// Blocks come again after a time without any.
    pub fn resume(&mut self) {
        if let Some(processor) = &mut self.processor {
            processor.resume();
        }
    }

    /// Forgets all signal state; the master stands at `gain`.
    pub fn reset(&mut self, gain: f32) {
        self.waiting = false;
        if let Some(processor) = &mut self.processor {
            processor.settle_param(HostParam::Master, gain);
            processor.reset();
        }
    }

    /// All gates shut and tails cut, from the next frame on.
    pub fn panic(&mut self) {
        self.panic = true;
    }

    /// Begins a block, at whose first frame the master goes to `gain`. What came with blocks without frames
    /// acts on that frame, too.
    pub fn begin(&mut self, gain: f32) {
        if !std::mem::take(&mut self.waiting) {
            self.params.clear();
            self.played.clear();
        }
        self.midi_out.clear();
        self.change(0, HostParam::Master, gain);
        if std::mem::take(&mut self.panic) {
            self.change(0, HostParam::Panic, 1.0);
        }
    }

    /// A parameter has this value from `frame` on. Frames need not rise: hosts list one parameter after
    /// the other. Without room the last change of the parameter gets the value.
    pub fn change(&mut self, offset: u32, param: HostParam, value: f32) {
        if self.params.len() < self.params.capacity() {
            let at = self.params.partition_point(|event| event.offset <= offset);
            self.params.insert(at, ParamEvent { offset, param, value });
        } else if let Some(last) = self.params.iter_mut().rfind(|event| event.param == param) {
            last.value = value;
        } else if param == HostParam::Panic && value > 0.5 {
            // Late rather than never.
            self.panic = true;
        }
    }

    /// Something that the host plays; frames rise. A note for which there is no room ends at once.
    pub fn hear(&mut self, frame: u32, what: HostEventKind) {
        self.played.push(frame, what);
    }

    /// Ends a block of which no frame is rendered; what came with it waits for the next.
    pub fn skip(&mut self) {
        // The next block begins with the master as it is then, and one panic is as good as many.
        let mut panics = 0;
        self.params.retain(|event| {
            let panic = event.param == HostParam::Panic;
            panics += usize::from(panic);
            panic && panics == 1
        });
        self.params.iter_mut().for_each(|event| event.offset = 0);
        self.played.wait();
        self.waiting = true;
    }

    /// Fills the channels, which are all of one length, of at least one frame.
    pub fn render(
        &mut self,
        around: &Surroundings<'_>,
        mut main: [&mut [f32]; 2],
        mut stems: [[&mut [f32]; 2]; STEMS],
    ) {
        let frames = main[0].len();
        if let Some(processor) = &mut self.processor {
            let [left, right] = &mut main;
            // A binding of its own, as short-lived as the borrow of `main`: a block has one lifetime.
            let mut stems: [[&mut [f32]; 2]; STEMS] =
                stems.each_mut().map(|stem| stem.each_mut().map(|channel| &mut **channel));
            processor.process(Block {
                frames,
                transport: around.transport,
                offline: around.offline,
                input: around.sidechain,
                main: [left, right],
                stems: &mut stems,
                free_run: Some(around.free_run),
                params: &self.params,
                played: self.played.as_slice(),
                midi_out: &mut self.midi_out,
            });
        } else {
            self.played.refuse_all();
            main.iter_mut().for_each(|channel| channel.fill(0.0));
            stems.iter_mut().flatten().for_each(|channel| channel.fill(0.0));
        }
        self.played.end_refused(frames.saturating_sub(1) as u32, &mut self.midi_out);
    }

    /// What the block sends: MIDI and ends of notes, each sorted by frame.
    pub fn notes_out(&self) -> &MidiOut {
        &self.midi_out
    }

    /// The MIDI that the block sends, sorted by frame.
    pub fn midi_out(&self) -> &[MidiEvent] {
        self.midi_out.events()
    }
}
