//! From a graph to a plan: decides what survives, what is new and what leaves, then builds.
//!
//! `match nodes → keep what fades out → lay cables → find loops → fill the tables`. The first four only decide;
//! modules are made in the last one.

use std::collections::{HashMap, HashSet};

use crate::descriptor::{Descriptor, Param, Role, Setting, Shape};
use crate::fault::{Fault, Part};
use crate::graph::ModuleGraph;
use crate::module::{Input, NOTHING};
use crate::modules;
use crate::order::{groups, leading_to};
use crate::plan::{Change, ExecutionPlan, Group, Plugs, Slot, Tap, silent_lines};

/// Length of a fade of what is new or leaves, in seconds.
pub const FADE_SECONDS: f64 = 0.005;
/// Sample rates at which patches are played.
const RATES: std::ops::RangeInclusive<f64> = 1_000.0..=1_000_000.0;

/// What a plan holds, as the control side remembers it to plan the next.
#[derive(Clone, Default)]
pub struct Layout {
    serial: u64,
    sample_rate: f64,
    nodes: Vec<LayoutNode>,
    cables: Vec<LayoutCable>,
}

/// A parameter that can be moved while a patch plays, by [`Processor::set`](crate::Processor::set).
pub struct Control {
    /// `NODE/PARAMETER`: `osc/frequency`, `mix/level/1`.
    pub address: String,
    /// Index of the module in the plan.
    pub module: usize,
    /// Index of the parameter.
    pub index: usize,
    /// Its range, unit and meaning.
    pub param: &'static Param,
    /// What the patch sets it to.
    pub value: f32,
}

#[derive(Clone)]
struct LayoutNode {
    id: String,
    descriptor: &'static Descriptor,
    shape: Shape,
    settings: Vec<Setting>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// In the graph.
    Lives,
    /// Taken out, and still fading.
    Leaves,
    /// It has faded out: it only still has its place in the plan's tables.
    Gone,
}

#[derive(Clone, Copy, PartialEq)]
struct LayoutCable {
    from: usize,
    output: usize,
    to: usize,
    input: usize,
    /// What it fades to.
    target: f32,
    /// It is there at once: what it leads to is new, and fades in itself.
    instant: bool,
    state: State,
}

impl LayoutCable {
    fn ends(&self) -> [usize; 4] {
        [self.from, self.output, self.to, self.input]
    }
}

impl Layout {
    /// Number of the plan.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// Index of a node in the plan.
    pub fn module(&self, id: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.state == State::Lives && node.id == id)
    }

    /// Every float, int, bool and enum parameter of the patch, by address.
    pub fn controls(&self) -> Vec<Control> {
        let mut controls = Vec::new();
        for (module, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.state == State::Lives) {
            let names = node.descriptor.param_names(&node.shape);
            let params = node.descriptor.params(&node.shape).zip(names).zip(&node.settings).enumerate();
            for (index, ((param, name), setting)) in params {
                if let Setting::Number(value) = *setting {
                    let address = format!("{}/{name}", node.id);
                    controls.push(Control { address, module, index, param, value });
                }
            }
        }
        controls.sort_by(|a, b| a.address.cmp(&b.address));
        controls
    }

    /// All fades of the plan have ended.
    pub fn settle(&mut self) {
        for state in self.nodes.iter_mut().map(|node| &mut node.state) {
            *state = if *state == State::Leaves { State::Gone } else { *state };
        }
        for state in self.cables.iter_mut().map(|cable| &mut cable.state) {
            *state = if *state == State::Leaves { State::Gone } else { *state };
        }
    }

    /// How many modules are kept only to fade out.
    pub(crate) fn leaving(&self) -> usize {
        self.nodes.iter().filter(|node| node.state == State::Leaves).count()
    }
}

/// What is decided about the next plan before anything is made.
struct Decision {
    nodes: Vec<LayoutNode>,
    /// By node: its place in the plan before.
    carry: Vec<Option<usize>>,
    cables: Vec<LayoutCable>,
    /// By cable: its place in the plan before.
    cable_carry: Vec<Option<usize>>,
}

/// Builds the plan by which `graph` follows the plan of `base`, and what is to be remembered of it.
///
/// A node survives if id, module and shape are the same; its module goes on, with the state it has. What is new fades
/// in and what is gone fades out, in [`FADE_SECONDS`]. Only the first plan, without a base, begins at once.
///
/// # Errors
/// If the graph has not one AudioOut, or no patch is played at that sample rate.
pub fn build_patch(
    graph: &ModuleGraph,
    sample_rate: f64,
    base: Option<&Layout>,
    serial: u64,
) -> Result<(Box<ExecutionPlan>, Layout), Fault> {
    graph.check()?;
    if !RATES.contains(&sample_rate) {
        let hint = format!("from {} to {} Hz are allowed", RATES.start(), RATES.end());
        return Err(Fault::new(Part::Whole, format!("a sample rate of {sample_rate} Hz"), hint));
    }
    let base_serial = base.map_or(0, |base| base.serial);
    // Modules are made for their rate: at another one, all are new.
    let base = base.filter(|base| base.sample_rate == sample_rate);
    let decision = decide(graph, base);
    let plan = fill(&decision, base, sample_rate, serial, base_serial);
    let Decision { nodes, cables, .. } = decision;
    Ok((Box::new(plan), Layout { serial, sample_rate, nodes, cables }))
}

/// What is remembered of a patch as it begins: what a plan of it alone would be, without making one.
#[cfg(feature = "node")]
pub(crate) fn layout_of(graph: &ModuleGraph, sample_rate: f64, serial: u64) -> Layout {
    let Decision { nodes, cables, .. } = decide(graph, None);
    Layout { serial, sample_rate, nodes, cables }
}

fn decide(graph: &ModuleGraph, base: Option<&Layout>) -> Decision {
    let none = Layout::default();
    let base = base.unwrap_or(&none);
    let (mut nodes, mut carry) = (Vec::new(), Vec::new());
    let mut place: HashMap<&str, usize> = HashMap::new();
    // By place in the base: place in the next plan.
    let mut kept: Vec<Option<usize>> = vec![None; base.nodes.len()];
    for (id, node) in graph.nodes() {
        let (descriptor, shape) = (node.descriptor(), node.shape());
        // Whoever is on the way out comes back if nobody lives under that name.
        let before = [State::Lives, State::Leaves].into_iter().find_map(|state| {
            base.nodes.iter().position(|old| {
                old.state == state
                    && old.id == id
                    && old.descriptor.name == descriptor.name
                    && old.shape == shape
            })
        });
        if let Some(before) = before {
            kept[before] = Some(nodes.len());
        }
        place.insert(id, nodes.len());
        carry.push(before);
        let settings = node.settings();
        nodes.push(LayoutNode { id: id.to_owned(), descriptor, shape, settings, state: State::Lives });
    }
    // What is gone sounds on while a cable from it, on its way to a sink, fades.
    let edges: Vec<(usize, usize)> = base
        .cables
        .iter()
        .filter(|cable| cable.state != State::Gone)
        .map(|cable| (cable.from, cable.to))
        .collect();
    let ends: Vec<usize> = (0..base.nodes.len())
        .filter(|&old| base.nodes[old].state != State::Gone && base.nodes[old].descriptor.role == Role::Sink)
        .collect();
    let sounds = leading_to(base.nodes.len(), &edges, &ends);
    for (old, node) in base.nodes.iter().enumerate() {
        if kept[old].is_none() && sounds[old] && node.state != State::Gone {
            kept[old] = Some(nodes.len());
            carry.push(Some(old));
            nodes.push(LayoutNode { state: State::Leaves, ..node.clone() });
        }
    }
    // A node that is new or leaves fades on its way out alone; only a sink has none.
    let fades_itself = |node: &LayoutNode| node.descriptor.role != Role::Sink;
    let mut cables: Vec<LayoutCable> = graph
        .plugs()
        .map(|(to, input, plug)| LayoutCable {
            from: place[&*plug.from],
            output: plug.output,
            to: place[to],
            input,
            target: plug.scale,
            instant: carry[place[to]].is_none() && fades_itself(&nodes[place[to]]),
            state: State::Lives,
        })
        .collect();
    let mut cable_carry = vec![None; cables.len()];
    let by_ends: HashMap<[usize; 4], usize> =
        cables.iter().enumerate().map(|(index, cable)| (cable.ends(), index)).collect();
    for (old, cable) in base.cables.iter().enumerate().filter(|(_, cable)| cable.state != State::Gone) {
        let (Some(from), Some(to)) = (kept[cable.from], kept[cable.to]) else { continue };
        let stays = nodes[to].state == State::Leaves && fades_itself(&nodes[to]);
        let target = if stays { cable.target } else { 0.0 };
        let moved = LayoutCable { from, to, target, instant: false, state: State::Leaves, ..*cable };
        match by_ends.get(&moved.ends()) {
            Some(&index) => cable_carry[index] = Some(old),
            None => {
                cables.push(moved);
                cable_carry.push(Some(old));
            }
        }
    }
    let mut sorted: Vec<(LayoutCable, Option<usize>)> = cables.into_iter().zip(cable_carry).collect();
    sorted.sort_by_key(|(cable, _)| (cable.to, cable.input));
    let (cables, cable_carry) = sorted.into_iter().unzip();
    Decision { nodes, carry, cables, cable_carry }
}

fn fill(
    decision: &Decision,
    base: Option<&Layout>,
    sample_rate: f64,
    serial: u64,
    base_serial: u64,
) -> ExecutionPlan {
    let Decision { nodes, carry, cables, cable_carry } = decision;
    let (mut slots, mut changes, mut lines) = (Vec::with_capacity(nodes.len()), Vec::new(), 1_u32);
    let mut inputs = 0_u32;
    for (index, node) in nodes.iter().enumerate() {
        let module = match carry[index] {
            None => Some(modules::create(node.descriptor, &node.shape, &node.settings, sample_rate)),
            Some(old) => {
                let before = base.map(|base| &base.nodes[old].settings[..]).unwrap_or_default();
                let settings = node.settings.iter().zip(before).enumerate();
                changes.extend(settings.filter(|(_, (new, old))| new != old).map(|(param, (new, _))| {
                    Change { module: index as u32, param: param as u32, setting: new.clone() }
                }));
                None
            }
        };
        let input_count = node.descriptor.input_names(&node.shape).len() as u32;
        let output_count = node.descriptor.output_names(&node.shape).len() as u32;
        let outputs = |lives: bool| {
            let mine =
                cables.iter().filter(|cable| cable.from == index && (!lives || cable.state == State::Lives));
            mine.fold(0_u64, |mask, cable| mask | 1 << cable.output)
        };
        slots.push(Slot {
            module,
            carry: carry[index].map(|old| old as u32),
            first_input: inputs,
            inputs: input_count,
            first_output: lines,
            outputs: output_count,
            fading: outputs(false),
            lasting: outputs(true),
            leaves: false,
        });
        inputs += input_count;
        lines += output_count;
    }
    let (mut plugs, mut taps) = (Vec::with_capacity(inputs as usize), Vec::with_capacity(cables.len()));
    let mut at_input: HashMap<(usize, usize), Vec<usize>> = HashMap::new();
    for (index, cable) in cables.iter().enumerate() {
        at_input.entry((cable.to, cable.input)).or_default().push(index);
    }
    // They are sorted by input: a cable's index is that of its tap.
    for (node, slot) in slots.iter().enumerate() {
        for input in 0..slot.inputs as usize {
            let here = at_input.get(&(node, input)).map(Vec::as_slice).unwrap_or_default();
            plugs.push(Plugs { first: taps.len() as u32, count: here.len() as u32, mixing: false });
            for &index in here {
                let cable = &cables[index];
                debug_assert_eq!(index, taps.len());
                taps.push(Tap {
                    line: slots[cable.from].first_output + cable.output as u32,
                    target: cable.target,
                    leaves: cable.state == State::Leaves,
                    instant: cable.instant,
                    carry: cable_carry[index].map(|old| old as u32),
                    step: 0.0,
                    remaining: 0,
                });
            }
        }
    }
    let (groups, run) = running(nodes, cables, &mut slots);
    let of_role = |role| {
        let found = (0..nodes.len()).filter(move |&index| nodes[index].descriptor.role == role);
        found.map(|index| index as u32).collect::<Vec<_>>()
    };
    ExecutionPlan {
        serial,
        base: base_serial,
        anew: base.is_none(),
        inputs: vec![Input::OPEN; inputs as usize],
        plugs,
        taps,
        groups,
        order: run,
        sinks: of_role(Role::Sink),
        sources: of_role(Role::Source),
        lines: silent_lines(lines as usize),
        arrived: vec![NOTHING; inputs as usize],
        changes,
        fade: ((sample_rate * FADE_SECONDS).round() as u32).max(1),
        unsettled: 0,
        owes_settled: true,
        modules: slots,
    }
}

/// What runs, in which order: only what leads to a sink.
fn running(nodes: &[LayoutNode], cables: &[LayoutCable], modules: &mut [Slot]) -> (Vec<Group>, Vec<u32>) {
    let edges = |lives: bool| -> Vec<(usize, usize)> {
        let wanted = cables.iter().filter(|cable| !lives || cable.state == State::Lives);
        wanted.map(|cable| (cable.from, cable.to)).collect()
    };
    let sinks = |lives: bool| -> Vec<usize> {
        let is_sink =
            |node: &LayoutNode| node.descriptor.role == Role::Sink && (!lives || node.state == State::Lives);
        (0..nodes.len()).filter(|&index| is_sink(&nodes[index])).collect()
    };
    let all = edges(false);
    let sounds = leading_to(nodes.len(), &all, &sinks(false));
    let lasts = leading_to(nodes.len(), &edges(true), &sinks(true));
    let self_loops: HashSet<usize> =
        all.iter().filter(|(from, to)| from == to).map(|(from, _)| *from).collect();
    let (mut out, mut order) = (Vec::new(), Vec::new());
    // Whole loops sound or do not: each of their modules leads to each other.
    for group in groups(nodes.len(), &all).into_iter().filter(|group| sounds[group[0]]) {
        let looped = group.len() > 1 || self_loops.contains(&group[0]);
        out.push(Group { first: order.len() as u32, count: group.len() as u32, looped });
        for module in group {
            modules[module].leaves = !lasts[module];
            order.push(module as u32);
        }
    }
    (out, order)
}

/// Plans one patch after the other, while some of the plans are still on their way to the audio thread.
///
/// Each plan follows the one that the audio thread said last it had adopted. A plan that is overtaken on the way is
/// forgotten by nobody: the next is made against what plays.
pub struct Planner {
    sample_rate: f64,
    last: u64,
    playing: Option<Layout>,
    sent: Vec<Layout>,
}

/// Most modules that are kept only to fade out.
const MAX_LEAVING: usize = 200;

impl Planner {
    /// For patches at this sample rate.
    pub fn new(sample_rate: f64) -> Self {
        Self { sample_rate, last: 0, playing: None, sent: Vec::new() }
    }

    /// A plan by which `graph` follows what plays; `None`: too much still fades out, ask again after
    /// [`Planner::settled`].
    ///
    /// # Errors
    /// As [`build_patch`].
    pub fn plan(&mut self, graph: &ModuleGraph) -> Result<Option<Box<ExecutionPlan>>, Fault> {
        if self.playing.as_ref().is_some_and(|layout| layout.leaving() > MAX_LEAVING) {
            graph.check()?;
            return Ok(None);
        }
        let (plan, layout) = build_patch(graph, self.sample_rate, self.playing.as_ref(), self.last + 1)?;
        self.last += 1;
        self.sent.push(layout);
        Ok(Some(plan))
    }

    /// The audio thread has adopted a plan.
    pub fn adopted(&mut self, serial: u64) {
        if let Some(at) = self.sent.iter().position(|layout| layout.serial == serial) {
            self.playing = Some(self.sent.swap_remove(at));
        }
    }

    /// A plan will not be adopted: it was overtaken, or did not fit into the ring.
    pub fn dropped(&mut self, serial: u64) {
        self.sent.retain(|layout| layout.serial != serial);
    }

    /// All fades of a plan have ended.
    pub fn settled(&mut self, serial: u64) {
        if let Some(layout) = self.playing.as_mut().filter(|layout| layout.serial == serial) {
            layout.settle();
        }
    }

    /// Plans that are on their way.
    pub fn in_flight(&self) -> usize {
        self.sent.len()
    }

    /// What plays.
    pub fn playing(&self) -> Option<&Layout> {
        self.playing.as_ref()
    }
}
