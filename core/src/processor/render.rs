//! One stretch of the graph: mix each input, render each node between its changes, sum the outputs.

use super::Returns;
use super::control_writes::{ControlEvent, ControlWrite};
use super::lines::master_move;
use super::output::{Channels, GainMoves};
use super::params::{ParamId, master_gain};
use super::renderer::Renderer;
use super::voice_allocation::VoiceAllocator;
use crate::clock::{Clock, Mode, Segment};
use crate::limits::{MAX_CHANNELS, NONE};
use crate::node::{Bus, Node, Role, Transport};
use crate::plan::{InPort, Plan, Wire};
use crate::planner::range;
use crate::processor::{FromAudio, InputRoute};
use crate::voice::Health;
use crate::voice::{Phase, QUIET_LEVEL, Repose, Voice};
use std::ops::Range;

/// Fade of a node that produced NaN or infinity, in seconds, before it is reset.
const FAULT_FADE: f64 = 0.005;

/// Where an input channel's samples are.
#[derive(Clone, Copy)]
enum Source {
    Zeros,
    Buffer(u32),
    Mix(u32),
}

impl Renderer {
    /// Renders frames of the channels, the first of them at sample `at`, with what the queue holds.
    pub(super) fn render(
        &mut self,
        segment: &Segment,
        at: i64,
        input: [&[f32]; 2],
        channels: &mut Channels<'_, '_>,
        range: Range<usize>,
        returns: &mut Returns,
    ) {
        self.queue.sort();
        let transport = transport(segment, at, &self.timeline.clock);
        let frames = range.len();
        let queue = std::mem::take(&mut self.queue);
        for n in 0..self.plan.nodes.len() {
            if self.plan.nodes[n].ghost && !self.plan.fading {
                continue;
            }
            match self.plan.nodes[n].role {
                Role::Process => {
                    let events = queue.of(n as u32);
                    let silent = events.is_empty() && is_silent(&self.plan, n);
                    let node = &mut self.plan.nodes[n];
                    if silent {
                        if !std::mem::replace(&mut node.silent, true) {
                            node.voices.iter_mut().for_each(|voice| voice.health.last.fill(0.0));
                        }
                        continue;
                    }
                    node.silent = false;
                    let fault = self.render_node(n, (at, &transport), frames, events);
                    if let (Some(silenced), false) = (fault, self.retired) {
                        let uid = self.plan.nodes[n].uid;
                        returns.try_send(FromAudio::NodeFault { uid, silenced });
                    }
                }
                Role::HostInput => self.render_input(n, frames, input),
                Role::Output(bus) => self.render_output(n, bus, frames),
            }
        }
        self.output.through.follow(self.plan.takes_input);
        self.finish_output(queue.of(NONE), at, input, channels, range);
        self.queue = queue;
        self.end_fades(returns);
    }

    fn render_node(
        &mut self,
        n: usize,
        (at, transport): (i64, &Transport),
        frames: usize,
        events: &[ControlEvent],
    ) -> Option<bool> {
        let mut sources = [Source::Zeros; MAX_CHANNELS];
        let channels = mix_inputs(&mut self.plan, n, frames, &mut sources);
        let Plan { nodes, controls, buffers, mix, outputs: output_buffers, .. } = &mut *self.plan;
        let mut voices = std::mem::take(&mut nodes[n].voices);
        let mut taken: [Box<[f32]>; MAX_CHANNELS] = std::array::from_fn(|_| Box::default());
        let outputs_of = range(nodes[n].outputs);
        let outputs = outputs_of.len().min(MAX_CHANNELS);
        for (slot, buffer) in taken.iter_mut().zip(&output_buffers[outputs_of.clone()]) {
            *slot = std::mem::take(&mut buffers[*buffer as usize]);
        }
        let mut inputs: [&[f32]; MAX_CHANNELS] = [&[]; MAX_CHANNELS];
        for (slice, source) in inputs[..channels].iter_mut().zip(&sources) {
            *slice = match source {
                Source::Zeros => &self.zeros[..frames],
                Source::Buffer(b) => &buffers[*b as usize][..frames],
                Source::Mix(m) => &mix[*m as usize][..frames],
            };
        }
        let bar = (self.timeline.clock.bar_beats() * 60.0 * self.sample_rate
            / self.timeline.clock.bpm().max(1.0)) as i64;
        // One instance fills the node's outputs itself; several are summed.
        let (own, sum) = match voices.len() {
            1 => (&mut taken[..outputs], None),
            _ => (&mut self.voice_outputs[..outputs], Some(&mut taken[..outputs])),
        };
        let mut player = VoiceAllocator::new(&nodes[n], controls, &mut voices, &mut self.notes);
        let mut stretch = Stretch {
            at,
            transport: *transport,
            fade: (FAULT_FADE * self.sample_rate) as u32,
            bar,
            inputs: &inputs[..channels],
            outputs: own,
            fault: None,
        };
        let mut part = Part { player: &mut player, stretch: &mut stretch, sum };
        let mut done = 0;
        for event in events {
            let offset = ((event.sample - at) as usize).min(frames);
            part.render(done, offset);
            done = offset;
            part.player.notes.at = event.sample;
            match event.write {
                ControlWrite::Host(played) => {
                    if let Some(what) = self.host_notes.what(played) {
                        part.player.play(what);
                    }
                }
                write => part.player.write(event.control as usize, write),
            }
        }
        part.render(done, frames);
        let fault = stretch.fault;
        self.levels.add(nodes[n].meter, taken[..outputs].iter().map(|out| &out[..frames]));
        for (slot, buffer) in taken.iter_mut().zip(&output_buffers[outputs_of]) {
            buffers[*buffer as usize] = std::mem::take(slot);
        }
        nodes[n].shown.store(0, shown(&voices, nodes[n].shown.len()));
        nodes[n].voices = voices;
        fault
    }

    fn render_input(&mut self, n: usize, frames: usize, input: [&[f32]; 2]) {
        let input = self.input_of(input);
        let plan = &mut *self.plan;
        let outputs = &plan.outputs[range(plan.nodes[n].outputs)];
        for (side, buffer) in outputs.iter().enumerate() {
            let source = input.get(side).copied().unwrap_or_default();
            let target = &mut plan.buffers[*buffer as usize][..frames];
            target.fill(0.0);
            for (to, from) in target.iter_mut().zip(source) {
                *to = if from.is_finite() { *from } else { 0.0 };
            }
        }
        let buffers = outputs.iter().map(|buffer| &plan.buffers[*buffer as usize][..frames]);
        self.levels.add(plan.nodes[n].meter, buffers);
    }

    /// The sides of the input that the session asks for; an effect's is never off.
    fn input_of<'i>(&self, input: [&'i [f32]; 2]) -> [&'i [f32]; 2] {
        match self.input {
            InputRoute::Off if !self.output.through.is_on() => [&[]; 2],
            InputRoute::Off | InputRoute::Stereo => input,
            InputRoute::Channel(c) => [input.get(c as usize).copied().unwrap_or_default(); 2],
        }
    }

    fn render_output(&mut self, n: usize, bus: Bus, frames: usize) {
        let mut sources = [Source::Zeros; MAX_CHANNELS];
        let channels = mix_inputs(&mut self.plan, n, frames, &mut sources);
        let plan = &*self.plan;
        let samples = |source: &Source| match source {
            Source::Zeros => &self.zeros[..frames],
            Source::Buffer(b) => &plan.buffers[*b as usize][..frames],
            Source::Mix(m) => &plan.mix[*m as usize][..frames],
        };
        let sources = &sources[..channels.min(2)];
        self.levels.add(plan.nodes[n].meter, sources.iter().map(samples));
        for (side, source) in sources.iter().enumerate() {
            let samples = match source {
                Source::Zeros => continue,
                source => samples(source),
            };
            for (to, from) in self.output.sum(bus, frames)[side].iter_mut().zip(samples) {
                *to += from;
            }
        }
    }

    /// Brings the buses into the channels, with what happens to their gains meanwhile.
    fn finish_output(
        &mut self,
        events: &[ControlEvent],
        at: i64,
        input: [&[f32]; 2],
        channels: &mut Channels<'_, '_>,
        frames: Range<usize>,
    ) {
        for event in events {
            if let ControlWrite::Host(played) = event.write {
                self.refuse(played, event.sample);
            }
        }
        let frame = |sample: i64| (sample - at).max(0) as usize;
        let master = events
            .iter()
            .filter_map(|event| master_move(event).map(|(gain, ramp)| (frame(event.sample), gain, ramp)));
        let moves = self.params.moves(at + frames.len() as i64);
        let fader = moves.filter(|(param, _)| *param == ParamId::Master);
        let fader = fader.map(|(_, state)| (frame(state.since), master_gain(state.sum())));
        self.output.set_fader(master_gain(self.params.state(ParamId::Master).sum()));
        self.output.finish(at, &GainMoves { master, fader }, input, channels, frames);
    }

    fn end_fades(&mut self, returns: &mut Returns) {
        if !self.plan.fading || !self.plan.is_settled() {
            return;
        }
        let generation = self.plan.generation;
        if self.retired || returns.try_send(FromAudio::Faded { generation }) {
            self.plan.fading = false;
        }
    }
}

/// What so many bargraphs of a node show: those of the note that began last, of those that sound.
fn shown(voices: &[Voice], count: usize) -> impl Iterator<Item = f32> {
    // Of voices that nobody has played, the first.
    let newest = voices.iter().rev().max_by_key(|voice| (voice.phase != Phase::Free, voice.started));
    let instance = newest.filter(|_| count > 0).and_then(|voice| voice.instance.as_ref());
    instance.into_iter().flat_map(move |instance| (0..count).map(|at| instance.shown(at)))
}

/// Musical time from sample `at` of a segment on.
fn transport(segment: &Segment, at: i64, clock: &Clock) -> Transport {
    let epoch = &segment.epoch;
    let running = segment.mode != Mode::Stopped;
    let (step, ramp) = if running { (epoch.rate, epoch.ramp) } else { (0.0, 0.0) };
    let (bars, has_meter) = (clock.bars(), clock.has_meter());
    let meter = if has_meter { bars.length } else { 0.0 };
    Transport { running, anchor: epoch.beats, frames: at - epoch.start, step, ramp, bar: bars.start, meter }
}

/// Does a node put out exact zeros in a stretch in which nothing happens to it, and stays as it is?
fn is_silent(plan: &Plan, n: usize) -> bool {
    let node = &plan.nodes[n];
    match &node.voices[..] {
        [voice] => {
            let rests = node.rests && voice.repose.asleep;
            let still = || !node.voiced && voice.health.fading == 0 && !voice.health.silenced;
            let still = || still() && voice.instance.as_ref().is_some_and(|instance| instance.is_still());
            (rests || still()) && hears_nothing(plan, n)
        }
        [] => false,
        voices => voices.iter().all(|voice| voice.phase == Phase::Free),
    }
}

/// Are all inputs of a node exact zeros, with no fade to be followed?
fn hears_nothing(plan: &Plan, n: usize) -> bool {
    range(plan.nodes[n].ports).all(|p| is_quiet(plan, p))
}

/// Is an input port's sum exact zeros, with no fade to be followed?
fn is_quiet(plan: &Plan, port: usize) -> bool {
    let silent = |w: &Wire| w.left == 0 && (w.gain == 0.0 || plan.nodes[w.source as usize].silent);
    plan.wires[range(plan.ports[port].wires)].iter().all(silent)
        && !plan.declicks.iter().any(|t| t.port as usize == port && t.left > 0)
}

/// Sums the wires of each input port of node `n`; tells where each input channel is.
fn mix_inputs(plan: &mut Plan, n: usize, frames: usize, sources: &mut [Source; MAX_CHANNELS]) -> usize {
    let mut channel = 0;
    for p in range(plan.nodes[n].ports) {
        let port = plan.ports[p];
        let wires = range(port.wires);
        let mut live = plan.wires[wires.clone()].iter().filter(|w| !w.is_silent());
        let only = live.next().filter(|_| live.next().is_none()).copied();
        let declicks = plan.declicks.iter().any(|t| t.port as usize == p && t.left > 0);
        if is_quiet(plan, p) {
            sources[channel..channel + port.channels as usize].fill(Source::Zeros);
        } else if let Some(wire) = only.filter(|w| !declicks && passes_through(w, &port)) {
            let outputs = &plan.outputs[range(plan.nodes[wire.source as usize].outputs)];
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
            if declicks {
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
    if plan.nodes[wire.source as usize].silent {
        (0..frames.min(wire.left as usize)).for_each(|_| _ = plan.wires[w].advance());
        return;
    }
    let outputs = &plan.outputs[range(plan.nodes[wire.source as usize].outputs)];
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
    for tail in plan.declicks.iter_mut().filter(|t| t.port as usize == port) {
        let n = frames.min(tail.left as usize);
        for c in 0..channels {
            for (i, x) in plan.mix[first + c][..n].iter_mut().enumerate() {
                *x += tail.last[c] * ((tail.left as usize - i) as f32 / (tail.frames + 1) as f32);
            }
        }
        tail.left -= n as u32;
    }
}

/// The voices of a node, and where they are rendered.
struct Part<'p, 'v, 's, 'a, 'b> {
    player: &'p mut VoiceAllocator<'v>,
    stretch: &'s mut Stretch<'a, 'b>,
    /// Where several are summed.
    sum: Option<&'s mut [Box<[f32]>]>,
}

impl Part<'_, '_, '_, '_, '_> {
    /// Renders frames `from..to`.
    fn render(&mut self, from: usize, to: usize) {
        if from >= to {
            return;
        }
        if let Some(sum) = &mut self.sum {
            sum.iter_mut().for_each(|out| out[from..to].fill(0.0));
        }
        for voice in 0..self.player.voices.len() {
            let until = self.render_voice(voice, from, to);
            let Some(sum) = &mut self.sum else { continue };
            for (out, own) in sum.iter_mut().zip(self.stretch.outputs.iter()) {
                for (x, y) in out[from..until].iter_mut().zip(&own[from..until]) {
                    *x += y;
                }
            }
        }
    }

    /// Renders a voice; tells up to where it has sounded. A released one ends on the frame on which it
    /// has been quiet for long enough, wherever the stretch was cut, and is not rendered beyond it:
    /// its state does not depend on blocks.
    fn render_voice(&mut self, v: usize, from: usize, to: usize) -> usize {
        let mut at = from;
        let alone = self.sum.is_none();
        let Some(mut instance) = self.player.voices[v].instance.take() else {
            self.stretch.outputs.iter_mut().for_each(|out| out[from..to].fill(0.0));
            return if alone { to } else { from };
        };
        if !(alone && self.player.rests) {
            self.player.voices[v].repose = Repose::default();
        }
        while at < to {
            if self.player.voices[v].repose.asleep {
                let heard = self.stretch.first_heard(at, to);
                self.stretch.outputs.iter_mut().for_each(|out| out[at..heard].fill(0.0));
                at = heard;
                if at == to {
                    break;
                }
                instance.reset();
                self.player.voices[v].repose = Repose::default();
            }
            let notes = &self.player.notes;
            let (longest, enough, cut) = (notes.longest, notes.quiet, notes.cut);
            let phase = self.player.voices[v].phase;
            let until = match phase {
                Phase::Free if !alone => break,
                Phase::Free | Phase::Held => to,
                Phase::Released { age, quiet } => {
                    let left = (enough - quiet).min(longest - age);
                    to.min(at.saturating_add(left as usize))
                }
                Phase::Cut { left } => to.min(at + left as usize),
            };
            let counts = alone && self.player.rests && !self.player.is_open();
            let repose = self.player.voices[v].repose;
            let until = match counts {
                true => until.min(at.saturating_add(enough.saturating_sub(repose.quiet).max(1) as usize)),
                false => until,
            };
            self.stretch.render(instance.as_mut(), &mut self.player.voices[v].health, at, until);
            self.player.notes.at = self.stretch.at + until as i64;
            match phase {
                Phase::Free | Phase::Held => {}
                Phase::Released { age, quiet } => {
                    let age = age + (until - at) as u64;
                    let quiet = self.stretch.quiet(quiet, at, until);
                    self.player.voices[v].phase = if age < longest || alone {
                        Phase::Released { age, quiet }
                    } else {
                        Phase::Cut { left: cut }
                    };
                    if quiet >= enough || alone && age >= longest {
                        self.player.voices[v].instance = Some(instance);
                        self.player.free(v);
                        let Some(back) = self.player.voices[v].instance.take() else { return until };
                        instance = back;
                    }
                }
                Phase::Cut { left } => {
                    self.stretch.fade(left, cut, at, until);
                    let left = left - (until - at) as u32;
                    self.player.voices[v].phase = Phase::Cut { left };
                    if left == 0 {
                        self.player.voices[v].instance = Some(instance);
                        self.player.free(v);
                        let Some(back) = self.player.voices[v].instance.take() else { return until };
                        instance = back;
                        instance.reset();
                    }
                }
            }
            if counts {
                let heard = self.stretch.quiet(repose.quiet, at, until);
                let quiet = heard.min(self.stretch.unfed(repose.quiet, at, until));
                let asleep = quiet >= enough && self.player.voices[v].phase == Phase::Free;
                self.player.voices[v].repose = Repose { quiet, asleep };
                if asleep {
                    self.player.voices[v].health.last.fill(0.0);
                }
            } else {
                self.player.voices[v].repose = Repose::default();
            }
            at = until;
        }
        self.player.voices[v].instance = Some(instance);
        at
    }
}

/// What a node is rendered into, and what goes wrong meanwhile.
struct Stretch<'a, 'b> {
    at: i64,
    /// Where its first frame is in musical time.
    transport: Transport,
    fade: u32,
    bar: i64,
    inputs: &'a [&'b [f32]],
    outputs: &'a mut [Box<[f32]>],
    fault: Option<bool>,
}

impl Stretch<'_, '_> {
    /// Frames since a voice was last heard, after frames `from..to`; before it were `quiet`.
    fn quiet(&self, quiet: u64, from: usize, to: usize) -> u64 {
        let heard = |out: &[f32]| out[from..to].iter().rposition(|x| x.abs() > QUIET_LEVEL);
        match self.outputs.iter().filter_map(|out| heard(out)).max() {
            Some(last) => (to - from - 1 - last) as u64,
            None => quiet + (to - from) as u64,
        }
    }

    /// The first of frames `from..to` in which an input is not zero; `to` if there is none.
    fn first_heard(&self, from: usize, to: usize) -> usize {
        let first = |input: &&[f32]| input[from..to].iter().position(|x| *x != 0.0);
        self.inputs.iter().filter_map(first).min().map_or(to, |at| from + at)
    }

    /// Frames since an input was not zero, after frames `from..to`; before it were `quiet`.
    fn unfed(&self, quiet: u64, from: usize, to: usize) -> u64 {
        let last = |input: &&[f32]| input[from..to].iter().rposition(|x| *x != 0.0);
        match self.inputs.iter().filter_map(last).max() {
            Some(last) => (to - from - 1 - last) as u64,
            None => quiet + (to - from) as u64,
        }
    }

    /// Frames `from..to` of a cut of `whole` frames, of which `left` were to come.
    fn fade(&mut self, left: u32, whole: u32, from: usize, to: usize) {
        for out in self.outputs.iter_mut() {
            for (i, x) in out[from..to].iter_mut().enumerate() {
                *x *= (left - 1 - i as u32) as f32 / whole as f32;
            }
        }
    }

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
        let transport = self.transport.after(from);
        node.render(&transport, to - from, &inputs[..self.inputs.len()], &mut outputs[..count]);
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
