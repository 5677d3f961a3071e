//! Processes blocks on a guarded thread while other threads flood the socket.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::flood::{self, Flood, Sending, Stall, Stalls};
use super::{alloc, syscalls};
use crate::client::Client;
use crate::error::HostError;
use crate::events::InputEvent;
use crate::hosted::{Hosted, MainThread, Playing};
use crate::instance::Instance;
use crate::render::TimedInput;
use crate::threads::AudioScope;
use crate::transport::{BlockPlan, Blocks, Player, Script};
use crate::vst3::Vst3Instance;

/// What the main thread does meanwhile, as hosts do: state is saved and loaded there while audio runs.
#[derive(Clone, Copy, Debug)]
pub struct MainWork {
    /// Done again whenever this many more frames were processed; blocks wait if it falls behind by
    /// as many again.
    pub every: u64,
    /// What is done; gets the number of the turn, from 0.
    pub act: fn(&mut dyn MainThread, u64),
}

/// A guarded run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The `.clap` or `.vst3`.
    pub plugin: PathBuf,
    /// Id within the library; see [`crate::Library::plugin`].
    pub plugin_id: Option<String>,
    /// Frames per second.
    pub sample_rate: f64,
    /// How time is cut.
    pub blocks: Blocks,
    /// What the transport does.
    pub script: Script,
    /// How much is processed.
    pub frames: u64,
    /// Blocks on the same thread before the guards go up; afterwards a thread's first use of a
    /// library's thread-locals, for which the loader allocates, is over.
    pub warm_up: usize,
    /// Notes, MIDI, parameters.
    pub events: Vec<TimedInput>,
    /// Requests that are sent, and answered, before the first block.
    pub setup: Vec<String>,
    /// What is sent during the run, by clients of different kinds.
    pub floods: Vec<Flood>,
    /// A block waits until the floods have sent this many requests per second of sound before it.
    pub requests_per_second: f64,
    /// When blocks wait beyond that, in order of time.
    pub stalls: Vec<Stall>,
    /// What the main thread does.
    pub main_work: Option<MainWork>,
    /// The first audio input's channels in every block, from the block's first frame on.
    pub sidechain: Vec<Vec<f32>>,
    /// Catch allocations. The program needs [`interpose_malloc!`](crate::interpose_malloc).
    pub guard_alloc: bool,
    /// Catch system calls. The program can run one such scenario, once.
    pub guard_syscalls: bool,
    /// Blocks come at this multiple of real time; `f64::INFINITY` is as fast as they go.
    pub speed: f64,
}

impl Scenario {
    /// Ten seconds at 48 kHz in blocks of 256 at four times real time, both guards up from the first
    /// block on, nothing sent.
    pub fn of(plugin: impl AsRef<Path>) -> Self {
        Self {
            plugin: plugin.as_ref().to_owned(),
            plugin_id: None,
            sample_rate: 48_000.0,
            blocks: Blocks::Fixed(256),
            script: Script::playing(120.0),
            frames: 480_000,
            warm_up: 0,
            events: Vec::new(),
            setup: Vec::new(),
            floods: Vec::new(),
            requests_per_second: 0.0,
            stalls: Vec::new(),
            main_work: None,
            sidechain: Vec::new(),
            guard_alloc: true,
            guard_syscalls: true,
            speed: 4.0,
        }
    }
}

/// What a guarded run saw.
#[derive(Clone, Debug)]
pub struct Guarded {
    /// Allocations inside `process`.
    pub alloc: alloc::Caught,
    /// The system call inside `process` at which the run ended, if there was one.
    pub syscall: Option<syscalls::Caught>,
    /// First frame of the first block in which something was caught.
    pub first_caught_at: Option<u64>,
    /// Blocks that were processed.
    pub blocks: usize,
    /// The longest that one block took, on a thread that anything may have interrupted.
    pub worst_block: Duration,
    /// The main output (left, right), as far as it got.
    pub channels: Vec<Vec<f32>>,
    /// Requests that were sent during the run, on all connections.
    pub flooded: u64,
    /// How often the main thread did its work.
    pub main_turns: u64,
    /// The replies to the setup.
    pub setup_replies: Vec<serde_json::Value>,
}

impl Guarded {
    /// Whether nothing was caught.
    pub fn is_clean(&self) -> bool {
        self.alloc.calls == 0 && self.syscall.is_none()
    }

    /// Panics with what was caught, where, and who called.
    pub fn assert_clean(&self) {
        if let Some(call) = &self.syscall {
            panic!(
                "system call {} inside process, in the block at frame {:?}; called from:\n  {}",
                call.name,
                self.first_caught_at,
                call.callers.join("\n  ")
            );
        }
        assert!(
            self.alloc.calls == 0,
            "{} allocations or frees inside process, the first ({} of {} bytes) in the block at frame {:?}; called from:\n  {}",
            self.alloc.calls,
            self.alloc.first,
            self.alloc.first_size,
            self.first_caught_at,
            self.alloc.callers.join("\n  ")
        );
    }
}

/// What the guarded thread and the main thread share.
struct Progress<P> {
    /// Blocks that may be processed: real time, as the main thread counts it.
    allowed: AtomicUsize,
    /// Blocks that are done.
    done: AtomicUsize,
    /// First frame of the first block in which an allocation was caught.
    caught_at: AtomicU64,
    /// Nanoseconds of the longest block.
    worst: AtomicU64,
    finished: AtomicBool,
    failed: AtomicBool,
    /// Filled by the guarded thread before it sets `finished`, taken by the main thread after.
    handed_back: Mutex<Option<(P, Vec<Vec<f32>>)>>,
}

/// Processes the scenario's blocks on a thread of their own under its guards.
///
/// # Errors
/// What the host fails at; a guard that cannot go up is [`HostError::Usage`] with the reason. That
/// something was caught is not an error, see [`Guarded`].
pub fn run_guarded(scenario: &Scenario) -> Result<Guarded, HostError> {
    if scenario.guard_alloc && !alloc::is_live() {
        return Err(HostError::Usage(
            "the allocator guard is not linked in: put krach_host::interpose_malloc!() into the test program"
                .to_owned(),
        ));
    }
    if scenario.plugin.extension() == Some("vst3".as_ref()) {
        run::<Vst3Instance>(scenario)
    } else {
        run::<Instance>(scenario)
    }
}

fn run<I: Hosted>(scenario: &Scenario) -> Result<Guarded, HostError> {
    let talks = !scenario.floods.is_empty() || !scenario.setup.is_empty();
    let id = scenario.plugin_id.as_deref();
    let mut instance = I::open(&scenario.plugin, id, talks.then_some(Duration::from_secs(10)))?;
    let max_frames = scenario.blocks.longest().max(1);
    let mut processor = instance.activate(scenario.sample_rate, max_frames)?;
    for (buffer, samples) in processor.input_mut(0).iter_mut().zip(&scenario.sidechain) {
        let there = buffer.len().min(samples.len());
        buffer[..there].copy_from_slice(&samples[..there]);
    }
    let setup_replies = set_up(&mut instance, &scenario.setup)?;

    let mut player = Player::new(&scenario.script, &scenario.blocks, scenario.sample_rate);
    let blocks = with_events(player.plan(scenario.frames), &scenario.events);
    let frames: usize = blocks.iter().map(|(plan, _)| plan.frames).sum();
    // One by one: a clone of an empty vector would forget its capacity.
    let channels = (0..processor.output_channels(0)).map(|_| Vec::with_capacity(frames)).collect();
    let progress = Arc::new(Progress {
        allowed: AtomicUsize::new(0),
        done: AtomicUsize::new(0),
        caught_at: AtomicU64::new(u64::MAX),
        worst: AtomicU64::new(0),
        finished: AtomicBool::new(false),
        failed: AtomicBool::new(false),
        handed_back: Mutex::new(None),
    });
    alloc::take();
    let due: Vec<f64> = blocks.iter().map(|(plan, _)| plan.start as f64 / scenario.sample_rate).collect();
    let starts: Vec<u64> = blocks.iter().map(|(plan, _)| plan.start).collect();

    let sending = Arc::new(Sending::default());
    let flooders = flood::start(&scenario.floods, instance.socket(), &sending)?;
    let audio = {
        let progress = Arc::clone(&progress);
        let scenario = scenario.clone();
        std::thread::spawn(move || guarded_thread(&scenario, processor, &blocks, channels, &progress))
    };

    let began = Instant::now();
    // A run may take as long as it has blocks; one that stands still has hung.
    let limit = Duration::from_secs(120);
    let mut progressed = (0, began);
    let mut syscall = None;
    let mut stalls = Stalls::new(&scenario.stalls);
    let mut main_turns = 0;
    while !progress.finished.load(Ordering::Acquire) && !progress.failed.load(Ordering::Acquire) {
        let now = began.elapsed().as_secs_f64() * scenario.speed;
        let sent = sending.count();
        let requested = match scenario.requests_per_second {
            rate if rate > 0.0 => sent as f64 / rate,
            _ => f64::INFINITY,
        };
        let done = progress.done.load(Ordering::Acquire);
        let allowed = due.partition_point(|due| *due <= now.min(requested));
        let allowed = match scenario.main_work {
            Some(work) => allowed.min(starts.partition_point(|start| *start < (main_turns + 2) * work.every)),
            None => allowed,
        };
        let allowed = stalls.hold_back(allowed, done, sent, &starts);
        progress.allowed.store(allowed, Ordering::Release);
        instance.idle();
        if let Some(work) = scenario.main_work {
            let passed = starts.get(done).copied().unwrap_or(0);
            if passed >= (main_turns + 1) * work.every {
                (work.act)(&mut instance, main_turns);
                main_turns += 1;
            }
        }
        syscall = syscalls::caught();
        if syscall.is_some() {
            break;
        }
        if done != progressed.0 {
            progressed = (done, Instant::now());
        }
        if progressed.1.elapsed() > limit {
            let at = progress.done.load(Ordering::Acquire);
            return Err(HostError::Process { at: starts.get(at).copied().unwrap_or(0), frames: max_frames });
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    sending.stop();
    for flooder in flooders {
        // One that panicked has sent what it had counted.
        let _ = flooder.join();
    }
    let flooded = sending.count();
    if progress.failed.load(Ordering::Acquire) {
        return Err(HostError::Usage("the guards could not be put up, or process failed".to_owned()));
    }
    let blocks_done = progress.done.load(Ordering::Acquire);
    let caught_at = progress.caught_at.load(Ordering::Acquire);
    let mut first_caught_at = (caught_at != u64::MAX).then_some(caught_at);
    let mut channels = Vec::new();
    if syscall.is_some() {
        first_caught_at = first_caught_at.or_else(|| starts.get(blocks_done).copied());
        // The thread hangs in the plugin's code for ever, so the instance must outlive it.
        std::mem::forget(instance);
    } else {
        if !scenario.guard_syscalls {
            let _ = audio.join();
        }
        let handed_back = progress.handed_back.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((processor, recorded)) = handed_back {
            instance.deactivate(processor);
            channels = recorded;
        }
    }
    Ok(Guarded {
        alloc: alloc::take(),
        syscall,
        first_caught_at,
        blocks: blocks_done,
        worst_block: Duration::from_nanos(progress.worst.load(Ordering::Acquire)),
        channels,
        flooded,
        main_turns,
        setup_replies,
    })
}

fn set_up(instance: &mut impl MainThread, lines: &[String]) -> Result<Vec<serde_json::Value>, HostError> {
    let Some(socket) = instance.socket().filter(|_| !lines.is_empty()) else {
        return Ok(Vec::new());
    };
    let mut client = Client::connect(socket)?;
    lines.iter().map(|line| client.request(line)).collect()
}

/// The plans, each with the events that fall into it.
fn with_events(plans: Vec<BlockPlan>, events: &[TimedInput]) -> Vec<(BlockPlan, Vec<InputEvent>)> {
    let mut events = events.to_vec();
    events.sort_by_key(|event| event.frame);
    let mut rest = events.into_iter().peekable();
    plans
        .into_iter()
        .map(|plan| {
            let end = plan.start + plan.frames as u64;
            let mut inside = Vec::new();
            while let Some(event) = rest.next_if(|event| event.frame < end) {
                inside.push(InputEvent {
                    offset: event.frame.saturating_sub(plan.start) as u32,
                    kind: event.kind,
                });
            }
            (plan, inside)
        })
        .collect()
}

fn guarded_thread<P: Playing>(
    scenario: &Scenario,
    mut processor: P,
    blocks: &[(BlockPlan, Vec<InputEvent>)],
    mut channels: Vec<Vec<f32>>,
    progress: &Progress<P>,
) {
    let _audio = AudioScope::enter();
    if processor.start().is_err() {
        progress.failed.store(true, Ordering::Release);
        return;
    }
    let mut guarded = false;
    for (index, (plan, events)) in blocks.iter().enumerate() {
        if index >= scenario.warm_up && !guarded {
            guarded = true;
            if scenario.guard_syscalls && syscalls::forbid().is_err() {
                progress.failed.store(true, Ordering::Release);
                return;
            }
        }
        while progress.allowed.load(Ordering::Acquire) <= index {
            std::hint::spin_loop();
        }
        // The clock is read without a system call.
        let began = Instant::now();
        let armed = (guarded && scenario.guard_alloc).then(alloc::Armed::new);
        let answer = processor.process(plan, events);
        drop(armed);
        progress.worst.fetch_max(began.elapsed().as_nanos() as u64, Ordering::AcqRel);
        if alloc::count() > 0 {
            let _ = progress.caught_at.compare_exchange(
                u64::MAX,
                plan.start,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
        }
        if answer.is_err() {
            progress.failed.store(true, Ordering::Release);
            break;
        }
        for (channel, samples) in channels.iter_mut().enumerate() {
            // Within the capacity that was reserved: no allocation.
            samples.extend_from_slice(processor.output(0, channel));
        }
        processor.clear_sent();
        progress.done.store(index + 1, Ordering::Release);
    }
    // Nobody else holds this lock before `finished`, so taking it is one atomic exchange.
    *progress.handed_back.lock().unwrap_or_else(PoisonError::into_inner) = Some((processor, channels));
    progress.finished.store(true, Ordering::Release);
    if scenario.guard_syscalls && guarded {
        syscalls::park();
    }
}
