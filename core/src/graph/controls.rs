//! Which control of a graph a label means. One rule for values, patterns, automations, maps of controllers, and
//! what a node begins with:
//!
//! 0. an address, `bass/@gain`: what the node has without its code;
//! 1. a label that the graph exposes;
//! 2. a path `node/control`; where several nodes' names begin it, the longest that has the control;
//! 3. the end of a path within a node, `clarinet/freq` for `clarinet/midi/freq`, if one control alone ends so; again
//!    the longest name first.
//!
//! The plan has the same rule, in symbols (`planner::labels`).

use super::graph::GraphNode;
use super::indexed::IndexedGraph;
use crate::address;
use crate::node::{Control, Named, NodeDecl, Registry, TypeStatus};
use std::borrow::Cow;

/// What a label means.
#[derive(Clone, Debug, PartialEq)]
pub enum Meant<'a> {
    /// A control.
    Control {
        /// Its node.
        node: &'a GraphNode,
        /// Its index on the node.
        index: usize,
        /// Its path.
        path: String,
    },
    /// Nobody knows: the node's type has no code yet, or other code is on its way.
    Unsure {
        /// The node.
        node: &'a GraphNode,
        /// What the path will be if there is such a control.
        path: String,
    },
    /// Any of several.
    Several {
        /// The node.
        node: &'a GraphNode,
        /// Their paths.
        paths: Vec<String>,
    },
    /// The node has no such control.
    Lacks {
        /// The node.
        node: &'a GraphNode,
        /// The path that it would have.
        path: String,
    },
    /// There is no such node.
    Nothing,
}

impl Meant<'_> {
    /// Where a value for it is kept; also of a control that is not there (yet).
    pub fn path(self) -> Option<String> {
        match self {
            Self::Control { path, .. } | Self::Unsure { path, .. } | Self::Lacks { path, .. } => Some(path),
            Self::Several { .. } | Self::Nothing => None,
        }
    }
}

/// The controls of a graph, to be asked for by label.
pub struct Controls<'a> {
    graph: &'a IndexedGraph,
    registry: &'a Registry,
}

impl<'a> Controls<'a> {
    /// The controls that the types of the registry give to the nodes of a graph.
    pub fn of(graph: &'a IndexedGraph, registry: &'a Registry) -> Self {
        Self { graph, registry }
    }

    /// The node of that id.
    pub fn node(&self, id: &str) -> Option<&'a GraphNode> {
        self.graph.node(id)
    }

    /// The nodes whose names begin a path, the longest first.
    fn owners(&self, path: &str) -> Vec<&'a GraphNode> {
        self.graph.owners(path)
    }

    /// The node that a path belongs to: of those whose names begin it, the longest.
    pub fn owner(&self, path: &str) -> Option<&'a GraphNode> {
        self.owners(path).first().copied()
    }

    /// What plays under a node, as far as is known.
    pub fn decl(&self, node: &GraphNode) -> Option<&'a NodeDecl> {
        self.registry.playing(&node.id, &node.type_id).map(|ty| ty.decl())
    }

    fn is_settled(&self, node: &GraphNode) -> bool {
        self.registry.type_status(&node.type_id) == Some(&TypeStatus::Ready)
    }

    /// The control of exactly that path.
    pub fn at(&self, path: &str) -> Option<(&'a GraphNode, usize)> {
        self.owners(path).into_iter().find_map(|node| {
            let index = self.decl(node)?.control_at(&path[node.id.len() + 1..])?;
            Some((node, index))
        })
    }

    /// What a label means.
    pub fn find(&self, label: &str) -> Meant<'a> {
        if let Cow::Owned(path) = address::path(label) {
            return self.find_path(&path);
        }
        if let Some((id, control)) = self.graph.exposed(label)
            && let Some(node) = self.node(id)
        {
            let path = format!("{id}/{control}");
            return match self.decl(node).map(|decl| decl.control_at(control)) {
                Some(Some(index)) => Meant::Control { node, index, path },
                _ => self.missing(node, path),
            };
        }
        self.find_path(label)
    }

    /// What a path means, whatever labels are exposed.
    pub fn find_path(&self, path: &str) -> Meant<'a> {
        let owners = self.owners(path);
        for &node in &owners {
            let Some(decl) = self.decl(node) else {
                return Meant::Unsure { node, path: path.to_owned() };
            };
            if let Some(index) = decl.control_at(&path[node.id.len() + 1..]) {
                return Meant::Control { node, index, path: path.to_owned() };
            }
        }
        for &node in &owners {
            match self.within(node, &path[node.id.len() + 1..]) {
                Meant::Lacks { .. } => {}
                meant => return meant,
            }
        }
        owners.first().map_or(Meant::Nothing, |node| self.missing(node, path.to_owned()))
    }

    /// What a name means among the controls of a node.
    pub fn within(&self, node: &'a GraphNode, name: &str) -> Meant<'a> {
        let path = |control: &str| format!("{}/{control}", node.id);
        let Some(decl) = self.decl(node) else { return Meant::Unsure { node, path: path(name) } };
        match decl.control_named(name) {
            Named::One(index) => Meant::Control { node, index, path: path(&decl.controls[index].name) },
            Named::Several(all) if self.is_settled(node) => {
                let paths = all.into_iter().map(|index| path(&decl.controls[index].name)).collect();
                Meant::Several { node, paths }
            }
            _ => self.missing(node, path(name)),
        }
    }

    fn missing(&self, node: &'a GraphNode, path: String) -> Meant<'a> {
        match self.is_settled(node) && self.decl(node).is_some() {
            true => Meant::Lacks { node, path },
            false => Meant::Unsure { node, path },
        }
    }

    /// What a label means in the pattern of a slot: as it is, else within the node of the slot's name. There a
    /// note's velocity is that of the host's notes, or else the node's fader, and its gate the only one.
    pub fn of_pattern(&self, slot: &str, label: &str) -> Meant<'a> {
        let free = self.find(label);
        if matches!(free, Meant::Control { .. } | Meant::Unsure { .. }) {
            return free;
        }
        let within = self.find(&format!("{slot}/{label}"));
        if matches!(within, Meant::Control { .. } | Meant::Unsure { .. }) {
            return within;
        }
        if let Some(node) = self.node(slot)
            && let Some(decl) = self.decl(node)
            && let Some(index) = part_of(decl, label)
        {
            let path = format!("{slot}/{}", decl.controls[index].name);
            return Meant::Control { node, index, path };
        }
        if label == "vel"
            && let fader @ Meant::Control { .. } = self.find(&format!("{slot}/gain"))
        {
            return fader;
        }
        if free == Meant::Nothing { within } else { free }
    }

    /// Pairs of controls that one path means: the node of the longer name has it.
    pub fn clashes(&self) -> Vec<Clash> {
        let nodes = self.graph.parts().flat_map(|(_, part)| &part.nodes);
        nodes.flat_map(|node| self.clashes_of(node)).collect()
    }

    /// Those of a node whose control is the hidden one.
    pub fn clashes_of(&self, node: &GraphNode) -> Vec<Clash> {
        let controls = self.decl(node).into_iter().flat_map(|decl| &decl.controls);
        let clash = |control: &Control| {
            let other = |id: &str| self.node(id).and_then(|node| self.decl(node));
            let owner = shadowed_by(&node.id, &control.name, other)?;
            let path = format!("{}/{}", node.id, control.name);
            Some(Clash { path, owner, hidden: node.id.clone() })
        };
        controls.filter(|c| c.name.contains('/')).filter_map(clash).collect()
    }

    /// The nodes whose controls may be hidden, or not be any more, by what becomes of the node of that id: that node
    /// itself and those whose names begin its name.
    pub fn touched_by(&self, id: &str) -> Vec<&'a GraphNode> {
        self.node(id).into_iter().chain(self.owners(id)).collect()
    }

    /// Those of some paths that are the ends of others, each with the path of its control.
    pub fn full_paths<'b>(&self, paths: impl Iterator<Item = &'b String>) -> Vec<(String, String)> {
        let full = |path: &String| {
            let owner = self.owner(path)?;
            // Most types have no control in a group, and no short names.
            self.decl(owner)?.controls.iter().find(|c| c.name.contains('/'))?;
            match self.find_path(path) {
                Meant::Control { path: full, .. } if full != *path => Some((path.clone(), full)),
                _ => None,
            }
        };
        paths.filter_map(full).collect()
    }
}

/// The control that a part of a note is, where no control has its name.
fn part_of(decl: &NodeDecl, label: &str) -> Option<usize> {
    match label {
        "vel" => decl.velocity(),
        "gate" => decl.gate(),
        _ => None,
    }
}

/// Two controls that one path means.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clash {
    /// The path.
    pub path: String,
    /// The node that has it.
    pub owner: String,
    /// The node whose control of that path nobody reaches.
    pub hidden: String,
}

/// The node, other than `id`, that has the path `id/control`: its name begins the path, too, is longer, and it has the
/// rest as a control.
pub fn shadowed_by<'a>(
    id: &str,
    control: &str,
    decl: impl Fn(&str) -> Option<&'a NodeDecl>,
) -> Option<String> {
    control.match_indices('/').rev().find_map(|(cut, _)| {
        let owner = format!("{id}/{}", &control[..cut]);
        decl(&owner)?.control_at(&control[cut + 1..]).map(|_| owner)
    })
}
