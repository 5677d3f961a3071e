//! Events that come with a block and go back with it.

use clap_sys::events::{
    CLAP_CORE_EVENT_SPACE_ID, CLAP_EVENT_MIDI, CLAP_EVENT_NOTE_CHOKE, CLAP_EVENT_NOTE_END,
    CLAP_EVENT_NOTE_EXPRESSION, CLAP_EVENT_NOTE_OFF, CLAP_EVENT_NOTE_ON, CLAP_EVENT_PARAM_MOD,
    CLAP_EVENT_PARAM_VALUE, CLAP_EVENT_TRANSPORT, CLAP_NOTE_EXPRESSION_BRIGHTNESS,
    CLAP_NOTE_EXPRESSION_EXPRESSION, CLAP_NOTE_EXPRESSION_PAN, CLAP_NOTE_EXPRESSION_PRESSURE,
    CLAP_NOTE_EXPRESSION_TUNING, CLAP_NOTE_EXPRESSION_VIBRATO, CLAP_NOTE_EXPRESSION_VOLUME,
    clap_event_header, clap_event_midi, clap_event_note, clap_event_note_expression, clap_event_param_mod,
    clap_event_param_value, clap_event_transport, clap_input_events, clap_note_expression,
    clap_output_events,
};
use krach_core::processor::{Expression, HostEventKind, MidiEvent, MidiOut, NoteAddress, NoteEnd};

/// What we read of the host's events.
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
    /// A note, something about notes, or a MIDI message.
    Played(HostEventKind),
}

/// Calls `on` with each event of a block that we read, in order, with its frame, at most `last`. Frames
/// never fall: an event that a host lists too late acts on the frame of the one before it.
///
/// # Safety
/// `events` is null or the host's, valid for this call.
pub unsafe fn read(events: *const clap_input_events, last: u32, mut on: impl FnMut(u32, Event)) {
    // SAFETY: as promised by the caller.
    let Some(list) = (unsafe { events.as_ref() }) else { return };
    let (Some(size), Some(get)) = (list.size, list.get) else { return };
    let mut frame = 0;
    // SAFETY: the host's own list.
    for index in 0..unsafe { size(list) } {
        // SAFETY: an index below the size; the event is valid until the call of `process` or `flush` ends.
        if let Some((time, event)) = unsafe { decode(get(list, index)) } {
            frame = time.min(last).max(frame);
            on(frame, event);
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
            Event::Played(HostEventKind::Midi(unsafe { raw.cast::<clap_event_midi>().read() }.data))
        }
        CLAP_EVENT_NOTE_ON | CLAP_EVENT_NOTE_OFF | CLAP_EVENT_NOTE_CHOKE
            if holds(size_of::<clap_event_note>()) =>
        {
            // SAFETY: type and size are those of a note.
            Event::Played(note(header.type_, &unsafe { raw.cast::<clap_event_note>().read() })?)
        }
        CLAP_EVENT_NOTE_EXPRESSION if holds(size_of::<clap_event_note_expression>()) => {
            // SAFETY: type and size are those of an expression.
            Event::Played(expression(&unsafe { raw.cast::<clap_event_note_expression>().read() })?)
        }
        _ => return None,
    };
    Some((header.time, event))
}

/// `None` for a note that cannot be: one that begins on no key or channel, or a velocity that is no number.
fn note(kind: u16, event: &clap_event_note) -> Option<HostEventKind> {
    let note = NoteAddress {
        port: event.port_index,
        channel: event.channel,
        key: event.key,
        note_id: event.note_id,
    };
    match kind {
        CLAP_EVENT_NOTE_ON => {
            let is_note = (0..16).contains(&note.channel) && (0..128).contains(&note.key);
            let velocity = event.velocity.clamp(0.0, 1.0);
            (is_note && velocity.is_finite()).then_some(HostEventKind::NoteOn { note, velocity })
        }
        CLAP_EVENT_NOTE_OFF => Some(HostEventKind::NoteOff(note)),
        _ => Some(HostEventKind::Choke(note)),
    }
}

/// `None` for an expression that is not known, or no number.
fn expression(event: &clap_event_note_expression) -> Option<HostEventKind> {
    const KNOWN: [(clap_note_expression, Expression, f64, f64); 7] = [
        (CLAP_NOTE_EXPRESSION_VOLUME, Expression::Volume, 0.0, 4.0),
        (CLAP_NOTE_EXPRESSION_PAN, Expression::Pan, 0.0, 1.0),
        (CLAP_NOTE_EXPRESSION_TUNING, Expression::Tuning, -120.0, 120.0),
        (CLAP_NOTE_EXPRESSION_VIBRATO, Expression::Vibrato, 0.0, 1.0),
        (CLAP_NOTE_EXPRESSION_EXPRESSION, Expression::Expression, 0.0, 1.0),
        (CLAP_NOTE_EXPRESSION_BRIGHTNESS, Expression::Brightness, 0.0, 1.0),
        (CLAP_NOTE_EXPRESSION_PRESSURE, Expression::Pressure, 0.0, 1.0),
    ];
    let (_, which, least, most) = KNOWN.into_iter().find(|(id, ..)| *id == event.expression_id)?;
    let note = NoteAddress {
        port: event.port_index,
        channel: event.channel,
        key: event.key,
        note_id: event.note_id,
    };
    let value = event.value.is_finite().then(|| event.value.clamp(least, most))?;
    Some(HostEventKind::Expression { note, which, value })
}

/// A parameter that went back by itself: on this frame it is 0 again.
#[derive(Clone, Copy, Debug)]
pub struct Fallen {
    /// Frame within the block.
    pub frame: u32,
    /// The parameter's number.
    pub id: u32,
}

/// Hands MIDI messages, ends of notes and what went back by itself to the host in the order of their
/// frames, at most `last`. What the host has no room for is lost.
///
/// # Safety
/// `events` is null or the host's, valid for this call.
pub unsafe fn write(events: *const clap_output_events, last: u32, out: &MidiOut, fallen: Option<Fallen>) {
    // SAFETY: as promised by the caller.
    let Some(list) = (unsafe { events.as_ref() }) else { return };
    let Some(try_push) = list.try_push else { return };
    let header = |size: usize, type_, offset: u32| clap_event_header {
        size: size as u32,
        time: offset.min(last),
        space_id: CLAP_CORE_EVENT_SPACE_ID,
        type_,
        flags: 0,
    };
    let end = |end: &NoteEnd| {
        let event = clap_event_note {
            header: header(size_of::<clap_event_note>(), CLAP_EVENT_NOTE_END, end.offset),
            note_id: end.note.note_id,
            port_index: end.note.port,
            channel: end.note.channel,
            key: end.note.key,
            velocity: 0.0,
        };
        // SAFETY: the host copies the event; the pointer is to the whole of it.
        unsafe { try_push(list, (&raw const event).cast()) };
    };
    let midi = |message: &MidiEvent| {
        let event = clap_event_midi {
            header: header(size_of::<clap_event_midi>(), CLAP_EVENT_MIDI, message.offset),
            port_index: 0,
            data: message.bytes,
        };
        // SAFETY: as above.
        unsafe { try_push(list, (&raw const event).cast()) };
    };
    // Without a gesture: nobody moves it, and a host that plays its automation is not to write over it.
    let value = |fallen: Fallen| {
        let event = clap_event_param_value {
            header: header(size_of::<clap_event_param_value>(), CLAP_EVENT_PARAM_VALUE, fallen.frame),
            param_id: fallen.id,
            cookie: std::ptr::null_mut(),
            note_id: -1,
            port_index: -1,
            channel: -1,
            key: -1,
            value: 0.0,
        };
        // SAFETY: as above.
        unsafe { try_push(list, (&raw const event).cast()) };
    };
    let mut fallen = fallen;
    let mut fall = |until: u32| {
        if let Some(fallen) = fallen.take_if(|fallen| fallen.frame <= until) {
            value(fallen);
        }
    };
    let mut ends = out.ends().iter().peekable();
    for message in out.events() {
        while let Some(over) = ends.next_if(|end| end.offset <= message.offset) {
            fall(over.offset);
            end(over);
        }
        fall(message.offset);
        midi(message);
    }
    for over in ends {
        fall(over.offset);
        end(over);
    }
    fall(u32::MAX);
}
