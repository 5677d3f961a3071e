//! The session as a ModuleIr document, and back.

use super::kept::ByName;
use super::migrate::migrate;
use super::settings::check_amount;
use super::{MAX_DEPTH, Session, kept, lower, scene_document};
use crate::edit::{Edit, EditError, LoadError, Route, SessionNode, gain_path, level_path};
use crate::graph::{Controls, GraphError, Validate};
use crate::ir::{
    ControlIr, FORMAT, Fault, Krach, MeterSource, ModuleIr, MutedIr, NodeEntry, NodeIr, PatternIr, RouteIr,
    RouteKind, SlotEntry, Source, did_you_mean, flattened,
};
use crate::limits::{MAX_GAIN, MAX_PARTS, MAX_SLOTS, METER_RANGE, TEMPO_RANGE};
use crate::model::{ProgramChanges, Setting, Settings, SlotState};
use crate::node::{Registry, comes_from_text};
use krach_patterns::{JsonExtent, Program};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Compiled patterns by slot.
pub type Programs = BTreeMap<String, Program>;

impl Session {
    /// The session as a ModuleIr document. Equal sessions give equal bytes.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.to_module()).expect("a session has no maps with other than string keys")
    }

    /// The session, frozen.
    pub fn to_module(&self) -> ModuleIr {
        self.module_with(&self.kept)
    }

    /// The same, with these unknown fields and sections that are not played.
    pub(super) fn module_with(&self, kept: &ModuleIr) -> ModuleIr {
        let by_nodes = self.values_kept_by_nodes();
        let (automations, own_automations) = super::automations::write(&self.automations, &kept.automations);
        let began = self.values_nodes_began_with();
        let kept_patterns = ByName::of(&kept.patterns, |p| (&p.target, &p.other));
        let kept_controls = ByName::of(&kept.controls, |c| (&c.path, &c.other));
        let kept_muted = ByName::of(&kept.muted, |m| (&m.name, &m.other));
        // A value that nodes say stands among the controls too if it has unknown fields there.
        let elsewhere = |path: &String, value: f64| {
            let by_node = by_nodes.contains(path) || began.get(path).is_some_and(|began| *began == value);
            by_node && !kept_controls.has(path)
        };
        let settings = &self.settings;
        let (scenes, scene_texts) = scene_document::write(&self.scenes);
        ModuleIr {
            nodes: self.nodes.iter().map(|n| self.node_ir(n)).collect(),
            routing: self.routes.iter().map(|r| self.route_ir(r)).collect(),
            muted: self
                .nodes
                .iter()
                .filter(|n| n.muted)
                .map(|n| MutedIr {
                    name: n.name.clone(),
                    saved_gain: self.gain_of(&n.name),
                    other: kept_muted.fields(&n.name),
                })
                .collect(),
            patterns: self
                .slots
                .iter()
                .map(|(name, s)| PatternIr {
                    target: name.clone(),
                    pattern: s.pattern.clone(),
                    swing: s.swing,
                    other: kept_patterns.fields(name),
                })
                .collect(),
            controls: self
                .values
                .iter()
                .filter(|(path, value)| !elsewhere(path, **value))
                .map(|(path, value)| {
                    let other = kept_controls.fields(path);
                    ControlIr { path: path.clone(), value: *value, other }
                })
                .collect(),
            automations,
            tempo: Some(settings.bpm),
            meter: Some(settings.beats_per_cycle),
            master: Some(settings.master),
            krach: Some(Box::new(Krach {
                version: FORMAT,
                name: settings.name.clone(),
                raw_graph: (*self.raw).clone(),
                nodes: self.nodes.iter().filter_map(|n| node_entry(n)).collect(),
                slots: self
                    .slots
                    .iter()
                    .map(|(name, s)| {
                        let extra =
                            SlotEntry { hushed: !s.playing, from_zero: s.from_zero, origin: s.origin };
                        (name.clone(), extra)
                    })
                    .collect(),
                automations: own_automations,
                clock_source: settings.clock_source,
                free_run: settings.free_run,
                limiter: settings.limiter,
                seed: settings.seed,
                input: settings.input,
                meter: if settings.host_meter { MeterSource::Host } else { MeterSource::Fixed },
                midi_clock: settings.midi_clock,
                programs: settings.programs,
                start: settings.start,
                osc_target: settings.osc_target.clone(),
                midi_maps: (*self.midi_maps).clone(),
                macros: (*self.macros).clone(),
                note_routes: self.note_routes.clone(),
                crossfade: settings.crossfade,
                sources: self.sources_in_use(),
                scenes,
                scene: self.scenes.current(),
                scene_texts,
                libraries: self.libraries.clone(),
                other: kept.krach.as_ref().map(|krach| krach.other.clone()).unwrap_or_default(),
            })),
            inputs: kept.inputs.clone(),
            outputs: kept.outputs.clone(),
            sub_modules: kept.sub_modules.clone(),
            other: kept.other.clone(),
        }
    }

    fn node_ir(&self, node: &SessionNode) -> NodeIr {
        NodeIr {
            name: node.name.clone(),
            source: node.source.clone(),
            gain: self.gain_of(&node.name),
            count: node.count,
            num_inputs: node.num_inputs,
            init: node.init.clone(),
            source_text: node.source_text.clone(),
            other: node.other.clone(),
        }
    }

    fn route_ir(&self, route: &Route) -> RouteIr {
        let is_send = route.kind == RouteKind::Send;
        RouteIr {
            source: route.source.clone(),
            target: route.target.clone(),
            kind: route.kind,
            level: if is_send { self.level_of(&route.source, &route.target) } else { 1.0 },
            port: route.port.clone(),
            other: route.other.clone(),
        }
    }

    /// Values that nodes said their controls begin with, by path. Of a control named twice the last counts.
    fn values_nodes_began_with(&self) -> HashMap<String, f64> {
        let of_node = |n: &Arc<SessionNode>| {
            let values = n.init.iter().map(|(control, value)| (format!("{}/{control}", n.name), *value));
            values.collect::<Vec<_>>()
        };
        self.nodes.iter().flat_map(of_node).collect()
    }

    /// A node's fader, 0 to 16.
    pub fn gain_of(&self, node: &str) -> f64 {
        self.loudness(&gain_path(node))
    }

    /// Level of a send, 0 to 16.
    pub fn level_of(&self, source: &str, target: &str) -> f64 {
        self.loudness(&level_path(source, target))
    }

    /// As it is heard: what was set by its path may be out of range.
    fn loudness(&self, path: &str) -> f64 {
        self.values.get(path).map_or(1.0, |gain| gain.clamp(0.0, MAX_GAIN))
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
        let text = std::str::from_utf8(json).map_err(|e| LoadError::Malformed {
            place: format!("byte {}", e.valid_up_to()),
            message: "not UTF-8".to_owned(),
        })?;
        Self::of_module(Self::read_module(text)?, registry)
    }

    /// The module of a document of any format up to the present one, as the present one has it.
    ///
    /// # Errors
    /// Not JSON of the right shape, too deep, or a newer format.
    pub fn read_module(text: &str) -> Result<ModuleIr, LoadError> {
        let malformed = |e: serde_json::Error| LoadError::Malformed {
            place: format!("line {} column {}", e.line(), e.column()),
            message: e.to_string(),
        };
        let JsonExtent { depth, parts } = krach_patterns::json_extent(text);
        let beyond = |message| Err(LoadError::Malformed { place: "$".to_owned(), message });
        if depth > MAX_DEPTH {
            return beyond(format!("nests {depth} deep; the most is {MAX_DEPTH}"));
        }
        if parts > MAX_PARTS {
            return beyond(format!("has {parts} entries in lists and objects; the most is {MAX_PARTS}"));
        }
        let found = parse::<ModuleIr>(text);
        let versions = match &found {
            Ok(module) => Versions::of(module),
            // Another format may be of any shape. Bad syntax is said before that, and a bad shape after it.
            Err(_) => match parse::<Probe>(text) {
                Ok(probe) => probe.versions(),
                Err(error) if error.is_data() => {
                    return Err(located(text).unwrap_or_else(|| malformed(error)));
                }
                Err(error) => return Err(malformed(error)),
            },
        };
        if versions.newest > FORMAT {
            return Err(LoadError::Newer { version: versions.newest });
        }
        if versions.oldest < FORMAT {
            let mut document: Map<String, Value> = parse(text).map_err(malformed)?;
            drop(found);
            migrate(&mut document);
            let text = serde_json::to_string(&document).map_err(malformed)?;
            drop(document);
            return parse(&text).map_err(|error| located(&text).unwrap_or_else(|| malformed(error)));
        }
        found.map_err(|error| located(text).unwrap_or_else(|| malformed(error)))
    }

    /// The session that a document describes, with its slots' patterns compiled.
    ///
    /// # Errors
    /// A newer format, or something that cannot play.
    pub fn of_module(module: ModuleIr, registry: &Registry) -> Result<(Self, Programs), LoadError> {
        if let Some(krach) = &module.krach
            && krach.version > FORMAT
        {
            return Err(LoadError::Newer { version: krach.version });
        }
        let of_fault =
            |fault: Fault| LoadError::Invalid { place: fault.place.clone(), error: EditError::Fault(fault) };
        module.check().map_err(of_fault)?;
        let names = Names::of(&module);
        let inner = kept::inner(&module.sub_modules);
        let mut module = flattened(module);
        let automations = super::automations::read(&module).map_err(of_fault)?;
        let kept = Arc::new(kept::take(&mut module, inner));
        let ModuleIr { nodes, routing, patterns, controls, muted, tempo, meter, master, krach, .. } = module;
        let krach = *krach.unwrap_or_default();
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
            settings: Settings {
                name: krach.name,
                bpm: within("$.tempo", "tempo", TEMPO_RANGE, tempo.unwrap_or(120.0))?,
                beats_per_cycle: within("$.meter", "meter", METER_RANGE, meter.unwrap_or(4.0))?,
                clock_source: krach.clock_source,
                host_meter: krach.meter == MeterSource::Host,
                midi_clock: krach.midi_clock,
                programs: ProgramChanges::Omni,
                start: krach.start,
                free_run: krach.free_run,
                limiter: krach.limiter,
                seed: krach.seed,
                input: krach.input,
                crossfade: krach.crossfade,
                // They are held to what they take, below.
                osc_target: None,
                master: 1.0,
            },
            sources: krach.sources.into_iter().map(|(id, source)| (id, Arc::new(source))).collect(),
            libraries: krach.libraries,
            kept,
            ..Self::default()
        };
        let master = Edit::Setting(Setting::Master(master.unwrap_or(1.0)));
        session.apply(&master, registry).map_err(invalid("$.master"))?;
        let changes = Edit::Setting(Setting::Programs(krach.programs));
        session.apply(&changes, registry).map_err(invalid("$.krach.programs"))?;
        let osc = Edit::Setting(Setting::OscTarget(krach.osc_target));
        session.apply(&osc, registry).map_err(invalid("$.krach.osc_target"))?;
        let graph = session.load_raw(&krach.raw_graph, registry, Validate::Saved);
        graph.map_err(invalid("$.krach.raw_graph"))?;
        session.take_nodes(nodes, routing, &krach.nodes, registry).map_err(|(name, error)| {
            let place = names.place_of(&name, "$").unwrap_or("$.nodes".to_owned());
            match error {
                EditError::Fault(fault) => of_fault(fault.within(&place)),
                error => LoadError::Invalid { place, error },
            }
        })?;
        for m in muted {
            // Others write a muted node with a gain of 0.
            session.values.insert(gain_path(&m.name), m.saved_gain);
            session.nodes.update(&m.name, |node| node.muted = true);
        }
        let (graph, mutes) = lower(&session.raw, &session.nodes, &session.routes, registry);
        session.put_graph(graph, registry);
        session.place_mutes(&mutes);
        session.settle_values(registry);
        let graph = Arc::clone(&session.graph);
        let known = Controls::of(&graph, registry);
        let mut renamed = BTreeMap::new();
        for (i, c) in controls.into_iter().enumerate() {
            let set = Edit::SetControl { label: c.path, value: c.value };
            session.check(&set, registry).map_err(invalid(&format!("$.controls[{i}]")))?;
            let Edit::SetControl { label: path, value } = set else { continue };
            // A control of that very path, even if a label of the same name leads elsewhere.
            if known.at(&path).is_some() {
                session.values.insert(path, value);
            } else if let Some(full) = known.find(&path).path() {
                session.values.insert(full.clone(), value);
                renamed.insert(path, full);
            }
        }
        session.rename_kept_controls(&renamed);
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
        for (id, a) in automations {
            let place = format!("$.krach.automations.{id}");
            session.apply(&Edit::from((&*id, &a)), registry).map_err(invalid(&place))?;
        }
        session.lengthen_kept_automations(registry);
        for m in krach.midi_maps {
            let map = Edit::MidiMap { channel: m.channel, cc: m.cc, label: m.label, lo: m.lo, hi: m.hi };
            session.apply(&map, registry).map_err(invalid("$.krach.midi_maps"))?;
        }
        for (i, m) in krach.macros.into_iter().enumerate() {
            let edit = Edit::Macro { number: m.number, to: Some(Box::new(m)) };
            session.apply(&edit, registry).map_err(invalid(&format!("$.krach.macros[{i}]")))?;
        }
        for r in krach.note_routes {
            let route = Edit::RouteNotes { channel: r.channel, node: Some(r.node) };
            session.apply(&route, registry).map_err(invalid("$.krach.note_routes"))?;
        }
        let scenes = krach.scenes.unwrap_or_default();
        session.scenes = Arc::new(scene_document::read(scenes, &krach.scene_texts, krach.scene, registry)?);
        session.check_numbers().map_err(invalid("$.krach.scenes"))?;
        Ok((session, programs))
    }
}

impl Session {
    /// Takes the nodes and routes of a module that was checked.
    ///
    /// # Errors
    /// What is wrong with the graph that they come to, and the name of the node, if it is one's.
    fn take_nodes(
        &mut self,
        nodes: Vec<NodeIr>,
        routing: Vec<RouteIr>,
        entries: &BTreeMap<String, NodeEntry>,
        registry: &Registry,
    ) -> Result<(), (String, EditError)> {
        for node in nodes {
            let NodeIr { name, source, gain, count, num_inputs, init, source_text, other } = node;
            let entry = entries.get(&name).cloned().unwrap_or_default();
            let NodeEntry { stereo, off_master, stem, solo, legato, rest, settings } = entry;
            if let Err(fault) = check_amount(&settings) {
                return Err((name, fault.into()));
            }
            if let Source::Type(id) = &source
                && registry.type_status(id).is_none()
                && !comes_from_text(id)
            {
                let fault = Fault::new("$.source", GraphError::TypeNotFound(id.clone()).to_string());
                let hint = did_you_mean(id, registry.type_ids());
                return Err((name, Fault { hint, ..fault }.into()));
            }
            self.values.insert(gain_path(&name), gain);
            for (control, value) in &init {
                self.values.insert(format!("{name}/{control}"), *value);
            }
            self.nodes.push(SessionNode {
                name,
                source,
                settings,
                count,
                legato,
                rest,
                num_inputs,
                init,
                source_text,
                stereo,
                to_master: !off_master,
                stem,
                muted: false,
                solo,
                other,
            });
        }
        for route in routing {
            let RouteIr { source, target, kind, level, port, other } = route;
            if kind == RouteKind::Send {
                self.values.insert(level_path(&source, &target), level);
            }
            self.routes.push(Route { source, target, kind, port, other });
        }
        let (graph, _) = lower(&self.raw, &self.nodes, &self.routes, registry);
        if let Err(error) = self.check_graph(&graph, registry, Validate::Saved) {
            let name = match &error {
                EditError::Graph(GraphError::UnknownPort { node, .. } | GraphError::DuplicateNode(node)) => {
                    node.clone()
                }
                _ => String::new(),
            };
            return Err((name, error));
        }
        self.put_graph(graph, registry);
        Ok(())
    }
}

/// What is known of a node beyond what others read, if it is anything.
fn node_entry(node: &SessionNode) -> Option<(String, NodeEntry)> {
    let (off_master, legato, rest) = (!node.to_master, node.legato, node.rest);
    let (stereo, stem, solo, settings) = (node.stereo, node.stem, node.solo, node.settings.clone());
    let entry = NodeEntry { stereo, off_master, stem, solo, legato, rest, settings };
    (entry != NodeEntry::default()).then(|| (node.name.clone(), entry))
}

/// Names of the nodes of a module and of those within it.
struct Names {
    nodes: Vec<String>,
    within: Vec<(String, Self)>,
}

impl Names {
    fn of(module: &ModuleIr) -> Self {
        Self {
            nodes: module.nodes.iter().map(|n| n.name.clone()).collect(),
            within: module.sub_modules.iter().map(|s| (s.prefix.clone(), Self::of(&s.module))).collect(),
        }
    }

    /// JSON path of the node that has that name once all is flat.
    fn place_of(&self, name: &str, place: &str) -> Option<String> {
        if let Some(at) = self.nodes.iter().position(|n| n == name) {
            return Some(format!("{place}.nodes[{at}]"));
        }
        self.within.iter().enumerate().find_map(|(i, (prefix, within))| {
            let rest = name.strip_prefix(prefix)?.strip_prefix('/')?;
            within.place_of(rest, &format!("{place}.sub_modules[{i}].module"))
        })
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

/// Formats of a document and of the modules in it.
#[derive(Clone, Copy)]
struct Versions {
    oldest: u32,
    newest: u32,
}

impl Versions {
    fn one(version: Option<u32>) -> Self {
        // What says nothing of it is of another program, or written by hand: for today's.
        let version = version.unwrap_or(FORMAT);
        Self { oldest: version, newest: version }
    }

    fn with(self, other: Self) -> Self {
        Self { oldest: self.oldest.min(other.oldest), newest: self.newest.max(other.newest) }
    }

    fn of(module: &ModuleIr) -> Self {
        let own = Self::one(module.krach.as_ref().map(|krach| krach.version));
        let scenes = module.krach.iter().flat_map(|krach| krach.scenes.iter().flatten());
        let within =
            module.sub_modules.iter().map(|sub| &sub.module).chain(scenes.map(|scene| &scene.module));
        within.fold(own, |all, module| all.with(Self::of(module)))
    }
}

/// As much of a document of any format as tells which it is.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Probe {
    krach: Option<ProbedKrach>,
    #[serde(alias = "sub_graphs")]
    sub_modules: Vec<ProbedSub>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ProbedKrach {
    version: Option<u32>,
    scenes: Vec<ProbedSub>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ProbedSub {
    module: Probe,
}

impl Probe {
    fn versions(&self) -> Versions {
        let own = Versions::one(self.krach.as_ref().and_then(|krach| krach.version));
        let scenes = self.krach.iter().flat_map(|krach| &krach.scenes);
        self.sub_modules.iter().chain(scenes).fold(own, |all, sub| all.with(sub.module.versions()))
    }
}
