//! What several programs of tests share: a plain model of patches, random patches, and how they are rendered.
#![allow(dead_code)] // Each program uses a part.

use std::collections::HashMap;

use krach_patch::harness::Harness;
use krach_patch::{ModuleGraph, Processor, Role, Transport, modules};

pub const RATE: f64 = 48_000.0;
pub const FADE: u32 = 240;

/// A patch as its definition reads: every module on every sample, each cable a number that is one sample old. No
/// plan, no order, no blocks.
pub struct Plain {
    nodes: Vec<Node>,
    cables: Vec<Cable>,
    first: bool,
    unsettled: u32,
}

struct Node {
    key: usize,
    id: String,
    kind: (&'static str, krach_patch::Shape),
    role: Role,
    harness: Harness,
    outputs: Vec<String>,
    last: Vec<f32>,
    lives: bool,
}

struct Cable {
    ends: (usize, usize, usize, usize),
    target: f32,
    step: f32,
    remaining: u32,
    lives: bool,
}

impl Cable {
    fn gain(&self) -> f32 {
        if self.remaining == 0 { self.target } else { self.target - self.step * self.remaining as f32 }
    }
}

impl Plain {
    pub fn new(graph: &ModuleGraph) -> Self {
        let mut plain = Self { nodes: Vec::new(), cables: Vec::new(), first: true, unsettled: 0 };
        plain.become_graph(graph);
        plain.first = false;
        plain
    }

    /// The next graph: who has the same id, module and shape stays, the rest is new or fades.
    pub fn become_graph(&mut self, graph: &ModuleGraph) {
        let mut next_key = self.nodes.iter().map(|node| node.key + 1).max().unwrap_or(0);
        let sounding = self.sounding();
        let mut old = std::mem::take(&mut self.nodes);
        let known: Vec<usize> = old.iter().map(|node| node.key).collect();
        let mut place = HashMap::new();
        for (id, node) in graph.nodes() {
            let kind = (node.descriptor().name, node.shape());
            let same = |lives: bool| {
                old.iter().position(|other| other.lives == lives && other.id == id && other.kind == kind)
            };
            let node = match same(true).or_else(|| same(false)) {
                Some(at) => {
                    let mut kept = old.remove(at);
                    // A cable from an output that had none begins empty.
                    for (port, last) in kept.last.iter_mut().enumerate() {
                        if !self.cables.iter().any(|cable| (cable.ends.0, cable.ends.1) == (kept.key, port)) {
                            *last = 0.0;
                        }
                    }
                    kept.harness.follow(graph, id);
                    kept.lives = true;
                    kept
                }
                None => {
                    next_key += 1;
                    let outputs: Vec<String> = node
                        .descriptor()
                        .output_names(&node.shape())
                        .iter()
                        .map(|name| name.to_string())
                        .collect();
                    let last = vec![0.0; outputs.len()];
                    let (role, harness) = (node.descriptor().role, Harness::of(graph, id, RATE));
                    Node { key: next_key, id: id.to_owned(), kind, role, harness, outputs, last, lives: true }
                }
            };
            place.insert(id.to_owned(), node.key);
            self.nodes.push(node);
        }
        for mut node in old.into_iter().filter(|node| sounding.contains(&node.key)) {
            node.lives = false;
            self.nodes.push(node);
        }
        let index = |names: Vec<String>, name: &str| names.iter().position(|other| other == name).unwrap();
        let mut cables = Vec::new();
        // By input, as they are mixed.
        for cable in graph.cables() {
            let node = |id: &str| self.nodes.iter().find(|node| node.lives && node.id == id).unwrap();
            let (from, to) = (node(cable.from), node(cable.to));
            let inputs = to.harness.inputs().iter().map(|name| name.to_string()).collect();
            let ends =
                (from.key, index(from.outputs.clone(), &cable.output), to.key, index(inputs, &cable.input));
            let before =
                self.cables.iter().position(|other| other.ends == ends).map(|at| self.cables.remove(at));
            cables.push(match before {
                Some(before) if before.target == cable.scale => Cable { lives: true, ..before },
                before => {
                    let now = before.as_ref().map_or(0.0, Cable::gain);
                    // What is new fades on its way out.
                    let instant = !known.contains(&to.key) && to.role != Role::Sink;
                    let fades = !self.first && now != cable.scale && !instant;
                    Cable {
                        ends,
                        target: cable.scale,
                        step: (cable.scale - now) / FADE as f32,
                        remaining: if fades { FADE } else { 0 },
                        lives: true,
                    }
                }
            });
        }
        for before in std::mem::take(&mut self.cables) {
            let there = |key: usize| self.nodes.iter().find(|node| node.key == key);
            let (Some(_), Some(to)) = (there(before.ends.0), there(before.ends.2)) else { continue };
            let leaves_with_it = !to.lives && to.role != Role::Sink;
            let target = if leaves_with_it { before.target } else { 0.0 };
            if target == before.target {
                cables.push(Cable { lives: false, ..before });
            } else {
                let now = before.gain();
                let (step, remaining) = ((target - now) / FADE as f32, if now == target { 0 } else { FADE });
                cables.push(Cable { target, step, remaining, lives: false, ..before });
            }
        }
        self.cables = cables;
        self.unsettled = self.cables.iter().map(|cable| cable.remaining).max().unwrap_or(0);
        self.settle();
    }

    /// When all fades have ended, what has faded out is gone.
    fn settle(&mut self) {
        if self.unsettled == 0 {
            self.nodes.retain(|node| node.lives);
            self.cables.retain(|cable| cable.lives);
            self.cables.iter_mut().for_each(|cable| cable.remaining = 0);
        }
    }

    fn sounding(&self) -> Vec<usize> {
        let sinks = self.nodes.iter().filter(|node| node.role == Role::Sink);
        let mut open: Vec<usize> = sinks.map(|node| node.key).collect();
        let mut found = Vec::new();
        while let Some(key) = open.pop() {
            if !found.contains(&key) {
                found.push(key);
                open.extend(self.cables.iter().filter(|cable| cable.ends.2 == key).map(|cable| cable.ends.0));
            }
        }
        found
    }

    pub fn midi(&mut self, event: krach_patch::MidiEvent) {
        for node in &mut self.nodes {
            node.harness.midi(event);
        }
    }

    /// One sample.
    pub fn step(&mut self, input: [f32; 2], transport: Option<Transport>) -> [f32; 2] {
        let sounding = self.sounding();
        let before: HashMap<usize, Vec<f32>> =
            self.nodes.iter().map(|node| (node.key, node.last.clone())).collect();
        let mut out = [0.0_f32; 2];
        let leads = |key: usize, port: usize| {
            self.cables.iter().any(|cable| (cable.ends.0, cable.ends.1) == (key, port))
        };
        let used: HashMap<usize, Vec<bool>> = self
            .nodes
            .iter()
            .map(|node| (node.key, (0..node.outputs.len()).map(|port| leads(node.key, port)).collect()))
            .collect();
        for node in &mut self.nodes {
            if !sounding.contains(&node.key) {
                continue;
            }
            let names = node.harness.inputs();
            let mut values = vec![0.0; names.len()];
            let mut plugged = vec![false; names.len()];
            for (port, (value, plugged)) in values.iter_mut().zip(&mut plugged).enumerate() {
                let mut sum: Option<f32> = None;
                for cable in
                    self.cables.iter().filter(|cable| (cable.ends.2, cable.ends.3) == (node.key, port))
                {
                    let this = before[&cable.ends.0][cable.ends.1] * cable.gain();
                    sum = Some(sum.map_or(this, |sum| sum + this));
                    *plugged = true;
                }
                *value = sum.unwrap_or(0.0);
            }
            node.harness.plugged(&plugged, &used[&node.key]).host(transport);
            match node.role {
                Role::Plain => node.last = node.harness.step(&values),
                Role::Source => node.last = input.to_vec(),
                Role::Sink => (0..2).for_each(|side| out[side] += values[side]),
            }
        }
        for cable in &mut self.cables {
            // Those into a module that rests stand still until all fades have ended.
            cable.remaining = cable.remaining.saturating_sub(u32::from(sounding.contains(&cable.ends.2)));
        }
        self.unsettled = self.unsettled.saturating_sub(1);
        self.settle();
        out
    }
}

/// Renders in blocks of these lengths, one after the other and over again.
pub fn render(
    processor: &mut Processor,
    mut transport: Option<Transport>,
    input: &[f32],
    blocks: &[usize],
    samples: usize,
) -> [Vec<f32>; 2] {
    let (mut left, mut right) = (vec![0.0; samples], vec![0.0; samples]);
    let (mut at, mut block) = (0, 0);
    while at < samples {
        let end = samples.min(at + blocks[block % blocks.len()]);
        let part: Vec<f32> = (at..end).map(|sample| input.get(sample).copied().unwrap_or(0.0)).collect();
        processor.render(transport, [&part, &part], [&mut left[at..end], &mut right[at..end]]);
        transport = transport.map(|transport| transport.after(end - at));
        (at, block) = (end, block + 1);
    }
    [left, right]
}

pub fn bits(samples: &[f32]) -> Vec<u32> {
    samples.iter().map(|sample| sample.to_bits()).collect()
}

/// Numbers by chance, the same each time.
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, end: usize) -> usize {
        // Knuth's MMIX generator; the low bits are poor.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub fn number(&mut self, min: f32, max: f32) -> f32 {
        let number = min + (max - min) * (self.below(1 << 20) as f32 / (1 << 20) as f32);
        number.clamp(min, max)
    }
}

/// Changes a patch by chance: nodes come and go, values and cables change. It keeps its one AudioOut.
pub fn shake(graph: &mut ModuleGraph, chance: &mut Chance, changes: usize) {
    use krach_patch::{Entries, Kind, Value};
    if graph.nodes().next().is_none() {
        graph.add("out", "AudioOut").unwrap();
    }
    for _ in 0..changes {
        let ids: Vec<String> = graph.nodes().map(|(id, _)| id.to_owned()).collect();
        match chance.below(10) {
            0..=2 => {
                let module = *chance.pick(modules::ALL);
                if module.role != Role::Sink {
                    let id = format!("n{}", chance.below(12));
                    let channels =
                        module.channels.map(|extent| 1 + chance.below(extent.max.min(6).into()) as i64);
                    let length = module.length.map(|_| 1 + chance.below(20) as i64);
                    let _ = graph.add_shaped(&id, module.name, channels, length);
                }
            }
            3 if chance.below(3) == 0 => {
                let id = chance.pick(&ids);
                if id != "out" {
                    graph.remove(id);
                }
            }
            4..=5 => {
                let id = chance.pick(&ids).clone();
                let (_, node) = graph.nodes().find(|(other, _)| *other == id).unwrap();
                let shape = node.shape();
                let names = node.descriptor().param_names(&shape);
                if names.is_empty() {
                    continue;
                }
                let name = chance.pick(&names).to_string();
                let base = name.split('/').next().unwrap();
                let param = node.descriptor().params.iter().find(|param| param.name == base).unwrap();
                let value = match param.kind {
                    Kind::Float { min, max, .. } => Value::Float(chance.number(min, max)),
                    Kind::Int { min, max, .. } => {
                        Value::Int(min + chance.below((max - min + 1) as usize) as i32)
                    }
                    Kind::Bool { .. } => Value::Bool(chance.below(2) == 1),
                    Kind::Enum { names, .. } => Value::Name((*chance.pick(names)).to_owned()),
                    Kind::List { entries, .. } => {
                        let (known, most): (&[&str], usize) = match entries {
                            Entries::Steps => (&["C3", "-", "_", "F#2", "Bb4", "A-1"], shape.length.into()),
                            Entries::PitchClasses => (&["C", "Eb", "F#", "B"], 12),
                        };
                        let length = chance.below(most + 1);
                        Value::List((0..length).map(|_| (*chance.pick(known)).to_owned()).collect())
                    }
                };
                graph.set(&id, &name, value).unwrap();
            }
            6..=8 => {
                let from = chance.pick(&ids).clone();
                let to = if chance.below(3) == 0 { "out".to_owned() } else { chance.pick(&ids).clone() };
                let find = |id: &str| graph.nodes().find(|(other, _)| *other == id).unwrap().1.clone();
                let (source, target) = (find(&from), find(&to));
                let outputs = source.descriptor().output_names(&source.shape());
                let inputs = target.descriptor().input_names(&target.shape());
                if !outputs.is_empty() && !inputs.is_empty() {
                    let (output, input) = (chance.pick(&outputs), chance.pick(&inputs));
                    let scale = *chance.pick(&[1.0, -1.0, 0.5, 0.0, -0.3, 0.9]);
                    graph.disconnect(&to, input).unwrap();
                    graph.connect(&from, output, &to, input, scale).unwrap();
                }
            }
            _ => {
                let cables = graph.cables();
                if !cables.is_empty() && chance.below(3) == 0 {
                    let cable = chance.pick(&cables).clone();
                    let (to, input) = (cable.to.to_owned(), cable.input);
                    graph.disconnect(&to, &input).unwrap();
                }
            }
        }
    }
}
