//! Node types: the contract, the built-in ones, and the registry in which they are found by id.

mod bargraph;
mod builtin;
mod contract;
mod control;
mod names;
mod registry;
mod settings;
mod transport;
mod type_id;

pub use crate::bus::Bus;
pub use bargraph::{Bargraph, Shown};
pub use builtin::{GAIN_TYPE, INPUT_TYPE, builtin_types, output_type};
pub use contract::{
    Change, CreateContext, CreateError, Node, NodeDecl, NodeType, Port, Role, Succession, input_port,
    is_gate_label, output_port,
};
pub use control::{Control, ControlKind, DeclaredMidi, Label, MAX_LABELS, MidiInput, Scale};
pub use names::Named;
pub use registry::{Registry, RegistryState, TypeStatus};
pub use settings::{NodeSettings, SettingDecl, SettingFault, SettingValue};
pub use transport::Transport;
pub use type_id::{PATCH, PROGRAM, TRACED, comes_from_text, inline_family, is_inline, is_patch};
