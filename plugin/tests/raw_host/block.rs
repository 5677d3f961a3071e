//! A block as a host gives it: ports, events in, events out.

use clap_sys::audio_buffer::clap_audio_buffer;
use clap_sys::events::*;
use clap_sys::process::{clap_process, clap_process_status};

use super::Plugin;

/// What the plugin sends.
#[derive(Default)]
pub struct Sent {
    /// MIDI: frame and bytes.
    pub midi: Vec<(u32, [u8; 3])>,
    /// Values of parameters: frame, parameter, value.
    pub values: Vec<(u32, u32, f64)>,
    /// Ends of notes: frame and key.
    pub ends: Vec<(u32, i16)>,
    /// Frames of all of them, in the order in which they came.
    pub frames: Vec<u32>,
}

impl Sent {
    pub(super) fn with_capacity(events: usize) -> Self {
        Self {
            midi: Vec::with_capacity(events),
            values: Vec::with_capacity(events),
            ends: Vec::with_capacity(events),
            frames: Vec::with_capacity(3 * events),
        }
    }

    fn clear(&mut self) {
        self.midi.clear();
        self.values.clear();
        self.ends.clear();
        self.frames.clear();
    }

    pub(super) fn list(&mut self) -> clap_output_events {
        unsafe extern "C" fn push(list: *const clap_output_events, event: *const clap_event_header) -> bool {
            // SAFETY: `ctx` is what the list was made of; the plugin's event is as large as it says.
            unsafe {
                let sent = &mut *(*list).ctx.cast::<Sent>();
                let time = (*event).time;
                sent.frames.push(time);
                match (*event).type_ {
                    CLAP_EVENT_MIDI => sent.midi.push((time, event.cast::<clap_event_midi>().read().data)),
                    CLAP_EVENT_PARAM_VALUE => {
                        let value = event.cast::<clap_event_param_value>().read();
                        sent.values.push((time, value.param_id, value.value));
                    }
                    CLAP_EVENT_NOTE_END => sent.ends.push((time, event.cast::<clap_event_note>().read().key)),
                    _ => {}
                }
            }
            true
        }
        clap_output_events { ctx: (&raw mut *self).cast(), try_push: Some(push) }
    }
}

/// An event for the plugin.
#[derive(Clone)]
pub enum Event {
    Value(clap_event_param_value),
    Modulation(clap_event_param_mod),
    Transport(clap_event_transport),
    Note(clap_event_note),
    Midi(clap_event_midi),
}

fn header<T>(time: u32, type_: u16) -> clap_event_header {
    let size = size_of::<T>() as u32;
    clap_event_header { size, time, space_id: CLAP_CORE_EVENT_SPACE_ID, type_, flags: 0 }
}

impl Event {
    pub fn value(time: u32, param_id: u32, value: f64) -> Self {
        let header = header::<clap_event_param_value>(time, CLAP_EVENT_PARAM_VALUE);
        let cookie = std::ptr::null_mut();
        Self::Value(clap_event_param_value {
            header,
            param_id,
            cookie,
            note_id: -1,
            port_index: -1,
            channel: -1,
            key: -1,
            value,
        })
    }
    pub fn modulation(time: u32, param_id: u32, amount: f64) -> Self {
        let header = header::<clap_event_param_mod>(time, CLAP_EVENT_PARAM_MOD);
        let cookie = std::ptr::null_mut();
        Self::Modulation(clap_event_param_mod {
            header,
            param_id,
            cookie,
            note_id: -1,
            port_index: -1,
            channel: -1,
            key: -1,
            amount,
        })
    }
    pub fn transport(time: u32, transport: clap_event_transport) -> Self {
        let header = header::<clap_event_transport>(time, CLAP_EVENT_TRANSPORT);
        Self::Transport(clap_event_transport { header, ..transport })
    }
    pub fn note_on(time: u32, key: i16) -> Self {
        let header = header::<clap_event_note>(time, CLAP_EVENT_NOTE_ON);
        Self::Note(clap_event_note { header, note_id: 1, port_index: 0, channel: 0, key, velocity: 1.0 })
    }
    pub fn note_off(time: u32, key: i16) -> Self {
        let header = header::<clap_event_note>(time, CLAP_EVENT_NOTE_OFF);
        Self::Note(clap_event_note { header, note_id: 1, port_index: 0, channel: 0, key, velocity: 0.0 })
    }
    pub fn midi(time: u32, data: [u8; 3]) -> Self {
        Self::Midi(clap_event_midi {
            header: header::<clap_event_midi>(time, CLAP_EVENT_MIDI),
            port_index: 0,
            data,
        })
    }

    fn raw(&self) -> *const clap_event_header {
        match self {
            Self::Value(event) => (&raw const *event).cast(),
            Self::Modulation(event) => (&raw const *event).cast(),
            Self::Transport(event) => (&raw const *event).cast(),
            Self::Note(event) => (&raw const *event).cast(),
            Self::Midi(event) => (&raw const *event).cast(),
        }
    }
}

pub fn input_list(events: &Vec<Event>) -> clap_input_events {
    unsafe extern "C" fn size(list: *const clap_input_events) -> u32 {
        // SAFETY: `ctx` is the vector that the list was made of.
        unsafe { (*(*list).ctx.cast::<Vec<Event>>()).len() as u32 }
    }
    unsafe extern "C" fn get(list: *const clap_input_events, index: u32) -> *const clap_event_header {
        // SAFETY: `ctx` is the vector that the list was made of.
        let events = unsafe { &*(*list).ctx.cast::<Vec<Event>>() };
        events[index as usize].raw()
    }
    clap_input_events { ctx: (&raw const *events).cast_mut().cast(), size: Some(size), get: Some(get) }
}

/// A rolling transport at a position in quarter notes.
pub fn rolling(beats: f64, tempo: f64) -> clap_event_transport {
    clap_event_transport {
        header: header::<clap_event_transport>(0, CLAP_EVENT_TRANSPORT),
        flags: CLAP_TRANSPORT_HAS_TEMPO | CLAP_TRANSPORT_HAS_BEATS_TIMELINE | CLAP_TRANSPORT_IS_PLAYING,
        song_pos_beats: (beats * 2f64.powi(31)).round() as i64,
        song_pos_seconds: 0,
        tempo,
        tempo_inc: 0.0,
        loop_start_beats: 0,
        loop_end_beats: 0,
        loop_start_seconds: 0,
        loop_end_seconds: 0,
        bar_start: 0,
        bar_number: 0,
        tsig_num: 4,
        tsig_denom: 4,
    }
}

/// One block with all ports as a good host gives them, reused so that processing allocates nothing.
pub struct Block {
    pub frames: u32,
    /// Sidechain left and right.
    pub input: Vec<Vec<f32>>,
    /// 9 ports of 2 channels.
    pub output: Vec<Vec<f32>>,
    pub events: Vec<Event>,
    pub transport: Option<clap_event_transport>,
    /// What came out.
    pub sent: Sent,
}

impl Block {
    pub fn new(max_frames: usize) -> Self {
        Self {
            frames: max_frames as u32,
            input: vec![vec![0.0; max_frames]; 2],
            output: vec![vec![0.0; max_frames]; 18],
            events: Vec::new(),
            transport: None,
            sent: Sent::with_capacity(10_000),
        }
    }

    /// Lets the plugin render; with `ports` false the host gives no port at all.
    pub fn render(&mut self, plugin: &Plugin, ports: bool) -> clap_process_status {
        self.sent.clear();
        let port = |pointers: *mut *mut f32| clap_audio_buffer {
            data32: pointers,
            data64: std::ptr::null_mut(),
            channel_count: 2,
            latency: 0,
            constant_mask: 0,
        };
        let mut ins: [*mut f32; 2] = std::array::from_fn(|channel| self.input[channel].as_mut_ptr());
        let mut outs: [*mut f32; 18] = std::array::from_fn(|channel| self.output[channel].as_mut_ptr());
        let inputs = [port(ins.as_mut_ptr())];
        let outs = outs.as_mut_ptr();
        // SAFETY: two channels per port of the 18.
        let mut outputs: [_; 9] = std::array::from_fn(|index| port(unsafe { outs.add(2 * index) }));
        let in_events = input_list(&self.events);
        let out_events = self.sent.list();
        let process = clap_process {
            steady_time: -1,
            frames_count: self.frames,
            transport: self.transport.as_ref().map_or(std::ptr::null(), std::ptr::from_ref),
            audio_inputs: inputs.as_ptr(),
            audio_outputs: if ports { outputs.as_mut_ptr() } else { std::ptr::null_mut() },
            audio_inputs_count: u32::from(ports),
            audio_outputs_count: if ports { 9 } else { 0 },
            in_events: &in_events,
            out_events: &out_events,
        };
        plugin.process(&process)
    }

    pub fn main(&self) -> &[f32] {
        &self.output[0][..self.frames as usize]
    }
}
