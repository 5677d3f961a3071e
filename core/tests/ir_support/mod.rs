//! Graphs and modules at random, and short ways to write them.
#![allow(dead_code, reason = "each test file uses its part")]

use krach_core::ir::dsp::*;
use krach_core::ir::*;
use krach_patterns::builders;
use proptest::prelude::*;
use std::sync::Arc;

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

pub fn graph(inputs: &[u64], outputs: &[u64], equations: Vec<Equation>) -> DspGraph {
    let signals = |ids: &[u64]| ids.iter().map(|&id| mono(id)).collect();
    DspGraph::new(signals(inputs), signals(outputs), equations, Precision::Float)
}

/// One equation by a few numbers: which primitive, which of the signals so far.
type Seed = (usize, u16, u16, u16, f64);

const PLAIN: [Primitive; 12] = [
    Primitive::Add,
    Primitive::Sub,
    Primitive::Mul,
    Primitive::Min,
    Primitive::Max,
    Primitive::Mem,
    Primitive::Sin,
    Primitive::Abs,
    Primitive::Gt,
    Primitive::Select2,
    Primitive::Const,
    Primitive::Feedback,
];

/// A legal graph of `inputs` inputs, numbered from `first` in steps of `step`.
pub fn grown(inputs: usize, seeds: &[Seed], first: u64, step: u64) -> DspGraph {
    let mut ids: Vec<u64> = (0..inputs as u64).map(|i| first + i * step).collect();
    let ins = ids.clone();
    let mut equations = Vec::new();
    for &(which, a, b, c, x) in seeds {
        let name = if ids.is_empty() { Primitive::Const } else { PLAIN[which % PLAIN.len()] };
        let pick = |n: u16| ids[n as usize % ids.len()];
        let output = first + ids.len() as u64 * step;
        let (from, params) = match (name, name.arity()) {
            (Primitive::Const, _) => (vec![], Params::Const { value: x }),
            (Primitive::Feedback, _) => {
                let free = vec![mono(pick(a))];
                let body = graph(&[3, 1], &[4], vec![equation(Primitive::Mul, &[3, 1], 4, Params::No)]);
                let params = Params::Feedback {
                    body_graph: Box::new(body),
                    feedback_input_index: 0,
                    free_var_signals: free,
                };
                (vec![pick(a)], params)
            }
            (_, Arity::Exactly(1)) => (vec![pick(a)], Params::No),
            (_, Arity::Exactly(2)) => (vec![pick(a), pick(b)], Params::No),
            _ => (vec![pick(a), pick(b), pick(c)], Params::No),
        };
        equations.push(equation(name, &from, output, params));
        ids.push(output);
    }
    let outputs: Vec<u64> = ids.last().copied().into_iter().collect();
    graph(&ins, &outputs, equations)
}

pub fn seeds() -> impl Strategy<Value = Vec<Seed>> {
    prop::collection::vec((0..64_usize, any::<u16>(), any::<u16>(), any::<u16>(), -1e6..1e6), 1..24)
}

pub fn node(name: &str, source: Source) -> NodeIr {
    NodeIr { name: name.to_owned(), source, ..NodeIr::default() }
}

pub fn of_type(name: &str, type_id: &str) -> NodeIr {
    node(name, Source::Type(type_id.to_owned()))
}

pub fn send(source: &str, target: &str, level: f64) -> RouteIr {
    RouteIr { source: source.to_owned(), target: target.to_owned(), level, ..RouteIr::default() }
}

const NAMES: [&str; 6] = ["bass", "verb", "kick", "hat", "pad/low", "x"];

fn names() -> impl Strategy<Value = Vec<String>> {
    prop::sample::subsequence(NAMES.to_vec(), 1..=NAMES.len())
        .prop_map(|names| names.into_iter().map(str::to_owned).collect())
}

fn source() -> impl Strategy<Value = Source> {
    prop_oneof![
        Just(Source::Type("oscillator".into())),
        Just(Source::Text("process = _;".into())),
        (0..3_usize, seeds()).prop_map(|(inputs, seeds)| Source::Graph(grown(inputs, &seeds, 5, 3).into())),
    ]
}

/// A module that may be loaded, without modules within.
fn leaf() -> impl Strategy<Value = ModuleIr> {
    let number = || prop::option::of(1.0..300.0_f64);
    (
        names(),
        prop::collection::vec((source(), 0.0..2.0_f64, 1..8_u32), NAMES.len()),
        any::<u64>(),
        number(),
        number(),
    )
        .prop_map(|(names, nodes, dice, tempo, meter)| {
            let bit = |n: u32| dice >> n & 1 == 1;
            let nodes: Vec<NodeIr> = names
                .iter()
                .zip(nodes)
                .map(|(name, (source, gain, count))| NodeIr {
                    gain,
                    count,
                    init: vec![("freq".into(), gain * 100.0)],
                    ..node(name, source)
                })
                .collect();
            let first = &names[0];
            let last = names.last().expect("one at least");
            let pattern = builders::control(&format!("{first}/amp"), 0.5) * 3;
            ModuleIr {
                routing: if first != last && bit(0) { vec![send(first, last, 0.25)] } else { vec![] },
                patterns: if bit(1) {
                    vec![PatternIr {
                        target: last.clone(),
                        pattern: Arc::new(pattern),
                        ..PatternIr::default()
                    }]
                } else {
                    vec![]
                },
                controls: if bit(2) {
                    vec![ControlIr {
                        path: format!("{first}/freq"),
                        value: dice as f64 / 7.0,
                        ..ControlIr::default()
                    }]
                } else {
                    vec![]
                },
                muted: if bit(3) {
                    vec![MutedIr { name: last.clone(), saved_gain: 0.5, ..MutedIr::default() }]
                } else {
                    vec![]
                },
                tempo,
                meter,
                inputs: bit(4).then(|| vec![first.clone()]),
                outputs: bit(5).then(Vec::new),
                nodes,
                ..ModuleIr::default()
            }
        })
}

/// A module that may be loaded.
pub fn module() -> impl Strategy<Value = ModuleIr> {
    leaf().prop_recursive(3, 12, 3, |inner| {
        (leaf(), prop::collection::vec(inner, 0..3)).prop_map(|(mut outer, within)| {
            outer.sub_modules = within
                .into_iter()
                .enumerate()
                .map(|(i, module)| SubModuleIr {
                    prefix: format!("sub{i}"),
                    module,
                    ..SubModuleIr::default()
                })
                .collect();
            outer
        })
    })
}
