//! The source of truth: everything that is saved, and what each edit does to it.

mod addresses;
mod adopt;
mod automations;
mod circles;
mod difference;
mod document;
mod gone;
mod history;
mod kept;
mod leaving;
mod load;
mod lower;
mod macros;
mod migrate;
mod nodes;
mod owners;
mod scene_document;
mod scenes;
mod settings;
mod size;
mod writers;

use crate::edit::{Nodes, Routes, Scenes};
use crate::limits::{MAX_ID, MAX_MIDI_MAPS, MAX_NODES};
use crate::model::Values;
use crate::model::{AutomationState, MacroState, MidiMapState, NoteRouteState, SlotState, TypeSource};
pub use adopt::Adoption;
use automations::read as automations_of;
pub use document::Programs;
pub use gone::Gone;
pub use history::{CoalesceKey, History, coalesce_key, label_of};
use lower::Basis;
pub use lower::{lower, output_id};
pub use owners::Added;
pub use settings::{check_settings, unfit};
pub use size::{Extent, source_extent};
pub use writers::Writer;
pub use writers::visit_labels;

use crate::edit::{Edit, EditError};
use crate::graph::{Amounts, Controls, GraphEdit, GraphError, GraphNode, IndexedGraph, RawGraph, Validate};
use crate::ir::ModuleIr;
use crate::limits::{
    MAX_AUTOMATIONS, MAX_CHANNELS, MAX_CONNECTIONS, MAX_DOCUMENT, MAX_ROUTES, MAX_SLOTS, MAX_VALUES,
    MAX_VOICES,
};
use crate::model::{Period, Setting, Settings, check_number};
use crate::node::{Named, NodeDecl, Registry};
use imbl::OrdMap;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// Deepest nesting of a document: a pattern's, and the document's own around it.
const MAX_DEPTH: usize = krach_patterns::MAX_JSON_DEPTH + 16;
/// Longest fade, in whatever it counts.
const MAX_FADE: f64 = 1e6;

/// One session. Copies share what is equal in them: a copy costs the same whatever the session is.
///
/// ```
/// use krach_core::edit::Edit;
/// use krach_core::model::Setting;
/// use krach_core::node::Registry;
/// use krach_core::session::Session;
///
/// let registry = Registry::with_builtins();
/// let mut session = Session::default();
/// session.apply(&Edit::Setting(Setting::Master(0.5)), &registry)?;
/// let before = session.clone();
/// assert!(session.apply(&Edit::Setting(Setting::Master(17.0)), &registry).is_err());
/// assert_eq!(session, before);
///
/// let again = Session::from_json(&session.to_json(), &registry).expect("what was written is read");
/// assert_eq!(again, session);
/// # Ok::<(), krach_core::edit::EditError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// The clock, the master, what goes in and out.
    pub settings: Settings,
    /// What `load_graph` and its kin brought.
    pub raw: Arc<RawGraph>,
    /// Nodes, in the order they were added.
    pub nodes: Nodes,
    /// Routes between nodes.
    pub routes: Routes,
    /// What is planned: the raw graph with what nodes and routes come to. Made anew from them.
    pub graph: Arc<IndexedGraph>,
    /// What it was made from.
    basis: Basis,
    /// Base values by path `node/control`.
    pub values: Values,
    /// Slots by name, hushed ones too.
    pub slots: OrdMap<String, SlotState>,
    /// Automations by id.
    pub automations: OrdMap<String, AutomationState>,
    /// Controller mappings.
    pub midi_maps: Arc<Vec<MidiMapState>>,
    /// What the host's macros move, by rising number.
    pub macros: Arc<Vec<MacroState>>,
    /// Where notes of the host go: channels in order, then the rest.
    pub note_routes: Vec<NoteRouteState>,
    /// The scenes.
    pub scenes: Arc<Scenes>,
    /// Texts of the types that come from text, by type id.
    pub sources: OrdMap<String, Arc<TypeSource>>,
    /// Which libraries of their language its texts were first compiled with: with others they may sound
    /// different.
    pub libraries: Option<String>,
    /// Sections of a document that this version does not play but keeps.
    kept: Arc<ModuleIr>,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            raw: Arc::default(),
            nodes: Nodes::new(),
            routes: Routes::default(),
            graph: Arc::default(),
            basis: Basis::default(),
            values: OrdMap::new(),
            slots: OrdMap::new(),
            automations: OrdMap::new(),
            midi_maps: Arc::default(),
            macros: Arc::default(),
            note_routes: Vec::new(),
            scenes: Arc::default(),
            sources: OrdMap::new(),
            libraries: None,
            kept: Arc::default(),
        }
    }
}

impl Session {
    /// Takes over what is no part of the music: the clock, what goes in and out, protection, unknown settings.
    pub fn take_settings(&mut self, from: &Self) {
        self.take_kept_settings(from);
        self.settings.take_surroundings(&from.settings);
        self.midi_maps.clone_from(&from.midi_maps);
        self.macros.clone_from(&from.macros);
        self.note_routes.clone_from(&from.note_routes);
    }

    /// Applies one edit, or leaves everything as it was.
    ///
    /// # Errors
    /// What is wrong with the edit.
    pub fn apply(&mut self, edit: &Edit, registry: &Registry) -> Result<(), EditError> {
        self.check(edit, registry)?;
        match edit {
            Edit::SetPattern { slot, pattern, from_zero, origin, swing } => {
                let pattern = Arc::new(pattern.clone());
                let (swing, from_zero) = (*swing, *from_zero);
                let origin = origin.filter(|_| from_zero);
                let state = SlotState { pattern, swing, playing: true, from_zero, origin };
                self.slots.insert(slot.clone(), state);
            }
            Edit::Hush { slot } => {
                if let Some(state) = self.slots.get_mut(slot) {
                    state.playing = false;
                }
            }
            Edit::HushAll => {
                let playing = self.slots.iter().filter(|(_, s)| s.playing);
                for slot in playing.map(|(slot, _)| slot.clone()).collect::<Vec<_>>() {
                    self.slots.get_mut(&slot).expect("it is there").playing = false;
                }
            }
            Edit::Setting(setting) => self.settings.set(setting),
            Edit::Graph(edits) => {
                let mut raw = (*self.raw).clone();
                for edit in edits {
                    raw.apply(edit)?;
                }
                self.take_raw(raw, registry, None)?;
                for edit in edits {
                    // One that was removed again leaves nothing to another of its name.
                    if let GraphEdit::AddNode(node) = edit
                        && self.raw.node(&node.id).is_some_and(|kept| kept == node)
                    {
                        self.take_values(&node.id, &node.controls);
                    }
                }
                self.settle_values(registry);
            }
            Edit::LoadGraph(graph) => self.load_raw(graph, registry, Validate::All)?,
            Edit::Nodes(edits) => self.apply_to_nodes(edits, registry)?,
            Edit::ReplaceGraph(foundation) => self.become_foundation(foundation, registry)?,
            Edit::SetValues(values) => self.set_values(values, registry),
            Edit::SetSources(sources) => {
                self.sources
                    .extend(sources.iter().map(|(id, source)| (id.clone(), Arc::new(source.clone()))));
            }
            Edit::RemoveSlot { slot } => drop(self.slots.remove(slot)),
            // What fades is saved as where it goes.
            Edit::SetControl { label, value } | Edit::Fade { label, value, .. } => {
                if let Some(path) = self.path_of(label, registry) {
                    self.values.insert(path, *value);
                }
            }
            Edit::SetAutomation { id, label, shape, lo, hi, period, one_shot } => {
                let state = AutomationState {
                    label: self.long_form(label, registry),
                    shape: shape.clone(),
                    lo: *lo,
                    hi: *hi,
                    period: *period,
                    one_shot: *one_shot,
                };
                self.automations.insert(id.clone(), state);
            }
            Edit::ClearAutomation { id } => {
                self.automations.remove(id);
            }
            Edit::MidiMap { channel, cc, label, lo, hi } => {
                let label = self.long_form(label, registry);
                let same = |m: &&mut MidiMapState| m.channel == *channel && m.cc == *cc && m.label == label;
                let state =
                    MidiMapState { channel: *channel, cc: *cc, label: label.clone(), lo: *lo, hi: *hi };
                match Arc::make_mut(&mut self.midi_maps).iter_mut().find(same) {
                    Some(map) => *map = state,
                    None => {
                        self.room_for(self.midi_maps.len(), false, "MIDI maps", MAX_MIDI_MAPS)?;
                        Arc::make_mut(&mut self.midi_maps).push(state);
                    }
                }
            }
            Edit::MidiUnmap { channel, cc, label } => {
                let label = label.as_ref().map(|label| self.long_form(label, registry));
                let meant = |m: &MidiMapState| {
                    m.channel == *channel && m.cc == *cc && label.as_ref().is_none_or(|l| *l == m.label)
                };
                Arc::make_mut(&mut self.midi_maps).retain(|m| !meant(m));
            }
            Edit::RouteNotes { channel, node } => {
                self.note_routes.retain(|r| r.channel != *channel);
                let order = |c: Option<u8>| c.unwrap_or(u8::MAX);
                let at = self.note_routes.partition_point(|r| order(r.channel) < order(*channel));
                let route = node.clone().map(|node| NoteRouteState { channel: *channel, node });
                self.note_routes.splice(at..at, route);
            }
            Edit::Macro { number, to } => self.set_macro(*number, to.as_deref(), registry),
            Edit::MidiMaps(maps) => self.midi_maps = Arc::new(maps.clone()),
            Edit::Scene(edit) => self.apply_to_scenes(edit, registry)?,
            Edit::Panic | Edit::Rebuild | Edit::EndTransitions(_) => {}
            Edit::MasterLine { gain, .. } => self.settings.set(&Setting::Master(*gain)),
            Edit::TempoLine { bpm, .. } => self.settings.set(&Setting::Bpm(*bpm)),
            Edit::Batch(edits) | Edit::Titled { edits, .. } | Edit::Transition { edits, .. } => {
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
    pub fn check(&self, edit: &Edit, registry: &Registry) -> Result<(), EditError> {
        let bad = |field, expected| Err(EditError::Value { field, expected });
        match edit {
            Edit::SetPattern { slot, .. } => {
                self.room_for(self.slots.len(), self.slots.contains_key(slot), "slots", MAX_SLOTS)
            }
            Edit::Fade { length, .. } if !(0.0..=MAX_FADE).contains(&length.number()) => {
                bad("length", "a number from 0 to 1000000")
            }
            Edit::Fade { value, .. } | Edit::SetControl { value, .. } if !value.is_finite() => {
                bad("value", "a finite number")
            }
            Edit::SetControl { label, .. } | Edit::Fade { label, .. } if self.values.len() >= MAX_VALUES => {
                let known = self.path_of(label, registry).is_none_or(|path| self.values.contains_key(&path));
                self.room_for(self.values.len(), known, "values of controls", MAX_VALUES)
            }
            Edit::Scene(edit) => Ok(edit.check(&self.scenes)?),
            Edit::Setting(setting) => setting.check().or_else(|(field, expected)| bad(field, expected)),
            Edit::MasterLine { gain, .. } => self.check(&Setting::Master(*gain).into(), registry),
            Edit::TempoLine { bpm, .. } => self.check(&Setting::Bpm(*bpm).into(), registry),
            Edit::SetAutomation { id, shape, lo, hi, period, .. } => {
                if !(lo.is_finite() && hi.is_finite()) {
                    return bad("lo, hi", "finite numbers");
                }
                match period {
                    Period::Secs(secs) if !(secs.is_finite() && *secs > 0.0) => {
                        return bad("period_secs", "a positive number of seconds");
                    }
                    Period::Bars(bars) if !(bars.is_finite() && *bars > 0.0) => {
                        return bad("bars", "a positive number of bars");
                    }
                    _ => {}
                }
                shape.check().map_err(EditError::Shape)?;
                let known = self.automations.contains_key(id);
                self.room_for(self.automations.len(), known, "automations", MAX_AUTOMATIONS)
            }
            Edit::RouteNotes { channel: Some(16..), .. }
            | Edit::MidiMap { channel: 16.., .. }
            | Edit::MidiUnmap { channel: 16.., .. } => bad("channel", "a MIDI channel from 0 to 15"),
            Edit::MidiMap { cc: 128.., .. } | Edit::MidiUnmap { cc: 128.., .. } => {
                bad("cc", "a controller from 0 to 127")
            }
            Edit::Macro { number, to } => {
                let checked =
                    check_number(*number).and_then(|()| to.as_ref().map_or(Ok(()), |to| to.check()));
                checked.or_else(|(field, expected)| bad(field, expected))
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

    fn load_raw(
        &mut self,
        graph: &RawGraph,
        registry: &Registry,
        validate: Validate<'_>,
    ) -> Result<(), EditError> {
        // What the session's own nodes come to is no part of what is new.
        let (known, _) = lower(&RawGraph::default(), &self.nodes, &self.routes, registry);
        let validate = match validate {
            Validate::All => Validate::ChangesSince(&known),
            other => other,
        };
        self.take_raw(graph.clone(), registry, Some(validate))?;
        for node in &graph.nodes {
            self.take_values(&node.id, &node.controls);
        }
        self.settle_values(registry);
        Ok(())
    }

    /// Takes another raw graph; what was in the graph already is not looked at again unless asked for.
    fn take_raw(
        &mut self,
        raw: RawGraph,
        registry: &Registry,
        validate: Option<Validate<'_>>,
    ) -> Result<(), EditError> {
        let (graph, mutes) = lower(&raw, &self.nodes, &self.routes, registry);
        self.check_graph(&graph, registry, validate.unwrap_or(Validate::ChangesSince(&self.graph)))?;
        self.raw = Arc::new(raw);
        self.put_graph(graph, registry);
        self.place_mutes(&mutes);
        Ok(())
    }

    fn check_graph(
        &self,
        graph: &IndexedGraph,
        registry: &Registry,
        validate: Validate<'_>,
    ) -> Result<(), EditError> {
        check_ids(graph.nodes.iter())?;
        check_labels(graph.exposed_controls.iter().map(|(label, (node, control))| (label, node, control)))?;
        self.check_amounts(graph.amounts())?;
        graph.order(registry, validate)?;
        graph.nodes.iter().try_for_each(|node| check_node(node, registry))
    }

    /// Is there room for all that a graph is and brings: base values by path, wires, ids?
    fn check_amounts(&self, graph: Amounts) -> Result<(), EditError> {
        for (what, len, limit) in [
            ("nodes", graph.nodes, MAX_NODES),
            ("connections", graph.connections, MAX_CONNECTIONS),
            ("exposed controls", graph.exposed, MAX_VALUES),
            ("values of controls", graph.values, MAX_VALUES),
            ("bytes of values by path", graph.bytes, MAX_DOCUMENT),
            ("routes", self.routes.len(), MAX_ROUTES),
            ("values that nodes begin with", self.nodes.init_values(), MAX_VALUES),
            ("values of controls", self.values.len(), 3 * MAX_VALUES),
        ] {
            if len > limit {
                return Err(EditError::Limit { what, limit });
            }
        }
        Ok(())
    }

    fn take_values(&mut self, id: &str, controls: &BTreeMap<String, f64>) {
        for (control, value) in controls {
            self.values.insert(format!("{id}/{control}"), *value);
        }
    }

    /// Values of nodes that are gone go too. Those by the end of a path are kept by the path, as soon as the
    /// node's type says what that is; so are the values that nodes begin with.
    fn settle_values(&mut self, registry: &Registry) {
        let paths = self.values.keys().cloned().collect();
        self.settle([].iter(), paths, registry);
        let names: Vec<String> =
            self.nodes.iter().filter(|n| !n.init.is_empty()).map(|n| n.name.clone()).collect();
        names.iter().for_each(|name| self.settle_init(name, registry));
    }

    /// The same for the values of these paths, and of those that begin with the ids of these nodes.
    fn settle<'a>(
        &mut self,
        ids: impl Iterator<Item = &'a String>,
        mut paths: BTreeSet<String>,
        registry: &Registry,
    ) {
        for id in ids {
            let within = format!("{id}/");
            let of_it = self.values.range(within.clone()..).map(|(path, _)| path);
            paths.extend(of_it.take_while(|path| path.starts_with(&within)).cloned());
        }
        let graph = Arc::clone(&self.graph);
        let controls = Controls::of(&graph, registry);
        paths.retain(|path| {
            let kept = controls.owner(path).is_some();
            if !kept {
                self.values.remove(path);
            }
            kept
        });
        let mut renamed = BTreeMap::new();
        for (path, full) in controls.full_paths(paths.iter()) {
            if let Some(value) = self.values.remove(&path) {
                self.values.insert(full.clone(), value);
                renamed.insert(path, full);
            }
        }
        self.rename_kept_controls(&renamed);
    }

    /// The values that a node begins with go by the names of its controls.
    fn settle_init(&mut self, name: &str, registry: &Registry) {
        let graph = Arc::clone(&self.graph);
        let controls = Controls::of(&graph, registry);
        let Some(node) = self.nodes.get(name).filter(|node| !node.init.is_empty()) else { return };
        let Some(decl) = controls.node(name).and_then(|node| controls.decl(node)) else { return };
        let full = |(control, value): &(String, f64)| match decl.control_named(control) {
            Named::One(index) => (decl.controls[index].name.clone(), *value),
            _ => (control.clone(), *value),
        };
        let init: Vec<(String, f64)> = node.init.iter().map(full).collect();
        if init != node.init {
            self.nodes.update(name, |node| node.init = init);
        }
    }

    /// The texts that belong into a document: those of types that are used, and those that are nowhere else.
    pub fn sources_in_use(&self) -> BTreeMap<String, TypeSource> {
        let in_scenes = self.scenes.iter().flat_map(|(_, scene)| scene.types.keys().map(String::as_str));
        let used: HashSet<&str> =
            self.graph.nodes.iter().map(|n| n.type_id.as_str()).chain(in_scenes).collect();
        let wanted = |(id, source): &(&String, &Arc<TypeSource>)| source.own || used.contains(id.as_str());
        let sources = self.sources.iter().filter(wanted);
        sources.map(|(id, source)| (id.clone(), (**source).clone())).collect()
    }

    /// The path `node/control` under which the value of what a label means is kept: see [`Controls`].
    pub fn path_of(&self, label: &str, registry: &Registry) -> Option<String> {
        self.controls(registry).find(label).path()
    }

    /// The controls of the session, to be asked for by label.
    pub fn controls<'a>(&'a self, registry: &'a Registry) -> Controls<'a> {
        Controls::of(&self.graph, registry)
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
}

fn is_long(name: &str) -> bool {
    name.len() > MAX_ID
}

fn check_ids<'a>(mut nodes: impl Iterator<Item = &'a GraphNode>) -> Result<(), EditError> {
    if nodes.any(|node| is_long(&node.id) || node.controls.keys().any(|control| is_long(control))) {
        return Err(EditError::Value { field: "id", expected: "ids and controls of at most 1024 bytes" });
    }
    Ok(())
}

/// Labels with the node and the control that they are exposed for.
fn check_labels<'a>(
    mut labels: impl Iterator<Item = (&'a String, &'a String, &'a String)>,
) -> Result<(), EditError> {
    if labels.any(|(label, node, control)| is_long(label) || is_long(node) || is_long(control)) {
        return Err(EditError::Value { field: "label", expected: "labels of at most 1024 bytes" });
    }
    Ok(())
}

fn check_node(node: &GraphNode, registry: &Registry) -> Result<(), EditError> {
    if !(1..=MAX_VOICES).contains(&(node.count as usize)) {
        return Err(EditError::Value { field: "count", expected: "a number of voices from 1 to 64" });
    }
    if node.controls.values().any(|v| !v.is_finite()) {
        return Err(EditError::Value { field: "controls", expected: "finite numbers" });
    }
    if let Some(ty) = registry.find(&node.type_id) {
        check_channels(ty.decl())?;
    }
    Ok(())
}

/// May the engine play a type with so many channels?
///
/// # Errors
/// If not.
pub fn check_channels(decl: &NodeDecl) -> Result<(), GraphError> {
    for ports in [&decl.inputs, &decl.outputs] {
        if ports.iter().map(|p| p.channels).sum::<usize>() > MAX_CHANNELS {
            let why = format!("{} has more than {MAX_CHANNELS} channels", decl.type_id);
            return Err(GraphError::CreationFailed(why));
        }
    }
    Ok(())
}
