//! One stretch of the graph: mix each input, render each node between its changes, sum the master.

use super::Returns;
use super::controls::NodeChange;
use super::core::Core;
use crate::message::{InputRoute, Return};
use crate::node::{Node, Role};
use crate::plan::{Health, InPort, MAX_CHANNELS, NONE, Plan, PlanNode, Wire};
use crate::planner::range;

/// Fade of a node that produced NaN or infinity, in seconds, before it is reset.
const FAULT_FADE: f64 = 0.005;

/// Where an input channel's samples are.
#[derive(Clone, Copy)]
enum Source {
    Zeros,
    Buffer(u32),
    Mix(u32),
}

impl Core {
    /// Renders `out[0].len()` frames from sample `at` on, with the changes that the queue holds.
    pub(super) fn render(
        &mut self,
        at: i64,
        input: [&[f32]; 2],
        out: [&mut [f32]; 2],
        returns: &mut Returns,
    ) {
        self.resolve_queue(at);
        let frames = out[0].len();
        let changes = std::mem::take(&mut self.changes);
        self.sum.iter_mut().for_each(|side| side[..frames].fill(0.0));
        for n in 0..self.plan.nodes.len() {
            if self.plan.nodes[n].ghost && !self.plan.fading {
                continue;
            }
            match self.plan.nodes[n].role {
                Role::Process => {
                    let fault = self.render_node(n, at, frames, Self::changes_of(&changes, n as u32));
                    if let (Some(silenced), false) = (fault, self.retired) {
                        let uid = self.plan.nodes[n].uid;
                        returns.try_send(Return::NodeFault { uid, silenced });
                    }
                }
                Role::HostInput => self.render_input(n, frames, input),
                Role::Master => self.render_master(n, frames),
            }
        }
        self.finish_master(Self::changes_of(&changes, NONE), frames, out);
        self.changes = changes;
        self.end_fades(returns);
    }

    fn render_node(&mut self, n: usize, at: i64, frames: usize, changes: &[NodeChange]) -> Option<bool> {
        let mut sources = [Source::Zeros; MAX_CHANNELS];
        let channels = mix_inputs(&mut self.plan, n, frames, &mut sources);
        let plan = &mut *self.plan;
        let mut instance = plan.nodes[n].instance.take()?;
        let mut health = std::mem::take(&mut plan.nodes[n].health);
        let mut taken: [Box<[f32]>; MAX_CHANNELS] = std::array::from_fn(|_| Box::default());
        let outputs = plan.nodes[n].outputs.len().min(MAX_CHANNELS);
        for (slot, buffer) in taken.iter_mut().zip(&plan.nodes[n].outputs) {
            *slot = std::mem::take(&mut plan.buffers[*buffer as usize]);
        }
        let mut inputs: [&[f32]; MAX_CHANNELS] = [&[]; MAX_CHANNELS];
        for (slice, source) in inputs[..channels].iter_mut().zip(&sources) {
            *slice = match source {
                Source::Zeros => &self.zeros[..frames],
                Source::Buffer(b) => &plan.buffers[*b as usize][..frames],
                Source::Mix(m) => &plan.mix[*m as usize][..frames],
            };
        }
        let bar = (self.clock.bar_beats() * 60.0 * self.sample_rate / self.clock.bpm().max(1.0)) as i64;
        let mut stretch = Stretch {
            at,
            fade: (FAULT_FADE * self.sample_rate) as u32,
            bar,
            inputs: &inputs[..channels],
            outputs: &mut taken[..outputs],
            fault: None,
        };
        let mut done = 0;
        for change in changes {
            let offset = (change.offset as usize).min(frames);
            stretch.render(instance.as_mut(), &mut health, done, offset);
            instance.set(change.control as usize, change.change);
            done = offset;
        }
        stretch.render(instance.as_mut(), &mut health, done, frames);
        let fault = stretch.fault;
        for (slot, buffer) in taken.iter_mut().zip(&plan.nodes[n].outputs) {
            plan.buffers[*buffer as usize] = std::mem::take(slot);
        }
        plan.nodes[n].instance = Some(instance);
        plan.nodes[n].health = health;
        fault
    }

    fn render_input(&mut self, n: usize, frames: usize, input: [&[f32]; 2]) {
        let plan = &mut *self.plan;
        let PlanNode { outputs, .. } = &plan.nodes[n];
        for (side, buffer) in outputs.iter().enumerate() {
            let source = match self.input {
                InputRoute::Off => &[],
                InputRoute::Stereo => input.get(side).copied().unwrap_or_default(),
                InputRoute::Channel(c) => input.get(c as usize).copied().unwrap_or_default(),
            };
            let target = &mut plan.buffers[*buffer as usize][..frames];
            target.fill(0.0);
            for (to, from) in target.iter_mut().zip(source) {
                *to = if from.is_finite() { *from } else { 0.0 };
            }
        }
    }

    fn render_master(&mut self, n: usize, frames: usize) {
        let mut sources = [Source::Zeros; MAX_CHANNELS];
        let channels = mix_inputs(&mut self.plan, n, frames, &mut sources);
        for (side, source) in sources[..channels.min(2)].iter().enumerate() {
            let samples = match source {
                Source::Zeros => continue,
                Source::Buffer(b) => &self.plan.buffers[*b as usize][..frames],
                Source::Mix(m) => &self.plan.mix[*m as usize][..frames],
            };
            for (to, from) in self.sum[side].iter_mut().zip(samples) {
                *to += from;
            }
        }
    }

    fn finish_master(&mut self, changes: &[NodeChange], frames: usize, out: [&mut [f32]; 2]) {
        let mut done = 0;
        for change in changes {
            let offset = (change.offset as usize).min(frames);
            self.apply_master(done, offset);
            self.set_master(change.change.value);
            done = offset;
        }
        self.apply_master(done, frames);
        let [left, right] = out;
        left.copy_from_slice(&self.sum[0][..frames]);
        right.copy_from_slice(&self.sum[1][..frames]);
        self.limiter.process(left, right);
    }

    fn apply_master(&mut self, from: usize, to: usize) {
        let mut at = from;
        while at < to {
            let n = self.master.uniform(to - at);
            let [left, right] = &mut self.sum;
            if self.master.at_rest() {
                let gain = self.master.present() as f32;
                if gain != 1.0 {
                    left[at..at + n].iter_mut().for_each(|x| *x *= gain);
                    right[at..at + n].iter_mut().for_each(|x| *x *= gain);
                }
            } else {
                for i in at..at + n {
                    let gain = self.master.advance() as f32;
                    left[i] *= gain;
                    right[i] *= gain;
                }
            }
            at += n;
        }
    }

    fn end_fades(&mut self, returns: &mut Returns) {
        if !self.plan.fading || !self.plan.is_settled() {
            return;
        }
        let generation = self.plan.generation;
        if self.retired || returns.try_send(Return::Faded { generation }) {
            self.plan.fading = false;
        }
    }
}

/// Sums the wires of each input port of node `n`; tells where each input channel is.
fn mix_inputs(plan: &mut Plan, n: usize, frames: usize, sources: &mut [Source; MAX_CHANNELS]) -> usize {
    let mut channel = 0;
    for p in range(plan.nodes[n].ports) {
        let port = plan.ports[p];
        let wires = range(port.wires);
        let mut live = plan.wires[wires.clone()].iter().filter(|w| !w.is_silent());
        let only = live.next().filter(|_| live.next().is_none()).copied();
        let silent = plan.wires[wires.clone()].iter().all(Wire::is_silent);
        let tails = plan.tails.iter().any(|t| t.port as usize == p && t.left > 0);
        if silent && !tails {
            sources[channel..channel + port.channels as usize].fill(Source::Zeros);
        } else if let Some(wire) = only.filter(|w| !tails && passes_through(w, &port)) {
            let outputs = &plan.nodes[wire.source as usize].outputs;
            for c in 0..port.channels {
                let from = wire.channel + c.min(wire.channels - 1);
                sources[channel + c as usize] = Source::Buffer(outputs[from as usize]);
            }
        } else {
            for c in 0..port.channels as usize {
                plan.mix[channel + c][..frames].fill(0.0);
                sources[channel + c] = Source::Mix((channel + c) as u32);
            }
            for w in wires {
                add_wire(plan, w, channel, port.channels as usize, frames);
            }
            if tails {
                add_tails(plan, p, channel, port.channels as usize, frames);
            }
        }
        channel += port.channels as usize;
    }
    channel
}

/// A wire at rest at full gain whose channels fit needs no copy.
fn passes_through(wire: &Wire, port: &InPort) -> bool {
    wire.left == 0 && wire.gain == 1.0 && wire.channels <= port.channels
}

fn add_wire(plan: &mut Plan, w: usize, first: usize, channels: usize, frames: usize) {
    let wire = plan.wires[w];
    if wire.is_silent() {
        return;
    }
    let outputs = &plan.nodes[wire.source as usize].outputs;
    let buffer = |c: usize| &plan.buffers[outputs[wire.channel as usize + c] as usize][..frames];
    let wide = wire.channels == 2;
    let (left, right) = (buffer(0), buffer(usize::from(wide)));
    let mut end = wire;
    for c in 0..channels {
        end = wire;
        let mix = &mut plan.mix[first + c][..frames];
        let (a, b) = match (channels, wide) {
            (1, true) => (left, right),
            (_, _) if c == 0 => (left, left),
            _ => (right, right),
        };
        let fold = channels == 1 && wide;
        for i in 0..frames {
            let gain = end.advance();
            let x = if fold { 0.5 * (a[i] + b[i]) } else { a[i] };
            mix[i] += x * gain;
        }
    }
    plan.wires[w] = end;
}

/// What wires that had to go at once have left, dying away on a straight line.
fn add_tails(plan: &mut Plan, port: usize, first: usize, channels: usize, frames: usize) {
    for tail in plan.tails.iter_mut().filter(|t| t.port as usize == port) {
        let n = frames.min(tail.left as usize);
        for c in 0..channels {
            for (i, x) in plan.mix[first + c][..n].iter_mut().enumerate() {
                *x += tail.last[c] * ((tail.left as usize - i) as f32 / (tail.frames + 1) as f32);
            }
        }
        tail.left -= n as u32;
    }
}

/// What a node is rendered into, and what goes wrong meanwhile.
struct Stretch<'a, 'b> {
    at: i64,
    fade: u32,
    bar: i64,
    inputs: &'a [&'b [f32]],
    outputs: &'a mut [Box<[f32]>],
    fault: Option<bool>,
}

impl Stretch<'_, '_> {
    /// Renders frames `from..to`. A node that produces NaN or infinity is faded from its last good
    /// sample, reset when the fade ends, and silenced at the third time within a bar.
    fn render(&mut self, node: &mut dyn Node, health: &mut Health, mut from: usize, to: usize) {
        while from < to {
            if health.silenced && health.fading == 0 {
                self.outputs.iter_mut().for_each(|out| out[from..to].fill(0.0));
                return;
            }
            if health.fading > 0 {
                let n = (health.fading as usize).min(to - from);
                for (out, last) in self.outputs.iter_mut().zip(&health.last) {
                    for (i, x) in out[from..from + n].iter_mut().enumerate() {
                        let left = health.fading as usize - i - 1;
                        *x = last * left as f32 / self.fade as f32;
                    }
                }
                health.fading -= n as u32;
                from += n;
                if health.fading == 0 {
                    health.last.fill(0.0);
                    node.reset();
                }
                continue;
            }
            self.call(node, from, to);
            let bad = self.outputs.iter().filter_map(|out| first_bad(&out[from..to])).min();
            let good = bad.unwrap_or(to - from);
            if good > 0 {
                for (last, out) in health.last.iter_mut().zip(self.outputs.iter()) {
                    *last = out[from + good - 1];
                }
            }
            if bad.is_some() {
                let sample = self.at + (from + good) as i64;
                let third = health.faults[1].is_some_and(|then| sample - then < self.bar);
                health.faults = [Some(sample), health.faults[0]];
                health.silenced = third;
                health.fading = self.fade.max(1);
                self.fault = Some(third);
            }
            from += good;
        }
    }

    fn call(&mut self, node: &mut dyn Node, from: usize, to: usize) {
        let mut inputs: [&[f32]; MAX_CHANNELS] = [&[]; MAX_CHANNELS];
        for (slice, whole) in inputs.iter_mut().zip(self.inputs) {
            *slice = &whole[from..to];
        }
        let mut outputs: [&mut [f32]; MAX_CHANNELS] = std::array::from_fn(|_| &mut [][..]);
        let count = self.outputs.len();
        for (slice, whole) in outputs.iter_mut().zip(self.outputs.iter_mut()) {
            *slice = &mut whole[from..to];
        }
        node.render(to - from, &inputs[..self.inputs.len()], &mut outputs[..count]);
    }
}

/// Index of the first NaN or infinity.
fn first_bad(samples: &[f32]) -> Option<usize> {
    const EXPONENT: u32 = 0x7f80_0000;
    let bad = |x: &f32| x.to_bits() & EXPONENT == EXPONENT;
    // Without a branch in the loop it runs as fast as memory; looking for the place is the rare case.
    let any = samples.iter().fold(false, |any, x| any | bad(x));
    if any { samples.iter().position(bad) } else { None }
}
