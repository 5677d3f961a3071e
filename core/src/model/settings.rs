//! Settings of a session: who is the clock, what a start does, how long things take.

use super::schema::one_or_both;
use super::state::InputState;
use crate::limits::{METER_RANGE, TEMPO_RANGE};
use std::net::SocketAddr;

/// Length of an automation's period.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[schemars(transform = one_or_both)]
pub enum Period {
    /// Seconds, counted from where the automation begins.
    #[serde(rename = "period_secs")]
    Secs(f64),
    /// Bars of the host, in phase with them: bar 0 is the beginning of the first period. One that is
    /// drawn once begins where its edit acts, or where time starts. While time stands, it does.
    #[serde(rename = "bars")]
    Bars(f64),
}

/// Length of a fade, by the tempo and meter where it begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FadeLength {
    /// Seconds.
    Secs(f64),
    /// Quarter notes.
    Beats(f64),
    /// Cycles.
    Cycles(f64),
    /// Up to a moment, whatever the tempo does and wherever time jumps meanwhile; while time stands, so does the fade.
    Until {
        /// How far time has moved by then, see [`Position::moved`](crate::link::Position::moved).
        moved: f64,
        /// The value that it sets off from; without one it is where the control is.
        from: Option<f64>,
    },
}

impl FadeLength {
    /// The number, whatever it counts.
    pub fn number(&self) -> f64 {
        match *self {
            Self::Secs(x) | Self::Beats(x) | Self::Cycles(x) => x,
            Self::Until { .. } => 0.0,
        }
    }
}

/// Who is the clock.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ClockSource {
    /// An own clock at the free-run tempo, whatever the host does.
    Internal,
    /// The host's transport.
    #[default]
    External,
}

/// What nodes do where time starts from standstill. Where the host renders offline they restart in any case.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// Every node begins as after a reset; what rings fades out.
    Restart,
    /// They go on as they are. Documents from before there was a choice mean this.
    #[default]
    Continue,
}

/// Whose program changes recall scenes: program p is the scene p + 1, as hosts show it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(
    rename_all = "lowercase",
    expecting = "not whose program changes count, expected omni, off, or a MIDI channel from 0 to 15"
)]
pub enum ProgramChanges {
    /// Those of every MIDI channel.
    #[default]
    Omni,
    /// Nobody's.
    Off,
    /// Those of one MIDI channel, 0…15.
    #[serde(untagged)]
    Channel(u8),
}

impl ProgramChanges {
    /// Does a program change of that channel, 0…15, recall a scene?
    pub fn takes(self, channel: u8) -> bool {
        match self {
            Self::Omni => true,
            Self::Off => false,
            Self::Channel(own) => own == channel,
        }
    }
}

/// Length of a crossfade.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Crossfade {
    /// In quarter notes at the tempo of the moment.
    Beats(f64),
    /// In seconds.
    Seconds(f64),
}

impl Default for Crossfade {
    /// Half a beat.
    fn default() -> Self {
        Self::Beats(0.5)
    }
}

/// What is no sound, node or pattern: the clock, the master, what goes in and out.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The instance's name.
    pub name: String,
    /// Free-run tempo in bpm.
    pub bpm: f64,
    /// Quarter notes per cycle.
    pub beats_per_cycle: f64,
    /// A cycle is a bar of the host instead.
    pub host_meter: bool,
    /// MIDI clock (24 ticks per quarter note, start, continue, stop) on the MIDI output.
    pub midi_clock: bool,
    /// Whose program changes recall scenes.
    pub programs: ProgramChanges,
    /// What nodes do where time starts from standstill.
    pub start: Start,
    /// Where OSC messages go, as `address:port`; `None`: nowhere.
    pub osc_target: Option<String>,
    /// Master gain, linear.
    pub master: f64,
    /// Who is the clock.
    pub clock_source: ClockSource,
    /// Keep an own clock while the host does not run.
    pub free_run: bool,
    /// The safety limiter at +6 dBFS.
    pub limiter: bool,
    /// Added to every pattern seed.
    pub seed: u64,
    /// The plugin's input reaches `adc_input` nodes: both channels, or one.
    pub input: Option<InputState>,
    /// Length of crossfades.
    pub crossfade: Crossfade,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: String::new(),
            bpm: 120.0,
            beats_per_cycle: 4.0,
            host_meter: false,
            midi_clock: false,
            programs: ProgramChanges::Omni,
            start: Start::Restart,
            osc_target: None,
            master: 1.0,
            clock_source: ClockSource::External,
            free_run: false,
            limiter: true,
            seed: 0,
            input: None,
            crossfade: Crossfade::default(),
        }
    }
}

/// A new value for one of the [`Settings`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Setting {
    /// [`Settings::name`].
    Name(String),
    /// [`Settings::bpm`]; ignored outside [`TEMPO_RANGE`].
    Bpm(f64),
    /// [`Settings::beats_per_cycle`]; ignored outside [`METER_RANGE`]. Ends [`Setting::HostMeter`].
    BeatsPerCycle(f64),
    /// A cycle is a bar of the host: bar lines are whole cycles, whatever the time signature.
    HostMeter,
    /// [`Settings::midi_clock`].
    MidiClock(bool),
    /// [`Settings::programs`].
    Programs(ProgramChanges),
    /// [`Settings::start`].
    Start(Start),
    /// [`Settings::osc_target`].
    OscTarget(Option<String>),
    /// [`Settings::master`], from 0 to 16; declicked.
    Master(f64),
    /// [`Settings::clock_source`].
    ClockSource(ClockSource),
    /// [`Settings::free_run`].
    FreeRun(bool),
    /// [`Settings::limiter`].
    Limiter(bool),
    /// [`Settings::seed`].
    Seed(u64),
    /// [`Settings::input`].
    Input(Option<InputState>),
    /// [`Settings::crossfade`], for the crossfades that begin from now on.
    Crossfade(Crossfade),
}

impl Setting {
    /// Whether the value is in its range.
    ///
    /// # Errors
    /// The field's name, and what it takes.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        match self {
            Self::Master(gain) if !(0.0..=16.0).contains(gain) => Err(("gain", "a number from 0 to 16")),
            Self::Programs(ProgramChanges::Channel(16..)) => {
                Err(("programs", "omni, off, or a MIDI channel from 0 to 15"))
            }
            Self::OscTarget(Some(target))
                if target.parse::<SocketAddr>().map_or(true, |address| address.port() == 0) =>
            {
                Err(("osc_target", "an address and a port, like 127.0.0.1:9000 or [::1]:9000"))
            }
            _ => Ok(()),
        }
    }

    /// Whether the value is one that the setting takes. Requests of the first protocol set any tempo and meter:
    /// what is out of range changes nothing.
    pub fn acts(&self) -> bool {
        match self {
            Self::Bpm(bpm) => TEMPO_RANGE.contains(bpm),
            Self::BeatsPerCycle(beats) => METER_RANGE.contains(beats),
            _ => true,
        }
    }

    /// Its step in the history, for people.
    pub fn label(&self) -> String {
        let switch = |name, on: bool| format!("{name} {}", if on { "on" } else { "off" });
        match self {
            Self::Name(name) => format!("name {name}"),
            Self::Bpm(bpm) => format!("tempo {bpm}"),
            Self::BeatsPerCycle(beats) => format!("meter {beats}"),
            Self::HostMeter => "meter of the host".to_owned(),
            Self::MidiClock(on) => switch("MIDI clock", *on),
            Self::Programs(_) => "program changes".to_owned(),
            Self::Start(Start::Restart) => "start: restart".to_owned(),
            Self::Start(Start::Continue) => "start: continue".to_owned(),
            Self::OscTarget(None) => "no OSC target".to_owned(),
            Self::OscTarget(Some(target)) => format!("OSC to {target}"),
            Self::Master(_) => "master gain".to_owned(),
            Self::ClockSource(ClockSource::Internal) => "clock: internal".to_owned(),
            Self::ClockSource(ClockSource::External) => "clock: external".to_owned(),
            Self::FreeRun(on) => switch("free run", *on),
            Self::Limiter(on) => switch("limiter", *on),
            Self::Seed(seed) => format!("seed {seed}"),
            Self::Input(input) => switch("input", input.is_some()),
            Self::Crossfade(_) => "crossfade".to_owned(),
        }
    }

    /// The text in it, if there is one.
    pub fn text(&self) -> &str {
        match self {
            Self::Name(text) | Self::OscTarget(Some(text)) => text,
            _ => "",
        }
    }
}

impl Settings {
    /// Takes a new value.
    pub fn set(&mut self, setting: &Setting) {
        match setting {
            setting if !setting.acts() => {}
            Setting::Name(name) => self.name.clone_from(name),
            Setting::Bpm(bpm) => self.bpm = *bpm,
            Setting::BeatsPerCycle(beats) => (self.beats_per_cycle, self.host_meter) = (*beats, false),
            Setting::HostMeter => self.host_meter = true,
            Setting::MidiClock(on) => self.midi_clock = *on,
            Setting::Programs(programs) => self.programs = *programs,
            Setting::Start(start) => self.start = *start,
            Setting::OscTarget(target) => self.osc_target.clone_from(target),
            Setting::Master(gain) => self.master = *gain,
            Setting::ClockSource(source) => self.clock_source = *source,
            Setting::FreeRun(on) => self.free_run = *on,
            Setting::Limiter(on) => self.limiter = *on,
            Setting::Seed(seed) => self.seed = *seed,
            Setting::Input(input) => self.input = *input,
            Setting::Crossfade(crossfade) => self.crossfade = *crossfade,
        }
    }

    /// The values that make `target` of these, each only if it differs.
    pub fn difference(&self, target: &Self) -> Vec<Setting> {
        // A field that is forgotten here could not be undone.
        let Self {
            name,
            bpm,
            beats_per_cycle,
            host_meter,
            midi_clock,
            programs,
            start,
            osc_target,
            master,
            clock_source,
            free_run,
            limiter,
            seed,
            input,
            crossfade,
        } = target;
        // A number of quarter notes ends the host's meter, which is then set again.
        let same_meter = self.beats_per_cycle == *beats_per_cycle && (*host_meter || !self.host_meter);
        [
            (self.bpm != *bpm).then_some(Setting::Bpm(*bpm)),
            (!same_meter).then_some(Setting::BeatsPerCycle(*beats_per_cycle)),
            (*host_meter && !(self.host_meter && same_meter)).then_some(Setting::HostMeter),
            (self.midi_clock != *midi_clock).then_some(Setting::MidiClock(*midi_clock)),
            (self.programs != *programs).then_some(Setting::Programs(*programs)),
            (self.start != *start).then_some(Setting::Start(*start)),
            (self.osc_target != *osc_target).then(|| Setting::OscTarget(osc_target.clone())),
            (self.master != *master).then_some(Setting::Master(*master)),
            (self.clock_source != *clock_source).then_some(Setting::ClockSource(*clock_source)),
            (self.free_run != *free_run).then_some(Setting::FreeRun(*free_run)),
            (self.limiter != *limiter).then_some(Setting::Limiter(*limiter)),
            (self.seed != *seed).then_some(Setting::Seed(*seed)),
            (self.input != *input).then_some(Setting::Input(*input)),
            (self.crossfade != *crossfade).then_some(Setting::Crossfade(*crossfade)),
            (self.name != *name).then(|| Setting::Name(name.clone())),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Takes over what is no part of the music: the clock, what goes in and out, protection. The name, the tempo,
    /// the quarter notes per cycle and the master stay.
    pub fn take_surroundings(&mut self, from: &Self) {
        let Self { name, bpm, beats_per_cycle, master, .. } = std::mem::take(self);
        *self = Self { name, bpm, beats_per_cycle, master, ..from.clone() };
    }
}
