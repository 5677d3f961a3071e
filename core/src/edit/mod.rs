//! What a client can ask for: one enum, each edit all or nothing, each with a time.

mod lists;
mod nodes;
mod scenes;

pub use lists::{Difference, Key, Nodes, Routes};
pub use nodes::{
    GraphState, NodeEdit, NodeSpec, Route, SessionNode, fader_id, gain_path, level_path, mute_path, send_id,
};

pub use scenes::{LONGEST_FADE, Scene, SceneEdit, SceneState, SceneTransport, Scenes};

use crate::automation::{ShapeError, ShapeSpec};
use crate::graph::{GraphEdit, GraphError, RawGraph};
use crate::ir::Fault;
use crate::model::{AutomationState, FadeLength, MacroState, MidiMapState, Period, Setting, TypeSource};
use krach_patterns::{CompileError, Pattern, Swing};
use std::collections::BTreeMap;

/// A change to the session.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Edit {
    /// Plays a pattern on a slot. A slot that was not playing starts at the next cycle (or at once
    /// while the clock stands still); one that plays swaps in phase.
    SetPattern {
        /// Slot name.
        slot: String,
        /// The pattern.
        pattern: Pattern,
        /// The pattern's cycle 0 begins where the edit acts, instead of at the clock's cycle 0.
        from_zero: bool,
        /// With `from_zero`: where its cycle 0 began, in cycles of the clock. It goes on from there, as after a step
        /// back; without, it begins where the edit acts.
        origin: Option<f64>,
        /// Swing of the slot, around the pattern; `None` is straight.
        swing: Option<Swing>,
    },
    /// Stops a slot; it stays listed. Unknown slots are accepted.
    Hush {
        /// Slot name.
        slot: String,
    },
    /// Stops all slots.
    HushAll,
    /// Gives one of the session's settings a new value.
    Setting(Setting),
    /// Changes to the raw graph, applied as one.
    Graph(Vec<GraphEdit>),
    /// Replaces the raw graph.
    LoadGraph(RawGraph),
    /// Changes to the session's nodes and routes, applied as one.
    Nodes(Vec<NodeEdit>),
    /// Puts nodes, routes, raw graph and base values in place of what was.
    ReplaceGraph(Box<GraphState>),
    /// Sets base values by path, as they were known before: `None` goes back to the control's default.
    SetValues(BTreeMap<String, Option<f64>>),
    /// Texts of types, by type id, beside those that there are; acts at once.
    SetSources(BTreeMap<String, TypeSource>),
    /// Stops a slot and forgets it. Unknown slots are accepted.
    RemoveSlot {
        /// Slot name.
        slot: String,
    },
    /// Sets a control's base value, by exposed label or `node/control`. Unknown labels are accepted.
    SetControl {
        /// Label or path.
        label: String,
        /// Value in the control's unit.
        value: f64,
    },
    /// Drives a control by a shape, periodically or once.
    SetAutomation {
        /// Name of the automation, for clearing it.
        id: String,
        /// The control it drives.
        label: String,
        /// The waveform.
        shape: ShapeSpec,
        /// Value at the shape's 0.
        lo: f64,
        /// Value at the shape's 1.
        hi: f64,
        /// Length of one period.
        period: Period,
        /// Ends after one period; the control keeps the last value.
        one_shot: bool,
    },
    /// Moves a control's base value on a straight line to another, where it stays. A new base value
    /// meanwhile ends the fade; a new fade goes on from where it is. The session has the target at once.
    Fade {
        /// Label or path; unknown ones are accepted.
        label: String,
        /// Value to reach, in the control's unit.
        value: f64,
        /// How long it takes.
        length: FadeLength,
    },
    /// The session's master goes to another gain on a straight line. The session has it at once.
    MasterLine {
        /// Linear gain.
        gain: f64,
        /// How far time has moved where it arrives, see [`Position::moved`](crate::link::Position::moved).
        moved: f64,
    },
    /// The own clock's tempo goes to another on a straight line. The session has it at once.
    TempoLine {
        /// Quarter notes per minute.
        bpm: f64,
        /// How far time has moved where it arrives, see [`Position::moved`](crate::link::Position::moved).
        moved: f64,
    },
    /// Removes an automation; its control goes back to pattern or base value.
    ClearAutomation {
        /// Name of the automation.
        id: String,
    },
    /// Remembers a MIDI controller mapping.
    MidiMap {
        /// MIDI channel, 0…15.
        channel: u8,
        /// Controller number, 0…127.
        cc: u8,
        /// The control it moves.
        label: String,
        /// Value at controller 0.
        lo: f64,
        /// Value at controller 127.
        hi: f64,
    },
    /// Forgets what a controller moves.
    MidiUnmap {
        /// MIDI channel, 0…15.
        channel: u8,
        /// Controller number, 0…127.
        cc: u8,
        /// The control; `None`: all that it moves.
        label: Option<String>,
    },
    /// Notes of the host play a node.
    RouteNotes {
        /// MIDI channel, 0…15; `None`: all channels without a route of their own.
        channel: Option<u8>,
        /// Id of the node, which need not exist yet; `None`: no route.
        node: Option<String>,
    },
    /// Says what a macro moves, and what it is called.
    Macro {
        /// 1 to 64.
        number: u8,
        /// What it is from now on; `None`: it moves nothing and has no name.
        to: Option<Box<MacroState>>,
    },
    /// Puts these controller mappings in place of all.
    MidiMaps(Vec<MidiMapState>),
    /// A change to the scenes, or the recall of one.
    Scene(SceneEdit),
    /// Closes every gate and forgets every node's signal state. Patterns go on.
    Panic,
    /// Builds the whole engine anew from the session, as after a load; the way back from a fault.
    Rebuild,
    /// All validated, then all applied.
    Batch(Vec<Edit>),
    /// A batch that has a name in the history.
    Titled {
        /// Its name.
        title: String,
        /// What it does.
        edits: Vec<Edit>,
    },
    /// A batch over some time: values, faders, sends, master and tempo go on lines and arrive together; nodes fade in and
    /// out, and go at the end; patterns change at the end, those of nodes that come at the beginning.
    Transition {
        /// What the session becomes.
        edits: Vec<Edit>,
        /// How long it takes, in quarter notes or cycles. While time stands, so does it; jumps of time change nothing.
        length: FadeLength,
    },
    /// What transitions under way were still to do at their end is not done: to the nodes of these names and within
    /// them, or at all. It goes before edits that make the session another one.
    EndTransitions(Option<Vec<String>>),
}

impl Edit {
    /// The edits of which it is made, in order; `None` if it is one.
    pub fn parts(&self) -> Option<&[Self]> {
        match self {
            Self::Batch(edits) | Self::Titled { edits, .. } | Self::Transition { edits, .. } => Some(edits),
            _ => None,
        }
    }

    /// The same under a name in the history; one that does nothing has none.
    pub fn titled(self, title: impl Into<String>) -> Self {
        let edits = match self {
            Self::Batch(edits) if edits.is_empty() => return Self::Batch(edits),
            Self::Batch(edits) => edits,
            edit => vec![edit],
        };
        Self::Titled { title: title.into(), edits }
    }

    /// The same without a name.
    pub(crate) fn untitled(self) -> Self {
        match self {
            Self::Titled { mut edits, .. } if edits.len() == 1 => edits.remove(0),
            Self::Titled { edits, .. } => Self::Batch(edits),
            edit => edit,
        }
    }
}

/// When an edit acts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum At {
    /// As soon as it is ready; a pattern on a slot that is silent starts at the next cycle.
    #[default]
    Now,
    /// As soon as it is ready, a pattern on a silent slot too; one that waits for the next cycle already
    /// goes on waiting.
    AtOnce,
    /// At the start of the next cycle.
    Cycle,
    /// At the start of the host's next bar.
    Bar,
    /// At a position in cycles.
    Position(f64),
    /// At a position in bars of the host, by the signature of now.
    Bars(f64),
}

/// Proof that an edit was accepted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Receipt {
    /// Number of the edit, rising by one with each; of a batch, that of its last part.
    pub seq: u64,
    /// Number of a batch's first part; the same as `seq` for anything else.
    pub first: u64,
    /// Where it acts, in cycles, if it has a time.
    pub position: Option<f64>,
}

/// Why an edit was refused. Nothing has changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EditError {
    /// The pattern does not compile.
    #[error(transparent)]
    Pattern(#[from] CompileError),
    /// The graph cannot be so.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The automation's shape cannot be.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// Something is wrong at a place of the request.
    #[error("{}", .0.message)]
    Fault(Fault),
    /// More of something than the engine holds.
    #[error("too many {what} (the most is {limit})")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The most there may be.
        limit: usize,
    },
    /// A value that makes no sense.
    #[error("{field}: expected {expected}")]
    Value {
        /// Name of the field.
        field: &'static str,
        /// What would be right.
        expected: &'static str,
    },
}

/// Why a session document was refused. The session is as it was.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LoadError {
    /// Not JSON of the right shape.
    #[error("session not understood at {place}: {message}")]
    Malformed {
        /// JSON path or line and column.
        place: String,
        /// What is wrong.
        message: String,
    },
    /// Written by a newer version.
    #[error(
        "session was written by a newer krach (format {version}); it is kept as it is, update the plugin to play it"
    )]
    Newer {
        /// Its version.
        version: u32,
    },
    /// Well-formed, but it cannot play.
    #[error("session cannot play: {place}: {error}")]
    Invalid {
        /// JSON path.
        place: String,
        /// Why.
        error: EditError,
    },
}

impl From<Fault> for EditError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<SceneEdit> for Edit {
    fn from(edit: SceneEdit) -> Self {
        Self::Scene(edit)
    }
}

impl From<Setting> for Edit {
    fn from(setting: Setting) -> Self {
        Self::Setting(setting)
    }
}

impl From<(&str, &AutomationState)> for Edit {
    /// The edit that sets the automation of that id.
    fn from((id, automation): (&str, &AutomationState)) -> Self {
        Self::SetAutomation {
            id: id.to_owned(),
            label: automation.label.clone(),
            shape: automation.shape.clone(),
            lo: automation.lo,
            hi: automation.hi,
            period: automation.period,
            one_shot: automation.one_shot,
        }
    }
}
