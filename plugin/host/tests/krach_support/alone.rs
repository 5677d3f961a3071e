//! The program without a DAW, running in a folder of its own.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use krach_host::Client;
use serde_json::Value;

use super::display::{Display, soon};
use super::home;

/// Longest that anything may take before it counts as hung.
pub const HUNG: Duration = Duration::from_secs(20);

/// The program as `cargo xtask test` builds it, beside the tests' own programs.
fn program() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_krach-host")).with_file_name("krach-standalone");
    assert!(
        program.is_file(),
        "build it first: cargo build --profile test -p krach-plugin --features standalone --bin krach-standalone"
    );
    program
}

/// What becomes of the program where these arguments are wrong: how it ends, and what it says.
pub fn ends_with(arguments: &[&str]) -> (Option<i32>, String) {
    let home = home::enter();
    let mut command = Command::new(program());
    command.args(arguments).envs(home.variables()).env_remove("DISPLAY");
    let output = command.stdin(Stdio::null()).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The running program. It is killed when this is dropped.
pub struct Running {
    child: Child,
    folder: PathBuf,
}

impl Running {
    /// Started with these arguments and variables, and listening to clients.
    pub fn start_with(
        folder: &str,
        display: Option<&Display>,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let folder = home::enter().path().join(folder);
        std::fs::DirBuilder::new().mode(0o700).create(&folder).unwrap();
        let mut command = Command::new(program());
        command.args(arguments);
        for variable in ["XDG_RUNTIME_DIR", "HOME", "TMPDIR"] {
            command.env(variable, &folder);
        }
        for variable in ["NOISE_SOCKET", "FLATPAK_ID", "WAYLAND_DISPLAY", "DISPLAY"] {
            command.env_remove(variable);
        }
        if let Some(display) = display {
            command.env("DISPLAY", display.name()).env("LIBGL_ALWAYS_SOFTWARE", "1");
        }
        command.envs(variables.iter().copied());
        let told = std::fs::File::create(folder.join("stderr.txt")).unwrap();
        let child = command.stdout(Stdio::null()).stderr(told).spawn().unwrap();
        let mut running = Self { child, folder };
        let mut ended = None;
        let listens = soon(HUNG, || {
            ended = running.child.try_wait().unwrap();
            ended.is_some() || Client::connect(&running.socket()).is_ok()
        });
        assert!(listens && ended.is_none(), "it does not listen: {ended:?}: {}", running.stderr());
        running
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.join("krach-engine.sock")
    }

    pub fn client(&self) -> Client {
        Client::connect(&self.socket()).unwrap()
    }

    /// What it has written on the terminal.
    pub fn stderr(&self) -> String {
        std::fs::read_to_string(self.folder.join("stderr.txt")).unwrap()
    }

    /// Sends requests, each of which has to be taken.
    pub fn tell(&self, requests: &[String]) {
        let mut client = self.client();
        for request in requests {
            let reply = client.request(request).unwrap();
            assert!(reply["status"] != "Error" && reply.get("error").is_none(), "{request}: {reply}");
        }
    }

    pub fn status(&self) -> Value {
        self.client().request(r#"{"cmd":"Status"}"#).unwrap()
    }

    /// Does its time run?
    pub fn runs(&self) -> bool {
        let cycles = || self.status()["transport"]["cycles"].clone();
        let first = cycles();
        soon(Duration::from_secs(3), || cycles() != first)
    }

    /// Waits until one of its problems has this in it.
    pub fn reports(&self, what: &str) -> bool {
        soon(HUNG, || self.status().to_string().contains(what))
    }

    pub fn signal(&self, signal: i32) {
        let id = i32::try_from(self.child.id()).unwrap();
        // SAFETY: a child of this process that nobody has waited for.
        assert_eq!(unsafe { libc::kill(id, signal) }, 0);
    }

    /// How it ended; the files of its instances that are still there.
    pub fn ended(&mut self) -> (Option<ExitStatus>, Vec<PathBuf>) {
        let mut status = None;
        soon(HUNG, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let inside = |folder: &Path| -> Vec<PathBuf> {
            let entries = std::fs::read_dir(folder).into_iter().flatten();
            let paths = entries.map(|entry| entry.unwrap().path());
            paths.filter(|path| !path.is_dir() && !path.ends_with("stderr.txt")).collect()
        };
        (status, [inside(&self.folder), inside(&self.folder.join("krach"))].concat())
    }

    /// Asks it to end, which it has to do well and without leaving anything.
    pub fn end(mut self, what: &str) {
        self.signal(libc::SIGINT);
        let (status, left) = self.ended();
        assert_eq!(status.and_then(|status| status.code()), Some(0), "{what}: {status:?}");
        assert!(left.is_empty(), "{what}: {left:?}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
