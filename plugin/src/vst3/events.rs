//! Events that come with a block and go back with it, between VST3's words and MIDI's.

use krach_core::processor::MidiEvent;

use super::com::ComRef;
use super::com::Steinberg::Vst::Event_::EventTypes_::{
    kLegacyMIDICCOutEvent, kNoteOffEvent, kNoteOnEvent, kPolyPressureEvent,
};
use super::com::Steinberg::Vst::{
    Event, IEventList, IEventListTrait, IParamValueQueueTrait, IParameterChanges, IParameterChangesTrait,
    LegacyMIDICCOutEvent, NoteOffEvent, NoteOnEvent, PolyPressureEvent,
};
use super::com::Steinberg::kResultOk;

/// Numbers beyond those of controllers (`ControllerNumbers`).
const AFTER_TOUCH: u8 = 128;
const PITCH_BEND: u8 = 129;
const PROGRAM_CHANGE: u8 = 130;

/// Calls `on` with each change of a parameter: number, frame (at most `last`), normalised value.
///
/// # Safety
/// `changes` is null or the host's, valid for this call.
pub unsafe fn read_changes(changes: *mut IParameterChanges, last: u32, mut on: impl FnMut(u32, u32, f64)) {
    // SAFETY: as promised by the caller.
    let Some(changes) = (unsafe { ComRef::from_raw(changes) }) else { return };
    // SAFETY: the host's own list; its queues live as long as it does.
    unsafe {
        for index in 0..changes.getParameterCount() {
            let Some(queue) = ComRef::from_raw(changes.getParameterData(index)) else { continue };
            let id = queue.getParameterId();
            for point in 0..queue.getPointCount() {
                let (mut frame, mut value) = (0, 0.0);
                if queue.getPoint(point, &mut frame, &mut value) == kResultOk {
                    on(id, clamp(frame, last), value);
                }
            }
        }
    }
}

/// Calls `on` with each event that MIDI has a word for, in order, with its frame, at most `last`.
///
/// # Safety
/// `events` is null or the host's, valid for this call.
pub unsafe fn read(events: *mut IEventList, last: u32, mut on: impl FnMut(u32, [u8; 3])) {
    // SAFETY: as promised by the caller.
    let Some(events) = (unsafe { ComRef::from_raw(events) }) else { return };
    // SAFETY: all fields are numbers and pointers, for which zero is a value.
    let mut event: Event = unsafe { std::mem::zeroed() };
    let mut frame = 0;
    // SAFETY: the host's own list, and room for an event.
    for index in 0..unsafe { events.getEventCount() } {
        // SAFETY: as above.
        if unsafe { events.getEvent(index, &mut event) } != kResultOk {
            continue;
        }
        // SAFETY: the host's event, whose union holds what its type says.
        if let Some(bytes) = unsafe { decode(&event) } {
            // Hosts sort their events; one that does not is not to turn time round.
            frame = clamp(event.sampleOffset, last).max(frame);
            on(frame, bytes);
        }
    }
}

fn clamp(frame: i32, last: u32) -> u32 {
    u32::try_from(frame).unwrap_or(0).min(last)
}

/// # Safety
/// The event's union holds what its type says.
unsafe fn decode(event: &Event) -> Option<[u8; 3]> {
    let share = |value: f32| (value.clamp(0.0, 1.0) * 127.0).round() as u8;
    let channel = |channel: i16| u8::try_from(channel).ok().filter(|channel| *channel < 16);
    let key = |key: i16| u8::try_from(key).ok().filter(|key| *key < 128);
    // On Windows the types are signed.
    let kind = u32::from(event.r#type);
    if kind == kNoteOnEvent as u32 {
        // SAFETY: as the type says.
        let note = unsafe { event.__field0.noteOn };
        // A velocity of nothing is MIDI's note off; a soft one is not.
        let velocity = if note.velocity > 0.0 { share(note.velocity).max(1) } else { 0 };
        Some([0x90 | channel(note.channel)?, key(note.pitch)?, velocity])
    } else if kind == kNoteOffEvent as u32 {
        // SAFETY: as the type says.
        let note = unsafe { event.__field0.noteOff };
        Some([0x80 | channel(note.channel)?, key(note.pitch)?, share(note.velocity)])
    } else if kind == kPolyPressureEvent as u32 {
        // SAFETY: as the type says.
        let note = unsafe { event.__field0.polyPressure };
        Some([0xa0 | channel(note.channel)?, key(note.pitch)?, share(note.pressure)])
    } else if kind == kLegacyMIDICCOutEvent as u32 {
        // Meant for output, but some hosts hand through what another plugin sent.
        // SAFETY: as the type says.
        let controller = unsafe { event.__field0.midiCCOut };
        let channel = channel(i16::from(controller.channel))?;
        let [value, value2] = [controller.value, controller.value2].map(|value| value as u8 & 0x7f);
        Some(match controller.controlNumber {
            number @ 0..=127 => [0xb0 | channel, number, value],
            AFTER_TOUCH => [0xd0 | channel, value, 0],
            PITCH_BEND => [0xe0 | channel, value, value2],
            PROGRAM_CHANGE => [0xc0 | channel, value, 0],
            _ => return None,
        })
    } else {
        None
    }
}

/// Hands MIDI messages to the host in the order given, frames at most `last`. What the host has no room
/// for, and what the format has no word for (clock, start, stop, song position), is lost.
///
/// # Safety
/// `events` is null or the host's, valid for this call.
pub unsafe fn write_midi(events: *mut IEventList, last: u32, midi: &[MidiEvent]) {
    // SAFETY: as promised by the caller.
    let Some(events) = (unsafe { ComRef::from_raw(events) }) else { return };
    for message in midi {
        if let Some(mut event) = encode(message.bytes) {
            event.sampleOffset = message.offset.min(last) as i32;
            // SAFETY: the host copies the event.
            unsafe { events.addEvent(&mut event) };
        }
    }
}

fn encode(bytes: [u8; 3]) -> Option<Event> {
    // SAFETY: all fields are numbers and pointers, for which zero is a value.
    let mut event: Event = unsafe { std::mem::zeroed() };
    let [status, first, second] = bytes;
    let channel = status & 0xf;
    let share = f32::from(second) / 127.0;
    let note = i16::from(first);
    let controller = |number: u8, value: u8, value2: u8| LegacyMIDICCOutEvent {
        controlNumber: number,
        channel: channel as i8,
        value: value as i8,
        value2: value2 as i8,
    };
    let (channel16, no_id) = (i16::from(channel), -1);
    let kind = match status & 0xf0 {
        0x90 if second > 0 => {
            event.__field0.noteOn = NoteOnEvent {
                channel: channel16,
                pitch: note,
                tuning: 0.0,
                velocity: share,
                length: 0,
                noteId: no_id,
            };
            kNoteOnEvent
        }
        0x80 | 0x90 => {
            event.__field0.noteOff =
                NoteOffEvent { channel: channel16, pitch: note, velocity: share, noteId: no_id, tuning: 0.0 };
            kNoteOffEvent
        }
        0xa0 => {
            event.__field0.polyPressure =
                PolyPressureEvent { channel: channel16, pitch: note, pressure: share, noteId: no_id };
            kPolyPressureEvent
        }
        0xb0 => {
            event.__field0.midiCCOut = controller(first, second, 0);
            kLegacyMIDICCOutEvent
        }
        0xc0 => {
            event.__field0.midiCCOut = controller(PROGRAM_CHANGE, first, 0);
            kLegacyMIDICCOutEvent
        }
        0xd0 => {
            event.__field0.midiCCOut = controller(AFTER_TOUCH, first, 0);
            kLegacyMIDICCOutEvent
        }
        0xe0 => {
            event.__field0.midiCCOut = controller(PITCH_BEND, first, second);
            kLegacyMIDICCOutEvent
        }
        _ => return None,
    };
    event.r#type = kind as u16;
    Some(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(bytes: [u8; 3]) -> Option<[u8; 3]> {
        // SAFETY: encoded just now.
        encode(bytes).and_then(|event| unsafe { decode(&event) })
    }

    #[test]
    fn every_channel_message_goes_there_and_back() {
        for status in 0x80..=0xef_u8 {
            for first in 0..128 {
                for second in [0, 1, 63, 64, 127] {
                    let bytes = [status, first, second];
                    let expected = match status & 0xf0 {
                        0x90 if second == 0 => [0x80 | status & 0xf, first, 0],
                        0xc0 | 0xd0 => [status, first, 0],
                        _ => bytes,
                    };
                    assert_eq!(there_and_back(bytes), Some(expected));
                }
            }
        }
    }

    #[test]
    fn clock_and_what_else_concerns_no_channel_has_no_word() {
        for status in 0xf0..=0xff {
            assert_eq!(there_and_back([status, 0, 0]), None);
        }
    }

    #[test]
    fn a_soft_note_is_still_a_note_and_odd_numbers_are_none() {
        let note = |channel, pitch, velocity| {
            let mut event = encode([0x90, 60, 100]).unwrap();
            event.__field0.noteOn =
                NoteOnEvent { channel, pitch, velocity, tuning: 0.0, length: 0, noteId: 5 };
            // SAFETY: a note on, as its type says.
            unsafe { decode(&event) }
        };
        assert_eq!(note(3, 60, 0.001), Some([0x93, 60, 1]));
        assert_eq!(note(3, 60, 0.0), Some([0x93, 60, 0]));
        assert_eq!(note(3, 60, f32::NAN), Some([0x93, 60, 0]));
        assert_eq!(note(3, 60, 9.0), Some([0x93, 60, 127]));
        assert_eq!([note(16, 60, 0.5), note(-1, 60, 0.5), note(0, 128, 0.5), note(0, -1, 0.5)], [None; 4]);
    }
}
