//! What each value of a pattern does.

use crate::limits::NONE;
use crate::symbol::Symbol;

/// What a pattern value does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// Sets a control.
    Control {
        /// The label as written.
        label: Symbol,
        /// The label within the slot's node.
        within: Symbol,
        /// The part of a note that it is there, if no control has its name.
        part: Symbol,
        /// What it is called there otherwise: `gain` for `vel`.
        or: Symbol,
        /// It is part of a note: its unit opens a gate.
        note: bool,
        /// It opens a gate that its unit also closes, and its pattern may lose that end.
        ends: bool,
        /// The value; without meaning where there is a name.
        value: f32,
        /// The name of the value, among those that the control's values have.
        name: Option<Symbol>,
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
    Ignored,
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
