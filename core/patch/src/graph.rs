//! A patch as data: nodes and the cables between them, each checked as it is put in.

use std::collections::BTreeMap;

use crate::descriptor::{Descriptor, Role, Setting, Shape, Value};
use crate::fault::{Fault, Part, shown};
use crate::modules;

/// Most nodes of a patch.
pub const MAX_NODES: usize = 1_000;
/// Most characters of an id.
const MAX_ID: usize = 64;

/// A node: a module under an id.
#[derive(Clone)]
pub struct GraphNode {
    descriptor: &'static Descriptor,
    shape: Shape,
    /// By index; those without a value have their default.
    values: BTreeMap<usize, (Value, Setting)>,
}

impl GraphNode {
    /// Its module type.
    pub fn descriptor(&self) -> &'static Descriptor {
        self.descriptor
    }

    /// Its shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The values that were given, by the parameter's index.
    pub(crate) fn values(&self) -> impl Iterator<Item = (usize, &Value)> {
        self.values.iter().map(|(index, (value, _))| (*index, value))
    }

    /// Every parameter as the module takes it, by index.
    pub(crate) fn settings(&self) -> Vec<Setting> {
        let of = |(index, param): (usize, &'static crate::descriptor::Param)| match self.values.get(&index) {
            Some((_, setting)) => setting.clone(),
            None => {
                let checked = param.kind.check(&param.kind.default(), &self.shape);
                checked.expect("a default is within its range").1
            }
        };
        self.descriptor.params(&self.shape).enumerate().map(of).collect()
    }
}

impl PartialEq for GraphNode {
    fn eq(&self, other: &Self) -> bool {
        self.descriptor.name == other.descriptor.name
            && self.shape == other.shape
            && self.values == other.values
    }
}

/// A cable.
#[derive(Clone, Debug, PartialEq)]
pub struct Cable<'a> {
    /// The node that it comes from.
    pub from: &'a str,
    /// Its output there.
    pub output: String,
    /// The node that it leads to.
    pub to: &'a str,
    /// Its input there.
    pub input: String,
    /// By how much what it carries is multiplied.
    pub scale: f32,
}

/// A cable, as seen from the input that it leads to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plug {
    pub from: String,
    pub output: usize,
    pub scale: f32,
}

/// A patch: nodes by id, and cables.
///
/// ```
/// use krach_patch::ModuleGraph;
///
/// let mut graph = ModuleGraph::new();
/// graph.add("osc", "SineOscillator")?;
/// graph.add("out", "AudioOut")?;
/// graph.set("osc", "frequency", 220.0)?;
/// graph.connect("osc", "out", "out", "left", 1.0)?;
/// graph.connect("osc", "out", "out", "right", 1.0)?;
/// let wrong = graph.set("osc", "frequncy", 220.0).unwrap_err();
/// assert_eq!(wrong.hint, "did you mean `frequency`?");
/// # Ok::<(), krach_patch::Fault>(())
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct ModuleGraph {
    nodes: BTreeMap<String, GraphNode>,
    /// By the input that they lead to.
    cables: BTreeMap<(String, usize), Plug>,
}

impl ModuleGraph {
    /// Without nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a node of the module's usual shape.
    ///
    /// # Errors
    /// If the id is taken or not one, or there is no such module.
    pub fn add(&mut self, id: &str, module: &str) -> Result<(), Fault> {
        self.add_shaped(id, module, None, None)
    }

    /// Adds a node of a shape of its own.
    ///
    /// # Errors
    /// As [`ModuleGraph::add`]; if the module cannot have that shape.
    pub fn add_shaped(
        &mut self,
        id: &str,
        module: &str,
        channels: Option<i64>,
        length: Option<i64>,
    ) -> Result<(), Fault> {
        check_id(id)?;
        if self.nodes.contains_key(id) {
            return Err(Fault::new(Part::Id, format!("a second node `{id}`"), "give it another id"));
        }
        if self.nodes.len() == MAX_NODES {
            let what = format!("more than {MAX_NODES} nodes");
            return Err(Fault::new(Part::Id, what, "make two patches of it"));
        }
        let descriptor = modules::find(module).ok_or_else(|| {
            Fault::unknown(Part::Module, "module", module, modules::ALL.iter().map(|module| module.name))
        })?;
        let shape = descriptor.shape(channels, length)?;
        self.nodes.insert(id.to_owned(), GraphNode { descriptor, shape, values: BTreeMap::new() });
        Ok(())
    }

    /// Adds a node like another, perhaps of another graph, without its cables.
    ///
    /// # Errors
    /// If the id is taken or not one.
    pub fn copy(&mut self, id: &str, node: &GraphNode) -> Result<(), Fault> {
        self.add(id, node.descriptor.name)?;
        self.nodes.insert(id.to_owned(), node.clone());
        Ok(())
    }

    /// Sets a parameter of a node.
    ///
    /// # Errors
    /// If there is no such node or parameter, or it cannot have this value.
    pub fn set(&mut self, id: &str, param: &str, value: impl Into<Value>) -> Result<(), Fault> {
        let node = self.node(id, Part::Id)?;
        let (index, param) = node.descriptor.param(&node.shape, param)?;
        let checked = param.kind.check(&value.into(), &node.shape)?;
        if let Some(node) = self.nodes.get_mut(id) {
            if checked.0 == param.kind.default() {
                node.values.remove(&index);
            } else {
                node.values.insert(index, checked);
            }
        }
        Ok(())
    }

    /// Lays a cable. `in` is `in/0` where inputs are numbered.
    ///
    /// # Errors
    /// If there is no such node, output or input, the input has a cable already, or the scale is not from -1 to 1.
    pub fn connect(
        &mut self,
        from: &str,
        output: &str,
        to: &str,
        input: &str,
        scale: f32,
    ) -> Result<(), Fault> {
        let source = self.node(from, Part::From)?;
        let output = source.descriptor.output(&source.shape, output)?;
        let target = self.node(to, Part::To)?;
        let index = target.descriptor.input(&target.shape, input)?;
        check_scale(scale)?;
        let place = (to.to_owned(), index);
        if let Some(other) = self.cables.get(&place) {
            let what =
                format!("a second cable to `{to}`, input `{input}`: the first comes from `{}`", other.from);
            return Err(Fault::new(Part::Input, what, "an input takes one cable; join them in a Sum"));
        }
        self.cables.insert(place, Plug { from: from.to_owned(), output, scale });
        Ok(())
    }

    /// Takes the cable from an input, if there is one.
    ///
    /// # Errors
    /// If there is no such node or input.
    pub fn disconnect(&mut self, to: &str, input: &str) -> Result<(), Fault> {
        let target = self.node(to, Part::To)?;
        let index = target.descriptor.input(&target.shape, input)?;
        self.cables.remove(&(to.to_owned(), index));
        Ok(())
    }

    /// Takes a node out with its cables, if it is there.
    pub fn remove(&mut self, id: &str) {
        self.nodes.remove(id);
        self.cables.retain(|(to, _), plug| to != id && plug.from != id);
    }

    /// The nodes, by id.
    pub fn nodes(&self) -> impl Iterator<Item = (&str, &GraphNode)> {
        self.nodes.iter().map(|(id, node)| (id.as_str(), node))
    }

    /// The node of an id.
    pub fn node_of(&self, id: &str) -> Option<&GraphNode> {
        self.nodes.get(id)
    }

    /// The cables, by (from, output, to, input).
    pub fn cables(&self) -> Vec<Cable<'_>> {
        let name = |id: &str, output: bool, index: usize| {
            let node = &self.nodes[id];
            let names = if output {
                node.descriptor.output_names(&node.shape)
            } else {
                node.descriptor.input_names(&node.shape)
            };
            names[index].clone().into_owned()
        };
        let mut cables: Vec<(usize, usize, Cable<'_>)> = self
            .plugs()
            .map(|(to, index, plug)| {
                let (output, input) = (name(&plug.from, true, plug.output), name(to, false, index));
                (plug.output, index, Cable { from: &plug.from, output, to, input, scale: plug.scale })
            })
            .collect();
        cables.sort_by(|a, b| (a.2.from, a.0, a.2.to, a.1).cmp(&(b.2.from, b.0, b.2.to, b.1)));
        cables.into_iter().map(|(_, _, cable)| cable).collect()
    }

    /// (node, input) and what is plugged there.
    pub(crate) fn plugs(&self) -> impl Iterator<Item = (&str, usize, &Plug)> {
        self.cables.iter().map(|((to, input), plug)| (to.as_str(), *input, plug))
    }

    /// Number of cables.
    pub fn cable_count(&self) -> usize {
        self.cables.len()
    }

    /// What only the whole patch can be asked: has it one AudioOut?
    ///
    /// # Errors
    /// If it has none, or several.
    pub fn check(&self) -> Result<(), Fault> {
        let sinks: Vec<&str> =
            self.nodes().filter(|(_, node)| node.descriptor.role == Role::Sink).map(|(id, _)| id).collect();
        match sinks[..] {
            [_] => Ok(()),
            [] => Err(Fault::new(
                Part::Whole,
                "there is no AudioOut",
                "a patch has exactly one node of that module",
            )),
            _ => {
                let what = format!("{} nodes are an AudioOut: {}", sinks.len(), sinks.join(", "));
                Err(Fault::new(Part::Whole, what, "a patch has exactly one"))
            }
        }
    }

    fn node(&self, id: &str, part: Part) -> Result<&GraphNode, Fault> {
        let ids = self.nodes.keys().map(String::as_str);
        self.nodes.get(id).ok_or_else(|| Fault::unknown(part, "node", id, ids))
    }
}

/// Is this a scale?
pub(crate) fn check_scale(scale: f32) -> Result<(), Fault> {
    if (-1.0..=1.0).contains(&scale) {
        return Ok(());
    }
    Err(Fault::new(Part::Scale, format!("found scale {scale:?}"), "a number from -1 to 1 is allowed"))
}

/// Is this an id?
fn check_id(id: &str) -> Result<(), Fault> {
    let is_fine = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !id.is_empty() && id.chars().count() <= MAX_ID && id.chars().all(is_fine) {
        return Ok(());
    }
    let hint = format!("an id has 1 to {MAX_ID} characters: letters, digits, `_`, `-`, `.`");
    Err(Fault::new(Part::Id, format!("`{}` is no id", shown(id)), hint))
}
