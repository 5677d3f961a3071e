//! What a DspGraph means, in 64 bits, one sample after the other; and short ways to write graphs.

use krach_core::ir::dsp::*;
use std::collections::HashMap;

pub fn mono(id: u64) -> Signal {
    Signal { id, channels: 1, precision: Precision::Float }
}

pub fn equation(name: Primitive, inputs: &[u64], output: u64, params: Params) -> Equation {
    Equation {
        primitive: PrimitiveRef { name, stateful: name.is_stateful() },
        inputs: inputs.iter().map(|&id| mono(id)).collect(),
        outputs: vec![mono(output)],
        params,
    }
}

pub fn constant(value: f64, output: u64) -> Equation {
    equation(Primitive::Const, &[], output, Params::Const { value })
}

pub fn expr(template: &str, inputs: &[u64], output: u64) -> Equation {
    equation(Primitive::FaustExpr, inputs, output, Params::FaustExpr { template: template.to_owned() })
}

pub fn plain(name: Primitive, inputs: &[u64], output: u64) -> Equation {
    equation(name, inputs, output, Params::No)
}

/// A loop whose body has the fed-back signal as input 0, then the free ones, numbered from 0.
pub fn looped(free: &[u64], output: u64, outputs: &[u64], body: Vec<Equation>) -> Equation {
    let inputs: Vec<u64> = (0..=free.len() as u64).collect();
    let params = Params::Feedback {
        body_graph: Box::new(graph(&inputs, outputs, body)),
        feedback_input_index: 0,
        free_var_signals: free.iter().map(|&id| mono(id)).collect(),
    };
    equation(Primitive::Feedback, free, output, params)
}

pub fn graph(inputs: &[u64], outputs: &[u64], equations: Vec<Equation>) -> DspGraph {
    let signals = |ids: &[u64]| ids.iter().map(|&id| mono(id)).collect();
    DspGraph::new(signals(inputs), signals(outputs), equations, Precision::Float)
}

/// A graph at work. Signals are mono; `faust_expr` is not known.
pub struct Reference {
    graph: DspGraph,
    rate: f64,
    states: Vec<State>,
}

#[derive(Default)]
struct State {
    past: Vec<f64>,
    table: Vec<f64>,
    smooth: f64,
    back: f64,
    body: Option<Box<Reference>>,
}

impl Reference {
    pub fn new(graph: &DspGraph, rate: f64) -> Self {
        let body = |e: &Equation| match &e.params {
            Params::Feedback { body_graph, .. } => Some(Box::new(Self::new(body_graph, rate))),
            _ => None,
        };
        let states = graph.equations.iter().map(|e| State { body: body(e), ..State::default() }).collect();
        Self { graph: graph.clone(), rate, states }
    }

    pub fn step(&mut self, inputs: &[f64]) -> Vec<f64> {
        let mut now: HashMap<u64, f64> =
            self.graph.inputs.iter().map(|s| s.id).zip(inputs.iter().copied()).collect();
        for (e, state) in self.graph.equations.iter().zip(&mut self.states) {
            let args: Vec<f64> = e.inputs.iter().map(|s| now[&s.id]).collect();
            let value = evaluate(e, &args, state, self.rate);
            now.insert(e.outputs[0].id, value);
        }
        self.graph.outputs.iter().map(|s| now[&s.id]).collect()
    }
}

fn evaluate(e: &Equation, args: &[f64], state: &mut State, rate: f64) -> f64 {
    use Primitive::*;
    let a = args.first().copied().unwrap_or(0.0);
    let b = args.get(1).copied().unwrap_or(0.0);
    let truth = |is: bool| f64::from(u8::from(is));
    let index = |x: f64, size: usize| x.clamp(0.0, (size - 1) as f64) as usize;
    match (e.primitive.name, &e.params) {
        (Add, _) => a + b,
        (Sub, _) => a - b,
        (Mul, _) => a * b,
        (Div, _) => a / b,
        (Mod | Fmod, _) => a % b,
        (Const, Params::Const { value }) => *value,
        (Mem, _) => {
            state.past.push(a);
            let n = state.past.len();
            if n < 2 { 0.0 } else { state.past[n - 2] }
        }
        (Delay, _) => {
            state.past.push(a);
            let n = state.past.len() as f64 - 1.0 - b.clamp(0.0, f64::from(MAX_DELAY)).trunc();
            if n < 0.0 { 0.0 } else { state.past[n as usize] }
        }
        (Sr, _) => rate,
        (Rwtable, Params::Rwtable { size }) => {
            if state.table.is_empty() {
                state.table = vec![a; *size as usize];
            }
            state.table[index(b, *size as usize)] = args[2];
            state.table[index(args[3], *size as usize)]
        }
        (Rdtable, Params::Rdtable { data }) => data[index(a, data.len())],
        (Sin, _) => a.sin(),
        (Cos, _) => a.cos(),
        (Tan, _) => a.tan(),
        (Asin, _) => a.asin(),
        (Acos, _) => a.acos(),
        (Atan, _) => a.atan(),
        (Exp, _) => a.exp(),
        (Log, _) => a.ln(),
        (Log10, _) => a.log10(),
        (Sqrt, _) => a.sqrt(),
        (Abs, _) => a.abs(),
        (Floor, _) => a.floor(),
        (Ceil, _) => a.ceil(),
        (Round, _) => a.round_ties_even(),
        (Min, _) => a.min(b),
        (Max, _) => a.max(b),
        (Pow, _) => a.powf(b),
        (Remainder, _) => a - b * (a / b).round_ties_even(),
        (Atan2, _) => a.atan2(b),
        (Gt, _) => truth(a > b),
        (Lt, _) => truth(a < b),
        (Ge, _) => truth(a >= b),
        (Le, _) => truth(a <= b),
        (Eq, _) => truth(a == b),
        (Ne, _) => truth(a != b),
        (Select2, _) => {
            if a.trunc() == 0.0 {
                b
            } else {
                args[2]
            }
        }
        (Control, Params::Control { name, init, .. }) => {
            if name.contains("gate") || name.contains("trig") {
                return *init;
            }
            // A pole at 1 - 44.1/rate.
            let pole = 1.0 - 44.1 / rate;
            state.smooth = init * (1.0 - pole) + pole * state.smooth;
            state.smooth
        }
        (Feedback, Params::Feedback { feedback_input_index, .. }) => {
            let mut inputs = args.to_vec();
            inputs.insert(*feedback_input_index as usize, state.back);
            let outputs = state.body.as_mut().expect("a loop has a body").step(&inputs);
            state.back = *outputs.last().expect("a body has an output");
            outputs[0]
        }
        (name, _) => panic!("no reference for {}", name.name()),
    }
}
