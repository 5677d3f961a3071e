//! Small pieces that several nodes are made of.

pub(crate) mod edges;
pub(crate) mod lag;
pub(crate) mod minblep;
pub(crate) mod ramp;
pub(crate) mod sine;
