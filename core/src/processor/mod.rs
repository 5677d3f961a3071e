//! The audio side: what the host's audio thread owns and calls.
//!
//! One block: *take messages → cut the block into segments of contiguous time → for each stretch
//! between edits, query patterns and automations, resolve who writes each control, render the graph
//! → outputs*. Nothing in here allocates, frees, locks, waits (except offline, bounded), makes a
//! system call or panics; a node that panics all the same is caught.

mod action;
mod automations;
mod chase;
mod control_writes;
mod controllers;
pub mod denormals;
mod fader;
mod handover;
mod host_events;
mod host_notes;
mod keys;
mod lines;
mod macros;
mod message;
mod midi;
mod midi_clock;
mod mpe;
mod note_offs;
mod open_notes;
mod output;
mod params;
mod pattern_curves;
mod patterns;
mod render;
mod renderer;
mod scene;
mod schedule;
mod slots;
mod start;
mod through;
mod timeline;
mod voice_allocation;

pub use self::action::{Action, ControllerMap, Garbage, InputRoute, NoteRoute, TimedAction};
pub use self::host_events::{
    Expression, HostEvent, HostEventKind, HostEvents, MAX_PLAYED, NoteAddress, NoteEnd,
};
pub use self::macros::{MacroTargets, MacroWay};
pub use self::message::{FromAudio, RETURNS, RETURNS_PER_MESSAGE, TO_AUDIO, ToAudio};
pub use self::params::{
    MAX_PARAM_EVENTS, ParamEvent, ParamId, ParamState, master_gain, place_of_scene, scene_at,
};
pub use self::patterns::MAX_CHASED;
pub use self::renderer::{ActiveAutomation, MAX_FADES, Renderer, RendererSettings, chunk_of};
pub use self::scene::{Recall, SceneAutomation, SceneParts, SceneSlot};

use crate::clock::TransportAt;
use crate::limits::{BUSES, STEMS};
use crate::link::{Link, Position};

use crate::telemetry::{OutputLevels, Stopwatch};
use controllers::PROGRAM_CHANGE;
use denormals::FlushDenormals;
use open_notes::OpenNotes;
use output::Channels;
use rtrb::{Consumer, Producer};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longest that an offline block waits for edits that are due.
pub const OFFLINE_WAIT: Duration = Duration::from_secs(2);
/// Length in seconds over which a replaced engine fades out.
const REPLACE_FADE: f64 = 0.02;

/// One block of audio as the host wants it.
pub struct Block<'a> {
    /// Frames to render.
    pub frames: usize,
    /// The host's transport at offsets into the block, sorted; empty if the host gives none.
    pub transport: &'a [TransportAt],
    /// The host renders offline: only then may `process` wait for edits that are due.
    pub offline: bool,
    /// Sidechain input, left and right; empty slices where there is none.
    pub input: [&'a [f32]; 2],
    /// Main output, left and right, each of at least `frames` samples; filled.
    pub main: [&'a mut [f32]; 2],
    /// Stem outputs; filled.
    pub stems: &'a mut [[&'a mut [f32]; 2]],
    /// Changes of the host's parameters, sorted by offset: the only way by which they get here.
    pub params: &'a [ParamEvent],
    /// What the host plays, sorted by offset.
    pub played: &'a [HostEvent],
    /// MIDI, and the ends of notes, to the host.
    pub midi_out: &'a mut MidiOut,
}

/// A MIDI message at a frame of the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MidiEvent {
    /// Frame within the block.
    pub offset: u32,
    /// Status and data bytes.
    pub bytes: [u8; 3],
}

/// Bounded lists of MIDI messages and of notes that have ended, filled by `process`.
#[derive(Debug, Default)]
pub struct MidiOut {
    events: Vec<MidiEvent>,
    ends: Vec<NoteEnd>,
}

impl MidiOut {
    /// With room for that many messages, and as many ends of notes.
    pub fn with_capacity(messages: usize) -> Self {
        Self { events: Vec::with_capacity(messages), ends: Vec::with_capacity(messages) }
    }

    /// Forgets all messages; keeps the room.
    pub fn clear(&mut self) {
        self.events.clear();
        self.ends.clear();
    }

    /// Adds a message; `false` if there is no room.
    pub(crate) fn push(&mut self, offset: u32, bytes: [u8; 3]) -> bool {
        let room = self.events.len() < self.events.capacity();
        if room {
            self.events.push(MidiEvent { offset, bytes });
        }
        room
    }

    /// Adds the end of a note; `false` if there is no room.
    fn push_end(&mut self, end: NoteEnd) -> bool {
        let room = self.ends.len() < self.ends.capacity();
        if room {
            self.ends.push(end);
        }
        room
    }

    /// Notes of the host that have ended, in order.
    pub fn ends(&self) -> &[NoteEnd] {
        &self.ends
    }

    /// The messages in order.
    pub fn events(&self) -> &[MidiEvent] {
        &self.events
    }
}

/// The audio side of one instance. Owned by the audio thread while it runs; built, and dropped, elsewhere.
///
/// ```
/// use krach_core::clock::{HostTransport, TransportAt};
/// use krach_core::engine::Engine;
/// use krach_core::node::Registry;
/// use krach_core::processor::{Block, MidiOut};
///
/// let mut engine = Engine::new(Registry::with_builtins());
/// let mut processor = engine.activate(48_000.0, 512);
/// let mut midi = MidiOut::with_capacity(16); // made ahead: `process` does not allocate
/// let (mut left, mut right) = ([1.0; 512], [1.0; 512]);
/// processor.process(Block {
///     frames: 512,
///     transport: &[TransportAt { offset: 0, transport: HostTransport::default() }],
///     offline: false,
///     input: [&[], &[]],
///     main: [&mut left, &mut right],
///     stems: &mut [],
///     params: &[],
///     played: &[],
///     midi_out: &mut midi,
/// });
/// assert!(left.iter().chain(&right).all(|sample| *sample == 0.0)); // an empty session is silent
/// ```
pub struct Processor {
    messages: Consumer<ToAudio>,
    pub(crate) returns: Returns,
    link: Arc<Link>,
    renderer: Box<Renderer>,
    leaving: Option<Leaving>,
    /// What comes in passes, as long as no node takes it.
    through: bool,
    /// The host takes no stems.
    folds_stems: bool,
    /// Where the leaving engine renders, side by side.
    scratch: [Box<[f32]>; 2 * BUSES],
    poisoned: bool,
    /// A panic left notes of the host's on, and no block has ended them yet.
    host_sounds: bool,
    /// Notes of the host that wait for their end.
    open: OpenNotes,
    stopwatch: Stopwatch,
    output: OutputLevels,
}

/// The way back to the control thread.
pub(crate) struct Returns {
    ring: Producer<FromAudio>,
    /// Messages that the control side answers with a plan, and how many of them it need not be waited for.
    to_heed: u64,
    waited: u64,
    offline: bool,
}

impl Returns {
    /// Room for everything that one more message can cause?
    pub fn has_room(&self) -> bool {
        self.ring.slots() >= RETURNS_PER_MESSAGE
    }

    /// Sends; the caller has made sure of the room. Without room the thing is leaked rather than
    /// freed on the audio thread.
    pub fn send(&mut self, item: FromAudio) {
        if let Err(rtrb::PushError::Full(item)) = self.ring.push(item) {
            std::mem::forget(item);
        }
    }

    /// The control side answers what is sent now, or as soon as there is room, with a plan: offline that is waited for, so
    /// that what acts next finds it.
    pub fn expect_heed(&mut self) {
        self.to_heed += 1;
    }

    /// It is not sent after all.
    pub fn expect_no_heed(&mut self) {
        self.to_heed -= 1;
    }

    /// Offline: nothing more acts before the control side has answered.
    pub fn must_wait(&self) -> bool {
        self.offline && self.waited < self.to_heed
    }

    /// Sends what may be lost.
    pub fn try_send(&mut self, item: FromAudio) -> bool {
        self.ring.slots() > RETURNS_PER_MESSAGE && self.ring.push(item).is_ok()
    }
}

struct Leaving {
    renderer: Option<Box<Renderer>>,
    left: u32,
    frames: u32,
}

impl Processor {
    pub(crate) fn new(
        messages: Consumer<ToAudio>,
        returns: Producer<FromAudio>,
        link: Arc<Link>,
        renderer: Box<Renderer>,
    ) -> Self {
        let frames = renderer.chunk();
        Self {
            messages,
            returns: Returns { ring: returns, to_heed: 0, waited: 0, offline: false },
            link,
            renderer,
            leaving: None,
            through: false,
            folds_stems: false,
            scratch: std::array::from_fn(|_| vec![0.0; frames].into()),
            poisoned: false,
            host_sounds: false,
            open: OpenNotes::new(),
            stopwatch: Stopwatch::default(),
            output: OutputLevels::default(),
        }
    }

    /// The plugin is an effect: what comes in leaves at the main output, as long as no node takes it. Before the first
    /// block.
    pub fn pass_input_through(&mut self) {
        self.through = true;
    }

    /// The host takes no stems: what leaves there leaves at the main output. Before the first block.
    pub fn fold_stems(&mut self) {
        self.folds_stems = true;
    }

    /// Renders one block. Fills `main` and `stems` whatever happens; a panic inside silences this
    /// instance until it is rebuilt.
    pub fn process(&mut self, mut block: Block<'_>) {
        let watched = self.link.telemetry().is_watched();
        self.stopwatch.begin(watched, block.offline);
        self.renderer.levels.begin(watched, self.link.telemetry());
        let _flush = FlushDenormals::on();
        for stem in block.stems.iter_mut() {
            stem.iter_mut().for_each(|side| side.fill(0.0));
        }
        let main = &mut block.main;
        main.iter_mut().for_each(|side| side.fill(0.0));
        if self.host_sounds {
            self.silence_host(block.midi_out);
        }
        self.open.end_lost(0, block.midi_out);
        let told = block.midi_out.ends.len();
        let whole = catch_unwind(AssertUnwindSafe(|| self.run(&mut block)));
        if let Err(payload) = whole {
            self.poison(payload);
            self.silence_host(block.midi_out);
            // Behind every beginning in this block.
            block.midi_out.ends.truncate(told);
            self.open.end_lost(block.frames.saturating_sub(1) as u32, block.midi_out);
            block.main.iter_mut().for_each(|side| side.fill(0.0));
            block.stems.iter_mut().flatten().for_each(|side| side.fill(0.0));
        }
        self.link.count_rendered(block.frames);
        self.publish();
        let frames = block.frames.min(block.main[0].len()).min(block.main[1].len());
        let rate = self.renderer.sample_rate();
        let buses = std::iter::once(&block.main).chain(block.stems.iter());
        let heard = buses.map(|sides| sides.each_ref().map(|side| side.get(..frames).unwrap_or(&[])));
        self.output.publish(heard, frames, rate, self.link.telemetry());
        self.renderer.levels.publish(frames, rate, self.link.telemetry());
        self.stopwatch.end(frames, rate, self.link.telemetry());
    }

    /// A parameter of the host's has this value, at once: before the first block, and where a reset lets
    /// nothing move.
    pub fn settle_param(&mut self, param: ParamId, value: f32, modulation: f32) {
        self.renderer.settle_param(param, value, modulation);
    }

    /// What a parameter of the host's stands at, up to the frames that have been rendered.
    pub fn param(&self, param: ParamId) -> ParamState {
        self.renderer.params.state(param)
    }

    /// Number of the scene that was recalled last, by whomever; 0: none.
    pub fn scene(&self) -> u8 {
        self.renderer.params.scene()
    }

    /// Blocks come again after a time without any, in which the host's time stood.
    pub fn resume(&mut self) {
        self.renderer.timeline.stand_still();
    }

    /// Forgets all signal state, as hosts ask when they reset a plugin.
    pub fn reset(&mut self) {
        let _flush = FlushDenormals::on();
        self.renderer.timeline.stand_still();
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| self.renderer.panic(self.renderer.now()))) {
            self.poison(payload);
        }
    }

    fn poison(&mut self, payload: Box<dyn std::any::Any + Send>) {
        (self.poisoned, self.host_sounds) = (true, true);
        self.open.lose();
        self.renderer.params.hold_scene();
        self.renderer.params.end_block();
        self.returns.send(FromAudio::Panicked(payload));
    }

    /// Ends all notes on every channel, since nobody knows what still sounds, and stops who follows the
    /// MIDI clock.
    fn silence_host(&mut self, out: &mut MidiOut) {
        self.host_sounds = false;
        out.events.clear();
        for channel in 0..16 {
            out.push(0, [0xb0 | channel, ALL_NOTES_OFF, 0]);
        }
        if self.renderer.midi_clock_told() {
            out.push(0, [midi_clock::STOP, 0, 0]);
        }
    }

    fn run(&mut self, block: &mut Block<'_>) {
        if block.offline {
            self.wait_until_settled();
        }
        self.take_messages();
        self.renderer.offline = block.offline;
        let leaving = self.leaving.as_mut().and_then(|leaving| leaving.renderer.as_mut());
        for renderer in std::iter::once(&mut self.renderer).chain(leaving) {
            renderer.output.folds_stems = self.folds_stems;
        }
        if self.through {
            self.renderer.output.through.begin(self.renderer.plan.takes_input);
        }
        let frames = block.frames.min(block.main[0].len()).min(block.main[1].len());
        if self.poisoned {
            // Nothing sounds; what the parameters stand at counts once the engine is rebuilt.
            let begin = self.renderer.now();
            self.renderer.params.begin_block(begin, frames, block.params);
            for event in block.played {
                if let HostEventKind::Midi([status, program, _]) = event.what
                    && status & 0xf0 == PROGRAM_CHANGE
                {
                    let at = begin + i64::from(event.offset);
                    self.renderer.hear_program(at, status & 15, program & 127);
                }
                if let HostEventKind::NoteOn { note, .. } = event.what {
                    self.open.refuse(event.offset, note, block.midi_out);
                }
            }
            self.renderer.params.hold_scene();
            self.renderer.params.end_block();
            return;
        }
        let begin = self.renderer.begin_block(frames, block.params);
        self.renderer.hear(begin, block.played, &mut self.open);
        if let Some(renderer) = self.leaving.as_mut().and_then(|l| l.renderer.as_mut()) {
            renderer.begin_block(frames, block.params);
        }
        self.renderer.output.joined_until = begin + self.render_leaving(block, frames) as i64;
        let mut at = 0;
        self.returns.offline = block.offline;
        while at < frames {
            let mut n = (frames - at).min(self.renderer.chunk());
            if block.offline {
                self.wait_until_heeded();
                n = n.min(self.wait_for_scene(begin + at as i64, frames - at));
            }
            let input = block.input.map(|side| side.get(at..at + n).unwrap_or(&[]));
            let mut channels = Channels { main: &mut block.main, stems: &mut *block.stems };
            at += self.renderer.run(block.transport, input, &mut channels, at..at + n, &mut self.returns);
        }
        self.renderer.midi.flush(begin, block.midi_out);
        let told = block.midi_out.ends.len();
        self.renderer.flush_ends(begin, begin + frames as i64, block.midi_out);
        self.open.ended(&block.midi_out.ends[told..]);
    }

    /// Offline the block waits until every command that was submitted before it has been handled.
    fn wait_until_settled(&mut self) {
        let target = self.link.submitted_count();
        if self.link.settled_count() >= target {
            return;
        }
        let start = Instant::now();
        self.stopwatch.pause();
        while self.link.settled_count() < target && start.elapsed() < OFFLINE_WAIT {
            // Makes room for what is still to come.
            self.take_messages();
            std::thread::sleep(Duration::from_micros(50));
        }
        self.stopwatch.go_on();
        if self.link.settled_count() < target {
            self.link.count_offline_timeout();
        }
    }

    /// Offline a scene that is recalled on this sample is waited for, if there is one of that number. Returns how many
    /// of the next `frames` come before the next such sample.
    fn wait_for_scene(&mut self, at: i64, frames: usize) -> usize {
        if let Some(number) = self.renderer.params.scene_due(at)
            && self.link.has_scene(number)
            && !self.renderer.scene_is_ready(number)
        {
            let start = Instant::now();
            self.stopwatch.pause();
            while !self.renderer.scene_is_ready(number) && start.elapsed() < OFFLINE_WAIT {
                self.take_messages();
                self.renderer.adopt_what_is_due(&mut self.returns);
                std::thread::sleep(Duration::from_micros(50));
            }
            self.stopwatch.go_on();
        }
        let next = self.renderer.params.next_scene_after(at);
        next.map_or(frames, |next| frames.min((next - at) as usize))
    }

    /// Offline what has just acted, a scene or a timed change of the graph, is answered first: scenes are prepared anew
    /// and changes that wait are planned anew, so that what is due next acts on its sample.
    fn wait_until_heeded(&mut self) {
        if !self.returns.must_wait() {
            return;
        }
        let start = Instant::now();
        self.stopwatch.pause();
        while self.link.heeded() < self.returns.to_heed && start.elapsed() < OFFLINE_WAIT {
            self.renderer.scenes.report_missed(&mut self.returns);
            self.take_messages();
            std::thread::sleep(Duration::from_micros(50));
        }
        self.take_messages();
        self.stopwatch.go_on();
        if self.link.heeded() < self.returns.to_heed {
            self.link.count_offline_timeout();
        }
        self.returns.waited = self.returns.to_heed;
    }

    fn take_messages(&mut self) {
        while self.returns.has_room() && (self.poisoned || self.renderer.has_room()) {
            // One engine leaves at a time, so that none is cut off.
            let replaces = matches!(self.messages.peek(), Ok(ToAudio::Replace { .. }));
            if replaces && self.leaving.is_some() && !self.poisoned {
                break;
            }
            let Ok(message) = self.messages.pop() else { break };
            match message {
                ToAudio::Replace { seq, renderer } => self.replace(seq, renderer),
                ToAudio::Plan(plan) if self.poisoned => self.returns.send(FromAudio::Stale(plan)),
                ToAudio::Edit(TimedAction { seq, action, .. }) if self.poisoned => {
                    self.returns.send(FromAudio::Unheard { seq, action });
                }
                ToAudio::Plan(plan) => self.renderer.schedule(plan, &mut self.returns),
                ToAudio::Edit(edit) => self.renderer.take(edit),
                ToAudio::DropScheduled => self.renderer.drop_scheduled(&mut self.returns),
                ToAudio::Voices(mut voices) => {
                    for (index, waiting) in &mut voices {
                        self.renderer.scenes.pool.swap(*index, waiting);
                    }
                    self.returns.send(FromAudio::Voices(voices));
                }
                ToAudio::Scene(parts) => {
                    if let Some(old) = self.renderer.scenes.put(parts) {
                        self.returns.send(FromAudio::Scene(old));
                    }
                }
            }
        }
    }

    fn replace(&mut self, seq: u64, renderer: Box<Renderer>) {
        let old = std::mem::replace(&mut self.renderer, renderer);
        let mut old = old;
        if old.scenes.forget_missed() {
            self.returns.expect_no_heed();
        }
        let previous = self.leaving.take().and_then(|l| l.renderer);
        self.returns.send(FromAudio::Replaced { seq, old: previous });
        if self.poisoned {
            self.poisoned = false;
            self.renderer.inherit_params(&old);
            self.returns.send(FromAudio::Replaced { seq, old: Some(old) });
        } else {
            let frames = (REPLACE_FADE * self.renderer.sample_rate()) as u32;
            old.retire();
            std::mem::swap(&mut self.renderer.levels, &mut old.levels);
            old.levels.on = false;
            self.renderer.inherit_midi(&mut old);
            self.renderer.inherit_params(&old);
            old.output.through.end();
            self.leaving = Some(Leaving { renderer: Some(old), left: frames, frames });
        }
    }

    /// The engine that was replaced plays on under a falling gain; the new one, heard from its first sample
    /// as it is, joins it in front of the limiters. Returns for how many frames.
    fn render_leaving(&mut self, block: &mut Block<'_>, frames: usize) -> usize {
        let Some(leaving) = &mut self.leaving else { return 0 };
        let (mut at, mut joined) = (0, 0);
        while at < frames && leaving.left > 0 {
            let Some(renderer) = &mut leaving.renderer else { break };
            let n = (frames - at).min(renderer.chunk()).min(self.scratch[0].len());
            let input = block.input.map(|side| side.get(at..at + n).unwrap_or(&[]));
            self.scratch.iter_mut().for_each(|side| side[..n].fill(0.0));
            let mut sides = self.scratch.iter_mut().map(|side| &mut side[..n]);
            let mut bus = || std::array::from_fn(|_| sides.next().unwrap_or_default());
            let (mut main, mut stems): (_, [_; STEMS]) = (bus(), std::array::from_fn(|_| bus()));
            let mut channels = Channels { main: &mut main, stems: &mut stems };
            renderer.run(block.transport, input, &mut channels, 0..n, &mut self.returns);
            let heard = n.min(leaving.left as usize);
            let mut out = Channels { main: &mut block.main, stems: &mut *block.stems };
            for bus in 0..BUSES {
                let Some(to) = out.bus(bus, at..at + heard) else { continue };
                for (to, from) in to.into_iter().zip(&self.scratch[2 * bus..]) {
                    for (i, (to, from)) in to.iter_mut().zip(&from[..heard]).enumerate() {
                        let gain = (leaving.left as usize - i) as f32 / leaving.frames as f32;
                        *to = from * gain;
                    }
                }
            }
            leaving.left = leaving.left.saturating_sub(n as u32);
            joined = at + heard;
            at += n;
        }
        if leaving.left == 0 && self.returns.has_room() {
            let old = leaving.renderer.take();
            self.leaving = None;
            self.returns.send(FromAudio::Replaced { seq: 0, old });
        }
        joined
    }

    fn publish(&self) {
        self.link.publish_macros(|number| self.renderer.params.state(ParamId::Macro(number)).value);
        let now = self.renderer.timeline.position();
        self.link.publish(if self.poisoned {
            Position { moved: now.moved, ..Position::default() }
        } else {
            now
        });
    }
}

/// "All notes off".
const ALL_NOTES_OFF: u8 = 123;
