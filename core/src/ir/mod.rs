//! The intermediate representations of a session: what is saved, exchanged and composed.
//!
//! [`ModuleIr`] is one whole session, frozen; [`dsp::DspGraph`] is one DSP function as a
//! graph of primitives, and may stand in a module as the source of a node. Both are plain values in
//! JSON; what they mean to the engine is for [`crate::session`] to say.

mod check;
mod compose;
pub mod dsp;
mod fault;
mod module;
mod name;
mod schema;
mod sections;
mod traced;
mod unknown;

pub(crate) use compose::flattened;
pub use compose::{flatten, prefix_ir};
pub use dsp::DspGraph;
pub use fault::{Fault, did_you_mean, shown, which_names};
pub use module::{
    AutomationIr, ControlIr, DEFAULT_GAIN, DEFAULT_PORT, FORMAT, Krach, MeterSource, ModuleIr, MutedIr,
    NodeEntry, NodeIr, PatternIr, RouteIr, RouteKind, SceneIr, SlotEntry, Source, SubModuleIr,
};
pub use name::check_name;
pub use schema::schema;
pub use traced::Traced;
pub use unknown::MAX_UNKNOWN;
