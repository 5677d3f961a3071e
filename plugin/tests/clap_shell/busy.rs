//! What both formats tell a host whose call the control thread does not come to in time.

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Barrier;
use std::sync::atomic::AtomicI32;

use super::raw_host::vst3::Shape;
use super::*;

/// What held threads read from.
static GATE: AtomicI32 = AtomicI32::new(-1);
/// How many threads are held.
static HELD: AtomicUsize = AtomicUsize::new(0);

/// Holds the thread that it interrupts until the gate is closed. Only calls that a signal handler may make.
extern "C" fn hold(_: libc::c_int) {
    HELD.fetch_add(1, Ordering::SeqCst);
    let mut byte = 0_u8;
    // SAFETY: one byte of room; the place of `errno` is this thread's.
    unsafe {
        let errno = libc::__errno_location();
        let before = *errno;
        while libc::read(GATE.load(Ordering::SeqCst), (&raw mut byte).cast(), 1) < 0 && *errno == libc::EINTR
        {
        }
        *errno = before;
    }
    HELD.fetch_sub(1, Ordering::SeqCst);
}

/// The control threads of this process, which get no further until this is dropped.
struct Held {
    write: Option<OwnedFd>,
    _read: OwnedFd,
}

impl Held {
    fn control_threads() -> Self {
        let (read, write) = std::io::pipe().expect("a pipe");
        GATE.store(read.as_raw_fd(), Ordering::SeqCst);
        // SAFETY: zero is a value of each field, and the handler lives as long as the program.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = hold as extern "C" fn(libc::c_int) as libc::sighandler_t;
            action.sa_flags = libc::SA_RESTART;
            assert_eq!(libc::sigaction(libc::SIGUSR2, &raw const action, std::ptr::null_mut()), 0);
        }
        let mut count = 0;
        for task in std::fs::read_dir("/proc/self/task").expect("Linux").flatten() {
            let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            if name.starts_with("krach-control") {
                let id: libc::pid_t = task.file_name().to_str().expect("a number").parse().expect("a number");
                // SAFETY: a signal to a thread of this process, which has a handler for it.
                let sent = unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), id, libc::SIGUSR2) };
                assert_eq!(sent, 0);
                count += 1;
            }
        }
        assert_eq!(count, 4, "one for each instance");
        settled(count);
        Self { write: Some(write.into()), _read: read.into() }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.write.take());
        settled(0);
    }
}

/// Waits until so many threads are held.
fn settled(count: usize) {
    let there = (0..60_000).any(|_| {
        std::thread::sleep(Duration::from_millis(1));
        HELD.load(Ordering::SeqCst) == count
    });
    assert!(there, "{} of {count} are held", HELD.load(Ordering::SeqCst));
}

/// What a host does while the control thread is held.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Call {
    Save,
    Load,
}

/// What came of it.
struct Outcome {
    /// Did the call succeed?
    done: bool,
    /// What is saved afterwards.
    saved: Option<Vec<u8>>,
    /// The peak of what sounds then.
    peak: f32,
}

/// One host, in step with the others: ready, held, told, free.
fn act(
    call: Call,
    steps: &Barrier,
    save: impl Fn() -> Option<Vec<u8>>,
    load: impl Fn(&[u8]) -> bool,
    play: impl FnOnce() -> f32,
) -> Outcome {
    steps.wait();
    steps.wait();
    let done = match call {
        Call::Save => save().is_some(),
        Call::Load => load(&chunk(vec![])),
    };
    steps.wait();
    steps.wait();
    let saved = save();
    Outcome { done, saved, peak: play() }
}

fn in_clap(call: Call, steps: &Barrier) -> Outcome {
    let host = Host::new();
    let (plugin, mut block) = playing(&host, &sine(), 512);
    let play = || {
        render(&plugin, &mut block, 9600, &[512], &[]);
        peak(block.main())
    };
    let outcome = act(call, steps, || plugin.save(), |chunk| plugin.load(chunk), play);
    plugin.destroy();
    outcome
}

fn in_vst3(call: Call, steps: &Barrier) -> Outcome {
    let plugin = std::cell::RefCell::new(vst3::active(&sine(), 512));
    let play = || {
        let block = || plugin.borrow_mut().render(512, &[], Shape::Whole).expect("it renders");
        (0..20).fold(0.0, |_, _| peak(&block()[0]))
    };
    let (save, load) = (|| plugin.borrow().save(), |chunk: &[u8]| plugin.borrow().load(chunk));
    act(call, steps, save, load, play)
}

#[test]
fn a_call_that_is_not_served_in_time_fails_and_does_not_act_later() {
    let _turn = alone();
    let steps = Barrier::new(5);
    std::thread::scope(|scope| {
        let start = |run: fn(Call, &Barrier) -> Outcome, call| {
            let steps = &steps;
            scope.spawn(move || run(call, steps))
        };
        let saves = [start(in_clap, Call::Save), start(in_vst3, Call::Save)];
        let loads = [start(in_clap, Call::Load), start(in_vst3, Call::Load)];
        steps.wait();
        let held = Held::control_threads();
        steps.wait();
        steps.wait();
        drop(held);
        steps.wait();
        for (format, save) in ["CLAP", "VST3"].iter().zip(saves) {
            let Outcome { done, saved, peak } = save.join().expect("no panic");
            assert!(!done, "{format}: a save that has no session is no success");
            let payload = Payload::decode(&saved.expect("it is saved now")).expect("our own");
            let sine = Payload::decode(&sine()).expect("our own");
            assert_eq!(payload.session(), sine.session(), "{format}: the present session");
            assert!(peak > 0.05, "{format}");
        }
        for (format, load) in ["CLAP", "VST3"].iter().zip(loads) {
            let Outcome { done, saved, peak } = load.join().expect("no panic");
            assert!(!done, "{format}: a load that was given up is no success");
            assert_eq!(saved, Some(chunk(vec![])), "{format}: verbatim");
            assert!(peak > 0.05, "{format}: the old session plays on");
        }
    });
}
