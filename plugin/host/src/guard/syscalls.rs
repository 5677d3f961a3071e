//! Catches system calls of one thread, by a seccomp filter that traps every one of them.
//!
//! A filter cannot be taken off again, and a thread under it can neither exit nor be joined: its
//! last act is [`park`], which spins until the process ends. Use it in a process of its own.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use super::stack::Snapshot;

/// No call was caught.
const NONE: i64 = -1;

static FIRST: AtomicI64 = AtomicI64::new(NONE);
static PARKED: AtomicBool = AtomicBool::new(false);
static STACK: Snapshot = Snapshot::new();

/// A system call that was caught. The thread that tried it spins in the trap and goes no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caught {
    /// Its number.
    pub number: i64,
    /// Its name, where it is a common one.
    pub name: String,
    /// Code on the stack of the caller, innermost first.
    pub callers: Vec<String>,
}

/// The call that was caught, if one was. Cheap as long as there is none.
pub fn caught() -> Option<Caught> {
    match FIRST.load(Ordering::Acquire) {
        NONE => None,
        number => {
            // The trap stores the number first; let it finish copying its stack.
            while !is_parked() {
                std::hint::spin_loop();
            }
            Some(Caught { number, name: name(number), callers: STACK.describe() })
        }
    }
}

/// Whether the filtered thread has come to its end.
pub fn is_parked() -> bool {
    PARKED.load(Ordering::Acquire)
}

/// Where a filtered thread ends: it spins, without system calls, until the process ends.
pub fn park() -> ! {
    PARKED.store(true, Ordering::Release);
    loop {
        std::hint::spin_loop();
    }
}

/// The handler of SIGSYS: notes the call's number and where it came from, and goes no further.
extern "C" fn on_trap(_signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // The kernel fills in the number at this place for SIGSYS (`_sigsys._syscall`, after the call's
    // address; see sigaction(2)); libc has no accessor for it.
    #[repr(C)]
    struct SigSys {
        signo: libc::c_int,
        errno: libc::c_int,
        code: libc::c_int,
        #[cfg(target_pointer_width = "64")]
        padding: libc::c_int,
        call_address: *mut libc::c_void,
        number: libc::c_int,
        arch: libc::c_uint,
    }
    // SAFETY: the kernel hands a SIGSYS handler a siginfo of this layout.
    let number = i64::from(unsafe { (*info.cast::<SigSys>()).number });
    STACK.copy_from(stack_of(context));
    FIRST.store(number, Ordering::Release);
    park();
}

/// The stack pointer of the code that was interrupted.
fn stack_of(context: *mut libc::c_void) -> *const usize {
    // SAFETY: the third argument of an SA_SIGINFO handler is the thread's ucontext.
    let context = unsafe { &*context.cast::<libc::ucontext_t>() };
    #[cfg(target_arch = "x86_64")]
    let pointer = context.uc_mcontext.gregs[libc::REG_RSP as usize] as usize;
    #[cfg(target_arch = "aarch64")]
    let pointer = context.uc_mcontext.sp as usize;
    std::ptr::with_exposed_provenance(pointer)
}

/// Puts the present thread under the filter, for ever: from here on every system call is
/// trapped: noted, and never made; the thread spins in the trap for ever.
///
/// # Errors
/// What the kernel said, where it knows no seccomp or does not allow it.
pub fn forbid() -> std::io::Result<()> {
    // The whole filter: whatever the call, trap.
    let mut filter = [libc::sock_filter {
        code: (libc::BPF_RET | libc::BPF_K) as u16,
        jt: 0,
        jf: 0,
        k: libc::SECCOMP_RET_TRAP,
    }];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: the handler is async-signal-safe (it touches atomics and its own stack), and the
    // structure is zeroed before the fields that matter are set.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_trap as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
        if libc::sigaction(libc::SIGSYS, &action, std::ptr::null_mut()) != 0 {
            return Err(std::io::Error::last_os_error());
        }
    }
    // SAFETY: these act on the present thread alone (no SECCOMP_FILTER_FLAG_TSYNC); `program` and
    // the filter live through the call, and the kernel copies them.
    unsafe {
        if libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 {
            return Err(std::io::Error::last_os_error());
        }
        let set =
            libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, std::ptr::from_ref(&program), 0, 0);
        if set != 0 {
            return Err(std::io::Error::last_os_error());
        }
    }
    Ok(())
}

/// A system call's name, for messages; its number where it is a rare one.
pub fn name(number: i64) -> String {
    let known: &[(i64, &str)] = &[
        (libc::SYS_read, "read"),
        (libc::SYS_write, "write"),
        (libc::SYS_futex, "futex"),
        (libc::SYS_mmap, "mmap"),
        (libc::SYS_munmap, "munmap"),
        (libc::SYS_mprotect, "mprotect"),
        (libc::SYS_madvise, "madvise"),
        (libc::SYS_brk, "brk"),
        (libc::SYS_getpid, "getpid"),
        (libc::SYS_gettid, "gettid"),
        (libc::SYS_clock_gettime, "clock_gettime"),
        (libc::SYS_clock_nanosleep, "clock_nanosleep"),
        (libc::SYS_nanosleep, "nanosleep"),
        (libc::SYS_sched_yield, "sched_yield"),
        (libc::SYS_openat, "openat"),
        (libc::SYS_close, "close"),
        (libc::SYS_sendto, "sendto"),
        (libc::SYS_recvfrom, "recvfrom"),
        (libc::SYS_getrandom, "getrandom"),
        (libc::SYS_exit, "exit"),
    ];
    known
        .iter()
        .find(|(known, _)| *known == number)
        .map_or_else(|| format!("system call {number}"), |(_, name)| (*name).to_owned())
}
