//! What methods answer: the `result` of each. The page and the schema are made from these types.

mod sounds;

use std::collections::BTreeMap;

use krach_core::edit::Receipt;
use krach_core::graph::{Connection, GraphNode, Rest};
use krach_core::ir::ModuleIr;
use krach_core::model::{ClockSource, MidiMapState, Start};
use krach_core::notice::SlotStatus;
use krach_patterns::Value as PatternValue;
use serde::Serialize;
use serde_json::Value;

use super::desk;
use crate::library::Failure;
pub(crate) use sounds::*;

/// A time in cycles, `[numerator, denominator]`.
pub(crate) type Fraction = [i64; 2];

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Captured {
    /// The session, as a ModuleIr.
    #[cfg_attr(test, schemars(schema_with = "document"))]
    pub module: ModuleIr,
}

/// Documents have a schema of their own.
#[cfg(test)]
fn document(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"$ref": "module.schema.json"})
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Instantiated {
    /// What the names got before them.
    pub prefix: String,
    /// Names of the nodes that came.
    pub nodes: Vec<String>,
    /// Nodes that hear what is sent into the module; null if the document declares none.
    pub inputs: Option<Vec<String>>,
    /// Nodes that sound out of it; null if the document declares none.
    pub outputs: Option<Vec<String>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Undone {
    /// What it was; null at the start.
    pub undone: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Redone {
    /// What it is; null at the end.
    pub redone: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct History {
    /// What was done, oldest first, the last 1000.
    pub steps: Vec<String>,
    /// Number of the first of them, from 0.
    pub first: usize,
    /// How many are done; those beyond were undone.
    pub done: usize,
    /// What `undo` would take back.
    pub undo: Option<String>,
    /// What `redo` would do again.
    pub redo: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Results {
    /// What each answers beside `position` and `seq`, in order.
    pub results: Vec<Value>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Adopted {
    /// Nodes that the session has now.
    pub adopted: Vec<String>,
    /// What stays raw.
    pub left: Vec<Left>,
    /// What is said otherwise now, though it sounds the same.
    pub notes: Vec<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Left {
    /// Its id.
    pub node: String,
    /// The reason.
    pub why: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Meant {
    /// The nodes that were meant.
    pub nodes: Vec<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Described {
    /// Each node, in the order they were added.
    pub nodes: Vec<Node>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Node {
    /// Its name.
    pub name: String,
    /// What its source is: `type`, `graph` or `faust`.
    pub source: &'static str,
    /// The type that plays.
    #[serde(rename = "type")]
    pub type_id: String,
    /// `ready`, `pending` (being compiled) or `failed`.
    pub state: &'static str,
    /// Voices.
    pub count: u32,
    /// What one voice does with keys that overlap: true goes on, false begins again; both go back to the key
    /// that is still held. Null: the last key alone counts.
    pub legato: Option<bool>,
    /// Whether one voice may rest when it has fallen silent: `auto` or `never`. Null: it never does.
    pub rest: Option<Rest>,
    /// Fader, linear.
    pub gain: f64,
    /// Silent.
    pub muted: bool,
    /// Heard alone.
    pub solo: bool,
    /// A traced function on one channel is played on both.
    pub stereo: bool,
    /// Heard by itself.
    pub to_master: bool,
    /// Its slot plays.
    pub playing: bool,
    /// Where it is sent, after the fader.
    pub sends: Vec<Send>,
    /// Where it is wired, before the fader.
    pub wires: Vec<Wire>,
    /// Every control; null while nobody knows them.
    pub controls: Option<Vec<ControlNow>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Send {
    /// The node that hears it.
    pub target: String,
    /// Linear, 0 to 16.
    pub level: f64,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Wire {
    /// The node that hears it.
    pub target: String,
    /// Its input.
    pub port: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ControlNow {
    /// What it is, and its range.
    #[serde(flatten)]
    pub control: Control,
    /// What `set` and patterns call it: `node/control`.
    pub path: String,
    /// Base value.
    pub value: f64,
    /// What moves it by itself, if anything does.
    pub moved_by: Option<Mover>,
    /// Controllers that move it.
    pub midi: Vec<Cc>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mover {
    /// An automation, by its name.
    Automation(String),
    /// A pattern, by its slot.
    Pattern(String),
}

#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Cc {
    /// 0 to 15.
    pub channel: u8,
    /// 0 to 127.
    pub cc: u8,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Played {
    /// Events that a cycle of it has at most.
    pub events_per_cycle: u32,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Queried {
    /// Begin of the window.
    pub from: Fraction,
    /// Its end.
    pub to: Fraction,
    /// What plays in it.
    pub events: Vec<Drawn>,
    /// Events that a cycle of the pattern has at most.
    pub events_per_cycle: u32,
    /// Of a slot: it is not hushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub playing: Option<bool>,
    /// Of a slot: position in the song of the pattern's cycle 0, in cycles; null until it has begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Option<f64>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Drawn {
    /// From when to when it lasts.
    pub whole: [Fraction; 2],
    /// What of that is in the window, within one cycle.
    pub part: [Fraction; 2],
    /// It begins here.
    pub onset: bool,
    /// What it plays.
    pub value: PatternValue,
    /// Number of its note or chord in this answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<u32>,
    /// The bytes of text that it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<[u32; 2]>,
    /// Values of a continuous control, evenly spread over the part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub curve: Option<Vec<f64>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct MidiList {
    /// Who plays the host's notes.
    pub routes: Vec<NoteRoute>,
    /// What controllers move.
    pub maps: Vec<MidiMapState>,
    /// What waits for a controller.
    pub learning: Option<Learning>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct NoteRoute {
    /// 0 to 15, or `"omni"`.
    pub channel: Channel,
    /// The node.
    pub node: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(crate) enum Channel {
    Number(u8),
    Word(&'static str),
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Learning {
    /// The control.
    pub label: String,
    /// Value at 0.
    pub lo: f64,
    /// Value at 127.
    pub hi: f64,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Transport {
    /// Free-run tempo, quarter notes per minute.
    pub tempo: f64,
    /// Quarter notes per cycle, or `"host"`.
    pub meter: Meter,
    /// Quarter notes per cycle; of the host's bar while `meter` is `"host"`.
    pub beats_per_cycle: f64,
    /// Time is kept while the host stands.
    pub free_run: bool,
    /// Added to the seeds of all patterns.
    pub seed: u64,
    /// Whose clock.
    pub clock: ClockSource,
    /// MIDI clock on the MIDI output.
    pub midi_clock: bool,
    /// What nodes do where time starts from standstill.
    pub start: Start,
    /// Where OSC messages go.
    pub osc_target: Option<String>,
    /// Where time is.
    pub position: Moment,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(crate) enum Meter {
    Beats(f64),
    Named(&'static str),
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Moment {
    /// Cycles from 0.
    pub cycles: f64,
    /// Time moves.
    pub running: bool,
    /// The clock that moves is our own.
    pub free_running: bool,
    /// Quarter notes per minute, now.
    pub tempo: f64,
    /// The host's bar.
    pub bar: Bar,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Bar {
    /// A bar line, in cycles.
    pub start: f64,
    /// Its length, in cycles.
    pub cycles: f64,
}

/// The State object; fields beyond those that existing clients know are ours.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct State<'a> {
    /// `State`.
    pub status: &'static str,
    /// The nodes: those of a raw graph, then those of the session by their names.
    pub nodes: Vec<GraphNode>,
    /// Connections between these; a send is one of its node.
    pub connections: Vec<Connection>,
    /// Label to node and control.
    pub exposed_controls: BTreeMap<String, (String, String)>,
    /// Base values by label.
    pub control_values: BTreeMap<String, f64>,
    /// All slots ever played, hushed ones too.
    pub slots: Vec<SlotStatus>,
    /// Tempo, meter, master.
    pub transport: StateTransport,
    /// The instance's id.
    pub instance: &'a str,
    /// Its name.
    pub name: String,
    /// The engine panicked and is silent.
    pub stopped: bool,
    /// Names of nodes that are silenced.
    pub silenced: Vec<String>,
    /// What is wrong with the socket.
    pub socket_problem: Option<String>,
    /// What is wrong, and what went wrong lately, newest last. What is over is not listed.
    pub problems: Vec<&'a str>,
    /// What is wrong with FAUST sounds; null where there are none.
    pub sounds: Option<StateSounds>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StateTransport {
    /// Free-run tempo.
    pub bpm: f64,
    /// Quarter notes per cycle.
    pub meter: f64,
    /// Loudness of everything, linear.
    pub master: f64,
    /// Whose clock.
    pub clock_source: ClockSource,
    /// Time moves.
    pub running: bool,
    /// Time is kept while the host stands.
    pub free_run: bool,
    /// The clock that moves is our own.
    pub free_running: bool,
    /// Position in cycles.
    pub cycles: f64,
    /// Quarter notes per minute, now.
    pub tempo: f64,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StateSounds {
    /// Sounds that do not compile.
    pub failures: Vec<Failure>,
    /// What is wrong with their folder.
    pub problem: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Synced {
    /// True.
    pub synced: bool,
    /// Where time is, in cycles.
    pub position: f64,
    /// Edits of this connection that could not act, told once.
    pub failed: Vec<FailedEdit>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FailedEdit {
    /// Its number.
    pub seq: u64,
    /// Why.
    pub message: String,
}

/// What was accepted.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Accepted {
    /// Where it acts, in cycles; null at once.
    pub position: Option<f64>,
    /// Number of the edit.
    pub seq: u64,
}

impl From<Receipt> for Accepted {
    fn from(Receipt { position, seq, .. }: Receipt) -> Self {
        Self { position, seq }
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TimedReply {
    /// As the older family answers.
    pub reply: OkReply,
    #[serde(flatten)]
    pub accepted: Accepted,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct OkReply {
    /// `Ok`.
    pub status: &'static str,
    /// What was done.
    pub msg: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Topics {
    /// All that the connection has now.
    pub topics: Vec<&'static str>,
}

impl Topics {
    pub(super) fn of(connection: &desk::Connection) -> Self {
        Self { topics: connection.topics.iter().copied().collect() }
    }
}
