//! StepSequencer: a list of notes, one per clock.

use crate::descriptor::{Descriptor, Entries, Extent, Kind, MAX_LENGTH, Param, Port, Role};
use crate::module::{Edge, Io, Module};
use crate::notes::Step;

const CLOCK: usize = 0;
const START: usize = 1;
const STOP: usize = 2;
const RESET: usize = 3;

/// `StepSequencer`.
pub static STEPS: Descriptor = Descriptor {
    name: "StepSequencer",
    about: "Plays its steps one after the other, one per edge at `clock`; the first clock plays step 0. The gate stays high \
            from a note to the next rest, and each note has a trigger. Rest and tie hold the pitch; a rest lowers the \
            gate, a tie holds it. `stop` lowers the gate and lets clocks pass, `start` goes on, after `reset` the next \
            clock plays step 0; an edge of these acts before the clock of the same sample.",
    role: Role::Plain,
    inputs: &[
        Port::new("clock", "an edge plays the next step"),
        Port::new("start", "an edge goes on"),
        Port::new("stop", "an edge stops"),
        Port::new("reset", "an edge goes back to step 0"),
    ],
    outputs: &[
        Port::new("pitch", "in octaves, 0 is C2"),
        Port::new("trigger", "one sample long, at each note"),
        Port::new("gate", "1 while a note is held"),
    ],
    params: &[Param::new(
        "steps",
        Kind::List { entries: Entries::Steps, default: &[] },
        "",
        "notes (`C3`, `Eb3`, `F#-1`), \"-\" for a rest, \"_\" for a tie",
    )],
    channels: None,
    length: Some(Extent { min: 1, max: MAX_LENGTH, default: 16 }),
    build: |_| Box::new(Sequencer::new()),
};

struct Sequencer {
    steps: Vec<Step>,
    next: usize,
    runs: bool,
    pitch: f32,
    gate: bool,
    edges: [Edge; 4],
}

impl Sequencer {
    fn new() -> Self {
        Self { steps: Vec::new(), next: 0, runs: true, pitch: 0.0, gate: false, edges: [Edge::default(); 4] }
    }
}

impl Module for Sequencer {
    fn prepare(&mut self, _sample_rate: f64) {
        self.reset();
    }

    fn reset(&mut self) {
        (self.next, self.runs, self.pitch, self.gate) = (0, true, 0.0, false);
        self.edges = [Edge::default(); 4];
    }

    fn set_list(&mut self, _param: usize, list: &mut Vec<Step>) {
        std::mem::swap(&mut self.steps, list);
    }

    fn process(&mut self, io: &mut Io<'_>) {
        let mut rises = [false; 4];
        for ((port, edge), rises) in self.edges.iter_mut().enumerate().zip(&mut rises) {
            *rises = edge.rises(io.input(port));
        }
        if rises[STOP] {
            (self.runs, self.gate) = (false, false);
        }
        if rises[START] {
            self.runs = true;
        }
        if rises[RESET] {
            self.next = 0;
        }
        let mut trigger = false;
        if rises[CLOCK] && self.runs && !self.steps.is_empty() {
            // The list may have become shorter.
            let at = self.next % self.steps.len();
            match self.steps[at] {
                Step::Note(semitones) => {
                    self.pitch = semitones / 12.0;
                    (self.gate, trigger) = (true, true);
                }
                Step::Rest => self.gate = false,
                Step::Tie => {}
            }
            self.next = at + 1;
        }
        io.set(0, self.pitch);
        io.set(1, f32::from(u8::from(trigger)));
        io.set(2, f32::from(u8::from(self.gate)));
    }
}
