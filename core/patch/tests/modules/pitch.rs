//! Notes: sequencer, quantizer, tuner, and what is played.

use krach_patch::MidiEvent;
use krach_patch::harness::Harness;

/// Where an output is high.
fn high(samples: &[f32]) -> Vec<usize> {
    samples.iter().enumerate().filter(|(_, sample)| **sample >= 0.5).map(|(at, _)| at).collect()
}

/// A clock with an edge every ten samples, from sample 5 on.
fn clock(samples: usize) -> Vec<f32> {
    (0..samples).map(|at| if at % 10 == 5 { 1.0 } else { 0.0 }).collect()
}

fn sequencer() -> Harness {
    Harness::new("StepSequencer").with("steps", ["C3", "Eb3", "_", "-", "A1"])
}

#[test]
fn the_first_clock_plays_step_0_rests_and_ties_hold_the_pitch() {
    let mut steps = sequencer();
    steps.feed("clock", &clock(70)).run(70);
    assert_eq!(high(steps.output("trigger")), [5, 15, 45, 55, 65]);
    let gate = high(steps.output("gate"));
    assert_eq!(gate, (5..35).chain(45..70).collect::<Vec<_>>());
    let pitch = steps.output("pitch");
    let at = |sample: usize| pitch[sample] * 12.0;
    assert_eq!([0, 5, 15, 25, 35, 45, 55].map(at), [0.0, 12.0, 15.0, 15.0, 15.0, -3.0, 12.0]);
}

#[test]
fn stop_start_and_reset_act_before_the_clock_of_their_sample() {
    let mut steps = sequencer();
    let edge = |at: usize| (0..=at).map(|sample| f32::from(u8::from(sample == at))).collect::<Vec<_>>();
    steps
        .feed("clock", &clock(60))
        .feed("stop", &edge(12))
        .feed("start", &edge(35))
        .feed("reset", &edge(45))
        .run(60);
    // Step 0 at 5; stopped from 12 on; at 35 the step after it; at 45 step 0 again.
    assert_eq!(high(steps.output("trigger")), [5, 35, 45, 55]);
    assert_eq!(high(steps.output("gate")), (5..12).chain(35..60).collect::<Vec<_>>());
    let pitch = steps.output("pitch");
    assert_eq!([pitch[35], pitch[45], pitch[55]].map(|volts| volts * 12.0), [15.0, 12.0, 15.0]);
}

#[test]
fn a_shorter_list_goes_on_where_it_is_modulo_its_length() {
    let mut steps = sequencer();
    steps.feed("clock", &clock(200)).run(50);
    // Five steps were played; of three the next is step 2.
    steps.set("steps", ["C2", "D2", "E2"]).run(10);
    assert_eq!(steps.output("pitch")[9] * 12.0, 4.0);
    steps.set("steps", []).run(20);
    assert_eq!(high(steps.output("trigger")), [0; 0]);
}

#[test]
fn the_quantizer_finds_the_nearest_note_of_its_scale() {
    let scale = ["C", "Eb", "G"];
    let mut quantizer = Harness::new("Quantizer").with("scale", scale);
    let inputs: Vec<f32> = (-300..300).map(|step| step as f32 / 100.0).collect();
    quantizer.feed("in", &inputs).run(inputs.len());
    let out = quantizer.output("out");
    for (input, out) in inputs.iter().zip(out) {
        let semitones = out * 12.0;
        assert!([0, 3, 7].contains(&(semitones.round() as i32).rem_euclid(12)), "{out}");
        let best = (-60..60)
            .filter(|note: &i32| [0, 3, 7].contains(&note.rem_euclid(12)))
            .map(|note| (note as f32 - input * 12.0).abs())
            .fold(f32::INFINITY, f32::min);
        assert!(((semitones - input * 12.0).abs() - best).abs() < 1e-4, "{input}");
    }
    let changes = 1 + out.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert_eq!(high(quantizer.output("trigger")).len(), changes);
    // Halfway the lower one, and without a scale all twelve.
    let mut chromatic = Harness::new("Quantizer");
    chromatic.feed("in", &[0.5 / 12.0, 0.51 / 12.0]);
    assert_eq!(chromatic.run(2).output("out"), [0.0, 1.0 / 12.0]);
}

#[test]
fn a_tuner_adds_octaves_semitones_and_cents() {
    let mut tuner = Harness::new("Tuner").with("octave", -1).with("semitone", 7).with("cent", 50.0);
    tuner.hold("in", 2.0);
    assert!((tuner.run(1).output("out")[0] - (1.0 + 7.5 / 12.0)).abs() < 1e-6);
}

#[test]
fn the_key_pressed_last_sounds_and_those_still_held_come_back_without_a_trigger() {
    let mut keys = Harness::new("MidiIn");
    let state = |keys: &mut Harness| {
        keys.run(2);
        let at = |output: &str| keys.output(output)[0];
        (at("pitch") * 12.0, at("gate"), at("trigger"), keys.output("trigger")[1])
    };
    assert_eq!(state(&mut keys), (0.0, 0.0, 0.0, 0.0));
    keys.midi(MidiEvent::NoteOn { note: 60.0, velocity: 0.25 });
    assert_eq!(state(&mut keys), (24.0, 1.0, 1.0, 0.0));
    assert_eq!(keys.output("velocity")[0], 0.25);
    keys.midi(MidiEvent::NoteOn { note: 67.0, velocity: 1.0 });
    assert_eq!(state(&mut keys), (31.0, 1.0, 1.0, 0.0));
    keys.midi(MidiEvent::NoteOff { note: 67.0 });
    assert_eq!(state(&mut keys), (24.0, 1.0, 0.0, 0.0));
    keys.midi(MidiEvent::NoteOff { note: 60.0 });
    assert_eq!(state(&mut keys), (24.0, 0.0, 0.0, 0.0));
    keys.midi(MidiEvent::Bend(-0.5)).midi(MidiEvent::Mod(0.75));
    assert_eq!(state(&mut keys), (23.0, 0.0, 0.0, 0.0));
    assert_eq!((keys.output("bend")[0], keys.output("mod")[0]), (-0.5, 0.75));
}

#[test]
fn of_too_many_keys_the_oldest_is_forgotten() {
    let mut keys = Harness::new("MidiIn");
    for note in 0..40 {
        keys.midi(MidiEvent::NoteOn { note: 36.0 + note as f32, velocity: 1.0 });
    }
    for note in 24..40 {
        keys.midi(MidiEvent::NoteOff { note: 36.0 + note as f32 });
    }
    assert_eq!(keys.run(1).output("gate")[0], 0.0);
}
