//! Records of a session: slots, automations, texts of types, what goes in and out.

use super::settings::Period;
use crate::automation::ShapeSpec;
use krach_patterns::{Pattern, Swing};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A slot.
#[derive(Clone, Debug, PartialEq)]
pub struct SlotState {
    /// Its pattern.
    pub pattern: Arc<Pattern>,
    /// Swing around the pattern; `None` is straight.
    pub swing: Option<Swing>,
    /// Not hushed.
    pub playing: bool,
    /// The pattern's cycle 0 is where it began, not the clock's cycle 0.
    pub from_zero: bool,
    /// Where it began, in cycles, once known.
    pub origin: Option<f64>,
}

/// Base values by path `node/control`. Copies share what is equal in them.
pub type Values = imbl::OrdMap<String, f64>;

/// An automation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AutomationState {
    /// The control it drives, by label or path.
    pub label: String,
    /// The waveform.
    pub shape: ShapeSpec,
    /// Value at the shape's 0.
    pub lo: f64,
    /// Value at the shape's 1.
    pub hi: f64,
    /// Length of one period: `period_secs` or `bars`.
    #[serde(flatten)]
    pub period: Period,
    /// Ends after one period.
    #[serde(default, skip_serializing_if = "is_default")]
    pub one_shot: bool,
}

/// What of the plugin's input is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct InputState {
    /// One channel for both sides; `None` is both as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<u32>,
}

/// The text that a type was made from: with it the session sounds the same anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TypeSource {
    /// The text.
    pub text: String,
    /// What it imports, beyond the language's own libraries: text by the path that names it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub imports: BTreeMap<String, String>,
    /// It has no file: this is the only copy, and is kept also while no node uses it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub own: bool,
    /// It came with the program that saved it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub factory: bool,
}

/// A controller mapping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MidiMapState {
    /// MIDI channel.
    pub channel: u8,
    /// Controller number.
    pub cc: u8,
    /// The control it moves.
    pub label: String,
    /// Value at controller 0.
    pub lo: f64,
    /// Value at controller 127.
    pub hi: f64,
}

/// A route of the host's notes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct NoteRouteState {
    /// MIDI channel, 0…15; none: all channels without a route of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<u8>,
    /// Id of the node.
    pub node: String,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
