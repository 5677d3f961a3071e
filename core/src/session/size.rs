//! How much a session is as a document. What plays can be saved at any time, so an edit that makes it more
//! than a document may be is refused.
//!
//! Nobody writes the whole session to know: each edit counts for what it can add at most ([`Session::growth`]), and
//! only where the sum of that comes near the limit the session is measured ([`Session::extent`]).

use super::{Session, scene_document};
use crate::edit::{Edit, GraphState, NodeEdit, NodeSpec, Route, Scene, SceneEdit, SceneState, SessionNode};
use crate::graph::{GraphEdit, GraphNode, RawGraph};
use crate::ir::{ModuleIr, Source};
use crate::limits::{MAX_DOCUMENT, MAX_PARTS};
use crate::model::TypeSource;
use imbl::ordmap::DiffItem;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::{Add, AddAssign};
use std::sync::Arc;

/// Bytes and parts (see [`krach_patterns::JsonExtent`]) of a document, or of what is put into one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Bytes of JSON.
    pub bytes: usize,
    /// Commas and opening brackets.
    pub parts: usize,
}

impl Extent {
    /// The most that edits may make of a session.
    pub const MOST: Self = Self { bytes: MAX_DOCUMENT, parts: MAX_PARTS - (1 << 16) };
    /// The most that a session may have which is loaded: a chunk of the host holds this much.
    pub const LOADED: Self = Self { bytes: MAX_DOCUMENT + (1 << 19), parts: MAX_PARTS };

    /// Neither more bytes nor more parts?
    pub fn fits(self, most: Self) -> bool {
        self.bytes <= most.bytes && self.parts <= most.parts
    }

    /// The larger of both, of bytes and of parts.
    fn max(self, other: Self) -> Self {
        Self { bytes: self.bytes.max(other.bytes), parts: self.parts.max(other.parts) }
    }

    /// A few numbers and flags.
    const SMALL: Self = Self { bytes: 128, parts: 4 };
    /// What stands around an entry of a list: names of fields, numbers, flags.
    const ENTRY: Self = Self { bytes: 400, parts: 16 };
    /// A number and what stands around it.
    const VALUE: Self = Self { bytes: 64, parts: 4 };
}

impl Add for Extent {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let bytes = self.bytes.saturating_add(other.bytes);
        Self { bytes, parts: self.parts.saturating_add(other.parts) }
    }
}

impl AddAssign for Extent {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::iter::Sum for Extent {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), Add::add)
    }
}

/// Counts JSON as it is written, and keeps nothing.
#[derive(Default)]
struct Counter {
    extent: Extent,
    in_text: bool,
    escaped: bool,
}

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extent.bytes += bytes.len();
        for byte in bytes {
            match (self.in_text, byte) {
                (true, _) if self.escaped => self.escaped = false,
                (true, b'\\') => self.escaped = true,
                (_, b'"') => self.in_text = !self.in_text,
                (false, b',' | b'[' | b'{') => self.extent.parts += 1,
                _ => {}
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn of(value: &impl Serialize) -> Extent {
    let mut counter = Counter::default();
    serde_json::to_writer(&mut counter, value).expect("it has no maps with other than string keys");
    counter.extent
}

fn text(text: &str) -> Extent {
    let longer = |byte: u8| match byte {
        b'"' | b'\\' => 1,
        0..0x20 => 5,
        _ => 0,
    };
    Extent { bytes: text.len() + 2 + text.bytes().map(longer).sum::<usize>(), parts: 0 }
}

fn value_of(node: &str, control: &str) -> Extent {
    text(node) + text(control) + Extent::VALUE
}

impl Session {
    /// What the session is as a document: at least that, and some bytes more at most.
    pub fn extent(&self) -> Extent {
        // What is not known may be as large as all the rest: it is not copied for that. It counts also while there is no
        // entry that it stands in, since an edit may bring that.
        of(&self.module_with(&ModuleIr::default())) + kept_extent(&self.kept) + Extent::SMALL
    }

    /// What an edit can add to the session's document, at most.
    pub fn growth(&self, edit: &Edit) -> Extent {
        match edit {
            Edit::Batch(edits) | Edit::Titled { edits, .. } | Edit::Transition { edits, .. } => {
                edits.iter().map(|edit| self.growth(edit)).sum()
            }
            // Its name stands twice: the pattern's, and that of what is known of the slot.
            Edit::SetPattern { slot, pattern, .. } => of(pattern) + text(slot) + text(slot) + Extent::ENTRY,
            Edit::Graph(edits) => edits.iter().map(graph_growth).sum(),
            Edit::LoadGraph(raw) => raw_extent(raw),
            Edit::Nodes(edits) => edits.iter().map(|edit| self.node_growth(edit)).sum(),
            Edit::ReplaceGraph(foundation) => self.foundation_extent(foundation),
            Edit::SetValues(values) => {
                let unknown = values.keys().filter(|path| !self.values.contains_key(*path));
                unknown.map(|path| text(path) + Extent::VALUE).sum()
            }
            Edit::SetSources(sources) => sources_extent(sources),
            Edit::SetControl { label, .. } | Edit::Fade { label, .. } => self.value_growth(label),
            // It stands in the list and in our own section, and leaves a value where it ends.
            Edit::SetAutomation { id, label, shape, .. } => {
                let names = text(id) + text(label) + text(label);
                names + of(shape) + of(shape) + Extent::ENTRY + self.value_growth(label)
            }
            // Its controller brings a value.
            Edit::MidiMap { label, .. } => text(label) + Extent::VALUE + self.value_growth(label),
            Edit::MidiMaps(maps) => {
                maps.iter().map(|m| text(&m.label) + Extent::VALUE + self.value_growth(&m.label)).sum()
            }
            Edit::Macro { to: Some(state), .. } => {
                let values = state.targets.iter().map(|target| self.value_growth(&target.label));
                of(state) + Extent::ENTRY + values.sum()
            }
            Edit::RouteNotes { node, .. } => text(node.as_deref().unwrap_or_default()) + Extent::VALUE,
            Edit::Setting(setting) => text(setting.text()) + Extent::SMALL,
            Edit::Scene(edit) => self.scene_growth(edit),
            _ => Extent::SMALL,
        }
    }

    /// What the value of a control adds, if it has none yet.
    pub fn value_growth(&self, label: &str) -> Extent {
        let known = |path: &str| self.values.contains_key(path);
        match self.graph.exposed(label) {
            Some((node, control)) if known(&format!("{node}/{control}")) => Extent::default(),
            Some((node, control)) => value_of(node, control),
            None if known(label) => Extent::default(),
            None => text(label) + Extent::VALUE,
        }
    }

    /// What controllers, macros, automations and the host's recalls may add to the session without an edit: of the scenes
    /// the largest, once more.
    pub fn moving_growth(&self) -> Extent {
        let labels = self.labels_moved_from_outside().chain(self.automations.values().map(|a| &a.label));
        let values: Extent = labels.map(|label| self.value_growth(label)).sum();
        let kept = ModuleIr::default();
        let scenes = self.scenes.iter().map(|(_, scene)| scene_extent(&scene.state, &kept));
        values + scenes.fold(Extent::default(), Extent::max)
    }

    fn node_growth(&self, edit: &NodeEdit) -> Extent {
        match edit {
            NodeEdit::Set(spec) => {
                let NodeSpec { node, settings, .. } = &**spec;
                // What the one before began with stands among the values from now on.
                let before = self.node(&node.name).into_iter().flat_map(|before| &before.init);
                let before: Extent = before.map(|(control, _)| value_of(&node.name, control)).sum();
                let settings = of(settings) + before;
                of(node) + text(&node.name) + text(&node.name) + Extent::ENTRY + settings
            }
            NodeEdit::Connect(route) => of(route) + Extent::SMALL,
            NodeEdit::Mute { name, .. } | NodeEdit::Solo { name, .. } => text(name) + Extent::SMALL,
            NodeEdit::Remove { .. } | NodeEdit::Disconnect { .. } => Extent::default(),
        }
    }

    fn scene_growth(&self, edit: &SceneEdit) -> Extent {
        // The host may recall it: then the session is as large.
        let of_scene = |scene: &Scene| {
            let extent = scene_extent(&scene.state, &scene.kept);
            text(&scene.name) + extent + extent
        };
        match edit {
            SceneEdit::Save { name, .. } => of_scene(&Scene::new(name.clone(), self.scene_state(true))),
            SceneEdit::Put { scene, .. } => of_scene(scene),
            SceneEdit::Duplicate { number, name, .. } => {
                text(name) + self.scenes.get(*number).map_or(Extent::default(), of_scene)
            }
            SceneEdit::Rename { name, .. } => text(name),
            SceneEdit::All(scenes) => {
                let known = |scene: &Scene| {
                    self.scenes.iter().any(|(_, known)| Arc::ptr_eq(&known.state, &scene.state))
                };
                let new = scenes.iter().map(|(_, scene)| scene).filter(|scene| !known(scene));
                new.map(of_scene).sum()
            }
            // It stands in the document already, as a scene.
            SceneEdit::Recall { number, .. } => {
                let kept = ModuleIr::default();
                self.scenes.get(*number).map_or(Extent::default(), |scene| scene_extent(&scene.state, &kept))
            }
            SceneEdit::Delete { .. } | SceneEdit::Order(_) => Extent::default(),
        }
    }

    fn foundation_extent(&self, foundation: &GraphState) -> Extent {
        let GraphState { raw, nodes, routes, values, kept } = foundation;
        let raw = if Arc::ptr_eq(raw, &self.raw) { Extent::default() } else { raw_extent(raw) };
        let nodes: Extent = nodes.iter().map(|n| node_extent(n)).sum();
        let routes: Extent = routes.iter().map(|r| route_extent(r)).sum();
        let values: Extent = values.keys().map(|path| text(path) + Extent::VALUE).sum();
        raw + nodes + routes + values + of(&**kept)
    }
}

/// What [`Session::module_with`] writes of it at most.
fn kept_extent(kept: &ModuleIr) -> Extent {
    let ModuleIr {
        patterns, controls, muted, automations, inputs, outputs, sub_modules, krach, other, ..
    } = kept;
    let within = if sub_modules.is_empty() { Extent::default() } else { of(sub_modules) };
    let fields = patterns.iter().map(|p| &p.other).chain(muted.iter().map(|m| &m.other));
    let fields = fields.chain(automations.iter().map(|a| &a.other));
    let fields: Extent = fields.chain(krach.iter().map(|krach| &krach.other)).map(of).sum();
    // A value that a node says stands among the controls because of them.
    let controls = controls.iter().map(|c| of(&c.other) + text(&c.path) + Extent::VALUE);
    of(inputs) + of(outputs) + within + of(other) + fields + controls.sum()
}

/// A state as a document has it, with what its scene keeps beside it and the texts of its nodes.
fn scene_extent(state: &SceneState, kept: &ModuleIr) -> Extent {
    let mut texts = BTreeMap::new();
    let module = scene_document::module_of(state, kept, &mut texts);
    of(&module) + of(&texts) + Extent::ENTRY
}

fn node_extent(node: &SessionNode) -> Extent {
    let source = match &node.source {
        Source::Type(id) => text(id),
        source => of(source),
    };
    let init: Extent = node.init.iter().map(|(control, _)| text(control) + Extent::VALUE).sum();
    let names = text(&node.name) + text(&node.name) + text(&node.name);
    names + source + text(&node.source_text) + init + of(&node.settings) + of(&node.other) + Extent::ENTRY
}

fn route_extent(route: &Route) -> Extent {
    text(&route.source) + text(&route.target) + text(&route.port) + of(&route.other) + Extent::ENTRY
}

/// Texts of types.
pub fn sources_extent(sources: &BTreeMap<String, TypeSource>) -> Extent {
    sources.iter().map(|(id, source)| source_extent(id, source)).sum()
}

/// The text of a type.
pub fn source_extent(id: &str, source: &TypeSource) -> Extent {
    text(id) + of(source) + Extent::SMALL
}

/// A raw graph, and the base values that its nodes bring.
fn raw_extent(raw: &RawGraph) -> Extent {
    of(raw) + raw.nodes.iter().map(values_of).sum()
}

fn values_of(node: &GraphNode) -> Extent {
    node.controls.keys().map(|control| value_of(&node.id, control)).sum()
}

fn graph_growth(edit: &GraphEdit) -> Extent {
    match edit {
        GraphEdit::AddNode(node) => of(node) + values_of(node) + Extent::SMALL,
        GraphEdit::Connect(connection) => of(connection) + Extent::SMALL,
        GraphEdit::ExposeControl { label, node_id, control_name } => {
            text(label) + text(node_id) + text(control_name) + Extent::SMALL
        }
        GraphEdit::RemoveNode { .. } | GraphEdit::Disconnect(_) => Extent::default(),
    }
}

/// Bytes of memory that remembering `edits` takes beside `others`, which share texts and graphs with them.
pub(super) fn memory_of(edits: &[Edit], others: &[Edit]) -> usize {
    let scenes = |edits: &[Edit]| {
        edits.iter().find_map(|edit| match edit {
            Edit::Scene(SceneEdit::All(scenes)) => Some(Arc::clone(scenes)),
            _ => None,
        })
    };
    let (own, kept) = (scenes(edits).unwrap_or_default(), scenes(others).unwrap_or_default());
    let is_kept = |scene: &Scene| kept.iter().any(|(_, other)| Arc::ptr_eq(&other.state, &scene.state));
    let own = own.iter().filter(|(_, scene)| !is_kept(scene));
    let of_scenes: usize = own.map(|(_, scene)| memory_of_scene(&scene.state)).sum();
    let mut states = others.iter().filter_map(|edit| match edit {
        Edit::ReplaceGraph(state) => Some(&**state),
        _ => None,
    });
    let nothing = GraphState::default();
    let shared = states.next_back().unwrap_or(&nothing);
    of_scenes + edits.iter().map(|edit| memory_of_edit(edit, shared)).sum::<usize>()
}

/// Bytes of memory of a scene, as a whole: what it shares with the session of now is its alone once that is another.
fn memory_of_scene(state: &SceneState) -> usize {
    let nothing = GraphState::default();
    let graph = memory_of_state(&state.graph(Arc::clone(&nothing.kept)), &nothing);
    let slots = state.slots.iter().map(|(name, slot)| ENTRY + name.len() + 2 * of(&*slot.pattern).bytes);
    let automations =
        state.automations.iter().map(|(id, a)| 2 * ENTRY + id.len() + a.label.len() + of(&a.shape).bytes);
    graph + slots.sum::<usize>() + automations.sum::<usize>()
}

fn text_of(node: &SessionNode) -> Option<&Arc<str>> {
    if let Source::Text(text) = &node.source { Some(text) } else { None }
}

/// Bytes of memory of what a state of the graph has and another has not.
fn memory_of_state(state: &GraphState, shared: &GraphState) -> usize {
    let raw = if Arc::ptr_eq(&state.raw, &shared.raw) { 0 } else { 4 * of(&*state.raw).bytes };
    let kept = if Arc::ptr_eq(&state.kept, &shared.kept) { 0 } else { unknown(of(&*state.kept)) };
    let nodes = shared.nodes.changes(&state.nodes).filter_map(|change| {
        let (node, old) = (change.new?, change.old);
        let same_text = text_of(node).zip(old.and_then(|old| text_of(old)));
        let shares_text = same_text.is_some_and(|(a, b)| Arc::ptr_eq(a, b));
        let source = match &node.source {
            Source::Type(id) => id.len(),
            Source::Text(text) if !shares_text => text.len(),
            Source::Text(_) => 0,
            Source::Graph(_) => of(&node.source).bytes,
        };
        let init: usize = node.init.iter().map(|(control, _)| ENTRY + control.len()).sum();
        let other = if node.other.is_empty() { 0 } else { unknown(of(&node.other)) };
        let texts = node.name.len() + source + node.source_text.len() + node.settings.bytes();
        Some(2 * ENTRY + texts + init + other)
    });
    let routes = shared.routes.changes(&state.routes).filter_map(|change| change.new);
    let routes = routes.map(|r| 2 * ENTRY + r.source.len() + r.target.len() + r.port.len());
    let values = shared.values.diff(&state.values).filter_map(|item| match item {
        DiffItem::Add(path, _) | DiffItem::Update { new: (path, _), .. } => Some(ENTRY + path.len()),
        DiffItem::Remove(..) => None,
    });
    // What a map copies of itself to share the rest.
    const COPIED: usize = 8192;
    raw + kept + COPIED + nodes.sum::<usize>() + routes.sum::<usize>() + values.sum::<usize>()
}

/// Bytes of memory of what is kept as JSON: an object of one entry takes some 650.
fn unknown(extent: Extent) -> usize {
    4 * extent.bytes + 700 * extent.parts
}

/// An entry of a list or map with its names' headers.
const ENTRY: usize = 128;

fn memory_of_edit(edit: &Edit, shared: &GraphState) -> usize {
    match edit {
        Edit::ReplaceGraph(state) => memory_of_state(state, shared),
        Edit::SetValues(values) => values.keys().map(|path| ENTRY + path.len()).sum(),
        Edit::SetPattern { slot, pattern, .. } => ENTRY + slot.len() + 2 * of(pattern).bytes,
        Edit::SetAutomation { id, label, shape, .. } => 2 * ENTRY + id.len() + label.len() + of(shape).bytes,
        Edit::MidiMaps(maps) => maps.iter().map(|m| ENTRY + m.label.len()).sum(),
        Edit::Macro { to: Some(state), .. } => {
            let targets: usize = state.targets.iter().map(|target| ENTRY + target.label.len()).sum();
            ENTRY + state.name.len() + state.unit.len() + targets
        }
        Edit::Batch(edits) | Edit::Titled { edits, .. } | Edit::Transition { edits, .. } => {
            edits.iter().map(|edit| memory_of_edit(edit, shared)).sum()
        }
        Edit::Setting(setting) => ENTRY + setting.text().len(),
        Edit::Scene(SceneEdit::All(scenes)) => scenes.iter().map(|(_, s)| 2 * ENTRY + s.name.len()).sum(),
        Edit::Scene(SceneEdit::Put { scene, .. }) => 2 * ENTRY + scene.name.len(),
        Edit::Nodes(edits) => edits.iter().map(|_| 2 * ENTRY).sum(),
        _ => ENTRY,
    }
}
