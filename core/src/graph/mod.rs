//! What a graph is, and what can be wrong with it.

mod beginnings;
mod controls;
#[allow(clippy::module_inception)]
mod graph;
mod indexed;
mod rest;
mod topology;
mod validate;

pub(crate) use beginnings::Beginnings;
pub use controls::{Clash, Controls, Meant, shadowed_by};
pub use graph::{Connection, GraphEdit, GraphError, GraphNode, RawGraph};
pub use indexed::{Amounts, IndexedGraph, Part, PartKey};
pub use rest::Rest;
pub use topology::topological;
pub use validate::{MissingPort, Validate};
