//! OSC messages of patterns: prepared when the pattern is sent to audio, handed out when they are due.

use super::Engine;
use crate::osc::{OscMessage, encode};
use crate::processor::{Action, Garbage};
use krach_patterns::{Program, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// Messages that wait for [`Engine::take_osc`]; more are lost, the newest first.
const MAX_OSC: usize = 8192;

/// The message of each of a program's values, if it has one.
pub(super) type Packets = Vec<Option<Arc<[u8]>>>;

/// OSC messages of the patterns that audio has.
#[derive(Default)]
pub(super) struct Outbox {
    /// By the number of the pattern that plays them.
    pub packets: HashMap<u64, Packets>,
    /// Those that are to be sent.
    pub due: Vec<OscMessage>,
}

impl Engine {
    /// The OSC messages that have come due since the last call, in the order of their time. They have
    /// been rendered already: they are to be sent at once. None while the session has no OSC target.
    pub fn take_osc(&mut self) -> Vec<OscMessage> {
        std::mem::take(&mut self.outbox.due)
    }

    /// Some pattern may send OSC messages: tick every 1–2 ms, they are late by as much.
    pub fn plays_osc(&self) -> bool {
        self.audio.is_some() && self.session.settings.osc_target.is_some() && !self.outbox.packets.is_empty()
    }

    /// Prepares the messages of a pattern that goes to audio under that number.
    pub(super) fn prepare_osc(&mut self, serial: u64, program: &Program) {
        let packets: Packets = program.values().iter().map(packet).collect();
        if packets.iter().any(Option::is_some) {
            self.outbox.packets.insert(serial, packets);
        }
    }

    pub(super) fn osc_is_due(&mut self, sample: i64, serial: u64, value: u32) {
        if self.session.settings.osc_target.is_none() || self.outbox.due.len() >= MAX_OSC {
            return;
        }
        if let Some(Some(packet)) =
            self.outbox.packets.get(&serial).and_then(|packets| packets.get(value as usize))
        {
            self.outbox.due.push(OscMessage { sample, packet: packet.clone() });
        }
    }

    /// Audio is done with a pattern.
    pub(super) fn forget_osc_of(&mut self, garbage: Option<&Garbage>) {
        if let Some(Garbage::Slot(pattern)) = garbage {
            self.outbox.packets.remove(&pattern.serial);
        }
    }

    /// Audio never played a pattern.
    pub(super) fn forget_osc_unheard(&mut self, action: &Action) {
        if let Action::Slot { pattern, .. } = action {
            self.outbox.packets.remove(&pattern.serial);
        }
    }
}

/// Is this an OSC message for the outside, and not one of the engine's own two?
pub(super) fn packet(value: &Value) -> Option<Arc<[u8]>> {
    match value {
        Value::Osc { address, .. } if matches!(address.as_str(), "/audio/set" | "/audio/gain") => None,
        Value::Osc { address, args } => encode(address, args).map(Into::into),
        _ => None,
    }
}
