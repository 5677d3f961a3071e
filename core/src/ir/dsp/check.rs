//! What can be wrong with a DspGraph, found before anything is made of it.

use super::{Arity, DspGraph, Equation, Params, Precision, Primitive, Signal};
use crate::ir::fault::Fault;
use crate::node::Scale;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Most equations of a graph, bodies of loops included.
pub const MAX_EQUATIONS: usize = 1 << 16;
/// Most loops within loops.
pub const MAX_BODIES: usize = 32;
/// Most entries of a table.
pub const MAX_TABLE_SIZE: usize = 1 << 24;
/// Longest delay that is not a constant, in samples: it stops there.
pub const MAX_DELAY: u32 = (1 << 18) - 1;
/// Most signals that go in, or out, of a node.
const MAX_ENDS: usize = 64;
/// Longest text of a `faust_expr`, in bytes.
const MAX_TEMPLATE: usize = 1 << 16;

/// Longest unit of a control, in bytes.
pub(super) const MAX_UNIT: usize = 16;

/// The controls met so far: by name their ranges, units and scales.
type Controls = BTreeMap<String, ([u64; 4], String, Scale)>;

struct Checker {
    controls: Controls,
    equations: usize,
}

/// What is known of a signal that was made.
#[derive(Clone, Copy)]
struct Made {
    channels: u32,
    precision: Precision,
    /// It is the same whatever comes in: it may start a table.
    fixed: bool,
}

type Scope = HashMap<u64, Made>;

impl DspGraph {
    /// Everything that is wrong with a graph as the source of a node, the first of it.
    ///
    /// # Errors
    /// The fault, with its path within the graph.
    pub fn check(&self) -> Result<(), Fault> {
        let mut checker = Checker { controls: Controls::new(), equations: 0 };
        for (ends, what) in [(&self.inputs, "inputs"), (&self.outputs, "outputs")] {
            let channels: u64 = ends.iter().map(|s| u64::from(s.channels)).sum();
            if channels > MAX_ENDS as u64 {
                return Err(Fault::new(
                    format!("$.{what}"),
                    format!("{channels} channels; {MAX_ENDS} is the most"),
                ));
            }
        }
        checker.graph(self, "$", 0, &[])
    }
}

impl Checker {
    /// `fixed` says which of the inputs are the same whatever comes in.
    fn graph(&mut self, graph: &DspGraph, place: &str, depth: usize, fixed: &[bool]) -> Result<(), Fault> {
        if depth > MAX_BODIES {
            return Err(Fault::new(place, format!("loops nest more than {MAX_BODIES} deep")));
        }
        self.equations += graph.equations.len();
        if self.equations > MAX_EQUATIONS {
            return Err(Fault::new(place, format!("more than {MAX_EQUATIONS} equations")));
        }
        let mut scope = Scope::with_capacity(graph.equations.len());
        for (i, s) in graph.inputs.iter().enumerate() {
            let fixed = fixed.get(i).copied().unwrap_or(false);
            make(&mut scope, s, fixed, &format!("{place}.inputs[{i}]"))?;
        }
        for (i, e) in graph.equations.iter().enumerate() {
            self.equation(e, &mut scope, &format!("{place}.equations[{i}]"), depth)?;
        }
        for (i, s) in graph.outputs.iter().enumerate() {
            used(&scope, s, &format!("{place}.outputs[{i}]"))?;
        }
        Ok(())
    }

    fn equation(&mut self, e: &Equation, scope: &mut Scope, place: &str, depth: usize) -> Result<(), Fault> {
        let name = e.primitive.name;
        let mut inputs = Vec::with_capacity(e.inputs.len());
        for (i, s) in e.inputs.iter().enumerate() {
            inputs.push(used(scope, s, &format!("{place}.inputs[{i}]"))?);
        }
        if let Arity::Exactly(n) = name.arity()
            && n != inputs.len()
        {
            let message = format!("{} takes {n} inputs and has {}", name.name(), inputs.len());
            return Err(Fault::new(format!("{place}.inputs"), message));
        }
        let [output] = e.outputs.as_slice() else {
            let message = format!("{} makes one signal, not {}", name.name(), e.outputs.len());
            return Err(Fault::new(format!("{place}.outputs"), message));
        };
        self.params(e, &inputs, place, depth)?;
        let widest = inputs.iter().map(|s| s.channels).max().unwrap_or(1);
        let free = matches!(name, Primitive::FaustExpr | Primitive::Feedback) || inputs.is_empty();
        if !free && output.channels != widest {
            let message = format!(
                "{} of signals of {widest} channel(s) has {widest}, not {}",
                name.name(),
                output.channels
            );
            return Err(Fault::new(format!("{place}.outputs[0].channels"), message));
        }
        let moves = matches!(name, Primitive::Control | Primitive::FaustExpr) || name.is_stateful();
        let fixed = !moves && inputs.iter().all(|s| s.fixed);
        make(scope, output, fixed, &format!("{place}.outputs[0]"))
    }

    fn params(&mut self, e: &Equation, inputs: &[Made], place: &str, depth: usize) -> Result<(), Fault> {
        let at = |field: &str| format!("{place}.params.{field}");
        let finite = |field: &str, x: f64| match x.is_finite() {
            true => Ok(()),
            false => Err(Fault::new(at(field), "not a finite number")),
        };
        match (e.primitive.name, &e.params) {
            (Primitive::Const, Params::Const { value }) => finite("value", *value),
            (Primitive::Delay, Params::Delay | Params::No) => Ok(()),
            (Primitive::FaustExpr, Params::FaustExpr { template }) => template_fits(template, inputs.len())
                .map_err(|m| {
                    Fault::new(at("template"), m).hint("{0}, {1}… stand for the inputs, in their order")
                }),
            (Primitive::Control, Params::Control { name, init, lo, hi, step, unit, scale }) => {
                for (field, x) in [("init", *init), ("lo", *lo), ("hi", *hi), ("step", *step)] {
                    finite(field, x)?;
                }
                if lo > hi || !(lo..=hi).contains(&init) || *step < 0.0 {
                    let fault = Fault::new(
                        format!("{place}.params"),
                        format!("the range of control {name} cannot be"),
                    );
                    return Err(fault.hint("lo ≤ init ≤ hi, and a step of 0 or more"));
                }
                let odd = |c: char| c.is_control() || "\"[]\\:".contains(c);
                if name.is_empty() || name.len() > 256 || name.contains(odd) {
                    let fault = Fault::new(at("name"), "not a name for a control");
                    return Err(fault.hint("letters, digits, _ and -"));
                }
                if unit.len() > MAX_UNIT || unit.contains(odd) {
                    let fault = Fault::new(at("unit"), "not a unit");
                    return Err(fault.hint("a short text such as Hz, without quotes, brackets, \\ and :"));
                }
                let range = [init.to_bits(), lo.to_bits(), hi.to_bits(), step.to_bits()];
                let range = (range, unit.clone(), *scale);
                match self.controls.insert(name.clone(), range.clone()) {
                    Some(before) if before != range => {
                        let fault = Fault::new(
                            format!("{place}.params"),
                            format!("another control {name} has another range, unit or scale"),
                        );
                        Err(fault
                            .hint("give them different names, or say the same of both: then they are one"))
                    }
                    _ => Ok(()),
                }
            }
            (
                Primitive::Feedback,
                Params::Feedback { body_graph, feedback_input_index, free_var_signals },
            ) => self.feedback(e, inputs, body_graph, *feedback_input_index, free_var_signals, place, depth),
            (Primitive::Rwtable, Params::Rwtable { size }) => {
                table_size(*size as usize, &at("size"))?;
                if inputs[0].fixed {
                    return Ok(());
                }
                let fault =
                    Fault::new(format!("{place}.inputs[0]"), "what a table begins with is not a constant");
                Err(fault.hint("make it of constants only; write what changes"))
            }
            (Primitive::Rdtable, Params::Rdtable { data }) => {
                table_size(data.len(), &at("data"))?;
                match data.iter().position(|x| !x.is_finite()) {
                    Some(i) => finite(&format!("data[{i}]"), f64::NAN),
                    None => Ok(()),
                }
            }
            (
                Primitive::Const
                | Primitive::FaustExpr
                | Primitive::Control
                | Primitive::Feedback
                | Primitive::Rwtable
                | Primitive::Rdtable,
                _,
            ) => Err(Fault::new(
                format!("{place}.params"),
                format!("not the parameters of {}", e.primitive.name.name()),
            )
            .hint(format!("expected type {}", e.primitive.name.name()))),
            // What others carry says nothing.
            _ => Ok(()),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one case of an enum")]
    fn feedback(
        &mut self,
        e: &Equation,
        inputs: &[Made],
        body: &DspGraph,
        fed_back: u32,
        free: &[Signal],
        place: &str,
        depth: usize,
    ) -> Result<(), Fault> {
        let ids = |signals: &[Signal]| signals.iter().map(|s| s.id).collect::<Vec<_>>();
        if ids(free) != ids(&e.inputs) {
            let message = "the free signals of a loop are the inputs of its equation";
            return Err(Fault::new(format!("{place}.params.free_var_signals"), message));
        }
        let within = format!("{place}.params.body_graph");
        if body.inputs.len() != free.len() + 1 {
            let message = format!(
                "the body takes {} signals: what is fed back and {} free ones",
                body.inputs.len(),
                free.len()
            );
            return Err(Fault::new(format!("{within}.inputs"), message));
        }
        let Some(looped) = body.inputs.get(fed_back as usize) else {
            let message = format!("the body has no input {fed_back}");
            return Err(Fault::new(format!("{place}.params.feedback_input_index"), message));
        };
        let (1 | 2, Some(back)) = (body.outputs.len(), body.outputs.last()) else {
            let message = "a body has one output, or two: what is heard and what is fed back";
            return Err(Fault::new(format!("{within}.outputs"), message));
        };
        let mut outside = inputs.iter();
        let mut fixed = Vec::with_capacity(body.inputs.len());
        for (i, s) in body.inputs.iter().enumerate() {
            if i == fed_back as usize {
                fixed.push(false);
                continue;
            }
            let made = outside.next().expect("counted above");
            fixed.push(made.fixed);
            if made.channels != s.channels {
                let message = format!("{} channel(s) outside, {} within", made.channels, s.channels);
                return Err(Fault::new(format!("{within}.inputs[{i}].channels"), message));
            }
        }
        self.graph(body, &within, depth + 1, &fixed)?;
        if back.channels != looped.channels || body.outputs[0].channels != e.outputs[0].channels {
            let message = "what is fed back and what is heard have the channels of where they go";
            return Err(Fault::new(format!("{within}.outputs"), message));
        }
        Ok(())
    }
}

fn make(scope: &mut Scope, s: &Signal, fixed: bool, place: &str) -> Result<(), Fault> {
    if !(1..=2).contains(&s.channels) {
        let fault = Fault::new(format!("{place}.channels"), format!("{} channels", s.channels));
        return Err(fault.hint("1, or 2 for a pair"));
    }
    let made = Made { channels: s.channels, precision: s.precision, fixed };
    match scope.insert(s.id, made) {
        None => Ok(()),
        Some(_) => Err(Fault::new(format!("{place}.id"), format!("signal {} is made twice", s.id))),
    }
}

fn used(scope: &Scope, s: &Signal, place: &str) -> Result<Made, Fault> {
    let Some(made) = scope.get(&s.id) else {
        let fault = Fault::new(format!("{place}.id"), format!("signal {} is used before it is made", s.id));
        return Err(fault.hint("a circle needs a feedback primitive"));
    };
    if made.channels != s.channels || made.precision != s.precision {
        let message = format!("signal {} has other channels or precision where it is made", s.id);
        return Err(Fault::new(place, message));
    }
    Ok(*made)
}

fn table_size(size: usize, place: &str) -> Result<(), Fault> {
    match (1..=MAX_TABLE_SIZE).contains(&size) {
        true => Ok(()),
        false => Err(Fault::new(place, format!("a table has 1 to {MAX_TABLE_SIZE} entries, not {size}"))),
    }
}

/// Parts of a template: text, and places of inputs.
pub fn template_parts(template: &str) -> Vec<TemplatePart<'_>> {
    let mut parts = Vec::new();
    let (mut rest, mut text) = (template, 0);
    while let Some(open) = rest[text..].find('{').map(|at| at + text) {
        let digits = rest[open + 1..].bytes().take_while(u8::is_ascii_digit).count();
        let close = open + 1 + digits;
        if digits == 0 || digits > 4 || rest.as_bytes().get(close) != Some(&b'}') {
            text = open + 1;
            continue;
        }
        if open > 0 {
            parts.push(TemplatePart::Text(&rest[..open]));
        }
        parts.push(TemplatePart::Input(rest[open + 1..close].parse().expect("up to four digits")));
        (rest, text) = (&rest[close + 1..], 0);
    }
    if !rest.is_empty() {
        parts.push(TemplatePart::Text(rest));
    }
    parts
}

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplatePart<'a> {
    /// FAUST text.
    Text(&'a str),
    /// The input of that number.
    Input(usize),
}

/// Can the template stand in a program as one expression?
fn template_fits(template: &str, inputs: usize) -> Result<(), String> {
    if template.trim().is_empty() || template.len() > MAX_TEMPLATE {
        return Err(format!("a template has 1 to {MAX_TEMPLATE} bytes"));
    }
    for part in template_parts(template) {
        if let TemplatePart::Input(i) = part
            && i >= inputs
        {
            return Err(format!("there is no input {{{i}}}"));
        }
    }
    let mut open = Vec::new();
    let mut text = template.chars().peekable();
    while let Some(c) = text.next() {
        match c {
            '(' => open.push(')'),
            '{' => open.push('}'),
            '[' => open.push(']'),
            ')' | '}' | ']' if open.pop() != Some(c) => return Err(format!("{c} closes nothing")),
            ';' if open.is_empty() => return Err("an expression has no ; of its own".to_owned()),
            '"' if !text.by_ref().any(|c| c == '"') => return Err("a text without its end".to_owned()),
            '/' if matches!(text.peek(), Some('/' | '*')) => {
                return Err("a comment cannot stand here".to_owned());
            }
            _ => {}
        }
    }
    match open.pop() {
        Some(close) => Err(format!("{close} is missing")),
        None => Ok(()),
    }
}

/// Names that a graph's controls have, each once, in the order in which they are met.
pub fn control_names(graph: &DspGraph) -> Vec<String> {
    fn collect(graph: &DspGraph, seen: &mut HashSet<String>, names: &mut Vec<String>) {
        for e in &graph.equations {
            match &e.params {
                Params::Control { name, .. } if seen.insert(name.clone()) => names.push(name.clone()),
                Params::Feedback { body_graph, .. } => collect(body_graph, seen, names),
                _ => {}
            }
        }
    }
    let mut names = Vec::new();
    collect(graph, &mut HashSet::new(), &mut names);
    names
}
