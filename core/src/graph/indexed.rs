//! A graph in parts, whose nodes are found by id, and by the paths that their ids begin, without looking at each.

use super::beginnings::Beginnings;
use super::graph::{Connection, GraphNode, RawGraph};
use crate::node::INPUT_TYPE;
use imbl::ordmap::DiffItem;
use imbl::{OrdMap, OrdSet};
use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// What one thing of a session comes to in the graph.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// Its nodes, in order.
    pub nodes: Vec<Arc<GraphNode>>,
    /// Its connections, in order.
    pub connections: Vec<Connection>,
    /// The controls that it exposes: label, node id, control.
    pub exposed: Vec<(String, (String, String))>,
    /// It is a send to a node without an audio input: source and target.
    pub unheard: Option<(String, String)>,
    /// It leads what the host sends in somewhere, whether or not it is heard there.
    pub takes_input: bool,
}

/// Where a part stands among the others.
pub type PartKey = (u8, u64);

/// A part in a map of parts: equal only to itself, so that nobody looks into parts to compare maps.
#[derive(Clone, Debug)]
struct Shared(Arc<Part>);

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// How much there is of a graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Nodes.
    pub nodes: usize,
    /// Connections.
    pub connections: usize,
    /// Exposed controls.
    pub exposed: usize,
    /// Values of controls.
    pub values: usize,
    /// Bytes of the paths of these values.
    pub bytes: usize,
    /// Parts that lead what the host sends in somewhere.
    pub taking: usize,
}

impl Amounts {
    fn of(part: &Part) -> Self {
        let paths = |node: &Arc<GraphNode>| {
            node.controls.keys().map(|control| node.id.len() + control.len()).sum::<usize>()
        };
        Self {
            nodes: part.nodes.len(),
            connections: part.connections.len(),
            exposed: 0,
            values: part.nodes.iter().map(|node| node.controls.len()).sum(),
            bytes: part.nodes.iter().map(paths).sum(),
            taking: usize::from(part.takes_input),
        }
    }

    fn add(&mut self, other: Self) {
        self.nodes += other.nodes;
        self.connections += other.connections;
        self.values += other.values;
        self.bytes += other.bytes;
        self.taking += other.taking;
    }

    fn subtract(&mut self, other: Self) {
        self.nodes -= other.nodes;
        self.connections -= other.connections;
        self.values -= other.values;
        self.bytes -= other.bytes;
        self.taking -= other.taking;
    }
}

/// What a label means in each part that exposes it; the last part counts.
type Exposed = Vec<(PartKey, (String, String))>;

/// A graph that is made of parts. Copies share what is equal in them: a copy, and a change of a part, cost the same
/// whatever the graph is.
#[derive(Clone, Default)]
pub struct IndexedGraph {
    parts: OrdMap<PartKey, Shared>,
    nodes: Beginnings<Arc<str>, Arc<GraphNode>>,
    exposed: OrdMap<String, Exposed>,
    /// Ids with a `/` in them.
    grouped: OrdSet<String>,
    amounts: Amounts,
    /// The graph as one list, made when somebody asks for it.
    whole: OnceLock<Arc<RawGraph>>,
}

impl IndexedGraph {
    /// The node of that id.
    pub fn node(&self, id: &str) -> Option<&GraphNode> {
        self.nodes.get(id).map(Arc::as_ref)
    }

    /// The nodes whose ids begin a path, the longest first.
    pub fn owners(&self, path: &str) -> Vec<&GraphNode> {
        let mut owners: Vec<_> = self.nodes.of(path).map(|(_, node)| node.as_ref()).collect();
        owners.reverse();
        owners
    }

    /// The node and the control that a label is exposed for.
    pub fn exposed(&self, label: &str) -> Option<&(String, String)> {
        Some(&self.exposed.get(label)?.last()?.1)
    }

    /// How much there is of it.
    pub fn amounts(&self) -> Amounts {
        self.amounts
    }

    /// Does a node take what the host sends in? One that is muted, or silent while another is solo, does all the same.
    pub fn takes_input(&self) -> bool {
        self.amounts.taking > 0
    }

    /// The part in that place.
    pub fn part(&self, key: PartKey) -> Option<&Arc<Part>> {
        self.parts.get(&key).map(|part| &part.0)
    }

    /// The parts in order.
    pub fn parts(&self) -> impl Iterator<Item = (PartKey, &Arc<Part>)> {
        self.parts.iter().map(|(key, part)| (*key, &part.0))
    }

    /// What differs in another copy of the graph: each part as it was and as it is.
    pub fn changes<'a>(
        &'a self,
        other: &'a Self,
    ) -> impl Iterator<Item = (Option<&'a Arc<Part>>, Option<&'a Arc<Part>>)> {
        self.changes_by_key(other).map(|(_, old, new)| (old, new))
    }

    /// The same with the places of the parts.
    pub fn changes_by_key<'a>(
        &'a self,
        other: &'a Self,
    ) -> impl Iterator<Item = (PartKey, Option<&'a Arc<Part>>, Option<&'a Arc<Part>>)> {
        self.parts.diff(&other.parts).map(|item| match item {
            DiffItem::Add(key, new) => (*key, None, Some(&new.0)),
            DiffItem::Remove(key, old) => (*key, Some(&old.0), None),
            DiffItem::Update { old: (key, old), new: (_, new) } => (*key, Some(&old.0), Some(&new.0)),
        })
    }

    /// Does the id of a node begin with this id and a `/`?
    pub fn has_within(&self, id: &str) -> bool {
        let within = format!("{id}/");
        self.grouped.range(within.clone()..).next().is_some_and(|other| other.starts_with(&within))
    }

    /// The ids of nodes that differ in another copy of the graph: gone, new, or in a part that is another.
    pub fn changed_ids(&self, other: &Self) -> std::collections::BTreeSet<String> {
        let both = self.changes(other).flat_map(|(old, new)| [old, new]).flatten();
        both.flat_map(|part| &part.nodes).map(|node| node.id.clone()).collect()
    }

    /// Takes a part away.
    pub fn remove(&mut self, key: PartKey) {
        let Some(Shared(part)) = self.parts.remove(&key) else { return };
        self.whole = OnceLock::new();
        self.amounts.subtract(Amounts::of(&part));
        for node in &part.nodes {
            self.nodes.remove(&node.id);
            self.grouped.remove(&node.id);
        }
        for (label, _) in &part.exposed {
            let Some(all) = self.exposed.get_mut(label) else { continue };
            all.retain(|(of, _)| *of != key);
            if all.is_empty() {
                self.exposed.remove(label);
            }
        }
        self.amounts.exposed = self.exposed.len();
    }

    /// Puts a part in a place that is free.
    ///
    /// # Errors
    /// The id of a node that the graph has already; the part is in place nevertheless.
    pub fn insert(&mut self, key: PartKey, part: Arc<Part>) -> Result<(), String> {
        self.whole = OnceLock::new();
        self.amounts.add(Amounts::of(&part));
        let mut twice = Ok(());
        for node in &part.nodes {
            if self.nodes.get(&node.id).is_some() && twice.is_ok() {
                twice = Err(node.id.clone());
            }
            if node.id.contains('/') {
                self.grouped.insert(node.id.clone());
            }
            *self.nodes.entry(node.id.as_str().into(), || Arc::clone(node)) = Arc::clone(node);
        }
        for (label, meant) in &part.exposed {
            let all = self.exposed.entry(label.clone()).or_default();
            let at = all.partition_point(|(of, _)| *of <= key);
            all.insert(at, (key, meant.clone()));
        }
        self.amounts.exposed = self.exposed.len();
        self.parts.insert(key, Shared(part));
        twice
    }
}

impl Deref for IndexedGraph {
    type Target = RawGraph;

    /// The graph as one list, which costs what the graph is when first asked for.
    fn deref(&self) -> &RawGraph {
        self.whole.get_or_init(|| {
            let parts = || self.parts.values().map(|part| &part.0);
            let exposed =
                self.exposed.iter().filter_map(|(label, all)| Some((label.clone(), all.last()?.1.clone())));
            Arc::new(RawGraph {
                nodes: parts().flat_map(|part| &part.nodes).map(|node| (**node).clone()).collect(),
                connections: parts().flat_map(|part| &part.connections).cloned().collect(),
                exposed_controls: exposed.collect(),
            })
        })
    }
}

impl From<RawGraph> for IndexedGraph {
    fn from(graph: RawGraph) -> Self {
        let mut indexed = Self::default();
        // Of two nodes of one id the last is found.
        let _ = indexed.insert((0, 0), Arc::new(Part::from(graph)));
        indexed
    }
}

impl From<RawGraph> for Part {
    fn from(graph: RawGraph) -> Self {
        let inputs: BTreeSet<&str> = graph
            .nodes
            .iter()
            .filter(|node| node.type_id == INPUT_TYPE)
            .map(|node| node.id.as_str())
            .collect();
        let takes_input =
            !inputs.is_empty() && graph.connections.iter().any(|c| inputs.contains(c.from_node.as_str()));
        Self {
            nodes: graph.nodes.into_iter().map(Arc::new).collect(),
            connections: graph.connections,
            exposed: graph.exposed_controls.into_iter().collect(),
            unheard: None,
            takes_input,
        }
    }
}

impl PartialEq for IndexedGraph {
    fn eq(&self, other: &Self) -> bool {
        self.parts.ptr_eq(&other.parts) || **self == **other
    }
}

impl std::fmt::Debug for IndexedGraph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(f)
    }
}
