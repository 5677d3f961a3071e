//! A child process that cannot outstay its welcome: own process group, bounded CPU time, memory and
//! file size, bounded wall time, killed and reaped when it overruns or nobody wants its answer.
//!
//! The limits are set from outside, with `prlimit`, right after the start: setting them between
//! `fork` and `exec` would make the standard library fork the host, which marks all of the host's
//! memory copy-on-write and makes its audio thread take page faults. Started this way it is spawned
//! without touching our pages. The child runs unlimited for some microseconds, long before it has read anything.
//!
//! Children belong to the whole host. Where it ignores SIGCHLD, or waits for every child itself, ours is
//! reaped by others and its number may be given to another process at once. So the child is known by a
//! descriptor ([`handle`]), and its number is used only while it is surely ours.

mod handle;

use handle::{Handle, Look};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
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
    /// It used the processor for longer than it may.
    CpuTime,
    /// It took longer than it may.
    WallTime,
    /// It wrote a file that is longer than it may be.
    FileSize,
    /// It has ended, and another part of the host took its exit status.
    Unknown,
    Cancelled,
}

impl End {
    fn by(signal: i32) -> Self {
        match signal {
            libc::SIGXCPU => Self::CpuTime,
            libc::SIGXFSZ => Self::FileSize,
            signal => Self::Signal(signal),
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
    let child = Handle::of(&command.process_group(0).spawn()?);
    child.limit(limits)?;
    let mut pause = Duration::from_micros(500);
    loop {
        match child.look()? {
            Look::Runs => {}
            Look::Ended(end) => return Ok(end),
            Look::Gone => return Ok(End::Unknown),
        }
        if cancelled() {
            return Ok(End::Cancelled);
        }
        if started.elapsed() >= limits.wall {
            return Ok(End::WallTime);
        }
        std::thread::sleep(pause);
        pause = (pause * 5 / 4).min(Duration::from_millis(5));
    }
}

#[cfg(test)]
mod tests;
