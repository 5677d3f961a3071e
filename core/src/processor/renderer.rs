//! The engine proper: clock, plan, slots, automations, master. Replaced as a whole by a load.

use super::Returns;
use super::control_writes::EventQueue;
use super::controllers::Controllers;
use super::handover::Handover;
use super::lines::MasterLine;
use super::macros::Macros;
use super::midi::MidiVoices;
use super::midi_clock::MidiClock;
use super::mpe::HostNotes;
use super::note_offs::NoteOffs;
use super::output::{Channels, Output};
use super::params::{ParamEvent, Params};
use super::scene::Scenes;
use super::schedule::Schedule;
use super::slots::{Slot, Slots};
use super::timeline::Timeline;
use super::voice_allocation::VoiceClock;
use crate::automation::Automation;
use crate::clock::{ClockSettings, Mode, Segment, TransportAt};
use crate::limits::{MAX_AUTOMATIONS, MAX_CHANNELS};
use crate::model::{ProgramChanges, Start};
use crate::plan::{Fade, Plan};
use crate::processor::{FromAudio, InputRoute};
use crate::slot::BoundPattern;
use crate::symbol::Symbol;
use crate::telemetry::Levels;
use krach_patterns::{EventBuffer, Full};
use std::ops::Range;

/// Most fades at a time.
pub const MAX_FADES: usize = 256;
/// Most frames rendered in one go; longer blocks are cut.
pub const MAX_CHUNK: usize = 1024;
/// Most events of one stretch; a stretch with more is halved.
const MAX_EVENTS: usize = 16_384;
/// Fade of a node that is new, in seconds.
const SHORT_FADE: f64 = 0.005;

/// What a fresh engine starts from.
pub struct RendererSettings {
    /// Sample rate in Hz.
    pub sample_rate: f64,
    /// Most frames per block.
    pub max_frames: usize,
    /// The clock's settings.
    pub clock: ClockSettings,
    /// Quarter notes per cycle.
    pub beats_per_cycle: f64,
    /// A cycle is a bar of the host instead.
    pub host_meter: bool,
    /// MIDI clock goes to the host.
    pub midi_clock: bool,
    /// Whose program changes recall scenes.
    pub programs: ProgramChanges,
    /// What nodes do where time starts from standstill.
    pub start: Start,
    /// Master gain, linear.
    pub master: f32,
    /// The safety limiter is on.
    pub limiter: bool,
    /// What `adc_input` nodes get.
    pub input: InputRoute,
    /// The session's seed.
    pub seed: u64,
    /// Quarter notes for which time has moved before.
    pub moved: f64,
}

/// An automation or a fade that runs.
pub struct ActiveAutomation {
    pub(super) automation: Box<Automation>,
    pub(super) target: Symbol,
    /// The target is a path, whatever labels there are.
    pub(super) path: bool,
    /// Its number.
    pub(super) serial: u64,
    /// Bars per period, if it counts bars.
    pub(super) bars: Option<f64>,
    /// Where one that is drawn once over bars began, in bars; NaN until time moves.
    pub(super) begun: f64,
    /// Of a fade up to a moment: how far time had moved where it set off, and how far it has there.
    pub(super) span: Option<(f64, f64)>,
    /// The sample on which such a one gave its control back.
    pub(super) ended: Option<i64>,
    /// The control side has been told that it arrived.
    pub(super) done: bool,
    /// Tells equal automations from others; 0: a fade.
    pub(super) content: u64,
}

impl ActiveAutomation {
    /// One that has not begun.
    pub fn new(automation: Box<Automation>, target: Symbol, serial: u64, bars: Option<f64>) -> Self {
        Self {
            automation,
            target,
            path: false,
            serial,
            bars,
            begun: f64::NAN,
            span: None,
            ended: None,
            done: false,
            content: 0,
        }
    }

    /// The same with what tells equal ones from others.
    pub fn with_content(self, content: u64) -> Self {
        Self { content, ..self }
    }

    /// The last sample on which it had its control, for one that ends.
    pub fn last(&self) -> Option<i64> {
        match (self.bars, self.span) {
            (Some(_), _) | (_, Some(_)) => self.ended,
            (None, None) => self.automation.end_frame().map(|last| last.saturating_add(1)),
        }
    }
}

/// The whole of what sounds. One per session; built on the control side.
pub struct Renderer {
    pub(super) sample_rate: f64,
    pub(super) frames: usize,
    pub(super) timeline: Timeline,
    /// Replaced: it fades out, hears of no edits any more, and tells nothing.
    pub(super) retired: bool,
    pub(super) plan: Box<Plan>,
    pub(super) scheduled: Schedule,
    pub(super) slots: Slots,
    /// Automations, and fades behind them.
    pub(super) automations: Vec<Option<ActiveAutomation>>,
    /// Automations and fades beyond these were never used.
    pub(super) used_automations: usize,
    pub(super) used_fades: usize,
    pub(super) seed: u64,
    pub(super) input: InputRoute,
    pub(super) events: EventBuffer,
    pub(super) queue: EventQueue,
    pub(super) notes: VoiceClock,
    pub(super) host_notes: HostNotes,
    pub(super) midi: MidiVoices,
    pub(super) note_offs: NoteOffs,
    pub(super) handover: Handover,
    /// Slots were hushed on this sample.
    pub(super) hushing: bool,
    pub(super) midi_clock: MidiClock,
    pub(super) controllers: Controllers,
    pub(super) macros: Macros,
    pub(super) params: Params,
    pub(super) scenes: Scenes,
    pub(super) output: Output,
    /// The session's master goes to another gain.
    pub(super) master_line: Option<MasterLine>,
    /// Whose program changes recall scenes.
    pub(super) programs: ProgramChanges,
    /// What nodes do where time starts from standstill.
    pub(super) start: Start,
    /// The host renders offline.
    pub(super) offline: bool,
    pub(super) zeros: Box<[f32]>,
    /// Where each voice of several is rendered.
    pub(super) voice_outputs: Vec<Box<[f32]>>,
    pub(super) levels: Levels,
}

impl Renderer {
    /// An engine that plays `plan`.
    pub fn new(settings: &RendererSettings, plan: Box<Plan>) -> Self {
        let frames = chunk_of(settings.max_frames);
        Self {
            sample_rate: settings.sample_rate,
            frames,
            timeline: Timeline::new(
                settings.sample_rate,
                settings.clock,
                settings.beats_per_cycle,
                settings.host_meter,
                settings.moved,
            ),
            master_line: None,
            retired: false,
            used_automations: 0,
            used_fades: 0,
            plan,
            scheduled: Schedule::new(),
            slots: Slots::new(),
            automations: (0..MAX_AUTOMATIONS + MAX_FADES).map(|_| None).collect(),
            seed: settings.seed,
            input: settings.input,
            events: EventBuffer::with_capacity(2 * krach_patterns::MAX_EVENTS_PER_CYCLE as usize),
            queue: EventQueue::with_capacity(MAX_EVENTS),
            notes: VoiceClock::new(settings.sample_rate),
            host_notes: HostNotes::new(),
            midi: MidiVoices::new(),
            note_offs: NoteOffs::new(),
            handover: Handover::new(),
            hushing: false,
            midi_clock: MidiClock { on: settings.midi_clock, ..MidiClock::default() },
            controllers: Controllers::new(),
            macros: Macros::new(),
            params: Params::new(),
            output: Output::new(settings, frames, (SHORT_FADE * settings.sample_rate) as u32),
            scenes: Scenes::new(),
            programs: settings.programs,
            start: settings.start,
            offline: false,
            zeros: vec![0.0; frames].into(),
            voice_outputs: vec![vec![0.0; frames].into(); MAX_CHANNELS],
            levels: Levels::new(),
        }
    }

    /// Puts a slot in place before the engine runs.
    pub fn place_slot(&mut self, index: usize, pattern: Box<BoundPattern>) {
        let (origin, from) = (pattern.origin.unwrap_or(f64::NAN), pattern.from.unwrap_or(f64::NEG_INFINITY));
        self.slots.put(index, Slot::new(pattern, origin, from));
    }

    /// Puts an automation in place before the engine runs.
    pub fn place_automation(&mut self, index: usize, running: ActiveAutomation) {
        self.automations[index] = Some(running);
        self.used_automations = self.used_automations.max(index + 1);
    }

    /// Frames rendered in one go at most.
    pub fn chunk(&self) -> usize {
        self.frames
    }

    /// Sample rate in Hz.
    pub fn sample_rate(&self) -> f64 {
        self.sample_rate
    }

    /// The next sample to render, counted since this engine began.
    pub fn now(&self) -> i64 {
        self.timeline.clock.now()
    }

    /// Number of the plan that plays.
    pub fn generation(&self) -> u64 {
        self.plan.generation
    }

    /// Begins a block and tells its first sample; `run` is then called until its frames are rendered.
    pub fn begin_block(&mut self, frames: usize, params: &[ParamEvent]) -> i64 {
        self.timeline.clock.begin_block(frames);
        self.params.begin_block(self.timeline.clock.now(), frames, params);
        self.timeline.clock.now()
    }

    /// Renders the next frames of the block into these of the channels; returns how many. Offline it ends where the
    /// control side is to answer first.
    pub(super) fn run(
        &mut self,
        reports: &[TransportAt],
        input: [&[f32]; 2],
        channels: &mut Channels<'_, '_>,
        frames: Range<usize>,
        returns: &mut Returns,
    ) -> usize {
        let begin = self.timeline.clock.now();
        let end = begin + frames.len() as i64;
        while self.timeline.clock.now() < end {
            self.timeline.set_host_free_run(self.params.free_run(self.timeline.clock.now()));
            let Some(mut segment) = self.timeline.clock.next_segment(reports) else { break };
            if segment.end > end {
                self.timeline.clock.give_back(end);
                segment.end = end;
            }
            let done = self.segment(&segment, (begin, frames.start), input, channels, returns);
            if done < segment.end {
                self.timeline.clock.give_back(done);
            }
            if returns.must_wait() {
                return (self.timeline.clock.now() - begin) as usize;
            }
        }
        frames.len()
    }

    /// Renders a segment of what begins at sample `begin` and frame `first`; returns early (with the sample reached) if an edit changed time itself.
    fn segment(
        &mut self,
        segment: &Segment,
        (begin, first): (i64, usize),
        input: [&[f32]; 2],
        channels: &mut Channels<'_, '_>,
        returns: &mut Returns,
    ) -> i64 {
        let running = segment.mode != Mode::Stopped;
        if segment.first {
            self.timeline.grid_anchor = segment.start;
            if segment.epoch.jump || segment.stopped {
                self.timeline.discontinuity = true;
                self.midi_clock.moved = true;
                self.scheduled.release_relative(segment.wrapped_at.map(|b| self.timeline.meter.count_at(b)));
            }
        }
        self.timeline.note_jump(segment);
        self.timeline.follow_bars(segment);
        if self.timeline.starts(running) {
            self.start(segment);
        }
        let mut at = segment.start;
        while at < segment.end {
            self.notes.at = at;
            if self.params.free_run(at) != self.timeline.host_free_run() {
                return at;
            }
            if self.act_on_due(at, segment, returns) || self.act_on_scene(at, segment, returns) {
                return at;
            }
            let mut until = self.act_on_params(at, segment.end);
            if std::mem::take(&mut self.timeline.discontinuity) {
                self.close_gates();
                self.note_offs.forget();
                self.midi.end(at, |_| true);
                self.forget_beginnings();
                self.timeline.sounded = f64::NEG_INFINITY;
                if running {
                    self.chase(segment, at);
                }
            }
            self.tell_midi_clock(segment, at, running);
            if running
                && !self.retired
                && let Some(due) = self.scheduled.next_due()
            {
                let sample = segment.epoch.sample_of(self.timeline.meter.beats_at(due));
                if sample > at {
                    until = until.min(sample);
                }
            }
            until = self.gather(segment, at, until, running);
            if running {
                self.midi.play(&segment.epoch, at, until);
            }
            let frames = (at - begin) as usize..(until - begin) as usize;
            let sides = input.map(|side| side.get(frames.clone()).unwrap_or(&[]));
            let frames = first + frames.start..first + frames.end;
            self.render(segment, at, sides, channels, frames, returns);
            self.params.pass(until);
            at = until;
        }
        if !self.retired {
            self.report_arrivals(at, returns);
            self.report_origins(returns);
            self.report_controllers(returns);
            self.report_macros(returns);
            self.report_osc(returns);
            self.scenes.report_missed(returns);
        }
        at
    }

    /// Time jumped: where a pattern was put in place is no border any more.
    fn forget_beginnings(&mut self) {
        for index in self.slots.held() {
            if let Some(slot) = self.slots.get_mut(index).filter(|slot| slot.from < f64::INFINITY) {
                slot.from = f64::NEG_INFINITY;
            }
        }
    }

    /// Tells the control side which one-shot automations have arrived, once what follows has been done.
    fn report_arrivals(&mut self, now: i64, returns: &mut Returns) {
        for index in self.automations_in_use() {
            let Some(running) = &mut self.automations[index] else { continue };
            if running.last().is_some_and(|last| last < now) && !running.done {
                let control = self.plan.find(running.target, running.path);
                let base = control.map(|c| self.plan.controls[c as usize].base);
                let serial = running.serial;
                running.done = returns.try_send(FromAudio::AutomationDone { serial, base });
            }
        }
    }

    /// Indices of automations and fades that there may be.
    pub(super) fn automations_in_use(&self) -> impl Iterator<Item = usize> + use<> {
        (0..self.used_automations).chain(MAX_AUTOMATIONS..MAX_AUTOMATIONS + self.used_fades)
    }

    /// Tells the control side where patterns that count from their own zero have begun.
    fn report_origins(&mut self, returns: &mut Returns) {
        for index in self.slots.unreported() {
            let Some(slot) = self.slots.get(index).filter(|slot| !slot.origin.is_nan()) else { continue };
            let (serial, position) = (slot.pattern.serial, slot.origin);
            if returns.try_send(FromAudio::Origin { serial, position }) {
                self.slots.told(index);
            }
        }
    }

    /// Hands over the OSC messages that have come due; what finds no room is lost.
    fn report_osc(&mut self, returns: &mut Returns) {
        for due in self.midi.osc_due() {
            returns.try_send(FromAudio::Osc { sample: due.sample, serial: due.serial, value: due.value });
        }
    }

    /// Ends the notes that the engine before this one left sounding at the host.
    pub(super) fn inherit_midi(&mut self, old: &mut Self) {
        self.midi.take_over(&mut old.midi, self.timeline.clock.now());
        self.inherit_keyboard(old);
        self.inherit_midi_clock(old);
    }

    /// From now on it fades out: see `retired`.
    pub(super) fn retire(&mut self) {
        self.retired = true;
    }

    /// Asks all that writes controls, plays nodes or sends MIDI what it does in `[at, until)`.
    fn collect(&mut self, segment: &Segment, at: i64, until: i64, running: bool) -> Result<(), Full> {
        if running {
            self.gather_patterns(segment, at, until)?;
            self.gather_endings(segment, at, until)?;
            self.gather_shapes(segment, at, until)?;
            if !self.retired {
                self.midi_clock.collect(&mut self.midi, &segment.epoch, (at, until))?;
            }
        }
        self.controllers.collect(&self.plan, (at, until), &mut self.queue)?;
        self.gather_notes(at, until)?;
        self.macros.collect(&self.plan, &self.params, until, &mut self.queue)?;
        self.gather_master(segment, at, until, running)?;
        self.gather_automations(segment, at, until, running)
    }

    /// Fills the queue for `[at, until)`; returns the end of the stretch that fitted.
    fn gather(&mut self, segment: &Segment, at: i64, mut until: i64, running: bool) -> i64 {
        loop {
            self.queue.clear();
            self.midi.clear_requests();
            self.note_offs.clear_new();
            let fits = self.collect(segment, at, until, running).is_ok();
            if fits || until - at <= 1 {
                if !fits {
                    self.refuse_unqueued(at);
                }
                if running {
                    self.note_offs.settle(&segment.epoch, until);
                }
                return until;
            }
            until = at + (until - at) / 2;
        }
    }

    pub(super) fn fade_frames(&self, fade: Fade) -> u32 {
        use crate::model::Crossfade;
        let short = SHORT_FADE * self.sample_rate;
        let frames = match fade {
            Fade::Cut => 0.0,
            Fade::Short => short,
            Fade::Long => match self.plan.fade.unwrap_or(self.plan.crossfade) {
                Crossfade::Seconds(s) => s * self.sample_rate,
                Crossfade::Beats(b) => b * 60.0 * self.sample_rate / self.timeline.clock.bpm(),
            }
            .clamp(short, 30.0 * self.sample_rate),
        };
        frames as u32
    }

    /// Gates shut, tails cut.
    pub(super) fn panic(&mut self, at: i64) {
        self.notes.at = at;
        self.close_gates();
        self.midi.end(at, |_| true);
        for node in 0..self.plan.nodes.len() {
            self.with_allocator(node, |player| player.silence());
        }
        self.output.reset_limiters();
    }
}

/// Frames rendered in one go for blocks of that length.
pub fn chunk_of(max_frames: usize) -> usize {
    max_frames.clamp(1, MAX_CHUNK)
}
