//! The controls of a plan, and the names by which they are found.

use super::changes::Changes;
use super::labels::{self, Named};
use super::shadow::{Names, PlanShadow, ShadowControl, ShadowNode};
use super::{PlannedNode, Request, range};
use crate::limits::NONE;
use crate::node::{Control, ControlKind};
use crate::plan::{ControlState, Listener, Modulation, Plan};
use crate::symbol::Symbol;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

fn state(node: usize, index: usize, control: &Control, known: &ShadowControl) -> ControlState {
    ControlState {
        node: node as u32,
        index: index as u32,
        min: control.min,
        max: control.max,
        set: known.value.is_some(),
        renewed: false,
        gate: known.gate,
        opened: known.value.map_or(control.default, |value| value as f32) > 0.0,
        base: known.value.map_or(control.default, |value| value as f32),
        pattern: None,
        slot: NONE,
        via: known.symbol,
        automation: NONE,
        automated: 0.0,
        drawn: false,
        modulation: Modulation::NONE,
        open: false,
        note: crate::voice::NOBODY,
        onset: f64::NAN,
    }
}

/// Notes what of the host's MIDI moves the control that comes next.
fn listen(plan: &mut Plan, control: &Control, path: Symbol) {
    let at = plan.controls.len() as u32;
    plan.listeners.extend(control.midi.iter().map(|midi| Listener { midi: *midi, control: at, path }));
}

/// Controls of all members, found by looking at each.
pub(super) fn place_all(
    plan: &mut Plan,
    shadow: &mut PlanShadow,
    base: &PlanShadow,
    members: &mut [PlannedNode],
    request: &Request<'_>,
) {
    let before: HashMap<Symbol, u32> =
        base.controls.iter().enumerate().map(|(i, s)| (*s, i as u32)).collect();
    let named = Named::of(members);
    let mut all = Vec::new();
    for (n, member) in members.iter().enumerate().filter(|(_, m)| !m.node.ghost) {
        let (id, first) = (&*member.node.id, plan.controls.len() as u32);
        for (index, control) in member.node.ty.decl().controls.iter().enumerate() {
            let path = named.path(id, &control.name);
            // Of a path that is another node's, values are that node's, too.
            let values = path.map(|_| format!("{id}/{}", control.name));
            let symbol = path.unwrap_or_else(|| labels::hidden(id, &control.name));
            let at = plan.controls.len() as u32;
            if !request.removed.contains(id)
                && let Some(&old) = before.get(&symbol)
            {
                plan.control_moves.push((at, old));
                if let Some(value) = values.as_ref().and_then(|path| request.resets.get(path)) {
                    plan.resets.push((at, *value as f32));
                }
            }
            let value = values.as_ref().and_then(|path| request.values.get(path)).copied();
            let known = ShadowControl { symbol, value, gate: control.kind == ControlKind::Gate };
            shadow.controls.push(symbol);
            listen(plan, control, symbol);
            plan.controls.push(state(n, index, control, &known));
            all.push(known);
        }
        plan.nodes[n].controls = (first, plan.controls.len() as u32 - first);
    }
    labels::place(plan, members, &named, request.graph);
    let live = (0..).zip(members.iter()).filter(|(_, member)| !member.node.ghost);
    let mut ids: Vec<(Symbol, u32)> = live.map(|(n, member)| (Symbol::of(&member.node.id), n)).collect();
    ids.sort_unstable();
    plan.ids = Arc::new(ids);
    // An exposed label may have made a gate of a control.
    all.iter_mut().zip(&plan.controls).for_each(|(known, c)| known.gate = c.gate);
    for (member, node) in members.iter_mut().zip(&plan.nodes) {
        Arc::make_mut(&mut member.node).controls = all[range(node.controls)].into();
    }
    shadow.names = Names { labels: plan.labels.clone(), paths: plan.paths.clone(), ids: plan.ids.clone() };
}

/// The same with the controls that the base has, and those of new members.
pub(super) fn place_since(
    plan: &mut Plan,
    shadow: &mut PlanShadow,
    base: &PlanShadow,
    members: &mut [PlannedNode],
    request: &Request<'_>,
    changes: &Changes<'_>,
) {
    let firsts = firsts_of(base);
    let mut controls_now = vec![NONE; base.controls.len()];
    let mut nodes_now = vec![NONE; base.nodes.len()];
    let (mut paths, mut labels, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    take_values(members, request, changes);
    for (n, member) in members.iter_mut().enumerate().filter(|(_, m)| !m.node.ghost) {
        let first = plan.controls.len() as u32;
        if member.base.is_none() {
            Arc::make_mut(&mut member.node).controls = known_controls(&member.node, request);
        }
        let node = &member.node;
        for (index, (control, known)) in node.ty.decl().controls.iter().zip(&*node.controls).enumerate() {
            listen(plan, control, known.symbol);
            plan.controls.push(state(n, index, control, known));
            shadow.controls.push(known.symbol);
        }
        let count = plan.controls.len() as u32 - first;
        plan.nodes[n].controls = (first, count);
        match member.base {
            Some(then) => {
                nodes_now[then as usize] = n as u32;
                let then = firsts[then as usize];
                for at in 0..count {
                    controls_now[(then + at) as usize] = first + at;
                    plan.control_moves.push((first + at, then + at));
                }
            }
            None => {
                ids.push((Symbol::of(&node.id), n as u32));
                let own = node.controls.iter().zip(first..).map(|(known, at)| (known.symbol, at));
                paths.extend(own);
                labels::ends(&node.id, node.ty.decl(), first, |symbol, at| labels.push((symbol, at)));
            }
        }
    }
    // What is exposed leads to nodes that are as new as the label.
    labels.extend(paths.iter().copied());
    plan.paths = merged(&base.names.paths, &controls_now, paths);
    let exposed = changes.nodes.iter().filter_map(|node| {
        let label = format!("{}/gain", node.id);
        let (owner, control) = request.graph.exposed(&label)?;
        let at = find(&plan.paths, Symbol::control(owner, control))?;
        Some((Symbol::of(&label), at))
    });
    for (label, at) in exposed.collect::<Vec<_>>() {
        labels.retain(|(other, _)| *other != label);
        labels.push((label, at));
    }
    plan.labels = merged(&base.names.labels, &controls_now, labels);
    plan.ids = merged(&base.names.ids, &nodes_now, ids);
    for (path, value) in request.resets {
        let Some(at) = find(&plan.paths, Symbol::of(path)) else { continue };
        if members[plan.controls[at as usize].node as usize].base.is_some() {
            plan.resets.push((at, *value as f32));
        }
    }
    plan.resets.sort_by_key(|(at, _)| *at);
    shadow.names = Names { labels: plan.labels.clone(), paths: plan.paths.clone(), ids: plan.ids.clone() };
}

/// The first control of each node.
fn firsts_of(base: &PlanShadow) -> Vec<u32> {
    let mut next = 0;
    let first = |node: &Arc<ShadowNode>| {
        let first = next;
        next += if node.ghost { 0 } else { node.controls.len() as u32 };
        first
    };
    base.nodes.iter().map(first).collect()
}

/// Base values that are others than in the base.
fn take_values(members: &mut [PlannedNode], request: &Request<'_>, changes: &Changes<'_>) {
    if changes.values.is_empty() {
        return;
    }
    let owners = changes.values.iter().flat_map(|path| request.graph.owners(path));
    let owners: HashSet<&str> = owners.map(|node| &*node.id).collect();
    for member in members.iter_mut().filter(|m| !m.node.ghost && m.base.is_some()) {
        if !owners.contains(&*member.node.id) {
            continue;
        }
        let node = Arc::make_mut(&mut member.node);
        let controls = node.controls.iter().zip(&node.ty.decl().controls).map(|(known, control)| {
            let hidden = known.symbol == labels::hidden(&node.id, &control.name);
            let value = request.values.get(&format!("{}/{}", node.id, control.name)).copied();
            ShadowControl { value: value.filter(|_| !hidden), ..*known }
        });
        node.controls = controls.collect();
    }
}

/// The controls of a node that is new and whose name no other's begins with.
fn known_controls(node: &ShadowNode, request: &Request<'_>) -> Arc<[ShadowControl]> {
    let known = |control: &Control| ShadowControl {
        symbol: Symbol::control(&node.id, &control.name),
        value: request.values.get(&format!("{}/{}", node.id, control.name)).copied(),
        gate: control.kind == ControlKind::Gate,
    };
    node.ty.decl().controls.iter().map(known).collect()
}

fn find(sorted: &[(Symbol, u32)], symbol: Symbol) -> Option<u32> {
    let at = sorted.binary_search_by_key(&symbol, |(s, _)| *s).ok()?;
    Some(sorted[at].1)
}

/// Those of a sorted list whose meaning is still there, with those of another between them; where both have a name the
/// other counts.
fn merged(old: &[(Symbol, u32)], now: &[u32], mut new: Vec<(Symbol, u32)>) -> Arc<Vec<(Symbol, u32)>> {
    // Of two of one name the first counts.
    new.sort_by_key(|(symbol, _)| *symbol);
    new.dedup_by_key(|(symbol, _)| *symbol);
    let mut all = Vec::with_capacity(old.len() + new.len());
    let mut new = new.into_iter().peekable();
    for &(symbol, then) in old {
        while let Some(next) = new.next_if(|(other, _)| *other < symbol) {
            all.push(next);
        }
        let at = now[then as usize];
        let replaced = new.peek().is_some_and(|(other, _)| *other == symbol);
        if at != NONE && !replaced {
            all.push((symbol, at));
        }
    }
    all.extend(new);
    Arc::new(all)
}
