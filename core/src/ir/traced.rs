//! A traced function as sessions hold it.

use super::dsp::{DspGraph, GraphKey};
use serde::{Serialize, Serializer};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// A [`DspGraph`] that does not change any more: shared, and what follows from it is worked out once.
#[derive(Clone, Debug)]
pub struct Traced(Arc<Worked>);

#[derive(Debug)]
struct Worked {
    graph: DspGraph,
    key: OnceLock<GraphKey>,
    stereo: OnceLock<Traced>,
}

impl Traced {
    /// As [`DspGraph::graph_key`].
    pub fn graph_key(&self) -> GraphKey {
        *self.0.key.get_or_init(|| self.0.graph.graph_key())
    }

    /// As [`DspGraph::to_stereo`].
    pub fn to_stereo(&self) -> Self {
        self.0.stereo.get_or_init(|| self.0.graph.to_stereo().into()).clone()
    }
}

impl From<DspGraph> for Traced {
    fn from(graph: DspGraph) -> Self {
        Self(Arc::new(Worked { graph, key: OnceLock::new(), stereo: OnceLock::new() }))
    }
}

impl Deref for Traced {
    type Target = DspGraph;

    fn deref(&self) -> &DspGraph {
        &self.0.graph
    }
}

impl PartialEq for Traced {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.graph == other.0.graph
    }
}

impl Serialize for Traced {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.graph.serialize(serializer)
    }
}
