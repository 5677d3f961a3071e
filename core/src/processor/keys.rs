//! What a node with a single voice does with several keys of the host: the last one sounds, and where it is
//! let go, the one before that is still held.
//!
//! Only where the node says what it wants of keys that overlap (`legato`): with `true` the gate stays
//! open from the first key to the last, with `false` each key opens it anew; going back never does.
//! Where the node says nothing the last key alone counts.

use super::host_events::Expression;
use super::host_notes::part_of;
use super::voice_allocation::VoiceAllocator;
use crate::limits::NONE;
use crate::voice::{HeldKey, HostNote, Phase};

/// How a key joins what is held.
pub(super) enum Pressed {
    /// The note of this voice goes on at another pitch.
    Onto(usize),
    /// The note of this voice begins again.
    Again(usize),
    /// It is a note by itself.
    Apart,
}

impl VoiceAllocator<'_> {
    /// A key goes down. The one that sounded is remembered; without room the oldest is forgotten.
    pub fn press(&mut self, key: &HeldKey) -> Pressed {
        let (1, Some(legato), true) = (self.limit, self.legato, self.parts.gate != NONE) else {
            return Pressed::Apart;
        };
        let held = self.voices.iter().position(|v| v.host.is_some() && v.phase == Phase::Held);
        let Some(at) = held else { return Pressed::Apart };
        let told = |part: u32| self.voices[at].held.get(part as usize).copied().flatten();
        let pressure = told(part_of(&self.parts, Expression::Pressure));
        let brightness = told(part_of(&self.parts, Expression::Brightness));
        let voice = &mut self.voices[at];
        let next = legato.then_some(key.note);
        let Some(note) = std::mem::replace(&mut voice.host, next) else { return Pressed::Apart };
        if voice.keys.capacity() == 0 {
            self.notes.end(note);
        } else {
            if voice.keys.len() == voice.keys.capacity() {
                self.notes.end(voice.keys.remove(0).note);
            }
            voice.keys.push(HeldKey { note, pressure, brightness });
        }
        if legato { Pressed::Onto(at) } else { Pressed::Again(at) }
    }

    /// A voice's note is let go: it goes on with the last key that is still held. `false`: there is none.
    pub fn go_back(&mut self, at: usize) -> bool {
        let voice = &mut self.voices[at];
        if self.legato.is_none() || voice.phase != Phase::Held {
            return false;
        }
        let Some(key) = voice.keys.pop() else { return false };
        if let Some(over) = voice.host.replace(key.note) {
            self.notes.end(over);
        }
        self.sound_key(at, &key);
        true
    }

    /// A voice has the pitch of a key, and what was said of it.
    pub fn sound_key(&mut self, at: usize, key: &HeldKey) {
        self.hold_part(at, self.parts.freq, key.note.frequency());
        for (which, value) in [(Expression::Pressure, key.pressure), (Expression::Brightness, key.brightness)]
        {
            if let Some(value) = value {
                self.hold_part(at, part_of(&self.parts, which), value);
            }
        }
    }

    /// Keys that wait are up: nothing goes back to them.
    pub fn forget_keys(&mut self, which: impl Fn(&HostNote) -> bool) {
        let notes = &mut *self.notes;
        for voice in self.voices.iter_mut() {
            voice.keys.retain(|key| {
                let gone = which(&key.note);
                if gone {
                    notes.end(key.note);
                }
                !gone
            });
        }
    }

    /// Keys that wait have this expression when their turn comes.
    pub fn express_keys(&mut self, which: impl Fn(&HostNote) -> bool, expression: Expression, value: f32) {
        for key in self.voices.iter_mut().flat_map(|v| &mut v.keys).filter(|key| which(&key.note)) {
            match expression {
                Expression::Pressure => key.pressure = Some(value),
                Expression::Brightness => key.brightness = Some(value),
                _ => {}
            }
        }
    }
}
