//! What events say: the fields beside `topic`. The page and the schema are made from these types.

use std::collections::BTreeMap;

use krach_patterns::Value as PatternValue;
use serde::Serialize;
use serde_json::Value;

use crate::library::Failure;
use crate::protocol::interface::Milliseconds;

/// A sound has new code, and plays it from the next block on.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Compiled {
    /// Its type id.
    #[serde(rename = "type")]
    pub type_id: String,
    /// CRC-32 of its text.
    pub crc32: u32,
    /// `quick`, then `optimised`, which sounds the same.
    pub tier: &'static str,
    /// It was known already.
    pub cached: bool,
    /// Better code follows.
    pub more: bool,
    /// How long it took.
    pub ms: Milliseconds,
}

/// Something went wrong.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Problem {
    /// What, for the musician.
    pub message: String,
    /// What sounded before sounds on.
    pub still_playing: bool,
    /// Number of the edit that could not act when its time came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Of a sound that does not compile or cannot be played.
    #[serde(flatten)]
    pub sound: Option<Failure>,
}

/// A request has changed the session.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Logged {
    /// Number of the edit; of a batch, of its last part.
    pub seq: u64,
    /// Where it acts, in cycles; null at once.
    pub position: Option<f64>,
    /// A number for each connection; null if it was no client.
    pub client: Option<u64>,
    /// `jsonrpc`, `cmd` or `type`, as it was said; `host` or `window`.
    pub family: String,
    /// What was called; of `host` and `window` a label.
    pub method: String,
    /// As they were said; null of `host` and `window`.
    pub params: Value,
    /// BLAKE3 of the session's JSON after it, for who asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// A scene was recalled, by whomever.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Recalled {
    /// Its number.
    pub number: u8,
    /// Its name.
    pub name: String,
    /// Number of the edit that asked for it; null: the host's parameter or a program change did.
    pub seq: Option<u64>,
    /// It was not ready on its sample, and began as soon as it could.
    pub late: bool,
}

/// The session is another.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Changed {
    /// Number of the last edit.
    pub seq: u64,
    /// Rises with every change.
    pub revision: u64,
    /// What was done.
    pub label: Option<String>,
    /// What `undo` would take back.
    pub undo: Option<String>,
    /// What `redo` would do again.
    pub redo: Option<String>,
    /// Whose; null: the host's, the window's, or an edit whose time came.
    pub client: Option<u64>,
}

/// Where time is.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Transport {
    /// Cycles from 0.
    pub cycles: f64,
    /// Quarter notes from 0.
    pub beats: f64,
    /// The host's bars from 0; null before it has said any.
    pub bars: Option<f64>,
    /// Quarter notes per minute.
    pub tempo: f64,
    /// Quarter notes per cycle.
    pub beats_per_cycle: f64,
    /// Time moves.
    pub running: bool,
    /// The clock that moves is our own.
    pub free_running: bool,
}

/// Levels.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Meters {
    /// Left and right.
    pub master: [Level; 2],
    /// By name: a node of the session after its fader, a raw node at its output.
    pub nodes: BTreeMap<String, Level>,
    /// What bargraphs of nodes show, by `node/bargraph`.
    pub bargraphs: BTreeMap<String, f32>,
    /// Time taken by blocks.
    pub load: Load,
}

/// A level, linear, falling like a programme meter.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Level {
    /// Of the samples.
    pub peak: f32,
    /// Of their power.
    pub rms: f32,
}

/// Time taken by blocks as a share of the time they last.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Load {
    /// Over the last one to two seconds.
    pub mean: f32,
    /// The worst block of these.
    pub worst: f32,
    /// Blocks that took longer than they last.
    pub overruns: u64,
}

/// Patterns have begun something.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Onsets {
    /// What, in order, 256 at most.
    pub onsets: Vec<Onset>,
    /// How many beyond these.
    pub more: usize,
}

/// A note with all that it sets, or one value.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Onset {
    /// Whose pattern.
    pub slot: String,
    /// In cycles.
    pub position: f64,
    /// What it sets or plays.
    #[cfg_attr(test, schemars(schema_with = "crate::protocol::schema::all_played"))]
    pub values: Vec<PatternValue>,
    /// The bytes of text that it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<[u32; 2]>,
}

/// Lines are gone before this one, as they were not read.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Lost {
    /// How many.
    pub lines: u64,
    /// How many of these were of `compiles`, `errors` and `log`.
    pub lasting: u64,
}
