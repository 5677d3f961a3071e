//! From a graph to YAML: nodes by id, cables by (from, output, to, input), defaults left out.

use std::fmt::Write;

use crate::descriptor::Value;
use crate::graph::ModuleGraph;

use super::scalar::{Scalar, resolve};

/// The text of a patch. Reading it gives the same patch; writing that gives the same text.
///
/// ```
/// use krach_patch::{ModuleGraph, graph_to_yaml, yaml_to_graph};
///
/// let mut graph = ModuleGraph::new();
/// graph.add("osc", "SineOscillator")?;
/// graph.add("out", "AudioOut")?;
/// graph.set("osc", "frequency", 220)?;
/// graph.connect("osc", "out", "out", "left", 0.5)?;
/// let text = graph_to_yaml(&graph);
/// assert_eq!(
///     text,
///     "nodes:\n  osc:\n    module: SineOscillator\n    params:\n      frequency: 220.0\n  out:\n    module: AudioOut\n\
///      cables:\n  - {from: osc, output: out, to: out, input: left, scale: 0.5}\n"
/// );
/// assert!(yaml_to_graph(&text).unwrap() == graph);
/// # Ok::<(), krach_patch::Fault>(())
/// ```
pub fn graph_to_yaml(graph: &ModuleGraph) -> String {
    let mut text = String::new();
    write(&mut text, graph).expect("a string takes all");
    text
}

fn write(text: &mut String, graph: &ModuleGraph) -> std::fmt::Result {
    let is_empty = graph.nodes().next().is_none();
    writeln!(text, "nodes:{}", if is_empty { " {}" } else { "" })?;
    for (id, node) in graph.nodes() {
        let (descriptor, shape) = (node.descriptor(), node.shape());
        writeln!(text, "  {}:\n    module: {}", string(id), descriptor.name)?;
        if descriptor.channels.is_some_and(|extent| extent.default != shape.channels) {
            writeln!(text, "    channels: {}", shape.channels)?;
        }
        if descriptor.length.is_some_and(|extent| extent.default != shape.length) {
            writeln!(text, "    length: {}", shape.length)?;
        }
        let names = descriptor.param_names(&shape);
        for (count, (index, value)) in node.values().enumerate() {
            if count == 0 {
                writeln!(text, "    params:")?;
            }
            writeln!(text, "      {}: {}", names[index], scalar(value))?;
        }
    }
    let cables = graph.cables();
    writeln!(text, "cables:{}", if cables.is_empty() { " []" } else { "" })?;
    for cable in cables {
        let (from, to) = (string(cable.from), string(cable.to));
        write!(text, "  - {{from: {from}, output: {}, to: {to}, input: {}", cable.output, cable.input)?;
        if cable.scale != 1.0 {
            write!(text, ", scale: {:?}", cable.scale)?;
        }
        writeln!(text, "}}")?;
    }
    Ok(())
}

fn scalar(value: &Value) -> String {
    match value {
        // The shortest digits that give the same float.
        Value::Float(number) => format!("{number:?}"),
        Value::Int(number) => number.to_string(),
        Value::Bool(on) => on.to_string(),
        Value::Name(name) => string(name),
        Value::List(list) => {
            let entries: Vec<String> = list.iter().map(|entry| string(entry)).collect();
            format!("[{}]", entries.join(", "))
        }
    }
}

/// A string: plain where that is a string again, quoted elsewhere.
fn string(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '#'))
        && matches!(resolve(text), Scalar::Text(_));
    if is_plain { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
