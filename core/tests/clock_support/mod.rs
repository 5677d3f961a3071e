//! For the claims about time: a scripted host, what it should sound like, and what it sounds like.
#![allow(dead_code, unused_imports)]

pub mod host;
pub mod probe;
pub mod script;

#[path = "../support/mod.rs"]
pub mod support;

pub use host::{Host, PARTITIONS, Tells, assert_exact, positions, probed, render, render_with};
pub use probe::{Gate, Log};
pub use script::Script;
