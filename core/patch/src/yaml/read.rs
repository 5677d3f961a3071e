//! From YAML to a graph: everything is checked, and all that is wrong is told at once.

use std::collections::HashMap;
use std::fmt;

use crate::descriptor::{Kind, Role, Value};
use crate::fault::{Fault, Part, shown};
use crate::graph::{ModuleGraph, check_scale};

use super::scalar::{Scalar, resolve};
use super::tree::{Content, Node, Place, parse};

/// Longest text that is read, in bytes.
pub const MAX_TEXT: usize = 1 << 18;
/// Most errors that are told.
const MAX_ERRORS: usize = 100;

/// Something wrong in a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Diagnostic {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The id of the node that it is in, if it is in one.
    pub node: Option<String>,
    /// What was found, and what would be right.
    pub fault: Fault,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: ", self.line, self.column)?;
        if let Some(node) = &self.node {
            write!(f, "node `{}`: ", shown(node))?;
        }
        write!(f, "{}", self.fault)
    }
}

/// All that is wrong in a text, from its beginning to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Diagnostics(
    /// At least one.
    pub Vec<Diagnostic>,
);

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, diagnostic) in self.0.iter().enumerate() {
            let end = if at > 0 { "\n" } else { "" };
            write!(f, "{end}{diagnostic}")?;
        }
        Ok(())
    }
}

/// The patch that a text describes.
///
/// ```
/// let text = "nodes:\n  osc: {module: SinOscillator}\n  out: {module: AudioOut}\n";
/// let wrong = krach_patch::yaml_to_graph(text).err().unwrap();
/// assert_eq!(
///     wrong.to_string(),
///     "line 2, column 17: node `osc`: unknown module `SinOscillator`; did you mean `SineOscillator`?"
/// );
/// ```
///
/// # Errors
/// All that is wrong with it, at once.
pub fn yaml_to_graph(text: &str) -> Result<ModuleGraph, Diagnostics> {
    let mut reader = Reader { graph: ModuleGraph::new(), errors: Vec::new(), ids: HashMap::new() };
    if text.len() > MAX_TEXT {
        let fault =
            Fault::new(Part::Whole, format!("{} bytes", text.len()), format!("up to {MAX_TEXT} are read"));
        reader.error(Place { line: 1, column: 1 }, None, fault);
    } else {
        match parse(text) {
            Ok(root) => reader.patch(&root),
            Err(errors) => errors.into_iter().for_each(|(at, fault)| reader.error(at, None, fault)),
        }
    }
    let Reader { graph, mut errors, .. } = reader;
    if errors.is_empty() {
        return Ok(graph);
    }
    errors.sort_by_key(|error| (error.line, error.column));
    if errors.len() > MAX_ERRORS {
        let more = errors.len() - MAX_ERRORS;
        errors.truncate(MAX_ERRORS);
        let last = &errors[MAX_ERRORS - 1];
        let fault = Fault::new(Part::Whole, format!("and {more} more errors"), "mend those above first");
        errors.push(Diagnostic { line: last.line, column: last.column, node: None, fault });
    }
    Err(Diagnostics(errors))
}

struct Reader {
    graph: ModuleGraph,
    errors: Vec<Diagnostic>,
    /// Every id of the text: where it stands, and whether its node is in the graph.
    ids: HashMap<String, (Place, bool)>,
}

impl Reader {
    fn error(&mut self, at: Place, node: Option<&str>, fault: Fault) {
        self.errors.push(Diagnostic {
            line: at.line,
            column: at.column,
            node: node.map(str::to_owned),
            fault,
        });
    }

    fn expected(&mut self, found: &Node, node: Option<&str>, what: &str) {
        self.error(found.at, node, Fault::new(Part::Whole, format!("found {}", kind(found)), what));
    }

    /// The values under the known keys of a map; others, and keys that come twice, are errors.
    fn fields<'a, const N: usize>(
        &mut self,
        map: &'a Node,
        node: Option<&str>,
        what: &str,
        known: [&str; N],
    ) -> [Option<&'a Node>; N] {
        let mut found = [None; N];
        let Content::Map(pairs) = &map.content else {
            self.expected(map, node, &format!("{what} is a map with {}", known.join(", ")));
            return found;
        };
        for (key, value) in pairs {
            let Some(name) = self.name(key, node) else { continue };
            match known.iter().position(|known| *known == name) {
                None => {
                    let fault = Fault::unknown(Part::Whole, &format!("key of {what}"), &name, known);
                    self.error(key.at, node, fault);
                }
                Some(at) if found[at].is_some() => self.twice(key.at, node, &name),
                Some(at) => found[at] = Some(value),
            }
        }
        found
    }

    fn twice(&mut self, at: Place, node: Option<&str>, name: &str) {
        let fault = Fault::new(Part::Whole, format!("a second `{}`", shown(name)), "take one of them out");
        self.error(at, node, fault);
    }

    /// A key: its text, whatever it would resolve to.
    fn name(&mut self, key: &Node, node: Option<&str>) -> Option<String> {
        match &key.content {
            Content::Scalar { text, .. } => Some(text.clone()),
            _ => {
                self.expected(key, node, "a key is a string");
                None
            }
        }
    }

    fn patch(&mut self, root: &Node) {
        let [nodes, cables] = self.fields(root, None, "a patch", ["nodes", "cables"]);
        let Some(nodes) = nodes else {
            if matches!(root.content, Content::Map(_)) {
                self.error(
                    root.at,
                    None,
                    Fault::new(Part::Whole, "there is no `nodes`", "a patch has nodes and cables"),
                );
            }
            return;
        };
        match &nodes.content {
            Content::Map(pairs) => {
                let mut sinks = 0;
                for (key, value) in pairs {
                    if let Some(id) = self.name(key, None) {
                        self.node(key.at, &id, value, &mut sinks);
                    }
                }
            }
            _ if is_null(nodes) => {}
            _ => self.expected(nodes, None, "nodes is a map: an id, and what it is"),
        }
        // A node that could not be read may have been the AudioOut.
        if self.ids.values().all(|(_, is_in)| *is_in) {
            let sinks = self.graph.nodes().filter(|(_, node)| node.descriptor().role == Role::Sink).count();
            if let (0, Err(fault)) = (sinks, self.graph.check()) {
                self.error(nodes.at, None, fault);
            }
        }
        match cables.map(|cables| (cables, &cables.content)) {
            None => {}
            Some((_, Content::List(list))) => list.iter().for_each(|cable| self.cable(cable)),
            Some((cables, _)) if is_null(cables) => {}
            Some((cables, _)) => self.expected(cables, None, "cables is a list"),
        }
    }

    fn node(&mut self, key: Place, id: &str, value: &Node, sinks: &mut usize) {
        if let Some((first, _)) = self.ids.get(id) {
            let hint = format!("the first is in line {}; give it another id", first.line);
            self.error(key, None, Fault::new(Part::Id, format!("a second node `{}`", shown(id)), hint));
            return;
        }
        self.ids.insert(id.to_owned(), (key, false));
        let known = ["module", "params", "channels", "length"];
        let [module, params, channels, length] = self.fields(value, Some(id), "a node", known);
        let Some(module) = module else {
            if matches!(value.content, Content::Map(_)) {
                let fault =
                    Fault::new(Part::Module, "there is no `module`", "a node says which module it is");
                self.error(key, Some(id), fault);
            }
            return;
        };
        let Some(name) = self.text(module, id, "the name of a module is a string") else { return };
        let mut sizes_are_fine = true;
        let mut size = |reader: &mut Self, node: Option<&Node>| -> Option<i64> {
            node.and_then(|node| match scalar(node) {
                Some(Scalar::Int(number)) => Some(number),
                _ => {
                    reader.expected(node, Some(id), "a whole number is allowed");
                    sizes_are_fine = false;
                    None
                }
            })
        };
        let (channel_count, capacity) = (size(self, channels), size(self, length));
        if let Err(fault) = self.graph.add_shaped(id, &name, channel_count, capacity) {
            let at = match fault.part {
                Part::Id => key,
                Part::Channels => channels.map_or(key, |node| node.at),
                Part::Length => length.map_or(key, |node| node.at),
                _ => module.at,
            };
            self.error(at, Some(id), fault);
            return;
        }
        self.ids.insert(id.to_owned(), (key, true));
        let is_sink = crate::modules::find(&name).is_some_and(|module| module.role == Role::Sink);
        *sinks += usize::from(is_sink);
        if is_sink && *sinks > 1 {
            let fault = Fault::new(Part::Module, "a second AudioOut", "a patch has exactly one");
            self.error(module.at, Some(id), fault);
        }
        match params.map(|params| (params, &params.content)) {
            None => {}
            Some((_, Content::Map(pairs))) => {
                let mut seen: Vec<String> = Vec::new();
                for (key, value) in pairs {
                    let Some(name) = self.name(key, Some(id)) else { continue };
                    if seen.contains(&name) {
                        self.twice(key.at, Some(id), &name);
                    } else {
                        // Without its length the capacity of a list is not known.
                        self.param(id, key, &name, value, sizes_are_fine);
                        seen.push(name);
                    }
                }
            }
            Some((params, _)) if is_null(params) => {}
            Some((params, _)) => {
                self.expected(params, Some(id), "params is a map: a parameter, and its value")
            }
        }
    }

    fn param(&mut self, id: &str, key: &Node, name: &str, value: &Node, sizes_are_fine: bool) {
        let Some((_, node)) = self.graph.nodes().find(|(other, _)| *other == id) else { return };
        let (descriptor, shape) = (node.descriptor(), node.shape());
        let kind = match descriptor.param(&shape, name) {
            Ok((_, param)) => &param.kind,
            Err(fault) => return self.error(key.at, Some(id), fault),
        };
        let allowed = kind.allowed(&shape);
        let Some(value_of) = self.value(value, id, kind, &allowed) else { return };
        if let Err(fault) = self.graph.set(id, name, value_of) {
            let is_capacity = matches!((&value.content, &fault.part), (Content::List(_), Part::Value));
            if sizes_are_fine || !is_capacity {
                let mut fault = fault;
                fault.problem = format!("`{}`: {}", shown(name), fault.problem);
                self.error(value.at, Some(id), fault);
            }
        }
    }

    /// A value as the text has it. Entries of a list are checked one by one, so that all that are wrong are told.
    fn value(&mut self, value: &Node, id: &str, kind: &Kind, allowed: &str) -> Option<Value> {
        if let Content::List(list) = &value.content {
            let shape = crate::descriptor::Shape { channels: 0, length: 1 };
            let (mut entries, mut fine) = (Vec::new(), true);
            for entry in list {
                match scalar(entry) {
                    Some(Scalar::Text(text)) => {
                        if let Err(fault) = kind.check(&Value::List(vec![text.to_owned()]), &shape)
                            && matches!(fault.part, Part::Entry(_))
                        {
                            self.error(entry.at, Some(id), fault);
                            fine = false;
                        }
                        entries.push(text.to_owned());
                    }
                    _ => {
                        self.expected(entry, Some(id), allowed);
                        fine = false;
                    }
                }
            }
            return fine.then_some(Value::List(entries));
        }
        match scalar(value) {
            Some(Scalar::Bool(on)) => Some(Value::Bool(on)),
            // Beyond 32 bits nothing is in range; as a float it says so.
            Some(Scalar::Int(number)) => {
                Some(i32::try_from(number).map_or(Value::Float(number as f32), Value::Int))
            }
            Some(Scalar::Float(number)) => Some(Value::Float(number)),
            Some(Scalar::Text(text)) => Some(Value::Name(text.to_owned())),
            Some(Scalar::Null) | None => {
                self.expected(value, Some(id), allowed);
                None
            }
        }
    }

    fn text(&mut self, found: &Node, id: &str, what: &str) -> Option<String> {
        match scalar(found) {
            Some(Scalar::Text(text)) => Some(text.to_owned()),
            _ => {
                self.expected(found, Some(id), what);
                None
            }
        }
    }

    /// An id or a port: its text, whatever it would resolve to.
    fn end(&mut self, cable: &Node, key: &str, found: Option<&Node>) -> Option<(Place, String)> {
        match found.map(|found| (found, &found.content)) {
            Some((found, Content::Scalar { text, .. })) if !is_null(found) => Some((found.at, text.clone())),
            Some((found, _)) => {
                self.expected(found, None, &format!("`{key}` of a cable is a string"));
                None
            }
            None => {
                if matches!(cable.content, Content::Map(_)) {
                    let what = format!("a cable without `{key}`");
                    let hint = "a cable has from, output, to, input and perhaps a scale";
                    self.error(cable.at, None, Fault::new(Part::Whole, what, hint));
                }
                None
            }
        }
    }

    fn cable(&mut self, cable: &Node) {
        let known = ["from", "output", "to", "input", "scale"];
        let [from, output, to, input, scale] = self.fields(cable, None, "a cable", known);
        let (from, output) = (self.end(cable, "from", from), self.end(cable, "output", output));
        let (to, input) = (self.end(cable, "to", to), self.end(cable, "input", input));
        let mut fine = self.known_node(&from, Part::From);
        fine &= self.known_node(&to, Part::To);
        let scale = match scale.map(|scale| (scale.at, scalar(scale), scale)) {
            None => Some(1.0),
            Some((at, Some(Scalar::Int(number)), _)) => self.scale(at, number as f32),
            Some((at, Some(Scalar::Float(number)), _)) => self.scale(at, number),
            Some((_, _, found)) => {
                self.expected(found, None, "a scale is a number from -1 to 1");
                None
            }
        };
        // Each end is looked at by itself, so that both are told.
        for (id, port, is_output) in [(&from, &output, true), (&to, &input, false)] {
            let (Some((_, id)), Some((at, port))) = (id, port) else {
                fine = false;
                continue;
            };
            let Some((_, node)) = self.graph.nodes().find(|(other, _)| other == id) else {
                fine = false;
                continue;
            };
            let (descriptor, shape) = (node.descriptor(), node.shape());
            let found =
                if is_output { descriptor.output(&shape, port) } else { descriptor.input(&shape, port) };
            if let Err(fault) = found {
                self.error(*at, Some(id), fault);
                fine = false;
            }
        }
        let (true, Some((_, from)), Some((_, output)), Some((_, to)), Some((at, input)), Some(scale)) =
            (fine, from, output, to, input, scale)
        else {
            return;
        };
        if let Err(fault) = self.graph.connect(&from, &output, &to, &input, scale) {
            self.error(at, Some(&to), fault);
        }
    }

    /// Is this a node of the text? One that could not be read has been told of already.
    fn known_node(&mut self, id: &Option<(Place, String)>, part: Part) -> bool {
        let Some((at, id)) = id else { return false };
        if self.ids.contains_key(id) {
            return true;
        }
        let mut ids: Vec<&str> = self.ids.keys().map(String::as_str).collect();
        ids.sort_unstable();
        // All of many ids would be no help.
        let fault = if ids.len() > 12 && crate::fault::nearest(id, ids.iter().copied()).is_none() {
            Fault::new(part, format!("unknown node `{}`", shown(id)), "a cable joins nodes of the patch")
        } else {
            Fault::unknown(part, "node", id, ids)
        };
        self.error(*at, None, fault);
        false
    }

    fn scale(&mut self, at: Place, scale: f32) -> Option<f32> {
        match check_scale(scale) {
            Ok(()) => Some(scale),
            Err(fault) => {
                self.error(at, None, fault);
                None
            }
        }
    }
}

fn scalar(node: &Node) -> Option<Scalar<'_>> {
    match &node.content {
        Content::Scalar { text, plain: true } => Some(resolve(text)),
        Content::Scalar { text, plain: false } => Some(Scalar::Text(text)),
        _ => None,
    }
}

fn is_null(node: &Node) -> bool {
    scalar(node) == Some(Scalar::Null)
}

/// What was found, in words.
fn kind(node: &Node) -> String {
    match &node.content {
        Content::List(_) => "a list".to_owned(),
        Content::Map(_) => "a map".to_owned(),
        Content::Scalar { .. } => match scalar(node) {
            Some(Scalar::Null) | None => "nothing".to_owned(),
            Some(Scalar::Bool(on)) => on.to_string(),
            Some(Scalar::Int(number)) => format!("the whole number {number}"),
            Some(Scalar::Float(number)) => format!("the number {number:?}"),
            Some(Scalar::Text(text)) => format!("the string `{}`", shown(text)),
        },
    }
}
