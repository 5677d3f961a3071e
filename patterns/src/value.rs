//! What an event says: a note, a controller, an OSC message or a control's new value.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{MAX_LABEL, schema};

/// The payload of an atom. In JSON tagged by `type`; whole numbers are accepted for floats.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "type")]
#[schemars(transform = schema::by_tag("type"))]
pub enum Value {
    /// A MIDI note, for the host's MIDI output.
    Note {
        /// MIDI channel, 0–15.
        #[schemars(range(max = 15))]
        channel: u8,
        /// Key, 0–127; 60 is C4.
        #[schemars(range(max = 127))]
        note: u8,
        /// Velocity, 0–127.
        #[schemars(range(max = 127))]
        velocity: u8,
        /// How long it sounds, in cycles, 0 or more.
        #[schemars(range(min = 0))]
        dur: f64,
    },
    /// A MIDI control change.
    Cc {
        /// MIDI channel, 0–15.
        #[schemars(range(max = 15))]
        channel: u8,
        /// Controller number, 0–127.
        #[schemars(range(max = 127))]
        controller: u8,
        /// Value, 0–127.
        #[schemars(range(max = 127))]
        value: u8,
    },
    /// An OSC message.
    Osc {
        /// The address, such as `/audio/set`.
        address: String,
        /// Its arguments, in order.
        #[schemars(default)]
        args: Vec<OscArg>,
    },
    /// A control of a node takes a new value and holds it until the next event.
    Control {
        /// `<node>/<control>`, or one of the unbound names `gate`, `freq`, `vel`, …
        #[schemars(length(max = MAX_LABEL))]
        label: String,
        /// The value, in the control's own unit. A compiled program holds it rounded to `f32`,
        /// the precision that controls have in the audio graph.
        value: f64,
    },
    /// A control takes the value of one of its names, such as `saw` of a waveform, and holds it until the next event.
    /// Programs alone have it: in a tree it is a `Name` below a `Label`. What value a name has is known where the
    /// control is.
    #[serde(rename = "Control")]
    #[schemars(skip)]
    Named {
        /// As of a `Control`.
        label: String,
        /// The name.
        #[serde(rename = "value")]
        name: String,
    },
}

/// One argument of an OSC message: `{"Float":x}`, `{"Int":i}` or `{"Str":s}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub enum OscArg {
    /// A float (sent as `f32`).
    Float(f64),
    /// A whole number (sent as `i32`).
    Int(i64),
    /// A string.
    Str(String),
}
