//! DspGraph: one DSP function, traced into equations over signals.
//!
//! ```json
//! {"type":"dsp_graph","precision":"float",
//!  "inputs":[SIG],"outputs":[SIG],
//!  "equations":[{"primitive":{"name":"add","stateful":false},
//!                "inputs":[SIG,SIG],"outputs":[SIG],"params":{"type":"no"}}]}
//! ```
//! `SIG = {"id":0,"channels":1,"precision":"float"}`. Each signal is made once, by an input or an
//! equation, before it is used. The body of a `feedback` is a graph with ids of its own.

mod check;
mod key;
mod primitive;
mod schema;

pub use check::{
    MAX_BODIES, MAX_DELAY, MAX_EQUATIONS, MAX_TABLE_SIZE, TemplatePart, control_names, template_parts,
};
pub use key::{GraphKey, canonical_bytes};
pub use primitive::{Arity, Primitive};

use crate::node::Scale;
use check::MAX_UNIT;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A DSP function: its inputs, its outputs, and how they follow from each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DspGraph {
    #[serde(rename = "type")]
    tag: Tag,
    /// What comes in.
    pub inputs: Vec<Signal>,
    /// What goes out.
    pub outputs: Vec<Signal>,
    /// What is made of what, each after what it uses.
    pub equations: Vec<Equation>,
    /// Numbers that it computes with.
    #[serde(default)]
    pub precision: Precision,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
enum Tag {
    #[default]
    #[serde(rename = "dsp_graph")]
    DspGraph,
}

/// A signal, or a pair of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Signal {
    /// Its number, unique within its graph.
    pub id: u64,
    /// 1, or 2 for a pair.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 2))]
    pub channels: u32,
    /// Its numbers.
    #[serde(default)]
    pub precision: Precision,
}

/// How exact numbers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits.
    #[default]
    Float,
    /// 64 bits.
    Double,
}

/// Signals made of others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(transform = schema::of_equation)]
pub struct Equation {
    /// How.
    pub primitive: PrimitiveRef,
    /// Of what.
    pub inputs: Vec<Signal>,
    /// What is made: one signal.
    #[schemars(length(equal = 1))]
    pub outputs: Vec<Signal>,
    /// What else the primitive needs.
    #[serde(default)]
    pub params: Params,
}

/// A primitive by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PrimitiveRef {
    /// Its name.
    pub name: Primitive,
    /// Whether it remembers, as the writer says; the name decides.
    #[serde(default)]
    pub stateful: bool,
}

/// What a primitive needs beyond signals.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", try_from = "Fields")]
#[schemars(!try_from, transform = schema::of_params)]
pub enum Params {
    /// Nothing.
    #[default]
    No,
    /// A number.
    Const {
        /// Its value; finite.
        value: f64,
    },
    /// Marks a delay.
    Delay,
    /// FAUST text.
    FaustExpr {
        /// With `{0}`, `{1}`… where the inputs go.
        #[schemars(length(min = 1))]
        template: String,
    },
    /// A control of the node.
    Control {
        /// Its name.
        #[schemars(length(min = 1, max = 256))]
        name: String,
        /// Value of a fresh node.
        init: f64,
        /// Smallest value.
        lo: f64,
        /// Largest value.
        hi: f64,
        /// Distance between neighbouring values.
        step: f64,
        /// Unit of its values, such as `Hz`.
        #[serde(skip_serializing_if = "String::is_empty")]
        #[schemars(default, length(max = MAX_UNIT))]
        unit: String,
        /// How a controller or a macro that moves it spreads its values.
        #[serde(skip_serializing_if = "is_even")]
        #[schemars(default)]
        scale: Scale,
    },
    /// A loop through one sample of delay.
    Feedback {
        /// From what is fed back and the free signals to the output, and what is fed back if that is another.
        body_graph: Box<DspGraph>,
        /// Which of the body's inputs is fed back.
        #[schemars(default)]
        feedback_input_index: u32,
        /// The signals that the body's other inputs stand for: the inputs of the equation.
        #[schemars(default)]
        free_var_signals: Vec<Signal>,
    },
    /// A table that is written while it plays.
    Rwtable {
        /// Entries, 1 to 2^24.
        #[schemars(range(min = 1, max = MAX_TABLE_SIZE))]
        size: u32,
    },
    /// A table of constants.
    Rdtable {
        /// Its entries, 1 to 2^24.
        #[schemars(length(min = 1, max = MAX_TABLE_SIZE))]
        data: Vec<f64>,
    },
}

/// The fields of all kinds: a tagged enum would read the body of each loop as often as it is deep.
#[derive(Deserialize)]
struct Fields {
    #[serde(rename = "type")]
    kind: Kind,
    value: Option<f64>,
    template: Option<String>,
    name: Option<String>,
    init: Option<f64>,
    lo: Option<f64>,
    hi: Option<f64>,
    step: Option<f64>,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    scale: Scale,
    body_graph: Option<Box<DspGraph>>,
    #[serde(default)]
    feedback_input_index: u32,
    #[serde(default)]
    free_var_signals: Vec<Signal>,
    size: Option<u32>,
    data: Option<Vec<f64>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    No,
    Const,
    Delay,
    FaustExpr,
    Control,
    Feedback,
    Rwtable,
    Rdtable,
}

impl TryFrom<Fields> for Params {
    type Error = String;

    fn try_from(f: Fields) -> Result<Self, String> {
        fn given<T>(field: Option<T>, name: &str) -> Result<T, String> {
            field.ok_or_else(|| format!("missing field `{name}`"))
        }
        Ok(match f.kind {
            Kind::No => Self::No,
            Kind::Const => Self::Const { value: given(f.value, "value")? },
            Kind::Delay => Self::Delay,
            Kind::FaustExpr => Self::FaustExpr { template: given(f.template, "template")? },
            Kind::Control => Self::Control {
                name: given(f.name, "name")?,
                init: given(f.init, "init")?,
                lo: given(f.lo, "lo")?,
                hi: given(f.hi, "hi")?,
                step: given(f.step, "step")?,
                unit: f.unit,
                scale: f.scale,
            },
            Kind::Feedback => Self::Feedback {
                body_graph: given(f.body_graph, "body_graph")?,
                feedback_input_index: f.feedback_input_index,
                free_var_signals: f.free_var_signals,
            },
            Kind::Rwtable => Self::Rwtable { size: given(f.size, "size")? },
            Kind::Rdtable => Self::Rdtable { data: given(f.data, "data")? },
        })
    }
}

fn one() -> u32 {
    1
}

fn is_even(scale: &Scale) -> bool {
    *scale == Scale::Linear
}

impl DspGraph {
    /// A graph of these parts.
    pub fn new(
        inputs: Vec<Signal>,
        outputs: Vec<Signal>,
        equations: Vec<Equation>,
        precision: Precision,
    ) -> Self {
        Self { tag: Tag::DspGraph, inputs, outputs, equations, precision }
    }

    /// The same function on two channels: the inputs and all that depends on them become pairs; controls,
    /// constants and what else stands for itself stay one.
    pub fn to_stereo(&self) -> Self {
        let inputs = vec![2; self.inputs.len()];
        self.widened(&inputs)
    }

    /// The graph with so many channels at its inputs, at least.
    fn widened(&self, inputs: &[u32]) -> Self {
        let mut width: HashMap<u64, u32> = HashMap::new();
        let wide = |width: &HashMap<u64, u32>, signals: &[Signal]| -> Vec<Signal> {
            let channels = |s: &Signal| s.channels.max(width.get(&s.id).copied().unwrap_or(1));
            signals.iter().map(|s| Signal { channels: channels(s), ..*s }).collect()
        };
        width.extend(self.inputs.iter().map(|s| s.id).zip(inputs.iter().copied()));
        let mut equations = Vec::with_capacity(self.equations.len());
        for e in &self.equations {
            let from = wide(&width, &e.inputs);
            let mut widest = from.iter().map(|s| s.channels).max().unwrap_or(1);
            let params = match &e.params {
                Params::Feedback { body_graph, feedback_input_index, .. } => {
                    let mut ends: Vec<u32> = from.iter().map(|s| s.channels).collect();
                    let at = (*feedback_input_index as usize).min(ends.len());
                    ends.insert(at, 1);
                    let mut body = body_graph.widened(&ends);
                    // What comes back as a pair goes in as one.
                    if body.outputs.last().is_some_and(|s| s.channels == 2) {
                        ends[at] = 2;
                        body = body_graph.widened(&ends);
                    }
                    widest = body.outputs.first().map_or(1, |s| s.channels);
                    Params::Feedback {
                        body_graph: Box::new(body),
                        feedback_input_index: *feedback_input_index,
                        free_var_signals: from.clone(),
                    }
                }
                other => other.clone(),
            };
            width.extend(e.outputs.iter().map(|s| (s.id, widest)));
            let outputs = wide(&width, &e.outputs);
            equations.push(Equation { primitive: e.primitive, inputs: from, outputs, params });
        }
        let (inputs, outputs) = (wide(&width, &self.inputs), wide(&width, &self.outputs));
        Self::new(inputs, outputs, equations, self.precision)
    }
}
