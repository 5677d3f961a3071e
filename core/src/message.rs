//! What crosses between the control thread and the audio thread: one enum each way.

use crate::automation::Automation;
use crate::chase::ChaseTable;
use crate::limits::NONE;
use crate::model::{FadeLength, Start};
use crate::plan::Plan;
use crate::processor::Core;
use crate::symbol::Symbol;
use krach_patterns::Program;
use std::any::Any;

/// Slots of the ring to audio. An overflow waits on the control side.
pub const TO_AUDIO: usize = 1024;
/// Slots of the ring back. Audio takes no message while fewer than [`RETURNS_PER_MESSAGE`] are free.
pub const RETURNS: usize = 2048;
/// Returns that one message can cause at most.
pub const RETURNS_PER_MESSAGE: usize = 3;

/// Control thread → audio thread, in the order of the edits.
pub enum ToAudio {
    /// A plan, now or scheduled.
    Plan(Box<Plan>),
    /// Scheduled plans are void; newer ones follow.
    DropScheduled,
    /// An edit that needs no plan.
    Edit(TimedAction),
    /// A whole engine, after a load or a fault.
    Replace {
        /// Its session's last edit.
        seq: u64,
        /// The engine.
        core: Box<Core>,
    },
}

/// An action and its time.
pub struct TimedAction {
    /// Number of the edit.
    pub seq: u64,
    /// Position in cycles; `None` is at once.
    pub due: Option<f64>,
    /// The position was asked for as "next cycle" or "next bar": a jump or a stop makes it due.
    pub relative: bool,
    /// What to do.
    pub action: Action,
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
        voice: Box<SlotPattern>,
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
    /// What nodes do where time starts from standstill.
    Start(Start),
    /// Master gain, linear.
    MasterGain(f32),
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
    /// Gates shut, tails cut.
    Panic,
    /// Nothing on this thread: the control side hears when its time has come, and does what there is to do.
    Nothing,
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
    /// What a controller's position means, in the control's unit.
    pub fn value(&self, position: u8) -> f32 {
        (self.lo + (self.hi - self.lo) * f64::from(position & 127) / 127.0) as f32
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

/// A compiled pattern with its labels as symbols.
pub struct SlotPattern {
    /// The compiled pattern.
    pub program: Program,
    /// For each of the program's values, what it does.
    pub targets: Vec<Target>,
    /// Distinct labels among the targets that are chased after a jump, at most 64.
    pub chased: u32,
    /// What they were told last, further back than the audio thread looks.
    pub chase: Box<ChaseTable>,
    /// Position in cycles of the pattern's cycle 0; `None`: where the edit acts.
    pub origin: Option<f64>,
    /// Onsets before this position (cycles) do not play; `None`: where the edit acts.
    pub from: Option<f64>,
    /// Number of this pattern, never used again: by it the control side learns the origin.
    pub serial: u64,
}

/// What a pattern value does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// Sets a control.
    Control {
        /// The label as written.
        label: Symbol,
        /// The label within the slot's node.
        within: Symbol,
        /// What it is called there otherwise: `gain` for `vel`.
        or: Symbol,
        /// It is part of a note: its unit opens a gate.
        note: bool,
        /// It opens a gate that its unit also closes, and its pattern may lose that end.
        ends: bool,
        /// The value.
        value: f32,
        /// The label says gate or trigger.
        gate: bool,
        /// Number among the chased labels, or [`crate::limits::NONE`].
        chase: u32,
    },
    /// Sets the master gain.
    MasterGain(f32),
    /// Sends a note to the host.
    Note {
        /// MIDI channel, 0…15.
        channel: u8,
        /// 0…127.
        key: u8,
        /// 0…127.
        velocity: u8,
        /// Length in cycles.
        cycles: f64,
    },
    /// Sends a controller to the host.
    Cc {
        /// MIDI channel, 0…15.
        channel: u8,
        /// 0…127.
        controller: u8,
        /// 0…127.
        value: u8,
        /// Number among the chased labels, or [`crate::limits::NONE`].
        chase: u32,
    },
    /// Sends an OSC message: the one that the control side prepared for this value.
    Osc,
    /// Nothing that the engine plays.
    Nothing,
}

impl Target {
    /// Its number among what is chased after a jump.
    pub fn chased(&self) -> Option<u32> {
        match self {
            Self::Control { chase, .. } | Self::Cc { chase, .. } => Some(*chase).filter(|&n| n != NONE),
            _ => None,
        }
    }
}

/// Audio thread → control thread. Answers and garbage are never lost: what finds no room stays with the
/// audio thread. Faults and OSC messages may be.
pub enum Return {
    /// A plan was adopted.
    Adopted {
        /// Its number.
        generation: u64,
        /// The last edit in it.
        seq: u64,
        /// It was due earlier.
        late: bool,
        /// What played before, to be freed.
        old: Box<Plan>,
    },
    /// A plan that was overtaken.
    Stale(Box<Plan>),
    /// A crossfade has ended: ghosts of that plan can go.
    Faded {
        /// Number of the plan.
        generation: u64,
    },
    /// An edit acted.
    Applied {
        /// Number of the edit.
        seq: u64,
        /// Where, in cycles.
        position: f64,
        /// After its time.
        late: bool,
        /// What it replaced, to be freed.
        garbage: Option<Garbage>,
    },
    /// A pattern that was hushed, to be freed.
    Hushed(Garbage),
    /// An engine was replaced.
    Replaced {
        /// The last edit in the new one.
        seq: u64,
        /// An old engine, to be freed (it may come later, after its fade).
        old: Option<Box<Core>>,
    },
    /// A one-shot automation has arrived.
    AutomationDone {
        /// Its number.
        serial: u64,
        /// The base value of its control by now; `None` if there is no such control.
        base: Option<f32>,
    },
    /// A pattern that counts from its own zero has begun.
    Origin {
        /// Its number.
        serial: u64,
        /// Where it began, in cycles.
        position: f64,
    },
    /// An OSC message is due.
    Osc {
        /// Sample since activation.
        sample: i64,
        /// Number of the pattern.
        serial: u64,
        /// Index of the value.
        value: u32,
    },
    /// The controller that was waited for has moved.
    Learned {
        /// MIDI channel, 0…15.
        channel: u8,
        /// Controller number, 0…127.
        cc: u8,
    },
    /// A controller has set a base value.
    Moved {
        /// The control, by label or path.
        target: Symbol,
        /// The value.
        value: f32,
    },
    /// What came for an engine that has panicked, to be freed.
    Unheard(Action),
    /// A node produced NaN or infinity.
    NodeFault {
        /// The node.
        uid: u64,
        /// It is not rendered any more.
        silenced: bool,
    },
    /// The engine panicked.
    Panicked(Box<dyn Any + Send>),
}

/// Things with heap memory that the audio thread is done with.
pub enum Garbage {
    /// A slot's pattern.
    Slot(Box<SlotPattern>),
    /// An automation.
    Automation(Box<Automation>),
    /// A pattern's table.
    Chase(Box<ChaseTable>),
    /// Controller mappings.
    Maps(Box<Vec<ControllerMap>>),
}
