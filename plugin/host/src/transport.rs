//! A scripted transport: what a host does to time, as data, and the truth about it for tests.
//!
//! [`Script`] says what happens, [`Blocks`] how the host cuts time, [`Report`] how much of it the
//! plugin is told. [`Player`] turns the three into one [`BlockPlan`] after the other, and keeps the
//! [`Truth`]: the exact position of every frame, from which a test computes where an onset must
//! sound without asking the plugin.

mod blocks;
mod player;
mod report;
mod script;
mod truth;

pub use blocks::{Blocks, Lengths};
pub use player::{BlockPlan, Player};
pub use report::{Moment, Report, beat_time, second_time};
pub use script::{Action, Announce, Landing, LoopStyle, Script, When};
pub use truth::{Cause, LANDING_GRACE_SECONDS, ONSET_TOLERANCE, Segment, Truth};
