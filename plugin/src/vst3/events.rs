//! Events that come with a block and go back with it, between VST3's words and the engine's.

use krach_core::processor::{Expression, HostEventKind, MidiEvent, NoteAddress};

use super::com::ComRef;
use super::com::Steinberg::Vst::Event_::EventTypes_::{
    kLegacyMIDICCOutEvent, kNoteExpressionValueEvent, kNoteOffEvent, kNoteOnEvent, kPolyPressureEvent,
};
use super::com::Steinberg::Vst::NoteExpressionTypeIDs_::{
    kBrightnessTypeID, kExpressionTypeID, kPanTypeID, kTuningTypeID, kVibratoTypeID, kVolumeTypeID,
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

/// Calls `on` with each change of a parameter: number, frame (at most `last`), normalised value. The frames
/// of one parameter never fall; those of the next one begin anew.
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
            let mut frame = 0;
            for point in 0..queue.getPointCount() {
                let (mut offset, mut value) = (0, 0.0);
                if queue.getPoint(point, &mut offset, &mut value) == kResultOk {
                    frame = clamp(offset, last).max(frame);
                    on(id, frame, value);
                }
            }
        }
    }
}

/// Calls `on` with each event that the engine plays, in order, with its frame, at most `last`. Frames never
/// fall: an event that a host lists too late acts on the frame of the one before it.
///
/// # Safety
/// `events` is null or the host's, valid for this call.
pub unsafe fn read(events: *mut IEventList, last: u32, mut on: impl FnMut(u32, HostEventKind)) {
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
        for what in unsafe { decode(&event) }.into_iter().flatten() {
            frame = clamp(event.sampleOffset, last).max(frame);
            on(frame, what);
        }
    }
}

fn clamp(frame: i32, last: u32) -> u32 {
    u32::try_from(frame).unwrap_or(0).min(last)
}

/// Up to two events: a note may begin out of tune.
///
/// # Safety
/// The event's union holds what its type says.
unsafe fn decode(event: &Event) -> [Option<HostEventKind>; 2] {
    // On Windows the types are signed.
    let kind = u32::from(event.r#type);
    if kind == kNoteOnEvent as u32 {
        // SAFETY: as the type says.
        let note = unsafe { event.__field0.noteOn };
        let address = address(note.channel, note.pitch, note.noteId);
        let is_note = (0..16).contains(&note.channel) && (0..128).contains(&note.pitch);
        if !is_note || !note.velocity.is_finite() {
            return [None; 2];
        }
        if note.velocity <= 0.0 {
            // As in MIDI.
            return [Some(HostEventKind::NoteOff(address)), None];
        }
        let velocity = f64::from(note.velocity.min(1.0));
        // The format counts cents here.
        let value = f64::from(note.tuning) / 100.0;
        let tuned = HostEventKind::Expression { note: address, which: Expression::Tuning, value };
        let tuned = Some(tuned).filter(|_| value.is_finite() && value != 0.0);
        [Some(HostEventKind::NoteOn { note: address, velocity }), tuned]
    } else if kind == kNoteOffEvent as u32 {
        // SAFETY: as the type says.
        let note = unsafe { event.__field0.noteOff };
        [Some(HostEventKind::NoteOff(address(note.channel, note.pitch, note.noteId))), None]
    } else if kind == kPolyPressureEvent as u32 {
        // SAFETY: as the type says.
        let touch = unsafe { event.__field0.polyPressure };
        let note = address(touch.channel, touch.pitch, touch.noteId);
        [expression(note, Expression::Pressure, f64::from(touch.pressure)), None]
    } else if kind == kNoteExpressionValueEvent as u32 {
        // SAFETY: as the type says.
        let told = unsafe { event.__field0.noteExpressionValue };
        let note = address(-1, -1, told.noteId);
        // Shares of the ranges that the format defines; the engine counts as CLAP does.
        let share = told.value.clamp(0.0, 1.0);
        let (which, value) = match told.typeId {
            id if id == kVolumeTypeID as u32 => (Expression::Volume, share * 4.0),
            id if id == kPanTypeID as u32 => (Expression::Pan, share),
            id if id == kTuningTypeID as u32 => (Expression::Tuning, (share - 0.5) * 240.0),
            id if id == kVibratoTypeID as u32 => (Expression::Vibrato, share),
            id if id == kExpressionTypeID as u32 => (Expression::Expression, share),
            id if id == kBrightnessTypeID as u32 => (Expression::Brightness, share),
            _ => return [None; 2],
        };
        [expression(note, which, value), None]
    } else if kind == kLegacyMIDICCOutEvent as u32 {
        // Meant for output, but some hosts hand through what another plugin sent.
        // SAFETY: as the type says.
        let controller = unsafe { event.__field0.midiCCOut };
        let Some(channel) = u8::try_from(controller.channel).ok().filter(|channel| *channel < 16) else {
            return [None; 2];
        };
        let [value, value2] = [controller.value, controller.value2].map(|value| value as u8 & 0x7f);
        let bytes = match controller.controlNumber {
            number @ 0..=127 => [0xb0 | channel, number, value],
            AFTER_TOUCH => [0xd0 | channel, value, 0],
            PITCH_BEND => [0xe0 | channel, value, value2],
            PROGRAM_CHANGE => [0xc0 | channel, value, 0],
            _ => return [None; 2],
        };
        [Some(HostEventKind::Midi(bytes)), None]
    } else {
        [None; 2]
    }
}

fn address(channel: i16, key: i16, note_id: i32) -> NoteAddress {
    NoteAddress { port: 0, channel: channel.max(-1), key: key.max(-1), note_id: note_id.max(-1) }
}

fn expression(note: NoteAddress, which: Expression, value: f64) -> Option<HostEventKind> {
    value.is_finite().then_some(HostEventKind::Expression { note, which, value })
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

/// Tells the host that a parameter has this normalised value from `frame` on. False if it takes none.
///
/// # Safety
/// `changes` is null or the host's, valid for this call.
pub unsafe fn write_change(changes: *mut IParameterChanges, id: u32, frame: u32, value: f64) -> bool {
    // SAFETY: as promised by the caller.
    let Some(changes) = (unsafe { ComRef::from_raw(changes) }) else { return false };
    let mut index = 0;
    // SAFETY: the host's own list; its queues live as long as it does.
    unsafe {
        let queue = ComRef::from_raw(changes.addParameterData(&id, &mut index));
        queue.is_some_and(|queue| queue.addPoint(frame as i32, value, &mut index) == kResultOk)
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
pub(super) mod tests {
    use super::super::com::Steinberg::Vst::{
        IParamValueQueue, NoteExpressionValueEvent, ParamID, ParamValue,
    };
    use super::super::com::Steinberg::{int32, kInvalidArgument, kNotImplemented, tresult};
    use super::super::com::{Class, ComPtr, ComWrapper};
    use super::*;

    /// Lists of a host, as it made them.
    pub struct Lists {
        pub events: Vec<Event>,
        pub queues: Vec<ComPtr<IParamValueQueue>>,
    }

    impl Class for Lists {
        type Interfaces = (IEventList, IParameterChanges);
    }

    impl IEventListTrait for Lists {
        unsafe fn getEventCount(&self) -> int32 {
            self.events.len() as int32
        }

        unsafe fn getEvent(&self, index: int32, event: *mut Event) -> tresult {
            // SAFETY: room for an event, as the reader gives.
            unsafe { event.write(self.events[index as usize]) };
            kResultOk
        }

        unsafe fn addEvent(&self, _: *mut Event) -> tresult {
            kNotImplemented
        }
    }

    impl IParameterChangesTrait for Lists {
        unsafe fn getParameterCount(&self) -> int32 {
            self.queues.len() as int32
        }

        unsafe fn getParameterData(&self, index: int32) -> *mut IParamValueQueue {
            self.queues[index as usize].as_ptr()
        }

        unsafe fn addParameterData(&self, _: *const ParamID, _: *mut int32) -> *mut IParamValueQueue {
            std::ptr::null_mut()
        }
    }

    /// Points of one parameter.
    pub struct Points(pub ParamID, pub Vec<(int32, ParamValue)>);

    impl Class for Points {
        type Interfaces = (IParamValueQueue,);
    }

    impl IParamValueQueueTrait for Points {
        unsafe fn getParameterId(&self) -> ParamID {
            self.0
        }

        unsafe fn getPointCount(&self) -> int32 {
            self.1.len() as int32
        }

        unsafe fn getPoint(&self, index: int32, offset: *mut int32, value: *mut ParamValue) -> tresult {
            let Some(&point) = self.1.get(index as usize) else { return kInvalidArgument };
            // SAFETY: room for both, as the reader gives.
            unsafe { (*offset, *value) = point };
            kResultOk
        }

        unsafe fn addPoint(&self, _: int32, _: ParamValue, _: *mut int32) -> tresult {
            kNotImplemented
        }
    }

    /// A note on.
    pub fn note_at(key: u8, offset: int32) -> Event {
        let mut event = encode([0x90, key, 100]).expect("a note on");
        event.sampleOffset = offset;
        event
    }

    #[test]
    fn events_that_a_host_does_not_sort_never_go_back_in_time() {
        let events = [(1, 10), (2, 5), (3, 20), (4, -7), (5, 99), (6, 63)]
            .map(|(key, offset)| note_at(key, offset))
            .to_vec();
        let lists = ComWrapper::new(Lists { events, queues: Vec::new() });
        let list = lists.to_com_ptr::<IEventList>().expect("it has this interface");
        let mut found = Vec::new();
        // SAFETY: the list lives as long.
        unsafe {
            read(list.as_ptr(), 63, |frame, what| {
                let HostEventKind::NoteOn { note, .. } = what else { panic!("only notes") };
                found.push((note.key, frame));
            });
        }
        assert_eq!(found, [(1, 10), (2, 10), (3, 20), (4, 20), (5, 63), (6, 63)]);
    }

    #[test]
    fn points_that_a_host_does_not_sort_never_go_back_in_time() {
        let queue = |points: Points| ComWrapper::new(points).to_com_ptr().expect("it has this interface");
        let queues = vec![
            queue(Points(7, vec![(10, 0.1), (5, 0.2), (99, 0.3), (2, 0.4)])),
            queue(Points(8, vec![(-3, 0.5), (4, 0.6)])),
        ];
        let lists = ComWrapper::new(Lists { events: Vec::new(), queues });
        let list = lists.to_com_ptr::<IParameterChanges>().expect("it has this interface");
        let mut found = Vec::new();
        // SAFETY: the list lives as long.
        unsafe { read_changes(list.as_ptr(), 63, |id, frame, value| found.push((id, frame, value))) };
        let expected = [(7, 10, 0.1), (7, 10, 0.2), (7, 63, 0.3), (7, 63, 0.4), (8, 0, 0.5), (8, 4, 0.6)];
        assert_eq!(found, expected);
    }

    fn heard(event: &Event) -> Option<HostEventKind> {
        // SAFETY: made below, as their types say.
        let [what, _] = unsafe { decode(event) };
        what
    }

    #[test]
    fn every_channel_message_that_leaves_says_what_it_said_in_midi() {
        for status in 0x80..=0xef_u8 {
            let channel = i16::from(status & 0xf);
            for first in 0..128_u8 {
                for second in [0, 1, 63, 64, 127_u8] {
                    let note = address(channel, i16::from(first), -1);
                    let value = f64::from(f32::from(second) / 127.0);
                    let expected = match (status & 0xf0, second) {
                        (0x90, 1..) => HostEventKind::NoteOn { note, velocity: value },
                        (0x80 | 0x90, _) => HostEventKind::NoteOff(note),
                        (0xa0, _) => HostEventKind::Expression { note, which: Expression::Pressure, value },
                        (0xc0 | 0xd0, _) => HostEventKind::Midi([status, first, 0]),
                        _ => HostEventKind::Midi([status, first, second]),
                    };
                    let event = encode([status, first, second]).expect("it has a word");
                    assert_eq!(heard(&event), Some(expected));
                }
            }
        }
    }

    #[test]
    fn clock_and_what_else_concerns_no_channel_has_no_word() {
        assert!((0xf0..=0xff).all(|status| encode([status, 0, 0]).is_none()));
    }

    fn note_on(channel: i16, pitch: i16, velocity: f32, tuning: f32) -> [Option<HostEventKind>; 2] {
        let mut event = encode([0x90, 60, 100]).unwrap();
        event.__field0.noteOn = NoteOnEvent { channel, pitch, velocity, tuning, length: 0, noteId: 5 };
        // SAFETY: a note on, as its type says.
        unsafe { decode(&event) }
    }

    #[test]
    fn a_soft_note_is_a_note_and_a_silent_one_its_end() {
        let note = address(3, 60, 5);
        let on = |velocity| [Some(HostEventKind::NoteOn { note, velocity }), None];
        assert_eq!(note_on(3, 60, 0.0625, 0.0), on(0.0625));
        assert_eq!(note_on(3, 60, 9.0, 0.0), on(1.0));
        assert_eq!(note_on(3, 60, 0.0, 0.0), [Some(HostEventKind::NoteOff(note)), None]);
        for odd in [note_on(16, 60, 0.5, 0.0), note_on(-1, 60, 0.5, 0.0), note_on(0, 128, 0.5, 0.0)] {
            assert_eq!(odd, [None; 2]);
        }
        assert_eq!(note_on(0, 60, f32::NAN, 0.0), [None; 2]);
    }

    #[test]
    fn a_note_out_of_tune_says_so_in_semitones() {
        let note = address(0, 60, 5);
        let tuned = HostEventKind::Expression { note, which: Expression::Tuning, value: -0.5 };
        assert_eq!(note_on(0, 60, 0.5, -50.0)[1], Some(tuned));
    }

    #[test]
    fn expressions_are_told_in_claps_units() {
        let told = |id, value| {
            let mut event = encode([0x90, 60, 100]).unwrap();
            event.r#type = kNoteExpressionValueEvent as u16;
            event.__field0.noteExpressionValue =
                NoteExpressionValueEvent { typeId: id as u32, noteId: 7, value };
            heard(&event)
        };
        let note = address(-1, -1, 7);
        let is = |which, value| Some(HostEventKind::Expression { note, which, value });
        assert_eq!(told(kVolumeTypeID, 0.25), is(Expression::Volume, 1.0));
        assert_eq!(told(kPanTypeID, 0.5), is(Expression::Pan, 0.5));
        assert_eq!(told(kTuningTypeID, 0.5), is(Expression::Tuning, 0.0));
        assert_eq!(told(kTuningTypeID, 1.0), is(Expression::Tuning, 120.0));
        assert_eq!(told(kBrightnessTypeID, 3.0), is(Expression::Brightness, 1.0));
        assert_eq!(told(kPanTypeID, f64::NAN), None);
        assert_eq!(told(kBrightnessTypeID + 1, 0.5), None, "a text");
    }
}
