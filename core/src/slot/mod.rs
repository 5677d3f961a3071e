//! What a slot plays: a compiled pattern whose labels are bound to controls.

mod bound_pattern;
mod chase_table;
mod target;

pub use bound_pattern::{BoundPattern, MAX_AHEAD, content_of};
pub use chase_table::{ChaseTable, LOOK_BACK};
pub use target::Target;
