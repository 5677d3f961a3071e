//! The controls of a patch as a node: what is played on it, and the parameters of its modules.

use krach_core::node::{Control, Scale};

use crate::descriptor::Kind;
use crate::graph::ModuleGraph;
use crate::modules;
use crate::notes::{C2_HZ, C2_MIDI};
use crate::planner::layout_of;

/// Where a control leads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Lead {
    /// The pitch of what is played, in Hz.
    Freq,
    /// The velocity of the next onset.
    Velocity,
    /// The modulation wheel.
    Mod,
    /// The pitch bend wheel.
    Bend,
    /// A note begins and ends.
    Gate,
    /// A parameter of a module.
    Param {
        /// Index of the module in a first plan, and in every later one.
        module: usize,
        /// Index of the parameter.
        param: usize,
        /// It takes whole numbers only.
        whole: bool,
    },
}

/// What is played, in this order before the parameters, if the patch has a MidiIn.
const PLAYED: [Lead; 5] = [Lead::Freq, Lead::Velocity, Lead::Mod, Lead::Bend, Lead::Gate];
/// Index of the gate, if something can be played.
pub(super) const GATE: usize = 4;

/// The controls of a patch, and where each leads.
pub(super) struct Controls {
    pub controls: Vec<Control>,
    pub leads: Vec<Lead>,
}

impl Controls {
    pub fn of(graph: &ModuleGraph) -> Self {
        let (mut controls, mut leads) = (Vec::new(), Vec::new());
        if is_played(graph) {
            controls.extend(PLAYED.map(played));
            leads.extend(PLAYED);
        }
        // Which module has which index does not depend on the sample rate.
        for found in layout_of(graph, 48_000.0, 0).controls() {
            let (control, whole) = parameter(&found);
            controls.push(control);
            leads.push(Lead::Param { module: found.module, param: found.index, whole });
        }
        Self { controls, leads }
    }

    /// Calls `pair` with the index here and there of every control that both have. Bounded by their number.
    pub fn common(&self, other: &Self, mut pair: impl FnMut(usize, usize)) {
        let (own, others) = (self.played(), other.played());
        (0..own.min(others)).for_each(|at| pair(at, at));
        let (mut at, mut there) = (own, others);
        while let (Some(a), Some(b)) = (self.controls.get(at), other.controls.get(there)) {
            let order = a.name.cmp(&b.name);
            if order.is_eq() {
                pair(at, there);
            }
            at += usize::from(order.is_le());
            there += usize::from(order.is_ge());
        }
    }

    /// How many of them are what is played.
    pub fn played(&self) -> usize {
        if self.leads.first() == Some(&Lead::Freq) { PLAYED.len() } else { 0 }
    }
}

/// Has the patch a module that gets notes?
pub(super) fn is_played(graph: &ModuleGraph) -> bool {
    graph.nodes().any(|(_, node)| std::ptr::eq(node.descriptor(), &modules::MIDI_IN))
}

fn played(lead: Lead) -> Control {
    match lead {
        Lead::Freq => Control::continuous("freq", 1.0, 20_000.0, C2_HZ as f32).unit("Hz").scale(Scale::Log),
        Lead::Velocity => Control::continuous("vel", 0.0, 1.0, 1.0),
        Lead::Mod => Control::continuous("mod", 0.0, 1.0, 0.0),
        Lead::Bend => Control::continuous("bend", -1.0, 1.0, 0.0),
        Lead::Gate | Lead::Param { .. } => Control::gate("gate"),
    }
}

fn parameter(found: &crate::planner::Control) -> (Control, bool) {
    let of = |min: f32, max: f32| {
        Control::continuous(&found.address, min, max, found.value).unit(found.param.unit)
    };
    let named = |names: &[&'static str]| {
        let values = names.iter().zip(0_u16..).map(|(name, value)| (*name, f32::from(value)));
        of(0.0, names.len().saturating_sub(1) as f32).step(1.0).labels(values)
    };
    match found.param.kind {
        Kind::Float { min, max, log, .. } => {
            (of(min, max).scale(if log { Scale::Log } else { Scale::Linear }), false)
        }
        Kind::Int { min, max, .. } => (of(min as f32, max as f32).step(1.0), true),
        Kind::Bool { .. } => (named(&["false", "true"]), true),
        Kind::Enum { names, .. } => (named(names), true),
        // A list is no control.
        Kind::List { .. } => (of(0.0, 0.0), true),
    }
}

/// The key of a frequency, in semitones; exactly that of C2 for its frequency.
pub(super) fn key_of(hz: f32) -> f32 {
    let octaves = libm::log2(f64::from(hz) / f64::from(C2_HZ as f32));
    (f64::from(C2_MIDI) + 12.0 * octaves) as f32
}
