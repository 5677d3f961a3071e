//! One instance kept running in real time without a sound card.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use crate::error::HostError;
use crate::hosted::{Hosted, MainThread, Playing};
use crate::instance::Instance;
use crate::library::default_plugin;
use crate::transport::{BlockPlan, Blocks, Player, Script};
use crate::vst3::Vst3Instance;
use crate::wav;

/// What to keep running, and for how long.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// The `.clap` or `.vst3`; without one, [`default_plugin`].
    pub plugin: Option<PathBuf>,
    /// Id of the plugin within it, see [`Library::plugin`](crate::Library::plugin).
    pub plugin_id: Option<String>,
    /// Frames per second.
    pub sample_rate: f64,
    /// Frames per block.
    pub block: usize,
    /// What the transport does.
    pub script: Script,
    /// Ends by itself after this long.
    pub seconds: Option<f64>,
    /// Records the main output here.
    pub record: Option<PathBuf>,
    /// Opens the plugin's window.
    pub window: bool,
    /// Pixels per point of the window, if not the display's own.
    pub scale: Option<f64>,
    /// Writes what the window shows at the end here, as PNG.
    pub picture: Option<PathBuf>,
}

impl Default for ServeOptions {
    /// The default plugin at 48 kHz in blocks of 256, playing at 120 bpm, for ever.
    fn default() -> Self {
        Self {
            plugin: None,
            plugin_id: None,
            sample_rate: 48_000.0,
            block: 256,
            script: Script::playing(120.0),
            seconds: None,
            record: None,
            window: false,
            scale: None,
            picture: None,
        }
    }
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Served {
    /// Frames that were processed.
    pub frames: u64,
    /// The largest absolute sample of the main output.
    pub peak: f32,
    /// How often a block came so late that the clock was set anew instead of catching up.
    pub dropouts: u64,
    /// The longest that one block took inside `process`.
    pub slowest_block: Duration,
}

/// What the audio thread tells; all of it in atomics or in messages.
#[derive(Default)]
struct Watch {
    stop: AtomicBool,
    failed: AtomicBool,
    frames: AtomicU64,
    dropouts: AtomicU64,
    slowest_nanos: AtomicU64,
}

/// Runs an instance until `stop` is set, its time is over, or `process` fails. `ready` is called
/// with the socket's path once it listens.
///
/// # Errors
/// What the host fails at, [`HostError::Process`] among it, and [`HostError::File`] for the record.
pub fn serve(
    options: &ServeOptions,
    stop: &AtomicBool,
    ready: impl FnOnce(Option<&Path>),
) -> Result<Served, HostError> {
    let path = match &options.plugin {
        Some(path) => path.clone(),
        None => default_plugin()?,
    };
    if path.extension() == Some("vst3".as_ref()) {
        serve_as::<Vst3Instance>(&path, options, stop, ready)
    } else {
        serve_as::<Instance>(&path, options, stop, ready)
    }
}

fn serve_as<I: Hosted>(
    path: &Path,
    options: &ServeOptions,
    stop: &AtomicBool,
    ready: impl FnOnce(Option<&Path>),
) -> Result<Served, HostError> {
    let id = options.plugin_id.as_deref();
    let mut instance = I::open(path, id, Some(Duration::from_secs(10)))?;
    // A plugin without the extension is always in realtime.
    let _ = instance.set_offline(false);
    let processor = instance.activate(options.sample_rate, options.block)?;
    let mut tape = Tape::open(options, processor.output_channels(0))?;
    let player = Player::new(&options.script, &Blocks::Fixed(options.block), options.sample_rate);
    let watch = Arc::new(Watch::default());
    let (sender, chunks) = channel();
    let audio = {
        let (watch, rate) = (Arc::clone(&watch), options.sample_rate);
        std::thread::spawn(move || audio_thread(processor, rate, player, &watch, &sender))
    };
    let mut view = open_view(&mut instance, options)?;
    ready(instance.socket());

    let began = Instant::now();
    let over =
        |began: Instant| options.seconds.is_some_and(|seconds| began.elapsed().as_secs_f64() >= seconds);
    while !stop.load(Ordering::Acquire) && !over(began) && !watch.failed.load(Ordering::Acquire) {
        instance.idle();
        if !view.idle(&mut instance)? {
            break;
        }
        tape.drain(&chunks)?;
        std::thread::sleep(Duration::from_millis(1));
    }
    view.close(&mut instance, options)?;
    watch.stop.store(true, Ordering::Release);
    let processor = audio.join().map_err(|_| HostError::Process {
        at: watch.frames.load(Ordering::Acquire),
        frames: options.block,
    })?;
    tape.drain(&chunks)?;
    instance.deactivate(processor);
    let peak = tape.finish()?;
    let frames = watch.frames.load(Ordering::Acquire);
    if watch.failed.load(Ordering::Acquire) {
        return Err(HostError::Process { at: frames, frames: options.block });
    }
    Ok(Served {
        frames,
        peak,
        dropouts: watch.dropouts.load(Ordering::Acquire),
        slowest_block: Duration::from_nanos(watch.slowest_nanos.load(Ordering::Acquire)),
    })
}

/// The window, where there is one.
#[cfg(target_os = "linux")]
struct View(Option<crate::window::Window>);

#[cfg(target_os = "linux")]
fn open_view(instance: &mut impl MainThread, options: &ServeOptions) -> Result<View, HostError> {
    if !options.window && options.picture.is_none() {
        return Ok(View(None));
    }
    let of_clap = || HostError::Usage("this host shows the window of a CLAP: --plugin krach.clap".to_owned());
    let instance = instance.clap().ok_or_else(of_clap)?;
    Ok(View(Some(crate::window::Window::open(instance, options.scale)?)))
}

#[cfg(target_os = "linux")]
impl View {
    /// False once somebody has closed it.
    fn idle(&mut self, instance: &mut impl MainThread) -> Result<bool, HostError> {
        let Some((window, instance)) = self.0.as_mut().zip(instance.clap()) else { return Ok(true) };
        window.idle(instance)?;
        Ok(!window.is_closed())
    }

    fn close(self, instance: &mut impl MainThread, options: &ServeOptions) -> Result<(), HostError> {
        let Some((window, instance)) = self.0.zip(instance.clap()) else { return Ok(()) };
        let picture = options.picture.as_ref().map(|path| window.picture()?.write(path));
        window.close(instance);
        picture.unwrap_or(Ok(()))
    }
}

/// The window, which only X11 has here.
#[cfg(not(target_os = "linux"))]
struct View;

#[cfg(not(target_os = "linux"))]
fn open_view(_: &mut impl MainThread, options: &ServeOptions) -> Result<View, HostError> {
    if options.window || options.picture.is_some() {
        return Err(HostError::Usage("the host's window exists under X11 only".to_owned()));
    }
    Ok(View)
}

#[cfg(not(target_os = "linux"))]
impl View {
    fn idle(&mut self, _: &mut impl MainThread) -> Result<bool, HostError> {
        Ok(true)
    }

    fn close(self, _: &mut impl MainThread, _: &ServeOptions) -> Result<(), HostError> {
        Ok(())
    }
}

/// Processes one block after the other at the clock's pace, and sends each to the main thread.
fn audio_thread<P: Playing>(
    mut processor: P,
    rate: f64,
    mut player: Player,
    watch: &Watch,
    sender: &Sender<Vec<Vec<f32>>>,
) -> P {
    /// A block later than this is a dropout: the clock is set anew.
    const LATEST: Duration = Duration::from_millis(500);
    let mut plan = BlockPlan::default();
    let mut origin = Instant::now();
    let mut origin_frame = 0;
    while !watch.stop.load(Ordering::Acquire) {
        let ahead = (player.frame() - origin_frame) as f64 / rate;
        let due = origin + Duration::from_secs_f64(ahead);
        let now = Instant::now();
        if now < due {
            std::thread::sleep(due - now);
        } else if now - due > LATEST {
            watch.dropouts.fetch_add(1, Ordering::AcqRel);
            (origin, origin_frame) = (now, player.frame());
        }
        player.next_block_into(&mut plan);
        let before = Instant::now();
        if processor.process(&plan, &[]).is_err() {
            watch.failed.store(true, Ordering::Release);
            break;
        }
        let took = u64::try_from(before.elapsed().as_nanos()).unwrap_or(u64::MAX);
        watch.slowest_nanos.fetch_max(took, Ordering::AcqRel);
        processor.clear_sent();
        watch.frames.store(player.frame(), Ordering::Release);
        let channels = 0..processor.output_channels(0);
        // Allocates, outside `process`; nobody listens to this thread through a sound card.
        let chunk = channels.map(|channel| processor.output(0, channel).to_vec()).collect();
        if sender.send(chunk).is_err() {
            break;
        }
    }
    processor
}

/// Where the main output goes: measured, and written down if asked for.
struct Tape {
    writer: Option<wav::Writer>,
    peak: f32,
}

impl Tape {
    fn open(options: &ServeOptions, channels: usize) -> Result<Self, HostError> {
        let create = |path| wav::Writer::create(path, options.sample_rate, channels.max(1));
        let writer = options.record.as_deref().map(create).transpose()?;
        Ok(Self { writer, peak: 0.0 })
    }

    fn drain(&mut self, chunks: &Receiver<Vec<Vec<f32>>>) -> Result<(), HostError> {
        loop {
            let chunk = match chunks.try_recv() {
                Ok(chunk) => chunk,
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return Ok(()),
            };
            let frames = chunk.first().map_or(0, Vec::len);
            self.peak = chunk.iter().flatten().fold(self.peak, |peak, sample| peak.max(sample.abs()));
            if let Some(writer) = &mut self.writer {
                writer.write(frames, |channel| chunk[channel].as_slice())?;
            }
        }
    }

    fn finish(self) -> Result<f32, HostError> {
        self.writer.map_or(Ok(()), wav::Writer::finish)?;
        Ok(self.peak)
    }
}
