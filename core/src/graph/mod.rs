//! What a graph is, and what can be wrong with it.

#[allow(clippy::module_inception)]
mod graph;
mod topology;
mod validate;

pub use graph::{Connection, GraphEdit, GraphError, GraphNode, RawGraph};
pub use topology::topological;
pub use validate::{Misfit, Scrutiny};
