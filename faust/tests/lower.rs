//! Graphs as FAUST text, through the real compiler: each primitive means what it says.

mod lower_support;
mod support;

use krach_core::ir::dsp::Primitive::*;
use krach_core::ir::dsp::*;
use krach_core::node::{Change, NodeType, Scale};
use krach_faust::{Tier, lower};
use lower_support::*;
use std::collections::BTreeSet;
use support::*;

const FRAMES: usize = 2_000;

/// A traced function as it is compiled: with our own library alone.
fn source_of(lowered: &krach_faust::Lowered) -> krach_faust::Source {
    krach_faust::Source {
        double: lowered.double,
        standard: krach_faust::Standard::Own,
        ..krach_faust::Source::inline("graph", &lowered.text)
    }
}

/// Plays a graph on these inputs in blocks of `block`, controls as they begin.
fn played_in(graph: &DspGraph, inputs: &[Vec<f32>], block: usize) -> Vec<Vec<f32>> {
    assert_eq!(graph.check(), Ok(()));
    let lowered = lower(graph);
    let source = source_of(&lowered);
    let compiled = host_compiler()
        .compile(&source, Tier::Optimised, &|| false)
        .unwrap_or_else(|error| panic!("{error}\n{}", lowered.text));
    let (ty, mut node) = node(&compiled);
    let outputs: u32 = graph.outputs.iter().map(|s| s.channels).sum();
    let mut heard = vec![vec![f32::NAN; FRAMES]; outputs as usize];
    play(&ty, &mut *node, block, inputs, (0, FRAMES), &mut heard);
    heard
}

fn played(graph: &DspGraph, inputs: &[Vec<f32>]) -> Vec<Vec<f32>> {
    played_in(graph, inputs, 512)
}

fn expected(graph: &DspGraph, inputs: &[Vec<f32>]) -> Vec<Vec<f64>> {
    let mut reference = Reference::new(graph, RATE);
    let mut heard = vec![Vec::with_capacity(FRAMES); graph.outputs.len()];
    for frame in 0..FRAMES {
        let now: Vec<f64> = inputs.iter().map(|channel| f64::from(channel[frame])).collect();
        for (channel, x) in heard.iter_mut().zip(reference.step(&now)) {
            channel.push(x);
        }
    }
    heard
}

/// Multiples of 1/16 in ±4: exact in either precision.
fn steps(seed: u32) -> Vec<f32> {
    let mut x = seed;
    (0..FRAMES)
        .map(|_| {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((x >> 24) as i32 - 128).clamp(-64, 64) as f32 / 16.0
        })
        .collect()
}

fn agrees(graph: &DspGraph, inputs: &[Vec<f32>], names: &[&str], tolerance: f64) {
    let (heard, wanted) = (played(graph, inputs), expected(graph, inputs));
    for (channel, (a, b)) in heard.iter().zip(&wanted).enumerate() {
        for (frame, (&a, &b)) in a.iter().zip(b).enumerate() {
            let same = (f64::from(a) - b).abs() <= tolerance * b.abs().max(1.0) || (a.is_nan() && b.is_nan());
            assert!(same, "{}: frame {frame} is {a}, not {b}", names[channel]);
        }
    }
}

/// Every primitive at work on two inputs, and the names of those whose signals are the outputs.
fn every_primitive() -> (DspGraph, [Vec<f32>; 2], Vec<&'static str>) {
    // Input 0 in ±4, input 1 in 1…5: what does not fit a primitive is fitted first.
    let inputs = [steps(1), steps(2).iter().map(|x| x.abs() + 1.0).collect()];
    let mut equations = vec![
        constant(0.25, 2),
        plain(Mul, &[0, 2], 3), // ±1
        plain(Abs, &[0], 4),
        constant(100.0, 5),
        plain(Mul, &[4, 5], 6), // 0…400
        constant(300.0, 7),
        plain(Min, &[6, 7], 8), // 0…300, and known to be
    ];
    let mut outputs = Vec::new();
    let mut tested = BTreeSet::from([FaustExpr]);
    let mut names = Vec::new();
    for (n, &p) in Primitive::ALL.iter().enumerate() {
        let output = 100 + n as u64;
        let body = vec![constant(0.5, 5), plain(Mul, &[0, 5], 6), plain(Add, &[6, 1], 7)];
        let control = Params::Control {
            name: "cutoff".into(),
            init: 0.75,
            lo: 0.0,
            hi: 1.0,
            step: 0.01,
            unit: String::new(),
            scale: Scale::Linear,
        };
        let e = match p {
            FaustExpr => continue,
            Const => constant(-0.1, output),
            Asin | Acos => plain(p, &[3], output),
            Log | Log10 | Sqrt => plain(p, &[1], output),
            Pow => plain(p, &[1, 0], output),
            Delay => equation(p, &[0, 6], output, Params::Delay),
            Feedback => looped(&[0], output, &[7], body),
            Select2 => plain(p, &[3, 0, 1], output),
            Control => equation(p, &[], output, control),
            Rwtable => equation(p, &[2, 6, 0, 4], output, Params::Rwtable { size: 300 }),
            Rdtable => equation(p, &[0], output, Params::Rdtable { data: vec![0.5, -1.0, 2.0, 1e-3] }),
            _ => {
                let Arity::Exactly(n) = p.arity() else { panic!("{}", p.name()) };
                plain(p, &[0, 1, 2][..n], output)
            }
        };
        equations.push(e);
        outputs.push(output);
        names.push(p.name());
        tested.insert(p);
    }
    assert_eq!(tested.len(), Primitive::ALL.len());
    (graph(&[0, 1], &outputs, equations), inputs, names)
}

#[test]
fn unit_and_scale_of_a_control_are_those_of_the_compiled_one() {
    let control = |name: &str, unit: &str, scale| Params::Control {
        name: name.into(),
        init: 800.0,
        lo: 20.0,
        hi: 20_000.0,
        step: 0.0,
        unit: unit.into(),
        scale,
    };
    let equations = vec![
        equation(Control, &[], 1, control("cutoff", "Hz", Scale::Log)),
        equation(Control, &[], 2, control("depth", "", Scale::Exp)),
        equation(Control, &[], 3, control("level", "dB", Scale::Linear)),
        plain(Add, &[1, 2], 4),
        plain(Add, &[4, 3], 5),
    ];
    let graph = graph(&[], &[5], equations);
    assert_eq!(graph.check(), Ok(()));
    let source = source_of(&lower(&graph));
    let compiled = host_compiler().compile(&source, Tier::Quick, &|| false).expect("it compiles");
    let (ty, _) = node(&compiled);
    let said = |name: &str| {
        let control = ty.decl().controls.iter().find(|c| c.name == name).expect("it is there");
        (control.unit.as_str().to_owned(), control.scale)
    };
    assert_eq!(said("cutoff"), ("Hz".to_owned(), Scale::Log));
    assert_eq!(said("depth"), (String::new(), Scale::Exp));
    assert_eq!(said("level"), ("dB".to_owned(), Scale::Linear));
}

#[test]
fn every_primitive_is_what_it_says_within_float_rounding() {
    let (graph, inputs, names) = every_primitive();
    agrees(&graph, &inputs, &names, 2e-5);
}

/// The same graph in 64 bits.
fn doubled(graph: &DspGraph) -> DspGraph {
    let wide = |signals: &[Signal]| -> Vec<Signal> {
        signals.iter().map(|s| Signal { precision: Precision::Double, ..*s }).collect()
    };
    let equations = graph.equations.iter().map(|e| {
        let params = match &e.params {
            Params::Feedback { body_graph, feedback_input_index, free_var_signals } => Params::Feedback {
                body_graph: Box::new(doubled(body_graph)),
                feedback_input_index: *feedback_input_index,
                free_var_signals: wide(free_var_signals),
            },
            other => other.clone(),
        };
        Equation { inputs: wide(&e.inputs), outputs: wide(&e.outputs), params, ..e.clone() }
    });
    DspGraph::new(wide(&graph.inputs), wide(&graph.outputs), equations.collect(), Precision::Double)
}

#[test]
fn in_double_precision_every_primitive_is_the_nearest_float_to_what_it_says() {
    let (graph, inputs, names) = every_primitive();
    let (graph, mut off) = (doubled(&graph), 0);
    let wanted = expected(&graph, &inputs);
    for (channel, (heard, wanted)) in played(&graph, &inputs).iter().zip(&wanted).enumerate() {
        for (frame, (&heard, &wanted)) in heard.iter().zip(wanted).enumerate() {
            let near = (f64::from(heard) - wanted).abs() <= wanted.abs() * 6e-8 + 1e-15;
            assert!(near || heard.is_nan() && wanted.is_nan(), "{}: frame {frame}", names[channel]);
            off += usize::from(heard.to_bits() != (wanted as f32).to_bits() && !heard.is_nan());
        }
    }
    // Where the last bit of 64 decides how 32 are rounded.
    assert!(off < FRAMES / 100, "{off} samples are not the nearest");
}

/// A sum of 0.1 at each sample is a whole number less an error that tells the precision.
fn sum() -> DspGraph {
    let body = vec![constant(0.1, 5), plain(Add, &[0, 5], 6)];
    let equations = vec![
        looped(&[], 0, &[6], body),
        plain(Round, &[0], 1),
        plain(Sub, &[0, 1], 2),
        equation(Control, &[], 3, control("gate_by", 3.0)),
        plain(Mul, &[2, 3], 4),
    ];
    graph(&[], &[4], equations)
}

fn control(name: &str, init: f64) -> Params {
    Params::Control {
        name: name.into(),
        init,
        lo: 0.0,
        hi: 10.0,
        step: 0.01,
        unit: String::new(),
        scale: Scale::Linear,
    }
}

#[test]
fn double_precision_is_kept_within_and_its_controls_are_heard_and_blocks_are_not() {
    let (single, double) = (played(&sum(), &[]), played(&doubled(&sum()), &[]));
    // 0.1 · 1990 = 199, where single precision is 1e-4 off.
    assert!(single[0][1989].abs() > 1e-5, "{}", single[0][1989]);
    assert!((double[0][1989].abs() - 3.0 * 3.4e-12).abs() < 3e-11, "{}", double[0][1989]);
    assert!(double[0][1989] != 0.0);
    for block in [1, 7, 255, 256, 257, 2_000] {
        assert_eq!(played_in(&doubled(&sum()), &[], block), double, "{block}");
    }
    let lowered = lower(&doubled(&sum()));
    let source = |double| krach_faust::Source { double, ..source_of(&lowered) };
    let object = |double| {
        let compiled = host_compiler().compile(&source(double), Tier::Quick, &|| false).expect("compiles");
        compiled.object.key()
    };
    assert_ne!(object(true), object(false), "the same text in another precision is other code");
}

#[test]
fn a_double_program_takes_controls_anywhere_in_its_packed_state() {
    // A whole number between them puts doubles at odd places.
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let mut equations = vec![expr("no.noise", &[], 0), constant(0.0, 1), plain(Mul, &[0, 1], 2)];
    let mut last = 2;
    for (n, name) in (10..).step_by(4).zip(names) {
        equations.push(equation(Control, &[], n, control(&format!("gate_{name}"), 0.0)));
        equations.push(expr("int({0}) : +~_ : %(3) : float", &[n], n + 1));
        equations.push(plain(Add, &[last, n], n + 2));
        last = n + 2;
    }
    let graph = doubled(&graph(&[], &[last], equations));
    let lowered = lower(&graph);
    let source = source_of(&lowered);
    for tier in [Tier::Quick, Tier::Optimised] {
        let compiled = host_compiler().compile(&source, tier, &|| false).expect("compiles");
        let (ty, mut node) = node(&compiled);
        assert_eq!(ty.decl().controls.len(), names.len());
        let mut sum = 0.0;
        for (control, name) in names.iter().enumerate() {
            let value = 0.125 * (control + 1) as f32;
            node.set(control, Change { value, ramp: 0 });
            sum += value;
            let mut heard = vec![vec![0.0; 64]];
            play(&ty, &mut *node, 64, &[], (0, 64), &mut heard);
            assert_eq!(heard[0][63], sum, "{tier:?}, {name}");
        }
    }
}

#[test]
fn a_graph_of_any_shape_is_what_it_says_to_the_bit() {
    // Whole numbers below 2^20 are exact, so that a wrong operand or order cannot hide in rounding.
    let inputs = [steps(3), steps(4)];
    let mut dice = 7_u64;
    let mut roll = |sides: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    let mut equations = vec![constant(1000.0, 2), constant(-1000.0, 3), constant(3.0, 4)];
    let mut ids = vec![0, 1, 4];
    let mut outputs = Vec::new();
    for n in 0..400 {
        let output = 10 + 4 * n;
        let mut pick = || ids[ids.len() - 1 - roll(ids.len().min(12) as u64) as usize];
        let (a, b, c) = (pick(), pick(), pick());
        let e = match roll(12) {
            0 => plain(Add, &[a, b], output),
            1 | 2 => plain(Sub, &[a, b], output),
            3 => plain(Mul, &[a, b], output),
            4 => plain(Mem, &[a], output),
            5 => equation(Delay, &[a, 4], output, Params::Delay),
            6 => plain(Gt, &[a, b], output),
            7 => plain(Select2, &[a, b, c], output),
            8 => plain(Abs, &[a], output),
            9 => looped(
                &[a, b],
                output,
                &[3, 5],
                vec![plain(Sub, &[1, 0], 3), constant(50.0, 4), plain(Fmod, &[2, 4], 5)],
            ),
            10 => looped(
                &[a],
                output,
                &[6],
                vec![
                    constant(0.0, 2),
                    plain(Mul, &[0, 2], 3),
                    looped(&[1, 3], 4, &[3], vec![plain(Sub, &[1, 2], 3)]),
                    plain(Max, &[4, 3], 6),
                ],
            ),
            _ => plain(Min, &[a, b], output),
        };
        equations.push(e);
        // Back to whole numbers of a size that stays exact.
        equations.push(plain(Min, &[output, 2], output + 1));
        equations.push(plain(Max, &[output + 1, 3], output + 2));
        equations.push(plain(Floor, &[output + 2], output + 3));
        ids.push(output + 3);
        if n % 10 == 9 {
            outputs.push(output + 3);
        }
    }
    let names = vec!["some signal"; outputs.len()];
    agrees(&graph(&[0, 1], &outputs, equations), &inputs, &names, 0.0);
}

#[test]
fn a_template_is_one_operand() {
    let equations = vec![
        constant(800.0, 1),
        expr("{1} : fi.lowpass(3, {0})", &[1, 0], 2),
        plain(Sub, &[0, 2], 3),
        expr("{0} + {1}", &[0, 0], 4),
        plain(Mul, &[4, 4], 5),
    ];
    let inputs = [steps(5)];
    let heard = played(&graph(&[0], &[2, 3, 5], equations), &inputs);
    for (frame, x) in inputs[0].iter().enumerate() {
        let (low, rest, square) = (heard[0][frame], heard[1][frame], heard[2][frame]);
        assert!((rest - (x - low)).abs() < 1e-5, "frame {frame}: {rest} is not {x} less {low}");
        assert!((square - 4.0 * x * x).abs() < 1e-4, "frame {frame}");
    }
}

fn correlation(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn two_noises_are_two_noises_and_the_first_is_fausts_own() {
    let names = ["no.noise", "no.noise", "no.pink_noise", "no.pink_noise"];
    let mut equations: Vec<Equation> =
        names.iter().enumerate().map(|(i, name)| expr(name, &[], i as u64)).collect();
    // One more inside a loop.
    equations.push(looped(&[], 4, &[2], vec![expr("no.noise", &[], 1), plain(Add, &[1, 1], 2)]));
    let heard = played(&graph(&[], &[0, 1, 2, 3, 4], equations), &[]);
    assert!(is_sound(&heard));
    for a in 0..heard.len() {
        for b in 0..a {
            for lag in [0, 1, 2, 64] {
                let (x, y) = (&heard[a][..FRAMES - lag], &heard[b][lag..]);
                let r = correlation(x, y).abs();
                // Pink noise has few independent samples.
                let most = if a.min(b) == 2 { 0.5 } else { 0.12 };
                assert!(r < most, "noises {a} and {b}, {lag} frames apart: {r}");
            }
        }
    }
    let alone = played(&graph(&[], &[0], vec![expr("no.noise", &[], 0)]), &[]);
    assert_eq!(bits(&alone)[0], bits(&heard)[0]);
}

#[test]
fn what_saved_sessions_contain_compiles_and_sounds() {
    let control = |name: &str, init: f64, hi: f64, id| {
        let params = Params::Control {
            name: name.into(),
            init,
            lo: 0.0,
            hi,
            step: 0.001,
            unit: String::new(),
            scale: Scale::Linear,
        };
        equation(Control, &[], id, params)
    };
    let equations = vec![
        control("freq", 440.0, 20_000.0, 1),
        control("q", 2.0, 50.0, 2),
        control("gate", 1.0, 1.0, 3),
        control("attack", 0.01, 1.0, 4),
        control("sustain", 0.5, 1.0, 5),
        expr("no.noise", &[], 6),
        expr("{1} : fi.lowpass(2, {0})", &[1, 6], 10),
        expr("{1} : fi.highpass(4, {0})", &[1, 6], 11),
        expr("{2} : fi.resonbp({0},{1},1)", &[1, 2, 6], 12),
        expr("{2} : fi.resonlp({0},{1},1)", &[1, 2, 6], 13),
        expr("no.pink_noise", &[], 14),
        expr("en.adsr({0},{1},{2},{3},{4})", &[4, 4, 5, 4, 3], 15),
        expr("en.ar({0},{1},{2})", &[4, 4, 3], 16),
        expr("{0} : re.mono_freeverb({1},{1},{2},0.5)", &[6, 5, 5], 17),
        plain(Sub, &[6, 10], 18),
    ];
    let heard = played(&graph(&[], &[10, 11, 12, 13, 14, 15, 16, 17, 18], equations), &[]);
    for (channel, sound) in heard.iter().enumerate() {
        assert!(is_sound(std::slice::from_ref(sound)), "output {channel}");
    }
    assert!(heard[5].last().unwrap() > &0.4, "the envelope of an open gate is up: {:?}", heard[5].last());
}

#[test]
fn a_pair_is_both_channels_and_what_does_not_depend_on_it_stays_one() {
    let body = vec![constant(0.5, 2), plain(Mul, &[0, 2], 3), plain(Add, &[3, 1], 4)];
    let dsp = graph(
        &[0],
        &[5],
        vec![
            equation(
                Control,
                &[],
                1,
                Params::Control {
                    name: "gate".into(),
                    init: 0.5,
                    lo: 0.0,
                    hi: 1.0,
                    step: 0.1,
                    unit: String::new(),
                    scale: Scale::Linear,
                },
            ),
            plain(Mul, &[0, 1], 2),
            looped(&[2], 3, &[4], body),
            expr("{0} : mem", &[3], 4),
            plain(Add, &[4, 1], 5),
        ],
    );
    let stereo = dsp.to_stereo();
    assert_eq!(stereo.equations[0].outputs[0].channels, 1, "a control is one");
    assert_eq!((lower(&stereo).inputs, lower(&stereo).outputs), (vec![2], vec![2]));
    let (left, right) = (steps(8), steps(9));
    let heard = played(&stereo, &[left.clone(), right.clone()]);
    let one = |x: Vec<f32>| bits(&played(&dsp, &[x])).remove(0);
    assert_eq!(bits(&heard), [one(left), one(right)]);
}

#[test]
fn a_thousand_equations_lower_to_text_in_proportion_and_compile() {
    let chain = |n: u64| {
        let mut equations = vec![constant(0.5, 1)];
        for k in 2..=n {
            // Each uses the one before twice: written out it would double every time.
            let e = match k % 3 {
                0 => plain(Sin, &[k - 1], k),
                1 => plain(Mul, &[k - 1, k - 1], k),
                _ => plain(Add, &[k - 1, 0], k),
            };
            equations.push(e);
        }
        graph(&[0], &[n], equations)
    };
    let (hundred, thousand) = (lower(&chain(100)).text.len(), lower(&chain(1000)).text.len());
    assert!(thousand < 11 * hundred, "{hundred} bytes for 100, {thousand} for 1000");
    agrees(&chain(1000), &[steps(6)], &["chain"], 1e-4);
}

#[test]
fn equal_keys_are_equal_texts_and_equal_code() {
    let of = |first: u64| {
        let ids = |n: u64| first + 7 * n;
        graph(&[ids(0)], &[ids(2)], vec![constant(-0.0, ids(1)), plain(Add, &[ids(0), ids(1)], ids(2))])
    };
    let (a, b) = (of(0), of(1000));
    assert_eq!(a.graph_key(), b.graph_key());
    assert_eq!(lower(&a), lower(&b));
    let compiler = host_compiler();
    let compiled = |graph| compile(&compiler, &source_of(&lower(graph)), Tier::Quick);
    let (first, second) = (compiled(&a), compiled(&b));
    assert!(!first.cached && second.cached);
    assert!(std::sync::Arc::ptr_eq(&first.object, &second.object));
}

#[test]
fn blocks_of_any_size_are_the_same_samples() {
    let equations = vec![
        constant(10.0, 1),
        equation(Delay, &[0, 1], 2, Params::Delay),
        looped(&[2], 3, &[3, 2], vec![plain(Add, &[0, 1], 2), plain(Sin, &[2], 3)]),
        expr("no.noise", &[], 4),
        plain(Mul, &[3, 4], 5),
    ];
    let dsp = graph(&[0], &[5], equations);
    let inputs = [steps(11)];
    let whole = bits(&played_in(&dsp, &inputs, FRAMES));
    for block in [1, 17, 333] {
        assert!(bits(&played_in(&dsp, &inputs, block)) == whole, "blocks of {block}");
    }
}

#[test]
fn a_control_is_a_control_of_the_node() {
    let control = |name: &str, id| {
        let params = Params::Control {
            name: name.into(),
            init: 100.0,
            lo: 20.0,
            hi: 2000.0,
            step: 1.0,
            unit: String::new(),
            scale: Scale::Linear,
        };
        equation(Control, &[], id, params)
    };
    let dsp = graph(&[], &[0, 1], vec![control("cutoff", 0), control("trig", 1)]);
    let lowered = lower(&dsp);
    let source = source_of(&lowered);
    let (ty, mut node) = node(&compile(&host_compiler(), &source, Tier::Quick));
    let decl = krach_core::node::NodeType::decl(&ty);
    let names: Vec<&str> = decl.controls.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["cutoff", "trig"]);
    assert_eq!((decl.controls[0].min, decl.controls[0].max, decl.controls[0].default), (20.0, 2000.0, 100.0));
    node.set(1, Change { value: 1000.0, ramp: 0 });
    let mut heard = vec![vec![0.0; FRAMES]; 2];
    play(&ty, &mut *node, 512, &[], (0, FRAMES), &mut heard);
    assert_eq!(heard[1][FRAMES - 1], 1000.0, "what opens a note acts at once");
    assert!(heard[0][0] < 1.0 && heard[0][FRAMES - 1] > 80.0, "the rest glides");
}

#[test]
fn a_line_of_the_text_leads_back_to_its_equation_in_loops_too() {
    let body = graph(&[0, 1], &[2], vec![equation(Mul, &[0, 1], 2, Params::No)]);
    let params = Params::Feedback {
        body_graph: Box::new(body),
        feedback_input_index: 0,
        free_var_signals: vec![mono(1)],
    };
    let noise = Params::FaustExpr { template: "no.noise".into() };
    let equations = vec![
        equation(FaustExpr, &[], 0, noise.clone()),
        equation(FaustExpr, &[], 1, noise),
        equation(Feedback, &[1], 2, params),
        equation(Add, &[0, 2], 3, Params::No),
    ];
    let lowered = lower(&graph(&[], &[3], equations));
    let place = |begins: &str| {
        let line = lowered.text.lines().position(|line| line.trim_start().starts_with(begins));
        lowered.place_of(line.expect("there") as u32 + 1).map(str::to_owned)
    };
    assert_eq!(place("import"), None);
    assert_eq!(place("process"), None);
    assert_eq!(place("sig0 ="), Some("$.equations[0]".into()));
    assert_eq!(place("sig1 ="), Some("$.equations[1]".into()));
    assert_eq!(place("sig2 ="), Some("$.equations[2]".into()));
    assert_eq!(place("sig2_2 ="), Some("$.equations[2].params.body_graph.equations[0]".into()));
    assert_eq!(place("sig3 ="), Some("$.equations[3]".into()));
}
