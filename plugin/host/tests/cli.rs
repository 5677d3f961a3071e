//! The program itself: a performance rendered to a file, an instance kept running.
#![cfg(unix)]

mod common;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::clicker;
use krach_host::{Client, wav};

/// A folder of this test's own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("krach-cli-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn host() -> Command {
    Command::new(env!("CARGO_BIN_EXE_krach-host"))
}

const PERFORMANCE: &str = r#"# Levels by the cycle; the host speeds up in between.
{"jsonrpc":"2.0","id":1,"method":"at","params":{"at":0.5,"request":{"cmd":"Level","value":0.5}}}
{"jsonrpc":"2.0","id":2,"method":"at","params":{"at":1.0,"request":{"cmd":"Level","value":0.25}}}
{"host":"tempo","bpm":177,"at":4.0}
{"jsonrpc":"2.0","id":3,"method":"sync"}

{"jsonrpc":"2.0","id":4,"method":"at","params":{"at":2.5,"request":{"cmd":"Level","value":0.75}}}
{"host":"jump","to":0,"at":13.5}
{"jsonrpc":"2.0","id":5,"method":"sync"}
"#;

#[test]
fn a_performance_renders_to_the_same_samples_for_any_partition() {
    let folder = Folder::new("render");
    std::fs::write(folder.file("song.jsonl"), PERFORMANCE).unwrap();
    let render = |blocks: &str| {
        let wav_path = folder.file("song.wav");
        let output = host()
            .args(["render", "--bars", "4", "--blocks", blocks, "--plugin"])
            .arg(clicker())
            .arg("--stems")
            .arg(folder.file("stems"))
            .arg("-o")
            .arg(&wav_path)
            .arg(folder.file("song.jsonl"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(!folder.file("stems/stem-1.wav").exists(), "what is silent has no file");
        let summary = String::from_utf8(output.stdout).unwrap();
        assert!(summary.contains("5 requests (0 refused)"), "{summary}");
        wav::read(&wav_path).unwrap()
    };
    let (rate, reference) = render("256");
    assert_eq!(rate, 48_000.0);
    // Four beats at 120, twelve at 177.
    let fast: f64 = 48_000.0 * 60.0 / 177.0;
    assert_eq!(reference[0].len(), (96_000.0 + 12.0 * fast).ceil() as usize);
    let heights: Vec<f32> = reference[0].iter().copied().filter(|sample| *sample != 0.0).collect();
    let expected = [
        1.0, 1.0, 0.5, 0.5, // the first cycle
        0.25, 0.25, 0.25, 0.25, 0.25, 0.25, // to beat 9
        0.75, 0.75, 0.75, 0.75, // from cycle 2.5 = beat 10 to beat 13
        0.75, 0.75, 0.75, // back at the start
    ];
    assert_eq!(heights, expected);
    assert_eq!(reference[0][24_000], 1.0);
    assert_eq!(reference[0][96_000 + fast.ceil() as usize], 0.25);
    for blocks in ["1,17,64", "333", "random:5", "4096"] {
        assert!(render(blocks).1 == reference, "blocks {blocks} sound different");
    }
}

#[test]
fn a_sync_beyond_a_loop_ends_with_the_reason() {
    let folder = Folder::new("beyond");
    let song = r#"{"host":"loop","start":0,"end":2}
{"jsonrpc":"2.0","id":1,"method":"at","params":{"at":4,"request":{"cmd":"Level","value":0.5}}}
{"jsonrpc":"2.0","id":2,"method":"sync"}"#;
    std::fs::write(folder.file("song.jsonl"), song).unwrap();
    let output =
        host().args(["render", "--plugin"]).arg(clicker()).arg(folder.file("song.jsonl")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("never comes to beat 16"), "{told}");
}

#[test]
fn a_refused_request_is_named_and_does_not_stop_the_rest() {
    let folder = Folder::new("refused");
    std::fs::write(folder.file("song.jsonl"), "{\"cmd\":\"Ping\"}\n\n{\"cmd\":\"Pong\"}\n").unwrap();
    let output = host()
        .args(["render", "--seconds", "0.1", "--plugin"])
        .arg(clicker())
        .arg(folder.file("song.jsonl"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("line 1 was refused") && told.contains("line 3 was refused"), "{told}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("4800 frames"));

    let replies = folder.file("replies.jsonl");
    let status = host()
        .args(["render", "--seconds", "0.1", "--plugin"])
        .arg(clicker())
        .arg(folder.file("song.jsonl"))
        .arg("--replies")
        .arg(&replies)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0), "whoever reads the replies judges them");
    let lines = std::fs::read_to_string(replies).unwrap();
    assert_eq!(lines.lines().filter(|line| line.contains("unrecognized message")).count(), 2);
}

#[test]
fn online_rendering_takes_as_long_as_it_sounds() {
    let began = Instant::now();
    let output =
        host().args(["render", "--seconds", "0.8", "--online", "--plugin"]).arg(clicker()).output().unwrap();
    assert!(output.status.success());
    assert!(began.elapsed() >= Duration::from_millis(790));
}

#[test]
fn serve_listens_plays_in_real_time_and_ends_cleanly_on_a_signal() {
    let folder = Folder::new("serve");
    let socket = folder.file("s.sock");
    let record = folder.file("record.wav");
    let mut child = host()
        .args(["serve", "--bpm", "240", "--plugin"])
        .arg(clicker())
        .arg("--record")
        .arg(&record)
        .env("NOISE_SOCKET", &socket)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let told = lines.next().unwrap().unwrap();
    assert_eq!(told, format!("socket: {}", socket.display()));
    let mut client = Client::connect(&socket).unwrap();
    assert_eq!(client.hello()["engine"], "clicker");
    let reply = client.request("{\"cmd\":\"Ping\"}").unwrap();
    assert_eq!(reply["status"], "Error");
    std::thread::sleep(Duration::from_millis(1100));
    // SAFETY: a signal to the child that this test started and has not yet waited for.
    unsafe { libc::kill(i32::try_from(child.id()).unwrap(), libc::SIGTERM) };
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}");
    assert!(!socket.exists(), "the instance took its socket along");
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert!(rest.last().unwrap().contains(" dropouts"), "{rest:?}");
    let (_, channels) = wav::read(&record).unwrap();
    let clicks = channels[0].iter().filter(|sample| **sample == 1.0).count();
    assert!(clicks >= 4, "{clicks} clicks in more than a second at 240 bpm");
}

#[test]
fn serve_ends_by_itself_after_its_time() {
    let folder = Folder::new("seconds");
    let output = host()
        .args(["serve", "--seconds", "0.3", "--plugin"])
        .arg(clicker())
        .env("NOISE_SOCKET", folder.file("s.sock"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn without_a_socket_serve_says_where_it_looked() {
    let folder = Folder::new("nowhere");
    let output = host()
        .args(["serve", "--plugin"])
        .arg(clicker())
        .env("NOISE_SOCKET", folder.file("no/such/folder.sock"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("NOISE_SOCKET=") && told.contains("no/such/folder.sock"), "{told}");
}
