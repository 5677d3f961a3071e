//! Session → plan: nodes → order → wires and fades → buffers → moves, against the base that plays.

pub mod labels;
mod shape;

pub use shape::Shape;

use crate::graph::{RawGraph, Rest, topological};
use crate::limits::{MAX_CHANNELS, NONE};
use crate::model::Crossfade;
use crate::model::Values;
use crate::node::{
    ControlKind, CreateContext, Node, NodeDecl, NodeType, Registry, Role, input_port, output_port,
};
use crate::plan::{ControlState, Fade, InPort, NoteParts, Plan, PlanNode, Tail, TailOrigin, Wire};
use crate::symbol::Symbol;
use crate::voice::{BY_BASE, MAX_KEYS, Phase, Voice};
use labels::Named;
use shape::{ShapeNode, ShapeWire};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What a plan is built from.
pub struct Request<'a> {
    /// The graph.
    pub graph: &'a RawGraph,
    /// Its nodes in topological order.
    pub order: &'a [usize],
    /// Base values by path `node/control`.
    pub values: &'a Values,
    /// Paths whose base values are set anew although the control lives on.
    pub resets: &'a BTreeMap<String, f64>,
    /// Ids of nodes that were removed since the base: one of that id is another node.
    pub removed: &'a BTreeSet<String>,
    /// Where types come from; nodes of those without code are not played.
    pub registry: &'a Registry,
    /// What instances are told.
    pub context: CreateContext,
    /// Instances created ahead, by [`spare_key`].
    pub spare: &'a mut HashMap<String, Box<dyn Node>>,
    /// Source of uids.
    pub next_uid: &'a mut u64,
    /// Length of crossfades.
    pub crossfade: Crossfade,
    /// Frames per buffer.
    pub frames: usize,
}

struct Member {
    uid: u64,
    id: String,
    ty: Arc<dyn NodeType>,
    base: Option<u32>,
    ghost: bool,
    /// Voices that notes may have.
    count: usize,
    legato: Option<bool>,
    /// It may rest when it has fallen silent.
    rests: bool,
    /// Instances, and how many of them the base has.
    voices: usize,
    living: usize,
}

/// Builds a plan to follow `base`.
///
/// # Errors
/// The text of a type that refused to create an instance.
pub fn build(base: &Shape, generation: u64, request: Request<'_>) -> Result<(Plan, Shape), String> {
    let members = members(base, &request);
    let wires = wires(base, &members, &request);
    let (members, wires, cut) = schedule(members, wires);
    let mut shape = Shape {
        generation,
        nodes: members.iter().map(|m| ShapeNode::new(m.uid, &m.id, &m.ty, m.ghost, m.voices)).collect(),
        wires: Vec::with_capacity(wires.len()),
        controls: Vec::new(),
        ..Shape::default()
    };
    let mut plan = Plan::empty(generation);
    plan.base = base.generation;
    plan.crossfade = request.crossfade;
    place_nodes(&mut plan, base, &members);
    place_wires(&mut plan, &mut shape, base, &members, &wires);
    place_tails(&mut plan, &mut shape, base, &members, &cut);
    shape.finish();
    plan.fading = shape.has_ghosts();
    assign_buffers(&mut plan, &members, request.frames);
    place_controls(&mut plan, &mut shape, base, &members, &request);
    create_instances(&mut plan, &members, request)?;
    Ok((plan, shape))
}

/// Live nodes in graph order, then whatever of the base is on its way out.
fn members(base: &Shape, request: &Request<'_>) -> Vec<Member> {
    let mut carried = vec![false; base.nodes.len()];
    let mut members = Vec::with_capacity(request.order.len());
    let mut next_uid = *request.next_uid;
    let live: HashMap<&str, usize> =
        base.nodes.iter().enumerate().filter(|(_, n)| !n.ghost).map(|(i, n)| (n.id.as_str(), i)).collect();
    for &i in request.order {
        let node = &request.graph.nodes[i];
        // Without code, its own or what was there before, it is silent, as if it were not there yet.
        let Some(ty) = request.registry.playing(&node.id, &node.type_id).cloned() else { continue };
        let before = live.get(node.id.as_str()).copied().filter(|&at| {
            same_code(base.nodes[at].ty.as_ref(), ty.as_ref()) && !request.removed.contains(&node.id)
        });
        let uid = match before {
            Some(at) => {
                carried[at] = true;
                base.nodes[at].uid
            }
            None => {
                next_uid += 1;
                next_uid
            }
        };
        let (count, living) = (node.count as usize, before.map_or(0, |at| base.nodes[at].voices));
        let base = before.map(|at| at as u32);
        let voices = if ty.decl().role == Role::Process { count.max(living) } else { 0 };
        let (id, legato) = (node.id.clone(), node.legato);
        let rests = node.rest == Some(Rest::Auto) && ty.rests();
        members.push(Member { uid, id, ty, base, ghost: false, count, legato, rests, voices, living });
    }
    for (at, node) in base.nodes.iter().enumerate() {
        if !carried[at] && node.uid != u64::MAX {
            members.push(Member {
                uid: node.uid,
                id: node.id.clone(),
                ty: node.ty.clone(),
                base: Some(at as u32),
                ghost: true,
                count: node.voices,
                legato: None,
                rests: false,
                voices: node.voices,
                living: node.voices,
            });
        }
    }
    members
}

/// Are instances of the two types interchangeable?
pub fn same_code(a: &dyn NodeType, b: &dyn NodeType) -> bool {
    a.code_key() == b.code_key() && a.decl().type_id == b.decl().type_id
}

struct PlannedWire {
    wire: ShapeWire,
    base: Option<u32>,
    fade: Fade,
}

fn wires(base: &Shape, members: &[Member], request: &Request<'_>) -> Vec<PlannedWire> {
    let live: HashMap<&str, &Member> =
        members.iter().filter(|m| !m.ghost).map(|m| (m.id.as_str(), m)).collect();
    let known: HashSet<&str> =
        base.nodes.iter().filter(|n| n.uid != u64::MAX).map(|n| n.id.as_str()).collect();
    let before: HashMap<_, usize> = base.wires.iter().enumerate().map(|(at, w)| (w.way(), at)).collect();
    let mut wires: Vec<PlannedWire> = Vec::with_capacity(request.graph.connections.len());
    let mut ways = HashSet::with_capacity(request.graph.connections.len());
    for c in &request.graph.connections {
        let ends = (live.get(c.from_node.as_str()), live.get(c.to_node.as_str()));
        let (Some(source), Some(target)) = ends else { continue };
        // A type's new code may have lost a port: that was said when it came.
        let from = output_port(source.ty.decl(), &c.from_port);
        let (Some(from), Some(to)) = (from, input_port(target.ty.decl(), &c.to_port)) else { continue };
        let wire = ShapeWire { source: source.uid, from, target: target.uid, to, out: false };
        if !ways.insert(wire.way()) {
            continue; // `out` and `out0` may name the same wire twice
        }
        // What is new itself is not heard yet: only its way out fades. An output has none.
        let unheard = target.base.is_none() && !target.ty.decl().role.is_output();
        let fade = match (unheard, known.contains(source.id.as_str())) {
            (true, _) => Fade::Cut,
            (false, true) => Fade::Long,
            (false, false) => Fade::Short,
        };
        let base = before.get(&wire.way()).map(|&at| at as u32);
        wires.push(PlannedWire { wire, base, fade });
    }
    // An output on its way out has nothing to fade but what leads to it.
    let into_ghost = |m: &Member| m.ghost && !m.ty.decl().role.is_output();
    let ghost_of: HashMap<u64, bool> = members.iter().map(|m| (m.uid, into_ghost(m))).collect();
    for (at, old) in base.wires.iter().enumerate() {
        let (Some(_), Some(&into_ghost)) = (ghost_of.get(&old.source), ghost_of.get(&old.target)) else {
            continue;
        };
        if ways.contains(&old.way()) {
            continue;
        }
        // Into a ghost a wire stays as it was: the ghost itself is fading.
        let wire = ShapeWire { out: if into_ghost { old.out } else { true }, ..*old };
        wires.push(PlannedWire { wire, base: Some(at as u32), fade: Fade::Long });
    }
    wires
}

/// Topological order over live nodes and ghosts. Wires on their way out that would close a circle
/// with the new ones cannot stay: they come third, to leave tails.
fn schedule(
    members: Vec<Member>,
    mut wires: Vec<PlannedWire>,
) -> (Vec<Member>, Vec<PlannedWire>, Vec<PlannedWire>) {
    let index: HashMap<u64, usize> = members.iter().enumerate().map(|(i, m)| (m.uid, i)).collect();
    let edges = |wires: &[PlannedWire]| -> Vec<(usize, usize)> {
        wires.iter().map(|w| (index[&w.wire.source], index[&w.wire.target])).collect()
    };
    let mut cut = Vec::new();
    let order = topological(members.len(), &edges(&wires)).unwrap_or_else(|| {
        let circular = between_circles(members.len(), &edges(&wires));
        let (gone, stay) = std::mem::take(&mut wires).into_iter().partition(|w| {
            let ends = [index[&w.wire.source], index[&w.wire.target]];
            w.wire.out && !members[ends[1]].ghost && ends.iter().all(|&n| circular[n])
        });
        (cut, wires) = (gone, stay);
        topological(members.len(), &edges(&wires)).expect("the live graph has no circle")
    });
    let mut members: Vec<Option<Member>> = members.into_iter().map(Some).collect();
    let members = order.iter().map(|&i| members[i].take().expect("each once")).collect();
    (members, wires, cut)
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

fn place_tails(plan: &mut Plan, shape: &mut Shape, base: &Shape, members: &[Member], cut: &[PlannedWire]) {
    if cut.is_empty() && base.tails.is_empty() {
        return;
    }
    let index: HashMap<u64, usize> = members.iter().enumerate().map(|(i, m)| (m.uid, i)).collect();
    let carried = base.tails.iter().enumerate();
    let carried = carried.map(|(at, &(target, to))| (target, to, TailOrigin::Tail(at as u32)));
    let fresh = cut.iter().filter_map(|w| Some((w.wire.target, w.wire.to, TailOrigin::Wire(w.base?))));
    for (target, to, origin) in carried.chain(fresh) {
        let Some(&n) = index.get(&target) else { continue };
        let port = plan.nodes[n].ports.0 + to as u32;
        plan.tails.push(Tail { port, origin, last: [0.0; 2], frames: 1, left: 0 });
        shape.tails.push((target, to));
    }
}

fn place_nodes(plan: &mut Plan, base: &Shape, members: &[Member]) {
    let fresh_ghost = |g: &Member| g.ghost && g.base.is_some_and(|b| !base.nodes[b as usize].ghost);
    let ghosts: HashMap<&str, usize> =
        members.iter().enumerate().filter(|(_, g)| fresh_ghost(g)).map(|(i, g)| (g.id.as_str(), i)).collect();
    for (i, m) in members.iter().enumerate() {
        let replaces = if m.ghost || m.base.is_some() { None } else { ghosts.get(m.id.as_str()).copied() };
        let decl = m.ty.decl();
        let channels = channels(&decl.outputs);
        let mut voices: Vec<Voice> =
            (0..m.voices).map(|_| Voice::new(decl.controls.len(), channels)).collect();
        if m.count == 1 && m.legato.is_some() {
            voices.iter_mut().for_each(|voice| voice.keys.reserve_exact(MAX_KEYS));
        }
        plan.nodes.push(PlanNode {
            uid: m.uid,
            ty: Arc::clone(&m.ty),
            role: decl.role,
            voices,
            limit: m.count as u32,
            legato: m.legato,
            rests: m.rests,
            silent: false,
            voiced: is_voiced(decl, m.count.max(m.voices)),
            parts: note_parts(decl),
            fresh_from: m.living as u32,
            ports: (0, 0),
            outputs: Vec::with_capacity(channels),
            controls: (0, 0),
            replaces: replaces.map_or(NONE, |at| at as u32),
            meter: NONE,
            ghost: m.ghost,
            took_over: false,
        });
        if !m.ghost {
            plan.ids.push((Symbol::of(&m.id), i as u32));
        }
        if let Some(before) = m.base {
            plan.node_moves.push((i as u32, before));
        }
    }
}

/// Have notes voices on nodes of that type, with so many instances? Where one instance has several
/// gates (a drum kit), each is a thing of its own and not a note of one voice.
fn is_voiced(decl: &NodeDecl, voices: usize) -> bool {
    let gates = decl.controls.iter().filter(|c| c.kind == ControlKind::Gate).count();
    decl.role == Role::Process && (voices > 1 || gates == 1)
}

fn note_parts(decl: &NodeDecl) -> NoteParts {
    let or_none = |index: Option<usize>| index.map_or(NONE, |at| at as u32);
    let named = |name: &str| or_none(decl.control_named(name).one());
    let first = decl.controls.iter().position(|c| c.kind == ControlKind::Gate);
    NoteParts {
        freq: named("freq"),
        velocity: or_none(decl.velocity()),
        gate: or_none(decl.gate().or(first)),
        expressions: NoteParts::EXPRESSIONS.map(named),
    }
}

fn channels(ports: &[crate::node::Port]) -> usize {
    ports.iter().map(|p| p.channels).sum()
}

fn place_wires(plan: &mut Plan, shape: &mut Shape, base: &Shape, members: &[Member], wires: &[PlannedWire]) {
    let index: HashMap<u64, usize> = members.iter().enumerate().map(|(i, m)| (m.uid, i)).collect();
    let mut by_target: HashMap<(u64, usize), Vec<&PlannedWire>> = HashMap::with_capacity(wires.len());
    for w in wires {
        by_target.entry((w.wire.target, w.wire.to)).or_default().push(w);
    }
    let heirs: HashMap<&str, u32> = (0..members.len())
        .filter(|&n| plan.nodes[n].replaces != NONE)
        .map(|n| (members[n].id.as_str(), n as u32))
        .collect();
    for (n, member) in members.iter().enumerate() {
        let decl = member.ty.decl();
        let first_port = plan.ports.len() as u32;
        for (p, port) in decl.inputs.iter().enumerate() {
            let first_wire = plan.wires.len() as u32;
            for w in by_target.get(&(member.uid, p)).into_iter().flatten() {
                let source = index[&w.wire.source];
                let outputs = &members[source].ty.decl().outputs;
                let target = if w.wire.out { 0.0 } else { 1.0 };
                let cut = w.base.is_none() && w.fade == Fade::Cut;
                if let Some(before) = w.base {
                    plan.wire_moves.push((plan.wires.len() as u32, before));
                }
                let was_out = w.wire.out && w.base.is_some_and(|b| base.wires[b as usize].out);
                let heir = match was_out && members[source].ghost {
                    true => heirs.get(members[source].id.as_str()).copied(),
                    false => None,
                };
                plan.wires.push(Wire {
                    source: source as u32,
                    channel: channels(&outputs[..w.wire.from]) as u32,
                    channels: outputs[w.wire.from].channels as u32,
                    gain: if cut { target } else { 0.0 },
                    step: 0.0,
                    left: 0,
                    target,
                    fade: w.fade,
                    restarts: 0,
                    heir: heir.unwrap_or(NONE),
                });
                shape.wires.push(w.wire);
            }
            plan.ports.push(InPort {
                channels: port.channels as u32,
                wires: (first_wire, plan.wires.len() as u32 - first_wire),
            });
        }
        plan.nodes[n].ports = (first_port, decl.inputs.len() as u32);
    }
    debug_assert!(plan.wire_moves.iter().all(|&(_, b)| (b as usize) < base.wires.len()));
}

/// Gives each output channel a buffer, and takes it back after the last node that reads it.
fn assign_buffers(plan: &mut Plan, members: &[Member], frames: usize) {
    let mut last_reader: Vec<usize> = (0..plan.nodes.len()).collect();
    for (n, node) in plan.nodes.iter().enumerate() {
        for port in &plan.ports[range(node.ports)] {
            for wire in &plan.wires[range(port.wires)] {
                let source = wire.source as usize;
                last_reader[source] = last_reader[source].max(n);
            }
        }
    }
    let (mut free, mut buffers, mut widest) = (Vec::new(), 0u32, 0usize);
    let mut expires: Vec<Vec<usize>> = vec![Vec::new(); plan.nodes.len()];
    for n in 0..plan.nodes.len() {
        let decl: &NodeDecl = members[n].ty.decl();
        widest = widest.max(channels(&decl.inputs));
        for _ in 0..channels(&decl.outputs) {
            let buffer = free.pop().unwrap_or_else(|| {
                buffers += 1;
                buffers - 1
            });
            plan.nodes[n].outputs.push(buffer);
        }
        expires[last_reader[n]].push(n);
        for &done in &expires[n] {
            free.extend(plan.nodes[done].outputs.iter().rev());
        }
    }
    plan.buffers = (0..buffers).map(|_| vec![0.0; frames].into_boxed_slice()).collect();
    plan.mix = (0..widest).map(|_| vec![0.0; frames].into_boxed_slice()).collect();
}

/// A (first, count) pair as a range of indices.
pub fn range((first, count): (u32, u32)) -> std::ops::Range<usize> {
    first as usize..(first + count) as usize
}

fn place_controls(
    plan: &mut Plan,
    shape: &mut Shape,
    base: &Shape,
    members: &[Member],
    request: &Request<'_>,
) {
    let before: HashMap<Symbol, u32> =
        base.controls.iter().enumerate().map(|(i, s)| (*s, i as u32)).collect();
    let named = Named::of(members);
    for (n, member) in members.iter().enumerate().filter(|(_, m)| !m.ghost) {
        let first = plan.controls.len() as u32;
        for (index, control) in member.ty.decl().controls.iter().enumerate() {
            let path = named.path(&member.id, &control.name);
            // Of a path that is another node's, values are that node's, too.
            let values = path.map(|_| format!("{}/{}", member.id, control.name));
            let symbol = path.unwrap_or_else(|| labels::hidden(&member.id, &control.name));
            let at = plan.controls.len() as u32;
            let value = values.as_ref().and_then(|path| request.values.get(path)).copied();
            if !request.removed.contains(&member.id)
                && let Some(&old) = before.get(&symbol)
            {
                plan.control_moves.push((at, old));
                if let Some(value) = values.as_ref().and_then(|path| request.resets.get(path)) {
                    plan.resets.push((at, *value as f32));
                }
            }
            shape.controls.push(symbol);
            plan.controls.push(ControlState {
                node: n as u32,
                index: index as u32,
                min: control.min,
                max: control.max,
                set: value.is_some(),
                gate: control.kind == ControlKind::Gate,
                opened: value.map_or(control.default, |value| value as f32) > 0.0,
                base: value.map_or(control.default, |value| value as f32),
                pattern: None,
                slot: NONE,
                via: symbol,
                automation: NONE,
                open: false,
                note: crate::voice::NOBODY,
                onset: f64::NAN,
            });
        }
        plan.nodes[n].controls = (first, plan.controls.len() as u32 - first);
    }
    labels::place(plan, members, &named, request.graph);
    plan.ids.sort_unstable();
}

fn create_instances(plan: &mut Plan, members: &[Member], request: Request<'_>) -> Result<(), String> {
    for (n, member) in members.iter().enumerate() {
        *request.next_uid = (*request.next_uid).max(member.uid);
        let node = &mut plan.nodes[n];
        if member.ghost {
            continue;
        }
        let mut spare = request.spare.remove(&spare_key(&member.id, &member.ty.decl().type_id));
        for (at, voice) in node.voices.iter_mut().enumerate().skip(member.living) {
            let instance = match spare.take() {
                Some(instance) => instance,
                None => create(member.ty.as_ref(), &request.context)?,
            };
            // A gate whose base value is open is a note.
            let opens = |c: &ControlState| !node.voiced || at == 0 || !c.gate;
            let controls = &plan.controls[range(node.controls)];
            voice.instance = Some(prepare(instance, controls, &member.id, opens)?);
            for c in controls.iter().filter(|c| node.voiced && c.gate && opens(c) && c.held() > 0.0) {
                (voice.phase, voice.note) = (Phase::Held, BY_BASE);
                voice.held[c.index as usize] = Some(c.held());
                voice.open += 1;
            }
        }
        debug_assert!(channels(&member.ty.decl().inputs) <= MAX_CHANNELS);
    }
    Ok(())
}

/// Creates an instance; a type that panics refuses.
///
/// # Errors
/// What the type says, for the musician.
pub fn create(ty: &dyn NodeType, context: &CreateContext) -> Result<Box<dyn Node>, String> {
    let panicked = |_| format!("'{}' panicked", ty.decl().type_id);
    let created = catch_unwind(AssertUnwindSafe(|| ty.create(context))).map_err(panicked)?;
    created.map_err(|e| e.0)
}

/// Sets an instance's controls; one that panics meanwhile never gets to the audio thread.
fn prepare(
    mut instance: Box<dyn Node>,
    controls: &[ControlState],
    id: &str,
    opens: impl Fn(&ControlState) -> bool,
) -> Result<Box<dyn Node>, String> {
    let prepared = catch_unwind(AssertUnwindSafe(move || {
        for control in controls {
            let value = if opens(control) { control.held() } else { control.clamp(0.0) };
            let change = crate::node::Change { value, ramp: 0 };
            instance.set(control.index as usize, change);
        }
        instance.reset();
        instance
    }));
    prepared.map_err(|_| format!("node '{id}' panicked"))
}

/// Where an instance that was created ahead waits for its plan.
pub fn spare_key(id: &str, type_id: &str) -> String {
    format!("{type_id}\n{id}")
}
