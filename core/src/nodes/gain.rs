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
//!
//! At rest at 1 the samples pass to the bit; at rest at 0 the output is exactly 0, whatever comes in.

use super::{code_key, continuous, within};
use crate::dsp::ramp::{Ramp, declick_frames};
use crate::node::{Change, CreateContext, CreateError, Node, NodeDecl, NodeType, Port, Role};
use std::any::Any;

const GAIN: usize = 0;
const GAIN_MAX: f32 = 16.0;

/// The type `gain`.
pub(super) struct GainType {
    decl: NodeDecl,
}

impl GainType {
    pub(super) fn new() -> Self {
        let decl = NodeDecl {
            type_id: "gain".to_owned(),
            inputs: vec![Port::stereo("in")],
            outputs: vec![Port::stereo("out")],
            controls: vec![continuous("gain", "", 0.0, GAIN_MAX, 1.0)],
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
        const { code_key("krach.gain", 1) }
    }

    fn create(&self, ctx: &CreateContext) -> Result<Box<dyn Node>, CreateError> {
        Ok(Box::new(Gain { gain: Ramp::resting(1.0), declick: declick_frames(ctx.sample_rate) }))
    }
}

struct Gain {
    gain: Ramp,
    declick: u32,
}

impl Node for Gain {
    fn reset(&mut self) {
        self.gain.finish();
    }

    fn set(&mut self, control: usize, change: Change) {
        if control == GAIN
            && let Some(value) = within(change, 0.0, GAIN_MAX)
        {
            self.gain.go(value, if change.ramp == 0 { self.declick } else { change.ramp });
        }
    }

    fn render(&mut self, frames: usize, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
        let (&[in_left, in_right], [out_left, out_right]) = (inputs, outputs) else { return };
        let moving = if self.gain.at_rest() { 0 } else { self.gain.uniform(frames) };
        for i in 0..moving {
            let gain = self.gain.advance() as f32;
            out_left[i] = in_left[i] * gain;
            out_right[i] = in_right[i] * gain;
        }
        if moving < frames {
            let gain = self.gain.present() as f32;
            level(gain, &in_left[moving..frames], &mut out_left[moving..frames]);
            level(gain, &in_right[moving..frames], &mut out_right[moving..frames]);
        }
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
