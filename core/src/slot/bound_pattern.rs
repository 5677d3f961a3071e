//! A pattern as a slot plays it.

use super::chase_table::ChaseTable;
use super::target::Target;
use krach_patterns::{Event, Pattern, Program, Swing};

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
    /// Tells equal patterns from others: see [`content_of`]. 0: it is equal to none.
    pub content: u64,
}

/// A number that equal patterns have in common; 0 for those that count from where they begin, which no other pattern
/// does.
pub fn content_of(pattern: &Pattern, swing: Option<Swing>, from_zero: bool) -> u64 {
    if from_zero {
        return 0;
    }
    let text = serde_json::to_vec(&(pattern, swing)).unwrap_or_default();
    let [a, b, c, d, e, f, g, h, ..] = *blake3::hash(&text).as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h]) | 1
}
