//! What the audio thread plays: nodes in order, wires with their fades, controls with their owners.
//!
//! A plan is built on the control side against a *base*, the plan that audio last acknowledged. It
//! carries lists of what moves over from the base (instances, control states, wire gains), so that
//! adopting it is a walk over those lists: no search, no allocation.

use crate::node::{Node, Role};
use crate::symbol::Symbol;

/// Most channels that the inputs, or the outputs, of one node may have in all.
pub const MAX_CHANNELS: usize = 32;

/// No such index.
pub const NONE: u32 = u32::MAX;

/// Everything the audio thread needs to render the graph.
pub struct Plan {
    /// Number of this plan, rising.
    pub generation: u64,
    /// The plan that must be active for this one to be adopted.
    pub base: u64,
    /// The last edit that this plan contains.
    pub seq: u64,
    /// Position in cycles at which it is to be adopted; `None` is at once.
    pub due: Option<f64>,
    /// The position was asked for as "next cycle" or "next bar": a jump or a stop makes it due.
    pub relative: bool,
    /// Length of a crossfade.
    pub crossfade: Crossfade,
    /// Nodes in the order they render; ghosts (on their way out) among them.
    pub nodes: Vec<PlanNode>,
    /// Wires, grouped by the input port they lead to.
    pub wires: Vec<Wire>,
    /// Input ports, grouped by node.
    pub ports: Vec<InPort>,
    /// Controls of all nodes that are not ghosts, grouped by node.
    pub controls: Vec<ControlState>,
    /// Label or path → index into `controls`, sorted.
    pub labels: Vec<(Symbol, u32)>,
    /// Output buffers, shared by nodes whose lifetimes do not overlap.
    pub buffers: Vec<Box<[f32]>>,
    /// Where the wires of a port are summed; reused by every node.
    pub mix: Vec<Box<[f32]>>,
    /// (index here, index in the base) of nodes that live on.
    pub node_moves: Vec<(u32, u32)>,
    /// The same for wires.
    pub wire_moves: Vec<(u32, u32)>,
    /// The same for controls.
    pub control_moves: Vec<(u32, u32)>,
    /// Controls that get a new base value although they live on.
    pub resets: Vec<(u32, f32)>,
    /// Wires that had to go at once because they would have closed a circle, as they die away.
    pub tails: Vec<Tail>,
    /// A wire still fades, or something is here only to fade out: the control side is to hear of the end.
    pub fading: bool,
}

/// What is left of a wire that could not fade out: its last value, falling to nothing.
#[derive(Clone, Copy, Debug)]
pub struct Tail {
    /// The input port (index into `ports`) that it led to.
    pub port: u32,
    /// Where the value comes from.
    pub origin: TailOrigin,
    /// Last sample of each side.
    pub last: [f32; 2],
    /// Length in frames.
    pub frames: u32,
    /// Frames still to come.
    pub left: u32,
}

/// Where a tail's value comes from at adoption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TailOrigin {
    /// A wire of the base: its index.
    Wire(u32),
    /// A tail of the base: its index.
    Tail(u32),
}

/// Length of a crossfade.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Crossfade {
    /// In quarter notes at the tempo of the moment.
    Beats(f64),
    /// In seconds.
    Seconds(f64),
}

/// A node of a plan.
pub struct PlanNode {
    /// Unique per instance ever created: tells a node from its successor of the same id.
    pub uid: u64,
    /// How it is rendered.
    pub role: Role,
    /// The instance; `None` until adoption moves it here, and for roles without one.
    pub instance: Option<Box<dyn Node>>,
    /// First of its ports, and how many.
    pub ports: (u32, u32),
    /// First of its output buffers, for each output channel: indices into `buffers`.
    pub outputs: Vec<u32>,
    /// First of its controls, and how many (none for a ghost).
    pub controls: (u32, u32),
    /// The ghost that it replaces, as an index into `nodes`.
    pub replaces: u32,
    /// Its instance was created for this plan.
    pub fresh: bool,
    /// On its way out: feeds only wires that fade to nothing.
    pub ghost: bool,
    /// What was heard of it last and whether it can be trusted.
    pub health: Health,
}

/// A node's last good samples and its faults.
#[derive(Default)]
pub struct Health {
    /// Last good sample of each output channel.
    pub last: Vec<f32>,
    /// Frames of the fade-out after a fault that are still to come.
    pub fading: u32,
    /// Samples (since activation) of the last faults, latest first.
    pub faults: [Option<i64>; 2],
    /// Not rendered any more.
    pub silenced: bool,
}

/// An input port: where its wires are and how many channels it wants.
#[derive(Clone, Copy, Debug)]
pub struct InPort {
    /// 1 or 2.
    pub channels: u32,
    /// First of its wires, and how many.
    pub wires: (u32, u32),
}

/// How a wire that changes gets to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fade {
    /// At once: nothing sounded there before.
    Cut,
    /// In a few milliseconds: a node that is new.
    Short,
    /// In the length of a crossfade.
    Long,
}

/// A wire from an output port to an input port, with a gain that fades.
#[derive(Clone, Copy, Debug)]
pub struct Wire {
    /// Index of the source node.
    pub source: u32,
    /// First of the source port's channels among the source's outputs.
    pub channel: u32,
    /// 1 or 2.
    pub channels: u32,
    /// Present gain.
    pub gain: f32,
    /// Gain per frame while fading.
    pub step: f32,
    /// Frames left to fade.
    pub left: u32,
    /// Gain to reach: 1, or 0 on the way out.
    pub target: f32,
    /// How to get there.
    pub fade: Fade,
}

/// A control with everyone who writes it.
///
/// From the weakest: base value, pattern, automation.
#[derive(Clone, Copy, Debug)]
pub struct ControlState {
    /// Its node.
    pub node: u32,
    /// Its index on the node.
    pub index: u32,
    /// Range.
    pub min: f32,
    /// Range.
    pub max: f32,
    /// Somebody set the base value; otherwise it is the type's default.
    pub set: bool,
    /// Opens and closes notes.
    pub gate: bool,
    /// Base value.
    pub base: f32,
    /// The value a pattern holds.
    pub pattern: Option<f32>,
    /// The slot that wrote it.
    pub slot: u32,
    /// The automation that owns it, or [`NONE`].
    pub automation: u32,
    /// A gate that a pattern opened.
    pub open: bool,
}

impl ControlState {
    /// What the node should have, automations aside, within the range.
    pub fn held(&self) -> f32 {
        self.clamp(self.pattern.unwrap_or(self.base))
    }

    /// A value brought into the range; NaN becomes the lower bound.
    pub fn clamp(&self, value: f32) -> f32 {
        if value.is_nan() { self.min } else { value.clamp(self.min, self.max) }
    }
}

impl Plan {
    /// A plan with nothing in it.
    pub fn empty(generation: u64) -> Self {
        Self {
            generation,
            base: generation,
            seq: 0,
            due: None,
            relative: false,
            crossfade: Crossfade::Beats(0.5),
            nodes: Vec::new(),
            wires: Vec::new(),
            ports: Vec::new(),
            controls: Vec::new(),
            labels: Vec::new(),
            buffers: Vec::new(),
            mix: Vec::new(),
            node_moves: Vec::new(),
            wire_moves: Vec::new(),
            control_moves: Vec::new(),
            resets: Vec::new(),
            tails: Vec::new(),
            fading: false,
        }
    }

    /// Brings every wire to its target: for a plan that is the first of an engine.
    pub fn begin_at_rest(&mut self) {
        for wire in &mut self.wires {
            (wire.gain, wire.left) = (wire.target, 0);
        }
    }

    /// The control of that label or path.
    pub fn control(&self, symbol: Symbol) -> Option<u32> {
        let at = self.labels.binary_search_by_key(&symbol, |(s, _)| *s).ok()?;
        Some(self.labels[at].1)
    }

    /// Takes over from `old`, the base, and starts the fades. `fade_frames(fade)` tells their length.
    ///
    /// Realtime-safe: bounded by the sizes of both plans.
    pub fn adopt(&mut self, old: &mut Plan, fade_frames: impl Fn(Fade) -> u32) {
        self.take_tails(old, fade_frames(Fade::Short));
        for &(new, then) in &self.node_moves {
            let (new, then) = (&mut self.nodes[new as usize], &mut old.nodes[then as usize]);
            std::mem::swap(&mut new.instance, &mut then.instance);
            std::mem::swap(&mut new.health, &mut then.health);
        }
        for &(new, then) in &self.control_moves {
            let (was, is) = (old.controls[then as usize], &mut self.controls[new as usize]);
            // What was never set has the default of the type it has now.
            if was.set {
                (is.base, is.set) = (was.base, true);
            }
            is.pattern = was.pattern;
            is.slot = was.slot;
            is.automation = was.automation;
            // Also if its label went elsewhere: a stop or a jump still closes it.
            is.open = was.open;
        }
        for &(control, value) in &self.resets {
            let control = &mut self.controls[control as usize];
            (control.base, control.set) = (value, true);
        }
        for &(new, then) in &self.wire_moves {
            let (was, is) = (&old.wires[then as usize], &mut self.wires[new as usize]);
            is.gain = was.gain;
            if is.target == was.target {
                (is.step, is.left) = (was.step, was.left);
            } else {
                is.start_fade(fade_frames(is.fade));
            }
        }
        // New wires were built with gain 0 and no frames left: give those that fade their length.
        for wire in &mut self.wires {
            if wire.left == 0 && wire.gain != wire.target {
                wire.start_fade(fade_frames(wire.fade));
            }
        }
        self.succeed(fade_frames(Fade::Long));
        self.fading |= self.wires.iter().any(|w| w.left > 0);
    }

    /// What the base's wires carried last lives on in the tails. Before the instances move.
    fn take_tails(&mut self, old: &Plan, frames: u32) {
        for tail in &mut self.tails {
            match tail.origin {
                TailOrigin::Tail(then) => {
                    let was = &old.tails[then as usize];
                    (tail.last, tail.frames, tail.left) = (was.last, was.frames, was.left);
                }
                TailOrigin::Wire(then) => {
                    let wire = &old.wires[then as usize];
                    let source = &old.nodes[wire.source as usize].health.last;
                    let side = |c: u32| {
                        let at = (wire.channel + c.min(wire.channels - 1)) as usize;
                        wire.gain * source.get(at).copied().unwrap_or(0.0)
                    };
                    tail.last = [side(0), side(1)];
                    if wire.channels == 2 && self.ports[tail.port as usize].channels == 1 {
                        tail.last[0] = 0.5 * (tail.last[0] + tail.last[1]);
                    }
                    (tail.frames, tail.left) = (frames, frames);
                }
            }
        }
    }

    /// Nothing fades any more.
    pub fn is_settled(&self) -> bool {
        self.wires.iter().all(|w| w.left == 0) && self.tails.iter().all(|t| t.left == 0)
    }

    /// Lets each new node take over from the ghost that it replaces; what takes over whole needs no fade.
    fn succeed(&mut self, fade: u32) {
        for new in 0..self.nodes.len() {
            let ghost = self.nodes[new].replaces;
            if ghost == NONE {
                continue;
            }
            let mut successor = self.nodes[new].instance.take();
            let predecessor = self.nodes[ghost as usize].instance.as_deref_mut();
            if let (Some(successor), Some(predecessor)) = (&mut successor, predecessor)
                && successor.succeed(predecessor) == crate::node::Succession::Whole
            {
                self.hand_over(ghost, new as u32, fade);
            }
            self.nodes[new].instance = successor;
        }
    }

    /// Where both the ghost and its whole successor lead, the successor goes on at the gain that the
    /// ghost had reached.
    fn hand_over(&mut self, ghost: u32, new: u32, fade: u32) {
        for port in &self.ports {
            let wires = port.wires.0 as usize..(port.wires.0 + port.wires.1) as usize;
            for at in wires.clone() {
                if self.wires[at].source != new {
                    continue;
                }
                let channel = self.wires[at].channel;
                let same = |w: &Wire| w.source == ghost && w.channel == channel;
                let Some(twin) = wires.clone().find(|&w| same(&self.wires[w])) else { continue };
                let gain = self.wires[twin].gain;
                (self.wires[twin].gain, self.wires[twin].left) = (self.wires[twin].target, 0);
                let wire = &mut self.wires[at];
                (wire.gain, wire.left) = (gain, 0);
                if gain != wire.target {
                    wire.start_fade(fade);
                }
            }
        }
    }
}

impl Wire {
    fn start_fade(&mut self, frames: u32) {
        if frames == 0 {
            self.gain = self.target;
        } else {
            self.step = (self.target - self.gain) / frames as f32;
        }
        self.left = frames;
    }

    /// One frame further; the gain of that frame. Counted from the end, so that nothing adds up.
    #[inline]
    pub fn advance(&mut self) -> f32 {
        if self.left > 0 {
            self.left -= 1;
            self.gain = self.target - self.step * self.left as f32;
        }
        self.gain
    }

    /// The wire carries nothing and will not.
    pub fn is_silent(&self) -> bool {
        self.left == 0 && self.gain == 0.0
    }
}
