//! What is there to be seen of an instance, as coarse as it is shown: two pictures that would look the same
//! are equal, so that only a difference is painted.

use std::sync::Arc;
use std::time::Instant;

use krach_core::engine::{MacroLearning, MacroStatus};
use krach_core::model::MacroState;
use krach_core::telemetry::Level;

use super::files::Sessions;
use crate::instance::readings::{Reader, Readings};
use crate::instance::{EndpointInfo, Snapshot, View};
use crate::params::KrachParams;

/// Steps of the cycle line: finer than a pixel of a window as it opens.
const PHASE_STEPS: f64 = 900.0;
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
    /// The cycle, counted from 1 as hosts count bars.
    pub cycle: i64,
    /// Place within the cycle, 0…1, in steps.
    pub phase: f32,
}

/// A node as the musician knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its type.
    pub type_id: String,
    /// Its meter.
    pub meter: Option<u32>,
    /// Muted.
    pub muted: bool,
    /// Heard alone.
    pub solo: bool,
    /// Muted, or not among those that are solo.
    pub silent: bool,
    /// It produced NaN or infinity too often.
    pub silenced: bool,
}

/// A scene.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    /// Its number.
    pub number: u8,
    /// Its name.
    pub name: String,
    /// It switches on its sample.
    pub ready: bool,
}

/// A macro of the host.
#[derive(Clone, Debug, PartialEq)]
pub struct Macro {
    /// What the host calls it.
    pub title: String,
    /// Of each target: is its control there?
    pub awake: Vec<bool>,
    /// It waits for a control.
    pub waits: bool,
    /// What the session says of it.
    pub state: MacroState,
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
    /// Nodes: those of a raw graph, then those of the session.
    pub nodes: Arc<Vec<Node>>,
    /// Scenes, as they are shown.
    pub scenes: Arc<Vec<Scene>>,
    /// Number of the scene that was recalled or saved last, or 0; the session has changed since.
    pub scene: (u8, bool),
    /// A reading for each node.
    pub levels: Vec<Reading>,
    /// The macros that move something, have a name or wait for a control.
    pub macros: Arc<Vec<Macro>>,
    /// Session files, while they are shown.
    pub sessions: Arc<Sessions>,
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
    scenes: Arc<Vec<Scene>>,
    scene: (u8, bool),
    macros: Arc<Vec<Macro>>,
    /// Session files, while they are shown.
    pub sessions: Arc<Sessions>,
    problems: Arc<Vec<String>>,
    session_free_run: bool,
    poisoned: bool,
    answered: bool,
    reader: Reader,
}

impl ViewModelBuilder {
    /// Of an instance that has not answered yet.
    pub fn new(view: Arc<View>, params: Arc<KrachParams>) -> Self {
        let reader = Reader::new(Arc::clone(view.link()));
        Self {
            view,
            params,
            door: Arc::default(),
            nodes: Arc::default(),
            scenes: Arc::default(),
            scene: (0, false),
            macros: Arc::default(),
            sessions: Arc::default(),
            problems: Arc::default(),
            session_free_run: false,
            poisoned: false,
            answered: false,
            reader,
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
        let nodes: Vec<Node> = seen
            .nodes
            .iter()
            .map(|status| Node {
                name: status.node.id.clone(),
                type_id: status.node.type_id.clone(),
                meter: status.meter,
                muted: status.muted,
                solo: status.solo,
                silent: status.silent,
                silenced: status.silenced,
            })
            .collect();
        if *self.nodes != nodes {
            self.nodes = Arc::new(nodes);
        }
        let scene = |(number, name, ready): &(u8, String, bool)| Scene {
            number: *number,
            name: name.clone(),
            ready: *ready,
        };
        let scenes: Vec<Scene> = seen.scenes.iter().map(scene).collect();
        if *self.scenes != scenes {
            self.scenes = Arc::new(scenes);
        }
        self.scene = seen.scene;
        self.see_macros(seen);
        let problems: Vec<String> = seen.problems.iter().rev().cloned().collect();
        if *self.problems != problems {
            self.problems = Arc::new(problems);
        }
        self.session_free_run = seen.free_run;
        self.poisoned = seen.poisoned;
        self.answered = true;
    }

    fn see_macros(&mut self, seen: &Snapshot) {
        let waits = match seen.learning {
            Some(MacroLearning::Macro(number)) => Some(number),
            _ => None,
        };
        let shown = |status: &MacroStatus| Macro {
            title: status.title.clone(),
            awake: status.awake.clone(),
            waits: waits == Some(status.state.number),
            state: status.state.clone(),
        };
        let mut macros: Vec<Macro> = seen.macros.iter().map(shown).collect();
        if let Some(number) = waits.filter(|number| macros.iter().all(|m| m.state.number != *number)) {
            let at = macros.partition_point(|m| m.state.number < number);
            let (title, state) = (format!("Macro {number}"), MacroState::new(number));
            macros.insert(at, Macro { title, awake: Vec::new(), waits: true, state });
        }
        if *self.macros != macros {
            self.macros = Arc::new(macros);
        }
    }

    /// A picture of now.
    pub fn take(&mut self, now: Instant) -> ViewModel {
        let readings = self.reader.read(now, self.nodes.iter().map(|node| node.meter));
        let tenths = |share: f32| (share * 1000.0).round() as u32;
        let load = readings.load;
        ViewModel {
            door: Arc::clone(&self.door),
            transport: transport(&readings),
            output: readings.output.map(Reading::from),
            nodes: Arc::clone(&self.nodes),
            scenes: Arc::clone(&self.scenes),
            scene: self.scene,
            macros: Arc::clone(&self.macros),
            sessions: Arc::clone(&self.sessions),
            levels: readings.nodes.iter().map(|level| level.unwrap_or_default().into()).collect(),
            busy: Busy { mean: tenths(load.mean), worst: tenths(load.worst), overruns: load.overruns },
            problems: Arc::clone(&self.problems),
            free_run: self.session_free_run || self.params.free_run.value(),
            session_free_run: self.session_free_run,
            poisoned: self.poisoned,
            answered: self.answered,
        }
    }
}

fn transport(readings: &Readings) -> Transport {
    let position = &readings.position;
    let motion = match (readings.called, position.running, position.free_run) {
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
        cycle: position.cycles.floor() as i64 + 1,
        phase: ((position.cycles.rem_euclid(1.0) * PHASE_STEPS).floor() / PHASE_STEPS) as f32,
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

    #[test]
    fn cycles_are_counted_from_one_as_hosts_count_bars() {
        let at = |cycles: f64| {
            let position = krach_core::link::Position { cycles, ..Default::default() };
            transport(&Readings { position, ..Readings::default() }).cycle
        };
        assert_eq!([at(0.0), at(0.99), at(1.0), at(-0.5)], [1, 1, 2, 0]);
    }
}
