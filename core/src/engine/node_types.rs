//! Types that come and go while the engine plays: expected, there, replaced, gone.

use super::Engine;
use super::names::Former;
use crate::address::MARK;
use crate::edit::{Edit, EditError, NodeEdit, NodeSpec, SessionNode};
use crate::graph::{Connection, GraphEdit, GraphError, GraphNode, MissingPort};
use crate::ir::Fault;
use crate::ir::Source;
use crate::model::TypeSource;
use crate::node::{NodeDecl, NodeType, Registry, Role};
use crate::notice::Notice;
use crate::planner::{InstanceKey, create, same_code};
use crate::session::{Extent, check_channels, source_extent, unfit};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Types whose code is other since the graph was last lowered.
#[derive(Default)]
pub(super) struct NewTypes {
    /// Those of the session.
    pub stale: BTreeSet<String>,
    /// What they were before.
    pub former: Former,
    /// How often the graph was lowered for them.
    pub lowered: u64,
}

impl Engine {
    /// The node types.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// All node types, sorted.
    pub fn type_ids(&self) -> Vec<String> {
        self.registry.type_ids().map(str::to_owned).collect()
    }

    /// A type has code, or other code than before. Nodes of it are replaced under the sound: what the new
    /// code can take over whole goes on without a seam, else the two are crossfaded; controls keep their
    /// values by path. Connections to ports that it does not have are a notice, and not played. That happens
    /// at the next [`Engine::tick`], for all types that have come by then.
    ///
    /// # Errors
    /// If the engine cannot play it, or it refuses to create an instance. Nothing has changed then.
    pub fn set_type(&mut self, ty: Arc<dyn NodeType>) -> Result<(), EditError> {
        check_channels(ty.decl())?;
        check_controls(ty.decl())?;
        let type_id = ty.decl().type_id.clone();
        let before = self.registry.find(&type_id).cloned();
        if before.as_ref().is_some_and(|before| same_code(before.as_ref(), ty.as_ref())) {
            self.registry.keep(&type_id);
            return Ok(());
        }
        let first = self.session.graph.nodes.iter().find(|node| node.type_id == type_id);
        // It plays with the settings of its node.
        let first = first.map(|node| (node.id.as_str(), ty.with_settings(&node.settings)));
        let first = first.map(|(id, settled)| (id.to_owned(), settled.unwrap_or_else(|| Arc::clone(&ty))));
        let in_session = first.is_some();
        let in_scenes = self.scenes_use(&type_id);
        let waits = self.waiting.edits.iter().any(|p| self.types_of(&p.edit).contains(&type_id));
        let mut prepared = None;
        if (in_session || waits) && ty.decl().role == Role::Process {
            let played = first.as_ref().map_or(&ty, |(_, played)| played);
            let created = create(played.as_ref(), &self.context())
                .map_err(|why| GraphError::CreationFailed(why.to_string()))?;
            prepared = first.map(|(id, played)| (InstanceKey::of(&id, played.as_ref()), created));
        }
        self.registry.add(ty);
        self.plans.prepared.retain(|key, _| key.type_id != type_id);
        if in_session {
            self.types.former.entry(type_id.clone()).or_insert(before);
            self.types.stale.insert(type_id);
        }
        if let Some(audio) = &mut self.audio {
            audio.dirty |= in_session || in_scenes;
            audio.reschedule |= waits;
            self.plans.prepared.extend(prepared);
        }
        Ok(())
    }

    /// Lowers the session anew, once for all code that has come since: types may have other ports than was
    /// thought. What they do not fit is said and not played.
    pub(super) fn take_types_in(&mut self) {
        let stale = std::mem::take(&mut self.types.stale);
        if stale.is_empty() {
            return;
        }
        self.types.lowered += 1;
        let _ = self.session.relower(&self.registry, None);
        self.session.settle_labels(&self.registry);
        for asked in &mut self.scenes.on_their_way {
            let _ = asked.before.relower(&self.registry, None);
            asked.before.settle_labels(&self.registry);
        }
        // What they listen to brings values without an edit.
        let listens =
            |id: &String| self.registry.find(id).is_some_and(|ty| ty.decl().listening().next().is_some());
        if stale.iter().any(listens) {
            self.measure();
        }
        self.tell_misfits(|id| stale.contains(id));
        let former = std::mem::take(&mut self.types.former);
        self.tell_names(former);
    }

    /// How often the session was lowered because code of types had come, and how many plans were built, for
    /// tests: each costs what the session is.
    pub fn work(&self) -> (u64, u64) {
        (self.types.lowered, self.plans.generation)
    }

    /// Frames per second, as far as they are known.
    pub fn sample_rate(&self) -> f64 {
        self.context().sample_rate
    }

    /// Code for a type is on its way: graphs may use it from now on. What it has plays on meanwhile.
    pub fn expect_type(&mut self, type_id: &str) {
        self.registry.expect(type_id);
    }

    /// The code that was on its way has not come. What the type has plays on; without code its nodes
    /// are silent.
    pub fn fail_type(&mut self, type_id: &str, why: &str) {
        self.registry.fail(type_id, why);
    }

    /// No other code is on its way: what the type has stays. Without code it is forgotten.
    pub fn keep_type(&mut self, type_id: &str) {
        self.registry.keep(type_id);
    }

    /// Forgets a type that nothing uses; `false` if something does.
    pub fn remove_type(&mut self, type_id: &str) -> bool {
        let unused = !self.uses_type(type_id);
        if unused {
            self.registry.remove(type_id);
        }
        unused
    }

    /// Does a node of the session have that type, or one that an edit will bring?
    pub fn uses_type(&self, type_id: &str) -> bool {
        let waiting = |edit: &Edit| self.types_of(edit).contains(type_id);
        self.session.graph.nodes.iter().any(|node| node.type_id == type_id)
            || self.scenes_use(type_id)
            || self.waiting.edits.iter().any(|p| waiting(&p.edit))
    }

    /// Will an edit that waits for its time bring a node of that name?
    pub fn awaits_node(&self, name: &str) -> bool {
        fn brings(edit: &Edit, name: &str) -> bool {
            match edit {
                Edit::Nodes(edits) => sets(edits).any(|spec| spec.node.name == name),
                Edit::ReplaceGraph(state) => {
                    let raw = state.raw.nodes.iter().map(|n| &n.id);
                    state.nodes.iter().map(|n| &n.name).chain(raw).any(|id| id == name)
                }
                Edit::Batch(edits) | Edit::Titled { edits, .. } | Edit::Transition { edits, .. } => {
                    edits.iter().any(|edit| brings(edit, name))
                }
                edit => raw_nodes_of(edit).iter().any(|node| node.id == name),
            }
        }
        self.waiting.edits.iter().any(|p| brings(&p.edit, name))
    }

    /// The types of all nodes of the session, and of those that edits will bring.
    pub fn types_in_use(&self) -> BTreeSet<String> {
        let nodes = self.session.graph.nodes.iter().map(|node| node.type_id.clone());
        let scenes = self.session.scenes.iter().flat_map(|(_, scene)| scene.types.keys().cloned());
        nodes.chain(scenes).chain(self.waiting.edits.iter().flat_map(|p| self.types_of(&p.edit))).collect()
    }

    /// Types that the session, or an edit that waits, makes from what it holds itself, and that nobody has
    /// been asked for yet: their ids, and what they are made from.
    pub fn types_wanted(&self) -> BTreeMap<String, Source> {
        let waiting = self.waiting.edits.iter().flat_map(|p| self.inline_types_of(&p.edit));
        let scenes = self.session.scenes.iter().flat_map(|(_, scene)| scene.types.iter());
        let scenes = scenes.filter_map(|(id, source)| Some((id.clone(), source.clone()?)));
        let nodes = self.session.nodes.iter().filter_map(|n| inline_type(n)).chain(scenes).chain(waiting);
        nodes.filter(|(id, _)| self.registry.type_status(id).is_none()).collect()
    }

    /// The types that an edit brings.
    pub fn types_of(&self, edit: &Edit) -> BTreeSet<String> {
        match edit {
            Edit::Nodes(edits) => sets(edits).map(|spec| self.node_of(spec).type_id()).collect(),
            Edit::ReplaceGraph(foundation) => {
                let nodes = foundation.nodes.iter().map(|n| n.type_id());
                nodes.chain(foundation.raw.nodes.iter().map(|n| n.type_id.clone())).collect()
            }
            Edit::Batch(edits) | Edit::Titled { edits, .. } | Edit::Transition { edits, .. } => {
                edits.iter().flat_map(|edit| self.types_of(edit)).collect()
            }
            edit => raw_nodes_of(edit).into_iter().map(|node| node.type_id.clone()).collect(),
        }
    }

    /// The types that an edit brings which are made from what the session itself holds.
    pub fn inline_types_of(&self, edit: &Edit) -> BTreeMap<String, Source> {
        match edit {
            Edit::Nodes(edits) => sets(edits).filter_map(|spec| inline_type(&self.node_of(spec))).collect(),
            Edit::ReplaceGraph(foundation) => {
                foundation.nodes.iter().filter_map(|n| inline_type(n)).collect()
            }
            Edit::Batch(edits) | Edit::Titled { edits, .. } | Edit::Transition { edits, .. } => {
                edits.iter().flat_map(|edit| self.inline_types_of(edit)).collect()
            }
            _ => BTreeMap::new(),
        }
    }

    /// What controls of the nodes that an edit brings may add without an edit: those that the host's MIDI moves by itself.
    pub(super) fn listening_growth_of(&self, edit: &Edit) -> Extent {
        match edit {
            Edit::Nodes(edits) => sets(edits)
                .map(|spec| self.listening_growth(&spec.node.name, &self.node_of(spec).type_id()))
                .sum(),
            Edit::ReplaceGraph(foundation) => {
                let nodes = foundation.nodes.iter().map(|n| self.listening_growth(&n.name, &n.type_id()));
                let raw = foundation.raw.nodes.iter().map(|n| self.listening_growth(&n.id, &n.type_id));
                nodes.chain(raw).sum()
            }
            Edit::Batch(edits) | Edit::Titled { edits, .. } | Edit::Transition { edits, .. } => {
                edits.iter().map(|edit| self.listening_growth_of(edit)).sum()
            }
            edit => raw_nodes_of(edit).into_iter().map(|n| self.listening_growth(&n.id, &n.type_id)).sum(),
        }
    }

    /// The same of one node.
    pub(super) fn listening_growth(&self, id: &str, type_id: &str) -> Extent {
        let decl = self.registry.playing(id, type_id).map(|ty| ty.decl());
        let listening = decl.into_iter().flat_map(|decl| decl.listening());
        listening.map(|control| self.session.value_growth(&format!("{id}/{}", control.name))).sum()
    }

    /// The node that is asked for, as far as its type goes.
    pub(super) fn node_of(&self, spec: &NodeSpec) -> SessionNode {
        let source = spec.node.source.clone();
        let stereo = spec.stereo.unwrap_or_else(|| self.session.stays_stereo(&spec.node.name, &source));
        SessionNode { stereo, ..SessionNode::of_source(source) }
    }

    /// Nodes that get a type which has no code yet go on as what they are until it has.
    pub(super) fn keep_playing(&mut self, edit: &Edit) {
        match edit {
            Edit::Nodes(edits) => {
                for spec in sets(edits) {
                    self.keep_playing_under(&spec.node.name, &self.node_of(spec).type_id());
                }
            }
            Edit::ReplaceGraph(foundation) => {
                for node in foundation.nodes.iter() {
                    self.keep_playing_under(&node.name, &node.type_id());
                }
            }
            Edit::Batch(edits) | Edit::Titled { edits, .. } | Edit::Transition { edits, .. } => {
                edits.iter().for_each(|edit| self.keep_playing(edit))
            }
            _ => {}
        }
    }

    fn keep_playing_under(&mut self, node: &str, type_id: &str) {
        let Some(known) = self.session.node(node) else { return };
        let before = known.type_id();
        if before != type_id
            && let Some(ty) = self.registry.playing_with(node, &before, &known.settings)
        {
            self.registry.stand_in(node, type_id, ty);
        }
    }

    /// The text of a type, to be saved with the session; `None` forgets it. Ask [`Engine::room_for_source`]
    /// first.
    pub fn set_source(&mut self, type_id: &str, source: Option<Arc<TypeSource>>) {
        match source {
            Some(source) => {
                self.grow(source_extent(type_id, &source));
                self.session.sources.insert(type_id.to_owned(), source);
            }
            None => drop(self.session.sources.remove(type_id)),
        }
    }

    /// Which libraries of their language the session's texts are compiled with, if it does not say yet.
    ///
    /// # Errors
    /// With which others they were, if it does.
    pub fn compiled_with(&mut self, libraries: &str) -> Result<(), String> {
        match &self.session.libraries {
            None => self.session.libraries = Some(libraries.to_owned()),
            Some(first) if first == libraries => {}
            Some(first) => return Err(first.clone()),
        }
        Ok(())
    }

    /// Says which connections are not played, of those with an end at a node of such a type.
    pub(super) fn tell_misfits(&mut self, which: impl Fn(&str) -> bool) {
        let missing_ports = self.missing_ports(&which);
        self.told.notices.extend(missing_ports.into_iter().map(Notice::MissingPort));
        let unfit = self.unfit_settings(which);
        self.told.notices.extend(unfit);
    }

    /// Says which settings of nodes of such types are not played: their code may be another than when they were given.
    pub(super) fn unfit_settings(&self, which: impl Fn(&str) -> bool) -> Vec<Notice> {
        let given = self.session.graph.nodes.iter().filter(|node| !node.settings.is_empty());
        let unfit = given.filter(|node| which(&node.type_id)).flat_map(|node| {
            let ty = self.registry.find(&node.type_id);
            let unfit = ty.map(|ty| unfit(ty.as_ref(), &node.settings)).unwrap_or_default();
            let told = unfit.into_iter().map(|(setting, fault)| Notice::Unfit {
                node: self.session.owner_of(&node.id),
                setting,
                why: fault.message,
            });
            told.collect::<Vec<_>>()
        });
        unfit.collect()
    }

    /// Connections that are not played, with an end at a node of such a type, by the musician's names.
    pub(super) fn missing_ports(&self, which: impl Fn(&str) -> bool) -> Vec<MissingPort> {
        let graph = &self.session.graph;
        let missing_ports = graph.missing_ports(&self.registry).into_iter().filter(|missing_port| {
            let ends = [&missing_port.connection.from_node, &missing_port.connection.to_node];
            ends.iter().any(|id| graph.node(id).is_some_and(|node| which(&node.type_id)))
        });
        let named = missing_ports.map(|MissingPort { connection, port, node }| MissingPort {
            connection: Connection {
                from_node: self.session.owner_of(&connection.from_node),
                to_node: self.session.owner_of(&connection.to_node),
                ..connection
            },
            port,
            node: self.session.owner_of(&node),
        });
        named.collect()
    }
}

fn inline_type(node: &SessionNode) -> Option<(String, Source)> {
    match &node.source {
        Source::Type(_) => None,
        _ => Some((node.type_id(), node.played_source())),
    }
}

fn sets(edits: &[NodeEdit]) -> impl Iterator<Item = &NodeSpec> {
    edits.iter().filter_map(|edit| if let NodeEdit::Set(spec) = edit { Some(&**spec) } else { None })
}

/// The raw nodes that an edit brings.
fn raw_nodes_of(edit: &Edit) -> Vec<&GraphNode> {
    match edit {
        Edit::LoadGraph(graph) => graph.nodes.iter().collect(),
        Edit::Graph(edits) => edits
            .iter()
            .filter_map(|edit| if let GraphEdit::AddNode(node) = edit { Some(node) } else { None })
            .collect(),
        _ => Vec::new(),
    }
}

/// Has no control a name that is an address of every node's?
fn check_controls(decl: &NodeDecl) -> Result<(), EditError> {
    let own = |name: &str| name.split('/').any(|part| part.starts_with(MARK));
    match decl.controls.iter().find(|control| own(&control.name)) {
        None => Ok(()),
        Some(control) => {
            let message = format!("{} cannot have the control {}", decl.type_id, control.name);
            Err(Fault::new("$", message).hint("no name begins with @: it is for what every node has").into())
        }
    }
}
