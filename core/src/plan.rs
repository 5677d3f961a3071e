//! What the audio thread plays: nodes in order, wires with their fades, controls with their owners.
//!
//! A plan is built on the control side against a *base*, the plan that audio last acknowledged. It
//! carries lists of what moves over from the base (instances, control states, wire gains), so that
//! adopting it is a walk over those lists: no search, no allocation.

use crate::limits::NONE;
use crate::model::Crossfade;
use crate::node::{Change, Control, DeclaredMidi, MidiInput, NodeType, Role, Succession};
use crate::symbol::Symbol;
use crate::voice::{BY_BASE, NoteKey, Phase, Voice};
use std::sync::Arc;

/// How often a way out may begin anew: bounds how many nodes can be on their way out at a time, also
/// where they are replaced faster than they fade for ever.
const MAX_RESTARTS: u8 = 16;

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
    pub tails: Vec<Tail>,
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

/// Voices that wait for the plan of a scene that needs them, by number. They have never sounded.
pub struct Pool(Vec<Waiting>);

/// Voices of a node that is to be.
#[derive(Default)]
pub struct Waiting {
    /// The node's uid; 0: nothing waits.
    pub uid: u64,
    /// Its voices.
    pub voices: Vec<Voice>,
}

impl Pool {
    /// Most nodes that wait.
    pub const SIZE: usize = 8192;

    /// Nothing waits.
    pub fn new() -> Self {
        Self((0..Self::SIZE).map(|_| Waiting::default()).collect())
    }

    /// Puts voices there, and gives back what was there.
    pub fn swap(&mut self, index: u32, waiting: &mut Waiting) {
        if let Some(place) = self.0.get_mut(index as usize) {
            std::mem::swap(place, waiting);
        }
    }

    /// Do the voices of that node wait there?
    pub fn has(&self, index: u32, uid: u64) -> bool {
        self.0.get(index as usize).is_some_and(|waiting| waiting.uid == uid)
    }

    /// Takes them out.
    fn take(&mut self, index: u32) -> Vec<Voice> {
        self.0.get_mut(index as usize).map(std::mem::take).unwrap_or_default().voices
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
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

impl PlanNode {
    /// The last sample of an output channel: of all voices.
    fn last(&self, channel: usize) -> f32 {
        self.voices.iter().filter_map(|v| v.health.last.get(channel)).sum()
    }
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
    pub heir: u32,
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
    /// Nobody did, and that default is another than before this plan: who took over whole has yet to be told.
    pub renewed: bool,
    /// Opens and closes notes.
    pub gate: bool,
    /// A gate of one instance that was told last to be open, by whomever.
    pub opened: bool,
    /// Base value.
    pub base: f32,
    /// The value a pattern holds.
    pub pattern: Option<f32>,
    /// A shape of the pattern draws it, line by line.
    pub drawn: bool,
    /// The slot that wrote it.
    pub slot: u32,
    /// The label by which the slot found it.
    pub via: Symbol,
    /// The automation that owns it, or [`NONE`].
    pub automation: u32,
    /// What that said last.
    pub automated: f32,
    /// What the host adds on top of whoever writes it.
    pub modulation: Modulation,
    /// A gate that a pattern opened.
    pub open: bool,
    /// The note that opened it, if one did.
    pub note: NoteKey,
    /// Where that began in its pattern, in cycles.
    pub onset: f64,
}

/// What the host adds to a control, on top of base value, pattern and automation; never stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Modulation {
    /// Factor.
    pub times: f32,
    /// Added after that.
    pub add: f32,
}

impl Modulation {
    /// Nothing is added.
    pub const NONE: Self = Self { times: 1.0, add: 0.0 };
}

impl ControlState {
    /// What the node should have, automations aside, within the range.
    pub fn held(&self) -> f32 {
        self.clamp(self.pattern.unwrap_or(self.base))
    }

    /// What the node is told where its writers say `value`: with the host's modulation, within the range. To the
    /// bit the same where there is none. Gates are not modulated.
    pub fn modulated(&self, value: f32) -> f32 {
        if self.modulation == Modulation::NONE || self.gate {
            return value;
        }
        self.clamp(value * self.modulation.times + self.modulation.add)
    }

    /// The value as it is, also beyond the range; what is no number of that precision is brought into the range.
    pub fn finite(&self, value: f32) -> f32 {
        if value.is_finite() { value } else { self.clamp(value) }
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
            tails: Vec::new(),
            fading: false,
            takes_input: false,
            scenes: Vec::new(),
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

    /// Takes over from `old`, the base, with voices from the pool, and starts the fades. `fade_frames(fade)` tells
    /// their length.
    ///
    /// Realtime-safe: bounded by the sizes of both plans.
    pub fn adopt(&mut self, old: &mut Plan, pool: &mut Pool, fade_frames: impl Fn(Fade) -> u32) {
        self.take_voices(pool);
        self.take_tails(old, fade_frames(Fade::Short));
        while self.buffers.len() < self.buffer_count {
            let Some(buffer) = old.buffers.pop() else { break };
            self.buffers.push(buffer);
        }
        for &(new, then) in &self.node_moves {
            let (new, then) = (&mut self.nodes[new as usize], &mut old.nodes[then as usize]);
            if new.voices.is_empty() {
                // They are the same, and so is the room in them.
                std::mem::swap(&mut new.voices, &mut then.voices);
            }
            for (new, then) in new.voices.iter_mut().zip(&mut then.voices) {
                std::mem::swap(new, then);
                if new.keys.capacity() < then.keys.capacity() {
                    // Without room there is none in it.
                    std::mem::swap(&mut new.keys, &mut then.keys);
                }
            }
            if new.voiced
                && !then.voiced
                && let Some(voice) = new.voices.first_mut()
            {
                // What sounded without being a note sounds on until notes need the voice.
                (voice.phase, voice.note) = (Phase::Held, BY_BASE);
            }
        }
        for &(new, then) in &self.control_moves {
            let (was, is) = (old.controls[then as usize], &mut self.controls[new as usize]);
            is.renewed = !was.set && !is.set && was.base != is.base;
            // What was never set has the default of the type it has now.
            if was.set {
                (is.base, is.set) = (was.base, true);
            }
            (is.pattern, is.drawn) = (was.pattern, was.drawn);
            (is.slot, is.via) = (was.slot, was.via);
            (is.automation, is.automated) = (was.automation, was.automated);
            is.modulation = was.modulation;
            // Also if its label went elsewhere: a stop or a jump still closes it.
            (is.open, is.note, is.onset, is.opened) = (was.open, was.note, was.onset, was.opened);
        }
        for &(control, value) in &self.resets {
            let control = &mut self.controls[control as usize];
            (control.base, control.set) = (value, true);
        }
        for &(new, then) in &self.wire_moves {
            let (was, is) = (&old.wires[then as usize], &mut self.wires[new as usize]);
            (is.gain, is.restarts) = (was.gain, was.restarts);
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
        self.succeed(old, fade_frames(Fade::Long));
        self.keep_sums(fade_frames(Fade::Long));
        self.fading |= self.wires.iter().any(|w| w.left > 0);
    }

    /// Takes voices from the pool: as new instances whose controls hold what this plan says.
    fn take_voices(&mut self, pool: &mut Pool) {
        for node in &mut self.nodes {
            if node.pool == NONE {
                continue;
            }
            node.voices = pool.take(node.pool);
            let (first, count) = node.controls;
            let controls = &self.controls[first as usize..(first + count) as usize];
            for (at, voice) in node.voices.iter_mut().enumerate() {
                voice.begin(node.voiced, at == 0, controls);
                let Some(instance) = &mut voice.instance else { continue };
                for control in controls {
                    let value = first_value(node.voiced, at == 0, control);
                    instance.set(control.index as usize, Change { value, ramp: 0 });
                }
            }
        }
    }

    /// Where a fade is overtaken, all that fades out there goes as long as the newest comes in, or their
    /// gains would not add up to what they replace.
    fn keep_sums(&mut self, frames: u32) {
        let nodes = &self.nodes;
        for wire in &mut self.wires {
            let overtaken = wire.heir != NONE && !nodes[wire.heir as usize].took_over;
            if overtaken && wire.left > 0 && wire.restarts < MAX_RESTARTS {
                wire.restarts += 1;
                wire.start_fade(frames);
            }
        }
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
                    let source = &old.nodes[wire.source as usize];
                    let side =
                        |c: u32| wire.gain * source.last((wire.channel + c.min(wire.channels - 1)) as usize);
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
    fn succeed(&mut self, old: &Plan, fade: u32) {
        for new in 0..self.nodes.len() {
            let ghost = self.nodes[new].replaces;
            if ghost == NONE {
                continue;
            }
            let mut heirs = std::mem::take(&mut self.nodes[new].voices);
            let mut before = std::mem::take(&mut self.nodes[ghost as usize].voices);
            let notes = self.nodes[new].voiced && self.nodes[ghost as usize].voiced;
            if notes {
                heirs.iter_mut().for_each(|heir| heir.phase = Phase::Free);
            }
            let mut whole = !heirs.is_empty();
            let mut newest = u64::MAX;
            // Voice for voice, so that they are summed in the same order; where there are fewer, the
            // newest notes.
            let in_place = before.len() <= heirs.len();
            for (at, heir) in heirs.iter_mut().enumerate() {
                let next = match in_place {
                    true => before.get_mut(at),
                    false => {
                        let older = |v: &&mut Voice| v.is_played() && v.started < newest;
                        before.iter_mut().filter(older).max_by_key(|v| v.started)
                    }
                };
                let Some(next) = next else { break };
                newest = next.started;
                if let (Some(instance), Some(before)) = (&mut heir.instance, &mut next.instance) {
                    let took_over = instance.succeed(before.as_mut()) == Succession::Whole;
                    whole &= took_over;
                    if took_over {
                        // What rests goes on resting: when better code comes must not be heard.
                        heir.repose = next.repose;
                    }
                }
                if notes {
                    heir.inherit(next);
                    self.pass_on(new, heir, next, old);
                }
            }
            // What finds no heir fades out with the ghost.
            whole &= in_place || !before.iter().any(|v| v.is_played() && v.started < newest);
            let inherited = heirs.len().min(before.len());
            self.nodes[new].voices = heirs;
            self.nodes[ghost as usize].voices = before;
            if whole {
                self.nodes[new].took_over = true;
                // They know what their controls hold, and how far ramps have come.
                self.nodes[new].fresh_from = inherited as u32;
                self.hand_over(old, ghost, new as u32, fade);
            }
        }
    }

    /// The heir of a note keeps what the note has set, by path.
    fn pass_on(&self, node: usize, heir: &mut Voice, before: &Voice, old: &Plan) {
        let (first, count) = self.nodes[node].controls;
        let begin = self.control_moves.partition_point(|(new, _)| *new < first);
        let moves = self.control_moves[begin..].iter().take_while(|(new, _)| *new < first + count);
        for &(new, then) in moves {
            let (new, then) = (&self.controls[new as usize], &old.controls[then as usize]);
            heir.held[new.index as usize] = before.held.get(then.index as usize).copied().flatten();
        }
    }

    /// Where both the ghost and its whole successor lead, the successor goes on at the gain that the
    /// ghost had reached, and on the line that it was on.
    fn hand_over(&mut self, old: &Plan, ghost: u32, new: u32, fade: u32) {
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
                let moved = self.wire_moves.binary_search_by_key(&(twin as u32), |&(new, _)| new);
                let was = moved.ok().map(|at| &old.wires[self.wire_moves[at].1 as usize]);
                let wire = &mut self.wires[at];
                (wire.gain, wire.left) = (gain, 0);
                match was {
                    Some(was) if was.target == wire.target => (wire.step, wire.left) = (was.step, was.left),
                    _ if gain != wire.target => wire.start_fade(fade),
                    _ => {}
                }
            }
        }
    }
}

/// What a control of a new instance holds. A gate whose base value is open is a note, and that is the first voice's.
pub fn first_value(voiced: bool, first: bool, control: &ControlState) -> f32 {
    if !voiced || first || !control.gate { control.held() } else { control.clamp(0.0) }
}

impl Voice {
    /// A new voice of a node begins: it plays the gates whose base values are open, if it is the first.
    pub fn begin(&mut self, voiced: bool, first: bool, controls: &[ControlState]) {
        let open = |c: &&ControlState| voiced && first && c.gate && c.held() > 0.0;
        for c in controls.iter().filter(open) {
            (self.phase, self.note) = (Phase::Held, BY_BASE);
            self.held[c.index as usize] = Some(c.held());
            self.open += 1;
        }
    }
}

fn find(sorted: &[(Symbol, u32)], symbol: Symbol) -> Option<u32> {
    let at = sorted.binary_search_by_key(&symbol, |(s, _)| *s).ok()?;
    Some(sorted[at].1)
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
