//! Types that come and go while the engine plays: expected, there, replaced, gone.

use super::{Engine, touches_graph};
use crate::edit::{Edit, EditError, GraphEdit, GraphError};
use crate::graph_ir::GraphNode;
use crate::node::{NodeType, Registry, Role};
use crate::notice::Notice;
use crate::planner::{create, same_code, spare_key};
use crate::session::{TypeSource, check_channels};
use std::collections::BTreeSet;
use std::sync::Arc;

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
    /// values by path. Connections to ports that it does not have are a notice, and not played.
    ///
    /// # Errors
    /// If the engine cannot play it, or it refuses to create an instance. Nothing has changed then.
    pub fn set_type(&mut self, ty: Arc<dyn NodeType>) -> Result<(), EditError> {
        check_channels(ty.decl())?;
        let type_id = ty.decl().type_id.clone();
        let before = self.registry.find(&type_id);
        if before.is_some_and(|before| same_code(before.as_ref(), ty.as_ref())) {
            self.registry.keep(&type_id);
            return Ok(());
        }
        let first = self.session.graph.nodes.iter().find(|node| node.type_id == type_id);
        let first = first.map(|node| spare_key(&node.id, &type_id));
        let in_session = first.is_some();
        let waits = self.pending.iter().any(|p| nodes_of(&p.edit).iter().any(|n| n.type_id == type_id));
        let mut spare = None;
        if (in_session || waits) && ty.decl().role == Role::Process {
            let created = create(ty.as_ref(), &self.context()).map_err(GraphError::CreationFailed)?;
            spare = first.map(|key| (key, created));
        }
        self.registry.add(ty);
        let prefix = spare_key("", &type_id);
        self.spare.retain(|key, _| !key.starts_with(&prefix));
        if in_session {
            self.tell_misfits(|id| id == type_id);
        }
        if let Some(audio) = &mut self.audio {
            audio.dirty |= in_session;
            audio.reschedule |= waits;
            self.spare.extend(spare);
            self.flush();
        }
        Ok(())
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
        let of_type = |node: &GraphNode| node.type_id == type_id;
        let waiting = |edit: &Edit| nodes_of(edit).into_iter().any(of_type);
        self.session.graph.nodes.iter().any(of_type) || self.pending.iter().any(|p| waiting(&p.edit))
    }

    /// The types of all nodes of the session, and of those that edits will bring.
    pub fn types_in_use(&self) -> BTreeSet<String> {
        let nodes = self.session.graph.nodes.iter();
        let waiting = self.pending.iter().flat_map(|p| nodes_of(&p.edit));
        nodes.chain(waiting).map(|node| node.type_id.clone()).collect()
    }

    /// The text of a type, to be saved with the session; `None` forgets it.
    pub fn set_source(&mut self, type_id: &str, source: Option<TypeSource>) {
        match source {
            Some(source) => drop(self.session.sources.insert(type_id.to_owned(), source)),
            None => drop(self.session.sources.remove(type_id)),
        }
    }

    /// Says which connections are not played, of those with an end at a node of such a type.
    pub(super) fn tell_misfits(&mut self, which: impl Fn(&str) -> bool) {
        let graph = &self.session.graph;
        let misfits = graph.misfits(&self.registry).into_iter().filter(|misfit| {
            let ends = [&misfit.connection.from_node, &misfit.connection.to_node];
            ends.iter().any(|id| graph.node(id).is_some_and(|node| which(&node.type_id)))
        });
        self.notices.extend(misfits.map(Notice::Misfit));
    }
}

/// The nodes that an edit brings.
pub fn nodes_of(edit: &Edit) -> Vec<&GraphNode> {
    match edit {
        Edit::LoadGraph(graph) => graph.nodes.iter().collect(),
        Edit::Graph(edits) => edits
            .iter()
            .filter_map(|edit| if let GraphEdit::AddNode(node) = edit { Some(node) } else { None })
            .collect(),
        Edit::Batch(edits) => edits.iter().filter(|e| batch_or_graph(e)).flat_map(nodes_of).collect(),
        _ => Vec::new(),
    }
}

fn batch_or_graph(edit: &Edit) -> bool {
    touches_graph(edit) || matches!(edit, Edit::Batch(_))
}
