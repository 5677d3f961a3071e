//! What the transport is to do, as data.

use super::report::Report;

/// When an action takes place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    /// At this frame, counted from the first frame that was ever processed.
    Frame(u64),
    /// This many seconds after the first frame: the first frame at or after it.
    Seconds(f64),
    /// At the first frame at which the transport plays and stands at or after this position, in
    /// quarter notes. Never, where a loop or a stop keeps the transport from getting there.
    Beat(f64),
}

/// One thing a musician or a host does to the transport.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Start playing from where the transport stands.
    Play,
    /// Stop; the position stays.
    Stop,
    /// Locate to a position in quarter notes, playing or not.
    Jump(f64),
    /// Loop over `start..end` in quarter notes from now on, or (`None`) stop looping. A transport
    /// that already stands at or past the end plays on and never wraps.
    Loop(Option<(f64, f64)>),
    /// From here on this many quarter notes per minute.
    Tempo(f64),
    /// A linear ramp from the present tempo to `to` bpm over `seconds`.
    Ramp {
        /// Tempo at the end, bpm.
        to: f64,
        /// Length of the ramp; rounded to whole frames, at least one.
        seconds: f64,
    },
    /// From here on the host tells the plugin this much (and nothing else changes).
    Report(Report),
}

/// How a plugin learns of something that happens between two block starts of the partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Announce {
    /// The host ends the block there; the rest of it follows as a block of its own.
    #[default]
    Split,
    /// `CLAP_EVENT_TRANSPORT` in the block's event list, at the offset where it happens.
    Event,
    /// Not at all: the plugin sees it at the next block start. It still happens on its own frame.
    Silent,
    /// It happens late: at the first block start at or after its time.
    NextBlock,
}

/// Where the transport stands after a loop wrap.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum Landing {
    /// The position runs on modulo the loop length, to a fraction of a frame.
    #[default]
    Exact,
    /// The first frame after the wrap stands exactly on the loop start.
    OnStart,
    /// The first frame after the wrap stands this many seconds past the loop start.
    Late(f64),
}

/// How this host loops.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct LoopStyle {
    /// How the wrap is told. `NextBlock`: the transport runs past the loop end to the end of the
    /// block and wraps there. `Silent`: predicted from the loop range, confirmed at the next block.
    pub announce: Announce,
    /// Where the transport stands afterwards.
    pub landing: Landing,
}

/// A transport performance as data: how it starts, what is done to it, and what the host tells.
///
/// ```
/// use krach_host::transport::{Action, Script, When};
/// // Two bars, back to the start, then faster.
/// let script = Script::playing(120.0)
///     .at(When::Beat(8.0), Action::Jump(0.0))
///     .at(When::Seconds(6.0), Action::Tempo(140.0));
/// assert_eq!(script.actions.len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// Position of frame 0 in quarter notes; may be negative.
    pub start_beats: f64,
    /// Tempo at frame 0, quarter notes per minute; above 0, as all tempos here.
    pub tempo: f64,
    /// Whether the transport plays at frame 0.
    pub playing: bool,
    /// Loop range at frame 0, quarter notes.
    pub looping: Option<(f64, f64)>,
    /// Numerator and denominator; also decides `bar_start`.
    pub time_signature: (u16, u16),
    /// How stops, jumps and tempo changes inside a block are told.
    pub announce: Announce,
    /// How loop wraps are done and told.
    pub loop_style: LoopStyle,
    /// What the plugin is told at all.
    pub report: Report,
    /// What happens. Actions due on the same frame are done in this order.
    pub actions: Vec<(When, Action)>,
}

impl Script {
    /// Playing from position 0 at this tempo in 4/4, everything reported exactly.
    pub fn playing(tempo: f64) -> Self {
        Self {
            start_beats: 0.0,
            tempo,
            playing: true,
            looping: None,
            time_signature: (4, 4),
            announce: Announce::Split,
            loop_style: LoopStyle::default(),
            report: Report::default(),
            actions: Vec::new(),
        }
    }

    /// Standing at position 0 with this tempo.
    pub fn stopped(tempo: f64) -> Self {
        Self { playing: false, ..Self::playing(tempo) }
    }

    /// The same, starting at this position (quarter notes).
    pub fn from_beat(mut self, beats: f64) -> Self {
        self.start_beats = beats;
        self
    }

    /// The same, with a loop from frame 0 on.
    pub fn looping(mut self, start: f64, end: f64, style: LoopStyle) -> Self {
        self.looping = Some((start, end));
        self.loop_style = style;
        self
    }

    /// The same, with changes told this way.
    pub fn announced(mut self, announce: Announce) -> Self {
        self.announce = announce;
        self
    }

    /// The same, telling the plugin this much.
    pub fn reporting(mut self, report: Report) -> Self {
        self.report = report;
        self
    }

    /// The same, with one more action.
    pub fn at(mut self, when: When, action: Action) -> Self {
        self.actions.push((when, action));
        self
    }
}
