//! AudioIn and AudioOut: where sound comes in and leaves. The patch itself fills and empties them.

use crate::descriptor::{Descriptor, Port, Role};
use crate::module::{Io, Module};

/// `AudioIn`.
pub static AUDIO_IN: Descriptor = Descriptor {
    name: "AudioIn",
    about: "What comes into the patch from outside.",
    role: Role::Source,
    inputs: &[],
    outputs: &[Port::new("left", "left channel"), Port::new("right", "right channel")],
    params: &[],
    channels: None,
    length: None,
    build: |_| Box::new(Border),
};

/// `AudioOut`.
pub static AUDIO_OUT: Descriptor = Descriptor {
    name: "AudioOut",
    about: "What is heard. Each patch has exactly one.",
    role: Role::Sink,
    inputs: &[Port::new("left", "left channel"), Port::new("right", "right channel")],
    outputs: &[],
    params: &[],
    channels: None,
    length: None,
    build: |_| Box::new(Border),
};

struct Border;

impl Module for Border {
    fn prepare(&mut self, _sample_rate: f64) {}

    fn reset(&mut self) {}

    fn process(&mut self, _io: &mut Io<'_>) {}
}
