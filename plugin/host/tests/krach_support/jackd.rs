//! A JACK server of a test's own, without a card, and what arrives there.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::alone::HUNG;
use super::display::soon;

/// The server, until it is dropped.
pub struct Jackd {
    server: Child,
    name: String,
}

/// The name of these tests' servers. JACK remembers eight names per computer, and those of servers that were killed
/// for ever: there is one, and one test at a time.
pub struct Place(#[allow(dead_code, reason = "held, not read")] File);

/// Waits for the name.
pub fn place() -> Place {
    // Not in the folder for temporary files, which each test program has of its own.
    let file = File::options().create(true).append(true).open("/tmp/krach-test-jackd.lock");
    let file = file.expect("a file to lock");
    // SAFETY: one system call on a descriptor that is open; it goes with the file.
    assert_eq!(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX) }, 0);
    Place(file)
}

impl Place {
    /// The name.
    pub fn name(&self) -> &'static str {
        "krach-test"
    }
}

/// What makes programs use the server of that name, and start none themselves.
pub fn variables(name: &str) -> [(&str, &str); 2] {
    [("JACK_DEFAULT_SERVER", name), ("JACK_NO_START_SERVER", "1")]
}

impl Jackd {
    /// A server of that name, at `rate` Hz and with `period` frames, which waits for its clients.
    pub fn start(name: &str, rate: u32, period: u32) -> Self {
        let mut command = Command::new("jackd");
        // SAFETY: one system call, which is safe between `fork` and `exec`.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            })
        };
        // No real time, no memory locked; no client is thrown out for being slow; no block without its clients.
        command.args(["-n", name, "-r", "-m", "-S", "-t", "20000", "-d", "dummy"]);
        command.args(["-r", &rate.to_string(), "-p", &period.to_string()]);
        let server = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let server = server.expect("jackd is installed (cargo xtask setup)");
        let jackd = Self { server, name: name.to_owned() };
        assert!(soon(HUNG, || !jackd.ports().is_empty()), "the JACK server does not answer");
        jackd
    }

    fn tool(&self, program: &str, arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new(program);
        command.args(arguments).envs(variables(&self.name)).stdin(Stdio::null());
        let output = command.output().expect("it comes with jackd");
        let told = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&told).into_owned())
    }

    /// The ports that there are, by their full names.
    pub fn ports(&self) -> Vec<String> {
        let (well, told) = self.tool("jack_lsp", &[]);
        let lines = told.lines().filter(|line| line.contains(':') && !line.contains(' '));
        if well { lines.map(str::to_owned).collect() } else { Vec::new() }
    }

    /// Waits for the port of that name.
    pub fn has(&self, port: &str) -> bool {
        soon(HUNG, || self.ports().iter().any(|known| known == port))
    }

    /// Gives the server another period.
    pub fn set_period(&self, period: u32) {
        let (well, told) = self.tool("jack_bufsize", &[&period.to_string()]);
        assert!(well, "{told}");
    }

    /// Sends its transport a word: `play`, `stop`.
    pub fn transport(&self, word: &str) {
        let mut command = Command::new("jack_transport");
        command.envs(variables(&self.name)).stdin(Stdio::piped());
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it comes with jackd");
        let words = format!("{word}\nexit\n");
        std::io::Write::write_all(&mut child.stdin.take().expect("piped"), words.as_bytes()).unwrap();
        child.wait().unwrap();
    }

    /// `seconds` of what a port gives, whole numbers only, from some block on, without a gap.
    pub fn record(&self, port: &str, seconds: u32, folder: &Path) -> Vec<f32> {
        let file = folder.join(format!("{}-{seconds}.wav", port.replace(':', "-")));
        let file = file.to_str().unwrap();
        let arguments = ["-f", file, "-d", &seconds.to_string(), "-b", "32", "-B", "1048576", port];
        let mut told = String::new();
        // A port can be connected a moment after it can be seen.
        let done = soon(HUNG, || {
            told = self.tool("jack_rec", &arguments).1;
            !told.contains("cannot connect input port")
        });
        assert!(done && !told.contains("overrun") && !told.contains("annot"), "{told}");
        let mut wav = hound::WavReader::open(file).unwrap();
        let samples = wav.samples::<i32>().map(|sample| sample.unwrap() as f32 / 2_147_483_648.0);
        samples.collect()
    }

    /// Kills the server as the kernel does when memory is short.
    pub fn kill(&mut self) {
        self.signal(libc::SIGKILL);
        self.server.wait().unwrap();
    }

    pub fn signal(&self, signal: i32) {
        let id = i32::try_from(self.server.id()).unwrap();
        // SAFETY: a child of this process that nobody has waited for.
        assert_eq!(unsafe { libc::kill(id, signal) }, 0);
    }
}

impl Drop for Jackd {
    fn drop(&mut self) {
        // Gently, or its name stays taken.
        for signal in [libc::SIGCONT, libc::SIGTERM] {
            if self.server.try_wait().is_ok_and(|ended| ended.is_none()) {
                self.signal(signal);
            }
        }
        soon(Duration::from_secs(5), || self.server.try_wait().is_ok_and(|ended| ended.is_some()));
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
