//! Three threads that compile for everyone in the process: sound first, fast code after, and no more
//! than two of them for one instance.
//!
//! A job gives its quick code as soon as it can, then queues up for optimisation behind all quick work.
//! What is being made for one job is not made for another meanwhile: that one gets the same result.
//! The newest job of a node wins: an older one is cancelled, its child process killed, the result of
//! an LLVM run that cannot be interrupted dropped. After a cancel nothing of the job is heard any more.

use crate::compiler::{Compiled, Compiler, Prepared};
use crate::cpu::Tier;
use crate::error::CompileError;
use crate::object::ObjectKey;
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
pub enum JobKind {
    /// To be heard: quick code as soon as possible, then optimised code.
    Play,
    /// To know now whether it compiles, and what comes of it: quick code only.
    Try,
    /// To know some time: quick code only, one at a time, when nobody waits for anything else.
    Check,
}

/// Takes an outcome on a compile thread, without any lock: what remains to be made of it, such as linking, is
/// made here. A panic becomes an error, which is then the outcome.
pub type OnOutcome = Box<dyn Fn(Outcome) -> Delivery + Send>;

/// Hands over what [`OnOutcome`] made of an outcome, unless the job was cancelled meanwhile. Called under the lock
/// of the queue, on which every instance waits: it sends, and does nothing else.
pub type Delivery = Box<dyn FnOnce() + Send>;

/// Who wants something compiled.
struct Client {
    key: JobKey,
    purpose: JobKind,
    cancelled: Arc<AtomicBool>,
    heed: OnOutcome,
}

impl Client {
    fn is_gone(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }
}

struct Job {
    client: Client,
    work: Work,
}

enum Work {
    /// Read the text.
    Begin(Source),
    /// Make the code of a tier; reading the text took so long.
    Make(Box<Prepared>, Tier, Duration),
}

/// What became of a step of a job.
struct Ended {
    client: Client,
    /// `None`: it is cancelled, or its client cannot take even an error.
    delivery: Option<Delivery>,
    /// What is optimised next.
    next: Option<Box<Prepared>>,
}

impl Ended {
    /// Has the client take the outcome; without the lock. What was `prepared` is optimised next, if it is to be
    /// heard.
    fn new(
        client: Client,
        tier: Tier,
        result: Result<Compiled, CompileError>,
        prepared: Option<Box<Prepared>>,
    ) -> Self {
        if client.is_gone() {
            return Self { client, delivery: None, next: None };
        }
        let heard = tier == Tier::Quick && client.purpose == JobKind::Play;
        let mut next = prepared.filter(|_| heard && result.is_ok());
        let take = |result, more| {
            let outcome = Outcome { key: client.key.clone(), tier, result, more };
            let has_code = outcome.result.is_ok();
            let taken = apart(|| Ok((client.heed)(outcome)));
            if has_code {
                stop_before_exit(After::Link);
            }
            taken
        };
        let delivery = take(result, next.is_some()).or_else(|error| {
            next = None;
            take(Err(error), false)
        });
        Self { delivery: delivery.ok(), next, client }
    }
}

#[derive(Default)]
struct Queue {
    begin: VecDeque<Job>,
    optimise: VecDeque<Job>,
    check: VecDeque<Job>,
    /// What is being made now, and the jobs that want the same.
    making: HashMap<ObjectKey, Vec<Job>>,
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
        let wanted = |job: &Job| !job.client.is_gone();
        self.begin.retain(wanted);
        self.optimise.retain(wanted);
        self.check.retain(wanted);
        self.making.values_mut().for_each(|jobs| jobs.retain(wanted));
    }

    /// A job that has to wait for its turn again, before others of its kind.
    fn put_back(&mut self, job: Job) {
        match (&job.work, job.client.purpose) {
            (Work::Make(_, Tier::Optimised, _), _) => self.optimise.push_front(job),
            (_, JobKind::Check) => self.check.push_front(job),
            _ => self.begin.push_front(job),
        }
    }

    /// Delivers what became of a job. Called under the lock: what is cancelled from here on was delivered before
    /// the cancel returned.
    fn deliver(&mut self, ended: Ended) {
        let Ended { client, delivery, next } = ended;
        if client.is_gone() {
            return;
        }
        if let Some(delivery) = delivery {
            // A panic in it costs its client the outcome, and nobody a thread.
            let _ = catch_unwind(AssertUnwindSafe(delivery));
        }
        match next {
            Some(prepared) => {
                let work = Work::Make(prepared, Tier::Optimised, Duration::ZERO);
                self.optimise.push_back(Job { client, work });
            }
            None => drop(self.current.remove(&client.key)),
        }
    }

    /// The next job: quick work before slow work, that of the owner with the least running first, and in
    /// the order of asking.
    fn next(&mut self) -> Option<Job> {
        let running = |job: &Job| self.running_of.get(&job.client.key.owner).copied().unwrap_or(0);
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
        stop_before_exit(After::Start);
        Ok(workers)
    }

    /// The compiler that they work with.
    pub fn compiler(&self) -> &Compiler {
        &self.shared.compiler
    }

    /// Compiles `source` for a node, in place of whatever is being compiled for it. Outcomes go to
    /// `reply`: quick code and then optimised code, or optimised code at once if it is cached, or an error.
    pub fn submit(&self, key: JobKey, source: Source, reply: Sender<Outcome>) {
        let heed = move |outcome| -> Delivery {
            let reply = reply.clone();
            Box::new(move || drop(reply.send(outcome)))
        };
        self.submit_for(JobKind::Play, key, source, Box::new(heed));
    }

    /// As [`Self::submit`], for a purpose and to any listener.
    pub fn submit_for(&self, purpose: JobKind, key: JobKey, source: Source, heed: OnOutcome) {
        let cancelled = Arc::new(AtomicBool::new(false));
        let mut queue = self.shared.queue();
        queue.cancel(|other| *other == key);
        if queue.stopped {
            return;
        }
        queue.current.insert(key.clone(), cancelled.clone());
        let client = Client { key, purpose, cancelled, heed };
        let job = Job { client, work: Work::Begin(source) };
        if purpose == JobKind::Check {
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

/// After what the hook at the end of the process is set again.
#[derive(Clone, Copy)]
enum After {
    /// The threads were started.
    Start,
    /// LLVM made code without much optimisation.
    Quick,
    /// LLVM optimised code.
    Optimised,
    /// Code was linked.
    Link,
}

/// Has the process stop its workers when it ends, before LLVM's objects are destroyed. Destructors run
/// in reverse order, and LLVM makes some objects only when it first does a thing: so the hook is set again
/// after the first times of each, whatever else was done before.
fn stop_before_exit(after: After) {
    const TIMES: u32 = 3;
    static SET: [AtomicU32; 4] = [const { AtomicU32::new(0) }; 4];
    let set = &SET[after as usize];
    if set.load(Ordering::Relaxed) < TIMES && set.fetch_add(1, Ordering::Relaxed) < TIMES {
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
        let Some(job) = queue.next() else {
            queue = shared.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        let owner = job.client.key.owner;
        queue.begins(owner);
        queue = step(shared, queue, job);
        queue.ends(owner);
        shared.changed.notify_all();
    }
}

/// Runs the compiler, or what uses its code, without the lock; a panic of its is an error of the program.
fn apart<T>(work: impl FnOnce() -> Result<T, CompileError>) -> Result<T, CompileError> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|_| Err(CompileError::Code("the compiler failed on it".to_owned())))
}

/// One step of a job, and what follows from it.
fn step<'a>(shared: &'a Shared, mut queue: MutexGuard<'a, Queue>, job: Job) -> MutexGuard<'a, Queue> {
    let Job { client, work } = job;
    let (mut prepared, tier, gathered) = match work {
        Work::Make(prepared, tier, gathered) => (prepared, tier, gathered),
        Work::Begin(source) => {
            drop(queue);
            let started = Instant::now();
            let begun = apart(|| {
                let prepared = shared.compiler.prepare(&source)?;
                let cached = shared.compiler.cached(&prepared, Tier::Optimised);
                Ok((Box::new(prepared), cached))
            });
            let gathered = started.elapsed();
            let ended = match begun {
                Ok((prepared, None)) => Err(prepared),
                Ok((_, Some(mut compiled))) => {
                    compiled.timings.gather = gathered;
                    Ok((Tier::Optimised, Ok(compiled)))
                }
                Err(error) => Ok((Tier::Quick, Err(error))),
            };
            match ended {
                Ok((tier, result)) => {
                    let ended = Ended::new(client, tier, result, None);
                    queue = shared.queue();
                    queue.deliver(ended);
                    return queue;
                }
                Err(prepared) => {
                    queue = shared.queue();
                    (prepared, Tier::Quick, gathered)
                }
            }
        }
    };
    if client.is_gone() {
        return queue;
    }
    let made = shared.compiler.key(&prepared, tier);
    if let Some(others) = queue.making.get_mut(&made) {
        others.push(Job { client, work: Work::Make(prepared, tier, gathered) });
        return queue;
    }
    queue.making.insert(made, Vec::new());
    drop(queue);
    let cancelled = client.cancelled.clone();
    let is_gone = move || cancelled.load(Ordering::Acquire);
    let result = apart(|| shared.compiler.finish(&mut prepared, tier, &is_gone));
    stop_before_exit(match tier {
        Tier::Quick => After::Quick,
        Tier::Optimised => After::Optimised,
    });
    queue = shared.queue();
    let mut same = Vec::new();
    for Job { client: other, work } in queue.making.remove(&made).unwrap_or_default() {
        match work {
            Work::Make(own, tier, gathered) if !client.is_gone() => same.push((other, own, tier, gathered)),
            // It was stopped, or may have been: nobody wants it for the one that it was made for.
            work => queue.put_back(Job { client: other, work }),
        }
    }
    drop(queue);
    let others = same.into_iter().map(|(other, mut own, tier, gathered)| {
        own.share(&prepared);
        let result = result.clone().map(|compiled| of_own(compiled, &own, gathered));
        Ended::new(other, tier, result, Some(own))
    });
    let mut ended: Vec<Ended> = others.collect();
    let result = result.map(|compiled| of_own(compiled, &prepared, gathered));
    ended.push(Ended::new(client, tier, result, Some(prepared)));
    queue = shared.queue();
    ended.into_iter().for_each(|ended| queue.deliver(ended));
    queue
}

/// What was made, as it is for a job with this text, which took so long to read.
fn of_own(mut compiled: Compiled, prepared: &Prepared, gathered: Duration) -> Compiled {
    compiled.text = prepared.text().clone();
    compiled.timings.gather += gathered;
    compiled
}
