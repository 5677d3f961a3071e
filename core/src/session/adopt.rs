//! Raw graph → nodes of the session: what older clients build, recognised by its shape.
//!
//! ```text
//! bass ── bass_g ── out            a node, its fader, the master
//!      └─ bass_send_verb ── verb   a send before the fader
//!
//! pad_v0 ── pad_v0_g ─┐
//! pad_v1 ── pad_v1_g ─┴ pad_sum ── pad_g ── out     voices
//! ```
//! What is adopted sounds as before and keeps its state: the ids are those that nodes of the session come to.

use super::Session;
use super::writers::visit_labels;
use crate::edit::{GraphState, Route, SessionNode, gain_path, level_path};
use crate::graph::{Connection, GraphNode, RawGraph, Rest};
use crate::ir::{RouteKind, Source};
use crate::limits::{MAX_GAIN, MAX_VOICES};
use crate::node::{Bus, Registry, Role};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// What became of the nodes that were to be adopted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adoption {
    /// Names of the nodes that the session has now.
    pub adopted: Vec<String>,
    /// Ids that stay in the raw graph, each with the reason.
    pub left: Vec<(String, String)>,
    /// What is said otherwise now, though it sounds the same.
    pub notes: Vec<String>,
    /// Raw sends with another level than before: to be new nodes under the old ids.
    pub(crate) anew: Vec<String>,
}

/// One recognised shape.
struct Shape {
    name: String,
    type_id: String,
    count: u32,
    legato: Option<bool>,
    rest: Option<Rest>,
    /// Linear, of all its faders together.
    gain: f64,
    /// Of the last fader alone: sends branch off before it.
    fader: f64,
    to_master: bool,
    init: Vec<(String, f64)>,
    /// Raw nodes that it stands for.
    ids: Vec<String>,
    /// The raw node whose output is before the last fader.
    tap: String,
    /// Wires within it, by the nodes at their ends: all are there, and no others but to the master.
    within: Vec<(String, String)>,
}

/// One recognised send.
struct Send {
    source: String,
    target: String,
    id: String,
    /// Before the fader.
    level: f64,
}

impl Session {
    /// The foundation with raw nodes as nodes of the session: those of these names, or all that are
    /// recognised if there are none; and what became of them.
    pub(super) fn adopted(&self, names: &[String], registry: &Registry) -> (GraphState, Adoption) {
        let mut adoption = Adoption::default();
        let reader = Reader { session: self, raw: &self.raw, registry, played: self.played_labels() };
        let wanted: Vec<String> = match names {
            [] => reader.candidates(),
            names => names.to_vec(),
        };
        let mut shapes: BTreeMap<String, Shape> = BTreeMap::new();
        for name in &wanted {
            match reader.shape(name) {
                Ok(shape) => drop(shapes.insert(name.clone(), shape)),
                Err(why) => adoption.left.push((name.clone(), why)),
            }
        }
        // A send binds its two ends together; and every wire of what is adopted must be one that is understood.
        let (sends, wires) = loop {
            let (sends, wires) = (reader.sends(&shapes), reader.wires(&shapes));
            match reader.stranger(&shapes, &sends, &wires) {
                None => break (sends, wires),
                Some((name, why)) => {
                    shapes.remove(&name);
                    adoption.left.push((name, why));
                }
            }
        };
        let mut foundation = self.foundation();
        let gone: HashSet<&String> =
            shapes.values().flat_map(|s| &s.ids).chain(sends.iter().map(|s| &s.id)).collect();
        let raw = Arc::make_mut(&mut foundation.raw);
        raw.nodes.retain(|n| !gone.contains(&n.id));
        raw.connections.retain(|c| !gone.contains(&c.from_node) && !gone.contains(&c.to_node));
        let implied =
            |label: &String, (node, control): &(String, String)| *label == format!("{node}/{control}");
        raw.exposed_controls.retain(|label, at| {
            let fader = shapes
                .values()
                .filter(|s| registry.find(&s.type_id).is_none_or(|ty| ty.decl().control_at("gain").is_none()))
                .any(|s| *label == format!("{}/gain", s.name) && at.0 == format!("{}_g", s.name));
            !(gone.contains(&at.0) && (implied(label, at) || fader))
        });
        for shape in wanted.iter().filter_map(|name| shapes.get(name)) {
            let Shape { name, type_id, count, legato, rest, gain, to_master, init, .. } = shape;
            foundation.nodes.push(SessionNode {
                name: name.clone(),
                count: *count,
                legato: *legato,
                rest: *rest,
                init: init.clone(),
                to_master: *to_master,
                ..SessionNode::of_source(Source::Type(type_id.clone()))
            });
            foundation.values.insert(gain_path(name), *gain);
            for (control, value) in init {
                foundation.values.entry(format!("{name}/{control}")).or_insert(*value);
            }
            adoption.adopted.push(name.clone());
        }
        for send in &sends {
            let Send { source, target, level, .. } = send;
            let fader = shapes[source].fader;
            let after = if fader > 0.0 { level / fader } else { *level };
            foundation.routes.push(Route {
                source: source.clone(),
                target: target.clone(),
                kind: RouteKind::Send,
                port: "in0".to_owned(),
                other: serde_json::Map::new(),
            });
            foundation.values.insert(level_path(source, target), after);
            if after != *level {
                adoption.anew.push(send.id.clone());
                adoption.notes.push(format!(
                    "the send of {source} to {target} is after the fader now: its level is {after} instead of {level}, which sounds the same"
                ));
            }
        }
        wires.into_iter().for_each(|wire| foundation.routes.push(wire));
        if foundation.raw.nodes.iter().all(|n| reader.is_master(n)) && foundation.raw.connections.is_empty() {
            Arc::make_mut(&mut foundation.raw).nodes.clear();
        }
        (foundation, adoption)
    }

    /// Labels that patterns and automations move, those of hushed slots too.
    fn played_labels(&self) -> BTreeSet<String> {
        let mut labels: BTreeSet<String> = self.automations.values().map(|a| a.label.clone()).collect();
        labels.extend(self.midi_maps.iter().map(|m| m.label.clone()));
        for (slot, state) in &self.slots {
            visit_labels(&state.pattern, &mut |label| {
                labels.insert(label.to_owned());
                labels.insert(format!("{slot}/{label}"));
            });
        }
        labels
    }
}

struct Reader<'a> {
    session: &'a Session,
    raw: &'a RawGraph,
    registry: &'a Registry,
    played: BTreeSet<String>,
}

impl Reader<'_> {
    fn is_master(&self, node: &GraphNode) -> bool {
        self.registry.find(&node.type_id).is_some_and(|ty| ty.decl().role == Role::Output(Bus::MAIN))
    }

    fn is_gain(&self, id: &str) -> bool {
        self.raw.node(id).is_some_and(|n| n.type_id == "gain" && n.count == 1)
    }

    /// Names of what may be a node: those with a fader of their own.
    fn candidates(&self) -> Vec<String> {
        let fader = |n: &GraphNode| n.id.strip_suffix("_g").map(str::to_owned);
        let faders: Vec<String> =
            self.raw.nodes.iter().filter(|n| n.type_id == "gain").filter_map(fader).collect();
        let voice = |name: &String| voice_of(name).is_some_and(|(of, _)| faders.contains(&of.to_owned()));
        faders.iter().filter(|name| !voice(name)).cloned().collect()
    }

    fn value(&self, id: &str, control: &str) -> Option<f64> {
        let set = || self.raw.node(id)?.controls.get(control).copied();
        self.session.values.get(&format!("{id}/{control}")).copied().or_else(set)
    }

    fn gain(&self, id: &str) -> f64 {
        self.value(id, "gain").unwrap_or(1.0)
    }

    /// Values of a node's controls that are not at their default, as far as they are known.
    fn init(&self, id: &str) -> Vec<(String, f64)> {
        let mut init = self.raw.node(id).map(|n| n.controls.clone()).unwrap_or_default();
        let prefix = format!("{id}/");
        for (path, value) in self.session.values.range(prefix.clone()..) {
            let Some(control) = path.strip_prefix(&prefix) else { break };
            // Not of a node whose name is longer.
            if self.session.controls(self.registry).owner(path).is_some_and(|node| node.id == id) {
                init.insert(control.to_owned(), *value);
            }
        }
        init.into_iter().collect()
    }

    fn shape(&self, name: &str) -> Result<Shape, String> {
        let fader = format!("{name}_g");
        if !self.is_gain(&fader) {
            return Err(match self.raw.node(name) {
                Some(_) => format!("it has no fader {fader}"),
                None => "there is no such node".to_owned(),
            });
        }
        let mut shape = match self.raw.node(name) {
            Some(node) => Shape {
                name: name.to_owned(),
                type_id: node.type_id.clone(),
                count: node.count,
                legato: node.legato,
                rest: node.rest,
                gain: 1.0,
                fader: 1.0,
                to_master: false,
                init: self.init(name),
                ids: vec![name.to_owned()],
                tap: name.to_owned(),
                within: Vec::new(),
            },
            None => self.voices(name)?,
        };
        shape.fader = self.gain(&fader);
        shape.gain *= shape.fader;
        if !(0.0..=MAX_GAIN).contains(&shape.gain) {
            return Err(format!("its gain, {}, is not within 0 and {MAX_GAIN}", shape.gain));
        }
        if self.session.node(name).is_some() {
            return Err("the session has a node of that name".to_owned());
        }
        shape.to_master =
            self.from(&fader).any(|c| self.raw.node(&c.to_node).is_some_and(|n| self.is_master(n)));
        shape.within.push((shape.tap.clone(), fader.clone()));
        shape.ids.push(fader);
        Ok(shape)
    }

    /// `name_v0…`, each with a fader, summed.
    fn voices(&self, name: &str) -> Result<Shape, String> {
        let sum = format!("{name}_sum");
        let voices: Vec<&GraphNode> =
            (0..).map_while(|i| self.raw.node(&format!("{name}_v{i}"))).take(MAX_VOICES + 1).collect();
        let [first, ..] = voices.as_slice() else {
            return Err(format!("there is neither a node {name} nor a voice {name}_v0"));
        };
        if voices.len() > MAX_VOICES {
            return Err(format!("it has more than {MAX_VOICES} voices"));
        }
        if !self.is_gain(&sum) {
            return Err(format!("its voices have no sum {sum}"));
        }
        let (mut ids, mut within) = (vec![sum.clone()], Vec::new());
        let gain = self.gain(&format!("{}_g", first.id)) * self.gain(&sum);
        for voice in &voices {
            let fader = format!("{}_g", voice.id);
            if voice.type_id != first.type_id || voice.count != 1 {
                return Err(format!("{} is not of the same type as {}", voice.id, first.id));
            }
            if !self.is_gain(&fader) || self.gain(&fader) * self.gain(&sum) != gain {
                return Err(format!("{} is not as loud as {}", voice.id, first.id));
            }
            let played = self.played.range(format!("{}/", voice.id)..).next();
            if let Some(label) = played.filter(|label| label.starts_with(&format!("{}/", voice.id))) {
                return Err(format!("{label} is played by name, and voices of a node have none"));
            }
            within.extend([(voice.id.clone(), fader.clone()), (fader.clone(), sum.clone())]);
            ids.extend([voice.id.clone(), fader]);
        }
        let same = |control: &(String, f64)| {
            let played = ["gate", "freq", "vel", "trig"].iter().any(|label| control.0.ends_with(label));
            !played && voices.iter().all(|v| self.value(&v.id, &control.0) == Some(control.1))
        };
        let init: Vec<(String, f64)> = self.init(&first.id).into_iter().filter(same).collect();
        Ok(Shape {
            name: name.to_owned(),
            type_id: first.type_id.clone(),
            count: voices.len() as u32,
            legato: None,
            rest: None,
            gain,
            fader: 1.0,
            to_master: false,
            init,
            ids,
            tap: sum,
            within,
        })
    }

    fn from<'b>(&'b self, id: &'b str) -> impl Iterator<Item = &'b Connection> {
        self.raw.connections.iter().filter(move |c| c.from_node == id)
    }

    fn to<'b>(&'b self, id: &'b str) -> impl Iterator<Item = &'b Connection> {
        self.raw.connections.iter().filter(move |c| c.to_node == id)
    }

    fn sends(&self, shapes: &BTreeMap<String, Shape>) -> Vec<Send> {
        let ends = |id: &str| {
            let at = id.match_indices("_send_").map(|(at, _)| (id[..at].to_owned(), id[at + 6..].to_owned()));
            at.into_iter().find(|(a, b)| shapes.contains_key(a) && shapes.contains_key(b))
        };
        let sends = self.raw.nodes.iter().filter(|n| self.is_gain(&n.id)).filter_map(|n| {
            let (source, target) = ends(&n.id)?;
            let level = self.gain(&n.id);
            Some(Send { source, target, id: n.id.clone(), level })
        });
        sends.collect()
    }

    /// Wires between adopted nodes, straight into a port.
    fn wires(&self, shapes: &BTreeMap<String, Shape>) -> Vec<Route> {
        let of = |id: &str| shapes.get(id).filter(|s| s.tap == id && s.ids[0] == id);
        let wires =
            self.raw.connections.iter().filter(|c| of(&c.from_node).is_some() && of(&c.to_node).is_some());
        let wires = wires.filter(|c| self.outputs(&c.from_node).is_none_or(|outputs| outputs == 1));
        wires
            .map(|c| Route {
                source: c.from_node.clone(),
                target: c.to_node.clone(),
                kind: RouteKind::Wire,
                port: c.to_port.clone(),
                other: serde_json::Map::new(),
            })
            .collect()
    }

    /// How many output ports a node has, as far as that is known.
    fn outputs(&self, id: &str) -> Option<usize> {
        Some(self.registry.find(&self.raw.node(id)?.type_id)?.decl().outputs.len())
    }

    fn is_first_input(&self, id: &str, port: &str) -> bool {
        let decl = self.raw.node(id).and_then(|n| self.registry.find(&n.type_id)).map(|ty| ty.decl());
        let first = decl.and_then(|d| d.inputs.first());
        ["in", "in0"].contains(&port) || first.is_some_and(|first| first.name == port)
    }

    /// A shape that a node of the session would not be, and why.
    fn stranger(
        &self,
        shapes: &BTreeMap<String, Shape>,
        sends: &[Send],
        wires: &[Route],
    ) -> Option<(String, String)> {
        for shape in shapes.values() {
            for (from, to) in &shape.within {
                let ports = self.from(from).filter(|c| c.to_node == *to).count();
                if ports == 0 || self.outputs(from).is_some_and(|outputs| outputs != ports) {
                    return Some((shape.name.clone(), format!("{from} does not lead to {to} whole")));
                }
            }
            for c in shape.ids.iter().flat_map(|id| self.from(id).chain(self.to(id))) {
                let within = shape.within.iter().any(|(a, b)| *a == c.from_node && *b == c.to_node);
                let fader = c.from_node == format!("{}_g", shape.name);
                let master = fader && self.raw.node(&c.to_node).is_some_and(|n| self.is_master(n));
                let send = sends.iter().any(|s| {
                    s.id == c.to_node && shapes[&s.source].tap == c.from_node
                        || s.id == c.from_node
                            && s.target == c.to_node
                            && self.is_first_input(&s.target, &c.to_port)
                });
                let wire = wires.iter().any(|r| r.source == c.from_node && r.target == c.to_node);
                if !(within || master || send || wire) {
                    let Connection { from_node, to_node, .. } = c;
                    let why = format!(
                        "the wire from {from_node} to {to_node} is none that a node of the session has"
                    );
                    return Some((shape.name.clone(), why));
                }
            }
        }
        for Send { source, target, id, level } in sends {
            let shape = &shapes[source];
            let from_tap = self.to(id).filter(|c| c.from_node == shape.tap).count();
            let others = self.to(id).count() != from_tap || self.from(id).any(|c| c.to_node != *target);
            let whole = self.outputs(&shape.tap).is_none_or(|outputs| outputs == from_tap);
            let why = match () {
                () if from_tap == 0 || !whole || others || self.from(id).next().is_none() => {
                    format!("its send {id} does not lead from {} to {target} alone", shape.tap)
                }
                () if shape.fader == 0.0 && *level != 0.0 => {
                    format!("its send {id} is before the fader and heard while that is down")
                }
                () if shape.fader > 0.0 && level / shape.fader > MAX_GAIN => {
                    format!("its send {id} would need a level of {}", level / shape.fader)
                }
                () => continue,
            };
            return Some((source.clone(), why));
        }
        None
    }
}

/// The node and number of `name_v3`, or of its fader `name_v3_g`.
fn voice_of(id: &str) -> Option<(&str, u32)> {
    let (name, number) = id.strip_suffix("_g").unwrap_or(id).rsplit_once("_v")?;
    Some((name, number.parse().ok()?))
}
