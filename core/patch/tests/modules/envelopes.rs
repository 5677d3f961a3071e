//! Envelope, glide, and what holds or moves a value.

use krach_patch::harness::Harness;

const RATE: f64 = 48_000.0;

fn near(found: f32, expected: f64, what: &str) {
    assert!((f64::from(found) - expected).abs() < 1e-5, "{what}: {found}, not {expected}");
}

fn envelope() -> Harness {
    Harness::new("AdsrEnvelope")
        .with("attack", 0.01)
        .with("decay", 0.1)
        .with("sustain", 0.5)
        .with("release", 0.2)
}

#[test]
fn attack_is_a_line_decay_and_release_are_exponentials() {
    let mut adsr = envelope();
    adsr.hold("gate", 1.0);
    let held = adsr.run(9_600).output("out").to_vec();
    for at in [0, 100, 478] {
        near(held[at], (at + 1) as f64 / 480.0, "attack");
    }
    assert_eq!(held[479], 1.0);
    for at in [480, 1_000, 5_279] {
        near(held[at], 0.5 + 0.5 * 0.001_f64.powf((at - 479) as f64 / 4_800.0), "decay");
    }
    adsr.hold("gate", 0.49);
    let released = adsr.run(30_000).output("out").to_vec();
    for at in [0, 1_000, 9_599] {
        near(released[at], f64::from(held[9_599]) * 0.001_f64.powf((at + 1) as f64 / 9_600.0), "release");
    }
    assert_eq!(released[29_999], 0.0);
}

#[test]
fn it_begins_again_from_where_it_is() {
    let mut adsr = envelope();
    adsr.hold("gate", 1.0);
    adsr.run(240);
    adsr.hold("gate", 0.0);
    let before = adsr.run(100).output("out")[99];
    adsr.hold("gate", 1.0);
    near(adsr.run(1).output("out")[0], f64::from(before) + 1.0 / 480.0, "again");
    adsr.run(3_000);
    let before = adsr.run(1).output("out")[0];
    adsr.feed("trigger", &[1.0]);
    near(adsr.run(1).output("out")[0], f64::from(before) + 1.0 / 480.0, "by a trigger while held");
}

#[test]
fn a_gate_below_a_half_releases_from_the_attack_too() {
    let mut adsr = envelope();
    adsr.hold("gate", 1.0);
    let risen = adsr.run(100).output("out")[99];
    adsr.hold("gate", 0.0);
    assert!(adsr.run(1).output("out")[0] < risen);
}

#[test]
fn with_a_trigger_alone_the_release_follows_the_attack() {
    let mut adsr = envelope();
    adsr.feed("trigger", &[0.0, 1.0]);
    let out = adsr.run(40_000).output("out").to_vec();
    assert_eq!(out[0], 0.0);
    assert_eq!(out[480], 1.0);
    near(out[480 + 4_800], 0.001_f64.powf(0.5), "release");
    assert_eq!(out[39_999], 0.0);
}

#[test]
fn a_glide_has_done_99_percent_in_its_time() {
    for ms in [0.0, 10.0, 250.0] {
        let mut glide = Harness::new("Glide").with("glide_ms", ms);
        glide.hold("in", 2.0);
        let samples = (f64::from(ms) * RATE / 1_000.0) as usize;
        let out = glide.run(samples + 1).output("out").to_vec();
        if samples == 0 {
            assert_eq!(out[0], 2.0);
        } else {
            near(out[samples - 1], 2.0 * 0.99, "at its time");
            near(out[samples / 2 - 1], 2.0 * (1.0 - 0.01_f64.sqrt()), "at half its time");
        }
    }
}

#[test]
fn sample_and_hold_takes_at_edges_alone() {
    let mut held = Harness::new("SampleAndHold");
    held.feed("in", &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]).feed("trigger", &[0.0, 1.0, 1.0, 0.0, 0.5, 0.0]);
    assert_eq!(held.run(6).output("out"), [0.0, 0.2, 0.2, 0.2, 0.5, 0.5]);
}

#[test]
fn an_lfo_has_the_waves_of_its_rate() {
    let mut lfo = Harness::new("Lfo").with("rate", 12.0);
    lfo.run(48_000);
    for at in (0..48_000_usize).step_by(37) {
        let turns = (at as f64 * 12.0 / RATE).fract();
        // Around its jumps a rounded phase may be on the other side.
        if (turns - 0.5).abs() < 1e-6 || !(1e-6..=1.0 - 1e-6).contains(&turns) {
            continue;
        }
        let triangle = if turns < 0.25 {
            4.0 * turns
        } else if turns < 0.75 {
            2.0 - 4.0 * turns
        } else {
            4.0 * turns - 4.0
        };
        near(lfo.output("sine")[at], (turns * std::f64::consts::TAU).sin(), "sine");
        near(lfo.output("triangle")[at], triangle, "triangle");
        near(lfo.output("saw")[at], 2.0 * turns - 1.0, "saw");
        near(lfo.output("square")[at], if turns < 0.5 { 1.0 } else { -1.0 }, "square");
    }
    let random = lfo.output("random");
    let changes = random.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert_eq!(changes, 11);
    assert!(random.iter().all(|value| (-1.0..=1.0).contains(value)));
}

#[test]
fn an_lfo_begins_anew_at_a_sync_and_may_be_unipolar() {
    let mut lfo = Harness::new("Lfo").with("polarity", "unipolar");
    lfo.hold("rate", 1.0);
    lfo.run(5_000);
    lfo.feed("sync", &[1.0]);
    lfo.run(12_001);
    // One octave above 1 Hz: half a cycle in 12000 samples.
    assert_eq!(lfo.output("saw")[0], 0.0);
    near(lfo.output("saw")[12_000], 0.5, "saw");
    assert!(lfo.output("sine").iter().all(|value| (0.0..=1.0).contains(value)));
}
