//! The session in short, by the names that musicians gave.

use super::Engine;
use crate::edit::{fader_id, mute_path};
use crate::graph::{Clash, Connection, GraphNode};
use crate::model::Settings;
use crate::node::Bargraph;
use crate::notice::{NodeStatus, Notice, SlotStatus, Status};
use crate::planner::PlanShadow;
use crate::session::Added;
use std::collections::{BTreeMap, BTreeSet};

/// What the client was told, or will be at the next tick.
#[derive(Default)]
pub(super) struct Told {
    pub notices: Vec<Notice>,
    /// Paths that two controls have, as they were told.
    pub clashes: BTreeSet<Clash>,
    /// Nodes that audio does not render any more: uid → id.
    pub silenced: BTreeMap<u64, String>,
}

impl Engine {
    /// What `Status` tells.
    pub fn status(&self) -> Status {
        let s = &self.session;
        Status {
            nodes: self.nodes(),
            connections: self.connections(),
            exposed_controls: self.exposed_controls(),
            control_values: s.values_by_label(),
            slots: s
                .slots
                .iter()
                .map(|(name, slot)| SlotStatus { name: name.clone(), playing: slot.playing })
                .collect(),
            settings: Settings {
                midi_clock: s.settings.midi_clock || self.midi_clock_always,
                ..s.settings.clone()
            },
            meter: self.beats_per_cycle(),
            position: self.link.position(),
            poisoned: self.poisoned(),
            silenced: self.silenced_nodes().into_iter().collect(),
        }
    }

    /// The engine panicked and is silent until it is rebuilt.
    pub fn poisoned(&self) -> bool {
        self.audio.as_ref().is_some_and(|a| a.poisoned)
    }

    /// The nodes: those of a raw graph, then those of the session. A node of the session is heard, and metered, after
    /// its fader.
    pub fn nodes(&self) -> Vec<NodeStatus> {
        let s = &self.session;
        let meters = self.meters();
        let silenced = self.silenced_nodes();
        let raw = s.raw.nodes.iter().map(|node| NodeStatus {
            meter: meters.get(&node.id).copied(),
            silenced: silenced.contains(&node.id),
            muted: false,
            solo: false,
            silent: false,
            node: node.clone(),
        });
        let own = s.nodes.iter().map(|node| NodeStatus {
            meter: meters.get(&fader_id(&node.name)).copied(),
            silenced: silenced.contains(&node.name),
            muted: node.muted,
            solo: node.solo,
            silent: s.values.get(&mute_path(&node.name)).is_some_and(|mute| *mute > 0.0),
            node: GraphNode {
                count: node.count,
                legato: node.legato,
                rest: node.rest,
                ..GraphNode::new(&node.name, &node.type_id())
            },
        });
        raw.chain(own).collect()
    }

    /// The nodes with the numbers of their meters, in the order of [`Engine::nodes`].
    pub fn metered_nodes(&self) -> Vec<(String, Option<u32>)> {
        let s = &self.session;
        let meters = self.meters();
        let meter = |id: &str| meters.get(id).copied();
        let raw = s.raw.nodes.iter().map(|node| (node.id.clone(), meter(&node.id)));
        let own = s.nodes.iter().map(|node| (node.name.clone(), meter(&fader_id(&node.name))));
        raw.chain(own).collect()
    }

    /// What the bargraphs of the nodes show, by the nodes' names; nothing while the host has not activated the engine.
    pub fn bargraphs(&self) -> BTreeMap<String, Vec<(Bargraph, f32)>> {
        let shape = self.audio.iter().flat_map(|audio| audio.base.bargraphs());
        let shown = shape.map(|(id, ty, shown)| {
            let told = ty.bargraphs().iter().zip(shown.read());
            (id.to_owned(), told.map(|(bargraph, now)| (bargraph.clone(), bargraph.told(now))).collect())
        });
        shown.collect()
    }

    fn silenced_nodes(&self) -> BTreeSet<String> {
        self.told.silenced.values().map(|id| self.session.owner_of(id)).collect()
    }

    /// The connections between these nodes: those of a raw graph, wires, and sends as connections of their node.
    fn connections(&self) -> Vec<Connection> {
        let added = self.session.added();
        let shown = |wire: &Connection| match (added.get(&wire.from_node), added.get(&wire.to_node)) {
            (None, None) => Some(wire.clone()),
            (Some(Added::Send(source)), None) => {
                Some(Connection { from_node: (*source).to_owned(), ..wire.clone() })
            }
            _ => None,
        };
        self.session.graph.connections.iter().filter_map(shown).collect()
    }

    /// Label → node and control.
    fn exposed_controls(&self) -> BTreeMap<String, (String, String)> {
        let added = self.session.added();
        let shown = |id: &String| match added.get(id) {
            Some(Added::Fader(name) | Added::Send(name)) => (*name).to_owned(),
            _ => id.clone(),
        };
        let exposed = self.session.graph.exposed_controls.iter();
        exposed.map(|(label, (node, control))| (label.clone(), (shown(node), control.clone()))).collect()
    }

    /// Id of a node of the lowered graph → number of its meter.
    fn meters(&self) -> BTreeMap<String, u32> {
        self.audio.as_ref().map(|a| self.meters_of(&a.base)).unwrap_or_default()
    }

    pub(super) fn meters_of(&self, plan: &PlanShadow) -> BTreeMap<String, u32> {
        let metered = plan.live().filter_map(|(uid, id)| Some((id.to_owned(), self.plans.meters.of(uid)?)));
        metered.collect()
    }
}
