//! Three threads that compile for everyone in the process: sound first, fast code after, and no more
//! than two of them for one instance.
//!
//! A job gives its quick code as soon as it can, then queues up for optimisation behind all quick work.
//! The newest job of a node wins: an older one is cancelled, its child process killed, the result of
//! an LLVM run that cannot be interrupted dropped. After a cancel nothing of the job is heard any more.

use crate::compiler::{Compiled, Compiler, Prepared};
use crate::cpu::Tier;
use crate::error::CompileError;
use crate::source::Source;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// One more than an instance may keep busy: text that compiles for ever in one of them is not felt in
/// the others.
const THREADS: usize = 3;
/// Jobs of one instance that run at a time.
const OF_ONE_OWNER: usize = 2;
/// LLVM recurses deeply on large programs.
const STACK: usize = 64 << 20;
/// How long the end of the process waits for an LLVM run, which cannot be stopped. Going on while one runs
/// destroys LLVM's objects under it and crashes the host as it leaves; on a busy machine the largest
/// program that is optimised takes some seconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whose job it is: an instance, and a node of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JobKey {
    /// The instance.
    pub owner: u64,
    /// The node.
    pub node: String,
}

/// What became of a job.
#[derive(Debug)]
pub struct Outcome {
    /// Whose.
    pub key: JobKey,
    /// Which code.
    pub tier: Tier,
    /// The code, or why there is none.
    pub result: Result<Compiled, CompileError>,
    /// Whether better code follows.
    pub more: bool,
}

/// What a compile is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be heard: quick code as soon as possible, then optimised code.
    Play,
    /// To know now whether it compiles, and what comes of it: quick code only.
    Try,
    /// To know some time: quick code only, one at a time, when nobody waits for anything else.
    Check,
}

/// Where outcomes go. Called on a compile thread, which it must not hold up.
pub type Heed = Box<dyn Fn(Outcome) + Send>;

struct Job {
    key: JobKey,
    purpose: Purpose,
    cancelled: Arc<AtomicBool>,
    heed: Heed,
    work: Work,
}

enum Work {
    Begin(Source),
    Optimise(Box<Prepared>),
}

#[derive(Default)]
struct Queue {
    begin: VecDeque<Job>,
    optimise: VecDeque<Job>,
    check: VecDeque<Job>,
    current: HashMap<JobKey, Arc<AtomicBool>>,
    running: usize,
    running_of: HashMap<u64, usize>,
    stopped: bool,
}

impl Queue {
    fn cancel(&mut self, which: impl Fn(&JobKey) -> bool) {
        self.current.retain(|key, cancelled| {
            let hit = which(key);
            if hit {
                cancelled.store(true, Ordering::Release);
            }
            !hit
        });
        let wanted = |job: &Job| !job.cancelled.load(Ordering::Acquire);
        self.begin.retain(wanted);
        self.optimise.retain(wanted);
        self.check.retain(wanted);
    }

    /// The next job: quick work before slow work, that of the owner with the least running first, and in
    /// the order of asking.
    fn next(&mut self) -> Option<Job> {
        let running = |job: &Job| self.running_of.get(&job.key.owner).copied().unwrap_or(0);
        for queue in [&mut self.begin, &mut self.optimise] {
            let next = (0..queue.len()).min_by_key(|&at| (running(&queue[at]), at));
            if let Some(next) = next.filter(|&at| running(&queue[at]) < OF_ONE_OWNER) {
                return queue.remove(next);
            }
        }
        // Not beside anything either: a spare thread is for what somebody waits for.
        if self.running > 0 {
            return None;
        }
        self.check.pop_front()
    }

    fn begins(&mut self, owner: u64) {
        self.running += 1;
        *self.running_of.entry(owner).or_default() += 1;
    }

    fn ends(&mut self, owner: u64) {
        self.running -= 1;
        if let Some(running) = self.running_of.get_mut(&owner) {
            *running -= 1;
            if *running == 0 {
                self.running_of.remove(&owner);
            }
        }
    }
}

struct Shared {
    compiler: Arc<Compiler>,
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The compile threads. Dropping the last owner cancels all work and joins them.
pub struct Workers {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

static PROCESS: Mutex<Weak<Workers>> = Mutex::new(Weak::new());

impl Workers {
    /// Threads of their own.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub fn start(compiler: Arc<Compiler>) -> io::Result<Self> {
        let shared = Arc::new(Shared { compiler, queue: Mutex::default(), changed: Condvar::new() });
        let workers = Self { shared, threads: Mutex::default() };
        for number in 0..THREADS {
            let shared = workers.shared.clone();
            let thread = std::thread::Builder::new()
                .name(format!("krach-faust-{number}"))
                .stack_size(STACK)
                .spawn(move || work(&shared))?;
            workers.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        Ok(workers)
    }

    /// The threads of this process: those that run, or new ones with the compiler that `make` gives.
    ///
    /// # Errors
    /// If `make` fails or the system gives no threads.
    pub fn of_process<E: From<io::Error>>(
        make: impl FnOnce() -> Result<Compiler, E>,
    ) -> Result<Arc<Self>, E> {
        let mut process = PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(workers) = process.upgrade().filter(|workers| !workers.shared.queue().stopped) {
            return Ok(workers);
        }
        let workers = Arc::new(Self::start(Arc::new(make()?))?);
        *process = Arc::downgrade(&workers);
        stop_before_exit();
        Ok(workers)
    }

    /// The compiler that they work with.
    pub fn compiler(&self) -> &Compiler {
        &self.shared.compiler
    }

    /// Compiles `source` for a node, in place of whatever is being compiled for it. Outcomes go to
    /// `reply`: quick code and then optimised code, or optimised code at once if it is cached, or an error.
    pub fn submit(&self, key: JobKey, source: Source, reply: Sender<Outcome>) {
        let heed = move |outcome| drop(reply.send(outcome));
        self.submit_for(Purpose::Play, key, source, Box::new(heed));
    }

    /// As [`Self::submit`], for a purpose and to any listener.
    pub fn submit_for(&self, purpose: Purpose, key: JobKey, source: Source, heed: Heed) {
        let cancelled = Arc::new(AtomicBool::new(false));
        let mut queue = self.shared.queue();
        queue.cancel(|other| *other == key);
        if queue.stopped {
            return;
        }
        queue.current.insert(key.clone(), cancelled.clone());
        let job = Job { key, purpose, cancelled, heed, work: Work::Begin(source) };
        if purpose == Purpose::Check {
            queue.check.push_back(job);
        } else {
            queue.begin.push_back(job);
        }
        self.shared.changed.notify_all();
    }

    /// Drops the job of a node.
    pub fn cancel(&self, key: &JobKey) {
        self.shared.queue().cancel(|other| other == key);
    }

    /// Drops all jobs of an instance.
    pub fn cancel_owner(&self, owner: u64) {
        self.shared.queue().cancel(|other| other.owner == owner);
    }

    /// Gives up one owner's share. The last one ends the threads; should an LLVM run, which cannot be
    /// stopped, last longer than `patience`, it is left alone and this library stays loaded for it.
    pub fn leave(workers: Arc<Self>, patience: Duration) {
        if Arc::strong_count(&workers) == 1 && !workers.stop(patience) {
            stay_loaded();
            std::mem::forget(workers);
        }
    }

    /// Cancels everything for good and waits for what runs; false if something still does after
    /// `patience` (an LLVM run): then this library must stay loaded.
    pub fn stop(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let mut queue = self.shared.queue();
        queue.stopped = true;
        queue.cancel(|_| true);
        self.shared.changed.notify_all();
        while queue.running > 0 {
            let Some(left) = until.checked_duration_since(Instant::now()) else { return false };
            queue = self.shared.changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop(Duration::ZERO);
        for thread in self.threads.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = thread.join();
        }
    }
}

/// Keeps the library that holds this function in memory until the process ends, whatever its host does.
fn stay_loaded() {
    // SAFETY: all zeros is a value of this plain C struct.
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    let here = stay_loaded as fn() as *const std::ffi::c_void;
    // SAFETY: `info` is valid for writes; the name that it then points to lives as long as the library.
    // Opening what is open already runs no code.
    unsafe {
        if libc::dladdr(here, &raw mut info) != 0 && !info.dli_fname.is_null() {
            libc::dlopen(info.dli_fname, libc::RTLD_NOW | libc::RTLD_NODELETE);
        }
    }
}

/// Has the process stop its workers when it ends, before LLVM's objects are destroyed. Destructors run
/// in reverse order, and LLVM makes some objects only when it first compiles: so the hook is set again
/// after the first jobs.
fn stop_before_exit() {
    const TIMES: u32 = 5;
    static SET: AtomicU32 = AtomicU32::new(0);
    if SET.load(Ordering::Relaxed) < TIMES && SET.fetch_add(1, Ordering::Relaxed) < TIMES {
        // SAFETY: a plain function that lives as long as this library; the C library calls it before
        // the library goes.
        unsafe { libc::atexit(stop_at_exit) };
    }
}

extern "C" fn stop_at_exit() {
    // Whoever holds the lock holds it no longer than a start takes; at exit it may never come back.
    let workers = PROCESS.try_lock().ok().and_then(|process| process.upgrade());
    if let Some(workers) = workers {
        workers.stop(PATIENCE);
        std::mem::forget(workers);
    }
}

fn work(shared: &Shared) {
    let mut queue = shared.queue();
    loop {
        if queue.stopped {
            return;
        }
        let Some(mut job) = queue.next() else {
            queue = shared.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        queue.begins(job.key.owner);
        drop(queue);
        let (key, cancelled) = (job.key.clone(), job.cancelled.clone());
        let heed = std::mem::replace(&mut job.heed, Box::new(drop));
        let tier = if matches!(job.work, Work::Begin(_)) { Tier::Quick } else { Tier::Optimised };
        let done = catch_unwind(AssertUnwindSafe(|| run(&shared.compiler, job)));
        stop_before_exit();
        queue = shared.queue();
        queue.ends(key.owner);
        shared.changed.notify_all();
        // Under the lock: what is cancelled from here on was heard before the cancel returned.
        if cancelled.load(Ordering::Acquire) {
            continue;
        }
        let (outcome, next) = done.unwrap_or_else(|_| {
            let result = Err(CompileError::Code("the compiler failed on it".to_owned()));
            (Outcome { key: key.clone(), tier, result, more: false }, None)
        });
        if next.is_none() {
            queue.current.remove(&key);
        }
        heed(outcome);
        if let Some(job) = next {
            queue.optimise.push_back(Job { heed, ..job });
        }
    }
}

/// One step of a job: its outcome, and the step that follows.
fn run(compiler: &Compiler, job: Job) -> (Outcome, Option<Job>) {
    let Job { key, purpose, cancelled, heed, work } = job;
    let is_cancelled = || cancelled.load(Ordering::Acquire);
    let outcome = |tier, result, more| Outcome { key: key.clone(), tier, result, more };
    match work {
        Work::Begin(source) => {
            let started = Instant::now();
            let mut prepared = match compiler.prepare(&source) {
                Ok(prepared) => prepared,
                Err(error) => return (outcome(Tier::Quick, Err(error), false), None),
            };
            let gathered = started.elapsed();
            if let Some(mut compiled) = compiler.cached(&prepared, Tier::Optimised) {
                compiled.timings.gather += gathered;
                return (outcome(Tier::Optimised, Ok(compiled), false), None);
            }
            let mut result = compiler.finish(&mut prepared, Tier::Quick, &is_cancelled);
            if let Ok(compiled) = &mut result {
                compiled.timings.gather += gathered;
            }
            let next = (result.is_ok() && purpose == Purpose::Play).then(|| Job {
                key: key.clone(),
                purpose,
                cancelled: cancelled.clone(),
                heed,
                work: Work::Optimise(Box::new(prepared)),
            });
            (outcome(Tier::Quick, result, next.is_some()), next)
        }
        Work::Optimise(mut prepared) => {
            let result = compiler.finish(&mut prepared, Tier::Optimised, &is_cancelled);
            (outcome(Tier::Optimised, result, false), None)
        }
    }
}
