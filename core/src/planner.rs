//! Session → plan: nodes → order → wires and fades → buffers → moves, against the base that plays.

mod buffers;
mod changes;
mod controls;
mod error;
pub mod labels;
mod shadow;
mod stock;
mod wires;

pub use error::PlanError;
pub use shadow::PlanShadow;
pub use stock::Stock;

use crate::graph::{GraphNode, IndexedGraph, Rest, Validate};
use crate::limits::{MAX_CHANNELS, NONE};
use crate::model::Crossfade;
use crate::model::Values;
use crate::node::{ControlKind, CreateContext, MidiInput, Node, NodeDecl, NodeType, Registry, Role, Shown};
use crate::plan::{NoteParts, Plan, PlanNode, first_value};
use crate::voice::{MAX_KEYS, Voice};
use changes::Changes;
use shadow::{Basis, ShadowNode};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What a plan is built from.
pub struct Request<'a> {
    /// The graph.
    pub graph: &'a IndexedGraph,
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
    /// Instances that were created ahead.
    pub prepared: &'a mut HashMap<InstanceKey, Box<dyn Node>>,
    /// Where the voices of new nodes come from that are to be ready ahead: those of scenes.
    pub stock: Option<&'a mut Stock>,
    /// Source of uids.
    pub next_uid: &'a mut u64,
    /// It is a scene's: what is new comes in as what it replaces goes out.
    pub scene: bool,
    /// Length of crossfades.
    pub crossfade: Crossfade,
    /// Frames per buffer.
    pub frames: usize,
}

/// Room for controls beside those of the base: what a small change brings.
const SOME: usize = 64;

struct PlannedNode {
    node: Arc<ShadowNode>,
    base: Option<u32>,
    /// Of its instances, how many the base has.
    living: usize,
    /// Where its voices wait in the pool, or [`NONE`].
    pool: u32,
}

/// Builds a plan to follow `base`.
///
/// # Errors
/// If the graph has no order, a type does not create an instance, or the scenes have no room.
pub fn build(
    base: &PlanShadow,
    generation: u64,
    mut request: Request<'_>,
) -> Result<(Plan, PlanShadow), PlanError> {
    let basis = base.basis.clone();
    let stock = request.stock.take();
    // A scene has little in common with what plays.
    let basis = basis.filter(|_| stock.is_none());
    let changes = basis.as_deref().and_then(|basis| Changes::since(basis, &request));
    let since = changes.and_then(|changes| {
        let members = members_since(base, &request, &changes)?;
        let wires = wires::since(base, &members, &changes, request.scene)?;
        Some((members, wires, changes))
    });
    let (members, wires, changes) = match since {
        Some((members, wires, changes)) => (members, wires, Some(changes)),
        None => {
            let mut members = members(base, &request)?;
            if let Some(stock) = stock {
                take_from_stock(&mut members, stock, &request)?;
            }
            let wires = wires::all(base, &members, &request);
            (members, wires, None)
        }
    };
    let (mut members, mut wires, cut) = wires::schedule(members, wires);
    let takes_input = request.graph.takes_input();
    if takes_input != base.takes_input {
        wires::hurry_input(&members, &mut wires);
    }
    let mut plan = Plan::empty(generation);
    let controls = if changes.is_some() { base.controls.len() + SOME } else { 0 };
    let mut shadow = PlanShadow {
        generation,
        wires: Vec::with_capacity(wires.len()),
        controls: Vec::with_capacity(controls),
        ..PlanShadow::default()
    };
    plan.reserve(members.len(), wires.len(), controls);
    plan.base = base.generation;
    plan.crossfade = request.crossfade;
    (plan.takes_input, shadow.takes_input) = (takes_input, takes_input);
    place_nodes(&mut plan, base, &members);
    wires::place_wires(&mut plan, &mut shadow, base, &members, &wires);
    wires::place_tails(&mut plan, &mut shadow, base, &members, &cut);
    buffers::assign(&mut plan, &members, request.frames, base.buffers);
    shadow.buffers = plan.buffer_count;
    match &changes {
        Some(changes) => {
            controls::place_since(&mut plan, &mut shadow, base, &mut members, &request, changes);
        }
        None => controls::place_all(&mut plan, &mut shadow, base, &mut members, &request),
    }
    plan.listeners.sort_by_key(|listener| listener.midi.input);
    shadow.basis = Some(Arc::new(Basis {
        graph: request.graph.clone(),
        values: request.values.clone(),
        registry: request.registry.state(),
    }));
    create_instances(&mut plan, &members, request)?;
    shadow.nodes = members.into_iter().map(|member| member.node).collect();
    shadow.finish();
    plan.fading = shadow.has_ghosts();
    Ok((plan, shadow))
}

/// A member for a node of the graph: what the base has of it, or new.
fn member(
    node: &GraphNode,
    ty: &Arc<dyn NodeType>,
    before: Option<(u32, &Arc<ShadowNode>)>,
    next_uid: &mut u64,
) -> PlannedNode {
    let (count, living) = (node.count as usize, before.map_or(0, |(_, before)| before.voices));
    let voices = if ty.decl().role == Role::Process { count.max(living) } else { 0 };
    let rests = node.rest == Some(Rest::Auto) && ty.rests();
    if let Some((at, before)) = before
        && (before.voices, before.count, before.legato) == (voices, count, node.legato)
        && before.rests == rests
        && Arc::ptr_eq(&before.ty, ty)
    {
        return PlannedNode { node: Arc::clone(before), base: Some(at), living, pool: NONE };
    }
    let uid = before.map_or_else(
        || {
            *next_uid += 1;
            *next_uid
        },
        |(_, before)| before.uid,
    );
    let planned = ShadowNode {
        uid,
        id: node.id.as_str().into(),
        ty: Arc::clone(ty),
        ghost: false,
        voices,
        count,
        legato: node.legato,
        rests,
        parts: note_parts(ty.decl()),
        shown: before.map_or_else(|| Shown::of(ty.bargraphs().len()), |(_, before)| before.shown.clone()),
        controls: before.map_or_else(|| Arc::from([]), |(_, before)| Arc::clone(&before.controls)),
    };
    PlannedNode { node: Arc::new(planned), base: before.map(|(at, _)| at), living, pool: NONE }
}

/// A node of the base that is on its way out.
fn ghost(at: usize, node: &Arc<ShadowNode>) -> PlannedNode {
    let planned = match node.ghost {
        true => Arc::clone(node),
        false => Arc::new(ShadowNode {
            ghost: true,
            count: node.voices,
            legato: None,
            rests: false,
            controls: Arc::from([]),
            ..ShadowNode::clone(node)
        }),
    };
    PlannedNode { node: planned, base: Some(at as u32), living: node.voices, pool: NONE }
}

/// Live nodes in graph order, then whatever of the base is on its way out.
fn members(base: &PlanShadow, request: &Request<'_>) -> Result<Vec<PlannedNode>, PlanError> {
    let graph = request.graph;
    let order = graph.order(request.registry, Validate::ChangesSince(graph))?;
    let mut carried = vec![false; base.nodes.len()];
    let mut members = Vec::with_capacity(order.len());
    let mut next_uid = *request.next_uid;
    let mut live: HashMap<&str, usize> =
        base.nodes.iter().enumerate().filter(|(_, n)| !n.ghost).map(|(i, n)| (&*n.id, i)).collect();
    for (at, node) in base.nodes.iter().enumerate().filter(|(_, node)| may_return(node)) {
        live.entry(&*node.id).or_insert(at);
    }
    for node in order.into_iter().map(|i| &graph.nodes[i]) {
        // Without code, its own or what was there before, it is silent, as if it were not there yet.
        let Some(ty) = type_of(node, request) else { continue };
        let before = live.get(node.id.as_str()).copied().filter(|&at| {
            let is_another = request.removed.contains(&node.id) && !is_output(ty.as_ref());
            same_code(base.nodes[at].ty.as_ref(), ty.as_ref()) && !is_another
        });
        if let Some(at) = before {
            carried[at] = true;
        }
        let before = before.map(|at| (at as u32, &base.nodes[at]));
        members.push(member(node, &ty, before, &mut next_uid));
    }
    let gone = base.nodes.iter().enumerate().filter(|(at, node)| !carried[*at] && node.uid != u64::MAX);
    members.extend(gone.map(|(at, node)| ghost(at, node)));
    Ok(members)
}

/// An output on its way out that the graph has again is the same output: what still fades on its way there turns round.
fn may_return(node: &ShadowNode) -> bool {
    node.ghost && node.uid != u64::MAX && is_output(node.ty.as_ref())
}

fn is_output(ty: &dyn NodeType) -> bool {
    ty.decl().role.is_output()
}

/// The same where only these parts of the graph are others; `None`: the whole is to be looked at. New ones come first,
/// the others stay where the base has them.
fn members_since(
    base: &PlanShadow,
    request: &Request<'_>,
    changes: &Changes<'_>,
) -> Option<Vec<PlannedNode>> {
    let mut members = Vec::with_capacity(base.nodes.len() + changes.nodes.len());
    let mut next_uid = *request.next_uid;
    let mut in_base = BTreeSet::new();
    let mut kept = Vec::with_capacity(base.nodes.len());
    let returns = |node: &ShadowNode| {
        let live = || base.nodes.iter().any(|other| !other.ghost && other.id == node.id);
        let again = |now: &GraphNode| {
            let ty = type_of(now, request);
            ty.is_some_and(|ty| same_code(node.ty.as_ref(), ty.as_ref()))
        };
        may_return(node)
            && changes.ids.contains(&*node.id)
            && request.graph.node(&node.id).is_some_and(again)
            && !live()
    };
    for (at, node) in base.nodes.iter().enumerate().filter(|(_, node)| node.uid != u64::MAX) {
        if node.ghost && (!returns(node) || in_base.contains(&*node.id)) {
            kept.push(ghost(at, node));
        } else if !changes.ids.contains(&*node.id) {
            kept.push(PlannedNode {
                node: Arc::clone(node),
                base: Some(at as u32),
                living: node.voices,
                pool: NONE,
            });
        } else if let Some(now) = request.graph.node(&node.id) {
            let ty = type_of(now, request)?;
            if !same_code(node.ty.as_ref(), ty.as_ref()) {
                return None;
            }
            in_base.insert(&*node.id);
            kept.push(member(now, &ty, Some((at as u32, node)), &mut next_uid));
        } else {
            kept.push(ghost(at, node));
        }
    }
    for node in changes.nodes.iter().filter(|node| !in_base.contains(node.id.as_str())) {
        if let Some(ty) = type_of(node, request) {
            members.push(member(node, &ty, None, &mut next_uid));
        }
    }
    members.append(&mut kept);
    Some(members)
}

/// The type that plays a node, with the node's settings.
fn type_of(node: &GraphNode, request: &Request<'_>) -> Option<Arc<dyn NodeType>> {
    request.registry.playing_with(&node.id, &node.type_id, &node.settings)
}

/// Are instances of the two types interchangeable?
pub fn same_code(a: &dyn NodeType, b: &dyn NodeType) -> bool {
    a.code_key() == b.code_key() && a.decl().type_id == b.decl().type_id
}

fn place_nodes(plan: &mut Plan, base: &PlanShadow, members: &[PlannedNode]) {
    let fresh_ghost = |g: &PlannedNode| g.node.ghost && g.base.is_some_and(|b| !base.nodes[b as usize].ghost);
    let ghosts: HashMap<&str, usize> =
        members.iter().enumerate().filter(|(_, g)| fresh_ghost(g)).map(|(i, g)| (&*g.node.id, i)).collect();
    for (i, member) in members.iter().enumerate() {
        let m = &*member.node;
        let replaces = if m.ghost || member.base.is_some() { None } else { ghosts.get(&*m.id).copied() };
        let decl = m.ty.decl();
        let then = member.base.map(|at| &*base.nodes[at as usize]);
        // Those that the base has are moved here as they are, unless there is to be more room for them.
        let as_they_are = then
            .is_some_and(|then| then.voices == m.voices && (m.ghost || then.keeps_keys() || !m.keeps_keys()));
        let voices = match as_they_are || member.pool != NONE {
            true => Vec::new(),
            false => empty_voices(m),
        };
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
            parts: m.parts,
            shown: if m.ghost { Shown::default() } else { m.shown.clone() },
            fresh_from: member.living as u32,
            ports: (0, 0),
            outputs: (0, 0),
            controls: (0, 0),
            pool: member.pool,
            replaces: replaces.map_or(NONE, |at| at as u32),
            meter: NONE,
            ghost: m.ghost,
            took_over: false,
        });
        if let Some(before) = member.base {
            plan.node_moves.push((i as u32, before));
        }
    }
}

/// Voices without instances for a node.
fn empty_voices(node: &ShadowNode) -> Vec<Voice> {
    let decl = node.ty.decl();
    let voice = |_| Voice::new(decl.controls.len(), channels(&decl.outputs));
    let mut voices: Vec<Voice> = (0..node.voices).map(voice).collect();
    if node.keeps_keys() {
        voices.iter_mut().for_each(|voice| voice.keys.reserve_exact(MAX_KEYS));
    }
    voices
}

/// New nodes that play get their voices from the stock.
fn take_from_stock(
    members: &mut [PlannedNode],
    stock: &mut Stock,
    request: &Request<'_>,
) -> Result<(), PlanError> {
    let known = members.iter().map(|member| member.node.uid).filter(|uid| *uid != u64::MAX);
    let mut next_uid = known.max().unwrap_or(0).max(*request.next_uid);
    let new = |m: &PlannedNode| m.base.is_none() && m.node.ty.decl().role == Role::Process;
    stock.has_room(members.iter().filter(|m| new(m)).map(|member| &*member.node))?;
    for member in members.iter_mut().filter(|m| new(m)) {
        let (uid, pool) = stock.take(&member.node, &request.context, &mut next_uid)?;
        Arc::make_mut(&mut member.node).uid = uid;
        member.pool = pool;
    }
    Ok(())
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
        wheel: decl.controls.iter().flat_map(|c| &c.midi).any(|midi| midi.input == MidiInput::PitchWheel),
        expressions: NoteParts::EXPRESSIONS.map(named),
    }
}

fn channels(ports: &[crate::node::Port]) -> usize {
    ports.iter().map(|p| p.channels).sum()
}

/// A (first, count) pair as a range of indices.
pub fn range((first, count): (u32, u32)) -> std::ops::Range<usize> {
    first as usize..(first + count) as usize
}

fn create_instances(plan: &mut Plan, members: &[PlannedNode], request: Request<'_>) -> Result<(), PlanError> {
    for (n, member) in members.iter().enumerate() {
        *request.next_uid = (*request.next_uid).max(member.node.uid);
        let node = &mut plan.nodes[n];
        if member.node.ghost || member.pool != NONE {
            continue;
        }
        if node.voices.len() <= member.living {
            continue;
        }
        let (id, ty) = (&*member.node.id, &member.node.ty);
        let mut prepared = request.prepared.remove(&InstanceKey::of(id, ty.as_ref()));
        for (at, voice) in node.voices.iter_mut().enumerate().skip(member.living) {
            let instance = match prepared.take() {
                Some(instance) => instance,
                None => create(ty.as_ref(), &request.context)?,
            };
            let controls = &plan.controls[range(node.controls)];
            let values = controls.iter().map(|c| (c.index as usize, first_value(node.voiced, at == 0, c)));
            voice.instance = Some(prepare(instance, values, id)?);
            voice.begin(node.voiced, at == 0, controls);
        }
        debug_assert!(channels(&ty.decl().inputs) <= MAX_CHANNELS);
    }
    Ok(())
}

/// Creates an instance; a type that panics refuses.
///
/// # Errors
/// What the type says, or that it panicked.
pub fn create(ty: &dyn NodeType, context: &CreateContext) -> Result<Box<dyn Node>, PlanError> {
    let panicked = |_| PlanError::TypePanicked(ty.decl().type_id.to_string());
    Ok(catch_unwind(AssertUnwindSafe(|| ty.create(context))).map_err(panicked)??)
}

/// Sets an instance's controls; one that panics meanwhile never gets to the audio thread.
fn prepare(
    mut instance: Box<dyn Node>,
    values: impl Iterator<Item = (usize, f32)>,
    id: &str,
) -> Result<Box<dyn Node>, PlanError> {
    let prepared = catch_unwind(AssertUnwindSafe(move || {
        values.for_each(|(index, value)| instance.set(index, crate::node::Change { value, ramp: 0 }));
        instance.reset();
        instance
    }));
    prepared.map_err(|_| PlanError::NodePanicked(id.to_owned()))
}

/// What an instance that was created ahead was created for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InstanceKey {
    /// The type, whatever its code.
    pub type_id: String,
    /// Its code.
    pub code: u64,
    /// The node.
    pub id: String,
}

impl InstanceKey {
    /// Of a node of that type.
    pub fn of(id: &str, ty: &dyn NodeType) -> Self {
        Self { type_id: ty.decl().type_id.clone(), code: ty.code_key(), id: id.to_owned() }
    }
}
