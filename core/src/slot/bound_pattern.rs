//! A pattern as a slot plays it.

use super::chase_table::ChaseTable;
use super::target::Target;
use krach_patterns::{Event, Program};

/// Most events that a slot remembers ahead.
pub const MAX_AHEAD: usize = 16;

/// A compiled pattern with its labels as symbols.
pub struct BoundPattern {
    /// The compiled pattern.
    pub program: Program,
    /// For each of the program's values, what it does.
    pub targets: Vec<Target>,
    /// Distinct labels among the targets that are chased after a jump, at most 64.
    pub chased: u32,
    /// What they were told last, further back than the audio thread looks.
    pub chase: Box<ChaseTable>,
    /// Room for what begins next, where the audio thread has looked ahead.
    pub ahead: Vec<Event>,
    /// Position in cycles of the pattern's cycle 0; `None`: where the edit acts.
    pub origin: Option<f64>,
    /// Onsets before this position (cycles) do not play; `None`: where the edit acts.
    pub from: Option<f64>,
    /// Number of this pattern, never used again: by it the control side learns the origin.
    pub serial: u64,
}
