//! Events that come with a block and go back with it.

use clap_sys::events::{
    CLAP_CORE_EVENT_SPACE_ID, CLAP_EVENT_MIDI, CLAP_EVENT_PARAM_MOD, CLAP_EVENT_PARAM_VALUE,
    CLAP_EVENT_TRANSPORT, clap_event_header, clap_event_midi, clap_event_param_mod, clap_event_param_value,
    clap_event_transport, clap_input_events, clap_output_events,
};
use krach_core::processor::MidiEvent;

/// What we read of the host's events. Notes and their expressions are accepted and skipped: no node
/// plays them yet.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// The transport from this frame on.
    Transport(clap_event_transport),
    /// A parameter's value in the host's range.
    Value {
        /// The parameter's number.
        id: u32,
        /// The value.
        value: f64,
    },
    /// An offset to a parameter's value, in the host's range, until the next.
    Modulation {
        /// The parameter's number.
        id: u32,
        /// The offset.
        amount: f64,
    },
    /// A MIDI message.
    Midi([u8; 3]),
}

/// Calls `on` with each event of a block that we read, in order, with its frame, at most `last`.
///
/// # Safety
/// `events` is null or the host's, valid for this call.
pub unsafe fn read(events: *const clap_input_events, last: u32, mut on: impl FnMut(u32, Event)) {
    // SAFETY: as promised by the caller.
    let Some(list) = (unsafe { events.as_ref() }) else { return };
    let (Some(size), Some(get)) = (list.size, list.get) else { return };
    // SAFETY: the host's own list.
    for index in 0..unsafe { size(list) } {
        // SAFETY: an index below the size; the event is valid until the call of `process` or `flush` ends.
        if let Some((frame, event)) = unsafe { decode(get(list, index)) } {
            on(frame.min(last), event);
        }
    }
}

/// # Safety
/// `raw` is null or an event of as many bytes as its header says.
unsafe fn decode(raw: *const clap_event_header) -> Option<(u32, Event)> {
    // SAFETY: as promised by the caller.
    let header = unsafe { raw.as_ref() }?;
    let holds = |bytes: usize| header.size as usize >= bytes;
    if header.space_id != CLAP_CORE_EVENT_SPACE_ID {
        return None;
    }
    let event = match header.type_ {
        CLAP_EVENT_TRANSPORT if holds(size_of::<clap_event_transport>()) => {
            // SAFETY: type and size are those of a transport.
            Event::Transport(unsafe { raw.cast::<clap_event_transport>().read() })
        }
        CLAP_EVENT_PARAM_VALUE if holds(size_of::<clap_event_param_value>()) => {
            // SAFETY: type and size are those of a value.
            let event = unsafe { raw.cast::<clap_event_param_value>().read() };
            Event::Value { id: event.param_id, value: event.value }
        }
        CLAP_EVENT_PARAM_MOD if holds(size_of::<clap_event_param_mod>()) => {
            // SAFETY: type and size are those of a modulation.
            let event = unsafe { raw.cast::<clap_event_param_mod>().read() };
            // Modulation of single notes is not for parameters of the whole instance.
            if event.note_id != -1 {
                return None;
            }
            Event::Modulation { id: event.param_id, amount: event.amount }
        }
        CLAP_EVENT_MIDI if holds(size_of::<clap_event_midi>()) => {
            // SAFETY: type and size are those of a MIDI message.
            Event::Midi(unsafe { raw.cast::<clap_event_midi>().read() }.data)
        }
        _ => return None,
    };
    Some((header.time, event))
}

/// Hands MIDI messages to the host in the order given, frames at most `last`. What the host has no
/// room for is lost.
///
/// # Safety
/// `events` is null or the host's, valid for this call.
pub unsafe fn write_midi(events: *const clap_output_events, last: u32, midi: &[MidiEvent]) {
    // SAFETY: as promised by the caller.
    let Some(list) = (unsafe { events.as_ref() }) else { return };
    let Some(try_push) = list.try_push else { return };
    for message in midi {
        let event = clap_event_midi {
            header: clap_event_header {
                size: size_of::<clap_event_midi>() as u32,
                time: message.offset.min(last),
                space_id: CLAP_CORE_EVENT_SPACE_ID,
                type_: CLAP_EVENT_MIDI,
                flags: 0,
            },
            port_index: 0,
            data: message.bytes,
        };
        // SAFETY: the host copies the event; the pointer is to the whole of it.
        unsafe { try_push(list, (&raw const event).cast()) };
    }
}
