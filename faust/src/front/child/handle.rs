//! A child that is known by a descriptor, and by its number only while that is surely its own.

use super::{ChildLimits, End};
use std::io;
use std::process::Child;

/// A child that was just started, the first of its process group. Dropping it kills what is left of the
/// group and reaps the child, if nobody else has.
pub(super) struct Handle {
    number: libc::pid_t,
    #[cfg(target_os = "linux")]
    descriptor: Option<std::os::fd::OwnedFd>,
}

/// What has become of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Runs,
    /// It has ended and is not reaped: its number is its own.
    Ended(End),
    /// Somebody else has reaped it: its number may be another's.
    Gone,
}

impl Handle {
    pub(super) fn of(child: &Child) -> Self {
        let number = child.id() as libc::pid_t;
        Self {
            number,
            #[cfg(target_os = "linux")]
            descriptor: linux::open(number),
        }
    }

    /// What has become of the child. It is not reaped by that.
    pub(super) fn look(&self) -> io::Result<Look> {
        self.wait(libc::WEXITED | libc::WNOHANG | libc::WNOWAIT)
    }

    fn wait(&self, options: libc::c_int) -> io::Result<Look> {
        let (kind, id) = self.id();
        // SAFETY: `siginfo_t` is a plain C struct for which all zeros is valid.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        // SAFETY: `info` is valid for writes; the descriptor, if it is one, is open.
        while unsafe { libc::waitid(kind, id, &raw mut info, options) } != 0 {
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::ECHILD) => return Ok(Look::Gone),
                _ => return Err(error),
            }
        }
        if info.si_signo == 0 {
            return Ok(Look::Runs);
        }
        // SAFETY: what `waitid` fills in for a child that has ended has a status.
        let status = unsafe { info.si_status() };
        Ok(Look::Ended(if info.si_code == libc::CLD_EXITED { End::Code(status) } else { End::by(status) }))
    }

    /// Kills the group by its number, unless the number may be another's.
    fn kill_by_number(&self) {
        if matches!(self.look(), Ok(Look::Runs | Look::Ended(_))) {
            // SAFETY: plain system call. The child leads its group and was not reaped a moment ago: nobody
            // of ours reaps it but `drop`, afterwards.
            unsafe { libc::kill(-self.number, libc::SIGKILL) };
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.kill();
        let _ = self.wait(libc::WEXITED);
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use super::{ChildLimits, Handle, Look};
    use std::io;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
    use std::ptr;

    /// For `pidfd_send_signal`: to all of the process group. Since Linux 6.9.
    const GROUP: libc::c_uint = 1 << 2;

    /// A descriptor of the process; `None` if the system has none to give.
    pub(super) fn open(number: libc::pid_t) -> Option<OwnedFd> {
        // SAFETY: plain system call; what it gives is a descriptor that nobody else has, closed on exec.
        let descriptor = unsafe {
            let descriptor = libc::syscall(libc::SYS_pidfd_open, number, 0);
            (descriptor >= 0).then(|| OwnedFd::from_raw_fd(descriptor as RawFd))
        }?;
        // Linux 5.3 gives them and cannot wait for them.
        let handle = Handle { number, descriptor: Some(descriptor) };
        let can_wait = handle.look().is_ok();
        let mut handle = std::mem::ManuallyDrop::new(handle);
        handle.descriptor.take().filter(|_| can_wait)
    }

    fn signal(descriptor: &OwnedFd, flags: libc::c_uint) -> io::Result<()> {
        let (descriptor, none) = (descriptor.as_raw_fd(), ptr::null::<libc::siginfo_t>());
        // SAFETY: plain system call on an open descriptor; a null pointer stands for the usual information.
        let failed =
            unsafe { libc::syscall(libc::SYS_pidfd_send_signal, descriptor, libc::SIGKILL, none, flags) };
        if failed != 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    impl Handle {
        pub(super) fn id(&self) -> (libc::idtype_t, libc::id_t) {
            match &self.descriptor {
                Some(descriptor) => (libc::P_PIDFD, descriptor.as_raw_fd() as libc::id_t),
                None => (libc::P_PID, self.number as libc::id_t),
            }
        }

        /// Kills the child with all its group.
        pub(super) fn kill(&self) {
            let Some(descriptor) = &self.descriptor else { return self.kill_by_number() };
            match signal(descriptor, GROUP) {
                // An older kernel: the group has nothing but its number.
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
                    self.kill_by_number();
                    let _ = signal(descriptor, 0);
                }
                // Done, or nobody of the group is left.
                _ => {}
            }
        }

        /// Sets its limits.
        pub(in super::super) fn limit(&self, limits: ChildLimits) -> io::Result<()> {
            // The soft limit ends it with a signal that says why; whoever ignores that meets the hard one.
            const GRACE: u64 = 5;
            self.set(libc::RLIMIT_CPU, limits.cpu, limits.cpu.saturating_add(GRACE))?;
            self.set(libc::RLIMIT_AS, limits.memory, limits.memory)?;
            self.set(libc::RLIMIT_FSIZE, limits.file, limits.file)?;
            self.set(libc::RLIMIT_CORE, 0, 0)?;
            self.set(libc::RLIMIT_NOFILE, 64, 64)
        }

        fn set(&self, what: libc::__rlimit_resource_t, soft: u64, hard: u64) -> io::Result<()> {
            if self.look()? != Look::Runs {
                return Ok(());
            }
            let mut now = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            // SAFETY: as below.
            if unsafe { libc::prlimit(self.number, what, ptr::null(), &raw mut now) } != 0 {
                now.rlim_max = libc::RLIM_INFINITY;
            }
            // Where the host's own limit is lower, ours cannot be higher.
            let value = libc::rlimit { rlim_cur: soft.min(now.rlim_max), rlim_max: hard.min(now.rlim_max) };
            // SAFETY: plain system call on a child that ran a moment ago; both pointers are valid or null.
            let failed = unsafe { libc::prlimit(self.number, what, &raw const value, ptr::null_mut()) };
            // A child that has ended since has no limits left to set.
            if failed != 0 && io::Error::last_os_error().raw_os_error() != Some(libc::ESRCH) {
                return Err(io::Error::last_os_error());
            }
            Ok(())
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Handle {
    fn id(&self) -> (libc::idtype_t, libc::id_t) {
        (libc::P_PID, self.number as libc::id_t)
    }

    fn kill(&self) {
        self.kill_by_number();
    }

    /// Other systems cannot limit a child from outside: there the wall time alone bounds it.
    #[allow(clippy::unnecessary_wraps)]
    pub(super) fn limit(&self, _: ChildLimits) -> io::Result<()> {
        Ok(())
    }
}
