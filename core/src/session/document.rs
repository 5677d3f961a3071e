//! The session as a ModuleIr document, and back.

mod sections;

use super::{
    AutomationState, FORMAT, InputState, MAX_DEPTH, METER_RANGE, MidiMapState, Session, SlotState,
    TypeSource, is_default,
};
use crate::clock::TEMPO_RANGE;
use crate::edit::{ClockSource, Edit, EditError, LoadError};
use crate::graph_ir::{RawGraph, Scrutiny};
use crate::node::Registry;
use crate::plan::Crossfade;
use crate::processor::MAX_SLOTS;
use krach_patterns::{Pattern, Program};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Compiled patterns by slot.
pub type Programs = BTreeMap<String, Program>;

impl Session {
    /// The session as a ModuleIr document. Equal sessions give equal bytes.
    pub fn to_json(&self) -> Vec<u8> {
        let mut kept = self.kept.clone();
        let mut kept_krach = self.kept_krach.clone();
        let doc = Document {
            patterns: self
                .slots
                .iter()
                .map(|(name, s)| PatternEntry { target: name.clone(), pattern: s.pattern.clone() })
                .collect(),
            controls: self
                .values
                .iter()
                .map(|(path, value)| ControlEntry { path: path.clone(), value: *value })
                .collect(),
            tempo: Some(self.bpm),
            meter: Some(self.beats_per_cycle),
            master: Some(self.master),
            krach: KrachSection {
                version: FORMAT,
                name: self.name.clone(),
                raw_graph: self.graph.clone(),
                slots: self
                    .slots
                    .iter()
                    .map(|(name, s)| {
                        let extra =
                            SlotEntry { hushed: !s.playing, from_zero: s.from_zero, origin: s.origin };
                        (name.clone(), extra)
                    })
                    .collect(),
                automations: self.automations.clone(),
                clock_source: self.clock_source,
                free_run: self.free_run,
                limiter: self.limiter,
                seed: self.seed,
                input: self.input,
                meter: if self.host_meter { MeterSource::Host } else { MeterSource::Fixed },
                midi_clock: self.midi_clock,
                osc_target: self.osc_target.clone(),
                midi_maps: self.midi_maps.clone(),
                crossfade: self.crossfade,
                sources: self.sources_in_use(),
                other: std::mem::take(&mut kept_krach),
            },
            other: std::mem::take(&mut kept),
        };
        serde_json::to_vec(&doc).expect("a session has no maps with other than string keys")
    }

    /// Reads a document; what it does not mention is at its default.
    ///
    /// # Errors
    /// Not JSON of the right shape, a newer format, or something that cannot play.
    pub fn from_json(json: &[u8], registry: &Registry) -> Result<Self, LoadError> {
        Self::read(json, registry).map(|(session, _)| session)
    }

    /// As [`Session::from_json`], with the slots' patterns compiled, as the check needs them anyway.
    ///
    /// # Errors
    /// As [`Session::from_json`].
    pub fn read(json: &[u8], registry: &Registry) -> Result<(Self, Programs), LoadError> {
        let malformed = |e: serde_json::Error| LoadError::Malformed {
            place: format!("line {} column {}", e.line(), e.column()),
            message: e.to_string(),
        };
        let text = std::str::from_utf8(json).map_err(|e| LoadError::Malformed {
            place: format!("byte {}", e.valid_up_to()),
            message: "not UTF-8".to_owned(),
        })?;
        let depth = krach_patterns::json_depth(text);
        if depth > MAX_DEPTH {
            let message = format!("nests {depth} deep; the most is {MAX_DEPTH}");
            return Err(LoadError::Malformed { place: "$".to_owned(), message });
        }
        let doc: Document = match parse(text) {
            Ok(doc) => doc,
            // A newer one may be of any shape; and bad syntax is said before a bad shape.
            Err(error) => match parse::<VersionProbe>(text).map_err(malformed)?.krach.version {
                version if version > FORMAT => return Err(LoadError::Newer { version }),
                _ => return Err(malformed(error)),
            },
        };
        if doc.krach.version > FORMAT {
            return Err(LoadError::Newer { version: doc.krach.version });
        }
        let invalid = |place: &str| {
            let place = place.to_owned();
            move |error: EditError| LoadError::Invalid { place, error }
        };
        let within = |place: &str, field, range: RangeInclusive<f64>, value: f64| {
            let error = EditError::Value { field, expected: "a positive number of a sensible size" };
            if range.contains(&value) { Ok(value) } else { Err(invalid(place)(error)) }
        };
        let mut programs = Programs::new();
        let mut session = Self {
            name: doc.krach.name,
            bpm: within("$.tempo", "tempo", TEMPO_RANGE, doc.tempo.unwrap_or(120.0))?,
            beats_per_cycle: within("$.meter", "meter", METER_RANGE, doc.meter.unwrap_or(4.0))?,
            clock_source: doc.krach.clock_source,
            host_meter: doc.krach.meter == MeterSource::Host,
            midi_clock: doc.krach.midi_clock,
            free_run: doc.krach.free_run,
            limiter: doc.krach.limiter,
            seed: doc.krach.seed,
            input: doc.krach.input,
            crossfade: doc.krach.crossfade,
            sources: doc.krach.sources,
            kept: doc.other,
            kept_krach: doc.krach.other,
            ..Self::default()
        };
        let master = Edit::SetMasterGain(doc.master.unwrap_or(1.0));
        session.apply(&master, registry).map_err(invalid("$.master"))?;
        let osc = Edit::SetOscTarget(doc.krach.osc_target);
        session.apply(&osc, registry).map_err(invalid("$.krach.osc_target"))?;
        let graph = session.take_graph(&doc.krach.raw_graph, registry, Scrutiny::Document);
        graph.map_err(invalid("$.krach.raw_graph"))?;
        for (i, c) in doc.controls.into_iter().enumerate() {
            // A control of that very path, even if a label of the same name leads elsewhere.
            let own = session.owns(&c.path, registry).then(|| c.path.clone());
            let set = Edit::SetControl { label: c.path, value: c.value };
            session.check(&set).map_err(invalid(&format!("$.controls[{i}]")))?;
            match own {
                Some(path) => drop(session.values.insert(path, c.value)),
                None => session.apply(&set, registry).map_err(invalid(&format!("$.controls[{i}]")))?,
            }
        }
        for (i, p) in doc.patterns.into_iter().enumerate() {
            let place = format!("$.patterns[{i}].pattern");
            let program = krach_patterns::compile(&p.pattern).map_err(|e| invalid(&place)(e.into()))?;
            programs.insert(p.target.clone(), program);
            let extra = doc.krach.slots.get(&p.target).cloned().unwrap_or_default();
            let (known, len) = (session.slots.contains_key(&p.target), session.slots.len());
            session.room_for(len, known, "slots", MAX_SLOTS).map_err(invalid(&place))?;
            let state = SlotState {
                pattern: p.pattern,
                playing: !extra.hushed,
                from_zero: extra.from_zero,
                origin: extra.origin.filter(|o| o.is_finite()),
            };
            session.slots.insert(p.target, state);
        }
        for (id, a) in doc.krach.automations {
            let place = format!("$.krach.automations.{id}");
            let set = Edit::SetAutomation {
                id,
                label: a.label,
                shape: a.shape,
                lo: a.lo,
                hi: a.hi,
                period_secs: a.period_secs,
                one_shot: a.one_shot,
            };
            session.apply(&set, registry).map_err(invalid(&place))?;
        }
        for m in doc.krach.midi_maps {
            let map = Edit::MidiMap { channel: m.channel, cc: m.cc, label: m.label, lo: m.lo, hi: m.hi };
            session.apply(&map, registry).map_err(invalid("$.krach.midi_maps"))?;
        }
        Ok((session, programs))
    }
}

/// Parses JSON whose depth has been checked: patterns nest deeper than serde_json's own limit.
fn parse<T: serde::de::DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    let value = T::deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

#[derive(Default, Deserialize)]
struct VersionProbe {
    #[serde(default)]
    krach: Version,
}

#[derive(Default, Deserialize)]
struct Version {
    #[serde(default)]
    version: u32,
}

/// ModuleIr: one whole session, frozen. Keys are omitted when empty.
#[derive(Default, Serialize)]
struct Document {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    patterns: Vec<PatternEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    controls: Vec<ControlEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tempo: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meter: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    master: Option<f64>,
    krach: KrachSection,
    #[serde(flatten)]
    other: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize, Deserialize)]
struct PatternEntry {
    target: String,
    pattern: Arc<Pattern>,
}

#[derive(Serialize, Deserialize)]
struct ControlEntry {
    path: String,
    value: f64,
}

/// What the session has beyond ModuleIr; older readers ignore it.
#[derive(Serialize)]
struct KrachSection {
    version: u32,
    #[serde(skip_serializing_if = "is_default")]
    name: String,
    #[serde(skip_serializing_if = "is_default")]
    raw_graph: RawGraph,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    slots: BTreeMap<String, SlotEntry>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    automations: BTreeMap<String, AutomationState>,
    clock_source: ClockSource,
    free_run: bool,
    limiter: bool,
    seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<InputState>,
    #[serde(skip_serializing_if = "is_default")]
    meter: MeterSource,
    #[serde(skip_serializing_if = "is_default")]
    midi_clock: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    osc_target: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    midi_maps: Vec<MidiMapState>,
    crossfade: Crossfade,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    sources: BTreeMap<String, TypeSource>,
    #[serde(flatten)]
    other: serde_json::Map<String, serde_json::Value>,
}

impl Default for KrachSection {
    fn default() -> Self {
        let s = Session::default();
        Self {
            version: FORMAT,
            name: s.name,
            raw_graph: s.graph,
            slots: BTreeMap::new(),
            automations: s.automations,
            clock_source: s.clock_source,
            free_run: s.free_run,
            limiter: s.limiter,
            seed: s.seed,
            input: s.input,
            meter: MeterSource::Fixed,
            midi_clock: s.midi_clock,
            osc_target: s.osc_target,
            midi_maps: s.midi_maps,
            crossfade: s.crossfade,
            sources: s.sources,
            other: serde_json::Map::new(),
        }
    }
}

/// What a cycle is.
#[derive(Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum MeterSource {
    /// The document's `meter`, in quarter notes.
    #[default]
    Fixed,
    /// The host's bar.
    Host,
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct SlotEntry {
    #[serde(skip_serializing_if = "is_default")]
    hushed: bool,
    #[serde(skip_serializing_if = "is_default")]
    from_zero: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<f64>,
}
