//! What can be wrong with a module before it plays: names, ends of routes, ranges, sources.
//!
//! A module that is being built may name what is not there yet; one that is loaded may not.

use super::compose::see_labels;
use super::fault::{Fault, did_you_mean, shown};
use super::module::{Krach, ModuleIr, NodeIr, RouteKind, Source};
use super::name::check_name;
use crate::automation::ShapeSpec;
use crate::limits::{
    MACRO_TARGETS, MACROS, MAX_AUTOMATIONS, MAX_CONNECTIONS, MAX_COUNT, MAX_DOCUMENT, MAX_GAIN, MAX_ID,
    MAX_INIT, MAX_MIDI_MAPS, MAX_MODULES, MAX_NAME, MAX_NODES, MAX_ROUTES, MAX_SLOTS, MAX_VALUES,
};
use krach_patterns::MAX_LABEL;
use std::collections::{BTreeSet, HashSet};

/// Full names of nodes.
type Names = BTreeSet<String>;

impl ModuleIr {
    /// Everything that is wrong with the module as something to load, the first of it. Types are
    /// found by whoever knows them.
    ///
    /// # Errors
    /// The fault, with its JSON path in the module as it is, modules within included.
    pub fn check(&self) -> Result<(), Fault> {
        let mut survey = Survey::default();
        survey.module(self, "$", "", 0)?;
        check_module(self, "$", "", &survey.names)
    }
}

/// What a module and those within it come to once they are one: bounded before that is made.
#[derive(Default)]
struct Survey {
    names: Names,
    modules: usize,
    nodes: usize,
    counts: [usize; LIMITS.len()],
    /// Bytes that prefixes add to names.
    added: usize,
    /// Bytes that are read to find the nodes that labels belong to.
    looked_up: usize,
}

/// Most bytes that are read to find the nodes that labels belong to, in each module around them. A module without
/// modules within is never over it: what is saved is one.
const MAX_LOOKED_UP: usize = 1 << 28;

/// Lists of a module, by section, and the most entries that they may have in all modules together.
const LIMITS: [(&str, &str, usize); 14] = [
    ("routing", "routes", MAX_ROUTES),
    ("patterns", "slots", MAX_SLOTS),
    ("controls", "values of controls", MAX_VALUES),
    ("automations", "automations", MAX_AUTOMATIONS),
    ("muted", "muted nodes", MAX_NODES),
    ("krach.raw_graph.connections", "connections", MAX_CONNECTIONS),
    ("krach.raw_graph.exposed_controls", "exposed controls", MAX_VALUES),
    ("krach.nodes", "entries of nodes", MAX_NODES),
    ("krach.slots", "entries of slots", MAX_SLOTS),
    ("krach.automations", "automations", MAX_AUTOMATIONS),
    ("krach.midi_maps", "MIDI maps", MAX_MIDI_MAPS),
    ("krach.macros", "targets of macros", MACROS * MACRO_TARGETS),
    ("nodes", "values that nodes begin with", MAX_VALUES),
    ("krach.raw_graph.nodes", "values of controls", MAX_VALUES),
];

impl Survey {
    fn module(&mut self, module: &ModuleIr, place: &str, prefix: &str, depth: usize) -> Result<(), Fault> {
        if depth > MAX_MODULES {
            return Err(Fault::new(place, format!("modules nest more than {MAX_MODULES} deep")));
        }
        self.modules += 1;
        if self.modules > MAX_NODES {
            return Err(too_many(place, "modules within modules", MAX_NODES));
        }
        self.lists(module, place)?;
        self.texts(module, place, prefix, depth)?;
        self.names(module, place, prefix)?;
        self.added = self.added.saturating_add(prefix.len().saturating_mul(names_in(module)));
        if self.added > MAX_DOCUMENT {
            let message =
                format!("with all prefixes its names are longer than {MAX_DOCUMENT} bytes together");
            return Err(Fault::new(place, message).hint("shorter prefixes, or fewer modules in one another"));
        }
        for (i, sub) in module.sub_modules.iter().enumerate() {
            let at = format!("{place}.sub_modules[{i}]");
            let wrong = |fault: Fault| fault.within(&format!("{at}.prefix"));
            check_name(&sub.prefix).map_err(wrong)?;
            let prefix = format!("{prefix}{}/", sub.prefix);
            if prefix.len() >= MAX_NAME {
                let message = format!("names under this prefix would be longer than {MAX_NAME} bytes");
                let hint = "with those around it a prefix has at most 254 bytes";
                return Err(wrong(Fault::new("$", message).hint(hint)));
            }
            self.module(&sub.module, &format!("{at}.module"), &prefix, depth + 1)?;
        }
        Ok(())
    }

    /// Counts the entries of each list.
    fn lists(&mut self, module: &ModuleIr, place: &str) -> Result<(), Fault> {
        let krach = module.krach.as_deref();
        let of = |len: fn(&Krach) -> usize| krach.map_or(0, len);
        let lens = [
            module.routing.len(),
            module.patterns.len(),
            module.controls.len(),
            module.automations.len(),
            module.muted.len(),
            of(|k| k.raw_graph.connections.len()),
            of(|k| k.raw_graph.exposed_controls.len()),
            of(|k| k.nodes.len()),
            of(|k| k.slots.len()),
            of(|k| k.automations.len()),
            of(|k| k.midi_maps.len()),
            of(|k| k.macros.iter().map(|m| m.targets.len().max(1)).sum()),
            module.nodes.iter().map(|n| n.init.len()).sum(),
            of(|k| k.raw_graph.nodes.iter().map(|n| n.controls.len()).sum()),
        ];
        for ((count, len), (section, what, most)) in self.counts.iter_mut().zip(lens).zip(LIMITS) {
            *count += len;
            if *count > most {
                return Err(too_many(&format!("{place}.{section}"), what, most));
            }
        }
        self.nodes += module.nodes.len() + of(|k| k.raw_graph.nodes.len());
        if self.nodes > MAX_NODES {
            return Err(too_many(&format!("{place}.nodes"), "nodes", MAX_NODES));
        }
        Ok(())
    }

    /// Takes the full names of the nodes.
    fn names(&mut self, module: &ModuleIr, place: &str, prefix: &str) -> Result<(), Fault> {
        for (i, node) in module.nodes.iter().enumerate() {
            let at = format!("{place}.nodes[{i}].name");
            check_name(&node.name).map_err(|fault| fault.within(&at))?;
            let full = format!("{prefix}{}", node.name);
            if full.len() > MAX_NAME {
                return Err(Fault::new(at, format!("the name {full} is longer than {MAX_NAME} bytes")));
            }
            if !self.names.insert(full.clone()) {
                return Err(Fault::new(at, format!("two nodes are called {full}")));
            }
        }
        Ok(())
    }
}

impl Survey {
    /// Labels of patterns are looked up in each module around them when modules become one: their lengths, those of
    /// ids and the work are bounded before.
    fn texts(&mut self, module: &ModuleIr, place: &str, prefix: &str, depth: usize) -> Result<(), Fault> {
        let raw = module.krach.iter().flat_map(|krach| &krach.raw_graph.nodes);
        if let Some(i) = raw.map(|node| node.id.len()).position(|len| len > MAX_ID) {
            let message = format!("the id is longer than {MAX_ID} bytes");
            return Err(Fault::new(format!("{place}.krach.raw_graph.nodes[{i}].id"), message));
        }
        let mut looked_up = self.looked_up;
        let mut count = |label: &str| {
            let bytes = (prefix.len() + label.len()).saturating_mul(depth);
            looked_up = looked_up.saturating_add(bytes);
            looked_up <= MAX_LOOKED_UP
        };
        for (i, p) in module.patterns.iter().enumerate() {
            let (mut longest, mut fits) = (0, true);
            see_labels(&p.pattern, &mut |label| {
                longest = longest.max(label.len());
                fits &= count(label);
            });
            if longest > MAX_LABEL {
                let message = format!("a label is longer than {MAX_LABEL} bytes");
                return Err(Fault::new(format!("{place}.patterns[{i}].pattern"), message));
            }
            if !fits {
                let message = "labels in too many modules: whose they are takes too long to find";
                let fault = Fault::new(format!("{place}.patterns[{i}].pattern"), message);
                return Err(fault.hint("shorter labels, or fewer modules in one another"));
            }
        }
        self.looked_up = looked_up;
        Ok(())
    }
}

fn too_many(place: &str, what: &str, most: usize) -> Fault {
    Fault::new(place, format!("too many {what} (the most is {most})"))
}

/// How many names of a module, without those within, get a prefix at most.
fn names_in(module: &ModuleIr) -> usize {
    let mut labels = 0;
    for p in &module.patterns {
        see_labels(&p.pattern, &mut |_| labels += 1);
    }
    let ours = module.krach.as_deref().map_or(0, |k| {
        let raw = &k.raw_graph;
        let graph = raw.nodes.len() + 2 * raw.connections.len() + 2 * raw.exposed_controls.len();
        let targets: usize = k.macros.iter().map(|m| m.targets.len()).sum();
        let rest = k.nodes.len() + k.slots.len() + 2 * k.automations.len() + k.midi_maps.len() + targets;
        graph + rest + k.note_routes.len()
    });
    let lists = module.patterns.len() + module.controls.len() + module.automations.len() + module.muted.len();
    module.nodes.len() + 2 * module.routing.len() + lists + labels + ours
}

fn check_module(module: &ModuleIr, place: &str, prefix: &str, names: &Names) -> Result<(), Fault> {
    let known = |name: &str, at: String| {
        let full = format!("{prefix}{name}");
        if names.contains(&full) {
            return Ok(());
        }
        let fault = Fault::new(at, format!("there is no node {full}"));
        let here = names.iter().filter_map(|n| n.strip_prefix(prefix));
        Err(Fault { hint: did_you_mean(name, here), ..fault })
    };
    for (i, node) in module.nodes.iter().enumerate() {
        node.check().map_err(|fault| fault.within(&format!("{place}.nodes[{i}]")))?;
    }
    let mut sends = HashSet::new();
    for (i, route) in module.routing.iter().enumerate() {
        let at = format!("{place}.routing[{i}]");
        known(&route.source, format!("{at}.source"))?;
        known(&route.target, format!("{at}.target"))?;
        within(route.level, 0.0..=MAX_GAIN, format!("{at}.level"))?;
        let port = (route.kind == RouteKind::Wire).then_some(&route.port);
        if !sends.insert((&route.source, &route.target, port)) {
            let message = format!("{} is routed to {} twice", route.source, route.target);
            return Err(Fault::new(at, message));
        }
    }
    for (i, control) in module.controls.iter().enumerate() {
        within(control.value, f64::MIN..=f64::MAX, format!("{place}.controls[{i}].value"))?;
    }
    for (i, a) in module.automations.iter().enumerate() {
        let at = format!("{place}.automations[{i}]");
        within(a.lo, f64::MIN..=f64::MAX, format!("{at}.lo"))?;
        within(a.hi, f64::MIN..=f64::MAX, format!("{at}.hi"))?;
        if !(a.bars.is_finite() && a.bars > 0.0) {
            return Err(Fault::new(format!("{at}.bars"), "expected a number of bars above 0"));
        }
        // The table of a custom shape stands elsewhere.
        if a.shape != "custom" {
            ShapeSpec::named(&a.shape, None, None)
                .map_err(|error| Fault::new(format!("{at}.shape"), error.to_string()))?;
        }
    }
    for (i, m) in module.muted.iter().enumerate() {
        known(&m.name, format!("{place}.muted[{i}].name"))?;
        within(m.saved_gain, 0.0..=MAX_GAIN, format!("{place}.muted[{i}].saved_gain"))?;
    }
    for (ends, what) in [(&module.inputs, "inputs"), (&module.outputs, "outputs")] {
        for (i, name) in ends.iter().flatten().enumerate() {
            known(name, format!("{place}.{what}[{i}]"))?;
        }
    }
    for (i, sub) in module.sub_modules.iter().enumerate() {
        let prefix = format!("{prefix}{}/", sub.prefix);
        check_module(&sub.module, &format!("{place}.sub_modules[{i}].module"), &prefix, names)?;
    }
    Ok(())
}

impl NodeIr {
    /// What is wrong with the node by itself.
    ///
    /// # Errors
    /// The fault, with its path within the node.
    pub fn check(&self) -> Result<(), Fault> {
        check_name(&self.name).map_err(|fault| fault.within("$.name"))?;
        within(self.gain, 0.0..=MAX_GAIN, "$.gain".to_owned())?;
        if !(1..=MAX_COUNT).contains(&self.count) {
            let fault = Fault::new("$.count", format!("{} voices", self.count));
            return Err(fault.hint(format!("1 to {MAX_COUNT}")));
        }
        if self.init.len() > MAX_INIT {
            return Err(too_many("$.init", "values that a node begins with", MAX_INIT));
        }
        for (i, (_, value)) in self.init.iter().enumerate() {
            within(*value, f64::MIN..=f64::MAX, format!("$.init[{i}][1]"))?;
        }
        match &self.source {
            Source::Graph(graph) => graph.check().map_err(|fault| fault.within("$.source")),
            Source::Type(id) if id.is_empty() => Err(Fault::new("$.source", "no type is named")),
            Source::Type(_) => Ok(()),
            Source::Text(text) if text.len() > MAX_TEXT => {
                Err(Fault::new("$.source", format!("a text has at most {MAX_TEXT} bytes")))
            }
            Source::Text(_) => Ok(()),
        }
    }
}

/// Longest text of a node, in bytes.
const MAX_TEXT: usize = 1 << 20;

fn within(x: f64, range: std::ops::RangeInclusive<f64>, place: String) -> Result<(), Fault> {
    if range.contains(&x) {
        return Ok(());
    }
    let fault = Fault::new(place, format!("{} is out of range", shown(x)));
    Err(match *range.end() {
        f64::MAX => fault.hint("a finite number"),
        end => fault.hint(format!("{} to {end}", range.start())),
    })
}
