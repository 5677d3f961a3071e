//! The program with the plugin: a performance into a file, and an instance that clients attach to.
#![cfg(unix)]

mod krach_support;
#[path = "krach_cli/sessions.rs"]
mod sessions;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use krach_host::{Client, Length, Performance, RenderOptions, Step, render_performance, wav};
use krach_support::session::gate_session;
use krach_support::{assert_same_sound, home, plugin};
use serde_json::json;

/// Longest that anything may take before it counts as hung.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

fn host() -> Command {
    home::enter();
    let mut command = Command::new(env!("CARGO_BIN_EXE_krach-host"));
    command.env_remove("NOISE_SOCKET");
    command
}

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dsp/demo/performance.jsonl")
}

/// The number that comes before this word.
fn number_before(text: &str, word: &str) -> f64 {
    let before = text.split(word).next().unwrap_or_default();
    let digits = before.trim().rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    digits.parse().unwrap_or_else(|_| panic!("no number before \"{word}\" in: {text}"))
}

#[test]
fn render_writes_a_file_for_each_stem_that_sounds_and_they_add_up_to_the_mix() {
    let folder = home::enter().path().join("stems");
    std::fs::create_dir_all(&folder).unwrap();
    let render = |name: &str, stems: [u32; 2]| {
        let call = |method: &str, params: serde_json::Value| {
            format!("{}\n", json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
        };
        let node = |name: &str, stem, freq| {
            call(
                "node",
                json!({"name": name, "source": "oscillator", "gain": 0.25, "stem": stem, "init": {"freq": freq}}),
            )
        };
        let song = folder.join(format!("{name}.jsonl"));
        std::fs::write(&song, node("a", stems[0], 110.0) + &node("b", stems[1], 277.0)).unwrap();
        let files = folder.join(name);
        let ran = host()
            .args(["render", "--quiet", "--bars", "2", "--plugin"])
            .arg(plugin())
            .arg("--stems")
            .arg(&files)
            .arg(&song)
            .output()
            .unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        files
    };
    let (mix, apart) = (render("mix", [0, 0]), render("apart", [2, 8]));
    let names = |folder: &std::path::Path| {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&mix), ["main.wav"]);
    assert_eq!(names(&apart), ["main.wav", "stem-2.wav", "stem-8.wav"]);
    let [whole, main, two, eight] =
        [mix.join("main.wav"), apart.join("main.wav"), apart.join("stem-2.wav"), apart.join("stem-8.wav")]
            .map(|path| wav::read(&path).unwrap().1);
    assert!(main.iter().flatten().all(|x| *x == 0.0) && main[0].len() == 192_000);
    for (side, whole) in whole.iter().enumerate() {
        assert!(whole.iter().any(|x| x.abs() > 0.1) && two[side].len() == whole.len());
        for (frame, x) in whole.iter().enumerate() {
            let sum = two[side][frame] + eight[side][frame];
            assert!((x - sum).abs() < 1e-6, "frame {frame}: {x} is not {sum}");
        }
    }
}

#[test]
fn render_writes_the_wav_that_it_says() {
    let output = home::enter().path().join("demo.wav");
    let ran = host()
        .args(["render", "--quiet", "--bars", "3", "--block", "333", "--rate", "44100", "--plugin"])
        .arg(plugin())
        .arg("--out")
        .arg(&output)
        .arg(demo())
        .env("NOISE_DSP_DIR", output.with_extension("dsp"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ran.stdout).into_owned();
    // The demo's one mistake is a refused request, which is status 2.
    assert_eq!(ran.status.code(), Some(2), "{told}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(told.contains("(1 refused)"), "{told}");
    let (rate, channels) = wav::read(&output).unwrap();
    assert_eq!(rate, 44_100.0);
    assert_eq!(channels.len(), 2);
    assert_eq!(channels[0].len() as f64, number_before(&told, " frames"));
    assert_eq!(channels[0].len(), 3 * 2 * 44_100, "three bars at 120 bpm are six seconds");
    let peak = channels.iter().flatten().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    assert!(peak > 0.1, "{peak}");
    assert!(told.contains(&format!("peak {peak:.4}")), "{told}");
    // What is saved comes later than the third bar.
    let mut performance = Performance::load(&demo()).unwrap();
    performance.steps.retain(|step| !matches!(step, Step::Save { .. }));
    let rendered = render_performance(&RenderOptions {
        plugin: Some(plugin()),
        performance,
        length: Length::Bars(3.0),
        sample_rate: 44_100.0,
        ..RenderOptions::default()
    })
    .unwrap();
    assert_same_sound(&channels, &rendered.channels, "the file and the render");
}

#[test]
fn render_writes_replies_for_their_reader_to_judge() {
    let replies = home::enter().path().join("replies.jsonl");
    let ran = host()
        .args(["render", "--quiet", "--bars", "1", "--plugin"])
        .arg(plugin())
        .arg("--replies")
        .arg(&replies)
        .arg(demo())
        .env("NOISE_DSP_DIR", replies.with_extension("dsp"))
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
    let told = String::from_utf8_lossy(&ran.stdout).into_owned();
    let lines = std::fs::read_to_string(replies).unwrap();
    assert_eq!(lines.lines().count() as f64, number_before(&told, " requests"), "{told}");
    let errors = lines.lines().filter(|line| line.contains("\"Error\"")).count();
    assert_eq!(errors, 1, "{lines}");
}

#[test]
fn serve_prints_a_socket_at_which_a_client_plays() {
    serves(&plugin());
    serves(&plugin().with_extension("vst3"));
}

#[test]
fn the_window_of_a_vst3_is_refused_with_what_has_one() {
    let _home = home::enter();
    let vst3 = plugin().with_extension("vst3");
    let ran = host().args(["serve", "--seconds", "1", "--window", "--plugin"]).arg(vst3).output().unwrap();
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(1), "{told}");
    assert!(told.contains("krach.clap") || cfg!(not(target_os = "linux")), "{told}");
}

/// A client plays in an instance of the plugin at that path, and what the host said holds.
fn serves(plugin: &Path) {
    let record = home::enter().path().join("record.wav");
    let mut child = host()
        .args(["serve", "--seconds", "1", "--plugin"])
        .arg(plugin)
        .arg("--record")
        .arg(&record)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let told = lines.next().unwrap().unwrap();
    let socket = PathBuf::from(told.strip_prefix("socket: ").unwrap_or_else(|| panic!("{told}")));
    let attach = lines.next().unwrap().unwrap();
    assert!(attach.contains(&format!("NOISE_SOCKET={}", socket.display())), "{attach}");
    let mut client = Client::connect(&socket).unwrap();
    assert_eq!(client.hello()["engine"], "krach-engine");
    assert_eq!(client.hello()["protocol"], 1);
    // A pattern would begin with the next cycle, which is later than this ends; a control is moved now.
    let open = json!({"type": "set_control", "label": "x/gate", "value": 1.0}).to_string();
    for line in gate_session(16).into_iter().chain([open]) {
        assert_eq!(client.request(&line).unwrap()["status"], "Ok", "{line}");
    }
    let state = client.request("{\"cmd\":\"Status\"}").unwrap();
    assert_eq!(state["slots"][0]["name"], "x");
    assert_eq!(state["transport"]["running"], true, "{state}");
    assert!(child.wait().unwrap().success());
    assert!(!socket.exists(), "the instance took its socket along");
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    let summary = rest.last().expect("a summary");
    let (_, channels) = wav::read(&record).unwrap();
    assert_eq!(channels[0].len() as f64, number_before(summary, " frames"), "{summary}");
    let peak = channels.iter().flatten().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    assert!(peak > 0.5, "what the client played is not in the record: {peak}");
}

#[test]
fn without_a_plugin_it_says_what_to_do() {
    let ran = host().args(["render"]).env("KRACH_CLAP", "/nowhere/krach.clap").output().unwrap();
    assert_eq!(ran.status.code(), Some(1));
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(told.contains("cargo xtask bundle") && told.contains("/nowhere/krach.clap"), "{told}");
}
