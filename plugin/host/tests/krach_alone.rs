//! krach without a DAW: it plays what clients send, and ends cleanly when it is asked to, with a window and
//! without one.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

mod krach_support;

use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use krach_host::Client;
use krach_support::display::{Display, soon};
use krach_support::home;
use krach_support::session::gate_session;

/// Longest that anything here may take before it counts as hung.
const HUNG: Duration = Duration::from_secs(20);

/// The program as `cargo xtask test` builds it, beside the tests' own programs.
fn program() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_krach-host")).with_file_name("krach-standalone");
    assert!(
        program.is_file(),
        "build it first: cargo build --profile test -p krach-plugin --features standalone --bin krach-standalone"
    );
    program
}

/// The running program, in a folder of its own.
struct Running {
    child: Child,
    folder: PathBuf,
}

impl Running {
    /// Started, and listening to clients.
    fn start(folder: &str, display: Option<&Display>) -> Self {
        let folder = home::enter().path().join(folder);
        std::fs::DirBuilder::new().mode(0o700).create(&folder).unwrap();
        let mut command = Command::new(program());
        command.args(["--backend", "dummy", "--tempo", "137"]);
        for variable in ["XDG_RUNTIME_DIR", "HOME", "TMPDIR"] {
            command.env(variable, &folder);
        }
        for variable in ["NOISE_SOCKET", "FLATPAK_ID", "WAYLAND_DISPLAY", "DISPLAY"] {
            command.env_remove(variable);
        }
        if let Some(display) = display {
            command.env("DISPLAY", display.name()).env("LIBGL_ALWAYS_SOFTWARE", "1");
        }
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut running = Self { child, folder };
        let mut ended = None;
        let listens = soon(HUNG, || {
            ended = running.child.try_wait().unwrap();
            ended.is_some() || Client::connect(&running.socket()).is_ok()
        });
        assert!(listens && ended.is_none(), "it does not listen: {ended:?}");
        running
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("krach-engine.sock")
    }

    fn client(&self) -> Client {
        Client::connect(&self.socket()).unwrap()
    }

    /// Has it play until its gates have been heard to move.
    fn play(&self) {
        let mut client = self.client();
        for request in gate_session(8) {
            let reply = client.request(&request).unwrap();
            assert!(reply["status"] != "Error" && reply.get("error").is_none(), "{request}: {reply}");
        }
        let mut seen = Vec::new();
        let moves = soon(HUNG, || {
            let status = client.request(r#"{"cmd":"Status"}"#).unwrap();
            seen.push(status["transport"]["cycles"].clone());
            seen.first() != seen.last()
        });
        assert!(moves, "its transport stands: {:?}", seen.last());
    }

    fn signal(&self, signal: i32) {
        let id = i32::try_from(self.child.id()).unwrap();
        // SAFETY: a child of this process that nobody has waited for.
        assert_eq!(unsafe { libc::kill(id, signal) }, 0);
    }

    /// How it ended; the files of its instances that are still there.
    fn ended(&mut self) -> (Option<ExitStatus>, Vec<PathBuf>) {
        let mut status = None;
        soon(HUNG, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let inside = |folder: &Path| -> Vec<PathBuf> {
            let entries = std::fs::read_dir(folder).into_iter().flatten();
            entries.map(|entry| entry.unwrap().path()).filter(|path| !path.is_dir()).collect()
        };
        (status, [inside(&self.folder), inside(&self.folder.join("krach"))].concat())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SIGNALS: [(&str, i32); 3] = [("int", libc::SIGINT), ("term", libc::SIGTERM), ("hup", libc::SIGHUP)];

#[test]
fn with_a_window_it_ends_cleanly_when_asked() {
    let display = Display::apart();
    for (name, signal) in SIGNALS {
        let mut running = Running::start(&format!("w-{name}"), Some(&display));
        running.play();
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
        let mut running = Running::start(&format!("b-{name}"), None);
        running.play();
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
        let mut running = Running::start(&format!("o-{wait}"), Some(&display));
        std::thread::sleep(Duration::from_millis(wait));
        running.signal(libc::SIGINT);
        let (status, left) = running.ended();
        let status = status.unwrap_or_else(|| panic!("{wait} ms: it does not end"));
        assert_eq!(status.signal(), None, "{wait} ms");
        assert!(left.is_empty(), "{wait} ms: {left:?}");
    }
}
