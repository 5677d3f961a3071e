//! Mixer: levels and places in stereo.

use krach_dsp::ramp::{Ramp, declick_frames};

use crate::descriptor::{Descriptor, Extent, Kind, Param, Port, Role};
use crate::module::{Connected, Io, Module};

const MOST: usize = 16;

/// `Mixer`.
pub static MIXER: Descriptor = Descriptor {
    name: "Mixer",
    about: "Mixes to stereo. Places keep the power: in the middle a channel is 3 dB lower on both sides. Levels and places \
            move in 10 ms.",
    role: Role::Plain,
    inputs: &[Port::indexed("in", "a channel")],
    outputs: &[Port::new("left", "left side"), Port::new("right", "right side")],
    params: &[
        Param::indexed("level", Kind::float(0.0, 1.0, 1.0), "", "linear gain of the channel"),
        Param::indexed("pan", Kind::float(-1.0, 1.0, 0.0), "", "-1 is left, 1 is right"),
        Param::new("master", Kind::float(0.0, 1.0, 1.0), "", "linear gain of both sides"),
    ],
    channels: Some(Extent { min: 1, max: MOST as u16, default: 4 }),
    length: None,
    build: |shape| {
        let channels = usize::from(shape.channels);
        Box::new(Mixer {
            channels,
            values: [1.0; 2 * MOST + 1],
            gains: [[Ramp::resting(0.0); 2]; MOST],
            declick: 0,
            ports: Connected::ALL,
        })
    },
};

struct Mixer {
    channels: usize,
    /// Levels, places, master.
    values: [f32; 2 * MOST + 1],
    /// By channel: to the left and to the right.
    gains: [[Ramp; 2]; MOST],
    /// 0 before it is prepared.
    declick: u32,
    ports: Connected,
}

impl Mixer {
    fn move_to(&mut self, channel: usize) {
        let (level, pan) = (self.values[channel], self.values[self.channels + channel]);
        let gain = f64::from(level * self.values[2 * self.channels]);
        let angle = (f64::from(pan) + 1.0) * std::f64::consts::FRAC_PI_4;
        let targets = [gain * libm::cos(angle), gain * libm::sin(angle)];
        for (ramp, target) in self.gains[channel].iter_mut().zip(targets) {
            if self.declick == 0 {
                *ramp = Ramp::resting(target);
            } else if ramp.target() != target {
                ramp.go(target, self.declick);
            }
        }
    }
}

impl Module for Mixer {
    fn prepare(&mut self, sample_rate: f64) {
        (0..self.channels).for_each(|channel| self.move_to(channel));
        self.declick = declick_frames(sample_rate);
    }

    fn reset(&mut self) {
        self.gains.iter_mut().flatten().for_each(Ramp::finish);
    }

    fn connect(&mut self, ports: Connected) {
        self.ports = ports;
    }

    fn set(&mut self, param: usize, value: f32) {
        self.values[param] = value;
        if param == 2 * self.channels {
            (0..self.channels).for_each(|channel| self.move_to(channel));
        } else {
            self.move_to(param % self.channels);
        }
    }

    fn process(&mut self, io: &mut Io<'_>) {
        let (mut left, mut right) = (0.0, 0.0);
        for (channel, gains) in self.gains[..self.channels].iter_mut().enumerate() {
            // The gains move in any case, so that they are where they should be when a cable comes.
            let [to_left, to_right] = gains.each_mut().map(|ramp| ramp.advance() as f32);
            if self.ports.input(channel) {
                let input = io.input(channel);
                left += input * to_left;
                right += input * to_right;
            }
        }
        io.set(0, left);
        io.set(1, right);
    }
}
