//! The session as a ModuleIr document, and back.

use super::{FORMAT, MAX_DEPTH, METER_RANGE, Session, SlotState};
use crate::clock::TEMPO_RANGE;
use crate::edit::{Edit, EditError, LoadError};
use crate::graph_ir::Scrutiny;
use crate::ir::{ControlIr, Krach, MeterSource, ModuleIr, PatternIr, SlotEntry};
use crate::node::Registry;
use crate::processor::MAX_SLOTS;
use krach_patterns::Program;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Compiled patterns by slot.
pub type Programs = BTreeMap<String, Program>;

impl Session {
    /// The session as a ModuleIr document. Equal sessions give equal bytes.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.to_module()).expect("a session has no maps with other than string keys")
    }

    /// The session, frozen.
    pub fn to_module(&self) -> ModuleIr {
        ModuleIr {
            patterns: self
                .slots
                .iter()
                .map(|(name, s)| PatternIr {
                    target: name.clone(),
                    pattern: s.pattern.clone(),
                    swing: s.swing,
                    ..PatternIr::default()
                })
                .collect(),
            controls: self
                .values
                .iter()
                .map(|(path, value)| ControlIr { path: path.clone(), value: *value, ..ControlIr::default() })
                .collect(),
            tempo: Some(self.bpm),
            meter: Some(self.beats_per_cycle),
            master: Some(self.master),
            krach: Some(Box::new(Krach {
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
                note_routes: self.note_routes.clone(),
                crossfade: self.crossfade,
                sources: self.sources_in_use(),
                other: self.kept_krach.clone(),
            })),
            ..self.kept.clone()
        }
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
        let module: ModuleIr = match parse(text) {
            Ok(module) => module,
            // A newer one may be of any shape; and bad syntax is said before a bad shape.
            Err(error) => match parse::<VersionProbe>(text).map_err(malformed)?.krach.version {
                version if version > FORMAT => return Err(LoadError::Newer { version }),
                _ => return Err(located(text).unwrap_or_else(|| malformed(error))),
            },
        };
        Self::of_module(module, registry)
    }

    /// The session that a document describes, with its slots' patterns compiled.
    ///
    /// # Errors
    /// A newer format, or something that cannot play.
    pub fn of_module(module: ModuleIr, registry: &Registry) -> Result<(Self, Programs), LoadError> {
        let ModuleIr { patterns, controls, tempo, meter, master, krach, .. } = module;
        let kept = ModuleIr {
            patterns: Vec::new(),
            controls: Vec::new(),
            tempo: None,
            meter: None,
            master: None,
            krach: None,
            ..module
        };
        let krach = *krach.unwrap_or_default();
        if krach.version > FORMAT {
            return Err(LoadError::Newer { version: krach.version });
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
            name: krach.name,
            bpm: within("$.tempo", "tempo", TEMPO_RANGE, tempo.unwrap_or(120.0))?,
            beats_per_cycle: within("$.meter", "meter", METER_RANGE, meter.unwrap_or(4.0))?,
            clock_source: krach.clock_source,
            host_meter: krach.meter == MeterSource::Host,
            midi_clock: krach.midi_clock,
            free_run: krach.free_run,
            limiter: krach.limiter,
            seed: krach.seed,
            input: krach.input,
            crossfade: krach.crossfade,
            sources: krach.sources,
            kept,
            kept_krach: krach.other,
            ..Self::default()
        };
        let master = Edit::SetMasterGain(master.unwrap_or(1.0));
        session.apply(&master, registry).map_err(invalid("$.master"))?;
        let osc = Edit::SetOscTarget(krach.osc_target);
        session.apply(&osc, registry).map_err(invalid("$.krach.osc_target"))?;
        let graph = session.take_graph(&krach.raw_graph, registry, Scrutiny::Document);
        graph.map_err(invalid("$.krach.raw_graph"))?;
        for (i, c) in controls.into_iter().enumerate() {
            // A control of that very path, even if a label of the same name leads elsewhere.
            let own = session.owns(&c.path, registry).then(|| c.path.clone());
            let set = Edit::SetControl { label: c.path, value: c.value };
            session.check(&set).map_err(invalid(&format!("$.controls[{i}]")))?;
            match own {
                Some(path) => drop(session.values.insert(path, c.value)),
                None => session.apply(&set, registry).map_err(invalid(&format!("$.controls[{i}]")))?,
            }
        }
        for (i, p) in patterns.into_iter().enumerate() {
            let place = format!("$.patterns[{i}].pattern");
            let program =
                krach_patterns::compile_swung(&p.pattern, p.swing).map_err(|e| invalid(&place)(e.into()))?;
            programs.insert(p.target.clone(), program);
            let extra = krach.slots.get(&p.target).cloned().unwrap_or_default();
            let (known, len) = (session.slots.contains_key(&p.target), session.slots.len());
            session.room_for(len, known, "slots", MAX_SLOTS).map_err(invalid(&place))?;
            let state = SlotState {
                pattern: p.pattern,
                swing: p.swing,
                playing: !extra.hushed,
                from_zero: extra.from_zero,
                origin: extra.origin.filter(|o| o.is_finite()),
            };
            session.slots.insert(p.target, state);
        }
        for (id, a) in krach.automations {
            let place = format!("$.krach.automations.{id}");
            let set = Edit::SetAutomation {
                id,
                label: a.label,
                shape: a.shape,
                lo: a.lo,
                hi: a.hi,
                period: a.period,
                one_shot: a.one_shot,
            };
            session.apply(&set, registry).map_err(invalid(&place))?;
        }
        for m in krach.midi_maps {
            let map = Edit::MidiMap { channel: m.channel, cc: m.cc, label: m.label, lo: m.lo, hi: m.hi };
            session.apply(&map, registry).map_err(invalid("$.krach.midi_maps"))?;
        }
        for r in krach.note_routes {
            let route = Edit::RouteNotes { channel: r.channel, node: Some(r.node) };
            session.apply(&route, registry).map_err(invalid("$.krach.note_routes"))?;
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

/// The error of a text that does not parse, with the way to where it is.
fn located(text: &str) -> Option<LoadError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    let error = serde_path_to_error::deserialize::<_, ModuleIr>(&mut reader).err()?;
    let (path, error) = (error.path().to_string(), error.into_inner());
    let way = if path == "." { "$".to_owned() } else { format!("$.{path}") };
    let place = format!("{way} (line {} column {})", error.line(), error.column());
    // serde_json says the line again.
    let message = error.to_string();
    let end = message.rfind(" at line ").unwrap_or(message.len());
    Some(LoadError::Malformed { place, message: message[..end].to_owned() })
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
