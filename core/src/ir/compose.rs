//! Modules within modules: names that get a prefix, and trees that become one flat module.

use super::module::{Krach, ModuleIr};
use crate::graph_ir::RawGraph;
use krach_patterns::{Pattern, Value};
use std::collections::HashSet;
use std::sync::Arc;

/// The module with every name under `prefix/`: nodes, the ends of routes, targets of patterns, mutes,
/// paths, inputs and outputs, the prefixes of modules within, and our own sections. Ports keep their names.
///
/// Labels in patterns that are bound to a node of the module (`kick/cutoff`) go with the node; others stay.
pub fn prefix_ir(module: &ModuleIr, prefix: &str) -> ModuleIr {
    let mut module = module.clone();
    let mut own = HashSet::new();
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
    krach.note_routes.iter_mut().for_each(|r| name(&mut r.node));
}

fn under<T>(
    entries: &mut std::collections::BTreeMap<String, T>,
    prefix: &str,
) -> std::collections::BTreeMap<String, T> {
    std::mem::take(entries).into_iter().map(|(key, entry)| (format!("{prefix}/{key}"), entry)).collect()
}

fn collect_names(module: &ModuleIr, prefix: &str, names: &mut HashSet<String>) {
    names.extend(module.nodes.iter().map(|n| format!("{prefix}{}", n.name)));
    if let Some(krach) = &module.krach {
        names.extend(krach.raw_graph.nodes.iter().map(|n| format!("{prefix}{}", n.id)));
    }
    for sub in &module.sub_modules {
        collect_names(&sub.module, &format!("{prefix}{}/", sub.prefix), names);
    }
}

/// Patterns are shared: one that needs no change stays the same.
fn prefix_labels(pattern: &mut Arc<Pattern>, prefix: &str, own: &HashSet<String>) {
    let is_own = |label: &str| label.match_indices('/').any(|(at, _)| own.contains(&label[..at]));
    let mut any = false;
    visit_labels(Arc::make_mut(&mut pattern.clone()), &mut |label| any |= is_own(label));
    if any {
        visit_labels(Arc::make_mut(pattern), &mut |label| {
            if is_own(label) {
                *label = format!("{prefix}/{label}");
            }
        });
    }
}

fn visit_labels(pattern: &mut Pattern, visit: &mut dyn FnMut(&mut String)) {
    if let Pattern::Atom { value: Value::Control { label, .. }, .. } | Pattern::Shape { label, .. } = pattern
    {
        visit(label);
    }
    pattern.children_mut().into_iter().for_each(|child| visit_labels(child, visit));
}

/// The module without modules within: each is flattened, gets its prefix, and is appended in order, depth
/// first. Of tempo, meter and master the outermost that is given counts, then the first within; of
/// inputs, outputs and settings only the outermost. Names are not checked: see [`ModuleIr::check`].
pub fn flatten(module: &ModuleIr) -> ModuleIr {
    let mut flat = module.clone();
    for sub in std::mem::take(&mut flat.sub_modules) {
        let inner = prefix_ir(&flatten(&sub.module), &sub.prefix);
        flat.nodes.extend(inner.nodes);
        flat.routing.extend(inner.routing);
        flat.patterns.extend(inner.patterns);
        flat.controls.extend(inner.controls);
        flat.automations.extend(inner.automations);
        flat.muted.extend(inner.muted);
        flat.tempo = flat.tempo.or(inner.tempo);
        flat.meter = flat.meter.or(inner.meter);
        flat.master = flat.master.or(inner.master);
        if let Some(within) = inner.krach {
            merge_krach(flat.krach.get_or_insert_default(), *within);
        }
    }
    flat
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
    for (id, source) in within.sources {
        krach.sources.entry(id).or_insert(source);
    }
    krach.libraries = krach.libraries.take().or(within.libraries);
}
