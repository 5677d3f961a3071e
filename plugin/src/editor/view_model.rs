//! What is there to be seen of an instance, as coarse as it is shown: two pictures that would look the same
//! are equal, so that only a difference is painted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use krach_core::telemetry::Level;

use crate::instance::{EndpointInfo, Snapshot, View};
use crate::params::KrachParams;

/// Steps of the cycle line: finer than a pixel of a window as it opens.
const PHASE_STEPS: f64 = 900.0;
/// Longest block that a host may reasonably have; it does not call when none came for so long.
const SILENCE: Duration = Duration::from_millis(400);
/// Bottom of the meters in dB.
pub const METER_FLOOR: f32 = -60.0;

/// Decibels in half steps; `None` is at or below [`METER_FLOOR`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decibels(Option<i16>);

impl Decibels {
    /// Of a linear level.
    pub fn of(level: f32) -> Self {
        let db = 20.0 * level.max(1e-9).log10();
        Self((db > METER_FLOOR).then(|| (db * 2.0).round() as i16))
    }

    /// In dB; `None` is silence.
    pub fn value(self) -> Option<f32> {
        self.0.map(|steps| f32::from(steps) / 2.0)
    }
}

/// A meter's two values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Highest sample of late.
    pub peak: Decibels,
    /// Root of the mean square.
    pub rms: Decibels,
}

impl From<Level> for Reading {
    fn from(level: Level) -> Self {
        Self { peak: Decibels::of(level.peak), rms: Decibels::of(level.rms) }
    }
}

/// What the clock does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Motion {
    /// The host does not call `process`, or never has.
    #[default]
    Idle,
    /// The host stands, and so does the music.
    Stopped,
    /// The host plays.
    Playing,
    /// The host stands, and the music goes on its own clock.
    FreeRun,
}

/// The transport as the plugin sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Transport {
    /// What the clock does.
    pub motion: Motion,
    /// Tempo in beats per minute, to two places.
    pub tempo: f64,
    /// Quarter notes per cycle.
    pub beats_per_cycle: f64,
    /// Quarter notes per bar of the host.
    pub beats_per_bar: f64,
    /// The cycle, counted from 0.
    pub cycle: i64,
    /// Place within the cycle, 0…1, in steps.
    pub phase: f32,
}

/// A node of the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its id.
    pub id: String,
    /// Its type.
    pub type_id: String,
    /// Its meter.
    pub meter: Option<u32>,
    /// It produced NaN or infinity too often.
    pub silenced: bool,
}

/// How long blocks take, in tenths of a percent of the time they last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Busy {
    /// On average.
    pub mean: u32,
    /// At worst.
    pub worst: u32,
    /// Blocks that took too long.
    pub overruns: u64,
}

/// Everything that the window shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ViewModel {
    /// Name and socket.
    pub door: Arc<EndpointInfo>,
    /// The clock.
    pub transport: Transport,
    /// Main output, left and right.
    pub output: [Reading; 2],
    /// Nodes in the order of the graph.
    pub nodes: Arc<Vec<Node>>,
    /// A reading for each node.
    pub levels: Vec<Reading>,
    /// Time that blocks take.
    pub busy: Busy,
    /// What went wrong lately, newest first.
    pub problems: Arc<Vec<String>>,
    /// Free run is on, by parameter or session.
    pub free_run: bool,
    /// It is on by the session.
    pub session_free_run: bool,
    /// The engine panicked and is silent.
    pub poisoned: bool,
    /// The control thread has answered at least once.
    pub answered: bool,
}

/// Takes pictures of one instance.
pub struct ViewModelBuilder {
    view: Arc<View>,
    params: Arc<KrachParams>,
    door: Arc<EndpointInfo>,
    nodes: Arc<Vec<Node>>,
    problems: Arc<Vec<String>>,
    session_free_run: bool,
    poisoned: bool,
    answered: bool,
    /// Blocks at the last picture, and since when there are no more.
    blocks: (u64, Option<Instant>),
}

impl ViewModelBuilder {
    /// Of an instance that has not answered yet.
    pub fn new(view: Arc<View>, params: Arc<KrachParams>) -> Self {
        let blocks = (view.link().blocks(), None);
        Self {
            view,
            params,
            door: Arc::default(),
            nodes: Arc::default(),
            problems: Arc::default(),
            session_free_run: false,
            poisoned: false,
            answered: false,
            blocks,
        }
    }

    /// Looks at the socket.
    pub fn poll_socket(&mut self) {
        let door = self.view.door();
        if *self.door != door {
            self.door = Arc::new(door);
        }
    }

    /// The control thread has answered.
    pub fn seen(&mut self, seen: &Snapshot) {
        let status = &seen.status;
        let nodes: Vec<Node> = status
            .nodes
            .iter()
            .map(|node| Node {
                id: node.id.clone(),
                type_id: node.type_id.clone(),
                meter: status.meters.get(&node.id).copied(),
                silenced: status.silenced.contains(&node.id),
            })
            .collect();
        if *self.nodes != nodes {
            self.nodes = Arc::new(nodes);
        }
        let problems: Vec<String> = seen.problems.iter().rev().cloned().collect();
        if *self.problems != problems {
            self.problems = Arc::new(problems);
        }
        self.session_free_run = status.free_run;
        self.poisoned = status.poisoned;
        self.answered = true;
    }

    /// A picture of now.
    pub fn take(&mut self, now: Instant) -> ViewModel {
        let called = self.is_called(now);
        let telemetry = self.view.link().telemetry();
        let level = |node: &Node| node.meter.filter(|_| called).map(|m| telemetry.node(m).into());
        let load = telemetry.load();
        let tenths = |share: f32| (share * 1000.0).round() as u32;
        ViewModel {
            door: Arc::clone(&self.door),
            transport: self.transport(called),
            output: if called { telemetry.output().map(Reading::from) } else { Default::default() },
            nodes: Arc::clone(&self.nodes),
            levels: self.nodes.iter().map(|node| level(node).unwrap_or_default()).collect(),
            busy: if called {
                Busy { mean: tenths(load.mean), worst: tenths(load.worst), overruns: load.overruns }
            } else {
                Busy::default()
            },
            problems: Arc::clone(&self.problems),
            free_run: self.session_free_run || self.params.free_run.value(),
            session_free_run: self.session_free_run,
            poisoned: self.poisoned,
            answered: self.answered,
        }
    }

    /// Does the host call `process`?
    fn is_called(&mut self, now: Instant) -> bool {
        let blocks = self.view.link().blocks();
        if self.blocks.0 != blocks {
            self.blocks = (blocks, Some(now));
        }
        self.blocks.1.is_some_and(|last| now - last < SILENCE)
    }

    fn transport(&self, called: bool) -> Transport {
        let position = self.view.link().position();
        let motion = match (called, position.running, position.free_run) {
            (false, ..) => Motion::Idle,
            (true, false, _) => Motion::Stopped,
            (true, true, true) => Motion::FreeRun,
            (true, true, false) => Motion::Playing,
        };
        let beats_per_bar = position.bar_cycles * position.beats_per_cycle;
        Transport {
            motion,
            tempo: (position.tempo * 100.0).round() / 100.0,
            beats_per_cycle: position.beats_per_cycle,
            beats_per_bar: (beats_per_bar * 1000.0).round() / 1000.0,
            cycle: position.cycles.floor() as i64,
            phase: ((position.cycles.rem_euclid(1.0) * PHASE_STEPS).floor() / PHASE_STEPS) as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_that_look_the_same_are_equal() {
        let db = |db: f32| Decibels::of(10f32.powf(db / 20.0));
        assert_eq!(db(-6.0), db(-6.2));
        assert_ne!(db(-6.0), db(-6.4));
        assert_eq!(db(-6.02).value(), Some(-6.0));
        assert_eq!(db(3.0).value(), Some(3.0));
        assert_eq!(Decibels::of(0.0), Decibels::default());
        assert_eq!(db(-61.0).value(), None);
    }
}
