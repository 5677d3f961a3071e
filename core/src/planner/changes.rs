//! What of a graph differs from the one that a base was built from, where that is little enough for a plan to be the
//! base with those changes.

use super::shadow::{Basis, PlanShadow, Rank, ShadowWire};
use super::{PlannedNode, Request};
use crate::graph::{Connection, GraphNode, IndexedGraph};
use imbl::ordmap::DiffItem;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// So few of something are looked for one by one; more by a map.
const FEW: usize = 8;

/// The parts of the graph that are others.
pub(super) struct Changes<'a> {
    gone: Vec<&'a Connection>,
    new: Vec<(Rank, &'a Connection)>,
    /// Ids of the nodes in parts that are gone, new or others.
    pub ids: BTreeSet<&'a str>,
    /// The nodes in parts that are new or others, in order.
    pub nodes: Vec<&'a GraphNode>,
    /// Paths of base values that are others, or not there.
    pub values: Vec<&'a str>,
}

impl<'a> Changes<'a> {
    /// What has changed since the base; `None` if any part may have.
    pub fn since(basis: &'a Basis, request: &'a Request<'_>) -> Option<Self> {
        if basis.registry != request.registry.state() {
            return None;
        }
        let (before, after) = (&basis.graph, request.graph);
        let mut changes = Self {
            gone: Vec::new(),
            new: Vec::new(),
            ids: BTreeSet::new(),
            nodes: Vec::new(),
            values: Vec::new(),
        };
        for (key, old, new) in before.changes_by_key(after) {
            // Labels that lead elsewhere may hide others.
            let other_labels = old.zip(new).is_some_and(|(old, new)| old.exposed != new.exposed);
            if other_labels {
                return None;
            }
            changes.gone.extend(old.into_iter().flat_map(|part| &part.connections));
            let wires = new.into_iter().flat_map(|part| (0..).zip(&part.connections));
            changes.new.extend(wires.map(|(number, c)| ((key, number), c)));
            let nodes = [old, new].into_iter().flatten().flat_map(|part| &part.nodes);
            changes.ids.extend(nodes.map(|node| node.id.as_str()));
            changes.nodes.extend(new.into_iter().flat_map(|part| &part.nodes).map(Arc::as_ref));
        }
        // What the raw graph exposes may hide any path.
        if after.part((0, 0)).is_some_and(|raw| !raw.exposed.is_empty()) {
            return None;
        }
        // A node that was removed meanwhile is another one, also under the same id.
        let again = |id: &String| after.node(id).is_some();
        if request.removed.iter().any(again) || changes.is_tangled(before, after) {
            return None;
        }
        changes.values = basis
            .values
            .diff(request.values)
            .map(|item| match item {
                DiffItem::Add(path, _) | DiffItem::Remove(path, _) => path.as_str(),
                DiffItem::Update { new: (path, _), .. } => path.as_str(),
            })
            .collect();
        Some(changes)
    }

    /// Does a node whose name another's begins with come or go? Then one may have, or lose, a path of the other's.
    fn is_tangled(&self, before: &IndexedGraph, after: &IndexedGraph) -> bool {
        let comes_or_goes = |id: &&&str| before.node(id).is_none() || after.node(id).is_none();
        let tangled = |graph: &IndexedGraph, id: &str| !graph.owners(id).is_empty() || graph.has_within(id);
        self.ids.iter().filter(comes_or_goes).any(|id| tangled(before, id) || tangled(after, id))
    }

    /// Connections that were in the graph, in parts that are gone or others.
    pub fn connections_gone(&self) -> impl Iterator<Item = &'a Connection> {
        self.gone.iter().copied()
    }

    /// Connections in parts that are new or others, with their places in the graph.
    pub fn connections_new(&self) -> impl Iterator<Item = (Rank, &'a Connection)> {
        self.new.iter().copied()
    }

    /// Finds members that are not on their way out by id.
    pub fn finder<'m>(&self, members: &'m [PlannedNode]) -> Finder<'m> {
        let live = move || (0..).zip(members).filter(|(_, m)| !m.node.ghost).map(|(at, m)| (&*m.node.id, at));
        finder(live, self.new.len() > FEW)
    }

    /// Finds nodes of the base that are not on their way out by id.
    pub fn finder_in_base<'m>(&self, base: &'m PlanShadow) -> Finder<'m> {
        let live = move || (0..).zip(&base.nodes).filter(|(_, n)| !n.ghost).map(|(at, n)| (&*n.id, at));
        finder(live, self.gone.len() > FEW)
    }

    /// Finds wires of the base by their ends.
    pub fn wires_of<'m>(&self, base: &'m PlanShadow) -> WireFinder<'m> {
        if self.gone.len().max(self.new.len()) > FEW {
            let by_way: HashMap<_, usize> =
                (0..).zip(&base.wires).map(|(at, wire)| (wire.way(), at)).collect();
            return Box::new(move |way| by_way.get(way).copied());
        }
        Box::new(|way| base.wires.iter().map(ShadowWire::way).position(|other| other == *way))
    }
}

/// Finds the place of a node by its id.
type Finder<'m> = Box<dyn Fn(&str) -> Option<u32> + 'm>;
/// Finds the place of a wire by its ends.
type WireFinder<'m> = Box<dyn Fn(&(u32, usize, u32, usize)) -> Option<usize> + 'm>;

fn finder<'m, I: Iterator<Item = (&'m str, u32)> + 'm>(live: impl Fn() -> I + 'm, many: bool) -> Finder<'m> {
    if many {
        let by_id: HashMap<&str, u32> = live().collect();
        return Box::new(move |id| by_id.get(id).copied());
    }
    Box::new(move |id| live().find(|(other, _)| *other == id).map(|(_, at)| at))
}
