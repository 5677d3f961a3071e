//! A node on the bench: created by its type id, set by control name, rendered in any cuts.
#![allow(dead_code, reason = "each test binary uses its part")]

use krach_core::node::{Change, CreateContext, Node, NodeDecl, NodeType, builtin_types};
use std::sync::Arc;

/// Most frames per render on the bench.
pub const MAX_FRAMES: usize = 4096;

/// A node and its declaration.
pub struct Bench {
    pub node: Box<dyn Node>,
    pub decl: NodeDecl,
}

/// The built-in type of that id.
pub fn find(type_id: &str) -> Arc<dyn NodeType> {
    builtin_types().into_iter().find(|ty| ty.decl().type_id == type_id).expect("a built-in type")
}

impl Bench {
    /// A fresh node.
    pub fn new(type_id: &str, sample_rate: f64) -> Self {
        let ty = find(type_id);
        let node =
            ty.create(&CreateContext { sample_rate, max_frames: MAX_FRAMES }).expect("it can be created");
        Self { node, decl: ty.decl().clone() }
    }

    /// An oscillator that starts out with these values.
    pub fn oscillator(sample_rate: f64, freq: f32, waveform: f32) -> Self {
        let mut bench = Self::new("oscillator", sample_rate);
        bench.set("freq", freq, 0);
        bench.set("waveform", waveform, 0);
        bench.node.reset();
        bench
    }

    /// Sets a control by name.
    pub fn set(&mut self, control: &str, value: f32, ramp: u32) {
        let index =
            self.decl.controls.iter().position(|c| c.name == control).expect("a control of that name");
        self.node.set(index, Change { value, ramp });
    }

    /// Renders a node without inputs and with one output channel.
    pub fn mono(&mut self, frames: usize) -> Vec<f32> {
        let mut out = vec![f32::NAN; frames];
        for chunk in out.chunks_mut(MAX_FRAMES) {
            self.node.render(&krach_core::node::Transport::STANDING, chunk.len(), &[], &mut [chunk]);
        }
        out
    }

    /// Renders a stereo effect.
    pub fn stereo(&mut self, left: &[f32], right: &[f32]) -> [Vec<f32>; 2] {
        let mut out = [vec![f32::NAN; left.len()], vec![f32::NAN; left.len()]];
        let [out_left, out_right] = &mut out;
        self.node.render(
            &krach_core::node::Transport::STANDING,
            left.len(),
            &[left, right],
            &mut [out_left, out_right],
        );
        out
    }
}

/// Bits of samples: tells -0 from 0.
pub fn bits(samples: &[f32]) -> Vec<u32> {
    samples.iter().map(|x| x.to_bits()).collect()
}

/// Noise in -1…1 from a seed (xorshift).
pub fn noise(seed: u64, frames: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..frames)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / 8_388_608.0 - 1.0
        })
        .collect()
}
