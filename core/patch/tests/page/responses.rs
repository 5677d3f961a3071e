//! What each module is asked in its drawing.

use krach_patch::harness::Harness;
use krach_patch::{MidiEvent, ModuleGraph, Processor, build_patch};

use crate::draw::Trace;

const RATE: f64 = 48_000.0;

fn trace(name: &str, samples: &[f32], low: f32, high: f32, is_input: bool) -> Trace {
    Trace { name: name.to_owned(), samples: samples.to_vec(), low, high, is_input }
}

fn fed(name: &str, samples: &[f32], low: f32, high: f32) -> Trace {
    trace(name, samples, low, high, true)
}

fn given(harness: &Harness, output: &str, low: f32, high: f32) -> Trace {
    trace(output, harness.output(output), low, high, false)
}

fn wave(samples: usize, hz: f64) -> Vec<f32> {
    let at = |i: usize| libm::sin(i as f64 * hz / RATE * std::f64::consts::TAU) as f32;
    (0..samples).map(at).collect()
}

fn ramp(samples: usize, from: f32, to: f32) -> Vec<f32> {
    (0..samples).map(|i| from + (to - from) * i as f32 / samples as f32).collect()
}

fn pulses(samples: usize, every: usize) -> Vec<f32> {
    (0..samples).map(|i| if i % every == every / 2 { 1.0 } else { 0.0 }).collect()
}

fn steps(samples: usize, values: &[f32]) -> Vec<f32> {
    (0..samples).map(|i| values[i * values.len() / samples]).collect()
}

/// Feeds, runs and draws the fed inputs.
fn ask(harness: &mut Harness, samples: usize, inputs: &[(&str, Vec<f32>, f32, f32)]) -> Vec<Trace> {
    for (name, feed, ..) in inputs {
        harness.feed(name, feed);
    }
    harness.run(samples);
    inputs.iter().map(|(name, feed, low, high)| fed(name, feed, *low, *high)).collect()
}

/// Caption and traces.
pub fn of(module: &str) -> (String, Vec<Trace>) {
    let mut h = Harness::new(module);
    let (caption, traces) = match module {
        "SineOscillator" => {
            let mut all = ask(&mut h, 720, &[("voct", steps(720, &[0.0, 1.0]), 0.0, 2.0)]);
            all.push(given(&h, "out", -1.2, 1.2));
            ("440 Hz, and an octave above, in 15 ms", all)
        }
        "SawtoothOscillator" => {
            h = h.with("base_voct", 3);
            h.run(480);
            ("C5 in 10 ms, from its first sample on", vec![given(&h, "out", -1.5, 1.5)])
        }
        "SquareOscillator" => {
            h = h.with("base_voct", 3);
            let mut all = ask(&mut h, 960, &[("pulse_width", ramp(960, -1.0, 1.0), -1.0, 1.0)]);
            all.push(given(&h, "out", -1.5, 1.5));
            ("C5 in 20 ms, through all widths", all)
        }
        "Lfo" => {
            h = h.with("rate", 2);
            let mut sync = vec![0.0; 96_000];
            sync[60_000] = 1.0;
            let mut all = ask(&mut h, 96_000, &[("sync", sync, 0.0, 1.0)]);
            let outputs = ["sine", "triangle", "saw", "square", "random"];
            all.extend(outputs.map(|output| given(&h, output, -1.1, 1.1)));
            ("2 Hz in two seconds, begun anew after 1.25", all)
        }
        "Noise" => {
            h.run(960);
            ("20 ms of both", ["white", "pink"].map(|output| given(&h, output, -1.0, 1.0)).into())
        }
        "Sum" => {
            let inputs = [("in/0", wave(960, 100.0), -1.0, 1.0), ("in/1", wave(960, 450.0), -1.0, 1.0)];
            let mut all = ask(&mut h, 960, &inputs);
            all.push(given(&h, "out", -2.0, 2.0));
            ("100 Hz and 450 Hz", all)
        }
        "Mixer" => {
            h.feed("in/0", &wave(9_600, 500.0));
            let mut sides = [Vec::new(), Vec::new()];
            for pan in [0.0, -1.0, 1.0] {
                h.set("pan/0", pan).run(3_200);
                sides[0].extend_from_slice(h.output("left"));
                sides[1].extend_from_slice(h.output("right"));
            }
            let all = vec![
                fed("in/0", &wave(9_600, 500.0), -1.0, 1.0),
                trace("left", &sides[0], -1.0, 1.0, false),
                trace("right", &sides[1], -1.0, 1.0, false),
            ];
            ("500 Hz in 200 ms: in the middle, to the left, to the right", all)
        }
        "Vca" => {
            let inputs = [("in", wave(960, 500.0), -1.0, 1.0), ("cv", ramp(960, 1.0, 0.0), 0.0, 1.0)];
            let mut all = ask(&mut h, 960, &inputs);
            all.push(given(&h, "out", -1.0, 1.0));
            ("500 Hz, turned down in 20 ms", all)
        }
        "AdsrEnvelope" => {
            h = h.with("attack", 0.05).with("decay", 0.2).with("sustain", 0.5);
            let gate = steps(48_000, &[0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
            let mut all = ask(&mut h, 48_000, &[("gate", gate, 0.0, 1.0)]);
            all.push(given(&h, "out", 0.0, 1.0));
            (
                "attack 0.05 s, decay 0.2 s, sustain 0.5, release 0.3 s, in one second; the second note begins where the level is",
                all,
            )
        }
        "Filter" => ("1 kHz, resonance 0.7: gain from 20 Hz to 20 kHz, in dB", filter()),
        "Delay" => {
            h = h.with("time_ms", 50.0).with("feedback", 0.6);
            let mut burst = wave(480, 400.0);
            burst.resize(19_200, 0.0);
            let mut all = ask(&mut h, 19_200, &[("in", burst, -1.0, 1.0)]);
            all.push(given(&h, "out", -1.0, 1.0));
            ("50 ms, feedback 0.6, in 400 ms", all)
        }
        "Glide" => {
            let mut all = ask(&mut h, 28_800, &[("in", steps(28_800, &[0.0, 1.0, 0.5]), 0.0, 1.2)]);
            all.push(given(&h, "out", 0.0, 1.2));
            ("100 ms, in 600 ms", all)
        }
        "Tuner" => {
            h = h.with("semitone", 7);
            let mut all = ask(&mut h, 480, &[("in", steps(480, &[0.0, 0.25, 0.5, 1.0]), 0.0, 2.0)]);
            all.push(given(&h, "out", 0.0, 2.0));
            ("a fifth up", all)
        }
        "Quantizer" => {
            h = h.with("scale", ["C", "Eb", "F", "G", "Bb"]);
            let mut all = ask(&mut h, 4_800, &[("in", ramp(4_800, 0.0, 2.0), 0.0, 2.0)]);
            all.push(given(&h, "out", 0.0, 2.0));
            all.push(given(&h, "trigger", 0.0, 1.0));
            ("two octaves of C minor pentatonic", all)
        }
        "SampleAndHold" => {
            let inputs = [("in", wave(4_800, 20.0), -1.0, 1.0), ("trigger", pulses(4_800, 400), 0.0, 1.0)];
            let mut all = ask(&mut h, 4_800, &inputs);
            all.push(given(&h, "out", -1.0, 1.0));
            ("20 Hz, taken 120 times a second", all)
        }
        "ClockSequencer" => {
            h.run(144_000);
            let outputs = ["bar", "beat", "quaver", "semiquaver"];
            ("six beats at 120 bpm", outputs.map(|output| given(&h, output, 0.0, 1.0)).into())
        }
        "StepSequencer" => {
            h = h.with("steps", ["C3", "Eb3", "G3", "_", "-", "C4"]);
            let mut all = ask(&mut h, 7_200, &[("clock", pulses(7_200, 900), 0.0, 1.0)]);
            all.push(given(&h, "pitch", 0.0, 2.2));
            all.extend(["trigger", "gate"].map(|output| given(&h, output, 0.0, 1.1)));
            ("[C3, Eb3, G3, _, \"-\", C4]", all)
        }
        "MidiIn" => {
            let events = [
                MidiEvent::NoteOn { note: 48.0, velocity: 0.9 },
                MidiEvent::NoteOn { note: 55.0, velocity: 0.5 },
                MidiEvent::Bend(1.0),
                MidiEvent::NoteOff { note: 55.0 },
                MidiEvent::Mod(0.7),
                MidiEvent::NoteOff { note: 48.0 },
            ];
            let outputs = ["pitch", "gate", "trigger", "velocity", "mod", "bend"];
            let mut all: Vec<Vec<f32>> = vec![vec![0.0; 40]; 6];
            for event in events {
                h.midi(event).run(80);
                for (all, output) in all.iter_mut().zip(outputs) {
                    all.extend_from_slice(h.output(output));
                }
            }
            let all = outputs.iter().zip(&all);
            let high = |name: &str| if name == "pitch" { 2.0 } else { 1.1 };
            let all = all.map(|(name, samples)| trace(name, samples, 0.0, high(name), false)).collect();
            ("C3, G3 over it, bend, G3 up, wheel, C3 up", all)
        }
        "AudioIn" | "AudioOut" => {
            let mut graph = ModuleGraph::new();
            graph.add("in", "AudioIn").unwrap();
            graph.add("out", "AudioOut").unwrap();
            graph.connect("in", "left", "out", "left", 1.0).unwrap();
            let (plan, _) = build_patch(&graph, RATE, None, 1).unwrap();
            let mut processor = Processor::new();
            assert!(processor.adopt(plan).is_ok());
            let input = wave(24, 4_000.0);
            let (mut left, mut right) = (vec![0.0; 24], vec![0.0; 24]);
            processor.render(None, [&input, &input], [&mut left, &mut right]);
            let all =
                vec![fed("into the patch", &input, -1.0, 1.0), trace("out of it", &left, -1.0, 1.0, false)];
            ("4 kHz in and out by one cable: one sample later", all)
        }
        other => panic!("{other} has no drawing"),
    };
    (caption.to_owned(), traces)
}

/// Gain of the four outputs over frequency, from the answer to an impulse.
fn filter() -> Vec<Trace> {
    let mut filter = Harness::new("Filter").with("resonance", 0.7);
    filter.feed("in", &[1.0]).run(8_192);
    let gain = |output: &str| -> Vec<f32> {
        let answer = filter.output(output);
        (0..240)
            .map(|column| {
                let hz = 20.0 * libm::pow(1_000.0, f64::from(column) / 240.0);
                let angle = hz / RATE * std::f64::consts::TAU;
                let (mut re, mut im) = (0.0, 0.0);
                for (at, &sample) in answer.iter().enumerate() {
                    re += f64::from(sample) * libm::cos(angle * at as f64);
                    im += f64::from(sample) * libm::sin(angle * at as f64);
                }
                (20.0 * libm::log10(libm::sqrt(re * re + im * im).max(1e-6))) as f32
            })
            .collect()
    };
    ["low", "high", "band", "notch"].map(|output| trace(output, &gain(output), -48.0, 12.0, false)).into()
}
