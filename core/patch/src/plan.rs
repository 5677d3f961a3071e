//! A plan: everything the audio thread needs to play a patch, in flat tables, and how it follows the plan before it.

use crate::descriptor::Setting;
use crate::module::{Arrived, CHUNK, Connected, Input, Io, Line, Module, SILENCE};
use crate::transport::Stretch;

/// Everything that the audio thread needs to play a patch. Made by [`build_patch`](crate::build_patch).
pub struct ExecutionPlan {
    /// Counts the plans of one planner, from 1.
    pub(crate) serial: u64,
    /// The plan that it follows: it fits nowhere else. 0: it is the first.
    pub(crate) base: u64,
    /// Nothing of that plan survives or fades: it is the first, or for another sample rate.
    pub(crate) anew: bool,
    pub(crate) modules: Vec<Slot>,
    /// Where each input reads now, module by module.
    pub(crate) inputs: Vec<Input>,
    /// The cables at each input: a range of `taps`.
    pub(crate) plugs: Vec<Plugs>,
    pub(crate) taps: Vec<Tap>,
    pub(crate) groups: Vec<Group>,
    /// Modules in the order in which they run.
    pub(crate) order: Vec<u32>,
    pub(crate) sinks: Vec<u32>,
    pub(crate) sources: Vec<u32>,
    /// Line 0 is silence, then the outputs.
    pub(crate) lines: Vec<Line>,
    /// By input; zero where there is no cable.
    pub(crate) arrived: Vec<Arrived>,
    /// Parameters that survivors get.
    pub(crate) changes: Vec<Change>,
    /// Length of a fade in samples.
    pub(crate) fade: u32,
    /// Samples until no cable fades any more.
    pub(crate) unsettled: u32,
    /// Is it still to be said that all fades have ended?
    pub(crate) owes_settled: bool,
}

/// A module in a plan.
pub(crate) struct Slot {
    /// `None` in a plan that is not adopted yet if the module survives from the one before.
    pub module: Option<Box<dyn Module>>,
    /// Its place in the plan before.
    pub carry: Option<u32>,
    pub first_input: u32,
    pub inputs: u32,
    pub first_output: u32,
    pub outputs: u32,
    /// Outputs with a cable, with those that fade out and without.
    pub fading: u64,
    pub lasting: u64,
    /// Only cables that fade out lead from it to the sound: it does not run once they have.
    pub leaves: bool,
}

/// The cables at an input.
#[derive(Clone, Copy)]
pub(crate) struct Plugs {
    pub first: u32,
    pub count: u32,
    /// One of them fades, or one that leaves is still there beside another.
    pub mixing: bool,
}

/// A cable, with how far it has faded.
#[derive(Clone, Copy)]
pub(crate) struct Tap {
    pub line: u32,
    /// What it fades to: the cable's scale; 0 if it leaves, unless what it leads to leaves with it.
    pub target: f32,
    pub leaves: bool,
    /// It does not fade in: the module that it leads to is new, and does.
    pub instant: bool,
    /// Its place in the plan before.
    pub carry: Option<u32>,
    /// Change per sample, and samples to go.
    pub step: f32,
    pub remaining: u32,
}

impl Tap {
    /// From the sample's number on the fade, never summed up: cutting changes nothing.
    #[inline]
    fn gain(&self) -> f32 {
        if self.remaining == 0 { self.target } else { self.target - self.step * self.remaining as f32 }
    }

    /// Is it gone once all fades of the plan have ended? Until then it is there, for both of its ends, even where its own
    /// fade is over or it had nothing to fade.
    #[inline]
    fn goes(&self) -> bool {
        self.leaves && self.target == 0.0
    }
}

/// Modules that run together.
#[derive(Clone, Copy)]
pub(crate) struct Group {
    pub first: u32,
    pub count: u32,
    /// They are in a loop, and so run sample by sample.
    pub looped: bool,
}

/// A parameter that a survivor gets.
pub(crate) struct Change {
    pub module: u32,
    pub param: u32,
    pub setting: Setting,
}

impl ExecutionPlan {
    /// The plan's number: plans of one planner are counted from 1.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// The number of the plan that it follows; 0: none.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// Number of modules, with those that fade out.
    pub fn module_count(&self) -> usize {
        self.modules.len()
    }

    /// Bytes of its tables, lines and modules.
    #[cfg(feature = "node")]
    pub(crate) fn bytes(&self) -> usize {
        let modules = self.modules.iter().filter_map(|slot| slot.module.as_deref());
        let modules: usize = modules.map(size_of_val).sum();
        modules
            + size_of_val(&*self.modules)
            + size_of_val(&*self.lines)
            + size_of_val(&*self.arrived)
            + size_of_val(&*self.taps)
    }

    /// Survivors get no numbers from this plan, only lists.
    #[cfg(feature = "node")]
    pub(crate) fn forget_numbers(&mut self) {
        self.changes.retain(|change| matches!(change.setting, Setting::List(_)));
    }

    /// Is this module the one of the plan before? Asked before the plan is adopted.
    #[cfg(feature = "node")]
    pub(crate) fn survives(&self, module: usize) -> bool {
        self.modules.get(module).is_some_and(|slot| slot.carry.is_some())
    }

    /// Takes over from `old`, which afterwards holds what is retired. The first plan takes over from nothing, and
    /// does not fade. Does not allocate or free.
    pub(crate) fn take_over(&mut self, mut old: Option<&mut Self>) {
        if let Some(old) = &mut old {
            for slot in &mut self.modules {
                let Some(before) = slot.carry.and_then(|carry| old.modules.get_mut(carry as usize)) else {
                    continue;
                };
                std::mem::swap(&mut slot.module, &mut before.module);
                for port in 0..slot.outputs.min(before.outputs) {
                    // A cable from an output that had none begins empty: the module need not have set it.
                    let connected = if old.unsettled == 0 { before.lasting } else { before.fading };
                    if connected >> port & 1 == 1 {
                        let last = old.lines[(before.first_output + port) as usize][0];
                        self.lines[(slot.first_output + port) as usize][0] = last;
                    }
                }
            }
        }
        for tap in &mut self.taps {
            let Some(old) = &old else { continue };
            let before = tap.carry.and_then(|carry| old.taps.get(carry as usize));
            match before {
                Some(before) if before.target == tap.target => {
                    (tap.step, tap.remaining) = (before.step, before.remaining);
                }
                _ => {
                    let now = before.map_or(0.0, Tap::gain);
                    tap.step = (tap.target - now) / self.fade as f32;
                    tap.remaining = if tap.instant || now == tap.target { 0 } else { self.fade };
                }
            }
        }
        for change in &mut self.changes {
            let Some(module) =
                self.modules.get_mut(change.module as usize).and_then(|slot| slot.module.as_mut())
            else {
                continue;
            };
            match &mut change.setting {
                Setting::Number(value) => module.set(change.param as usize, *value),
                Setting::List(list) => module.set_list(change.param as usize, list),
            }
        }
        self.unsettled = self.taps.iter().map(|tap| tap.remaining).max().unwrap_or(0);
        self.owes_settled = true;
        self.point();
    }

    /// Points every input at its cable, and tells modules what is connected.
    fn point(&mut self) {
        let settled = self.unsettled == 0;
        for ((input, plugs), arrived) in self.inputs.iter_mut().zip(&mut self.plugs).zip(&mut self.arrived) {
            let taps = &self.taps[plugs.first as usize..(plugs.first + plugs.count) as usize];
            let mut left = taps.iter().filter(|tap| !(settled && tap.goes()));
            plugs.mixing = !settled && (taps.len() > 1 || taps.iter().any(|tap| tap.remaining > 0));
            *input = match left.next() {
                None => {
                    arrived.fill(0.0);
                    Input::OPEN
                }
                Some(tap) => Input { line: tap.line, scale: tap.target },
            };
        }
        for slot in &mut self.modules {
            let mut connected =
                Connected { inputs: 0, outputs: if settled { slot.lasting } else { slot.fading } };
            for port in 0..slot.inputs {
                if self.inputs[(slot.first_input + port) as usize].line != SILENCE {
                    connected.inputs |= 1 << port;
                }
            }
            if let Some(module) = &mut slot.module {
                module.connect(connected);
            }
        }
    }

    /// Goes back to the start: every module as after it was prepared, cables empty.
    pub(crate) fn reset(&mut self) {
        for slot in &mut self.modules {
            if let Some(module) = &mut slot.module {
                module.reset();
            }
        }
        self.lines.iter_mut().for_each(|line| line.fill(0.0));
        self.taps.iter_mut().for_each(|tap| tap.remaining = 0);
        self.unsettled = 0;
        self.point();
    }

    /// Forgets the cables that have left, once all fades have ended: what is left is numbered as in a first plan of the
    /// same graph. Does not allocate or free.
    #[cfg(feature = "node")]
    pub(crate) fn compact(&mut self) {
        if self.unsettled > 0 {
            return;
        }
        let mut first = 0;
        for plugs in &mut self.plugs {
            let taps = &self.taps[plugs.first as usize..(plugs.first + plugs.count) as usize];
            let count = taps.iter().filter(|tap| !tap.leaves).count() as u32;
            (plugs.first, plugs.count) = (first, count);
            first += count;
        }
        self.taps.retain(|tap| !tap.leaves);
    }

    /// Most samples that can be rendered next in one go: up to the end of all fades.
    pub(crate) fn longest(&self) -> usize {
        if self.unsettled == 0 { CHUNK } else { CHUNK.min(self.unsettled as usize) }
    }

    /// Renders up to [`ExecutionPlan::longest`] samples, and adds what arrives at the sinks to `output`.
    pub(crate) fn chunk(&mut self, stretch: Stretch, input: [&[f32]; 2], output: [&mut [f32]; 2]) {
        let samples = output[0].len();
        for &source in &self.sources {
            let slot = &self.modules[source as usize];
            for (port, channel) in input.iter().enumerate().take(slot.outputs as usize) {
                let line = &mut self.lines[slot.first_output as usize + port];
                for (at, to) in line[1..=samples].iter_mut().enumerate() {
                    // As every output: finite. Silent where nothing comes in.
                    *to = channel.get(at).copied().filter(|from| from.is_finite()).unwrap_or(0.0);
                }
            }
        }
        for at in 0..self.groups.len() {
            let group = self.groups[at];
            if group.looped {
                for sample in 0..samples {
                    self.run(group, stretch, sample..sample + 1);
                }
            } else {
                self.run(group, stretch, 0..samples);
            }
        }
        let [left, right] = output;
        for &sink in &self.sinks {
            let first = self.modules[sink as usize].first_input as usize;
            for (port, channel) in [&mut *left, &mut *right].into_iter().enumerate() {
                for (to, from) in channel.iter_mut().zip(&self.arrived[first + port]) {
                    *to += from;
                }
            }
        }
        for &module in &self.order {
            let slot = &self.modules[module as usize];
            if slot.leaves && self.unsettled == 0 {
                continue;
            }
            let (first, count) = (slot.first_output as usize, slot.outputs as usize);
            for line in &mut self.lines[first..first + count] {
                line[0] = line[samples];
            }
        }
        if self.unsettled > 0 {
            self.unsettled -= samples as u32;
            if self.unsettled == 0 {
                // Of modules that do not run, too.
                self.taps.iter_mut().for_each(|tap| tap.remaining = 0);
                self.point();
            }
        }
    }

    /// Runs the modules of a group over some samples, each after what arrives at its inputs.
    fn run(&mut self, group: Group, stretch: Stretch, samples: std::ops::Range<usize>) {
        for &index in &self.order[group.first as usize..(group.first + group.count) as usize] {
            let slot = &mut self.modules[index as usize];
            if slot.leaves && self.unsettled == 0 {
                continue;
            }
            let (first, count) = (slot.first_input as usize, slot.inputs as usize);
            for port in first..first + count {
                let (input, plugs, arrived) = (self.inputs[port], self.plugs[port], &mut self.arrived[port]);
                if plugs.mixing {
                    let taps = &mut self.taps[plugs.first as usize..(plugs.first + plugs.count) as usize];
                    mix(&self.lines, arrived, taps, samples.clone());
                } else if input.line != SILENCE {
                    let from = &self.lines[input.line as usize][samples.clone()];
                    for (to, from) in arrived[samples.clone()].iter_mut().zip(from) {
                        *to = from * input.scale;
                    }
                }
            }
            let Some(module) = &mut slot.module else { continue };
            let (first_output, outputs) = (slot.first_output as usize, slot.outputs as usize);
            let mut io = Io {
                inputs: &self.arrived[first..first + count],
                outputs: &mut self.lines[first_output..first_output + outputs],
                at: 0,
                stretch,
            };
            module.render(&mut io, samples.clone());
        }
    }
}

/// Mixes the cables at an input while not all fades have ended.
fn mix(lines: &[Line], to: &mut Arrived, taps: &mut [Tap], samples: std::ops::Range<usize>) {
    for at in samples {
        let mut sum = None;
        for tap in &mut *taps {
            let value = lines[tap.line as usize][at] * tap.gain();
            // Not from 0 on: a cable alone is the same to the bit as without a mix.
            sum = Some(sum.map_or(value, |sum: f32| sum + value));
            tap.remaining = tap.remaining.saturating_sub(1);
        }
        to[at] = sum.unwrap_or(0.0);
    }
}

/// Lines of silence.
pub(crate) fn silent_lines(count: usize) -> Vec<Line> {
    vec![[0.0; CHUNK + 1]; count]
}
