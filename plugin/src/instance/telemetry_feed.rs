//! Pictures of what plays, thirty a second, for clients that want them; without one nothing is measured,
//! computed or woken for.

mod onsets;

use std::sync::Arc;
use std::time::{Duration, Instant};

use krach_core::engine::Engine;
use krach_core::link::{Link, Position, Watch};
use krach_core::telemetry::{Level, Load};

use super::readings::{Reader, Readings, SILENCE};

use crate::protocol::events::payloads;
use crate::protocol::events::{Event, METERS, ONSETS, TRANSPORT};
use onsets::Onsets;

/// Between two pictures.
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 30);
/// While nothing changes, a picture is sent all the same so often.
const REMINDER: Duration = Duration::from_secs(1);
/// The block after this many is measured from its begin: one may have been under way.
const WHOLE: u64 = 2;

/// How many clients want what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub transport: usize,
    pub meters: usize,
    pub onsets: usize,
}

impl Wanted {
    fn nothing(self) -> bool {
        self == Self::default()
    }
}

/// Takes the pictures.
pub(super) struct TelemetryFeed {
    link: Arc<Link>,
    reader: Reader,
    due: Option<Instant>,
    wanted: Wanted,
    /// Longest block in seconds.
    longest: f64,
    transport: Sent<Position>,
    meters: Sent<Metered>,
    /// While it lives, the audio thread measures.
    watch: Option<Watch>,
    /// Until audio has measured: how many blocks there were when it was asked to, and when that was.
    unmeasured: Option<(u64, Instant)>,
    onsets: Onsets,
}

/// The picture that was sent last.
struct Sent<T> {
    last: Option<(T, Instant)>,
}

impl<T: PartialEq + Clone> Sent<T> {
    /// Is this one to be sent? If it differs, or to remind.
    fn is_news(&mut self, picture: &T, now: Instant) -> bool {
        let known = self.last.as_ref().is_some_and(|(last, then)| last == picture && now - *then < REMINDER);
        if !known {
            self.last = Some((picture.clone(), now));
        }
        !known
    }
}

#[derive(Clone, PartialEq)]
struct Metered {
    master: [Level; 2],
    nodes: Vec<(String, Level)>,
    bargraphs: Vec<(String, f32)>,
    load: Load,
}

impl TelemetryFeed {
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self {
            reader: Reader::new(Arc::clone(&link)),
            link,
            due: None,
            wanted: Wanted::default(),
            longest: 0.0,
            transport: Sent { last: None },
            meters: Sent { last: None },
            watch: None,
            unmeasured: None,
            onsets: Onsets::default(),
        }
    }

    /// When the next picture is to be taken, if anybody wants one.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// From now on audio comes in blocks of at most so many seconds.
    pub(super) fn activated(&mut self, longest: f64) {
        self.longest = longest;
    }

    /// Takes note of who wants what: a new client gets the first picture at once.
    pub(super) fn want(&mut self, wanted: Wanted) {
        let before = std::mem::replace(&mut self.wanted, wanted);
        if wanted.transport > before.transport {
            self.transport.last = None;
        }
        if wanted.meters > before.meters {
            self.meters.last = None;
        }
        match (wanted.meters > 0, self.watch.is_some()) {
            (true, false) => {
                self.watch = Some(self.link.watch());
                self.unmeasured = Some((self.link.blocks(), Instant::now()));
            }
            (false, true) => self.watch = None,
            _ => {}
        }
        if wanted.onsets == 0 {
            self.onsets = Onsets::default();
        }
        self.due = (!wanted.nothing()).then(|| self.due.unwrap_or_else(Instant::now));
    }

    /// Has audio measured a whole block since it was asked to? A host that calls nobody has silence to show.
    fn is_measured(&mut self, now: Instant) -> bool {
        let waits = |(blocks, since): (u64, Instant)| {
            self.link.blocks().saturating_sub(blocks) < WHOLE && now - since < SILENCE
        };
        if !self.unmeasured.is_some_and(waits) {
            self.unmeasured = None;
        }
        self.unmeasured.is_none()
    }

    /// Takes the pictures that are due.
    pub(super) fn take(&mut self, engine: &Engine) -> Vec<Event> {
        let now = Instant::now();
        let Some(due) = self.due.filter(|due| *due <= now) else { return Vec::new() };
        // After a long pause there is nothing to be made up for.
        self.due = Some((due + FRAME).max(now));
        let mut events = Vec::new();
        let nodes = if self.wanted.meters > 0 { engine.metered_nodes() } else { Vec::new() };
        let readings = self.reader.read(now, nodes.iter().map(|(_, meter)| *meter));
        let position = readings.position;
        if self.wanted.transport > 0 && self.transport.is_news(&position, now) {
            events.push(Event::new(TRANSPORT, &transport(&readings)));
        }
        if self.wanted.meters > 0 && self.is_measured(now) {
            let metered = metered(nodes.into_iter().map(|(name, _)| name), readings, engine);
            if self.meters.is_news(&metered, now) {
                events.push(Event::new(METERS, &meters(&metered)));
            }
        }
        if self.wanted.onsets > 0 {
            let (onsets, more) =
                self.onsets.follow(&self.link.position(), self.link.blocks(), self.longest, engine);
            if !onsets.is_empty() {
                events.push(Event::new(ONSETS, &payloads::Onsets { onsets, more }));
            }
        }
        events
    }
}

/// Levels by what musicians call the nodes: those of the session after their faders, raw nodes by id.
fn metered(names: impl Iterator<Item = String>, readings: Readings, engine: &Engine) -> Metered {
    let nodes = names.zip(readings.nodes).filter_map(|(name, level)| Some((name, level?)));
    let bargraphs = engine.bargraphs().into_iter().flat_map(|(node, bargraphs)| {
        bargraphs.into_iter().map(move |(bargraph, value)| (format!("{node}/{}", bargraph.name), value))
    });
    Metered {
        master: readings.output,
        nodes: nodes.collect(),
        bargraphs: bargraphs.collect(),
        load: readings.load,
    }
}

fn transport(readings: &Readings) -> payloads::Transport {
    let p = &readings.position;
    payloads::Transport {
        cycles: p.cycles,
        beats: p.beats,
        bars: readings.bars,
        tempo: p.tempo,
        beats_per_cycle: p.beats_per_cycle,
        running: p.running,
        free_running: p.free_run,
    }
}

fn meters(metered: &Metered) -> payloads::Meters {
    let level = |level: &Level| payloads::Level { peak: level.peak, rms: level.rms };
    let Load { mean, worst, overruns } = metered.load;
    payloads::Meters {
        master: metered.master.each_ref().map(level),
        nodes: metered.nodes.iter().map(|(name, of_it)| (name.clone(), level(of_it))).collect(),
        bargraphs: metered.bargraphs.iter().cloned().collect(),
        load: payloads::Load { mean, worst, overruns },
    }
}
