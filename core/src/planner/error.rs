//! Why a plan cannot be built.

use crate::graph::GraphError;
use crate::node::CreateError;

/// Why a plan cannot be built, in words for the musician. What plays is as it was.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// The graph cannot be so.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A type refused to create an instance.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// A type panicked while it created an instance.
    #[error("'{0}' panicked")]
    TypePanicked(String),
    /// A node panicked when its controls were set for the first time.
    #[error("node '{0}' panicked")]
    NodePanicked(String),
    /// The plans and voices of the scenes need more memory than they may have.
    #[error("scenes are prepared in {megabytes} MB")]
    SceneMemory {
        /// How much they may have.
        megabytes: usize,
    },
    /// The type of this node cannot have so much ready before it plays.
    #[error("node '{0}' finds no room ahead of its use")]
    NoRoomAhead(String),
    /// The pool of voices is full.
    #[error("scenes have more than {most} nodes in all")]
    SceneNodes {
        /// The most there may be.
        most: usize,
    },
}
