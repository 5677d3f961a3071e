//! Events that go into and come out of a plugin, as plain data.

use clack_host::events::event_types::{
    MidiEvent, NoteChokeEvent, NoteExpressionEvent, NoteExpressionType, NoteOffEvent, NoteOnEvent,
    ParamModEvent, ParamValueEvent, TransportEvent,
};
use clack_host::events::io::{EventBuffer, OutputEventBuffer, TryPushError};
use clack_host::events::spaces::CoreEventSpace;
use clack_host::events::{Match, Pckn, UnknownEvent};
use clack_host::utils::ClapId;
use clap_sys::events::clap_event_transport;

/// What happens at one moment on a plugin's event input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum InputKind {
    /// A CLAP note on.
    NoteOn {
        /// MIDI channel, 0–15.
        channel: u16,
        /// MIDI key, 0–127.
        key: u16,
        /// Velocity, 0–1.
        velocity: f64,
    },
    /// A CLAP note off.
    NoteOff {
        /// MIDI channel, 0–15.
        channel: u16,
        /// MIDI key, 0–127.
        key: u16,
        /// Release velocity, 0–1.
        velocity: f64,
    },
    /// A CLAP note choke: silence now.
    NoteChoke {
        /// MIDI channel, 0–15.
        channel: u16,
        /// MIDI key, 0–127.
        key: u16,
    },
    /// A CLAP note on with a number by which the host speaks of it later.
    NumberedNoteOn {
        /// The number.
        note_id: u32,
        /// MIDI channel, 0–15.
        channel: u16,
        /// MIDI key, 0–127.
        key: u16,
        /// Velocity, 0–1.
        velocity: f64,
    },
    /// The note off of a numbered note.
    NumberedNoteOff {
        /// The number.
        note_id: u32,
    },
    /// The choke of a numbered note.
    NumberedChoke {
        /// The number.
        note_id: u32,
    },
    /// An expression of a numbered note.
    Expression {
        /// The number.
        note_id: u32,
        /// CLAP's id of the expression: 0 volume, 1 pan, 2 tuning, 3 vibrato, 4 expression,
        /// 5 brightness, 6 pressure.
        expression: i32,
        /// Its value, in CLAP's units.
        value: f64,
    },
    /// A MIDI 1.0 message.
    Midi([u8; 3]),
    /// A parameter takes this plain value.
    Param {
        /// The parameter's id.
        id: u32,
        /// Its plain (not normalised) value.
        value: f64,
    },
    /// A parameter is modulated by this much.
    ParamMod {
        /// The parameter's id.
        id: u32,
        /// Plain amount, added to the value.
        amount: f64,
    },
}

/// An input event with its place in a block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InputEvent {
    /// Frames from the start of the block.
    pub offset: u32,
    /// What happens.
    pub kind: InputKind,
}

/// What a plugin sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OutputKind {
    /// A CLAP note on.
    NoteOn {
        /// MIDI channel.
        channel: i16,
        /// MIDI key.
        key: i16,
        /// Velocity, 0–1.
        velocity: f64,
    },
    /// A CLAP note off.
    NoteOff {
        /// MIDI channel.
        channel: i16,
        /// MIDI key.
        key: i16,
        /// Release velocity, 0–1.
        velocity: f64,
    },
    /// A voice has come to its end.
    NoteEnd {
        /// MIDI channel.
        channel: i16,
        /// MIDI key.
        key: i16,
        /// The host's number for it, or -1.
        note_id: i32,
    },
    /// A MIDI 1.0 message.
    Midi([u8; 3]),
    /// The plugin changed a parameter.
    Param {
        /// The parameter's id.
        id: u32,
        /// Its plain value.
        value: f64,
    },
    /// Something else.
    Other {
        /// Event space.
        space: u16,
        /// Event type within the space.
        event_type: u16,
    },
}

/// An event that a plugin sent, with the frame on which it acts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutputEvent {
    /// Frames since the first frame that was ever processed.
    pub frame: u64,
    /// Offset within its block, as the plugin gave it.
    pub offset: u32,
    /// What was sent.
    pub kind: OutputKind,
}

/// The input side of one block: CLAP's event list, filled without allocating up to its capacity.
pub(crate) struct InputList {
    buffer: EventBuffer,
}

impl InputList {
    pub(crate) fn with_capacity(events: usize) -> Self {
        Self { buffer: EventBuffer::with_capacity(events) }
    }

    /// Fills the list in time order; on one offset the transport comes first.
    pub(crate) fn fill(&mut self, changes: &[clap_event_transport], events: &[InputEvent]) {
        self.buffer.clear();
        for change in changes {
            self.buffer.push(TransportEvent::from_raw_ref(change));
        }
        for event in events {
            self.push(event);
        }
        self.buffer.sort();
    }

    fn push(&mut self, event: &InputEvent) {
        let time = event.offset;
        let numbered = |note_id: u32| Pckn::new(Match::All, Match::All, Match::All, note_id);
        let note = |channel: u16, key: u16| Pckn::new(0_u16, channel, key, Match::All);
        match event.kind {
            InputKind::NoteOn { channel, key, velocity } => {
                self.buffer.push(&NoteOnEvent::new(time, note(channel, key), velocity))
            }
            InputKind::NoteOff { channel, key, velocity } => {
                self.buffer.push(&NoteOffEvent::new(time, note(channel, key), velocity))
            }
            InputKind::NoteChoke { channel, key } => {
                self.buffer.push(&NoteChokeEvent::new(time, note(channel, key)))
            }
            InputKind::NumberedNoteOn { note_id, channel, key, velocity } => {
                let note = Pckn::new(0_u16, channel, key, note_id);
                self.buffer.push(&NoteOnEvent::new(time, note, velocity));
            }
            InputKind::NumberedNoteOff { note_id } => {
                self.buffer.push(&NoteOffEvent::new(time, numbered(note_id), 0.0));
            }
            InputKind::NumberedChoke { note_id } => {
                self.buffer.push(&NoteChokeEvent::new(time, numbered(note_id)));
            }
            InputKind::Expression { note_id, expression, value } => {
                if let Some(expression) = NoteExpressionType::from_raw(expression) {
                    self.buffer.push(&NoteExpressionEvent::new(time, numbered(note_id), expression, value));
                }
            }
            InputKind::Midi(data) => self.buffer.push(&MidiEvent::new(time, 0, data)),
            InputKind::Param { id, value } => {
                if let Some(id) = ClapId::from_raw(id) {
                    self.buffer.push(&ParamValueEvent::new(time, id, Pckn::match_all(), value));
                }
            }
            InputKind::ParamMod { id, amount } => {
                if let Some(id) = ClapId::from_raw(id) {
                    self.buffer.push(&ParamModEvent::new(time, id, Pckn::match_all(), amount));
                }
            }
        }
    }

    pub(crate) fn buffer(&self) -> &EventBuffer {
        &self.buffer
    }
}

/// The output side: everything a plugin sends, with absolute frames, without allocating: what does
/// not fit is refused, as a full host queue would, and counted.
pub(crate) struct OutputList {
    pub(crate) events: Vec<OutputEvent>,
    pub(crate) block_start: u64,
    pub(crate) refused: u64,
}

impl OutputList {
    pub(crate) fn with_capacity(events: usize) -> Self {
        Self { events: Vec::with_capacity(events), block_start: 0, refused: 0 }
    }
}

impl OutputEventBuffer for OutputList {
    fn try_push(&mut self, event: &UnknownEvent) -> Result<(), TryPushError> {
        if self.events.len() == self.events.capacity() {
            self.refused += 1;
            return Err(TryPushError::new());
        }
        let header = event.header();
        self.events.push(OutputEvent {
            frame: self.block_start + u64::from(header.time()),
            offset: header.time(),
            kind: read(event),
        });
        Ok(())
    }
}

fn read(event: &UnknownEvent) -> OutputKind {
    match event.as_core_event() {
        Some(CoreEventSpace::NoteOn(note)) => OutputKind::NoteOn {
            channel: note.pckn().raw_channel(),
            key: note.pckn().raw_key(),
            velocity: note.velocity(),
        },
        Some(CoreEventSpace::NoteOff(note)) => OutputKind::NoteOff {
            channel: note.pckn().raw_channel(),
            key: note.pckn().raw_key(),
            velocity: note.velocity(),
        },
        Some(CoreEventSpace::NoteEnd(note)) => {
            let pckn = note.pckn();
            OutputKind::NoteEnd {
                channel: pckn.raw_channel(),
                key: pckn.raw_key(),
                note_id: pckn.raw_note_id(),
            }
        }
        Some(CoreEventSpace::Midi(midi)) => OutputKind::Midi(midi.data()),
        Some(CoreEventSpace::ParamValue(param)) => {
            OutputKind::Param { id: param.param_id().map_or(u32::MAX, ClapId::get), value: param.value() }
        }
        _ => OutputKind::Other {
            space: event.header().space_id().map_or(u16::MAX, |id| id.id()),
            event_type: event.header().type_id(),
        },
    }
}
