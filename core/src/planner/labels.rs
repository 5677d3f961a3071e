//! Labels and paths of a plan's controls, as symbols. The rule is that of `graph::controls`: exposed labels, then
//! paths, then ends of paths; where several nodes' names begin one, the longest.

use super::shadow::ShadowNode;
use super::{PlannedNode, range};
use crate::graph::{RawGraph, shadowed_by};
use crate::node::{NodeDecl, is_gate_label};
use crate::plan::Plan;
use crate::symbol::Symbol;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Names that no label has: what a note's velocity sets on a node, and what its gate opens.
pub const VELOCITY: &str = "\u{0}vel";
/// See [`VELOCITY`].
pub const GATE: &str = "\u{0}gate";

/// The nodes that are not on their way out, by id.
pub(super) struct Named<'a>(HashMap<&'a str, &'a NodeDecl>);

impl<'a> Named<'a> {
    pub fn of(members: &'a [PlannedNode]) -> Self {
        let live = members.iter().map(|m| &*m.node).filter(|node| !node.ghost);
        Self(live.map(|node| (&*node.id, node.ty.decl())).collect())
    }

    /// The symbol of a control's path; `None`: the path is that of another node's control.
    pub fn path(&self, id: &str, control: &str) -> Option<Symbol> {
        let decl = |id: &str| self.0.get(id).copied();
        shadowed_by(id, control, decl).is_none().then(|| Symbol::control(id, control))
    }
}

/// The symbol under which a control lives on from plan to plan if its path is another node's.
pub(super) fn hidden(id: &str, control: &str) -> Symbol {
    Symbol::control(&format!("{id}\u{0}"), control)
}

/// The names of a node's controls beside their paths: ends of paths, and the parts of a note.
pub(super) fn ends(id: &str, decl: &NodeDecl, first: u32, mut emit: impl FnMut(Symbol, u32)) {
    let parts = [(VELOCITY, decl.velocity()), (GATE, decl.gate())];
    for (name, meant) in decl.short_names().into_iter().chain(parts) {
        if let Some(index) = meant {
            emit(Symbol::control(id, name), first + index as u32);
        }
    }
}

/// Puts labels and paths in place, once the controls are.
pub(super) fn place(plan: &mut Plan, members: &[PlannedNode], named: &Named<'_>, graph: &RawGraph) {
    let live = members.iter().map(|m| &*m.node).enumerate().filter(|(_, node)| !node.ghost);
    let mut live: Vec<(usize, &ShadowNode)> = live.collect();
    live.sort_by_key(|(_, member)| std::cmp::Reverse(member.id.len()));
    let mut paths: BTreeMap<Symbol, u32> = BTreeMap::new();
    for &(n, member) in &live {
        for (at, control) in range(plan.nodes[n].controls).zip(&member.ty.decl().controls) {
            paths.extend(named.path(&member.id, &control.name).map(|path| (path, at as u32)));
        }
    }
    let mut ends: BTreeMap<Symbol, Option<u32>> = BTreeMap::new();
    for &(n, member) in &live {
        let (decl, (first, _)) = (member.ty.decl(), plan.nodes[n].controls);
        for (name, meant) in decl.short_names() {
            let label = Symbol::control(&member.id, name);
            if !paths.contains_key(&label) {
                ends.entry(label).or_insert(meant.map(|index| first + index as u32));
            }
        }
        for (name, meant) in [(VELOCITY, decl.velocity()), (GATE, decl.gate())] {
            ends.insert(Symbol::control(&member.id, name), meant.map(|index| first + index as u32));
        }
    }
    let mut labels = paths.clone();
    labels.extend(ends.into_iter().filter_map(|(label, meant)| Some((label, meant?))));
    // An exposed label wins over a path of the same name. It is the node's own control that it means, also where the
    // path of that is another node's.
    let by_id: HashMap<&str, (usize, &ShadowNode)> =
        live.iter().map(|&(n, member)| (&*member.id, (n, member))).collect();
    for (label, (node, control)) in &graph.exposed_controls {
        let owner = by_id.get(node.as_str());
        let index = owner.and_then(|(n, member)| Some((n, member.ty.decl().control_at(control)?)));
        if let Some((&n, index)) = index {
            let at = plan.nodes[n].controls.0 + index as u32;
            labels.insert(Symbol::of(label), at);
            if is_gate_label(label) {
                plan.controls[at as usize].gate = true;
            }
        } else if graph.node(node).is_some() {
            // It leads to a control that the node does not have: nowhere, as in the session.
            labels.remove(&Symbol::of(label));
        }
    }
    plan.labels = Arc::new(labels.into_iter().collect());
    plan.paths = Arc::new(paths.into_iter().collect());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Controls, GraphNode, IndexedGraph, Meant};
    use crate::node::{
        Change, Control, CreateContext, CreateError, Node, NodeType, Port, Registry, Role, Transport,
    };
    use crate::planner::{PlanShadow, Request, build};
    use std::any::Any;
    use std::collections::BTreeSet;
    use std::sync::Arc;

    struct Silent;

    impl Node for Silent {
        fn reset(&mut self) {}
        fn set(&mut self, _: usize, _: Change) {}
        fn render(&mut self, _: &Transport, _: usize, _: &[&[f32]], _: &mut [&mut [f32]]) {}
        fn as_any(&mut self) -> &mut dyn Any {
            self
        }
    }

    struct Named(NodeDecl);

    impl NodeType for Named {
        fn decl(&self) -> &NodeDecl {
            &self.0
        }
        fn code_key(&self) -> u64 {
            1
        }
        fn create(&self, _: &CreateContext) -> Result<Box<dyn Node>, CreateError> {
            Ok(Box::new(Silent))
        }
    }

    struct Dice(u64);

    impl Dice {
        fn below(&mut self, n: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % n
        }

        /// A path of a few short parts, so that many are alike.
        fn path(&mut self, most: u64) -> String {
            let parts = 1 + self.below(most);
            (0..parts).map(|_| ["a", "b", "c"][self.below(3) as usize]).collect::<Vec<_>>().join("/")
        }
    }

    #[test]
    fn a_plan_finds_what_the_session_finds_for_any_names() {
        let mut dice = Dice(6);
        let (mut found, mut several, mut hidden) = (0, 0, 0);
        for _ in 0..1500 {
            let (mut registry, mut graph) = (Registry::new(), RawGraph::default());
            let ids: BTreeSet<String> = (0..1 + dice.below(5)).map(|_| dice.path(3)).collect();
            for (number, id) in ids.into_iter().enumerate() {
                let names: BTreeSet<String> = (0..dice.below(6)).map(|_| dice.path(4)).collect();
                let control = |name: String| Control::continuous(&name, 0.0, 1.0, 0.0);
                let type_id = format!("type {number}");
                registry.add(Arc::new(Named(NodeDecl {
                    type_id: type_id.clone(),
                    inputs: Vec::new(),
                    outputs: vec![Port::mono("out")],
                    controls: names.into_iter().map(control).collect(),
                    settings: Vec::new(),
                    role: Role::Process,
                })));
                graph.nodes.push(GraphNode::new(&id, &type_id));
            }
            for _ in 0..dice.below(3) {
                let node = graph.nodes[dice.below(graph.nodes.len() as u64) as usize].id.clone();
                graph.exposed_controls.insert(dice.path(4), (node, dice.path(3)));
            }
            let graph = IndexedGraph::from(graph);
            let (none, no_values) = (BTreeMap::new(), crate::model::Values::new());
            let request = Request {
                graph: &graph,
                values: &no_values,
                resets: &none,
                removed: &BTreeSet::new(),
                registry: &registry,
                context: CreateContext { sample_rate: 48_000.0, max_frames: 64 },
                prepared: &mut HashMap::new(),
                stock: None,
                next_uid: &mut 0,
                scene: false,
                crossfade: crate::model::Crossfade::Beats(0.5),
                frames: 64,
            };
            let (plan, _) = build(&PlanShadow::default(), 1, request).unwrap();
            let node_of = |at: u32| {
                let c = &plan.controls[at as usize];
                let (id, _) = *plan.ids.iter().find(|(_, node)| *node == c.node).unwrap();
                (id, c.index as usize)
            };
            let controls = Controls::of(&graph, &registry);
            hidden += controls.clashes().len();
            for _ in 0..400 {
                let label = dice.path(6);
                let plays = plan.control(Symbol::of(&label)).map(node_of);
                let means = match controls.find(&label) {
                    Meant::Control { node, index, .. } => Some((Symbol::of(&node.id), index)),
                    Meant::Several { .. } => {
                        several += 1;
                        None
                    }
                    _ => None,
                };
                assert_eq!(plays, means, "{label} in {graph:?}");
                found += usize::from(means.is_some());
            }
        }
        assert!(found > 10_000 && several > 1_000 && hidden > 25, "{found} {several} {hidden}");
    }
}
