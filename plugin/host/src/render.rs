//! A performance becomes samples.
//!
//! Lines are sent in order, each after the reply to the one before it. At a `sync` the host first
//! renders until the transport has passed the largest `position` that a reply has named so far (at
//! least one block), then waits for the reply, then goes on. So a file with exact `at`s renders to
//! the same samples for any block size. Lines with positions before a sync are all sent before that
//! part is rendered. Positions in replies are in cycles; a cycle is four quarter notes until a
//! `SetBeatsPerCycle` says otherwise.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::error::HostError;
use crate::events::{InputKind, OutputEvent};
use crate::hosted::Hosted;
use crate::instance::Instance;
use crate::performance::{Performance, Step};
use crate::presets::Place;
use crate::stage::Stage;
use crate::tape::Record;
use crate::transport::{Blocks, Script, Truth};
use crate::vst3::Vst3Instance;

/// How much to render.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Length {
    /// This many bars of the script's time signature of the host's time, whether it plays or not
    /// and wherever it jumps.
    Bars(f64),
    /// This many seconds.
    Seconds(f64),
}

/// An input event with its time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimedInput {
    /// Frames since the first one.
    pub frame: u64,
    /// What happens.
    pub kind: InputKind,
}

/// What to render, and how. `RenderOptions::default()` is sixteen bars of the default plugin at
/// 120 bpm, 48 kHz, blocks of 256, offline.
#[derive(Clone, Debug)]
pub struct RenderOptions {
    /// The `.clap` or `.vst3`; without one, [`crate::default_plugin`].
    pub plugin: Option<PathBuf>,
    /// Id of the plugin within it, see [`crate::Library::plugin`] and [`crate::Vst3Library::plugins`].
    pub plugin_id: Option<String>,
    /// What is sent and done.
    pub performance: Performance,
    /// How much to render.
    pub length: Length,
    /// Frames per second.
    pub sample_rate: f64,
    /// How time is cut into blocks.
    pub blocks: Blocks,
    /// What the transport does.
    pub script: Script,
    /// Pace the blocks by the clock and tell the plugin so, as a host that plays does; otherwise as
    /// fast as it goes, in CLAP's offline mode.
    pub realtime: bool,
    /// What goes into the first audio input, from the first frame on; silence after its end.
    pub sidechain: Option<Vec<Vec<f32>>>,
    /// Notes, MIDI and parameter changes.
    pub events: Vec<TimedInput>,
    /// What is kept of what comes out.
    pub record: Record,
    /// State to load before activation.
    pub state: Option<Vec<u8>>,
    /// Preset, or session file, to load after that. In VST3 it has to be a file, which is opened over the socket.
    pub preset: Option<Place>,
    /// Quarter notes per cycle at the beginning, in which replies name positions.
    pub beats_per_cycle: f64,
    /// Say on standard error how far it is, once a second.
    pub progress: bool,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self {
            plugin: None,
            plugin_id: None,
            performance: Performance::default(),
            length: Length::Bars(16.0),
            sample_rate: 48_000.0,
            blocks: Blocks::default(),
            script: Script::playing(120.0),
            realtime: false,
            sidechain: None,
            events: Vec::new(),
            record: Record::Memory,
            state: None,
            preset: None,
            beats_per_cycle: 4.0,
            progress: false,
        }
    }
}

/// An output beside the main one.
#[derive(Clone, Debug, PartialEq)]
pub struct Stem {
    /// The port's name.
    pub name: String,
    /// Its channels.
    pub channels: Vec<Vec<f32>>,
}

/// What the plugin answered to one line.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// Line number in the performance.
    pub line: usize,
    /// The request.
    pub request: String,
    /// The reply; a JSON string if it was not JSON.
    pub reply: Value,
    /// Whether it says that the request was refused.
    pub refused: bool,
}

/// What came of saving a FAUST program.
#[derive(Clone, Debug, PartialEq)]
pub struct Save {
    /// Line number in the performance.
    pub line: usize,
    /// The file, within the folder of sounds.
    pub file: String,
    /// Position in quarter notes.
    pub beats: f64,
    /// From the save until the new sound is ready for the next block, or until it is refused.
    pub took: Duration,
    /// Why it was refused, if it was.
    pub refused: Option<String>,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// Frames per second.
    pub sample_rate: f64,
    /// The main output, if it is kept in memory: left, right. A sample that the plugin did not write is NaN.
    pub channels: Vec<Vec<f32>>,
    /// The other outputs, if they are kept in memory.
    pub stems: Vec<Stem>,
    /// See [`Self::peak`].
    pub(crate) peak: f32,
    /// Notes, MIDI and parameter changes that the plugin sent.
    pub midi_out: Vec<OutputEvent>,
    /// Length of every channel.
    pub frames: usize,
    /// Time that it took from the first block to the end.
    pub elapsed: Duration,
    /// Time that the plugin spent in `process`.
    pub in_process: Duration,
    /// Where the transport truly stood.
    pub transport: Truth,
    /// The replies to the performance's requests.
    pub replies: Vec<Reply>,
    /// What came of the FAUST programs that were saved.
    pub saves: Vec<Save>,
}

impl Rendered {
    /// The largest absolute sample of the main output; NaN if one is not a number.
    pub fn peak(&self) -> f32 {
        self.peak
    }

    /// Seconds of sound.
    pub fn seconds(&self) -> f64 {
        self.frames as f64 / self.sample_rate
    }

    /// Seconds of sound per second of work: above 1 is faster than real time.
    pub fn time_factor(&self) -> f64 {
        self.seconds() / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// The requests that the plugin refused.
    pub fn refused(&self) -> impl Iterator<Item = &Reply> {
        self.replies.iter().filter(|reply| reply.refused)
    }
}

/// Renders a performance in an instance of its own. A performance without requests needs no socket.
///
/// ```no_run
/// use krach_host::{Length, Performance, RenderOptions, render_performance};
/// let rendered = render_performance(&RenderOptions {
///     performance: Performance::load("song.jsonl".as_ref())?,
///     length: Length::Bars(8.0),
///     ..RenderOptions::default()
/// })?;
/// println!("{} frames, peak {}", rendered.frames, rendered.peak());
/// # Ok::<(), krach_host::HostError>(())
/// ```
///
/// # Errors
/// Whatever fails first; a refused request is not a failure, see [`Rendered::refused`].
pub fn render_performance(options: &RenderOptions) -> Result<Rendered, HostError> {
    let steps = &options.performance.steps;
    let sends = steps.iter().any(|step| !matches!(step, Step::Host { .. }));
    let vst3 = options.plugin.as_ref().is_some_and(|plugin| plugin.extension() == Some("vst3".as_ref()));
    if vst3 {
        render::<Vst3Instance>(options, sends || options.preset.is_some())
    } else {
        render::<Instance>(options, sends)
    }
}

fn render<I: Hosted>(options: &RenderOptions, with_socket: bool) -> Result<Rendered, HostError> {
    let mut stage = Stage::<I>::open(options, with_socket)?;
    stage.perform(&options.performance)?;
    stage.render_to_end()?;
    stage.complete()
}
