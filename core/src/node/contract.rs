//! The contract between the engine and anything that makes or changes sound.
//!
//! A node is five verbs: *create* (control side, may allocate), *reset*, *set a control*, *render* and
//! *succeed*. All but create run on the audio thread: they never allocate, free, lock, wait, make a
//! system call or panic.

use super::bargraph::Bargraph;
use super::control::Control;
use super::settings::{NodeSettings, SettingDecl, SettingFault, SettingValue};
use super::transport::Transport;
use crate::bus::Bus;
use std::any::Any;
use std::sync::Arc;

/// An audio port of a node type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Name used in connections, e.g. `in`, `out`.
    pub name: String,
    /// 1 (mono) or 2 (stereo). Mono is spread to both sides where stereo is expected; stereo into
    /// mono arrives as the mean of both sides.
    pub channels: usize,
}

impl Port {
    /// A port with one channel.
    pub fn mono(name: &str) -> Self {
        Self { name: name.to_owned(), channels: 1 }
    }

    /// A port with two channels.
    pub fn stereo(name: &str) -> Self {
        Self { name: name.to_owned(), channels: 2 }
    }
}

/// Where a node stands in the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Renders its outputs from its inputs.
    Process,
    /// Reads the plugin's audio input (`adc_input`); the engine copies the samples, `render` is not called.
    HostInput,
    /// Feeds an output (`dac`: the main one); the engine takes its first two input channels, `render` is not
    /// called.
    Output(Bus),
}

impl Role {
    /// It feeds an output.
    pub fn is_output(self) -> bool {
        matches!(self, Self::Output(_))
    }
}

/// Ports and controls of a node type: what a client can wire and set.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeDecl {
    /// Type id, e.g. `oscillator`, or `patch:bass` of a family.
    pub type_id: String,
    /// Input ports, in the order of the channels handed to `render`.
    pub inputs: Vec<Port>,
    /// Output ports, likewise.
    pub outputs: Vec<Port>,
    /// Controls; their index is the one given to [`Node::set`].
    pub controls: Vec<Control>,
    /// Texts and lists that a node may be given beside its controls.
    pub settings: Vec<SettingDecl>,
    /// Where nodes of this type stand in the graph.
    pub role: Role,
}

/// A new value for a control, from the next rendered frame on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// Value to reach, in the control's unit and within its range.
    pub value: f32,
    /// Frames in which to get there, linearly: the first rendered frame is one step along, frame
    /// number `ramp` has the value itself. 0 means at once (the node declicks by itself where a
    /// jump would click). A node that cannot ramp a control may jump at the first frame.
    pub ramp: u32,
}

/// How much a node took over from the one it replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Succession {
    /// Everything: it goes on exactly where the old one was; no crossfade.
    Whole,
    /// Some of it: crossfade.
    Partial,
    /// Nothing: crossfade.
    None,
}

/// A running instance. Lives on the audio thread; built and freed elsewhere.
///
/// Determinism: the output must not depend on how a stretch of frames is cut into `render` calls,
/// to the bit, and after `reset` a node is as if just created with the controls it has.
pub trait Node: Send {
    /// Forgets all signal state; controls keep their values, running ramps jump to their end.
    fn reset(&mut self);

    /// Sets a control from the next rendered frame on. The engine cuts `render` at the sample where
    /// a change is due, so the change never needs an offset of its own. Several changes may arrive
    /// between two renders; each counts (a gate may close and open again).
    fn set(&mut self, control: usize, change: Change);

    /// A base value was set by hand. A node that has not rendered a frame since it was created or reset is there at
    /// once, as if created with it; any other goes on with its ramps.
    fn settle(&mut self) {}

    /// Renders `frames` ≥ 1 frames, which are where `transport` says in musical time. One slice per channel (ports flattened in declaration order),
    /// each of exactly `frames` samples; inputs and outputs never overlap; outputs hold garbage
    /// on entry and must be filled.
    fn render(&mut self, transport: &Transport, frames: usize, inputs: &[&[f32]], outputs: &mut [&mut [f32]]);

    /// Takes over from `old`, the node that had the same id, what is the same in both. Called once,
    /// before the first render, if the types' code keys differ. Bounded work.
    fn succeed(&mut self, old: &mut dyn Node) -> Succession {
        let _ = old;
        Succession::None
    }

    /// Would it, as long as its inputs are exact zeros and nothing is set, put out exact zeros and stay as it is? Then it is
    /// not rendered meanwhile, which nobody hears. Asked before each stretch; what follows musical time never is.
    fn is_still(&self) -> bool {
        false
    }

    /// The number that one of its type's bargraphs shows, as of the last frame that it rendered.
    fn shown(&self, bargraph: usize) -> f32 {
        let _ = bargraph;
        0.0
    }

    /// For `succeed`: the way to one's own type.
    fn as_any(&mut self) -> &mut dyn Any;
}

/// What a fresh instance is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CreateContext {
    /// Sample rate in Hz.
    pub sample_rate: f64,
    /// Most frames that one `render` call will ask for.
    pub max_frames: usize,
}

/// Why an instance could not be created, in words for the musician.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CreateError(pub String);

/// A kind of node: its declaration and its factory.
///
/// ```
/// use krach_core::node::*;
///
/// struct Half(NodeDecl);
/// struct Halving;
///
/// impl NodeType for Half {
///     fn decl(&self) -> &NodeDecl {
///         &self.0
///     }
///
///     fn code_key(&self) -> u64 {
///         1
///     }
///
///     fn create(&self, _: &CreateContext) -> Result<Box<dyn Node>, CreateError> {
///         Ok(Box::new(Halving))
///     }
/// }
///
/// impl Node for Halving {
///     fn reset(&mut self) {}
///     fn set(&mut self, _: usize, _: Change) {}
///
///     fn render(&mut self, _: &Transport, _: usize, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
///         outputs[0].iter_mut().zip(inputs[0]).for_each(|(out, sample)| *out = sample / 2.0);
///     }
///
///     fn as_any(&mut self) -> &mut dyn std::any::Any {
///         self
///     }
/// }
///
/// let decl = NodeDecl {
///     type_id: "half".to_owned(),
///     inputs: vec![Port::mono("in")],
///     outputs: vec![Port::mono("out")],
///     controls: Vec::new(),
///     settings: Vec::new(),
///     role: Role::Process,
/// };
/// let mut registry = Registry::with_builtins();
/// registry.add(std::sync::Arc::new(Half(decl)));
/// assert!(registry.find("half").is_some());
/// ```
pub trait NodeType: Send + Sync {
    /// Ports and controls.
    fn decl(&self) -> &NodeDecl;

    /// The numbers that its nodes show; their index is the one given to [`Node::shown`].
    fn bargraphs(&self) -> &[Bargraph] {
        &[]
    }

    /// Identity of the code and shape: instances of types with equal keys are interchangeable, so
    /// that a node whose key did not change keeps its instance through a swap.
    fn code_key(&self) -> u64;

    /// Do notes alone make it sound? It has gates and no clock of its own. One instance of it then rests once its gates are
    /// shut, its inputs are exact zeros, and its output has stayed below -90 dB for a quarter of a second; a gate that opens, or the first frame that
    /// is not zero, wakes it as after `reset`.
    fn rests(&self) -> bool {
        false
    }

    /// Bytes that an instance holds of what it has heard, and of tables of its own: delay lines and the like. What
    /// every instance has beside them is not counted.
    fn memory(&self) -> usize {
        0
    }

    /// Bytes of instances that may yet be made ahead of their use. Where types have memory in common, it keeps a part for
    /// what plays.
    fn room_ahead(&self) -> usize {
        usize::MAX
    }

    /// Can the setting of that name, which it declares, have this value?
    ///
    /// # Errors
    /// What is wrong with it.
    fn check_setting(&self, name: &str, value: &SettingValue) -> Result<(), SettingFault> {
        let _ = (name, value);
        Ok(())
    }

    /// The type of nodes with these settings: the same ports and controls, another code key. Settings that it does not
    /// have, or cannot have, count for nothing. `None`: it has no settings at all.
    fn with_settings(&self, settings: &NodeSettings) -> Option<Arc<dyn NodeType>> {
        let _ = settings;
        None
    }

    /// Creates an instance with every control at its default.
    ///
    /// # Errors
    /// If the instance cannot exist (too large, library missing…).
    fn create(&self, ctx: &CreateContext) -> Result<Box<dyn Node>, CreateError>;
}

/// Index of an output port by name; a single port also answers to `out0`.
pub fn output_port(decl: &NodeDecl, name: &str) -> Option<usize> {
    port(&decl.outputs, name, "out0")
}

/// Index of an input port by name; a single port also answers to `in0`.
pub fn input_port(decl: &NodeDecl, name: &str) -> Option<usize> {
    port(&decl.inputs, name, "in0")
}

fn port(ports: &[Port], name: &str, alias: &str) -> Option<usize> {
    let found = ports.iter().position(|p| p.name == name);
    found.or_else(|| (ports.len() == 1 && name == alias).then_some(0))
}

/// A label whose last part says gate or trigger opens and closes notes, whatever it is wired to.
pub fn is_gate_label(label: &str) -> bool {
    let last = label.rsplit('/').next().unwrap_or(label);
    matches!(last, "gate" | "trig" | "trigger")
}
