//! Which node of the musician's each node of the lowered graph belongs to: its fader and its sends are the node itself.

use super::{MASTER, Session};
use crate::edit::{Route, fader_id, send_id};
use crate::ir::RouteKind;
use std::collections::HashMap;

/// What the master is called where a node is named.
const MASTER_NAME: &str = "the master";

/// What lowering adds to a node, by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added<'a> {
    /// The fader of that node.
    Fader(&'a str),
    /// A send of that node.
    Send(&'a str),
    /// The master.
    Master,
}

impl Session {
    /// Everything that lowering adds to the nodes of the session.
    pub fn added(&self) -> HashMap<String, Added<'_>> {
        let master = (!self.nodes.is_empty()).then(|| (MASTER.to_owned(), Added::Master));
        let faders = self.nodes.iter().map(|n| (fader_id(&n.name), Added::Fader(n.name.as_str())));
        let sends = self.routes.iter().filter(|r| r.kind == RouteKind::Send).map(|route| {
            let Route { source, target, .. } = &**route;
            (send_id(source, target), Added::Send(source.as_str()))
        });
        faders.chain(sends).chain(master).collect()
    }

    /// What the musician calls a node of the lowered graph. Nodes of a raw graph go by their own ids.
    pub fn owner_of(&self, id: &str) -> String {
        if self.raw.node(id).is_some() || self.node(id).is_some() {
            return id.to_owned();
        }
        match self.added().get(id) {
            Some(Added::Fader(name) | Added::Send(name)) => (*name).to_owned(),
            Some(Added::Master) => MASTER_NAME.to_owned(),
            None => id.to_owned(),
        }
    }
}
