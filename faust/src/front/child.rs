//! A child process that cannot outstay its welcome: own process group, bounded CPU time, memory and
//! file size, bounded wall time, killed and reaped when it overruns or nobody wants its answer.
//!
//! The limits are set from outside, with `prlimit`, right after the start: setting them between
//! `fork` and `exec` would make the standard library fork the host, which marks all of the host's
//! memory copy-on-write and makes its audio thread take page faults. Started this way it is spawned
//! without touching our pages. The child runs unlimited for some microseconds, long before it has read anything.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// What a child may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildLimits {
    /// Time on the clock.
    pub wall: Duration,
    /// CPU seconds.
    pub cpu: u64,
    /// Bytes of address space.
    pub memory: u64,
    /// Bytes of any one file that it writes.
    pub file: u64,
}

impl Default for ChildLimits {
    /// 60 s, 15 CPU s, 2 GiB, 64 MiB. What computes for ever meets the second; a machine that is busy
    /// with other things gets the first. Most of FAUST's own examples take 0.1 to 1 s, the largest 10 s.
    fn default() -> Self {
        Self { wall: Duration::from_secs(60), cpu: 15, memory: 2 << 30, file: 64 << 20 }
    }
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Code(i32),
    Signal(i32),
    TimeUp,
    Cancelled,
}

/// A running child; dropping it kills and reaps it with all its group.
/// The flag says that it was reaped.
struct Bounded(Child, bool);

impl Bounded {
    /// Whether the child has ended. It is not reaped yet, so that its number stays its own.
    fn has_ended(&self) -> io::Result<bool> {
        // SAFETY: `siginfo_t` is a plain C struct for which all zeros is valid.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        // SAFETY: `info` is valid for writes; the number is that of our own child.
        if unsafe { libc::waitid(libc::P_PID, self.0.id(), &raw mut info, options) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(info.si_signo != 0)
    }

    /// Ends what is left of the group, then reaps the child.
    fn finish(&mut self) -> io::Result<ExitStatus> {
        // SAFETY: plain system call. The child leads its group and has not been reaped (`wait` below
        // is the only place that does, once), so that the number cannot name somebody else's group.
        unsafe { libc::kill(-(self.0.id() as i32), libc::SIGKILL) };
        self.0.wait()
    }
}

impl Drop for Bounded {
    fn drop(&mut self) {
        if !self.1 {
            let _ = self.finish();
        }
    }
}

/// Runs `command` to its end, or stops it when it overruns or `cancelled` says so.
pub(crate) fn run(
    command: &mut Command,
    limits: ChildLimits,
    cancelled: &dyn Fn() -> bool,
) -> io::Result<End> {
    let started = Instant::now();
    let mut child = Bounded(command.process_group(0).spawn()?, false);
    limit(&child.0, limits)?;
    let mut pause = Duration::from_micros(500);
    loop {
        if child.has_ended()? {
            child.1 = true;
            return Ok(described(child.finish()?));
        }
        if cancelled() {
            return Ok(End::Cancelled);
        }
        if started.elapsed() >= limits.wall {
            return Ok(End::TimeUp);
        }
        std::thread::sleep(pause);
        pause = (pause * 5 / 4).min(Duration::from_millis(5));
    }
}

fn described(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Code(code),
        (None, Some(libc::SIGXCPU)) => End::TimeUp,
        (None, signal) => End::Signal(signal.unwrap_or(0)),
    }
}

#[cfg(target_os = "linux")]
fn limit(child: &Child, limits: ChildLimits) -> io::Result<()> {
    let set = |what, value: u64| {
        let value = libc::rlimit { rlim_cur: value, rlim_max: value };
        // SAFETY: plain system call on a child that has not been reaped; both pointers are valid or null.
        let failed =
            unsafe { libc::prlimit(child.id() as i32, what, &raw const value, std::ptr::null_mut()) };
        // A child that has ended already has no limits left to set.
        if failed != 0 && io::Error::last_os_error().raw_os_error() != Some(libc::ESRCH) {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    };
    set(libc::RLIMIT_CPU, limits.cpu)?;
    set(libc::RLIMIT_AS, limits.memory)?;
    set(libc::RLIMIT_FSIZE, limits.file)?;
    set(libc::RLIMIT_CORE, 0)?;
    set(libc::RLIMIT_NOFILE, 64)
}

/// Other systems cannot limit a child from outside: there the wall time alone bounds it.
#[cfg(not(target_os = "linux"))]
fn limit(_: &Child, _: ChildLimits) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_child_that_sleeps_is_stopped_with_its_children() {
        let mark = std::env::temp_dir().join(format!("krach-child-{}", std::process::id()));
        let script = format!("(sleep 1; touch {}) & sleep 30", mark.display());
        let limits = ChildLimits { wall: Duration::from_millis(100), ..ChildLimits::default() };
        let started = Instant::now();
        assert_eq!(run(&mut shell(&script), limits, &|| false).expect("runs"), End::TimeUp);
        assert!(started.elapsed() < Duration::from_secs(1));
        std::thread::sleep(Duration::from_millis(1200));
        assert!(!mark.exists(), "the grandchild lived on");
    }

    #[test]
    fn a_child_is_stopped_as_soon_as_nobody_wants_it() {
        let started = Instant::now();
        let cancelled = || started.elapsed() > Duration::from_millis(50);
        assert_eq!(
            run(&mut shell("sleep 30"), ChildLimits::default(), &cancelled).expect("runs"),
            End::Cancelled
        );
        assert!(started.elapsed() < Duration::from_secs(1));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn cpu_time_and_file_size_are_bounded() {
        let limits = ChildLimits { cpu: 1, file: 1000, ..ChildLimits::default() };
        let spin = run(&mut shell("sleep 0.1; while :; do :; done"), limits, &|| false).expect("runs");
        assert!(matches!(spin, End::TimeUp | End::Signal(libc::SIGKILL)), "{spin:?}");
        let path = std::env::temp_dir().join(format!("krach-file-{}", std::process::id()));
        let script = format!("sleep 0.1; exec head -c 1000000 /dev/zero > {}", path.display());
        let end = run(&mut shell(&script), limits, &|| false).expect("runs");
        assert_ne!(end, End::Code(0));
        assert!(std::fs::metadata(&path).is_ok_and(|meta| meta.len() <= 1000));
        let _ = std::fs::remove_file(&path);
    }
}
