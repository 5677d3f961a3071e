//! Modules within modules: names that get a prefix, and trees that become one flat module.

use super::module::{Krach, ModuleIr, SubModuleIr};
use crate::graph::{Beginnings, RawGraph};
use krach_patterns::Pattern;
use std::ops::Range;
use std::sync::Arc;

/// The module with every name under `prefix/`: nodes, the ends of routes, targets of patterns, mutes,
/// paths, inputs and outputs, the prefixes of modules within, and our own sections. Ports keep their names.
///
/// Labels in patterns that are bound to a node of the module (`kick/cutoff`) go with the node; others stay.
pub fn prefix_ir(module: &ModuleIr, prefix: &str) -> ModuleIr {
    let mut module = module.clone();
    let mut own = Beginnings::default();
    collect_names(&module, "", &mut own);
    let name = |name: &mut String| *name = format!("{prefix}/{name}");
    module.nodes.iter_mut().for_each(|n| name(&mut n.name));
    for r in &mut module.routing {
        name(&mut r.source);
        name(&mut r.target);
    }
    for p in &mut module.patterns {
        name(&mut p.target);
        prefix_labels(&mut p.pattern, prefix, &own);
    }
    module.controls.iter_mut().for_each(|c| name(&mut c.path));
    module.automations.iter_mut().for_each(|a| name(&mut a.path));
    module.muted.iter_mut().for_each(|m| name(&mut m.name));
    for ends in [&mut module.inputs, &mut module.outputs].into_iter().flatten() {
        ends.iter_mut().for_each(name);
    }
    module.sub_modules.iter_mut().for_each(|s| name(&mut s.prefix));
    if let Some(krach) = &mut module.krach {
        prefix_krach(krach, prefix);
    }
    module
}

fn prefix_krach(krach: &mut Krach, prefix: &str) {
    let name = |name: &mut String| *name = format!("{prefix}/{name}");
    let RawGraph { nodes, connections, exposed_controls } = &mut krach.raw_graph;
    nodes.iter_mut().for_each(|n| name(&mut n.id));
    for c in connections {
        name(&mut c.from_node);
        name(&mut c.to_node);
    }
    *exposed_controls = std::mem::take(exposed_controls)
        .into_iter()
        .map(|(label, (node, control))| (format!("{prefix}/{label}"), (format!("{prefix}/{node}"), control)))
        .collect();
    krach.nodes = under(&mut krach.nodes, prefix);
    krach.slots = under(&mut krach.slots, prefix);
    krach.automations = under(&mut krach.automations, prefix);
    krach.automations.values_mut().for_each(|a| name(&mut a.label));
    krach.midi_maps.iter_mut().for_each(|m| name(&mut m.label));
    krach.macros.iter_mut().flat_map(|m| &mut m.targets).for_each(|target| name(&mut target.label));
    krach.note_routes.iter_mut().for_each(|r| name(&mut r.node));
}

fn under<T>(
    entries: &mut std::collections::BTreeMap<String, T>,
    prefix: &str,
) -> std::collections::BTreeMap<String, T> {
    std::mem::take(entries).into_iter().map(|(key, entry)| (format!("{prefix}/{key}"), entry)).collect()
}

fn collect_names(module: &ModuleIr, prefix: &str, names: &mut Beginnings<String, ()>) {
    let raw = module.krach.iter().flat_map(|krach| &krach.raw_graph.nodes).map(|n| &n.id);
    for name in module.nodes.iter().map(|n| &n.name).chain(raw) {
        names.entry(format!("{prefix}{name}"), || ());
    }
    for sub in &module.sub_modules {
        collect_names(&sub.module, &format!("{prefix}{}/", sub.prefix), names);
    }
}

/// Patterns are shared: one that needs no change stays the same.
fn prefix_labels(pattern: &mut Arc<Pattern>, prefix: &str, own: &Beginnings<String, ()>) {
    let is_own = |label: &str| own.of(label).next().is_some();
    relabel(pattern, &mut |label| is_own(label).then(|| format!("{prefix}/{label}")));
}

/// Gives labels other names, where `rename` says one; a pattern without any is not copied.
fn relabel(pattern: &mut Arc<Pattern>, rename: &mut dyn FnMut(&str) -> Option<String>) {
    let mut any = false;
    see_labels(pattern, &mut |label| any = any || rename(label).is_some());
    if any {
        visit_labels(Arc::make_mut(pattern), &mut |label| {
            if let Some(other) = rename(label) {
                *label = other;
            }
        });
    }
}

/// Every label of a pattern.
pub(super) fn see_labels(pattern: &Pattern, see: &mut dyn FnMut(&str)) {
    if let Some(label) = pattern.label() {
        see(label);
    }
    pattern.children().into_iter().for_each(|child| see_labels(child, see));
}

fn visit_labels(pattern: &mut Pattern, visit: &mut dyn FnMut(&mut String)) {
    if let Some(label) = pattern.label_mut() {
        visit(label);
    }
    pattern.children_mut().into_iter().for_each(|child| visit_labels(child, visit));
}

/// The module without modules within: each is flattened, gets its prefix, and is appended in order, depth
/// first. Of tempo, meter and master the outermost that is given counts, then the first within; of
/// inputs, outputs and settings only the outermost. Names are not checked: see [`ModuleIr::check`].
pub fn flatten(module: &ModuleIr) -> ModuleIr {
    flattened(module.clone())
}

/// As [`flatten`], by value: each name is made once, whatever the depth.
pub(crate) fn flattened(mut module: ModuleIr) -> ModuleIr {
    if module.sub_modules.is_empty() {
        return module;
    }
    let mut owners = Owners::default();
    owners.number(&module, "");
    let subs = std::mem::take(&mut module.sub_modules);
    let mut way = vec![Level { prefix: String::new(), own: String::new(), modules: 0..owners.modules }];
    let mut next = 1;
    for sub in subs {
        append(&mut module, sub, &mut way, &mut next, &owners);
    }
    module
}

/// A module on the way to the one in hand.
struct Level {
    /// What its names begin with in the outermost module, `/` included.
    prefix: String,
    /// The same in the module around it.
    own: String,
    /// Its number and those of the modules within.
    modules: Range<u32>,
}

/// Which modules have a node of a name, by its name in the outermost one.
#[derive(Default)]
struct Owners {
    names: Beginnings<String, Vec<u32>>,
    modules: u32,
    /// The number after the last of the modules within, by module.
    ends: Vec<u32>,
}

impl Owners {
    fn number(&mut self, module: &ModuleIr, prefix: &str) {
        let number = self.modules;
        self.modules += 1;
        self.ends.push(0);
        let raw = module.krach.iter().flat_map(|krach| &krach.raw_graph.nodes).map(|n| &n.id);
        for name in module.nodes.iter().map(|n| &n.name).chain(raw) {
            self.names.entry(format!("{prefix}{name}"), Vec::new).push(number);
        }
        for sub in &module.sub_modules {
            self.number(&sub.module, &format!("{prefix}{}/", sub.prefix));
        }
        self.ends[number as usize] = self.modules;
    }

    /// Is a label bound to a node of that module or of one within?
    fn own(&self, level: &Level, label: &str) -> bool {
        let full = format!("{}{label}", level.prefix);
        let mut names = self.names.of(&full).skip_while(|(at, _)| *at < level.prefix.len());
        names.any(|(_, modules)| modules.iter().any(|module| level.modules.contains(module)))
    }

    /// The label as the outermost module has it; `None` if that is the same. Each module on the way, from
    /// the innermost out, gives its prefix to a label that is bound within it.
    fn label(&self, way: &[Level], label: &str) -> Option<String> {
        let mut named: Option<String> = None;
        for level in way.iter().skip(1).rev() {
            let label = named.as_deref().unwrap_or(label);
            if self.own(level, label) {
                named = Some(format!("{}{label}", level.own));
            }
        }
        named
    }
}

/// Puts a module within another, and those within it, at the end of the outermost one.
fn append(flat: &mut ModuleIr, sub: SubModuleIr, way: &mut Vec<Level>, next: &mut u32, owners: &Owners) {
    let SubModuleIr { prefix: own, module, .. } = sub;
    let prefix = format!("{}{own}/", way.last().map_or("", |level| level.prefix.as_str()));
    way.push(Level { prefix, own: format!("{own}/"), modules: *next..owners.ends[*next as usize] });
    *next += 1;
    take(flat, module, way, next, owners);
    way.pop();
}

fn take(flat: &mut ModuleIr, module: ModuleIr, way: &mut Vec<Level>, next: &mut u32, owners: &Owners) {
    let prefix = way.last().map_or("", |level| level.prefix.as_str()).to_owned();
    let under = |name: &str| format!("{prefix}{name}");
    let name = |name: &mut String| *name = under(name);
    let ModuleIr { nodes, routing, patterns, controls, automations, muted, .. } = module;
    flat.nodes.extend(nodes.into_iter().map(|mut n| {
        name(&mut n.name);
        n
    }));
    flat.routing.extend(routing.into_iter().map(|mut r| {
        name(&mut r.source);
        name(&mut r.target);
        r
    }));
    flat.patterns.extend(patterns.into_iter().map(|mut p| {
        name(&mut p.target);
        relabel(&mut p.pattern, &mut |label| owners.label(way, label));
        p
    }));
    flat.controls.extend(controls.into_iter().map(|mut c| {
        name(&mut c.path);
        c
    }));
    flat.automations.extend(automations.into_iter().map(|mut a| {
        name(&mut a.path);
        a
    }));
    flat.muted.extend(muted.into_iter().map(|mut m| {
        name(&mut m.name);
        m
    }));
    flat.tempo = flat.tempo.or(module.tempo);
    flat.meter = flat.meter.or(module.meter);
    flat.master = flat.master.or(module.master);
    if let Some(mut within) = module.krach {
        prefix_krach(&mut within, prefix.strip_suffix('/').unwrap_or(&prefix));
        merge_krach(flat.krach.get_or_insert_default(), *within);
    }
    for sub in module.sub_modules {
        append(flat, sub, way, next, owners);
    }
}

/// Takes over what belongs to nodes; settings stay the outer module's.
fn merge_krach(krach: &mut Krach, within: Krach) {
    krach.raw_graph.nodes.extend(within.raw_graph.nodes);
    krach.raw_graph.connections.extend(within.raw_graph.connections);
    krach.raw_graph.exposed_controls.extend(within.raw_graph.exposed_controls);
    krach.nodes.extend(within.nodes);
    krach.slots.extend(within.slots);
    krach.automations.extend(within.automations);
    krach.midi_maps.extend(within.midi_maps);
    for theirs in within.macros {
        if krach.macros.iter().all(|ours| ours.number != theirs.number) {
            krach.macros.push(theirs);
        }
    }
    for (id, source) in within.sources {
        krach.sources.entry(id).or_insert(source);
    }
    krach.libraries = krach.libraries.take().or(within.libraries);
}
