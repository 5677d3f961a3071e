//! Any chunk at all, given to an instance in a process of its own that has little memory and little time:
//! it loads or it is refused, what was refused is saved back to the byte, and the process lives.
//!
//! The parent makes the chunks and sends them; the child is the same test program under limits.

pub mod crowd;
mod make;
mod patterns;

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use krach::instance::Instance;
use krach::state::StateError;

use crate::wire_client::Home;

/// Set for the child.
const CHILD: &str = "KRACH_CHUNKS_CHILD";
/// Address space beyond what the program has when it begins.
const MEMORY: u64 = 1 << 30;
/// Seconds of processor time for a chunk, with its load, save, load and save. Code that is not optimised
/// takes several times as long.
const SECONDS: u64 = if cfg!(debug_assertions) { 10 } else { 2 };
/// Chunks between two lines of progress.
const PROGRESS: u64 = 10_000;
/// Chunks that one instance gets.
const PER_INSTANCE: usize = 200;

/// Runs `count` chunks, numbered from `first`, through children of the test `name`.
pub fn run(name: &str, first: u64, count: u64) {
    if std::env::var_os(CHILD).is_some() {
        return child();
    }
    let (mut loaded, mut refused, mut bytes) = (0, 0, 0);
    let (mut longest, mut before) = ((Duration::ZERO, first), Duration::ZERO);
    let mut process = start(name);
    for number in first..first + count {
        let chunk = make::chunk(number);
        bytes += chunk.len();
        let answer = ask(&mut process, &chunk);
        let used = processor_time(&process);
        longest = longest.max((used.saturating_sub(before), number));
        before = used;
        if (number + 1 - first).is_multiple_of(PROGRESS) {
            println!("{} of {count}: {loaded} loaded, {refused} refused", number + 1 - first);
        }
        match answer {
            Some(b'l') => loaded += 1,
            Some(b'r') => refused += 1,
            answer => {
                let status = process.wait().expect("it ends");
                let path = std::env::temp_dir().join(format!("krach-chunk-{number}"));
                std::fs::write(&path, &chunk).expect("a file can be written");
                panic!("chunk {number} ({}, {} bytes): {answer:?}, {status}", path.display(), chunk.len());
            }
        }
    }
    drop(process.stdin.take());
    assert!(process.wait().expect("it ends").success());
    println!(
        "{loaded} loaded, {refused} refused, {} kB in all, {:.2} ms of processor time each, at most {} ms (chunk {})",
        bytes >> 10,
        before.as_secs_f64() * 1e3 / count as f64,
        longest.0.as_millis(),
        longest.1
    );
    assert!(loaded > count / 10 && refused > count / 10, "both are tried");
}

/// What the process has used, in steps of 10 ms; nothing if it is gone.
fn processor_time(process: &Child) -> Duration {
    let line = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap_or_default();
    // After the name, which stands in brackets: the state is the first, user and system time are the 12th and 13th.
    let fields = line.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    // SAFETY: a number of the system's.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    Duration::from_millis(ticks * 1000 / per_second as u64)
}

fn start(name: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("known"));
    command.args(["--exact", name, "--nocapture", "--include-ignored"]).env(CHILD, "1");
    // An arena of glibc's reserves 64 MiB for each thread, used or not.
    command.env("MALLOC_ARENA_MAX", "1").env("KRACH_FAUST", "none");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the test program can be started");
    // Answers come on standard error: the test harness has the other.
    child.stdout = None;
    child
}

fn ask(process: &mut Child, chunk: &[u8]) -> Option<u8> {
    let to = process.stdin.as_mut()?;
    to.write_all(&(chunk.len() as u64).to_le_bytes()).ok()?;
    to.write_all(chunk).ok()?;
    let mut answer = [0];
    process.stderr.as_mut()?.read_exact(&mut answer).ok()?;
    Some(answer[0])
}

fn child() {
    let home = Home::new("chunks");
    let mut instance = home.instance();
    limit_memory();
    let mut input = std::io::stdin().lock();
    for number in 0.. {
        let mut length = [0; 8];
        if input.read_exact(&mut length).is_err() {
            return;
        }
        let mut chunk = vec![0; u64::from_le_bytes(length) as usize];
        input.read_exact(&mut chunk).expect("all of it");
        if number % PER_INSTANCE == PER_INSTANCE - 1 {
            instance = home.instance();
        }
        limit_time();
        let answer = give(&instance, &chunk);
        std::io::stderr().write_all(&[answer]).expect("the parent listens");
    }
}

/// `l`: it was loaded, and what is saved then loads and is saved the same; `r`: refused, and saved back;
/// `?`: neither.
fn give(instance: &Instance, chunk: &[u8]) -> u8 {
    let load = |chunk: &[u8]| {
        patiently(|| match instance.load_state(chunk) {
            Err(StateError::Unanswered) => None,
            outcome => Some(outcome),
        })
    };
    let save = || patiently(|| instance.save_state_with([].into()));
    let (Some(outcome), Some(saved)) = (load(chunk), save()) else { return b'?' };
    match outcome {
        Err(_) => {
            if saved == chunk {
                b'r'
            } else {
                b'?'
            }
        }
        Ok(()) => {
            let again = load(&saved).is_some_and(|outcome| outcome.is_ok());
            let same = save().is_some_and(|again| again == saved);
            if again && same { b'l' } else { b'?' }
        }
    }
}

/// Asks until there is an answer: on a busy machine ten seconds may pass while little is computed, and what
/// is bounded here is the time of the processor.
fn patiently<T>(ask: impl Fn() -> Option<T>) -> Option<T> {
    (0..30).find_map(|_| ask())
}

fn limit_memory() {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
    let pages: u64 = pages.split(' ').next().expect("a number").parse().expect("a number");
    let most = pages * 4096 + MEMORY;
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: a plain struct, read only.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
}

/// From now on this process may use so much more processor time.
fn limit_time() {
    // SAFETY: all zeros are a valid `rusage`, and the pointer is to it.
    let used = unsafe {
        let mut used: libc::rusage = std::mem::zeroed();
        assert_eq!(libc::getrusage(libc::RUSAGE_SELF, &raw mut used), 0);
        used
    };
    let seconds = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) as u64 + 1 + SECONDS;
    let limit = libc::rlimit { rlim_cur: seconds, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: a plain struct, read only.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_CPU, &raw const limit) }, 0);
}
