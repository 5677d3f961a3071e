//! krach without a DAW: it plays what clients send, and ends cleanly when it is asked to, with a window and
//! without one.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

mod krach_support;

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use krach_support::alone::{HUNG, Running, ends_with};
use krach_support::display::{Display, soon};
use krach_support::home;
use krach_support::lossy::{Loses, Lossy};
use krach_support::session::gate_session;

/// Started without a sound, and listening to clients.
fn start(folder: &str, display: Option<&Display>) -> Running {
    Running::start_with(folder, display, &["--backend", "dummy", "--tempo", "137"], &[])
}

/// Has it play until its time has been seen to run.
fn play(running: &Running) {
    running.tell(&gate_session(8));
    assert!(soon(HUNG, || running.runs()), "its transport stands");
}

const SIGNALS: [(&str, i32); 3] = [("int", libc::SIGINT), ("term", libc::SIGTERM), ("hup", libc::SIGHUP)];

#[test]
fn with_a_window_it_ends_cleanly_when_asked() {
    let display = Display::apart();
    for (name, signal) in SIGNALS {
        let mut running = start(&format!("w-{name}"), Some(&display));
        play(&running);
        assert!(soon(HUNG, || display.windows() > 0), "it opened no window");
        let _watching = running.client();
        running.signal(signal);
        let (status, left) = running.ended();
        assert_eq!(status.and_then(|status| status.code()), Some(0), "{name}: {status:?}");
        assert!(left.is_empty(), "{name}: {left:?}");
        assert!(soon(HUNG, || display.windows() == 0), "{name}: a window is left");
    }
}

#[test]
fn without_a_display_it_ends_cleanly_when_asked() {
    for (name, signal) in SIGNALS {
        let mut running = start(&format!("b-{name}"), None);
        play(&running);
        let _watching = running.client();
        running.signal(signal);
        let (status, left) = running.ended();
        assert_eq!(status.and_then(|status| status.code()), Some(0), "{name}: {status:?}");
        assert!(left.is_empty(), "{name}: {left:?}");
    }
}

#[test]
fn asked_while_its_window_opens_it_ends_all_the_same() {
    let display = Display::apart();
    for wait in [0, 20, 60, 150] {
        let mut running = start(&format!("o-{wait}"), Some(&display));
        std::thread::sleep(Duration::from_millis(wait));
        running.signal(libc::SIGINT);
        let (status, left) = running.ended();
        let status = status.unwrap_or_else(|| panic!("{wait} ms: it does not end"));
        assert_eq!(status.signal(), None, "{wait} ms");
        assert!(left.is_empty(), "{wait} ms: {left:?}");
    }
}

/// Pixels of the window that are not black.
fn painted(display: &Display) -> usize {
    let picture = display.picture().map(|(_, _, data)| data).unwrap_or_default();
    picture.chunks_exact(4).filter(|pixel| pixel[..3] != [0; 3]).count()
}

/// On a display that loses these answers the window is painted, and goes on being painted while it plays.
fn is_painted_where_answers_are_lost(folder: &str, loses: Loses) {
    let display = Display::apart();
    let lossy = Lossy::new(&display, loses);
    let arguments = ["--backend", "dummy", "--tempo", "137"];
    let variables = [("DISPLAY", lossy.name()), ("LIBGL_ALWAYS_SOFTWARE", "1")];
    let running = Running::start_with(folder, None, &arguments, &variables);
    play(&running);
    assert!(soon(HUNG, || painted(&display) > 100_000), "{folder}: blank: {} pixels", painted(&display));
    for change in 0..6 {
        let before = display.picture();
        assert!(
            soon(HUNG, || display.picture() != before),
            "{folder}: it stands still after {change} changes"
        );
    }
    running.end(folder);
    assert!(soon(HUNG, || display.windows() == 0), "{folder}: a window is left");
}

#[test]
fn a_session_on_the_command_line_is_opened_and_a_broken_one_is_refused() {
    let file = home::enter().path().join("alone.krach.json");
    let name = file.to_str().unwrap();
    std::fs::write(&file, r#"{"nodes":[{"name":"tone","source":"oscillator"}],"tempo":97}"#).unwrap();
    let running = Running::start_with("f-good", None, &["--backend", "dummy", name], &[]);
    assert!(soon(HUNG, || running.runs()), "its transport stands");
    let reply = running.client().request(r#"{"jsonrpc":"2.0","id":1,"method":"transport"}"#).unwrap();
    assert_eq!(reply["result"]["position"]["tempo"], 97.0, "the program's own time has the session's tempo");
    let reply = running.client().request(r#"{"jsonrpc":"2.0","id":1,"method":"capture"}"#).unwrap();
    assert_eq!(reply["result"]["module"]["nodes"][0]["name"], "tone");
    running.end("with a session");
    std::fs::write(&file, r#"{"tempo":97,"routing":[{"source":"a","target":"b"}]}"#).unwrap();
    let (code, told) = ends_with(&["--backend", "dummy", name]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("$.routing[0].source: there is no node a"), "{told}");
    let (code, told) = ends_with(&["--backend", "dummy", "/nowhere/song.krach.json"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("there is no file /nowhere/song.krach.json"), "{told}");
}

#[test]
fn a_window_whose_first_frames_answer_is_lost_is_painted() {
    is_painted_where_answers_are_lost("first", |number| number == 0);
}

#[test]
fn a_window_that_loses_every_fourth_answer_goes_on_being_painted() {
    is_painted_where_answers_are_lost("fourth", |number| number % 4 == 3);
}

#[test]
fn a_window_on_a_display_that_never_answers_is_painted() {
    is_painted_where_answers_are_lost("never", |_| true);
}
