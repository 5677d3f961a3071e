//! A graph whose nodes are found by id, and by the paths that their ids begin, without looking at each.

use super::beginnings::Beginnings;
use super::graph::{GraphNode, RawGraph};
use std::ops::Deref;
use std::sync::OnceLock;

/// A graph that does not change any more. What is needed to find its nodes is made when first asked for.
#[derive(Default)]
pub struct IndexedGraph {
    graph: RawGraph,
    places: OnceLock<Beginnings<String, usize>>,
}

impl IndexedGraph {
    /// The node of that id.
    pub fn node(&self, id: &str) -> Option<&GraphNode> {
        self.places().get(id).map(|at| &self.graph.nodes[*at])
    }

    /// The nodes whose ids begin a path, the longest first.
    pub fn owners(&self, path: &str) -> Vec<&GraphNode> {
        let mut owners: Vec<_> = self.places().of(path).map(|(_, at)| &self.graph.nodes[*at]).collect();
        owners.reverse();
        owners
    }

    fn places(&self) -> &Beginnings<String, usize> {
        self.places.get_or_init(|| {
            let mut places = Beginnings::default();
            for (at, node) in self.graph.nodes.iter().enumerate() {
                *places.entry(node.id.clone(), || at) = at;
            }
            places
        })
    }
}

impl Deref for IndexedGraph {
    type Target = RawGraph;

    fn deref(&self) -> &RawGraph {
        &self.graph
    }
}

impl From<RawGraph> for IndexedGraph {
    fn from(graph: RawGraph) -> Self {
        Self { graph, places: OnceLock::new() }
    }
}

impl PartialEq for IndexedGraph {
    fn eq(&self, other: &Self) -> bool {
        self.graph == other.graph
    }
}

impl std::fmt::Debug for IndexedGraph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.graph.fmt(f)
    }
}
