//! Which node of the musician's each node of the lowered graph belongs to: its fader and its sends are the node itself.

use super::{Session, output_id};
use crate::edit::{Route, fader_id, send_id};
use crate::ir::RouteKind;
use crate::node::Bus;
use std::collections::HashMap;

/// What lowering adds to a node, by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added<'a> {
    /// The fader of that node.
    Fader(&'a str),
    /// A send of that node.
    Send(&'a str),
    /// That output.
    Output(Bus),
}

impl Session {
    /// Everything that lowering adds to the nodes of the session.
    pub fn added(&self) -> HashMap<String, Added<'_>> {
        let outputs = self.nodes.outputs().map(|bus| (output_id(bus), Added::Output(bus)));
        let faders = self.nodes.iter().map(|n| (fader_id(&n.name), Added::Fader(n.name.as_str())));
        let sends = self.routes.iter().filter(|r| r.kind == RouteKind::Send).map(|route| {
            let Route { source, target, .. } = &**route;
            (send_id(source, target), Added::Send(source.as_str()))
        });
        faders.chain(sends).chain(outputs).collect()
    }

    /// What the musician calls a node of the lowered graph. Nodes of a raw graph go by their own ids.
    pub fn owner_of(&self, id: &str) -> String {
        if self.raw.node(id).is_some() || self.node(id).is_some() {
            return id.to_owned();
        }
        match self.added().get(id) {
            Some(Added::Fader(name) | Added::Send(name)) => (*name).to_owned(),
            Some(Added::Output(Bus::MAIN)) => "the master".to_owned(),
            Some(Added::Output(stem)) => format!("stem {}", stem.index()),
            None => id.to_owned(),
        }
    }
}
