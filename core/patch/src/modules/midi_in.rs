//! MidiIn: the notes that are played on the patch.

use crate::descriptor::{Descriptor, Kind, Param, Port, Role};
use crate::midi::MidiEvent;
use crate::module::{Io, Module};
use crate::notes::C2_MIDI;

/// Most keys that are held at a time; of more, the oldest is forgotten.
const KEYS: usize = 16;

/// `MidiIn`.
pub static MIDI_IN: Descriptor = Descriptor {
    name: "MidiIn",
    about: "What is played on the patch, one note at a time: the key that was pressed last sounds; when it goes up, the one \
            before that is still held sounds again, without a trigger.",
    role: Role::Plain,
    inputs: &[],
    outputs: &[
        Port::new("pitch", "in octaves with the bend, 0 is C2"),
        Port::new("gate", "1 while a key is held"),
        Port::new("trigger", "one sample long, when a key goes down"),
        Port::new("velocity", "of the last key, 0…1"),
        Port::new("mod", "modulation wheel, 0…1"),
        Port::new("bend", "pitch bend wheel, -1…1"),
    ],
    params: &[Param::new(
        "bend_range",
        Kind::float(0.0, 24.0, 2.0),
        "semitones",
        "how far the wheel bends `pitch`",
    )],
    channels: None,
    length: None,
    build: |_| {
        Box::new(MidiIn {
            keys: [0.0; KEYS],
            held: 0,
            note: C2_MIDI,
            velocity: 0.0,
            modulation: 0.0,
            bend: 0.0,
            range: 2.0,
            trigger: false,
        })
    },
};

struct MidiIn {
    /// Held keys, the last one last.
    keys: [f32; KEYS],
    held: usize,
    note: f32,
    velocity: f32,
    modulation: f32,
    bend: f32,
    range: f32,
    trigger: bool,
}

impl MidiIn {
    fn lift(&mut self, note: f32) {
        if let Some(at) = self.keys[..self.held].iter().position(|&key| key == note) {
            self.keys.copy_within(at + 1..self.held, at);
            self.held -= 1;
        }
    }
}

impl Module for MidiIn {
    fn prepare(&mut self, _sample_rate: f64) {}

    fn reset(&mut self) {
        (self.held, self.note, self.velocity) = (0, C2_MIDI, 0.0);
        (self.modulation, self.bend, self.trigger) = (0.0, 0.0, false);
    }

    fn set(&mut self, _param: usize, value: f32) {
        self.range = value;
    }

    fn midi(&mut self, event: MidiEvent) {
        match event {
            MidiEvent::NoteOn { note, velocity } => {
                self.lift(note);
                if self.held == KEYS {
                    self.keys.copy_within(1.., 0);
                    self.held -= 1;
                }
                self.keys[self.held] = note;
                self.held += 1;
                (self.note, self.velocity, self.trigger) = (note, velocity, true);
            }
            MidiEvent::NoteOff { note } => {
                self.lift(note);
                if let Some(&last) = self.keys[..self.held].last() {
                    self.note = last;
                }
            }
            MidiEvent::Pitch(note) => {
                self.note = note;
                if let Some(last) = self.keys[..self.held].last_mut() {
                    *last = note;
                }
            }
            MidiEvent::Bend(bend) => self.bend = bend,
            MidiEvent::Mod(modulation) => self.modulation = modulation,
            MidiEvent::AllOff => self.held = 0,
        }
    }

    fn process(&mut self, io: &mut Io<'_>) {
        io.set(0, (self.note - C2_MIDI + self.bend * self.range) / 12.0);
        io.set(1, f32::from(u8::from(self.held > 0)));
        io.set(2, f32::from(u8::from(std::mem::take(&mut self.trigger))));
        io.set(3, self.velocity);
        io.set(4, self.modulation);
        io.set(5, self.bend);
    }
}
