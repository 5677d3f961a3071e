//! Small pieces of signal processing that built-in nodes and patch modules are made of.

pub mod edges;
pub mod lag;
pub mod minblep;
pub mod pulse;
pub mod ramp;
pub mod sine;
