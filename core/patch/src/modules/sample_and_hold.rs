//! SampleAndHold.

use crate::descriptor::{Descriptor, Port, Role};
use crate::module::{Edge, Io, Module};

/// `SampleAndHold`.
pub static SAMPLE_AND_HOLD: Descriptor = Descriptor {
    name: "SampleAndHold",
    about: "Takes its input at an edge of `trigger`, and holds it until the next; 0 before the first.",
    role: Role::Plain,
    inputs: &[Port::new("in", "what is taken"), Port::new("trigger", "when")],
    outputs: &[Port::new("out", "what was taken last")],
    params: &[],
    channels: None,
    length: None,
    build: |_| Box::new(SampleAndHold { trigger: Edge::default(), held: 0.0 }),
};

struct SampleAndHold {
    trigger: Edge,
    held: f32,
}

impl Module for SampleAndHold {
    fn prepare(&mut self, _sample_rate: f64) {}

    fn reset(&mut self) {
        (self.trigger, self.held) = (Edge::default(), 0.0);
    }

    fn process(&mut self, io: &mut Io<'_>) {
        if self.trigger.rises(io.input(1)) {
            self.held = io.input(0);
        }
        io.set(0, self.held);
    }
}
