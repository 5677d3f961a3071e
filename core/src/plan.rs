//! What the audio thread plays: nodes in order, wires with their fades, controls with their owners.
//!
//! A plan is built on the control side against a *base*, the plan that audio last acknowledged. It
//! carries lists of what moves over from the base (instances, control states, wire gains), so that
//! adopting it is a walk over those lists: no search, no allocation.

mod adopt;
mod control;
mod pool;

pub use control::{ControlState, Modulation, first_value};
pub use pool::{Pool, Waiting};

use crate::limits::NONE;
use crate::model::Crossfade;
use crate::node::{Control, DeclaredMidi, MidiInput, NodeType, Role, Shown};
use crate::symbol::Symbol;
use crate::voice::Voice;
use std::sync::Arc;

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
    /// Length of the crossfade into this plan, if it is another.
    pub fade: Option<Crossfade>,
    /// Nodes in the order they render; ghosts (on their way out) among them.
    pub nodes: Vec<PlanNode>,
    /// Wires, grouped by the input port they lead to.
    pub wires: Vec<Wire>,
    /// Input ports, grouped by node.
    pub ports: Vec<InPort>,
    /// Controls of all nodes that are not ghosts, grouped by node.
    pub controls: Vec<ControlState>,
    /// Label or path → index into `controls`, sorted; a label wins over a path of the same name.
    pub labels: Arc<Vec<(Symbol, u32)>>,
    /// Path → index into `controls`, sorted.
    pub paths: Arc<Vec<(Symbol, u32)>>,
    /// Controls that MIDI of the host moves because their types say so, sorted by what moves them.
    pub listeners: Vec<Listener>,
    /// Id → index into `nodes`, of those that are not ghosts, sorted.
    pub ids: Arc<Vec<(Symbol, u32)>>,
    /// Output buffers, shared by nodes whose lifetimes do not overlap. Before adoption those that the base does not
    /// have, with room for the others.
    pub buffers: Vec<Box<[f32]>>,
    /// Output channels of all nodes, grouped by node: indices into `buffers`.
    pub outputs: Vec<u32>,
    /// How many buffers the plan needs.
    pub buffer_count: usize,
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
    pub declicks: Vec<Declick>,
    /// A wire still fades, or something is here only to fade out: the control side is to hear of the end.
    pub fading: bool,
    /// A node takes what the host sends in.
    pub takes_input: bool,
    /// Plans of scenes that are to follow this one, each prepared against it.
    pub scenes: Vec<ScenePlan>,
}

/// A control that MIDI of the host moves because its type says so.
#[derive(Clone, Copy, Debug)]
pub struct Listener {
    /// What moves it.
    pub midi: DeclaredMidi,
    /// Its index.
    pub control: u32,
    /// The symbol of its path.
    pub path: Symbol,
}

impl Plan {
    /// Bytes that the plan takes while it waits: its lists, and the buffers that its base does not have.
    pub fn memory(&self) -> usize {
        fn of<T>(list: &Vec<T>) -> usize {
            list.capacity() * std::mem::size_of::<T>()
        }
        let buffers = self.buffers.iter().chain(&self.mix).map(|buffer| std::mem::size_of_val(&**buffer));
        let places =
            of(&self.labels) + of(&self.paths) + of(&self.ids) + of(&self.buffers) + of(&self.outputs);
        let moves = of(&self.node_moves) + of(&self.wire_moves) + of(&self.control_moves) + of(&self.resets);
        let controls = of(&self.controls) + of(&self.listeners);
        let graph = of(&self.nodes) + of(&self.wires) + of(&self.ports) + controls;
        buffers.sum::<usize>() + places + moves + graph
    }
}

/// A plan that makes the graph of a scene of the one it is prepared against.
pub struct ScenePlan {
    /// The scene's number.
    pub number: u8,
    /// Number of what else the scene puts in place: the two belong together.
    pub parts: u64,
    /// The plan.
    pub plan: Box<Plan>,
}

/// What is left of a wire that could not fade out: its last value, falling to nothing.
#[derive(Clone, Copy, Debug)]
pub struct Declick {
    /// The input port (index into `ports`) that it led to.
    pub port: u32,
    /// Where the value comes from.
    pub origin: DeclickOrigin,
    /// Last sample of each side.
    pub last: [f32; 2],
    /// Length in frames.
    pub frames: u32,
    /// Frames still to come.
    pub left: u32,
}

/// Where a tail's value comes from at adoption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeclickOrigin {
    /// A wire of the base: its index.
    Wire(u32),
    /// A tail of the base: its index.
    Declick(u32),
}

/// A node of a plan.
pub struct PlanNode {
    /// Unique per instance ever created: tells a node from its successor of the same id.
    pub uid: u64,
    /// Its type, for what is declared of its controls. Plans are freed on the control side, and this with them.
    pub ty: Arc<dyn NodeType>,
    /// Its meter, or [`NONE`].
    pub meter: u32,
    /// How it is rendered.
    pub role: Role,
    /// Its instances; none for roles without one. Where the base has more than `limit`, so many: what
    /// sounds rings out.
    pub voices: Vec<Voice>,
    /// Voices that notes may have at a time.
    pub limit: u32,
    /// What one voice does with keys that overlap: goes on (true) or begins again (false), and goes back to
    /// the key that is still held; `None`: the last key alone counts.
    pub legato: Option<bool>,
    /// Its one instance rests once its gates are shut and nothing is heard of it.
    pub rests: bool,
    /// What it puts out in this stretch is exact zeros, and is not in its buffers.
    pub silent: bool,
    /// Notes have voices here. Elsewhere there is one instance and all that is set goes to it.
    pub voiced: bool,
    /// The controls that notes of the host set.
    pub parts: NoteParts,
    /// Where its bargraphs are seen; nowhere for a ghost.
    pub shown: Shown,
    /// The first of its voices that was created for this plan.
    pub fresh_from: u32,
    /// First of its ports, and how many.
    pub ports: (u32, u32),
    /// First of its output channels, and how many.
    pub outputs: (u32, u32),
    /// First of its controls, and how many (none for a ghost).
    pub controls: (u32, u32),
    /// Where its voices wait in the [`Pool`] until this plan is adopted, or [`NONE`].
    pub pool: u32,
    /// The ghost that it replaces, as an index into `nodes`.
    pub replaces: u32,
    /// On its way out: feeds only wires that fade to nothing.
    pub ghost: bool,
    /// It goes on where the ghost that it replaces was, to the bit: found at adoption.
    pub took_over: bool,
}

/// Which of a node's controls are what notes speak of, by index; [`NONE`] where it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoteParts {
    /// Frequency in Hz.
    pub freq: u32,
    /// Velocity: `vel`, or else `gain`.
    pub velocity: u32,
    /// Opens and closes the note.
    pub gate: u32,
    /// The pitch wheel moves a control of the type, and not `freq`.
    pub wheel: bool,
    /// By expression of the host, in the order of [`NoteParts::EXPRESSIONS`].
    pub expressions: [u32; Self::EXPRESSIONS.len()],
}

impl NoteParts {
    /// Controls that expressions of single notes reach. (Tuning reaches `freq`.)
    pub const EXPRESSIONS: [&str; 6] = ["volume", "pan", "vibrato", "expression", "brightness", "pressure"];
    /// None of them.
    pub const NOWHERE: Self = Self {
        freq: NONE,
        velocity: NONE,
        gate: NONE,
        wheel: false,
        expressions: [NONE; Self::EXPRESSIONS.len()],
    };
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
    /// It was on its way out already, and so many times its way out has begun anew.
    pub restarts: u8,
    /// The node that takes its source's place in this plan, where that place changes hands again before
    /// the fade has ended; its source, where that moves to another output again before; or [`NONE`].
    pub successor: u32,
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
            fade: None,
            nodes: Vec::new(),
            wires: Vec::new(),
            ports: Vec::new(),
            controls: Vec::new(),
            labels: Arc::default(),
            paths: Arc::default(),
            ids: Arc::default(),
            listeners: Vec::new(),
            buffers: Vec::new(),
            outputs: Vec::new(),
            buffer_count: 0,
            mix: Vec::new(),
            node_moves: Vec::new(),
            wire_moves: Vec::new(),
            control_moves: Vec::new(),
            resets: Vec::new(),
            declicks: Vec::new(),
            fading: false,
            takes_input: false,
            scenes: Vec::new(),
        }
    }

    /// Takes room for so many nodes, wires and controls at once: lists that grow as they fill are copied on the way.
    pub fn reserve(&mut self, nodes: usize, wires: usize, controls: usize) {
        self.nodes.reserve(nodes);
        self.node_moves.reserve(nodes);
        self.outputs.reserve(2 * nodes);
        self.ports.reserve(nodes);
        self.wires.reserve(wires);
        self.wire_moves.reserve(wires);
        self.controls.reserve(controls);
        self.control_moves.reserve(controls);
    }

    /// Brings every wire to its target: for a plan that is the first of an engine.
    pub fn begin_at_rest(&mut self) {
        for wire in &mut self.wires {
            (wire.gain, wire.left) = (wire.target, 0);
        }
    }

    /// The control of that label or path.
    pub fn control(&self, symbol: Symbol) -> Option<u32> {
        find(&self.labels, symbol)
    }

    /// The control of that path, whatever labels there are.
    pub fn control_at(&self, path: Symbol) -> Option<u32> {
        find(&self.paths, path)
    }

    /// The control of a path, or else of a label or path.
    pub fn find(&self, symbol: Symbol, path: bool) -> Option<u32> {
        if path { self.control_at(symbol) } else { self.control(symbol) }
    }

    /// The controls that this moves.
    pub fn listeners(&self, input: MidiInput) -> &[Listener] {
        let first = self.listeners.partition_point(|listener| listener.midi.input < input);
        let after = self.listeners.partition_point(|listener| listener.midi.input <= input);
        &self.listeners[first..after]
    }

    /// What the type of its node declares of a control.
    pub fn declared(&self, control: u32) -> Option<&Control> {
        let state = self.controls.get(control as usize)?;
        self.nodes.get(state.node as usize)?.ty.decl().controls.get(state.index as usize)
    }

    /// The node of that id.
    pub fn node(&self, id: Symbol) -> Option<u32> {
        find(&self.ids, id)
    }

    /// All voices that it takes from the pool are there.
    pub fn has_voices(&self, pool: &Pool) -> bool {
        self.nodes.iter().all(|node| node.pool == NONE || pool.has(node.pool, node.uid))
    }

    /// Nothing fades any more.
    pub fn is_settled(&self) -> bool {
        self.wires.iter().all(|w| w.left == 0) && self.declicks.iter().all(|t| t.left == 0)
    }
}

fn find(sorted: &[(Symbol, u32)], symbol: Symbol) -> Option<u32> {
    let at = sorted.binary_search_by_key(&symbol, |(s, _)| *s).ok()?;
    Some(sorted[at].1)
}

impl Wire {
    /// Sets off for the target, to be there after so many frames.
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
