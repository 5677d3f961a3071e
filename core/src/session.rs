//! The source of truth: everything that is saved, and what each edit does to it.

use crate::automation::ShapeSpec;
use crate::edit::{ClockSource, Edit, EditError, GraphEdit, LoadError};
use crate::graph_ir::RawGraph;
use crate::node::Registry;
use crate::plan::{Crossfade, MAX_CHANNELS};
use crate::processor::{MAX_AUTOMATIONS, MAX_SLOTS};
use krach_patterns::Pattern;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Format of the `krach` section that this version writes.
pub const FORMAT: u32 = 1;
/// Most nodes of a graph.
pub const MAX_NODES: usize = 4096;
/// Deepest nesting of a document: a pattern's, and the document's own around it.
const MAX_DEPTH: usize = krach_patterns::MAX_JSON_DEPTH + 16;
/// Most MIDI maps.
const MAX_MIDI_MAPS: usize = 4096;

/// One session. Cheap to clone: patterns are shared.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// The instance's name.
    pub name: String,
    /// What `load_graph` and its kin brought.
    pub graph: RawGraph,
    /// Base values by path `node/control`.
    pub values: BTreeMap<String, f64>,
    /// Slots by name, hushed ones too.
    pub slots: BTreeMap<String, SlotState>,
    /// Automations by id.
    pub automations: BTreeMap<String, AutomationState>,
    /// Free-run tempo in bpm.
    pub bpm: f64,
    /// Quarter notes per cycle.
    pub beats_per_cycle: f64,
    /// Master gain, linear.
    pub master: f64,
    /// Who is the clock.
    pub clock_source: ClockSource,
    /// Keep an own clock while the host does not run.
    pub free_run: bool,
    /// The safety limiter.
    pub limiter: bool,
    /// Added to every pattern seed.
    pub seed: u64,
    /// The plugin's input reaches `adc_input` nodes: both channels, or one.
    pub input: Option<InputState>,
    /// Controller mappings.
    pub midi_maps: Vec<MidiMapState>,
    /// Length of crossfades.
    pub crossfade: Crossfade,
    /// Sections of a document that this version does not play but keeps.
    kept: serde_json::Map<String, serde_json::Value>,
    kept_krach: serde_json::Map<String, serde_json::Value>,
}

/// A slot.
#[derive(Clone, Debug, PartialEq)]
pub struct SlotState {
    /// Its pattern.
    pub pattern: Arc<Pattern>,
    /// Not hushed.
    pub playing: bool,
    /// The pattern's cycle 0 is where it began, not the clock's cycle 0.
    pub from_zero: bool,
    /// Where it began, in cycles, once known.
    pub origin: Option<f64>,
}

/// An automation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AutomationState {
    /// The control it drives, by label or path.
    pub label: String,
    /// The waveform.
    pub shape: ShapeSpec,
    /// Value at the shape's 0.
    pub lo: f64,
    /// Value at the shape's 1.
    pub hi: f64,
    /// Seconds per period.
    pub period_secs: f64,
    /// Ends after one period.
    #[serde(default, skip_serializing_if = "is_default")]
    pub one_shot: bool,
}

/// What of the plugin's input is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputState {
    /// One channel for both sides; `None` is both as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<u32>,
}

/// A controller mapping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MidiMapState {
    /// MIDI channel.
    pub channel: u8,
    /// Controller number.
    pub cc: u8,
    /// The control it moves.
    pub label: String,
    /// Value at controller 0.
    pub lo: f64,
    /// Value at controller 127.
    pub hi: f64,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            name: String::new(),
            graph: RawGraph::default(),
            values: BTreeMap::new(),
            slots: BTreeMap::new(),
            automations: BTreeMap::new(),
            bpm: 120.0,
            beats_per_cycle: 4.0,
            master: 1.0,
            clock_source: ClockSource::External,
            free_run: false,
            limiter: true,
            seed: 0,
            input: None,
            midi_maps: Vec::new(),
            crossfade: Crossfade::Beats(0.5),
            kept: serde_json::Map::new(),
            kept_krach: serde_json::Map::new(),
        }
    }
}

impl Session {
    /// Applies one edit, or leaves everything as it was.
    ///
    /// # Errors
    /// What is wrong with the edit.
    pub fn apply(&mut self, edit: &Edit, registry: &Registry) -> Result<(), EditError> {
        self.check(edit)?;
        match edit {
            Edit::SetPattern { slot, pattern, from_zero } => {
                let pattern = Arc::new(pattern.clone());
                let state = SlotState { pattern, playing: true, from_zero: *from_zero, origin: None };
                self.slots.insert(slot.clone(), state);
            }
            Edit::Hush { slot } => {
                if let Some(state) = self.slots.get_mut(slot) {
                    state.playing = false;
                }
            }
            Edit::HushAll => self.slots.values_mut().for_each(|s| s.playing = false),
            Edit::SetBpm(bpm) if bpm.is_finite() && *bpm > 0.0 => self.bpm = *bpm,
            Edit::SetBpm(_) => {}
            Edit::SetBeatsPerCycle(beats) if beats.is_finite() && *beats > 0.0 => {
                self.beats_per_cycle = *beats;
            }
            Edit::SetBeatsPerCycle(_) => {}
            Edit::SetClockSource(source) => self.clock_source = *source,
            Edit::SetFreeRun(on) => self.free_run = *on,
            Edit::Graph(edits) => {
                let mut graph = self.graph.clone();
                for edit in edits {
                    graph.apply(edit)?;
                }
                self.check_graph(&graph, registry)?;
                self.graph = graph;
                for edit in edits {
                    if let GraphEdit::AddNode(node) = edit {
                        self.take_values(&node.id, &node.controls);
                    }
                }
                self.forget_values();
            }
            Edit::LoadGraph(graph) => {
                self.check_graph(graph, registry)?;
                self.graph = graph.clone();
                for node in &graph.nodes {
                    self.take_values(&node.id, &node.controls);
                }
                self.forget_values();
            }
            Edit::SetControl { label, value } => {
                if let Some(path) = self.path_of(label) {
                    self.values.insert(path, *value);
                }
            }
            Edit::SetMasterGain(gain) => self.master = *gain,
            Edit::SetLimiter(on) => self.limiter = *on,
            Edit::SetAutomation { id, label, shape, lo, hi, period_secs, one_shot } => {
                let state = AutomationState {
                    label: label.clone(),
                    shape: shape.clone(),
                    lo: *lo,
                    hi: *hi,
                    period_secs: *period_secs,
                    one_shot: *one_shot,
                };
                self.automations.insert(id.clone(), state);
            }
            Edit::ClearAutomation { id } => {
                self.automations.remove(id);
            }
            Edit::StartInput { channel } => self.input = Some(InputState { channel: *channel }),
            Edit::MidiMap { channel, cc, label, lo, hi } => {
                let same = |m: &&mut MidiMapState| m.channel == *channel && m.cc == *cc && m.label == *label;
                let state =
                    MidiMapState { channel: *channel, cc: *cc, label: label.clone(), lo: *lo, hi: *hi };
                match self.midi_maps.iter_mut().find(same) {
                    Some(map) => *map = state,
                    None => {
                        self.room_for(self.midi_maps.len(), false, "MIDI maps", MAX_MIDI_MAPS)?;
                        self.midi_maps.push(state);
                    }
                }
            }
            Edit::SetName(name) => self.name = name.clone(),
            Edit::SetSeed(seed) => self.seed = *seed,
            Edit::Panic | Edit::Rebuild => {}
            Edit::Batch(edits) => {
                let mut next = self.clone();
                for edit in edits {
                    next.apply(edit, registry)?;
                }
                *self = next;
            }
        }
        Ok(())
    }

    /// What can be said about an edit from its own values and the room there is; changes of the
    /// graph and batches are not looked into.
    ///
    /// # Errors
    /// What is wrong with the edit.
    pub fn check(&self, edit: &Edit) -> Result<(), EditError> {
        let bad = |field, expected| Err(EditError::Value { field, expected });
        match edit {
            Edit::SetPattern { slot, .. } => {
                self.room_for(self.slots.len(), self.slots.contains_key(slot), "slots", MAX_SLOTS)
            }
            Edit::SetControl { value, .. } if !value.is_finite() => bad("value", "a finite number"),
            Edit::SetMasterGain(gain) if !(0.0..=16.0).contains(gain) => bad("gain", "a number from 0 to 16"),
            Edit::SetAutomation { id, shape, lo, hi, period_secs, .. } => {
                if !(lo.is_finite() && hi.is_finite()) {
                    return bad("lo, hi", "finite numbers");
                }
                if !(period_secs.is_finite() && *period_secs > 0.0) {
                    return bad("period_secs", "a positive number of seconds");
                }
                shape.check().map_err(EditError::Shape)?;
                let known = self.automations.contains_key(id);
                self.room_for(self.automations.len(), known, "automations", MAX_AUTOMATIONS)
            }
            Edit::MidiMap { lo, hi, .. } if !(lo.is_finite() && hi.is_finite()) => {
                bad("lo, hi", "finite numbers")
            }
            _ => Ok(()),
        }
    }

    fn room_for(&self, len: usize, known: bool, what: &'static str, limit: usize) -> Result<(), EditError> {
        if known || len < limit { Ok(()) } else { Err(EditError::Limit { what, limit }) }
    }

    fn check_graph(&self, graph: &RawGraph, registry: &Registry) -> Result<(), EditError> {
        if graph.nodes.len() > MAX_NODES {
            return Err(EditError::Limit { what: "nodes", limit: MAX_NODES });
        }
        graph.order(registry)?;
        for node in &graph.nodes {
            if node.controls.values().any(|v| !v.is_finite()) {
                return Err(EditError::Value { field: "controls", expected: "finite numbers" });
            }
            let decl = registry.find(&node.type_id).expect("order found every type").decl();
            for ports in [&decl.inputs, &decl.outputs] {
                if ports.iter().map(|p| p.channels).sum::<usize>() > MAX_CHANNELS {
                    let why = format!("{} has more than {MAX_CHANNELS} channels", node.type_id);
                    return Err(crate::edit::GraphError::CreationFailed(why).into());
                }
            }
        }
        Ok(())
    }

    fn take_values(&mut self, id: &str, controls: &BTreeMap<String, f64>) {
        for (control, value) in controls {
            self.values.insert(format!("{id}/{control}"), *value);
        }
    }

    /// Values of nodes that are gone go too.
    fn forget_values(&mut self) {
        let ids: HashSet<&str> = self.graph.nodes.iter().map(|n| n.id.as_str()).collect();
        let owned = |path: &str| path.match_indices('/').any(|(at, _)| ids.contains(&path[..at]));
        self.values.retain(|path, _| owned(path));
    }

    /// Is there a control of that very path?
    fn owns(&self, path: &str, registry: &Registry) -> bool {
        let Some(id) = owner(&self.graph, path) else { return false };
        let decl = self.graph.node(id).and_then(|n| registry.find(&n.type_id)).map(|ty| ty.decl());
        decl.is_some_and(|d| d.controls.iter().any(|c| c.name == path[id.len() + 1..]))
    }

    /// The path `node/control` that a label stands for: an exposed label first, then the path itself.
    pub fn path_of(&self, label: &str) -> Option<String> {
        if let Some((node, control)) = self.graph.exposed_controls.get(label) {
            return Some(format!("{node}/{control}"));
        }
        owner(&self.graph, label).map(|_| label.to_owned())
    }

    /// Base values as clients see them: by exposed label.
    pub fn values_by_label(&self) -> BTreeMap<String, f64> {
        let mut by_label = BTreeMap::new();
        for (label, (node, control)) in &self.graph.exposed_controls {
            if let Some(value) = self.values.get(&format!("{node}/{control}")) {
                by_label.insert(label.clone(), *value);
            }
        }
        by_label
    }

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
                        let extra = SlotEntry {
                            hushed: !s.playing,
                            from_zero: s.from_zero,
                            origin: s.origin,
                        };
                        (name.clone(), extra)
                    })
                    .collect(),
                automations: self.automations.clone(),
                clock_source: self.clock_source,
                free_run: self.free_run,
                limiter: self.limiter,
                seed: self.seed,
                input: self.input,
                midi_maps: self.midi_maps.clone(),
                crossfade: self.crossfade,
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
        let version: VersionProbe = parse(text).map_err(malformed)?;
        if version.krach.version > FORMAT {
            return Err(LoadError::Newer { version: version.krach.version });
        }
        let doc: Document = parse(text).map_err(malformed)?;
        let invalid = |place: &str| {
            let place = place.to_owned();
            move |error: EditError| LoadError::Invalid { place, error }
        };
        let positive = |place: &str, field, value: f64| {
            let error = EditError::Value { field, expected: "a positive number" };
            if value.is_finite() && value > 0.0 { Ok(value) } else { Err(invalid(place)(error)) }
        };
        let mut session = Self {
            name: doc.krach.name,
            bpm: positive("$.tempo", "tempo", doc.tempo.unwrap_or(120.0))?,
            beats_per_cycle: positive("$.meter", "meter", doc.meter.unwrap_or(4.0))?,
            clock_source: doc.krach.clock_source,
            free_run: doc.krach.free_run,
            limiter: doc.krach.limiter,
            seed: doc.krach.seed,
            input: doc.krach.input,
            crossfade: doc.krach.crossfade,
            kept: doc.other,
            kept_krach: doc.krach.other,
            ..Self::default()
        };
        let master = Edit::SetMasterGain(doc.master.unwrap_or(1.0));
        session.apply(&master, registry).map_err(invalid("$.master"))?;
        let graph = Edit::LoadGraph(doc.krach.raw_graph);
        session.apply(&graph, registry).map_err(invalid("$.krach.raw_graph"))?;
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
            krach_patterns::compile(&p.pattern).map_err(|e| invalid(&place)(e.into()))?;
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
        Ok(session)
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

/// The node that a path `node/control` belongs to: of nodes whose name begins it, the longest.
fn owner<'a>(graph: &'a RawGraph, path: &str) -> Option<&'a str> {
    let begins = |id: &str| path.strip_prefix(id).is_some_and(|rest| rest.starts_with('/'));
    graph.nodes.iter().map(|n| n.id.as_str()).filter(|id| begins(id)).max_by_key(|id| id.len())
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
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
#[derive(Serialize, Deserialize)]
struct Document {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    patterns: Vec<PatternEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    controls: Vec<ControlEntry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tempo: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    meter: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    master: Option<f64>,
    #[serde(default)]
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
#[derive(Serialize, Deserialize)]
#[serde(default)]
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    midi_maps: Vec<MidiMapState>,
    crossfade: Crossfade,
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
            midi_maps: s.midi_maps,
            crossfade: s.crossfade,
            other: serde_json::Map::new(),
        }
    }
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
