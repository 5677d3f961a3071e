//! `gain`: louder or softer, without clicks.
//!
//! | port | channels | |
//! |---|---|---|
//! | in `in` | 2 | |
//! | out `out` | 2 | `in` × `gain` |
//!
//! | control | range | default | |
//! |---|---|---|---|
//! | `gain` | 0…16 | 1 | linear factor; a jump is a straight line of 10 ms, a ramp takes the time asked for |
//! | `mute` | 0…1 | 0 | takes away so much of what is left; the same of jumps and ramps |
//!
//! At rest at 1 the samples pass to the bit; at rest at 0 the output is exactly 0, whatever comes in.

use super::super::contract::{Change, CreateContext, CreateError, Node, NodeDecl, NodeType, Port, Role};
use super::super::control::Control;
use super::super::transport::Transport;
use super::{code_key, within};
use krach_dsp::ramp::{Ramp, declick_frames};
use std::any::Any;

const GAIN: usize = 0;
const MUTE: usize = 1;
const GAIN_MAX: f32 = 16.0;

/// The id of the type.
pub const GAIN_TYPE: &str = "gain";

/// The type `gain`.
pub(super) struct GainType {
    decl: NodeDecl,
}

impl GainType {
    pub(super) fn new() -> Self {
        let decl = NodeDecl {
            type_id: GAIN_TYPE.to_owned(),
            inputs: vec![Port::stereo("in")],
            outputs: vec![Port::stereo("out")],
            controls: vec![
                Control::continuous("gain", 0.0, GAIN_MAX, 1.0),
                Control::continuous("mute", 0.0, 1.0, 0.0),
            ],
            settings: Vec::new(),
            role: Role::Process,
        };
        Self { decl }
    }
}

impl NodeType for GainType {
    fn decl(&self) -> &NodeDecl {
        &self.decl
    }

    fn code_key(&self) -> u64 {
        const { code_key("krach.gain", 2) }
    }

    fn create(&self, ctx: &CreateContext) -> Result<Box<dyn Node>, CreateError> {
        Ok(Box::new(Gain {
            gain: Ramp::resting(1.0),
            open: Ramp::resting(1.0),
            declick: declick_frames(ctx.sample_rate),
            begun: false,
        }))
    }
}

struct Gain {
    gain: Ramp,
    /// 1 less the mute.
    open: Ramp,
    declick: u32,
    /// It has rendered since it was created or reset: a jump would click.
    begun: bool,
}

impl Node for Gain {
    fn reset(&mut self) {
        self.gain.finish();
        self.open.finish();
        self.begun = false;
    }

    fn set(&mut self, control: usize, change: Change) {
        let frames = if change.ramp == 0 { self.declick } else { change.ramp };
        match control {
            GAIN => {
                if let Some(value) = within(change, 0.0, GAIN_MAX) {
                    self.gain.go(value, frames);
                }
            }
            MUTE => {
                if let Some(value) = within(change, 0.0, 1.0) {
                    self.open.go(1.0 - value, frames);
                }
            }
            _ => {}
        }
    }

    fn settle(&mut self) {
        if !self.begun {
            self.gain.finish();
            self.open.finish();
        }
    }

    fn render(&mut self, _: &Transport, frames: usize, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
        let (&[in_left, in_right], [out_left, out_right]) = (inputs, outputs) else { return };
        self.begun = true;
        let until = |ramp: &Ramp| if ramp.at_rest() { 0 } else { ramp.uniform(frames) };
        let mut from = 0;
        while from < frames {
            let (gain, open) = (until(&self.gain), until(&self.open));
            let moving = match (gain, open) {
                (0, 0) => break,
                (0, n) | (n, 0) => n,
                (a, b) => a.min(b),
            };
            let to = frames.min(from + moving);
            for i in from..to {
                let gain = (self.gain.advance() * self.open.advance()) as f32;
                out_left[i] = in_left[i] * gain;
                out_right[i] = in_right[i] * gain;
            }
            from = to;
        }
        if from < frames {
            let gain = (self.gain.present() * self.open.present()) as f32;
            level(gain, &in_left[from..frames], &mut out_left[from..frames]);
            level(gain, &in_right[from..frames], &mut out_right[from..frames]);
        }
    }

    fn is_still(&self) -> bool {
        self.begun && self.gain.at_rest() && self.open.at_rest()
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// One channel at a gain that rests.
fn level(gain: f32, input: &[f32], output: &mut [f32]) {
    if gain == 1.0 {
        output.copy_from_slice(input);
    } else if gain == 0.0 {
        output.fill(0.0);
    } else {
        for (out, x) in output.iter_mut().zip(input) {
            *out = x * gain;
        }
    }
}
