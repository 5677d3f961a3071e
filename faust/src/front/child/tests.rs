//! Children that overrun, that nobody wants, and that others reap.

use super::handle::{Handle, Look};
use super::*;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Stdio;

/// Longer than any machine takes; a test that waits for it hangs.
const LONG: Duration = Duration::from_secs(60);

fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]);
    command
}

fn file(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("krach-child-{}-{name}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

/// Waits until `condition` holds.
fn until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < LONG, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Does a process of that number run? One that has ended and was not reaped does not.
fn runs(number: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// A shell that writes the number of a process which it has started, then goes on with `then`.
fn with_grandchild(path: &std::path::Path, then: &str) -> Command {
    let (path, draft) = (path.display(), path.with_extension("draft"));
    let draft = draft.display();
    shell(&format!("sleep 1000 & echo $! > {draft}; mv {draft} {path}; {then}"))
}

#[test]
fn a_child_that_sleeps_is_stopped_with_its_children() {
    let limits = ChildLimits { wall: Duration::from_millis(100), ..ChildLimits::default() };
    assert_eq!(run(&mut shell("sleep 1000"), limits, &|| false).expect("runs"), End::WallTime);
    is_stopped_with_its_children();
}

fn is_stopped_with_its_children() {
    let path = file("sleeps");
    let mut command = with_grandchild(&path, "sleep 1000");
    let end = run(&mut command, ChildLimits::default(), &|| path.exists()).expect("runs");
    assert_eq!(end, End::Cancelled);
    let grandchild = std::fs::read_to_string(&path).expect("it got so far");
    until("the grandchild is gone", || !runs(grandchild.trim()));
    let _ = std::fs::remove_file(path);
}

#[test]
fn what_a_child_that_ended_has_started_is_stopped() {
    let path = file("orphan");
    let end = run(&mut with_grandchild(&path, "exit 3"), ChildLimits::default(), &|| false).expect("runs");
    assert_eq!(end, End::Code(3));
    let grandchild = std::fs::read_to_string(&path).expect("it got so far");
    until("the grandchild is gone", || !runs(grandchild.trim()));
    let _ = std::fs::remove_file(path);
}

#[test]
fn a_child_is_stopped_as_soon_as_nobody_wants_it() {
    let asked = std::cell::Cell::new(0);
    let cancelled = || {
        asked.set(asked.get() + 1);
        asked.get() == 3
    };
    let end = run(&mut shell("sleep 1000"), ChildLimits::default(), &cancelled).expect("runs");
    assert_eq!((end, asked.get()), (End::Cancelled, 3));
}

#[cfg(target_os = "linux")]
#[test]
fn cpu_time_and_file_size_are_bounded_and_told_apart_from_a_crash() {
    let limits = ChildLimits { cpu: 1, file: 1000, ..ChildLimits::default() };
    let ends = |script: &str| run(&mut shell(script), limits, &|| false).expect("runs");
    assert_eq!(ends("sleep 0.1; while :; do :; done"), End::CpuTime);
    let path = file("size");
    let written = format!("sleep 0.1; exec head -c 1000000 /dev/zero > {}", path.display());
    assert_eq!(ends(&written), End::FileSize);
    assert!(std::fs::metadata(&path).is_ok_and(|meta| meta.len() <= 1000));
    let _ = std::fs::remove_file(&path);
    assert_eq!(ends("kill -9 $$"), End::Signal(libc::SIGKILL));
}

const ELSEWHERE: &str = "KRACH_TEST_CHILDREN";

/// Runs one test of this program in a process of its own; true if this is that process.
fn elsewhere(test: &str, prepare: impl FnOnce(&mut Command)) -> bool {
    if std::env::var_os(ELSEWHERE).is_some() {
        return true;
    }
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    let test = format!("front::child::tests::{test}");
    command.args(["--exact", &test, "--nocapture"]).env(ELSEWHERE, "1").stdin(Stdio::null());
    prepare(&mut command);
    let output = command.output().expect("starts");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    false
}

/// What a host may do to our children: everything that is asked of `run` holds, but for how they ended.
fn children_that_others_reap() {
    for _ in 0..20 {
        let end = run(&mut shell("exit 7"), ChildLimits::default(), &|| false).expect("runs");
        assert!([End::Unknown, End::Code(7)].contains(&end), "{end:?}");
    }
    is_stopped_with_its_children();
    let limits = ChildLimits { cpu: 1, ..ChildLimits::default() };
    let end = run(&mut shell("while :; do :; done"), limits, &|| false).expect("runs");
    assert!([End::Unknown, End::CpuTime].contains(&end), "{end:?}");
}

#[test]
fn where_the_host_ignores_sigchld_children_run_and_are_stopped() {
    let ignore = |command: &mut Command| {
        let ignore = || {
            // SAFETY: may be called between fork and exec.
            unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
            Ok(())
        };
        // SAFETY: as above.
        unsafe { command.pre_exec(ignore) };
    };
    if elsewhere("where_the_host_ignores_sigchld_children_run_and_are_stopped", ignore) {
        // SAFETY: all zeros is a value of this plain C struct, which the call fills in.
        let ignored = unsafe {
            let mut now: libc::sigaction = std::mem::zeroed();
            libc::sigaction(libc::SIGCHLD, std::ptr::null(), &raw mut now);
            now.sa_sigaction == libc::SIG_IGN
        };
        assert!(ignored, "it was inherited");
        children_that_others_reap();
    }
}

#[test]
fn where_the_host_reaps_all_children_they_run_and_are_stopped() {
    if elsewhere("where_the_host_reaps_all_children_they_run_and_are_stopped", |_| {}) {
        std::thread::spawn(|| {
            loop {
                // SAFETY: a null status is allowed.
                if unsafe { libc::waitpid(-1, std::ptr::null_mut(), 0) } == -1 {
                    std::thread::sleep(Duration::from_micros(50));
                }
            }
        });
        children_that_others_reap();
    }
}

/// A process that was given this number, and waits; `None` if the system does not let us choose.
#[cfg(target_os = "linux")]
fn stranger(number: libc::pid_t) -> Option<libc::pid_t> {
    // As `struct clone_args` up to `set_tid_size`.
    let arguments: [u64; 10] = [0, 0, 0, 0, libc::SIGCHLD as u64, 0, 0, 0, (&raw const number) as u64, 1];
    // SAFETY: as `fork`, with a number; the new process makes system calls only.
    unsafe {
        let made = libc::syscall(libc::SYS_clone3, arguments.as_ptr(), size_of_val(&arguments));
        if made == 0 {
            libc::setpgid(0, 0);
            loop {
                libc::pause();
            }
        }
        (made > 0).then_some(made as libc::pid_t)
    }
}

#[cfg(target_os = "linux")]
#[test]
#[allow(clippy::zombie_processes, reason = "it is reaped by its number, as a host may do")]
fn a_process_that_was_given_the_number_of_a_child_is_not_touched() {
    let mut command = shell("exit 0");
    let spawned = command.process_group(0).spawn().expect("starts");
    let number = spawned.id() as libc::pid_t;
    let child = Handle::of(&spawned);
    // Another part of the host reaps it.
    // SAFETY: a null status is allowed.
    assert_eq!(unsafe { libc::waitpid(number, std::ptr::null_mut(), 0) }, number);
    let Some(other) = stranger(number) else {
        let why = "the system lets only root choose the number of a process";
        // Past the harness, which holds back what is printed.
        let _ = writeln!(std::io::stderr(), "not checked: {why}");
        return;
    };
    until("it leads its group", || {
        // SAFETY: plain system call.
        unsafe { libc::getpgid(other) == other }
    });
    assert_eq!(child.look().expect("looks"), Look::Gone);
    child.limit(ChildLimits { cpu: 0, ..ChildLimits::default() }).expect("does nothing");
    drop(child);
    std::thread::sleep(Duration::from_millis(20));
    let alive = runs(&other.to_string());
    let limits = std::fs::read_to_string(format!("/proc/{other}/limits")).unwrap_or_default();
    // SAFETY: the process is ours, and nobody else reaps it.
    unsafe {
        libc::kill(other, libc::SIGKILL);
        libc::waitpid(other, std::ptr::null_mut(), 0);
    }
    assert!(alive, "a stranger was killed");
    let files = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap_or_default();
    assert!(!limits.contains("Max cpu time              0"), "{files}\n{limits}");
}

/// A host under lower limits than ours keeps them, and a child of it runs.
#[cfg(target_os = "linux")]
#[test]
fn where_the_host_has_lower_limits_they_are_kept() {
    const FILES: libc::rlim_t = 40;
    let lower = |command: &mut Command| {
        let lower = || {
            let few = libc::rlimit { rlim_cur: FILES, rlim_max: FILES };
            // SAFETY: may be called between fork and exec; a plain struct, read only.
            match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const few) } {
                0 => Ok(()),
                _ => Err(io::Error::last_os_error()),
            }
        };
        // SAFETY: as above.
        unsafe { command.pre_exec(lower) };
    };
    if elsewhere("where_the_host_has_lower_limits_they_are_kept", lower) {
        let path = file("lower");
        let script = format!("sleep 0.1; ulimit -Hn > {}", path.display());
        let end = run(&mut shell(&script), ChildLimits::default(), &|| false).expect("runs");
        assert_eq!(end, End::Code(0));
        assert_eq!(std::fs::read_to_string(&path).expect("wrote").trim(), FILES.to_string());
        let _ = std::fs::remove_file(path);
    }
}
