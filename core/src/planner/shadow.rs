//! What the control side remembers of a plan: enough to build the next one against it.

use crate::graph::{IndexedGraph, PartKey};
use crate::limits::NONE;
use crate::model::Values;
use crate::node::{NodeType, RegistryState, Shown};
use crate::plan::NoteParts;
use crate::symbol::Symbol;
use std::sync::Arc;

/// What the control side remembers of a plan it sent: enough to build the next one against it.
#[derive(Clone, Default)]
pub struct PlanShadow {
    /// Number of the plan.
    pub generation: u64,
    pub(super) nodes: Vec<Arc<ShadowNode>>,
    pub(super) wires: Vec<ShadowWire>,
    pub(super) controls: Vec<Symbol>,
    /// Where tails die away: (target, port).
    pub(super) declicks: Vec<(u64, usize)>,
    /// It has nodes, wires or tails that are only there to fade out.
    pub(super) ghosts: bool,
    /// A node takes what the host sends in.
    pub(super) takes_input: bool,
    /// How many buffers the plan has.
    pub(super) buffers: usize,
    /// Labels, paths and ids, as in the plan.
    pub(super) names: Names,
    /// What the plan was built from, if the next one can be built from the changes since.
    pub(super) basis: Option<Arc<Basis>>,
}

/// What a plan was built from.
pub(super) struct Basis {
    pub(super) graph: IndexedGraph,
    pub(super) values: Values,
    pub(super) registry: RegistryState,
}

/// Names of a plan, sorted, with what they mean. Shared with the plan.
#[derive(Clone, Default)]
pub(super) struct Names {
    pub(super) labels: Arc<Vec<(Symbol, u32)>>,
    pub(super) paths: Arc<Vec<(Symbol, u32)>>,
    pub(super) ids: Arc<Vec<(Symbol, u32)>>,
}

/// A node as plans have it.
#[derive(Clone)]
pub(super) struct ShadowNode {
    pub(super) uid: u64,
    pub(super) id: Arc<str>,
    pub(super) ty: Arc<dyn NodeType>,
    pub(super) ghost: bool,
    /// Instances.
    pub(super) voices: usize,
    /// Voices that notes may have.
    pub(super) count: usize,
    pub(super) legato: Option<bool>,
    /// It may rest when it has fallen silent.
    pub(super) rests: bool,
    /// The controls that notes of the host set.
    pub(super) parts: NoteParts,
    /// Where its bargraphs are seen.
    pub(super) shown: Shown,
    /// Its controls; none where it is on its way out.
    pub(super) controls: Arc<[ShadowControl]>,
}

impl ShadowNode {
    /// Its voices have room for keys that wait.
    pub(super) fn keeps_keys(&self) -> bool {
        self.count == 1 && self.legato.is_some()
    }
}

/// A control as plans have it.
#[derive(Clone, Copy)]
pub(super) struct ShadowControl {
    /// Under which it lives on from plan to plan.
    pub(super) symbol: Symbol,
    /// Base value, if one was set.
    pub(super) value: Option<f64>,
    /// Opens and closes notes.
    pub(super) gate: bool,
}

/// Where a connection stands in the graph.
pub(super) type Rank = (PartKey, u32);

/// A wire, by the places of its ends among the nodes.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShadowWire {
    pub(super) source: u32,
    pub(super) from: usize,
    pub(super) target: u32,
    pub(super) to: usize,
    pub(super) out: bool,
    /// Where the graph has it.
    pub(super) rank: Rank,
    /// How many connections of the graph are this wire.
    pub(super) times: u16,
}

impl ShadowWire {
    /// From where to where.
    pub(super) fn way(&self) -> (u32, usize, u32, usize) {
        (self.source, self.from, self.target, self.to)
    }
}

impl PlanShadow {
    /// A plan with nothing in it.
    pub fn empty(generation: u64) -> Self {
        Self { generation, ..Self::default() }
    }

    /// Has the plan nodes that are only there to fade out?
    pub fn has_ghosts(&self) -> bool {
        self.ghosts
    }

    /// It has all of its nodes, wires and tails.
    pub(super) fn finish(&mut self) {
        self.ghosts = self.nodes.iter().any(|n| n.ghost)
            || self.wires.iter().any(|w| w.out)
            || !self.declicks.is_empty();
    }

    /// Is there that very instance, and not on its way out?
    pub fn has_live(&self, uid: u64) -> bool {
        self.nodes.iter().any(|n| !n.ghost && n.uid == uid)
    }

    /// Uids and ids of the nodes that are not on their way out.
    pub fn live(&self) -> impl Iterator<Item = (u64, &str)> {
        self.nodes.iter().filter(|n| !n.ghost).map(|n| (n.uid, &*n.id))
    }

    /// Ids of the nodes that have bargraphs and are not on their way out, with their types and where they are seen.
    pub fn bargraphs(&self) -> impl Iterator<Item = (&str, &Arc<dyn NodeType>, &Shown)> {
        let nodes = self.nodes.iter().filter(|node| !node.ghost && !node.shown.is_empty());
        nodes.map(|node| (&*node.id, &node.ty, &node.shown))
    }

    /// Uids of all nodes, those on their way out too.
    pub fn uids(&self) -> impl Iterator<Item = u64> {
        self.nodes.iter().map(|n| n.uid)
    }

    /// The id of the node with that uid.
    pub fn id_of(&self, uid: u64) -> Option<&str> {
        self.nodes.iter().find(|n| n.uid == uid).map(|n| &*n.id)
    }

    /// Forgets ghosts that have faded out, so that the next plan leaves them behind.
    pub fn settle(&mut self) {
        self.ghosts = false;
        self.declicks.clear();
        for wire in &mut self.wires {
            // Kept in place: indices are those of the plan. Out of reach for the next one.
            let gone = |node: u32| self.nodes.get(node as usize).is_none_or(|node| node.ghost);
            if wire.out || gone(wire.source) || gone(wire.target) {
                (wire.source, wire.target, wire.out, wire.times) = (NONE, NONE, true, 0);
            }
        }
        for node in self.nodes.iter_mut().filter(|node| node.ghost) {
            *node = Arc::new(ShadowNode { uid: u64::MAX, ..ShadowNode::clone(node) });
        }
    }

    /// Nodes that have not faded out.
    pub(super) fn kept(&self) -> impl Iterator<Item = &Arc<ShadowNode>> {
        self.nodes.iter().filter(|node| node.uid != u64::MAX)
    }
}
