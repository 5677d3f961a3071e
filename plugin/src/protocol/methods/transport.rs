//! The `transport` method: tempo, meter and what else the session says about time and its outputs.

use std::ops::RangeInclusive;

use krach_core::edit::Edit;
use krach_core::limits::{METER_RANGE, TEMPO_RANGE};
use krach_core::model::{ClockSource, ProgramChanges, Setting, Start};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::protocol::context::RequestContext;
use crate::protocol::error::{INVALID_PARAMS, RpcError};
use crate::protocol::json::to_json;
use crate::protocol::legacy::{LegacyEdit, RefusalPrefix};
use crate::protocol::method::methods;
use crate::protocol::mutation::Mutation;
use crate::protocol::params::read_object;

methods! {
    /// sets what is given, all or nothing
    Engine "transport" Change(read_transport) (Wanted) => (Transport);
}

/// What `transport` takes; what is left out stays as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Wanted {
    /// Free-run tempo, quarter notes per minute.
    tempo: Option<f64>,
    /// Quarter notes per cycle, or `"host"`: every bar of the host is a cycle.
    #[cfg_attr(test, schemars(with = "Option<serde_json::Value>"))]
    meter: Option<Meter>,
    /// Keep time while the host stands.
    free_run: Option<bool>,
    /// Added to the seeds of all patterns.
    seed: Option<u64>,
    /// `"external"`: the host's; `"internal"`: our own.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    clock: Option<Clock>,
    /// MIDI clock on the MIDI output.
    midi_clock: Option<bool>,
    /// Whose MIDI program changes recall scenes, program p the scene p + 1: `"omni"`, `"off"`, or a channel, 0 to 15.
    #[cfg_attr(test, schemars(with = "Option<serde_json::Value>"))]
    programs: Option<ProgramChanges>,
    /// Where time starts from standstill: `"restart"`, every node begins as after a reset; `"continue"`: as it is.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    start: Option<Start>,
    /// `address:port` that OSC messages go to; null: nowhere.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    #[serde(default, deserialize_with = "given")]
    osc_target: Option<Option<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "not a meter, expected quarter notes per cycle, or \"host\"")]
enum Meter {
    Beats(f64),
    Named(Named),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Named {
    Host,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Clock {
    Internal,
    #[serde(alias = "midi", alias = "host")]
    External,
}

fn given<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(d).map(Some)
}

/// A value that the engine would take without a word and not act on.
#[derive(Debug, PartialEq)]
pub(super) struct Senseless {
    /// The parameter.
    pub field: &'static str,
    /// What would be right.
    pub expected: &'static str,
}

impl Wanted {
    /// One edit that does all of it, or nothing.
    pub(super) fn into_edit(self) -> Result<Edit, Senseless> {
        let within = |field, range: RangeInclusive<f64>, x: f64, expected| match range.contains(&x) {
            true => Ok(x),
            false => Err(Senseless { field, expected }),
        };
        let mut edits = Vec::new();
        if let Some(bpm) = self.tempo {
            edits.push(Edit::Setting(Setting::Bpm(within(
                "tempo",
                TEMPO_RANGE,
                bpm,
                "beats per minute, from 0.001 to 100000",
            )?)));
        }
        match self.meter {
            Some(Meter::Beats(beats)) => {
                let beats = within(
                    "meter",
                    METER_RANGE,
                    beats,
                    "quarter notes per cycle, from 1/64 to 4096, or \"host\"",
                )?;
                edits.push(Edit::Setting(Setting::BeatsPerCycle(beats)));
            }
            Some(Meter::Named(Named::Host)) => edits.push(Edit::Setting(Setting::HostMeter)),
            None => {}
        }
        edits.extend(self.free_run.map(|on| Setting::FreeRun(on).into()));
        edits.extend(self.seed.map(|seed| Setting::Seed(seed).into()));
        edits.extend(self.clock.map(|clock| {
            Edit::Setting(Setting::ClockSource(match clock {
                Clock::Internal => ClockSource::Internal,
                Clock::External => ClockSource::External,
            }))
        }));
        edits.extend(self.midi_clock.map(|on| Setting::MidiClock(on).into()));
        edits.extend(self.programs.map(|programs| Setting::Programs(programs).into()));
        edits.extend(self.start.map(|start| Setting::Start(start).into()));
        edits.extend(self.osc_target.map(|target| Edit::Setting(Setting::OscTarget(target.map(by_number)))));
        Ok(Edit::Batch(edits))
    }
}

/// `localhost:9000` needs nobody to look it up.
fn by_number(target: String) -> String {
    match target.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => target,
    }
}

/// `transport {tempo?, meter?, …}`: sets what is given, answers all settings and the position.
fn read_transport(rest: &str) -> Result<Mutation, RpcError> {
    Ok(Mutation::of(wanted(rest)?).answering(answer))
}

/// The same as a request within `at`.
pub(super) fn legacy_edit(raw: Option<&RawValue>) -> Result<LegacyEdit, RpcError> {
    let edit = wanted(raw.map_or("{}", RawValue::get))?;
    Ok(LegacyEdit { edit, ok: "transport set".to_owned(), refused: RefusalPrefix::As("transport: ") })
}

fn wanted(rest: &str) -> Result<Edit, RpcError> {
    read_object::<Wanted>(rest)?.into_edit().map_err(|wrong| {
        RpcError::new(INVALID_PARAMS, format!("{}: expected {}", wrong.field, wrong.expected))
            .at(format!("params.{}", wrong.field))
            .hint(format!("expected {}", wrong.expected))
    })
}

/// The settings, and where time is.
pub(super) fn answer(context: &RequestContext<'_>) -> Value {
    let now = context.engine.status();
    let position = now.position;
    to_json(&Transport {
        tempo: now.settings.bpm,
        meter: if now.settings.host_meter { MeterNow::Named("host") } else { MeterNow::Beats(now.meter) },
        beats_per_cycle: now.meter,
        free_run: now.settings.free_run,
        seed: now.settings.seed,
        clock: now.settings.clock_source,
        midi_clock: now.settings.midi_clock,
        programs: now.settings.programs,
        start: now.settings.start,
        osc_target: now.settings.osc_target,
        position: Moment {
            cycles: position.cycles,
            running: position.running,
            free_running: position.free_run,
            tempo: position.tempo,
            bar: Bar { start: position.bar_start, cycles: position.bar_cycles },
        },
    })
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Transport {
    /// Free-run tempo, quarter notes per minute.
    pub tempo: f64,
    /// Quarter notes per cycle, or `"host"`.
    pub meter: MeterNow,
    /// Quarter notes per cycle; of the host's bar while `meter` is `"host"`.
    pub beats_per_cycle: f64,
    /// Time is kept while the host stands.
    pub free_run: bool,
    /// Added to the seeds of all patterns.
    pub seed: u64,
    /// Whose clock.
    pub clock: ClockSource,
    /// MIDI clock on the MIDI output.
    pub midi_clock: bool,
    /// Whose MIDI program changes recall scenes: `"omni"`, `"off"`, or a channel, 0 to 15.
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    pub programs: ProgramChanges,
    /// What nodes do where time starts from standstill.
    pub start: Start,
    /// Where OSC messages go.
    pub osc_target: Option<String>,
    /// Where time is.
    pub position: Moment,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(crate) enum MeterNow {
    Beats(f64),
    Named(&'static str),
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Moment {
    /// Cycles from 0.
    pub cycles: f64,
    /// Time moves.
    pub running: bool,
    /// The clock that moves is our own.
    pub free_running: bool,
    /// Quarter notes per minute, now.
    pub tempo: f64,
    /// The host's bar.
    pub bar: Bar,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Bar {
    /// A bar line, in cycles.
    pub start: f64,
    /// Its length, in cycles.
    pub cycles: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn edit(params: Value) -> Result<Edit, Senseless> {
        serde_json::from_value::<Wanted>(params).expect("understood").into_edit()
    }

    #[test]
    fn what_is_given_is_one_batch_and_nothing_else_changes() {
        assert_eq!(edit(json!({})), Ok(Edit::Batch(vec![])));
        let all = json!({"tempo": 90, "meter": "host", "free_run": true, "seed": 7, "clock": "internal",
            "midi_clock": true, "programs": 9, "start": "continue", "osc_target": "localhost:57120"});
        let expected = vec![
            Edit::Setting(Setting::Bpm(90.0)),
            Edit::Setting(Setting::HostMeter),
            Edit::Setting(Setting::FreeRun(true)),
            Edit::Setting(Setting::Seed(7)),
            Edit::Setting(Setting::ClockSource(ClockSource::Internal)),
            Edit::Setting(Setting::MidiClock(true)),
            Edit::Setting(Setting::Programs(ProgramChanges::Channel(9))),
            Edit::Setting(Setting::Start(Start::Continue)),
            Edit::Setting(Setting::OscTarget(Some("127.0.0.1:57120".to_owned()))),
        ];
        assert_eq!(edit(all), Ok(Edit::Batch(expected)));
        assert_eq!(
            edit(json!({"osc_target": null})),
            Ok(Edit::Batch(vec![Edit::Setting(Setting::OscTarget(None))]))
        );
    }

    #[test]
    fn a_tempo_or_a_meter_that_cannot_be_is_refused_by_name() {
        assert_eq!(edit(json!({"tempo": 0})).unwrap_err().field, "tempo");
        assert_eq!(edit(json!({"tempo": 90, "meter": -3})).unwrap_err().field, "meter");
        assert!(serde_json::from_value::<Wanted>(json!({"meter": "song"})).is_err());
        assert!(serde_json::from_value::<Wanted>(json!({"start": "over"})).is_err());
        assert!(serde_json::from_value::<Wanted>(json!({"temop": 90})).is_err(), "a slip is not overlooked");
    }
}
