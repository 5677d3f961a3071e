//! Modular patches: graphs of small modules, joined by cables that delay by one sample.
//!
//! **A graph is planned, a plan is adopted, a processor plays it.** A [`ModuleGraph`] is data; [`build_patch`]
//! decides what of the plan before survives and makes an [`ExecutionPlan`]; a [`Processor`] on the audio thread
//! adopts it between two samples, without allocating, and gives what is retired back. [`PatchEngine`] joins the
//! two sides by rings for programs that have no engine of their own.
//!
//! | file | question |
//! |---|---|
//! | [`module`] | what is a module, what does it see? |
//! | `descriptor` | what does a module say of itself? |
//! | [`modules`] | which are there? |
//! | `graph` | what is a patch? |
//! | `planner`, `order`, `plan` | what survives, in which order does it run, how is it taken over? |
//! | `processor`, `transport`, `midi` | how does it sound? |
//! | `engine` | how do plans get to the audio thread and home? |
//! | `yaml`, `factory` | how is a patch written, which come along? |
//! | [`node`] | how is a patch a node of the engine? |
//! | `sound` | how does a sound card play one? |
//! | [`harness`] | how is a module tested? |

mod descriptor;
mod engine;
#[cfg(feature = "yaml")]
pub mod factory;
mod fault;
mod graph;
pub mod harness;
mod midi;
pub mod module;
pub mod modules;
#[cfg(feature = "node")]
pub mod node;
mod notes;
mod order;
mod plan;
mod planner;
mod processor;
#[cfg(feature = "sound")]
pub mod sound;
mod transport;
#[cfg(feature = "yaml")]
pub mod yaml;

pub use descriptor::{
    Descriptor, Entries, Extent, Kind, MAX_CHANNELS, MAX_LENGTH, Param, Port, Role, Setting, Shape, Value,
};
pub use engine::{PatchEngine, PatchPlayer};
pub use fault::{Fault, Part};
pub use graph::{Cable, GraphNode, MAX_NODES, ModuleGraph};
pub use midi::MidiEvent;
pub use module::Module;
pub use notes::{C2_HZ, Step, midi_note};
pub use plan::ExecutionPlan;
pub use planner::{Control, FADE_SECONDS, Layout, Planner, build_patch};
pub use processor::{Processor, Unfit};
pub use transport::{Position, Transport};
#[cfg(feature = "yaml")]
pub use yaml::{graph_to_yaml, yaml_to_graph};
