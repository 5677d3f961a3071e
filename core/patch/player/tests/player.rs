//! The programs as they are started: files written, errors told, a save while it plays.

#[allow(dead_code)] // Their `main` is for the examples.
#[path = "../examples/chord_swap.rs"]
mod chord_swap;
#[allow(dead_code)]
#[path = "../examples/demo_synth.rs"]
mod demo_synth;
#[allow(dead_code)]
#[path = "../examples/sine_tone.rs"]
mod sine_tone;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use patches_player::Options;

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn player(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_patch_player")).args(args).current_dir(folder).output().unwrap()
}

fn samples(path: &Path) -> Vec<f32> {
    hound::WavReader::open(path).unwrap().samples::<f32>().map(Result::unwrap).collect()
}

#[test]
fn the_demo_plays_by_its_name_where_there_is_no_such_file() {
    let folder = folder("by_name");
    let done = player(&folder, &["demo_synth.yaml", "-o", "out.wav", "-s", "1.5"]);
    assert!(done.status.success(), "{done:?}");
    let samples = samples(&folder.join("out.wav"));
    assert_eq!(samples.len(), 2 * 72_000);
    assert!(samples.iter().any(|sample| sample.abs() > 0.2));
}

#[test]
fn keys_are_played_one_each_half_second() {
    let folder = folder("keys");
    assert!(player(&folder, &["bell", "-k", "C4,C5", "-o", "out.wav", "-s", "1"]).status.success());
    let left: Vec<f32> = samples(&folder.join("out.wav")).into_iter().step_by(2).collect();
    let crossings = |from: usize| {
        left[from..from + 9_600].windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count()
    };
    // After a quarter of a second the modulation is weak: 261.6 and 523.3 Hz in 0.2 s.
    assert!((50..=60).contains(&crossings(13_000)), "{}", crossings(13_000));
    assert!((100..=115).contains(&crossings(37_000)), "{}", crossings(37_000));
}

#[test]
fn a_file_plays_and_a_bad_one_is_told_with_every_error_and_writes_nothing() {
    let folder = folder("file");
    let good = "nodes:\n  osc: {module: SineOscillator}\n  out: {module: AudioOut}\ncables:\n  - {from: osc, output: out, to: out, input: left}\n";
    std::fs::write(folder.join("a.yaml"), good).unwrap();
    assert!(player(&folder, &["a.yaml", "-o", "a.wav", "-s", "0.1"]).status.success());
    let left: Vec<f32> = samples(&folder.join("a.wav")).into_iter().step_by(2).collect();
    let mut osc = krach_patch::harness::Harness::new("SineOscillator");
    assert_eq!(left[1..4_800], osc.run(4_799).output("out")[..]);
    std::fs::write(folder.join("b.yaml"), good.replace("SineOsc", "SinOsc").replace("left", "lefd")).unwrap();
    let done = player(&folder, &["b.yaml", "-o", "b.wav"]);
    let told = String::from_utf8(done.stderr).unwrap();
    assert!(!done.status.success() && !folder.join("b.wav").exists());
    assert!(
        told.contains("b.yaml: line 2, column 17: ") && told.contains("did you mean `SineOscillator`?"),
        "{told}"
    );
    assert!(told.contains("b.yaml: line 5, column 46: ") && told.contains("did you mean `left`?"), "{told}");
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    let folder = folder("nothing");
    let done = player(&folder, &["nothing.yaml", "-o", "x.wav"]);
    let told = String::from_utf8(done.stderr).unwrap();
    assert!(told.contains("there is no file nothing.yaml") && told.contains("demo_synth"), "{told}");
    assert!(String::from_utf8(player(&folder, &[]).stderr).unwrap().contains("one file is to be played"));
}

/// A save while it plays: a good one is taken up, a bad one is told and changes nothing.
#[test]
fn what_is_saved_is_followed() {
    use krach_patch::PatchEngine;
    let folder = folder("followed");
    let path = folder.join("p.yaml");
    let text = |hz: f32| {
        format!(
            "nodes:\n  osc: {{module: SineOscillator, params: {{frequency: {hz:?}}}}}\n  out: {{module: AudioOut}}\n\
             cables:\n  - {{from: osc, output: out, to: out, input: left}}\n"
        )
    };
    std::fs::write(&path, text(1_000.0)).unwrap();
    let mut followed = patches_player::follow::Followed::find(&path).unwrap();
    let (mut engine, mut player) = PatchEngine::new(48_000.0);
    let (mut left, mut right) = ([0.0; 480], [0.0; 480]);
    let mut seconds = 0.0;
    // Until something is loaded, by the clock of the samples; what is watched takes its time.
    let mut crossings = |followed: &mut patches_player::follow::Followed, until_loaded: bool| {
        let mut loaded = !until_loaded;
        let begin = std::time::Instant::now();
        let mut after = 0;
        let mut all = Vec::new();
        while after < 20 {
            loaded |= followed.follow(seconds, &mut engine);
            player.render(None, [&[], &[]], [&mut left, &mut right]);
            engine.poll();
            seconds += 0.01;
            if loaded {
                after += 1;
                all.extend_from_slice(&left);
            } else {
                std::thread::sleep(std::time::Duration::from_millis(2));
                assert!(begin.elapsed().as_secs() < 60, "the save is not noticed");
            }
        }
        // Without the first two blocks, in which it becomes the other.
        all[960..].windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count()
    };
    assert_eq!(crossings(&mut followed, true), 180);
    std::fs::write(&path, text(2_000.0)).unwrap();
    assert_eq!(crossings(&mut followed, true), 360);
    std::fs::write(&path, "nodes: [").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(crossings(&mut followed, false), 360);
    std::fs::write(folder.join("new"), text(500.0)).unwrap();
    // As editors do: another file takes the name.
    std::fs::rename(folder.join("new"), &path).unwrap();
    assert_eq!(crossings(&mut followed, true), 90);
}

#[test]
fn two_saves_on_the_heels_of_each_other_are_one_load_of_the_second() {
    let folder = folder("quiet");
    let path = folder.join("p.yaml");
    let text = |hz: f32| {
        format!(
            "nodes:\n  osc: {{module: SineOscillator, params: {{frequency: {hz:?}}}}}\n  out: {{module: AudioOut}}\n"
        )
    };
    std::fs::write(&path, text(100.0)).unwrap();
    let mut followed = patches_player::follow::Followed::find(&path).unwrap();
    let (mut engine, mut player) = krach_patch::PatchEngine::new(48_000.0);
    assert!(followed.follow(0.0, &mut engine));
    std::fs::write(&path, text(200.0)).unwrap();
    std::fs::write(&path, text(300.0)).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(500));
    // It has changed just now, by this clock: another change may follow.
    let mut seconds = 1.0;
    assert!(!followed.follow(seconds, &mut engine));
    let (begin, mut loads) = (std::time::Instant::now(), 0);
    while loads == 0 {
        seconds += 0.06;
        loads += usize::from(followed.follow(seconds, &mut engine));
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert!(begin.elapsed().as_secs() < 60, "the save is not noticed");
    }
    for _ in 0..20 {
        seconds += 0.06;
        loads += usize::from(followed.follow(seconds, &mut engine));
    }
    assert_eq!(loads, 1);
    player.render(None, [&[], &[]], [&mut [0.0; 64], &mut [0.0; 64]]);
    engine.poll();
    let controls = engine.planner().playing().unwrap().controls();
    assert_eq!((controls[0].address.as_str(), controls[0].value), ("osc/frequency", 300.0));
}

/// The left side of what an example writes.
fn left_of(name: &str, run: impl Fn(&Options) -> Result<(), String>) -> Vec<f32> {
    let output = folder(name).join("out.wav");
    run(&Options { output: Some(output.clone()), ..Options::default() }).unwrap();
    samples(&output).into_iter().step_by(2).collect()
}

#[test]
fn the_sine_of_the_example_is_two_seconds_of_440_hz() {
    let left = left_of("sine_tone", sine_tone::run);
    let mut osc = krach_patch::harness::Harness::new("SineOscillator");
    let expected: Vec<f32> = osc.run(95_999).output("out").iter().map(|sample| sample * 0.5).collect();
    assert_eq!(left[1..], expected);
}

#[test]
fn in_the_chord_of_the_example_c_keeps_its_phase_while_e_becomes_f() {
    let left = left_of("chord_swap", chord_swap::run);
    assert_eq!(left.len(), 96_000);
    // Amplitude and phase of a tone in a part, the phase counted from the first sample that sounds.
    let tone = |hz: f64, from: usize, to: usize| {
        let (mut re, mut im) = (0.0, 0.0);
        for (at, sample) in left.iter().enumerate().take(to).skip(from) {
            let angle = (at as f64 - 2.0) * hz / 48_000.0 * std::f64::consts::TAU;
            re += f64::from(*sample) * angle.sin();
            im += f64::from(*sample) * angle.cos();
        }
        let amplitude = 2.0 * f64::hypot(re, im) / (to - from) as f64;
        (amplitude, im.atan2(re))
    };
    for (from, to) in [(0, 48_000), (48_000, 96_000)] {
        let (amplitude, phase) = tone(261.625_58, from, to);
        assert!((amplitude - 0.3).abs() < 5e-3 && phase.abs() < 0.02, "C4: {amplitude}, {phase}");
    }
    assert!(tone(329.627_56, 0, 48_000).0 > 0.28 && tone(349.228_24, 0, 48_000).0 < 0.02);
    assert!(tone(329.627_56, 48_500, 96_000).0 < 0.02 && tone(349.228_24, 48_500, 96_000).0 > 0.28);
}

#[test]
fn the_demo_of_the_example_is_the_one_of_the_file() {
    let folder = folder("demo");
    assert!(player(&folder, &["demo_synth", "-o", "file.wav", "-s", "8"]).status.success());
    let file: Vec<f32> = samples(&folder.join("file.wav")).into_iter().step_by(2).collect();
    assert_eq!(left_of("demo_synth", demo_synth::run), file);
}
