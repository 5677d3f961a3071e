//! One form for graphs that are the same but for the numbers of their signals, and a key of it.
//!
//! # Canonical form
//! Within each graph, signals are numbered 0, 1, 2… in the order in which they are first met: inputs,
//! then the inputs and outputs of each equation, then outputs. Bodies of loops count for themselves.
//! Zeros lose their sign, NaN is the one with bits `0x7ff8000000000000`, and `stateful` is what the
//! primitive's name says.
//!
//! # Binary form
//! Integers are little-endian `u32`, numbers the bits of an `f64`, little-endian; a text is its length
//! in bytes and its UTF-8; a list its length and its items.
//!
//! | what | how |
//! |---|---|
//! | whole | the four bytes `KDG1`, then the graph |
//! | graph | precision (one byte: 0 float, 1 double), list of inputs, list of outputs, list of equations |
//! | signal | id, channels, precision (one byte) |
//! | equation | name of the primitive (text), list of inputs, list of outputs, parameters |
//! | parameters | one byte, then: 0 no: nothing · 1 const: number · 2 delay: nothing · 3 faust_expr: text · 4 control: name (text), init, lo, hi, step · 5 feedback: index, list of free signals, graph · 6 rwtable: size · 7 rdtable: list of numbers · 8 control with a unit or a scale: as 4, then unit (text), scale (one byte: 0 linear, 1 log, 2 exp) |
//!
//! The key is the BLAKE2b hash of that, 16 bytes, without key, salt or personalisation
//! (`hashlib.blake2b(form, digest_size=16)` in Python).

use super::{DspGraph, Equation, Params, Precision, PrimitiveRef, Signal};
use crate::node::Scale;
use blake2::digest::{Update, VariableOutput};
use std::collections::HashMap;
use std::fmt;

/// Identity of a graph's meaning: equal keys, equal code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GraphKey(pub [u8; 16]);

impl fmt::Display for GraphKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for GraphKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GraphKey({self})")
    }
}

impl DspGraph {
    /// The graph in canonical form.
    pub fn canonicalize(&self) -> Self {
        let mut ids = HashMap::new();
        let mut rename = |signals: &[Signal]| -> Vec<Signal> {
            let new = |s: &Signal| {
                let next = ids.len() as u64;
                Signal { id: *ids.entry(s.id).or_insert(next), ..*s }
            };
            signals.iter().map(new).collect()
        };
        let inputs = rename(&self.inputs);
        let mut equations = Vec::with_capacity(self.equations.len());
        for e in &self.equations {
            equations.push(Equation {
                primitive: PrimitiveRef { name: e.primitive.name, stateful: e.primitive.name.is_stateful() },
                inputs: rename(&e.inputs),
                outputs: rename(&e.outputs),
                params: match &e.params {
                    Params::Const { value } => Params::Const { value: plain(*value) },
                    Params::Control { name, init, lo, hi, step, unit, scale } => Params::Control {
                        name: name.clone(),
                        init: plain(*init),
                        lo: plain(*lo),
                        hi: plain(*hi),
                        step: plain(*step),
                        unit: unit.clone(),
                        scale: *scale,
                    },
                    Params::Rdtable { data } => {
                        Params::Rdtable { data: data.iter().copied().map(plain).collect() }
                    }
                    Params::Feedback { body_graph, feedback_input_index, free_var_signals } => {
                        Params::Feedback {
                            body_graph: Box::new(body_graph.canonicalize()),
                            feedback_input_index: *feedback_input_index,
                            free_var_signals: rename(free_var_signals),
                        }
                    }
                    other => other.clone(),
                },
            });
        }
        let outputs = rename(&self.outputs);
        Self::new(inputs, outputs, equations, self.precision)
    }

    /// The key of the graph's canonical form.
    pub fn graph_key(&self) -> GraphKey {
        let mut hasher = blake2::Blake2bVar::new(16).expect("BLAKE2b gives 1 to 64 bytes");
        hasher.update(&canonical_bytes(self));
        let mut key = GraphKey([0; 16]);
        hasher.finalize_variable(&mut key.0).expect("16 bytes were asked for");
        key
    }
}

/// A number without what makes equal numbers differ in their bits.
fn plain(x: f64) -> f64 {
    if x.is_nan() { f64::from_bits(0x7ff8_0000_0000_0000) } else { x + 0.0 }
}

/// The binary form of the canonical form.
pub fn canonical_bytes(graph: &DspGraph) -> Vec<u8> {
    let mut form = b"KDG1".to_vec();
    put_graph(&mut form, &graph.canonicalize());
    form
}

fn put_graph(form: &mut Vec<u8>, graph: &DspGraph) {
    form.push(precision(graph.precision));
    put_signals(form, &graph.inputs);
    put_signals(form, &graph.outputs);
    put_u32(form, graph.equations.len());
    for e in &graph.equations {
        put_text(form, e.primitive.name.name());
        put_signals(form, &e.inputs);
        put_signals(form, &e.outputs);
        put_params(form, &e.params);
    }
}

fn put_params(form: &mut Vec<u8>, params: &Params) {
    let numbers = |form: &mut Vec<u8>, numbers: &[f64]| {
        numbers.iter().for_each(|x| form.extend_from_slice(&x.to_bits().to_le_bytes()));
    };
    match params {
        Params::No => form.push(0),
        Params::Const { value } => {
            form.push(1);
            numbers(form, &[*value]);
        }
        Params::Delay => form.push(2),
        Params::FaustExpr { template } => {
            form.push(3);
            put_text(form, template);
        }
        Params::Control { name, init, lo, hi, step, unit, scale } => {
            // One of which only the range is said has the form that it always had.
            let said = !unit.is_empty() || *scale != Scale::Linear;
            form.push(if said { 8 } else { 4 });
            put_text(form, name);
            numbers(form, &[*init, *lo, *hi, *step]);
            if said {
                put_text(form, unit);
                form.push(match scale {
                    Scale::Linear => 0,
                    Scale::Log => 1,
                    Scale::Exp => 2,
                });
            }
        }
        Params::Feedback { body_graph, feedback_input_index, free_var_signals } => {
            form.push(5);
            put_u32(form, *feedback_input_index as usize);
            put_signals(form, free_var_signals);
            put_graph(form, body_graph);
        }
        Params::Rwtable { size } => {
            form.push(6);
            put_u32(form, *size as usize);
        }
        Params::Rdtable { data } => {
            form.push(7);
            put_u32(form, data.len());
            numbers(form, data);
        }
    }
}

fn put_signals(form: &mut Vec<u8>, signals: &[Signal]) {
    put_u32(form, signals.len());
    for s in signals {
        put_u32(form, s.id as usize);
        put_u32(form, s.channels as usize);
        form.push(precision(s.precision));
    }
}

fn precision(precision: Precision) -> u8 {
    match precision {
        Precision::Float => 0,
        Precision::Double => 1,
    }
}

fn put_text(form: &mut Vec<u8>, text: &str) {
    put_u32(form, text.len());
    form.extend_from_slice(text.as_bytes());
}

fn put_u32(form: &mut Vec<u8>, x: usize) {
    form.extend_from_slice(&(x as u32).to_le_bytes());
}
