//! DspGraph → FAUST text.
//!
//! Each equation becomes one named definition, so that the text grows with the graph and not with how
//! often a signal is used, and no operator meets another. The graph is taken in canonical form: graphs
//! of one key give one text, and share compiled code.
//!
//! ```text
//! import("stdfaust.lib");
//! process(sig0) = sig2 with {
//!   sig1 = 0.5;
//!   sig2 = sig0 * sig1;
//! };
//! ```
//! A pair of signals `sig7` is `sig7l` and `sig7r`. A loop defines its body as a function of what is fed
//! back, whose signals are named after the loop: `sig9_0`, `sig9_1`…
//!
//! All signals are real numbers: what FAUST would compute in integers is converted.

mod bounds;
mod equation;
mod noise;

use equation::{Page, Scope};
use krach_core::ir::dsp::{DspGraph, Precision, Signal};
use std::collections::HashMap;

/// A graph as FAUST text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lowered {
    /// The program.
    pub text: String,
    /// It computes in 64 bits.
    pub double: bool,
    /// Channels of each input port.
    pub inputs: Vec<usize>,
    /// Channels of each output port. Two mono outputs are one stereo port.
    pub outputs: Vec<usize>,
    /// First line of each equation in the text, from 1, and its JSON path in the graph; by line.
    places: Vec<(u32, String)>,
}

impl Lowered {
    /// JSON path of the equation that a line of the text (from 1) belongs to, if it belongs to one.
    pub fn place_of(&self, line: u32) -> Option<&str> {
        let after = self.places.partition_point(|(first, _)| *first <= line);
        self.places.get(after.checked_sub(1)?).map(|(_, place)| place.as_str())
    }
}

/// Where a ring of a power of two is written: 1, 2… around.
const RING: &str = "ring(mask) = \\(at).((at + 1) & mask) ~ _;\n";

/// Lowers a graph that [`DspGraph::check`] has found right.
pub fn lower(graph: &DspGraph) -> Lowered {
    let graph = graph.canonicalize();
    let scope = Scope::new("sig", HashMap::new());
    let mut page = Page::default();
    scope.write(&graph, "$", 1, &mut page);
    let Page { noises, text: body, places } = page;
    let inputs: Vec<String> = graph.inputs.iter().flat_map(|s| scope.channels(s)).collect();
    let outputs: Vec<String> = graph.outputs.iter().flat_map(|s| scope.channels(s)).collect();
    let arguments = if inputs.is_empty() { String::new() } else { format!("({})", inputs.join(", ")) };
    // A node without outputs is silent, and still a node.
    let result = if outputs.is_empty() { "0.0 : !".to_owned() } else { outputs.join(", ") };
    let with = if body.is_empty() { String::new() } else { format!(" with {{\n{body}}}") };
    let ring = if body.contains("ring(") { RING } else { "" };
    let own = noises.definitions();
    let head = format!("import(\"stdfaust.lib\");\n{ring}{own}process{arguments} = {result}");
    // The body begins on the line after that of `process`.
    let mut line = head.lines().count() as u32 + 1;
    let mut from = 0;
    let places = places.into_iter().map(|(at, place)| {
        line += body[from..at].matches('\n').count() as u32;
        from = at;
        (line, place)
    });
    let places = places.collect();
    let text = format!("{head}{with};\n");
    let ports = |signals: &[Signal]| signals.iter().map(|s| s.channels as usize).collect::<Vec<_>>();
    let outputs = match ports(&graph.outputs).as_slice() {
        [1, 1] => vec![2],
        other => other.to_vec(),
    };
    Lowered {
        text,
        double: graph.precision == Precision::Double,
        inputs: ports(&graph.inputs),
        outputs,
        places,
    }
}
