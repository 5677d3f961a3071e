//! A patch as a node of the engine.
//!
//! A [`PatchType`] is one version of a patch. Its nodes begin with a plan of it alone; a node that replaces one of an
//! earlier version takes over what plays there ([`Versions`]), and answers that it goes on whole: what is new or gone
//! fades within the patch. If the earlier one still fades itself, it ends its fade first.

mod controls;
mod lane;
mod settings;
mod versions;

use std::any::Any;
use std::sync::Arc;

use krach_core::node::{
    self, Change, CreateContext, CreateError, Node, NodeDecl, NodeSettings, NodeType, Port, Role as Place,
    SettingFault, SettingValue, Succession,
};

use crate::descriptor::Role;
use crate::fault::Fault;
use crate::graph::ModuleGraph;
use crate::midi::MidiEvent;
use crate::planner::build_patch;
use crate::processor::Processor;
use crate::transport::Transport;
use crate::yaml::graph_to_yaml;
use controls::{GATE, Lead, is_played, key_of};
use lane::Lane;
use versions::{Version, Way};

pub use versions::Versions;

/// Grows when modules change what they sound like.
const SOUND: u64 = 1;

/// Modules without a time of their own: they are the same after a rest as after a reset.
const TIMELESS: [&str; 12] = [
    "SineOscillator",
    "SawtoothOscillator",
    "SquareOscillator",
    "Sum",
    "Mixer",
    "Vca",
    "AdsrEnvelope",
    "Filter",
    "Tuner",
    "Quantizer",
    "MidiIn",
    "AudioOut",
];

/// One version of a patch, as a type of which the engine makes nodes.
///
/// It has a stereo output `out`, a stereo input `in` if there is an AudioIn, the controls `freq`, `vel`, `mod`, `bend`
/// and `gate` if there is a MidiIn, and one control for each parameter but lists: `osc/frequency`. Lists are its settings:
/// `seq/steps`.
pub struct PatchType {
    decl: NodeDecl,
    version: Arc<Version>,
    versions: Arc<Versions>,
    code_key: u64,
    rests: bool,
}

impl PatchType {
    /// The type of a patch. Its nodes can take over from those of the other `versions`.
    ///
    /// # Errors
    /// If the patch has not exactly one AudioOut.
    pub fn new(type_id: &str, graph: ModuleGraph, versions: &Arc<Versions>) -> Result<Self, Fault> {
        graph.check()?;
        let has = |role| graph.nodes().any(|(_, node)| node.descriptor().role == role);
        let inputs = if has(Role::Source) { vec![Port::stereo("in")] } else { Vec::new() };
        let rests =
            is_played(&graph) && graph.nodes().all(|(_, node)| TIMELESS.contains(&node.descriptor().name));
        let code_key = fnv(graph_to_yaml(&graph).as_bytes()) ^ SOUND;
        let settings = settings::of(&graph);
        let version = versions.add(graph);
        let decl = NodeDecl {
            type_id: type_id.to_owned(),
            inputs,
            outputs: vec![Port::stereo("out")],
            controls: version.controls.controls.clone(),
            settings,
            role: Place::Process,
        };
        Ok(Self { decl, version, versions: Arc::clone(versions), code_key, rests })
    }
}

impl PatchType {
    /// Bytes of one instance at 48 kHz, without the memory of delays.
    pub fn state_bytes(&self) -> u64 {
        let plan = build_patch(&self.version.graph, 48_000.0, None, self.version.number);
        plan.map_or(0, |(plan, _)| plan.bytes() as u64)
    }
}

/// FNV-1a.
fn fnv(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

impl NodeType for PatchType {
    fn decl(&self) -> &NodeDecl {
        &self.decl
    }

    fn code_key(&self) -> u64 {
        self.code_key
    }

    fn rests(&self) -> bool {
        self.rests
    }

    fn check_setting(&self, name: &str, value: &SettingValue) -> Result<(), SettingFault> {
        settings::put(&mut self.version.graph.clone(), name, value)
    }

    fn with_settings(&self, settings: &NodeSettings) -> Option<Arc<dyn NodeType>> {
        let mut graph = self.version.graph.clone();
        for (name, value) in settings.iter() {
            // What the patch does not take stays as its text has it.
            let _ = settings::put(&mut graph, name, value);
        }
        let settled = Self::new(&self.decl.type_id, graph, &self.versions).ok()?;
        Some(Arc::new(settled))
    }

    fn create(&self, ctx: &CreateContext) -> Result<Box<dyn Node>, CreateError> {
        let failed = |fault: Fault| CreateError(format!("{}: {}", self.decl.type_id, fault.problem));
        let version = &self.version;
        let (plan, _) = build_patch(&version.graph, ctx.sample_rate, None, version.number).map_err(failed)?;
        let mut processor = Processor::new();
        // The first plan fits where nothing plays.
        drop(processor.adopt(plan));
        let controls = &self.decl.controls;
        let lanes = controls
            .iter()
            .zip(&version.controls.leads)
            .map(|(control, lead)| Lane::new(control.min, control.max, control.default, *lead == Lead::Gate));
        Ok(Box::new(PatchNode {
            lanes: lanes.collect(),
            playing: Playing {
                processor,
                applied: controls.iter().map(|control| control.default).collect(),
                version: Arc::clone(version),
                sample_rate: ctx.sample_rate,
            },
            ways: self.versions.ways_to(version, ctx.sample_rate).map_err(failed)?,
            version: Arc::clone(version),
            pending: None,
            begun: false,
            succeeded: false,
        }))
    }
}

/// What sounds: a version of the patch, and what its modules have been told.
struct Playing {
    processor: Processor,
    /// By control of that version.
    applied: Box<[f32]>,
    /// Held here too: as long as it sounds, a later version has to find a way from it.
    version: Arc<Version>,
    sample_rate: f64,
}

/// A running patch.
struct PatchNode {
    /// What it is to play.
    version: Arc<Version>,
    /// By control of that version.
    lanes: Box<[Lane]>,
    playing: Playing,
    /// From the versions that were there when it was made.
    ways: Vec<Way>,
    /// The way that it takes as soon as what plays has ended its fades.
    pending: Option<usize>,
    /// It has rendered since it was made or reset.
    begun: bool,
    /// Another has taken over what it played: it is silent, however long it is rendered on.
    succeeded: bool,
}

impl PatchNode {
    /// Takes the way that is pending, if nothing fades any more.
    fn arrive(&mut self) {
        let Some(way) = self.pending.and_then(|at| self.ways.get_mut(at)) else { return };
        if !self.playing.processor.is_settled() {
            return;
        }
        self.pending = None;
        let Some(plan) = way.plan.take() else { return };
        way.carry(&self.playing.applied);
        self.playing.processor.compact();
        // What is retired stays here, and leaves the audio thread with this node.
        way.plan = match self.playing.processor.adopt(plan) {
            Ok(retired) => retired,
            Err(unfit) => Some(unfit.0),
        };
        std::mem::swap(&mut self.playing.applied, &mut way.applied);
        std::mem::swap(&mut self.playing.version, &mut way.version);
    }

    /// Tells the modules what the controls hold on the next frame; for how many frames that holds.
    fn apply(&mut self) -> u32 {
        let leads = &self.version.controls.leads;
        let mut hold = u32::MAX;
        // The gate last: a note begins with all that it has.
        let gate = if self.version.controls.played() > 0 { GATE } else { usize::MAX };
        let rest = (0..leads.len()).filter(|&at| at != gate);
        for at in rest.chain((gate < leads.len()).then_some(gate)) {
            let (value, frames) = self.lanes[at].next();
            hold = hold.min(frames);
            self.tell(at, value);
        }
        hold
    }

    fn tell(&mut self, at: usize, value: f32) {
        let lead = self.version.controls.leads[at];
        let Playing { processor, applied, version, .. } = &mut self.playing;
        // What plays while a way is pending has other parameters, and is played alike.
        if self.pending.is_some() && at >= self.version.controls.played().min(version.controls.played()) {
            return;
        }
        if applied[at].to_bits() == value.to_bits() {
            return;
        }
        let before = std::mem::replace(&mut applied[at], value);
        match lead {
            Lead::Freq => processor.midi(MidiEvent::Pitch(key_of(value))),
            Lead::Velocity => {}
            Lead::Mod => processor.midi(MidiEvent::Mod(value)),
            Lead::Bend => processor.midi(MidiEvent::Bend(value)),
            Lead::Gate if value > 0.0 && before <= 0.0 => {
                // In the order of the controls.
                let (note, velocity) = (key_of(applied[0]), applied[1]);
                processor.midi(MidiEvent::NoteOn { note, velocity });
            }
            Lead::Gate if value <= 0.0 => processor.midi(MidiEvent::AllOff),
            Lead::Gate => {}
            Lead::Param { module, param, whole } => {
                processor.set(module, param, if whole { value.round() } else { value });
            }
        }
    }

    /// Before the first frame: values count at once, nothing glides to them.
    fn begin(&mut self) {
        self.begun = true;
        if self.pending.is_some() {
            // Without fades that would have to end first.
            self.playing.processor.reset();
            self.arrive();
        }
        for at in self.version.controls.played()..self.lanes.len() {
            self.tell(at, self.lanes[at].next().0);
        }
        self.playing.processor.reset();
        // What is played begins anew.
        let played = self.version.controls.played();
        for (applied, control) in
            self.playing.applied[..played].iter_mut().zip(&self.version.controls.controls)
        {
            *applied = control.default;
        }
    }
}

impl Node for PatchNode {
    fn reset(&mut self) {
        self.lanes.iter_mut().for_each(Lane::finish);
        self.begun = false;
    }

    fn set(&mut self, control: usize, change: Change) {
        if let Some(lane) = self.lanes.get_mut(control) {
            lane.set(change);
        }
    }

    fn render(
        &mut self,
        transport: &node::Transport,
        frames: usize,
        inputs: &[&[f32]],
        outputs: &mut [&mut [f32]],
    ) {
        let [left, right] = outputs else {
            outputs.iter_mut().for_each(|channel| channel.fill(0.0));
            return;
        };
        if self.succeeded {
            left.fill(0.0);
            right.fill(0.0);
            return;
        }
        if !self.begun {
            self.begin();
        }
        let mut start = 0;
        while start < frames {
            self.arrive();
            let mut count = self.apply();
            if self.pending.is_some() {
                count = count.min(self.playing.processor.unsettled());
            }
            let end = frames.min(start.saturating_add(count.max(1) as usize));
            let input = [0, 1].map(|side| inputs.get(side).map_or(&[][..], |channel| &channel[start..end]));
            let now = Transport {
                playing: transport.running,
                anchor: transport.anchor,
                frames: transport.frames + start as i64,
                step: transport.step,
                ramp: transport.ramp,
                bar: transport.bar,
                meter: transport.meter,
            };
            self.playing.processor.render(Some(now), input, [&mut left[start..end], &mut right[start..end]]);
            self.lanes.iter_mut().for_each(|lane| lane.advance((end - start) as u32));
            start = end;
        }
    }

    /// Goes on with what plays in the old one, if it is a version that was known when this one was made.
    fn succeed(&mut self, old: &mut dyn Node) -> Succession {
        let Some(old) = old.as_any().downcast_mut::<Self>() else { return Succession::None };
        let from = old.playing.processor.serial();
        let Some(way) = self.ways.iter().position(|way| way.from == from && way.plan.is_some()) else {
            return Succession::None;
        };
        if old.succeeded || old.playing.sample_rate != self.playing.sample_rate {
            return Succession::None;
        }
        old.succeeded = true;
        std::mem::swap(&mut self.playing, &mut old.playing);
        (self.pending, self.begun) = (Some(way), old.begun);
        let (lanes, theirs) = (&mut self.lanes, &old.lanes);
        self.version.controls.common(&old.version.controls, |here, there| lanes[here].follow(&theirs[there]));
        Succession::Whole
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
