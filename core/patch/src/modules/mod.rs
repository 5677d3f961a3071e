//! The modules that patches are made of. Each states its name, ports and parameters once, in its descriptor.

mod adsr;
mod audio;
mod clock;
mod delay;
mod filter;
mod glide;
mod lfo;
mod midi_in;
mod mixer;
mod noise;
mod oscillators;
mod quantizer;
mod sample_and_hold;
mod sequencer;
mod simple;

#[cfg(feature = "node")]
pub(crate) use midi_in::MIDI_IN;

use crate::descriptor::{Descriptor, Setting, Shape};
use crate::module::Module;

/// Every module type.
pub const ALL: &[&Descriptor] = &[
    &oscillators::SINE,
    &oscillators::SAWTOOTH,
    &oscillators::SQUARE,
    &lfo::LFO,
    &noise::NOISE,
    &simple::SUM,
    &mixer::MIXER,
    &simple::VCA,
    &adsr::ADSR,
    &filter::FILTER,
    &delay::DELAY,
    &glide::GLIDE,
    &simple::TUNER,
    &quantizer::QUANTIZER,
    &sample_and_hold::SAMPLE_AND_HOLD,
    &clock::CLOCK,
    &sequencer::STEPS,
    &midi_in::MIDI_IN,
    &audio::AUDIO_IN,
    &audio::AUDIO_OUT,
];

/// The module type of a name.
pub fn find(name: &str) -> Option<&'static Descriptor> {
    ALL.iter().copied().find(|module| module.name == name)
}

/// A module with these settings, ready to play.
pub(crate) fn create(
    descriptor: &Descriptor,
    shape: &Shape,
    settings: &[Setting],
    sample_rate: f64,
) -> Box<dyn Module> {
    let mut module = (descriptor.build)(shape);
    for (param, setting) in settings.iter().enumerate() {
        match setting {
            Setting::Number(value) => module.set(param, *value),
            Setting::List(list) => module.set_list(param, &mut list.clone()),
        }
    }
    module.prepare(sample_rate);
    module
}
