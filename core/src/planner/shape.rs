//! What the control side remembers of a plan: enough to build the next one against it.

use crate::node::NodeType;
use crate::symbol::Symbol;
use std::collections::HashSet;
use std::sync::Arc;

/// What the control side remembers of a plan it sent: enough to build the next one against it.
#[derive(Clone, Default)]
pub struct Shape {
    /// Number of the plan.
    pub generation: u64,
    pub(super) nodes: Vec<ShapeNode>,
    pub(super) wires: Vec<ShapeWire>,
    pub(super) controls: Vec<Symbol>,
    /// Where tails die away: (target, port).
    pub(super) tails: Vec<(u64, usize)>,
    /// It has nodes, wires or tails that are only there to fade out.
    pub(super) ghosts: bool,
}

#[derive(Clone)]
pub(super) struct ShapeNode {
    pub(super) uid: u64,
    pub(super) id: String,
    pub(super) ty: Arc<dyn NodeType>,
    pub(super) ghost: bool,
    /// Instances.
    pub(super) voices: usize,
}

impl ShapeNode {
    pub(super) fn new(uid: u64, id: &str, ty: &Arc<dyn NodeType>, ghost: bool, voices: usize) -> Self {
        Self { uid, id: id.to_owned(), ty: ty.clone(), ghost, voices }
    }
}

#[derive(Clone, Copy)]
pub(super) struct ShapeWire {
    pub(super) source: u64,
    pub(super) from: usize,
    pub(super) target: u64,
    pub(super) to: usize,
    pub(super) out: bool,
}

impl ShapeWire {
    /// From where to where.
    pub(super) fn way(&self) -> (u64, usize, u64, usize) {
        (self.source, self.from, self.target, self.to)
    }
}

impl Shape {
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
        self.ghosts =
            self.nodes.iter().any(|n| n.ghost) || self.wires.iter().any(|w| w.out) || !self.tails.is_empty();
    }

    /// Is there that very instance, and not on its way out?
    pub fn has_live(&self, uid: u64) -> bool {
        self.nodes.iter().any(|n| !n.ghost && n.uid == uid)
    }

    /// Uids and ids of the nodes that are not on their way out.
    pub fn live(&self) -> impl Iterator<Item = (u64, &str)> {
        self.nodes.iter().filter(|n| !n.ghost).map(|n| (n.uid, n.id.as_str()))
    }

    /// Uids of all nodes, those on their way out too.
    pub fn uids(&self) -> impl Iterator<Item = u64> {
        self.nodes.iter().map(|n| n.uid)
    }

    /// The id of the node with that uid.
    pub fn id_of(&self, uid: u64) -> Option<&str> {
        self.nodes.iter().find(|n| n.uid == uid).map(|n| n.id.as_str())
    }

    /// Forgets ghosts that have faded out, so that the next plan leaves them behind.
    pub fn settle(&mut self) {
        self.ghosts = false;
        self.tails.clear();
        let gone: HashSet<u64> = self.nodes.iter().filter(|n| n.ghost).map(|n| n.uid).collect();
        for wire in &mut self.wires {
            // Kept in place: indices are those of the plan. Out of reach for the next one.
            if wire.out || gone.contains(&wire.source) || gone.contains(&wire.target) {
                *wire = ShapeWire { source: u64::MAX, from: 0, target: u64::MAX, to: 0, out: true };
            }
        }
        for node in &mut self.nodes {
            if node.ghost {
                node.uid = u64::MAX;
            }
        }
    }
}
