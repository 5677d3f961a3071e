//! What an edit does on the audio thread.

use super::macros::MacroTargets;
use crate::automation::Automation;
use crate::model::{Crossfade, FadeLength, ProgramChanges, Start};
use crate::node::Control;
use crate::slot::{BoundPattern, ChaseTable};
use crate::symbol::Symbol;

/// An action and its time.
pub struct TimedAction {
    /// Number of the edit.
    pub seq: u64,
    /// Position in cycles; `None` is at once.
    pub due: Option<f64>,
    /// The position was asked for as "next cycle" or "next bar": a jump or a stop makes it due.
    pub relative: bool,
    /// It waits for the next cycle because its slot was silent: the recall of a scene before that cancels it.
    pub starts: bool,
    /// It acts once time has moved so far, in quarter notes; then `due` is only where that is expected to be.
    pub moved: Option<f64>,
    /// What to do.
    pub action: Action,
}

impl TimedAction {
    /// One that acts at once and is nobody's edit.
    pub fn now(action: Action) -> Self {
        Self { seq: 0, due: None, relative: false, starts: false, moved: None, action }
    }
}

/// What an edit does on the audio thread.
pub enum Action {
    /// A control's base value.
    Set {
        /// The control.
        control: Symbol,
        /// It is a path, whatever labels there are.
        path: bool,
        /// The value.
        value: f32,
    },
    /// A slot gets a pattern.
    Slot {
        /// Index of the slot.
        slot: u32,
        /// Its new pattern.
        pattern: Box<BoundPattern>,
    },
    /// A slot stops.
    Hush(u32),
    /// All slots stop.
    HushAll,
    /// Free-run tempo in bpm.
    Bpm(f64),
    /// Quarter notes per cycle.
    BeatsPerCycle(f64),
    /// A cycle is a bar of the host.
    HostMeter,
    /// MIDI clock goes to the host.
    MidiClock(bool),
    /// The host is not the clock.
    Internal(bool),
    /// Keep an own clock while the host does not run.
    FreeRun(bool),
    /// Whose program changes recall scenes.
    Programs(ProgramChanges),
    /// What nodes do where time starts from standstill.
    Start(Start),
    /// Master gain, linear.
    MasterGain(f32),
    /// The master gain goes on a line to another.
    MasterLine {
        /// Linear.
        gain: f32,
        /// How far time has moved where it arrives, in quarter notes.
        moved: f64,
    },
    /// The own clock's tempo goes on a line to another.
    TempoLine {
        /// In bpm.
        bpm: f64,
        /// How far time has moved where it arrives, in quarter notes.
        moved: f64,
    },
    /// What was to act once time had moved so far does not.
    Cancel {
        /// Its number.
        seq: u64,
    },
    /// Edits of these numbers, in order, that wait for their position do not act.
    CancelAll(Box<Vec<u64>>),
    /// The safety limiter.
    Limiter(bool),
    /// An automation starts.
    Automate {
        /// Its index.
        index: u32,
        /// The control it drives.
        target: Symbol,
        /// Its course; the start frame is filled in by the audio thread.
        automation: Box<Automation>,
        /// Number of this automation, never used again: tells it from its successors at that index.
        serial: u64,
        /// Bars of the host per period; `None`: the automation knows its frames.
        bars: Option<f64>,
        /// Tells equal automations from others.
        content: u64,
    },
    /// A base value goes to another.
    Fade {
        /// Its index among the fades.
        index: u32,
        /// The control.
        control: Symbol,
        /// It is a path, whatever labels there are.
        path: bool,
        /// How long it takes.
        length: FadeLength,
        /// A line to the target; its start and its length are filled in by the audio thread.
        line: Box<Automation>,
        /// Its number among automations and fades.
        serial: u64,
    },
    /// An automation ends.
    ClearAutomation(u32),
    /// A one-shot automation or a fade that has arrived goes, unless another has its number by now.
    ClearArrived {
        /// Its index among the automations, fades behind them.
        index: u32,
        /// Its own number.
        serial: u64,
    },
    /// The plugin's input: off, both channels, or one.
    Input(InputRoute),
    /// A controller moves a control.
    Map(ControllerMap),
    /// A controller moves a control no more; without a target, nothing at all.
    Unmap {
        /// MIDI channel, 0…15.
        channel: u8,
        /// Controller number, 0…127.
        cc: u8,
        /// The control, by label or path.
        target: Option<Symbol>,
    },
    /// The next controller that moves is to be told, or not.
    Learn(bool),
    /// These maps, and no others.
    Maps(Box<Vec<ControllerMap>>),
    /// A macro moves these controls, and no others.
    Macro {
        /// The macro, counted from 0.
        index: u8,
        /// What it moves.
        targets: Box<MacroTargets>,
    },
    /// The next macro that the host moves is to be told, or not.
    LearnMacro(bool),
    /// Notes of the host play a node.
    RouteNotes(NoteRoute),
    /// The session's seed.
    Seed(u64),
    /// A pattern's table under another seed.
    Chase {
        /// Index of the slot.
        slot: u32,
        /// Number of the pattern.
        serial: u64,
        /// The table.
        table: Box<ChaseTable>,
    },
    /// A scene is recalled.
    Recall {
        /// Its number.
        number: u8,
        /// Length of the crossfade; that of the session without it.
        fade: Option<Crossfade>,
    },
    /// The scene of that number is the current one; nothing is recalled.
    CurrentScene(u8),
    /// Gates shut, tails cut.
    Panic,
    /// Length of the crossfades from now on.
    Crossfade(Crossfade),
    /// Nothing on this thread: the control side hears when its time has come, and does what there is to do.
    AtTime,
}

/// A controller of the host that moves a control.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ControllerMap {
    /// MIDI channel, 0…15.
    pub channel: u8,
    /// Controller number, 0…127.
    pub cc: u8,
    /// The control, by label or path.
    pub target: Symbol,
    /// Value at controller 0.
    pub lo: f64,
    /// Value at controller 127.
    pub hi: f64,
}

impl ControllerMap {
    /// What a controller's position means for a control, in its unit: the way from `lo` to `hi` as it spreads its
    /// values.
    pub fn value(&self, position: u8, control: &Control) -> f32 {
        control.along(self.lo, self.hi, f64::from(position & 127) / 127.0) as f32
    }
}

/// Where notes of the host go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoteRoute {
    /// Channel, 0…15; `None`: all that have no route of their own.
    pub channel: Option<u8>,
    /// Id of the node; `None`: no route.
    pub node: Option<Symbol>,
}

/// What `adc_input` nodes get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InputRoute {
    /// Silence.
    #[default]
    Off,
    /// Both channels as they are.
    Stereo,
    /// One channel on both sides.
    Channel(u32),
}

/// Things with heap memory that the audio thread is done with.
pub enum Garbage {
    /// A slot's pattern.
    Slot(Box<BoundPattern>),
    /// An automation.
    Automation(Box<Automation>),
    /// A pattern's table.
    Chase(Box<ChaseTable>),
    /// Controller mappings.
    Maps(Box<Vec<ControllerMap>>),
    /// What a macro moved.
    Macro(Box<MacroTargets>),
    /// Numbers of edits that were cancelled.
    Numbers(Box<Vec<u64>>),
}
