//! The wires of a plan: those of the graph, and those of the base that are on their way out; and the order of nodes
//! that they ask for.

use super::changes::Changes;
use super::shadow::{PlanShadow, Rank, ShadowWire};
use super::{PlannedNode, Request, channels};
use crate::graph::topological;
use crate::limits::NONE;
use crate::node::{GAIN_TYPE, Role, input_port, output_port};
use crate::plan::{Declick, DeclickOrigin, Fade, InPort, Plan, Wire};
use std::collections::{HashMap, HashSet};

/// A wire between two members, by their places among the members.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlannedWire {
    pub wire: ShadowWire,
    /// The wire of the base that it is.
    pub base: Option<u32>,
    pub fade: Fade,
}

/// The place of each node of the base among the members.
pub(super) fn places(base: &PlanShadow, members: &[PlannedNode]) -> Vec<u32> {
    let mut places = vec![NONE; base.nodes.len()];
    for (at, member) in members.iter().enumerate() {
        if let Some(then) = member.base {
            places[then as usize] = at as u32;
        }
    }
    places
}

/// A new wire, which fades in unless nothing is heard of its end yet.
fn new_wire(
    wire: ShadowWire,
    members: &[PlannedNode],
    known: &impl Fn(&str) -> bool,
    scene: bool,
) -> PlannedWire {
    let (source, target) = (&members[wire.source as usize], &members[wire.target as usize]);
    // What is new itself is not heard yet: only its way out fades. An output has none.
    let unheard = target.base.is_none() && !target.node.ty.decl().role.is_output();
    // What a scene brings comes in as what it replaces goes out, or the sum would not be even.
    let with_scene = scene || source.pool != NONE;
    let fade = match (unheard, known(&source.node.id) || with_scene) {
        (true, _) => Fade::Cut,
        (false, true) => Fade::Long,
        (false, false) => Fade::Short,
    };
    PlannedWire { wire, base: None, fade }
}

/// A wire of the base that the graph does not have any more: it fades out, unless one of its ends is gone.
fn old_wire(old: &ShadowWire, at: usize, places: &[u32], members: &[PlannedNode]) -> Option<PlannedWire> {
    let place = |node: u32| places.get(node as usize).copied().filter(|&place| place != NONE);
    let (source, target) = (place(old.source)?, place(old.target)?);
    let end = &members[target as usize];
    // Into a ghost a wire stays as it was: the ghost itself is fading. An output on its way out has nothing to fade
    // but what leads to it.
    let into_ghost = end.node.ghost && !end.node.ty.decl().role.is_output();
    let out = !into_ghost || old.out;
    Some(PlannedWire {
        wire: ShadowWire { source, target, out, times: 0, ..*old },
        base: Some(at as u32),
        fade: Fade::Long,
    })
}

/// All wires of the graph, in its order, then those that are on their way out.
pub(super) fn all(base: &PlanShadow, members: &[PlannedNode], request: &Request<'_>) -> Vec<PlannedWire> {
    let live: HashMap<&str, u32> = (0..)
        .zip(members)
        .filter(|(_, member)| !member.node.ghost)
        .map(|(at, member)| (&*member.node.id, at))
        .collect();
    let known: HashSet<&str> = base.kept().map(|node| &*node.id).collect();
    let known = |id: &str| known.contains(id);
    let places = places(base, members);
    let place = |node: u32| places.get(node as usize).copied().unwrap_or(NONE);
    let before: HashMap<_, usize> = (0..)
        .zip(&base.wires)
        .map(|(at, w)| ((place(w.source), w.from, place(w.target), w.to), at))
        .filter(|((source, _, target, _), _)| *source != NONE && *target != NONE)
        .collect();
    let mut wires: Vec<PlannedWire> = Vec::with_capacity(base.wires.len() + 8);
    let mut ways: HashMap<_, usize> = HashMap::with_capacity(base.wires.len() + 8);
    for (key, part) in request.graph.parts() {
        for (number, c) in (0..).zip(&part.connections) {
            let (Some(&source), Some(&target)) = (live.get(&*c.from_node), live.get(&*c.to_node)) else {
                continue;
            };
            // A type's new code may have lost a port: that was said when it came.
            let decl = |at: u32| members[at as usize].node.ty.decl();
            let from = output_port(decl(source), &c.from_port);
            let (Some(from), Some(to)) = (from, input_port(decl(target), &c.to_port)) else { continue };
            let wire = ShadowWire { source, from, target, to, out: false, rank: (key, number), times: 1 };
            if let Some(&at) = ways.get(&wire.way()) {
                // `out` and `out0` may name the same wire twice.
                wires[at].wire.times += 1;
                continue;
            }
            ways.insert(wire.way(), wires.len());
            let base = before.get(&wire.way()).map(|&at| at as u32);
            wires.push(PlannedWire { base, ..new_wire(wire, members, &known, request.scene) });
        }
    }
    let old = base.wires.iter().enumerate().filter_map(|(at, old)| old_wire(old, at, &places, members));
    wires.extend(old.filter(|old| !ways.contains_key(&old.wire.way())));
    wires
}

/// The same where only those parts of the graph differ from what the base was built from; `None`: the whole is to
/// be looked at.
pub(super) fn since(
    base: &PlanShadow,
    members: &[PlannedNode],
    changes: &Changes<'_>,
    scene: bool,
) -> Option<Vec<PlannedWire>> {
    let places = places(base, members);
    let known = |id: &str| base.kept().any(|node| *node.id == *id);
    // Which of the base's wires the graph has, and where they stand in it.
    let mut times: Vec<u16> = base.wires.iter().map(|wire| wire.times).collect();
    let mut ranks: Vec<Rank> = base.wires.iter().map(|wire| wire.rank).collect();
    let find = changes.finder(members);
    let in_base = changes.finder_in_base(base);
    let of_base = changes.wires_of(base);
    for c in changes.connections_gone() {
        let (Some(source), Some(target)) = (in_base(&c.from_node), in_base(&c.to_node)) else { continue };
        let decl = |at: u32| base.nodes[at as usize].ty.decl();
        let from = output_port(decl(source), &c.from_port);
        let (Some(from), Some(to)) = (from, input_port(decl(target), &c.to_port)) else { continue };
        let at = of_base(&(source, from, target, to))?;
        if times[at] != 1 {
            return None;
        }
        times[at] = 0;
    }
    let mut new: Vec<PlannedWire> = Vec::new();
    for (rank, c) in changes.connections_new() {
        let (Some(source), Some(target)) = (find(&c.from_node), find(&c.to_node)) else { continue };
        let decl = |at: u32| members[at as usize].node.ty.decl();
        let from = output_port(decl(source), &c.from_port);
        let (Some(from), Some(to)) = (from, input_port(decl(target), &c.to_port)) else { continue };
        let ends = (members[source as usize].base, members[target as usize].base);
        if let (Some(then_source), Some(then_target)) = ends
            && let Some(at) = of_base(&(then_source, from, then_target, to))
        {
            if times[at] != 0 {
                return None;
            }
            (times[at], ranks[at]) = (1, rank);
            continue;
        }
        let wire = ShadowWire { source, from, target, to, out: false, rank, times: 1 };
        if new.iter().any(|other| other.wire.way() == wire.way()) {
            return None;
        }
        new.push(new_wire(wire, members, &known, scene));
    }
    let mut wires: Vec<PlannedWire> = Vec::with_capacity(base.wires.len() + new.len());
    let mut out = Vec::new();
    for (at, old) in base.wires.iter().enumerate() {
        let Some(planned) = old_wire(old, at, &places, members) else { continue };
        let ends = [planned.wire.source, planned.wire.target];
        let live = times[at] > 0 && ends.iter().all(|&end| !members[end as usize].node.ghost);
        let wire = ShadowWire { rank: ranks[at], times: times[at], ..planned.wire };
        match live {
            true => wires.push(PlannedWire { wire: ShadowWire { out: false, ..wire }, ..planned }),
            false => out.push(planned),
        }
    }
    wires.append(&mut new);
    wires.append(&mut out);
    Some(wires)
}

/// Topological order over live nodes and ghosts. Wires on their way out that would close a circle
/// with the new ones cannot stay: they come third, to leave tails.
pub(super) fn schedule(
    members: Vec<PlannedNode>,
    mut wires: Vec<PlannedWire>,
) -> (Vec<PlannedNode>, Vec<PlannedWire>, Vec<PlannedWire>) {
    if wires.iter().all(|w| w.wire.source < w.wire.target) {
        return (members, wires, Vec::new());
    }
    let edges = |wires: &[PlannedWire]| -> Vec<(usize, usize)> {
        wires.iter().map(|w| (w.wire.source as usize, w.wire.target as usize)).collect()
    };
    let mut cut = Vec::new();
    let order = topological(members.len(), &edges(&wires)).unwrap_or_else(|| {
        let circular = between_circles(members.len(), &edges(&wires));
        let (gone, stay) = std::mem::take(&mut wires).into_iter().partition(|w| {
            let ends = [w.wire.source as usize, w.wire.target as usize];
            w.wire.out && !members[ends[1]].node.ghost && ends.iter().all(|&n| circular[n])
        });
        (cut, wires) = (gone, stay);
        topological(members.len(), &edges(&wires)).expect("the live graph has no circle")
    });
    let mut places = vec![0_u32; members.len()];
    (0..).zip(&order).for_each(|(to, &from)| places[from] = to);
    for planned in wires.iter_mut().chain(&mut cut) {
        let wire = &mut planned.wire;
        (wire.source, wire.target) = (places[wire.source as usize], places[wire.target as usize]);
    }
    let mut members: Vec<Option<PlannedNode>> = members.into_iter().map(Some).collect();
    let members = order.iter().map(|&i| members[i].take().expect("each once")).collect();
    (members, wires, cut)
}

/// An effect lets the input pass as long as no node takes it, and changes over in a few milliseconds. What leads the
/// same samples into other nodes does so in step: wires of the input and of faders that have nothing else.
pub(super) fn hurry_input(members: &[PlannedNode], wires: &mut [PlannedWire]) {
    let mut others = vec![false; members.len()];
    let mut fed = vec![false; members.len()];
    let mut is_input = vec![false; members.len()];
    let mut to: Vec<Vec<u32>> = vec![Vec::new(); members.len()];
    wires.iter().for_each(|w| to[w.wire.source as usize].push(w.wire.target));
    // Members are in the order of their wires.
    for (n, member) in members.iter().enumerate() {
        let decl = member.node.ty.decl();
        let fader = decl.type_id == GAIN_TYPE && fed[n] && !others[n];
        is_input[n] = decl.role == Role::HostInput || fader;
        for &target in &to[n] {
            let flags = if is_input[n] { &mut fed } else { &mut others };
            flags[target as usize] = true;
        }
    }
    for planned in wires.iter_mut().filter(|w| is_input[w.wire.source as usize] && w.fade == Fade::Long) {
        planned.fade = Fade::Short;
    }
}

/// The nodes that lie on circles, or on ways from one circle to another.
fn between_circles(nodes: usize, edges: &[(usize, usize)]) -> Vec<bool> {
    let mut inside = vec![true; nodes];
    for turn in 0..2 {
        let mut degree = vec![0usize; nodes];
        let mut next = vec![Vec::new(); nodes];
        for &(a, b) in edges {
            let (from, to) = if turn == 0 { (a, b) } else { (b, a) };
            degree[to] += 1;
            next[from].push(to);
        }
        let mut ready: Vec<usize> = (0..nodes).filter(|&n| degree[n] == 0).collect();
        while let Some(n) = ready.pop() {
            inside[n] = false;
            for &to in &next[n] {
                degree[to] -= 1;
                if degree[to] == 0 {
                    ready.push(to);
                }
            }
        }
    }
    inside
}

pub(super) fn place_tails(
    plan: &mut Plan,
    shadow: &mut PlanShadow,
    base: &PlanShadow,
    members: &[PlannedNode],
    cut: &[PlannedWire],
) {
    if cut.is_empty() && base.declicks.is_empty() {
        return;
    }
    let index: HashMap<u64, usize> = members.iter().enumerate().map(|(i, m)| (m.node.uid, i)).collect();
    let carried = base.declicks.iter().enumerate();
    let carried = carried.map(|(at, &(target, to))| (target, to, DeclickOrigin::Declick(at as u32)));
    let uid = |w: &PlannedWire| members[w.wire.target as usize].node.uid;
    let fresh = cut.iter().filter_map(|w| Some((uid(w), w.wire.to, DeclickOrigin::Wire(w.base?))));
    for (target, to, origin) in carried.chain(fresh) {
        let Some(&n) = index.get(&target) else { continue };
        let port = plan.nodes[n].ports.0 + to as u32;
        plan.declicks.push(Declick { port, origin, last: [0.0; 2], frames: 1, left: 0 });
        shadow.declicks.push((target, to));
    }
}

/// Puts wires in place by the ports that they lead to: those of the graph in its order, then those on their way out.
pub(super) fn place_wires(
    plan: &mut Plan,
    shadow: &mut PlanShadow,
    base: &PlanShadow,
    members: &[PlannedNode],
    wires: &[PlannedWire],
) {
    let successors: HashMap<&str, u32> = (0..members.len())
        .filter(|&n| plan.nodes[n].replaces != NONE)
        .map(|n| (&*members[n].node.id, n as u32))
        .collect();
    for (n, member) in members.iter().enumerate() {
        let inputs = &member.node.ty.decl().inputs;
        plan.nodes[n].ports = (plan.ports.len() as u32, inputs.len() as u32);
        let port = |port: &crate::node::Port| InPort { channels: port.channels as u32, wires: (0, 0) };
        plan.ports.extend(inputs.iter().map(port));
    }
    let into_output = |w: &PlannedWire| members[w.wire.target as usize].node.ty.decl().role.is_output();
    let was_out = |w: &PlannedWire| w.base.is_some_and(|b| base.wires[b as usize].out);
    // What begins to fade in on an output; what fades out on others meanwhile ends with it.
    let begins = |w: &&PlannedWire| !w.wire.out && (w.base.is_none() || was_out(w)) && into_output(w);
    let moving: HashSet<u32> = wires.iter().filter(begins).map(|w| w.wire.source).collect();
    let port_of = |w: &PlannedWire| plan.nodes[w.wire.target as usize].ports.0 as usize + w.wire.to;
    let ports: Vec<u32> = wires.iter().map(|w| port_of(w) as u32).collect();
    let mut firsts = vec![0_u32; plan.ports.len() + 1];
    ports.iter().for_each(|&port| firsts[port as usize + 1] += 1);
    (1..firsts.len()).for_each(|port| firsts[port] += firsts[port - 1]);
    let mut order = vec![0_u32; wires.len()];
    let mut next = firsts.clone();
    for (at, &port) in (0..).zip(&ports) {
        order[next[port as usize] as usize] = at;
        next[port as usize] += 1;
    }
    // Those that came last may belong between others.
    let place = |&at: &u32| {
        let wire = &wires[at as usize].wire;
        (wire.out, if wire.out { Rank::default() } else { wire.rank })
    };
    for ends in firsts.windows(2) {
        let group = &mut order[ends[0] as usize..ends[1] as usize];
        if !group.is_sorted_by_key(place) {
            group.sort_by_key(place);
        }
    }
    for w in order.iter().map(|&at| &wires[at as usize]) {
        let port = port_of(w);
        let at = plan.wires.len() as u32;
        let range = &mut plan.ports[port].wires;
        *range = (if range.1 == 0 { at } else { range.0 }, range.1 + 1);
        let source = &members[w.wire.source as usize].node;
        let outputs = &source.ty.decl().outputs;
        let target = if w.wire.out { 0.0 } else { 1.0 };
        let cut = w.base.is_none() && w.fade == Fade::Cut;
        if let Some(before) = w.base {
            plan.wire_moves.push((at, before));
        }
        let successor = match w.wire.out && was_out(w) {
            true if source.ghost => successors.get(&*source.id).copied(),
            true if into_output(w) && moving.contains(&w.wire.source) => Some(w.wire.source),
            _ => None,
        };
        plan.wires.push(Wire {
            source: w.wire.source,
            channel: channels(&outputs[..w.wire.from]) as u32,
            channels: outputs[w.wire.from].channels as u32,
            gain: if cut { target } else { 0.0 },
            step: 0.0,
            left: 0,
            target,
            fade: w.fade,
            restarts: 0,
            successor: successor.unwrap_or(NONE),
        });
        shadow.wires.push(w.wire);
    }
    debug_assert!(plan.wire_moves.iter().all(|&(_, b)| (b as usize) < base.wires.len()));
}
