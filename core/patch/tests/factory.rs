//! The patches that come with krach: each is rendered, and sounds as it says.

mod support;

use krach_patch::{MidiEvent, ModuleGraph, Planner, Processor, factory, graph_to_yaml, yaml_to_graph};
use support::{Plain, RATE, bits};

fn graph(name: &str) -> ModuleGraph {
    yaml_to_graph(factory::find(name).unwrap()).unwrap_or_else(|wrong| panic!("{name}: {wrong}"))
}

fn start(name: &str) -> Processor {
    let plan = Planner::new(RATE).plan(&graph(name)).unwrap().unwrap();
    let mut processor = Processor::new();
    assert!(processor.adopt(plan).is_ok());
    processor
}

fn run(processor: &mut Processor, seconds: f64) -> [Vec<f32>; 2] {
    support::render(processor, None, &[], &[512], (seconds * RATE) as usize)
}

fn rms(samples: &[f32]) -> f32 {
    (samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32).sqrt()
}

/// The fundamental, by the strongest autocorrelation, between two frequencies.
fn pitch(samples: &[f32], low: f64, high: f64) -> f64 {
    let length = samples.len() / 2;
    let at = |lag: usize| -> f64 {
        (0..length).map(|i| f64::from(samples[i]) * f64::from(samples[i + lag])).sum()
    };
    let (first, last) = ((RATE / high) as usize, (RATE / low) as usize);
    let best = (first..=last).max_by(|a, b| at(*a).total_cmp(&at(*b))).unwrap();
    // A parabola through the best and its neighbours.
    let (a, b, c) = (at(best - 1), at(best), at(best + 1));
    RATE / (best as f64 + 0.5 * (a - c) / (a - 2.0 * b + c))
}

fn cents(hz: f64, of: f64) -> f64 {
    1_200.0 * (hz / of).log2()
}

#[test]
fn every_file_of_the_folder_is_built_in_loads_and_stays_within_bounds() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../dsp/patches");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let known: Vec<String> = factory::PATCHES.iter().map(|(name, _)| format!("{name}.yaml")).collect();
    assert_eq!(files, known);
    for (name, _) in factory::PATCHES {
        let graph = graph(name);
        assert!(yaml_to_graph(&graph_to_yaml(&graph)).unwrap() == graph, "{name}");
        let mut processor = start(name);
        processor.midi(MidiEvent::NoteOn { note: 60.0, velocity: 1.0 });
        let input: Vec<f32> = (0..96_000).map(|at| (at as f32 * 0.03).sin() * 0.5).collect();
        let sides = support::render(&mut processor, None, &input, &[512], 96_000);
        for side in &sides {
            let peak = side.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
            println!("{name}: peak {peak:.2}, rms {:.3}", rms(side));
            assert!((0.1..=1.3).contains(&peak), "{name}: {peak}");
            let mean = side.iter().sum::<f32>() / side.len() as f32;
            assert!(rms(side) > 0.01 && mean.abs() < 0.05, "{name}: {mean}");
        }
    }
}

#[test]
fn the_plain_model_gives_the_same_bits_for_each() {
    for (name, _) in factory::PATCHES {
        let mut processor = start(name);
        let mut plain = Plain::new(&graph(name));
        let event = MidiEvent::NoteOn { note: 57.0, velocity: 0.7 };
        processor.midi(event);
        plain.midi(event);
        let input: Vec<f32> = (0..9_000).map(|at| (at as f32 * 0.05).sin()).collect();
        let planned = support::render(&mut processor, None, &input, &[64, 1, 480], input.len());
        let mut expected = [Vec::new(), Vec::new()];
        for &sample in &input {
            let out = plain.step([sample; 2], None);
            (0..2).for_each(|side| expected[side].push(out[side]));
        }
        assert_eq!(planned.map(|side| bits(&side)), expected.map(|side| bits(&side)), "{name}");
    }
}

#[test]
fn sine_tone_is_440_hz() {
    let [left, right] = run(&mut start("sine_tone"), 0.2);
    assert!(cents(pitch(&left, 300.0, 600.0), 440.0).abs() < 1.0);
    assert_eq!(left, right);
}

#[test]
fn demo_synth_plays_its_sixteen_steps_at_120_bpm() {
    let [left, _] = run(&mut start("demo_synth"), 2.1);
    // A sixteenth is 6000 samples; the glide is over by its second half.
    for (step, hz) in
        [(0, 130.81), (1, 155.56), (2, 174.61), (3, 196.0), (5, 233.08), (7, 261.63), (14, 116.54)]
    {
        let part = &left[step * 6_000 + 3_000..step * 6_000 + 5_900];
        let found = pitch(part, hz * 0.8, hz * 1.25);
        assert!(cents(found, hz).abs() < 12.0, "step {step}: {found}, not {hz}");
    }
    // A rest dies away.
    assert!(
        rms(&left[4 * 6_000 + 4_000..4 * 6_000 + 5_900])
            < 0.5 * rms(&left[3 * 6_000 + 3_000..3 * 6_000 + 5_900])
    );
}

#[test]
fn chord_swap_is_c_and_e_and_becomes_c_and_f_while_c_goes_on() {
    let mut planner = Planner::new(RATE);
    let mut processor = Processor::new();
    let mut chord = graph("chord_swap");
    let mut load = |graph: &ModuleGraph, processor: &mut Processor| {
        let plan = planner.plan(graph).unwrap().unwrap();
        let serial = plan.serial();
        assert!(processor.adopt(plan).is_ok());
        planner.adopted(serial);
    };
    load(&chord, &mut processor);
    let [first, _] = run(&mut processor, 1.0);
    chord.set("e", "frequency", 349.228_24).unwrap();
    load(&chord, &mut processor);
    let [second, _] = run(&mut processor, 1.0);
    // What is left after C4 is taken away, as it has sounded from the beginning, has no C4.
    let all: Vec<f32> = first.into_iter().chain(second).collect();
    for (from, to, others) in [(2, 48_000, 329.627_56), (48_000, 96_000, 349.228_24)] {
        let mut amplitude = [0.0; 2];
        for (amplitude, hz) in amplitude.iter_mut().zip([261.625_58_f64, others]) {
            let (mut re, mut im) = (0.0, 0.0);
            for (at, sample) in all.iter().enumerate().take(to).skip(from) {
                // The first sample sounds after two cables.
                let angle = (at as f64 - 2.0) * hz / RATE * std::f64::consts::TAU;
                re += f64::from(*sample) * angle.sin();
                im += f64::from(*sample) * angle.cos();
            }
            *amplitude = 2.0 * re / (to - from) as f64;
            if hz < 300.0 {
                assert!(
                    (*amplitude - 0.3).abs() < 2e-3 && (2.0 * im / (to - from) as f64).abs() < 2e-3,
                    "C4"
                );
            }
        }
    }
}

#[test]
fn the_keys_of_bell_strings_and_pluck_are_in_tune() {
    let mut wrong = Vec::new();
    for (name, from, length, tolerance) in
        [("bell", 20_000, 16_000, 3.0), ("strings", 30_000, 40_000, 12.0), ("pluck", 4_000, 8_000, 8.0)]
    {
        for note in [48, 60, 67] {
            let mut processor = start(name);
            run(&mut processor, 0.1);
            processor.midi(MidiEvent::NoteOn { note: note as f32, velocity: 1.0 });
            let [left, _] = run(&mut processor, 2.0);
            let hz = 440.0 * f64::from(note - 69).exp2().powf(1.0 / 12.0);
            let found = pitch(&left[from..from + length], hz * 0.8, hz * 1.25);
            println!("{name}, {note}: {:.1} cents", cents(found, hz));
            if cents(found, hz).abs() >= tolerance {
                wrong.push((name, note));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn pluck_and_bell_die_away_and_strings_end_with_their_key() {
    for name in ["bell", "strings", "pluck"] {
        let mut processor = start(name);
        processor.midi(MidiEvent::NoteOn { note: 60.0, velocity: 1.0 });
        let [sounds, _] = run(&mut processor, 1.0);
        processor.midi(MidiEvent::NoteOff { note: 60.0 });
        let [left, _] = run(&mut processor, 12.0);
        assert!(rms(&sounds) > 0.02, "{name}: {}", rms(&sounds));
        assert!(rms(&left[11 * 48_000..]) < 1e-4, "{name}: {}", rms(&left[11 * 48_000..]));
    }
}

#[test]
fn drums_hit_where_their_steps_are() {
    let [left, right] = run(&mut start("drums"), 60.0 / 124.0 * 4.0);
    let both: Vec<f32> = left.iter().zip(&right).map(|(left, right)| left + right).collect();
    let step = 60.0 / 124.0 / 4.0 * RATE;
    let loud = |at: usize| rms(&both[(at as f64 * step) as usize + 40..(at as f64 * step) as usize + 1_500]);
    // Kick on each beat; between them hats, and nothing on the sixteenth before the second beat.
    assert!([0, 4, 8, 12].iter().all(|at| loud(*at) > 0.2));
    assert!(loud(3) < 0.05 * loud(0), "{} {}", loud(3), loud(0));
    assert!(loud(1) > 3.0 * loud(3) || loud(1) > 0.02);
}

#[test]
fn wander_plays_only_notes_of_its_scale() {
    let mut processor = start("wander");
    let [left, _] = run(&mut processor, 6.0);
    let quaver = 60.0 / 96.0 / 2.0 * RATE;
    let mut notes = Vec::new();
    for at in 0..18 {
        let begin = (f64::from(at) * quaver) as usize + 1_500;
        let part = &left[begin..begin + 6_000];
        if rms(part) > 0.02 {
            let hz = pitch(part, 60.0, 1_100.0);
            let semitones = 12.0 * (hz / 65.406_194).log2();
            notes.push((semitones.round() as i32).rem_euclid(12));
        }
    }
    // Echoes of other notes sound along; most are clear.
    let fits = notes.iter().filter(|class| [0, 2, 4, 7, 9].contains(*class)).count();
    assert!(notes.len() >= 12 && fits * 10 >= notes.len() * 8, "{notes:?}");
}

#[test]
fn rotor_echoes_from_side_to_side() {
    let mut processor = start("rotor");
    let burst: Vec<f32> = (0..480).map(|at| (at as f32 * 0.05).sin()).collect();
    let [left, right] = support::render(&mut processor, None, &burst, &[512], 40_000);
    let echo = |side: &[f32], number: usize| rms(&side[number * 9_000..number * 9_000 + 700]);
    assert!(echo(&left, 1) > 5.0 * echo(&right, 1) && echo(&right, 2) > 5.0 * echo(&left, 2));
    assert!(echo(&left, 3) > 5.0 * echo(&right, 3));
}
